"""Whether a text model uses a concept, in general or in one text: tests by betting beside real edits."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.engines.concept_bets import association, random_rejections, use
from askwhy.tools.engines.concept_facts import false_alarms, told_class
from askwhy.tools.engines.text_concept_bets import (
    Size,
    TextPopulation,
    WordSpace,
    local_text,
    marks_of,
    probe,
    put_into,
    random_words,
    readable,
    rest_of,
    sides,
    take_out,
)
from askwhy.tools.engines.text_concept_network import Tcav, tcav
from askwhy.tools.engines.text_concept_told import (
    FoundText,
    defined_facts,
    found_caveats,
    found_facts,
    found_quality,
    found_table,
    local_facts,
    side_facts,
)
from askwhy.tools.engines.text_concepts import TextConcept, WordConcept, chosen_concept, library, named_concept
from askwhy.tools.engines.text_vectors import network_of, texts_of
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence, Fact, Table
from askwhy.tools.quality import direct_evaluation
from askwhy.tools.registry import ClassName, ask, tool
from askwhy.tools.says import concluded
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Mask
from askwhy.tools.view import View, make_view

Level = Annotated[float, Field(gt=0, lt=0.5)]
Words = Annotated[tuple[str, ...], Field(max_length=200)]


_VERDICTS = (
    "So the model uses {verdict_used.group}, and this moves its output on average.",
    "So it is open whether the model uses {verdict_cancels.group} itself: among alike texts its output goes with "
    "it, but editing it moves nothing on average, so the effects cancel out or something that comes along is used.",
    "So the model reacts to {verdict_as_random.group}, but not clearly more than to other words of that frequency.",
    "So the output goes together with {verdict_association.group}, but that alone does not show that the model "
    "uses it: the rest of the text may explain it.",
    "So editing it changes the output on average, but the test of use is undecided for {verdict_effect.group}.",
    "So the model ignores {verdict_unused.group}.",
    "So use of {verdict_open.group} is not shown, which does not prove that there is none.",
)


@tool(
    fits=lambda schema: schema.modality == "text",
    asks=(
        ask("does politeness matter?", concept="politeness"),
        ask("does the concept of negation matter to the model?", concept="negation"),
        ask("does the length matter?", concept="length"),
        ask("does it use gender words?", concept="gender words"),
        ask("does the concept politeness matter for {row}?", concept="politeness"),
        ask("does the model care about the plot of a film?", concept="plot"),
        ask("does it matter whether names of people are mentioned?", concept="person names"),
        ask("is praise a concept that the model relies on?", concept="praise"),
        "does the model use the concept that {entities} with {subset} share?",
        ask("does food quality matter for this text?", concept="food quality"),
        ask("does the model use the words please and thanks?", words=("please", "thanks")),
    ),
    says=(
        "The concept tested, {about_words.group}, is given by words such as [word 5: {value}].",
        "Compared are {inside:entities}{scope} with {inside.group} and {outside} others.",
        "Compared are {selected:entities}{scope} and {others} others.",
        "Compared are {much:entities}{scope} with more {much.group} than half of them and {outside} with less.",
        "Association: the output goes together with it, as shown after {associated} of {associated_of} bets.",
        "Association: whether the output goes together with it is undecided after {associated_open} bets.",
        "Use beyond the rest of the text: shown after {used} of {used_of} bets.",
        "Use beyond the rest of the text: undecided after {used_open} bets.",
        "Use beyond the rest of the text: none, as the output for {ignored:entities} stays exactly the same when only "
        "this is redrawn.",
        "Putting it into {into_rows:entities} changes the probability of {into.cls} by {into:signed} on average, with "
        "a {level} interval from {into_low:signed} to {into_high:signed}, and flips {into_flips} of the predictions.",
        "Taking it out of {out_rows:entities} changes that probability by {out:signed}, with a {level} interval from "
        "{out_low:signed} to {out_high:signed}, and flips {out_flips} of the predictions.",
        "Putting it into {into_only_still:entities} leaves every output exactly as it is.",
        "Putting it into {into_still:entities} and taking it out of {out_still} leaves every output exactly as it is.",
        "Putting it into {into_output_rows:entities} changes the output by {into_output:signed} on average, with a "
        "{level} interval from {into_low:signed} to {into_high:signed}.",
        "Taking it out of {out_output_rows:entities} changes the output by {out_output:signed}, with a {level} "
        "interval from {out_low:signed} to {out_high:signed}.",
        "Of {random_sets} sets of random words that are about as frequent, {random_as_much} change the output at least "
        "as much when they are put in instead.",
        "Inside the network, in layer {layer} of {layers}, moving toward {tcav.group} raises the probability of "
        "{tcav.cls} for {tcav} of the texts, and this differs from random directions: {directions_beyond} of the "
        "{directions} tried have less effect.",
        "Inside the network, in layer {layer} of {layers}, moving toward {tcav_output.group} raises the output for "
        "{tcav_output} of the texts, and this differs from random directions: {directions_beyond} of the {directions} "
        "tried have less effect.",
        "Inside the network, in layer {layer} of {layers}, the direction of {tcav_open.group} is not shown to have "
        "more effect than random ones: {directions_beyond} of the {directions} tried have less.",
        *concluded(_VERDICTS),
        "In {row}, {present.group} stands as [standing 5: {value}].",
        "The concept is {written.group}, and {row} has it.",
        "The concept is {absent.group}, and {row} is without it, so it cannot matter there.",
        "With the rest of the text thinned out at random, the output with it differs from that without, as shown after "
        "{local} of {local_of} bets.",
        "With the rest of the text thinned out at random, it is undecided after {local_open} bets whether the output "
        "with it differs from that without.",
        "Taking it out of {row} leaves the output exactly as it is, and so it does in {local_same} shortened versions "
        "of the text.",
        "Taking it out of {row} changes the probability of {local_effect.cls} by {local_effect:signed}, and the "
        "prediction becomes {flipped_to}.",
        "Taking it out of {row} changes the probability of {local_kept.cls} by {local_kept:signed}, and the prediction "
        "stays {stays}.",
        "Taking it out of {row} changes the output by {local_output:signed}.",
        "Of {other_draws} random choices of as many other words, {other_as_much} change the output at least as much "
        "when they are taken out.",
        "The test of use compares texts with a like rest in {space}.",
        "Each test finds a concept without use in at most {alpha} of cases.",
    ),
)
def concept_test_text(
    view: View,
    concept: str = "",
    words: Words = (),
    alpha: Level = 0.05,
    cls: ClassName | None = None,
    layer: Annotated[int, Field(ge=1)] | None = None,
) -> Evidence:
    """Whether the model uses a concept, such as politeness, negation, food or length, in general or in one text.

    `concept`: one of the shipped library, or what `words` are called; without both, the selected texts are examples of
    it. `words`: the words that define a concept of one's own. `alpha`: how often a test may be wrong. `cls`: for
    predicting this class. `layer`: of a network, counted from 1; the last one by default.
    """
    if view.scope.changes:
        raise ToolError("A concept is tested on texts as they are; ask without changes.")
    about = _meant(view, concept, words)
    if view.scope.has_instance:
        return _local(view, about, alpha, cls)
    whole = _everything(view) if not (concept or words) else view
    texts, outputs = readable(whole)
    marks = marks_of(about, texts)
    some = sides(view, marks, about.called, Size.of(view).side)
    people, mask = TextPopulation.of(whole, [texts[int(i)] for i in some], outputs[some], cls), marks[some]
    label = told_class(view, people.label, people.outputs, mask)
    column = 0 if label is None else view.schema.classes.index(label)
    found = _found(people, about, mask, alpha, column, layer)
    return Evidence(
        facts=(
            *defined_facts(about),
            *side_facts(about, mask, chosen=not (concept or words)),
            *found_facts(view, about, found, label, column, alpha),
        ),
        method=_METHOD,
        estimand=f"dependence of the output on {about.called}, given the rest of the text",
        quality=(*found_quality(found, alpha, people), *direct_evaluation(view.evaluate.asked, "texts asked about")),
        caveats=tuple(found_caveats(about, found)),
        table=found_table(found, label, column),
    )


_METHOD = (
    "kernelised tests by betting (Teneggi & Sulam 2024), what defines the concept redrawn from texts that are like it "
    "in the rest; effects by direct evaluation of edited texts"
)


def _meant(view: View, name: str, words: Words) -> TextConcept:
    if not name and not words:
        if view.scope.has_instance or not view.scope.where.all:
            names = ", ".join(one.name for one in library())
            raise ToolError(f"Say which concept: {names}; or give the words that it is made of.")
        return chosen_concept(view.scope.where)
    return named_concept(name, words, texts_of(view.subject.data))


def _everything(view: View) -> View:
    """The same view of all the data: where the selected texts are the concept, the others are what it is held to."""
    return make_view(view.subject, Scope(), view.evaluate, view.seed)


def _found(
    people: TextPopulation, about: TextConcept, mask: Mask, alpha: float, column: int, layer: int | None
) -> FoundText:
    view, size, space = people.view, Size.of(people.view), WordSpace(people.view)
    outputs, rest = people.tested(people.outputs), rest_of(people, about, size.lenders, space)
    surprise = rest.surprise(mask, mask)
    still = not rest.values.any()
    nulls = (
        random_rejections(lambda marks, rng: association(outputs, marks, alpha, rng), mask, view.seed),
        random_rejections(
            lambda marks, rng: use(rest, rest.surprise(marks, marks), alpha, rng), mask, view.seed
        ),
    )  # fmt: skip
    random = np.empty(0)
    if isinstance(about, WordConcept) and not still:
        random = random_words(people, about, mask, size.nulls, column)
    return FoundText(
        associated=association(outputs, mask, alpha, view.rng),
        used=use(rest, surprise, alpha, view.rng),
        ignored=len(mask) if still else 0,
        into=put_into(people, about, mask, size.side),
        out=take_out(people, about, mask, size.side) if about.removable else None,
        random=random,
        told=1 - float((surprise**2).sum() / ((mask - mask.mean()) ** 2).sum()),
        false_alarms=nulls,
        probe=probe(space.encode(people.texts), mask, view.rng),
        tcav=_tcav(people, mask, column, layer),
    )


def _tcav(people: TextPopulation, mask: Mask, column: int, layer: int | None) -> Tcav | None:
    network = network_of(people.view)
    if network is None:
        if layer is not None:
            raise ToolError("This model has no layers that can be looked into; ask without a layer.")
        return None
    if layer is not None and layer > len(network.layers):
        raise ToolError(f"The network has {len(network.layers)} layers; choose one of them.")
    return tcav(network, people.texts, mask, layer or len(network.layers), column, people.view.rng)


def _local(view: View, about: TextConcept, alpha: float, cls: str | None) -> Evidence:
    text = texts_of(view.instance)[0]
    if not about.removable:
        raise ToolError(
            f"From one text, {about.called} cannot be taken without what it says. Ask in general, or ask whether this "
            f"{view.schema.entity} is decided by spurious cues: then it is said twice."
        )
    if not about.present(text):
        return _absent(view, about)
    people = TextPopulation.of(view, [text], view.outputs, cls)
    found = local_text(people, about, alpha)
    column = people.columns[0]
    return Evidence(
        facts=tuple(local_facts(view, about, text, found, people, alpha)),
        method="kernelised test by betting (Teneggi & Sulam 2024) on shortened versions of the text, with the concept "
        "and without it; the effect by direct evaluation",
        estimand=f"difference of the output with and without {about.called} in this text",
        quality=(
            false_alarms("one text", found.false_alarms, alpha),
            *direct_evaluation(view.evaluate.asked, "versions of the text asked about"),
        ),
        table=Table(
            columns=("as many other words taken out", "change of the output"),
            rows=tuple((number, float(one[column])) for number, one in enumerate(found.others, 1)),
        )
        if len(found.others)
        else None,
    )


def _absent(view: View, about: TextConcept) -> Evidence:
    return Evidence(
        facts=(
            *defined_facts(about),
            Fact(relation="absent", value=False, group=about.called, row=view.row_id),
        ),
        method="looking for what defines the concept in the text",
        estimand=f"whether {about.called} is in this text",
        quality=direct_evaluation(1, "text looked at"),
    )
