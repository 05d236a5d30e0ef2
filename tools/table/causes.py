"""Whether a feature is a cause in the world: what a model cannot say, and what it can say instead."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from askwhy.tools.attribution import column_of, quantity, sample, unit_of
from askwhy.tools.engines.curves import FLAT
from askwhy.tools.engines.grid import sweep
from askwhy.tools.engines.pairs import two_values
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, DerivedFact, Evidence, Fact, Unit
from askwhy.tools.quality import direct_evaluation, shared_credit
from askwhy.tools.registry import ClassName, FeatureName, tool
from askwhy.tools.schema import ClassLabel, Feature
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import plain
from askwhy.tools.view import View

_ROWS = 500

_REACTION = tuple(
    f"What can be said is how the model reacts: {where}with {{end.feature}} {{end.at}} instead of {{start.at}} and all "
    f"else as it is, {what} {{{role}:size}} {{{role}:word {words}}}{over}."
    for role, where, over in (
        ("effect", "", " on average over {averaged:entities}{scope}"),
        ("effect_here", "for {row} ", ""),
    )
    for role, what, words in (
        (role, f"its probability of {{{role}.cls}} is", "higher/lower/apart, so no change"),
        (f"{role}_output", "its output is", "more/less/more, which is no change"),
    )
)


@tool(
    fits=lambda schema: schema.modality == "table",
    asks=(
        "is {feature} a cause of the outcome?",
        "does {feature} cause {class}?",
        "is {feature} the cause for {row}?",
        "would changing {feature} change the real outcome?",
        "does {feature} really lead to {class} in the world?",
        "is the effect of {feature} causal?",
        "is the link between {feature} and the outcome causal or just a correlation?",
    ),
    says=(
        "A model cannot show what is a cause of {target} in the world, be it {asked.feature} or another feature: it "
        "has only learnt what goes together in its data.",
        *_REACTION,
        "The standard error of this is {effect.error}.",
        "The standard error of this is {effect_output.error}.",
        "That flips {flips} of the {averaged} predictions.",
        "The model's output does not react to {no_reaction.feature} here.",
        "Finding out about the world takes an experiment, or knowledge that is not in this model.",
    ),
)
def causes(view: View, feature: FeatureName, cls: ClassName | None = None) -> Evidence:
    """Whether a feature is a cause of the outcome in the world: says that a model cannot tell, and gives what it can,
    the change of its own output when the feature is changed."""
    one = view.schema.feature(feature)
    ends = two_values(one, view.subject.data[one.name])
    if ends is None:
        raise ToolError(f"{one.label} has no two values in the data to compare, and no model can tell what a cause is.")
    rows = sample(view.rows, _ROWS, view.rng)
    outputs = sweep(view.evaluate, rows, one.name, list(ends))
    label = _label(view, cls, outputs)
    return Evidence(
        facts=tuple(_facts(view, one, ends, outputs, label)),
        method="direct evaluation with the feature set to two values",
        estimand=f"change of {quantity(view, label)} when {one.label} alone is changed; not an effect in the world",
        quality=direct_evaluation(outputs.shape[0] * 2),
        caveats=tuple(_caveats(view, one)),
    )


def _label(view: View, cls: str | None, outputs: Array) -> ClassLabel | None:
    """The class to follow; among several, where nothing decides, the one that the change moves most."""
    label = view.explained_class(cls)
    if label is not None or view.subject.regression:
        return label
    return view.schema.classes[int(np.abs((outputs[:, 1] - outputs[:, 0]).mean(axis=0)).argmax())]


def _facts(
    view: View, feature: Feature, ends: tuple[Any, Any], outputs: Array, label: ClassLabel | None
) -> Iterator[Fact]:
    name, local = feature.name, view.scope.has_instance
    yield Fact(relation="asked", value=None, feature=name)
    if float(np.abs(outputs[:, 1] - outputs[:, 0]).max()) <= FLAT:
        yield Fact(relation="no_reaction", value=len(outputs), unit="count", feature=name)
    else:
        yield from _reaction(view, feature, ends, outputs[:, :, column_of(view, label)], label)
        if not local:
            yield Fact(relation="averaged", value=len(outputs), unit="count")
        if view.schema.classes and not local:
            flips = predicted_index(outputs[:, 0]) != predicted_index(outputs[:, 1])
            yield Fact(relation="flips", value=float(flips.mean()), unit="share")
    yield Fact(relation="beyond", value=None)


def _reaction(
    view: View, feature: Feature, ends: tuple[Any, Any], moved: Array, label: ClassLabel | None
) -> Iterator[Fact]:
    """The mean output at both values, and their difference."""
    cls, name = None if label is None else label.name, feature.name
    row = view.row_id if view.scope.has_instance else None
    unit: Unit = "output" if label is None else "probability"
    for place, relation in enumerate(("start", "end")):
        yield Fact(
            id=relation, relation=relation, value=float(moved[:, place].mean()), unit=unit, feature=name, cls=cls,
            at=plain(ends[place]), row=row,
        )  # fmt: skip
    change = moved[:, 1] - moved[:, 0]
    error = float(change.std(ddof=1) / np.sqrt(len(change))) if np.ptp(change) > FLAT else None
    suffix = ("_here" if row else "") + ("_output" if label is None else "")
    yield DerivedFact(
        relation=f"effect{suffix}", value=float(moved[:, 1].mean()) - float(moved[:, 0].mean()),
        unit=unit_of(view, "probability"), feature=name, cls=cls, row=row, error=error, formula="difference",
        sources=("end", "start"),
    )  # fmt: skip


def _caveats(view: View, feature: Feature) -> Iterator[Caveat]:
    yield from shared_credit(view.subject.data, view.schema, [feature.name])
