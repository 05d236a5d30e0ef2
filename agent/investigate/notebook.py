"""The steps of an investigation as they are run: each call is checked, run once, put into words and verified."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from askwhy.agent.accounting import Tab
from askwhy.agent.answer import Draft
from askwhy.agent.calls import BadCalls, outcome_of
from askwhy.agent.investigate.allowance import Allowance
from askwhy.agent.investigate.facts import fact_lines, problem_line
from askwhy.agent.investigate.pointing import follow
from askwhy.agent.investigate.report import Stopped, Told
from askwhy.agent.listing import clean
from askwhy.agent.manner import manners_of
from askwhy.agent.plan import Plan, Step
from askwhy.agent.run import Runner
from askwhy.agent.session import without
from askwhy.agent.understood import understood
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.schema import Schema
from askwhy.tools.subject import Subject

FINISH = "finish"
"""The call that ends an investigation, with the numbers of the steps to tell."""

MOST_ARGUMENTS = 8000
"""Characters of one call's arguments; longer ones are not read."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Found:
    """What a call came to: the step it became, counted from 1, with its evidence; or what was wrong with it."""

    text: str
    step: int = 0
    evidence: Evidence | None = None
    problems: tuple[str, ...] = ()


@dataclass
class Notebook:
    """An investigation under way.

    planned: the steps with references to earlier ones; told: the same as run. order: the steps to tell, as a language
    model chose them. tab: what its calls are counted on. repairs: how many of its replies were given back.
    """

    subject: Subject
    runner: Runner
    allowance: Allowance
    on_step: Callable[[Told], None]
    cancelled: Callable[[], bool]
    deadline: float
    tab: Tab
    planned: list[Step] = field(default_factory=list)
    told: list[Told] = field(default_factory=list)
    order: tuple[int, ...] = ()
    finished: bool = False
    stopped: Stopped | None = None
    model_calls: int = 0
    tool_calls: int = 0
    counted: int = 0
    repairs: int = 0
    failed: bool = False
    predict_rows: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    _known: dict[Step, Found] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What the steps found, in the order they were run."""
        return tuple(one.evidence for one in self.told)

    @property
    def left(self) -> float:
        """Seconds until the time runs out."""
        return self.deadline - time.monotonic()

    def apart(self) -> Notebook:
        """An empty one about the same model, with the time that is left: what is run there is told to nobody."""
        return Notebook(
            subject=self.subject, runner=self.runner, allowance=self.allowance, on_step=lambda told: None,
            cancelled=self.cancelled, deadline=self.deadline, tab=self.tab,
        )  # fmt: skip

    def over(self) -> Stopped | None:
        """The budget that has run out, if one has."""
        if self.cancelled():
            return "cancelled"
        if self.left <= 0:
            return "time"
        if self.counted >= self.allowance.tokens:
            return "tokens"
        return "tool calls" if self.tool_calls > self.allowance.tool_calls else None

    def perform(self, name: str, args: Mapping[str, Any]) -> Found:
        """Run one call, or say what is wrong with it. Never raises for what a model wrote or a tool refused."""
        with self._lock:
            try:
                planned, step = self._read(name, args)
            except (BadCalls, ToolError, ValueError, TypeError, RecursionError) as error:
                found = _refused(tuple(error.problems) if isinstance(error, BadCalls) else (str(error),))
            else:
                found = self._known.get(step) or self._run(planned, step)
                self._known[step] = found
        if found.problems:
            self.failed = True
        return found

    def _read(self, name: str, args: Mapping[str, Any]) -> tuple[Step, Step]:
        """The call as a step that refers to earlier ones, and with the references replaced."""
        if len(json.dumps(args, default=str)) > MOST_ARGUMENTS:
            raise BadCalls("the arguments are too long")
        pointed = follow(name, dict(args), self.evidence, self.subject.schema)
        call: Any = {"name": name, "args": pointed.args, "id": "call", "type": "tool_call"}
        outcome = outcome_of([call], self.subject.schema)
        if not isinstance(outcome, Plan):
            raise BadCalls("only tools that compute something can be called here")
        step = outcome.steps[0].model_copy(update={"form": "words", "audience": None, "length": None})
        refs = tuple(ref for ref in pointed.refs if ref.into != "where" or not step.scope.has_instance)
        return step.referring(refs) if refs else step, step

    def _run(self, planned: Step, step: Step) -> Found:
        started = time.perf_counter()
        plan = Plan(steps=(step,))
        try:
            ran = self.runner.run(plan, self.subject, lambda: self.cancelled() or self.left <= 0)
            told = _told(plan, ran.evidence[0], self.subject.schema)
        except ToolError as error:
            return _refused((str(error),))
        except Exception as error:  # a bug in one tool must not cost the reader what the others found
            _log.exception("a step of an investigation failed")
            return _refused((f"{clean(step.tool)} could not be computed ({type(error).__name__})",))
        finally:
            self.seconds += time.perf_counter() - started
        self.subject = ran.subject
        self.predict_rows += ran.predict_rows
        self.planned.append(planned)
        self.told.append(told)
        self.on_step(told)
        number = len(self.told)
        return Found(fact_lines(told.evidence, number, self.subject.schema), number, told.evidence)


def draft_of(plan: Plan, evidence: Evidence, schema: Schema) -> Draft:
    """What one step found, in the template's words."""
    return verbalize((evidence,), schema, forms=plan.forms, manners=manners_of(plan))


def _told(plan: Plan, evidence: Evidence, schema: Schema) -> Told:
    """One step in words, without what its evidence does not bear out."""
    draft = draft_of(plan, evidence, schema)
    failures = verify(draft, (evidence,), plan, schema)
    kept = without(draft, failures)
    return Told(
        title=understood(plan, schema), step=plan.steps[0], evidence=evidence, text=kept.text, claims=kept.claims,
        failures=failures,
    )  # fmt: skip


def _refused(problems: tuple[str, ...]) -> Found:
    return Found(problem_line(problems), problems=problems)
