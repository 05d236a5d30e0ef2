"""True answers to measure the verifier with: every plan of evals/coverage.toml, run on the built-in subjects.

Running them takes minutes, so evidence is kept in the cache folder under a hash of the tools' code; it is put into
words anew, as the wording is what is measured.
"""

from __future__ import annotations

import functools
import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from askwhy.agent.answer import Draft
from askwhy.agent.plan import Plan
from askwhy.agent.verbalize import verbalize
from askwhy.evals.coverage_types import Template, kind_of, question_types
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool, tools
from askwhy.tools.schema import Schema
from askwhy.tools.subject import Subject
from askwhy.tools.value import Value, canonical
from askwhy.tools.wheels import cache_dir

SUBJECTS = ("credit", "diabetes", "penguins", "reviews", "debates")
"""The subjects that the answers are about: two classes, a number, three classes, and two of texts."""

ROWS = (12, 40)
"""Positions of the rows that are asked about."""


class Stored(Value):
    """What one plan found on a subject."""

    plan: Plan
    evidence: tuple[Evidence, ...]


class _Kept(Value):
    """The answers of one subject as they are kept."""

    schema_: Schema
    answers: tuple[Stored, ...]


@dataclass(frozen=True)
class TrueAnswer:
    """What one plan found on a subject, with the subject's schema."""

    subject: str
    plan: Plan
    evidence: tuple[Evidence, ...]
    schema: Schema

    @property
    def tool(self) -> str:
        """The tool of the first step."""
        return self.plan.steps[0].tool

    def draft(self, variation: int = 0) -> Draft:
        """The answer in askwhy's own words."""
        return verbalize(self.evidence, self.schema, variation=variation, forms=self.plan.forms)


@functools.cache
def answers_of(name: str, rows: tuple[int, ...] = ROWS) -> tuple[TrueAnswer, ...]:
    """The answers of one subject, from the cache where the tools' code is still the same."""
    path = cache_dir() / "words" / f"{name}-{_code(rows)}.json"
    if path.exists():
        kept = _Kept.from_json(path.read_text(encoding="utf-8"))
    else:
        print(f"Running the tools on {name}, once; this takes minutes.", file=sys.stderr, flush=True)
        kept = _run(name, rows)
        _keep(path, kept, name)
    return tuple(TrueAnswer(name, one.plan, one.evidence, kept.schema_) for one in kept.answers)


def every_answer(names: tuple[str, ...] = SUBJECTS, rows: tuple[int, ...] = ROWS) -> tuple[TrueAnswer, ...]:
    """The answers of every subject."""
    return tuple(one for name in names for one in answers_of(name, rows))


def _code(rows: tuple[int, ...]) -> str:
    types = Path(__file__).with_name("coverage.toml").read_text(encoding="utf-8")
    codes = [one.code for one in tools().values()]
    return hashlib.sha256(canonical([types, codes, list(rows)]).encode()).hexdigest()[:16]


def _run(name: str, rows: tuple[int, ...]) -> _Kept:
    from askwhy.agent.plan import Step
    from askwhy.agent.run import Runner
    from askwhy.evals.coverage_slots import slots_of, with_decision
    from askwhy.tools.subjects.builtin import builtin

    runner = Runner()
    subject = runner.run(Plan(steps=(Step(tool="predict"),)), with_decision(builtin(name))).subject
    found: dict[str, Stored] = {}
    for row in rows:
        slots = slots_of(subject, subject.known, row)
        for one in _plans(subject, slots):
            try:
                ran = runner.run(one, subject)
            except ToolError:
                continue
            found.setdefault(one.canonical(), Stored(plan=one, evidence=ran.evidence))
    return _Kept(schema_=subject.schema, answers=tuple(found.values()))


def _plans(subject: Subject, slots: dict[str, str | int | float | bool]) -> Iterator[Plan]:
    from askwhy.evals.coverage_slots import NoFilling, plan_of

    templates: Iterator[Template] = (one for kind in question_types() for one in kind.on(kind_of(subject)))
    for template in templates:
        try:
            if find_tool(template.tool).fits(subject.schema):
                yield plan_of(template, slots)
        except (ToolError, NoFilling):
            continue


def _keep(path: Path, kept: _Kept, name: str) -> None:
    """Write the answers and forget those of older code; without a cache folder they are run again next time."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for old in path.parent.glob(f"{name}-*.json"):
            if len(old.stem) == len(name) + 17:
                old.unlink()
        part = path.with_suffix(".part")
        part.write_text(kept.canonical(), encoding="utf-8")
        part.replace(path)
    except OSError as error:
        print(f"The answers cannot be kept ({error}); set ASKWHY_CACHE to a folder.", file=sys.stderr)
