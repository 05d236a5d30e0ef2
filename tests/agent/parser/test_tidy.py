"""Questions in plainer letters, and amounts of change that the network took for bounds or left out."""

from __future__ import annotations

import pytest

from askwhy.agent.parser.amounts import with_amounts
from askwhy.agent.parser.decoding import Reading
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.tidy import tidied
from askwhy.agent.plan import Clarify, Plan, Step
from askwhy.tools.scope import AnyOf, Change, Comparison, Condition, Scope, Where
from askwhy.tools.subjects.builtin import builtin

SCHEMA = builtin("credit").schema


@pytest.mark.parametrize(
    ("said", "plain"),
    [
        ("either (1) older than 40 or (2) with purpose car", "either older than 40 or with purpose car"),
        ("1) how accurate is it 2) show mistakes", "how accurate is it show mistakes"),
        ("a) why 12 b) what would flip it", "why 12 what would flip it"),
        ("explain the thirty-second applicant", "explain the 32nd applicant"),
        ("the twelfth data point and the twenty first row", "the 12th data point and the 21st row"),
        ("the second row", "the second row"),
        ("explain (1) only", "explain (1) only"),
        ("f(x) and g(1) of 2", "f(x) and g(1) of 2"),
        ("the thirty-second film", "the thirty-second film"),
        ("credits of 12.000 and more", "credits of 12000 and more"),
        ("between 1.500 and 2.000 marks", "between 1.500 and 2000 marks"),
        ("version 1.000.000", "version 1.000.000"),
        ("1.234.000", "1.234.000"),
        ("", ""),
    ],
)
def test_marks_go_and_ordinals_of_rows_are_written_in_digits(said: str, plain: str) -> None:
    assert tidied(said, SCHEMA) == plain


def bound(op: Comparison, value: float, feature: str = "duration") -> AnyOf:
    return AnyOf(any=(Condition(feature=feature, op=op, value=value),))


def heard(question: str, *groups: AnyOf, tool: str = "importance", changes: tuple[Change, ...] = ()) -> Scope:
    """The scope of a step that was read with these conditions, as it is meant."""
    step = Step(tool=tool, scope=Scope(where=Where(all=groups), changes=changes))
    outcome = with_amounts(Reading(Plan(steps=(step,)), 0.5, ()), Page.of(question, SCHEMA)).outcome
    assert isinstance(outcome, Plan)
    return outcome.steps[0].scope


def test_a_number_that_something_changes_by_is_no_bound() -> None:
    lower = heard("what matters for those who reduced their duration by 10?", bound("lt", 10))
    assert not lower.where and lower.changes == (Change(feature="duration", action="decrease", value=10),)
    higher = heard("how accurate if they raised the duration by about 10", bound("gt", 10), bound("gt", 40, "age"))
    assert higher.where.all == (bound("gt", 40, "age"),)
    assert higher.changes == (Change(feature="duration", action="increase", value=10),)


def test_a_number_used_twice_belongs_to_the_feature_that_changes() -> None:
    other = Change(feature="age", action="decrease", value=10)
    scope = heard("if they cut their duration by 10", bound("lt", 10), tool="what_if", changes=(other,))
    assert scope.changes == (Change(feature="duration", action="decrease", value=10),)


@pytest.mark.parametrize(
    "question", ["what matters where duration is below 10?", "which drop below 10 months", "sorted by 10", "by 10"]
)
def test_other_bounds_stay(question: str) -> None:
    scope = heard(question, bound("lt", 10))
    assert scope.where.all == (bound("lt", 10),) and not scope.changes


def test_what_is_supposed_and_left_out_is_put_in() -> None:
    scope = heard("does age matter more than job if the people were three years older?", tool="compare_features")
    assert scope.changes == (Change(feature="age", action="increase", value=3),)
    shorter = heard("what matters most, supposing it ran 6 months shorter?")
    assert not shorter.changes or shorter.changes == (Change(feature="duration", action="decrease", value=6),)


def test_nothing_is_supposed_twice_or_without_an_if() -> None:
    assert not heard("how many are 3 years older than 50", bound("gt", 3, "age")).changes
    assert not heard("those 3 years older", tool="count").changes
    known = (Change(feature="age", action="increase", value=3),)
    assert heard("if they were 3 years older", tool="what_if", changes=known).changes == known


def test_a_question_back_is_left_alone() -> None:
    back = Reading(Clarify(question="row"), 0.5, ())
    assert with_amounts(back, Page.of("if they were 3 years older", SCHEMA)) == back
