"""Why the model predicts what it predicts, for one row or for a group of rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from askwhy.tools.attribution import (
    Attribution,
    Scale,
    attribute,
    attribute_by_lime,
    attribute_by_occlusion,
    mean_attribution,
    quantity,
)
from askwhy.tools.engines.choice import Choice, choose
from askwhy.tools.engines.listing import shown
from askwhy.tools.engines.panel import light_panel
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Series, Table, Unit
from askwhy.tools.quality import order_caveats, shared_credit, told_apart
from askwhy.tools.registry import ClassName, FeatureName, Says, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import plain
from askwhy.tools.view import View

Method = Literal["auto", "shap", "lime", "occlusion"]
Sign = Literal["all", "for", "against"]
TopK = Annotated[int, Field(ge=1)]

_SHOWN = 20
_SUFFIX: dict[Unit, str] = {"points": "", "output": "_output", "log-odds": "_log_odds"}
_QUANTITY = {
    "": "the probability of {ROLE.cls}",
    "_output": "the predicted {target}",
    "_log_odds": "the log-odds of {ROLE.cls}",
}
_ITEM = "{feature} ({at}) {value:word raises/lowers} it by {value:size}"
_MEAN_ITEM = "{feature} {value:word raises/lowers} it by {value:size}"


def _for_each_scale(role: str, *variants: str) -> Says:
    """The sentence for probabilities, for a predicted number and for log-odds: QUANTITY is what is explained."""
    return tuple(
        tuple(one.replace("QUANTITY", words).replace("ROLE", role + suffix) for one in variants)
        for suffix, words in _QUANTITY.items()
    )


_SAYS: Says = (
    *_for_each_scale(
        "asked_attribution",
        "For {row}, [ROLE*: {feature} ({at}) ranks {rank} of the {feature_count} features and "
        "{value:word raises/lowers} QUANTITY by {value:size}].",
    ),
    "[asked_zero*: {feature} ({at}) makes no difference to the prediction for {row}].",
    *_for_each_scale(
        "asked_mean",
        "[ROLE*: {feature} ranks {rank} of the {feature_count} features and on average "
        "{value:word raises/lowers} QUANTITY by {value:size}].",
    ),
    (
        "The model predicts {prediction} for {row}, with a probability of {probability}.",
        "For {row}, the model predicts {prediction}, with a probability of {probability}.",
    ),
    "It gives {explained_probability.cls} a probability of {explained_probability}.",
    ("The model predicts {estimate} for {row}.", "For {row}, the model predicts {estimate}."),
    "The model's probability of {mean_probability.cls} is {mean_probability} on average.",
    "The model predicts {mean_estimate} on average.",
    *_for_each_scale(
        "reason",
        f"What moves QUANTITY most: [ROLE*: {_ITEM}].",
        f"What changes QUANTITY most: [ROLE*: {_ITEM}].",
    ),
    *_for_each_scale("for_attribution", f"What raises QUANTITY most: [ROLE*: {_ITEM}]."),
    *_for_each_scale("against_attribution", f"What lowers QUANTITY most: [ROLE*: {_ITEM}]."),
    *_for_each_scale(
        "mean_reason",
        f"What moves QUANTITY most, on average: [ROLE*: {_MEAN_ITEM}].",
        f"What changes QUANTITY most, on average: [ROLE*: {_MEAN_ITEM}].",
    ),
    *_for_each_scale("mean_for", f"What raises QUANTITY most, on average: [ROLE*: {_MEAN_ITEM}]."),
    *_for_each_scale("mean_against", f"What lowers QUANTITY most, on average: [ROLE*: {_MEAN_ITEM}]."),
    *_for_each_scale("nothing_for", "{ROLE:one One/No} feature raises QUANTITY here."),
    *_for_each_scale("nothing_against", "{ROLE:one One/No} feature lowers QUANTITY here."),
    *_for_each_scale("no_effect", "{ROLE:one One/No} feature moves QUANTITY away from its average here."),
    "That accounts for {named_share} of the total attribution.",
    "The comparison is with the average over the reference {entities}, {base}.",
    "The numbers come from LIME: a linear model fitted around {row} that explains {fidelity} of the variation there.",
    "The numbers come from occlusion: the prediction compared with that when the value alone is replaced by those of "
    "the reference {entities}; together they make {occluded_sum}, while {row} is {occluded_gap} away from their "
    "average.",
    "The method is {kept_fidelity.group}: replacing the values it names moves the prediction by {kept_fidelity}, "
    "against {random_fidelity} for features picked at random.",
    "{chosen_fidelity.group} is shown, as it is more faithful here than [other_fidelity*: {group} ({value})]: "
    "replacing what it names moves the prediction by {chosen_fidelity}, against {random_fidelity} for features picked "
    "at random.",
    "The averages are over {sampled_rows} of the {total} {entities}, drawn at random.",
)


@tool(
    asks=(
        "why did you predict this for {row}?",
        "why was {row} predicted this way?",
        "why this prediction for {row}?",
        "explain the prediction for {row}",
        "what are the reasons for the decision on {row}?",
        "which features contributed most to the prediction for {row}?",
        "why was {row} {class}?",
        "why are {entities} with {subset} predicted {class}?",
        "how important is {feature} for {row}?",
        "what role did {feature} play in the prediction for {row}?",
        "what would drive the prediction for a new {entity} with {feature} {number}?",
        "top {k} reasons for {row}",
        ask("which features spoke against {class} for {row}?", sign="against"),
        ask("which features speak against {row}?", sign="against"),
        ask("what counted against {row}?", sign="against"),
        ask("what lowered the prediction for {row}?", sign="against"),
        ask("what spoke in favour of {row}?", sign="for"),
        ask("which features raised the prediction for {row}?", sign="for"),
        ask("explain {row} with LIME", method="lime"),
        ask("what does LIME say about {row}?", method="lime"),
        ask("show the SHAP values of {row}", method="shap"),
        ask("explain {row} by occlusion", method="occlusion"),
        ask("how much does the prediction for {row} change when each feature is left out?", method="occlusion"),
        ask("explain {row} in log-odds", scale="log-odds"),
    ),
    says=_SAYS,
    fits=lambda schema: schema.modality == "table",
)
def explain(
    view: View,
    method: Method = "auto",
    cls: ClassName | None = None,
    features: tuple[FeatureName, ...] = (),
    k: TopK = 3,
    sign: Sign = "all",
    scale: Scale = "probability",
) -> Evidence:
    """Why the model predicts what it does: what each feature adds to the prediction, for one row or a group's average.

    `features`: the ones asked about. `k`: how many to name. `sign`: only what speaks for or against `cls`.
    """
    label = _label(view, cls)
    choice = _attribution(view, label, method, scale)
    found = choice.chosen
    asked, largest = [view.schema.names.index(name) for name in features], _largest(found, k, sign)
    panel = light_panel(view, found, label, (*asked, *largest))
    facts = (
        *_context(view, label, found),
        *attribution_facts(view, label, found),
        *_roles(view, label, found, asked, largest, sign),
        *_choice_facts(choice, label),
    )
    return Evidence(
        facts=facts,
        method=f"{found.method} (auto: {found.name})" if method == "auto" else found.method,
        estimand=found.estimand,
        quality=(*found.quality, *choice.quality(), *panel.quality()),
        caveats=(*found.caveats, *_caveats(view, found, asked, largest), *panel.caveats()),
        figure=_figure(view, label, found, scale),
        table=_table(view, found),
    )


def _label(view: View, cls: str | None) -> ClassLabel | None:
    """The class to explain; for several classes and a group of rows, the one predicted most often."""
    label = view.explained_class(cls)
    if label is None and not view.subject.regression:
        counts = np.bincount(predicted_index(view.outputs), minlength=len(view.schema.classes))
        label = view.schema.classes[int(counts.argmax())]
    return label


def _attribution(view: View, label: ClassLabel | None, method: Method, scale: Scale) -> Choice:
    if view.scope.has_instance:
        if method == "auto":
            return choose(view, label, scale)
        if method == "lime":
            return Choice(attribute_by_lime(view, label, scale))
        return Choice((attribute_by_occlusion if method == "occlusion" else attribute)(view, label, scale))
    found = mean_attribution(view, label, scale)
    if method in ("lime", "occlusion"):
        name = "LIME" if method == "lime" else "Occlusion"
        text = f"{name} explains one row at a time, so the averages are of SHAP values."
        found = replace(found, caveats=(*found.caveats, Caveat(flag="other_method", text=text)))
    return Choice(found)


def _choice_facts(choice: Choice, label: ClassLabel | None) -> Iterator[Fact]:
    """How faithful each method is that was tried, the chosen one first, and random features."""
    if len(choice.scored) < 2:
        return
    unit, cls = choice.chosen.unit, None if label is None else label.name
    first = "kept_fidelity" if choice.chosen.name == "SHAP" else "chosen_fidelity"
    for place, one in enumerate(choice.scored):
        relation = "other_fidelity" if place else first
        yield Fact(relation=relation, value=one.fidelity, unit=unit, cls=cls, group=one.found.name)
    yield Fact(relation="other_count", value=len(choice.scored) - 1, unit="count")
    yield Fact(relation="random_fidelity", value=choice.random, unit=unit, cls=cls, error=choice.random_error)


def _largest(found: Attribution, k: int, sign: Sign) -> list[int]:
    """Positions of the `k` largest that speak the wanted way; of the one largest, those that cannot be told from it."""
    wanted = {"all": np.abs(found.values), "for": found.values, "against": -found.values}[sign]
    speaking = [position for position in found.ranked() if wanted[position] > negligible(found)]
    sizes = [float(wanted[position]) for position in speaking]
    return speaking[: told_apart(k, sizes, [found.error_of(position) for position in speaking])]


def negligible(found: Attribution) -> float:
    """The size below which a value is a zero that carries rounding noise; it would print as 0."""
    return 5e-7 if found.unit == "points" else 1e-9 * float(np.abs(found.values).max(initial=0.0))


def _context(view: View, label: ClassLabel | None, found: Attribution) -> Iterator[Fact]:
    """What is predicted, and what it is compared with."""
    name = None if label is None else label.name
    yield from _prediction(view, label) if view.scope.has_instance else _mean_prediction(view, label, found)
    if found.surrogate:
        yield Fact(relation="intercept", value=found.base, unit=_level(found), cls=name)
        yield Fact(relation="fidelity", value=found.quality[0].value, unit="share")
    elif found.name == "occlusion":
        row = view.row_id
        yield Fact(relation="occluded_sum", value=float(found.values.sum()), unit=found.unit, cls=name, row=row)
        yield Fact(relation="occluded_gap", value=found.output - found.base, unit=found.unit, cls=name, row=row)
    else:
        yield Fact(relation="base", value=found.base, unit=_level(found), cls=name)
    yield Fact(relation="feature_count", value=len(found.values), unit="count")


def _prediction(view: View, label: ClassLabel | None) -> Iterator[Fact]:
    row = view.row_id
    if label is None:
        yield Fact(relation="estimate", value=float(view.outputs[0, 0]), unit="output", row=row)
        return
    predicted = view.predicted()
    for relation, one in (("probability", predicted), ("explained_probability", label)):
        if relation == "probability":
            yield Fact(relation="prediction", value=one.name, unit="class", cls=one.name, row=row)
        elif one == predicted:
            return
        chance = float(view.output_of(view.outputs, one)[0])
        yield Fact(relation=relation, value=chance, unit="probability", cls=one.name, row=row)


def _mean_prediction(view: View, label: ClassLabel | None, found: Attribution) -> Iterator[Fact]:
    mean = float(view.output_of(view.outputs, label).mean())
    if label is None:
        yield Fact(relation="mean_estimate", value=mean, unit="output")
    else:
        yield Fact(relation="mean_probability", value=mean, unit="probability", cls=label.name)
    yield Fact(relation="total", value=len(view.rows), unit="count")
    if found.rows < len(view.rows):
        yield Fact(relation="sampled_rows", value=found.rows, unit="count")


def _level(found: Attribution) -> Unit:
    """The unit of the base, which is a level and not a difference."""
    return "probability" if found.unit == "points" else found.unit


def attribution_facts(view: View, label: ClassLabel | None, found: Attribution) -> Iterator[Fact]:
    """Every feature's share of the prediction, largest first."""
    relation = "attribution" if view.scope.has_instance else "mean_attribution"
    for rank, position in enumerate(found.ranked(), 1):
        yield attribution_fact(view, label, found, position, rank, relation)


