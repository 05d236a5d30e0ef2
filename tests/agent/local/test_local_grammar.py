from __future__ import annotations

import functools
import json
import random
from typing import Any

import llguidance
import llguidance.hf
import numpy as np
import pytest
import toy_subjects
from tiny_causal import tiny_words

from askwhy.agent.calls import BadCalls, calls_of, outcome_of, tool_schemas
from askwhy.agent.local.grammar import calls_grammar
from askwhy.agent.local.rules import Rules
from askwhy.agent.plan import Clarify, Plan, Step
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Condition, Scope, Where
from askwhy.tools.subjects.builtin import builtin

SUBJECTS = ("credit", "penguins", "diabetes", "reviews")
EARLIER = Scope(where=Where.of(Condition(on="id", value="3")))


@functools.cache
def words() -> Any:
    return llguidance.hf.from_tokenizer(tiny_words())


@functools.cache
def schema_of(name: str) -> Schema:
    return toy_subjects.binary().schema if name == "toy" else builtin(name).schema


@functools.cache
def matcher(name: str, previous: bool = False) -> Any:
    schema = schema_of(name)
    made = llguidance.LLMatcher(words(), calls_grammar(tool_schemas(schema), schema, previous=previous))
    assert not made.is_error(), made.get_error()
    return made


def accepts(made: Any, text: str) -> bool:
    """Whether a text is a whole sentence of a grammar."""
    one = made.deep_copy()
    tokens = words().tokenize_str(text)
    return bool(one.try_consume_tokens(tokens) == len(tokens) and one.is_accepting())


def written(*calls: tuple[str, dict[str, Any]]) -> str:
    said = [{"name": name, "arguments": arguments} for name, arguments in calls]
    return json.dumps(said, ensure_ascii=False)


def outcome(text: str, schema: Schema, previous: Scope | None = None) -> Any:
    calls = [{"name": one["name"], "args": one["arguments"], "id": "1"} for one in json.loads(text)]
    return outcome_of(calls, schema, previous)  # type: ignore[arg-type]


def walk(made: Any, rng: random.Random, most: int) -> str | None:
    """The text of a walk over allowed tokens, each as likely as the others; None if it has no end after `most`."""
    one, taken = made.deep_copy(), []
    while not one.is_stopped() and len(taken) < most:
        bits = np.unpackbits(np.frombuffer(one.compute_bitmask(), dtype=np.uint8), bitorder="little")
        taken.append(int(rng.choice(np.flatnonzero(bits).tolist())))
        assert one.consume_token(taken[-1])
    assert not one.is_error(), one.get_error()
    if not one.is_stopped():
        return None
    return str(words().decode_bytes([token for token in taken if token != words().eos_token]).decode())


@pytest.mark.parametrize("name", [*SUBJECTS, "toy"])
def test_every_random_walk_of_the_grammar_is_a_plan_a_question_or_a_no(name: str) -> None:
    rng = random.Random(7)
    schema, kinds, tools = schema_of(name), set(), set()
    for number in range(50):
        text = walk(matcher(name, previous=bool(number % 2)), rng, 4000)
        assert text is not None, "a grammar whose parts are bounded has an end"
        try:
            found = outcome(text, schema, EARLIER if number % 2 else None)
        except (BadCalls, ValueError) as error:
            pytest.fail(f"{error}: {text}")
        kinds.add(found.kind)
        tools |= {step.tool for step in found.steps} if isinstance(found, Plan) else set()
    assert "plan" in kinds and len(tools) > 10, "the walks should go many ways"


@pytest.mark.parametrize(
    ("name", "call", "fine"),
    [
        ("credit", ("count", {}), True),
        ("credit", ("no_such_tool", {}), False),
        ("credit", ("count", {"invented": 1}), False),
        ("credit", ("explain", {"cls": "c1", "row": "12"}), True),
        ("credit", ("explain", {"cls": "c2", "row": "12"}), False),
        ("credit", ("effect", {"feature": "f8"}), True),
        ("credit", ("effect", {"feature": "f9"}), False),
        ("credit", ("effect", {}), False),
        ("credit", ("explain", {"row": ""}), False),
        ("credit", ("explain", {"row": "12", "text": "x"}), False),
        ("credit", ("counterfactual", {}), False),
        ("credit", ("counterfactual", {"row": "12"}), True),
        ("credit", ("counterfactual", {"k": 5, "row": "12"}), True),
        ("credit", ("counterfactual", {"k": 6, "row": "12"}), False),
        ("credit", ("what_if", {"row": "12"}), False),
        ("credit", ("what_if", {"row": "12", "changes": []}), False),
        ("credit", ("what_if", {"row": "12", "changes": [{"feature": "f5", "action": "increase", "value": 9}]}), True),
        ("credit", ("what_if", {"row": "12", "changes": [{"feature": "f0", "action": "increase", "value": 9}]}), False),
        ("credit", ("what_if", {"row": "12", "changes": [{"feature": "f5", "action": "set", "value": "x"}]}), False),
        ("credit", ("count", {"where": {"all": [{"any": [{"feature": "f0", "op": "gt", "value": 1}]}]}}), False),
        ("credit", ("count", {"where": {"all": [{"any": [{"feature": "f5", "op": "gt", "value": 1}]}]}}), True),
        ("credit", ("count", {"where": {"all": [{"any": [{"feature": "f5", "op": "gt"}]}]}}), False),
        ("credit", ("count", {"where": {"all": [{"any": [{"feature": "f5", "op": "gt", "value": 1e30}]}]}}), False),
        ("credit", ("count", {"where": {"all": [{"any": [{"on": "previous"}]}]}}), False),
        ("credit", ("clarify", {"question": "Which one?", "options": ["why 3?", "why 4?"]}), True),
        ("credit", ("clarify", {"question": "I know it all."}), False),
        ("credit", ("decline", {"reason": "out_of_scope"}), True),
        ("credit", ("decline", {"reason": "I do not like it"}), False),
        ("diabetes", ("explain", {"cls": "c0", "row": "12"}), False),
        ("diabetes", ("explain", {"row": "12"}), True),
        ("reviews", ("explain_text", {"text": "a fine film"}), True),
        (
            "reviews",
            ("count", {"where": {"all": [{"any": [{"feature": "f0", "op": "contains", "value": "x"}]}]}}),
            True,
        ),
        ("toy", ("count", {"where": {"all": [{"any": [{"feature": "f4", "op": "lt", "value": "2019-02-28"}]}]}}), True),
        ("toy", ("count", {"where": {"all": [{"any": [{"feature": "f4", "op": "lt", "value": "tomorrow"}]}]}}), False),
    ],
)
def test_a_call_is_allowed_where_it_can_be_used(name: str, call: tuple[str, dict[str, Any]], fine: bool) -> None:
    assert accepts(matcher(name), written(call)) == fine
    if fine:
        outcome(written(call), schema_of(name))


