"""The few tools that a provider's model is shown, and how it gets at the others."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fault_server import Handler, Running, calls, passes, say, serving
from fault_session import PATIENT, asked, check, runner, subject
from langchain_core.messages import AIMessage, HumanMessage
from question_schemas import schema_of
from toy_subjects import binary

from askwhy.agent.bounds import MAX_CALLS, Bounds
from askwhy.agent.calls import PSEUDO, BadCalls, outcome_of, shared_parameters, tool_schemas
from askwhy.agent.parameters import bare
from askwhy.agent.plan import Plan
from askwhy.agent.session import Session
from askwhy.agent.shortlist import MORE, MOST_MORE, asked_for, first_shown, more_tool, shortlist, shown
from askwhy.tools.registry import tools
from askwhy.tools.scope import Scope

CREDIT = schema_of("credit")
FEW = Bounds().most_tools


def names_of(offered: list[dict[str, Any]]) -> list[str]:
    return [one["function"]["name"] for one in offered]


def call(name: str, **args: Any) -> Any:
    return {"name": name, "args": args, "id": "c", "type": "tool_call"}


@pytest.mark.parametrize(
    ("question", "tool"),
    [
        ("how many are older than 40?", "count"),
        ("why was applicant 12 turned down?", "explain"),
        ("what would have to change for applicant 12 to be approved?", "counterfactual"),
        ("how accurate is it?", "score"),
        ("which features matter most?", "importance"),
    ],
)
def test_the_right_tool_is_among_the_few(question: str, tool: str) -> None:
    found = shortlist([HumanMessage(question)], CREDIT, FEW)
    assert tool in found[:4]
    assert len(found) == len(set(found)) == FEW < len(tools(CREDIT))


def test_the_tools_of_the_turn_before_come_first() -> None:
    before = AIMessage(content="", tool_calls=[call("label_check"), call("clarify", question="?")])
    found = shortlist([HumanMessage("are there wrong labels?"), before, HumanMessage("and for women only?")], CREDIT, 6)
    assert found[0] == "label_check"
    assert set(found) <= tools(CREDIT).keys()


def test_telling_words_find_what_the_embedded_model_holds_for_far(monkeypatch: pytest.MonkeyPatch) -> None:
    from askwhy.agent.embedded.chat import EmbeddedChat

    far = AIMessage(content="", tool_calls=[], response_metadata={"tools": ["abilities", "count"]})
    monkeypatch.setattr(EmbeddedChat, "invoke", lambda *given, **more: far, raising=False)
    monkeypatch.setattr(EmbeddedChat, "bind_tools", lambda self, offered: self)
    found = shortlist([HumanMessage("what would have to change for applicant 12 to be approved?")], CREDIT, 8)
    assert found[0] == "abilities"
    assert "counterfactual" in found


def test_what_is_shown_is_in_the_registrys_order_with_what_every_question_may_need() -> None:
    offered = shown(CREDIT, ("score", "count"))
    assert names_of(offered) == ["count", "score", *PSEUDO, MORE]
    known = {one["function"]["name"]: one for one in tool_schemas(CREDIT)}
    assert all(one == known[one["function"]["name"]] for one in offered[:-1])
    listed = offered[-1]["function"]["description"].partition("Not shown: ")[2].split(", ")
    assert set(listed) == tools(CREDIT).keys() - {"count", "score"}
    assert names_of(shown(CREDIT, ("count",), more=False)) == ["count", *PSEUDO]
    assert shown(CREDIT, None) == tool_schemas(CREDIT) == shown(CREDIT, tools(CREDIT))


@pytest.mark.parametrize("name", ["credit", "reviews"])
def test_what_is_sent_is_an_eighth_of_what_it_was(name: str) -> None:
    """57,000 tokens were sent for credit, 38,800 for reviews, in the same count: a quarter of the characters."""
    before = {"credit": 57_778, "reviews": 38_873}[name]
    schema = schema_of(name)
    offered = shown(schema, shortlist([HumanMessage("why?")], schema, FEW))
    assert len(json.dumps(offered, separators=(",", ":"))) / 4 < before / 5
    assert len(json.dumps(tool_schemas(schema), separators=(",", ":"))) / 4 < before * 0.56


def test_what_tools_share_is_the_same_without_its_words() -> None:
    described = shared_parameters()
    plain = {name: bare(one) for name, one in described.items()}
    assert plain == tool_schemas(CREDIT)[0]["function"]["parameters"]["properties"]
    assert plain.keys() >= Scope.model_fields.keys()
    assert "description" not in json.dumps(plain)
    assert _shape(plain) == _shape(described)


def _shape(node: Any) -> Any:
    """A schema without descriptions, which are no names of properties here, and without integers beside numbers."""
    if isinstance(node, dict):
        return {key: _shape(value) for key, value in node.items() if key != "description"}
    if isinstance(node, list):
        kept = [_shape(one) for one in node]
        return [one for one in kept if one != {"type": "integer"} or {"type": "number"} not in kept]
    return node


def test_others_are_asked_for_by_name() -> None:
    assert asked_for([call("count")], CREDIT) == ()
    assert asked_for([call(MORE, names=["score", "no such", "score", "explain"])], CREDIT) == ("score", "explain")
    assert len(asked_for([call(MORE, names=list(tools(CREDIT)))], CREDIT)) == MOST_MORE
    for args in ({"names": ["delete_everything"]}, {"names": []}, {}, {"names": "score"}, {"names": ["score"], "x": 1}):
        with pytest.raises(BadCalls, match=MORE):
            asked_for([call(MORE, **args)], CREDIT)
    assert more_tool(["a", "b"])["function"]["parameters"]["required"] == ["names"]


def test_a_valid_call_of_a_tool_that_was_not_shown_is_taken() -> None:
    found = outcome_of([call("label_check")], CREDIT)
    assert isinstance(found, Plan)
    assert found.steps[0].tool == "label_check"


def test_a_model_in_this_process_is_shown_all() -> None:
    from scripted_models import Planner

    from askwhy.agent.local.chat import LocalChat

    said = [HumanMessage("how many are there?")]
    assert first_shown(LocalChat(model="x", subject_schema=CREDIT), said, CREDIT) is None
    assert len(first_shown(Planner(), said, CREDIT) or ()) == FEW


# Over the wire

QUESTION = "how many rows have age above 40?"


def _far() -> str:
    """A tool that answers without arguments and is on no shortlist for the question."""
    schema = subject().schema
    few = shortlist([HumanMessage(QUESTION)], schema, FEW)
    return next(
        name for name in ("label_check", "describe_model", "score") if name in tools(schema) and name not in few
    )


def script(*replies: dict[str, Any]) -> Any:
    """A server whose model passes the trial and then gives these replies, the last one again and again."""
    left = list(replies)

    def answer(handler: Handler, request: dict[str, Any], running: Running) -> None:
        if not passes(handler, request):
            say(handler, request, left.pop(0) if len(left) > 1 else left[0])

    return answer


def test_a_tool_that_is_asked_for_is_shown_in_the_retry_and_runs() -> None:
    far = _far()
    with serving(script(calls((MORE, {"names": [far]})), calls((far, {})))) as server:
        answer = asked(server, QUESTION)
    _, first, second = server.requests
    assert len(first["tools"]) == FEW + len(PSEUDO) + 1
    assert far not in names_of(first["tools"])
    assert far in first["tools"][-1]["function"]["description"]
    assert set(names_of(second["tools"])) == {*names_of(first["tools"]), far} - {MORE}
    assert far in second["messages"][-1]["content"]
    assert [one.tool for one in answer.evidence] == [far]
    assert answer.engine == "openai-compatible:scripted"
    assert answer.usage.model_calls == len(server.requests) == MAX_CALLS
    assert (answer.writer, answer.failures) == ("template", ())


def test_asking_for_more_and_more_ends_with_the_embedded_model() -> None:
    with serving(script(calls((MORE, {"names": [_far()]})))) as server:
        check(asked(server, QUESTION), server)
        assert len(server.requests) == MAX_CALLS


@pytest.mark.parametrize("names", [["../../etc/passwd"], "evil", [], [{"a": 1}], ["evil" * 500] * 40])
def test_junk_that_is_asked_for_costs_no_answer(names: Any) -> None:
    with serving(script(calls((MORE, {"names": names})))) as server:
        check(asked(server, QUESTION), server)


def test_a_wrong_call_of_a_tool_that_was_not_shown_is_told_back_with_its_schema() -> None:
    far = _far()
    with serving(script(calls((far, {"surprise": 1})), calls((far, {})))) as server:
        answer = asked(server, QUESTION)
    _, first, second = server.requests
    assert far not in names_of(first["tools"])
    assert far in names_of(second["tools"])
    assert "surprise" in second["messages"][-1]["content"]
    assert [one.tool for one in answer.evidence] == [far]


def test_all_are_shown_where_the_bound_says_so() -> None:
    bounds = Bounds(seconds=30, retries=0, pause=0.01, most_tools=1000)
    with serving(script(calls(("count", {})))) as server:
        asked(server, QUESTION, bounds=bounds)
    assert server.requests[1]["tools"] == tool_schemas(subject().schema)


def test_an_investigation_may_ask_for_tools_and_then_sees_them() -> None:
    far = _far()
    asking = [calls((MORE, {"names": [name]})) for name in ("evil", far)]
    with serving(script(*asking, calls((far, {})), calls(("finish", {"steps": [1]})))) as server:
        session = Session(binary(), server.name, runner=runner(), bounds=PATIENT, rephrase=False)
        report = session.investigate(QUESTION)
    asked_first, refused, later = (names_of(one["tools"]) for one in server.requests[-4:-1])
    assert far not in asked_first
    assert asked_first == refused
    assert set(later) == {*asked_first, far}
    assert "no such tools" in json.dumps(server.requests[-3]["messages"])
    assert [one.step.tool for one in report.told] == ["count", far]  # what was surely asked comes first
    assert report.used.tool_calls == 2
    assert report.stopped == "done"
