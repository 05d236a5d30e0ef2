"""Twins: the same kind of model trained again on shuffled outcomes, and how an explanation of it would look.

A twin has learnt nothing real, so an explanation that looks alike for twins tells of the method and the data, not of
what the model learnt (Adebayo et al. 2018; Méloux et al. 2025, "The Dead Salmons of AI Interpretability").
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.conditional import Array, Lenders, positions_of
from askwhy.tools.engines.refit import Trained, fitted_again, predicting
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import compose
from askwhy.tools.evidence import Fact, Quality
from askwhy.tools.predictor import Outputs
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

SECONDS = 40.0
"""Where training takes longer than this, the question is refused."""

TRAINING_ROWS = 2000
"""More training rows than this are thinned for the twins."""

ALIKE = 0.3
"""C9: from this mean rank correlation on, an explanation looks much the same for a model that learnt nothing."""

_BLIND = ("sklearn.preprocessing.", "sklearn.impute.", "sklearn.feature_extraction.")
_Z = 1.96
_EVALUATIONS = 3000
_DRAWS = 1
_OWN_DRAWS = 40


@dataclass(frozen=True, eq=False)
class Questions:
    """Rows that show what each feature does: `frame` holds n rows as they are, then each with one feature from another.

    shape: (n, features, draws) of the latter. positions: of the n rows in the data, -1 for the user's own case;
    chosen: among the view's rows.
    """

    frame: pd.DataFrame
    shape: tuple[int, int, int]
    positions: Array
    chosen: Array

    @classmethod
    def of(cls, view: View, among: Mask) -> Questions:
        """For the instance, or a seeded sample of the view's marked rows; donors are the same for all features."""
        width, chosen = len(view.schema.features), np.flatnonzero(among)
        most = max(10, _EVALUATIONS // (_DRAWS * width))
        if len(chosen) > most:
            chosen = np.sort(view.rng.choice(chosen, most, replace=False))
        rows = view.rows.iloc[chosen]
        lenders, positions = Lenders.of(view), positions_of(view, rows)
        places = lenders.donors.anyone(positions, _OWN_DRAWS if view.scope.has_instance else _DRAWS, view.rng)
        count, draws = places.shape
        own = np.arange(count, dtype=np.int64)
        source = np.tile(own[:, None, None, None], (1, width, draws, width))
        for feature in range(width):
            source[:, feature, :, feature] = count + places
        composite = np.concatenate([np.repeat(own[:, None], width, axis=1), source.reshape(-1, width)])
        pool = pd.concat([rows, lenders.frame], ignore_index=True)
        return cls(compose(pool, composite), (count, width, draws), positions, chosen)

    def replies(self, outputs: Outputs) -> Replies:
        """One model's outputs for the frame, sorted by what they answer."""
        count = self.shape[0]
        return Replies(outputs[:count], outputs[count:].reshape(*self.shape, -1))


@dataclass(frozen=True, eq=False)
class Replies:
    """One model's outputs: `own` (n, width) of the rows, `changed` (n, features, draws, width) with one replaced."""

    own: Outputs
    changed: Outputs

    def attributions(self, column: int) -> Array:
        """Output less its mean with the feature replaced, (n, features)."""
        return np.asarray((self.own[:, None, None, column] - self.changed[..., column]).mean(axis=2))

    def sizes(self, column: int) -> Array:
        """Mean absolute change of the output, (features,)."""
        return np.asarray(np.abs(self.own[:, None, None, column] - self.changed[..., column]).mean(axis=(0, 2)))

    def losses(self, truth: Array) -> Array:
        """Mean increase of the loss against class positions or numbers (n,), (features,)."""
        increase = loss(self.changed, truth[:, None, None]) - loss(self.own, truth)[:, None, None]
        return np.asarray(increase.mean(axis=(0, 2)))


def loss(outputs: Outputs, truth: Array) -> Array:
    """Squared error of numbers, log loss of the true class for probabilities (..., width)."""
    if outputs.shape[-1] == 1:
        return np.asarray((outputs[..., 0] - truth) ** 2)
    chance = np.take_along_axis(outputs, np.broadcast_to(truth, outputs.shape[:-1])[..., None], axis=-1)[..., 0]
    return np.asarray(-np.log(np.clip(chance, np.finfo(float).eps, 1.0)))


@dataclass(frozen=True, eq=False)
class Twins:
    """What each twin replied, with the truth (n,) it is held to.

    A twin lives in a world where outcomes have nothing to do with features: rows it was trained on are held to what it
    was told of them, others to shuffled outcomes.
    """

    replies: tuple[Replies, ...]
    truths: tuple[Array, ...]
    thinned: bool


def raise_twins(view: View, model: Trained, questions: Questions, truth: Array, count: int) -> Twins | None:
    """Train `count` twins and ask them all the questions; None where the model refuses to be trained again.

    A twin's outcomes are those of the training rows in a random order. truth: that of the questions' rows (n,).
    Raises ToolError where the time is up: a result must not depend on how busy the machine is.
    """
    rows, actual, positions = thinned(view, model)
    rng, started = view.rng, time.monotonic()
    outputs_of = outputs_of_twins(model.estimator, model.native(rows), model.native(questions.frame))
    replies: list[Replies] = []
    truths: list[Array] = []
    while len(replies) < count:
        in_time(started, f"Training {count} models on shuffled outcomes")
        told = rng.permutation(actual)
        outputs = outputs_of(told)
        if outputs is None:
            return None
        replies.append(questions.replies(outputs))
        seen = dict(zip(positions.tolist(), told.tolist(), strict=True))
        others = zip(questions.positions.tolist(), rng.permutation(truth), strict=True)
        truths.append(np.array([seen.get(at, shuffled) for at, shuffled in others]))
    return Twins(tuple(replies), tuple(truths), len(rows) < len(model.rows))


def in_time(started: float, what: str) -> None:
    """Raise ToolError where `what` has taken too long since `started` on the monotonic clock."""
    if time.monotonic() - started > SECONDS:
        raise ToolError(
            f"{what} takes longer than {SECONDS:g} seconds for this model. "
            "Ask how sure the explanation is instead: that needs no training."
        )


def thinned(view: View, model: Trained) -> tuple[pd.DataFrame, Array, Array]:
    """The training rows, their outcomes and positions, or a seeded sample of them where they are many."""
    rows, actual, positions = model.rows, model.actual, model.positions
    if len(rows) <= TRAINING_ROWS:
        return rows, actual, positions
    keep = np.sort(view.rng.choice(len(rows), TRAINING_ROWS, replace=False))
    return rows.iloc[keep], actual[keep], positions[keep]


def outputs_of_twins(estimator: Any, known: Any, asked: Any) -> Callable[[Array], Outputs | None]:
    """Trains a copy of the estimator on `known` with the outcomes it is told, and gives its outputs for `asked`.

    Both are as the estimator reads them. What prepares them without looking at outcomes comes out alike for all twins,
    so it is done once. The outputs are None where the estimator cannot be trained so.
    """
    steps = getattr(estimator, "steps", None)
    if steps and len(steps) > 1 and all(_blind(step) for _, step in steps[:-1]):
        known, asked = (estimator[:-1].transform(cells) for cells in (known, asked))
        estimator = steps[-1][1]
    rows = len(asked) if not hasattr(asked, "shape") else asked.shape[0]

    def outputs(told: Array) -> Outputs | None:
        twin = fitted_again(estimator, known, told)
        return None if twin is None else np.asarray(predicting(twin)(asked), dtype=float).reshape(rows, -1)

    return outputs


def _blind(step: Any) -> bool:
    """Whether a fitted transformer surely did not look at outcomes: scikit-learn's scalers, encoders and imputers."""
    if step is None or isinstance(step, str):  # passed through or dropped
        return True
    kind = type(step)
    if kind.__name__ == "Pipeline":
        return all(_blind(one) for _, one in step.steps)
    if kind.__name__ == "ColumnTransformer":
        return all(_blind(one) for _, one, _ in step.transformers_)
    return kind.__module__.startswith(_BLIND) and kind.__name__ != "TargetEncoder"


def twin_p_values(own: Array, twins: Array) -> Array:
    """p-values (features,) that twins (twins, features) reach the model's own importances (features,)."""
    tiny = 1e-12 * max(1.0, float(np.abs(own).max(initial=0.0)))
    return np.asarray((1 + (twins >= own - tiny).sum(axis=0)) / (len(twins) + 1))


@dataclass(frozen=True, eq=False)
class Alike:
    """How alike a model's explanation and those of its twins rank: `values` (twins,) are Spearman's correlations."""

    values: Array

    @classmethod
    def of(cls, own: Array, twins: Array) -> Alike:
        """Of attributions or importances: `own` (features,), those of the twins (twins, features)."""
        return cls(rank_correlations(own, twins))

    @property
    def mean(self) -> float:
        """The mean over twins."""
        return float(self.values.mean())

    @property
    def error(self) -> float:
        """Its standard error."""
        return float(self.values.std(ddof=1) / math.sqrt(len(self.values)))

    @property
    def high(self) -> float:
        """Upper bound of its 95 % interval."""
        return min(1.0, self.mean + _Z * self.error)

    def facts(self, suffix: str = "") -> Iterator[Fact]:
        """The mean and its bound, in the role `alike` or `unlike`."""
        kind = ("unlike" if self.high < ALIKE else "alike") + suffix
        yield Fact(relation=kind, value=self.mean, unit="score", error=self.error)
        yield Fact(relation=f"{kind}_high", value=self.high, unit="score")
        yield Fact(relation="level", value=0.95, unit="share")

    def quality(self) -> Quality:
        """C9: whether the bound is low enough."""
        note = f"upper bound of the mean rank correlation with twins; below {ALIKE} passes"
        return Quality(check="C9", value=self.high, passed=self.high < ALIKE, note=note)


def rank_correlations(own: Array, others: Array) -> Array:
    """Spearman's correlations of own (features,) with each of others (n, features); 0 where all values are equal."""
    from scipy.stats import rankdata

    ranks = rankdata(np.vstack([own, others]).round(12), axis=1)
    centred = ranks - ranks.mean(axis=1, keepdims=True)
    sizes = np.sqrt((centred**2).sum(axis=1))
    products = sizes[0] * sizes[1:]
    return np.asarray(np.divide(centred[1:] @ centred[0], products, out=np.zeros(len(products)), where=products > 0))
