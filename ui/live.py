"""An investigation in the chat: which messages ask for one, and its steps while they are found."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from askwhy.agent.answer import Answer
from askwhy.tools.subject import Subject
from askwhy.ui.page import step_items

if TYPE_CHECKING:
    from askwhy.agent.investigate.report import Report, Told
    from askwhy.ui.rooms import Room

_COMMAND = re.compile(r"/investigate\s+(?P<question>\S.*)", re.IGNORECASE | re.DOTALL)
_ASKED = re.compile(
    r"(?:(?:please|can you|could you)\s+)*(?:investigate|look into|audit (?:this|the|my|our) model)\b", re.IGNORECASE
)


def to_investigate(message: str) -> str | None:
    """The question of a message that asks for an investigation; None where it is to be answered in one turn."""
    message = message.strip()
    if command := _COMMAND.fullmatch(message):
        return command["question"].strip()
    return message if _ASKED.match(message) else None


def answered(room: Room, message: str) -> Answer:
    """The answer to a message, in one turn or by an investigation; the room keeps its steps while they are found."""
    question = to_investigate(message)
    investigate: Callable[..., Report] | None = getattr(room.session, "investigate", None)
    room.told.clear()
    room.lead = ""
    if question is None or investigate is None:
        return room.session.ask(message, cancelled=room.stopped.is_set)
    report: Report = investigate(question, on_step=room.told.append, cancelled=room.stopped.is_set)
    room.told[:], room.lead = report.told, _lead(report, room.session.subject)
    return report.answer


def _lead(report: Report, subject: Subject) -> str:
    """What an audit came to, before its steps: how many flaws, and which; empty for other investigations."""
    from askwhy.ui.audit import RECIPE
    from askwhy.ui.audit_content import Audit, outcome_words

    if report.recipe != RECIPE or not report.told:
        return ""
    audit = Audit(report, subject, "", datetime.now().astimezone())
    found = "; ".join(f"{one.kind} ({one.where}; step {one.step})" for one in audit.findings)
    return f"{outcome_words(audit)}{f' Found: {found}.' if found else ''}"


def steps_html(told: Sequence[Told]) -> str:
    """The steps found so far, each with what is said of it."""
    if not told:
        return ""
    return f'<div class="aw-answer">{step_items(told)}</div>'
