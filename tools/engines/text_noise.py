"""Small changes of a text that leave its sense to a reader: typing errors, capitals, punctuation, near synonyms."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from askwhy.tools.engines.text_edits import Edit, cased, edited
from askwhy.tools.engines.text_units import Split, Unit, fold
from askwhy.tools.engines.text_words import Vocabulary, opposites

NoiseKind = Literal["typos", "case", "punctuation", "synonyms"]
NOISE: tuple[NoiseKind, ...] = ("typos", "case", "punctuation", "synonyms")

_SYNONYMS = 5
_ALIKE = 0.2
_SHORTEST = 4
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_PUNCTUATION = re.compile(r"[^\w\s'’-]")


def _neighbouring_keys() -> dict[str, str]:
    """The letters beside each letter on a QWERTY keyboard."""
    found: dict[str, str] = {}
    for r, row in enumerate(_ROWS):
        for c, letter in enumerate(row):
            beside = [row[i] for i in (c - 1, c + 1) if 0 <= i < len(row)]
            beside += [_ROWS[other][c] for other in (r - 1, r + 1) if 0 <= other < 3 and c < len(_ROWS[other])]
            found[letter] = "".join(beside)
    return found


KEYS = _neighbouring_keys()


@dataclass(frozen=True)
class Noisy:
    """A perturbed copy. `changed`: the words that differ as they were and as they are; empty for punctuation."""

    text: str
    kind: NoiseKind
    changed: tuple[tuple[str, str], ...]


def misspelt(word: str, rng: np.random.Generator) -> str:
    """The word with one typing error: two neighbours swapped, a letter dropped, or the key beside it hit."""
    letters = list(word)
    place = int(rng.integers(1, len(letters)))
    how = int(rng.integers(3))
    if how == 0 and letters[place] != letters[place - 1]:
        letters[place - 1], letters[place] = letters[place], letters[place - 1]
    elif how == 1 and letters[place].lower() in KEYS:
        keys = KEYS[letters[place].lower()]
        new = keys[int(rng.integers(len(keys)))]
        letters[place] = new.upper() if letters[place].isupper() else new
    else:
        del letters[place]
    return "".join(letters)


def noisy(split: Split, kind: NoiseKind, rng: np.random.Generator, words: Vocabulary, share: float) -> Noisy | None:
    """A copy with about `share` of its words perturbed, at least one; None where there is nothing to perturb."""
    return _MAKERS[kind](split, rng, words, share)


def _drawn(places: list[int], rng: np.random.Generator, share: float, words: int) -> list[int]:
    """Some of the places that can be changed: about this share of all words, at least one."""
    count = min(len(places), max(1, round(share * words)))
    return sorted(int(i) for i in rng.choice(places, count, replace=False))


def _typos(split: Split, rng: np.random.Generator, words: Vocabulary, share: float) -> Noisy | None:
    places = [i for i, unit in enumerate(split.units) if len(unit.text) >= _SHORTEST and unit.text.isalpha()]
    if not places:
        return None
    chosen = _drawn(places, rng, share, len(split.units))
    return _replaced(split, "typos", [(i, misspelt(split.units[i].text, rng)) for i in chosen])


def _synonyms(split: Split, rng: np.random.Generator, words: Vocabulary, share: float) -> Noisy | None:
    offered = {i: found for i, unit in enumerate(split.units) if (found := near_synonyms(words, unit))}
    if not offered:
        return None
    chosen = _drawn(list(offered), rng, share, len(split.units))
    return _replaced(
        split, "synonyms", [(i, cased(split, i, offered[i][int(rng.integers(len(offered[i])))])) for i in chosen]
    )


def near_synonyms(words: Vocabulary, unit: Unit) -> tuple[str, ...]:
    """Words that stand where a word stands, its opposites and words of one to three letters left out."""
    word = fold(unit.text)
    if len(word) < _SHORTEST:
        return ()
    wrong = {*opposites().get(word, ())}
    found = (one for one in words.neighbours(word, 2 * _SYNONYMS) if len(one) >= _SHORTEST and one not in wrong)
    return tuple(one for one in found if words.likeness(word, one) >= _ALIKE)[:_SYNONYMS]


def _replaced(split: Split, kind: NoiseKind, new: list[tuple[int, str]]) -> Noisy:
    edits = [Edit(place, "replace", split.units[place].text, word) for place, word in new]
    return Noisy(edited(split, edits), kind, tuple((edit.before, edit.after) for edit in edits))


def _case(split: Split, rng: np.random.Generator, words: Vocabulary, share: float) -> Noisy | None:
    """All small, all capitals, or some words in capitals."""
    ways: list[Callable[[str], str]] = [str.lower, str.upper]
    how = int(rng.integers(3))
    if how < 2:
        text = ways[how](split.text)
        return Noisy(text, "case", ()) if text != split.text else None
    places = [i for i, unit in enumerate(split.units) if unit.text.upper() != unit.text]
    if not places:
        return None
    chosen = _drawn(places, rng, share, len(split.units))
    return _replaced(split, "case", [(i, split.units[i].text.upper()) for i in chosen])


def _punctuation(split: Split, rng: np.random.Generator, words: Vocabulary, share: float) -> Noisy | None:
    """All punctuation gone, or more of it."""
    how = int(rng.integers(3))
    if how == 0:
        text = _PUNCTUATION.sub("", split.text)
    elif how == 1:
        text = split.text.rstrip(" .!?") + str(rng.choice(["!", "!!!", "...", "?", "."]))
    else:
        places = _drawn(list(range(len(split.units))), rng, share, len(split.units)) if split.units else []
        edits = [Edit(i, "replace", split.units[i].text, f"{split.units[i].text},") for i in places]
        text = edited(split, edits)
    return Noisy(text, "punctuation", ()) if text != split.text and text.strip() else None


_MAKERS: dict[NoiseKind, Callable[[Split, np.random.Generator, Vocabulary, float], Noisy | None]] = {
    "typos": _typos,
    "case": _case,
    "punctuation": _punctuation,
    "synonyms": _synonyms,
}
