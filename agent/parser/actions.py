"""The pieces a plan is written with, and which of them can follow: every plan written so is valid.

A plan is steps; a step is a tool, then what it is about (instance, selection, changes), its arguments and its manner:

    T explain | G row N0 | A k N1 | G end
    T count | G where C4 G and F2 G gt N0 | G next | T show G same | G end

An action is (group, index): G words of the grammar, A names of arguments, E values of an argument, T tools, F features,
C values of a feature, K classes, P conditions of the turn before, N numbers, W words of the question. A stretch of text
is its first and last word.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

from pydantic import TypeAdapter, ValidationError

from askwhy.agent.calls import Reason
from askwhy.agent.plan import Audience, Form, Length
from askwhy.tools.registry import Tool, names_kind
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Scope

Action = tuple[str, Any]
Kind = Literal["feature", "class", "number", "choice", "text", "flag"]

MAX_STEPS = 4
ASKS = ("feature", "row", "rows", "number", "category", "class", "tool", "changes", "text", "model")
DECLINES: tuple[str, ...] = get_args(Reason)
OPS = ("eq", "ne", "lt", "le", "gt", "ge")
CHANGES = ("set", "increase", "decrease", "scale", "percent_up", "percent_down")
EDITS = ("remove", "replace", "insert", "insert_before")
MANNERS = tuple(
    f"{name}:{value}"
    for name, values in (("form", get_args(Form)[1:]), ("audience", get_args(Audience)), ("length", get_args(Length)))
    for value in values
)
WORDS: tuple[str, ...] = (
    *(f"ask:{what}" for what in ASKS), *(f"no:{reason}" for reason in DECLINES),
    "row", "from:1", "from:2", "from:3", "text", "case", "same", "before", "where", "and", "or", "change", "kept",
    *OPS, "missing", "present", "contains", "lacks", "predicted", "actual", "id", "correct", "wrong",
    *CHANGES, *EDITS, *MANNERS, "next", "end",
)  # fmt: skip
"""Words of the grammar. `same`: what the step before is about, with its changes; `before`: the instance or selection of
the turn before; `kept`: its changes."""

CONSTANTS = (1.0, 2.0, 3.0, 0.0)
"""Numbers that can be meant without being said ("the most important one")."""


@dataclass(frozen=True)
class Argument:
    """An argument of a tool as the grammar sees it: `choices` are the values of a closed list."""

    name: str
    kind: Kind
    many: bool
    required: bool
    choices: tuple[str, ...] = ()


@functools.lru_cache(maxsize=512)
def arguments_of_tool(made: Tool) -> tuple[Argument, ...]:
    """The arguments of a tool, in order of name."""
    hints = get_type_hints(made.function, include_extras=True)
    found = []
    for name, info in sorted(made.arguments.model_fields.items()):
        hint = hints[name]
        kind, choices = _kind(hint)
        found.append(Argument(name, kind, "tuple[" in str(hint), info.is_required(), choices))
    return tuple(found)


@functools.lru_cache(maxsize=4096)
def takes(made: Tool, name: str, value: float) -> bool:
    """Whether an argument can be this number: a count is whole, a share below one."""
    try:
        _adapter(made, name).validate_python(plain_number(value))
    except ValidationError:
        return False
    return True


@functools.lru_cache(maxsize=512)
def _adapter(made: Tool, name: str) -> TypeAdapter[Any]:
    field = made.arguments.model_fields[name]
    kind: Any = Annotated[field.annotation, field]
    return TypeAdapter(kind)


def plain_number(value: float) -> int | float:
    """A number as it stands in a plan: whole ones as integers."""
    return int(value) if float(value).is_integer() else float(value)


def _kind(hint: Any) -> tuple[Kind, tuple[str, ...]]:
    named = names_kind(hint)
    if named == "feature":
        return "feature", ()
    if named == "class":
        return "class", ()
    if choices := tuple(dict.fromkeys(_choices(hint))):
        return "choice", choices
    leaves = set(_leaves(hint))
    if bool in leaves:
        return "flag", ()
    return ("number", ()) if leaves & {int, float} else ("text", ())


def _choices(hint: Any) -> Iterator[str]:
    """The strings of a Literal or of an enumerated schema, however deep."""
    if get_origin(hint) is Literal:
        yield from (str(value) for value in get_args(hint))
        return
    for mark in getattr(hint, "__metadata__", ()):
        extra = getattr(mark, "json_schema_extra", None)
        if isinstance(extra, dict):
            yield from map(str, extra.get("enum", ()))
    for part in get_args(hint):
        yield from _choices(part)


def _leaves(hint: Any) -> Iterator[Any]:
    parts = [part for part in get_args(hint) if part is not Ellipsis]
    if not parts:
        yield hint
    for part in parts:
        yield from _leaves(part)


@dataclass(frozen=True)
class Offer:
    """What can be pointed at for one question: how many of each group there are, and what is what.

    numeric, dates: the features of a kind; valued: whether any has values to point at. numbers: what they are. groups:
    conditions of the turn before. earlier: whether that turn was about rows or an instance; pinned: whether it was
    about one instance; kept: whether it had changes. written: the numbers that were written, which alone may be ids.
    """

    tools: dict[str, Tool]
    numeric: frozenset[int]
    dates: frozenset[int]
    valued: bool
    classes: int
    numbers: tuple[float, ...]
    words: int
    groups: int
    is_text: bool
    earlier: bool
    pinned: bool
    kept: bool
    rivals: tuple[str, ...]
    written: frozenset[int]

    @property
    def nameable(self) -> bool:
        """Whether there is anything that an id could be."""
        return bool(self.words or self.written)

    @classmethod
    def of(
        cls, schema: Schema, tools: dict[str, Tool], numbers: Sequence[float], written: frozenset[int], words: int,
        groups: int = 0, before: Scope | None = None, shown: frozenset[Action] | None = None,
    ) -> Offer:  # fmt: skip
        """For a schema and a question with these numbers (`written`: those that are not only meant) and so many words,
        after a turn about `before`.

        shown: the features and values that can be pointed at, default: all.
        """
        features = [(i, one) for i, one in enumerate(schema.features) if shown is None or ("F", i) in shown]
        valued = any(one.categories for one in schema.features)
        return cls(
            tools=tools,
            numeric=frozenset(i for i, one in features if one.numeric),
            dates=frozenset(i for i, one in features if one.kind == "date"),
            valued=valued if shown is None else any(group == "C" for group, _ in shown),
            classes=len(schema.classes),
            numbers=tuple(numbers),
            words=words,
            groups=groups,
            is_text=schema.modality == "text",
            earlier=before is not None and (before.has_instance or bool(before.where)),
            pinned=before is not None and before.has_instance,
            kept=before is not None and bool(before.changes),
            rivals=schema.rivals,
            written=written,
        )
