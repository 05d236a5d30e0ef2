"""What an audit found: the flaws that its tools are sure of, with the verified sentences that say them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from askwhy.agent.answer import Claim, Draft
from askwhy.agent.investigate.report import Report, Told
from askwhy.agent.plan import Plan
from askwhy.agent.verify import verify
from askwhy.agent.verify.clauses import Span, sentences
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.registry import Section, Tool, find_tool, tools
from askwhy.tools.schema import Schema
from askwhy.ui.cells import asked_title, cell_text, measured_words

FLAW = "flaw"

# A leak or wrong labels void every other figure, so they weigh most; then who is harmed, then how steady it all is.
_WEIGHT: tuple[Section | None, ...] = (
    "Leaks and shortcuts", "Labels", "Groups", "How well it does", "Stability", "What it relies on",
    "What the model is", None,
)  # fmt: skip


@dataclass(frozen=True)
class Finding:
    """A flaw: its kind, where it is, and how sure the check is. `step` counts from 1; `fact` is the id within it."""

    kind: str
    where: str
    sure: str
    step: int
    fact: str
    section: Section | None


@dataclass(frozen=True)
class Skipped:
    """A check of the audit that was not run, and why."""

    tool: str
    what: str
    why: str
    unfit: bool


def findings_of(report: Report, schema: Schema) -> tuple[Finding, ...]:
    """Every fact of relation "flaw", the weightiest first: by section, then by the rank that its tool gave it."""
    found: list[tuple[tuple[int, int, int], Finding]] = []
    for step, told in enumerate(report.told, 1):
        section = section_of(told)
        for fact in told.evidence.all(FLAW):
            kind = cell_text(fact.value)
            one = Finding(kind, _where(fact, schema), how_sure(told.evidence, fact), step, fact.id, section)
            found.append(((_WEIGHT.index(section), step, fact.rank or 0), one))
    return tuple(one for _, one in sorted(found, key=lambda pair: pair[0]))


def by_weight(report: Report) -> list[tuple[int, Told]]:
    """The steps with their numbers, those of the weightiest section first."""
    return sorted(enumerate(report.told, 1), key=lambda one: (_WEIGHT.index(section_of(one[1])), one[0]))


def accuses(told: Told) -> bool:
    """Whether a step's tool looks for flaws: it has sentences that name one."""
    made = known_tool(told.step.tool)
    return made is not None and any(f"{{{FLAW}" in pattern for pattern in made.says)


def section_of(told: Told) -> Section | None:
    """The section of an audit to which a step's tool belongs."""
    made = known_tool(told.step.tool)
    return made.audit if made is not None else None


def titled(told: Told) -> str:
    """What a step is about, as a title."""
    return asked_title(told.title)


def known_tool(name: str) -> Tool | None:
    """The tool of this name, or None: a report may be read where the tool it used is not registered."""
    try:
        return find_tool(name)
    except ToolError:
        return None


def skipped_of(report: Report, schema: Schema) -> tuple[Skipped, ...]:
    """The checks that belong to an audit and were not run."""
    ran = {told.step.tool for told in report.told}
    return tuple(
        Skipped(name, purpose_of(made), *_why(made, report, schema))
        for name, made in tools().items()
        if made.audit is not None and name not in ran
    )


def purpose_of(made: Tool) -> str:
    """What a tool finds out: the first sentence of its description."""
    return " ".join(made.description.partition("\n\n")[0].split()).partition(". ")[0].rstrip(".")


def _why(made: Tool, report: Report, schema: Schema) -> tuple[str, bool]:
    if not made.fits(schema):
        return "does not apply to this kind of model or data", True
    if report.stopped == "done":
        return "was left out by the investigation", False
    if report.stopped == "cancelled":
        return "the audit was cancelled before", False
    return f"the budget of {report.stopped} ran out before", False


def incomplete(report: Report) -> bool:
    """Whether it ended before its plan was through, so that finding nothing says even less."""
    return report.stopped != "done" or not report.told


def how_sure(evidence: Evidence, fact: Fact | None = None) -> str:
    """The measured uncertainty: a standard error, and every check of the result with its value."""
    said = [f"standard error {fact.error:.2g}"] if fact is not None and fact.error else []
    said += [measured_words(one) for one in evidence.quality]
    return "; ".join(said)


def excerpt(told: Told, schema: Schema) -> str:
    """The sentences of a step that say its flaws: as few as still pass the check on their own.

    Sentences that rest on a flaw's fact, or, where there is none, the first and those that say what was not found;
    with the caveats where these have to be told; else all that is said.
    """
    flaws = {fact.id for fact in told.evidence.all(FLAW)}
    spans = sentences(told.text)
    about = [span for span in spans if _cites(told, span, flaws)] or [
        span for span in spans if span == spans[0] or (accuses(told) and told.text[slice(*span)].startswith("No "))
    ]
    caveats = [span for span in spans if any(told.text[slice(*span)] in one.text for one in told.evidence.caveats)]
    for kept in (about, [span for span in spans if span in about or span in caveats]):
        draft = _cut(told, kept)
        if draft.text and not verify(draft, (told.evidence,), Plan(steps=(told.step,)), schema):
            return draft.text
    return told.text


def _cites(told: Told, span: Span, facts: set[str]) -> bool:
    return any(
        span[0] <= claim.start and claim.end <= span[1] and any(fact_id(fact) in facts for fact in claim.facts)
        for claim in told.claims
    )


def _cut(told: Told, spans: Sequence[Span]) -> Draft:
    """A draft of some of a step's sentences, with their claims; facts are those of a plan of this step alone."""
    text, claims = "", []
    for start, end in spans:
        shift = len(text) + bool(text) - start
        text = f"{text} {told.text[start:end]}".strip()
        claims += [
            Claim(start=one.start + shift, end=one.end + shift, facts=tuple(f"1.{fact_id(fact)}" for fact in one.facts))
            for one in told.claims
            if start <= one.start and one.end <= end
        ]
    return Draft(text=text, claims=tuple(claims))


def fact_id(fact: str) -> str:
    """The fact's id within its step: "f3" of "1.f3"."""
    return re.sub(r"^\d+\.", "", fact)


def _where(fact: Fact, schema: Schema) -> str:
    """Feature, group, row and class that a flaw is about."""
    said = [_label(fact.feature, schema)] if fact.feature is not None else []
    if fact.group is not None:
        said.append(fact.group)
    if fact.row is not None:
        said.append(f"{schema.entity} {fact.row}")
    if fact.cls is not None:
        said.append(f"class {_class(fact.cls, schema)}")
    if fact.at is not None:
        said.append(cell_text(fact.at))
    return ", ".join(dict.fromkeys(said)) or f"all {schema.entities}"


def _label(feature: str, schema: Schema) -> str:
    return next((one.label for one in schema.features if one.name == feature), feature)


def _class(name: str, schema: Schema) -> str:
    return next((one.label for one in schema.classes if one.name == name), name)
