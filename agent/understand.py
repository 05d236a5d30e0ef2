"""The first hop: a question becomes a plan, a question back, or a polite no.

One code path for every engine: a chat model with tool calling sees the schema and the tools and replies with calls,
which are checked; one retry with the problems; then the embedded model; then a question back.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from askwhy.agent.accounting import Meter, OutOfBudget
from askwhy.agent.answer import Turn
from askwhy.agent.plan import Clarify, Decline, Outcome, Plan
from askwhy.agent.references import picked, pointed
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage

    from askwhy.agent.calls import BadCalls
    from askwhy.prompts import Prompt

MAX_CALLS = 2
"""Calls of a provider's model for one question: the first, and one retry."""

_TURNS = 6
_ROW = "{row}"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Understanding:
    """What a question was taken to mean, and what finding out cost.

    engine: who understood: "choice" where the user picked one of the readings offered, "openai:gpt-x -> embedded" where
    the first was no use. prompts: hashes of the prompt files that were sent. model_calls: calls of a language model;
    the embedded one, which costs nothing, is not counted.
    """

    outcome: Outcome
    model_calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    prompts: tuple[str, ...] = ()
    engine: str = "embedded"


def understand(
    question: str, history: tuple[Turn, ...], subject: Subject, model: BaseChatModel, *, meter: Meter | None = None
) -> Understanding:
    """What the question means, in the light of the turns before. Never raises for what the user or a model said.

    meter: what the calls of a language model are counted on.
    """
    from askwhy.agent.embedded.chat import EmbeddedChat

    choice = picked(question, history, subject.schema)
    if isinstance(choice, Plan):
        return Understanding(outcome=choice, engine="choice")
    question = pointed(choice or question, history, subject.schema)
    offline = model if isinstance(model, EmbeddedChat) else EmbeddedChat(subject_schema=subject.schema)
    if model is offline:
        outcome = _offline(question, history, subject, offline)
        return Understanding(outcome=_with_rows(outcome, subject))
    asked = _Asking(subject, history, model, meter or Meter())
    meant = asked.ask(question)
    engine = asked.engine if meant is not None else f"{asked.engine} -> embedded"
    return Understanding(
        outcome=_with_rows(meant or _offline(question, history, subject, offline), subject),
        model_calls=asked.tab.bill.model_calls,
        tokens_in=asked.tab.bill.tokens_in,
        tokens_out=asked.tab.bill.tokens_out,
        prompts=asked.tab.prompts,
        engine=engine,
    )


class _Asking:
    """One question to a provider's model, with a retry."""

    def __init__(self, subject: Subject, history: tuple[Turn, ...], model: BaseChatModel, meter: Meter) -> None:
        from askwhy.agent.llm import engine_name

        self.subject, self.history, self.model = subject, history, model
        self.engine = engine_name(model)
        self.tab = meter.tab()

    def ask(self, question: str) -> Outcome | None:
        """The outcome, or None where the model is no use: it failed, or its calls were wrong twice."""
        from langchain_core.messages import HumanMessage, SystemMessage

        from askwhy.agent.calls import BadCalls
        from askwhy.agent.listing import variables
        from askwhy.prompts import load

        prompt = load("understand")
        system = SystemMessage(prompt.render(**variables(self.subject.schema)))
        messages: list[BaseMessage] = [system, *_remembered(self.history, self.subject), HumanMessage(question)]
        for number in range(MAX_CALLS):
            reply = self._reply(messages, prompt)
            if reply is None:
                return None
            try:
                return _meaning(reply, self.subject, self.history)
            except BadCalls as error:
                _log.info("unusable calls of %s: %s", self.engine, error)
                self.tab.refuse()
                if number + 1 < MAX_CALLS:
                    prompt = load("understand_again")
                    messages = [*messages, HumanMessage(prompt.render(**_refusal(reply, error)))]
        return None

    def _reply(self, messages: list[BaseMessage], prompt: Prompt) -> AIMessage | None:
        from askwhy.agent.calls import tool_schemas
        from askwhy.agent.llm import call

        tools = tool_schemas(self.subject.schema)
        try:
            return self.tab.ask(
                self.model, messages, lambda: call(self.model, messages, tools), prompts=(prompt,), tools=tools
            )
        except OutOfBudget as error:
            _log.info("%s; the embedded model takes over", error)
            return None
        except Exception as error:
            # Whatever a provider's package raises, the embedded model can still answer.
            _log.warning("%s failed with %s; the embedded model takes over", self.engine, type(error).__name__)
            return None


