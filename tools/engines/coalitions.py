"""The coalition game of one row, remembered: what Shapley values ask of the model also measures how good they are.

A coalition of features is worth the model's output with these features as in the row and the others as in the
background rows, averaged over those. The players are the features that differ from the background somewhere.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import pandas as pd

from askwhy.tools.evaluator import BLOCK_CELLS, Evaluator, Index
from askwhy.tools.predictor import Outputs
from askwhy.tools.shapley import (
    BUDGET_COMPOSITES,
    EXACT_PLAYERS,
    TARGET_ERROR,
    Estimate,
    Link,
    Shapley,
    exact,
    pooled,
    sampled,
)
from askwhy.tools.subject import Mask

ADDITIVE_PAIRS = 64
"""Pairs of complementary composites on which a model must be additive to be taken as additive."""

ADDITIVE_SLACK = 1e-9
"""How far it may miss there, as a share of the outputs' size."""

_FEW_PLAYERS = 6


class Played(Protocol):
    """A game that measurements are made in: that of a row, or of the words of a text. See `Coalitions`."""

    @property
    def count(self) -> int:
        """How many players there are."""

    @property
    def refs(self) -> int:
        """How many outcomes every coalition has."""

    def outcomes(self, masks: Mask) -> Outputs:
        """Outputs (coalitions, refs) of the column."""

    def worth(self, masks: Mask) -> Outputs:
        """Their means (coalitions,)."""

    def unknown(self, masks: Mask) -> int:
        """How many of the coalitions the model would have to be asked about."""


