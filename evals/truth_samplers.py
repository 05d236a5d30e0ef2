"""Ways to redraw a feature given the others, on planted data: is k-NN good enough (C10)?

Beside it: a gradient-boosted model of the feature with resampled residuals, the true conditional distribution (known,
as the data is Gaussian), and draws regardless of the others. All are judged on the same data sets.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from askwhy.evals.truth_line import Line
from askwhy.tools.engines.conditional import NEIGHBOURS
from askwhy.tools.engines.discoveries import adjusted
from askwhy.tools.engines.planted import correlated, donors_of
from askwhy.tools.engines.randomization import loss_p_values

Array = np.ndarray[Any, Any]
Redraw = Callable[[Array, Array, np.random.Generator], Array]
"""Cells (rows, features), the rows to redraw: new values (features, rows to redraw, draws), one feature at a time."""

Q = 0.1
_SETTINGS = ((8, 150, 0.8, 0.5), (30, 200, 0.8, 0.35))
"""Features, rows for fitting and as many for testing, correlation of neighbouring features, weight of the true ones."""

_TRUE = 4
_DRAWS = 499


def _nearest(cells: Array, rows: Array, rng: np.random.Generator) -> Array:
    donors, width = donors_of(cells), cells.shape[1]
    places = donors.nearest(donors.cells[rows], rows, [[one] for one in range(width)], NEIGHBOURS)
    return np.stack([cells[places[one], one] for one in range(width)])


def _anyone(cells: Array, rows: Array, rng: np.random.Generator) -> Array:
    return np.stack([rng.choice(one, (len(rows), NEIGHBOURS)) for one in cells.T])


def _boosted(cells: Array, rows: Array, rng: np.random.Generator) -> Array:
    """Predictions of the feature by models that have not seen the row, plus residuals of other rows."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.model_selection import cross_val_predict

    model = HistGradientBoostingRegressor(max_iter=60, max_depth=3, random_state=0)
    found = []
    for one, own in enumerate(cells.T):
        expected = cross_val_predict(model, np.delete(cells, one, axis=1), own, cv=2)
        found.append(expected[rows][:, None] + rng.choice(own - expected, (len(rows), NEIGHBOURS)))
    return np.stack(found)


def _known(correlation: float, width: int) -> Redraw:
    """The true conditional distribution of a Gaussian, from the inverse of its covariance."""
    distance = np.abs(np.subtract.outer(np.arange(width), np.arange(width)))
    precision = np.linalg.inv(_covariance(correlation, distance))

    def redraw(cells: Array, rows: Array, rng: np.random.Generator) -> Array:
        spread = 1 / np.diag(precision)
        expected = cells[rows] - cells[rows] @ precision * spread
        noise = rng.normal(size=(width, len(rows), NEIGHBOURS))
        return np.asarray(expected.T[:, :, None] + np.sqrt(spread)[:, None, None] * noise)

    return redraw


def _covariance(correlation: float, distance: Array) -> Array:
    """That of `correlated`: all variances are 1, and correlations fall off with the distance."""
    return np.asarray(correlation**distance, dtype=float)


def sampler_lines(replicates: int) -> list[Line]:
    """False discovery rate and power of every sampler, for eight features and for thirty."""
    lines = []
    for width, rows, correlation, weight in _SETTINGS if replicates else ():
        ways = {
            "k-NN": _nearest,
            "boosted": _boosted,
            "known": _known(correlation, width),
            "regardless": _anyone,
        }
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
        for run in range(replicates):
            for name, redraw in ways.items():
                rng = np.random.default_rng((width, run))
                found[name].append(_discoveries(rng, redraw, width, rows, correlation, weight))
        lines += _told(width, {name: np.array(one) for name, one in found.items()})
    return lines


def _told(width: int, found: dict[str, Array]) -> list[Line]:
    """The k-NN sampler's figures with the others' in words; nothing is required of so few data sets."""
    part, on = f"samplers: {width} features", f"{len(found['k-NN'])} data sets"
    lines = []
    for place, (words, key) in enumerate(
        (("false discovery rate at q = 0.1", "fdr"), ("true features found", "power"))
    ):
        others = ", ".join(
            f"{name} {one[:, place].mean():.3f} (se {one[:, place].std(ddof=1) / np.sqrt(len(one)):.3f})"
            for name, one in found.items()
        )
        own = float(found["k-NN"][:, place].mean())
        lines.append(Line(part, words, own, f"sampler_{key}_{width}", on, baseline=others))
    return lines


def _discoveries(
    rng: np.random.Generator, redraw: Redraw, width: int, rows: int, correlation: float, weight: float
) -> tuple[float, float]:
    """False share of the discoveries, and share of the true features found, of a line fitted to half of the rows."""
    cells = correlated(rng, 2 * rows, width, correlation)
    true = np.zeros(width, dtype=bool)
    true[rng.choice(width, _TRUE, replace=False)] = True
    truth = cells @ np.where(true, weight, 0.0) + rng.normal(size=2 * rows)
    design = np.column_stack([cells, np.ones(2 * rows)])
    weights = np.linalg.lstsq(design[:rows], truth[:rows], rcond=None)[0]
    test = np.arange(rows, 2 * rows)
    left = truth[test] - design[test] @ weights
    moved = (redraw(cells, test, rng) - cells[test].T[:, :, None]) * weights[:-1, None, None]
    increase = np.swapaxes((left[:, None] - moved) ** 2 - left[:, None] ** 2, 0, 1)
    called = adjusted(loss_p_values(increase, _DRAWS, rng)) <= Q
    return float((called & ~true).sum() / max(1, called.sum())), float(called[true].mean())
