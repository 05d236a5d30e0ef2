"""A shallow decision tree fitted to the model's own outputs, read as rules over raw features.

What counts is the rules as they are said, with their rounded bounds: fidelity is measured on them, not on the tree.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.rules import MOST_CATEGORIES, Predicate, Rule, holds
from askwhy.tools.engines.truth import Array
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import Scalar
from askwhy.tools.subject import plain

_LEAF_SHARE, _LEAF_ROWS = 0.02, 5


@dataclass(frozen=True)
class Column:
    """One column the tree reads: an ordered feature as numbers, or whether a cell is one category."""

    feature: Feature
    value: Scalar | None = None

    def numbers(self, rows: pd.DataFrame) -> Array:
        """The column's values for rows: dates as days, missing numbers as NaN."""
        cells = rows[self.feature.name]
        if self.value is not None:
            return np.asarray((cells.astype(object) == self.value).fillna(False), dtype=float)
        if self.feature.kind == "date":
            days = (cells - pd.Timestamp(0)) / pd.Timedelta(days=1)
            return np.asarray(days, dtype=float)
        return np.asarray(cells, dtype=float)


def columns_of(schema: Schema, rows: pd.DataFrame) -> list[Column]:
    """The columns of a tree; free texts are left out, and so are rare categories beyond the twenty most common."""
    found: list[Column] = []
    for feature in schema.features:
        if feature.kind == "text":
            continue
        if not feature.categories and (feature.numeric or feature.kind == "date"):
            found.append(Column(feature))
            continue
        values = [plain(one) for one in rows[feature.name].value_counts().index[:MOST_CATEGORIES]]
        # Two categories are one question, so the second column would only double its chances.
        kept = values[:1] if len(values) == 2 and not rows[feature.name].isna().any() else values
        found += [Column(feature, one) for one in kept if one is not None]
    return found


@dataclass(frozen=True)
class Leaf:
    """A rule with what it says: a class position or a number. rows: how many training rows it covers."""

    rule: Rule
    says: float
    rows: int


def fit_rules(schema: Schema, rows: pd.DataFrame, goal: Array, depth: int, *, classes: bool) -> list[Leaf]:
    """Rules that cover every row once, largest first. goal: class positions, or numbers. One empty rule: no split."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    columns = columns_of(schema, rows)
    fewest = max(_LEAF_ROWS, round(_LEAF_SHARE * len(rows)))
    kind = DecisionTreeClassifier if classes else DecisionTreeRegressor
    tree = kind(max_depth=depth, min_samples_leaf=fewest, random_state=0)
    read = np.column_stack([column.numbers(rows) for column in columns])
    fitted = tree.fit(read, goal).tree_
    leaves = list(_leaves(_Grown(fitted, columns, read, schema, rows, goal, classes), 0, (), np.arange(len(rows))))
    return sorted(leaves, key=lambda leaf: -leaf.rows)


@dataclass(frozen=True)
class _Grown:
    tree: Any
    columns: list[Column]
    read: Array
    schema: Schema
    rows: pd.DataFrame
    goal: Array
    classes: bool


def _leaves(grown: _Grown, node: int, rule: Rule, among: Array) -> Iterator[Leaf]:
    """The leaves below a node; a subtree that says one class throughout is one leaf."""
    left, right = int(grown.tree.children_left[node]), int(grown.tree.children_right[node])
    if left < 0:
        yield _leaf(grown, rule, among)
        return
    column = grown.columns[int(grown.tree.feature[node])]
    values = grown.read[among, int(grown.tree.feature[node])]
    threshold, gap_left = float(grown.tree.threshold[node]), bool(grown.tree.missing_go_to_left[node])
    gap = np.isnan(values)
    goes = np.where(gap, gap_left, values <= threshold)
    first, second = _split(column, values[~gap], threshold, gap_left if gap.any() else None)
    below = [
        *_leaves(grown, left, _with(rule, first), among[goes]),
        *_leaves(grown, right, _with(rule, second), among[~goes]),
    ]
    if grown.classes and len({leaf.says for leaf in below}) == 1:
        yield _leaf(grown, rule, among)
    else:
        yield from below


def _leaf(grown: _Grown, rule: Rule, among: Array) -> Leaf:
    goal = grown.goal[among]
    says = float(np.bincount(goal.astype(int)).argmax()) if grown.classes else float(goal.mean())
    return Leaf(rule, says, len(among))


def _split(column: Column, values: Array, threshold: float, gap_left: bool | None) -> tuple[Predicate, Predicate]:
    """The conditions of both sides. gap_left: on which side missing cells go, None where there are none."""
    feature = column.feature
    if column.value is not None:
        return _otherwise(column, values), Predicate(feature, value=column.value)
    if not np.isfinite(threshold) or not (values > threshold).any():
        return Predicate(feature, high=_bound(feature, float(values.max()), np.inf)), Predicate(feature, missing=True)
    cut = _bound(feature, float(values[values <= threshold].max()), float(values[values > threshold].min()))
    return (
        Predicate(feature, high=cut, missing=gap_left is True),
        Predicate(feature, low=cut, missing=gap_left is False),
    )


def _otherwise(column: Column, values: Array) -> Predicate:
    """Not this category: the other one, where there are only two."""
    assert column.value is not None
    others = [one.value for one in column.feature.categories if one.value != column.value]
    if len(others) == 1 and not column.feature.has_missing:
        return Predicate(column.feature, value=others[0])
    return Predicate(column.feature, besides=(column.value,))


def _bound(feature: Feature, low: float, high: float) -> Scalar:
    """The shortest number that is at least `low` and below `high`."""
    if feature.kind == "date":
        day = pd.Timestamp(0) + pd.Timedelta(days=np.floor(low) if low == np.floor(low) else np.ceil(low))
        return str(day.date())
    middle = (low + high) / 2 if np.isfinite(high) else low
    for digits in range(1, 17):
        short = float(f"{middle:.{digits}g}")
        if low <= short < high:
            return int(short) if short.is_integer() else short
    return low


def _with(rule: Rule, test: Predicate) -> Rule:
    """The rule with one more condition; two on one feature become one."""
    own = next((one for one in rule if one.feature.name == test.feature.name), None)
    if own is None:
        return (*rule, test)
    return tuple(_both(own, test) if one is own else one for one in rule)


def _both(own: Predicate, test: Predicate) -> Predicate:
    if own.besides and test.besides:
        return replace(own, besides=(*own.besides, *test.besides))
    if own.besides or (own.value is not None and test.besides):
        return test if own.besides else own
    if not own.bounded or not test.bounded:
        return test if own.bounded else own
    lows = [one.low for one in (own, test) if one.low is not None]
    highs = [one.high for one in (own, test) if one.high is not None]
    return Predicate(
        own.feature,
        low=max(lows) if lows else None,
        high=min(highs) if highs else None,
        missing=own.missing and test.missing,
    )


def answers(leaves: list[Leaf], rows: pd.DataFrame) -> Array:
    """What the rules say of rows: that of the rule each one meets; of the largest rule where none (a new category)."""
    found = np.full(len(rows), leaves[0].says)
    for leaf in leaves:
        found[holds(leaf.rule, rows)] = leaf.says
    return found
