"""Which features matter to the model over many rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from askwhy.tools.engines.truth import scored
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Series, Table
from askwhy.tools.permutation import FEWEST_ROWS, Importance, Metric, permutation_importance, shap_importance
from askwhy.tools.quality import order_caveats, shared_credit, told_apart
from askwhy.tools.registry import ClassName, FeatureName, Says, ask, tool
from askwhy.tools.view import View

Method = Literal["permutation", "shap"]
TopK = Annotated[int, Field(ge=1)]

_SHOWN = 20

MEASURE_SAYS: Says = (
    "The numbers say how much the AUC drops when a feature is shuffled; as the data is, it is {baseline_auc}.",
    "The numbers say how much accuracy drops when a feature is shuffled; as the data is, it is {baseline_accuracy}.",
    "The numbers say how much log loss rises when a feature is shuffled; as the data is, it is {baseline_log_loss}.",
    "The numbers say how much the root mean squared error rises when a feature is shuffled; "
    "as the data is, it is {baseline_rmse}.",
    "The numbers say how much the mean absolute error rises when a feature is shuffled; "
    "as the data is, it is {baseline_mae}.",
    "The numbers say how far the output moves when a feature is shuffled among {shuffled_rows:entities}.",
    "The numbers are mean absolute SHAP values over {explained_rows:entities}.",
    "They are about {one_class.cls} alone, against all other classes.",
)
"""What an importance measures, in words."""


@tool(
    audit="What it relies on",
    asks=(
        "what are the {k} most important features?",
        "which features matter most?",
        "what are the most important features for {entities} with {subset}?",
        "which feature has the biggest influence on the predictions?",
        "what does the model mostly look at?",
        "how important is {feature}?",
        "how important is {feature} for {entities} with {subset}?",
        "what is the rank of {feature} among all features?",
        "does {feature} matter to the model?",
        "top {k} features",
        "rank the features by importance",
        "which features drive predictions of {class}?",
        ask("what is the most important feature?", k=1),
        ask("mean absolute SHAP values of all features", method="shap"),
        ask("global feature importance by SHAP", method="shap"),
        ask("permutation importance of the features", method="permutation"),
        ask("which features matter most for accuracy?", metric="accuracy"),
    ),
    says=(
        "[asked_importance*: {feature} ranks {rank} of the {feature_count} features, with an importance of {value}].",
        (
            "The most important features are [top*: {feature} ({value})].",
            "What matters most to the model: [top*: {feature} ({value})].",
        ),
        (
            "The most important feature is {top_one.feature} ({top_one}).",
            "What matters most to the model: {top_one.feature} ({top_one}).",
        ),
        "Together, that makes up {named_share} of the importance of all {feature_count} features.",
        *MEASURE_SAYS,
    ),
    fits=lambda schema: schema.modality == "table",
)
def importance(
    view: View,
    method: Method = "permutation",
    k: TopK = 5,
    features: tuple[FeatureName, ...] = (),
    cls: ClassName | None = None,
    metric: Metric = "auto",
) -> Evidence:
    """Which features matter most to the model over many rows, with intervals.

    `features`: the ones asked about. `k`: how many to name. `cls`: for predicting this class.
    """
    found = measured_importance(view, method, cls, metric)
    order = found.ranked()
    top = order[: told_apart(k, [float(found.values[one]) for one in order], [found.error_of(one) for one in order])]
    named = list(dict.fromkeys([*map(view.schema.names.index, features), *top]))
    return Evidence(
        facts=(*importance_facts(view, found), *measure_facts(view, found), *_named_facts(view, found, features, top)),
        method=found.method,
        estimand=found.estimand,
        caveats=(*found.caveats, *importance_caveats(view, found, named)),
        figure=_figure(view, found, order),
        table=_table(view, found, order),
    )


def measured_importance(view: View, method: Method, cls: str | None, metric: Metric = "auto") -> Importance:
    """The importances by one method; by SHAP where there are too few rows to shuffle among."""
    if method == "shap":
        if metric != "auto":
            raise ToolError("A metric goes with permutation importance; SHAP values need none.")
        return shap_importance(view, cls)
    if view.scope.has_instance:
        return shap_importance(view, cls)
    rows = _rows_to_shuffle(view)
    if rows >= FEWEST_ROWS:
        return permutation_importance(view, cls, metric)
    text = f"There are too few {view.schema.entities} here to shuffle values among ({rows}), so SHAP values were used."
    found = shap_importance(view, cls)
    return replace(found, caveats=(*found.caveats, Caveat(flag="other_method", text=text)))


def _rows_to_shuffle(view: View) -> int:
    if view.subject.target is None or view.scope.changes:
        return len(view.rows)
    try:
        return len(scored(view).rows)
    except ToolError:  # none of these rows has a known truth
        return 0


def importance_fact(view: View, found: Importance, position: int, rank: int, relation: str) -> Fact:
    """How important one feature is."""
    return Fact(
        relation=relation,
        value=float(found.values[position]),
        unit=found.unit,
        feature=view.schema.names[position],
        cls=None if found.label is None else found.label.name,
        row=view.row_id if view.scope.has_instance else None,
        rank=rank,
        error=found.error_of(position),
    )


def measure_facts(view: View, found: Importance) -> Iterator[Fact]:
    """What the numbers measure."""
    if found.baseline is not None:
        unit = {"accuracy": "share", "rmse": "output", "mae": "output"}.get(found.measure, "score")
        yield Fact.model_validate({"relation": f"baseline_{found.measure}", "value": found.baseline, "unit": unit})
    rows = {"shap": "explained_rows", "change": "shuffled_rows"}.get(found.measure, "scored_rows")
    yield Fact(relation=rows, value=found.rows, unit="count")
    yield Fact(relation="feature_count", value=len(found.values), unit="count")
    if found.label is not None and len(view.schema.classes) > 2:
        yield Fact(relation="one_class", value=True, cls=found.label.name)


def importance_caveats(view: View, found: Importance, named: Sequence[int]) -> Iterator[Caveat]:
    """What must be said about the named features: not told from zero, too close to rank, sharing credit."""
    order, features = found.ranked(), view.schema.features
    nothing = 1e-9 * float(np.abs(found.values).max())  # a zero that carries rounding noise
    unclear = [features[position].label for position in named if found.interval(position)[0] <= nothing]
    if unclear:
        *first, last = unclear
        both = f"{', '.join(first)} and {last}" if first else last
        text = f"The importance of {both} cannot be told from zero."
        yield Caveat(flag="not_distinguishable", text=text)
    labels = [features[position].label for position in order]
    sizes = [float(found.values[position]) for position in order]
    yield from order_caveats(
        labels, sizes, [found.error_of(position) for position in order], {*map(order.index, named)}
    )
    yield from shared_credit(view.subject.data, view.schema, [features[position].name for position in named])


def importance_facts(view: View, found: Importance) -> Iterator[Fact]:
    """How important every feature is, most important first."""
    for rank, position in enumerate(found.ranked(), 1):
        yield importance_fact(view, found, position, rank, "importance")


def _named_facts(view: View, found: Importance, asked: Sequence[str], top: Sequence[int]) -> Iterator[Fact]:
    """The same facts in the roles that the words need."""
    order = found.ranked()
    for name in asked:
        position = view.schema.names.index(name)
        yield importance_fact(view, found, position, order.index(position) + 1, "asked_importance")
    for rank, position in enumerate(top, 1):
        yield importance_fact(view, found, position, rank, "top" if len(top) > 1 else "top_one")
    sizes = np.clip(found.values, 0.0, None)
    if len(top) < len(order) and sizes.sum() > 0:
        yield Fact(relation="named_share", value=float(sizes[list(top)].sum() / sizes.sum()), unit="share")


def _figure(view: View, found: Importance, order: Sequence[int]) -> Figure:
    shown = order[:_SHOWN]
    series = Series(
        name="importance",
        x=tuple(view.schema.features[position].label for position in shown),
        y=tuple(float(found.values[position]) for position in shown),
        error=None if found.error is None else tuple(float(found.error[position]) for position in shown),
    )
    return Figure(
        kind="bars", title="Importance of features", x_label="feature", y_label=found.estimand, series=(series,)
    )


def _table(view: View, found: Importance, order: Sequence[int]) -> Table:
    rows = tuple(
        (view.schema.features[position].label, float(found.values[position]), *found.interval(position))
        for position in order
    )
    return Table(columns=("feature", "importance", "low", "high"), rows=rows, note="low and high: 95 % interval")
