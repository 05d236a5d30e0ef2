"""What concept tests found, as facts: bets, moves and false alarms, the same for tables and texts."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from askwhy.tools.engines.betting import Outcome
from askwhy.tools.engines.concept_bets import RANDOM_CONCEPTS, Moved
from askwhy.tools.evidence import Fact, Quality
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import ClassLabel
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

_FAIR = 0.05


def told_class(view: View, label: ClassLabel | None, outputs: Outputs, mask: Mask) -> ClassLabel | None:
    """The class that effects are told of: the one asked for, else the one whose probability differs most."""
    if label is not None or view.subject.regression:
        return label
    gap = outputs[mask].mean(axis=0) - outputs[~mask].mean(axis=0)
    return view.schema.classes[int(np.abs(gap).argmax())]


def bet_facts(relation: str, test: Outcome) -> Iterator[Fact]:
    """When a bet was won and out of how many rounds, or that it is open; and the wealth."""
    if test.at is None:
        yield Fact(relation=f"{relation}_open", value=test.rounds, unit="count")
    else:
        yield Fact(relation=relation, value=test.at, unit="count")
        yield Fact(relation=f"{relation}_of", value=test.rounds, unit="count")
    yield Fact(relation=f"{relation}_wealth", value=test.wealth, unit="score")


def move_facts(relation: str, move: Moved, view: View, label: ClassLabel | None, column: int) -> Iterator[Fact]:
    """The mean change of one output with its interval, how many rows were moved, and the share of flips."""
    kind = f"{relation}_output" if label is None else relation
    cls = None if label is None else label.name
    unit = "output" if view.subject.regression else "points"
    low, high = move.interval(column)
    yield Fact(relation=f"{kind}_rows", value=move.rows, unit="count")
    yield Fact.model_validate(
        {"relation": kind, "value": float(move.change[column]), "unit": unit, "cls": cls, "error": move.error[column]}
    )
    yield Fact.model_validate({"relation": f"{relation}_low", "value": low, "unit": unit, "cls": cls})
    yield Fact.model_validate({"relation": f"{relation}_high", "value": high, "unit": unit, "cls": cls})
    if move.flips is not None:
        yield Fact(relation=f"{relation}_flips", value=move.flips, unit="share")


def false_alarms(what: str, rejected: int, alpha: float) -> Quality:
    """C12: passed unless so many false alarms would be a rare accident at the level alpha."""
    from scipy.stats import binom

    rare = float(binom.sf(rejected - 1, RANDOM_CONCEPTS, alpha)) < _FAIR
    note = f"share of {RANDOM_CONCEPTS} random concepts of the same size that the test of {what} finds"
    return Quality(check="C12", value=rejected / RANDOM_CONCEPTS, passed=not rare, note=note)
