"""How robust a prediction is to small changes of the row."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from askwhy.tools.engines.jitter import NOISE_FLIPS, NOISE_SD, Nearest, half_range, jittered, nearest_flips, same_class
from askwhy.tools.engines.listing import cell_fact, unit_of
from askwhy.tools.engines.metrics import LEVEL, wilson
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Quality, Series, Table
from askwhy.tools.predictor import Outputs
from askwhy.tools.registry import tool
from askwhy.tools.subject import plain
from askwhy.tools.view import View

_DRAWS = 1000
_NAMED = 3
_STEADY = 0.05
"""C7 tolerates instability in 5 % of the perturbations."""


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "table",
    asks=(
        "how robust is this prediction to small changes?",
        "how robust is the prediction for {row}?",
        "how stable is the prediction for {row} under noise?",
        "would small changes flip the prediction for {row}?",
        "how easily does the prediction for {row} flip?",
        "is the prediction for {row} sensitive to measurement errors?",
        "what is the smallest change of one number that flips {row}?",
    ),
    says=(
        "The model predicts {prediction} for {row}.",
        "Small random changes of every value never flip that in {steady} tries, so at {level} confidence at most "
        "{steady_high} of such changes would.",
        "Small random changes of every value flip that in {flips} of {draws} tries, with a {level} interval from "
        "{flips_low} to {flips_high}.",
        "They move the probability of {change.cls} by {change:size} on average, and by {largest:size} at most.",
        "Small random changes of every value move the prediction for {row}, {estimate}, by {change_output:size} on "
        "average; {level} of the results lie between {low} and {high}.",
        "Over all {entities} the predictions have a standard deviation of {spread}.",
        "The changes are normal noise of {noise} of each number's standard deviation, and another category in "
        "{noise_flips} of the cases.",
        "Of single numbers, {nearest_from.feature} needs to move least: with {nearest} instead of {nearest_from}, "
        "{nearest.cls} is predicted.",
        "Changed on its own, [other*: {feature} flips it at {value}].",
        "No change of a single number within its range flips it: {unflipped} were tried.",
    ),
)
def robustness(view: View) -> Evidence:
    """How robust one prediction is: how often small random changes flip it or how far they move it, and the smallest
    change of a single number that flips it."""
    rows = jittered(view.schema, view.subject.data, view.instance, _DRAWS, view.rng)
    outputs = view.evaluate.outputs(rows)
    if view.subject.regression:
        nearest, facts = [], [*_moved(view, outputs), *_noise()]
    else:
        nearest = nearest_flips(view.schema, view.subject.data, view.instance, view.evaluate.outputs)
        facts = [*_flipped(view, outputs), *_noise(), *_nearest(view, nearest)]
    return Evidence(
        facts=tuple(facts),
        method="direct evaluation of random perturbations, and a walk along each number",
        estimand="the model's output after small changes of the row",
        quality=(_quality(view, outputs),),
        caveats=tuple(_caveats(view, rows)),
        figure=_figure(nearest) if nearest else None,
        table=_table(view, nearest) if nearest else None,
    )


def _noise() -> Iterator[Fact]:
    yield Fact(relation="noise", value=NOISE_SD, unit="share")
    yield Fact(relation="noise_flips", value=NOISE_FLIPS, unit="share")
    yield Fact(relation="level", value=LEVEL, unit="share")


def _flipped(view: View, outputs: Outputs) -> Iterator[Fact]:
    label, row = view.predicted(), view.row_id
    column = view.schema.classes.index(label)
    flips = int((~same_class(outputs, column)).sum())
    low, high = wilson(flips, len(outputs))
    moved = np.abs(outputs[:, column] - view.outputs[0, column])
    name = label.name
    yield Fact(relation="prediction", value=name, unit="class", cls=name, row=row)
    if flips:
        yield Fact(relation="draws", value=len(outputs), unit="count")
        yield Fact(relation="flips", value=flips / len(outputs), unit="share", row=row)
        yield Fact(relation="flips_low", value=low, unit="share")
        yield Fact(relation="flips_high", value=high, unit="share")
    else:
        yield Fact(relation="steady", value=len(outputs), unit="count", row=row)
        yield Fact(relation="steady_high", value=high, unit="share")
    error = float(moved.std(ddof=1) / np.sqrt(len(moved)))
    yield Fact(relation="change", value=float(moved.mean()), unit="points", cls=name, row=row, error=error)
    yield Fact(relation="largest", value=float(moved.max()), unit="points", cls=name, row=row)


def _moved(view: View, outputs: Outputs) -> Iterator[Fact]:
    now, row = float(view.outputs[0, 0]), view.row_id
    moved = np.abs(outputs[:, 0] - now)
    low, high = half_range(outputs[:, 0])
    error = float(moved.std(ddof=1) / np.sqrt(len(moved)))
    yield Fact(relation="estimate", value=now, unit="output", row=row)
    yield Fact(relation="change_output", value=float(moved.mean()), unit="output", row=row, error=error)
    yield Fact(relation="low", value=low, unit="output", row=row)
    yield Fact(relation="high", value=high, unit="output", row=row)
    yield Fact(relation="spread", value=float(view.evaluate.all_outputs(view.subject)[:, 0].std()), unit="output")


def _nearest(view: View, found: list[Nearest]) -> Iterator[Fact]:
    if not found:
        numbers = sum(one.numeric and not one.categories for one in view.schema.features)
        if numbers:
            yield Fact(relation="unflipped", value=numbers, unit="count")
        return
    first = found[0]
    yield cell_fact("nearest_from", first.feature, view.instance[first.feature.name].iloc[0], view.row_id)
    for rank, one in enumerate(found[: 1 + _NAMED], 1):
        yield Fact(
            relation="nearest" if rank == 1 else "other",
            value=one.value,
            unit=unit_of(one.feature),
            feature=one.feature.name,
            at=plain(view.instance[one.feature.name].iloc[0]),
            cls=view.schema.classes[one.column].name,
            row=view.row_id,
            rank=rank,
        )


def _quality(view: View, outputs: Outputs) -> Quality:
    """C7's tolerance, on the prediction: how many small changes move it out of its class, or by over two per cent."""
    if view.subject.regression:
        limit = 0.02 * float(np.ptp(view.evaluate.all_outputs(view.subject)[:, 0]))
        moved = float((np.abs(outputs[:, 0] - view.outputs[0, 0]) > limit).mean())
        note = "share of small changes that move the prediction by over 2 % of the range of all predictions"
    else:
        moved = float((~same_class(outputs, view.schema.classes.index(view.predicted()))).mean())
        note = "share of small changes that flip the prediction"
    return Quality(check="C7", value=moved, passed=moved <= _STEADY, note=note)


def _caveats(view: View, rows: pd.DataFrame) -> Iterator[Caveat]:
    still = [
        feature.label
        for feature in view.schema.features
        if feature.numeric
        and not pd.isna(view.instance[feature.name].iloc[0])
        and float((rows[feature.name] == view.instance[feature.name].iloc[0]).mean()) > 1 - _STEADY
    ]
    if still:
        text = f"Noise this small hardly ever changes the whole numbers of {', '.join(still)}."
        yield Caveat(flag="coarse_noise", text=text)


def _figure(found: list[Nearest]) -> Figure:
    series = Series(name="distance", x=tuple(one.feature.label for one in found), y=tuple(one.sds for one in found))
    return Figure(kind="bars", title="smallest change that flips it", y_label="standard deviations", series=(series,))


def _table(view: View, found: list[Nearest]) -> Table:
    rows = tuple(
        (
            one.feature.label,
            plain(view.instance[one.feature.name].iloc[0]),
            one.value,
            one.sds,
            view.schema.classes[one.column].label,
        )
        for one in found
    )
    columns = ("number", "now", "flips at", "standard deviations away", "then predicted")
    return Table(columns=columns, rows=rows, note="the smallest change of each number that flips the prediction")
