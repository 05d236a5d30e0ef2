"""Words that hold a prediction in place, whatever the other words are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.engines.anchors import DELTA, PRECISION, Anchor, Kept, find_anchor
from askwhy.tools.engines.rules import holds
from askwhy.tools.engines.text_anchors import REPLACED, candidate_words, text_draws, word_predicates, word_table
from askwhy.tools.engines.text_game import TextGame, refuse_dear
from askwhy.tools.engines.text_telling import quotable, text_game
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality
from askwhy.tools.registry import Says, ask, tool
from askwhy.tools.subject import Mask
from askwhy.tools.table.anchor import goal
from askwhy.tools.view import View

_FEW_HOLDERS = 5


def _held(pattern: str) -> Says:
    """The pattern for one word and for several."""
    return tuple(
        f"As long as [{kind}*: “{{at}}”] {verb}, {pattern}"
        for kind, verb in (("held_word", "stands there"), ("held_words", "stand there"))
    )


_SAYS: Says = (
    *_held(
        "the model predicts {anchor.cls}, as for {row}, in at least {precision_low} of texts in which each other word "
        "is replaced with a chance of {chance}."
    ),
    *_held(
        "the prediction stays within {held_band} of the {estimate} for {row} in at least {precision_low} of texts in "
        "which each other word is replaced with a chance of {chance}."
    ),
    "No word is needed for {row}: the model predicts {unconditional.cls} in at least {precision_low} of texts in which "
    "each word is replaced with a chance of {chance}.",
    "No word is needed for {row}: the prediction stays within {band} of the {estimate} in at least {precision_low} of "
    "texts in which each word is replaced with a chance of {chance}, {unconditional_number} of {draws} when it was "
    "measured.",
    "No set of up to {most} words was found that holds the prediction of {wanted.cls} for {row} in at least {required} "
    "of texts in which each other word is replaced with a chance of {chance}.",
    "No set of up to {most} words was found that keeps the prediction within {missed_band} of the {estimate} for "
    "{row} in at least {required} of texts in which each other word is replaced with a chance of {chance}.",
    "On {draws} fresh draws it was {measured}.",
    "The closest found was to hold [closest_word*: “{at}”]: on {draws} fresh draws the prediction held in {no_rule}, "
    "with a lower bound of {no_rule_low}.",
    "In the data, {covered:entities} {covered:one holds/hold} all of this, which is {coverage}.",
    "For {agree} of them, the model predicts {agree.cls}.",
    "For {agree_number} of them, the prediction is that close too.",
)


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "text",
    asks=(
        "which words guarantee this prediction?",
        "which words guarantee the prediction for {row}?",
        "give me a rule that guarantees the prediction for {row}",
        "give me a rule that guarantees this prediction",
        "which words are sufficient for {class} in {row}?",
        "what is the anchor for {row}?",
        "use anchors for {row}",
        "explain {text} with anchors",
        "which words alone make the model say {class}?",
        ask("which single word guarantees the prediction for {row}?", most=1),
        ask("give me at most {number} words that hold the prediction for {row}", most=2),
    ),
    says=_SAYS,
)
def anchor_text(
    view: View,
    most: Annotated[int, Field(ge=1, le=6)] = 4,
    within: Annotated[float, Field(gt=0)] | None = None,
) -> Evidence:
    """Words of a text that hold its prediction in at least 95% of texts in which the other words are replaced.

    `most`: at most so many words. `within`: for a predicted number, how far it may move; default: one standard
    deviation of the predictions over the data.
    """
    refuse_dear(view, "for anchors; ask which words matter instead")
    label = view.explained_class()
    game, _, others = text_game(view, label, "word")
    kept, target = goal(view, within)
    positions = candidate_words(game)
    data = word_table(view, {position: game.terms[position] for position in positions})
    found = find_anchor(text_draws(game, data, kept), word_predicates(game, positions), most)
    met = holds(found.rule, data)
    note = f"lower {1 - DELTA:.0%} bound of the precision on {found.draws:,} fresh draws, required {PRECISION:.0%}"
    return Evidence(
        facts=(*target, *_facts(game, found, most, target), *_cover(view, found, met, kept)),
        method="anchor: beam search with KL-LUCB (Ribeiro et al. 2018), measured again on fresh draws",
        estimand=f"share of texts that keep the prediction, of those with every other word replaced with a chance of "
        f"{REPLACED:.0%}",
        quality=(Quality(check="C13", value=found.low, passed=found.passed, note=note),),
        caveats=tuple(_caveats(game, found, others, len(positions))),
    )


def _facts(game: TextGame, found: Anchor, most: int, target: tuple[Fact, ...]) -> Iterator[Fact]:
    view, regression = game.view, game.view.subject.regression
    cls = None if regression else view.predicted().name
    error = float(np.sqrt(found.precision * (1 - found.precision) / found.draws))
    named = {"value": found.precision, "unit": "share", "cls": cls, "row": view.row_id, "error": error}
    yield Fact(relation="draws", value=found.draws, unit="count")
    yield Fact(relation="chance", value=REPLACED, unit="share")
    if not found.passed:
        yield Fact(relation="most", value=most, unit="count")
        yield Fact(relation="required", value=PRECISION, unit="share")
        if cls is not None:
            yield Fact(relation="wanted", value=cls, unit="class", cls=cls, row=view.row_id)
        yield from _words(game, found, "closest_word")
        yield Fact.model_validate({"relation": "no_rule" if found.rule else "no_rule_at_all", **named})
        yield Fact(relation="no_rule_low", value=found.low, unit="share")
    else:
        kind = "anchor" if found.rule else "unconditional"
        yield Fact.model_validate({"relation": f"{kind}_number" if regression else kind, **named})
        yield Fact(relation="precision_low", value=found.low, unit="share", cls=cls)
        yield from _words(game, found, "held_word" if len(found.rule) == 1 else "held_words")
    bands = [fact for fact in target if fact.relation == "band"]
    if bands and (found.rule or not found.passed):
        yield bands[0].model_copy(update={"relation": "held_band" if found.passed else "missed_band"})
    if found.passed and found.rule:
        yield Fact(relation="measured", value=found.precision, unit="share", error=error)


def _words(game: TextGame, found: Anchor, relation: str) -> Iterator[Fact]:
    """The words that are held, in the text's order."""
    for position in sorted(int(predicate.feature.name) for predicate in found.rule):
        at = quotable(game.terms[position].text)
        yield Fact(relation=relation, value=at, unit="text", at=at, row=game.view.row_id)


def _cover(view: View, found: Anchor, met: Mask, kept: Kept) -> Iterator[Fact]:
    """How many texts of the data hold the words, and for how many of them the model says the same."""
    if not found.passed or not found.rule:
        return
    yield Fact(relation="coverage", value=found.coverage, unit="share")
    yield Fact(relation="covered", value=found.covered, unit="count")
    if found.covered:
        same = float(kept(view.evaluate.all_outputs(view.subject)[met]).mean())
        cls = None if view.subject.regression else view.predicted().name
        yield Fact(relation="agree" if cls else "agree_number", value=same, unit="share", cls=cls)


def _caveats(game: TextGame, found: Anchor, others: int, looked_at: int) -> Iterator[Caveat]:
    if others or looked_at < game.count:
        text = f"Only the {looked_at} words whose deletion moves the prediction most were tried."
        yield Caveat(flag="many_terms", text=text)
    if found.passed and found.rule and found.covered < _FEW_HOLDERS:
        text = f"Few other {game.view.schema.entities} hold these words, so they say little beyond this one."
        yield Caveat(flag="rare_rule", text=text)
    if found.passed:
        text = "The words put in are drawn by what stands beside them, so some of these texts read oddly."
        yield Caveat(flag="odd_texts", text=text)
