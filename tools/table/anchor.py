"""A rule that a row meets and that holds its prediction, with how often it does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.engines.anchors import DELTA, PRECISION, Anchor, Draws, Kept, find_anchor, predicates
from askwhy.tools.engines.rules import rule_facts, rule_words
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality
from askwhy.tools.predictor import Outputs
from askwhy.tools.registry import ask, tool
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

_FEW_COVERED = 5
_FEWEST_ROWS = 20


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "table",
    asks=(
        "give me a rule that guarantees this prediction",
        "give me a rule that guarantees the prediction for {row}",
        "which conditions are enough for the prediction for {row}?",
        "what is the anchor for {row}?",
        "use anchors for {row}",
        "explain {row} with an anchor rule",
        "under which rule does the model always predict this for {row}?",
        "what is sufficient for the model to predict {class} for {row}?",
        "as an if-then rule, why does the model say this about {row}?",
        ask("give me a rule with at most {number} conditions for {row}", conditions=2),
    ),
    says=(
        "With {anchor.group}, the model predicts {anchor.cls}, as for {row}, in at least {precision_low} of cases "
        "drawn from the data under this rule.",
        "With {anchor_number.group}, the prediction stays within {band} of the {estimate} for {row} in at least "
        "{precision_low} of cases drawn from the data under this rule.",
        "No condition is needed for {row}: the model predicts {unconditional.cls} in at least {precision_low} of cases "
        "drawn from the data.",
        "No condition is needed for {row}: the prediction stays within {band} of the {estimate} in at least "
        "{precision_low} of cases drawn from the data, {unconditional_number} of {draws} when it was measured.",
        "No rule of up to {most} conditions was found that holds the prediction of {wanted.cls} for {row} in at least "
        "{required} of cases.",
        "No rule of up to {most} conditions was found that keeps the prediction within {band} of the {estimate} for "
        "{row} in at least {required} of cases.",
        "On {draws} fresh draws it was {measured}.",
        "The closest found was {no_rule.group}.",
        "On {draws} fresh draws it held in {no_rule}, with a lower bound of {no_rule_low}.",
        "{covered:entities} of the data {covered:one meets/meet} the rule, which is {coverage}.",
    ),
)
def anchor(
    view: View,
    conditions: Annotated[int, Field(ge=1, le=6)] = 4,
    within: Annotated[float, Field(gt=0)] | None = None,
) -> Evidence:
    """A rule on some of a row's values that holds its prediction in at least 95% of cases, whatever the other values.

    `conditions`: at most so many. `within`: for a predicted number, how far it may move; default: the standard
    deviation of the predictions over the data.
    """
    data = view.subject.data
    if len(data) < _FEWEST_ROWS:
        raise ToolError(f"A rule needs at least {_FEWEST_ROWS} {view.schema.entities} to draw other values from.")
    kept, target = _goal(view, within)
    draws = Draws(view.evaluate, view.instance, data, kept, view.rng)
    found = find_anchor(draws, predicates(view.schema, view.instance, data), conditions)
    note = f"lower {1 - DELTA:.0%} bound of the precision on {found.draws:,} fresh draws, required {PRECISION:.0%}"
    return Evidence(
        facts=(*target, *_facts(view, found, conditions)),
        method="anchor: beam search with KL-LUCB (Ribeiro et al. 2018), measured again on fresh draws",
        estimand="share of rows of the data, with the values of the rule's features redrawn to meet it, that keep the "
        "prediction",
        quality=(Quality(check="C13", value=found.low, passed=found.passed, note=note),),
        caveats=tuple(_caveats(view, found)),
    )


def _goal(view: View, within: float | None) -> tuple[Kept, tuple[Fact, ...]]:
    """What counts as the same prediction, and the facts that say so."""
    if view.subject.regression:
        centre = float(view.outputs[0, 0])
        spread = float(view.evaluate.all_outputs(view.subject)[:, 0].std())
        band = spread if within is None else within
        if band <= 0:
            raise ToolError("The model predicts the same number for every row, so there is nothing to hold in place.")

        def near(outputs: Outputs) -> Mask:
            return np.asarray(np.abs(outputs[:, 0] - centre) <= band, dtype=bool)

        return near, (
            Fact(relation="estimate", value=centre, unit="output", row=view.row_id),
            Fact(relation="band", value=band, unit="output"),
        )
    own = view.schema.classes.index(view.predicted())

    def same(outputs: Outputs) -> Mask:
        return np.asarray(predicted_index(outputs) == own, dtype=bool)

    name = view.predicted().name
    return same, (Fact(relation="prediction", value=name, unit="class", cls=name, row=view.row_id),)


def _facts(view: View, found: Anchor, most: int) -> Iterator[Fact]:
    words = rule_words(found.rule)
    regression = view.subject.regression
    cls = None if regression else view.predicted().name
    error = float(np.sqrt(found.precision * (1 - found.precision) / found.draws))
    named = {"value": found.precision, "unit": "share", "cls": cls, "row": view.row_id, "error": error}
    yield Fact(relation="draws", value=found.draws, unit="count")
    if not found.passed:
        yield Fact(relation="most", value=most, unit="count")
        yield Fact(relation="required", value=PRECISION, unit="share")
        if cls is not None:
            yield Fact(relation="wanted", value=cls, unit="class", cls=cls, row=view.row_id)
        yield Fact(relation="no_rule", group=words or "no condition at all", **named)
        yield Fact(relation="no_rule_low", value=found.low, unit="share")
    else:
        kind = "anchor" if found.rule else "unconditional"
        yield Fact(relation=f"{kind}_number" if regression else kind, group=words or None, **named)
        yield Fact(relation="precision_low", value=found.low, unit="share", cls=cls)
    if found.passed and found.rule:
        yield Fact(relation="measured", value=found.precision, unit="share", error=error)
        yield Fact(relation="coverage", value=found.coverage, unit="share")
        yield Fact(relation="covered", value=found.covered, unit="count")
    yield from rule_facts(found.rule)


def _caveats(view: View, found: Anchor) -> Iterator[Caveat]:
    if found.passed and found.rule and found.covered < _FEW_COVERED:
        text = f"The rule fits few other {view.schema.entities}, so it says little beyond this one."
        yield Caveat(flag="rare_rule", text=text)
    if found.passed:
        text = "The other values are drawn from the data regardless of the rule, so some of these cases may be unusual."
        yield Caveat(flag="marginal_draws", text=text)
