"""Generated questions: every plan is one that tools take, for every schema; the same seed gives the same questions."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from langchain_core.messages import ToolCall

from askwhy.agent.calls import calls_of, outcome_of
from askwhy.agent.parser.actions import ASKS, DECLINES
from askwhy.agent.plan import Clarify, Decline, Plan, Ref, Step
from askwhy.evals import generate_schemas
from askwhy.evals.generate import Generated, domains, generated, generated_with_mentions, varied
from askwhy.evals.generate_filters import selection
from askwhy.evals.generate_grammar import forms, parsed, rendered
from askwhy.evals.generate_words import Speech, in_words, plural, readable
from askwhy.tools.registry import tools
from askwhy.tools.schema import Schema

COUNT = 2000


def drawn(count: int, seed: int) -> list[tuple[Schema, Generated]]:
    """Questions over all training schemas in turn, most of them varied."""
    rng = random.Random(seed)
    found = []
    for number in range(count):
        schema = domains()[number % len(domains())]
        schema = varied(schema, rng) if rng.random() < 0.7 else schema
        found.append((schema, generated_with_mentions(schema, rng)))
    return found


@pytest.fixture(scope="module")
def sample() -> list[tuple[Schema, Generated]]:
    return drawn(COUNT, 5)


def without_references(step: Step, schema: Schema) -> Step:
    """The step with a row or column in place of what an earlier step finds, as the question bank checks it."""
    for ref in step.refs:
        assert ref == Ref(into=ref.into, step=1, relation="any")
        if ref.into == "row":
            step = step.model_copy(update={"scope": step.scope.model_copy(update={"row": "1"}), "refs": ()})
        else:
            value = schema.features[0].name
            call = ToolCall(name=step.tool, args={ref.into: value}, id="1", type="tool_call")
            read = outcome_of([call], schema)
            assert isinstance(read, Plan)
            return read.steps[0]
    return step


def test_every_plan_is_what_its_calls_are_read_as(sample: list[tuple[Schema, Generated]]) -> None:
    for schema, one in sample:
        gold = one.asked.gold
        assert one.asked.golds == (gold,)
        assert one.asked.question.strip() and not {"\x01", "\x02", "\x03", "{", "}"} & set(one.asked.question)
        if isinstance(gold, Plan):
            plan = Plan(steps=tuple(without_references(step, schema) for step in gold.steps))
            assert outcome_of(calls_of(plan, schema), schema) == plan, one.asked.question
        elif isinstance(gold, Clarify):
            assert gold.question in ASKS and set(gold.options) <= set(schema.names)
        else:
            assert isinstance(gold, Decline) and gold.reason in DECLINES


def test_what_is_mentioned_is_in_the_schema_and_where_it_is_said(sample: list[tuple[Schema, Generated]]) -> None:
    for schema, one in sample:
        for mention in one.mentions:
            assert one.asked.question[mention.start : mention.end].strip() or mention.kind == "text"
            if mention.kind in ("feature", "value"):
                assert mention.name in schema.names
            elif mention.kind == "class":
                assert mention.name in {label.name for label in schema.classes}


def test_ids_and_own_texts_stand_in_the_question_letter_by_letter(sample: list[tuple[Schema, Generated]]) -> None:
    for _, one in sample:
        for step in one.asked.gold.steps if isinstance(one.asked.gold, Plan) else ():
            said = (step.scope.row, step.scope.text)
            assert all(words in one.asked.question for words in said if words is not None)


def test_every_tool_and_every_kind_of_question_occurs() -> None:
    fitting = {name for schema in domains() for name in tools(schema)}
    found: set[str] = set()
    rng = random.Random(1)
    for number in range(8000):
        gold = generated(domains()[number % len(domains())], rng).gold
        found |= {step.tool for step in gold.steps} if isinstance(gold, Plan) else {type(gold).__name__}
        if isinstance(gold, Plan):
            found |= {f"{len(gold.steps)} steps", *(step.form for step in gold.steps)}
            found |= {change.action for step in gold.steps for change in step.scope.changes}
            found |= {one.op for step in gold.steps for one in step.scope.where.conditions()}
            found |= {one.on for step in gold.steps for one in step.scope.where.conditions()}
    assert fitting <= found
    assert {
        "Clarify",
        "Decline",
        "2 steps",
        "letter",
        "numbers",
        "missing",
        "contains",
        "eq",
        "ne",
        "lt",
        "le",
    } <= found
    assert {"scale", "increase", "decrease", "set", "remove", "replace", "insert", "ge", "gt", "id", "correct"} <= found
    assert {"predicted", "actual"} <= found


def test_the_shares_are_those_that_were_asked_for(sample: list[tuple[Schema, Generated]]) -> None:
    plans = [one.asked.gold for _, one in sample if isinstance(one.asked.gold, Plan)]
    several = sum(len(plan.steps) > 1 for plan in plans) / len(sample)
    selecting = sum(any(step.scope.where for step in plan.steps) for plan in plans) / len(sample)
    assert 0.08 < several < 0.18
    assert 0.3 < selecting < 0.55


def test_the_same_seed_gives_the_same_questions() -> None:
    assert [one for _, one in drawn(150, 9)] == [one for _, one in drawn(150, 9)]
    assert [one for _, one in drawn(50, 9)] != [one for _, one in drawn(50, 10)]


def test_questions_hardly_repeat(sample: list[tuple[Schema, Generated]]) -> None:
    assert len({one.asked.question.lower() for _, one in sample}) > 0.93 * len(sample)


def test_held_out_schemas_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[Path] = []
    real = generate_schemas.schema_of
    monkeypatch.setattr(generate_schemas, "schema_of", lambda path: read.append(path) or real(path))
    domains.cache_clear()
    schemas = domains()
    domains.cache_clear()
    assert len(read) == len(schemas) >= 48
    assert {path.parent.name for path in read} == {"questions"}


def test_a_variation_has_columns_of_its_own_names() -> None:
    rng = random.Random(3)
    schemas = {varied(domains()[1], rng).canonical() for _ in range(60)}
    assert len(schemas) == 60
    for _ in range(300):
        schema = varied(rng.choice(domains()), rng)
        assert len(set(schema.names)) == len(schema.names) >= 1
        assert Schema.model_validate(schema.model_dump(exclude={"spoken"})).names == schema.names
        for feature in schema.features:
            assert schema.feature(feature.name) == feature


def test_a_selection_says_the_numbers_that_it_means() -> None:
    schema = next(one for one in domains() if one.name == "Kidney screening")
    speech, rng = Speech(schema), random.Random(2)
    for _ in range(300):
        words, groups = selection(speech, set(), rng, lambda: "word")
        assert words and all(
            one.feature in schema.names for group in groups for one in group.any if one.on == "feature"
        )
        for group in groups:
            for one in group.any:
                feature = schema.feature(one.feature) if one.feature else None
                if feature and feature.numeric and one.value is not None:
                    assert isinstance(one.value, (int, float)) and feature.low is not None and feature.high is not None


def test_a_template_has_choices_in_choices() -> None:
    nodes = parsed("a (b|c (d|e)|) {x}")
    rng = random.Random(0)
    assert {rendered(nodes, rng, lambda slot: slot.upper()) for _ in range(200)} == {
        "a b X",
        "a c d X",
        "a c e X",
        "a  X",
    }


def test_every_tool_has_several_templates() -> None:
    counts: dict[str, int] = {}
    for form in forms():
        counts[form.tool] = counts.get(form.tool, 0) + 1
    assert min(counts.get(name, 0) for name in tools()) >= 5


def test_a_name_is_read_as_words() -> None:
    names = ("Annual Income ($)", "n_prev_orders", "merchantType", "BMI")
    assert [readable(name) for name in names] == ["annual income", "n prev orders", "merchant type", "BMI"]


def test_number_words_and_plurals() -> None:
    words = "zero, thirteen, forty, fifty-seven, one hundred, two hundred and fifteen"
    assert ", ".join(in_words(number) for number in (0, 13, 40, 57, 100, 215)) == words
    assert all(plural(noun) for noun in ("children under 18", "late payments"))
    assert not any(plural(noun) for noun in ("months since harvest", "illness", "pH"))
