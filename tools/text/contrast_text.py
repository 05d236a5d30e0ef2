"""Why a text is one class and not another: what the lead of the one over the other is made of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from askwhy.tools.engines.text_attribution import attribute_text
from askwhy.tools.engines.text_choice import measure, text_panel
from askwhy.tools.engines.text_telling import Told, text_game
from askwhy.tools.engines.text_units import UnitKind
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.table.contrast import Sides, sides_of
from askwhy.tools.view import View

_UNITS: tuple[UnitKind, ...] = ("word", "phrase", "sentence")


def _of_units() -> Says:
    names = {"word": "“{at}”", "phrase": "“{at}”", "sentence": "the sentence “{at}”"}
    return tuple(
        f"What moves the lead of {{{unit}_lead_reason.cls}} over {{foil.cls}} most: [{unit}_lead_reason*: "
        f"{names[unit]} {{value:word raises/lowers}} it by {{value:size}}]."
        for unit in _UNITS
    )


_SAYS: Says = (
    "The model predicts {prediction} for {row}.",
    "It gives {fact_probability.cls} a probability of {fact_probability} and {foil_probability.cls} one of "
    "{foil_probability}, so the lead of {lead.cls} is {lead:signed}.",
    *_of_units(),
    "{no_effect:one One/No} part of the text clearly moves the lead of {no_effect.cls} over {foil.cls}.",
    "That accounts for {named_share} of the total attribution.",
    "With an empty text, the lead of {base_lead.cls} is {base_lead:signed}.",
)


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "text" and schema.task != "regression",
    asks=(
        "why was {row} not {class}?",
        "why not {class}?",
        "why is {row} not predicted {class}?",
        "why is {row} {class} rather than the other class?",
        "why {class} rather than {class} for {row}?",
        "why does the model call {text} {class} and not {class}?",
        "which words decide between the two most likely classes for {row}?",
        ask("which sentence makes {row} {class} rather than {class}?", unit="sentence"),
        ask("which phrases make it {class} and not {class}?", unit="phrase"),
    ),
    says=_SAYS,
)
def contrast_text(
    view: View,
    cls: ClassName | None = None,
    instead: ClassName | None = None,
    unit: UnitKind = "word",
    k: Annotated[int, Field(ge=1)] = 3,
) -> Evidence:
    """Why a text is one class rather than another: what each word adds to the lead of the one class over the other.

    `cls`: the class that is questioned; `instead`: the one it is compared with. Left out, they are the predicted class
    and the runner-up; where only a class is named that is not predicted, it is what was expected instead.
    """
    sides = sides_of(view, cls, instead)
    game, _, others = text_game(view, sides.fact, unit, foil=sides.foil)
    found = attribute_text(game, sides.fact, unit)
    told = Told(game, found, sides.fact, unit, [], others)
    named = told.named(k, "all")
    (measured,) = measure(game, [found], found.spent)
    panel = text_panel(game, measured, named)
    return Evidence(
        facts=tuple(_facts(view, sides, told, named)),
        method=found.method,
        estimand=found.estimand,
        quality=(*found.quality, *panel.quality()),
        caveats=(*told.caveats(named, "all"), *panel.caveats()),
        figure=told.figure(),
        table=told.table(),
        marked=told.marked(),
    )


def _facts(view: View, sides: Sides, told: Told, named: Sequence[int]) -> Iterator[Fact]:
    fact, row, predicted = sides.fact.name, view.row_id, view.predicted()
    yield Fact(relation="prediction", value=predicted.name, unit="class", cls=predicted.name, row=row)
    for relation, label in (("fact_probability", sides.fact), ("foil_probability", sides.foil)):
        chance = float(view.output_of(view.outputs, label)[0])
        yield Fact(relation=relation, value=chance, unit="probability", cls=label.name, row=row)
    yield Fact(relation="lead", value=told.found.output, unit="points", cls=fact, row=row)
    yield Fact(relation="foil", value=sides.foil.name, unit="class", cls=sides.foil.name)
    yield Fact(relation="base_lead", value=told.found.base, unit="points", cls=fact)
    for position in told.order:
        yield told.fact(f"{told.unit}_contrast", position)
    for position in named:
        yield told.fact(f"{told.unit}_lead_reason", position)
    if not named:
        yield Fact(relation="no_effect", value=0, unit="count", cls=fact, row=row)
    share = told.share(named)
    if share is not None:
        yield Fact(relation="named_share", value=share, unit="share")
