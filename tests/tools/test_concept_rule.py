"""Rules that people write, read into selections; the library of concepts."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest
from hand_subjects import hand_subject
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_subjects import binary

from askwhy.tools.engines.concept_rule import LONGEST_RULE, read_concept
from askwhy.tools.engines.concepts import Concept, library
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.scope import Condition, Where
from askwhy.tools.select import select

SUBJECT = binary()
DATA = SUBJECT.data
AGE, INCOME, CAR = DATA["age"], DATA["monthly_income"], DATA["LoanPurpose"] == "car"
HOUSE, MEMBER = DATA["LoanPurpose"] == "house", DATA["is_member"]


def rows(rule: str) -> list[bool]:
    concept = read_concept(SUBJECT.schema, DATA, rule)
    return select(SUBJECT, concept.where, Evaluator(SUBJECT.predictor)).tolist()


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("age > 40", AGE > 40),
        ("age over 40", AGE > 40),
        ("Age is more than 40", AGE > 40),
        ("age at least 40", AGE >= 40),
        ("age ≤ 40", AGE <= 40),
        ("age is under 40", AGE < 40),
        ("age 40", AGE == 40),
        ("age != 40", AGE != 40),
        ("monthly income >= 30.5", INCOME >= 30.5),
        ("monthly_income is missing", INCOME.isna()),
        ("not monthly income missing", INCOME.notna()),
        ("missing monthly income", INCOME.isna()),
        ("car", CAR),
        ("loan purpose car", CAR),
        ("LoanPurpose == 'car'", CAR),
        ("loan purpose is not car", ~CAR),
        ("loan purpose in (car, house)", CAR | HOUSE),
        ("is member", MEMBER),
        ("is member is no", ~MEMBER),
        ("not is member", ~MEMBER),
        ("joined > 2018-01-01", DATA["joined"] > pd.Timestamp("2018-01-01")),
        ("age > 30 and car", (AGE > 30) & CAR),
        ("age > 30 and car or is member", ((AGE > 30) & CAR) | MEMBER),
        ("age > 30 and (car or is member)", (AGE > 30) & (CAR | MEMBER)),
        ("not (age > 30 or car)", (AGE <= 30) & ~CAR),
        ("NOT (age > 30 AND car)", (AGE <= 30) | ~CAR),
        ("not (monthly income > 30)", INCOME <= 30),
        ("high age", AGE >= 61.5),
    ],
)
def test_a_rule_selects_what_it_says(rule: str, expected: pd.Series) -> None:
    if rule == "high age":
        assert abs(sum(rows(rule)) / len(AGE) - 0.25) < 0.03
        assert min(AGE[rows(rule)]) > max(AGE[[not one for one in rows(rule)]])
    else:
        assert rows(rule) == expected.tolist()


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("age>40 and car", "age over 40 and loan purpose car"),
        ("monthly income at least 20.5", "monthly income of at least 20.5"),
        ("car or house", "either loan purpose car or loan purpose house"),
        ("not monthly income missing", "monthly income present"),
        ("is_member", "is member yes"),
    ],
)
def test_a_concept_has_words(rule: str, words: str) -> None:
    assert read_concept(SUBJECT.schema, DATA, rule).words == words


def test_a_concept_knows_the_features_that_define_it() -> None:
    assert read_concept(SUBJECT.schema, DATA, "car and age > 3 and age < 70").features == ("age", "LoanPurpose")


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("", "Say which concept"),
        ("age >", "value is missing"),
        ("(age > 3", "not closed"),
        ("age > 3)", "not expected"),
        ("age > many", "is a number"),
        ("and age > 3", "missing before"),
        ("age > 3 and", "missing at the end"),
        ("wealth > 3", "no feature “wealth”"),
        ("purple", "no concept “purple”"),
        ("loan purpose > car", "no larger or smaller"),
        ("loan purpose is boat", "There is no value of loan purpose"),
        ("high loan purpose", "not a number"),
        ("age > " + "1" * 500, "too long"),
        ("(" * 400, "too long"),
        (" or ".join(["(age > 1 and age > 2 and age > 3)"] * 8), "too long"),
        ("age > 3 'unclosed", "cannot be"),
        ("age > inf", "finite"),
    ],
)
def test_what_is_no_rule_is_refused_in_words(rule: str, says: str) -> None:
    with pytest.raises(ToolError, match=says.replace("(", r"\(")):
        read_concept(SUBJECT.schema, DATA, rule)


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("age car()><=!'\"“” andornotishighlow,.0123_\n{}"), max_size=LONGEST_RULE + 5))
def test_no_text_does_anything_but_read_or_be_refused(rule: str) -> None:
    try:
        concept = read_concept(SUBJECT.schema, DATA, rule)
    except ToolError:
        return
    assert concept.features and concept.words


def test_a_category_of_several_features_must_be_said_with_its_feature() -> None:
    frame = pd.DataFrame(
        {one: pd.array(["yes", "radio and television"] * 5, dtype="str") for one in ("first", "second")}
    )
    subject = hand_subject(lambda data: data["first"].eq("yes").astype(float), frame)
    with pytest.raises(ToolError, match="several features"):
        read_concept(subject.schema, subject.data, "yes")
    found = read_concept(subject.schema, subject.data, "second is radio and television and first yes")
    assert found.words == "second radio and television and first yes"


def test_a_concept_is_about_features() -> None:
    with pytest.raises(ToolError, match="defined by features"):
        Concept.of(SUBJECT.schema, Where.of(Condition(on="predicted", value="yes")))
    with pytest.raises(UnknownName):
        Concept.of(SUBJECT.schema, Where.of(Condition(feature="wealth", value=1)))


def test_the_library_has_categories_quarters_and_missing_values() -> None:
    found = {concept.words: concept for concept in library(SUBJECT.schema, DATA, 5, 32)}
    assert {"loan purpose car", "is member yes", "monthly income missing"} <= set(found)
    assert "is member no" not in found
    assert sum(words.startswith("age ") for words in found) == 2
    assert all(5 <= select(SUBJECT, one.where, Evaluator(SUBJECT.predictor)).sum() <= 115 for one in found.values())
    assert len(library(SUBJECT.schema, DATA, 5, 3)) == 3


def test_a_number_that_hardly_varies_is_neither_high_nor_low() -> None:
    frame = pd.DataFrame({"x": [1.0] * 40 + [2.0] * 3})
    subject = hand_subject(lambda data: data["x"], frame)

    def read(rule: str) -> Any:
        return read_concept(subject.schema, subject.data, rule).words

    assert read("high x") == "x over 1"
    with pytest.raises(ToolError, match="varies too little"):
        read("low x")
