"""Counterfactuals on planted models: valid by the original pipeline, within the rules, minimal, or refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import loan_pipeline, loan_subject, of_rule, run, values, with_features

from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Assignment, Scope
from askwhy.tools.view import make_view


def options(evidence: Evidence) -> list[dict[str, Any]]:
    """The changes of every option, by feature."""
    found = []
    for number in range(1, 6):
        suffix = "" if number == 1 else f"_{number}"
        found.append({one.feature: one.value for one in evidence.all(f"cf_change{suffix}")})
    return [one for one in found if one]


DECLINED = [str(i) for i in np.flatnonzero(loan_pipeline().predict(loan_subject().data) == "declined")][:40]


@pytest.mark.parametrize("row", DECLINED)
def test_every_result_is_valid_by_the_original_pipeline_and_keeps_the_rules(row: str) -> None:
    subject, model = loan_subject(), loan_pipeline()
    before = subject.data.loc[[row]]
    found = run(subject, "counterfactual", Scope(row=row), k=2)
    for change in options(found):
        after = before.assign(**change)
        assert model.predict(after)[0] == "approved"
        assert "sex" not in change
        assert change.get("age", 99) > before["age"].iloc[0]
        assert change.get("age", 20) <= subject.data["age"].max()
        assert 6 <= change.get("duration", 6) <= 48
        assert all(isinstance(change[name], int) for name in ("age", "duration") if name in change)
        assert change.get("purpose", "car") in ("car", "house", "repairs")
        for undone in change:
            assert model.predict(before.assign(**{k: v for k, v in change.items() if k != undone}))[0] == "declined"
    assert found.one("goal").value == "approved"
    assert all(
        one.passed for one in found.quality if one.check in ("C14 validity", "C14 constraints", "C14 minimality")
    )
    chance = model.predict_proba(before.assign(**options(found)[0]))[0, list(model.classes_).index("approved")]
    assert found.one("cf_probability").value == pytest.approx(chance)


def test_enough_rows_were_tried() -> None:
    assert len(DECLINED) >= 30


def test_few_features_are_changed_and_few_calls_are_spent() -> None:
    """The figure of merit of the search: close to one feature on average, a handful of predict calls."""
    subject = loan_subject()
    outputs = subject.predictor(subject.data)
    counts, calls = [], []
    for row in DECLINED[:15]:
        evaluate = Evaluator(subject.predictor)
        view = make_view(subject.with_known(outputs), Scope(row=row), evaluate, 0)
        found = find_tool("counterfactual")(view)
        counts.append(found.one("changes_count").value)
        calls.append(evaluate.calls)
    assert np.mean(counts) <= 1.5
    assert np.median(calls) <= 25


def test_what_is_to_be_kept_is_kept() -> None:
    subject, model = loan_subject(), loan_pipeline()
    kept = ("duration", "savings")
    reached = 0
    for row in DECLINED[:12]:
        found = run(subject, "counterfactual", Scope(row=row), keep=kept)
        for change in options(found):
            reached += 1
            assert not set(change) & set(kept)
            assert model.predict(subject.data.loc[[row]].assign(**change))[0] == "approved"
        assert {one.feature for one in found.all("kept")} == set(kept)
    assert reached


def test_only_the_named_features_change() -> None:
    subject = loan_subject()
    found = [run(subject, "counterfactual", Scope(row=row), only=("duration",)) for row in DECLINED[:10]]
    assert any(options(one) for one in found)
    assert all(set(change) == {"duration"} for one in found for change in options(one))


def both(frame: pd.DataFrame) -> Any:
    """Yes where a is at least 5 and b is at least 50; c does not matter."""
    return np.where((frame["a"] >= 5) & (frame["b"] >= 50), "yes", "no")


def grid() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {"a": rng.integers(0, 10, 60), "b": rng.integers(0, 100, 60), "c": rng.normal(size=60).round(1)}
    )


def case(**cells: Any) -> Scope:
    return Scope(case=tuple(Assignment(feature=name, value=value) for name, value in cells.items()))


def test_a_planted_rule_is_met_exactly() -> None:
    subject = of_rule(grid(), both, both(grid()))
    assert options(run(subject, "counterfactual", case(a=2, b=80, c=0.0), cls="yes")) == [{"a": 5}]
    assert options(run(subject, "counterfactual", case(a=8, b=10, c=0.0), cls="yes")) == [{"b": 50}]
    assert options(run(subject, "counterfactual", case(a=2, b=10, c=0.0), cls="yes")) == [{"a": 5, "b": 50}]
    assert options(run(subject, "counterfactual", case(a=5, b=50, c=0.0), cls="no", k=2)) == [{"b": 49}, {"a": 4}]


def test_three_conditions_at_once_are_found() -> None:
    """No row of the data meets the rule: only the beam can find it."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({name: rng.integers(0, 10, 50) for name in "abcd"})

    def rule(data: pd.DataFrame) -> Any:
        score = (data["a"] >= 9).astype(float) + (data["b"] >= 9) + (data["c"] <= 0)
        chance = np.clip(0.1 + score * 0.2, 0, 1)
        return np.column_stack([1 - chance, chance])

    frame = frame[~((frame["a"] == 9) & (frame["b"] == 9) & (frame["c"] == 0))].reset_index(drop=True)
    truth = np.where(frame["a"] > 4, "yes", "no")
    found = run(of_rule(frame, rule, truth), "counterfactual", case(a=1, b=1, c=5, d=5), cls="yes")
    assert options(found) == [{"a": 9, "b": 9, "c": 0}]


