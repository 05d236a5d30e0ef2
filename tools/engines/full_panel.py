"""The quality panel of a local explanation in full: with as many rows as it takes, on demand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from askwhy.tools.attribution import Attribution
from askwhy.tools.engines.coalitions import Coalitions
from askwhy.tools.engines.fidelity import (
    Correlation,
    Removal,
    affordable,
    correlation,
    prefixes,
    ranking,
    rankings,
    removal,
    sizes,
    subsets,
)
from askwhy.tools.engines.panel import light_repeats, output_range
from askwhy.tools.engines.robust import Robust, named_sets, robust_fidelity, robust_masks, within_data
from askwhy.tools.engines.stability import (
    RERUNS,
    Repeats,
    Sensitivity,
    clear_top,
    neighbours,
    repeats,
    sensitivity,
)
from askwhy.tools.view import View

BUDGET = 60_000
"""Rows that each of the measurements may ask the model about."""

_SIZES = 10
_NEIGHBOURS = 50
_FEWEST_PLAYERS = 5

Attribute = Callable[[View], Attribution]


@dataclass(frozen=True)
class FullPanel:
    """Everything measured of one attribution; None where it does not apply."""

    removal: Removal | None
    correlation: Correlation | None
    robust: Robust | None
    sensitivity: Sensitivity | None
    repeats: Repeats | None
    inside: float | None
    k: int


def full_panel(view: View, found: Attribution, again: Attribute, named: Sequence[int]) -> FullPanel:
    """The panel of `found`; `again` makes such an attribution anew for a view with another seed."""
    game = found.game
    if game is None or game.count < 2:
        return FullPanel(None, None, None, None, None, None, 0)
    k = max(1, min(len(named), (game.count + 1) // 2))
    removed, correlated = _faithful(view, found, game)
    return FullPanel(
        removal=removed,
        correlation=correlated,
        robust=_robust(view, found, game, k),
        sensitivity=_sensitivity(view, found, game, k),
        repeats=_reruns(view, found, again, k),
        inside=within_data(view, game),
        k=k,
    )


def _faithful(view: View, found: Attribution, game: Coalitions) -> tuple[Removal | None, Correlation | None]:
    drawn, taken = rankings(game.count, view.rng), sizes(game.count, _SIZES)
    values, removed = found.values[game.players], subsets(game.count, view.rng)
    own = ranking(values)
    masks = prefixes(np.concatenate([drawn, own, own[:, ::-1]]), taken).reshape(-1, game.count)
    game.outcomes(~np.eye(game.count, dtype=bool))
    probe = affordable(game, [masks, ~removed], BUDGET)
    if probe is None or probe.count < game.count:
        return None, None
    return removal(probe, values, drawn, taken, output_range(found, probe)), correlation(probe, values, removed)


def _robust(view: View, found: Attribution, game: Coalitions, k: int) -> Robust | None:
    sets = named_sets(game, found.values[game.players], k, view.rng)
    masks = robust_masks(sets, view.rng)
    probe = affordable(game, [masks.reshape(-1, game.count)], BUDGET)
    return None if probe is None or probe.count < game.count else robust_fidelity(probe, masks)


def _sensitivity(view: View, found: Attribution, game: Coalitions, k: int) -> Sensitivity | None:
    if game.count < _FEWEST_PLAYERS:
        return None
    refs = max(1, BUDGET // ((_NEIGHBOURS + 1) * (2 * len(view.schema.names) + 2)))
    near = neighbours(view, game.row, _NEIGHBOURS, game.column, output_range(found, game))
    return sensitivity(game.thinned(refs), near, k)


def _reruns(view: View, found: Attribution, again: Attribute, k: int) -> Repeats | None:
    """C8 by running anew with other seeds; by the standard errors where that would take too long."""
    if found.error is None:
        return None
    if found.spent > BUDGET:
        return light_repeats(view, found, k)
    seeds = range(view.seed + 1, view.seed + 1 + RERUNS)
    runs = np.array([again(replace(view, seed=seed)).values for seed in seeds])
    return repeats(runs, clear_top(found.values, found.error, k))
