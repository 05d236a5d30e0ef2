"""What the model predicts for one instance, or for many."""

from __future__ import annotations

import numpy as np

from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.registry import tool
from askwhy.tools.select import predicted_index
from askwhy.tools.view import View


@tool(
    asks=(
        "what do you predict for {row}?",
        "what does the model say about {row}?",
        "what is the prediction for {row}?",
        "predict {row}",
        "what is the prediction for {entities} with {subset}?",
        "show me the predictions for {entities} with {subset}",
        "which class would {text} get?",
        "what would you predict for a new {entity} with {feature} {number}?",
    ),
    says=(
        (
            "The model predicts {prediction} for {row}, with a probability of {probability}.",
            "For {row}, the model predicts {prediction}, with a probability of {probability}.",
            "The prediction for {row} is {prediction}, with a probability of {probability}.",
        ),
        ("The model predicts {estimate} for {row}.", "For {row}, the model predicts {estimate}."),
        (
            "Of {total:entities}{scope}, the model predicts [predicted_count*: {value} as {cls}].",
            "For {total:entities}{scope}, the predictions are [predicted_count*: {value} {cls}].",
        ),
        (
            "Over {total:entities}{scope}, the predictions average {mean} and range from {low} to {high}.",
            "The predictions for {total:entities}{scope} average {mean} and range from {low} to {high}.",
        ),
    ),
)
def predict(view: View) -> Evidence:
    """What the model predicts: the class and its probability (or the number) for one row, or a summary of many."""
    facts = _one(view) if view.scope.has_instance else _many(view)
    return Evidence(facts=facts, method="direct evaluation", estimand="model output")


def _one(view: View) -> tuple[Fact, ...]:
    if view.subject.regression:
        return (Fact(relation="estimate", value=float(view.outputs[0, 0]), unit="output", row=view.row_id),)
    label = view.predicted()
    chance = float(view.output_of(view.outputs, label)[0])
    return (
        Fact(relation="prediction", value=label.name, unit="class", cls=label.name, row=view.row_id),
        Fact(relation="probability", value=chance, unit="probability", cls=label.name, row=view.row_id),
    )


def _many(view: View) -> tuple[Fact, ...]:
    total = Fact(relation="total", value=len(view.rows), unit="count")
    if view.subject.regression:
        numbers = view.outputs[:, 0]
        named = {"mean": numbers.mean(), "low": numbers.min(), "high": numbers.max()}
        return (total, *(Fact(relation=name, value=float(value), unit="output") for name, value in named.items()))
    found = np.bincount(predicted_index(view.outputs), minlength=len(view.schema.classes))
    counts = (
        Fact(relation="predicted_count", value=int(count), unit="count", cls=label.name)
        for label, count in zip(view.schema.classes, found, strict=True)
    )
    return (total, *counts)
