"""Several samples of a plan: which is taken, how sure that is, what else is offered."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from fault_server import Handler, Running, calls, is_trial, say, serving
from fault_session import ABOVE, alone, asked
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from question_schemas import schema_of, subject_of

from askwhy.agent.candidates import chosen, slot_errors
from askwhy.agent.plan import Clarify, Decline, Plan, Step
from askwhy.agent.understand import Understanding, understand
from askwhy.tools.scope import Argument, Change, Condition, Scope, Where

CREDIT = schema_of("credit")
SUBJECT = subject_of(CREDIT)
QUESTION = "how many women are older than 40?"


def count(*conditions: Condition) -> Plan:
    return Plan(steps=(Step(tool="count", scope=Scope(where=Where.of(*conditions))),))


WOMEN = Condition(feature="sex", op="eq", value="female")
OLDER, YOUNGER = Condition(feature="age", op="gt", value=40), Condition(feature="age", op="gt", value=30)
RIGHT, LESS, WRONG = count(WOMEN, OLDER), count(OLDER), count(WOMEN, YOUNGER)


@pytest.mark.parametrize(
    ("plan", "errors"),
    [
        (RIGHT, 0),
        (LESS, 1),  # women are left over
        (WRONG, 2),  # 40 is left over, 30 was not said
        (Plan(steps=(Step(tool="count"),)), 3),  # women, age and 40 are left over
        (Plan(steps=(Step(tool="explain", scope=Scope(row="12")),)), 4),  # and 12 was not said
    ],
)
def test_what_a_plan_leaves_over_and_invents_is_counted(plan: Plan, errors: int) -> None:
    assert slot_errors(plan, QUESTION, CREDIT) == errors


def test_numbers_of_arguments_and_changes_are_seen() -> None:
    change = Scope(row="12", changes=(Change(feature="credit_amount", action="set", value=2000),))
    question = "what if applicant 12 had a credit amount of 2000?"
    assert slot_errors(Plan(steps=(Step(tool="what_if", scope=change),)), question, CREDIT) == 0
    seven = Plan(steps=(Step(tool="importance", arguments=(Argument(name="k", value=7),)),))
    assert slot_errors(seven, "which 7 features matter most?", CREDIT) == 0
    assert slot_errors(seven, "which features matter most?", CREDIT) == 1


def test_the_plan_with_the_fewest_errors_is_taken_and_its_share_is_its_confidence() -> None:
    found = chosen([LESS, RIGHT, LESS], 3, QUESTION, CREDIT, ())
    assert isinstance(found, Plan)
    assert (found.steps, found.confidence, found.others) == (RIGHT.steps, 1 / 3, (LESS,))
    assert found.unsure


def test_where_all_agree_nothing_else_is_offered() -> None:
    found = chosen([RIGHT] * 3, 3, QUESTION, CREDIT, ())
    assert isinstance(found, Plan)
    assert (found.confidence, found.others, found.unsure) == (1.0, (), False)


def test_samples_that_failed_count_against_it() -> None:
    found = chosen([RIGHT], 4, QUESTION, CREDIT, ())
    assert isinstance(found, Plan) and found.confidence == 0.25


def test_a_question_back_needs_a_majority() -> None:
    back = Clarify(question="Which row do you mean?")
    assert chosen([back, back, RIGHT], 3, QUESTION, CREDIT, ()) == back
    assert isinstance(chosen([back, RIGHT, RIGHT], 3, QUESTION, CREDIT, ()), Plan)
    assert chosen([Decline(reason="no")], 3, QUESTION, CREDIT, ()) == Decline(reason="no")


class Sampled(BaseChatModel):
    """Gives the next of its replies, whoever asks; an exception is raised."""

    temperature: float = 0.0
    replies: Iterator[Any]
    warmth: list[Any] = []  # noqa: RUF012  # pydantic copies it for each model

    @property
    def _llm_type(self) -> str:
        return "sampled"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self.bind(**kwargs)

    def _generate(self, messages: list[BaseMessage], *rest: Any, **more: Any) -> ChatResult:
        self.warmth.append(more.get("temperature"))
        reply = next(self.replies)
        if isinstance(reply, Exception):
            raise reply
        return ChatResult(generations=[ChatGeneration(message=reply)])


def calling(where: Any) -> AIMessage:
    return AIMessage(content="", tool_calls=[{"name": "count", "args": {"where": where}, "id": "1"}])


SAYS_RIGHT = calling({"all": [{"any": [{"feature": "f0", "value": "women"}]}, *ABOVE["where"]["all"]]})
SAYS_RIGHT.tool_calls[0]["args"]["where"]["all"][1] = {"any": [{"feature": "f8", "op": "gt", "value": 40}]}
SAYS_LESS = calling({"all": [{"any": [{"feature": "f8", "op": "gt", "value": 40}]}]})


def sampled(*replies: Any, candidates: int = 3) -> tuple[Understanding, Sampled]:
    model = Sampled(replies=iter(replies), name="openai:gpt-x")
    return understand(QUESTION, (), SUBJECT, model, candidates=candidates), model


def test_samples_are_drawn_with_some_warmth_and_counted() -> None:
    found, model = sampled(SAYS_LESS, SAYS_RIGHT, SAYS_LESS)
    assert isinstance(found.outcome, Plan)
    assert found.outcome.steps == RIGHT.steps
    assert found.outcome.confidence == 1 / 3
    assert [one.steps for one in found.outcome.others] == [LESS.steps]
    assert (found.model_calls, model.warmth) == (3, [0.7] * 3)


def test_a_sample_that_fails_is_left_out() -> None:
    found, _ = sampled(AIMessage("prose"), SAYS_RIGHT, ConnectionError("gone"))
    assert isinstance(found.outcome, Plan) and found.outcome.confidence == 1 / 3
    assert found.engine == "openai:gpt-x"


def test_where_every_sample_fails_the_embedded_model_takes_over() -> None:
    found, _ = sampled(*[ConnectionError("gone")] * 3)
    assert found.engine == "openai:gpt-x -> embedded"
    assert found.outcome.steps == RIGHT.steps  # type: ignore[union-attr]


def test_one_candidate_is_asked_for_as_ever() -> None:
    found, model = sampled(SAYS_LESS, candidates=1)
    assert found.outcome == LESS
    assert model.warmth == [None]


def test_samples_come_over_the_wire() -> None:
    pytest.importorskip("langchain_openai")
    numbers = itertools.cycle((40, 40, 50))

    def answer(handler: Handler, request: dict[str, Any], running: Running) -> None:
        where = {"all": [{"any": [{"feature": "f0", "op": "gt", "value": next(numbers)}]}]}
        say(handler, request, calls(("note", {"word": "blue"}) if is_trial(request) else ("count", {"where": where})))

    with serving(answer) as server:
        found = asked(server, candidates=3, rephrase=False)
    assert found.text == alone().text
    assert isinstance(found.outcome, Plan)
    assert (round(found.outcome.confidence or 0, 2), len(found.others)) == (0.67, 1)
    assert found.usage.model_calls == len(server.requests) == 4
    assert {one["temperature"] for one in server.requests[1:]} == {0.7}
