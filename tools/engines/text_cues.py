"""Edits of texts that should not matter to most models: other names, he for she, no punctuation, capitals, padding."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass

from askwhy.tools.engines.text_concept_shapes import longer, repeated, without_marks
from askwhy.tools.engines.text_concepts import find_entry

_DIGIT = re.compile(r"\d")
_NAME_STEP = 29
_DIGIT_STEP = 3


@dataclass(frozen=True)
class Cue:
    """One edit. `name`: what a reader calls the cue; `doing`: the edit as the subject of a sentence."""

    name: str
    key: str
    doing: str
    edit: Callable[[str], str]


def swapped_gender(text: str) -> str:
    """Words for men where words for women stood and the other way round; "her" before a word is "his"."""
    mapping = _gender()

    def other(match: re.Match[str]) -> str:
        word = match.group()
        if word.lower() == "her":
            follows = re.match(r"\s+\w", text[match.end() :])
            return _like(word, "his" if follows else "him")
        return _like(word, mapping[word.lower()])

    return _any_of(tuple(mapping)).sub(other, text)


def swapped_names(text: str) -> str:
    """Another name of the library for each name, the same one for the same."""
    names = find_entry("person names").words
    place = {name: number for number, name in enumerate(names)}
    return _any_of(names).sub(
        lambda match: _like(match.group(), names[(place[match.group().lower()] + _NAME_STEP) % len(names)]), text
    )


def other_numbers(text: str) -> str:
    """Another digit for each digit."""
    return _DIGIT.sub(lambda match: str((int(match.group()) + _DIGIT_STEP) % 10), text)


@functools.cache
def _gender() -> dict[str, str]:
    found: dict[str, str] = {}
    for man, woman in find_entry("gender words").swaps:
        found.setdefault(man, woman)
        found.setdefault(woman, man)
    return found


@functools.cache
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(words, key=lambda word: (-len(word), word))
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)", re.IGNORECASE)


def _like(word: str, new: str) -> str:
    """The new word with the capitals of the old one."""
    if len(word) > 1 and word.isupper():
        return new.upper()
    return new.capitalize() if word[:1].isupper() else new


CUES = (
    Cue("gender words", "gender", "swapping words for men and women", swapped_gender),
    Cue("names", "names", "swapping names of people for others", swapped_names),
    Cue("punctuation", "marks", "leaving out the punctuation", without_marks),
    Cue("exclamation marks", "shouted", "ending with exclamation marks", lambda text: f"{text.rstrip(' .!')}!!!"),
    Cue("capitals", "upper", "writing everything in capitals", str.upper),
    Cue("capitals", "lower", "writing everything in small letters", str.lower),
    Cue("length", "padded", "doubling the length with empty words", longer),
    Cue("length", "repeated", "saying the whole text twice", repeated),
    Cue("numbers", "numbers", "replacing digits by others", other_numbers),
)
"""Every cue, with the edit that shows whether a model reacts to it."""
