"""Hidden functions: what askwhy says of a model, turned back into predictions (C20; Schwettmann et al. 2023, "FIND").

Every model is a function with a corrupted region, in which another one rules. askwhy sees data and model only. Its
description is what the evidence states: the rules of `surrogate`, or the curves of `effect` added up, whichever agrees
better with the model on the data. It is measured on fresh rows, overall and inside the corrupted region.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from askwhy.evals.truth_line import Line
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.tools.view import make_view

Array = np.ndarray[Any, Any]
Shape = Callable[[Array], Array]
Interval = tuple[float, float]
"""Above the first and at most the second number."""

ROWS = 600
_FRESH = 4000
_REACH = 2.0
_DETAIL = 5
_NOISE = 0.05
_NEAR = 0.1
"""How near an edge of the region must be met, as a share of the feature's range."""

_ALIKE = 0.5
_RULED = {"rule_above": 0, "rule_at_most": 1}


@dataclass(frozen=True, eq=False)
class Hidden:
    """A function of rows (n, features). region: intervals by the features' positions, inside which `inner` rules.

    classes: its sign is the class, else it is a number.
    """

    name: str
    width: int
    outer: Shape
    inner: Shape
    region: dict[int, Interval]
    classes: bool

    def inside(self, cells: Array) -> Array:
        """Which rows are in the corrupted region."""
        return within(self.region, cells)

    def __call__(self, frame: pd.DataFrame) -> Array:
        cells = np.asarray(frame, dtype=float)
        found = np.where(self.inside(cells), self.inner(cells), self.outer(cells))
        return np.where(found > 0, 0.9, 0.1) if self.classes else found

    def intended(self, cells: Array) -> Array:
        """What the function would be without the corruption: class positions, or numbers."""
        found = self.outer(cells)
        return (found > 0).astype(int) if self.classes else found

    def answers(self, cells: Array) -> Array:
        """What the model says: class positions, or numbers."""
        found = self(pd.DataFrame(cells))
        return (found > 0.5).astype(int) if self.classes else found


def within(region: dict[int, Interval], cells: Array) -> Array:
    """Which rows (n, features) are inside all intervals."""
    met = np.ones(len(cells), dtype=bool)
    for one, (low, high) in region.items():
        met &= (cells[:, one] > low) & (cells[:, one] <= high)
    return met


_OUTER: tuple[tuple[str, Shape], ...] = (
    ("threshold", lambda x: 2.0 * (x[:, 0] > 0.3) - 1.0),
    ("two thresholds", lambda x: 1.0 * (x[:, 0] > -0.4) + 2.0 * (x[:, 1] > 0.7) - 1.4),
    ("line", lambda x: x[:, 0] - 0.7 * x[:, 1]),
    ("piecewise", lambda x: np.maximum(x[:, 0], 0.0) + np.minimum(x[:, 1], 0.5)),
    ("polynomial", lambda x: 0.5 * x[:, 0] ** 3 - x[:, 0] + 0.5 * x[:, 1]),
    ("square", lambda x: x[:, 0] ** 2 - 1.3 + 0.3 * x[:, 1]),
    ("periodic", lambda x: np.sin(3 * x[:, 0])),
    ("periodic and line", lambda x: np.sin(2 * x[:, 0]) + 0.6 * x[:, 1]),
    ("product", lambda x: x[:, 0] * x[:, 1]),
    ("XOR", lambda x: np.where((x[:, 0] > 0) != (x[:, 1] > 0), 1.0, -1.0)),
    ("smaller of two", lambda x: np.minimum(x[:, 0], x[:, 1]) + 0.6),
    ("distance", lambda x: np.hypot(x[:, 0], x[:, 1]) - 1.5),
)
_INNER: tuple[Callable[[Shape], Shape], ...] = (
    lambda outer: lambda x: -outer(x),
    lambda outer: lambda x: np.full(len(x), 1.5),
    lambda outer: lambda x: -0.5 + 1.5 * x[:, -1],
)


@functools.cache
def hidden_functions(count: int | None = None) -> tuple[Hidden, ...]:
    """Every hidden function: twelve as numbers, twelve as classes; or the first `count` of each."""
    found = []
    for classes in (False, True):
        for number, (name, outer) in enumerate(_OUTER[:count]):
            rng = np.random.default_rng((int(classes), number))
            width = 3 + number % 3
            inner = _INNER[number % len(_INNER)](outer)
            found.append(Hidden(name, width, outer, inner, _region(rng, width, number), classes))
    return tuple(found)


