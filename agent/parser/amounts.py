"""Amounts that something changes by, where the network took them for bounds ("people who lowered their BMI by 10") or
left them out ("which matters more, if they were three years older").
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from askwhy.agent.embedded.lexicon import comparative
from askwhy.agent.parser.decoding import Reading
from askwhy.agent.parser.page import Page
from askwhy.agent.plan import Plan, Step
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import AnyOf, Change, Condition, Where

_Way = Literal["increase", "decrease"]

_UP = r"increas\w*|rais\w+|rose|rise\w*|grow\w*|grew|gain\w*|boost\w*|lengthen\w*|extend\w*|went up|go(?:es)? up"
_DOWN = (
    r"decreas\w*|reduc\w+|lower(?:ed|s|ing)?|drop\w*|f[ae]ll(?:s|en|ing)?|cut|cuts|cutting|shrink\w*|shrank|shorten\w*|"
    r"los[et]\w*|went down|go(?:es)? down"
)
_IF = re.compile(r"\b(?:if|suppos\w+|imagin\w+|assum\w+|were|had been)\b[^.?!;]*$", re.IGNORECASE)
_COMPARED = re.compile(r"\s+(?:(?!than\b)[^\W\d_]+\s+)?(?P<word>[^\W\d_]+)\b(?!\s+than\b)", re.IGNORECASE)
_BY = re.compile(
    rf"\b(?:(?P<up>{_UP})|(?P<down>{_DOWN}))\b[^.,;?!]*\bby\s+(?:about |around |another |some |only )?$", re.IGNORECASE
)


def with_amounts(reading: Reading, page: Page) -> Reading:
    """The reading with a change in the place of each bound on a number that stands after "lowered ... by", and with
    the changes that the question supposes and the reading has nothing of."""
    if not isinstance(reading.outcome, Plan):
        return reading
    steps = reading.outcome.steps
    if ways := _ways(page):
        steps = tuple(_changed(step, ways, page) for step in steps)
    used = reading.outcome.canonical()
    if more := [one for one in _supposed(page) if not re.search(rf"(?<![\d.]){one.value:g}(?![\d.])", used)]:
        steps = tuple(_supposing(step, more) for step in steps)
    return replace(reading, outcome=reading.outcome.model_copy(update={"steps": steps}))


def _supposed(page: Page) -> list[Change]:
    """What the question supposes in words that are said of one feature alone: "if they were three years older"."""
    text, found = page.question.text, []
    for number in page.question.numbers:
        word = page.question.words[number.word]
        if number.way != "said" or not _IF.search(text[: word.start]):
            continue
        said = _COMPARED.match(text, word.end)
        told = comparative(said["word"].casefold(), page.schema) if said else None
        if told is not None:
            action: _Way = "increase" if told[1] > 0 else "decrease"
            found.append(Change(feature=told[0].name, action=action, value=number.value))
    return found


def _supposing(step: Step, more: list[Change]) -> Step:
    if find_tool(step.tool).needs in ("nothing",) or step.scope.changes:
        return step
    return step.model_copy(update={"scope": step.scope.model_copy(update={"changes": tuple(more)})})


def _ways(page: Page) -> Mapping[float, _Way]:
    """The numbers that something is said to go up or down by."""
    found: dict[float, _Way] = {}
    question = page.question
    for number in question.numbers:
        before = _BY.search(question.text[: question.words[number.word].start])
        if before is not None and number.way == "said":
            found[number.value] = "increase" if before["up"] else "decrease"
    return found


def _changed(step: Step, ways: Mapping[float, _Way], page: Page) -> Step:
    numeric = {one.name for one in page.schema.features if one.numeric}
    bounds = [(group, one) for group in step.scope.where.all if (one := _bound(group, ways, numeric)) is not None]
    if not bounds or find_tool(step.tool).needs in ("nothing", "instance"):
        return step
    made = [_change(one, ways) for _, one in bounds]
    spent = {change.value for change in made}  # the network may have used the number once more, for another feature
    kept = [one for one in step.scope.changes if one.value not in spent]
    dropped = [group for group, _ in bounds]
    where = Where(all=tuple(group for group in step.scope.where.all if group not in dropped))
    return step.model_copy(update={"scope": step.scope.model_copy(update={"where": where, "changes": (*kept, *made)})})


def _bound(group: AnyOf, ways: Mapping[float, _Way], numeric: set[str]) -> Condition | None:
    one = group.any[0]
    plain = len(group.any) == 1 and one.on == "feature" and one.feature in numeric and not isinstance(one.value, bool)
    return one if plain and isinstance(one.value, (int, float)) and float(one.value) in ways else None


def _change(bound: Condition, ways: Mapping[float, _Way]) -> Change:
    assert isinstance(bound.value, (int, float))
    return Change(feature=bound.feature, action=ways[float(bound.value)], value=bound.value)
