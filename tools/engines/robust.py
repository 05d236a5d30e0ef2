"""C4: fidelity that does not hang on taking away all named features at once, and whether it was measured in the data.

After Zheng et al., "Towards Robust Fidelity for Evaluating Explainability" (2024): every named feature is taken away
with probability one half, every other one kept with probability one half.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.coalitions import Coalitions, Played, ends
from askwhy.tools.engines.fidelity import ranking
from askwhy.tools.engines.neighbours import UNUSUAL, usual
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import compose
from askwhy.tools.predictor import Outputs
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

IN_DATA = 0.8
"""The least share of mixed rows that must be no more unusual than 95 % of the data."""

_DRAWS, _ENUMERABLE = 16, 8
_SETS = 50
_PROBED = 200
_TIE = 0.05


@dataclass(frozen=True)
class Robust:
    """What the prediction loses without the named features, beyond what it loses without the others, on average.

    better: the share of random sets of equal size that do better by more than a twentieth. sets: how many there were.
    """

    delta: float
    better: float
    sets: int

    @property
    def passed(self) -> bool:
        """Positive on the whole, and hardly any random set does better."""
        return self.delta > 0 and self.better < 0.05


def named_sets(game: Played, values: Outputs, k: int, rng: np.random.Generator) -> Mask:
    """The `k` players that push furthest in the direction the prediction took, then random sets of `k` (n, players)."""
    empty, whole = game.worth(ends(game.count))
    way = 1.0 if whole >= empty else -1.0
    own = ranking(way * values)[0, :k]
    players = np.arange(game.count)
    if math.comb(game.count, k) <= _SETS:
        others = [np.isin(players, one) for one in itertools.combinations(players, k)]
    else:
        others = [np.isin(players, rng.choice(game.count, k, replace=False)) for _ in range(_SETS)]
    return np.array([np.isin(players, own), *others], dtype=bool)


def robust_masks(sets: Mask, rng: np.random.Generator) -> Mask:
    """Coalitions (sets, 2, draws, players): with the named thinned out, and with the others thinned out.

    Every way to thin them out where the players are few.
    """
    players = sets.shape[1]
    if players <= _ENUMERABLE:
        coins = np.array(list(itertools.product((False, True), repeat=players)), dtype=bool)
    else:
        half = rng.random((_DRAWS // 2, players)) < 0.5
        coins = np.concatenate([half, ~half])
    named = sets[:, None, :]
    return np.stack([~(named & coins), named | coins], axis=1)


def robust_fidelity(game: Played, masks: Mask) -> Robust:
    """C4 of the first of the sets that `masks` were made for, against the others."""
    empty, whole = game.worth(ends(game.count))
    way = 1.0 if whole >= empty else -1.0
    lost = way * (whole - game.worth(masks.reshape(-1, game.count)).reshape(masks.shape[:3]).mean(axis=2))
    delta = lost[:, 0] - lost[:, 1]
    beyond = delta[0] + _TIE * float(np.abs(delta).max())
    return Robust(float(delta[0]), float((delta[1:] > beyond).mean()), len(delta) - 1)


def within_data(view: View, game: Coalitions) -> float | None:
    """The share of mixed rows no further from the data than 95 % of its rows are; None where that is not known."""
    try:
        known = usual(view)
    except ToolError:
        return None
    rng = np.random.default_rng(view.seed)
    taken = np.zeros((_PROBED, game.row.shape[1]), dtype=bool)
    taken[:, game.players] = rng.random((_PROBED, game.count)) < 0.5
    source = np.where(taken, game.refs, rng.integers(0, game.refs, _PROBED)[:, None])
    mixed = compose(game.pool, source.astype(np.int64))
    far = known.far(known.company.space.encode(mixed), np.full(_PROBED, -1))
    return float((known.shares(far) < UNUSUAL).mean())
