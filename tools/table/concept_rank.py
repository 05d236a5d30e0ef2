"""Several concepts ranked by how soon the model's use of them is found, and how much they explain together."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.engines.concept_bets import FEWEST, Population, check_sides, members
from askwhy.tools.engines.concept_ranks import ORDERS, ROWS, Members, Ranked, Together, agreement, rank, together
from askwhy.tools.engines.concept_rule import read_concept
from askwhy.tools.engines.concepts import library
from askwhy.tools.engines.discoveries import discovered
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Quality, Series, Table, Unit
from askwhy.tools.registry import ClassName, tool
from askwhy.tools.subject import Mask
from askwhy.tools.table.concept_test import constants
from askwhy.tools.view import View

MOST = 32
"""C12: at most so many concepts at once."""

AGREEING = 0.5
"""C12: Kendall's tau of two halves of the rows below which the order is not to be relied on."""

Rate = Annotated[float, Field(gt=0, lt=1)]
Concepts = Annotated[tuple[str, ...], Field(max_length=MOST)]


@tool(
    fits=lambda schema: schema.modality == "table",
    asks=(
        "which concepts does the model use most?",
        "rank the concepts",
        "rank these concepts by how much the model uses them",
        "how much do the concepts explain together?",
        "which concepts matter to the model for {entities} with {subset}?",
        "how complete are the concepts as an explanation?",
        "which high or low values and categories does the model react to?",
    ),
    says=(
        "Of {concept_count} concepts, the model uses {found_count} beyond the other features, at a false discovery "
        "rate of at most {rate}.",
        "Of {concept_count_among} concepts, for {entities}{scope} the model uses {found_count} beyond the other "
        "features, at a false discovery rate of at most {rate}.",
        "Of {no_concept} concepts, none is shown to be used beyond the other features, at a false discovery rate of at "
        "most {rate}.",
        "The stronger a concept's effect, the sooner it is found: [found 8: {group} (after {value} bets)], with at "
        "most {rounds} bets.",
        "Used, but too faint to be found beside what the other features do ({faint_count}): [faint 8: {group}].",
        "Not shown to be used ({unfound_count}): [unfound 8: {group}].",
        "Moving {entities} into {into.group}, by redrawing only its features, changes the probability of {into.cls} by "
        "{into:signed} on average, which is the largest change.",
        "Moving {entities} into {into_output.group}, by redrawing only its features, changes the output by "
        "{into_output:signed} on average, which is the largest change.",
        "Together, the concepts explain {explained} of the variance of the output, and {unexplained} stays "
        "unexplained.",
        "A rule over the concepts alone goes {completeness} of the way from always naming the commonest class to the "
        "model's own predictions.",
    ),
)
def concept_rank(view: View, concepts: Concepts = (), q: Rate = 0.1, cls: ClassName | None = None) -> Evidence:
    """Which concepts the model uses, ranked, and how much they explain together.

    `concepts`: rules over features such as "duration > 36", categories, "high age"; without them, a library of
    categories, high and low numbers and missing values. `q`: false discovery rate. `cls`: for predicting this class.
    """
    if view.scope.has_instance:
        raise ToolError(f"Concepts are ranked over many {view.schema.entities}; test a single concept for one of them.")
    if view.scope.changes:
        raise ToolError("Concepts are ranked on rows as they are; ask without changes.")
    people = Population.of(view, view.chosen, cls, ROWS)
    chosen, same = _chosen(view, people, concepts)
    order = rank(people, chosen)
    passed = discovered(np.array([one.e_value for one in order]), q)
    label = None if people.label is None else view.schema.classes.index(people.label)
    shared = together(people.outputs, [one.mask for one in chosen], label, view.rng)
    tau = agreement(people, chosen) if len(order) > 2 else float("nan")
    return Evidence(
        facts=tuple(_facts(view, people, order, passed, q, shared)),
        method=f"kernelised tests by betting (Teneggi & Sulam 2024) in {ORDERS} orders, given the features that do not "
        "define the concept; e-BH",
        estimand="dependence of the output on each concept, given the other features",
        quality=tuple(_quality(tau, shared)),
        caveats=tuple(_caveats(same, tau)),
        figure=_figure(order),
        table=_table(order, passed),
    )


