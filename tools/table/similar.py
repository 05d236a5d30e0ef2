"""Which cases a case is most like, and in what they differ."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from askwhy.tools.engines.distance import NEIGHBOURS
from askwhy.tools.engines.listing import shown, unit_of
from askwhy.tools.engines.metrics import wilson
from askwhy.tools.engines.neighbours import (
    REFERENCE_ROWS,
    UNUSUAL,
    Company,
    company,
    leave_one_out,
    own_position,
    training,
    training_caveats,
)
from askwhy.tools.engines.prediction import prediction_facts
from askwhy.tools.engines.truth import Array, actual_values
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table
from askwhy.tools.registry import ask, tool
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Mask, plain
from askwhy.tools.view import View

Outcome = Literal["any", "same", "other"]

_NAMED = 5
"""Differing features are all named up to this many; of more, the first so many."""


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "table",
    asks=(
        "which {entities} is {row} most like?",
        "which training cases is {row} most similar to?",
        "show cases similar to {row}",
        "find {k} similar {entities} to {row}",
        "what are the nearest neighbours of {row}?",
        "has the model seen a case like {row} before?",
        ask("which similar {entities} got the other outcome?", outcome="other"),
        ask("show the {entities} most like {row} with the other outcome", outcome="other"),
        ask("which case is just like {row} but was predicted differently?", outcome="other"),
        ask("what is the nearest unlike neighbour of {row}?", outcome="other"),
        ask("which similar {entities} got the same prediction as {row}?", outcome="same"),
        ask("show {k} cases like {row} with the same outcome", outcome="same"),
    ),
    says=(
        "The model predicts {prediction} for {row}, with a probability of {probability}.",
        "The model predicts {estimate} for {row}.",
        "The most similar training {entities} are [similar*: {row} (predicted {cls}, {value} apart)].",
        "The most similar training {entities} that are also predicted {same_class.cls} are "
        "[same_outcome*: {row} ({value} apart)].",
        "The most similar training {entities} that are not predicted {other_class.cls} are "
        "[other_outcome*: {row} (predicted {cls}, {value} apart)].",
        "The most similar training {entities} are [similar_number*: {row} ({value} apart)].",
        "The most similar training {entities} with a prediction within {same_within} of it are "
        "[same_number*: {row} ({value} apart)].",
        "The most similar training {entities} with a prediction more than {other_beyond} away are "
        "[other_number*: {row} ({value} apart)].",
        "The model predicts [neighbour_estimate*: {value} for {row}].",
        "The distance is the mean difference over all {feature_count} features, each as a share of its range; "
        "another category counts as {whole}.",
        "{nearest.row} differs from it in {differing} {differing:one feature/features}: "
        "[other_cell*: {feature} ({value} instead of {at})].",
        "{nearest.row} differs from it in {many_differing} features, above all in "
        "[main_cell 5: {feature} ({value} instead of {at})].",
        "{identical.row} has the same value in every feature.",
        "Of the {listed} listed, {with_same} {with_same:one has/have} the same prediction and {with_other} another.",
        "In truth, [truth*: {value} of them {value:one is/are} {cls}].",
        "No training {entity} has {none_such}.",
    ),
)
def similar(
    view: View,
    outcome: Outcome = "any",
    k: Annotated[int, Field(ge=1, le=20)] = 3,
) -> Evidence:
    """Which training rows are most like one row, and in what they differ. `outcome`: only those with the same or with
    another prediction; `k`: how many to list."""
    gap = outcome_gap(view)
    found = _neighbours(view, outcome, k, gap)
    facts = [*prediction_facts(view), *_listed(view, found, outcome, gap), *_compared(view, found, gap)]
    quality, caveats = _judged(view, found)
    return Evidence(
        facts=tuple(facts),
        method="nearest training rows by Gower's distance (Gower 1971) over all features",
        estimand="similarity of the rows, whatever the model makes of it",
        quality=quality,
        caveats=(*caveats, *training_caveats(view)),
        table=_table(view, found),
    )


@dataclass(frozen=True)
class _Found:
    """The neighbours: positions in the data, distances, per-feature differences; `inside`: all that were compared."""

    positions: Array
    far: Array
    differences: Array
    inside: Company


def outcome_gap(view: View) -> float:
    """Predicted numbers further apart than this count as different: their standard deviation over the data."""
    return float(view.evaluate.all_outputs(view.subject)[:, 0].std()) if view.subject.regression else 0.0


def same_outcome(view: View, gap: float) -> Mask:
    """Which rows of the data have the instance's outcome."""
    outputs = view.evaluate.all_outputs(view.subject)
    if view.subject.regression:
        return np.asarray(np.abs(outputs[:, 0] - view.outputs[0, 0]) <= gap, dtype=bool)
    return np.asarray(predicted_index(outputs) == predicted_index(view.outputs)[0], dtype=bool)


