"""How the model treats the groups of one feature: outcomes and mistakes side by side, with intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.compared import Gap, Part, largest_gap
from askwhy.tools.engines.groups import Side, good_class, groups_of, one_against_rest, selected_against_rest
from askwhy.tools.engines.metrics import LEVEL
from askwhy.tools.engines.rules import Predicate
from askwhy.tools.engines.truth import SMALL_N, Array, known_truth
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Series, Table, Unit
from askwhy.tools.registry import ClassName, FeatureName, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

Groups = Sequence[tuple[Predicate | Side, Mask]]

_SAID = 4
_NAMES = {
    "outcome": "outcome",
    "accuracy": "accuracy",
    "off": "error",
    "fpr": "false positives",
    "fnr": "false negatives",
}


@dataclass(frozen=True)
class _Measure:
    """One measure of every group; `truth` where it rests on rows with a known truth."""

    name: str
    parts: tuple[Part, ...]
    unit: Unit
    gap: Gap | None

    @classmethod
    def of(cls, name: str, groups: Groups, values: Array, among: Mask, unit: Unit) -> _Measure:
        """`values` per row, averaged over the rows of each group that are `among`."""
        counted = unit == "share"
        parts = tuple(Part(one.words(), values[mask & among].astype(float), counted) for one, mask in groups)
        return cls(name, parts, unit, largest_gap(parts))


@tool(
    fits=lambda schema: schema.modality == "table",
    asks=(
        "does the model treat women differently?",
        "does the model treat {entities} differently by {feature}?",
        "are the groups of {feature} treated differently?",
        "compare the groups of {feature}",
        "is the model fair with respect to {feature}?",
        "does it discriminate by {feature}?",
        "how often is {class} predicted for each {feature}?",
        "do approval rates differ by {feature}?",
        "is the model equally accurate for every {feature}?",
        "false positive rates by {feature}",
        "does the model treat {entities} with {feature} {category} worse?",
        "is {class} predicted more often by {feature}?",
        "is the model fair to {entities} with {feature} below {number}?",
        "how does the model treat {entities} with {feature} {category} compared with all others?",
        ask("compare {feature} groups on how often they are predicted {class}"),
    ),
    says=(
        "This compares {selected:entities}{scope} with the {rest} others.",
        "This compares {selected:entities}{scope} with the {rest_within} others that meet the remaining conditions.",
        "This compares {named:entities} with {named.group} with the {named_rest} others{scope}.",
        "By {share_of.feature}, the model predicts {share_of.cls} for these shares: [share_of*: {group} ({value})].",
        "By {mean_of.feature}, these are the mean predictions: [mean_of*: {group} ({value})].",
        "The gap between {gap_clear.group} is {gap_clear:size}, with a {level} interval from {gap_low} to {gap_high}, "
        "so it is more than chance allows.",
        "The gap between {gap_open.group} is {gap_open:size}, with a {level} interval from {gap_low} to {gap_high}, "
        "so it may be chance.",
        "The smaller share is {ratio} of the larger.",
        "On {held_out:entities} held out from training, the model is right about these shares: [accuracy_of*: {group} "
        "({value})].",
        "On {scored:entities} with a known truth, the model is right about these shares: [accuracy_of*: {group} "
        "({value})].",
        "On {held_out:entities} held out from training, it is off on average by: [off_of*: {group} ({value})].",
        "On {scored:entities} with a known truth, it is off on average by: [off_of*: {group} ({value})].",
        "Of those that are not {fpr_of.cls} in truth, it predicts {fpr_of.cls} for: [fpr_of*: {group} ({value})].",
        "Of those that are {fnr_of.cls} in truth, it predicts something else for: [fnr_of*: {group} ({value})].",
        "These gaps between groups are more than chance allows: [clear*: {group} ({value})].",
        "These gaps between groups may be chance: [open*: {group} ({value})].",
    ),
)
def group_compare(
    view: View,
    feature: FeatureName,
    cls: ClassName | None = None,
    value: str | None = None,
    below: float | None = None,
    above: float | None = None,
) -> Evidence:
    """Whether the model treats the groups of a feature differently: for each group how often the favourable class (or
    `cls`) is predicted or the mean prediction, and on held-out rows its accuracy, false positives and false negatives.

    Numbers are cut into three groups of about equal size. `value`, or `below` and `above` for a number: one group
    against all others; so is a selection by the feature itself. Differences come with intervals.
    """
    view, groups, sides = _compared(view, feature, value, below, above)
    label = good_class(view, cls)
    outcome = _outcome(view, groups, label)
    among, scored, caveats = _scored(view)
    mistakes = () if scored is None else _mistakes(view, groups, label, among)
    measures = (*(() if outcome is None else (outcome,)), *mistakes)
    if not measures:
        names = ", ".join(one.label for one in view.schema.classes)
        raise ToolError(
            f"The true values are not known, so say for which class the shares should be compared: {names}."
        )
    facts = [*_facts(measures, label, feature), *(fact for one, _ in groups for fact in one.facts(one.words()))]
    return Evidence(
        facts=(*sides, *facts, *((scored,) if scored is not None else ())),
        method="rates by group: Wilson's and Newcombe's intervals, Welch's for means, allowing for all pairs of groups",
        estimand="the model's outputs and mistakes in groups of rows as they are",
        caveats=(*caveats, *_caveats(view, groups, among, scored is not None)),
        figure=_figure(view, measures[0], feature),
        table=_table(measures),
    )


def _compared(
    view: View, name: str, value: str | None, below: float | None, above: float | None
) -> tuple[View, Groups, tuple[Fact, ...]]:
    """The rows that are compared, their groups, and how many stand on either side where it is one against the rest."""
    if value is not None or below is not None or above is not None:
        groups = one_against_rest(view, name, value, below, above)
        counts = [int(mask.sum()) for _, mask in groups]
        group = groups[0][0].words()
        return (
            view,
            groups,
            (
                Fact(relation="named", value=counts[0], unit="count", feature=name, group=group),
                Fact(relation="named_rest", value=counts[1], unit="count"),
            ),
        )
    selected = selected_against_rest(view, name)
    if selected is None:
        return view, groups_of(view, name), ()
    whole, groups = selected
    rest = "rest_within" if whole.scope.where else "rest"
    counts = [int(mask.sum()) for _, mask in groups]
    return (
        whole,
        groups,
        (
            Fact(relation="selected", value=counts[0], unit="count"),
            Fact(relation=rest, value=counts[1], unit="count"),
        ),
    )


def _outcome(view: View, groups: Groups, label: ClassLabel | None) -> _Measure | None:
    every = np.ones(len(view.rows), dtype=bool)
    if view.subject.regression:
        return _Measure.of("outcome", groups, view.outputs[:, 0], every, "output")
    if label is None:
        return None
    return _Measure.of("outcome", groups, _given(view, label), every, "share")


def _given(view: View, label: ClassLabel) -> Mask:
    return np.asarray(predicted_index(view.outputs) == view.schema.classes.index(label), dtype=bool)


def _scored(view: View) -> tuple[Mask, Fact | None, tuple[Caveat, ...]]:
    """The rows on which mistakes are counted: held out where any is."""
    if view.targets is None:
        return np.zeros(len(view.rows), dtype=bool), None, ()
    _, known = known_truth(view)
    marked = known & view.held_out
    if marked.any():
        return marked, Fact(relation="held_out", value=int(marked.sum()), unit="count"), ()
    text = "None of these rows is marked as held out, so the model may have been trained on them, which flatters it."
    return (
        known,
        Fact(relation="scored", value=int(known.sum()), unit="count"),
        (Caveat(flag="no_held_out", text=text),),
    )


def _mistakes(view: View, groups: Groups, label: ClassLabel | None, among: Mask) -> tuple[_Measure, ...]:
    actual, _ = known_truth(view)
    if view.subject.regression:
        return (_Measure.of("off", groups, np.abs(view.outputs[:, 0] - actual), among, "output"),)
    right = np.asarray(predicted_index(view.outputs) == actual, dtype=bool)
    found = [_Measure.of("accuracy", groups, right, among, "share")]
    if label is not None:
        own, given = actual == view.schema.classes.index(label), _given(view, label)
        found.append(_Measure.of("fpr", groups, given, among & ~own, "share"))
        found.append(_Measure.of("fnr", groups, ~given, among & own, "share"))
    return tuple(found)


def _facts(measures: Sequence[_Measure], label: ClassLabel | None, feature: str) -> Iterator[Fact]:
    for measure in measures:
        relation = _relation(measure)
        cls = label.name if label is not None and measure.name in ("outcome", "fpr", "fnr") else None
        for part in (one for one in measure.parts if one.rows):
            shared = {"feature": feature, "group": part.words, "cls": cls, "error": part.error}
            yield Fact(relation=relation, value=part.mean, unit=measure.unit, **shared)
        if measure.gap is not None and np.isfinite(measure.gap.low):
            yield from _gap(measure, measure.gap, cls)


def _relation(measure: _Measure) -> str:
    """The role of a group's value; mistakes of many groups are not said one by one, the table has them."""
    if measure.name == "outcome":
        return "mean_of" if measure.unit == "output" else "share_of"
    return f"{measure.name}_of" if len(measure.parts) <= _SAID else f"{measure.name}_each"


