"""How many rows match."""

from __future__ import annotations

from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.registry import tool
from askwhy.tools.view import View


@tool(
    needs="any",
    asks=(
        "how many {entities} are there?",
        "how many {entities} are {subset}?",
        "how many of them have {feature} above {number}?",
        "what share of the {entities} is {class}?",
        "count the rows where {feature} is {category}",
        "number of {entities} predicted {class}",
    ),
    says=(
        (
            "There {count:one is/are} {count:entities}{scope}, which is {share} of all {total}.",
            "The data has {count:entities}{scope}, {share} of all {total}.",
        ),
        "There {all_rows:one is/are} {all_rows:entities} in the data.",
    ),
)
def count(view: View) -> Evidence:
    """Count the rows that match the conditions, out of all rows."""
    total = len(view.subject.data)
    if not view.scope.where:
        return Evidence(facts=(Fact(relation="all_rows", value=total, unit="count"),), method="count")
    found = len(view.rows)
    facts = (
        Fact(relation="count", value=found, unit="count"),
        Fact(relation="total", value=total, unit="count"),
        Fact(relation="share", value=found / max(1, total), unit="share"),
    )
    return Evidence(facts=facts, method="count")
