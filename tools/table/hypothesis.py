"""What a person believes about the model, as a test: does it rely on these features, does it go by them alone?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from askwhy.tools.attribution import column_of, quantity, sample, unit_of
from askwhy.tools.engines.curves import FLAT
from askwhy.tools.engines.honest import mean_with_interval
from askwhy.tools.engines.metrics import LEVEL, Score
from askwhy.tools.engines.reliance import Explained, Redrawn, explained, redraw
from askwhy.tools.engines.truth import SMALL_N, Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Table
from askwhy.tools.quality import direct_evaluation, shared_credit
from askwhy.tools.registry import ClassName, FeatureName, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.view import View

Claim = Literal["relies", "only"]

MARGIN = 0.01
"""The model relies on what moves its output by more than this on average: one percentage point, or one per cent of the
outputs' standard deviation. The same margin as for significance without a known truth."""

ONLY = 0.95
"""C21: wording with "all" or "only" needs this share."""

_ROWS = 300
_DRAWS = 20
_TRIES = 2000


@dataclass(frozen=True)
class _Tested:
    """What was measured. ours, rest: the features of the claim redrawn, and all the others; shares: of the variance."""

    names: tuple[str, ...]
    group: str
    label: ClassLabel | None
    ours: Redrawn
    rest: Redrawn
    shares: Explained | None
    margin: float

    @property
    def never(self) -> bool:
        """Whether redrawing the features never changed anything."""
        return self.ours.largest <= FLAT * max(1.0, self.margin)


@tool(
    fits=lambda schema: schema.modality == "table" and len(schema.features) > 1,
    asks=(
        "does it rely on {feature}?",
        "does the model use {feature}?",
        "does the model depend on {feature} and {feature2}?",
        "I think the model relies on {feature}",
        "is {feature} ignored by the model?",
        "does it rely on {feature} for {entities} with {subset}?",
        "does the prediction for {row} rely on {feature}?",
        "test whether the model uses {feature}",
        ask("I think it just uses {feature}", claim="only"),
        ask("does the model only look at {feature}?", claim="only"),
        ask("is {feature} all that it uses?", claim="only"),
        ask("does the model decide by {feature} and {feature2} alone?", claim="only"),
        ask("is the prediction for {row} only about {feature}?", claim="only"),
    ),
    says=(
        "The numbers bear it out: the model relies on {supported.group}.",
        "The numbers do not bear it out: nothing shows that the model relies on {not_supported.group}.",
        "The numbers leave open whether the model relies on {cannot_tell.group}.",
        "The numbers bear it out: the model goes by {only_supported.group} and little else.",
        "The numbers do not bear it out: the model reacts to more than {only_not_supported.group}.",
        "The numbers leave open whether the model goes by {only_cannot_tell.group} alone.",
        "Its output does not react to {never.group} at all: it stayed the same in all {never} tries.",
        "Redrawing {change.group} from other {entities} moves the probability of {change.cls} by {change:size} on "
        "average, with a {level} interval from {change_low:size} to {change_high:size}.",
        "Redrawing {change_all.group} from other {entities} moves the probabilities by {change_all:size} on average, "
        "with a {level} interval from {change_low:size} to {change_high:size}.",
        "Redrawing {change_output.group} from other {entities} moves the model's output by {change_output:size} on "
        "average, with a {level} interval from {change_low:size} to {change_high:size}.",
        "Redrawing everything else moves the probability of {rest.cls} by {rest:size} on average, with a {level} "
        "interval from {rest_low:size} to {rest_high:size}.",
        "Redrawing everything else moves the probabilities by {rest_all:size} on average, with a {level} interval from "
        "{rest_low:size} to {rest_high:size}.",
        "Redrawing everything else moves the model's output by {rest_output:size} on average, with a {level} interval "
        "from {rest_low:size} to {rest_high:size}.",
        "That flips {flips} of the predictions, with an interval from {flips_low} to {flips_high}.",
        "That flips the prediction in {own_flips} of the draws, with an interval from {own_flips_low} to "
        "{own_flips_high}.",
        "By {alone.group} alone, {alone} of the variance of the output is explained, with an interval from {alone_low} "
        "to {alone_high}; counting what is done together with other features, it is {with_others}.",
        "Less than {margin} would not count as relying on it.",
        "Less than {margin_only} would not count as going by it alone.",
    ),
)
def hypothesis(
    view: View, features: tuple[FeatureName, ...], claim: Claim = "relies", cls: ClassName | None = None
) -> Evidence:
    """Whether the model relies on some features, or goes by them alone: a user's belief tested on the model.

    `features`: the ones believed in. `claim`: "relies" (it uses them), "only" (it uses nothing else).
    """
    tested = _measure(view, features, claim, cls)
    return Evidence(
        facts=tuple(_facts(view, tested, claim)),
        method="direct evaluation: the features redrawn from other rows, and all others redrawn (Sobol indices)",
        estimand=f"mean absolute change of {quantity(view, tested.label) if _single(view, tested) else 'the output'}, "
        "share of flips, share of the output's variance",
        quality=direct_evaluation(view.evaluate.asked),
        caveats=tuple(_caveats(view, tested)),
        table=_table(view, tested),
    )


