"""True sentences that were once withheld, each beside a false one that differs in a number, a name or a sign."""

from __future__ import annotations

import pytest
from verify_case import evidence_by

from askwhy.agent.answer import Draft
from askwhy.agent.plan import Plan, Step
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.engines.flaws import flaw
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.schema import Category, ClassLabel, Feature, Schema, Target
from askwhy.tools.scope import Condition, Scope, Where


def _feature(name: str, *categories: str) -> Feature:
    kind = "category" if categories else "number"
    values = tuple(Category(name=one, label=one, value=one) for one in categories)
    return Feature(name=name, label=name, kind=kind, categories=values)


def _schema(*features: Feature, classes: tuple[str, ...] = ("left", "stayed")) -> Schema:
    return Schema(
        features=features,
        target=Target(name="outcome", label="outcome"),
        task="binary" if len(classes) == 2 else "multiclass" if classes else "regression",
        classes=tuple(ClassLabel(name=one, label=one, value=one) for one in classes),
    )


ODD = _schema(
    _feature("tenure"), _feature("support calls"), _feature("region", "north", "south"), _feature("number of rows"),
    _feature("age group", "18-29", "65+"), _feature("purpose", "car (new)", "held out"),
    _feature("member", "no", "yes"),
)  # fmt: skip


def rejected(draft: Draft, evidence: Evidence, schema: Schema) -> bool:
    plan = Plan(steps=(Step(tool=evidence.tool, arguments=evidence.arguments, scope=evidence.scope),))
    return bool(verify(draft, (evidence,), plan, schema))


def holds(evidence: Evidence, schema: Schema, *faults: tuple[str, str]) -> None:
    """The template's text passes, and none of its versions with a word exchanged does."""
    draft = verbalize((evidence,), schema)
    assert not rejected(draft, evidence, schema), draft.text
    for true, false in faults:
        assert true in draft.text, draft.text
        text = draft.text.replace(true, false, 1)
        assert rejected(Draft(text=text, writer="llm"), evidence, schema), text


def test_the_kind_of_a_flaw_is_a_word_of_the_evidence() -> None:
    words = "region north"
    found = evidence_by(
        "reversal",
        flaw("reversal", "region", words),
        Fact(relation="rule_value", value="north", unit="category", feature="region", group=words),
        Fact(relation="model_rows", value=51, unit="count", group=words),
        Fact(relation="model_inside", value=-0.621, unit="score", group=words),
        Fact(relation="model_outside", value=0.602, unit="score"),
    )
    holds(
        found, ODD, ("a reversal", "a leak"), ("-0.621", "-0.612"), ("51 rows", "52 rows"), ("n north", "n south")
    )  # fmt: skip


def test_a_name_of_ordinary_words_is_no_verb() -> None:
    facts = (
        Fact(relation="top", value=0.404, unit="score", feature="support calls", rank=1),
        Fact(relation="top", value=0.012, unit="score", feature="tenure", rank=2),
    )
    holds(evidence_by("importance", *facts), ODD, ("0.404", "0.405"), ("tenure", "region"))


def test_a_word_of_the_tool_is_no_feature() -> None:
    facts = (
        Fact(relation="held_out", value=400, unit="count"),
        Fact(relation="overall", value=0.14, unit="share"),
        Fact(relation="regions", value=2948, unit="count"),
    )
    holds(
        evidence_by("failure_slices", *facts), ODD, ("2,948", "2,949"), ("conditions are", "conditions of tenure are")
    )


def test_a_number_beside_a_group_is_that_group_s() -> None:
    both, one = "tenure above 40 and region north", "region north"
    found = evidence_by(
        "failure_slices",
        Fact(relation="other_slice", value=0.92, unit="share", group=both, rank=2),
        Fact(relation="other_slice", value=0.89, unit="share", group=one, rank=3),
        Fact(relation="rule_above", value=40, unit="feature", feature="tenure", group=both),
        Fact(relation="rule_value", value="north", unit="category", feature="region", group=both),
    )
    holds(found, ODD, ("north (92%)", "north (89%)"), ("(89%)", "(92%)"), ("(92%)", "(91%)"))


def test_a_short_description_that_begins_like_a_long_one() -> None:
    short, long = "tenure at most 65 months", "tenure at most 65 months and region north"
    schema = _schema(_feature("tenure").model_copy(update={"unit": "months"}), _feature("region", "north", "south"))
    found = evidence_by(
        "failure_slices",
        Fact(relation="slice_rows", value=281, unit="count", group=short),
        Fact(relation="slice_wrong", value=236, unit="count", group=short),
        Fact(relation="slice_rate", value=0.84, unit="share", group=short),
        Fact(relation="rest_rate", value=0.51, unit="share"),
        Fact(relation="rule_at_most", value=65, unit="feature", feature="tenure", group=short),
        Fact(relation="other_slice", value=0.77, unit="share", group=long, rank=2),
        Fact(relation="rule_value", value="north", unit="category", feature="region", group=long),
    )
    holds(found, schema, (f"{short}:", f"{short} and region south:"), ("236", "237"), ("84%", "51%"), ("65 m", "66 m"))


def test_the_brier_score_is_no_output() -> None:
    reviews = Schema(
        features=(Feature(name="text", label="text", kind="text"),), target=Target(name="mood", label="mood"),
        task="binary", classes=tuple(ClassLabel(name=one, label=one, value=one) for one in ("glum", "merry")),
        modality="text",
    )  # fmt: skip
    group = "the word “form”"
    found = evidence_by(
        "cue_check",
        flaw("shortcut", None, group).model_copy(update={"at": "form"}),
        Fact(relation="marker", value=0.56, unit="points", group=group),
        Fact(relation="gain", value=1.0, unit="share", group=group),
    )
    holds(found, reviews, ("falls by 100%", "rises by 100%"), ("100%", "90%"), ("56", "57"))


