"""Where a clause mentions names of the schema, and which classes it says were predicted and which are true."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from askwhy.agent.embedded.lexicon import Named, lexicon
from askwhy.agent.embedded.mentions import mention_at
from askwhy.agent.embedded.words import tokens
from askwhy.agent.plan import Plan, Step
from askwhy.tools.schema import Category, Feature, Schema
from askwhy.tools.scope import AnyOf, Condition, Where

_SAID = re.compile(
    r"\b(?:took|taken|takes?|mistook|mistaken|mistakes?|passed(?: off)?)\b.*\b(?:for|as)\b[^,;]*$|"
    r"\b(?:wrongly|falsely|mistakenly|erroneously|incorrectly|predicted|predicts?|classified|judged|called|calls?|"
    r"labelled|labeled|seen|rated|believed|thought|considered|deemed|"
    r"convinced|sure|certain|said|put down|false|wrong|mistaken|incorrect)\b(?: \w+){0,2} ?$|\bit (?:has |"
    r"had )?(?:wrongly )?$",
    re.IGNORECASE,
)
_GOODNESS = re.compile(r"\bhow $", re.IGNORECASE)
_EITHER = re.compile(r"\b(?:false|wrongly|mistakenly|by mistake|in error)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Mention:
    """A name of the schema (or a number, a quotation, words for rows) in a text, by the letter of its kind."""

    kind: str
    start: int
    end: int
    named: Named | None = None

    @property
    def feature(self) -> Feature | None:
        """The feature that is named, if it is one."""
        return self.named.feature if self.named is not None else None


def mentions(text: str, schema: Schema) -> tuple[Mention, ...]:
    """Every mention in a text, in order, by the letters of the embedded engine (F, C, K, T, O, N, E, I, Q)."""
    words, found, position = lexicon(schema), tokens(text), 0
    made: list[Mention] = []
    while position < len(found):
        kind, slot, end = mention_at(found, position, words)
        if kind is not None:
            made.append(Mention(kind, found[position].start, found[end - 1].end, slot.named))
        position = end
    return tuple(made)


def class_conditions(text: str, schema: Schema) -> tuple[Condition, ...] | None:
    """The classes that a description of a mistake names: what was predicted, and what is true.

    “the rotten reviews that it took for fresh” are rotten and predicted fresh. None where one class has both parts.
    """
    parts: dict[str, str] = {}
    for one in mentions(text, schema):
        if one.kind != "K" or one.named is None or one.named.label is None:
            continue
        on = "predicted" if _SAID.search(text[: one.start]) else "actual"
        if parts.setdefault(on, one.named.label) != one.named.label:
            return None
    if len(set(parts.values())) < len(parts):
        return None
    return tuple(Condition(on="predicted" if on == "predicted" else "actual", value=name) for on, name in parts.items())


def narrows(found: Sequence[Mention]) -> bool:
    """Whether any of these says something of rows, other than their class."""
    return any(one.kind in ("F", "C", "N", "O", "Q") for one in found)


def sided(step: Step, text: str, schema: Schema) -> Step:
    """The step with the class predicted and the true one as the words have them, where it has them the other way."""
    told: dict[str, Any] = {one.on: one.value for one in class_conditions(text, schema) or ()}
    has = {one.on: one.value for one in step.scope.where.conditions() if one.on in ("predicted", "actual")}
    if len(told) < 2 or has != {"predicted": told.get("actual"), "actual": told.get("predicted")}:
        return step
    groups = (AnyOf(any=tuple(_turned(one, told) for one in group.any)) for group in step.scope.where.all)
    scope = step.scope.model_copy(update={"where": Where(all=tuple(groups))})
    return step.model_copy(update={"scope": scope})


def _turned(one: Condition, told: Mapping[str, Any]) -> Condition:
    return one.model_copy(update={"value": told[one.on]}) if one.on in told else one


def leaves_out(plan: Plan, text: str, schema: Schema) -> bool:
    """Whether a text names a class or a category that a plan about rows has nowhere, or the other side of mistakes."""
    if any(step.scope.has_instance or step.refs for step in plan.steps):
        return False
    held = {str(value) for step in plan.steps for value in values_of(step)}
    for one in mentions(text, schema):
        if one.named is None or (one.kind == "K" and _GOODNESS.search(text[: one.start])):
            continue
        kinds = [kind for _, kind in one.named.choices if isinstance(kind, Category)]
        names = {one.named.label} if one.kind == "K" else {str(at) for kind in kinds for at in (kind.name, kind.value)}
        names |= {feature.name for feature, _ in one.named.choices}
        if one.kind in ("K", "C") and not names & held:
            return True
    return any(_other_side(step, text, schema) for step in plan.steps)


def values_of(step: Step) -> Iterator[object]:
    """The values of a step's arguments and conditions."""
    for argument in step.arguments:
        yield from argument.value if isinstance(argument.value, tuple) else (argument.value,)
    yield from (one.value for one in step.scope.where.conditions())


def _other_side(step: Step, text: str, schema: Schema) -> bool:
    """Whether rows wrongly predicted as a class stand for “malignant tumours it gets wrong”, or the other way round."""
    told = class_conditions(text, schema) or ()
    on = {"false_positives": "actual", "false_negatives": "predicted"}.get(str(step.argument("kind")))
    return len(told) == 1 and told[0].on == on and _EITHER.search(text) is None
