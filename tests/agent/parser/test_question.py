"""What is seen of a question by rule: its words and numbers, and how its words match the names of a schema."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_parser import ODD_QUESTIONS, odd_schemas, schema

from askwhy.agent.parser.items import (
    FEATURES,
    MOST_ITEMS,
    Item,
    items_of,
    matches,
    nearest,
    parted,
    schema_items,
    tool_texts,
)
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.question import MOST_WORDS, read_question
from askwhy.evals.bank import read_golds
from askwhy.tools.registry import tools
from askwhy.tools.schema import Category, Feature

WHOLE, WORD, MISSPELT, LETTERS, IN, OUT = range(FEATURES)


def values(question: str) -> list[float]:
    return [one.value for one in read_question(question).numbers]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("row 12", [12]),
        ("1,200 euros", [1200]),
        ("12,34", [12, 34]),
        ("3k", [3000, 3]),
        ("2.5 million", [2_500_000, 2.5]),
        ("8 to 10 thousand", [8, 8000, 10_000, 10]),
        ("a few hundred", [100]),
        ("three hundred", [300]),
        ("twenty-three", [23]),
        ("a dozen", [12]),
        ("half", [0.5]),
        ("twice", [2]),
        ("5%", [5, 0.05]),
        ("5 percent", [5, 0.05]),
        ("thirties", [30, 40, 1930, 1940]),
        ("the 1990s", [1990, 2000]),
        ("teens", [13, 20]),
        ("at 3 pm", [3, 15]),
        ("-5", [-5]),
        ("minus 5", [5, -5]),
        ("\u22127", [-7]),
        ("3 - 2", [3, 2]),
        ("10-5", [10, 5]),
        (".5", [0.5]),
        ("5th", [5]),
        ("thirty-second", [32]),
        ("٣٤", [34]),
        ("a1 b22", []),
        ("no numbers here", []),
        ("9" * 400, []),
        ("9" * 400 + "th", []),
    ],
)
def test_numbers(question: str, expected: list[float]) -> None:
    assert values(question) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("why row 12?", ["why", "row", "12", "?"]),
        ("isn't Tom\u2019s", ["isn't", "Tom", "\u2019", "s"]),
        ("debt_ratio>=0.5", ["debt", "_", "ratio", ">=", "0.5"]),
        ("größe 年齢", ["größe", "年齢"]),
        ("1.5.6", ["1.5", ".", "6"]),
        ("  ", []),
    ],
)
def test_words(question: str, expected: list[str]) -> None:
    assert [word.text for word in read_question(question).words] == expected


def test_the_rest_of_a_long_question_is_left_out() -> None:
    read = read_question("word " * 200 + "12")
    assert len(read.words) == MOST_WORDS and not read.numbers


@given(st.text(max_size=60) | st.sampled_from(ODD_QUESTIONS) | st.from_regex(r"[-0-9.,%km ]{0,30}", fullmatch=True))
def test_words_and_numbers_stand_where_they_say(text: str) -> None:
    read = read_question(text)
    assert all(text[one.start : one.end] == one.text for one in read.words)
    assert all(one.end <= two.start for one, two in itertools.pairwise(read.words))
    assert len(read.words) == MOST_WORDS or "".join(one.text for one in read.words) == "".join(text.split())
    for number in read.numbers:
        assert math.isfinite(number.value) and number.raw.casefold() == read.words[number.word].text.casefold()


def test_a_span_is_the_text_between_two_words() -> None:
    read = read_question("the  “very good”, film")
    assert read.span(2, 4) == "very good”"
    assert read.span(0, 0) == "the" and read.span(0, 6) == "the  “very good”, film"


def test_numbers_that_are_not_said_stand_at_no_word() -> None:
    people = schema(Feature(name="age", label="age", kind="number"))
    plan = read_golds([["what_if ; row 7 ; where age > 40 ; change age +5"]], people)[0]
    page = Page.of("and with 6?", people, getattr(plan, "steps", ()))
    assert [(one.value, one.word) for one in page.numbers] == [
        (6, 2), (1, -1), (2, -1), (3, -1), (0, -1), (5, -2), (7, -2)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("DebtRatio", "Debt Ratio"), ("debt_ratio", "debt ratio"), ("HTTPServer2", "HTTP Server2"), ("__", "__"),
        ("a.b/c-d", "a b c d"), ("größe", "größe"),
    ],
)  # fmt: skip
def test_names_as_words(name: str, expected: str) -> None:
    assert parted(name) == expected


def people() -> tuple[Item, ...]:
    region = Category(name="north", label="the north", value="north")
    return schema_items(
        schema(
            Feature(name="MonthlyIncome", label="monthly income", kind="number", low=0, high=100),
            Feature(name="income_tax", label="income tax", kind="number"),
            Feature(name="applicant", label="applicant", kind="category", categories=(region,)),
        )
    )


def test_how_words_match_names() -> None:
    items = people()
    question = read_question("monthly incomes of applcant 50 above 200 incom")
    found = matches(question, items)
    income, tax, applicant, north = (found[:, place] for place in range(4))
    monthly, incomes, misspelt, fifty, many, begun = 0, 1, 3, 4, 6, 7
    assert found.shape == (8, len(items), FEATURES)
    assert income[:, WHOLE].tolist() == [1, 1, 0, 0, 0, 0, 0, 0] and not tax[:, WHOLE].any()
    # Both features have the word income, and only one has monthly.
    assert income[[monthly, incomes], WORD].tolist() == [1, 0.5] and tax[incomes, WORD] == 0.5
    assert applicant[misspelt, MISSPELT] == 1 and applicant[misspelt, WORD] == 0
    # ^applcant$ and ^applicant$ share ^ap, app, ppl, can, ant, nt$ of eleven triples.
    assert applicant[misspelt, LETTERS] == pytest.approx(6 / 11)
    assert income[begun, LETTERS] == pytest.approx(5 / 6)
    assert income[:, IN].nonzero()[0].tolist() == [fifty] and income[:, OUT].nonzero()[0].tolist() == [many]
    assert not tax[:, IN:].any() and not north.any()


def test_the_first_reading_of_a_number_says_whether_it_is_in_range() -> None:
    found = matches(read_question("3k"), people())
    assert found[0, 0, OUT] == 1 and found[0, 0, IN] == 0


def test_a_value_is_known_by_its_own_names_and_read_with_its_feature() -> None:
    items = people()
    north = next(item for item in items if item.group == "C")
    assert north.owner == 2 and north.text == "applicant: the north, north"
    assert matches(read_question("the north"), items)[:, items.index(north), WHOLE].tolist() == [1, 1]


def test_every_item_is_read_where_they_are_few() -> None:
    items = people()
    assert nearest(items, matches(read_question("age"), items)) == list(range(len(items)))


def test_of_many_columns_those_that_are_named_are_read() -> None:
    page = Page.of("is col_299 above col 280", odd_schemas()["300 columns"])
    items = items_of(page)
    kept = [items[place] for place in nearest(items, matches(page.question, items))]
    assert len(kept) == MOST_ITEMS
    assert {280, 299} <= {item.place for item in kept}


def test_of_many_values_those_that_are_named_are_read_with_their_features() -> None:
    many = odd_schemas()["400 values"]
    earlier = read_golds([["count ; where number > 40"]], many)[0]
    page = Page.of("how many are w150 or v199", many, getattr(earlier, "steps", ()))
    items = items_of(page)
    assert len(items) > 2 * MOST_ITEMS
    kept = [items[place] for place in nearest(items, matches(page.question, items))]
    features = {item.place for item in kept if item.group == "F"}
    owners = {item.owner for item in kept if item.group == "C"}
    assert {"w150", "v199"} <= {name for item in kept for name in item.names} and owners <= features
    assert [item.group for item in kept][-3:] == ["K", "K", "P"]
    assert len(kept) <= MOST_ITEMS + len(owners) + 3


def test_the_nearest_are_the_best_matched() -> None:
    items = tuple(Item("F", place, (f"n{place}",), "") for place in range(MOST_ITEMS + 10))
    matched = np.zeros((2, len(items), FEATURES), dtype=np.float32)
    matched[1, -10:, LETTERS] = 0.5
    matched[:, :, IN] = 1.0  # a range says little about what is meant
    assert nearest(items, matched) == [*range(MOST_ITEMS - 10), *range(MOST_ITEMS, MOST_ITEMS + 10)]


def test_what_is_read_of_a_tool() -> None:
    texts = tool_texts(tools()["count"])
    assert texts[0].startswith("count: ") and len(texts) == 1 + len(tools()["count"].asks)
    assert not any("{" in text for text in texts)
