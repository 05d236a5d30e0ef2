"""How strongly each training row pulls on a prediction, approximately: closeness to the row times how far it pulls.

Closeness is measured in the model's own terms where it has any: shared leaves for trees (the weights of Lin & Jeon
2006), one Newton step for linear models (Pregibon 1981; Koh & Liang 2017); otherwise Gower similarity of the features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.distance import Space
from askwhy.tools.engines.refit import Trained
from askwhy.tools.engines.truth import Array

_MOST_COLUMNS = 2000


@dataclass(frozen=True)
class Pull:
    """Scores (n,) of the training rows: positive ones pull the output up. `how` says in words what was measured."""

    scores: Array
    how: str


def pull(model: Trained, row: pd.DataFrame, output: float, fitted: Array, truth: Array) -> Pull:
    """Scores of the training rows for the output at one row.

    fitted, truth: (n,) the model's output at the training rows, and what it should have been (0 or 1 for a class).
    """
    last, read = _last_step(model)
    leaves = _leaves(last, read(model.rows), read(row))
    if leaves is not None:
        return Pull(
            leaves * (truth - output), "training rows weighted by how often they share a leaf of the trees with it"
        )
    newton = _newton(model, last, read, row, fitted)
    if newton is not None:
        return Pull(newton * (truth - fitted), "the change that one Newton step predicts if a training row is left out")
    space = Space.of(model.subject.schema, model.subject.data)
    far = space.differences(space.encode(row)[0], space.encode(model.rows)).mean(axis=1)
    close = np.exp(-far / (float(np.median(far)) or 1.0))
    return Pull(
        close * (truth - fitted), "similarity of the raw features times how far the model misses the training row"
    )


def _last_step(model: Trained) -> tuple[Any, Any]:
    """The final estimator, and a function from the subject's rows to what it reads."""
    steps = getattr(model.estimator, "steps", None)
    if not steps:
        return model.estimator, model.native
    before = model.estimator[:-1]
    if not len(before):
        return steps[-1][1], model.native
    return steps[-1][1], lambda frame: before.transform(model.native(frame))


def _leaves(last: Any, rows: Any, row: Any) -> Array | None:
    """The mean over trees of 1 / (rows in the leaf) where a row shares the leaf; None for a model without leaves."""
    if hasattr(last, "booster_"):  # lightgbm

        def apply(cells: Any) -> Any:
            return last.predict(cells, pred_leaf=True)
    elif hasattr(last, "apply"):
        apply = last.apply
    else:
        return None
    inside, here = np.asarray(apply(rows)), np.asarray(apply(row))
    inside, here = inside.reshape(len(inside), -1), here.reshape(1, -1)
    shared = inside == here
    size = np.maximum(shared.sum(axis=0), 1)
    return np.asarray((shared / size).mean(axis=1))


def _newton(model: Trained, last: Any, read: Any, row: pd.DataFrame, fitted: Array) -> Array | None:
    """What a unit residual of each training row adds to the linear score at the row; None for a model that has none."""
    if not hasattr(last, "coef_"):
        return None
    cells, here = _dense(read(model.rows)), _dense(read(row))
    if cells.shape[1] > _MOST_COLUMNS:
        return None
    cells = np.column_stack([np.ones(len(cells)), cells])
    here = np.concatenate([[1.0], here[0]])
    regression = model.subject.regression
    weights = np.ones(len(cells)) if regression else fitted * (1 - fitted)
    curve = cells.T @ (weights[:, None] * cells) + np.diag(_penalty(last, cells.shape[1], regression))
    return np.asarray(cells @ np.linalg.lstsq(curve, here, rcond=None)[0])


def _penalty(last: Any, width: int, regression: bool) -> Array:
    """The diagonal that the model's own ridge penalty adds; none on the intercept."""
    given = getattr(last, "alpha" if regression else "C", None)
    number = float(given) if isinstance(given, (int, float)) and given > 0 else 0.0
    found = np.full(width, number if regression or not number else 1.0 / number)
    found[0] = 0.0
    return found + 1e-9


def _dense(cells: Any) -> Array:
    return np.asarray(cells.toarray() if hasattr(cells, "toarray") else cells, dtype=float)
