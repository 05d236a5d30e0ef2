"""Faults that once got through, each with the true text beside it: by place, in lists, by group, by their own words."""

from __future__ import annotations

import pytest
from verify_case import evidence_by
from verify_schemas import LOANS, SPECIES

from askwhy.agent.answer import Draft
from askwhy.agent.plan import Plan, Step
from askwhy.agent.verify import false_statements, verify
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Scope


def rejected(text: str, evidence: Evidence, schema: Schema) -> bool:
    plan = Plan(steps=(Step(tool=evidence.tool, scope=evidence.scope),))
    return bool(verify(Draft(text=text, writer="llm"), (evidence,), plan, schema))


ANCHOR = evidence_by(
    "anchor",
    Fact(relation="anchor", value=True, cls="1", group="age above 40", row="12"),
    Fact(relation="condition", value=40, unit="feature", feature="age"),
    Fact(relation="precision_low", value=0.951, unit="share"),
    Fact(relation="draws", value=1000, unit="count"),
    Fact(relation="measured", value=0.972, unit="share"),
    Fact(relation="covered", value=97, unit="count"),
    Fact(relation="coverage", value=0.27, unit="share"),
    scope=Scope(row="12"),
)
_RULE = (
    "With age above 40, the model predicts approved, as for applicant 12, in at least {} of cases drawn from the data "
)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        (_RULE.format("95%") + "under this rule.", True),
        (_RULE.format("97%") + "under this rule.", False),  # the share that was measured on fresh draws
        (_RULE.format("27%") + "under this rule.", False),
        (_RULE.format("95%").replace("at least", "at most") + "under this rule.", False),
        ("For applicant 12 and age above 40, approved holds in no more than 95% of draws.", False),
    ],
)
def test_a_number_stands_in_its_own_place(text: str, true: bool) -> None:
    assert rejected(text, ANCHOR, LOANS) is not true


SHAPES = evidence_by(
    "null_control",
    Fact(relation="within", value=0.96, feature="age", unit="score"),
    Fact(relation="within", value=0.85, feature="housing", unit="score"),
    Fact(relation="beyond", value=0.95, feature="duration", unit="score"),
)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("That is not shown for age (0.96) and housing (0.85).", True),
        ("That is not shown for age (0.85) and housing (0.96).", False),
        ("That is not shown for age (0.95) and housing (0.85).", False),
        ("That is shown for age (0.96) and housing (0.85).", False),
        ("That is not shown for age (0.96) and age (0.96).", False),
    ],
)
def test_a_list_holds_what_its_lead_says(text: str, true: bool) -> None:
    assert rejected(text, SHAPES, LOANS) is not true


KINDS = evidence_by(
    "strategies",
    Fact(relation="about_class", value="Adelie", unit="class", cls="Adelie"),
    Fact(relation="first", value=0.293, unit="points", feature="bill", cls="Adelie", group="one"),
    Fact(relation="second", value=-0.079, unit="points", feature="bill", cls="Adelie", group="other"),
)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("Bill length raises it by 29.3 percentage points in one group.", True),
        ("Bill length lowers it by 29.3 percentage points in one group.", False),
        ("Bill length does not raise it by 29.3 percentage points in one group.", False),
        ("Bill length lowers it by 7.9 percentage points in the other group.", True),
        ("Bill length raises it by 7.9 percentage points in the other group.", False),
    ],
)
def test_a_direction_is_that_of_the_size_beside_it(text: str, true: bool) -> None:
    assert rejected(text, KINDS, SPECIES) is not true


REASONS = evidence_by(
    "explain",
    Fact(relation="attribution", value=-0.13, unit="points", feature="duration", at=48, cls="1", rank=1),
    Fact(relation="attribution", value=0.06, unit="points", feature="age", at=22, cls="1", rank=2),
)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("What lowers the probability of approved most: duration (48 months).", True),
        ("What raises the probability of approved most: duration (48 months).", False),
        ("What lifts the probability of approved most: age (22 years).", True),
        ("Duration (48 months) lowers the probability of approved by 13 pp, so it is 13 pp lower.", True),
        ("Duration ranks first and age ranks second.", True),
        ("Duration ranks second and age ranks first.", False),
    ],
)
def test_a_heading_holds_of_what_follows(text: str, true: bool) -> None:
    assert rejected(text, REASONS, LOANS) is not true


