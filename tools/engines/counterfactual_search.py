"""Finds the smallest allowed changes of a row that make a model's output what is wanted.

Every result is checked on the model itself. The search asks, in this order and in a handful of predict calls:

1. single features over a grid of allowed values;
2. the nearest rows that already have the wanted output, mixed into the row and reverted greedily;
3. pairs of features; 4. a beam of up to five changes, where nothing was found so far.

Every candidate is then pulled back towards the row (numbers by repeated bisection) and stripped of each change that is
not needed: at the end, undoing any single change undoes the result.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.candidates import Cells, Domain
from askwhy.tools.engines.distance import Space
from askwhy.tools.engines.truth import Array
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.predictor import Outputs
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Mask, Subject

_NEIGHBOURS = 40
_KEPT = 12
_PAIRED = 8
_PAIR_VALUES = 6
_BEAM = 3
_BEAM_VALUES = 8
_MOST_CHANGES = 5
_REFINING = 16
_PASSES = 3


@dataclass(frozen=True)
class Goal:
    """What the output should be: a class (its column), or a number of at least or at most `bound`."""

    column: int | None = None
    bound: float = 0.0
    rising: bool = True

    def met(self, outputs: Outputs) -> Mask:
        """Where the goal is reached."""
        if self.column is not None:
            return np.asarray(predicted_index(outputs) == self.column, dtype=bool)
        return np.asarray(self.closeness(outputs) >= 0, dtype=bool)

    def closeness(self, outputs: Outputs) -> Array:
        """How far on the right side of the goal: the lead over the best other class, or the distance of the number."""
        if self.column is None:
            return (outputs[:, 0] - self.bound) * (1.0 if self.rising else -1.0)
        others = np.delete(outputs, self.column, axis=1).max(axis=1)
        return np.asarray(outputs[:, self.column] - others)


@dataclass(frozen=True)
class Found:
    """A valid set of changes: cells by column position, the output they lead to, and their Gower distance."""

    cells: Cells
    output: Array
    distance: float

    @property
    def changed(self) -> frozenset[int]:
        """The columns that change."""
        return frozenset(self.cells)

    @property
    def cost(self) -> tuple[int, float]:
        """Fewer changes first, then smaller ones."""
        return len(self.cells), self.distance


@dataclass
class Search:
    """One row, what may become of it, and what is wanted. `tried` counts candidates asked about."""

    subject: Subject
    row: pd.DataFrame
    domains: dict[int, Domain]
    goal: Goal
    evaluate: Evaluator
    space: Space
    tried: int = 0
    _closeness: list[tuple[Cells, float]] = field(default_factory=list, repr=False)

    def run(self, count: int = 1) -> list[Found]:
        """Up to `count` minimal results with different features, the smallest changes first; empty if none is found."""
        singles = self._settled(self._single_candidates())
        found = choose(singles, count)
        if len(found) < count:
            more = [*self._neighbour_candidates(), *self._pair_candidates()]
            found = choose([*singles, *self._settled(more)], count)
        if not found:
            found = choose(self._settled(self._beam_candidates()), count)
        return found

    def ask(self, candidates: list[Cells]) -> Outputs:
        """Outputs of candidates, in one request."""
        self.tried += len(candidates)
        return self.evaluate.outputs(composed(self.row, candidates))

    def _singles(self) -> list[Cells]:
        return [{j: value} for j, domain in self.domains.items() for value in domain.values]

    def _single_candidates(self) -> list[Cells]:
        """The valid single changes: of a number the nearest on either side, of a category all."""
        candidates = self._singles()
        if not candidates:
            return []
        outputs = self.ask(candidates)
        met = self.goal.met(outputs)
        scored = zip(candidates, self.goal.closeness(outputs).tolist(), met, strict=True)
        self._closeness = [(one, close) for one, close, good in scored if not good]
        valid = [one for one, good in zip(candidates, met, strict=True) if good]
        kept: dict[tuple[int, Any], Cells] = {}
        for one in sorted(valid, key=self.distance):
            ((j, value),) = one.items()
            domain = self.domains[j]
            kept.setdefault((j, value > domain.now if domain.ordered and domain.known else value), one)
        return list(kept.values())

    def _neighbour_candidates(self) -> list[Cells]:
        """The nearest rows with the wanted output, as far as their values are allowed here."""
        columns = list(self.domains)
        meets = np.flatnonzero(self.goal.met(self.evaluate.all_outputs(self.subject)))
        if not len(meets) or not columns:
            return []
        one = self.space.encode(self.row)[0]
        data = self.subject.data
        gaps = self.space.differences(one, self.space.encode(data.iloc[meets]))[:, columns].mean(axis=1)
        candidates = []
        for i in meets[np.argsort(gaps, kind="stable")[:_NEIGHBOURS]]:
            cells = {j: _native(data.iat[int(i), j]) for j in columns}
            candidates.append({j: cell for j, cell in cells.items() if self.domains[j].allows(cell)})
        return self._valid([one for one in candidates if one])[:_KEPT]

    def _pair_candidates(self) -> list[Cells]:
        """Pairs of values that do not suffice alone, of the features that come closest to it."""
        best: dict[int, list[tuple[float, Any]]] = {}
        for cells, closeness in self._closeness:
            ((j, value),) = cells.items()
            best.setdefault(j, []).append((closeness, value))
        ranked = sorted(best, key=lambda j: -max(best[j], key=lambda pair: pair[0])[0])[:_PAIRED]
        values = {j: _spread(best[j]) for j in ranked}
        candidates = [
            {j: one, k: two}
            for j, k in itertools.combinations(ranked, 2)
            for one, two in itertools.product(values[j], values[k])
        ]
        return _nearest_of_each(sorted(self._valid(candidates), key=self.distance))[:_KEPT]

    def _beam_candidates(self) -> list[Cells]:
        """Up to five changes, each the best next one."""
        beam: list[Cells] = [{}]
        for _ in range(min(_MOST_CHANGES, len(self.domains))):
            grown = [
                {**state, j: value}
                for state in beam
                for j, domain in self.domains.items()
                if j not in state
                for value in _thinned(domain.values)
            ]
            if not grown:
                return []
            outputs = self.ask(grown)
            met = self.goal.met(outputs)
            if met.any():
                return [one for one, good in zip(grown, met, strict=True) if good][:_KEPT]
            order = np.argsort(-self.goal.closeness(outputs), kind="stable")
            beam = _distinct(grown[int(i)] for i in order)[:_BEAM]
        return []

    def _valid(self, candidates: list[Cells]) -> list[Cells]:
        if not candidates:
            return []
        met = self.goal.met(self.ask(candidates))
        return [one for one, good in zip(candidates, met, strict=True) if good]

    def _settled(self, candidates: list[Cells]) -> list[Found]:
        """Valid candidates made minimal, each once, checked on the model a last time."""
        stripped = self._stripped(candidates)
        pulled = self._stripped(self._pulled(stripped))
        unique = _distinct(pulled)
        if not unique:
            return []
        outputs = self.ask(unique)
        met = self.goal.met(outputs)
        return [
            Found(cells, output, self.distance(cells))
            for cells, output, good in zip(unique, outputs, met, strict=True)
            if good
        ]

    def _stripped(self, candidates: list[Cells]) -> list[Cells]:
        """Candidates without what they do not need: undone one by one, the least missed change first."""
        active, done = list(candidates), []
        while active:
            undone = [(i, _without(one, j)) for i, one in enumerate(active) if len(one) > 1 for j in one]
            outputs = self.ask([one for _, one in undone]) if undone else np.empty((0, 1))
            best: dict[int, tuple[float, Cells]] = {}
            if undone:
                met, closeness = self.goal.met(outputs), self.goal.closeness(outputs)
                for (i, one), good, close in zip(undone, met, closeness, strict=True):
                    if good and (i not in best or close > best[i][0]):
                        best[i] = (float(close), one)
            done += [one for i, one in enumerate(active) if i not in best]
            active = [one for _, one in best.values()]
        return _distinct(done)

    def _pulled(self, candidates: list[Cells]) -> list[Cells]:
        """Candidates with every number moved as near to the row's own as the result allows, one number at a time."""
        current = [dict(one) for one in candidates]
        numbers = [[j for j in sorted(one) if self.domains[j].divisible] for one in current]
        for turn in range(max(map(len, numbers), default=0)):
            self._pull(current, {i: mine[turn] for i, mine in enumerate(numbers) if turn < len(mine)})
        return current

    def _pull(self, current: list[Cells], which: dict[int, int]) -> None:
        """Move column `which[i]` of candidate i, all candidates in the same requests."""
        reach = {i: self.domains[j].now for i, j in which.items()}
        for _ in range(_PASSES):
            tries = [
                (i, value)
                for i, j in which.items()
                for value in self.domains[j].between(reach[i], current[i][j], _REFINING)
            ]
            if not tries:
                return
            met = self.goal.met(self.ask([{**current[i], which[i]: value} for i, value in tries]))
            for i, j in which.items():
                self._narrow(
                    current[i], reach, (i, j), [(v, ok) for (k, v), ok in zip(tries, met, strict=True) if k == i]
                )

    def _narrow(
        self, cells: Cells, reach: dict[int, Any], place: tuple[int, int], tried: list[tuple[Any, bool]]
    ) -> None:
        """Take the nearest value that works, and the farthest short of it that does not as the next bound."""
        i, j = place
        now = self.domains[j].now
        good = [value for value, works in tried if works]
        if good:
            cells[j] = min(good, key=lambda value: abs(value - now))
        short = [value for value, works in tried if not works and _within(value, reach[i], cells[j])]
        if short:
            reach[i] = min(short, key=lambda value: abs(value - cells[j]))

    def distance(self, cells: Cells) -> float:
        """Gower distance to the row: the mean difference over all features."""
        return float(sum(self.domains[j].difference(value) for j, value in cells.items()) / self.row.shape[1])


