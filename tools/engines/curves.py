"""Curves of a model's output over one feature: shape row by row, turning points of their average."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.truth import Array

FLAT = 1e-9
"""Changes no larger than this are rounding, not behaviour."""

_MOST_TURNS = 3


@dataclass(frozen=True)
class Shapes:
    """How many rows' curves only rise, only fall, stay flat, or do both."""

    rises: int
    falls: int
    flat: int
    mixed: int

    @property
    def total(self) -> int:
        """Rows checked."""
        return self.rises + self.falls + self.flat + self.mixed


def shapes(curves: Array) -> Shapes:
    """Monotonicity of every row's curve (rows, points) by direct comparison of its neighbours."""
    steps = np.diff(curves, axis=1)
    up, down = (steps > FLAT).any(axis=1), (steps < -FLAT).any(axis=1)
    return Shapes(int((up & ~down).sum()), int((down & ~up).sum()), int((~up & ~down).sum()), int((up & down).sum()))


def turning_points(curves: Array) -> list[int]:
    """Grid positions where the average of the curves turns, the most pronounced three at most, in order.

    A turn counts if the average moves by more than two standard errors (paired, over rows) on both of its sides;
    a single curve is exact, so all of its turns count.
    """
    average = curves.mean(axis=0)
    found = []
    ends = _extremes(average)
    for before, here, after in zip(ends[:-2], ends[1:-1], ends[2:], strict=True):
        sides = [_step(curves, before, here), _step(curves, here, after)]
        if all(abs(move) > max(FLAT, 2 * error) for move, error in sides):
            found.append((min(abs(move) for move, _ in sides), here))
    return sorted(here for _, here in sorted(found, reverse=True)[:_MOST_TURNS])


def _extremes(average: Array) -> list[int]:
    """Positions of the ends and of every local extreme, plateaus counted once."""
    keep = [0]
    direction = 0.0
    for i in range(1, len(average)):
        step = average[i] - average[i - 1]
        if abs(step) <= FLAT:
            continue
        if direction and np.sign(step) != direction:
            keep.append(i - 1)
        direction = float(np.sign(step))
    return [*keep, len(average) - 1]


def _step(curves: Array, start: int, end: int) -> tuple[float, float]:
    moves = curves[:, end] - curves[:, start]
    error = float(moves.std(ddof=1) / np.sqrt(len(moves))) if len(moves) > 1 else 0.0
    return float(moves.mean()), error
