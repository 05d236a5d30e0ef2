"""Rows above or below a mean that was found: the bound is the number found, and only of the feature it is of."""

from __future__ import annotations

import pytest

from askwhy.agent.investigate.comparing import bound_in, in_words, mean_first, within
from askwhy.agent.investigate.notebook import Found
from askwhy.agent.plan import Plan, Step
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.scope import Condition, Scope, Where
from askwhy.tools.subjects.builtin import builtin

PATIENTS = builtin("diabetes")
BMI = PATIENTS.data["bmi"]
EXACT = float(BMI.mean())


def found(feature: str = "bmi", value: float = EXACT) -> list[Found]:
    fact = Fact(id="f1", relation="statistic", value=value, feature=feature)
    return [Found("", 1, Evidence(tool="statistic", scope=Scope(), facts=(fact,)))]


@pytest.mark.parametrize(
    ("said", "op"),
    [
        ("how many patients are above it", "gt"),
        ("how many patients are below that", "lt"),
        ("how many have a higher value", "gt"),
        ("how many patients have less than the average", "lt"),
    ],
)
def test_a_bound_is_the_number_that_was_found(said: str, op: str) -> None:
    bound = bound_in(said, PATIENTS, found())
    assert bound is not None and (bound.feature.name, bound.op) == ("bmi", op)
    assert ((bound.value < BMI) == (BMI > EXACT)).all(), "as short as it may be and part the same rows"


@pytest.mark.parametrize(
    "said",
    [
        "how many patients are older than that",  # of age, and a BMI was found
        "how many patients have a blood pressure above that",
        "how many patients are there",
        "explain patient 3",
    ],
)
def test_no_bound_of_another_feature(said: str) -> None:
    assert bound_in(said, PATIENTS, found()) is None


def test_no_bound_before_a_number_or_in_texts() -> None:
    assert bound_in("how many are above it", PATIENTS, []) is None
    assert bound_in("how many are above it", builtin("reviews"), found()) is None


def test_what_has_to_be_found_first() -> None:
    wanted = mean_first("how many patients are older than the average", PATIENTS.schema)
    assert wanted is not None and (wanted[0], wanted[1].name) == ("mean", "age")
    wanted = mean_first("how many patients have a BMI above the median", PATIENTS.schema)
    assert wanted is not None and (wanted[0], wanted[1].name) == ("median", "bmi")
    assert mean_first("how many patients are older than that", PATIENTS.schema) is None
    assert mean_first("how many patients are above the average", PATIENTS.schema) is None, "the average of what?"


def test_a_plan_that_lost_the_bound_is_no_reading() -> None:
    said = "how many patients are above it"
    bound = bound_in(said, PATIENTS, found())
    assert bound is not None
    assert f"{bound.value:.12g}" in in_words(said, bound, PATIENTS.schema)
    near = Condition(feature="bmi", op="gt", value=round(bound.value, 6))
    other = Condition(feature="age", op="gt", value=bound.value)
    kept = within(Plan(steps=(Step(tool="count", scope=Scope(where=Where.of(near))),)), bound)
    assert kept is not None and kept[0].scope.where.conditions()[0].value == bound.value
    assert within(Plan(steps=(Step(tool="count", scope=Scope(where=Where.of(other))),)), bound) is None
    assert within(Plan(steps=(Step(tool="count"),)), bound) is None
