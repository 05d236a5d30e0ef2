"""Group rates against fairlearn, scipy and direct counting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from fairlearn.metrics import MetricFrame, false_negative_rate, false_positive_rate, selection_rate
from scipy.stats import ttest_ind
from sklearn.metrics import accuracy_score
from table_subjects import loan_subject, of_rule, run, where

from askwhy.tools.engines.compared import Part, difference, largest_gap
from askwhy.tools.engines.subgroups import newcombe
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evidence import Evidence
from askwhy.tools.scope import Condition, Scope, Where
from askwhy.tools.subject import Subject


def predicted(subject: Subject) -> Any:
    names = np.array([one.name for one in subject.schema.classes])
    return names[subject.predictor(subject.data).argmax(axis=1)]


def by_group(found: Evidence, relation: str) -> dict[str, float]:
    return {str(one.group).split(" ", 1)[1]: one.number() for one in found.all(relation)}


def test_rates_are_those_of_fairlearn() -> None:
    subject = loan_subject()
    found = run(subject, "group_compare", feature="sex")
    given = predicted(subject) == "approved"
    truth = (subject.target == "approved").to_numpy()
    sexes, held = subject.data["sex"], subject.held_out
    shares = MetricFrame(metrics=selection_rate, y_true=truth, y_pred=given, sensitive_features=sexes)
    assert by_group(found, "share_of") == pytest.approx(shares.by_group.to_dict())
    assert found.one("gap_open" if found.all("gap_open") else "gap_clear").value == pytest.approx(shares.difference())
    assert found.one("ratio").value == pytest.approx(shares.ratio())
    metrics = {"accuracy_of": accuracy_score, "fpr_of": false_positive_rate, "fnr_of": false_negative_rate}
    frame = MetricFrame(metrics=metrics, y_true=truth[held], y_pred=given[held], sensitive_features=sexes[held])
    for relation in metrics:
        assert by_group(found, relation) == pytest.approx(frame.by_group[relation].to_dict())
    assert found.one("held_out").value == held.sum()
    gaps = {one.group: one.value for one in (*found.all("open"), *found.all("clear"))}
    assert gaps["accuracy"] == pytest.approx(frame.difference()["accuracy_of"])
    assert any(one.flag == "small_n" for one in found.caveats) == (sexes[held].value_counts().min() < 30)


def test_a_clear_gap_is_told_from_chance() -> None:
    rng = np.random.default_rng(0)
    data = pd.DataFrame({"sex": pd.array(rng.choice(["f", "m"], 300), dtype="str"), "x": rng.normal(size=300)})
    unfair = of_rule(
        data, lambda some: np.where((some["sex"] == "m") | (some["x"] > 1), "yes", "no"), ["no", "yes"] * 150
    )
    found = run(unfair, "group_compare", feature="sex", cls="yes")
    assert found.one("gap_clear").group == "sex m and sex f" and found.one("gap_low").number() > 0
    fair = of_rule(data, lambda some: np.where(some["x"] > 0, "yes", "no"), ["no", "yes"] * 150)
    open_ = run(fair, "group_compare", feature="sex", cls="yes")
    assert open_.one("gap_low").number() < 0 < open_.one("gap_high").number() and open_.all("gap_open")
    assert any(one.flag == "no_held_out" for one in open_.caveats)
    assert [one.unit for one in open_.all("scored")] == ["count"]


def test_numbers_are_compared_in_bands_of_equal_size() -> None:
    subject = toy_subjects.regression()
    found = run(subject, "group_compare", feature="age")
    assert [one.group for one in found.all("mean_of")] == [
        "age at most 40",
        "age above 40 and at most 57",
        "age above 57",
    ]
    output, age = subject.predictor(subject.data)[:, 0], subject.data["age"].to_numpy()
    expected = [output[age <= 40].mean(), output[(age > 40) & (age <= 57)].mean(), output[age > 57].mean()]
    assert [one.value for one in found.all("mean_of")] == pytest.approx(expected)
    wide = ttest_ind(output[age > 57], output[age <= 40], equal_var=False).confidence_interval(1 - 0.05 / 3)
    assert (found.one("gap_low").value, found.one("gap_high").value) == pytest.approx((wide.low, wide.high))
    off = np.abs(output - subject.target)[subject.held_out]
    assert found.all("off_of")[0].value == pytest.approx(off[age[subject.held_out] <= 40].mean())


def test_missing_values_are_a_group() -> None:
    found = run(toy_subjects.binary(), "group_compare", feature="monthly_income")
    assert found.all("share_of")[-1].group == "monthly income missing"
    missing = toy_subjects.binary().data["monthly_income"].isna()
    given = predicted(toy_subjects.binary()) == "yes"
    assert found.all("share_of")[-1].value == pytest.approx(given[missing].mean())


def test_a_scope_narrows_it_and_one_group_is_refused() -> None:
    subject = loan_subject()
    found = run(subject, "group_compare", where("age", "gt", 45), feature="sex")
    old = (subject.data["age"] > 45).to_numpy()
    women = old & (subject.data["sex"] == "female").to_numpy()
    assert by_group(found, "share_of")["female"] == pytest.approx((predicted(subject) == "approved")[women].mean())
    with pytest.raises(ToolError, match="same sex"):
        run(subject, "group_compare", Scope(row="3"), feature="sex")


def test_without_a_good_class_only_accuracy_is_compared() -> None:
    found = run(toy_subjects.multiclass(), "group_compare", feature="LoanPurpose")
    assert not found.all("share_of") and not found.all("fpr_of") and len(found.all("accuracy_of")) == 3


def test_intervals_of_pairs_hold_together() -> None:
    rng = np.random.default_rng(1)
    parts = [Part(str(one), (rng.random(60) < 0.5).astype(float), True) for one in range(4)]
    gap = largest_gap(parts)
    assert gap is not None
    alone = difference(gap.first, gap.second)
    assert gap.low < alone[0] and gap.high > alone[1]
    counts = [int(one.values.sum()) for one in (gap.first, gap.second)]
    assert alone == pytest.approx(newcombe(counts[0], 60, counts[1], 60))
    assert largest_gap([parts[0], Part("none", np.empty(0), True)]) is None


def test_equal_groups_are_rarely_called_different() -> None:
    """Five groups with one rate: the largest gap is called clear in at most a twentieth of draws."""
    rng = np.random.default_rng(2)
    clear = 0
    for _ in range(400):
        gap = largest_gap([Part(str(one), (rng.random(80) < 0.3).astype(float), True) for one in range(5)])
        clear += gap is not None and gap.clear
    assert clear <= 0.05 * 400 + 9


def rates(subject: Subject, inside: Any, among: Any) -> list[float]:
    given = predicted(subject) == "approved"
    return [given[inside & among].mean(), given[~inside & among].mean()]


def test_one_group_against_the_rest_by_its_value_or_by_selecting_it() -> None:
    """Asked either way, women stand against all others; other conditions narrow both sides."""
    subject = loan_subject()
    women, old = (subject.data["sex"] == "female").to_numpy(), (subject.data["age"] > 45).to_numpy()
    by_value = run(subject, "group_compare", feature="sex", value="female")
    assert [one.value for one in by_value.all("share_of")] == pytest.approx(rates(subject, women, True))
    assert (by_value.one("named").value, by_value.one("named_rest").value) == (women.sum(), (~women).sum())
    selected = run(subject, "group_compare", where("sex", "eq", "female"), feature="sex")
    assert [one.value for one in selected.all("share_of")] == [one.value for one in by_value.all("share_of")]
    assert (selected.one("selected").value, selected.one("rest").value) == (women.sum(), (~women).sum())
    assert selected.one("held_out").value == by_value.one("held_out").value == int(subject.held_out.sum())
    conditions = Condition(feature="sex", value="female"), Condition(feature="age", op="gt", value=45)
    narrowed = run(subject, "group_compare", Scope(where=Where.of(*conditions)), feature="sex")
    assert [one.value for one in narrowed.all("share_of")] == pytest.approx(rates(subject, women, old))
    assert narrowed.one("rest_within").value == int((~women & old).sum())
    counts = [int(one) for one in ((predicted(subject) == "approved")[women].sum(), women.sum())]
    others = [int(one) for one in ((predicted(subject) == "approved")[~women].sum(), (~women).sum())]
    low, high = newcombe(*counts, *others)
    assert sorted((by_value.one("gap_low").value, by_value.one("gap_high").value)) in (
        pytest.approx(sorted((low, high))),
        pytest.approx(sorted((-low, -high))),
    )


def test_what_is_neither_yes_nor_no_is_no_group() -> None:
    with pytest.raises(UnknownName, match="maybe"):
        run(toy_subjects.binary(), "group_compare", feature="is_member", value="maybe")


def test_bounds_of_a_number_make_a_group() -> None:
    subject = loan_subject()
    age = subject.data["age"].to_numpy()
    for bounds, inside in (
        ({"below": 25}, age < 25),
        ({"above": 60}, age > 60),
        ({"above": 30, "below": 40}, (age > 30) & (age < 40)),
    ):
        found = run(subject, "group_compare", feature="age", **bounds)
        assert [one.value for one in found.all("share_of")] == pytest.approx(rates(subject, inside, True))
    young = run(subject, "group_compare", where("age", "lt", 25), feature="age")
    assert [one.value for one in young.all("share_of")] == pytest.approx(rates(subject, age < 25, True))


def test_where_it_is_missing_a_row_is_on_neither_side() -> None:
    subject = toy_subjects.binary()
    income = subject.data["monthly_income"].to_numpy()
    found = run(subject, "group_compare", feature="monthly_income", above=30)
    assert found.one("named").value == int((income > 30).sum())
    assert found.one("named_rest").value == int((income <= 30).sum())


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"feature": "sex", "value": "robot"}, "robot"),
        ({"feature": "sex", "below": 3}, "not a number"),
        ({"feature": "age", "value": "30"}, "above or below"),
        ({"feature": "age", "below": 3}, "no rows with age below 3"),
        ({"feature": "age", "below": 300}, "another age"),
        ({"feature": "sex", "value": "male", "below": 3}, "not both"),
    ],
)
def test_a_group_that_cannot_be_is_refused(arguments: dict[str, Any], told: str) -> None:
    with pytest.raises(ToolError, match=told):
        run(loan_subject(), "group_compare", **arguments)


def test_few_rows_are_called_too_few() -> None:
    found = run(loan_subject(), "group_compare", feature="age", below=22)
    caveat = next(one for one in found.caveats if one.flag == "small_n")
    assert "too few" in caveat.text and "age below 22" in caveat.text


def test_nothing_is_concluded_from_a_handful_of_rows() -> None:
    """One row that is wrong is no gap of 100 points, though the table shows it."""
    parts = [Part("one", np.zeros(4), True), Part("many", np.ones(60), True), Part("others", np.ones(50), True)]
    gap = largest_gap(parts)
    assert gap is not None and gap.value == 0.0
    assert largest_gap(parts[:2]) is None
