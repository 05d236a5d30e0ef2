"""Which words may stand for which in constrained text: a closed list, read from `constrained_words.txt`.

A sentence is brought into one form (no articles or commas, one word for each meaning), in which two sentences that say
the same are equal or differ by the listed ways to say a thing. Placeholders are tokens: "<cls:3>" is kind and meaning.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import resources

Tokens = tuple[str, ...]

_TOKEN = re.compile(r"<\w+:\w+>|\{\w+(?::[\w/]+)?\}|[^\W\d_]+(?:['’-][^\W\d_]+)*|\S")
_DROPPED = frozenset({"the", "a", "an", ",", "—", "–"})
_VARIABLE = re.compile(r"\{(?P<name>\w+)(?::(?P<kinds>[\w/]+))?\}")
_MOST_VARIANTS = 600


@dataclass(frozen=True)
class Ways:
    """The file's contents. same: runs of words and what is kept for them; groups: lines that say the same."""

    same: dict[Tokens, str]
    groups: tuple[tuple[_Way, ...], ...]
    leads: tuple[Tokens, ...]
    joins: tuple[Tokens, ...]
    contrasts: tuple[Tokens, ...]


@dataclass(frozen=True)
class _Way:
    """One line of a group: how it is found, and how it is said with what was found."""

    found: re.Pattern[str]
    said: str


def canonical(text: str) -> Tokens:
    """The words of a text in their one form; `text` has placeholders as "<kind:meaning>"."""
    return _unified(tokens(text), ways().same)


def tokens(text: str) -> Tokens:
    """Words in lower case, placeholders and marks, without articles and commas."""
    found = (match.group() for match in _TOKEN.finditer(text.replace("’", "'")))
    lowered = (one if one[0] in "<{" and len(one) > 1 else one.lower() for one in found)
    return tuple(one for one in lowered if one not in _DROPPED)


def variants(said: Tokens) -> frozenset[Tokens]:
    """The sentence in every listed way, itself included."""
    base = " ".join(said)
    found = {base}
    for group in ways().groups:
        if any(way.found.search(base) for way in group):
            found |= {other for one in sorted(found)[:_MOST_VARIANTS] for other in _other_ways(one, group)}
    return frozenset(tuple(one.split()) for one in found)


def _other_ways(text: str, group: tuple[_Way, ...]) -> Iterator[str]:
    for way in group:
        for match in way.found.finditer(text):
            for other in group:
                yield " ".join(f"{text[: match.start()]} {_put(other.said, match)} {text[match.end() :]}".split())


def _put(said: str, found: re.Match[str]) -> str:
    """A line with what its variables were found to be."""
    return _VARIABLE.sub(lambda name: found[name["name"]], said)


def _unified(said: Sequence[str], same: dict[Tokens, str]) -> Tokens:
    longest = max(map(len, same), default=1)
    found, position = [], 0
    while position < len(said):
        for length in range(min(longest, len(said) - position), 0, -1):
            kept = same.get(tuple(said[position : position + length]))
            if kept is not None or length == 1:
                found.append(kept or said[position])
                position += length
                break
    return tuple(found)


@functools.cache
def ways() -> Ways:
    """The shipped list."""
    content = resources.files("askwhy.agent.verify").joinpath("constrained_words.txt").read_text(encoding="utf-8")
    parts: dict[str, list[str]] = {}
    for line in content.splitlines():
        if line.startswith("["):
            lines = parts.setdefault(line.strip("[]"), [])
        elif not line.startswith("#") and parts:
            lines.append(line.strip())
    same = dict(_same(parts["same"]))
    groups = tuple(_group(lines, same) for lines in _blocks(parts["ways"]))
    leads, joins, contrasts = (
        tuple(sorted((_unified(tokens(line), same) for line in parts[name] if line), key=len, reverse=True))
        for name in ("leads", "joins", "contrasts")
    )
    return Ways(same, groups, leads, joins, contrasts)


def _same(lines: list[str]) -> Iterator[tuple[Tokens, str]]:
    for line in lines:
        kept, _, others = line.partition(" = ")
        for other in others.split(" | ") if others else ():
            yield tokens(other), kept


def _blocks(lines: list[str]) -> list[list[str]]:
    blocks: list[list[str]] = [[]]
    for line in lines:
        if line:
            blocks[-1].append(line)
        elif blocks[-1]:
            blocks.append([])
    return [block for block in blocks if block]


def _group(lines: list[str], same: dict[Tokens, str]) -> tuple[_Way, ...]:
    kinds: dict[str, str] = {}
    for line in lines:
        kinds |= {match["name"]: match["kinds"] for match in _VARIABLE.finditer(line) if match["kinds"]}
    return tuple(_way(line, kinds, same) for line in lines)


def _way(line: str, kinds: dict[str, str], same: dict[Tokens, str]) -> _Way:
    start = r"\A" if line.startswith("^") else r"(?:(?<=\A)|(?<= ))"
    said = " ".join(_unified(tokens(line.lstrip("^ ")), same))
    pattern, last, seen = "", 0, set[str]()
    for match in _VARIABLE.finditer(said):
        name = match["name"]
        pattern += re.escape(said[last : match.start()])
        pattern += f"(?P={name})" if name in seen else f"(?P<{name}><(?:{kinds[name].replace('/', '|')}):\\w+>)"
        seen.add(name)
        last = match.end()
    return _Way(re.compile(f"{start}{pattern}{re.escape(said[last:])}(?= |$)"), said)
