"""Several concepts of texts ranked by how soon the model's use of them is found, and how much they explain together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.engines.betting import Similarities, conditional_payoffs, wealth
from askwhy.tools.engines.concept_bets import FEWEST, Rest
from askwhy.tools.engines.concept_rank_told import rank_caveats, rank_facts, rank_figure, rank_quality, rank_table
from askwhy.tools.engines.concept_ranks import ORDERS, Ranked, raced, together
from askwhy.tools.engines.concepts import Concept
from askwhy.tools.engines.discoveries import discovered
from askwhy.tools.engines.text_concept_bets import (
    Size,
    TextPopulation,
    WordSpace,
    marks_of,
    put_into,
    readable,
    rest_of,
)
from askwhy.tools.engines.text_concepts import TextConcept, library, named_concept
from askwhy.tools.engines.text_vectors import network_of, texts_of
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact
from askwhy.tools.quality import direct_evaluation
from askwhy.tools.registry import ClassName, ask, tool
from askwhy.tools.scope import Where
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

MOST = 32
"""C12: at most so many concepts at once."""

_TEXTS, _SLOW_TEXTS = 300, 90
_DEFAULT, _SLOW_DEFAULT = 12, 6

Rate = Annotated[float, Field(gt=0, lt=1)]
Concepts = Annotated[tuple[str, ...], Field(max_length=MOST)]


@tool(
    fits=lambda schema: schema.modality == "text",
    asks=(
        "which concepts does the model use most in the texts?",
        "rank the concepts of the texts",
        ask("rank politeness, negation and length", concepts=("politeness", "negation", "length")),
        "how much do the concepts of the texts explain together?",
        "which topics and ways of writing does the model react to?",
        ask("does the plot matter more than the acting?", concepts=("plot", "acting")),
        "which concepts matter to the model for {entities} with {subset}?",
    ),
    says=(
        "Of {concept_count} concepts, the model uses {found_count} beyond the rest of the text, at a false discovery "
        "rate of at most {rate}.",
        "Of {concept_count_among} concepts, for {entities}{scope} the model uses {found_count} beyond the rest of the "
        "text, at a false discovery rate of at most {rate}.",
        "Of {no_concept} concepts, none is shown to be used beyond the rest of the text, at a false discovery rate of "
        "at most {rate}.",
        "The stronger a concept's effect, the sooner it is found: [found 8: {group} (after {value} bets)], with at "
        "most {rounds} bets.",
        "Used, but too faint to be found beside what the other words do ({faint_count}): [faint 8: {group}].",
        "Not shown to be used ({unfound_count}): [unfound 8: {group}].",
        "Putting {into.group} into texts that lack it changes the probability of {into.cls} by {into:signed} on "
        "average, which is the largest change.",
        "Putting {into_output.group} into texts that lack it changes the output by {into_output:signed} on average, "
        "which is the largest change.",
        "Together, the concepts explain {explained} of the variance of the output, and {unexplained} stays "
        "unexplained.",
        "A rule over the concepts alone goes {completeness} of the way from always naming the commonest class to the "
        "model's own predictions.",
        "The rest of the texts is compared in {space}.",
    ),
)
def concept_rank_text(view: View, concepts: Concepts = (), q: Rate = 0.1, cls: ClassName | None = None) -> Evidence:
    """Which concepts of the texts the model uses, ranked, and how much they explain together.

    `concepts`: names of the shipped library such as "politeness", or words with commas between them; without them,
    those of the library that enough texts have. `q`: false discovery rate. `cls`: for predicting this class.
    """
    if view.scope.has_instance:
        raise ToolError(f"Concepts are ranked over many {view.schema.entities}; test a single concept for one of them.")
    if view.scope.changes:
        raise ToolError("Concepts are ranked on texts as they are; ask without changes.")
    people = _people(view, cls, concepts)
    chosen, same = _chosen(view, people, concepts)
    space = WordSpace(view)
    raced_ones = [_race(people, one, mask, space) for one, mask in chosen]
    order = sorted((one.ranked for one in raced_ones), key=lambda one: (one.time, -one.e_value, one.concept.words))
    passed = discovered(np.array([one.e_value for one in order]), q)
    label = None if people.label is None else view.schema.classes.index(people.label)
    shared = together(people.outputs, [mask for _, mask in chosen], label, view.rng)
    tau = _agreement([one.halves for one in raced_ones])
    return Evidence(
        facts=(
            *rank_facts(view, people, order, passed, q, shared),
            Fact(relation="space", value=space.how, unit=""),
        ),
        method=f"kernelised tests by betting (Teneggi & Sulam 2024) in {ORDERS} orders, given the rest of the text; "
        "e-BH",
        estimand="dependence of the output on each concept, given the rest of the text",
        quality=(*rank_quality(tau, shared), *direct_evaluation(view.evaluate.asked, "texts asked about")),
        caveats=(*rank_caveats(same, tau, view.schema.entities), *_sampled(view, people)),
        figure=rank_figure(order),
        table=rank_table(order, passed),
    )


def _people(view: View, cls: str | None, names: Sequence[str]) -> TextPopulation:
    """A seeded sample of the texts, and more of those that have, or lack, a concept that was asked for."""
    texts, outputs = readable(view)
    most = _TEXTS if network_of(view) is None else _SLOW_TEXTS
    some = np.arange(len(texts))
    if len(some) > most:
        some = view.rng.choice(some, most, replace=False)
        known = texts_of(view.subject.data)
        for name in names:
            marks = marks_of(named_concept(name, (), known), texts)
            for side in (marks, ~marks):
                if int(side[some].sum()) < 2 * FEWEST:
                    some = np.union1d(some, view.rng.permutation(np.flatnonzero(side))[: 2 * FEWEST])
        some = np.sort(some)
    if len(some) < 2 * FEWEST:
        raise ToolError(f"Ranking concepts takes at least {2 * FEWEST} {view.schema.entities}; here are {len(some)}.")
    return TextPopulation.of(view, [texts[int(i)] for i in some], outputs[some], cls)


Marked = tuple[TextConcept, Mask]


def _chosen(view: View, people: TextPopulation, names: Sequence[str]) -> tuple[list[Marked], list[tuple[str, str]]]:
    """The concepts asked for, or the library's, and pairs that name the same texts. ToolError if one has too few."""
    known = texts_of(view.subject.data)
    given = [named_concept(name, (), known) for name in names] or [one.concept(known) for one in library()]
    marked = [(one, marks_of(one, people.texts)) for one in given]
    enough = [(one, mask) for one, mask in marked if min(mask.sum(), (~mask).sum()) >= FEWEST]
    missing = [one.called for one, mask in marked if min(mask.sum(), (~mask).sum()) < FEWEST]
    if (names and missing) or not enough:
        what = f" for {', '.join(missing)}" if names else ""
        raise ToolError(
            f"Among {len(people.texts)} {view.schema.entities} looked at, there are fewer than {FEWEST} on one side"
            f"{what}. Test such a concept alone, or give other words."
        )
    kept: list[Marked] = []
    same = []
    for one, mask in enough:
        twin = next((other.called for other, marks in kept if np.array_equal(marks, mask)), None)
        if twin is None:
            kept.append((one, mask))
        else:
            same.append((one.called, twin))
    most = MOST if names else _DEFAULT if network_of(view) is None else _SLOW_DEFAULT
    return sorted(kept, key=lambda one: (abs(2 * one[1].sum() - len(one[1])), one[0].called))[:most], same


