"""What is measured about an explanation, and what the reader must be told when it is weak."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.evidence import Caveat, Quality
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import Feature, Schema

EXACT_RESIDUAL = 1e-3
"""C2: what attributions may miss of the prediction, as a share of the output's range, when the method is exact."""

SAMPLED_RESIDUAL = 1e-2
"""C2 for sampled methods."""

GOOD_FIT, USABLE_FIT = 0.8, 0.5
"""C1: weighted R² of a local surrogate on fresh perturbations; between the two it is shown with a caveat."""

STRONG_ASSOCIATION = 0.7
"""C16: above this, two features can stand for each other."""

_ASSOCIATION_ROWS = 5000


def additivity(output: float, base: float, values: Outputs, spread: float, *, exact: bool = True) -> Quality:
    """C2: whether base and attributions (features,) add up to the output; the value is a share of `spread`."""
    residual = abs(output - base - float(values.sum())) / spread if spread > 0 else 0.0
    limit = EXACT_RESIDUAL if exact else SAMPLED_RESIDUAL
    return Quality(check="C2", value=residual, passed=residual <= limit, note="residual as a share of the output range")


def local_fit(r2: float, same_side: float | None) -> Quality:
    """C1: how well a surrogate predicts fresh perturbations; `same_side` is how often both fall on one side of 0.5."""
    note = "weighted R² on held-out perturbations"
    if same_side is not None:
        note += f"; same side of 0.5 in {same_side:.1%} of them"
    return Quality(check="C1", value=r2, passed=r2 >= GOOD_FIT, note=note)


def direct_evaluation(evaluated: int, what: str = "rows evaluated on the model for this answer") -> tuple[Quality, ...]:
    """C19: that an answer about behaviour rests on evaluations of the model, and on how many."""
    return (Quality(check="C19", value=float(evaluated), passed=evaluated > 0, note=what),)


def weighted_r2(truth: Outputs, fitted: Outputs, weights: Outputs) -> float:
    """Weighted share of the variance explained; 1 where there is nothing to explain."""
    mean = np.average(truth, weights=weights)
    total = float(np.sum(weights * (truth - mean) ** 2))
    missed = float(np.sum(weights * (truth - fitted) ** 2))
    return 1.0 if total <= 1e-18 * weights.sum() else 1.0 - missed / total


def tied(first: float, second: float, first_error: float | None, second_error: float | None) -> bool:
    """Whether two numbers are within two standard errors of each other; exact numbers tie only where they agree."""
    margin = 2 * math.hypot(first_error or 0.0, second_error or 0.0)
    return abs(first - second) <= max(margin, 1e-12 * max(abs(first), abs(second)))


def told_apart(k: int, sizes: Sequence[float], errors: Sequence[float | None]) -> int:
    """How many of a ranking (largest first) to name for a top `k`; of the one largest, all that tie with it."""
    if k > 1 or not sizes:
        return min(k, len(sizes))
    ties = (tied(sizes[0], size, errors[0], error) for size, error in zip(sizes, errors, strict=True))
    return next((number for number, one in enumerate(ties) if not one), len(sizes))


def order_caveats(
    labels: Sequence[str], sizes: Sequence[float], errors: Sequence[float | None], named: Collection[int]
) -> tuple[Caveat, ...]:
    """A caveat for neighbours in a ranking (largest first) whose order is not certain, where one of them is named."""
    close = [
        f"between {labels[i]} and {labels[i + 1]}"
        for i in range(len(labels) - 1)
        if (i in named or i + 1 in named) and sizes[i] > 0 and tied(sizes[i], sizes[i + 1], errors[i], errors[i + 1])
    ]
    if not close:
        return ()
    return (Caveat(flag="ties", text=f"The order is not certain {', nor '.join(close)}."),)


