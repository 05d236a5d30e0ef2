"""Keywords and kinds of texts: equal to counting by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from text_subjects import bag_of_words, text_subject, view_of

from askwhy.tools.engines.text_keywords import distinctive_words, log_odds_scores
from askwhy.tools.engines.text_patterns import Pattern, describe, read
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Condition, Scope, Where
from askwhy.tools.subject import Subject

FILLER = ["film", "plot", "cast", "scene", "score", "end"]


def texts(count: int = 400, seed: int = 0) -> list[str]:
    """Texts of which a third hold "great", a third "dull", and half an exclamation mark."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(count):
        words = [*rng.choice(FILLER, 4), *[["great"], ["dull"], []][i % 3]]
        found.append(" ".join(rng.permutation(words)) + ("!" if rng.random() < 0.5 else ""))
    return found


@pytest.fixture
def planted() -> Subject:
    return text_subject(bag_of_words({"great": 0.3, "dull": -0.3}, start=0.45), texts())


def run(subject: Subject, name: str, scope: Scope | None = None, **arguments: Any) -> Evidence:
    return find_tool(name)(view_of(subject, scope or Scope()), **arguments)


def test_scores_are_those_of_the_paper() -> None:
    inside, outside = np.array([30.0, 10.0, 60.0]), np.array([5.0, 15.0, 180.0])
    prior = inside + outside
    for i, score in enumerate(log_odds_scores(inside, outside)):
        a, b = inside[i] + prior[i], outside[i] + prior[i]
        odds = math.log(a / (100 + 300 - a)) - math.log(b / (200 + 300 - b))
        assert score == pytest.approx(odds / math.sqrt(1 / a + 1 / b))


def test_the_planted_word_is_the_keyword(planted: Subject) -> None:
    evidence = run(planted, "keywords", cls="fresh")
    assert [fact.at for fact in evidence.all("keyword_predicted")] == ["great"]
    assert evidence.one("keyword_predicted").value == sum("great" in text for text in texts())
    assert evidence.all("other_keyword")[0].at == "dull" and evidence.quality[0].passed
    chosen = run(planted, "keywords", Scope(where=Where.of(Condition(feature="review", op="contains", value="dull"))))
    assert chosen.one("keyword").at == "dull" and chosen.one("inside").value == sum("dull" in one for one in texts())


def test_words_at_random_are_no_keywords() -> None:
    rng = np.random.default_rng(1)
    named = 0
    for _ in range(40):
        sides = [[" ".join(rng.choice(FILLER, 5)) for _ in range(60)] for _ in range(2)]
        named += any(one.p <= 0.05 for one in distinctive_words(*sides))
    assert named <= 6


def test_precision_recall_and_effects_are_counted_on_unseen_texts(planted: Subject) -> None:
    evidence = run(planted, "describe_class", cls="fresh")
    assert evidence.one("pattern").group == "the word “great”"
    assert evidence.one("precision").value == 1.0 and evidence.one("recall").value == 1.0
    assert evidence.one("taken_out").value == pytest.approx(-0.3)
    moved = evidence.one("put_in")  # added to texts without it: all of them rise by 0.3
    assert moved.value == pytest.approx(0.3) and moved.error == pytest.approx(0.0, abs=1e-12)


def test_nearly_all_takes_a_lower_bound_of_95_per_cent() -> None:
    many = run(text_subject(bag_of_words({"great": 0.3}, start=0.4), texts(900)), "describe_class", cls="fresh", k=1)
    assert many.one("precision_low").number() >= 0.95 and many.one("nearly_all").value == 1.0
    few = run(text_subject(bag_of_words({"great": 0.3}, start=0.4), texts(120)), "describe_class", cls="fresh", k=1)
    assert few.one("precision_low").number() < 0.95 and not few.all("nearly_all")


