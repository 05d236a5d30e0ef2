"""Rows as tables and facts: cells with their labels, predictions beside the truth."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from askwhy.tools.engines.truth import actual_values
from askwhy.tools.evidence import Fact, Table, Unit
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import Feature, Target
from askwhy.tools.scope import Scalar
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import plain
from askwhy.tools.view import View

_CLIP = 300


def unit_of(feature: Feature) -> Unit:
    """How a cell of this feature is to be read."""
    if feature.numeric and not feature.categories:
        return "feature"
    return "text" if feature.kind == "text" else "category"


def target_facts(target: Target) -> list[Fact]:
    """What the model predicts: its name and description, or `target_plain` where nobody described it."""
    if not target.description:
        return [Fact(relation="target_plain", value=target.label, unit="")]
    return [
        Fact(relation="target_name", value=target.label, unit=""),
        Fact(relation="target_text", value=target.description, unit=""),
    ]


def cell_fact(relation: str, feature: Feature, cell: Any, row: str | None = None) -> Fact:
    """A cell as a fact."""
    return Fact(relation=relation, value=plain(cell), unit=unit_of(feature), feature=feature.name, row=row)


def shown(feature: Feature, cell: Any) -> Scalar | None:
    """A cell as a table shows it: a category by its label, a long text cut."""
    value = plain(cell)
    if value is None:
        return None
    for category in feature.categories:
        if category.value == value and isinstance(category.value, bool) == isinstance(value, bool):
            return category.label
    return value[:_CLIP] + "…" if isinstance(value, str) and len(value) > _CLIP else value


def listing(view: View, positions: Iterable[int], *, note: str = "") -> Table:
    """Some of the view's rows with id, features, prediction and, where known, truth."""
    chosen = list(positions)
    features = view.schema.features
    rows = view.rows.iloc[chosen]
    columns = [[shown(one, cell) for cell in rows[one.name]] for one in features]
    outcome = outcome_columns(view, view.outputs[chosen], None if view.targets is None else view.targets.iloc[chosen])
    cells = zip([str(name) for name in rows.index], *columns, *outcome.values(), strict=True)
    names = (view.schema.entity, *(one.label for one in features), *outcome)
    return Table(columns=names, rows=tuple(cells), note=note)


def outcome_columns(view: View, outputs: Outputs, targets: pd.Series | None) -> dict[str, list[Scalar | None]]:
    """Prediction, its probability and the truth, as columns of a table."""
    classes = view.schema.classes
    if not classes:
        found: dict[str, list[Scalar | None]] = {"prediction": [float(value) for value in outputs[:, 0]]}
        if targets is not None:
            found["truth"] = [plain(value) for value in targets]
        return found
    predicted = predicted_index(outputs)
    found = {
        "prediction": [classes[int(one)].label for one in predicted],
        "probability": [float(row[int(one)]) for row, one in zip(outputs, predicted, strict=True)],
    }
    if targets is not None:
        actual = actual_values(view.schema, targets)
        found["truth"] = [classes[int(one)].label if one >= 0 else None for one in actual]
    return found
