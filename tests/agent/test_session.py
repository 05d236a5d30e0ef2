"""The four hops together: what a refusal, a bad draft and a long history become."""

from __future__ import annotations

from typing import Any

import pytest
from toy_subjects import binary

from askwhy.agent import session as hops
from askwhy.agent.answer import Claim, Draft, Failure
from askwhy.agent.session import MAX_QUESTION, Session
from askwhy.tools.evidence import Evidence
from askwhy.tools.schema import Schema


def test_an_unknown_row_comes_back_as_questions_that_work() -> None:
    session = Session(binary())
    answer = session.ask("what do you predict for row 119999?")
    assert answer.outcome.kind == "clarify"
    assert answer.outcome.options
    assert session.ask(answer.outcome.options[0]).verdict == "verified"


def test_a_sentence_that_is_not_borne_out_never_reaches_the_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    def lying(evidence: tuple[Evidence, ...], schema: Schema, **more: Any) -> Draft:
        share = evidence[0].one("count").value
        return Draft(text=f"There are {share} rows with age above 40. The oldest is 212 years old.")

    monkeypatch.setattr(hops, "verbalize", lying)
    answer = Session(binary()).ask("how many rows have age above 40?")
    assert answer.verdict == "fallback"
    assert answer.failures
    assert "212" not in answer.text
    assert str(int((binary().data["age"] > 40).sum())) in answer.text
    assert "withheld" in answer.text


def test_claims_move_with_the_sentences_that_stay() -> None:
    text = "One is 1. Two is 9. Three is 3."
    claims = tuple(Claim(start=text.index(digit), end=text.index(digit) + 1, facts=(f"1.f{digit}",)) for digit in "193")
    wrong = Failure(check="V1", message="9 is wrong", start=text.index("9"), end=text.index("9") + 1)
    kept = hops.without(Draft(text=text, claims=claims), (wrong,))
    assert "9" not in kept.text
    assert [kept.text[claim.start : claim.end] for claim in kept.claims] == ["1", "3"]


def test_a_failure_that_names_no_place_withholds_everything() -> None:
    text = "One is 1. Two is 2."
    missing = Failure(check="V5", message="Name the row.", start=0, end=len(text))
    kept = hops.without(Draft(text=text), (missing,))
    assert "1" not in kept.text and "2" not in kept.text


def test_what_was_asked_before_is_remembered_and_bounded() -> None:
    session = Session(binary())
    for _ in range(hops._REMEMBERED_TURNS + 3):
        session.ask("how many rows are there?")
    assert len(session.history) == hops._REMEMBERED_TURNS


def test_a_question_of_any_length_gets_an_answer() -> None:
    session = Session(binary())
    assert session.ask("x" * (MAX_QUESTION + 1)).verdict == "declined"
    assert session.history == ()


def test_two_sessions_do_not_share_what_was_said() -> None:
    first, second = Session(binary()), Session(binary())
    first.ask("what do you predict for row 3?")
    assert second.ask("why?").verdict == "asked"


def test_a_number_whose_feature_is_unknown_is_never_dropped_nor_taken_for_sure() -> None:
    answer = Session(binary()).ask("how many rows have a wealth above 2000?")
    assert answer.verdict == "asked" or ("2,000" in answer.text and answer.unsure)


def test_what_counted_against_a_prediction_is_not_withheld() -> None:
    answer = Session(binary()).ask("which features pushed against row 3?")
    assert answer.verdict == "verified", answer.failures


@pytest.mark.parametrize(
    "question", ["what does the model predict for row 20", "what would the model say about row 20?"]
)
def test_a_row_that_is_named_is_never_dropped(question: str) -> None:
    answer = Session(binary()).ask(question)
    assert [evidence.tool for evidence in answer.evidence] == ["predict"]
    assert answer.evidence[0].scope.row == "20"
