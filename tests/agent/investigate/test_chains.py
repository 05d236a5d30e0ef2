"""Questions of several dependent steps without a language model: each answer against a direct call of the tools."""

from __future__ import annotations

from askwhy.agent.investigate.report import Report
from askwhy.agent.run import Runner
from askwhy.agent.session import Session
from askwhy.tools.subject import Subject
from askwhy.tools.subjects.builtin import builtin

RUNNER = Runner()


def looked(subject: str, question: str) -> Report:
    return Session(builtin(subject), runner=RUNNER).investigate(question)


def steps(report: Report) -> list[str]:
    return [one.step.tool for one in report.told]


def rows(report: Report) -> list[str | None]:
    return [one.step.scope.row for one in report.told]


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
