"""Concepts of texts ranked: the order on planted models, what they explain, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from text_subjects import bag_of_words, text_subject, view_of

from askwhy.agent.plan import Plan, Step
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Change, Scope
from askwhy.tools.subject import Subject

FILLERS = [f"w{letter}" for letter in "abcdefghijkl"]


def texts(count: int = 160) -> list[str]:
    """Eight words each; "please" and "not" and "plot" stand in about a third of the texts, each by itself."""
    rng = np.random.default_rng(4)
    return [
        " ".join([*rng.choice(FILLERS, 5), *(word for word in ("please", "not", "plot") if rng.random() < 0.35)])
        for _ in range(count)
    ]


def planted() -> Subject:
    weights = {word: 0.01 * number for number, word in enumerate(FILLERS)}
    return text_subject(bag_of_words({**weights, "please": 0.3, "not": -0.08}, start=0.3), texts(), regression=True)


def ranked(subject: Subject, scope: Scope | None = None, **arguments: Any) -> Evidence:
    return find_tool("concept_rank_text")(view_of(subject, scope or Scope()), **arguments)


def test_the_strongest_is_found_first_and_the_unused_one_is_not_found() -> None:
    subject = planted()
    found = ranked(subject, concepts=("plot", "negation", "politeness"))
    ranks = {fact.group: fact.rank for role in ("found", "faint", "unfound") for fact in found.all(role)}
    assert ranks["politeness"] == 1 and ranks["words about the plot"] == 3
    assert [fact.group for fact in found.all("unfound")] == ["words about the plot"]
    assert found.one("found_count").number() == 2
    assert found.one("into_output").group == "politeness"
    assert found.one("into_output").number() == pytest.approx(0.3)
    assert 0.5 < found.one("explained").number() < 1
    draft = verbalize((found,), subject.schema)
    plan = Plan(steps=(Step(tool="concept_rank_text", arguments=found.arguments, scope=found.scope),))
    assert verify(draft, (found,), plan, subject.schema) == (), draft.text


def test_without_names_the_library_is_ranked_as_far_as_there_are_texts() -> None:
    found = ranked(planted())
    names = {fact.group for role in ("found", "faint", "unfound") for fact in found.all(role)}
    assert {"politeness", "negation", "words about the plot"} <= names and "words about food" not in names


def test_words_with_commas_are_a_concept_and_the_same_texts_are_tested_once() -> None:
    found = ranked(planted(), concepts=("politeness", "please, zz", "negation"))
    assert "duplicate" in {one.flag for one in found.caveats}
    assert sum(len(found.all(role)) for role in ("found", "faint", "unfound")) == 2


def test_what_cannot_be_ranked_is_refused() -> None:
    subject = planted()
    with pytest.raises(ToolError, match="fewer than 20"):
        ranked(subject, concepts=("food quality", "plot"))
    with pytest.raises(ToolError, match="single concept"):
        ranked(subject, Scope(row="1"))
    with pytest.raises(ToolError, match="without changes"):
        ranked(subject, Scope(changes=(Change(action="insert", value="x"),)))
    with pytest.raises(ToolError, match="at least 40"):
        ranked(text_subject(bag_of_words({}), texts(30)))
