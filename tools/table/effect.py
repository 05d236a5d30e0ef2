"""How the output moves with one feature: partial dependence (Friedman 2001), ICE (Goldstein et al. 2015) and ALE."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from askwhy.tools.attribution import sample
from askwhy.tools.engines.ale import accumulated
from askwhy.tools.engines.ale_told import COMPARED_SAYS, SAYS, Told, compared
from askwhy.tools.engines.curves import FLAT, shapes, turning_points
from askwhy.tools.engines.grid import even_grid, grid, sweep
from askwhy.tools.engines.listing import cell_fact, shown, unit_of
from askwhy.tools.engines.truth import Array
from askwhy.tools.evidence import Caveat, DerivedFact, Evidence, Fact, Figure, Series, Unit
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import direct_evaluation
from askwhy.tools.registry import ClassName, FeatureName, ask, tool
from askwhy.tools.schema import ClassLabel, Feature
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import plain
from askwhy.tools.view import View

_POINTS = 25
_ROWS = 500
"""More rows than this are sampled; the standard error says what that costs."""

_LINES = 8

_STEPPED_ROWS = 2000
"""Accumulated local effects ask about two rows for each of these."""

Method = Literal["auto", "pdp", "ale"]


@dataclass(frozen=True)
class Swept:
    """Outputs (rows, values, width) with the feature set to each value; `curves`: those of the explained class."""

    feature: Feature
    rows: pd.DataFrame
    values: list[Any]
    outputs: Outputs
    curves: Array
    label: ClassLabel | None
    sampled: bool

    @property
    def average(self) -> Array:
        """Mean output at every value."""
        return np.asarray(self.curves.mean(axis=0))

    @property
    def errors(self) -> Array | None:
        """Standard errors of the average, where rows were sampled."""
        return self.curves.std(axis=0, ddof=1) / np.sqrt(len(self.curves)) if self.sampled else None

    @property
    def unit(self) -> Unit:
        """The unit of the output."""
        return "output" if self.label is None else "probability"


@tool(
    fits=lambda schema: schema.modality == "table",
    asks=(
        "how does {feature} affect the predictions?",
        "how does {feature} affect the predictions for {entities} with {subset}?",
        "what is the effect of {feature}?",
        "what is the effect of {feature} on {class}?",
        "how does the prediction change with {feature}?",
        "what happens when {feature} goes up?",
        "does {feature} raise or lower the probability of {class}?",
        "is the model monotone in {feature}?",
        "does the prediction always rise with {feature}?",
        "is a higher {feature} always better?",
        "how does the prediction for {row} change as {feature} varies?",
        "what role does {feature} play for {row} as it changes?",
        "how would {row} be predicted for other values of {feature}?",
        "how does {feature} matter from {number} to {number}?",
        "how does the prediction for {row} change as {feature} goes from {number} to {number}?",
        "show the partial dependence on {feature}",
        "which {feature} has the highest probability of {class}?",
        "plot the effect of {feature}",
        ask("show the accumulated local effects of {feature}", method="ale"),
        ask("how does {feature} affect the predictions by ALE?", method="ale"),
    ),
    says=(
        "For {row}, where {current.feature} is {current.at}, the probability of {effect_start.cls} with "
        "{effect_start.feature} {effect_start.at} is {effect_start}, and with {effect_end.feature} {effect_end.at} it "
        "is {effect_end}.",
        "For {row}, where {current_value.feature} is {current_value.at}, the model's output with "
        "{effect_start.feature} {effect_start.at} is {effect_start}, and with {effect_end.feature} {effect_end.at} it "
        "is {effect_end}.",
        "Averaged over {averaged:entities}{scope}, the probability of {effect_start.cls} with {effect_start.feature} "
        "{effect_start.at} is {effect_start}, and with {effect_end.feature} {effect_end.at} it is {effect_end}.",
        "Averaged over {averaged_value:entities}{scope}, the model's output with {effect_start.feature} "
        "{effect_start.at} is {effect_start}, and with {effect_end.feature} {effect_end.at} it is {effect_end}.",
        "For {row}, the probability of {category_effect.cls} by {category_effect.feature} is [category_effect*: "
        "{value} for {at}].",
        "For {row}, the model's output by {category_value.feature} is [category_value*: {value} for {at}].",
        "Averaged over {averaged:entities}{scope}, the probability of {category_effect.cls} by "
        "{category_effect.feature} is "
        "[category_effect*: {value} for {at}].",
        "Averaged over {averaged_value:entities}{scope}, the model's output by {category_value.feature} is "
        "[category_value*: {value} for {at}].",
        "It is lowest at {effect_low.at} ({effect_low}) and highest at {effect_high.at} ({effect_high}), a range of "
        "{effect_range:size}.",
        "The model's output does not change with {no_effect.feature} for {no_effect:one this row/any of these rows}.",
        "Checked row by row, it never falls as {always_rises.feature} rises, for all of {always_rises:entities}.",
        "Checked row by row, it never rises as {always_falls.feature} rises, for all of {always_falls:entities}.",
        "Checked row by row, it goes both ways as {all_mixed.feature} rises, for all of {all_mixed:entities}.",
        "Checked row by row over {checked:entities}, as {checked.feature} rises it [shape*: {group} for {value}].",
        "Checked step by step, it never falls as {own_always_rises.feature} rises.",
        "Checked step by step, it never rises as {own_always_falls.feature} rises.",
        "On average it turns at [turning_point*: {at}].",
        "It turns at [own_turning_point*: {at}].",
        "The other classes' probabilities vary by [class_range*: {value:size} for {cls}].",
        "From where it is now, the prediction would become [flip*: {cls} by {value}].",
        "The prediction would become [category_flip*: {cls} with {feature} {value}].",
        "At no value tried would the prediction change from {no_flip}.",
        "This averages over {sampled} of {sampled_from:entities} drawn at random.",
        *SAYS,
        *COMPARED_SAYS,
    ),
)
def effect(
    view: View,
    feature: FeatureName,
    cls: ClassName | None = None,
    start: float | None = None,
    stop: float | None = None,
    method: Method = "auto",
) -> Evidence:
    """How the prediction changes as one feature changes and all else stays, by asking the model: averaged over rows,
    or for one row. Says whether it always rises or falls. `start` and `stop` limit the range.

    `method`: `pdp` (also `auto`) sets every row to every value, `ale` adds up small steps near each row's own."""
    if method == "ale" and not view.scope.has_instance:
        return _stepped(view, view.schema.feature(feature), cls, start, stop)
    swept = _swept(view, view.schema.feature(feature), cls, start, stop)
    facts = _facts(view, swept)
    if not view.scope.has_instance and start is None and stop is None:
        facts += compared(view, swept.feature, swept.rows, swept.label)
    caveats = _caveats(swept, start, stop)
    if method == "ale":
        text = f"Accumulated local effects need several {view.schema.entities}, so this is the one's own curve."
        caveats = (*caveats, Caveat(flag="other_method", text=text))
    return Evidence(
        facts=tuple(facts),
        method="direct evaluation on a grid (partial dependence and individual curves)",
        estimand="model output with one feature set and the others as they are",
        caveats=caveats,
        figure=_figure(view, swept),
    )


