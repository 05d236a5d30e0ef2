"""Regions in which something goes wrong more often than the case is hard: for a model's errors, and for labels.

Errors are more frequent where cases are close, for the best of models too. What counts here is therefore the excess:
the errors less those that must be expected of a smooth second model that believes itself (`second_opinion`). It adds up
effects of single features, so where the features tell less in one region than elsewhere it does not notice, and its
expectation is too low exactly there. All simple groups are compared with the rest (`slices`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from askwhy.tools.engines.metrics import wilson
from askwhy.tools.engines.rules import Rule
from askwhy.tools.engines.slices import Slice, clearest, limits, sizes, slices_of, sums
from askwhy.tools.engines.truth import Array
from askwhy.tools.schema import Schema
from askwhy.tools.subject import Mask

EXCESS, LEAST_EXCESS = 0.12, 0.06
"""Least excess of errors in the region over that elsewhere, as shares of the rows; less, down to the second, where few
errors are expected at all, as with a rare class."""

TIMES = 1.4
"""The error rate in the region is at least so many times that elsewhere."""

TIMES_OFF = 1.8
"""The same for mean errors of numbers; for their medians, `TIMES`."""


@dataclass(frozen=True)
class Region:
    """A region that stands out. mask: its rows; place: among the groups compared; inside, outside: error rates (or mean
    errors); expected: the part of `inside` to be expected, nan for numbers; z: of the excess.

    turned: surely wrong more often than guessing would be.
    """

    rule: Rule
    mask: Mask
    place: int
    inside: float
    outside: float
    expected: float
    z: float
    turned: bool

    @property
    def rows(self) -> int:
        """How many rows it has."""
        return int(self.mask.sum())


def worst_region(
    schema: Schema, rows: pd.DataFrame, errors: Array, expected: Array | None
) -> tuple[Region | None, int]:
    """The clearest region that meets the rule, if there is one, and how many groups were compared.

    errors: 0/1 per row with `expected` chances of them, or sizes of errors of numbers without.
    """
    every = slices_of(schema, rows)
    return worst_of(every, errors, expected, len(schema.classes)), len(every)


def worst_of(every: Sequence[Slice], errors: Array, expected: Array | None, classes: int) -> Region | None:
    """The clearest of these groups that meets the rule; its `place` among them."""
    if not every:
        return None
    # Sizes of errors are skewed; on a logarithmic scale a few large ones do not make a region.
    event = np.log(errors + 0.05 * errors.mean() + 1e-12) if expected is None else errors - expected
    z = _welch(every, event)
    good = (z >= limits(every)) & _large(every, errors, expected)
    place = clearest(every, z, good)
    return None if place is None else _region(every[place], place, errors, expected, float(z[place]), classes)


def _welch(every: Sequence[Slice], event: Array) -> Array:
    """How many standard errors the mean of the event in each group is above that of the rest."""
    ours, total = sums(every, np.column_stack([event, event**2])), np.array([event.sum(), (event**2).sum()])
    count, rest = sizes(every), len(event) - sizes(every)
    mean, other = ours[:, 0] / count, (total[0] - ours[:, 0]) / rest
    one = np.maximum(ours[:, 1] / count - mean**2, 0)
    two = np.maximum((total[1] - ours[:, 1]) / rest - other**2, 0)
    # A small group may have hardly any spread by chance; it counts as having that of all rows.
    least = float(event.var())
    error = np.sqrt(np.maximum(one, least) / count + np.maximum(two, least) / rest)
    return np.asarray((mean - other) / np.maximum(error, 1e-12))


def _large(every: Sequence[Slice], errors: Array, expected: Array | None) -> Mask:
    """Where the difference is large enough to be called a flaw."""
    count = sizes(every)
    ours = sums(every, errors[:, None])[:, 0]
    inside, outside = ours / count, (errors.sum() - ours) / (len(errors) - count)
    if expected is None:
        large = inside >= TIMES_OFF * outside
        for place in map(int, np.flatnonzero(large)):
            mask = every[place].mask
            large[place] = np.median(errors[mask]) >= TIMES * np.median(errors[~mask])
        return np.asarray(large)
    due = sums(every, expected[:, None])[:, 0]
    more = (inside - due / count) - (outside - (expected.sum() - due) / (len(errors) - count))
    least = float(np.clip(expected.mean(), LEAST_EXCESS, EXCESS))
    return np.asarray((np.minimum(more, inside - outside) >= least) & (inside >= TIMES * outside))


def _region(one: Slice, place: int, errors: Array, expected: Array | None, z: float, classes: int) -> Region:
    mask, count = one.mask, int(one.mask.sum())
    inside, outside = float(errors[mask].mean()), float(errors[~mask].mean())
    if expected is None:
        return Region(one.rule, mask, place, inside, outside, float("nan"), z, False)
    turned = wilson(int(errors[mask].sum()), count)[0] > 1 - 1 / max(2, classes)
    return Region(one.rule, mask, place, inside, outside, float(expected[mask].mean()), z, turned)
