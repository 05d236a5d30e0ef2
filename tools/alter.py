"""Changes applied to rows, and cases built from what the user typed."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from askwhy.tools.engines.text_edits import put_before, swapped
from askwhy.tools.engines.text_units import fold, split_text
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evidence import Caveat
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Assignment, Change, Scalar
from askwhy.tools.subject import Subject


def alter(
    subject: Subject, frame: pd.DataFrame, changes: tuple[Change, ...]
) -> tuple[pd.DataFrame, tuple[Caveat, ...]]:
    """The rows with every change made in order, and caveats for values the data never showed."""
    caveats: list[Caveat] = []
    for change in changes:
        if subject.schema.modality == "text":
            frame = _edit_text(frame, change)
            continue
        feature = subject.schema.feature(change.feature or "")
        frame = frame.assign(**{feature.name: _changed(frame[feature.name], feature, change)})
        caveats.extend(_extrapolation(frame[feature.name], feature))
    return frame, tuple(dict.fromkeys(caveats))


def new_case(subject: Subject, case: tuple[Assignment, ...]) -> tuple[pd.DataFrame, tuple[Caveat, ...]]:
    """A row from the user's values; what they left out is the median or the most common value, and is said so."""
    row = typical_row(subject)
    changes = tuple(Change(feature=cell.feature, value=cell.value) for cell in case)
    row, caveats = alter(subject, row, changes)
    given = {subject.schema.feature(cell.feature).name for cell in case}
    absent = [feature.label for feature in subject.schema.features if feature.name not in given]
    if absent:
        text = f"Not given, so taken at their typical value: {', '.join(absent)}."
        caveats = (*caveats, Caveat(flag="assumed", text=text))
    return row, caveats


def typical_row(subject: Subject) -> pd.DataFrame:
    """One row with the median of every number and the most common value of everything else."""
    cells: dict[str, Any] = {}
    for feature in subject.schema.features:
        column = subject.data[feature.name].dropna()
        if not len(column):
            cells[feature.name] = subject.data[feature.name].array[:1]
            continue
        ordered = feature.numeric or feature.kind == "date"
        typical = column.sort_values().iloc[[(len(column) - 1) // 2]] if ordered else column.mode().iloc[[0]]
        cells[feature.name] = typical.array
    return pd.DataFrame(cells, index=["new"])


def coerce(feature: Feature, value: Scalar | None) -> Any:
    """The cell that `value` means for this feature; ToolError if it cannot be one."""
    if value is None:
        raise ToolError(f"Say what {feature.label} should be.")
    if feature.categories:
        return feature.category(value).value
    if feature.numeric:
        try:
            number = float(value)
        except (TypeError, ValueError):
            raise ToolError(f"{feature.label} is a number, so it cannot be “{value}”.") from None
        if not math.isfinite(number):
            raise ToolError(f"{feature.label} needs a finite number.")
        return number
    if feature.kind == "date":
        moment = pd.to_datetime(str(value), errors="coerce")
        if moment is pd.NaT:
            raise ToolError(f"{feature.label} is a date; write it as year-month-day, not “{value}”.")
        return moment
    return str(value)


def _changed(cells: pd.Series, feature: Feature, change: Change) -> pd.Series:
    if change.action == "set":
        return _with_value(cells, coerce(feature, change.value))
    if not feature.numeric:
        raise ToolError(f"{feature.label} is not a number, so it cannot be increased or decreased; set it to a value.")
    amount = float(change.value or 0)
    if change.action == "increase":
        return cells + _fitting(cells, amount)
    if change.action == "decrease":
        return cells - _fitting(cells, amount)
    if change.action == "scale":
        return cells * amount
    raise ToolError(f"“{change.action}” is for texts; for {feature.label} use set, increase, decrease or scale.")


def _fitting(cells: pd.Series, amount: float) -> float | int:
    """Whole numbers stay whole, so that an integer column keeps its dtype."""
    return int(amount) if amount == int(amount) and pd.api.types.is_integer_dtype(cells.dtype) else amount


def _with_value(cells: pd.Series, value: Any) -> pd.Series:
    if isinstance(value, float):
        fitted = _fitting(cells, value)
        whole = isinstance(fitted, int) and pd.api.types.is_integer_dtype(cells.dtype)
        return pd.Series(fitted, index=cells.index, dtype=cells.dtype if whole else "float64")
    return pd.Series([value] * len(cells), index=cells.index, dtype=cells.dtype)


def _extrapolation(cells: pd.Series, feature: Feature) -> list[Caveat]:
    if not feature.numeric or feature.low is None or feature.high is None:
        return []
    outside = cells[(cells < feature.low) | (cells > feature.high)]
    if not len(outside):
        return []
    value, low, high = (f"{number:,.10g}" for number in (outside.iloc[0], feature.low, feature.high))
    unit = f" {feature.unit}" if feature.unit else ""
    text = (
        f"{feature.label} of {value}{unit} is outside the range in the data ({low} to {high}{unit}), "
        "so the model is extrapolating."
    )
    return [Caveat(flag="extrapolation", text=text)]


def _edit_text(frame: pd.DataFrame, change: Change) -> pd.DataFrame:
    """Every text edited where the words stand that are meant; ToolError where they stand in none of them."""
    if change.action not in ("set", "insert", "remove", "replace"):
        raise ToolError("A text can be edited with remove, replace, insert or set.")
    column = frame.columns[0]
    found = [None if pd.isna(text) else _edited(str(text), change) for text in frame[column]]
    if len(frame) and change.words and all(text is None for text in found):
        which = "The text does" if len(frame) == 1 else "These texts do"
        raise ToolError(f"{which} not contain “{change.words}”.")
    texts = [own if text is None else text for own, text in zip(frame[column], found, strict=True)]
    return frame.assign(**{column: pd.Series(texts, index=frame.index, dtype=frame[column].dtype)})


def _edited(text: str, change: Change) -> str | None:
    """The text after a change, None where it does not contain the words."""
    value = "" if change.value is None else str(change.value)
    if change.action == "set":
        return value
    if not change.words:
        return f"{text.rstrip()} {value}".strip()
    if not all(part in fold(text) for part in map(fold, change.words.split())):
        return None
    try:
        if change.action == "insert":
            return put_before(split_text(text), change.words, value)
        return swapped(split_text(text), change.words, value if change.action == "replace" else "")
    except UnknownName:
        return None
