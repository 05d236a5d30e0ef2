"""Whether a text model uses a concept: the tests of `concept_bets`, with words redrawn instead of cells.

The rest of a text is the text without the concept; texts with a like rest lend what they have of it. The test of use
looks at the output less its mean over such redrawings, so that a model that ignores the words wins nothing.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from askwhy.tools.engines.betting import Outcome, Similarities
from askwhy.tools.engines.concept_bets import FEWEST, Moved, Rest, association, flips, measured, random_rejections
from askwhy.tools.engines.text_concepts import TextConcept, WordConcept
from askwhy.tools.engines.text_game import ask_texts
from askwhy.tools.engines.text_units import split_text
from askwhy.tools.engines.text_vectors import network_of, text_space, texts_of
from askwhy.tools.engines.text_words import folded_words, sampled_texts
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import ClassLabel
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

NULLS = 20
"""Sets of random words as frequent as the concept's that are put in as well."""

LOCAL_DRAWS = 60
"""Pairs of shortened versions of one text, with and without the concept."""

KEPT = 0.8
"""How likely each other word of the one text stays in such a version."""

_TOPICS = 50
_FITTED = 3000
_ALIKE = 40


@dataclass(frozen=True)
class Size:
    """How many texts a test looks at on either side, how many lend to each, and how many take random words."""

    side: int
    lenders: int
    nulls: int

    @classmethod
    def of(cls, view: View) -> Size:
        """Fewer where a forward pass of a network is what each costs."""
        return cls(150, 6, 40) if network_of(view) is None else cls(60, 3, 10)


@dataclass(frozen=True, eq=False)
class TextPopulation:
    """The texts that are bet on, with outputs (n, width) and the columns that are tested.

    `label` is the class that effects are about, None for a regression or where no class was named.
    """

    view: View
    texts: list[str]
    outputs: Outputs
    columns: tuple[int, ...]
    label: ClassLabel | None

    @classmethod
    def of(cls, view: View, texts: Sequence[str], outputs: Outputs, name: str | None) -> TextPopulation:
        """These texts."""
        label = view.explained_class(name)
        columns = (view.schema.classes.index(label),) if label is not None else tuple(range(outputs.shape[1]))
        return cls(view, list(texts), outputs, columns, label)

    def tested(self, outputs: Outputs) -> Outputs:
        """The columns that are tested, of outputs (..., width)."""
        return outputs[..., list(self.columns)]


def marks_of(concept: TextConcept, texts: Iterable[str]) -> Mask:
    """Which texts have the concept."""
    return np.array([concept.present(text) for text in texts], dtype=bool)


def readable(view: View) -> tuple[list[str], Outputs]:
    """The view's texts that are not blank, and their outputs."""
    texts = texts_of(view.rows)
    some = [i for i, text in enumerate(texts) if text.strip()]
    return [texts[i] for i in some], view.outputs[some]


def sides(view: View, marks: Mask, called: str, most: int) -> Array:
    """Positions of at most `most` texts with the concept and as many without, drawn by the view's seed.

    ToolError where there are too few on either side.
    """
    with_it, without = np.flatnonzero(marks), np.flatnonzero(~marks)
    if min(len(with_it), len(without)) < FEWEST:
        names = view.schema.entities
        raise ToolError(
            f"A test needs at least {FEWEST} {names} with {called} and {FEWEST} without; here {len(with_it)} have it "
            f"and {len(without)} do not. Give other words, or ask about more {names}; "
            "what edits alone do is shown by “does it react to spurious cues?”."
        )
    drawn = [side if len(side) <= most else view.rng.choice(side, most, replace=False) for side in (with_it, without)]
    return np.sort(np.concatenate(drawn))


@dataclass(frozen=True, eq=False)
class WordSpace:
    """Where texts of one view are compared; `how` names it."""

    view: View

    @functools.cached_property
    def _fitted(self) -> tuple[Any, Any]:
        """A TF-IDF space and the topics in it; None for topics where there are too few words for any."""
        from sklearn.decomposition import TruncatedSVD

        space, known = text_space(self.view), texts_of(self.view.subject.data)
        if len(known) > _FITTED:
            known = [known[int(i)] for i in np.sort(self.view.rng.choice(len(known), _FITTED, replace=False))]
        base = space.encode(known)
        width = min(_TOPICS, min(base.shape) - 1)
        return space, TruncatedSVD(width, random_state=self.view.seed % 2**32).fit(base) if width > 1 else None

    @property
    def how(self) -> str:
        """In words."""
        if network_of(self.view) is not None:
            return "the network's own vectors of the texts"
        return "a space of topics made from shared words (LSA)"

    def encode(self, texts: Sequence[str]) -> Array:
        """Vectors of length 1, centred; of length 0 where nothing is known of a text."""
        network = network_of(self.view)
        found = np.asarray(network.embed(list(texts))) if network is not None else self._topics(texts)
        found = found - found.mean(axis=0)
        return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12)).round(9)

    def _topics(self, texts: Sequence[str]) -> Array:
        space, topics = self._fitted
        rows = space.encode(texts)
        return np.asarray(rows.todense() if topics is None else topics.transform(rows))


