"""Subjects from real scikit-learn, xgboost and lightgbm models and from bare functions."""

from __future__ import annotations

from typing import Any

import cloudpickle
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.svm import LinearSVC

from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.loading.build import build_subject
from askwhy.tools.subject import Subject

ROWS = 80


def mixed(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Mixed columns with gaps, and an outcome that follows from them."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "income": rng.normal(3000, 900, rows).round(2),
            "children": rng.integers(0, 4, rows),
            "housing": rng.choice(["own", "rent", "free"], rows),
            "member": rng.choice([True, False], rows),
            "height": np.where(rng.random(rows) < 0.1, np.nan, rng.integers(150, 200, rows)),
        }
    )
    frame["risk"] = np.where(frame.income + 400 * frame.member > 3100, "good", "bad")
    return frame


def pipeline(model: Any) -> Any:
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    encoded = ColumnTransformer(
        [("words", words, make_column_selector(dtype_include=["str", "object", "category"]))],
        remainder=SimpleImputer(),
    )
    return make_pipeline(encoded, model)


@pytest.fixture(scope="module")
def forest() -> Any:
    frame = mixed()
    return pipeline(RandomForestClassifier(20, random_state=0)).fit(frame.drop(columns="risk"), frame.risk)


def outputs(subject: Subject) -> np.ndarray:
    return subject.predictor(subject.data)


def test_a_pipeline_on_raw_mixed_columns(forest: Any) -> None:
    frame = mixed()
    subject = build_subject(forest, frame, "risk")
    np.testing.assert_array_equal(outputs(subject), forest.predict_proba(frame.drop(columns="risk")))
    assert subject.task == "binary"
    assert [label.value for label in subject.schema.classes] == ["bad", "good"]
    kinds = {feature.name: feature.kind for feature in subject.schema.features}
    expected = {
        "income": "number",
        "children": "integer",
        "housing": "category",
        "member": "boolean",
        "height": "integer",
    }
    assert kinds == expected
    assert subject.target is not None and subject.target.tolist() == frame.risk.tolist()
    assert subject.row_ids == tuple(str(i) for i in range(ROWS))
    assert not subject.held_out.any()
    assert subject.model_name == "RandomForestClassifier"
    assert subject.notes == ()


def test_reordered_and_extra_columns_are_put_right_by_name(forest: Any) -> None:
    frame = mixed()
    first = build_subject(forest, frame, "risk")
    shuffled = frame[["risk", "member", "height", "housing", "income", "children"]].assign(noise=1.5)
    second = build_subject(forest, shuffled, "risk")
    assert second.id == first.id
    assert list(second.data.columns) == list(first.data.columns)
    np.testing.assert_array_equal(outputs(second), outputs(first))
    assert any("noise" in note for note in second.notes)


def test_missing_columns_are_named_with_the_nearest(forest: Any) -> None:
    frame = mixed().rename(columns={"income": "incomes"}).drop(columns="height")
    with pytest.raises(ToolError, match=r"income \(nearest: incomes\), height"):
        build_subject(forest, frame, "risk")


def test_the_target_may_come_apart(forest: Any) -> None:
    frame = mixed()
    apart = build_subject(forest, frame.drop(columns="risk"), frame.risk)
    assert apart.id == build_subject(forest, frame, "risk").id
    without = build_subject(forest, frame.drop(columns="risk"))
    assert without.target is None
    assert [label.value for label in without.schema.classes] == ["bad", "good"]


def test_an_id_tells_data_model_version_and_split_apart(forest: Any) -> None:
    frame = mixed()
    other = pipeline(RandomForestClassifier(20, random_state=1)).fit(frame.drop(columns="risk"), frame.risk)
    test = np.arange(ROWS) < 20
    changed = frame.copy()
    changed.loc[3, "income"] += 1
    ids = [
        build_subject(forest, frame, "risk").id,
        build_subject(other, frame, "risk").id,
        build_subject(forest, changed, "risk").id,
        build_subject(forest, frame, "risk", version="2").id,
        build_subject(forest, frame, "risk", test=test).id,
        build_subject(forest, frame.drop(columns="risk")).id,
    ]
    assert len(set(ids)) == len(ids)
    refitted = pipeline(RandomForestClassifier(20, random_state=0)).fit(frame.drop(columns="risk"), frame.risk)
    assert build_subject(refitted, frame, "risk").id == ids[0]


