"""Pointing: the second of the readings offered, the second of what the last answer listed."""

from __future__ import annotations

from typing import Any

import pytest
from toy_subjects import binary

from askwhy.agent.answer import Turn
from askwhy.agent.plan import Clarify, Plan, Step
from askwhy.agent.references import listed, others_of, picked, pointed
from askwhy.agent.session import Session
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.scope import Scope

COUNT, SCORE = Plan(steps=(Step(tool="count"),)), Plan(steps=(Step(tool="score"),))
OFFERED = (
    Turn(
        question="how many good ones?",
        outcome=Clarify(
            question="Is it one of these?", options=("how many rows are there?", "how accurate is it?", "why?"),
            readings=(COUNT, SCORE),
        ),
    ),
)  # fmt: skip
LISTED = (Turn(question="show three rows", outcome=COUNT, rows=("12", "7", "40"), features=("age", "monthly_income")),)


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("How accurate is it?", SCORE), ("the second one", SCORE), ("2", SCORE), ("option 1 please", COUNT),
        ("I mean the first", COUNT), ("the last one", "why?"), ("3.", "why?"), ("the fourth one", None), ("0", None),
        ("how many have age above 2?", None), ("yes", None),
    ],
)  # fmt: skip
def test_a_reading_is_picked_by_its_words_or_its_place(said: str, meant: Any) -> None:
    assert picked(said, OFFERED, binary().schema) == meant
    assert picked(said, (), binary().schema) is None


def test_yes_picks_the_only_reading() -> None:
    only = Turn(question="?", outcome=Clarify(question="Do you mean this?", options=("why?",), readings=(COUNT,)))
    assert picked("Yes, please.", (only,), binary().schema) == COUNT


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("Not that one.", SCORE), ("that's not what I meant", SCORE), ("how accurate is the model?", SCORE),
        ("not that one, I meant row 12", None), ("why?", None),
    ],
)  # fmt: skip
def test_an_answer_that_was_not_sure_can_be_turned_down(said: str, meant: Any) -> None:
    unsure = COUNT.model_copy(update={"confidence": 0.5, "others": (SCORE,)})
    assert unsure.unsure
    assert COUNT.model_copy(update={"confidence": 0.5}).unsure and not COUNT.unsure
    schema = binary().schema
    said = others_of(unsure, schema)[0] if said.startswith("how") else said
    assert picked(said, (Turn(question="how good?", outcome=unsure),), schema) == meant
    assert picked(said, (Turn(question="how good?", outcome=COUNT),), schema) is None


@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ("explain the second one", "explain row 7"),
        ("why was the last of them refused?", "why was row 40 refused?"),
        ("compare the first row with the 3rd one", "compare row 12 with row 40"),
        ("what if the second factor were 10 higher?", "what if monthly income were 10 higher?"),
        ("explain the fifth one", "explain the fifth one"),
        ("is this the first time?", "is this the first time?"),
        ("the second most important feature", "the second most important feature"),
    ],
)
def test_what_the_last_answer_listed_is_counted_through(said: str, meant: str) -> None:
    assert pointed(said, LISTED, binary().schema) == meant
    assert pointed(said, (), binary().schema) == said


def about(row: str, *rows: str, tool: str = "predict") -> Turn:
    """A turn about one row, or about several."""
    steps = tuple(Step(tool=tool, scope=Scope(row=one)) for one in (rows or (row,)))
    return Turn(question="?", outcome=Plan(steps=steps), rows=rows, features=("age",) if tool == "explain" else ())


@pytest.mark.parametrize(
    ("said", "turns", "meant"),
    [
        ("explain the second", LISTED, "explain row 7"),
        ("and the last, please?", LISTED, "and row 40, please?"),
        ("is this the first?", (about("3"),), "is this the first?"),
        ("the first", (*LISTED, about("7", tool="explain")), "row 12"),
        ("the first one", (*LISTED, about("99", tool="explain")), "age"),
        ("the first", (*LISTED, *[about("7")] * 4), "the first"),
        ("the other one too", (about("", "12", "7"), about("7")), "row 12 too"),
        ("the other one too", (about("", "12", "7"), about("12")), "row 7 too"),
        ("the other one too", (about("12"), about("7")), "the other one too"),
        ("the other one too", LISTED, "the other one too"),
        ("why are they different?", (about("", "12", "7"),), "why are row 12 and row 7 different?"),
        ("compare them", (about("12"), about("7")), "compare row 12 and row 7"),
        ("compare those two", (about("", "12", "7"), about("12")), "compare row 7 and row 12"),
        ("compare them", (about("7"), about("7")), "compare them"),
        ("compare them", LISTED, "compare them"),
        ("explain both", (about("12"), about("7")), "explain both"),
        ("compare the two groups", (about("12"), about("7")), "compare the two groups"),
    ],
)  # fmt: skip
def test_rows_under_discussion_are_pointed_at(said: str, turns: tuple[Turn, ...], meant: str) -> None:
    assert pointed(said, turns, binary().schema) == meant


def test_an_answer_about_one_row_lists_nothing() -> None:
    one = Evidence(
        tool="explain", method="", estimand="",
        facts=(
            Fact(relation="a", value=1.0, row="12", feature="b", rank=2),
            Fact(relation="a", value=2.0, row="12", feature="a", rank=1),
        ),
    )  # fmt: skip
    assert listed((one,)) == ((), ("a", "b"))


def test_a_picked_reading_is_answered_without_being_read_again() -> None:
    session = Session(binary())
    session.history = OFFERED
    answer = session.ask("the first one")
    assert answer.outcome == COUNT
    assert answer.engine == "choice"
    assert answer.verdict == "verified"
