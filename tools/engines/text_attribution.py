"""How the model's output for a text divides among its words, phrases or sentences.

The value of a set of words is the model's output for the text with only these words, the others being deleted or
replaced (see `TextGame`).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from askwhy.tools.attribution import Attribution, loose_fit, unit_of
from askwhy.tools.engines.coalitions import ends, one_by_one
from askwhy.tools.engines.text_game import TextGame
from askwhy.tools.engines.text_units import UnitKind
from askwhy.tools.evidence import Caveat, Quality
from askwhy.tools.lime_fit import linear_errors, linear_fit
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import GOOD_FIT, SAMPLED_RESIDUAL, USABLE_FIT, additivity, local_fit, weighted_r2
from askwhy.tools.schema import ClassLabel
from askwhy.tools.shapley import EXACT_PLAYERS, Estimate, exact, sampled

_KERNEL_WIDTH, _DISTANCE_SCALE = 25.0, 100.0  # lime.lime_text's defaults
_NEIGHBOURS = 2000
_FEWEST_EACH = 20


def output_words(game: TextGame, label: ClassLabel | None) -> str:
    """What is divided among the words, in words."""
    if label is None:
        return f"the predicted {game.view.schema.target.label}"
    if game.foil is None:
        return f"the probability of {label.label}"
    return f"the lead of {label.label} over {game.view.schema.classes[game.foil].label}"


def attribute_text(game: TextGame, label: ClassLabel | None, unit: UnitKind) -> Attribution:
    """Shapley values of the terms: exact for a few, sampled with standard errors for more."""
    count, before = game.count, game.asked
    if count <= EXACT_PLAYERS and 2**count <= max(game.affordable, 4 * count):
        found = exact(game, count)
    else:
        found = sampled(game, count, game.view.rng, game.affordable - len(ends(count)))
    return _shapley(game, label, unit, found, game.asked - before)


def attribute_text_by_occlusion(game: TextGame, label: ClassLabel | None, unit: UnitKind) -> Attribution:
    """What the output loses when one term at a time is taken away; the values need not add up to the prediction."""
    before = game.asked
    values = one_by_one(game)
    base = float(game.worth(ends(game.count))[0])
    output = game.output()
    residual = _residual(game, output, base, values)
    note = "what the losses miss of the prediction, as a share of the output range; they need not add up"
    return Attribution(
        values=values,
        error=None,
        base=base,
        output=output,
        unit=unit_of(game.view, "probability"),
        method=f"occlusion: one {unit} at a time {_taken(game)}",
        estimand=f"change of {output_words(game, label)} when one {unit} is {_taken(game)}",
        quality=(Quality(check="C2", value=residual, passed=residual <= SAMPLED_RESIDUAL, note=note),),
        name="occlusion",
        spent=game.asked - before,
    )


def attribute_text_by_lime(
    game: TextGame, label: ClassLabel | None, unit: UnitKind, neighbours: int = _NEIGHBOURS
) -> Attribution:
    """LIME weights of the terms; Shapley values instead where LIME's linear model does not fit.

    A single term, on which the package fails, is measured exactly.
    """
    if game.count == 1:
        only = attribute_text(game, label, unit)
        text = f"With one {unit} there is nothing to fit, so its effect was measured directly."
        return replace(only, caveats=(*only.caveats, Caveat(flag="other_method", text=text)))
    found = text_lime(game, label, unit, max(min(neighbours, game.affordable), 6 * game.count + 100))
    r2 = found.quality[0].value
    if r2 < USABLE_FIT:
        shapley = attribute_text(game, label, unit)
        text = f"LIME's linear model does not follow the model here (R² {r2:.2f}), so SHAP was used instead."
        return replace(shapley, caveats=(*shapley.caveats, Caveat(flag="low_fidelity", text=text)))
    return found


def text_lime(game: TextGame, label: ClassLabel | None, unit: UnitKind, count: int) -> Attribution:
    """LIME weights of two terms or more from `count` texts, however well they fit.

    The neighbourhood is that of `lime.lime_text` (Ribeiro, Singh & Guestrin 2016): a uniform number of terms is
    taken away, closeness falls with the cosine distance. The weighted ridge fit is the package's.
    """
    before = game.asked
    kept = _neighbourhood(count, game.count, game.view.rng)
    truth = game(kept > 0)[:, 0]
    distance = _DISTANCE_SCALE * (1 - np.sqrt(kept.mean(axis=1)))
    fitted = slice(0, 3 * count // 4)
    intercept, weights = linear_fit(kept[fitted], truth[fitted], distance[fitted], _closeness)
    guess, closeness = intercept + kept @ weights, _closeness(distance)
    fresh = slice(fitted.stop, None)
    r2 = weighted_r2(truth[fresh], guess[fresh], closeness[fresh])
    same = np.average((truth[fresh] > 0.5) == (guess[fresh] > 0.5), weights=closeness[fresh])
    return Attribution(
        values=weights,
        error=linear_errors(kept[fitted], (truth - guess)[fitted], closeness[fitted]),
        base=intercept,
        output=float(truth[0]),
        unit=unit_of(game.view, "probability"),
        method=f"LIME: linear model fitted to {fitted.stop:,} texts with {unit}s {_taken(game)}",
        estimand=f"local linear weights of keeping each {unit}, on {output_words(game, label)}",
        quality=(local_fit(r2, None if label is None or game.foil is not None else float(same)),),
        caveats=() if r2 >= GOOD_FIT else (loose_fit(r2),),
        surrogate=True,
        name="LIME",
        spent=game.asked - before,
    )


def enough_neighbours(game: TextGame, rows: int) -> bool:
    """Whether a linear model of all terms can be fitted to so many texts."""
    return game.count > 1 and rows >= _FEWEST_EACH * (game.count + 1)


def _neighbourhood(count: int, terms: int, rng: np.random.Generator) -> Outputs:
    """Which terms are kept (count, terms), as 0 and 1; the first row keeps all."""
    kept = np.ones((count, terms))
    for row, size in enumerate(rng.integers(1, terms + 1, count - 1), 1):
        kept[row, rng.choice(terms, size, replace=False)] = 0
    return kept


def _closeness(distance: Outputs) -> Outputs:
    return np.asarray(np.sqrt(np.exp(-(distance**2) / _KERNEL_WIDTH**2)))


def _taken(game: TextGame) -> str:
    return f"replaced in {game.refs} ways" if game.fills else "deleted"


def _residual(game: TextGame, output: float, base: float, values: Outputs) -> float:
    """C2: what base and values miss of the output for the original text, as a share of the output's range."""
    spread = float(np.abs(values).sum()) if game.view.subject.regression else 1.0
    return abs(output - base - float(values.sum())) / spread if spread > 0 else 0.0


def _shapley(game: TextGame, label: ClassLabel | None, unit: UnitKind, found: Estimate, spent: int) -> Attribution:
    values, view = found.values[:, 0], game.view
    base, output = float(game.worth(ends(game.count))[0]), game.output()
    spread = float(np.abs(values).sum()) if view.subject.regression else 1.0
    sort, name = "exact" if found.error is None else "sampled", "marginalisation" if game.fills else "SHAP"
    none = "all words replaced" if game.fills else "the empty text"
    return Attribution(
        values=values,
        error=None if found.error is None else found.error[:, 0],
        base=base,
        output=output,
        unit=unit_of(view, "probability"),
        method=f"{name}: {sort}, {found.coalitions:,} texts with {unit}s {_taken(game)}",
        estimand=(
            f"Shapley values of the {unit}s for {output_words(game, label)}: a set of {unit}s is worth the model's "
            f"output for the text with only these; none is {none}"
        ),
        quality=(additivity(output, base, values, spread, exact=found.error is None),),
        name=name,
        spent=spent,
    )
