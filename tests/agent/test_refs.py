"""What one step takes from another: through a chat model's calls and back, and when the plan is run."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.messages import ToolCall
from toy_subjects import binary

from askwhy.agent.calls import BadCalls, calls_of, outcome_of
from askwhy.agent.plan import Plan, Ref, Step
from askwhy.agent.refs import ANY
from askwhy.agent.run import Runner
from askwhy.agent.session import Session
from askwhy.agent.understood import understood
from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Argument, Scope
from askwhy.tools.subjects.builtin import builtin

SCHEMA = binary().schema
WORST = Step(tool="mistakes", arguments=(Argument(name="k", value=1),))
OF_ROW = Ref(into="row", step=1, relation=ANY)


def call(name: str, **args: Any) -> ToolCall:
    """A tool call."""
    return ToolCall(name=name, args=args, id="1", type="tool_call")


@pytest.mark.parametrize(
    "second",
    [
        Step(tool="explain", refs=(OF_ROW,)),
        Step(tool="effect", refs=(Ref(into="feature", step=1, relation=ANY),)),
        Step(tool="importance", refs=(Ref(into="features", step=1, relation=ANY),)),
    ],
)
def test_references_pass_through_calls(second: Step) -> None:
    plan = Plan(steps=(WORST, second))
    assert outcome_of(calls_of(plan, SCHEMA), SCHEMA) == plan


def test_a_repeated_step_keeps_its_place_where_others_count_on_it() -> None:
    found = outcome_of([call("count"), call("count"), call("mistakes", k=1), call("explain", row="@3")], SCHEMA)
    assert isinstance(found, Plan)
    assert [step.tool for step in found.steps] == ["count", "count", "mistakes", "explain"]


@pytest.mark.parametrize("row", ["@2", "@3"])
def test_only_what_an_earlier_call_finds_is_taken(row: str) -> None:
    with pytest.raises(BadCalls, match="earlier call"):
        outcome_of([call("mistakes", k=1), call("explain", row=row)], SCHEMA)


def test_the_row_that_is_found_is_explained() -> None:
    ran = Runner().run(Plan(steps=(WORST, Step(tool="explain", refs=(OF_ROW,)))), binary())
    worst = next(fact.row for fact in ran.evidence[0].facts if fact.row)
    assert ran.evidence[1].scope.row == worst


def test_the_feature_of_the_best_rank_is_taken() -> None:
    plan = Plan(steps=(Step(tool="importance"), Step(tool="effect", refs=(Ref(into="feature", step=1, relation=ANY),))))
    ran = Runner().run(plan, binary())
    (first,) = {fact.feature for fact in ran.evidence[0].facts if fact.rank == 1}
    assert {one.name: one.value for one in ran.evidence[1].arguments}["feature"] == first


def test_nothing_found_is_said() -> None:
    plan = Plan(steps=(Step(tool="count", scope=Scope()), Step(tool="explain", refs=(OF_ROW,))))
    with pytest.raises(ToolError, match="Step 1 found no row"):
        Runner().run(plan, binary())


def test_a_dependent_question_is_answered_about_what_was_found() -> None:
    answer = Session(builtin("credit")).ask("find the worst mistake and explain it")
    worst = next(fact.row for fact in answer.evidence[0].facts if fact.row)
    assert answer.evidence[1].scope.row == worst
    assert answer.understood.endswith("the applicant found in step 1")


def test_what_was_taken_is_said() -> None:
    of_feature = Step(tool="effect", refs=(Ref(into="feature", step=1, relation=ANY),))
    said = understood(Plan(steps=(Step(tool="importance"), of_feature)), SCHEMA)
    assert said.endswith("how does what step 1 finds affect the predictions")
