"""Scores against scikit-learn, on held-out rows."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from sklearn import metrics as reference
from table_subjects import of_rule, run, values, where

from askwhy.tools.engines import metrics
from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject


def held_out(subject: Subject) -> tuple[Any, Any, Any]:
    """True classes, predicted classes and probabilities of the held-out rows, straight from the model."""
    outputs = subject.predictor(subject.data)[subject.held_out]
    names = np.array([str(label.value) for label in subject.schema.classes])
    return subject.target[subject.held_out].to_numpy(dtype=object), names[outputs.argmax(axis=1)], outputs


@pytest.mark.parametrize("kind", ["binary", "multiclass", "text"])
def test_class_scores_equal_scikit_learn(kind: str) -> None:
    subject = toy_subjects.SUBJECTS[kind]()
    truth, predicted, outputs = held_out(subject)
    names = [str(label.value) for label in subject.schema.classes]
    binary = len(names) == 2
    positive = subject.schema.explained.name if binary else None
    average: dict[str, Any] = {"pos_label": positive} if binary else {"average": "macro"}
    options: dict[str, Any] = {"labels": names, "zero_division": 0, **average}
    expected = {
        "accuracy": reference.accuracy_score(truth, predicted),
        "balanced_accuracy": reference.balanced_accuracy_score(truth, predicted),
        "precision": reference.precision_score(truth, predicted, **options),
        "ppv": reference.precision_score(truth, predicted, **options),
        "recall": reference.recall_score(truth, predicted, **options),
        "sensitivity": reference.recall_score(truth, predicted, **options),
        "f1": reference.f1_score(truth, predicted, **options),
        "roc_auc": reference.roc_auc_score(truth, outputs[:, 1])
        if binary
        else reference.roc_auc_score(truth, outputs, multi_class="ovr", labels=names),
        "log_loss": reference.log_loss(truth, outputs, labels=names),
        "brier": reference.brier_score_loss(
            truth, outputs[:, 1] if binary else outputs, **({"pos_label": names[1]} if binary else {"labels": names})
        ),
    }
    for metric, value in expected.items():
        found = run(subject, "score", metric=metric)
        fact = next(one for one in found.facts if one.relation in ("score", "bare_score"))
        assert fact.number() == pytest.approx(value, abs=1e-12), metric
        assert found.one("held_out").value == len(truth)
        if fact.relation == "score":
            assert found.one("score_low").number() <= fact.number() <= found.one("score_high").number()


def test_specificity_and_predictive_value_by_hand() -> None:
    """3 true negatives of 4 negatives; 3 true among 5 called negative."""
    x = np.array([0, 0, 0, 1, 1, 1, 0, 0])
    truth = np.array(["no", "no", "no", "no", "yes", "yes", "yes", "yes"])
    subject = of_rule(pd.DataFrame({"x": x}), lambda frame: np.where(frame["x"] == 1, "yes", "no"), truth)
    for metric, value in {"specificity": 3 / 4, "npv": 3 / 5, "precision": 2 / 3, "recall": 2 / 4}.items():
        assert run(subject, "score", metric=metric, cls="yes").one("score").number() == pytest.approx(value)
    assert run(subject, "score", metric="recall", cls="no").one("score").number() == pytest.approx(3 / 4)


@pytest.mark.parametrize(("right", "total"), [(7, 10), (0, 5), (5, 5), (450, 900)])
def test_wilson_equals_scipy(right: int, total: int) -> None:
    from scipy.stats import binomtest

    expected = binomtest(right, total).proportion_ci(0.95, method="wilson")
    assert metrics.wilson(right, total) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_bootstrap_covers_the_standard_error() -> None:
    """The interval of a mean absolute error is about two standard errors either way."""
    rng = np.random.default_rng(0)
    actual, outputs = np.zeros(400), rng.normal(size=(400, 1))
    low, high = metrics.bootstrap(metrics.mae, actual, outputs, rng)
    error = np.abs(outputs).std() / np.sqrt(400)
    assert (high - low) == pytest.approx(2 * 1.96 * error, rel=0.2)


def test_regression_scores_equal_scikit_learn() -> None:
    subject = toy_subjects.regression()
    truth, predicted = subject.target[subject.held_out], subject.predictor(subject.data)[subject.held_out, 0]
    expected = {
        "rmse": reference.root_mean_squared_error(truth, predicted),
        "mae": reference.mean_absolute_error(truth, predicted),
        "r2": reference.r2_score(truth, predicted),
    }
    for metric, value in expected.items():
        assert run(subject, "score", metric=metric).one("score").number() == pytest.approx(value)
    default = run(subject, "score")
    assert default.one("score").number() == pytest.approx(expected["mae"])
    assert {one.group: one.value for one in default.all("also")}["R²"] == pytest.approx(expected["r2"])


def test_the_scope_is_scored_and_a_small_one_is_warned_about() -> None:
    subject = toy_subjects.binary()
    rows = subject.held_out & (subject.data["age"] > 50).to_numpy()
    truth, predicted, _ = held_out(subject)
    part = rows[subject.held_out]
    found = run(subject, "score", where("age", "gt", 50), metric="accuracy")
    assert found.one("score").number() == pytest.approx((truth == predicted)[part].mean())
    assert found.one("held_out").value == rows.sum() < 30
    assert [caveat.flag for caveat in found.caveats] == ["small_n"]


def test_confusion_counts_equal_a_crosstab() -> None:
    subject = toy_subjects.multiclass()
    truth, predicted, _ = held_out(subject)
    expected = pd.crosstab(truth, predicted)
    found = run(subject, "score", metric="confusion")
    for fact in found.all("confusion"):
        actual = str(fact.group).removeprefix("truly ")
        counted = expected.loc[actual, fact.cls] if fact.cls in expected.columns else 0
        assert fact.value == counted
    assert found.figure is not None and found.figure.kind == "matrix"
    assert sum(values(found, "confusion")) == subject.held_out.sum()


def test_without_held_out_rows_all_are_used_and_it_says_so() -> None:
    subject = toy_subjects.binary()
    unmarked = dataclasses.replace(subject, held_out=np.zeros(len(subject.data), dtype=bool))
    found = run(unmarked, "score", metric="accuracy")
    assert found.one("scored").value == len(subject.data)
    assert "no_held_out" in [caveat.flag for caveat in found.caveats]
    trained = run(subject, "score", Scope(row="1"), metric="accuracy")
    assert {caveat.flag for caveat in trained.caveats} == {"training_rows", "small_n"}


def test_what_cannot_be_scored_is_said() -> None:
    subject = toy_subjects.binary()
    yes = subject.data.index[subject.held_out & (subject.target == "yes").to_numpy()][0]
    with pytest.raises(ToolError, match="only one class occurs"):
        run(subject, "score", Scope(row=str(yes)), metric="roc_auc")
    with pytest.raises(ToolError, match="predicts classes"):
        run(subject, "score", metric="rmse")
    with pytest.raises(ToolError, match="predicts a number"):
        run(toy_subjects.regression(), "score", metric="accuracy")
    with pytest.raises(ToolError, match="not known"):
        run(dataclasses.replace(subject, target=None), "score")
    with pytest.raises(ToolError, match="No rows match"):
        run(subject, "score", where("age", "gt", 1000))
    hard = dataclasses.replace(subject, predictor=dataclasses.replace(subject.predictor, hard=True))
    with pytest.raises(ToolError, match="no probabilities"):
        run(dataclasses.replace(hard, known=subject.predictor(subject.data)), "score", metric="log_loss")
