"""Effects against direct evaluation, scikit-learn's partial dependence and curves worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import loan_pipeline, loan_subject, of_rule, run, values, where

from askwhy.tools.engines.curves import shapes, turning_points
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Assignment, Scope
from askwhy.tools.view import make_view


def direct(subject: Any, rows: pd.DataFrame, feature: str, cells: Any, column: int) -> Any:
    """Average output with the feature set, one value after the other."""
    return [subject.predictor(rows.assign(**{feature: cell}))[:, column].mean() for cell in cells]


@pytest.mark.parametrize(("kind", "cls"), [("binary", "yes"), ("multiclass", "high"), ("regression", None)])
def test_the_curve_is_the_average_of_direct_answers(kind: str, cls: Any) -> None:
    subject = toy_subjects.SUBJECTS[kind]()
    column = 0 if cls is None else subject.schema.class_index(cls)
    rows = subject.data[subject.data["age"] > 40]
    found = run(subject, "effect", where("age", "gt", 40), feature="monthly_income", cls=cls)
    assert found.figure is not None
    curve = found.figure.series[0]
    expected = direct(subject, rows, "monthly_income", curve.x, column)
    assert list(curve.y) == pytest.approx(expected)
    assert found.one("effect_low").value == pytest.approx(min(expected))
    assert found.one("effect_high").at == curve.x[int(np.argmax(expected))]
    assert found.one("effect_range").value == pytest.approx(max(expected) - min(expected))
    assert (found.one("effect_start").at, found.one("effect_end").at) == (curve.x[0], curve.x[-1])


def test_it_agrees_with_scikit_learn() -> None:
    from sklearn.inspection import partial_dependence

    subject = loan_subject()
    found = run(subject, "effect", feature="duration", cls="approved")
    assert found.figure is not None
    curve = found.figure.series[0]
    # scikit-learn writes fractions into the column it varies, so the column has to be of that kind
    frame = subject.data.assign(duration=subject.data["duration"].astype(float))
    grid = {"duration": np.array(curve.x, dtype=float)}
    reference = partial_dependence(loan_pipeline(), frame, ["duration"], custom_values=grid, kind="average")
    assert list(curve.y) == pytest.approx((1 - reference["average"][0]).tolist())


def test_categories_and_booleans_are_compared_one_by_one() -> None:
    subject = loan_subject()
    column = subject.schema.class_index("approved")
    for feature in ("purpose", "employed"):
        found = run(subject, "effect", feature=feature)
        means = {one.at: one.value for one in found.all("category_effect")}
        assert list(means.values()) == pytest.approx(direct(subject, subject.data, feature, means, column))
        assert set(means) == set(subject.data[feature])
        assert values(found, "category_effect") == sorted(means.values(), reverse=True)
        assert not found.all("effect_start")


def vee(frame: pd.DataFrame) -> Any:
    """|x - 5| plus y: turns at 5."""
    return (frame["x"] - 5).abs() + frame["y"]


def test_turning_points_and_mixed_shapes_of_a_vee() -> None:
    frame = pd.DataFrame({"x": np.arange(11.0), "y": np.arange(11.0) * 2})
    found = run(of_rule(frame, vee), "effect", feature="x")
    assert [(one.at, one.value) for one in found.all("turning_point")] == [(5.0, 10.0)]
    assert found.one("all_mixed").value == 11
    assert not found.all("always_rises") and not found.all("shape")


def test_monotone_is_checked_row_by_row() -> None:
    """x times y rises for positive y and falls for negative y: the average alone would not tell."""
    frame = pd.DataFrame({"x": np.arange(8.0), "y": [1.0, 1, 1, 1, 1, -1, -1, 0]})
    subject = of_rule(frame, lambda data: data["x"] * data["y"])
    found = run(subject, "effect", feature="x")
    shares = [(one.group, one.value) for one in found.all("shape")]
    assert shares == [("only rises", 5 / 8), ("only falls", 2 / 8), ("stays the same", 1 / 8)]
    rising = run(subject, "effect", where("y", "gt", 0), feature="x")
    assert rising.one("always_rises").value == 5
    falling = run(subject, "effect", where("y", "lt", 0), feature="x")
    assert falling.one("always_falls").value == 2


def test_no_effect_is_said() -> None:
    frame = pd.DataFrame({"x": np.arange(6.0), "y": np.arange(6.0)})
    found = run(of_rule(frame, lambda data: data["y"] * 2), "effect", feature="x")
    assert found.one("no_effect").value == 6 and not found.all("effect_range")


def test_one_row_has_its_own_curve_and_says_where_it_flips() -> None:
    frame = pd.DataFrame({"x": np.arange(10), "y": np.arange(10.0)})
    subject = of_rule(frame, lambda data: np.where((data["x"] >= 4) & (data["x"] < 8), "in", "out"), ["in", "out"] * 5)
    found = run(subject, "effect", Scope(row="5"), feature="x")
    assert found.one("current").at == 5 and found.one("current").value == 1.0
    assert [(one.value, one.cls) for one in found.all("flip")] == [(3, "out"), (8, "out")]
    still = run(subject, "effect", Scope(row="5"), feature="y")
    assert still.one("no_effect").value == 1
    category = run(loan_subject(), "effect", Scope(row="3"), feature="purpose")
    assert category.all("category_flip") or category.all("no_flip")


def test_a_range_can_be_asked_for_and_beyond_the_data_it_is_said() -> None:
    subject = loan_subject()
    inside = run(subject, "effect", feature="age", start=30, stop=40)
    assert (inside.one("effect_start").at, inside.one("effect_end").at) == (30, 40)
    assert not inside.caveats
    beyond = run(subject, "effect", feature="age", start=30, stop=120)
    assert [caveat.flag for caveat in beyond.caveats] == ["extrapolation"]


def test_a_case_of_ones_own_has_a_curve() -> None:
    found = run(loan_subject(), "effect", Scope(case=(Assignment(feature="age", value=40),)), feature="age")
    assert found.one("current").at == 40 and found.one("current").row == "new"


def test_many_rows_are_sampled_with_a_standard_error_and_in_one_request() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"x": rng.normal(size=900), "y": rng.normal(size=900)})
    subject = of_rule(frame, lambda data: data["x"] + data["y"])
    evaluate = Evaluator(subject.predictor)
    found = find_tool("effect")(make_view(subject, Scope(), evaluate, 0), feature="x")
    assert evaluate.calls == 1
    start = found.one("effect_start")
    assert found.one("sampled").value == 500 and found.one("sampled_from").value == 900
    assert start.error == pytest.approx(1 / np.sqrt(500), rel=0.15)
    assert abs(start.number() - (frame["x"].min() + frame["y"].mean())) < 4 * start.error


def test_several_classes_follow_the_one_that_moves_most() -> None:
    subject = toy_subjects.multiclass()
    found = run(subject, "effect", feature="age")
    moved = found.one("effect_range").number()
    assert moved >= max(values(found, "class_range")) and len(found.all("class_range")) == 2


def test_texts_and_unknown_names_are_refused() -> None:
    assert not find_tool("effect").fits(toy_subjects.text().schema)
    with pytest.raises(ToolError, match="no feature"):
        run(loan_subject(), "effect", feature="height")
    with pytest.raises(ToolError, match="not a number"):
        run(loan_subject(), "effect", feature="purpose", start=1, stop=2)


def test_curves_by_hand() -> None:
    found = shapes(np.array([[0, 1, 1], [2, 1, 0], [1, 1, 1], [0, 2, 1]], dtype=float))
    assert (found.rises, found.falls, found.flat, found.mixed, found.total) == (1, 1, 1, 1, 4)
    assert turning_points(np.array([[0.0, 1, 2, 2, 1, 3]])) == [3, 4]
    noise = np.random.default_rng(0).normal(size=(200, 1)) * np.array([[0.0, 1.0, 0.0]])
    assert turning_points(np.array([[0.0, 0.01, 0.0]]) + noise) == []
