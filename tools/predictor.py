"""The model as one function: a frame of raw features in, an array of outputs out, checked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from askwhy.tools.errors import ModelFault, ToolError
from askwhy.tools.schema import Schema

if TYPE_CHECKING:
    from askwhy.tools.engines.text_network import TextNetwork

Outputs = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True)
class Predictor:
    """Calls the user's model and returns (n, classes) probabilities, or (n, 1) for a regression.

    `call` takes what the model was trained on (a DataFrame with the original columns, or a list of texts).
    `hard` marks a classifier without probabilities: its outputs are 0 and 1.
    `behind` is the model itself.
    """

    call: Callable[[Any], Any]
    schema: Schema
    columns: tuple[str, ...]
    hard: bool = False
    behind: Any = None

    @property
    def network(self) -> TextNetwork | None:
        """The torch network behind it with its tokenizer, for what needs activations or gradients; else None."""
        from askwhy.tools.engines.text_network import TextNetwork

        return self.behind if isinstance(self.behind, TextNetwork) else None

    @property
    def most_rows(self) -> int | None:
        """How many rows one tool call may ask a model that is dear; None where there is no such limit."""
        most: int | None = getattr(self.behind, "most_rows", None)
        return most

    def unread(self, text: str) -> str | None:
        """A sentence on what of a text the model does not read, as it is too long; None if it reads all of it."""
        ask: Callable[[str], str | None] | None = getattr(self.behind, "unread", None)
        return None if ask is None else ask(text)

    def __call__(self, frame: pd.DataFrame) -> Outputs:
        """Outputs of every row of `frame` (columns in schema order); ModelFault if they are unusable."""
        if not len(frame):
            return np.empty((0, max(1, len(self.schema.classes))))
        try:
            raw = self.call(self.native(frame))
        except (MemoryError, ToolError):
            raise
        except Exception as error:  # the user's code may raise anything
            raise ModelFault(f"The model raised {type(error).__name__}: {str(error)[:300]}") from error
        return self._checked(raw, len(frame))

    def native(self, frame: pd.DataFrame) -> Any:
        """Rows of the subject as `call` takes them."""
        if self.schema.modality == "text":
            return [str(text) for text in frame.iloc[:, 0]]
        return to_columns(frame, self.schema)[list(self.columns)]

    def _checked(self, raw: Any, rows: int) -> Outputs:
        if self.hard:
            return self._one_hot(raw, rows)
        try:
            outputs = np.asarray(raw, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ModelFault(f"The model returned {type(raw).__name__}, which is not an array of numbers.") from error
        width = max(1, len(self.schema.classes))
        if outputs.ndim == 1 and width == 2:  # a single column is the probability of the second class
            outputs = np.column_stack([1.0 - outputs, outputs])
        outputs = outputs.reshape(rows, -1) if outputs.size and outputs.size % rows == 0 else outputs
        if outputs.shape != (rows, width):
            raise ModelFault(f"The model returned shape {np.shape(raw)} for {rows} rows; expected {(rows, width)}.")
        if not np.isfinite(outputs).all():
            bad = int((~np.isfinite(outputs).all(axis=1)).sum())
            raise ModelFault(f"The model returned NaN or infinity for {bad} of {rows} rows.")
        if self.schema.classes and (outputs.min() < -1e-6 or abs(outputs.sum(axis=1) - 1).max() > 1e-3):
            raise ModelFault("The model's outputs are not probabilities: they should be >= 0 and sum to 1 in each row.")
        return outputs

    def _one_hot(self, raw: Any, rows: int) -> Outputs:
        labels = np.asarray(raw).reshape(-1)
        if len(labels) != rows:
            raise ModelFault(f"The model returned {len(labels)} predictions for {rows} rows.")
        values = [str(label.value) for label in self.schema.classes]
        outputs = np.zeros((rows, len(values)))
        for i, label in enumerate(labels):
            if str(label) not in values:
                raise ModelFault(
                    f"The model predicted {label!r}, which is not one of its classes ({', '.join(values)})."
                )
            outputs[i, values.index(str(label))] = 1.0
        return outputs


def to_columns(frame: pd.DataFrame, schema: Schema) -> pd.DataFrame:
    """The user's columns again: features that stand for one-hot columns are spread out to 0/1."""
    parts: dict[str, Any] = {}
    for feature in schema.features:
        cells = frame[feature.name]
        if not feature.columns:
            parts[feature.name] = cells
            continue
        for column, category in zip(feature.columns, feature.categories, strict=True):
            parts[column] = (cells == category.value).astype(int)
    return pd.DataFrame(parts, index=frame.index)


def from_columns(frame: pd.DataFrame, groups: dict[str, Sequence[tuple[str, str]]]) -> pd.DataFrame:
    """Fold one-hot columns into one column per group; `groups[name]` lists (column, category) pairs."""
    member = {column: name for name, pairs in groups.items() for column, _ in pairs}
    parts: dict[str, Any] = {}
    for column in frame.columns:
        name = member.get(column)
        if name is None:
            parts[column] = frame[column]
        elif name not in parts:
            block = frame[[column for column, _ in groups[name]]].to_numpy(dtype=float)
            labels = np.array([category for _, category in groups[name]], dtype=object)
            parts[name] = pd.Series(labels[block.argmax(axis=1)], index=frame.index, dtype="str")
    return pd.DataFrame(parts, index=frame.index)
