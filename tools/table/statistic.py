"""Plain statistics of a feature or of the target over the selected rows."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from askwhy.tools.engines.listing import shown, unit_of
from askwhy.tools.engines.truth import actual_values
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Series, Table, Unit
from askwhy.tools.registry import FeatureName, ask, tool
from askwhy.tools.schema import Feature
from askwhy.tools.subject import plain
from askwhy.tools.view import View

Measure = Literal["mean", "median", "min", "max", "std", "sum", "distribution", "most_common"]

_WORDS = {
    "mean": "mean", "median": "median", "min": "smallest", "max": "largest", "std": "standard deviation of the",
    "sum": "total",
}  # fmt: skip
_DATE_WORDS = {"mean": "mean", "median": "median", "min": "earliest", "max": "latest"}
_COMPUTE: dict[str, Callable[[pd.Series], Any]] = {
    "mean": pd.Series.mean, "median": pd.Series.median, "min": pd.Series.min, "max": pd.Series.max,
    "std": pd.Series.std, "sum": pd.Series.sum,
}  # fmt: skip
_QUANTILES = {"smallest": 0.0, "lower quartile": 0.25, "median": 0.5, "upper quartile": 0.75, "largest": 1.0}
_EARLY_LATE = {"smallest": "earliest", "largest": "latest"}
_NAMED = 8
_BINS = 12


@dataclass(frozen=True)
class Column:
    """What the statistic is of: values present, how many are missing, and how its facts are written."""

    values: pd.Series
    missing: int
    label: str
    unit: Unit
    feature: Feature | None = None
    prefix: str = ""


@tool(
    asks=(
        ask("what is the average {feature}?", measure="mean"),
        ask("what is the mean {feature} of {entities} with {subset}?", measure="mean"),
        ask("average {feature} among {entities} predicted {class}", measure="mean"),
        ask("what is the median {feature}?", measure="median"),
        ask("what is the highest {feature}?", measure="max"),
        ask("who has the largest {feature}?", measure="max"),
        ask("what is the lowest {feature}?", measure="min"),
        ask("how much does {feature} vary?", measure="std"),
        ask("what is the standard deviation of {feature}?", measure="std"),
        ask("what is the total {feature}?", measure="sum"),
        ask("how is {feature} distributed?", measure="distribution"),
        ask("show the distribution of {feature} for {entities} with {subset}", measure="distribution"),
        ask("what is the most common {feature}?", measure="most_common"),
        ask("which {feature} occurs most often?", measure="most_common"),
        "give me statistics of {feature}",
        ask("how is the target distributed?", measure="distribution"),
        ask("what is the average true value?", measure="mean"),
        ask("how long are the texts on average?", measure="mean"),
    ),
    says=(
        "The {statistic.group} {statistic.feature} over {used:entities}{scope} is {statistic}.",
        "The {extreme.group} {extreme.feature} over {used:entities}{scope} is {extreme}, for instance that of "
        "{extreme.row}.",
        "The {target_statistic.group} {target} over {used:entities}{scope} is {target_statistic}.",
        "The {target_extreme.group} {target} over {used:entities}{scope} is {target_extreme}, for instance that of "
        "{target_extreme.row}.",
        "The {length_statistic.group} number of words over {used:entities}{scope} is {length_statistic}.",
        "The {length_extreme.group} number of words over {used:entities}{scope} is {length_extreme}, for instance "
        "that of "
        "{length_extreme.row}.",
        "Over {used:entities}{scope}, the {quantile.feature} has these quartiles: [quantile*: {group} {value}].",
        "Over {used:entities}{scope}, the {target} has these quartiles: [target_quantile*: {group} {value}].",
        "Over {used:entities}{scope}, the number of words has these quartiles: [length_quantile*: {group} {value}].",
        "Over {used:entities}{scope}, the most common {common.feature} is {common}, with {common_share}.",
        "Over {used:entities}{scope}, the most common {target} is {target_common}, with {common_share}.",
        "Over {used:entities}{scope}, the most common number of words is {length_common}, with {common_share}.",
        "Over {used:entities}{scope}, the values of {category_share.feature} are [category_share*: {at} ({value})].",
        "Other values make up {rest_share}.",
        "Over {used:entities}{scope}, the true classes are [class_share*: {cls} ({value})].",
        "For {left_out:entities} the value is missing, so {left_out:one it is/they are} left out.",
    ),
)
def statistic(view: View, feature: FeatureName | None = None, measure: Measure | None = None) -> Evidence:
    """Mean, median, smallest, largest, spread, total, distribution or most common value of a feature, or of the
    target where no feature is given. A text counts by its number of words."""
    column = _column(view, feature)
    if not len(column.values):
        raise ToolError(f"{column.label} is missing for all of these {view.schema.entities}.")
    facts = [Fact(relation="used", value=len(column.values), unit="count"), *_facts(view, column, measure)]
    if column.missing:
        facts.append(Fact(relation="left_out", value=column.missing, unit="count"))
    shares = column.unit in ("category", "class")
    return Evidence(
        facts=tuple(facts),
        method="description of the data",
        caveats=_caveats(view, column),
        figure=_bars(column) if shares else _histogram(column),
        table=_shares_table(column) if shares else None,
    )


def _column(view: View, feature: str | None) -> Column:
    if feature is None and view.schema.modality == "table":
        return _target(view)
    one = view.schema.feature(feature or view.schema.names[0])
    cells = view.rows[one.name]
    present, missing = cells.dropna(), int(cells.isna().sum())
    if one.kind == "text":
        words = pd.Series([len(str(text).split()) for text in present], index=present.index)
        return Column(words, missing, one.label, "count", prefix="length_")
    return Column(present, missing, one.label, unit_of(one), one)


def _target(view: View) -> Column:
    if view.targets is None:
        raise ToolError("The true values are not known here; name the feature you mean.")
    actual = pd.Series(actual_values(view.schema, view.targets), index=view.rows.index)
    label, known = view.schema.target.label, actual.notna() if view.subject.regression else actual >= 0
    missing = int((~known).sum())
    if view.subject.regression:
        return Column(actual[known], missing, label, "output", prefix="target_")
    names = np.array([one.name for one in view.schema.classes], dtype=object)
    return Column(pd.Series(names[actual[known]], index=actual[known].index), missing, label, "class", prefix="target_")


def _facts(view: View, column: Column, measure: Measure | None) -> list[Fact]:
    dates = column.feature is not None and column.feature.kind == "date"
    if column.unit in ("category", "class") and not dates:
        return _shares(column, measure)
    if measure in ("most_common",):
        return _most_common(column)
    if measure is None or measure == "distribution":
        return _spread(column, with_mean=measure is None)
    words = _DATE_WORDS if dates else _WORDS
    if measure not in words:
        raise ToolError(
            f"{column.label} is a date, so it has no {measure}; ask for its earliest, latest or distribution."
        )
    return [_one(column, measure, words[measure])]


def _one(column: Column, measure: str, words: str) -> Fact:
    value = plain(_to_day(column, _COMPUTE[measure](column.values)))
    if value is None:
        raise ToolError(f"The {words} {column.label} of a single value is undefined.")
    extreme = measure in ("min", "max")
    where = column.values.idxmax() if measure == "max" else column.values.idxmin() if extreme else None
    return _fact(
        column, "extreme" if extreme else "statistic", value, group=words, row=None if where is None else str(where)
    )


def _fact(column: Column, relation: str, value: Any, **more: Any) -> Fact:
    name = None if column.feature is None else column.feature.name
    return Fact(relation=column.prefix + relation, value=value, unit=column.unit, feature=name, **more)


def _spread(column: Column, *, with_mean: bool) -> list[Fact]:
    dates = column.feature is not None and column.feature.kind == "date"
    facts = [_one(column, "mean", "mean")] if with_mean and not dates else []
    for words, share in _QUANTILES.items():
        value = _to_day(column, column.values.quantile(share))
        facts.append(_fact(column, "quantile", plain(value), group=_EARLY_LATE.get(words, words) if dates else words))
    return facts


def _to_day(column: Column, value: Any) -> Any:
    """A moment between two dates is said as the day it falls on."""
    dates = column.feature is not None and column.feature.kind == "date"
    return value.floor("D") if dates and (column.values == column.values.dt.normalize()).all() else value


def _counts(column: Column) -> pd.Series:
    return column.values.value_counts()


def _most_common(column: Column) -> list[Fact]:
    counts = _counts(column)
    facts = [_fact(column, "common", plain(counts.index[0]))]
    share = float(counts.iloc[0] / len(column.values))
    return [*facts, Fact(relation="common_share", value=share, unit="share", feature=facts[0].feature)]


def _shares(column: Column, measure: Measure | None) -> list[Fact]:
    if measure in ("min", "max", "std", "sum", "median"):
        raise ToolError(f"{column.label} is not a number, so it has no {measure}; ask for its distribution.")
    if measure == "most_common" and column.unit == "category":
        return _most_common(column)
    shares = _counts(column) / len(column.values)
    if column.unit == "class":
        return [
            Fact(relation="class_share", value=float(share), unit="share", cls=str(name))
            for name, share in shares.items()
        ]
    assert column.feature is not None
    facts = [
        Fact(relation="category_share", value=float(share), unit="share", feature=column.feature.name, at=plain(value))
        for value, share in shares.iloc[:_NAMED].items()
    ]
    if len(shares) > _NAMED:
        facts.append(Fact(relation="rest_share", value=float(shares.iloc[_NAMED:].sum()), unit="share"))
    return facts


def _caveats(view: View, column: Column) -> tuple[Caveat, ...]:
    if view.scope.changes and not column.prefix:
        return (Caveat(flag="changed_rows", text="This is after the changes you asked about, not as the data is."),)
    return ()


def _bars(column: Column) -> Figure:
    shares = _counts(column).iloc[:30] / len(column.values)
    names = [str(value if column.feature is None else shown(column.feature, value)) for value in shares.index]
    bars = Series(name="share", x=tuple(names), y=tuple(float(share) for share in shares))
    return Figure(
        kind="bars", title=f"Distribution of {column.label}", x_label=column.label, y_label="share", series=(bars,)
    )


def _shares_table(column: Column) -> Table:
    counts = _counts(column)
    rows = []
    for value, count in counts.items():
        name = plain(value) if column.feature is None else shown(column.feature, value)
        rows.append((name, int(count), float(count / len(column.values))))
    return Table(columns=(column.label, "count", "share"), rows=tuple(rows))


def _histogram(column: Column) -> Figure:
    counts, edges = np.histogram(column.values.to_numpy(dtype=float), bins=min(_BINS, max(1, column.values.nunique())))
    names = tuple(f"{low:.4g} to {high:.4g}" for low, high in itertools.pairwise(edges))
    bars = Series(name="count", x=names, y=tuple(float(count) for count in counts))
    return Figure(
        kind="bars", title=f"Distribution of {column.label}", x_label=column.label, y_label="count", series=(bars,)
    )
