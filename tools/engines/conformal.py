"""Split-conformal prediction: sets of classes, or intervals, that hold the truth with a chosen frequency.

Scores say how badly a class (or number) fits a row; what fits no worse than the right quantile of the held-out rows'
own scores is in the set. Classes: the least ambiguous sets (LAC; Sadinle, Lei & Wasserman 2019) or adaptive sets
without randomisation (APS; Romano, Sesia & Candès 2020). Numbers: absolute residuals (Lei et al. 2018).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np

from askwhy.tools.engines.truth import Array

SetMethod = Literal["lac", "aps"]

SPLITS = 100
"""Random halvings of the held-out rows over which the coverage is measured."""


def lac(outputs: Array) -> Array:
    """Scores (n, classes): one minus the probability."""
    return 1.0 - outputs


def aps(outputs: Array) -> Array:
    """Scores (n, classes): the summed probability of the class and of every likelier one; ties count as likelier."""
    return np.asarray((outputs[:, None, :] * (outputs[:, None, :] >= outputs[:, :, None])).sum(axis=2))


SCORES = {"lac": lac, "aps": aps}


def threshold(scores: Array, level: float) -> float:
    """The score that a fresh one stays at or below with probability `level` at least; infinite with too few scores."""
    place = math.ceil((len(scores) + 1) * level - 1e-9)
    return float(np.sort(scores)[place - 1]) if place <= len(scores) else float("inf")


def coverage(scores: Array, level: float, rng: np.random.Generator) -> Array:
    """Measured coverages (splits,): the threshold from one random half of the scores, the share within in the other."""
    found = []
    for _ in range(SPLITS):
        order = rng.permutation(len(scores))
        half = len(scores) // 2
        limit = threshold(scores[order[:half]], level)
        found.append(float((scores[order[half:]] <= limit + 1e-12).mean()))
    return np.array(found)
