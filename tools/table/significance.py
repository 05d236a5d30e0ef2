"""Which features matter significantly, with the share of false discoveries kept below a rate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from askwhy.tools.attribution import column_of, quantity, sample, unit_of
from askwhy.tools.engines.conditional import NEIGHBOURS, Lenders, Sampler, positions_of
from askwhy.tools.engines.discoveries import adjusted
from askwhy.tools.engines.randomization import (
    DRAWS,
    SMALLEST,
    draws_for,
    larger_p_values,
    loss_p_values,
    typical_p_value,
)
from askwhy.tools.engines.truth import Array, scored
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Index
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Quality, Series, Table, Unit
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import shared_credit
from askwhy.tools.registry import ClassName, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.subject import plain
from askwhy.tools.view import View

MARGIN = 0.01
"""Where no truth is known, a feature matters if it moves the output by more than this on average: one percentage point,
or one per cent of the outputs' standard deviation."""

Rate = Annotated[float, Field(gt=0, lt=1)]
Measure = Literal["loss", "change", "local"]

_EVALUATIONS = 100_000
_FEWEST_ROWS = 10
_LISTED = 8
_Z = 1.96


@dataclass(frozen=True)
class _Tested:
    """Tests of every feature, in schema order: p-values, effects with standard errors, and what they rest on."""

    measure: Measure
    p: Array
    effect: Array
    error: Array
    rows: int
    smallest: float
    held_out: bool = False
    margin: float = 0.0
    label: ClassLabel | None = None
    caveats: tuple[Caveat, ...] = ()


@tool(
    fits=lambda schema: schema.modality == "table",
    asks=(
        "which features matter significantly?",
        "which features are significant?",
        "which features are statistically significant for {entities} with {subset}?",
        "is the effect of any feature more than chance?",
        "which features really matter, and which are noise?",
        "which features matter beyond chance?",
        "which features matter significantly for {row}?",
        "which values of {row} are significant for its prediction?",
        "important features at a controlled false discovery rate",
        "test the importance of the features with false discovery control",
        ask("which features matter significantly if features are redrawn independently?", sampler="marginal"),
    ),
    says=(
        "At a false discovery rate of at most {rate}, {passing} of the {feature_count} features "
        "{passing:one matters/matter} significantly: [significant*: {feature} (adjusted p {value})].",
        "At a false discovery rate of at most {rate}, {passing_among} of the {feature_count} features "
        "{passing_among:one matters/matter} significantly for {entities}{scope}: [significant*: {feature} (adjusted p "
        "{value})].",
        "At a false discovery rate of at most {rate}, {passing_here} of the {feature_count} features "
        "{passing_here:one matters/matter} significantly for {row}: [local_significant*: {feature} {at} (adjusted p "
        "{value})].",
        "At a false discovery rate of at most {rate}, none of the {none_passing} features matters significantly.",
        "At a false discovery rate of at most {rate}, none of the {none_passing_among} features matters significantly "
        "for {entities}{scope}.",
        "At a false discovery rate of at most {rate}, none of the {none_passing_here} features matters significantly "
        "for {row}.",
        "It is not shown for [unproven*: {feature} ({value})], which does not prove that the model ignores "
        "{unproven_count:one it/them}.",
        "It is not shown for the other {others} features, among them [unproven_some 5: {feature} ({value})], which "
        "does not prove that the model ignores them.",
        "The test asks whether the model's predictions for {tested_held_out:entities} held out from training get worse "
        "when a feature is redrawn given the other features.",
        "The test asks whether the model's predictions for {tested_rows:entities} get worse when a feature is redrawn "
        "given the other features.",
        "The test asks whether the model's predictions for {tested_marginal:entities} get worse when a feature is "
        "redrawn from any {entity}.",
        "The test asks whether the output for {changed_rows:entities} moves by more than {margin} on average when a "
        "feature is redrawn.",
        "The test asks whether the output would be out of the ordinary among {typical_draws} draws of a feature; "
        "it says how special a value is, not whether the model reads the feature at all.",
        "Compared with the average of the draws, {largest.feature} {largest.at} {largest:word raises/lowers} the "
        "probability of {largest.cls} most, by {largest:size}.",
        "Compared with the average of the draws, {largest_output.feature} {largest_output.at} "
        "{largest_output:word raises/lowers} the output most, by {largest_output:size}.",
    ),
)
def significance(view: View, q: Rate = 0.1, sampler: Sampler = "conditional", cls: ClassName | None = None) -> Evidence:
    """Which features matter significantly, and which may be noise: tests with a controlled false discovery rate.

    For rows or for one instance. `q`: that rate. `sampler`: redraw a feature given the others, or independently of
    them. `cls`: for predicting this class.
    """
    tested = _local(view, q, sampler, cls) if view.scope.has_instance else _over_rows(view, q, sampler, cls)
    corrected = adjusted(tested.p)
    order = [int(one) for one in np.lexsort((-np.abs(tested.effect), corrected))]
    names = [view.schema.names[one] for one in order if corrected[one] <= q]
    needed = q / len(corrected)
    return Evidence(
        facts=tuple(_facts(view, tested, corrected, order, q, sampler)),
        method=_method(tested, sampler),
        estimand=_estimand(view, tested, sampler),
        quality=(
            Quality(
                check="C10",
                value=tested.smallest,
                passed=tested.smallest <= needed,
                note=f"smallest p-value the draws can give; {needed:.3g} or less is needed for a single discovery",
            ),
        ),
        caveats=(*tested.caveats, *_coarse(view, tested, needed), *_shared(view, names, sampler)),
        figure=_figure(view, tested, order),
        table=_table(view, tested, corrected, order, q),
    )


