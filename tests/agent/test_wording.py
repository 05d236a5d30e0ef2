"""Names, cells, lists, articles and rounding, against strings written by hand."""

from __future__ import annotations

import pytest
from credit_words import CREDIT, HOUSES, REVIEWS
from hypothesis import given
from hypothesis import strategies as st

from askwhy.agent.fact_words import fact_words
from askwhy.agent.pattern import Slot
from askwhy.agent.rounding import decimals_of, is_zero
from askwhy.agent.wording import (
    article,
    capitalised,
    cell,
    class_name,
    clean,
    clipped,
    digits,
    exact,
    feature_name,
    joined,
    ordinal,
    quoted,
    row_name,
    with_unit,
)
from askwhy.tools.evidence import Fact
from askwhy.tools.schema import Feature, Schema


def said(schema: Schema = CREDIT, form: str = "", **fact: object) -> str:
    return fact_words(Fact(relation="x", **fact), Slot("x", form=form), schema, None)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.7312, "73%"), (0.75, "75%"), (0.05, "5%"), (0.0512, "5.1%"), (0.0004, "0.04%"), (0.00001, "0.001%"),
        (0.0, "0%"), (1.0, "100%"), (1, "100%"), (0.9996, "99.96%"), (0.996, "99.6%"), (0.99999999, "100%"),
        (1e-12, "0%"), (-1e-12, "0%"), (0.29, "29%"), (0.0996, "10.0%"),
    ],
)  # fmt: skip
def test_a_probability_is_a_percentage(value: float, words: str) -> None:
    assert said(value=value, unit="probability") == words
    assert said(value=value, unit="share") == words


@pytest.mark.parametrize(
    ("value", "form", "words"),
    [
        (0.1234, "", "12.3 percentage points"),
        (-0.1234, "", "-12.3 percentage points"),
        (-0.1234, "size", "12.3 percentage points"),
        (0.1234, "signed", "+12.3 percentage points"),
        (0.01, "", "1 percentage point"),
        (-0.01, "", "-1 percentage point"),
        (0.0104, "", "1.0 percentage points"),
        (0.12, "", "12 percentage points"),
        (0.0001, "signed", "+0.01 percentage points"),
        (0.0, "signed", "0 percentage points"),
        (-1e-15, "", "0 percentage points"),
    ],
)
def test_a_difference_of_probabilities_is_in_points(value: float, form: str, words: str) -> None:
    assert said(value=value, unit="points", form=form) == words


@pytest.mark.parametrize(
    ("fact", "words"),
    [
        ({"value": 1234, "unit": "count"}, "1,234"),
        ({"value": 0, "unit": "count"}, "0"),
        ({"value": 0.523, "unit": "log-odds"}, "+0.52 log-odds"),
        ({"value": -0.523, "unit": "log-odds"}, "-0.52 log-odds"),
        ({"value": 0.8345, "unit": "score"}, "0.835"),
        ({"value": 1, "unit": "rank"}, "first"),
        ({"value": 12, "unit": "rank"}, "12th"),
        ({"value": "1", "unit": "class"}, "approved"),
        ({"value": "tv", "unit": "category", "feature": "purpose"}, "radio or TV"),
        ({"value": 1, "unit": "category", "feature": "guarantor"}, "yes"),
        ({"value": True, "unit": "feature", "feature": "guarantor"}, "yes"),
        ({"value": "1042", "unit": "id"}, "1042"),
        ({"value": "so good", "unit": "text"}, "“so good”"),
        ({"value": 24, "unit": "feature", "feature": "duration"}, "24 months"),
        ({"value": 1, "unit": "feature", "feature": "duration"}, "1 month"),
        ({"value": 20.903, "unit": "feature", "feature": "duration"}, "20.9 months"),
        ({"value": 3271.258, "unit": "feature", "feature": "amount"}, "3,271 DM"),
        ({"value": 2000.5, "unit": "feature", "feature": "amount"}, "2,000.5 DM"),
        ({"value": 1998, "unit": "feature", "feature": "year_built"}, "1998"),
        ({"value": None, "unit": "feature", "feature": "age"}, "missing"),
        ({"value": "2020-02-03", "unit": "feature", "feature": "joined"}, "2020-02-03"),
        ({"value": True}, "yes"),
        ({"value": 2.3456}, "2.35"),
        ({"value": 0.00012345}, "0.000123"),
    ],
)
def test_every_unit_has_its_words(fact: dict[str, object], words: str) -> None:
    assert said(**fact) == words


