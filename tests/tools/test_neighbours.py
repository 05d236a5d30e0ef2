"""Similar, typical and hard cases against distances and errors worked out row by row."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import changed, loan_subject, of_rule, run, values

from askwhy.tools.engines.metrics import wilson
from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Assignment, Change, Scope
from askwhy.tools.subject import Subject


def far_from(subject: Subject, row: str, rows: pd.DataFrame) -> pd.Series:
    """Gower's distances of rows to one row of the data, nearest first, without itself: as in the paper, by column."""
    own, rows = subject.row(row).iloc[0], rows[rows.index != row]
    parts = []
    for feature in subject.schema.features:
        cells, whole, cell = rows[feature.name], subject.data[feature.name], own[feature.name]
        if feature.numeric or feature.kind == "date":
            part = (cells - cell).abs() / (whole.max() - whole.min())
        else:
            part = (cells != cell).astype(float)
        gone = cells.isna()
        parts.append((1.0 - gone) if pd.isna(cell) else part.astype(float).where(~gone, 1.0))
    return (sum(parts) / len(parts)).astype(float).sort_values(kind="stable")


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_the_most_similar_rows_are_the_nearest_training_rows(kind: str) -> None:
    subject = toy_subjects.SUBJECTS[kind]()
    expected = far_from(subject, "4", subject.data[~subject.held_out])
    found = run(subject, "similar", Scope(row="4"), k=5)
    listed = [fact for fact in found.facts if fact.relation in ("similar", "similar_number")]
    assert [fact.row for fact in listed] == list(expected.index[:5])
    assert [fact.number() for fact in listed] == pytest.approx(list(expected[:5]))
    nearest = subject.row(expected.index[0]).iloc[0]
    own = subject.row("4").iloc[0]
    differing = {
        name
        for name in subject.schema.names
        if nearest[name] != own[name] and not (pd.isna(nearest[name]) and pd.isna(own[name]))
    }
    assert {fact.feature for fact in found.all("other_cell")} == differing
    assert found.one("differing").value == len(differing)


@pytest.mark.parametrize("outcome", ["same", "other"])
def test_only_rows_with_the_wanted_prediction_are_listed(outcome: str) -> None:
    subject = toy_subjects.binary()
    predicted = subject.predictor(subject.data).argmax(axis=1)
    own = predicted[subject.position("4")]
    wanted = (predicted == own) == (outcome == "same")
    expected = far_from(subject, "4", subject.data[~subject.held_out & wanted])
    found = run(subject, "similar", Scope(row="4"), outcome=outcome)
    assert [fact.row for fact in found.all(f"{outcome}_outcome")] == list(expected.index[:3])
    assert found.one("with_same").value == (3 if outcome == "same" else 0)


def test_numbers_further_apart_than_a_standard_deviation_are_another_outcome() -> None:
    subject = toy_subjects.regression()
    outputs = subject.predictor(subject.data)[:, 0]
    away = np.abs(outputs - outputs[subject.position("4")])
    expected = far_from(subject, "4", subject.data[~subject.held_out & (away > outputs.std())])
    found = run(subject, "similar", Scope(row="4"), outcome="other")
    assert [fact.row for fact in found.all("other_number")] == list(expected.index[:3])
    assert values(found, "neighbour_estimate") == pytest.approx(
        [outputs[subject.position(name)] for name in expected.index[:3]]
    )
    assert found.one("other_beyond").number() == pytest.approx(outputs.std())


def test_a_twin_is_called_identical_and_nothing_is_made_up_where_no_row_fits() -> None:
    frame = pd.DataFrame({"x": [1.0, 1.0, 5.0, 9.0, 2.0, 7.0, 3.0, 4.0], "y": list("aabbabab")})
    subject = of_rule(frame, lambda rows: np.column_stack([np.zeros(len(rows)), np.ones(len(rows))]), list("nyynynyn"))
    found = run(subject, "similar", Scope(row="0"))
    assert found.one("identical").row == "1" and not found.all("nearest")
    none = run(subject, "similar", Scope(row="0"), outcome="other")
    assert none.one("none_such").value == "another prediction" and none.table is None


