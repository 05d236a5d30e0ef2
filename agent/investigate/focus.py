"""What a clause can point at among the things found before: the group, the row and the feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from askwhy.agent.groups import where_of_group
from askwhy.agent.investigate.notebook import Found
from askwhy.agent.investigate.picks import Pick
from askwhy.agent.investigate.pointing import pointer
from askwhy.agent.investigate.script import Taken, names, taken_from
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.scope import Condition, Tested, Where


@dataclass(frozen=True)
class Named:
    """A row or a feature in focus, and how a call points at it; by its own name where the question gave it."""

    id: str
    pointer: str


@dataclass(frozen=True)
class Group:
    """Rows in focus: which, and the pointer to the fact they are taken from, None where a question selected them.

    mistakes: whether they are those that the model gets wrong, as the step before counted them in held-out rows.
    """

    where: Where
    pointer: str | None = None
    mistakes: bool = False


@dataclass(frozen=True)
class Focus:
    """What a clause can point at: the group, the row and the feature found last. fresh: the row is what the clause
    before was about."""

    group: Group | None = None
    row: Named | None = None
    feature: Named | None = None
    fresh: bool = False


def focus_of(done: Mapping[str, Found], picked: Mapping[str, Pick]) -> Focus:
    """The focus after these hops; `picked`: what the hops of picks were run for."""
    found = list(done.items())
    row = _row(found, picked)
    last = found[-1][1] if found else None
    fresh = row is not None and last is not None and last.evidence is not None and _about(last.evidence, row.id)
    return Focus(_group(found, picked), row, None if row is not None else _feature(found[-1:], picked), fresh)


def chosen(found: Found | None, pick: Pick) -> tuple[Evidence, Fact] | None:
    """The fact that a pick is after, with its evidence; None where the step found nothing of the kind."""
    if found is None or found.evidence is None:
        return None
    evidence = found.evidence
    facts = [one for one in evidence.facts if not pick.relations or one.relation in pick.relations]
    fits = [one for one in facts if _fits(evidence, one, pick)]
    if pick.by == "place":
        return (evidence, fits[pick.place - 1]) if 1 <= pick.place <= len(fits) else None
    fits.sort(key=lambda one: one.number(), reverse=pick.by == "largest")
    return (evidence, fits[0]) if fits else None


def tied(found: Found | None, pick: Pick) -> bool:
    """Whether another group is as extreme as the one that a pick is after."""
    taken = chosen(found, pick)
    if taken is None or pick.by == "place":
        return False
    return any(one is not taken[1] and one.value == taken[1].value for one in taken[0].all(taken[1].relation))


def _fits(evidence: Evidence, fact: Fact, pick: Pick) -> bool:
    if pick.kind == "word":
        return isinstance(fact.at, str) and fact.rank is not None
    return names(evidence, fact, pick.kind)


def _about(evidence: Evidence, row: str) -> bool:
    return evidence.scope.row == row or any(fact.row == row for fact in evidence.facts)


def _group(found: Sequence[tuple[str, Found]], picked: Mapping[str, Pick]) -> Group | None:
    """The group that was found or selected last; as a pointer to the fact it was first found in, if there is one."""
    for name, one in reversed(found):
        if one.evidence is None:
            continue
        if name in picked and picked[name].kind == "group":
            taken = chosen(one, picked[name])
            if taken is not None:
                return Group(where_of_group(*taken), pointer(one.step, taken[1], "group"))
        at = None if one.evidence.tool == "group_compare" else taken_from(one, Taken("", "group"))
        if at is not None:
            return Group(where_of_group(one.evidence, fact_at(at, [one])), at)
        where = one.evidence.scope.where
        if one.evidence.tool == "mistakes":
            return Group(where & _wrong(one.evidence), None, True)
        if where and not one.evidence.scope.has_instance:
            earlier = _group([(name, other) for name, other in found if other.step < one.step], picked)
            return earlier if earlier is not None and earlier.where == where else Group(where)
    return None


def _wrong(evidence: Evidence) -> Where:
    """The rows that a step about mistakes is about."""
    conditions = [Condition(on="correct", value=False)]
    sides: tuple[tuple[str, Tested], ...] = (("false_positives", "predicted"), ("false_negatives", "actual"))
    for relation, on in sides:
        conditions += [Condition(on=on, value=one.cls) for one in evidence.all(relation)]
    return Where.of(*conditions)


def _row(found: Sequence[tuple[str, Found]], picked: Mapping[str, Pick]) -> Named | None:
    """The row that was spoken of last: that of the last step about one, else the first that the last list names."""
    for name, one in reversed(found):
        if name in picked and picked[name].kind == "row":
            taken = chosen(one, picked[name])
            if taken is not None:
                return Named(str(taken[1].row), pointer(one.step, taken[1], "row"))
        at = taken_from(one, Taken("", "row"))
        if at is not None:
            row = fact_at(at, [one]).row
            return None if row is None else Named(row, at)
        if one.evidence is not None and one.evidence.scope.row is not None:
            return Named(one.evidence.scope.row, one.evidence.scope.row)
    return None


def _feature(last: Sequence[tuple[str, Found]], picked: Mapping[str, Pick]) -> Named | None:
    """The first feature that the last step names, where that is about no group."""
    for name, one in last:
        if name in picked and picked[name].kind == "feature":
            taken = chosen(one, picked[name])
            if taken is not None:
                return Named(str(taken[1].feature), pointer(one.step, taken[1], "feature"))
        at = taken_from(one, Taken("", "feature"))
        if at is None or taken_from(one, Taken("", "group")) is not None:
            return None
        feature = fact_at(at, [one]).feature
        return None if feature is None else Named(feature, at)
    return None


def fact_at(at: str, found: Sequence[Found]) -> Any:
    """The fact that a pointer of ours leads to."""
    step, name = at.removeprefix("@").split(".")[:2]
    evidence = next(one.evidence for one in found if one.step == int(step) and one.evidence is not None)
    return next(fact for fact in evidence.facts if fact.id == name)
