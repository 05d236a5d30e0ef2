"""Anchors on words: planted triggers are found, and their precision holds on texts drawn anew."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from text_subjects import text_subject, view_of, words_of

from askwhy.agent.verbalize import verbalize
from askwhy.tools.engines.text_anchors import REPLACED
from askwhy.tools.engines.text_fill import stock
from askwhy.tools.engines.text_units import split_text
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope

Model = Callable[[list[str]], Any]
CORPUS = tuple(
    f"{one} {two} and {three}"
    for one in ("a great film", "the dull plot", "my old story")
    for two in ("was warm", "sang on", "fell flat", "was great")
    for three in ("we left", "they stayed", "nobody cared")
)


def anchored(call: Model, text: str, *, regression: bool = False, seed: int = 0, **arguments: Any) -> Evidence:
    subject = text_subject(call, CORPUS, regression)
    return find_tool("anchor_text")(view_of(subject, Scope(text=text), seed), **arguments)


def held(evidence: Evidence) -> list[str]:
    return [str(fact.at) for fact in (*evidence.all("held_word"), *evidence.all("held_words"))]


def either(*needed: str) -> Model:
    """Fresh exactly where a text holds all of some words."""
    return lambda texts: np.array([0.9 if set(needed) <= words_of(text) else 0.2 for text in texts])


@pytest.mark.parametrize("needed", [("xyzzy",), ("open", "sesame")])
def test_planted_words_are_the_anchor(needed: tuple[str, ...]) -> None:
    evidence = anchored(either(*needed), "now open the box sesame said xyzzy to him")
    assert set(held(evidence)) == set(needed)
    assert evidence.one("anchor").number() == 1.0
    assert evidence.one("precision_low").number() >= 0.95
    assert next(one for one in evidence.quality if one.check == "C13").passed
    assert evidence.one("covered").value == 0 and "rare_rule" in [caveat.flag for caveat in evidence.caveats]


def test_coverage_and_agreement_are_those_of_the_data() -> None:
    call = either("great")
    evidence = anchored(call, "a great film fell flat and nobody cared")
    assert held(evidence) == ["great"]
    holders = [text for text in CORPUS if "great" in text.split()]
    assert evidence.one("covered").value == len(holders)
    assert evidence.one("coverage").number() == pytest.approx(len(holders) / len(CORPUS))
    assert evidence.one("agree").number() == pytest.approx(np.mean(np.asarray(call(holders)) > 0.5))


def test_the_precision_is_that_of_texts_drawn_by_hand() -> None:
    """Fresh needs “great” and any of two words, one of which may be replaced: the precision can be drawn."""

    def call(texts: list[str]) -> Any:
        return np.array(
            [0.9 if "great" in (one := words_of(text)) and one & {"warm", "film"} else 0.2 for text in texts]
        )

    text = "the great film was warm and old"
    evidence = anchored(call, text, most=1)
    assert not held(evidence) and [fact.at for fact in evidence.all("closest_word")] == ["great"]
    view = view_of(text_subject(call, CORPUS), Scope(text=text))
    split, rng, kept = split_text(text), np.random.default_rng(5), []
    fills = stock(view, "word").draw(split, 3000, rng)
    for draw in fills:
        stays = [unit.text == "great" or rng.random() >= REPLACED for unit in split.units]
        kept.append(call([split.filled(stays, draw)])[0] > 0.5)
    assert evidence.one("no_rule").number() == pytest.approx(np.mean(kept), abs=0.06)
    assert len(held(anchored(call, text, most=3))) == 2


def test_a_prediction_that_nothing_changes_needs_no_word() -> None:
    evidence = anchored(lambda texts: np.full(len(texts), 0.9), "a great film")
    assert evidence.one("unconditional").number() == 1.0 and not held(evidence)
    assert "No word is needed" in verbalize((evidence,), text_subject(len, []).schema).text


def test_without_a_rule_the_closest_is_named_and_it_is_no_rule() -> None:
    words = [f"w{i}" for i in range(8)]
    evidence = anchored(either(*words), " ".join(words), most=2)
    assert not held(evidence) and len(evidence.all("closest_word")) <= 2
    assert not next(one for one in evidence.quality if one.check == "C13").passed
    assert "No set of up to 2 words" in verbalize((evidence,), text_subject(len, []).schema).text


def test_numbers_are_held_within_a_band() -> None:
    def call(texts: list[str]) -> Any:
        return np.array([10.0 * ("great" in words_of(text)) + len(words_of(text)) / 100 for text in texts])

    evidence = anchored(call, "a great film of old", regression=True, within=2.0)
    assert held(evidence) == ["great"] and evidence.one("held_band").value == 2.0
    text = verbalize((evidence,), text_subject(len, [], regression=True).schema).text
    assert "As long as “great” stands there, the prediction stays within 2" in text


def test_too_few_words_to_draw_from_and_an_empty_text_are_refused() -> None:
    with pytest.raises(ToolError, match="too few to draw replacements"):
        find_tool("anchor_text")(view_of(text_subject(either("a"), ["a b"]), Scope(text="a c d")))
    with pytest.raises(ToolError, match="The text is empty"):
        anchored(either("a"), " ")


def test_the_same_seed_gives_the_same_bytes_for_any_script() -> None:
    text = "סרט נהדר 😀 xyzzy"
    assert held(anchored(either("xyzzy"), text)) == ["xyzzy"]
    assert anchored(either("xyzzy"), text, seed=3).canonical() == anchored(either("xyzzy"), text, seed=3).canonical()
