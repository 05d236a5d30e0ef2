"""Accumulated local effects (Apley & Zhu 2020): a feature's effect from small steps that stay near each row.

Partial dependence sets every row to every value, also to such as never occur beside the row's other values. Here a row
is only moved to the two edges of the interval it lies in; the mean steps are added up and centred on their mean over
the rows. Where the model is additive, or the features do not depend on each other, both give the same curve.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.distance import Space
from askwhy.tools.engines.grid import as_cells
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.schema import Feature, Schema

_MOST_BINS = 20
_ROWS_A_BIN = 8
_MOST_CATEGORIES = 30


@dataclass(frozen=True)
class Accumulated:
    """The centred effect at every value, (values, outputs).

    steps, variances: mean step from each value to the next and the variance of that mean, (values - 1, outputs).
    weights: by how much each step counts in the mean that was taken off, (values - 1,). rows: how many it rests on.
    """

    values: list[Any]
    effect: Array
    steps: Array
    variances: Array
    weights: Array
    rows: int

    def error(self, column: int) -> Array:
        """Standard errors (values,) of the centred effect on one output."""
        passed = np.tri(len(self.values), len(self.values) - 1, -1) - self.weights
        return np.asarray(np.sqrt(passed**2 @ self.variances[:, column]))

    def range_error(self, column: int, first: int, second: int) -> float:
        """Standard error of the difference between the effects at two of the values."""
        between = self.variances[min(first, second) : max(first, second), column]
        return float(np.sqrt(between.sum()))


def accumulated(evaluate: Evaluator, rows: pd.DataFrame, schema: Schema, feature: Feature) -> Accumulated:
    """Accumulated local effects of a number or date over intervals of about equally many rows, of categories in the
    order in which the rows' other features are alike. Rows where the feature is missing are left out. ToolError for
    text, and where fewer than two values occur."""
    if feature.kind == "text":
        raise ToolError(f"{feature.label} is free text, so it has no effect to accumulate.")
    rows = rows[rows[feature.name].notna()]
    if rows[feature.name].nunique() < 2:
        raise ToolError(
            f"All of these {schema.entities} have the same {feature.label}, so there are no steps to accumulate."
        )
    return _by_interval(evaluate, rows, feature) if ordered(feature) else _by_category(evaluate, rows, schema, feature)


def ordered(feature: Feature) -> bool:
    """Whether the feature's values are larger or smaller than each other."""
    return (feature.numeric or feature.kind == "date") and not feature.categories


