"""Whether an attribution would come out the same again: for rows like this one, and with other seeds."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.coalitions import Coalitions, first_and_last
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import Feature
from askwhy.tools.view import View

NOISE = 0.05
"""C7: how far a number is moved, in standard deviations of its column."""

FLIPS = 0.03
"""C7: how often anything else is replaced by a value of another row."""

SAME_OUTPUT = 0.02
"""C7: a neighbour counts while the output stays this close, as a share of its range."""

RERUNS = 10
STABLE_TOP, STABLE_SIGNS = 0.8, 0.95
"""C8: what the mean overlap of the top features, and the agreement of their signs, must reach."""

UNSTABLE, OFTEN = 0.5, 0.05
"""C7: a neighbour is explained otherwise where more than this share of the top features differs; so many neighbours may
be, and a row only fails where more are than that chance allows in one of twenty tries."""

_MATERIAL = 0.1
_DUST = 1e-9


@dataclass(frozen=True)
class Repeats:
    """C8 over repeated attributions: the mean overlap (Jaccard) of their top features, and the agreement of signs."""

    overlap: float
    signs: float
    runs: int

    @property
    def passed(self) -> bool:
        """Whether the top features and their signs mostly come again."""
        return self.overlap >= STABLE_TOP and self.signs >= STABLE_SIGNS


def repeats(runs: Outputs, k: int) -> Repeats:
    """C8 of attributions (runs, features)."""
    tops = [top(values, k) for values in runs]
    overlaps = [jaccard(one, two) for one, two in itertools.combinations(tops, 2)]
    places = list(set().union(*tops))
    signs = np.sign(runs[:, places])
    agree = max(0.0, float(np.abs(signs.sum(axis=0)).sum())) / max(1.0, float(np.abs(signs).sum()))
    return Repeats(float(np.mean(overlaps)), (1 + agree) / 2, len(runs))


def clear_top(values: Outputs, error: Outputs, k: int) -> int:
    """The largest number up to `k` of top features that are told apart from the next by two standard errors, else `k`.

    Ties are told by themselves; a set that is cut between tied features would change with every seed.
    """
    order = np.argsort(-np.abs(values), kind="stable")
    size, spread = np.abs(values)[order], error[order]
    for cut in range(min(k, len(values) - 1), 0, -1):
        if size[cut - 1] - size[cut] > 2 * np.hypot(spread[cut - 1], spread[cut]):
            return cut
    return k


def redrawn(values: Outputs, error: Outputs, rng: np.random.Generator) -> Outputs:
    """What re-runs with other seeds would give, by the standard errors: (runs, features)."""
    return np.asarray(values + error * rng.standard_normal((RERUNS, len(values))))


def top(values: Outputs, k: int) -> frozenset[int]:
    """Positions of the `k` largest sizes; fewer where fewer are more than rounding noise."""
    least = _DUST * float(np.abs(values).max(initial=0.0))
    order = np.argsort(-np.abs(values), kind="stable")[:k]
    return frozenset(int(one) for one in order if abs(values[one]) > least)


def jaccard(one: frozenset[int], two: frozenset[int]) -> float:
    """The overlap of two sets; 1 where both are empty."""
    return len(one & two) / len(one | two) if one | two else 1.0


@dataclass(frozen=True)
class Sensitivity:
    """C7 over neighbours of a row: the share explained otherwise, the largest relative change of the attributions."""

    mistaken: float
    largest: float
    neighbours: int

    @property
    def passed(self) -> bool:
        """Whether the neighbours explained otherwise are no more than a share of 5 % makes likely."""
        count = round(self.mistaken * self.neighbours)
        less = (math.comb(self.neighbours, i) * OFTEN**i * (1 - OFTEN) ** (self.neighbours - i) for i in range(count))
        return 1 - sum(less) >= OFTEN


def neighbours(view: View, row: pd.DataFrame, count: int, column: int, spread: float) -> pd.DataFrame:
    """At most `count` rows next to a row, with the same prediction and nearly the same output.

    Numbers get noise of 0.05 standard deviations (whole ones are rounded); 3 % of other cells take another row's value
    (Slack et al. 2023). Asks the model about twice as many.
    """
    drawn = pd.concat([row] * (2 * count), ignore_index=True)
    rng = np.random.default_rng(view.seed)
    by_name = sorted(view.schema.features, key=lambda feature: feature.name)
    moved = {one.name: _moved(drawn[one.name], view.subject.data[one.name], one, rng) for one in by_name}
    drawn = drawn.assign(**moved)
    outputs = view.evaluate.outputs(pd.concat([row, drawn], ignore_index=True))
    near = np.abs(outputs[1:, column] - outputs[0, column]) <= SAME_OUTPUT * spread
    if outputs.shape[1] > 1:
        near &= outputs[1:].argmax(axis=1) == outputs[0].argmax()
    return drawn.iloc[np.flatnonzero(near)[:count]]


def _moved(cells: pd.Series, column: pd.Series, feature: Feature, rng: np.random.Generator) -> Any:
    other = column.array.take(rng.integers(0, len(column), len(cells)))
    flip, noise = rng.random(len(cells)) < FLIPS, rng.standard_normal(len(cells))
    if not feature.numeric:
        return cells.where(~flip, pd.Series(other, index=cells.index))
    spread = float(column.astype(float).std(ddof=0))
    shifted = cells.astype(float) + NOISE * (spread if np.isfinite(spread) else 0.0) * noise
    return shifted.round().astype(cells.dtype) if pd.api.types.is_integer_dtype(cells.dtype) else shifted


def sensitivity(game: Coalitions, near: pd.DataFrame, k: int) -> Sensitivity | None:
    """C7 with quick attributions (the mean of first and last contributions) of the row and its neighbours alike.

    Only changes of more than a tenth of the whole count, so that two features of equal weight may change places.
    None where the row's attributions are all zero.
    """
    if not len(near):
        return None
    others = [_by_column(game.at(near.iloc[i : i + 1])) for i in range(len(near))]
    return compared(_by_column(game), others, k)


def compared(own: Outputs, others: Sequence[Outputs], k: int) -> Sensitivity | None:
    """C7 of attributions (features,) and those of its neighbours; None where the first are all zero."""
    size = float(np.linalg.norm(own))
    if size == 0 or not len(others):
        return None
    moved = np.array([float(np.linalg.norm(other - own)) / size for other in others])
    differ = np.array([1 - jaccard(top(own, k), top(other, k)) > UNSTABLE for other in others])
    return Sensitivity(float((differ & (moved > _MATERIAL)).mean()), float(moved.max()), len(others))


def _by_column(game: Coalitions) -> Outputs:
    values = np.zeros(game.row.shape[1])
    values[game.players] = first_and_last(game)
    return values
