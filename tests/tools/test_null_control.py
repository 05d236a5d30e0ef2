"""Explanations beside those of twins that were trained on shuffled outcomes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hand_subjects import hand_subject, numbers, view_of
from scipy.stats import spearmanr

from askwhy.tools.engines.noise import replies_with_noise
from askwhy.tools.engines.refit import trained
from askwhy.tools.engines.twins import Questions, _blind, loss, rank_correlations, twin_p_values
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.subject import Subject


def fitted(estimator: Any, *, learnt: bool = True, classes: int = 0, rows: int = 200) -> Subject:
    """A model of five features; the outcome depends on x0 and x1, or (not learnt) on nothing."""
    frame = numbers(rows, 5)
    noise = np.random.default_rng(5).normal(size=rows)
    score = (2 * frame["x0"] - 2 * frame["x1"] + noise) if learnt else noise
    target = np.digitize(score, np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1])) if classes else score
    held_out = np.arange(rows) % 2 == 0
    model = estimator.fit(frame[~held_out], np.asarray(target)[~held_out])
    return Subject.of(model, frame, np.asarray(target), test=held_out)


def control(subject: Subject, row: int | None = None, **arguments: Any) -> Evidence:
    return find_tool("null_control")(view_of(subject, row), **arguments)


def named(evidence: Evidence, relation: str) -> set[str]:
    return {str(fact.feature) for fact in evidence.all(relation)}


def linear() -> Any:
    from sklearn.linear_model import LinearRegression

    return LinearRegression()


def logistic() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression()


def test_what_was_learnt_stands_out_from_twins() -> None:
    found = control(fitted(linear()))
    assert named(found, "beyond") == {"x0", "x1"} and named(found, "within") == {"x2", "x3", "x4"}
    assert found.one("twins").number() == 49
    assert all(one.check == "C9" for one in found.quality)


def test_a_model_that_learnt_nothing_does_not_stand_out() -> None:
    found = control(fitted(linear(), learnt=False))
    assert found.one("none_beyond").number() == 5 and not found.all("beyond")


@pytest.mark.parametrize("classes", [2, 3])
def test_classifiers_have_twins_too(classes: int) -> None:
    found = control(fitted(logistic(), classes=classes))
    assert named(found, "beyond") == {"x0", "x1"}


def test_an_attribution_unlike_those_of_twins_passes() -> None:
    found = control(fitted(linear()), 3, twins=199)
    assert found.one("unlike_here_high").number() < 0.3 and found.quality[0].passed
    gap = found.one("unlike_here_high").number() - found.one("unlike_here").number()
    assert found.one("unlike_here").error == pytest.approx(gap / 1.96)


def test_an_explanation_that_the_scales_dictate_is_called_alike() -> None:
    from sklearn.ensemble import RandomForestRegressor

    rng = np.random.default_rng(0)
    # Only the first three can be split on at will; a forest uses them, whatever the outcome is.
    frame = numbers(150, 6)
    frame[["x3", "x4", "x5"]] = (rng.random((150, 3)) < 0.02).astype(float)
    target = frame[["x0", "x1", "x2"]].sum(axis=1) + rng.normal(size=150)
    model = RandomForestRegressor(5, random_state=0).fit(frame, target)
    found = control(Subject.of(model, frame, target), twins=30)
    assert found.one("alike").number() > 0.3 and not found.quality[0].passed


@pytest.mark.parametrize("piped", [False, True])
def test_noise_is_never_among_the_features_that_pass(piped: bool) -> None:
    estimator = _pipeline(linear()) if piped else linear()
    found = control(fitted(estimator), twins=20)
    assert found.one("noise_columns").value == 2 and not found.all("noise_among")
    place, width = found.one("noise_behind").number(), found.one("columns").number() - 2
    assert found.one("first").number() < place <= width + 1
    assert [one.value for one in found.quality if "columns of noise" in one.note] == [place]


def test_noise_gets_ahead_where_nothing_was_learnt() -> None:
    places = []
    for seed in range(3):
        found = control(fitted(linear(), learnt=False, rows=60 + seed), twins=20)
        places.append(
            found.one("first").number() >= (*found.all("noise_among"), *found.all("noise_behind"))[0].number()
        )
        assert places[-1] == ("noise_named" in {caveat.flag for caveat in found.caveats})
    assert any(places)


def test_importances_with_noise_are_those_of_the_model_trained_with_it() -> None:
    subject = fitted(linear())
    view, model = view_of(subject), trained(subject)
    assert model is not None
    questions = Questions.of(view, np.ones(len(view.rows), dtype=bool))
    state = view.rng.bit_generator.state
    replies = replies_with_noise(view, model, questions)
    assert replies is not None
    view.rng.bit_generator.state = state
    cells = np.asarray(model.native(model.rows), dtype=float)
    noise = np.median(cells.std(axis=0)) * view.rng.normal(size=(len(cells), 2))
    design = np.column_stack([cells, noise, np.ones(len(cells))])
    weights = np.linalg.lstsq(design, model.actual, rcond=None)[0]
    own = noise[view.rng.integers(0, len(noise), questions.shape[0])]
    start = np.asarray(questions.frame.iloc[: questions.shape[0]], dtype=float)
    expected = start @ weights[: cells.shape[1]] + own @ weights[cells.shape[1] : -1] + weights[-1]
    assert replies.own[:, 0] == pytest.approx(expected)
    moved = view.rng.permutation(own[:, 0])
    change = np.abs(weights[cells.shape[1]] * (moved - own[:, 0])).mean()
    assert replies.sizes(0)[cells.shape[1]] == pytest.approx(change)


def test_too_few_twins_are_said() -> None:
    found = control(fitted(linear()), twins=20)
    assert "coarse" in {caveat.flag for caveat in found.caveats} and not found.quality[1].passed


def test_a_model_without_a_random_state_gives_the_same_answer_twice() -> None:
    from sklearn.ensemble import ExtraTreesRegressor

    subject = fitted(ExtraTreesRegressor(3))
    assert control(subject, twins=20).canonical() == control(subject, twins=20).canonical()


@pytest.mark.parametrize(
    "subject",
    [
        hand_subject(lambda data: data["x0"], numbers(50, 3), target=np.arange(50.0)),
        Subject.of(linear().fit(numbers(50, 3), np.arange(50.0)), numbers(50, 3)),
    ],
)
def test_what_cannot_be_trained_again_says_so_and_points_on(subject: Subject) -> None:
    found = control(subject)
    assert found.one("no_twins").number() == 0
    assert "significantly" in found.caveats[0].text and found.caveats[0].flag == "not_refittable"


def test_a_refit_on_a_single_class_is_no_error_and_an_unknown_class_is() -> None:
    subject = fitted(logistic(), classes=2)
    model = trained(subject)
    assert model is not None
    assert model.fitted(model.rows, np.zeros(len(model.rows), dtype=int)) is None  # a single class cannot be learnt
    with pytest.raises(ToolError):
        control(subject, cls="no such class")


def _pipeline(*steps: Any) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    columns = ColumnTransformer([("some", StandardScaler(), ["x0", "x1"])], remainder="passthrough")
    return make_pipeline(columns, *steps)


def test_preparing_cells_once_gives_the_same_twins(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = fitted(_pipeline(linear()))
    once = control(subject, twins=20)
    monkeypatch.setattr("askwhy.tools.engines.twins._blind", lambda step: False)
    each = control(subject, twins=20)
    assert [fact.number() for fact in once.facts] == pytest.approx([fact.number() for fact in each.facts])


def test_steps_that_look_at_outcomes_are_trained_again_for_every_twin() -> None:
    from sklearn.feature_selection import SelectKBest
    from sklearn.preprocessing import TargetEncoder

    front = fitted(_pipeline(linear())).predictor.call.function.__self__[0]  # type: ignore[attr-defined]
    assert _blind(front)
    assert not _blind(SelectKBest()) and not _blind(TargetEncoder()) and not _blind(object())


def test_questions_replace_one_feature_at_a_time() -> None:
    subject = hand_subject(lambda data: data.to_numpy() @ [1.0, 10.0, 100.0], numbers(30, 3))
    view = view_of(subject, 4)
    asked = Questions.of(view, np.ones(1, dtype=bool))
    count, width, draws = asked.shape
    assert (count, width, draws) == (1, 3, 29)
    own = asked.frame.iloc[0]
    np.testing.assert_array_equal(own, subject.data.iloc[4])
    for feature in range(3):
        part = asked.frame.iloc[1 + feature * draws : 1 + (feature + 1) * draws]
        others = [name for i, name in enumerate(part) if i != feature]
        assert (part[others] == own[others]).all(axis=None)
        assert set(part.iloc[:, feature]) == set(subject.data.iloc[:, feature]) - {own.iloc[feature]}
    replies = asked.replies(view.evaluate.outputs(asked.frame))
    gaps = own.iloc[1] - np.delete(subject.data["x1"].to_numpy(), 4)
    np.testing.assert_allclose(replies.attributions(0)[0, 1], 10 * gaps.mean())
    np.testing.assert_allclose(replies.sizes(0)[1], 10 * np.abs(gaps).mean())
    truth = replies.own[:, 0] - 1
    np.testing.assert_allclose(replies.losses(truth)[1], ((1 - 10 * gaps) ** 2).mean() - 1)


def test_the_loss_is_squared_error_or_log_loss() -> None:
    np.testing.assert_allclose(loss(np.array([[3.0], [1.0]]), np.array([1.0, 1.0])), [4, 0])
    chances = np.array([[0.2, 0.8], [0.5, 0.5]])
    np.testing.assert_allclose(loss(chances, np.array([1, 0])), -np.log([0.8, 0.5]))


def test_p_values_and_correlations_are_those_worked_by_hand() -> None:
    twins = np.array([[1.0, 5.0], [2.0, 0.0], [3.0, 1.0]])
    assert twin_p_values(np.array([2.5, 6.0]), twins).tolist() == [2 / 4, 1 / 4]
    own, others = np.array([3.0, 1.0, 2.0, 2.0]), np.array([[1.0, 2.0, 3.0, 4.0], [5.0, 5.0, 5.0, 5.0]])
    np.testing.assert_allclose(rank_correlations(own, others), [spearmanr(own, others[0]).statistic, 0])
