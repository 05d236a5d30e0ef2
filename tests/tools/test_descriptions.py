"""Tools that describe data, model and rows: data_summary, define, describe_model, show, label, likelihood."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import changed, loan_pipeline, loan_subject, of_rule, run, values, where, with_features

from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Assignment, Change, Condition, Scope, Where
from askwhy.tools.subject import Subject

OWN = Scope(case=(Assignment(feature="age", value=30),))


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_the_summary_counts_rows_missing_cells_and_classes(kind: str) -> None:
    subject = toy_subjects.SUBJECTS[kind]()
    found = run(subject, "data_summary")
    assert found.one("rows").value == len(subject.data)
    assert [one.feature for one in found.all("feature")] == list(subject.data.columns)
    missing = subject.data.isna().mean()
    assert {one.feature: one.value for one in found.all("missing")} == pytest.approx(missing[missing > 0].to_dict())
    if kind == "regression":
        assert found.one("target_mean").value == pytest.approx(subject.target.mean())
    else:
        assert {one.cls: one.value for one in found.all("class_count")} == subject.target.value_counts().to_dict()
        assert found.figure is not None and sum(found.figure.series[0].y) == pytest.approx(1.0)
    assert found.table is not None and len(found.table.rows) == subject.data.shape[1]


def test_the_summary_follows_the_scope_and_the_aspect() -> None:
    subject = loan_subject()
    cars = run(subject, "data_summary", where("purpose", "eq", "car"))
    assert cars.one("rows").value == (subject.data["purpose"] == "car").sum()
    only = run(subject, "data_summary", about="missing")
    assert {one.relation for one in only.facts} == {"missing"}
    assert run(subject, "data_summary", where("savings", "gt", 0), about="missing").all("complete")
    assert run(subject, "data_summary", where("age", "gt", 999)).one("rows").value == 0
    wide = of_rule(pd.DataFrame(np.zeros((4, 30)) + np.arange(30)), lambda data: data.sum(axis=1))
    summary = run(wide, "data_summary")
    assert summary.one("unlisted").value == 30 and len(summary.all("some_feature")) == 15 and not summary.all("feature")


def test_of_no_rows_at_all_something_is_said() -> None:
    subject = loan_subject()
    for about in ("everything", "features", "missing", "target"):
        evidence = run(subject, "data_summary", where("age", "gt", 999), about=about)
        assert evidence.facts, about
    assert values(run(subject, "data_summary", where("age", "gt", 999), about="missing"), "features")


def test_a_feature_is_defined_by_its_schema() -> None:
    subject = with_features(
        loan_subject(), age={"description": "Age at the time of the application.", "unit": "years", "direction": 1}
    )
    age = run(subject, "define", feature="age")
    assert age.one("meaning").value == "Age at the time of the application." and age.one("measure").value == "years"
    assert (age.one("low").value, age.one("high").value) == (subject.data["age"].min(), subject.data["age"].max())
    assert age.one("one_way").value == "rise"
    sex = run(subject, "define", feature="sex")
    assert set(values(sex, "category")) == {"female", "male"} and sex.all("fixed") and sex.all("undescribed")


def test_classes_and_the_target_are_defined() -> None:
    subject = loan_subject()
    assert values(run(subject, "define"), "class") == [label.name for label in subject.schema.classes]
    approved = run(with_features(subject, favourable="approved"), "define", cls="approved")
    assert approved.one("class_meant").value == "approved" and approved.all("favourable")
    with pytest.raises(ToolError, match="There is no feature"):
        run(subject, "define", feature="height")


def test_the_model_is_described() -> None:
    subject = loan_subject()
    found = run(subject, "describe_model")
    assert "RandomForest" in str(found.one("model_name").value)
    assert (found.one("trained").value, found.one("held_out").value) == (120, 40)
    assert values(found, "class") == [label.name for label in subject.schema.classes]
    bare = dataclasses.replace(subject, held_out=np.zeros(160, dtype=bool), model_name="", notes=("Made by hand.",))
    other = run(bare, "describe_model")
    assert (
        other.one("unmarked").value == 160
        and other.all("inputs_unnamed")
        and values(other, "note") == ["Made by hand."]
    )


def test_one_row_is_shown_as_it_is() -> None:
    subject = loan_subject()
    found = run(subject, "show", Scope(row="12"))
    cells = {one.feature: one.value for one in found.all("cell")}
    assert cells == dict(subject.data.loc["12"])
    assert found.one("prediction").value == loan_pipeline().predict(subject.data.loc[["12"]])[0]
    assert found.one("truth").value == subject.target["12"]
    assert not run(subject, "show", OWN).all("truth")
    altered = run(subject, "show", changed("12", Change(feature="age", value=55)))
    assert {one.feature: one.value for one in altered.all("cell")}["age"] == 55


def test_many_rows_are_shown_up_to_k() -> None:
    subject = loan_subject()
    ids = [str(one) for one in subject.data.index[subject.data["purpose"] == "car"]]
    some = run(subject, "show", where("purpose", "eq", "car"), k=3)
    assert (some.one("shown").value, some.one("total").value) == (3, len(ids))
    assert some.table is not None and [row[0] for row in some.table.rows] == ids[:3] == values(some, "some_row")
    two = Scope(
        where=Where.model_validate({"all": [{"any": [{"on": "id", "value": "12"}, {"on": "id", "value": "57"}]}]})
    )
    assert values(run(subject, "show", two), "shown_row") == ["12", "57"]
    with pytest.raises(ToolError, match="greater than or equal to 1"):
        run(subject, "show", k=0)


def test_a_text_is_shown() -> None:
    subject = toy_subjects.text()
    assert run(subject, "show", Scope(row="3")).one("text").value == subject.data["review"].iloc[3]


@pytest.mark.parametrize("kind", ["binary", "multiclass", "text"])
def test_true_labels_of_one_and_of_many(kind: str) -> None:
    subject = toy_subjects.SUBJECTS[kind]()
    names = np.array([str(label.value) for label in subject.schema.classes])
    predicted = names[subject.predictor(subject.data).argmax(axis=1)]
    for i in range(0, 60, 7):
        found = run(subject, "label", Scope(row=subject.row_ids[i]))
        right = predicted[i] == subject.target.iloc[i]
        assert found.one("truth" if right else "truth_missed").value == subject.target.iloc[i]
        assert found.one("right" if right else "wrong").value == predicted[i]
    assert {
        one.cls: one.value for one in run(subject, "label").all("actual_count")
    } == subject.target.value_counts().to_dict()


def test_true_numbers_and_unknown_truth() -> None:
    subject = toy_subjects.regression()
    one = run(subject, "label", Scope(row="5"))
    assert one.one("off").value == pytest.approx(subject.predictor(subject.data)[5, 0] - subject.target.iloc[5])
    assert run(subject, "label").one("mean").value == pytest.approx(subject.target.mean())
    gaps = dataclasses.replace(subject, target=subject.target.mask(subject.data["age"] > 60))
    assert run(gaps, "label").one("unknown").value == (subject.data["age"] > 60).sum()
    with pytest.raises(ToolError, match="own"):
        run(subject, "label", OWN)
    with pytest.raises(ToolError, match="not known"):
        run(dataclasses.replace(subject, target=None), "label")


def margins(subject: Subject) -> Any:
    """Lead of the first class over the second, row by row."""
    ordered = np.sort(subject.predictor(subject.data), axis=1)
    return ordered[:, -1] - ordered[:, -2]


@pytest.mark.parametrize("kind", ["binary", "multiclass", "text"])
def test_likelihood_of_the_predicted_class_and_its_lead(kind: str) -> None:
    subject = toy_subjects.SUBJECTS[kind]()
    outputs, lead = subject.predictor(subject.data), margins(subject)
    for i in (0, 7, 33):
        found = run(subject, "likelihood", Scope(row=subject.row_ids[i]))
        assert found.one("probability").value == pytest.approx(outputs[i].max())
        assert found.one("margin").value == pytest.approx(lead[i])
        assert found.one("closer_share").value == pytest.approx((lead < lead[i] - 1e-9).mean())
        facts = {fact.id: fact for fact in found.facts}
        first, second = (facts[one].number() for one in found.one("margin").sources)  # type: ignore[attr-defined]
        assert first - second == pytest.approx(lead[i])


def test_likelihood_of_a_named_class() -> None:
    subject = toy_subjects.multiclass()
    outputs = subject.predictor(subject.data)
    for i in range(0, 40, 9):
        for label in subject.schema.classes:
            found = run(subject, "likelihood", Scope(row=subject.row_ids[i]), cls=label.name)
            predicted = subject.schema.classes[int(outputs[i].argmax())]
            said = found.one("probability" if label == predicted else "other_probability")
            assert said.value == pytest.approx(outputs[i, subject.schema.class_index(label.name)])
            assert found.one("margin").cls == predicted.name


def test_mean_likelihood_of_many_rows() -> None:
    binary, several = toy_subjects.binary(), toy_subjects.multiclass()
    rows = binary.data["age"] > 40
    chance = binary.predictor(binary.data)[rows, binary.schema.class_index("no")]
    found = run(binary, "likelihood", where("age", "gt", 40), cls="no")
    assert found.one("mean_probability").value == pytest.approx(chance.mean())
    assert found.one("low_probability").value == pytest.approx(chance.min())
    means = several.predictor(several.data).mean(axis=0)
    assert values(run(several, "likelihood"), "class_mean") == pytest.approx(means.tolist())


def test_a_regression_is_as_sure_as_its_errors_are_small() -> None:
    subject = toy_subjects.regression()
    off = np.abs(subject.predictor(subject.data)[:, 0] - subject.target)[subject.held_out]
    found = run(subject, "likelihood", Scope(row="3"))
    assert found.one("typical_error").value == pytest.approx(off.mean())
    bound, coverage = found.one("error_bound").number(), found.one("coverage").number()
    assert coverage >= 0.9 and (off <= bound).mean() == pytest.approx(coverage)
    with pytest.raises(ToolError, match="no probabilities"):
        run(dataclasses.replace(subject, target=None), "likelihood")


def test_hard_predictions_are_no_probabilities() -> None:
    subject = of_rule(pd.DataFrame({"x": [0, 1, 2]}), lambda data: np.where(data["x"] > 0, "b", "a"), ["a", "b", "b"])
    assert [one.flag for one in run(subject, "likelihood", Scope(row="1")).caveats] == ["no_probabilities"]


def test_a_previous_selection_that_is_unknown_is_refused() -> None:
    with pytest.raises(ToolError, match="no earlier selection"):
        run(loan_subject(), "show", Scope(where=Where.of(Condition(on="previous"))))


def test_the_figure_and_an_explanation_say_labels_rather_than_codes() -> None:
    subject = toy_subjects.binary()
    classes = tuple(one.model_copy(update={"label": f"called {one.name}"}) for one in subject.schema.classes)
    column = next(one for one in subject.schema.features if one.categories)
    named = tuple(one.model_copy(update={"label": f"called {one.value}"}) for one in column.categories)
    told = with_features(subject, **{column.name: {"categories": named}})
    schema = told.schema.model_copy(update={"classes": classes})
    told = dataclasses.replace(told, schema=schema, predictor=dataclasses.replace(told.predictor, schema=schema))
    figure = run(told, "data_summary").figure
    assert figure is not None and list(figure.series[0].x) == [one.label for one in classes]
    row = next(str(row) for row, cell in told.data[column.name].items() if isinstance(cell, str))
    table = run(told, "explain", Scope(row=row)).table
    assert table is not None
    assert {name: cell for name, cell, _ in table.rows}[column.label] == f"called {told.data[column.name][row]}"
