"""Whether the model's probabilities come true as often as they say, or its numbers are right on average."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.metrics import LEVEL, bootstrap, brier
from askwhy.tools.engines.reliability import Bin, by_chance, calibration_error, interval, reliability
from askwhy.tools.engines.truth import Array, Scored, scored
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence, Fact, Figure, Quality, Series, Table, Unit
from askwhy.tools.registry import ClassName, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.view import View

_LEAST = 20
_ALPHA = 0.05


@tool(
    audit="How well it does",
    asks=(
        "is the model calibrated?",
        "how well calibrated is the model?",
        "is the model well calibrated for {entities} with {subset}?",
        "do the probabilities of {class} come true?",
        "are the probabilities right?",
        "is the model overconfident?",
        "is the model too sure of itself?",
        "what is the calibration error?",
        "show the reliability diagram",
        "when the model says 80%, how often is it right?",
        "are the predictions too high or too low on average?",
    ),
    says=(
        "On {held_out:entities} held out from training{scope}, the calibration error is {ece}, with a {level} "
        "interval from {ece_low} to {ece_high}.",
        "On all {scored:entities}{scope}, the calibration error is {ece}, with a {level} interval from {ece_low} to "
        "{ece_high}.",
        "That is how far the probability of {about_class} is, on average over {bins} bins, from how often it comes "
        "true.",
        "That is how far {about_top} is, on average over {bins} bins, from how often it comes true.",
        "That is how far the predictions are, on average over {bins} bins, from the mean true {about_target}.",
        "Chance alone would make it {expected_miscalibrated} for a perfectly calibrated model, and the p-value is "
        "{p_miscalibrated}: miscalibration is shown.",
        "Chance alone would make it {expected_calibrated} for a perfectly calibrated model, and the p-value is "
        "{p_calibrated}: miscalibration is not shown.",
        "On average it says {mean_said}, and {mean_true} comes true.",
        "On average it predicts {mean_predicted}, and the truth is {mean_truth}.",
        "It is furthest off where it says {worst_said} on average and {worst_true} comes true, in "
        "{worst_rows:entities}.",
        "It is furthest off where it predicts {worst_predicted} on average and the truth is {worst_truth}, in "
        "{worst_rows:entities}.",
        "The Brier score is {brier}, with a {level} interval from {brier_low} to {brier_high}.",
    ),
)
def calibration(view: View, cls: ClassName | None = None) -> Evidence:
    """Whether the model is calibrated on held-out rows: how far probabilities are from how often they come true, with
    reliability bins, and the Brier score. For a regression: whether predictions are right on average at every level.
    `cls`: the class meant; without it, of more than two classes, the predicted one of each row."""
    if view.scope.changes:
        raise ToolError("The truth of changed cases is not known; ask about them as they are.")
    found = scored(view)
    if len(found.rows) < _LEAST:
        raise ToolError(f"Calibration needs at least {_LEAST} {view.schema.entities} with a known truth.")
    if view.subject.predictor.hard:
        raise ToolError("The model gives no probabilities, so it cannot be calibrated or not.")
    said, true, label = _said_and_true(view, found, cls)
    bins = reliability(said, true)
    judged = _Judged.of(said, true, not view.subject.regression, view.rng)
    facts = [
        found.count_fact(),
        *_about(view, label),
        *_error(view, judged, len(bins)),
        *_means(view, said, true),
        *_worst(view, bins),
        *_brier(view, found),
    ]
    return Evidence(
        facts=tuple(facts),
        method="reliability bins of equal size, calibration error with a basic bootstrap interval, test against chance",
        estimand="mean distance between what is predicted and what is true at that prediction",
        quality=(_power(judged, len(said)),),
        caveats=found.caveats,
        figure=_figure(view, label, bins),
        table=_table(view, bins),
    )


@dataclass(frozen=True)
class _Judged:
    """The calibration error with its interval, what chance alone would show, and the p-value."""

    error: float
    low: float
    high: float
    expected: float
    p: float

    @classmethod
    def of(cls, said: Array, true: Array, probabilities: bool, rng: np.random.Generator) -> _Judged:
        low, high = interval(said, true, rng)
        expected, p = by_chance(said, true, probabilities, rng)
        return cls(calibration_error(said, true), low, high, expected, p)


def _said_and_true(view: View, found: Scored, cls: str | None) -> tuple[Array, Array, ClassLabel | None]:
    """What is predicted and what came true, row by row; the class it is about, None for each row's predicted one."""
    if view.subject.regression:
        if cls is not None:
            raise ToolError("This model predicts a number, so there are no classes.")
        return found.outputs[:, 0], found.actual.astype(float), None
    label = view.schema.explained if cls is None else view.schema.class_label(cls)
    if label is None:
        return found.outputs.max(axis=1), (~found.wrong).astype(float), None
    one = view.schema.classes.index(label)
    return found.outputs[:, one], (found.actual == one).astype(float), label


