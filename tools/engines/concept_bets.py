"""Whether a model uses a concept: three statements tested by betting, and what moving rows into and out of it does.

association: the output is independent of the concept. use: it is so given the features that do not define it. local:
the same for one instance, whose other features are held. After SKIT (Teneggi & Sulam 2024). The test of use looks at
the output less its mean when the defining features are redrawn, so that a model that ignores them wins nothing,
however imperfect the sampler is.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from askwhy.tools.engines.betting import Outcome, Similarities, conditional_payoffs, outcome, two_sample_payoffs
from askwhy.tools.engines.concepts import Concept
from askwhy.tools.engines.conditional import NEIGHBOURS, Array, Lenders, positions_of
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Index
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import ClassLabel
from askwhy.tools.select import select
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

ROWS = 600
"""At most so many rows are bet on, a seeded sample."""

FEWEST = 20
"""Fewer rows inside or outside and a concept is refused."""

MOVED_ROWS, MOVES = 200, 5
"""Rows moved into or out of a concept, and how often each."""

LOCAL_DRAWS = 100
"""Donors inside and outside of the concept for one instance."""

RANDOM_CONCEPTS = 20
"""C12: random concepts of the same size that the test is run on as well."""

_Z = 1.96


@dataclass(frozen=True, eq=False)
class Population:
    """The rows that are bet on: with positions in the data (n,), outputs (n, width) and the columns that are tested.

    `label` is the class whose probability effects are about, None for a regression or where no class was named.
    """

    view: View
    lenders: Lenders
    rows: pd.DataFrame
    own: Array
    outputs: Outputs
    columns: tuple[int, ...]
    label: ClassLabel | None

    @classmethod
    def of(cls, view: View, chosen: Mask, name: str | None, most: int = ROWS) -> Population:
        """A seeded sample of the chosen rows of the data."""
        own = np.flatnonzero(chosen)
        if len(own) > most:
            own = np.sort(view.rng.choice(own, most, replace=False))
        return cls._from(view, view.subject.data.iloc[own], own, view.evaluate.all_outputs(view.subject)[own], name)

    @classmethod
    def of_instance(cls, view: View, name: str | None) -> Population:
        """The one instance."""
        return cls._from(view, view.instance, positions_of(view, view.instance), view.outputs, name)

    @classmethod
    def _from(cls, view: View, rows: pd.DataFrame, own: Array, outputs: Outputs, name: str | None) -> Population:
        label = view.explained_class(name)
        width = outputs.shape[1]
        columns = (view.schema.classes.index(label),) if label is not None else tuple(range(width))
        return cls(view, Lenders.of(view), rows, own, outputs, columns, label)

    def part(self, places: Array) -> Population:
        """Some of the rows."""
        return replace(self, rows=self.rows.iloc[places], own=self.own[places], outputs=self.outputs[places])

    def tested(self, outputs: Outputs) -> Outputs:
        """The columns that are tested, of outputs (..., width)."""
        return outputs[..., list(self.columns)]


def members(view: View, concept: Concept, rows: pd.DataFrame | None = None) -> Mask:
    """Which rows are in the concept: of the data, or of a frame with the same columns."""
    subject = view.subject if rows is None else replace(view.subject, data=rows, target=None, known=None)
    return select(subject, concept.where, view.evaluate)


def check_sides(view: View, concept: Concept, inside: Mask) -> None:
    """ToolError where too few rows are inside or outside."""
    count, rest = int(inside.sum()), int((~inside).sum())
    if min(count, rest) < FEWEST:
        raise ToolError(
            f"A test needs at least {FEWEST} {view.schema.entities} on either side, and there are {count} with "
            f"{concept.words} and {rest} others."
        )


def association(outputs: Outputs, inside: Mask, alpha: float, rng: np.random.Generator) -> Outcome:
    """Bet on pairs of a row inside and one outside, in random order; each row is used once."""
    one, other = rng.permutation(np.flatnonzero(inside)), rng.permutation(np.flatnonzero(~inside))
    pairs = min(len(one), len(other))
    return outcome(two_sample_payoffs(outputs[one[:pairs]], outputs[other[:pairs]]), alpha)


@dataclass(frozen=True, eq=False)
class Rest:
    """What the other features leave open, for one set of defining features.

    values: (n, width), the output less its mean when they are redrawn. expected: these means. places: (n, k) donors.
    context: likeness (n, n) of the rows in the other features. alike: compares the values.
    """

    values: Outputs
    expected: Outputs
    places: Index
    context: Array
    alike: Similarities

    def noisy(self, rng: np.random.Generator) -> Similarities:
        """Compares the values with the spread that other features cause put back, from other rows.

        Faint values then take long to be found, and strong ones do not; what is nothing stays nothing.
        """
        return Similarities.of(self.values + rng.permutation(self.expected), self.context)

    def surprise(self, inside: Mask, rows: Mask) -> Array:
        """How far each row's membership is from what its donors make likely, in -1..1."""
        return np.asarray(rows.astype(float) - inside[self.places].mean(axis=1))


