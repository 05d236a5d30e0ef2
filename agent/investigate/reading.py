"""How a clause is read: by the embedded engine, with the names of what it points at in their places."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from langchain_core.language_models import BaseChatModel

from askwhy.agent.answer import Turn
from askwhy.agent.calls import calls_of
from askwhy.agent.investigate.clauses import (
    FIXED,
    WHY,
    Clause,
    about_one,
    asks_all,
    asks_why,
    counted,
    counts_to,
    fronted,
    only_counts,
    with_feature,
    with_rows,
)
from askwhy.agent.investigate.comparing import Bound, bound_in, in_words, within
from askwhy.agent.investigate.focus import Focus
from askwhy.agent.investigate.mentions import class_conditions, leaves_out, mentions, narrows, sided, values_of
from askwhy.agent.investigate.notebook import Found
from askwhy.agent.investigate.picks import Pick
from askwhy.agent.investigate.pointing import where_written
from askwhy.agent.investigate.script import Hop, Taken
from askwhy.agent.plan import SURE, Plan, Ref, Step
from askwhy.agent.references import listed
from askwhy.agent.understand import understand
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Where
from askwhy.tools.subject import Subject

_FIXES = ("counterfactual", "counterfactual_text")
_EACH = re.compile(
    r"(?:,? (?:for|of|about) )?\b(?:each(?: of (?:them|these|those))?|both(?: of them)?|they|them|these)\b", re.I
)
_LIKELY_RIGHT = 0.7
"""Below this chance of being right a reading is said to be doubtful; of short clauses the engine is seldom sure."""

_TOGETHER = re.compile(r"\b(?:compar\w*|contrast\w*|differ\w*|unlike|than|versus|vs|between)\b", re.IGNORECASE)
_UNDER = re.compile(r"\b(?:under|below|down to|less than|lower than|at most)\b", re.IGNORECASE)
_OVER = re.compile(r"\b(?:over|above|up to|more than|higher than|at least)\b", re.IGNORECASE)
_ROW_ID = r"#?[\"“]?([^\s,;:?!\"”]+)"


@dataclass(frozen=True)
class Read:
    """A step of a clause: its tool, its arguments, and what it takes from earlier steps of the same clause."""

    tool: str
    args: Mapping[str, Any]
    refs: tuple[Ref, ...] = ()

    def takes(self, before: Sequence[str]) -> Iterator[Taken]:
        """What it takes from the hops before it, by their names."""
        for ref in self.refs:
            if 1 <= ref.step <= len(before) and ref.into != "where":
                yield Taken(before[ref.step - 1], "row" if ref.into == "row" else "feature", ref.into)


@dataclass
class Reader:
    """Reads clauses about one subject. turns: what was read so far, with the names of the hops it became. doubtful:
    whether the clause read last may well mean something else."""

    subject: Subject
    model: BaseChatModel
    turns: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    doubtful: bool = False

    def read(
        self, clause: Clause, done: Mapping[str, Found], focus: Focus, hops: tuple[Hop, ...]
    ) -> tuple[Read, ...] | None:
        """The steps of a clause, None where it is not understood."""
        self.doubtful = False
        if asks_all(clause.bare) and self.turns:
            return self._again(hops)
        bound = bound_in(clause.text, self.subject, [one for one in done.values() if one.evidence])
        if bound is not None:
            return self._bounded(clause, bound, done, focus)
        if clause.there and only_counts(clause.text) and not self._names_any(clause.text):
            return (Read("count", self._within({}, Where(), focus)),)
        plan = self._plan(clause, done, focus)
        if plan is None:
            return None
        self.doubtful = self._doubts(plan, clause.text)
        return tuple(Read(step.tool, self._args(step, clause, focus), step.refs) for step in plan.steps)

    def _names_any(self, text: str) -> bool:
        found = mentions(text, self.subject.schema)
        return narrows(found) or any(one.kind == "K" for one in found)

    def _doubts(self, plan: Plan, text: str) -> bool:
        unsure = plan.confidence is not None and plan.confidence < _LIKELY_RIGHT
        return unsure or leaves_out(plan, text, self.subject.schema)

    def whole(self, question: str) -> tuple[Read, ...] | None:
        """The steps of a whole question, None where the engine is not sure of at least two."""
        plan = self._sure(question, ())
        if plan is None or len(plan.steps) < 2 or plan.confidence is None or plan.confidence < SURE:
            return None
        none = Clause(question, False, False, question)
        return tuple(Read(step.tool, self._args(step, none, Focus()), step.refs) for step in plan.steps)

    def apart(self, said: str, rows: Sequence[str]) -> str | None:
        """A clause that is asked of several rows as it is asked of one, None where it is about them together."""
        if _TOGETHER.search(said):
            return None
        text = said
        for row in rows:
            text = re.sub(
                rf"(?:\b{self._nouns}\s+)?#?\b{re.escape(row)}\b", "{row}", text, count=1, flags=re.IGNORECASE
            )
        joined = re.search(r"\{row\}(?:\s*(?:,|and|, and|or)\s*\{row\})+", text)
        if joined is None and "{row}" in text:
            return None
        if joined is not None:
            text = f"{text[: joined.start()]}{{row}}{text[joined.end() :]}"
            return re.sub(r"\s*\b(?:each|both)\b(?: of them)?", "", text)
        if _EACH.search(text):
            return _EACH.sub(lambda found: f"{' for' if 'for' in found[0] else ''} {{row}}", text, count=1).strip()
        return f"{text} for {{row}}"

    @property
    def _nouns(self) -> str:
        schema = self.subject.schema
        return rf"(?:rows?|cases?|{re.escape(schema.entities)}|{re.escape(schema.entity)})"

    def where(self, words: str) -> Where | None:
        """The rows that some words select, None where that is not understood or the words say more."""
        schema = self.subject.schema
        leads = re.match(r"(?:among|of|in|for|within|where|with|by|from|on|at|out of|who|that|whose)\b", words, re.I)
        tries = [f"how many {schema.entities} are there {words}?", f"how many {words} are there?"]
        for text in tries if leads else reversed(tries):
            plan = self._sure(text, ())
            if plan is None or len(plan.steps) != 1 or plan.steps[0].tool not in ("count", "mistakes"):
                continue
            where = plan.steps[0].scope.where
            named = [one for one in mentions(words, schema) if one.kind in ("C", "N", "Q") and not _counts(one, words)]
            if where and len(where.conditions()) >= len(named):
                return where
        return None

    def _sure(self, text: str, history: tuple[Turn, ...]) -> Plan | None:
        outcome = understand(text, history, self.subject, self.model).outcome
        if not isinstance(outcome, Plan) or not all(map(self._exists, outcome.steps)):
            return None
        return outcome.model_copy(
            update={"steps": tuple(sided(step, text, self.subject.schema) for step in outcome.steps)}
        )

    def _plan(self, clause: Clause, done: Mapping[str, Found], focus: Focus) -> Plan | None:
        """What the engine takes a clause to mean: the first of its wordings that it is sure of, else the likeliest."""
        for wordings in self._wordings(clause, focus):
            best = self._best(wordings, clause, done, focus)
            if best is not None:
                return best
        return None

    def _best(self, wordings: Sequence[str], clause: Clause, done: Mapping[str, Found], focus: Focus) -> Plan | None:
        best: Plan | None = None
        for text in wordings:
            plan = self._sure(text, self._history(done))
            if plan is None or (clause.fix and not any(step.tool in _FIXES for step in plan.steps)):
                continue
            if focus.row is not None and _names(text, focus.row.id) and not _about(plan, focus.row.id):
                continue
            if not self._grounded(plan, text, done):
                continue
            if plan.confidence is None or plan.confidence >= SURE:
                return plan
            if best is None or plan.confidence > (best.confidence or 0):
                best = plan
        return best

    def _wordings(self, clause: Clause, focus: Focus) -> Iterator[list[str]]:
        """A clause in the words it may be understood by, the likeliest first; later ones only where none is."""
        schema = self.subject.schema
        named = f"{schema.entity} {focus.row.id}" if focus.row else None
        if "{row}" in clause.text and named is None:
            return
        text = clause.text.replace("{row}", named or "")
        if focus.feature is not None:
            text = with_feature(text, schema.feature(focus.feature.id).label)
        text = with_rows(counted(text), schema)
        front, rest = fronted(text)
        if named is not None and named not in text and focus.fresh and (about_one(clause.bare) or clause.fix):
            text = f"{text} for {named}"
        why = [WHY.replace("{row}", named)] if named is not None and named in text and asks_why(clause.bare) else []
        yield [text, *([f"{rest} {front}"] if front else []), *why]
        if named is not None and named not in text and not counts_to(text):
            yield [f"{text} for {named}"]
        if clause.fix and named is not None:
            yield [FIXED.replace("{row}", named)]

    def _grounded(self, plan: Plan, text: str, done: Mapping[str, Found]) -> bool:
        """Whether each row of a plan is named in the text or was found before."""
        found = [fact.row for one in done.values() if one.evidence for fact in one.evidence.facts]
        found += [one.evidence.scope.row for one in done.values() if one.evidence]
        rows = [step.scope.row for step in plan.steps if step.scope.row is not None]
        meant = {f"{one:g}" if isinstance(one, float) else str(one) for step in plan.steps for one in values_of(step)}
        return all(row in found or (_names(text, row) and row not in meant) for row in rows)

    def _exists(self, step: Step) -> bool:
        return step.scope.row is None or step.scope.row in self.subject.row_ids

    def _args(self, step: Step, clause: Clause, focus: Focus) -> dict[str, Any]:
        schema, row, group = self.subject.schema, focus.row, focus.group
        args: dict[str, Any] = dict(calls_of(Plan(steps=(step.model_copy(update={"refs": ()}),)), schema)[0]["args"])
        if row is not None and step.scope.row == row.id:
            args["row"] = row.pointer
        if focus.feature is not None and step.argument("feature") == focus.feature.id:
            args["feature"] = focus.feature.pointer
        if step.tool in _FIXES and step.argument("number") is not None:
            args |= _direction(clause.bare)
        about = step.scope.has_instance or find_tool(step.tool).needs in ("nothing", "instance")
        if not clause.there or group is None or about:
            return args
        if step.tool == "mistakes" and _contradicts(step, group.where):
            args = {name: value for name, value in args.items() if name not in ("kind", "cls")}
        return self._within(args, step.scope.where, focus)

    def _within(self, args: dict[str, Any], where: Where, focus: Focus) -> dict[str, Any]:
        """The arguments of a step about the rows of the group in focus, and of these those that `where` selects."""
        if focus.group is None:
            return args
        if not where and focus.group.pointer is not None:
            return {**args, "where": focus.group.pointer}
        return {**args, "where": where_written(where & focus.group.where, self.subject.schema)}

    def _again(self, hops: tuple[Hop, ...]) -> tuple[Read, ...] | None:
        """The steps of the clause before, about all rows."""
        before = [hop for hop in hops if hop.name in self.turns[-1][1]]
        if not before or any(hop.takes or "row" in hop.args for hop in before):
            return None
        return tuple(Read(hop.tools[0], {k: v for k, v in hop.args.items() if k != "where"}) for hop in before)

    def _bounded(
        self, clause: Clause, bound: Bound, done: Mapping[str, Found], focus: Focus
    ) -> tuple[Read, ...] | None:
        """A clause about the rows above or below a number that was found."""
        schema = self.subject.schema
        text = with_rows(in_words(clause.text, bound, schema), schema)
        plan = self._sure(text, self._history(done))
        steps = None if plan is None else within(plan, bound)
        if plan is None or steps is None:
            return None
        self.doubtful = self._doubts(plan, text)
        return tuple(Read(step.tool, self._args(step, clause, focus), step.refs) for step in steps)

    def _history(self, done: Mapping[str, Found]) -> tuple[Turn, ...]:
        """The clauses read so far as turns of a conversation."""
        turns = []
        for said, names in self.turns:
            found = [done[name].evidence for name in names if name in done]
            evidence = [one for one in found if one is not None]
            if not evidence:
                continue
            steps = tuple(Step(tool=one.tool, scope=one.scope) for one in evidence)
            rows, features = listed(evidence)
            turns.append(Turn(question=said, outcome=Plan(steps=steps), rows=rows, features=features))
        return tuple(turns)


def _names(text: str, row: str) -> bool:
    """Whether a row's id stands in a text as a word of its own."""
    return re.search(rf"(?<![\w.]){re.escape(row)}(?!\w|\.\d)", text, re.IGNORECASE) is not None


