"""Whether a text model uses a concept: decisions on planted models, edits against direct computation, the words."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from text_subjects import bag_of_words, text_subject, view_of
from tiny_networks import tiny_module, tiny_tokenizer

from askwhy.agent.plan import Plan, Step
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.engines.betting import Outcome
from askwhy.tools.engines.concept_bets import association, use
from askwhy.tools.engines.text_concept_bets import TextPopulation, WordSpace, marks_of, rest_of
from askwhy.tools.engines.text_concept_network import gradients, tcav
from askwhy.tools.engines.text_concepts import WordConcept, find_entry, library, named_concept, own_words
from askwhy.tools.engines.text_network import TextNetwork
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Condition, Scope, Where
from askwhy.tools.subject import Subject

FILLERS = [f"w{letter}" for letter in "abcdefghijklmnopqrst"]


def corpus(count: int = 160, seed: int = 0, linked: bool = False) -> list[str]:
    """Texts of eight words, lower-case; a third say "please". linked: those nearly always say "kind" as well."""
    rng = np.random.default_rng(seed)
    texts = []
    for _ in range(count):
        polite = rng.random() < 0.35
        words = list(rng.choice(FILLERS, 8))
        if rng.random() < ((0.85 if polite else 0.15) if linked else 0.5):
            words[0] = "kind"
        if polite:
            words[1] = "please"
        texts.append(" ".join(rng.permutation(words)))
    return texts


def planted(weights: dict[str, float], texts: Sequence[str] | None = None) -> Subject:
    """Fillers have small weights, so that the output differs from text to text."""
    rng = np.random.default_rng(9)
    faint = {word: float(weight) for word, weight in zip(FILLERS, rng.normal(0, 0.02, len(FILLERS)), strict=True)}
    return text_subject(bag_of_words({**faint, **weights}), texts or corpus())


def concept(subject: Subject, scope: Scope | None = None, **arguments: Any) -> Evidence:
    return find_tool("concept_test_text")(view_of(subject, scope or Scope()), **arguments)


def roles(evidence: Evidence) -> set[str]:
    return {fact.relation for fact in evidence.facts}


def test_a_concept_that_the_model_reads_is_used_and_edits_move_the_output_by_its_weight() -> None:
    found = concept(planted({"please": 0.2}), concept="politeness")
    assert {"associated", "used", "verdict_used"} <= roles(found)
    # "please" is the only polite word of the corpus, so an edit changes the output by exactly its weight.
    sign = 1 if found.one("into").cls == "fresh" else -1
    assert found.one("into").number() == pytest.approx(0.2 * sign)
    assert found.one("out").number() == pytest.approx(-0.2 * sign)
    assert found.one("random_as_much").number() == 0


def test_a_concept_that_only_goes_together_with_what_the_model_reads_is_associated_but_not_used() -> None:
    found = concept(planted({"kind": 0.3}, corpus(linked=True)), words=("please",))
    assert {"associated", "ignored", "verdict_unused", "into_still", "out_still"} <= roles(found)
    assert not found.all("used")


def test_a_concept_used_only_in_a_subgroup_is_found() -> None:
    def gated(texts: list[str]) -> Any:
        return np.array([0.5 + 0.3 * ("please" in text) * ("kind" in text) for text in texts])

    found = concept(text_subject(gated, corpus()), words=("please",))
    assert "used" in roles(found)
    inside = found.one("into").number()
    assert 0.3 * 0.3 < abs(inside) < 0.3 * 0.7  # about half of the texts say "kind"


def test_an_absent_concept_is_refused_and_so_are_too_few_texts_and_unknown_names() -> None:
    subject = planted({"please": 0.2})
    with pytest.raises(ToolError, match="at least 20"):
        concept(subject, words=("nowhere to be seen",))
    few = ["please wa wb"] * 19 + ["wc wd we"] * 60
    with pytest.raises(ToolError, match="19 have it"):
        concept(planted({}, few), words=("please",))
    with pytest.raises(UnknownName, match="politeness"):
        concept(subject, concept="politness and more")
    with pytest.raises(ToolError, match="Say which concept"):
        concept(subject)
    with pytest.raises(ToolError, match="no layers"):
        concept(subject, words=("please",), layer=1)


def test_selected_texts_are_the_concept_where_none_is_named() -> None:
    subject = planted({"please": 0.2})
    where = Where.of(Condition(feature="review", op="contains", value="please"))
    chosen, given = concept(subject, Scope(where=where)), concept(subject, words=("please",))
    assert chosen.one("selected").number() == given.one("inside").number() == sum("please" in one for one in corpus())
    assert chosen.one("into").number() == given.one("into").number()
    with pytest.raises(ToolError, match="chosen by words"):
        concept(subject, Scope(where=Where.of(Condition(on="predicted", value="fresh"))))


def test_one_text_with_the_concept_one_without_and_a_model_that_ignores_it() -> None:
    texts = corpus()
    polite, plain = (next(str(i) for i, one in enumerate(texts) if ("please" in one) == has) for has in (True, False))
    subject = planted({"please": 0.4})
    having = concept(subject, Scope(row=polite), concept="politeness")
    assert {"present", "standing", "local"} <= roles(having)
    told = having.one("local_kept") if having.all("local_kept") else having.one("local_effect")
    assert abs(told.number()) == pytest.approx(0.4)
    lacking = concept(subject, Scope(row=plain), concept="politeness")
    assert "absent" in roles(lacking) and not lacking.all("local")
    assert "local_same" in roles(concept(planted({}), Scope(row=polite), words=("please",)))


def test_length_and_signs_are_concepts_too() -> None:
    long = text_subject(lambda texts: np.array([min(1.0, len(one.split()) / 40) for one in texts]), _lengths())
    found = concept(long, concept="length")
    assert {"associated", "used", "verdict_used"} <= roles(found) and not found.all("out")
    assert "only_added" in {one.flag for one in found.caveats}
    with pytest.raises(ToolError, match="said twice"):
        concept(long, Scope(row="1"), concept="length")
    # Saying a text twice adds no word that it did not hold.
    assert "into_only_still" in roles(concept(planted({"wa": 0.3}, _lengths()), concept="length"))
    assert "verdict_unused" in roles(concept(planted({"wa": 0.3}, _lengths()), concept="punctuation"))


def _lengths() -> list[str]:
    rng = np.random.default_rng(3)
    return [
        " ".join(rng.choice(FILLERS, rng.integers(4, 20))) + ("!" if rng.random() < 0.4 else "") for _ in range(120)
    ]


def _runs(test: Callable[[int], Outcome], count: int) -> int:
    return sum(test(seed).rejected for seed in range(count))


def test_false_alarms_stay_within_what_the_level_allows() -> None:
    from scipy.stats import binom

    runs, alpha = 60, 0.05
    most = int(binom.ppf(0.99, runs, alpha))
    outputs = [np.random.default_rng((1, seed)).random((80, 1)) for seed in range(runs)]

    def marginal(seed: int) -> Outcome:
        rng = np.random.default_rng((2, seed))
        return association(outputs[seed], rng.random(80) < 0.4, alpha, rng)

    view = view_of(planted({"please": 0.2}), Scope())
    texts = corpus(80)
    people = TextPopulation.of(view, texts, view.outputs[:80], None)
    about = own_words(["please"])
    rest = rest_of(people, about, 5, WordSpace(view))

    def conditional(seed: int) -> Outcome:
        # What the output has beyond the rest is really there, but marks drawn at random have nothing to do with it.
        rng = np.random.default_rng((3, seed))
        marks = rng.permutation(marks_of(about, texts))
        return use(rest, rest.surprise(marks, marks), alpha, rng)

    assert _runs(marginal, runs) <= most and _runs(conditional, runs) <= most
    marks = marks_of(about, texts)
    assert use(rest, rest.surprise(marks, marks), alpha, view.rng).rejected


def test_what_the_rest_leaves_open_is_the_output_less_its_mean_over_redrawn_words() -> None:
    view = view_of(planted({"please": 0.2}), Scope())
    texts = corpus(60)
    people = TextPopulation.of(view, texts, view.outputs[:60], None)
    rest = rest_of(people, own_words(["please"]), 4, WordSpace(view))
    polite = np.array(["please" in text for text in texts], dtype=float)
    assert rest.places.shape == (60, 4) and not (rest.places == np.arange(60)[:, None]).any()
    expected = 0.2 * (polite - polite[rest.places].mean(axis=1))
    assert np.abs(rest.values).max(axis=1) == pytest.approx(np.abs(expected))


def test_words_are_put_in_taken_out_and_exchanged() -> None:
    about = WordConcept("c", ("please", "thank you", "n't"))
    assert about.taken_out("Please, do n't go, thank  you !") == ", do go,!"
    assert about.taken_out("pleased to go") == "pleased to go" and not about.present("pleased")
    assert about.present("I don't") and about.taken_out("I don’t") == "I do"
    assert about.put_in("go home", "Thank you so much", 1.0) == "go home thank you"
    assert about.put_in("go home now", "please", 0.0) == "go please home now"
    assert about.put_in("please go please", "thank you", 0.5) == "thank you go"
    assert about.put_in("go please", "no", 0.5) == "go"
    assert about.replaced("please go, thank you", {"please": "xx", "thank you": "yy zz"}) == "xx go, yy zz"


def test_every_concept_of_the_library_can_be_found_and_edited() -> None:
    sample = ["He said “10 of 12 John films” are NOT good, please!", "a b c d e f g h i j k", "short one?"] * 3
    assert len(library()) >= 20 and len({one.name for one in library()}) == len(library())
    for one in library():
        about = find_entry(one.aliases[0] if one.aliases else one.name).concept(sample)
        for text in sample:
            assert not about.present(about.taken_out(text)) or one.shape == "length", one.name
            if not about.present(text):
                assert about.taken_out(text) == text
    assert named_concept("sun, moon", (), sample).called == "the words “sun”, “moon”"


def test_a_networks_direction_is_told_from_random_ones() -> None:
    network = TextNetwork(tiny_module(), tiny_tokenizer(), ("rotten", "fresh"))
    rng = np.random.default_rng(0)
    others = ["a", "film", "the", "and", "of", "was", "it", "very"]
    texts = [" ".join([*rng.choice(others, 4), *(["good"] if i % 2 else [])]) for i in range(80)]
    marks = np.array(["good" in text for text in texts])
    found = tcav(network, texts, marks, 2, 1, rng)
    assert found.known and found.auc > 0.8
    assert 0 <= found.positive <= 1 and 1 / 41 <= found.p <= 1
    blank = tcav(network, texts, rng.permutation(marks), 2, 1, rng)
    assert blank.auc < found.auc


def test_slopes_in_a_layer_are_those_of_finite_differences() -> None:
    import torch

    network = TextNetwork(tiny_module(), tiny_tokenizer(), ("rotten", "fresh"))
    texts, name, step = ["a good film", "the film was very bad"], network.layers[0], 1e-3
    slopes = gradients(network, texts, name, 1)

    def odds(shift: float) -> Any:
        hook = network.layer(name).register_forward_hook(lambda layer, given, out: _moved(out, shift))
        try:
            with torch.no_grad():
                rows = [network.probabilities(network.logits(network.batch((0,), [text])))[0] for text in texts]
        finally:
            hook.remove()
        return np.array([float(torch.log(row[1] / row[0])) for row in rows])

    assert slopes[:, 3] == pytest.approx((odds(step) - odds(-step)) / (2 * step), abs=1e-2, rel=0.02)


def _moved(output: Any, shift: float) -> Any:
    """A layer's output with the fourth value of every token moved."""
    first = output[0] if isinstance(output, tuple) else output
    changed = first.clone()
    changed[..., 3] += shift
    return (changed, *output[1:]) if isinstance(output, tuple) else changed


