"""Whether what is said comes true as often as it is said: bins, calibration error and a test against chance."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.metrics import LEVEL, wilson
from askwhy.tools.engines.truth import Array

MOST_BINS = 10
_ROWS_A_BIN = 20
_SIMULATED = 1000
_RESAMPLES = 400


@dataclass(frozen=True)
class Bin:
    """Rows with similar predictions: what was said and what was true on average, with a 95 % interval of the latter."""

    rows: int
    low: float
    high: float
    said: float
    true: float
    true_low: float
    true_high: float


def places(said: Array, bins: int | None = None) -> Array:
    """The bin (n,) of every prediction: about equally many rows in each, equal predictions together."""
    count = bins or int(np.clip(len(said) // _ROWS_A_BIN, 2, MOST_BINS))
    edges = np.unique(np.quantile(said, np.linspace(0, 1, count + 1)[1:-1]))
    found = np.searchsorted(edges, said, side="right")
    return np.unique(found, return_inverse=True)[1].reshape(-1)


def calibration_error(said: Array, true: Array) -> float:
    """Mean absolute difference between the means of what is said and what is true over bins, weighted by their rows.

    For probabilities: the expected calibration error (Naeini et al. 2015) with equal-mass bins (Nixon et al. 2019).
    """
    return float(_errors(said, (said - true)[None, :])[0])


def _errors(said: Array, off: Array) -> Array:
    """Calibration errors (m,) of m sets of differences (m, n) between what is said and what is true."""
    place = places(said)
    member = (place[:, None] == np.arange(int(place.max()) + 1)).astype(float)
    return np.asarray(np.abs(off @ member).sum(axis=1) / len(said))


def interval(said: Array, true: Array, rng: np.random.Generator) -> tuple[float, float]:
    """The basic 95 % bootstrap interval of the calibration error, bins held fixed.

    It reflects the resampled errors about the estimate, as both are too large by about the same amount.
    """
    value, rows = calibration_error(said, true), len(said)
    weights = rng.multinomial(rows, np.full(rows, 1 / rows), size=_RESAMPLES)
    low, high = np.quantile(_errors(said, weights * (said - true)), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return max(0.0, 2 * value - float(high)), max(value, 2 * value - float(low))


def by_chance(said: Array, true: Array, probabilities: bool, rng: np.random.Generator) -> tuple[float, float]:
    """The calibration error a perfectly calibrated model would show on these rows, on average, and a p-value.

    Probabilities: outcomes drawn from them (consistency resampling; Bröcker & Smith 2007). Numbers: residuals with
    random signs (wild bootstrap; Liu 1988).
    """
    value, shape = calibration_error(said, true), (_SIMULATED, len(said))
    off = said - (rng.random(shape) < said) if probabilities else (said - true) * rng.choice([-1.0, 1.0], shape)
    simulated = _errors(said, off)
    above = int((simulated >= value - 1e-12).sum())
    return float(simulated.mean()), (1 + above) / (_SIMULATED + 1)


def reliability(said: Array, true: Array) -> tuple[Bin, ...]:
    """The bins, lowest first. `true` is 0 or 1 for probabilities, else numbers."""
    place, proportion = places(said), bool(np.isin(true, (0.0, 1.0)).all())
    found = []
    for one in range(int(place.max()) + 1):
        inside = place == one
        mean, count = float(true[inside].mean()), int(inside.sum())
        if proportion:
            low, high = wilson(int(true[inside].sum()), count)
        else:
            half = 1.96 * float(true[inside].std(ddof=1)) / np.sqrt(count) if count > 1 else 0.0
            low, high = mean - half, mean + half
        span = said[inside]
        found.append(Bin(count, float(span.min()), float(span.max()), float(span.mean()), mean, low, high))
    return tuple(found)
