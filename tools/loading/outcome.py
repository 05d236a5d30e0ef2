"""What a model predicts: its task, its classes, and the true values in its terms."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.errors import ModelFault, ToolError, nearest
from askwhy.tools.loading.adapt import Adapted
from askwhy.tools.loading.infer import MAX_CATEGORIES, distinct_values, infer_classes, value_name
from askwhy.tools.loading.schema_file import ClassNotes, described_classes
from askwhy.tools.schema import ClassLabel, Task
from askwhy.tools.scope import Scalar

_MOST_LABELS = 20
_NO_PROBABILITIES = "The model gives no probabilities, so its predictions count as certain (0 or 1)."


@dataclass(frozen=True, eq=False)
class Outcome:
    """classes: in the order of the model's output columns, empty for a regression. hard: the model gives labels.

    recode: the class of each of the model's own labels, where they differ. target: class names or numbers.
    """

    task: Task
    classes: tuple[ClassLabel, ...]
    hard: bool
    target: pd.Series | None
    recode: dict[str, str]
    notes: tuple[str, ...]


def find_outcome(
    adapted: Adapted,
    raw: Any,
    rows: int,
    target: pd.Series | None,
    said: Mapping[str, ClassNotes] | tuple[ClassLabel, ...],
) -> Outcome:
    """Task and classes from the model, its outputs for `rows` rows, the target and what the schema says of classes.

    `said` is the schema file's classes, or a schema's own, whose order then is that of the model's outputs.
    Raises ToolError where these do not agree or do not suffice.
    """
    if target is not None:
        _check_target(target)
    outputs = _readable(raw, rows)
    given = said if isinstance(said, tuple) else ()
    file = said if isinstance(said, Mapping) else {}
    if adapted.regression or (adapted.regression is None and not _classifies(outputs, target, said)):
        return _regression(outputs, target, bool(said))
    hard = adapted.hard or (adapted.classes is None and _labels(outputs))
    values, recode, notes = _class_values(adapted, outputs, target, tuple(label.value for label in given), file)
    classes = given or described_classes(infer_classes(values), file)
    true = None if target is None else _class_names(target, classes)
    if true is not None and true.nunique() == 1:
        notes = (*notes, f"Every row of the data has the same true class ({true.iloc[0]}).")
    notes = (*notes, _NO_PROBABILITIES) if hard else notes
    return Outcome("binary" if len(classes) == 2 else "multiclass", classes, hard, true, recode if hard else {}, notes)


def _check_target(target: pd.Series) -> None:
    missing = target.isna().to_numpy()
    if missing.all():
        raise ToolError(f"The target {target.name} is empty in every row.")
    if missing.any():
        row = target.index[missing][0]
        raise ToolError(
            f"The target {target.name} is missing in {int(missing.sum())} rows (the first: {row}); "
            "fill it in or leave these rows out."
        )


def _readable(raw: Any, rows: int) -> np.ndarray[Any, Any]:
    outputs = np.asarray(raw)
    if outputs.ndim not in (1, 2) or len(outputs) != rows:
        raise ModelFault(f"The model returned shape {outputs.shape} for {rows} rows; expected {rows} rows of outputs.")
    if outputs.dtype.kind == "O":
        try:
            return outputs.astype(np.float64)
        except (TypeError, ValueError):
            return outputs.astype(str)
    return outputs


def _labels(outputs: np.ndarray[Any, Any]) -> bool:
    return outputs.ndim == 1 and outputs.dtype.kind in "USbiu"


def _classifies(outputs: np.ndarray[Any, Any], target: pd.Series | None, said: Any) -> bool:
    """Whether a bare function is a classifier."""
    if outputs.ndim == 2 or outputs.dtype.kind in "USb" or said:
        return True
    if target is None:
        return False
    distinct = distinct_values(target)
    if _labels(outputs):
        known = {value_name(value) for value in distinct}
        return len(distinct) <= _MOST_LABELS and {str(label) for label in outputs} <= known
    between = bool(np.all((outputs >= 0) & (outputs <= 1)))
    return not _numeric(target) or (len(distinct) == 2 and between)


def _numeric(cells: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(cells.dtype)) and not pd.api.types.is_bool_dtype(cells.dtype)


def _regression(outputs: np.ndarray[Any, Any], target: pd.Series | None, classes: bool) -> Outcome:
    if classes:
        raise ToolError("The model predicts a number, so the schema cannot name classes for it.")
    if outputs.ndim == 2 and outputs.shape[1] > 1:
        raise ModelFault(f"The model returned {outputs.shape[1]} numbers for each row; one is expected.")
    if target is None:
        return Outcome("regression", (), False, None, {}, ())
    if not (_numeric(target) or pd.api.types.is_bool_dtype(target.dtype)):
        raise ToolError(f"The model predicts a number, but the target {target.name} holds “{target.iloc[0]}”.")
    numbers = target.astype("float64")
    if np.isinf(numbers.to_numpy()).any():
        raise ToolError(f"The target {target.name} is infinite in some rows.")
    constant = numbers.nunique() == 1 and len(numbers) > 1
    return Outcome("regression", (), False, numbers, {}, ("The target is the same in every row.",) if constant else ())


def _class_values(
    adapted: Adapted,
    outputs: np.ndarray[Any, Any],
    target: pd.Series | None,
    given: tuple[Scalar, ...],
    file: Mapping[str, ClassNotes],
) -> tuple[tuple[Scalar, ...], dict[str, str], tuple[str, ...]]:
    """Class values in output order; how the model's own labels map to them; notes."""
    distinct = () if target is None else tuple(distinct_values(target))
    if adapted.classes is not None:
        values, notes = _model_classes(adapted.classes, given or distinct or _from_file(file), bool(given))
        recode = {
            str(own): str(value) for own, value in zip(adapted.classes, values, strict=True) if str(own) != str(value)
        }
        return values, recode, notes
    values = given or _in_order((*distinct, *_from_file(file, distinct)))
    width = 2 if outputs.ndim == 1 else outputs.shape[1]
    if _labels(outputs) and len(values) >= 2:
        return values, {}, ()
    if not values:
        if _labels(outputs):
            raise ToolError(
                "The model returns labels and there is no target: name its classes as [classes.V] in a schema."
            )
        return tuple(range(width)), {}, ("The classes have no names, so they are counted from 0.",)
    if len(values) != width:
        raise ToolError(
            f"The model returns {width} probabilities for each row, but the target and the schema know {len(values)} "
            f"classes ({', '.join(map(str, values[:10]))}); name all of them as [classes.V] in a schema."
        )
    return values, {}, ()


