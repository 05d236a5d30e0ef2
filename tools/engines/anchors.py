"""Anchors: a rule that a row meets and that holds its prediction in place, however the other values are redrawn.

Beam search of Ribeiro, Singh & Guestrin (2018, "Anchors: High-Precision Model-Agnostic Explanations"); the best rules
of each length are told apart by KL-LUCB (Kaufmann & Kalyanakrishnan 2013). The bounds of the search do not hold for a
rule that was chosen for them, so the rule is measured again on fresh draws, which alone decide.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from askwhy.tools.engines.rules import Predicate, Rule, cuts, holds, joined
from askwhy.tools.evaluator import Evaluator, Index
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import Schema
from askwhy.tools.subject import Mask, plain

PRECISION = 0.95
"""C13: what the lower bound of the precision must reach."""

DELTA = 0.05
"""C13: how often that bound may be wrong."""

FRESH = 2000
"""Fresh draws on which a rule is measured again."""

_ALPHA, _K1 = 1.1, 405.5
"""Exploration rate of KL-LUCB: k1 > 2e + 1 + e/(alpha - 1) + (e + 1)/(alpha - 1)^2."""

_TOLERANCE, _STOP = 0.15, 0.01
_BATCH, _LARGEST_BATCH, _MOST_DRAWS = 100, 800, 1500
_MOST_ROUNDS = 15
_BEAM, _RETESTED, _LOOKED_AT = 5, 3, 10
_CUTS = 3

Kept = Callable[[Outputs], Mask]
"""Whether the outputs (n, width) of drawn rows count as the same prediction: (n,)."""


@dataclass(frozen=True)
class Pace:
    """How many rows are drawn at a time, for one rule at most in the search, and when it is measured again."""

    batch: int = _BATCH
    largest: int = _LARGEST_BATCH
    most: int = _MOST_DRAWS
    fresh: int = FRESH


@dataclass(eq=False)
class Arm:
    """A rule with the share of its data rows and what was drawn of it so far."""

    rule: Rule
    coverage: float
    draws: int = 0
    kept: int = 0

    @property
    def precision(self) -> float:
        """Share of the draws that keep the prediction; 0 before any."""
        return self.kept / self.draws if self.draws else 0.0


@dataclass(frozen=True)
class Anchor:
    """A rule with its precision on `draws` fresh draws; low: its lower bound. coverage: share of the data rows that
    meet it; covered: how many."""

    rule: Rule
    precision: float
    low: float
    draws: int
    coverage: float
    covered: int

    @property
    def passed(self) -> bool:
        """Whether it may be shown as a rule."""
        return self.low >= PRECISION


@dataclass(eq=False)
class Draws:
    """Rows drawn from the data with some features held to a rule, and what the model says of them.

    A cell that meets the rule stays; one that does not is redrawn from the data's cells that do. The instance is the
    last row of the pool, in case no row of the data meets a condition. fewest: rows of the data that must meet a rule.
    """

    evaluate: Evaluator
    instance: pd.DataFrame
    data: pd.DataFrame
    kept: Kept
    rng: np.random.Generator
    pace: Pace = Pace()
    fewest: int = 0
    _pool: pd.DataFrame = field(init=False, repr=False)
    _met: dict[Predicate, Mask] = field(init=False, default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        self._pool = pd.concat([self.data, self.instance], ignore_index=True)

    def extend(self, arms: Sequence[Arm], count: int) -> None:
        """Draw `count` more rows of every arm, in one request."""
        source = np.concatenate([self._rows(arm.rule, count) for arm in arms])
        same = self.kept(self.evaluate.mixed(self._pool, source)).reshape(len(arms), count).sum(axis=1)
        for arm, number in zip(arms, same, strict=True):
            arm.draws, arm.kept = arm.draws + count, arm.kept + int(number)

    def admits(self, rule: Rule) -> bool:
        """Whether a rule that seems precise may be measured again; here every rule may."""
        return True

    def _rows(self, rule: Rule, count: int) -> Index:
        drawn = self.rng.integers(0, len(self.data), count)
        source = np.repeat(drawn[:, None], self._pool.shape[1], axis=1).astype(np.int64)
        for predicate in rule:
            met = self._where(predicate)
            donors = np.flatnonzero(met)
            outside = ~met[drawn]
            column = self._pool.columns.get_loc(predicate.feature.name)
            source[outside, column] = self.rng.choice(donors, int(outside.sum()))
        return source

    def _where(self, predicate: Predicate) -> Mask:
        if predicate not in self._met:
            self._met[predicate] = predicate.holds(self._pool[predicate.feature.name])
        return self._met[predicate]


def predicates(schema: Schema, row: pd.DataFrame, data: pd.DataFrame) -> list[Predicate]:
    """What is true of a row: its categories, and on which side of each quartile its numbers lie."""
    found: list[Predicate] = []
    for feature in schema.features:
        cell = plain(row[feature.name].iloc[0])
        if feature.kind == "text":
            continue
        if cell is None:
            found.append(Predicate(feature, missing=True))
        elif feature.categories or not (feature.numeric or feature.kind == "date"):
            found.append(Predicate(feature, value=cell))
        else:
            for cut in cuts(feature, data[feature.name], _CUTS):
                below = Predicate(feature, high=cut)
                found.append(below if below.holds(row[feature.name])[0] else Predicate(feature, low=cut))
    return found


def find_anchor(draws: Draws, candidates: Sequence[Predicate], most: int) -> Anchor:
    """The rule of at most `most` conditions with the largest coverage that passes, else the most precise one found.

    The shortest length at which a rule passes is taken. An empty rule stands for a prediction that nothing changes.
    """
    beam, tries = [Arm((), 1.0)], _RETESTED * (most + 1) + 1
    measured: list[Anchor] = []
    closest = beam[0]
    for length in range(most + 1):
        arms = beam if length == 0 else _longer(draws, beam, candidates)
        if not arms:
            break
        beam = kl_lucb(draws, arms, min(_BEAM, len(arms)))
        tested = [_again(draws, arm, tries) for arm in _hopeful(draws, arms)]
        passed = [anchor for anchor in tested if anchor.passed]
        if passed:
            return max(passed, key=lambda anchor: anchor.coverage)
        measured += tested
        closest = max((closest, *beam), key=lambda arm: arm.precision)
    return max((*measured, _again(draws, closest, tries)), key=lambda anchor: anchor.precision)


def _hopeful(draws: Draws, arms: Sequence[Arm]) -> list[Arm]:
    """The arms that seem precise enough, largest coverage first, as many as may be measured again."""
    order = sorted((arm for arm in arms if arm.precision >= PRECISION), key=lambda arm: (-arm.coverage, -arm.precision))
    found: list[Arm] = []
    for arm in order[:_LOOKED_AT]:
        if len(found) < _RETESTED and draws.admits(arm.rule) and _may_pass(draws, arm):
            found.append(arm)
    return found


def _longer(draws: Draws, beam: Sequence[Arm], candidates: Sequence[Predicate]) -> list[Arm]:
    rules: dict[Rule, None] = {}
    for arm in beam:
        for predicate in candidates:
            longer = joined(arm.rule, predicate)
            if longer is not None and longer not in {arm.rule for arm in beam}:
                rules[longer] = None
    met = {rule: holds(rule, draws.data) for rule in rules}
    return [Arm(rule, float(mask.mean())) for rule, mask in met.items() if mask.sum() >= draws.fewest]


def _again(draws: Draws, arm: Arm, tries: int) -> Anchor:
    """The rule on fresh draws; the bound holds for all of `tries` rules that may be measured so (Bonferroni)."""
    fresh = Arm(arm.rule, arm.coverage)
    draws.extend([fresh], draws.pace.fresh)
    low = kl_bound(fresh.precision, math.log(tries / DELTA) / fresh.draws, upper=False)
    return Anchor(arm.rule, fresh.precision, low, fresh.draws, arm.coverage, int(holds(arm.rule, draws.data).sum()))


def _may_pass(draws: Draws, arm: Arm) -> bool:
    """Draw until it is clear on which side of the required precision the rule is, or the draws are spent."""
    level = math.log(1 / DELTA)
    while arm.draws < draws.pace.most:
        low = kl_bound(arm.precision, level / max(1, arm.draws), upper=False) if arm.draws else 0.0
        high = kl_bound(arm.precision, level / max(1, arm.draws), upper=True) if arm.draws else 1.0
        if arm.draws and (high < PRECISION or low >= PRECISION - _STOP):
            break
        draws.extend([arm], 2 * draws.pace.batch)
    return arm.precision >= PRECISION


def kl_lucb(draws: Draws, arms: Sequence[Arm], best: int) -> list[Arm]:
    """The `best` most precise of the arms, up to a tolerance, most precise first (KL-LUCB, confidence 1 - DELTA)."""
    fresh = [arm for arm in arms if not arm.draws]
    if fresh:
        draws.extend(fresh, draws.pace.batch)
    for turn in range(1, _MOST_ROUNDS + 1):
        order = sorted(arms, key=lambda arm: -arm.precision)
        top, rest = order[:best], order[best:]
        if not rest:
            return top
        rate = _exploration(turn, len(arms))
        weakest = min(top, key=lambda arm: kl_bound(arm.precision, rate / arm.draws, upper=False))
        strongest = max(rest, key=lambda arm: kl_bound(arm.precision, rate / arm.draws, upper=True))
        gap = kl_bound(strongest.precision, rate / strongest.draws, upper=True) - kl_bound(
            weakest.precision, rate / weakest.draws, upper=False
        )
        if gap <= _TOLERANCE:
            return top
        # Batches grow, as one call of a model costs much the same for 100 rows as for 800.
        draws.extend([weakest, strongest], min(draws.pace.largest, max(weakest.draws, strongest.draws)))
    return sorted(arms, key=lambda arm: -arm.precision)[:best]


def _exploration(turn: int, arms: int) -> float:
    level = math.log(_K1 * arms * turn**_ALPHA / DELTA)
    return level + math.log(level)


def kl_bound(share: float, level: float, *, upper: bool) -> float:
    """The largest (or smallest) q whose Bernoulli divergence from `share` is at most `level`, by bisection."""
    inner, outer = share, 1.0 if upper else 0.0
    for _ in range(40):
        middle = (inner + outer) / 2
        if divergence(share, middle) <= level:
            inner = middle
        else:
            outer = middle
    return inner


def divergence(p: float, q: float) -> float:
    """Kullback-Leibler divergence of Bernoulli(p) from Bernoulli(q), in nats."""
    if q in (0.0, 1.0):
        return 0.0 if p == q else math.inf
    first = p * math.log(p / q) if p > 0 else 0.0
    second = (1 - p) * math.log((1 - p) / (1 - q)) if p < 1 else 0.0
    return first + second
