"""Follow-ups: what is composed from the turn before, how it is weighed, and what the shipped weights make of talks."""

from __future__ import annotations

import pytest
from tiny_parser import feature, schema, tiny_pieces

from askwhy.agent.parser.batch import Read
from askwhy.agent.parser.engine import meant
from askwhy.agent.parser.followup import MOST, NAMED_SIGNS, amended, named_signs
from askwhy.agent.parser.kept import KEPT_SIGNS, kept_signs
from askwhy.agent.parser.page import Page
from askwhy.agent.plan import Clarify, Plan
from askwhy.evals.bank import read_golds
from askwhy.evals.typed import same
from askwhy.tools.registry import tools
from askwhy.tools.subjects.builtin import builtin

AGE = feature("age").model_copy(update={"low": 18, "high": 90})
REGION = feature("region", kind="category", values=("north", "south"))
PEOPLE = schema(AGE, feature("income"), REGION, feature("insured", kind="boolean"))


def plan_of(text: str) -> Plan:
    found = read_golds([[text]], PEOPLE)[0]
    assert isinstance(found, Plan)
    return found


def page_of(question: str, before: str) -> Page:
    return Page.of(question, PEOPLE, plan_of(before).steps)


@pytest.mark.parametrize(
    ("before", "question", "wanted"),
    [
        ("count ; where region = north", "and the south?", "count ; where region = south"),
        ("count ; where region = north & age > 40", "south", "count ; where age > 40 & region = south"),
        ("count ; where age > 40", "in the north", "count ; where age > 40 & region = north"),
        ("count ; where age > 40", "overall", "count"),
        ("explain ; row 12", "and 13?", "explain ; row 13"),
        ("what_if ; row 12 ; change age +5", "ten", "what_if ; row 12 ; change age +10"),
        ("statistic ; feature age ; measure mean", "income?", "statistic ; feature income ; measure mean"),
        ("importance ; where region = north", "three", "importance ; where region = north ; k 3"),
        ("count ; where region = north", "the south too", "count ; where region = north | region = south"),
        ("count ; where age > 40", "below 30?", "count ; where age < 30"),
        ("count ; where age > 40", "and below that?", "count ; where age <= 40"),
        ("count ; where age >= 20 & age <= 40", "older than that", "count ; where age > 40"),
        ("count ; where age >= 20 & age <= 40", "younger", "count ; where age < 20"),
        (
            "count ; where region = north & age > 40",
            "between 20 and 30",
            "count ; where region = north & age >= 20 & age <= 30",
        ),
        ("count ; where @predicted = 1", "in truth", "count ; where @actual = 1"),
        ("count ; where @actual = 1", "and predicted", "count ; where @predicted = 1"),
        (
            "count ; where @actual = 1 & @predicted = 0",
            "the other way round",
            "count ; where @predicted = 1 & @actual = 0",
        ),
        ("show ; where region = north", "the wrong ones", "show ; where region = north & @wrong"),
        ("show ; where region = north & @wrong", "the others", "show ; where region = north & @correct"),
    ],
)
def test_the_turn_before_is_changed_by_what_is_named(before: str, question: str, wanted: str) -> None:
    several = amended((), Read.of(page_of(question, before), tiny_pieces()))
    assert any(same(one, (plan_of(wanted),)) for one in several)
    assert len(several) <= MOST


def test_changes_that_the_network_copies_badly_are_taken_from_the_turn_before() -> None:
    page = page_of("and the income 100 lower too", "what_if ; row 12 ; change age := 24")
    read = plan_of("what_if ; row 12 ; change age +24 ; change income -100")
    wanted = plan_of("what_if ; row 12 ; change age := 24 ; change income -100")
    assert wanted in amended((read,), Read.of(page, tiny_pieces()))


