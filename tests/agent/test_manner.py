"""Audience and length: what is said to whom, what is said at any length, and that the facts stay the same."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from credit_words import CREDIT, evidence_of
from question_schemas import schema_of, subject_of
from table_subjects import of_rule
from toy_subjects import SUBJECTS

from askwhy.agent.answer import Draft, Turn
from askwhy.agent.caveat_words import plain_caveat
from askwhy.agent.details import details
from askwhy.agent.embedded.again import asked_manner, in_manner
from askwhy.agent.embedded.carried import carried
from askwhy.agent.embedded.chat import EmbeddedChat
from askwhy.agent.manner import Manner, manner_of, manners_of
from askwhy.agent.plan import Plan, Step
from askwhy.agent.session import Session
from askwhy.agent.understand import understand
from askwhy.agent.understood import understood
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Caveat, Evidence, Fact
from askwhy.tools.registry import Says, find_tool, tool, unregister
from askwhy.tools.says import Brief, Expert
from askwhy.tools.scope import Argument, Change, Scope, arguments_of
from askwhy.tools.subject import Subject
from askwhy.tools.view import View, make_view

Say = Callable[..., Draft]
SENTENCE, SHORT, FULL = (Manner(length=length) for length in ("sentence", "short", "full"))
CUSTOMER, EXPERT, USUAL = Manner("customer"), Manner("expert"), Manner()


@pytest.fixture
def say() -> Iterator[Say]:
    """Registers a toy tool with the given patterns and says facts with it."""

    def filled(says: Says, *facts: Fact, manner: Manner = USUAL, variation: int = 0, **more: Any) -> Draft:
        @tool(asks=("toy?",), says=says)
        def toy_manner(view: View) -> Evidence:
            """Say what the test gives."""
            raise NotImplementedError

        evidence = (evidence_of("toy_manner", *facts, **more),)
        return verbalize(evidence, CREDIT, manners=(manner,), variation=variation)

    yield filled
    unregister("toy_manner")


N, M = Fact(relation="n", value=5, unit="count"), Fact(relation="m", value=7, unit="count")
LOW, HIGH = (Fact(relation=name, value=value, unit="share") for name, value in (("low", 0.1), ("high", 0.3)))
LEVEL = Fact(relation="level", value=0.95, unit="share")
SHARE = Fact(relation="named_share", value=0.6, unit="share")
TIES = Caveat(flag="ties", text="The order is not certain between age and duration.")
ODD = Caveat(flag="odd", text="Something odd holds.")


def test_one_sentence_is_the_first_that_states_something(say: Say) -> None:
    says = ("This is what was measured.", "It counts {n}.", "It also has {m}.")
    assert say(says, N, M, manner=SENTENCE).text == "It counts 5."
    assert say(says, N, M).text == "This is what was measured. It counts 5. It also has 7."
    assert say(says, N, M, manner=SHORT).text == "This is what was measured. It counts 5."


def test_a_tool_can_say_what_its_one_sentence_is_and_what_experts_read(say: Say) -> None:
    says = ("It counts {n}.", Expert("Exactly {m} were tried."), Brief("In all, {n} and {m}."))
    assert say(says, N, M, manner=SENTENCE).text == "In all, 5 and 7."
    assert say(says, N, M).text == say(says, N, M, manner=CUSTOMER).text == "It counts 5."
    assert say(says, N, M, manner=EXPERT).text.startswith("It counts 5. Exactly 7 were tried.")
    assert say(says, N, M, manner=FULL).text.startswith("It counts 5. Exactly 7 were tried.")


def test_what_is_predicted_opens_the_one_sentence(say: Say) -> None:
    prediction = Fact(relation="prediction", value="0", unit="class", cls="0")
    says = ("The model predicts {prediction}.", "What counts is {n}.")
    assert say(says, prediction, N, manner=SENTENCE).text == "The model predicts declined; what counts is 5."
    assert say(says, prediction, manner=SENTENCE).text == "The model predicts declined."


def test_customers_read_no_technical_terms_intervals_or_what_leans_on_them(say: Say) -> None:
    says = (
        "It counts {n}, with a {level} interval from {low} to {high}.",
        "The AUC is {m}.",
        "That is higher than {low}.",
        "It ends with {high}.",
    )
    facts = (N, M, LOW, HIGH, LEVEL)
    assert say(says, *facts, manner=CUSTOMER).text == "It counts 5. It ends with 30%."
    assert "95% interval from 10% to 30%" in say(says, *facts).text
    assert say(("The AUC is {m}.",), M, manner=CUSTOMER).text == "The AUC is 7."  # better than no answer


def test_few_words_have_no_intervals_and_nothing_that_leans_on_what_is_left_out(say: Say) -> None:
    right = "It is right for {m} of them."
    says = ("Over {n}, the share is {low}, with a {level} interval from {low} to {high}.", right)
    assert (
        say(says, N, M, LOW, HIGH, LEVEL, manner=SHORT).text == "Over 5, the share is 10%. It is right for 7 of them."
    )
    assert say(("The AUC is {n}.", right, "It ends with {high}."), N, M, HIGH, manner=SHORT).text == "It ends with 30%."


def test_the_share_of_what_is_named_is_said_at_any_length(say: Say) -> None:
    says = ("Named is {n}.", "That accounts for {named_share} of the total attribution.", "More is {m}.")
    assert say(says, N, SHARE, M, manner=SENTENCE).text.endswith("That accounts for 60% of the total attribution.")
    assert "These make up 60% of what moves it." in say(says, N, SHARE, M, manner=CUSTOMER).text
    most = SHARE.model_copy(update={"value": 0.9})
    assert say(says, N, most, M, manner=SENTENCE).text == "Named is 5."


def test_caveats_are_said_at_any_length_joined_where_words_are_few(say: Say) -> None:
    says = ("It counts {n}.",)
    text = f"It counts 5. {ODD.text} Note that {plain_caveat(TIES)}."
    assert say(says, N, caveats=(TIES, ODD), manner=SENTENCE).text == text
    assert say(says, N, caveats=(TIES, ODD), manner=CUSTOMER).text == text
    for manner in (Manner(), SHORT, EXPERT):
        assert TIES.text in say(says, N, caveats=(TIES, ODD), manner=manner).text


def test_a_plain_caveat_counts_as_said_and_a_missing_one_does_not() -> None:
    fact = Fact(relation="count", value=5, unit="count")
    found = evidence_of("count", fact, Fact(relation="all_rows", value=5, unit="count"), caveats=(TIES,))
    plan = Plan(steps=(Step(tool="count", length="sentence"),))
    draft = verbalize((found,), CREDIT, manners=manners_of(plan))
    assert verify(draft, (found,), plan, CREDIT) == ()
    bare = draft.model_copy(update={"text": draft.text.partition(" Note")[0]})
    assert [failure.check for failure in verify(bare, (found,), plan, CREDIT)] == ["V7"]


def test_experts_get_method_errors_base_and_checks_as_the_evidence_has_them() -> None:
    found = run("explain", SUBJECTS["binary"](), Scope(row="3"))
    plan = Plan(steps=(Step(tool="explain", scope=found.scope, audience="expert"),))
    draft = verbalize((found,), SUBJECTS["binary"]().schema, manners=manners_of(plan))
    assert verify(draft, (found,), plan, SUBJECTS["binary"]().schema) == ()
    for line in details(found):
        assert line in draft.text
    assert f"Base value: {found.one('base').number():.6g}." in draft.text and "Checks: C2" in draft.text
    wrong = draft.model_copy(update={"text": draft.text.replace("Base value: 0.", "Base value: 7."), "claims": ()})
    assert verify(wrong, (found,), plan, SUBJECTS["binary"]().schema) != ()


@functools.cache
def _cached(name: str, kind: str, scope: Scope, given: tuple[Argument, ...]) -> Evidence:
    return _run(name, SUBJECTS[kind](), scope, given)


def run(name: str, subject: Subject, scope: Scope, **given: Any) -> Evidence:
    kind = next((kind for kind in SUBJECTS if SUBJECTS[kind]() is subject), None)
    arguments = arguments_of(given)
    return _run(name, subject, scope, arguments) if kind is None else _cached(name, kind, scope, arguments)


def _run(name: str, subject: Subject, scope: Scope, given: tuple[Argument, ...]) -> Evidence:
    view = make_view(subject, scope, Evaluator(subject.predictor), 0)
    return find_tool(name)(view, **{one.name: one.value for one in given})


ONE = Scope(row="3")
OLDER = (Change(feature="age", action="increase", value=2),)
COMMON: tuple[tuple[str, Scope], ...] = (
    ("predict", ONE), ("explain", ONE), ("importance", Scope()), ("what_if", Scope(row="3", changes=OLDER)),
    ("counterfactual", ONE), ("likelihood", ONE), ("score", Scope()),
)  # fmt: skip


@pytest.mark.parametrize(("name", "scope"), COMMON)
def test_customers_are_spared_the_trade(name: str, scope: Scope) -> None:
    for kind in ("binary", "regression"):
        if name == "likelihood" and kind == "regression":
            continue
        subject = SUBJECTS[kind]()
        found = run(name, subject, scope)
        text = verbalize((found,), subject.schema, manners=(CUSTOMER,)).text
        trade = re.search(
            r"SHAP|LIME|occlusion|log-odds|standard error|interval|AUC|attribution|reference|shuffle", text
        )
        assert trade is None or (kind == "regression" and "error" in text), text


@pytest.mark.parametrize(("name", "scope"), COMMON)
def test_five_variations_claim_the_same_and_do_not_all_read_alike(name: str, scope: Scope) -> None:
    """V10: the required claims of every wording are identical."""
    subject = SUBJECTS["binary"]()
    found = run(name, subject, scope)
    drafts = [verbalize((found,), subject.schema, variation=number) for number in range(5)]
    assert len({frozenset(fact for claim in one.claims for fact in claim.facts) for one in drafts}) == 1
    assert len({one.text.partition(". ")[0] for one in drafts}) > 1
    step = Step(tool=name, scope=found.scope, arguments=found.arguments)
    for draft in drafts:
        assert verify(draft, (found,), Plan(steps=(step,)), subject.schema) == ()


def test_no_sentence_comes_six_times_in_a_row() -> None:
    session = Session(SUBJECTS["binary"]())
    said = [session.ask(f"what do you predict for row {row}?").text for row in range(6)]
    said += [session.ask(question).text for question in ("how many rows are there with age above 40?",) * 6]
    shapes = [re.sub(r"\d[\d.,%]*|\b(?:yes|no)\b", "#", text) for text in said]
    assert len(set(shapes[:6])) > 1 and len(set(shapes[6:])) > 1


def test_a_list_of_rows_is_told_in_turns() -> None:
    subject = SUBJECTS["binary"]()
    found = tuple(run("predict", subject, Scope(row=row)) for row in ("3", "3", "3"))
    paragraphs = verbalize(found, subject.schema).text.split("\n\n")
    assert len(set(paragraphs)) == 3


def by_sex(weight: dict[str, float], swap: bool) -> Subject:
    """A model of age and sex; swapped, the categories have changed places in the data and in the model."""
    rng = np.random.default_rng(5)
    frame = pd.DataFrame({"age": rng.integers(20, 70, 61), "income": rng.normal(30, 5, 61).round(1)})
    other = {"female": "male", "male": "female"} if swap else {"female": "female", "male": "male"}
    frame["sex"] = pd.array([other[one] for one in rng.choice(["female", "male"], 61)], dtype="str")

    def rule(rows: pd.DataFrame) -> Any:
        score = 0.05 * (rows["age"] - 45) + 0.1 * (rows["income"] - 30)
        score = score + rows["sex"].astype(str).map({other[name]: value for name, value in weight.items()}).to_numpy()
        yes = np.asarray(1 / (1 + np.exp(-score)))
        return np.column_stack([1 - yes, yes])

    return of_rule(frame, rule)


@pytest.mark.parametrize("name", ["predict", "explain", "letter_reasons", "likelihood", "counterfactual", "importance"])
def test_the_words_are_the_same_whichever_group_it_is_about(name: str) -> None:
    """V14: with the protected attribute's categories swapped in data and model, the claims are the same."""
    one, other = (by_sex({"female": -1.5, "male": 0.5}, swap) for swap in (False, True))
    rows = [None] if name == "importance" else ["0", "1", "2", "3", "4", "5"]
    for row in rows:
        for manner in (Manner(), CUSTOMER, SENTENCE):
            said = []
            for subject in (one, other):
                found = run(name, subject, Scope(row=row))
                draft = verbalize((found,), subject.schema, manners=(manner,))
                said.append((draft.text, [claim.facts for claim in draft.claims]))
            turned = re.sub(r"\b(?:fe)?male\b", lambda match: "male" if match[0] == "female" else "female", said[1][0])
            assert said[0] == (turned, said[1][1])
            if row is not None:
                assert one.data.loc[row, "sex"] != other.data.loc[row, "sex"]


