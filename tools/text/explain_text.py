"""Which words, phrases or sentences of a text made the model predict what it predicts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from askwhy.tools.engines.prediction import PREDICTION_SAYS, prediction_facts
from askwhy.tools.engines.text_choice import (
    TextChoice,
    choose_text,
    marginal,
    measure,
    text_attribution,
    text_panel,
)
from askwhy.tools.engines.text_game import TextGame
from askwhy.tools.engines.text_telling import Sign, Told, said_of_output, text_game
from askwhy.tools.engines.text_units import UnitKind
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.view import View

Method = Literal["auto", "shap", "lime", "occlusion", "integrated_gradients", "marginalisation"]
TopK = Annotated[int, Field(ge=1)]


def _about(unit: UnitKind) -> Says:
    """What is said of the words, of the phrases, or of the sentences."""
    name = "“{at}”" if unit != "sentence" else "the sentence “{at}”"
    item = name + " {value:word raises/lowers} it by {value:size}"
    return (
        *said_of_output(f"{unit}_reason", f"What moves QUANTITY most: [ROLE*: {item}]."),
        *said_of_output(f"{unit}_for", f"What raises QUANTITY most: [ROLE*: {name} (by {{value:size}})]."),
        *said_of_output(f"{unit}_against", f"What lowers QUANTITY most: [ROLE*: {name} (by {{value:size}})]."),
        # Where a larger one cannot be told from zero, those that are named are not the most.
        *said_of_output(f"clear_{unit}_reason", f"What clearly moves QUANTITY: [ROLE*: {item}]."),
        *said_of_output(f"clear_{unit}_for", f"What clearly raises QUANTITY: [ROLE*: {name} (by {{value:size}})]."),
        *said_of_output(f"clear_{unit}_against", f"What clearly lowers QUANTITY: [ROLE*: {name} (by {{value:size}})]."),
        *said_of_output(f"no_{unit}_reason", f"[ROLE*: no {unit} of the text clearly moves QUANTITY]."),
        *said_of_output(f"no_{unit}_for", f"[ROLE*: no {unit} of the text clearly raises QUANTITY]."),
        *said_of_output(f"no_{unit}_against", f"[ROLE*: no {unit} of the text clearly lowers QUANTITY]."),
        *said_of_output(
            f"{unit}_rest",
            f"[ROLE*: the other {unit}s, taken together, {{value:word raise/lower}} QUANTITY by {{value:size}}].",
        ),
    )


_SAYS: Says = (
    *said_of_output(
        "asked_word",
        "In {row}, [ROLE*: “{at}” {value:word raises/lowers} QUANTITY by {value:size}, which ranks {rank} of "
        "{word_count} words].",
    ),
    *said_of_output(
        "asked_unsure",
        "In {row}, [ROLE*: the effect of “{at}” on QUANTITY is too small to tell from zero "
        "({value:signed}, with a standard error of {error})].",
    ),
    "[asked_zero*: “{at}” makes no difference to the prediction for {row}].",
    *PREDICTION_SAYS,
    *_about("word"),
    *_about("phrase"),
    *_about("sentence"),
    "That accounts for {named_share} of the total attribution.",
    "The comparison is with an empty text, which gets {base}.",
    "The comparison is with the same text when all its words are replaced by others from the {entities}, which gets "
    "{base_replaced} on average.",
    "These are integrated gradients: the slope of the output, added up on the way from padding, which gets "
    "{base_padding}, to the text.",
    *(
        f"Each of the {{{unit}_losses}} {unit}s was deleted on its own, so the effects need not add up."
        for unit in ("word", "phrase", "sentence")
    ),
    "The method was chosen by how far deleting and inserting parts of the text in its order beats random orders: "
    "{chosen_lead} for {chosen_lead.group}, against [other_lead*: {value} for {group}].",
    "These weights come from LIME: a linear model fitted to {row} with parts left out, which explains {fidelity} of "
    "the variation there.",
)


@tool(
    needs="instance",
    asks=(
        "why did you predict this for {row}?",
        "why is {row} predicted {class}?",
        "why does the model say {class} for {text}?",
        "explain the prediction for {text}",
        "explain {row}",
        "which words led to the prediction for {row}?",
        "which words made you think {row} is {class}?",
        "which {k} words mattered most in {row}?",
        "what are the {k} most important words in {row}?",
        "what in the text made it {class}?",
        "how much does the word {word} matter in {row}?",
        "what role did {word} play?",
        "how does {word} affect the prediction for {text}?",
        ask("which sentence of {row} did it?", unit="sentence"),
        ask("explain {row} sentence by sentence", unit="sentence"),
        ask("which words speak against {class} in {row}?", sign="against"),
        ask("which words pulled the prediction down?", sign="against"),
        ask("which words speak for {class} in {row}?", sign="for"),
        ask("highlight the words that make {text} {class}", sign="for"),
        ask("which phrases of {row} did it?", unit="phrase"),
        ask("which part of the text drives the prediction?", unit="phrase"),
        ask("explain {row} with LIME", method="lime"),
        ask("explain {row} with integrated gradients", method="integrated_gradients"),
        ask("explain {text} by occlusion", method="occlusion"),
        ask("how much does the prediction change when each word of {row} is left out?", method="occlusion"),
        ask("explain {row} by input marginalisation", method="marginalisation"),
        ask("explain {row} with the words replaced by others rather than deleted", method="marginalisation"),
        ask("show the SHAP values of the words of {row}", method="shap"),
    ),
    says=_SAYS,
    fits=lambda schema: schema.modality == "text",
)
def explain_text(
    view: View,
    method: Method = "auto",
    unit: UnitKind = "word",
    k: TopK = 3,
    cls: ClassName | None = None,
    words: tuple[str, ...] = (),
    sign: Sign = "all",
) -> Evidence:
    """Why the model predicts what it does for a text: what each word, phrase or sentence adds to the prediction.

    `words`: the words or phrases asked about. `k`: how many to name. `sign`: only what speaks for or against `cls`.
    """
    unit = "word" if words else unit
    label = view.explained_class(cls)
    game, asked, others = text_game(view, label, unit, words)
    choice, game = _attributed(game, label, unit, method)
    found = choice.chosen.found
    told = Told(game, found, label, unit, asked, others)
    named = told.named(k, sign)
    panel = text_panel(game, choice.chosen, [*asked, *named])
    return Evidence(
        facts=(*_context(told), *_chosen(choice), *_attributions(told), *_roles(told, named, sign)),
        method=f"{found.method} (auto: {found.name})" if method == "auto" else found.method,
        estimand=found.estimand,
        quality=(*found.quality, *choice.quality(), *panel.quality()),
        caveats=(*found.caveats, *told.caveats([*asked, *named], sign), *panel.caveats()),
        figure=told.figure(),
        table=told.table(),
        marked=told.marked(),
    )


def _attributed(
    game: TextGame, label: ClassLabel | None, unit: UnitKind, method: Method
) -> tuple[TextChoice, TextGame]:
    """The attribution by the method asked for, measured in its own game within what it cost."""
    if method == "auto":
        return choose_text(game, label, unit), game
    game = marginal(game, unit) if method == "marginalisation" else game
    found = text_attribution(game, label, unit, method)
    (measured,) = measure(game, [found], found.spent)
    return TextChoice(measured, (measured,)), game


def _context(told: Told) -> Iterator[Fact]:
    """What is predicted, and what it is compared with."""
    found, label = told.found, told.label
    yield from prediction_facts(told.view, label)
    name = None if label is None else label.name
    if found.surrogate:
        yield Fact(relation="fidelity", value=min(1.0, found.quality[0].value), unit="share")
    elif found.name == "occlusion":
        yield Fact(relation=f"{told.unit}_losses", value=len(told.order), unit="count")
    else:
        base = {"marginalisation": "base_replaced", "integrated gradients": "base_padding"}.get(found.name, "base")
        yield Fact(relation=base, value=found.base, unit="probability" if label is not None else "output", cls=name)
    yield Fact(relation=f"{told.unit}_count", value=len(told.order), unit="count")


def _chosen(choice: TextChoice) -> Iterator[Fact]:
    """By how much the methods beat random orders, where another than SHAP was chosen for that."""
    if choice.chosen.found.name == "SHAP":
        return
    for place, one in enumerate(choice.tried if len(choice.tried) > 1 else ()):
        relation = "other_lead" if place else "chosen_lead"
        yield Fact(relation=relation, value=one.lead, unit=one.found.unit, group=one.found.name)


def _attributions(told: Told) -> Iterator[Fact]:
    for position in told.order:
        yield told.fact(f"{told.unit}_attribution", position)
    if told.rest is not None:
        yield told.fact(f"{told.unit}_rest{told.suffix}", told.rest)


def _roles(told: Told, named: list[int], sign: Sign) -> Iterator[Fact]:
    """The same facts in the roles that the words need, and how much of the whole is named."""
    for position in told.asked:
        if told.size(position) <= told.negligible:
            yield told.fact("asked_zero", position)
        else:
            yield told.fact(("asked_word" if told.clear(position) else "asked_unsure") + told.suffix, position)
    reason = "reason" if sign == "all" else sign
    clear = "" if told.leading(named, sign) else "clear_"
    for position in named:
        yield told.fact(f"{clear}{told.unit}_{reason}{told.suffix}", position)
    if not named and not told.asked:
        cls = None if told.label is None else told.label.name
        relation = f"no_{told.unit}_{reason}{told.suffix}"
        yield Fact(relation=relation, value=0, unit="count", cls=cls, row=told.view.row_id)
    share = told.share([*named, *told.asked])
    if share is not None:
        yield Fact(relation="named_share", value=share, unit="share")
