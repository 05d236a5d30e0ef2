"""The first questions, from words to checked words, on real data; every gold is computed directly beside the tools."""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score

from askwhy.agent.answer import Answer, Usage
from askwhy.agent.session import Session
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.registry import tool, unregister
from askwhy.tools.subject import Subject
from askwhy.tools.subjects.builtin import builtin
from askwhy.tools.view import View


def fresh(name: str) -> Session:
    return Session(builtin(name))


def verified(session: Session, question: str) -> Answer:
    """The answer, which must have been checked, show how it was understood and rest on evidence."""
    answer = session.ask(question)
    assert answer.verdict == "verified", (answer.text, answer.failures)
    assert answer.evidence and answer.understood and answer.claims
    assert Answer.from_json(answer.canonical()) == answer.model_copy(update={"usage": Usage()})
    return answer


def outputs(subject: Subject, frame: pd.DataFrame | None = None) -> np.ndarray:
    return np.asarray(subject.predictor(subject.data if frame is None else frame))


@pytest.fixture(scope="module")
def credit() -> Subject:
    return builtin("credit")


def test_a_count_is_what_pandas_counts(credit: Subject) -> None:
    answer = verified(fresh("credit"), "how many applicants are older than 40?")
    expected = int((credit.data["age"] > 40).sum())
    assert answer.evidence[0].one("count").value == expected
    assert str(expected) in answer.text


def test_a_prediction_and_how_sure_it_is(credit: Subject) -> None:
    answer = verified(fresh("credit"), "what do you predict for row 12, and how sure are you?")
    chances = outputs(credit, credit.row("12"))[0]
    label = credit.schema.classes[int(chances.argmax())]
    assert answer.evidence[0].one("prediction").value == label.name
    assert answer.evidence[0].one("probability").value == pytest.approx(chances.max())
    assert label.label in answer.text and f"{100 * chances.max():.0f}%" in answer.text


def test_reasons_add_up_to_the_prediction(credit: Subject) -> None:
    answer = verified(fresh("credit"), "why was row 12 predicted this way?")
    evidence = answer.evidence[0]
    total = sum(fact.number() for fact in evidence.all("attribution"))
    assert evidence.one("base").number() + total == pytest.approx(evidence.one("probability").number(), abs=1e-9)
    assert len(evidence.all("attribution")) == len(credit.schema.features)
    strongest = max(evidence.all("attribution"), key=lambda fact: abs(fact.number()))
    assert credit.schema.feature(strongest.feature or "").label in answer.text


def test_a_counterfactual_is_valid_and_leaves_alone_what_it_must(credit: Subject) -> None:
    answer = verified(fresh("credit"), "what should row 12 change to be approved, without touching sex or age?")
    changed = credit.row("12").copy()
    changes = answer.evidence[0].all("cf_change")
    assert changes
    for fact in changes:
        assert fact.feature not in ("sex", "age")
        changed[fact.feature] = pd.Series([fact.value], index=changed.index).astype(changed[fact.feature].dtype)
    assert credit.schema.classes[int(outputs(credit, changed)[0].argmax())].label == "approved"


def test_the_class_that_is_wished_for_is_the_one_that_is_meant(credit: Subject) -> None:
    row = credit.row_ids[int(outputs(credit)[:, credit.schema.class_index("approved")].argmax())]
    answer = verified(fresh("credit"), f"what would it take for applicant {row} to get the loan?")
    assert "already predicts approved" in answer.text


def test_what_if_is_the_model_on_the_changed_row(credit: Subject) -> None:
    session = fresh("credit")
    verified(session, "why was row 12 predicted this way?")
    answer = verified(session, "what if the duration were 12 months shorter?")
    changed = credit.row("12").assign(duration=lambda frame: frame["duration"] - 12)
    before, after = outputs(credit, credit.row("12"))[0], outputs(credit, changed)[0]
    assert answer.evidence[0].scope.row == "12"
    index = credit.schema.class_index(answer.evidence[0].one("after_probability").cls or "")
    assert answer.evidence[0].one("before_probability").value == pytest.approx(before[index])
    assert answer.evidence[0].one("after_probability").value == pytest.approx(after[index])


