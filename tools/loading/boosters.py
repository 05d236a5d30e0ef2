"""Native xgboost and lightgbm boosters with the face of a scikit-learn model."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.errors import MissingExtra, ToolError

Array = np.ndarray[Any, np.dtype[np.float64]]


@dataclass(frozen=True, eq=False)
class BoosterModel:
    """A native booster. `width` is its number of classes (0 for a regression); `names` its columns, or None."""

    booster: Any
    width: int
    names: tuple[str, ...] | None
    columns: int
    objective: str

    @property
    def n_features_in_(self) -> int:
        """Number of columns it was trained on."""
        return self.columns

    @property
    def feature_names_in_(self) -> np.ndarray[Any, Any]:
        """Names of these columns; AttributeError where the file holds none, as in scikit-learn."""
        if self.names is None:
            raise AttributeError("feature_names_in_")
        return np.array(self.names, dtype=object)

    @property
    def classes_(self) -> np.ndarray[Any, Any]:
        """0, 1, ...: a booster knows its classes by number only; AttributeError for a regression."""
        if not self.width:
            raise AttributeError("classes_")
        return np.arange(self.width)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """What tells this booster from another of the same shape: its objective and number of columns."""
        return {"objective": self.objective, "columns": self.columns, "classes": self.width, "deep": deep}

    def _scores(self, rows: Any) -> Array:
        raise NotImplementedError


class BoosterClassifier(BoosterModel):
    """A booster trained for classes."""

    def predict_proba(self, rows: Any) -> Array:
        """Probabilities, (n, classes)."""
        scores = self._scores(rows)
        if self.objective == "binary:logitraw":
            scores = 1 / (1 + np.exp(-scores))
        return np.column_stack([1 - scores, scores]) if scores.ndim == 1 else scores


class BoosterRegressor(BoosterModel):
    """A booster trained for a number."""

    def predict(self, rows: Any) -> Array:
        """Predictions, (n,)."""
        return self._scores(rows)


class _Xgboost(BoosterModel):
    def _scores(self, rows: Any) -> Array:
        import xgboost

        matrix = xgboost.DMatrix(
            rows, enable_categorical=True, feature_names=None if self.names is None else list(self.names)
        )
        best = self.booster.attr("best_iteration")
        used = (0, 0) if best is None else (0, int(best) + 1)
        return np.asarray(self.booster.predict(matrix, iteration_range=used), dtype=np.float64)


class _Lightgbm(BoosterModel):
    def _scores(self, rows: Any) -> Array:
        return np.asarray(self.booster.predict(rows), dtype=np.float64)


class XgboostClassifier(_Xgboost, BoosterClassifier):
    """An xgboost booster trained for classes."""


class XgboostRegressor(_Xgboost, BoosterRegressor):
    """An xgboost booster trained for a number."""


class LightgbmClassifier(_Lightgbm, BoosterClassifier):
    """A lightgbm booster trained for classes."""


class LightgbmRegressor(_Lightgbm, BoosterRegressor):
    """A lightgbm booster trained for a number."""


def wrapped(model: Any) -> Any:
    """A native booster with the face of a scikit-learn model; anything else as it is."""
    module, kind = type(model).__module__.partition(".")[0], type(model).__name__
    if kind != "Booster":
        return model
    return _wrap_xgboost(model) if module == "xgboost" else _wrap_lightgbm(model) if module == "lightgbm" else model


def read_xgboost(path: Path) -> BoosterModel:
    """An xgboost model file (.json or .ubj). Raises ToolError if it is none."""
    try:
        import xgboost
    except ImportError as error:
        raise MissingExtra("xgboost", "xgboost") from error
    booster = xgboost.Booster()
    try:
        booster.load_model(str(path))
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise ToolError(f"{path.name} is not an xgboost model: {_first_line(error)}") from error
    return _wrap_xgboost(booster)


def read_lightgbm(path: Path) -> BoosterModel:
    """A lightgbm model file (.txt). Raises ToolError if it is none."""
    try:
        import lightgbm
    except ImportError as error:
        raise MissingExtra("lightgbm", "lightgbm") from error
    text = path.read_text(encoding="utf-8", errors="replace")
    # lightgbm ends the process, without an exception, on some texts that are no model.
    if not text.startswith("tree\n") or "\nend of trees" not in text:
        raise ToolError(f"{path.name} is not a lightgbm model: it should start with “tree” and hold “end of trees”.")
    try:
        return _wrap_lightgbm(lightgbm.Booster(model_str=text))
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise ToolError(f"{path.name} is not a lightgbm model: {_first_line(error)}") from error


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0][:200] if text else type(error).__name__


def _wrap_xgboost(booster: Any) -> BoosterModel:
    settings = json.loads(booster.save_config())["learner"]
    objective = str(settings["objective"]["name"])
    several = int(settings["learner_model_param"]["num_class"])
    if objective in ("multi:softmax", "binary:hinge"):
        raise ToolError(
            f"The objective {objective} gives no probabilities; train with multi:softprob or binary:logistic."
        )
    width = several if objective.startswith("multi:") else 2 if objective.startswith("binary:") else 0
    names = tuple(booster.feature_names) if booster.feature_names else None
    made = XgboostClassifier if width else XgboostRegressor
    return made(booster, width, names, int(booster.num_features()), objective)


def _wrap_lightgbm(booster: Any) -> BoosterModel:
    text = booster.model_to_string(num_iteration=1)
    objective = next((line for line in text.splitlines() if line.startswith("objective=")), "objective=regression")
    objective = objective.removeprefix("objective=").split()[0]
    several = int(booster.num_model_per_iteration())
    width = max(several, 2) if objective in ("binary", "multiclass", "multiclassova", "cross_entropy") else 0
    columns = tuple(booster.feature_name())
    unnamed = columns == tuple(f"Column_{i}" for i in range(len(columns)))
    made = LightgbmClassifier if width else LightgbmRegressor
    return made(booster, width, None if unnamed else columns, len(columns), objective)


def takes_categories(model: Any) -> bool:
    """Whether the model itself reads categories (pandas `category`), where others need them encoded."""
    module = type(model).__module__.partition(".")[0]
    return isinstance(model, BoosterModel) or module in ("xgboost", "lightgbm")


def as_categories(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with its text columns as pandas categories."""
    texts = [name for name in frame.columns if pd.api.types.is_string_dtype(frame[name].dtype)]
    return frame.astype(dict.fromkeys(texts, "category"))
