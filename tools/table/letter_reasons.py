"""What a letter to the person may say: the output, reasons that hold when they are tried, and what would change it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import pandas as pd
from pydantic import Field

from askwhy.tools.alter import typical_row
from askwhy.tools.attribution import Attribution, unit_of
from askwhy.tools.engines.choice import choose
from askwhy.tools.engines.listing import shown
from askwhy.tools.engines.panel import light_panel
from askwhy.tools.engines.prediction import prediction_facts
from askwhy.tools.engines.recourse import fact_of
from askwhy.tools.evidence import Caveat, Evidence, Fact, Table
from askwhy.tools.quality import direct_evaluation
from askwhy.tools.registry import FeatureName, ask, tool
from askwhy.tools.says import Expert
from askwhy.tools.schema import ClassLabel
from askwhy.tools.subject import plain
from askwhy.tools.table.counterfactual import counterfactual
from askwhy.tools.view import View

LEAST_MOVE = 0.02
"""A reason must move the output by more than this share of its range; less is what C7 counts as no change."""

MOST_REASONS = 4
"""What Regulation B's commentary calls likely to be helpful: more than four reasons are not."""

BLOCKING = ("C1", "C2", "C3", "C6", "C8")
"""Checks without which reasons are not shown; a failure of the others is a caveat."""

_NEXT = ("goal", "cf_change", "cf_probability", "none_found", "unreached", "would_allow", "allow_count")


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "table",
    asks=(
        "which reasons can be given to {row} in a letter?",
        "which reasons for {row} hold when they are tried on the model?",
        "what would an adverse action notice for {row} say?",
        "write an adverse action letter for {row}",
        ask("give me the one confirmed reason for {row}", k=1),
    ),
    says=(
        "For {row}, the model's output is {prediction}, with a probability of {probability}.",
        "For {row}, the model's output is {estimate}.",
        "{confirmed:one This reason was/These reasons were} confirmed on the model: [confirmed_effect*: {feature} "
        "({at}) {value:word raises/lowers} the probability of {cls} by {value:size}].",
        "{confirmed:one This reason was/These reasons were} confirmed on the model: [confirmed_effect_output*: "
        "{feature} ({at}) {value:word raises/lowers} the predicted {target} by {value:size}].",
        "{confirmed:one It/Each} was tried on its own: with a typical value instead, the probability of "
        "{letter_with.cls} would be this: [letter_with*: {feature} {at} ({value})].",
        "{confirmed:one It/Each} was tried on its own: with a typical value instead, the prediction would be this: "
        "[letter_with_output*: {feature} {at} ({value})].",
        "No reasons are named: the explanation fails {withheld} of {checks} checks on the model, so they might not be "
        "the true ones.",
        "No reasons are named: none of the {none_confirmed} values tried moves the output clearly when it alone is "
        "set to a typical one.",
        Expert(
            "{unconfirmed} {unconfirmed:one feature was/features were} left out, as the output does not move clearly "
            "that way with a typical value."
        ),
        "The model would predict {goal} if [cf_change*: {feature} were {value} instead of {at}], with all else as it "
        "is; the probability of {cf_probability.cls} would then be {cf_probability}.",
        "No change was found that makes the model predict {unreached}: {none_found} were tried.",
        "What stands in the way is [would_allow*: {feature}, {value}]; freeing "
        "{allow_count:one it would do/any one of them would do}.",
    ),
)
def letter_reasons(
    view: View,
    k: Annotated[int, Field(ge=1, le=MOST_REASONS)] = MOST_REASONS,
    keep: tuple[FeatureName, ...] = (),
) -> Evidence:
    """The reasons that a letter about one prediction may give: at most four, each confirmed by direct evaluation.

    A feature is confirmed where setting it alone to a typical value moves the output the other way. `keep` lists
    features that the next steps must not change.
    """
    label = view.explained_class()
    choice = choose(view, label)
    found = choice.chosen
    panel = light_panel(view, found, label, found.ranked()[:k])
    quality = (*found.quality, *choice.quality(), *panel.quality())
    failed = [one for one in quality if one.check in BLOCKING and not one.passed]
    tried = [] if failed else _tried(view, label, found)
    facts = [*prediction_facts(view), *_reasons(view, label, tried, k)]
    if failed:
        checks = sum(one.check in BLOCKING for one in quality)
        facts += [fact_of(view, "withheld", len(failed), "count"), fact_of(view, "checks", checks, "count")]
    steps = _next_steps(view, label, keep)
    return Evidence(
        facts=(*facts, *(fact for fact in steps.facts if fact.relation in _NEXT)),
        method=f"{found.method}; every feature named is set to a typical value on its own and the model asked again",
        estimand="change of the model's output when one value is a typical one",
        quality=(*quality, *direct_evaluation(len(tried)), *steps.quality),
        caveats=(*_caveats(tried, k, panel.caveats()), *steps.caveats),
        table=_table(view, tried),
    )