def _gap(measure: _Measure, gap: Gap, cls: str | None) -> Iterator[Fact]:
    unit: Unit = "output" if measure.unit == "output" else "points"
    if measure.name != "outcome":
        if not gap.value:
            return
        relation = "clear" if gap.clear else "open"
        yield Fact(relation=relation, value=gap.value, unit=unit, group=_NAMES[measure.name], cls=cls)
        return
    both = f"{gap.first.words} and {gap.second.words}"
    yield Fact(relation="gap_clear" if gap.clear else "gap_open", value=gap.value, unit=unit, cls=cls, group=both)
    yield Fact(relation="gap_low", value=gap.low, unit=unit, cls=cls, group=both)
    yield Fact(relation="gap_high", value=gap.high, unit=unit, cls=cls, group=both)
    yield Fact(relation="level", value=LEVEL, unit="share")
    if gap.ratio and measure.unit == "share":
        yield Fact(relation="ratio", value=gap.ratio, unit="share", cls=cls, group=both)


def _caveats(view: View, groups: Groups, among: Mask, scored: bool) -> Iterator[Caveat]:
    entities = view.schema.entities
    few = [one.words() for one, mask in groups if (mask & (among if scored else True)).sum() < SMALL_N]
    if few:
        what = f"{entities} with a known truth" if scored else entities
        which = "This group has" if len(few) == 1 else "Each of these groups has"
        text = f"{which} fewer than {SMALL_N} {what}, too few to be sure of: {'; '.join(few)}."
        yield Caveat(flag="small_n", text=text)
    text = (
        "This compares the model's outputs; it does not say why they differ, nor whether the difference is justified."
    )
    yield Caveat(flag="outputs_compared", text=text)


def _figure(view: View, measure: _Measure, feature: str) -> Figure:
    known = [part for part in measure.parts if part.rows]
    bars = Series(
        name=_NAMES[measure.name],
        x=tuple(part.words for part in known),
        y=tuple(part.mean for part in known),
        error=tuple(part.error for part in known),
    )
    label = view.schema.feature(feature).label
    return Figure(kind="bars", title=f"{_NAMES[measure.name].capitalize()} by {label}", x_label=label, series=(bars,))


def _table(measures: Sequence[_Measure]) -> Table:
    rows = [
        (_NAMES[measure.name], part.words, part.rows, part.mean, *part.interval())
        for measure in measures
        for part in measure.parts
        if part.rows
    ]
    gaps = [
        (
            _NAMES[one.name],
            f"{one.gap.first.words} less {one.gap.second.words}",
            None,
            one.gap.value,
            one.gap.low,
            one.gap.high,
        )
        for one in measures
        if one.gap is not None and np.isfinite(one.gap.low)
    ]
    return Table(columns=("measure", "group", "rows", "value", "low", "high"), rows=(*rows, *gaps))
