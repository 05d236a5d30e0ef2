"""Why two rows, or two versions of one row, are predicted differently: what each of their differences adds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from askwhy.tools.attribution import column_of, quantity, unit_of
from askwhy.tools.engines.coalitions import Coalitions, shapley_row
from askwhy.tools.engines.listing import cell_fact, shown
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import DerivedFact, Evidence, Fact, Figure, Series, Table
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import additivity, order_caveats
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.select import predicted_index
from askwhy.tools.shapley import Shapley
from askwhy.tools.subject import plain
from askwhy.tools.view import View

_STEP = "{feature} {value:word raises/lowers} it by {value:size}"
_LEVELS = (
    "The model gives {own_probability.row} a probability of {own_probability.cls} of {own_probability}, and "
    "{other_probability.row} one of {other_probability}.",
    "The model predicts {own_estimate} for {own_estimate.row} and {other_estimate} for {other_estimate.row}.",
    "For {row}, the probability of {after_probability.cls} is {after_probability} instead of {before_probability}.",
    "For {row}, the model predicts {after_estimate} instead of {before_estimate}.",
    "For {gap.row}, that is {gap:size} {gap:word more/less/apart, so no difference}.",
    "That is {change:size} {change:word more/less/apart, so no difference}.",
)
_SAYS: Says = (
    "The model predicts {own_prediction} for {own_prediction.row} and {other_prediction} for {other_prediction.row}.",
    *_LEVELS,
    "They differ in {differing} of the {feature_count} features, above all in "
    "[main_cell*: {feature} ({value} instead of {at})].",
    "The changes are [version_cell*: {feature} ({value} instead of {at})].",
    f"What makes the probability of {{contribution.cls}} differ: [contribution*: {_STEP}].",
    f"What makes the predicted {{target}} differ: [contribution_output*: {_STEP}].",
    "[no_contribution*: {feature} makes no difference].",
    "The other differences together make {rest:signed}.",
    "{no_effect:one One/No} difference between them changes the prediction.",
    "{identical.row} has the same value in every feature.",
)


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "table",
    asks=(
        "why was {row} {class} but another {entity} not?",
        "why are {row} and another {entity} predicted differently?",
        "which differences between {row} and another {entity} explain their predictions?",
        "what makes the prediction for {row} higher than that for another {entity}?",
        "why did the score of {row} change?",
        "why did the prediction for {row} change from last month's version of the row?",
        "how much of the change is due to {feature} and how much to {feature2}?",
        ask("explain the difference between {row} and another {entity}"),
    ),
    says=_SAYS,
)
def contrast_rows(
    view: View,
    other: str | None = None,
    cls: ClassName | None = None,
    k: Annotated[int, Field(ge=1)] = 5,
) -> Evidence:
    """Why one row is predicted differently from another (`other`: its id), or from itself before the changes: what each
    of their differences adds, by evaluating the model on the way from one to the other."""
    pair = _pair(view, other, cls)
    game = Coalitions(view.evaluate, view.instance, pair.frame, column_of(view, pair.label))
    found, how = shapley_row(game, seed=view.seed) if game.count else (None, "exact")
    values = np.zeros(len(view.schema.features)) if found is None else found.values[0, :, game.column]
    error = None if found is None or found.error is None else found.error[0, :, game.column]
    steps = _Steps(view, pair, values, error, tuple(int(one) for one in game.players))
    return Evidence(
        facts=tuple(_facts(steps, k)),
        method=_method(found, how, game.count),
        estimand=f"Shapley values of the differences, on {quantity(view, pair.label)}",
        quality=(additivity(pair.own, pair.other, values, _spread(view, pair), exact=error is None),),
        caveats=order_caveats(*_ranking(steps), set(range(k))),
        figure=_figure(steps),
        table=_table(steps),
    )


@dataclass(frozen=True)
class _Pair:
    """The other row (or the row before its changes): a frame of one, its id, and the output for both."""

    frame: pd.DataFrame
    name: str
    label: ClassLabel | None
    own: float
    other: float
    outputs: Outputs
    versions: bool


@dataclass(frozen=True)
class _Steps:
    """What every feature's difference adds: values, error (features,); `players` are the features that differ."""

    view: View
    pair: _Pair
    values: Outputs
    error: Outputs | None
    players: tuple[int, ...]

    def order(self) -> list[int]:
        """The features that differ, largest effect first."""
        return sorted(self.players, key=lambda position: (-abs(float(self.values[position])), position))

    def error_of(self, position: int) -> float | None:
        """The standard error of one value, None where it is exact."""
        return None if self.error is None else float(self.error[position])

    def negligible(self) -> float:
        """The size below which a value would print as 0."""
        return 5e-7 if self.pair.label is not None else 1e-9 * float(np.abs(self.values).max(initial=0.0))

    def fact(self, relation: str, position: int) -> Fact:
        """One difference and what it adds."""
        feature = self.view.schema.features[position]
        return Fact(
            relation=relation,
            value=float(self.values[position]),
            unit=unit_of(self.view, "probability"),
            feature=feature.name,
            cls=None if self.pair.label is None else self.pair.label.name,
            row=self.view.row_id,
            rank=self.order().index(position) + 1,
            error=self.error_of(position),
        )

    def cell(self, relation: str, position: int) -> Fact:
        """What a feature is, and what it is in the other row."""
        feature = self.view.schema.features[position]
        made = cell_fact(relation, feature, self.view.rows.iloc[0, position], self.view.row_id)
        return made.model_copy(update={"at": plain(self.pair.frame.iloc[0, position])})


