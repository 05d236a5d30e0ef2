"""Which tools a provider's model is shown for a question, and how it asks for others.

The schemas of all tools for a table are some 33,000 tokens, so only the likely ones are sent: what the embedded model
would call or holds for near, and the tools whose example questions share telling words with the question.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from askwhy.agent.calls import PSEUDO, BadCalls, tool_schemas
from askwhy.agent.line import line_of
from askwhy.agent.listing import clean
from askwhy.agent.parameters import function, parameters_of
from askwhy.tools.registry import tools
from askwhy.tools.schema import Schema

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

MORE = "more_tools"
"""The tool by which a model asks for tools that it was not shown."""

MOST_MORE = 8
"""How many tools it may ask for at a time."""

_MOST_QUESTION = 2000


class _More(BaseModel):
    """Ask for tools that are not shown here, by their names; they are then offered, and you can call them.
    Use it only where no tool that is shown answers the question.
    """

    model_config = ConfigDict(extra="forbid")
    names: tuple[str, ...] = Field(description=f"at most {MOST_MORE} of the names listed above")


def first_shown(model: BaseChatModel, messages: Sequence[BaseMessage], schema: Schema) -> tuple[str, ...] | None:
    """The tools that a model is shown at first for the last of some messages; None where it is shown all of them.

    A model in this process reads a line for each tool and keeps what it has read, so that it is shown all.
    """
    from askwhy.agent.local.chat import LocalChat

    most = line_of(model).bounds.most_tools
    if isinstance(model, LocalChat) or len(tools(schema)) <= most:
        return None
    return shortlist(messages, schema, most)


def shortlist(messages: Sequence[BaseMessage], schema: Schema, most: int) -> tuple[str, ...]:
    """The names of the tools that are likeliest to be wanted for the last of some messages, at most so many.

    Those of the turn before come first, then what the embedded model reads; then, by turns, what it holds for near and
    what shares telling words.
    """
    from askwhy.agent.embedded.chat import EmbeddedChat
    from askwhy.agent.local.examples import nearest

    known = tools(schema)
    offline = EmbeddedChat(subject_schema=schema)
    read = offline.bind_tools(tool_schemas(schema)).invoke(list(messages))
    question = next((str(one.text) for one in reversed(messages) if isinstance(one, HumanMessage)), "")
    words = (one.tool for one in nearest(clean(question, _MOST_QUESTION), schema, known, most))
    turns = itertools.chain.from_iterable(itertools.zip_longest(read.response_metadata["tools"], words))
    ranked = dict.fromkeys((*_called(messages), *_called([read]), *turns))
    return tuple(itertools.islice((name for name in ranked if name in known), most))


def shown(schema: Schema, names: Iterable[str] | None, *, more: bool = True) -> list[dict[str, Any]]:
    """The schemas of these tools (None: of all) in the registry's order, with clarify, decline and check, in the OpenAI
    tool format. more: whether the others can be asked for.
    """
    if names is None:
        return tool_schemas(schema)
    wanted = {*names, *PSEUDO}
    offered = [one for one in tool_schemas(schema) if one["function"]["name"] in wanted]
    others = [name for name in tools(schema) if name not in wanted]
    return [*offered, more_tool(others)] if more and others else offered


def more_tool(others: Iterable[str]) -> dict[str, Any]:
    """The tool by which these others are asked for, in the OpenAI tool format."""
    description = f"{' '.join((_More.__doc__ or '').split())}\nNot shown: {', '.join(others)}"
    return function(MORE, description, parameters_of(_More))


def asked_for(calls: Sequence[ToolCall], schema: Schema) -> tuple[str, ...]:
    """The tools that the calls of a reply ask for; none where it does not ask. Raises BadCalls where there are none of
    these names.
    """
    asking = [call for call in calls if call["name"] == MORE]
    if not asking:
        return ()
    try:
        named = [name for call in asking for name in _More.model_validate(call["args"]).names]
    except ValidationError:
        raise BadCalls(f"{MORE}: names is a list of names") from None
    known = tools(schema)
    found = tuple(dict.fromkeys(name for name in named if name in known))[:MOST_MORE]
    if not found:
        raise BadCalls(f"{MORE}: there are no such tools; there are: {', '.join(known)}")
    return found


def _called(messages: Sequence[BaseMessage]) -> list[str]:
    """The tools that the last reply among some messages calls."""
    replies = (one for one in reversed(messages) if isinstance(one, AIMessage))
    return [call["name"] for call in next(replies, AIMessage("")).tool_calls]
