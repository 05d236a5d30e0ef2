"""How much each feature matters over many rows: what shuffling it costs, or the mean size of its Shapley values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from askwhy.tools.attribution import (
    ROWS_BUDGET,
    SAMPLED_ROWS,
    brought_values,
    column_of,
    error_of_mean,
    quantity,
    sample,
    shap_method,
    unit_of,
)
from askwhy.tools.engines.metrics import log_loss, mae, rmse, roc_auc
from askwhy.tools.engines.truth import scored
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import BLOCK_CELLS, Evaluator
from askwhy.tools.evidence import Caveat, Unit
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import ClassLabel
from askwhy.tools.shapley import shapley_rows
from askwhy.tools.view import View

Metric = Literal["auto", "auc", "accuracy", "log_loss", "rmse", "mae"]
Measure = Literal["auc", "accuracy", "log_loss", "rmse", "mae", "change", "shap"]

REPEATS = 10
"""How often each feature is shuffled."""

FEWEST_ROWS = 20
"""With fewer rows there is too little to shuffle among."""

_EVALUATIONS = 200_000
_GROUPS = 20
_Z = 1.96

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Importance:
    """Importances (features,) in schema order, and how they were found.

    error: standard errors over rows and shuffles, None where nothing was sampled. baseline: the score of the rows as
    they are, None where the truth plays no part. rows: how many were used.
    """

    values: Outputs
    error: Outputs | None
    measure: Measure
    unit: Unit
    rows: int
    method: str
    estimand: str
    baseline: float | None = None
    caveats: tuple[Caveat, ...] = ()
    label: ClassLabel | None = None

    def ranked(self) -> list[int]:
        """Positions of the features, most important first."""
        return [int(position) for position in np.argsort(-self.values, kind="stable")]

    def error_of(self, position: int) -> float | None:
        """The standard error of one importance, None where it is exact."""
        return None if self.error is None else float(self.error[position])

    def interval(self, position: int) -> tuple[float, float]:
        """The 95 % interval of one importance."""
        half = _Z * (self.error_of(position) or 0.0)
        return float(self.values[position]) - half, float(self.values[position]) + half


def permutation_importance(view: View, cls: str | None, metric: Metric = "auto") -> Importance:
    """What the score loses when a feature is shuffled among rows, or how far outputs move where no truth is known.

    Held-out rows where there are any. Breiman 2001; Fisher, Rudin & Dominici 2019. Raises ToolError for a metric that
    does not fit the model or needs a truth that is not known.
    """
    if view.subject.target is None or view.targets is None or view.scope.changes:
        if metric != "auto":
            raise ToolError(
                f"The true values are not known here, so the {metric.replace('_', ' ')} cannot be computed."
            )
        return _output_change(view, cls)
    found = scored(view)
    label = view.schema.class_label(cls) if cls is not None and not view.subject.regression else None
    actual, rows = _thinned(found.actual, found.rows, view)
    chosen = _metric(view, metric, actual, label)
    outputs, shuffled = _evaluated(view, rows)
    measure = _measured(chosen, view, label)
    sign = 1.0 if chosen in ("auc", "accuracy") else -1.0

    def lost(keep: Array) -> Outputs:
        before = measure(actual[keep], outputs[keep])
        drops = [[before - measure(actual[keep], once[keep]) for once in feature] for feature in shuffled]
        return np.asarray(sign * np.mean(drops, axis=1))

    where = "held-out rows" if found.marked else "rows"
    return Importance(
        values=lost(np.arange(len(rows))),
        error=_jackknife(lost, actual, view.schema.task != "regression"),
        measure=chosen,
        unit=_unit(chosen),
        rows=len(rows),
        method=f"permutation importance: {REPEATS} shuffles of each feature over {len(rows):,} {where}",
        estimand=_estimand(chosen, label),
        baseline=float(measure(actual, outputs)),
        caveats=found.caveats,
        label=label,
    )


def shap_importance(view: View, cls: str | None) -> Importance:
    """Mean absolute Shapley values over the view's rows or a seeded sample; several classes: averaged over them."""
    rows = sample(view.rows, SAMPLED_ROWS, view.rng)
    label = None if view.subject.regression else view.explained_class(cls)
    columns = [column_of(view, label)] if label or view.subject.regression else list(range(len(view.schema.classes)))
    brought = [brought_values(view, column, rows) for column in columns]
    caveats = tuple(dict.fromkeys(caveat for one in brought for caveat in one[3]))
    own_error: Outputs | None = None
    if all(values is not None for values, *_ in brought):
        sizes = np.mean([np.abs(values) for values, *_ in brought if values is not None], axis=0)
        method = "SHAP values brought along with the subject"
    else:
        found = shapley_rows(view.evaluate, rows, view.subject.background, seed=view.seed, budget=ROWS_BUDGET)
        sizes = np.abs(found.values[:, :, columns]).mean(axis=2)
        own_error = None if found.error is None else found.error[:, :, columns].mean(axis=2)
        method = shap_method(found, len(view.subject.background))
    what = quantity(view, label) if label or view.subject.regression else "the class probabilities"
    return Importance(
        values=sizes.mean(axis=0),
        error=error_of_mean(sizes, own_error, len(view.rows)),
        measure="shap",
        unit=unit_of(view, "probability"),
        rows=len(rows),
        method=f"mean |SHAP| over {len(rows):,} of {len(view.rows):,} rows; {method}",
        estimand=f"mean absolute interventional Shapley value of {what}",
        caveats=caveats,
        label=label,
    )


