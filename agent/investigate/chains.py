"""A question of several clauses, each a step or more: “find the group it treats worst, explain its worst mistake there,
and what would fix it”. The embedded engine reads every clause; what it points at is taken from what was found before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from askwhy.agent.answer import Turn
from askwhy.agent.calls import calls_of
from askwhy.agent.embedded.chat import EmbeddedChat
from askwhy.agent.groups import where_of_group
from askwhy.agent.investigate.clauses import Clause, clause_of, clauses_of, points_there, with_feature
from askwhy.agent.investigate.notebook import Found
from askwhy.agent.investigate.pointing import where_written
from askwhy.agent.investigate.script import Hop, Taken, taken_from
from askwhy.agent.listing import clean
from askwhy.agent.plan import Plan, Step
from askwhy.agent.references import listed
from askwhy.agent.understand import understand
from askwhy.tools.registry import find_tool
from askwhy.tools.subject import Subject

_MISTAKES = ("mistake", "largest_error")


@dataclass
class Chain:
    """The hops of a question's clauses. A clause is read when what the one before asks for has been found."""

    question: str
    subject: Subject
    said: list[str] = field(default_factory=list)
    _hops: list[Hop] = field(default_factory=list)
    _turns: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    _waiting: Clause | None = None

    def __post_init__(self) -> None:
        self.clauses = clauses_of(self.question)
        self._left = list(self.clauses)
        self._model = EmbeddedChat(subject_schema=self.subject.schema)

    @property
    def several(self) -> bool:
        """Whether there is more than one clause."""
        return len(self.clauses) > 1

    def __call__(self, done: Mapping[str, Found]) -> Sequence[Hop]:
        """Every hop so far, with those of the next clause once all others are done."""
        while all(hop.name in done for hop in self._hops) and (self._left or self._waiting):
            made = list(self._next(done))
            self._hops += made
            if made:
                break
        return list(self._hops)

    def notes(self) -> list[str]:
        """What could not be read, and what no group was found for."""
        return list(dict.fromkeys(self.said))

    def _next(self, done: Mapping[str, Found]) -> Iterator[Hop]:
        """The hops of the next clause, or of what is left of the one whose row has now been found."""
        found = list(done.values())
        group = _latest(found, Taken("", "group"))
        if self._waiting is None:
            row = _row(found)
            clause = clause_of(self._left.pop(0), self.subject.schema, group is not None, row is not None)
            if group is None and points_there(clause.bare) and self._turns:
                every = clean(self.subject.schema.entities)
                self.said.append(
                    f"No group was found before “{clean(clause.bare, 200)}”, so this is about all {every}."
                )
            if clause.worst:
                self._waiting = clause if clause.text else None
                yield self._named(
                    clause, "mistakes", {"what": "sample"} | ({"where": group} if clause.there and group else {})
                )
                return
        else:
            clause, self._waiting = self._waiting, None
            row = _row(found, _MISTAKES) if _answered(found) else None
        feature = _feature(found) if row is None else None
        yield from self._read(clause, done, _Focus(group, row, feature))

    def _named(self, clause: Clause, tool: str, args: Mapping[str, Any], takes: tuple[Taken, ...] = ()) -> Hop:
        name = f"clause {len(self._hops) + 1}: {clean(clause.bare, 80)}"
        self._turns.append((clause.bare, (name,)))
        return Hop(name, (tool,), args, takes)

    def _read(self, clause: Clause, done: Mapping[str, Found], focus: _Focus) -> Iterator[Hop]:
        plan = self._plan(clause, done, focus)
        if plan is None:
            self.said.append(f"Not understood: “{clean(clause.bare, 200)}”.")
            return
        names: list[str] = []
        for number, step in enumerate(plan.steps):
            args = self._args(step, clause, done, focus)
            takes = tuple(
                Taken(names[ref.step - 1], "row" if ref.into == "row" else "feature", ref.into)
                for ref in step.refs
                if 1 <= ref.step <= number and ref.into != "where"
            )
            names.append(f"clause {len(self._hops) + number + 1}: {clean(clause.bare, 80)}")
            yield Hop(names[-1], (step.tool,), args, takes)
        self._turns.append((clause.bare, tuple(names)))

    def _plan(self, clause: Clause, done: Mapping[str, Found], focus: _Focus) -> Plan | None:
        """What the engine takes a clause to mean; where it asks which row, once more with the row in focus."""
        schema = self.subject.schema
        named = f"{schema.entity} {focus.row.id}" if focus.row else None
        if "{row}" in clause.text and named is None:
            return None
        text = clause.text.replace("{row}", named or "")
        if focus.feature is not None:
            text = with_feature(text, schema.feature(focus.feature.id).label)
        tries = [text] if named is None or named in text else [text, f"{text} for {named}"]
        for one in tries:
            outcome = understand(one, self._history(done), self.subject, self._model).outcome
            if isinstance(outcome, Plan) and all(self._exists(step) for step in outcome.steps):
                return outcome
        return None

    def _exists(self, step: Step) -> bool:
        return step.scope.row is None or step.scope.row in self.subject.row_ids

    def _args(self, step: Step, clause: Clause, done: Mapping[str, Found], focus: _Focus) -> dict[str, Any]:
        schema, row, group = self.subject.schema, focus.row, focus.group
        args: dict[str, Any] = dict(calls_of(Plan(steps=(step.model_copy(update={"refs": ()}),)), schema)[0]["args"])
        if row is not None and step.scope.row == row.id:
            args["row"] = row.pointer
        if focus.feature is not None and step.argument("feature") == focus.feature.id:
            args["feature"] = focus.feature.pointer
        about = step.scope.has_instance or find_tool(step.tool).needs in ("nothing", "instance")
        if not clause.there or group is None or about:
            return args
        if not step.scope.where:
            return {**args, "where": group}
        found, fact = _fact(group, list(done.values()))
        return {**args, "where": where_written(step.scope.where & where_of_group(found, fact), schema)}

    def _history(self, done: Mapping[str, Found]) -> tuple[Turn, ...]:
        """The clauses read so far as turns of a conversation."""
        turns = []
        for said, names in self._turns:
            found = [done[name].evidence for name in names if name in done]
            evidence = [one for one in found if one is not None]
            if not evidence:
                continue
            steps = tuple(Step(tool=one.tool, scope=one.scope) for one in evidence)
            rows, features = listed(evidence)
            turns.append(Turn(question=said, outcome=Plan(steps=steps), rows=rows, features=features))
        return tuple(turns)


