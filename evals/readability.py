"""How easy a text is to read: sentence length, Flesch reading ease, repetition."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

_SENTENCE_END = re.compile(r"[.!?]+[”\"')\]]*(?=\s|$)|\n+")
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*|\d+(?:[.,]\d+)*")
_VOWELS = re.compile(r"[aeiouyàáâäèéêëìíîïòóôöùúûü]+", re.I)


@dataclass(frozen=True)
class Readability:
    """Measures of one text.

    flesch: reading ease, 206.835 - 1.015 words/sentence - 84.6 syllables/word (R. Flesch, "A new readability
    yardstick", Journal of Applied Psychology 32, 1948); 60 to 70 is plain English.
    repeated: share of runs of three words that stood in the text before. alike: share of sentences that begin with the
    same two words as the one before.
    """

    words: int
    sentences: int
    flesch: float
    repeated: float
    alike: float

    @property
    def words_per_sentence(self) -> float:
        """Mean length of a sentence."""
        return self.words / max(self.sentences, 1)


def readability(text: str) -> Readability:
    """The measures of a text; ValueError where it has no word."""
    spoken = [[word.lower() for word in _WORD.findall(part)] for part in _SENTENCE_END.split(text)]
    told = [one for one in spoken if one]
    words = [word for one in told for word in one]
    if not words:
        raise ValueError("a text without words has no readability")
    syllables = sum(map(count_syllables, words))
    flesch = 206.835 - 1.015 * len(words) / len(told) - 84.6 * syllables / len(words)
    runs = [tuple(words[at : at + 3]) for at in range(len(words) - 2)]
    repeated = 1 - len(set(runs)) / len(runs) if runs else 0.0
    alike = sum(one[:2] == two[:2] for one, two in pairwise(told))
    return Readability(len(words), len(told), flesch, repeated, alike / max(len(told) - 1, 1))


def count_syllables(word: str) -> int:
    """Syllables of an English word by its groups of vowels, a silent e at the end left out; a number counts as one.

    A rule of thumb, right for nine words of ten; the formula was made for counts by hand.
    """
    if word[:1].isdigit():
        return 1
    groups = len(_VOWELS.findall(word))
    silent = re.search(r"[^aeiouyl]e$|[^aeiouydt]ed$|[^aeiouysxzc]es$", word, re.I)
    return max(groups - bool(silent and groups > 1), 1)
