"""Twins: the same kind of model trained again on shuffled outcomes, and how an explanation of it would look.

A twin has learnt nothing real, so an explanation that looks alike for twins tells of the method and the data, not of
what the model learnt (Adebayo et al. 2018; Méloux et al. 2025, "The Dead Salmons of AI Interpretability").
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from askwhy.tools.engines.conditional import Array, Lenders, positions_of
from askwhy.tools.engines.refit import Trained
from askwhy.tools.evaluator import compose
from askwhy.tools.predictor import Outputs
from askwhy.tools.view import View

SECONDS = 30.0
"""No further twin is trained after this long; what was found until then is told, with its number of twins."""

TRAINING_ROWS = 2000
"""More training rows than this are thinned for the twins."""

_EVALUATIONS = 1000
_DRAWS = 5
_OWN_DRAWS = 40


@dataclass(frozen=True, eq=False)
class Questions:
    """Rows that show what each feature does: `frame` holds n rows as they are, then each with one feature from another.

    shape: (n, features, draws) of the latter.
    """

    frame: pd.DataFrame
    shape: tuple[int, int, int]

    @classmethod
    def of(cls, view: View) -> Questions:
        """For the instance, or a seeded sample of the view's rows; every feature is replaced from the same donors."""
        width, rows = len(view.schema.features), view.rows
        most = max(10, _EVALUATIONS // (_DRAWS * width))
        if len(rows) > most:
            rows = rows.iloc[np.sort(view.rng.choice(len(rows), most, replace=False))]
        lenders = Lenders.of(view)
        draws = _OWN_DRAWS if view.scope.has_instance else _DRAWS
        places = lenders.donors.anyone(positions_of(view, rows), draws, view.rng)
        count, draws = places.shape
        own = np.arange(count, dtype=np.int64)
        source = np.tile(own[:, None, None, None], (1, width, draws, width))
        for feature in range(width):
            source[:, feature, :, feature] = count + places
        composite = np.concatenate([np.repeat(own[:, None], width, axis=1), source.reshape(-1, width)])
        pool = pd.concat([rows, lenders.frame], ignore_index=True)
        return cls(compose(pool, composite), (count, width, draws))

    def effects(self, predict: Callable[[pd.DataFrame], Outputs]) -> Outputs:
        """Changes (n, features, draws, width): the output of each row less that with the feature replaced."""
        outputs, count = predict(self.frame), self.shape[0]
        return np.asarray(outputs[:count, None, None, :] - outputs[count:].reshape(*self.shape, -1))


@dataclass(frozen=True, eq=False)
class Twins:
    """Changes of the output (twins, n, features, draws, width) for each twin; `wanted` is how many were asked for."""

    effects: Outputs
    wanted: int
    thinned: bool


def raise_twins(view: View, model: Trained, questions: Questions, count: int) -> Twins | None:
    """Train `count` twins and ask them all the questions; None where the model refuses to be trained again.

    Fewer where the time is up. A twin's outcomes are those of the training rows in a random order.
    """
    rows, actual = model.rows, model.actual
    if len(rows) > TRAINING_ROWS:
        keep = np.sort(view.rng.choice(len(rows), TRAINING_ROWS, replace=False))
        rows, actual = rows.iloc[keep], actual[keep]
    rng, started, found = view.rng, time.monotonic(), []
    for _ in range(count):
        twin = model.fitted(rows, rng.permutation(actual))
        if twin is None:
            return None
        found.append(questions.effects(twin))
        if time.monotonic() - started > SECONDS:
            break
    return Twins(np.stack(found), count, len(rows) < len(model.rows))


def twin_p_values(own: Array, twins: Array) -> Array:
    """p-values (features,) that twins (twins, features) reach the model's own importances (features,)."""
    tiny = 1e-12 * max(1.0, float(np.abs(own).max(initial=0.0)))
    return np.asarray((1 + (twins >= own - tiny).sum(axis=0)) / (len(twins) + 1))


def rank_correlations(own: Array, others: Array) -> Array:
    """Spearman's correlations of own (features,) with each of others (n, features); 0 where all values are equal."""
    from scipy.stats import rankdata

    ranks = rankdata(np.vstack([own, others]).round(12), axis=1)
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    sizes = np.sqrt((centred**2).sum(axis=1))
    products = sizes[0] * sizes[1:]
    return np.asarray(np.divide(centred[1:] @ centred[0], products, out=np.zeros(len(products)), where=products > 0))