def _region(rng: np.random.Generator, width: int, number: int) -> dict[int, Interval]:
    """A fifth to a third of one feature's range, or about half of the ranges of two."""
    some = rng.choice(width, 1 + number % 2, replace=False)
    low, high = ((1.0, 1.3), (1.8, 2.4))[number % 2]
    region = {}
    for one in some:
        span = float(rng.uniform(low, high))
        region[int(one)] = (_REACH - span, _REACH) if rng.random() < 0.5 else (-_REACH, span - _REACH)
    return region


@dataclass(frozen=True)
class Described:
    """How well a description predicts, overall and inside the region; and a tree of one split fitted to the same data.

    For numbers: 1 - mean squared error / variance over all fresh rows; for classes: the share that is right.
    by: which tool the description is of. sliced: `failure_slices` finds the region; ruled: rules of `surrogate` do;
    chance: the rules of the function without corruption would pass for having found it too.
    """

    overall: float
    inside: float
    stump: float
    stump_inside: float
    by: str
    sliced: bool
    ruled: bool
    chance: bool


@functools.cache
def described(hidden: Hidden) -> Described:
    """Ask askwhy about a hidden function and measure what it says."""
    rng = np.random.default_rng(len(hidden.name))
    seen, fresh = (rng.uniform(-_REACH, _REACH, (rows, hidden.width)) for rows in (ROWS, _FRESH))
    subject = subject_of(hidden, seen)
    told = {depth: _call(subject, "surrogate", depth=depth) for depth in (3, _DETAIL)}
    ways: dict[str, Callable[[Array], Array]] = {
        f"rules of depth {depth}": functools.partial(by_rules, subject, evidence) for depth, evidence in told.items()
    }
    if not hidden.classes:
        curves = [_call(subject, "effect", feature=name) for name in subject.schema.names]
        ways["curves"] = functools.partial(by_curves, curves)
    known, truth, there = hidden.answers(seen), hidden.answers(fresh), hidden.inside(fresh)
    by = max(ways, key=lambda one: score(known, ways[one](seen), hidden.classes))
    said, stump = ways[by](fresh), _stump(seen, known, fresh, hidden.classes)
    spread = float(truth.var())
    slices = _call(subject, "failure_slices")
    sound = subject_of(replace(hidden, name=f"sound {hidden.name}", inner=hidden.outer), seen)
    return Described(
        score(truth, said, hidden.classes, spread),
        score(truth[there], said[there], hidden.classes, spread),
        score(truth, stump, hidden.classes, spread),
        score(truth[there], stump[there], hidden.classes, spread),
        by,
        _overlaps(hidden, fresh, boxes(subject, slices)),
        edges_met(hidden, boxes(subject, told[_DETAIL])),
        edges_met(hidden, boxes(sound, _call(sound, "surrogate", depth=_DETAIL))),
    )


def subject_of(hidden: Hidden, cells: Array) -> Subject:
    """The model with data whose outcome is what the function was meant to be."""
    frame = pd.DataFrame(cells, columns=[f"x{j}" for j in range(hidden.width)])
    truth = hidden.intended(cells)
    if not hidden.classes:  # so that two values are not taken for two classes
        truth = truth + _NOISE * np.random.default_rng(0).normal(size=len(truth))
    target = pd.Series(np.where(truth == 1, "yes", "no") if hidden.classes else truth, name="outcome")
    return Subject.of(hidden, frame, target, version=f"hidden {hidden.name} {hidden.classes}")


def _call(subject: Subject, name: str, **arguments: Any) -> Evidence:
    view = make_view(subject, Scope(), Evaluator(subject.predictor), seed=0)
    return find_tool(name)(view, **arguments)


def boxes(subject: Subject, evidence: Evidence) -> dict[str, dict[int, Interval]]:
    """The rules that the evidence states, by their words: intervals of features by position."""
    found: dict[str, dict[int, Interval]] = {}
    for fact in evidence.facts:
        if fact.relation in _RULED and fact.group is not None:
            box = found.setdefault(fact.group, {})
            place = subject.schema.names.index(str(fact.feature))
            ends = list(box.get(place, (-np.inf, np.inf)))
            ends[_RULED[fact.relation]] = fact.number()
            box[place] = (ends[0], ends[1])
    return found


