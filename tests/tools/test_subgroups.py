"""Subgroup search against planted groups and chance, and its parts against scipy and numbers worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from scipy.stats import fisher_exact, permutation_test, ttest_ind
from table_subjects import loan_subject, of_rule, run, values, with_features

from askwhy.tools.engines.rules import Predicate, holds
from askwhy.tools.engines.subgroups import measure, newcombe, search
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject


def frame(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "region": pd.array(rng.choice(["north", "south", "west"], rows), dtype="str"),
            "age": rng.integers(18, 80, rows),
            "key": np.arange(rows),
            "noise": rng.normal(size=rows),
        }
    )


def failing(rows: int = 400) -> Subject:
    """Wrong about most of the old in the south and about a tenth of the rest."""
    data = frame(rows)
    rng = np.random.default_rng(1)
    weak = (data["region"] == "south") & (data["age"] > 50)
    wrong = np.where(weak, rng.random(rows) < 0.8, rng.random(rows) < 0.1)
    predicted = np.where(rng.random(rows) < 0.5, "a", "b")
    truth = np.where(wrong, np.where(predicted == "a", "b", "a"), predicted)
    return of_rule(data, lambda some: predicted[some["key"].to_numpy()], truth, held_out=np.ones(rows, dtype=bool))


def rule_of(found: Evidence, group: str | None) -> dict[str, Any]:
    """The conditions of a rule, by relation and feature."""
    return {f"{one.relation} {one.feature}": one.value for one in found.facts if one.group == group and one.feature}


def test_the_planted_weak_spot_is_described_and_confirmed() -> None:
    subject = failing()
    found = run(subject, "failure_slices")
    top = found.one("slice_rate")
    rule = rule_of(found, top.group)
    assert rule["rule_value region"] == "south" and abs(rule["rule_above age"] - 50) < 8
    assert top.number() > 0.55 and found.one("rest_rate").number() < 0.2
    assert found.one("slice_gap").number() == pytest.approx(top.number() - found.one("rest_rate").number())
    assert 0 < found.one("gap_low").number() < found.one("slice_gap").number() < found.one("gap_high").number()
    assert found.one("searched").value == 200 and found.one("confirmed").value == 200
    rows, wrong = found.one("slice_rows").number(), found.one("slice_wrong").number()
    assert top.number() == pytest.approx(wrong / rows)
    whole = (subject.data["region"] == "south") & (subject.data["age"] > rule["rule_above age"])
    assert rows < whole.sum()
    assert found.quality[0].check == "C10" and found.quality[0].passed
    assert found.table is not None and len(found.table.rows) == found.one("tested").value


def test_errors_of_numbers_have_slices_too() -> None:
    data = frame()
    noise = np.random.default_rng(2).normal(size=len(data))
    scale = np.where(data["region"] == "west", 8.0, 1.0)
    subject = of_rule(data, lambda some: some["age"] * 1.0, data["age"] + scale * noise, np.ones(len(data), dtype=bool))
    found = run(subject, "failure_slices", conditions=1)
    assert found.one("slice_error").group == "region west"
    overall = np.abs(scale * noise).mean()
    assert found.one("overall_error").value == pytest.approx(overall)
    assert found.one("slice_error").number() > overall > found.one("rest_error").number()


def test_chance_alone_is_rarely_named() -> None:
    """Mistakes drawn at random: a group is named in at most a tenth of the draws, up to sampling error."""
    rng = np.random.default_rng(3)
    data = frame(160)
    subject = of_rule(data, lambda some: some["noise"] * 1.0)
    named = [bool(search(subject.schema, data, (rng.random(160) < 0.3).astype(int), rng).found) for _ in range(60)]
    assert sum(named) <= 12


def test_nothing_found_is_said_with_what_was_tested() -> None:
    data = frame(120)
    predicted = np.where(np.random.default_rng(4).random(120) < 0.5, "a", "b")
    wrong = np.random.default_rng(5).random(120) < 0.3
    truth = np.where(wrong, "c", predicted)
    subject = of_rule(data, lambda some: predicted[some["key"].to_numpy()], truth, np.ones(120, dtype=bool))
    found = run(subject, "failure_slices")
    assert not found.all("slice_rate") and not found.all("rule_value")
    assert found.one("none_of_tested").number() >= 1 and found.one("overall").value == pytest.approx(wrong.mean())
    with pytest.raises(ToolError, match="at least 20"):
        run(subject, "failure_slices", Scope(row="3"))


def test_a_group_is_measured_as_scipy_does() -> None:
    data, rng = frame(80), np.random.default_rng(6)
    rule = (Predicate(of_rule(data, lambda some: some["age"] * 1.0).schema.feature("age"), low=40),)
    inside = holds(rule, data)
    assert inside.tolist() == (data["age"] > 40).tolist()
    event = (rng.random(80) < np.where(inside, 0.6, 0.3)).astype(int)
    found = measure(rule, inside, event, rng)
    table = [[event[one].sum(), (1 - event[one]).sum()] for one in (inside, ~inside)]
    assert found.p == pytest.approx(fisher_exact(table, alternative="greater").pvalue)
    assert found.gap == pytest.approx(event[inside].mean() - event[~inside].mean())
    numbers = rng.normal(size=80) + inside
    found = measure(rule, inside, numbers, rng)
    welch = ttest_ind(numbers[inside], numbers[~inside], equal_var=False).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((welch.low, welch.high))
    shuffled = permutation_test(
        (numbers[inside], numbers[~inside]),
        lambda one, other: one.mean() - other.mean(),
        alternative="greater",
        n_resamples=2000,
        rng=np.random.default_rng(0),
    )
    assert found.p == pytest.approx(shuffled.pvalue, abs=0.01)


def test_the_interval_of_a_difference_is_newcombes() -> None:
    """The worked examples of Newcombe (1998), table II, method 10."""
    assert newcombe(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)
    assert newcombe(9, 10, 3, 10) == pytest.approx((0.1705, 0.8090), abs=5e-5)
    assert newcombe(5, 56, 0, 29) == pytest.approx((-0.0381, 0.1926), abs=5e-5)
    assert newcombe(10, 10, 0, 10) == pytest.approx((0.6075, 1.0), abs=5e-5)


def treated(rows: int = 400) -> Subject:
    """Approved unless young and from the north."""
    data = frame(rows)

    def rule(some: pd.DataFrame) -> Any:
        return np.where((some["region"] == "north") & (some["age"] < 45), "declined", "approved")

    return with_features(of_rule(data, rule, rule(data)), favourable="approved")


def test_the_worst_treated_group_is_the_planted_one() -> None:
    found = run(treated(), "worst_group")
    worst = found.one("worst_share")
    rule = rule_of(found, worst.group)
    assert rule["rule_value region"] == "north" and abs(rule["rule_at_most age"] - 45) < 20
    assert worst.cls == "approved" and worst.number() < 0.3 < found.one("rest_share").number()
    gap = found.one("group_gap").number()
    assert gap == pytest.approx(found.one("rest_share").number() - worst.number())
    assert 0 < found.one("gap_low").number() < gap < found.one("gap_high").number()
    assert any(one.flag == "outputs_compared" for one in found.caveats)


def test_only_the_features_asked_for_are_in_the_rule() -> None:
    found = run(treated(), "worst_group", features=("region",), conditions=3)
    assert found.one("worst_share").group == "region north"
    better = run(treated(), "worst_group", worse="higher", features=("region",))
    assert better.one("worst_high").group in ("region south", "region west")
    none = run(treated(), "worst_group", features=("noise",))
    assert not none.all("worst_share")


def test_the_other_class_makes_another_group_worst() -> None:
    found = run(treated(), "worst_group", cls="declined", features=("region",))
    assert found.one("worst_share").cls == "declined" and found.one("worst_share").group != "region north"


def test_numbers_and_mistakes_can_be_what_is_worse() -> None:
    data = frame()
    subject = of_rule(data, lambda some: 10.0 * (some["region"] == "west") + 0.1 * some["noise"], np.zeros(len(data)))
    low = run(subject, "worst_group", worse="higher", conditions=1)
    assert low.one("worst_high_output").group == "region west"
    assert low.one("worst_high_output").number() == pytest.approx(10, abs=0.1)
    off = run(subject, "worst_group", measure="error", conditions=1)
    assert off.one("worst_off").group == "region west"
    wrong = run(failing(), "worst_group", measure="error")
    same = run(failing(), "failure_slices")
    assert wrong.one("worst_wrong").value == same.one("slice_rate").value
    assert wrong.one("worst_wrong").group == same.one("slice_rate").group


def test_several_classes_without_a_good_one_are_compared_by_mistakes() -> None:
    found = run(toy_subjects.multiclass(), "worst_group")
    assert found.one("held_out").value == 30
    assert values(run(loan_subject(), "worst_group"), "searched") == [80]


def test_the_table_begins_with_the_group_that_is_named() -> None:
    """On the group treated worst, the table's first row is the group of the sentence; others follow by difference."""
    data = frame()
    low = (data["region"] == "west").to_numpy()
    subject = of_rule(data, lambda some: np.where(some["region"] == "west", 1.0, 9.0) + some["age"] / 100, low * 1.0)
    found = run(subject, "worst_group")
    assert found.table is not None and len(found.table.rows) > 1
    assert found.table.rows[0][0] in {fact.group for fact in found.facts}
    gaps = [abs(float(str(row[4]))) for row in found.table.rows]
    held = [float(str(row[7])) <= 0.1 for row in found.table.rows]
    assert held == sorted(held, reverse=True)
    assert gaps[: sum(held)] == sorted(gaps[: sum(held)], reverse=True)
