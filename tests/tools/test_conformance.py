"""Every registered tool keeps the contract; a new tool is tested before its author writes a test."""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Iterator
from typing import Any, Literal, get_args, get_origin, get_type_hints

import numpy as np
import pytest
from toy_subjects import SUBJECTS

from askwhy.agent.manner import manners_of
from askwhy.agent.plan import Plan, Step
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import Tool, find_tool, names_kind, tools
from askwhy.tools.scope import Argument, Change, Condition, Scope, Where, arguments_of
from askwhy.tools.subject import Subject
from askwhy.tools.view import make_view

NAMES = sorted(tools())
MANNERS: tuple[dict[str, str], ...] = (
    {"length": "sentence"},
    {"length": "short"},
    {"audience": "customer"},
    {"audience": "customer", "length": "sentence"},
    {"audience": "expert"},
)
PAIRS = [(tool, subject) for tool in NAMES for subject in SUBJECTS]


def subject_for(tool: Tool, kind: str) -> Subject:
    subject = SUBJECTS[kind]()
    if not tool.fits(subject.schema):
        pytest.skip(f"{tool.name} does not apply to {kind}")
    return subject


def minimal_arguments(tool: Tool, subject: Subject) -> dict[str, Any]:
    """A value for every argument that has no default."""
    hints = get_type_hints(tool.function, include_extras=True)
    features = iter(subject.schema.names * 2)
    required = (name for name, field in tool.arguments.model_fields.items() if field.is_required())
    return {name: _value(hints[name], subject, features) for name in required}


def _value(hint: Any, subject: Subject, features: Iterator[str]) -> Any:
    if names_kind(hint) == "feature":
        return (next(features),) if get_origin(hint) is tuple else next(features)
    if names_kind(hint) == "class":
        return subject.schema.classes[0].name
    if get_origin(hint) is Literal:
        return get_args(hint)[0]
    return {int: 1, float: 1.0, str: "x", bool: True}[hint]


def scopes(tool: Tool, subject: Subject) -> list[Scope]:
    """Scopes that the tool accepts: rows, an instance, changes."""
    row, feature = subject.row_ids[3], subject.schema.features[0]
    text = subject.schema.modality == "text"
    change = (
        Change(action="insert", value="great") if text else Change(feature=feature.name, action="increase", value=2)
    )
    some = (
        Condition(feature=feature.name, op="contains", value="film")
        if text
        else Condition(feature=feature.name, op="gt", value=30)
    )
    changed = (Scope(row=row, changes=(change,)), Scope(where=Where.of(some), changes=(change,)))
    one, many = Scope(row=row), (Scope(), Scope(where=Where.of(some)))
    return {
        "nothing": [Scope()],
        "any": [*many],
        "rows": [*many, one, *changed],
        "instance": [one, changed[0]],
        "changes": [*changed],
    }[tool.needs]


@functools.cache
def first_run(tool: str, kind: str, scope: Scope) -> Evidence | ToolError:
    """What the tool finds, computed once for all the tests that look at it."""
    try:
        return run(find_tool(tool), SUBJECTS[kind](), scope)
    except ToolError as error:
        return error


def run(tool: Tool, subject: Subject, scope: Scope, seed: int = 0) -> Evidence:
    view = make_view(subject, scope, Evaluator(subject.predictor), seed)
    return tool(view, **minimal_arguments(tool, subject))


def attempts(tool: Tool, kind: str) -> Iterator[Evidence]:
    """Evidence for every scope the tool takes; a refusal must be a ToolError, and not the only reply."""
    answered = 0
    for scope in scopes(tool, SUBJECTS[kind]()):
        found = first_run(tool.name, kind, scope)
        if isinstance(found, ToolError):
            assert str(found).strip()
            continue
        yield found
        answered += 1
    assert answered, f"{tool.name} refused everything"


