"""Which cases are decided for the same reasons: groups of rows with like attributions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from askwhy.tools.engines.attributed import Attributed, attributed, label_of_rows
from askwhy.tools.engines.listing import unit_of
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table
from askwhy.tools.registry import ClassName, Says, tool
from askwhy.tools.schema import ClassLabel, Feature
from askwhy.tools.subject import plain
from askwhy.tools.view import View

_MOST_GROUPS = 6
_LEAST = 12
_REPEATS = 20
_STABLE = 0.75
_NAMED = 3


def _group_says(number: int) -> Says:
    """The sentences about one group."""
    first = "One group" if number == 1 else "Another group"
    start = f"{first}, {{g{number}_share}} of them, such as {{g{number}_centre.row}}:"
    reasons = (
        f"[g{number}_attribution {_NAMED}: {{feature}} {{value:word raises/lowers}} it by {{value:size}} on average]"
    )
    return (
        f"{start} {reasons}.",
        f"Typical there: [g{number}_cell {_NAMED}: {{feature}} ({{value}})].",
    )


@tool(
    fits=lambda schema: schema.modality == "table",
    asks=(
        "which cases are decided for the same reasons?",
        "which {entities} are decided in the same way?",
        "what strategies does the model use?",
        "group the {entities} by their reasons",
        "into which {k} groups do the explanations fall?",
        "are there different kinds of {class}?",
        "cluster the explanations of {entities} with {subset}",
        "for what different reasons are {entities} predicted {class}?",
    ),
    says=(
        "By what moves the probability of {about_class.cls}, {rows:entities}{scope} fall into {groups} groups.",
        "By what moves the predicted {about_target}, {rows:entities}{scope} fall into {groups} groups.",
        *(sentence for number in range(1, _MOST_GROUPS + 1) for sentence in _group_says(number)),
        "The {rows} were drawn at random from {total:entities}.",
    ),
)
def strategies(
    view: View,
    k: Annotated[int, Field(ge=2, le=_MOST_GROUPS)] | None = None,
    cls: ClassName | None = None,
) -> Evidence:
    """Which cases are decided for the same reasons: rows grouped by their Shapley values, each group with its main
    attributions and typical values. `k`: how many groups (default: as many as fit best); `cls`: the class explained."""
    label = label_of_rows(view, cls)
    found = attributed(view, label, view.rows, _LEAST)
    groups = _grouped(found.values, k, view.seed)
    quality, caveats = _judged(found.values, groups, view)
    facts = [
        _about(view, label),
        Fact(relation="rows", value=len(found.rows), unit="count"),
        Fact(relation="groups", value=int(groups.max()) + 1, unit="count"),
        *(fact for one in range(int(groups.max()) + 1) for fact in _described(view, label, found, groups, one)),
    ]
    if len(found.rows) < len(view.rows):
        facts.append(Fact(relation="total", value=len(view.rows), unit="count"))
    return Evidence(
        facts=tuple(facts),
        method=f"k-means on {found.method}, number of groups by mean silhouette"
        if k is None
        else f"k-means on {found.method}",
        estimand="groups of rows whose outputs divide among the features in the same way",
        quality=quality,
        caveats=caveats,
        table=_table(view, found, groups),
    )


def _grouped(values: Array, k: int | None, seed: int) -> Array:
    """The group (rows,) of every row, the largest group first."""
    distinct = len(np.unique(values.round(12), axis=0))
    if distinct < 2:
        raise ToolError("All of them are decided for exactly the same reasons, so there are no groups.")
    most = min(_MOST_GROUPS, distinct)
    if k is None:
        tried = [_clusters(values, count, seed) for count in range(2, most + 1)]
        groups = max(tried, key=lambda one: round(silhouette(values, one), 12))
    else:
        groups = _clusters(values, min(k, most), seed)
    order = np.argsort(-np.bincount(groups), kind="stable")
    return np.asarray(np.argsort(order)[groups])


def _clusters(values: Array, count: int, seed: int, starts: int = 10) -> Array:
    return np.asarray(_fitted(values, count, seed, starts).labels_)


def _fitted(values: Array, count: int, seed: int, starts: int) -> Any:
    from sklearn.cluster import KMeans

    return KMeans(count, n_init=starts, random_state=seed).fit(values)


def silhouette(values: Array, groups: Array) -> float:
    """Mean silhouette (Rousseeuw 1987): how much nearer rows are to their own group than to the next; -1..1."""
    from sklearn.metrics import silhouette_score

    count = len(np.unique(groups))
    return float(silhouette_score(values, groups)) if 1 < count < len(values) else 0.0


def _about(view: View, label: ClassLabel | None) -> Fact:
    if label is None:
        return Fact(relation="about_target", value=view.schema.target.label)
    return Fact(relation="about_class", value=label.name, unit="class", cls=label.name)


def _described(view: View, label: ClassLabel | None, found: Attributed, groups: Array, one: int) -> Iterator[Fact]:
    """One group: its size, its most central row, its largest mean attributions and the values typical there."""
    inside, prefix = groups == one, f"g{one + 1}"
    mean = found.values[inside].mean(axis=0)
    cls = None if label is None else label.name
    centre = np.flatnonzero(inside)[int(((found.values[inside] - mean) ** 2).sum(axis=1).round(15).argmin())]
    yield Fact(relation=f"{prefix}_rows", value=int(inside.sum()), unit="count")
    yield Fact(relation=f"{prefix}_share", value=float(inside.mean()), unit="share")
    row = str(found.rows.index[centre])
    yield Fact(relation=f"{prefix}_centre", value=row, unit="id", row=row)
    level = "output" if label is None else "probability"
    yield Fact(relation=f"{prefix}_mean", value=float(found.output[inside].mean()), unit=level, cls=cls)
    order = [int(j) for j in np.argsort(-np.abs(mean), kind="stable")[:_NAMED] if abs(mean[j]) > 5e-7]
    unit = "output" if label is None else "points"
    for rank, j in enumerate(order, 1):
        name = view.schema.names[j]
        error = float(found.values[inside, j].std() / np.sqrt(inside.sum()))
        value = float(mean[j])
        yield Fact(
            relation=f"{prefix}_attribution", value=value, unit=unit, feature=name, cls=cls, rank=rank, error=error
        )
    for j in order:
        feature = view.schema.features[j]
        cell = typical(feature, found.rows[feature.name][inside])
        yield Fact(relation=f"{prefix}_cell", value=cell, unit=unit_of(feature), feature=feature.name)


def typical(feature: Feature, cells: pd.Series) -> Any:
    """The middle value of an ordered feature, the most common one of another; None where all are missing."""
    present = cells.dropna()
    if not len(present):
        return None
    if (feature.numeric or feature.kind == "date") and not feature.categories:
        return plain(present.sort_values().iloc[(len(present) - 1) // 2])
    return plain(present.mode().iloc[0])


def _judged(values: Array, groups: Array, view: View) -> tuple[tuple[Quality, ...], tuple[Caveat, ...]]:
    """Whether the groups come back on resampled rows, and whether they are more than chance makes."""
    stable = stability(values, groups, view.seed)
    worst = float(stable.min())
    real = silhouette(values, groups)
    rng, count = view.rng, int(groups.max()) + 1
    shuffled = [np.column_stack([rng.permutation(column) for column in values.T]) for _ in range(_REPEATS)]
    nulls = [silhouette(one, _clusters(one, count, view.seed, 3)) for one in shuffled]
    quality = (
        Quality(
            check="C8 groups",
            value=worst,
            passed=worst >= _STABLE,
            note=f"least stable group: mean Jaccard similarity over {_REPEATS} resamples (Hennig 2007)",
        ),
        Quality(
            check="C9 groups",
            value=real,
            passed=real > max(nulls),
            note=f"mean silhouette; at most {max(nulls):.2f} in {_REPEATS} sets of attributions shuffled by feature",
        ),
    )
    caveats = []
    if not quality[0].passed:
        text = "Other samples of the data would give other groups, so read them as a sketch."
        caveats.append(Caveat(flag="unstable", text=text))
    if not quality[1].passed:
        text = "The groups are no clearer than those of shuffled attributions, so there may be no groups at all."
        caveats.append(Caveat(flag="no_groups", text=text))
    return quality, tuple(caveats)


def stability(values: Array, groups: Array, seed: int) -> Array:
    """Mean Jaccard similarity (groups,) of each group with its best match after clustering resampled rows."""
    count = int(groups.max()) + 1
    found = np.zeros((_REPEATS, count))
    for repeat in range(_REPEATS):
        drawn = np.random.default_rng([seed, repeat]).integers(0, len(values), len(values))
        again = _fitted(values[drawn], min(count, len(np.unique(drawn))), seed, 3).predict(values)
        for one in range(count):
            mine = groups == one
            overlaps = [(mine & (again == other)).sum() / (mine | (again == other)).sum() for other in np.unique(again)]
            found[repeat, one] = max(overlaps)
    return np.asarray(found.mean(axis=0))


def _table(view: View, found: Attributed, groups: Array) -> Table:
    """Mean attributions: a line for each feature, a column for each group."""
    count = int(groups.max()) + 1
    means = np.array([found.values[groups == one].mean(axis=0) for one in range(count)])
    order = np.argsort(-np.abs(means).max(axis=0), kind="stable")
    columns = ("feature", *(f"group {one + 1} ({int((groups == one).sum())})" for one in range(count)))
    rows = tuple((view.schema.features[int(j)].label, *map(float, means[:, j])) for j in order)
    return Table(columns=columns, rows=rows, note="mean attributions; the number of rows in brackets")
