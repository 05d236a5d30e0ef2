"""The words and patterns of `english.toml`."""

from __future__ import annotations

import functools
import re
import tomllib
from importlib import resources
from typing import Any

_NAME = re.compile(r"\{([A-Za-z_]+)\}")


@functools.cache
def _data() -> dict[str, Any]:
    file = resources.files(__package__) / "english.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


@functools.cache
def listed(name: str) -> frozenset[str]:
    """A list of words."""
    return frozenset(_data()["words"][name].split())


def ordered_words(name: str) -> list[str]:
    """A list of words in their order, as for numerals."""
    return list(_data()["words"][name].split())


@functools.cache
def same() -> dict[str, str]:
    """For each word the one that stands for all that mean the same."""
    return {word: head for head, others in _data()["same"].items() for word in others.split()}


@functools.cache
def phrases(name: str) -> frozenset[str]:
    """The phrases of a name under [either]."""
    return frozenset(_data()["either"][name].split("|"))


@functools.cache
def patterns(name: str) -> tuple[re.Pattern[str], ...]:
    """The patterns of a name, compiled, in the order in which they are tried."""
    found = _data()["patterns"][name]
    return tuple(re.compile(_expanded(one)) for one in ([found] if isinstance(found, str) else found))


def pattern(name: str) -> re.Pattern[str]:
    """The one pattern of a name."""
    (only,) = patterns(name)
    return only


def _expanded(text: str) -> str:
    joined = re.sub(r"\n\s*", "", text)
    return _NAME.sub(lambda match: _part(match[1]), joined)


def _part(name: str) -> str:
    if name in _data()["parts"]:
        return _expanded(_data()["parts"][name])
    longest_first = sorted(phrases(name), key=lambda phrase: (-len(phrase), phrase))
    return "(?:" + "|".join(re.escape(phrase).replace(re.escape("*"), r"\w*") for phrase in longest_first) + ")"
