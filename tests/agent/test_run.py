"""The second hop: steps in order, references between them, results by content."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from toy_subjects import binary, text

from askwhy.agent.plan import Plan, Ref, Step
from askwhy.agent.run import Runner
from askwhy.tools.errors import ToolError
from askwhy.tools.executor import Executor
from askwhy.tools.scope import Argument, Condition, Scope, Where


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    executor = Executor()
    yield Runner(executor)
    executor.close()


def older_than(age: int) -> Scope:
    return Scope(where=Where.of(Condition(feature="age", op="gt", value=age)))


def test_steps_run_in_order(runner: Runner) -> None:
    ran = runner.run(
        Plan(steps=(Step(tool="count", scope=older_than(40)), Step(tool="predict", scope=Scope(row="3")))), binary()
    )
    assert [evidence.tool for evidence in ran.evidence] == ["count", "predict"]
    assert ran.evidence[0].one("count").value == int((binary().data["age"] > 40).sum())


def test_a_result_is_remembered_by_content(runner: Runner) -> None:
    plan = Plan(steps=(Step(tool="predict", scope=Scope(row="5")),))
    first = runner.run(plan, binary())
    again = runner.run(Plan.from_json(plan.canonical()), binary())
    assert again.evidence[0] is first.evidence[0]
    assert again.predict_rows == 0


def test_outputs_once_known_are_not_computed_again(runner: Runner) -> None:
    step = Step(tool="count", scope=Scope(where=Where.of(Condition(on="predicted", value="yes"))))
    ran = runner.run(Plan(steps=(step,)), binary())
    other = Step(tool="count", scope=Scope(where=Where.of(Condition(on="predicted", value="no"))))
    assert runner.run(Plan(steps=(other,)), ran.subject).predict_rows == 0


def test_a_step_takes_its_row_from_an_earlier_fact(runner: Runner) -> None:
    first = Step(tool="predict", scope=Scope(row="7"))
    second = Step(tool="predict", refs=(Ref(into="row", step=1, relation="prediction"),))
    ran = runner.run(Plan(steps=(first, second)), binary())
    assert ran.evidence[1].scope.row == "7"
    assert ran.evidence[1].facts == ran.evidence[0].facts


@pytest.mark.parametrize(
    "ref", [Ref(into="row", step=2, relation="prediction"), Ref(into="row", step=1, relation="nonsense")]
)
def test_a_reference_to_nothing_is_refused(runner: Runner, ref: Ref) -> None:
    steps = (Step(tool="predict", scope=Scope(row="7")), Step(tool="predict", refs=(ref,)))
    with pytest.raises(ToolError, match="Step"):
        runner.run(Plan(steps=steps), binary())


@pytest.mark.parametrize(
    "step",
    [
        Step(tool="no_such_tool"),
        Step(tool="predict", arguments=(Argument(name="nonsense", value=1),)),
        Step(tool="predict", scope=Scope(row="no such row")),
    ],
)
def test_a_plan_that_cannot_run_is_refused(runner: Runner, step: Step) -> None:
    with pytest.raises(ToolError):
        runner.run(Plan(steps=(step,)), binary())


def test_a_tool_that_does_not_fit_the_subject_is_refused(runner: Runner) -> None:
    with pytest.raises(ToolError, match="does not apply"):
        runner.run(Plan(steps=(Step(tool="counterfactual", scope=Scope(row="3")),)), text())
