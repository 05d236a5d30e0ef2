"""Randomization tests of importance: is what was seen a typical draw when a feature is redrawn given the others?

Loss: the holdout randomization test (Tansey, Veitch, Zhang, Rabadan & Blei 2022). One row: Burns, Thomas & Wang 2020.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

DRAWS = 1999
"""Redrawn data sets behind a p-value over many rows: they cost no evaluation, as few donors serve all of them."""

SMALLEST = 1 / (DRAWS + 1)
"""No p-value is said to be smaller: further out, a test's own assumptions are worth less than the number."""

FEWEST = 200
"""C10: a p-value rests on at least so many values, its own included."""

_ROUNDING = 1e-12
_BLOCK = 4_000_000

Array = np.ndarray[Any, Any]


def draws_for(features: int, q: float, least: int = FEWEST) -> int:
    """How many draws a p-value needs so that the smallest one can pass among so many features."""
    return max(least, math.ceil(features / q)) - 1


def loss_p_values(increase: Array, draws: int, rng: np.random.Generator) -> Array:
    """One-sided p-values (features,) that redrawing a feature raises the mean loss.

    increase: (n, features, k), the loss of row i with feature j taken from its k-th donor, less its own loss. Each of
    the `draws` data sets takes one donor for every row.
    """
    rows, features, donors = increase.shape
    own = np.arange(rows)
    below = np.zeros(features)
    block = max(1, _BLOCK // max(1, rows))
    tiny = _ROUNDING * np.abs(increase).max(initial=1.0)
    for start in range(0, draws, block):
        chosen = rng.integers(0, donors, (min(block, draws - start), rows))
        for feature in range(features):
            below[feature] += int((increase[own, feature][own, chosen].mean(axis=1) <= tiny).sum())
    return np.asarray((1 + below) / (draws + 1))


def typical_p_value(own: float, redrawn: Array) -> float:
    """The p-value that `own` is a typical draw among the redrawn outputs (k,).

    Each value is set against the mean of the others, which ranks it as its distance to the mean of all does.
    """
    values = np.append(redrawn, own)
    away = np.abs(values - values.mean())
    tiny = _ROUNDING * max(1.0, float(np.abs(values).max()))
    return float((away >= away[-1] - tiny).mean())


def larger_p_values(sizes: Array, margin: float) -> Array:
    """One-sided p-values (features,) that the mean of sizes (n, features) exceeds `margin`, by a t-test over rows."""
    from scipy.stats import t

    count = len(sizes)
    error = sizes.std(axis=0, ddof=1) / math.sqrt(count)
    gap = sizes.mean(axis=0) - margin
    with np.errstate(divide="ignore", invalid="ignore"):
        found = t.sf(np.where(error > 0, gap / error, np.where(gap > 0, np.inf, -np.inf)), count - 1)
    return np.asarray(np.maximum(found, SMALLEST))
