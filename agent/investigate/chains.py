"""A question of several clauses, each a step: “find the group it treats worst, explain its worst mistake there, …”."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from askwhy.agent.investigate.notebook import Found
from askwhy.agent.investigate.script import Hop
from askwhy.tools.subject import Subject

_JOINTS = re.compile(r"\s*(?:[;.?!]\s+|,\s*(?:and\s+)?(?:then\s+)?|\s+and\s+then\s+|\s+then\s+|\s+and\s+)", re.I)


class Chain:
    """The hops of a question's clauses."""

    def __init__(self, question: str, subject: Subject) -> None:
        self.subject = subject
        self.clauses = [one for one in _JOINTS.split(question.strip(" .?!")) if one]
        self.unread: list[str] = []

    @property
    def several(self) -> bool:
        """Whether there is more than one clause."""
        return len(self.clauses) > 1

    def __call__(self, done: Mapping[str, Found]) -> Sequence[Hop]:
        return []

    def notes(self) -> list[str]:
        return []
