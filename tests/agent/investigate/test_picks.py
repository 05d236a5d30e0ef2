"""What a clause describes without naming it, and the step that finds it; names that look like such words are none."""

from __future__ import annotations

import pytest

from askwhy.agent.investigate.picks import HERE, Pick, pick_in
from askwhy.tools.schema import Category, ClassLabel, Feature, Schema, Target
from askwhy.tools.subjects.builtin import builtin


def picked(clause: str, subject: str = "credit") -> Pick | None:
    return pick_in(clause, builtin(subject).schema)


@pytest.mark.parametrize(
    ("clause", "tool", "place", "rest"),
    [
        ("explain its worst mistake there", "mistakes", 1, f"explain {HERE} there"),
        ("show me the mistake it is surest of", "mistakes", 1, ""),
        ("explain its second worst mistake", "mistakes", 2, f"explain {HERE}"),
        ("not the largest miss but the third largest", "mistakes", 3, ""),
        ("what does it predict for the oldest applicant", "statistic", 1, f"what does it predict for {HERE}"),
        ("how does the most important feature affect it", "importance", 1, f"how does {HERE} affect it"),
        ("which housing group has the lowest accuracy", "group_compare", 1, ""),
    ],
)
def test_what_is_described_is_found_by_a_step(clause: str, tool: str, place: int, rest: str) -> None:
    found = picked(clause)
    assert found is not None
    assert (found.tools[0], found.place, found.rest) == (tool, place, rest)


def test_an_extreme_row_is_that_of_its_feature_on_the_right_side() -> None:
    for clause, measure in (
        ("who is the oldest applicant", "max"),
        ("who is the youngest applicant", "min"),
        ("whoever has the highest age", "max"),
        ("the applicant with the lowest age", "min"),
    ):
        found = picked(clause)
        assert found is not None and found.args == {"feature": "age", "measure": measure}, clause
    narrowed = picked("who is the youngest applicant with purpose car")
    assert narrowed is not None and "purpose car" in narrowed.rows


@pytest.mark.parametrize(
    "clause",
    [
        "how many mistakes does it make",
        "why was applicant 12 declined",
        "compare age and duration",
        "find the worst case scenario",
        "which group has the largest error",
        "list the most important features",
        "what is the error rate",
        "",
    ],
)
def test_what_names_nothing_to_be_found_is_left_alone(clause: str) -> None:
    assert picked(clause) is None


def test_the_best_and_the_worst_group_are_at_the_ends_of_what_is_measured() -> None:
    for clause, by in (
        ("which sex is it least accurate for", "smallest"),
        ("which sex is it most accurate for", "largest"),
        ("for which sex is it wrong most often", "smallest"),
    ):
        found = picked(clause)
        assert found is not None and (found.kind, found.by) == ("group", by), clause
    off = picked("for which sex is it furthest off", "diabetes")
    assert off is None or off.by == "largest"


def odd() -> Schema:
    """A table whose names are words that describe rows elsewhere."""
    names = ("worst mistake", "group", "oldest", "error")
    features = tuple(Feature(name=one, label=one, kind="number") for one in names)
    kinds = tuple(Category(name=one, label=one, value=one) for one in ("largest", "second"))
    return Schema(
        features=(*features, Feature(name="surest", label="surest", kind="category", categories=kinds)),
        target=Target(name="worst", label="worst"), task="binary",
        classes=tuple(ClassLabel(name=one, label=one, value=one) for one in ("mistake", "none")),
        entity="mistake", entities="mistakes",
    )  # fmt: skip


@pytest.mark.parametrize(
    "clause", ["its worst mistake", "the oldest mistake", "which group has the largest error", "surest"]
)
def test_names_of_the_data_that_are_such_words_break_nothing(clause: str) -> None:
    found = pick_in(clause, odd())
    assert found is None or found.tools