@pytest.mark.parametrize(
    ("keep", "notes", "named", "why"),
    [
        (("a",), {}, ["a"], "asked to keep"),
        ((), {"a": {"mutable": False}}, ["a"], "cannot be changed"),
        ((), {"a": {"direction": -1}}, ["a"], "only fall"),
        ((), {"a": {"allowed": (0.0, 4.0)}}, ["a"], "limited range"),
    ],
)
def test_an_infeasible_wish_names_the_binding_constraint(keep: Any, notes: Any, named: list[str], why: str) -> None:
    subject = with_features(of_rule(grid(), both, both(grid())), **notes)
    found = run(subject, "counterfactual", case(a=2, b=80, c=0.0), cls="yes", keep=keep)
    assert found.one("none_found").number() > 0 and not options(found)
    assert [one.feature for one in found.all("would_allow")] == named
    assert why in str(found.one("would_allow").value)


def test_constraints_that_bind_together_are_named_together() -> None:
    subject = of_rule(grid(), both, both(grid()))
    found = run(subject, "counterfactual", case(a=2, b=10, c=0.0), cls="yes", keep=("a", "b"))
    assert {one.feature for one in found.all("would_allow_together")} == {"a", "b"}
    assert not found.all("would_allow")
    only = run(subject, "counterfactual", case(a=2, b=80, c=0.0), cls="yes", only=("c",))
    assert [one.feature for one in only.all("would_allow")] == ["a"]


def test_what_nothing_can_reach_is_said_so() -> None:
    frame = grid()
    subject = of_rule(
        frame, lambda data: np.column_stack([np.full(len(data), 0.9), np.full(len(data), 0.1)]), ["no", "yes"] * 30
    )
    free = run(subject, "counterfactual", Scope(row="3"))
    assert free.one("unreached").value == "yes" and free.one("all_free").value == 3
    kept = run(subject, "counterfactual", Scope(row="3"), keep=("a",))
    assert kept.one("nothing_helps").number() > 0


def test_different_ways_have_different_features() -> None:
    subject = loan_subject()
    found = next(
        one for row in DECLINED if len(options(one := run(subject, "counterfactual", Scope(row=row), k=3))) == 3
    )
    features = [frozenset(change) for change in options(found)]
    assert len(set(features)) == 3 and not any(a < b for a in features for b in features)
    short = run(of_rule(grid(), both, both(grid())), "counterfactual", case(a=2, b=80, c=0.0), cls="yes", k=4)
    assert (short.one("options").value, short.one("wanted").value) == (1, 4)


def test_a_class_already_predicted_needs_nothing() -> None:
    subject = loan_subject()
    approved = str(np.flatnonzero(loan_pipeline().predict(subject.data) == "approved")[0])
    found = run(subject, "counterfactual", Scope(row=approved), cls="approved")
    assert found.one("already").value == "approved" and not options(found)
    assert run(subject, "counterfactual", Scope(row=approved)).one("goal").value == "declined"