def _about(plan: Plan, row: str) -> bool:
    return any(step.scope.row == row or step.refs for step in plan.steps)


def _counts(one: Any, words: str) -> bool:
    """Whether a number is the pronoun “one”."""
    return one.kind == "N" and words[one.start : one.end].casefold() in ("one", "ones")


def _contradicts(step: Step, where: Where) -> bool:
    """Whether false positives of a class are asked of rows that are truly of it: all mistakes among them are meant."""
    truly = {str(one.value) for one in where.conditions() if one.on == "actual" and not one.negated and one.op == "eq"}
    return step.argument("kind") == "false_positives" and str(step.argument("cls")) in truly


def _direction(said: str) -> dict[str, str]:
    """Which way a number is to go where the words say so: “under 120”."""
    under, over = _UNDER.search(said) is not None, _OVER.search(said) is not None
    return {} if under == over else {"direction": "lower" if under else "higher"}


def asks_each(said: str) -> bool:
    """Whether a clause is asked of several rows, one by one."""
    return _EACH.search(said) is not None


def selected(reader: Reader, pick: Pick) -> Where | None:
    """The rows among which a clause looks for one: None where the words about them are not understood."""
    schema = reader.subject.schema
    where = Where()
    if pick.wrong and schema.classes:
        classes = class_conditions(pick.said, schema)
        if classes is None:
            return None
        where = Where.of(*classes)
    found = mentions(pick.rows, schema)
    if not narrows([one for one in found if not _counts(one, pick.rows)]) and (
        pick.wrong or not any(one.kind == "K" for one in found)
    ):
        return where
    more = reader.where(pick.rows)
    if more is None:
        return None
    kept = [group for group in more.all if not pick.wrong or all(one.on == "feature" for one in group.any)]
    return where & Where(all=tuple(kept)) if kept else None