def rests_of(people: Population, sets: Sequence[tuple[str, ...]]) -> list[Rest]:
    """Redraw each set of features from the rows most like each row in everything else."""
    redrawn = [[people.view.schema.names.index(name) for name in features] for features in sets]
    donors, outputs = people.lenders.donors, people.tested(people.outputs)
    cells = donors.space.encode(people.rows)
    nearest, likeness = donors.nearest(cells, people.own, redrawn, NEIGHBOURS), donors.likeness(cells, redrawn)
    found = []
    for places, context, features in zip(nearest, likeness, redrawn, strict=True):
        drawn = people.tested(people.lenders.outputs(people.view.evaluate, people.rows, places, features))
        expected = drawn.mean(axis=1)
        values = outputs - expected
        found.append(Rest(values, expected, places, context, Similarities.of(values, context)))
    return found


def use(rest: Rest, surprise: Array, alpha: float, rng: np.random.Generator) -> Outcome:
    """Bet, row by row in random order, that what the output has beyond the rest goes with the concept."""
    return outcome(conditional_payoffs(rest.alike, surprise, rng.permutation(len(surprise))), alpha)


def random_rejections(test: Callable[[Mask, np.random.Generator], Outcome], inside: Mask, seed: int) -> int:
    """How many random concepts of the same size the test finds; each is a false alarm."""
    rng = np.random.default_rng((seed, 12))
    return sum(test(rng.permutation(inside), rng).rejected for _ in range(RANDOM_CONCEPTS))


@dataclass(frozen=True)
class Moved:
    """What moving rows does: mean change of every output column (width,) with standard errors, and the share of
    predictions that flip (None for a regression)."""

    rows: int
    change: Array
    error: Array
    flips: float | None

    def interval(self, column: int) -> tuple[float, float]:
        """The 95 % interval of the mean change of one column."""
        half = _Z * float(self.error[column])
        return float(self.change[column]) - half, float(self.change[column]) + half

    def shows(self, column: int) -> bool:
        """Whether the interval excludes zero."""
        low, high = self.interval(column)
        return low > 0 or high < 0


def moved(people: Population, concept: Concept, rows: Mask, inside: Mask, most: int = MOVED_ROWS) -> Moved:
    """Move rows, a seeded sample of those marked, by redrawing only what defines the concept, from donors `inside`."""
    chosen = np.flatnonzero(rows)
    if len(chosen) > most:
        chosen = np.sort(people.view.rng.choice(chosen, most, replace=False))
    part = people.rows.iloc[chosen]
    drawn = _drawn(people, part, people.own[chosen], concept, inside, MOVES)
    before = people.outputs[chosen]
    return measured(drawn.mean(axis=1) - before, before, flips(people.view, before, drawn))


def measured(change: Array, before: Outputs, flips: float | None) -> Moved:
    """From changes (n, width) of outputs; what is only rounding is no change."""
    change = np.where(np.abs(change) <= 1e-12 * max(1.0, float(np.abs(before).max())), 0.0, change)
    error = change.std(axis=0, ddof=1) / np.sqrt(len(change)) if len(change) > 1 else np.zeros(change.shape[1])
    return Moved(len(change), change.mean(axis=0), error, flips)


def _drawn(people: Population, rows: pd.DataFrame, own: Array, concept: Concept, among: Mask, count: int) -> Outputs:
    redrawn = [people.view.schema.names.index(name) for name in concept.features]
    donors = people.lenders.donors
    places = donors.nearest(donors.space.encode(rows), own, [redrawn], count, among)[0]
    return people.lenders.outputs(people.view.evaluate, rows, places, redrawn)


def flips(view: View, before: Outputs, drawn: Outputs) -> float | None:
    """Share of draws (n, draws, classes) with another prediction than before (n, classes); None for a regression."""
    if view.subject.regression:
        return None
    return float((drawn.argmax(axis=2) != before.argmax(axis=1)[:, None]).mean())


@dataclass(frozen=True)
class Local:
    """One instance: the test with the concept against without, and moving it to the other side."""

    test: Outcome
    present: bool
    moved: Moved
    false_alarms: int


def local(people: Population, concept: Concept, inside: Mask, alpha: float) -> Local:
    """Bet on pairs of draws of the defining features, one with the concept and one without; the rest stays.

    inside: of the donors. Each draw comes from another of the rows most like the instance in its other features.
    """
    view = people.view
    sides = [_drawn(people, people.rows, people.own, concept, side, LOCAL_DRAWS) for side in (inside, ~inside)]
    within, without = (people.tested(side)[0] for side in sides)
    pooled = np.concatenate([within, without])
    marks = np.arange(len(pooled)) < len(within)
    present = bool(members(view, concept, people.rows)[0])
    there = sides[1] if present else sides[0]
    return Local(
        test=association(pooled, marks, alpha, view.rng),
        present=present,
        moved=measured(there[0] - people.outputs[0], people.outputs, flips(view, people.outputs, there)),
        false_alarms=random_rejections(lambda mask, rng: association(pooled, mask, alpha, rng), marks, view.seed),
    )
