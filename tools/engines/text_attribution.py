"""How the model's output for a text divides among its words or sentences: what it loses when they are deleted.

The value of a set of words is the model's output for the text with only these words; no words is the empty text.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from askwhy.tools.attribution import Attribution, column_of, loose_fit, quantity, unit_of
from askwhy.tools.engines.text_units import Split, Term, UnitKind
from askwhy.tools.evidence import Caveat
from askwhy.tools.lime_fit import linear_errors, linear_fit
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import GOOD_FIT, USABLE_FIT, additivity, local_fit, weighted_r2
from askwhy.tools.schema import ClassLabel
from askwhy.tools.shapley import EXACT_PLAYERS, Estimate, exact, sampled
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

MOST_TERMS = 60
"""Words told apart in one text; those with the smallest effect on their own passage are taken together as one."""

COALITIONS = 2048
"""Shortened texts that one attribution may ask the model about ..."""

CHARACTERS = 4_000_000
"""... and their characters altogether, so that long texts get fewer (but never less than the sampler needs)."""

PASSAGE: dict[UnitKind, int] = {"word": 30, "sentence": 5}
"""Units of a passage: what is around a word when its effect is first looked at."""

_SCREENED_PLACES = 2
_KERNEL_WIDTH, _DISTANCE_SCALE = 25.0, 100.0  # lime.lime_text's defaults


@dataclass(frozen=True)
class TextGame:
    """The deletion game of one text: `terms` are its players, `column` the output that is divided among them."""

    view: View
    column: int
    split: Split
    terms: tuple[Term, ...]

    def __call__(self, masks: Mask) -> Outputs:
        """Values (coalitions, 1) of keeping the terms where a mask (coalitions, terms) holds."""
        owner = np.zeros(len(self.split.units), dtype=np.int64)
        for position, term in enumerate(self.terms):
            owner[list(term.places)] = position
        texts = [self.split.kept(np.flatnonzero(mask[owner])) for mask in np.asarray(masks, dtype=bool)]
        return ask_texts(self.view, texts)[:, [self.column]]

    @property
    def affordable(self) -> int:
        """How many shortened texts may be asked about."""
        return min(COALITIONS, CHARACTERS // max(1, len(self.split.text)))


def ask_texts(view: View, texts: Sequence[str]) -> Outputs:
    """The model's outputs for some texts."""
    return view.evaluate.outputs(pd.DataFrame({view.schema.names[0]: pd.Series(list(texts), dtype="str")}))


def attribute_text(game: TextGame, label: ClassLabel | None, unit: UnitKind) -> Attribution:
    """Shapley values of the terms: exact for a few, sampled with standard errors for more."""
    count, view = len(game.terms), game.view
    if count <= EXACT_PLAYERS and 2**count <= max(game.affordable, 4 * count):
        found = exact(game, count)
    else:
        found = sampled(game, count, view.rng, game.affordable)
    return _attribution(game, label, unit, found)


