"""LIME: a linear model of the predictions around one row.

The neighbourhood is drawn here, so that strings, booleans, dates and missing cells work and the evaluator sees every
row; the weighted fit is the `lime` package's (Ribeiro, Singh & Guestrin, "Why Should I Trust You?", 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.evaluator import Evaluator, Index
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import weighted_r2
from askwhy.tools.shapley import pooled

FITTED, HELD_OUT = 4000, 1000
"""Perturbed rows that the linear model is fitted on, and fresh ones that it is tested on."""

_KEPT = 0.5


@dataclass(frozen=True)
class LimeFit:
    """A local linear model over "is this cell still alike": alike is the same quartile, or the same category.

    weights: (features,), what it adds to the output that the cell is as it is and not another; error: their standard
    errors. fidelity: weighted R² on held-out perturbations. same_side: how often model and fit agree about 0.5.
    """

    weights: Outputs
    error: Outputs
    intercept: float
    fidelity: float
    same_side: float


def fit_lime(
    evaluate: Evaluator,
    row: pd.DataFrame,
    background: pd.DataFrame,
    output: Callable[[Outputs], Outputs],
    rng: np.random.Generator,
) -> LimeFit:
    """Fit around `row` (one row). `output` takes the column to explain out of the model's outputs.

    Each cell of a perturbed row is kept with probability one half, else replaced by a draw from its background column:
    were all replaced, as in the package, a category that the background hardly shows would have no weight to speak of.
    """
    order = np.argsort(np.asarray(row.columns, dtype=str), kind="stable")
    pool = pooled(background, row)
    source = _perturbed(len(background), len(order), rng)[:, np.argsort(order)]
    alike = _alike(pool)[source, np.arange(len(order))].astype(float)[:, order]
    truth = output(evaluate.mixed(pool, source))
    distance = np.sqrt((1 - alike).sum(axis=1))
    kernel = _kernel(len(order))
    intercept, weights = _fitted(alike[:FITTED], truth[:FITTED], distance[:FITTED], kernel)
    guess, closeness = intercept + alike @ weights, kernel(distance)
    fresh = slice(FITTED, None)
    side = np.average((truth[fresh] > 0.5) == (guess[fresh] > 0.5), weights=closeness[fresh])
    place = np.argsort(order)
    return LimeFit(
        weights=weights[place],
        error=_standard_errors(alike[:FITTED], (truth - guess)[:FITTED], closeness[:FITTED])[place],
        intercept=intercept,
        fidelity=weighted_r2(truth[fresh], guess[fresh], closeness[fresh]),
        same_side=float(side),
    )


def _perturbed(refs: int, width: int, rng: np.random.Generator) -> Index:
    """Where every cell comes from: the row itself (last in the pool) or a background row. Row 0 is unchanged."""
    shape = (FITTED + HELD_OUT, width)
    drawn = rng.integers(0, refs, size=shape)
    source = np.where(rng.random(shape) < _KEPT, refs, drawn)
    source[0] = refs
    return source


def _alike(pool: pd.DataFrame) -> Any:
    """Whether each cell of the pool is like the last row's: (rows, features), boolean."""
    return np.column_stack([_bins(pool.iloc[:, j]) == _bins(pool.iloc[:, j])[-1] for j in range(pool.shape[1])])


def _bins(cells: pd.Series) -> Any:
    """The quartile of a number or date among the background (all but the last cell), else the category; -1 missing."""
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        cells = (cells - cells.min()).dt.total_seconds()
    if not pd.api.types.is_numeric_dtype(cells.dtype) or pd.api.types.is_bool_dtype(cells.dtype):
        return pd.factorize(cells)[0]
    numbers = np.asarray(cells.astype(float))
    known = numbers[:-1][~np.isnan(numbers[:-1])]
    cuts = np.unique(np.percentile(known, [25, 50, 75])) if len(known) else np.empty(0)
    return np.where(np.isnan(numbers), -1, np.searchsorted(cuts, numbers))


def _kernel(width: int) -> Callable[[Outputs], Outputs]:
    """The package's default: exponential, as wide as 0.75 times the root of the number of features."""
    scale = 0.75 * np.sqrt(width)
    return lambda distance: np.asarray(np.sqrt(np.exp(-(distance**2) / scale**2)))


def _fitted(
    alike: Outputs, truth: Outputs, distance: Outputs, kernel: Callable[[Outputs], Outputs]
) -> tuple[float, Outputs]:
    from lime.lime_base import LimeBase

    base = LimeBase(kernel, random_state=0)
    intercept, pairs, _, _ = base.explain_instance_with_data(
        alike, truth[:, None], distance, 0, alike.shape[1], feature_selection="none"
    )
    weights = np.zeros(alike.shape[1])
    for position, weight in pairs:
        weights[int(position)] = float(weight)
    return float(intercept), weights


def _standard_errors(alike: Outputs, residual: Outputs, closeness: Outputs) -> Outputs:
    """Standard errors of weighted least squares that allow for unequal variance (White 1980)."""
    design = np.column_stack([np.ones(len(alike)), alike])
    inverse = np.linalg.pinv(design.T @ (closeness[:, None] * design), hermitian=True)
    scores = design * (closeness * residual)[:, None]
    return np.asarray(np.sqrt(np.maximum(0.0, np.diag(inverse @ (scores.T @ scores) @ inverse)))[1:])
