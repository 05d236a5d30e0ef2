"""Groups in which outputs go the wrong way: the higher the output, the less often it is true.

For every group, the correlation within it of the outputs' ranks with the truth (for classes: pooled over the classes,
each centred within the group). A hard group has one near zero; only a reversed one has one that is surely below zero,
while it is above zero elsewhere. Permutation z, Bonferroni over all groups that were tried.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from askwhy.tools.engines.rules import Rule
from askwhy.tools.engines.slices import Slice, clearest, limits, sizes, slices_of, sums
from askwhy.tools.engines.truth import Array
from askwhy.tools.schema import Schema

TURNED = -0.15
"""Largest correlation within a reversed group."""

ELSEWHERE = 0.2
"""Least correlation elsewhere: where outputs tell nothing, nothing can be reversed."""


@dataclass(frozen=True)
class Reversed:
    """A group and the correlation of outputs with the truth inside and outside; z: how surely it is below zero."""

    rule: Rule
    rows: int
    inside: float
    outside: float
    z: float


def reversed_group(schema: Schema, rows: pd.DataFrame, outputs: Array, actual: Array) -> tuple[Reversed | None, int]:
    """The most surely reversed group, if there is one, and how many groups were tried.

    outputs (n, width) and actual (n,): class positions or numbers, aligned with `rows`.
    """
    every = slices_of(schema, rows)
    if not every:
        return None, 0
    said, true = _ranked(outputs), _truth(actual, outputs.shape[1])
    inside, z = _within(every, said, true)
    place = clearest(every, -z, (inside <= TURNED) & (-z >= limits(every)))
    if place is None:
        return None, len(every)
    group = every[place]
    outside = float(_within([Slice((), ~group.mask)], said, true)[0][0])
    if outside < ELSEWHERE:
        return None, len(every)
    return Reversed(group.rule, int(group.mask.sum()), float(inside[place]), outside, float(z[place])), len(every)


def _ranked(outputs: Array) -> Array:
    from scipy.stats import rankdata

    return np.column_stack([rankdata(column) for column in outputs.T]) / len(outputs)


def _truth(actual: Array, width: int) -> Array:
    from scipy.stats import rankdata

    return (rankdata(actual) / len(actual))[:, None] if width == 1 else np.eye(width)[actual]


def _within(found: list[Slice], said: Array, true: Array) -> tuple[Array, Array]:
    """Correlations (groups,) within each group, pooled over the outputs' columns, and their z."""
    count, width = sizes(found), said.shape[1]
    mean = sums(found, np.hstack([said, true, said * true, said**2, true**2])) / count[:, None]
    one, two, both, first, second = (mean[:, part * width : (part + 1) * width] for part in range(5))
    above = (both - one * two).sum(axis=1)
    spread = np.sqrt(np.maximum(first - one**2, 0).sum(axis=1) * np.maximum(second - two**2, 0).sum(axis=1))
    inside = np.where(spread > 1e-9, above / np.maximum(spread, 1e-9), 0.0)
    return inside, inside * np.sqrt(np.maximum(count - 1, 0))
