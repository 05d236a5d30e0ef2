"""Redrawing some features of a row while the others stay: from the rows most like it in the others, or from any row.

The conditional sampler takes the redrawn cells together from one of the k nearest rows in Gower's distance over the
features that stay, each weighed by how much it tells of those redrawn: what is unrelated should not decide who is near.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from askwhy.tools.engines.distance import Space
from askwhy.tools.evaluator import Evaluator, Index
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import association
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

Sampler = Literal["conditional", "marginal"]
"""conditional: given the other features; marginal: as if the feature were independent of them."""

NEIGHBOURS = 10
"""Rows to draw from where a test averages over many rows: few enough to be near."""

MOST_DONORS = 1500
"""Rows of the data that lend their cells; distances to all of them are computed."""

_FLOOR = 0.1
_BLOCK_CELLS = 4_000_000

Array = np.ndarray[Any, Any]


@dataclass(frozen=True, eq=False)
class Donors:
    """Rows that lend cells: encoded `cells` (m, features), their `positions` in the data, and how features go together.

    ties: squared association of every two features, (features, features).
    """

    space: Space
    cells: Array
    positions: Array
    ties: Array

    @classmethod
    def of_cells(cls, space: Space, cells: Array, positions: Array | None = None) -> Donors:
        """Donors from rows encoded in `space`."""
        width = cells.shape[1]
        ties = np.zeros((width, width))
        for i in range(width):
            for j in range(i):
                strength = association(cells[:, i], bool(space.ordered[i]), cells[:, j], bool(space.ordered[j]))
                ties[i, j] = ties[j, i] = strength**2
        return cls(space, cells, np.arange(len(cells)) if positions is None else positions, ties)

    def weights(self, redrawn: Sequence[int]) -> Array:
        """How much each feature counts (features,) when these are redrawn; they count nothing themselves."""
        stay = np.ones(self.cells.shape[1], dtype=bool)
        stay[list(redrawn)] = False
        told = self.ties[list(redrawn)].max(axis=0)
        return np.asarray(np.where(stay, told + _FLOOR / max(1, int(stay.sum())), 0.0))

    def nearest(
        self, rows: Array, own: Array, sets: Sequence[Sequence[int]], count: int, among: Mask | None = None
    ) -> Index:
        """Places (sets, n, k) of the donors most like encoded rows (n, features) in what stays, nearest first.

        sets: the features redrawn, once for each result. own: the rows' positions in the data, -1 where they have none;
        nobody lends to itself. k is `count`, or what there is. among: the donors that may lend.
        """
        places = np.arange(len(self.cells)) if among is None else np.flatnonzero(among)
        weights = np.column_stack([self.weights(redrawn) for redrawn in sets])
        limit = min(count, max(1, len(places) - 1))
        size = max(1, _BLOCK_CELLS // max(1, len(places) * len(weights)))
        found = np.empty((len(sets), len(rows), limit), dtype=np.int64)
        for start in range(0, len(rows), size):
            part = slice(start, start + size)
            apart = self.space.differences(rows[part, None, :], self.cells[places][None]) @ weights
            apart[own[part, None] == self.positions[places][None, :]] = np.inf
            for number in range(len(sets)):
                found[number, part] = places[_smallest(apart[:, :, number].round(12), limit)]
        return found

    def likeness(self, rows: Array, sets: Sequence[Sequence[int]]) -> Array:
        """How alike encoded rows (n, features) are in what stays, (sets, n, n) in 0..1: half at the median distance."""
        apart = np.zeros((len(sets), len(rows), len(rows)))
        weights = np.column_stack([self.weights(redrawn) for redrawn in sets])
        block = max(1, _BLOCK_CELLS // max(1, rows.size))
        for start in range(0, len(rows), block):
            part = slice(start, start + block)
            found = self.space.differences(rows[part, None, :], rows[None]) @ weights
            apart[:, part] = np.moveaxis(found, 2, 0)
        pairs = np.triu_indices(len(rows), 1)
        middle = np.median(apart[:, *pairs], axis=1) if len(rows) > 1 else np.zeros(len(sets))
        scale = np.where(middle > 0, middle, np.inf)
        return np.asarray(np.exp2(-apart / scale[:, None, None]))

    def anyone(self, own: Array, count: int, rng: np.random.Generator, among: Mask | None = None) -> Index:
        """Places (n, k) of different donors drawn at random for each row; see `nearest`."""
        places = np.arange(len(self.cells)) if among is None else np.flatnonzero(among)
        keys = rng.random((len(own), len(places)))
        keys[own[:, None] == self.positions[places][None, :]] = np.inf
        limit = min(count, max(1, len(places) - 1))
        return np.asarray(places[np.argsort(keys, axis=1)[:, :limit]])


def _smallest(far: Array, count: int) -> Array:
    """Columns (n, count) of the smallest entries in each row, smallest first, ties by column."""
    some = np.sort(np.argpartition(far, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(np.take_along_axis(far, some, axis=1), axis=1, kind="stable")
    return np.asarray(np.take_along_axis(some, order, axis=1))


@dataclass(frozen=True, eq=False)
class Lenders:
    """Donors with their rows as the model reads them, for a view."""

    donors: Donors
    frame: pd.DataFrame

    @classmethod
    def of(cls, view: View) -> Lenders:
        """At most 1,500 rows of the view's data, drawn by its seed."""
        positions = np.arange(len(view.subject.data))
        if len(positions) > MOST_DONORS:
            positions = np.sort(view.rng.choice(positions, MOST_DONORS, replace=False))
        frame, space = view.subject.data.iloc[positions], Space.of(view.schema, view.subject.data)
        return cls(Donors.of_cells(space, space.encode(frame), positions), frame)

    def outputs(self, evaluate: Evaluator, rows: pd.DataFrame, places: Index, redrawn: Sequence[int]) -> Outputs:
        """Outputs (n, k, width) of the rows with the features `redrawn` taken from donors at places (n, k)."""
        pool = pd.concat([rows, self.frame], ignore_index=True)
        count, draws = places.shape
        source = np.tile(np.arange(count, dtype=np.int64)[:, None, None], (1, draws, rows.shape[1]))
        source[:, :, list(redrawn)] = (count + places)[:, :, None]
        return evaluate.mixed(pool, source.reshape(count * draws, -1)).reshape(count, draws, -1)


def positions_of(view: View, rows: pd.DataFrame) -> Array:
    """Where these rows of the view are in the data; -1 for the user's own case."""
    if not view.chosen.any():
        return np.full(len(rows), -1)
    return np.array([view.subject.position(str(name)) for name in rows.index], dtype=np.int64)
