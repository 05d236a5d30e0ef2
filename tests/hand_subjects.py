"""Subjects put together by hand from a frame and a function, so that a test knows every part of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.evaluator import Evaluator
from askwhy.tools.predictor import Predictor
from askwhy.tools.schema import Category, ClassLabel, Feature, Kind, Schema, Target, Task
from askwhy.tools.scope import Change, Condition, Scope, Where
from askwhy.tools.subject import Subject
from askwhy.tools.view import View, make_view


def feature_of(name: str, cells: pd.Series) -> Feature:
    """A feature whose label is its name."""
    kind = kind_of(cells)
    categories = ()
    if kind == "category":
        categories = tuple(Category(name=one, label=one, value=one) for one in sorted(cells.dropna().unique()))
    return Feature(name=name, label=name, kind=kind, categories=categories)


def kind_of(cells: pd.Series) -> Kind:
    """The kind that a dtype means."""
    if pd.api.types.is_bool_dtype(cells.dtype):
        return "boolean"
    if pd.api.types.is_datetime64_any_dtype(cells.dtype):
        return "date"
    if pd.api.types.is_integer_dtype(cells.dtype):
        return "integer"
    return "number" if pd.api.types.is_numeric_dtype(cells.dtype) else "category"


def hand_subject(
    call: Callable[[pd.DataFrame], Any],
    frame: pd.DataFrame,
    classes: Sequence[str] = (),
    *,
    target: Any = None,
    background: int = 20,
    held_out: Any = None,
    shap_values: Any = None,
) -> Subject:
    """A subject with row ids "0", "1", ...; its background is the first rows. No classes: a regression."""
    frame = frame.set_axis([str(i) for i in range(len(frame))])
    task: Task = "regression" if not classes else "binary" if len(classes) == 2 else "multiclass"
    schema = Schema(
        features=tuple(feature_of(str(name), frame[name]) for name in frame),
        target=Target(name="outcome", label="outcome"),
        task=task,
        classes=tuple(ClassLabel(name=name, label=name, value=name) for name in classes),
    )
    return Subject(
        predictor=Predictor(call, schema, tuple(frame.columns)),
        schema=schema,
        data=frame,
        target=None if target is None else pd.Series(np.asarray(target), index=frame.index),
        held_out=np.zeros(len(frame), dtype=bool) if held_out is None else np.asarray(held_out),
        background=frame.iloc[:background],
        id=f"hand-made of {len(frame)}",
        shap_values=shap_values,
    )


def view_of(
    subject: Subject, row: int | None = None, *where: Condition, changes: tuple[Change, ...] = (), seed: int = 0
) -> View:
    """The subject as a step about one row, or about the rows where the conditions hold, sees it."""
    scope = Scope(row=None if row is None else str(row), where=Where.of(*where), changes=changes)
    return make_view(subject, scope, Evaluator(subject.predictor), seed)


def numbers(rows: int, features: int, seed: int = 0) -> pd.DataFrame:
    """Independent standard normal columns x0, x1, ..."""
    values = np.random.default_rng(seed).normal(size=(rows, features))
    return pd.DataFrame(values, columns=[f"x{i}" for i in range(features)])