def attribute_text_by_lime(game: TextGame, label: ClassLabel | None, unit: UnitKind) -> Attribution:
    """LIME weights of the terms; Shapley values instead where LIME's linear model does not fit.

    The neighbourhood is that of `lime.lime_text` (Ribeiro, Singh & Guestrin 2016): a uniform number of terms is
    deleted, closeness falls with the cosine distance. The weighted ridge fit is the package's. A single term, on which
    the package fails, is measured exactly.
    """
    if len(game.terms) == 1:
        only = attribute_text(game, label, unit)
        text = f"With one {unit} there is nothing to fit, so its effect was measured directly."
        return replace(only, caveats=(*only.caveats, Caveat(flag="other_method", text=text)))
    count = max(min(2000, game.affordable), 6 * len(game.terms) + 100)
    kept = _neighbourhood(count, len(game.terms), game.view.rng)
    truth = game(kept > 0)[:, 0]
    distance = _DISTANCE_SCALE * (1 - np.sqrt(kept.mean(axis=1)))
    fitted = slice(0, 3 * count // 4)
    intercept, weights = linear_fit(kept[fitted], truth[fitted], distance[fitted], _closeness)
    guess, closeness = intercept + kept @ weights, _closeness(distance)
    fresh = slice(fitted.stop, None)
    r2 = weighted_r2(truth[fresh], guess[fresh], closeness[fresh])
    if r2 < USABLE_FIT:
        shapley = attribute_text(game, label, unit)
        text = f"LIME's linear model does not follow the model here (R² {r2:.2f}), so SHAP was used instead."
        return replace(shapley, caveats=(*shapley.caveats, Caveat(flag="low_fidelity", text=text)))
    same = np.average((truth[fresh] > 0.5) == (guess[fresh] > 0.5), weights=closeness[fresh])
    return Attribution(
        values=weights,
        error=linear_errors(kept[fitted], (truth - guess)[fitted], closeness[fitted]),
        base=intercept,
        output=float(truth[0]),
        unit=unit_of(game.view, "probability"),
        method=f"LIME: linear model fitted to {fitted.stop:,} texts with {unit}s deleted",
        estimand=f"local linear weights of keeping each {unit}, on {quantity(game.view, label)}",
        quality=(local_fit(r2, None if label is None else float(same)),),
        caveats=() if r2 >= GOOD_FIT else (loose_fit(r2),),
        surrogate=True,
    )


def most_telling(game: TextGame, unit: UnitKind, always: Iterable[int] = ()) -> tuple[tuple[Term, ...], int]:
    """At most `MOST_TERMS` terms, and how many others the last of them stands for (0: it is one like the others).

    Kept apart are the terms in `always` and those whose deletion changes the output for the passage around them most,
    at their first places: a long text as a whole hardly reacts to one word.
    """
    if len(game.terms) <= MOST_TERMS:
        return game.terms, 0
    asked = frozenset(always)
    effect = _passage_effects(game, PASSAGE[unit])
    order = sorted(range(len(game.terms)), key=lambda position: (position not in asked, -effect[position], position))
    apart = sorted(order[: max(MOST_TERMS - 1, len(asked))])
    others = [game.terms[position] for position in sorted(set(order) - set(apart))]
    places = sorted(place for term in others for place in term.places)
    return (*(game.terms[position] for position in apart), Term("", tuple(places))), len(others)


def _passage_effects(game: TextGame, length: int) -> Outputs:
    """The largest change of the output (terms,) for the passage of `length` units around a term without that term."""
    texts: list[str] = []
    owner: list[int] = []
    for position, term in enumerate(game.terms):
        for first in dict.fromkeys(place // length * length for place in term.places[:_SCREENED_PLACES]):
            texts += passage_pair(game.split, term, first, length)
            owner.append(position)
    outputs = ask_texts(game.view, texts)[:, game.column]
    effect = np.zeros(len(game.terms))
    np.maximum.at(effect, owner, np.abs(outputs[::2] - outputs[1::2]))
    return effect


def passage_pair(split: Split, term: Term, first: int, length: int) -> tuple[str, str]:
    """`length` units of a text from place `first`, with and without the term."""
    places, deleted = range(first, min(len(split.units), first + length)), frozenset(term.places)
    return split.kept(places), split.kept(place for place in places if place not in deleted)


def _neighbourhood(count: int, terms: int, rng: np.random.Generator) -> Outputs:
    """Which terms are kept (count, terms), as 0 and 1; the first row keeps all."""
    kept = np.ones((count, terms))
    for row, size in enumerate(rng.integers(1, terms + 1, count - 1), 1):
        kept[row, rng.choice(terms, size, replace=False)] = 0
    return kept


def _closeness(distance: Outputs) -> Outputs:
    return np.asarray(np.sqrt(np.exp(-(distance**2) / _KERNEL_WIDTH**2)))


def _attribution(game: TextGame, label: ClassLabel | None, unit: UnitKind, found: Estimate) -> Attribution:
    view = game.view
    values = found.values[:, 0]
    base = float(game(np.zeros((1, len(game.terms)), dtype=bool))[0, 0])
    output = float(view.outputs[0, column_of(view, label)])  # of the very text, not of the one put together again
    spread = float(np.abs(values).sum()) if label is None else 1.0
    sort = "exact" if found.error is None else "sampled"
    return Attribution(
        values=values,
        error=None if found.error is None else found.error[:, 0],
        base=base,
        output=output,
        unit=unit_of(view, "probability"),
        method=f"SHAP: {sort}, {found.coalitions:,} texts with {unit}s deleted",
        estimand=(
            f"Shapley values of the {unit}s for {quantity(view, label)}: a set of {unit}s is worth the model's output "
            "for the text with only these; none is the empty text"
        ),
        quality=(additivity(output, base, values, spread, exact=found.error is None),),
    )
