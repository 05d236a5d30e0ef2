"""Two models on the same rows: the difference of their outputs as a function, and of their scores with an interval."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from askwhy.tools.engines import metrics
from askwhy.tools.engines.metrics import NORMAL
from askwhy.tools.engines.truth import Array
from askwhy.tools.evaluator import Evaluator, Index
from askwhy.tools.predictor import Outputs
from askwhy.tools.view import View


class Gap(Evaluator):
    """What one model says minus what another says, as if it were a model: outputs (n, classes) or (n, 1).

    Shapley values are linear, so those of this function are the differences of the models' own.
    """

    def __init__(self, first: View, second: View) -> None:
        super().__init__(first.subject.predictor)
        self._first, self._second = first.evaluate, second.evaluate

    def mixed(self, pool: pd.DataFrame, source: Index) -> Outputs:
        """Differences of the outputs for composite rows."""
        return self._first.mixed(pool, source) - self._second.mixed(pool, source)


@dataclass(frozen=True)
class Lead:
    """By how much the first of two scores is better, and its 95 % interval; worse where negative."""

    value: float
    low: float
    high: float
    interval: str

    @property
    def clear(self) -> bool:
        """Whether the interval excludes zero."""
        return self.low > 0 or self.high < 0


def accuracy_lead(first: Array, second: Array) -> Lead:
    """The difference of two accuracies on the same rows, from which rows (n,) each model gets right.

    Interval of Agresti & Min (2005): Wald's for paired proportions with half a row added to each of the four counts.
    """
    rows = len(first)
    only_first, only_second = int((first & ~second).sum()), int((second & ~first).sum())
    more, less, total = only_first + 0.5, only_second + 0.5, rows + 2
    centre = (more - less) / total
    half = NORMAL * math.sqrt(max(0.0, more + less - (more - less) ** 2 / total)) / total
    value = (only_first - only_second) / rows
    return Lead(value, min(value, max(-1.0, centre - half)), max(value, min(1.0, centre + half)), "Agresti-Min")


def paired_lead(
    measure: Callable[[Array, Array], float],
    actual: Array,
    first: Outputs,
    second: Outputs,
    rng: np.random.Generator,
    *,
    lower_is_better: bool,
) -> Lead:
    """The difference of two scores on the same rows; both are computed again on every bootstrap sample of them.

    NaN bounds where the score is mostly undefined on resampled rows.
    """
    sign = -1.0 if lower_is_better else 1.0

    def lead(truth: Array, both: Outputs) -> float:
        return sign * (measure(truth, both[:, 0]) - measure(truth, both[:, 1]))

    both = np.stack([first, second], axis=1)
    low, high = metrics.bootstrap(lead, actual, both, rng)
    return Lead(lead(actual, both), low, high, "paired bootstrap" if np.isfinite(low) else "bootstrap")


def lead_on(name: str, actual: Array, first: Outputs, second: Outputs, rng: np.random.Generator) -> Lead:
    """By how much the first of two models scores better: accuracy, or one of `metrics.WHOLE`."""
    if name == "accuracy":
        return accuracy_lead(first.argmax(axis=1) == actual, second.argmax(axis=1) == actual)
    lower = name in ("log_loss", "brier", "rmse", "mae")
    return paired_lead(metrics.WHOLE[name], actual, first, second, rng, lower_is_better=lower)


def score_of(name: str, actual: Array, outputs: Outputs) -> float:
    """The score itself."""
    if name == "accuracy":
        return float((outputs.argmax(axis=1) == actual).mean())
    return metrics.WHOLE[name](actual, outputs)
