"""Investigations by scripted models: what is run, what ends them, what reaches the reader."""

from __future__ import annotations

import json
import threading
from typing import Any

import numpy as np
import pytest
from borne_out import assert_borne_out
from hand_subjects import hand_subject, numbers
from langchain_core.messages import AIMessage, ToolMessage
from langchain_core.utils.function_calling import convert_to_openai_tool
from scripted_planner import Planner, calling
from toy_subjects import binary

from askwhy.agent.bounds import Bounds
from askwhy.agent.calls import tool_schemas
from askwhy.agent.investigate import graph
from askwhy.agent.investigate.allowance import REPAIRS, Allowance
from askwhy.agent.investigate.report import Report
from askwhy.agent.plan import Plan, Ref
from askwhy.agent.run import Runner
from askwhy.agent.session import Session
from askwhy.prompts import load
from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Condition, Where

RUNNER = Runner()
"""One for all tests: what was computed once is not computed again."""

WORST = calling(("mistakes", {"what": "sample", "k": 2}))
EXPLAIN = calling(("explain", {"row": "@1.f4"}))
FIX = calling(("counterfactual", {"row": "@2.f1.row"}))
COUNT = calling(("count", {}))


def planned(*replies: Any, question: str = "what is going on?", **more: Any) -> tuple[Report, Planner, Session]:
    """What comes of these replies."""
    model = Planner(replies=list(replies), name="openai:gpt-x")
    session = Session(binary(), model, runner=RUNNER, rephrase=False)
    return session.investigate(question, **more), model, session


def test_four_dependent_steps_and_the_plan_runs_again() -> None:
    similar = calling(("similar", {"row": "@1.f4.row", "k": 2}))
    finish = calling(("finish", {"steps": [1, 2, 3, 4]}))
    heard: list[str] = []
    report, _, session = planned(
        WORST, EXPLAIN, similar, FIX, finish, on_step=lambda told: heard.append(told.step.tool)
    )
    assert [one.step.tool for one in report.told] == ["mistakes", "explain", "similar", "counterfactual"] == heard
    worst = report.told[0].evidence.one("mistake").row
    assert worst is not None
    assert {one.step.scope.row for one in report.told[1:]} == {worst}
    plan = report.answer.outcome
    assert isinstance(plan, Plan)
    assert plan.steps[1].refs == (Ref(into="row", step=1, relation="mistake", take="row", place=1),)
    assert plan.steps[1].scope.row is None
    again = Runner().run(plan, binary())
    assert again.evidence == report.answer.evidence == tuple(one.evidence for one in report.told)
    assert report.stopped == "done"
    assert report.recipe == ""
    assert report.answer.verdict == "verified"
    assert report.answer.engine == "openai:gpt-x"
    assert report.answer.prompts == (load("investigate").hash,)
    assert (report.used.model_calls, report.used.tool_calls) == (5, 4)
    assert_borne_out(report, binary().schema)
    assert session.history[-1].outcome == plan


def test_the_model_sees_facts_with_ids_and_never_the_datas_names() -> None:
    _, model, _ = planned(WORST, EXPLAIN, calling(("finish", {"steps": [2]})))
    result = next(one for one in model.seen[2] if isinstance(one, ToolMessage) and one.name == "explain")
    head, *facts = [json.loads(line) for line in str(result.content).splitlines()]
    assert head == {"step": 2, "tool": "explain", "facts": len(facts)}
    ids = [one["id"] for one in facts]
    assert ids[0] == "2.f1"
    assert len(set(ids)) == len(ids)
    assert {one["feature"] for one in facts if "feature" in one} <= {f"f{i}" for i in range(5)}
    assert {one["class"] for one in facts if "class" in one} <= {"c0", "c1"}


def test_only_the_steps_that_the_model_chose_are_told_in_its_order() -> None:
    report, _, _ = planned(WORST, EXPLAIN, COUNT, calling(("finish", {"steps": [3, 2, 99, 2, True, "x"]})))
    assert [one.step.tool for one in report.told] == ["count", "explain"]
    plan = report.answer.outcome
    assert isinstance(plan, Plan)
    assert not plan.steps[1].refs  # the step it took its row from is not told
    assert plan.steps[1].scope.row == report.told[1].step.scope.row is not None
    assert_borne_out(report, binary().schema)


def test_the_schemas_are_those_of_single_turns_closed() -> None:
    _, model, _ = planned(
        COUNT, calling(("finish", {"steps": [1]})), question="how many are there, and why is row 3 so?"
    )
    seen = {one["function"]["name"] for one in map(convert_to_openai_tool, model.offered)}
    offered = {
        one["function"]["name"]: one["function"]["parameters"]
        for one in map(convert_to_openai_tool, graph.offered(binary().schema, ()))
    }
    single = {one["function"]["name"]: one["function"]["parameters"] for one in tool_schemas(binary().schema)}
    assert offered.keys() - single.keys() == {"finish", "more_tools"}
    assert single.keys() - offered.keys() == {"clarify", "decline", "check"}
    assert {"count", "explain", "finish", "more_tools"} <= seen < offered.keys()
    assert len(seen) == Bounds().most_tools + 2
    assert all(one["additionalProperties"] is False for one in offered.values())
    explain = offered["explain"]["properties"]
    assert explain["row"] == single["explain"]["properties"]["row"]
    assert "form" not in explain
    assert explain["where"]["anyOf"][1]["properties"] == single["explain"]["properties"]["where"]["properties"]


