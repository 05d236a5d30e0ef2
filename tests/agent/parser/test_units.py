"""Numbers said in another unit than their feature's are meant in that unit; all others stay as they were said."""

from __future__ import annotations

import pytest
from tiny_parser import feature, schema

from askwhy.agent.parser.decoding import Reading
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.units import converted, in_units, units_of
from askwhy.agent.plan import Clarify, Plan
from askwhy.evals.bank import QUESTIONS, read_domain, read_golds
from askwhy.evals.train_parser import DEVELOPMENT, examples_of
from askwhy.tools.schema import Schema


def measured(name: str, unit: str, low: float = 0, high: float = 600, kind: str = "number") -> object:
    return feature(name, kind=kind).model_copy(update={"unit": unit, "low": low, "high": high})


SAMPLES: Schema = schema(
    measured("transit", "minutes", kind="integer"),
    measured("age", "years", 0, 99),
    measured("baby_age", "months", 0, 60, kind="integer"),
    measured("wait", "days", 0, 900),
    measured("volume", "ml", 0, 4000),
    measured("price", "euros", 0, 90),
    measured("income", "thousand dollars", 0, 400),
    measured("rate", "hours a week", 0, 80),
    measured("plain", "", 0, 80),
)


def meant(question: str, said: str) -> Plan:
    (outcome,) = read_golds([[said]], SAMPLES)
    found = in_units(Reading(outcome, 1.0, ()), Page.of(question, SAMPLES)).outcome
    assert isinstance(found, Plan)
    return found


def gold(said: str) -> Plan:
    (outcome,) = read_golds([[said]], SAMPLES)
    assert isinstance(outcome, Plan)
    return outcome


@pytest.mark.parametrize(
    ("question", "said", "wanted"),
    [
        ("one hour less", "what_if ; row 7 ; change transit -1", "what_if ; row 7 ; change transit -60"),
        ("an hour less for 7", "what_if ; row 7 ; change transit -1", "what_if ; row 7 ; change transit -60"),
        ("over 2 hours", "count ; where transit > 2", "count ; where transit > 120"),
        ("over twenty five hours", "count ; where wait > 25", "count ; where wait > 1.041666667"),
        ("two and a half hours or more", "count ; where transit >= 2.5", "count ; where transit >= 150"),
        ("children under 2 years", "count ; where baby_age < 2", "count ; where baby_age < 24"),
        ("under half a year", "count ; where baby_age < 0.5", "count ; where baby_age < 6"),
        ("a girl of 18 months", "predict ; case age = 18", "predict ; case age = 1.5"),
        ("between 2 and 3 hours", "count ; where transit >= 2 & transit <= 3",
         "count ; where transit >= 120 & transit <= 180"),
        ("waiting more than 3 weeks", "count ; where wait > 3", "count ; where wait > 21"),
        ("waiting more than 3 months", "count ; where wait > 3", "count ; where wait > 90"),
        ("a litre and a half... no, 2 litres", "predict ; case volume = 2", "predict ; case volume = 2000"),
        ("50 cents more", "what_if ; change price +50", "what_if ; change price +0.5"),
        ("from 1 to 3 hours", "effect ; feature transit ; start 1 ; stop 3",
         "effect ; feature transit ; start 60 ; stop 180"),
    ],
)  # fmt: skip
def test_another_unit_is_converted(question: str, said: str, wanted: str) -> None:
    assert meant(question, said) == gold(wanted)


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("over 120 minutes", "count ; where transit > 120"),
        ("over 120", "count ; where transit > 120"),
        ("older than 2 years", "count ; where age > 2"),
        ("over 2 hours, older than 2 years", "count ; where age > 2"),
        ("2 hours, and volume over 2", "count ; where volume > 2"),
        ("over 30 hours", "count ; where rate > 30"),
        ("over 30 hours", "count ; where plain > 30"),
        ("20 years at most", "count ; where transit <= 20"),  # 10 million minutes: nobody means that
        ("twice an hour", "what_if ; row 7 ; change transit *2"),
        ("what is row 2 in hours", "predict ; row 2"),
        ("the 2 hours of row 2", "show ; row 2"),
        ("over 2 dollars", "count ; where price > 2"),
    ],
)
def test_what_needs_none_stays(question: str, said: str) -> None:
    assert meant(question, said) == gold(said)


def test_a_question_back_stays() -> None:
    reading = Reading(Clarify(question="row"), 1.0, ())
    assert in_units(reading, Page.of("2 hours", SAMPLES)) is reading


def test_units_and_their_sizes() -> None:
    (hour,), (minute,), (month,), (week,) = map(units_of, ("Hours", "min", "months", "wk"))
    assert (converted(2, hour, minute), converted(90, minute, hour)) == (120, 1.5)
    assert converted(2, month, week) == 8.6
    assert [unit.kind for unit in units_of("cents")] == ["euros", "dollars"]
    assert units_of("thousand dollars")[0].size == 1000
    assert units_of("hours a week") == units_of("") == units_of("years old") == ()


def test_no_plan_of_the_bank_is_changed() -> None:
    """Its writers said numbers as the columns have them: what changes here would be a false alarm."""
    for name in (*DEVELOPMENT, "hospital_stay_days", "delivery_minutes", "boat_price"):
        for one in examples_of(read_domain(QUESTIONS / f"{name}.toml")):
            page = Page.of(one.asked.question, one.schema, one.earlier)
            for outcome in one.asked.golds:
                assert in_units(Reading(outcome, 1.0, ()), page).outcome == outcome, one.asked.question
