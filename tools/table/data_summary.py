"""What the data is: rows, features, missing cells, the target."""

from __future__ import annotations

from collections import Counter
from typing import Literal

import numpy as np
import pandas as pd

from askwhy.tools.engines.listing import target_facts
from askwhy.tools.engines.truth import Array, actual_values
from askwhy.tools.evidence import Evidence, Fact, Figure, Series, Table
from askwhy.tools.registry import ask, tool
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Scalar
from askwhy.tools.subject import plain
from askwhy.tools.view import View

_NAMED = 15
"""Features that are named one by one; more are shown in the table only."""

_KINDS = {
    "number": "numeric",
    "integer": "whole-number",
    "category": "categorical",
    "boolean": "true-or-false",
    "date": "date",
    "text": "text",
}


@tool(
    needs="any",
    audit="What the model is",
    asks=(
        "what data is this?",
        "tell me about the data",
        "describe the dataset",
        "what is this data about?",
        "give me an overview of the data",
        "where does the data come from?",
        "how big is the data set?",
        ask("what features are there?", about="features"),
        ask("which features does the model use?", about="features"),
        ask("list the columns", about="features"),
        ask("what information do you have about each {entity}?", about="features"),
        ask("are there any missing values?", about="missing"),
        ask("which features have missing values?", about="missing"),
        ask("how balanced are the classes?", about="target"),
        ask("what is the target?", about="target"),
        ask("how many {entities} of each class are there?", about="target"),
    ),
    says=(
        "The data is {dataset}, with {rows:entities}{scope} and {features} {features:one feature/features}.",
        "There are {rows_unnamed:entities}{scope} in the data, with {features} {features:one feature/features}.",
        "{description}",
        "The {listed} features are [feature*: {feature}].",
        "There is {only_listed} feature, [feature*: {feature}].",
        "There are {unlisted} features; the first {first} are [some_feature*: {feature}], and the table lists them "
        "all.",
        "Their kinds: [kind*: {value} {group}].",
        "Values are missing in [missing*: {feature} ({value})].",
        "No values are missing: {complete:one the only feature is/all features are} complete.",
        "The model predicts {target_name}: {target_text}",
        "The model predicts {target_plain}.",
        "Of the {rows_known} {entities} with a known truth{scope}, [class_count*: {value} are {cls}].",
        "The {target} runs from {target_low} to {target_high}, with a mean of {target_mean}.",
    ),
)
def data_summary(view: View, about: Literal["everything", "features", "missing", "target"] = "everything") -> Evidence:
    """What the data is: how many rows, which features of which kind, missing values, balance of the target."""
    facts: list[Fact] = []
    if about == "everything":
        facts += _size(view)
    if about in ("everything", "features"):
        facts += _features(view)
    if about in ("everything", "missing"):
        facts += _missing(view)
    if about in ("everything", "target"):
        facts += _target(view)
    facts = facts or _size(view)  # of no rows there is nothing else to say
    return Evidence(
        facts=tuple(facts), method="description of the data", table=_table(view), figure=_figure(view, facts)
    )


def _size(view: View) -> list[Fact]:
    schema = view.schema
    rows = Fact(relation="rows" if schema.name else "rows_unnamed", value=len(view.rows), unit="count")
    facts = [rows, Fact(relation="features", value=len(schema.features), unit="count")]
    if schema.name:
        facts.insert(0, Fact(relation="dataset", value=schema.name, unit=""))
    if schema.description:
        facts.append(Fact(relation="description", value=schema.description, unit=""))
    return facts


def _features(view: View) -> list[Fact]:
    features = view.schema.features
    few = len(features) <= _NAMED
    said = "only_listed" if len(features) == 1 else "listed" if few else "unlisted"
    counted = Fact(relation=said, value=len(features), unit="count")
    facts = [counted] if few else [counted, Fact(relation="first", value=_NAMED, unit="count")]
    relation = "feature" if few else "some_feature"
    facts += [Fact(relation=relation, value=_KINDS[one.kind], unit="", feature=one.name) for one in features[:_NAMED]]
    kinds = Counter(_KINDS[one.kind] for one in features)
    return (
        facts
        if len(features) == 1
        else facts + [Fact(relation="kind", value=n, unit="count", group=kind) for kind, n in kinds.most_common()]
    )


def _missing(view: View) -> list[Fact]:
    if not len(view.rows):
        return []
    shares = view.rows.isna().mean().sort_values(ascending=False, kind="stable")
    found = [
        Fact(relation="missing", value=float(share), unit="share", feature=str(name))
        for name, share in shares.items()
        if share > 0
    ]
    return found or [Fact(relation="complete", value=len(view.schema.features), unit="count")]


def _target(view: View) -> list[Fact]:
    facts = target_facts(view.schema.target)
    if view.targets is None:
        return facts
    actual = actual_values(view.schema, view.targets)
    return facts + (_numbers(actual) if view.subject.regression else _balance(view, actual))


def _balance(view: View, actual: Array) -> list[Fact]:
    known = actual[actual >= 0]
    if not len(known):
        return []
    counts = np.bincount(known, minlength=len(view.schema.classes))
    facts = [Fact(relation="rows_known", value=len(known), unit="count")]
    for label, count in zip(view.schema.classes, counts, strict=True):
        facts.append(Fact(relation="class_count", value=int(count), unit="count", cls=label.name))
    for label, count in zip(view.schema.classes, counts, strict=True):
        facts.append(Fact(relation="class_share", value=float(count / len(known)), unit="share", cls=label.name))
    return facts


def _numbers(actual: Array) -> list[Fact]:
    known = actual[np.isfinite(actual)]
    if not len(known):
        return []
    named = {"target_low": known.min(), "target_high": known.max(), "target_mean": known.mean()}
    return [Fact(relation=name, value=float(value), unit="output") for name, value in named.items()]


def _table(view: View) -> Table:
    rows = tuple(
        (
            one.label,
            _KINDS[one.kind],
            _range(one, view.rows[one.name]),
            int(view.rows[one.name].isna().sum()),
            one.description,
        )
        for one in view.schema.features
    )
    return Table(columns=("feature", "kind", "values", "missing", "meaning"), rows=rows)


def _range(feature: Feature, cells: pd.Series) -> str:
    if feature.categories:
        named = [category.label for category in feature.categories]
        return ", ".join(named[:6]) + (f" and {len(named) - 6} more" if len(named) > 6 else "")
    present = cells.dropna()
    if feature.kind == "text" or not len(present):
        return f"{present.nunique()} different texts" if len(present) else ""
    low, high = _short(plain(present.min())), _short(plain(present.max()))
    return f"{low} to {high} {feature.unit}".strip()


def _short(value: Scalar | None) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def _figure(view: View, facts: list[Fact]) -> Figure | None:
    shares = [fact for fact in facts if fact.relation == "class_share"]
    if not shares:
        return None
    names = tuple(view.schema.class_label(str(one.cls)).label for one in shares)
    bars = Series(name="share", x=names, y=tuple(one.number() for one in shares))
    return Figure(kind="bars", title="How often each class occurs", x_label="class", y_label="share", series=(bars,))
