"""Rules on models that keep them and models that break them, with the break known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from hand_subjects import hand_subject
from table_subjects import run, where

from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Condition, Scope, Where
from askwhy.tools.subject import Subject


def people(rows: int = 80, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": rng.integers(20, 60, rows),
            "income": rng.integers(10, 50, rows),
            "job": pd.array(rng.choice(["none", "part", "full"], rows), dtype="str"),
        }
    )


def kept(frame: pd.DataFrame) -> Any:
    return frame["income"] + 0.1 * frame["age"]


def dips(frame: pd.DataFrame) -> Any:
    """Falls by 5 above an income of 30, for those without a job only."""
    return frame["income"] - (5 + 0.1 * frame["age"]) * ((frame["income"] > 30) & (frame["job"] == "none"))


def chance(share: Any) -> Any:
    one = np.asarray(share, dtype=float)
    return np.column_stack([1 - one, one])


def by_age(frame: pd.DataFrame) -> Any:
    return chance(np.where(frame["age"] >= 18, 0.8, 0.1))


def classes(call: Any, frame: pd.DataFrame | None = None) -> Subject:
    return hand_subject(call, people() if frame is None else frame, ("no", "yes"))


def test_a_rule_that_is_kept() -> None:
    found = run(hand_subject(kept, people()), "policy", feature="income")
    assert found.one("kept_rises_output").value == 80 and not found.all("breaking")
    assert found.one("tried").number() > 300
    assert [caveat.flag for caveat in found.caveats] == ["no_proof"]
    other = run(hand_subject(kept, people()), "policy", feature="income", direction="never_rises")
    assert other.one("breaking").value == 80


def test_a_rule_that_is_broken_with_its_worst_case() -> None:
    frame = people()
    found = run(hand_subject(dips, frame), "policy", feature="income")
    unemployed = frame[frame["job"] == "none"]
    assert found.one("breaking").value == len(unemployed)
    assert found.one("broken_share").value == pytest.approx(len(unemployed) / 80)
    worst = found.one("worst_output")
    assert worst.row == str(unemployed["age"].idxmax())
    start, end = found.one("worst_from").number(), found.one("worst_to").number()
    assert start <= 30 < end
    assert worst.number() - found.one("worst_before_output").number() == pytest.approx(
        (end - start) - (5 + 0.1 * unemployed["age"].max())
    )
    assert found.one("worst_drop").value == pytest.approx(worst.number() - found.one("worst_before_output").number())


def test_the_search_finds_what_the_data_does_not_show() -> None:
    """The break needs a job that the rows asked about do not have."""
    scope = where("job", "eq", "full")
    clean = run(hand_subject(dips, people()), "policy", scope, feature="income")
    assert clean.all("kept_rises_output") and clean.all("tried")  # the search keeps to the rows asked about
    rare = people(80).assign(job=lambda one: np.where(one.index == 0, "none", "full"))

    def unlucky(frame: pd.DataFrame) -> Any:
        return frame["income"] - 20 * ((frame["income"] > 30) & (frame["job"] == "none") & (frame["age"] > 30))

    subject = hand_subject(unlucky, rare.assign(age=lambda one: one["age"].where(one.index > 0, 25)))
    found = run(subject, "policy", feature="income")
    assert found.all("kept_rises_output") and found.one("found_broken").number() > 0
    made = {fact.feature: fact.value for fact in found.all("made_cell")}
    row = subject.row(str(found.one("made_output").row)).iloc[0].to_dict() | made
    assert row["job"] == "none" and row["age"] > 30
    assert found.one("made_output").number() < found.one("made_before_output").number()


def test_a_class_has_to_be_named_where_there_are_several() -> None:
    with pytest.raises(ToolError, match="which class"):
        run(toy_subjects.multiclass(), "policy", feature="age")
    assert run(toy_subjects.multiclass(), "policy", feature="age", cls="high").one("checked").value == 120


def test_only_ordered_features_have_a_direction() -> None:
    with pytest.raises(ToolError, match="not a number"):
        run(hand_subject(kept, people()), "policy", feature="job")


def test_a_forbidden_outcome_is_found_in_the_data() -> None:
    found = run(classes(by_age), "forbidden", where("age", "lt", 30), never="yes")
    young = int((people()["age"] < 30).sum())
    assert (found.one("breaking").value, found.one("checked").value) == (young, young)
    assert found.one("worst").value == 0.8
    assert found.table is not None and len(found.table.rows) == min(10, young)


def test_a_forbidden_outcome_that_never_happens() -> None:
    found = run(classes(by_age), "forbidden", where("age", "lt", 30), never="no")
    assert found.one("kept").value == 0 and found.one("tried").number() > 100


def test_rows_are_made_up_where_the_data_has_none() -> None:
    minors = where("age", "lt", 18)
    good = run(classes(by_age), "forbidden", minors, never="yes")
    assert good.one("tried_alone").number() > 100 and not good.all("found_broken")

    def hole(frame: pd.DataFrame) -> Any:
        return chance(np.where((frame["age"] >= 18) | (frame["income"] > 45), 0.8, 0.1))

    bad = run(classes(hole), "forbidden", minors, never="yes")
    assert bad.one("made").value == 0.8 and bad.one("found_broken").number() > 0
    made = {fact.feature: fact.value for fact in bad.all("made_cell")}
    assert made["age"] == 17
    assert made.get("income", classes(hole).row(str(bad.one("made").row))["income"].iloc[0]) > 45


def test_conditions_that_nothing_can_meet_are_refused() -> None:
    never = Where.of(Condition(feature="age", op="lt", value=18), Condition(feature="age", op="gt", value=50))
    with pytest.raises(ToolError, match="nothing is checked"):
        run(classes(by_age), "forbidden", Scope(where=never), never="yes")


def test_categories_and_numbers_are_made_to_fit_together() -> None:
    scope = Scope(where=Where.of(Condition(feature="age", op="ge", value=70), Condition(feature="job", value="none")))
    found = run(classes(by_age), "forbidden", scope, never="yes")
    made = {fact.feature: fact.value for fact in found.all("made_cell")}
    assert found.one("invented").number() == 80 and made["age"] == 70
