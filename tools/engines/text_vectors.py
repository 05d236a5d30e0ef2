"""Texts as vectors: how alike two texts are in the words they share, rare words counting for more (TF-IDF).

Cosines of such vectors are 1 for the same words in any order and 0 for no word in common.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.text_network import TextNetwork
from askwhy.tools.engines.text_words import folded_words
from askwhy.tools.engines.truth import Array
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

HOW = "shared words, rare ones counting for more (cosine of TF-IDF vectors)"

EMBEDDING = "the network's own vectors of the texts (cosines of its last layer, averaged over words)"

_SLOW_TEXTS = 600
_MOST_FITTED = 20_000
_LONGEST = 5_000


def network_of(view: View) -> TextNetwork | None:
    """The network behind the model (see `text_network`), None where it is none."""
    return view.subject.predictor.network


@dataclass(frozen=True, eq=False)
class TextSpace:
    """Where texts of one subject are compared; `fitted` is the vectorizer that knows how rare its words are."""

    fitted: Any

    def encode(self, texts: Sequence[str]) -> Any:
        """Sparse rows (texts, words) of length 1; of length 0 for a text without a known word."""
        return self.fitted.transform([text[:_LONGEST] for text in texts])

    def likeness(self, one: str, others: Sequence[str]) -> Array:
        """Cosines (others,) of a text with others."""
        return np.asarray(cosines(self.encode([one]), self.encode(others))[0])


def text_space(view: View, texts: Sequence[str] | None = None) -> TextSpace:
    """The space of the subject's own texts (and of `texts`, whose words would else count for nothing)."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    cells = texts_of(view.subject.data)
    if len(cells) > _MOST_FITTED:
        some = np.sort(view.rng.choice(len(cells), _MOST_FITTED, replace=False))
        cells = [cells[int(i)] for i in some]
    known = [text[:_LONGEST] for text in (*cells, *(texts or ()))]
    if not any(folded_words(text) for text in known):
        known = [*known, "text"]
    vectorizer = TfidfVectorizer(analyzer=folded_words, sublinear_tf=True)
    return TextSpace(vectorizer.fit(known))


def texts_of(frame: pd.DataFrame) -> list[str]:
    """The texts of rows; a missing one is empty."""
    return ["" if pd.isna(cell) else str(cell) for cell in frame.iloc[:, 0]]


def cosines(rows: Any, others: Any) -> Array:
    """Cosines (rows, others) of encoded texts."""
    found = rows @ others.T
    return np.asarray(found.todense() if hasattr(found, "todense") else found, dtype=float)


@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """Texts of the data that others are compared with: their `positions`, and vectors of length 1 (texts, width).

    how: in words, what likeness means here.
    """

    positions: Array
    vectors: Any
    encode: Callable[[Sequence[str]], Any]
    how: str

    def likeness(self, texts: Sequence[str]) -> Array:
        """Cosines (texts, members) with every member."""
        return cosines(self.encode(texts), self.vectors)


def neighbourhood(view: View, among: Mask, texts: Sequence[str] = ()) -> Neighbourhood:
    """The masked rows of the data as vectors: the network's own where the model is one, else TF-IDF.

    A network reads at most a few hundred of them, drawn by the view's seed.
    """
    positions = np.flatnonzero(among)
    network = network_of(view)
    if network is not None and len(positions) > _SLOW_TEXTS:
        positions = np.sort(view.rng.choice(positions, _SLOW_TEXTS, replace=False))
    members = texts_of(view.subject.data.iloc[positions])
    if network is None:
        encode: Callable[[Sequence[str]], Any] = text_space(view, texts).encode
        return Neighbourhood(positions, encode(members), encode, HOW)
    middle = np.asarray(network.embed(members)).mean(axis=0)

    def embed(some: Sequence[str]) -> Array:
        vectors = np.asarray(network.embed(list(some))) - middle
        return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))

    return Neighbourhood(positions, embed(members), embed, EMBEDDING)
