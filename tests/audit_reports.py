"""Audits to write down: a small model on a table whose names are hostile, one planted flaw, real evidence and words."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import numpy as np
import pandas as pd

from askwhy.agent.answer import Answer, Spent, Usage
from askwhy.agent.investigate.report import Report, Told
from askwhy.agent.plan import Plan, Step
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.registry import find_tool, tool, unregister
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.tools.view import View, make_view
from askwhy.ui.audit_content import Audit

SCRIPT = "<script>alert(1)</script>"
LINK = '[pay](javascript:alert(1)) | `tick` & "quoted"\n# heading'
TURNED = "\u202eגיל www.evil.example"
LONG = "very long name " * 60
HOSTILE = (SCRIPT, LINK, TURNED, LONG)
FAIR = "<b>fair</b> http://evil.example/x"
WHEN = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)


@functools.cache
def hostile_subject() -> Subject:
    """A logistic regression of four columns with names that want to be more than names."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(40, 4)).round(2), columns=list(HOSTILE))
    target = np.where(frame[SCRIPT] + rng.normal(0, 0.3, 40) > 0, FAIR, "no")
    held_out = np.arange(40) % 2 == 0
    model = LogisticRegression().fit(frame.to_numpy()[~held_out], target[~held_out])
    truth = pd.Series(target, name="y|z")
    return Subject.of(lambda rows: model.predict_proba(rows.to_numpy()), frame, truth, test=held_out, name=SCRIPT)


@contextmanager
def planted(section: str = "Leaks and shortcuts") -> Iterator[None]:
    """A tool of an audit that always finds the first column to be a leak."""

    @tool(
        needs="nothing",
        asks=("does a column give the answer away?",),
        says=("The column {share.feature} alone gives {share} of the answers.",),
        audit=section,  # type: ignore[arg-type]
    )
    def planted_leak(view: View) -> Evidence:
        """Columns that give the answer away. More is not said."""
        name = view.schema.names[0]
        share = Fact(relation="share", value=0.75, unit="share", feature=name)
        flaw = Fact(relation="flaw", value="leak", unit="text", feature=name, error=0.0125)
        text = Fact(relation="text", value=LONG, unit="text")
        return Evidence(facts=(share, flaw, text), method="planted")

    try:
        yield
    finally:
        unregister("planted_leak")


def told(subject: Subject, name: str, title: str) -> Told:
    """One step of an audit, run and worded; without words where the check does not pass them (odd names)."""
    step = Step(tool=name)
    evidence = find_tool(name)(make_view(subject, Scope(), Evaluator(subject.predictor), 0))
    draft = verbalize((evidence,), subject.schema)
    if failures := verify(draft, (evidence,), Plan(steps=(step,)), subject.schema):
        return Told(title=title, step=step, evidence=evidence, text="", failures=failures)
    return Told(title=title, step=step, evidence=evidence, text=draft.text, claims=draft.claims)


def report_of(steps: tuple[Told, ...], **changes: object) -> Report:
    """A report of these steps."""
    text = " ".join(one.text for one in steps)
    plan = Plan(steps=tuple(one.step for one in steps) or (Step(tool="score"),))
    usage = Usage(hops=(Spent(hop="run", seconds=1.25, predict_rows=1234),))
    answer = Answer(
        text=text, question="audit this model", outcome=plan, evidence=tuple(one.evidence for one in steps),
        verdict="verified", engine="recipe", version="9.9.9", usage=usage,
    )  # fmt: skip
    return Report(answer=answer, told=steps, recipe="audit a model").model_copy(update=changes)


def audit_of(subject: Subject, report: Report) -> Audit:
    """The audit of a report, at a fixed time."""
    return Audit(report, subject, "askwhy audit --demo 'a|b' --seed 0", WHEN, 0)
