"""Rules, groups and selections that a text says otherwise than the evidence, and sentences copied with one slip."""

from __future__ import annotations

from functools import cache

import pytest

from askwhy.agent.answer import Draft
from askwhy.agent.plan import Plan, Step
from askwhy.agent.run import Runner
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.agent.verify.bounds import runs
from askwhy.agent.verify.check_copies import check_copies, own_words
from askwhy.agent.verify.ground import Ground
from askwhy.agent.verify.reading import Reading
from askwhy.tools.evidence import Evidence
from askwhy.tools.schema import Schema
from askwhy.tools.scope import AnyOf, Argument, Change, Condition, Scope, Where
from askwhy.tools.subjects.builtin import builtin

WHERE = Where(
    all=(
        AnyOf(any=(Condition(feature="island", op="ne", value="Dream"),)),
        AnyOf(any=(Condition(feature="body_mass_g", op="ge", value=3500),)),
    )
)


@cache
def asked(tool: str, feature: str = "", scope: Scope | None = None) -> tuple[Evidence, Schema]:
    subject = builtin("penguins")
    arguments = (Argument(name="feature", value=feature),) if feature else ()
    plan = Plan(steps=(Step(tool=tool, arguments=arguments, scope=scope or Scope()),))
    return Runner().run(plan, subject).evidence[0], subject.schema


def rejected(text: str, evidence: Evidence, schema: Schema) -> bool:
    plan = Plan(steps=(Step(tool=evidence.tool, arguments=evidence.arguments, scope=evidence.scope),))
    return bool(verify(Draft(text=text, writer="llm"), (evidence,), plan, schema))


def otherwise(found: tuple[Evidence, Schema], true: str, false: str) -> None:
    """The tool's own text passes, the same with these words exchanged does not."""
    evidence, schema = found
    text = verbalize((evidence,), schema).text
    assert true in text, text
    assert not rejected(text, evidence, schema)
    assert rejected(text.replace(true, false, 1), evidence, schema), text.replace(true, false, 1)


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("body mass above", "body mass at most"),
        ("body mass above", "body mass below"),
        ("body mass at most", "body mass at least"),
    ],
)
def test_the_side_of_a_group_may_not_be_turned_around(true: str, false: str) -> None:
    otherwise(asked("group_compare", "body_mass_g"), true, false)


def test_both_bounds_of_a_group_belong_together() -> None:
    evidence, schema = asked("group_compare", "body_mass_g")
    text = verbalize((evidence,), schema).text
    low = text.split("body mass above ")[1].split(" ")[0]
    assert rejected(text.replace(f"body mass above {low} and", f"body mass below {low} and", 1), evidence, schema)


@pytest.mark.parametrize(
    ("true", "false"),
    [
        ("island other than Dream and", "island Dream and"),
        ("island other than Dream and body mass", "body mass other than Dream and island"),
        ("of at least 3,500", "of at most 3,500"),
    ],
)
def test_a_selection_is_said_as_it_was_made(true: str, false: str) -> None:
    otherwise(asked("score", scope=Scope(where=WHERE)), true, false)


def test_what_is_set_is_no_selection() -> None:
    scope = Scope(where=WHERE, changes=(Change(feature="island", action="set", value="Dream"),))
    otherwise(asked("predict", scope=scope), "island other than Dream and", "island Dream and")


def test_runs_are_read_from_anybodys_prose() -> None:
    evidence, schema = asked("score", scope=Scope(where=WHERE))
    ground = Ground((evidence,), Plan(steps=(Step(tool="score"),)), schema)
    said = "Birds with body mass over 3,500 g and at most 4,000 g, or with sex female, on the island of Biscoe."
    (mass, sex, island) = runs(Reading(said, ground))
    assert [(one.feature, one.side, one.value) for one in mass.bounds] == [
        ("body_mass_g", "above", 3500), ("body_mass_g", "below", 4000)
    ]  # fmt: skip
    assert [(one.feature, one.side, one.value) for one in (*sex.bounds, *island.bounds)] == [
        ("sex", "is", "female"), ("island", "is", "Biscoe")
    ]  # fmt: skip
    (double,) = runs(Reading("Those with body mass not above 3,500 g.", ground))
    assert double.bounds[0].side == "below"


@pytest.mark.parametrize(
    ("tool", "true", "false"),
    [
        ("shortcut_check", "No shortcut was found", "A shortcut was found"),
        ("score", "accuracy", "recall"),
        ("data_summary", "features", "rows"),
    ],
)
def test_a_copied_sentence_in_other_words_is_a_matter_of_other_checks(tool: str, true: str, false: str) -> None:
    """Only what is surely a slip is called one here: no other noun."""
    evidence, schema = asked(tool)
    text = verbalize((evidence,), schema).text.replace(true, false, 1)
    ground = Ground((evidence,), Plan(steps=(Step(tool=tool),)), schema)
    assert [*check_copies(Reading(text, ground), own_words(ground))] == []


@pytest.mark.parametrize(
    ("kind", "true", "false"),
    [
        ("V1", "68 are", "69 are"),
        ("V2", "are missing", "are not missing"),
        ("V4", "island", "sex"),
    ],
)
def test_a_copied_sentence_with_one_thing_changed_is_a_slip(kind: str, true: str, false: str) -> None:
    evidence, schema = asked("data_summary")
    text = verbalize((evidence,), schema).text
    assert true in text, text
    ground = Ground((evidence,), Plan(steps=(Step(tool="data_summary"),)), schema)
    assert [*check_copies(Reading(text, ground), own_words(ground))] == []
    assert [one.check for one in check_copies(Reading(text.replace(true, false, 1), ground), own_words(ground))] == [
        kind
    ]
