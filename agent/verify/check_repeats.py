"""V1, V2 and V4 beside askwhy's own wording of the same evidence: what is there too often, or in its place.

A true value in the place of another is what other checks see least, as both are in the evidence. But then it stands in
the text once too often. A text that says nearly all the numbers of the wording tells it again, so there its other
numbers, its directions and its lists of names have to be those of the wording, too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from askwhy.agent.answer import Failure
from askwhy.agent.manner import manners_of
from askwhy.agent.plan import Plan
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify.check_directions import directions
from askwhy.agent.verify.mentions import Mention
from askwhy.agent.verify.numbers import Number, numbers
from askwhy.agent.verify.reading import Reading

_VARIATIONS = 2
_RETOLD = 0.8
"""From this share of the wording's numbers on, a text tells it again."""
_FEWEST = 4
_JOINED = re.compile(r"(?:,| and|, and)\s+(?:the )?", re.I)
_LONG = 3
_CLEAR = 0.2
"""How much more of its words one introduction has to share than another to be the same one."""


def check_repeats(reading: Reading, plan: Plan) -> Iterator[Failure]:
    """Failures beside the wording that leaves the fewest of them."""
    ground = reading.ground
    evidence, schema = ground.evidence, ground.schema
    if len(plan.steps) != len(evidence) or "letter" in plan.forms:
        return
    own = [
        verbalize(evidence, schema, variation=variation, forms=plan.forms, manners=manners_of(plan)).text
        for variation in range(_VARIATIONS)
    ]
    said = numbers(reading.text)
    paired = [_Paired.of(said, numbers(one)) for one in own]
    best = min(range(len(own)), key=lambda one: (len(paired[one].surplus), len(paired[one].alien)))
    for number in paired[best].surplus:
        message = f"{number.text} is said more often than the evidence bears out: another value belongs in its place."
        yield Failure(check="V1", message=message, start=number.start, end=number.end)
    if paired[best].retold:
        yield from _beside(reading, Reading(own[best], ground), paired[best])


def _beside(reading: Reading, own: Reading, paired: _Paired) -> Iterator[Failure]:
    """What a text that tells the wording again says otherwise."""
    for number in paired.alien:
        message = f"{number.text} is not what the evidence has there."
        yield Failure(check="V1", message=message, start=number.start, end=number.end)
    known = _lists(own)
    for one in _lists(reading):
        if known and not any(one.names <= other.names for other in one.introduced_like(known)):
            message = "The evidence has no such list of names there."
            yield Failure(check="V4", message=message, start=one.start, end=one.end)
    yield from _turned(reading, own)


def _turned(reading: Reading, own: Reading) -> Iterator[Failure]:
    """Fewer claims one way and more the other way: one of them was turned around."""
    told, meant = (Counter(one.sign * (-1 if one.denied else 1) for one in directions(each)) for each in (reading, own))
    for sign in (1, -1):
        if told[sign] > meant[sign] and told[-sign] < meant[-sign] and sum(told.values()) == sum(meant.values()):
            words = "up" if sign > 0 else "down"
            message = f"More moves {words} than the evidence has, and less the other way."
            yield Failure(check="V2", message=message, start=0, end=len(reading.text))


@dataclass(frozen=True)
class _List:
    """A list of three or more bare names of features, and the words that introduce it."""

    names: frozenset[str]
    start: int
    end: int
    words: frozenset[str]

    def introduced_like(self, known: Sequence[_List]) -> list[_List]:
        """Those that words like its own introduce; all of them where the words do not tell."""
        alike = [len(self.words & one.words) / max(1, len(self.words | one.words)) for one in known]
        return [one for one, near in zip(known, alike, strict=True) if near > max(alike) - _CLEAR]


def _lists(reading: Reading) -> list[_List]:
    found: list[list[tuple[str, Mention]]] = []
    last: Mention | None = None
    for one in reading.mentions:
        names = one.names("feature")
        if not names:
            last = None
            continue
        joined = last is not None and _JOINED.fullmatch(reading.text, last.end, one.start)
        if not joined:
            found.append([])
        found[-1].append((names[0], one))
        last = one
    lists, before = [], 0
    for some in found:
        start, end = some[0][1].start, some[-1][1].end
        if len(some) >= _LONG:
            words = frozenset(re.findall(r"\w+", re.split(r"[.;]\s", reading.text[before:start])[-1].lower()))
            lists.append(_List(frozenset(name for name, _ in some), start, end, words))
        before = end
    return lists


@dataclass(frozen=True)
class _Paired:
    """Numbers of a text beside those of the wording: said too often; like none of it; and whether it is told again."""

    surplus: list[Number]
    alien: list[Number]
    retold: bool

    @classmethod
    def of(cls, said: Sequence[Number], own: Sequence[Number]) -> _Paired:
        """Each number of the text takes one of the wording."""
        alike = [[place for place, other in enumerate(own) if _alike(number, other)] for number in said]
        taken: dict[int, int] = {}
        left = [one for one in range(len(said)) if not _place(one, alike, taken, set()) and not said[one].spelled]
        kinds = {own[place].kind for place in range(len(own)) if place not in taken}
        alien = [said[one] for one in left if not alike[one] and said[one].kind in kinds]
        surplus = [said[one] for one in left if alike[one]]
        # Who says little may say it twice: "by 13 points, so it is 13 points lower".
        whole = len(own) >= _FEWEST and len(taken) + len(surplus) + len(alien) >= _RETOLD * len(own)
        return cls(surplus if whole else [], alien, whole and len(taken) >= _RETOLD * len(own))


def _place(number: int, alike: list[list[int]], taken: dict[int, int], tried: set[int]) -> bool:
    """Find a place for a number, moving others where that helps (augmenting paths; Kuhn 1955)."""
    for place in alike[number]:
        if place in tried:
            continue
        tried.add(place)
        if place not in taken or _place(taken[place], alike, taken, tried):
            taken[place] = number
            return True
    return False


def _alike(one: Number, other: Number) -> bool:
    """Whether a number of the text may be one of the wording, rounded further: 82%, 0.82 and 0.8 may be 82%."""
    if "date" in (one.kind, other.kind):
        return one.kind == other.kind and one.text == other.text
    return abs(_size(one) - _size(other)) <= _slack(one)


def _size(number: Number) -> float:
    return abs(number.value) / (100 if number.kind in ("percent", "points") else 1)


def _slack(number: Number) -> float:
    return number.tolerance / (100 if number.kind in ("percent", "points") else 1)
