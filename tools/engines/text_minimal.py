"""The smallest set of words whose deletion flips a prediction, or moves it far enough.

After FRED (Lopardo, Precioso & Garreau 2023, "Faithful and Robust Local Interpretability for Textual Predictions").
Sets are tried by size: all of one size where the budget allows, else the extensions of those that came closest. What is
found is checked by asking about its proper subsets (C15).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from askwhy.tools.engines.text_game import TextGame, ask_texts
from askwhy.tools.predictor import Outputs
from askwhy.tools.subject import Mask

SETS = 4000
"""Sets of words that one search may ask the model about ..."""

SLOW_SETS = 800
"""... and of a network."""

CHECKED_SIZE = 6
"""C15: up to this size all proper subsets are asked about; beyond, those with one word less."""

SAMPLES, SLOW_SAMPLES = 600, 200
"""Texts with words deleted at random, each with probability one half, that word scores are measured on."""

_BEAM = 30
_EXHAUSTIVE_SHARE = 0.5
_CHARACTERS = 8_000_000

Set = tuple[int, ...]
Closeness = Callable[[Outputs], Outputs]
"""How close outputs (n, width) come to the goal (n,): it is reached from 0 on."""


@dataclass(eq=False)
class Deletions:
    """Outputs of the text without some of the game's terms; nothing is asked twice."""

    game: TextGame
    closeness: Closeness
    known: dict[Set, Outputs] = field(default_factory=dict)

    def outputs(self, sets: Sequence[Set]) -> Outputs:
        """Outputs (sets, width) without the terms of each set (ascending positions)."""
        fresh = [one for one in dict.fromkeys(sets) if one not in self.known]
        if fresh:
            masks = np.ones((len(fresh), self.game.count), dtype=bool)
            for row, one in enumerate(fresh):
                masks[row, list(one)] = False
            self.known.update(zip(fresh, ask_texts(self.game.view, self.game.texts(masks)), strict=True))
        return np.array([self.known[one] for one in sets])

    def close(self, sets: Sequence[Set]) -> Outputs:
        """How close each set comes to the goal (sets,)."""
        return self.closeness(self.outputs(sets)) if len(sets) else np.empty(0)

    @property
    def left(self) -> int:
        """How many more sets may be asked about."""
        most = min(SLOW_SETS, 3 * self.game.most // 2) if self.game.slow else SETS
        return max(0, min(most, _CHARACTERS // max(1, len(self.game.split.text))) - len(self.known))


@dataclass(frozen=True)
class Minimal:
    """A set of terms, and how it was found.

    reached: whether deleting it reaches the goal; else it comes closest of all that were tried. every: whether all
    smaller sets, `smaller` in number, were tried. twins: other sets of its size that reach the goal too (None: not all
    were tried). subsets: proper subsets asked about, none of which reaches it. tried: sets asked about in all.
    largest: the size up to which sets were tried.
    """

    terms: Set
    reached: bool
    every: bool
    twins: int | None
    subsets: int
    tried: int
    largest: int
    smaller: int = 0


def smallest_set(game: TextGame, closeness: Closeness) -> Minimal:
    """The smallest set that reaches the goal within the budget; of several, the one that goes furthest beyond it."""
    asked = Deletions(game, closeness)
    previous: list[Set] = [()]
    best: Set = ()
    every = True
    highest, done = -math.inf, 0
    for size in range(1, game.count + 1):
        whole = math.comb(game.count, size) <= max(game.count, _EXHAUSTIVE_SHARE * asked.left)
        width = max(1, asked.left // ((game.count - size + 1) * game.count))  # so that larger sets can be tried too
        longer = itertools.combinations(range(game.count), size) if whole else _longer(previous[:width], game.count)
        sets = list(longer)
        if not whole and len(sets) > asked.left:
            break
        close = asked.close(sets)
        top = int(close.argmax())
        if close[top] >= 0:
            found = _checked(asked, sets[top], every, int((close >= 0).sum()) - 1 if whole else None)
            return replace(found, smaller=sum(math.comb(game.count, less) for less in range(1, size)))
        if close[top] > highest and size <= CHECKED_SIZE:
            best, highest = sets[top], float(close[top])
        every, done = every and whole, size
        previous = [sets[int(place)] for place in np.argsort(-close, kind="stable")[:_BEAM]]
    return Minimal(best, False, every, None, 0, len(asked.known), done)


def _longer(beam: Iterable[Set], count: int) -> Iterable[Set]:
    found = (tuple(sorted((*one, other))) for one in beam for other in range(count) if other not in one)
    return dict.fromkeys(found)


def _checked(asked: Deletions, found: Set, every: bool, twins: int | None) -> Minimal:
    """The set, or a smaller one within it that reaches the goal: none of whose proper subsets does."""
    while True:
        parts = proper_subsets(found)
        close = asked.close(parts)
        hits = [(len(part), -float(value), part) for part, value in zip(parts, close, strict=True) if value >= 0]
        if not hits:
            return Minimal(found, True, every, twins, len(parts), len(asked.known), len(found))
        found, twins = min(hits)[2], None


def proper_subsets(found: Set) -> list[Set]:
    """All proper subsets that are not empty; of a large set those with one term less."""
    if len(found) > CHECKED_SIZE:
        return list(itertools.combinations(found, len(found) - 1))
    return [part for size in range(1, len(found)) for part in itertools.combinations(found, size)]


@dataclass(frozen=True)
class Scores:
    """FRED's word scores: the mean output over random texts that keep a term less that over those without it."""

    values: Outputs
    error: Outputs


def word_scores(game: TextGame, rng: np.random.Generator) -> Scores:
    """Scores of all terms (terms,) from texts with each term deleted with probability one half."""
    most = min(SLOW_SAMPLES, game.most // 2) if game.slow else SAMPLES
    count = max(20, min(most, _CHARACTERS // 4 // max(1, len(game.split.text))))
    half: Mask = rng.random((count // 2, game.count)) < 0.5
    kept = np.concatenate([half, ~half])
    outputs = game.worth(kept)
    values, error = np.zeros(game.count), np.zeros(game.count)
    for position in range(game.count):
        own, other = outputs[kept[:, position]], outputs[~kept[:, position]]
        values[position] = own.mean() - other.mean()
        spread = (own.var(ddof=1) / len(own) if len(own) > 1 else 0) + (
            other.var(ddof=1) / len(other) if len(other) > 1 else 0
        )
        error[position] = math.sqrt(spread)
    return Scores(values, error)
