"""Training rows that a prediction rests on, against models fitted again without them."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import of_rule, run, values

from askwhy.tools.engines.pull import pull
from askwhy.tools.engines.refit import trained
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.tools.view import make_view


def flat(estimator: Any, seed: int = 0, rows: int = 150, regression: bool = False) -> Subject:
    """A model of three numbers, fitted on all rows but every fifth."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(rows, 3)), columns=["a", "b", "c"])
    score = frame["a"] - frame["b"] + rng.normal(0, 0.5, rows)
    target: Any = score if regression else np.where(score > 0, "y", "n")
    held_out = np.arange(rows) % 5 == 0
    model = estimator.fit(frame[~held_out], np.asarray(target)[~held_out])
    return Subject.of(model, frame, pd.Series(target, name="t"), test=held_out)


def scores_of(subject: Subject, row: str) -> tuple[Any, np.ndarray[Any, Any]]:
    """The trained model, and the scores of its rows for the last output at a row."""
    model = trained(subject)
    assert model is not None
    view = make_view(subject, Scope(row=row), Evaluator(subject.predictor), 0)
    outputs = subject.predictor(model.rows)[:, -1]
    truth = model.actual.astype(float)
    return model, pull(model, view.rows, float(view.outputs[0, -1]), outputs, truth).scores


def left_out(model: Any, subject: Subject, row: str) -> np.ndarray[Any, Any]:
    """How much the output at a row falls when each training row is left out, by fitting again."""
    whole = model.outputs_without(np.array([], dtype=int), subject.row(row))[0, -1]
    return np.array(
        [whole - model.outputs_without(np.array([i]), subject.row(row))[0, -1] for i in range(len(model.rows))]
    )


def test_fitting_again_on_all_rows_gives_the_model_back() -> None:
    for make in (toy_subjects.binary, toy_subjects.multiclass, toy_subjects.regression):
        subject = make()
        model = trained(subject)
        assert model is not None and len(model.rows) == 90
        again = model.outputs_without(np.array([], dtype=int), subject.data)
        assert again == pytest.approx(subject.predictor(subject.data), abs=1e-6)


@pytest.mark.parametrize("regression", [False, True])
def test_for_linear_models_the_scores_are_nearly_what_leaving_rows_out_does(regression: bool) -> None:
    from sklearn.linear_model import LogisticRegression, Ridge

    subject = flat(Ridge() if regression else LogisticRegression(tol=1e-10), regression=regression)
    model, scores = scores_of(subject, "5")
    assert np.corrcoef(scores, left_out(model, subject, "5"))[0, 1] > 0.98


def test_for_one_tree_the_scores_are_the_rows_of_the_leaf() -> None:
    from sklearn.tree import DecisionTreeClassifier

    subject = flat(DecisionTreeClassifier(max_depth=2, random_state=0))
    model, scores = scores_of(subject, "5")
    leaves = model.estimator.apply(model.rows)
    here = leaves == model.estimator.apply(subject.row("5"))[0]
    output = model.actual[here].mean()
    assert scores[here] == pytest.approx((model.actual[here] - output) / here.sum())
    assert not scores[~here].any()


def test_boosted_trees_and_other_models_have_scores_too() -> None:
    from lightgbm import LGBMClassifier
    from sklearn.neighbors import KNeighborsClassifier

    boosted, other = flat(LGBMClassifier(n_estimators=10, verbose=-1, n_jobs=1)), flat(KNeighborsClassifier(15))
    for subject, word in ((boosted, "leaf"), (other, "similarity")):
        found = run(subject, "influence", Scope(row="5"))
        assert word in found.one("how").value
        assert found.quality[0].passed, found.quality[0].note


@pytest.mark.parametrize("kind", ["binary", "regression"])
def test_the_named_rows_are_ranked_and_checked_by_fitting_again(kind: str) -> None:
    subject = toy_subjects.SUBJECTS[kind]()
    found = run(subject, "influence", Scope(row="5"), k=4)
    up, down = values(found, "pull_up"), values(found, "pull_down")
    assert up == sorted(up, reverse=True) and down == sorted(down, reverse=True) and len(up) == 4
    held = set(subject.data.index[subject.held_out])
    assert not {fact.row for fact in found.facts if fact.relation.startswith("pull_")} & held
    check = found.quality[0]
    assert check.value == pytest.approx(found.one("refitted").number() - found.one("without").number())
    assert found.one("removed").value == round(0.05 * 90)
    assert ("not_responsible" in {caveat.flag for caveat in found.caveats}) == (not check.passed)


def test_leaving_out_what_pulls_up_lowers_the_output_as_computed_by_hand() -> None:
    subject = toy_subjects.binary()
    found = run(subject, "influence", Scope(row="5"), k=4)
    cls = found.one("explained").cls
    model = trained(subject)
    assert model is not None
    places = [list(model.positions).index(subject.position(fact.row)) for fact in found.all("pull_up")]
    again = model.outputs_without(np.array(places), subject.row("5"))
    assert found.one("without").number() == pytest.approx(again[0, subject.schema.class_index(cls)])


def test_a_model_that_ignores_its_training_rows_is_not_explained_by_them() -> None:
    from sklearn.dummy import DummyRegressor

    subject = flat(DummyRegressor(strategy="constant", constant=3.0), regression=True)
    found = run(subject, "influence", Scope(row="5"))
    assert not found.quality[0].passed and "not_responsible" in {caveat.flag for caveat in found.caveats}


def test_a_model_that_cannot_be_fitted_again_is_refused_or_marked() -> None:
    frame = pd.DataFrame({"x": np.arange(60.0)})
    rule = of_rule(frame, lambda rows: rows["x"], np.arange(60.0))
    with pytest.raises(ToolError, match="scikit-learn"):
        run(rule, "influence", Scope(row="5"))
    subject = toy_subjects.binary()
    other = pd.Series(np.random.default_rng(0).permutation(subject.target), index=subject.target.index, name="approved")
    wrong = dataclasses.replace(subject, target=other, id="other truth")
    found = run(wrong, "influence", Scope(row="5"))
    assert "unchecked" in {caveat.flag for caveat in found.caveats} and not found.quality