def _pair(view: View, other: str | None, cls: str | None) -> _Pair:
    if other is None and not view.scope.changes:
        entity = view.schema.entity
        raise ToolError(f"Say which other {entity} to compare with, by its id, or what is different about this one.")
    frame = view.before if other is None else view.subject.row(other)
    label = view.explained_class(cls)
    outputs = view.outputs_before if other is None else view.evaluate.outputs(frame)
    name = view.row_id if other is None else str(frame.index[0])
    own, there = (float(view.output_of(one, label)[0]) for one in (view.outputs, outputs))
    return _Pair(frame, name, label, own, there, outputs, other is None)


def _spread(view: View, pair: _Pair) -> float:
    if pair.label is not None:
        return 1.0
    return max(abs(pair.own - pair.other), 1e-3 * abs(pair.own))


def _method(found: Shapley | None, how: str, differing: int) -> str:
    if found is None:
        return "comparison of the rows"
    ways = "every way" if found.error is None else f"{found.coalitions:,} sampled ways"
    if how == "additive":
        ways = "each difference on its own, as the model adds up feature by feature,"
    return f"direct evaluation: {ways} of mixing the two rows over {differing} differing features (Shapley values)"


def _facts(steps: _Steps, k: int) -> Iterator[Fact]:
    yield from _levels(steps)
    view, pair = steps.view, steps.pair
    if not steps.players:
        yield Fact(relation="identical", value=len(steps.values), unit="count", row=pair.name)
        return
    differing = "changed" if pair.versions else "differing"
    yield Fact(relation=differing, value=len(steps.players), unit="count")
    yield Fact(relation="feature_count", value=len(steps.values), unit="count")
    order = steps.order()
    acting = [position for position in order if abs(steps.values[position]) > steps.negligible()]
    cells = "version_cell" if pair.versions else "main_cell"
    yield from (steps.cell(cells if place < k else "further_cell", one) for place, one in enumerate(order))
    relation = "contribution_output" if pair.label is None else "contribution"
    yield from (steps.fact(relation, position) for position in acting[:k])
    yield from (steps.fact("further_contribution", position) for position in acting[k:])
    if pair.versions:
        yield from (steps.fact("no_contribution", position) for position in order if position not in acting)
    if not acting:
        yield Fact(relation="no_effect", value=0, unit="count", row=view.row_id)
    if acting[k:]:
        rest = float(steps.values[acting[k:]].sum())
        unit, cls = unit_of(view, "probability"), None if pair.label is None else pair.label.name
        yield Fact(relation="rest", value=rest, unit=unit, cls=cls)


def _levels(steps: _Steps) -> Iterator[Fact]:
    """The output for both, and their difference."""
    view, pair = steps.view, steps.pair
    cls, what = (None, "estimate") if pair.label is None else (pair.label.name, "probability")
    first, second = ("after", "before") if pair.versions else ("own", "other")
    classes = view.schema.classes
    if classes and not pair.versions:
        for relation, outputs, row in (("own", view.outputs, view.row_id), ("other", pair.outputs, pair.name)):
            one = classes[int(predicted_index(outputs)[0])].name
            yield Fact(relation=f"{relation}_prediction", value=one, unit="class", cls=one, row=row)
    unit = unit_of(view, "probability")
    level = "output" if pair.label is None else "probability"
    yield Fact(id="own", relation=f"{first}_{what}", value=pair.own, unit=level, cls=cls, row=view.row_id)
    yield Fact(id="other", relation=f"{second}_{what}", value=pair.other, unit=level, cls=cls, row=pair.name)
    yield DerivedFact(
        relation="change" if pair.versions else "gap",
        value=pair.own - pair.other,
        unit=unit,
        cls=cls,
        row=view.row_id,
        formula="difference",
        sources=("own", "other"),
    )


def _ranking(steps: _Steps) -> tuple[list[str], list[float], list[float | None]]:
    order = steps.order()
    labels = [steps.view.schema.features[position].label for position in order]
    return labels, [abs(float(steps.values[one])) for one in order], [steps.error_of(one) for one in order]


def _figure(steps: _Steps) -> Figure:
    order, what = steps.order(), quantity(steps.view, steps.pair.label)
    return Figure(
        kind="bars",
        title=f"What makes {what} differ",
        x_label="feature",
        y_label=f"difference of {what}",
        series=(
            Series(
                name="difference",
                x=tuple(steps.view.schema.features[one].label for one in order),
                y=tuple(float(steps.values[one]) for one in order),
                error=None if steps.error is None else tuple(float(steps.error[one]) for one in order),
            ),
        ),
    )


def _table(steps: _Steps) -> Table:
    view, pair = steps.view, steps.pair
    heads = ("after", "before") if pair.versions else (view.row_id, pair.name)
    cells = (
        (
            view.schema.features[one].label,
            shown(view.schema.features[one], view.rows.iloc[0, one]),
            shown(view.schema.features[one], pair.frame.iloc[0, one]),
            float(steps.values[one]),
        )
        for one in steps.order()
    )
    return Table(columns=("feature", *heads, "difference it makes"), rows=tuple(cells))
