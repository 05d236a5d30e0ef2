"""Other wordings of a text, written by the configured language model for a tool to try on the real model."""

from __future__ import annotations

import json
import logging
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from askwhy.agent.plan import Step
from askwhy.prompts import load
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
    """Texts that a language model wrote, what that cost, and the hash of the prompt."""

    texts: tuple[str, ...]
    prompt: str
    model_calls: int = 1
    tokens_in: int = 0
    tokens_out: int = 0


class Drafter:
    """Asks a chat model for wordings, once for each step. Whatever it replies is only tried, so a failing or lying
    model costs nothing."""

    def __init__(self, chat: BaseChatModel) -> None:
        self._chat = chat
        self._written: dict[tuple[str, Step], Drafted] = {}

    def __call__(self, subject: Subject, step: Step) -> Drafted | None:
        """Drafts for a step about one text; None where there is no text or it is too long."""
        key = (subject.id, step)
        if key in self._written:
            return replace(self._written[key], model_calls=0, tokens_in=0, tokens_out=0)
        drafted = self._asked(subject, step)
        if drafted is not None and drafted.texts:
            self._written[key] = drafted
        return drafted

    def _asked(self, subject: Subject, step: Step) -> Drafted | None:
        from langchain_core.messages import HumanMessage

        from askwhy.agent.bounds import may_call
        from askwhy.agent.line import Tally, reply

        text = _text_of(subject, step)
        if not text.strip() or len(text) > MOST_CHARACTERS or subject.schema.modality != "text":
            return None
        if not may_call():
            return None
        prompt = load("counterfactual")
        asked = prompt.render(
            count=str(DRAFTS),
            entity=subject.schema.entity,
            classes="\n".join(json.dumps(one.label, ensure_ascii=False) for one in subject.schema.classes),
            wish=_wish(subject, step),
            text=json.dumps(text, ensure_ascii=False),
        )
        tally, texts = Tally(), ()  # type: tuple[Tally, tuple[str, ...]]
        try:
            texts = _drafts(str(reply(self._chat, [HumanMessage(asked)], retries=0, tally=tally).text), text)
        except Exception as error:  # each provider's package has its own errors; the tool's own search is enough
            _log.warning("the language model wrote no drafts: %s", type(error).__name__)
        return Drafted(texts, prompt.hash, tally.calls, tally.tokens_in, tally.tokens_out)


def _text_of(subject: Subject, step: Step) -> str:
    if step.scope.text is not None:
        return step.scope.text
    if step.scope.row is None or step.scope.row not in subject.row_ids:
        return ""
    return str(plain(subject.row(step.scope.row).iloc[0, 0]) or "")


def _wish(subject: Subject, step: Step) -> str:
    """What is wanted, in words: a class, any other class, or a number in a direction."""
    if subject.regression:
        return (
            f"the predicted {subject.schema.target.label} becomes {step.argument('direction') or 'clearly different'}"
        )
    wanted = step.argument("cls")
    if wanted is None:
        return "it belongs to another class than it does now"
    return f"it belongs to the class {json.dumps(subject.schema.class_label(str(wanted)).label, ensure_ascii=False)}"


def _drafts(reply: str, text: str) -> tuple[str, ...]:
    """The versions in a reply: those of a like length, each once."""
    found = (match["text"].strip().strip('"“”') for match in _LINE.finditer(reply))
    fits = (one for one in found if one and one != text and len(one) <= 2 * len(text) + 200)
    return tuple(dict.fromkeys(fits))[:DRAFTS]
