"""How a question is cut into clauses, what these point at, and which recipe its words ask for."""

from __future__ import annotations

import pytest
from toy_subjects import binary

from askwhy.agent.investigate.clauses import clause_of, clauses_of, with_feature
from askwhy.agent.investigate.recipes import RECIPES, recipe_for, row_in

SCHEMA = binary().schema.model_copy(update={"entity": "applicant", "entities": "applicants"})


@pytest.mark.parametrize(
    ("question", "clauses"),
    [
        (
            "Find the group it treats worst, explain its worst mistake there, and what would fix it?",
            ("Find the group it treats worst", "explain its worst mistake there", "what would fix it"),
        ),
        (
            "Where does it fail most? Then explain its worst mistake.",
            ("Where does it fail most", "explain its worst mistake"),
        ),
        ("show three mistakes and then explain the second one", ("show three mistakes", "explain the second one")),
        ("how many with age below 40, and purpose car?", ("how many with age below 40, and purpose car",)),
        ("compare age and income", ("compare age and income",)),
        ("what does v1.5 predict for 0.5?", ("what does v1.5 predict for 0.5",)),
        ("", ()),
    ],
)
def test_a_question_is_cut_where_something_new_is_asked(question: str, clauses: tuple[str, ...]) -> None:
    assert clauses_of(question) == clauses


@pytest.mark.parametrize(
    ("said", "group", "row", "text", "fix", "there"),
    [
        ("explain its worst mistake there", True, False, "explain its worst mistake", False, True),
        ("how often is it wrong in that group", True, False, "how often is it wrong", False, True),
        ("how often is it wrong in that group", False, False, "how often is it wrong", False, False),
        ("how many of them are over 30", True, False, "how many are over 30", False, True),
        ("explain it", False, True, "explain {row}", False, False),
        ("explain it", False, False, "explain it", False, False),
        ("how does it decide", False, True, "how does it decide", False, False),
        ("why was she declined", False, True, "why was {row} declined", False, False),
        ("what would fix it", False, True, "what would fix {row}", True, False),
        ("what would fix it", False, False, "what would fix it", False, False),
    ],
)
def test_what_a_clause_points_at(said: str, group: bool, row: bool, text: str, fix: bool, there: bool) -> None:
    clause = clause_of(said, SCHEMA, group, row)
    assert (clause.text, clause.fix, clause.there, clause.bare) == (text, fix, there, said)


def test_words_in_front_go_with_what_they_are_about() -> None:
    question = "Among men, what is the mean age? For women, how many are there?"
    assert clauses_of(question) == ("Among men, what is the mean age", "For women, how many are there")


def test_a_feature_found_takes_the_place_of_a_pronoun() -> None:
    assert (
        with_feature("how does it affect the prediction", r"income \1") == r"how does income \1 affect the prediction"
    )
    assert with_feature("how does it decide", "income") == "how does it decide"


@pytest.mark.parametrize(
    ("question", "recipe"),
    [
        ("audit this model", "audit a model"),
        ("is there anything wrong with it?", "audit a model"),
        ("debug its worst mistake", "debug a mistake"),
        ("why does it make mistakes?", "debug a mistake"),
        ("prepare a letter for applicant 12 who was rejected", "prepare a decline"),
        ("compare the old and the new model", "compare two versions"),
        ("which is better, champion or challenger?", "compare two versions"),
        ("what is the average age?", None),
        ("which features matter most?", None),
    ],
)
def test_the_recipe_that_a_question_asks_for(question: str, recipe: str | None) -> None:
    assert recipe_for(question) == recipe
    assert recipe is None or recipe in RECIPES


def test_a_recipe_is_called_by_name_only_where_the_question_says_so() -> None:
    assert recipe_for("debug this", by_name=True) == "debug a mistake"
    assert recipe_for("explain its worst mistake", by_name=True) is None


def test_a_row_is_one_that_exists() -> None:
    assert row_in("prepare a decline for row 3.", binary()) == "3"
    assert row_in("prepare a decline for row 3000", binary()) is None
    assert row_in("what about row (3|4)", binary()) is None
