"""Tests by betting: wealth that cannot grow in the long run if nothing is there (kernelised, sequential).

Shekhar & Ramdas 2023 (two samples), Podkopaev, Blöbaum, Kasiviswanathan & Ramdas 2023 (independence), Teneggi & Sulam
2024 (concepts). Under the null the wealth is a martingale that starts at 1, so by Ville's inequality it ever reaches
1 / alpha with a probability of at most alpha, whenever one stops. Each bet knows only what was seen before it; the
wealth is the mean over a grid of stakes and over kernels, which is itself a betting strategy (Cover 1991).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

STAKES = np.linspace(0.05, 0.95, 19)

LARGEST = 1e12
"""Wealth beyond this is not told apart."""

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Outcome:
    """Where a bet ended. `at`: the round in which the null was rejected, None if it never was; `rounds`: how many there
    were. `wealth`: at the stop, or at the end."""

    at: int | None
    rounds: int
    wealth: float

    @property
    def rejected(self) -> bool:
        """Whether the wealth reached the level."""
        return self.at is not None


def wealth(payoffs: Array) -> Array:
    """Wealth (rounds,) after each round, from payoffs (kernels, rounds) in -1..1 that are fair under the null."""
    logs = np.log1p(STAKES[:, None, None] * payoffs[None]).cumsum(axis=2)
    return np.asarray(np.minimum(np.exp(np.minimum(logs, 700.0)).mean(axis=(0, 1)), LARGEST))


def outcome(payoffs: Array, alpha: float) -> Outcome:
    """Stop at the first round in which the wealth is at least 1 / alpha."""
    path = wealth(payoffs)
    reached = np.flatnonzero(path >= 1 / alpha)
    if len(reached):
        return Outcome(int(reached[0]) + 1, len(path), float(path[reached[0]]))
    return Outcome(None, len(path), float(path[-1]) if len(path) else 1.0)


def two_sample_payoffs(inside: Array, outside: Array) -> Array:
    """Payoffs (kernels, rounds) against the null that both samples (rounds, width) come from one distribution.

    Round t bets that the pair's own order fits what set the samples apart before t better than the swapped order.
    """
    rounds = len(inside)
    pooled = np.concatenate([inside, outside])
    found = []
    for kernel in _kernels(pooled):
        gram = kernel(pooled, pooled)
        crossed = gram[:rounds, rounds:]
        gain = gram[:rounds, :rounds] - crossed - crossed.T + gram[rounds:, rounds:]
        found.append(_squashed(np.tril(gain, -1).sum(axis=1)))
    return np.array(found)


@dataclass(frozen=True, eq=False)
class Similarities:
    """How alike values are that a mark may go with: one matrix (n, n) for each kernel."""

    grams: tuple[Array, ...]

    @classmethod
    def of(cls, values: Array, context: Array) -> Similarities:
        """From values (n, width) with a conditional mean of zero and likenesses (n, n) of their contexts.

        Kernels are centred over all values, so that marks that are only more frequent than expected win nothing. The
        last one sees values that go with the mark differently in different contexts.
        """
        grams = []
        for kernel in _kernels(values):
            gram = kernel(values, values)
            mean = gram.mean(axis=0)
            grams.append(gram - mean[None, :] - mean[:, None] + mean.mean())
        return cls((*grams, grams[0] * context))


def conditional_payoffs(alike: Similarities, surprise: Array, order: Array) -> Array:
    """Payoffs (kernels, rounds) against the null that `surprise` (n,) in -1..1 has mean zero whatever the values are.

    surprise: a 0/1 mark less its conditional probability. order: in which the n are bet on.
    """
    marks = surprise[order]
    past = np.tri(len(order), k=-1) * marks[None, :]
    return np.array([marks * _squashed((gram[np.ix_(order, order)] * past).sum(axis=1)) for gram in alike.grams])


def _kernels(values: Array) -> tuple[Callable[[Array, Array], Array], ...]:
    """A linear kernel, which sees shifts, and a Gaussian one at the median distance, which sees any difference."""
    centre, apart = values.mean(axis=0), _squares(values, values)
    some = apart[apart > 1e-18 * max(1.0, float(np.abs(values).max(initial=0.0)) ** 2)]
    width = float(np.median(some)) if len(some) else 1.0
    return (
        lambda one, other: (one - centre) @ (other - centre).T / width,
        lambda one, other: np.exp(-_squares(one, other) / width),
    )


def _squares(one: Array, other: Array) -> Array:
    return np.asarray(((one[:, None, :] - other[None, :, :]) ** 2).sum(axis=2))


def _squashed(scores: Array) -> Array:
    """Scores as bets in -1..1: relative to the size of those before; the first has none and bets nothing."""
    before = np.sqrt(np.concatenate([[0.0], np.cumsum(scores**2)[:-1]]) / np.maximum(1, np.arange(len(scores))))
    # What is far below the kernels' own scale is rounding.
    steady = np.abs(scores) > 1e-12
    scaled = np.divide(scores, before, out=np.sign(scores), where=before > 0)
    return np.asarray(np.where(steady, np.tanh(scaled), 0.0))
