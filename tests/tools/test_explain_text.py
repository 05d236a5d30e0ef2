"""What words add to a prediction: equal to planted weights, to brute force, and in words that say it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from text_subjects import bag_of_words, pipeline, text_subject, view_of, words_of

from askwhy.agent.verbalize import verbalize
from askwhy.tools.engines.text_game import MOST_TERMS
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Change, Scope

Model = Callable[[list[str]], Any]
WEIGHTS = {"great": 0.2, "warm": 0.1, "dull": -0.25, "mess": -0.15}
GOOD, BAD = ["great", "warm", "moving", "funny"], ["dull", "flat", "boring", "mess"]


def corpus(count: int = 60) -> tuple[list[str], list[str]]:
    rng = np.random.default_rng(0)
    common = ["film", "plot", "cast", "the", "a", "not"]
    texts = [
        " ".join(rng.permutation([*rng.choice(GOOD if i % 2 else BAD, 2), *rng.choice(common, 4)]))
        for i in range(count)
    ]
    return texts, ["fresh" if i % 2 else "rotten" for i in range(count)]


@pytest.fixture(scope="module")
def model() -> Model:
    return pipeline(*corpus())


def explain(call: Model, text: str, *, seed: int = 0, regression: bool = False, **arguments: Any) -> Evidence:
    subject = text_subject(call, ["another text"], regression)
    return find_tool("explain_text")(view_of(subject, Scope(text=text), seed), **arguments)


def by_word(evidence: Evidence, relation: str = "word_attribution") -> dict[str, float]:
    return {str(fact.at): fact.number() for fact in evidence.all(relation)}


def brute_force(call: Model, words: list[str], sign: int = 1) -> dict[str, float]:
    """Shapley values by their definition, over texts made of the words that are kept."""
    found = {}
    for player, word in enumerate(words):
        others = [i for i in range(len(words)) if i != player]
        total = 0.0
        for size in range(len(words)):
            share = 1 / (len(words) * math.comb(len(words) - 1, size))
            for kept in itertools.combinations(others, size):
                texts = [" ".join(words[i] for i in sorted(places)) for places in ((*kept, player), kept)]
                with_it, without = call(texts)
                total += share * float(with_it - without)
        found[word] = sign * total
    return found


def test_an_additive_model_gets_its_weights_back() -> None:
    evidence = explain(bag_of_words(WEIGHTS), "A great, warm film; a dull mess.", cls="fresh")
    assert by_word(evidence) == pytest.approx({**WEIGHTS, "A": 0.0, "film": 0.0}, abs=1e-12)
    assert evidence.one("base").number() == 0.5
    assert evidence.one("explained_probability").number() == pytest.approx(0.4)
    assert [fact.rank for fact in evidence.all("word_attribution")] == [1, 2, 3, 4, 5, 6]
    assert all(fact.error is None for fact in evidence.facts)
    assert list(by_word(evidence, "word_reason")) == ["dull", "great", "mess"]
    assert evidence.one("named_share").number() == pytest.approx(0.6 / 0.7)


def test_a_sampled_additive_model_gets_its_weights_back_too() -> None:
    filler = [f"word{i}" for i in range(16)]
    evidence = explain(bag_of_words(WEIGHTS), " ".join([*WEIGHTS, *filler]), cls="fresh")
    assert "sampled" in evidence.method
    assert by_word(evidence) == pytest.approx({**WEIGHTS, **dict.fromkeys(filler, 0.0)}, abs=1e-9)


@pytest.mark.parametrize("text", ["a dull film", "great warm moving mess not dull", "film"])
def test_few_words_agree_with_brute_force(model: Model, text: str) -> None:
    assert by_word(explain(model, text, cls="fresh")) == pytest.approx(brute_force(model, text.split()), abs=1e-9)


def test_the_other_class_gets_the_opposite(model: Model) -> None:
    words = ["not", "a", "dull", "warm", "film"]
    rotten = by_word(explain(model, " ".join(words), cls="rotten"))
    assert rotten == pytest.approx(brute_force(model, words, sign=-1), abs=1e-9)


def test_sampled_words_agree_with_the_exact_ones_as_far_as_their_standard_errors_say(model: Model) -> None:
    words = [*GOOD, *BAD, "film", "plot", "cast", "the", "a", "not", "zzz"]
    exact, distances = _subset_shapley(model, words), []
    for seed in range(3):
        evidence = explain(model, " ".join(words), cls="fresh", seed=seed)
        assert "sampled" in evidence.method and len(evidence.all("word_attribution")) == 15
        for fact in evidence.all("word_attribution"):
            assert fact.error is not None
            distances.append(abs(fact.number() - exact[str(fact.at)]) / max(fact.error, 1e-12))
    assert np.mean(np.array(distances) <= 3) >= 0.95  # 15 words three times: a correct sampler misses about one in 400
    assert np.mean(np.array(distances) <= 2) >= 0.85


def _subset_shapley(call: Model, words: list[str]) -> dict[str, float]:
    """Shapley values from the model's outputs for all subsets, by sums over sizes."""
    count = len(words)
    masks = (np.arange(2**count)[:, None] >> np.arange(count)) & 1
    outputs = np.asarray(call([" ".join(np.array(words)[mask == 1]) for mask in masks]))
    size = masks.sum(axis=1)
    found = {}
    for player, word in enumerate(words):
        weights = [1 / (count * math.comb(count - 1, s)) for s in range(count)]
        without = masks[:, player] == 0
        gain = outputs[np.flatnonzero(without) + 2**player] - outputs[without]
        found[word] = float(np.sum(np.array(weights)[size[without]] * gain))
    return found


