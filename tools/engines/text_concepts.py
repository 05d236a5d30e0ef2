"""Concepts of texts: which texts have one, and texts into which it is put or out of which it is taken.

A concept is a list of words, or a way of writing (a shape: length, punctuation, capitals, ...). `text_concepts.toml`
holds those that ship; a reader can give words of their own, or texts chosen by words that they contain.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from askwhy.tools.engines.text_concept_shapes import concept_file, shape_named
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.scope import Where

MOST_WORDS = 200
"""A longer list is refused."""

_BLANKS = re.compile(r"[ \t]{2,}")
_STRAY = re.compile(r"(?<=\S)[ \t]+(?=[,.;:!?](?:\s|$))")


class TextConcept(Protocol):
    """What a test needs to know of a concept; `called` stands for it in a sentence."""

    @property
    def called(self) -> str: ...

    @property
    def removable(self) -> bool:
        """Whether it can be taken out."""

    def present(self, text: str) -> bool:
        """Whether the text has it."""

    def put_in(self, text: str, lender: str, at: float) -> str:
        """The text with what `lender` has of it; `at` (0..1) is where new words go."""

    def taken_out(self, text: str) -> str:
        """The text without it."""


@dataclass(frozen=True)
class WordConcept:
    """A list of folded words and phrases; a text has it where one of them stands in it as a whole word."""

    called: str
    words: tuple[str, ...]
    removable: bool = True

    @functools.cached_property
    def _pattern(self) -> re.Pattern[str]:
        longest_first = sorted(self.words, key=lambda word: (-len(word), word))
        return re.compile("|".join(map(_one_word, longest_first)), re.IGNORECASE)

    def found(self, text: str) -> tuple[str, ...]:
        """Its words as they stand in the text, in order, with repeats."""
        return tuple(match.group() for match in self._pattern.finditer(_plain(text)))

    def spans(self, text: str) -> tuple[tuple[int, int], ...]:
        """Where its words stand in the text."""
        return tuple(match.span() for match in self._pattern.finditer(_plain(text)))

    def replaced(self, text: str, instead: Mapping[str, str]) -> str:
        """The text with other words for its own; a word that `instead` does not name stays."""
        return self._pattern.sub(lambda match: instead.get(_single(match.group()), match.group()), _plain(text))

    def present(self, text: str) -> bool:
        """Whether one of the words stands in the text."""
        return self._pattern.search(_plain(text)) is not None

    def taken_out(self, text: str) -> str:
        """The text without any of the words; one without them stays as it is."""
        plain = _plain(text)
        if self._pattern.search(plain) is None:
            return text
        return tidy(self._pattern.sub("", plain))

    def put_in(self, text: str, lender: str, at: float) -> str:
        """The text with the words of `lender` in place of its own first one, or where `at` says if it has none."""
        given = tuple(dict.fromkeys(word.lower() for word in self.found(lender)))
        words = " ".join(given)
        if not words:
            return self.taken_out(text)
        if given == tuple(dict.fromkeys(word.lower() for word in self.found(text))):
            return text
        plain = _plain(text)
        first = self._pattern.search(plain)
        if first is None:
            return inserted(text, words, at)
        head, tail = plain[: first.start()], self._pattern.sub("", plain[first.end() :])
        return tidy(f"{head} {words} {tail}")


@dataclass(frozen=True)
class ShapeConcept:
    """A way of writing (see `text_concept_shapes`): a text with more than `limit` of it has it."""

    called: str
    shape: str
    limit: float = 0.0

    def present(self, text: str) -> bool:
        """Whether the text is written that way."""
        return shape_named(self.shape).amount(text) > self.limit

    def taken_out(self, text: str) -> str:
        """The text written otherwise; one that is not written that way stays as it is."""
        less = shape_named(self.shape).less
        return less(text) if less is not None and self.present(text) else text

    @property
    def removable(self) -> bool:
        """Whether a text can be without it and still say the same."""
        return shape_named(self.shape).less is not None

    def put_in(self, text: str, lender: str, at: float) -> str:
        """The text written that way, if `lender` is."""
        if self.present(text) == self.present(lender):
            return text
        if not self.present(lender):
            return self.taken_out(text)
        shape = shape_named(self.shape)
        return shape.more(text) if shape.lend is None else shape.lend(text, lender)


@dataclass(frozen=True)
class Entry:
    """One entry of the library."""

    name: str
    called: str
    aliases: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    shape: str = ""
    spurious: bool = False
    swaps: tuple[tuple[str, str], ...] = ()

    def concept(self, texts: Sequence[str]) -> TextConcept:
        """The concept, for these texts: what is much of a shape is more than half of them have."""
        if self.shape:
            return ShapeConcept(self.called, self.shape, shape_named(self.shape).limit(texts))
        return WordConcept(self.called, self.words or tuple(dict.fromkeys(one for pair in self.swaps for one in pair)))


@functools.cache
def library() -> tuple[Entry, ...]:
    """The concepts that ship, in the order of the file."""
    return tuple(
        Entry(
            name=one["name"],
            called=one["called"],
            aliases=tuple(one.get("aliases", ())),
            words=tuple(one.get("words", ())),
            shape=one.get("shape", ""),
            spurious=one.get("spurious", False),
            swaps=tuple((first, second) for first, second in one.get("swaps", ())),
        )
        for one in concept_file()["concept"]
    )


def find_entry(name: str) -> Entry:
    """The library's concept of this name or alias; UnknownName with the nearest ones if there is none."""
    wanted = _folded(name)
    for one in library():
        if wanted in map(_folded, (one.name, one.called, *one.aliases)):
            return one
    raise UnknownName("concept", name, [one.name for one in library()])


