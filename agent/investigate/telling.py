"""The report of an investigation: the steps in the order they are told, their sentences, and what it took."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from askwhy.agent.answer import Answer, Claim, Spent, Usage, Verdict
from askwhy.agent.bill import added
from askwhy.agent.investigate.allowance import Used
from askwhy.agent.investigate.notebook import Notebook, draft_of
from askwhy.agent.investigate.report import Report, Stopped, Told
from askwhy.agent.plan import Decline, Plan, Step
from askwhy.agent.rephrase import MAX_CALLS, Rephrased
from askwhy.agent.understood import understood

if TYPE_CHECKING:
    from askwhy.agent.session import Session

_ENDED: dict[Stopped, str] = {
    "model calls": "The investigation ended here because it may not ask the language model more often.",
    "tool calls": "The investigation ended here because it may not call more tools.",
    "tokens": "The investigation ended here because it may not use more tokens.",
    "time": "The investigation ended here because its time was up.",
    "cancelled": "The investigation was stopped.",
}
_NOTHING = "The investigation found no step that answers this. Ask for a mistake, an audit, a decline or a comparison."


def reported(session: Session, question: str, notebook: Notebook, recipe: str, engine: str) -> Report:
    """Everything that was found, put together; the language model words what it may and is in time for."""
    order, started = _order(notebook), time.perf_counter()
    told, reworded = _reworded(session, notebook, [notebook.told[place] for place in order])
    wording = time.perf_counter() - started
    told = tuple(_counted(one, number) for number, one in enumerate(told, 1))
    stopped: Stopped = notebook.stopped or "done"
    notes = tuple(dict.fromkeys((*notebook.notes, *filter(None, (_ENDED.get(stopped),)))))
    return Report(
        answer=_answer(session, question, told, _plan(notebook, order), notes, engine).model_copy(
            update={
                "prompts": tuple(
                    dict.fromkeys((*notebook.tab.prompts, *(said for one in reworded for said in one.prompts)))
                ),
                "verdict": _verdict(told, reworded),
                "writer": "llm" if any(one.draft for one in reworded) else "template",
                "usage": _usage(notebook, reworded, wording),
            }
        ),
        told=told,
        recipe=recipe,
        stopped=stopped,
        notes=notes,
        used=Used(
            model_calls=notebook.model_calls + sum(one.bill.model_calls for one in reworded),
            tool_calls=min(notebook.tool_calls, notebook.allowance.tool_calls),
            tokens=added(notebook.tab.bill, *(one.bill for one in reworded)).tokens,
        ),
        allowance=notebook.allowance,
    )


def _order(notebook: Notebook) -> list[int]:
    """The places of the steps to tell: as the model chose them, or all as they were run."""
    chosen = [number - 1 for number in dict.fromkeys(notebook.order) if 1 <= number <= len(notebook.told)]
    return chosen or list(range(len(notebook.told)))


def _plan(notebook: Notebook, order: Sequence[int]) -> Plan | None:
    """The steps told as a plan: they refer to each other where that is possible in this order."""
    numbers = {place: number for number, place in enumerate(order, 1)}
    steps: list[Step] = []
    for place in order:
        planned = notebook.planned[place]
        if all(numbers.get(ref.step - 1, len(order)) <= len(steps) for ref in planned.refs):
            refs = tuple(ref.model_copy(update={"step": numbers[ref.step - 1]}) for ref in planned.refs)
            steps.append(planned.model_copy(update={"refs": refs}))
        else:
            steps.append(notebook.told[place].step)
    return Plan(steps=tuple(steps)) if steps else None


def _reworded(session: Session, notebook: Notebook, told: list[Told]) -> tuple[tuple[Told, ...], list[Rephrased]]:
    """The steps in the language model's words where there is one, budget is left and its words pass."""
    found, asked, used = [], [], notebook.model_calls
    for one in told:
        enough = used + MAX_CALLS <= notebook.allowance.model_calls and notebook.over() is None
        if session.rephraser is None or one.failures or notebook.stopped or not enough:
            found.append(one)
            continue
        plan, schema = Plan(steps=(one.step,)), session.subject.schema
        rephrase = replace(session.rephraser, seconds=min(session.rephraser.seconds, notebook.left))
        said = rephrase(draft_of(plan, one.evidence, schema), (one.evidence,), plan, schema)
        used += said.bill.model_calls
        asked.append(said)
        notebook.counted += said.bill.tokens
        words = {} if said.draft is None else {"text": said.draft.text, "claims": said.draft.claims}
        found.append(one.model_copy(update=words))
    return tuple(found), asked


def _counted(one: Told, number: int) -> Told:
    """The step with its claims counting the steps of the report."""
    claims = tuple(
        claim.model_copy(update={"facts": tuple(f"{number}.{fact.partition('.')[2]}" for fact in claim.facts)})
        for claim in one.claims
    )
    return one.model_copy(update={"claims": claims})


def _answer(
    session: Session, question: str, told: Sequence[Told], plan: Plan | None, notes: tuple[str, ...], engine: str
) -> Answer:
    from askwhy.agent.session import VERSION

    text = "\n\n".join([one.text for one in told] + ([" ".join(notes)] if notes and told else []))
    if plan is None:
        reason = " ".join(notes or (_NOTHING,))
        return Answer(
            text=reason, question=question, outcome=Decline(reason=reason), verdict="declined",
            subject=session.subject.id, engine=engine, version=VERSION,
        )  # fmt: skip
    return Answer(
        text=text, question=question, outcome=plan, understood=understood(plan, session.subject.schema),
        claims=tuple(_shifted(told)), evidence=tuple(one.evidence for one in told), verdict="verified",
        failures=tuple(failure for one in told for failure in one.failures), subject=session.subject.id,
        engine=engine, version=VERSION,
    )  # fmt: skip


def _shifted(told: Sequence[Told]) -> Iterator[Claim]:
    """The claims of all steps at their places in the joined text."""
    start = 0
    for one in told:
        for claim in one.claims:
            yield claim.model_copy(update={"start": claim.start + start, "end": claim.end + start})
        start += len(one.text) + 2


def _verdict(told: Sequence[Told], reworded: Sequence[Rephrased]) -> Verdict:
    if not told:
        return "declined"
    if any(one.failures for one in told) or any(one.draft is None and one.bill.asked for one in reworded):
        return "fallback"
    return "repaired" if any(one.verdict == "repaired" for one in reworded) else "verified"


def _usage(notebook: Notebook, reworded: Sequence[Rephrased], seconds: float) -> Usage:
    """What the steps cost in the worker, and all else: choosing them, and their words."""
    total = notebook.allowance.seconds - (notebook.deadline - time.monotonic())
    choosing = Spent(
        hop="understand", seconds=max(total - notebook.seconds - seconds, 0.0), **notebook.tab.bill.model_dump()
    )  # fmt: skip
    wording = Spent(hop="verbalize", seconds=seconds, **added(*(one.bill for one in reworded)).model_dump())
    running = Spent(hop="run", seconds=notebook.seconds, predict_rows=notebook.predict_rows)
    return Usage(hops=(choosing, running, wording))
