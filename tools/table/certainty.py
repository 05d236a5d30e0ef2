"""How certain a prediction really is: what came true at this score, and a set or interval with measured coverage."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.engines.conformal import SCORES, SetMethod, coverage, threshold
from askwhy.tools.engines.honest import mean_with_interval, other_rows
from askwhy.tools.engines.metrics import LEVEL, wilson
from askwhy.tools.engines.truth import Array, Scored
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality, Table
from askwhy.tools.registry import ClassName, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.table.trust import likeness
from askwhy.tools.view import View

_LEAST = 8
_WINDOW = 20


@tool(
    needs="instance",
    asks=(
        "how certain is it really?",
        "how certain is the prediction for {row} really?",
        "how often is the model right when it gives a score like that of {row}?",
        "what is the calibrated probability for {row}?",
        "how often do cases like {row} with this score turn out to be {class}?",
        "which classes can be ruled out for {row}?",
        "give me a conformal prediction set for {row}",
        "what is the prediction interval for {row}?",
        "give me error bars for the prediction of {row}",
        "how far could the true value of {row} be from the prediction?",
        ask("give me an adaptive prediction set for {row}", sets="aps"),
    ),
    says=(
        "The model predicts {prediction} for {row}, with a probability of {probability}.",
        "It gives {asked_probability.cls} a probability of {asked_probability}.",
        "The model predicts {estimate} for {row}.",
        "For the {rate_rows} {judged_on} with the most similar probability of {rate.cls}, {score_low} to {score_high}, "
        "the truth was {rate.cls} in {rate}, with a {level} interval from {rate_low} to {rate_high}.",
        "For the {rate_rows} {judged_on} with the most similar predictions, {near_low} to {near_high}, the true "
        "{target} is {near_truth} on average, with a {level} interval from {truth_low} to {truth_high}.",
        "The prediction set made to hold the true class in {wanted_coverage} of cases consists of [in_set*: {value}].",
        "That is all {whole_set} classes, so at this level the model decides nothing.",
        "The prediction set made to hold the true class in {wanted_coverage} of cases is empty: even "
        "{best_of_none.cls} fits worse than true classes do in that share of cases.",
        "The prediction interval made to hold the truth in {wanted_coverage} of cases runs from {interval_from} to "
        "{interval_to}.",
        "Measured over {splits} random halvings, such sets held the truth in {set_coverage} of {covered_rows} "
        "{judged_on}.",
        "Measured over {splits} random halvings, such intervals held the truth in {interval_coverage} of "
        "{covered_rows} {judged_on}.",
        "It is further from its nearest training {entities} than {further_share} of {reference:entities} are from "
        "theirs.",
    ),
)
def certainty(
    view: View,
    level: Annotated[float, Field(gt=0.5, lt=1)] = 0.9,
    cls: ClassName | None = None,
    sets: SetMethod = "lac",
) -> Evidence:
    """How certain one prediction really is: how often held-out rows with a similar score turned out that way, and a
    conformal set of classes (or interval) that holds the truth in a share `level` of cases, with measured coverage.
    `cls`: the class asked about; `sets`: smallest sets (lac) or adaptive ones (aps)."""
    found = other_rows(view)
    if len(found.rows) < _LEAST:
        raise ToolError(
            f"Only {len(found.rows)} {view.schema.entities} have a known truth: too few to measure certainty."
        )
    word = "held-out" if found.marked else "known"
    facts = [
        Fact(relation="judged_on", value=f"{word} {view.schema.entities}"),
        Fact(relation="level", value=LEVEL, unit="share"),
        Fact(relation="wanted_coverage", value=level, unit="share"),
    ]
    if view.subject.regression:
        if cls is not None:
            raise ToolError("This model predicts a number, so there are no classes.")
        measured = _interval(view, found, level)
    else:
        label = view.predicted() if cls is None else view.schema.class_label(cls)
        facts += [*_chances(view, label), *_rate(view, found, label)]
        measured = _set(view, found, level, sets)
    like = likeness(view) if view.schema.modality == "table" else []
    return Evidence(
        facts=(*facts, *measured.facts, *like),
        method=measured.method,
        estimand="share of comparable held-out rows for which it came true; marginal coverage",
        quality=measured.quality,
        caveats=(*found.caveats, *measured.caveats, *_unlike(view, like)),
        table=measured.table,
    )


@dataclass(frozen=True)
class _Measured:
    facts: tuple[Fact, ...]
    method: str
    quality: tuple[Quality, ...]
    caveats: tuple[Caveat, ...] = ()
    table: Table | None = None


def _chances(view: View, label: ClassLabel) -> Iterator[Fact]:
    chosen = view.predicted()
    yield Fact(relation="prediction", value=chosen.name, unit="class", cls=chosen.name, row=view.row_id)
    for relation, one in (("probability", chosen), ("asked_probability", label)):
        if relation == "probability" or one != chosen:
            chance = float(view.output_of(view.outputs, one)[0])
            yield Fact(relation=relation, value=chance, unit="probability", cls=one.name, row=view.row_id)


def _similar(scores: Array, score: float) -> Array:
    """The fifth of the rows with the nearest scores, twenty at least; those that tie with the last are in."""
    away = np.abs(scores - score)
    count = min(len(scores), max(_WINDOW, len(scores) // 5))
    return np.flatnonzero(away <= np.sort(away)[count - 1] + 1e-12)


def _rate(view: View, found: Scored, label: ClassLabel) -> list[Fact]:
    """How often the class came true among rows with a similar probability of it."""
    one = view.schema.classes.index(label)
    scores = found.outputs[:, one]
    near = _similar(scores, float(view.outputs[0, one]))
    true = int((found.actual[near] == one).sum())
    low, high = wilson(true, len(near))
    named = {"rate": true / len(near), "rate_low": low, "rate_high": high}
    return [
        Fact(relation="rate_rows", value=len(near), unit="count"),
        Fact(relation="score_low", value=float(scores[near].min()), unit="probability", cls=label.name),
        Fact(relation="score_high", value=float(scores[near].max()), unit="probability", cls=label.name),
        *(Fact(relation=name, value=value, unit="share", cls=label.name) for name, value in named.items()),
    ]


def _set(view: View, found: Scored, level: float, sets: SetMethod) -> _Measured:
    """The conformal set of classes and its measured coverage."""
    scores = SCORES[sets](found.outputs)
    own = scores[np.arange(len(scores)), found.actual]
    limit = threshold(own, level)
    here = SCORES[sets](view.outputs)[0]
    chosen = [one for one in np.argsort(here, kind="stable") if here[one] <= limit + 1e-12]
    classes = view.schema.classes
    facts = [
        Fact(relation="in_set", value=classes[int(one)].name, unit="class", cls=classes[int(one)].name)
        for one in chosen
    ]
    if len(chosen) == len(classes):
        facts.append(Fact(relation="whole_set", value=len(classes), unit="count"))
    if not chosen:
        best = view.predicted().name
        facts = [Fact(relation="best_of_none", value=best, unit="class", cls=best)]
    covered, quality = _covered(view, own, level, "set_coverage")
    same = found.predicted == int(view.outputs[0].argmax())
    size = float((scores <= limit + 1e-12).sum(axis=1).mean())
    quality += (Quality(check="set size", value=size, passed=True, note="mean number of classes in such sets"),)
    if same.any():
        held = float((own[same] <= limit + 1e-12).mean())
        error = np.sqrt(level * (1 - level) / same.sum())
        note = f"coverage among the {int(same.sum())} rows with the same prediction"
        quality += (
            Quality(check="conditional coverage", value=held, passed=bool(held + 2 * error >= level), note=note),
        )
    rows = tuple((label.label, float(view.outputs[0, i]), i in chosen) for i, label in enumerate(classes))
    whole = {"lac": "least ambiguous sets", "aps": "adaptive sets"}[sets]
    return _Measured(
        facts=(*facts, *covered),
        method=f"observed rate at similar scores; split-conformal {whole}",
        quality=quality,
        caveats=tuple(_uneven(quality)),
        table=Table(columns=("class", "probability", "in the set"), rows=rows),
    )


def _covered(view: View, scores: Array, level: float, relation: str) -> tuple[list[Fact], tuple[Quality, ...]]:
    """The coverage measured on rows that the sets were not made from."""
    found = coverage(scores, level, view.rng)
    mean, error = float(found.mean()), float(np.sqrt(level * (1 - level) / len(scores)))
    low, high = np.quantile(found, [0.05, 0.95])
    note = f"share covered in the other half; {low:.2f} to {high:.2f} in nine of ten halvings, wanted {level:g}"
    facts = [
        Fact(relation=relation, value=mean, unit="share", error=error),
        Fact(relation="splits", value=len(found), unit="count"),
        Fact(relation="covered_rows", value=len(scores), unit="count"),
    ]
    return facts, (Quality(check="coverage", value=mean, passed=mean + 2 * error >= level, note=note),)


def _uneven(quality: tuple[Quality, ...]) -> Iterator[Caveat]:
    for one in quality:
        if one.check == "conditional coverage" and not one.passed:
            text = (
                f"The coverage holds over all rows; where the model predicts this class, it was only {one.value:.0%}."
            )
            yield Caveat(flag="uneven_coverage", text=text)


def _interval(view: View, found: Scored, level: float) -> _Measured:
    """What was true at similar predictions, and the conformal interval."""
    own = np.abs(found.outputs[:, 0] - found.actual)
    limit = threshold(own, level)
    here = float(view.outputs[0, 0])
    near = _similar(found.outputs[:, 0], here)
    true = found.actual[near].astype(float)
    spread = mean_with_interval(true - true.min())
    facts = [
        Fact(relation="estimate", value=here, unit="output", row=view.row_id),
        Fact(relation="rate_rows", value=len(near), unit="count"),
        Fact(relation="near_low", value=float(found.outputs[near, 0].min()), unit="output"),
        Fact(relation="near_high", value=float(found.outputs[near, 0].max()), unit="output"),
        Fact(relation="near_truth", value=float(true.mean()), unit="output"),
        Fact(relation="truth_low", value=float(true.min()) + spread.low, unit="output"),
        Fact(relation="truth_high", value=float(true.min()) + spread.high, unit="output"),
    ]
    caveats: tuple[Caveat, ...] = ()
    quality: tuple[Quality, ...] = ()
    if np.isfinite(limit):
        facts += [
            Fact(relation="interval_from", value=here - limit, unit="output", row=view.row_id),
            Fact(relation="interval_to", value=here + limit, unit="output", row=view.row_id),
        ]
        covered, quality = _covered(view, own, level, "interval_coverage")
        facts += covered
    else:
        text = f"With {len(own)} {view.schema.entities} of known truth, no interval can be promised at that level."
        caveats = (Caveat(flag="small_n", text=text),)
    return _Measured(
        facts=tuple(facts),
        method="true values at similar predictions; split-conformal interval of absolute residuals",
        quality=quality,
        caveats=caveats,
    )


def _unlike(view: View, like: list[Fact]) -> Iterator[Caveat]:
    if any(fact.relation == "limit" for fact in like):
        text = (
            f"This {view.schema.entity} is unlike the data the model was trained on, so what was measured there "
            "may not hold for it."
        )
        yield Caveat(flag="unlike", text=text)
