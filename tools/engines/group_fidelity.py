"""A cheap measure of how good Shapley explanations are, for many rows in a few requests.

C3 in a light form: features are put in and taken away in the order of the explanation, and in random orders; the score is
the share of random rankings that the explanation beats. It lies between 0 and 1, 0.5 is what a random ranking gets, and
unlike a ratio of areas it does not explode where the prediction is near the average.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from askwhy.tools.engines.fidelity import prefixes, ranking, sizes
from askwhy.tools.evaluator import Index
from askwhy.tools.predictor import Outputs
from askwhy.tools.shapley import pooled, shapley_rows
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

BUDGET = 150_000
"""Composite rows for the Shapley values of all rows together."""

_SIZES, _RANDOM, _REFS = 4, 15, 10
_DUST = 1e-9


def beaten(view: View, rows: pd.DataFrame, columns: Index) -> Outputs:
    """For each row (n,) the share of random rankings that its explanation of output `columns[i]` beats, ties by half; NaN
    where fewer than two features vary."""
    rng, refs = view.rng, view.subject.background
    if len(refs) > _REFS:
        refs = refs.iloc[np.sort(rng.choice(len(refs), _REFS, replace=False))]
    found = shapley_rows(view.evaluate, rows, refs, seed=view.seed, budget=BUDGET)
    own = found.values[np.arange(len(rows)), :, columns]
    pool = pooled(refs, rows)
    players = np.flatnonzero([pool[name].nunique(dropna=False) > 1 for name in pool.columns])
    if len(players) < 2:
        return np.full(len(rows), np.nan)
    total = (found.outputs - found.base)[np.arange(len(rows)), columns]
    way = np.where(total >= 0, 1.0, -1.0)
    drawn = np.argsort(rng.random((_RANDOM, len(players))), axis=1)
    orders = np.array([_orders(sign * values[players], drawn) for sign, values in zip(way, own, strict=True)])
    areas = way[:, None] * _areas(view, pool, len(refs), players, orders, columns)
    mine = areas[:, [0]] - areas[:, [1]]
    half = areas[:, 2 : 2 + _RANDOM] - areas[:, 2 + _RANDOM :]
    random = np.concatenate([half, -half], axis=1)
    dust = _DUST * np.abs(areas).max(axis=1, keepdims=True)
    better, worse = (mine > random + dust).mean(axis=1), (mine < random - dust).mean(axis=1)
    return np.asarray((1 + better - worse) / 2)


def _orders(values: Outputs, drawn: Index) -> Index:
    """The explanation's ranking and its reverse, then the random ones and theirs: (2 + 2 * random, players)."""
    first = ranking(values)
    return np.concatenate([first, first[:, ::-1], drawn, drawn[:, ::-1]])


def _areas(view: View, pool: pd.DataFrame, refs: int, players: Index, orders: Index, columns: Index) -> Outputs:
    """Mean output (rows, orders) as the features of each order are put in one after the other."""
    rows, count = orders.shape[:2]
    taken = sizes(len(players), _SIZES)
    masks = prefixes(orders.reshape(-1, len(players)), taken).reshape(rows, -1, len(players))
    source = _sources(masks, refs, players, pool.shape[1])
    outputs = view.evaluate.mixed(pool, source).reshape(rows, masks.shape[1], refs, -1).mean(axis=2)
    return np.asarray(outputs[np.arange(rows), :, columns].reshape(rows, count, len(taken)).mean(axis=2))


def _sources(masks: Mask, refs: int, players: Index, width: int) -> Index:
    """Which row of the pool (background first) every cell comes from: (rows * masks * refs, width)."""
    rows, count, _ = masks.shape
    source = np.empty((rows, count, refs, width), dtype=np.int64)
    source[:] = np.arange(refs)[None, None, :, None]
    own = (refs + np.arange(rows))[:, None, None, None]
    source[:, :, :, players] = np.where(masks[:, :, None, :], own, source[:, :, :, players])
    return source.reshape(-1, width)
