"""One question, what is answered to it without a language model, and what has to hold where the model is of no use."""

from __future__ import annotations

import functools
from dataclasses import replace
from typing import Any

from fault_server import Running
from toy_subjects import binary

from askwhy.agent.answer import Answer
from askwhy.agent.bounds import MAX_CALLS, Bounds
from askwhy.agent.run import Runner
from askwhy.agent.session import Session
from askwhy.tools.subject import Subject

QUESTION = "how many rows have age above 40?"
ABOVE = {"where": {"all": [{"any": [{"feature": "f0", "op": "gt", "value": 40}]}]}}
PATIENT = Bounds(seconds=30, retries=1, most_tokens=200, most_characters=4000, pause=0.01)
QUICK = replace(PATIENT, seconds=1.2)
"""For faults that take time: what takes longer than this is late."""


@functools.cache
def subject() -> Subject:
    """The subject of the question."""
    return binary()


@functools.cache
def runner() -> Runner:
    """One runner for all sessions, so that the tool runs once."""
    return Runner()


@functools.cache
def alone() -> Answer:
    """What is answered without a language model."""
    return Session(subject(), runner=runner()).ask(QUESTION)


def asked(server: Running, question: str = QUESTION, bounds: Bounds = PATIENT, **more: Any) -> Answer:
    """What a session with the server's model answers."""
    return Session(subject(), server.name, runner=runner(), bounds=bounds, **more).ask(question)


def check(answer: Answer, server: Running) -> None:
    """The answer is the one of tools and template, its calls are counted and few, and nothing of the model is in it."""
    assert answer.text == alone().text
    assert answer.evidence == alone().evidence
    assert answer.engine.endswith("-> embedded") or answer.engine == "embedded"
    assert (answer.writer, answer.failures) == ("template", ())
    assert answer.usage.model_calls == len(server.requests) <= MAX_CALLS
    # A model of test_protocols has its server's port in its name, which may end with anything.
    assert "999 " not in answer.model_copy(update={"engine": ""}).canonical()
    assert "evil" not in answer.canonical()
