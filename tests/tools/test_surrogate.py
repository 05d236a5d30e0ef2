"""Surrogate rules against planted models and against the stated rules applied by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import loan_subject, of_rule, run

from askwhy.tools.engines.rules import Predicate, holds, rule_words
from askwhy.tools.engines.tree_rules import answers, fit_rules
from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject


def planted(rule: Any, rows: int = 300) -> Subject:
    rng = np.random.default_rng(0)
    income = rng.normal(50, 10, rows).round(2)
    income[rng.random(rows) < 0.1] = np.nan
    data = pd.DataFrame(
        {
            "colour": pd.array(rng.choice(["red", "green", "blue"], rows), dtype="str"),
            "age": rng.integers(18, 80, rows),
            "income": income,
            "member": rng.random(rows) < 0.5,
            "joined": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, rows), unit="D"),
        }
    )
    return of_rule(data, rule, rule(data))


def test_a_model_that_is_rules_is_recovered() -> None:
    subject = planted(lambda some: np.where((some["colour"] == "red") & (some["age"] > 40), "yes", "no"))
    found = run(subject, "surrogate", depth=2)
    yes = {one.group for one in found.all("rule") if one.cls == "yes"}
    assert yes & {"age above 40 and colour red", "colour red and age above 40"} and len(found.all("rule")) == 3
    assert all(one.value == 1.0 for one in found.all("rule"))
    assert found.one("fidelity").value == 1.0 and found.one("tested").value == 90
    assert sum(one.number() for one in found.all("support")) == pytest.approx(1.0)
    assert found.quality[0].passed


@pytest.mark.parametrize("depth", [1, 3, 5])
def test_every_row_meets_exactly_one_rule_and_the_words_are_what_is_scored(depth: int) -> None:
    for subject in (loan_subject(), toy_subjects.multiclass(), toy_subjects.regression()):
        outputs = subject.predictor(subject.data)
        classes = not subject.regression
        goal = outputs.argmax(axis=1) if classes else outputs[:, 0]
        leaves = fit_rules(subject.schema, subject.data, goal, depth, classes=classes)
        met = np.array([holds(leaf.rule, subject.data) for leaf in leaves])
        assert (met.sum(axis=0) == 1).all()
        assert [int(one.sum()) for one in met] == [leaf.rows for leaf in leaves]
        said = answers(leaves, subject.data)
        for leaf, mask in zip(leaves, met, strict=True):
            mean = goal[mask].mean() if not classes else np.bincount(goal[mask]).argmax()
            assert leaf.says == pytest.approx(mean) and (said[mask] == leaf.says).all()
        assert len({rule_words(leaf.rule) for leaf in leaves}) == len(leaves)


def test_missing_cells_and_dates_are_said() -> None:
    gap = planted(lambda some: np.where(some["income"].isna(), "yes", "no"))
    rules = {one.cls: one.group for one in run(gap, "surrogate", depth=1).all("rule")}
    assert rules["yes"] == "income missing"
    late = planted(lambda some: np.where(some["joined"] > pd.Timestamp("2021-06-01"), "yes", "no"))
    rules = {one.cls: one.group for one in run(late, "surrogate", depth=1).all("rule")}
    assert rules["yes"] is not None and rules["yes"].startswith("joined after 2021-0")
    yes = planted(lambda some: np.where(some["member"], "yes", "no"))
    assert {one.group for one in run(yes, "surrogate").all("rule")} == {"member yes", "member no"}


def test_numbers_get_means_and_a_share_of_the_variation() -> None:
    subject = planted(lambda some: 10.0 * (some["age"] > 50) + 5.0 * (some["colour"] == "blue"))
    found = run(subject, "surrogate", depth=2)
    assert {one.value for one in found.all("rule_number")} == {0.0, 5.0, 10.0, 15.0}
    assert found.one("fidelity_number").value == pytest.approx(1.0)
    rough = run(planted(lambda some: np.sin(some["age"] * 2.0)), "surrogate", depth=1)
    assert rough.one("fidelity_number").number() < 0.8 and not rough.quality[0].passed
    assert [one.flag for one in rough.caveats] == ["low_fidelity"]


def test_fidelity_is_compared_with_a_constant_answer() -> None:
    rare = planted(lambda some: np.where(some["age"] * 7919 % 13 == 0, "yes", "no"))
    found = run(rare, "surrogate", depth=2)
    assert found.one("baseline").number() > 0.8 and not found.quality[0].passed
    assert [one.flag for one in found.caveats] == ["no_better_than_constant"]


def test_a_constant_model_and_too_few_rows() -> None:
    subject = planted(lambda some: np.where(some["age"] > 40, "yes", "no"))
    constant = of_rule(subject.data, lambda some: np.full(len(some), "no"), ["yes", "no"] * 150)
    assert run(constant, "surrogate").one("constant").value == "no"
    with pytest.raises(ToolError, match="at least 40"):
        run(subject, "surrogate", Scope(row="3"))


def test_words_of_the_rest_and_of_missing_cells() -> None:
    schema = planted(lambda some: some["age"] * 1.0).schema
    rest = Predicate(schema.feature("colour"), besides=("red", "blue"))
    assert rest.words() == "colour anything but red or blue"
    rows = pd.DataFrame({"colour": ["red", "green", None], "income": [1.0, 9.0, np.nan]})
    assert rest.holds(rows["colour"]).tolist() == [False, True, True]
    some = Predicate(schema.feature("income"), low=5, missing=True)
    assert some.words() == "income above 5 or missing" and some.holds(rows["income"]).tolist() == [False, True, True]
