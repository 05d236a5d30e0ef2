"""Tests on data whose truth is planted: how often they are wrong, and how often they find what is there.

The fast slice runs in the tests, the long run in the evaluation of planted truths.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from askwhy.tools.engines.betting import Outcome, Similarities, conditional_payoffs, outcome, two_sample_payoffs
from askwhy.tools.engines.conditional import NEIGHBOURS, Donors, Sampler
from askwhy.tools.engines.discoveries import adjusted
from askwhy.tools.engines.distance import Space
from askwhy.tools.engines.randomization import loss_p_values

Array = np.ndarray[Any, Any]
Kind = Literal["used", "correlated", "confounded", "absent", "subgroup", "crossed"]
"""A planted concept. used: the model adds its feature. correlated: it reads only a correlated feature. confounded: the
mark follows another feature that the model reads, and nothing else. absent: a random mark. subgroup: used for half.
crossed: used with opposite signs in the halves."""

_STRENGTH = 0.5
_NOISE = 2.0


@dataclass(frozen=True)
class Runs:
    """Per replicate: the false discovery proportion and the share of the true features found.

    top_power: the same share among the features with the largest mean |SHAP|, as many as there are true ones; of these,
    one less is false.
    """

    false_share: Array
    power: Array
    top_power: Array

    @property
    def rate(self) -> float:
        """The mean false discovery proportion."""
        return float(self.false_share.mean())

    @property
    def error(self) -> float:
        """Standard error of `rate`."""
        return float(self.false_share.std(ddof=1) / np.sqrt(len(self.false_share)))


def false_discoveries(
    replicates: int,
    *,
    q: float = 0.1,
    seed: int = 0,
    rows: int = 150,
    features: int = 8,
    correlation: float = 0.5,
    draws: int = 499,
    sampler: Sampler = "conditional",
) -> Runs:
    """Significant features of a linear model fitted on `rows` rows and tested on as many others.

    The truth depends on the first half of the features; neighbouring features are correlated, so that the others are
    associated with the truth, and the fitted model uses all of them a little.
    """
    found = [
        _discoveries(np.random.default_rng((seed, one)), q, rows, features, correlation, draws, sampler)
        for one in range(replicates)
    ]
    return Runs(*np.array(found).T)


def _discoveries(
    rng: np.random.Generator, q: float, rows: int, features: int, correlation: float, draws: int, sampler: Sampler
) -> tuple[float, float, float]:
    cells = correlated(rng, 2 * rows, features, correlation)
    true = np.arange(features) < features // 2
    truth = cells @ np.where(true, _STRENGTH, 0.0) + rng.normal(0, _NOISE / 2, len(cells))
    design = np.column_stack([cells, np.ones(len(cells))])
    weights = np.linalg.lstsq(design[:rows], truth[:rows], rcond=None)[0]
    test = np.arange(rows, 2 * rows)
    left = truth[test] - design[test] @ weights
    donors = donors_of(cells)
    if sampler == "conditional":
        places = donors.nearest(donors.cells[test], test, [[j] for j in range(features)], NEIGHBOURS)
    else:
        places = np.array([donors.anyone(test, NEIGHBOURS, rng)] * features)
    increase = np.empty((rows, features, NEIGHBOURS))
    for j in range(features):
        moved = (cells[places[j], j] - cells[test, j][:, None]) * weights[j]
        increase[:, j] = (left[:, None] - moved) ** 2 - left[:, None] ** 2
    called = adjusted(loss_p_values(increase, draws, rng)) <= q
    sizes = np.abs(weights[:-1]) * np.abs(cells[test] - cells.mean(axis=0)).mean(axis=0)
    top = true[np.argsort(-sizes, kind="stable")[: true.sum()]]
    return float((called & ~true).sum() / max(1, called.sum())), float(called[true].mean()), float(top.mean())


def correlated(rng: np.random.Generator, rows: int, features: int, correlation: float) -> Array:
    """Standard normal columns (rows, features) whose correlation falls off with their distance (first-order)."""
    cells = rng.normal(size=(rows, features))
    for j in range(1, features):
        cells[:, j] = correlation * cells[:, j - 1] + np.sqrt(1 - correlation**2) * cells[:, j]
    return cells


def donors_of(cells: Array) -> Donors:
    """Donors from rows of plain numbers (rows, features); they are encoded as the mixed tables are."""
    low, span = cells.min(axis=0), np.ptp(cells, axis=0)
    ordered = np.ones(cells.shape[1], dtype=bool)
    return Donors.of_cells(Space(ordered, low, span, ({},) * cells.shape[1]), (cells - low) / span)


def concept_runs(
    replicates: int, kind: Kind, *, alpha: float = 0.05, seed: int = 0, rows: int = 400, correlation: float = 0.7
) -> list[Outcome]:
    """Tests whether a model uses the concept "x1 is high" beyond the other features, for a planted kind of use.

    The share of rejections is the power for "used" and "subgroup", and the rate of false alarms for the others.
    """
    return [_concept(np.random.default_rng((seed, one)), kind, alpha, rows, correlation) for one in range(replicates)]


def _concept(rng: np.random.Generator, kind: Kind, alpha: float, rows: int, correlation: float) -> Outcome:
    cells = correlated(rng, rows, 4, correlation)
    inside = cells[:, 1] > np.quantile(cells[:, 1], 0.75)
    if kind == "absent":
        inside = rng.permutation(inside)
    if kind == "confounded":
        inside = cells[:, 0] + rng.normal(size=rows) > 1
    half, every = (cells[:, 3] > 0).astype(float), np.ones(rows)
    use = {"subgroup": half, "crossed": 2 * half - 1, "correlated": 0 * every}.get(kind, every)
    donors, own = donors_of(cells), np.arange(rows)
    places = donors.nearest(donors.cells, own, [[1]], NEIGHBOURS)[0]
    output = cells[:, 0] + use * cells[:, 1]
    redrawn = cells[:, [0]] + use[:, None] * cells[places, 1]
    values = (output - redrawn.mean(axis=1))[:, None]
    surprise = inside - inside[places].mean(axis=1)
    alike = Similarities.of(values, donors.likeness(donors.cells, [[1]])[0])
    return outcome(conditional_payoffs(alike, surprise, rng.permutation(rows)), alpha)


def marginal_runs(replicates: int, *, alpha: float = 0.05, seed: int = 0, rows: int = 300) -> list[Outcome]:
    """Tests of association with a concept that is a random mark of a quarter of the rows: all rejections are false."""
    found = []
    for one in range(replicates):
        rng = np.random.default_rng((seed, one))
        outputs, size = rng.normal(size=(rows, 1)), rows // 4
        order = rng.permutation(rows)
        found.append(outcome(two_sample_payoffs(outputs[order[:size]], outputs[order[size : 2 * size]]), alpha))
    return found