def test_held_out_rows_ids_and_background(forest: Any) -> None:
    frame = mixed(rows=300).assign(split=["test", "train", "train"] * 100, code=[f"c{i}" for i in range(300)])
    subject = build_subject(forest, frame, "risk", test="split", ids="code")
    assert subject.held_out.sum() == 100 and subject.held_out[0]
    assert subject.row_ids[:2] == ("c0", "c1")
    assert "split" not in subject.schema.names and "code" not in subject.schema.names
    assert len(subject.background) == 100
    held_out = set(np.array(subject.row_ids)[subject.held_out])
    assert not held_out & set(subject.background.index)
    again = build_subject(forest, frame, "risk", test="split", ids="code")
    pd.testing.assert_frame_equal(subject.background, again.background)


def test_ids_must_be_unique_and_present(forest: Any) -> None:
    frame = mixed()
    with pytest.raises(ToolError, match="“7” appears more than once"):
        build_subject(forest, frame, "risk", ids=[7.0, 7.0, *range(100, 100 + ROWS - 2)])
    with pytest.raises(ToolError, match="missing"):
        build_subject(forest, frame, "risk", ids=[None, *range(ROWS - 1)])
    with pytest.raises(ToolError, match="3 row ids"):
        build_subject(forest, frame, "risk", ids=[1, 2, 3])
    with pytest.raises(UnknownName, match="housing"):
        build_subject(forest, frame, "risk", ids="housng")


def test_the_frames_own_index_names_the_rows(forest: Any) -> None:
    frame = mixed().sample(frac=1, random_state=0)
    subject = build_subject(forest, frame, "risk")
    assert subject.row_ids == tuple(str(i) for i in frame.index)
    doubled = build_subject(forest, pd.concat([mixed(), mixed()]), "risk")
    assert doubled.row_ids[-1] == str(2 * ROWS - 1)
    assert any("not unique" in note for note in doubled.notes)


def test_a_regression() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 3)), columns=["a", "b", "c"])
    target = 2 * frame.a - frame.b
    model = LinearRegression().fit(frame, target)
    subject = build_subject(model, frame.assign(y=target), "y")
    assert subject.regression and subject.schema.classes == ()
    np.testing.assert_allclose(outputs(subject)[:, 0], target)
    assert subject.target is not None and subject.target.dtype == float
    with pytest.raises(ToolError, match="predicts a number"):
        build_subject(model, frame.assign(y="text"), "y")


def test_a_model_fitted_on_an_array_goes_by_position() -> None:
    rng = np.random.default_rng(0)
    array = rng.normal(size=(40, 3))
    model = LogisticRegression().fit(array, array[:, 0] > 0)
    subject = build_subject(model, pd.DataFrame(array, columns=["a", "b", "c"]))
    np.testing.assert_allclose(outputs(subject), model.predict_proba(array), rtol=1e-12)
    assert [label.label for label in subject.schema.classes] == ["no", "yes"]
    from_array = build_subject(model, array)
    assert from_array.schema.names == ("x0", "x1", "x2")
    with pytest.raises(ToolError, match="trained on 3 columns"):
        build_subject(model, array[:, :2])


def test_hard_labels_are_said_to_be_hard() -> None:
    frame = mixed()
    model = pipeline(LinearSVC()).fit(frame.drop(columns="risk"), frame.risk)
    subject = build_subject(model, frame, "risk")
    assert subject.predictor.hard
    assert any("no probabilities" in note for note in subject.notes)
    found = np.array(["bad", "good"])[outputs(subject).argmax(axis=1)]
    np.testing.assert_array_equal(found, model.predict(frame.drop(columns="risk")))


def test_a_grid_search_is_its_best_estimator() -> None:
    frame = mixed()
    search = GridSearchCV(pipeline(LogisticRegression(max_iter=2000)), {"logisticregression__C": [0.1, 1]}, cv=2)
    subject = build_subject(search.fit(frame.drop(columns="risk"), frame.risk), frame, "risk")
    assert subject.model_name == "LogisticRegression"


def test_a_subject_can_be_sent_to_another_process(forest: Any) -> None:
    subject = build_subject(forest, mixed(), "risk")
    copy = cloudpickle.loads(cloudpickle.dumps(subject))
    np.testing.assert_array_equal(outputs(copy), outputs(subject))


def test_a_bound_method_knows_its_models_columns(forest: Any) -> None:
    frame = mixed()
    subject = build_subject(forest.predict_proba, frame[["risk", *reversed(frame.columns[:-1])]], "risk")
    np.testing.assert_array_equal(outputs(subject), forest.predict_proba(frame.drop(columns="risk")))


