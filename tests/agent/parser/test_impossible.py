"""Plans that nobody means are ruled out where there is another one."""

from __future__ import annotations

import pytest
from tiny_parser import PEOPLE, tiny_pieces

from askwhy.agent.parser.batch import Read
from askwhy.agent.parser.decoding import Reading
from askwhy.agent.parser.impossible import (
    IMPOSSIBLE,
    compares_with_itself,
    invents_bound,
    invents_method,
    invents_target,
    measures_another_kind,
    mixes_scales,
    oversteps,
    spans_quotes,
)
from askwhy.agent.parser.judge import UNFITTED, judged
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.writing import write
from askwhy.agent.plan import Plan, Step
from askwhy.evals.bank import read_golds
from askwhy.tools.schema import Schema
from askwhy.tools.scope import AnyOf, Argument, Change, Condition, Scope, Where

RANGED = PEOPLE.model_copy(
    update={
        "features": tuple(
            one.model_copy(update={"low": 18, "high": 90}) if one.name == "age" else one for one in PEOPLE.features
        )
    }
)


def read_of(question: str, schema: Schema = RANGED) -> Read:
    return Read.of(Page.of(question, schema), tiny_pieces())


def plan(said: str) -> Plan:
    (outcome,) = read_golds([[said]], RANGED)
    assert isinstance(outcome, Plan)
    return outcome


@pytest.mark.parametrize(
    ("said", "too_far"),
    [
        ("what_if ; row 7 ; change age +73", True),
        ("what_if ; row 7 ; change age -73", True),
        ("what_if ; row 7 ; change age +72", False),
        ("what_if ; row 7 ; change age := 80", False),
        ("count ; where age > 40", False),
    ],
)
def test_nobody_raises_a_feature_by_more_than_its_range(said: str, too_far: bool) -> None:
    assert oversteps(plan(said), read_of("x")) is too_far


@pytest.mark.parametrize(
    ("question", "number", "invented"),
    [
        ("how could row 12 get lower", 1.0, True),
        ("how could row 12 get lower", 12.0, True),
        ("how could row 12 get to 12", 12.0, False),
        ("how could row 12 get to 1", 1.0, False),
        ("how could row 12 get lower", 0.5, False),
    ],
)
def test_a_target_that_nobody_said_is_no_target(question: str, number: float, invented: bool) -> None:
    step = Step(tool="counterfactual", arguments=(Argument(name="number", value=number),), scope=Scope(row="12"))
    assert invents_target(Plan(steps=(step,)), read_of(question)) is invented


@pytest.mark.parametrize(
    ("question", "value", "invented"),
    [
        ("people with a weight", 0.0, True), ("people with weight 0", 0.0, False), ("no weight at all", 0.0, False),
        ("people with a weight", 1.0, True), ("under a kilo", 1.0, False), ("no weight at all", 1.0, True),
    ],
)  # fmt: skip
def test_a_bound_that_nobody_said_is_none(question: str, value: float, invented: bool) -> None:
    weight = RANGED.features[0].model_copy(update={"name": "weight", "label": "weight", "kind": "number"})
    schema = RANGED.model_copy(update={"features": (*RANGED.features, weight)})
    bound = Condition(feature="weight", op="gt", value=value)
    asked = Plan(steps=(Step(tool="count", scope=Scope(where=Where(all=(AnyOf(any=(bound,)),)))),))
    assert invents_bound(asked, read_of(question, schema)) is invented


@pytest.mark.parametrize(
    ("question", "method", "invented"),
    [
        ("how faithful is that", "lime", True), ("how faithful is LIME here", "lime", False),
        ("shapley values for 7", "shap", False), ("ig for 7", "integrated_gradients", False),
        ("a big one", "integrated_gradients", True), ("by permuting", "permutation", False), ("why", "auto", False),
    ],
)  # fmt: skip
def test_a_method_that_nobody_named_is_none(question: str, method: str, invented: bool) -> None:
    step = Step(tool="explain", arguments=(Argument(name="method", value=method),), scope=Scope(row="7"))
    assert invents_method(Plan(steps=(step,)), read_of(question)) is invented


def test_what_stands_between_two_quotations_is_no_part_of_one() -> None:
    def edited(words: str) -> Plan:
        change = Change(action="replace", words=words, value="new")
        return Plan(steps=(Step(tool="what_if", scope=Scope(row="1", changes=(change,))),))

    assert spans_quotes(edited('old" were "older'), read_of("x"))
    assert not spans_quotes(edited("old"), read_of("x"))


@pytest.mark.parametrize(("metric", "classes", "other"), [("rmse", True, True), ("recall", True, False),
                                                          ("rmse", False, False), ("recall", False, True)])  # fmt: skip
def test_a_measure_is_of_what_is_predicted(metric: str, classes: bool, other: bool) -> None:
    schema = RANGED if classes else RANGED.model_copy(update={"classes": ()})
    asked = Plan(steps=(Step(tool="score", arguments=(Argument(name="metric", value=metric),)),))
    assert measures_another_kind(asked, read_of("x", schema)) is other


def test_no_row_is_compared_with_itself_as_it_is() -> None:
    assert compares_with_itself(plan("contrast_rows ; row 7 ; other 7"), read_of("x"))
    assert not compares_with_itself(plan("contrast_rows ; row 7 ; other 8"), read_of("x"))
    assert not compares_with_itself(plan("contrast_rows ; row 7 ; other 7 ; change age +1"), read_of("x"))
    assert not compares_with_itself(plan("explain ; row 7"), read_of("x"))


def test_both_ends_of_a_range_have_its_scale() -> None:
    asked = read_of("between 8 and 10 thousand, at least 2 of 3 visits")
    assert mixes_scales(plan("count ; where age >= 8 & age <= 10000"), asked)
    assert not mixes_scales(plan("count ; where age >= 8000 & age <= 10000"), asked)
    assert not mixes_scales(plan("count ; where age >= 8 & age <= 10"), asked)
    assert not mixes_scales(plan("count ; where age >= 2"), asked)


def test_an_impossible_plan_gives_way_only_to_another_plan() -> None:
    read = read_of("what if age were 75 higher for row 7")
    far, near = plan("what_if ; row 7 ; change age +75"), plan("what_if ; row 7 ; change age := 75")
    words = {one: tuple(choices[0] for choices in write(one, read.page)) for one in (far, near)}
    both = [Reading(far, 0.8, words[far]), Reading(near, 0.1, words[near])]
    assert [one.outcome for one in judged(both, read, UNFITTED)] == [near]
    assert [one.outcome for one in judged(both[:1], read, UNFITTED)] == [far]
    assert len(IMPOSSIBLE) == len(set(IMPOSSIBLE))