def _offline(question: str, history: tuple[Turn, ...], subject: Subject, model: BaseChatModel) -> Outcome:
    from langchain_core.messages import HumanMessage

    from askwhy.agent.calls import BadCalls, tool_schemas

    messages = [*_remembered(history, subject), HumanMessage(question)]
    reply = model.bind_tools(tool_schemas(subject.schema)).invoke(messages)
    try:
        return _meaning(reply, subject, history)
    except BadCalls as error:
        _log.info("the embedded model's calls were unusable: %s", error)
        return Clarify(question="I am not sure what you mean. Could you put it another way?")


def _meaning(reply: AIMessage, subject: Subject, history: tuple[Turn, ...]) -> Outcome:
    from askwhy.agent.calls import BadCalls, outcome_of

    if reply.invalid_tool_calls:
        raise BadCalls("the arguments of a call are not JSON")
    outcome = outcome_of(reply.tool_calls, subject.schema, _previous(history))
    said = reply.response_metadata
    confidence = said.get("confidence")
    found = (outcome_of(calls, subject.schema, _previous(history)) for calls in said.get("readings", ()))
    readings = tuple(one for one in found if isinstance(one, Plan))
    if isinstance(outcome, Plan) and isinstance(confidence, float):
        return outcome.model_copy(update={"confidence": confidence, "others": readings})
    return outcome.model_copy(update={"readings": readings}) if isinstance(outcome, Clarify) else outcome


def _previous(history: tuple[Turn, ...]) -> Scope | None:
    """The scope of the last turn that was about rows."""
    from askwhy.agent.calls import is_about_rows

    about = (turn.outcome.steps[-1] for turn in reversed(history) if turn.outcome.kind == "plan")
    return next((step.scope for step in about if is_about_rows(step)), None)


def _remembered(history: tuple[Turn, ...], subject: Subject) -> list[BaseMessage]:
    """Earlier turns as questions and calls. Answers are left out: they hold cells, which are not for the planner."""
    from langchain_core.messages import AIMessage, HumanMessage, ToolMessage

    from askwhy.agent.calls import calls_of

    messages: list[BaseMessage] = []
    for number, turn in enumerate(history[-_TURNS:]):
        calls = calls_of(turn.outcome, subject.schema)
        for one in calls:
            one["id"] = f"turn_{number}_{one['id']}"
        messages += [HumanMessage(turn.question), AIMessage(content="", tool_calls=calls)]
        messages += [ToolMessage("done", tool_call_id=str(one["id"])) for one in calls]
    return messages


def _refusal(reply: AIMessage, error: BadCalls) -> dict[str, str]:
    """What a retry is told: the calls that cannot be used, and why."""
    said = [{"name": one["name"], "args": one["args"]} for one in reply.tool_calls]
    return {"reply": _clipped(said), "problems": "\n".join(f"- {problem}" for problem in error.problems)}


def _clipped(said: list[dict[str, Any]], length: int = 2000) -> str:
    import json

    text = json.dumps(said, ensure_ascii=False, default=str)
    return text if len(text) <= length else text[:length] + "…"


def _with_rows(outcome: Outcome, subject: Subject) -> Outcome:
    """Options that need a row name one that exists."""
    name = f"{subject.schema.entity} {subject.row_ids[0]}" if subject.row_ids else subject.schema.entity
    if isinstance(outcome, Clarify):
        options = tuple(option.replace(_ROW, name) for option in outcome.options)
        return outcome.model_copy(update={"options": options})
    if isinstance(outcome, Decline) and outcome.nearest:
        return outcome.model_copy(update={"nearest": outcome.nearest.replace(_ROW, name)})
    return outcome
