"""Values for a tool's arguments: numbers it accepts, and names of a closed list that the question says."""

from __future__ import annotations

import re
from typing import Any, get_args

from pydantic import TypeAdapter, ValidationError

from askwhy.agent.embedded.english import listed
from askwhy.agent.embedded.words import SMALL, canonical
from askwhy.tools.schema import Schema


def accepted(annotation: Any, name: str, number: float) -> dict[str, float]:
    """The number as an argument, if it takes numbers of that size: 2018 is no count of rows to show."""
    try:
        TypeAdapter(annotation).validate_python(number)
    except ValidationError:
        return {}
    return {name: number}


def literal(annotation: Any, text: str) -> str | None:
    """The value of a Literal whose own words stand in the question."""
    return next(iter(literals(annotation, text)), None)


def literals(annotation: Any, text: str) -> tuple[str, ...]:
    """All such values, longest first: those of an argument that takes several."""
    own = re.findall(r"\w+", text.lower())
    words = [canonical(word) if word in listed("vague") else word for word in own]
    said = f" {' '.join(words)} | {' '.join(map(canonical, own))} "
    found = []
    for value in sorted(_values(annotation), key=len, reverse=True):
        plain = value.replace("_", " ")
        if value not in listed("vague") and value not in SMALL and (f" {plain} " in said or f" {plain}s " in said):
            found.append(value)
    return tuple(found)


def _values(annotation: Any) -> list[str]:
    """The strings of a Literal, however deep."""
    found: list[str] = []
    for part in get_args(annotation):
        found += [part] if isinstance(part, str) and "Literal" in str(annotation) else _values(part)
    return found


def rival_named(schema: Schema, question: str) -> str | None:
    """The other model that the question names, if any."""
    said = _plain(question)
    return next((name for name in sorted(schema.rivals, key=len, reverse=True) if _plain(name) in said), None)


def _plain(text: str) -> str:
    words = re.findall(r"[^\W_]+", text.lower())
    return f" {' '.join(words)} "
