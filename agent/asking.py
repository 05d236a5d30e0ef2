"""A question to a provider's chat model: with tools where it calls them, else with calls that it writes as text."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from askwhy.agent.accounting import Meter, OutOfBudget
from askwhy.agent.answer import Turn
from askwhy.agent.bounds import Abandoned, NoCallsLeft, may_call
from askwhy.agent.calls import BadCalls, calls_of, is_about_rows, outcome_of
from askwhy.agent.candidates import chosen
from askwhy.agent.capable import capabilities, keeping
from askwhy.agent.line import Tally, asking, line_of, reply
from askwhy.agent.listing import variables
from askwhy.agent.llm import engine_name
from askwhy.agent.own_words import own
from askwhy.agent.plan import Outcome, Plan
from askwhy.agent.shortlist import asked_for, first_shown, shown
from askwhy.agent.written import FORM, with_calls, written_variables
from askwhy.prompts import Prompt, load
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

MAX_ASKED = 2
"""How often a model is asked one question: at first, and once more with what was wrong."""

POOR = 2
"""Turns whose written calls were of no use, after which a model that calls no tools is not asked any more."""

MOST_CANDIDATES = 8
_WARMTH = 0.7
_TURNS = 6
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Work:
    """What is sent: the messages, what the newest of them was made from, and tools where calls are to come as calls.

    names: which of them are shown, None for all.
    """

    messages: list[BaseMessage]
    prompt: Prompt
    question: str
    calls_tools: bool
    tools: list[dict[str, Any]]
    names: tuple[str, ...] | None = None


class Asking:
    """One question to a provider's model, with a retry. candidates: how many samples of the plan to choose from.

    read: from a question to what the embedded model takes it to mean, for what is offered to the user. meter: what its
    calls are counted on.
    """

    def __init__(
        self,
        subject: Subject,
        history: tuple[Turn, ...],
        model: BaseChatModel,
        read: Callable[[str], Outcome],
        meter: Meter,
        candidates: int = 1,
    ) -> None:
        self.subject, self.history, self.model = subject, history, model
        self.engine = engine_name(model)
        self.tab = meter.tab()
        self._read, self._candidates = read, max(1, min(candidates, MOST_CANDIDATES))
        self._problem: tuple[AIMessage, BadCalls] | None = None
        self._wanted: tuple[str, ...] = ()

    def ask(self, question: str) -> Outcome | None:
        """The outcome, or None where the model is no use: it failed, or its calls were wrong twice."""
        try:
            able = self.tab.spend(self.model, lambda tally: capabilities(self.model, tally))
            if not able.tools and able.writes is False:
                return None
            found = self._asked(question, bool(able.tools))
        except Abandoned:
            return None
        except (OutOfBudget, NoCallsLeft) as error:
            _log.info("%s; the embedded model takes over", error)
            return None
        except Exception as error:
            # Whatever a provider's package raises, the embedded model can still answer.
            _log.warning("%s failed with %s; the embedded model takes over", self.engine, type(error).__name__)
            return None
        if not able.tools:
            self._learn(found is not None)
        return found

    def _learn(self, useful: bool) -> None:
        """Note whether the written calls of a model that calls no tools were of use."""
        line = line_of(self.model)
        line.poor = 0 if useful else line.poor + 1
        if useful or line.poor >= POOR:
            line.able = replace(line.able, writes=useful)

    def _asked(self, question: str, calls_tools: bool) -> Outcome | None:
        work, count = self._first(question, calls_tools), self._candidates
        for _ in range(MAX_ASKED):
            if not may_call():
                return None
            found = [one for one in self._samples(work, count) if one is not None]
            if found and self._candidates > 1:
                earlier = self.history[-1].outcome if self.history else None
                steps = earlier.steps if isinstance(earlier, Plan) else ()
                return chosen(found, count, question, self.subject.schema, steps)
            if found:
                return found[0]
            work, count = self._again(work), 1
        return None

    def _first(self, question: str, calls_tools: bool) -> _Work:
        prompt = load("understand" if calls_tools else "written_calls")
        said = [*remembered(self.history, self.subject, calls_tools), HumanMessage(question)]
        messages = [self._told(prompt), *said]
        if not calls_tools:
            return _Work(messages, prompt, question, calls_tools, [])
        schema = self.subject.schema
        names = first_shown(self.model, said, schema)
        return _Work(messages, prompt, question, calls_tools, shown(schema, names), names)

    def _again(self, work: _Work) -> _Work:
        """What is sent after replies that were of no use, or asked for tools: those are then shown as well."""
        wanted, problem = self._wanted, self._problem
        if wanted:
            prompt = load("understand_more")
            said = prompt.render(tools=", ".join(wanted))
        else:
            assert problem is not None
            prompt = load("understand_again" if work.calls_tools else "written_again")
            said = prompt.render(**_refusal(*problem, work.calls_tools))
        again = replace(work, messages=[*work.messages, HumanMessage(said)], prompt=prompt)
        if work.names is None:
            return again
        called = [call["name"] for call in problem[0].tool_calls] if problem else []
        # It has no further try after this one, so nothing more can be asked for.
        return replace(again, tools=shown(self.subject.schema, (*work.names, *wanted, *called), more=False))

    def _told(self, prompt: Prompt) -> SystemMessage:
        schema = self.subject.schema
        return SystemMessage(
            prompt.render(**(variables(schema) if prompt.id == "understand" else written_variables(schema)))
        )

    def _samples(self, work: _Work, count: int) -> list[Outcome | None]:
        """What some replies to the same messages mean, None for those that cannot be used. Raises where all failed."""
        if count == 1:
            return [self._sample(work, 0, {})]
        with ThreadPoolExecutor(count) as pool:
            options = warm(self.model)
            several = [pool.submit(copy_context().run, self._sample, work, number, options) for number in range(count)]
        failed = [error for one in several if (error := one.exception()) is not None]
        if len(failed) == count:
            raise failed[0]
        return [one.result() for one in several if one.exception() is None]

    def _sample(self, work: _Work, number: int, options: dict[str, Any]) -> Outcome | None:
        message = self._reply(work, number, options)
        try:
            if work.names is not None and (wanted := asked_for(message.tool_calls, self.subject.schema)):
                self._wanted = tuple(dict.fromkeys((*self._wanted, *wanted)))
                return None
            outcome = meaning(message if work.calls_tools else with_calls(message), self.subject, self.history)
            said = [*(turn.question for turn in self.history), work.question]
            return own(outcome, said, self.subject, self._read)
        except BadCalls as error:
            _log.info("unusable calls of %s: %s", self.engine, error)
            self._problem = message, error
            if not options:
                self.tab.refuse()
            return None

    def _reply(self, work: _Work, number: int, options: dict[str, Any]) -> AIMessage:
        structured = not work.calls_tools and bool(line_of(self.model).able.structured)

        def ask(tally: Tally) -> AIMessage:
            if not structured:
                return reply(self.model, work.messages, tools=work.tools, tally=tally, **options)
            kept = keeping(self.model, FORM)
            message: AIMessage = asking(self.model, lambda: kept.invoke(work.messages), tally=tally)["raw"]
            tally.note(message)
            return message

        return self.tab.ask(self.model, work.messages, ask, prompts=(work.prompt,), tools=work.tools, sample=number)


def warm(model: BaseChatModel) -> dict[str, Any]:
    """What makes replies to the same question differ, in the provider's own words; nothing where it differs anyway."""
    if type(model).__name__ == "ChatOllama":
        return {"options": {"temperature": _WARMTH, "num_predict": line_of(model).bounds.most_tokens}}
    cold = getattr(model, "temperature", None) is not None
    return {"temperature": _WARMTH} if cold else {}


