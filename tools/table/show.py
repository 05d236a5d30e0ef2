"""Rows as they are, with prediction and truth."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.engines.listing import cell_fact, listing
from askwhy.tools.engines.truth import actual_values
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.registry import ask, tool
from askwhy.tools.view import View

_NAMED = 15


@tool(
    asks=(
        "show {row}",
        "show me {row}",
        "show me the data of {row}",
        "what are the values of {row}?",
        "let me see {row}",
        "who is {row}?",
        "show me some {entities}",
        "show {k} {entities}",
        "show {k} {entities} with {subset}",
        "list the {entities} with {feature} above {number}",
        "display the rows where {feature} is {category}",
        "show me {entities} predicted {class} that are not",
        "give me {k} examples of {class}",
        ask("show me one example", k=1),
        ask("show all of them", k=50),
    ),
    says=(
        "Here is {row}: [cell*: {feature} {value}].",
        "Here is {row}, with {cells} values; the first are [some_cell*: {feature} {value}], and the table has them "
        "all.",
        "The text of {row} reads: {text}",
        "The model predicts {prediction}, with a probability of {probability}.",
        "The model predicts {estimate}.",
        "The truth is {truth}.",
        "The true value is {true_value}.",
        "Here {all_shown:one is the only one/are all} of the {all_shown:entities}{scope}: [shown_row*: {row}].",
        "Here are {shown} of the {total:entities}{scope}: [some_row*: {row}].",
    ),
)
def show(view: View, k: Annotated[int, Field(ge=1, le=200)] = 5) -> Evidence:
    """Show rows with their values, prediction and truth; `k` is how many rows to show at most."""
    table = listing(view, range(min(k, len(view.rows))))
    facts = _one(view) if view.scope.has_instance else _many(view, k)
    return Evidence(facts=tuple(facts), method="rows of the data", table=table)


def _one(view: View) -> list[Fact]:
    features = view.schema.features
    if view.schema.modality == "text":
        facts = [cell_fact("text", features[0], view.rows.iloc[0, 0], view.row_id)]
    else:
        few = len(features) <= _NAMED
        facts = [] if few else [Fact(relation="cells", value=len(features), unit="count")]
        for one in features[:_NAMED]:
            facts.append(cell_fact("cell" if few else "some_cell", one, view.rows[one.name].iloc[0], view.row_id))
    return facts + _prediction(view) + _truth(view)


def _prediction(view: View) -> list[Fact]:
    if view.subject.regression:
        return [Fact(relation="estimate", value=float(view.outputs[0, 0]), unit="output", row=view.row_id)]
    label = view.predicted()
    chance = float(view.output_of(view.outputs, label)[0])
    return [
        Fact(relation="prediction", value=label.name, unit="class", cls=label.name, row=view.row_id),
        Fact(relation="probability", value=chance, unit="probability", cls=label.name, row=view.row_id),
    ]


def _truth(view: View) -> list[Fact]:
    if view.targets is None:
        return []
    actual = actual_values(view.schema, view.targets)[0]
    if view.subject.regression:
        found = [Fact(relation="true_value", value=float(actual), unit="output", row=view.row_id)]
        return found if np.isfinite(actual) else []
    if actual < 0:
        return []
    label = view.schema.classes[int(actual)]
    return [Fact(relation="truth", value=label.name, unit="class", cls=label.name, row=view.row_id)]


def _many(view: View, k: int) -> list[Fact]:
    total, some = len(view.rows), min(k, len(view.rows))
    ids = [str(name) for name in view.rows.index[:some]]
    if some == total:
        facts = [Fact(relation="all_shown", value=total, unit="count")]
    else:
        facts = [
            Fact(relation="shown", value=some, unit="count"),
            Fact(relation="total", value=total, unit="count"),
        ]
    relation = "shown_row" if some == total else "some_row"
    return facts + [Fact(relation=relation, value=one, unit="id", row=one) for one in ids]