def steps_of(*questions: str) -> tuple[Step, ...]:
    """What the last question of a conversation is taken to mean."""
    subject = subject_of(schema_of("credit"))
    model = EmbeddedChat(subject_schema=subject.schema)
    history: tuple[Turn, ...] = ()
    for question in questions:
        outcome = understand(question, history, subject, model).outcome
        history = (*history, Turn(question=question, outcome=outcome))
    assert isinstance(outcome, Plan), outcome
    return outcome.steps


WHY = "why was applicant 12 declined?"


@pytest.mark.parametrize(
    ("questions", "tool_name", "manner"),
    [
        (("why was applicant 12 declined, in one sentence?",), "explain", {"length": "sentence"}),
        (("briefly, how accurate is the model?",), "score", {"length": "short"}),
        (("explain applicant 12 in plain words",), "explain", {"audience": "customer"}),
        (("explain the prediction for applicant 12 to the customer",), "explain", {"audience": "customer"}),
        (("which features matter most? for an expert please",), "importance", {"audience": "expert"}),
        (("explain applicant 12 in full detail",), "explain", {"length": "full"}),
        (("write a letter to applicant 12 saying why",), "explain", {"form": "letter"}),
        (("write an adverse action letter for applicant 12",), "letter_reasons", {"form": "letter"}),
        ((WHY, "now in one sentence"), "explain", {"length": "sentence"}),
        ((WHY, "say that to the customer"), "explain", {"audience": "customer"}),
        ((WHY, "write her a letter"), "explain", {"form": "letter"}),
        ((WHY, "in one sentence", "write her a letter"), "explain", {"form": "letter"}),
        ((WHY, "in one sentence", "give me the technical details"), "explain", {"audience": "expert"}),
        ((WHY, "write her a letter", "shorter please"), "explain", {"length": "short"}),
        ((WHY, "briefly, what would have to change?"), "counterfactual", {"length": "short"}),
        (("what do you predict for applicant 12?",), "predict", {}),
        (("what if the duration of applicant 12 were 12 months shorter?",), "what_if", {}),
    ],
)
def test_wishes_for_a_manner_are_understood(questions: tuple[str, ...], tool_name: str, manner: dict[str, str]) -> None:
    (step,) = steps_of(*questions)
    assert step.tool == tool_name and step.scope.row in ("12", None)
    assert step.model_dump(include={"form", "audience", "length"}, exclude_defaults=True) == manner