def test_an_output_has_the_targets_unit() -> None:
    assert said(HOUSES, value=152133.4, unit="output") == "152,133 €"
    assert said(HOUSES, value=-52.133, unit="output", form="signed") == "-52.13 €"
    assert said(HOUSES, value=52.133, unit="output", form="bare") == "52.13"
    assert [said(HOUSES, value=value, unit="output") for value in (3.4444, 0.24611, 120.0)] == [
        "3.44 €",
        "0.246 €",
        "120 €",
    ]


def test_parts_of_a_fact() -> None:
    fact = Fact(
        relation="x", value=-0.1, unit="points", feature="duration", at=24, cls="0", row="12", rank=2, error=0.013
    )
    words = {part: fact_words(fact, Slot("x", part), CREDIT, None) for part in ("feature", "at", "cls", "row", "id")}  # type: ignore[arg-type]
    assert words == {
        "feature": "credit duration",
        "at": "24 months",
        "cls": "declined",
        "row": "applicant 12",
        "id": "12",
    }
    assert fact_words(fact, Slot("x", "rank"), CREDIT, None) == "second"
    assert fact_words(fact, Slot("x", "rank", "bare"), CREDIT, None) == "2"
    assert fact_words(fact, Slot("x", "error"), CREDIT, None) == "1.3 percentage points"


def shown_together(*values: float, unit: str = "probability", error: float | None = None) -> list[str]:
    facts = [Fact(relation="x", value=value, unit=unit, error=error) for value in values]  # type: ignore[arg-type]
    places = decimals_of(list(enumerate(facts)), CREDIT)
    return [fact_words(fact, Slot("x"), CREDIT, places[number]) for number, fact in enumerate(facts)]


def test_different_values_print_differently() -> None:
    assert shown_together(0.731, 0.729, 0.12) == ["73.1%", "72.9%", "12%"]
    assert shown_together(0.1234, 0.12345, unit="points") == ["12.34 percentage points", "12.35 percentage points"]
    assert shown_together(0.70001, 0.70002) == ["70.001%", "70.002%"]
    assert shown_together(0.5, 0.5) == ["50%", "50%"]
    assert shown_together(0.5, 0.5 + 1e-9) == ["50%", "50%"]


def test_ties_may_print_alike() -> None:
    assert shown_together(0.731, 0.729, error=0.01) == ["73%", "73%"]
    assert shown_together(0.731, 0.729, error=0.0001) == ["73.1%", "72.9%"]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=8))
def test_printing_keeps_the_order(values: list[float]) -> None:
    printed = [float(words.rstrip("%").replace(",", "")) for words in shown_together(*values)]
    for a, x in zip(values, printed, strict=True):
        for b, y in zip(values, printed, strict=True):
            assert x <= y if a <= b else x >= y
            if abs(a - b) > 1.01e-6:
                assert x != y


@given(st.floats(-1e9, 1e9), st.sampled_from(["points", "log-odds", "output", "score", ""]))
def test_a_printed_number_is_the_value_rounded(value: float, unit: str) -> None:
    words = said(HOUSES, value=value, unit=unit).split(" ")[0]
    printed = float(words.replace(",", ""))
    scaled = value * 100 if unit == "points" else value
    decimals = len(words.partition(".")[2])
    assert abs(printed - scaled) <= 0.5 * 10**-decimals * (1 + 1e-9) + 1e-12 * abs(scaled)
    assert "e" not in words and (printed != 0 or not words.startswith(("-", "+")))