def _about(view: View, label: ClassLabel | None) -> Iterator[Fact]:
    if view.subject.regression:
        yield Fact(relation="about_target", value=view.schema.target.label)
    elif label is None:
        yield Fact(relation="about_top", value="the probability of the predicted class")
    else:
        yield Fact(relation="about_class", value=label.name, unit="class", cls=label.name)


def _error(view: View, judged: _Judged, bins: int) -> list[Fact]:
    unit: Unit = "output" if view.subject.regression else "share"
    verdict = "miscalibrated" if judged.p <= _ALPHA else "calibrated"
    return [
        Fact(relation="ece", value=judged.error, unit=unit),
        Fact(relation="ece_low", value=judged.low, unit=unit),
        Fact(relation="ece_high", value=judged.high, unit=unit),
        Fact(relation="level", value=LEVEL, unit="share"),
        Fact(relation="bins", value=bins, unit="count"),
        Fact(relation=f"expected_{verdict}", value=judged.expected, unit=unit),
        Fact(relation=f"p_{verdict}", value=judged.p, unit="score"),
    ]


def _means(view: View, said: Array, true: Array) -> list[Fact]:
    regression = view.subject.regression
    unit: Unit = "output" if regression else "share"
    names = ("mean_predicted", "mean_truth") if regression else ("mean_said", "mean_true")
    return [
        Fact(relation=name, value=float(one.mean()), unit=unit) for name, one in zip(names, (said, true), strict=True)
    ]


def _worst(view: View, bins: tuple[Bin, ...]) -> list[Fact]:
    """The bin that adds most to the error."""
    regression = view.subject.regression
    unit: Unit = "output" if regression else "share"
    worst = max(bins, key=lambda one: one.rows * abs(one.said - one.true))
    names = ("worst_predicted", "worst_truth") if regression else ("worst_said", "worst_true")
    return [
        Fact(relation=names[0], value=worst.said, unit=unit),
        Fact(relation=names[1], value=worst.true, unit=unit),
        Fact(relation="worst_rows", value=worst.rows, unit="count"),
    ]


def _brier(view: View, found: Scored) -> Iterator[Fact]:
    if view.subject.regression:
        return
    low, high = bootstrap(brier, found.actual, found.outputs, view.rng)
    yield Fact(relation="brier", value=brier(found.actual, found.outputs), unit="score")
    if low < high:
        yield Fact(relation="brier_low", value=low, unit="score")
        yield Fact(relation="brier_high", value=high, unit="score")


def _power(judged: _Judged, rows: int) -> Quality:
    """How wide the interval is beside what the error would be by chance: wide means that little can be told."""
    note = f"calibration error by chance alone on {rows} rows; an error of that size could not be told from none"
    return Quality(check="resolution", value=judged.expected, passed=True, note=note)


def _figure(view: View, label: ClassLabel | None, bins: tuple[Bin, ...]) -> Figure:
    x = tuple(one.said for one in bins)
    errors = tuple((one.true_high - one.true_low) / (2 * 1.96) for one in bins)
    if view.subject.regression:
        names = (f"predicted {view.schema.target.label}", f"true {view.schema.target.label}, mean")
    else:
        names = (f"probability of {'the predicted class' if label is None else label.label}", "share that came true")
    return Figure(
        kind="line",
        title="What is predicted, and what comes true",
        x_label=names[0],
        y_label=names[1],
        series=(
            Series(name="observed", x=x, y=tuple(one.true for one in bins), error=errors),
            Series(name="perfectly calibrated", x=x, y=x),
        ),
    )


def _table(view: View, bins: tuple[Bin, ...]) -> Table:
    columns = ("from", "to", "mean prediction", "came true", "95% from", "95% to", view.schema.entities)
    rows = tuple((one.low, one.high, one.said, one.true, one.true_low, one.true_high, one.rows) for one in bins)
    return Table(columns=columns, rows=rows)
