"""A grammar for llguidance in the making: JSON on one line, with every string, number and list bounded.

A Lark expression stands for a piece of JSON text. JSON Schema that is not known here is left to llguidance (`%json`).
Numbers have few digits, and where both limits are known come from a grid: a free number may be infinite or outside.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

MOST_CHARACTERS = 80
MOST_ITEMS = 4
_GRID = 100
_MOST_INTEGERS = 1000
_CHARACTER = r'[^"\\\x00-\x1f\x7f]|\\["\\]'
_KNOWN = {
    "type", "description", "title", "default", "properties", "required", "additionalProperties", "items", "enum",
    "const", "anyOf", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems",
    "minLength", "maxLength",
}  # fmt: skip


@dataclass(frozen=True)
class Slot:
    """A place in an object: an expression for one `"name": value`, or for several of which one may stand there."""

    pair: str
    required: bool = False


class Rules:
    """Rules and terminals by their body, so that equal parts are written once."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def rule(self, body: str) -> str:
        """The name of the rule with this body."""
        return self._names.setdefault(body, f"r{len(self._names)}")

    def terminal(self, regex: str) -> str:
        """The name of the terminal with this regular expression."""
        escaped = regex.replace("/", r"\/")
        return self._names.setdefault(f"/{escaped}/", f"T{len(self._names)}")

    def grammar(self, start: str) -> str:
        """The whole grammar, in llguidance's dialect of Lark."""
        return "\n".join([f"start: {start}", *(f"{name}: {body}" for body, name in self._names.items())])

    def choice(self, expressions: Iterable[str]) -> str:
        """One of these."""
        options = list(dict.fromkeys(expressions))
        return options[0] if len(options) == 1 else self.rule(" | ".join(options))

    def constants(self, values: Iterable[Any]) -> str:
        """One of these JSON values."""
        return self.choice(_quoted(json.dumps(value, ensure_ascii=False)) for value in values)

    def string(self, most: int = MOST_CHARACTERS, ending: str = "") -> str:
        """A JSON string of 1 to `most` characters; `ending`: one more at its end.

        It begins with no blank and no @, which would point at another call.
        """
        return self.terminal(rf'"(?:[^\s@"\\\x00-\x1f\x7f])(?:{_CHARACTER}){{0,{most - 1}}}{ending}"')

    def number(self) -> str:
        """A number of at most nine digits before the point and four after it."""
        return self.terminal(r"-?(?:0|[1-9][0-9]{0,8})(?:\.[0-9]{1,4})?")

    def array(self, item: str, most: int = MOST_ITEMS, least: int = 1) -> str:
        """A list of `least` to `most` items."""
        first, last = max(least, 1) - 1, max(most, least, 1) - 1
        more = f' (", " {item}){{{first},{last}}}' if last else ""
        return self.rule(f'"[" {item}{more} "]"')

    def pair(self, name: str, value: str) -> str:
        """`"name": value`."""
        return f"{_quoted(json.dumps(name) + ': ')} {value}"

    def object(self, slots: Sequence[Slot]) -> str:
        """An object with its slots in this order, the optional ones left out or not."""
        starts = []
        for number, slot in enumerate(slots):
            starts.append(f"{slot.pair}{self._rest(slots[number + 1 :])}")
            if slot.required:
                return self.rule(f'"{{" {self.choice(starts)} "}}"')
        return self.rule(f'"{{" ({self.choice(starts)})? "}}"' if starts else '"{}"')

    def _rest(self, slots: Sequence[Slot]) -> str:
        if not slots:
            return ""
        following = self._rest(slots[1:])
        part = f'", " {slots[0].pair}' if slots[0].required else f'(", " {slots[0].pair})?'
        return f" {self.rule(part + following)}"

    def value(self, schema: dict[str, Any]) -> str:
        """A value that a JSON Schema allows; objects are closed, their properties come in the schema's order."""
        if "const" in schema or "enum" in schema:
            return self.constants(schema.get("enum", [schema.get("const")]))
        if set(schema) <= _KNOWN:
            if "anyOf" in schema:
                return self.choice([self.value(one) for one in schema["anyOf"]])
            if found := self._typed(schema):
                return found
        return self.rule(f"%json {json.dumps(schema)}")

    def _typed(self, schema: dict[str, Any]) -> str | None:
        kind = schema.get("type")
        if kind in ("integer", "number"):
            bounded = schema.keys() & {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
            if bounded:
                return self.constants(_within(schema, whole=kind == "integer"))
            return self.number() if kind == "number" else self.terminal(r"-?(?:0|[1-9][0-9]{0,8})")
        if kind == "boolean":
            return self.constants([False, True])
        if kind == "string" and schema.get("minLength", 0) <= 1:
            return self.string(min(schema.get("maxLength", MOST_CHARACTERS), MOST_CHARACTERS))
        if kind == "array" and "items" in schema:
            most = min(schema.get("maxItems", MOST_ITEMS), MOST_ITEMS)
            return self.array(self.value(schema["items"]), most, schema.get("minItems", 1))
        if kind == "object" and not schema.get("additionalProperties"):
            wanted = schema.get("required", ())
            named = schema.get("properties", {}).items()
            return self.object([Slot(self.pair(name, self.value(one)), name in wanted) for name, one in named])
        return None


def _quoted(text: str) -> str:
    """A Lark literal of this text."""
    return json.dumps(text)


def _within(schema: dict[str, Any], whole: bool) -> list[float]:
    """Numbers between limits: every integer up to a thousand of them, or a grid."""
    low: Any = schema.get("minimum", schema.get("exclusiveMinimum"))
    high: Any = schema.get("maximum", schema.get("exclusiveMaximum"))
    if whole:
        first = math.ceil(low) if low is not None else math.floor(high) - _MOST_INTEGERS
        last = math.floor(high) if high is not None else first + _MOST_INTEGERS
        found: list[float] = list(range(first, min(last, first + _MOST_INTEGERS) + 1))
    elif low is not None and high is not None:
        found = [round(low + (high - low) * step / _GRID, 6) for step in range(_GRID + 1)]
    else:
        steps = [*(step / _GRID for step in range(_GRID)), *range(1, _GRID + 1)]
        found = [round(low + step if low is not None else high - step, 6) for step in steps]
    over, under = schema.get("exclusiveMinimum", -math.inf), schema.get("exclusiveMaximum", math.inf)
    return [one for one in found if over < one < under]