def _over_rows(view: View, q: float, sampler: Sampler, cls: str | None) -> _Tested:
    """Over rows: by the loss where the truth is known, else by how far the output moves."""
    if view.subject.target is None or view.targets is None or view.scope.changes:
        return _change(view, sampler, cls)
    found = scored(view)
    rows, actual = found.rows, found.actual
    _enough(view, rows)
    most = _most_rows(view)
    if len(rows) > most:
        places = np.sort(view.rng.choice(len(rows), most, replace=False))
        rows, actual = rows.iloc[places], actual[places]
    label = view.schema.class_label(cls) if cls is not None and not view.subject.regression else None
    draws = max(DRAWS, draws_for(len(view.schema.features), q))
    own = _loss(view, view.evaluate.outputs(rows), actual, label)
    moved = _loss(view, _redrawn(view, rows, sampler, NEIGHBOURS), actual[:, None, None], label)
    increase = moved - own[:, None, None]
    per_row = increase.mean(axis=2)
    return _Tested(
        measure="loss",
        p=loss_p_values(increase, draws, view.rng),
        effect=per_row.mean(axis=0),
        error=per_row.std(axis=0, ddof=1) / np.sqrt(len(rows)),
        rows=len(rows),
        smallest=1 / (draws + 1),
        held_out=found.marked,
        label=label,
        caveats=(*found.caveats, *(() if found.marked else (_not_held_out(),))),
    )


def _change(view: View, sampler: Sampler, cls: str | None) -> _Tested:
    """Without a truth: whether the output moves by more than a margin, by a t-test over rows."""
    _enough(view, view.rows)
    rows = sample(view.rows, _most_rows(view), view.rng)
    label, outputs = view.explained_class(cls), view.evaluate.outputs(rows)
    apart = np.abs(_redrawn(view, rows, sampler, NEIGHBOURS) - outputs[:, None, None, :])
    single = label is not None or view.subject.regression
    sizes = (apart[..., column_of(view, label)] if single else apart.sum(axis=-1) / 2).mean(axis=2)
    margin = MARGIN * float(view.evaluate.all_outputs(view.subject)[:, 0].std()) if view.subject.regression else MARGIN
    text = (
        f"The true values are not known here, so the test asks how far the output moves, not whether predictions of "
        f"{view.schema.target.label} get worse."
    )
    return _Tested(
        measure="change",
        p=larger_p_values(sizes, margin),
        effect=sizes.mean(axis=0),
        error=sizes.std(axis=0, ddof=1) / np.sqrt(len(rows)),
        rows=len(rows),
        smallest=SMALLEST,
        margin=margin,
        label=label,
        caveats=(Caveat(flag="no_truth", text=text),),
    )


