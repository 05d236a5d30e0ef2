"""A user's data as the frame that a subject holds: usable names, settled dtypes, row ids.

What cannot be held is a ToolError that says why.

What is changed here for askwhy's sake (a name, a dtype) is remembered, so that the model gets what it was trained on.
"""

from __future__ import annotations

import datetime
import decimal
import numbers
import re
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.loading.humanize import clean, shorten
from askwhy.tools.loading.schema_file import FeatureNotes
from askwhy.tools.subject import Mask, plain

MAX_COLUMNS = 2_000
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_HELD_OUT = {"true": True, "1": True, "yes": True, "test": True, "held-out": True, "held_out": True, "holdout": True}
_TRAINING = {"false": False, "0": False, "no": False, "train": False, "training": False}

Restore = dict[str, str]
"""Columns whose cells were converted, with what the model was trained on: "text" or "date" or a time zone."""


def as_frame(data: Any, names: Sequence[str] | None = None) -> pd.DataFrame:
    """A frame of the user's data: a DataFrame, a list or Series of texts, or a 2-D array (columns named by `names`)."""
    if isinstance(data, pd.DataFrame):
        return data
    if hasattr(data, "to_pandas"):
        return as_frame(data.to_pandas(), names)
    if isinstance(data, pd.Series):
        return data.to_frame(name=data.name if data.name is not None else "text")
    if isinstance(data, Mapping):
        return pd.DataFrame(data)
    if isinstance(data, np.ndarray) and data.ndim == 2:
        known = list(names or ())
        width = data.shape[1]
        return pd.DataFrame(data, columns=known if len(known) == width else [f"x{i}" for i in range(width)])
    if isinstance(data, (list, tuple)) and data and all(isinstance(text, str) for text in data):
        return pd.DataFrame({"text": pd.Series(data, dtype="str")})
    raise ToolError(f"The data should be a DataFrame or a list of texts, not {_described(data)}.")


def _described(data: Any) -> str:
    if isinstance(data, (list, tuple)) and not data:
        return "an empty list"
    return f"a {type(data).__name__}"


def check_shape(frame: pd.DataFrame) -> None:
    """ToolError for a frame without rows or columns, with too many columns, or with names used twice."""
    if not frame.shape[1]:
        raise ToolError("The data has no columns.")
    if not len(frame):
        raise ToolError("The data has no rows.")
    if frame.shape[1] > MAX_COLUMNS:
        raise ToolError(f"The data has {frame.shape[1]:,} columns; at most {MAX_COLUMNS:,} can be explained.")
    if isinstance(frame.columns, pd.MultiIndex):
        raise ToolError("The columns have several levels; join them into one name each.")
    twice = frame.columns[frame.columns.duplicated()]
    if len(twice):
        raise ToolError(f"The column “{shorten(str(twice[0]), 80)}” appears more than once; give each its own name.")


def take_column(frame: pd.DataFrame, name: Hashable, what: str) -> pd.Series:
    """The column of this name. UnknownName with the nearest if there is none."""
    if name not in frame.columns:
        raise UnknownName(f"column for the {what}", str(name), [str(column) for column in frame.columns])
    return frame[name]


def row_ids(frame: pd.DataFrame, ids: Any = None) -> tuple[pd.Index, str]:
    """The id of every row as text, and a note (or ""): given ones, else the frame's own index, else the position."""
    if ids is None:
        if isinstance(frame.index, pd.RangeIndex) or not _plain_index(frame.index):
            return _positions(frame), ""
        if not frame.index.is_unique or frame.index.hasnans:
            return _positions(frame), "The frame's index is not unique, so rows are named by their position, from 0."
        ids = frame.index
    names = [plain(one) for one in ids]
    if len(names) != len(frame):
        raise ToolError(f"There are {len(names)} row ids for {len(frame)} rows.")
    if any(name is None or name == "" for name in names):
        raise ToolError(f"The id of row {next(i for i, name in enumerate(names) if name in (None, ''))} is missing.")
    index = pd.Index([_id_text(name) for name in names], dtype="str")
    twice = index[index.duplicated()]
    if len(twice):
        raise ToolError(f"The row id “{twice[0]}” appears more than once; ids must be unique.")
    return index, ""


def _positions(frame: pd.DataFrame) -> pd.Index:
    return pd.Index([str(position) for position in range(len(frame))], dtype="str")


def _plain_index(index: pd.Index) -> bool:
    return not isinstance(index, (pd.MultiIndex, pd.IntervalIndex))


def _id_text(name: Any) -> str:
    return str(int(name)) if isinstance(name, float) and name.is_integer() else str(name).strip()


def held_out_mask(test: Any, rows: int) -> Mask:
    """The mask of held-out rows from booleans, 0 and 1, or the words test and train. ToolError for anything else."""
    if test is None:
        return np.zeros(rows, dtype=bool)
    words = [str(plain(one)).strip().lower().removesuffix(".0") for one in test]
    if len(words) != rows:
        raise ToolError(f"The mark of held-out rows has {len(words)} entries for {rows} rows.")
    known = {**_HELD_OUT, **_TRAINING}
    odd = next((word for word in words if word not in known), None)
    if odd is not None:
        raise ToolError(f"Mark held-out rows with true and false, 1 and 0, or test and train; not with “{odd}”.")
    return np.array([known[word] for word in words], dtype=bool)


