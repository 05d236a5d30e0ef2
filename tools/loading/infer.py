"""What the columns are, read off the data: kinds, categories, ranges, one-hot groups, and words for all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.errors import ToolError
from askwhy.tools.loading.humanize import Spoken, humanize, speak, value_words
from askwhy.tools.loading.schema_file import FeatureNotes, described
from askwhy.tools.schema import Category, ClassLabel, Feature, Kind
from askwhy.tools.scope import Scalar
from askwhy.tools.subject import plain

MAX_CATEGORIES = 200
"""More distinct values than this are not a list that anybody chooses from."""

_ENOUGH_WHOLE = 20
_TEXT_WORDS = 4
_SAMPLED = 1000
_SEPARATOR = re.compile(r"[_=:.\s|/-]+")

Groups = dict[str, Sequence[tuple[str, str]]]
"""One-hot features: name -> (column, category) pairs."""


def infer_features(
    frame: pd.DataFrame, notes: Mapping[str, FeatureNotes], groups: Groups | None = None
) -> tuple[Feature, ...]:
    """A feature for every column of `frame` (one-hot groups already folded), in its order, each with its own label."""
    members = {name: tuple(column for column, _ in pairs) for name, pairs in (groups or {}).items()}
    made = []
    for name in frame.columns:
        feature = infer_feature(name, frame[name], notes.get(name))
        if name in members:
            order = [category for _, category in (groups or {})[name]]
            categories = tuple(sorted(feature.categories, key=lambda one: order.index(one.name)))
            feature = feature.model_copy(update={"columns": members[name], "categories": categories})
        made.append(feature)
    return _told_apart(made)


def infer_feature(name: str, cells: pd.Series, notes: FeatureNotes | None = None) -> Feature:
    """One feature from its cells, improved by what the schema file says. Raises ToolError if the two cannot agree."""
    found = infer_kind(cells)
    kind = notes.kind if notes is not None and notes.kind is not None else found
    _check_kind(name, cells, kind, found)
    # Splitting a name into words loads a word list: not needed where the file gives the label.
    labelled = notes is not None and notes.label is not None
    spoken = Spoken(name.replace("_", " ")) if labelled else speak(name)
    low, high = _range(cells) if kind in ("number", "integer") else (None, None)
    feature = Feature(
        name=name,
        label=spoken.label,
        aliases=spoken.aliases,
        kind=kind,
        unit=spoken.unit if kind in ("number", "integer") else "",
        categories=_categories(cells, kind, notes),
        low=low,
        high=high,
        has_missing=bool(cells.isna().any()),
    )
    return described(feature, notes)


def infer_kind(cells: pd.Series) -> Kind:
    """What a column is. Numbers that are only ever 0 and 1 are a boolean; other codes stay integers."""
    types = pd.api.types
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return "boolean" if types.is_bool_dtype(cells.cat.categories.dtype) else "category"
    if types.is_datetime64_any_dtype(cells.dtype):
        return "date"
    if types.is_bool_dtype(cells.dtype):
        return "boolean"
    present = cells.dropna()
    if types.is_numeric_dtype(cells.dtype):
        return _numeric_kind(cells, present)
    if len(present) and all(isinstance(cell, (bool, np.bool_)) for cell in present):
        return "boolean"
    return "text" if looks_like_text(present) else "category"


def _numeric_kind(cells: pd.Series, present: pd.Series) -> Kind:
    if _is_flag(present) and present.nunique() == 2:
        return "boolean"
    if pd.api.types.is_integer_dtype(cells.dtype):
        return "integer"
    # A gap turns whole numbers into floats; without one, a few whole floats may be chance.
    if len(present) and (len(present) < len(cells) or len(present) >= _ENOUGH_WHOLE) and _whole(present):
        return "integer"
    return "number"


def looks_like_text(present: pd.Series) -> bool:
    """Whether strings are written text or free entries rather than values of a list."""
    if not len(present):
        return False
    distinct = present.nunique()
    if distinct > MAX_CATEGORIES:
        return True
    # Sentences hardly ever repeat; the number of words tells them from codes and names.
    words = float(np.median([len(str(cell).split()) for cell in present.iloc[:_SAMPLED]]))
    return bool(
        words >= _TEXT_WORDS and distinct > len(present) / 2 and (len(present) >= 5 or words >= 2 * _TEXT_WORDS)
    )


def infer_classes(values: Sequence[Scalar]) -> tuple[ClassLabel, ...]:
    """Class labels for the values, in the given order."""
    yes_no = len(values) == 2 and not any(isinstance(value, str) for value in values)
    return tuple(_class_label(value, position, yes_no) for position, value in enumerate(values))


def _class_label(value: Scalar, position: int, yes_no: bool) -> ClassLabel:
    if isinstance(value, bool):
        return ClassLabel(name=str(value), label="yes" if value else "no", value=value, aliases=(str(value).lower(),))
    name = value_name(value)
    aliases = (("no", "negative"), ("yes", "positive"))[position] if yes_no and value in (0, 1) else ()
    return ClassLabel(name=name, label=value_words(name), value=value, aliases=aliases)


def value_name(value: Scalar) -> str:
    """A value as a name: whole floats are written without a point, as a schema file would."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def distinct_values(cells: pd.Series) -> list[Scalar]:
    """The distinct cells as plain values: numbers in order, then text in order; missing cells left out."""
    if isinstance(cells.dtype, pd.CategoricalDtype):
        return [value for value in map(plain, cells.cat.categories) if value is not None]
    found = {
        (type(value).__name__ == "str", value) for value in map(plain, cells.dropna().unique()) if value is not None
    }
    return [value for _, value in sorted(found, key=lambda pair: (pair[0], pair[1]))]


