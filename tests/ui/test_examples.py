"""Example questions: filled with the subject's own names, and true of it."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from toy_subjects import SUBJECTS

from askwhy.tools.evaluator import Evaluator
from askwhy.tools.registry import find_tool, tools
from askwhy.tools.subject import Subject
from askwhy.ui.examples import examples, in_words, sentence


def known(name: str) -> Subject:
    subject = SUBJECTS[name]()
    return subject.with_known(Evaluator(subject.predictor).all_outputs(subject))


@pytest.mark.parametrize("name", SUBJECTS)
def test_there_are_eight_different_questions_without_open_slots(name: str) -> None:
    found = examples(known(name))
    assert len(found) == 8
    assert len({one.tool for one in found}) == 8 and len({one.question for one in found}) == 8
    for one in found:
        assert not re.search(r"[{}]", one.question)
        assert one.question[0].isupper() and one.question[-1] in ".?!”"


@pytest.mark.parametrize("name", SUBJECTS)
def test_only_tools_that_fit_are_named(name: str) -> None:
    subject = known(name)
    assert {one.tool for one in examples(subject, 50)} <= set(tools(subject.schema))


def test_the_same_subject_gives_the_same_questions() -> None:
    assert examples(known("binary")) == examples(known("binary"))


@pytest.mark.parametrize("name", ["binary", "multiclass"])
def test_a_row_is_said_to_be_of_the_class_that_the_model_predicts(name: str) -> None:
    subject = known(name)
    question = next(one.question for one in examples(subject) if one.tool == "explain")
    row = re.search(r"row (\d+)", question)
    assert row is not None
    outputs = subject.predictor(subject.row(row.group(1)))
    assert subject.schema.classes[int(np.argmax(outputs))].label in question


def test_the_class_to_reach_is_not_the_one_predicted() -> None:
    subject = known("binary")
    by_tool = {one.tool: one.question for one in examples(subject)}
    predicted = next(
        label.label for label in subject.schema.classes if re.search(rf"\b{label.label}\b", by_tool["explain"])
    )
    wished = next(label.label for label in subject.schema.classes if label.label != predicted)
    assert re.search(rf"\b{wished}\b", by_tool["counterfactual"])


def test_without_known_outputs_no_class_is_claimed() -> None:
    subject = SUBJECTS["binary"]()
    assert subject.known is None
    explain = next(one.question for one in examples(subject) if one.tool == "explain")
    assert not re.search(r"\b(yes|no)\b", explain)


def test_a_text_question_quotes_a_text_or_names_one() -> None:
    questions = [one.question for one in examples(known("text"))]
    assert any(re.search(r"row \d+|“.+”", question) for question in questions)


@pytest.mark.parametrize(
    ("text", "done"),
    [("why was it so", "Why was it so?"), ("show row 3", "Show row 3."), ("what is  this?", "What is this?")],
)
def test_sentences(text: str, done: str) -> None:
    assert sentence(text) == done


def test_asks_in_words_have_no_slots() -> None:
    assert in_words(find_tool("predict")) == "What do you predict for applicant 12?"
    assert not [name for name, made in tools().items() if re.search(r"[{}]", in_words(made))]


def test_a_class_that_is_a_number_is_something_that_is_predicted() -> None:
    subject = known("binary")
    classes = tuple(one.model_copy(update={"label": str(i)}) for i, one in enumerate(subject.schema.classes))
    schema = subject.schema.model_copy(update={"classes": classes})
    by_tool = {one.tool: one.question for one in examples(dataclasses.replace(subject, schema=schema))}
    assert re.fullmatch(r"Why was row \d+ predicted [01]\?", by_tool["explain"])
    assert re.fullmatch(r"What should row \d+ change to be predicted [01]\?", by_tool["counterfactual"])
