"""Where to a mask: which rows of the subject a selection means."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Comparison, Condition, Where
from askwhy.tools.subject import Mask, Subject

_ORDER: dict[Comparison, Callable[[Any, Any], Any]] = {
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge, "eq": operator.eq, "ne": operator.ne,
}  # fmt: skip


def select(subject: Subject, where: Where, evaluate: Evaluator) -> Mask:
    """A boolean mask over the subject's rows. Raises ToolError for names or comparisons that make no sense."""
    mask = np.ones(len(subject.data), dtype=bool)
    for group in where.all:
        chosen = np.zeros(len(mask), dtype=bool)
        for condition in group.any:
            chosen |= _condition(subject, condition, evaluate)
        mask &= chosen
    return mask


def predicted_index(outputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The predicted class of every row, as a column of the outputs."""
    return np.asarray(outputs.argmax(axis=1))


def _condition(subject: Subject, condition: Condition, evaluate: Evaluator) -> Mask:
    if condition.on == "feature":
        return _feature(subject, condition)
    if condition.on == "id":
        mask = np.zeros(len(subject.data), dtype=bool)
        mask[subject.position(str(condition.value))] = True
        return ~mask if condition.negated != (condition.op == "ne") else mask
    if condition.on == "previous":
        raise ToolError("There is no earlier selection to refer to; say which rows you mean.")
    if condition.on == "correct":
        mask = _correct(subject, evaluate)
        wanted = condition.value is None or bool(condition.value)
        return mask if wanted != condition.negated else ~mask
    return _outcome(subject, condition, evaluate)


def _correct(subject: Subject, evaluate: Evaluator) -> Mask:
    if subject.target is None:
        raise ToolError("The true values are not known, so right and wrong predictions cannot be told apart.")
    if subject.regression:
        raise ToolError("A predicted number is never exactly right; ask for the error of the predictions instead.")
    names = np.array([str(label.value) for label in subject.schema.classes], dtype=object)
    predicted = names[predicted_index(evaluate.all_outputs(subject))]
    return np.asarray(predicted == subject.target.astype(str).to_numpy(dtype=object), dtype=bool)


def _outcome(subject: Subject, condition: Condition, evaluate: Evaluator) -> Mask:
    """Conditions on the predicted or the actual outcome."""
    if condition.on == "actual" and subject.target is None:
        raise ToolError("The true values are not known for this data.")
    if subject.regression:
        values = subject.target if condition.on == "actual" else pd.Series(evaluate.all_outputs(subject)[:, 0])
        return _flip(_compare_numbers(pd.Series(np.asarray(values)), condition, subject.schema.target.label), condition)
    if condition.op not in ("eq", "ne"):
        raise ToolError("A class is either the same or another; it cannot be larger or smaller.")
    label = subject.schema.class_label(condition.value if condition.value is not None else "")
    if condition.on == "actual":
        assert subject.target is not None
        mask = subject.target.astype(str).to_numpy() == str(label.value)
    else:
        mask = predicted_index(evaluate.all_outputs(subject)) == subject.schema.classes.index(label)
    return np.asarray(mask if condition.negated == (condition.op == "ne") else ~mask, dtype=bool)


def _feature(subject: Subject, condition: Condition) -> Mask:
    feature = subject.schema.feature(condition.feature or "")
    cells = subject.data[feature.name]
    missing = np.asarray(cells.isna(), dtype=bool)
    if condition.op == "missing":
        return _flip(missing, condition)
    if condition.op == "contains":
        return _flip(cells.astype("str").str.contains(str(condition.value), case=False, regex=False), condition)
    if feature.numeric or feature.kind == "date":
        compare = _compare_dates if feature.kind == "date" else _compare_numbers
        mask = compare(cells, condition, feature.label)
    else:
        mask = _compare_category(cells, feature, condition)
    flipped = _flip(mask, condition)
    ordered = condition.op in ("lt", "le", "gt", "ge")
    return flipped & ~missing if ordered else flipped


def _flip(mask: Any, condition: Condition) -> Mask:
    found = np.asarray(mask, dtype=bool)
    return ~found if condition.negated else found


def _compare_numbers(cells: pd.Series, condition: Condition, label: str) -> Mask:
    value = condition.value
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise ToolError(f"{label} is a number, so it cannot be compared with “{value}”.") from None
    return np.asarray(_ORDER[condition.op](cells.astype(float), float(value or 0)), dtype=bool)


def _compare_dates(cells: pd.Series, condition: Condition, label: str) -> Mask:
    moment = pd.to_datetime(str(condition.value), errors="coerce")
    if moment is pd.NaT:
        raise ToolError(f"{label} is a date; write it as year-month-day, not “{condition.value}”.")
    return np.asarray(_ORDER[condition.op](cells, moment), dtype=bool)


def _compare_category(cells: pd.Series, feature: Feature, condition: Condition) -> Mask:
    if condition.op not in ("eq", "ne"):
        raise ToolError(f"{feature.label} is not a number, so it has no larger or smaller.")
    if condition.value is None:
        raise UnknownName(f"value of {feature.label}", "", [category.label for category in feature.categories])
    wanted = feature.category(condition.value).value if feature.categories else condition.value
    same = np.asarray((cells.astype(object) == wanted).fillna(False), dtype=bool)
    return same if condition.op == "eq" else ~same