def test_similarity_that_says_nothing_of_the_prediction_is_marked() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(200, 4)), columns=list("abcd"))
    subject = of_rule(frame, lambda rows: np.modf(np.abs(np.sin(rows["a"] * 1e4)))[0], rng.choice(["n", "y"], 200))
    smooth = of_rule(frame, lambda rows: 1 / (1 + np.exp(-3 * rows.sum(axis=1))), rng.choice(["n", "y"], 200))
    noisy, clear = (run(one, "similar", Scope(row="7")) for one in (subject, smooth))
    assert not noisy.quality[0].passed and clear.quality[0].passed
    assert "weak_measure" in {caveat.flag for caveat in noisy.caveats}
    assert "weak_measure" not in {caveat.flag for caveat in clear.caveats}


def test_typicality_counts_training_rows_that_are_nearer_to_their_neighbours() -> None:
    subject = toy_subjects.binary()
    rows = subject.data[~subject.held_out]
    own = [far_from(subject, name, rows).iloc[:5].mean() for name in rows.index]
    for row in ("3", "4", "30"):
        far = far_from(subject, row, rows).iloc[:5].mean()
        found = run(subject, "typicality", Scope(row=row))
        fact = next(one for one in found.facts if one.relation in ("unusual", "not_unusual"))
        assert found.one("distance").number() == pytest.approx(far)
        assert fact.number() == pytest.approx(np.mean([one < far - 1e-12 for one in own]))
        assert (fact.relation == "unusual") == (fact.number() >= 0.95)


def test_an_outlier_is_found_and_its_odd_feature_named() -> None:
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(rng.normal(size=(150, 3)), columns=["a", "b", "c"])
    frame.loc[11, "b"] = 12.0
    subject = of_rule(frame, lambda rows: rows["a"], rng.normal(size=150))
    found = run(subject, "typicality", Scope(row="11"))
    assert found.one("unusual").number() > 0.99
    assert found.one("apart").feature == "b" and found.one("top_end").feature == "b"
    assert found.one("top_end").number() == pytest.approx(1 / 150)
    many = run(subject, "typicality")
    assert many.one("outlier").row == "11"
    assert many.one("unusual_count").value == round(many.one("unusual_share").number() * 150)
    usual = run(
        subject, "typicality", Scope(case=(Assignment(feature="a", value=0.0), Assignment(feature="b", value=0.0)))
    )
    assert usual.one("not_unusual").number() < 0.5


def test_held_out_rows_are_called_unusual_about_as_often_as_promised() -> None:
    rng = np.random.default_rng(2)
    frame = pd.DataFrame(rng.multivariate_normal([0, 0], [[1, 0.95], [0.95, 1]], 900), columns=["a", "b"])
    subject = of_rule(frame, lambda rows: rows["a"], frame["a"], held_out=np.arange(900) >= 500)
    alarms, power = run(subject, "typicality").quality
    assert alarms.value == pytest.approx(0.05, abs=0.035) and alarms.passed
    assert power.value > 0.4  # shuffling breaks the correlation, which real rows keep


