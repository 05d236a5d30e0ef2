"""Plans that nobody means, whatever the words: each is ruled out where there is another plan."""

from __future__ import annotations

import re
from collections.abc import Callable

from askwhy.agent.parser.batch import Read
from askwhy.agent.plan import Plan, Step
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Change, selects_nothing
from askwhy.tools.table.score import REGRESSION

_METHODS = {
    "ale": r"\bale\b|accumulated", "pdp": r"\bpdp?\b|partial", "integrated_gradients": r"integrated|gradient|\big\b",
    "explanations": "expla|reason", "auto": "",
}  # fmt: skip
"""What methods are called beside their own names."""
_UNSAID = {
    0: re.compile(
        r"\b(?:no|not|none|nothing|non|never|without|w/o|neither|nor|free|negative|positive|some|contains?|used|don't)\b",
        re.IGNORECASE,
    ),
    1: re.compile(r"\b(?:under|below|over|above|than|least|most|up to) an?\b", re.IGNORECASE),
}
"""Words that stand for a number."""
_QUOTES = ('"', "\u201c", "\u201d")


def selects_none(plan: Plan, one: Read) -> bool:
    """It selects nothing whatever the data: "in offices and schools" as both at once."""
    return any(selects_nothing(step.scope.where) for step in plan.steps)


def invents_bound(plan: Plan, one: Read) -> bool:
    """It compares a measured quantity with 0 or 1, which nobody said: "with children" may be more than none, but of a
    quantity with decimals nobody means that. "No sugar" and "under a litre" say them.
    """
    schema, page = one.page.schema, one.page
    measured = {feature.name for feature in schema.features if feature.kind == "number"}
    said = {number.value for number in page.question.numbers}
    said |= {float(value) for value, words in _UNSAID.items() if words.search(page.question.text)}
    kept = {condition for step in page.earlier for condition in step.scope.where.conditions()}
    return any(
        condition.on == "feature" and condition.feature in measured and condition.value in (0, 1)
        and condition not in kept and said.isdisjoint((condition.value,))
        for step in plan.steps for condition in step.scope.where.conditions()
    )  # fmt: skip


def invents_target(plan: Plan, one: Read) -> bool:
    """It is to reach 0 or 1, which nobody said, or the number of the row: "how could row 12 get lower"."""
    kept = {step.argument("number") for step in one.page.earlier}
    return any(_is_invented(step, one) for step in plan.steps if step.argument("number") not in kept)


def _is_invented(step: Step, one: Read) -> bool:
    target = step.argument("number")
    if step.tool != "counterfactual" or not isinstance(target, (int, float)):
        return False
    places = {number.word for number in one.page.question.numbers if number.value == target}
    return len(places) < 2 if step.scope.row == f"{target:g}" else not places and target in (0, 1)


def invents_method(plan: Plan, one: Read) -> bool:
    """It is to be computed by a method that nobody named: "how faithful is that?" by LIME."""
    kept = {step.argument("method") for step in one.page.earlier}
    said = one.page.question.text.casefold()
    methods = {str(step.argument("method")) for step in plan.steps if step.argument("method") not in {*kept, None}}
    return any(not re.search(_METHODS.get(name, re.escape(name[:5])), said) for name in methods)


def narrows_accuracy(plan: Plan, one: Read) -> bool:
    """It takes "how accurate" for the measure of that name: how good it is, by all measures, is wanted."""
    said = one.page.question.text.casefold()
    asked = "accurate" in said and not re.search(r"accuracy|percent|%|how often|right", said)
    return asked and any(step.tool == "score" and step.argument("metric") == "accuracy" for step in plan.steps)


def oversteps(plan: Plan, one: Read) -> bool:
    """It raises or lowers a feature by more than its whole range: "and year 2020" as 2020 years more."""
    return any(_is_too_far(change, one.page.schema) for step in plan.steps for change in step.scope.changes)


def _is_too_far(change: Change, schema: Schema) -> bool:
    if change.action not in ("increase", "decrease") or change.feature not in schema.names:
        return False
    feature, by = schema.feature(change.feature), change.value
    if feature.low is None or feature.high is None or isinstance(by, (str, bool)) or by is None:
        return False
    return float(by) > feature.high - feature.low


def mixes_scales(plan: Plan, one: Read) -> bool:
    """It takes "8 to 10 thousand" for 8 to 10,000."""
    bounds = {condition.value for step in plan.steps for condition in step.scope.where.conditions()}
    ways = {(number.word, number.way): number.value for number in one.page.question.numbers}
    scaled = [word for word, way in ways if way == "scaled" and ways[word, "said"] in bounds]
    ends = [word for word, way in ways if way == "unscaled" and ways[word, "said"] in bounds]
    return any(first < last for first in scaled for last in ends)


def spans_quotes(plan: Plan, one: Read) -> bool:
    """It takes what stands between two quotations for a part of one: "if \"old\" were \"new\""."""
    texts = [text for step in plan.steps for change in step.scope.changes for text in (change.words, change.value)]
    return any(isinstance(text, str) and mark in text for text in texts for mark in _QUOTES)


def compares_with_itself(plan: Plan, one: Read) -> bool:
    """It compares a row with that same row, as it is: "compare them" of one."""
    return any(
        step.scope.row is not None and step.argument("other") == step.scope.row and not step.scope.changes
        for step in plan.steps
    )


def measures_another_kind(plan: Plan, one: Read) -> bool:
    """It asks for a measure of classes where a number is predicted, or the other way round."""
    numeric = not one.page.schema.classes
    metrics = [step.argument("metric") for step in plan.steps if step.tool == "score"]
    return any(metric is not None and (metric in REGRESSION) is not numeric for metric in metrics)


IMPOSSIBLE: tuple[Callable[[Plan, Read], bool], ...] = (
    selects_none, invents_bound, invents_target, invents_method, narrows_accuracy, oversteps, mixes_scales,
    spans_quotes, compares_with_itself, measures_another_kind,
)  # fmt: skip
"""In the order in which they are tried."""
