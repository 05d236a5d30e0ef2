"""Columns that give the outcome away: how well each tells it alone, beside all the others together.

What separates a leak from a strong honest feature is a jump. An honest feature is one voice among several; a leak
nearly settles the outcome, and no other column comes near. So three things must hold at once: alone it tells the
outcome almost without error (or without any error in a large part of one class); all the others together leave
several times as much error; and the model loses much when its values are shuffled. An honest feature that does all
this is accused too.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from askwhy.tools.engines.second_opinion import folds_of, numbers_of, out_of_fold, strength
from askwhy.tools.engines.truth import Array
from askwhy.tools.schema import Schema

ALONE = 0.88
"""Least strength (2 AUC - 1, or R squared) of a leak on its own."""

JUMP = 2.5
"""All other columns leave at least so many times the error that a leak leaves."""

PURE = 0.4
"""A column that tells one class without error for at least this share of it is a leak with less strength as well."""

DROP = 0.15
"""Least strength that the model loses without it."""

NAMED = 0.96
"""Least strength of a column of names where the others tell the outcome too and nothing is held out: less is rather a
shortcut. Rows held out settle that: what tells the outcome there as well is no accident of the training rows."""

TELLING = 0.5
"""Strength from which the other columns together count as telling the outcome."""

_PURE_ALONE, _PURE_JUMP, _CERTAIN, _ALIKE = 0.55, 1.3, 0.995, 0.98
_MOST_PAIRED = 24
_ROWS_PURE = 20


@dataclass(frozen=True)
class Suspect:
    """One column, or the difference of two. alone: its strength; rest: that of all other columns; pure: the largest
    share of a class that it tells without error; names: its cells are names, and no row was held out. Strengths
    are out of fold."""

    features: tuple[str, ...]
    alone: float
    pure: float
    names: bool = False
    rest: float = float("nan")

    @property
    def jump(self) -> float:
        """How many times its own error the others leave."""
        return (1 - self.rest) / max(1e-3, 1 - self.alone)

    @property
    def gives_away(self) -> bool:
        """Whether it tells the outcome implausibly well."""
        least = NAMED if self.names and self.rest >= TELLING else ALONE
        settled = self.alone >= least and self.jump >= JUMP
        return settled or (self.pure >= PURE and self.alone >= _PURE_ALONE and self.jump >= _PURE_JUMP)


def suspects(
    schema: Schema, rows: pd.DataFrame, actual: Array, rng: np.random.Generator, *, tested: bool
) -> tuple[list[Suspect], list[Suspect]]:
    """Every column measured alone, strongest first, and those (or pairs) that give the outcome away.

    `actual`: class positions or numbers, known for every row. tested: whether some of the rows were held out.
    """
    classes = len(schema.classes)
    fold = folds_of(actual, classes, rng)
    every = [
        Suspect((name,), *alone(schema, rows, (name,), actual, fold), names=not (tested or _ordered(schema, name)))
        for name in schema.names
        if schema.feature(name).kind != "text"
    ]
    every.sort(key=lambda one: (-max(one.alone, one.pure), one.features))
    found: list[Suspect] = []
    for one in every:
        if (one.alone >= ALONE or one.pure >= PURE) and len(found) < 3:
            full = replace(one, rest=rest_of(schema, rows, one.features, actual, rng))
            found += [full] if full.gives_away else []
    if not found:
        found = list(_pairs(schema, rows, every, actual, fold, rng))
    return every, found


def _ordered(schema: Schema, name: str) -> bool:
    feature = schema.feature(name)
    return not feature.categories and (feature.numeric or feature.kind == "date")


def alone(
    schema: Schema, rows: pd.DataFrame, names: tuple[str, ...], actual: Array, fold: Array
) -> tuple[float, float]:
    """Strength of one column, or of the difference of two, by a tree; and the purest share of a class."""
    read = read_of(schema, rows, names)
    classes = len(schema.classes)
    outputs = tree_outputs(read, actual, classes, fold)
    if classes:
        return strength(actual, outputs, classes), _pure(actual, outputs)
    return max(strength(actual, outputs, 0), _line(read, actual)), 0.0


def read_of(schema: Schema, rows: pd.DataFrame, names: tuple[str, ...]) -> Array:
    """One feature as numbers (n, columns), or the difference of two (n, 1)."""
    if len(names) == 2:
        first, second = (np.asarray(rows[name], dtype=float) for name in names)
        return np.asarray(first - second)[:, None]
    read, owners = numbers_of(schema, rows)
    return read[:, [place for place, owner in enumerate(owners) if owner == names[0]]]


def tree_outputs(read: Array, actual: Array, classes: int, fold: Array) -> Array:
    """Outputs of small trees, each row's from a tree fitted on the other folds."""
    found = np.zeros((len(actual), max(1, classes)))
    for one in np.unique(fold):
        here = fold == one
        found[here] = told_by_tree(read[~here], actual[~here], read[here], classes)
    return found


