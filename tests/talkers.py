"""Sessions that answer without understanding anything: what a page needs, with evidence from a real tool."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

from askwhy.agent.answer import Answer, Spent, Usage
from askwhy.agent.plan import Clarify, Decline, Plan, Step
from askwhy.tools.call import Call, perform
from askwhy.tools.evidence import Caveat
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject

EVIL = '<img src=x onerror="document.title=666">'


class Talker:
    """Answers by the first word of a question: why, clarify, decline, wait, break; anything else counts the rows."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.asked: list[str] = []

    def ask(self, question: str, *, cancelled: Callable[[], bool] = lambda: False) -> Answer:
        """An answer of the kind that the question names."""
        self.asked.append(question)
        first, _, rest = question.partition(" ")
        if first == "break":
            raise RuntimeError("a bug")
        if first == "clarify":
            outcome = Clarify(question="Which feature?", options=("why 3", f"why {EVIL}"))
            return Answer(text=outcome.question, question=question, outcome=outcome, verdict="asked")
        if first == "decline":
            declined = Decline(reason="That is not about the model.", nearest="why 3")
            return Answer(text=declined.reason, question=question, outcome=declined, verdict="declined")
        if first == "wait":
            return self._wait(question, cancelled)
        return self._computed(question, "explain" if first == "why" else "count", rest if first == "why" else None)

    def _computed(self, question: str, tool: str, row: str | None) -> Answer:
        step = Step(tool=tool, scope=Scope(row=row))
        found = perform(self.subject, Call(find_tool(tool), scope=step.scope)).evidence
        found = found.model_copy(update={"caveats": (Caveat(flag="toy", text=f"Mind {EVIL}"),)})
        return Answer(
            text=f"Answer to {question} {EVIL}", question=question, outcome=Plan(steps=(step,)), understood=f"U {EVIL}",
            evidence=(found,), verdict="verified", usage=Usage(hops=(Spent(hop="run", seconds=0.25),)),
        )  # fmt: skip

    def _wait(self, question: str, cancelled: Callable[[], bool]) -> Answer:
        deadline = time.monotonic() + 60
        while not cancelled() and time.monotonic() < deadline:
            time.sleep(0.01)
        declined = Decline(reason="Stopped." if cancelled() else "Too long.")
        return Answer(text=declined.reason, question=question, outcome=declined, verdict="declined")


def hostile(subject: Subject) -> Subject:
    """The subject with markup for labels, target, description and entity."""
    schema = subject.schema
    features = tuple(one.model_copy(update={"label": f"{one.label} {EVIL}"}) for one in schema.features)
    changes = {
        "features": features, "entity": f"row{EVIL}", "entities": f"rows{EVIL}", "description": EVIL, "name": EVIL,
        "target": schema.target.model_copy(update={"label": EVIL}),
        "classes": tuple(one.model_copy(update={"label": f"{one.label} {EVIL}"}) for one in schema.classes),
    }  # fmt: skip
    named = schema.model_copy(update=changes)
    return replace(subject, schema=named, predictor=replace(subject.predictor, schema=named))
