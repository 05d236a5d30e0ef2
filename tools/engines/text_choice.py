"""Which attribution of a text to show, and how good it is: measured on the model, within what the attribution cost.

The measure is comprehensiveness and sufficiency (DeYoung et al. 2020, "ERASER") averaged over several sizes, i.e. the
areas under the deletion and insertion curves, against at least 100 random rankings (C3). The most faithful method is
the one that beats these by most (C6).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from askwhy.tools.attribution import Attribution
from askwhy.tools.engines.coalitions import ends
from askwhy.tools.engines.fidelity import Removal, prefixes, ranking, rankings, removal, sizes
from askwhy.tools.engines.panel import Panel, light_repeats
from askwhy.tools.engines.text_attribution import (
    attribute_text,
    attribute_text_by_lime,
    attribute_text_by_occlusion,
    enough_neighbours,
    text_lime,
)
from askwhy.tools.engines.text_fill import stock
from askwhy.tools.engines.text_game import TextGame
from askwhy.tools.engines.text_gradients import (
    PASSES_PER_STEP,
    STEPS,
    attribute_text_by_gradients,
)
from askwhy.tools.engines.text_units import UnitKind
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Quality
from askwhy.tools.quality import USABLE_FIT
from askwhy.tools.schema import ClassLabel

REPLACEMENTS = 8
"""Ways to replace what is taken away in input marginalisation."""

MOST_SIZES = 5
"""At how many sizes the curves are read, where the budget allows."""

LEAD, TIE = 0.05, 1e-4
"""Another method than SHAP is chosen where it leads by more than this share, and this share of the output's range."""


@dataclass(frozen=True)
class Measured:
    """One method and how far its ranking beats random ones; None where the budget did not reach to measure it."""

    found: Attribution
    removal: Removal | None

    @property
    def lead(self) -> float:
        """The mean of both areas beyond random."""
        return 0.0 if self.removal is None else (self.removal.deletion + self.removal.insertion) / 2


@dataclass(frozen=True)
class TextChoice:
    """The attribution to show with its measure, and all that were tried, the chosen one first."""

    chosen: Measured
    tried: tuple[Measured, ...]

    def quality(self) -> Iterator[Quality]:
        """C6, where there was a choice and it was measured."""
        if len(self.tried) > 1 and self.chosen.removal is not None:
            note = "; ".join(f"{one.found.name} {one.lead:.3g}" for one in self.tried)
            value = self.chosen.lead
            yield Quality(check="C6", value=value, passed=value > 0, note=f"lead over random rankings: {note}")


def text_attribution(game: TextGame, label: ClassLabel | None, unit: UnitKind, method: str) -> Attribution:
    """The attribution of a text by one method. Raises ToolError where the model does not allow it."""
    if method == "lime":
        return attribute_text_by_lime(game, label, unit)
    if method == "occlusion":
        return attribute_text_by_occlusion(game, label, unit)
    if method == "integrated_gradients":
        return attribute_text_by_gradients(game, label, unit)
    return attribute_text(marginal(game, unit) if method == "marginalisation" else game, label, unit)


def marginal(game: TextGame, unit: UnitKind, draws: int = REPLACEMENTS) -> TextGame:
    """The game in which what is taken away is replaced by words of the subject's texts; itself if it is one already."""
    if game.fills:
        return game
    fills = stock(game.view, unit).draw(game.split, draws, game.view.rng)
    return replace(game, fills=fills)


def choose_text(game: TextGame, label: ClassLabel | None, unit: UnitKind) -> TextChoice:
    """The most faithful of Shapley values, LIME, occlusion and (for networks) integrated gradients.

    Shapley values where none is clearly better. Trying the others and measuring all asks the model about at most as
    many texts as the Shapley values did.
    """
    shap = attribute_text(game, label, unit)
    others = tuple(_others(game, label, unit, shap.spent))
    left = shap.spent - sum(one.spent for one in others)
    measured = measure(game, (shap, *others), left)
    best = max(measured, key=lambda one: one.lead)
    own = measured[0]
    spread = output_spread(game)
    if best.lead <= own.lead + max(LEAD * abs(own.lead), TIE * spread):
        best = own
    return TextChoice(best, (best, *(one for one in measured if one is not best)))


def _others(game: TextGame, label: ClassLabel | None, unit: UnitKind, budget: int) -> Iterator[Attribution]:
    """The other methods, each where a third of the budget pays for it; LIME only if its linear model fits."""
    if game.count < 2:
        return
    share = budget // 3
    if game.unknown(~np.eye(game.count, dtype=bool)) <= share:
        yield attribute_text_by_occlusion(game, label, unit)
    if enough_neighbours(game, share):
        lime = text_lime(game, label, unit, share)
        if lime.quality[0].value >= USABLE_FIT:
            yield lime
    if game.view.subject.predictor.network is not None and PASSES_PER_STEP * STEPS[0] <= share:
        try:
            yield attribute_text_by_gradients(game, label, unit)
        except ToolError:
            return  # not every network tells where its tokens stand


def measure(game: TextGame, found: Sequence[Attribution], budget: float) -> tuple[Measured, ...]:
    """C3 of attributions in the same game against the same random rankings, at as many sizes as the budget pays for."""
    if game.count < 2:
        return tuple(Measured(one, None) for one in found)
    drawn = rankings(game.count, game.view.rng)
    own = [ranking(one.values) for one in found]
    orders = np.concatenate([drawn, *own, *(one[:, ::-1] for one in own)])
    for most in range(MOST_SIZES, 1, -1):
        taken = sizes(game.count, most)
        masks = np.concatenate([ends(game.count), prefixes(orders, taken).reshape(-1, game.count)])
        if game.unknown(masks) * game.refs <= budget:
            spread = output_spread(game)
            return tuple(Measured(one, removal(game, one.values, drawn, taken, spread)) for one in found)
    return tuple(Measured(one, None) for one in found)


def text_panel(game: TextGame, one: Measured, named: Sequence[int]) -> Panel:
    """The light panel of a text: C3 and, for sampled values, C8 as their errors foretell it."""
    if not named or game.count < 2:
        return Panel(noun="words")
    k = min(len(named), (game.count + 1) // 2)
    return Panel(removal=one.removal, repeats=light_repeats(game.view, one.found, k), noun="words")


def output_spread(game: TextGame) -> float:
    """The output's whole range: 1 for probabilities, else how far the text is from the empty one."""
    return float(np.ptp(game.worth(ends(game.count)))) if game.view.subject.regression else 1.0