def _neighbours(view: View, outcome: Outcome, k: int, gap: float) -> _Found:
    inside = company(view, training(view.subject)).without(own_position(view))
    if not len(inside):
        raise ToolError(f"There is no other {view.schema.entity} to compare with.")
    same = same_outcome(view, gap)[inside.positions]
    wanted = np.flatnonzero({"any": np.ones(len(same), dtype=bool), "same": same, "other": ~same}[outcome])
    some = Company(inside.space, inside.positions[wanted], inside.cells[wanted])
    own = inside.space.encode(view.rows)[0]
    places, far = some.nearest(own, k)
    return _Found(some.positions[places], far, inside.space.differences(own, some.cells[places]), inside)


def _listed(view: View, found: _Found, outcome: Outcome, gap: float) -> Iterator[Fact]:
    """The neighbours, nearest first, in the role that the question gives them."""
    regression, ids = view.subject.regression, view.subject.row_ids
    outputs = view.evaluate.all_outputs(view.subject)
    if not len(found.positions):
        yield Fact(relation="none_such", value="the same prediction" if outcome == "same" else "another prediction")
        return
    if outcome != "any" and regression:
        yield Fact(relation="same_within" if outcome == "same" else "other_beyond", value=gap, unit="output")
    if outcome != "any" and not regression:
        name = view.predicted().name
        yield Fact(relation=f"{outcome}_class", value=name, unit="class", cls=name, row=view.row_id)
    plain_role = "similar_number" if regression else "similar"
    role = {"any": plain_role, "same": "same_outcome", "other": "other_outcome"}[outcome]
    role = role.replace("outcome", "number") if regression else role
    predicted = None if regression else predicted_index(outputs)
    for rank, (position, far) in enumerate(zip(found.positions, found.far, strict=True), 1):
        cls = None if predicted is None else view.schema.classes[int(predicted[position])].name
        yield Fact(relation=role, value=float(far), unit="share", row=ids[position], cls=cls, rank=rank)
        if cls is not None:
            yield Fact(relation="neighbour_prediction", value=cls, unit="class", cls=cls, row=ids[position])
    if regression:
        for position in found.positions:
            value = float(outputs[position, 0])
            yield Fact(relation="neighbour_estimate", value=value, unit="output", row=ids[position])
    yield Fact(relation="feature_count", value=len(view.schema.features), unit="count")
    yield Fact(relation="whole", value=1.0, unit="share")


def _compared(view: View, found: _Found, gap: float) -> Iterator[Fact]:
    """In what the nearest one differs, and how the listed ones divide by prediction and by truth."""
    if not len(found.positions):
        return
    first = int(found.positions[0])
    row = view.subject.row_ids[first]
    differing = np.flatnonzero(found.differences[0] > 0)
    if not len(differing):
        yield Fact(relation="identical", value=row, unit="id", row=row)
    else:
        yield Fact(relation="nearest", value=row, unit="id", row=row)
        named = "differing" if len(differing) <= _NAMED else "many_differing"
        yield Fact(relation=named, value=len(differing), unit="count", row=row)
        yield from _differences(view, first, differing[np.argsort(-found.differences[0][differing], kind="stable")])
    same = int(same_outcome(view, gap)[found.positions].sum())
    if len(found.positions) > 1 and not view.subject.regression:
        yield Fact(relation="listed", value=len(found.positions), unit="count")
        yield Fact(relation="with_same", value=same, unit="count")
        yield Fact(relation="with_other", value=len(found.positions) - same, unit="count")
        yield from truth_facts(view, found.positions)


