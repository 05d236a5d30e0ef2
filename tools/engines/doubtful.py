"""Labels that a second model confidently contradicts, and the region where they are more than chance allows.

Confident learning (Northcutt, Jiang & Chuang 2021): out-of-fold probabilities of each row; a row is doubtful where
another class than its label is at least as probable as it is on average for the rows that have that label. Doubtful
labels are many where cases are close; so a region is accused by the excess over what a smooth second model expects
(`weak_regions`), and only where a flexible one does no better: an honest interaction is no noise.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from askwhy.tools.engines.second_opinion import numbers_of, out_of_fold
from askwhy.tools.engines.truth import Array
from askwhy.tools.engines.weak_regions import Region, worst_region
from askwhy.tools.schema import Schema
from askwhy.tools.subject import Mask

STILL = 0.6
"""Of the region's excess of errors, the least that a flexible model must show too."""


@dataclass(frozen=True)
class Doubts:
    """Doubtful labels among some rows: `doubtful` mask; `doubt` (n,), larger where it is greater; `suggested` (n,).

    expected: doubtful labels to be expected where all are right; region: where they are too many; tried: groups.
    """

    doubtful: Mask
    doubt: Array
    suggested: Array
    region: Region | None
    tried: int


def confident(outputs: Array, actual: Array) -> tuple[Mask, Array]:
    """Confident learning: which labels are doubtful, and the class position that is suggested instead."""
    classes = outputs.shape[1]
    usual = np.array([outputs[actual == k, k].mean() if (actual == k).any() else np.inf for k in range(classes)])
    likely = np.where(outputs >= usual, outputs, -1.0)
    suggested = np.where(likely.max(axis=1) > 0, likely.argmax(axis=1), actual)
    return np.asarray(suggested != actual), suggested


def doubts(schema: Schema, rows: pd.DataFrame, actual: Array, rng: np.random.Generator) -> Doubts:
    """Doubtful labels of rows with a known truth (class positions, or numbers)."""
    classes = len(schema.classes)
    read, _ = numbers_of(schema, rows)
    smooth = out_of_fold(read, actual, classes, "smooth", rng)
    if classes:
        errors = (smooth.argmax(axis=1) != actual).astype(float)
        region, tried = worst_region(schema, rows, errors, 1 - smooth.max(axis=1))
        doubtful, suggested = confident(smooth, actual)
        doubt = smooth.max(axis=1) - smooth[np.arange(len(actual)), actual]
    else:
        errors = np.abs(smooth[:, 0] - actual)
        region, tried = worst_region(schema, rows, errors, None)
        spread = float(np.median(errors)) * 1.4826
        doubtful, suggested, doubt = errors > 4 * max(spread, 1e-12), smooth[:, 0], errors
    if region is not None and not _still(read, actual, classes, region, rng):
        region = None
    return Doubts(doubtful, doubt, suggested, region, tried)


def _still(read: Array, actual: Array, classes: int, region: Region, rng: np.random.Generator) -> bool:
    """Whether a model that may treat the region apart is still much worse in it."""
    outputs = out_of_fold(read, actual, classes, "flexible", rng)
    errors = (outputs.argmax(axis=1) != actual).astype(float) if classes else np.abs(outputs[:, 0] - actual)
    inside, outside = float(errors[region.mask].mean()), float(errors[~region.mask].mean())
    if not classes:
        return inside - outside >= STILL * (region.inside - region.outside)
    excess = region.inside - region.expected
    return inside - outside >= STILL * excess
