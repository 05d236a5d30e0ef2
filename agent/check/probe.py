"""What a check asks the model: tool calls through the runner, as few as the text needs, and their facts in words."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

from askwhy.agent.plan import Plan, Step
from askwhy.agent.run import Runner
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify.clauses import sentences
from askwhy.tools.alter import typical_row
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Scope, Where, arguments_of
from askwhy.tools.subject import Subject, plain

MAX_CALLS = 400
"""Tool calls for one text; what is beyond is not tested."""


class Spent(Exception):
    """The text has claims that need more calls than are allowed."""


class Probe:
    """Runs tools for one check. `evidence` keeps what was found, each result once; `asked` counts rows of the model."""

    def __init__(
        self, subject: Subject, runner: Runner, row: str | None = None, cancelled: Callable[[], bool] = lambda: False
    ) -> None:
        self.subject = subject
        self.row = row
        self.evidence: list[Evidence] = []
        self.asked = 0
        self._runner = runner
        self._cancelled = cancelled
        self._known: dict[Step, int] = {}
        self.used: list[int] = []

    @property
    def schema(self) -> Schema:
        """The schema of the model that is asked."""
        return self.subject.schema

    def run(self, tool: str, scope: Scope | None = None, **arguments: Any) -> Evidence:
        """The tool's evidence. Raises ToolError for what the text has wrong, `Spent` where the budget is."""
        if self._cancelled():
            raise Spent
        step = Step(tool=tool, arguments=arguments_of(arguments), scope=scope or Scope())
        if step not in self._known:
            if len(self._known) >= MAX_CALLS:
                raise Spent
            ran = self._runner.run(Plan(steps=(step,)), self.subject, self._cancelled)
            self.subject, self.asked = ran.subject, self.asked + ran.predict_rows
            self._known[step] = len(self.evidence)
            self.evidence.append(ran.evidence[0])
        self.used.append(self._known[step])
        return self.evidence[self._known[step]]

    def of_row(self, tool: str, row: str, **arguments: Any) -> Evidence:
        """The tool's evidence about one row."""
        self.subject.position(row)
        return self.run(tool, Scope(row=row), **arguments)

    def count(self, where: Where) -> int:
        """How many rows a selection has."""
        found = self.run("count", Scope(where=where))
        return int(found.one("count" if where else "all_rows").number())

    def said(self, evidence: Evidence, containing: str = "", most: int = 1) -> tuple[str, ...]:
        """What askwhy says of the evidence: the first sentences, or the first that contain some words."""
        text = verbalize((evidence,), self.schema).text
        every = [text[start:end] for start, end in sentences(text)]
        chosen = [one for one in every if containing.lower() in one.lower()] if containing else every
        return tuple((chosen or every)[:most])

    def value_of(self, row: str, feature: str) -> Any:
        """A row's cell; None where it is missing."""
        return plain(self.subject.row(row)[feature].iloc[0])

    @cached_property
    def typical(self) -> dict[str, Any]:
        """Each feature's typical value: the subject's data stay the same while it is asked."""
        return {str(name): plain(column.iloc[0]) for name, column in typical_row(self.subject).items()}

    def predicted(self, row: str) -> str:
        """The name of the class predicted for a row."""
        return str(self.of_row("predict", row).one("prediction").value)

    def actual(self, row: str) -> str | None:
        """The name of the class that a row has in the data."""
        found = self.of_row("show", row).all("truth")
        return str(found[0].value) if found else None

    def usable(self, row: str | None) -> str | None:
        """The row's id if the data has it."""
        if row is None:
            return None
        try:
            self.subject.position(row)
        except ToolError:
            return None
        return row
