"""The report of an audit, block by block: what was found, what each check says, what was not looked at, the evidence.

What counts the report's own parts (checks run, flaws found) is said outside the verified sentences.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import get_args

from askwhy.agent.answer import Usage
from askwhy.agent.investigate.report import Report, Told
from askwhy.tools.evidence import Table
from askwhy.tools.registry import Section
from askwhy.tools.scope import Scalar
from askwhy.tools.subject import Subject
from askwhy.tools.value import canonical
from askwhy.ui.audit_blocks import (
    MOST_CELL,
    Block,
    Box,
    Code,
    Grid,
    Heading,
    Inline,
    Items,
    Line,
    Link,
    Numbers,
    Pairs,
    Picture,
    Shaded,
    Strong,
    Words,
)
from askwhy.ui.audit_evidence import appendix
from askwhy.ui.audit_findings import (
    Finding,
    Skipped,
    accuses,
    by_weight,
    excerpt,
    findings_of,
    how_sure,
    incomplete,
    section_of,
    skipped_of,
    titled,
)
from askwhy.ui.cells import asked_title, one_line, safe_name
from askwhy.ui.figure import figure_table

_OTHER = "Further steps"
_ABOUT: Section = "What the model is"
_TASKS = {"binary": "one of two classes", "multiclass": "one of several classes", "regression": "a number"}
_MOST_CLASSES, _MOST_ROWS, _MOST_POINTS = 20, 10, 50


@dataclass(frozen=True)
class Audit:
    """An investigation with what the report says about how it was made.

    `command` runs it again; `when` has a time zone.
    """

    report: Report
    subject: Subject
    command: str
    when: datetime
    seed: int = 0

    @property
    def name(self) -> str:
        """What the subject is called."""
        return self.subject.schema.name or self.subject.model_name or "your model"

    @cached_property
    def findings(self) -> tuple[Finding, ...]:
        """The flaws, the weightiest first."""
        return findings_of(self.report, self.subject.schema)

    @cached_property
    def skipped(self) -> tuple[Skipped, ...]:
        """The checks of an audit that were not run."""
        return skipped_of(self.report, self.subject.schema)

    @cached_property
    def evidence_file(self) -> str:
        """Canonical JSON of everything but times, so that the same audit run twice gives the same bytes."""
        report = self.report.model_copy(update={"answer": self.report.answer.model_copy(update={"usage": Usage()})})
        content = {
            "askwhy": self.report.answer.version,
            "subject": {"name": self.name, "model": self.subject.model_name, "hash": self.subject.id},
            "seed": self.seed,
            "findings": [
                {"kind": one.kind, "where": one.where, "fact": f"{one.step}.{one.fact}"} for one in self.findings
            ],
            "report": report.model_dump(mode="json"),
        }
        return canonical(content) + "\n"


def blocks_of(audit: Audit) -> tuple[Block, ...]:
    """The whole report, from the outcome to the evidence."""
    return (
        Heading(f"Model audit: {audit.name}", 1),
        *_outcome(audit),
        _particulars(audit),
        *_findings(audit),
        *_sections(audit),
        *_not_run(audit),
        *_blind_spots(audit),
        *_spent(audit),
        *appendix(audit.report, audit.subject.schema),
    )


def outcome_words(audit: Audit) -> str:
    """How many flaws in how many checks, and whether it got to its end: arithmetic about the report itself."""
    if not audit.report.told:
        return "Nothing was audited: no check could be run."
    found, ran = len(audit.findings), _times(len(audit.report.told), "check")
    words = f"{_times(found, 'flaw')} found in {ran}." if found else _none_found(audit, ran)
    return f"{words} The audit is incomplete: {_stopped(audit.report)}." if incomplete(audit.report) else words


def _none_found(audit: Audit, ran: str) -> str:
    """Not every check could have found a flaw: some only measure or describe."""
    looking = sum(map(accuses, audit.report.told))
    if not looking:
        return f"No check for flaws was run; {ran} in all."
    return f"No flaw was found by {_times(looking, 'check')} for flaws; {ran} in all."


def _outcome(audit: Audit) -> Iterator[Block]:
    """The summary: findings in order of weight, then what was looked for and not found, what else was measured, and
    what was not looked at; all of it in sentences that passed the check, and never that all is well."""
    yield Words((outcome_words(audit),), "alarm" if audit.findings or incomplete(audit.report) else "calm")
    yield from _conclusion(audit)
    if audit.report.told and not audit.findings:
        yield Words(("That is no proof that the model is sound.",))
    flawed = {one.step for one in audit.findings}
    others = [(n, told) for n, told in by_weight(audit.report) if n not in flawed and section_of(told) != _ABOUT]
    looked = [one for one in others if accuses(one[1])]
    yield from _listed("Looked for, and not found", looked, audit)
    measured = [one for one in others if one not in looked]
    yield from _listed("Also measured; whether it is good enough is for the reader to judge", measured, audit)
    yield Words(_not_looked_at(audit))


def _listed(title: str, steps: list[tuple[int, Told]], audit: Audit) -> Iterator[Block]:
    """Steps with the first of their verified sentences that stands on its own."""
    if steps:
        yield Words((Strong(title), ":"))
        schema = audit.subject.schema
        lines = [
            (excerpt(told, schema) or titled(told), " (", Link(f"check {n}", f"step-{n}"), ")") for n, told in steps
        ]
        yield Items(tuple(lines), verified=True)


def _not_looked_at(audit: Audit) -> Line:
    left = [one.what for one in audit.skipped if not one.unfit]
    none = "no check that fits this kind of model was left out"
    words = "; ".join(one[:1].lower() + one[1:] for one in left) if left else none
    return (Strong("Not looked at"), f": {words}. ", Link("What no such audit can see", "blind-spots"),
            " is listed below.")  # fmt: skip


def _conclusion(audit: Audit) -> Iterator[Block]:
    if audit.findings:
        steps = dict.fromkeys(one.step for one in audit.findings)
        yield Items(tuple(_found(audit, step) for step in steps), verified=True)
    if not audit.report.recipe and audit.report.answer.text:
        yield Words((audit.report.answer.text,), "verified")


def _found(audit: Audit, step: int) -> Line:
    """The kinds of flaw that a step found, and its verified sentences."""
    kinds = ", ".join(dict.fromkeys(one.kind for one in audit.findings if one.step == step))
    words = excerpt(audit.report.told[step - 1], audit.subject.schema)
    return (Strong(kinds[:1].upper() + kinds[1:]), ". ", words, " ", Link(f"check {step}", f"step-{step}"))


def _particulars(audit: Audit) -> Block:
    subject, answer = audit.subject, audit.report.answer
    schema = subject.schema
    held = int(subject.held_out.sum())
    rows: list[tuple[str, Line]] = [
        ("Model", (subject.model_name or "not named",)),
        ("Predicts", (f"{schema.target.label}: {_TASKS[schema.task]}",)),
        ("Input", ("texts" if schema.modality == "text" else f"a table of {_times(len(schema.features), 'feature')}",)),
        ("Data", (f"{len(subject.data):,} {schema.entities}, {held:,} of them not trained on" if held else
                  f"{len(subject.data):,} {schema.entities}; which of them the model was trained on is not known",)),
        ("Access", (_access(subject),)),
        ("Date", (_date(audit.when),)),
        ("askwhy version", (answer.version or "not recorded",)),
        ("Steps chosen by", (f"the recipe “{audit.report.recipe}”" if audit.report.recipe else "a language model",)),
        ("Language model", ("none" if _offline(audit.report) else answer.engine,)),
        ("Seed", (str(audit.seed),)),
        ("Subject hash", (Code(subject.id),)),
        ("Evidence file", (Code("evidence.json"), ", SHA-256 ", Code(_sha256(audit.evidence_file)))),
        ("Run again with", (Code(audit.command),)),
    ]  # fmt: skip
    if schema.classes:
        names = [one.label for one in schema.classes[:_MOST_CLASSES]]
        more = len(schema.classes) - len(names)
        rows.insert(2, ("Classes", (", ".join([*names, f"and {more} more"] if more > 0 else names),)))
    return Pairs("What was audited, and how", tuple(rows))


def _offline(report: Report) -> bool:
    return report.answer.engine in ("", "recipe") and not report.used.model_calls


def _date(when: datetime) -> str:
    zone = when.strftime("%z")
    return when.strftime("%d %B %Y, %H:%M UTC") + ("" if zone in ("", "+0000") else f"{zone[:3]}:{zone[3:5]}")


def _access(subject: Subject) -> str:
    if subject.predictor.network is not None:
        return "white-box: outputs, and the network's activations and gradients"
    return "black-box: the outputs for given inputs, nothing else of the model"


def _findings(audit: Audit) -> Iterator[Block]:
    if not audit.findings:
        return
    yield Heading("Findings", 2, "findings")
    yield Words(
        ("In order of weight: leaks, shortcuts and wrong labels first, since they cast doubt on every other figure.",),
        "note",
    )
    rows: list[tuple[Line, ...]] = []
    for number, one in enumerate(audit.findings, 1):
        evidence: Line = (Link(f"check {one.step}", f"step-{one.step}"), ", fact ", Code(f"{one.step}.{one.fact}"))
        rows.append(((str(number),), (one.kind,), (one.where,), evidence, (one.sure or "see the check",)))
    yield Grid("Flaws that the checks are sure of", ("", "kind", "where", "evidence", "how sure"), tuple(rows))


def _sections(audit: Audit) -> Iterator[Block]:
    """Every step under its section, in the order of an audit; steps keep the numbers under which they ran."""
    for section in (*get_args(Section), None):
        steps = [(number, told) for number, told in _numbered(audit) if section_of(told) == section]
        if steps:
            yield Heading(section or _OTHER, 2, safe_name(section or _OTHER))
            yield from (_step(number, told) for number, told in steps)


def _step(number: int, told: Told) -> Box:
    evidence = told.evidence
    blocks: list[Block] = [Heading(f"{number}. {titled(told)}", 3)]
    if told.text:
        blocks.append(Words((told.text,), "verified"))
    if told.failures:
        count = _times(len({(one.start, one.end) for one in told.failures}), "statement")
        blocks.append(Words((f"{count} left out, as the evidence does not bear it out.",), "warning"))
    blocks += [Words((one.text,), "warning") for one in evidence.caveats if one.text not in told.text]
    if evidence.figure is not None:
        name = f"figure-{number:02d}-{safe_name(evidence.tool)}.svg"
        blocks.append(Picture(evidence.figure, name, f"Figure {number}. {evidence.figure.title}"))
    if evidence.marked is not None:
        blocks.append(Shaded(evidence.marked))
    if evidence.table is not None and evidence.table.rows:
        blocks.append(_table(f"Table {number}. {asked_title(evidence.table.note or titled(told))}", evidence.table))
    elif evidence.figure is not None:
        numbers = _table(f"Table {number}. {evidence.figure.title}", figure_table(evidence.figure), _MOST_POINTS)
        blocks.append(Box((numbers,), f"numbers-{number}", "The numbers of the figure"))
    blocks.append(Words(_basis(number, told), "note"))
    return Box(tuple(blocks), f"step-{number}")


def _table(name: str, table: Table, most: int = _MOST_ROWS) -> Numbers:
    """A table with its name; of a long one the first rows."""
    rows = tuple(tuple(map(_clipped, row)) for row in table.rows[:most])
    cut = f"The first {len(rows)} of {len(table.rows):,} rows; all are in evidence.json." if table.rows[most:] else ""
    said = (one if one.endswith("?") else f"{one.rstrip('.')}." for one in (name, cut) if one)
    columns = tuple(one_line(column, MOST_CELL) for column in table.columns)
    return Numbers(table.model_copy(update={"rows": rows, "columns": columns}), " ".join(said))


def _clipped(cell: Scalar | None) -> Scalar | None:
    return one_line(cell, MOST_CELL) if isinstance(cell, str) else cell


def _basis(number: int, told: Told) -> Line:
    """One line on what a step rests on."""
    evidence = told.evidence
    parts: list[Inline] = []
    if sure := how_sure(evidence):
        parts += [f"Checks of this result: {sure}. "]
    if evidence.method:
        parts += [f"Method: {evidence.method}. "]
    count = _times(len(evidence.facts), "fact")
    return (*parts, "Tool ", Code(evidence.tool or told.step.tool), ", ", Link(count, f"evidence-{number}"), ".")


def _not_run(audit: Audit) -> Iterator[Block]:
    yield Heading("Not run", 2, "not-run")
    if audit.report.notes:
        yield Items(tuple((note,) for note in audit.report.notes))
    if not audit.skipped:
        yield Words(("Every check that belongs to an audit was run.",))
        return
    left = [one for one in audit.skipped if not one.unfit]
    if left:
        rows = tuple(((one.what,), (one.why,), (Code(one.tool),)) for one in left)
        yield Grid("Checks of an audit that were left out", ("check", "why it was not run", "tool"), rows)
    unfit = [one.tool for one in audit.skipped if one.unfit]
    if unfit:
        named = [part for tool in unfit for part in (", ", Code(tool))][1:]
        yield Words(("Meant for another kind of model or data: ", *named, "."), "note")


def _blind_spots(audit: Audit) -> Iterator[Block]:
    schema = audit.subject.schema
    yield Heading("What this audit cannot see", 2, "blind-spots")
    lines = [
        "Labels are taken as given. Where recorded outcomes are wrong or unjust, scores measured against them are too.",
        "Causes. The checks say what the outputs depend on, not what would happen in the world if it were changed.",
        f"Other data. Only these {schema.entities} were seen; other times, places and populations may differ.",
        f"Other seeds. What is sampled follows from one seed ({audit.seed}); run again with another to see what moves.",
        "Small groups. Too few cases cannot show a difference: a group that is not named may still be treated worse.",
        "Everything around the model: how data were collected, how people act on it, whether it should be used.",
        "A flaw is listed only where a check is sure of it. No finding is no proof of absence.",
    ]
    if not audit.subject.held_out.any():
        lines.insert(
            1, "Unseen rows. It is not known which rows were trained on, so scores may be better than on new ones."
        )
    if audit.subject.target is None:
        lines.insert(
            0, "Mistakes. The data have no recorded outcomes, so how often the model is right was not measured."
        )
    yield Items(tuple((line,) for line in lines))


def _spent(audit: Audit) -> Iterator[Block]:
    usage, report = audit.report.answer.usage, audit.report
    yield Heading("What the audit took", 2, "spent")
    used, most = report.used, report.allowance
    asked: list[tuple[str, Line]] = [
        ("Language model calls", (f"{used.model_calls:,} of at most {most.model_calls:,}",)),
        ("Tokens", (f"{used.tokens:,} of at most {most.tokens:,}",)),
    ]
    rows: list[tuple[str, Line]] = [
        ("Tool calls", (f"{used.tool_calls:,} of at most {most.tool_calls:,}",)),
        ("Model rows asked", (f"{sum(hop.predict_rows for hop in usage.hops):,}",)),
        *([] if _offline(report) else asked),
        ("Seconds", (f"{sum(hop.seconds for hop in usage.hops):,.1f} of at most {most.seconds:,.0f}",)),
        ("Ended", (_stopped(report),)),
    ]
    yield Pairs("Budgets used", tuple(rows))


def _stopped(report: Report) -> str:
    if not report.told:
        return "no check could be run"
    if report.stopped == "done":
        return "all planned steps were run"
    return "it was cancelled" if report.stopped == "cancelled" else f"the budget of {report.stopped} ran out"


def _numbered(audit: Audit) -> list[tuple[int, Told]]:
    return list(enumerate(audit.report.told, 1))


def _times(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
