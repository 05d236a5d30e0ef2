"""The words of a subject's own texts, and which of them stand where others stand.

Words are compared by the words beside them: positive pointwise mutual information of a word with what stands one or two
places before and after it (Church & Hanks 1990; Bullinaria & Levy 2007).
Such neighbours fit into the same place of a sentence, opposites among them, which is what an edit needs.
"""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.text_units import fold, split_text
from askwhy.tools.view import View

MOST_TEXTS = 6000
"""Texts whose words are looked at: a seeded sample where there are more."""

MOST_CHARACTERS = 1_000_000
"""Characters of these texts altogether; a first text is always taken."""

_MOST_WORDS = 4000
_REACH = 2
_CONTEXTS = 800
_FEWEST = 3
_PLAIN_WORD = re.compile(r"[a-z_0-9]+(?:(?:['-]|(?<=[0-9])[.,](?=[0-9]))[a-z_0-9]+)*")

NEGATIONS = ("not", "never", "hardly", "barely", "without")
"""Words that turn what follows, put in front of it."""

_OPPOSITES = """
good bad; great awful; great terrible; best worst; better worse; excellent poor; interesting boring; exciting dull;
funny unfunny; moving flat; fresh stale; smart dumb; clever stupid; beautiful ugly; love hate; loved hated; loves hates;
like dislike; liked disliked; success failure; succeeds fails; succeed fail; strong weak; strength weakness; rich poor;
warm cold; fast slow; full empty; happy sad; right wrong; true false; easy hard; simple complicated; deep shallow;
original derivative; convincing unconvincing; believable implausible; always never; all none; every no;
everything nothing; more less; most least; many few; much little; with without; too enough; very hardly;
is isn't; are aren't; was wasn't;
does doesn't; do don't; can can't; will won't; would wouldn't; has hasn't; have haven't; yes no; win lose; wins loses;
works fails; lively lifeless; fine poor; perfect flawed; sharp blunt; subtle obvious; honest fake; positive negative;
cheap expensive; clean dirty; polite rude; safe dangerous; open closed; high low; new old; hot cold; friend enemy
"""


@functools.cache
def opposites() -> dict[str, tuple[str, ...]]:
    """Words and what says the opposite, both ways round."""
    found: dict[str, list[str]] = {}
    for pair in _OPPOSITES.replace("\n", " ").split(";"):
        one, other = pair.split()
        found.setdefault(one, []).append(other)
        found.setdefault(other, []).append(one)
    return {word: tuple(others) for word, others in found.items()}


@dataclass(frozen=True, eq=False)
class Vocabulary:
    """Folded words of the subject's texts, those in most texts first.

    vectors: sparse (words, contexts), of length 1, or 0 where a word has no company.
    """

    words: tuple[str, ...]
    vectors: Any

    @functools.cached_property
    def places(self) -> dict[str, int]:
        """The position of every word."""
        return {word: position for position, word in enumerate(self.words)}

    def likeness(self, one: str, other: str) -> float:
        """The cosine of two words; 0 where one is unknown."""
        if one not in self.places or other not in self.places:
            return 0.0
        return float(self.vectors[self.places[one]].multiply(self.vectors[self.places[other]]).sum())

    def neighbours(self, word: str, count: int) -> tuple[str, ...]:
        """The words that stand where `word` stands, the likeliest first; none for an unknown word."""
        if word not in self.places:
            return ()
        close = np.asarray((self.vectors @ self.vectors[self.places[word]].T).todense()).ravel()
        close[self.places[word]] = -1.0
        order = np.argsort(-close.round(9), kind="stable")[:count]
        return tuple(self.words[int(i)] for i in order if close[i] > 0)


def vocabulary(view: View) -> Vocabulary:
    """The words of the subject's data, whatever rows the view has."""
    tokens = [folded_words(text) for text in sampled_texts(view)]
    held = Counter(word for words in tokens for word in set(words) if _is_word(word))
    fewest = _FEWEST if len(tokens) >= 200 else 1
    common = sorted(held, key=lambda word: (-held[word], word))
    words = tuple(word for word in common if held[word] >= fewest)[:_MOST_WORDS]
    place = {word: position for position, word in enumerate(words)}
    vectors = _vectors(place, tokens) if words else None
    return Vocabulary(words, vectors)


def folded_words(text: str) -> list[str]:
    """The words of a text, folded: those of `split_text`, found faster where the text is plain."""
    if text.isascii():
        plain = _PLAIN_WORD.findall(text.lower())
        if plain:
            return plain
    return [fold(unit.text) for unit in split_text(text).units]


def sampled_texts(view: View) -> Iterator[str]:
    """Texts of the whole data that are not blank, at most as many as are looked at."""
    cells = view.subject.data.iloc[:, 0]
    order = np.arange(len(cells))
    if len(cells) > MOST_TEXTS:
        order = np.sort(view.rng.choice(len(cells), MOST_TEXTS, replace=False))
    left = MOST_CHARACTERS
    for number, cell in enumerate(cells.iloc[order]):
        text = "" if pd.isna(cell) else str(cell)
        if number and len(text) > left:
            break
        if text.strip():
            left -= len(text)
            yield text


def _is_word(word: str) -> bool:
    """Whether an edit may put it in: it has a letter, and no digit."""
    return any(char.isalpha() for char in word) and not any(char.isdigit() for char in word)


def _vectors(place: Mapping[str, int], tokens: Iterable[Sequence[str]]) -> Any:
    """Positive mutual information of words with the frequent words beside them, a sparse row of length 1 each."""
    from scipy.sparse import coo_matrix, csr_matrix
    from sklearn.preprocessing import normalize

    gap = [""] * _REACH  # no word: so that no text runs on into the next
    stream = np.array([place.get(word, -1) for words in tokens for word in (*words, *gap)], dtype=np.int64)
    contexts = min(len(place), _CONTEXTS)
    rows, columns = [], []
    for shift in range(1, _REACH + 1):
        left, right = stream[:-shift], stream[shift:]
        after = (left >= 0) & (right >= 0) & (right < contexts)
        before = (right >= 0) & (left >= 0) & (left < contexts)
        rows += [left[after], right[before]]
        columns += [right[after] + (2 * shift - 2) * contexts, left[before] + (2 * shift - 1) * contexts]
    cells = (np.concatenate(rows), np.concatenate(columns))
    if not len(cells[0]):
        return csr_matrix((len(place), 1))
    seen = coo_matrix((np.ones(len(cells[0])), cells), (len(place), 2 * _REACH * contexts)).tocsr()
    return normalize(_mutual(seen))


def _mutual(seen: Any) -> Any:
    """Positive pointwise mutual information of a sparse matrix of counts; contexts smoothed (power 0.75)."""
    counts = seen.tocoo()
    rows = np.asarray(seen.sum(axis=1)).ravel()
    columns = np.asarray(seen.sum(axis=0)).ravel() ** 0.75
    expected = rows[counts.row] / rows.sum() * columns[counts.col] / columns.sum()
    counts.data = np.maximum(0.0, np.log(counts.data / counts.data.sum() / expected))
    found = counts.tocsr()
    found.eliminate_zeros()
    return found
