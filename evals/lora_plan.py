"""Planning as lessons for a small language model: questions of the bank with the calls that they mean."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from langchain_core.messages import ToolCall

from askwhy.agent.calls import BadCalls, calls_of, outcome_of, tool_schemas
from askwhy.agent.listing import class_id, clean, find_feature
from askwhy.agent.local.examples import written
from askwhy.agent.local.grammar import calls_grammar
from askwhy.agent.local.short import short_plan
from askwhy.agent.parser.actions import DECLINES
from askwhy.agent.plan import Clarify, Decline, Outcome, Plan
from askwhy.evals.bank import Asked, Domain
from askwhy.evals.lora_packs import Lesson
from askwhy.evals.typed import same
from askwhy.tools.registry import tools
from askwhy.tools.schema import Schema
from askwhy.tools.scope import opposite

Accepts = Callable[[str, str], bool]
"""Whether a grammar (the first) has this text (the second) as a sentence."""


def plan_lessons(domain: Domain, most: int, rng: random.Random, accepts: Accepts) -> Iterator[Lesson]:
    """Lessons from questions of a domain drawn at random; none where the calls cannot say or write what is right."""
    turns = [
        (asked, conversation[number - 1] if number else None)
        for conversation in domain.conversations
        for number, asked in enumerate(conversation)
    ]
    grammars = [calls_grammar(tool_schemas(domain.schema), domain.schema, previous=one) for one in (False, True)]
    for asked, before in rng.sample(turns, min(most, len(turns))):
        target = target_of(asked.gold, domain.schema)
        if target is None or not accepts(grammars[before is not None], target):
            continue
        yield Lesson(domain.name, plan_said(asked.question, domain.schema, before), target)


def plan_said(question: str, schema: Schema, before: Asked | None) -> tuple[tuple[str, str], ...]:
    """The messages that a question is asked by, as role and content. before: the turn before it."""
    earlier = (before.question, _calls(before.gold, schema)) if before else None
    return tuple((one["role"], one["content"]) for one in short_plan(question, schema, earlier))


def target_of(gold: Outcome, schema: Schema) -> str | None:
    """The reply that means this outcome; None where read back it means something else, or where a step takes something
    from another, which the grammar of calls does not write."""
    if isinstance(gold, Plan) and any(step.refs for step in gold.steps):
        return None
    text = written(_calls(gold, schema))
    meant = read_reply(text, schema)
    return text if meant is not None and same(meant, [gold]) else None


def read_reply(text: str, schema: Schema) -> Outcome | None:
    """What a reply means; None if it is no list of calls that can be used."""
    try:
        calls = [ToolCall(name=one["name"], args=one["arguments"], id=None) for one in json.loads(text)]
        return outcome_of(calls, schema)
    except (ValueError, TypeError, KeyError, AttributeError, BadCalls):
        return None


def _calls(gold: Outcome, schema: Schema) -> list[ToolCall]:
    """The calls of an outcome in the one form that the grammar of calls has."""
    if isinstance(gold, Clarify):
        return [ToolCall(name="clarify", args={"question": f"Which {gold.question}?"}, id=None)]
    if isinstance(gold, Decline) and gold.reason in DECLINES:
        return [ToolCall(name="decline", args={"reason": gold.reason}, id=None)]
    return [_ordered(call, schema) for call in calls_of(gold, schema)]


def _ordered(call: ToolCall, schema: Schema) -> ToolCall:
    made = tools(schema).get(call["name"])
    args = dict(call["args"])
    if "where" in args:
        groups = [{"any": [_condition(one, schema) for one in group["any"]]} for group in args["where"]["all"]]
        args["where"] = {"all": groups}
    for name, keys in (("changes", ("feature", "action", "value", "words")), ("case", ("feature", "value"))):
        if name in args:
            entries = [_shown({"action": "set", **one}, schema) for one in args[name]]
            args[name] = [{key: one[key] for key in keys if key in one} for one in entries]
    own = list(made.arguments.model_fields) if made else []
    scope = ("row", "text", "case", "where", "changes", "form", "audience", "length")
    kept = {name: args[name] for name in (*own, *scope) if name in args}
    return ToolCall(name=call["name"], args=kept if made else args, id=None)


def _condition(given: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """A condition as the grammar writes it: with its comparison, and its opposite where it is denied."""
    on, op = given.get("on", "feature"), given.get("op", "eq")
    if on in ("correct", "id"):
        value = given.get("value")
        return {"on": on, "value": value != given.get("negated", False) if on == "correct" else value}
    about = {"feature": given["feature"]} if on == "feature" else {"on": on}
    turned = opposite(op) if given.get("negated") else op
    return _shown({**about, "op": turned or op, **({"value": given["value"]} if "value" in given else {})}, schema)


def _shown(entry: dict[str, Any], schema: Schema) -> dict[str, Any]:
    """The entry with its value as it is listed to a model: a category by its label, a class by its id."""
    value = entry.get("value")
    if value is None or entry.get("op") == "contains":
        return entry
    if entry.get("on") in ("predicted", "actual"):
        return {**entry, "value": class_id(schema, value)} if schema.classes else entry
    if schema.modality == "table" and entry.get("feature"):
        feature = find_feature(schema, entry["feature"])
        if feature.categories and not isinstance(value, bool):
            return {**entry, "value": clean(feature.category(value).label)}
    return entry


def kept(lesson: Lesson) -> str:
    """A lesson as a line of JSON."""
    return json.dumps([lesson.group, lesson.said, lesson.target], ensure_ascii=False)


def known(line: str) -> Lesson:
    """The lesson of a line."""
    group, said, target = json.loads(line)
    return replace(Lesson(group, (), target), said=tuple((role, content) for role, content in said))