# Gradient boosting libraries


@pytest.mark.parametrize("classes", [2, 3])
def test_xgboost(classes: int) -> None:
    xgboost = pytest.importorskip("xgboost")
    frame = mixed()[["income", "children", "height"]]
    target = pd.Series(np.arange(ROWS) % classes)
    model = xgboost.XGBClassifier(n_estimators=5, n_jobs=1).fit(frame, target)
    subject = build_subject(model, frame[["height", "income", "children"]].assign(y=target), "y")
    np.testing.assert_allclose(outputs(subject), model.predict_proba(frame), atol=1e-6)
    assert [label.value for label in subject.schema.classes] == list(range(classes))


def test_numbered_classes_take_the_names_of_the_target() -> None:
    xgboost = pytest.importorskip("xgboost")
    frame = mixed()
    columns = frame[["income", "children"]]
    model = xgboost.XGBClassifier(n_estimators=5, n_jobs=1).fit(columns, (frame.risk == "good").astype(int))
    subject = build_subject(model, columns, frame.risk)
    assert [label.value for label in subject.schema.classes] == ["bad", "good"]
    assert any("0 = bad, 1 = good" in note for note in subject.notes)
    hard = build_subject(model.predict, columns, frame.risk)
    assert hard.predictor.hard
    np.testing.assert_array_equal(outputs(hard).argmax(axis=1), model.predict(columns))


def test_native_boosters() -> None:
    xgboost = pytest.importorskip("xgboost")
    lightgbm = pytest.importorskip("lightgbm")
    frame, target = mixed()[["income", "children", "height"]], (mixed().risk == "good").astype(int)
    first = xgboost.train({"objective": "binary:logistic", "nthread": 1}, xgboost.DMatrix(frame, target), 5)
    settings = {"objective": "binary", "verbose": -1, "num_threads": 1}
    second = lightgbm.train(settings, lightgbm.Dataset(frame, target), 5)
    np.testing.assert_allclose(
        outputs(build_subject(first, frame, target))[:, 1], first.predict(xgboost.DMatrix(frame)), atol=1e-6
    )
    np.testing.assert_allclose(outputs(build_subject(second, frame, target))[:, 1], second.predict(frame))


def test_lightgbm_keeps_native_categories() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    frame = mixed()
    columns = frame[["income", "housing"]].astype({"housing": "category"})
    model = lightgbm.LGBMClassifier(n_estimators=5, verbose=-1, n_jobs=1, min_child_samples=2).fit(columns, frame.risk)
    subject = build_subject(model, columns.assign(risk=frame.risk), "risk")
    np.testing.assert_allclose(outputs(subject), model.predict_proba(columns))
    assert isinstance(subject.data["housing"].dtype, pd.CategoricalDtype)
    mixed_rows = Evaluator(subject.predictor).mixed(subject.data, np.array([[0, 5], [5, 0]]))
    swapped = columns.iloc[[0, 5]].reset_index(drop=True)
    swapped["housing"] = columns["housing"].iloc[[5, 0]].array
    np.testing.assert_allclose(mixed_rows, model.predict_proba(swapped))
    # The same table read from a file holds strings instead.
    from_file = build_subject(model, columns.astype({"housing": "str"}).assign(risk=frame.risk), "risk")
    np.testing.assert_allclose(outputs(from_file), outputs(subject))


def test_xgboost_recodes_categories_read_as_text() -> None:
    xgboost = pytest.importorskip("xgboost")
    frame = mixed()
    columns = frame[["income", "housing"]].astype({"housing": pd.CategoricalDtype(["rent", "own", "free"])})
    model = xgboost.XGBClassifier(n_estimators=5, n_jobs=1, enable_categorical=True)
    model.fit(columns, (frame.risk == "good").astype(int))
    subject = build_subject(model, columns.astype({"housing": "str"}))
    np.testing.assert_allclose(outputs(subject), model.predict_proba(columns), atol=1e-6)


def test_lightgbm_writes_blanks_as_underscores() -> None:
    lightgbm = pytest.importorskip("lightgbm")
    frame = mixed()[["income", "children"]].set_axis(["yearly income", "number of children"], axis=1)
    model = lightgbm.LGBMRegressor(n_estimators=3, verbose=-1, n_jobs=1).fit(frame, mixed().income)
    subject = build_subject(model, frame[["number of children", "yearly income"]])
    assert subject.schema.names == ("yearly income", "number of children")
    np.testing.assert_allclose(outputs(subject)[:, 0], model.predict(frame))