def one_hot_groups(frame: pd.DataFrame, notes: Mapping[str, FeatureNotes]) -> Groups:
    """Columns `prefix_value` of 0 and 1 of which every row has exactly one 1, and groups that the schema file names."""
    forced = {name: list(one.columns) for name, one in notes.items() if one.columns}
    for name, columns in forced.items():
        _check_forced(name, columns, frame)
    taken = {column for columns in forced.values() for column in columns}
    groups: Groups = {
        name: [(column, _value_in(column, name)) for column in columns] for name, columns in forced.items()
    }
    apart = {name for name, one in notes.items() if one.columns == ()}
    others = [str(name) for name in frame.columns if name not in taken]
    flags = {name: frame[name].to_numpy(dtype=bool) for name in others if _is_flag(frame[name])}
    for prefix, columns in _prefixes(flags):
        free = prefix not in apart and prefix not in groups and prefix not in frame.columns
        if free and not taken & set(columns) and _one_of(flags, columns):
            groups[prefix] = [(column, _value_in(column, prefix)) for column in columns]
            taken |= set(columns)
    return groups


def _check_forced(name: str, columns: list[str], frame: pd.DataFrame) -> None:
    absent = [column for column in columns if column not in frame.columns]
    if absent:
        raise ToolError(f"The schema file says that {name} stands for {absent[0]}, which is not a column of the data.")
    if name in frame.columns and name not in columns:
        raise ToolError(f"The schema file folds columns into {name}, but the data has a column of that name already.")
    flags = {column: frame[column].fillna(-1).to_numpy(dtype=float) for column in columns if _is_flag(frame[column])}
    if len(flags) < len(columns) or len(columns) < 2 or not _one_of(flags, columns):
        raise ToolError(f"The columns of {name} are not one-hot: every row should have a single 1 and otherwise 0.")


def _is_flag(cells: pd.Series) -> bool:
    types = pd.api.types
    if not (types.is_numeric_dtype(cells.dtype) or types.is_bool_dtype(cells.dtype)) or cells.isna().any():
        return False
    if not len(cells) or not set(cells.iloc[:_SAMPLED].unique()) <= {0, 1}:
        return False
    return set(cells.unique()) <= {0, 1}


