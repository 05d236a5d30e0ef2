"""Small changes of a text: what they are, and how many of them keep the class."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from text_subjects import bag_of_words, text_subject, view_of

from askwhy.tools.engines.metrics import wilson
from askwhy.tools.engines.text_noise import KEYS, misspelt, noisy
from askwhy.tools.engines.text_units import split_text
from askwhy.tools.engines.text_words import vocabulary
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject

TEXTS = [
    "a wonderful film about a plot",
    "a wonderful movie about a plot",
    "a dreadful film about a plot",
    "so it is",
] * 5


@pytest.fixture
def planted() -> Subject:
    return text_subject(bag_of_words({"wonderful": 0.3, "dreadful": -0.3}), TEXTS)


def found(subject: Subject, text: str, seed: int = 0, **arguments: Any) -> Evidence:
    return find_tool("robustness_text")(view_of(subject, Scope(text=text), seed), **arguments)


def test_the_shares_are_those_of_the_copies_in_the_table(planted: Subject) -> None:
    evidence = found(planted, "wonderful", kind="typos")
    # Every typing error hides the word from the model: the probability falls to 50 %, which is rotten.
    assert evidence.one("kept").value == 0 and evidence.one("flip_class").value == "rotten"
    low, high = wilson(0, int(evidence.one("copies").number()))
    assert evidence.one("kept_low").value == low and evidence.one("kept_high").value == high
    assert evidence.one("moved").value == pytest.approx(0.3)
    assert not evidence.quality[0].passed and evidence.quality[0].value == 1.0
    assert evidence.table is not None
    for row in evidence.table.rows:
        assert planted.predictor.call([str(row[2])])[0] == pytest.approx(0.5)


def test_a_model_that_does_not_look_at_case_keeps_every_copy(planted: Subject) -> None:
    evidence = found(planted, "A wonderful film, it is", kind="case")
    assert evidence.one("steady").number() > 1 and evidence.one("moved").value == 0
    assert evidence.quality[0].passed and not evidence.all("flip_edit")


def test_the_flip_is_the_very_text_that_was_asked(planted: Subject) -> None:
    evidence = found(planted, "a wonderful film about it")
    text = str(next(fact.value for fact in evidence.facts if fact.relation in ("flip_text", "flip_long_text")))
    assert planted.predictor.call([text])[0] <= 0.5
    for fact in evidence.all("flip_edit"):
        assert str(fact.value) in text and str(fact.at) in "a wonderful film about it"
    assert evidence.one("flip_words").value == len(evidence.all("flip_edit")) == 1


def test_a_number_moves_by_what_is_said() -> None:
    subject = text_subject(bag_of_words({"wonderful": 3.0}, start=1.0), TEXTS, regression=True)
    evidence = found(subject, "wonderful", kind="typos")
    assert evidence.one("moved_output").value == pytest.approx(3.0) == evidence.one("most_output").value


def test_typing_errors_are_one_slip_away() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        word, wrong = "keyboard", misspelt("keyboard", rng)
        assert wrong != word and wrong[0] in "ke" and abs(len(wrong) - len(word)) <= 1
        if len(wrong) == len(word):
            differing = [i for i in range(len(word)) if word[i] != wrong[i]]
            hit = len(differing) == 1 and wrong[differing[0]] in KEYS[word[differing[0]]]
            swapped = len(differing) == 2 and sorted(word) == sorted(wrong) and differing[1] - differing[0] == 1
            assert hit or swapped
    assert all(other in KEYS and key in KEYS[other] for key, beside in KEYS.items() for other in beside)


def test_synonyms_stand_in_like_places(planted: Subject) -> None:
    words = vocabulary(view_of(planted, Scope()))
    assert "movie" in words.neighbours("film", 2) and "dreadful" in words.neighbours("wonderful", 2)
    made = noisy(split_text("the film"), "synonyms", np.random.default_rng(0), words, 0.1)
    assert made is not None and made.changed[0][0] == "film" and made.text == f"the {made.changed[0][1]}"


def test_the_seed_decides_and_nothing_to_change_is_said(planted: Subject) -> None:
    text = "a wonderful film about a wonderful plot"
    assert found(planted, text).canonical() == found(planted, text).canonical()
    assert found(planted, text).table != found(planted, text, seed=1).table
    with pytest.raises(ToolError, match="empty"):
        found(planted, " ")
    with pytest.raises(ToolError, match="nothing in the text"):
        found(planted, "it is", kind="typos")
    assert found(planted, "😀", kind="punctuation").facts
