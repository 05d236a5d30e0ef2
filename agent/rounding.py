"""How far a number is rounded: enough digits to mean something, and enough to keep different values apart.

Scales: a probability, share or difference of probabilities is shown in per cent, so all work is done on that scale.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from askwhy.agent.wording import is_number, known_feature
from askwhy.tools.evidence import Fact
from askwhy.tools.schema import Schema

MOST = 4
"""Decimals spent to keep two values apart; what agrees so far is printed alike."""

_MOST_EVER = 8
_PERCENT = frozenset({"probability", "share", "points"})


@dataclass(frozen=True)
class Printed:
    """A number on the scale it is printed on; values of one family are compared with each other."""

    key: Hashable
    family: Hashable
    size: float
    error: float
    decimals: int
    most: int


def shown(fact: Fact, value: float) -> float:
    """`value` on the scale it is printed on: per cent for probabilities, shares and their differences."""
    return value * 100 if fact.unit in _PERCENT else value


def is_zero(fact: Fact) -> bool:
    """Whether the fact's number is zero to every digit that could be printed."""
    return round(abs(shown(fact, fact.number())), base_decimals(fact, fact.number(), None)) == 0


def base_decimals(fact: Fact, value: float, schema: Schema | None) -> int:
    """Decimals of one value on its own."""
    size = abs(shown(fact, value))
    if fact.unit == "probability":
        return max(_percent_decimals(size), _beside_even(size))
    if fact.unit == "share":
        return _percent_decimals(size)
    if fact.unit == "points":
        return _visible(size, 1)
    if fact.unit == "log-odds":
        return _visible(size, 2)
    if fact.unit in ("count", "rank"):
        return 0 if float(size).is_integer() else 1
    if fact.unit == "feature" and schema is not None:
        return _feature_decimals(fact, size, schema)
    return _measured(size) if fact.unit in ("output", "feature") else _significant(size, 3)


def decimals_of(facts: Sequence[tuple[Hashable, Fact]], schema: Schema) -> dict[Hashable, int]:
    """Decimals for numbers that are read together, by key: values that differ print differently.

    Decimals are added up to `MOST` until that holds. Values within two standard errors of each other are ties and may
    print alike; so may values that agree to `MOST` decimals.
    """
    printed = {key: _printed(key, fact, schema) for key, fact in facts if is_number(fact.value)}
    families: dict[Hashable, list[Printed]] = {}
    for one in printed.values():
        families.setdefault(one.family, []).append(one)
    return {key: decimals for family in families.values() for key, decimals in _kept_apart(family).items()}


def _printed(key: Hashable, fact: Fact, schema: Schema) -> Printed:
    decimals = base_decimals(fact, fact.number(), schema)
    return Printed(
        key=key,
        family=(fact.unit, fact.feature if fact.unit == "feature" else None),
        size=abs(shown(fact, fact.number())),
        error=abs(shown(fact, fact.error or 0.0)),
        decimals=decimals,
        most=MOST if fact.unit in _PERCENT else max(MOST, min(decimals + 2, _MOST_EVER)),
    )


def _kept_apart(family: list[Printed]) -> dict[Hashable, int]:
    """Sizes are compared, as signs may be said in words. Decimals only grow, so the rounds end."""
    alike: dict[tuple[float, float, int], Printed] = {}
    for one in family:
        alike.setdefault(_content(one), one)
    ordered = sorted(alike.values(), key=lambda one: one.size)
    decimals = {_content(one): one.decimals for one in ordered}
    changed = True
    while changed:
        changed = False
        for i, low in enumerate(ordered):
            for high in ordered[i + 1 :]:
                if round(low.size, decimals[_content(low)]) < round(high.size, decimals[_content(high)]):
                    break
                needed = _separating(low, high)
                for one in (low, high):
                    if needed > decimals[_content(one)]:
                        decimals[_content(one)], changed = needed, True
    return {one.key: decimals[_content(one)] for one in family}


def _content(one: Printed) -> tuple[float, float, int]:
    return one.size, one.error, one.decimals


def _separating(low: Printed, high: Printed) -> int:
    """The fewest decimals that print two values differently; 0 if they are ties."""
    if high.size - low.size <= 2 * math.hypot(low.error, high.error):
        return 0
    for decimals in range(max(low.most, high.most) + 1):
        if round(low.size, decimals) < round(high.size, decimals):
            return decimals
    return 0


def _percent_decimals(size: float) -> int:
    decimals = _visible(size, 0 if size >= 10 else 1)
    if size < 100:  # not certain, so it must not read as 100 %
        while decimals < MOST and round(size, decimals) >= 100:
            decimals += 1
        return 0 if round(size, decimals) >= 100 else decimals
    return decimals


def _beside_even(size: float) -> int:
    """Decimals that show on which side of 50% a probability is; 0 where it is there to `MOST` decimals."""
    return next((decimals for decimals in range(MOST + 1) if round(size, decimals) != 50), 0)


def _visible(size: float, decimals: int) -> int:
    """At least `decimals`, more where the value would print as zero; none where it is whole, or zero to `MOST`."""
    if _is_exact(size, 0) or round(size, MOST) == 0:
        return 0
    while decimals < MOST and round(size, decimals) == 0:
        decimals += 1
    return decimals


def _feature_decimals(fact: Fact, size: float, schema: Schema) -> int:
    feature = known_feature(fact.feature, schema)
    if feature is None or feature.kind != "integer":
        decimals = _significant(size, 6)
        return decimals if _is_exact(size, decimals) else _measured(size)
    # A fraction of a feature that counts in whole numbers is a statistic of it.
    return 0 if _is_exact(size, 0) or size >= 1000 else _visible(size, 1)


def _measured(size: float) -> int:
    """Four significant digits, but hundredths are enough from 1 on, and three digits below."""
    return min(_significant(size, 4), 2) if size >= 1 else _significant(size, 3)


def _significant(size: float, digits: int) -> int:
    """Decimals that show `digits` significant digits and no closing zeros of an exact value."""
    if _is_exact(size, 0) or round(size, _MOST_EVER) == 0:
        return 0
    decimals = min(max(0, digits - 1 - math.floor(math.log10(size))), _MOST_EVER)
    while decimals and _is_exact(size, decimals - 1):
        decimals -= 1
    return decimals


def _is_exact(size: float, decimals: int) -> bool:
    return abs(round(size, decimals) - size) <= 1e-12 * max(1.0, size)