@pytest.mark.parametrize("text", ["A great film. Not dull, not a mess!", " ".join(f"w{i} dull" for i in range(40))])
@pytest.mark.parametrize("unit", ["word", "sentence"])
def test_attributions_add_up_to_the_prediction_for_the_very_text(model: Model, text: str, unit: str) -> None:
    evidence = explain(model, text, cls="fresh", unit=unit)
    values = [fact.number() for fact in (*evidence.all(f"{unit}_attribution"), *evidence.all(f"{unit}_rest"))]
    base, output = float(model([""])[0]), float(model([text])[0])
    assert base + sum(values) == pytest.approx(output, abs=1e-9)
    check = next(one for one in evidence.quality if one.check == "C2")
    assert check.passed and check.value < 1e-9


def test_a_word_that_repeats_is_one_word() -> None:
    def counts(texts: list[str]) -> Any:
        return np.array([0.5 - 0.1 * text.lower().split().count("dull") for text in texts])

    evidence = explain(counts, "Dull film dull cast", cls="fresh")
    assert by_word(evidence) == pytest.approx({"Dull": -0.2, "film": 0.0, "cast": 0.0})
    assert [caveat.flag for caveat in evidence.caveats] == ["repeated"]


def test_sentences_are_units_too() -> None:
    evidence = explain(bag_of_words(WEIGHTS), "A great “film”. It is dull!", cls="fresh", unit="sentence")
    expected = {"A great \u2018film\u2019.": 0.2, "It is dull!": -0.25}
    assert by_word(evidence, "sentence_attribution") == pytest.approx(expected)


def test_words_asked_about_are_answered_with_their_rank() -> None:
    evidence = explain(bag_of_words(WEIGHTS), "a great dull mess", cls="fresh", words=("mess", "A"))
    assert [(fact.at, fact.rank) for fact in evidence.all("asked_word")] == [("mess", 3)]
    assert [fact.at for fact in evidence.all("asked_zero")] == ["a"]
    assert not evidence.all("word_reason")


def test_a_phrase_asked_about_is_deleted_as_one() -> None:
    def negation(texts: list[str]) -> Any:
        return np.array([0.9 if "not dull" in text else 0.2 if "dull" in text else 0.5 for text in texts])

    evidence = explain(negation, "it is not dull", cls="fresh", words=("not dull",))
    assert evidence.one("asked_word").number() == pytest.approx(0.4)
    assert evidence.one("asked_word").at == "not dull"


def test_only_what_speaks_the_wanted_way_is_named() -> None:
    found = explain(bag_of_words(WEIGHTS), "great warm dull mess", cls="fresh", sign="against", k=5)
    assert list(by_word(found, "word_against")) == ["dull", "mess"]
    nothing = explain(bag_of_words(WEIGHTS), "great film", cls="fresh", sign="against")
    assert "No word of the text clearly lowers" in verbalize((nothing,), text_subject(len, []).schema).text


def test_a_model_that_gives_numbers_is_explained_in_its_unit() -> None:
    evidence = explain(bag_of_words({"great": 7.0, "dull": -3.0}, 10.0), "great dull film", regression=True)
    assert by_word(evidence) == pytest.approx({"great": 7.0, "dull": -3.0, "film": 0.0})
    assert {fact.unit for fact in evidence.all("word_attribution")} == {"output"}
    assert (evidence.one("estimate").value, evidence.one("base").value) == (14.0, 10.0)


def test_lime_agrees_in_sign_and_order_with_a_planted_model() -> None:
    evidence = explain(
        bag_of_words(WEIGHTS), "a great warm film and a dull mess of it", cls="fresh", method="lime", k=4
    )
    found = by_word(evidence)
    assert list(by_word(evidence, "word_reason")) == ["dull", "great", "mess", "warm"]
    for word, weight in WEIGHTS.items():
        assert np.sign(found[word]) == np.sign(weight)
        assert found[word] == pytest.approx(weight, abs=0.02)
    check = next(one for one in evidence.quality if one.check == "C1")
    assert check.passed and check.value > 0.95
    assert evidence.method.startswith("LIME")


def test_where_lime_does_not_fit_shapley_values_are_shown_and_it_is_said() -> None:
    def parity(texts: list[str]) -> Any:
        return np.array([0.1 + 0.8 * (len(words_of(text)) % 2) for text in texts])

    evidence = explain(parity, "one two three four five six", cls="fresh", method="lime")
    assert evidence.method.startswith("SHAP")
    assert "low_fidelity" in [caveat.flag for caveat in evidence.caveats]
    assert sum(by_word(evidence).values()) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize("method", ["shap", "lime"])
