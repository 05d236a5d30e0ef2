"""What a tool is handed: the subject with the step's scope applied."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.alter import alter, new_case
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Caveat
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import ClassLabel, Schema
from askwhy.tools.scope import Scope
from askwhy.tools.select import predicted_index, select
from askwhy.tools.subject import Mask, Rival, Subject

OWN_CASE = "new"
"""The row id of a case or text that the user typed."""

_MEASURED_TEXTS = 200


@dataclass(frozen=True)
class View:
    """A subject as one step sees it.

    rows: the selected rows, or the one instance, with the scope's changes made.
    before: the same rows without the changes.
    chosen: mask of `rows` over the subject's data; all False where the instance is the user's own case.
    caveats: what the scope itself requires to be said (extrapolation, assumed values).
    drafts: other wordings of the text under discussion that a language model wrote; to be tried, never believed.
    """

    subject: Subject
    scope: Scope
    evaluate: Evaluator
    seed: int
    rows: pd.DataFrame
    before: pd.DataFrame
    chosen: Mask = field(repr=False)
    caveats: tuple[Caveat, ...] = ()
    drafts: tuple[str, ...] = ()

    @property
    def schema(self) -> Schema:
        """The subject's schema."""
        return self.subject.schema

    @property
    def rng(self) -> np.random.Generator:
        """A fresh generator: the same call draws the same numbers."""
        return np.random.default_rng(self.seed)

    @functools.cached_property
    def outputs(self) -> Outputs:
        """The model's outputs for `rows`."""
        return self._outputs(self.rows, changed=bool(self.scope.changes))

    @functools.cached_property
    def outputs_before(self) -> Outputs:
        """The model's outputs for `before`."""
        return self._outputs(self.before, changed=False)

    def _outputs(self, rows: pd.DataFrame, changed: bool) -> Outputs:
        # One instance is always asked alone, known or not: its last digit must not depend on what was asked before.
        if changed or self.scope.has_instance or not self.chosen.any():
            return self.evaluate.outputs(rows)
        return self.evaluate.all_outputs(self.subject)[self.chosen]

    @property
    def targets(self) -> pd.Series | None:
        """True values of `rows`, or None where they are not known."""
        if self.subject.target is None or not self.chosen.any():
            return None
        return self.subject.target[self.chosen]

    @property
    def held_out(self) -> Mask:
        """Which of `rows` the model was not trained on."""
        return self.subject.held_out[self.chosen]

    @property
    def instance(self) -> pd.DataFrame:
        """The one row under discussion; ToolError if the scope names none."""
        if not self.scope.has_instance:
            raise ToolError(f"Say which {self.schema.entity} you mean, by its id.")
        return self.rows

    @property
    def row_id(self) -> str:
        """The id of the instance; `new` for the user's own case or text."""
        return self.scope.row if self.scope.row is not None else OWN_CASE

    def predicted(self, position: int = 0) -> ClassLabel:
        """The predicted class of one of `rows`."""
        return self.schema.classes[int(predicted_index(self.outputs)[position])]

    def explained_class(self, name: str | None = None) -> ClassLabel | None:
        """The class to explain: the one named, else the instance's predicted one, else the schema's default.

        None for a regression, and for several classes where no instance decides.
        """
        if self.subject.regression:
            return None
        if name is not None:
            return self.schema.class_label(name)
        if self.scope.has_instance:
            return self.predicted()
        return self.schema.explained

    def seen_by(self, rival: Rival) -> View:
        """The same rows, asked of another model; what it spends counts with this view's."""
        subject = replace(
            self.subject,
            predictor=rival.predictor,
            model_name=rival.name,
            id=f"{self.subject.id}/{rival.name}",
            shap_values=None,
            known=None,
            rivals=(),
        )
        return replace(self, subject=subject, evaluate=self.evaluate.sharing(rival.predictor))

    def output_of(self, outputs: Outputs, label: ClassLabel | None) -> np.ndarray[Any, np.dtype[np.float64]]:
        """One column of outputs: the class's probability, or the predicted number."""
        return outputs[:, 0 if label is None else self.schema.classes.index(label)]


def make_view(subject: Subject, scope: Scope, evaluate: Evaluator, seed: int, drafts: tuple[str, ...] = ()) -> View:
    """Apply a scope to a subject. Raises ToolError for unknown names and impossible changes."""
    rows, chosen, caveats = _select_rows(subject, scope, evaluate)
    changed, more = alter(subject, rows, scope.changes)
    every = (*caveats, *more, *_cut_short(subject, changed))
    return View(subject, scope, evaluate, seed, changed, rows, chosen, every, drafts)


def _cut_short(subject: Subject, rows: pd.DataFrame) -> tuple[Caveat, ...]:
    """What must be said where the model does not read a text to its end."""
    if subject.schema.modality != "text" or len(rows) > _MEASURED_TEXTS:
        return ()
    said = [found for found in (subject.predictor.unread(str(cell)) for cell in rows.iloc[:, 0]) if found]
    if not said:
        return ()
    if len(rows) == 1:
        return (Caveat(flag="cut_short", text=said[0]),)
    text = f"{len(said):,} of these {len(rows):,} {subject.schema.entities} are longer than the model reads."
    return (Caveat(flag="cut_short", text=text),)


def _select_rows(subject: Subject, scope: Scope, evaluate: Evaluator) -> tuple[pd.DataFrame, Mask, tuple[Caveat, ...]]:
    nowhere = np.zeros(len(subject.data), dtype=bool)
    if scope.text is not None:
        if subject.schema.modality != "text":
            raise ToolError("This model reads a table, not a text; describe the case by its values.")
        column = subject.schema.names[0]
        return pd.DataFrame({column: pd.Series([scope.text], dtype="str", index=[OWN_CASE])}), nowhere, ()
    if scope.case:
        row, caveats = new_case(subject, scope.case)
        return row, nowhere, caveats
    if scope.row is not None:
        nowhere[subject.position(scope.row)] = True
        return subject.row(scope.row), nowhere, ()
    chosen = select(subject, scope.where, evaluate)
    return subject.data[chosen], chosen, ()
