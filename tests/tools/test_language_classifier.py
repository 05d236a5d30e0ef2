"""A language model as a classifier: strict replies, shares of samples, a kept and bounded number of questions."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from askwhy.tools.call import Call, perform
from askwhy.tools.errors import ModelFault, ToolError
from askwhy.tools.executor import Executor
from askwhy.tools.loading.language_classifier import LanguageClassifier
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject

TEXTS = [f"{word} film number {i}" for i, word in enumerate(["good", "bad", "good", "bad", "good", "bad"])]


class Replies:
    """Gives the replies of a list in turn, or what the text itself says, and keeps what it was asked."""

    def __init__(self, *replies: str) -> None:
        self.replies, self.asked = list(replies), list[str]()

    def __call__(self, texts: list[str]) -> list[str]:
        self.asked += texts
        return [self.replies.pop(0) if self.replies else ("Good" if "good" in text else "Bad") for text in texts]


def made(ask: Replies, classes: Sequence[str] = ("Good", "Bad"), **options: int) -> LanguageClassifier:
    return LanguageClassifier(ask, classes, **options)


@pytest.mark.parametrize("reply", ["Good", " good\n", "“Good”", "GOOD.", "**good**", "'Good'"])
def test_a_class_is_known_whatever_its_case_and_quotes(reply: str) -> None:
    np.testing.assert_array_equal(made(Replies(reply)).predict_proba(["x"]), [[1, 0]])


@pytest.mark.parametrize("reply", ["", "I think it is good", "Good or Bad", "goodness", "Good, Bad"])
def test_any_other_reply_is_a_fault_or_no_preference(reply: str) -> None:
    with pytest.raises(ModelFault, match="which is none of Good, Bad"):
        made(Replies(reply)).predict_proba(["x"])
    np.testing.assert_array_equal(made(Replies(reply), abstain=True).predict_proba(["x"]), [[0.5, 0.5]])


def test_samples_are_shares() -> None:
    found = made(Replies("Good", "Bad", "Good", "Good", "Bad", "Bad", "Bad", "Bad"), samples=4).predict_proba(
        ["a", "b"]
    )
    np.testing.assert_array_equal(found, [[0.75, 0.25], [0, 1]])


def test_no_text_is_paid_for_twice() -> None:
    ask = Replies()
    classifier = made(ask)
    first = classifier.predict_proba([*TEXTS, *TEXTS])
    np.testing.assert_array_equal(classifier.predict_proba(TEXTS[::-1])[::-1], first[:6])
    assert ask.asked == TEXTS and classifier.spent == 6


def test_the_budget_is_said_and_kept() -> None:
    ask = Replies()
    classifier = made(ask, budget=7, samples=2)
    classifier.predict_proba(TEXTS[:3])
    with pytest.raises(ToolError, match="2 more times, and 6 of the 7 replies it may give are spent"):
        classifier.predict_proba([TEXTS[3]])
    assert len(ask.asked) == 6
    classifier.predict_proba(TEXTS[:3])


def test_one_call_asks_for_few_texts() -> None:
    subject = Subject.of(made(Replies(), most_rows=20), TEXTS * 4, ["Good", "Bad"] * 12)
    assert perform(subject, Call(find_tool("predict"), scope=Scope(row="1"))).rows == 1
    subject = Subject.of(made(Replies(), most_rows=3), TEXTS, ["Good", "Bad"] * 3)
    with pytest.raises(ToolError, match="more than the limit of 3"):
        perform(subject, Call(find_tool("mistakes")))


def test_it_stays_in_its_process_and_the_result_says_so() -> None:
    subject = Subject.of(made(Replies()), TEXTS, ["Good", "Bad"] * 3)
    executor = Executor()
    try:
        result = executor.run(subject, Call(find_tool("predict"), scope=Scope(row="1")))
    finally:
        executor.close()
    assert not result.killable
    assert any(fact.value == "Bad" for fact in result.evidence.facts)


@pytest.mark.parametrize("classes", [[], ["one"], ["a", "A"], ["a", " "]])
def test_classes_must_be_told_apart(classes: list[str]) -> None:
    with pytest.raises(ToolError, match="at least two classes"):
        made(Replies(), classes)


def test_as_many_replies_as_texts() -> None:
    with pytest.raises(ModelFault, match="1 replies to 2 texts"):
        LanguageClassifier(lambda texts: ["Good"], ("Good", "Bad")).predict_proba(["a", "b"])
