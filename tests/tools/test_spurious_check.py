"""Cues that should not matter: edits as edits, planted reactions against direct computation, and the words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from text_subjects import bag_of_words, text_subject, view_of

from askwhy.agent.plan import Plan, Step
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.engines.text_cues import CUES, other_numbers, swapped_gender, swapped_names
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Change, Scope
from askwhy.tools.subject import Subject

TEXTS = [f"{'He' if i % 6 else 'She'} saw {i} films, and John was glad." for i in range(30)]


def checked(subject: Subject, scope: Scope | None = None, **arguments: Any) -> Evidence:
    return find_tool("spurious_check")(view_of(subject, scope or Scope()), **arguments)


def spoken(found: Evidence, subject: Subject) -> str:
    """The words, after their check has passed."""
    draft = verbalize((found,), subject.schema)
    plan = Plan(steps=(Step(tool="spurious_check", arguments=found.arguments, scope=found.scope),))
    assert verify(draft, (found,), plan, subject.schema) == (), draft.text
    return draft.text


def doings(found: Evidence, relation: str) -> set[str]:
    return {str(fact.group) for fact in found.all(relation)}


def test_edits_change_what_they_should_and_keep_capitals() -> None:
    assert swapped_gender("He gave her book to HIM, the actress") == "She gave his book to HER, the actor"
    assert swapped_gender("we saw her.") == "we saw him." and swapped_gender("the hero here") == "the heroine here"
    assert swapped_names("John met a johnny") != "John met a johnny" and "johnny" in swapped_names("John met a johnny")
    assert other_numbers("3 of 10") == "6 of 43"
    assert {cue.key: cue.edit("ab, cd.") for cue in CUES if cue.key in ("marks", "upper", "shouted")} == {
        "marks": "ab cd", "upper": "AB, CD.", "shouted": "ab, cd!!!",
    }  # fmt: skip


def test_a_reaction_to_gender_words_is_told_with_its_mean_and_flips() -> None:
    subject = text_subject(bag_of_words({"she": 0.2}, start=0.4), TEXTS)
    found = checked(subject)
    # Most gain 0.2 and flip from rotten to fresh, a sixth lose it and flip back.
    assert found.one("gender").number() == pytest.approx(0.2 * (25 - 5) / 30)
    assert found.one("gender_flips").number() == 1
    change = np.array([0.2 if i % 6 else -0.2 for i in range(30)])
    assert found.one("gender").error == pytest.approx(change.std(ddof=1) / np.sqrt(30))
    assert "leaving out the punctuation" in doings(found, "still") and "gender" not in doings(found, "still")
    assert "Swapping words for men and women in 30 reviews changes the probability of fresh" in spoken(found, subject)


def test_a_model_that_ignores_all_of_it_reacts_to_none() -> None:
    subject = text_subject(bag_of_words({"glad": 0.2}), TEXTS)
    found = checked(subject)
    assert len(found.all("still")) == found.one("cue_count_none").number() == len(CUES)
    assert "none changes" in spoken(found, subject)


def test_changes_that_cancel_are_not_called_clear_but_their_flips_are_told() -> None:
    texts = [text.replace("He", "She") if i % 2 else text.replace("She", "He") for i, text in enumerate(TEXTS)]
    subject = text_subject(bag_of_words({"she": 0.2}, start=0.4), texts)
    found = checked(subject, cues=("gender words",))
    assert found.one("unclear").number() == 1 and not found.all("gender")
    assert "single predictions may flip" in spoken(found, subject)


def test_length_by_new_words_is_told_from_length_by_the_same_words() -> None:
    subject = text_subject(bag_of_words({"there": 0.2}), TEXTS)
    found = checked(subject, cues=("length",))
    assert found.one("padded").number() == pytest.approx(0.2)
    assert doings(found, "still") == {"saying the whole text twice"}


def test_few_texts_one_text_and_numbers_as_output() -> None:
    subject = text_subject(bag_of_words({"she": 3.0}), TEXTS, regression=True)
    assert found_output(subject) == pytest.approx(3.0 * (25 - 5) / 30)
    plain = text_subject(bag_of_words({}), ["a film"] * 30)
    with pytest.raises(ToolError, match="gender words"):
        checked(plain, cues=("gender words",))
    with pytest.raises(ToolError, match="without changes"):
        checked(subject, Scope(changes=(Change(action="insert", value="x"),)))
    one = text_subject(bag_of_words({"she": 0.2}, start=0.4), TEXTS)
    alone = checked(one, Scope(row="1"))
    assert abs(alone.one("gender_turn").number()) == pytest.approx(0.2)
    assert "becomes fresh" in spoken(alone, one)
    assert spoken(checked(one, Scope(text="plain words")), one)


def found_output(subject: Subject) -> float:
    found = checked(subject)
    assert spoken(found, subject)
    return found.one("gender_output").number()


def test_several_classes_are_told_of_the_one_that_changes_most() -> None:
    def call(texts: list[str]) -> Any:
        she = np.array(["She" in text for text in texts], dtype=float)
        return np.column_stack([0.5 - 0.3 * she, 0.5 + 0.3 * she])

    found = checked(text_subject(call, TEXTS), cls="rotten", cues=("gender words",))
    assert found.one("gender").cls == "rotten" and found.one("gender").number() == pytest.approx(-0.3 * (25 - 5) / 30)
