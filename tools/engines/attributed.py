"""Shapley values of many rows at once, for tools that look for a pattern among explanations."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from askwhy.tools.attribution import brought_values, sample
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.schema import ClassLabel
from askwhy.tools.select import predicted_index
from askwhy.tools.shapley import shapley_rows
from askwhy.tools.view import View

_ROWS = 120
_BACKGROUND = 30


@dataclass(frozen=True)
class Attributed:
    """Attributions (rows, features) of some rows, and the model's output there."""

    rows: pd.DataFrame
    values: Array
    output: Array
    method: str


def label_of_rows(view: View, cls: str | None) -> ClassLabel | None:
    """The class explained; of several, the one predicted most often, unless one is named."""
    if view.subject.regression:
        if cls is not None:
            raise ToolError("This model predicts a number, so there are no classes.")
        return None
    label = view.schema.explained if cls is None else view.schema.class_label(cls)
    if label is None:
        counts = np.bincount(predicted_index(view.outputs), minlength=len(view.schema.classes))
        label = view.schema.classes[int(counts.argmax())]
    return label


def attributed(view: View, label: ClassLabel | None, rows: pd.DataFrame, least: int) -> Attributed:
    """Shapley values of the rows, or of 120 of them drawn at random; ToolError for fewer than `least`."""
    rows = sample(rows, _ROWS, view.rng)
    if len(rows) < least:
        raise ToolError(f"This needs at least {least} {view.schema.entities}; there are {len(rows)}.")
    column = 0 if label is None else view.schema.classes.index(label)
    outputs = view.evaluate.outputs(rows)[:, column]
    brought, _, _, _ = brought_values(view, column, rows)
    if brought is not None:
        return Attributed(rows, np.asarray(brought), outputs, "the SHAP values brought along")
    background = sample(view.subject.background, _BACKGROUND, view.rng)
    found = shapley_rows(view.evaluate, rows, background, seed=view.seed)
    method = f"Shapley values against {len(background)} background rows"
    return Attributed(rows, found.values[:, :, column], outputs, method)
