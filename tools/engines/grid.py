"""One feature moved over a grid while the rest of each row stays as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import Feature


def grid(feature: Feature, cells: pd.Series, points: int) -> list[Any]:
    """Values that occur: every category, or at most `points` numbers or dates at even quantiles, both ends included."""
    present = cells.dropna()
    if feature.categories:
        return [category.value for category in feature.categories]
    if feature.kind == "text":
        raise ToolError(f"{feature.label} is free text, so there is no range of values to go through.")
    values = present.drop_duplicates().sort_values()
    if len(values) > points and (feature.numeric or feature.kind == "date"):
        # Quantiles of the rows, not of the distinct values: dense regions get more points.
        ordered = present.sort_values()
        at = np.linspace(0, len(ordered) - 1, points).round().astype(int)
        values = ordered.iloc[at].drop_duplicates()
    return list(values)


def even_grid(feature: Feature, low: float, high: float, points: int) -> list[Any]:
    """Evenly spaced numbers from `low` to `high`; whole ones for an integer feature."""
    if not feature.numeric:
        raise ToolError(f"{feature.label} is not a number, so it has no range from {low:g} to {high:g}.")
    values = np.linspace(low, high, points)
    if feature.kind == "integer":
        return [int(value) for value in np.unique(values.round())]
    return [float(value) for value in np.unique(values)]


def as_cells(values: list[Any], like: pd.Series) -> pd.Series:
    """Values in the dtype of a column; a whole-number column becomes float where a value is not whole."""
    if pd.api.types.is_integer_dtype(like.dtype) and any(float(value) != int(value) for value in values):
        return pd.Series(values, dtype="float64")
    return pd.Series(values, dtype=like.dtype)


def sweep(evaluate: Evaluator, rows: pd.DataFrame, name: str, values: list[Any]) -> Outputs:
    """Outputs (rows, values, width) of every row with feature `name` set to every value, in one request."""
    count, points = len(rows), len(values)
    column = rows.columns.get_loc(name)
    sample = rows.iloc[np.zeros(points, dtype=int)].assign(**{name: as_cells(values, rows[name]).array})
    pool = pd.concat([rows, sample], ignore_index=True)
    source = np.repeat(np.arange(count, dtype=np.int64)[:, None], pool.shape[1], axis=1)
    source = np.repeat(source, points, axis=0)
    source[:, column] = np.tile(np.arange(count, count + points, dtype=np.int64), count)
    return evaluate.mixed(pool, source).reshape(count, points, -1)
