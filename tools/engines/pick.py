"""A few cases whose explanations show what the model goes by (submodular pick: Ribeiro, Singh & Guestrin 2016).

An explanation names the few features that count most for its row. A feature's weight is the root of the total size of
its attributions where it is named; cases are taken one after the other, each the one that adds most weight not yet
covered. That is within 1 - 1/e of the best choice of as many cases.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.truth import Array

NAMED = 3
"""How many features an explanation names at most."""


@dataclass(frozen=True)
class Picked:
    """Places of the cases in order, the share of the weight that the first ones cover, and of each feature's weight.

    named: which features (rows, features) every row's explanation names. weights: (features,), summing to 1.
    """

    cases: list[int]
    covered: list[float]
    named: Array
    weights: Array

    def coverage(self, cases: Array) -> float:
        """The share of the weight that other cases would cover."""
        return min(1.0, float(self.weights[self.named[cases].any(axis=0)].sum()))


def pick(values: Array, count: int) -> Picked:
    """At most `count` rows of attributions (rows, features); fewer where the rest would add nothing."""
    sizes = np.abs(values)
    order = np.argsort(-sizes, axis=1, kind="stable")[:, :NAMED]
    named = np.zeros(sizes.shape, dtype=bool)
    np.put_along_axis(named, order, True, axis=1)
    named &= sizes > 5e-7 * max(1.0, float(sizes.max(initial=0.0)))
    weights = np.sqrt(np.where(named, sizes, 0.0).sum(axis=0))
    if not weights.sum():
        return Picked([], [], named, weights)
    weights = weights / weights.sum()
    cases: list[int] = []
    covered: list[float] = []
    open_ = np.ones(len(weights), dtype=bool)
    while len(cases) < count:
        gains = (named & open_) @ weights
        # Among cases that add the same, the one whose explanation is strongest.
        best = int(np.lexsort((-sizes.sum(axis=1).round(12), -gains.round(12)))[0])
        if gains[best] <= 0:
            break
        open_ &= ~named[best]
        cases.append(best)
        covered.append(min(1.0, float(weights[~open_].sum())))
    return Picked(cases, covered, named, weights)
