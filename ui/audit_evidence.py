"""The appendix of an audit: every fact as it was computed, and what it takes to compute it again."""

from __future__ import annotations

from collections.abc import Iterator

from askwhy.agent.investigate.report import Report, Told
from askwhy.agent.plan import Plan
from askwhy.agent.understood import understood
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import DerivedFact, Fact
from askwhy.tools.schema import Schema
from askwhy.tools.value import canonical
from askwhy.ui.audit_blocks import Block, Box, Code, Grid, Heading, Line, Pairs, Words
from askwhy.ui.audit_findings import fact_id, titled

_FIELDS = ("feature", "at", "cls", "row", "group", "rank", "error")
_HEADS = {"cls": "class", "at": "at"}


def appendix(report: Report, schema: Schema) -> Iterator[Block]:
    """A folded box for each step."""
    yield Heading("Appendix: evidence", 2, "appendix")
    said = (
        "Every number, name and direction in the sentences above rests on a fact listed here, unrounded. ",
        "A fact is cited by check and id. All of it, with long texts in full, is in ", Code("evidence.json"), ".",
    )  # fmt: skip
    yield Words(said, "note")
    for number, told in enumerate(report.told, 1):
        blocks = (_origin(told, schema), *_facts(number, told), *_claims(number, told), *_left_out(told))
        yield Box(blocks, f"evidence-{number}", f"{number}. {titled(told)} ({len(told.evidence.facts)} facts)")


def _origin(told: Told, schema: Schema) -> Block:
    evidence = told.evidence
    rows: list[tuple[str, Line]] = [
        ("Asked", (_question(told, schema),)),
        ("Tool", (Code(evidence.tool or told.step.tool),)),
        ("Arguments", (Code(canonical({one.name: one.value for one in evidence.arguments})),)),
        ("Scope", (Code(_short_json(evidence.scope.model_dump(mode="json"))),)),
        ("Method", (evidence.method or "not stated",)),
        ("Measured", (evidence.estimand or "not stated",)),
        ("Seed", (str(evidence.seed),)),
        ("Subject hash", (Code(evidence.subject),)),
        ("Code hash", (Code(evidence.code),)),
    ]
    rows += [
        (f"Check {one.check}", (f"{one.value!r}, {'met' if one.passed else 'not met'}. {one.note}".strip(),))
        for one in evidence.quality
    ]
    rows += [(f"Caveat {one.flag}", (one.text,)) for one in evidence.caveats]
    return Pairs("How to compute it again", tuple(rows))


def _question(told: Told, schema: Schema) -> str:
    try:
        return understood(Plan(steps=(told.step,)), schema)
    except ToolError:  # a report can be read where the tool is not registered
        return told.title


def _short_json(content: dict[str, object]) -> str:
    """A scope without its empty parts; {} is all rows as they are."""
    kept = {name: value for name, value in content.items() if value and value != {"all": []}}
    return canonical(kept)


def _facts(number: int, told: Told) -> Iterator[Block]:
    facts = told.evidence.facts
    if not facts:
        yield Words(("No facts.",), "note")
        return
    fields = [name for name in _FIELDS if any(getattr(fact, name) is not None for fact in facts)]
    derived = any(isinstance(fact, DerivedFact) for fact in facts)
    columns = ("fact", "relation", "value", "unit", *(_HEADS.get(name, name) for name in fields))
    rows = tuple(_fact(number, fact, fields, derived) for fact in facts)
    yield Grid("Facts", (*columns, "computed from") if derived else columns, rows, small=True)


def _fact(number: int, fact: Fact, fields: list[str], derived: bool) -> tuple[Line, ...]:
    cells: list[Line] = [(Code(f"{number}.{fact.id}"),), (fact.relation,), (_raw(fact.value),), (fact.unit,)]
    cells += [(_raw(getattr(fact, name)),) for name in fields]
    if derived:
        cells.append((f"{fact.formula} of {', '.join(fact.sources)}" if isinstance(fact, DerivedFact) else "",))
    return tuple(cells)


def _claims(number: int, told: Told) -> Iterator[Block]:
    """Which words rest on which facts."""
    rows = tuple(
        ((told.text[one.start : one.end],), (Code(", ".join(f"{number}.{fact_id(fact)}" for fact in one.facts)),))
        for one in told.claims
    )
    if rows:
        yield Grid("Which words rest on which facts", ("words", "facts"), rows, small=True)


def _left_out(told: Told) -> Iterator[Block]:
    if told.failures:
        rows = tuple(((one.check,), (one.message,)) for one in told.failures)
        yield Grid("Left out of the words, and why", ("check", "reason"), rows, small=True)


def _raw(value: object) -> str:
    """A value as it was computed: numbers in full."""
    return "" if value is None else str(value) if isinstance(value, str) else repr(value)
