"""Calls that a model writes as text: what is read, what is refused, and a server that calls no tools."""

from __future__ import annotations

import json
from typing import Any

import pytest
from fault_server import Handler, Running, calls, is_trial, say, send, serving, text
from fault_session import ABOVE, QUESTION, alone, asked, check
from question_schemas import schema_of

from askwhy.agent.asking import POOR
from askwhy.agent.calls import BadCalls, tool_schemas
from askwhy.agent.written import written_calls, written_variables
from askwhy.prompts import load

COUNT = {"name": "count", "args": ABOVE}


@pytest.mark.parametrize(
    "said",
    [
        json.dumps([COUNT]),
        json.dumps(COUNT),
        json.dumps({"calls": [COUNT]}),
        f"```json\n{json.dumps([COUNT], indent=2)}\n```",
        f"\n```\n{json.dumps([COUNT])}\n```\n",
    ],
)
def test_json_is_read_bare_or_fenced(said: str) -> None:
    (one,) = written_calls(said)
    assert (one["name"], one["args"]) == ("count", ABOVE)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "There are 79.",
        f"Here it is: {json.dumps([COUNT])}",
        f"```json\n{json.dumps([COUNT])}\n```\nThat is all.",
        "[{'name': 'count', 'args': {}}]",
        "__import__('os').system('true')",
        '[{"name": "count", "args": {"k": NaN}}]',
        '[{"name": "count", "args": []}]',
        '[{"name": 3}]',
        '[{"name": "count", "args": {}, "thought": "x"}]',
        "[" * 200_000,
        "3",
        json.dumps([COUNT] * 21),
    ],
)
def test_nothing_else_is_read(said: str) -> None:
    with pytest.raises(BadCalls):
        written_calls(said)


def test_the_prompt_names_every_tool_and_argument_in_little_room() -> None:
    schema = schema_of("credit")
    prompt = load("written_calls").render(**written_variables(schema))
    offered = [one["function"] for one in tool_schemas(schema)]
    for one in offered:
        (line,) = [line for line in prompt.splitlines() if line.startswith(f"- {one['name']}(")]
        own = one["parameters"]["properties"].keys() - {"where", "row", "case", "text", "changes", "form", "audience"}
        assert all(f"{name}" in line for name in own - {"length"})
    assert len(prompt) < len(json.dumps(offered)) / 6


def writes(reply: str) -> Any:
    """A server whose model calls no tools, keeps to no schema, and writes this."""

    def answer(handler: Handler, request: dict[str, Any], running: Running) -> None:
        if "response_format" in request:
            send(handler, 400, b'{"error": {"message": "no response_format here"}}')
        else:
            say(handler, request, text("I can do that!" if is_trial(request) else reply))

    return answer


def test_a_model_that_calls_no_tools_may_write_the_calls() -> None:
    with serving(writes(json.dumps([COUNT]))) as server:
        answer, again = asked(server), asked(server, rephrase=False)
    assert (answer.text, answer.engine) == (alone().text, "openai-compatible:scripted")
    assert answer.usage.model_calls == 3  # two trials and one question
    assert again.usage.model_calls == 1
    assert load("written_calls").hash in answer.prompts
    assert "tools" not in server.requests[-1]


def test_a_model_that_does_neither_is_not_asked_for_long() -> None:
    with serving(writes("I am a helpful assistant.")) as server:
        for _ in range(POOR):
            server.requests.clear()
            check(asked(server, rephrase=False), server)
            assert server.requests
        server.requests.clear()
        assert asked(server, rephrase=False).text == alone().text
        assert server.requests == []


def test_a_server_that_keeps_to_a_schema_is_asked_with_one() -> None:
    def answer(handler: Handler, request: dict[str, Any], running: Running) -> None:
        if "response_format" not in request:
            say(handler, request, text("I can do that!"))
        elif "word" in json.dumps(request["response_format"]):
            say(handler, request, text('{"word": "blue"}'))
        else:
            say(handler, request, text(json.dumps({"calls": [COUNT]})))

    with serving(answer) as server:
        found = asked(server)
    assert (found.text, found.engine) == (alone().text, "openai-compatible:scripted")
    assert "response_format" in server.requests[2]


def test_a_provider_that_refuses_tools_may_write_the_calls() -> None:
    def answer(handler: Handler, request: dict[str, Any], running: Running) -> None:
        if "tools" in request or "response_format" in request:
            send(handler, 400, b'{"error": {"message": "this model does not support tools"}}')
        else:
            say(handler, request, text(json.dumps([COUNT])))

    with serving(answer) as server:
        found = asked(server)
    assert (found.text, found.engine) == (alone().text, "openai-compatible:scripted")


def test_a_server_that_does_not_stream_is_asked_without() -> None:
    def answer(handler: Handler, request: dict[str, Any], running: Running) -> None:
        message = calls(("note", {"word": "blue"})) if is_trial(request) else calls(("count", ABOVE))
        say(handler, {}, message)

    with serving(answer) as server:
        found = asked(server)
    assert (found.text, found.engine) == (alone().text, "openai-compatible:scripted")
    assert found.usage.model_calls == len(server.requests) == 3
    assert [bool(one.get("stream")) for one in server.requests] == [True, False, False]
    assert QUESTION in json.dumps(server.requests[-1])
