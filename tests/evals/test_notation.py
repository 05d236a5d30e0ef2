"""TalkToModel's and CoXQL's notation against plans, on parses of our own."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from askwhy.agent.plan import Clarify, Decline, Plan, Step
from askwhy.evals.coxql import read_coxql, text_schema, typed_text_plan
from askwhy.evals.notation import Spelling, operations, parts, read_parse, slots, typed_plan, written
from askwhy.evals.parsing_golds import coxql_golds, talktomodel_golds
from askwhy.tools.schema import Category, ClassLabel, Feature, Schema, Target
from askwhy.tools.scope import AnyOf, Change, Condition, Scope, Where, arguments_of

SHOP = Schema(
    features=(
        Feature(name="Age", label="age", kind="integer"),
        Feature(
            name="colour",
            label="colour",
            kind="category",
            categories=tuple(Category(name=one, label=one, value=one) for one in ("red", "dark blue")),
            columns=("colour_red", "colour_dark blue"),
        ),
        Feature(
            name="is_member",
            label="member",
            kind="boolean",
            categories=(Category(name="0", label="no", value=0), Category(name="1", label="yes", value=1)),
        ),
        Feature(
            name="town",
            label="town",
            kind="category",
            categories=tuple(Category(name=one[0], label=one, value=one[0]) for one in ("Rome", "Oslo", "Bern")),
        ),
    ),
    target=Target(name="buys", label="buys"),
    task="binary",
    classes=(ClassLabel(name="0", label="leaves", value=0), ClassLabel(name="1", label="buys", value=1)),
)


def step(
    called: str, /, *conditions: Condition, row: str | None = None, changes: tuple[Change, ...] = (), **given: object
) -> Step:
    scope = Scope(where=Where.of(*conditions), row=row, changes=changes)
    return Step(tool=called, scope=scope, arguments=arguments_of(given))


@pytest.mark.parametrize(
    ("parse", "typed"),
    [
        ("filter age greater than 40 and countdata [E]", {("filter", "age", "gt", "40"), ("countdata",)}),
        ("Filter AGE less equal than 4.50 and Show [e]", {("filter", "age", "le", "4.5"), ("show",)}),
        ("filter pregnancies equal to two and label [E]", {("filter", "pregnancies", "eq", "2"), ("label",)}),
        ("filter married true and predict [E]", {("filter", "married", "eq", "true"), ("predict",)}),
        ("filter id 12 and explain cfe [E]", {("filter", "id", "12"), ("explain", "cfe")}),
        ("important topk 3 [E]", {("important", "topk", "3")}),
        ("important age and important bmi [E]", {("important", "age"), ("important", "bmi")}),
        ("score accuracy [E]", {("score", "accuracy")}),
        ("mistake typical [E]", {("mistake", "typical")}),
        ("predictionfilter 1 and statistic age [E]", {("predictionfilter", "1"), ("statistic", "age")}),
    ],
)
def test_the_notation(parse: str, typed: set[tuple[str, ...]]) -> None:
    assert read_parse(parse) == typed


@pytest.mark.parametrize(
    "parse",
    ["", "[E]", "fliter age 3", "filter age", "filter", "change age", "change age shrink 3", "important topk",
     "explain", "explain all", "mistake huge", "score a b", "show and ", "show and and show", "predict 3"],
)  # fmt: skip
def test_what_is_not_in_the_notation(parse: str) -> None:
    for read in (read_parse, read_coxql):
        with pytest.raises(ValueError):
            read(parse)


WORDS = st.sampled_from(
    ["filter", "id", "and", "or", "change", "age", "set", "true", "greater", "than", "3", "nlpattribute", "topk",
     "lime", "qatutorial", "[E]", "similar", "ö", "\x00", ""]
)  # fmt: skip


@settings(max_examples=200, deadline=None)
@given(st.lists(WORDS, max_size=8).map(" ".join) | st.text(max_size=30))
def test_any_line_is_read_or_refused(line: str) -> None:
    for read in (read_parse, read_coxql):
        try:
            assert read(line)
        except ValueError as error:
            assert str(error)


def test_order_does_not_count_but_or_does() -> None:
    one = "filter age less than 20 or filter bmi greater than 30 and show [E]"
    assert read_parse(one) == read_parse("show and filter bmi greater than 30 or filter age less than 20 [E]")
    assert read_parse(one) != read_parse(one.replace(" or ", " and "))
    assert parts(read_parse(one)) == 3


def test_after_a_change_class_and_probability_are_one_operation() -> None:
    changed = read_parse("change bmi increase 5 and likelihood [E]")
    assert changed == read_parse("change bmi increase 5 and predict [E]")
    assert read_parse("likelihood [E]") != read_parse("predict [E]")
    assert operations(changed) == ("predict",)


def test_slots_are_a_reading_without_its_operations() -> None:
    assert slots(read_parse("filter age greater than 3 and important topk 2")) == {
        ("filter", "age", "gt", "3"),
        ("topk", "2"),
    }
    assert slots(read_parse("predict")) == slots(read_parse("show")) == frozenset()


def test_what_was_taken_from_the_turn_before_is_told_apart() -> None:
    earlier = Where.of(Condition(feature="age", op="gt", value=1))
    either = AnyOf(any=(Condition(feature="age", value=2), Condition(feature="bmi", value=3)))
    plan = Plan(steps=(Step(tool="show", scope=Scope(where=Where(all=(*earlier.all, either)))),))
    parse = "previousfilter and filter age equal to 2 or filter bmi equal to 3 and show"
    assert typed_plan(plan, earlier) == read_parse(parse)
    assert written(plan, earlier, SHOP) == parse


def test_arguments_of_tools() -> None:
    steps = (
        step("importance", k=3),
        step("compare_features", first="age", second="bmi"),
        step("explain", method="lime"),
        step("score", metric="roc_auc"),
    )
    parse = "important topk 3 and important age and important bmi and explain lime and score roc"
    assert typed_plan(Plan(steps=steps), Where()) == read_parse(parse)
    assert written(Plan(steps=steps), Where(), SHOP) == parse


@pytest.mark.parametrize(
    ("parse", "made", "literal"),
    [
        ("filter colourred true and countdata", step("count", Condition(feature="colour", value="red")), True),
        ("filter colour red and countdata", step("count", Condition(feature="colour", value="red")), False),
        ("filter colourred false and show", step("show", Condition(feature="colour", value="dark blue")), False),
        ("filter colourdarkblue true and show", step("show", Condition(feature="colour", op="ne", value="red")), False),
        ("filter ismember true and predict", step("predict", Condition(feature="is_member", value=1)), True),
        ("filter ismember false and predict", step("predict", Condition(feature="is_member", op="ne", value=1)), True),
        ("filter town Rome and show", step("show", Condition(feature="town", value="R")), False),
        ("predictionfilter buys and show", step("show", Condition(on="predicted", value="1")), False),
        ("predictionfilter 0 and show", step("show", Condition(on="predicted", op="ne", value="1")), False),
        ("self", step("abilities"), False),
        ("score accuracy", step("score"), True),
        ("SCORE  default [e]", step("score", metric="accuracy"), False),
        (
            "filter id 7 and change ismember true and predict",
            step("what_if", row="7", changes=(Change(feature="is_member", value=1),)),
            True,
        ),
        (
            "filter age greater equal than 30 and change age decrease 5 and likelihood",
            step(
                "what_if",
                Condition(feature="Age", op="ge", value=30),
                changes=(Change(feature="Age", action="decrease", value=5),),
            ),
            False,
        ),
    ],
)
def test_one_spelling_for_what_has_several(parse: str, made: Step, literal: bool) -> None:
    marks = talktomodel_golds(SHOP, Where())(parse).marks(Plan(steps=(made,)))
    assert (marks.typed, marks.operations, marks.slots, marks.literal) == (True, True, True, literal)


@pytest.mark.parametrize(
    ("parse", "made"),
    [
        ("filter colourred true and show", step("show", Condition(feature="colour", op="ne", value="red"))),
        ("filter town Rome and show", step("show", Condition(feature="town", value="O"))),
        ("predictionfilter buys and show", step("show", Condition(on="actual", value="1"))),
        ("filter age greater than 30 and show", step("show", Condition(feature="Age", op="ge", value=30))),
        (
            "filter age greater than 30 and show",
            step("show", Condition(feature="Age", op="gt", value=30, negated=True)),
        ),
        ("filter id 7 and show", step("show", row="8")),
    ],
)
def test_what_differs_stays_different(parse: str, made: Step) -> None:
    marks = talktomodel_golds(SHOP, Where())(parse).marks(Plan(steps=(made,)))
    assert (marks.typed, marks.operations, marks.slots, marks.literal) == (False, True, False, False)


REVIEW = text_schema(["predictionfilter Negative and show [E]", "labelfilter positive and show"])


@pytest.mark.parametrize(
    ("parse", "made"),
    [
        ("filter id 4 and nlpattribute topk 5 lime [E]", step("explain_text", row="4", k=5, method="lime")),
        ("Filter ID 4 and NLPattribute all default", step("explain_text", row="4")),
        ("filter id 4 and nlpattribute sentence", step("explain_text", row="4", unit="sentence")),
        (
            "filter id 4 and nlpattribute all integrated_gradients",
            step("explain_text", row="4", method="integrated_gradients"),
        ),
        ("nlpattribute topk 2 default", step("importance_text", k=2)),
        ("filter id 4 and similar 7", step("similar_text", row="4", k=7)),
        ("filter id 4 and similar 3", step("similar_text", row="4")),
        ("filter id 4 and influence topk 6", step("influence_text", row="4", k=6)),
        ("keywords all", step("keywords")),
        ("keywords 9", step("keywords", k=9)),
        ("filter id 4 and rationalize", step("explain_text", row="4")),
        ("filter id 4 and cfe", step("counterfactual_text", row="4")),
        ("filter id 4 and adversarial", step("robustness_text", row="4")),
        ("filter id 4 and augment", step("augment", row="4")),
        ("predictionfilter negative and countdata", step("count", Condition(on="predicted", value="negative"))),
        ("domain", step("method_help", term="fidelity")),
        ("domain", step("method_help", term="SHAP")),
        ("qatutorial qacfe", step("method_help", term="counterfactual")),
        ("qatutorial qada", step("method_help", tool="augment")),
        ("mistake count", step("mistakes", what="count")),
        ("score f1", step("score", metric="f1")),
        ("function", step("abilities")),
        ("data", step("data_summary")),
    ],
)
def test_questions_about_texts(parse: str, made: Step) -> None:
    gold = coxql_golds(REVIEW, Where())(parse)
    assert gold.marks(Plan(steps=(made,))).typed
    assert not gold.marks(Plan(steps=(step("typicality", row="4"),))).typed
    assert not gold.marks(Decline(reason="no_such_tool")).typed


def test_a_text_plan_is_written_as_it_is_asked() -> None:
    parse = "filter id 4 and nlpattribute topk 5 lime"
    gold = coxql_golds(REVIEW, Where())(f"{parse} [E]")
    plan = Plan(steps=(step("explain_text", row="4", k=5, method="lime"),))
    assert gold.marks(plan).literal and gold.shown(plan) == parse == gold.wanted
    assert typed_text_plan(plan, Where()) == {("filter", "id", "4"), ("nlpattribute", "topk", "5", "lime")}


@pytest.mark.parametrize(
    "parse", ["filter id 3 and editlabel positive", "learn", "filter id 3 and nlpattribute all attention"]
)
def test_what_no_tool_does_is_to_be_declined(parse: str) -> None:
    gold = coxql_golds(REVIEW, Where())(parse)
    assert gold.kind == "decline"
    assert gold.marks(Decline(reason="no_such_tool")).typed
    assert not gold.marks(Clarify(question="what?")).typed
    assert not gold.marks(Plan(steps=(step("explain_text", row="3"),))).typed


def test_classes_of_a_text_model_are_those_that_are_named() -> None:
    assert [one.name for one in REVIEW.classes] == ["negative", "positive"]
    assert len(text_schema(["predict"]).classes) == len(text_schema(["labelfilter odd"]).classes) == 2
    assert text_schema(["labelfilter a", "labelfilter b", "labelfilter c"]).task == "multiclass"


def test_spelling_leaves_unknown_names_alone() -> None:
    odd = ("filter", "height", "gt", "3")
    assert Spelling(SHOP)([odd]) == {odd}
