"""What a feature of one row may become: allowed range, direction, categories, whole numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.truth import Array
from askwhy.tools.schema import Feature

Cells = dict[int, Any]
"""New cells of a row, by column position."""

_POINTS = 32
_DIGITS = 3
"""Numbers are tried to a thousandth of the feature's range, and no finer than the data has them."""


@dataclass(frozen=True)
class Domain:
    """The values one feature of a row may take, and how far they are from the present one.

    now: the present cell. low, high: bounds of an ordered feature. step: numbers are multiples of it (0: any value of
    the grid only). values: a grid of allowed values other than the present one. span: the observed range.
    """

    feature: Feature
    now: Any
    known: bool
    low: Any
    high: Any
    step: float
    values: list[Any]
    span: float
    whole: bool

    @property
    def ordered(self) -> bool:
        """Whether values are larger or smaller than each other."""
        return (self.feature.numeric or self.feature.kind == "date") and not self.feature.categories

    @property
    def divisible(self) -> bool:
        """Whether there are values between two values."""
        return self.ordered and self.feature.numeric and self.known and self.step > 0

    def allows(self, cell: Any) -> bool:
        """Whether the feature may become `cell`; the present value is no change."""
        if pd.isna(cell) or (self.known and cell == self.now):
            return False
        if self.ordered:
            return bool(self.low <= cell <= self.high)
        return cell in self.values

    def difference(self, value: Any) -> float:
        """How far `value` is from the present one, 0..1 inside the observed range; 1 for another category."""
        if not self.ordered or not self.known:
            return 1.0
        moved = (value - self.now) / pd.Timedelta(days=1) if self.feature.kind == "date" else value - self.now
        return float(abs(moved) / self.span)

    def between(self, near: float, far: float, most: int) -> list[Any]:
        """At most `most` multiples of the step strictly between two values."""
        low, high = min(near, far), max(near, far)
        first, last = math.floor(low / self.step) + 1, math.ceil(high / self.step) - 1
        if last < first:
            return []
        count = min(most, last - first + 1)
        places = np.unique(np.linspace(first, last, count).round())
        return [value for value in map(self.cell_at, places) if low < value < high and self.low <= value <= self.high]

    def cell_at(self, place: float) -> Any:
        """The number that is this many steps from zero."""
        return int(place * self.step) if self.whole else round(float(place * self.step), 12)


def domain_of(feature: Feature, cells: pd.Series, now: Any, *, free_direction: bool = False) -> Domain | None:
    """What a feature may become, None if nothing. `cells`: its column of the data; `free_direction`: either way."""
    present = cells.dropna()
    known = not pd.isna(now)
    if feature.kind == "text" or not len(present):
        return None
    if feature.categories or not (feature.numeric or feature.kind == "date"):
        values = [one.value for one in feature.categories] or list(present.drop_duplicates().sort_values())
        values = [value for value in values if not (known and value == now)]
        return Domain(feature, now, known, None, None, 0.0, values, 1.0, False) if values else None
    low, high = _bounds(feature, present, now if known and not free_direction else None)
    step = _step(feature, present)
    whole = feature.kind == "integer" or pd.api.types.is_integer_dtype(cells.dtype)
    values = _grid(present, low, high, step, whole, feature.numeric)
    values = [value for value in values if not (known and value == now)]
    span = _span(feature, present)
    return Domain(feature, now, known, low, high, step, values, span, whole) if values else None


def _bounds(feature: Feature, present: pd.Series, now: Any) -> tuple[Any, Any]:
    """The allowed range, cut by the direction in which the feature can move from `now`."""
    low, high = present.min(), present.max()
    if feature.numeric:
        low, high = feature.allowed or (float(low), float(high))
    if now is not None and feature.direction > 0:
        low = max(low, now)
    if now is not None and feature.direction < 0:
        high = min(high, now)
    return low, high


def _step(feature: Feature, present: pd.Series) -> float:
    """The resolution of the data's own numbers, but no finer than a thousandth of their range."""
    if not feature.numeric:
        return 0.0
    if feature.kind == "integer":
        return 1.0
    numbers = np.asarray(present.drop_duplicates(), dtype=float)
    spread = float(np.ptp(numbers)) or abs(float(numbers[0])) or 1.0
    finest = _DIGITS - math.floor(math.log10(spread))
    for decimals in range(min(0, finest), finest):
        if np.allclose(numbers, numbers.round(decimals), rtol=0, atol=10.0 ** -(finest + 3)):
            return float(10.0**-decimals)
    return float(10.0**-finest)


def _span(feature: Feature, present: pd.Series) -> float:
    width = present.max() - present.min()
    return float(width / pd.Timedelta(days=1) if feature.kind == "date" else width) or 1.0


def _grid(present: pd.Series, low: Any, high: Any, step: float, whole: bool, numeric: bool) -> list[Any]:
    """Values of the data inside the bounds at even quantiles, and the bounds themselves."""
    inside = present[(present >= low) & (present <= high)].drop_duplicates().sort_values()
    if len(inside) > _POINTS:
        inside = inside.iloc[np.linspace(0, len(inside) - 1, _POINTS).round().astype(int)]
    values = list(inside)
    if numeric and low <= high:
        values += [_inward(low, step, up=True), _inward(high, step, up=False)]
        values = [value for value in values if low <= value <= high]
    numbers: Array = np.array([]) if not numeric else np.unique(np.asarray(values, dtype=float))
    return [int(value) if whole else float(value) for value in numbers] if numeric else values


def _inward(bound: float, step: float, *, up: bool) -> float:
    """A bound moved inward to a multiple of the step."""
    places = bound / step
    place = math.ceil(places - 1e-9) if up else math.floor(places + 1e-9)
    return round(place * step, 12)
