"""What the evidence and the plan bear out: every value a text may state, and what it is a value of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from askwhy.agent.plan import Plan
from askwhy.agent.verify.numbers import numbers
from askwhy.agent.verify.patterns import sized
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import Argument, Assignment, Change, Condition, Scalar, Scope

_SIGNED_UNITS = ("points", "log-odds")
_SIGNED_WORDS = (
    "attribution",
    "contribution",
    "change",
    "difference",
    "effect",
    "slope",
    "trend",
    "shift",
    "gap",
    "delta",
)
_NO_DIRECTION = re.compile(
    r"^size$|range|spread|error|_low|_high|_start|_end|importance|margin|lead|no_effect|_share|off|fidelity"
)
_SIZED = re.compile(r"(?:^|_)(?:off|error|margin|lead|residual|drop)(?:_|$)")
_RISES = re.compile(r"ris(?:es|ing)|increas|_up")
_FALLS = re.compile(r"fall(?:s|ing)|decreas|_down")
_FLAT = re.compile(r"flat|no_effect|unchanged|same")
_BEFORE = re.compile(r"before|from|old|start|original|current|previous|without", re.I)
_AFTER = re.compile(r"after|goal|cf_|flip|(?:^|_)to(?:_|$)|new|end|changed|proposed", re.I)


@dataclass(frozen=True)
class Known:
    """A number that may be said. `unit` as in Fact, or "rank", "constant" (of the plan), "range" (of the schema).

    error: it is a standard error. lead: the two words before it in the text of the evidence that it is from.
    """

    value: float
    unit: str
    feature: str | None = None
    cls: str | None = None
    row: str | None = None
    signed: bool = False
    exact: bool = False
    error: bool = False
    lead: str = ""
    fact: Fact | None = None


@dataclass(frozen=True)
class Ground:
    """Evidence, plan and schema, indexed by what a text may say about them."""

    evidence: tuple[Evidence, ...]
    plan: Plan
    schema: Schema

    @cached_property
    def facts(self) -> tuple[Fact, ...]:
        """Every fact of every step."""
        return tuple(fact for one in self.evidence for fact in one.facts)

    @cached_property
    def scopes(self) -> tuple[Scope, ...]:
        """Scopes of the steps as they were run; of the plan where a step has no evidence."""
        run = tuple(one.scope for one in self.evidence)
        return run or tuple(step.scope for step in self.plan.steps)

    @cached_property
    def conditions(self) -> tuple[Condition, ...]:
        """Every condition of every step."""
        return tuple(dict.fromkeys(one for scope in self.scopes for one in scope.where.conditions()))

    @cached_property
    def cells(self) -> tuple[Change | Assignment, ...]:
        """Every changed or assumed cell of every step."""
        return tuple(one for scope in self.scopes for one in cells_of(scope))

    @cached_property
    def arguments(self) -> tuple[Argument, ...]:
        """Arguments of every step."""
        planned = (one for step in self.plan.steps for one in step.arguments)
        return (*(one for evidence in self.evidence for one in evidence.arguments), *planned)

    @cached_property
    def rows(self) -> frozenset[str]:
        """Ids of the rows that the evidence or the plan is about."""
        found = {fact.row for fact in self.facts if fact.row is not None}
        found |= {str(fact.value) for fact in self.facts if fact.unit == "id"}
        found |= {scope.row for scope in self.scopes if scope.row is not None}
        found |= {str(one.value) for one in self.conditions if one.on == "id"}
        return frozenset(found)

    @cached_property
    def groups(self) -> tuple[str, ...]:
        """Words for subsets that facts with numbers are about."""
        numeric = (fact for fact in self.facts if fact.group and isinstance(fact.value, (int, float)))
        return tuple(dict.fromkeys(str(fact.group) for fact in numeric))

    @cached_property
    def signed(self) -> tuple[Fact, ...]:
        """Facts whose sign is a direction: attributions, changes, differences."""
        return tuple(fact for fact in self.facts if is_signed(fact))

    @cached_property
    def trends(self) -> dict[str, tuple[float, ...]]:
        """By feature, which way the output goes as it rises: from end points and from rows that were checked."""
        found: dict[str, list[float]] = {}
        for one in self.evidence:
            for fact in one.facts:
                turn = trend_of(fact)
                if turn is not None and fact.feature and not fact.relation.endswith("_share"):
                    found.setdefault(fact.feature, []).append(turn)
            starts, ends = one.all("effect_start"), one.all("effect_end")
            for start, end in zip(starts, ends, strict=False):
                if start.feature and start.cls == end.cls:
                    found.setdefault(start.feature, []).append(end.number() - start.number())
        return {name: tuple(turns) for name, turns in found.items()}

    @cached_property
    def features(self) -> frozenset[str]:
        """Features that the evidence or the plan is about."""
        found = {fact.feature for fact in self.facts if fact.feature}
        found |= {self.named(one.feature) for one in self.conditions if one.feature}
        for scope in self.scopes:
            found |= {self.named(change.feature) for change in scope.changes if change.feature}
            found |= {self.named(cell.feature) for cell in scope.case}
        found |= {str(value) for one in self.arguments for value in _many(one.value)}
        found |= {str(fact.value) for fact in self.facts if isinstance(fact.value, str)}
        return frozenset(found)

    @cached_property
    def said(self) -> str:
        """Every free text of the evidence and the plan, for names and quotations."""
        parts: list[str] = []
        for one in self.evidence:
            parts += [one.method, one.estimand, *(caveat.text for caveat in one.caveats)]
            parts += [f"{quality.check} {quality.note}" for quality in one.quality]
            if one.table is not None:
                parts += [
                    *one.table.columns,
                    *(str(cell) for row in one.table.rows for cell in row if cell is not None),
                ]
        for fact in self.facts:
            parts += [
                str(part) for part in (fact.value, fact.at, fact.feature, fact.cls, fact.group) if part is not None
            ]
        for scope in self.scopes:
            parts += [scope.text or "", *(str(change.words or "") for change in scope.changes)]
        parts += [str(cell.value) for cell in self.cells]
        parts += [str(one.value) for one in self.conditions if one.value is not None]
        parts += [str(value) for one in self.arguments for value in _many(one.value)]
        return "\n".join(parts)

    @cached_property
    def spoken(self) -> str:
        """Free text of the evidence whose single words may be used; names and cells are not, as they are said whole."""
        parts: list[str] = []
        for one in self.evidence:
            parts += [
                one.method,
                one.estimand,
                *(quality.note for quality in one.quality),
                *(one.table.columns if one.table else ()),
            ]
        for fact in self.facts:
            feature = self.feature(fact.feature)
            named = feature is not None and bool(feature.categories)
            cells = (
                fact.value if fact.unit not in ("category", "feature") or not named else None,
                None if named else fact.at,
            )
            parts += [str(part) for part in (*cells, fact.group) if isinstance(part, str)]
        parts += [str(one.value) for one in self.conditions if one.op == "contains"]
        parts += [str(one.value) for one in self.arguments if isinstance(one.value, str)]
        return "\n".join(parts)

    @cached_property
    def numbers(self) -> tuple[Known, ...]:
        """Every number that may be said, without the ranges of the schema."""
        known = [
            one for each in self.evidence for fact in each.facts
            for one in _of_fact(fact, self.schema, fact.relation in sized(each.tool))
        ]  # fmt: skip
        known += [one for evidence in self.evidence for one in _of_words(evidence)]
        for scope in self.scopes:
            known += list(self._constants(scope))
        for one in self.arguments:
            known += [Known(number, "argument", exact=True) for value in _many(one.value) for number in _number(value)]
        return tuple(known)

    def ranges(self, feature: str) -> tuple[Known, ...]:
        """Numbers of the schema about one feature."""
        found = self.feature(feature)
        if found is None:
            return ()
        ends = (found.low, found.high, *(found.allowed or ()))
        return tuple(Known(end, "range", feature=feature) for end in ends if end is not None)

    def feature(self, name: str | None) -> Feature | None:
        """The feature of the schema with this name, or None (words of a text are features of the evidence only)."""
        return next((feature for feature in self.schema.features if feature.name == name), None)

    def values_of(self, feature: str, row: str | None = None) -> frozenset[str]:
        """Every value (as text) that a statement about this feature may name; of one row if given."""
        found: set[str] = set()
        for fact in self.facts:
            if fact.feature == feature and (row is None or fact.row is None or fact.row == row):
                found |= {str(fact.at)} if fact.at is not None else set()
                found |= {str(fact.value)} if fact.unit in ("category", "text", "feature", "class", "") else set()
        found |= {str(one.value) for one in self.cells if self.named(one.feature) == feature}
        found |= {str(one.value) for one in self.conditions if self.named(one.feature) == feature}
        found |= {self.category(feature, value) for value in found}
        return frozenset(found | {str(value) for one in self.arguments for value in _many(one.value)})

    def is_before(self, fact: Fact) -> bool:
        """Whether the fact is about how things were before a change."""
        return bool(_BEFORE.search(fact.relation)) and not _AFTER.search(fact.relation)

    def is_after(self, fact: Fact) -> bool:
        """Whether the fact is about how things are after a change."""
        return bool(_AFTER.search(fact.relation)) and not _BEFORE.search(fact.relation)

    def category(self, feature: str, value: str) -> str:
        found = self.feature(feature)
        words = {word: str(one.value) for one in (found.categories if found else ()) for word in one.words()}
        return words.get(value, value)

    def named(self, feature: str | None) -> str:
        return self._by_word.get(feature or "", feature or "")

    @cached_property
    def _by_word(self) -> dict[str, str]:
        return {word: one.name for one in self.schema.features for word in one.words()}

    def _constants(self, scope: Scope) -> Iterator[Known]:
        for condition in scope.where.conditions():
            if condition.on not in ("feature", "id") and self.schema.classes:
                continue  # the value is a class
            name = self.named(condition.feature) if condition.on == "feature" else None
            for number in _number(condition.value):
                yield Known(number, "id" if condition.on == "id" else "constant", feature=name, exact=True)
        for cell in cells_of(scope):
            name = self.named(cell.feature) or None
            for number in _number(cell.value):
                yield Known(abs(number), "constant", feature=name, exact=True)
                yield Known(number, "constant", feature=name, exact=True)
                if isinstance(cell, Change) and cell.action == "scale":
                    yield Known(abs(number - 1), "percent", feature=name)


def with_words(evidence: tuple[Evidence, ...], schema: Schema) -> tuple[Evidence, ...]:
    """The evidence with the words of a text as features: text tools say in `at` which word a fact is about."""
    if schema.modality != "text":
        return evidence
    return tuple(one.model_copy(update={"facts": tuple(map(_with_word, one.facts))}) for one in evidence)


def _with_word(fact: Fact) -> Fact:
    about_a_word = fact.feature is None and isinstance(fact.at, str)
    return fact.model_copy(update={"feature": str(fact.at)}) if about_a_word else fact


def cells_of(scope: Scope) -> tuple[Change | Assignment, ...]:
    """The cells that a scope changes or assumes."""
    found: list[Change | Assignment] = [*scope.changes, *scope.case]
    return tuple(found)


def is_signed(fact: Fact) -> bool:
    """Whether the sign of the fact's value is a direction."""
    if isinstance(fact.value, (str, bool)) or fact.value is None:
        return False
    if _NO_DIRECTION.search(fact.relation):
        return False
    if fact.unit in _SIGNED_UNITS:
        return True
    return fact.unit in ("output", "score", "", "feature") and any(word in fact.relation for word in _SIGNED_WORDS)


