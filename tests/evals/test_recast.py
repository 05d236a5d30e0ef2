"""Written questions in other words, and schemas that nobody described: what points at them stays right."""

from __future__ import annotations

import random

import pytest

from askwhy.agent.parser.items import parted
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.question import read_question
from askwhy.agent.parser.writing import Unwritable, write
from askwhy.agent.plan import Plan
from askwhy.evals.bank import QUESTIONS, Domain, read_domain
from askwhy.evals.disguise import disguised
from askwhy.evals.generate import domains, followed, varied
from askwhy.evals.recast import recast
from askwhy.evals.train_parser import examples_of

NAMES = ("apartment_rent", "telecom_churn", "star_type", "product_reviews")


@pytest.fixture(scope="module")
def bank() -> tuple[Domain, ...]:
    return tuple(read_domain(QUESTIONS / f"{name}.toml") for name in NAMES)


def named(plan: object, domain: Domain) -> set[str]:
    return {name for name in domain.schema.names if isinstance(plan, Plan) and f'"{name}"' in plan.canonical()}


def test_numbers_and_places_stay(bank: tuple[Domain, ...]) -> None:
    rng = random.Random(0)
    changed = 0
    for domain in bank:
        for example in examples_of(domain):
            asked = example.asked
            text, schema = recast(asked.question, domain.schema, named(asked.gold, domain), rng)
            changed += text != asked.question
            one, other = read_question(asked.question), read_question(text)
            assert [mention.way for mention in one.numbers] == [mention.way for mention in other.numbers], text
            assert [feature.kind for feature in schema.features] == [one.kind for one in domain.schema.features]
            assert [len(feature.categories) for feature in schema.features] == [
                len(feature.categories) for feature in domain.schema.features
            ]
            assert len(set(schema.names)) == len(schema.names)
    assert changed > 100


def test_a_feature_that_is_named_is_exchanged_in_question_and_schema(bank: tuple[Domain, ...]) -> None:
    schema, rng = bank[0].schema, random.Random(1)
    feature = next(one for one in schema.features if one.numeric)
    question = f"what is the usual {parted(feature.label)}"
    times = 0
    for _ in range(200):
        text, made = recast(question, schema, {feature.name}, rng)
        other = made.features[schema.names.index(feature.name)]
        assert (text != question) == (other.name != feature.name)
        if text != question:
            said = text.removeprefix("what is the usual ")
            assert said in {parted(word) for word in (other.label, *other.aliases)}
            times += 1
    assert times > 20


def test_a_feature_that_is_only_meant_stays(bank: tuple[Domain, ...]) -> None:
    rng = random.Random(2)
    telecom = bank[1].schema
    for _ in range(50):
        _, schema = recast("how many are older than 65", telecom, {"Age"}, rng)
        assert "Age" in schema.names


def test_disguises_keep_places_and_what_is_asked_about(bank: tuple[Domain, ...]) -> None:
    rng = random.Random(3)
    kinds = set()
    for _ in range(300):
        schema = bank[1].schema
        made = disguised(schema, {"Age"}, rng)
        assert len(made.features) == len(schema.features) and len(made.classes) == 2
        age = made.features[schema.names.index("Age")]
        assert "age" in {word.lower() for word in age.words()}
        unnamed = made.classes != schema.classes
        if unnamed:
            assert {one.name for one in made.classes} in ({"0", "1"}, {"no", "yes"}, {"false", "true"})
            assert made.classes[0].name in ("1", "yes", "true")
        kinds.add((unnamed, made.names != schema.names))
    assert len(kinds) == 4


def test_other_models_have_no_unnamed_classes(bank: tuple[Domain, ...]) -> None:
    rng = random.Random(4)
    for domain in (bank[0], bank[2], bank[3]):
        assert all(disguised(domain.schema, (), rng).classes == domain.schema.classes for _ in range(50))


def test_follow_ups_are_about_the_rows_before_or_the_same_about_another() -> None:
    rng = random.Random(5)
    found = lost = 0
    for schema in domains() * 6:
        made = varied(schema, rng)
        turns = followed(made, rng)
        if turns is None:
            continue
        first, second = turns
        assert isinstance(first.gold, Plan) and isinstance(second.gold, Plan)
        (before,), (after,) = first.gold.steps, second.gold.steps
        same = (before.scope.row, before.scope.text, before.scope.case, before.scope.where) == (
            after.scope.row, after.scope.text, after.scope.case, after.scope.where,
        )  # fmt: skip
        assert same or (before.tool, before.arguments) == (after.tool, after.arguments), second.question
        found += 1
        try:
            write(second.gold, Page.of(second.question, made, first.gold.steps))
        except Unwritable:  # a number was misspelt
            lost += 1
    assert found > 100 and lost / found < 0.05
