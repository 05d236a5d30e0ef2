"""Whether the decision would be different if only one attribute were: every other value tried, directly."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from askwhy.tools.engines.grid import grid, sweep
from askwhy.tools.engines.groups import good_class
from askwhy.tools.engines.listing import shown
from askwhy.tools.engines.metrics import LEVEL, wilson
from askwhy.tools.engines.truth import SMALL_N, Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Table
from askwhy.tools.predictor import Outputs
from askwhy.tools.registry import ClassName, FeatureName, tool
from askwhy.tools.schema import ClassLabel, Feature
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Mask, plain
from askwhy.tools.view import View

_POINTS = 5
_MOST_ROWS = 200_000
_SAID = 6


@dataclass(frozen=True)
class _Swapped:
    """Outputs (rows, values, width) with the feature set to each value; other: where that is not the row's own."""

    feature: Feature
    values: list[object]
    rows: pd.DataFrame
    before: Outputs
    after: Outputs
    other: Mask

    def words(self, place: int) -> str:
        """One of the values in words: "sex male", "age 40 years"."""
        value = shown(self.feature, self.values[place])
        text = (
            f"{value:,.10g}"
            if isinstance(value, float)
            else "yes"
            if value is True
            else "no"
            if value is False
            else value
        )
        unit = self.feature.unit if self.feature.numeric and not self.feature.categories else ""
        return f"{self.feature.label} {text}{'' if not unit else unit if unit[0] in '%°' else f' {unit}'}"

    @property
    def flips(self) -> Mask:
        """Where the predicted class is another (rows, values)."""
        changed = self.after.argmax(axis=2) != predicted_index(self.before)[:, None]
        return np.asarray(changed & self.other, dtype=bool)

    def change(self, column: int) -> Array:
        """How far one output moves (rows, values), NaN at the row's own value."""
        return np.asarray(np.where(self.other, self.after[:, :, column] - self.before[:, [column]], np.nan))


@tool(
    fits=lambda schema: schema.modality == "table",
    asks=(
        "would the decision be different if only {feature} were changed?",
        "would the decision on {row} be different if only {feature} were different?",
        "how many decisions would flip if only {feature} were changed?",
        "does the prediction for {row} depend on {feature} alone?",
        "would {row} get the same prediction with another {feature}?",
        "swap {feature} and count how many predictions change",
        "for how many {entities} does {feature} alone decide?",
        "if only {feature} were different, would {entities} with {subset} be treated the same?",
        "counterfactual fairness: flip {feature} for every {entity}",
    ),
    says=(
        "If only {flip_rate.feature} were different, the prediction would flip for {flips} of "
        "{total:entities}{scope}, which is {flip_rate}, with a {level} interval from {rate_low} to {rate_high}.",
        "If only {no_flips.feature} were different, the prediction would flip for none of "
        "{no_flips:entities}{scope}; the {level} interval goes up to {rate_high}.",
        "Set to one value, it flips this share of those that have another: [flip_to*: {group} ({value})].",
        "The mean probability of {mean_now.cls} is {mean_now}; if only this were different, it would be: [mean_with*: "
        "{group} ({value})].",
        "The mean prediction for {total_numbers:entities}{scope} is {mean_output_now}; if only "
        "{mean_output_with.feature} were different, it would be: [mean_output_with*: {group} ({value})].",
        "From the lowest to the highest, a prediction moves by {mean_spread} on average.",
        "The model predicts {prediction} for {row}, with a probability of {probability}.",
        "If only {class_with.feature} were different, it would predict: [class_with*: {group} ({cls})].",
        "If only {kept_with.feature} were different, the prediction would stay as it is with [kept_with*: {group}].",
        "The probability of {probability_with.cls} would be: [probability_with*: {group} ({value})].",
        "The model predicts {estimate} for {row}; if only {estimate_with.feature} were different, it would predict: "
        "[estimate_with*: {group} ({value})].",
    ),
)
def flip_rate(view: View, feature: FeatureName, cls: ClassName | None = None) -> Evidence:
    """Whether predictions would be different if only one feature were: each other value is put in, all else stays.

    For one row what the model would predict then; for many the share that would flip and the mean change of `cls`.
    """
    swapped, caveats = _swap(view, feature)
    label = good_class(view, cls)
    if view.scope.has_instance:
        facts = list(_one(view, swapped, label))
    elif view.subject.regression:
        facts = list(_numbers(swapped))
    else:
        facts = [*_rates(swapped), *_changes(view, swapped, label)]
    few = not view.scope.has_instance and len(swapped.rows) < SMALL_N
    if few:
        noun = view.schema.entity if len(swapped.rows) == 1 else view.schema.entities
        text = f"This rests on only {len(swapped.rows)} {noun}, so it is very uncertain."
        caveats = (*caveats, Caveat(flag="small_n", text=text))
    return Evidence(
        facts=tuple(facts),
        method="direct evaluation with one feature set to each of its other values; Wilson's interval of the share",
        estimand="change of the model's output when only this feature is changed",
        caveats=(*caveats, _only_the_model(swapped.feature)),
        table=_table(view, swapped, label),
    )


