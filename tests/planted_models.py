"""Models whose right explanation is known, for the calibration of the quality gates."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from hand_subjects import hand_subject, numbers

from askwhy.tools.subject import Subject

KINDS = ("linear", "logistic", "interacting", "steps", "single")
BINARY = ("logistic", "interacting")


def planted(kind: str, features: int, seed: int, rows: int = 150, background: int = 40) -> Subject:
    """A model of independent normal features: some weights are zero, some pairs interact, by kind."""
    return hand_subject(
        _call(kind, features, np.random.default_rng(seed)),
        numbers(rows, features, seed=seed + 1000),
        ["no", "yes"] if kind in BINARY else (),
        background=background,
    )


def _call(kind: str, features: int, rng: np.random.Generator) -> Callable[[pd.DataFrame], Any]:
    weights = rng.normal(size=features) * (rng.random(features) < 0.7)
    weights[0] = 1.5
    pairs = [tuple(rng.choice(features, 2, replace=False)) for _ in range(max(1, features // 3))]
    sizes, cuts = rng.normal(size=len(pairs)), rng.normal(size=features) / 2

    def call(frame: pd.DataFrame) -> Any:
        cells = frame.to_numpy()
        together = sum(size * cells[:, i] * cells[:, j] for size, (i, j) in zip(sizes, pairs, strict=True))
        if kind == "single":
            return cells[:, 0]
        if kind == "steps":
            both = ((size, (cells[:, i] > 0) & (cells[:, j] > 0)) for size, (i, j) in zip(sizes, pairs, strict=True))
            return (cells > cuts) @ weights + sum(size * one for size, one in both)
        score = cells @ weights + (together if kind == "interacting" else 0)
        if kind == "linear":
            return score
        yes = 1 / (1 + np.exp(-score))
        return np.column_stack([1 - yes, yes])

    return call
