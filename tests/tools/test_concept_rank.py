"""Concepts ranked: planted models, completeness against direct computation, and the words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_subjects import hand_subject, numbers, view_of

from askwhy.agent.plan import Plan, Step
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.engines.concept_ranks import together
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Change, Condition
from askwhy.tools.subject import Subject

RULES = ("high x0", "high x1", "high x2", "high x3")


def linear(*weights: float, seed: int = 0, rows: int = 250) -> Subject:
    return hand_subject(lambda data: data.to_numpy() @ np.array(weights), numbers(rows, len(weights), seed))


def rank(subject: Subject, *where: Condition, row: int | None = None, **arguments: Any) -> Evidence:
    changes = arguments.pop("changes", ())
    return find_tool("concept_rank")(view_of(subject, row, *where, changes=changes), **arguments)


def ranked(evidence: Evidence) -> list[str]:
    facts = [fact for fact in evidence.facts if fact.relation in ("found", "faint", "unfound")]
    return [str(fact.group) for fact in sorted(facts, key=lambda fact: fact.rank or 0)]


def groups(evidence: Evidence, relation: str) -> set[str]:
    return {str(fact.group).partition(" ")[0] for fact in evidence.all(relation)}


def test_the_strongest_concept_is_found_soonest_and_what_is_unused_never() -> None:
    found = rank(linear(3, 1, 0, 0), concepts=RULES)
    assert ranked(found)[0].startswith("x0 ") and groups(found, "unfound") == {"x2", "x3"}
    assert groups(found, "found") | groups(found, "faint") == {"x0", "x1"}
    assert found.one("found_count").number() == 2 and found.one("concept_count").number() == 4
    assert found.one("into_output").group.startswith("x0 ")  # type: ignore[union-attr]


def test_a_planted_concept_comes_first_again_and_again() -> None:
    first = [ranked(rank(linear(0, 2, 0, 1, seed=seed, rows=150), concepts=RULES))[0] for seed in range(10)]
    assert sum(words.startswith("x1 ") for words in first) >= 9


def test_a_correlated_concept_that_is_not_used_is_never_found() -> None:
    for seed in range(5):
        frame = numbers(250, 3, seed)
        frame["x1"] = 0.9 * frame["x0"] + 0.4 * frame["x1"]
        found = rank(hand_subject(lambda data: data["x0"] + data["x2"], frame), concepts=RULES[:3])
        assert "x1" in groups(found, "unfound")


def test_nothing_is_found_in_a_constant_model() -> None:
    found = rank(linear(0, 0, 0, 0), concepts=RULES)
    assert found.one("no_concept").number() == 4 and not found.all("found")
    assert found.one("explained").number() == 0


def test_a_concept_under_two_names_is_tested_once_and_said() -> None:
    found = rank(linear(3, 1, 0, 0), concepts=("x0 > 0", "x0 over 0", "x1 > 0"))
    assert len(ranked(found)) == 2
    assert "duplicate" in {caveat.flag for caveat in found.caveats}


def test_the_library_is_ranked_where_no_concept_is_named() -> None:
    frame = numbers(200, 2).assign(kind=pd.array(np.tile(["a", "b", "c", "d"], 50), dtype="str"))
    subject = hand_subject(lambda data: 5.0 * (data["kind"] == "b") + data["x0"], frame)
    found = rank(subject)
    assert len(ranked(found)) == 8
    assert ranked(found)[0] == "kind b"


def test_classifiers_have_a_completeness() -> None:
    frame = numbers(250, 2)

    def call(data: pd.DataFrame) -> Any:
        yes = np.where(data["x0"] > 0, 0.9, 0.1)
        return np.column_stack([1 - yes, yes])

    found = rank(hand_subject(call, frame, ["no", "yes"]), concepts=("x0 > 0", "x1 > 0"))
    # The model is exactly a rule over the first concept.
    assert found.one("explained").number() == pytest.approx(1) and found.one("completeness").number() == 1
    assert found.one("unexplained").number() == pytest.approx(0)
    three = hand_subject(lambda data: np.column_stack([call(data), np.zeros(len(data))]), frame, ["a", "b", "c"])
    assert rank(three, concepts=("x0 > 0", "x1 > 0")).one("completeness").number() == 1


def test_the_share_explained_is_that_of_the_rule_on_rows_it_has_not_seen() -> None:
    rng = np.random.default_rng(0)
    mask = rng.random(4000) < 0.5
    outputs = (2.0 * mask + rng.normal(size=4000))[:, None]
    found = together(outputs, [mask], None, rng)
    assert found.explained == pytest.approx(1 / 2, abs=0.03) and found.completeness is None
    noise = [rng.random(40) < 0.5 for _ in range(20)]
    assert together(rng.normal(size=(40, 1)), noise, None, rng).explained < 0.2


def test_two_halves_are_compared() -> None:
    found = rank(linear(3, 1, 0.3, 0), concepts=RULES)
    taus = [one for one in found.quality if "Kendall" in one.note]
    assert len(taus) == 1 and -1 <= taus[0].value <= 1


def test_what_cannot_be_ranked_is_refused() -> None:
    with pytest.raises(ToolError, match="many rows"):
        rank(linear(1, 0), row=3)
    with pytest.raises(ToolError, match="as they are"):
        rank(linear(1, 0), changes=(Change(feature="x0", action="increase", value=1),))
    with pytest.raises(ToolError, match="too few rows"):
        rank(linear(1, 0, rows=30))
    with pytest.raises(ToolError, match="on either side"):
        rank(linear(1, 0), concepts=("x0 > 5",))
    with pytest.raises(ToolError, match="at most 32"):
        rank(linear(1, 0), concepts=tuple(f"x0 > {i}" for i in range(33)))


@pytest.mark.parametrize("where", [(), (Condition(feature="x0", op="gt", value=-0.7),)])
@pytest.mark.parametrize("subject", [linear(3, 1, 0.01, 0), linear(0, 0, 0, 0)])
def test_the_words_pass_the_check(subject: Subject, where: tuple[Condition, ...]) -> None:
    found = rank(subject, *where, concepts=("high x0", "high x1", "x2 > 0", "low x3"))
    step = Step(tool="concept_rank", arguments=found.arguments, scope=found.scope)
    draft = verbalize((found,), subject.schema)
    assert verify(draft, (found,), Plan(steps=(step,)), subject.schema) == (), draft.text