@pytest.mark.parametrize(
    ("allowance", "tokens", "stopped", "steps"),
    [
        (Allowance(model_calls=2), 0, "model calls", 2),
        (Allowance(tool_calls=2), 0, "tool calls", 2),
        (Allowance(tokens=25), 10, "tokens", 3),
    ],
)
def test_each_budget_ends_it_with_what_was_found(allowance: Allowance, tokens: int, stopped: str, steps: int) -> None:
    replies = [calling(("count", _older(age)), tokens=tokens) for age in (20, 30, 40, 50, 60)]
    report, _, _ = planned(*replies, allowance=allowance)
    assert report.stopped == stopped
    assert len(report.told) == steps
    assert report.used.model_calls <= allowance.model_calls
    assert report.used.tool_calls <= allowance.tool_calls
    assert report.notes[-1] in report.answer.text
    assert report.allowance == allowance
    assert_borne_out(report, binary().schema)


def _older(age: int) -> dict[str, Any]:
    return {"where": {"all": [{"any": [{"feature": "f0", "op": "gt", "value": age}]}]}}


def test_of_calls_made_together_those_within_the_budget_are_run_in_order() -> None:
    together = calling(*[("count", _older(age)) for age in (20, 30, 40, 50)])
    report, _, _ = planned(together, COUNT, allowance=Allowance(tool_calls=3))
    assert [one.step.scope.where.conditions()[0].value for one in report.told] == [20, 30, 40]
    assert report.stopped == "tool calls"
    assert (report.used.model_calls, report.used.tool_calls) == (1, 3)


def test_a_deadline_and_a_stop_button_end_it() -> None:
    slow = Allowance(seconds=1e-9)
    report, _, _ = planned(COUNT, allowance=slow)
    assert (report.stopped, report.told, report.answer.verdict) == ("time", (), "declined")
    pressed: list[bool] = []
    report, _, _ = planned(COUNT, WORST, on_step=lambda told: pressed.append(True), cancelled=lambda: bool(pressed))
    assert (report.stopped, len(report.told)) == ("cancelled", 1)
    assert "stopped" in report.answer.text


def test_a_provider_that_never_replies_is_not_waited_for_beyond_the_budget() -> None:
    hanging = threading.Event()

    def silent(messages: Any) -> AIMessage:
        hanging.wait(120)
        raise ConnectionError

    try:
        planned(calling(("finish", {"steps": []})))  # the embedded model, which picks the tools to show, is loaded
        report, model, _ = planned(silent, allowance=Allowance(seconds=3.0))
        assert not hanging.is_set()
        assert (report.stopped, len(model.seen)) == ("time", 1)
    finally:
        hanging.set()


def test_a_refused_call_is_told_back_and_mended() -> None:
    wrong = calling(("explain", {"row": "no such row"}))
    report, model, _ = planned(WORST, wrong, EXPLAIN, calling(("finish", {"steps": [1, 2]})))
    assert [one.step.tool for one in report.told] == ["mistakes", "explain"]
    told_back = [one for one in model.seen[2] if isinstance(one, ToolMessage)][-1]
    assert told_back.status == "error"
    assert "no such row" in json.loads(str(told_back.content))["error"][0]
    assert report.used.tool_calls == 3


HOSTILE: list[tuple[str, Any]] = [
    ("os_system", {"command": "id"}),
    ("explain", {"row": {"a": 1}}),
    ("explain", {"row": "@9.f1.row"}),
    ("explain", {"row": "@1.f99.row"}),
    ("explain", {"row": "@1.f1.__class__"}),
    ("count", {"where": "@1.f1.group"}),
    ("count", {"where": "older than 40"}),
    ("count", {"config": {}, "run_manager": 1, "callbacks": []}),
    ("explain", {"row": "9" * 9000}),
    ("what_if", {"changes": [{"feature": "f0", "action": "set", "value": float("nan")}]}),
    ("clarify", {"question": "The accuracy is 99 %. Really?"}),
    ("check", {"text": "The model is perfect."}),
]


@pytest.mark.parametrize(("name", "args"), HOSTILE, ids=[f"{name} {str(args)[:30]}" for name, args in HOSTILE])
def test_hostile_arguments_are_refused_and_cost_nothing(name: str, args: Any) -> None:
    report, model, _ = planned(WORST, calling((name, args)), calling(("finish", {"steps": [1]})))
    assert [one.step.tool for one in report.told] == ["mistakes"]
    refused = [one for one in model.seen[2] if isinstance(one, ToolMessage)][-1]
    assert refused.status == "error"
    assert len(str(refused.content)) < 2000
    assert_borne_out(report, binary().schema)


