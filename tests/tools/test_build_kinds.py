"""Subjects from bare functions, one-hot columns and texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

from askwhy.tools.errors import ToolError
from askwhy.tools.loading.build import build_subject
from askwhy.tools.schema import Schema
from askwhy.tools.subject import Subject

ROWS = 60


def housing() -> pd.DataFrame:
    """Incomes, homes, and an outcome that follows from the incomes."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"income": rng.normal(3000, 900, ROWS), "housing": rng.choice(["own", "rent", "free"], ROWS)})
    return frame.assign(risk=np.where(frame.income > 3000, "good", "bad"))


def outputs(subject: Subject) -> np.ndarray:
    return subject.predictor(subject.data)


# Bare functions


def proba(frame: pd.DataFrame) -> np.ndarray:
    """Two columns of probabilities."""
    chance = 1 / (1 + np.exp(-(frame["a"] - frame["b"])))
    return np.column_stack([1 - chance, chance])


def ab(rows: int = 20) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame({"a": rng.normal(size=rows), "b": rng.normal(size=rows)})


def test_functions_of_probabilities_take_classes_in_sorted_order() -> None:
    frame = ab()
    target = pd.Series(["yes", "no"] * 10)
    two = build_subject(proba, frame, target)
    one = build_subject(lambda rows: proba(rows)[:, 1], frame, target)
    column = build_subject(lambda rows: proba(rows)[:, [1]].tolist(), frame, target)
    for subject in (two, one, column):
        assert [label.value for label in subject.schema.classes] == ["no", "yes"]
        np.testing.assert_allclose(outputs(subject), proba(frame))
    unnamed = build_subject(proba, frame)
    assert [label.value for label in unnamed.schema.classes] == [0, 1]


def test_functions_of_numbers_and_labels() -> None:
    frame = ab()
    numbers = build_subject(lambda rows: rows["a"] * 3, frame, frame.a * 3)
    assert numbers.regression
    labels = build_subject(lambda rows: np.where(rows["a"] > 0, "up", "down"), frame, ["up", "down"] * 10)
    assert labels.predictor.hard and labels.task == "binary"
    counted = build_subject(lambda rows: (rows["a"] > 0).astype(int), frame, [0, 1] * 10)
    assert counted.task == "binary"
    with pytest.raises(ToolError, match="name its classes"):
        build_subject(lambda rows: np.where(rows["a"] > 0, "up", "down"), frame)
    with pytest.raises(ToolError, match="3 classes"):
        build_subject(proba, frame, ["x", "y", "z", "x"] * 5)


def test_a_whole_schema_settles_order_and_names() -> None:
    frame = ab()
    made = build_subject(proba, frame, ["yes", "no"] * 10)
    schema = made.schema.model_copy(update={"classes": made.schema.classes[::-1], "entity": "case"})
    subject = build_subject(proba, frame[["b", "a"]], ["yes", "no"] * 10, schema=schema)
    assert isinstance(subject.schema, Schema) and subject.schema.entity == "case"
    assert [label.value for label in subject.schema.classes] == ["yes", "no"]
    assert list(subject.data.columns) == ["a", "b"]
    with pytest.raises(ToolError, match="The schema says"):
        build_subject(proba, frame, schema=schema.model_copy(update={"task": "multiclass"}))


# One-hot columns


def test_one_hot_columns_are_asked_as_one_feature() -> None:
    frame = housing()
    wide = pd.concat([frame[["income"]], pd.get_dummies(frame.housing, prefix="housing")], axis=1)
    seen: list[pd.DataFrame] = []
    model = LogisticRegression(max_iter=2000).fit(wide, frame.risk)

    def spying(rows: pd.DataFrame) -> np.ndarray:
        seen.append(rows)
        return np.asarray(model.predict_proba(rows))

    subject = build_subject(spying, wide, frame.risk)
    assert subject.schema.names == ("income", "housing")
    assert subject.data["housing"].tolist() == frame.housing.tolist()
    np.testing.assert_allclose(outputs(subject), model.predict_proba(wide))
    pd.testing.assert_frame_equal(seen[-1].reset_index(drop=True), wide)  # names, order and dtypes as in training
    by_model = build_subject(model, wide, frame.risk)
    np.testing.assert_allclose(outputs(by_model), model.predict_proba(wide))


def test_shapley_values_brought_along_are_added_up_by_feature() -> None:
    frame = housing()
    wide = pd.concat([frame[["income"]], pd.get_dummies(frame.housing, prefix="housing")], axis=1)
    model = LogisticRegression(max_iter=2000).fit(wide, frame.risk)
    values = np.arange(ROWS * 4, dtype=float).reshape(ROWS, 4)
    subject = build_subject(model, wide, frame.risk, shap_values=values)
    assert subject.shap_values.shape == (ROWS, 2, 2)
    np.testing.assert_allclose(subject.shap_values[:, 1, 1], values[:, 1:].sum(axis=1))
    np.testing.assert_allclose(subject.shap_values[:, :, 0], -subject.shap_values[:, :, 1])
    with pytest.raises(ToolError, match="shape"):
        build_subject(model, wide, frame.risk, shap_values=values[:5])


# Texts

TEXTS = ["a fine film", "a dull film", "fine and moving", "dull and long", "moving film", "long film"]
LABELS = ["good", "bad", "good", "bad", "good", "bad"]


@pytest.mark.parametrize("as_frame", [True, False])
def test_texts(as_frame: bool) -> None:
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)
    data: Any = pd.DataFrame({"review": TEXTS, "verdict": LABELS}) if as_frame else TEXTS
    subject = build_subject(model, data, "verdict" if as_frame else LABELS)
    assert subject.schema.modality == "text"
    assert [feature.kind for feature in subject.schema.features] == ["text"]
    np.testing.assert_allclose(outputs(subject), model.predict_proba(TEXTS))


def test_a_function_of_texts() -> None:
    def score(texts: list[str]) -> list[float]:
        assert isinstance(texts, list)
        return [0.9 if "fine" in text else 0.1 for text in texts]

    subject = build_subject(score, TEXTS, LABELS)
    assert subject.schema.modality == "text" and subject.task == "binary"
    assert outputs(subject)[0, 1] == 0.9


def test_a_missing_text_is_an_empty_one() -> None:
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, LABELS)
    subject = build_subject(model, pd.DataFrame({"review": [*TEXTS[:5], None], "y": LABELS}), "y")
    assert subject.data["review"].iloc[-1] == ""
    assert any("missing" in note for note in subject.notes)


def test_a_vectorizer_that_opens_files_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("secret words", encoding="utf-8")
    model = make_pipeline(TfidfVectorizer(input="filename"), LogisticRegression()).fit([str(path)] * 2, ["a", "b"])
    with pytest.raises(ToolError, match="opens files"):
        build_subject(model, [str(path)])
