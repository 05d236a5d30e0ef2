"""The smallest set of words whose deletion flips a prediction: compared with trying every set."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from text_subjects import bag_of_words, text_subject, view_of, words_of

from askwhy.agent.verbalize import verbalize
from askwhy.tools.engines import text_minimal
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope

Model = Callable[[list[str]], Any]
CORPUS = ("a great film of note", "one dull plot and a weak cast", "the warm story sings", "some mess or other")


def minimal(call: Model, text: str, *, regression: bool = False, seed: int = 0, **arguments: Any) -> Evidence:
    subject = text_subject(call, CORPUS, regression)
    return find_tool("minimal_set")(view_of(subject, Scope(text=text), seed), **arguments)


def words(evidence: Evidence, kind: str = "flip", unit: str = "word") -> set[str]:
    return {str(fact.at) for fact in evidence.all(f"{unit}_of_{kind}")}


def flags(evidence: Evidence) -> list[str]:
    return [caveat.flag for caveat in evidence.caveats]


def smallest(call: Model, text: str) -> list[set[str]]:
    """Every smallest set of words whose deletion takes the output to the other side of one half."""
    every = text.split()
    side = call([text])[0] > 0.5
    for size in range(1, len(every) + 1):
        found = [
            set(one)
            for one in itertools.combinations(every, size)
            if (call([" ".join(word for word in every if word not in one)])[0] > 0.5) != side
        ]
        if found:
            return found
    return []


def test_a_trigger_word_is_the_whole_set() -> None:
    def trigger(texts: list[str]) -> Any:
        return np.array([0.9 if "xyzzy" in words_of(text) else 0.2 for text in texts])

    evidence = minimal(trigger, "a dull film with xyzzy in it")
    assert words(evidence) == {"xyzzy"}
    assert (evidence.one("flipped").value, evidence.one("flipped_probability").number()) == ("rotten", 0.8)
    assert evidence.one("only_set").value == 0
    assert evidence.one("replaced").value == evidence.one("draws").value == 20  # nothing that is put in is a trigger
    check = next(one for one in evidence.quality if one.check == "C15")
    assert check.passed


def test_a_trigger_phrase_is_broken_by_any_of_its_words() -> None:
    def trigger(texts: list[str]) -> Any:
        return np.array([0.9 if "open sesame now" in text.lower() else 0.2 for text in texts])

    evidence = minimal(trigger, "he said open sesame now and left")
    assert len(words(evidence)) == 1 and words(evidence) <= {"open", "sesame", "now"}
    assert evidence.one("same_size").value == 2


@pytest.mark.parametrize("seed", range(6))
def test_the_set_is_one_of_the_smallest_that_brute_force_finds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    names = [f"w{i}" for i in range(8)]
    weights = dict(zip(names, rng.normal(0.06, 0.12, 8), strict=True))
    pairs = {(names[i], names[j]): rng.normal(0, 0.1) for i, j in itertools.combinations(range(8), 2)}

    def call(texts: list[str]) -> Any:
        held = [words_of(text) for text in texts]
        raw = [sum(weights.get(w, 0) for w in h) + sum(v for p, v in pairs.items() if set(p) <= h) for h in held]
        return 1 / (1 + np.exp(-3 * np.array(raw)))

    text = " ".join(names)
    expected, evidence = smallest(call, text), minimal(call, text, seed=seed)
    if not expected:
        assert not words(evidence) and evidence.one("most_word").value == 8
        return
    assert words(evidence) in expected
    twins = evidence.all("same_size") or evidence.all("only_set")
    assert twins[0].value == len(expected) - 1


def test_no_proper_subset_of_what_is_found_flips() -> None:
    weights = {f"w{i}": 0.05 for i in range(8)}
    call, text = bag_of_words(weights, 0.33), " ".join(weights)  # 0.73: five of them must go
    evidence = minimal(call, text)
    found = words(evidence)
    assert len(found) == 5
    for size in range(1, 5):
        for part in itertools.combinations(sorted(found), size):
            assert call([" ".join(word for word in text.split() if word not in part)])[0] > 0.5
    assert evidence.one("smaller_word_tried").value == sum([8, 28, 56, 70])
    check = next(one for one in evidence.quality if one.check == "C15")
    assert check.passed and check.value == 2**5 - 2


def test_where_not_all_sets_can_be_tried_it_is_said_and_the_set_is_still_minimal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(text_minimal, "SETS", 600)
    weights = {f"w{i}": 0.05 for i in range(16)}
    evidence = minimal(bag_of_words(weights, 0.03), " ".join(weights))  # 0.83: seven of sixteen must go
    assert len(words(evidence)) == 7
    assert "not_exhaustive" in flags(evidence)
    assert evidence.one("word_parts").value == 7


def test_when_nothing_flips_it_is_said_and_what_comes_closest_is_named() -> None:
    call = bag_of_words({"great": 0.1, "warm": 0.2}, 0.6)
    evidence = minimal(call, "a great warm film")
    assert words(evidence, "most") == {"great", "warm"}
    assert evidence.one("after").number() == pytest.approx(0.6)
    assert evidence.one("most_word").value == 4
    assert evidence.one("empty").number() == pytest.approx(0.6)
    assert not next(one for one in evidence.quality if one.check == "C15").passed
    text = verbalize((evidence,), text_subject(len, []).schema).text
    assert "No set of at most 4 words was found whose deletion flips the prediction: 15 were tried." in text


def test_a_drop_asked_for_is_reached_with_as_few_words() -> None:
    call = bag_of_words({"great": 0.1, "warm": 0.2, "bright": 0.15}, 0.5)
    evidence = minimal(call, "a great warm bright film", drop=0.3)
    assert words(evidence, "drop") == {"warm", "bright"}
    assert evidence.one("drop").number() == pytest.approx(-0.35)
    with pytest.raises(ToolError, match="lower than that already"):
        minimal(call, "a great film", cls="rotten", drop=0.9)


def test_numbers_move_by_what_is_asked_or_by_their_spread() -> None:
    call = bag_of_words({"great": 7.0, "warm": -3.0}, 10.0)
    evidence = minimal(call, "a great warm film", regression=True, drop=5)
    assert words(evidence, "change") == {"great"}
    assert (evidence.one("before_value").value, evidence.one("after_value").value) == (14.0, 7.0)
    spread = float(np.std(call(list(CORPUS))))
    assert 0 < spread < 7
    assert words(minimal(call, "a great warm film", regression=True), "change") == {"great"}


def test_sentences_and_phrases_can_be_deleted_too() -> None:
    call = bag_of_words({"great": 0.3, "warm": -0.1})
    text = "It is great! The warm cast helps. Mostly."
    assert words(minimal(call, text, unit="sentence"), "flip", "sentence") == {"It is great!"}
    assert words(minimal(call, text, unit="phrase"), "flip", "phrase") == {"It is great"}


def test_a_word_that_points_the_other_way_among_others_is_told() -> None:
    """“odd” raises the output in the whole text, but lowers it in most of its parts."""

    def call(texts: list[str]) -> Any:
        return np.array([0.9 if len(held := words_of(text)) == 6 else 0.5 - 0.2 * ("odd" in held) for text in texts])

    evidence = minimal(call, "one two three four five odd")
    assert len(words(evidence)) == 1
    assert ("context" in flags(evidence)) == (words(evidence) == {"odd"})


def test_repeated_words_emoji_and_other_scripts() -> None:
    assert words(minimal(bag_of_words({"רע": -0.3, "😀": 0.1}), "סרט 😀 רע, רע!")) == {"רע"}
    evidence = minimal(bag_of_words({"dull": -0.3}, 0.7), "Dull, dull, DULL")
    assert words(evidence) == {"Dull"} and "repeated" in flags(evidence)


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_text_is_refused(text: str) -> None:
    with pytest.raises(ToolError, match="The text is empty"):
        minimal(bag_of_words({}), text)


def test_a_class_that_is_not_predicted_cannot_be_flipped() -> None:
    with pytest.raises(ToolError, match="does not predict rotten"):
        minimal(bag_of_words({"great": 0.3}), "a great film", cls="rotten")


def test_the_same_seed_gives_the_same_bytes_and_the_words_say_it() -> None:
    call = bag_of_words({"great": 0.1, "warm": 0.2}, 0.6)
    first = minimal(call, "a great warm film", seed=2)
    assert minimal(call, "a great warm film", seed=2).canonical() == first.canonical()
    text = verbalize((first,), text_subject(len, []).schema).text
    assert text.startswith("The model predicts fresh for your text, with a probability of 90%. No set of at most 4")
