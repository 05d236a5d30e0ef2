"""The judge of readings: what counts for and against one, and how the chances follow from it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_parser import feature, schema, tiny_pieces

from askwhy.agent.parser.batch import Read
from askwhy.agent.parser.decoding import Reading
from askwhy.agent.parser.judge import NONE, SIGNS, UNFITTED, chances_of, judged, merged, signs
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.writing import write
from askwhy.agent.plan import Clarify, Decline, Outcome, Plan
from askwhy.evals.bank import read_golds
from askwhy.evals.pack_parser import weights_of
from askwhy.tools.schema import ClassLabel

AGE = feature("age").model_copy(update={"low": 18, "high": 90})
INCOME = feature("income").model_copy(update={"low": 0, "high": 9000})
PEOPLE = schema(AGE, INCOME, feature("region", kind="category", values=("north", "south")))
CLASSES = (
    ClassLabel(name="no", value="no", label="refusal"), ClassLabel(name="yes", value="yes", label="approval")
)  # fmt: skip
AGED = "how many people aged over 40 in the north"


def read_of(question: str) -> Read:
    return Read.of(Page.of(question, PEOPLE), tiny_pieces())


def reading(read: Read, gold: str, probability: float = 0.5) -> Reading:
    outcome = read_golds([[step] for step in gold.splitlines()], PEOPLE)[0]
    return Reading(outcome, probability, tuple(one[0] for one in write(outcome, read.page)))


def signs_of(question: str, gold: str) -> dict[str, float]:
    """The signs that are not zero, but for the probability."""
    read = read_of(question)
    found = dict(zip(SIGNS, signs(reading(read, gold), read), strict=True))
    return {name: value for name, value in found.items() if value and name != "log_probability"}


@pytest.mark.parametrize(
    ("question", "gold", "expected"),
    [
        ("how many have an age over 40", "count ; where age > 40", {"names_said": 1, "words_said": 1, "in_range": 1}),
        ("how many have an age over 40", "count", {"numbers_left": 1, "names_left": 1, "words_left": 1}),
        (
            "how many have an age over 40",
            "count ; where income > 40",
            {"names_left": 1, "words_left": 1, "names_unsaid": 1, "in_range": 1, "measures_unsaid": 1},
        ),
        (
            "how many have an age over 400",
            "count ; where age > 400",
            {"names_said": 1, "words_said": 1, "out_of_range": 1},
        ),
        ("how many from the north", "count ; where region = north", {"words_said": 1}),
        ("how many from the north", "count", {"values_left": 1, "words_left": 1}),
        ("how many from up there", "count ; where region = north", {"values_unsaid": 1}),
        ("the most important feature", "importance ; k 1", {"numbers_unsaid": 1}),
        ("show row 12 and why", "show ; row 12\nexplain ; row 12", {"more_steps": 1}),
        ("show row 12 and the income", "show ; row 12", {"names_left": 1, "words_left": 1}),
    ],
)
def test_signs(question: str, gold: str, expected: dict[str, float]) -> None:
    assert signs_of(question, gold) == expected


OLDER = read_golds([["count ; where age > 40"]], PEOPLE)[0]


@pytest.mark.parametrize(
    ("question", "gold", "expected"),
    [
        ("how good is the model", "score ; where age > 40", {"back_unsaid"}),
        ("how good is the model for people in this data", "score ; where age > 40", {"back_unsaid"}),
        ("how good is it for them", "score ; where age > 40", set()),
        ("and how good", "score ; where age > 40", set()),
        ("how good is it for them", "score", {"back_left"}),
        ("how good is it", "score", set()),
        ("how good is the model for these data", "score", set()),
    ],
)
def test_pointing_back_is_weighed(question: str, gold: str, expected: set[str]) -> None:
    assert isinstance(OLDER, Plan)
    read = Read.of(Page.of(question, PEOPLE, OLDER.steps), tiny_pieces())
    found = dict(zip(SIGNS, signs(reading(read, gold), read), strict=True))
    assert {name for name, value in found.items() if value and name.startswith("back_")} == expected


@pytest.mark.parametrize(
    ("question", "gold", "expected"),
    [
        ("how likely is a refusal", "likelihood ; cls no", set()),
        ("how likely is a refusal", "likelihood", {"classes_left"}),
        ("how likely is that", "likelihood ; cls no", {"classes_unsaid"}),
    ],
)
def test_classes_are_weighed(question: str, gold: str, expected: set[str]) -> None:
    schema = PEOPLE.model_copy(update={"classes": CLASSES})
    read = Read.of(Page.of(question, schema), tiny_pieces())
    outcome = read_golds([[gold]], schema)[0]
    made = Reading(outcome, 0.5, tuple(one[0] for one in write(outcome, read.page)))
    found = dict(zip(SIGNS, signs(made, read), strict=True))
    assert {name for name, value in found.items() if value and name.startswith("classes_")} == expected


def test_a_question_back_and_a_decline_have_their_own_sign_only() -> None:
    read = read_of(AGED)
    for outcome, name in ((Clarify(question="row"), "ask"), (Decline(reason="not_about_the_model"), "decline")):
        made = Reading(outcome, 0.25, tuple(one[0] for one in write(outcome, read.page)))
        found = dict(zip(SIGNS, signs(made, read), strict=True))
        assert found.pop("log_probability") == pytest.approx(math.log(0.25))
        assert {key for key, value in found.items() if value} == {name}


def test_unfitted_the_order_is_the_network_s() -> None:
    read = read_of(AGED)
    found = [reading(read, "count", 0.2), reading(read, "count ; where age > 40", 0.6)]
    best, other = judged(found, read, UNFITTED)
    assert best.outcome == found[1].outcome
    assert best.probability / other.probability == pytest.approx(3)
    assert best.probability + other.probability == pytest.approx(0.8 / (0.8 + math.exp(UNFITTED[NONE])))


def test_what_is_left_over_counts_against_a_reading() -> None:
    read = read_of(AGED)
    found = [reading(read, "count", 0.5), reading(read, "count ; where age > 40 & region = north", 0.4)]
    best = judged(found, read, UNFITTED | {"numbers_left": -1.0, "values_left": -1.0})[0]
    assert best.outcome == found[1].outcome


def test_no_feature_or_number_is_asked_for_where_a_reading_leaves_nothing_open() -> None:
    read = read_of("how many have an age over 40")
    back = Reading(Clarify(question="feature"), 0.8, (("G", "ask:feature"),))
    amount = Reading(Clarify(question="number"), 0.0, (("G", "ask:number"),))
    other = Reading(Clarify(question="row"), 0.05, (("G", "ask:row"),))
    whole, part = reading(read, "count ; where age > 40", 0.15), reading(read, "count", 0.15)
    found = judged([back, amount, other, whole], read, UNFITTED)
    assert [one.outcome for one in found] == [whole.outcome, other.outcome]
    assert found[0].probability / found[1].probability == pytest.approx(3)
    assert found[0].probability == pytest.approx(0.75 / (1.0 + math.exp(UNFITTED[NONE])))
    assert judged([back, other, part], read, UNFITTED)[0].outcome == back.outcome


def test_a_number_is_asked_for_where_the_question_has_none() -> None:
    read = read_of("how important is age")
    back = Reading(Clarify(question="number"), 0.6, (("G", "ask:number"),))
    whole = reading(read, "importance ; features age", 0.3)
    assert {one.outcome for one in judged([back, whole], read, UNFITTED)} == {back.outcome, whole.outcome}


def test_ways_to_write_the_same_reading_are_counted_together() -> None:
    one, other = (reading(read_of(AGED), gold).outcome for gold in ("count", "importance"))
    ways: list[tuple[Outcome, float]] = [(one, 0.3), (other, 0.35), (one, 0.1), (Clarify(question="row"), 0.02)]
    found = merged([Reading(outcome, share, (("N", i),)) for i, (outcome, share) in enumerate(ways)])
    assert [(made.outcome, made.actions) for made in found] == [
        (one, (("N", 0),)), (other, (("N", 1),)), (Clarify(question="row"), (("N", 3),))
    ]  # fmt: skip
    assert [made.probability for made in found] == pytest.approx([0.4, 0.35, 0.02])


def test_without_readings_there_are_none() -> None:
    assert judged([], read_of(AGED), UNFITTED) == []


rows = st.lists(st.tuples(*[st.floats(-9, 3) for _ in SIGNS]), min_size=1, max_size=5)
weights = st.tuples(*[st.floats(-5, 5) for _ in (*SIGNS, NONE)])


@given(rows, weights)
def test_chances_are_shares_of_one(several: list[tuple[float, ...]], given_weights: tuple[float, ...]) -> None:
    found = chances_of(several, given_weights)
    assert len(found) == len(several) + 1
    assert found.min() >= 0 and found.sum() == pytest.approx(1)


def test_fitted_weights_find_the_sign_that_tells_right_from_wrong() -> None:
    def of(sign: str, probability: float) -> tuple[float, ...]:
        return tuple(math.log(probability) if name == "log_probability" else float(name == sign) for name in SIGNS)

    left, plain = of("numbers_left", 0.5), of("", 0.5)
    cases = [([left, plain], [0.0, 1.0, 0.0])] * 30 + [([left, plain], [1.0, 0.0, 0.0])] * 3
    cases += [([plain], [0.0, 1.0])] * 5 + [([plain], [1.0, 0.0])] * 20
    found = dict(zip((*SIGNS, NONE), weights_of(cases), strict=True))
    assert found["numbers_left"] < -1
    chances = chances_of([left, plain], list(found.values()))
    assert chances[1] > 0.6 > chances[0]
