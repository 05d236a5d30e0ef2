"""How strongly two features act together: what changing both does beyond what changing each does.

Over rows: the difference f(both changed) - f(one) - f(other) + f(none), where the changed cells of a row are taken from
another row. A quarter of its mean square is the variance of everything in the model that needs both features (superset
importance: Hooker 2004; Liu & Owen 2006); it is exactly zero for a model in which the two add up.

At a row: pairwise Shapley interactions (Grabisch & Roubens 1999), which are also the pairs of the 2-SII decomposition
(Lundberg et al. 2020; Bord & von Luxburg 2023).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.coalitions import Coalitions
from askwhy.tools.engines.grid import as_cells, grid, sweep
from askwhy.tools.engines.truth import Array
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.schema import Feature
from askwhy.tools.shapley import EXACT_PLAYERS
from askwhy.tools.subject import Mask

Pair = tuple[int, int]

BUDGET = 120_000
"""Composite rows that one comparison of pairs may build."""

FEWEST_DRAWS, MOST_DRAWS = 100, 2000

_CLIP = 1e-6


@dataclass(frozen=True)
class Together:
    """What changing two features did, draw by draw, (pairs, draws, outputs).

    beyond: the joint change less the two separate ones. expected: the same if the two separate changes added up in log
    odds (0 for a regression). joint: the joint change. complete: the draws are all there are.
    """

    beyond: Array
    expected: Array
    joint: Array
    complete: bool

    @property
    def draws(self) -> int:
        """How many draws there are."""
        return int(self.beyond.shape[1])

    def of(self, column: int) -> list[Strength]:
        """The strength of every pair for one output."""
        beyond, expected, joint = (cube[:, :, column] for cube in (self.beyond, self.expected, self.joint))
        return [_strength(*one, self.complete) for one in zip(beyond, expected, joint, strict=True)]


@dataclass(frozen=True)
class Strength:
    """How strongly a pair acts together, in the output's unit.

    size: root mean square of what the joint change adds to the separate ones. error: its standard error, None where
    every draw was made. share: of the variance of what the two features do, the part that needs both. expected: `size`
    if the separate changes added up in log odds. excess: how much of the mean square is more than that, in standard
    errors. largest: the largest single difference. missed: the largest difference from adding up in log odds.
    """

    size: float
    error: float | None
    share: float
    expected: float
    excess: float
    largest: float
    missed: float


def _strength(beyond: Array, expected: Array, joint: Array, complete: bool) -> Strength:
    squares, size = beyond**2, float(np.sqrt(np.mean(beyond**2)))
    count, moved = len(squares), float(np.mean(joint**2))
    more = squares - expected**2
    spread = float(more.std(ddof=1) / np.sqrt(count))
    error = None if complete or not size else float(squares.std(ddof=1) / np.sqrt(count) / (2 * size))
    return Strength(
        size=size,
        error=error,
        share=min(1.0, size**2 / (2 * moved)) if moved else 0.0,
        expected=float(np.sqrt(np.mean(expected**2))),
        excess=float(more.mean()) / spread if spread else 0.0,
        largest=float(np.abs(beyond).max()),
        missed=float(np.abs(beyond - expected).max()),
    )


def together(
    evaluate: Evaluator,
    rows: pd.DataFrame,
    pairs: Sequence[Pair],
    rng: np.random.Generator,
    *,
    classes: bool,
    budget: int = BUDGET,
) -> Together:
    """Changes of every pair of columns in drawn rows, each taking its new cells from another row.

    All (row, other row) pairs are used where there are no more than the budget allows. At least two rows are needed.
    """
    single = sorted({column for pair in pairs for column in pair})
    sets: list[tuple[int, ...]] = [(), *((one,) for one in single), *pairs]
    row, other, complete = _draws(len(rows), budget // len(sets), rng)
    source = np.repeat(np.repeat(row[:, None], rows.shape[1], axis=1)[None], len(sets), axis=0)
    for number, chosen in enumerate(sets):
        source[number][:, list(chosen)] = other[:, None]
    outputs = evaluate.mixed(rows, source.reshape(-1, rows.shape[1])).reshape(len(sets), len(row), -1)
    place = {one: number for number, one in enumerate(single, 1)}
    first, second = (outputs[[place[pair[side]] for pair in pairs]] for side in (0, 1))
    both, neither = outputs[1 + len(single) :], outputs[:1]
    separate = first + second - neither
    expected = _added_in_log_odds(first, second, neither) - separate if classes else np.zeros_like(both)
    return Together(both - separate, expected, both - neither, complete)


def _draws(rows: int, affordable: int, rng: np.random.Generator) -> tuple[Array, Array, bool]:
    """Rows, for each another row, and whether these are all there are."""
    wanted = min(MOST_DRAWS, max(FEWEST_DRAWS, affordable))
    there_are = rows * (rows - 1)
    complete = there_are <= wanted
    drawn = np.arange(there_are) if complete else rng.integers(0, there_are, wanted)
    row, other = drawn // (rows - 1), drawn % (rows - 1)
    return row, other + (other >= row), complete


def _added_in_log_odds(first: Array, second: Array, neither: Array) -> Array:
    total = _log_odds(first) + _log_odds(second) - _log_odds(neither)
    return np.asarray(1 / (1 + np.exp(-total)))


def _log_odds(chance: Array) -> Array:
    clipped = np.clip(chance, _CLIP, 1 - _CLIP)
    return np.asarray(np.log(clipped) - np.log1p(-clipped))


def strongest_columns(
    evaluate: Evaluator, rows: pd.DataFrame, count: int, rng: np.random.Generator, budget: int = BUDGET // 4
) -> list[int]:
    """The columns that change the outputs most on average when taken alone from another row, in their order."""
    width = rows.shape[1]
    row, other, _ = _draws(len(rows), budget // (width + 1), rng)
    source = np.repeat(np.repeat(row[:, None], width, axis=1)[None], width + 1, axis=0)
    for column in range(width):
        source[column + 1][:, column] = other
    outputs = evaluate.mixed(rows, source.reshape(-1, width)).reshape(width + 1, len(row), -1)
    moved = np.abs(outputs[1:] - outputs[:1]).mean(axis=(1, 2))
    return sorted(int(column) for column in np.argsort(-moved, kind="stable")[:count])


def two_values(feature: Feature, cells: pd.Series) -> tuple[Any, Any] | None:
    """Two values that occur: the quartiles, or the two most common categories; None where there are not two."""
    present = cells.dropna()
    if feature.kind == "text" or present.nunique() < 2:
        return None
    if feature.categories or not (feature.numeric or feature.kind == "date"):
        common = present.value_counts().index[:2]
        return min(common), max(common)
    values = grid(feature, present, 5)
    return (values[1], values[3]) if len(values) == 5 else (values[0], values[-1])


def corners(
    evaluate: Evaluator, rows: pd.DataFrame, names: Sequence[str], values: Sequence[Sequence[Any] | None]
) -> Array:
    """Outputs (rows, first's values, second's values, width) with two features of every row set to these values."""
    first, second = (list(one or ()) for one in values)
    parts = []
    for cell in second:
        cells = as_cells([cell] * len(rows), rows[names[1]]).set_axis(rows.index)
        parts.append(sweep(evaluate, rows.assign(**{names[1]: cells}), names[0], first))
    return np.stack(parts, axis=2)


@dataclass(frozen=True)
class Interaction:
    """A pairwise Shapley interaction at a row; `error` is its standard error, None where it is exact."""

    value: float
    error: float | None


def interactions_at(
    game: Coalitions, pairs: Sequence[Pair], rng: np.random.Generator, budget: int = BUDGET
) -> list[Interaction]:
    """Pairwise Shapley interactions of the game's column for pairs of its players.

    Exact over all coalitions with up to ten players; else over drawn coalitions, the same number for every pair.
    """
    if game.count <= EXACT_PLAYERS:
        return [_exact(game, pair) for pair in pairs]
    draws = max(20, budget // max(1, 4 * game.refs * len(pairs)))
    return [_sampled(game, pair, draws, rng) for pair in pairs]


def _exact(game: Coalitions, pair: Pair) -> Interaction:
    others = [player for player in range(game.count) if player not in pair]
    numbers = np.arange(2 ** len(others))[:, None]
    masks = np.zeros((len(numbers), game.count), dtype=bool)
    masks[:, others] = (numbers >> np.arange(len(others))) & 1
    size = masks.sum(axis=1)
    # Every size of the rest weighs the same, and every coalition of a size.
    weight = np.array([1 / ((len(others) + 1) * math.comb(len(others), int(one))) for one in size])
    return Interaction(float(weight @ _second_difference(game, masks, pair)), None)


def _sampled(game: Coalitions, pair: Pair, draws: int, rng: np.random.Generator) -> Interaction:
    others = np.array([player for player in range(game.count) if player not in pair])
    masks = np.zeros((draws, game.count), dtype=bool)
    for mask, size in zip(masks, rng.integers(0, len(others) + 1, draws), strict=True):
        mask[rng.choice(others, size, replace=False)] = True
    found = _second_difference(game, masks, pair)
    return Interaction(float(found.mean()), float(found.std(ddof=1) / np.sqrt(draws)))


def _second_difference(game: Coalitions, masks: Mask, pair: Pair) -> Array:
    """Worth of both players joining each coalition, beyond each joining alone."""
    parts = []
    for chosen in ([*pair], [pair[0]], [pair[1]], []):
        joined = masks.copy()
        joined[:, chosen] = True
        parts.append(joined)
    both, first, second, neither = game.worth(np.concatenate(parts)).reshape(4, -1)
    return np.asarray(both - first - second + neither)
