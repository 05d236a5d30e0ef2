"""The first hop: a question becomes a plan, a question back, or a polite no.

One code path for every engine: a chat model sees the schema and the tools and replies with calls, which are checked;
one retry with the problems; then the embedded model; then a question back.
"""

from __future__ import annotations

import functools
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from askwhy.agent.accounting import Meter
from askwhy.agent.answer import Turn
from askwhy.agent.bounds import given_up
from askwhy.agent.plan import Clarify, Decline, Outcome, Plan
from askwhy.agent.references import picked, pointed
from askwhy.tools.executor import Cancelled
from askwhy.tools.subject import Subject

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage

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
    question: str,
    history: tuple[Turn, ...],
    subject: Subject,
    model: BaseChatModel,
    *,
    meter: Meter | None = None,
    candidates: int = 1,
) -> Understanding:
    """What the question means, in the light of the turns before. Never raises for what the user or a model said.

    meter: what the calls of a language model are counted on. candidates: how many samples of a provider's model to
    choose from.
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
    from askwhy.agent.asking import Asking

    read = functools.partial(_offline, history=history, subject=subject, model=offline)
    asked = Asking(subject, history, model, read, meter or Meter(), candidates)
    meant = asked.ask(question)
    if given_up():  # nobody waits for what the embedded model makes of it either
        meant = Decline(reason=str(Cancelled()))
    engine = asked.engine if meant is not None else f"{asked.engine} -> embedded"
    return Understanding(
        outcome=_with_rows(meant or _offline(question, history, subject, offline), subject),
        model_calls=asked.tab.bill.model_calls,
        tokens_in=asked.tab.bill.tokens_in,
        tokens_out=asked.tab.bill.tokens_out,
        prompts=asked.tab.prompts,
        engine=engine,
    )


def _offline(question: str, history: tuple[Turn, ...], subject: Subject, model: BaseChatModel) -> Outcome:
    from langchain_core.messages import HumanMessage

    from askwhy.agent.asking import remembered
    from askwhy.agent.calls import BadCalls, tool_schemas

    messages = [*remembered(history, subject), HumanMessage(question)]
    reply = model.bind_tools(tool_schemas(subject.schema)).invoke(messages)
    try:
        return _judged(reply, subject, history)
    except BadCalls as error:
        _log.info("the embedded model's calls were unusable: %s", error)
        return Clarify(question="I am not sure what you mean. Could you put it another way?")


def _judged(reply: AIMessage, subject: Subject, history: tuple[Turn, ...]) -> Outcome:
    """What the embedded model means, with how sure it is and what else the question may mean. Raises BadCalls."""
    from askwhy.agent.asking import meaning, previous
    from askwhy.agent.calls import outcome_of

    outcome = meaning(reply, subject, history)
    said = reply.response_metadata
    confidence = said.get("confidence")
    found = (outcome_of(calls, subject.schema, previous(history)) for calls in said.get("readings", ()))
    readings = tuple(one for one in found if isinstance(one, Plan))
    if isinstance(outcome, Plan) and isinstance(confidence, float):
        return outcome.model_copy(update={"confidence": confidence, "others": readings})
    return outcome.model_copy(update={"readings": readings}) if isinstance(outcome, Clarify) else outcome


def _with_rows(outcome: Outcome, subject: Subject) -> Outcome:
    """Options that need a row name one that exists."""
    name = f"{subject.schema.entity} {subject.row_ids[0]}" if subject.row_ids else subject.schema.entity
    if isinstance(outcome, Clarify):
        options = tuple(option.replace(_ROW, name) for option in outcome.options)
        return outcome.model_copy(update={"options": options})
    if isinstance(outcome, Decline) and outcome.nearest:
        return outcome.model_copy(update={"nearest": outcome.nearest.replace(_ROW, name)})
    return outcome
