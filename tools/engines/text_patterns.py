"""Kinds of texts, as patterns that a reader can check: a word, a phrase, a length, a sign of punctuation.

Patterns that go with an output are found on one half of the texts and measured on the other (C21), so that having been
chosen does not flatter them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from askwhy.tools.engines.discoveries import adjusted
from askwhy.tools.engines.subgroups import measure
from askwhy.tools.engines.text_edits import swapped
from askwhy.tools.engines.text_units import split_text
from askwhy.tools.engines.text_words import folded_words
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.subject import Mask

PatternKind = Literal["word", "phrase", "long", "short", "sign"]

FALSE_DISCOVERIES = 0.1
"""Share of chance findings accepted among the patterns that are named."""

FEWEST_TEXTS = 5
"""Texts that must show a pattern in either half."""

_MOST_CANDIDATES = 3000
_TESTED = 40
_ALIKE = 0.7
_LENGTHS = np.linspace(0.05, 0.95, 19)  # quantiles of the number of words
_SIGNS: tuple[tuple[str, str, str], ...] = (
    ("an exclamation mark", r"!", "!"),
    ("a question mark", r"\?", "?"),
    ("three dots", r"\.\.\.|…", "..."),
    ("a quotation mark", r"[\"“”«»]", ""),
    ("a colon or semicolon", r"[:;]", ""),
    ("a bracket", r"[()\[\]]", ""),
    ("a number", r"\d", ""),
    ("a word in capitals", r"\b[A-Z]{3,}\b", ""),
    ("a dash", r"\s[-–—]+\s|—", ""),
    ("an emoji", r"[\U0001F300-\U0001FAFF\u2600-\u27BF]", "🙂"),
)


@dataclass(frozen=True)
class Pattern:
    """One kind of text. `words` follows "with" in a sentence; `key`: the word or phrase, the number of words, or the
    regular expression of a sign; `sign`: what is put in for a sign."""

    kind: PatternKind
    key: str
    words: str
    sign: str = ""

    def holds(self, texts: Sequence[_Read]) -> Mask:
        """Which texts show it."""
        return np.array([self._in(text) for text in texts], dtype=bool)

    def _in(self, text: _Read) -> bool:
        if self.kind == "word":
            return self.key in text.words
        if self.kind == "phrase":
            return self.key in text.phrases
        if self.kind in ("long", "short"):
            return text.count >= int(self.key) if self.kind == "long" else text.count <= int(self.key)
        return re.search(self.key, text.text) is not None

    def put_in(self, text: str) -> str | None:
        """The text with the pattern added at its end; None where it cannot be added."""
        if self.kind in ("word", "phrase"):
            return f"{text.rstrip()} {self.key}".strip()
        return text.rstrip() + self.sign if self.sign else None

    def taken_out(self, text: str) -> str | None:
        """The text without the pattern; None where it cannot be taken out."""
        if self.kind in ("word", "phrase"):
            try:
                return swapped(split_text(text), self.key, "")
            except ToolError:
                return None
        if self.kind == "sign":
            return " ".join(re.sub(self.key, "", text).split())
        if self.kind == "long":
            split = split_text(text)
            return split.kept(range(min(len(split.units), int(self.key) - 1)))
        return None


@dataclass(frozen=True)
class _Read:
    """A text with its words, phrases of two and three, and their number."""

    text: str
    words: frozenset[str]
    phrases: frozenset[str]
    count: int


def read(text: str) -> _Read:
    """A text as patterns see it."""
    words = folded_words(text)
    pairs = [" ".join(run) for size in (2, 3) for run in zip(*(words[i:] for i in range(size)), strict=False)]
    return _Read(text, frozenset(words), frozenset(pairs), len(words))


@dataclass(frozen=True, eq=False)
class Described:
    """A pattern as measured on the texts that the search did not see.

    matched: how many show it. precision: the share of these with the output. recall: the share of those with the output
    that show it. p: one-sided, adjusted. inside: mask of those that show it.
    """

    pattern: Pattern
    matched: int
    hits: int
    wanted: int
    p: float
    inside: Mask

    @property
    def precision(self) -> float:
        """Of the texts that show it, how many have the output."""
        return self.hits / self.matched

    @property
    def recall(self) -> float:
        """Of the texts with the output, how many show it."""
        return self.hits / self.wanted


@dataclass(frozen=True)
class Description:
    """What was found: `patterns`, most telling first; texts in either half; which unseen texts show any of them.

    unseen: positions of the texts that were not searched; joint: mask over them; wanted: mask of the output there.
    """

    patterns: tuple[Described, ...]
    tested: int
    searched: int
    unseen: Array
    joint: Mask
    wanted: Mask


def describe(texts: Sequence[str], wanted: Mask, most: int, rng: np.random.Generator) -> Description:
    """At most `most` patterns that go with `wanted` (texts,), found on one half of the texts, tested on the other."""
    order = rng.permutation(len(texts))
    half = len(texts) // 2
    seen, unseen = np.sort(order[:half]), np.sort(order[half:])
    first, second = [read(texts[i]) for i in seen], [read(texts[i]) for i in unseen]
    candidates = _best(first, wanted[seen])
    measured = []
    for pattern in candidates:
        inside = pattern.holds(second)
        if FEWEST_TEXTS <= inside.sum() <= len(second) - FEWEST_TEXTS:
            found = measure((), inside, wanted[unseen].astype(int), rng)
            hits = int((inside & wanted[unseen]).sum())
            measured.append((pattern, inside, hits, found.p))
    p_values = adjusted(np.array([one[3] for one in measured]))
    total = int(wanted[unseen].sum())
    named: list[Described] = []
    joint = np.zeros(len(second), dtype=bool)
    for (pattern, inside, hits, _), p in zip(measured, p_values, strict=True):
        if len(named) < most and p <= FALSE_DISCOVERIES and total and _adds(inside, joint, wanted[unseen], rng):
            named.append(Described(pattern, int(inside.sum()), hits, total, float(p), inside))
            joint |= inside
    return Description(tuple(named), len(measured), half, unseen, joint, wanted[unseen])


def _adds(inside: Mask, joint: Mask, wanted: Mask, rng: np.random.Generator) -> bool:
    """Whether a pattern still tells of the output among the texts without those named before.

    In long texts every word is more frequent; where the length is named, that says nothing more.
    """
    rest = ~joint
    if rest.all():
        return True
    held = inside[rest]
    if not held.any() or held.all():
        return False
    return bool(measure((), held, wanted[rest].astype(int), rng).p <= FALSE_DISCOVERIES)


def _best(texts: Sequence[_Read], wanted: Mask) -> list[Pattern]:
    """The patterns that stand out most clearly on the search half; of nearly the same texts only the first."""
    scored: list[tuple[float, str, Pattern, Mask]] = []
    for pattern, inside in candidates(texts):
        count = int(inside.sum())
        if FEWEST_TEXTS <= count <= len(texts) - FEWEST_TEXTS:
            gap = float(wanted[inside].mean() - wanted[~inside].mean())
            clear = gap * np.sqrt(count * (len(texts) - count)) / len(texts)
            scored.append((-round(float(clear), 12), pattern.words, pattern, inside))
    kept: list[tuple[Pattern, Mask]] = []
    for score, _, pattern, inside in sorted(scored, key=lambda one: one[:2]):
        if score >= 0 or len(kept) == _TESTED:
            break
        if all((inside & other).sum() <= _ALIKE * min(inside.sum(), other.sum()) for _, other in kept):
            kept.append((pattern, inside))
    return [pattern for pattern, _ in kept]


def candidates(texts: Sequence[_Read]) -> Iterator[tuple[Pattern, Mask]]:
    """Every pattern looked at, with the texts that show it."""
    yield from _common([text.words for text in texts], "word")
    yield from _common([text.phrases for text in texts], "phrase")
    counts = np.array([text.count for text in texts])
    for mark in sorted({int(one) for one in np.quantile(counts, _LENGTHS)}):
        yield Pattern("long", str(mark), f"at least {mark} words"), counts >= mark
        yield Pattern("short", str(mark), f"at most {mark} words"), counts <= mark
    for name, key, sign in _SIGNS:
        pattern = Pattern("sign", key, name, sign)
        yield pattern, pattern.holds(texts)


def _common(parts: Sequence[frozenset[str]], kind: Literal["word", "phrase"]) -> Iterator[tuple[Pattern, Mask]]:
    holders: dict[str, list[int]] = {}
    for number, held in enumerate(parts):
        for part in held:
            holders.setdefault(part, []).append(number)
    common = sorted(
        (part for part in holders if len(holders[part]) >= FEWEST_TEXTS), key=lambda part: (-len(holders[part]), part)
    )
    for part in common[:_MOST_CANDIDATES]:
        inside = np.zeros(len(parts), dtype=bool)
        inside[holders[part]] = True
        yield Pattern(kind, part, f"the {kind} “{part}”"), inside
