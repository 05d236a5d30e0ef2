"""Words and sentences of a text, with offsets, and what is left of the text when some of them are deleted.

Borders follow Unicode text segmentation (UAX #29) where it matters to a reader: combining marks and format characters
stay with their letter, apostrophes and hyphens join letters, "3.5" is one word, an emoji sequence is one word, and so
is every ideograph, as Chinese and Japanese are written without blanks. Offsets count code points of the text as it is
stored, so right-to-left scripts need nothing special.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from askwhy.tools.errors import ToolError, UnknownName

UnitKind = Literal["word", "phrase", "sentence"]

# Every character is named by one letter, so that plain patterns find the borders: w letter or underscore, d digit,
# c ideograph, m mark or format character, z zero-width joiner, e emoji or symbol, r regional indicator (half a flag),
# a apostrophe, h hyphen, n point or comma, o opening bracket or quote, s blank, p anything else.
_WORD = r"[wd][wdmz]*(?:(?:[ah]|(?<=d)n(?=d))[wd][wdmz]*)*"
_CORE = re.compile(rf"{_WORD}|c[mz]*|rr|[er][mz]*(?:(?<=z)e[mz]*)*")
_CHUNK = re.compile(r"[^s]+")
_OPENING = re.compile(r"o*$")
_SPECIAL = {
    **dict.fromkeys("'\u2019\uff07", "a"),
    **dict.fromkeys("-\u2010\u2011", "h"),
    **dict.fromkeys(".,", "n"),
    "\u200d": "z",
}

_SENTENCE_END = re.compile(r"""(?P<stop>[.!?…؟۔।]+)["'”’»)\]]*(?=\s)|[。！？]+[」』”’）]*|(?=\n[^\S\n]*\n)""")
_ABBREVIATION = re.compile(
    r"(?:^|[\s(])(?:[^\W\d_]|(?:[^\W\d_]\.)+[^\W\d_]|mr|mrs|ms|dr|prof|st|jr|sr|vs|etc|inc|ltd|approx|fig)$",
    re.IGNORECASE,
)
_LONGEST_ABBREVIATION = 12


@dataclass(frozen=True)
class Unit:
    """A word or sentence. `text` is `[start:end]` of the whole; `[left:right]` adds the punctuation it takes along."""

    text: str
    start: int
    end: int
    left: int
    right: int


@dataclass(frozen=True)
class Split:
    """A text and its units in order. What lies between the units' `[left:right]` is blank."""

    text: str
    units: tuple[Unit, ...]

    @functools.cached_property
    def _pieces(self) -> tuple[str, ...]:
        return tuple(self.text[unit.left : unit.right] for unit in self.units)

    @functools.cached_property
    def _gaps(self) -> tuple[str, ...]:
        """The blank before every unit, and the one after the last."""
        borders = [0, *(place for unit in self.units for place in (unit.left, unit.right)), len(self.text)]
        return tuple(self.text[borders[i] : borders[i + 1]] for i in range(0, len(borders), 2))

    def kept(self, places: Iterable[int]) -> str:
        """The text with only the units at these places (ascending): all of them give the very text, none the empty one.

        A deleted unit takes its punctuation along. One blank remains where it stood: a line break if there was one.
        """
        parts: list[str] = []
        last = -1
        for place in places:
            between = self._gaps[last + 1 : place + 1]
            outer = last < 0 and place > 0
            parts.append("" if outer else between[0] if len(between) == 1 else _joint(between))
            parts.append(self._pieces[place])
            last = place
        if 0 <= last == len(self.units) - 1:
            parts.append(self._gaps[-1])
        return "".join(parts)

    def without(self, places: Iterable[int]) -> str:
        """The text with the units at these places deleted."""
        deleted = frozenset(places)
        return self.kept(place for place in range(len(self.units)) if place not in deleted)

    def filled(self, kept: Sequence[bool], words: Sequence[str]) -> str:
        """The text with the units that are not kept replaced by `words`, one for each unit; punctuation stays.

        A capital is kept where the unit had one.
        """
        parts: list[str] = []
        for unit, stays, word, gap in zip(self.units, kept, words, self._gaps, strict=False):
            new = unit.text if stays else word.capitalize() if unit.text[:1].isupper() else word
            parts += [gap, self.text[unit.left : unit.start], new, self.text[unit.end : unit.right]]
        return "".join([*parts, self._gaps[-1]])


@dataclass(frozen=True)
class Term:
    """What is kept or deleted as one: a word, phrase or sentence, and the places of all its units in the text."""

    text: str
    places: tuple[int, ...]
    times: int = 1


def split_text(text: str, unit: UnitKind = "word") -> Split:
    """The units of a text (phrases are made of words); a text that is not blank has at least one."""
    return Split(text, tuple(_sentences(text) if unit == "sentence" else _words(text)))


def fold(word: str) -> str:
    """What makes two words the same: not the case, the kind of apostrophe, nor how accents are encoded."""
    return unicodedata.normalize("NFC", word).casefold().replace("\u2019", "'")


def terms(split: Split, phrases: Sequence[str] = ()) -> tuple[Term, ...]:
    """The different units of a text by first place; equal ones are one term: deleting a word deletes it everywhere.

    Each of `phrases` (one word or several) is a term of its own, longer ones first. Raises UnknownName for what does
    not stand in the text.
    """
    keys = [fold(unit.text) for unit in split.units]
    owner: dict[int, str] = {}
    times: dict[str, int] = {}
    for phrase in sorted(dict.fromkeys(map(_phrase, phrases)), key=lambda one: -len(one)):
        label = " ".join(phrase)
        for run in _runs(split, keys, phrase, owner):
            owner.update(dict.fromkeys(run, label))
            times[label] = times.get(label, 0) + 1
    groups: dict[str, list[int]] = {}
    for place, key in enumerate(keys):
        groups.setdefault(owner.get(place, f"\0{key}"), []).append(place)
    return tuple(_term(split, places, times.get(key, len(places))) for key, places in groups.items())


