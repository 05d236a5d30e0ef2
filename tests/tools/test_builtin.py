"""The built-in subjects, built from their data and compared with the same models fitted here."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import r2_score

from askwhy.tools.errors import UnknownName
from askwhy.tools.subject import Subject
from askwhy.tools.subjects import builtin as module
from askwhy.tools.subjects.builtin import BUILTIN, HELD_OUT, SLOW, builtin, held_out_rows
from askwhy.tools.subjects.tables import credit


@pytest.fixture(scope="module", params=[name for name in BUILTIN if name not in SLOW])
def name(request: pytest.FixtureRequest) -> str:
    """The name of every built-in subject."""
    return str(request.param)


@pytest.fixture(scope="module")
def subject(name: str) -> Subject:
    """Every built-in subject."""
    return builtin(name)


def predicted(subject: Subject) -> np.ndarray:
    values = np.array([str(label.value) for label in subject.schema.classes])
    return values[subject.predictor(subject.data).argmax(axis=1)]


def test_a_quarter_is_held_out_in_proportion(subject: Subject) -> None:
    assert abs(subject.held_out.mean() - HELD_OUT) < 0.01
    assert subject.target is not None
    if subject.regression:
        assert abs(subject.target[subject.held_out].mean() - subject.target.mean()) < 0.1 * subject.target.std()
    else:
        shares = subject.target.value_counts(normalize=True)
        held = subject.target[subject.held_out].value_counts(normalize=True)
        assert (held - shares).abs().max() < 0.01


def test_the_model_is_better_than_a_constant_on_held_out_rows(subject: Subject) -> None:
    assert subject.target is not None
    test = subject.held_out
    if subject.regression:
        assert r2_score(subject.target[test], subject.predictor(subject.data[test])[:, 0]) > 0.3
        return
    right = (predicted(subject) == subject.target.to_numpy())[test].mean()
    commonest = subject.target[test].value_counts(normalize=True).max()
    assert right > commonest + 0.05


def test_the_schema_file_is_laid_over_every_subject(subject: Subject) -> None:
    schema = subject.schema
    assert schema.name and schema.entity != "row"
    assert not subject.notes
    assert all(feature.label for feature in schema.features)
    rows, held_out = set(subject.background.index), set(np.array(subject.row_ids)[subject.held_out])
    assert len(rows) == 100 and not rows & held_out


def test_the_held_out_rows_were_not_trained_on(name: str, subject: Subject) -> None:
    recipe = module._RECIPES[name]
    raw = recipe.data()
    mask = held_out_rows(raw)
    np.testing.assert_array_equal(mask, subject.held_out)
    training = raw.frame[~mask]
    features = training.drop(columns=raw.target)
    given = features["text"] if subject.schema.modality == "text" else features
    model = recipe.model().fit(given, training[raw.target])
    rows = raw.frame.drop(columns=raw.target).iloc[:200]
    rows = rows["text"] if subject.schema.modality == "text" else rows
    expected = model.predict(rows)[:, None] if subject.regression else model.predict_proba(rows)
    np.testing.assert_allclose(subject.predictor(subject.data.iloc[:200]), expected, atol=1e-9)


def test_credit_is_as_its_questions_need_it() -> None:
    subject = builtin("credit")
    assert subject.data.shape == (1000, 9)
    assert subject.schema.explained is not None and subject.schema.explained.label == "approved"
    assert subject.target is not None and subject.target.value_counts().to_dict() == {"1": 700, "0": 300}
    pd.testing.assert_frame_equal(subject.data.reset_index(drop=True), credit().frame.drop(columns="risk"))
    age, sex, job = (subject.schema.feature(name) for name in ("age", "gender", "job"))
    assert not age.mutable or age.direction == 1
    assert not sex.mutable and sex.name == "sex"
    assert job.kind == "category" and job.category("skilled").value == 2


def test_kinds_and_tasks() -> None:
    tasks = [builtin(name).task for name in BUILTIN if name not in SLOW]
    assert tasks == ["binary", "binary", "regression", "multiclass", "binary", "multiclass"]
    texts = {name for name in BUILTIN if name not in SLOW and builtin(name).schema.modality == "text"}
    assert texts == {"reviews", "debates"}
    penguins = builtin("penguins")
    assert penguins.data["sex"].isna().sum() == 11 and penguins.schema.feature("sex").has_missing
    assert penguins.schema.feature("flipper_length_mm").kind == "integer"
    assert [one.value for one in builtin("diabetes").schema.feature("sex").categories] == [1, 2]


def test_an_unknown_name_gets_the_nearest() -> None:
    with pytest.raises(UnknownName) as caught:
        builtin("penguin")
    assert caught.value.options == ("penguins",)


def test_training_again_gives_the_same_subject() -> None:
    first = builtin("diabetes")
    builtin.cache_clear()
    again = builtin("diabetes")
    assert again is not first and again.id == first.id
    assert builtin("diabetes") is again
    pd.testing.assert_frame_equal(again.data, first.data)