def _model_classes(
    own: tuple[Scalar, ...], known: tuple[Scalar, ...], settled: bool
) -> tuple[tuple[Scalar, ...], tuple[str, ...]]:
    """The model's classes, by the data's names where the model was trained on numbers 0, 1, ... instead."""
    names = [value_name(value) for value in own]
    strange = [value for value in known if value_name(value) not in names]
    if not strange:
        return own, ()
    if list(own) == list(range(len(own))) and len(known) == len(own):
        values = known if settled else _in_order(known)
        pairs = ", ".join(f"{number} = {value}" for number, value in enumerate(values))
        return values, (f"The model numbers its classes; they were taken in sorted order: {pairs}.",)
    if list(own) == list(range(len(own))):
        hint = f"one of {len(own)} numbers, and the data has {len(known)} classes"
    else:
        guess = nearest(str(strange[0]), names, 1)
        hint = f"{', '.join(names[:10])}" + (f"; the nearest is {guess[0]}" if guess else "")
    raise ToolError(f"The target has the value “{strange[0]}”, which the model never predicts (it predicts {hint}).")


def _from_file(file: Mapping[str, ClassNotes], like: Sequence[Scalar] = ()) -> tuple[Scalar, ...]:
    """The file's classes that are not in `like`, as numbers where all of them are."""
    seen = {value_name(value) for value in like}
    names = [name for name in file if name not in seen]
    whole = all(name.lstrip("-").isdecimal() for name in file)
    return tuple(int(name) if whole else name for name in names)


def _in_order(values: Sequence[Scalar]) -> tuple[Scalar, ...]:
    return tuple(sorted(values, key=lambda value: (isinstance(value, str), value)))


def _class_names(target: pd.Series, classes: Sequence[ClassLabel]) -> pd.Series:
    """The target as the text of its class's value. ToolError for a value that is no class."""
    if target.nunique() > max(MAX_CATEGORIES, len(classes)):
        raise ToolError(f"The target {target.name} has {target.nunique():,} distinct values; is it a class?")
    text = {value_name(label.value): str(label.value) for label in classes}
    cells = [value_name(value) for value in target.astype(object)]
    strange = next((cell for cell in cells if cell not in text), None)
    if strange is not None:
        raise ToolError(f"The target has the value “{strange}”, which is not one of the classes ({', '.join(text)}).")
    return pd.Series([text[cell] for cell in cells], index=target.index, name=target.name, dtype="str")