def trend_of(fact: Fact) -> float | None:
    """1, -1 or 0 where the fact's relation says that something rises, falls or stays; else None."""
    for pattern, turn in ((_FLAT, 0.0), (_RISES, 1.0), (_FALLS, -1.0)):
        if pattern.search(fact.relation):
            return turn
    return None


def _of_fact(fact: Fact, schema: Schema, sized: bool = False) -> Iterator[Known]:
    own = {"feature": fact.feature, "cls": fact.cls, "row": fact.row, "fact": fact}
    whole = isinstance(fact.value, int) or (isinstance(fact.value, float) and fact.value.is_integer())
    exact = fact.unit in ("count", "id", "rank") and whole
    for number in _number(fact.value):
        unit = fact.unit or "feature"
        signed = sized or is_signed(fact) or bool(_SIZED.search(fact.relation))
        yield Known(number, unit, signed=signed, exact=exact, **own)  # type: ignore[arg-type]
    for number in _number(fact.at):
        yield Known(number, "feature", feature=fact.feature, row=fact.row, fact=fact)
    if fact.error is not None:
        yield Known(fact.error, fact.unit, feature=fact.feature, cls=fact.cls, row=fact.row, error=True)
    if fact.rank is not None:
        yield Known(float(fact.rank), "rank", exact=True, **own)  # type: ignore[arg-type]
    for text in (fact.group, fact.value if fact.unit in ("text", "") else None):
        if isinstance(text, str):
            yield from (Known(one.value, "said", exact=True, lead=_lead(text, one.start)) for one in numbers(text))


def _lead(text: str, start: int) -> str:
    return " ".join(text[:start].lower().split()[-2:])


def _of_words(evidence: Evidence) -> Iterator[Known]:
    for text in (evidence.method, evidence.estimand):
        yield from (Known(number.value, "said", exact=True) for number in numbers(text))
    for quality in evidence.quality:
        yield Known(quality.value, "score")
        yield from (Known(number.value, "said", exact=True) for number in numbers(quality.note))


def _number(value: Scalar | None) -> Iterable[float]:
    if value is None or isinstance(value, bool):
        return ()
    try:
        return (float(value),)
    except ValueError:
        return ()


def _many(value: Scalar | tuple[Scalar, ...] | None) -> tuple[Scalar, ...]:
    return value if isinstance(value, tuple) else () if value is None else (value,)
