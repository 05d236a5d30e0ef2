"""Numbers said in another unit than their feature's: "half a year" of a feature in months, "two hours" of minutes.

The network points at the number that was said, whatever stands after it. What comes of it here is seen in the line that
says how the question was understood. A month counts as 30 days and a year as 365 where days or weeks are wanted.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from askwhy.agent.embedded.english import ordered_words
from askwhy.agent.parser.decoding import Reading
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.question import Word
from askwhy.agent.plan import Plan, Step
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import AnyOf, Argument, Assignment, Change, Condition, Scalar, Where

_EXACT: Mapping[str, Mapping[str, float]] = {
    "time": {
        "second seconds sec secs": 1, "minute minutes min mins": 60, "hour hours hr hrs h": 3600, "day days": 86400,
        "week weeks wk wks": 604800, "month months mo mos mth mths": 2592000, "year years yr yrs": 31536000,
    },
    "length": {
        "mm millimetre millimetres millimeter millimeters": 0.001,
        "cm centimetre centimetres centimeter centimeters": 0.01, "m metre metres meter meters": 1,
        "km kilometre kilometres kilometer kilometers": 1000, "inch inches": 0.0254, "foot feet ft": 0.3048,
        "yard yards": 0.9144, "mile miles": 1609.344,
    },
    "mass": {
        "mg milligram milligrams": 1e-6, "g gram grams": 0.001, "kg kilo kilos kilogram kilograms": 1,
        "tonne tonnes ton tons": 1000, "lb lbs": 0.45359237, "ounce ounces oz": 0.028349523125, "stone": 6.35029318,
    },
    "volume": {
        "ml millilitre millilitres milliliter milliliters": 0.001, "cl": 0.01, "dl": 0.1,
        "l litre litres liter liters": 1,
    },
    "energy": {"wh": 0.001, "kwh": 1, "mwh": 1000},
    "power": {"watt watts w": 0.001, "kw kilowatt kilowatts": 1, "mw megawatt megawatts": 1000},
    "euros": {"cent cents": 0.01, "euro euros eur": 1},
    "dollars": {"cent cents": 0.01, "dollar dollars usd": 1},
    "sterling": {"penny pence": 0.01, "pound pounds gbp": 1},
}  # fmt: skip
_SPECIAL = {("year", "month"): 12.0, ("month", "year"): 1 / 12, ("year", "week"): 52.0, ("week", "year"): 1 / 52}
_SMALL, _THOUSAND = 0.9, re.compile(r"thousand (?:of )?")
_BETWEEN = frozenset((
    "more", "fewer", "less", "full", "whole", "extra", "additional", "further", "other", "hundred", "thousand", "half",
    "a", "an", "and", "to", "or", "-", *ordered_words("units"), *ordered_words("tens"),
))  # fmt: skip
"""What may stand between a number, or its first word, and its unit, beside another number ("2 to 3 hours")."""
_BOUNDS = {"start": "feature", "stop": "feature", "above": "feature", "below": "feature", "number": ""}
"""Arguments that are an amount, and the argument that names their feature; else they are of the target."""


@dataclass(frozen=True)
class Unit:
    """A unit of measurement: what it measures, its first name, and its size in the unit that others are counted in."""

    kind: str
    name: str
    size: float


@functools.cache
def units_of(word: str) -> tuple[Unit, ...]:
    """The units that a word may stand for: "cents" of euros and of dollars; none for another word."""
    said = word.casefold().strip(" .")
    times = 1000.0 if _THOUSAND.match(said) else 1.0
    said = _THOUSAND.sub("", said)
    return tuple(
        Unit(kind, names.split()[0], size * times)
        for kind, sizes in _EXACT.items() for names, size in sizes.items() if said in names.split()
    )  # fmt: skip


def converted(value: float, said: Unit, wanted: Unit) -> float:
    """A number of one unit as one of another; rounded to tenths where a month or a year is not so many of the other."""
    special = _SPECIAL.get((said.name, wanted.name)) if said.kind == "time" else None
    found = value * (said.size / wanted.size if special is None else special)
    calendar = {said.name, wanted.name} & {"month", "year"} and said.kind == "time"
    rough = calendar and special is None and "day" not in (said.name, wanted.name)
    return round(found, 1) if rough and abs(found) > _SMALL else float(f"{found:.10g}")


def in_units(reading: Reading, page: Page) -> Reading:
    """The reading with numbers that were said in another unit in those of their features."""
    if not isinstance(reading.outcome, Plan):
        return reading
    told = _told(page)
    if not told:
        return reading
    steps = tuple(_Converting(told, page.schema).step(step) for step in reading.outcome.steps)
    return replace(reading, outcome=reading.outcome.model_copy(update={"steps": steps}))


def _told(page: Page) -> dict[float, tuple[Unit, ...]]:
    """The numbers of the question that have a unit after them; not those that also stand without or with another."""
    words, found = page.question.words, {}
    several: dict[float, set[tuple[Unit, ...]]] = {}
    numbers = {mention.word: mention.value for mention in page.question.numbers if mention.way == "said"}
    for place in range(len(words)):
        value = numbers.get(place)
        if value is None and words[place].low in ("a", "an") and not (place and words[place - 1].low == "half"):
            value = 1.0 if place + 1 < len(words) and units_of(words[place + 1].low) else None
        if value is not None:
            several.setdefault(value, set()).add(_unit_after(words, place))
    for value, units in several.items():
        if len(units) == 1 and (one := next(iter(units))):
            found[value] = one
    return found


def _unit_after(words: Sequence[Word], place: int) -> tuple[Unit, ...]:
    place += 1
    while place < len(words) and (words[place].low in _BETWEEN or words[place].kind == "number"):
        place += 1
    return units_of(words[place].low) if place < len(words) else ()


@dataclass(frozen=True)
class _Converting:
    told: Mapping[float, tuple[Unit, ...]]
    schema: Schema

    def step(self, step: Step) -> Step:
        scope = step.scope
        where = Where(all=tuple(AnyOf(any=tuple(map(self._condition, group.any))) for group in scope.where.all))
        changes, case = tuple(map(self._change, scope.changes)), tuple(map(self._cell, scope.case))
        scope = scope.model_copy(update={"where": where, "changes": changes, "case": case})
        arguments = tuple(self._argument(one, step) for one in step.arguments)
        return step.model_copy(update={"scope": scope, "arguments": arguments})

    def _condition(self, one: Condition) -> Condition:
        if one.on == "feature":
            return one.model_copy(update={"value": self._of(one.feature, one.value)})
        return one.model_copy(update={"value": self._of(None, one.value)}) if one.on in ("predicted", "actual") else one

    def _change(self, one: Change) -> Change:
        if one.action not in ("set", "increase", "decrease"):
            return one
        by = one.action != "set"
        return one.model_copy(update={"value": self._of(one.feature, one.value, by=by)})

    def _cell(self, one: Assignment) -> Assignment:
        return one.model_copy(update={"value": self._of(one.feature, one.value)})

    def _argument(self, one: Argument, step: Step) -> Argument:
        if one.name not in _BOUNDS or isinstance(one.value, tuple):
            return one
        name = step.argument(_BOUNDS[one.name]) if _BOUNDS[one.name] else None
        return one.model_copy(update={"value": self._of(name if isinstance(name, str) else None, one.value)})

    def _of(self, name: str | None, value: Scalar | None, by: bool = False) -> Scalar | None:
        """The value in the unit of the feature, or of the target where none is named."""
        if isinstance(value, (bool, str)) or value is None or float(value) not in self.told:
            return value
        feature = self.schema.feature(name) if name in self.schema.names else None
        if name is not None and feature is None:
            return value
        for wanted in units_of((feature.unit if feature else self.schema.target.unit) or ""):
            for said in self.told[float(value)]:
                if said.kind == wanted.kind and said.size != wanted.size:
                    made = converted(float(value), said, wanted)
                    return _plain(made, feature) if _fits(made, float(value), feature, by) else value
        return value


def _plain(value: float, feature: Feature | None) -> int | float:
    return int(value) if value.is_integer() and (feature is None or feature.kind == "integer") else value


def _fits(made: float, said: float, feature: Feature | None, by: bool) -> bool:
    """Whether the number can be meant: it may be out of range only where the number that was said is, too."""
    if feature is None or feature.low is None or feature.high is None:
        return True
    low, high = (0.0, feature.high - feature.low) if by else (feature.low, feature.high)
    return low <= made <= high or not low <= said <= high