def _local(view: View, q: float, sampler: Sampler, cls: str | None) -> _Tested:
    """For one instance: whether its output is a typical draw when a feature is redrawn."""
    draws = draws_for(len(view.schema.features), q)
    label = view.explained_class(cls)
    own = float(view.output_of(view.outputs, label)[0])
    redrawn = _redrawn(view, view.rows, sampler, draws)[0, :, :, column_of(view, label)]
    return _Tested(
        measure="local",
        p=np.array([typical_p_value(own, one) for one in redrawn]),
        effect=own - redrawn.mean(axis=1),
        error=redrawn.std(axis=1, ddof=1) / np.sqrt(redrawn.shape[1]),
        rows=redrawn.shape[1],
        smallest=1 / (redrawn.shape[1] + 1),
        label=label,
    )


def _redrawn(view: View, rows: pd.DataFrame, sampler: Sampler, count: int) -> Outputs:
    """Outputs (n, features, k, width) with one feature at a time redrawn; different donors for every draw."""
    lenders, own, features = Lenders.of(view), positions_of(view, rows), range(len(view.schema.features))
    if len(lenders.frame) <= _FEWEST_ROWS:
        raise ToolError(f"With only {len(lenders.frame)} {view.schema.entities}, there is nothing to redraw from.")
    donors = lenders.donors
    places: list[Index] = (
        [donors.anyone(own, count, view.rng)] * len(features)
        if sampler == "marginal"
        else list(donors.nearest(donors.space.encode(rows), own, [[one] for one in features], count))
    )
    parts = [lenders.outputs(view.evaluate, rows, places[one], [one]) for one in features]
    return np.stack(parts, axis=1)


def _loss(view: View, outputs: Outputs, actual: Array, label: ClassLabel | None) -> Array:
    """Loss of each prediction: squared error, log loss, or 0/1 where the model gives classes only."""
    if view.subject.regression:
        return np.asarray((outputs[..., 0] - actual) ** 2)
    if label is None:
        places = np.broadcast_to(actual, outputs.shape[:-1])[..., None]
        chance = np.take_along_axis(outputs, places, axis=-1)[..., 0]
    else:
        one = view.schema.classes.index(label)
        chance = np.where(actual == one, outputs[..., one], 1 - outputs[..., one])
    if view.subject.predictor.hard:
        return np.asarray(1 - chance)
    return np.asarray(-np.log(np.clip(chance, np.finfo(float).eps, 1.0)))


def _enough(view: View, rows: pd.DataFrame) -> None:
    if len(rows) < _FEWEST_ROWS:
        raise ToolError(
            f"A test needs at least {_FEWEST_ROWS} {view.schema.entities}, and there are {len(rows)}; "
            f"ask about more of them or about one."
        )


