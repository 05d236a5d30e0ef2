"""What a chat model made by name can do, tried out once for each name and process, before its first use.

A trial costs one request where tools are called, two where they are not, and one more where nothing is streamed; all of
them count as calls of the turn. A server that
fails during a trial leaves things unknown, and is tried again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from askwhy.agent.line import Capabilities, Tally, asking, line_of, of_server, refused
from askwhy.prompts import load

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage

_WORD = "blue"
_TRIAL: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "note",
        "description": "Takes note of a word.",
        "parameters": {
            "type": "object",
            "properties": {"word": {"type": "string"}},
            "required": ["word"],
            "additionalProperties": False,
        },
    },
}
_SCHEMA: dict[str, Any] = {"title": "note", **_TRIAL["function"]["parameters"]}
_MOST_PIECES = 500
_log = logging.getLogger(__name__)


def capabilities(model: BaseChatModel, tally: Tally | None = None) -> Capabilities:
    """What the model can do; a model that was not made by name is taken to call tools, as its maker says.

    tally: what the trials cost is added to it. Raises what `line.reply` raises where its server fails.
    """
    line = line_of(model)
    if not line.trial:
        return replace(line.able, tools=True)
    if line.able.tools is None:
        line.able = _tools(model, line.able, tally or Tally())
        _log.info("trial of %s: %s", model.name, line.able)
    if line.able.tools is False and line.able.structured is None:
        line.able = replace(line.able, structured=_structured(model, tally or Tally()))
    return line.able


def _tools(model: BaseChatModel, able: Capabilities, tally: Tally) -> Capabilities:
    """Whether the tool is called that the prompt asks for; whether that comes in pieces."""
    prompt = _said("trial", tally)
    try:
        bound = model.bind_tools([_TRIAL])
        message, pieces = asking(model, lambda: _joined(bound.stream(prompt)), retries=0, tally=tally)
        if message is None:
            message = asking(model, lambda: bound.invoke(prompt), retries=0, tally=tally)
    except Exception as error:
        if refused(error) or isinstance(error, NotImplementedError):
            return replace(able, tools=False)
        raise
    tally.note(message)
    return replace(able, tools=_calls_note(message), streams=pieces > 1)


def _said(name: str, tally: Tally) -> str:
    """The words of a trial."""
    prompt = load(name)
    tally.prompts.append(prompt)
    return prompt.render(word=_WORD)


def _joined(pieces: Iterable[AIMessage]) -> tuple[AIMessage | None, int]:
    """A streamed reply as one message, and in how many pieces that have something in them it came.

    None where nothing came that could be read: LangChain has a ValueError for a server that does not stream.
    """
    whole: Any = None
    count = 0
    try:
        for number, piece in enumerate(pieces):
            if number > _MOST_PIECES:
                raise RuntimeError("the reply does not end")
            whole = piece if whole is None else whole + piece
            count += bool(piece.content or getattr(piece, "tool_call_chunks", None))
    except ValueError:
        return None, 0
    return whole, count


def _calls_note(message: AIMessage) -> bool:
    return any(one["name"] == "note" and isinstance(one["args"].get("word"), str) for one in message.tool_calls)


def _structured(model: BaseChatModel, tally: Tally) -> bool:
    """Whether the model keeps to a JSON schema that goes with the request."""
    prompt = _said("trial_json", tally)
    try:
        found = asking(model, lambda: _kept(model, prompt), retries=0, tally=tally)
    except Exception as error:
        if refused(error) or isinstance(error, NotImplementedError):
            return False
        raise
    if found is None:
        return False
    tally.note(found["raw"])
    parsed = found.get("parsed")
    return isinstance(parsed, dict) and set(parsed) == {"word"} and isinstance(parsed["word"], str)


def _kept(model: BaseChatModel, prompt: str) -> dict[str, Any] | None:
    """The reply of the trial; None where a reply came, but the provider's package can make nothing of it."""
    try:
        found: dict[str, Any] = keeping(model, _SCHEMA).invoke(prompt)
    except Exception as error:
        if of_server(error) or isinstance(error, NotImplementedError):
            raise
        return None
    return found


def keeping(model: BaseChatModel, schema: dict[str, Any]) -> Any:
    """The model held to a JSON schema by its provider; its reply is {"raw": message, "parsed": ..., ...}."""
    return model.with_structured_output(schema, method="json_schema", include_raw=True)
