"""What words do over many texts: how the model's output changes when a word is deleted from the texts that hold it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
import pandas as pd

from askwhy.tools.attribution import column_of
from askwhy.tools.engines.text_game import PASSAGE, ask_texts, passage_pair
from askwhy.tools.engines.text_units import Split, Term, find_term, fold, split_text, terms
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import ClassLabel
from askwhy.tools.select import predicted_index
from askwhy.tools.view import View

Sign = Literal["all", "for", "against"]
"""Which effects are wanted: all, those that raise the output, or those that lower it."""

MOST_TEXTS = 2000
"""Texts whose words are looked at: a seeded sample where there are more."""

MOST_CHARACTERS = 2_000_000
"""Characters of these texts altogether; a first text is always taken."""

FEWEST_TEXTS = 5
"""Texts that must hold a word for it to be ranked, where any word is held by as many."""

MEASURED_TEXTS = 60
"""Texts that a word is deleted from to measure its effect."""

_MOST_WORDS = 3000
_SCREENED_TEXTS = 4
_SHORTLIST = 40
_MEASURED_CHARACTERS = 20_000_000
# A network takes a hundred times longer for each text: fewer texts, fewer words, each deleted from fewer texts.
_SLOW_TEXTS, _SLOW_SHORTLIST, _SLOW_MEASURED = 800, 25, 30


@dataclass(frozen=True)
class WordEffect:
    """The mean of output(text) - output(text without the word) over `texts` texts, with its standard error."""

    word: str
    mean: float
    error: float | None
    texts: int


@dataclass(frozen=True)
class WordEffects:
    """Effects of the shortlisted words, largest first, and of the words asked about, in their order.

    label: the class whose probability is meant. texts: how many were looked at, of `total`. words: how many different
    ones they hold in at least `support` texts each.
    """

    label: ClassLabel | None
    ranked: tuple[WordEffect, ...]
    asked: tuple[WordEffect, ...]
    texts: int
    total: int
    words: int
    support: int


@dataclass
class _Corpus:
    """Texts in random order, and the terms of each by folded word."""

    splits: list[Split] = field(default_factory=list)
    words: list[dict[str, Term]] = field(default_factory=list)

    def holders(self) -> dict[str, list[int]]:
        """The texts that hold each word, those with most holders first."""
        found: dict[str, list[int]] = {}
        for number, words in enumerate(self.words):
            for word in words:
                found.setdefault(word, []).append(number)
        return dict(sorted(found.items(), key=lambda item: (-len(item[1]), item[0])))


def word_effects(
    view: View, label: ClassLabel | None, asked: Sequence[str] = (), least: int = 1, sign: Sign = "all"
) -> WordEffects:
    """Effects of the words that change the output most (raise it, lower it) in the view's texts, at least `least`.

    Every word is first tried on a few short passages; those that move them most are then deleted from whole texts,
    others than the tried ones where there are enough. For a network the first step costs too much: there the words
    are those whose texts get the most unusual outputs. Without `label` the class predicted most often is meant.
    """
    slow = view.subject.predictor.network is not None
    texts = _texts(view)
    corpus = _corpus(texts, _SLOW_TEXTS if slow else MOST_TEXTS)
    if label is None and not view.subject.regression:
        found = predicted_index(ask_texts(view, [split.text for split in corpus.splits]))
        label = view.schema.classes[int(np.bincount(found).argmax())]
    column = column_of(view, label)
    holders = corpus.holders()
    support = min(FEWEST_TEXTS, max(map(len, holders.values())))
    common = {word: held for word, held in holders.items() if len(held) >= support}
    screen = _associated if slow else _shortlist
    shortlist = screen(view, column, corpus, common, sign)[: max(_SLOW_SHORTLIST if slow else _SHORTLIST, 2 * least)]
    ranked = [(word, [(corpus.splits[i], corpus.words[i][word]) for i in common[word]]) for word in shortlist]
    wanted = [(phrase, _standing(texts, phrase, holders)) for phrase in dict.fromkeys(asked)]
    effects = _measured(view, column, [*ranked, *wanted], _SLOW_MEASURED if slow else MEASURED_TEXTS)
    return WordEffects(
        label=label,
        ranked=tuple(sorted(effects[: len(ranked)], key=lambda effect: -abs(effect.mean))),
        asked=tuple(effects[len(ranked) :]),
        texts=len(corpus.splits),
        total=len(view.rows),
        words=len(common),
        support=support,
    )


def _texts(view: View) -> list[str]:
    """Texts of the view that are not blank, in random order."""
    cells = view.rows.iloc[view.rng.permutation(len(view.rows)), 0]
    texts = [str(cell) for cell in cells if not pd.isna(cell) and str(cell).strip()]
    if not texts:
        raise ToolError(f"The {view.schema.entities} hold no words.")
    return texts


def _corpus(texts: Sequence[str], most: int) -> _Corpus:
    corpus, left = _Corpus(), MOST_CHARACTERS
    for text in texts[:most]:
        if corpus.splits and len(text) > left:
            break
        left -= len(text)
        split = split_text(text)
        corpus.splits.append(split)
        corpus.words.append({fold(term.text): term for term in terms(split)})
    return corpus


def _shortlist(view: View, column: int, corpus: _Corpus, common: dict[str, list[int]], sign: Sign) -> list[str]:
    """The words by how much they change short passages, on average over a few texts."""
    tried = list(common)[:_MOST_WORDS]
    length = PASSAGE["word"]
    passages: list[str] = []
    owner = []
    for number, word in enumerate(tried):
        for i in common[word][:_SCREENED_TEXTS]:
            term = corpus.words[i][word]
            passages += passage_pair(corpus.splits[i], term, term.places[0] // length * length, length)
            owner.append(number)
    outputs = ask_texts(view, passages)[:, column]
    sums = np.bincount(owner, weights=outputs[::2] - outputs[1::2], minlength=len(tried))
    means = sums / np.bincount(owner, minlength=len(tried))
    wanted = {"all": np.abs(means), "for": means, "against": -means}[sign]
    return [tried[number] for number in np.argsort(-wanted, kind="stable")]


def _associated(view: View, column: int, corpus: _Corpus, common: dict[str, list[int]], sign: Sign) -> list[str]:
    """The words by how far the mean output of the texts that hold them is from that of all, in standard errors."""
    outputs = ask_texts(view, [split.text for split in corpus.splits])[:, column]
    apart = outputs - outputs.mean()
    means = np.array([apart[held].mean() * np.sqrt(len(held)) for held in common.values()])
    wanted = {"all": np.abs(means), "for": means, "against": -means}[sign]
    words = list(common)
    return [words[number] for number in np.argsort(-wanted.round(9), kind="stable")]


def _standing(texts: Sequence[str], phrase: str, known: Iterable[str]) -> list[tuple[Split, Term]]:
    """Texts that hold a word or phrase, as many as are measured; UnknownName if there is none."""
    parts = [fold(unit.text) for unit in split_text(phrase).units]
    found: list[tuple[Split, Term]] = []
    for text in texts:
        if not all(part in fold(text) for part in parts):
            continue
        split = split_text(text)
        try:
            here = terms(split, (phrase,))
        except UnknownName:
            continue
        found.append((split, here[find_term(here, phrase)]))
        if len(found) == MEASURED_TEXTS:
            break
    if not found:
        raise UnknownName("word", phrase, known)
    return found


def _measured(
    view: View, column: int, words: Sequence[tuple[str, list[tuple[Split, Term]]]], texts: int
) -> list[WordEffect]:
    """Effects over whole texts, at most so many for a word, in one request."""
    chosen = [_unseen_first(held, words, texts) for _, held in words]
    pairs = [pair for held in chosen for pair in held]
    outputs = ask_texts(view, list(_with_and_without(pairs)))[:, column]
    differences = outputs[::2] - outputs[1::2]
    ends = np.cumsum([len(held) for held in chosen])
    return [
        _effect(held, part) for held, part in zip(chosen, np.split(differences, ends[:-1]), strict=True) if len(held)
    ]


def _unseen_first(
    held: list[tuple[Split, Term]], words: Sequence[tuple[str, list[tuple[Split, Term]]]], texts: int
) -> list[tuple[Split, Term]]:
    """As many texts as the characters allow, the ones that the shortlist was not made from before the others."""
    characters = sum(len(split.text) for split, _ in held) / len(held)
    affordable = int(_MEASURED_CHARACTERS / (characters * len(words)))
    most = max(2, min(texts, affordable))
    return [*held[_SCREENED_TEXTS:], *held[:_SCREENED_TEXTS]][:most]


def _with_and_without(pairs: Iterable[tuple[Split, Term]]) -> Iterator[str]:
    for split, term in pairs:
        yield split.text
        yield split.without(term.places)


def _effect(held: list[tuple[Split, Term]], differences: Outputs) -> WordEffect:
    spelled = Counter(term.text for _, term in held)
    error = float(differences.std(ddof=1) / np.sqrt(len(differences))) if len(differences) > 1 else None
    return WordEffect(spelled.most_common(1)[0][0], float(differences.mean()), error, len(differences))