@dataclass(frozen=True)
class _Tried:
    """A feature, what the output loses when it alone is typical, and whether that bears out the attribution."""

    position: int
    typical: Any
    output: float
    change: float
    confirmed: bool


def _tried(view: View, label: ClassLabel | None, found: Attribution) -> list[_Tried]:
    """Every feature that speaks for the output (for a number: either way), asked of the model with a typical value."""
    typical = typical_row(view.subject)
    speaking = [j for j in found.ranked() if found.values[j] > 0 or (label is None and found.values[j] < 0)]
    names = [view.schema.names[j] for j in speaking]
    asked = [view.instance.assign(**{name: typical[name].array}) for name in names]
    if not asked:
        return []
    outputs = view.output_of(view.evaluate.outputs(pd.concat(asked, ignore_index=True)), label)
    now = float(view.output_of(view.outputs, label)[0])
    least = LEAST_MOVE * (1.0 if label is not None else _spread(view))
    result = []
    for j, name, output in zip(speaking, names, outputs, strict=True):
        change = now - float(output)
        confirmed = abs(change) > least and (change > 0) == bool(found.values[j] > 0)
        result.append(_Tried(j, plain(typical[name].iloc[0]), float(output), change, confirmed))
    return result


def _spread(view: View) -> float:
    """The range of the predictions for the data."""
    return float(np.ptp(view.evaluate.all_outputs(view.subject)[:, 0]))


def _reasons(view: View, label: ClassLabel | None, tried: list[_Tried], k: int) -> Iterator[Fact]:
    """The confirmed features, the largest change first; how many were not, where any was tried."""
    kept = _kept(tried, k)
    suffix, cls = ("_output", None) if label is None else ("", label.name)
    level = "output" if label is None else "probability"
    for rank, one in enumerate(kept, 1):
        feature = view.schema.names[one.position]
        about: dict[str, Any] = {"feature": feature, "cls": cls, "row": view.row_id, "rank": rank}
        at = plain(view.instance.iloc[0, one.position])
        yield Fact(
            relation=f"confirmed_effect{suffix}", value=one.change, unit=unit_of(view, "probability"), at=at, **about
        )
        yield Fact(relation=f"letter_with{suffix}", value=one.output, unit=level, at=one.typical, **about)
    if kept:
        yield fact_of(view, "confirmed", len(kept), "count")
    left = sum(not one.confirmed for one in tried)
    if left and kept:
        yield fact_of(view, "unconfirmed", left, "count")
    elif left:
        yield fact_of(view, "none_confirmed", left, "count")


def _kept(tried: list[_Tried], k: int) -> list[_Tried]:
    return sorted((one for one in tried if one.confirmed), key=lambda one: -abs(one.change))[:k]


def _next_steps(view: View, label: ClassLabel | None, keep: tuple[str, ...]) -> Evidence:
    """What would change the prediction, checked on the model; nothing where it is what people hope for, or a number."""
    if label is None or label.favourable:
        return Evidence(facts=())
    return counterfactual.function(view, keep=keep)


def _caveats(tried: list[_Tried], k: int, found: Iterator[Caveat]) -> tuple[Caveat, ...]:
    """Caveats of the explanation, where anything of it is named."""
    return tuple(found) if _kept(tried, k) else ()


def _table(view: View, tried: list[_Tried]) -> Table | None:
    """Every feature that was tried."""
    if not tried:
        return None
    rows: list[tuple[Any, ...]] = []
    for one in tried:
        feature = view.schema.features[one.position]
        cells = (shown(feature, view.instance.iloc[0, one.position]), shown(feature, one.typical))
        rows.append((feature.label, *cells, one.change, one.confirmed))
    return Table(columns=("feature", "value", "typical value", "what it adds", "confirmed"), rows=tuple(rows))
