"""Rules over raw features: tests of one feature, joined by "and", with the words for them.

Cut points are quantiles of the data rounded to three digits, and the rounded number is the rule itself: what is said is
exactly what was tested.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.listing import shown
from askwhy.tools.evidence import Fact
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Scalar
from askwhy.tools.subject import Mask, plain

MOST_CATEGORIES = 20
"""Categories of one feature that are tried in a rule, most common first."""

_DIGITS = 3


@dataclass(frozen=True)
class Predicate:
    """One condition on one feature: a category, none of some, missing, or an interval above `low` and at most `high`.

    Dates are ISO text in `low` and `high`. A number that is missing meets no bound, unless `missing` says so too.
    """

    feature: Feature = field(hash=False)
    value: Scalar | None = None
    low: Scalar | None = None
    high: Scalar | None = None
    missing: bool = False
    besides: tuple[Scalar, ...] = ()

    @property
    def bounded(self) -> bool:
        """Whether it is an interval."""
        return self.low is not None or self.high is not None

    def holds(self, cells: pd.Series) -> Mask:
        """Where the cells of its feature meet it."""
        absent = np.array(cells.isna(), dtype=bool)
        if self.besides:
            return np.asarray(~cells.astype(object).isin(self.besides), dtype=bool)
        if self.bounded:
            met = self._within(cells, ~absent)
            return met | absent if self.missing else met
        return absent if self.missing else np.asarray((cells.astype(object) == self.value).fillna(False), dtype=bool)

    def _within(self, cells: pd.Series, met: Mask) -> Mask:
        if self.low is not None:
            met &= np.asarray((cells > self._bound(self.low)).fillna(False), dtype=bool)
        if self.high is not None:
            met &= np.asarray((cells <= self._bound(self.high)).fillna(False), dtype=bool)
        return met

    def words(self) -> str:
        """The condition after "with": "duration above 24 months", "purpose car", "joined after 2017-03-01"."""
        label = self.feature.label
        if self.besides:
            named = [self._category(one) for one in self.besides]
            return f"{label} anything but {' or '.join([', '.join(named[:-1]), named[-1]] if named[1:] else named)}"
        if not self.bounded:
            return f"{label} missing" if self.missing else f"{label} {self._category(self.value)}"
        date = self.feature.kind == "date"
        above, most = ("after", "on or before") if date else ("above", "at most")
        parts = [f"{above} {self._bare(self.low)}"] if self.low is not None else []
        parts += [f"{most} {self._bare(self.high)}"] if self.high is not None else []
        unit = self.feature.unit
        text = f"{label} {' and '.join(parts)}{'' if not unit else unit if unit[0] in '%°' else f' {unit}'}"
        return f"{text} or missing" if self.missing else text

    def _category(self, value: Scalar | None) -> str:
        text = shown(self.feature, value)
        return "yes" if text is True else "no" if text is False else str(text)

    def facts(self, rule: str) -> Iterator[Fact]:
        """The condition as facts, `group` being the rule that it belongs to."""
        name, named = self.feature.name, {"feature": self.feature.name, "group": rule}
        if self.missing:
            yield Fact(relation="rule_missing", value=None, unit="category", **named)
        elif self.value is not None:
            yield Fact(relation="rule_value", value=self.value, unit="category", **named)
        for one in self.besides:
            yield Fact(relation="rule_not", value=one, unit="category", **named)
        unit = "feature" if self.feature.numeric else "category"
        for relation, bound in (("rule_above", self.low), ("rule_at_most", self.high)):
            if bound is not None:
                yield Fact(relation=relation, value=bound, unit=unit, feature=name, group=rule)

    def _bound(self, bound: Scalar) -> Any:
        return pd.Timestamp(str(bound)) if self.feature.kind == "date" else float(bound)

    def _bare(self, bound: Scalar | None) -> str:
        if not isinstance(bound, (int, float)):
            return str(bound)
        return f"{int(bound)}" if self.feature.is_year(bound) else f"{bound:,.10g}"


Rule = tuple[Predicate, ...]
"""Conditions that must all hold, at most one for each feature."""


def holds(rule: Rule, rows: pd.DataFrame) -> Mask:
    """Which rows meet every condition."""
    met = np.ones(len(rows), dtype=bool)
    for test in rule:
        met &= test.holds(rows[test.feature.name])
    return met


def rule_words(rule: Sequence[Predicate]) -> str:
    """The rule after "with": "duration above 24 months and purpose car"."""
    words = [test.words() for test in rule]
    if len(words) > 1 and any(" and " in one or one.endswith(" or missing") for one in words):
        return f"{', '.join(words[:-1])}, and {words[-1]}"
    return " and ".join(words) if len(words) < 3 else f"{', '.join(words[:-1])} and {words[-1]}"


def rule_facts(rule: Rule) -> Iterator[Fact]:
    """Every condition of a rule as facts."""
    for test in rule:
        yield from test.facts(rule_words(rule))


def joined(rule: Rule, test: Predicate) -> Rule | None:
    """The rule with one more condition; intervals of one feature are intersected. None where that adds nothing."""
    for place, own in enumerate(rule):
        if own.feature.name != test.feature.name:
            continue
        if not own.bounded or not test.bounded:
            return None
        low, high = _narrow(own.low, test.low, max), _narrow(own.high, test.high, min)
        if (low, high) == (own.low, own.high) or (low is not None and high is not None and not low < high):  # type: ignore[operator]
            return None
        return (*rule[:place], Predicate(own.feature, low=low, high=high), *rule[place + 1 :])
    return tuple(sorted((*rule, test), key=lambda one: one.feature.name.lower()))


def _narrow(own: Scalar | None, other: Scalar | None, choose: Any) -> Scalar | None:
    if own is None or other is None:
        return other if own is None else own
    found: Scalar = choose(own, other)
    return found


def cuts(feature: Feature, cells: pd.Series, count: int) -> list[Scalar]:
    """At most `count` values that part the cells of an ordered feature into shares of about equal size."""
    present = cells.dropna()
    if present.nunique() < 2:
        return []
    shares = np.arange(1, count + 1) / (count + 1)
    found = present.quantile(shares, interpolation="lower")
    if feature.kind == "date":
        days = [plain(pd.Timestamp(one).normalize()) for one in found]
        return [day for day in dict.fromkeys(days) if day is not None and (present > pd.Timestamp(str(day))).any()]
    rounded = [float(f"{one:.{_DIGITS}g}") for one in found.astype(float)]
    top, bottom = float(present.max()), float(present.min())
    return [_whole(one) for one in dict.fromkeys(rounded) if bottom <= one < top]


def _whole(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def predicates_of(feature: Feature, cells: pd.Series, count: int = 3) -> list[Predicate]:
    """Every condition on a feature: its categories, or one-sided bounds at `count` quantiles; and missing cells."""
    found = [Predicate(feature, missing=True)] if cells.isna().any() else []
    if feature.kind == "text":
        return found
    if not feature.categories and (feature.numeric or feature.kind == "date"):
        for cut in cuts(feature, cells, count):
            found += [Predicate(feature, low=cut), Predicate(feature, high=cut)]
        return found
    values = cells.dropna().value_counts(sort=True).index[:MOST_CATEGORIES]
    return [*found, *(Predicate(feature, value=plain(value)) for value in values)]
