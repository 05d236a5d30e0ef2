"""Rows above or below a number that an earlier step found: “how many ask for more than that”."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from askwhy.agent.embedded.lexicon import comparative
from askwhy.agent.investigate.mentions import mentions
from askwhy.agent.investigate.notebook import Found
from askwhy.agent.plan import Plan, Step
from askwhy.tools.evidence import Fact
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import AnyOf, Comparison, Condition, Where
from askwhy.tools.subject import Subject

_ABOVE = (
    "more",
    "higher",
    "larger",
    "greater",
    "above",
    "over",
    "bigger",
    "beyond",
    "longer",
    "taller",
    "heavier",
    "older",
)
_BELOW = ("less", "fewer", "lower", "below", "under", "smaller", "shorter", "lighter", "younger")
_WORDS = "|".join((*_ABOVE, *_BELOW))
_THAN = re.compile(
    rf"\b(?P<word>{_WORDS}|\w{{2,}}er)(?: than)? (?:that|this|it|(?:the |its |their )?(?:average|mean|median)"
    r"(?: (?:one|value|of (?:it|that|them|all)))?)(?=[ ,;:.?!]|$)(?: (?P<of>[\w -]+?)(?=[,;:.?!]|$))?",
    re.IGNORECASE,
)
_LONGER = re.compile(
    r"\b(?:(?:have|has|with|get|gets|had|ask(?:s|ed)? for) )?an? (?P<word>\w{2,}er) (?:one|value|amount|number)\b",
    re.IGNORECASE,
)
_BARE = re.compile(r"\b(?:is|are|was|were|have|has|get|gets) (?P<word>\w{2,}er)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Bound:
    """A feature above or below a number, and where in the clause that is said."""

    feature: Feature
    op: Comparison
    value: float
    start: int
    end: int


def bound_in(said: str, subject: Subject, found: Sequence[Found]) -> Bound | None:
    """What a clause compares with a mean or median that was found; None where it compares with none, or another."""
    schema = subject.schema
    if schema.modality != "table":
        return None
    match = _THAN.search(said) or _LONGER.search(said) or _BARE.search(said)
    fact = _number(found)
    if match is None or fact is None or fact.feature is None:
        return None
    feature, word = schema.feature(fact.feature), match["word"].casefold()
    start, before = _before(said, match, schema)
    if before is not None and before != feature:
        return None
    told = comparative(word, schema)
    if told is not None and told[0] != feature:
        return None
    sign = told[1] if told is not None else 1 if word in _ABOVE else -1 if word in _BELOW else 0
    of, end = match.groupdict().get("of"), match.end()
    if of:
        named = [one for one in mentions(of, schema) if one.feature is not None]
        if named and (named[0].start or named[0].feature != feature):
            return None
        end = match.start("of") + (named[0].end if named else 0)
    value = _short(subject, feature, float(fact.number()))
    return Bound(feature, "gt" if sign > 0 else "lt", value, start, end) if sign else None


def _before(said: str, match: re.Match[str], schema: Schema) -> tuple[int, Feature | None]:
    """Where a comparison begins with the feature that stands before it, and that: “with a BMI above average”."""
    last = next((one for one in reversed(mentions(said[: match.start()], schema)) if one.feature is not None), None)
    if last is None or said[last.end : match.start()].strip(" ,").casefold() not in ("", "is", "are", "was"):
        return match.start(), None
    lead = re.search(r"\b(?:with|having|whose)(?: an?| the)? $", said[: last.start], re.IGNORECASE)
    return (lead.start() if lead else last.start), last.feature


def _short(subject: Subject, feature: Feature, value: float) -> float:
    """The number with as few decimals as part the rows of the data in the same way."""
    cells = subject.data[feature.name].to_numpy(dtype=float, na_value=math.nan)
    for decimals in range(7):
        near = round(value, decimals)
        if ((cells > near) == (cells > value)).all() and ((cells < near) == (cells < value)).all():
            return near
    return value


def _number(found: Sequence[Found]) -> Fact | None:
    """The mean or median that was found last."""
    for one in reversed(found):
        if one.evidence is not None and one.evidence.tool == "statistic":
            return next((fact for fact in one.evidence.facts if fact.relation == "statistic"), None)
    return None


def mean_first(said: str, schema: Schema) -> tuple[str, Feature] | None:
    """The measure and the feature that have to be found before a clause can be compared with them."""
    match = _THAN.search(said) if schema.modality == "table" else None
    average = re.search(r"\b(?:average|mean|median)\b", match[0], re.IGNORECASE) if match else None
    if match is None or average is None:
        return None
    told = comparative(match["word"].casefold(), schema)
    named = [one.feature for one in mentions(match["of"] or "", schema) if one.feature is not None and not one.start]
    before = _before(said, match, schema)[1]
    feature = next(iter(named), told[0] if told is not None else before)
    if feature is None or not feature.numeric or (told is not None and told[0] != feature):
        return None
    return ("median" if average[0].casefold() == "median" else "mean"), feature


def in_words(said: str, bound: Bound, schema: Schema) -> str:
    """The clause with the bound as the engine reads it."""
    above = "above" if bound.op == "gt" else "below"
    words = f"with {bound.feature.label} {above} {bound.value:.12g}"
    if re.match(r"(?:and )?how many\b(?:\s+\w+){0,3}\s*$", said[: bound.start], re.IGNORECASE):
        return f"how many {schema.entities} {words} are there?"
    return f"{said[: bound.start]}{words}{said[bound.end :]}"


def within(plan: Plan, bound: Bound) -> tuple[Step, ...] | None:
    """The steps with the number as it was found; None where the engine did not read the bound in each of them."""
    made = []
    for step in plan.steps:
        groups = [_exact(group, bound) for group in step.scope.where.all]
        if groups.count(None) == len(groups):
            return None
        where = Where(all=tuple(new or old for new, old in zip(groups, step.scope.where.all, strict=True)))
        made.append(step.model_copy(update={"scope": step.scope.model_copy(update={"where": where})}))
    return tuple(made)


def _exact(group: AnyOf, bound: Bound) -> AnyOf | None:
    one = group.any[0]
    if (
        len(group.any) > 1
        or one.feature != bound.feature.name
        or one.op != bound.op
        or not isinstance(one.value, (int, float))
    ):
        return None
    if not math.isclose(float(one.value), bound.value, rel_tol=1e-4):
        return None
    return AnyOf(any=(Condition(feature=one.feature, op=one.op, value=bound.value),))
