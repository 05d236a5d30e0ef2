"""One tool call as a value: what is asked, within which limits, and what came of it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence
from askwhy.tools.predictor import Outputs
from askwhy.tools.registry import Tool
from askwhy.tools.scope import Argument, Scope
from askwhy.tools.subject import Subject
from askwhy.tools.view import make_view


@dataclass(frozen=True)
class Limits:
    """What one tool call may use: wall seconds, bytes of memory beyond the worker's own, rows asked of the model."""

    seconds: float = 60.0
    memory: int = 8 * 1024**3
    rows: int = 2_000_000


@dataclass(frozen=True)
class Call:
    """A tool to run on a scope. `drafts`: texts that a language model wrote for it to try; nothing trusts them."""

    tool: Tool
    arguments: tuple[Argument, ...] = ()
    scope: Scope = Scope()
    seed: int = 0
    limits: Limits = Limits()
    drafts: tuple[str, ...] = ()


@dataclass(frozen=True)
class Result:
    """What a call gave: the evidence, the outputs of all rows if it computed them, and what it cost.

    `killable` is False where the call ran in this process because the model could not be shipped to a worker.
    """

    evidence: Evidence
    known: Outputs | None = None
    rows: int = 0
    calls: int = 0
    seconds: float = 0.0
    killable: bool = True


def perform(subject: Subject, call: Call) -> Result:
    """Run the call here and now. Raises ToolError for what the user can put right."""
    started = time.perf_counter()
    most = subject.predictor.most_rows
    evaluate = Evaluator(subject.predictor, budget=min(call.limits.rows, most or call.limits.rows))
    arguments: dict[str, Any] = {one.name: one.value for one in call.arguments}
    try:
        scope = Scope() if call.tool.needs == "nothing" else call.scope
        evidence = call.tool(make_view(subject, scope, evaluate, call.seed, call.drafts), **arguments)
    except MemoryError:
        raise ToolError("The model needed more memory than it is allowed. Ask about fewer rows.") from None
    fresh = evaluate.known if subject.known is None else None
    return Result(evidence, fresh, evaluate.rows, evaluate.calls, time.perf_counter() - started)
