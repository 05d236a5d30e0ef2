"""Twins of a model of texts: trained again on shuffled outcomes or, for a network, with weights drawn anew.

Both have learnt nothing (Adebayo et al. 2018, "Sanity Checks for Saliency Maps": data and model randomization).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from askwhy.tools.engines.refit import trained
from askwhy.tools.engines.text_game import ask_texts
from askwhy.tools.engines.text_network import TextNetwork
from askwhy.tools.engines.text_units import Split, Term, fold, split_text, terms
from askwhy.tools.engines.truth import Array
from askwhy.tools.engines.twins import in_time, outputs_of_twins, thinned
from askwhy.tools.errors import ToolError
from askwhy.tools.predictor import Outputs
from askwhy.tools.view import View

SHUFFLED_TWINS, RESET_TWINS = 49, 20
"""Training again is cheap for models that can; a network is asked, not trained."""

_MOST_WORDS = 30
_FEWEST_TEXTS = 2
_SAMPLED = 300
_EACH, _EACH_SLOW = 8, 2
_MOST_WORDS_SLOW = 20


@dataclass(frozen=True)
class WordQuestions:
    """Pairs of texts (with a word, without it) that show what each of `words` does; `owner` (pairs,) says whose.

    corpus: whether they come from many texts, so that sizes are averaged and not the changes themselves.
    """

    words: tuple[str, ...]
    texts: tuple[str, ...]
    owner: Array
    corpus: bool

    def effects(self, outputs: Outputs, column: int) -> Array:
        """Mean change of the output by each word, of its size where there are many texts, (words,)."""
        change = outputs[::2, column] - outputs[1::2, column]
        values = np.abs(change) if self.corpus else change
        counts = np.bincount(self.owner, minlength=len(self.words))
        return np.asarray(np.bincount(self.owner, weights=values, minlength=len(self.words)) / counts)


@dataclass(frozen=True)
class TextTwins:
    """Effects of the words in each twin (twins, words), and how the twins came about."""

    effects: Array
    kind: Literal["shuffled", "reset"]
    thinned: bool = False


def of_text(text: str) -> WordQuestions:
    """About every word of one text."""
    split = split_text(text)
    return _questions([(term.text, [(split, term)]) for term in terms(split)], corpus=False)


def of_corpus(view: View) -> WordQuestions:
    """About the words that stand in most of the view's texts: chosen without asking the model."""
    cells = [str(cell) for cell in view.rows.iloc[view.rng.permutation(len(view.rows))[:_SAMPLED], 0]]
    holders: dict[str, list[tuple[Split, Term]]] = {}
    for split in (split_text(cell) for cell in cells if cell.strip()):
        for term in terms(split):
            holders.setdefault(fold(term.text), []).append((split, term))
    common = {word: held for word, held in holders.items() if len(held) >= _FEWEST_TEXTS} or holders
    slow = view.subject.predictor.network is not None
    most, each = (_MOST_WORDS_SLOW, _EACH_SLOW) if slow else (_MOST_WORDS, _EACH)
    chosen = sorted(common, key=lambda word: (-len(common[word]), word))[:most]
    if len(chosen) < 3:
        raise ToolError(f"The {view.schema.entities} hold too few words to compare.")
    return _questions([(word, common[word][:each]) for word in chosen], corpus=True)


def _questions(words: Sequence[tuple[str, list[tuple[Split, Term]]]], corpus: bool) -> WordQuestions:
    pairs = [(split, term) for _, held in words for split, term in held]
    texts = [text for split, term in pairs for text in (split.text, split.without(term.places))]
    owner = np.repeat(np.arange(len(words)), [len(held) for _, held in words])
    return WordQuestions(tuple(word for word, _ in words), tuple(texts), owner, corpus)


def own_effects(view: View, asked: WordQuestions, column: int) -> Array:
    """What the model itself answers, (words,)."""
    return asked.effects(ask_texts(view, asked.texts), column)


def raise_text_twins(view: View, asked: WordQuestions, column: int) -> TextTwins | None:
    """Twins of the model and what they answer; None where it can neither be trained again nor reset."""
    distinct, back = np.unique(np.array(asked.texts, dtype=object), return_inverse=True)
    texts = [str(text) for text in distinct]  # the whole text stands beside each of its words: it is asked once
    network = view.subject.predictor.network
    if network is not None:
        outputs = _reset(view, network, texts)
        return TextTwins(np.array([asked.effects(one[back], column) for one in outputs]), "reset")
    model = trained(view.subject)
    if model is None:
        return None
    rows, actual, _ = thinned(view, model)
    outputs_of = outputs_of_twins(model.estimator, model.native(rows), texts)
    rng, effects, started = view.rng, [], time.monotonic()
    for _ in range(SHUFFLED_TWINS):
        in_time(started, f"Training {SHUFFLED_TWINS} models on shuffled outcomes")
        told = outputs_of(rng.permutation(actual))
        if told is None:
            return None
        effects.append(asked.effects(told[back], column))
    return TextTwins(np.array(effects), "shuffled", len(rows) < len(model.rows))


def _reset(view: View, network: TextNetwork, texts: list[str]) -> Iterator[Outputs]:
    """Outputs (texts, width) of copies of the network whose weights are drawn anew."""
    import torch

    rng, started = view.rng, time.monotonic()
    twin = replace(network, module=copy.deepcopy(network.module))
    for _ in range(RESET_TWINS):
        in_time(started, f"Asking {RESET_TWINS} copies of the network with random weights")
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**31)))
            for part in twin.module.modules():
                if callable(again := getattr(part, "reset_parameters", None)):
                    again()
        yield np.asarray(twin.outputs(texts)).reshape(len(texts), -1)
