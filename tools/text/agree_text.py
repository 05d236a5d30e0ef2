"""Whether different explanation methods say the same of one text, and which of them to go by."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from askwhy.tools.attribution import Attribution
from askwhy.tools.engines.agreement import Tried, agreement_caveats, agreement_quality, decision, pair_facts
from askwhy.tools.engines.fidelity import Removal
from askwhy.tools.engines.stability import top
from askwhy.tools.engines.text_attribution import attribute_text, attribute_text_by_occlusion, text_lime
from askwhy.tools.engines.text_choice import marginal, measure
from askwhy.tools.engines.text_game import TextGame, refuse_dear
from askwhy.tools.engines.text_gradients import attribute_text_by_gradients
from askwhy.tools.engines.text_telling import quotable, text_game
from askwhy.tools.engines.text_units import UnitKind
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Series, Table
from askwhy.tools.registry import ClassName, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.view import View

MEASURED = 2000
"""Texts that measuring the methods may ask about, ..."""

SLOW_MEASURED = 300
"""... of a network."""

_LIME_TEXTS, _SLOW_LIME_TEXTS = 2000, 250


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "text",
    asks=(
        "do SHAP and LIME agree?",
        "do SHAP and LIME agree for {row}?",
        "do other methods say the same?",
        "do other methods say the same about {row}?",
        "would another explanation method name the same words of {row}?",
        "compare the explanations of {text} by different methods",
        "do integrated gradients and SHAP name the same words?",
        "does it matter whether words are deleted or replaced?",
        ask("do the methods agree on the {k} most important words of {row}?"),
        ask("do the methods name the same sentences of {row}?", unit="sentence"),
    ),
    says=(
        "Of their top {top_count} {top_count:one part/parts} of the text, [shared*: {group} share {value}].",
        "The directions of what either names agree in [signs*: {value} for {group}].",
        "SHAP names [shap_top*: “{at}”].",
        "LIME names [lime_top*: “{at}”].",
        "Occlusion names [occlusion_top*: “{at}”].",
        "Integrated gradients name [integrated_gradients_top*: “{at}”].",
        "Input marginalisation, which replaces words rather than deleting them, names [marginalisation_top*: “{at}”].",
        "That methods agree does not make them right; what decides is the model: deleting and inserting parts of the "
        "text in their orders beats random orders by [method_lead*: {value} for {group}].",
        "By that, {best.group} is the one to go by.",
        "By that, [tied_best*: {group}] are equally good.",
        "By that, {none_better:one one/none} of them beats random orders, so treat every one with care.",
    ),
)
def agree_text(
    view: View, k: Annotated[int, Field(ge=1)] = 3, cls: ClassName | None = None, unit: UnitKind = "word"
) -> Evidence:
    """Whether SHAP, LIME, occlusion, input marginalisation and (for networks) integrated gradients say the same about
    a text: how many of the top `k` words they share, whether the directions agree, which follows the model best."""
    refuse_dear(view, "to compare methods")
    label = view.explained_class(cls)
    game, _, others = text_game(view, label, unit)
    if game.count < 2:
        raise ToolError(f"The text has a single {unit}, so there is nothing to agree about.")
    found, left_out = _attributions(game, label, unit)
    tried = Tried(found, f"{unit}s")
    measured = measure(game, found, SLOW_MEASURED if game.slow else MEASURED)
    removals = tuple(one.removal for one in measured if one.removal is not None)
    many = (
        Caveat(flag="many_terms", text=f"The {unit}s that change their own passage least are taken together as one.")
        if others
        else None
    )
    return Evidence(
        facts=tuple(_facts(game, tried, k, removals, None if label is None else label.name)),
        method=f"top {unit}s of {', '.join(one.name for one in found)}; deletion and insertion ({found[0].method})",
        estimand=f"overlap of the top {unit}s and of their directions",
        quality=tuple(agreement_quality(tried, removals, k)),
        caveats=(*agreement_caveats(tried, k), *left_out, *([many] if many else [])),
        figure=_figure(game, tried, unit),
        table=_table(game, tried, unit),
    )


def _attributions(
    game: TextGame, label: ClassLabel | None, unit: UnitKind
) -> tuple[tuple[Attribution, ...], tuple[Caveat, ...]]:
    """The text's attributions by every method that the model and the data allow, and why one is left out."""
    most = max(6 * game.count + 100, min(_SLOW_LIME_TEXTS if game.slow else _LIME_TEXTS, game.affordable))
    found = [
        attribute_text(game, label, unit),
        text_lime(game, label, unit, most),
        attribute_text_by_occlusion(game, label, unit),
    ]
    left_out: list[Caveat] = []
    try:
        if not game.slow:  # a network takes long enough, and has gradients to compare with
            found.append(attribute_text(marginal(game, unit), label, unit))
    except ToolError:
        text = f"The {game.view.schema.entities} hold too few words to draw replacements from, so words are deleted."
        left_out.append(Caveat(flag="left_out", text=text))
    if game.view.subject.predictor.network is not None:
        try:
            found.append(attribute_text_by_gradients(game, label, unit))
        except ToolError as error:
            left_out.append(Caveat(flag="left_out", text=str(error)))
    return tuple(found), tuple(left_out)


def _facts(game: TextGame, tried: Tried, k: int, removals: Sequence[Removal], cls: str | None) -> Iterator[Fact]:
    row = game.view.row_id
    yield from pair_facts(tried, k, row)
    for found in tried.found:
        chosen = top(found.values, k)
        relation = f"{found.name.lower().replace(' ', '_')}_top"
        for rank, position in enumerate((one for one in found.ranked() if one in chosen), 1):
            at = quotable(game.terms[position].text) or "the rest of the text"
            yield Fact(relation=relation, value=at, unit="text", at=at, row=row, rank=rank)
    yield from decision(tried, removals, cls)


def _figure(game: TextGame, tried: Tried, unit: UnitKind) -> Figure:
    order = tried.found[0].ranked()[:10]
    words = tuple(game.terms[one].text for one in order)
    made = (
        Series(name=found.name, x=words, y=tuple(float(found.values[one]) for one in order)) for found in tried.found
    )
    return Figure(kind="bars", title="What each method says", x_label=unit, y_label="attribution", series=tuple(made))


def _table(game: TextGame, tried: Tried, unit: UnitKind) -> Table:
    rows = (
        (game.terms[one].text, *(float(found.values[one]) for found in tried.found)) for one in tried.found[0].ranked()
    )
    return Table(columns=(unit, *(found.name for found in tried.found)), rows=tuple(rows))
