"""What an investigation comes to: its steps in order, each with its evidence and its checked words, and an answer."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from askwhy.agent.answer import Answer, Claim, Failure
from askwhy.agent.investigate.allowance import Allowance, Used
from askwhy.agent.plan import Step
from askwhy.tools.evidence import Evidence
from askwhy.tools.value import Value

Stopped = Literal["done", "model calls", "tool calls", "tokens", "time", "cancelled"]
"""Why an investigation ended: "done", or the budget that ran out."""


class Told(Value):
    """One step: what it is about, what was run, what that found, and what is said of it.

    `text` holds only sentences that the evidence bears out; `failures` what was left out of it and why. The facts of
    `claims` count the steps of the report, so that "2.f3" means the same here and in the answer.
    """

    title: str
    step: Step
    evidence: Evidence
    text: str
    claims: tuple[Claim, ...] = ()
    failures: tuple[Failure, ...] = ()


class Report(Value):
    """An investigation. `recipe` names the fixed list of steps that was followed, empty where a language model chose.

    `answer` is what a chat shows: its evidence is that of all steps, its outcome a plan that runs them again. `notes`
    say what was left out and why it ended, `used` what it took of `allowance`.
    """

    answer: Answer
    told: tuple[Told, ...] = ()
    recipe: str = ""
    stopped: Stopped = "done"
    notes: tuple[str, ...] = ()
    used: Used = Field(default_factory=Used)
    allowance: Allowance = Field(default_factory=Allowance)