def by_rules(subject: Subject, evidence: Evidence, cells: Array) -> Array:
    """Predictions (n,) by the stated rules: class positions, or numbers."""
    constant = [*evidence.all("constant"), *evidence.all("constant_number")]
    stated = [(fact.group, fact) for fact in (*evidence.all("rule"), *evidence.all("rule_number"))]
    classes = [one.name for one in subject.schema.classes]
    found, rules = np.zeros(len(cells)), boxes(subject, evidence)
    for group, fact in [*((None, one) for one in constant), *stated]:
        met = within(rules[group] if group is not None else {}, cells)
        found[met] = classes.index(str(fact.cls)) if classes else fact.number()
    return found


def by_curves(curves: Sequence[Evidence], cells: Array) -> Array:
    """Predictions (n,) by adding up the stated average curves, each less its own mean."""
    found = np.zeros(len(cells))
    means = []
    for one, evidence in enumerate(curves):
        if evidence.figure is None:
            continue
        line = evidence.figure.series[0]
        at, height = np.asarray(line.x, dtype=float), np.asarray(line.y, dtype=float)
        even = np.interp(np.linspace(-_REACH, _REACH, 200), at, height)
        means.append(float(even.mean()))
        found += np.interp(cells[:, one], at, height) - means[-1]
    return found + (float(np.mean(means)) if means else 0.0)


def score(truth: Array, said: Array, classes: bool, spread: float | None = None) -> float:
    """Share of right classes; of numbers, 1 - mean squared error / `spread` (default: the truth's variance)."""
    if classes:
        return float((truth == said).mean())
    return 1.0 - float(((truth - said) ** 2).mean()) / max(1e-12, float(truth.var()) if spread is None else spread)


def _stump(seen: Array, known: Array, fresh: Array, classes: bool) -> Array:
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    tree = (DecisionTreeClassifier if classes else DecisionTreeRegressor)(max_depth=1, random_state=0)
    return np.asarray(tree.fit(seen, known).predict(fresh))


def _overlaps(hidden: Hidden, cells: Array, rules: dict[str, dict[int, Interval]]) -> bool:
    """Whether a rule is about half the same rows as the region (Jaccard)."""
    there = hidden.inside(cells)
    met = [within(box, cells) for box in rules.values()]
    return any((there & one).sum() >= _ALIKE * (there | one).sum() for one in met)


def edges_met(hidden: Hidden, rules: dict[str, dict[int, Interval]]) -> bool:
    """Whether every edge of the region is a bound of some stated rule, nearly."""
    slack = _NEAR * 2 * _REACH
    return all(
        any(one in box and min(abs(edge - end) for end in box[one]) <= slack for box in rules.values())
        for one, ends in hidden.region.items()
        for edge in ends
        if abs(edge) < _REACH
    )


def hidden_lines(count: int | None) -> list[Line]:
    """Agreement of the descriptions with the functions, and whether the corrupted region is found."""
    every = hidden_functions(count)
    lines = [line for classes in (False, True) for line in _agreement([one for one in every if one.classes == classes])]
    found, on = [described(one) for one in every], f"{len(every)} functions"
    sliced, ruled = (float(np.mean([getattr(one, name) for one in found])) for name in ("sliced", "ruled"))
    chance = f"of the functions without corruption {np.mean([one.chance for one in found]):.3g}"
    part = "hidden functions: region"
    return [
        *lines,
        Line(part, "named by failure_slices (half the same rows)", sliced, "hidden_sliced", on),
        Line(part, "its edges are bounds of surrogate's rules", ruled, "hidden_ruled", on, baseline=chance),
    ]


def _agreement(some: Sequence[Hidden]) -> Iterator[Line]:
    """Required is only that a description is better than a tree of one split: nobody has said how good it must be."""
    kind, what = ("classes", "accuracy") if some[0].classes else ("numbers", "R^2")
    part, found = f"hidden functions: {kind}", [described(one) for one in some]
    curves = sum(one.by == "curves" for one in found)
    for words, name, other in (("overall", "overall", "stump"), ("in the corrupted region", "inside", "stump_inside")):
        own, stump = (np.array([getattr(one, key) for one in found]) for key in (name, other))
        told = f"one split {stump.mean():.3g}; lowest {own.min():.3g}; better than it in {(own > stump).mean():.2f}"
        on = f"{len(some)} functions, {curves} by curves"
        yield Line(
            part, f"{what} of the description, {words}", float(own.mean()), f"hidden_{kind}_{name}", on, baseline=told
        )
    better = float(np.mean([one.overall >= one.stump for one in found]))
    yield Line(part, "no worse than one split", better, f"hidden_{kind}_better", f"{len(some)} functions", least=0.95)