def test_the_three_most_important_features(credit: Subject) -> None:
    answer = verified(fresh("credit"), "what are the three most important features?")
    ranked = sorted(answer.evidence[0].all("importance"), key=lambda fact: fact.rank or 0)
    labels = [credit.schema.feature(fact.feature or "").label for fact in ranked]
    assert all(label in answer.text for label in labels[:3])
    assert not any(label in answer.text.split(". ")[0] for label in labels[4:])


def test_accuracy_of_a_subset_is_sklearns_on_held_out_rows(credit: Subject) -> None:
    answer = verified(fresh("credit"), "how accurate is the model for women under 30?")
    rows = (credit.data["sex"] == "female").to_numpy() & (credit.data["age"] < 30).to_numpy() & credit.held_out
    assert credit.target is not None
    names = np.array([label.name for label in credit.schema.classes])
    expected = accuracy_score(credit.target[rows].astype(str), names[outputs(credit)[rows].argmax(axis=1)])
    assert answer.evidence[0].one("score").value == pytest.approx(expected)
    assert answer.evidence[0].one("held_out").value == int(rows.sum())


def test_cases_it_gets_wrong_are_wrong(credit: Subject) -> None:
    answer = verified(fresh("credit"), "show me cases it gets wrong")
    shown = answer.evidence[0].all("mistake")
    assert shown and credit.target is not None
    for fact in shown:
        position = credit.position(fact.row or "")
        predicted = credit.schema.classes[int(outputs(credit)[position].argmax())].name
        assert predicted == fact.cls != str(credit.target.iloc[position])
        assert credit.held_out[position]


def test_the_effect_of_age_is_partial_dependence(credit: Subject) -> None:
    answer = verified(fresh("credit"), "how does age affect the predictions?")
    lowest = answer.evidence[0].one("effect_low")
    assert lowest.feature == "age" and lowest.cls is not None
    column = outputs(credit, credit.data.assign(age=int(lowest.at or 0)))[:, credit.schema.class_index(lowest.cls)]
    spread = column.std() / np.sqrt(float(answer.evidence[0].one("averaged").number()))
    assert lowest.number() == pytest.approx(column.mean(), abs=4 * spread)


def test_two_features_are_compared_on_one_row(credit: Subject) -> None:
    session = fresh("credit")
    explained = verified(session, "why was row 12 predicted this way?").evidence[0]
    answer = verified(session, "is age more important than purpose for row 12?")
    sizes = {fact.feature: abs(fact.number()) for fact in explained.all("attribution")}
    winner = "age" if sizes["age"] > sizes["purpose"] else "purpose"
    assert answer.evidence[0].one("more_important").value == winner


OTHERS = {
    "diabetes": (
        "how many patients are older than 50?",
        "what do you predict for row 12, and how sure are you?",
        "why was row 12 predicted this way?",
        "how could the prediction for row 12 get lower without changing sex or age?",
        "what if the bmi were 5 lower?",
        "what are the three most important features?",
        "how accurate is the model for patients under 40?",
        "show me cases it gets wrong",
        "how does age affect the predictions?",
        "is age more important than bmi for row 12?",
    ),
    "penguins": (
        "how many penguins have a body mass above 4000?",
        "what do you predict for row 12, and how sure are you?",
        "why was row 12 predicted this way?",
        "what should row 12 change to be Gentoo, without touching sex or island?",
        "what if the bill length were 5 mm longer?",
        "what are the three most important features?",
        "how accurate is the model for penguins on Biscoe?",
        "show me cases it gets wrong",
        "how does flipper length affect the predictions?",
        "is bill length more important than island for row 12?",
    ),
}
TOOLS = (
    {"count"}, {"predict"}, {"explain"}, {"counterfactual"}, {"what_if"}, {"importance"}, {"score"}, {"mistakes"},
    {"effect"}, {"compare_features"},
)  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_the_same_questions_on_a_regression_and_on_several_classes(name: str) -> None:
    session = fresh(name)
    for question, tools in zip(OTHERS[name], TOOLS, strict=True):
        answer = verified(session, question)
        assert tools <= {evidence.tool for evidence in answer.evidence}, question


