"""What-if questions about words: equal to editing the texts by hand."""

from __future__ import annotations

import numpy as np
import pytest
from text_subjects import bag_of_words, text_subject, view_of

from askwhy.agent.plan import Plan, Step
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Change, Condition, Scope, Where
from askwhy.tools.subject import Subject

WEIGHTS = {"refund": -0.3, "help": 0.2, "not": -0.05, "please": 0.1, "good": 0.15}
TEXTS = ["I want a refund, now!", "not good", "good", "This is not good, not at all", "help", "a refund is not good"]


@pytest.fixture
def planted() -> Subject:
    return text_subject(bag_of_words(WEIGHTS), TEXTS)


def what_if(subject: Subject, change: Change, **where: object) -> Evidence:
    scope = Scope.model_validate({"changes": (change,), **where})
    evidence = find_tool("what_if")(view_of(subject, scope))
    draft = verbalize((evidence,), subject.schema)
    plan = Plan(steps=(Step(tool="what_if", arguments=evidence.arguments, scope=scope),))
    assert verify(draft, (evidence,), plan, subject.schema) == (), draft.text
    return evidence


def test_a_word_is_replaced_with_its_punctuation_kept(planted: Subject) -> None:
    evidence = what_if(planted, Change(action="replace", words="REFUND", value="help"), row="0")
    assert evidence.one("new_text").value == "I want a help, now!"
    assert evidence.one("change").value == pytest.approx(-0.5)  # of rotten, which was predicted
    assert evidence.one("flipped").value == "fresh"


def test_words_are_added_at_the_end_or_before_others(planted: Subject) -> None:
    added = what_if(planted, Change(action="insert", value="please"), row="0")
    assert added.one("new_text").value == "I want a refund, now! please"
    before = what_if(planted, Change(action="insert", value="please", words="a refund"), row="0")
    assert before.one("new_text").value == "I want please a refund, now!"
    assert before.one("change").value == pytest.approx(-0.1)


def test_over_a_selection_only_texts_with_the_word_change(planted: Subject) -> None:
    evidence = what_if(planted, Change(action="remove", words="not"))
    call = bag_of_words(WEIGHTS)
    edited = ["I want a refund, now!", "good", "good", "This is good, at all", "help", "a refund is good"]
    moved = call(edited) - call(TEXTS)
    assert evidence.one("mean_change").value == pytest.approx(moved.mean())
    assert evidence.one("flips").value == int(((call(edited) > 0.5) != (call(TEXTS) > 0.5)).sum())
    assert evidence.one("untouched").value == 3
    touched = moved[np.array([1, 3, 5])]
    assert evidence.one("touched_change").value == pytest.approx(touched.mean())
    assert evidence.one("touched_change").error == pytest.approx(touched.std(ddof=1) / np.sqrt(3), abs=1e-12)


def test_a_selection_by_a_word_loses_it(planted: Subject) -> None:
    where = Where.of(Condition(feature="review", op="contains", value="refund"))
    evidence = what_if(planted, Change(action="replace", words="refund", value="help"), where=where)
    assert evidence.one("mean_change").value == pytest.approx(0.5)


def test_words_that_stand_nowhere_are_refused(planted: Subject) -> None:
    with pytest.raises(ToolError, match="does not contain"):
        what_if(planted, Change(action="remove", words="xylophone"), row="0")
    with pytest.raises(ToolError, match="do not contain"):
        what_if(planted, Change(action="remove", words="xylophone"))
    with pytest.raises(ToolError, match="does not contain"):
        what_if(planted, Change(action="remove", words="fun"), row="0")  # part of a word is no word
    with pytest.raises(ToolError, match="edited with"):
        what_if(planted, Change(action="increase", value=1), row="0")


def test_a_text_can_be_emptied(planted: Subject) -> None:
    evidence = what_if(planted, Change(action="remove", words="help"), text="help")
    assert evidence.one("long_text").value == "" and evidence.one("after_probability").value == pytest.approx(0.5)
