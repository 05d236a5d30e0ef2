"""Plans as actions: what the network is taught to write."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from askwhy.agent.parser.actions import EDITS, Action, Argument, arguments_of_tool
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.question import Mention
from askwhy.agent.plan import Clarify, Decline, Outcome, Plan, Step
from askwhy.tools.glossary import known_term
from askwhy.tools.registry import tools
from askwhy.tools.scope import AnyOf, Assignment, Change, Condition, Scalar, Scope, opposite

_TOLERANCE = 1e-9


class Unwritable(ValueError):
    """A plan that the grammar cannot say about this question, such as a number that the question does not hold."""


def write(outcome: Outcome, page: Page) -> list[tuple[Action, ...]]:
    """The actions that say an outcome; where several would do, all of them. Raises Unwritable."""
    if isinstance(outcome, Clarify):
        return [(("G", f"ask:{outcome.question}"),)]
    if isinstance(outcome, Decline):
        return [(("G", f"no:{outcome.reason}"),)]
    if not isinstance(outcome, Plan):
        raise Unwritable("words to check are taken as they are")
    found: list[tuple[Action, ...]] = []
    for number, step in enumerate(outcome.steps):
        last = outcome.steps[number - 1] if number else None
        found += _Writer(page, step, last).actions()
        found.append((("G", "end" if number == len(outcome.steps) - 1 else "next"),))
    return found


class _Writer:
    """One step as actions."""

    def __init__(self, page: Page, step: Step, last: Step | None) -> None:
        self.page, self.step, self.last = page, step, last

    def actions(self) -> Iterator[tuple[Action, ...]]:
        """The step, from its tool to its manner."""
        yield (("T", self.step.tool),)
        yield from self._about()
        yield from self._arguments()
        for name in ("form", "audience", "length"):
            value = getattr(self.step, name)
            if value not in (None, "words"):
                yield (("G", f"{name}:{value}"),)

    def _about(self) -> Iterator[tuple[Action, ...]]:
        scope, last, before = self.step.scope, self.last, self.page.before
        if last is not None and scope == last.scope and scope != Scope() and not _finds_row(self.step, last):
            yield (("G", "same"),)
            return
        if before is not None and self._is_before(scope, before):
            yield (("G", "before"),)
        else:
            yield from self._instance(scope)
            yield from self._where(scope)
        if before is not None and before.changes and scope.changes == before.changes and not self._says(scope.changes):
            yield (("G", "kept"),)
        else:
            for change in scope.changes:
                yield (("G", "change"),)
                yield from self._change(change)

    def _is_before(self, scope: Scope, before: Scope) -> bool:
        """Whether it is about what the turn before was about, and the question does not say it again."""
        if scope.without_changes() != before.without_changes() or not (scope.has_instance or scope.where):
            return False
        return scope.row is None or not any(_is_row(one, scope.row) for one in self.page.question.numbers)

    def _says(self, changes: Sequence[Change]) -> bool:
        """Whether the question holds every number of the changes."""
        values = [
            one.value for one in changes if isinstance(one.value, (int, float)) and not isinstance(one.value, bool)
        ]
        return bool(values) and all(
            any(abs(one.value - float(value)) <= _TOLERANCE for one in self.page.question.numbers) for value in values
        )

    def _instance(self, scope: Scope) -> Iterator[tuple[Action, ...]]:
        for ref in self.step.refs:
            if ref.into == "row":
                yield (("G", f"from:{ref.step}"),)
        if scope.row is not None:
            yield (("G", "row"),)
            yield from self._row(scope.row)
        elif scope.text is not None:
            yield (("G", "text"),)
            yield from self._span(scope.text)
        for cell in scope.case:
            yield (("G", "case"),)
            yield from self._cell(cell)

    def _cell(self, cell: Assignment) -> Iterator[tuple[Action, ...]]:
        place, feature = self._feature(cell.feature)
        if feature.categories:
            yield (self._category(place, cell.value),)
            return
        yield (("F", place),)
        yield self._number(cell.value)

    def _where(self, scope: Scope) -> Iterator[tuple[Action, ...]]:
        said = "where"
        for group in scope.where.all:
            if group in self.page.groups and not self._fresh(group):
                yield (("G", said),)
                yield (("P", self.page.groups.index(group)),)
                said = "and"
                continue
            for condition in group.any:
                yield (("G", said),)
                yield from self._condition(condition)
                said = "or"
            said = "and"

    def _fresh(self, group: AnyOf) -> bool:
        """Whether the question holds a number of the condition, so that it is said anew."""
        values = [
            one.value for one in group.any if isinstance(one.value, (int, float)) and not isinstance(one.value, bool)
        ]
        return any(
            abs(one.value - float(value)) <= _TOLERANCE for one in self.page.question.numbers for value in values
        )

    def _condition(self, one: Condition) -> Iterator[tuple[Action, ...]]:
        op, negated = one.op, one.negated
        if negated and (turned := opposite(op)):
            op, negated = turned, False
        if one.on == "correct":
            yield (("G", "correct" if bool(one.value is None or one.value) != negated else "wrong"),)
        elif op in ("missing", "contains"):
            yield from self._worded(one, op, negated)
        elif one.on == "id":
            yield (("G", "id"),)
            yield from [(("G", "ne"),)] if op == "ne" else []
            yield from self._row(str(one.value))
        elif one.on in ("predicted", "actual"):
            yield from self._outcome(one, op)
        else:
            yield from self._on_feature(one, op)

    def _worded(self, one: Condition, op: str, negated: bool) -> Iterator[tuple[Action, ...]]:
        if self.page.schema.modality == "table" or op == "missing":
            yield (("F", self._feature(str(one.feature))[0]),)
        if op == "missing":
            yield (("G", "present" if negated else "missing"),)
            return
        yield (("G", "lacks" if negated else "contains"),)
        yield from self._span(str(one.value))

    def _outcome(self, one: Condition, op: str) -> Iterator[tuple[Action, ...]]:
        yield (("G", one.on),)
        if self.page.schema.classes:
            yield from [(("G", "ne"),)] if op == "ne" else []
            yield (self._class(str(one.value)),)
            return
        yield (("G", op),)
        yield self._number(one.value)

    def _on_feature(self, one: Condition, op: str) -> Iterator[tuple[Action, ...]]:
        place, feature = self._feature(str(one.feature))
        if feature.categories:
            yield from [(("G", "ne"),)] if op == "ne" else []
            yield (self._category(place, one.value),)
            return
        yield (("F", place),)
        yield (("G", op),)
        if feature.kind == "date":
            yield from self._span(str(one.value))
        else:
            yield self._number(one.value)

    def _change(self, one: Change) -> Iterator[tuple[Action, ...]]:
        if self.page.schema.modality == "text":
            yield from self._edit(one)
            return
        place, feature = self._feature(str(one.feature))
        if feature.categories:
            yield (self._category(place, one.value),)
            return
        yield (("F", place),)
        how, value = one.action, one.value
        if how == "scale" and not self._numbers(value):
            up = round(100 * (float(value) - 1), 9)  # type: ignore[arg-type]
            how, value = ("percent_up", up) if up > 0 else ("percent_down", -up)  # type: ignore[assignment]
        yield (("G", how),)
        yield self._number(value)

    def _edit(self, one: Change) -> Iterator[tuple[Action, ...]]:
        how = "insert_before" if one.action == "insert" and one.words else one.action
        if how not in EDITS:
            raise Unwritable(f"a text cannot be changed by {how}")
        yield (("G", how),)
        parts = {"remove": (one.words,), "replace": (one.words, one.value), "insert": (one.value,)}
        for part in parts.get(how, (one.value, one.words)):
            yield from self._span(str(part))

    def _arguments(self) -> Iterator[tuple[Action, ...]]:
        made = tools()[self.step.tool]
        known = {one.name: one for one in arguments_of_tool(made)}
        refs = {ref.into: ref.step for ref in self.step.refs}
        given = {one.name: one.value for one in self.step.arguments}
        for name in sorted({*given, *refs} & known.keys()):
            if name in refs:
                yield (("A", name),)
                yield (("G", f"from:{refs[name]}"),)
                continue
            whole: Any = given[name]
            for value in whole if isinstance(whole, tuple) else (whole,):
                if known[name].kind == "flag" and not value:
                    continue
                yield (("A", name),)
                if known[name].kind != "flag":
                    yield from self._argument(known[name], value)

    def _argument(self, one: Argument, value: Scalar) -> Iterator[tuple[Action, ...]]:
        kind, name = one.kind, one.name
        if kind == "feature":
            yield (("F", self._feature(str(value))[0]),)
        elif kind == "class":
            yield (self._class(str(value)),)
        elif kind == "number":
            yield self._number(value)
        elif kind == "choice" or (name == "model" and value in self.page.schema.rivals):
            yield (("E", (name, self._choice(one, str(value)))),)
        else:
            yield from self._text(str(value))

    def _choice(self, one: Argument, value: str) -> str:
        """A value of a closed list; a term of the glossary may be called by another name than that of its entry."""
        if one.kind != "choice" or value in one.choices:
            return value
        known = known_term(value)
        if known is None or known.term not in one.choices:
            raise Unwritable(f"{value!r} is none of the values of {one.name}")
        return known.term

    def _text(self, value: str) -> Iterator[tuple[Action, ...]]:
        """A text argument: words of the question, a number, or the name of a value."""
        try:
            yield from self._row(value)
            return
        except Unwritable:
            pass
        for position, (_, one) in enumerate(self.page.values):
            if value.casefold() in {str(one.value).casefold(), one.name.casefold(), one.label.casefold()}:
                yield (("C", position),)
                return
        raise Unwritable(f"the question does not say {value!r}")

    def _row(self, row: str) -> Iterator[tuple[Action, ...]]:
        found = tuple(("N", i) for i, one in enumerate(self.page.numbers) if one.raw and _is_row(one, row))
        if found:
            yield found
        else:
            yield from self._span(row)

    def _span(self, text: str) -> Iterator[tuple[Action, ...]]:
        wanted, question = _plain(text), self.page.question
        starts = [i for i, word in enumerate(question.words) if wanted.startswith(_plain(word.text) or "\0")]
        for first in starts:
            for last in range(first, len(question.words)):
                if _plain(question.span(first, last)) == wanted:
                    yield (("W", first),)
                    yield (("W", last),)
                    return
        raise Unwritable(f"the question does not say {text!r}")

    def _numbers(self, value: Any) -> tuple[Action, ...]:
        if isinstance(value, (bool, str)) or value is None:
            return ()
        wanted = float(value)
        size = max(1.0, abs(wanted))
        return tuple(
            ("N", i) for i, one in enumerate(self.page.numbers) if abs(one.value - wanted) <= _TOLERANCE * size
        )

    def _number(self, value: Any) -> tuple[Action, ...]:
        if found := self._numbers(value):
            return found
        raise Unwritable(f"the question does not say {value!r}")

    def _feature(self, name: str) -> tuple[int, Any]:
        place = self.page.schema.names.index(self.page.schema.feature(name).name)
        return place, self.page.schema.features[place]

    def _category(self, place: int, value: Any) -> Action:
        for position, (owner, one) in enumerate(self.page.values):
            if owner == place and one.value == value and isinstance(one.value, bool) == isinstance(value, bool):
                return ("C", position)
        raise Unwritable(f"there is no value {value!r}")

    def _class(self, name: str) -> Action:
        return ("K", self.page.schema.class_index(name))


def _finds_row(*steps: Step) -> bool:
    """Whether an earlier step finds whom one of them is about."""
    return any(ref.into == "row" for step in steps for ref in step.refs)


def _is_row(mention: Mention, row: str) -> bool:
    return mention.raw == row or (mention.value.is_integer() and str(int(mention.value)) == row)


def _plain(text: str) -> str:
    return " ".join(text.casefold().replace("\u2019", "'").split())
