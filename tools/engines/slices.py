"""Every simple group of rows at once: categories, ranges of numbers, and two such conditions together.

All of them are measured on all rows, so a finding has to hold up against their number (Bonferroni). That is stricter
for one group than testing it on rows set aside, and misses less where rows are few.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from askwhy.tools.engines.rules import Rule, holds, joined, predicates_of
from askwhy.tools.engines.truth import Array
from askwhy.tools.schema import Schema
from askwhy.tools.subject import Mask

LEVEL_OF_TEST = 0.05
"""Chance that any group at all is named where there is nothing to find."""

FEWEST, SHARE = 20, 0.04
"""Rows, and share of the rows, that a group needs."""

LARGEST = 0.45
"""The largest share of the rows that counts as a part of them."""

SHORTER = 0.92
"""A rule with two conditions must be clearer than one with one condition by this factor."""

_CUTS, _MOST_PAIRS, _BLOCK = 7, 12_000, 500


@dataclass(frozen=True)
class Slice:
    """A rule and the rows (a mask) that meet it."""

    rule: Rule
    mask: Mask


def slices_of(schema: Schema, rows: pd.DataFrame) -> list[Slice]:
    """Every group of one or two conditions with enough rows, and not too many; numbers are cut at their octiles."""
    every = list(_singles(schema, rows))
    fitting = [one for one in every if one.mask.sum() <= LARGEST * len(rows)]
    return [*fitting, *itertools.islice(_pairs(every, len(rows)), _MOST_PAIRS)]


def _singles(schema: Schema, rows: pd.DataFrame) -> Iterator[Slice]:
    for feature in schema.features:
        tests = predicates_of(feature, rows[feature.name], _CUTS)
        rules: dict[Rule, None] = {(test,): None for test in tests}
        for one, two in itertools.combinations([test for test in tests if test.bounded], 2):
            both = joined((one,), two)
            if both is not None:
                rules[both] = None
        for rule in rules:
            mask = holds(rule, rows)
            if max(FEWEST, SHARE * len(rows)) <= mask.sum() < len(rows):
                yield Slice(rule, mask)


def _pairs(singles: Sequence[Slice], count: int) -> Iterator[Slice]:
    """Two conditions on two features; first those with a name in them, then pairs of one-sided bounds."""
    whole = [one for one in singles if not one.rule[0].missing and not _narrow(one)]
    named = [not one.rule[0].bounded for one in whole]
    for wanted in (True, False):
        for (first, name), (second, other) in itertools.combinations(zip(whole, named, strict=True), 2):
            if (name or other) is not wanted or first.rule[0].feature.name == second.rule[0].feature.name:
                continue
            both = first.mask & second.mask
            longer = joined(first.rule, second.rule[0])
            if longer is not None and max(FEWEST, SHARE * count) <= both.sum() <= LARGEST * count:
                yield Slice(longer, both)


def _narrow(one: Slice) -> bool:
    return one.rule[0].low is not None and one.rule[0].high is not None


def sums(found: Sequence[Slice], values: Array) -> Array:
    """Sums (groups, columns) of values (n, columns) over the rows of each group."""
    parts = [
        np.array([one.mask for one in found[start : start + _BLOCK]]).astype(float) @ values
        for start in range(0, len(found), _BLOCK)
    ]
    return np.concatenate([np.empty((0, values.shape[1])), *parts])


def sizes(found: Sequence[Slice]) -> Array:
    """How many rows each group has."""
    return np.array([one.mask.sum() for one in found], dtype=float)


def limit(tried: int) -> float:
    """The normal quantile that a statistic must exceed for one of so many groups to be named."""
    from scipy.stats import norm

    return float(norm.isf(LEVEL_OF_TEST / max(1, tried)))


def limits(found: Sequence[Slice]) -> Array:
    """The limit for each group: those of one condition and those of two have half of the chance each, as there are many
    more of the latter."""
    single = np.array([len(one.rule) < 2 for one in found], dtype=bool)
    parts = [limit(2 * max(1, int(kind.sum()))) for kind in (single, ~single)]
    return np.where(single, *parts)


def clearest(found: Sequence[Slice], z: Array, good: Mask) -> int | None:
    """The position of the clearest of the good groups; a shorter rule is preferred where it is nearly as clear."""
    worth = [float(z[i]) * (1.0 if len(one.rule) == 1 else SHORTER) for i, one in enumerate(found)]
    places = np.flatnonzero(good)
    return int(max(places, key=lambda i: worth[i])) if len(places) else None
