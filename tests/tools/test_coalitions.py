"""The remembered game, and the engines that compute Shapley values of one row faster than by its definition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_subjects import hand_subject, numbers, view_of
from sklearn.ensemble import GradientBoostingClassifier, HistGradientBoostingRegressor, RandomForestClassifier

from askwhy.tools.attribution import attribute
from askwhy.tools.engines.coalitions import Coalitions, additive, ends, first_and_last, one_by_one, shapley_row
from askwhy.tools.engines.trees import tree_shapley
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.shapley import exact, shapley_rows
from askwhy.tools.subject import Subject

WEIGHTS = np.arange(20.0) - 7


def game_of(subject: Subject, row: int = 50, column: int = 0) -> Coalitions:
    return Coalitions(Evaluator(subject.predictor), subject.data.iloc[[row]], subject.background, column)


def rough(features: int = 6) -> Subject:
    """A regression with interactions of every order."""
    return hand_subject(lambda data: np.tanh(data.sum(axis=1)) + data["x0"] * data["x1"], numbers(80, features))


def forest_subject(model: Any, frame: pd.DataFrame, target: Any) -> Subject:
    model.fit(frame, target)
    held_out = np.arange(len(frame)) >= 60
    return Subject.of(model, frame, pd.Series(target, index=frame.index), test=held_out, name="forest")


def test_nothing_is_asked_twice() -> None:
    game = game_of(rough())
    masks = np.random.default_rng(0).random((20, game.count)) < 0.5
    first = game.worth(masks)
    asked = game.evaluate.rows
    assert game.worth(masks[::-1])[::-1] == pytest.approx(first)
    assert game.evaluate.rows == asked and game.unknown(masks) == 0
    assert game.unknown(ends(game.count)) == 2 and not game.complete


def test_a_coalition_is_worth_the_mean_over_the_background() -> None:
    subject = rough()
    game = game_of(subject)
    mask = np.array([True, False, True, False, False, True])
    mixed = subject.background.copy()
    mixed.loc[:, ["x0", "x2", "x5"]] = subject.data.loc["50", ["x0", "x2", "x5"]].to_numpy()
    outputs = subject.predictor(mixed)[:, 0]
    assert game.outcomes(mask[None])[0] == pytest.approx(outputs)
    assert game(mask[None])[0, 0] == pytest.approx(outputs.mean())


def test_one_row_and_many_rows_have_the_same_values() -> None:
    for features in (6, 12):
        subject = rough(features)
        found, how = shapley_row(game_of(subject), seed=3)
        other = shapley_rows(Evaluator(subject.predictor), subject.data.iloc[[50]], subject.background, seed=3)
        assert found.values == pytest.approx(other.values, abs=1e-12)
        assert how == ("exact" if features == 6 else "sampled")


def test_an_additive_model_of_many_features_is_exact_and_cheap() -> None:
    subject = hand_subject(lambda data: data.to_numpy() @ WEIGHTS + np.sin(3 * data["x0"]), numbers(80, 20))
    game = game_of(subject)
    found, how = shapley_row(game)
    away = WEIGHTS * (subject.data.iloc[50] - subject.background.mean())
    away["x0"] += np.sin(3 * subject.data["x0"].iloc[50]) - np.sin(3 * subject.background["x0"]).mean()
    assert how == "additive" and found.error is None
    assert found.values[0, :, 0] == pytest.approx(away.to_numpy(), abs=1e-9)
    assert game.evaluate.rows <= 21 * len(subject.background) + 4 * 64


def test_what_an_additive_game_sums_up_is_what_the_model_says() -> None:
    subject = hand_subject(lambda data: data.to_numpy() @ WEIGHTS, numbers(80, 20))
    game = game_of(subject)
    shapley_row(game)
    asked = game.evaluate.rows
    masks = np.random.default_rng(1).random((30, game.count)) < 0.5
    summed, steps = game.worth(masks), game.outcomes(masks)
    assert game.evaluate.rows == asked
    fresh = game_of(subject)
    assert summed == pytest.approx(fresh.worth(masks), abs=1e-9) and steps == pytest.approx(fresh.outcomes(masks))


def test_a_rare_interaction_is_not_taken_for_additive() -> None:
    """Two background rows of forty react: random composites may miss it, the check over all of them does not."""
    frame = numbers(80, 12)
    frame.loc[:1, ["x3", "x4"]] = 9.0

    def call(data: pd.DataFrame) -> Any:
        return data.to_numpy().sum(axis=1) + ((data["x3"] > 8) & (data["x4"] > 8)) * 1.0

    subject = hand_subject(call, frame, background=40)
    for seed in range(5):
        assert additive(game_of(subject), np.random.default_rng(seed)) is None
    assert attribute(view_of(subject, 50), None).method.startswith("SHAP:")


def test_occlusion_and_the_mean_of_first_and_last_contributions() -> None:
    subject = hand_subject(lambda data: 2 * data["x0"] + data["x1"] * data["x2"], numbers(60, 4))
    game = game_of(subject)
    truth = exact(game, game.count).values[:, 0]
    assert first_and_last(game) == pytest.approx(truth, abs=1e-9)  # no more than two features act together
    row, refs = subject.data.iloc[50], subject.background
    assert one_by_one(game)[1] == pytest.approx(row["x1"] * row["x2"] - (refs["x1"] * row["x2"]).mean())
    assert first_and_last(game)[1] != pytest.approx(one_by_one(game)[1], abs=1e-3)


def test_few_background_rows_are_chosen_to_play_the_same_game() -> None:
    subject = rough(8)
    game = game_of(subject)
    game.worth(np.concatenate([ends(8), ~np.eye(8, dtype=bool)]))
    masks = np.random.default_rng(2).random((50, 8)) < 0.5
    truth = game_of(subject).worth(masks)
    chosen = np.abs(game.thinned(6).worth(masks) - truth).mean()
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(20):
        some = subject.background.iloc[rng.choice(len(subject.background), 6, replace=False)]
        drawn.append(np.abs(Coalitions(game.evaluate, game.row, some).worth(masks) - truth).mean())
    assert chosen < 0.7 * float(np.mean(drawn))
    assert game.thinned(20) is game


def test_a_forest_is_explained_by_tree_explainer() -> None:
    frame = numbers(90, 12)
    subject = forest_subject(
        RandomForestClassifier(15, max_depth=4, random_state=0), frame, frame["x0"] + frame["x1"] > 0
    )
    view = view_of(subject, 70)
    found = attribute(view, subject.schema.classes[1])
    game = game_of(subject, 70, 1)
    truth = np.zeros(12)
    truth[game.players] = exact(game, game.count).values[:, 1]
    assert "TreeExplainer" in found.method and found.error is None
    assert found.values == pytest.approx(truth, abs=1e-3)


def test_boosted_probabilities_are_left_to_the_kernel() -> None:
    """TreeExplainer's values of the probability add up there, and yet are not Shapley values of the probability."""
    import shap

    frame = numbers(90, 11)
    model = GradientBoostingClassifier(n_estimators=40, max_depth=4, random_state=0)
    subject = forest_subject(model, frame, (frame["x0"] * frame["x1"] + frame["x2"] > 0).astype(int))
    game = game_of(subject, 70, 1)
    truth = np.zeros(11)
    truth[game.players] = exact(game, game.count).values[:, 1]
    explainer = shap.TreeExplainer(
        model, subject.background.to_numpy(), feature_perturbation="interventional", model_output="probability"
    )
    theirs = explainer.shap_values(subject.data.iloc[[70]].to_numpy(), check_additivity=False)[0]
    empty, whole = game.worth(ends(game.count))
    assert empty + theirs.sum() == pytest.approx(whole, abs=1e-6)
    assert np.abs(theirs - truth).max() > 0.005
    assert tree_shapley(subject.predictor, game) is None
    found = attribute(view_of(subject, 70), subject.schema.classes[1])
    assert found.error is not None
    assert np.abs(found.values - truth).max() < 5 * found.error.max() + 1e-9


def test_trees_that_do_not_add_up_are_left_to_the_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    import shap

    frame = numbers(90, 12)
    subject = forest_subject(RandomForestClassifier(5, max_depth=3, random_state=0), frame, frame["x0"] > 0)
    game = game_of(subject, 70, 1)
    assert tree_shapley(subject.predictor, game) is not None
    right = shap.TreeExplainer.shap_values
    monkeypatch.setattr(shap.TreeExplainer, "shap_values", lambda *args, **named: right(*args, **named) * 1.02)
    assert tree_shapley(subject.predictor, game) is None
    assert attribute(view_of(subject, 70), subject.schema.classes[1]).method.endswith("background rows")
    histogram = forest_subject(HistGradientBoostingRegressor(max_iter=5), frame, frame["x0"])
    assert tree_shapley(histogram.predictor, game_of(histogram, 70)) is None
