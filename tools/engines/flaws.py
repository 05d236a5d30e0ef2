"""Facts that accuse: a fault of the model or of its data, with its kind, its feature and its group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from askwhy.tools.engines.neighbours import training
from askwhy.tools.engines.rules import Rule, rule_facts, rule_words
from askwhy.tools.engines.second_opinion import FEWEST, numbers_of, out_of_fold, thinned
from askwhy.tools.engines.truth import Array, Scored, actual_values
from askwhy.tools.engines.weak_regions import worst_region
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Fact
from askwhy.tools.view import View

FlawKind = Literal["leak", "shortcut", "reversal", "weak region", "label noise"]


def flaw(kind: FlawKind, feature: str | None = None, group: str | None = None) -> Fact:
    """An accusation. A tool makes it only where its own stated rule is met."""
    return Fact(relation="flaw", value=kind, feature=feature, group=group)


def group_flaw(kind: FlawKind, rule: Rule, rows: pd.DataFrame, event: Array) -> Iterator[Fact]:
    """The accusation of a group; its feature is the one whose own condition goes most with the event."""

    def clear(place: int) -> float:
        inside = rule[place].holds(rows[rule[place].feature.name])
        if not inside.any() or inside.all():
            return 0.0
        gap = float(event[inside].mean() - event[~inside].mean())
        return gap * float(np.sqrt(inside.mean() * (1 - inside.mean())))

    main = max(range(len(rule)), key=clear)
    yield flaw(kind, rule[main].feature.name, rule_words(rule))
    yield from rule_facts(rule)


@dataclass(frozen=True)
class Known:
    """Rows of the data with a known truth, as positions. trained: not held out (all, where none is); tested: held out.

    actual: truth of every row of the data: class positions, or numbers.
    """

    trained: Array
    tested: Array
    actual: Array

    @property
    def judged(self) -> Array:
        """The rows on which the model is judged: those held out, else all."""
        return self.tested if len(self.tested) else self.trained

    @property
    def every(self) -> Array:
        """All rows with a known truth."""
        return np.sort(np.concatenate([self.trained, self.tested]))


def known_rows(view: View) -> Known:
    """The scope's rows with a known truth. ToolError where there are too few, or the truth does not vary."""
    subject = view.subject
    if view.scope.has_instance or view.scope.changes:
        raise ToolError(f"Flaws show in many {view.schema.entities} only; ask about them as they are.")
    if subject.target is None:
        raise ToolError("The true values are not known for this data, so flaws of this kind cannot be found.")
    actual = actual_values(view.schema, subject.target)
    known = (actual >= 0 if view.schema.classes else np.isfinite(actual)) & view.chosen
    fit = training(subject)
    found = Known(np.flatnonzero(known & fit), np.flatnonzero(known & ~fit), actual)
    if len(found.every) < FEWEST or len(found.trained) < FEWEST // 2:
        raise ToolError(f"Looking for flaws needs at least {FEWEST} {view.schema.entities} with a known truth.")
    if len(np.unique(actual[found.every])) < 2 or len(np.unique(actual[found.trained])) < 2:
        raise ToolError(f"All of these {view.schema.entities} have the same truth, so there is nothing to compare.")
    return found


def weak_region_facts(view: View, truth: Scored) -> Iterator[Fact]:
    """The region in which the model is surely wrong far more often than a second model leads to expect.

    `regions`: groups compared, where there is none. Wrong more often than by guessing: a reversal. Nothing where rows
    are too few.
    """
    classes, rows = len(view.schema.classes), thinned(np.arange(len(truth.rows)), view.rng)
    if len(rows) < FEWEST or len(np.unique(truth.actual)) < 2 or view.scope.changes:
        return
    frame, actual, outputs = truth.rows.iloc[rows], truth.actual[rows], truth.outputs[rows]
    expected: Array | None = None
    if classes:
        errors = (outputs.argmax(axis=1) != actual).astype(float)
        read, _ = numbers_of(view.schema, frame)
        expected = 1 - out_of_fold(read, actual, classes, "smooth", view.rng).max(axis=1)
    else:
        errors = np.abs(outputs[:, 0] - actual)
    found, tried = worst_region(view.schema, frame, errors, expected)
    if found is None:
        yield Fact(relation="regions" if classes else "regions_error", value=tried, unit="count")
        return
    yield from group_flaw("reversal" if found.turned else "weak region", found.rule, frame, errors)
    words = rule_words(found.rule)
    yield Fact(relation="region_rows", value=found.rows, unit="count", group=words)
    if classes:
        yield Fact(relation="region_rate", value=found.inside, unit="share", group=words)
        yield Fact(relation="region_expected", value=found.expected, unit="share", group=words)
        return
    yield Fact(relation="region_error", value=found.inside, unit="output", group=words)
    yield Fact(relation="region_rest", value=found.outside, unit="output")
