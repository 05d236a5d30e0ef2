"""What methods and measures are called and what they mean in plain words: the entries of `glossary.toml`."""

from __future__ import annotations

import functools
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources
from typing import Annotated, Any

from pydantic import Field

from askwhy.tools.errors import UnknownName

_MARK = "term"


@dataclass(frozen=True)
class Term:
    """A method or measure. `methods`: phrases by which a tool's account of its method shows that this is meant."""

    term: str
    meaning: str
    aliases: tuple[str, ...] = ()
    methods: tuple[str, ...] = ()
    paper: str = ""
    tools: tuple[str, ...] = ()

    def names(self) -> tuple[str, ...]:
        """What it is called."""
        return (self.term, *self.aliases)


@functools.cache
def glossary() -> tuple[Term, ...]:
    """Every entry, in the order of the file."""
    file = resources.files(__package__) / "glossary.toml"
    return tuple(_term(**entry) for entry in tomllib.loads(file.read_text(encoding="utf-8"))["term"])


def _term(meaning: str, **given: Any) -> Term:
    lists: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    return Term(meaning=" ".join(meaning.split()), **lists)


TermName = Annotated[str, _MARK, Field(json_schema_extra={"enum": [one.term for one in glossary()]})]
"""An argument that names an entry; aliases are accepted."""


def is_term(annotation: Any) -> bool:
    """Whether an argument's type names entries of the glossary."""
    return _MARK in getattr(annotation, "__metadata__", ()) or any(map(is_term, getattr(annotation, "__args__", ())))


def find_term(name: str) -> Term:
    """The entry of this name or alias, whatever its case and its hyphens; UnknownName with the nearest ones if none."""
    found = _by_name().get(_folded(name))
    if found is None:
        raise UnknownName(
            "method or measure in the glossary", name, [word for one in glossary() for word in one.names()]
        )
    return found


def known_term(name: str) -> Term | None:
    """The entry of this name or alias, or None."""
    return _by_name().get(_folded(name))


def terms_in(text: str) -> tuple[Term, ...]:
    """The entries that a text speaks of, in its order; a longer phrase hides the shorter ones inside it."""
    said = f" {_folded(text)} "
    found: list[tuple[int, Term]] = []
    for phrase, term in _phrases():
        at = said.find(f" {phrase} ")
        if at >= 0:
            said = said.replace(f" {phrase} ", f" {'_' * len(phrase)} ")
            found.append((at, term))
    return tuple(dict.fromkeys(term for _, term in sorted(found, key=lambda pair: pair[0])))


def terms_of(tool: str, *texts: str) -> tuple[Term, ...]:
    """The entries behind a tool: those that the texts about it speak of, then those that name it."""
    spoken = tuple(term for text in texts for term in terms_in(text))
    return tuple(dict.fromkeys((*spoken, *(one for one in glossary() if tool in one.tools))))


def _folded(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.lower().replace("'s", "").replace("\u2019s", "")))


@functools.cache
def _by_name() -> dict[str, Term]:
    return {_folded(name): one for one in reversed(glossary()) for name in reversed(one.names())}


@functools.cache
def _phrases() -> tuple[tuple[str, Term], ...]:
    """Everything that shows an entry is meant, longest first."""
    return tuple(sorted(_spoken(), key=lambda pair: (-len(pair[0]), pair[0])))


def _spoken() -> Iterator[tuple[str, Term]]:
    for one in glossary():
        for phrase in dict.fromkeys(map(_folded, (*one.names(), *one.methods))):
            yield phrase, one