def test_the_same_call_again_is_not_run_again_but_counts() -> None:
    heard: list[str] = []
    report, _, _ = planned(COUNT, on_step=lambda told: heard.append(told.title))
    assert len(heard) == len(report.told) == 1
    assert report.used.model_calls == Allowance().model_calls
    assert report.used.tool_calls == Allowance().model_calls
    assert report.stopped == "model calls"


def test_the_same_mistake_again_and_again_is_given_back_three_times() -> None:
    wrong = calling(("explain", {"row": "nobody"}))
    report, model, _ = planned(COUNT, wrong)
    assert len(model.seen) == 1 + REPAIRS + 1
    assert [one.step.tool for one in report.told] == ["count"]
    assert report.stopped == "done"


@pytest.mark.parametrize("error", [TimeoutError("slow"), ConnectionError("gone"), ValueError("429"), KeyError("x")])
def test_a_provider_that_fails_midway_is_completed_by_the_recipe(error: Exception) -> None:
    report, _, _ = planned(calling(("mistakes", {"what": "sample"})), error, question="debug its worst mistake")
    tools = [one.step.tool for one in report.told]
    assert tools == ["mistakes", "explain", "similar", "counterfactual", "failure_slices"]
    assert report.recipe == "debug a mistake"
    assert report.answer.engine == "openai:gpt-x -> recipe"
    assert "did not finish" in report.answer.text
    assert_borne_out(report, binary().schema)


@pytest.mark.parametrize(
    "garbage",
    [
        AIMessage(content="It is 99 % accurate, trust me."),
        AIMessage(content="x" * 1_000_000),
        AIMessage(content="", invalid_tool_calls=[{"name": "count", "args": "{", "id": "x", "error": "not JSON"}]),
        calling(("finish", {"steps": [1]})),
        calling(("finish", {"surprise": "99 %"})),
        calling(("no_such_tool", {})),
    ],
    ids=["prose", "a megabyte", "not JSON", "finish at once", "finish wrongly", "unknown tool"],
)
def test_a_model_that_is_no_use_costs_nobody_the_answer(garbage: AIMessage) -> None:
    report, model, _ = planned(garbage, question="prepare a decline for row 3")
    assert len(model.seen) <= 1 + REPAIRS + 1
    assert report.recipe == "prepare a decline"
    assert report.told
    assert "99" not in report.answer.text.replace("99%", "")
    assert "trust me" not in report.answer.text
    assert_borne_out(report, binary().schema)


def test_what_the_model_says_itself_is_thrown_away() -> None:
    lying = calling(("count", {})).model_copy(update={"content": "There are 7 million rows."})
    report, _, _ = planned(lying, AIMessage(content="As I said, there are 7 million rows."))
    assert [one.step.tool for one in report.told] == ["count"]
    assert "million" not in report.answer.text
    assert_borne_out(report, binary().schema)


def test_words_of_a_model_that_rephrases_badly_are_refused_within_the_budget() -> None:
    lies = AIMessage(content="There are 99 rows, which is wonderful.")
    model = Planner(replies=[COUNT, calling(("finish", {"steps": [1]})), lies])
    report = Session(binary(), model, runner=RUNNER).investigate("how many?", allowance=Allowance(model_calls=5))
    assert (report.answer.verdict, report.answer.writer) == ("fallback", "template")
    assert report.answer.in_own_words
    assert "99" not in report.answer.text
    assert report.used.model_calls == len(model.seen) == 4
    sent = ("investigate", "rephrase", "rephrase_reader", "rephrase_again")
    assert set(report.answer.prompts) == {load(name).hash for name in sent}
    model = Planner(replies=[COUNT, calling(("finish", {"steps": [1]})), lies])
    report = Session(binary(), model, runner=RUNNER).investigate("how many?", allowance=Allowance(model_calls=3))
    assert (report.answer.verdict, len(model.seen)) == ("verified", 2)  # no call is left for other words


def test_an_unknown_recipe_is_refused() -> None:
    with pytest.raises(ToolError, match="debug a mistake"):
        planned(COUNT, recipe="make coffee")


def test_a_group_found_is_the_scope_of_the_next_step() -> None:
    frame = numbers(240, 2)
    high = frame["x0"] > 0.7
    subject = hand_subject(
        lambda rows: np.tile([0.9, 0.1], (len(rows), 1)), frame, ("a", "b"), target=np.where(high, "b", "a")
    )
    replies = [
        calling(("worst_group", {"measure": "error", "conditions": 1})),
        calling(("mistakes", {"what": "count", "where": "@1.f2.group"})),
        calling(("finish", {"steps": [1, 2]})),
    ]
    report = Session(subject, Planner(replies=replies), rephrase=False).investigate("look into this model")
    first, second = report.told
    cut = first.evidence.one("rule_above").number()
    assert second.step.scope.where == Where.of(Condition(feature="x0", op="gt", value=cut))
    assert second.evidence.one("wrong").value == int((high & (frame["x0"] > cut)).sum())
    plan = report.answer.outcome
    assert isinstance(plan, Plan)
    assert plan.steps[1].refs == (Ref(into="where", step=1, relation="worst_wrong", take="group", place=1),)
    assert not plan.steps[1].scope.where
    assert Runner().run(plan, subject).evidence == report.answer.evidence
    assert "x0" in second.text