def _selected(*conditions: Condition) -> Scope:
    return Scope(where=Where.of(*conditions))


OLD = Condition(on="feature", feature="tenure", op="ge", value=30.9)
FLIPS = evidence_by(
    "flip_rate",
    Fact(relation="flips", value=4, unit="count", feature="member"),
    Fact(relation="flip_rows", value=55, unit="count"),
    Fact(relation="flip_rate", value=0.073, unit="share", feature="member"),
    scope=_selected(OLD),
)
_FLIP = (
    "If only member were different, the prediction would flip for 4 of 55 rows with tenure of at least 30.9, which is "
)


@pytest.mark.parametrize(
    ("text", "true"),
    [
        (_FLIP + "7.3%.", True),
        (_FLIP + "7.4%.", False),
        (_FLIP.replace("least", "most") + "7.3%.", False),
        (_FLIP.replace("30.9", "30.8") + "7.3%.", False),
        (_FLIP.replace("30.9", "30.9 months") + "7.3%.", False),
        (_FLIP.replace("with tenure", "not with tenure") + "7.3%.", False),
        (_FLIP.replace("member", "region") + "7.3%.", False),
    ],
)
def test_a_selection_is_read_apart(text: str, true: bool) -> None:
    assert rejected(Draft(text=text, writer="llm"), FLIPS, ODD) is not true


NOT_LEFT = Condition(on="predicted", op="ne", value="left")
_SHOWN = "There are 72 rows not predicted as left, which is 30% of all 240."


@pytest.mark.parametrize(
    ("text", "true"),
    [
        (_SHOWN, True),
        (_SHOWN.replace("not predicted", "predicted"), False),
        (_SHOWN.replace("left", "stayed"), False),
        (_SHOWN.replace("72", "73"), False),
    ],
)
def test_a_selection_has_its_own_not(text: str, true: bool) -> None:
    facts = (
        Fact(relation="count", value=72, unit="count"),
        Fact(relation="total", value=240, unit="count"),
        Fact(relation="share", value=0.3, unit="share"),
    )
    schema = _schema(_feature("tenure"), classes=("left", "stayed", "moved"))
    found = evidence_by("count", *facts, scope=_selected(NOT_LEFT))
    assert rejected(Draft(text=text, writer="llm"), found, schema) is not true


def test_the_class_of_a_mistake_is_that_of_its_row() -> None:
    schema = _schema(_feature("tenure"), classes=("left", "stayed", "moved"))
    found = evidence_by(
        "mistakes",
        Fact(relation="held_out", value=60, unit="count"),
        Fact(relation="involving", value=2, unit="count", cls="left"),
        Fact(relation="mistake", value=0.72, unit="probability", cls="stayed", row="80"),
        Fact(relation="mistake", value=0.57, unit="probability", cls="moved", row="14"),
    )
    holds(
        found, schema, ("stayed with 72%", "moved with 72%"), ("72%", "57%"), ("row 80", "row 81"),
        ("do with left", "do with moved"),
    )  # fmt: skip


def test_the_smallest_value_over_one_row() -> None:
    found = evidence_by(
        "statistic",
        Fact(relation="statistic", value=-3.2, unit="feature", feature="tenure", group="smallest", row="18"),
        Fact(relation="rows", value=1, unit="count"),
    )
    text = "The smallest tenure over 1 row is -3.2, for instance that of row 18."
    assert not rejected(Draft(text=text, writer="llm"), found, ODD)
    for true, false in (("smallest", "largest"), ("-3.2", "3.2"), ("1 row", "2 rows"), ("row 18", "row 19")):
        assert rejected(Draft(text=text.replace(true, false), writer="llm"), found, ODD), false


def test_values_with_brackets_digits_and_the_word_for_rows() -> None:
    found = evidence_by(
        "show",
        Fact(relation="cell", value="car (new)", unit="category", feature="purpose", row="7"),
        Fact(relation="cell", value="18-29", unit="category", feature="age group", row="7"),
        Fact(relation="cell", value=12, unit="feature", feature="number of rows", row="7"),
        scope=Scope(row="7"),
    )
    holds(found, ODD, ("car (new)", "held out"), ("18-29", "65+"), ("of rows 12", "of rows 13"), ("row 7", "row 8"))


def test_a_rank_beyond_the_tenth() -> None:
    facts = [
        Fact(relation="importance", value=0.5 - place / 100, unit="score", feature=f"x{place}", rank=place)
        for place in range(1, 14)
    ]
    schema = _schema(*(_feature(f"x{place}") for place in range(1, 14)))
    found = evidence_by("importance", *facts)
    assert not rejected(Draft(text="x12 ranks 12th of the features.", writer="llm"), found, schema)
    assert rejected(Draft(text="x12 ranks 11th of the features.", writer="llm"), found, schema)


def test_held_out_is_no_purpose() -> None:
    selected = Condition(on="feature", feature="purpose", value="car (new)")
    found = evidence_by(
        "score",
        Fact(relation="held_out", value=60, unit="count"),
        Fact(relation="score", value=0.84, unit="share", group="accuracy"),
        scope=_selected(selected),
    )
    text = "Over 60 rows with purpose car (new), held out from training, the accuracy is 84%."
    assert not rejected(Draft(text=text, writer="llm"), found, ODD)
    for true, false in (("car (new)", "held out"), ("84%", "85%"), ("60", "61")):
        assert rejected(Draft(text=text.replace(true, false), writer="llm"), found, ODD), false
