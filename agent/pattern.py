"""Reads sentence patterns; `askwhy.agent.verbalize` describes the language."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass
from typing import Literal, cast, get_args

Form = Literal["", "size", "signed", "bare", "word", "one", "entities", "if"]
"""How a placeholder is to be said."""

Part = Literal["value", "feature", "at", "cls", "row", "id", "group", "rank", "error"]
"""What of a fact a placeholder says."""

WORDS = ("scope", "entities", "entity", "row", "changes", "target")
"""Placeholders that are filled from the question and the schema, not from a fact."""

_SLOT = re.compile(r"(?P<name>[a-z_]\w*)(?:\.(?P<part>\w+))?(?::(?P<form>.+))?", re.IGNORECASE)
_LIST = re.compile(r"(?P<relation>[a-z_]\w*)\s*(?P<count>\*|\d+)?\s*:\s*(?P<item>.+)", re.IGNORECASE | re.DOTALL)
_PIECES = re.compile(r"\{(?P<slot>[^{}\[\]]*)\}|\[(?P<list>[^\[\]]*)\]|(?P<literal>[^{}\[\]]+)")
_NUMERIC_FORMS = ("size", "signed", "bare")


@dataclass(frozen=True)
class Slot:
    """A placeholder. `name` is a relation, one of `WORDS`, or empty for the item of the list around it."""

    name: str
    part: Part = "value"
    form: Form = ""
    options: tuple[str, ...] = ()

    @property
    def prints_value(self) -> bool:
        """Whether the fact's value itself appears, not a word chosen by it."""
        return self.part == "value" and self.form not in ("word", "one")


@dataclass(frozen=True)
class Listing:
    """The first `count` facts of a relation (None: all), each said by `item`."""

    relation: str
    count: int | None
    item: tuple[str | Slot, ...]


Token = str | Slot | Listing


@functools.lru_cache(maxsize=1024)
def parse(pattern: str) -> tuple[Token, ...]:
    """The pattern's literals, placeholders and lists. Raises ValueError where it is none."""
    tokens: list[Token] = []
    for match in _pieces(pattern, pattern):
        if match["list"] is not None:
            tokens.append(_listing(match["list"], pattern))
        else:
            tokens.append(match["literal"] or _slot(match["slot"], pattern, inside=False))
    return tuple(tokens)


def _pieces(text: str, pattern: str) -> list[re.Match[str]]:
    found = list(_PIECES.finditer(text))
    if sum(len(match.group()) for match in found) != len(text) or not text.strip():
        raise ValueError(f"not a sentence pattern (braces or brackets do not match): {pattern!r}")
    return found


def _listing(text: str, pattern: str) -> Listing:
    match = _LIST.fullmatch(text.strip())
    if match is None or match["count"] == "0":
        raise ValueError(f"not a list, which reads [relation 3: item]: {text!r} in {pattern!r}")
    item = tuple(
        one["literal"] or _slot(one["slot"] or "", pattern, inside=True) for one in _pieces(match["item"], pattern)
    )
    count = None if match["count"] in (None, "*") else int(match["count"])
    return Listing(match["relation"], count, item)


def _slot(text: str, pattern: str, *, inside: bool) -> Slot:
    match = _SLOT.fullmatch(text)
    if match is None:
        raise ValueError(f"not a placeholder: {{{text}}} in {pattern!r}")
    name, part = match["name"], match["part"]
    form, options = _form(match["form"] or "", pattern)
    if inside and part is None and name in get_args(Part):
        name, part = "", name
    if part is not None and part not in get_args(Part):
        raise ValueError(f"a fact has no {part!r}: {pattern!r}")
    if name in WORDS and part is not None:
        raise ValueError(f"{{{name}}} has no parts: {pattern!r}")
    slot = Slot(name, cast(Part, part or "value"), form, options)
    _check(slot, pattern)
    return slot


def _form(text: str, pattern: str) -> tuple[Form, tuple[str, ...]]:
    kind, _, rest = text.partition(" ")
    options = tuple(option.strip() for option in rest.split("/")) if rest else ()
    wanted = {"word": (2, 3), "one": (2,)}.get(kind, (0,))
    if kind not in get_args(Form) or len(options) not in wanted or not all(options):
        raise ValueError(f"not a format: {text!r} in {pattern!r}")
    return cast(Form, kind), options


def _check(slot: Slot, pattern: str) -> None:
    """Which formats go with which parts."""
    if slot.name in WORDS:
        fine = slot.form == "" or (slot.name == "changes" and slot.form == "if")
    elif slot.part == "value":
        fine = slot.form != "if"
    elif slot.part in ("error", "rank", "at"):
        fine = slot.form in ("", *_NUMERIC_FORMS)
    else:
        fine = slot.form == ""
    if not fine:
        raise ValueError(f"the format {slot.form!r} does not go with {slot.name or slot.part!r}: {pattern!r}")
