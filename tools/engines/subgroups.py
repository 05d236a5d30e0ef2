"""Subgroups in which something happens more than elsewhere: found on one half of the rows, tested on the other.

Beam search over conjunctions (Lavrac, Kavsek, Flach & Todorovski 2004: weighted relative accuracy, here with the square
root of the group's size, so that a group is ranked by how clearly it stands out). What the search likes best on its
half is biased by having been chosen, so only the other half decides, with Benjamini-Hochberg over those that go there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from askwhy.tools.engines.discoveries import adjusted
from askwhy.tools.engines.metrics import NORMAL, wilson
from askwhy.tools.engines.rules import Predicate, Rule, holds, joined, predicates_of, rule_words
from askwhy.tools.engines.truth import Array
from askwhy.tools.evidence import Fact, Quality, Table
from askwhy.tools.schema import Schema
from askwhy.tools.subject import Mask

FALSE_DISCOVERIES = 0.1
"""Share of chance findings accepted among the rules that are named."""

FEWEST_ROWS = 5
"""Rows that a group needs in either half."""

SUPPORT = 0.05
"""Share of the rows that a group needs in either half."""

_BEAM = 20
_TESTED = 10
_ALIKE = 0.8
_PERMUTATIONS = 1999
_MOST_PERMUTED = 5000


@dataclass(frozen=True)
class Subgroup:
    """A rule with what was measured on the rows the search did not see.

    rows, rest: rows in the group and outside. inside, outside: means of the event there. low, high: 95 % interval of
    the difference. p: one-sided p-value of inside > outside; adjusted: by Benjamini-Hochberg. searched: the difference
    that the search saw.
    """

    rule: Rule
    rows: int
    rest: int
    inside: float
    outside: float
    low: float
    high: float
    error: float
    p: float
    searched: float
    adjusted: float = 1.0

    @property
    def gap(self) -> float:
        """How much more of the event the group has."""
        return self.inside - self.outside


@dataclass(frozen=True)
class Search:
    """What a search found: `found` holds the confirmed groups, largest difference first; `tested` all that were tested.

    searched, confirmed: how many rows either half had.
    """

    found: tuple[Subgroup, ...]
    tested: tuple[Subgroup, ...]
    searched: int
    confirmed: int


def search(
    schema: Schema,
    rows: pd.DataFrame,
    event: Array,
    rng: np.random.Generator,
    depth: int = 2,
    features: Sequence[str] | None = None,
) -> Search:
    """Rules of at most `depth` conditions on `features` (default: all) whose rows have more of the event.

    `event`: 0/1 per row (Fisher's exact test, Newcombe's interval) or a number (permutation test; Welch's
    above 5,000 rows, and for the interval).
    """
    order = rng.permutation(len(rows))
    half = len(rows) // 2
    one, other = np.sort(order[:half]), np.sort(order[half:])
    candidates = _beam(schema, rows.iloc[one], event[one].astype(float), depth, features)
    need = _need(len(other))
    measured = []
    for rule, gap in candidates:
        inside = holds(rule, rows.iloc[other])
        if need <= inside.sum() <= len(other) - need:
            measured.append(measure(rule, inside, event[other], rng, gap))
    tested = _adjusted(measured)
    named = [group for group in tested if group.adjusted <= FALSE_DISCOVERIES and group.gap > 0]
    named.sort(key=lambda group: (-group.gap, len(group.rule)))
    return Search(tuple(named), tuple(tested), half, len(rows) - half)


def _need(rows: int) -> int:
    return max(FEWEST_ROWS, round(SUPPORT * rows))


def _beam(
    schema: Schema, rows: pd.DataFrame, event: Array, depth: int, features: Sequence[str] | None
) -> list[tuple[Rule, float]]:
    """The clearest rules on the search half, no two about nearly the same rows, with their differences."""
    need, total = _need(len(rows)), len(rows)
    tests = [
        (test, test.holds(rows[one.name]))
        for one in schema.features
        if features is None or one.name in features
        for test in predicates_of(one, rows[one.name])
    ]
    best: dict[Rule, tuple[float, float, Mask]] = {}
    beam: list[tuple[Rule, Mask]] = [((), np.ones(total, dtype=bool))]
    for _ in range(depth):
        level = _extended(beam, tests, event, need)
        best |= level
        ranked = sorted(level, key=lambda rule: (-level[rule][0], _key(rule)))[:_BEAM]
        beam = [(rule, level[rule][2]) for rule in ranked]
    return _different(best)


def _extended(
    beam: list[tuple[Rule, Mask]], tests: list[tuple[Predicate, Mask]], event: Array, need: int
) -> dict[Rule, tuple[float, float, Mask]]:
    """Every rule of the beam with one more condition: how clearly it stands out, its difference and its rows."""
    found: dict[Rule, tuple[float, float, Mask]] = {}
    total, whole = len(event), float(event.sum())
    for rule, mask in beam:
        for test, met in tests:
            longer = joined(rule, test)
            if longer is None or longer in found:
                continue
            inside = mask & met
            count = int(inside.sum())
            if not need <= count <= total - need or (rule and count == mask.sum()):
                continue
            mine = float(event[inside].sum())
            gap = mine / count - (whole - mine) / (total - count)
            found[longer] = (gap * np.sqrt(count * (total - count)) / total, gap, inside)
    return found


def _different(best: dict[Rule, tuple[float, float, Mask]]) -> list[tuple[Rule, float]]:
    """The clearest first; a rule about nearly the same rows as a clearer one is left out."""
    kept: list[tuple[Rule, float, Mask]] = []
    for rule in sorted(best, key=lambda one: (-best[one][0], len(one), _key(one))):
        score, gap, mask = best[rule]
        if score <= 0 or len(kept) == _TESTED:
            break
        if all((mask & other).sum() <= _ALIKE * (mask | other).sum() for _, _, other in kept):
            kept.append((rule, gap, mask))
    return [(rule, gap) for rule, gap, _ in kept]


def _key(rule: Rule) -> str:
    return " ".join(test.words() for test in rule)


def _adjusted(measured: list[Subgroup]) -> list[Subgroup]:
    values = adjusted(np.array([group.p for group in measured]))
    return [
        Subgroup(**{**group.__dict__, "adjusted": float(value)}) for group, value in zip(measured, values, strict=True)
    ]


def measure(rule: Rule, inside: Mask, event: Array, rng: np.random.Generator, searched: float = 0.0) -> Subgroup:
    """The event in the group (a mask with at least one row on either side) against the rest."""
    ours, others = event[inside].astype(float), event[~inside].astype(float)
    counted = set(np.unique(event)) <= {0, 1}
    low, high, p, error = _rates(ours, others) if counted else _means(ours, others, rng)
    return Subgroup(
        rule, len(ours), len(others), float(ours.mean()), float(others.mean()), low, high, error, p, searched
    )


def _rates(ours: Array, others: Array) -> tuple[float, float, float, float]:
    from scipy.stats import fisher_exact

    counts = [[int(one.sum()), int(len(one) - one.sum())] for one in (ours, others)]
    low, high = newcombe(counts[0][0], len(ours), counts[1][0], len(others))
    error = float(np.sqrt(ours.var() / len(ours) + others.var() / len(others)))
    return low, high, float(fisher_exact(counts, alternative="greater").pvalue), error


def _means(ours: Array, others: Array, rng: np.random.Generator) -> tuple[float, float, float, float]:
    from scipy.stats import ttest_ind

    gap = float(ours.mean() - others.mean())
    if min(len(ours), len(others)) < 2 or (ours.var() == 0 and others.var() == 0):
        return gap, gap, 1.0, 0.0
    error = float(np.sqrt(ours.var(ddof=1) / len(ours) + others.var(ddof=1) / len(others)))
    welch = ttest_ind(ours, others, equal_var=False)
    within = welch.confidence_interval(0.95)
    if len(ours) + len(others) > _MOST_PERMUTED:
        p = float(ttest_ind(ours, others, equal_var=False, alternative="greater").pvalue)
    else:
        p = _permuted(ours, others, rng)
    return float(within.low), float(within.high), p, error


def _permuted(ours: Array, others: Array, rng: np.random.Generator) -> float:
    """One-sided p-value of the difference of means under permutation of the rows."""
    every, count = np.concatenate([ours, others]), len(ours)
    least = ours.sum() - 1e-9 * np.abs(every).sum()
    drawn = np.array([rng.permutation(every)[:count].sum() for _ in range(_PERMUTATIONS)])
    return float((1 + (drawn >= least).sum()) / (1 + _PERMUTATIONS))


def newcombe(first: int, first_total: int, second: int, second_total: int, z: float = NORMAL) -> tuple[float, float]:
    """The interval of a difference of proportions from Wilson's intervals of both (Newcombe 1998, method 10).

    It is one of 95 % unless another normal quantile is given.
    """
    one, two = first / first_total, second / second_total
    one_low, one_high = wilson(first, first_total, z)
    two_low, two_high = wilson(second, second_total, z)
    low = one - two - float(np.hypot(one - one_low, two_high - two))
    high = one - two + float(np.hypot(one_high - one, two - two_low))
    return low, high


def search_facts(one: Search, ending: str = "") -> Iterator[Fact]:
    """How many rows either half had, and how many groups were tested: `tested` where some held up, else
    `none_of_tested` with this ending."""
    yield Fact(relation="searched", value=one.searched, unit="count")
    yield Fact(relation="confirmed", value=one.confirmed, unit="count")
    if not one.tested:
        yield Fact(relation="no_candidate", value=one.searched, unit="count")
    elif not one.found:
        yield Fact(relation=f"none_of_tested{ending}", value=len(one.tested), unit="count")
    else:
        yield Fact(relation="tested", value=len(one.tested), unit="count")


def search_quality(one: Search) -> tuple[Quality, ...]:
    """C10: the largest adjusted p-value among the groups that are named; the least among all, if none is."""
    values = [group.adjusted for group in one.found or one.tested]
    if not values:
        return ()
    value = max(values) if one.found else min(values)
    note = f"adjusted p of groups tested on rows the search had not seen; named up to {FALSE_DISCOVERIES}"
    return (Quality(check="C10", value=value, passed=value <= FALSE_DISCOVERIES, note=note),)


def search_table(one: Search, name: str, sign: float = 1.0, offset: float = 0.0) -> Table | None:
    """Every group that was tested: those that hold up, then the others, each by difference.

    `name` is what is said: `offset` plus `sign` times the event.
    """
    if not one.tested:
        return None
    rows = []
    others = [group for group in one.tested if group not in one.found]
    for group in (*one.found, *sorted(others, key=lambda tested: (-tested.gap, tested.p))):
        ends = sorted((sign * group.low, sign * group.high))
        values = (offset + sign * group.inside, offset + sign * group.outside, sign * group.gap, *ends, group.adjusted)
        rows.append((rule_words(group.rule), group.rows, *values))
    columns = ("group", "rows", name, "elsewhere", "difference", "low", "high", "adjusted p")
    return Table(
        columns=columns, rows=tuple(rows), note="Measured on the half of the rows that the search did not see."
    )
