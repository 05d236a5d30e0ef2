"""Whether labels are wrong: those that a second model confidently contradicts, and where they are concentrated."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from askwhy.tools.engines.doubtful import Doubts, doubts
from askwhy.tools.engines.flaws import Known, group_flaw, known_rows
from askwhy.tools.engines.second_opinion import thinned, thinned_caveat
from askwhy.tools.engines.truth import Array
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table
from askwhy.tools.registry import tool
from askwhy.tools.subject import plain
from askwhy.tools.view import View

_NAMED, _SHOWN = 5, 30


@tool(
    needs="any",
    fits=lambda schema: schema.modality == "table",
    audit="Labels",
    asks=(
        "are some labels wrong?",
        "which labels are wrong?",
        "is there label noise?",
        "are there mislabelled {entities}?",
        "which {entities} look mislabelled?",
        "can the labels be trusted?",
        "are the true values right?",
        "is the data labelled badly anywhere?",
        "find labelling errors",
    ),
    says=(
        "Labels look wrong for {entities} with {flaw.group}, which is {flaw}: there the labels contradict a second "
        "model for {noise_inside} of {noise_rows:entities}, against {noise_outside} elsewhere; {noise_expected} "
        "were to be expected there.",
        "Labels look swapped for {entities} with {flaw.group}, which is a {flaw}: there the labels contradict a second "
        "model for {swap_inside} of {swap_rows:entities}, against {swap_outside} elsewhere.",
        "True values look wrong for {entities} with {flaw.group}, which is {flaw}: there they are off what a second "
        "model expects by {noise_off} on average, in {noise_rows:entities}, against {rest_off} elsewhere.",
        "Of {checked_labels:entities}{scope}, {doubtful} have a label that a second model confidently contradicts.",
        "Of {checked_numbers:entities}{scope}, {doubtful} have a true value far from what a second model expects.",
        "The most doubtful are: [doubt*: {row}].",
        "No group was found in which wrong labels are more than close cases explain; {tried} groups of one or two "
        "conditions were compared.",
        "Wrong labels would be found where one group has clearly more of them than the others, not where they are "
        "{even} spread.",
    ),
)
def label_check(view: View) -> Evidence:
    """Whether some labels (true values) are wrong: which of them a second model confidently contradicts, and whether
    they are concentrated in a group. On training rows, as a model learns from these."""
    known = known_rows(view)
    rows = thinned(known.trained, view.rng)
    frame, actual = view.subject.data.iloc[rows], known.actual[rows]
    found = doubts(view.schema, frame, actual, view.rng)
    name = "checked_labels" if view.schema.classes else "checked_numbers"
    return Evidence(
        facts=(
            *_region_facts(view, known, rows, found),
            Fact(relation=name, value=len(rows), unit="count"),
            Fact(relation="doubtful", value=int(found.doubtful.sum()), unit="count"),
            *_named(view, rows, found),
        ),
        method="confident learning (Northcutt et al. 2021) with a second model out of fold; excess of contradicted "
        "labels in every group of one or two conditions, z-test with Bonferroni's correction",
        estimand="labels that the features contradict, beyond what close cases explain",
        quality=tuple(_quality(found)),
        caveats=(*_caveats(found), *thinned_caveat(len(known.trained), view.schema.entities)),
        table=_table(view, rows, actual, found),
    )


def _region_facts(view: View, known: Known, rows: Array, found: Doubts) -> Iterator[Fact]:
    region = found.region
    if region is None:
        yield Fact(relation="tried", value=found.tried, unit="count")
        yield Fact(relation="even", value="evenly")
        return
    frame = view.subject.data.iloc[rows]
    accused = list(group_flaw("reversal" if region.turned else "label noise", region.rule, frame, found.doubt))
    yield from accused
    words, kind = accused[0].group, "swap" if region.turned else "noise"
    yield Fact(relation=f"{kind}_rows", value=region.rows, unit="count", group=words)
    if not view.schema.classes:
        yield Fact(relation="noise_off", value=region.inside, unit="output", group=words)
        yield Fact(relation="rest_off", value=region.outside, unit="output")
        return
    yield Fact(relation=f"{kind}_inside", value=region.inside, unit="share", group=words)
    yield Fact(relation=f"{kind}_outside", value=region.outside, unit="share")
    yield Fact(relation=f"{kind}_expected", value=region.expected, unit="share", group=words)


def _order(found: Doubts) -> list[int]:
    places = np.flatnonzero(found.doubtful)
    return [int(one) for one in places[np.argsort(-found.doubt[places], kind="stable")]]


def _named(view: View, rows: Array, found: Doubts) -> Iterator[Fact]:
    for rank, place in enumerate(_order(found)[:_NAMED], 1):
        row = view.subject.row_ids[rows[place]]
        yield Fact(relation="doubt", value=row, unit="id", row=row, rank=rank)


def _quality(found: Doubts) -> Iterator[Quality]:
    if found.region is not None:
        note = "standard errors of the excess of contradicted labels in the group"
        yield Quality(check="C10", value=found.region.z, passed=True, note=note)


def _caveats(found: Doubts) -> Iterator[Caveat]:
    if found.doubtful.any():
        text = (
            "A doubtful label may be right: an unusual case, or one that the features do not explain, looks the same."
        )
        yield Caveat(flag="doubt", text=text)


def _table(view: View, rows: Array, actual: Array, found: Doubts) -> Table:
    def said(value: float) -> str | float:
        return view.schema.classes[int(value)].label if view.schema.classes else float(value)

    cells = []
    for place in _order(found)[:_SHOWN]:
        row = view.subject.row_ids[rows[place]]
        cells.append((row, said(actual[place]), said(found.suggested[place]), plain(found.doubt[place])))
    columns = (view.schema.entity, "true value", "expected by a second model", "doubt")
    return Table(columns=columns, rows=tuple(cells), note="doubt: difference of probabilities, or of numbers")
