"""Questions about the last answer: raw numbers, how it was computed, how sure it is; and which row later ones mean."""

from __future__ import annotations

from typing import Any

import pytest
from question_schemas import schema_of, subject_of
from toy_subjects import binary, regression, text

from askwhy.agent.answer import Answer, Turn
from askwhy.agent.calls import BadCalls, calls_of, outcome_of, tool_schemas
from askwhy.agent.embedded.again import asked_form
from askwhy.agent.embedded.chat import EmbeddedChat
from askwhy.agent.embedded.terms import asked_term
from askwhy.agent.plan import Clarify, Outcome, Plan, Step
from askwhy.agent.raw import MOST, fact_line, listed
from askwhy.agent.session import Session
from askwhy.agent.understand import understand
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject

WHY = "why was row 12 declined?"
Told = tuple[str, str, dict[str, Any], Any]


def last(*questions: str, subject: Subject | None = None) -> Outcome:
    """What the last question of a conversation is taken to mean, about the credit schema if no subject is given."""
    subject = subject or subject_of(schema_of("credit"))
    model = EmbeddedChat(subject_schema=subject.schema)
    history: tuple[Turn, ...] = ()
    for question in questions:
        history = (*history, Turn(question=question, outcome=understand(question, history, subject, model).outcome))
    return history[-1].outcome


def told(*questions: str, subject: Subject | None = None) -> Told:
    """The one step of it: tool, form, arguments, and row or conditions."""
    outcome = last(*questions, subject=subject)
    assert isinstance(outcome, Plan), outcome
    (step,) = outcome.steps
    where = {(one.feature, one.op, one.value) for one in step.scope.where.conditions()}
    return step.tool, step.form, {one.name: one.value for one in step.arguments}, step.scope.row or where or None


@pytest.mark.parametrize(
    "question",
    [
        "show me the raw numbers", "as JSON", "export this", "give me the json", "raw numbers please",
        "can I have the exact numbers?", "show me the numbers behind it", "show the evidence", "download the results",
    ],
)  # fmt: skip
def test_the_raw_numbers_are_those_of_the_last_answer(question: str) -> None:
    assert told(WHY, question) == ("explain", "numbers", {"cls": "0"}, "12")


@pytest.mark.parametrize(
    "question",
    [
        "how did you compute that?", "how was this calculated?", "what does this bar mean?", "what do the bars mean?",
        "which method did you use?", "how did you get this number?", "where do these numbers come from?",
        "what does the picture show?", "how did you arrive at that?", "how should I read this plot?",
    ],
)  # fmt: skip
def test_how_it_was_computed_is_about_the_last_answer(question: str) -> None:
    assert told(WHY, question) == ("explain", "method", {"cls": "0"}, "12")


@pytest.mark.parametrize(
    "question",
    [
        "how did the model decide this?", "what are the values of row 12?", "how important is age?", "show row 12",
        "how many rows are there?", "what data is this?",
    ],
)  # fmt: skip
def test_questions_of_their_own_stay_in_words(question: str) -> None:
    outcome = last(WHY, question)
    assert not isinstance(outcome, Plan) or outcome.forms == ("words",)


def test_the_form_may_be_asked_for_at_once() -> None:
    assert told("explain row 12 as json") == ("explain", "numbers", {}, "12")
    assert told("how many applicants are older than 40, as JSON") == ("count", "numbers", {}, {("age", "gt", 40)})
    assert told(WHY, "show me the raw numbers for row 60") == ("explain", "numbers", {"cls": "0"}, "60")


def test_where_there_is_no_answer_yet_it_is_asked_back() -> None:
    for question in ("as json", "how did you compute that?", "show me the raw numbers"):
        outcome = last(question)
        assert isinstance(outcome, Clarify) and outcome.options


@pytest.mark.parametrize(
    ("question", "tool"),
    [
        ("how faithful is that explanation?", "explanation_quality"),
        ("do other methods say the same?", "agree"),
        ("does it depend on what it is compared with?", "baseline_sensitivity"),
    ],
)
def test_what_is_asked_of_an_explanation_is_asked_of_its_row_and_class(question: str, tool: str) -> None:
    assert told(WHY, question) == (tool, "words", {"cls": "0"}, "12")
    assert told(WHY, "what is SHAP?", question) == (tool, "words", {"cls": "0"}, "12")
    assert told(WHY, "how did you compute that?", question) == (tool, "words", {"cls": "0"}, "12")


def test_the_method_goes_along_and_a_goal_is_no_explained_class() -> None:
    assert told("explain row 12 with lime", "how stable is this explanation?")[2] == {"method": "lime"}
    assert told(WHY, "what about with lime?") == ("explain", "words", {"cls": "0", "method": "lime"}, "12")
    assert told(WHY, "what would have to change?") == ("counterfactual", "words", {}, "12")