def _prefixes(names: Iterable[str]) -> list[tuple[str, list[str]]]:
    """Every prefix that ends at a separator with the columns it starts, the largest groups first."""
    found: dict[str, list[str]] = {}
    for name in names:
        for match in _SEPARATOR.finditer(name):
            if match.start() and match.end() < len(name):
                found.setdefault(name[: match.start()], []).append(name)
    groups = [(prefix, columns) for prefix, columns in found.items() if len(columns) >= 2]
    return sorted(groups, key=lambda group: (-len(group[1]), len(group[0]), group[0]))


def _one_of(flags: Mapping[str, Any], columns: Sequence[str]) -> bool:
    block = np.column_stack([flags[column] for column in columns]).astype(float)
    # In fewer rows than this, unrelated flags may add up to one by chance.
    return bool((block.sum(axis=1) == 1).all() and (block.sum(axis=0) > 0).all() and len(block) >= 2 * len(columns))


def _value_in(column: str, prefix: str) -> str:
    rest = column[len(prefix) :] if column.startswith(prefix) else column
    return rest.lstrip("_=:.|/- ") or column


def _categories(cells: pd.Series, kind: Kind, notes: FeatureNotes | None) -> tuple[Category, ...]:
    if kind not in ("category", "boolean"):
        return ()
    categories = [_category(value, kind) for value in distinct_values(cells)]
    order = list(notes.categories) if notes is not None else []
    ranks = {name: rank for rank, name in enumerate(order)}
    return tuple(sorted(categories, key=lambda one: ranks.get(one.name, len(order))))


def _category(value: Scalar, kind: Kind) -> Category:
    name = value_name(value)
    if kind == "boolean" and not isinstance(value, str) and value in (0, 1):
        return Category(
            name=name, label="yes" if value else "no", value=value, aliases=("true",) if value else ("false",)
        )
    return Category(name=name, label=value_words(name), value=value)


def _range(cells: pd.Series) -> tuple[float | None, float | None]:
    present = cells.dropna()
    return (float(present.min()), float(present.max())) if len(present) else (None, None)


def _whole(present: pd.Series) -> bool:
    numbers = present.to_numpy(dtype=float)
    return bool(np.all(np.abs(numbers) < 2**53) and np.all(numbers == np.round(numbers)))


def _check_kind(name: str, cells: pd.Series, kind: Kind, found: Kind) -> None:
    if kind == found:
        return
    numeric = pd.api.types.is_numeric_dtype(cells.dtype)
    problem = ""
    if kind in ("number", "integer") and not numeric:
        problem = "its values are not numbers"
    elif kind == "integer" and not _whole(cells.dropna()):
        problem = "not all of its values are whole"
    elif kind == "date":
        problem = "its values are not dates written as year-month-day"
    elif kind == "text" and numeric:
        problem = "its values are numbers"
    elif kind in ("category", "boolean"):
        distinct = cells.nunique()
        most = 2 if kind == "boolean" else MAX_CATEGORIES
        problem = f"it has {distinct} distinct values, more than {most}" if distinct > most else ""
    if problem:
        raise ToolError(f"The schema file says that {name} is of kind {kind}, but {problem}.")


def _told_apart(features: Sequence[Feature]) -> tuple[Feature, ...]:
    """Two columns must not share a label: the later one keeps its own name, or gets a number."""
    owners: dict[str, int] = {}
    for position, feature in enumerate(features):
        owners.setdefault(feature.name.lower(), position)  # a label must not be the name of another column either
    apart = []
    for position, feature in enumerate(features):
        label = next(
            one for one in _candidates(feature) if one.strip() and owners.get(one.lower(), position) == position
        )
        owners[label.lower()] = position
        apart.append(feature if label == feature.label else feature.model_copy(update={"label": label}))
    return tuple(apart)


def _candidates(feature: Feature) -> Iterable[str]:
    yield feature.label
    yield humanize(feature.name)
    yield feature.name
    number = 2
    while True:
        yield f"{feature.label} ({number})"
        number += 1