def _differences(view: View, position: int, features: Array) -> Iterator[Fact]:
    for rank, j in enumerate(features, 1):
        feature = view.schema.features[int(j)]
        yield Fact(
            relation="other_cell" if len(features) <= _NAMED else "main_cell",
            value=plain(view.subject.data[feature.name].iloc[position]),
            unit=unit_of(feature),
            feature=feature.name,
            at=plain(view.rows[feature.name].iloc[0]),
            row=view.subject.row_ids[position],
            rank=rank,
        )


def truth_facts(view: View, positions: Array) -> Iterator[Fact]:
    """How many rows at these positions are truly of each class; nothing for a regression."""
    if view.subject.target is None or view.subject.regression:
        return
    actual = actual_values(view.schema, view.subject.target.iloc[positions])
    for one, label in enumerate(view.schema.classes):
        if count := int((actual == one).sum()):
            yield Fact(relation="truth", value=count, unit="count", cls=label.name)


def _judged(view: View, found: _Found) -> tuple[tuple[Quality, ...], tuple[Caveat, ...]]:
    """Whether such likeness tells of the prediction at all, and whether the nearest rows are near."""
    inside = found.inside
    if len(inside) > REFERENCE_ROWS:
        some = np.sort(view.rng.choice(len(inside), REFERENCE_ROWS, replace=False))
        inside = Company(inside.space, inside.positions[some], inside.cells[some])
    if len(inside) < NEIGHBOURS + 2:
        text = f"There are only {len(inside)} {view.schema.entities} to compare with, so even the nearest may be far."
        return (), (Caveat(flag="small_n", text=text),)
    far = leave_one_out(inside)
    quality = _alike(view, inside, far)
    caveats = []
    if not quality.passed:
        text = "On this data, similar rows could not be shown to get similar predictions."
        caveats.append(Caveat(flag="weak_measure", text=text))
    limit = float(np.quantile(far.min(axis=1), UNUSUAL))
    if len(found.far) and found.far[0] > limit:
        text = f"Even the nearest of these is further away than is usual between training {view.schema.entities}."
        caveats.append(Caveat(flag="unlike", text=text))
    return (quality,), tuple(caveats)


def _alike(view: View, inside: Company, far: Array) -> Quality:
    """How often a row is predicted like the row most similar to it, against pairs drawn at random."""
    outputs = view.evaluate.all_outputs(view.subject)[inside.positions]
    first = far.argmin(axis=1)
    if view.subject.regression:
        off = np.abs(outputs[:, 0] - outputs[first, 0])
        chance = float(np.abs(outputs[:, :1] - outputs[:, 0][None]).mean())
        value = 1 - float(off.mean()) / chance if chance else 0.0
        error = float(off.std() / np.sqrt(len(off))) / chance if chance else 0.0
        note = "share by which the nearest row's prediction is closer than a random row's"
        return Quality(check="likeness", value=value, passed=value - 2 * error > 0, note=note)
    predicted = predicted_index(outputs)
    same = int((predicted == predicted[first]).sum())
    shares = np.bincount(predicted) / len(predicted)
    chance = float((shares**2).sum())
    low, _ = wilson(same, len(predicted))
    note = f"share of rows predicted like their nearest row; {chance:.2f} for random pairs"
    return Quality(check="likeness", value=same / len(predicted), passed=low > chance, note=note)


def _table(view: View, found: _Found) -> Table | None:
    """The instance and its neighbours, features on which they differ first."""
    if not len(found.positions):
        return None
    order = np.argsort(-(found.differences > 0).sum(axis=0), kind="stable")
    features = [view.schema.features[int(j)] for j in order]
    outputs = view.evaluate.all_outputs(view.subject)
    classes, regression = view.schema.classes, view.subject.regression

    def predicted(output: Array) -> str | float:
        return float(output[0]) if regression else classes[int(output.argmax())].label

    rows = [
        (view.row_id, 0.0, predicted(view.outputs[0]), *(shown(one, view.rows[one.name].iloc[0]) for one in features))
    ]
    for position, far in zip(found.positions, found.far, strict=True):
        cells = (shown(one, view.subject.data[one.name].iloc[position]) for one in features)
        rows.append((view.subject.row_ids[position], float(far), predicted(outputs[position]), *cells))
    names = (view.schema.entity, "distance", "prediction", *(one.label for one in features))
    return Table(columns=names, rows=tuple(rows), note="the first line is the one asked about")
