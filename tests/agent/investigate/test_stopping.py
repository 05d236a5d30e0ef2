"""Who presses Stop does not wait for a language model."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from scripted_planner import Planner, calling
from toy_subjects import binary

from askwhy.agent.line import FAILURES, line_of
from askwhy.agent.session import Session


class Slow:
    """A model's reply that comes only when the test is over; asking for it presses Stop."""

    def __init__(self) -> None:
        self.asked, self.over = threading.Event(), threading.Event()

    def __call__(self, messages: list[BaseMessage]) -> AIMessage:
        self.asked.set()
        assert self.over.wait(60)
        return calling(("importance", {}))


@pytest.fixture
def slow() -> Iterator[Slow]:
    one = Slow()
    yield one
    one.over.set()


def test_a_pending_reply_is_given_up_in_a_turn(slow: Slow) -> None:
    model = Planner(replies=[slow])
    session = Session(binary(), llm=model)
    for _ in range(FAILURES):
        answer = session.ask("which features matter most?", cancelled=slow.asked.is_set)
        assert slow.asked.is_set()
        assert not slow.over.is_set()
        assert not answer.evidence
    line_of(model).check()  # the model is not blamed: it does not rest


def test_a_pending_reply_is_given_up_in_an_investigation(slow: Slow) -> None:
    model = Planner(replies=[calling(("importance", {})), slow])
    report = Session(binary(), llm=model).investigate("audit this model", cancelled=slow.asked.is_set)
    assert not slow.over.is_set()
    assert report.stopped == "cancelled"
    assert [told.step.tool for told in report.told] == ["importance"]
