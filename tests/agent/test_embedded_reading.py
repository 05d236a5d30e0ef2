"""What the embedded model reads off a question: numbers, mentions, conditions, changes, rows."""

from __future__ import annotations

from typing import Any

import pytest
from question_schemas import schema_of

from askwhy.agent.embedded.conditions import where_of
from askwhy.agent.embedded.mentions import sketch
from askwhy.agent.embedded.numbers import number_at
from askwhy.agent.embedded.reading import read
from askwhy.agent.embedded.words import folded, similar, tokens

CREDIT = schema_of("credit")
DIABETES = schema_of("diabetes")
PENGUINS = schema_of("penguins")
REVIEWS = schema_of("reviews")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("40", 40), ("1,234", 1234), ("1,234.5", 1234.5), ("10k", 10_000), ("2.5k", 2500), ("0.8", 0.8), (".5", 0.5),
        ("-5", -5), ("twenty", 20), ("twenty five", 25), ("twenty-five", 25), ("two hundred", 200),
        ("three thousand", 3000), ("a dozen", 12), ("zero", 0), ("3.0", 3.0),
    ],
)  # fmt: skip
def test_numbers_have_their_exact_value(text: str, value: float) -> None:
    found = tokens(text)
    number, end = number_at(found, 1 if found[0].low == "a" else 0) or (None, 0)
    assert number is not None
    assert number.value == value
    assert end == len(found)


def test_ordinals_percent_and_words_that_are_no_numbers() -> None:
    assert number_at(tokens("thirty-second"), 0)[0].ordinal  # type: ignore[index]
    assert number_at(tokens("12th"), 0)[0].value == 12  # type: ignore[index]
    assert number_at(tokens("20 %"), 0)[0].percent  # type: ignore[index]
    assert number_at(tokens("20 per cent"), 0)[0].percent  # type: ignore[index]
    assert not number_at(tokens("20 per month"), 0)[0].percent  # type: ignore[index]
    assert number_at(tokens("which one"), 1) is None
    assert number_at(tokens("one of them"), 0) is None


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("loan_duration", ("loan", "duration")),
        ("LoanDuration", ("loan", "duration")),
        ("rent-free", ("rent", "free")),
        ("BMIs", ("bmi",)),
    ],
)
def test_names_fall_into_words(name: str, words: tuple[str, ...]) -> None:
    assert folded(name) == words


def test_misspellings_are_near_and_other_words_are_not() -> None:
    assert similar("durration", "duration")
    assert similar("duraiton", "duration")
    assert not similar("ration", "duration")
    assert not similar("age", "ago")
    assert not similar("house", "mouse")


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("how many applicants older than 40", "how many E0 O0 than N0"),
        ("people with no checking account", "E0 with C0"),
        ("people without a checking account", "E0 C0"),
        ("what is the loan_duration", "what is the F0"),
        ("what is the LOANDURATION", "what is the F0"),
        ("credit amuont above 5k", "F0 above N0"),
        ("how good is the model", "how good is the model"),
        ("good applicants", "K0 E0"),
        ("do other features matter", "do other features matter"),
        ("the training data", "the training data"),
        ("how old are they", "how F0 are they"),
        ("the data points", "the E0"),
        ("row A17", "I0 W0"),
    ],
)
def test_mentions_become_codes(question: str, expected: str) -> None:
    assert sketch(question, CREDIT).text == expected


def conditions(question: str, schema: Any = CREDIT) -> list[list[tuple[Any, ...]]]:
    """The selection of a question as [[(feature or what is tested, op, value), ...], ...]."""
    reading = read(question, schema)
    where = where_of(reading, reading.text)
    return [[(one.feature or one.on, one.op, one.value) for one in group.any] for group in where.all]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("applicants older than 40", [("age", "gt", 40)]),
        ("applicants not older than 40", [("age", "le", 40)]),
        ("people over forty", [("age", "gt", 40)]),
        ("people aged 40", [("age", "eq", 40)]),
        ("people under the age of 25", [("age", "lt", 25)]),
        ("people above age 45", [("age", "gt", 45)]),
        ("applicants of 60 or older", [("age", "ge", 60)]),
        ("applicants 60+", [("age", "ge", 60)]),
        ("applicants with age at least 30", [("age", "ge", 30)]),
        ("if a person's age is no more than 30", [("age", "le", 30)]),
        ("people with more than 24 months duration", [("duration", "gt", 24)]),
        ("loans over 24 months for applicants", [("duration", "gt", 24)]),
        ("applicants whose credit amount is 5,000 or more", [("credit_amount", "ge", 5000)]),
        ("applicants with a 2000+ credit amount", [("credit_amount", "ge", 2000)]),
        ("applicants with duration of 12", [("duration", "eq", 12)]),
        ("applicants with duration between 12 and 24", [("duration", "gt", 12), ("duration", "lt", 24)]),
        ("people aged 25-35", [("age", "ge", 25), ("age", "le", 35)]),
        ("women under 30", [("sex", "eq", "female"), ("age", "lt", 30)]),
        ("applicants whose sex is female", [("sex", "eq", "female")]),
        ("applicants who are not skilled", [("job", "ne", 2)]),
        ("applicants without a checking account", [("checking_account", "eq", "not_known")]),
        ("applicants with missing savings", [("saving_accounts", "missing", None)]),
        ("applicants predicted declined", [("predicted", "eq", "0")]),
        ("applicants predicted as not approved", [("predicted", "eq", "0")]),
        ("applicants that are actually good", [("actual", "eq", "1")]),
        ("declined applicants", [("actual", "eq", "0")]),
    ],
)
def test_conditions(question: str, expected: list[tuple[Any, ...]]) -> None:
    assert sorted(one for group in conditions(question) for one in group) == sorted(expected)
    assert all(len(group) == 1 for group in conditions(question))