def meaning(message: AIMessage, subject: Subject, history: tuple[Turn, ...]) -> Outcome:
    """What the calls of a reply mean. Raises BadCalls."""
    if message.invalid_tool_calls:
        raise BadCalls("the arguments of a call are not JSON")
    return outcome_of(message.tool_calls, subject.schema, previous(history))


def previous(history: tuple[Turn, ...]) -> Scope | None:
    """The scope of the last turn that was about rows."""
    about = (turn.outcome.steps[-1] for turn in reversed(history) if turn.outcome.kind == "plan")
    return next((step.scope for step in about if is_about_rows(step)), None)


def remembered(history: tuple[Turn, ...], subject: Subject, calls_tools: bool = True) -> list[BaseMessage]:
    """Earlier turns as questions and calls. Answers are left out: they hold cells, which are not for the planner."""
    messages: list[BaseMessage] = []
    for number, turn in enumerate(history[-_TURNS:]):
        calls = calls_of(turn.outcome, subject.schema)
        messages.append(HumanMessage(turn.question))
        if not calls_tools:
            messages.append(AIMessage(_written(calls)))
            continue
        for one in calls:
            one["id"] = f"turn_{number}_{one['id']}"
        messages.append(AIMessage(content="", tool_calls=calls))
        messages += [ToolMessage("done", tool_call_id=str(one["id"])) for one in calls]
    return messages


def _written(calls: Sequence[Any], length: int | None = None) -> str:
    said = [{"name": one["name"], "args": one["args"]} for one in calls]
    text = json.dumps(said, ensure_ascii=False, default=str)
    return text if length is None or len(text) <= length else text[:length] + "…"


def _refusal(message: AIMessage, error: BadCalls, calls_tools: bool) -> dict[str, str]:
    """What a retry is told: the calls that cannot be used, and why."""
    said = _written(message.tool_calls, 2000) if calls_tools else str(message.text)[:2000]
    return {"reply": said, "problems": "\n".join(f"- {problem}" for problem in error.problems)}
