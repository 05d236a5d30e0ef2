"""Rules that a model should keep, and the search for rows that break them.

A monotone rule says that the output never falls (or never rises) as a feature rises and all else stays; a forbidden
outcome says that rows that meet some conditions are never predicted a class. Both are checked on every row asked about,
and on rows made from them by giving them cells of other rows, the most promising of which are changed further.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.grid import sweep
from askwhy.tools.engines.truth import Array
from askwhy.tools.evaluator import Evaluator, compose
from askwhy.tools.scope import Condition, Where, opposite
from askwhy.tools.select import select
from askwhy.tools.subject import Mask, Subject

ROUNDS, MADE, KEPT = 4, 150, 20
"""A search makes `MADE` rows in each of `ROUNDS`, from the `KEPT` nearest to breaking the rule so far."""

Badness = Callable[[pd.DataFrame], Array]
"""How near rows are to breaking a rule (n,); more than 0 is a break."""


@dataclass(frozen=True)
class Drops:
    """The largest move against a rule along every row's curve: (rows,) sizes, and grid places of its start and end."""

    size: Array
    start: Array
    end: Array
    curves: Array


def drops(evaluate: Evaluator, rows: pd.DataFrame, name: str, values: list[Any], column: int, *, rising: bool) -> Drops:
    """How far the output falls (rising: or rises) between any two values of the feature, lower to higher."""
    curves = sweep(evaluate, rows, name, values)[:, :, column]
    upright = -curves if rising else curves
    peak = np.maximum.accumulate(upright, axis=1)
    lost = peak - upright
    end = lost.argmax(axis=1)
    places = np.arange(upright.shape[1])
    before = np.where(places <= end[:, None], upright, -np.inf)
    return Drops(lost.max(axis=1), before.argmax(axis=1), end, curves)


@dataclass(frozen=True)
class Searched:
    """What a search came to: rows tried, how many broke the rule, and the worst of them with the row it was made from.

    worst: a frame of one row. parent: the position of the row it started as. badness: by how much it breaks the rule.
    """

    tried: int
    broken: int
    worst: pd.DataFrame
    parent: int
    badness: float


def search(
    rows: pd.DataFrame,
    donors: pd.DataFrame,
    fixed: list[str],
    badness: Badness,
    allowed: Callable[[pd.DataFrame], Mask],
    rng: np.random.Generator,
    *,
    made_up: bool = False,
) -> Searched | None:
    """Looks near `rows` for one that breaks a rule; None where no row could be made.

    `fixed` columns stay, and made rows must be `allowed`. made_up: the rows to start from are made up too, and count.
    """
    free = [place for place, name in enumerate(rows.columns) if name not in fixed]
    if not free or not len(rows):
        return None
    own = np.arange(len(rows))
    current, parents, bad = rows, own, badness(rows)
    tried, broken = (len(rows), int((bad > 0).sum())) if made_up else (0, 0)
    for _ in range(ROUNDS):
        best = np.argsort(-bad, kind="stable")[:KEPT]
        current, parents, bad = current.iloc[best], parents[best], bad[best]
        made, from_row = _made(current, donors, free, rng)
        fits = np.flatnonzero(allowed(made))
        if not len(fits):
            continue
        made, born = made.iloc[fits], parents[from_row[fits]]
        found = badness(made)
        tried, broken = tried + len(made), broken + int((found > 0).sum())
        current = pd.concat([current, made], ignore_index=True)
        parents, bad = np.concatenate([parents, born]), np.concatenate([bad, found])
    if not tried:
        return None
    top = int(np.argmax(bad))
    return Searched(tried, broken, current.iloc[[top]], int(parents[top]), float(bad[top]))


def _made(
    rows: pd.DataFrame, donors: pd.DataFrame, free: list[int], rng: np.random.Generator
) -> tuple[pd.DataFrame, Array]:
    """Rows with one or two of their free cells taken from donors, and which row each was made from."""
    parent = rng.integers(0, len(rows), MADE)
    source = np.repeat(parent[:, None], rows.shape[1], axis=1)
    for one in range(MADE):
        for place in rng.choice(free, min(len(free), int(rng.integers(1, 3))), replace=False):
            source[one, place] = len(rows) + int(rng.integers(0, len(donors)))
    return compose(pd.concat([rows, donors], ignore_index=True), source), parent


def meets(subject: Subject, where: Where, rows: pd.DataFrame) -> Mask:
    """Which made-up rows meet the conditions on features; all others are about rows of the data, and are left out."""
    kept = tuple(group for group in where.all if all(one.on == "feature" for one in group.any))
    if not kept:
        return np.ones(len(rows), dtype=bool)
    stand_in = replace(
        subject, data=rows, target=None, known=None, held_out=np.zeros(len(rows), dtype=bool), id=f"{subject.id}-made"
    )
    return select(stand_in, Where(all=kept), Evaluator(subject.predictor))


def made_to_meet(subject: Subject, where: Where, rows: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """The rows with the features of the conditions set so that they hold; those that still do not are left out."""
    for group in where.all:
        one = group.any[0]
        if one.on == "feature" and one.op not in ("missing", "contains"):
            missing = ~meets(subject, Where(all=(group,)), rows)
            rows = _set(subject, one, rows, missing, rng)
    return rows[meets(subject, where, rows)]


def _set(
    subject: Subject, condition: Condition, rows: pd.DataFrame, which: Mask, rng: np.random.Generator
) -> pd.DataFrame:
    """The rows with the condition's feature set, where `which`, to values that meet it: of the data, else its limit."""
    feature = subject.schema.feature(condition.feature or "")
    cells = subject.data[feature.name].dropna().drop_duplicates().sort_values()
    fitting = cells[meets(subject, Where.of(condition), subject.data.loc[cells.index])]
    if len(fitting):
        drawn = fitting.iloc[rng.integers(0, len(fitting), len(rows))]
    elif feature.numeric and not isinstance(condition.value, str) and condition.value is not None:
        drawn = pd.Series([_just_inside(condition, float(condition.value), cells)] * len(rows))
    else:
        return rows
    old = rows[feature.name].astype(object)
    new = [fresh if one else before for fresh, one, before in zip(drawn, which, old, strict=True)]
    whole = pd.api.types.is_integer_dtype(rows[feature.name].dtype) and any(float(one) != int(one) for one in new)
    dtype = "float64" if whole else rows[feature.name].dtype
    return rows.assign(**{feature.name: pd.Series(new, index=rows.index, dtype=dtype)})


def _just_inside(condition: Condition, value: float, cells: pd.Series) -> float:
    """A number that meets a comparison, as near to its limit as the data's own steps allow."""
    op = opposite(condition.op) if condition.negated else condition.op
    steps = np.diff(np.asarray(cells, dtype=float))
    step = float(steps.min()) if len(steps) else 1.0
    return value + {"lt": -step, "gt": step, "ne": step}.get(op or "eq", 0.0)