IMPORTANCES = evidence_by(
    "importance",
    Fact(relation="importance", value=0.16, feature="duration", rank=1),
    Fact(relation="importance", value=0.005, feature="age", rank=2),
    Fact(relation="importance", value=-0.01, feature="purpose", rank=3),
)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        ("Age ranks second of the features.", True),
        ("Age ranks third of the features.", False),
        ("Purpose ranks third of the features.", True),
        ("Purpose ranks second of the features.", False),
    ],
)
def test_an_importance_below_zero_is_the_least(text: str, true: bool) -> None:
    assert rejected(text, IMPORTANCES, LOANS) is not true


PAIRS = evidence_by(
    "agree",
    Fact(relation="shared", value=3, unit="count", group="SHAP and LIME"),
    Fact(relation="shared", value=2, unit="count", group="SHAP and occlusion"),
    method="SHAP, LIME and occlusion",
)


@pytest.mark.parametrize(
    ("text", "true"), [("SHAP and LIME share 3 features.", True), ("SHAP and LIME share 2 features.", False)]
)
def test_a_number_is_that_of_the_group_before_it(text: str, true: bool) -> None:
    assert rejected(text, PAIRS, LOANS) is not true


def test_counts_of_classes_are_told_apart() -> None:
    counts = evidence_by(
        "label",
        Fact(relation="actual_count", value=2, unit="count", cls="1"),
        Fact(relation="actual_count", value=1, unit="count", cls="0"),
    )
    assert not rejected("In truth, 1 of them is declined and 2 of them are approved.", counts, LOANS)
    assert rejected("In truth, 1 of them is declined and 2 of them are declined.", counts, LOANS)


def test_prose_of_others_is_not_asked_for_our_words() -> None:
    text = "Glancing at this magnificent applicant, duration lowers the probability of approved."
    plan = Plan(steps=(Step(tool="explain"),))
    assert false_statements(text, (REASONS,), plan, LOANS) == ()
    assert false_statements(text.replace("lowers", "raises"), (REASONS,), plan, LOANS) != ()
    assert rejected(text, REASONS, LOANS)


def test_two_classes_may_have_the_same_count() -> None:
    counts = evidence_by(
        "label",
        Fact(relation="actual_count", value=4, unit="count", cls="1"),
        Fact(relation="actual_count", value=4, unit="count", cls="0"),
    )
    assert not rejected("In truth, 4 of them are declined and 4 of them are approved.", counts, LOANS)


_AREA = "age above 40 and duration at most 24"
REGIONS = evidence_by(
    "failure_slices",
    Fact(relation="flaw", value="weak region", unit="", feature="housing", group=_AREA),
    Fact(relation="region_rows", value=31, unit="count", group=_AREA),
    Fact(relation="region_rate", value=0.9, unit="share", group=_AREA),
    Fact(relation="region_expected", value=0.095, unit="share", group=_AREA),
    Fact(relation="rule_above", value=40, unit="feature", feature="age", group=_AREA),
    Fact(relation="rule_at_most", value=24, unit="feature", feature="duration", group=_AREA),
    Fact(relation="slice_rows", value=12, unit="count", group="duration at most 24 and age above 40 and housing own"),
)
_WEAK = (
    "With {}, mistakes are more than close cases explain, which is a {}: "
    "the model is wrong about 90% of 31 applicants, where 9.5% were to be expected."
)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        (_WEAK.format("age above 40 and duration at most 24", "weak region"), True),
        (_WEAK.format("age above 40 and duration at most 24", "reversal"), False),
        (_WEAK.format("age above 40 and duration at most 36", "weak region"), False),
        (_WEAK.format("age above 40 and duration at most 24 and housing rent", "weak region"), False),
    ],
)
def test_an_accusation_names_its_kind_and_its_group(text: str, true: bool) -> None:
    assert rejected(text, REGIONS, LOANS) is not true