def internal_names(columns: Sequence[Hashable]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """A usable name for every column, and a note for each that had to be changed (no name, unseen characters)."""
    names: list[str] = []
    notes: list[str] = []
    for position, column in enumerate(columns, 1):
        cleaned = shorten(clean(str(column))) or f"column {position}"
        name, number = cleaned, 2
        while name in names:
            name, number = f"{cleaned} ({number})", number + 1
        names.append(name)
        if isinstance(column, str) and name != column:
            notes.append(
                f"Column {position} is called “{shorten(name, 80)}” here: its own name cannot be shown or said."
            )
    return tuple(names), tuple(notes)


def settle(frame: pd.DataFrame, notes: Mapping[str, FeatureNotes]) -> tuple[pd.DataFrame, Restore, tuple[str, ...]]:
    """The features with dtypes that can be described; what to restore before the model is called; notes.

    Raises ToolError for cells that are neither numbers, text, dates nor booleans, and for infinite numbers.
    """
    parts: dict[str, pd.Series] = {}
    restore: Restore = {}
    said: list[str] = []
    for name in frame.columns:
        cells, back, note = _settled(name, frame[name], notes.get(name))
        parts[name] = cells
        if back:
            restore[name] = back
        if note:
            said.append(note)
    return pd.DataFrame(parts, index=frame.index), restore, tuple(said)


def _settled(name: str, cells: pd.Series, notes: FeatureNotes | None) -> tuple[pd.Series, str, str]:
    types = pd.api.types
    dtype = cells.dtype
    if isinstance(dtype, pd.CategoricalDtype) or types.is_bool_dtype(dtype):
        return cells, "", ""
    if isinstance(dtype, pd.DatetimeTZDtype):
        return cells.dt.tz_convert("UTC").dt.tz_localize(None), f"zone {dtype.tz}", ""
    if types.is_datetime64_dtype(dtype):
        return cells, "", ""
    if types.is_complex_dtype(dtype) or types.is_timedelta64_dtype(dtype) or isinstance(dtype, pd.PeriodDtype):
        raise ToolError(f"The column {name} has the type {dtype}; convert it to numbers, text or dates.")
    if types.is_numeric_dtype(dtype):
        _check_finite(name, cells)
        return cells, "", "" if cells.notna().any() else f"The column {name} is empty in every row."
    return _settled_objects(name, cells, notes)


def _settled_objects(name: str, cells: pd.Series, notes: FeatureNotes | None) -> tuple[pd.Series, str, str]:
    present = cells.dropna()
    if not len(present):
        return cells, "", f"The column {name} is empty in every row."
    if isinstance(cells.dtype, pd.StringDtype) or all(isinstance(cell, str) for cell in present):
        wanted = notes.kind if notes is not None else None
        if wanted in (None, "date") and all(_ISO_DATE.fullmatch(cell) for cell in present):
            dates = pd.to_datetime(cells, format="%Y-%m-%d", errors="coerce")
            if dates.notna().sum() == len(present):
                return dates, "text", ""
        return cells, "", ""
    kinds = {_cell_kind(cell) for cell in present}
    if "other" in kinds:
        odd = next(cell for cell in present if _cell_kind(cell) == "other")
        raise ToolError(f"The column {name} holds {type(odd).__name__} values; use numbers, text, dates or booleans.")
    if kinds == {"number"}:
        converted = cells.astype("float64")
        _check_finite(name, converted)
        return converted, "", f"The numbers of {name} were stored as objects and are taken as floats."
    if kinds == {"date"}:
        return pd.to_datetime(cells), "date", ""
    mixed = " and ".join(sorted(kinds))
    return cells, "", f"The column {name} mixes {mixed} values." if len(kinds) > 1 else ""


def _cell_kind(cell: Any) -> str:
    if isinstance(cell, str):
        return "text"
    if isinstance(cell, (bool, np.bool_)):
        return "boolean"
    if isinstance(cell, (numbers.Real, decimal.Decimal)):
        return "number"
    return "date" if isinstance(cell, datetime.date) else "other"


def _check_finite(name: str, cells: pd.Series) -> None:
    infinite = int(np.isinf(cells.dropna().to_numpy(dtype=float)).sum())
    if infinite:
        raise ToolError(f"The column {name} is infinite in {infinite} rows; make these cells empty or finite.")


def restored(cells: pd.Series, back: str) -> pd.Series:
    """The cells as the model was trained on them; `back` is an entry of `Restore`."""
    converted: pd.Series
    if back == "text":
        converted = cells.dt.strftime("%Y-%m-%d").astype("str")
    elif back == "date":
        converted = cells.dt.date
    elif back.startswith("zone "):
        converted = cells.dt.tz_localize("UTC").dt.tz_convert(back.removeprefix("zone "))
    else:
        converted = cells.astype(pd.api.types.pandas_dtype(back))
    return converted
