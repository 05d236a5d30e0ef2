"""Calls that a model writes as text, for one that calls no tools: what it is told of them, and how they are read."""

from __future__ import annotations

import json
import re
from collections.abc import Set
from typing import Any

from langchain_core.messages import AIMessage, ToolCall

from askwhy.agent.calls import PSEUDO, BadCalls, shared_parameters, tool_schemas
from askwhy.agent.listing import variables
from askwhy.tools.schema import Schema

FORM: dict[str, Any] = {
    "title": "calls",
    "type": "object",
    "properties": {
        "calls": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"name": {"type": "string"}, "args": {"type": "object"}},
                "required": ["name", "args"],
            },
        }
    },
    "required": ["calls"],
}
"""The calls as a JSON schema, for a server that holds its model to one."""

_FENCE = re.compile(r"\A```(?:json)?[ \t]*\n(?P<text>.*)\n[ \t]*```\Z", re.DOTALL)
_MOST = 20


def written_variables(schema: Schema) -> dict[str, str]:
    """What the prompt `written_calls` is filled with."""
    offered = [one["function"] for one in tool_schemas(schema)]
    shared = shared_parameters()
    lines = [_tool_line(one, set() if one["name"] in PSEUDO else shared.keys()) for one in offered]
    scope = [f"- {name}: {_kind(entry)}" for name, entry in shared.items()]
    return variables(schema) | {"tools": "\n".join(lines), "scope": "\n".join(scope)}


def _tool_line(one: dict[str, Any], shared: Set[str]) -> str:
    """A tool on one line: its name, what it does in its first sentence, its own arguments."""
    own = {name: entry for name, entry in one["parameters"]["properties"].items() if name not in shared}
    needed = one["parameters"].get("required", ())
    args = ", ".join(f"{name}{'' if name in needed else '?'}: {_kind(entry)}" for name, entry in own.items())
    said = " ".join(one["description"].split("\nAnswers questions")[0].split())
    return f"- {one['name']}({args}): {said.split('. ')[0].rstrip('.')}."


def _kind(entry: dict[str, Any]) -> str:
    if "enum" in entry:
        return " | ".join(json.dumps(one) for one in entry["enum"])
    if "anyOf" in entry:
        return " or ".join(_kind(one) for one in entry["anyOf"])
    if entry.get("type") == "array":
        return f"list of {_kind(entry.get('items', {}))}"
    about = str(entry.get("description", "")).split(",")[0]
    return f"{entry.get('type', 'any')} ({about})" if about else str(entry.get("type", "any"))


def with_calls(message: AIMessage) -> AIMessage:
    """The message with the calls that its text is. Raises BadCalls for any other text."""
    return AIMessage(content="", tool_calls=written_calls(str(message.text)), usage_metadata=message.usage_metadata)


def written_calls(text: str) -> list[ToolCall]:
    """The calls of a text that is JSON and nothing else, bare or in one fence: an array, one call, or {"calls": [...]}.

    Raises BadCalls.
    """
    text = text.strip()
    if fenced := _FENCE.match(text):
        text = fenced["text"]
    try:
        found = json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise BadCalls("the reply is not a JSON array of calls and nothing else") from None
    if isinstance(found, dict):
        found = found["calls"] if set(found) == {"calls"} else [found]
    if not isinstance(found, list) or len(found) > _MOST:
        raise BadCalls("the reply is not a short JSON array of calls")
    return [_call(number, one) for number, one in enumerate(found)]


def _call(number: int, one: object) -> ToolCall:
    if not isinstance(one, dict) or set(one) - {"name", "args"} or not isinstance(one.get("name"), str):
        raise BadCalls(f"call {number + 1} is not an object with name and args")
    args = one.get("args", {})
    if not isinstance(args, dict):
        raise BadCalls(f"call {number + 1}: args is not an object")
    return ToolCall(name=one["name"], args=args, id=f"call_{number}", type="tool_call")


def _refuse(constant: str) -> None:
    raise ValueError(constant)
