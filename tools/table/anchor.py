"""A rule that a row meets and that holds its prediction, with how often it does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.attribution import sample
from askwhy.tools.engines.alike_draws import AlikeDraws
from askwhy.tools.engines.anchors import DELTA, FRESH, PRECISION, Anchor, Arm, Draws, Kept, find_anchor, predicates
from askwhy.tools.engines.rules import Predicate, rule_facts, rule_words
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Quality
from askwhy.tools.predictor import Outputs
from askwhy.tools.registry import ask, tool
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

_FEW_COVERED = 5
_FEWEST_ROWS = 20
_MOST_ROWS = 5000
"""More rows than this are thinned where rows like those of the data are made."""


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
        "With {anchor_alike.group}, the model predicts {anchor_alike.cls}, as for {row}, in at least {precision_low} "
        "of cases that are like the {entities} of the data under this rule.",
        "With {anchor_alike_number.group}, the prediction stays within {band} of the {estimate} for {row} in at least "
        "{precision_low} of cases that are like the {entities} of the data under this rule.",
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
        "With the other values drawn without regard to each other, it would be {independent}.",
        "{covered:entities} of the data {covered:one meets/meet} the rule, which is {coverage}.",
    ),
)
def anchor(
    view: View,
    conditions: Annotated[int, Field(ge=1, le=6)] = 4,
    within: Annotated[float, Field(gt=0)] | None = None,
) -> Evidence:
    """A rule on some of a row's values that holds its prediction in at least 95% of cases, whatever the other values.
    Where they can be anything, none may hold: then one for cases in which they go together as they do in the data.

    `conditions`: at most so many. `within`: for a predicted number, how far it may move; default: the standard
    deviation of the predictions over the data.
    """
    data = view.subject.data
    if len(data) < _FEWEST_ROWS:
        raise ToolError(f"A rule needs at least {_FEWEST_ROWS} {view.schema.entities} to draw other values from.")
    kept, target = goal(view, within)
    draws = Draws(view.evaluate, view.instance, data, kept, view.rng)
    candidates = predicates(view.schema, view.instance, data)
    found = find_anchor(draws, candidates, conditions)
    alike = None if found.passed else _alike(view, kept, candidates, conditions)
    shown = alike or found
    independent = None if alike is None else _independent(draws, alike)
    note = f"lower {1 - DELTA:.0%} bound of the precision on {shown.draws:,} fresh draws, required {PRECISION:.0%}"
    return Evidence(
        facts=(*target, *_facts(view, shown, conditions, independent)),
        method="anchor: beam search with KL-LUCB (Ribeiro et al. 2018), measured again on fresh draws",
        estimand="share of rows of the data, with the values of the rule's features redrawn to meet it, that keep the "
        "prediction"
        if alike is None
        else "share of rows, each mixed from two rows of the data that meet the rule and are alike, that keep the "
        "prediction",
        quality=(Quality(check="C13", value=shown.low, passed=shown.passed, note=note),),
        caveats=tuple(_caveats(view, shown, alike is not None)),
    )


def _alike(view: View, kept: Kept, candidates: Sequence[Predicate], conditions: int) -> Anchor | None:
    """A rule for rows like those of the data; None where none passes."""
    data = sample(view.subject.data, _MOST_ROWS, view.rng)
    draws = AlikeDraws(view.evaluate, view.instance, data, kept, view.rng, schema=view.schema)
    found = find_anchor(draws, candidates, conditions)
    return found if found.passed else None


def _independent(draws: Draws, found: Anchor) -> float:
    """How often the rule holds with the other values drawn without regard to each other."""
    arm = Arm(found.rule, found.coverage)
    draws.extend([arm], FRESH)
    return arm.precision


def goal(view: View, within: float | None) -> tuple[Kept, tuple[Fact, ...]]:
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


def _facts(view: View, found: Anchor, most: int, independent: float | None) -> Iterator[Fact]:
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
        kind = ("anchor" if independent is None else "anchor_alike") if found.rule else "unconditional"
        yield Fact(relation=f"{kind}_number" if regression else kind, group=words or None, **named)
        yield Fact(relation="precision_low", value=found.low, unit="share", cls=cls)
    if found.passed and found.rule:
        yield Fact(relation="measured", value=found.precision, unit="share", error=error)
        if independent is not None:
            yield Fact(relation="independent", value=independent, unit="share")
        yield Fact(relation="coverage", value=found.coverage, unit="share")
        yield Fact(relation="covered", value=found.covered, unit="count")
    yield from rule_facts(found.rule)


def _caveats(view: View, found: Anchor, alike: bool) -> Iterator[Caveat]:
    if found.passed and found.rule and found.covered < _FEW_COVERED:
        text = f"The rule fits few other {view.schema.entities}, so it says little beyond this one."
        yield Caveat(flag="rare_rule", text=text)
    if alike:
        text = (
            "The rule is about cases whose values go together as they do in the data, not about just any; its "
            "conditions may stand for other values that go with them."
        )
        yield Caveat(flag="alike_draws", text=text)
    elif found.passed:
        text = "The other values are drawn from the data regardless of the rule, so some of these cases may be unusual."
        yield Caveat(flag="marginal_draws", text=text)
