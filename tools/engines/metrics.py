"""Scores of predictions against the truth, each with a 95 % interval.

Proportions get Wilson's interval (Wilson 1927); everything else a percentile bootstrap over rows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from askwhy.tools.errors import ToolError

Array = np.ndarray[Any, Any]

LEVEL = 0.95
RESAMPLES = 400
NORMAL = 1.959963984540054
"""The normal quantile of 95 % intervals."""


@dataclass(frozen=True)
class Score:
    """A value with its interval (NaN where there is none); `basis` rows are in the denominator."""

    value: float
    low: float
    high: float
    basis: int
    interval: str


def wilson(right: int, total: int, z: float = NORMAL) -> tuple[float, float]:
    """Wilson's interval of a proportion `right / total`, 95 % unless another normal quantile is given."""
    share = right / total
    centre = (share + z**2 / (2 * total)) / (1 + z**2 / total)
    half = z / (1 + z**2 / total) * np.sqrt(share * (1 - share) / total + z**2 / (4 * total**2))
    # The bounds hold the share itself, whatever rounding makes of 0 and 1.
    return min(share, max(0.0, float(centre - half))), max(share, min(1.0, float(centre + half)))


def bootstrap(
    measure: Callable[[Array, Array], float], actual: Array, outputs: Array, rng: np.random.Generator
) -> tuple[float, float]:
    """The 95 % percentile interval of `measure` over resampled rows; NaN where it is mostly undefined."""
    rows = len(actual)
    values = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(0, rows, rows)
        values.append(measure(actual[drawn], outputs[drawn]))
    found = np.array([value for value in values if np.isfinite(value)])
    if rows < 2 or len(found) < RESAMPLES / 2:
        return float("nan"), float("nan")
    low, high = np.quantile(found, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def confusion(actual: Array, predicted: Array, classes: int) -> Array:
    """Counts (classes, classes): actual class down, predicted class across."""
    return np.bincount(actual * classes + predicted, minlength=classes * classes).reshape(classes, classes)


Fraction = tuple[float, float]


def _recall(table: Array, one: int) -> Fraction:
    return table[one, one], table[one].sum()


def _precision(table: Array, one: int) -> Fraction:
    return table[one, one], table[:, one].sum()


def _specificity(table: Array, one: int) -> Fraction:
    negatives = table.sum() - table[one].sum()
    return negatives - table[:, one].sum() + table[one, one], negatives


def _npv(table: Array, one: int) -> Fraction:
    said_no = table.sum() - table[:, one].sum()
    return said_no - table[one].sum() + table[one, one], said_no


def _f1(table: Array, one: int) -> Fraction:
    return 2 * table[one, one], table[one].sum() + table[:, one].sum()


FRACTIONS: dict[str, Callable[[Array, int], Fraction]] = {
    "precision": _precision,
    "recall": _recall,
    "specificity": _specificity,
    "npv": _npv,
    "f1": _f1,
}
"""Metrics of one class against the rest: numerator and denominator from a confusion table."""


def of_class(name: str, table: Array, one: int) -> float:
    """A fraction of one class; NaN where its denominator is zero."""
    above, below = FRACTIONS[name](table, one)
    return float(above / below) if below else float("nan")


def macro(name: str, table: Array) -> float:
    """The plain mean over the classes that occur or are predicted; an undefined one counts as 0, as in scikit-learn."""
    present = [one for one in range(len(table)) if table[one].sum() + table[:, one].sum()]
    return float(np.mean([np.nan_to_num(of_class(name, table, one)) for one in present]))


def balanced_accuracy(actual: Array, outputs: Array) -> float:
    """Mean recall over the classes that occur."""
    table = confusion(actual, outputs.argmax(axis=1), outputs.shape[1])
    present = np.flatnonzero(table.sum(axis=1))
    return float(np.mean([of_class("recall", table, int(one)) for one in present]))


def roc_auc(actual: Array, outputs: Array) -> float:
    """Area under the ROC curve; several classes: the mean of each against the rest. NaN if one class only occurs."""
    from scipy.stats import rankdata

    present = np.unique(actual)
    if len(present) < 2:
        return float("nan")
    binary = outputs.shape[1] == 2
    areas = []
    for one in [1] if binary else present:
        positive = actual == one
        ranks = rankdata(outputs[:, one])
        count, rest = int(positive.sum()), int((~positive).sum())
        areas.append((ranks[positive].sum() - count * (count + 1) / 2) / (count * rest))
    return float(np.mean(areas))


def log_loss(actual: Array, outputs: Array) -> float:
    """Mean negative log-probability of the true class, in nats."""
    chance = outputs[np.arange(len(actual)), actual]
    return float(-np.log(np.clip(chance, np.finfo(float).eps, 1.0)).mean())


def brier(actual: Array, outputs: Array) -> float:
    """Mean squared error of the probabilities: of one class for two classes, summed over classes for more."""
    truth = np.eye(outputs.shape[1])[actual]
    total = float(((outputs - truth) ** 2).sum(axis=1).mean())
    return total / 2 if outputs.shape[1] == 2 else total


def rmse(actual: Array, outputs: Array) -> float:
    """Root mean squared error."""
    return float(np.sqrt(((outputs[:, 0] - actual) ** 2).mean()))


def mae(actual: Array, outputs: Array) -> float:
    """Mean absolute error."""
    return float(np.abs(outputs[:, 0] - actual).mean())


def r2(actual: Array, outputs: Array) -> float:
    """Share of the variance that the predictions explain; NaN where the truth does not vary."""
    spread = float(((actual - actual.mean()) ** 2).sum())
    return 1.0 - float(((actual - outputs[:, 0]) ** 2).sum()) / spread if spread else float("nan")


WHOLE: dict[str, Callable[[Array, Array], float]] = {
    "balanced_accuracy": balanced_accuracy,
    "roc_auc": roc_auc,
    "log_loss": log_loss,
    "brier": brier,
    "rmse": rmse,
    "mae": mae,
    "r2": r2,
}
"""Metrics of all rows at once: (actual, outputs) to a number."""


def measure(name: str, actual: Array, outputs: Array, one: int | None, rng: np.random.Generator) -> Score:
    """A metric with its interval; `one` is the positive class, None for the mean over classes.

    Raises ToolError where the metric is undefined on these rows.
    """
    if name == "accuracy":
        right = int((outputs.argmax(axis=1) == actual).sum())
        return Score(right / len(actual), *wilson(right, len(actual)), len(actual), "Wilson")
    if name in FRACTIONS:
        return _fraction(name, actual, outputs, one, rng)
    value = WHOLE[name](actual, outputs)
    if not np.isfinite(value):
        why = "the true values do not vary" if name == "r2" else "only one class occurs among them"
        raise ToolError(f"{name.replace('_', ' ')} is undefined on these {len(actual)} rows: {why}.")
    return Score(value, *bootstrap(WHOLE[name], actual, outputs, rng), len(actual), "bootstrap")


def _fraction(name: str, actual: Array, outputs: Array, one: int | None, rng: np.random.Generator) -> Score:
    classes = outputs.shape[1]

    def value(truth: Array, found: Array) -> float:
        table = confusion(truth, found.argmax(axis=1), classes)
        return macro(name, table) if one is None else of_class(name, table, one)

    if one is None:
        return Score(value(actual, outputs), *bootstrap(value, actual, outputs, rng), len(actual), "bootstrap")
    above, below = FRACTIONS[name](confusion(actual, outputs.argmax(axis=1), classes), one)
    if not below:
        why = {"precision": "it never predicts the class", "recall": "the class does not occur"}
        raise ToolError(f"{name} is undefined on these {len(actual)} rows: {why.get(name, 'nothing to divide by')}.")
    if name == "f1":
        return Score(above / below, *bootstrap(value, actual, outputs, rng), len(actual), "bootstrap")
    return Score(float(above / below), *wilson(int(above), int(below)), int(below), "Wilson")
