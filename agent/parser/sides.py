"""What a short question changes of the turn before without naming a value: "and below that?", "really?", "the wrong
ones", "the other way round"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Literal

from askwhy.tools.scope import AnyOf, Comparison, Condition, Scope, Where, opposite

_BOUNDS: tuple[tuple[Comparison, re.Pattern[str]], ...] = (
    ("ge", re.compile(r"\bat least\b|\bor (?:more|older|over|above|higher)\b|\bminimum\b|\bno less\b|>=")),
    ("le", re.compile(r"\bat most\b|\bor (?:less|fewer|younger|under|below|lower)\b|\bup to\b|\bno more than\b|<=")),
    ("lt", re.compile(r"\b(?:below|under|less|fewer|lower|younger|smaller|shorter|cheaper|lighter|earlier)\b|<")),
    ("gt", re.compile(r"\b(?:above|over|more|higher|older|greater|bigger|larger|longer|heavier|later|beyond)\b|>")),
)
_SIDES: tuple[tuple[Literal["predicted", "actual"], re.Pattern[str]], ...] = (
    ("predicted", re.compile(r"\b(?:predict\w*|forecast\w*|by the model|you (?:say|think|see)|supposed\w*)\b")),
    ("actual", re.compile(r"\b(?:actual\w*|real|really|true|truly|truth|in fact|observed|confirmed)\b")),
)
_WRONG = re.compile(r"\b(?:wrong\w*|incorrect\w*|mistak\w+|misclassif\w+|err(?:ors?|ed)|missed)\b")
_RIGHT = re.compile(r"\b(?:right|rightly|correct|correctly)\b")
_OTHER = re.compile(r"\b(?:others?|opposite|reverse|rest|converse|vice versa|other way|the other)\b")
_UP = ("gt", "ge")
_TURNED: dict[Comparison, Comparison] = {"gt": "lt", "ge": "lt", "lt": "gt", "le": "gt"}


def about(one: Condition) -> tuple[str, str | None]:
    """What a condition is on."""
    return one.on, one.feature


def replaced(old: Sequence[AnyOf], fresh: Sequence[AnyOf]) -> tuple[AnyOf, ...]:
    """The old conditions with the fresh ones in the place of those on the same thing."""
    touched = {about(one) for group in fresh for one in group.any}
    return (*(group for group in old if not touched & {about(one) for one in group.any}), *fresh)


def compared(asked: str) -> Comparison | None:
    """The comparison that the words of a question stand for, if there is one."""
    return next((op for op, words in _BOUNDS if words.search(asked)), None)


def with_sides(scope: Scope, asked: str, numbers: bool) -> Iterator[Scope]:
    """The selection with another side of what it selects by. numbers: whether the question says any."""
    if scope.has_instance:
        return
    groups = scope.where.all
    several = (_right_or_wrong(groups, asked), _said_or_true(groups, asked), _exchanged(groups, asked))
    for changed in (*several, *(() if numbers else _beyond(groups, asked))):
        if changed and changed != groups:
            yield scope.model_copy(update={"where": Where(all=changed)})


def _right_or_wrong(groups: Sequence[AnyOf], asked: str) -> tuple[AnyOf, ...]:
    before = [one for group in groups for one in group.any if one.on == "correct"]
    wanted = False if _WRONG.search(asked) else True if _RIGHT.search(asked) else None
    if wanted is None and before and _OTHER.search(asked):
        wanted = not before[0].value
    if wanted is None:
        return ()
    return replaced(groups, (AnyOf(any=(Condition(on="correct", value=wanted),)),))


def _said_or_true(groups: Sequence[AnyOf], asked: str) -> tuple[AnyOf, ...]:
    """Predicted for actual, or the other way round, where only one of them is there."""
    there = {one.on for group in groups for one in group.any} & {"predicted", "actual"}
    wanted = next((side for side, words in _SIDES if words.search(asked)), None)
    if wanted is None or len(there) != 1:
        return ()
    return tuple(_moved(group, {"predicted": wanted, "actual": wanted}) for group in groups)


def _exchanged(groups: Sequence[AnyOf], asked: str) -> tuple[AnyOf, ...]:
    """Predicted for actual and actual for predicted: the reverse error."""
    there = {one.on for group in groups for one in group.any}
    if not {"predicted", "actual"} <= there or not _OTHER.search(asked):
        return ()
    return tuple(_moved(group, {"predicted": "actual", "actual": "predicted"}) for group in groups)


def _moved(group: AnyOf, to: dict[str, Literal["predicted", "actual"]]) -> AnyOf:
    return AnyOf(any=tuple(one.model_copy(update={"on": to.get(one.on, one.on)}) for one in group.any))


def _beyond(groups: Sequence[AnyOf], asked: str) -> Iterator[tuple[AnyOf, ...]]:
    """On the other side of a bound, or of both: "younger ones", "and below that?"."""
    op = compared(asked)
    if op not in _TURNED:
        return
    for own in _bounds(groups):
        last = max(own, key=_size) if op in _UP else min(own, key=_size)
        for turned in dict.fromkeys((opposite(last.op), _TURNED[last.op])):
            if (turned in _UP) == (op in _UP):
                yield replaced(groups, (AnyOf(any=(last.model_copy(update={"op": turned}),)),))


def between(groups: Sequence[AnyOf], low: float, high: float) -> Iterator[tuple[AnyOf, ...]]:
    """A range in the place of the bounds on the same thing."""
    for own in _bounds(groups):
        ends = (own[0].model_copy(update={"op": op, "value": value}) for op, value in (("ge", low), ("le", high)))
        yield replaced(groups, tuple(AnyOf(any=(end,)) for end in ends))


def _bounds(groups: Sequence[AnyOf]) -> list[list[Condition]]:
    """The bounds that are selected by, together where they are on the same thing."""
    found: dict[tuple[str, str | None], list[Condition]] = {}
    for group in groups:
        if len(group.any) == 1 and group.any[0].op in _TURNED:
            found.setdefault(about(group.any[0]), []).append(group.any[0])
    return list(found.values())


def _size(one: Condition) -> float:
    return float(one.value) if isinstance(one.value, (int, float)) else 0.0
