"""Where a text puts features under a test: "age above 28 and at most 38 years and island other than Biscoe".

Tests that are joined by "and" or a comma form a run, as in a rule or in the description of a group. A run is read from
the names, numbers and comparing words alone, in whoever's prose it stands.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from askwhy.agent.verify.check_places import with_unit
from askwhy.agent.verify.clauses import Span
from askwhy.agent.verify.mentions import Mention, named_with
from askwhy.agent.verify.reading import Reading
from askwhy.tools.schema import Feature

Side = Literal["above", "below", "is", "is not"]

_UPWARD = "above|over|exceeding|beyond|after|at least|on or after|from|≥|>=|>"
_DOWNWARD = "below|under|before|at most|on or before|up to|≤|<=|<"
_MORE = "more|higher|larger|greater|longer|bigger|deeper|taller|later|older|heavier"
_LESS = "less|lower|smaller|shorter|fewer|shallower|earlier|younger|lighter"
_BE = r"(?:(?:is|was|are|were|be|being|of|with|a value|set to)\s+){0,3}"
_SET = re.compile(r"\s+(?:is|was|were|be|being|set to|of|=|:)?\s*(?P<not>(?:other than|anything but|not)\s+)?", re.I)
_AND = re.compile(r"(?:\s*,)?\s+and\s+(?:with\s+)?|\s*,\s*(?:with\s+)?", re.I)
_LED = r"\b(?:ENTITY|rows|cases|those|ones)\s+(?:with|where|whose|having|that have)\s+(?:an?\s+|the\s+)?$"


@dataclass(frozen=True)
class Bound:
    """One test. `value`: a number, a date or the name of a category; `within`: half its last printed digit."""

    feature: str
    side: Side
    value: float | str
    within: float = 0.0

    def same_value(self, other: Bound) -> bool:
        """Whether both are about the same value, of whatever feature."""
        if isinstance(self.value, str) or isinstance(other.value, str):
            return self.value == other.value
        return abs(self.value - other.value) <= max(self.within, other.within)

    def same(self, other: Bound) -> bool:
        """Whether it is the same test."""
        return self.feature == other.feature and self.side == other.side and self.same_value(other)


@dataclass(frozen=True)
class Run:
    """Tests that hold together, and where they stand. `led`: they say which rows are meant ("rows with ...")."""

    bounds: tuple[Bound, ...]
    span: Span
    led: bool = False


def runs(reading: Reading) -> tuple[Run, ...]:
    """Every run of a text, in its order."""
    found: list[tuple[list[Bound], Span]] = []
    for bounds, (start, end) in _tests(reading):
        known = {one.feature for one in found[-1][0]} if found else set()
        if found and bounds[0].feature not in known and _AND.fullmatch(reading.text, found[-1][1][1], start):
            found[-1] = ([*found[-1][0], *bounds], (found[-1][1][0], end))
        else:
            found.append((bounds, (start, end)))
    return tuple(Run(tuple(bounds), span, _is_led(reading, span[0])) for bounds, span in found)


def _is_led(reading: Reading, start: int) -> bool:
    schema = reading.ground.schema
    entity = "|".join(map(re.escape, (schema.entities, schema.entity)))
    return bool(re.search(_LED.replace("ENTITY", entity), reading.text[max(0, start - 80) : start], re.I))


def _tests(reading: Reading) -> Iterator[tuple[list[Bound], Span]]:
    """The tests of each feature that is named, with the span from its name to the end of the last value."""
    mentions = reading.mentions
    for position, mention in enumerate(mentions):
        if split := named_with(mention, reading.ground.schema):
            value = next(one.name for one in mention.targets if one.feature == split[0])
            yield [Bound(split[0], "is", value)], mention.span
            continue
        names = mention.names("feature")
        feature = reading.ground.feature(names[0]) if len(names) == 1 else None
        if feature is None:
            continue
        bounds, end = _compared(reading, feature, mention.end)
        if not bounds and position + 1 < len(mentions):
            bounds, end = _set(reading, feature, mention, mentions[position + 1])
        if bounds:
            yield bounds, (mention.start, end)


def _compared(reading: Reading, feature: Feature, start: int) -> tuple[list[Bound], int]:
    """ "above 28 and at most 38 years", from the end of the feature's name."""
    bounds: list[Bound] = []
    end, lead = start, r"\s+"
    for number in (one for one in reading.numbers if one.start >= start):
        side = _side(reading.text[end : number.start], feature, lead)
        if side is None:
            break
        value = number.text if number.kind == "date" else number.value
        bounds.append(Bound(feature.name, side, value, number.tolerance))
        end, lead = with_unit(reading, number)[1], r"\s+and\s+"
    return bounds, end


def _side(gap: str, feature: Feature, lead: str) -> Side | None:
    """Which way words between a name and a number, or between two numbers, compare."""
    ways: tuple[tuple[Side, Side, str, str, tuple[str, ...]], ...] = (
        ("above", "below", _UPWARD, _MORE, feature.more), ("below", "above", _DOWNWARD, _LESS, feature.less)
    )  # fmt: skip
    for side, other, plain, words, own in ways:
        comparing = "|".join((words, *map(re.escape, own)))
        found = re.fullmatch(rf"{lead}{_BE}(?P<not>(?:not|no)\s+)?(?:{plain}|(?:{comparing})\s+than)\s*", gap, re.I)
        if found:
            return other if found["not"] else side
    return None


def _set(reading: Reading, feature: Feature, name: Mention, value: Mention) -> tuple[list[Bound], int]:
    """ "island other than Biscoe", "purpose set to car": a category right after the feature's name."""
    words = _SET.fullmatch(reading.text, name.end, value.start)
    named = tuple(one for one in value.targets if one.kind == "category" and one.feature == feature.name)
    others = tuple(one for one in value.targets if one.kind == "category")
    if words is None or not others or (not named and not words.group().strip()):
        return [], name.end
    return [Bound(feature.name, "is not" if words["not"] else "is", (named or others)[0].name)], value.end