def _stepped(view: View, feature: Feature, cls: str | None, start: float | None, stop: float | None) -> Evidence:
    """The answer by accumulated local effects."""
    rows = view.rows
    if start is not None or stop is not None:
        values = _values(view, feature, start, stop)
        rows = rows[rows[feature.name].between(min(values), max(values))]
    drawn = sample(rows, _STEPPED_ROWS, view.rng)
    told = Told.of(view, feature, accumulated(view.evaluate, drawn, view.schema, feature), view.explained_class(cls))
    facts = told.facts()
    if len(drawn) < len(rows):
        facts.append(Fact(relation="sampled", value=len(drawn), unit="count"))
        facts.append(Fact(relation="sampled_from", value=len(rows), unit="count"))
    return Evidence(
        facts=tuple(facts),
        method=f"accumulated local effects (Apley & Zhu 2020) over {len(told.found.values) - 1} steps",
        estimand="sum of the mean changes of the output from value to value, less its mean over the rows",
        quality=direct_evaluation(2 * len(drawn)),
        figure=told.figure(view),
    )


def _swept(view: View, feature: Feature, cls: str | None, start: float | None, stop: float | None) -> Swept:
    values = _values(view, feature, start, stop)
    rows, sampled = sample(view.rows, _ROWS, view.rng), len(view.rows) > _ROWS
    outputs = sweep(view.evaluate, rows, feature.name, values)
    label = _label(view, cls, outputs)
    column = 0 if label is None else view.schema.classes.index(label)
    return Swept(feature, rows, values, outputs, outputs[:, :, column], label, sampled)


