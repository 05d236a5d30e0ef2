"""What a question may mean as a change to the turn before: "and for women?", "ten", "the same for row 60", "overall?".

The network tends to write such plans anew, and forgets a part. Here the last step is kept but for what the question
names: conditions replace those on the same feature, a row a row, a number a number, a tool the tool. What comes of it
is weighed beside what the network wrote; nothing is decided here.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from askwhy.agent.embedded.words import SMALL
from askwhy.agent.parser.actions import arguments_of_tool
from askwhy.agent.parser.batch import Read
from askwhy.agent.parser.items import IN_RANGE, LIKE, WHOLE
from askwhy.agent.parser.kept import is_said, says_what
from askwhy.agent.parser.sides import about, between, compared, replaced, with_sides
from askwhy.agent.plan import Outcome, Plan, Step
from askwhy.agent.wording import is_number
from askwhy.tools.registry import tools
from askwhy.tools.schema import Feature
from askwhy.tools.scope import AnyOf, Argument, Change, Condition, Scalar, Scope, Where

MOST = 32
"""Amended plans that are weighed for one question."""

_LONGEST = 14
_NOT = re.compile(r"\b(?:without|no|not|non|never|isn't|aren't|don't|doesn't|except)\b")
_ALSO = re.compile(r"\b(?:too|also|plus|as well|likewise|in addition)\b|\+", re.IGNORECASE)
_RANGE = re.compile(r"\b(?:between|from)\b|\d\s?(?:-|\u2013|to)\s?\d")
_PRUNED = ("row", "case", "text")

NAMED_SIGNS = ("named", "named_first", "bare_named", "bare_named_first", "covered_named", "covered_named_first")
"""For the judge: whether a reading is the turn before with what the question's own words stand for, and whether it is
the first such; bare_*: of a question that says little by itself; covered_*: of one that says nothing else."""


def amended(found: Sequence[Outcome], one: Read) -> list[Plan]:
    """Plans that change the turn before by what the question names: by its own words, and by what the network read."""
    last = _last(one)
    if last is None or len(one.page.question.words) > _LONGEST:
        return []
    read = (
        plan.steps[0] for plan in found if isinstance(plan, Plan) and len(plan.steps) == 1 and not plan.steps[0].refs
    )
    several = itertools.chain(
        (last.model_copy(update={"scope": scope}) for scope in (_everything(last.scope), last.scope)),
        named(one),
        *(_between(last, step, one) for step in read),
    )
    return [Plan(steps=(step,)) for step in itertools.islice(dict.fromkeys(several), MOST)]


def named_signs(outcome: Outcome, one: Read) -> dict[str, float]:
    """NAMED_SIGNS of a reading that are not zero."""
    if not isinstance(outcome, Plan) or len(outcome.steps) > 1 or outcome.steps[0] not in named(one):
        return {}
    found = {"named": 1.0, "named_first": float(outcome.steps[0] == named(one)[0])}
    prefixes = [""]
    if not says_what(one.page.question.text.lower()):
        prefixes += ["bare_", "covered_"] if _is_covered(one) else ["bare_"]
    return {prefix + name: value for prefix in prefixes for name, value in found.items()}


def _is_covered(one: Read) -> bool:
    """Whether every word of the question that has a topic is like a name, or is part of the only number."""
    words = [at for at, word in enumerate(one.page.question.words) if word.kind == "word" and word.low not in SMALL]
    if not words or not one.like.size:
        return not words and bool(one.page.question.numbers)
    return bool((one.like[words].max(axis=1) >= LIKE).all())


@functools.lru_cache(maxsize=4)
def named(one: Read) -> tuple[Step, ...]:
    """The last step with what the question's own words stand for, in every place where it fits, likeliest first."""
    last = _last(one)
    return tuple(dict.fromkeys(_named(last, one))) if last else ()


def _last(one: Read) -> Step | None:
    """The last step of the turn before, to be asked anew."""
    if not one.page.earlier or not _known(one.page.earlier[-1]):
        return None
    return one.page.earlier[-1].model_copy(update={"refs": (), "form": "words", "audience": None, "length": None})


def _known(step: Step) -> bool:
    return step.tool in tools()


def _everything(scope: Scope) -> Scope:
    return scope.model_copy(update={"where": Where()})