def _single(view: View, tested: _Tested) -> bool:
    return tested.label is not None or view.subject.regression


def _measure(view: View, names: Sequence[str], claim: Claim, cls: str | None) -> _Tested:
    features = [view.schema.feature(name) for name in names]
    if not features:
        raise ToolError("Say which feature you think the model uses.")
    if len(features) == len(view.schema.features):
        raise ToolError("These are all the features there are, so there is nothing to compare them with.")
    if view.subject.data[list(names)].drop_duplicates().shape[0] < 2:
        raise ToolError(f"{features[0].label} has only one value in the data, so redrawing it changes nothing.")
    label = view.explained_class(cls)
    column = column_of(view, label) if label is not None or view.subject.regression else None
    ours = [view.schema.names.index(name) for name in names]
    others = [one for one in range(len(view.schema.names)) if one not in ours]
    rows, donors, draws = _rows(view), view.subject.data, 1 if view.scope.has_instance else _DRAWS
    return _Tested(
        names=tuple(names),
        group=_joined([feature.label for feature in features]),
        label=label,
        ours=redraw(view.evaluate, rows, donors, ours, draws, view.rng, column),
        rest=redraw(view.evaluate, rows, donors, others, draws, view.rng, column),
        shares=explained(view.evaluate, rows, donors, ours, _TRIES, view.rng)
        if claim == "only" and not view.scope.has_instance
        else None,
        margin=MARGIN * _spread(view),
    )


def _rows(view: View) -> pd.DataFrame:
    """The rows to redraw: a sample, or the one row as often as it is to be redrawn."""
    if view.scope.has_instance:
        return view.rows.iloc[np.zeros(_ROWS, dtype=int)]
    return sample(view.rows, _ROWS, view.rng)


def _spread(view: View) -> float:
    return float(view.evaluate.all_outputs(view.subject)[:, 0].std()) if view.subject.regression else 1.0


def _joined(labels: Sequence[str]) -> str:
    return labels[0] if len(labels) == 1 else f"{', '.join(labels[:-1])} and {labels[-1]}"


def _facts(view: View, tested: _Tested, claim: Claim) -> Iterator[Fact]:
    for name in tested.names:
        yield Fact(relation="tested", value=None, feature=name)
    yield Fact(relation="level", value=LEVEL, unit="share")
    relation = _verdict(tested, view.scope.has_instance, claim)
    yield Fact(relation=relation, value=None, group=tested.group)
    if tested.never:
        tries = len(tested.ours.change) * tested.ours.draws
        yield Fact(relation="never", value=tries, unit="count", group=tested.group)
    if claim == "only":
        yield from _moved(view, tested, "rest", tested.rest)
    elif not tested.never:
        yield from _moved(view, tested, "change", tested.ours)
    if claim == "only" and tested.shares is not None:
        yield from _shares(tested, tested.shares)
        if relation != "only_supported":
            yield Fact(relation="margin_only", value=ONLY, unit="share")
    if relation in ("not_supported", "cannot_tell") and not tested.never:
        yield Fact(relation="margin", value=tested.margin, unit=unit_of(view, "probability"))


