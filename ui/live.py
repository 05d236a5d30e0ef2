"""An investigation in the chat: which messages ask for one, and its steps while they are found."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from askwhy.agent.answer import Answer
from askwhy.ui.cells import escaped

if TYPE_CHECKING:
    from askwhy.agent.investigate.report import Told
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
    investigate: Callable[..., object] | None = getattr(room.session, "investigate", None)
    room.told.clear()
    if question is None or investigate is None:
        return room.session.ask(message, cancelled=room.stopped.is_set)
    report = investigate(question, on_step=room.told.append, cancelled=room.stopped.is_set)
    answer: Answer = report.answer  # type: ignore[attr-defined]  # Session.investigate
    return answer


def steps_html(told: Sequence[Told]) -> str:
    """The steps found so far, each with what is said of it."""
    if not told:
        return ""
    items = "".join(f"<li><b>{escaped(one.title)}</b><br>{escaped(one.text)}</li>" for one in tuple(told))
    return f'<div class="aw-answer"><ul class="aw-how">{items}</ul></div>'
