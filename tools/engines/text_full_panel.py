"""The quality panel of a text's attribution in full: with as many texts as it takes, on demand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from askwhy.tools.attribution import Attribution
from askwhy.tools.engines.coalitions import first_and_last
from askwhy.tools.engines.fidelity import Correlation, correlation, subsets
from askwhy.tools.engines.full_panel import FullPanel
from askwhy.tools.engines.panel import light_repeats
from askwhy.tools.engines.robust import Robust, named_sets, robust_fidelity, robust_masks
from askwhy.tools.engines.stability import (
    RERUNS,
    SAME_OUTPUT,
    Repeats,
    Sensitivity,
    clear_top,
    compared,
    repeats,
)
from askwhy.tools.engines.text_choice import Measured, measure, output_spread, text_attribution
from askwhy.tools.engines.text_fill import stock
from askwhy.tools.engines.text_game import TextGame, ask_texts
from askwhy.tools.engines.text_units import split_text
from askwhy.tools.errors import ToolError
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import ClassLabel

TEXTS, SLOW_TEXTS = 3000, 300
"""Texts that each of the measurements may ask the model about."""

_NEIGHBOURS, _SLOW_NEIGHBOURS = 40, 5
_FEWEST_TERMS = 5


def full_text_panel(game: TextGame, found: Attribution, label: ClassLabel | None, method: str, named: int) -> FullPanel:
    """C3, C4, C5, C7 and C8 of an attribution of the game's words; `named` of them are judged."""
    if game.count < 2:
        return FullPanel(None, None, None, None, None, None, 0)
    k = max(1, min(named, (game.count + 1) // 2))
    budget = SLOW_TEXTS if game.slow else TEXTS
    (measured,) = measure(game, [found], budget)
    return FullPanel(
        removal=measured.removal,
        correlation=_correlation(game, found, budget),
        robust=_robust(game, found, k, budget),
        sensitivity=_sensitivity(game, k),
        repeats=_reruns(game, measured, label, method, k, budget),
        inside=None,
        k=k,
    )


def _correlation(game: TextGame, found: Attribution, budget: int) -> Correlation | None:
    removed = subsets(game.count, game.view.rng)
    return correlation(game, found.values, removed) if game.unknown(~removed) <= budget else None


def _robust(game: TextGame, found: Attribution, k: int, budget: int) -> Robust | None:
    masks = robust_masks(named_sets(game, found.values, k, game.view.rng), game.view.rng)
    return robust_fidelity(game, masks) if game.unknown(masks.reshape(-1, game.count)) <= budget else None


def _sensitivity(game: TextGame, k: int) -> Sensitivity | None:
    """C7 over texts with one word exchanged for another that stands in such places and changes the output little.

    Quick attributions (the mean of first and last contributions) of the text and its neighbours alike.
    """
    if game.count < _FEWEST_TERMS:
        return None
    try:
        near = list(_neighbours(game))
    except ToolError:
        return None
    return compared(first_and_last(game), [first_and_last(one) for one in near], k)


def _neighbours(game: TextGame) -> Iterator[TextGame]:
    """Games of texts next to the game's own, word for word."""
    view, split = game.view, game.split
    most = _SLOW_NEIGHBOURS if game.slow else _NEIGHBOURS
    fills = stock(view, "word").draw(split, 2 * most, view.rng)
    places = view.rng.integers(0, len(split.units), 2 * most)
    texts = [
        split.filled([number != place for number in range(len(split.units))], words)
        for place, words in zip(places, fills, strict=True)
    ]
    outputs = ask_texts(view, [split.text, *texts])
    close = _close(game, outputs)
    for text, kept in zip(texts, close, strict=True):
        other = split_text(text)
        if kept and most and len(other.units) == len(split.units):
            most -= 1
            yield replace(game, split=other)


def _close(game: TextGame, outputs: Outputs) -> Outputs:
    """Which of the outputs, after the first, are close to it, and of the same class."""
    values = outputs[:, game.column]
    spread = output_spread(game)
    near = np.abs(values[1:] - values[0]) <= SAME_OUTPUT * spread
    if outputs.shape[1] > 1:
        near &= outputs[1:].argmax(axis=1) == outputs[0].argmax()
    return np.asarray(near)


def _reruns(
    game: TextGame, measured: Measured, label: ClassLabel | None, method: str, k: int, budget: int
) -> Repeats | None:
    """C8 by running anew with other seeds; by the standard errors where that would take too long."""
    found = measured.found
    if found.error is None:
        return None
    if found.spent * RERUNS > (1 if game.slow else 10) * budget:
        return light_repeats(game.view, found, k)
    seeds = range(game.view.seed + 1, game.view.seed + 1 + RERUNS)
    games = (replace(game, view=replace(game.view, seed=seed)) for seed in seeds)
    runs = np.array([text_attribution(one, label, "word", method).values for one in games])
    return repeats(runs, clear_top(found.values, found.error, k))
