"""Why two models say different things about one row: how each feature's part in one differs from its part in other."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.attribution import column_of, quantity, unit_of
from askwhy.tools.engines.coalitions import Coalitions, column_values
from askwhy.tools.engines.listing import shown
from askwhy.tools.engines.two_models import Gap
from askwhy.tools.evidence import DerivedFact, Evidence, Fact, Figure, Series, Table
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import additivity, direct_evaluation, order_caveats
from askwhy.tools.registry import ClassName, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.subject import plain
from askwhy.tools.view import View

_NAMED = 5
_PART = "{feature} ({at}) is worth {value:size} {value:word more/less}"


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "table" and bool(schema.rivals),
    asks=(
        "why does the new model give {row} a different score?",
        "why do the two models disagree about {row}?",
        "what does the other model say about {row}?",
        "how does the new model's prediction for {row} differ from the old one's?",
        "which features make the models differ on {row}?",
        "did the new model change the score of {row}?",
        ask("compare the models on {row}"),
    ),
    says=(
        "For {row}, both this model and {same_prediction.group} predict {same_prediction}.",
        "For {row}, this model predicts {own_prediction} and {rival_prediction.group} predicts {rival_prediction}.",
        "The probability of {own_probability.cls} is {own_probability} in this model and {rival_probability} in "
        "{rival_probability.group}.",
        "For {row}, the predicted {target} is {own_estimate} in this model and {rival_estimate} in "
        "{rival_estimate.group}.",
        "So {gap.group} gives {gap:size} {gap:word more/less/more or less}.",
        "Over {reference} background rows, it gives {base_gap:size} {base_gap:word more/less/more or less} on average.",
        f"From there, in {{contribution.group}} compared with this model, [contribution*: {_PART}].",
        "The other features together are worth {rest:size} {rest:word more/less/more or less}.",
        "Not one of the {no_effect} features makes a difference.",
    ),
)
def contrast_models(
    view: View,
    model: Annotated[str | None, Field(description="name of the other model")] = None,
    cls: ClassName | None = None,
) -> Evidence:
    """Why another model (`model`: its name) scores one row differently from this one: both predictions, and what each
    feature adds to the difference."""
    made = _Contrast.of(view, model, view.explained_class(cls))
    spread = 1.0 if made.label is not None else max(abs(made.gap), 1e-3 * abs(made.own))
    labels = [view.schema.features[one].label for one in made.acting]
    sizes = [abs(float(made.values[one])) for one in made.acting]
    return Evidence(
        facts=tuple(_facts(made)),
        method=f"{made.how} Shapley values of the difference of both models against {made.reference} background rows",
        estimand=f"interventional Shapley values of the difference of {quantity(view, made.label)}: "
        f"{made.name} minus this model",
        quality=(
            additivity(made.gap, made.base, made.values, spread, exact=made.error is None),
            *direct_evaluation(made.asked, "rows asked of the two models"),
        ),
        caveats=order_caveats(labels, sizes, [made.error_of(one) for one in made.acting], set(range(_NAMED))),
        figure=_figure(made),
        table=_table(made),
    )


@dataclass(frozen=True)
class _Contrast:
    """Two models on one row. own, rival: their outputs; values: what each feature adds to rival - own, from `base`."""

    view: View
    name: str
    label: ClassLabel | None
    outputs: Outputs
    own: float
    rival: float
    base: float
    values: Outputs
    error: Outputs | None
    how: str
    reference: int
    asked: int

    @classmethod
    def of(cls, view: View, model: str | None, label: ClassLabel | None) -> _Contrast:
        """Ask both models."""
        rival = view.subject.rival(model)
        other, column, before = view.seen_by(rival), column_of(view, label), view.evaluate.asked
        own, outputs = float(view.outputs[0, column]), other.outputs
        game = Coalitions(Gap(other, view), view.instance, view.subject.background, column)
        values, error, base, how = column_values(game, view.seed)
        asked = view.evaluate.asked - before
        there = float(outputs[0, column])
        return cls(view, rival.name, label, outputs, own, there, base, values, error, how, game.refs, asked)

    @property
    def gap(self) -> float:
        """What the other model says more."""
        return self.rival - self.own

    @property
    def order(self) -> list[int]:
        """Positions of the features, largest effect first."""
        return [int(one) for one in np.argsort(-np.abs(self.values), kind="stable")]

    @property
    def acting(self) -> list[int]:
        """Those whose value would not print as zero."""
        most = float(np.abs(self.values).max(initial=0.0))
        least = 5e-7 if self.label is not None else 1e-9 * max(most, abs(self.own))
        return [one for one in self.order if abs(self.values[one]) > least]

    def error_of(self, position: int) -> float | None:
        """The standard error of one value, None where it is exact."""
        return None if self.error is None else float(self.error[position])


def _facts(made: _Contrast) -> Iterator[Fact]:
    view, acting = made.view, made.acting
    cls, unit = (None if made.label is None else made.label.name), unit_of(view, "probability")
    yield from _levels(made)
    yield DerivedFact(
        relation="gap",
        value=made.gap,
        unit=unit,
        cls=cls,
        row=view.row_id,
        group=made.name,
        formula="difference",
        sources=("rival", "own"),
    )
    yield Fact(relation="reference", value=made.reference, unit="count")
    yield Fact(relation="base_gap", value=made.base, unit=unit, cls=cls, group=made.name)
    for rank, position in enumerate(acting, 1):
        yield Fact(
            relation="contribution" if rank <= _NAMED else "further_contribution",
            value=float(made.values[position]),
            unit=unit,
            feature=view.schema.names[position],
            at=plain(view.rows.iloc[0, position]),
            cls=cls,
            row=view.row_id,
            group=made.name,
            rank=rank,
            error=made.error_of(position),
        )
    if acting[_NAMED:]:
        yield Fact(relation="rest", value=float(made.values[acting[_NAMED:]].sum()), unit=unit, cls=cls)
    if not acting:
        yield Fact(relation="no_effect", value=len(made.values), unit="count")


def _levels(made: _Contrast) -> Iterator[Fact]:
    """What each model says."""
    view, row = made.view, made.view.row_id
    if made.label is None:
        yield Fact(id="own", relation="own_estimate", value=made.own, unit="output", row=row)
        yield Fact(id="rival", relation="rival_estimate", value=made.rival, unit="output", row=row, group=made.name)
        return
    first = view.predicted()
    second = view.schema.classes[int(made.outputs[0].argmax())]
    same = second == first
    if not same:
        yield Fact(relation="own_prediction", value=first.name, unit="class", cls=first.name, row=row)
    said = "same_prediction" if same else "rival_prediction"
    yield Fact(relation=said, value=second.name, unit="class", cls=second.name, row=row, group=made.name)
    cls = made.label.name
    yield Fact(id="own", relation="own_probability", value=made.own, unit="probability", cls=cls, row=row)
    yield Fact(
        id="rival", relation="rival_probability", value=made.rival, unit="probability", cls=cls, row=row,
        group=made.name,
    )  # fmt: skip


def _figure(made: _Contrast) -> Figure:
    order, what = made.order, quantity(made.view, made.label)
    series = Series(
        name=f"{made.name} minus this model",
        x=tuple(made.view.schema.features[one].label for one in order),
        y=tuple(float(made.values[one]) for one in order),
        error=None if made.error is None else tuple(float(made.error[one]) for one in order),
    )
    return Figure(
        kind="bars",
        title=f"What makes the models differ in {what}",
        x_label="feature",
        y_label=f"difference of {what}",
        series=(series,),
    )


def _table(made: _Contrast) -> Table:
    view = made.view
    rows = tuple(
        (feature.label, shown(feature, view.rows.iloc[0, one]), float(made.values[one]))
        for one in made.order
        for feature in (view.schema.features[one],)
    )
    return Table(
        columns=("feature", "value", "adds to the difference"), rows=rows, note=f"{made.name} minus this model"
    )
