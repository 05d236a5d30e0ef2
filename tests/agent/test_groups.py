"""A group that a tool found, as a selection: the same rows as the rule that it was found by."""

from __future__ import annotations

import numpy as np
import pytest
from toy_subjects import binary

from askwhy.agent.groups import has_group, where_of_group
from askwhy.tools.engines.rules import Predicate, holds, rule_facts, rule_words
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.scope import Condition, Where
from askwhy.tools.select import select

SUBJECT = binary()
AGE, INCOME, PURPOSE, MEMBER, JOINED = SUBJECT.schema.features

RULES = [
    (Predicate(AGE, low=40),),
    (Predicate(AGE, low=30, high=50), Predicate(PURPOSE, value="car")),
    (Predicate(INCOME, high=30.0),),
    (Predicate(INCOME, high=30.0, missing=True),),
    (Predicate(INCOME, low=25.0, high=35.0, missing=True),),
    (Predicate(INCOME, missing=True),),
    (Predicate(PURPOSE, besides=("car", "house")),),
    (Predicate(MEMBER, value=True), Predicate(JOINED, low="2018-01-01")),
]


@pytest.mark.parametrize("rule", RULES, ids=rule_words)
def test_the_selection_has_the_rows_of_the_rule(rule: tuple[Predicate, ...]) -> None:
    other = tuple(rule_facts((Predicate(AGE, high=20),)))
    rate = Fact(relation="slice_rate", value=0.5, unit="share", group=rule_words(rule))
    evidence = Evidence(facts=(rate, *other, *rule_facts(rule)))
    expected = holds(rule, SUBJECT.data)
    assert 0 < expected.sum() < len(expected)
    assert np.array_equal(select(SUBJECT, where_of_group(evidence, rate), Evaluator(SUBJECT.predictor)), expected)
    assert has_group(evidence, rate)


def test_a_category_is_a_group_and_words_alone_are_none() -> None:
    category = Fact(relation="typical", value=0.2, feature="LoanPurpose", at="car", group="loan purpose car")
    words = Fact(relation="slice_rate", value=0.5, group="the word “not”")
    evidence = Evidence(facts=(category, words), tool="mistakes")
    assert where_of_group(evidence, category) == Where.of(Condition(feature="LoanPurpose", value="car"))
    assert not has_group(evidence, words)
    with pytest.raises(ToolError, match="no group of rows"):
        where_of_group(evidence, words)