def attribution_fact(
    view: View, label: ClassLabel | None, found: Attribution, position: int, rank: int, relation: str
) -> Fact:
    """One feature's share of the prediction."""
    local = view.scope.has_instance
    return Fact(
        relation=relation,
        value=float(found.values[position]),
        unit=found.unit,
        feature=view.schema.names[position],
        at=plain(view.rows.iloc[0, position]) if local else None,
        cls=None if label is None else label.name,
        row=view.row_id if local else None,
        rank=rank,
        error=found.error_of(position),
    )


def _roles(
    view: View, label: ClassLabel | None, found: Attribution, asked: list[int], largest: list[int], sign: Sign
) -> Iterator[Fact]:
    """The same facts in the roles that the words need, and how much of the whole is named."""
    suffix, order, local = _SUFFIX[found.unit], found.ranked(), view.scope.has_instance
    reason = {"all": "reason", "for": "for_attribution", "against": "against_attribution"}[sign]
    reason = reason if local else "mean_" + reason.removesuffix("_attribution")
    for position in asked:
        zero = abs(float(found.values[position])) <= negligible(found)
        relation = "asked_zero" if zero and local else ("asked_attribution" if local else "asked_mean") + suffix
        yield attribution_fact(view, label, found, position, order.index(position) + 1, relation)
    for position in largest:
        yield attribution_fact(view, label, found, position, order.index(position) + 1, reason + suffix)
    if not largest:
        nothing = {"all": "no_effect", "for": "nothing_for", "against": "nothing_against"}[sign]
        cls, row = None if label is None else label.name, view.row_id if local else None
        yield Fact(relation=nothing + suffix, value=0, unit="count", cls=cls, row=row)
    whole = float(np.abs(found.values).sum())
    if largest:
        yield Fact(relation="named_share", value=float(np.abs(found.values[largest]).sum()) / whole, unit="share")


