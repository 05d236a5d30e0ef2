"""Accumulated local effects as facts, and how far partial dependence agrees with them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from askwhy.tools.engines.ale import Accumulated, accumulated, ordered
from askwhy.tools.engines.curves import FLAT
from askwhy.tools.engines.distance import Space
from askwhy.tools.engines.grid import sweep
from askwhy.tools.engines.listing import shown
from askwhy.tools.engines.truth import Array
from askwhy.tools.evidence import DerivedFact, Fact, Figure, Series, Unit
from askwhy.tools.quality import STRONG_ASSOCIATION, association
from askwhy.tools.registry import Says
from askwhy.tools.schema import ClassLabel, Feature, Schema
from askwhy.tools.subject import plain
from askwhy.tools.view import View

_FEWEST = 30
_DATA_ROWS = 5000
_DIFFERS = 0.2
"""A gap between the curves counts where it is more than this share of the larger one's range, and clear of noise."""


def _says(suffix: str, what: str) -> Says:
    low, high, step = f"ale_low{suffix}", f"ale_high{suffix}", f"ale_category{suffix}"
    return (
        f"Over {{ale_rows:entities}}{{scope}}, moving each {{entity}} only to values of {{{low}.feature}} near its "
        f"own, {what.replace('LEAD', low)} is lowest ({{{low}:size}} below its average) with {{{low}.feature}} "
        f"{{{low}.at}} and highest ({{{high}:size}} above it) with {{{high}.feature}} {{{high}.at}}.",
        f"Over {{ale_rows:entities}}{{scope}}, moving each {{entity}} only to the values of {{{step}.feature}} that "
        f"are most like its own, {what.replace('LEAD', step)} differs from its average by "
        f"[{step}*: {{value:signed}} with {{feature}} {{at}}].",
    )


SAYS: Says = (
    *_says("", "the probability of {LEAD.cls}"),
    *_says("_value", "the predicted {target}"),
    "That is a range of {ale_range:size}, with a standard error of {ale_range.error}.",
    "That is a range of {ale_range_exact:size}, the same for every {entity}.",
    "Over {ale_rows:entities}{scope}, {ale_no_effect.feature} makes no difference to the model's output.",
    "On average it never falls as {ale_always_rises.feature} rises.",
    "On average it never rises as {ale_always_falls.feature} rises.",
)

_TOGETHER = (
    "In the data, {LEAD.feature} and {partner.feature} move together ({partner.group} {partner}), so this average "
    "partly rests on combinations that hardly occur; accumulated local effects, which keep to values near each "
    "{entity}'s own,"
)

COMPARED_SAYS: Says = (
    _TOGETHER.replace("LEAD", "ale_range_differs") + " differ: they have a range of {ale_range_differs:size}.",
    _TOGETHER.replace("LEAD", "ale_range_agrees") + " bear it out: they have a range of {ale_range_agrees:size}.",
)


