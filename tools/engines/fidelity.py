"""Whether the features that an attribution names are those the prediction hangs on: asked of the model.

Rankings run from what pushes the prediction furthest in the direction it took to what pushes it back most: ordered by
size alone, features of both signs cancel, and exact Shapley values of linear models would fail more often than not.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.coalitions import Coalitions, Played, ends
from askwhy.tools.evaluator import Index
from askwhy.tools.predictor import Outputs
from askwhy.tools.subject import Mask

RANDOM_RANKINGS = 100
"""C3: at least so many random rankings; with five features or fewer, all there are."""

ENUMERABLE = 5
LEVEL = 0.05
NO_RATIO = 0.02
"""C3: below this share of the output's range, the difference from the average is too small to divide by."""

SUBSETS = 100
"""C5: random subsets whose attributions are compared with their removal."""

SHARES = (0.2, 0.35, 0.5)
"""C6: the shares of the features that are taken as named, from a fifth to a half."""

_Z = 1.96
_DUST = 1e-9


@dataclass(frozen=True)
class Removal:
    """C3: areas between the curves of random rankings and the attribution's own; positive is better than random.

    better: the share of random rankings that beat it strictly, deletion and insertion taken together: each on its own
    fails exact Shapley values of models with interactions in up to half of the cases, together in none. p: the same
    as a rank test, with ties counted against the attribution. share: the mean of both areas over the whole difference
    from the average, None where that is too small for a ratio. rankings: how many were compared.
    """

    deletion: float
    insertion: float
    better: float
    p: float
    rankings: int
    enumerated: bool
    share: float | None

    @property
    def passed(self) -> bool:
        """Ahead of the mean random ranking both ways, and hardly any beats it."""
        return self.deletion > 0 and self.insertion > 0 and self.better < LEVEL