def neighbours_of(subject: Subject, row: str) -> tuple[list[str], np.ndarray[Any, Any]]:
    """The nearest quarter (at most 30) of the other held-out rows, and the errors of all of them."""
    held = subject.data[subject.held_out]
    others = held[held.index != row]
    names = list(far_from(subject, row, others).index[: min(30, len(others) // 4)])
    return names, others.index.to_numpy()


@pytest.mark.parametrize("tool", ["difficulty", "trust"])
def test_errors_nearby_are_those_of_the_nearest_held_out_rows(tool: str) -> None:
    subject = loan_subject()
    names, others = neighbours_of(subject, "130")
    classes = np.array([label.name for label in subject.schema.classes])
    predicted = pd.Series(classes[subject.predictor(subject.data).argmax(axis=1)], index=subject.data.index)
    wrong = predicted != subject.target
    found = run(subject, tool, Scope(row="130"))
    assert found.one("near").value == len(names)
    assert found.one("near_wrong").value == wrong[names].sum()
    assert found.one("near_error").number() == pytest.approx(wrong[names].mean())
    assert found.one("overall_error").number() == pytest.approx(wrong[others].mean())
    low, high = wilson(int(wrong[names].sum()), len(names))
    assert (found.one("near_low").number(), found.one("near_high").number()) == pytest.approx((low, high))
    assert "small_n" in {caveat.flag for caveat in found.caveats}


def test_errors_of_numbers_are_absolute_errors() -> None:
    subject = toy_subjects.regression()
    names, others = neighbours_of(subject, "5")
    off = pd.Series(np.abs(subject.predictor(subject.data)[:, 0] - subject.target), index=subject.data.index)
    found = run(subject, "trust", Scope(row="5"))
    assert found.one("near_off").number() == pytest.approx(off[names].mean())
    assert found.one("overall_off").number() == pytest.approx(off[others].mean())
    assert found.one("near_low").number() <= off[names].mean() <= found.one("near_high").number()


def test_disagreement_counts_training_neighbours_of_another_class() -> None:
    subject = loan_subject()
    training = subject.data[~subject.held_out]
    names = far_from(subject, "7", training).index[:29]  # a quarter of the 119 others
    own = subject.schema.classes[int(subject.predictor(subject.row("7")).argmax())].name
    found = run(subject, "difficulty", Scope(row="7"))
    assert found.one("training_neighbours").value == 29
    assert found.one("disagreeing").value == (subject.target[names] != own).sum()


def test_a_border_case_is_harder_than_a_clear_one() -> None:
    rng = np.random.default_rng(4)
    frame = pd.DataFrame({"x": np.linspace(-3, 3, 400), "z": rng.normal(size=400)})
    chance = 1 / (1 + np.exp(-3 * frame["x"]))
    truth = np.where(rng.random(400) < chance, "y", "n")
    subject = of_rule(frame, lambda rows: 1 / (1 + np.exp(-3 * rows["x"])), truth, held_out=np.arange(400) % 2 == 0)
    border, clear = (run(subject, "difficulty", Scope(row=row)) for row in ("201", "399"))
    for relation in ("closer_share", "margin"):
        assert border.one(relation).number() < clear.one(relation).number()
    for relation in ("near_error", "disagreement"):
        assert border.one(relation).number() > clear.one(relation).number()
    assert all(one.passed for one in border.quality)


def test_errors_that_fall_by_chance_cannot_be_foretold() -> None:
    rng = np.random.default_rng(5)
    frame = pd.DataFrame(rng.normal(size=(300, 3)), columns=list("abc"))
    subject = of_rule(
        frame, lambda rows: 0.9 * (rows["a"] > 0) + 0.05, np.where((frame["a"] > 0) ^ (rng.random(300) < 0.2), "y", "n")
    )
    found = run(subject, "trust", Scope(row="3"))
    assert not found.quality[0].passed
    assert {"weak_measure", "no_held_out"} <= {caveat.flag for caveat in found.caveats}


def test_trust_never_says_yes_or_no_and_marks_what_is_unlike_the_data() -> None:
    subject = loan_subject()
    found = run(subject, "trust", changed("5", Change(feature="age", value=95), Change(feature="savings", value=90.0)))
    assert found.one("further_share").number() >= 0.95 and found.one("limit").number() == 0.95
    assert not any(isinstance(fact.value, bool) for fact in found.facts)
    assert not run(subject, "trust", Scope(row="5")).all("limit")


def test_without_truth_there_is_nothing_to_measure() -> None:
    subject = dataclasses.replace(loan_subject(), target=None, id="no truth")
    for tool in ("trust", "difficulty"):
        with pytest.raises(ToolError, match="true values are not known"):
            run(subject, tool, Scope(row="5"))
    assert run(subject, "similar", Scope(row="5")).all("similar")
