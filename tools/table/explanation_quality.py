"""How far an explanation can be trusted: whether it is faithful to the model, and whether it is stable."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from askwhy.tools.attribution import Attribution, attribute, attribute_by_lime, attribute_by_occlusion
from askwhy.tools.engines.choice import Choice, choose
from askwhy.tools.engines.full_panel import FullPanel, full_panel
from askwhy.tools.engines.panel import CONDITIONAL_OVERLAP, Panel, conditional_overlap
from askwhy.tools.engines.robust import IN_DATA
from askwhy.tools.engines.suppressors import suppressors
from askwhy.tools.engines.text_choice import choose_text, marginal, text_attribution
from askwhy.tools.engines.text_full_panel import full_text_panel
from askwhy.tools.engines.text_game import refuse_dear
from askwhy.tools.engines.text_telling import Told, text_game
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality
from askwhy.tools.quality import shared_credit
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.view import View

Method = Literal["auto", "shap", "lime", "occlusion", "integrated_gradients", "marginalisation"]

_TEXT_SAYS: Says = (
    "There is nothing to rank in the explanation of {untested_words.row}: {untested_words:one one/no} other word could "
    "matter.",
    "Deleting and inserting words in its order beats random orders by {ahead_words} on average; {better} of "
    "{rankings} random orders {better:one does/do} better.",
    "Deleting and inserting words in its order does not clearly beat random orders: the lead is {not_ahead_words} on "
    "average, and {better} of {rankings} random orders {better:one does/do} better.",
    "Over {subsets_words} groups of words, the correlation of what it says with what removing them does is "
    "{agreement}, with a lower bound of {agreement_low}.",
    "Its top {top_count_words:one word matters/words matter} more than the others by {robust_lead} when only some are "
    "deleted; {robust_better} of {robust_sets} random choices {robust_better:one does/do} better.",
    "Of {neighbours} texts with another word in one place and the same prediction, {mistaken_words} would get other "
    "top words.",
    "Repeated with {runs} other seeds, the top words overlap by {overlap_words} and their signs agree in {signs}.",
)
_WORDED = ("untested", "ahead", "not_ahead", "subsets", "top_count", "mistaken", "overlap")
"""Relations whose sentences speak of features; of words for texts, under another name."""


@tool(
    needs="instance",
    asks=(
        "how sure are you about this explanation?",
        "how sure are you about the explanation for {row}?",
        "how faithful is this explanation?",
        "how stable is the explanation for {row}?",
        "how good is the explanation of {row}?",
        "can I rely on these reasons for {row}?",
        "how reliable are the reasons you gave for {row}?",
        "does the explanation for {row} really reflect the model?",
        ask("how faithful is LIME for {row}?", method="lime"),
        ask("how good are the SHAP values of {row}?", method="shap"),
    ),
    says=(
        "The explanation of {row} by {sound.group} holds up: it passes all {sound} checks.",
        "The explanation of {row} by {weak.group} is weak: it fails {weak} of {checks} checks.",
        "There is nothing to rank in the explanation of {untested.row}: {untested:one one/no} other feature could "
        "matter.",
        "Deleting and inserting features in its order beats random orders by {ahead} on average; {better} of "
        "{rankings} random orders {better:one does/do} better.",
        "Deleting and inserting features in its order does not clearly beat random orders: the lead is {not_ahead} on "
        "average, and {better} of {rankings} random orders {better:one does/do} better.",
        "Over {subsets} groups of features, the correlation of what it says with what removing them does is "
        "{agreement}, with a lower bound of {agreement_low}.",
        "Its top {top_count:one feature matters/features matter} more than the others by {robust_lead} when only "
        "some are deleted; {robust_better} of {robust_sets} random choices {robust_better:one does/do} better.",
        "Of {neighbours} cases that are almost the same, {mistaken} would get other top features.",
        "Repeated with {runs} other seeds, the top features overlap by {overlap} and their signs agree in {signs}.",
        "The values are exact, so no seed could make them differ; with the base they miss the prediction by {residual} "
        "of the output's range.",
        "Its linear model explains {fidelity} of the variation around {row}.",
        "{inside} of the mixed cases that these checks ask about are as usual as the data.",
        "The features it names beat features picked at random by {margin}.",
        *_TEXT_SAYS,
    ),
)
def explanation_quality(
    view: View,
    method: Method = "auto",
    cls: ClassName | None = None,
    k: Annotated[int, Field(ge=1)] = 3,
) -> Evidence:
    """How sure the explanation of one row is: whether it is faithful to the model (against random ones) and stable
    (over seeds and almost equal cases), measured in full. `k`: how many top features are judged."""
    if view.schema.modality == "text":
        return _of_text(view, method, cls, k)
    if method in ("integrated_gradients", "marginalisation"):
        raise ToolError("That method is for texts; for a table ask for SHAP, LIME or occlusion.")
    label = view.explained_class(cls)
    choice = choose(view, label) if method == "auto" else Choice(_maker(method, label)(view))
    found = choice.chosen
    named = [one for one in found.ranked()[:k] if found.values[one] != 0]
    full = full_panel(view, found, _maker(found.name.lower(), label), named)
    panel = Panel(
        removal=full.removal,
        correlation=full.correlation,
        sensitivity=full.sensitivity,
        repeats=full.repeats,
        conditional=conditional_overlap(view, found, full.k) if full.k else None,
        flags=suppressors(view, found, label, named),
    )
    quality = (*found.quality, *choice.quality(), *panel.quality(), *_more_quality(full))
    names = tuple(view.schema.names[one] for one in named)
    return Evidence(
        facts=tuple(_facts(view, choice, full, quality)),
        method=f"{found.method}; deletion and insertion, removal of subsets, neighbours and re-runs",
        estimand="faithfulness to the model and stability of the attributions",
        quality=quality,
        caveats=(
            *found.caveats,
            *shared_credit(view.subject.data, view.schema, names),
            *panel.caveats(),
            *_more_caveats(full),
        ),
    )


def _of_text(view: View, method: Method, cls: str | None, k: int) -> Evidence:
    """The same of the words of a text."""
    refuse_dear(view, "to measure how good an explanation is")
    label = view.explained_class(cls)
    game, _, others = text_game(view, label, "word")
    chosen = choose_text(game, label, "word") if method == "auto" else None
    game = marginal(game, "word") if method == "marginalisation" else game
    found = text_attribution(game, label, "word", method) if chosen is None else chosen.chosen.found
    told = Told(game, found, label, "word", [], others)
    named = told.named(k, "all")
    again = method if method != "auto" else found.name.lower().replace(" ", "_")
    full = full_text_panel(game, found, label, again, max(1, len(named)))
    panel = Panel(full.removal, full.correlation, full.sensitivity, full.repeats, noun="words")
    quality = (*found.quality, *(() if chosen is None else chosen.quality()), *panel.quality(), *_more_quality(full))
    facts = _facts(view, Choice(found), full, quality)
    return Evidence(
        facts=tuple(
            one.model_copy(update={"relation": f"{one.relation}_words"}) if one.relation in _WORDED else one
            for one in facts
        ),
        method=f"{found.method}; deletion and insertion, removal of subsets, neighbours and re-runs",
        estimand="faithfulness to the model and stability of the attributions",
        quality=quality,
        caveats=(*found.caveats, *told.caveats(named, "all"), *panel.caveats(), *_more_caveats(full)),
    )


def _maker(method: str, label: ClassLabel | None) -> Callable[[View], Attribution]:
    if method == "lime":
        return lambda view: attribute_by_lime(view, label)
    if method == "occlusion":
        return lambda view: attribute_by_occlusion(view, label)
    return lambda view: attribute(view, label)


def _more_quality(full: FullPanel) -> Iterator[Quality]:
    if full.robust is not None:
        note = f"robust fidelity; {full.robust.better:.2f} of {full.robust.sets} random sets do better"
        yield Quality(check="C4", value=full.robust.delta, passed=full.robust.passed, note=note)


def _more_caveats(full: FullPanel) -> Iterator[Caveat]:
    if full.robust is not None and not full.robust.passed:
        text = "The top features together do not clearly matter more to the prediction than as many others."
        yield Caveat(flag="not_robust", text=text)
    if full.inside is not None and full.inside < IN_DATA:
        text = "Many of the mixed cases that these checks ask the model about are unlike the data."
        yield Caveat(flag="outside_data", text=text)


def _facts(view: View, choice: Choice, full: FullPanel, quality: tuple[Quality, ...]) -> Iterator[Fact]:
    found, row = choice.chosen, view.row_id
    judged = [one for one in quality if one.check != "C16" or one.value < CONDITIONAL_OVERLAP]
    failed = sum(not one.passed for one in judged)
    yield Fact(relation="checks", value=len(judged), unit="count", row=row)
    if full.k == 0:
        yield Fact(relation="untested", value=0, unit="count", row=row)
        return
    verdict = Fact(relation="sound", value=len(judged), unit="count", row=row, group=found.name)
    yield verdict if not failed else verdict.model_copy(update={"relation": "weak", "value": failed})
    yield from _faithfulness(found, full)
    yield from _stability(found, full)
    if found.surrogate:
        yield Fact(relation="fidelity", value=max(0.0, found.quality[0].value), unit="share", row=row)
    if choice.scored:
        yield Fact(relation="margin", value=choice.margin, unit=found.unit, error=choice.random_error)
    if full.inside is not None:
        yield Fact(relation="inside", value=full.inside, unit="share")


def _faithfulness(found: Attribution, full: FullPanel) -> Iterator[Fact]:
    if full.removal is not None:
        one = full.removal
        lead = float(np.mean([one.deletion, one.insertion]))
        yield Fact(relation="ahead" if one.passed else "not_ahead", value=lead, unit=found.unit)
        yield Fact(relation="deletion_lead", value=one.deletion, unit=found.unit)
        yield Fact(relation="insertion_lead", value=one.insertion, unit=found.unit)
        yield Fact(relation="p_value", value=one.p, unit="score")
        yield Fact(relation="rankings", value=one.rankings, unit="count")
        yield Fact(relation="better", value=round(one.better * one.rankings), unit="count")
    if full.correlation is not None:
        yield Fact(relation="agreement", value=full.correlation.r, unit="score")
        yield Fact(relation="agreement_low", value=full.correlation.low, unit="score")
        yield Fact(relation="subsets", value=full.correlation.subsets, unit="count")
    if full.robust is not None:
        yield Fact(relation="top_count", value=full.k, unit="count")
        yield Fact(relation="robust_lead", value=full.robust.delta, unit=found.unit)
        yield Fact(relation="robust_sets", value=full.robust.sets, unit="count")
        yield Fact(relation="robust_better", value=round(full.robust.better * full.robust.sets), unit="count")


def _stability(found: Attribution, full: FullPanel) -> Iterator[Fact]:
    if full.sensitivity is not None:
        near = full.sensitivity
        yield Fact(relation="neighbours", value=near.neighbours, unit="count")
        yield Fact(relation="mistaken", value=round(near.mistaken * near.neighbours), unit="count")
        yield Fact(relation="largest_change", value=near.largest, unit="score")
    if full.repeats is not None:
        yield Fact(relation="runs", value=full.repeats.runs, unit="count")
        yield Fact(relation="overlap", value=full.repeats.overlap, unit="share")
        yield Fact(relation="signs", value=full.repeats.signs, unit="share")
    elif found.name == "SHAP" and found.quality:
        yield Fact(relation="residual", value=min(1.0, found.quality[0].value), unit="share")
