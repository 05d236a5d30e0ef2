"""The ordinary English words that a text may use freely."""

from __future__ import annotations

import functools
from importlib import resources

from askwhy.agent.verify.clauses import words

_ENDINGS = ("'s", "ies", "ing", "ed", "es", "ly", "er", "s", "d")


@functools.cache
def plain_words() -> frozenset[str]:
    """The curated list, in lower case."""
    content = resources.files("askwhy.agent.verify").joinpath("plain_words.txt").read_text(encoding="utf-8")
    lines = [line for line in content.splitlines() if not line.startswith("#")]
    return frozenset(word.lower for line in lines for word in words(line))


@functools.lru_cache(maxsize=8192)
def stems(word: str) -> tuple[str, ...]:
    """The word and what it may be an inflected form of."""
    found = [word]
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            stem = word[: -len(ending)]
            found += [stem, stem + "e", stem + "y"]
            if len(stem) > 3 and stem[-1] == stem[-2]:  # dropped, bigger
                found.append(stem[:-1])
    return tuple(found)


def is_plain(word: str) -> bool:
    """Whether a lower-case word, or what it is an inflected form of, is in the list."""
    return not plain_words().isdisjoint(stems(word))
