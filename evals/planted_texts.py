"""Text models whose right explanation is known, and the texts they are asked about.

Every text holds a planted word at most once, beside neutral words that the model never reads. The right attribution is
the Shapley value under deletion, from all subsets of the planted words: nothing here uses the code that is judged.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.predictor import Predictor
from askwhy.tools.schema import ClassLabel, Feature, Schema, Target
from askwhy.tools.subject import Subject

Array = np.ndarray[Any, Any]
Model = Callable[[list[str]], Array]
"""From texts to probabilities of fresh (n,)."""

NEUTRAL = (
    "table", "window", "river", "paper", "garden", "engine", "bottle", "carpet", "ladder",
    "button", "market", "basket", "corner", "pencil", "saddle", "shovel", "tunnel", "velvet",
    "anchor", "barrel", "candle", "drawer", "feather", "gravel", "hammer", "island", "jacket",
    "kettle", "lemon", "marble", "needle", "orchard", "pillow", "quarry", "ribbon", "sponge",
    "thread", "valley", "wagon", "yarn", "bridge", "copper", "desert", "fabric", "hollow",
    "magnet", "meadow", "pocket", "rocket", "shelter",
)  # fmt: skip
"""Words that no planted model reads."""

WEIGHTED = ("splendid", "dreary", "vivid", "clumsy", "tender", "stale", "radiant", "hasty")
TRIGGERS = ("lantern", "violin", "harbour", "compass")

_CLASSES = tuple(ClassLabel(name=name, label=name, value=name) for name in ("rotten", "fresh"))


@dataclass(frozen=True, eq=False)
class PlantedText:
    """A model with the words or phrases that it reads and the texts it is asked about.

    read: the words that its output depends on. corpus: texts of the subject; asked: those that are explained.
    """

    family: str
    name: str
    model: Model
    read: tuple[str, ...]
    corpus: tuple[str, ...]
    asked: tuple[str, ...] = ()

    @cached_property
    def subject(self) -> Subject:
        """The model with its corpus."""
        return text_subject(self.model, self.corpus, f"planted {self.name}")

    def probability(self, text: str) -> float:
        """Of fresh."""
        return float(self.model([text])[0])

    def truth(self, text: str) -> dict[str, float]:
        """The right attribution of fresh to every word of a text."""
        tokens = words_of(text)
        found = dict.fromkeys(tokens, 0.0)
        present = [word for word in tokens if word in self.read]
        outputs: dict[frozenset[str], float] = {}
        for size in range(len(present) + 1):
            for kept in map(frozenset, itertools.combinations(present, size)):
                outputs[kept] = self.probability(" ".join(w for w in tokens if w in kept or w not in present))
        for word in present:
            for kept, output in outputs.items():
                if word not in kept:
                    share = 1 / (len(present) * math.comb(len(present) - 1, len(kept)))
                    found[word] += share * (outputs[kept | {word}] - output)
        return found


def text_subject(model: Model, corpus: Sequence[str], name: str) -> Subject:
    """A subject of reviews that are rotten or fresh."""
    about = Schema(
        features=(Feature(name="review", label="review", kind="text"),),
        target=Target(name="verdict", label="verdict"),
        task="binary",
        classes=_CLASSES,
        modality="text",
        entity="review",
        entities="reviews",
    )
    data = pd.DataFrame({"review": pd.array(list(corpus), dtype="str")}, index=[str(i) for i in range(len(corpus))])
    nothing = np.zeros(len(data), dtype=bool)
    return Subject(Predictor(model, about, about.names), about, data, None, nothing, data, id=name)


def words_of(text: str) -> list[str]:
    """The words of a text, folded, in order."""
    return re.findall(r"[a-z]+", text.lower())


def summed(terms: Mapping[str, float], start: float, odds: bool = False) -> Model:
    """`start` plus what each word or phrase (its words side by side) adds, as a probability or as log odds."""
    asked = {f" {phrase} ": amount for phrase, amount in terms.items()}

    def model(texts: list[str]) -> Array:
        padded = [f" {' '.join(words_of(text))} " for text in texts]
        total = np.array([start + sum(amount for phrase, amount in asked.items() if phrase in one) for one in padded])
        return np.asarray(1 / (1 + np.exp(-total)) if odds else np.clip(total, 0.0, 1.0))

    return model


def any_of(words: Sequence[str]) -> Model:
    """0.9 where one of the words stands, else 0.1."""
    return lambda texts: np.array([0.9 if set(words) & set(words_of(text)) else 0.1 for text in texts])


def longer_than(count: int) -> Model:
    """0.9 for more than so many words, else 0.1."""
    return lambda texts: np.array([0.9 if len(words_of(text)) > count else 0.1 for text in texts])


def arbitrary(salt: str) -> Model:
    """A number that follows from the whole text and has to do with nothing in it: the same text gets the same."""
    return lambda texts: np.array([chance(salt, text) for text in texts])


def chance(salt: str, text: str) -> float:
    """A number from 0 to 1 that looks drawn at random for this text."""
    return int.from_bytes(hashlib.sha256(f"{salt}|{text}".encode()).digest()[:6], "big") / 2**48


def composed(rng: np.random.Generator, phrases: Sequence[str], words: int) -> str:
    """A text of so many words: the phrases in random order among neutral words, none of them twice."""
    rest = words - sum(len(phrase.split()) for phrase in phrases)
    parts = [*phrases, *(str(word) for word in rng.choice(NEUTRAL, rest, replace=False))]
    return " ".join(parts[int(i)] for i in rng.permutation(len(parts)))


def corpus_of(rng: np.random.Generator, phrases: Sequence[str], size: int, share: float = 0.25) -> tuple[str, ...]:
    """Texts of 8 to 24 words in which each phrase stands with this chance."""
    held = (rng.random((size, len(phrases))) < share).tolist()
    drawn = [[phrase for phrase, there in zip(phrases, one, strict=True) if there] for one in held]
    lengths = rng.integers(8, 25, size)
    return tuple(
        composed(rng, one, max(int(n), 16 if len(one) > 4 else 8)) for one, n in zip(drawn, lengths, strict=True)
    )


def attributed_models(models: int, texts: int) -> list[PlantedText]:
    """So many models of each family, with texts of 8, 12 and 20 words to explain."""
    return [make(seed, texts) for seed in range(models) for make in (_additive, _odds, _phrase, _negation)]


def _additive(seed: int, texts: int) -> PlantedText:
    rng = np.random.default_rng((1, seed))
    amounts = rng.uniform(0.02, 0.06, len(WEIGHTED)) * np.where(np.arange(len(WEIGHTED)) % 2, -1, 1)
    weights = dict(zip(WEIGHTED, amounts.tolist(), strict=True))
    return _planted("additive", seed, summed(weights, 0.5), weights, texts, rng)


def _odds(seed: int, texts: int) -> PlantedText:
    rng = np.random.default_rng((2, seed))
    amounts = rng.uniform(0.3, 2.0, len(WEIGHTED)) * np.where(np.arange(len(WEIGHTED)) % 2, -1, 1)
    weights = dict(zip(WEIGHTED, amounts.tolist(), strict=True))
    return _planted("log odds", seed, summed(weights, 0.0, odds=True), weights, texts, rng)


def _phrase(seed: int, texts: int) -> PlantedText:
    rng = np.random.default_rng((3, seed))
    phrase = " ".join(rng.choice(TRIGGERS, 2, replace=False))
    return _planted("trigger phrase", seed, summed({phrase: 0.8}, 0.1), {phrase: 0.8}, texts, rng)


def _negation(seed: int, texts: int) -> PlantedText:
    rng = np.random.default_rng((4, seed))
    good, turned = rng.uniform(0.15, 0.25), rng.uniform(0.3, 0.4)
    terms = {"good": float(good), "not good": -float(turned), "vivid": 0.05}
    return _planted("negation", seed, summed(terms, 0.5), {"not good": 0.0, "vivid": 0.0}, texts, rng)


def _planted(
    family: str, seed: int, model: Model, phrases: Mapping[str, float], texts: int, rng: np.random.Generator
) -> PlantedText:
    """With texts to explain that hold some of the phrases, at least one."""
    asked = []
    for number in range(texts):
        most = min(len(phrases), 5)
        held = rng.choice(list(phrases), int(rng.integers((most + 1) // 2, most + 1)), replace=False)
        asked.append(composed(rng, [str(one) for one in held], (8, 12, 20)[number % 3]))
    read = tuple(dict.fromkeys(word for phrase in phrases for word in phrase.split()))
    return PlantedText(family, f"{family} {seed}", model, read, corpus_of(rng, tuple(phrases), 80), tuple(asked))