def shuffled_outputs(evaluate: Evaluator, rows: pd.DataFrame, repeats: int, rng: np.random.Generator) -> Outputs:
    """Outputs (features, repeats, rows, outputs) with one feature at a time shuffled among the rows.

    One request, cut only where it would not fit in memory. The order of the columns does not matter.
    """
    count, width = rows.shape
    orders = np.empty((width, repeats, count), dtype=np.int64)
    for position in np.argsort(np.asarray(rows.columns, dtype=str), kind="stable"):
        orders[position] = [rng.permutation(count) for _ in range(repeats)]
    block = max(1, BLOCK_CELLS // (repeats * count * width))
    parts = []
    for start in range(0, width, block):
        features = range(start, min(start + block, width))
        source = np.tile(np.arange(count, dtype=np.int64)[None, None, :, None], (len(features), repeats, 1, width))
        for number, feature in enumerate(features):
            source[number, :, :, feature] = orders[feature]
        outputs = evaluate.mixed(rows, source.reshape(-1, width))
        parts.append(outputs.reshape(len(features), repeats, count, -1))
    return np.concatenate(parts)


def _output_change(view: View, cls: str | None) -> Importance:
    """Without a truth: the mean absolute change of the output; several classes: the probability that moves."""
    label = view.explained_class(cls)
    rows = sample(view.rows, _most_rows(view), view.rng)
    outputs, shuffled = _evaluated(view, rows)
    moved = np.abs(shuffled - outputs)
    single = label is not None or view.subject.regression
    change = moved[..., column_of(view, label)] if single else moved.sum(axis=-1) / 2
    per_row = change.mean(axis=1)
    what = quantity(view, label) if single else "the class probabilities"
    text = "The true values are not known here, so this is how far the output moves, not what accuracy would be lost."
    return Importance(
        values=per_row.mean(axis=1),
        error=per_row.std(axis=1, ddof=1) / np.sqrt(len(rows)),
        measure="change",
        unit=unit_of(view, "probability"),
        rows=len(rows),
        method=f"permutation importance: {REPEATS} shuffles of each feature over {len(rows):,} rows",
        estimand=f"mean absolute change of {what} when the feature is shuffled",
        caveats=(Caveat(flag="no_truth", text=text),),
        label=label,
    )


def _evaluated(view: View, rows: pd.DataFrame) -> tuple[Outputs, Outputs]:
    return view.evaluate.outputs(rows), shuffled_outputs(view.evaluate, rows, REPEATS, view.rng)


def _most_rows(view: View) -> int:
    return max(2 * FEWEST_ROWS, _EVALUATIONS // (REPEATS * len(view.schema.features)))


def _thinned(actual: Array, rows: pd.DataFrame, view: View) -> tuple[Array, pd.DataFrame]:
    """At most so many rows that shuffling stays affordable; a seeded sample in the data's order."""
    most = _most_rows(view)
    if len(rows) <= most:
        return actual, rows
    places = np.sort(view.rng.choice(len(rows), most, replace=False))
    return actual[places], rows.iloc[places]


def _metric(view: View, metric: Metric, actual: Array, label: ClassLabel | None) -> Measure:
    """The metric asked for, or the usual one of the task; ToolError where it does not fit."""
    numeric = metric in ("rmse", "mae")
    if metric != "auto" and numeric != view.subject.regression:
        kind = "a number" if view.subject.regression else "a class"
        raise ToolError(f"This model predicts {kind}, so {metric.replace('_', ' ')} does not apply.")
    if view.subject.regression:
        return "mae" if metric == "mae" else "rmse"
    if metric == "auto":
        positive = actual == view.schema.classes.index(label) if label is not None else actual
        ranked = view.subject.task == "binary" or label is not None
        return "auc" if ranked and len(np.unique(positive)) > 1 else "accuracy"
    if metric == "auc" and len(np.unique(actual)) < 2:
        raise ToolError("Only one class occurs among these rows, so the AUC is undefined; ask for accuracy.")
    return "log_loss" if metric == "log_loss" else "auc" if metric == "auc" else "accuracy"


def _measured(chosen: Measure, view: View, label: ClassLabel | None) -> Callable[[Array, Array], float]:
    if chosen == "auc" and label is not None and len(view.schema.classes) > 2:
        one = view.schema.classes.index(label)
        return lambda actual, outputs: roc_auc((actual == one).astype(int), outputs[:, [one, one]])
    if chosen == "accuracy":
        return lambda actual, outputs: float((outputs.argmax(axis=1) == actual).mean())
    return {"auc": roc_auc, "log_loss": log_loss, "rmse": rmse, "mae": mae}[chosen]


def _unit(chosen: Measure) -> Unit:
    return "output" if chosen in ("rmse", "mae") else "points" if chosen == "accuracy" else "score"


def _estimand(chosen: Measure, label: ClassLabel | None) -> str:
    name = {"auc": "ROC AUC", "accuracy": "accuracy", "log_loss": "log loss", "rmse": "RMSE", "mae": "MAE"}[chosen]
    change = "drop in" if chosen in ("auc", "accuracy") else "increase of"
    of = f" of {label.label}" if label is not None and chosen == "auc" else ""
    return f"{change} {name}{of} when the feature is shuffled"


def _jackknife(statistic: Callable[[Array], Outputs], actual: Array, classes: bool) -> Outputs | None:
    """Standard errors by leaving out one of up to 20 groups of rows at a time; None for a single row.

    It covers the sampling of rows and the shuffles, as a row's shuffled outputs leave with it. Each group has its share
    of every class.
    """
    if len(actual) < 2:
        return None
    groups = min(_GROUPS, len(actual))
    order = np.argsort(actual, kind="stable") if classes else np.arange(len(actual))
    group = np.empty(len(actual), dtype=int)
    group[order] = np.arange(len(actual)) % groups
    left = np.array([statistic(np.flatnonzero(group != one)) for one in range(groups)])
    left = left[np.isfinite(left).all(axis=1)]
    if len(left) < 2:
        return None
    return np.asarray(np.sqrt((len(left) - 1) / len(left) * ((left - left.mean(axis=0)) ** 2).sum(axis=0)))
