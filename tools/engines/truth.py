"""Predictions beside the truth: which rows of a scope may be scored, and how to say so."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Fact
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import Schema
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

SMALL_N = 30
"""Fewer rows than this and a score gets a warning."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Scored:
    """Rows with predictions and truth, aligned: `rows` (n, features), `outputs` (n, width).

    actual: class positions (int) for a classifier, numbers for a regression. `marked`: they were held out.
    """

    rows: pd.DataFrame
    outputs: Outputs
    actual: Array
    marked: bool
    caveats: tuple[Caveat, ...]

    @property
    def predicted(self) -> Array:
        """Predicted class positions, or predicted numbers."""
        return self.outputs[:, 0] if self.outputs.shape[1] == 1 else predicted_index(self.outputs)

    @property
    def ids(self) -> tuple[str, ...]:
        """Row ids."""
        return tuple(str(name) for name in self.rows.index)

    @property
    def wrong(self) -> Mask:
        """Where a classifier is wrong."""
        return np.asarray(self.predicted != self.actual, dtype=bool)

    def count_fact(self) -> Fact:
        """How many rows were scored: `held_out` where they were held out, else `scored`."""
        return Fact(relation="held_out" if self.marked else "scored", value=len(self.rows), unit="count")


def scored(view: View) -> Scored:
    """The held-out rows of the scope with a known truth; every row, with a caveat, where none is held out.

    Raises ToolError where the truth is not known.
    """
    actual, known = known_truth(view)
    marked = view.held_out & known
    some = bool(marked.any())
    keep = marked if some else known
    return Scored(view.rows[keep], view.outputs[keep], actual[keep], some, _caveats(view, some, int(keep.sum())))


def known_truth(view: View) -> tuple[Array, Mask]:
    """True class positions (or numbers) of the view's rows, and where they are known. Raises ToolError if nowhere."""
    if view.subject.target is None:
        raise ToolError("The true values are not known for this data, so predictions cannot be compared with them.")
    targets = view.targets
    if targets is None:
        raise ToolError(f"The true value of your own {view.schema.entity} is not known; ask about one of the data.")
    actual = actual_values(view.schema, targets)
    known = np.isfinite(actual) if view.subject.regression else actual >= 0
    if not known.any():
        raise ToolError(f"The true value is missing for every one of these {view.schema.entities}.")
    return actual, np.asarray(known, dtype=bool)


def actual_values(schema: Schema, targets: pd.Series) -> Array:
    """True class positions, -1 where missing; or true numbers, NaN where missing."""
    if not schema.classes:
        return np.asarray(targets, dtype=float)
    positions = {label.name: position for position, label in enumerate(schema.classes)}
    positions |= {str(label.value): position for position, label in enumerate(schema.classes)}
    return np.array([positions.get(str(value), -1) for value in targets], dtype=np.int64)


def none_held_out(view: View) -> Caveat:
    """That nothing is known to be held out from training."""
    text = (
        f"No {view.schema.entities} are marked as held out, so all are used; "
        "if the model was trained on them, this flatters it."
    )
    return Caveat(flag="no_held_out", text=text)


def _caveats(view: View, some: bool, rows: int) -> tuple[Caveat, ...]:
    found = []
    if not some and view.subject.held_out.any():
        text = f"The model was trained on all of these {view.schema.entities}, so this flatters it."
        found.append(Caveat(flag="training_rows", text=text))
    elif not some:
        found.append(none_held_out(view))
    if rows < SMALL_N:
        noun = view.schema.entity if rows == 1 else view.schema.entities
        found.append(Caveat(flag="small_n", text=f"This rests on only {rows} {noun}, so it is very uncertain."))
    return tuple(found)