@dataclass(frozen=True)
class _Raced:
    """One concept with its place in the ranking, and the log wealth that it ends with in two halves of the texts."""

    ranked: Ranked
    halves: tuple[float, float]


def _race(people: TextPopulation, about: TextConcept, mask: Mask, space: WordSpace) -> _Raced:
    size, rng = Size.of(people.view), people.view.rng
    rest = rest_of(people, about, size.lenders, space)
    surprise = rest.surprise(mask, mask)
    noisy = [rest.noisy(rng) for _ in range(ORDERS)]
    time, rejected, e_value = raced(rest, noisy, surprise, rng)
    into = put_into(people, about, mask, size.nulls)
    # Where is for tables; here the words alone stand for the concept.
    ranked = Ranked(Concept(about.called, Where(), ()), time, rejected, e_value, into)
    first, second = np.array_split(rng.permutation(len(mask)), 2)
    return _Raced(ranked, (_half(rest, surprise, first, rng), _half(rest, surprise, second, rng)))


def _half(rest: Rest, surprise: Array, places: Array, rng: np.random.Generator) -> float:
    """Mean log wealth over orders at the end of one half of the texts."""
    context = rest.context[np.ix_(places, places)]
    found = []
    for _ in range(ORDERS):
        noise = rng.permutation(rest.expected)[places]
        alike = Similarities.of(rest.values[places] + noise, context)
        path = wealth(conditional_payoffs(alike, surprise[places], rng.permutation(len(places))))
        found.append(np.log(max(float(path[-1]), 1e-300)))
    return float(np.mean(found))


def _agreement(halves: Sequence[tuple[float, float]]) -> float:
    """C12: Kendall's tau between two halves of the texts; NaN for fewer than three concepts."""
    from scipy.stats import kendalltau

    if len(halves) <= 2:
        return float("nan")
    return float(kendalltau([one for one, _ in halves], [other for _, other in halves]).statistic)


def _sampled(view: View, people: TextPopulation) -> tuple[Caveat, ...]:
    if len(people.texts) >= len(view.rows):
        return ()
    text = f"This rests on {len(people.texts):,} of the {len(view.rows):,} {view.schema.entities}, drawn at random."
    return (Caveat(flag="sampled", text=text),)
