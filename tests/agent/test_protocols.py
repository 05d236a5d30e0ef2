"""The same client over Anthropic's and Ollama's wire protocols, scripted: calls, plain text, an error each."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fault_server import Answering, Handler, Running, drip, raw, send, serving
from fault_session import ABOVE, PATIENT, QUESTION, QUICK, alone, check, runner, subject

from askwhy.agent.bounds import Bounds
from askwhy.agent.session import Session


def _events(*events: dict[str, Any]) -> bytes:
    return "".join(f"event: {one['type']}\ndata: {json.dumps(one)}\n\n" for one in events).encode()


def anthropic(handler: Handler, asked: dict[str, Any], block: dict[str, Any]) -> None:
    """One content block, whole or as server-sent events."""
    spent = {"input_tokens": 50, "output_tokens": 5}
    message = {
        "id": "m", "type": "message", "role": "assistant", "model": "x", "stop_reason": "end_turn",
        "stop_sequence": None, "usage": spent,
    }  # fmt: skip
    if not asked.get("stream"):
        send(handler, 200, json.dumps(message | {"content": [block]}).encode())
        return
    tool = block["type"] == "tool_use"
    delta = (
        {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        if tool
        else {"type": "text_delta", "text": block["text"]}
    )
    body = _events(
        {"type": "message_start", "message": message | {"content": []}},
        {"type": "content_block_start", "index": 0, "content_block": block | ({"input": {}} if tool else {"text": ""})},
        {"type": "content_block_delta", "index": 0, "delta": delta},
        {"type": "content_block_stop", "index": 0},
        {
            "type": "message_delta",
            "delta": {"stop_reason": "end_turn"},
            "usage": spent,
        },
        {"type": "message_stop"},
    )
    send(handler, 200, body, "text/event-stream")


def ollama(handler: Handler, asked: dict[str, Any], block: dict[str, Any]) -> None:
    """One message, as the lines that Ollama streams."""
    tool = block["type"] == "tool_use"
    calls = [{"function": {"name": block["name"], "arguments": block["input"]}}] if tool else []
    said = {"role": "assistant", "content": "" if tool else block["text"], **({"tool_calls": calls} if tool else {})}
    common = {"model": "x", "created_at": "2026-01-01T00:00:00Z"}
    lines = [
        common | {"message": said, "done": False},
        common
        | {"message": {"role": "assistant", "content": ""}, "done": True, "done_reason": "stop"}
        | {"prompt_eval_count": 50, "eval_count": 5, "total_duration": 1},
    ]
    send(handler, 200, "".join(json.dumps(one) + "\n" for one in lines).encode(), "application/x-ndjson")


SAY = {"anthropic": anthropic, "ollama": ollama}
NOTE = {"type": "tool_use", "id": "t0", "name": "note", "input": {"word": "blue"}}
COUNT = {"type": "tool_use", "id": "t1", "name": "count", "input": ABOVE}
PROSE = {"type": "text", "text": "There are 999 of them."}


def scripted(provider: str, block: dict[str, Any]) -> Answering:
    """A model that passes the trial and then says one thing."""

    def answer(handler: Handler, asked: dict[str, Any], running: Running) -> None:
        SAY[provider](handler, asked, NOTE if '"note"' in json.dumps(asked.get("tools", "")) else block)

    return answer


@pytest.fixture(params=["anthropic", "ollama"])
def provider(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name = str(request.param)
    pytest.importorskip(f"langchain_{name}")
    monkeypatch.setenv("ANTHROPIC_API_KEY", "only for this test")
    return name


def session(provider: str, server: Running, monkeypatch: pytest.MonkeyPatch, bounds: Bounds = PATIENT) -> Session:
    """A session with a model of this provider at this server; a name of its own, as what is known is kept by name."""
    monkeypatch.setenv("ANTHROPIC_BASE_URL" if provider == "anthropic" else "OLLAMA_HOST", server.url)
    return Session(subject(), f"{provider}:x{server.url.rpartition(':')[2]}", runner=runner(), bounds=bounds)


def test_calls_are_understood(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(scripted(provider, COUNT)) as server:
        answer = session(provider, server, monkeypatch).ask(QUESTION)
    assert (answer.text, answer.evidence) == (alone().text, alone().evidence)
    assert answer.engine.startswith(provider) and "embedded" not in answer.engine
    assert answer.usage.hops[0].tokens_in == 100 and answer.usage.hops[0].tokens_out == 10
    assert answer.usage.model_calls == len(server.requests) == 3
    assert "max_tokens" in server.requests[0] or "num_predict" in server.requests[0]["options"]


def test_text_is_no_answer(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(scripted(provider, PROSE)) as server:
        check(session(provider, server, monkeypatch).ask(QUESTION), server)


@pytest.mark.parametrize(
    "fault",
    [
        raw(500, b'{"type": "error", "error": {"type": "api_error", "message": "999"}}'),
        raw(529, b"{}"),
        raw(200, b"x" * 1_000_000),
        drip,
    ],
    ids=["500", "529", "1 MB", "drip"],
)
def test_a_fault_costs_no_answer(provider: str, fault: Answering, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(fault) as server:
        check(session(provider, server, monkeypatch, QUICK).ask(QUESTION), server)


def test_a_redirect_is_not_followed(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(scripted(provider, COUNT)) as elsewhere:
        with serving(raw(307, b"", Location=f"{elsewhere.url}/elsewhere")) as server:
            check(session(provider, server, monkeypatch).ask(QUESTION), server)
        assert elsewhere.requests == []


def test_a_tool_that_was_not_shown_is_asked_for(provider: str, monkeypatch: pytest.MonkeyPatch) -> None:
    more = {"type": "tool_use", "id": "t2", "name": "more_tools", "input": {"names": ["label_check"]}}
    wanted = {"type": "tool_use", "id": "t3", "name": "label_check", "input": {}}
    left = [NOTE, more, wanted]
    with serving(lambda handler, request, running: SAY[provider](handler, request, left.pop(0))) as server:
        answer = session(provider, server, monkeypatch).ask(QUESTION)
    first, second = (json.dumps(one["tools"]) for one in server.requests[1:])
    assert '"name": "label_check"' not in first
    assert '"name": "label_check"' in second
    assert [one.tool for one in answer.evidence] == ["label_check"]
    assert answer.engine.startswith(provider) and "embedded" not in answer.engine
