"""Selections, instances and changes in words."""

from __future__ import annotations

from typing import Any

import pytest
from credit_words import CREDIT, HOUSES, REVIEWS

from askwhy.agent.plan import Plan, Ref, Step
from askwhy.agent.scope_words import changes_words, instance_words, scope_words, where_words
from askwhy.agent.understood import understood
from askwhy.tools.scope import AnyOf, Argument, Assignment, Change, Condition, Scope, Where


def words(*conditions: Condition) -> str:
    return where_words(Where.of(*conditions), CREDIT)


def on(feature: str, op: str, value: Any = None, negated: bool = False) -> Condition:
    return Condition(feature=feature, op=op, value=value, negated=negated)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        (on("age", "gt", 40), "older than 40"),
        (on("age", "lt", 30), "younger than 30"),
        (on("age", "ge", 40), "aged 40 or older"),
        (on("age", "gt", 40, negated=True), "aged 40 or younger"),
        (on("age", "eq", 40), "aged 40"),
        (on("age", "ne", 40), "not aged 40"),
        (on("sex", "eq", "female"), "with sex female"),
        (on("sex", "eq", "female", negated=True), "with sex other than female"),
        (on("sex", "ne", "female", negated=True), "with sex female"),
        (on("purpose", "eq", "tv"), "with purpose radio or TV"),
        (on("duration", "gt", 24), "with credit duration longer than 24 months"),
        (on("duration", "lt", 1), "with credit duration shorter than 1 month"),
        (on("duration", "ge", 24), "with credit duration of at least 24 months"),
        (on("term", "le", 24), "with credit duration of at most 24 months"),
        (on("duration", "eq", 24), "with credit duration 24 months"),
        (on("amount", "gt", 12345.5), "with credit amount larger than 12,345.5 DM"),
        (on("weight", "gt", 80), "with weight above 80 kg"),
        (on("weight", "lt", 80), "with weight below 80 kg"),
        (on("guarantor", "eq", True), "with guarantor yes"),
        (on("joined", "gt", "2020-01-31"), "with joining date after 2020-01-31"),
        (on("joined", "ge", "2020-01-31", negated=True), "with joining date before 2020-01-31"),
        (on("age", "missing"), "with age missing"),
        (on("age", "missing", negated=True), "with age not missing"),
        (on("purpose", "contains", "ca"), "with purpose containing “ca”"),
        (Condition(on="predicted", value="1"), "predicted as approved"),
        (Condition(on="predicted", value="approved", negated=True), "not predicted as approved"),
        (Condition(on="actual", op="ne", value="0"), "not actually declined"),
        (Condition(on="correct"), "that the model gets right"),
        (Condition(on="correct", value=False), "that the model gets wrong"),
        (Condition(on="correct", value=True, negated=True), "that the model gets wrong"),
        (Condition(on="id", value="12"), "with id 12"),
        (Condition(on="id", value="12", negated=True), "with id other than 12"),
        (Condition(on="previous"), "selected before"),
        (Condition(on="previous", negated=True), "not selected before"),
    ],
)
def test_one_condition(condition: Condition, said: str) -> None:
    assert words(condition) == said


def test_conditions_are_joined() -> None:
    some = words(on("sex", "eq", "female"), on("age", "lt", 30), on("duration", "gt", 24), Condition(on="correct"))
    assert some == (
        "younger than 30 and with sex female and credit duration longer than 24 months and that the model gets right"
    )


def test_any_of() -> None:
    one_of = AnyOf(any=(on("purpose", "eq", "car"), on("purpose", "eq", "business"), on("purpose", "eq", "tv")))
    either = AnyOf(any=(on("age", "lt", 25), on("age", "gt", 60)))
    assert where_words(Where(all=(one_of,)), CREDIT) == "with purpose car, business or radio or TV"
    assert where_words(Where(all=(either,)), CREDIT) == "either younger than 25 or older than 60"
    both = where_words(Where(all=(either, AnyOf(any=(on("sex", "eq", "male"),)), one_of)), CREDIT)
    assert both == (
        "with purpose car, business or radio or TV and with sex male and either younger than 25 or older than 60"
    )
    classes = AnyOf(any=(Condition(on="predicted", value="0"), Condition(on="predicted", value="1")))
    assert where_words(Where(all=(classes,)), CREDIT) == "predicted as declined or approved"
    ids = AnyOf(any=tuple(Condition(on="id", value=one) for one in ("3", "17")))
    assert where_words(Where(all=(ids,)), CREDIT) == "with id 3 or 17"
    nots = AnyOf(any=(on("sex", "ne", "male"), on("sex", "eq", "male")))
    assert where_words(Where(all=(nots,)), CREDIT) == "either with sex other than male or with sex male"


