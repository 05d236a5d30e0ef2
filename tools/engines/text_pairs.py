"""How two parts of a text act together: the four outputs with and without each, here and averaged over contexts.

The average is the Shapley interaction index (Grabisch & Roubens 1999): the difference of differences over the other
words that are kept, each number of them being equally likely.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.coalitions import one_by_one
from askwhy.tools.engines.text_game import TextGame
from askwhy.tools.predictor import Outputs
from askwhy.tools.subject import Mask

EXACT_TERMS = 10
"""With so many terms or fewer every context is asked about."""

CONTEXTS, SLOW_CONTEXTS = 200, 50
"""Contexts of a pair that are drawn otherwise, in pairs of complements."""

SCREENED = 25
"""Terms whose pairs are tried when none are named: those whose own deletion moves the output most."""

Pair = tuple[int, int]


@dataclass(frozen=True)
class Together:
    """How two terms act together in a text.

    both, first, second, neither: the outputs for the whole text, with only the first of the two, only the second, and
    neither of them; here: both - first - second + neither. mean: the same averaged over contexts, with its standard
    error (None: all contexts). lone: the mean effects of the first and the second without the other. contexts: how
    many.
    """

    pair: Pair
    both: float
    first: float
    second: float
    neither: float
    mean: float
    error: float | None
    lone: tuple[float, float]
    contexts: int

    @property
    def here(self) -> float:
        """The interaction in the text as it is."""
        return self.both - self.first - self.second + self.neither


def together(game: TextGame, pair: Pair, rng: np.random.Generator) -> Together:
    """The interaction of two terms, in the text as it is and averaged over contexts."""
    contexts, weights = _contexts(game, pair, rng)
    corners = _corners(game, pair, contexts)
    differences = corners[0] - corners[1] - corners[2] + corners[3]
    mean = float(weights @ differences)
    own = _corners(game, pair, np.ones((1, game.count), dtype=bool))[:, 0]
    exact = game.count <= EXACT_TERMS
    return Together(
        pair=pair,
        both=float(own[0]),
        first=float(own[1]),
        second=float(own[2]),
        neither=float(own[3]),
        mean=mean,
        error=None if exact else _error(differences),
        lone=(float(weights @ (corners[1] - corners[3])), float(weights @ (corners[2] - corners[3]))),
        contexts=len(contexts),
    )


def _error(differences: Outputs) -> float:
    """Standard error of the mean of complementary pairs of contexts."""
    pairs = differences.reshape(2, -1).mean(axis=0)
    return float(pairs.std(ddof=1) / np.sqrt(len(pairs)))


def _contexts(game: TextGame, pair: Pair, rng: np.random.Generator) -> tuple[Mask, Outputs]:
    """Contexts (n, terms), and their weights: all there are of few terms, else drawn with their complements."""
    others = [one for one in range(game.count) if one not in pair]
    if game.count <= EXACT_TERMS:
        rows = np.array(list(itertools.product((False, True), repeat=len(others))), dtype=bool)
        rows = rows.reshape(2 ** len(others), len(others))
        sizes = rows.sum(axis=1)
        weights = np.array([1 / (math.comb(len(others), int(size)) * (len(others) + 1)) for size in sizes])
    else:
        count = min(SLOW_CONTEXTS if game.slow else CONTEXTS, max(10, game.most // 6)) // 2
        rank = np.argsort(np.argsort(rng.random((count, len(others))), axis=1), axis=1)
        half = rank < rng.integers(0, len(others) + 1, count)[:, None]
        rows = np.concatenate([half, ~half])
        weights = np.full(len(rows), 1 / len(rows))
    masks = np.zeros((len(rows), game.count), dtype=bool)
    masks[:, others] = rows
    return masks, weights


def _corners(game: TextGame, pair: Pair, contexts: Mask) -> Outputs:
    """Outputs (4, contexts): with both, with the first alone, with the second alone, with neither."""
    masks = []
    for first, second in ((True, True), (True, False), (False, True), (False, False)):
        one = contexts.copy()
        one[:, pair[0]], one[:, pair[1]] = first, second
        masks.append(one)
    return game.worth(np.concatenate(masks)).reshape(4, -1)


def likely_pairs(game: TextGame, count: int) -> tuple[list[Pair], int]:
    """The pairs that interact most in the text as it is, and how many were tried.

    Only pairs of the `SCREENED` terms whose own deletion moves the output most (of all, where there are no more).
    """
    whole = game.worth(np.ones((1, game.count), dtype=bool))[0]
    single = one_by_one(game)
    order = np.argsort(-np.abs(single), kind="stable")[:SCREENED]
    pairs = list(itertools.combinations(sorted(int(one) for one in order), 2))
    masks = np.ones((len(pairs), game.count), dtype=bool)
    for row, pair in enumerate(pairs):
        masks[row, list(pair)] = False
    joint = whole - game.worth(masks)
    mixed = np.array([joint[row] - single[one] - single[two] for row, (one, two) in enumerate(pairs)])
    best = np.argsort(-np.abs(mixed).round(12), kind="stable")[:count]
    return [pairs[int(one)] for one in best], len(pairs)


def clear(found: Together, tests: int, negligible: float) -> bool:
    """Whether an interaction differs from zero, allowing for so many tests (Bonferroni, 5 %)."""
    from scipy.stats import norm

    margin = 0.0 if found.error is None else float(norm.ppf(1 - 0.025 / max(1, tests))) * found.error
    return abs(found.mean) > max(negligible, margin)


@dataclass(frozen=True)
class Joint:
    """Adjacent parts of a text that were joined for acting together: the places of both, and how strongly they do."""

    left: tuple[int, ...]
    right: tuple[int, ...]
    strength: float


def hierarchy(game: TextGame, most: int = 12) -> Sequence[Joint]:
    """Phrases built up from neighbouring terms, always joining the two that interact most in the text as it is.

    Agglomerative, as in Singh, Murdoch & Yu 2019 ("Hierarchical interpretations for neural network predictions"), with
    direct evaluation in place of their contextual decomposition. At most `most` joins.
    """
    parts: list[tuple[int, ...]] = [(position,) for position in range(game.count)]
    found: list[Joint] = []
    while len(parts) > 1 and len(found) < most:
        pairs = list(itertools.pairwise(parts))
        masks = np.ones((3 * len(pairs) + 1, game.count), dtype=bool)
        for row, (left, right) in enumerate(pairs):
            masks[3 * row, list(left)] = False
            masks[3 * row + 1, list(right)] = False
            masks[3 * row + 2, [*left, *right]] = False
        worth = game.worth(masks)
        whole = worth[-1]
        mixed = whole - worth[0:-1:3] - worth[1:-1:3] + worth[2:-1:3]
        best = int(np.argmax(np.abs(mixed).round(12)))
        left, right = pairs[best]
        found.append(Joint(left, right, float(mixed[best])))
        parts[best : best + 2] = [(*left, *right)]
    return tuple(found)
