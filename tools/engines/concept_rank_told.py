"""What a ranking of concepts found, as facts, the same for tables and texts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import numpy as np

from askwhy.tools.engines.concept_ranks import ORDERS, Ranked, Together
from askwhy.tools.evidence import Caveat, Fact, Figure, Quality, Series, Table, Unit
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import ClassLabel
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

AGREEING = 0.5
"""C12: Kendall's tau of two halves of the rows below which the order is not to be relied on."""


class Betted(Protocol):
    """What is bet on: outputs (n, width), the columns that are tested, and the class that was named."""

    @property
    def outputs(self) -> Outputs: ...

    @property
    def columns(self) -> tuple[int, ...]: ...

    @property
    def label(self) -> ClassLabel | None: ...


def rank_facts(
    view: View, people: Betted, order: list[Ranked], passed: Mask, q: float, shared: Together
) -> Iterator[Fact]:
    """Which concepts are found, in what order, the one that changes the output most, and what they explain together."""
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
    yield Fact(relation="rounds", value=len(people.outputs), unit="count")
    yield from _largest(view, people, order)
    yield Fact(relation="explained", value=shared.explained, unit="share")
    yield Fact(relation="unexplained", value=1 - shared.explained, unit="share")
    if shared.completeness is not None:
        yield Fact(relation="completeness", value=shared.completeness, unit="share")


def _faint(order: list[Ranked], passed: Mask) -> int:
    return sum(bool(good) and not one.rejected for one, good in zip(order, passed, strict=True))


def _largest(view: View, people: Betted, order: list[Ranked]) -> Iterator[Fact]:
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


def rank_quality(tau: float, shared: Together) -> Iterator[Quality]:
    """C12: whether two halves of the rows rank alike, and what stays unexplained."""
    if np.isfinite(tau):
        note = "Kendall's tau of the ranks from two halves of the rows"
        yield Quality(check="C12", value=tau, passed=tau >= AGREEING, note=note)
    note = "share of the output's variance that the concepts leave unexplained"
    yield Quality(check="C12", value=1 - shared.explained, passed=True, note=note)


def rank_caveats(same: list[tuple[str, str]], tau: float, entities: str = "rows") -> Iterator[Caveat]:
    """Concepts that are the same, and an order that is not certain."""
    for words, other in same:
        text = f"These are the same {entities}, so only one of them was tested: {words} and {other}."
        yield Caveat(flag="duplicate", text=text)
    if np.isfinite(tau) and tau < AGREEING:
        halves = f"Two halves of the {entities} rank the concepts differently (Kendall's tau {tau:.2f})"
        text = f"{halves}: the order is not certain."
        yield Caveat(flag="rank_unstable", text=text)


def rank_figure(order: list[Ranked]) -> Figure:
    """Bets until each is found."""
    series = Series(
        name="bets until it is found",
        x=tuple(one.concept.words for one in order),
        y=tuple(one.time for one in order),
    )
    return Figure(kind="bars", title="Concepts, soonest found first", x_label="concept", series=(series,))


def rank_table(order: list[Ranked], passed: Mask) -> Table:
    """Everything about every concept."""
    rows = tuple(
        (one.concept.words, one.time, one.rejected, one.e_value, bool(good))
        for one, good in zip(order, passed, strict=True)
    )
    columns = ("concept", "mean bets", "share of orders that find it", "e-value", "passes")
    return Table(columns=columns, rows=rows, note=f"over {ORDERS} random orders of the rows")
