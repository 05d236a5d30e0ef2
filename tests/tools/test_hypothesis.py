"""Beliefs about a model, tested on models whose right answer is known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from hand_subjects import hand_subject
from table_subjects import run

from askwhy.tools.engines.reliance import explained
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject


def people(rows: int = 200, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "sex": pd.array(rng.choice(["female", "male"], rows), dtype="str"),
            "age": rng.integers(20, 60, rows),
            "income": rng.normal(30, 5, rows).round(2),
        }
    )


def by_sex(frame: pd.DataFrame) -> Any:
    chance = np.where(frame["sex"] == "male", 0.8, 0.3)
    return np.column_stack([1 - chance, chance])


def mostly_income(frame: pd.DataFrame) -> Any:
    return frame["income"] + 2 * (frame["sex"] == "male")


def subject_of(call: Any, classes: tuple[str, ...] = ()) -> Subject:
    return hand_subject(call, people(), classes)


def test_a_model_that_goes_by_sex_alone() -> None:
    subject = subject_of(by_sex, ("no", "yes"))
    only = run(subject, "hypothesis", features=("sex",), claim="only", cls="yes")
    assert only.one("only_supported").group == "sex"
    assert (only.one("rest").value, only.one("flips").value, only.one("alone").value) == (0.0, 0.0, 1.0)
    used = run(subject, "hypothesis", features=("sex",), cls="yes")
    male = float((subject.data["sex"] == "male").mean())
    # A redrawn sex differs from a row's own with the other sex's share; then the probability moves by 0.5.
    expected = 2 * male * (1 - male)
    assert used.one("supported").group == "sex"
    assert used.one("flips").value == pytest.approx(expected, abs=0.03)
    assert used.one("change").number() == pytest.approx(0.5 * used.one("flips").number())
    assert used.one("change_low").number() <= used.one("change").number() <= used.one("change_high").number()


def test_a_feature_that_is_not_read() -> None:
    subject = subject_of(by_sex, ("no", "yes"))
    found = run(subject, "hypothesis", features=("age", "income"))
    assert found.one("not_supported").group == "age and income"
    assert found.one("never").value == 200 * 20
    assert run(subject, "hypothesis", features=("age",), claim="only").one("only_not_supported")


def test_a_regression_that_goes_by_more_than_one_feature() -> None:
    subject = subject_of(mostly_income)
    assert run(subject, "hypothesis", features=("sex",)).one("supported")
    found = run(subject, "hypothesis", features=("income",), claim="only")
    data = subject.data
    income, sex = float(data["income"].var(ddof=0)), 4 * float((data["sex"] == "male").var(ddof=0))
    low, high = found.one("alone_low").number(), found.one("alone_high").number()
    assert low <= income / (income + sex) <= high
    assert found.all("only_supported") or found.all("only_cannot_tell")  # 0.96: near the limit of 0.95


def test_a_slight_effect_is_not_called_reliance() -> None:
    subject = subject_of(lambda frame: frame["income"] + 0.01 * (frame["sex"] == "male"))
    found = run(subject, "hypothesis", features=("sex",))
    assert found.one("not_supported") and not found.all("never")
    outputs = subject.predictor(subject.data)[:, 0]
    assert found.one("margin").value == pytest.approx(0.01 * outputs.std())


def test_shares_are_exact_where_nothing_else_is_read_and_within_their_interval_elsewhere() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 3)), columns=["a", "b", "c"])
    subject = hand_subject(lambda rows: rows["a"] + rows["a"] * rows["b"], frame)
    evaluate = Evaluator(subject.predictor)

    def of(*columns: int) -> Any:
        return explained(evaluate, subject.data, subject.data, columns, 4000, np.random.default_rng(1))

    assert (of(2).alone, of(2).with_others) == (0.0, 0.0)
    assert of(0, 1).alone == 1.0
    a, b = frame["a"].to_numpy(), frame["b"].to_numpy()
    everything = np.add.outer(a, np.zeros(400)) + np.outer(a, b)
    alone = everything.mean(axis=1).var() / everything.var()
    with_others = everything.var(axis=0).mean() / everything.var()
    assert of(0).alone_interval[0] <= alone <= of(0).alone_interval[1]
    assert of(0).with_others_interval[0] <= with_others <= of(0).with_others_interval[1]


def test_the_intervals_hold_the_truth_most_of_the_time() -> None:
    frame = people(60)
    subject = hand_subject(mostly_income, frame)
    sex = (frame["sex"] == "male").to_numpy()
    others = 2 * np.abs(sex[:, None].astype(float) - sex[None, :]).mean()
    inside = 0
    for seed in range(40):
        found = run(subject, "hypothesis", seed=seed, features=("sex",))
        inside += found.one("change_low").number() <= others <= found.one("change_high").number()
    assert inside >= 34


def test_one_row() -> None:
    subject = subject_of(by_sex, ("no", "yes"))
    found = run(subject, "hypothesis", Scope(row="5"), features=("sex",))
    differ = float((subject.data["sex"] != subject.data["sex"].iloc[5]).mean())
    assert found.one("own_flips").value == pytest.approx(differ, abs=0.1)
    assert run(subject, "hypothesis", Scope(row="5"), features=("sex",), claim="only").one("only_supported")
    assert run(subject, "hypothesis", Scope(row="5"), features=("age",), claim="only").one("only_not_supported")


def test_several_classes_are_followed_together() -> None:
    found = run(toy_subjects.multiclass(), "hypothesis", features=("age",))
    assert 0 < found.one("change_all").number() <= 1 and found.one("change_all").cls is None


def test_what_cannot_be_tested_is_refused() -> None:
    subject = subject_of(by_sex, ("no", "yes"))
    for names in ((), ("sex", "age", "income")):
        with pytest.raises(ToolError):
            run(subject, "hypothesis", features=names)
    constant = hand_subject(mostly_income, people().assign(age=40))
    with pytest.raises(ToolError, match="only one value"):
        run(constant, "hypothesis", features=("age",))


def test_features_that_stand_for_each_other_are_told() -> None:
    twins = people().assign(wage=lambda frame: frame["income"] * 2)
    found = run(hand_subject(mostly_income, twins), "hypothesis", features=("income",))
    assert any(caveat.flag == "correlated" and "wage" in caveat.text for caveat in found.caveats)
