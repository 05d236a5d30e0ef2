"""Patterns filled with hand-made evidence, by a toy tool of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Literal

import pytest
from credit_words import CREDIT, REVIEWS, evidence_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from askwhy.agent.answer import Draft
from askwhy.agent.pattern import Listing, Slot, parse
from askwhy.agent.plan import Plan, Step
from askwhy.agent.understood import understood
from askwhy.agent.verbalize import verbalize
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact
from askwhy.tools.registry import ClassName, FeatureName, Needs, Says, ask, tool, tools, unregister
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import Argument, Change, Condition, Scope, Where
from askwhy.tools.view import View

OLD = Where.of(Condition(feature="age", op="gt", value=40))
SHORTER = (Change(feature="duration", action="decrease", value=12),)

Say = Callable[..., Draft]


@pytest.fixture
def say() -> Iterator[Say]:
    """Registers a toy tool with the given patterns and says facts with it."""

    def filled(
        says: Says, *facts: Fact, needs: Needs = "rows", schema: Schema = CREDIT, variation: int = 0, **more: Any
    ) -> Draft:
        @tool(asks=("toy?",), says=says, needs=needs)
        def toy_words(view: View) -> Evidence:
            """Say what the test gives."""
            raise NotImplementedError

        return verbalize((evidence_of("toy_words", *facts, **more),), schema, variation=variation)

    yield filled
    unregister("toy_words")


def attribution(feature: str, value: float, at: Any, rank: int = 1, error: float | None = None) -> Fact:
    about = {"feature": feature, "at": at, "cls": "0", "row": "12", "rank": rank, "error": error}
    return Fact(relation="attribution", value=value, unit="points", **about)


THREE = (
    attribution("duration", 0.1234, 36),
    attribution("age", -0.081, 1, rank=2),
    attribution("purpose", 0.0, "tv", 3),
)


def spans(draft: Draft) -> list[tuple[str, str]]:
    return [(draft.text[claim.start : claim.end], *claim.facts) for claim in draft.claims]


def test_a_list_of_attributions(say: Say) -> None:
    pattern = (
        "The reasons are [attribution 3: {feature} {at} {value:word raises/lowers/does not change} it by {value:size}]."
    )
    draft = say((pattern,), *THREE, scope=Scope(where=OLD), needs="nothing")
    assert draft.text == (
        "The reasons are credit duration 36 months raises it by 12.3 percentage points, age 1 year lowers it by "
        "8.1 percentage points and purpose radio or TV does not change it by 0 percentage points."
    )
    assert spans(draft)[:4] == [
        ("credit duration", "1.f1"), ("36 months", "1.f1"), ("raises", "1.f1"), ("12.3 percentage points", "1.f1"),
    ]  # fmt: skip
    assert len(draft.claims) == 12


@pytest.mark.parametrize(
    ("count", "words"),
    [
        ("1", "credit duration"),
        ("2", "credit duration and age"),
        ("*", "credit duration, age and purpose"),
        ("", "credit duration, age and purpose"),
        ("9", "credit duration, age and purpose"),
    ],
)
def test_lists_of_any_length(say: Say, count: str, words: str) -> None:
    assert say((f"It is [attribution {count}: {{feature}}].",), *THREE, needs="nothing").text == f"It is {words}."


def test_a_star_needs_no_blank(say: Say) -> None:
    assert say(("It is [attribution*: {feature}].",), *THREE, needs="nothing").text.endswith(
        "duration, age and purpose."
    )


def test_items_with_commas_are_parted_by_semicolons(say: Say) -> None:
    draft = say(("It is [attribution *: {feature}, {value:signed}].",), *THREE, needs="nothing")
    assert draft.text == (
        "It is credit duration, +12.3 percentage points; age, -8.1 percentage points; and purpose, 0 percentage points."
    )


def test_an_item_that_cannot_be_said_is_left_out(say: Say) -> None:
    draft = say(("It is what [attribution *: {feature} {value:word raises/lowers}].",), *THREE, needs="nothing")
    assert draft.text == "It is what credit duration raises and age lowers."


def test_the_top_item_alone(say: Say) -> None:
    says = (
        "The strongest is {attribution.feature} ({attribution.rank}), with {attribution:size} for {attribution.cls}.",
    )
    assert say(says, *THREE, needs="nothing").text == (
        "The strongest is credit duration (first), with 12.3 percentage points for declined."
    )


def test_sentences_without_their_facts_are_skipped(say: Say) -> None:
    says = (
        "Here is {absent}.",
        "Error {attribution.error}.",
        "Nobody is {row}.",
        "With {changes}.",
        "There {n:one is/are} {n:entities}.",
        "It is [absent *: {value}].",
    )
    facts = (Fact(relation="n", value=1, unit="count"), *THREE)
    assert say(says, *facts, needs="nothing").text == "There is 1 applicant."
    several = say(says, Fact(relation="n", value=1200, unit="count"), needs="nothing")
    assert several.text == "There are 1,200 applicants."
    assert spans(several) == [("are", "1.f1"), ("1,200 applicants", "1.f1")]


def test_variants(say: Say) -> None:
    says = (("One {n}.", "Two {n}.", "Three {absent}."),)
    n = Fact(relation="n", value=5, unit="count")
    assert [say(says, n, variation=v).text for v in range(3)] == ["One 5.", "Two 5.", "One 5."]


def test_order_is_kept_across_the_sentences_of_a_step(say: Say) -> None:
    a, b = (Fact(relation=name, value=value, unit="probability") for name, value in (("a", 0.731), ("b", 0.729)))
    assert say(("It is {a}.", "It was {b}."), a, b, needs="nothing").text == "It is 73.1%. It was 72.9%."
    assert say(("It is {a}.",), a, b, needs="nothing").text == "It is 73%."


def test_capitals_articles_and_periods(say: Say) -> None:
    says = (
        "{attribution.feature} is a {kind} thing",
        "it is an {other} one.",
        "A {kind} thing.",
        "Done {n}!",
        "{said}",
    )
    facts = (
        attribution("duration", 0.1, 3),
        Fact(relation="kind", value="odd"),
        Fact(relation="other", value="plain"),
        Fact(relation="n", value=8),
        Fact(relation="said", value="It ends."),
    )
    draft = say(says, *facts, needs="nothing")
    assert draft.text == "Credit duration is an odd thing. It is a plain one. An odd thing. Done 8! It ends."
    assert spans(draft)[1] == ("odd", "1.f2")


def test_an_article_is_only_mended_in_our_own_words(say: Say) -> None:
    draft = say(
        ("Grade {g} {o}.",), Fact(relation="g", value="grade A"), Fact(relation="o", value="odd"), needs="nothing"
    )
    assert draft.text == "Grade grade A odd."


def test_caveats_follow_once(say: Say) -> None:
    caveats = (Caveat(flag="x", text="mind the gap"), Caveat(flag="y", text="Mind the step."))
    assert say(("It is {n}.",), Fact(relation="n", value=1), caveats=caveats).text == (
        "It is 1. Mind the gap. Mind the step."
    )
    n = evidence_of("toy_words", Fact(relation="n", value=1), caveats=caveats)
    draft = verbalize((n, n), CREDIT)
    assert draft.text == "It is 1. Mind the gap. Mind the step.\n\nIt is 1."
    assert spans(draft) == [("1", "1.f1"), ("1", "2.f1")]


def test_changed_rows_are_said_to_be_changed(say: Say) -> None:
    n, scope = Fact(relation="n", value=1), Scope(row="12", changes=SHORTER)
    says = ("For {row} it is {n}.", "For {row} it stays {n}.")
    first = say(says, n, scope=scope).text
    assert first == (
        "For applicant 12 with credit duration 12 months shorter it is 1. For applicant 12 it stays 1."
    )  # fmt: skip
    own = say(("With {changes}, {row} gets {n}.", "If {changes:if}, {n}."), n, scope=scope, needs="changes").text
    assert own == (
        "With credit duration 12 months shorter, applicant 12 gets 1. If credit duration were 12 months shorter, 1."
    )


def test_no_answer_forgets_which_rows_it_is_about(say: Say) -> None:
    n = Fact(relation="n", value=1)
    says = ("The number is {n}.", "{n} it is.")
    assert say(says, n).text == "The number is 1. 1 it is."
    assert say(says, n, scope=Scope(row="12")).text == "For applicant 12, the number is 1. 1 it is."
    assert say(says, n, scope=Scope(where=OLD)).text == "Among applicants older than 40, the number is 1. 1 it is."
    assert say(says, n, scope=Scope(changes=SHORTER)).text == (
        "Among applicants with credit duration 12 months shorter, the number is 1. 1 it is."
    )
    other = Fact(relation="n", value=1, row="13")
    assert (
        say(("It is like {n.row}.",), other, scope=Scope(row="12")).text == "For applicant 12, it is like applicant 13."
    )
    own = Fact(relation="n", value=1, row="12")
    assert say(("It is {n.row}.",), own, scope=Scope(row="12")).text == "It is applicant 12."
    changed = say(("It is {n.row}.",), own, scope=Scope(row="12", changes=SHORTER)).text
    assert changed == "For applicant 12 with credit duration 12 months shorter, it is applicant 12."
    assert say(("{entities}{scope}: {n}.",), n, scope=Scope(where=OLD)).text == "Applicants older than 40: 1."


def test_text_subjects(say: Say) -> None:
    word = Fact(relation="w", value=0.1, unit="points", feature="refund")
    draft = say(("For {row}, {w.feature} counts.",), word, scope=Scope(text="No refund!"), schema=REVIEWS)
    assert draft.text == "For your text, “refund” counts."


def test_values_are_never_read_as_patterns(say: Say) -> None:
    nasty = Feature(name="{row}", label="{count}\n[x 3: {y}] <script>\u200b", kind="category")
    schema = CREDIT.model_copy(update={"features": (nasty,)})
    fact = Fact(relation="n", value="}{ ]", unit="category", feature="{row}", at="{{n}}", group="a\tb", row="{scope}")
    draft = say(("{n.feature} is {n}, {n.at}, {n.group}, {n.row}.",), fact, schema=schema, needs="nothing")
    assert draft.text == "{count} [x 3: {y}] <script> is }{ ], {{n}}, a b, applicant {scope}."
    assert [text for text, _ in spans(draft)] == [
        "{count} [x 3: {y}] <script>", "}{ ]", "{{n}}", "a b", "applicant {scope}",
    ]  # fmt: skip


def test_evidence_without_a_pattern_is_listed(say: Say) -> None:
    draft = say((), *THREE[:2], Fact(relation="log_loss", value=0.5, unit="score"), Fact(relation="none", value=None))
    assert draft.text == (
        "Attribution, credit duration, declined, applicant 12: 12.3 percentage points. "
        "Attribution, age, declined, applicant 12: -8.1 percentage points. Log loss: 0.5."
    )
    assert spans(draft)[-1] == ("0.5", "1.f3")


def test_wrong_formats_for_a_fact_are_bugs(say: Say) -> None:
    with pytest.raises(ValueError, match="needs a number"):
        say(("{n:size}.",), Fact(relation="n", value="word"))
    with pytest.raises(ToolError):
        verbalize((evidence_of("no_such_tool"),), CREDIT)


@pytest.mark.parametrize(
    "pattern",
    [
        "", " ", "{", "}", "a {b", "a b}", "{}", "{a b}", "{a.nothing}", "{a:nothing}", "{a:word up}", "{a:one x}",
        "{a:word a/b/c/d}", "{a:word up/}", "{scope.feature}", "{scope:size}", "{a.cls:size}", "{a:if}", "[a", "a]",
        "[a]", "[a 3]", "[a 0: {value}]", "[a 3: ]", "[a x: {value}]", "[a *: [b *: {value}]]", "{a {b}}",
    ],
)  # fmt: skip
def test_what_is_no_pattern_raises(say: Say, pattern: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|placeholder|list|format|fact has no|parts"):
        parse(pattern)
    with pytest.raises(ValueError, match=r"."):
        say((pattern,), Fact(relation="a", value=1))


def test_a_pattern_is_read() -> None:
    assert parse("A {b.cls} [c 2: {value:word up/not at all}, {d}].") == (
        "A ",
        Slot("b", "cls"),
        " ",
        Listing("c", 2, (Slot("", "value", "word", ("up", "not at all")), ", ", Slot("d"))),
        ".",
    )


@pytest.mark.parametrize("name", sorted(tools()))
def test_every_registered_pattern_can_be_read(name: str) -> None:
    for entry in tools()[name].says:
        for pattern in (entry,) if isinstance(entry, str) else entry:
            assert parse(pattern)


values = st.one_of(
    st.integers(-(10**9), 10**9), st.floats(allow_nan=False, allow_infinity=False, width=32), st.text(), st.booleans()
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(facts=st.lists(st.tuples(values, st.text(max_size=9)), min_size=1, max_size=5), row=st.text(min_size=1))
def test_claims_point_to_what_was_printed(say: Say, facts: list[tuple[Any, str]], row: str) -> None:
    made = [Fact(relation="a", value=value, group=group, row=row) for value, group in facts]
    draft = say(("all of {row}: [a*: {value} | {group}], and an {a}.",), *made, scope=Scope(row=row))
    assert len(draft.claims) <= 2 * len(made) + 1
    starts = [claim.start for claim in draft.claims]
    assert starts == sorted(starts) and all(0 <= claim.start < claim.end <= len(draft.text) for claim in draft.claims)
    for claim in draft.claims:
        fact = made[int(claim.facts[0].removeprefix("1.f")) - 1]
        printed = draft.text[claim.start : claim.end]
        alone = say(("= {a}.", "= {a.group}."), fact, needs="nothing")
        one = {alone.text[other.start : other.end] for other in alone.claims}
        assert printed in one or isinstance(fact.value, (int, float))
        assert "\n" not in printed and "  " not in printed
    assert "None" not in draft.text.replace(row, "") or any("None" in str(one) for pair in facts for one in pair)


def test_an_understood_line_names_every_argument() -> None:
    @tool(
        asks=(
            "how important is {feature}?",
            "is {feature} more important than {feature2} for {row}?",
            ask("which are the {k} strongest?", order="top"),
            "why {class} for {row}?",
        ),
        says=(),
    )
    def toy_understood(
        view: View,
        feature: FeatureName | None = None,
        other: FeatureName | None = None,
        target: ClassName | None = None,
        k: int = 3,
        order: Literal["any", "top"] = "any",
    ) -> Evidence:
        """Weigh features. And more."""
        raise NotImplementedError

    def line(row: str | None = None, where: Where = Where(), **given: Any) -> str:  # noqa: B008  # frozen
        arguments = tuple(Argument(name=name, value=value) for name, value in given.items())
        step = Step(tool="toy_understood", arguments=arguments, scope=Scope(row=row, where=where))
        return understood(Plan(steps=(step,)), CREDIT)

    try:
        assert line(feature="term") == "how important is credit duration"
        assert line("12", feature="age", other="sex") == "is age more important than sex for applicant 12"
        assert line(order="top", k=5) == "which are the 5 strongest"
        assert line("12", target="0") == "why declined for applicant 12"
        assert line("12", target="0", order="top") == "why declined for applicant 12 (order: top)"
        assert line(where=OLD, feature="age") == "how important is age, for applicants older than 40"
        assert line() == "weigh features"
    finally:
        unregister("toy_understood")
