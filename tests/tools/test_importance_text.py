"""Which words matter over many texts: equal to deleting them by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from text_subjects import bag_of_words, pipeline, text_subject, view_of
from tiny_networks import tiny_module, tiny_tokenizer

from askwhy.agent.plan import Plan, Step
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.engines.text_corpus import MOST_TEXTS
from askwhy.tools.engines.text_network import TextNetwork
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Condition, Scope, Where, arguments_of
from askwhy.tools.subject import Subject

WEIGHTS = {"great": 0.2, "warm": 0.1, "dull": -0.25, "mess": -0.15}
FILLER = ["film", "plot", "cast", "the", "of", "it"]


def texts(count: int = 80, seed: int = 0) -> list[str]:
    rng = np.random.default_rng(seed)
    return [
        " ".join([*rng.choice(list(WEIGHTS), 1 + i % 2, replace=False), *rng.choice(FILLER, 3, replace=False)])
        for i in range(count)
    ]


@pytest.fixture
def planted() -> Subject:
    return text_subject(bag_of_words(WEIGHTS), texts())


def importance(subject: Subject, scope: Scope | None = None, seed: int = 0, **arguments: Any) -> Evidence:
    return find_tool("importance_text")(view_of(subject, scope or Scope(), seed), **arguments)


def by_word(evidence: Evidence, relation: str = "word_importance") -> dict[str, float]:
    return {str(fact.at): fact.number() for fact in evidence.all(relation)}


def test_an_additive_model_gets_its_weights_back(planted: Subject) -> None:
    evidence = importance(planted, cls="fresh")
    assert by_word(evidence) == pytest.approx({**WEIGHTS, **dict.fromkeys(FILLER, 0.0)}, abs=1e-12)
    assert all(fact.error == pytest.approx(0.0, abs=1e-12) for fact in evidence.all("word_importance"))
    assert list(by_word(evidence, "top_word")) == ["dull", "great", "mess", "warm"]
    assert [fact.rank for fact in evidence.all("top_word")] == [1, 2, 3, 4]


def test_means_and_errors_are_those_of_deleting_by_hand() -> None:
    rows = texts(50)
    call = pipeline(rows, ["fresh" if {"great", "warm"} & set(row.split()) else "rotten" for row in rows])
    evidence = importance(text_subject(call, rows), cls="fresh", k=4)
    for fact in evidence.all("word_importance"):
        holding = [row for row in rows if fact.at in row.split()]
        shorter = [" ".join(word for word in row.split() if word != fact.at) for row in holding]
        effects = call(holding) - call(shorter)
        assert fact.number() == pytest.approx(effects.mean(), abs=1e-12)
        assert fact.error == pytest.approx(effects.std(ddof=1) / np.sqrt(len(effects)), abs=1e-12)
    assert len(evidence.all("word_importance")) == 10


def test_the_sign_chooses_the_words(planted: Subject) -> None:
    assert list(by_word(importance(planted, cls="fresh", sign="for"), "top_for")) == ["great", "warm"]
    assert list(by_word(importance(planted, cls="rotten", sign="for"), "top_for")) == ["dull", "mess"]
    assert list(by_word(importance(planted, cls="fresh", sign="against", k=1), "top_against")) == ["dull"]


def test_a_rare_word_is_not_ranked_but_answered_when_asked_about() -> None:
    rows = [*texts(), "a sublime film"]
    subject = text_subject(bag_of_words({**WEIGHTS, "sublime": 0.4}), rows)
    assert "sublime" not in by_word(importance(subject, cls="fresh"))
    asked = importance(subject, cls="fresh", words=("Sublime", "film", "warm"))
    assert by_word(asked, "asked_word") == pytest.approx({"sublime": 0.4, "warm": 0.1})
    assert by_word(asked, "asked_zero") == {"film": 0.0}


def test_the_scope_selects_the_texts(planted: Subject) -> None:
    scope = Scope(where=Where.of(Condition(feature="review", op="contains", value="dull")))
    evidence = importance(planted, scope, cls="fresh")
    assert evidence.one("total").value == sum("dull" in text for text in texts())
    assert evidence.one("top_word").at == "dull"


def test_few_texts_are_said_to_be_few() -> None:
    evidence = importance(text_subject(bag_of_words(WEIGHTS), ["a great film", "a dull film"]), cls="fresh")
    assert [caveat.flag for caveat in evidence.caveats if caveat.flag == "few_texts"] == []
    alone = importance(text_subject(bag_of_words(WEIGHTS), ["a great film"]), cls="fresh")
    assert by_word(alone, "top_word") == pytest.approx({"great": 0.2})
    assert "few_texts" in [caveat.flag for caveat in alone.caveats]


def test_many_texts_are_sampled_and_it_is_said() -> None:
    rows = texts(MOST_TEXTS + 500)
    subject = text_subject(bag_of_words(WEIGHTS), rows)
    evidence = importance(subject, cls="fresh")
    assert evidence.one("sampled_texts").value == MOST_TEXTS
    assert by_word(evidence, "top_word") == pytest.approx(WEIGHTS)
    assert "drawn at random" in verbalize((evidence,), subject.schema).text


def test_a_model_that_gives_numbers_is_answered_in_its_unit() -> None:
    subject = text_subject(bag_of_words({"great": 7.0, "dull": -3.0}, 10.0), texts(), regression=True)
    evidence = importance(subject, k=2)
    assert by_word(evidence, "top_word_output") == pytest.approx({"great": 7.0, "dull": -3.0})


def test_a_model_that_reads_nothing_has_no_important_word() -> None:
    subject = text_subject(bag_of_words({}), texts())
    evidence = importance(subject, cls="fresh")
    assert not evidence.all("top_word")
    assert "No word clearly moves the probability of fresh" in verbalize((evidence,), subject.schema).text


def test_what_cannot_be_answered_is_refused(planted: Subject) -> None:
    with pytest.raises(UnknownName, match="“dul”. The nearest: dull"):
        importance(planted, words=("dul",))
    with pytest.raises(ToolError, match="hold no words"):
        importance(text_subject(bag_of_words(WEIGHTS), ["", "  "]))


def test_the_same_seed_gives_the_same_bytes() -> None:
    subject = text_subject(bag_of_words(WEIGHTS), texts(MOST_TEXTS + 100))
    assert importance(subject, seed=4).canonical() == importance(subject, seed=4).canonical()


def test_the_words_say_it(planted: Subject) -> None:
    evidence = importance(planted, cls="fresh", k=2)
    assert verbalize((evidence,), planted.schema).text.startswith(
        "What moves the probability of fresh most where it stands, on average: "
        "“dull” lowers it by 25 percentage points and “great” raises it by 20 percentage points."
    )


def test_a_slow_network_is_asked_about_far_fewer_texts() -> None:
    rows = texts(400)
    network = TextNetwork(tiny_module(), tiny_tokenizer(), ("rotten", "fresh"))
    quick, slow = (text_subject(bag_of_words(WEIGHTS), rows, behind=behind) for behind in (None, network))
    views = [view_of(subject, Scope(), 0) for subject in (quick, slow)]
    found = [find_tool("importance_text")(view, cls="fresh") for view in views]
    assert [list(by_word(one, "top_word")) for one in found] == [["dull", "great", "mess", "warm"]] * 2
    assert by_word(found[1])["dull"] == pytest.approx(WEIGHTS["dull"], abs=1e-12)
    asked = [view.evaluate.asked for view in views]
    assert asked[1] < 0.8 * asked[0]


def test_words_that_are_clear_are_not_called_the_most_where_a_larger_one_may_be_chance() -> None:
    holding = ["flaky cast", "flaky plot"] * 4
    flaky = {"flaky cast": 0.55, "flaky plot": -0.09}
    plain = bag_of_words(WEIGHTS, 0.42)
    call = lambda given: plain(given) + np.array([flaky.get(text, 0.0) for text in given])  # noqa: E731
    subject = text_subject(call, [*texts(), *holding])
    asked: dict[str, Any] = {"cls": "fresh", "sign": "for", "k": 2}
    evidence = importance(subject, **asked)
    assert by_word(evidence, "clear_for") == pytest.approx({"great": 0.2, "warm": 0.1})
    assert not evidence.all("top_for")
    draft = verbalize((evidence,), subject.schema)
    assert draft.text.startswith("What clearly raises the probability of fresh where it stands, on average: “great”")
    assert "Larger on average, but in too few reviews to be told from chance: “flaky”" in draft.text
    plan = Plan(steps=(Step(tool="importance_text", arguments=arguments_of(asked)),))
    assert verify(draft, (evidence,), plan, subject.schema) == ()
