"""Twins of text models: as trained and asked by hand; the model itself is never touched."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from text_subjects import bag_of_words, text_subject, view_of
from tiny_networks import tiny_module, tiny_tokenizer

from askwhy.tools.engines import text_twins
from askwhy.tools.engines.text_network import TextNetwork
from askwhy.tools.engines.text_twins import of_corpus, of_text, raise_text_twins
from askwhy.tools.engines.twins import rank_correlations
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject

GOOD, BAD, FILLER = ["great", "warm"], ["dull", "mess"], ["film", "plot", "cast", "the", "of", "it"]


def corpus(count: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    kinds = ["fresh" if i % 2 else "rotten" for i in range(count)]
    texts = [
        " ".join([str(rng.choice(GOOD if kind == "fresh" else BAD)), *rng.choice(FILLER, 4, replace=False)])
        for kind in kinds
    ]
    return pd.DataFrame({"review": texts, "verdict": kinds})


@pytest.fixture(scope="module")
def learned() -> Subject:
    frame = corpus()
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(frame["review"], frame["verdict"])
    return Subject.of(model, frame, "verdict")


def asked(subject: Subject, scope: Scope, **arguments: Any) -> Evidence:
    return find_tool("null_control_text")(view_of(subject, scope), **arguments)


def test_twins_are_those_trained_by_hand(learned: Subject) -> None:
    view = view_of(learned, Scope(row="1"))
    text = str(view.rows.iloc[0, 0])
    twins = raise_text_twins(view, of_text(text), 0)
    assert twins is not None and twins.kind == "shuffled" and not twins.thinned
    words, rng = text.split(), view.rng
    estimator = learned.predictor.call.function.__self__  # type: ignore[attr-defined]
    known = learned.data[~learned.held_out]
    truth = learned.target[~learned.held_out].to_numpy()  # type: ignore[index]
    positions = np.searchsorted(estimator.classes_, truth)
    vectors = estimator[0]
    for effects in twins.effects[:3]:
        twin = clone(estimator[1]).fit(
            vectors.transform(known["review"]), estimator.classes_[rng.permutation(positions)]
        )
        shorter = [" ".join(words[:i] + words[i + 1 :]) for i in range(len(words))]
        outputs = twin.predict_proba(vectors.transform([text, *shorter]))[:, 0]
        assert effects == pytest.approx(outputs[0] - outputs[1:], abs=1e-9)


def test_the_words_that_decide_are_beyond_twins_and_the_order_is_another(learned: Subject) -> None:
    evidence = asked(learned, Scope(row="1"))
    text = str(learned.data.iloc[1, 0])
    assert evidence.one("compared").value == len(text.split())
    assert {str(fact.at) for fact in evidence.all("beyond")} & set(GOOD + BAD)
    assert evidence.all("unlike_here") and evidence.quality[0].passed
    assert evidence.one("twins_shuffled").value == text_twins.SHUFFLED_TWINS


def test_over_many_texts_widespread_words_are_compared(learned: Subject) -> None:
    questions = of_corpus(view_of(learned, Scope()))
    assert set(questions.words) == {*GOOD, *BAD, *FILLER}
    evidence = asked(learned, Scope())
    assert {str(fact.at) for fact in evidence.all("beyond")} >= {"great", "dull"}
    assert evidence.one("words_tried").value == len(questions.words)


def test_a_model_that_learnt_nothing_looks_like_its_twins() -> None:
    frame = corpus().assign(verdict=np.random.default_rng(3).permutation(corpus()["verdict"]))
    model = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(frame["review"], frame["verdict"])
    evidence = asked(Subject.of(model, frame, "verdict"), Scope())
    assert evidence.one("none_beyond").value == len({*GOOD, *BAD, *FILLER})


def test_a_network_is_reset_in_a_copy() -> None:
    module = tiny_module()
    network = TextNetwork(module, tiny_tokenizer(), labels=("rotten", "fresh"), max_tokens=64)
    before = {name: value.clone() for name, value in module.state_dict().items()}
    subject = text_subject(network.outputs, list(corpus()["review"][:20]), behind=network)
    view = view_of(subject, Scope(row="1"))
    twins = raise_text_twins(view, of_text(str(view.rows.iloc[0, 0])), 0)
    assert twins is not None and twins.kind == "reset"
    assert len(np.unique(twins.effects.round(12), axis=0)) == text_twins.RESET_TWINS
    assert all((module.state_dict()[name] == value).all() for name, value in before.items())
    evidence = asked(subject, Scope(row="1"))
    assert not evidence.all("beyond") and not evidence.all("none_beyond")
    mean = np.mean(
        rank_correlations(text_twins.own_effects(view, of_text(str(view.rows.iloc[0, 0])), 1), twins.effects)
    )
    assert abs(evidence.facts[2].number()) == pytest.approx(abs(mean), abs=1e-9)


def test_predictions_alone_have_no_twins() -> None:
    subject = text_subject(bag_of_words({"great": 0.2}), list(corpus()["review"]))
    evidence = asked(subject, Scope())
    assert evidence.one("no_twins").value == 0 and [one.flag for one in evidence.caveats] == ["not_refittable"]
    with pytest.raises(ToolError, match="too few words"):
        asked(subject, Scope(text="great"))
