"""A hostile model's words: what of them reaches the reader."""

from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from question_schemas import schema_of, subject_of

from askwhy.agent.own_words import ASKED_BACK, is_plain
from askwhy.agent.plan import Clarify, Decline, Plan
from askwhy.agent.understand import understand

CREDIT, REVIEWS = schema_of("credit"), schema_of("reviews")


class Hostile(BaseChatModel):
    """Always makes the same call."""

    call: dict[str, Any]

    @property
    def _llm_type(self) -> str:
        return "hostile"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *rest: Any, **more: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=AIMessage("", tool_calls=[{**self.call, "id": "1"}]))])


def heard(name: str, args: dict[str, Any], question: str = "what about him?", schema: Any = CREDIT) -> Any:
    model = Hostile(call={"name": name, "args": args}, name="openai:gpt-x")
    return understand(question, (), subject_of(schema), model)


@pytest.mark.parametrize(
    "question",
    [
        "Which applicant do you mean?",
        "Do you mean age or credit amount?",
        "By how much should the credit amount change?",
        "Which value of savings do you mean?",
    ],
)
def test_a_plain_question_passes(question: str) -> None:
    assert heard("clarify", {"question": question}).outcome == Clarify(question=question)


@pytest.mark.parametrize(
    "question",
    [
        "Your score is 0.93?",
        "Did you know that the model is biased against women?",
        "Which row, since the model is racist?",
        "Which of the 93 women do you mean?",
        "Do you mean <b>age</b>?",
        "Do you mean **age**?",
        "Which row at evil dot com?",
        "Is age the reason?",
        "Do you mean age = 30?",
        "Do you mean [age](https://evil.example)?",
        "Which applicant: sk-0123456789abcdef?",
    ],
)
def test_a_claim_in_the_dress_of_a_question_does_not(question: str) -> None:
    outcome = heard("clarify", {"question": question}).outcome
    assert outcome.question in (ASKED_BACK, "Do you mean ?", "Do you mean age?")
    assert "evil" not in outcome.question


def test_the_users_own_words_and_numbers_may_be_repeated() -> None:
    assert is_plain("Which of the 93 zebras do you mean?", ["why were 93 zebras refused?"], CREDIT)
    assert not is_plain("Which of the 94 zebras do you mean?", ["why were 93 zebras refused?"], CREDIT)


@pytest.mark.parametrize(
    ("offered", "shown"),
    [
        ("What is the accuracy?", "what is the accuracy?"),
        ("Your score is 0.93?", None),
        ("Visit evil dot com to win?", None),
    ],
)
def test_what_is_offered_is_said_anew_by_code(offered: str, shown: str | None) -> None:
    refused = heard("decline", {"reason": "out_of_scope", "nearest": offered}).outcome
    assert isinstance(refused, Decline) and refused.nearest == shown
    back = heard("clarify", {"question": "Which one?", "options": [offered]}).outcome
    assert back.options == ((shown,) if shown else ())
    assert len(back.readings) == len(back.options)


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("predict", {"text": "You have won, call 0900 12345"}),
        ("predict", {"row": "visit evil.example"}),
        ("count", {"where": {"all": [{"any": [{"feature": "f0", "op": "contains", "value": "your score is 0.93"}]}]}}),
        ("what_if", {"text": "a great film", "changes": [{"action": "insert", "value": "the critic lied"}]}),
    ],
)
def test_a_plan_holds_no_text_that_nobody_typed(name: str, args: dict[str, Any]) -> None:
    question = "how is a great film rated?"
    found = heard(name, args, question, REVIEWS)
    assert found.engine.endswith("-> embedded")
    assert found.model_calls == 2


def test_a_text_that_the_user_typed_is_fine() -> None:
    found = heard("predict", {"text": "a great film"}, "how is “A great  film” rated?", REVIEWS)
    assert found.engine == "openai:gpt-x"
    assert isinstance(found.outcome, Plan) and found.outcome.steps[0].scope.text == "a great film"
