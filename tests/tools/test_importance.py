"""Importance over many rows against direct computation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_subjects import hand_subject, numbers, view_of

from askwhy.agent.verbalize import verbalize
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence
from askwhy.tools.permutation import REPEATS, shuffled_outputs
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Change, Condition
from askwhy.tools.shapley import shapley_rows
from askwhy.tools.subject import Subject


def classifier(rows: int = 150, **options: Any) -> Subject:
    """x0 matters most, then x1; x2 not at all. The truth follows the model with noise."""
    frame = numbers(rows, 3)

    def call(data: pd.DataFrame) -> Any:
        yes = 1 / (1 + np.exp(-(2 * data["x0"] - data["x1"]).to_numpy()))
        return np.column_stack([1 - yes, yes])

    noise = np.random.default_rng(9).logistic(size=rows)
    truth = np.where(2 * frame["x0"] - frame["x1"] + noise > 0, "yes", "no")
    return hand_subject(call, frame, ["no", "yes"], **{"target": truth, **options})


def regression(rows: int = 150, **options: Any) -> Subject:
    frame = numbers(rows, 3)
    noise = np.random.default_rng(9).normal(size=rows)
    target = 3 * frame["x0"] - frame["x1"] + noise
    return hand_subject(lambda data: 3 * data["x0"] - data["x1"], frame, **{"target": target, **options})


def three_classes(rows: int = 200) -> Subject:
    frame = numbers(rows, 3, seed=2)

    def call(data: pd.DataFrame) -> Any:
        scores = np.exp(data.to_numpy() @ np.array([[3.0, -3.0, 0.0], [0.0, 1.0, -1.0], [0.0, 0.0, 0.0]]))
        return scores / scores.sum(axis=1, keepdims=True)

    truth = np.array(["low", "mid", "high"])[call(frame).argmax(axis=1)]
    return hand_subject(call, frame, ["low", "mid", "high"], target=truth)


def importance(subject: Subject, row: int | None = None, *where: Condition, **arguments: Any) -> Evidence:
    changes, seed = arguments.pop("changes", ()), arguments.pop("seed", 0)
    return find_tool("importance")(view_of(subject, row, *where, changes=changes, seed=seed), **arguments)


def values(evidence: Evidence, relation: str = "importance") -> dict[str, float]:
    return {str(fact.feature): fact.number() for fact in evidence.all(relation)}


def flags(evidence: Evidence) -> list[str]:
    return [caveat.flag for caveat in evidence.caveats]


def by_hand(subject: Subject, score: Any, rows: pd.DataFrame, seed: int = 0) -> dict[str, float]:
    """Mean of score(as it is) - score(shuffled), one shuffle and one predict call at a time."""
    rng = np.random.default_rng(seed)
    before = score(subject.predictor(rows))
    found = {}
    for name in sorted(subject.schema.names):
        after = []
        for _ in range(REPEATS):
            shuffled = rows.copy()
            shuffled[name] = rows[name].to_numpy()[rng.permutation(len(rows))]
            after.append(score(subject.predictor(shuffled)))
        found[name] = before - float(np.mean(after))
    return found


def test_two_classes_are_scored_by_the_drop_in_auc() -> None:
    from sklearn.metrics import roc_auc_score

    subject = classifier()
    found = importance(subject)
    truth = subject.target == "yes"
    expected = by_hand(subject, lambda outputs: roc_auc_score(truth, outputs[:, 1]), subject.data)
    assert values(found) == pytest.approx(expected, abs=1e-12)
    assert [fact.feature for fact in found.all("importance")] == ["x0", "x1", "x2"]
    assert found.one("baseline_auc").number() == pytest.approx(
        roc_auc_score(truth, subject.predictor(subject.data)[:, 1])
    )
    assert "ROC AUC" in found.estimand


def test_a_regression_is_scored_by_the_rise_of_its_error() -> None:
    subject = regression()
    assert subject.target is not None
    target = subject.target.to_numpy(dtype=float)
    found, absolute = importance(subject), importance(subject, metric="mae")
    squared = by_hand(subject, lambda outputs: -np.sqrt(np.mean((outputs[:, 0] - target) ** 2)), subject.data)
    assert values(found) == pytest.approx(squared, abs=1e-12)
    assert {fact.unit for fact in found.all("importance")} == {"output"}
    mean = by_hand(subject, lambda outputs: -np.abs(outputs[:, 0] - target).mean(), subject.data)
    assert values(absolute) == pytest.approx(mean, abs=1e-12)


def test_several_classes_are_scored_by_accuracy_and_one_of_them_by_auc() -> None:
    from sklearn.metrics import roc_auc_score

    subject = three_classes()
    names = np.array(["low", "mid", "high"])
    found, one = importance(subject), importance(subject, cls="mid")
    truth = np.asarray(subject.target)
    expected = by_hand(subject, lambda outputs: (names[outputs.argmax(axis=1)] == truth).mean(), subject.data)
    assert values(found) == pytest.approx(expected, abs=1e-12)
    assert found.one("baseline_accuracy").number() == 1.0
    area = by_hand(subject, lambda outputs: roc_auc_score(truth == "mid", outputs[:, 1]), subject.data)
    assert values(one) == pytest.approx(area, abs=1e-12)
    assert {fact.cls for fact in one.all("importance")} == {"mid"}


def test_scikit_learn_agrees_within_the_errors() -> None:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.inspection import permutation_importance

    subject = regression()
    assert subject.target is not None

    class Wrapped(RegressorMixin, BaseEstimator):
        def fit(self, data: Any, target: Any) -> Wrapped:
            return self

        def predict(self, data: Any) -> Any:
            return subject.predictor(data)[:, 0]

    reference = permutation_importance(
        Wrapped(), subject.data, subject.target.astype(float), n_repeats=30, random_state=1,
        scoring="neg_root_mean_squared_error",
    )  # fmt: skip
    for fact in importance(subject).all("importance"):
        assert fact.error is not None
        expected = reference.importances_mean[subject.schema.names.index(str(fact.feature))]
        assert abs(fact.number() - expected) <= 3 * fact.error + 1e-12


def test_the_error_is_that_of_a_mean_over_rows() -> None:
    subject = regression(400)
    assert subject.target is not None
    target = subject.target.to_numpy(dtype=float)
    view = view_of(subject)
    shuffled = shuffled_outputs(Evaluator(subject.predictor), subject.data, REPEATS, view.rng)[..., 0]
    before = np.abs(subject.predictor(subject.data)[:, 0] - target)
    lost = np.abs(shuffled - target).mean(axis=1) - before
    for fact in importance(subject, metric="mae").all("importance"):
        per_row = lost[subject.schema.names.index(str(fact.feature))]
        # the error of a mean that a jackknife over 20 groups finds is known to about 1 / sqrt(2 * 19) of itself
        assert fact.error == pytest.approx(per_row.std(ddof=1) / 20, rel=0.5, abs=1e-12)


def test_a_feature_without_effect_is_nothing_and_that_is_told() -> None:
    frame = numbers(100, 3).assign(x2=7.0)
    subject = hand_subject(lambda data: data["x0"] + data["x2"] - 7, frame, target=frame["x0"])
    found = importance(subject, k=3)
    assert values(found)["x1"] == 0 and values(found)["x2"] == 0
    told = next(caveat.text for caveat in found.caveats if caveat.flag == "not_distinguishable")
    assert "x1" in told and "x2" in told and "x0" not in told
    assert "not_distinguishable" not in flags(importance(subject, k=1))
    assert values(importance(subject, method="shap"))["x2"] == 0


def test_held_out_rows_are_used_where_there_are_any() -> None:
    held_out = np.arange(150) % 3 == 0
    subject = regression(held_out=held_out)
    assert subject.target is not None
    target = subject.target.to_numpy(dtype=float)[held_out]
    found = importance(subject)
    expected = by_hand(subject, lambda out: -np.sqrt(np.mean((out[:, 0] - target) ** 2)), subject.data[held_out])
    assert values(found) == pytest.approx(expected, abs=1e-12)
    assert "50 held-out rows" in found.method
    assert "no_held_out" in flags(importance(regression()))


def test_a_selection_is_scored_on_its_own_rows() -> None:
    subject = regression()
    assert subject.target is not None
    some = (subject.data["x0"] > 0).to_numpy()
    target = subject.target.to_numpy(dtype=float)[some]
    found = importance(subject, None, Condition(feature="x0", op="gt", value=0))
    expected = by_hand(subject, lambda out: -np.sqrt(np.mean((out[:, 0] - target) ** 2)), subject.data[some])
    assert values(found) == pytest.approx(expected, abs=1e-12)


def test_without_a_truth_the_change_of_the_output_counts() -> None:
    subject = classifier(target=None)
    found = importance(subject)
    shuffled = shuffled_outputs(Evaluator(subject.predictor), subject.data, REPEATS, np.random.default_rng(0))
    moved = np.abs(shuffled - subject.predictor(subject.data))[..., 1].mean(axis=(1, 2))
    assert values(found) == pytest.approx(dict(zip(subject.schema.names, moved, strict=True)))
    assert "no_truth" in flags(found) and "change" in found.estimand
    with pytest.raises(ToolError, match="true values"):
        importance(subject, metric="accuracy")


def test_changed_rows_have_no_truth() -> None:
    found = importance(classifier(), changes=(Change(feature="x0", action="set", value=1.0),))
    assert "no_truth" in flags(found)
    assert values(found)["x0"] == 0


@pytest.mark.parametrize("make", [classifier, regression])
def test_mean_absolute_shap_values_are_the_mean_over_rows(make: Any) -> None:
    subject = make(40)
    found = importance(subject, method="shap")
    column = 0 if subject.regression else 1
    every = shapley_rows(Evaluator(subject.predictor), subject.data, subject.background).values[:, :, column]
    expected = np.abs(every).mean(axis=0)
    assert values(found) == pytest.approx(dict(zip(subject.schema.names, expected, strict=True)))
    assert found.all("importance")[0].error is None
    sampled = importance(make(200), method="shap")
    assert sampled.one("explained_rows").number() == 50
    assert all(fact.error is not None for fact in sampled.all("importance"))


def test_mean_absolute_shap_values_of_several_classes_are_averaged() -> None:
    subject = three_classes(40)
    every = shapley_rows(Evaluator(subject.predictor), subject.data, subject.background).values
    found = importance(subject, method="shap")
    expected = np.abs(every).mean(axis=(0, 2))
    assert values(found) == pytest.approx(dict(zip(subject.schema.names, expected, strict=True)))


def test_shap_values_brought_along_serve_for_importance() -> None:
    frame = numbers(40, 3)
    mine = frame.to_numpy() * np.array([3.0, -1.0, 0.0])
    subject = regression(40, shap_values=mine[:, :, None])
    found = importance(subject, method="shap")
    assert values(found) == pytest.approx(dict(zip(subject.schema.names, np.abs(mine).mean(axis=0), strict=True)))
    assert "brought along" in found.method


def test_too_few_rows_to_shuffle_are_explained_one_by_one() -> None:
    subject = regression()
    found, row = importance(subject, None, Condition(on="id", value="12")), importance(subject, 12)
    assert "mean |SHAP|" in found.method and "other_method" in flags(found)
    away = subject.data.iloc[12] - subject.background.mean()
    expected = {"x0": abs(3 * away["x0"]), "x1": abs(away["x1"]), "x2": 0.0}
    assert values(found) == pytest.approx(expected, abs=1e-9)
    assert values(row) == pytest.approx(expected, abs=1e-9)
    assert {fact.row for fact in row.all("importance")} == {"12"}


def test_the_top_and_the_features_asked_about_are_named() -> None:
    subject = regression()
    found = importance(subject, k=2, features=("x2",))
    assert list(values(found, "top")) == ["x0", "x1"]
    assert found.one("asked_importance").feature == "x2" and found.one("asked_importance").rank == 3
    assert importance(subject, k=1).one("top_one").feature == "x0"


def test_two_that_tie_for_the_first_place_are_both_named() -> None:
    frame = numbers(150, 2)
    subject = hand_subject(lambda data: data.sum(axis=1), frame, target=frame.sum(axis=1) + 1e-3)
    found = importance(subject, k=1)
    assert set(values(found, "top")) == {"x0", "x1"} and "ties" in flags(found)


def test_a_metric_has_to_fit_the_model() -> None:
    with pytest.raises(ToolError, match="does not apply"):
        importance(regression(), metric="auc")
    with pytest.raises(ToolError, match="does not apply"):
        importance(classifier(), metric="rmse")
    with pytest.raises(ToolError, match="SHAP"):
        importance(classifier(), method="shap", metric="auc")


def test_a_selection_of_one_class_is_scored_by_accuracy() -> None:
    subject = classifier()
    found = importance(subject, None, Condition(on="actual", value="yes"))
    assert "accuracy" in found.estimand
    with pytest.raises(ToolError, match="Only one class"):
        importance(subject, None, Condition(on="actual", value="yes"), metric="auc")


def test_strings_and_missing_cells_are_shuffled() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "colour": pd.Series(rng.choice(["red", "blue"], 90), dtype="str"),
            "size": np.where(rng.random(90) < 0.2, np.nan, rng.normal(size=90)),
        }
    )
    subject = hand_subject(
        lambda data: (data["colour"] == "red") * 5.0 + data["size"].fillna(0.0),
        frame,
        target=(frame["colour"] == "red") * 5.0 + frame["size"].fillna(0.0),
    )
    found = values(importance(subject))
    assert found["colour"] > found["size"] > 0


@pytest.mark.parametrize("method", ["permutation", "shap"])
def test_the_same_seed_gives_the_same_bytes_and_column_order_does_not_matter(method: str) -> None:
    subject = regression()
    one, two = (importance(subject, method=method, seed=2) for _ in range(2))
    assert one.canonical() == two.canonical()
    frame = subject.data[["x2", "x0", "x1"]]
    turned = hand_subject(lambda data: 3 * data["x0"] - data["x1"], frame, target=subject.target)
    assert values(importance(turned, method=method, seed=2)) == pytest.approx(values(one), abs=1e-9)


def test_the_shuffles_are_one_request() -> None:
    subject = classifier()
    evaluate = Evaluator(subject.predictor)
    shuffled_outputs(evaluate, subject.data, REPEATS, np.random.default_rng(0))
    assert evaluate.calls == 1
    assert evaluate.rows <= 3 * REPEATS * len(subject.data)


def test_shuffles_in_blocks_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = regression()
    whole = shuffled_outputs(Evaluator(subject.predictor), subject.data, 4, np.random.default_rng(0))
    monkeypatch.setattr("askwhy.tools.permutation.BLOCK_CELLS", 10)
    parts = shuffled_outputs(Evaluator(subject.predictor), subject.data, 4, np.random.default_rng(0))
    np.testing.assert_allclose(parts, whole)


def test_table_and_figure_hold_the_intervals() -> None:
    found = importance(regression())
    assert found.table is not None and found.figure is not None
    for fact, row, y in zip(found.all("importance"), found.table.rows, found.figure.series[0].y, strict=True):
        assert fact.error is not None and y == fact.number()
        assert row[1:] == pytest.approx(
            (fact.number(), fact.number() - 1.96 * fact.error, fact.number() + 1.96 * fact.error)
        )


def test_a_class_among_several_is_named() -> None:
    frame = numbers(90, 2)

    def call(data: pd.DataFrame) -> Any:
        scores = np.exp(np.column_stack([data["x0"], -data["x0"], data["x1"]]))
        return scores / scores.sum(axis=1, keepdims=True)

    truth = np.array(["a", "b", "c"])[np.argmax(call(frame), axis=1)]
    subject = hand_subject(call, frame, ["a", "b", "c"], target=truth)
    for options in ({}, {"method": "shap"}):
        one = find_tool("importance")(view_of(subject), cls="c", **options)
        assert "about c alone" in verbalize((one,), subject.schema).text
        every = find_tool("importance")(view_of(subject), **options)
        assert "alone, against" not in verbalize((every,), subject.schema).text
    two = find_tool("importance")(view_of(classifier()), cls="yes")
    assert not two.all("one_class")  # of two classes, what tells one tells the other