def test_or_joins_and_and_keeps_apart() -> None:
    assert conditions("men who own or rent and are over 50") == [
        [("sex", "eq", "male")],
        [("housing", "eq", "own"), ("housing", "eq", "rent")],
        [("age", "gt", 50)],
    ]
    between = conditions("applicants between 20 and 30 or with duration 12")
    assert between == [
        [("age", "gt", 20), ("duration", "eq", 12)],
        [("age", "lt", 30), ("duration", "eq", 12)],
    ]


def test_conditions_of_other_schemas() -> None:
    assert conditions("patients predicted above 200", DIABETES) == [[("predicted", "gt", 200)]]
    assert conditions("penguins on Dream island heavier than 4000 g", PENGUINS) == [
        [("island", "eq", "Dream")], [("body_mass_g", "gt", 4000)],
    ]  # fmt: skip
    assert conditions('reviews that contain the word "boring"', REVIEWS) == [[("text", "contains", "boring")]]


def test_a_word_for_values_of_two_features_is_asked_back_unless_one_is_named() -> None:
    assert read("applicants with little", CREDIT).unsure == ["savings little", "checking account little"]
    reading = read("applicants whose savings are little", CREDIT)
    assert not reading.unsure
    assert where_of(reading, reading.text).conditions()[0].feature == "saving_accounts"


@pytest.mark.parametrize(
    ("question", "rows"),
    [
        ("why was row 12 declined", ["12"]),
        ("applicant 12", ["12"]),
        ("applicant with id 12", ["12"]),
        ("the applicant number 12", ["12"]),
        ("data point number 12", ["12"]),
        ("the thirty-second data point", ["32"]),
        ("# 7", ["7"]),
        ("rows 12, 57 and 60", ["12", "57", "60"]),
        ("row A17", ["A17"]),
        ("for 5 applicants", []),
        ("the number of applicants", []),
        ("applicants over 40", []),
        ("people with a 40+ credit amount", []),
    ],
)
def test_rows(question: str, rows: list[str]) -> None:
    assert read(question, CREDIT).rows == rows


@pytest.mark.parametrize(
    ("question", "changes"),
    [
        ("what if the duration were 12 months shorter", [("duration", "decrease", 12)]),
        ("what if it was 12 months longer", [("duration", "increase", 12)]),
        ("if they were twenty years older", [("age", "increase", 20)]),
        ("increase age by 5", [("age", "increase", 5)]),
        ("if age decreased by 5 years", [("age", "decrease", 5)]),
        ("reduce the credit amount of applicants over 30 by 500", [("credit_amount", "decrease", 500)]),
        ("what if the amount was 2000", [("credit_amount", "set", 2000)]),
        ("what if applicant 3's amount were 500 lower", [("credit_amount", "decrease", 500)]),
        ("if the amount were 20% higher", [("credit_amount", "scale", 1.2)]),
        ("double the duration", [("duration", "scale", 2)]),
        ("what if the duration was halved", [("duration", "scale", 0.5)]),
        ("set purpose to education", [("purpose", "set", "education")]),
        ("what if row 12 were a woman", [("sex", "set", "female")]),
        ("if age was 30 and the purpose was business", [("age", "set", 30), ("purpose", "set", "business")]),
        ("if a person's age is over 30, how likely is approval", []),
        ("how many applicants have duration 12", []),
    ],
)
def test_changes(question: str, changes: list[tuple[Any, ...]]) -> None:
    found = read(question, CREDIT).changes
    assert [(one.feature, one.action, one.value) for one in found] == changes


@pytest.mark.parametrize(
    ("question", "change"),
    [
        ("what if I remove the word dull", ("remove", "dull", None)),
        ('what happens without "not good"', ("remove", "not good", None)),
        ('replace "good" by "awful"', ("replace", "good", "awful")),
        ("what if the word good were replaced by bad", ("replace", "good", "bad")),
        ('what if I add the word "brilliant"', ("insert", None, "brilliant")),
    ],
)
def test_changes_of_texts(question: str, change: tuple[Any, ...]) -> None:
    assert [(one.action, one.words, one.value) for one in read(question, REVIEWS).changes] == [change]


def test_what_must_stay_and_what_alone_may_change() -> None:
    def named(question: str) -> tuple[list[str], list[str]]:
        reading = read(question, CREDIT)
        return [one.name for one in reading.keep], [one.name for one in reading.only]

    assert named("how to be approved, without touching sex or age") == (["sex", "age"], [])
    assert named("keeping sex, age and job fixed") == (["sex", "age", "job"], [])
    assert named("by changing only duration and amount") == ([], ["duration", "credit_amount"])


def test_a_text_is_what_is_quoted_or_follows_a_colon() -> None:
    assert read('predict "a great and moving film"', REVIEWS).quoted == "a great and moving film"
    assert read("what do you say about this: a great and moving film", REVIEWS).quoted == "a great and moving film"


def test_names_that_are_whole_texts_do_no_harm() -> None:
    long = CREDIT.features[0].model_copy(update={"label": "word " * 3000})
    schema = CREDIT.model_copy(update={"features": (long, *CREDIT.features[1:])})
    assert read("applicants older than 40", schema).selections
