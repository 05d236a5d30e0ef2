"""Whether explanations are equally reliable for the groups of a feature."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines.group_fidelity import faithfulness
from askwhy.tools.engines.groups import groups_of
from askwhy.tools.engines.metrics import LEVEL
from askwhy.tools.engines.rules import Predicate
from askwhy.tools.engines.truth import SMALL_N, Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Quality, Series
from askwhy.tools.registry import FeatureName, tool
from askwhy.tools.select import predicted_index
from askwhy.tools.view import View

NOTABLE = 0.05
"""C17: a smaller gap is not worth naming, however sure it is."""

_ROWS = 40
_RESAMPLES = 2000
_DUST = 1e-9


@dataclass(frozen=True)
class _Group:
    """One group's measurements, of the rows that allow one."""

    predicate: Predicate
    values: Array

    @property
    def words(self) -> str:
        return self.predicate.words()

    @property
    def mean(self) -> float:
        return float(self.values.mean())

    @property
    def error(self) -> float:
        return float(self.values.std(ddof=1) / np.sqrt(len(self.values)))


@tool(
    fits=lambda schema: schema.modality == "table" and len(schema.features) > 1,
    asks=(
        "are the explanations equally reliable for all groups?",
        "are the explanations equally reliable for every {feature}?",
        "do explanations work worse for some {feature}?",
        "is there an explanation gap by {feature}?",
        "are explanations as faithful for {entities} with {feature} {category} as for the others?",
        "compare the quality of the explanations by {feature}",
        "does explanation quality differ between groups of {feature}?",
    ),
    says=(
        "Each explanation is scored by a correlation: between what it says for sets of features and what the "
        "prediction is without them.",
        "By {quality_of.feature}, the mean scores are: [quality_of*: {group} ({value})].",
        "The gap between {gap_clear.group} is {gap_clear:size}, with a {level} interval from {gap_low} to {gap_high}, "
        "so the explanations are not equally reliable.",
        "The gap between {gap_small.group} is {gap_small:size}, with a {level} interval from {gap_low} to {gap_high}: "
        "more than chance allows, but below {notable}, which counts as small here.",
        "The gap between {gap_open.group} is {gap_open:size}, with a {level} interval from {gap_low} to {gap_high}, "
        "so it may be chance.",
        "All of them score the same, {equal_score}.",
        "It rests on {explained:entities}{scope}, a random sample of up to {per_group} in each group.",
    ),
)
def explanation_gap(view: View, feature: FeatureName) -> Evidence:
    """Whether explanations are equally reliable for all groups of a feature: Shapley explanations of a sample of rows
    of each group, scored by how well they foretell what removing features does, with the gap and its interval."""
    measured, few = _measured(view, feature)
    if len(measured) < 2:
        raise ToolError(
            f"Too few {view.schema.entities}: comparing explanations needs two groups with at least {SMALL_N} "
            f"{view.schema.entities} each, and predictions that depend on the features."
        )
    first, second = max(measured, key=lambda one: one.mean), min(measured, key=lambda one: one.mean)
    gap = first.mean - second.mean
    low, high = _interval(first.values, second.values, len(list(itertools.combinations(measured, 2))), view.rng)
    flagged = low > 0 and gap >= NOTABLE
    facts = [*_facts(measured, feature), *_gap(first, second, low, high)]
    note = f"gap between groups, interval from {low:.3f} to {high:.3f}, flagged from {NOTABLE} on where it excludes 0"
    return Evidence(
        facts=tuple(facts),
        method="Shapley values of sampled rows, their sums over subsets against removing these; bootstrap of the gap",
        estimand="correlation of summed attributions with the loss of output when features are removed",
        quality=(Quality(check="C17", value=gap, passed=not flagged, note=note),),
        caveats=tuple(_caveats(view, few)),
        figure=_figure(view, measured, feature),
    )


def _measured(view: View, feature: str) -> tuple[list[_Group], list[str]]:
    """Groups with enough rows, and the names of those with too few."""
    groups = groups_of(view, feature)
    few = [one.words() for one, mask in groups if mask.sum() < SMALL_N]
    kept = [(one, mask) for one, mask in groups if mask.sum() >= SMALL_N]
    if len(kept) < 2:
        return [], few
    rng = view.rng
    places = [np.sort(_some(np.flatnonzero(mask), rng)) for _, mask in kept]
    every = np.concatenate(places)
    columns = np.zeros(len(every), dtype=np.int64) if view.subject.regression else predicted_index(view.outputs[every])
    scores = faithfulness(view, view.rows.iloc[every], columns)
    found, start = [], 0
    for (predicate, _), chosen in zip(kept, places, strict=True):
        values = scores[start : start + len(chosen)]
        start += len(chosen)
        known = values[np.isfinite(values)]
        if len(known) < SMALL_N:
            few.append(predicate.words())
        else:
            found.append(_Group(predicate, known))
    return found, few


def _gap(first: _Group, second: _Group, low: float, high: float) -> Iterator[Fact]:
    gap = first.mean - second.mean
    if gap <= _DUST:
        yield Fact(relation="equal_score", value=first.mean, unit="score")
        return
    relation = "gap_open" if low <= 0 else "gap_clear" if gap >= NOTABLE else "gap_small"
    yield Fact(relation=relation, value=gap, unit="score", group=f"{first.words} and {second.words}")
    yield Fact(relation="gap_low", value=low, unit="score")
    yield Fact(relation="gap_high", value=high, unit="score")
    yield Fact(relation="notable", value=NOTABLE, unit="score")


def _some(places: Array, rng: np.random.Generator) -> Array:
    return places if len(places) <= _ROWS else rng.choice(places, _ROWS, replace=False)


def _interval(first: Array, second: Array, pairs: int, rng: np.random.Generator) -> tuple[float, float]:
    """Percentile bootstrap of the difference of means, at a level that holds for all pairs of groups at once."""
    drawn = [one[rng.integers(0, len(one), (_RESAMPLES, len(one)))].mean(axis=1) for one in (first, second)]
    tail = (1 - LEVEL) / 2 / pairs
    low, high = np.quantile(drawn[0] - drawn[1], [tail, 1 - tail])
    return float(low), float(high)


def _facts(measured: Sequence[_Group], feature: str) -> Iterator[Fact]:
    for one in measured:
        yield Fact(
            relation="quality_of", value=one.mean, unit="score", feature=feature, group=one.words, error=one.error
        )
    for one in measured:
        yield from one.predicate.facts(one.words)
    yield Fact(relation="explained", value=sum(len(one.values) for one in measured), unit="count")
    yield Fact(relation="per_group", value=_ROWS, unit="count")
    yield Fact(relation="level", value=LEVEL, unit="share")


def _caveats(view: View, few: Sequence[str]) -> Iterator[Caveat]:
    if few:
        text = f"Too few {view.schema.entities} to say anything about those with {'; or with '.join(few)}."
        yield Caveat(flag="small_n", text=text)


def _figure(view: View, measured: Sequence[_Group], feature: str) -> Figure:
    bars = Series(
        name="correlation with removal",
        x=tuple(one.words for one in measured),
        y=tuple(one.mean for one in measured),
        error=tuple(one.error for one in measured),
    )
    label = view.schema.feature(feature).label
    title = f"How good explanations are, by {label}"
    return Figure(kind="bars", title=title, x_label=label, y_label="correlation with removal", series=(bars,))
