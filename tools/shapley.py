"""Interventional Shapley values: exact over few features, sampled with a standard error over many.

The value of a coalition S at a row x is the model's output averaged over the background rows b, with the features of S
taken from x and the others from b. Rows may hold anything the model reads: strings, booleans, dates, missing cells.

Sampling follows leverage-score sampling (Musco & Witter, "Provably Accurate Shapley Value Estimation via Leverage Score
Sampling", 2024): every coalition size gets the same number of coalitions, drawn in complementary pairs without
replacement, and a weighted least-squares fit under the additivity constraint turns their values into Shapley values.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.evaluator import BLOCK_CELLS, Evaluator
from askwhy.tools.predictor import Outputs
from askwhy.tools.subject import Mask

Game = Callable[[Mask], Outputs]
"""Values (coalitions, outputs) of coalitions, given as a boolean matrix (coalitions, players)."""

Link = Callable[[Outputs], Outputs]
"""A rescaling of the model's outputs, applied to every composite row before averaging."""

EXACT_PLAYERS = 10
"""With this many features or fewer every coalition is evaluated: 1,024 at most."""

BUDGET_COMPOSITES = 400_000
"""Composite rows (coalitions x rows x background) that one request may build."""

TARGET_ERROR = 0.005
"""Sampling stops when the largest standard error is below this share of the output's range."""

_ENUMERABLE = 4096


@dataclass(frozen=True)
class Shapley:
    """Shapley values of some rows.

    values: (rows, features, outputs). error: their standard errors, None where they are exact.
    base: (outputs,), the mean over the background. outputs: (rows, outputs), the model at the rows.
    coalitions: how many were evaluated for each row.
    """

    values: Outputs
    base: Outputs
    outputs: Outputs
    error: Outputs | None
    coalitions: int


@dataclass(frozen=True)
class Estimate:
    """Shapley values (players, outputs) of a game, with standard errors (None: exact) and coalitions evaluated."""

    values: Outputs
    error: Outputs | None
    coalitions: int


def shapley_rows(
    evaluate: Evaluator,
    rows: pd.DataFrame,
    background: pd.DataFrame,
    *,
    link: Link | None = None,
    seed: int = 0,
    budget: int = BUDGET_COMPOSITES,
    target_error: float = TARGET_ERROR,
) -> Shapley:
    """Shapley values of every row and every output at once; exact where features and `budget` allow.

    A feature that never varies is no player: its value is zero. The order of the columns does not matter, as
    coalitions are drawn over the sorted names.
    """
    pool = pooled(background, rows)
    varying = [j for j, name in enumerate(pool.columns) if pool[name].nunique(dropna=False) > 1]
    players = np.array(sorted(varying, key=lambda j: str(pool.columns[j])), dtype=np.int64)
    game = _marginal_game(evaluate, pool, len(background), players, link)
    ends = game(_ends(len(players)))
    affordable = budget // (len(rows) * len(background))
    if len(players) <= EXACT_PLAYERS and 2 ** len(players) <= max(affordable, 4 * len(players)):
        found = exact(game, len(players))
    else:
        found = sampled(game, len(players), np.random.default_rng(seed), affordable, target_error)

    def per_row(flat: Outputs) -> Outputs:
        whole = np.zeros((pool.shape[1], flat.shape[1]))
        whole[players] = flat
        return whole.reshape(pool.shape[1], len(rows), -1).transpose(1, 0, 2)

    first, last = ends.reshape(2, len(rows), -1)
    error = None if found.error is None else per_row(found.error)
    return Shapley(per_row(found.values), first[0], last, error, found.coalitions)


def exact(game: Game, players: int) -> Estimate:
    """Shapley values from every coalition, by their definition."""
    coalitions = _all_coalitions(players)
    size = coalitions.sum(axis=1)
    share = [1 / (players * math.comb(players - 1, before)) for before in range(players)]
    joined = np.array([0.0, *share])[size][:, None]
    absent = np.array([*share, 0.0])[size][:, None]
    weights = np.where(coalitions, joined, -absent)
    return Estimate(weights.T @ game(coalitions), None, len(coalitions))


