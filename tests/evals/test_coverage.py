"""Every type of question is answered in verified words on every kind of model; the page that says so is up to date."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path

import pytest
from toy_subjects import SUBJECTS

from askwhy.agent.run import Runner
from askwhy.evals.coverage import Outcome, answered, figures_of
from askwhy.evals.coverage_slots import NoFilling, Slots, plan_of, slots_of
from askwhy.evals.coverage_types import (
    SUBJECT_KINDS,
    QuestionType,
    Template,
    kind_of,
    missing_tools,
    page,
    question_types,
)
from askwhy.tools.call import Call, Result, perform
from askwhy.tools.executor import Executor
from askwhy.tools.registry import tools
from askwhy.tools.subject import Subject

TABULAR = {*range(1, 57), 61, 62, 63, 64, 66, 67, 68} - {20, 21, 22, 28, 29, 37}
OF_TEXTS = {20, 21, 22, 28, 29, 37, 42, 43, 44, 67, 68}
AWAITED: set[tuple[int, str, str]] = set()
"""Plans without a tool for their kind yet; the tests fail as soon as there is one, so that it leaves the list."""
WITHOUT_A_TYPE = {"augment", "letter_reasons"}
"""Tools that no question type asks for: new examples, as LLMCheckup offers them; what the form "letter" runs."""


def marks(*case: object) -> tuple[pytest.MarkDecorator, ...]:
    return (pytest.mark.xfail(strict=True, reason="the tool does not exist yet"),) if case in AWAITED else ()


CASES = [
    pytest.param(
        one.number, position, kind, id=f"{one.number}-{plan.tool}-{position}-{kind}",
        marks=marks(one.number, plan.tool, kind),
    )
    for one in question_types()
    for position, plan in enumerate(one.plan)
    for kind in plan.on
]  # fmt: skip


class Here(Executor):
    """Runs calls in this process: a test sees where a tool broke."""

    def run(self, subject: Subject, call: Call, *, cancelled: Callable[[], bool] = lambda: False) -> Result:
        return perform(subject, call)


@functools.cache
def prepared(kind: str) -> tuple[Subject, Slots]:
    """A small subject with what fills its slots."""
    subject = SUBJECTS[kind]()
    return subject, slots_of(subject)


def numbered(number: int) -> QuestionType:
    return next(one for one in question_types() if one.number == number)


@pytest.mark.parametrize(("number", "position", "kind"), CASES)
def test_the_plan_is_answered_in_verified_words(number: int, position: int, kind: str) -> None:
    subject, slots = prepared(kind)
    state, words = answered(numbered(number).plan[position], slots, subject, Runner(Here()))
    assert state == "verified", words
    assert words.strip() and "None" not in words


def test_every_type_is_there_for_every_kind_it_is_about() -> None:
    assert [one.number for one in question_types()] == sorted(TABULAR | OF_TEXTS)
    for one in question_types():
        for kind in SUBJECT_KINDS:
            wanted = OF_TEXTS if kind == "text" else TABULAR
            assert one.number not in wanted or one.on(kind), f"type {one.number} has no plan for {kind}"


def test_every_plan_names_a_tool() -> None:
    assert set(missing_tools()) == {tool for _, tool, _ in AWAITED if tool not in tools()}


def test_every_tool_answers_a_type() -> None:
    assert set(tools()) - {plan.tool for one in question_types() for plan in one.plan} == WITHOUT_A_TYPE


def test_the_page_is_up_to_date_and_names_no_tool_for_a_kind_it_does_not_take(root: Path) -> None:
    assert (root / "docs" / "coverage.md").read_text(encoding="utf-8") == page(), "run `make docs`"
    assert page().count("(missing)") == len(AWAITED)


@pytest.mark.parametrize("kind", SUBJECT_KINDS)
def test_slots_are_filled_with_their_own_types(kind: str) -> None:
    subject, slots = prepared(kind)
    assert kind_of(subject) == kind
    assert slots["row"] in subject.row_ids
    if kind == "text":
        assert str(slots["word"]) in str(subject.row(str(slots["row"])).iloc[0, 0])
        return
    template = Template.model_validate(
        {
            "tool": "count",
            "where": [{"feature": "{numeric}", "op": "gt", "value": "{middle}"}],
            "arguments": {"concept": "{numeric} over {middle}"},
        }
    )
    (step,) = plan_of(template, slots).steps
    (condition,) = step.scope.where.conditions()
    assert condition.value == slots["middle"] and not isinstance(condition.value, str)
    assert step.argument("concept") == f"{slots['numeric']} over {slots['middle']}"


def test_a_slot_that_nothing_fills_is_said() -> None:
    with pytest.raises(NoFilling, match="category"):
        plan_of(Template(tool="count", where=({"feature": "a", "value": "{category}"},)), {"row": "1"})


def test_answers_are_told_apart() -> None:
    subject, slots = prepared("binary")
    runner = Runner(Here())
    assert answered(Template(tool="no_such_tool"), slots, subject, runner)[0] == "missing"
    state, words = answered(Template(tool="predict", row="no such row"), slots, subject, runner)
    assert state == "refused" and "no such row" in words
    assert answered(Template(tool="count"), slots, subject, runner)[0] == "verified"


def test_figures_count_answers_by_what_came_of_them() -> None:
    figures = figures_of([Outcome(1, "a", "s", "verified", "", 1.0), Outcome(2, "b", "s", "refused", "no", 2.04)])
    assert figures["types"] == 2 and figures["plans"] == 2
    assert (figures["verified"], figures["refused"], figures["crashed"]) == (1, 1, 0)
    assert (figures["slowest"], figures["slowest_seconds"]) == ("b on s", 2.0)