def rows_in(said: str, subject: Subject, *, only: bool = False) -> tuple[str, ...]:
    """The rows that a text names, “rows 12 and 20”, in order. only: none where it says anything else."""
    schema, ids = subject.schema, set(subject.row_ids)
    nouns = rf"(?:rows?|cases?|{re.escape(schema.entities)}|{re.escape(schema.entity)}|id|number|no\.?)"
    found: list[str] = []
    left = said
    for match in re.finditer(rf"\b{nouns}\s+{_ROW_ID}(?:(?:\s*,\s*|\s*,?\s+and\s+){_ROW_ID})*", said, re.IGNORECASE):
        named = [one.rstrip(".:'") for one in re.split(r"\s*,\s*(?:and\s+)?|\s+and\s+", match[0].split(None, 1)[1])]
        kept = [one.lstrip("#") for one in named]
        kept = [re.sub(rf"^{nouns}\s+", "", one, flags=re.IGNORECASE).lstrip('#"“').rstrip('"”') for one in kept]
        if all(one in ids for one in kept):
            left = left.replace(match[0], "", 1)
        found += [one for one in kept if one in ids]
    if only and left.strip(" ,.;:") and not re.fullmatch(r"\s*(?:for|about|take|of|and|,|\s)+\s*", left, re.IGNORECASE):
        return ()
    return tuple(dict.fromkeys(found))
