"""How much a model's output hangs on some of its features: these redrawn, and everything else redrawn.

Redrawn cells come together from one other row, so that features that are redrawn keep their relations to each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from askwhy.tools.engines.metrics import LEVEL
from askwhy.tools.engines.truth import Array
from askwhy.tools.evaluator import Evaluator, Index
from askwhy.tools.predictor import Outputs
from askwhy.tools.select import predicted_index

RESAMPLES = 400


@dataclass(frozen=True)
class Redrawn:
    """What redrawing some features does to every row, row by row.

    change: (rows,) mean absolute change of the output. flips: (rows,) share of draws that change the predicted class,
    all 0 for a regression. largest: the largest change of any draw. draws: how many there are for each row.
    """

    change: Array
    flips: Array
    largest: float
    draws: int


def redraw(
    evaluate: Evaluator,
    rows: pd.DataFrame,
    donors: pd.DataFrame,
    columns: Sequence[int],
    draws: int,
    rng: np.random.Generator,
    column: int | None,
) -> Redrawn:
    """Redraws these columns of every row `draws` times from `donors`.

    column: the output that is followed; None for half the summed change of all of them.
    """
    pool, count = pd.concat([rows, donors], ignore_index=True), len(rows)
    own = np.arange(count, dtype=np.int64)
    source = np.repeat(np.repeat(own, draws)[:, None], rows.shape[1], axis=1)
    source[:, list(columns)] = count + rng.integers(0, len(donors), count * draws)[:, None]
    before = evaluate.outputs(rows)[:, None, :]
    after = evaluate.mixed(pool, source).reshape(count, draws, -1)
    moved = np.abs(after - before)
    size = moved.sum(axis=2) / 2 if column is None else moved[:, :, column]
    flips = np.zeros((count, draws))
    if after.shape[2] > 1:
        flips = (
            predicted_index(after.reshape(count * draws, -1)).reshape(count, draws)
            != predicted_index(before[:, 0])[:, None]
        )
    return Redrawn(size.mean(axis=1), flips.mean(axis=1), float(size.max()), draws)


@dataclass(frozen=True)
class Explained:
    """Shares of the output's variance (of all outputs together) with 95 % intervals.

    The chosen features and the rest are drawn independently. alone: what the chosen ones explain by themselves.
    with_others: this and all they do together with the rest.
    """

    alone: float
    alone_interval: tuple[float, float]
    with_others: float
    with_others_interval: tuple[float, float]
    draws: int


def explained(
    evaluate: Evaluator,
    rows: pd.DataFrame,
    donors: pd.DataFrame,
    columns: Sequence[int],
    draws: int,
    rng: np.random.Generator,
) -> Explained | None:
    """Sobol's first and total index of a group of features (Sobol 1993; Jansen 1999); None if nothing varies.

    The rest is drawn from `rows`, the chosen columns from `donors`; intervals by a bootstrap over the draws.
    """
    pool, width = pd.concat([rows, donors], ignore_index=True), rows.shape[1]
    rest = rng.integers(0, len(rows), (2, draws))
    ours = len(rows) + rng.integers(0, len(donors), (2, draws))
    parts: list[Index] = []
    for mine, others in ((0, 0), (1, 0), (0, 1), (1, 1)):
        source: Index = np.repeat(rest[others][:, None], width, axis=1)
        source[:, list(columns)] = ours[mine][:, None]
        parts.append(source)
    outputs = evaluate.mixed(pool, np.concatenate(parts)).reshape(2, 2, draws, -1)
    components = _components(outputs)
    if _shares(components.mean(axis=0)) is None:
        return None
    chosen = rng.integers(0, draws, (RESAMPLES, draws))
    spread = [found for one in chosen if (found := _shares(components[one].mean(axis=0))) is not None]
    low, high = np.quantile(np.array(spread), [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    alone, total = _shares(components.mean(axis=0)) or (0.0, 0.0)
    return Explained(alone, _around(alone, low[0], high[0]), total, _around(total, low[1], high[1]), draws)


def _components(outputs: Outputs) -> Array:
    """Per draw (draws, 3), summed over outputs: variance of the chosen features alone, with others, and of the rest.

    outputs: (rest, chosen, draws, width). Contrasts make the first exactly 0 for a model that never reads the chosen
    features, and the last exactly 0 for one that reads nothing else.
    """
    ours = outputs[:, 1] - outputs[:, 0]
    others = outputs[1] - outputs[0]
    alone = ours[0] * ours[1] / 2
    return np.column_stack(
        [one.sum(axis=-1) for one in (alone, (ours**2).mean(axis=0) / 2, (others**2).mean(axis=0) / 2)]
    )


def _shares(means: Array) -> tuple[float, float] | None:
    alone, total, rest = max(0.0, float(means[0])), float(means[1]), float(means[2])
    variance = alone + rest
    return (alone / variance, min(1.0, max(alone, total) / variance)) if variance > 1e-18 else None


def _around(value: float, low: float, high: float) -> tuple[float, float]:
    return min(value, float(low)), max(value, float(high))
