"""The line that says how a question was understood must not say anything else."""

from __future__ import annotations

from toy_subjects import binary, regression

from askwhy.agent.plan import Plan, Step
from askwhy.agent.understood import understood
from askwhy.tools.scope import Argument, Scope


def line(step: Step) -> str:
    return understood(Plan(steps=(step,)), binary().schema)


def test_features_to_keep_are_never_read_as_features_to_change() -> None:
    step = Step(
        tool="counterfactual", scope=Scope(row="3"), arguments=(Argument(name="keep", value=("age", "is_member")),)
    )
    words = understood(Plan(steps=(step,)), regression().schema)
    assert "keep: age and is member" in words
    assert "only" not in words


def test_steps_are_joined_in_order() -> None:
    plan = Plan(steps=(Step(tool="predict", scope=Scope(row="3")), Step(tool="explain", scope=Scope(row="3"))))
    first, second = understood(plan, binary().schema).split("; then ")
    assert "row 3" in first and "row 3" in second


def test_an_argument_that_no_example_holds_is_added() -> None:
    words = line(
        Step(tool="importance", arguments=(Argument(name="k", value=2), Argument(name="method", value="shap")))
    )
    assert "2" in words and "shap" in words.lower()


def test_two_rows_that_are_compared_are_named_alike() -> None:
    step = Step(tool="contrast_rows", scope=Scope(row="3"), arguments=(Argument(name="other", value="8"),))
    assert line(step) == "why are row 3 and row 8 predicted differently"
