"""Whether the model keeps a monotone rule: a score that never falls, or never rises, as a feature rises."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from askwhy.tools.attribution import column_of, quantity, sample, unit_of
from askwhy.tools.engines.curves import FLAT
from askwhy.tools.engines.grid import grid
from askwhy.tools.engines.listing import cell_fact, shown
from askwhy.tools.engines.metrics import LEVEL, wilson
from askwhy.tools.engines.policy import Drops, Searched, drops, meets, search
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, DerivedFact, Evidence, Fact, Table, Unit
from askwhy.tools.quality import direct_evaluation
from askwhy.tools.registry import ClassName, FeatureName, ask, tool
from askwhy.tools.schema import ClassLabel, Feature
from askwhy.tools.subject import Mask, plain
from askwhy.tools.view import View

Direction = Literal["never_falls", "never_rises"]

_POINTS = 25
_COARSE = 9
_ROWS = 500
_SHOWN = 10


@dataclass(frozen=True)
class _Checked:
    """A rule's check: the curves of the rows, and the search near them."""

    feature: Feature
    direction: Direction
    label: ClassLabel | None
    rows: pd.DataFrame
    values: list[Any]
    drops: Drops
    slack: float
    searched: Searched | None

    @property
    def broken(self) -> Array:
        """Positions of the rows that break the rule, worst first."""
        order = np.argsort(-self.drops.size, kind="stable")
        return np.asarray(order[self.drops.size[order] > self.slack])


_SCORES = (("", "the probability of {cls}"), ("_output", "the model's output"))


def _said(role: str) -> tuple[str, ...]:
    """The sentences about a rule that is kept or broken, for a probability and for a predicted number."""
    found = []
    for suffix, score in _SCORES:
        for direction, kept in (("falls", "rises"), ("rises", "falls")):
            move = direction.removesuffix("s")
            # A relation is named for what the model was seen to do.
            relation = f"{role}_{kept if role == 'kept' else direction}{suffix}"
            what = score.replace("cls", f"{relation}.cls")
            way = f"from a lower to a higher {{{relation}.feature}}"
            if role == "kept":
                found.append(f"The rule held for {{checked:entities}} checked: {what} never {direction} {way}.")
            else:
                found.append(
                    f"The rule is broken for {{breaking}} of {{checked:entities}} checked: there is a {move} of {what} "
                    f"{way}."
                )
    return tuple(found)


@tool(
    fits=lambda schema: schema.modality == "table",
    asks=(
        ask("does it obey the rule that the probability of {class} never falls when {feature} rises?", cls="{class}"),
        "does the score never fall when {feature} rises?",
        "check the policy that the prediction never falls with {feature}",
        "is there any {entity} whose score drops when {feature} goes up?",
        "does the model obey our policy on {feature}?",
        "is the rule on {feature} kept for {entities} with {subset}?",
        "find a counterexample: a higher {feature} that lowers the prediction",
        ask("does the score never rise when {feature} rises?", direction="never_rises"),
        ask("check that the prediction never goes up with {feature}", direction="never_rises"),
        ask("is the probability of {class} never higher for a higher {feature}?", direction="never_rises"),
    ),
    says=(
        *_said("kept"),
        *_said("broken"),
        "That is {broken_share}, with a {level} interval from {broken_low} to {broken_high}.",
        "The clearest break is at {worst.row}: with {worst_from.feature} at {worst_from} the probability of "
        "{worst.cls} is {worst_before}, and with {worst_to.feature} at {worst_to} it is {worst}, "
        "{worst_drop:size} apart.",
        "The clearest break is at {worst_output.row}: with {worst_from.feature} at {worst_from} the model's output is "
        "{worst_before_output}, and with {worst_to.feature} at {worst_to} it is {worst_output}, "
        "{worst_drop:size} apart.",
        "A search through {tried} made-up {entities} near the data found no break either.",
        "A search through {tried_broken} made-up {entities} near the data found {found_broken} that break it.",
        "The worst of them is like {made.row} but with [made_cell*: {feature} {value}]: with {made_from.feature} at "
        "{made_from} the probability of {made.cls} is {made_before}, and with {made_to.feature} at {made_to} it is "
        "{made}.",
        "The worst of them is like {made_output.row} but with [made_cell*: {feature} {value}]: with "
        "{made_from.feature} at {made_from} the model's output is {made_before_output}, and with {made_to.feature} at "
        "{made_to} it is {made_output}.",
        "The rows checked are {sampled} of {sampled_from:entities}, drawn at random.",
    ),
)
def policy(
    view: View, feature: FeatureName, direction: Direction = "never_falls", cls: ClassName | None = None
) -> Evidence:
    """Whether the model keeps a rule: its score never falls (or never rises) as a feature rises and all else stays.

    Checked on a grid for every row, and by a search for counterexamples near the data. `cls`: whose probability.
    """
    found = _checked(view, view.schema.feature(feature), direction, cls)
    return Evidence(
        facts=tuple(_facts(view, found)),
        method=f"direct evaluation on a grid of {len(found.values)} values, and random search near the data",
        estimand=f"{quantity(view, found.label)} as {found.feature.label} rises and all else stays",
        quality=direct_evaluation(view.evaluate.asked),
        caveats=tuple(_caveats(view, found)),
        table=_table(view, found),
    )


