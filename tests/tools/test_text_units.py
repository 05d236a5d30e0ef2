"""Texts come apart into words and sentences, and together again exactly."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from askwhy.tools.engines.text_units import Split, find_term, split_text, terms
from askwhy.tools.errors import ToolError, UnknownName

FAMILY, THUMB, FLAGS = "👨‍👩‍👧‍👦", "👍🏽", "🇩🇪🇫🇷"


def words(text: str) -> list[str]:
    return [unit.text for unit in split_text(text).units]


def without(text: str, *places: int) -> str:
    return split_text(text).without(places)


def everything(split: Split) -> str:
    return split.kept(range(len(split.units)))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello (world), bye.", ["Hello", "world", "bye"]),
        (
            "It isn't well-made; it’s a 3.5 -- at",
            ["It", "isn't", "well-made", "it’s", "a", "3.5", "at"],
        ),
        ("rock 'n' roll, dogs' day", ["rock", "n", "roll", "dogs", "day"]),
        ("good/bad and great.Loved", ["good", "bad", "and", "great", "Loved"]),
        ("snake_case #tag $5", ["snake_case", "tag", "5"]),
        (f"great {FAMILY}{THUMB}{FLAGS} ❤️!", ["great", FAMILY, THUMB, FLAGS[:2], FLAGS[2:], "❤️"]),
        ("so good :-) really", ["so", "good", ":-)", "really"]),
        ("שלום עולם, טוב.", ["שלום", "עולם", "טוב"]),
        ("هذا فيلم رائع!", ["هذا", "فيلم", "رائع"]),
        ("می\u200cخواهم ببینم", ["می\u200cخواهم", "ببینم"]),
        ("हिन्दी फिल्म", ["हिन्दी", "फिल्म"]),
        ("这部电影。", ["这", "部", "电", "影"]),
        ("cafe\u0301 naïve", ["cafe\u0301", "naïve"]),
        ("x", ["x"]),
        ("!!! ...", ["!!!", "..."]),
        ("", []),
        (" \n\t ", []),
    ],
)
def test_words_are_what_a_reader_calls_words(text: str, expected: list[str]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One is here. Two! And three?", ["One is here.", "Two!", "And three?"]),
        ("Mr. Smith met J. R. Ewing vs. Dr. No. He left.", ["Mr. Smith met J. R. Ewing vs. Dr. No.", "He left."]),
        ("He said: “Go on!” Then he went... and came back.", ["He said: “Go on!”", "Then he went... and came back."]),
        ("It costs 3.5 dollars. Cheap", ["It costs 3.5 dollars.", "Cheap"]),
        ("A title\n\nand text\nover lines", ["A title", "and text\nover lines"]),
        ("好。我喜欢！", ["好。", "我喜欢！"]),
        ("... well. ?! No", ["... well. ?!", "No"]),
        ("...", ["..."]),
        ("no end", ["no end"]),
        ("  ", []),
    ],
)
def test_sentences_are_what_a_reader_calls_sentences(text: str, expected: list[str]) -> None:
    assert [unit.text for unit in split_text(text, "sentence").units] == expected


@pytest.mark.parametrize(
    ("text", "place", "left"),
    [
        ("a good film", 1, "a film"),
        ("a good film", 0, "good film"),
        ("a good film", 2, "a good"),
        ("a (very) good film", 1, "a good film"),
        ("well, it works", 0, "it works"),
        ("one\n\ntwo three", 1, "one\n\nthree"),
        ("one two\n\nthree", 1, "one\n\nthree"),
        ("here -- or there", 0, "or there"),
        ("这部电影", 1, "这电影"),
        ("alone", 0, ""),
    ],
)
def test_a_deleted_word_takes_its_punctuation_and_leaves_one_blank(text: str, place: int, left: str) -> None:
    assert without(text, place) == left


def test_offsets_point_at_the_words() -> None:
    text = f"  So “good”, {FAMILY}! "
    for unit in split_text(text).units:
        assert text[unit.start : unit.end] == unit.text
        assert unit.left <= unit.start < unit.end <= unit.right


@pytest.mark.parametrize("unit", ["word", "sentence"])
@given(text=st.text(alphabet=st.one_of(st.characters(), st.sampled_from(" .,!?'’-\n“()ab1\u200d\u0301👍🇩"))))
def test_all_units_are_the_very_text_and_none_is_the_empty_one(unit: str, text: str) -> None:
    split = split_text(text, "sentence" if unit == "sentence" else "word")
    assert bool(split.units) == bool(text.strip())
    assert split.kept(()) == ""
    if split.units:
        assert everything(split).encode("utf-8", "surrogatepass") == text.encode("utf-8", "surrogatepass")
    borders = [place for one in split.units for place in (one.left, one.right)]
    assert borders == sorted(borders)


def test_fifty_thousand_characters_come_together_again() -> None:
    text = "A good film, isn't it? " * 2200
    for unit in ("word", "sentence"):
        split = split_text(text, unit)
        assert everything(split) == text
        assert len(split.units) == (11_000 if unit == "word" else 2200)


def test_equal_words_are_one_term_whatever_their_case_and_apostrophe() -> None:
    found = terms(split_text("Good, isn't it? GOOD it isn’t"))
    assert [(term.text, term.places, term.times) for term in found] == [
        ("Good", (0, 3), 2),
        ("isn't", (1, 5), 2),
        ("it", (2, 4), 2),
    ]


def test_a_phrase_is_a_term_and_other_places_of_its_words_are_not() -> None:
    found = terms(split_text("not good, not bad, good"), ("Not good",))
    assert [(term.text, term.places, term.times) for term in found] == [
        ("not good", (0, 1), 1),
        ("not", (2,), 1),
        ("bad", (3,), 1),
        ("good", (4,), 1),
    ]
    assert find_term(found, "NOT GOOD") == 0


def test_a_phrase_that_overlaps_itself_is_counted_once() -> None:
    assert [(term.text, term.times) for term in terms(split_text("ha ha ha"), ("ha ha",))] == [("ha ha", 1), ("ha", 1)]


def test_what_does_not_stand_in_the_text_is_refused_with_the_nearest() -> None:
    split = split_text("a dull film, not good")
    with pytest.raises(UnknownName, match="“dul”. The nearest: dull"):
        terms(split, ("dul",))
    with pytest.raises(ToolError, match="only within another phrase"):
        terms(split, ("not good", "not"))
    with pytest.raises(ToolError, match="which word"):
        terms(split, (" ",))