def _by_interval(evaluate: Evaluator, rows: pd.DataFrame, feature: Feature) -> Accumulated:
    cells = rows[feature.name].sort_values()
    bins = max(1, min(_MOST_BINS, len(cells) // _ROWS_A_BIN))
    places = np.linspace(0, len(cells) - 1, bins + 1).round().astype(int)
    edges = list(cells.iloc[places].drop_duplicates())
    at = np.searchsorted(pd.Series(edges).to_numpy(), rows[feature.name].to_numpy(), side="left")
    step = np.maximum(at, 1) - 1
    moved = _moved(evaluate, rows, feature.name, edges, np.arange(len(rows)), step, step + 1)
    counts = np.bincount(step, minlength=len(edges) - 1)
    # A row in an interval lies, on average, half-way along its step.
    weights = (np.cumsum(counts[::-1])[::-1] - counts / 2) / len(rows)
    return _added_up(edges, moved, step, weights, len(rows))


def _by_category(evaluate: Evaluator, rows: pd.DataFrame, schema: Schema, feature: Feature) -> Accumulated:
    found = rows[feature.name].value_counts()
    known = [one.value for one in feature.categories] or sorted(found.index)
    values = [value for value in known if value in found.index]
    if len(values) > _MOST_CATEGORIES:
        raise ToolError(f"{feature.label} has {len(values)} values, too many to put in an order.")
    values = similarity_order(rows, schema, feature.name, values)
    own = np.array([values.index(value) for value in rows[feature.name]])
    # Both the rows of a category and those of the next one say what the step between the two does.
    up, down = np.flatnonzero(own < len(values) - 1), np.flatnonzero(own > 0)
    who, step = np.concatenate([up, down]), np.concatenate([own[up], own[down] - 1])
    moved = _moved(evaluate, rows, feature.name, values, who, step, step + 1)
    counts = np.bincount(own, minlength=len(values))
    weights = np.cumsum(counts[::-1])[::-1][1:] / len(rows)
    return _added_up(values, moved, step, weights, len(rows))


def _moved(
    evaluate: Evaluator, rows: pd.DataFrame, name: str, values: list[Any], who: Array, low: Array, high: Array
) -> Array:
    """How the outputs of rows `who` change from value `low` to value `high`, (len(who), outputs), in one request."""
    lend = rows.iloc[np.zeros(len(values), dtype=int)].assign(**{name: as_cells(values, rows[name]).array})
    pool = pd.concat([rows, lend], ignore_index=True)
    source = np.repeat(np.concatenate([who, who]).astype(np.int64)[:, None], pool.shape[1], axis=1)
    source[:, rows.columns.get_loc(name)] = len(rows) + np.concatenate([low, high])
    outputs = evaluate.mixed(pool, source)
    return np.asarray(outputs[len(who) :] - outputs[: len(who)])


def _added_up(values: list[Any], moved: Array, step: Array, weights: Array, rows: int) -> Accumulated:
    steps, variances = [], []
    for k in range(len(values) - 1):
        mine = moved[step == k]
        steps.append(mine.mean(axis=0))
        # One row shows no spread: that of all steps stands in for it.
        spread = mine.var(axis=0, ddof=1) if len(mine) > 1 else moved.var(axis=0)
        variances.append(spread / len(mine))
    mean = np.array(steps)
    curve = np.concatenate([np.zeros((1, mean.shape[1])), np.cumsum(mean, axis=0)])
    return Accumulated(values, curve - weights @ mean, mean, np.array(variances), weights, rows)


def similarity_order(rows: pd.DataFrame, schema: Schema, name: str, values: list[Any]) -> list[Any]:
    """Categories put in line so that neighbours are alike in the other features: the first coordinate of classical
    scaling of their distances, which sum the Kolmogorov-Smirnov statistic of every number and the total variation of
    every other feature (Apley & Zhu 2020, appendix)."""
    space = Space.of(schema, rows)
    cells = space.encode(rows)
    others = [j for j, other in enumerate(schema.names) if other != name]
    groups = [cells[np.asarray(rows[name] == value)] for value in values]
    far = np.zeros((len(values), len(values)))
    for i, one in enumerate(groups):
        for k, other in enumerate(groups[:i]):
            far[i, k] = far[k, i] = sum(
                _apart(one[:, j], other[:, j], cumulative=bool(space.ordered[j])) for j in others
            )
    centring = np.eye(len(values)) - 1 / len(values)
    _, vectors = np.linalg.eigh(-0.5 * centring @ far**2 @ centring)
    line = vectors[:, -1].round(9)
    line = line if line[0] <= line[-1] else -line
    return [values[int(i)] for i in np.argsort(line, kind="stable")]


def _apart(one: Array, other: Array, *, cumulative: bool) -> float:
    """Largest difference of two cumulative distributions, or half the sum of the differences of two frequencies."""
    one, other = one[~np.isnan(one)], other[~np.isnan(other)]
    if not len(one) or not len(other):
        return 0.0
    points = np.union1d(one, other)
    first, second = (np.searchsorted(np.sort(each), points, side="right") / len(each) for each in (one, other))
    if cumulative:
        return float(np.abs(first - second).max())
    return float(np.abs(np.diff(first, prepend=0.0) - np.diff(second, prepend=0.0)).sum() / 2)