def _checked(view: View, feature: Feature, direction: Direction, cls: str | None) -> _Checked:
    if feature.categories or not (feature.numeric or feature.kind == "date"):
        raise ToolError(f"{feature.label} is not a number, so it cannot rise or fall; forbid an outcome for a value.")
    label = view.explained_class(cls)
    if label is None and not view.subject.regression:
        names = ", ".join(one.label for one in view.schema.classes)
        raise ToolError(f"Say which class's probability the rule is about: {names}.")
    rows = sample(view.rows, _ROWS, view.rng)
    values = grid(feature, view.subject.data[feature.name], _POINTS)
    column, rising = column_of(view, label), direction == "never_rises"
    found = drops(view.evaluate, rows, feature.name, values, column, rising=rising)
    slack = FLAT * max(1.0, float(np.abs(found.curves).max(initial=0.0)))
    coarse = [values[int(one)] for one in np.unique(np.linspace(0, len(values) - 1, _COARSE).round())]

    def badness(made: pd.DataFrame) -> Array:
        sizes = drops(view.evaluate, made, feature.name, coarse, column, rising=rising).size
        return np.asarray(sizes - slack)

    def allowed(made: pd.DataFrame) -> Mask:
        return meets(view.subject, view.scope.where, made)

    searched = None
    if not view.scope.has_instance:
        searched = search(rows, view.subject.data, [feature.name], badness, allowed, view.rng)
    return _Checked(feature, direction, label, rows, values, found, slack, searched)


def _facts(view: View, found: _Checked) -> Iterator[Fact]:
    suffix, cls = ("", found.label.name) if found.label is not None else ("_output", None)
    broken = found.broken
    ways = ("rises", "falls") if found.direction == "never_falls" else ("falls", "rises")
    name, total = found.feature.name, len(found.rows)
    yield Fact(relation="checked", value=total, unit="count")
    role = f"broken_{ways[1]}" if len(broken) else f"kept_{ways[0]}"
    count = len(broken) if len(broken) else total
    if len(broken):
        yield Fact(relation="breaking", value=count, unit="count")
    yield Fact(relation=f"{role}{suffix}", value=count, unit="count", feature=name, cls=cls)
    if len(broken):
        if total > 1:
            yield from share_facts(len(broken), total)
        yield from _worst(view, found, int(broken[0]), suffix, cls)
    yield from _search_facts(view, found, suffix, cls)
    if total < len(view.rows):
        yield Fact(relation="sampled", value=total, unit="count")
        yield Fact(relation="sampled_from", value=len(view.rows), unit="count")


