"""A cheap measure of how good Shapley explanations are, for many rows in a few requests.

C5, the faithfulness correlation, with one set of subsets for all rows: what the attributions of some features add up
to, against what the output loses when these features are removed. It is 1 where the model adds up, and falls where
features act together in ways that no number for each of them can tell. (Whether an explanation beats random rankings
tells groups apart far less: even for a parity of six features it does so nearly always.)
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from askwhy.tools.attribution import sample
from askwhy.tools.engines.fidelity import subsets
from askwhy.tools.evaluator import Index
from askwhy.tools.predictor import Outputs
from askwhy.tools.shapley import pooled, shapley_rows
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

BUDGET = 150_000
"""Composite rows for the Shapley values of all rows together."""

_REFS = 10
_DUST = 1e-9


def faithfulness(view: View, rows: pd.DataFrame, columns: Index) -> Outputs:
    """For each row (n,) the correlation of summed attributions of output `columns[i]` with its loss over subsets.

    NaN where removing features makes no difference, or fewer than two features vary.
    """
    refs = sample(view.subject.background, _REFS, view.rng)
    pool = pooled(refs, rows)
    players = np.flatnonzero([pool[name].nunique(dropna=False) > 1 for name in pool.columns])
    if len(players) < 2:
        return np.full(len(rows), np.nan)
    found = shapley_rows(view.evaluate, rows, refs, seed=view.seed, budget=BUDGET)
    each = np.arange(len(rows))
    removed = subsets(len(players), view.rng)
    said = found.values[each, :, columns][:, players] @ removed.T
    source = _sources(~removed, len(rows), len(refs), players, pool.shape[1])
    left = view.evaluate.mixed(pool, source).reshape(len(rows), len(removed), len(refs), -1).mean(axis=2)
    lost = found.outputs[each, columns][:, None] - left[each, :, columns]
    return _correlations(lost, said)


def _sources(kept: Mask, rows: int, refs: int, players: Index, width: int) -> Index:
    """Which row of the pool (background first) every cell comes from: (rows * masks * refs, width)."""
    source = np.empty((rows, len(kept), refs, width), dtype=np.int64)
    source[:] = np.arange(refs)[None, None, :, None]
    own = (refs + np.arange(rows))[:, None, None, None]
    source[..., players] = np.where(kept[None, :, None, :], own, source[..., players])
    return source.reshape(-1, width)


def _correlations(lost: Outputs, said: Outputs) -> Outputs:
    """Pearson's r of each row of two arrays (n, subsets); NaN where nothing is lost, 0 where nothing is said."""
    one, two = (values - values.mean(axis=1, keepdims=True) for values in (lost, said))
    sizes = np.linalg.norm(one, axis=1), np.linalg.norm(two, axis=1)
    flat = sizes[0] <= _DUST * max(1.0, float(np.abs(lost).max(initial=0.0)))
    product = np.maximum(sizes[0] * sizes[1], np.finfo(float).tiny)
    return np.asarray(np.where(flat, np.nan, (one * two).sum(axis=1) / product))
