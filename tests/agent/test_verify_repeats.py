"""A true value in the place of another stands in the text once too often."""

from __future__ import annotations

import pytest
from toy_subjects import binary

from askwhy.agent.answer import Draft
from askwhy.agent.plan import Plan, Step
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify.check_repeats import check_repeats
from askwhy.agent.verify.ground import Ground
from askwhy.agent.verify.reading import Reading
from askwhy.tools.evidence import Evidence, Fact

PLAN = Plan(steps=(Step(tool="likelihood"),))


def evidence() -> tuple[Evidence, ...]:
    schema = binary().schema
    facts = tuple(
        Fact(id=f"f{i}", relation=relation, value=value, unit="probability", cls=schema.classes[1].name, group=group)
        for i, (relation, value, group) in enumerate(
            (("share", 0.76, "a"), ("share", 0.96, "b"), ("share", 0.31, "c"), ("share", 0.08, "d")), 1
        )
    )
    return (Evidence(tool="likelihood", facts=facts, method="m", estimand="e"),)


def surplus(text: str) -> list[str]:
    text += " It is 31% for c and 8% for d."
    reading = Reading(text, Ground(evidence(), PLAN, binary().schema))
    return [text[one.start : one.end] for one in check_repeats(reading, PLAN)]


def test_the_wording_itself_has_no_surplus() -> None:
    own = verbalize(evidence(), binary().schema).text
    assert "76" in own and "96" in own
    reading = Reading(own, Ground(evidence(), PLAN, binary().schema))
    assert list(check_repeats(reading, PLAN)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It is 96% for a and 96% for b.", ["96%"]),
        ("It is 76% for a and 96% for b.", []),
        ("It is 0.76 for a and 96 percent for b.", []),
        ("It is 0.8 for a, 0.8 again and 1.0 for b.", ["0.8"]),
        ("It is 12% for a.", []),  # little is said: what is left out says nothing
        ("It is 76% for a and 12% for b.", []),
        ("It is ninety-six percent for a and 96% for b.", ["96%"]),
    ],
)
def test_a_value_said_twice_is_found(text: str, found: list[str]) -> None:
    assert surplus(text) == found


def test_a_language_models_text_is_held_to_it() -> None:
    from askwhy.agent.verify import verify

    schema = binary().schema
    draft = Draft(text="It is 96% for a, 96% for b, 31% for c and 8% for d.", writer="llm")
    assert any("more often" in one.message for one in verify(draft, evidence(), PLAN, schema))