def share_facts(broken: int, total: int) -> Iterator[Fact]:
    """The share of rows that break a rule, with the interval for all that are like them."""
    low, high = wilson(broken, total)
    yield Fact(relation="level", value=LEVEL, unit="share")
    for role, share in (("share", broken / total), ("low", low), ("high", high)):
        yield Fact(relation=f"broken_{role}", value=share, unit="share")


def _worst(view: View, found: _Checked, place: int, suffix: str, cls: str | None) -> Iterator[Fact]:
    row = str(found.rows.index[place])
    start, end = int(found.drops.start[place]), int(found.drops.end[place])
    unit: Unit = "output" if cls is None else "probability"
    before, after = (float(found.drops.curves[place, one]) for one in (start, end))
    named = {"unit": unit, "cls": cls, "row": row, "feature": found.feature.name}
    for key, relation, value, at in (("before", "worst_before", before, start), ("after", "worst", after, end)):
        fact = {"id": key, "relation": f"{relation}{suffix}", "value": value, "at": plain(found.values[at]), **named}
        yield Fact.model_validate(fact)
    yield cell_fact("worst_from", found.feature, found.values[start], row)
    yield cell_fact("worst_to", found.feature, found.values[end], row)
    yield DerivedFact(
        relation="worst_drop",
        value=after - before,
        unit=unit_of(view, "probability"),
        feature=found.feature.name,
        cls=cls,
        row=row,
        formula="difference",
        sources=("after", "before"),
    )


def _search_facts(view: View, found: _Checked, suffix: str, cls: str | None) -> Iterator[Fact]:
    searched = found.searched
    if searched is None:
        return
    if not searched.broken:
        relation = "tried_too" if len(found.broken) else "tried"
        yield Fact(relation=relation, value=searched.tried, unit="count")
        return
    yield Fact(relation="tried_broken", value=searched.tried, unit="count")
    yield Fact(relation="found_broken", value=searched.broken, unit="count")
    if len(found.broken):
        return
    column, rising = column_of(view, found.label), found.direction == "never_rises"
    one = drops(view.evaluate, searched.worst, found.feature.name, found.values, column, rising=rising)
    row, unit = str(found.rows.index[searched.parent]), "output" if cls is None else "probability"
    start, end = int(one.start[0]), int(one.end[0])
    for relation, place in (("made_before", start), ("made", end)):
        yield Fact.model_validate(
            {
                "relation": f"{relation}{suffix}",
                "value": float(one.curves[0, place]),
                "unit": unit,
                "cls": cls,
                "row": row,
                "feature": found.feature.name,
                "at": plain(found.values[place]),
            }
        )
    yield cell_fact("made_from", found.feature, found.values[start])
    yield cell_fact("made_to", found.feature, found.values[end])
    yield from changed_cells(view, found.rows.iloc[searched.parent], searched.worst.iloc[0], found.feature.name)


def changed_cells(view: View, before: pd.Series, after: pd.Series, besides: str | None = None) -> Iterator[Fact]:
    """The cells of a made-up row that differ from the row it was made from."""
    for feature in view.schema.features:
        old, new = plain(before[feature.name]), plain(after[feature.name])
        if feature.name != besides and old != new:
            yield cell_fact("made_cell", feature, new)


def _caveats(view: View, found: _Checked) -> Iterator[Caveat]:
    if len(found.broken) or (found.searched is not None and found.searched.broken):
        return
    yield Caveat(flag="no_proof", text="A search that finds nothing is no proof that there is nothing to find.")


def _table(view: View, found: _Checked) -> Table | None:
    if not len(found.broken):
        return None
    rows = []
    for place in found.broken[:_SHOWN]:
        start, end = int(found.drops.start[place]), int(found.drops.end[place])
        cells = (shown(found.feature, found.values[start]), shown(found.feature, found.values[end]))
        rows.append(
            (str(found.rows.index[place]), *cells, *(float(found.drops.curves[place, i]) for i in (start, end)))
        )
    label = found.feature.label
    columns = (view.schema.entity, f"{label} from", f"{label} to", "output before", "output after")
    return Table(columns=columns, rows=tuple(rows), note="the largest breaks of the rule")
