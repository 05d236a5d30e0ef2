"""Words that act together: the four outputs and their average over contexts, worked out by brute force."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from text_subjects import bag_of_words, text_subject, view_of, words_of

from askwhy.agent.verbalize import verbalize
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope

Model = Callable[[list[str]], Any]


def interact(call: Model, text: str, *, regression: bool = False, seed: int = 0, **arguments: Any) -> Evidence:
    subject = text_subject(call, ["another text"], regression)
    return find_tool("interact_text")(view_of(subject, Scope(text=text), seed), **arguments)


def negation(texts: list[str]) -> Any:
    """“good” raises the output, but lowers it next to “not”."""
    found = []
    for text in texts:
        held = words_of(text)
        found.append(0.5 if "good" not in held else 0.15 if "not" in held else 0.8)
    return np.array(found)


def index(call: Model, words: list[str], pair: tuple[int, int]) -> float:
    """The Shapley interaction index by its definition."""
    others = [i for i in range(len(words)) if i not in pair]
    total = 0.0
    for size in range(len(others) + 1):
        share = 1 / ((len(others) + 1) * math.comb(len(others), size))
        for kept in itertools.combinations(others, size):
            corners = [
                call([" ".join(words[i] for i in sorted({*kept, *more}))])[0]
                for more in (pair, *((one,) for one in pair), ())
            ]
            total += share * (corners[0] - corners[1] - corners[2] + corners[3])
    return total


def pairs(evidence: Evidence, relation: str = "pair") -> dict[str, float]:
    return {str(fact.group): fact.number() for fact in evidence.all(relation)}


def test_a_negation_is_seen_in_the_four_outputs_and_on_average() -> None:
    evidence = interact(negation, "it is not a good film", words=("NOT", "good"), cls="fresh")
    four = [evidence.one(name).number() for name in ("both", "both_only_first", "both_only_second", "both_neither")]
    assert four == pytest.approx([0.15, 0.5, 0.8, 0.5])
    assert evidence.one("beyond").number() == pytest.approx(-0.65)
    assert evidence.one("average").number() == pytest.approx(-0.65)
    assert (evidence.one("first_word").at, evidence.one("second_word").at) == ("not", "good")
    assert evidence.one("contexts").value == 2**4
    text = verbalize((evidence,), text_subject(len, []).schema).text
    assert "With both “not” and “good” in your text, the probability of fresh is 15%" in text
    assert "65 percentage points less than if their effects simply added up" in text


def test_an_additive_model_has_no_interactions() -> None:
    call = bag_of_words({"great": 0.2, "dull": -0.1})
    evidence = interact(call, "a great dull film", words=("great", "dull"))
    assert evidence.one("no_average").number() == pytest.approx(0.0, abs=1e-12)
    assert evidence.one("plain_sum").value == 0
    searched = interact(call, "a great dull film")
    assert not searched.all("top_pair") and searched.one("tried_pairs").value == 6
    assert "none clearly acts together" in verbalize((searched,), text_subject(len, []).schema).text


@pytest.mark.parametrize("seed", range(3))
def test_few_words_agree_with_the_definition(seed: int) -> None:
    rng = np.random.default_rng(seed)
    words = [f"w{i}" for i in range(6)]
    table = rng.random(2**6)

    def call(texts: list[str]) -> Any:
        return np.array([table[sum(2**i for i, word in enumerate(words) if word in text.split())] for text in texts])

    found = pairs(interact(call, " ".join(words), cls="fresh", k=3))
    assert len(found) == 15
    for pair in itertools.combinations(range(6), 2):
        name = f"“{words[pair[0]]}” and “{words[pair[1]]}”"
        assert found[name] == pytest.approx(index(call, words, pair))


def test_many_words_find_the_planted_pair_first_and_agree_within_their_errors() -> None:
    words = [f"w{i}" for i in range(14)]

    def call(texts: list[str]) -> Any:
        held = [words_of(text) for text in texts]
        return np.array([0.3 + 0.3 * ({"w3", "w9"} <= one) + 0.02 * len(one) for one in held])

    evidence = interact(call, " ".join(words), cls="fresh", k=2)
    assert list(pairs(evidence, "top_pair")) == ["“w3” and “w9”"]
    assert pairs(evidence, "top_pair")["“w3” and “w9”"] == pytest.approx(0.3, abs=1e-9)


def test_averages_are_within_their_standard_errors_of_the_truth() -> None:
    """Three words act together, so that the pair's interaction depends on the context: it is there in half of them."""
    text, far = " ".join(f"w{i}" for i in range(12)), []

    def call(texts: list[str]) -> Any:
        return np.array([0.2 + 0.6 * ({"w0", "w1", "w2"} <= words_of(one)) for one in texts])

    for seed in range(5):
        fact = interact(call, text, cls="fresh", words=("w0", "w1"), seed=seed).one("average")
        assert fact.error is not None
        far.append(abs(fact.number() - 0.3) / max(fact.error, 0.02))
    assert max(far) < 4 and float(np.mean(far)) < 2


def test_several_named_words_are_compared_in_pairs() -> None:
    evidence = interact(negation, "not a good film", words=("not", "good", "film"), cls="fresh")
    assert set(pairs(evidence)) == {"“not” and “good”", "“not” and “film”", "“good” and “film”"}
    assert pairs(evidence, "top_pair") == pytest.approx({"“not” and “good”": -0.65})


def test_phrases_are_built_from_neighbours_that_act_together() -> None:
    evidence = interact(negation, "film not good plot", build=True, cls="fresh")
    assert pairs(evidence, "joined")["“not | good”"] == pytest.approx(-0.65)
    assert next(iter(pairs(evidence, "joined"))) == "“not | good”"


def test_numbers_are_told_in_their_unit() -> None:
    evidence = interact(lambda texts: 10 * negation(texts), "not a good film", words=("not", "good"), regression=True)
    assert evidence.one("both_output").number() == pytest.approx(1.5)
    assert evidence.one("average").unit == "output"


@pytest.mark.parametrize(
    ("words", "message"),
    [(("good",), "two different words"), (("good", "Good"), "two different words"), (("good", "bad"), "no word “bad”")],
)
def test_words_that_are_not_two_of_the_text_are_refused(words: tuple[str, ...], message: str) -> None:
    with pytest.raises(ToolError, match=message):
        interact(negation, "not a good film", words=words)
    with pytest.raises(UnknownName) as caught:
        interact(negation, "not a good film", words=("god", "film"))
    assert "good" in caught.value.options


def test_one_word_has_nothing_to_act_with() -> None:
    with pytest.raises(ToolError, match="single word"):
        interact(negation, "good good")


def test_repeated_words_other_scripts_and_emoji() -> None:
    def call(texts: list[str]) -> Any:
        return np.array([0.5 + 0.3 * ("😀" in text and "לא" in text) for text in texts])

    evidence = interact(call, "לא 😀 סרט 😀", words=("😀", "לא"), cls="fresh")
    assert evidence.one("average").number() == pytest.approx(0.3)


def test_the_same_seed_gives_the_same_bytes() -> None:
    text = " ".join([f"w{i}" for i in range(12)] + ["not", "good"])
    assert interact(negation, text, seed=1).canonical() == interact(negation, text, seed=1).canonical()


def test_a_text_of_two_words_has_one_context_for_them() -> None:
    evidence = interact(negation, "not good", cls="fresh")
    assert pairs(evidence)["“not” and “good”"] == pytest.approx(0.15 - 0.5 - 0.8 + 0.5)
    asked = interact(negation, "not good", words=("not", "good"), cls="fresh")
    assert asked.one("beyond").number() == pytest.approx(-0.65)
