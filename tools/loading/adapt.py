"""Any model as one function of a frame, with what the model itself tells: classes, columns, whether it reads text."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.text_network import TextNetwork
from askwhy.tools.errors import ModelFault, ToolError, nearest
from askwhy.tools.loading.boosters import as_categories, takes_categories, wrapped
from askwhy.tools.loading.prepare import Restore, restored
from askwhy.tools.scope import Scalar
from askwhy.tools.subject import plain


@dataclass(frozen=True, eq=False)
class Adapted:
    """What is known of a model before it is called.

    classes: in the order of its output columns, None where it does not say. regression: None where it does not say.
    hard: it gives labels instead of probabilities. names, width: the columns it was trained on, None if unknown.
    """

    model: Any
    function: Callable[[Any], Any]
    title: str
    classes: tuple[Scalar, ...] | None = None
    regression: bool | None = None
    hard: bool = False
    names: tuple[str, ...] | None = None
    width: int | None = None
    reads_text: bool = False
    categories: bool = False


@dataclass(frozen=True, eq=False)
class Native:
    """Calls the model with what it was trained on.

    labels: the user's own column names, where they differ from the subject's. restore: dtypes to bring back.
    recode: for hard labels, the class of each of the model's own labels.
    """

    function: Callable[[Any], Any]
    labels: tuple[Any, ...] | None = None
    restore: tuple[tuple[str, str], ...] = ()
    as_array: bool = False
    categories: bool = False
    recode: tuple[tuple[str, str], ...] = ()

    def __call__(self, rows: Any) -> Any:
        """The model's raw outputs for a frame of the subject's columns, or for a list of texts."""
        outputs = self.function(self._frame(rows) if isinstance(rows, pd.DataFrame) else rows)
        if isinstance(outputs, list) and outputs and isinstance(outputs[0], np.ndarray) and outputs[0].ndim == 2:
            raise ModelFault("The model has several outputs; give a model with one target.")
        array = np.asarray(outputs)
        if array.ndim == 2 and array.shape[1] == 1:
            array = array[:, 0]
        if self.recode:
            names = dict(self.recode)
            return [names.get(str(label), label) for label in array]
        return array

    def _frame(self, rows: pd.DataFrame) -> Any:
        back = {name: restored(rows[name], how) for name, how in self.restore if name in rows.columns}
        frame = rows.assign(**back) if back else rows
        if self.categories:
            frame = as_categories(frame)
        if self.labels is not None:
            frame = frame.set_axis(list(self.labels), axis=1)
        return frame.to_numpy() if self.as_array else frame


def adapt(model: Any) -> Adapted:
    """How to call the model. Raises ToolError for what cannot be called, is not fitted, or knows a single class."""
    if isinstance(model, TextNetwork):
        return _network(model)
    model = wrapped(model)
    owner = getattr(model, "__self__", model)
    function, hard, regression = _function(model)
    classes = _classes(owner) if regression is not True else None
    if regression is None and classes is not None:
        regression = False
    names, width = _columns(owner)
    first = _first_step(owner)
    if getattr(first, "input", "content") != "content":
        raise ToolError("The model's vectorizer opens files named in the data; only input='content' is allowed.")
    return Adapted(
        model=model,
        function=function,
        title=_title(owner),
        classes=classes,
        regression=regression,
        hard=hard and classes is not None,
        names=names,
        width=width,
        reads_text=hasattr(first, "build_analyzer") or bool(getattr(owner, "reads_texts", False)),
        categories=takes_categories(owner),
    )


def _network(network: TextNetwork) -> Adapted:
    if len(network.labels) == 1:
        raise ToolError(f"The model knows a single class ({network.labels[0]}), so there is nothing to explain.")
    return Adapted(
        model=network,
        function=network.outputs,
        title=network.title or type(network.module).__name__,
        classes=network.labels or None,
        regression=not network.labels,
        reads_text=True,
    )


def _function(model: Any) -> tuple[Callable[[Any], Any], bool, bool | None]:
    """The function to call, whether it gives labels, and whether it is a regression (None: not known)."""
    from sklearn.base import is_classifier, is_regressor

    if isinstance(model, type):
        raise ToolError(f"The model is the class {model.__name__}; give a fitted instance of it.")
    if hasattr(model, "predict_proba"):
        return model.predict_proba, False, False
    if hasattr(model, "predict"):
        labels, numbers = _says(is_classifier, model), _says(is_regressor, model)
        if (labels or hasattr(model, "predict_log_proba")) and not hasattr(model, "classes_"):
            raise ToolError(f"The model ({_title(model)}) is not fitted; fit it first.")
        return model.predict, labels or not numbers, True if numbers else False if labels else None
    if callable(model):
        kind = getattr(model, "__name__", "")
        return model, kind == "predict", None
    raise ToolError(
        f"A {type(model).__name__} is not a model: it has no predict_proba or predict and cannot be called."
    )


def _says(question: Callable[[Any], bool], model: Any) -> bool:
    try:
        return bool(question(model))
    except (AttributeError, TypeError):  # not of scikit-learn's family
        return False


def _classes(owner: Any) -> tuple[Scalar, ...] | None:
    try:
        found = owner.classes_
    except AttributeError:
        return None
    if isinstance(found, list) and found and isinstance(found[0], np.ndarray):
        raise ToolError("The model has several outputs; give a model with one target.")
    values = tuple(value for value in map(plain, np.asarray(found).tolist()) if value is not None)
    if len(values) == 1:
        raise ToolError(f"The model knows a single class ({values[0]}), so there is nothing to explain.")
    return values or None


def _columns(owner: Any) -> tuple[tuple[str, ...] | None, int | None]:
    try:
        names = tuple(str(name) for name in owner.feature_names_in_)
    except (AttributeError, TypeError):
        names = ()
    try:
        width = int(owner.n_features_in_)
    except (AttributeError, TypeError):
        width = None
    # lightgbm makes up names for arrays.
    if names and names != tuple(f"Column_{i}" for i in range(len(names))):
        return names, len(names)
    return None, width


def _first_step(model: Any) -> Any:
    model = getattr(model, "best_estimator_", model)
    steps = getattr(model, "steps", None)
    return _first_step(steps[0][1]) if steps else model


def _title(model: Any) -> str:
    model = getattr(model, "best_estimator_", model)
    steps = getattr(model, "steps", None)
    if steps:
        return _title(steps[-1][1])
    name = getattr(model, "__name__", None)
    return str(name) if isinstance(name, str) else type(model).__name__


def match_columns(adapted: Adapted, columns: Sequence[Any]) -> tuple[list[Any], tuple[str, ...]]:
    """The data's columns in the model's order, and a note on those it does not use.

    Raises ToolError naming the columns that the model needs and the data lacks.
    """
    if adapted.names is None:
        if adapted.width is not None and adapted.width != len(columns):
            raise ToolError(
                f"The model was trained on {adapted.width} columns without names, and the data has {len(columns)} "
                "beside the target; leave out the ones it does not know."
            )
        return list(columns), ()
    by_name = {str(column): column for column in columns}
    # lightgbm writes blanks as underscores.
    by_name = {**{re.sub(r"\s", "_", name): column for name, column in by_name.items()}, **by_name}
    missing = [name for name in adapted.names if name not in by_name]
    if missing:
        raise ToolError(_missing_columns(missing, by_name))
    chosen = [by_name[name] for name in adapted.names]
    extra = [str(column) for column in columns if column not in set(chosen)]
    note = f"Not used by the model, so left out: {', '.join(extra[:10])}{' ...' if len(extra) > 10 else ''}."
    return chosen, (note,) if extra else ()


def _missing_columns(missing: Sequence[str], known: dict[str, Any]) -> str:
    hints = {name: nearest(name, known, 1) for name in missing[:5]}
    named = ", ".join(f"{name} (nearest: {hint[0]})" if hint else name for name, hint in hints.items())
    more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
    return f"The model needs columns that the data does not have: {named}{more}."


def native(
    adapted: Adapted, names: Sequence[str], labels: Sequence[Any], restore: Restore, recode: dict[str, str]
) -> Native:
    """The callable for a predictor whose columns are `names`; `labels` are the user's names for them."""
    return Native(
        function=adapted.function,
        labels=None if list(names) == list(labels) else tuple(labels),
        restore=tuple(restore.items()),
        as_array=adapted.names is None and adapted.width is not None,
        categories=adapted.categories,
        recode=tuple(recode.items()),
    )
