"""Whether every type of question is answered: `askwhy eval coverage [--say] [SUBJECT ...]`.

Every plan of evals/coverage.toml runs on the built-in subjects, is put into words and checked. `--say` prints each
answer, to be read.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

from askwhy.evals.registry import Cell, Report, UsageError, evaluation

if TYPE_CHECKING:
    from askwhy.agent.run import Runner
    from askwhy.evals.coverage_slots import Slots
    from askwhy.evals.coverage_types import QuestionType, Template
    from askwhy.tools.subject import Subject

State = Literal["verified", "unverified", "refused", "missing", "crashed"]


@dataclass(frozen=True)
class Outcome:
    """What came of one plan on one subject: `words` are the answer, the refusal, or what went wrong."""

    number: int
    tool: str
    subject: str
    state: State
    words: str
    seconds: float = 0.0


@evaluation("coverage")
def coverage(arguments: list[str]) -> Report:
    """Every type of question on every kind of subject: which answers are verified, refused or missing."""
    from askwhy.agent.run import Runner
    from askwhy.evals.coverage_types import question_types
    from askwhy.tools.subjects.builtin import BUILTIN, builtin

    say = "--say" in arguments
    names = [name for name in arguments if name != "--say"] or list(BUILTIN)
    unknown = [name for name in names if name not in BUILTIN]
    if unknown:
        raise UsageError(f"no subject {', '.join(unknown)}; there are: {', '.join(BUILTIN)}")
    runner = Runner()
    outcomes: list[Outcome] = []
    for name in names:
        for one in answered_types(question_types(), builtin(name), runner, name):
            outcomes.append(one)
            if say:
                print(
                    f"\n{one.number} {one.subject} {one.tool}: {one.state}, {one.seconds:.1f} s\n{one.words}",
                    flush=True,
                )
    passed = all(one.state == "verified" for one in outcomes)
    columns = ("type", "question", *names)
    rows = tuple(_rows(question_types(), outcomes, names))
    return Report("Coverage of the types of questions", columns, rows, figures_of(outcomes), passed)


def answered_types(
    types: Sequence[QuestionType], subject: Subject, runner: Runner, name: str = ""
) -> Iterator[Outcome]:
    """What comes of every plan that is for the subject's kind, type by type."""
    from askwhy.agent.plan import Plan, Step
    from askwhy.evals.coverage_slots import slots_of, with_decision
    from askwhy.evals.coverage_types import kind_of

    # The first call starts the worker and computes the outputs of all rows; neither is a tool's time.
    subject = runner.run(Plan(steps=(Step(tool="predict"),)), with_decision(subject)).subject
    slots = slots_of(subject, subject.known)
    for one in types:
        for template in one.on(kind_of(subject)):
            started = time.perf_counter()
            state, words = answered(template, slots, subject, runner)
            yield Outcome(one.number, template.tool, name, state, words, time.perf_counter() - started)


def answered(template: Template, slots: Slots, subject: Subject, runner: Runner) -> tuple[State, str]:
    """One plan through the hops that follow understanding: what came of it, in words."""
    from askwhy.agent.verbalize import verbalize
    from askwhy.agent.verify import verify
    from askwhy.evals.coverage_slots import NoFilling, plan_of
    from askwhy.tools.errors import ToolError
    from askwhy.tools.registry import tools

    if template.tool not in tools():
        return "missing", f"there is no tool {template.tool}"
    try:
        plan = plan_of(template, slots)
        ran = runner.run(plan, subject)
        draft = verbalize(ran.evidence, subject.schema, forms=plan.forms)
        failures = verify(draft, ran.evidence, plan, subject.schema)
    except (ToolError, NoFilling) as error:
        return "refused", str(error)
    except Exception:  # a bug of ours, in any hop: it is a figure here, and the rest is still measured
        return "crashed", traceback.format_exc(limit=-4)
    if failures:
        return "unverified", f"{draft.text}\n{'; '.join(f'{one.check} {one.message}' for one in failures)}"
    return "verified", draft.text


def figures_of(outcomes: Sequence[Outcome]) -> dict[str, object]:
    """How many answers there are in each state, and the slowest tool."""
    figures: dict[str, object] = {"types": len({one.number for one in outcomes}), "plans": len(outcomes)}
    for state in get_args(State):
        figures[state] = sum(one.state == state for one in outcomes)
    slowest = max(outcomes, key=lambda one: one.seconds)
    return figures | {"slowest": f"{slowest.tool} on {slowest.subject}", "slowest_seconds": round(slowest.seconds, 1)}


def _rows(
    types: Sequence[QuestionType], outcomes: Sequence[Outcome], names: Sequence[str]
) -> Iterator[tuple[Cell, ...]]:
    for one in types:
        found = [[each for each in outcomes if each.number == one.number and each.subject == name] for name in names]
        yield (one.number, one.question, *(_cell(each) for each in found))


def _cell(outcomes: Sequence[Outcome]) -> str:
    """What came of one type on one subject: the worst first, with its reason."""
    bad = [
        f"{one.tool} {one.state}: {' '.join(one.words.split())[:200]}" for one in outcomes if one.state != "verified"
    ]
    return "; ".join(bad) or ("verified" if outcomes else "–")