def _most_rows(view: View) -> int:
    return max(100, _EVALUATIONS // (NEIGHBOURS * len(view.schema.features)))


def _not_held_out() -> Caveat:
    text = (
        "On rows that the model was trained on, features it has merely memorised look significant too, so the false "
        "discovery rate is not kept."
    )
    return Caveat(flag="rate_not_kept", text=text)


def _coarse(view: View, tested: _Tested, needed: float) -> Iterator[Caveat]:
    if tested.smallest > needed:
        text = f"There are too few {view.schema.entities} to redraw from for any single feature to pass."
        yield Caveat(flag="too_few_draws", text=text)


def _shared(view: View, names: list[str], sampler: Sampler) -> tuple[Caveat, ...]:
    found = shared_credit(view.subject.data, view.schema, names)
    if sampler == "marginal" and names:
        text = "Redrawn alone, a feature can pass because rows arise that are unlike any in the data."
        return (*found, Caveat(flag="marginal", text=text))
    return found


def _facts(
    view: View, tested: _Tested, corrected: Array, order: list[int], q: float, sampler: Sampler
) -> Iterator[Fact]:
    passing = [one for one in order if corrected[one] <= q]
    unproven = [one for one in order if corrected[one] > q]
    many = len(unproven) > _LISTED
    here = tested.measure == "local"
    of = "_here" if here else "_among" if view.scope.where else ""
    yield Fact(relation="rate", value=q, unit="share")
    yield Fact(relation="feature_count", value=len(order), unit="count")
    if passing:
        yield Fact(relation=f"passing{of}", value=len(passing), unit="count")
    else:
        yield Fact(relation=f"none_passing{of}", value=len(order), unit="count")
    for rank, one in enumerate(order, 1):
        yield _fact(view, tested, one, "p_value", float(tested.p[one]), rank)
        yield _fact(view, tested, one, "effect", float(tested.effect[one]), rank)
    for rank, one in enumerate(passing, 1):
        yield _fact(view, tested, one, "local_significant" if here else "significant", float(corrected[one]), rank)
    for rank, one in enumerate(unproven, len(passing) + 1):
        yield _fact(view, tested, one, "unproven_some" if many else "unproven", float(corrected[one]), rank)
    if unproven:
        yield Fact(relation="others" if many else "unproven_count", value=len(unproven), unit="count")
    yield from _basis(view, tested, sampler)


def _basis(view: View, tested: _Tested, sampler: Sampler) -> Iterator[Fact]:
    """What the tests rest on."""
    if tested.measure == "local":
        yield Fact(relation="typical_draws", value=tested.rows, unit="count")
        largest = int(np.abs(tested.effect).argmax())
        if tested.effect[largest]:
            relation = "largest_output" if view.subject.regression else "largest"
            yield _fact(view, tested, largest, relation, float(tested.effect[largest]), 1)
    elif tested.measure == "change":
        yield Fact(relation="changed_rows", value=tested.rows, unit="count")
        yield Fact(relation="margin", value=tested.margin, unit=unit_of(view, "probability"))
    else:
        kind = "tested_held_out" if tested.held_out else "tested_rows"
        yield Fact(relation="tested_marginal" if sampler == "marginal" else kind, value=tested.rows, unit="count")


def _fact(view: View, tested: _Tested, one: int, relation: str, value: float, rank: int) -> Fact:
    name, effect = view.schema.names[one], relation in ("effect", "largest", "largest_output")
    here = tested.measure == "local"
    return Fact(
        relation=relation,
        value=value,
        unit=_unit(view, tested) if effect else "score",
        feature=name,
        at=plain(view.rows[name].iloc[0]) if here else None,
        cls=tested.label.name if effect and tested.label is not None else None,
        row=view.row_id if here else None,
        rank=rank,
        error=float(tested.error[one]) if effect else None,
    )


def _unit(view: View, tested: _Tested) -> Unit:
    return "score" if tested.measure == "loss" else unit_of(view, "probability")


def _method(tested: _Tested, sampler: Sampler) -> str:
    draw = "from its nearest rows given the others (Gower 1971)" if sampler == "conditional" else "from any row"
    test = {
        "loss": "holdout randomization test (Tansey et al. 2022)",
        "change": "one-sided t-test of the mean change",
        "local": "randomization test of one output (Burns et al. 2020)",
    }[tested.measure]
    return f"{test}, each feature redrawn {draw}; Benjamini-Hochberg"


def _estimand(view: View, tested: _Tested, sampler: Sampler) -> str:
    given = "given the other features" if sampler == "conditional" else "independently of the other features"
    if tested.measure == "loss":
        loss = "squared error" if view.subject.regression else "log loss"
        loss = "error" if view.subject.predictor.hard else loss
        return f"increase of the {loss} when a feature is redrawn {given}"
    single = tested.label is not None or view.subject.regression
    what = quantity(view, tested.label) if single else "the class probabilities"
    return f"change of {what} when a feature is redrawn {given}"


def _figure(view: View, tested: _Tested, order: list[int]) -> Figure:
    largest = sorted(order, key=lambda one: -abs(float(tested.effect[one])))[:20]
    series = Series(
        name="effect",
        x=tuple(view.schema.features[one].label for one in largest),
        y=tuple(float(tested.effect[one]) for one in largest),
        error=tuple(float(tested.error[one]) for one in largest),
    )
    title = {"loss": "Increase of the loss", "change": "Change of the output", "local": "Effect of the value"}
    return Figure(kind="bars", title=title[tested.measure], x_label="feature", series=(series,))


def _table(view: View, tested: _Tested, corrected: Array, order: list[int], q: float) -> Table:
    rows = tuple(
        (
            view.schema.features[one].label,
            float(tested.effect[one]),
            float(tested.effect[one] - _Z * tested.error[one]),
            float(tested.effect[one] + _Z * tested.error[one]),
            float(tested.p[one]),
            float(corrected[one]),
            bool(corrected[one] <= q),
        )
        for one in order
    )
    columns = ("feature", "effect", "low", "high", "p", "adjusted p", "passes")
    return Table(columns=columns, rows=rows, note="low and high: 95 % interval of the effect")
