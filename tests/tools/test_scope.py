"""Scopes are values: frozen, closed, the same after a round trip through JSON; and they hold together."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from askwhy.tools.scope import (
    AnyOf,
    Argument,
    Assignment,
    Change,
    Condition,
    Scope,
    Where,
    arguments_of,
    selects_nothing,
)

VALUES = st.one_of(
    st.booleans(), st.integers(-(10**6), 10**6), st.floats(allow_nan=False, allow_infinity=False), st.text()
)
CONDITIONS = st.builds(
    Condition,
    feature=st.text(min_size=1),
    op=st.sampled_from(["eq", "ne", "lt", "le", "gt", "ge", "contains"]),
    value=VALUES,
    negated=st.booleans(),
)
WHERES = st.builds(
    lambda groups: Where(all=tuple(AnyOf(any=tuple(group)) for group in groups)),
    st.lists(st.lists(CONDITIONS, min_size=1, max_size=3), max_size=3),
)
CHANGES = st.builds(Change, feature=st.text(min_size=1), action=st.just("set"), value=VALUES)
SCOPES = st.builds(Scope, where=WHERES, row=st.none() | st.text(), changes=st.lists(CHANGES, max_size=3).map(tuple))


@given(SCOPES)
def test_a_scope_survives_json(scope: Scope) -> None:
    again = Scope.from_json(scope.canonical())
    assert again == scope
    assert again.canonical() == scope.canonical()
    assert again.content_hash() == scope.content_hash()


def test_true_is_not_one_after_json() -> None:
    first, second = Condition(feature="a", value=True), Condition(feature="a", value=1)
    assert Condition.from_json(first.canonical()).value is True
    assert first.content_hash() != second.content_hash()


def test_values_are_frozen_and_closed() -> None:
    scope = Scope(row="3")
    with pytest.raises(ValidationError):
        scope.row = "4"  # type: ignore[misc]  # that it is refused is the point
    with pytest.raises(ValidationError):
        Scope.model_validate({"row": "3", "sql": "drop table"})


@pytest.mark.parametrize(
    "broken",
    [
        {"on": "feature", "value": 3},
        {"on": "feature", "feature": "age", "op": "gt"},
        {"on": "predicted"},
        {"on": "weather", "value": 3},
    ],
)
def test_a_condition_is_complete(broken: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Condition.model_validate(broken)


@pytest.mark.parametrize(
    "broken",
    [
        {"feature": "age", "action": "increase"},
        {"feature": "age", "action": "increase", "value": "five"},
        {"feature": "age", "action": "increase", "value": True},
        {"feature": "age"},
        {"action": "remove"},
    ],
)
def test_a_change_is_complete(broken: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Change.model_validate(broken)


def test_a_scope_has_one_instance() -> None:
    with pytest.raises(ValidationError, match="one instance"):
        Scope(row="3", text="good film")
    assert Scope(case=(Assignment(feature="age", value=3),)).has_instance
    assert not Scope().has_instance


def test_conditions_add_up_without_repeats() -> None:
    old, young = (
        Where.of(Condition(feature="age", op="gt", value=40)),
        Where.of(Condition(feature="age", op="lt", value=30)),
    )
    assert (old & young).conditions() == (*old.conditions(), *young.conditions())
    assert old & old == old
    assert not Where()


def test_arguments_are_values_in_order_of_name() -> None:
    assert arguments_of({"b": [1, 2], "a": None}) == (Argument(name="a"), Argument(name="b", value=(1, 2)))


@pytest.mark.parametrize(
    ("conditions", "nothing"),
    [
        ((Condition(feature="a", value="x"), Condition(feature="a", value="y")), True),
        ((Condition(feature="a", value="x"), Condition(feature="a", op="ne", value="x")), True),
        ((Condition(feature="a", op="gt", value=5), Condition(feature="a", op="lt", value=3)), True),
        ((Condition(on="predicted", value="yes"), Condition(on="predicted", value="no")), True),
        ((Condition(feature="a", op="gt", value=3), Condition(feature="a", op="lt", value=5)), False),
        ((Condition(feature="a", value="x"), Condition(feature="b", value="y")), False),
        ((Condition(feature="a", value="x"), Condition(feature="a", value="y", negated=True)), False),
        ((Condition(on="predicted", value="yes"), Condition(on="actual", value="no")), False),
    ],
)
def test_conditions_that_no_row_can_meet(conditions: tuple[Condition, ...], nothing: bool) -> None:
    assert selects_nothing(Where.of(*conditions)) is nothing
    either = Where(all=(AnyOf(any=conditions),))
    assert not selects_nothing(either)