def test_a_predicted_number_and_a_text() -> None:
    dear = Where.of(Condition(on="predicted", op="gt", value=250000))
    assert where_words(dear, HOUSES) == "with predicted sale price above 250,000 €"
    assert (
        where_words(Where.of(Condition(on="actual", op="le", value=5)), HOUSES)
        == "with actual sale price of at most 5 €"
    )
    assert where_words(Where.of(on("text", "contains", "refund")), REVIEWS) == "containing “refund”"
    assert where_words(Where.of(on("text", "contains", "refund", negated=True)), REVIEWS) == "not containing “refund”"


@pytest.mark.parametrize(
    ("change", "what", "after_with", "after_if"),
    [
        (
            Change(feature="term", action="decrease", value=12),
            "credit duration",
            "12 months shorter",
            "12 months shorter",
        ),
        (Change(feature="term", action="increase", value=-1), "credit duration", "1 month shorter", "1 month shorter"),
        (Change(feature="age", action="increase", value=5), "age", "5 years higher", "5 years higher"),
        (Change(feature="weight", action="decrease", value=2.5), "weight", "2.5 kg lower", "2.5 kg lower"),
        (Change(feature="duration", value=24), "credit duration", "set to 24 months", "24 months"),
        (Change(feature="purpose", value="tv"), "purpose", "set to radio or TV", "radio or TV"),
        (Change(feature="age", action="scale", value=1.1), "age", "multiplied by 1.1", "multiplied by 1.1"),
        (Change(action="remove", words="bad"), "“bad”", "removed", "removed"),
        (Change(action="replace", words="bad", value="good"), "“bad”", "replaced by “good”", "replaced by “good”"),
        (Change(action="insert", value="very"), "“very”", "added", "added"),
    ],
)
def test_changes(change: Change, what: str, after_with: str, after_if: str) -> None:
    assert changes_words((change,), CREDIT) == f"{what} {after_with}"
    assert changes_words((change,), CREDIT, "if") == f"{what} were {after_if}"


def test_a_whole_scope() -> None:
    shorter = Change(feature="duration", action="decrease", value=12)
    assert scope_words(Scope(), CREDIT) == ""
    assert scope_words(Scope(row="12"), CREDIT) == ""
    assert scope_words(Scope(where=Where.of(on("age", "gt", 40))), CREDIT) == " older than 40"
    assert scope_words(Scope(changes=(shorter,)), CREDIT) == " with credit duration 12 months shorter"
    assert scope_words(Scope(changes=(shorter,)), CREDIT, changes=False) == ""
    both = Scope(where=Where.of(on("age", "gt", 40)), changes=(shorter,))
    assert scope_words(both, CREDIT) == " older than 40 (each with credit duration 12 months shorter)"
    assert instance_words(Scope(), CREDIT) is None
    assert instance_words(Scope(row="12"), CREDIT) == "applicant 12"
    assert (
        instance_words(Scope(row="12", changes=(shorter,)), CREDIT)
        == "applicant 12 with credit duration 12 months shorter"
    )
    assert instance_words(Scope(case=(Assignment(feature="age", value=40),)), CREDIT) == "your case"
    assert instance_words(Scope(text="Great."), REVIEWS) == "your text"


def test_unknown_names_are_said_as_they_are() -> None:
    assert words(on("no\nsuch", "gt", 3)) == "with no such above 3"
    assert words(on("purpose", "eq", "boat")) == "with purpose boat"
    assert words(Condition(on="predicted", value="perhaps")) == "predicted as perhaps"


def one_step(tool: str, arguments: tuple[Argument, ...] = (), **scope: Any) -> str:
    return understood(Plan(steps=(Step(tool=tool, arguments=arguments, scope=Scope(**scope)),)), CREDIT)


def test_how_a_question_was_understood() -> None:
    assert one_step("count") == "how many applicants are there"
    assert one_step("count", where=Where.of(on("age", "gt", 40))).count("older than 40") == 1
    assert one_step("count", where=Where.of(on("sex", "eq", "male"))).count("applicants with sex male") == 1
    assert one_step("predict") == "what the model predicts"
    assert one_step("predict", row="12") == "what do you predict for applicant 12"
    changed = one_step("predict", row="12", changes=(Change(feature="duration", value=6),))
    assert changed == "what do you predict for applicant 12, with credit duration set to 6 months"
    case = one_step("predict", case=(Assignment(feature="age", value=40), Assignment(feature="purpose", value="car")))
    assert case == "what do you predict for your case (age 40 years and purpose car)"


def test_changes_are_a_what_if() -> None:
    longer = (Change(feature="duration", action="increase", value=6),)
    said = "what if credit duration were 6 months longer"
    assert one_step("what_if", row="12", changes=longer) == f"{said}, for applicant 12"
    old = Where.of(on("age", "gt", 40))
    assert one_step("what_if", where=old, changes=longer) == f"{said}, for applicants older than 40"


def test_several_steps_and_references() -> None:
    steps = (Step(tool="count"), Step(tool="predict", refs=(Ref(into="row", step=1, relation="worst_mistake"),)))
    assert understood(Plan(steps=steps), CREDIT) == (
        "how many applicants are there; then what do you predict for the applicant found in step 1 (worst mistake)"
    )