def _verdict(tested: _Tested, local: bool, claim: Claim) -> str:
    """What the numbers say of the claim: supported, not supported, or neither."""
    if claim == "relies":
        return _beyond(_interval(tested.ours.change), tested.margin, ("not_supported", "cannot_tell", "supported"))
    words = ("only_not_supported", "only_cannot_tell", "only_supported")
    if tested.never:
        return words[0]
    if local:
        return _beyond(_interval(tested.rest.change), tested.margin, (words[2], words[1], words[0]))
    if tested.shares is None:
        return words[1]
    low, high = tested.shares.alone_interval
    return _beyond(Score(tested.shares.alone, low, high, tested.shares.draws, ""), ONLY, words)


def _beyond(found: Score, limit: float, words: tuple[str, str, str]) -> str:
    """The word for an interval below, around or above a limit."""
    if found.high < limit:
        return words[0]
    return words[2] if found.low >= limit else words[1]


def _interval(change: Array) -> Score:
    """The mean with its interval; a change that is the same everywhere is exact."""
    if float(np.ptp(change)) <= FLAT:
        mean = float(change.mean())
        return Score(mean, mean, mean, len(change), "")
    return mean_with_interval(change)


def _moved(view: View, tested: _Tested, relation: str, redrawn: Redrawn) -> Iterator[Fact]:
    """What redrawing did: the mean change with its interval, and the flips."""
    found, unit, cls = _interval(redrawn.change), unit_of(view, "probability"), None
    name = f"{relation}_output" if view.subject.regression else f"{relation}_all"
    if tested.label is not None:
        name, cls = relation, tested.label.name
    yield Fact(relation=name, value=found.value, unit=unit, cls=cls, group=tested.group)
    yield Fact(relation=f"{relation}_low", value=found.low, unit=unit)
    yield Fact(relation=f"{relation}_high", value=found.high, unit=unit)
    if view.schema.classes:
        share, flips = mean_with_interval(redrawn.flips), "own_flips" if view.scope.has_instance else "flips"
        yield Fact(relation=flips, value=share.value, unit="share")
        yield Fact(relation=f"{flips}_low", value=share.low, unit="share")
        yield Fact(relation=f"{flips}_high", value=min(1.0, share.high), unit="share")


def _shares(tested: _Tested, found: Explained) -> Iterator[Fact]:
    yield Fact(relation="alone", value=found.alone, unit="share", group=tested.group)
    yield Fact(relation="alone_low", value=found.alone_interval[0], unit="share")
    yield Fact(relation="alone_high", value=found.alone_interval[1], unit="share")
    yield Fact(relation="with_others", value=found.with_others, unit="share")


def _caveats(view: View, tested: _Tested) -> Iterator[Caveat]:
    yield from shared_credit(view.subject.data, view.schema, tested.names)
    if not view.scope.has_instance and len(view.rows) < SMALL_N:
        noun = view.schema.entity if len(view.rows) == 1 else view.schema.entities
        yield Caveat(flag="small_n", text=f"This rests on only {len(view.rows)} {noun}, so it is very uncertain.")


def _table(view: View, tested: _Tested) -> Table:
    rows = []
    for words, found in ((tested.group, tested.ours), ("everything else", tested.rest)):
        change, flips = _interval(found.change), mean_with_interval(found.flips)
        rows.append((words, change.value, change.low, change.high, flips.value if view.schema.classes else None))
    return Table(columns=("redrawn", "mean change", "from", "to", "share of flips"), rows=tuple(rows))