def test_several_classes_go_to_the_likeliest_other_one() -> None:
    subject = toy_subjects.multiclass()
    outputs = subject.predictor(subject.data.iloc[3:4])[0]
    found = run(subject, "counterfactual", Scope(row="3"))
    assert found.one("goal").value == subject.schema.classes[int(np.argsort(-outputs)[1])].name
    high = run(subject, "counterfactual", Scope(row="3"), cls="high")
    after = subject.data.iloc[3:4].assign(
        **{k: pd.Timestamp(v) if k == "joined" else v for k, v in options(high)[0].items()}
    )
    assert subject.predictor(after).argmax() == subject.schema.class_index("high")


def double(frame: pd.DataFrame) -> Any:
    """Ten times x plus y."""
    return 10 * frame["x"] + frame["y"]


def test_a_number_is_reached_from_either_side() -> None:
    frame = pd.DataFrame({"x": np.arange(21), "y": np.linspace(0, 5, 21).round(2)})
    subject = of_rule(frame, double, double(frame) + 1)
    up = run(subject, "counterfactual", Scope(row="4"), number=100.0, keep=("y",))
    assert options(up) == [{"x": 10}] and up.one("cf_estimate").value == pytest.approx(101.0)
    down = run(subject, "counterfactual", Scope(row="10"), number=50.0, keep=("y",))
    assert options(down) == [{"x": 4}]
    median = run(subject, "counterfactual", Scope(row="4"))
    assert median.one("assumed_goal").value == pytest.approx(np.median(double(frame)))
    lower = run(subject, "counterfactual", Scope(row="10"), direction="lower")
    assert lower.one("goal_number").value == pytest.approx(np.quantile(double(frame), 0.25))
    assert run(subject, "counterfactual", Scope(row="4"), number=10.0, direction="higher").all("already_estimate")
    assert run(subject, "counterfactual", Scope(row="4"), number=1e6).all("none_found")


def test_missing_cells_and_whole_numbers_are_respected() -> None:
    subject = loan_subject()
    missing = [str(one) for one in subject.data.index[subject.data["savings"].isna()]]
    for row in missing:
        for change in options(run(subject, "counterfactual", Scope(row=row))):
            assert all(value is not None for value in change.values())


def test_an_unusual_case_is_flagged() -> None:
    """x and y go together in the data; the only allowed change takes x away from y."""
    rng = np.random.default_rng(0)
    x = rng.uniform(0, 1, 200).round(3)
    frame = pd.DataFrame(
        {"x": x, "y": (x + rng.normal(0, 0.005, 200)).round(3), "z": (x + rng.normal(0, 0.005, 200)).round(3)}
    )
    subject = of_rule(
        frame, lambda data: np.where(data["x"] > 0.9, "yes", "no"), np.where(frame["x"] > 0.9, "yes", "no")
    )
    lowest = str(int(frame["x"].idxmin()))
    odd = run(subject, "counterfactual", Scope(row=lowest), cls="yes")
    assert "unusual" in [caveat.flag for caveat in odd.caveats]
    assert [one.passed for one in odd.quality if one.check == "C14 plausibility"] == [False]


def test_a_usual_case_is_not_flagged() -> None:
    """Independent features: a small step over the border in the middle of the data is nothing unusual."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.uniform(0, 1, (400, 3)).round(3), columns=["x", "y", "z"])
    subject = of_rule(
        frame, lambda data: np.where(data["x"] > 0.5, "yes", "no"), np.where(frame["x"] > 0.5, "yes", "no")
    )
    found = run(subject, "counterfactual", case(x=0.45, y=0.5, z=0.5), cls="yes")
    assert options(found) == [{"x": 0.501}]
    assert "unusual" not in [caveat.flag for caveat in found.caveats]


def test_the_wrong_kind_of_goal_is_refused() -> None:
    with pytest.raises(ToolError, match="predicts classes"):
        run(loan_subject(), "counterfactual", Scope(row="3"), number=5.0)
    with pytest.raises(ToolError, match="no classes|predicts a number"):
        run(toy_subjects.regression(), "counterfactual", Scope(row="3"), cls="high")
    with pytest.raises(ToolError, match="Say which"):
        run(loan_subject(), "counterfactual")
    with pytest.raises(ToolError, match="no feature"):
        run(loan_subject(), "counterfactual", Scope(row="3"), keep=("height",))
    assert not find_tool("counterfactual").fits(toy_subjects.text().schema)
    assert values(run(loan_subject(), "counterfactual", Scope(row=DECLINED[0])), "goal") == ["approved"]
