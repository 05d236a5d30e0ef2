"""How questions get typed: openings, politeness, typing errors, dropped articles, capitals and stops.

What stands in marks (numbers, ids, quoted words) keeps its letters, as does anything in quotation marks.
"""

from __future__ import annotations

import functools
import random
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from askwhy.evals.generate_words import BEGIN, END, MIDDLE

_SAFE = ("number", "row", "count", "text", "word")
_ARTICLES = {"the", "a", "an"}


class Mention(NamedTuple):
    """A stretch of a question, from `start` up to `end`, that says something of the schema.

    Kinds: feature, value, class, number, row, count, text, word; `name` is that of the column or class.
    """

    start: int
    end: int
    kind: str
    name: str


@functools.cache
def phrases() -> dict[str, tuple[str, ...]]:
    read = tomllib.loads(Path(__file__).with_name("generate_phrases.toml").read_text(encoding="utf-8"))
    return {name: tuple(line for line in text.splitlines() if line) for name, text in read.items()}


def typed(text: str, asks: bool, rng: random.Random) -> str:
    """A marked question as somebody types it; `asks`: whether it is a question and not a command."""
    text = text.strip()
    draw = rng.random()
    if draw < 0.1:
        text = rng.choice(phrases()["prefixes"]).rstrip() + " " + text
    elif draw < 0.16:
        text = text + rng.choice(phrases()["suffixes"]).rstrip()
    if rng.random() < 0.25:
        text = _mistyped(text, rng)
    draw = rng.random()
    if draw < 0.45 and text[0] != BEGIN:
        text = text[0].upper() + text[1:]
    elif draw < 0.5:
        text = _cased(text, str.lower)
    elif draw < 0.508:
        text = _cased(text, str.upper)
    if text[-1] in ".!?":
        return text
    draw = rng.random()
    if asks:
        return text + ("?" if draw < 0.55 else "??" if draw < 0.57 else " ?" if draw < 0.59 else "")
    return text + ("." if draw < 0.3 else "!" if draw < 0.32 else "")


def _cased(text: str, change: Callable[[str], str]) -> str:
    return "".join(_map(text, lambda kind, inner: inner if kind in _SAFE else change(inner)))


def _map(text: str, change: Callable[[str, str], str]) -> list[str]:
    """The text with what lies in and between marks changed by `change(kind, inner)`; the kind between is ""."""
    found = []
    for number, piece in enumerate(text.split(BEGIN)):
        if not number:
            found.append(change("", piece))
            continue
        head, _, rest = piece.partition(MIDDLE)
        inner, _, after = rest.partition(END)
        kind = head.partition(":")[0]
        found.append(f"{BEGIN}{head}{MIDDLE}{change(kind, inner)}{END}{change('', after)}")
    return found


def _mistyped(text: str, rng: random.Random) -> str:
    """With one to three errors: letters swapped, doubled or dropped, articles left out."""
    left = rng.choice((1, 1, 2, 3))
    drop = rng.random() < 0.4

    def change(kind: str, inner: str) -> str:
        nonlocal left
        if kind in _SAFE or (kind and rng.random() < 0.6) or '"' in inner:
            return inner
        words = inner.split(" ")
        if drop and not kind:
            words = [word for word in words if word.lower() not in _ARTICLES or rng.random() < 0.3]
        for at in rng.sample(range(len(words)), len(words)):
            if left and len(words[at]) > 3 and words[at].isalpha() and rng.random() < 0.35:
                words[at] = _slip(words[at], rng)
                left -= 1
        return " ".join(words)

    return "".join(_map(text, change))


def _slip(word: str, rng: random.Random) -> str:
    at = rng.randrange(1, len(word) - 1)
    draw = rng.random()
    if draw < 0.4:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    if draw < 0.7:
        return word[:at] + word[at + 1 :]
    return word[:at] + word[at] + word[at:]


def unmarked(text: str) -> tuple[str, tuple[Mention, ...]]:
    """The question without its marks, and where they were."""
    mentions, found, length = [], [], 0
    for number, piece in enumerate(text.split(BEGIN)):
        if number:
            head, _, rest = piece.partition(MIDDLE)
            inner, _, after = rest.partition(END)
            kind, _, name = head.partition(":")
            mentions.append(Mention(length, length + len(inner), kind, name))
            found += [inner, after]
        else:
            found.append(piece)
        length += len(inner) + len(after) if number else len(piece)
    return "".join(found), tuple(mentions)