def test_the_rest_of_the_question_is_what_is_asked() -> None:
    assert asked_manner("how old is applicant 12?").given == ()
    assert asked_manner("In one sentence, how accurate is it?").rest == "how accurate is it?"
    assert asked_manner("how sure is it about 12? explain it to a customer").rest == "how sure is it about 12?"
    assert asked_manner("what do you predict for customer 12?").given == ()
    assert asked_manner("show me three mistakes for clients above 55").given == ()


def test_the_manner_is_part_of_how_it_was_understood() -> None:
    schema = SUBJECTS["binary"]().schema
    step = Step(tool="predict", scope=Scope(row="3"), audience="customer", length="sentence")
    assert understood(Plan(steps=(step,)), schema).endswith("(for a customer; in one sentence)")
    assert manner_of(step) == Manner("customer", "sentence") and manner_of(Step(tool="predict")) == Manner()
    assert "(" not in understood(Plan(steps=(Step(tool="predict", scope=Scope(row="3")),)), schema)


EXPLAINED = Plan(steps=(Step(tool="explain", scope=Scope(row="34")),))


@pytest.mark.parametrize(
    ("question", "audience"),
    [
        ("explain 34 to the guest", "customer"),
        ("say that to our guest please", "customer"),
        ("explain it to guest 34", None),
        ("show ones similar to the guest", None),
        ("explain to the waiter", None),
    ],
)
def test_what_is_told_to_one_of_the_rows_is_told_to_a_customer(question: str, audience: str | None) -> None:
    outcome = in_manner(EXPLAINED, question, "guest")
    assert isinstance(outcome, Plan) and outcome.steps[0].audience == audience