def _between(last: Step, step: Step, one: Read) -> Iterator[Step]:
    """Between the last step and one that the network wrote: its tool or that one's, its selection or both."""
    said = step.scope.model_copy(
        update={"changes": tuple(each for each in step.scope.changes if is_said(each, one.page))}
    )
    scopes = tuple(dict.fromkeys((*_merged(last.scope, said), *_merged(last.scope, step.scope), step.scope)))
    if step.tool == last.tool:
        arguments = tuple(dict.fromkeys((_with(last, step.arguments), last.arguments, step.arguments)))
        yield from (step.model_copy(update={"arguments": a, "scope": s}) for s in scopes for a in arguments)
        return
    yield from (last.model_copy(update={"scope": scope}) for scope in scopes)
    if fitting := _fitting(last.tool, step.arguments):
        yield from (last.model_copy(update={"scope": s, "arguments": _with(last, fitting)}) for s in scopes)
    yield from (step.model_copy(update={"scope": scope}) for scope in (*scopes, last.scope))


def _with(last: Step, given: Sequence[Argument]) -> tuple[Argument, ...]:
    """The arguments of the last step, those given in the place of its own."""
    both = {one.name: one for one in last.arguments} | {one.name: one for one in given}
    return tuple(both[name] for name in sorted(both))


def _fitting(tool: str, given: Sequence[Argument]) -> tuple[Argument, ...]:
    """The arguments that another tool takes, too."""
    names = {one.name for one in arguments_of_tool(tools()[tool])}
    return tuple(one for one in given if one.name in names)


def _merged(old: Scope, new: Scope) -> Iterator[Scope]:
    """The old scope with what the new one says in the place of its own, and with both."""
    instance = {name: getattr(new if new.has_instance else old, name) for name in _PRUNED}
    where = () if new.has_instance else new.where.all
    changes = {"changes": _changed(old.changes, new.changes)}
    fresh = tuple(group for group in where if group not in old.where.all)
    if new.has_instance or not (old.has_instance and new.where):
        instead = replaced(old.where.all, fresh)
        yield old.model_copy(update={**instance, **changes, "where": Where(all=instead)})
        if new.changes and old.changes:
            yield old.model_copy(update={**instance, "changes": new.changes, "where": Where(all=instead)})
        if fresh and instead != (*old.where.all, *fresh):
            yield old.model_copy(update={**instance, **changes, "where": Where(all=(*old.where.all, *fresh))})
    else:
        yield new.model_copy(update=changes)


def _changed(old: Sequence[Change], new: Sequence[Change]) -> tuple[Change, ...]:
    touched = {one.feature for one in new}
    return (*(one for one in old if one.feature is None or one.feature not in touched or one in new),
            *(one for one in new if one not in old))  # fmt: skip


def _joined(old: Sequence[AnyOf], fresh: Sequence[AnyOf]) -> tuple[AnyOf, ...]:
    """The old conditions with the fresh ones as alternatives of those on the same thing."""
    added = {about(group.any[0]): group.any for group in fresh}
    joined = [
        group.model_copy(update={"any": tuple(dict.fromkeys((*group.any, *added.pop(about(group.any[0]), ()))))})
        for group in old
    ]
    return (*joined, *(AnyOf(any=several) for several in added.values()))


def _named(last: Step, one: Read) -> Iterator[Step]:
    best: Any = one.matched[:, :, :IN_RANGE].max(axis=0) if one.matched.size else ()
    said = [item for at, item in enumerate(one.items) if len(best) and best[at, WHOLE] > 0]
    schema, values = one.page.schema, one.page.values
    chosen = [(schema.features[owner], cell.value) for item in said if item.group == "C"
              for owner, cell in [values[item.place]]]  # fmt: skip
    features = [schema.features[item.place] for item in said if item.group == "F"]
    asked = one.page.question.text.lower()
    yield from _with_values(last, _yes_or_no(chosen, features, bool(_NOT.search(asked))), bool(_ALSO.search(asked)))
    for item in said:
        if item.group == "K":
            yield from _with_class(last, str(schema.classes[item.place].value))
    for feature in features:
        yield from _with_feature(last, feature)
    numbers = one.page.question.numbers
    if len({mention.word for mention in numbers}) == 1:
        for mention in numbers:
            yield from _with_number(last, mention.value, mention.raw, asked)
    if _RANGE.search(asked) and len(numbers) == len({mention.word for mention in numbers}) == 2:
        ranges = between(last.scope.where.all, *sorted(mention.value for mention in numbers))
        yield from (_selecting(last, groups) for groups in ranges)
    yield from (last.model_copy(update={"scope": scope}) for scope in with_sides(last.scope, asked, bool(numbers)))


