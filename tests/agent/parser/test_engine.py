"""What becomes of readings: a plan, a question back with its options, or a decline, each in words."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

import pytest
from tiny_parser import feature, schema, tiny_model

from askwhy.agent.calls import REASONS
from askwhy.agent.parser import engine
from askwhy.agent.parser.actions import ASKS, DECLINES
from askwhy.agent.parser.decoding import Reading
from askwhy.agent.parser.engine import LIKELY, Heard, Meant, meant
from askwhy.agent.plan import SURE, Clarify, Decline, Outcome, Plan
from askwhy.agent.understood import understood
from askwhy.evals.bank import read_golds

PEOPLE = schema(feature("age"), feature("income"), entity="applicant", entities="applicants")
GOLDS = ("explain ; row 12", "count ; where age > 40", "importance", "show ; k 3")


def plan(said: str) -> Plan:
    found = read_golds([[said]], PEOPLE)[0]
    assert isinstance(found, Plan)
    return found


PLANS = tuple(map(plan, GOLDS))
Means = Callable[..., Meant]

NEAR = ("count", "explain", "what_if")


@pytest.fixture
def means(monkeypatch: pytest.MonkeyPatch) -> Means:
    """What a question means whose readings are these, with their probabilities."""

    def found(*readings: tuple[Outcome, float]) -> Meant:
        model = tiny_model()
        monkeypatch.setattr(engine, "trained", lambda: model)
        made = [Reading(outcome, probability, ()) for outcome, probability in readings]
        monkeypatch.setattr(engine, "hear", lambda *given: Heard(tuple(made), NEAR))
        return meant("a question", PEOPLE, frozenset())

    return found


def assert_options(found: Meant, expected: tuple[Plan, ...]) -> None:
    assert isinstance(found.outcome, Clarify)
    assert found.readings == expected
    assert found.outcome.options == tuple(f"{understood(one, PEOPLE)}?" for one in expected)


def test_a_sure_reading_is_taken(means: Means) -> None:
    found = means((PLANS[0], 0.97), (PLANS[1], 0.03))
    assert found == Meant(PLANS[0], pytest.approx(0.97), (), found.tools)
    assert found.tools[0] == PLANS[0].steps[0].tool and set(NEAR) <= set(found.tools)


def test_a_likely_reading_is_taken_with_what_else_it_may_be(means: Means) -> None:
    share = (LIKELY + SURE) / 2
    found = means((PLANS[0], share), (PLANS[1], 0.2), (PLANS[2], 0.01))
    assert found == Meant(PLANS[0], pytest.approx(share), (PLANS[1],), found.tools)


def test_an_unlikely_reading_is_asked_about(means: Means) -> None:
    found = means(*zip(PLANS, (0.2, 0.15, 0.12, 0.1), strict=True))
    assert_options(found, PLANS[:3])
    assert found.confidence == pytest.approx(0.2) and "not sure" in found.outcome.question


def test_a_question_back_that_is_nearly_as_likely_comes_first(means: Means) -> None:
    back = Clarify(question="feature")
    found = means((PLANS[0], 0.5), (back, 0.26), (PLANS[1], 0.1))
    assert_options(found, PLANS[:2])
    assert found.outcome.question == means((back, 0.9)).outcome.question
    assert means((PLANS[0], 0.5), (back, 0.24)).outcome == PLANS[0]
    declined = means((Decline(reason="out_of_scope"), 0.5), (back, 0.26))
    assert isinstance(declined.outcome, Decline)


def test_what_is_hardly_likely_is_not_offered(means: Means) -> None:
    assert_options(means((PLANS[0], 0.2), (PLANS[1], 0.019), (PLANS[2], 0.01)), PLANS[:1])


def test_options_that_read_alike_are_one(means: Means) -> None:
    twin = PLANS[0].model_copy(update={"confidence": 0.5})
    found = means((PLANS[0], 0.2), (twin, 0.2), (PLANS[1], 0.1))
    assert isinstance(found.outcome, Clarify)
    assert len(found.outcome.options) == len(found.readings) == 2
    assert found.readings[1] == PLANS[1]


def test_without_a_reading_it_asks_for_other_words(means: Means) -> None:
    for found in (means(), means((PLANS[0], 1e-9))):
        assert isinstance(found.outcome, Clarify) and not found.outcome.options and not found.readings
        assert found.confidence < 0.01 and "another way" in found.outcome.question


@pytest.mark.parametrize("what", ASKS)
def test_questions_back_are_worded(means: Means, what: str) -> None:
    found = means((Clarify(question=what), 0.9), (PLANS[0], 0.06), (PLANS[1], 0.01))
    assert_options(found, PLANS[:1])
    said = found.outcome.question
    assert re.fullmatch(r"[A-Z][^{}_?]+\?", said)
    assert ("applicant" in said) == (what in ("row", "rows"))


@pytest.mark.parametrize("reason", DECLINES)
def test_declines_are_worded_with_the_nearest_question(means: Means, reason: str) -> None:
    declined = Decline(reason=reason)
    nearest = f"{understood(PLANS[1], PEOPLE)}?"
    asked = (Clarify(question="row"), 0.2)
    assert means((declined, 0.7), asked, (PLANS[1], 0.05), (PLANS[0], 0.03)).outcome == Decline(
        reason=REASONS[reason], nearest=nearest
    )
    assert means((declined, 0.9), (PLANS[1], 0.01)).outcome == Decline(reason=REASONS[reason])


def test_a_network_is_asked_with_the_turn_before(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model(sharp=30)
    monkeypatch.setattr(engine, "trained", lambda: model)
    offered = frozenset({"count", "explain", "importance"})
    for question, earlier in itertools.product(("why row 12", "and now?"), ((), PLANS[1].steps)):
        found = meant(question, PEOPLE, offered, earlier, "how many are older than 40")
        assert 0 <= found.confidence <= 1 and found.outcome.kind in ("plan", "clarify", "decline")
        assert len(found.readings) in (0, len(getattr(found.outcome, "options", found.readings)))