def sampled(
    game: Game, players: int, rng: np.random.Generator, budget: int, target_error: float = TARGET_ERROR
) -> Estimate:
    """Shapley values from sampled pairs of coalitions, doubled until the errors are small or `budget` is spent.

    `budget` counts coalitions; at least two pairs per player are evaluated whatever it says. The target is relative
    to the range of each output over the coalitions seen.
    """
    ends = game(_ends(players))
    draw = _PairSampler(players, rng)
    most = min(draw.total, max(budget // 2, 2 * players))
    pairs = min(most, max(32, 2 * players))
    masks, values = np.empty((0, players), dtype=bool), np.empty((0, 2, ends.shape[1]))
    while True:
        fresh = draw.up_to(pairs)
        both = game(np.concatenate([fresh, ~fresh])).reshape(2, len(fresh), -1).transpose(1, 0, 2)
        masks, values = np.concatenate([masks, fresh]), np.concatenate([values, both])
        fitted, error = _constrained_fit(masks, (values[:, 0] - values[:, 1]) / 2, ends[1] - ends[0])
        seen = np.concatenate([ends, values.reshape(-1, ends.shape[1])])
        enough = error <= target_error * (seen.max(axis=0) - seen.min(axis=0)) + 1e-12
        if len(masks) >= most or bool(enough.all()):
            return Estimate(fitted, error if len(masks) < draw.total else None, 2 * len(masks) + 2)
        pairs = min(most, 2 * pairs)


def log_odds(outputs: Outputs) -> Outputs:
    """Log odds of every class against all others. Probabilities below 1e-12 are taken as 1e-12."""
    others = outputs @ (1.0 - np.eye(outputs.shape[1]))  # a sum keeps the digits that 1 - p loses near one
    return np.asarray(np.log(np.maximum(outputs, 1e-12)) - np.log(np.maximum(others, 1e-12)))


def pooled(background: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Background rows followed by `rows`, as a pool for `Evaluator.mixed`."""
    return pd.concat([background, rows[list(background.columns)]], ignore_index=True)


def _marginal_game(evaluate: Evaluator, pool: pd.DataFrame, refs: int, players: Any, link: Link | None) -> Game:
    """The game of all rows at once, with outputs flattened to rows x outputs.

    `pool` holds `refs` background rows, then the rows to explain; `players` are positions of columns.
    """
    count, width = len(pool) - refs, pool.shape[1]
    own = np.arange(refs, refs + count, dtype=np.int64)[None, :, None, None]
    other = np.arange(refs, dtype=np.int64)[None, None, :, None]
    block = max(1, BLOCK_CELLS // max(1, count * refs * width))

    def values(masks: Mask) -> Outputs:
        taken = np.zeros((len(masks), width), dtype=bool)
        taken[:, players] = masks
        parts = []
        for start in range(0, len(masks), block):
            chosen = taken[start : start + block]
            source = np.where(chosen[:, None, None, :], own, other).reshape(-1, width)
            outputs = evaluate.mixed(pool, source)
            linked = outputs if link is None else link(outputs)
            parts.append(linked.reshape(len(chosen), count, refs, -1).mean(axis=2).reshape(len(chosen), -1))
        return np.concatenate(parts)

    return values


def _ends(players: int) -> Mask:
    """The empty and the full coalition."""
    return np.stack([np.zeros(players, dtype=bool), np.ones(players, dtype=bool)])


def _all_coalitions(players: int) -> Mask:
    numbers = np.arange(2**players)[:, None]
    return np.asarray((numbers >> np.arange(players)) & 1, dtype=bool)


@dataclass
class _PairSampler:
    """Draws coalitions whose complements are implied, by size, never the same pair twice."""

    players: int
    rng: np.random.Generator
    _streams: dict[int, Iterator[Mask]] = field(default_factory=dict)
    _drawn: dict[int, int] = field(default_factory=dict)

    @property
    def total(self) -> int:
        """Pairs there are, without the empty and the full coalition."""
        return int(2 ** (self.players - 1) - 1)

    def up_to(self, pairs: int) -> Mask:
        """New coalitions (n, players) so that `pairs` have been drawn in all, spread evenly over the sizes."""
        fresh: list[Mask] = []
        for size, wanted in _spread(self.players, pairs).items():
            stream = self._streams.setdefault(size, self._stream(size))
            more = max(0, wanted - self._drawn.get(size, 0))
            fresh.extend(itertools.islice(stream, more))
            self._drawn[size] = self._drawn.get(size, 0) + more
        return np.asarray(fresh, dtype=bool).reshape(-1, self.players)

    def _stream(self, size: int) -> Iterator[Mask]:
        if pairs_of_size(self.players, size) <= _ENUMERABLE:
            yield from self._shuffled(size)
            return
        seen: set[bytes] = set()
        while True:
            mask = np.zeros(self.players, dtype=bool)
            mask[self.rng.choice(self.players, size, replace=False)] = True
            if 2 * size == self.players and not mask[0]:
                mask = ~mask  # of a pair of equal sizes, the half with the first player stands for both
            key = mask.tobytes()
            if key not in seen:
                seen.add(key)
                yield mask

    def _shuffled(self, size: int) -> Iterator[Mask]:
        half = 2 * size == self.players
        members = [m for m in itertools.combinations(range(self.players), size) if not half or m[0] == 0]
        for position in self.rng.permutation(len(members)):
            mask = np.zeros(self.players, dtype=bool)
            mask[list(members[position])] = True
            yield mask


def pairs_of_size(players: int, size: int) -> int:
    """How many pairs of complementary coalitions have `size` players in the smaller one."""
    coalitions = math.comb(players, size)
    return coalitions // 2 if 2 * size == players else coalitions


def _spread(players: int, pairs: int) -> dict[int, int]:
    """Pairs for every size: the same number of coalitions for each, as far as there are that many."""
    sizes = range(1, players // 2 + 1)
    left, share = pairs, float(players - 1)
    wanted: dict[int, int] = {}
    for size in sizes:  # small sizes have few coalitions; what they cannot take goes to the larger ones
        weight = 1.0 if 2 * size == players else 2.0
        wanted[size] = min(pairs_of_size(players, size), math.ceil(left * weight / share))
        left, share = left - wanted[size], share - weight
    return wanted


def _constrained_fit(masks: Mask, odd: Outputs, total: Outputs) -> tuple[Outputs, Outputs]:
    """Values (players, outputs) that fit the pairs and sum to `total`, and their standard errors.

    `odd` is half the difference of each pair's two values: pairing cancels everything else. The errors linearise the
    weighted fit and use the variance of sampling each size without replacement, with residuals scaled for leverage.
    """
    players = masks.shape[1]
    size = np.minimum(masks.sum(axis=1), players - masks.sum(axis=1))
    weights = _weights(players, size)
    signed = masks - 0.5
    plane = np.linalg.svd(np.eye(players) - 1 / players)[0][:, : players - 1]  # directions that keep the sum
    design = signed @ plane
    response = odd - signed.sum(axis=1)[:, None] * total / players
    inverse = np.linalg.pinv(design.T @ (weights[:, None] * design), hermitian=True)
    lever = inverse @ (design * weights[:, None]).T
    solved = lever @ response
    residual = response - design @ solved
    leverage = np.einsum("ij,ji->i", design, lever)
    residual = residual / np.maximum(1e-9, 1 - leverage)[:, None]
    variance = _stratified_variance(plane @ lever, residual, size, players)
    return total / players + plane @ solved, np.sqrt(variance)


def _weights(players: int, size: Any) -> Outputs:
    """Kernel weight over inclusion probability of every drawn pair, from the counts drawn of its size."""
    found = np.zeros(len(size))
    for one in np.unique(size):
        drawn = size == one
        pairs_per_coalition = 0.5 if 2 * one == players else 1.0
        found[drawn] = pairs_per_coalition / (one * (players - one) * drawn.sum())
    return found


def _stratified_variance(influence: Outputs, residual: Outputs, size: Any, players: int) -> Outputs:
    """Variance (players, outputs) of sums of influence x residual, each size sampled without replacement."""
    variance = np.zeros((influence.shape[0], residual.shape[1]))
    for one in np.unique(size):
        drawn = size == one
        count, there_are = int(drawn.sum()), pairs_of_size(players, int(one))
        if count >= there_are:
            continue
        part, rest = influence[:, drawn], residual[drawn]
        spread = (part**2) @ (rest**2)
        if count > 1:
            spread = (spread - (part @ rest) ** 2 / count) * count / (count - 1)
        variance += (1 - count / there_are) * np.maximum(spread, 0.0)
    return variance
