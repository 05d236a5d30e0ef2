"""Words to put where others are taken away: what stands in such places in the subject's own texts.

A word is drawn by the words beside it: half from what follows the word before or precedes the word after in the texts,
half by how often words occur at all. A crude masked language model, but the subject's own and always at hand.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from askwhy.tools.engines.text_game import Fills
from askwhy.tools.engines.text_units import Split, UnitKind, fold, split_text
from askwhy.tools.engines.text_words import sampled_texts
from askwhy.tools.errors import ToolError
from askwhy.tools.predictor import Outputs
from askwhy.tools.view import View

MOST_TEXTS = 2000
"""Texts that replacements are drawn from."""

FEWEST_WORDS = 10
"""Different words, or sentences, that there must be to draw from."""

_BESIDE = 0.5


@dataclass(eq=False)
class Stock:
    """What to draw from: every unit with how often it occurs, and which stand beside which."""

    units: list[str]
    weights: Outputs
    after: dict[str, list[int]] = field(default_factory=dict)
    before: dict[str, list[int]] = field(default_factory=dict)

    @functools.cached_property
    def place(self) -> dict[str, int]:
        """The position of every unit, by its folded text."""
        return {fold(unit): position for position, unit in enumerate(self.units)}

    def draw(self, split: Split, count: int, rng: np.random.Generator) -> Fills:
        """Replacements for every unit of a text, `count` times; never the unit itself."""
        keys = [fold(unit.text) for unit in split.units]
        columns = [self._draws(keys, place, count, rng) for place in range(len(keys))]
        return tuple(tuple(column[i] for column in columns) for i in range(count))

    def _draws(self, keys: Sequence[str], place: int, count: int, rng: np.random.Generator) -> list[str]:
        own = self.place.get(keys[place], -1)
        beside = [
            one
            for one in (
                *(self.after.get(keys[place - 1], ()) if place else ()),
                *(self.before.get(keys[place + 1], ()) if place + 1 < len(keys) else ()),
            )
            if one != own
        ]
        weights = self.weights.copy()
        if own >= 0:
            weights[own] = 0.0
        drawn = rng.choice(len(self.units), count, p=weights / weights.sum())
        if beside:
            near = np.asarray(beside)[rng.integers(0, len(beside), count)]
            drawn = np.where(rng.random(count) < _BESIDE, near, drawn)
        return [self.units[int(one)] for one in drawn]


def stock(view: View, unit: UnitKind) -> Stock:
    """The words (or sentences) of the subject's texts; ToolError where there are too few to draw from."""
    kind: UnitKind = "sentence" if unit == "sentence" else "word"
    counts: Counter[str] = Counter()
    runs: list[list[str]] = []
    for number, text in enumerate(sampled_texts(view)):
        if number >= MOST_TEXTS:
            break
        found = [one.text if kind == "sentence" else fold(one.text) for one in split_text(text, kind).units]
        counts.update(found)
        runs.append(found)
    if len(counts) < FEWEST_WORDS:
        raise ToolError(
            f"The {view.schema.entities} hold only {len(counts)} different {kind}s, too few to draw replacements from; "
            "ask for SHAP or LIME, which delete."
        )
    units = sorted(counts)
    weights = np.array([counts[one] for one in units], dtype=float)
    made = Stock(units, weights / weights.sum())
    if kind == "word":
        _join(made, runs)
    return made


def _join(made: Stock, runs: Sequence[Sequence[str]]) -> None:
    """Note which words stand beside which, as often as they do."""
    after, before = defaultdict(list), defaultdict(list)
    for words in runs:
        for left, right in itertools.pairwise(words):
            after[left].append(made.place[right])
            before[right].append(made.place[left])
    made.after, made.before = dict(after), dict(before)