def rest_of(people: TextPopulation, concept: TextConcept, lenders: int, space: WordSpace) -> Rest:
    """Redraw the concept in every text from the texts most like it in the rest."""
    view, texts = people.view, people.texts
    vectors = space.encode([concept.taken_out(text) for text in texts])
    apart = (1 - vectors @ vectors.T).round(9)
    far = apart + np.diag(np.full(len(texts), np.inf))
    places = np.argsort(far, axis=1, kind="stable")[:, : min(lenders, len(texts) - 1)]
    at = view.rng.random(len(texts))
    asked = [concept.put_in(texts[i], texts[int(j)], at[i]) for i in range(len(texts)) for j in places[i]]
    drawn = people.tested(ask_texts(view, asked)).reshape(len(texts), places.shape[1], -1)
    expected = drawn.mean(axis=1)
    values = people.tested(people.outputs) - expected
    values = np.where(np.abs(values) <= 1e-9 * max(1.0, float(np.abs(people.outputs).max())), 0.0, values)
    middle = float(np.median(apart[np.triu_indices(len(texts), 1)]))
    context = np.exp2(-np.maximum(apart, 0) / middle) if middle > 0 else np.ones_like(apart)
    return Rest(values, expected, places, context, Similarities.of(values, context))


def put_into(people: TextPopulation, concept: TextConcept, marks: Mask, most: int) -> Moved:
    """Put the concept into texts without it: into each what a text drawn at random has of it."""
    return _edited(people, _lent(people, concept, marks, most))


def take_out(people: TextPopulation, concept: TextConcept, marks: Mask, most: int) -> Moved:
    """Take the concept out of texts that have it."""
    chosen = _some(people, marks, most)
    return _edited(people, [(int(i), concept.taken_out(people.texts[i])) for i in chosen])


def _some(people: TextPopulation, marks: Mask, most: int) -> Array:
    return np.sort(people.view.rng.permutation(np.flatnonzero(marks))[:most])


def _lent(people: TextPopulation, concept: TextConcept, marks: Mask, most: int) -> list[tuple[int, str]]:
    chosen, rng = _some(people, ~marks, most), people.view.rng
    lender = rng.choice(np.flatnonzero(marks), len(chosen))
    at = rng.random(len(chosen))
    pairs = zip(chosen, lender, at, strict=True)
    return [(int(i), concept.put_in(people.texts[i], people.texts[int(j)], place)) for i, j, place in pairs]


def _edited(people: TextPopulation, pairs: list[tuple[int, str]]) -> Moved:
    places = [place for place, _ in pairs]
    before, after = people.outputs[places], ask_texts(people.view, [text for _, text in pairs])
    return measured(after - before, before, flips(people.view, before, after[:, None]))


def random_words(people: TextPopulation, concept: WordConcept, marks: Mask, most: int, column: int) -> Array:
    """Mean changes (NULLS,) of one output when every word that is put in is another, random one about as frequent."""
    view = people.view
    pairs = _lent(people, concept, marks, most)
    held = Counter(word for text in sampled_texts(view) for word in set(folded_words(text)))
    used = {part for word in concept.words for part in word.split()}
    pool = sorted(word for word in held if word not in used and word.isalpha())
    if len(pool) < 2:
        return np.empty(0)
    counts = np.array([held[word] for word in pool])
    rng, moved = np.random.default_rng((view.seed, NULLS)), []
    before = people.outputs[[place for place, _ in pairs], column]
    for _ in range(NULLS):
        instead = {word: _like(word, held, pool, counts, rng) for word in sorted(concept.words)}
        texts = [_swapped(people.texts[place], text, concept, instead) for place, text in pairs]
        moved.append(float((ask_texts(view, texts)[:, column] - before).mean()))
    return np.array(moved)