@pytest.mark.parametrize(
    ("question", "term"),
    [
        ("what is SHAP?", "SHAP"), ("What are Shapley values?", "SHAP"), ("what does AUC mean?", "AUC"),
        ("how does LIME work?", "LIME"), ("what is the standard error?", "standard error"), ("what is F1?", "F1"),
        ("explain what an anchor is", "anchor"), ("define fidelity", "fidelity"), ("what is accuracy?", "accuracy"),
        ("what's R²?", "R squared"), ("can you explain what a counterfactual is?", "counterfactual"),
        ("how is permutation importance computed?", "permutation importance"), ("what is the AUC?", None),
        ("what is the accuracy?", None), ("what is age?", None), ("is the model calibrated?", None),
        ("what is the importance of age?", None), ("how are you?", None),
    ],
)  # fmt: skip
def test_methods_and_measures_are_told_from_questions_about_the_model(question: str, term: str | None) -> None:
    found = asked_term(question)
    assert (found.term if found else None) == term
    if term is not None:
        assert told(question) == ("method_help", "words", {"term": term}, None)


def test_a_feature_of_that_name_is_a_feature() -> None:
    schema = schema_of("credit")
    age = schema.features[0].model_copy(update={"name": "lead", "label": "lead", "aliases": ()})
    named = schema.model_copy(update={"features": (age, *schema.features[1:])})
    assert told("what is lead?", subject=subject_of(named))[0] != "method_help"
    assert told("what is lead?") == ("method_help", "words", {"term": "margin"}, None)


def test_what_a_word_means_does_not_end_the_subject_of_the_talk() -> None:
    assert told(WHY, "what is SHAP?", "and for row 60?") == ("explain", "words", {"cls": "0"}, "60")
    assert told(WHY, "how did you compute that?", "and for row 60?") == ("explain", "words", {"cls": "0"}, "60")
    asked = ("how many women are there?", "what is accuracy?", "how many of them are older than 40?")
    assert told(*asked) == ("count", "words", {}, {("sex", "eq", "female"), ("age", "gt", 40)})


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("does the model treat women differently?", None), ("are men treated differently from women?", None),
        ("are women treated worse than men?", None), ("is the model fair to women?", None),
        ("are women rejected more often than men?", None), ("are men predicted approved more often than women?", None),
    ],
)  # fmt: skip
def test_a_group_that_is_named_names_its_feature(question: str, expected: Any) -> None:
    tool, form, arguments, where = told(question)
    assert (tool, form, arguments["feature"], where) == ("group_compare", "words", "sex", expected)


def test_only_one_feature_may_differ() -> None:
    expected = ("flip_rate", "words", {"feature": "sex"})
    assert told("would the decision be different if only sex were changed?")[:3] == expected
    assert told("would row 12 be treated otherwise if only sex were different?") == (*expected, "12")


def test_a_group_that_is_selected_stays_a_selection() -> None:
    assert told("how accurate is the model for women?")[3] == {("sex", "eq", "female")}
    assert told("which group of women is treated worst?")[3] == {("sex", "eq", "female")}


@pytest.mark.parametrize("word", ["but", "while", "whereas"])
def test_two_rows_set_against_each_other_are_contrasted(word: str) -> None:
    for row, other in (("12", "60"), ("E0012", "E0060")):
        tool, _, arguments, about = told(f"why was {row} refused {word} {other} approved?")
        assert (tool, arguments["other"], about) == ("contrast_rows", other, row)


def test_ids_are_rows_without_the_word() -> None:
    assert told("why was E0012 declined?") == ("explain", "words", {"cls": "0"}, "E0012")
    assert told("what do you predict for E0012?") == ("predict", "words", {}, "E0012")
    assert told("what do you predict for applicant E0012?") == ("predict", "words", {}, "E0012")
    assert told("what is F1?")[3] is None


@pytest.mark.parametrize(
    ("question", "tool"),
    [
        ("what are the most important features overall?", "importance"),
        ("what are the most important features?", "importance"),
        ("how accurate is the model?", "score"),
        ("which features matter most in general?", "importance"),
    ],
)
def test_questions_about_the_model_in_general_leave_the_row(question: str, tool: str) -> None:
    assert told(WHY, question) == (tool, "words", {}, None)
    assert told(WHY, "how sure are you about this explanation?", question)[3] is None


# A chat model of a provider's


