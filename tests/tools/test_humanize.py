"""Column names to words."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askwhy.tools.loading.humanize import MAX_LABEL, clean, humanize, shorten, speak, split_words, value_words


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("loan_duration", "loan duration"),
        ("LoanDuration", "loan duration"),
        ("loanDuration", "loan duration"),
        ("loanduration", "loan duration"),
        ("LOAN_DURATION", "loan duration"),
        ("numberofpriorcrimes", "number of prior crimes"),
        ("NumOfProducts", "number of products"),
        ("num_days_late", "number of days late"),
        ("HbA1c", "HbA1c"),
        ("hba1c", "HbA1c"),
        ("bmi", "BMI"),
        ("BMI", "BMI"),
        ("AGE", "age"),
        ("creditAmount2", "credit amount 2"),
        ("LDLCholesterol", "LDL cholesterol"),
        ("hours-per-week", "hours per week"),
        ("education.num", "education number"),
        ("pH", "pH"),
        ("x1", "x1"),
        ("isItHot", "is it hot"),
        ("bloodpressure", "blood pressure"),
        ("creatinine", "creatinine"),
        ("thalach", "thalach"),
    ],
)
def test_a_name_becomes_words(name: str, label: str) -> None:
    assert humanize(name) == label


@pytest.mark.parametrize(
    ("name", "label", "unit"),
    [
        ("bill_length_mm", "bill length", "mm"),
        ("sepal length (cm)", "sepal length", "cm"),
        ("Glucose (mg/dl)", "glucose", "mg/dl"),
        ("body_mass_g", "body mass", "g"),
        ("duration_months", "duration", "months"),
        ("tenure_in_months", "tenure", "months"),
        ("rate_pct", "rate", "%"),
        ("years", "years", ""),
        ("12", "column 12", ""),
        ("<b>{age}</b>", "b age b", ""),
        ("number_of_days", "number of days", ""),
        ("vacation_days", "vacation days", ""),
        ("vitamin_g", "vitamin g", ""),
        ("income (yearly)", "income (yearly)", ""),
    ],
)
def test_a_unit_in_the_name_is_taken_out(name: str, label: str, unit: str) -> None:
    spoken = speak(name)
    assert (spoken.label, spoken.unit) == (label, unit)


def test_what_was_left_out_is_still_an_alias() -> None:
    assert "bill length mm" in speak("bill_length_mm").aliases
    assert "active member" in speak("is_active_member").aliases
    assert "loanduration" in speak("LoanDuration").aliases
    assert "num of products" in speak("NumOfProducts").aliases


def test_a_run_that_leaves_scraps_stays_whole() -> None:
    assert split_words("sibsp") == ["sibsp"]
    assert split_words("thalach") == ["thalach"]
    assert split_words("x" * 41) == ["x" * 41]


def test_unseen_characters_do_not_make_names_differ() -> None:
    assert clean("a\u200bge\u202e \t x\x00") == "age x"
    assert clean("\u200b \u2066") == ""
    assert humanize("\u202eegnahc") == "egnahc"


def test_values_keep_their_spelling() -> None:
    assert value_words("radio/TV") == "radio/TV"
    assert value_words("not_known") == "not known"
    assert value_words("  ") == "(empty)"
    assert len(value_words("v" * 5000)) == MAX_LABEL


@given(st.text(max_size=200))
def test_any_name_has_a_short_label_that_can_be_shown(name: str) -> None:
    spoken = speak(name)
    for text in (spoken.label, *spoken.aliases):
        assert text
        assert text == text.strip()
        assert len(text) <= MAX_LABEL
        assert not any(unicodedata.category(char) in ("Cc", "Cf", "Cs") for char in text)
    assert spoken.label not in spoken.aliases


@given(st.lists(st.sampled_from(["loan", "credit", "number", "days", "late", "price"]), min_size=1, max_size=4))
def test_every_way_of_joining_words_comes_apart_alike(words: list[str]) -> None:
    expected = " ".join(words)
    assert humanize("_".join(words)) == expected
    assert humanize("".join(word.title() for word in words)) == expected
    assert humanize("-".join(words).upper()) == expected


@given(st.text(max_size=50), st.integers(2, 30))
def test_shorten_keeps_to_its_length(text: str, length: int) -> None:
    assert len(shorten(text, length)) <= max(length, 0)
    assert shorten(text, 50) == text


@pytest.mark.parametrize("name", ["x" * 5000, "a_" * 2500, "<script>alert(1)</script>", '{"a": 1}', "DROP TABLE x;--"])
def test_hostile_names_are_only_names(name: str) -> None:
    assert 0 < len(humanize(name)) <= MAX_LABEL
