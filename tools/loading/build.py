"""A subject from a fitted model and the user's data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.text_network import TextNetwork
from askwhy.tools.errors import ModelFault, ToolError
from askwhy.tools.loading.adapt import Adapted, Native, adapt, match_columns, native
from askwhy.tools.loading.decision_notes import settled_decision
from askwhy.tools.loading.humanize import humanize
from askwhy.tools.loading.identity import probe_rows, subject_id
from askwhy.tools.loading.infer import Groups, infer_features, looks_like_text, one_hot_groups
from askwhy.tools.loading.outcome import Outcome, find_outcome
from askwhy.tools.loading.patience import patience
from askwhy.tools.loading.prepare import (
    Restore,
    as_frame,
    check_shape,
    held_out_mask,
    internal_names,
    row_ids,
    settle,
    take_column,
)
from askwhy.tools.loading.rivals import with_rivals
from askwhy.tools.loading.schema_file import (
    SchemaFile,
    absent_categories,
    check_names,
    described_subject,
    described_target,
    read_schema_file,
)
from askwhy.tools.loading.text_models import as_network, settled_labels, text_column
from askwhy.tools.predictor import Outputs, Predictor, from_columns, to_columns
from askwhy.tools.schema import Feature, Schema, Target
from askwhy.tools.subject import Mask, Subject

BACKGROUND_ROWS = 100
_MOST_PROBED = 5


def build_subject(
    model: Any,
    data: Any,
    target: Any = None,
    *,
    schema: Schema | Path | str | None = None,
    test: Any = None,
    ids: Any = None,
    name: str = "",
    version: str = "",
    background: pd.DataFrame | None = None,
    shap_values: Any = None,
    rivals: Mapping[str, Any] | None = None,
    tokenizer: Any = None,
) -> Subject:
    """A subject from a fitted model and its data. Raises ToolError, saying what to do, where they do not fit.

    model: a fitted scikit-learn estimator or Pipeline, an xgboost or lightgbm model, or a function that takes the rows
        and returns probabilities (n, classes) in the sorted order of the classes (or the schema's own), the
        probability of the second of two classes (n,), class labels (n,), or numbers (n,). Of texts also a transformers
        pipeline, a `TextNetwork`, or a torch module with its `tokenizer` (or a function from a text to token ids).
    data: a DataFrame of the raw features, or a list of texts. target: the name of its column, or one value per row.
    schema: a schema file that improves on what is inferred, or a whole `Schema`.
    test, ids: the name of a column, or one entry per row: held-out rows as true or false; unique row ids.
    version: tells models apart that behave alike on the probe rows. background: reference rows instead of a sample.
    shap_values: (rows, features) or (rows, features, outputs), columns as the model takes them.
    rivals: other models by name, to compare with this one; each reads some or all of its columns.
    """
    file, given = _schema_source(schema)
    adapted = adapt(as_network(model, tokenizer))
    raw = _Raw.read(adapted, data, target, test, ids, file, given)
    adapted, raw = _named_classes(adapted, raw)
    rows = _Rows.of(adapted, raw, file, given)
    call = native(adapted, rows.names, rows.labels, rows.restore, {})
    draft = given or Schema(
        features=rows.features, target=Target(name="", label=""), task="regression", modality=rows.modality
    )
    probed = _probe_positions(rows.frame)
    said = given.classes if given is not None else file.classes
    with patience():
        probe = _probe(call, draft, rows, probed)
    outcome = find_outcome(adapted, probe, len(probed), raw.target, said)
    _check_task(given, outcome)
    settled = given or _schema(file, rows, outcome, raw.target_name, name)
    call = replace(call, recode=tuple(outcome.recode.items()))
    predictor = Predictor(call, settled, rows.names, hard=outcome.hard, behind=adapted.model)
    with patience():
        outputs, repeatable = _outputs_for_id(predictor, rows.frame, probed)
    identity = subject_id(adapted.model, version, outputs, settled, rows.frame, outcome.target, raw.held_out)
    subject = Subject(
        predictor=predictor,
        schema=settled,
        data=rows.frame,
        target=outcome.target,
        held_out=raw.held_out,
        background=_background(rows, raw.held_out, background),
        id=identity,
        model_name=adapted.title,
        notes=tuple(dict.fromkeys((*raw.notes, *rows.notes, *outcome.notes, *repeatable))),
        shap_values=_brought_along(shap_values, rows, settled),
    )
    return with_rivals(subject, rivals or {}, rows.labels, rows.restore, raw.target, probed)


def _named_classes(adapted: Adapted, raw: _Raw) -> tuple[Adapted, _Raw]:
    """A network and the target by the same class names."""
    if not isinstance(adapted.model, TextNetwork):
        return adapted, raw
    network, target = settled_labels(adapted.model, raw.target)
    return adapt(network), replace(raw, target=target)


def _schema_source(schema: Schema | Path | str | None) -> tuple[SchemaFile, Schema | None]:
    if isinstance(schema, Schema):
        return SchemaFile(), schema
    return (SchemaFile() if schema is None else read_schema_file(schema)), None


@dataclass(frozen=True, eq=False)
class _Raw:
    """The data as the user gave it, taken apart. `columns` are the features by the user's names, in model order."""

    frame: pd.DataFrame
    columns: list[Any]
    target: pd.Series | None
    target_name: str
    held_out: Mask
    notes: tuple[str, ...]
    was_text: bool

    @classmethod
    def read(
        cls, adapted: Adapted, data: Any, target: Any, test: Any, ids: Any, file: SchemaFile, given: Schema | None
    ) -> _Raw:
        frame = as_frame(data, adapted.names)
        check_shape(frame)
        taken = [one for one in (test, ids) if isinstance(one, str)]
        held_out = held_out_mask(
            take_column(frame, test, "held-out rows") if isinstance(test, str) else test, len(frame)
        )
        index, note = row_ids(frame, take_column(frame, ids, "row ids") if isinstance(ids, str) else ids)
        truth, target_name, column = _target(frame, target, file, given)
        others = [one for one in frame.columns if one not in taken and (one != column or column is None)]
        if column is not None and adapted.names is not None and str(column) in adapted.names:
            others.append(column)  # what the model takes, it must get; the note below says what that means
            note = f"{note} The model takes the target {column} as a feature.".strip()
        if given is not None and adapted.names is None:
            others = _schema_order(others, given)
        one_text = adapted.reads_text and len(others) > 1
        columns, unused = text_column(frame, others) if one_text else match_columns(adapted, others)
        if not columns:
            raise ToolError("The data has no columns beside the target.")
        return cls(
            frame=frame.set_axis(index, axis=0),
            columns=columns,
            target=None if truth is None else pd.Series(truth.array, index=index, name=target_name),
            target_name=target_name,
            held_out=held_out,
            notes=tuple(one for one in (note, *unused) if one),
            was_text=not isinstance(data, pd.DataFrame) and frame.shape[1] == 1,
        )


def _target(
    frame: pd.DataFrame, target: Any, file: SchemaFile, given: Schema | None
) -> tuple[pd.Series | None, str, Any]:
    """The true values, their name, and the column of the data they are in (None if they came apart)."""
    wanted = file.target.column or (given.target.name if given is not None else None)
    if target is None and wanted in frame.columns:
        target = wanted
    if target is None:
        return None, wanted or "prediction", None
    if isinstance(target, str):
        return take_column(frame, target, "target"), target, target
    if np.ndim(target) == 2 and np.shape(target)[1] == 1:
        target = np.asarray(target)[:, 0]
    if np.ndim(target) != 1 or len(target) != len(frame):
        raise ToolError(
            f"The target has shape {np.shape(target)}; one value for each of {len(frame)} rows is expected."
        )
    own_name = getattr(target, "name", None)
    return pd.Series(target), str(own_name or wanted or "target"), None


def _schema_order(columns: Sequence[Any], given: Schema) -> list[Any]:
    known = {str(column): column for column in columns}
    wanted = [name for feature in given.features for name in (feature.columns or (feature.name,))]
    check_names("column in the data", wanted, known)
    return [known[name] for name in wanted]


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows as the subject holds them. names, labels: the model's columns by the subject's and the user's names."""

    frame: pd.DataFrame
    features: tuple[Feature, ...]
    names: tuple[str, ...]
    labels: tuple[Any, ...]
    restore: Restore
    groups: Groups
    modality: Any
    notes: tuple[str, ...]

    @classmethod
    def of(cls, adapted: Adapted, raw: _Raw, file: SchemaFile, given: Schema | None) -> _Rows:
        names, renamed = internal_names(raw.columns)
        known = (*names, *map(str, raw.frame.columns), *(name for name, one in file.features.items() if one.columns))
        check_names("column in the data", file.features, known)
        frame = raw.frame[raw.columns].set_axis(list(names), axis=1)
        frame, restore, settled = settle(frame, file.features)
        if _is_text(adapted, raw, frame, file, given):
            return cls._texts(frame, names, raw, file, given, (*renamed, *settled))
        groups = _given_groups(given) if given is not None else one_hot_groups(frame, file.features)
        restore |= {column: str(frame[column].dtype) for pairs in groups.values() for column, _ in pairs}
        folded = from_columns(frame, groups) if groups else frame
        features = given.features if given is not None else infer_features(folded, file.features, groups)
        absent = [note for one in features for note in absent_categories(one, file.features.get(one.name))]
        notes = (*renamed, *settled, *absent)
        return cls(folded, features, names, tuple(raw.columns), restore, groups, "table", notes)

    @classmethod
    def _texts(
        cls,
        frame: pd.DataFrame,
        names: tuple[str, ...],
        raw: _Raw,
        file: SchemaFile,
        given: Schema | None,
        notes: tuple[str, ...],
    ) -> _Rows:
        missing = int(frame.iloc[:, 0].isna().sum())
        texts = frame.iloc[:, 0].astype("str").fillna("").to_frame()
        said = (f"{missing} texts are missing and are taken as empty.",) if missing else ()
        feature = infer_features(texts, file.features)[0]
        features = (
            given.features if given is not None else (feature.model_copy(update={"kind": "text", "categories": ()}),)
        )
        return cls(texts, features, names, tuple(raw.columns), {}, {}, "text", (*notes, *said))


def _is_text(adapted: Adapted, raw: _Raw, frame: pd.DataFrame, file: SchemaFile, given: Schema | None) -> bool:
    """Whether the model reads a list of texts rather than a table with one column."""
    if given is not None:
        return given.modality == "text"
    if adapted.names is not None or adapted.width is not None or frame.shape[1] != 1:
        return False
    cells = frame.iloc[:, 0].dropna()
    if not len(cells) or not cells.map(lambda cell: isinstance(cell, str)).all():
        if adapted.reads_text:
            raise ToolError(f"The model reads texts, and the column {frame.columns[0]} holds none.")
        return False
    notes = file.features.get(frame.columns[0])
    declared = notes is not None and notes.kind == "text"
    return bool(adapted.reads_text or raw.was_text or declared or looks_like_text(cells))


def _given_groups(given: Schema) -> Groups:
    return {
        feature.name: [
            (column, str(one.value)) for column, one in zip(feature.columns, feature.categories, strict=True)
        ]
        for feature in given.features
        if feature.columns
    }


def _probe_positions(frame: pd.DataFrame) -> np.ndarray[Any, np.dtype[np.int64]]:
    """A few rows to try the model on: the first ones, and rows that between them show the missing cells."""
    chosen: list[int] = [0]
    missing = frame.isna().to_numpy()
    unseen = missing.any(axis=0) & ~missing[0]
    while unseen.any() and len(chosen) < _MOST_PROBED:
        row = int((missing & unseen).sum(axis=1).argmax())
        chosen.append(row)
        unseen &= ~missing[row]
    filler = (row for row in range(len(frame)) if row not in chosen)
    chosen.extend(row for row, _ in zip(filler, range(2 - min(2, len(chosen))), strict=False))
    return np.array(sorted(chosen), dtype=np.int64)


def _probe(call: Native, schema: Schema, rows: _Rows, positions: np.ndarray[Any, Any]) -> Any:
    """The model's raw outputs for a few rows. ModelFault with the reason if it fails."""
    frame = rows.frame.iloc[positions]
    try:
        return call(_natively(frame, schema, rows))
    except (MemoryError, ToolError):
        raise
    except Exception as error:  # the user's code may raise anything
        reason = f"{type(error).__name__}: {str(error)[:300]}"
        complete = frame[frame.notna().all(axis=1).to_numpy()]
        gaps = frame.columns[frame.isna().any().to_numpy()]
        if len(gaps) and (not len(complete) or _works(call, _natively(complete, schema, rows))):
            names = ", ".join(map(str, gaps[:5]))
            reason = f"{reason} These rows have missing cells in {names}; perhaps the model cannot take them."
        raise ModelFault(f"The model raised {reason}") from error


def _works(call: Native, rows: Any) -> bool:
    try:
        call(rows)
    except Exception:  # as above
        return False
    return True


def _natively(frame: pd.DataFrame, schema: Schema, rows: _Rows) -> Any:
    if rows.modality == "text":
        return [str(text) for text in frame.iloc[:, 0]]
    return to_columns(frame, schema)[list(rows.names)]


def _outputs_for_id(
    predictor: Predictor, frame: pd.DataFrame, probed: np.ndarray[Any, Any]
) -> tuple[Outputs, tuple[str, ...]]:
    """Checked outputs on the probe rows, and a note if a second call gives other ones."""
    first = predictor(frame.iloc[probed])
    positions = np.union1d(probe_rows(len(frame)), probed)
    outputs = predictor(frame.iloc[positions])
    again = outputs[np.searchsorted(positions, probed)]
    scale = max(1.0, float(np.abs(first).max()))
    if float(np.abs(again - first).max()) > 1e-5 * scale:
        return outputs, ("The model is not repeatable: the same rows gave other outputs when asked again.",)
    return outputs, ()


def _check_task(given: Schema | None, outcome: Outcome) -> None:
    if given is not None and given.task != outcome.task:
        raise ToolError(f"The schema says {given.task}, but the model and the target are {outcome.task}.")


def _schema(file: SchemaFile, rows: _Rows, outcome: Outcome, target_name: str, name: str) -> Schema:
    if outcome.task == "regression" and file.classes:
        raise ToolError("The schema file names classes, but the model predicts a number.")
    label = file.target.label or humanize(target_name)
    schema = Schema(
        features=rows.features,
        target=described_target(Target(name=target_name, label=label), file.target),
        task=outcome.task,
        classes=outcome.classes,
        modality=rows.modality,
        entity="text" if rows.modality == "text" else "row",
        entities="texts" if rows.modality == "text" else "rows",
    )
    schema = described_subject(schema, file.subject)
    schema = schema.model_copy(update={"decision": settled_decision(file.decision, schema)})
    return schema.model_copy(update={"name": name}) if name else schema


def _background(rows: _Rows, held_out: Mask, given: pd.DataFrame | None) -> pd.DataFrame:
    """The reference rows: the user's, else a seeded sample of the rows that were not held out."""
    if given is None:
        training = np.flatnonzero(~held_out) if (~held_out).any() else np.arange(len(rows.frame))
        size = min(BACKGROUND_ROWS, len(training))
        return rows.frame.iloc[np.sort(np.random.default_rng(0).choice(training, size, replace=False))]
    check_shape(given)
    check_names("column of the background", map(str, rows.labels), map(str, given.columns))
    frame = given[list(rows.labels)].set_axis(list(rows.names), axis=1)
    frame, _, _ = settle(frame, {})
    return from_columns(frame, rows.groups) if rows.groups else frame


def _brought_along(values: Any, rows: _Rows, schema: Schema) -> Any:
    """Shapley values as (rows, features, outputs); those of one-hot columns are added up to their feature's."""
    if values is None:
        return None
    array = np.asarray(getattr(values, "values", values), dtype=np.float64)
    outputs = max(1, len(schema.classes))
    if array.ndim == 2 and outputs <= 2:  # of the number, or of the second class: those of the first are the opposite
        array = array[:, :, None] if outputs == 1 else np.stack([-array, array], axis=2)
    expected = (len(rows.frame), len(rows.names), outputs)
    if array.shape != expected:
        raise ToolError(f"The Shapley values have shape {array.shape}; expected {expected} (rows, columns, outputs).")
    position = {column: at for at, column in enumerate(rows.names)}
    parts = [
        array[:, [position[column] for column in feature.columns or (feature.name,)]].sum(axis=1)
        for feature in schema.features
    ]
    return np.stack(parts, axis=1)
