"""What a local model reads: messages in its own template, tools as one line each, examples near the question.

The constant part, tools and features, comes first, so that it is read once for all questions about a subject.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from askwhy.agent.listing import clean, variables
from askwhy.agent.local.examples import nearest, written
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
    prompt = load("local_tools")
    instructions = "\n".join(one["content"] for one in _said([one for one in messages if _is_system(one)]))
    system = prompt.render(instructions=instructions, tools=_tool_lines(offered))
    rest = _said([one for one in messages if not _is_system(one)])
    return Asked(([{"role": "system", "content": system.strip()}, *rest],), prompt)


def _planning(messages: Sequence[BaseMessage], offered: Sequence[dict[str, Any]], schema: Schema) -> Asked:
    prompt = load("local_plan")
    known = {name: one for name, one in variables(schema).items() if name in prompt.variables}
    known |= {"features": "\n".join(_feature_lines(schema)), "classes": "\n".join(_class_lines(schema)) or "none"}
    system = {"role": "system", "content": prompt.render(**known, tools=_tool_lines(offered))}
    last = max((number for number, one in enumerate(messages) if isinstance(one, AIMessage | ToolMessage)), default=-1)
    before = _said([one for one in messages[: last + 1] if not _is_system(one) and one.type != "tool"])
    now = _said([one for one in messages[last + 1 :] if not _is_system(one)])
    question = next((str(one.text) for one in messages[last + 1 :] if isinstance(one, HumanMessage)), "")
    names = [str(one["function"]["name"]) for one in offered]
    shown = [
        {"role": role, "content": content}
        for one in reversed(nearest(question, schema, names, _EXAMPLES))
        for role, content in (("user", one.question), ("assistant", one.reply))
    ]
    forms = ([system, *shown, *before, *now], [system, *shown, *before[-2:], *now], [system, *now])
    return Asked(forms, prompt)


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
