"""The model fitted again on some of its training rows, where it is a scikit-learn estimator that can be cloned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.neighbours import training
from askwhy.tools.engines.truth import Array, actual_values
from askwhy.tools.predictor import Outputs, Predictor
from askwhy.tools.subject import Subject

MOST_ROWS = 5000
"""More training rows than this are not fitted again and again."""


@dataclass(frozen=True, eq=False)
class Trained:
    """A fitted estimator with the rows it was trained on, as far as known: those not held out.

    rows: (n, features) as the subject has them. actual: class positions or numbers, aligned. positions: in the data.
    """

    estimator: Any
    subject: Subject
    rows: pd.DataFrame
    actual: Array
    positions: Array

    def without(self, places: Array) -> Predictor | None:
        """The model fitted again without the training rows at these places; None where that does not work."""
        keep = np.setdiff1d(np.arange(len(self.rows)), places)
        return self.fitted(self.rows.iloc[keep], self.actual[keep])

    def fitted(self, rows: pd.DataFrame, truth: Array) -> Predictor | None:
        """The model fitted again on rows with class positions or numbers as truth; None where that does not work."""
        again = fitted_again(self.estimator, self.native(rows), truth)
        if again is None:
            return None
        function, own = predicting(again), self.subject.predictor
        return Predictor(lambda cells: function(self._read(cells)), own.schema, own.columns)

    def native(self, frame: pd.DataFrame) -> Any:
        """Rows of the subject as the estimator reads them."""
        return self._read(self.subject.predictor.native(frame))

    def _read(self, cells: Any) -> Any:
        shape = getattr(self.subject.predictor.call, "_frame", None)
        return cells if shape is None or not isinstance(cells, pd.DataFrame) else shape(cells)

    def outputs_without(self, places: Array, frame: pd.DataFrame) -> Outputs | None:
        """Outputs at `frame` of the model fitted again without some training rows; None where it cannot be."""
        again = self.without(places)
        return None if again is None else again(frame)


def fitted_again(estimator: Any, cells: Any, truth: Array) -> Any:
    """A copy of the estimator fitted on cells, with class positions or numbers as truth; None where that fails."""
    from sklearn.base import clone

    classes = getattr(estimator, "classes_", None)
    if classes is not None:
        if len(np.unique(truth)) < len(classes):
            return None
        truth = np.asarray(classes)[truth]
    try:
        again = clone(estimator)
        # Chance without a seed would give another answer to the same question.
        unseeded = [
            name for name, value in again.get_params().items() if name.endswith("random_state") and value is None
        ]
        return again.set_params(**dict.fromkeys(unseeded, 0)).fit(cells, truth)
    except Exception:  # someone else's estimator may refuse for any reason; then there is no refit
        return None


def predicting(estimator: Any) -> Callable[[Any], Any]:
    """What an estimator is asked for: probabilities, else numbers."""
    function: Callable[[Any], Any] = getattr(estimator, "predict_proba", None) or estimator.predict
    return function


def trained(subject: Subject) -> Trained | None:
    """The estimator behind a subject with its training rows; None for anything that cannot be fitted again."""
    from sklearn.base import BaseEstimator

    function = getattr(subject.predictor.call, "function", subject.predictor.call)
    owner = getattr(function, "__self__", None)
    if not isinstance(owner, BaseEstimator) or not hasattr(owner, "fit") or subject.target is None:
        return None
    if subject.predictor.hard:
        return None
    actual = actual_values(subject.schema, subject.target)
    known = np.isfinite(actual) if subject.regression else actual >= 0
    positions = np.flatnonzero(training(subject) & known)
    return Trained(owner, subject, subject.data.iloc[positions], actual[positions], positions)