@pytest.mark.parametrize(
    ("text", "word"), [("dull", "dull"), ("👍🏽", "👍🏽"), ("רע", "רע"), ("!!", "!!"), ("  dull\n", "dull")]
)
def test_one_token_gets_the_whole_difference(method: str, text: str, word: str) -> None:
    def flags(texts: list[str]) -> Any:
        return np.array([0.3 if word in text else 0.5 for text in texts])

    assert by_word(explain(flags, text, cls="fresh", method=method)) == pytest.approx({word: -0.2})


@pytest.mark.parametrize("text", ["", " \n "])
@pytest.mark.parametrize("method", ["shap", "lime"])
def test_an_empty_text_is_refused_with_advice(text: str, method: str) -> None:
    with pytest.raises(ToolError, match="The text is empty"):
        explain(bag_of_words(WEIGHTS), text, method=method)


def test_right_to_left_words_and_emoji_are_explained() -> None:
    weights = {"רע": -0.3, "נהדר": 0.2, "😀": 0.1}
    evidence = explain(bag_of_words(weights), "סרט נהדר, 😀 אבל רע", cls="fresh")
    assert by_word(evidence) == pytest.approx({**weights, "סרט": 0.0, "אבל": 0.0})


def test_fifty_thousand_characters_are_answered_within_a_budget() -> None:
    filler = " ".join(f"word{i % 3000}" for i in range(5600))
    text = f"great {filler[: len(filler) // 2]} dull {filler[len(filler) // 2 :]}"[:50_000]
    subject = text_subject(bag_of_words(WEIGHTS), ["x"])
    view = view_of(subject, Scope(text=text))
    evidence = find_tool("explain_text")(view, cls="fresh")
    assert list(by_word(evidence, "word_reason")) == ["dull", "great"]
    assert by_word(evidence)["great"] == pytest.approx(0.2)
    assert len(evidence.all("word_attribution")) == MOST_TERMS - 1
    assert "many_terms" in [caveat.flag for caveat in evidence.caveats]
    assert view.evaluate.rows < 15_000


def test_a_word_asked_about_is_never_lost_among_the_others() -> None:
    text = " ".join(["great", *(f"word{i}" for i in range(200)), "dull"])
    evidence = explain(bag_of_words({f"word{i}": 0.002 for i in range(100)}), text, cls="fresh", words=("dull",))
    assert [fact.at for fact in evidence.all("asked_zero")] == ["dull"]


@pytest.mark.parametrize("arguments", [{}, {"method": "lime"}, {"unit": "sentence"}])
def test_the_same_seed_gives_the_same_bytes(model: Model, arguments: dict[str, str]) -> None:
    text = "A great warm moving film. The plot is not funny, not dull, a boring mess and a flat cast of it."
    first = explain(model, text, seed=3, **arguments)
    assert explain(model, text, seed=3, **arguments).canonical() == first.canonical()


def test_what_if_changes_are_made_first() -> None:
    subject = text_subject(bag_of_words(WEIGHTS), ["a great mess"])
    scope = Scope(row="0", changes=(Change(action="replace", words="mess", value="dull film"),))
    evidence = find_tool("explain_text")(view_of(subject, scope), cls="fresh")
    assert by_word(evidence) == pytest.approx({"a": 0.0, "great": 0.2, "dull": -0.25, "film": 0.0})


def test_a_word_that_is_not_there_is_refused() -> None:
    with pytest.raises(ToolError, match="no word “boring”"):
        explain(bag_of_words(WEIGHTS), "a dull film", words=("boring",))
    with pytest.raises(ToolError, match="k"):
        explain(bag_of_words(WEIGHTS), "a dull film", k=0)


def test_the_words_say_it() -> None:
    evidence = explain(bag_of_words(WEIGHTS), "a great, warm mess of a film", k=2)
    assert verbalize((evidence,), text_subject(len, []).schema).text.startswith(
        "The model predicts fresh for your text, with a probability of 65%. What moves the probability of fresh most: "
        "“great” raises it by 20 percentage points and “mess” lowers it by 15 percentage points. "
        "That accounts for 78% of the total attribution."
    )


def test_the_marked_text_is_the_text_with_the_values_at_their_places() -> None:
    text = "Great, great cast!\nBut dull …"
    found = explain(bag_of_words(WEIGHTS), text, cls="fresh")
    assert found.marked is not None
    assert "".join(piece.text for piece in found.marked.pieces) == text
    marked = [(piece.text, piece.value) for piece in found.marked.pieces if piece.value is not None]
    assert [word for word, _ in marked] == ["Great", "great", "cast", "But", "dull"]
    values = {word.lower(): value for word, value in marked}
    assert values["great"] == pytest.approx(by_word(found)["Great"])
    assert values["great"] > 0 > values["dull"]
    assert (marked[0][1], found.marked.unit) == (marked[1][1], "points")
