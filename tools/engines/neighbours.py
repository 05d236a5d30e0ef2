"""Rows like a row: nearest neighbours in the data's own mixed space (Gower 1971), and how far apart is usual."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.distance import NEIGHBOURS, Space
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat
from askwhy.tools.subject import Mask, Subject
from askwhy.tools.view import View

REFERENCE_ROWS = 1500
"""At most so many training rows say what distances are usual; every pair of them is compared."""

UNUSUAL = 0.95
"""C4, C14: a row is unusual where it is further from its neighbours than this share of the training rows are."""

_BLOCK_CELLS = 8_000_000


@dataclass(frozen=True)
class Company:
    """Rows that others are compared with: their positions in the subject's data, and cells (n, features) in `space`."""

    space: Space
    positions: Array
    cells: Array

    def __len__(self) -> int:
        return len(self.positions)

    def without(self, position: int | None) -> Company:
        """The company without one row of the data."""
        if position is None:
            return self
        keep = self.positions != position
        return Company(self.space, self.positions[keep], self.cells[keep])

    def nearest(self, one: Array, count: int) -> tuple[Array, Array]:
        """Places in the company of the rows nearest to one row (features,), and their distances; ties by position."""
        far = self.space.differences(one, self.cells).mean(axis=1)
        order = np.argsort(far.round(12), kind="stable")[:count]
        return order, far[order]


def training(subject: Subject) -> Mask:
    """The rows the model was trained on, as far as known: those not held out, else every row."""
    rest = ~subject.held_out
    return np.asarray(rest if rest.any() else np.ones(len(rest), dtype=bool), dtype=bool)


def training_caveats(view: View) -> tuple[Caveat, ...]:
    """What must be said where nobody told which rows the model was trained on."""
    if view.subject.held_out.any():
        return ()
    entities = view.schema.entities
    text = f"No {entities} are marked as held out, so all of them count as training {entities}."
    return (Caveat(flag="no_held_out", text=text),)


def company(view: View, mask: Mask, *, most: int | None = None) -> Company:
    """The masked rows of the data; with `most`, at most so many of them, drawn by the view's seed.

    Distances are relative to the range that the whole data spans.
    """
    positions = np.flatnonzero(mask)
    if most is not None and len(positions) > most:
        positions = np.sort(view.rng.choice(positions, most, replace=False))
    space = Space.of(view.schema, view.subject.data)
    return Company(space, positions, space.encode(view.subject.data.iloc[positions]))


def own_position(view: View) -> int | None:
    """Where the instance is in the data; None for the user's own case and where there is no instance."""
    if not view.scope.has_instance or not view.chosen.any():
        return None
    return int(np.flatnonzero(view.chosen)[0])


def distances(space: Space, rows: Array, among: Array) -> Array:
    """Gower distances (n, m) of encoded rows (n, features) to encoded rows (m, features)."""
    return np.concatenate([np.empty((0, len(among))), *_blocks(space, rows, among)])


def _blocks(space: Space, rows: Array, among: Array) -> Iterator[Array]:
    size = max(1, _BLOCK_CELLS // max(1, among.size))
    for start in range(0, len(rows), size):
        yield space.differences(rows[start : start + size, None, :], among[None]).mean(axis=2)


def nearest_mean(far: Array, count: int) -> Array:
    """The mean of the `count` smallest distances in each row of distances (n, m); infinite entries are left out."""
    count = min(count, far.shape[1])
    return np.asarray(np.partition(far, count - 1, axis=1)[:, :count].mean(axis=1))


def leave_one_out(inside: Company) -> Array:
    """Distances (n, n) of the company's rows to each other, infinite on the diagonal."""
    far = distances(inside.space, inside.cells, inside.cells)
    np.fill_diagonal(far, np.inf)
    return far


@dataclass(frozen=True)
class Usual:
    """What distances are usual: `own` (n,) is each reference row's mean distance to its `count` nearest others."""

    company: Company
    own: Array
    count: int

    def shares(self, far: Array) -> Array:
        """The share of the reference rows that are nearer to their neighbours than these distances."""
        return np.asarray(np.searchsorted(np.sort(self.own), far, side="left") / len(self.own))

    def far(self, cells: Array, positions: Array) -> Array:
        """Mean distances (n,) of encoded rows to their nearest reference rows, never to themselves.

        `positions` are the rows' own in the data, -1 where they have none.
        """
        away = distances(self.company.space, cells, self.company.cells)
        away[positions[:, None] == self.company.positions[None, :]] = np.inf
        return nearest_mean(away, self.count)


def usual(view: View, *, count: int = NEIGHBOURS, inside: Company | None = None) -> Usual:
    """The usual distances between the training rows. ToolError where there are too few to say."""
    inside = company(view, training(view.subject), most=REFERENCE_ROWS) if inside is None else inside
    if len(inside) < count + 2:
        raise ToolError(f"With only {len(inside)} {view.schema.entities}, there is no telling what is usual.")
    return Usual(inside, nearest_mean(leave_one_out(inside), count), count)