def test_the_form_is_offered_to_a_chat_model_and_travels_with_its_calls() -> None:
    schema = binary().schema
    explain = next(one for one in tool_schemas(schema) if one["function"]["name"] == "explain")
    assert explain["function"]["parameters"]["properties"]["form"]["enum"] == ["words", "numbers", "method", "letter"]
    plan = Plan(steps=(Step(tool="explain", scope=Scope(row="3"), form="numbers"), Step(tool="predict")))
    calls = calls_of(plan, schema)
    assert calls[0]["args"]["form"] == "numbers" and "form" not in calls[1]["args"]
    assert outcome_of(calls, schema) == plan
    with pytest.raises(BadCalls, match="form"):
        outcome_of([{**calls[0], "args": {"form": "a poem"}}], schema)


# Answers


@pytest.fixture(scope="module")
def talks() -> dict[str, list[Answer]]:
    """A conversation with each kind of subject."""
    asked = ("why did you predict this for row 3?", "show me the raw numbers", "how did you compute that?")
    found = {}
    for make in (binary, regression, text):
        session = Session(make())
        found[make.__name__] = [session.ask(question) for question in asked]
    return found


@pytest.mark.parametrize("kind", ["binary", "regression", "text"])
def test_raw_numbers_are_the_facts_to_the_last_digit(kind: str, talks: dict[str, list[Answer]]) -> None:
    said, numbers, _ = talks[kind]
    assert said.verdict == numbers.verdict == "verified", numbers.failures
    assert numbers.evidence == said.evidence
    assert "raw numbers" in numbers.understood
    lines = numbers.text.split("\n")
    for fact in numbers.evidence[0].facts[:MOST]:
        assert fact_line(fact) in lines and (
            fact.value is None or isinstance(fact.value, str) or repr(fact.value) in numbers.text
        )
    assert [numbers.text[one.start : one.end] for one in numbers.claims] == [
        *map(fact_line, numbers.evidence[0].facts[:MOST])
    ]


@pytest.mark.parametrize("kind", ["binary", "regression", "text"])
def test_how_it_was_computed_is_verified_and_names_the_method(kind: str, talks: dict[str, list[Answer]]) -> None:
    said, _, method = talks[kind]
    assert method.verdict == "verified", method.failures
    assert method.evidence[0].tool == "method_help" and method.evidence[0].method == said.evidence[0].method
    assert said.evidence[0].method.replace(": ", ", ", 1) in method.text
    assert "how this was computed" in method.understood


def evidence(*facts: Fact) -> Evidence:
    numbered = tuple(one.model_copy(update={"id": f"f{number}"}) for number, one in enumerate(facts, 1))
    return Evidence(facts=numbered, method="counting", tool="count", seed=7)


def test_a_line_that_is_altered_missing_or_added_fails_the_check() -> None:
    schema = binary().schema
    found = evidence(
        Fact(relation="count", value=79, unit="count"), Fact(relation="share", value=0.658333333, unit="share")
    )
    plan = Plan(steps=(Step(tool="count", form="numbers"),))
    draft = verbalize((found,), schema, forms=plan.forms)
    assert verify(draft, (found,), plan, schema) == ()
    for old, new in (("0.658333333", "0.658333334"), ("count: 79", "count: 78"), ("seed 7", "seed 8")):
        altered = draft.model_copy(update={"text": draft.text.replace(old, new), "claims": ()})
        assert verify(altered, (found,), plan, schema)
    longer = draft.model_copy(update={"text": f"{draft.text}\nThat is a lot.", "claims": ()})
    assert verify(longer, (found,), plan, schema)
    shorter = draft.model_copy(update={"text": draft.text.split("\n")[0], "claims": ()})
    assert verify(shorter, (found,), plan, schema)


def test_a_long_list_is_cut_and_says_so() -> None:
    many = evidence(*(Fact(relation="n", value=number, unit="count") for number in range(MOST + 5)))
    lines = listed(many)
    assert "5 more facts are not listed here." in lines and f"n: {MOST} (unit: count)" not in lines
    plan = Plan(steps=(Step(tool="count", form="numbers"),))
    draft = verbalize((many,), binary().schema, forms=plan.forms)
    assert verify(draft, (many,), plan, binary().schema) == () and len(draft.claims) == MOST


def test_numbers_and_words_stand_beside_each_other() -> None:
    session = Session(binary())
    session.ask("how many rows are there?")
    plan = Plan(steps=(Step(tool="count", form="numbers"), Step(tool="predict", scope=Scope(row="3"))))
    ran = session._runner.run(plan, session.subject)
    draft = verbalize(ran.evidence, binary().schema, forms=plan.forms)
    assert verify(draft, ran.evidence, plan, binary().schema) == ()
    wrong = draft.model_copy(update={"text": draft.text.replace("row 3", "row 4"), "claims": ()})
    assert verify(wrong, ran.evidence, plan, binary().schema)


def test_forms_are_read_off_the_question() -> None:
    assert asked_form("show me that as JSON") == "numbers"
    assert asked_form("explain row 12 as JSON") is None
    assert asked_form("how old are they?") is None