def _swap(view: View, name: str) -> tuple[_Swapped, tuple[Caveat, ...]]:
    feature = view.schema.feature(name)
    values = grid(feature, view.subject.data[name], _POINTS)
    if len(values) < 2:
        raise ToolError(f"{feature.label} has only one value in the data, so there is nothing to change it to.")
    rows, before = view.rows, view.outputs
    caveats: tuple[Caveat, ...] = ()
    most = max(1, _MOST_ROWS // len(values))
    if len(rows) > most:
        some = np.sort(view.rng.choice(len(rows), most, replace=False))
        text = f"This was computed on {most:,} of the {view.schema.entities}, drawn at random."
        rows, before, caveats = rows.iloc[some], before[some], (Caveat(flag="sampled", text=text),)
    after = sweep(view.evaluate, rows, name, values)
    own = rows[name].to_numpy()[:, None]
    same = np.array([[_equal(mine, value) for value in values] for (mine,) in own], dtype=bool)
    return _Swapped(feature, values, rows, before, after, ~same), caveats


def _equal(mine: object, value: object) -> bool:
    return plain(mine) == plain(value)


def _rates(swapped: _Swapped) -> Iterator[Fact]:
    total, name = len(swapped.rows), swapped.feature.name
    flips = int(swapped.flips.any(axis=1).sum())
    low, high = wilson(flips, total)
    yield Fact(relation="level", value=LEVEL, unit="share")
    yield Fact(relation="rate_high", value=high, unit="share", feature=name)
    if not flips:
        yield Fact(relation="no_flips", value=total, unit="count", feature=name)
        return
    share = flips / total
    error = float(np.sqrt(share * (1 - share) / total))
    yield Fact(relation="total", value=total, unit="count")
    yield Fact(relation="flips", value=flips, unit="count", feature=name)
    yield Fact(relation="flip_rate", value=share, unit="share", feature=name, error=error)
    yield Fact(relation="rate_low", value=low, unit="share", feature=name)
    for place, value in enumerate(swapped.values):
        others = swapped.other[:, place]
        if others.any() and len(swapped.values) <= _SAID:
            rate = float(swapped.flips[others, place].mean())
            at, words = plain(value), swapped.words(place)
            yield Fact(relation="flip_to", value=rate, unit="share", feature=name, at=at, group=words)


def _changes(view: View, swapped: _Swapped, label: ClassLabel | None) -> Iterator[Fact]:
    if label is not None and len(swapped.values) <= _SAID:
        yield from _means(swapped, view.schema.classes.index(label), label.name)


def _numbers(swapped: _Swapped) -> Iterator[Fact]:
    yield Fact(relation="total_numbers", value=len(swapped.rows), unit="count")
    yield from _means(swapped, 0, None)
    both = np.concatenate([swapped.after[:, :, 0], swapped.before], axis=1)
    spread = float(np.ptp(both, axis=1).mean())
    yield Fact(relation="mean_spread", value=spread, unit="output", feature=swapped.feature.name)


def _means(swapped: _Swapped, column: int, cls: str | None) -> Iterator[Fact]:
    """The mean output as things are and with every row set to each value; the mean change of those it is new to."""
    name = swapped.feature.name
    kind, unit, moved = ("mean_output", "output", "output") if cls is None else ("mean", "probability", "points")
    shared = {"feature": name, "cls": cls}
    yield Fact(relation=f"{kind}_now", value=float(swapped.before[:, column].mean()), unit=unit, **shared)
    change = swapped.change(column)
    for place, value in enumerate(swapped.values[:_SAID]):
        named = {**shared, "at": plain(value), "group": swapped.words(place)}
        mean = float(swapped.after[:, place, column].mean())
        yield Fact(relation=f"{kind}_with", value=mean, unit=unit, **named)
        known = change[swapped.other[:, place], place]
        if len(known) > 1:
            error = float(known.std(ddof=1) / np.sqrt(len(known)))
            yield Fact(relation=f"{kind}_change", value=float(known.mean()), unit=moved, error=error, **named)


def _one(view: View, swapped: _Swapped, label: ClassLabel | None) -> Iterator[Fact]:
    name, row, others = swapped.feature.name, view.row_id, np.flatnonzero(swapped.other[0])
    named = {"feature": name, "row": row}
    if view.subject.regression:
        yield Fact(relation="estimate", value=float(swapped.before[0, 0]), unit="output", row=row)
        for place in others[:_SAID]:
            value, at, words = (
                float(swapped.after[0, place, 0]),
                plain(swapped.values[place]),
                swapped.words(int(place)),
            )
            yield Fact(relation="estimate_with", value=value, unit="output", at=at, group=words, **named)
        return
    own = view.predicted().name
    yield Fact(relation="prediction", value=own, unit="class", cls=own, row=row)
    chance = float(view.output_of(swapped.before, view.predicted())[0])
    yield Fact(relation="probability", value=chance, unit="probability", cls=own, row=row)
    label = label or view.predicted()
    for place in others:
        said = {"at": plain(swapped.values[place]), "group": swapped.words(int(place)), **named}
        cls = view.schema.classes[int(swapped.after[0, place].argmax())].name
        relation = "class_with" if swapped.flips.any() else "kept_with"
        yield Fact(relation=relation, value=cls, unit="class", cls=cls, **said)
        if len(others) <= _SAID:
            value = float(view.output_of(swapped.after[:, place], label)[0])
            yield Fact(relation="probability_with", value=value, unit="probability", cls=label.name, **said)


def _table(view: View, swapped: _Swapped, label: ClassLabel | None) -> Table | None:
    if view.scope.has_instance:
        return None
    column = 0 if label is None else view.schema.classes.index(label)
    moved = swapped.change(column)
    rows = []
    for place, value in enumerate(swapped.values):
        others = swapped.other[:, place]
        if others.any():
            flips = None if view.subject.regression else float(swapped.flips[others, place].mean())
            mean = None if label is None and view.schema.classes else float(moved[others, place].mean())
            rows.append((shown(swapped.feature, value), int(others.sum()), flips, mean))
    return Table(columns=(swapped.feature.label, "others set to it", "flipped", "mean change"), rows=tuple(rows))


def _only_the_model(feature: Feature) -> Caveat:
    text = (
        f"This changes only {feature.label} and asks the model again; whatever goes with it in the data stays as it "
        "is, and it says nothing about people."
    )
    return Caveat(flag="only_the_model", text=text)