def test_zero_is_what_prints_as_zero() -> None:
    assert is_zero(Fact(relation="x", value=-1e-12, unit="points"))
    assert not is_zero(Fact(relation="x", value=1e-5, unit="points"))


def test_cells_and_constants() -> None:
    amount = CREDIT.feature("amount")
    assert cell(1234.56789, amount) == "1,235 DM"
    assert cell(1234.56789, amount, constant=True) == "1,234.56789 DM"
    assert cell(0.0380759064334241, None) == "0.03808"
    assert cell(0.006193, None) == "0.006193"
    assert cell(None, amount) == "missing"
    assert cell(float("nan"), amount) == "missing"
    assert cell(True, None) == "yes"
    assert cell("2020-01-02T00:00:00", CREDIT.feature("joined")) == "2020-01-02"
    assert cell("unheard of", CREDIT.feature("purpose")) == "unheard of"


def test_exact_numbers() -> None:
    assert [exact(value) for value in (1e-7, 0.1 + 0.2, 1234567.5, -0.0, 12, 1e12)] == [
        "0.0000001", "0.3", "1,234,567.5", "0", "12", "1,000,000,000,000",
    ]  # fmt: skip
    assert digits(-0.04, 1) == "0.0"
    assert digits(-0.06, 1) == "-0.1"


def test_units() -> None:
    assert [with_unit("1", unit) for unit in ("months", "glass", "%", "mm Hg", "", "°C")] == [
        "1 month", "1 glass", "1%", "1 mm Hg", "1", "1°C",
    ]  # fmt: skip
    assert with_unit("0.5", "months") == "0.5 months"


def test_lists() -> None:
    assert [joined(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == ["", "a", "a and b", "a, b and c"]
    assert joined(["a, x", "b", "c"]) == "a, x; b; and c"
    assert joined(["a, x", "b"]) == "a, x and b"
    assert joined(["a", "b", "c"], "or") == "a, b or c"


def test_ordinals() -> None:
    assert [ordinal(n) for n in (1, 2, 3, 10, 11, 12, 13, 21, 22, 103, 111)] == [
        "first", "second", "third", "tenth", "11th", "12th", "13th", "21st", "22nd", "103rd", "111th",
    ]  # fmt: skip


def test_articles() -> None:
    assert [article(text) for text in ("applicant", "car", "hour", "university", "uninsured loan")] == [
        "an", "a", "a", "a", "an",
    ]  # fmt: skip
    assert [article(text) for text in ("8%", "80%", "11 months", "1,100 DM", "11,000 DM", "73%")] == [
        "an", "an", "an", "a", "an", "a",
    ]  # fmt: skip
    assert [article(text) for text in ("HDL cholesterol", "BMI", "“ace” word", "")] == ["an", "a", "an", "a"]


def test_odd_names_are_tamed() -> None:
    assert clean("a\n\tb\u200b c\x00d\u202e") == "a b c d"
    feature = Feature(name="x\n{y}", label="<b>{count}\r\n[z]</b>", kind="number")
    schema = CREDIT.model_copy(update={"features": (feature,)})
    assert feature_name("x\n{y}", schema) == "<b>{count} [z]</b>"
    assert feature_name("un\nknown", schema) == "un known"


def test_texts_are_clipped_and_their_quotes_cannot_close_the_quotation() -> None:
    assert quoted("he said “no” twice") == "“he said \u2018no\u2019 twice”"
    long = "word " * 40
    assert clipped(long).endswith("word…") and len(clipped(long)) <= 81
    assert clipped("x" * 200) == "x" * 80 + "…"


def test_names() -> None:
    assert row_name("12", CREDIT) == "applicant 12"
    assert row_name("new", CREDIT) == "your case"
    assert row_name("new", REVIEWS) == "your text"
    assert class_name("0", CREDIT) == "declined"
    assert class_name(1.0, CREDIT) == "approved"
    assert feature_name("refund", REVIEWS) == "“refund”"
    assert capitalised("ßa") == "ßa"
