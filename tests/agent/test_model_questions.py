"""Questions about a second model and about final decisions reach the tools that answer them."""

from __future__ import annotations

from typing import Any

import pytest
from question_schemas import schema_of

from askwhy.agent.parser.engine import meant
from askwhy.agent.plan import Plan
from askwhy.tools.registry import tools
from askwhy.tools.schema import Schema


def asked(question: str, schema: Schema) -> tuple[str, dict[str, Any], str | None]:
    outcome = meant(question, schema, frozenset(tools(schema))).outcome
    assert isinstance(outcome, Plan), outcome
    (step,) = outcome.steps
    return step.tool, {one.name: one.value for one in step.arguments}, step.scope.row


@pytest.mark.parametrize(
    ("question", "tool", "row"),
    [
        ("why was the final decision for row 12 manual review?", "explain_decision", "12"),
        ("Why was applicant 12 sent to manual review", "explain_decision", "12"),
        ("which rules fired for applicant 5?", "explain_decision", "5"),
        ("what was the final decision on applicant 12?", "explain_decision", "12"),
        ("which of these models is more accurate?", "compare_models", None),
        ("which of these models uses sensible features?", "compare_models", None),
        ("compare the two models", "compare_models", None),
        ("why does the new model give applicant 12 a different score?", "contrast_models", "12"),
        ("why did the score of row 12 change with the new model?", "contrast_models", "12"),
        ("what is the prediction for row 12?", "predict", "12"),
        ("how accurate is the model?", "score", None),
    ],
)
def test_the_right_tool_is_chosen(question: str, tool: str, row: str | None) -> None:
    found = asked(question, schema_of("credit"))
    assert (found[0], found[2]) == (tool, row)


def test_a_rival_is_known_by_its_name() -> None:
    schema = schema_of("credit").model_copy(update={"rivals": ("model B", "logistic regression")})
    assert asked("is the logistic regression better?", schema)[:2] == (
        "compare_models",
        {"model": "logistic regression"},
    )


def test_a_number_of_models_is_no_argument() -> None:
    assert asked("is the new model better than the old one?", schema_of("diabetes"))[1] == {}
