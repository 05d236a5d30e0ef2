"""Edits of a text word by word: what an edit is, and what an edited text reads like."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Literal

from askwhy.tools.engines.text_units import Split, Unit, find_term, fold, split_text, terms

EditKind = Literal["replace", "remove", "insert"]

_CLOSING = "\"'”’)]» "


@dataclass(frozen=True, order=True)
class Edit:
    """One edit of a text: the word at a place becomes `after`, is left out, or gets `after` put in before it.

    `before` is the word as it stands in the text. Places beyond the last word are the end: there it is "", and what is
    put in follows in the order of the places.
    `fit`: how well the new wording fits the place, 0 to 1, to choose among edits that do the same.
    """

    place: int
    kind: EditKind
    before: str
    after: str = ""
    fit: float = 0.0


def edited(split: Split, edits: Iterable[Edit]) -> str:
    """The text with the edits made, at most one at a place; punctuation stays with the words it stands beside."""
    by_place = sorted({edit.place: edit for edit in edits}.items())
    count = len(split.units)
    within = [(place, edit) for place, edit in by_place if place < count]
    text = _rebuilt(split, dict(within)) if any(edit.kind == "remove" for _, edit in within) else split.text
    if text is split.text:
        for place, edit in reversed(within):
            unit = split.units[place]
            start, end, new = (
                (unit.left, unit.left, f"{edit.after} ")
                if edit.kind == "insert"
                else (unit.start, unit.end, edit.after)
            )
            text = text[:start] + new + text[end:]
    for place, edit in by_place:
        if place >= count:
            text = f"{text.rstrip()} {edit.after}".strip()
    return text


def edits_between(split: Split, other: str) -> tuple[Edit, ...]:
    """The edits word by word that make another text of this one; letters' case and punctuation do not count."""
    words = [unit.text for unit in split_text(other).units]
    matcher = SequenceMatcher(None, [fold(unit.text) for unit in split.units], list(map(fold, words)), autojunk=False)
    found: list[Edit] = []
    for kind, first, last, start, end in matcher.get_opcodes():
        if kind != "equal":
            found += _opened(split, first, last, words[start:end])
    return tuple(found)


def _opened(split: Split, first: int, last: int, words: list[str]) -> Iterator[Edit]:
    """The words from `first` to before `last` replaced one by one; the last of them takes what is left over."""
    if first == last:
        before = split.units[first].text if first < len(split.units) else ""
        yield Edit(first, "insert", before, " ".join(words), 1.0)
        return
    for place in range(first, last):
        taken = words[place - first :] if place == last - 1 else words[place - first : place - first + 1]
        kind: EditKind = "replace" if taken else "remove"
        yield Edit(place, kind, split.units[place].text, " ".join(taken), 1.0)


def _rebuilt(split: Split, edits: Mapping[int, Edit]) -> str:
    """The text put together again with some of its words left out."""
    parts: list[str] = []
    units: list[Unit] = []
    removed: set[int] = set()
    length = last = 0

    def add(text: str) -> int:
        nonlocal length
        parts.append(text)
        length += len(text)
        return length

    for place, unit in enumerate(split.units):
        left = add(split.text[last : unit.left])
        edit, after = edits.get(place), unit.text
        if edit is not None and edit.kind == "insert":
            units.append(Unit(edit.after, left, left + len(edit.after), left, add(edit.after)))
            left = add(" ")
        elif edit is not None and edit.kind == "replace":
            after = edit.after
        elif edit is not None:
            removed.add(len(units))
        start = add(split.text[unit.left : unit.start])
        right = add(after + split.text[unit.end : unit.right])
        units.append(Unit(after, start, start + len(after), left, right))
        last = unit.right
    add(split.text[last:])
    return Split("".join(parts), tuple(units)).without(removed)


def cased(split: Split, place: int, word: str) -> str:
    """A word with the capitals it needs at a place: all of them like the one there, or the first one of a sentence."""
    like = split.units[place].text
    if len(like) > 1 and like.isupper():
        return word.upper()
    opening = place == 0 or split.text[: split.units[place - 1].right].rstrip(_CLOSING).endswith((".", "!", "?"))
    return word[:1].upper() + word[1:] if opening and like[:1].isupper() else word


def swapped(split: Split, phrase: str, new: str) -> str:
    """The text with `new` wherever the phrase stands, in any case of letters; UnknownName where it does not stand."""
    found = terms(split, (phrase,))
    term = found[find_term(found, phrase)]
    if not new:
        return split.without(term.places)
    text, length = split.text, len(term.places) // term.times
    for run in reversed(range(0, len(term.places), length)):
        first, last = split.units[term.places[run]], split.units[term.places[run + length - 1]]
        text = text[: first.start] + new + text[last.end :]
    return text


def put_before(split: Split, phrase: str, new: str) -> str:
    """The text with `new` before every place where the phrase stands; UnknownName where it does not stand."""
    found = terms(split, (phrase,))
    term = found[find_term(found, phrase)]
    starts = term.places[:: len(term.places) // term.times]
    return edited(split, [Edit(place, "insert", "", new) for place in starts])


def words_changed(edits: Sequence[Edit], words: int) -> float:
    """The token edit ratio: edits as a share of the words of the longer of both texts."""
    inserted = sum(edit.kind == "insert" for edit in edits)
    return len(edits) / max(1, words + inserted)
