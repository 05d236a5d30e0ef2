"""Which group the model treats worst, as a rule that holds up on rows the search did not see."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field

from askwhy.tools.engines.groups import good_class
from askwhy.tools.engines.metrics import LEVEL
from askwhy.tools.engines.rules import rule_facts, rule_words
from askwhy.tools.engines.subgroups import (
    FALSE_DISCOVERIES,
    Subgroup,
    search,
    search_facts,
    search_quality,
    search_table,
)
from askwhy.tools.engines.truth import Array, scored
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact
from askwhy.tools.registry import ClassName, FeatureName, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.select import predicted_index
from askwhy.tools.view import View

Measure = Literal["outcome", "error"]
Worse = Literal["lower", "higher"]

_FEWEST_ROWS = 20


@dataclass(frozen=True)
class _Measured:
    """What is compared: `event` per row is larger where a row is treated worse; `sign` turns it back into the value."""

    rows: pd.DataFrame
    event: Array
    relation: str
    sign: float
    offset: float
    label: ClassLabel | None = None
    count: Fact | None = None
    caveats: tuple[Caveat, ...] = ()

    @property
    def name(self) -> str:
        """What is measured, in words."""
        if self.label is not None:
            return f"share predicted {self.label.label}"
        return {"wrong": "error rate", "off": "mean absolute error"}.get(self.relation, "mean prediction")

    def value(self, mean: float) -> float:
        """The mean event as the share or number that is said."""
        return self.offset + self.sign * mean


@tool(
    fits=lambda schema: schema.modality == "table",
    audit="Groups",
    asks=(
        "which group is treated worst, with what rule?",
        "which group of {entities} does the model treat worst?",
        "which subgroup is disadvantaged most?",
        "which kind of {entities} is least often predicted {class}?",
        "find the group that fares worst, among {entities} with {subset}",
        "who is treated worst by the model?",
        "is there a subgroup that is treated unfairly?",
        ask("which group gets the most wrong predictions?", measure="error"),
        ask("for which group is the model least accurate?", measure="error"),
        ask("which group gets the highest predictions?", worse="higher"),
    ),
    says=(
        "The group with the lowest share of {worst_share.cls} is that with "
        "{worst_share.group}: the model predicts {worst_share.cls} for {worst_share} of {group_rows:entities}, against "
        "{rest_share} of the others.",
        "The group with the highest share of {worst_high.cls} is that with "
        "{worst_high.group}: the model predicts {worst_high.cls} for {worst_high} of {group_rows:entities}, against "
        "{rest_high} of the others.",
        "The model is wrong most often with {worst_wrong.group}: for {worst_wrong} of {group_rows:entities}, against "
        "{rest_wrong} of the others.",
        "The lowest predictions go to {entities} with {worst_low_output.group}: {worst_low_output} on average for "
        "{group_rows:entities}, against {rest_low_output} for the others.",
        "The highest predictions go to {entities} with {worst_high_output.group}: {worst_high_output} on average for "
        "{group_rows:entities}, against {rest_high_output} for the others.",
        "Predictions are furthest off with {worst_off.group}: by {worst_off} on average for {group_rows:entities}, "
        "against {rest_off} for the others.",
        "The difference is {group_gap:size}, with a {level} interval from {gap_low} to {gap_high}.",
        "No group of {entities}{scope} was found that is treated worse than chance allows: of the {none_of_tested} "
        "that stood out among {searched:entities}, none held up among {confirmed:entities} that the search had not "
        "seen.",
        "No group of {entities}{scope} was found with more mistakes than chance allows: of the {none_of_tested_error} "
        "that stood out among {searched:entities}, none held up among {confirmed:entities} that the search had not "
        "seen.",
        "Among the {no_candidate:entities} searched, no group with enough rows stood out.",
        "This holds for {confirmed:entities} that the search had not seen; {tested} groups were tested on them.",
    ),
)
def worst_group(
    view: View,
    measure: Measure | None = None,
    cls: ClassName | None = None,
    features: tuple[FeatureName, ...] = (),
    conditions: Annotated[int, Field(ge=1, le=3)] = 2,
    worse: Worse = "lower",
) -> Evidence:
    """Which group of rows the model treats worst, described by a rule: the lowest share of the favourable class (or of
    `cls`), the lowest predicted numbers, or the most mistakes. Found on one half of the rows and tested on the other.

    `measure`: outcome or error. `features`: only rules over these. `worse`: whether a lower or higher outcome is worse.
    """
    what = _errors(view) if measure == "error" else _outcomes(view, cls, worse)
    if len(what.rows) < _FEWEST_ROWS:
        raise ToolError(
            f"Looking for groups needs at least {_FEWEST_ROWS} {view.schema.entities}; here there are {len(what.rows)}."
        )
    found = search(view.schema, what.rows, what.event, view.rng, conditions, features or None)
    facts = list(_facts(what, found.found[0])) if found.found else []
    return Evidence(
        facts=(*((what.count,) if what.count else ()), *facts, *search_facts(found, "_error" if what.count else "")),
        method="beam search for rules on half of the rows, tested on the other half, false discoveries held at "
        f"{FALSE_DISCOVERIES:.0%}",
        estimand=f"{what.name} in a group against the rest; a positive difference is the worse side",
        quality=search_quality(found),
        caveats=(*what.caveats, *_reasons(bool(found.found) and measure != "error")),
        table=search_table(found, what.name, what.sign, what.offset),
    )


def _outcomes(view: View, cls: str | None, worse: Worse) -> _Measured:
    way = -1.0 if worse == "lower" else 1.0
    if view.subject.regression:
        relation = "low_output" if worse == "lower" else "high_output"
        return _Measured(view.rows, way * view.outputs[:, 0], relation, way, 0.0, good_class(view, cls))
    label = good_class(view, cls)
    if label is None:
        if view.subject.target is None:
            names = ", ".join(one.label for one in view.schema.classes)
            raise ToolError(f"Say which class is the good outcome: {names}.")
        return _errors(view)
    given = (predicted_index(view.outputs) == view.schema.classes.index(label)).astype(int)
    if worse == "higher":
        return _Measured(view.rows, given, "high", 1.0, 0.0, label)
    return _Measured(view.rows, 1 - given, "share", -1.0, 1.0, label)


def _errors(view: View) -> _Measured:
    truth = scored(view)
    if view.subject.regression:
        event, relation = np.abs(truth.outputs[:, 0] - truth.actual), "off"
    else:
        event, relation = truth.wrong.astype(int), "wrong"
    return _Measured(truth.rows, event, relation, 1.0, 0.0, None, truth.count_fact(), truth.caveats)


def _facts(what: _Measured, group: Subgroup) -> Iterator[Fact]:
    words, number = rule_words(group.rule), what.relation in ("low_output", "high_output", "off")
    cls = None if what.label is None else what.label.name
    unit, gap = ("output", "output") if number else ("share", "points")
    yield Fact(
        relation=f"worst_{what.relation}",
        value=what.value(group.inside),
        unit=unit,
        cls=cls,
        group=words,
        error=group.error,
    )
    yield Fact(relation=f"rest_{what.relation}", value=what.value(group.outside), unit=unit, cls=cls)
    yield Fact(relation="group_rows", value=group.rows, unit="count", group=words)
    yield Fact(relation="level", value=LEVEL, unit="share")
    for name, value in (("group_gap", group.gap), ("gap_low", group.low), ("gap_high", group.high)):
        yield Fact(relation=name, value=value, unit=gap, cls=cls, group=words)
    yield from rule_facts(group.rule)


def _reasons(compared: bool) -> tuple[Caveat, ...]:
    text = (
        "This compares the model's outputs; it does not say why they differ, nor whether the difference is justified."
    )
    return (Caveat(flag="outputs_compared", text=text),) if compared else ()
