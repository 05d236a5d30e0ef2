"""What-if answers against predicting the changed rows directly."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import changed, loan_pipeline, loan_subject, of_rule, run, values, where

from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import DerivedFact
from askwhy.tools.scope import Assignment, Change, Scope


@pytest.mark.parametrize("row", ["0", "12", "60", "140"])
def test_one_row_before_and_after_by_the_original_pipeline(row: str) -> None:
    subject, model = loan_subject(), loan_pipeline()
    before = subject.data.loc[[row]]
    after = before.assign(duration=48, purpose="car")
    found = run(
        subject, "what_if", changed(row, Change(feature="duration", value=48), Change(feature="purpose", value="car"))
    )
    was, now = model.predict(before)[0], model.predict(after)[0]
    assert (found.one("before_prediction").value, found.one("after_prediction").value) == (was, now)
    assert bool(found.all("flipped")) == (was != now) and bool(found.all("not_flipped")) == (was == now)
    place = list(model.classes_).index(was)
    old, new = model.predict_proba(before)[0, place], model.predict_proba(after)[0, place]
    assert found.one("before_probability").value == pytest.approx(old)
    assert found.one("after_probability").value == pytest.approx(new)
    change = found.one("change")
    assert isinstance(change, DerivedFact) and change.value == pytest.approx(new - old) and change.unit == "points"
    facts = {fact.id: fact for fact in found.facts}
    assert [facts[one].relation for one in change.sources] == ["after_probability", "before_probability"]


def test_another_class_can_be_followed() -> None:
    subject = loan_subject()
    declined = run(subject, "what_if", changed("12", Change(feature="duration", value=40)), cls="declined")
    approved = run(subject, "what_if", changed("12", Change(feature="duration", value=40)), cls="approved")
    assert declined.one("change").number() == pytest.approx(-approved.one("change").number())
    assert declined.one("change").cls == "declined"


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_many_rows_flip_as_counted(kind: str) -> None:
    subject = toy_subjects.SUBJECTS[kind]()
    rows = subject.data[subject.data["age"] > 40]
    old, new = subject.predictor(rows), subject.predictor(rows.assign(age=rows["age"] - 25))
    step = where("age", "gt", 40).model_copy(update={"changes": (Change(feature="age", action="decrease", value=25),)})
    found = run(subject, "what_if", step)
    assert found.one("flips").value == (old.argmax(1) != new.argmax(1)).sum() > 0
    label = found.one("mean_change").cls
    moved = (new - old)[:, subject.schema.class_index(label)]
    assert found.one("mean_change").value == pytest.approx(moved.mean())
    assert found.one("mean_change").error == pytest.approx(moved.std(ddof=1) / np.sqrt(len(moved)))
    assert np.abs(moved.mean()) == pytest.approx(np.abs((new - old).mean(axis=0)).max())
    counts = np.bincount(new.argmax(1), minlength=len(subject.schema.classes))
    assert values(found, "after_count") == counts.tolist()


def test_a_linear_change_is_the_same_for_every_row() -> None:
    frame = pd.DataFrame({"x": np.arange(6.0), "y": np.arange(6.0)})
    subject = of_rule(frame, lambda data: 3 * data["x"] + data["y"])
    found = run(subject, "what_if", Scope(changes=(Change(feature="x", action="increase", value=2),)))
    assert found.one("equal_change").value == pytest.approx(6.0) and found.one("mean_change").error is None
    one = run(subject, "what_if", changed("2", Change(feature="x", action="scale", value=3)))
    assert one.one("change").value == pytest.approx(12.0) and one.one("before_estimate").value == pytest.approx(8.0)


def test_rows_that_have_the_value_already_are_counted() -> None:
    subject = loan_subject()
    found = run(subject, "what_if", Scope(changes=(Change(feature="purpose", value="car"),)))
    assert found.one("unchanged").value == (subject.data["purpose"] == "car").sum()
    missing = subject.data.index[subject.data["savings"].isna()][0]
    same = run(subject, "what_if", changed(str(missing), Change(feature="age", action="increase", value=0)))
    assert same.one("unchanged").value == 1 and same.one("change").value == 0


def test_a_third_class_that_takes_over_is_named() -> None:
    frame = pd.DataFrame({"x": [0, 1, 2, 0, 1, 2]})
    chances = np.array([[0.6, 0.3, 0.1], [0.2, 0.7, 0.1], [0.1, 0.1, 0.8]])
    subject = of_rule(frame, lambda data: chances[data["x"].to_numpy(dtype=int)], ["a", "b", "c", "a", "b", "c"])
    found = run(subject, "what_if", changed("0", Change(feature="x", value=2)))
    assert found.one("flipped").value == "c" and found.one("new_probability").value == pytest.approx(0.8)
    assert found.one("change").cls == "a" and found.one("change").value == pytest.approx(-0.5)


def test_a_text_is_edited_and_asked_again() -> None:
    subject = toy_subjects.text()
    text = subject.data["review"].iloc[3]
    after = pd.DataFrame({"review": [f"{text} boring mess"]})
    found = run(subject, "what_if", changed("3", Change(action="insert", value="boring mess")))
    place = subject.schema.class_index(found.one("before_prediction").value)
    assert found.one("after_probability").value == pytest.approx(subject.predictor(after)[0, place])


def test_an_own_case_can_be_changed_and_nonsense_is_refused() -> None:
    subject = loan_subject()
    case: Any = (Assignment(feature="age", value=30), Assignment(feature="duration", value=12))
    found = run(subject, "what_if", Scope(case=case, changes=(Change(feature="duration", value=48),)))
    assert found.one("before_probability").row == "new"
    with pytest.raises(ToolError, match="what should be changed"):
        run(subject, "what_if", Scope(row="3"))
    with pytest.raises(ToolError, match="cannot be"):
        run(subject, "what_if", changed("3", Change(feature="age", value="old")))
