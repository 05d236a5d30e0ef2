"""Texts at the edge, asked of every kind of text model: each gets an answer or a reason, in words that pass."""

from __future__ import annotations

import functools

import numpy as np
import pytest
from tiny_networks import TEXTS, tiny_module, tiny_tokenizer

from askwhy.agent.plan import Plan, Step
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence
from askwhy.tools.loading.language_classifier import MAX_CHARACTERS, LanguageClassifier
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.tools.subjects.builtin import builtin
from askwhy.tools.view import make_view

LONG = ("It was a good and bright film, not a dull one. " * 1100)[:50_000]
EDGES = {
    "long": LONG,
    "one token": "good",
    "emoji": "👍🏽 👨‍👩‍👧 🎬",
    "right to left": "הסרט היה טוב מאוד, ولم يكن مملا.",
    "stop words": "it was of the and a",
    "punctuation": "?! ...",
    "one long word": "x" * 5000,
}
BLANK = {"empty": "", "blanks": " \t\n ", "no-break": "\u00a0"}


@functools.cache
def subject(name: str) -> Subject:
    """A text model of each kind; two of them read only the beginning of a long text."""
    verdicts = ["fresh" if "good" in text else "rotten" for text in TEXTS]
    if name == "network":
        labels = {0: "rotten", 1: "fresh"}
        return Subject.of(tiny_module(labels, seed=1), list(TEXTS), verdicts, tokenizer=tiny_tokenizer())
    if name == "language model":
        ask = lambda texts: ["fresh" if "good" in text.lower() else "rotten" for text in texts]  # noqa: E731
        return Subject.of(
            LanguageClassifier(ask, ("fresh", "rotten"), most_rows=10**6, budget=10**6), list(TEXTS), verdicts
        )
    return builtin(name)


SUBJECTS = ("reviews", "debates", "network", "language model")
CUT = {"network", "language model"}


def run(name: str, tool: str, text: str) -> Evidence:
    about = subject(name)
    evidence = find_tool(tool)(make_view(about, Scope(text=text), Evaluator(about.predictor), 0))
    step = Step(tool=tool, arguments=evidence.arguments, scope=evidence.scope)
    draft = verbalize((evidence,), about.schema)
    assert draft.text.strip()
    assert verify(draft, (evidence,), Plan(steps=(step,)), about.schema) == (), draft.text
    return evidence


def probabilities(name: str, text: str) -> dict[str, float]:
    about = subject(name)
    outputs = about.predictor.call([text])
    return {label.name: float(one) for label, one in zip(about.schema.classes, np.asarray(outputs)[0], strict=True)}


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("edge", [*EDGES, *BLANK])
def test_every_text_gets_a_prediction_and_its_probability(name: str, edge: str) -> None:
    text = (EDGES | BLANK)[edge]
    expected = probabilities(name, text)
    for tool in ("predict", "likelihood"):
        evidence = run(name, tool, text)
        told = [fact for fact in evidence.facts if fact.unit == "probability" and fact.cls is not None]
        assert told
        best = max(expected, key=lambda label: expected[label])
        assert any(fact.cls == best and abs(fact.number() - expected[best]) < 1e-5 for fact in told)
        assert any(caveat.flag == "cut_short" for caveat in evidence.caveats) == (edge == "long" and name in CUT)


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("edge", EDGES)
def test_every_text_that_holds_something_is_explained_by_what_it_holds(name: str, edge: str) -> None:
    evidence = run(name, "explain_text", EDGES[edge])
    words = [fact for fact in evidence.facts if fact.relation == "word_attribution"]
    assert words and all(fact.at is not None and fact.at.rstrip("…") in EDGES[edge] for fact in words)


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("edge", BLANK)
def test_a_blank_text_has_nothing_to_explain(name: str, edge: str) -> None:
    with pytest.raises(ToolError, match="The text is empty"):
        run(name, "explain_text", BLANK[edge])


def test_the_words_say_how_much_was_read() -> None:
    about = subject("network")
    evidence = run("network", "predict", "good " * 31)
    assert "The model reads the first 32 of the 33 tokens of this text" in verbalize((evidence,), about.schema).text
    evidence = run("language model", "predict", "a" * (MAX_CHARACTERS + 1))
    assert "8,000 of the 8,001 characters" in verbalize((evidence,), about.schema).text


def test_of_several_texts_it_is_said_how_many_are_too_long() -> None:
    about = Subject.of(tiny_module(), [*TEXTS, "good " * 40, "bad " * 50], tokenizer=tiny_tokenizer())
    view = make_view(about, Scope(), Evaluator(about.predictor), 0)
    assert [caveat.text for caveat in view.caveats] == ["2 of these 11 texts are longer than the model reads."]
