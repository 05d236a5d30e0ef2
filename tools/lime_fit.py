"""LIME: a linear model of the predictions around one row.

The neighbourhood is drawn here, so that strings, booleans, dates and missing cells work and the evaluator sees every
row; the weighted fit is the `lime` package's (Ribeiro, Singh & Guestrin, "Why Should I Trust You?", 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

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
    """A local linear model, over standardised numbers and over "is this category still the same".

    contributions: (features,), weight x (the row - the background's mean), so that a positive one raises the output
    against a typical row; error: their standard errors. intercept: the fit at the background's mean.
    fidelity: weighted R² on held-out perturbations. same_side: how often model and fit agree about 0.5.
    """

    contributions: Outputs
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
    perturbed: int = FITTED + HELD_OUT,
) -> LimeFit:
    """Fit around `row` (one row). `output` takes the column to explain out of the model's outputs.

    Of the `perturbed` rows, four in five are fitted on and the rest are held out.

    Each cell of a perturbed row is kept with probability one half, else replaced by a draw from its background column:
    were all replaced, as in the package, a category that the background hardly shows would have no weight to speak of.
    """
    order = np.argsort(np.asarray(row.columns, dtype=str), kind="stable")
    place = np.argsort(order)
    pool = pooled(background, row)
    source = _perturbed(perturbed, len(background), len(order), rng)[:, place]
    cells = _interpretable(pool)
    design = cells[source, np.arange(len(order))][:, order]
    truth = output(evaluate.mixed(pool, source))
    distance = np.sqrt(((design - design[0]) ** 2).sum(axis=1))
    kernel, fitted = _kernel(len(order)), perturbed * FITTED // (FITTED + HELD_OUT)
    intercept, weights = linear_fit(design[:fitted], truth[:fitted], distance[:fitted], kernel)
    guess, closeness = intercept + design @ weights, kernel(distance)
    errors = linear_errors(design[:fitted], (truth - guess)[:fitted], closeness[:fitted])
    typical = cells[:-1].mean(axis=0)
    away = cells[-1] - typical
    fresh = slice(fitted, None)
    return LimeFit(
        contributions=weights[place] * away,
        error=errors[place] * np.abs(away),
        intercept=intercept + float(weights[place] @ typical),
        fidelity=weighted_r2(truth[fresh], guess[fresh], closeness[fresh]),
        same_side=float(np.average((truth[fresh] > 0.5) == (guess[fresh] > 0.5), weights=closeness[fresh])),
    )


def _perturbed(count: int, refs: int, width: int, rng: np.random.Generator) -> Index:
    """Where every cell comes from: the row itself (last in the pool) or a background row. Row 0 is unchanged."""
    shape = (count, width)
    drawn = rng.integers(0, refs, size=shape)
    source = np.where(rng.random(shape) < _KEPT, refs, drawn)
    source[0] = refs
    return source


def _interpretable(pool: pd.DataFrame) -> Outputs:
    """What the linear model sees of every cell of the pool: (rows, features)."""
    return np.column_stack([_column(pool.iloc[:, j]) for j in range(pool.shape[1])])


def _column(cells: pd.Series) -> Outputs:
    """Numbers and dates in standard deviations of the background (all but the last cell), a missing one at its mean.

    Categories, booleans, and columns whose last cell is missing: 1 where the cell is like the last one, else 0.
    """
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        cells = (cells - cells.min()).dt.total_seconds()
    ordered = pd.api.types.is_numeric_dtype(cells.dtype) and not pd.api.types.is_bool_dtype(cells.dtype)
    if not ordered or bool(cells.isna().iloc[-1]):
        codes = pd.factorize(cells)[0]
        return np.asarray(codes == codes[-1], dtype=float)
    numbers = np.asarray(cells.astype(float))
    known = numbers[:-1][~np.isnan(numbers[:-1])]
    spread = float(known.std()) if len(known) else 0.0
    if spread == 0:
        return np.asarray(numbers == numbers[-1], dtype=float)
    return np.asarray(np.nan_to_num((numbers - known.mean()) / spread))


def _kernel(width: int) -> Callable[[Outputs], Outputs]:
    """The package's default: exponential, as wide as 0.75 times the root of the number of features."""
    scale = 0.75 * np.sqrt(width)
    return lambda distance: np.asarray(np.sqrt(np.exp(-(distance**2) / scale**2)))


def linear_fit(
    design: Outputs, truth: Outputs, distance: Outputs, kernel: Callable[[Outputs], Outputs]
) -> tuple[float, Outputs]:
    """Intercept and weights of the package's ridge regression; the first row of `design` is the original."""
    from lime.lime_base import LimeBase

    base = LimeBase(kernel, random_state=0)
    intercept, pairs, _, _ = base.explain_instance_with_data(
        design, truth[:, None], distance, 0, design.shape[1], feature_selection="none"
    )
    weights = np.zeros(design.shape[1])
    for position, weight in pairs:
        weights[int(position)] = float(weight)
    return float(intercept), weights


def linear_errors(design: Outputs, residual: Outputs, closeness: Outputs) -> Outputs:
    """Standard errors of weighted least squares that allow for unequal variance (White 1980)."""
    design = np.column_stack([np.ones(len(design)), design])
    inverse = np.linalg.pinv(design.T @ (closeness[:, None] * design), hermitian=True)
    scores = design * (closeness * residual)[:, None]
    return np.asarray(np.sqrt(np.maximum(0.0, np.diag(inverse @ (scores.T @ scores) @ inverse)))[1:])
