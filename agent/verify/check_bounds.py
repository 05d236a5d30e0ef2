"""V4 for tests of features: "age above 28 and at most 38", "island other than Biscoe" are those of a rule, a group or
the selection of the evidence; not the other way round, not of another feature, not of two groups mixed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from askwhy.agent.answer import Failure
from askwhy.agent.verify.bounds import Bound, Run, Side, runs
from askwhy.agent.verify.ground import Ground, cells_of
from askwhy.agent.verify.reading import Reading
from askwhy.tools.scope import Condition, Scalar, opposite

_SIDES: dict[str, Side] = {
    "gt": "above", "ge": "above", "lt": "below", "le": "below", "eq": "is", "ne": "is not",
    "rule_above": "above", "rule_at_most": "below", "rule_value": "is", "rule_not": "is not",
}  # fmt: skip

_Bounds = tuple[Bound, ...]


def check_bounds(reading: Reading, own: Sequence[Reading]) -> Iterator[Failure]:
    """Failures of runs of tests that no rule, group or selection of the evidence has. `own`: see `own_words`."""
    said = runs(reading) if reading.ground.schema.modality == "table" else ()
    if not said:
        return
    selected = tuple(_selected(reading.ground))
    known = (*_told(reading, own), *_ruled(reading.ground))
    groups = tuple(run for run in known if run.led)
    for run in said:
        theirs = tuple(one for one in selected if one.led) if run.led else selected
        if problem := _problem(run, groups if run.led else known, theirs, reading.ground):
            yield Failure(check="V4", message=problem, start=run.span[0], end=run.span[1])


def _problem(run: Run, known: Sequence[Run], selected: Sequence[Run], ground: Ground) -> str | None:
    every = [one for each in (*known, *selected) for one in each.bounds]
    for bound in run.bounds:
        same = [one for one in every if one.feature == bound.feature and one.same_value(bound)]
        if same and not any(one.side == bound.side for one in same):
            return f"“{same[0].side}” is said of this value, not “{bound.side}”."
        if not same and not _is_value(bound, ground) and any(one.same_value(bound) for one in every):
            return "This is said of another feature."
        if not same:
            return None  # nothing known of the value: a matter of numbers and names
    several = (*known, *selected)
    like = any(_has_values(one.bounds, run.bounds) for one in several)
    if like and not any(_holds(run.bounds, one.bounds, selected) for one in several):
        return "No rule and no group has these together."
    return None


def _has_values(known: _Bounds, said: _Bounds) -> bool:
    """Whether it tests the same features at the same values, on whatever side."""
    return all(any(one.feature == bound.feature and one.same_value(bound) for one in known) for bound in said)


def _holds(said: _Bounds, known: _Bounds, selected: Sequence[Run]) -> bool:
    """Whether all that is said belongs to one known run, beside the selection; of a feature, all of its bounds."""
    whole = any(one.bounds is known for one in selected)
    for bound in said:
        own = [one for one in known if one.feature == bound.feature]
        of_feature = [one for one in said if one.feature == bound.feature]
        in_run = any(one.same(bound) for one in own) and (whole or len(own) == len(of_feature))
        if not in_run and not any(one.same(bound) for each in selected for one in each.bounds):
            return False
    return True


def _is_value(bound: Bound, ground: Ground) -> bool:
    """Whether the evidence has the value as one of the feature, under no test."""
    if isinstance(bound.value, str):
        return bound.value in ground.values_of(bound.feature)
    value, within = bound.value, bound.within
    return any(one.feature == bound.feature and abs(one.value - value) <= within for one in ground.numbers)


def _selected(ground: Ground) -> Iterator[Run]:
    """The selections of the evidence and its changes, which may be said in part."""
    for scope in ground.scopes:
        tests = [one for condition in scope.where.conditions() for one in _of_condition(condition, ground)]
        if tests:
            yield Run(tuple(tests), (0, 0), led=True)
        cells = [(ground.named(one.feature), one.value) for one in cells_of(scope) if one.feature]
        values = [_bound(name, "is", value, ground) for name, value in cells if value is not None]
        if values:
            yield Run(tuple(values), (0, 0))


def _of_condition(condition: Condition, ground: Ground) -> Iterator[Bound]:
    op = opposite(condition.op) if condition.negated else condition.op
    if condition.on == "feature" and op in _SIDES and condition.value is not None:
        yield _bound(ground.named(condition.feature), _SIDES[op], condition.value, ground)


def _bound(feature: str, side: Side, value: Scalar, ground: Ground) -> Bound:
    plain = isinstance(value, (int, float)) and not isinstance(value, bool)
    return Bound(feature, side, float(value) if plain else ground.category(feature, str(value)))


def _told(reading: Reading, own: Sequence[Reading]) -> Iterator[Run]:
    """What askwhy's own words for the evidence say, and the names of its groups."""
    for one in own:
        yield from runs(one)
    for group in reading.ground.groups:
        if not any(group in one.text for one in own):
            told = runs(Reading(group, reading.ground))
            yield from (Run(one.bounds, one.span, led=True) for one in told)


def _ruled(ground: Ground) -> Iterator[Run]:
    """The conditions of each group, of which a sentence may say more than of others."""
    for one in ground.evidence:
        rules: dict[str, list[Bound]] = {}
        for fact in one.facts:
            if fact.group and fact.feature and fact.value is not None and (side := _SIDES.get(fact.relation)):
                rules.setdefault(fact.group, []).append(_bound(fact.feature, side, fact.value, ground))
        yield from (Run(tuple(bounds), (0, 0), led=True) for bounds in rules.values())