def test_rows_of_the_turn_before_can_be_meant_where_there_was_one() -> None:
    call = written(("count", {"where": {"all": [{"any": [{"on": "previous"}]}]}}))
    assert accepts(matcher("credit", previous=True), call)
    assert not accepts(matcher("credit"), call)


def test_several_tools_go_together_but_a_question_back_stands_alone() -> None:
    count, ask = ("count", {}), ("clarify", {"question": "Which one?"})
    assert accepts(matcher("credit"), written(*[count] * 6))
    assert not accepts(matcher("credit"), written(*[count] * 7))
    assert not accepts(matcher("credit"), written(count, ask))
    assert not accepts(matcher("credit"), written(ask, ask))
    assert not accepts(matcher("credit"), "[]")


def test_what_earlier_turns_look_like_is_what_the_grammar_writes() -> None:
    schema = schema_of("credit")
    step = Step(tool="count", scope=Scope(where=Where.of(Condition(feature="age", op="gt", value=40))))
    for one in (Plan(steps=(step,)), Clarify(question="Which applicant?", options=("why 3?",))):
        calls = [(call["name"], call["args"]) for call in calls_of(one, schema)]
        assert accepts(matcher("credit"), written(*calls))


def test_without_a_subject_the_schemas_alone_are_held_to() -> None:
    parameters = {
        "type": "object",
        "properties": {"a": {"type": "integer"}, "b": {"type": "string", "pattern": "^[xy]+$"}},
        "required": ["a"],
    }
    tool = {"type": "function", "function": {"name": "add", "description": "", "parameters": parameters}}
    made = llguidance.LLMatcher(words(), calls_grammar([tool]))
    assert accepts(made, '[{"name": "add", "arguments": {"a": 3, "b": "xy"}}]')
    assert not accepts(made, '[{"name": "add", "arguments": {"b": "xy"}}]')
    assert not accepts(made, '[{"name": "add", "arguments": {"a": 3, "b": "z"}}]')
    assert not accepts(made, "some words")
    assert accepts(llguidance.LLMatcher(words(), calls_grammar([tool], prose=True)), "some words")


@pytest.mark.parametrize(
    ("schema", "inside", "outside"),
    [
        ({"type": "integer", "minimum": 2, "maximum": 4}, ["2", "4"], ["1", "5", "2.5"]),
        ({"type": "number", "exclusiveMinimum": 0.5, "exclusiveMaximum": 1}, ["0.95"], ["0.5", "1", "1.0"]),
        ({"type": "number", "exclusiveMinimum": 0}, ["0.05", "20"], ["0", "-1"]),
        ({"type": "integer", "minimum": 1}, ["1", "500"], ["0", "-2"]),
        ({"type": "number"}, ["0", "-3.25", "123456789"], ["1e9", "1234567890", "00"]),
        ({"type": "boolean"}, ["true"], ["1"]),
        ({"enum": ["a", 'b"c']}, ['"a"', '"b\\"c"'], ['"b"']),
        ({"type": "array", "items": {"enum": [1]}, "maxItems": 2}, ["[1]", "[1, 1]"], ["[]", "[1, 1, 1]"]),
    ],
)
def test_a_value_keeps_to_its_schema(schema: dict[str, Any], inside: list[str], outside: list[str]) -> None:
    rules = Rules()
    made = llguidance.LLMatcher(words(), rules.grammar(rules.value(schema)))
    assert [accepts(made, one) for one in inside] == [True] * len(inside)
    assert [accepts(made, one) for one in outside] == [False] * len(outside)