@dataclass(frozen=True)
class Told:
    """The accumulated effect of a feature on one class's probability, or on the predicted number."""

    feature: Feature
    found: Accumulated
    label: ClassLabel | None
    column: int

    @classmethod
    def of(cls, view: View, feature: Feature, found: Accumulated, label: ClassLabel | None) -> Told:
        """The effect on this class; where none decides, on the one whose probability it moves most."""
        if label is None and not view.subject.regression:
            label = view.schema.classes[int(np.ptp(found.effect, axis=0).argmax())]
        return cls(feature, found, label, 0 if label is None else view.schema.classes.index(label))

    @property
    def curve(self) -> Array:
        """The centred effect at every value."""
        return np.asarray(self.found.effect[:, self.column])

    def facts(self) -> list[Fact]:
        """How far the lowest value is below the average and the highest above it, or how far every category is from it;
        the range, with standard errors; and whether the curve only rises or falls."""
        facts = [Fact(relation="ale_rows", value=self.found.rows, unit="count")]
        if float(np.ptp(self.curve)) <= FLAT:
            return [*facts, Fact(relation="ale_no_effect", value=0.0, unit=self._unit, feature=self.feature.name)]
        suffix = "_value" if self.label is None else ""
        if not ordered(self.feature):
            order = np.argsort(-self.curve, kind="stable")
            points = (self._point(int(place), f"ale_category{suffix}") for place in order)
            facts += [point.model_copy(update={"rank": rank}) for rank, point in enumerate(points, 1)]
            return [*facts, self.range(self._range_role)]
        low, high = self._point(self._low, f"ale_low{suffix}"), self._point(self._high, f"ale_high{suffix}")
        low = low.model_copy(update={"value": -low.number()})
        facts += [low, high, self.range(self._range_role, high.id, low.id)]
        steps = self.found.steps[:, self.column]
        always = "rises" if (steps >= -FLAT).all() else "falls" if (steps <= FLAT).all() else None
        if always is not None:
            about = {"unit": "count", "feature": self.feature.name}
            facts.append(Fact.model_validate({"relation": f"ale_always_{always}", "value": len(steps), **about}))
        return facts

    def range(self, relation: str, *sources: str) -> Fact:
        """How far the highest value is above the lowest; derived where it is given the ids of both distances."""
        fact = Fact(
            relation=relation,
            value=float(np.ptp(self.curve)),
            unit=self._unit,
            feature=self.feature.name,
            cls=None if self.label is None else self.label.name,
            error=self.found.range_error(self.column, self._low, self._high),
        )
        if not sources:
            return fact
        return DerivedFact.model_validate({**fact.model_dump(), "formula": "sum", "sources": sources})

    def figure(self, view: View) -> Figure:
        """The curve with its standard errors."""
        what = view.schema.target.label if self.label is None else f"probability of {self.label.label}"
        series = Series(
            name="accumulated local effect",
            x=tuple("" if cell is None else cell for cell in (shown(self.feature, one) for one in self.found.values)),
            y=tuple(float(one) for one in self.curve),
            error=tuple(float(one) for one in self.found.error(self.column)),
        )
        return Figure(
            kind="line" if ordered(self.feature) else "bars",
            title=f"{what} by {self.feature.label}, against its average",
            x_label=self.feature.label,
            y_label=what,
            series=(series,),
        )

    @property
    def _low(self) -> int:
        return int(self.curve.argmin())

    @property
    def _high(self) -> int:
        return int(self.curve.argmax())

    @property
    def _range_role(self) -> str:
        noise = self.found.range_error(self.column, self._low, self._high)
        return "ale_range" if noise > FLAT * float(np.ptp(self.curve)) else "ale_range_exact"

    @property
    def _unit(self) -> Unit:
        return "output" if self.label is None else "points"

    def _point(self, place: int, relation: str) -> Fact:
        return Fact(
            id=f"{relation}_{place}",
            relation=relation,
            value=float(self.curve[place]),
            unit=self._unit,
            feature=self.feature.name,
            at=plain(self.found.values[place]),
            cls=None if self.label is None else self.label.name,
            error=float(self.found.error(self.column)[place]),
        )


def compared(view: View, feature: Feature, rows: pd.DataFrame, label: ClassLabel | None) -> Iterator[Fact]:
    """Whether partial dependence over `rows` is borne out by accumulated local effects, where another feature goes with
    this one so closely that they may differ; nothing where none does, or there are too few rows."""
    with_it = partner(view.subject.data, view.schema, feature.name)
    present = rows[rows[feature.name].notna()]
    if with_it is None or len(present) < _FEWEST or present[feature.name].nunique() < 2:
        return
    other, strength = with_it
    told = Told.of(view, feature, accumulated(view.evaluate, present, view.schema, feature), label)
    curves = sweep(view.evaluate, present, feature.name, told.found.values)[:, :, told.column]
    average = curves.mean(axis=0)
    centred = average - average[0] - told.found.weights @ np.diff(average)
    noise = 2 * np.hypot(told.found.error(told.column), curves.std(axis=0, ddof=1) / np.sqrt(len(curves)))
    apart, largest = np.abs(centred - told.curve), max(float(np.ptp(average)), float(np.ptp(told.curve)))
    differs = bool(((apart > _DIFFERS * largest) & (apart > noise) & (apart > FLAT)).any())
    both = ordered(feature) and ordered(other)
    yield Fact(
        relation="partner",
        value=strength,
        unit="score",
        feature=other.name,
        group="correlation" if both else "association",
    )
    yield told.range("ale_range_differs" if differs else "ale_range_agrees")


def partner(data: pd.DataFrame, schema: Schema, name: str) -> tuple[Feature, float] | None:
    """The feature that goes with this one most closely (correlation or association), if any does closely enough that
    one can stand for the other."""
    if len(data) > _DATA_ROWS:
        data = data.iloc[np.linspace(0, len(data) - 1, _DATA_ROWS).astype(int)]
    cells, own = Space.of(schema, data).encode(data), schema.names.index(name)
    lines = [ordered(one) or one.kind == "boolean" for one in schema.features]
    others = [j for j in range(len(lines)) if j != own and schema.features[j].kind != "text"]
    found = {j: association(cells[:, own], lines[own], cells[:, j], lines[j]) for j in others}
    best = max(found, key=lambda j: abs(found[j]), default=None)
    if best is None or abs(found[best]) <= STRONG_ASSOCIATION:
        return None
    return schema.features[best], found[best]