def _caveats(view: View, found: Attribution, asked: list[int], largest: list[int]) -> Iterator[Caveat]:
    order, labels = found.ranked(), [feature.label for feature in view.schema.features]
    yield from order_caveats(
        [labels[position] for position in order],
        [abs(float(found.values[position])) for position in order],
        [found.error_of(position) for position in order],
        {order.index(position) for position in (*asked, *largest)},
    )
    named = dict.fromkeys(view.schema.names[position] for position in (*asked, *largest))
    yield from shared_credit(view.subject.data, view.schema, tuple(named))
    for check in found.quality:
        if check.check == "C2" and not check.passed:
            text = f"The attributions miss the prediction by {check.value:.1%} of the output range."
            yield Caveat(flag="not_additive", text=text)


def _figure(view: View, label: ClassLabel | None, found: Attribution, scale: Scale) -> Figure:
    order = found.ranked()[:_SHOWN]
    what = quantity(view, label, scale)
    return Figure(
        kind="bars",
        title=f"What moves {what}" + ("" if view.scope.has_instance else ", on average"),
        x_label="feature",
        y_label=f"change of {what}",
        series=(
            Series(
                name=found.name,
                x=tuple(view.schema.features[position].label for position in order),
                y=tuple(float(found.values[position]) for position in order),
                error=None if found.error is None else tuple(float(found.error[position]) for position in order),
            ),
        ),
    )


def _table(view: View, found: Attribution) -> Table:
    order, local = found.ranked(), view.scope.has_instance
    labels = [view.schema.features[position].label for position in order]
    values = [float(found.values[position]) for position in order]
    if not local:
        return Table(columns=("feature", "mean attribution"), rows=tuple(zip(labels, values, strict=True)))
    cells = [shown(view.schema.features[position], view.rows.iloc[0, position]) for position in order]
    return Table(columns=("feature", "value", "attribution"), rows=tuple(zip(labels, cells, values, strict=True)))
