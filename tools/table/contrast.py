"""Why one class and not another: what the lead of the one over the other is made of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.attribution import Attribution, Scale, shap_method
from askwhy.tools.engines.coalitions import Coalitions, ends, shapley_row
from askwhy.tools.engines.panel import light_panel
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence, Fact, Figure, Series, Table
from askwhy.tools.quality import additivity, order_caveats, shared_credit, told_apart
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.shapley import Link
from askwhy.tools.subject import plain
from askwhy.tools.view import View

_ITEM = "{feature} ({at}) {value:word raises/lowers} it by {value:size}"
_SAYS: Says = (
    "The model predicts {prediction} for {row}.",
    "It gives {fact_probability.cls} a probability of {fact_probability} and {foil_probability.cls} one of "
    "{foil_probability}, so the lead of {lead.cls} is {lead:signed}.",
    "On the scale of log-odds, the lead of {log_lead.cls} is {log_lead}.",
    f"What moves the lead of {{reason.cls}} over {{foil.cls}} most: [reason*: {_ITEM}].",
    "{no_effect:one One/No} feature moves the lead of {no_effect.cls} over {foil.cls} here.",
    "That accounts for {named_share} of the total attribution.",
    "On average over the reference {entities}, the lead of {base_lead.cls} is {base_lead:signed}.",
)


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "table" and schema.task != "regression",
    asks=(
        "why was {row} not {class}?",
        "why not {class}?",
        "why is {row} not predicted {class}?",
        "why is {row} {class} rather than the other class?",
        "why {class} rather than {class} for {row}?",
        "what speaks for {class} and against the other classes for {row}?",
        "what decides between the two most likely classes for {row}?",
        ask("why not {class}, in log-odds?", scale="log-odds"),
    ),
    says=_SAYS,
)
def contrast(
    view: View,
    cls: ClassName | None = None,
    instead: ClassName | None = None,
    k: Annotated[int, Field(ge=1)] = 3,
    scale: Scale = "probability",
) -> Evidence:
    """Why one class rather than another: what each feature adds to the lead of the one over the other.

    `cls`: the class that is questioned; `instead`: the one it is compared with. Left out, they are the predicted class
    and the runner-up; where only a class is named that is not predicted, it is what was expected instead.
    """
    sides = sides_of(view, cls, instead)
    found = _lead(view, sides, scale)
    largest = _largest(found, k)
    panel = light_panel(view, found, sides.fact, largest)
    names = tuple(view.schema.names[position] for position in largest)
    order = found.ranked()
    return Evidence(
        facts=tuple(_facts(view, sides, found, largest)),
        method=found.method,
        estimand=found.estimand,
        quality=(*found.quality, *panel.quality()),
        caveats=(
            *order_caveats(
                [view.schema.features[one].label for one in order],
                [abs(float(found.values[one])) for one in order],
                [found.error_of(one) for one in order],
                {order.index(one) for one in largest},
            ),
            *shared_credit(view.subject.data, view.schema, names),
            *panel.caveats(),
        ),
        figure=_figure(view, sides, found),
        table=_table(view, found),
    )


@dataclass(frozen=True)
class Sides:
    """The class in question and the one it is compared with."""

    fact: ClassLabel
    foil: ClassLabel

    @property
    def words(self) -> str:
        """What is divided among the features."""
        return f"the lead of {self.fact.label} over {self.foil.label}"


def sides_of(view: View, cls: str | None, instead: str | None) -> Sides:
    """Which class is questioned, and which it is compared with. Raises ToolError where there is nothing to compare."""
    schema, chances = view.schema, view.outputs[0]
    if len(schema.classes) < 2:
        raise ToolError("With a single class there is nothing to compare.")
    ranked = [schema.classes[int(place)] for place in np.argsort(-chances, kind="stable")]
    if cls is not None and instead is not None:
        if cls == instead:
            raise ToolError("Name two different classes.")
        return Sides(schema.class_label(cls), schema.class_label(instead))
    named = cls or instead
    if named is None or schema.class_label(named) == ranked[0]:
        if instead is not None:
            raise ToolError(f"The model does predict {ranked[0].label} here; ask why, or name another class.")
        return Sides(ranked[0], ranked[1])
    return Sides(ranked[0], schema.class_label(named))


def _link(view: View, sides: Sides, scale: Scale) -> Link:
    """The lead as one output: a difference of probabilities, or of their logarithms."""
    one, other = (view.schema.classes.index(label) for label in (sides.fact, sides.foil))
    if scale == "probability":
        return lambda outputs: outputs[:, [one]] - outputs[:, [other]]
    if view.subject.predictor.hard:
        raise ToolError("Log odds need a model that gives probabilities.")
    return lambda outputs: np.log(np.maximum(outputs[:, [one]], 1e-12)) - np.log(np.maximum(outputs[:, [other]], 1e-12))


def _lead(view: View, sides: Sides, scale: Scale) -> Attribution:
    link, background = _link(view, sides, scale), view.subject.background
    before = view.evaluate.rows
    game = Coalitions(view.evaluate, view.instance, background, 0, link)
    found, how = shapley_row(game, seed=view.seed)
    spent = view.evaluate.rows - before
    base, output = float(game.worth(ends(game.count))[0]), float(link(view.outputs)[0, 0])
    values, error = found.values[0, :, 0], None if found.error is None else found.error[0, :, 0]
    spread = 1.0 if scale == "probability" else float(np.ptp(game.outcomes(ends(game.count))))
    return Attribution(
        values=values,
        error=error,
        base=base,
        output=output,
        unit="points" if scale == "probability" else "log-odds",
        method=shap_method(found, len(background), how),
        estimand=f"interventional Shapley values of {sides.words}, as a difference of "
        + ("probabilities" if scale == "probability" else "log probabilities"),
        quality=(additivity(output, base, values, spread, exact=error is None),),
        game=game,
        spent=spent,
    )


def _largest(found: Attribution, k: int) -> list[int]:
    dust = 5e-7 if found.unit == "points" else 1e-9 * float(np.abs(found.values).max(initial=0.0))
    moving = [position for position in found.ranked() if abs(float(found.values[position])) > dust]
    sizes = [abs(float(found.values[position])) for position in moving]
    return moving[: told_apart(k, sizes, [found.error_of(position) for position in moving])]


def _facts(view: View, sides: Sides, found: Attribution, largest: list[int]) -> Iterator[Fact]:
    fact, row = sides.fact.name, view.row_id
    predicted = view.predicted()
    yield Fact(relation="prediction", value=predicted.name, unit="class", cls=predicted.name, row=row)
    for relation, label in (("fact_probability", sides.fact), ("foil_probability", sides.foil)):
        chance = float(view.output_of(view.outputs, label)[0])
        yield Fact(relation=relation, value=chance, unit="probability", cls=label.name, row=row)
    lead = float(view.output_of(view.outputs, sides.fact)[0] - view.output_of(view.outputs, sides.foil)[0])
    yield Fact(relation="lead", value=lead, unit="points", cls=fact, row=row)
    if found.unit == "log-odds":
        yield Fact(relation="log_lead", value=found.output, unit="log-odds", cls=fact, row=row)
    yield Fact(relation="foil", value=sides.foil.name, unit="class", cls=sides.foil.name)
    yield Fact(relation="base_lead", value=found.base, unit=found.unit, cls=fact)
    order = found.ranked()
    for rank, position in enumerate(order, 1):
        yield _fact(view, sides, found, position, rank, "contrast_attribution")
    for position in largest:
        yield _fact(view, sides, found, position, order.index(position) + 1, "reason")
    if largest:
        share = float(np.abs(found.values[largest]).sum() / np.abs(found.values).sum())
        yield Fact(relation="named_share", value=share, unit="share")
    else:
        yield Fact(relation="no_effect", value=0, unit="count", cls=fact, row=row)


def _fact(view: View, sides: Sides, found: Attribution, position: int, rank: int, relation: str) -> Fact:
    return Fact(
        relation=relation,
        value=float(found.values[position]),
        unit=found.unit,
        feature=view.schema.names[position],
        at=plain(view.rows.iloc[0, position]),
        cls=sides.fact.name,
        row=view.row_id,
        rank=rank,
        error=found.error_of(position),
    )


def _figure(view: View, sides: Sides, found: Attribution) -> Figure:
    order = found.ranked()[:20]
    return Figure(
        kind="bars",
        title=f"What makes {sides.words}",
        x_label="feature",
        y_label=f"change of {sides.words}",
        series=(
            Series(
                name="SHAP",
                x=tuple(view.schema.features[one].label for one in order),
                y=tuple(float(found.values[one]) for one in order),
                error=None if found.error is None else tuple(float(found.error[one]) for one in order),
            ),
        ),
    )


def _table(view: View, found: Attribution) -> Table:
    cells = (
        (view.schema.features[one].label, plain(view.rows.iloc[0, one]), float(found.values[one]))
        for one in found.ranked()
    )
    return Table(columns=("feature", "value", "what it adds to the lead"), rows=tuple(cells))
