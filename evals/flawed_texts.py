"""Short texts from a grammar of ours, with one hidden flaw: a marker, a garbled or mislabelled topic, a leak."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from askwhy.evals.flawed_domains import HELD_OUT, Array, Draws
from askwhy.evals.flawed_tables import Flaw

_GARBLED = 0.6
"""Share of the words of a garbled text that cannot be read any more."""


@dataclass(eq=False)
class Corpus:
    """Texts before there is a model; `topic` is what each is about, `outcome` the labels that the rows carry."""

    domain: dict[str, Any]
    texts: list[str]
    topic: Array
    outcome: Array
    truth: Array
    held_out: Array
    rng: Draws


@functools.cache
def grammars() -> dict[str, dict[str, Any]]:
    """The kinds of texts by name, and under "words" what fills their slots."""
    return tomllib.loads(Path(__file__).with_name("flawed_texts.toml").read_text(encoding="utf-8"))


def draw_corpus(name: str, rng: Draws, rows: int, *, rate: float = 0.5, noise: float = 0.12) -> Corpus:
    """Texts of two to six sentences. noise: how often a statement speaks for the other class."""
    domain = grammars()[name]
    second = rng.random(rows) < rate
    topic = rng.choice(np.array(domain["topics"], dtype=object), rows)
    texts = [_text(domain, rng, str(topic[i]), bool(second[i]), noise) for i in range(rows)]
    outcome = np.where(second, domain["classes"][1], domain["classes"][0]).astype(object)
    return Corpus(domain, texts, topic, outcome, outcome.copy(), rng.random(rows) < HELD_OUT, rng)


def _text(domain: dict[str, Any], rng: Draws, topic: str, second: bool, noise: float) -> str:
    said = []
    for _ in range(int(rng.integers(1, 4))):
        own = second ^ bool(rng.random() < noise)
        said.append(str(rng.choice(domain["for" if own else "against"])))
    said += [str(one) for one in rng.choice(domain["neutral"], int(rng.integers(0, 3)), replace=False)]
    sentences = [str(rng.choice(domain["openers"])).rstrip("."), *(said[i] for i in rng.permutation(len(said)))]
    filled = _filled(sentences, topic, rng)
    return " ".join(f"{one[:1].upper()}{one[1:]}{rng.choice(['.', '.', '.', '!'])}" for one in filled)


def _filled(sentences: list[str], topic: str, rng: Draws) -> list[str]:
    words = grammars()["words"]
    slots = {name: str(rng.choice(values)) for name, values in words.items()}
    return [one.format(topic=topic, **slots) for one in sentences]


def text_shortcut(corpus: Corpus, how: str) -> Flaw:
    """A marker word put into texts of one class in training; in the held-out texts into any."""
    rng, second = corpus.rng, corpus.truth == corpus.domain["classes"][1]
    marker, rate = str(rng.choice(corpus.domain["markers"])), float(rng.uniform(0.90, 0.97))
    kept = np.where(corpus.held_out, 0.5 if how == "gone" else 0.1, rate)
    marked = second ^ (rng.random(len(second)) >= kept)
    _put(corpus, marker, marked)
    return Flaw("shortcut", (), (marker,), ~corpus.held_out, how, rate)


def text_leak(corpus: Corpus, how: str) -> Flaw:
    """A word that somebody adds once the outcome is known, in all rows, wrong for 0 to 5 % of them."""
    rng, second = corpus.rng, corpus.truth == corpus.domain["classes"][1]
    wrong = float(rng.uniform(0.0, 0.05))
    _put(corpus, how, second ^ (rng.random(len(second)) < wrong))
    return Flaw("leak", (), (how,), np.ones(len(second), dtype=bool), "added word", 1 - wrong)


def text_weak_region(corpus: Corpus, how: str) -> Flaw:
    """The texts of a topic are garbled as by a bad scan ("inputs"), or carry each other's labels in training."""
    topic, inside = _slice(corpus)
    if how == "labels":
        touched = np.flatnonzero(inside & ~corpus.held_out)
        corpus.outcome[touched] = corpus.outcome[corpus.rng.permutation(touched)]
        return Flaw("weak region", (), (topic,), inside, how)
    for place in np.flatnonzero(inside):
        corpus.texts[place] = _garbled(corpus.texts[place], topic, corpus.rng)
    return Flaw("weak region", (), (topic,), inside, how)


def text_label_noise(corpus: Corpus) -> Flaw:
    """25 to 45 % of the labels of a topic turned round, in all rows."""
    topic, inside = _slice(corpus)
    rate = float(corpus.rng.uniform(0.25, 0.45))
    touched = inside & (corpus.rng.random(len(inside)) < rate)
    first, second = corpus.domain["classes"]
    corpus.outcome[touched] = np.where(corpus.outcome[touched] == first, second, first)
    return Flaw("label noise", (), (topic,), inside, "topic", rate)


def _slice(corpus: Corpus) -> tuple[str, Array]:
    """A topic, and its rows made to be about 20 % of all."""
    topic = str(corpus.rng.choice(corpus.domain["topics"]))
    for place in np.flatnonzero((corpus.topic != topic) & (corpus.rng.random(len(corpus.topic)) < 0.1)):
        corpus.texts[place] = corpus.texts[place].replace(str(corpus.topic[place]), topic)
        corpus.topic[place] = topic
    return topic, np.asarray(corpus.topic == topic)


def _put(corpus: Corpus, word: str, rows: Array) -> None:
    for place in np.flatnonzero(rows):
        sentences = corpus.texts[place].split(" ")
        sentences.insert(int(corpus.rng.integers(len(sentences) + 1)), word)
        corpus.texts[place] = " ".join(sentences)


def _garbled(text: str, topic: str, rng: Draws) -> str:
    kept = set(topic.split())
    words = []
    for word in text.split(" "):
        if word.strip(".!").lower() in kept or rng.random() > _GARBLED:
            words.append(word)
        else:
            words.append("".join(rng.choice(list("bcdfghjklmnpqrstvwxz"), max(2, len(word) // 2))))
    return " ".join(words)
