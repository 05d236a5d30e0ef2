"""The agent: a chat model and the tools in LangChain's graph, with its limits; every call goes through the notebook."""

from __future__ import annotations

import contextvars
import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

from langchain.agents import create_agent
from langchain.agents.middleware import (
    AgentMiddleware,
    AgentState,
    ModelCallLimitMiddleware,
    ModelRequest,
    ModelResponse,
    ToolCallLimitMiddleware,
    ToolCallRequest,
    hook_config,
)
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolCall, ToolMessage
from langchain_core.tools import StructuredTool
from langgraph.runtime import Runtime

from askwhy.agent.calls import BadCalls, tool_schemas
from askwhy.agent.investigate.allowance import REPAIRS
from askwhy.agent.investigate.facts import problem_line
from askwhy.agent.investigate.notebook import FINISH, Notebook
from askwhy.agent.line import Tally, asking
from askwhy.agent.shortlist import MORE, asked_for, first_shown, more_tool
from askwhy.prompts import Prompt, load
from askwhy.tools.registry import tools
from askwhy.tools.schema import Schema

MOST_TEXT = 4000
"""Characters of a reply's own words that are kept in the conversation; nobody else reads them."""

_CHARACTERS_A_TOKEN = 4
_log = logging.getLogger(__name__)

Handler = Callable[[ModelRequest[Any]], ModelResponse[Any]]


def run_graph(
    model: BaseChatModel, prompt: str, question: str, notebook: Notebook, *, metered: bool = True
) -> list[BaseMessage]:
    """Let a model call tools until it is done or a budget has run out; the messages of that conversation.

    `metered`: whether it is a language model. Raises whatever the model or its server raises.
    """
    allowed = notebook.allowance
    left = max(allowed.tool_calls - notebook.tool_calls, 0)
    schema = notebook.subject.schema
    shown = first_shown(model, [HumanMessage(question)], schema) if metered else None
    agent = create_agent(
        model,
        tools=offered(schema, shown),
        system_prompt=prompt,
        middleware=[
            _Guard(notebook, metered, shown),
            ModelCallLimitMiddleware(run_limit=allowed.model_calls, exit_behavior="end"),
            ToolCallLimitMiddleware(run_limit=left, exit_behavior="continue"),
        ],
    )
    # One call at a time, in the order the model wrote them: a step may point at the one before.
    messages: list[BaseMessage] = agent.invoke(
        {"messages": [HumanMessage(question)]}, {"max_concurrency": 1}
    )["messages"]  # fmt: skip
    return messages


def offered(schema: Schema, shown: Sequence[str] | None = None) -> list[StructuredTool]:
    """The tools that fit, as LangChain tools with the same closed schemas; the scope may also be pointed at.

    shown: those that the model is to see at first; it can then ask for the others.
    """
    names = tools(schema).keys()
    functions = [one["function"] for one in tool_schemas(schema)]
    made = [
        _tool(one["name"], one["description"], _pointable(one["parameters"]))
        for one in functions
        if one["name"] in names
    ]
    made.append(_tool(FINISH, _FINISH_SAYS, _FINISH_TAKES))
    if shown is not None:
        more = more_tool(name for name in names if name not in shown)["function"]
        made.append(_tool(MORE, more["description"], more["parameters"]))
    return made


_FINISH_SAYS = "Call this when the question is answered: the numbers of the steps to tell the reader, in that order."
_FINISH_TAKES: dict[str, Any] = {
    "type": "object",
    "properties": {"steps": {"type": "array", "items": {"type": "integer"}}},
    "required": ["steps"],
    "additionalProperties": False,
}
_POINTER = {"type": "string", "description": "@STEP.FACT.group"}


def _pointable(parameters: dict[str, Any]) -> dict[str, Any]:
    """The parameters without the form of an answer in words, and with `where` as a pointer, too."""
    kept = {
        name: entry for name, entry in parameters["properties"].items() if name not in ("form", "audience", "length")
    }
    kept["where"] = {"anyOf": [_POINTER, kept["where"]]}
    return {**parameters, "properties": kept}


def _tool(name: str, description: str, parameters: dict[str, Any]) -> StructuredTool:
    return StructuredTool(name=name, description=description, args_schema=parameters, func=_unreachable)


def _unreachable(**given: Any) -> str:
    raise AssertionError("every call is taken by the middleware")


