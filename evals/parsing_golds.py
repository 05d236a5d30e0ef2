"""What is right for a question of a suite, and how an outcome is marked against it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from askwhy.agent.calls import REASONS
from askwhy.agent.plan import Outcome, Plan
from askwhy.evals import notation, typed
from askwhy.evals.coxql import of_text_tool, read_coxql, typed_text_plan
from askwhy.evals.notation import Item, Spelling, Typed, plain_parse, read_parse, typed_plan
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Where

Kind = Literal["plan", "clarify", "decline", "check"]


@dataclass(frozen=True)
class Marks:
    """What of an outcome is right: everything, everything in the suite's own notation, operations, slots."""

    typed: bool = False
    literal: bool = False
    operations: bool = False
    slots: bool = False


@dataclass(frozen=True)
class PlanGold:
    """Outcomes of the project's own, all equally right; the first is the one that was written."""

    golds: tuple[Outcome, ...]

    @property
    def written(self) -> str:
        """The first as JSON."""
        return self.golds[0].canonical()

    @property
    def kind(self) -> Kind:
        """plan, clarify, decline or check."""
        return self.golds[0].kind

    @property
    def operations(self) -> str:
        """The tools of the plan, or what is done instead."""
        gold = self.golds[0]
        return " + ".join(sorted({step.tool for step in gold.steps})) if isinstance(gold, Plan) else f"({gold.kind})"

    @property
    def parts(self) -> int:
        """Steps, and what they are about: conditions, changes and instances, those of several steps counted once."""
        gold = self.golds[0]
        if not isinstance(gold, Plan):
            return 1
        about: set[object] = set()
        for step in gold.steps:
            scope = step.scope
            about |= {*scope.where.conditions(), *scope.changes, *scope.case}
            about |= {one for one in (("row", scope.row), ("text", scope.text)) if one[1] is not None}
        return len(gold.steps) + len(about)

    def marks(self, outcome: Outcome) -> Marks:
        """How an outcome compares; literally: with the first gold, of a question back that it is one."""
        return Marks(
            typed=typed.same(outcome, self.golds),
            literal=_literal(outcome) == _literal(self.golds[0]),
            operations=any(typed.operations(outcome) == typed.operations(gold) for gold in self.golds),
            slots=any(typed.slots(outcome) == typed.slots(gold) for gold in self.golds),
        )

    @property
    def wanted(self) -> str:
        """The first in few words."""
        return self.shown(self.golds[0])

    def shown(self, outcome: Outcome) -> str:
        """Tools with what they are about, as short JSON."""
        if not isinstance(outcome, Plan):
            return outcome.kind
        return " + ".join(
            " ".join((step.tool, step.model_dump_json(exclude_defaults=True, exclude={"tool"})))
            for step in outcome.steps
        )


def _literal(outcome: Outcome) -> str:
    if isinstance(outcome, Plan):
        return Plan(steps=outcome.steps).canonical()  # without how sure it is
    if outcome.kind == "decline":
        # A gold has the code of the reason, an outcome the sentence.
        return f"decline {REASONS.get(outcome.reason, outcome.reason)}"
    return outcome.kind


@dataclass(frozen=True)
class ParseGold:
    """A parse in a suite's notation. `readings`: its typed forms; `declined`: whether to decline is right."""

    written: str
    readings: tuple[Typed, ...]
    declined: bool
    translate: Callable[[Plan], Typed]
    write: Callable[[Plan], str]

    @property
    def kind(self) -> Kind:
        """decline where nothing else is right, else plan."""
        return "plan" if self.readings else "decline"

    @property
    def operations(self) -> str:
        """The operations of the parse."""
        return " + ".join(notation.operations(self.readings[0])) if self.readings else "(no tool)"

    @property
    def parts(self) -> int:
        """Filters, changes and operations of the parse."""
        return notation.parts(self.readings[0]) if self.readings else 1 + self.written.count(" and ")

    def marks(self, outcome: Outcome) -> Marks:
        """How an outcome compares with the parse."""
        if not isinstance(outcome, Plan):
            right = self.declined and outcome.kind == "decline"
            return Marks(typed=right, operations=right, slots=right)
        found = self.translate(outcome)
        return Marks(
            typed=found in self.readings,
            literal=self.write(outcome) == self.written,
            operations=notation.operations(found) in [notation.operations(one) for one in self.readings],
            slots=notation.slots(found) in [notation.slots(one) for one in self.readings],
        )

    @property
    def wanted(self) -> str:
        """The parse."""
        return self.written

    def shown(self, outcome: Outcome) -> str:
        """The outcome as a parse, or what it is instead."""
        return self.write(outcome) if isinstance(outcome, Plan) else outcome.kind


Gold = PlanGold | ParseGold


def talktomodel_golds(schema: Schema, earlier: Where) -> Callable[[str], ParseGold]:
    """Reads parses about a table. `earlier`: the selection of the turn before, whose operation was to count."""
    spelling = Spelling(schema)

    def read(parse: str) -> ParseGold:
        repeated: dict[Item, Item] = {("previousoperation",): ("countdata",)}
        right = spelling(repeated.get(item, item) for item in read_parse(parse))
        return ParseGold(
            written=plain_parse(parse),
            readings=(right,),
            declined=False,
            translate=lambda plan: spelling(typed_plan(plan, earlier)),
            write=lambda plan: notation.written(plan, earlier, schema),
        )

    return read


def coxql_golds(schema: Schema, earlier: Where) -> Callable[[str], ParseGold]:
    """Reads parses about a text model."""
    spelling = Spelling(schema)

    def read(parse: str) -> ParseGold:
        readings, declined = read_coxql(parse)
        return ParseGold(
            written=plain_parse(parse),
            readings=tuple(map(spelling, readings)),
            declined=declined,
            translate=lambda plan: spelling(typed_text_plan(plan, earlier)),
            write=lambda plan: notation.written(plan, earlier, schema, of_text_tool),
        )

    return read
