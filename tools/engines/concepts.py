"""Concepts on tables: a selection of rows by features, with its words, and a library that fits any table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.listing import shown
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import Comparison, Condition, Where, opposite
from askwhy.tools.subject import plain

BAND = 0.25
"""High and low mean the highest and lowest quarter of the data."""

_HIGH, _LOW = ("high", "higher", "large"), ("low", "lower", "small")


@dataclass(frozen=True)
class Concept:
    """A concept with its words, the rows it selects and the features that define it."""

    words: str
    where: Where
    features: tuple[str, ...]

    @classmethod
    def of(cls, schema: Schema, where: Where) -> Concept:
        """The concept that a selection means. ToolError where it is not about features."""
        conditions = where.conditions()
        if not conditions:
            raise ToolError("Say which concept, as a rule such as “age > 40”.")
        if any(one.on != "feature" for one in conditions):
            raise ToolError("A concept is defined by features: neither by predictions, ids nor true values.")
        names = {schema.feature(one.feature or "").name for one in conditions}
        return cls(where_words(schema, where), where, tuple(name for name in schema.names if name in names))


def named(schema: Schema, data: pd.DataFrame, name: str) -> Condition:
    """The test that a name of the library means: "high age", "missing income", a category, a yes-or-no feature.

    Raises UnknownName with the nearest names if there is none.
    """
    first, _, rest = name.lower().partition(" ")
    if first in (*_HIGH, *_LOW) and rest:
        return band(schema.feature(name[len(first) + 1 :]), data, first in _HIGH)
    if first in ("missing", "unknown") and rest:
        return Condition(feature=schema.feature(name[len(first) + 1 :]).name, op="missing")
    if name.lower().endswith(" missing"):
        return Condition(feature=schema.feature(name[: -len(" missing")]).name, op="missing")
    for feature in schema.features:
        if feature.kind == "boolean" and name.lower() in {word.lower() for word in feature.words()}:
            return Condition(feature=feature.name, value=True)
    return _category(schema, name)


def _category(schema: Schema, name: str) -> Condition:
    """The one category of this name; also "sex female" with its feature before it."""
    found = []
    for feature in schema.features:
        own = {word.lower() for word in feature.words()}
        for category in feature.categories:
            words = {word.lower() for word in category.words()}
            if name.lower() in words | {f"{one} {word}" for one in own for word in words}:
                found.append(Condition(feature=feature.name, value=category.value))
    if len(found) > 1:
        options = " or ".join(f"“{schema.feature(one.feature or '').label} is {name}”" for one in found[:3])
        raise ToolError(f"“{name}” is a value of several features; say {options}.")
    if not found:
        labels = [category.label for feature in schema.features for category in feature.categories]
        bands = [
            f"{word} {feature.label}" for feature in schema.features if feature.numeric for word in ("high", "low")
        ]
        raise UnknownName("concept", name, [*labels, *bands, *(feature.label for feature in schema.features)])
    return found[0]


def band(feature: Feature, data: pd.DataFrame, high: bool) -> Condition:
    """The highest or lowest quarter of a number. ToolError where most rows share one value, or it is no number."""
    if not feature.numeric:
        raise ToolError(f"{feature.label} is not a number, so it is neither high nor low.")
    cells = np.asarray(data[feature.name].dropna(), dtype=float)
    tests = _band_tests(cells, high) if len(cells) else []
    if not tests:
        raise ToolError(f"{feature.label} varies too little to call some of its values {'high' if high else 'low'}.")
    op, value, _ = min(tests, key=lambda test: abs(test[2] - BAND))
    return Condition(feature=feature.name, op=op, value=shortest(value))


def _band_tests(cells: Any, high: bool) -> list[tuple[Comparison, float, float]]:
    """Ways to cut at the quartile, with the share of rows inside; those that take none or over half are left out."""
    edge = float(f"{np.quantile(cells, 1 - BAND if high else BAND, method='nearest'):.3g}")
    tests: list[tuple[Comparison, float, float]] = (
        [("ge", edge, float((cells >= edge).mean())), ("gt", edge, float((cells > edge).mean()))]
        if high
        else [("le", edge, float((cells <= edge).mean())), ("lt", edge, float((cells < edge).mean()))]
    )
    return [test for test in tests if 0 < test[2] <= 0.5]


def shortest(number: float) -> float | int:
    """A whole number as an integer."""
    return int(number) if number.is_integer() else number


def library(schema: Schema, data: pd.DataFrame, fewest: int, most: int) -> list[Concept]:
    """Concepts that can be asked of any table: categories, high and low numbers, missing values.

    Each has at least `fewest` rows inside and outside; of more than `most`, the most even ones are kept. Of two
    categories that exclude each other and leave no third, one stands for both.
    """
    found: list[tuple[int, Concept]] = []
    for feature in schema.features:
        for condition, inside in _of_feature(feature, data):
            even = min(inside, len(data) - inside)
            if even >= fewest:
                found.append((even, Concept.of(schema, Where.of(condition))))
    kept = sorted(found, key=lambda one: (-one[0], one[1].words))[:most]
    return sorted((concept for _, concept in kept), key=lambda one: (one.features, one.words))


def _of_feature(feature: Feature, data: pd.DataFrame) -> Iterator[tuple[Condition, int]]:
    cells = data[feature.name]
    missing = int(cells.isna().sum())
    if missing:
        yield Condition(feature=feature.name, op="missing"), missing
    if feature.numeric and not feature.categories:
        for high in (True, False):
            try:
                condition = band(feature, data, high)
            except ToolError:
                continue
            yield condition, int(_inside(np.asarray(cells, dtype=float), condition).sum())
    # Of two categories, the second stands for both: it is the true one of a boolean.
    categories = feature.categories[1:] if len(feature.categories) == 2 and not missing else feature.categories
    for category in categories:
        same = (cells.astype(object) == category.value).fillna(False)
        yield Condition(feature=feature.name, value=category.value), int(same.sum())


def _inside(cells: Any, condition: Condition) -> Any:
    edge = float(condition.value or 0)
    return {"ge": cells >= edge, "gt": cells > edge, "le": cells <= edge, "lt": cells < edge}[condition.op]


def where_words(schema: Schema, where: Where) -> str:
    """A selection by features in words: "duration over 36 months and savings little"."""
    groups = [[test_words(schema, one) for one in group.any] for group in where.all]
    joined = [words[0] if len(words) == 1 else f"either {' or '.join(words)}" for words in groups]
    return " and ".join(joined)


def test_words(schema: Schema, condition: Condition) -> str:
    """One test in words: "duration over 36 months"."""
    feature = schema.feature(condition.feature or "")
    if condition.op == "missing":
        return f"{feature.label} {'present' if condition.negated else 'missing'}"
    if condition.op == "contains":
        return f"{feature.label} {'without' if condition.negated else 'with'} “{condition.value}” in it"
    op = (opposite(condition.op) or condition.op) if condition.negated else condition.op
    link = {"eq": "", "ne": "other than ", "gt": "over ", "ge": "of at least ", "lt": "under ", "le": "up to "}[op]
    return f"{feature.label} {link}{_value_words(feature, condition.value)}"


def _value_words(feature: Feature, value: Any) -> str:
    if feature.categories:
        return str(shown(feature, feature.category(value).value))
    text = f"{value:.10g}" if isinstance(value, float) else str(plain(value))
    return f"{text} {feature.unit}".strip()