def _selecting(last: Step, groups: tuple[AnyOf, ...]) -> Step:
    return last.model_copy(update={"scope": last.scope.model_copy(update={"where": Where(all=groups)})})


def _yes_or_no(
    chosen: Sequence[tuple[Feature, Scalar]], features: Sequence[Feature], negated: bool
) -> list[tuple[Feature, Scalar]]:
    """Values that are named, and yes or no of features that are."""
    yes_or_no = [(one, not negated) for one in features if one.kind == "boolean" and all(one != f for f, _ in chosen)]
    turned = [(one, not value if negated and isinstance(value, bool) else value) for one, value in chosen]
    return [*turned, *yes_or_no]


def _with_values(last: Step, chosen: Sequence[tuple[Feature, Scalar]], also: bool) -> Iterator[Step]:
    groups: dict[str, list[Condition]] = {}
    for feature, value in chosen:
        groups.setdefault(feature.name, []).append(Condition(feature=feature.name, value=value))
    fresh = tuple(AnyOf(any=tuple(dict.fromkeys(group))) for group in groups.values())
    if not fresh:
        return
    scope = last.scope
    if not scope.has_instance:
        joined = (_joined(scope.where.all, fresh),) if also else ()
        for all_of in dict.fromkeys((*joined, replaced(scope.where.all, fresh), (*scope.where.all, *fresh))):
            yield _selecting(last, all_of)
    if scope.changes:
        new = tuple(Change(feature=feature.name, value=value) for feature, value in chosen)
        changes = _changed(scope.changes, new)
        yield last.model_copy(update={"scope": scope.model_copy(update={"changes": changes})})


def _with_class(last: Step, name: str) -> Iterator[Step]:
    for one in last.arguments:
        if one.name in ("cls", "instead"):
            yield last.model_copy(update={"arguments": _with(last, [Argument(name=one.name, value=name)])})
    known = {one.name for one in arguments_of_tool(tools()[last.tool])}
    if "cls" in known and last.argument("cls") is None:
        yield last.model_copy(update={"arguments": _with(last, [Argument(name="cls", value=name)])})
    on = [one.on for one in last.scope.where.conditions() if one.on in ("predicted", "actual")]
    for which in dict.fromkeys(on):
        fresh = (AnyOf(any=(Condition(on=which, value=name),)),)
        yield _selecting(last, replaced(last.scope.where.all, fresh))


def _with_feature(last: Step, feature: Feature) -> Iterator[Step]:
    """In the place of a feature that the last step was given; a list of them becomes this one."""
    kinds = {one.name: one for one in arguments_of_tool(tools()[last.tool])}
    for one in kinds.values():
        given = last.argument(one.name)
        if one.kind != "feature" or (given is None and one.name != "feature"):
            continue
        value: Any = (feature.name,) if one.many else feature.name
        yield last.model_copy(update={"arguments": _with(last, [Argument(name=one.name, value=value)])})


def _with_number(last: Step, value: float, raw: str, asked: str) -> Iterator[Step]:
    number = int(value) if float(value).is_integer() else value
    scope = last.scope
    for at, change in enumerate(scope.changes):
        if is_number(change.value):
            changes = (*scope.changes[:at], change.model_copy(update={"value": number}), *scope.changes[at + 1 :])
            yield last.model_copy(update={"scope": scope.model_copy(update={"changes": changes})})
    for at, group in enumerate(scope.where.all):
        only = group.any[0]
        if len(group.any) == 1 and is_number(only.value):
            for op in dict.fromkeys((compared(asked) or only.op, only.op)):
                fresh = AnyOf(any=(only.model_copy(update={"value": number, "op": op}),))
                yield _selecting(last, (*scope.where.all[:at], fresh, *scope.where.all[at + 1 :]))
    if scope.row is not None and raw.isdigit():
        yield last.model_copy(update={"scope": scope.model_copy(update={"row": raw})})
    known = {one.name for one in arguments_of_tool(tools()[last.tool])}
    if "k" in known and isinstance(number, int) and number > 0:
        yield last.model_copy(update={"arguments": _with(last, [Argument(name="k", value=number)])})
