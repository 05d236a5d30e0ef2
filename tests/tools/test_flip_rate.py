"""Flips when only one feature is changed, against direct prediction on changed frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from scipy.stats import binomtest
from table_subjects import loan_subject, of_rule, run, where

from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject


def decided(rule: Any) -> Subject:
    rng = np.random.default_rng(0)
    data = pd.DataFrame(
        {"sex": pd.array(rng.choice(["female", "male"], 120), dtype="str"), "score": rng.integers(0, 100, 120)}
    )
    return of_rule(data, rule, ["yes", "no"] * 60)


def test_flips_are_counted_as_by_hand() -> None:
    subject = decided(lambda some: np.where(some["score"] + 20 * (some["sex"] == "male") > 60, "yes", "no"))
    found = run(subject, "flip_rate", feature="sex")
    score = subject.data["score"]
    expected = int(((score > 40) & (score <= 60)).sum())
    assert found.one("flips").value == expected and found.one("total").value == 120
    wilson = binomtest(expected, 120).proportion_ci(method="wilson")
    ends = found.one("rate_low").value, found.one("rate_high").value
    assert ends == pytest.approx((wilson.low, wilson.high))
    women = (subject.data["sex"] == "female").to_numpy()
    to_male = next(one for one in found.all("flip_to") if one.at == "male")
    assert to_male.value == pytest.approx(((score > 40) & (score <= 60))[women].mean())


def test_no_flip_still_has_an_upper_bound() -> None:
    subject = decided(lambda some: np.where(some["score"] > 60, "yes", "no"))
    found = run(subject, "flip_rate", feature="sex")
    assert found.one("no_flips").value == 120 and not found.all("flips")
    assert found.one("rate_high").value == pytest.approx(binomtest(0, 120).proportion_ci(method="wilson").high)


def test_probabilities_with_every_value_are_the_models() -> None:
    subject = loan_subject()
    found = run(subject, "flip_rate", feature="purpose")
    column = subject.schema.class_index("approved")
    before = subject.predictor(subject.data)[:, column]
    assert found.one("mean_now").value == pytest.approx(before.mean())
    for value in ("car", "house", "repairs"):
        changed = subject.predictor(subject.data.assign(purpose=pd.array([value] * 160, dtype="str")))[:, column]
        assert {one.at: one.value for one in found.all("mean_with")}[value] == pytest.approx(changed.mean())
        others = (subject.data["purpose"] != value).to_numpy()
        moved = (changed - before)[others]
        fact = next(one for one in found.all("mean_change") if one.at == value)
        assert fact.value == pytest.approx(moved.mean())
        assert fact.error == pytest.approx(moved.std(ddof=1) / np.sqrt(others.sum()))


def test_one_row_is_asked_with_each_other_value() -> None:
    subject = decided(lambda some: np.where(some["score"] + 20 * (some["sex"] == "male") > 60, "yes", "no"))
    data = subject.data
    near = data[(data["score"] > 40) & (data["score"] <= 60)].index[0]
    found = run(subject, "flip_rate", Scope(row=str(near)), feature="sex", cls="yes")
    other = "male" if data["sex"][near] == "female" else "female"
    assert [one.at for one in found.all("class_with")] == [other]
    assert found.one("class_with").cls != found.one("prediction").cls
    assert found.one("probability_with").value == (1.0 if other == "male" else 0.0)
    far = data[data["score"] > 60].index[0]
    kept = run(subject, "flip_rate", Scope(row=str(far)), feature="sex")
    assert kept.one("kept_with").cls == kept.one("prediction").cls == "yes" and not kept.all("class_with")


def test_numbers_move_over_the_range_of_the_data() -> None:
    subject = toy_subjects.regression()
    found = run(subject, "flip_rate", feature="age")
    ages = [one.at for one in found.all("mean_output_with")]
    assert (ages[0], ages[-1]) == (subject.data["age"].min(), subject.data["age"].max()) and len(ages) == 5
    lowest = subject.predictor(subject.data.assign(age=ages[0]))[:, 0]
    highest = subject.predictor(subject.data.assign(age=ages[-1]))[:, 0]
    assert found.all("mean_output_with")[0].value == pytest.approx(lowest.mean())
    assert found.one("mean_spread").value == pytest.approx((highest - lowest).mean())
    one = run(subject, "flip_rate", Scope(row="3"), feature="age")
    assert one.all("estimate_with")[0].value == pytest.approx(lowest[3])


def test_a_scope_and_its_limits() -> None:
    subject = loan_subject()
    found = run(subject, "flip_rate", where("age", "gt", 45), feature="sex")
    total = (found.all("total") or found.all("no_flips"))[0]
    assert total.value == (subject.data["age"] > 45).sum()
    assert any(one.flag == "only_the_model" for one in found.caveats)
    constant = of_rule(pd.DataFrame({"x": [1.0] * 4, "y": [0, 1, 0, 1]}), lambda some: some["y"] * 1.0, [0.0] * 4)
    with pytest.raises(ToolError, match="only one value"):
        run(constant, "flip_rate", feature="x")
