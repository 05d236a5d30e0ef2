"""Rates and means of groups side by side, with intervals that hold for all pairs of groups at once."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.metrics import LEVEL, wilson
from askwhy.tools.engines.subgroups import newcombe
from askwhy.tools.engines.truth import Array

_FEWEST = 5
"""Smaller groups are shown, but nothing is concluded from them."""


@dataclass(frozen=True)
class Part:
    """One group's mean of a measure with its 95 % interval; `rows` are in the denominator; counted: a share of rows."""

    words: str
    values: Array
    counted: bool

    @property
    def rows(self) -> int:
        """How many rows it rests on."""
        return len(self.values)

    @property
    def mean(self) -> float:
        """The share, or the mean."""
        return float(self.values.mean())

    @property
    def error(self) -> float:
        """Standard error of the mean."""
        if self.counted:
            return float(np.sqrt(self.mean * (1 - self.mean) / self.rows))
        return float(self.values.std(ddof=1) / np.sqrt(self.rows)) if self.rows > 1 else 0.0

    def interval(self) -> tuple[float, float]:
        """Wilson's interval of a share, Student's of a mean."""
        if self.counted:
            return wilson(int(self.values.sum()), self.rows)
        from scipy.stats import t

        half = float(t.ppf((1 + LEVEL) / 2, max(1, self.rows - 1))) * self.error
        return self.mean - half, self.mean + half


@dataclass(frozen=True)
class Gap:
    """The largest difference between two groups: `first` has the larger mean. The interval allows for all pairs."""

    first: Part
    second: Part
    low: float
    high: float

    @property
    def value(self) -> float:
        """The difference of the means."""
        return self.first.mean - self.second.mean

    @property
    def ratio(self) -> float | None:
        """The smaller mean over the larger, where that is a ratio."""
        return self.second.mean / self.first.mean if self.first.mean > 0 and self.second.mean >= 0 else None

    @property
    def clear(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0


def largest_gap(parts: Sequence[Part]) -> Gap | None:
    """The largest difference among groups of at least five rows; None for fewer than two of them.

    Proportions: Newcombe's interval; means: Welch's; both at a level that holds for all pairs at once (Bonferroni).
    """
    known = [part for part in parts if part.rows >= _FEWEST]
    if len(known) < 2:
        return None
    pairs = len(list(itertools.combinations(known, 2)))
    first, second = max(known, key=lambda part: part.mean), min(known, key=lambda part: part.mean)
    if first is second:
        first, second = known[0], known[1]
    return Gap(first, second, *difference(first, second, pairs))


def difference(first: Part, second: Part, pairs: int = 1) -> tuple[float, float]:
    """The interval of the difference of two groups' means, at 95 % for `pairs` such differences together."""
    from scipy.stats import norm, ttest_ind

    level = 1 - (1 - LEVEL) / pairs
    if first.counted:
        z = float(norm.ppf((1 + level) / 2))
        return newcombe(int(first.values.sum()), first.rows, int(second.values.sum()), second.rows, z)
    gap = first.mean - second.mean
    if min(first.rows, second.rows) < 2:
        return -np.inf, np.inf
    if not first.error and not second.error:
        return gap, gap
    found = ttest_ind(first.values, second.values, equal_var=False).confidence_interval(level)
    return float(found.low), float(found.high)
