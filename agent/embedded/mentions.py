"""A question as a sketch: its words with every mention of the schema replaced by a code.

"how many applicants older than 40 own a house" becomes "how many E0 O0 than N0 C0". The codes: F feature,
C category, K class, T target, O comparative, N number, E rows, I one row, Q quotation, W word with digits in it.
Later passes read selections (S), changes (X) and rows (R) off the sketch with patterns; what is read is taken out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from askwhy.agent.embedded.english import patterns
from askwhy.agent.embedded.lexicon import Lexicon, Named, lexicon
from askwhy.agent.embedded.numbers import Number, number_at
from askwhy.agent.embedded.words import SMALL, VOCABULARY, Token, stem, tokens
from askwhy.tools.schema import Category, Feature, Schema
from askwhy.tools.scope import Change, Condition


@dataclass(frozen=True)
class Slot:
    """What a code of the sketch stands for; `text` is as written."""

    text: str
    named: Named | None = None
    number: Number | None = None
    unit: str = ""


@dataclass
class Reading:
    """A question being read. `text` is the sketch; the passes fill the rest and shorten it."""

    schema: Schema
    question: str
    text: str = ""
    slots: dict[str, Slot] = field(default_factory=dict)
    selections: dict[str, tuple[Condition, ...]] = field(default_factory=dict)
    changes: list[Change] = field(default_factory=list)
    rows: list[str] = field(default_factory=list)
    quoted: str | None = None
    keep: list[Feature] = field(default_factory=list)
    only: list[Feature] = field(default_factory=list)
    span: tuple[float, float] | None = None
    previous: bool = False
    unsure: list[str] = field(default_factory=list)

    def take(self, name: str, use: Callable[[re.Match[str]], str | None]) -> None:
        """Replace every match of the patterns of a name by what `use` makes of it; None leaves it as it is."""
        for pattern in patterns(name):
            self._take(pattern, use)

    def _take(self, pattern: re.Pattern[str], use: Callable[[re.Match[str]], str | None]) -> None:
        position = 0
        while match := pattern.search(self.text, position):
            new = use(match)
            if new is None:
                position = match.start() + 1
                continue
            rows = [code for code in re.findall(r"\bR\d+\b", match[0]) if code not in new]
            new = " ".join([new, *rows, ""]) if rows else new
            self.text = f"{self.text[: match.start()]}{new}{self.text[match.end() :]}"
            position = match.start() + len(new)
        self.text = " ".join(self.text.split())

    def select(self, *conditions: Condition) -> str:
        """The code of a selection by these conditions."""
        code = f"S{len(self.selections)}"
        self.selections[code] = conditions
        return f" {code} "

    def change(self, change: Change) -> str:
        """The code of a change."""
        self.changes.append(change)
        return f" X{len(self.changes) - 1} "

    def feature(self, code: str) -> Feature:
        """The feature of an F code."""
        named = self.slots[code].named
        assert named is not None and named.feature is not None
        return named.feature

    def number(self, code: str) -> Number:
        """The number of an N code."""
        number = self.slots[code].number
        assert number is not None
        return number

    def category(self, code: str) -> tuple[Feature, Category]:
        """The feature and category of a C code: of the feature that the question names, if the word fits several."""
        choices = [(one, other) for one, other in self._choices(code) if isinstance(other, Category)]
        named = [choice for choice in choices if choice[0] in self.features()]
        if len(choices) > 1 and len(named) != 1:
            self.unsure = [f"{feature.label} {category.label}" for feature, category in choices]
        return (named or choices)[0]

    def direction(self, code: str) -> tuple[Feature, int] | None:
        """The feature and sign of an O code; None where the word fits several features and none is named."""
        choices = [(one, other) for one, other in self._choices(code) if isinstance(other, int)]
        named = [choice for choice in choices if choice[0] in self.features()] or choices
        return named[0] if len(named) == 1 else None

    def sign(self, code: str) -> int:
        """1 for "older", -1 for "younger", whatever the feature."""
        sign = self._choices(code)[0][1]
        assert isinstance(sign, int)
        return sign

    def label(self, code: str) -> str:
        """The class of a K code."""
        named = self.slots[code].named
        assert named is not None and named.label is not None
        return named.label

    def features(self) -> list[Feature]:
        """Every feature that the question names, in order, whether read already or not."""
        return [slot.named.feature for slot in self.slots.values() if slot.named and slot.named.feature]

    def left(self, kind: str) -> list[str]:
        """The codes of a kind that no pass has read, in order."""
        return list(dict.fromkeys(re.findall(rf"\b{kind}\d+\b", self.text)))

    def with_unit(self, unit: str) -> list[Feature]:
        """Features measured in a unit."""
        return list(lexicon(self.schema).units.get(unit, ()))

    def _choices(self, code: str) -> tuple[tuple[Feature, Category | int], ...]:
        named = self.slots[code].named
        return named.choices if named else ()


_HOLDING = re.compile(r"(?:contain|mention)(?:s|ed|ing)?")


def sketch(question: str, schema: Schema) -> Reading:
    """The question with its mentions found and nothing read yet."""
    reading, words, found = Reading(schema, question), lexicon(schema), tokens(question)
    parts: list[str] = []
    position = 0
    while position < len(found):
        kind, slot, end = mention_at(found, position, words)
        if kind is None:
            parts.append(found[position].low)
        else:
            code = f"{kind}{sum(name[0] == kind for name in reading.slots)}"
            reading.slots[code] = slot
            # "how old" and "how long" name a feature, but stay questions.
            parts += ["how", code] if found[position].low == "how" else [code]
        position = end
    reading.text = " ".join(parts)
    return reading


def mention_at(
    found: Sequence[Token], start: int, words: Lexicon, *, misspelt: bool = True
) -> tuple[str | None, Slot, int]:
    """The code letter of what is mentioned at a token (None for a word of no kind), what it is, and the token after it.

    `misspelt`: whether a name with a slip in it counts.
    """
    token = found[start]
    if token.kind == "quote" or (words.text and _said(found, start)):
        return "Q", Slot(token.text), start + 1
    if link := words.at(found, start):
        return link[0].kind, Slot(_written(found, start, link[1]), link[0]), link[1]
    if (rows := _rows(found, start, words)) is not None:
        return rows[0], Slot(token.text), rows[1]
    number = number_at(found, start)
    if number is not None and (not number[0].ordinal or _rows(found, number[1], words)):
        unit, end = _unit(found, number[1], words)
        return "N", Slot(number[0].text, number=number[0], unit=unit), end
    if misspelt and (link := words.nearly(found, start)):
        return link[0].kind, Slot(_written(found, start, link[1]), link[0]), link[1]
    if token.kind == "word" and re.search(r"\d", token.low):
        return "W", Slot(token.text), start + 1
    return None, Slot(token.text), start + 1


def _said(found: Sequence[Token], start: int) -> bool:
    """Whether a word of a text is meant: "the word refund", "that contain refund"."""
    before = [token.low for token in found[max(0, start - 2) : start]]
    named = before in (["the", "word"], ["the", "phrase"], ["the", "words"])
    holding = bool(before) and _HOLDING.fullmatch(before[-1])
    return bool(named or holding) and found[start].low not in VOCABULARY | SMALL


def _written(found: Sequence[Token], start: int, end: int) -> str:
    return " ".join(token.text for token in found[start:end])


def _rows(found: Sequence[Token], start: int, words: Lexicon) -> tuple[str, int] | None:
    """E or I for a word that means rows or one row."""
    low = found[start].low if start < len(found) else ""
    if low == "data" and start + 1 < len(found) and stem(found[start + 1].low) in ("point", "row", "instance"):
        return ("E" if found[start + 1].low.endswith("s") else "I"), start + 2
    if low == "those" and start + 1 < len(found) and found[start + 1].low in words.many:
        return None  # "those applicants" points back, "those under 30" does not
    if low == "case" and start and found[start - 1].low in ("in", "worst", "best"):
        return None
    return ("E", start + 1) if low in words.many else ("I", start + 1) if low in words.one else None


def _unit(found: Sequence[Token], start: int, words: Lexicon) -> tuple[str, int]:
    """The unit after a number, and the token after it: "12 months", "10 points"."""
    word = stem(found[start].low) if start < len(found) else ""
    if word in words.units and not words.at(found, start):
        return word, start + 1
    return ("", start + 1) if word in ("point", "unit") else ("", start)
