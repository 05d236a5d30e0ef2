"""A second model of the same question, fitted out of fold: what the features say of a row without that row's own label.

Two kinds. "smooth" adds up effects of single features (a line and boosted stumps, averaged), so that it cannot carve
out a region; "flexible" is boosted trees, which can. Where both agree, it is not the form of a model that speaks.
"""

from __future__ import annotations

import warnings
from typing import Any, Literal

import numpy as np
import pandas as pd

from askwhy.tools.engines.tree_rules import columns_of
from askwhy.tools.engines.truth import Array
from askwhy.tools.evidence import Caveat
from askwhy.tools.schema import Schema

Kind = Literal["smooth", "flexible"]

FEWEST = 60
"""Fewer rows with a known truth than this give no second opinion."""

MOST = 3000
"""More rows than this are sampled, with the view's seed."""

_FOLDS = 5


def numbers_of(schema: Schema, rows: pd.DataFrame) -> tuple[Array, tuple[str, ...]]:
    """Rows as numbers (n, columns), NaN where missing, and the feature of each column; free texts are left out."""
    columns = columns_of(schema, rows)
    if not columns:
        return np.zeros((len(rows), 0)), ()
    read = np.column_stack([column.numbers(rows) for column in columns])
    return read, tuple(column.feature.name for column in columns)


def thinned(places: Array, rng: np.random.Generator) -> Array:
    """At most `MOST` of these positions, drawn at random, in their order."""
    return places if len(places) <= MOST else np.sort(rng.choice(places, MOST, replace=False))


def thinned_caveat(before: int, entities: str) -> tuple[Caveat, ...]:
    """That not all rows were used."""
    if before <= MOST:
        return ()
    text = f"This rests on {MOST:,} of the {before:,} {entities}, drawn at random with a fixed seed."
    return (Caveat(flag="sampled", text=text),)


def folds_of(actual: Array, classes: int, rng: np.random.Generator) -> Array:
    """The fold (n,) of every row; each fold has its share of every class."""
    order = rng.permutation(len(actual))
    if classes:
        order = order[np.argsort(actual[order], kind="stable")]
    fold = np.empty(len(actual), dtype=int)
    fold[order] = np.arange(len(actual)) % _FOLDS
    return fold


def out_of_fold(read: Array, actual: Array, classes: int, kind: Kind, rng: np.random.Generator) -> Array:
    """Outputs (n, classes), or (n, 1) for numbers, each from a model that was not fitted on the row itself.

    read: numbers (n, columns). actual: class positions, or numbers where `classes` is 0.
    """
    fold = folds_of(actual, classes, rng)
    found = np.zeros((len(actual), max(1, classes)))
    for one in range(_FOLDS):
        here = fold == one
        found[here] = fitted_outputs(read[~here], actual[~here], read[here], classes, kind)
    return found


def fitted_outputs(read: Array, actual: Array, asked: Array, classes: int, kind: Kind) -> Array:
    """Outputs at `asked` of a model fitted on `read`; constant where there is nothing to learn."""
    there = ~np.isnan(read).all(axis=0)  # boosting fails on a column without any value
    read, asked = read[:, there], asked[:, there]
    if not read.shape[1] or len(np.unique(actual)) < 2:
        return _constant(actual, len(asked), classes)
    parts = [_predicted(one, read, actual, asked, classes) for one in _makers(kind, classes, len(read))]
    return np.asarray(np.mean(parts, axis=0))


def _constant(actual: Array, rows: int, classes: int) -> Array:
    if not classes:
        return np.full((rows, 1), float(np.mean(actual)) if len(actual) else 0.0)
    share = np.bincount(actual, minlength=classes) / max(1, len(actual))
    return np.tile(share, (rows, 1))


def _predicted(estimator: Any, read: Array, actual: Array, asked: Array, classes: int) -> Array:
    from threadpoolctl import threadpool_limits

    # Fits this small gain nothing from threads, and lose much where other work runs beside them.
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # a line that has not quite converged is good enough here
        fitted = estimator.fit(read, actual)
        if not classes:
            return np.asarray(fitted.predict(asked), dtype=float)[:, None]
        found = np.zeros((len(asked), classes))
        found[:, fitted.classes_] = fitted.predict_proba(asked)
    return found


def _makers(kind: Kind, classes: int, rows: int) -> list[Any]:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    boosted = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    least = max(5, min(20, rows // 40))
    if kind == "flexible":
        return [boosted(max_iter=60, max_leaf_nodes=12, min_samples_leaf=least, early_stopping=False, random_state=0)]
    line = LogisticRegression(C=0.5, max_iter=200) if classes else Ridge(1.0)
    stumps = boosted(max_iter=80, max_leaf_nodes=2, min_samples_leaf=least, early_stopping=False, random_state=0)
    return [make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler(), line), stumps]


def strength(actual: Array, outputs: Array, classes: int) -> float:
    """How well outputs tell the truth, 0 (not at all) to 1: 2 AUC - 1, or R squared; 0 where it is undefined."""
    from askwhy.tools.engines.metrics import r2, roc_auc

    value = 2 * roc_auc(actual, outputs) - 1 if classes else r2(actual, outputs)
    return value if np.isfinite(value) else 0.0