def named_concept(name: str, words: Sequence[str], texts: Sequence[str]) -> TextConcept:
    """The concept that a name of the library, words of one's own, or words with commas between them mean.

    Raises ToolError for what is none of these.
    """
    if words:
        return own_words(words, name)
    try:
        return find_entry(name).concept(texts)
    except UnknownName:
        parts = [part.strip(" \"'“”") for part in re.split(r",|;|\bor\b", name)]
        if len([part for part in parts if part]) > 1:
            return own_words(parts)
        raise


def own_words(words: Sequence[str], name: str = "") -> WordConcept:
    """A concept made of words, called by its name or by its first words. ToolError where none is a word."""
    kept = tuple(dict.fromkeys(" ".join(word.lower().split()) for word in words if re.search(r"\w", word)))
    if not kept:
        raise ToolError("Give the words that the concept is made of, such as “please” and “thank you”.")
    if len(kept) > MOST_WORDS:
        raise ToolError(f"A concept has at most {MOST_WORDS} words; these are {len(kept)}.")
    if name:
        return WordConcept(name, kept)
    quoted = [f"“{word}”" for word in kept[:3]]
    more = " and others" if len(kept) > len(quoted) else ""
    if len(kept) == 1:
        return WordConcept(f"the {'phrase' if ' ' in kept[0] else 'word'} {quoted[0]}", kept)
    return WordConcept(f"the words {', '.join(quoted)}{more}", kept)


def chosen_concept(where: Where) -> WordConcept:
    """The concept that texts selected by the words they contain are examples of. ToolError for other selections."""
    conditions = where.conditions()
    if any(one.on != "feature" or one.op != "contains" or one.negated for one in conditions) or not conditions:
        raise ToolError(
            "Example texts make a concept where they are chosen by words that they contain; "
            "otherwise name a concept, or give its words."
        )
    if len(where.all) > 1:
        raise ToolError("Choose the example texts by one word, or by any of several: one that holds all is not edited.")
    return own_words([str(one.value) for one in conditions])


def inserted(text: str, words: str, at: float) -> str:
    """The text with words put between two of its words, or at its end."""
    gaps = [match.end() for match in re.finditer(r"(?<=\S)\s+(?=\S)", text)]
    place = int(at * (len(gaps) + 1))
    if place >= len(gaps):
        return f"{text.rstrip()} {words}".strip()
    return f"{text[: gaps[place]]}{words} {text[gaps[place] :]}"


def tidy(text: str) -> str:
    """Without the blanks that words left behind."""
    return _STRAY.sub("", _BLANKS.sub(" ", text)).strip()


def _one_word(word: str) -> str:
    body = r"\s+".join(map(re.escape, word.split()))
    start = "" if word.startswith(("'", "n't")) else r"(?<!\w)"
    return rf"{start}{body}(?!\w)"


def _single(words: str) -> str:
    return " ".join(words.lower().split())


def _plain(text: str) -> str:
    return text.replace("\u2019", "'")


def _folded(name: str) -> str:
    return " ".join(name.lower().replace("-", " ").replace("_", " ").split()).removeprefix("the ")