@pytest.mark.parametrize("name", NAMES)
def test_the_argument_schema_is_closed_and_described(name: str) -> None:
    tool = find_tool(name)
    schema = tool.arguments.model_json_schema()
    assert schema.get("additionalProperties") is False
    assert tool.description.endswith((".", "?")) and len(tool.description.split()) >= 3
    assert len(tool.asks) >= 3 and tool.says
    with pytest.raises(ToolError):
        tool.checked(SUBJECTS["binary"]().schema, {"no_such_argument": 1})


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_the_same_seed_gives_the_same_bytes_whatever_is_known(name: str, kind: str) -> None:
    tool = find_tool(name)
    subject = subject_for(tool, kind)
    known = subject.with_known(Evaluator(subject.predictor).all_outputs(subject))
    for first in attempts(tool, kind):
        # What was asked before, in this session or another, must not show in the evidence.
        assert run(tool, known, first.scope).canonical() == first.canonical()
        assert Evidence.from_json(first.canonical()) == first


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_facts_are_sound(name: str, kind: str) -> None:
    tool = find_tool(name)
    subject = subject_for(tool, kind)
    known = {label.name for label in subject.schema.classes}
    for evidence in attempts(tool, kind):
        assert evidence.facts and evidence.method
        assert len({fact.id for fact in evidence.facts}) == len(evidence.facts)
        for fact in evidence.facts:
            assert not isinstance(fact.value, float) or math.isfinite(fact.value)
            assert fact.feature is None or fact.feature in subject.schema.names
            assert fact.cls is None or fact.cls in known
            assert fact.unit not in ("probability", "share") or -1e-9 <= fact.number() <= 1 + 1e-9


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_its_patterns_say_it_and_the_words_pass_the_check(name: str, kind: str) -> None:
    tool = find_tool(name)
    subject = subject_for(tool, kind)
    for evidence in attempts(tool, kind):
        step = Step(tool=name, arguments=evidence.arguments, scope=evidence.scope)
        told = [(variation, step) for variation in range(3)]
        told += [(0, step.model_copy(update=manner)) for manner in MANNERS]
        for variation, one in told:
            plan = Plan(steps=(one,))
            draft = verbalize((evidence,), subject.schema, variation=variation, manners=manners_of(plan))
            assert draft.text.strip() and not re.search(r"\bNone\b(?! of )|\{", draft.text)
            assert draft.claims
            assert verify(draft, (evidence,), plan, subject.schema) == (), draft.text


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_no_rows_and_one_row_do_no_harm(name: str, kind: str) -> None:
    tool = find_tool(name)
    subject = subject_for(tool, kind)
    one = dataclasses.replace(
        subject,
        data=subject.data.iloc[:1],
        target=None if subject.target is None else subject.target.iloc[:1],
        held_out=np.zeros(1, dtype=bool),
        background=subject.data.iloc[:1],
        id=f"{subject.id}-one",
    )
    empty = dataclasses.replace(
        one, data=subject.data.iloc[:0], target=None, held_out=np.zeros(0, dtype=bool), id=f"{subject.id}-none"
    )
    for small in (one, empty):
        for scope in (Scope(), Scope(row=subject.row_ids[0])):
            try:
                evidence = run(tool, small, scope)
            except ToolError as error:
                assert str(error).strip()
            else:
                assert evidence.facts


@pytest.mark.parametrize(("name", "kind"), PAIRS)
def test_unknown_names_are_refused(name: str, kind: str) -> None:
    tool = find_tool(name)
    subject = subject_for(tool, kind)
    with pytest.raises(ToolError):
        run(tool, subject, Scope(row="no such row"))
    with pytest.raises(ToolError):
        run(tool, subject, Scope(where=Where.of(Condition(feature="no such feature", value=1))))
    for argument, hint in get_type_hints(tool.function, include_extras=True).items():
        if argument != "return" and names_kind(hint):
            arguments = {**minimal_arguments(tool, subject), argument: "no such name"}
            if get_origin(hint) is tuple:
                arguments[argument] = ("no such name",)
            with pytest.raises(ToolError):
                tool.checked(subject.schema, arguments)


def test_arguments_travel_as_values() -> None:
    subject = SUBJECTS["binary"]()
    evidence = run(find_tool("predict"), subject, Scope(row="3"))
    assert evidence.arguments == arguments_of({})
    assert all(isinstance(one, Argument) for one in evidence.arguments)