def told_by_tree(read: Array, actual: Array, asked: Array, classes: int) -> Array:
    """Outputs at `asked` of a small tree fitted on `read`."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    if not classes:
        tree = DecisionTreeRegressor(max_leaf_nodes=64, min_samples_leaf=5, random_state=0)
        return np.asarray(tree.fit(read, actual).predict(asked), dtype=float)[:, None]
    least = max(5, len(actual) // 100)
    fitted = DecisionTreeClassifier(max_leaf_nodes=16, min_samples_leaf=least, random_state=0).fit(read, actual)
    found = np.zeros((len(asked), classes))
    found[:, fitted.classes_] = fitted.predict_proba(asked)
    return found


def _line(read: Array, actual: Array) -> float:
    """R squared of a line through one column of numbers."""
    if read.shape[1] != 1:
        return 0.0
    known = np.isfinite(read[:, 0])
    if known.mean() < 0.9 or np.ptp(read[known, 0]) == 0 or np.ptp(actual[known]) == 0:
        return 0.0
    return float(np.corrcoef(read[known, 0], actual[known])[0, 1] ** 2)


def _pure(actual: Array, outputs: Array) -> float:
    """The largest share of a class, of at most 60 % of the rows, that is told with certainty and without error."""
    best = 0.0
    for one in range(outputs.shape[1]):
        total = int((actual == one).sum())
        said = outputs[:, one] >= _CERTAIN
        hits = int((actual[said] == one).sum())
        if hits >= _ROWS_PURE and total <= 0.6 * len(actual) and hits >= _CERTAIN * said.sum():
            best = max(best, hits / total)
    return best


def rest_of(
    schema: Schema, rows: pd.DataFrame, names: tuple[str, ...], actual: Array, rng: np.random.Generator
) -> float:
    """Strength of all the other columns together; near-copies of the suspect are no others."""
    read, owners = numbers_of(schema, rows)
    own = read_of(schema, rows, names)
    keep = [place for place, owner in enumerate(owners) if owner not in names and not _near_copy(read[:, place], own)]
    classes = len(schema.classes)
    kinds: tuple[Sequence[str], ...] = ("smooth", "flexible")
    return max(
        0.0,
        *(strength(actual, out_of_fold(read[:, keep], actual, classes, kind, rng), classes) for kind in kinds),  # type: ignore[arg-type]
    )


def _near_copy(one: Array, own: Array) -> bool:
    from scipy.stats import rankdata

    if own.shape[1] != 1:
        return False
    known = np.isfinite(one) & np.isfinite(own[:, 0])
    if known.sum() < 10 or np.ptp(one[known]) == 0 or np.ptp(own[known, 0]) == 0:
        return False
    return bool(abs(np.corrcoef(rankdata(one[known]), rankdata(own[known, 0]))[0, 1]) >= _ALIKE)


def _pairs(
    schema: Schema, rows: pd.DataFrame, every: Sequence[Suspect], actual: Array, fold: Array, rng: np.random.Generator
) -> Iterator[Suspect]:
    """Differences of two columns of numbers that settle what neither settles alone."""
    known = {one.features[0]: one.alone for one in every}
    numeric = [name for name in known if schema.feature(name).numeric and rows[name].nunique() > 10][:_MOST_PAIRED]
    scored = []
    for pair in itertools.combinations(numeric, 2):
        rough = _rough(read_of(schema, rows, pair)[:, 0], actual, len(schema.classes))
        if rough >= ALONE - 0.1 and rough > max(known[name] for name in pair) + 0.1:
            scored.append((-rough, pair))
    for _, pair in sorted(scored)[:2]:
        full = Suspect(pair, *alone(schema, rows, pair, actual, fold))
        full = replace(full, rest=rest_of(schema, rows, pair, actual, rng))
        if (full.alone >= ALONE + 0.04 or full.pure >= 0.6) and full.gives_away:
            yield full
            return


def _rough(difference: Array, actual: Array, classes: int) -> float:
    """A quick strength of one column of numbers by its ranks."""
    from scipy.stats import rankdata

    known = np.isfinite(difference)
    ranks = rankdata(difference[known])
    if known.sum() < 20 or np.ptp(ranks) == 0 or np.ptp(actual[known]) == 0:
        return 0.0
    if not classes:
        return abs(float(np.corrcoef(difference[known], actual[known])[0, 1])) ** 2
    return max(_gini(ranks, actual[known] == one) for one in np.unique(actual[known]))


def _gini(ranks: Array, positive: Array) -> float:
    count, rest = int(positive.sum()), int((~positive).sum())
    return abs(2 * (float(ranks[positive].sum()) - count * (count + 1) / 2) / (count * rest) - 1)
