"""Names of the schema in a clause: which class was predicted, which is true, and what a reading of it leaves out."""

from __future__ import annotations

import pytest

from askwhy.agent.investigate.mentions import class_conditions, leaves_out, mentions, narrows, sided
from askwhy.agent.plan import Plan, Step
from askwhy.tools.scope import Argument, Condition, Scope, Where
from askwhy.tools.subjects.builtin import builtin

CREDIT, TUMOURS = builtin("credit").schema, builtin("breast-cancer").schema


def kinds(text: str) -> str:
    return "".join(one.kind for one in mentions(text, CREDIT))


def rows(*conditions: Condition) -> Scope:
    return Scope(where=Where.of(*conditions))


def told(text: str) -> dict[str, object] | None:
    found = class_conditions(text, TUMOURS)
    return None if found is None else {one.on: one.value for one in found}


def test_names_numbers_and_rows_are_found_in_order() -> None:
    assert kinds("how many women with duration above 24 were declined") == "CFNK"
    assert kinds("so what") == ""


@pytest.mark.parametrize(("text", "says"), [("older than 30", True), ("women", True), ("declined", False), ("", False)])
def test_words_narrow_down_rows_where_they_say_more_than_a_class(text: str, says: bool) -> None:
    assert narrows(mentions(text, CREDIT)) is says


@pytest.mark.parametrize(
    ("text", "sides"),
    [
        ("malignant tumours it took for benign", {"actual": "malignant", "predicted": "benign"}),
        ("tumours wrongly called malignant", {"predicted": "malignant"}),
        ("the benign one it was convinced was malignant", {"actual": "benign", "predicted": "malignant"}),
        ("a malignant tumour", {"actual": "malignant"}),
        ("benign or malignant tumours", None),
        ("any tumour", {}),
    ],
)
def test_what_was_predicted_and_what_is_true(text: str, sides: dict[str, str] | None) -> None:
    assert told(text) == sides


def test_sides_that_a_reading_swapped_are_put_right() -> None:
    swapped = rows(Condition(on="predicted", value="malignant"), Condition(on="actual", value="benign"))
    step = Step(tool="count", scope=swapped)
    put = sided(step, "how many malignant tumours are predicted benign", TUMOURS)
    assert {one.on: one.value for one in put.scope.where.conditions()} == {"predicted": "benign", "actual": "malignant"}
    right = "how many benign tumours are predicted malignant"
    assert sided(step, right, TUMOURS) == step
    assert sided(step, "how many are there", TUMOURS) == step


def test_a_name_that_no_step_has_is_left_out() -> None:
    women = Step(tool="count", scope=rows(Condition(feature="sex", value="female")))
    assert not leaves_out(Plan(steps=(women,)), "how many women are there", CREDIT)
    assert leaves_out(Plan(steps=(women,)), "how many women were declined", CREDIT)
    assert leaves_out(Plan(steps=(Step(tool="count"),)), "how many women are there", CREDIT)
    compared = Step(tool="group_compare", arguments=(Argument(name="feature", value="sex"),))
    assert not leaves_out(Plan(steps=(compared,)), "are women treated like men", CREDIT)
    assert not leaves_out(Plan(steps=(Step(tool="predict", scope=Scope(row="3")),)), "was 3 declined", CREDIT)


def test_mistakes_on_the_other_side_are_noticed() -> None:
    given = (Argument(name="kind", value="false_positives"), Argument(name="cls", value="malignant"))
    plan = Plan(steps=(Step(tool="mistakes", arguments=given),))
    assert leaves_out(plan, "how many malignant tumours does it get wrong", TUMOURS)
    assert not leaves_out(plan, "how many are wrongly called malignant", TUMOURS)