class _Guard(AgentMiddleware[Any, Any, Any]):
    """Holds the budgets that LangChain's limits do not know, and takes every tool call to the notebook."""

    def __init__(self, notebook: Notebook, metered: bool, shown: Sequence[str] | None) -> None:
        super().__init__()
        self.notebook, self.metered = notebook, metered
        self._shown = None if shown is None else {*shown, FINISH, MORE}
        self._ids: set[str] = set()
        self._replies, self._nudged = 0, False

    @hook_config(can_jump_to=["end"])
    def before_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """End where a budget has run out, where the model said so, or where it was corrected too often."""
        notebook = self.notebook
        if notebook.failed and self.metered:
            notebook.repairs += 1
        notebook.failed = False
        notebook.stopped = notebook.stopped or notebook.over()
        if notebook.stopped is not None or notebook.finished or notebook.repairs > REPAIRS:
            return {"jump_to": "end"}
        if self._replies >= notebook.allowance.model_calls:
            notebook.stopped = "model calls"  # LangChain's own limit ends it
        return None

    def wrap_model_call(self, request: ModelRequest[Any], handler: Handler) -> ModelResponse[Any]:
        """One reply, in time, with its tokens counted and its calls given ids that no other call has."""
        self._replies += 1
        if (shown := self._shown) is not None:
            request = request.override(tools=[one for one in request.tools if getattr(one, "name", "") in shown])
        if not self.metered:
            return self._read(handler(request))
        self.notebook.model_calls += 1
        context = contextvars.copy_context()

        def work(tally: Tally) -> AIMessage:
            seconds = max(self.notebook.left, 0.0)
            response = asking(request.model, lambda: context.run(handler, request), seconds=seconds, tally=tally)
            message = next(one for one in reversed(response.result) if isinstance(one, AIMessage))
            tally.note(message)
            return message

        sent: list[BaseMessage] = [*filter(None, (request.system_message,)), *request.messages]
        names = [{"name": getattr(one, "name", "")} for one in request.tools]
        message = self.notebook.tab.ask(request.model, sent, work, prompts=self._prompts(), tools=names)
        self._count(sent, message)
        return self._read(ModelResponse(result=[message]))

    def _prompts(self) -> tuple[Prompt, ...]:
        """What the next reply is asked for by."""
        first = load("investigate")
        return (first, load("investigate_again")) if self._nudged else (first,)

    def wrap_tool_call(self, request: ToolCallRequest, handler: Callable[..., Any]) -> ToolMessage:
        """Run the call, or say what is wrong with it."""
        call = request.tool_call
        over = self.notebook.over()
        if over in ("cancelled", "time"):
            self.notebook.stopped = over
            return ToolMessage("{}", tool_call_id=call["id"] or "", name=call["name"], status="error")
        if call["name"] == MORE and self._shown is not None:
            return self._more(call, self._shown)
        found = self.notebook.perform(call["name"], call["args"])
        status = "error" if found.problems else "success"
        return ToolMessage(found.text, tool_call_id=call["id"] or "", name=call["name"], artifact=found, status=status)

    def _more(self, call: ToolCall, shown: set[str]) -> ToolMessage:
        """Show the tools that a call asks for from now on."""
        try:
            names = asked_for([call], self.notebook.subject.schema)
        except BadCalls as error:
            self.notebook.failed = True
            return ToolMessage(problem_line(error.problems), tool_call_id=call["id"] or "", name=MORE, status="error")
        shown.update(names)
        return ToolMessage(json.dumps({"on_offer_now": names}), tool_call_id=call["id"] or "", name=MORE)

    @hook_config(can_jump_to=["model"])
    def after_model(self, state: AgentState[Any], runtime: Runtime[Any]) -> dict[str, Any] | None:
        """Ask once more where a reply holds no call though nothing was found, or one that cannot be read."""
        last, notebook = _last_reply(state["messages"]), self.notebook
        if last is None or last.tool_calls or notebook.finished or not self.metered:
            return None
        if notebook.told and not last.invalid_tool_calls:
            return None
        if notebook.repairs >= REPAIRS:
            return None
        notebook.repairs += 1
        self._nudged = True
        return {"jump_to": "model", "messages": [HumanMessage(load("investigate_again").render())]}

    def _read(self, response: ModelResponse[Any]) -> ModelResponse[Any]:
        result = [self._tamed(one) if isinstance(one, AIMessage) else one for one in response.result]
        return ModelResponse(result=result, structured_response=response.structured_response)

    def _tamed(self, reply: AIMessage) -> AIMessage:
        """The reply without `finish`, which is heard here, and without a text longer than anyone needs."""
        calls = [self._identified(call) for call in reply.tool_calls if not self._finishes(call)]
        self.notebook.tool_calls += len(calls)
        content = reply.content if len(str(reply.content)) <= MOST_TEXT else ""
        return reply.model_copy(update={"tool_calls": calls, "content": content})

    def _finishes(self, call: ToolCall) -> bool:
        if call["name"] != FINISH:
            return False
        said = call["args"].get("steps")
        if isinstance(said, list):
            self.notebook.order = tuple(one for one in said if isinstance(one, int) and not isinstance(one, bool))
        self.notebook.finished = True
        return True

    def _identified(self, call: ToolCall) -> ToolCall:
        name = call["id"] or ""
        if not name or name in self._ids:
            name = f"askwhy_{len(self._ids)}"
        self._ids.add(name)
        return ToolCall(name=call["name"], args=call["args"], id=name, type="tool_call")

    def _count(self, sent: Sequence[BaseMessage], message: AIMessage) -> None:
        """Tokens against the budget: as the provider says; where it does not, by the characters."""
        used = message.usage_metadata
        said = used["input_tokens"] + used["output_tokens"] if used else 0
        self.notebook.counted += said or _characters([*sent, message]) // _CHARACTERS_A_TOKEN


def _characters(messages: Sequence[BaseMessage]) -> int:
    calls = [one.tool_calls for one in messages if isinstance(one, AIMessage)]
    return sum(len(str(one.content)) for one in messages) + len(json.dumps(calls, default=str))


def _last_reply(messages: Sequence[BaseMessage]) -> AIMessage | None:
    return next((one for one in reversed(messages) if isinstance(one, AIMessage)), None)
