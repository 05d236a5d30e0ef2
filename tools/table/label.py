"""What is really true of rows, beside what the model says."""

from __future__ import annotations

import numpy as np

from askwhy.tools.engines.listing import listing
from askwhy.tools.engines.truth import Array, known_truth
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.registry import tool
from askwhy.tools.view import View

_SHOWN = 20


@tool(
    asks=(
        "what is the true label of {row}?",
        "what is the truth for {row}?",
        "what was {row} really?",
        "what actually happened to {row}?",
        "what are the true labels?",
        "what are the labels of {entities} with {subset}?",
        "is the prediction for {row} correct?",
        "was the model right about {row}?",
        "did the model get {row} right?",
        "what is the ground truth for {row}?",
        "how many {entities} are really {class}?",
        "what are the actual classes of {entities} with {feature} {category}?",
        "what is the actual value for {row}?",
    ),
    says=(
        "In truth {row} is {truth}, and the model is right about it: it predicts {right}.",
        "In truth {row} is {truth_missed}, but the model predicts {wrong}.",
        "The true value of {row} is {true_value}, and the model predicts {estimate}: it is off by {off:size}.",
        "Of {known:entities}{scope}, [actual_count*: {value} are really {cls}].",
        "Over {known:entities}{scope}, the true {target} averages {mean} and runs from {low} to {high}.",
        "For {unknown:entities} the truth is missing.",
    ),
)
def label(view: View) -> Evidence:
    """The true class or value of a row and whether the prediction is right, or how often each class truly occurs."""
    actual, known = known_truth(view)
    facts = _one(view, actual) if view.scope.has_instance else _many(view, actual[known])
    if not known.all():
        facts.append(Fact(relation="unknown", value=int((~known).sum()), unit="count"))
    table = listing(view, np.flatnonzero(known)[:_SHOWN])
    return Evidence(facts=tuple(facts), method="true values of the data", table=table)


def _one(view: View, actual: Array) -> list[Fact]:
    row = view.row_id
    if view.subject.regression:
        guess, true = float(view.outputs[0, 0]), float(actual[0])
        return [
            Fact(relation="true_value", value=true, unit="output", row=row),
            Fact(relation="estimate", value=guess, unit="output", row=row),
            Fact(relation="off", value=guess - true, unit="output", row=row),
        ]
    true_class, guess_class = view.schema.classes[int(actual[0])], view.predicted()
    right = true_class == guess_class
    return [
        Fact(
            relation="truth" if right else "truth_missed",
            value=true_class.name,
            unit="class",
            cls=true_class.name,
            row=row,
        ),
        Fact(
            relation="right" if right else "wrong", value=guess_class.name, unit="class", cls=guess_class.name, row=row
        ),
    ]


def _many(view: View, actual: Array) -> list[Fact]:
    facts = [Fact(relation="known", value=len(actual), unit="count")]
    if view.subject.regression:
        named = {"mean": actual.mean(), "low": actual.min(), "high": actual.max()}
        return facts + [Fact(relation=name, value=float(value), unit="output") for name, value in named.items()]
    counts = np.bincount(actual, minlength=len(view.schema.classes))
    return facts + [
        Fact(relation="actual_count", value=int(count), unit="count", cls=one.name)
        for one, count in zip(view.schema.classes, counts, strict=True)
    ]
