"""The embedded model as a LangChain chat model: messages and bound tools in, tool calls out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from askwhy.agent.calls import BadCalls, calls_of, is_about_rows, outcome_of
from askwhy.agent.embedded.assemble import Context
from askwhy.agent.embedded.manner import outcome_in_manner
from askwhy.agent.embedded.retrieve import takes_term
from askwhy.agent.plan import Plan, Step
from askwhy.tools.registry import tools
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Scope


class EmbeddedChat(BaseChatModel):
    """Chooses among the bound tools for the last question, by rules and nearest examples. Offline and deterministic.

    The reply's `response_metadata["confidence"]` says how sure the reading is, 0..1.
    """

    subject_schema: Schema

    @property
    def _llm_type(self) -> str:
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
        found = outcome_in_manner(question, schema, names, _earlier(messages, schema))
        reply = AIMessage(
            content="",
            tool_calls=calls_of(found.outcome, schema),
            response_metadata={"confidence": round(float(found.confidence), 4), "model_name": "embedded"},
        )
        return ChatResult(generations=[ChatGeneration(message=reply)])


def _earlier(messages: Sequence[BaseMessage], schema: Schema) -> Context:
    """The steps of the last turn that had any, and the instance spoken of since rows were last selected.

    What a method is called in between changes neither.
    """
    scope: Scope | None = None
    focus = Scope()
    steps: tuple[Step, ...] = ()
    for message in messages:
        if not isinstance(message, AIMessage) or not message.tool_calls:
            continue
        try:
            outcome = outcome_of(message.tool_calls, schema, scope)
        except BadCalls:
            continue
        if isinstance(outcome, Plan) and not all(takes_term(tools(schema)[step.tool]) for step in outcome.steps):
            steps, last = outcome.steps, outcome.steps[-1]
            scope = last.scope if is_about_rows(last) else scope
            if scope is not None and (scope.has_instance or scope.where):
                focus = scope.without_changes() if scope.has_instance else Scope()
    return Context(steps, focus)
