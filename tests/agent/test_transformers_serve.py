"""A real server with a real model that is of no use: `transformers serve` with SmolLM2, one question end to end."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fault_session import PATIENT, QUESTION, alone, runner, subject
from small_server import missing, transformers_server, write_model

from askwhy.agent.bounds import MAX_CALLS
from askwhy.agent.line import line_of
from askwhy.agent.session import Session


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2 as a folder that can be served."""
    if lacking := missing():
        pytest.skip(f"`transformers serve` needs packages that are not installed: {', '.join(lacking)}")
    made = tmp_path_factory.mktemp("smollm2")
    write_model(made)
    return made


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_small_model_served_by_transformers_costs_no_answer(folder: Path) -> None:
    bounds = replace(PATIENT, seconds=240, most_tokens=24)
    with transformers_server(folder) as name:
        session = Session(subject(), name, runner=runner(), bounds=bounds, rephrase_seconds=240)
        answer = session.ask(QUESTION)
        able = line_of(session._model).able
    # It streams, ignores the tools and the JSON schema, and writes prose instead of calls.
    assert (able.tools, able.structured, able.streams) == (False, False, True)
    assert answer.engine.endswith("-> embedded")
    assert (answer.text, answer.evidence, answer.writer) == (alone().text, alone().evidence, "template")
    assert answer.usage.model_calls == MAX_CALLS
    assert sum(hop.tokens_in for hop in answer.usage.hops) > 1000
