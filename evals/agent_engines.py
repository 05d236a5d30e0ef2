"""Who looks into the models and answers the questions of `askwhy eval agent`: each a row of its table.

tools: every tool of an audit run on its own, and questions asked in one turn; the least there is.
recipes: `Session.investigate` with no language model. planner: the same graph under a model that plays the gold plan.
Any other name is a language model's, as `askwhy.agent.llm` takes it.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from askwhy.agent.answer import Answer, Claim, Draft, Failure
from askwhy.agent.investigate.report import Report, Told
from askwhy.agent.plan import Plan, Step
from askwhy.agent.run import Runner
from askwhy.agent.session import VERSION, Session
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.agent.verify.clauses import sentences
from askwhy.evals.agent_keys import Gold
from askwhy.evals.agent_questions import Asked
from askwhy.evals.flaw_scores import Cost
from askwhy.tools.errors import ToolError
from askwhy.tools.registry import tools
from askwhy.tools.subject import Subject

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

AUDIT = "audit a model"
TASK = (
    "Is anything wrong with this model or its data? Look for columns that give the outcome away, shortcuts, groups or "
    "regions where it fails, and wrong labels."
)


@dataclass(frozen=True)
class Engine:
    """A row: `name`, and the language model it plans with, if any."""

    name: str
    llm: str | None = None

    def audit(self, subject: Subject) -> tuple[Report, Cost]:
        """What it finds wrong with a model."""
        if self.name == "tools":
            return _timed(lambda: audited_by_tools(subject))
        if self.name == "recipes":
            return _timed(lambda: investigated(subject, None, TASK, recipe=AUDIT))
        return _timed(lambda: investigated(subject, self.llm, TASK))

    def answer(self, asked: Asked, gold: Gold, subject: Subject) -> tuple[Report, Cost]:
        """What it makes of a question."""
        if self.name == "tools":
            return _timed(lambda: Report(answer=Session(subject).ask(asked.question)))
        if self.name == "planner":
            return _timed(lambda: investigated(subject, scripted(gold, subject), asked.question))
        return _timed(lambda: investigated(subject, self.llm, asked.question))


def investigated(
    subject: Subject, llm: BaseChatModel | str | None, question: str, *, recipe: str | None = None
) -> Report:
    """A report of the agentic mode; a language model chooses, it does not reword."""
    return Session(subject, llm, rephrase=False).investigate(question, recipe=recipe)


def _timed(work: Any) -> tuple[Report, Cost]:
    start = time.perf_counter()
    report: Report = work()
    hops = report.answer.usage.hops
    return report, Cost(
        calls=report.answer.usage.model_calls,
        tool_calls=report.used.tool_calls or len(report.answer.evidence),
        tokens=sum(hop.tokens_in + hop.tokens_out for hop in hops),
        seconds=time.perf_counter() - start,
    )


def audited_by_tools(subject: Subject) -> Report:
    """The tools of an audit, one by one, each with its own words; one that does not apply is left out."""
    runner, told = Runner(), []
    for made in tools(subject.schema).values():
        if made.audit is None:
            continue
        step = Step(tool=made.name)
        try:
            ran = runner.run(Plan(steps=(step,)), subject)
        except ToolError:
            continue
        subject = ran.subject
        told.append(_told(made.audit, step, ran.evidence[0], subject))
    steps = tuple(one.step for one in told) or (Step(tool="describe_model"),)
    text = "\n\n".join(one.text for one in told)
    answer = Answer(
        text=text, question=TASK, outcome=Plan(steps=steps), evidence=tuple(one.evidence for one in told),
        verdict="verified", subject=subject.id, engine="tools", version=VERSION,
    )  # fmt: skip
    return Report(answer=answer, told=tuple(told), recipe="tools")


def _told(title: str, step: Step, evidence: Any, subject: Subject) -> Told:
    """A step in words, without the sentences that do not verify."""
    plan = Plan(steps=(step,))
    draft = verbalize((evidence,), subject.schema, variation=0, forms=plan.forms)
    failures = verify(draft, (evidence,), plan, subject.schema)
    text, claims = _kept(draft, failures)
    return Told(title=title, step=step, evidence=evidence, text=text, claims=claims, failures=failures)


def _kept(draft: Draft, failures: tuple[Failure, ...]) -> tuple[str, tuple[Claim, ...]]:
    if not failures:
        return draft.text, draft.claims
    kept = [
        draft.text[start:end]
        for start, end in sentences(draft.text)
        if not any(one.start < end and one.end > start for one in failures)
    ]
    return " ".join(kept), ()


def scripted(gold: Gold, subject: Subject) -> BaseChatModel:
    """A chat model that calls the tools of a gold plan one after the other and then stops."""
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage
    from langchain_core.outputs import ChatGeneration, ChatResult
    from pydantic import PrivateAttr

    from askwhy.agent.calls import calls_of

    class ScriptedPlanner(BaseChatModel):
        """Plays tool calls in order."""

        calls: list[Any]
        _next: int = PrivateAttr(default=0)

        @property
        def _llm_type(self) -> str:
            return "scripted"

        def bind_tools(self, tools: Any, **options: Any) -> Any:
            """Itself: the calls are written already."""
            return self

        def _generate(self, messages: Any, stop: Any = None, run_manager: Any = None, **options: Any) -> ChatResult:
            place, self._next = self._next, self._next + 1
            message = AIMessage(
                content="" if place < len(self.calls) else "Done.", tool_calls=self.calls[place : place + 1]
            )
            return ChatResult(generations=[ChatGeneration(message=message)])

    return ScriptedPlanner(calls=list(calls_of(Plan(steps=gold.steps), subject.schema)), name="scripted planner")