def shared_credit(data: pd.DataFrame, schema: Schema, named: Sequence[str]) -> tuple[Caveat, ...]:
    """C16: a caveat for every named feature that another one can stand for, with its strongest partner."""
    if len(data) > _ASSOCIATION_ROWS:
        data = data.iloc[np.linspace(0, len(data) - 1, _ASSOCIATION_ROWS).astype(int)]
    columns = {feature.name: _coded(data[feature.name], feature) for feature in schema.features}
    features = {feature.name: feature for feature in schema.features}
    found: dict[frozenset[str], Caveat] = {}
    for name in named:
        others = [other for other in columns if other != name]
        strengths = [association(*columns[name], *columns[other]) for other in others]
        best = max(range(len(others)), key=lambda i: abs(strengths[i]), default=None)
        if best is not None and abs(strengths[best]) > STRONG_ASSOCIATION:
            partner = features[others[best]]
            pair = frozenset({name, partner.name})
            found.setdefault(pair, _shared(features[name], partner, strengths[best], columns))
    return tuple(found.values())


def _shared(first: Feature, second: Feature, strength: float, columns: dict[str, tuple[Outputs, bool]]) -> Caveat:
    word = "correlation" if columns[first.name][1] and columns[second.name][1] else "association"
    text = (
        f"In the data, {first.label} and {second.label} move together ({word} {strength:.2f}), "
        "so the credit between them may be shared."
    )
    return Caveat(flag="correlated", text=text)


def association(first: Outputs, first_ordered: bool, second: Outputs, second_ordered: bool) -> float:
    """How much one column tells of another: Pearson's r, a corrected correlation ratio, or a corrected Cramér's V.

    Columns are numbers or category codes; NaN is missing. The corrections (Kelley 1935; Bergsma 2013) keep columns
    of many categories from looking associated by chance.
    """
    present = ~(np.isnan(first) | np.isnan(second))
    first, second = first[present], second[present]
    if len(first) < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    if first_ordered and second_ordered:
        return float(np.corrcoef(first, second)[0, 1])
    if first_ordered or second_ordered:
        return _ratio(second, first) if first_ordered else _ratio(first, second)
    return _cramer(first, second)


def _ratio(codes: Outputs, numbers: Outputs) -> float:
    """Square root of epsilon squared: the share of variance between categories, corrected for their number."""
    _, group = np.unique(codes, return_inverse=True)
    counts = np.bincount(group)
    means = np.bincount(group, weights=numbers) / counts
    total = float(((numbers - numbers.mean()) ** 2).sum())
    within = float(((numbers - means[group]) ** 2).sum())
    left = len(numbers) - len(counts)
    if left <= 0 or total <= 0:
        return 0.0
    return math.sqrt(max(0.0, 1 - within / left * (len(numbers) - 1) / total))


def _cramer(first: Outputs, second: Outputs) -> float:
    """Cramér's V with Bergsma's correction."""
    _, one = np.unique(first, return_inverse=True)
    _, two = np.unique(second, return_inverse=True)
    table = np.zeros((one.max() + 1, two.max() + 1))
    np.add.at(table, (one, two), 1)
    n, (r, c) = table.sum(), table.shape
    expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / n
    phi2 = float(((table - expected) ** 2 / expected).sum() / n)
    corrected = max(0.0, phi2 - (r - 1) * (c - 1) / (n - 1))
    rows, columns = r - (r - 1) ** 2 / (n - 1), c - (c - 1) ** 2 / (n - 1)
    return math.sqrt(corrected / (min(rows, columns) - 1)) if min(rows, columns) > 1 else 0.0


def _coded(cells: pd.Series, feature: Feature) -> tuple[Outputs, bool]:
    """A column as floats with NaN for missing, and whether its order means something."""
    if feature.numeric or feature.kind == "boolean":
        return _finite(pd.to_numeric(cells, errors="coerce").astype(float)), True
    if feature.kind == "date":
        moments = pd.to_datetime(cells, errors="coerce")
        return _finite((moments - moments.min()).dt.total_seconds()), True
    codes = np.asarray(pd.factorize(cells)[0], dtype=float)
    codes[codes < 0] = np.nan
    return codes, False


def _finite(values: Any) -> Outputs:
    found = np.array(values, dtype=np.float64)
    found[~np.isfinite(found)] = np.nan
    return found