def _like(word: str, held: Mapping[str, int], pool: list[str], counts: Array, rng: np.random.Generator) -> str:
    """As many random words as the phrase has, each out of those about as frequent."""
    parts = []
    for part in word.split():
        close = np.argsort(np.abs(counts - held.get(part, 0)), kind="stable")[:_ALIKE]
        parts.append(pool[int(rng.choice(close))])
    return " ".join(parts)


def _swapped(before: str, after: str, concept: WordConcept, instead: Mapping[str, str]) -> str:
    """The edited text with random words where the concept's were put in."""
    return after if after == before else concept.replaced(after, instead)


@dataclass(frozen=True)
class Probe:
    """How well a concept is recognised in the space on texts not fitted to: AUC, its p-value against chance, and
    Kendall's tau between the scores of probes fitted to two halves."""

    auc: float
    p: float
    tau: float


def probe(vectors: Array, marks: Mask, rng: np.random.Generator) -> Probe:
    """Logistic regressions on either half of the texts, scored on the other."""
    from scipy.stats import kendalltau
    from sklearn.linear_model import LogisticRegression

    half = halves(marks, rng)
    scores = np.empty((2, len(marks)))
    for one in (0, 1):
        fitted = LogisticRegression(C=1.0, class_weight="balanced", max_iter=500)
        scores[one] = fitted.fit(vectors[half == one], marks[half == one]).decision_function(vectors)
    held = np.where(half == 0, scores[1], scores[0]).round(9)
    auc, p = separation(held, marks)
    tau = float(kendalltau(scores[0].round(9), scores[1].round(9)).statistic)
    return Probe(auc, p, tau if np.isfinite(tau) else 0.0)


def separation(scores: Array, marks: Mask) -> tuple[float, float]:
    """AUC of scores (n,) that should be larger where marked, and its one-sided p-value (Mann & Whitney 1947)."""
    from scipy.stats import mannwhitneyu

    found = mannwhitneyu(scores[marks], scores[~marks], alternative="greater")
    return float(found.statistic) / (int(marks.sum()) * int((~marks).sum())), float(found.pvalue)


def halves(marks: Mask, rng: np.random.Generator) -> Array:
    """0 or 1 for every text, half of either side each."""
    half = np.zeros(len(marks), dtype=np.int64)
    for side in (marks, ~marks):
        places = rng.permutation(np.flatnonzero(side))
        half[places[::2]] = 1
    return half


@dataclass(frozen=True)
class LocalText:
    """One text that has the concept: what taking it out does (width,), whether the prediction flips, the test over
    shortened versions, and changes (draws, width) when as many random words are taken out instead."""

    test: Outcome
    change: Array
    flips: bool | None
    false_alarms: int
    others: Array


def local_text(people: TextPopulation, concept: TextConcept, alpha: float) -> LocalText:
    """Bet on pairs of versions of the text, one with the concept and one without, both with other words left out."""
    view, text = people.view, people.texts[0]
    split = split_text(text)
    count = len(split.units)
    gone = concept.taken_out(text)
    held = _defining(concept, text)
    masks = view.rng.random((LOCAL_DRAWS, 2, count)) < KEPT
    masks[:, :, held] = True
    versions = [[split.kept(np.flatnonzero(one).tolist()) for one in pair] for pair in masks]
    drawn = ask_texts(view, [*(v[0] for v in versions), *(concept.taken_out(v[1]) for v in versions), gone])
    pooled, after = people.tested(drawn[:-1]), drawn[-1]
    marks = np.arange(2 * LOCAL_DRAWS) < LOCAL_DRAWS
    free = np.setdiff1d(np.arange(count), held)
    rng = view.rng
    tries = NULLS if 0 < len(held) < len(free) else 0
    others = [split.without(rng.permutation(free)[: len(held)].tolist()) for _ in range(tries)]
    return LocalText(
        test=association(pooled, marks, alpha, view.rng),
        change=after - people.outputs[0],
        flips=None if view.subject.regression else bool(after.argmax() != people.outputs[0].argmax()),
        false_alarms=random_rejections(lambda mask, rng: association(pooled, mask, alpha, rng), marks, view.seed),
        others=ask_texts(view, others) - people.outputs[0] if others else np.empty((0, len(after))),
    )


def _defining(concept: TextConcept, text: str) -> Array:
    """Places of the words of a text that the concept is about."""
    if not isinstance(concept, WordConcept):
        return np.empty(0, dtype=np.int64)
    spans = concept.spans(text)
    units = enumerate(split_text(text).units)
    held = [place for place, unit in units if any(unit.start < end and start < unit.end for start, end in spans)]
    return np.array(held, dtype=np.int64)
