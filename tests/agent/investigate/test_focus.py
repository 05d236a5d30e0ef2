"""What a clause can point at after some steps: which row, which group, which feature, and none where none was found."""

from __future__ import annotations

from askwhy.agent.investigate.focus import chosen, focus_of, tied
from askwhy.agent.investigate.notebook import Found
from askwhy.agent.investigate.picks import Pick, rated_group
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.scope import Condition, Scope, Where

WOMEN = Where.of(Condition(feature="sex", value="female"))


def found(step: int, tool: str, *facts: Fact, scope: Scope | None = None) -> Found:
    numbered = tuple(one.model_copy(update={"id": f"f{place}"}) for place, one in enumerate(facts, 1))
    return Found("", step, Evidence(tool=tool, scope=scope or Scope(), facts=numbered))


def mistake(row: str, rank: int) -> Fact:
    return Fact(relation="mistake", value=0.9, row=row, rank=rank)


def test_nothing_is_in_focus_before_anything_was_found() -> None:
    focus = focus_of({}, {})
    assert (focus.row, focus.group, focus.feature, focus.fresh) == (None, None, None, False)
    assert focus_of({"a": Found("no such row")}, {}).row is None


def test_the_row_is_that_of_the_last_step_about_one() -> None:
    done = {"a": found(1, "mistakes", mistake("7", 1), mistake("9", 2))}
    focus = focus_of(done, {})
    assert focus.row is not None and (focus.row.id, focus.row.pointer) == ("7", "@1.f1.row")
    done["b"] = found(2, "explain", scope=Scope(row="12"))
    later = focus_of(done, {})
    assert later.row is not None and later.row.id == "12" and later.fresh
    done["c"] = found(3, "count", scope=Scope(where=WOMEN))
    assert not focus_of(done, {}).fresh


def test_the_place_that_was_picked_is_in_focus_not_the_first() -> None:
    second = Pick("row", ("mistakes",), ("mistake",), place=2)
    done = {"a": found(1, "mistakes", mistake("7", 1), mistake("9", 2))}
    focus = focus_of(done, {"a": second})
    assert focus.row is not None and focus.row.id == "9"
    assert chosen(done["a"], Pick("row", ("mistakes",), ("mistake",), place=3)) is None
    assert chosen(None, second) is None


def test_rows_that_a_question_selected_are_the_group() -> None:
    group = focus_of({"a": found(1, "count", scope=Scope(where=WOMEN))}, {}).group
    assert group is not None and (group.where, group.pointer, group.mistakes) == (WOMEN, None, False)


def test_mistakes_are_a_group_of_their_own() -> None:
    group = focus_of({"a": found(1, "mistakes", scope=Scope(where=WOMEN))}, {}).group
    assert group is not None and group.mistakes
    assert group.where == WOMEN & Where.of(Condition(on="correct", value=False))


def shares(*values: float) -> Found:
    told = [
        Fact(relation="accuracy_each", value=value, feature="sex", at=name, group=name)
        for name, value in zip("abc", values, strict=False)
    ]
    return found(1, "group_compare", *told)


def test_the_worse_group_is_the_least_accurate_and_the_furthest_off() -> None:
    worst, best = rated_group({}, True), rated_group({}, True, worst=False)
    for pick, name in ((worst, "b"), (best, "a")):
        taken = chosen(shares(0.9, 0.5, 0.7), pick)
        assert taken is not None and taken[1].at == name
    assert (rated_group({}, False).by, rated_group({}, False, worst=False).by) == ("largest", "smallest")


def test_groups_equally_far_out_are_said_to_tie() -> None:
    assert tied(shares(0.5, 0.5, 0.7), rated_group({}, True))
    assert not tied(shares(0.5, 0.6, 0.7), rated_group({}, True))
    assert not tied(None, rated_group({}, True))
