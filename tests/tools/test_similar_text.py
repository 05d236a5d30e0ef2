"""Similar texts, the training texts behind a prediction, and made-up texts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import toy_subjects
from text_subjects import bag_of_words, text_subject, view_of

from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject

TEXTS = ["a warm great film", "a warm dull film", "the plot drags", "great", "dull plot", "the cast is great", ""]


@pytest.fixture
def planted() -> Subject:
    return text_subject(bag_of_words({"great": 0.2, "dull": -0.2}), TEXTS)


def run(subject: Subject, name: str, scope: Scope, seed: int = 0, **arguments: Any) -> Evidence:
    return find_tool(name)(view_of(subject, scope, seed), **arguments)


def test_likeness_is_the_cosine_of_tfidf_vectors(planted: Subject) -> None:
    from sklearn.feature_extraction.text import TfidfVectorizer

    evidence = run(planted, "similar_text", Scope(row="0"), k=5)
    fitted = TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True).fit([*TEXTS, TEXTS[0]])
    cells = fitted.transform(TEXTS).toarray()
    for fact in evidence.all("similar"):
        assert fact.number() == pytest.approx(cells[0] @ cells[int(fact.row or "")], abs=1e-9)
    assert evidence.one("similar").row == "1"
    assert {str(fact.value) for fact in evidence.all("shared_word")} == {"a", "warm", "film"}


def test_the_other_outcome_and_nothing_alike(planted: Subject) -> None:
    other = run(planted, "similar_text", Scope(row="0"), outcome="other")
    assert [fact.row for fact in other.all("other_outcome")] == ["1"]
    assert other.one("neighbour_class").value == "rotten"
    assert run(planted, "similar_text", Scope(text="xyzzy")).one("none_alike").value == 6
    with pytest.raises(ToolError, match="empty"):
        run(planted, "similar_text", Scope(row="6"))


def test_the_terms_of_a_linear_model_add_up_to_its_log_odds() -> None:
    subject = toy_subjects.text()
    evidence = run(subject, "influence_text", Scope(row="3"), k=5)
    assert evidence.quality[0].check == "C2" and evidence.quality[0].value < 0.01
    assert evidence.all("pull_up") and evidence.all("pull_down")
    assert subject.target is not None
    up = [subject.position(fact.row or "") for fact in evidence.all("pull_up")]
    explained = evidence.one("explained").cls
    assert {str(subject.target.iloc[place]) for place in up} == {explained}
    assert evidence.one("listed_share").number() <= 1.0


def test_influence_needs_the_truth(planted: Subject) -> None:
    with pytest.raises(ToolError, match="true values"):
        run(planted, "influence_text", Scope(row="0"))


def test_made_up_texts_are_new_and_scored_as_they_stand(planted: Subject) -> None:
    evidence = run(planted, "augment", Scope(), k=4)
    assert len(evidence.all("made_up")) == 4
    for fact in evidence.all("made_up"):
        assert str(fact.at) not in TEXTS
        chance = float(planted.predictor.call([str(fact.at)])[0])
        assert fact.number() == pytest.approx(max(chance, 1 - chance))
    assert any(caveat.flag == "made_up" for caveat in evidence.caveats)


def test_made_up_texts_have_the_wanted_prediction(planted: Subject) -> None:
    fresh = run(planted, "augment", Scope(row="4"), cls="fresh", k=2)
    assert all(fact.cls == "fresh" for fact in fresh.all("made_up"))
    assert fresh.one("fitting").number() >= len(fresh.all("made_up")) > 0
    flat = text_subject(lambda texts: np.full(len(texts), 0.1), TEXTS)
    assert run(flat, "augment", Scope(), cls="fresh").one("unreached").value == "fresh"
    with pytest.raises(ToolError, match="no words"):
        run(planted, "augment", Scope(text=" "))


def test_trust_counts_the_errors_on_texts_like_it() -> None:
    import dataclasses

    import pandas as pd

    rows = [f"{'dull' if i % 2 else 'great'} film {i}" for i in range(60)]
    subject = text_subject(bag_of_words({"great": 0.3, "dull": -0.3}), rows)
    truth = ["fresh"] * 60  # wrong about every dull one
    subject = dataclasses.replace(subject, target=pd.Series(truth, index=subject.data.index))
    evidence = run(subject, "trust_text", Scope(text="dull xyzzy"))
    # All that share a word with it are the thirty dull ones.
    assert evidence.one("near_all").value == 30 == evidence.one("near_wrong").value
    assert evidence.one("overall_error").value == pytest.approx(0.5)
    assert evidence.one("unknown").value == 1 and evidence.one("margin").value == pytest.approx(0.6)
    assert run(subject, "trust_text", Scope(text="😀")).all("near_error") == ()


def test_a_network_is_asked_less_and_lends_its_own_vectors() -> None:
    import dataclasses

    from tiny_networks import TEXTS as FILMS
    from tiny_networks import tiny_module, tiny_tokenizer

    from askwhy.tools.engines.text_network import TextNetwork

    network = TextNetwork(tiny_module(), tiny_tokenizer(), ("rotten", "fresh"))
    subject = text_subject(network.outputs, FILMS)
    subject = dataclasses.replace(subject, predictor=dataclasses.replace(subject.predictor, behind=network))
    evidence = run(subject, "similar_text", Scope(row="0"), k=1)
    vectors = network.embed(FILMS[1:]) - network.embed(FILMS[1:]).mean(axis=0)
    own = network.embed(FILMS[:1])[0] - network.embed(FILMS[1:]).mean(axis=0)
    cosines = vectors @ own / np.linalg.norm(vectors, axis=1) / np.linalg.norm(own)
    assert evidence.one("similar").number() == pytest.approx(cosines.max(), abs=1e-4)
    assert evidence.one("similar").row == str(1 + int(cosines.argmax())) and "network" in evidence.method
    flipped = run(subject, "counterfactual_text", Scope(row="0"), k=2)
    for row in flipped.table.rows[1:] if flipped.table else ():
        chance = network.outputs([str(row[4])])[0]
        assert chance.argmax() != network.outputs([FILMS[0]])[0].argmax()