@pytest.mark.parametrize(
    ("question", "given"),
    [
        ("importance for donors without the newsletter", {}), ("does it react to capital letters", {}),
        ("what matters most for customers of eighty and over", {}), ("typical errors for applicants that own", {}),
        ("could I ask what you foresee for patient K0417", {}), ("what matters for patients?", {}),
        ("total of those paid in full", {}), ("lots in full sun", {}), ("accuracy for engineers who own", {}),
        ("for customers, one sentence: why 12", {"audience": "customer", "length": "sentence"}),
        ("explain 12 to customers.", {"audience": "customer"}), ("why 12, for a child", {"audience": "customer"}),
        ("explain 12 in full", {"length": "full"}), ("explain 12 to our experts", {"audience": "expert"}),
        ("explain 12 to the auditor", {"audience": "expert"}), ("why 12, as a letter", {"form": "letter"}),
        ("write a letter to 12", {"form": "letter"}),
    ],
)  # fmt: skip
def test_rows_are_no_listeners_and_no_letters(question: str, given: dict[str, str]) -> None:
    assert dict(asked_manner(question).given) == given


def test_what_the_network_read_of_the_manner_stays() -> None:
    said = Step(tool="explain", scope=Scope(row="12"), audience="customer")
    outcome = in_manner(Plan(steps=(said,)), "12 in one sentence for my readers")
    assert isinstance(outcome, Plan)
    assert (outcome.steps[0].audience, outcome.steps[0].length) == ("customer", "sentence")
    both = Plan(steps=(said, Step(tool="explain", scope=Scope(row="13"), audience="expert")))
    assert in_manner(both, "12 for a customer, 13 in full detail for an expert") == both


@pytest.mark.parametrize(
    ("question", "kept"),
    [("and in 15?", True), ("the same for 15", True), ("and why is 15 negative?", False), ('and "dull" in 15?', False),
     ("in 15", False), ("and what words matter in 15?", False)],
)  # fmt: skip
def test_the_words_that_were_asked_about_are_kept_for_another_text(question: str, kept: bool) -> None:
    words = (Argument(name="words", value=("bad",)),)
    before = (Step(tool="explain_text", scope=Scope(row="12"), arguments=words),)
    outcome = carried(Plan(steps=(Step(tool="explain_text", scope=Scope(row="15")),)), question, before)
    assert isinstance(outcome, Plan)
    assert outcome.steps[0].arguments == (words if kept else ())


def test_the_same_again_is_told_in_the_same_manner() -> None:
    before = (Step(tool="explain", scope=Scope(row="33"), audience="customer", length="sentence"),)
    again = carried(EXPLAINED, "do the same with 34", before)
    assert isinstance(again, Plan)
    assert (again.steps[0].audience, again.steps[0].length) == ("customer", "sentence")
    assert carried(EXPLAINED, "why 34?", before) == EXPLAINED
