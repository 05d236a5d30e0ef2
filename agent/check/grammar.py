"""The patterns of `grammar.toml`: which clause claims what."""

from __future__ import annotations

import functools
import re
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

from askwhy.agent.check.amounts import AMOUNT, Amount, amount_of
from askwhy.agent.check.marks import Marked
from askwhy.agent.verify.clauses import Span

_NAME = re.compile(r"\{([A-Za-z_]+)\}")


@dataclass(frozen=True)
class Claim:
    """A clause that was read whole. `kind` is a name under [patterns]; groups of the match are its parts."""

    kind: str
    marked: Marked
    match: re.Match[str]

    def has(self, name: str) -> bool:
        """Whether the pattern has this part, and the clause too."""
        return self.match.groupdict().get(name) is not None

    def said(self, *names: str) -> str:
        """The first of these parts that the clause has, in the sketch; empty if it has none."""
        found = self.match.groupdict()
        return next((str(found[name]).strip() for name in names if found.get(name) is not None), "")

    def span(self, *names: str) -> Span | None:
        """Where the first of these parts stands in the sentence."""
        name = next((name for name in names if self.has(name)), None)
        return None if name is None else self.marked.span(*self.match.span(name))

    def part(self, name: str) -> Marked:
        """A part of the clause as pieces."""
        return self.marked.part(*self.match.span(name))

    def amount(self, *names: str) -> Amount | None:
        """The amount that the first of these parts is; None if there is none or it cannot be told."""
        name = next((name for name in names if self.has(name)), None)
        return None if name is None else amount_of(self.marked, *self.match.span(name))

    @property
    def rows(self) -> tuple[str, ...]:
        """Rows named by their id."""
        codes = dict.fromkeys(re.findall(r"\bR\d+", self.match[0]))
        return tuple(self.marked.piece(code).text for code in codes)


@functools.cache
def _data() -> dict[str, Any]:
    file = resources.files(__package__) / "grammar.toml"
    return tomllib.loads(file.read_text(encoding="utf-8"))


@functools.cache
def patterns(kind: str) -> tuple[re.Pattern[str], ...]:
    """The patterns of a kind, compiled."""
    return tuple(re.compile(_expanded(one)) for one in _data()["patterns"][kind])


@functools.cache
def part(name: str) -> re.Pattern[str]:
    """A pattern of [parts] on its own."""
    return re.compile(_expanded(_data()["parts"][name]))


@functools.cache
def void(name: str) -> re.Pattern[str]:
    """The words that claim nothing."""
    return re.compile(_expanded(_data()["void"][name]))


@functools.cache
def opposites() -> dict[str, str]:
    """For each word of a direction the one that turns it round."""
    parted = (one.partition("|") for one in reversed(_data()["opposite"]["pairs"]))
    pairs = [(first, second) for first, _, second in parted]
    return {second: first for first, second in pairs} | dict(pairs)


def read(marked: Marked, kinds: tuple[str, ...]) -> tuple[Claim, ...]:
    """Every claim that the whole of these pieces is."""
    return tuple(
        Claim(kind, marked, match)
        for kind in kinds
        for pattern in patterns(kind)
        if (match := pattern.fullmatch(marked.text)) is not None
    )


def _expanded(text: str) -> str:
    joined = re.sub(r"\n\s*", "", text)
    return _NAME.sub(_part, joined)


def _part(match: re.Match[str]) -> str:
    if match[1] == "amt":
        return AMOUNT
    return _expanded(_data()["parts"][match[1]])