def test_a_regressions_numbers_are_the_models() -> None:
    subject = builtin("diabetes")
    session = fresh("diabetes")
    answer = verified(session, "what do you predict for row 12?")
    assert answer.evidence[0].one("estimate").value == pytest.approx(outputs(subject, subject.row("12"))[0, 0])
    changed = verified(session, "what if the bmi were 5 lower?").evidence[0]
    expected = outputs(subject, subject.row("12").assign(bmi=lambda frame: frame["bmi"] - 5))[0, 0]
    assert changed.scope.row == "12"
    assert changed.one("after_estimate").value == pytest.approx(expected)


def test_a_count_on_several_classes_ignores_missing_cells() -> None:
    subject = builtin("penguins")
    answer = verified(fresh("penguins"), "how many penguins have a body mass above 4000?")
    assert answer.evidence[0].one("count").value == int((subject.data["body_mass_g"] > 4000).sum())


def test_a_conversation_about_a_text() -> None:
    subject, session = builtin("reviews"), fresh("reviews")
    said = "a warm and funny film with a dull ending"
    predicted = verified(session, f'what do you predict for "{said}"?')
    own = pd.DataFrame({"text": pd.array([said], dtype="str")})
    chance = outputs(subject, own)[0]
    assert predicted.evidence[0].one("probability").value == pytest.approx(chance.max())
    why = verified(session, "why?").evidence[0]
    words = {str(fact.at): fact.number() for fact in why.all("word_attribution")}
    assert set(words) == set(said.split())
    assert why.one("base").number() + sum(words.values()) == pytest.approx(why.one("probability").number(), abs=0.02)
    top = verified(session, f'which three words matter most in "{said}"?')
    ranked = sorted(words, key=lambda word: -abs(words[word]))
    assert all(f"“{word}”" in top.text for word in ranked[:3])
    without = verified(session, "remove the word dull, what then?")
    removed = outputs(subject, own.replace({"text": {said: said.replace(" dull", "")}}))[0]
    fact = without.evidence[0].one("after_probability")
    assert fact.value == pytest.approx(removed[subject.schema.class_index(fact.cls or "")])


def test_a_question_without_its_row_is_asked_back() -> None:
    answer = fresh("credit").ask("why was this predicted?")
    assert answer.verdict == "asked"
    assert answer.outcome.kind == "clarify" and answer.outcome.options


def test_what_is_out_of_scope_is_declined_with_a_question_that_works() -> None:
    session = fresh("credit")
    answer = session.ask("write me a poem about the sea")
    assert answer.verdict == "declined" and answer.outcome.kind == "decline"
    assert answer.outcome.nearest
    assert session.ask(answer.outcome.nearest).verdict in ("verified", "asked")


def test_an_unknown_row_is_answered_with_advice() -> None:
    answer = fresh("credit").ask("why was row 4711 predicted this way?")
    assert answer.verdict in ("asked", "declined")
    assert "4711" in answer.text


@pytest.mark.parametrize("question", ["", "   ", "x" * 5000, "\x00\x1b[31m", "?" * 50, "💥" * 20])
def test_no_question_makes_it_raise(question: str) -> None:
    answer = fresh("credit").ask(question)
    assert answer.text


def test_the_same_request_gives_the_same_bytes() -> None:
    first, second = (fresh("credit").ask("why was row 12 predicted this way?") for _ in range(2))
    assert first.canonical() == second.canonical()
    assert json.loads(first.canonical())["text"] == first.text


@pytest.fixture
def lucky_number() -> Iterator[None]:
    """A tool as somebody else would write it: one decorated function in a module of its own."""
    module = types.ModuleType("lucky")
    sys.modules["lucky"] = module

    def lucky_number(view: View) -> Evidence:
        """The lucky number of a case: the length of its id."""
        return Evidence(
            facts=(Fact(relation="luck", value=len(view.row_id), unit="count", row=view.row_id),), method="luck"
        )

    lucky_number.__module__ = "lucky"
    tool(
        asks=("what is the lucky number of {row}?", "which number is lucky for {row}?", "tell me the luck of {row}"),
        says=("The lucky number of {row} is {luck}.",),
        needs="instance",
    )(lucky_number)
    yield
    unregister("lucky_number")
    del sys.modules["lucky"]


@pytest.mark.usefixtures("lucky_number")
def test_a_new_tool_is_one_file() -> None:
    answer = verified(fresh("credit"), "what is the lucky number of row 120?")
    assert answer.text == "The lucky number of applicant 120 is 3."
