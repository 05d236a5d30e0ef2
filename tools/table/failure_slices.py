"""Where the model fails most, described as rules that hold up on rows the search did not see."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.engines.flaws import weak_region_facts
from askwhy.tools.engines.metrics import LEVEL
from askwhy.tools.engines.rules import rule_facts, rule_words
from askwhy.tools.engines.subgroups import (
    FALSE_DISCOVERIES,
    Search,
    Subgroup,
    search,
    search_facts,
    search_quality,
    search_table,
)
from askwhy.tools.engines.truth import scored
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence, Fact, Unit
from askwhy.tools.registry import ask, tool
from askwhy.tools.view import View

_OTHERS = 2
_FEWEST_ROWS = 20


@tool(
    fits=lambda schema: schema.modality == "table",
    audit="Groups",
    asks=(
        "is there a weak region of the data?",
        "where does it fail most, and how would you describe those cases?",
        "in which slices of the data does the model fail?",
        "describe the {entities} for which the model is worst",
        "find the weak spots of the model",
        "for what kind of {entities} are the predictions bad?",
        "which combination of values has the highest error rate?",
        "where are the errors concentrated?",
        "in which subgroups does the model do badly among {entities} with {subset}?",
        ask("find slices with up to three conditions where the model fails", conditions=3),
    ),
    says=(
        "The model fails most with {slice_rate.group}: it is wrong about {slice_wrong} of {slice_rows:entities}, "
        "which is {slice_rate}, against {rest_rate} of the others.",
        "The predictions are furthest off with {slice_error.group}: by {slice_error} on average for "
        "{slice_rows:entities}, against {rest_error} for the others.",
        "The difference is {slice_gap:size}, with a {level} interval from {gap_low} to {gap_high}.",
        "Also more often wrong than elsewhere: [other_slice*: {group} ({value})].",
        "Also further off than elsewhere: [other_slice_error*: {group} (by {value})].",
        "No group of {entities}{scope} was found with more mistakes than chance allows: of the {none_of_tested} that "
        "stood out among {searched:entities}, none held up among {confirmed:entities} that the search had not seen.",
        "No group of {entities}{scope} was found with larger errors than chance allows: of the {none_of_tested_error} "
        "that stood out among {searched:entities}, none held up among {confirmed:entities} that the search had not "
        "seen.",
        "Among the {no_candidate:entities} searched, no group with enough rows stood out.",
        "This holds for {confirmed:entities} that the search had not seen; {tested} groups were tested on them.",
        "With {flaw.group}, mistakes are more than close cases explain, which is a {flaw}: the model is wrong about "
        "{region_rate} of {region_rows:entities}, where {region_expected} were to be expected.",
        "With {flaw.group}, errors are far larger than elsewhere, which is a {flaw}: predictions are off by "
        "{region_error} on average for {region_rows:entities}, against {region_rest} for the others.",
        "No weak region was found: in none of {regions} groups of one or two conditions are mistakes far more than "
        "close cases explain.",
        "No weak region was found: in none of {regions_error} groups of one or two conditions are errors far larger "
        "than elsewhere.",
        "Over all {held_out:entities}{scope} held out from training, the model is wrong about {overall}.",
        "Over all {scored:entities}{scope}, the model is wrong about {overall}.",
        "Over all {held_out:entities}{scope} held out from training, it is off by {overall_error} on average.",
        "Over all {scored:entities}{scope}, it is off by {overall_error} on average.",
    ),
)
def failure_slices(view: View, conditions: Annotated[int, Field(ge=1, le=3)] = 2) -> Evidence:
    """Where the model fails most: groups of held-out rows, described by at most `conditions` conditions, with more
    mistakes (or larger errors) than the rest. Found on one half of the rows and tested on the other. A group with far
    more mistakes than a second model leads to expect of such cases is a weak region."""
    truth = scored(view)
    if len(truth.rows) < _FEWEST_ROWS:
        raise ToolError(
            f"Looking for groups needs at least {_FEWEST_ROWS} {view.schema.entities} with a known truth; "
            f"here there are {len(truth.rows)}. Ask for the mistakes instead."
        )
    number = view.subject.regression
    event = np.abs(truth.outputs[:, 0] - truth.actual) if number else truth.wrong.astype(int)
    found = search(view.schema, truth.rows, event, view.rng, conditions)
    unit: Unit = "output" if number else "share"
    overall = Fact(relation="overall_error" if number else "overall", value=float(event.mean()), unit=unit)
    test = "permutation test" if number else "Fisher's exact test"
    return Evidence(
        facts=(
            truth.count_fact(),
            overall,
            *_facts(found, number),
            *search_facts(found, "_error" if number else ""),
            *weak_region_facts(view, truth),
        ),
        method=f"beam search for rules on half of the rows, {test} on the other half, false discoveries held at "
        f"{FALSE_DISCOVERIES:.0%}",
        estimand="mean absolute error in a group against the rest"
        if number
        else "error rate in a group against the rest",
        quality=search_quality(found),
        caveats=truth.caveats,
        table=search_table(found, "mean absolute error" if number else "error rate"),
    )


def _facts(found: Search, number: bool) -> Iterator[Fact]:
    for rank, group in enumerate(found.found[: 1 + _OTHERS], 1):
        yield from _first(group, number) if rank == 1 else _other(group, rank, number)
        yield from rule_facts(group.rule)


def _first(group: Subgroup, number: bool) -> Iterator[Fact]:
    words, unit, gap = rule_words(group.rule), "output" if number else "share", "output" if number else "points"
    yield Fact(relation="level", value=LEVEL, unit="share")
    yield Fact(relation="slice_rows", value=group.rows, unit="count", group=words)
    if not number:
        yield Fact(relation="slice_wrong", value=round(group.inside * group.rows), unit="count", group=words)
    kind = "error" if number else "rate"
    yield Fact(relation=f"slice_{kind}", value=group.inside, unit=unit, group=words)
    yield Fact(relation=f"rest_{kind}", value=group.outside, unit=unit)
    for name, value in (("slice_gap", group.gap), ("gap_low", group.low), ("gap_high", group.high)):
        error = group.error if name == "slice_gap" else None
        yield Fact(relation=name, value=value, unit=gap, group=words, error=error)


def _other(group: Subgroup, rank: int, number: bool) -> Iterator[Fact]:
    relation, unit = ("other_slice_error", "output") if number else ("other_slice", "share")
    yield Fact(
        relation=relation,
        value=group.inside,
        unit=unit,
        group=rule_words(group.rule),
        rank=rank,
    )
