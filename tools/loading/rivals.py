"""Other models to compare with: each reads the subject's columns, or some of them, and has its task and classes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.errors import ModelFault, ToolError
from askwhy.tools.loading.adapt import Adapted, adapt, match_columns, native
from askwhy.tools.loading.identity import probe_rows, subject_id
from askwhy.tools.loading.infer import value_name
from askwhy.tools.loading.outcome import find_outcome
from askwhy.tools.loading.patience import patience
from askwhy.tools.loading.prepare import Restore
from askwhy.tools.predictor import Predictor, to_columns
from askwhy.tools.schema import Schema
from askwhy.tools.subject import Rival, Subject

Positions = np.ndarray[Any, Any]


def with_rivals(
    subject: Subject,
    models: Mapping[str, Any],
    labels: Sequence[Any],
    restore: Restore,
    target: pd.Series | None,
    probed: Positions,
) -> Subject:
    """The subject with other models beside its own. Raises ToolError naming the one that does not fit, and why.

    labels: the user's names of the predictor's columns. restore: their own dtypes. target: the true values as given.
    probed: rows to try the models on.
    """
    if not models:
        return subject
    names = _checked_names(models)
    with_names = replace(subject, schema=subject.schema.model_copy(update={"rivals": names}))
    digest, rivals = hashlib.sha256(subject.id.encode()), []
    for name, model in zip(names, models.values(), strict=True):
        try:
            adapted = adapt(model)
            with patience():
                rivals.append(Rival(name, _predictor(adapted, with_names, labels, restore, target, probed)))
                digest.update(_identity(name, adapted, rivals[-1].predictor, subject).encode())
        except ModelFault as error:
            raise ModelFault(f"The rival model “{name}”: {error}") from error
        except ToolError as error:
            raise ToolError(f"The rival model “{name}”: {error}") from error
    return replace(with_names, rivals=tuple(rivals), id=digest.hexdigest())


def _checked_names(models: Mapping[str, Any]) -> tuple[str, ...]:
    names = tuple(" ".join(str(name).split()) for name in models)
    if not all(names) or len({name.lower() for name in names}) < len(names):
        raise ToolError("Rival models need names that differ from one another.")
    return names


def _predictor(
    adapted: Adapted,
    subject: Subject,
    labels: Sequence[Any],
    restore: Restore,
    target: pd.Series | None,
    probed: Positions,
) -> Predictor:
    schema = subject.schema
    own = dict(zip(map(str, labels), subject.predictor.columns, strict=True))
    if strange := [name for name in adapted.names or () if name not in own]:
        raise ToolError(f"it reads {', '.join(strange[:5])}, which the model it is compared with does not.")
    chosen, _ = match_columns(adapted, labels)
    names = tuple(own[str(label)] for label in chosen)
    call = native(adapted, names, chosen, {name: how for name, how in restore.items() if name in names}, {})
    frame = subject.data.iloc[probed]
    rows: Any = [str(text) for text in frame.iloc[:, 0]]
    if schema.modality == "table":
        rows = to_columns(frame, schema)[list(names)]
    try:
        raw = call(rows)
    except (MemoryError, ToolError):
        raise
    except Exception as error:  # the user's code may raise anything
        raise ModelFault(f"it raised {type(error).__name__}: {str(error)[:300]}") from error
    outcome = find_outcome(adapted, raw, len(probed), target, schema.classes)
    if outcome.task != schema.task:
        raise ToolError(f"it is a {outcome.task} model, and the model it should be compared with a {schema.task} one.")
    call = replace(call, recode=tuple(outcome.recode.items()))
    order = None if outcome.hard else _order(adapted, schema)
    found = Predictor(call if order is None else Reordered(call, order), schema, names, hard=outcome.hard)
    found(frame)
    return found


@dataclass(frozen=True)
class Reordered:
    """A model's outputs with its columns in the order of the subject's classes."""

    call: Callable[[Any], Any]
    order: tuple[int, ...]

    def __call__(self, rows: Any) -> Any:
        """Outputs (n, classes)."""
        return np.asarray(self.call(rows))[:, list(self.order)]


def _order(adapted: Adapted, schema: Schema) -> tuple[int, ...] | None:
    """Where each of the subject's classes stands among the model's own; None where they stand alike."""
    if adapted.classes is None:
        return None
    own = [value_name(value) for value in adapted.classes]
    wanted = [value_name(label.value) for label in schema.classes]
    if own == wanted or sorted(own) != sorted(wanted):  # 0, 1, ... for the classes in their order is alike
        return None
    return tuple(own.index(name) for name in wanted)


def _identity(name: str, adapted: Adapted, predictor: Predictor, subject: Subject) -> str:
    outputs = predictor(subject.data.iloc[probe_rows(len(subject.data))])
    nothing = subject.data.iloc[:0]
    return subject_id(adapted.model, name, outputs, subject.schema, nothing, None, subject.held_out[:0])
