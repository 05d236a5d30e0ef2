"""Whether words of a text act together: what two of them do beyond what each does alone."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Annotated

from pydantic import Field

from askwhy.tools.engines.prediction import PREDICTION_SAYS, prediction_facts
from askwhy.tools.engines.text_attribution import output_words
from askwhy.tools.engines.text_game import TextGame, refuse_dear
from askwhy.tools.engines.text_pairs import EXACT_TERMS, Pair, Together, clear, hierarchy, likely_pairs, together
from askwhy.tools.engines.text_telling import others_as_one, quotable, quoted, said_of_output, text_game
from askwhy.tools.engines.text_units import UnitKind
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Series, Table, Unit
from askwhy.tools.quality import direct_evaluation
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.view import View

_CANDIDATES, _SLOW_CANDIDATES = 12, 3
_NEGLIGIBLE = 5e-7
_JOINED = 5

_SAYS: Says = (
    *PREDICTION_SAYS,
    *said_of_output(
        "both",
        "With both “{first_word.at}” and “{second_word.at}” in {row}, QUANTITY is {ROLE}; with only "
        "“{first_word.at}” it is {ROLE_only_first}, with only “{second_word.at}” it is {ROLE_only_second}, and with "
        "neither it is {ROLE_neither}.",
    ),
    "That is {beyond:size} {beyond:word more/less} than if their effects simply added up.",
    "That is just what their effects add up to: {plain_sum:one one/no} difference.",
    "Averaged over {contexts} choices of the other words to keep, what the two do together differs from the sum of "
    "their effects by {average:signed}, so they do act together.",
    "Averaged over {contexts} choices of the other words to keep, what the two do together differs from the sum of "
    "their effects by {no_average:signed}, which is too small to tell from zero.",
    *said_of_output(
        "top_pair",
        "What acts together most, beyond the sum of the single effects on QUANTITY: [ROLE*: {group} ({value:signed})].",
    ),
    "Of the {tried_pairs} pairs tried, {no_pair:one one/none} clearly acts together in {row}.",
    "Pairs are compared by averages over {contexts_each} choices of the other words to keep.",
    "Joined step by step by how strongly neighbours act together: [joined*: {group} ({value:signed})].",
)


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "text",
    asks=(
        "which words of {row} act together?",
        "do {word} and {word} act together?",
        "do the words {word} and {word} act together in {row}?",
        "does {word} change what {word} does in {row}?",
        "which words interact most in {text}?",
        "is there an interaction between {word} and {word}?",
        "does a negation turn another word around in {row}?",
        ask("which two words of {row} interact most?", k=1),
        ask("which phrases of {row} act together?", unit="phrase"),
        ask("how do the words of {row} build up into phrases?", build=True),
    ),
    says=_SAYS,
)
def interact_text(
    view: View,
    words: tuple[str, ...] = (),
    unit: UnitKind = "word",
    k: Annotated[int, Field(ge=1)] = 3,
    cls: ClassName | None = None,
    build: bool = False,
) -> Evidence:
    """Whether words or phrases of a text act together: the outputs with both, either and neither, over contexts.

    `words`: the two words or phrases asked about; left out, the pairs that interact most. `build`: join neighbours.
    """
    unit = "word" if words else unit
    label = view.explained_class(cls)
    game, asked, others = text_game(view, label, unit, words)
    if len(words) == 1 or (words and len(asked) < 2):
        raise ToolError("Name two different words of the text, or none for the pairs that act together most.")
    if game.count < 2:
        raise ToolError(f"The text has a single {unit}, so there is nothing for it to act together with.")
    if not asked:
        refuse_dear(view, "to try all pairs of words; name the two that you mean")
    pairs, tried = (_named(asked), 0) if asked else _searched(game)
    found = [together(game, pair, view.rng) for pair in pairs]
    tests = max(tried, len(found))
    told = found if len(found) == 1 and asked else _strongest(game, found, tests, k if not asked else len(found))
    return Evidence(
        facts=(*prediction_facts(view, label), *_facts(game, label, found, told, tests, bool(asked), build)),
        method="four outputs with and without each of the two, here and over contexts (Shapley interaction index)",
        estimand=f"difference of differences of {output_words(game, label)} when both, one or neither is deleted",
        quality=direct_evaluation(game.asked, "shortened texts the model was asked about"),
        caveats=tuple(_caveats(game, told, others, unit)),
        figure=_figure(game, label, found),
        table=_table(game, found),
    )


def _named(asked: Sequence[int]) -> list[Pair]:
    return list(itertools.combinations(asked, 2))


def _searched(game: TextGame) -> tuple[list[Pair], int]:
    """Pairs worth a closer look, and how many were tried: of a short text all."""
    if game.count <= EXACT_TERMS:
        every = list(itertools.combinations(range(game.count), 2))
        return every, len(every)
    return likely_pairs(game, _SLOW_CANDIDATES if game.slow else _CANDIDATES)


def _strongest(game: TextGame, found: Sequence[Together], tests: int, k: int) -> list[Together]:
    """The `k` strongest interactions that differ from zero."""
    told = [one for one in found if clear(one, tests, _dust(game))]
    return sorted(told, key=lambda one: -abs(one.mean))[:k]


def _dust(game: TextGame) -> float:
    return _NEGLIGIBLE if not game.view.subject.regression else 1e-9 * abs(game.output())


def _facts(
    game: TextGame,
    label: ClassLabel | None,
    found: Sequence[Together],
    told: Sequence[Together],
    tests: int,
    asked: bool,
    build: bool,
) -> Iterator[Fact]:
    if asked and len(found) == 1:
        yield from _four(game, label, found[0])
    else:
        yield from _ranked(game, label, found, told, tests)
    if build:
        unit: Unit = "points" if label is not None else "output"
        for one in sorted(hierarchy(game), key=lambda joint: -abs(joint.strength))[:_JOINED]:
            if abs(one.strength) > _dust(game):
                yield Fact(relation="joined", value=one.strength, unit=unit, group=_joined(game, one.left, one.right))


def _four(game: TextGame, label: ClassLabel | None, one: Together) -> Iterator[Fact]:
    """The four outputs of the two words asked about, and what they do beyond the sum."""
    view, cls = game.view, None if label is None else label.name
    whole: Unit = "probability" if label is not None else "output"
    apart: Unit = "points" if label is not None else "output"
    for relation, position in zip(("first_word", "second_word"), one.pair, strict=True):
        word = quotable(game.terms[position].text)
        yield Fact(relation=relation, value=word, unit="text", at=word, row=view.row_id)
    role = "both" if label is not None else "both_output"
    given = {"unit": whole, "cls": cls, "row": view.row_id}
    yield Fact.model_validate({"relation": role, "value": one.both, **given})
    for name, value in (("only_first", one.first), ("only_second", one.second), ("neither", one.neither)):
        yield Fact.model_validate({"relation": f"{role}_{name}", "value": value, **given})
    relation = "beyond" if abs(one.here) > _dust(game) else "plain_sum"
    yield Fact(relation=relation, value=one.here if relation == "beyond" else 0, unit=apart, cls=cls)
    yield Fact(relation="contexts", value=one.contexts, unit="count")
    relation = "average" if clear(one, 1, _dust(game)) else "no_average"
    yield Fact(relation=relation, value=one.mean, unit=apart, cls=cls, error=one.error)


def _ranked(
    game: TextGame, label: ClassLabel | None, found: Sequence[Together], told: Sequence[Together], tests: int
) -> Iterator[Fact]:
    cls = None if label is None else label.name
    unit: Unit = "points" if label is not None else "output"
    suffix = "" if label is not None else "_output"
    order = sorted(found, key=lambda one: -abs(one.mean))
    for rank, one in enumerate(order, 1):
        group = quoted([game.terms[position].text for position in one.pair])
        made = Fact(
            relation="pair", value=one.mean, unit=unit, cls=cls, row=game.view.row_id, group=group, rank=rank,
            error=one.error,
        )  # fmt: skip
        yield made
        if one in told:
            yield made.model_copy(update={"relation": f"top_pair{suffix}"})
    if not told:
        yield Fact(relation="no_pair", value=0, unit="count", row=game.view.row_id)
        yield Fact(relation="tried_pairs", value=tests, unit="count")
    elif game.count > EXACT_TERMS:
        yield Fact(relation="contexts_each", value=found[0].contexts, unit="count")


def _joined(game: TextGame, left: Sequence[int], right: Sequence[int]) -> str:
    """The words of two neighbouring parts, quoted with a bar between."""
    parts = (" ".join(game.terms[position].text for position in part) for part in (left, right))
    return quoted([" | ".join(parts)])


def _caveats(game: TextGame, told: Sequence[Together], others: int, unit: UnitKind) -> Iterator[Caveat]:
    yield from others_as_one(game, others, unit)
    positions = dict.fromkeys(position for one in told for position in one.pair)
    repeated = [game.terms[p].text for p in positions if game.terms[p].times > 1 and game.terms[p].text]
    if repeated and unit == "word":
        text = f"{quoted(repeated)} {'are' if len(repeated) > 1 else 'is'} taken away everywhere at once."
        yield Caveat(flag="repeated", text=text)
    turned = [one for one in told if one.error is not None and abs(one.here) > _dust(game) and one.here * one.mean < 0]
    for one in turned:
        text = (
            f"For {quoted([game.terms[p].text for p in one.pair])}, the text as it is says the opposite of the average."
        )
        yield Caveat(flag="context", text=text)


def _figure(game: TextGame, label: ClassLabel | None, found: Sequence[Together]) -> Figure:
    order = sorted(found, key=lambda one: -abs(one.mean))[:10]
    what = output_words(game, label)
    return Figure(
        kind="bars",
        title=f"What acts together on {what}",
        x_label="pair",
        y_label=f"change of {what} beyond the sum",
        series=(
            Series(
                name="interaction",
                x=tuple(quoted([game.terms[p].text for p in one.pair]) for one in order),
                y=tuple(one.mean for one in order),
                error=tuple(one.error or 0.0 for one in order),
            ),
        ),
    )


def _table(game: TextGame, found: Sequence[Together]) -> Table:
    rows = tuple(
        (*(game.terms[p].text for p in one.pair), one.both, one.first, one.second, one.neither, one.mean, one.error)
        for one in sorted(found, key=lambda one: -abs(one.mean))
    )
    return Table(
        columns=("first", "second", "both", "only first", "only second", "neither", "average", "standard error"),
        rows=rows,
        note="the four outputs are for the text as it is; the average is over the other words that are kept",
    )
