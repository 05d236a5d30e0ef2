"""C16: features that a model uses though they tell nothing of the outcome on their own, or only through others."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from askwhy.tools.attribution import Attribution
from askwhy.tools.engines.coalitions import Coalitions
from askwhy.tools.engines.distance import Space
from askwhy.tools.engines.truth import actual_values
from askwhy.tools.evaluator import Index
from askwhy.tools.evidence import Caveat
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import ClassLabel, Feature
from askwhy.tools.shapley import EXACT_PLAYERS, exact
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

SHUFFLES = 200
"""Shuffles of a permutation test; more where many features are named, so that one p value alone can be small enough."""

FEWEST = 100
"""With fewer rows of known truth, a missing association says nothing."""

LEVEL = 0.02
"""Of the adjusted p values. A true suppressor passes any level by chance as often as the level says, so 0.05 would miss
one in twenty by that alone."""

TELLING = 15.0
"""Rows times the squared share of the outcome's spread that the model makes of a feature: above this, a test that finds
no association says something. With 20, suppressors in 150 rows are missed (0.94 flagged); with 10, of the related
features that are just above it 0.12 are flagged. With 15 and this level, in 250 worlds of either kind: 0.97 of the
suppressors named and 0.005 of the related features, 0.04 of those just above it (`--part suppressors` of the
planted-truth suite). Not told apart: a feature whose association another one hides almost wholly (0.18 flagged at a
true correlation of 0.1 to 0.2)."""

_ROWS = 2000
_BINS = 5
_WIDTH = 0.1


def suppressors(view: View, found: Attribution, label: ClassLabel | None, named: Sequence[int]) -> tuple[Caveat, ...]:
    """A caveat for the named features (by position) of no marginal association with the outcome, in the data.

    By a permutation test of each against the true values, with p values adjusted for their number (Benjamini & Hochberg
    1995). Only features that the model uses so much that an association of this size would be seen, whatever their
    value in this row; nothing where the truth is unknown or known for fewer than 100 rows.
    """
    truth = _truth(view)
    if truth is None:
        return ()
    places, actual = truth
    unit, used = _unit_spread(view, found, label, actual), _use(found, named)
    testable = [one for one, size in zip(named, used, strict=True) if len(places) * (size / unit) ** 2 >= TELLING]
    if not testable:
        return ()
    features, data = [view.schema.features[one] for one in testable], view.subject.data.iloc[places]
    count = max(SHUFFLES, math.ceil(2 * len(testable) / LEVEL))
    p = [association_p(data[one.name], one, actual, view.subject.regression, view.seed, count) for one in features]
    alone = [one.label for one, adjusted in zip(features, adjusted_p(p), strict=True) if adjusted > LEVEL]
    return tuple(Caveat(flag="suppressor", text=_words(one, view.schema.target.label)) for one in alone)


def _use(found: Attribution, named: Sequence[int]) -> Outputs:
    """How much the model uses these features, whatever the row: in the unit of the attributions.

    The standard deviation over background rows of the change when one of them gets the row's value: that of the
    feature's own effect, in an additive model. The size of the attribution where no background is at hand.
    """
    game = found.game
    if game is None:
        return np.abs(found.values[list(named)])
    alone = game.players[None, :] == np.asarray(named, dtype=np.int64)[:, None]
    outcomes = game.outcomes(np.vstack([np.zeros((1, game.count), dtype=bool), alone]))
    return np.asarray((outcomes[1:] - outcomes[0]).std(axis=1))


def _words(feature: str, target: str) -> str:
    return (
        f"On its own, {feature} shows no association with {target} in the data, so the model may use it only together "
        f"with other features; do not read it as related to {target}."
    )


def _unit_spread(view: View, found: Attribution, label: ClassLabel | None, actual: Outputs) -> float:
    """The standard deviation of the true outcome in the unit of the attributions."""
    if label is None:
        return float(actual.std())
    share = float((actual == view.schema.classes.index(label)).mean())
    spread = max(1e-6, float(np.sqrt(share * (1 - share))))
    return 1 / spread if found.unit == "log-odds" else spread


def _truth(view: View) -> tuple[Index, Outputs] | None:
    if view.subject.target is None:
        return None
    actual = np.asarray(actual_values(view.schema, view.subject.target), dtype=float)
    known = np.flatnonzero(np.isfinite(actual) if view.subject.regression else actual >= 0).astype(np.int64)
    if len(known) < FEWEST or len(np.unique(actual[known])) < 2:
        return None
    if len(known) > _ROWS:
        known = np.sort(np.random.default_rng(view.seed).choice(known, _ROWS, replace=False))
    return known, actual[known]


def association_p(
    cells: pd.Series, feature: Feature, actual: Outputs, ordered: bool, seed: int, shuffles: int = SHUFFLES
) -> float:
    """The permutation p value of no association between a column and the true values.

    Twice the smaller of two: mutual information over fifths (or categories), which sees any form, and, for numbers
    against numbers or two classes, Spearman's rank correlation, which sees weak trends.
    """
    rng = np.random.default_rng(seed)
    orders = np.argsort(rng.random((shuffles, len(actual))), axis=1)
    codes: Index = _coded(cells, feature)
    truth: Index = _binned(actual) if ordered else actual.astype(np.int64)
    found = [_p(_information(codes, truth[None]), _information(codes, truth[orders]))]
    if feature.numeric and (ordered or len(np.unique(actual)) == 2):
        ranks = pd.Series(cells.to_numpy(dtype=float, na_value=np.nan)).rank().to_numpy()
        ranks = np.nan_to_num(ranks - np.nanmean(ranks))
        order = pd.Series(actual).rank().to_numpy()
        order = order - order.mean()
        found.append(_p(np.abs(ranks @ order)[None], np.abs(order[orders] @ ranks)))
    return min(1.0, len(found) * min(found))


def _p(own: Outputs, others: Outputs) -> float:
    return (1 + int((others >= own - 1e-12 * abs(float(own[0]))).sum())) / (len(others) + 1)


def _information(codes: Index, truths: Index) -> Outputs:
    """Mutual information (n,) of codes (rows,) with each of the truths (n, rows); up to terms that shuffling keeps."""
    classes = int(truths.max()) + 1
    cells = (int(codes.max()) + 1) * classes
    keys = codes * classes + truths + np.arange(len(truths))[:, None] * cells
    counts = np.bincount(keys.reshape(-1), minlength=cells * len(truths)).reshape(len(truths), cells)
    return np.asarray((counts * np.log(np.maximum(counts, 1))).sum(axis=1))


def _coded(cells: pd.Series, feature: Feature) -> Index:
    """Fifths of numbers and dates, codes of anything else; missing cells are a group of their own."""
    if feature.numeric or feature.kind == "date":
        numbers = cells.astype("int64") if feature.kind == "date" else cells.astype(float)
        return _binned(np.where(cells.isna(), np.nan, numbers))
    return np.asarray(pd.factorize(cells, use_na_sentinel=False)[0], dtype=np.int64)


def _binned(numbers: Outputs) -> Index:
    known = numbers[~np.isnan(numbers)]
    edges = np.unique(np.quantile(known, np.linspace(0, 1, _BINS + 1)[1:-1])) if len(known) else np.empty(0)
    return np.where(np.isnan(numbers), len(edges) + 1, np.searchsorted(edges, numbers, side="right")).astype(np.int64)


def adjusted_p(p: Sequence[float]) -> Outputs:
    """p values adjusted by Benjamini and Hochberg, in the given order."""
    order = np.argsort(p)
    scaled = np.asarray(p, dtype=float)[order] * len(p) / np.arange(1, len(p) + 1)
    found = np.empty(len(p))
    found[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return found


def conditional_values(view: View, game: Coalitions) -> Outputs | None:
    """Shapley values (players,) that respect how features go together; None unless all coalitions are known, and few.

    Background rows count the more, the nearer they are to the row in the features that are kept (Aas, Jullum & Løland
    2021, the empirical approach). Asks the model nothing.
    """
    if not game.complete or not 2 <= game.count <= EXACT_PLAYERS:
        return None
    space = Space.of(view.schema, view.subject.data)
    apart = space.differences(space.encode(game.row)[0], space.encode(game.background))[:, game.players] ** 2

    def worth(masks: Mask) -> Outputs:
        far = masks @ apart.T / np.maximum(1, masks.sum(axis=1))[:, None]
        near = np.exp(-(far - far.min(axis=1, keepdims=True)) / (2 * _WIDTH**2))
        return np.asarray((near * game.outcomes(masks)).sum(axis=1) / near.sum(axis=1))[:, None]

    return exact(worth, game.count).values[:, 0]
