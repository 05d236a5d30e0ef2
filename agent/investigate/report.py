"""What an investigation comes to: its steps in order, each with its evidence and its checked words, and an answer."""

from __future__ import annotations

from typing import Literal

from askwhy.agent.answer import Answer, Claim, Failure
from askwhy.agent.plan import Step
from askwhy.tools.evidence import Evidence
from askwhy.tools.value import Value

Stopped = Literal["done", "model calls", "tool calls", "tokens", "time", "cancelled"]
"""Why an investigation ended: "done", or the budget that ran out."""


class Told(Value):
    """One step: what it is about, what was run, what that found, and what is said of it.

    `text` holds only sentences that the evidence bears out; `failures` what was left out of it and why.
    """

    title: str
    step: Step
    evidence: Evidence
    text: str
    claims: tuple[Claim, ...] = ()
    failures: tuple[Failure, ...] = ()


class Report(Value):
    """An investigation. `recipe` names the fixed list of steps that was followed, empty where a language model chose.

    `answer` is what a chat shows: its evidence is that of all steps, its outcome a plan that runs them again.
    """

    answer: Answer
    told: tuple[Told, ...] = ()
    recipe: str = ""
    stopped: Stopped = "done"
