"""Schemas of the built-in subjects as their schema files describe them, without the data or a model."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.loading.decision_notes import DecisionNotes, settled_decision
from askwhy.tools.predictor import Predictor
from askwhy.tools.schema import Category, ClassLabel, Feature, Schema, Target
from askwhy.tools.subject import Subject


def _cell(name: str) -> int | str:
    return int(name) if name.isdigit() else name


def _feature(name: str, notes: dict[str, Any]) -> Feature:
    categories = notes.pop("categories", {})
    low, high = notes.pop("range", (None, None))
    return Feature(
        name=name,
        categories=tuple(Category(name=key, value=_cell(key), **rest) for key, rest in categories.items()),
        low=low,
        high=high,
        **notes,
    )


@functools.cache
def schema_of(name: str) -> Schema:
    """The schema that tools/subjects/NAME.toml describes."""
    notes = tomllib.loads((resources.files("askwhy.tools.subjects") / f"{name}.toml").read_text(encoding="utf-8"))
    target = dict(notes["target"])
    classes = tuple(ClassLabel(name=key, value=_cell(key), **rest) for key, rest in notes.get("classes", {}).items())
    schema = Schema(
        features=tuple(_feature(key, dict(rest)) for key, rest in notes["features"].items()),
        target=Target(name=target.pop("column"), **target),
        task="regression" if not classes else "binary" if len(classes) == 2 else "multiclass",
        classes=classes,
        modality="text" if set(notes["features"]) == {"text"} else "table",
        **notes["subject"],
        rivals=() if set(notes["features"]) == {"text"} else ("logistic regression",),
    )
    rules = DecisionNotes.model_validate(notes["decision"]) if "decision" in notes else None
    return schema.model_copy(update={"decision": settled_decision(rules, schema)})


def subject_of(schema: Schema, rows: int = 70) -> Subject:
    """A subject of this schema with constant cells and a model that never changes its mind: for understanding only."""
    cells = {
        feature.name: [feature.categories[0].value if feature.categories else "text" if feature.kind == "text" else 1.0]
        for feature in schema.features
    }
    frame = pd.DataFrame({name: values * rows for name, values in cells.items()}).set_axis(
        [str(i) for i in range(rows)]
    )
    width = max(1, len(schema.classes))
    predictor = Predictor(lambda given: np.full((len(given), width), 1 / width), schema, tuple(frame.columns))
    nowhere = np.zeros(rows, dtype=bool)
    return Subject(predictor, schema, frame, None, nowhere, frame.iloc[:5], id=f"only words of {schema.name}")
