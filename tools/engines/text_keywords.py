"""Words that tell one set of texts from another: log-odds ratios with an informative Dirichlet prior.

Monroe, Colaresi & Quinn 2008, "Fightin' Words": each word's log-odds in either set, drawn towards its share of both,
divided by its standard error, so that neither rare nor merely frequent words come first.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.discoveries import adjusted
from askwhy.tools.engines.text_words import folded_words

FEWEST_TEXTS = 5
"""Texts that must hold a word for it to be looked at."""

_PRIOR_WORDS = 1000.0


@dataclass(frozen=True)
class Keyword:
    """A word with its z-score (positive: of the set).

    inside, outside: in how many texts of the set and of the rest it is. p: two-sided, adjusted by Benjamini-Hochberg
    over all words.
    """

    word: str
    z: float
    p: float
    inside: int
    outside: int


def distinctive_words(inside: Sequence[str], outside: Sequence[str]) -> tuple[Keyword, ...]:
    """Every word of at least `FEWEST_TEXTS` texts (fewer where the texts are few), the most distinctive first."""
    from scipy.stats import norm

    tokens = [[folded_words(text) for text in texts] for texts in (inside, outside)]
    held = [Counter(word for words in one for word in set(words)) for one in tokens]
    fewest = FEWEST_TEXTS if len(inside) + len(outside) >= 10 * FEWEST_TEXTS else 1
    words = sorted(word for word in held[0] | held[1] if held[0][word] + held[1][word] >= fewest and _told(word))
    if not words:
        return ()
    counts = np.array([_times(one, words) for one in tokens], dtype=float)
    scores = log_odds_scores(counts[0], counts[1])
    p_values = adjusted(np.asarray(2 * norm.sf(np.abs(scores))))
    found = [
        Keyword(word, float(z), float(p), held[0][word], held[1][word])
        for word, z, p in zip(words, scores, p_values, strict=True)
    ]
    return tuple(sorted(found, key=lambda one: (-round(one.z, 9), one.word)))


def _told(word: str) -> bool:
    return any(char.isalnum() for char in word) or not word.isascii()


def _times(texts: Sequence[Sequence[str]], words: Sequence[str]) -> list[int]:
    times = Counter(word for text in texts for word in text)
    return [times[word] for word in words]


def log_odds_scores(
    inside: np.ndarray[tuple[int], np.dtype[np.float64]], outside: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """The z-scores (words,) of word counts in one set against another, with a prior of both together."""
    both = inside + outside
    prior = both / both.sum() * min(_PRIOR_WORDS, both.sum())
    whole = prior.sum()
    first, second = inside + prior, outside + prior
    odds = np.log(first / (inside.sum() + whole - first)) - np.log(second / (outside.sum() + whole - second))
    return np.asarray(odds / np.sqrt(1 / first + 1 / second))
