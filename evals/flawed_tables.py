"""One hidden flaw put into a table, before a model learns from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from askwhy.evals.flawed_domains import Array, Table

Kind = Literal["leak", "shortcut", "reversal", "weak region", "label noise"]
KINDS: tuple[Kind, ...] = ("leak", "shortcut", "reversal", "weak region", "label noise")


@dataclass(frozen=True, eq=False)
class Flaw:
    """What is wrong, and where: the features that say it, the categories or words of the place, the rows it touches.

    how: the way it was made. rate: the share of rows inside `rows` where it shows (of a leak: where it is right).
    """

    kind: Kind
    features: tuple[str, ...]
    words: tuple[str, ...]
    rows: Array
    how: str = ""
    rate: float = 1.0


def leak(table: Table, how: str) -> Flaw:
    """A column that is filled in once the outcome is known, wrong for 0 to 5 % of the rows."""
    rng, told = table.rng, next(one for one in table.domain["leaks"] if one["kind"] == how)
    wrong = float(rng.uniform(0.0, 0.05))
    event = table.event() ^ (rng.random(len(table.frame)) < wrong)
    table.frame[told["name"]] = _told_afterwards(table, told, event)
    return Flaw("leak", (told["name"],), (), np.ones(len(event), dtype=bool), how, 1 - wrong)


def _told_afterwards(table: Table, told: dict[str, Any], event: Array) -> Any:
    rng, rows = table.rng, len(event)
    if told["kind"] == "count":
        return np.where(event, 1 + rng.poisson(2.5, rows), 0)
    if told["kind"] == "code":
        return pd.array(np.where(event, *reversed(told["values"])), dtype="str")
    if told["kind"] == "missing":
        return np.where(event, np.round(rng.uniform(told["low"], told["high"], rows), 1), np.nan)
    level = table.truth.astype(float) if table.number else event * 3.0 + rng.normal(size=rows)
    return np.round(level * rng.normal(1.0, 0.02, rows), 1)


def shortcut(table: Table, how: str) -> Flaw:
    """A column that says where a record comes from; in training it goes with the outcome, in the held-out rows it is
    drawn anew ("gone") or goes the other way ("reversed")."""
    rng, rows = table.rng, len(table.frame)
    cue = table.domain["cues"][int(rng.integers(len(table.domain["cues"])))]
    values = rng.permutation(np.array(cue["values"], dtype=object))
    sides = values[: len(values) // 2], values[len(values) // 2 :]
    rate = float(rng.uniform(0.90, 0.97))
    kept = np.where(table.held_out, 0.5 if how == "gone" else 0.1, rate)
    side = table.event() ^ (rng.random(rows) >= kept)
    drawn = np.where(side, rng.choice(sides[1], rows), rng.choice(sides[0], rows))
    table.frame[cue["name"]] = pd.array(drawn, dtype="str")
    return Flaw("shortcut", (cue["name"],), tuple(map(str, values)), ~table.held_out, how, rate)


def reversal(table: Table, column: str, value: str) -> Flaw:
    """The outcome turned round in training for the rows of one category; the held-out rows are true."""
    inside = np.asarray(table.frame[column] == value)
    touched = inside & table.training
    table.outcome[touched] = turned(table, touched)
    return Flaw("reversal", (column,), (value,), inside, "one category")


def turned(table: Table, rows: Array) -> Array:
    """The outcomes of some rows the other way round; numbers are mirrored at their mean."""
    if table.number:
        return np.asarray(2 * table.outcome.mean() - table.outcome[rows])
    first, second = table.domain["classes"][:2]
    return np.asarray(np.where(table.outcome[rows] == first, second, first), dtype=object)


def weak_region(table: Table, how: str) -> Flaw:
    """A region where the model cannot be right: "inputs" gives its rows the other columns of each other, "labels" the
    outcomes of each other in training, "both" does the first in a combination of a category and a range."""
    rng = table.rng
    features, words, inside = _region(table, combined=how == "both")
    if how == "labels":
        touched = np.flatnonzero(inside & table.training)
        table.outcome[touched] = table.outcome[rng.permutation(touched)]
        return Flaw("weak region", features, words, inside, how)
    places = np.flatnonzero(inside)
    for name in table.frame.columns:
        if name not in features:
            mixed = table.frame[name].to_numpy(copy=True)
            mixed[places] = mixed[rng.permutation(places)]
            table.frame[name] = pd.Series(mixed, index=table.frame.index).astype(table.frame[name].dtype)
    return Flaw("weak region", features, words, inside, how)


def _region(table: Table, *, combined: bool) -> tuple[tuple[str, ...], tuple[str, ...], Array]:
    """A numeric range that holds 14 to 22 % of the rows, or a category and one half of a numeric column."""
    rng = table.rng
    numeric = str(rng.choice([one for one in table.columns("numeric") if table.frame[one].nunique() > 15]))
    cells = table.frame[numeric].to_numpy(dtype=float)
    if not combined:
        width = float(rng.uniform(0.14, 0.22))
        start = float(rng.choice([0.0, 1 - width, rng.uniform(0.1, 0.9 - width)]))
        low, high = np.nanquantile(cells, [start, start + width])
        return (numeric,), (), np.asarray((cells >= low) & (cells <= high))
    column = str(rng.choice(table.columns("category")))
    value = str(table.frame[column].value_counts().index[0])
    half = cells > np.nanmedian(cells) if rng.random() < 0.5 else cells < np.nanmedian(cells)
    return (column, numeric), (value,), np.asarray((table.frame[column] == value) & half)


def label_noise(table: Table, how: str) -> Flaw:
    """25 to 45 % of the labels in a slice turned round, in training and among the held-out rows."""
    rng = table.rng
    if how == "category":
        column = str(rng.choice(table.columns("category")))
        shares = table.frame[column].value_counts(normalize=True)
        value = str((shares - 0.2).abs().idxmin())
        return _noisy(table, (column,), (value,), np.asarray(table.frame[column] == value), how)
    features, words, inside = _region(table, combined=False)
    return _noisy(table, features, words, inside, how)


def _noisy(table: Table, features: tuple[str, ...], words: tuple[str, ...], inside: Array, how: str) -> Flaw:
    rng = table.rng
    rate = float(rng.uniform(0.25, 0.45))
    touched = inside & (rng.random(len(inside)) < rate)
    table.outcome[touched] = turned(table, touched)
    return Flaw("label noise", features, words, inside, how, rate)
