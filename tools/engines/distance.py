"""Distances between rows of mixed kinds (Gower 1971), and how usual a row is among others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.schema import Schema

Array = np.ndarray[Any, Any]
NEIGHBOURS = 5
_AT_MOST = 500


@dataclass(frozen=True)
class Space:
    """Rows as numbers: ordered features divided by their range, everything else as codes; missing cells are NaN."""

    ordered: Array
    low: Array
    span: Array
    codes: tuple[dict[Any, int], ...]

    @classmethod
    def of(cls, schema: Schema, data: pd.DataFrame) -> Space:
        """The space that `data` spans; columns in schema order."""
        ordered = np.array([one.numeric or one.kind == "date" for one in schema.features])
        low, span, codes = np.zeros(len(ordered)), np.ones(len(ordered)), []
        for j, name in enumerate(schema.names):
            present = data[name].dropna()
            codes.append({} if ordered[j] else {value: code for code, value in enumerate(present.unique())})
            if ordered[j] and len(present):
                numbers = _numbers(present)
                low[j], span[j] = numbers.min(), np.ptp(numbers) or 1.0
        return cls(ordered, low, span, tuple(codes))

    def encode(self, frame: pd.DataFrame) -> Array:
        """Rows as an array (n, features)."""
        parts = []
        for j, name in enumerate(frame.columns):
            cells = frame[name]
            if self.ordered[j]:
                parts.append((_numbers(cells) - self.low[j]) / self.span[j])
            else:
                parts.append(np.array([self._code(j, cell) for cell in cells], dtype=float))
        return np.column_stack(parts)

    def _code(self, j: int, cell: Any) -> float:
        return float("nan") if pd.isna(cell) else float(self.codes[j].get(cell, -1))

    def differences(self, one: Array, others: Array) -> Array:
        """Per-feature differences (n, features) in 0..1 inside the data: 1 for another category or a missing cell."""
        moved = np.abs(others - one)
        differ = np.where(self.ordered, moved, (moved > 0).astype(float))
        differ = np.where(np.isnan(moved), 1.0, differ)
        return np.where(np.isnan(others) & np.isnan(one), 0.0, differ)


def _numbers(cells: pd.Series) -> Array:
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        days = (cells - pd.Timestamp(0, tz=cells.dt.tz)) / pd.Timedelta(days=1)
        return np.asarray(days, dtype=float)
    return np.asarray(cells, dtype=float)


def unusual(space: Space, rows: Array, among: Array, rng: np.random.Generator) -> tuple[Array, float]:
    """Mean Gower distance of each of `rows` to its nearest `among`, and the 95th percentile of theirs to each other.

    At most 500 of `among` are used, drawn by `rng`.
    """
    if len(among) > _AT_MOST:
        among = among[np.sort(rng.choice(len(among), _AT_MOST, replace=False))]
    count = min(NEIGHBOURS, max(1, len(among) - 1))
    own = [
        np.sort(np.delete(space.differences(one, among).mean(axis=1), i))[:count].mean() for i, one in enumerate(among)
    ]
    far = [np.sort(space.differences(row, among).mean(axis=1))[:count].mean() for row in rows]
    return np.array(far), float(np.quantile(own, 0.95)) if len(among) > 1 else float("inf")
