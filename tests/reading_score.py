"""How well questions are read: a fixed list of questions, and what was made of each."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from question_schemas import schema_of, subject_of

from askwhy.agent.answer import Turn
from askwhy.agent.embedded.chat import EmbeddedChat
from askwhy.agent.plan import Clarify, Outcome, Plan, Step
from askwhy.agent.understand import understand
from askwhy.tools.registry import tools
from askwhy.tools.subject import Subject

_FILE = Path(__file__).parent / "agent" / "questions.jsonl"


@dataclass(frozen=True)
class Read:
    """A question of the list with what was found: the tools (or "clarify", "decline"), and each step in full."""

    wanted: dict[str, Any]
    found: str
    steps: tuple[dict[str, Any], ...]
    options: tuple[str, ...] = ()

    @property
    def tool_right(self) -> bool:
        """Whether the tool is one that answers the question."""
        return self.found in self.wanted["tool"].split("|")

    @property
    def right(self) -> bool:
        """Whether arguments, rows, conditions and changes are right too, for every step."""
        return self.tool_right and all(self._parts_right(step) for step in self.steps)

    @property
    def misread(self) -> bool:
        """Whether something else was understood without a question back or a no: the worst that can happen."""
        return bool(self.steps) and not self.right

    def _parts_right(self, step: dict[str, Any]) -> bool:
        wanted = {key: self.wanted.get(key, {} if key == "case" else []) for key in ("case", "where", "changes")}
        wanted |= {key: self.wanted.get(key) for key in ("row", "text")}
        wanted["args"] = _own(step["tool"], self.wanted.get("args", {}))
        return all(step[key] == value for key, value in wanted.items())


def questions() -> list[dict[str, Any]]:
    """The list: question, subject (`of`), earlier questions (`after`), tool (a|b either, a+b both) and the rest."""
    return [json.loads(line) for line in _FILE.read_text(encoding="utf-8").splitlines()]


def measured(wanted: list[dict[str, Any]]) -> list[Read]:
    """What is made of each question."""
    return [_read(one) for one in wanted]


@functools.cache
def _subject(name: str) -> Subject:
    return subject_of(schema_of(name), rows=120)


def _read(wanted: dict[str, Any]) -> Read:
    subject = _subject(wanted["of"])
    model = EmbeddedChat(subject_schema=subject.schema)
    history: tuple[Turn, ...] = ()
    for question in (*wanted.get("after", ()), wanted["question"]):
        outcome = understand(question, history, subject, model).outcome
        history = (*history, Turn(question=question, outcome=outcome))
    return Read(wanted, named(outcome), parts(outcome), outcome.options if isinstance(outcome, Clarify) else ())


def named(outcome: Outcome) -> str:
    """The tools of a plan, or "clarify" or "decline"."""
    return "+".join(step.tool for step in outcome.steps) if isinstance(outcome, Plan) else outcome.kind


def parts(outcome: Outcome) -> tuple[dict[str, Any], ...]:
    """Each step of a plan as plain values."""
    return tuple(_step(step) for step in outcome.steps) if isinstance(outcome, Plan) else ()


def _step(step: Step) -> dict[str, Any]:
    given = {one.name: one.value for one in step.arguments}
    conditions = step.scope.where.conditions()
    return {
        "tool": step.tool,
        "args": _own(step.tool, given),
        "case": {one.feature: one.value for one in step.scope.case},
        "where": [f"{one.feature or one.on} {one.op} {one.value}" for one in conditions],
        "changes": [" ".join(map(str, _change(one))) for one in step.scope.changes],
        "row": step.scope.row,
        "text": step.scope.text,
    }  # fmt: skip


def _own(tool: str, given: dict[str, Any]) -> dict[str, Any]:
    """The arguments that are not what the tool would take anyway."""
    fields = tools()[tool].arguments.model_fields
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    return {name: value for name, value in plain.items() if name in fields and value != fields[name].default}


def _change(change: Any) -> list[Any]:
    parts = (change.feature or change.words, change.action, change.value)
    return [part for part in parts if part is not None]