def test_on_a_network_the_answer_names_the_layer_or_says_that_none_was_tested() -> None:
    network = TextNetwork(tiny_module(), tiny_tokenizer(), ("rotten", "fresh"))
    rng = np.random.default_rng(1)
    others = ["a", "film", "the", "and", "of", "was", "it", "very"]
    texts = [" ".join([*rng.choice(others, 4), *(["good"] if i % 2 else [])]) for i in range(60)]
    subject = text_subject(network.outputs, texts, behind=network)
    found = concept(subject, words=("good",))
    assert found.one("layers").number() == 2 and found.one("layer").number() == 2
    assert {"tcav", "tcav_open"} & roles(found)
    assert concept(subject, words=("good",), layer=1).one("layer").number() == 1
    with pytest.raises(ToolError, match="2 layers"):
        concept(subject, words=("good",), layer=3)


@pytest.mark.parametrize(("weights", "regression"), [({"please": 0.2}, False), ({}, False), ({"please": 0.2}, True)])
def test_the_words_pass_the_check(weights: dict[str, float], regression: bool) -> None:
    subject = text_subject(bag_of_words({"wa": 0.1, **weights}), corpus(), regression=regression)
    for scope in (Scope(), Scope(row="1"), Scope(row="2")):
        found = concept(subject, scope, concept="politeness")
        draft = verbalize((found,), subject.schema)
        plan = Plan(steps=(Step(tool="concept_test_text", arguments=found.arguments, scope=scope),))
        assert verify(draft, (found,), plan, subject.schema) == (), draft.text
