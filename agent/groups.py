"""A group that a tool found, as a selection of rows: so that the next step can be about them."""

from __future__ import annotations

from collections.abc import Iterator

from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.scope import AnyOf, Comparison, Condition, Where

_OPS: dict[str, Comparison] = {
    "rule_above": "gt", "rule_at_most": "le", "rule_value": "eq", "rule_not": "ne", "rule_missing": "missing",
    "rule_contains": "contains",
}  # fmt: skip


def where_of_group(evidence: Evidence, fact: Fact) -> Where:
    """The rows of the group that a fact is about, by the conditions that the same evidence has of it.

    Raises ToolError where the evidence does not say which rows these are.
    """
    stated = [one for one in evidence.facts if one.group == fact.group and one.relation in _OPS]
    if fact.group is not None and stated:
        return Where(all=tuple(_conditions(stated)))
    if fact.feature is not None and fact.at is not None:
        return Where.of(Condition(feature=fact.feature, value=fact.at))
    raise ToolError(f"What {evidence.tool} found is no group of rows to go on with.")


def has_group(evidence: Evidence, fact: Fact) -> bool:
    """Whether a fact is about a group that can be selected."""
    try:
        return bool(where_of_group(evidence, fact))
    except ToolError:
        return False


def _conditions(stated: list[Fact]) -> Iterator[AnyOf]:
    """One for each fact; a bound that missing cells meet as well says so."""
    absent = {one.feature for one in stated if one.relation == "rule_missing"}
    bounded = {one.feature for one in stated if one.relation in ("rule_above", "rule_at_most")}
    for one in stated:
        if one.relation == "rule_missing" and one.feature in bounded:
            continue
        test = Condition(feature=one.feature, op=_OPS[one.relation], value=one.value)
        missing = Condition(feature=one.feature, op="missing")
        either = one.feature in absent and one.relation != "rule_missing"
        yield AnyOf(any=(test, missing) if either else (test,))