@pytest.mark.parametrize(
    ("before", "question", "now", "expected"),
    [
        ("count ; where region = north", "and the south?", "count ; where region = south",
         {"named", "named_first", "bare_named", "bare_named_first", "covered_named", "covered_named_first"}),
        ("count ; where region = north", "and the south?", "count ; where region = north | region = south", set()),
        ("count ; where region = north", "what about those of the south who are married",
         "count ; where region = south", {"named", "named_first", "bare_named", "bare_named_first"}),
        ("explain ; row 12", "explain 13", "explain ; row 13", {"named", "named_first"}),
        ("count ; where region = north", "which are of the south", "show ; where region = south", set()),
    ],
)  # fmt: skip
def test_that_a_reading_is_the_turn_before_with_what_is_named(
    before: str, question: str, now: str, expected: set[str]
) -> None:
    read = Read.of(page_of(question, before), tiny_pieces())
    assert {name for name, value in named_signs(plan_of(now), read).items() if value} == expected
    assert expected <= set(NAMED_SIGNS)


def test_nothing_is_composed_without_a_turn_before_or_for_a_long_question() -> None:
    assert amended((), Read.of(Page.of("and the south?", PEOPLE), tiny_pieces())) == []
    long = "and the south " + "of the country where it rains less than it does elsewhere as a rule"
    assert amended((), Read.of(page_of(long, "count ; where region = north"), tiny_pieces())) == []


@pytest.mark.parametrize(
    ("before", "question", "now", "expected"),
    [
        ("count ; where region = north", "and the south?", "count ; where region = south", {"bare_replaces": 1}),
        ("count ; where region = north", "over 40?", "count ; where age > 40", {"bare_drops": 1}),
        ("count ; where region = north", "and overall?", "count", {}),
        ("count ; where region = north", "which matter most there", "importance ; where region = north",
         {"turns": 1, "keeps": 1}),
        ("explain ; row 12 ; k 3", "and 13?", "explain ; row 13", {"bare_arguments_lost": 1}),
        ("what_if ; row 12 ; change age +5", "what if income also fell by 10", "what_if ; row 12 ; change income -10",
         {"bare_changes_lost": 0, "changes_lost": 1, "changes_lost_also": 1}),
        ("what_if ; row 12 ; change age := 24", "and income 10 lower",
         "what_if ; row 12 ; change age +24 ; change income -10",
         {"bare_changes_lost": 1, "bare_changes_lost_also": 1}),
        ("what_if ; row 12 ; change insured := no", "and insured", "what_if ; row 12 ; change insured := yes", {}),
    ],
)  # fmt: skip
def test_what_is_kept_and_dropped(before: str, question: str, now: str, expected: dict[str, float]) -> None:
    found = kept_signs(plan_of(now), page_of(question, before))
    assert {name for name, value in found.items() if value} == {name for name, value in expected.items() if value}
    assert set(found) <= set(KEPT_SIGNS)


@pytest.mark.parametrize("question", ["how many penguins are there", "How many are there?"])
def test_how_many_rows_there_are_is_no_question_to_ask_back_about(question: str) -> None:
    made = builtin("penguins").schema
    found = meant(question, made, frozenset(tools(made))).outcome
    assert same(found, tuple(read_golds([["count"]], made)))


def test_a_question_back_is_a_sign_of_its_own() -> None:
    page = page_of("south?", "count ; where region = north")
    assert kept_signs(Clarify(question="row"), page, -2.0) == {"bare_asks": 1.0, "bare_log_probability": -2.0}
    assert kept_signs(Clarify(question="row"), Page.of("south?", PEOPLE)) == {}


@pytest.mark.parametrize(
    ("subject", "talk"),
    [
        ("credit", [("how accurate is it for women?", "score ; where sex = female"),
                    ("and for men?", "score ; where sex = male"), ("overall?", "score")]),
        ("credit", [("which features matter most for applicants older than 40?", "importance ; where age > 40"),
                    ("under 30?", "importance ; where age < 30"),
                    ("top two only", "importance ; where age < 30 ; k 2")]),
        ("credit", [("explain applicant 5", "explain ; row 5"), ("and 7", "explain ; row 7")]),
        ("penguins", [("how accurate is it on Biscoe?", "score ; where island = Biscoe"),
                      ("on Dream", "score ; where island = Dream")]),
    ],
)  # fmt: skip
def test_talks(subject: str, talk: list[tuple[str, str]]) -> None:
    made = builtin(subject).schema
    names, earlier, said = frozenset(tools(made)), (), ""
    for question, wanted in talk:
        found = meant(question, made, names, earlier, said).outcome
        assert same(found, tuple(read_golds([[wanted]], made))), question
        assert isinstance(found, Plan)
        earlier, said = found.steps, question
