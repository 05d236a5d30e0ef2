"""Other wordings of a text, written by the configured language model for a tool to try on the real model."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from askwhy.agent.accounting import Meter, OutOfBudget, Tab
from askwhy.agent.bill import Bill
from askwhy.agent.bounds import NoCallsLeft
from askwhy.agent.plan import Step
from askwhy.prompts import Prompt, load
from askwhy.tools.subject import Subject, plain

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

DRAFTS = 3
"""Versions that are asked for."""

MOST_CHARACTERS = 4000
"""Longer texts are not sent: rewriting them would cost more than a turn may."""

_LINE = re.compile(r"^\W*TEXT:\s*(?P<text>\S.*)$", re.MULTILINE)
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Drafted:
    """Texts that a language model wrote, what that cost, and the hashes of the prompts that were sent."""

    texts: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    bill: Bill = field(default_factory=Bill)


class Drafter:
    """Asks a chat model for wordings; the meter keeps its replies. Whatever it replies is only tried, so a failing or
    lying model costs nothing."""

    def __init__(self, chat: BaseChatModel, meter: Meter | None = None) -> None:
        self._chat = chat
        self._meter = meter or Meter()

    def __call__(self, subject: Subject, step: Step) -> Drafted | None:
        """Drafts for a step about one text; None where there is no text or it is too long."""
        text = _text_of(subject, step)
        if not text.strip() or len(text) > MOST_CHARACTERS or subject.schema.modality != "text":
            return None
        prompt, wishes = load("counterfactual"), load("counterfactual_wish")
        asked = prompt.render(
            count=str(DRAFTS),
            entity=subject.schema.entity,
            classes="\n".join(json.dumps(one.label, ensure_ascii=False) for one in subject.schema.classes),
            wish=_wish(subject, step, wishes),
            text=json.dumps(text, ensure_ascii=False),
        )
        tab = self._meter.tab()
        texts = _drafts(self._reply(asked, (prompt, wishes), tab), text)
        if not texts:
            tab.refuse()
        return Drafted(texts, tab.prompts, tab.bill)

    def _reply(self, asked: str, prompts: tuple[Prompt, ...], tab: Tab) -> str:
        """What the model says, empty where it says nothing."""
        from langchain_core.messages import HumanMessage

        from askwhy.agent.line import reply

        messages = [HumanMessage(asked)]
        try:
            said = tab.ask(
                self._chat,
                messages,
                lambda tally: reply(self._chat, messages, retries=0, tally=tally),
                prompts=prompts,
            )
        except (OutOfBudget, NoCallsLeft) as error:
            _log.info("%s; the tool's own search is enough", error)
            return ""
        except Exception as error:  # each provider's package has its own errors; the tool's own search is enough
            _log.warning("the language model wrote no drafts: %s", type(error).__name__)
            return ""
        return str(said.text)


def _text_of(subject: Subject, step: Step) -> str:
    if step.scope.text is not None:
        return step.scope.text
    if step.scope.row is None or step.scope.row not in subject.row_ids:
        return ""
    return str(plain(subject.row(step.scope.row).iloc[0, 0]) or "")


def _wish(subject: Subject, step: Step, wishes: Prompt) -> str:
    """What is wanted, in words: a class, any other class, or a number in a direction."""
    if subject.regression:
        direction = step.argument("direction") or wishes.option("different")
        return wishes.option("number", target=subject.schema.target.label, direction=str(direction))
    wanted = step.argument("cls")
    if wanted is None:
        return wishes.option("other")
    label = subject.schema.class_label(str(wanted)).label
    return wishes.option("class", cls=json.dumps(label, ensure_ascii=False))


def _drafts(reply: str, text: str) -> tuple[str, ...]:
    """The versions in a reply: those of a like length, each once."""
    found = (match["text"].strip().strip('"“”') for match in _LINE.finditer(reply))
    fits = (one for one in found if one and one != text and len(one) <= 2 * len(text) + 200)
    return tuple(dict.fromkeys(fits))[:DRAFTS]
