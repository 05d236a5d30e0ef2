"""Which attribution to show: the one whose named features move the prediction most, in the direction it says (C6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from askwhy.tools.attribution import (
    Attribution,
    Scale,
    attribute,
    attribute_by_occlusion,
    lime_attribution,
    unit_of,
)
from askwhy.tools.engines.coalitions import Coalitions, ends
from askwhy.tools.engines.fidelity import affordable, fidelity, fidelity_masks, shuffled
from askwhy.tools.engines.panel import MOST_ROWS
from askwhy.tools.evidence import Quality
from askwhy.tools.lime_fit import FITTED, HELD_OUT
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import USABLE_FIT
from askwhy.tools.schema import ClassLabel
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

TIE = 1e-4
"""A smaller lead, as a share of the output's range, is none ..."""

_ERRORS = 2.0
"""... nor is one within so many standard errors over the background rows, of which there must be enough for that."""

_FEWEST_REFS = 10
_RANDOM = 20
_FEWEST_PERTURBED = 20


@dataclass(frozen=True)
class Scored:
    """One method's fidelity: its mean over background rows, in the attribution's unit."""

    found: Attribution
    fidelity: float
    per_ref: Outputs


@dataclass(frozen=True)
class Choice:
    """The attribution chosen, the fidelity of every method tried, and that of the same values dealt out at random.

    scored: the chosen one first; empty where the budget did not reach to measure. margin: over the random ones, with
    the standard error of their mean.
    """

    chosen: Attribution
    scored: tuple[Scored, ...] = ()
    random: float = 0.0
    random_error: float = 0.0

    @property
    def margin(self) -> float:
        """How much better the chosen one is than random."""
        return self.scored[0].fidelity - self.random

    def quality(self) -> Iterator[Quality]:
        """C6, where it was measured."""
        if self.scored:
            note = "; ".join(f"{one.found.name} {one.fidelity:.3g}" for one in self.scored)
            passed = self.margin - 1.96 * self.random_error > 0
            yield Quality(
                check="C6", value=self.margin, passed=passed, note=f"fidelity: {note}; random {self.random:.3g}"
            )


def choose(view: View, label: ClassLabel | None, scale: Scale = "probability") -> Choice:
    """The most faithful of Shapley values, LIME and occlusion; Shapley values where none is clearly better.

    Trying the others, and measuring all, asks the model about at most as many rows as the Shapley values did.
    """
    shap = attribute(view, label, scale)
    game = shap.game
    if game is None or game.count < 2:
        return Choice(shap)
    start = view.evaluate.rows
    tried = [shap, *_others(view, label, scale, shap, game)]
    rng = np.random.default_rng(view.seed)
    random = [shuffled(one.values[game.players], _RANDOM, rng) for one in tried]
    masks = [fidelity_masks(values) for values in (*_values(tried, game), *np.concatenate(random))]
    left = min(shap.spent, MOST_ROWS) - (view.evaluate.rows - start)
    probe = affordable(game, masks, left)
    if probe is None:
        return Choice(shap)
    per_ref = [fidelity(probe, values) for values in _values(tried, game)]
    scores = [Scored(one, float(each.mean()), each) for one, each in zip(tried, per_ref, strict=True)]
    spread = 1.0 if unit_of(view, scale) == "points" else float(np.ptp(probe.outcomes(ends(probe.count))))
    best = _best(scores, TIE * spread)
    dealt = np.array([fidelity(probe, values).mean() for values in random[best]])
    ordered = (scores[best], *(one for place, one in enumerate(scores) if place != best))
    chosen = tried[best] if best == 0 else replace(tried[best], caveats=(*shap.caveats, *tried[best].caveats))
    chosen = replace(chosen, spent=max(chosen.spent, shap.spent))
    return Choice(chosen, ordered, float(dealt.mean()), float(dealt.std(ddof=1) / np.sqrt(_RANDOM)))


def _values(tried: list[Attribution], game: Coalitions) -> list[Outputs]:
    return [one.values[game.players] for one in tried]


def _others(
    view: View, label: ClassLabel | None, scale: Scale, shap: Attribution, game: Coalitions
) -> Iterator[Attribution]:
    """LIME and occlusion, each where a third of the budget pays for it; LIME only if its linear model fits."""
    share = min(shap.spent, MOST_ROWS) // 3
    if game.unknown(_occluded(game)) * game.refs <= share:
        yield attribute_by_occlusion(view, label, scale, game)
    perturbed = min(FITTED + HELD_OUT, share)
    if perturbed >= _FEWEST_PERTURBED * (game.count + 1):
        lime = lime_attribution(view, label, scale, perturbed)
        if lime.quality[0].value >= USABLE_FIT:
            yield replace(lime, game=game)


def _occluded(game: Coalitions) -> Mask:
    return np.concatenate([ends(game.count), ~np.eye(game.count, dtype=bool)])


def _best(scores: list[Scored], tie: float) -> int:
    """The place of the highest score; 0 (Shapley values) unless the lead over that is beyond doubt."""
    best = int(np.argmax([one.fidelity for one in scores]))
    lead = scores[best].per_ref - scores[0].per_ref
    if best == 0 or len(lead) < _FEWEST_REFS:
        return 0
    error = float(lead.std(ddof=1)) / np.sqrt(len(lead))
    return best if lead.mean() > max(tie, _ERRORS * error) else 0
