"""Robustness of predictions whose distance to a flip is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from hand_subjects import hand_subject
from table_subjects import run

from askwhy.tools.engines.jitter import jittered
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject


def table(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"a": rng.normal(size=rows).round(3), "b": rng.normal(size=rows).round(3), "n": rng.integers(0, 100, rows)}
    )
    frame["c"] = pd.array(rng.choice(["x", "y", "z"], rows), dtype="str")
    frame.loc[0, ["a", "b", "n", "c"]] = [0.02, 1.0, 50, "x"]
    return frame


def chance(inside: Any) -> Any:
    one = np.where(inside, 0.9, 0.2)
    return np.column_stack([1 - one, one])


def subject_of(call: Any, classes: tuple[str, ...] = ("no", "yes")) -> Subject:
    return hand_subject(call, table(), classes)


def test_noise_of_five_per_cent_flips_as_often_as_the_normal_says() -> None:
    from scipy.stats import norm

    subject = subject_of(lambda frame: chance(frame["a"] > 0))
    found = run(subject, "robustness", Scope(row="0"))
    expected = float(norm.cdf(-0.02 / (0.05 * subject.data["a"].std())))
    assert found.one("flips").value == pytest.approx(expected, abs=0.05)
    assert found.one("flips_low").number() <= expected <= found.one("flips_high").number()
    assert found.one("change").value == pytest.approx(0.7 * found.one("flips").number())
    assert found.one("largest").value == pytest.approx(0.7)
    assert not found.quality[0].passed


def test_categories_flip_in_three_per_cent() -> None:
    found = run(subject_of(lambda frame: chance(frame["c"] == "x")), "robustness", Scope(row="0"))
    assert found.one("flips_low").number() <= 0.03 <= found.one("flips_high").number()


def test_a_prediction_that_nothing_moves() -> None:
    found = run(subject_of(lambda frame: chance(frame["a"] > -100)), "robustness", Scope(row="0"))
    assert found.one("steady").value == 1000 and found.one("largest").value == 0
    assert 0 < found.one("steady_high").number() < 0.01
    assert found.one("unflipped").value == 3 and found.quality[0].passed


def test_the_smallest_flip_of_each_number() -> None:
    def call(frame: pd.DataFrame) -> Any:
        return chance((frame["a"] < 1.234) & (frame["n"] < 83) & (frame["b"] > -0.5))

    subject = subject_of(call)
    found = run(subject, "robustness", Scope(row="0"))
    assert found.table is not None
    flips = {row[0]: row[2] for row in found.table.rows}
    assert flips["a"] == pytest.approx(1.234, abs=0.011) and flips["a"] >= 1.234
    assert flips["n"] == 83
    assert flips["b"] == pytest.approx(-0.5, abs=0.011) and flips["b"] <= -0.5
    data = subject.data
    distances = {"a": 1.214 / data["a"].std(), "n": 33 / data["n"].std(), "b": 1.5 / data["b"].std()}
    assert [row[0] for row in found.table.rows] == sorted(distances, key=lambda name: distances[name])
    for row in found.table.rows:  # each is a flip on the model itself
        there = subject.row("0").assign(**{str(row[0]): row[2]})
        assert subject.predictor(there).argmax() != subject.predictor(subject.row("0")).argmax()


def test_a_regression_moves_by_its_slope() -> None:
    subject = hand_subject(lambda frame: 3 * frame["a"], table())
    found = run(subject, "robustness", Scope(row="0"))
    sd = 3 * 0.05 * float(subject.data["a"].std())
    assert found.one("change_output").value == pytest.approx(sd * np.sqrt(2 / np.pi), rel=0.1)
    assert found.one("high").number() - found.one("low").number() == pytest.approx(2 * 1.96 * sd, rel=0.1)


def test_noise_keeps_kinds_ranges_and_gaps() -> None:
    subject = toy_subjects.binary()
    row = subject.data[subject.data["monthly_income"].isna()].iloc[:1]
    made = jittered(subject.schema, subject.data, row, 300, np.random.default_rng(0))
    assert list(made.dtypes) == list(subject.data.dtypes)
    assert made["monthly_income"].isna().all()
    assert made["age"].between(subject.data["age"].min(), subject.data["age"].max()).all()
    assert set(made["LoanPurpose"]) <= set(subject.data["LoanPurpose"])
    assert 0 < (made["is_member"] != row["is_member"].iloc[0]).mean() < 0.1
    assert made["joined"].nunique() > 10
