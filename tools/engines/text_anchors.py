"""Anchors on words: which words, kept in place, hold a prediction while the others are replaced.

The search is that of `anchors`, over texts in place of rows: every word that is not held is replaced with probability
one half by a word of the subject's texts (Ribeiro, Singh & Guestrin 2018, for text).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from askwhy.tools.engines.anchors import Arm, Draws, Kept, Pace
from askwhy.tools.engines.coalitions import one_by_one
from askwhy.tools.engines.rules import Predicate
from askwhy.tools.engines.text_fill import Stock, stock
from askwhy.tools.engines.text_game import TextGame, ask_texts
from askwhy.tools.engines.text_units import Term, fold, split_text
from askwhy.tools.schema import Feature
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

REPLACED = 0.5
"""How likely a word that is not held is replaced."""

MOST_WORDS = 25
"""Words that an anchor is sought among: those whose own deletion moves the output most."""

SLOW_WORDS = 10
"""... where the model is a network."""

_STOCKED = 200
_USUAL = Pace(batch=50, largest=400, most=1000, fresh=1000)
_SLOW = Pace(batch=20, largest=80, most=200, fresh=400)


@dataclass(eq=False)
class TextDraws(Draws):
    """Texts drawn around one text with some of its words held. `data` has a column for each candidate word: whether a
    text of the subject holds it."""

    game: TextGame = field(kw_only=True)
    replacements: Stock = field(kw_only=True)
    _fills: list[tuple[str, ...]] = field(init=False, default_factory=list, repr=False)

    def __post_init__(self) -> None:
        self._fills = list(self.replacements.draw(self.game.split, _STOCKED, self.rng))

    def extend(self, arms: Sequence[Arm], count: int) -> None:
        """Draw `count` more texts of every arm, in one request."""
        texts = [text for arm in arms for text in self._texts(arm, count)]
        same = self.kept(ask_texts(self.game.view, texts)).reshape(len(arms), count).sum(axis=1)
        for arm, number in zip(arms, same, strict=True):
            arm.draws, arm.kept = arm.draws + count, arm.kept + int(number)

    def _texts(self, arm: Arm, count: int) -> list[str]:
        held = self._held(arm)
        stays = (self.rng.random((count, len(held))) >= REPLACED) | held
        chosen = self.rng.integers(0, len(self._fills), (count, len(held)))
        return [
            self.game.split.filled(own.tolist(), [self._fills[draw][place] for place, draw in enumerate(row)])
            for own, row in zip(stays, chosen, strict=True)
        ]

    def _held(self, arm: Arm) -> Mask:
        held = np.zeros(len(self.game.split.units), dtype=bool)
        for predicate in arm.rule:
            held[list(self.game.terms[int(predicate.feature.name)].places)] = True
        return held


def word_predicates(game: TextGame, positions: Sequence[int]) -> list[Predicate]:
    """That a word is there, for each of these terms; a feature's name is the position of its term."""
    return [
        Predicate(Feature(name=str(position), label=game.terms[position].text, kind="boolean"), value=True)
        for position in positions
    ]


def candidate_words(game: TextGame) -> list[int]:
    """Terms to seek an anchor among, in the text's order."""
    single = np.abs(one_by_one(game))
    order = np.argsort(-single, kind="stable")[: SLOW_WORDS if game.slow else MOST_WORDS]
    return sorted(int(one) for one in order if game.terms[int(one)].text)


def word_table(view: View, terms: dict[int, Term]) -> pd.DataFrame:
    """Which of the subject's texts hold each term: a boolean frame with the term's position as column name."""
    wanted = {position: _keys(term.text) for position, term in terms.items()}
    cells = view.subject.data.iloc[:, 0]
    needed = {key for keys in wanted.values() for key in keys}
    columns: dict[str, list[bool]] = {str(position): [] for position in wanted}
    for cell in cells:
        text = "" if pd.isna(cell) else str(cell)
        low = fold(text)
        words = [fold(unit.text) for unit in split_text(text).units] if any(key in low for key in needed) else []
        for position, keys in wanted.items():
            columns[str(position)].append(_holds(words, keys))
    return pd.DataFrame(columns, index=view.subject.data.index)


def _keys(text: str) -> tuple[str, ...]:
    return tuple(fold(unit.text) for unit in split_text(text).units)


def _holds(words: Sequence[str], keys: tuple[str, ...]) -> bool:
    if len(keys) == 1:
        return keys[0] in words
    return any(tuple(words[i : i + len(keys)]) == keys for i in range(len(words) - len(keys) + 1))


def text_draws(game: TextGame, data: pd.DataFrame, kept: Kept) -> TextDraws:
    """Draws around the game's text; `data` as from `word_table`. ToolError where there are too few words to put in."""
    view, pace = game.view, _SLOW if game.slow else _USUAL
    others = stock(view, "word")
    return TextDraws(view.evaluate, view.instance, data, kept, view.rng, pace, game=game, replacements=others)