@dataclass(eq=False)
class Coalitions:
    """The game of one row against background rows; nothing is asked of the model twice.

    column: the output that `outcomes` and `worth` are about. players: positions of the columns that vary, ordered by
    name, so that the order of the columns does not matter. pool: the background rows, then the row. Masks are
    (coalitions, players).
    """

    evaluate: Evaluator
    row: pd.DataFrame
    background: pd.DataFrame
    column: int = 0
    link: Link | None = None
    players: Index = field(init=False)
    pool: pd.DataFrame = field(init=False, repr=False)
    _place: dict[bytes, int] = field(init=False, default_factory=dict, repr=False)
    _means: list[Outputs] = field(init=False, default_factory=list, repr=False)
    _outcomes: list[Outputs] = field(init=False, default_factory=list, repr=False)
    _steps: tuple[Outputs, Outputs] | None = field(init=False, default=None, repr=False)

    def __post_init__(self) -> None:
        self.pool = pooled(self.background, self.row)
        varying = [j for j, name in enumerate(self.pool.columns) if self.pool[name].nunique(dropna=False) > 1]
        self.players = np.array(sorted(varying, key=lambda j: str(self.pool.columns[j])), dtype=np.int64)

    @property
    def count(self) -> int:
        """How many players there are."""
        return len(self.players)

    @property
    def refs(self) -> int:
        """How many background rows there are."""
        return len(self.background)

    @property
    def complete(self) -> bool:
        """Whether the worth of every coalition is known."""
        return self._steps is not None or (self.count < 63 and len(self._place) >= 2**self.count)

    def __call__(self, masks: Mask) -> Outputs:
        """Worths (coalitions, outputs), of every output."""
        return np.array([self._means[place] for place in self._places(masks)])

    def outcomes(self, masks: Mask) -> Outputs:
        """Outputs (coalitions, background rows) of the column, one for each background row."""
        return np.array([self._outcomes[place] for place in self._places(masks)]).reshape(len(masks), self.refs)

    def worth(self, masks: Mask) -> Outputs:
        """Worths (coalitions,) of the column."""
        return np.asarray(self.outcomes(masks).mean(axis=1))

    def unknown(self, masks: Mask) -> int:
        """How many of the coalitions the model would have to be asked about."""
        return (
            0
            if self._steps is not None
            else len({mask.tobytes() for mask in np.asarray(masks, dtype=bool)} - self._place.keys())
        )

    def known(self) -> Mask:
        """Every coalition asked about so far."""
        return np.array([np.frombuffer(key, dtype=bool) for key in self._place]).reshape(-1, self.count)

    def thinned(self, refs: int) -> Coalitions:
        """The same game against at most `refs` of the background rows; itself where these are all.

        They are chosen one after the other so that the mean outcome of every coalition asked about stays nearest to
        that over the whole background (herding, Welling 2009), as a random few would play quite another game.
        """
        if refs >= self.refs:
            return self
        self.outcomes(np.zeros((1, self.count), dtype=bool))
        away = np.array(self._outcomes)
        away -= away.mean(axis=1, keepdims=True)
        size = (away**2).sum(axis=0)
        total, chosen = np.zeros(len(away)), np.zeros(self.refs, dtype=bool)
        for _ in range(refs):
            place = int(np.argmin(np.where(chosen, np.inf, size + 2 * total @ away)))
            chosen[place] = True
            total += away[:, place]
        return Coalitions(self.evaluate, self.row, self.background[chosen], self.column, self.link)

    def at(self, row: pd.DataFrame) -> Coalitions:
        """The game of another row against the same background."""
        return Coalitions(self.evaluate, row, self.background, self.column, self.link)

    def sums(self, values: Outputs, steps: Outputs) -> None:
        """From now on every coalition is worth the sum of its players: `values` (players, outputs), and of the column
        for each background row, `steps` (players, background rows). For models that were found to be additive."""
        self._steps = (values, steps)

    def composites(self, source: Index) -> Outputs:
        """Outputs of composite rows: `source` (n, columns) says which background row (as `refs`: the row itself)."""
        outputs = self.evaluate.mixed(self.pool, source.astype(np.int64))
        return outputs if self.link is None else self.link(outputs)

    def _places(self, masks: Mask) -> list[int]:
        keys = [mask.tobytes() for mask in np.asarray(masks, dtype=bool)]
        fresh = [key for key in dict.fromkeys(keys) if key not in self._place]
        if fresh:
            self._ask(fresh)
        return [self._place[key] for key in keys]

    def _ask(self, keys: list[bytes]) -> None:
        if self._steps is not None:
            masks = np.array([np.frombuffer(key, dtype=bool) for key in keys]).reshape(len(keys), self.count)
            none = self._place[np.zeros(self.count, dtype=bool).tobytes()]
            values, steps = self._steps
            self._keep(keys, self._means[none] + masks @ values, self._outcomes[none] + masks @ steps)
            return
        width = self.pool.shape[1]
        taken = np.zeros((len(keys), width), dtype=bool)
        taken[:, self.players] = [np.frombuffer(key, dtype=bool) for key in keys]
        block = max(1, BLOCK_CELLS // max(1, self.refs * width))
        for start in range(0, len(keys), block):
            chosen = taken[start : start + block, None, :]
            source = np.where(chosen, self.refs, np.arange(self.refs)[None, :, None]).reshape(-1, width)
            cube = self.composites(source).reshape(chosen.shape[0], self.refs, -1)
            self._keep(keys[start : start + block], cube.mean(axis=1), cube[:, :, self.column].copy())

    def _keep(self, keys: list[bytes], means: Outputs, outcomes: Outputs) -> None:
        for key, mean, outcome in zip(keys, means, outcomes, strict=True):
            self._place[key] = len(self._means)
            self._means.append(mean)
            self._outcomes.append(outcome)


def shapley_row(
    game: Coalitions,
    *,
    seed: int = 0,
    budget: int = BUDGET_COMPOSITES,
    target_error: float = TARGET_ERROR,
) -> tuple[Shapley, str]:
    """Shapley values of the game's row, and how they were found: "exact", "additive" or "sampled".

    Additive where direct evaluation shows that the model is; exact where features and `budget` allow; else sampled.
    """
    rng = np.random.default_rng(seed)
    found, how = (additive(game, np.random.default_rng(seed)), "additive") if game.count > _FEW_PLAYERS else (None, "")
    if found is None:
        affordable = budget // game.refs
        if game.count <= EXACT_PLAYERS and 2**game.count <= max(affordable, 4 * game.count):
            found, how = exact(game, game.count), "exact"
        else:
            found, how = sampled(game, game.count, rng, affordable, target_error), "sampled"
            how = "exact" if found.error is None else how
    first, last = game(ends(game.count))

    def whole(flat: Outputs) -> Outputs:
        every = np.zeros((1, game.row.shape[1], flat.shape[1]))
        every[0, game.players] = flat
        return every

    error = None if found.error is None else whole(found.error)
    return Shapley(whole(found.values), first, last[None], error, found.coalitions), how


def column_values(game: Coalitions, seed: int) -> tuple[Outputs, Outputs | None, float, str]:
    """Shapley values (features,) of the game's column, their standard errors, the mean that they start from, and how
    they were found. A row that differs from no background row has none but zeros."""
    values, error, how = np.zeros(game.row.shape[1]), None, "exact"
    if game.count:
        found, how = shapley_row(game, seed=seed)
        values = found.values[0, :, game.column]
        error = None if found.error is None else found.error[0, :, game.column]
    return values, error, float(game.worth(ends(game.count))[0]), how


def additive(game: Coalitions, rng: np.random.Generator) -> Estimate | None:
    """Exact Shapley values of a model that adds up feature by feature; None where it is seen not to.

    For such a model f(x with S from b) + f(b with S from x) = f(x) + f(b) for every S, and taking a feature away costs
    the same whatever the others are: its Shapley value. Both are checked: the first for random S and b, the second for
    every background row.
    """
    slack = _slack_if_additive(game, rng)
    if slack is None:
        return None
    limits = ends(game.count)
    without = ~np.eye(game.count, dtype=bool)
    values = game(limits)[1] - game(without)
    empty, whole = game.outcomes(limits)
    steps = whole - game.outcomes(without)
    if np.abs(whole - empty - steps.sum(axis=0)).max() > slack * game.count:
        return None
    game.sums(values, steps)
    return Estimate(values, None, game.count + 2)


def _slack_if_additive(game: Coalitions, rng: np.random.Generator) -> float | None:
    """How far the model may miss, where random pairs of complementary composites add up; None where they do not."""
    refs, width = game.refs, game.row.shape[1]
    taken = np.zeros((ADDITIVE_PAIRS, width), dtype=bool)
    taken[:, game.players] = rng.random((ADDITIVE_PAIRS, game.count)) < 0.5
    drawn = rng.integers(0, refs, ADDITIVE_PAIRS)[:, None]
    sides = (np.where(taken, refs, drawn), np.where(taken, drawn, refs), np.repeat(drawn, width, axis=1))
    outputs = game.composites(np.concatenate([*sides, np.full((1, width), refs)]))
    one, other, empty = outputs[:-1].reshape(3, ADDITIVE_PAIRS, -1)
    size = max(float(np.ptp(outputs, axis=0).max()), 1e-3 * float(np.abs(outputs).max()))
    missed = float(np.abs(one + other - empty - outputs[-1]).max())
    return ADDITIVE_SLACK * size if missed <= ADDITIVE_SLACK * size else None


def ends(players: int) -> Mask:
    """The empty and the full coalition."""
    return np.stack([np.zeros(players, dtype=bool), np.ones(players, dtype=bool)])


def one_by_one(game: Played) -> Outputs:
    """What the column loses when one player at a time is taken away (players,)."""
    whole = game.worth(ends(game.count)[1:])
    return np.asarray(whole - game.worth(~np.eye(game.count, dtype=bool)))


def first_and_last(game: Played) -> Outputs:
    """The mean of every player's first and last contribution (players,): its Shapley value where no more than two
    features act together."""
    single = np.eye(game.count, dtype=bool)
    empty, whole = game.worth(ends(game.count))
    return np.asarray((game.worth(single) - empty + whole - game.worth(~single)) / 2)
