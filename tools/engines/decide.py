"""Final decisions: which rule decides, the whole system as one function, and what would change the outcome.

Explaining rules and models as one system is the subject of SMACE (Lopardo & Garreau 2021), which adds up how near each
feature is to the rules and how much it matters to the models. Here the composed system itself is evaluated.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.decision import Criterion, Decision, Sign
from askwhy.tools.engines.grid import even_grid, grid, sweep
from askwhy.tools.engines.truth import Array
from askwhy.tools.evaluator import Evaluator, Index, compose
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Mask, plain
from askwhy.tools.view import View

GRID_POINTS = 40
"""Values of a feature that are tried first; as many again between the two where the outcome changes."""

_ORDER: dict[Sign, Callable[[Any, Any], Any]] = {
    "ge": operator.ge, "gt": operator.gt, "le": operator.le, "lt": operator.lt,
}  # fmt: skip


def observed(test: Criterion, schema: Schema, frame: pd.DataFrame, outputs: Outputs) -> Array:
    """What a criterion looks at (n,): cells, a class's probabilities, predicted class positions or numbers."""
    if test.on == "feature":
        return frame[test.name].to_numpy()
    if test.on == "predicted":
        return predicted_index(outputs)
    return outputs[:, 0 if test.on == "output" else schema.class_index(test.name)]


def holds(test: Criterion, schema: Schema, frame: pd.DataFrame, outputs: Outputs) -> Mask:
    """Where a criterion is met (n,)."""
    if test.on == "predicted":
        wanted = [schema.class_index(name) for name in test.among]
        return np.asarray(np.isin(observed(test, schema, frame, outputs), wanted), dtype=bool)
    if test.on != "feature":
        assert test.limit is not None
        return np.asarray(_ORDER[test.sign](observed(test, schema, frame, outputs), test.limit), dtype=bool)
    cells = frame[test.name]
    missing = np.asarray(cells.isna(), dtype=bool)
    if test.sign in ("missing", "present"):
        return np.asarray(missing if test.sign == "missing" else ~missing, dtype=bool)
    if test.sign in ("is", "is_not"):
        same = np.asarray(cells.astype(object).isin(list(test.among)), dtype=bool) & ~missing
        return np.asarray(same if test.sign == "is" else ~same, dtype=bool)
    assert test.limit is not None
    numbers = np.asarray(pd.to_numeric(cells), dtype=float)
    return np.asarray(_ORDER[test.sign](numbers, test.limit) & ~missing, dtype=bool)


def fired(decision: Decision, schema: Schema, frame: pd.DataFrame, outputs: Outputs) -> Array:
    """The position of the rule that decides (n,); the number of rules where none holds."""
    found = np.full(len(frame), len(decision.rules))
    for place, rule in reversed(list(enumerate(decision.rules))):
        met = np.all([holds(test, schema, frame, outputs) for test in rule.when], axis=0)
        found[met] = place
    return found


def outcome_of(decision: Decision, place: int) -> str:
    """The outcome of the rule at this position."""
    return decision.rules[place].then if place < len(decision.rules) else decision.otherwise


class Decider(Evaluator):
    """The composed system: asks the model, then the rules. Outputs are 1 for the outcome reached and 0 elsewhere."""

    def __init__(self, view: View, decision: Decision) -> None:
        super().__init__(view.subject.predictor)
        self._model, self._schema, self._decision = view.evaluate, view.schema, decision
        places = [*(rule.then for rule in decision.rules), decision.otherwise]
        self._outcome = np.array([decision.outcomes.index(name) for name in places])

    def mixed(self, pool: pd.DataFrame, source: Index) -> Outputs:
        """Outputs (n, outcomes) of composite rows."""
        outputs = self._model.mixed(pool, source)
        reached = self._outcome[fired(self._decision, self._schema, compose(pool, source), outputs)]
        return np.asarray(np.eye(len(self._decision.outcomes))[reached], dtype=float)


@dataclass(frozen=True)
class OutputMove:
    """The smallest move of the model's output after which the rules, on the same cells, come to another outcome.

    name: the class whose probability moves, the others in proportion; empty for a number. up: whether it rises.
    closed: the limit itself is enough; else it must be passed.
    """

    name: str
    start: float
    limit: float
    up: bool
    closed: bool
    outcome: str

    @property
    def words(self) -> str:
        """How the new output stands to the limit."""
        if self.up:
            return "at least" if self.closed else "above"
        return "at most" if self.closed else "below"


def output_move(decision: Decision, schema: Schema, row: pd.DataFrame, outputs: Outputs) -> OutputMove | None:
    """The smallest such move of one output (1, width); None where no move of it changes the outcome."""
    now = outcome_of(decision, int(fired(decision, schema, row, outputs)[0]))
    found: list[OutputMove] = []
    for column, name, limit in _limits(decision, schema, outputs):
        start = float(outputs[0, column])
        beyond = np.nextafter(limit, np.inf if limit > start or (limit == start) else -np.inf)
        sides = ((limit, True), (float(beyond), False), (float(np.nextafter(limit, -np.inf)), False))
        for value, closed in sides:
            if (value - start) * (limit - start) < 0 or value == start:
                continue
            moved = _moved(outputs, column, value, bool(schema.classes))
            outcome = outcome_of(decision, int(fired(decision, schema, row, moved)[0]))
            if outcome != now:
                found.append(OutputMove(name, start, limit, value > start, closed, outcome))
                break
    return min(found, key=lambda move: abs(move.limit - move.start), default=None)


