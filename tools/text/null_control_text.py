"""Would a model that learnt nothing name the same words? Twins that learnt nothing tell."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.attribution import class_explained, column_of, quantity
from askwhy.tools.engines.discoveries import adjusted
from askwhy.tools.engines.text_telling import own_text, quotable
from askwhy.tools.engines.text_twins import (
    TextTwins,
    WordQuestions,
    of_corpus,
    of_text,
    own_effects,
    raise_text_twins,
)
from askwhy.tools.engines.truth import Array
from askwhy.tools.engines.twins import Alike, twin_p_values
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Series, Table
from askwhy.tools.registry import ClassName, tool
from askwhy.tools.view import View

_LISTED = 5
_FEWEST_WORDS = 3

Rate = Annotated[float, Field(gt=0, lt=1)]


@tool(
    fits=lambda schema: schema.modality == "text",
    asks=(
        "would a random model give the same explanation?",
        "would a model that learnt nothing give the same explanation?",
        "would a random model name the same words of {row}?",
        "would a model with random weights give the same explanation for {row}?",
        "is the explanation of {row} better than chance?",
        "could the important words come from noise?",
        "compare the explanation of {text} with one of a model that learnt nothing",
        "null control of the words",
    ),
    says=(
        "The model was trained again {twins_shuffled} times on shuffled outcomes; such twins have learnt nothing real.",
        "The network was copied {twins_reset} times with its weights drawn anew; such twins have learnt nothing.",
        "What deleting a word changes ranks the {compared} words of {row} in the model and in its twins with "
        "a mean rank correlation of {unlike_here}, at most {unlike_here_high} with {level} confidence, so a model that "
        "learnt nothing would give another explanation.",
        "What deleting a word changes ranks the {compared} words of {row} in the model and in its twins with "
        "a mean rank correlation of {alike_here}, up to {alike_here_high} with {level} confidence, so this explanation "
        "would look much the same for a model that learnt nothing.",
        "Ranked by how far deleting each moves the output, {words_tried} widespread words have a mean rank correlation "
        "of {unlike} between the model and its twins, at most {unlike_high} with {level} confidence, so a model that "
        "learnt nothing would rank them otherwise.",
        "Ranked by how far deleting each moves the output, {words_tried} widespread words have a mean rank correlation "
        "of {alike} between the model and its twins, up to {alike_high} with {level} confidence, so this ranking would "
        "look much the same for a model that learnt nothing.",
        "At a false discovery rate of at most {rate}, deleting these words moves the model further than its twins: "
        "[beyond*: “{at}” (adjusted p {value})].",
        "At a false discovery rate of at most {rate}, none of the {none_beyond} words moves the model further than its "
        "twins.",
        "Twins that learnt nothing: {no_twins}.",
    ),
)
def null_control_text(view: View, q: Rate = 0.1, cls: ClassName | None = None) -> Evidence:
    """Whether a model that learnt nothing would name the same words: twins trained on shuffled outcomes or, for a
    network, with weights drawn anew. For one text, or for widespread words of many. `q`: false discovery rate."""
    label = class_explained(view, cls)
    asked = of_text(own_text(view)) if view.scope.has_instance else of_corpus(view)
    if len(asked.words) < _FEWEST_WORDS:
        raise ToolError("The text has too few words to compare an order of them.")
    column = column_of(view, label)
    own, twins = own_effects(view, asked, column), raise_text_twins(view, asked, column)
    if twins is None:
        return _cannot()
    alike = Alike.of(own, twins.effects)
    p = adjusted(twin_p_values(np.abs(own), np.abs(twins.effects))) if twins.kind == "shuffled" else None
    how = "trained on permuted outcomes" if twins.kind == "shuffled" else "with weights drawn anew"
    return Evidence(
        facts=tuple(_facts(view, asked, own, twins, alike, p, q)),
        method=f"{len(twins.effects)} twins {how}; deletion of words",
        estimand=f"change of {quantity(view, label)} without a word, against models that learnt nothing",
        quality=(alike.quality(),),
        caveats=tuple(_caveats(view, twins)),
        figure=_figure(asked, own, twins),
        table=_table(asked, own, twins, p),
    )


def _cannot() -> Evidence:
    text = (
        "The model can neither be trained again nor reset here, as only its predictions are at hand. Ask how sure the "
        "explanation is instead: that needs no training."
    )
    return Evidence(
        facts=(Fact(relation="no_twins", value=0, unit="count"),),
        method="twins that learnt nothing",
        estimand="the explanation, against models that learnt nothing",
        caveats=(Caveat(flag="not_refittable", text=text),),
    )


def _facts(
    view: View, asked: WordQuestions, own: Array, twins: TextTwins, alike: Alike, p: Array | None, q: float
) -> Iterator[Fact]:
    yield Fact(relation=f"twins_{twins.kind}", value=len(twins.effects), unit="count")
    count = "words_tried" if asked.corpus else "compared"
    yield Fact(relation=count, value=len(asked.words), unit="count", row=view.row_id)
    yield from alike.facts("" if asked.corpus else "_here")
    if p is None:
        return
    yield Fact(relation="rate", value=q, unit="share")
    order = [int(one) for one in np.lexsort((-np.abs(own), p)) if p[one] <= q]
    for rank, one in enumerate(order[:_LISTED], 1):
        yield Fact(relation="beyond", value=float(p[one]), unit="score", at=quotable(asked.words[one]), rank=rank)
    if not order:
        yield Fact(relation="none_beyond", value=len(own), unit="count")


def _caveats(view: View, twins: TextTwins) -> Iterator[Caveat]:
    if twins.thinned:
        text = f"The twins were trained on a sample of the training {view.schema.entities}."
        yield Caveat(flag="thinned", text=text)


def _figure(asked: WordQuestions, own: Array, twins: TextTwins) -> Figure:
    order = np.argsort(-np.abs(own), kind="stable")[:20]
    names = tuple(asked.words[one] for one in order)
    typical = np.quantile(np.abs(twins.effects), 0.95, axis=0)
    return Figure(
        kind="bars",
        title="What deleting a word changes, in the model and in twins",
        x_label="word",
        series=(
            Series(name="model", x=names, y=tuple(float(abs(own[one])) for one in order)),
            Series(name="95 % of twins are below", x=names, y=tuple(float(typical[one]) for one in order)),
        ),
    )


def _table(asked: WordQuestions, own: Array, twins: TextTwins, p: Array | None) -> Table:
    order = np.argsort(-np.abs(own), kind="stable")
    means = twins.effects.mean(axis=0)
    rows = tuple(
        (asked.words[one], float(own[one]), float(means[one]), None if p is None else float(p[one])) for one in order
    )
    return Table(columns=("word", "change", "mean of twins", "adjusted p"), rows=rows)