def _values(view: View, feature: Feature, start: float | None, stop: float | None) -> list[Any]:
    if start is None and stop is None:
        return grid(feature, view.subject.data[feature.name], _POINTS)
    low = feature.low if start is None else start
    high = feature.high if stop is None else stop
    low, high = (0.0 if low is None else low), (0.0 if high is None else high)
    return even_grid(feature, min(low, high), max(low, high), _POINTS)


def _label(view: View, cls: str | None, outputs: Outputs) -> ClassLabel | None:
    """The class to follow; among several, where nothing decides, the one whose average probability moves most."""
    label = view.explained_class(cls)
    if label is not None or view.subject.regression:
        return label
    return view.schema.classes[int(np.ptp(outputs.mean(axis=0), axis=0).argmax())]


def _facts(view: View, swept: Swept) -> list[Fact]:
    facts = _about(view, swept)
    if float(np.ptp(swept.curves, axis=1).max()) <= FLAT:
        return [*facts, Fact(relation="no_effect", value=len(swept.curves), unit="count", feature=swept.feature.name)]
    if swept.feature.categories:
        facts += _categories(swept)
    else:
        facts += [_point(swept, 0, "effect_start"), _point(swept, -1, "effect_end")]
    facts += _extremes(swept)
    if not swept.feature.categories:
        facts += _monotone(view, swept) + _turns(view, swept)
    facts += _others(view, swept)
    return facts + (_flips(view, swept) if view.scope.has_instance else [])


def _about(view: View, swept: Swept) -> list[Fact]:
    cls = None if swept.label is None else swept.label.name
    if view.scope.has_instance:
        now = float(view.output_of(view.outputs, swept.label)[0])
        cell = plain(view.rows[swept.feature.name].iloc[0])
        name = "current" if cls else "current_value"
        return [
            Fact(
                relation=name, value=now, unit=swept.unit, feature=swept.feature.name, at=cell, cls=cls, row=view.row_id
            )
        ]
    facts = [Fact(relation="averaged" if cls else "averaged_value", value=len(swept.curves), unit="count", cls=cls)]
    if swept.sampled:
        facts.append(Fact(relation="sampled", value=len(swept.curves), unit="count"))
        facts.append(Fact(relation="sampled_from", value=len(view.rows), unit="count"))
    return facts


def _point(swept: Swept, i: int, relation: str) -> Fact:
    return Fact(
        id=f"{relation}_{range(len(swept.values))[i]}",
        relation=relation,
        value=float(swept.average[i]),
        unit=swept.unit,
        feature=swept.feature.name,
        at=plain(swept.values[i]),
        cls=None if swept.label is None else swept.label.name,
        error=None if swept.errors is None else float(swept.errors[i]),
    )


def _categories(swept: Swept) -> list[Fact]:
    relation = "category_value" if swept.label is None else "category_effect"
    order = np.argsort(-swept.average, kind="stable")
    points = [_point(swept, int(i), relation) for i in order]
    return [point.model_copy(update={"rank": rank}) for rank, point in enumerate(points, 1)]


def _extremes(swept: Swept) -> list[Fact]:
    low, high = (
        _point(swept, int(swept.average.argmin()), "effect_low"),
        _point(swept, int(swept.average.argmax()), "effect_high"),
    )
    spread = DerivedFact(
        relation="effect_range",
        value=high.number() - low.number(),
        unit="output" if swept.label is None else "points",
        feature=swept.feature.name,
        cls=low.cls,
        formula="difference",
        sources=(high.id, low.id),
    )
    return [low, high, spread]


