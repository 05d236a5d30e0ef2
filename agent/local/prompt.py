"""What a local model reads: messages in its own template, tools as one line each, examples near the question.

The constant part, tools and features, comes first, so that it is read once for all questions about a subject.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from askwhy.agent.investigate.notebook import FINISH
from askwhy.agent.listing import clean, variables
from askwhy.agent.local.examples import nearest, written
from askwhy.agent.local.pointers import is_investigation
from askwhy.prompts import Prompt, load
from askwhy.tools.schema import Schema

Said = list[dict[str, str]]
"""Messages as chat templates take them: role (system, user, assistant) and content."""

PLANNING = frozenset({"clarify", "decline"})
"""Where these are on offer a question is to be planned, and the short prompt for that replaces the system message."""

_EXAMPLES = 4
_LINE = 70
_MOST_FEATURES, _MOST_VALUES = 40, 8
_MOST_RESULT = 1500
_MOST_FACTS = (1000, 300, 100)
"""Characters of one result in an investigation: in full, shortened, and its first line or little more."""


@dataclass(frozen=True)
class Asked:
    """What is asked of a local model: messages from the fullest form to the barest, and the prompt that was put in."""

    forms: tuple[Said, ...]
    prompt: Prompt | None = None


def asked(messages: Sequence[BaseMessage], offered: Sequence[dict[str, Any]], schema: Schema | None) -> Asked:
    """The messages for a model that may call these tools, given in the OpenAI format."""
    if not offered:
        return Asked((_said(messages),))
    if schema is not None and {one["function"]["name"] for one in offered} >= PLANNING:
        return _planning(messages, offered, schema)
    if schema is not None and is_investigation(offered):
        return _looking_into(messages, offered, schema)
    prompt = load("local_tools")
    instructions = "\n".join(one["content"] for one in _said([one for one in messages if _is_system(one)]))
    system = prompt.render(instructions=instructions, tools=_tool_lines(offered))
    rest = _said([one for one in messages if not _is_system(one)])
    return Asked(([{"role": "system", "content": system.strip()}, *rest],), prompt)


def _planning(messages: Sequence[BaseMessage], offered: Sequence[dict[str, Any]], schema: Schema) -> Asked:
    prompt = load("local_plan")
    system = _about(schema, prompt, offered)
    last = max((number for number, one in enumerate(messages) if isinstance(one, AIMessage | ToolMessage)), default=-1)
    before = _said([one for one in messages[: last + 1] if not _is_system(one) and one.type != "tool"])
    now = _said([one for one in messages[last + 1 :] if not _is_system(one)])
    question = next((str(one.text) for one in messages[last + 1 :] if isinstance(one, HumanMessage)), "")
    shown = _examples(question, schema, offered)
    forms = ([system, *shown, *before, *now], [system, *shown, *before[-2:], *now], [system, *now])
    return Asked(forms, prompt)


def _looking_into(messages: Sequence[BaseMessage], offered: Sequence[dict[str, Any]], schema: Schema) -> Asked:
    """The question, then the calls so far with what each found; the examples stay the same all along."""
    prompt = load("local_investigate")
    system = _about(schema, prompt, [one for one in offered if one["function"]["name"] != FINISH])
    question = next((str(one.text) for one in messages if isinstance(one, HumanMessage)), "")
    shown = _examples(question, schema, offered)
    said = [one for one in messages if not _is_system(one)]
    full, short, bare = (_said([_clipped(one, most) for one in said]) for most in _MOST_FACTS)
    return Asked(([system, *shown, *full], [system, *shown, *short], [system, *short], [system, *bare]), prompt)


def _clipped(message: BaseMessage, most: int) -> BaseMessage:
    """A result as a message of the user's, whole lines of it: the step and the facts that come first."""
    if not isinstance(message, ToolMessage):
        return message
    head, *lines = str(message.text).splitlines() or [""]
    left = most - len(head)
    kept = [head[:most]]
    for line in lines:
        left -= len(line) + 1
        if left < 0:
            break
        kept.append(line)
    return HumanMessage("\n".join(kept))


def _about(schema: Schema, prompt: Prompt, offered: Sequence[dict[str, Any]]) -> dict[str, str]:
    """The system message: what is the same for all questions about a subject."""
    known = {name: one for name, one in variables(schema).items() if name in prompt.variables}
    known |= {"features": "\n".join(_feature_lines(schema)), "classes": "\n".join(_class_lines(schema)) or "none"}
    return {"role": "system", "content": prompt.render(**known, tools=_tool_lines(offered))}


def _examples(question: str, schema: Schema, offered: Sequence[dict[str, Any]]) -> Said:
    """Questions with the calls that they mean, the nearest last."""
    names = [str(one["function"]["name"]) for one in offered]
    return [
        {"role": role, "content": content}
        for one in reversed(nearest(question, schema, names, _EXAMPLES))
        for role, content in (("user", one.question), ("assistant", one.reply))
    ]


def _is_system(message: BaseMessage) -> bool:
    return isinstance(message, SystemMessage)


def _said(messages: Sequence[BaseMessage]) -> Said:
    """Messages as role and content; those of one role that follow each other are one, as many templates want it."""
    found: Said = []
    for message in messages:
        role, content = _one(message)
        if found and found[-1]["role"] == role:
            found[-1]["content"] += f"\n{content}"
        else:
            found.append({"role": role, "content": content})
    return found


def _one(message: BaseMessage) -> tuple[str, str]:
    text = str(message.text)
    if isinstance(message, SystemMessage):
        return "system", text
    if isinstance(message, ToolMessage):
        return "user", json.dumps({"result": text[:_MOST_RESULT]}, ensure_ascii=False)
    if isinstance(message, AIMessage):
        return "assistant", "\n".join(filter(None, (text, written(message.tool_calls) if message.tool_calls else "")))
    return "user", text


def _tool_lines(offered: Sequence[dict[str, Any]]) -> str:
    functions = (one["function"] for one in offered)
    return "\n".join(f"{one['name']}: {clean(str(one.get('description', '')), _LINE)}" for one in functions)


def _feature_lines(schema: Schema) -> Iterator[str]:
    for number, one in enumerate(schema.features[:_MOST_FEATURES]):
        values = [category.label for category in one.categories[:_MOST_VALUES]]
        shown = f" {json.dumps([clean(value) for value in values], ensure_ascii=False)}" if values else ""
        yield f"f{number} {json.dumps(clean(one.label), ensure_ascii=False)}{shown}"


def _class_lines(schema: Schema) -> Iterator[str]:
    for number, one in enumerate(schema.classes):
        yield f"c{number} {json.dumps(clean(one.label), ensure_ascii=False)}"
