"""The prediction for one instance as facts, and how it is said."""

from __future__ import annotations

from collections.abc import Iterator

from askwhy.tools.evidence import Fact
from askwhy.tools.registry import Says
from askwhy.tools.schema import ClassLabel
from askwhy.tools.view import View


def prediction_facts(view: View, *labels: ClassLabel | None) -> Iterator[Fact]:
    """What is predicted for the instance, and the probabilities of the classes that are explained."""
    row = view.row_id
    if view.subject.regression:
        yield Fact(relation="estimate", value=float(view.outputs[0, 0]), unit="output", row=row)
        return
    predicted = view.predicted()
    yield Fact(relation="prediction", value=predicted.name, unit="class", cls=predicted.name, row=row)
    chance = float(view.output_of(view.outputs, predicted)[0])
    yield Fact(relation="probability", value=chance, unit="probability", cls=predicted.name, row=row)
    for label in labels:
        if label is not None and label != predicted:
            chance = float(view.output_of(view.outputs, label)[0])
            yield Fact(relation="explained_probability", value=chance, unit="probability", cls=label.name, row=row)


PREDICTION_SAYS: Says = (
    "The model predicts {prediction} for {row}, with a probability of {probability}.",
    "It gives {explained_probability.cls} a probability of {explained_probability}.",
    "The model predicts {estimate} for {row}.",
)
"""The sentences of `prediction_facts`."""