def _monotone(view: View, swept: Swept) -> list[Fact]:
    found, name = shapes(swept.curves), swept.feature.name
    rows = found.total
    always = "always_rises" if found.rises and not found.falls + found.mixed else None
    always = "always_falls" if found.falls and not found.rises + found.mixed else always
    if view.scope.has_instance:
        return [Fact(relation=f"own_{always}", value=rows, unit="count", feature=name)] if always else []
    if always or found.mixed == rows:
        return [Fact(relation=always or "all_mixed", value=rows, unit="count", feature=name)]
    counts = (
        ("only rises", found.rises),
        ("only falls", found.falls),
        ("goes both ways", found.mixed),
        ("stays the same", found.flat),
    )
    shares = [
        Fact(relation="shape", value=count / rows, unit="share", feature=name, group=words)
        for words, count in sorted(counts, key=lambda pair: -pair[1])
        if count
    ]
    return [Fact(relation="checked", value=rows, unit="count", feature=name), *shares]


def _turns(view: View, swept: Swept) -> list[Fact]:
    relation = "own_turning_point" if view.scope.has_instance else "turning_point"
    return [_point(swept, i, relation) for i in turning_points(swept.curves)]


def _others(view: View, swept: Swept) -> list[Fact]:
    if len(view.schema.classes) < 3:
        return []
    ranges = np.ptp(swept.outputs.mean(axis=0), axis=0)
    return [
        Fact(relation="class_range", value=float(span), unit="points", cls=label.name, feature=swept.feature.name)
        for label, span in zip(view.schema.classes, ranges, strict=True)
        if label != swept.label
    ]


def _flips(view: View, swept: Swept) -> list[Fact]:
    """Where the predicted class changes, walking away from the row's own value on either side."""
    if view.subject.regression:
        return []
    found = predicted_index(swept.outputs[0])
    now = view.schema.classes.index(view.predicted())
    cell = view.rows[swept.feature.name].iloc[0]
    ordered = not swept.feature.categories and not pd.isna(cell)
    here = sum(value <= cell for value in swept.values) if ordered else 0
    sides = [range(here - 1, -1, -1), range(here, len(found))] if ordered else [[i] for i in range(len(found))]
    flips = [next((i for i in side if found[i] != now), None) for side in sides]
    facts = [
        cell_fact("flip" if ordered else "category_flip", swept.feature, swept.values[i], view.row_id).model_copy(
            update={"cls": view.schema.classes[int(found[i])].name}
        )
        for i in flips
        if i is not None
    ]
    name = view.schema.classes[now].name
    return facts or [Fact(relation="no_flip", value=name, unit="class", cls=name, row=view.row_id)]


def _caveats(swept: Swept, start: float | None, stop: float | None) -> tuple[Caveat, ...]:
    feature = swept.feature
    asked = start is not None or stop is not None
    if not asked or feature.low is None or feature.high is None or unit_of(feature) != "feature":
        return ()
    if min(swept.values) >= feature.low and max(swept.values) <= feature.high:
        return ()
    text = (
        f"The data has {feature.label} only from {feature.low:g} to {feature.high:g}; "
        "beyond that the model is extrapolating."
    )
    return (Caveat(flag="extrapolation", text=text),)


def _figure(view: View, swept: Swept) -> Figure:
    x = tuple(_axis(shown(swept.feature, value)) for value in swept.values)
    errors = None if swept.errors is None else tuple(float(error) for error in swept.errors)
    one = view.scope.has_instance
    name = f"{view.schema.entity} {view.row_id}" if one else "average"
    series = [Series(name=name, x=x, y=tuple(float(y) for y in swept.average), error=errors)]
    if not swept.feature.categories and not one:
        for i in np.linspace(0, len(swept.curves) - 1, min(_LINES, len(swept.curves))).astype(int):
            series.append(Series(name=f"one {view.schema.entity}", x=x, y=tuple(float(y) for y in swept.curves[i])))
    what = view.schema.target.label if swept.label is None else f"probability of {swept.label.label}"
    kind = "bars" if swept.feature.categories else "line"
    title = f"{what} by {swept.feature.label}"
    return Figure.model_validate(
        {"kind": kind, "title": title, "x_label": swept.feature.label, "y_label": what, "series": tuple(series)}
    )


def _axis(value: Any) -> Any:
    return "" if value is None else value
