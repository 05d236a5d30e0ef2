"""V1: no number is said more often than askwhy's own wording of the same evidence says it.

A true value in the place of another is what other checks see least: both are in the evidence. But then it stands in the
text once too often.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from askwhy.agent.answer import Failure
from askwhy.agent.manner import manners_of
from askwhy.agent.plan import Plan
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify.numbers import Number, numbers
from askwhy.tools.evidence import Evidence
from askwhy.tools.schema import Schema

_VARIATIONS = 2


def check_repeats(text: str, evidence: tuple[Evidence, ...], plan: Plan, schema: Schema) -> Iterator[Failure]:
    """Numbers in digits that are said too often, against the wording that leaves the fewest of them."""
    if len(plan.steps) != len(evidence) or "letter" in plan.forms:
        return
    said = numbers(text)
    own = (
        verbalize(evidence, schema, variation=variation, forms=plan.forms, manners=manners_of(plan)).text
        for variation in range(_VARIATIONS)
    )
    surplus = min((_surplus(said, numbers(one)) for one in own), key=len)
    for number in surplus:
        words = text[number.start : number.end]
        message = f"{words} is said more often than the evidence bears out: another value belongs in one of its places."
        yield Failure(check="V1", message=message, start=number.start, end=number.end)


def _surplus(said: Sequence[Number], own: Sequence[Number]) -> list[Number]:
    """Numbers in digits that find no number of the wording left to stand for, although there is one like them."""
    alike = [[place for place, other in enumerate(own) if _alike(number, other)] for number in said]
    taken: dict[int, int] = {}
    found = []
    for number in range(len(said)):
        matched = _place(number, alike, taken, set())
        if not matched and alike[number] and not said[number].spelled:
            found.append(said[number])
    return found


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
