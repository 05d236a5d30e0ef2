"""JSON schemas of tools' parameters, in the small part of the language that every provider takes."""

from __future__ import annotations

import functools
import json
from typing import Any

from pydantic import BaseModel


def function(name: str, description: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """A tool in the OpenAI format."""
    return {"type": "function", "function": {"name": name, "description": description, "parameters": parameters}}


def parameters_of(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON schema of a model's fields, closed, without references, titles, defaults and null."""
    found: dict[str, Any] = json.loads(_parameters_json(model))
    return found


@functools.lru_cache(maxsize=512)
def _parameters_json(model: type[BaseModel]) -> str:
    """Kept as text, which is read in a hundredth of the time that it takes to make it; what is read may be changed."""
    full = model.model_json_schema()
    found = _inlined(full, full.get("$defs", {}))
    found.pop("description", None)
    return json.dumps({"type": "object", "properties": {}, "additionalProperties": False, **found})


def _inlined(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema without references, titles, defaults and null: providers differ in which of these they take."""
    if "$ref" in node:
        node = {**definitions[node["$ref"].rsplit("/", 1)[-1]], **{k: v for k, v in node.items() if k != "$ref"}}
    found: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            found[key] = {name: _inlined(entry, definitions) for name, entry in value.items()}
        elif key == "anyOf":
            found |= _any_of([_inlined(entry, definitions) for entry in value if entry != {"type": "null"}])
        elif key in ("items", "additionalProperties") and isinstance(value, dict):
            found[key] = _inlined(value, definitions)
        elif key not in ("title", "default", "$defs"):
            found[key] = value
    return found


def _any_of(choices: list[dict[str, Any]]) -> dict[str, Any]:
    return choices[0] if len(choices) == 1 else {"anyOf": choices}


def bare(node: dict[str, Any]) -> dict[str, Any]:
    """The schema with the same values and no descriptions; an integer is a number."""
    found: dict[str, Any] = {}
    for key, value in node.items():
        if key == "properties":
            found[key] = {name: bare(entry) for name, entry in value.items()}
        elif key == "anyOf":
            numbers = {"type": "number"} in value
            found[key] = [bare(one) for one in value if not (numbers and one == {"type": "integer"})]
        elif key != "description":
            found[key] = bare(value) if isinstance(value, dict) else value
    return found
