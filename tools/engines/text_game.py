"""The game that the parts of a text play, remembered: what the model says of the text with some of them taken away.

What is taken away is deleted, or replaced by words of the subject's other texts (input marginalisation: Kim, Yi, Kim &
Yoon 2020, "Interpretation of NLP models through input marginalization").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from askwhy.tools.engines.text_units import Split, Term, UnitKind
from askwhy.tools.errors import ToolError
from askwhy.tools.predictor import Outputs
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

MOST_TERMS = 60
"""Words told apart in one text; those with the smallest effect on their own passage are taken together as one."""

COALITIONS = 2048
"""Shortened texts that one attribution may ask the model about ..."""

SLOW_COALITIONS = 512
"""... a network, which takes a hundred times longer for each ..."""

CHARACTERS = 4_000_000
"""... and their characters altogether, so that long texts get fewer (but never less than the sampler needs)."""

PASSAGE: dict[UnitKind, int] = {"word": 30, "phrase": 30, "sentence": 5}
"""Units of a passage: what is around a word when its effect is first looked at (a phrase is made of words)."""

_SCREENED_PLACES = 2

Fills = tuple[tuple[str, ...], ...]
"""What stands for every unit of a text where it is taken away: (draws, units). Empty: it is deleted."""


@dataclass(eq=False)
class TextGame:
    """What a text is worth with only some of its `terms`: the output in `column`, less that in `foil` if there is one.

    Masks are (coalitions, terms). Nothing is asked of the model twice. most: texts that an attribution may ask about.
    """

    view: View
    column: int
    split: Split
    terms: tuple[Term, ...]
    foil: int | None = None
    fills: Fills = field(default=(), repr=False)
    most: int = COALITIONS
    _place: dict[bytes, int] = field(init=False, default_factory=dict, repr=False)
    _outcomes: list[Outputs] = field(init=False, default_factory=list, repr=False)

    @property
    def count(self) -> int:
        """How many terms there are."""
        return len(self.terms)

    @property
    def refs(self) -> int:
        """In how many ways what is taken away is replaced; 1 where it is deleted."""
        return max(1, len(self.fills))

    @property
    def asked(self) -> int:
        """How many texts the model was asked about."""
        return len(self._place) * self.refs

    @property
    def affordable(self) -> int:
        """How many coalitions may be asked about."""
        return min(self.most, CHARACTERS // max(1, len(self.split.text))) // self.refs

    @property
    def slow(self) -> bool:
        """Whether the model takes long for each text."""
        return self.most < COALITIONS

    def __call__(self, masks: Mask) -> Outputs:
        """Worths (coalitions, 1)."""
        return self.worth(masks)[:, None]

    def worth(self, masks: Mask) -> Outputs:
        """Worths (coalitions,), means over the replacements."""
        return np.asarray(self.outcomes(masks).mean(axis=1))

    def outcomes(self, masks: Mask) -> Outputs:
        """Outputs (coalitions, refs), one for each way to replace what is taken away."""
        keys = [mask.tobytes() for mask in np.asarray(masks, dtype=bool)]
        fresh = [key for key in dict.fromkeys(keys) if key not in self._place]
        if fresh:
            self._ask(fresh)
        return np.array([self._outcomes[self._place[key]] for key in keys]).reshape(len(masks), self.refs)

    def unknown(self, masks: Mask) -> int:
        """How many of the coalitions the model would have to be asked about."""
        return len({mask.tobytes() for mask in np.asarray(masks, dtype=bool)} - self._place.keys())

    def with_terms(self, terms: tuple[Term, ...]) -> TextGame:
        """The game of other terms of the same text."""
        return replace(self, terms=terms)

    def output(self) -> float:
        """The worth of the very text, which may differ in its blanks from the one put together from all its terms."""
        outputs = self.view.outputs[0]
        return float(outputs[self.column] - (0.0 if self.foil is None else outputs[self.foil]))

    def texts(self, masks: Mask) -> list[str]:
        """The texts of some coalitions, all replacements of the first before those of the second."""
        owner = np.zeros(len(self.split.units), dtype=np.int64)
        for position, term in enumerate(self.terms):
            owner[list(term.places)] = position
        kept = [np.asarray(mask, dtype=bool)[owner] for mask in masks]
        if not self.fills:
            return [self.split.kept(np.flatnonzero(one)) for one in kept]
        return [self.split.filled(one.tolist(), words) for one in kept for words in self.fills]

    def _ask(self, keys: list[bytes]) -> None:
        masks = np.array([np.frombuffer(key, dtype=bool) for key in keys]).reshape(len(keys), self.count)
        outputs = ask_texts(self.view, self.texts(masks))
        values = outputs[:, self.column] - (0.0 if self.foil is None else outputs[:, self.foil])
        for key, own in zip(keys, values.reshape(len(keys), self.refs), strict=True):
            self._place[key] = len(self._outcomes)
            self._outcomes.append(own)


def most_texts(view: View) -> int:
    """How many texts one attribution may ask about: fewer where each takes long or costs money."""
    predictor = view.subject.predictor
    most = COALITIONS if predictor.network is None else SLOW_COALITIONS
    return most if predictor.most_rows is None else min(most, predictor.most_rows // 3)


def refuse_dear(view: View, what: str) -> None:
    """Raise ToolError where the model may be asked about only few texts at a time."""
    most = view.subject.predictor.most_rows
    if most is not None:
        raise ToolError(f"This model may be asked about {most:,} texts at a time, which is too few {what}.")


def ask_texts(view: View, texts: Sequence[str]) -> Outputs:
    """The model's outputs for some texts."""
    return view.evaluate.outputs(pd.DataFrame({view.schema.names[0]: pd.Series(list(texts), dtype="str")}))


def most_telling(game: TextGame, unit: UnitKind, always: Iterable[int] = ()) -> tuple[tuple[Term, ...], int]:
    """At most `MOST_TERMS` terms, and how many others the last of them stands for (0: it is one like the others).

    Kept apart are the terms in `always` and those whose deletion changes the output for the passage around them most,
    at their first places: a long text as a whole hardly reacts to one word.
    """
    if len(game.terms) <= MOST_TERMS:
        return game.terms, 0
    asked = frozenset(always)
    effect = _passage_effects(game, PASSAGE[unit])
    order = sorted(range(len(game.terms)), key=lambda position: (position not in asked, -effect[position], position))
    apart = sorted(order[: max(MOST_TERMS - 1, len(asked))])
    others = [game.terms[position] for position in sorted(set(order) - set(apart))]
    places = sorted(place for term in others for place in term.places)
    return (*(game.terms[position] for position in apart), Term("", tuple(places))), len(others)


def _passage_effects(game: TextGame, length: int) -> Outputs:
    """The largest change of the output (terms,) for the passage of `length` units around a term without that term."""
    texts: list[str] = []
    owner: list[int] = []
    for position, term in enumerate(game.terms):
        for first in dict.fromkeys(place // length * length for place in term.places[:_SCREENED_PLACES]):
            texts += passage_pair(game.split, term, first, length)
            owner.append(position)
    outputs = ask_texts(game.view, texts)
    values = outputs[:, game.column] - (0.0 if game.foil is None else outputs[:, game.foil])
    effect = np.zeros(len(game.terms))
    np.maximum.at(effect, owner, np.abs(values[::2] - values[1::2]))
    return effect


def passage_pair(split: Split, term: Term, first: int, length: int) -> tuple[str, str]:
    """`length` units of a text from place `first`, with and without the term."""
    places, deleted = range(first, min(len(split.units), first + length)), frozenset(term.places)
    return split.kept(places), split.kept(place for place in places if place not in deleted)