@dataclass(frozen=True)
class _Named:
    """A row or a feature in focus, and how a call points at it."""

    id: str
    pointer: str


@dataclass(frozen=True)
class _Focus:
    """What a clause can point at: the group, the row and the feature found last."""

    group: str | None
    row: _Named | None
    feature: _Named | None


def _latest(found: Sequence[Found], taken: Taken) -> str | None:
    pointers = (taken_from(one, taken) for one in reversed(found))
    return next((one for one in pointers if one is not None), None)


def _row(found: Sequence[Found], relations: tuple[str, ...] = ()) -> _Named | None:
    """The row that was spoken of last: that of the last step about one, else the first that the last list names."""
    pointer = _latest(found, Taken("", "row", relations=relations))
    if pointer is None:
        return None
    row = _fact(pointer, found)[1].row
    return None if row is None else _Named(row, pointer)


def _feature(found: Sequence[Found]) -> _Named | None:
    """The first feature that the last step names, where that is about no group."""
    last = found[-1:]
    pointer = _latest(last, Taken("", "feature"))
    if pointer is None or _latest(last, Taken("", "group")) is not None:
        return None
    feature = _fact(pointer, last)[1].feature
    return None if feature is None else _Named(feature, pointer)


def _fact(pointer: str, found: Sequence[Found]) -> Any:
    """The evidence and the fact that a pointer of ours leads to."""
    step, name = pointer.removeprefix("@").split(".")[:2]
    evidence = next(one.evidence for one in found if one.step == int(step) and one.evidence is not None)
    return evidence, next(fact for fact in evidence.facts if fact.id == name)


def _answered(found: Sequence[Found]) -> bool:
    """Whether the last step found something."""
    return bool(found) and found[-1].evidence is not None