def _limits(decision: Decision, schema: Schema, outputs: Outputs) -> Iterator[tuple[int, str, float]]:
    """Every value of an output at which a rule may begin or cease to hold: column, class and value."""
    for test in dict.fromkeys(test for rule in decision.rules for test in rule.when):
        if test.on == "output" and test.limit is not None:
            yield 0, "", test.limit
        elif test.on == "probability" and test.limit is not None:
            yield schema.class_index(test.name), test.name, test.limit
        elif test.on == "predicted":
            for column, label in enumerate(schema.classes):
                others = np.delete(outputs[0], column)
                highest, rest = float(others.max()), float(others.sum())
                yield column, label.name, highest / (rest + highest) if rest > 0 else 0.5


def _moved(outputs: Outputs, column: int, value: float, shares: bool) -> Outputs:
    """The outputs with one set to `value`; probabilities of the other classes keep their proportions."""
    if not shares:
        return np.array([[value]])
    others = np.delete(outputs[0], column)
    total = float(others.sum())
    scaled = others * (1 - value) / total if total > 0 else np.full(len(others), (1 - value) / len(others))
    return np.insert(scaled, column, value)[None, :]


@dataclass(frozen=True)
class FeatureMove:
    """The nearest tried value of one numeric feature that changes the outcome; size: in standard deviations."""

    position: int
    value: Any
    outcome: str
    size: float


def feature_moves(view: View, decider: Decider, decision: Decision) -> tuple[tuple[FeatureMove, ...], int]:
    """For every numeric feature that may change, the nearest value tried that changes the outcome; and how many
    features were tried. Smallest first, in standard deviations of the data."""
    found, tried = [], 0
    now = int(decider.outputs(view.instance)[0].argmax())
    for position, feature in enumerate(view.schema.features):
        cell = plain(view.instance.iloc[0, position])
        if not feature.numeric or not feature.mutable or cell is None:
            continue
        tried += 1
        column = view.subject.data[feature.name]
        spread = float(np.nanstd(np.asarray(column, dtype=float))) or 1.0
        if move := _nearest(view, decider, decision, feature, float(cell), now):
            value, reached = move
            size = abs(float(value) - float(cell)) / spread
            found.append(FeatureMove(position, value, decision.outcomes[reached], size))
    return tuple(sorted(found, key=lambda one: (one.size, one.position))), tried


def _nearest(
    view: View, decider: Decider, decision: Decision, feature: Feature, cell: float, now: int
) -> tuple[Any, int] | None:
    """The nearest value that changes the outcome, and the outcome's position: first on a coarse grid, then between."""
    values = _candidates(decision, feature, view.subject.data[feature.name], cell)
    best: tuple[Any, int] | None = None
    for side in (
        sorted(one for one in values if one > cell),
        sorted((one for one in values if one < cell), reverse=True),
    ):
        hit = _first(view, decider, feature, side, now)
        if hit is None:
            continue
        near = cell if hit[0] == 0 else float(side[hit[0] - 1])
        low, high = sorted((near, float(side[hit[0]])))
        inner = [one for one in even_grid(feature, low, high, GRID_POINTS) if one != near]
        inner.sort(key=lambda one: abs(one - cell))
        finer = _first(view, decider, feature, inner, now) if inner else None
        found = (side[hit[0]], hit[1]) if finer is None else (inner[finer[0]], finer[1])
        if best is None or abs(float(found[0]) - cell) < abs(float(best[0]) - cell):
            best = found
    return best


def _candidates(decision: Decision, feature: Feature, cells: pd.Series, cell: float) -> list[Any]:
    """Values to try: quantiles of the data, and the limits of the rules with their neighbours, where allowed."""
    step = 1.0 if feature.kind == "integer" else 1e-6 * max(1.0, abs(cell))
    limits = [test.limit for rule in decision.rules for test in rule.when if test.name == feature.name and test.numeric]
    near = [limit + shift for limit in limits if limit is not None for shift in (-step, 0.0, step)]
    low, high = feature.allowed or (float(cells.min()), float(cells.max()))
    values = {*map(float, grid(feature, cells, GRID_POINTS)), *near}
    if feature.kind == "integer":
        values = {float(round(one)) for one in values}
    kept = (one for one in values if low <= one <= high and (one - cell) * feature.direction >= 0)
    return [int(one) if feature.kind == "integer" else one for one in kept]


def _first(view: View, decider: Decider, feature: Feature, values: list[Any], now: int) -> tuple[int, int] | None:
    """The first of the values that changes the outcome: its place, and the outcome's position."""
    if not values:
        return None
    reached = sweep(decider, view.instance, feature.name, values)[0].argmax(axis=1)
    changed = np.flatnonzero(reached != now)
    return (int(changed[0]), int(reached[changed[0]])) if len(changed) else None