def composed(row: pd.DataFrame, candidates: list[Cells]) -> pd.DataFrame:
    """The row with each candidate's cells put in."""
    frame = row.iloc[np.zeros(len(candidates), dtype=int)].reset_index(drop=True)
    columns = {}
    for j, name in enumerate(row.columns):
        own = row[name].iloc[0]
        if not any(j in one for one in candidates):
            continue
        values = [one.get(j, own) for one in candidates]
        dtype = row[name].dtype
        if pd.api.types.is_integer_dtype(dtype) and any(float(value) != int(value) for value in values):
            dtype = np.dtype("float64")
        columns[name] = pd.Series(values, dtype=dtype, index=frame.index)
    return frame.assign(**columns)


def choose(found: list[Found], count: int) -> list[Found]:
    """The cheapest results whose features differ; then, if these are too few, others of the same features."""
    ordered = sorted(found, key=lambda one: (one.cost, sorted(one.changed)))
    picked: list[Found] = []
    for one in ordered:
        if len(picked) < count and not any(other.changed <= one.changed for other in picked):
            picked.append(one)
    for one in ordered:
        same = any(other.changed == one.changed and other.cells != one.cells for other in picked)
        if len(picked) < count and same and all(one.cells != other.cells for other in picked):
            picked.append(one)
    return picked


