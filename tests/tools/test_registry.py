"""The registry: the signature is the schema, and names in arguments are resolved."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator
from typing import Literal

import pytest
from toy_subjects import binary

from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.registry import ClassName, FeatureName, Tool, ask, find_tool, tool, tools, unregister
from askwhy.tools.scope import Argument, Scope
from askwhy.tools.view import View, make_view


@pytest.fixture
def sample() -> Iterator[Tool]:
    @tool(asks=("sample {row}", ask("sample {row} twice", times=2)), says=("It is {size}.",), needs="instance")
    def sample(
        view: View,
        first: FeatureName,
        others: tuple[FeatureName, ...] = (),
        cls: ClassName | None = None,
        how: Literal["fast", "slow"] = "fast",
        times: int = 1,
    ) -> Evidence:
        """A sample of the argument types."""
        return Evidence(facts=(Fact(relation="size", value=times, unit="count", feature=first),), method=how)

    yield sample
    unregister("sample")


def test_the_signature_is_the_schema(sample: Tool) -> None:
    schema = sample.arguments.model_json_schema()
    assert schema["required"] == ["first"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["how"]["enum"] == ["fast", "slow"]
    assert json.dumps(schema)


def test_names_in_arguments_become_the_datas_own(sample: Tool) -> None:
    schema = binary().schema
    given = sample.checked(schema, {"first": "Monthly Income", "others": ["age", "loan purpose", "AGE"], "cls": "YES"})
    assert given["first"] == "monthly_income"
    assert given["others"] == ("age", "LoanPurpose")
    assert given["cls"] == "yes"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "first"),
        ({"first": "age", "how": "medium"}, "how"),
        ({"first": "age", "times": "many"}, "times"),
        ({"first": "age", "sql": "1"}, "sql"),
        ({"first": "wage"}, "nearest: .*age"),
        ({"first": "age", "cls": "maybe"}, "no class"),
    ],
)
def test_wrong_arguments_are_named(sample: Tool, arguments: dict[str, object], message: str) -> None:
    with pytest.raises(ToolError, match=message):
        sample.checked(binary().schema, arguments)


def test_evidence_says_what_was_run(sample: Tool) -> None:
    subject = binary()
    view = make_view(subject, Scope(row="3"), Evaluator(subject.predictor), 7)
    evidence = sample(view, first="age", times=2)
    assert (evidence.tool, evidence.seed, evidence.subject, evidence.code) == ("sample", 7, subject.id, sample.code)
    assert Argument(name="times", value=2) in evidence.arguments
    assert evidence.facts[0].id == "f1"


def test_a_tool_that_needs_an_instance_asks_for_one(sample: Tool) -> None:
    subject = binary()
    with pytest.raises(ToolError, match="Say which"):
        sample(make_view(subject, Scope(), Evaluator(subject.predictor), 0), first="age")


def test_two_tools_cannot_share_a_name(sample: Tool) -> None:
    def count(view: View) -> Evidence:
        """Another count."""
        raise NotImplementedError

    with pytest.raises(ValueError, match="two tools are named 'count'"):
        tool(asks=(), says=())(count)
    assert find_tool("count").function.__module__ == "askwhy.tools.table.count"


def test_an_unknown_tool_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ToolError, match="count"):
        find_tool("os.system")


def test_our_tools_travel_by_name() -> None:
    assert pickle.loads(pickle.dumps(find_tool("count"))) is find_tool("count")


def test_errors_survive_the_way_back_from_the_worker() -> None:
    error = pickle.loads(pickle.dumps(UnknownName("feature", "agee", ["age", "income"])))
    assert isinstance(error, UnknownName)
    assert (error.name, error.options) == ("agee", ("age",))
    assert "agee" in str(error)


def test_tools_are_offered_in_a_fixed_order_and_only_where_they_fit() -> None:
    assert list(tools()) == sorted(tools())
    fitting = tools(binary().schema)
    assert set(fitting) <= set(tools())
    assert all(one.fits(binary().schema) for one in fitting.values())
