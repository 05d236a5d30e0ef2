"""Exact interventional Shapley values of forests and trees, by shap's TreeExplainer, where it computes our estimand.

That is where the model's output is a mean (or sum) over trees: for boosted classifiers, TreeExplainer's values of the
probability add up, but they are rescaled values of the margin and differ from the Shapley values of the probability by
several percentage points. Its trees compare in single precision, so what it gives is checked for additivity against the
model itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.coalitions import Coalitions, ends
from askwhy.tools.predictor import Outputs, Predictor
from askwhy.tools.quality import EXACT_RESIDUAL
from askwhy.tools.shapley import Shapley

_AVERAGING = frozenset(
    {
        "DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor",
        "ExtraTreeClassifier", "ExtraTreeRegressor", "RandomForestClassifier", "RandomForestRegressor",
        "GradientBoostingRegressor",
    }
)  # fmt: skip


def tree_shapley(predictor: Predictor, game: Coalitions) -> Shapley | None:
    """Shapley values of the game's row; None where the model is no such forest of raw numbers, or they do not add up.

    Asks the model about the row and the background only.
    """
    model = _forest(predictor)
    if model is None or game.link is not None or not _numeric(game.pool):
        return None
    values = _explained(model, game, predictor.columns)
    first, last = game(ends(game.count))
    if values is None or values.shape != (game.row.shape[1], len(first)):
        return None
    spread = 1.0 if len(first) > 1 else float(np.ptp(game.outcomes(ends(game.count))))
    missed = float(np.abs(last - first - values.sum(axis=0)).max())
    return Shapley(values[None], first[None][0], last[None], None, 0) if missed <= EXACT_RESIDUAL * spread else None


def _forest(predictor: Predictor) -> Any:
    """The forest that the predictor calls, where nothing stands between it and the subject's own columns."""
    call = predictor.call
    model = getattr(getattr(call, "function", None), "__self__", None)
    known = type(model).__name__ in _AVERAGING and type(model).__module__.startswith("sklearn.")
    between = any(getattr(call, name, True) for name in ("restore", "categories", "recode"))
    folded = any(feature.columns for feature in predictor.schema.features)
    return model if known and not between and not folded and not predictor.hard else None


def _numeric(pool: pd.DataFrame) -> bool:
    kinds = (pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype) for dtype in pool.dtypes)
    return all(kinds) and not bool(pool.isna().to_numpy().any())


def _explained(model: Any, game: Coalitions, columns: tuple[str, ...]) -> Outputs | None:
    """TreeExplainer's values (features, outputs) in the order of the game's columns; None where it refuses."""
    import shap

    cells = game.pool[list(columns)].to_numpy(dtype=np.float64)
    masker = shap.maskers.Independent(cells[:-1], max_samples=len(cells))
    try:
        explainer = shap.TreeExplainer(model, masker, feature_perturbation="interventional")
        values = np.asarray(explainer.shap_values(cells[-1:], check_additivity=False), dtype=np.float64)[0]
    except Exception:  # shap raises all sorts for models it does not know; the kernel explains those
        return None
    places = [columns.index(str(name)) for name in game.pool.columns]
    return np.asarray(values.reshape(len(columns), -1)[places])
