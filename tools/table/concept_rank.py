"""Several concepts ranked by how soon the model's use of them is found, and how much they explain together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.engines.concept_bets import FEWEST, Population, check_sides, members
from askwhy.tools.engines.concept_rank_told import rank_caveats, rank_facts, rank_figure, rank_quality, rank_table
from askwhy.tools.engines.concept_ranks import ORDERS, ROWS, Members, agreement, rank, together
from askwhy.tools.engines.concept_rule import read_concept
from askwhy.tools.engines.concepts import library
from askwhy.tools.engines.discoveries import discovered
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import ClassName, tool
from askwhy.tools.table.concept_test import constants
from askwhy.tools.view import View

MOST = 32
"""C12: at most so many concepts at once."""

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
        facts=(
            *rank_facts(view, people, order, passed, q, shared),
            *dict.fromkeys(fact for one in order for fact in constants(one.concept)),
        ),
        method=f"kernelised tests by betting (Teneggi & Sulam 2024) in {ORDERS} orders, given the features that do not "
        "define the concept; e-BH",
        estimand="dependence of the output on each concept, given the other features",
        quality=tuple(rank_quality(tau, shared)),
        caveats=tuple(rank_caveats(same, tau)),
        figure=rank_figure(order),
        table=rank_table(order, passed),
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
