"""Concepts ranked by how soon a model's use of them is found, and how much they explain together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.betting import Similarities, conditional_payoffs, outcome, wealth
from askwhy.tools.engines.concept_bets import Moved, Population, Rest, moved, rests_of
from askwhy.tools.engines.concepts import Concept
from askwhy.tools.engines.conditional import Array
from askwhy.tools.predictor import Outputs
from askwhy.tools.subject import Mask

ORDERS = 8
"""Random orders of the rows that a rejection time is averaged over."""

ALPHA = 0.05
"""The level at which a rejection is timed."""

ROWS = 400
"""At most so many rows are bet on, a seeded sample: fewer than for one concept, as there are many."""

MOVED_ROWS = 100
"""At most so many rows are moved into each concept."""

_FOLDS = 5


@dataclass(frozen=True)
class Members:
    """A concept with its members among the rows bet on (`mask`) and among the donors (`lent`)."""

    concept: Concept
    mask: Mask
    lent: Mask


@dataclass(frozen=True)
class Ranked:
    """One concept: how soon it is found and how surely it is used.

    time: mean rejection time over orders, all rounds where it was not rejected, with the spread that other features
    cause put back. rejected: in which share of the orders. e_value: the mean of the final wealths without that spread,
    an e-value as each has a mean of at most 1 under the null. into: what moving rows into it does.
    """

    concept: Concept
    time: float
    rejected: float
    e_value: float
    into: Moved


def rank(people: Population, asked: Sequence[Members]) -> list[Ranked]:
    """The concepts, soonest found first."""
    found, rng, groups = [], people.view.rng, _by_features(asked)
    for rest, group in zip(rests_of(people, list(groups)), groups.values(), strict=True):
        noisy = [rest.noisy(rng) for _ in range(ORDERS)]
        found += [_ranked(people, one, rest, noisy) for one in group]
    return sorted(found, key=lambda one: (one.time, -one.e_value, one.concept.words))


def _by_features(asked: Sequence[Members]) -> dict[tuple[str, ...], list[Members]]:
    groups: dict[tuple[str, ...], list[Members]] = {}
    for one in asked:
        groups.setdefault(one.concept.features, []).append(one)
    return groups


def _ranked(people: Population, one: Members, rest: Rest, noisy: Sequence[Similarities]) -> Ranked:
    race = raced(rest, noisy, rest.surprise(one.lent, one.mask), people.view.rng)
    return Ranked(one.concept, *race, into=moved(people, one.concept, ~one.mask, one.lent, MOVED_ROWS))


def raced(
    rest: Rest, noisy: Sequence[Similarities], surprise: Array, rng: np.random.Generator
) -> tuple[float, float, float]:
    """Mean rejection time, share of rejections and e-value (see `Ranked`), one random order for each of `noisy`."""
    orders = [rng.permutation(len(surprise)) for _ in noisy]
    timed = [
        outcome(conditional_payoffs(alike, surprise, order), ALPHA) for alike, order in zip(noisy, orders, strict=True)
    ]
    final = [float(wealth(conditional_payoffs(rest.alike, surprise, order))[-1]) for order in orders]
    return (
        float(np.mean([test.at or test.rounds for test in timed])),
        float(np.mean([test.rejected for test in timed])),
        float(np.mean(final)),
    )


def agreement(people: Population, asked: Sequence[Members]) -> float:
    """C12: Kendall's tau between the wealths that two halves of the rows end with; NaN where one has them all alike."""
    from scipy.stats import kendalltau

    halves = np.array_split(people.view.rng.permutation(len(people.rows)), 2)
    scores = [_scores(people.part(half), asked, half) for half in halves]
    return float(kendalltau(scores[0], scores[1]).statistic)


def _scores(part: Population, asked: Sequence[Members], half: Array) -> list[float]:
    """Mean log wealth over orders at the end of one half, concept by concept."""
    found: dict[str, float] = {}
    rng, groups = part.view.rng, _by_features(asked)
    for rest, group in zip(rests_of(part, list(groups)), groups.values(), strict=True):
        noisy = [rest.noisy(rng) for _ in range(ORDERS)]
        for one in group:
            surprise = rest.surprise(one.lent, one.mask[half])
            paths = [wealth(conditional_payoffs(alike, surprise, rng.permutation(len(half)))) for alike in noisy]
            found[one.concept.words] = float(np.mean([np.log(max(path[-1], 1e-300)) for path in paths]))
    return [found[one.concept.words] for one in asked]


@dataclass(frozen=True)
class Together:
    """What a linear rule over the concepts alone explains on rows that it was not fitted to.

    explained: share of the output's variance. completeness: for a classifier, how much of the way from always saying
    the commonest class to the model's own classes the rule goes (Yeh et al. 2020); None for a regression.
    """

    explained: float
    completeness: float | None


def together(outputs: Outputs, marks: Sequence[Mask], column: int | None, rng: np.random.Generator) -> Together:
    """By cross-validation over outputs (n, width); the variance is that of `column`, or of all columns."""
    design = np.column_stack([np.ones(len(outputs)), *(mask.astype(float) for mask in marks)])
    fold = rng.permutation(np.arange(len(outputs)) % _FOLDS)
    fitted = np.empty_like(outputs)
    for one in range(_FOLDS):
        weights = np.linalg.lstsq(design[fold != one], outputs[fold != one], rcond=None)[0]
        fitted[fold == one] = design[fold == one] @ weights
    wanted = slice(None) if column is None else slice(column, column + 1)
    total = float(((outputs[:, wanted] - outputs[:, wanted].mean(axis=0)) ** 2).sum())
    missed = float(((outputs[:, wanted] - fitted[:, wanted]) ** 2).sum())
    explained = max(0.0, 1 - missed / total) if total > 0 else 0.0
    return Together(explained, _completeness(outputs, fitted) if outputs.shape[1] > 1 else None)


def _completeness(outputs: Outputs, fitted: Outputs) -> float | None:
    own = outputs.argmax(axis=1)
    commonest = float(np.bincount(own).max() / len(own))
    if commonest == 1:
        return None
    return max(0.0, (float((fitted.argmax(axis=1) == own).mean()) - commonest) / (1 - commonest))
