"""Importance against planted reliance: it must rise when the model is made to rely on a feature more (BAM pairs).

Yang & Kim 2019, "Benchmarking Attribution Methods with Relative Feature Importance".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from askwhy.evals.planted_models import Model, Term, planted_models
from askwhy.evals.truth_line import Line
from askwhy.tools.engines.noise import COLUMNS, replies_with_noise
from askwhy.tools.engines.planted import correlated
from askwhy.tools.engines.refit import trained
from askwhy.tools.engines.truth import known_truth
from askwhy.tools.engines.twins import Questions
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.permutation import permutation_importance, shap_importance
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.tools.table.null_control import NAMED
from askwhy.tools.view import View, make_view

Array = np.ndarray[Any, Any]
Pair = tuple[Subject, Subject, int]
"""The same task with little and with more reliance on the feature at a position."""

_ROWS, _WIDTH = 300, 6


def importance_lines(models: int | None, rules: int, fitted: int) -> list[Line]:
    """Share of planted pairs whose importance rises, for rules with a weight and for models fitted to planted data."""
    lines = []
    kinds = {"rules": _rule_pairs(rules), "fitted": _fitted_pairs(fitted)}
    for kind, pairs in kinds.items():
        risen = [_risen(*pair) for pair in pairs]
        for method, place in (("permutation", 0), ("mean |SHAP|", 1)):
            share = float(np.mean([one[place] for one in risen]))
            words, key = f"{method} rises with reliance", f"pairs_{kind}_{'shap' if place else 'permutation'}"
            lines.append(Line(f"importance pairs: {kind}", words, share, key, f"{len(risen)} pairs", least=0.95))
    return [*lines, _order_of_weights(models)]


def noise_lines(count: int) -> list[Line]:
    """C9: share of fitted models of which a column of noise is among the three most important; and where it comes."""
    ranks = [_noise_rank(subject) for pair in _fitted_pairs(count) for subject in pair[:1]]
    part, on = "importance: noise", f"{len(ranks)} models, {COLUMNS} columns of noise each"
    share = float(np.mean([rank <= NAMED for rank in ranks]))
    told = f"lowest rank {min(ranks)} of {_WIDTH + COLUMNS}"
    return [Line(part, f"noise is among the first {NAMED}", share, "noise_named", on, baseline=told, most=0.0)]


def _noise_rank(subject: Subject) -> int:
    """The rank of the more important column of noise, as null control has it: by the loss on rows held out."""
    view, model = _view(subject), trained(subject)
    assert model is not None
    questions = Questions.of(view, view.held_out)
    replies = replies_with_noise(view, model, questions)
    assert replies is not None
    truth = known_truth(view)[0][questions.chosen]
    losses = replies.losses(truth)
    return 1 + int((losses[:-COLUMNS] > losses[-COLUMNS:].max()).sum())


def _risen(weaker: Subject, stronger: Subject, feature: int) -> tuple[bool, bool]:
    """Whether the feature's importance is larger in the stronger of the pair: by permutation, and by mean |SHAP|."""
    one, other = _view(weaker), _view(stronger)
    shuffled = [float(permutation_importance(view, None).values[feature]) for view in (one, other)]
    explained = [float(shap_importance(view, None).values[feature]) for view in (one, other)]
    return shuffled[1] > shuffled[0], explained[1] > explained[0]


def _view(subject: Subject) -> View:
    return make_view(subject, Scope(), Evaluator(subject.predictor), seed=0)


def _rule_pairs(count: int) -> Iterator[Pair]:
    """A planted sum in which one term's weight is 1.5 times as large; the outcome contains the term in full."""
    shapes = (np.asarray, np.tanh, np.square, lambda x: 1.0 * (x > 0))
    for number in range(count):
        rng = np.random.default_rng((1, number))
        cells = correlated(rng, _ROWS, _WIDTH, 0.4 * (number % 2))
        frame = _frame(cells)
        feature = int(rng.integers(_WIDTH))
        others = tuple(Term((j,), np.asarray) for j in range(_WIDTH) if j != feature and rng.random() < 0.6)
        weight = float(rng.uniform(0.1, 0.6))
        target = Model((*others, Term((feature,), shapes[number % 4])))(frame) + 0.5 * rng.normal(size=_ROWS)
        weaker, stronger = (
            Subject.of(
                Model((*others, Term((feature,), _Weighted(shapes[number % 4], one)))),
                frame,
                pd.Series(target, name="outcome"),
                version=f"pair {number} {one}",
            )
            for one in (weight, 1.5 * weight)
        )
        yield weaker, stronger, feature


class _Weighted:
    """A shape times a weight."""

    def __init__(self, shape: Any, weight: float) -> None:
        self.shape, self.weight = shape, weight

    def __call__(self, cells: Array) -> Array:
        return np.asarray(self.weight * self.shape(cells), dtype=float)


def _fitted_pairs(count: int) -> Iterator[Pair]:
    """A model fitted to labels of which a share simply follow one feature; in the other of the pair, a larger share."""
    for number in range(count):
        rng = np.random.default_rng((2, number))
        cells = correlated(rng, 2 * _ROWS, _WIDTH, 0.3 * (number % 2))
        feature = int(rng.integers(_WIDTH))
        others = [j for j in range(_WIDTH) if j != feature]
        score = cells[:, others] @ rng.normal(size=len(others)) + 0.5 * rng.normal(size=len(cells))
        turn = rng.random(len(cells))
        share = float(rng.uniform(0.15, 0.4))
        weaker, stronger = (
            _fitted(cells, np.where(turn < one, cells[:, feature], score) > 0, number) for one in (share, share + 0.3)
        )
        yield weaker, stronger, feature


def _fitted(cells: Array, labels: Array, number: int) -> Subject:
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.linear_model import LogisticRegression

    frame, held_out = _frame(cells), np.arange(len(cells)) >= _ROWS
    model = LogisticRegression() if number % 2 else RandomForestClassifier(20, min_samples_leaf=5, random_state=0)
    model.fit(frame[~held_out], labels[~held_out])
    return Subject.of(model, frame, pd.Series(labels, name="outcome"), test=held_out, version=f"fitted {number}")


def _order_of_weights(models: int | None) -> Line:
    """C20, global: mean |attribution| of linear models against |weight x standard deviation|."""
    from scipy.stats import spearmanr

    found = []
    for planted in planted_models(models):
        if planted.family != "linear":
            continue
        data = np.asarray(planted.subject.data, dtype=float)
        spread = [float(np.std(term.of(data))) for term in planted.terms]
        order = [term.features[0] for term in planted.terms]
        values = shap_importance(_view(planted.subject), None).values[order]
        found.append(float(spearmanr(values, spread).statistic))
    words = "mean |SHAP| ranks linear models' features as |weight x sd|"
    return Line("importance: linear", words, float(np.mean(found)), "global_rank", f"{len(found)} models", least=0.95)


def _frame(cells: Array) -> pd.DataFrame:
    return pd.DataFrame(cells, columns=[f"x{j}" for j in range(cells.shape[1])])