def rankings(players: int, rng: np.random.Generator) -> Index:
    """Random rankings (n, players), each with its reverse, or all there are of few players."""
    if players <= ENUMERABLE:
        return np.array(list(itertools.permutations(range(players))), dtype=np.int64)
    half = np.argsort(rng.random((RANDOM_RANKINGS // 2, players)), axis=1)
    return np.concatenate([half, half[:, ::-1]])


def sizes(players: int, most: int) -> Index:
    """At most `most` sizes between the empty and the full coalition, symmetric about the middle."""
    if players - 1 <= most:
        return np.arange(1, players)
    lower = np.round(np.linspace(0, players / 2, most // 2 + 2)[1:-1]).astype(np.int64)
    return np.unique(np.concatenate([np.maximum(1, lower), players - np.maximum(1, lower)]))


def prefixes(order: Index, taken: Index) -> Mask:
    """The first `taken` players of every ranking: masks (rankings, sizes, players)."""
    place = np.argsort(order, axis=1)
    return np.asarray(place[:, None, :] < taken[None, :, None], dtype=bool)


def removal(game: Played, values: Outputs, drawn: Index, taken: Index, spread: float) -> Removal:
    """C3 of attributions (players,) against the rankings `drawn`, with the curves read at the sizes `taken`.

    Deleting by a ranking is inserting by its reverse, so that a pair of reverses shares its coalitions. `spread` is the
    output's range.
    """
    empty, whole = game.worth(ends(game.count))
    way = 1.0 if whole >= empty else -1.0
    order = ranking(way * values)
    inserted, deleted = (way * _areas(game, one, taken)[0] for one in (order, order[:, ::-1]))
    random, reverse = (way * _areas(game, one, taken) for one in (drawn, drawn[:, ::-1]))
    dust = _DUST * max(spread, 1e-3 * float(np.abs(random).max(initial=0.0)))
    deletion, insertion = float(reverse.mean()) - deleted, inserted - float(random.mean())
    lead = (inserted - deleted) - (random - reverse)
    own = 0 if game.count <= ENUMERABLE else 1
    total = abs(float(whole - empty))
    return Removal(
        deletion=0.0 if abs(deletion) <= dust else float(deletion),
        insertion=0.0 if abs(insertion) <= dust else float(insertion),
        better=float((lead < -dust).mean()),
        p=float(((lead <= dust).sum() + own) / (len(drawn) + own)),
        rankings=len(drawn),
        enumerated=game.count <= ENUMERABLE,
        share=float(deletion + insertion) / 2 / total if total >= NO_RATIO * spread else None,
    )


def ranking(values: Outputs) -> Index:
    """The players (1, players) from the largest value to the smallest; equal ones in a random but fixed order."""
    size = float(np.abs(values).max(initial=0.0)) or 1.0
    mixed = np.random.default_rng(len(values)).random(len(values))
    return np.lexsort((mixed, -np.round(values / size, 9)))[None]


def _areas(game: Played, order: Index, taken: Index) -> Outputs:
    masks = prefixes(order, taken)
    return np.asarray(game.worth(masks.reshape(-1, game.count)).reshape(len(order), -1).mean(axis=1))


@dataclass(frozen=True)
class Correlation:
    """C5: Pearson's r of summed attributions and measured removals over subsets; `low` is its lower 95 % bound."""

    r: float
    low: float
    subsets: int


def subsets(players: int, rng: np.random.Generator) -> Mask:
    """Subsets to remove, of up to half the players (at least one): random ones, or all where they are few."""
    most = max(1, players // 2)
    if sum(math.comb(players, size) for size in range(1, most + 1)) <= SUBSETS:
        chosen = [one for size in range(1, most + 1) for one in itertools.combinations(range(players), size)]
        return np.array([np.isin(np.arange(players), one) for one in chosen], dtype=bool).reshape(-1, players)
    wanted = rng.integers(1, most + 1, SUBSETS)
    return np.asarray(np.argsort(np.argsort(rng.random((SUBSETS, players)), axis=1), axis=1) < wanted[:, None])


def correlation(game: Played, values: Outputs, removed: Mask) -> Correlation | None:
    """C5 of attributions (players,) over the subsets `removed`; None where nothing varies."""
    whole = game.worth(ends(game.count)[1:])
    lost, said = whole - game.worth(~removed), removed @ values
    if len(lost) < 3 or np.ptp(lost) <= _DUST * np.abs(whole).max() or np.ptp(said) == 0:
        return None
    r = float(np.clip(np.corrcoef(lost, said)[0, 1], -1, 1))
    every = len(removed) < SUBSETS  # all subsets there are: nothing was sampled
    low = r if every or abs(r) == 1 else math.tanh(math.atanh(r) - _Z / math.sqrt(len(lost) - 3))
    return Correlation(r, low, len(lost))


def named(values: Outputs) -> tuple[Mask, Mask]:
    """For the top fifth, third and half of the players by size: those that raise, and those that lower (3, players)."""
    place = np.argsort(np.argsort(-np.abs(values), kind="stable"), kind="stable")
    top = np.array([place < max(1, round(share * len(values))) for share in SHARES])
    return top & (values > 0), top & (values < 0)


def fidelity_masks(values: Outputs) -> Mask:
    """The coalitions (12, players) that `fidelity` reads: raisers and lowerers taken away, and put in."""
    up, down = named(values)
    return np.concatenate([~down, ~up, up, down])


def fidelity(game: Played, values: Outputs) -> Outputs:
    """C6: how far the prediction moves as said when the named features are replaced, (background rows,).

    What is said to raise it is taken away, and put into the background rows; what is said to lower it likewise, with
    the opposite sign. The mean is over the shares of features and over both ways. Features named in error, or with the
    wrong sign, cost.
    """
    kept_up, kept_down, up, down = game.outcomes(fidelity_masks(values)).reshape(4, len(SHARES), -1)
    return np.asarray((kept_up - kept_down + up - down).mean(axis=0) / 2)


def shuffled(values: Outputs, times: int, rng: np.random.Generator) -> Outputs:
    """The same values dealt out to the players at random: (times, players)."""
    return np.array([rng.permutation(values) for _ in range(times)])


def affordable(game: Coalitions, masks: Sequence[Mask], budget: float) -> Coalitions | None:
    """The game, with as many background rows as let it answer for the masks within `budget` rows; None if not one."""
    every = np.concatenate([ends(game.count), *masks])
    if game.unknown(every) * game.refs <= budget:
        return game
    distinct = len(np.unique(every, axis=0))
    refs = int(budget // distinct)
    return game.thinned(refs) if refs >= 1 else None
