"""The embedded model as a LangChain chat model: messages and bound tools in, tool calls out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from askwhy.agent.calls import BadCalls, calls_of, is_about_rows, outcome_of
from askwhy.agent.embedded.again import fixed_outcome, in_manner
from askwhy.agent.embedded.carried import carried
from askwhy.agent.embedded.terms import term_step
from askwhy.agent.parser.engine import Meant, meant
from askwhy.agent.plan import Plan, Step
from askwhy.tools.registry import tools
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Scope


class EmbeddedChat(BaseChatModel):
    """Writes a plan with the bound tools for the last question, by a small network that ships with askwhy.

    Offline and deterministic. The reply's `response_metadata` has "confidence", the chance (0..1) that the reading is
    right, "readings", the calls of what else the question may mean, and "tools", names of those that may be wanted.
    """

    subject_schema: Schema

    @property
    def _llm_type(self) -> str:
        return "embedded"

    @property
    def model_name(self) -> str:
        """What traces call the model."""
        return "embedded"

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """The same model with these tools on offer."""
        return self.bind(tools=[convert_to_openai_tool(one) for one in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        schema = self.subject_schema
        offered = {str(one["function"]["name"]) for one in kwargs.get("tools", ())}
        names = frozenset(tools(schema)) & offered
        question = next((str(one.text) for one in reversed(messages) if isinstance(one, HumanMessage)), "")
        before = _before(messages, schema)
        fixed = fixed_outcome(question, schema, names, before.steps, before.row)
        if fixed is None and (term := term_step(question, schema, names)):
            fixed = Plan(steps=(term,))
        found = Meant(fixed, 1.0) if fixed else meant(question, schema, names, before.steps, before.question)
        outcome = (
            found.outcome
            if fixed
            else carried(in_manner(found.outcome, question, schema.entity), question, before.steps)
        )
        reply = AIMessage(
            content="",
            tool_calls=calls_of(outcome, schema),
            response_metadata={
                "confidence": round(found.confidence, 4),
                "model_name": "embedded",
                "readings": [calls_of(plan, schema) for plan in found.readings],
                "tools": list(found.tools),
            },
        )
        return ChatResult(generations=[ChatGeneration(message=reply)])


@dataclass(frozen=True)
class _Before:
    """The last turn that was about rows: what was asked, its steps, and the row under discussion if there is one."""

    question: str = ""
    steps: tuple[Step, ...] = ()
    row: str | None = None


def _before(messages: Sequence[BaseMessage], schema: Schema) -> _Before:
    """The last turn whose steps were about rows: what a word means, asked in between, changes nothing."""
    found, asked = _Before(), ""
    scope: Scope | None = None
    for message in messages:
        if isinstance(message, HumanMessage):
            asked = str(message.text)
        if not isinstance(message, AIMessage) or not message.tool_calls:
            continue
        try:
            outcome = outcome_of(message.tool_calls, schema, scope)
        except BadCalls:
            continue
        if isinstance(outcome, Plan) and any(is_about_rows(step) for step in outcome.steps):
            last = outcome.steps[-1]
            scope = last.scope if is_about_rows(last) else scope
            found = _Before(asked, outcome.steps, scope.row if scope else None)
    return found
