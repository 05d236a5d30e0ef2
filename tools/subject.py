"""The model under discussion together with its data."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.decision import Decision
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.predictor import Outputs, Predictor
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Scalar

Mask = np.ndarray[Any, np.dtype[np.bool_]]


@dataclass(frozen=True)
class Rival:
    """Another model for the same question: it reads the subject's features (or some of them) and knows its classes."""

    name: str
    predictor: Predictor


@dataclass(frozen=True, eq=False)
class Subject:
    """A model, its data and what its columns mean. Equal where `id` is equal.

    data: every row, one column per feature in schema order, indexed by row id (a string).
    target: the true value of every row (class names as strings, or numbers), or None.
    held_out: marks the rows the model was not trained on; all False where nobody said.
    background: the reference rows of attributions.
    id: content hash of model, data and schema (a bare callable: data, outputs on a probe set, the user's version).
    shap_values: Shapley values brought along, (rows, features, outputs), checked for additivity when used.
    rivals: other models to compare with; the schema names them too.
    """

    predictor: Predictor
    schema: Schema
    data: pd.DataFrame
    target: pd.Series | None
    held_out: Mask
    background: pd.DataFrame
    id: str
    model_name: str = ""
    notes: tuple[str, ...] = ()
    shap_values: Any = None
    known: Outputs | None = field(default=None, repr=False)
    rivals: tuple[Rival, ...] = ()

    @classmethod
    def of(cls, model: Any, data: pd.DataFrame, target: Any = None, **options: Any) -> Subject:
        """A subject from a fitted model and a frame; see `askwhy.tools.loading.build.build_subject` for the options."""
        from askwhy.tools.loading.build import build_subject

        return build_subject(model, data, target, **options)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Subject) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def task(self) -> str:
        """binary, multiclass or regression."""
        return self.schema.task

    @property
    def regression(self) -> bool:
        """Whether the model predicts a number."""
        return self.schema.task == "regression"

    @property
    def decision(self) -> Decision | None:
        """The rules that make a final decision of the model's output, if there are any."""
        return self.schema.decision

    def rival(self, name: str | None = None) -> Rival:
        """The rival model of this name; of one rival, no name is needed. UnknownName with the nearest, ToolError."""
        if not self.rivals:
            raise ToolError("There is no other model to compare with; bring one along with --rival NAME=FILE.")
        names = [one.name for one in self.rivals]
        if name is None:
            if len(names) == 1:
                return self.rivals[0]
            raise ToolError(f"Say which model to compare with: {', '.join(names)}.")
        wanted = " ".join(name.lower().split())
        for one in self.rivals:
            if one.name.lower() == wanted:
                return one
        raise UnknownName("model", name, names)

    @functools.cached_property
    def row_ids(self) -> tuple[str, ...]:
        """Row ids in the data's order."""
        return tuple(str(name) for name in self.data.index)

    @functools.cached_property
    def _positions(self) -> dict[str, int]:
        return {name: position for position, name in enumerate(self.row_ids)}

    def position(self, row: str) -> int:
        """The position of a row id; UnknownName with the nearest ids if there is none."""
        found = self._positions.get(str(row))
        if found is None:
            raise UnknownName(self.schema.entity, str(row), self.row_ids)
        return found

    def row(self, row: str) -> pd.DataFrame:
        """One row as a frame of length one."""
        position = self.position(row)
        return self.data.iloc[position : position + 1]

    def with_known(self, outputs: Outputs | None) -> Subject:
        """The same subject with the model's outputs for every row of `data` already computed."""
        return self if outputs is None else replace(self, known=outputs)


def plain(value: Any) -> Scalar | None:
    """A cell as a plain Python value: missing is None, dates are ISO text, numpy numbers become Python's."""
    if value is None or value is pd.NaT or (not isinstance(value, str) and bool(pd.isna(value))):
        return None
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    if isinstance(value, (float, np.floating)):
        return float(value)
    if isinstance(value, (pd.Timestamp, np.datetime64)):
        stamp = pd.Timestamp(value)
        return stamp.date().isoformat() if stamp == stamp.normalize() else stamp.isoformat()
    return str(value)