def test_what_merely_goes_along_with_the_output_makes_no_difference() -> None:
    # The model reads the first word of each text only, a number of its own; "fun" goes along with it.
    rows = [f"{i} {'fun' if i % 3 == 0 else 'film'} {text.strip('!')}" for i, text in enumerate(texts())]

    def call(asked: list[str]) -> np.ndarray[Any, Any]:
        return np.array([0.9 if int(one.split()[0]) % 3 == 0 else 0.1 for one in asked])

    evidence = run(text_subject(call, rows), "describe_class", cls="fresh", k=1)
    assert evidence.one("pattern").value in ("fun", "great")  # "great" stands in the same texts
    assert evidence.one("precision").value == 1.0
    assert evidence.one("no_effect").group == evidence.one("pattern").group
    assert evidence.one("put_in").value == 0.0 == evidence.one("taken_out").value


def test_a_pattern_is_taken_out_of_the_text() -> None:
    assert Pattern("word", "fun", "").taken_out("It is fun, really fun.") == "It is really"
    assert Pattern("sign", "!", "").taken_out("Fun! Really!") == "Fun Really"
    assert Pattern("long", "3", "").taken_out("one two three four") == "one two"
    assert Pattern("short", "3", "").taken_out("one two") is None
    assert Pattern("phrase", "really fun", "").holds([read("Really fun"), read("really not fun")]).tolist() == [
        True,
        False,
    ]


def test_a_length_shortcut_and_a_sign_are_found() -> None:
    rng = np.random.default_rng(0)
    rows = [" ".join(rng.choice(FILLER, int(rng.integers(2, 14)))) for _ in range(400)]
    long = text_subject(lambda asked: np.array([0.9 if len(one.split()) >= 8 else 0.1 for one in asked]), rows)
    evidence = run(long, "describe_class", cls="fresh", k=1)
    assert str(evidence.one("pattern").group).startswith("at least ")
    assert evidence.one("taken_out").value < -0.3
    loud = text_subject(lambda asked: np.array([0.9 if "!" in one else 0.1 for one in asked]), texts())
    evidence = run(loud, "describe_class", cls="fresh")
    assert evidence.one("pattern").group == "an exclamation mark"
    assert evidence.one("put_in").value == pytest.approx(0.8) == -evidence.one("taken_out").value


def test_patterns_at_random_are_rarely_named() -> None:
    named = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        named += bool(describe(texts(120, seed), rng.random(120) < 0.5, 3, rng).patterns)
    assert named <= 5


def test_too_few_texts_and_no_contrast_are_refused(planted: Subject) -> None:
    with pytest.raises(ToolError, match="at least"):
        run(planted, "describe_class", Scope(row="0"))
    same = text_subject(bag_of_words({}, start=0.9), texts(60))
    with pytest.raises(ToolError, match="no contrast"):
        run(same, "describe_class")
    with pytest.raises(ToolError, match="nothing to compare"):
        run(same, "keywords")


def test_the_texts_it_fails_on_are_described() -> None:
    import dataclasses

    import pandas as pd

    rows = texts(600)
    subject = text_subject(lambda asked: np.array([0.9 if "great" in one else 0.1 for one in asked]), rows)
    # The truth is what the model says, but for every text with "dull", which is fresh in truth.
    truth = ["fresh" if "great" in row or "dull" in row else "rotten" for row in rows]
    subject = dataclasses.replace(subject, target=pd.Series(truth, index=subject.data.index))
    evidence = run(subject, "failure_texts")
    assert evidence.one("slice_rate").group == "the word “dull”" and evidence.one("slice_rate").value == 1.0
    assert evidence.one("rest_rate").value == 0.0 and evidence.one("gap_low").number() > 0.9
    assert evidence.one("overall").value == pytest.approx(sum("dull" in row for row in rows) / 600)
    random = dataclasses.replace(
        subject, target=pd.Series(np.random.default_rng(0).permutation(truth), index=subject.data.index)
    )
    assert run(random, "failure_texts").one("none_of_tested").number() > 0
    with pytest.raises(ToolError, match="true values"):
        run(dataclasses.replace(subject, target=None), "failure_texts")
