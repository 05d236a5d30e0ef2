"""Questions of several dependent steps without a language model: each answer against a direct call of the tools."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_subjects import hand_subject, view_of

from askwhy.agent.investigate.chains import Chain
from askwhy.agent.investigate.notebook import Found
from askwhy.agent.investigate.report import Report
from askwhy.agent.run import Runner
from askwhy.agent.session import Session
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Condition
from askwhy.tools.subject import Subject
from askwhy.tools.subjects.builtin import builtin

RUNNER = Runner()


def looked(subject: str, question: str) -> Report:
    return Session(builtin(subject), runner=RUNNER).investigate(question)


def steps(report: Report) -> list[str]:
    return [one.step.tool for one in report.told]


def rows(report: Report) -> list[str | None]:
    return [one.step.scope.row for one in report.told]


def called(subject: Subject, tool: str, *where: Condition, **args: Any) -> Evidence:
    """What the tool itself finds."""
    found = find_tool(tool).function(view_of(subject, None, *where), **args)
    assert isinstance(found, Evidence)
    return found


def score(subject: Subject, metric: str, where: Condition) -> float:
    return called(subject, "score", where, metric=metric).one("score").number()


def chances(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    high = np.clip(frame["mistake"].to_numpy(dtype=float) / 40, 0.05, 0.95)
    return np.column_stack([1 - high, high])


def oldest(subject: Subject) -> str:
    return str(subject.row_ids[int(subject.data["age"].to_numpy().argmax())])


def test_a_row_that_is_described_is_found_and_explained() -> None:
    report = looked("credit", "who is the oldest applicant, and what would change the decision for that one?")
    assert steps(report) == ["statistic", "counterfactual"]
    assert rows(report)[1] == oldest(builtin("credit"))


def test_rows_above_a_mean_that_was_found_are_counted() -> None:
    report = looked("credit", "what is the mean duration, and how many applicants are above it?")
    duration = builtin("credit").data["duration"]
    assert steps(report) == ["statistic", "count"]
    assert report.told[1].evidence.one("count").value == int((duration > duration.mean()).sum())


def test_two_rows_are_compared_together_and_explained_one_by_one() -> None:
    report = looked("credit", "compare applicants 12 and 60, then explain each")
    assert steps(report) == ["contrast_rows", "explain", "explain"]
    assert rows(report) == ["12", "12", "60"]
    assert report.told[0].step.argument("other") == "60"


def test_the_worst_mistake_is_looked_for_in_the_group_that_was_found() -> None:
    report = looked("penguins", "which island is it least accurate on, and what is its worst mistake there?")
    assert steps(report) == ["group_compare", "mistakes"]
    shares = report.told[0].evidence.all("accuracy_each") or report.told[0].evidence.all("accuracy_of")
    worst = min(shares, key=lambda one: one.number())
    (condition,) = report.told[1].step.scope.where.conditions()
    assert (condition.feature, str(condition.value)) == ("island", str(worst.at or worst.group).split()[-1])


def test_an_outcome_to_be_reached_keeps_its_number_and_side() -> None:
    question = "find the patient it is furthest off for, explain that prediction and say what would bring it under 150"
    report = looked("diabetes", question)
    assert steps(report) == ["mistakes", "explain", "counterfactual"]
    worst = report.told[0].evidence.all("largest_error")[0].row
    assert rows(report)[1:] == [worst, worst]
    assert (report.told[2].step.argument("number"), report.told[2].step.argument("direction")) == (150, "lower")


def test_a_text_that_is_described_is_found() -> None:
    report = looked("reviews", "show the mistake it is surest of, and which words did it?")
    assert steps(report) == ["mistakes", "explain_text"]
    assert rows(report)[1] == report.told[0].evidence.all("mistake")[0].row


def test_a_group_that_nobody_found_is_said_not_guessed() -> None:
    report = looked("reviews", "what kind of texts does it get wrong, and how many are there?")
    if not report.told[0].evidence.all("rule_contains"):
        assert any("No group was found" in note for note in report.notes)


def test_what_cannot_be_found_is_named_and_not_answered_for_another() -> None:
    report = looked("credit", "sing to me, and explain the tune")
    assert not report.told or report.notes
    assert all(row is None for row in rows(report))


def test_a_clause_that_is_guessed_is_said_to_be() -> None:
    report = looked("credit", "who is the tallest applicant, and why?")
    assert not report.told or any("tallest" in note for note in report.notes), report


def test_the_worse_of_two_compared_groups_is_gone_on_with() -> None:
    credit = builtin("credit")
    report = looked("credit", "compare the error rate of men and women, then show the worst mistake in the worse group")
    assert steps(report) == ["group_compare", "mistakes"]
    right = {name: score(credit, "accuracy", Condition(feature="sex", value=name)) for name in ("male", "female")}
    (condition,) = report.told[1].step.scope.where.conditions()
    assert (condition.feature, condition.value) == ("sex", min(right, key=lambda name: right[name]))


def test_the_second_of_what_was_listed_is_explained() -> None:
    report = looked("credit", "show three mistakes, explain the second, and say what would change it")
    listed = [one.row for one in called(builtin("credit"), "mistakes", k=3).all("mistake")]
    assert steps(report) == ["mistakes", "explain", "counterfactual"]
    assert rows(report)[1:] == [listed[1], listed[1]]


def test_mistakes_among_a_group_are_counted_not_its_rows() -> None:
    report = looked("credit", "how many applicants rent, and how many of them does it get wrong?")
    rent = Condition(feature="housing", value="rent")
    assert steps(report) == ["count", "mistakes"]
    assert report.told[0].evidence.one("count").value == int((builtin("credit").data["housing"] == "rent").sum())
    wrong = called(builtin("credit"), "mistakes", rent, what="count").one("wrong").value
    assert report.told[1].evidence.one("wrong").value == wrong


def test_a_feature_that_was_found_is_measured() -> None:
    report = looked("credit", "what matters most, and what is its effect?")
    first = called(builtin("credit"), "importance").all("importance")[0].feature
    assert steps(report) == ["importance", "effect"]
    assert report.told[1].step.argument("feature") == first


def test_the_worst_prediction_of_a_regression_is_a_mistake() -> None:
    report = looked("diabetes", "explain the second worst prediction")
    worst = called(builtin("diabetes"), "mistakes").all("largest_error")
    assert (steps(report), rows(report)[1]) == (["mistakes", "explain"], worst[1].row)


def test_a_text_taken_for_the_other_class_is_of_the_right_sides() -> None:
    report = looked("reviews", "find the rotten review it was most convinced was fresh, and explain it")
    assert steps(report) == ["mistakes", "explain_text"]
    sides = {one.on: one.value for one in report.told[0].step.scope.where.conditions()}
    assert sides == {"actual": "rotten", "predicted": "fresh"}
    assert rows(report)[1] == report.told[0].evidence.all("mistake")[0].row


def test_declined_rows_are_counted_and_no_letter_is_written() -> None:
    report = looked("credit", "how many women are declined?")
    assert report.recipe == "" and steps(report) == ["count"]


@pytest.mark.parametrize(
    ("subject", "question"),
    [
        ("credit", "take the applicant it is least sure about. Which features push either way?"),
        ("penguins", "what separates Gentoo from Adelie?"),
        ("diabetes", "find the most frobnicated patient and tell me what would raise the prediction above 200"),
    ],
)
def test_no_row_is_made_up(subject: str, question: str) -> None:
    report = looked(subject, question)
    assert all(row is None for row in rows(report)), steps(report)


def test_nothing_is_said_of_a_group_whose_clause_was_not_understood() -> None:
    report = looked("penguins", "which island glorps the quux, and what is its worst mistake there?")
    assert "mistakes" not in steps(report) or any("No group was found" in one for one in report.notes)
    assert any("glorps" in one for one in report.notes)


def test_a_chain_does_not_go_on_from_a_step_that_failed() -> None:
    chain = Chain("which housing is it least accurate for, and what is the worst mistake there?", builtin("credit"))
    (first,) = chain({})
    assert first.tools == ("group_compare",)
    assert list(chain({first.name: Found("it failed", problems=("no",))})) == [first]
    assert any("worst mistake there" in one for one in chain.notes())


@pytest.mark.parametrize(
    "question", ["what is the average age?", "why was applicant 12 declined?", "compare age and duration", ""]
)
def test_one_question_is_no_chain(question: str) -> None:
    chain = Chain(question, builtin("credit"))
    assert not chain.several and not chain.picks


@pytest.mark.parametrize(
    "question",
    [
        "how does the group affect the worst, and what is its average?",
        "find the worst mistake mistake, and explain it",
        "which group is the worst mistake in, and how many are there?",
        "is mistake 3 worst, and why?",
    ],
)
def test_a_model_whose_names_are_words_of_ours_breaks_nothing(question: str) -> None:
    named = {"group": [0.0, 1.0, 0.0, 1.0] * 10, "mistake": [float(i) for i in range(40)]}
    odd = hand_subject(chances, pd.DataFrame(named), ("worst", "error"), target=["worst", "error"] * 20)
    schema = odd.schema.model_copy(update={"entity": "mistake", "entities": "mistakes"})
    report = Session(dataclasses.replace(odd, schema=schema), runner=RUNNER).investigate(question)
    known = set(odd.row_ids)
    assert all(row is None or row in known for row in rows(report))
    assert all(one.evidence.facts for one in report.told)
    assert report.told or report.notes
