"""Small changes of a row: random noise on every feature, and the smallest change of one number that flips a class.

The noise is that of TalkToModel's checks (Slack et al. 2023): normal with 5 % of a feature's standard deviation on
numbers, and another category in 3 % of the cases.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.candidates import Domain, domain_of
from askwhy.tools.engines.grid import as_cells
from askwhy.tools.engines.truth import Array
from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.subject import Mask

NOISE_SD = 0.05
NOISE_FLIPS = 0.03

_STEPS = 40
_ROUNDS = 4

Ask = Callable[[pd.DataFrame], Outputs]


def jittered(
    schema: Schema, data: pd.DataFrame, row: pd.DataFrame, draws: int, rng: np.random.Generator
) -> pd.DataFrame:
    """The row `draws` times with noise on every cell; missing cells and free text stay as they are."""
    many = row.iloc[np.zeros(draws, dtype=int)].reset_index(drop=True)
    return many.assign(**{one.name: _noisy(one, data[one.name], many[one.name], rng) for one in schema.features})


def _noisy(feature: Feature, column: pd.Series, cells: pd.Series, rng: np.random.Generator) -> pd.Series:
    present = column.dropna()
    if feature.kind == "text" or pd.isna(cells.iloc[0]) or present.nunique() < 2:
        return cells
    if feature.categories or not (feature.numeric or feature.kind == "date"):
        others = present[present.astype(object) != cells.iloc[0]]
        flips = rng.random(len(cells)) < NOISE_FLIPS
        drawn = others.iloc[rng.integers(0, len(others), len(cells))].set_axis(cells.index)
        return cells.where(~flips, drawn) if len(others) else cells
    noise = rng.normal(0.0, NOISE_SD, len(cells))
    if feature.kind == "date":
        days = (present - present.min()) / pd.Timedelta(days=1)
        return cells + pd.to_timedelta(np.round(noise * float(days.std())), unit="D")
    moved = cells.astype(float) + noise * float(present.astype(float).std())
    low, high = min(float(present.min()), float(cells.iloc[0])), max(float(present.max()), float(cells.iloc[0]))
    moved = moved.clip(low, high)
    whole = feature.kind == "integer" or pd.api.types.is_integer_dtype(cells.dtype)
    return moved.round().astype(cells.dtype) if whole else moved


@dataclass(frozen=True)
class Nearest:
    """The smallest change of one number that changes the predicted class: to `value`, `sds` standard deviations away.

    column: the class that is predicted then.
    """

    feature: Feature
    value: float
    sds: float
    column: int


def nearest_flips(schema: Schema, data: pd.DataFrame, row: pd.DataFrame, ask: Ask) -> list[Nearest]:
    """For every number the nearest value inside its allowed range that flips the row, smallest change first.

    Each side is walked in steps of a fortieth of the way to its end, and the first flip is narrowed down to the data's
    own resolution; a flip and back within one step is not seen.
    """
    now = int(ask(row).argmax(axis=1)[0])
    found = []
    for feature in schema.features:
        if not feature.numeric or feature.categories or pd.isna(row[feature.name].iloc[0]):
            continue
        domain = domain_of(feature, data[feature.name], row[feature.name].iloc[0], free_direction=True)
        sd = float(data[feature.name].astype(float).std()) if domain is not None else 0.0
        if domain is None or not sd > 0:
            continue
        sides = [_first_flip(domain, row, float(end), now, ask) for end in (domain.low, domain.high)]
        flips = [one for one in sides if one is not None]
        if flips:
            value, column = min(flips, key=lambda one: abs(one[0] - float(domain.now)))
            found.append(Nearest(feature, value, abs(value - float(domain.now)) / sd, column))
    return sorted(found, key=lambda one: (one.sds, one.feature.name))


def _first_flip(domain: Domain, row: pd.DataFrame, end: float, now: int, ask: Ask) -> tuple[float, int] | None:
    """The first value on the way to `end` at which the class changes, and the new class."""
    near, column = float(domain.now), -1
    far: float | None = None
    tried: list[Any] = sorted([*domain.between(near, end, _STEPS), end], key=lambda value: abs(value - near))
    for _ in range(_ROUNDS):
        tried = [value for value in tried if value not in (near, far)]
        if not tried:
            break
        classes = ask(_with(row, domain.feature.name, tried)).argmax(axis=1)
        flipped = np.flatnonzero(classes != now)
        if not len(flipped):
            if far is None:
                return None
            near = float(tried[-1])
        else:
            place = int(flipped[0])
            far, column = float(tried[place]), int(classes[place])
            near = float(tried[place - 1]) if place else near
        start = near
        tried = sorted(domain.between(start, far, _STEPS), key=lambda value: abs(value - start))
    return None if far is None else (far, column)


def _with(row: pd.DataFrame, name: str, values: list[Any]) -> pd.DataFrame:
    many = row.iloc[np.zeros(len(values), dtype=int)].reset_index(drop=True)
    return many.assign(**{name: as_cells(values, row[name]).array})


def same_class(outputs: Outputs, column: int) -> Mask:
    """Where this class is predicted."""
    return np.asarray(outputs.argmax(axis=1) == column, dtype=bool)


def half_range(values: Array) -> tuple[float, float]:
    """The middle 95 % of numbers."""
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)