def find_term(found: Sequence[Term], phrase: str) -> int:
    """The position of a word or phrase that was given to `terms`."""
    wanted = _phrase(phrase)
    return next(position for position, term in enumerate(found) if _phrase(term.text) == wanted)


def _runs(split: Split, keys: list[str], phrase: tuple[str, ...], owner: dict[int, str]) -> list[range]:
    """Where a phrase stands, outside those that are taken."""
    length = len(phrase)
    starts = (start for start in range(len(keys) - length + 1) if tuple(keys[start : start + length]) == phrase)
    standing = [range(start, start + length) for start in starts]
    label = " ".join(phrase)
    if not standing:
        raise UnknownName("word", label, dict.fromkeys(unit.text for unit in split.units))
    free: list[range] = []
    for run in standing:  # "ha ha" stands once in "ha ha ha"
        if not any(place in owner for place in run) and (not free or run.start >= free[-1].stop):
            free.append(run)
    if not free:
        raise ToolError(f"“{label}” stands in the text only within another phrase that was asked about.")
    return free


def _phrase(words: str) -> tuple[str, ...]:
    found = tuple(fold(unit.text) for unit in _words(words))
    if not found:
        raise ToolError("Say which word of the text is meant.")
    return found


def _term(split: Split, places: list[int], times: int) -> Term:
    first = split.units[places[0]]
    last = split.units[places[len(places) // times - 1]]
    return Term(split.text[first.start : last.end], tuple(places), times)


def _joint(between: Sequence[str]) -> str:
    """The blank that stands for several: the first with a line break, else the first that is one."""
    return next((gap for gap in between if "\n" in gap), next((gap for gap in between if gap), ""))


@functools.lru_cache(maxsize=8192)
def _letter(char: str) -> str:
    if char in _SPECIAL:
        return _SPECIAL[char]
    if char.isspace():
        return "s"
    category, code = unicodedata.category(char), ord(char)
    if category == "Lo" and unicodedata.east_asian_width(char) == "W" and not 0xAC00 <= code <= 0xD7A3:
        return "c"
    if 0x1F1E6 <= code <= 0x1F1FF:
        return "r"
    if category[0] == "M" or category == "Cf" or 0x1F3FB <= code <= 0x1F3FF:  # the last are skin tones
        return "m"
    if category[0] == "N":
        return "d"
    if category[0] == "L" or category == "Pc":
        return "w"
    if category == "So" and code >= 0x2190:
        return "e"
    return "o" if category in ("Ps", "Pi") else "p"


def _letters(text: str) -> str:
    return "".join(map(_letter, text))


def _words(text: str) -> list[Unit]:
    """Words with the punctuation beside them: opening brackets go with the word after, the rest with the one before.

    Punctuation that stands alone goes with the word before it, unless it is of several kinds: ":-)" is a word.
    """
    letters = _letters(text)
    chunks = [match.span() for match in _CHUNK.finditer(letters)]
    cored = [(left, right, _cores(text, letters, left, right)) for left, right in chunks]
    if not any(cores for _, _, cores in cored):
        return [Unit(text[left:right], left, right, left, right) for left, right in chunks]
    units: list[Unit] = []
    waiting: int | None = None
    for left, right, cores in cored:
        if cores:
            units += _chunk_units(text, letters, left if waiting is None else waiting, right, cores)
            waiting = None
        elif units:
            before = units.pop()
            units.append(Unit(before.text, before.start, before.end, before.left, right))
        else:
            waiting = left if waiting is None else waiting
    return units


def _cores(text: str, letters: str, left: int, right: int) -> list[tuple[int, int]]:
    found = [match.span() for match in _CORE.finditer(letters, left, right)]
    if not found and len(set(text[left:right])) > 1:
        return [(left, right)]
    return found


def _chunk_units(text: str, letters: str, left: int, right: int, cores: list[tuple[int, int]]) -> Iterator[Unit]:
    """The units of a stretch without blanks, which share out its punctuation."""
    for number, (start, end) in enumerate(cores):
        border = right
        if number + 1 < len(cores):
            opening = _OPENING.search(letters[end : cores[number + 1][0]])
            border = end + opening.start() if opening else end
        yield Unit(text[start:end], start, end, left, border)
        left = border


def _sentences(text: str) -> list[Unit]:
    """Sentences as a reader sees them; an ending after an abbreviation, an initial or before a small letter is none."""
    borders = [match.end() for match in _SENTENCE_END.finditer(text) if not _runs_on(text, match)]
    units: list[Unit] = []
    left = 0
    for border in [*borders, len(text)]:
        if border <= left:
            continue
        piece = text[left:border]
        start = left + len(piece) - len(piece.lstrip())
        end = start + len(piece.strip())
        wordless = end > start and not _CORE.search(_letters(piece))
        if wordless and units:
            before = units.pop()
            units.append(Unit(text[before.start : end], before.start, end, before.start, end))
        elif end > start and not (wordless and border < len(text)):
            units.append(Unit(text[start:end], start, end, start, end))
        elif wordless:
            continue  # it joins the sentence after it
        left = border
    return units


def _runs_on(text: str, match: re.Match[str]) -> bool:
    stop = match["stop"]
    if stop is None:
        return False
    after = text[match.end() : match.end() + 40].lstrip()
    if stop[-1] not in ".…":
        return False
    if after[:1].islower():
        return True
    before = text[max(0, match.start() - _LONGEST_ABBREVIATION) : match.start()]
    return stop == "." and _ABBREVIATION.search(before) is not None