def _chosen(view: View, people: Population, rules: Sequence[str]) -> tuple[list[Members], list[tuple[str, str]]]:
    """The concepts asked for, or the library's, and pairs that name the same rows. ToolError if none can be tested."""
    data = view.subject.data
    given = [read_concept(view.schema, data, rule) for rule in rules] or library(view.schema, data, FEWEST, MOST)
    kept: list[Members] = []
    same = []
    for concept in given:
        inside = members(view, concept)
        one = Members(concept, inside[people.own], inside[people.lenders.donors.positions])
        twin = next((other.concept.words for other in kept if np.array_equal(other.mask, one.mask)), None)
        if twin is not None:
            same.append((concept.words, twin))
        elif rules or min(one.mask.sum(), (~one.mask).sum()) >= FEWEST:
            check_sides(view, concept, one.mask)
            kept.append(one)
    if not kept:
        raise ToolError(f"There are too few {view.schema.entities} to test concepts: at least {FEWEST} on either side.")
    return kept, same


def _facts(
    view: View, people: Population, order: list[Ranked], passed: Mask, q: float, shared: Together
) -> Iterator[Fact]:
    found = int(passed.sum())
    count = ("concept_count_among" if view.scope.where else "concept_count") if found else "no_concept"
    yield Fact(relation=count, value=len(order), unit="count")
    yield Fact(relation="rate", value=q, unit="share")
    if found:
        yield Fact(relation="found_count", value=found, unit="count")
    # By evidence the found ones need not be the soonest; each list keeps the order of the ranking.
    for place, (one, good) in enumerate(zip(order, passed, strict=True), 1):
        relation = "unfound" if not good else "found" if one.rejected else "faint"
        yield Fact(relation=relation, value=one.time, unit="count", group=one.concept.words, rank=place)
    yield Fact(relation="faint_count", value=_faint(order, passed), unit="count")
    yield Fact(relation="unfound_count", value=len(order) - found, unit="count")
    yield Fact(relation="rounds", value=len(people.rows), unit="count")
    yield from _largest(view, people, order)
    yield Fact(relation="explained", value=shared.explained, unit="share")
    yield Fact(relation="unexplained", value=1 - shared.explained, unit="share")
    if shared.completeness is not None:
        yield Fact(relation="completeness", value=shared.completeness, unit="share")
    yield from dict.fromkeys(fact for one in order for fact in constants(one.concept))


def _faint(order: list[Ranked], passed: Mask) -> int:
    return sum(bool(good) and not one.rejected for one, good in zip(order, passed, strict=True))


def _largest(view: View, people: Population, order: list[Ranked]) -> Iterator[Fact]:
    """The concept whose rows change the output most when others are moved into it."""
    unit: Unit = "output" if view.subject.regression else "points"
    columns = range(people.outputs.shape[1]) if people.label is None else people.columns
    _, best, column = max((abs(float(one.into.change[c])), -i, c) for i, one in enumerate(order) for c in columns)
    chosen = order[-best]
    if not chosen.into.change[column]:
        return
    yield Fact(
        relation="into_output" if view.subject.regression else "into",
        value=float(chosen.into.change[column]),
        unit=unit,
        cls=None if view.subject.regression else view.schema.classes[column].name,
        group=chosen.concept.words,
        error=float(chosen.into.error[column]),
    )


def _quality(tau: float, shared: Together) -> Iterator[Quality]:
    if np.isfinite(tau):
        note = "Kendall's tau of the ranks from two halves of the rows"
        yield Quality(check="C12", value=tau, passed=tau >= AGREEING, note=note)
    note = "share of the output's variance that the concepts leave unexplained"
    yield Quality(check="C12", value=1 - shared.explained, passed=True, note=note)


def _caveats(same: list[tuple[str, str]], tau: float) -> Iterator[Caveat]:
    for words, other in same:
        text = f"These are the same rows, so only one of them was tested: {words} and {other}."
        yield Caveat(flag="duplicate", text=text)
    if np.isfinite(tau) and tau < AGREEING:
        text = (
            f"Two halves of the rows rank the concepts differently (Kendall's tau {tau:.2f}): the order is not certain."
        )
        yield Caveat(flag="rank_unstable", text=text)


def _figure(order: list[Ranked]) -> Figure:
    series = Series(
        name="bets until it is found",
        x=tuple(one.concept.words for one in order),
        y=tuple(one.time for one in order),
    )
    return Figure(kind="bars", title="Concepts, soonest found first", x_label="concept", series=(series,))


def _table(order: list[Ranked], passed: Mask) -> Table:
    rows = tuple(
        (one.concept.words, one.time, one.rejected, one.e_value, bool(good))
        for one, good in zip(order, passed, strict=True)
    )
    columns = ("concept", "mean bets", "share of orders that find it", "e-value", "passes")
    return Table(columns=columns, rows=rows, note=f"over {ORDERS} random orders of the rows")
