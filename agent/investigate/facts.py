"""Evidence as a language model reads it: one JSON object a line, ids for features and classes, strings clipped."""

from __future__ import annotations

import json
from typing import Any

from askwhy.agent.listing import class_id, clean, feature_id
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Scalar

MOST_CHARACTERS = 4000
"""Of one step's facts; what comes last is left out."""

_DIGITS = 4


def fact_lines(evidence: Evidence, step: int, schema: Schema) -> str:
    """A line on the step, then one for each fact, in the tool's order; conditions of a group come last."""
    ordered = sorted(evidence.facts, key=lambda fact: fact.relation.startswith("rule_"))
    lines = [_json(_entry(fact, step, schema)) for fact in ordered]
    shown, length = 0, 0
    for line in lines:
        length += len(line) + 1
        if length > MOST_CHARACTERS:
            break
        shown += 1
    head = {"step": step, "tool": evidence.tool, "facts": len(lines)} | ({"shown": shown} if shown < len(lines) else {})
    return "\n".join([_json(head), *lines[:shown]])


def problem_line(problems: tuple[str, ...]) -> str:
    """What is wrong with a call, for the model to put right."""
    return _json({"error": [clean(problem, 300) for problem in problems[:5]]})


def _entry(fact: Fact, step: int, schema: Schema) -> dict[str, Any]:
    entry: dict[str, Any] = {"id": f"{step}.{fact.id}", "relation": fact.relation}
    named = fact.value is not None and fact.unit == "class"
    entry["value"] = _class(fact.value, schema) if named else _scalar(fact.value)
    entry |= {"unit": fact.unit, "feature": _feature(fact.feature, schema), "at": _scalar(fact.at)}
    entry |= {"class": None if fact.cls is None else _class(fact.cls, schema), "row": _scalar(fact.row)}
    entry |= {"group": _scalar(fact.group), "rank": fact.rank, "error": _scalar(fact.error)}
    return {key: value for key, value in entry.items() if value not in (None, "")}


def _scalar(value: Scalar | None) -> Scalar | None:
    if isinstance(value, str):
        return clean(value)
    return float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value


def _feature(name: str | None, schema: Schema) -> str | None:
    if name is None:
        return None
    return feature_id(schema, name) if name in schema.names else clean(name)


def _class(name: Scalar | None, schema: Schema) -> str:
    try:
        return class_id(schema, name if name is not None else "")
    except ToolError:
        return clean(name)


def _json(entry: dict[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False)
