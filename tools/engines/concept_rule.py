"""Reads a concept that a person writes as a rule: "duration > 36 and savings = little".

    rule = term {"or" term}    term = factor {"and" factor}    factor = "not" factor | "(" rule ")" | test

A test compares a feature with a value (= != < <= > >= is, is not, over, under, at least, at most, contains, in (a, b)),
asks whether it is missing ("income is missing"), or names a member of the library: "high age", "low income", a
category. Case does not matter; values that hold words of the grammar may stand in quotes.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import pandas as pd

from askwhy.tools.engines.concepts import Concept, named, shortest
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import AnyOf, Comparison, Condition, Where, opposite

MOST_TESTS = 32
"""A rule longer than this, once multiplied out, is refused."""

LONGEST_RULE = 500
"""Characters."""

_QUOTED = r"\"[^\"]*\"|'[^']*'|“[^”]*”"
_TOKEN = re.compile(
    rf"\s*(?P<quoted>{_QUOTED})|\s*(?P<mark>[()]|,|[<>]=?|==?|!=|≤|≥|≠)|\s*(?P<word>[^\s()<>=!,≤≥≠\"'“]+|['!])"
)
_SIGNS: dict[str, Comparison] = {
    "=": "eq", "==": "eq", "!=": "ne", "≠": "ne", "<": "lt", "<=": "le", "≤": "le", ">": "gt", ">=": "ge", "≥": "ge",
}  # fmt: skip
_PHRASES: dict[tuple[str, ...], Comparison] = {
    ("is", "not"): "ne", ("is",): "eq", ("are",): "eq", ("equals",): "eq", ("contains",): "contains",
    ("is", "over"): "gt", ("is", "above"): "gt", ("is", "more", "than"): "gt", ("is", "under"): "lt",
    ("is", "below"): "lt", ("is", "less", "than"): "lt", ("is", "at", "least"): "ge", ("is", "at", "most"): "le",
    ("over",): "gt", ("above",): "gt", ("more", "than"): "gt", ("under",): "lt", ("below",): "lt",
    ("less", "than"): "lt", ("at", "least"): "ge", ("at", "most"): "le",
}  # fmt: skip
_BY_LENGTH = sorted(_PHRASES, key=len, reverse=True)
_LONGEST_NAME = 12
_KEYWORDS = ("and", "or", "not", "(", ")")

Found = TypeVar("Found")
Clauses = tuple[tuple[Condition, ...], ...]
"""All of any-of, as in `Where`."""


@dataclass(frozen=True)
class _Token:
    text: str
    quoted: bool = False

    @property
    def key(self) -> str:
        """What it is compared with: keywords are never quoted."""
        return "" if self.quoted else self.text.lower()


def read_concept(schema: Schema, data: pd.DataFrame, rule: str) -> Concept:
    """The concept that a rule or a name of the library means. Raises ToolError for what is neither."""
    reader = _Reader(schema, data, _tokens(rule))
    clauses = reader.rule()
    if reader.left:
        raise ToolError(f"In the rule “{rule}”, “{reader.left[0].text}” was not expected.")
    return Concept.of(schema, Where(all=tuple(AnyOf(any=clause) for clause in dict.fromkeys(clauses))))


def _tokens(rule: str) -> list[_Token]:
    found, place = [], 0
    text = rule.strip()
    if len(text) > LONGEST_RULE or text.count("(") > MOST_TESTS:
        raise ToolError("The rule is too long; a concept should be one that a person has a word for.")
    while place < len(text):
        match = _TOKEN.match(text, place)
        if match is None:
            raise ToolError(f"The rule “{rule}” cannot be read from “{text[place : place + 20]}” on.")
        quoted = match["quoted"]
        found.append(_Token(quoted[1:-1], True) if quoted else _Token(match["mark"] or match["word"]))
        place = match.end()
    if not found:
        raise ToolError("Say which concept, as a rule such as “age > 40”.")
    return found


class _Reader:
    """Reads tokens by recursive descent into clauses (all of any-of)."""

    def __init__(self, schema: Schema, data: pd.DataFrame, tokens: list[_Token]) -> None:
        self.schema, self.data, self.left = schema, data, tokens

    def rule(self) -> Clauses:
        clauses = self._term()
        while self._take("or"):
            clauses = _either(clauses, self._term())
        return clauses

    def _term(self) -> Clauses:
        clauses = self._factor()
        while self._take("and"):
            clauses = clauses + self._factor()
        return clauses

    def _factor(self) -> Clauses:
        if self._take("not"):
            return _negated(self._factor())
        if self._take("("):
            clauses = self.rule()
            if not self._take(")"):
                raise ToolError("A bracket in the rule is not closed.")
            return clauses
        return self._test()

    def _take(self, key: str) -> bool:
        if not self.left or self.left[0].key != key:
            return False
        self.left.pop(0)
        return True

    def _test(self) -> Clauses:
        if not self.left or self.left[0].key in _KEYWORDS:
            at = f" before “{self.left[0].text}”" if self.left else " at the end of the rule"
            raise ToolError(f"A feature or a category is missing{at}.")
        feature = self._longest(self.schema.feature)
        if feature is None:
            return ((self._named(),),)
        if self._take("missing") or self._phrase("is", "missing"):
            return ((Condition(feature=feature.name, op="missing"),),)
        if [token.key for token in self.left[:2]] == ["in", "("]:
            return (tuple(_condition(feature, "eq", value) for value in self._values(feature)),)
        if feature.kind == "boolean" and (not self.left or self.left[0].key in _KEYWORDS):
            return ((Condition(feature=feature.name, value=True),),)
        op = self._comparison() if self._starts_comparison() else "eq"
        return ((_condition(feature, op, self._value(feature)),),)

    def _longest(self, look: Callable[[str], Found]) -> Found | None:
        """What the longest run of tokens names; names may hold words of the grammar, as in "is member"."""
        for count in range(min(_LONGEST_NAME, len(self.left)), 0, -1):
            try:
                found = look(" ".join(token.text for token in self.left[:count]))
            except UnknownName:
                continue
            del self.left[:count]
            return found
        return None

    def _named(self) -> Condition:
        found = self._longest(functools.partial(named, self.schema, self.data))
        if found is not None:
            return found
        words = itertools.takewhile(lambda token: token.key not in _KEYWORDS and token.key not in _SIGNS, self.left)
        name = " ".join(token.text for token in words)
        if len(self.left) > 1 and self.left[1].key in _SIGNS:
            self.schema.feature(name)
        return named(self.schema, self.data, name)

    def _phrase(self, *keys: str) -> bool:
        if tuple(token.key for token in self.left[: len(keys)]) != keys:
            return False
        del self.left[: len(keys)]
        return True

    def _starts_comparison(self) -> bool:
        keys = [token.key for token in self.left[:3]]
        return bool(keys) and (keys[0] in _SIGNS or any(tuple(keys[: len(one)]) == one for one in _BY_LENGTH))

    def _comparison(self) -> Comparison:
        key = self.left[0].key
        if key in _SIGNS:
            self.left.pop(0)
            return _SIGNS[key]
        return _PHRASES[next(one for one in _BY_LENGTH if self._phrase(*one))]

    def _values(self, feature: Feature) -> list[str]:
        del self.left[:2]
        found = [self._value(feature)]
        while self._take(","):
            found.append(self._value(feature))
        if not self._take(")"):
            raise ToolError("A bracket in the rule is not closed.")
        return found

    def _value(self, feature: Feature) -> str:
        category = self._longest(feature.category) if feature.categories else None
        if category is not None:
            return category.label
        words = []
        while self.left and self.left[0].key not in (*_KEYWORDS, ","):
            words.append(self.left.pop(0).text)
        if not words:
            raise ToolError(f"A value is missing after {feature.label}.")
        return " ".join(words)


def _condition(feature: Feature, op: Comparison, text: str) -> Condition:
    """A test of one feature; its value is read as the feature's kind. Raises ToolError for what it cannot be."""
    if op == "contains":
        return Condition(feature=feature.name, op=op, value=text)
    if feature.categories:
        if op not in ("eq", "ne"):
            raise ToolError(f"{feature.label} is not a number, so it has no larger or smaller.")
        return Condition(feature=feature.name, op=op, value=feature.category(text).value)
    if not feature.numeric:
        return Condition(feature=feature.name, op=op, value=text)
    try:
        number = float(text)
    except ValueError:
        raise ToolError(f"{feature.label} is a number, so it cannot be compared with “{text}”.") from None
    if not np.isfinite(number):
        raise ToolError(f"{feature.label} needs a finite number.")
    return Condition(feature=feature.name, op=op, value=shortest(number))


def _either(first: Clauses, second: Clauses) -> Clauses:
    found = tuple((*one, *other) for one in first for other in second)
    if sum(map(len, found)) > MOST_TESTS:
        raise ToolError("The rule is too long; a concept should be one that a person has a word for.")
    return found


def _negated(clauses: Clauses) -> Clauses:
    """By De Morgan: one of the clauses fails, and a clause fails where all of its tests do."""
    return functools.reduce(_either, (tuple((_opposite(one),) for one in clause) for clause in clauses))


def _opposite(condition: Condition) -> Condition:
    other = opposite(condition.op)
    if other is None:
        return condition.model_copy(update={"negated": not condition.negated})
    return condition.model_copy(update={"op": other})
