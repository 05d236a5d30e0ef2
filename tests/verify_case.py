"""A question's evidence with texts that are true or false of it."""

from __future__ import annotations

from dataclasses import dataclass

from askwhy.agent.plan import Plan, Step
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.schema import Schema


@dataclass(frozen=True)
class Case:
    """Evidence for one question, texts that are true of it, and texts that are not with the check that must object."""

    schema: Schema
    evidence: tuple[Evidence, ...]
    true: tuple[str, ...]
    false: tuple[tuple[str, str], ...]

    @property
    def plan(self) -> Plan:
        """The plan that the evidence was made by."""
        steps = (Step(tool=one.tool, arguments=one.arguments, scope=one.scope) for one in self.evidence)
        return Plan(steps=tuple(steps))


def evidence_by(tool: str, *facts: Fact, **rest: object) -> Evidence:
    numbered = tuple(fact.model_copy(update={"id": f"f{i}"}) for i, fact in enumerate(facts, 1))
    return Evidence.model_validate({"facts": numbered, "tool": tool, **rest})
