"""Example questions with the calls that they mean, made from the tools' own `asks`, nearest to a question first."""

from __future__ import annotations

import functools
import json
import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import ToolCall

from askwhy.agent.calls import BadCalls, outcome_of
from askwhy.agent.listing import clean
from askwhy.tools.registry import Tool, tools
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Scope

_SLOT = re.compile(r"\{(\w+)\}")
_WORD = re.compile(r"[a-z]+|\d+")
_ROW = "12"
_NUMBER = 3


@dataclass(frozen=True)
class Example:
    """A question, the tool that answers it, and the reply that calls it."""

    question: str
    tool: str
    reply: str


def nearest(question: str, schema: Schema, offered: Iterable[str], most: int) -> list[Example]:
    """The examples that share the most telling words with a question, one for each tool, the nearest first."""
    known = set(offered)
    found = [(words, one) for words, one in _all(schema) if one.tool in known]
    often = Counter(word for words, _ in found for word in words)
    asked = _words(question)
    weight = {word: math.log(1 + len(found) / often[word]) for word in asked if word in often}
    scored = sorted(found, key=lambda pair: -_likeness(asked, pair[0], weight))
    best: dict[str, Example] = {}
    for _, one in scored:
        best.setdefault(one.tool, one)
        if len(best) == most:
            break
    return list(best.values())


def _likeness(asked: frozenset[str], words: frozenset[str], weight: dict[str, float]) -> float:
    return sum(weight.get(word, 0.0) for word in words) / math.sqrt(len(words) + len(asked))


def _words(text: str) -> frozenset[str]:
    """The words of a text, without a plural's s."""
    return frozenset(word.rstrip("s") if len(word) > 3 else word for word in _WORD.findall(text.lower()))


@functools.lru_cache(maxsize=8)
def _all(schema: Schema) -> tuple[tuple[frozenset[str], Example], ...]:
    made = (_example(one, ask.text, dict(ask.arguments), schema) for one in tools(schema).values() for ask in one.asks)
    return tuple((_words(one.question), one) for one in made if one)


def _example(made: Tool, text: str, fixed: dict[str, Any], schema: Schema) -> Example | None:
    """An example with its slots filled; None where that takes more than is done here."""
    slots, arguments = _filling(made, schema), {key: one for key, one in fixed.items() if "{" not in str(one)}
    words = {"entity": clean(schema.entity), "entities": clean(schema.entities)}
    for name in dict.fromkeys(_SLOT.findall(text)):
        if name in words:
            continue
        if name not in slots:
            return None
        words[name], given = slots[name]
        arguments |= given
    question = _SLOT.sub(lambda found: words[found[1]], text)
    if made.needs == "instance":
        arguments.setdefault("row", _ROW)
    ordered = [name for name in (*made.arguments.model_fields, *Scope.model_fields) if name in arguments]
    call = ToolCall(name=made.name, args={name: arguments[name] for name in ordered}, id="example", type="tool_call")
    try:
        outcome_of([call], schema)
    except BadCalls:
        return None
    return Example(question, made.name, written([call]))


def _filling(made: Tool, schema: Schema) -> dict[str, tuple[str, dict[str, Any]]]:
    """Words for each slot, and the arguments that they mean."""
    found: dict[str, tuple[str, dict[str, Any]]] = {"row": (f"{clean(schema.entity)} {_ROW}", {"row": _ROW})}
    own = made.arguments.model_json_schema().get("properties", {})
    features = [name for name, kind in made.named if kind == "feature"]
    classes = [name for name, kind in made.named if kind == "class"]
    for number, slot in enumerate(("feature", "feature2")):
        if number < min(len(features), len(schema.features)) and "array" not in json.dumps(own[features[number]]):
            found[slot] = (clean(schema.features[number].label), {features[number]: f"f{number}"})
    if features and "feature" not in found:
        found["feature"] = (clean(schema.features[0].label), {features[0]: ["f0"]})
    if classes and schema.classes:
        found["class"] = (clean(schema.classes[-1].label), {classes[0]: f"c{len(schema.classes) - 1}"})
    if "k" in own:
        found["k"] = (str(_NUMBER), {"k": _NUMBER})
    return found | _numbers(made, schema)


def _numbers(made: Tool, schema: Schema) -> dict[str, tuple[str, dict[str, Any]]]:
    """Words that need a number: of a selection, or of a change."""
    ranges = ((number, one) for number, one in enumerate(schema.features) if one.numeric)
    known = [
        (f"f{number}", one, (one.low + one.high) / 2)
        for number, one in ranges
        if one.low is not None and one.high is not None
    ]
    if not known or made.needs == "instance":
        return {}
    feature, about, middle = known[0]
    limit, label = round(middle), clean(about.label)
    if made.needs == "changes":
        change = {"feature": feature, "action": "set", "value": limit}
        return {"feature": (label, {}), "number": (str(limit), {"changes": [change]})}
    condition = {"feature": feature, "op": "gt", "value": limit}
    return {"subset": (f"{label} over {limit}", {"where": {"all": [{"any": [condition]}]}})}


def written(calls: Sequence[ToolCall]) -> str:
    """Calls as a reply writes them."""
    said = [{"name": one["name"], "arguments": one["args"]} for one in calls]
    return json.dumps(said, ensure_ascii=False, default=str)
