"""Shapley values against the definition, against closed forms and against the shap package."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_subjects import hand_subject, numbers

from askwhy.tools.evaluator import Evaluator
from askwhy.tools.predictor import Outputs
from askwhy.tools.shapley import exact, log_odds, sampled, shapley_rows
from askwhy.tools.subject import Mask, Subject


def by_definition(
    predict: Callable[[pd.DataFrame], Any], row: pd.DataFrame, background: pd.DataFrame
) -> np.ndarray[Any, Any]:
    """The plain definition: a weighted sum of marginal contributions over every coalition, for one output."""
    names = list(row.columns)

    @functools.cache
    def value(coalition: frozenset[str]) -> float:
        mixed = background.copy()
        for name in coalition:
            mixed[name] = pd.Series([row[name].iloc[0]] * len(mixed), index=mixed.index, dtype=background[name].dtype)
        return float(np.mean(predict(mixed)))

    found = []
    for name in names:
        others = [other for other in names if other != name]
        total = 0.0
        for size in range(len(names)):
            weight = math.factorial(size) * math.factorial(len(names) - size - 1) / math.factorial(len(names))
            for coalition in itertools.combinations(others, size):
                total += weight * (value(frozenset({*coalition, name})) - value(frozenset(coalition)))
        found.append(total)
    return np.array(found)


def mixed_frame(rows: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(5)
    amount = rng.gamma(2, 1000, rows)
    amount[::7] = np.nan
    purpose = pd.Series(rng.choice(["car", "radio", "school"], rows), dtype="str")
    purpose[::11] = None
    return pd.DataFrame(
        {
            "age": rng.integers(18, 70, rows),
            "amount": amount,
            "purpose": purpose,
            "member": rng.random(rows) < 0.4,
            "sex": pd.Series(rng.choice(["female", "male"], rows), dtype="str"),
            "rate": rng.normal(size=rows),
        }
    )


@pytest.fixture(scope="module")
def forest() -> Subject:
    """A random forest behind a one-hot encoder, on strings, booleans, numbers and missing cells."""
    from sklearn.compose import make_column_transformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame = mixed_frame()
    score = frame["age"] / 20 + (frame["purpose"] == "car") - frame["amount"].fillna(0) / 2000
    truth = np.where(score > 1, "b", "a")
    encode = make_column_transformer((OneHotEncoder(), ["purpose", "sex"]), remainder="passthrough")
    model = make_pipeline(encode, SimpleImputer(), RandomForestClassifier(15, random_state=0)).fit(frame, truth)
    return hand_subject(model.predict_proba, frame, ["a", "b"], target=truth, background=12)


def shapley(subject: Subject, rows: Any, **options: Any) -> Any:
    return shapley_rows(Evaluator(subject.predictor), subject.data.iloc[rows], subject.background, **options)


def curved_game(players: int, seed: int = 0) -> Callable[[Mask], Outputs]:
    """Two outputs: a logistic curve over pairs of players, and a product."""
    rng = np.random.default_rng(seed)
    weights, pairs = rng.normal(size=players), np.triu(rng.normal(size=(players, players)), 1)
    slopes = 0.7 * rng.normal(size=players)

    def game(masks: Mask) -> Outputs:
        chosen = masks.astype(float)
        score = chosen @ weights - 1 + 0.7 * np.einsum("ki,ij,kj->k", chosen, pairs, chosen)
        return np.column_stack([1 / (1 + np.exp(-score)), 10 * np.tanh(chosen @ slopes) ** 3])

    return game


def test_a_linear_regression_is_explained_by_its_weights() -> None:
    frame, weights = numbers(50, 7), np.array([3.0, -2.0, 0.0, 0.5, 1e3, -7.0, 0.01])
    subject = hand_subject(lambda data: data.to_numpy() @ weights + 4, frame)
    found = shapley(subject, [30, 31])
    expected = weights * (subject.data.iloc[[30, 31]] - subject.background.mean()).to_numpy()
    np.testing.assert_allclose(found.values[:, :, 0], expected, atol=1e-9, rtol=0)
    assert found.error is None


def test_a_logistic_regression_is_explained_by_its_weights_in_log_odds() -> None:
    from sklearn.linear_model import LogisticRegression

    frame = numbers(80, 6)
    noise = np.random.default_rng(1).normal(size=80)  # a separable sample gives probabilities too near 1 to be undone
    truth = np.where(frame["x0"] - 2 * frame["x3"] + 2 * noise > 0, "yes", "no")
    model = LogisticRegression().fit(frame, truth)
    subject = hand_subject(model.predict_proba, frame, ["no", "yes"], target=truth)
    found = shapley(subject, [40], link=log_odds)
    expected = model.coef_[0] * (subject.data.iloc[40] - subject.background.mean()).to_numpy()
    np.testing.assert_allclose(found.values[0, :, 1], expected, atol=1e-9, rtol=0)
    np.testing.assert_allclose(found.values[0, :, 0], -expected, atol=1e-9, rtol=0)


def test_log_odds_of_several_classes_are_of_one_against_the_rest() -> None:
    outputs = np.array([[0.2, 0.3, 0.5], [0.98, 0.01, 0.01]])
    np.testing.assert_allclose(log_odds(outputs), np.log(outputs / (1 - outputs)), atol=1e-12)
    assert np.isfinite(log_odds(np.array([[1.0, 0.0]]))).all()


def test_mixed_columns_agree_with_the_definition(forest: Subject) -> None:
    found = shapley(forest, [22, 42])
    for place, row in enumerate([22, 42]):
        one = forest.data.iloc[row : row + 1]
        expected = by_definition(lambda data: forest.predictor(data)[:, 1], one, forest.background)
        np.testing.assert_allclose(found.values[place, :, 1], expected, atol=1e-6)


def test_eight_features_agree_with_the_definition() -> None:
    def curve(data: pd.DataFrame) -> Any:
        x = data.to_numpy()
        return np.sin(x[:, 0] * x[:, 1]) + np.maximum(x[:, 2], x[:, 3]) + x[:, 4] * x[:, 5] * x[:, 6] + x[:, 7] ** 2

    subject = hand_subject(curve, numbers(12, 8, seed=3), background=5)
    expected = by_definition(curve, subject.data.iloc[9:10], subject.background)
    np.testing.assert_allclose(shapley(subject, [9]).values[0, :, 0], expected, atol=1e-6)


def test_values_add_up_and_classes_cancel(forest: Subject) -> None:
    found = shapley(forest, [7, 8])
    outputs = forest.predictor(forest.data.iloc[[7, 8]])
    np.testing.assert_allclose(found.outputs, outputs, atol=1e-12)
    np.testing.assert_allclose(found.base, forest.predictor(forest.background).mean(axis=0), atol=1e-12)
    np.testing.assert_allclose(found.base + found.values.sum(axis=1), outputs, atol=1e-9)
    np.testing.assert_allclose(found.values.sum(axis=2), 0, atol=1e-9)


def test_a_feature_that_is_not_used_gets_nothing_and_twins_get_the_same() -> None:
    frame = numbers(30, 5).assign(x4=lambda data: data["x3"])
    subject = hand_subject(lambda data: np.tanh(data["x0"] + data["x3"] + data["x4"]) * data["x1"], frame)
    values = shapley(subject, [25]).values[0, :, 0]
    assert values[2] == pytest.approx(0, abs=1e-12)
    assert values[3] == pytest.approx(values[4], abs=1e-12)
    assert abs(values[3]) > 1e-3


@pytest.mark.parametrize("features", [7, 13])
def test_the_order_of_the_columns_does_not_matter(features: int) -> None:
    frame = numbers(30, features)
    weights = dict(zip(frame.columns, np.linspace(-1, 1, features), strict=True))

    def curve(data: pd.DataFrame) -> Any:
        return np.tanh(sum(weights[name] * data[name] for name in sorted(weights))) + data["x0"] * data["x5"]

    subject, turned = hand_subject(curve, frame), hand_subject(curve, frame[frame.columns[::-1]])
    options = {"seed": 4, "budget": 20 * 200}
    here, there = shapley(subject, [21], **options), shapley(turned, [21], **options)
    np.testing.assert_allclose(here.values, there.values[:, ::-1], atol=1e-9)
    assert (here.error is None) == (features == 7)


def test_many_rows_are_what_each_is_on_its_own(forest: Subject) -> None:
    together = shapley(forest, range(5, 15))
    for place in range(10):
        alone = shapley(forest, [5 + place])
        np.testing.assert_allclose(together.values[place], alone.values[0], atol=1e-9)


def test_a_constant_column_is_no_player_even_when_sampling() -> None:
    frame = numbers(30, 14).assign(x3=1.5, x9=np.nan)
    subject = hand_subject(lambda data: np.sin(data.drop(columns="x9").sum(axis=1)), frame)
    found = shapley(subject, [21], budget=20 * 100)
    assert found.error is not None
    assert (found.values[0, [3, 9]] == 0).all() and (found.error[0, [3, 9]] == 0).all()
    assert shapley(subject, [21], budget=10**9, target_error=0).coalitions == 2**12


def test_rows_alike_in_all_but_ten_features_are_explained_exactly() -> None:
    frame = numbers(30, 40).assign(**{f"x{i}": 0.0 for i in range(10, 40)})
    subject = hand_subject(lambda data: np.tanh(data.sum(axis=1)), frame)
    assert shapley(subject, [21]).error is None


@pytest.mark.parametrize("players", [11, 12, 14])
def test_sampled_values_lie_within_their_errors(players: int) -> None:
    game = curved_game(players)
    truth = exact(game, players).values
    off = []
    for seed in range(20):
        found = sampled(game, players, np.random.default_rng(seed), 160, target_error=0)
        assert found.error is not None and found.coalitions <= 162
        off.append(np.abs(found.values - truth) / found.error)
    # 95 % and 99.7 % of a normal variable lie within 1.96 and 3 standard errors; the fit has few degrees of freedom.
    assert np.mean(np.array(off) < 1.96) > 0.9
    assert np.mean(np.array(off) < 3) > 0.98


def test_the_definition_settles_the_exact_engine() -> None:
    game = curved_game(5)

    def value(*members: int) -> Outputs:
        return game(np.isin(np.arange(5), members)[None, :])[0]

    expected = np.zeros((5, 2))
    orders = list(itertools.permutations(range(5)))
    for order in orders:
        for place, player in enumerate(order):
            expected[player] += (value(*order[: place + 1]) - value(*order[:place])) / len(orders)
    np.testing.assert_allclose(exact(game, 5).values, expected, atol=1e-12)


def test_sampling_every_pair_is_exact_and_more_pairs_are_better() -> None:
    game = curved_game(11)
    truth = exact(game, 11).values
    every = sampled(game, 11, np.random.default_rng(0), 10**6, target_error=0)
    np.testing.assert_allclose(every.values, truth, atol=1e-9)
    assert every.error is None
    few, many = (
        np.mean([np.abs(sampled(game, 11, np.random.default_rng(s), n, 0).values - truth) for s in range(10)])
        for n in (64, 512)
    )
    assert many < few / 2


def test_sampling_stops_once_the_errors_are_small() -> None:
    additive = sampled(lambda masks: (masks @ np.arange(15.0))[:, None], 15, np.random.default_rng(0), 10**5)
    np.testing.assert_allclose(additive.values[:, 0], np.arange(15), atol=1e-9)
    assert additive.coalitions < 100
    game = curved_game(15)
    found = sampled(game, 15, np.random.default_rng(0), 10**5)
    everything = game(((np.arange(2**15)[:, None] >> np.arange(15)) & 1).astype(bool))
    assert found.error is not None and 100 < found.coalitions < 2**14
    assert (found.error.max(axis=0) <= 0.005 * np.ptp(everything, axis=0)).all()
    np.testing.assert_allclose(found.values.sum(axis=0), everything[-1] - everything[0], atol=1e-9)


def test_equal_composites_are_asked_once(forest: Subject) -> None:
    evaluate = Evaluator(forest.predictor)
    shapley_rows(evaluate, forest.data.iloc[[3]], forest.background)
    assert evaluate.rows < 2**6 * len(forest.background)
    assert evaluate.calls == 2


def test_memory_blocks_change_nothing(forest: Subject, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = shapley(forest, [3, 4])
    monkeypatch.setattr("askwhy.tools.shapley.BLOCK_CELLS", 300)
    np.testing.assert_allclose(shapley(forest, [3, 4]).values, whole.values, atol=1e-12)


@pytest.mark.slow
def test_the_shap_package_agrees() -> None:
    import shap
    from sklearn.ensemble import GradientBoostingRegressor

    frame = numbers(80, 6)
    model = GradientBoostingRegressor(random_state=0).fit(frame, frame["x0"] * frame["x1"] + frame["x2"])
    subject = hand_subject(model.predict, frame)
    explainer = shap.explainers.Exact(model.predict, shap.maskers.Independent(subject.background, max_samples=20))
    expected = explainer(subject.data.iloc[40:43])
    found = shapley(subject, range(40, 43))
    np.testing.assert_allclose(found.values[:, :, 0], expected.values, atol=1e-9)
    np.testing.assert_allclose(found.base[0], expected.base_values, atol=1e-9)
