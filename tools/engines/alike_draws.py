"""Rows like those of the data that meet a rule, for anchors of models whose features go together.

Where thirty measurements rise and fall together, redrawing some of them alone makes rows that contradict themselves,
and no rule holds the prediction of those. Here every row is made of two rows of the data that meet the rule and are
alike: each feature is taken from one of them at random (after SMOTE: Chawla et al. 2002).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from askwhy.tools.engines.anchors import DELTA, PRECISION, Draws, kl_bound
from askwhy.tools.engines.distance import Space
from askwhy.tools.engines.rules import Rule, holds
from askwhy.tools.engines.truth import Array
from askwhy.tools.evaluator import Index
from askwhy.tools.schema import Schema
from askwhy.tools.subject import Mask

FEWEST = math.ceil(math.log(DELTA) / math.log(PRECISION))
"""Rows that must meet a rule: with fewer, even if all keep the prediction, the bound of 0.95 is not reached."""

_OFFERED = 5


@dataclass(eq=False)
class AlikeDraws(Draws):
    """Draws of which every one mixes two rows of the data that meet the rule, the second the nearest of five.

    A rule must also hold for the rows of the data as they are, with a lower bound of their own.
    """

    schema: Schema = field(kw_only=True)
    fewest: int = FEWEST
    _cells: Array = field(init=False, repr=False)
    _kept: Mask = field(init=False, repr=False)
    _space: Space = field(init=False, repr=False)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._space = Space.of(self.schema, self.data)
        self._cells = self._space.encode(self.data)
        self._kept = self.kept(self.evaluate.outputs(self.data))

    def admits(self, rule: Rule) -> bool:
        """Whether enough rows of the data meet the rule and keep the prediction."""
        share, rows = self.real(rule)
        return rows >= self.fewest and kl_bound(share, math.log(1 / DELTA) / rows, upper=False) >= PRECISION

    def real(self, rule: Rule) -> tuple[float, int]:
        """Share of the rows of the data that meet the rule which keep the prediction, and how many meet it."""
        met = holds(rule, self.data)
        return float(self._kept[met].mean()) if met.any() else 0.0, int(met.sum())

    def _rows(self, rule: Rule, count: int) -> Index:
        met = np.ones(len(self.data), dtype=bool)
        for predicate in rule:
            met &= self._where(predicate)[:-1]
        places = np.flatnonzero(met)
        first = self.rng.choice(places, count)
        offered = self.rng.choice(places, (count, _OFFERED))
        apart = self._space.differences(self._cells[first][:, None, :], self._cells[offered]).sum(axis=2)
        apart[offered == first[:, None]] = np.inf  # a row is no news beside itself
        second = offered[np.arange(count), apart.argmin(axis=1)]
        swapped = self.rng.random((count, self._pool.shape[1])) < 0.5
        return np.where(swapped, second[:, None], first[:, None]).astype(np.int64)