def _without(cells: Cells, j: int) -> Cells:
    return {k: value for k, value in cells.items() if k != j}


def _within(value: Any, one: Any, other: Any) -> bool:
    return bool(min(one, other) <= value <= max(one, other))


def _key(cells: Cells) -> tuple[tuple[int, str], ...]:
    return tuple((j, repr(cells[j])) for j in sorted(cells))


def _distinct(candidates: Iterable[Cells]) -> list[Cells]:
    return list({_key(one): one for one in candidates}.values())


def _nearest_of_each(ordered: list[Cells]) -> list[Cells]:
    """The first candidate of every set of features."""
    first: dict[frozenset[int], Cells] = {}
    for one in ordered:
        first.setdefault(frozenset(one), one)
    return list(first.values())


def _spread(scored: list[tuple[float, Any]]) -> list[Any]:
    """The value that comes closest to the goal, and some others evenly over the grid."""
    best = max(scored, key=lambda pair: pair[0])[1]
    others = _thinned([value for _, value in scored], _PAIR_VALUES)
    return list(dict.fromkeys([best, *others]))


def _thinned(values: list[Any], most: int = _BEAM_VALUES) -> list[Any]:
    """At most `most` of the values, evenly spread, both ends included."""
    if len(values) <= most:
        return values
    return [values[int(i)] for i in np.linspace(0, len(values) - 1, most).round()]


def _native(cell: Any) -> Any:
    """A numpy scalar as a Python one, so that equal cells look equal."""
    return cell.item() if isinstance(cell, np.generic) else cell
