"""DiCE as an engine: what it proposes is checked by the same rules as our own, and what fails is counted."""

from __future__ import annotations

import importlib.util
import random
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import loan_pipeline, loan_subject, of_rule, run, with_features

from askwhy.tools.engines import dice
from askwhy.tools.engines.counterfactual_search import Search
from askwhy.tools.engines.distance import Space
from askwhy.tools.engines.recourse import domains, wished_class
from askwhy.tools.errors import MissingExtra
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.scope import Assignment, Scope
from askwhy.tools.subject import Subject
from askwhy.tools.view import make_view

HERE = pytest.mark.skipif(importlib.util.find_spec("dice_ml") is None, reason="dice_ml is not installed")
DECLINED = [str(i) for i in np.flatnonzero(loan_pipeline().predict(loan_subject().data) == "declined")][:6]


def search(subject: Subject, row: str) -> Search:
    view = make_view(subject, Scope(row=row), Evaluator(subject.predictor), 0)
    goal = wished_class(view, None).goal
    space = Space.of(subject.schema, subject.data)
    return Search(subject, view.rows, domains(view, (), ()), goal, view.evaluate, space)


@HERE
@pytest.mark.parametrize("row", DECLINED)
def test_what_is_told_is_valid_keeps_the_rules_and_needs_every_change(row: str) -> None:
    subject, model = loan_subject(), loan_pipeline()
    before = subject.data.loc[[row]]
    found = run(subject, "counterfactual", Scope(row=row), k=2, keep=("savings",), method="dice")
    assert found.method.startswith("DiCE")
    for suffix in ("", "_2"):
        change: dict[str, Any] = {str(one.feature): one.value for one in found.all(f"cf_change{suffix}")}
        assert change or suffix
        if not change:
            continue
        assert model.predict(before.assign(**change))[0] == "approved"
        assert not set(change) & {"sex", "savings"}
        assert change.get("age", 99) > before["age"].iloc[0]
        assert 6 <= change.get("duration", 6) <= 48
        assert all(isinstance(change[name], int) for name in ("age", "duration") if name in change)
        assert change.get("purpose", "car") in ("car", "house", "repairs")
        for undone in change:
            rest = {name: value for name, value in change.items() if name != undone}
            assert model.predict(before.assign(**rest))[0] == "declined"


@HERE
@pytest.mark.parametrize("algorithm", ["random", "genetic"])
def test_the_same_seed_proposes_the_same_and_leaves_the_global_generators_alone(algorithm: Any) -> None:
    subject = toy_subjects.binary()
    random.seed(7)
    np.random.seed(7)
    states = random.getstate(), np.random.get_state()[1].tolist()  # type: ignore[index, union-attr]
    first, second = (dice.proposals(search(subject, "3"), 4, 0, algorithm) for _ in range(2))
    assert first == second
    assert first
    assert random.getstate() == states[0]
    assert np.random.get_state()[1].tolist() == states[1]  # type: ignore[index, union-attr]


@HERE
@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_proposals_are_cells_of_the_right_kind(kind: str) -> None:
    """Numbers in the data's own steps, dates, booleans and words; a missing cell stays missing."""
    subject = toy_subjects.SUBJECTS[kind]()
    places = {name: j for j, name in enumerate(subject.schema.names)}
    missing = str(subject.data.index[subject.data["monthly_income"].isna()][0])
    kinds: dict[str, type] = {}
    for row in ("3", missing):
        evidence = run(subject, "counterfactual", Scope(row=row), k=5, method="dice")
        assert not evidence.all("dice_nothing")
        assert row == "3" or "monthly_income" not in {one.feature for one in evidence.facts if one.feature}
    view = make_view(subject, Scope(row="3"), Evaluator(subject.predictor), 0)
    if kind != "regression":
        wish = wished_class(view, None)
        space = Space.of(subject.schema, subject.data)
        engine = Search(subject, view.rows, domains(view, (), ()), wish.goal, view.evaluate, space)
        for cells in dice.proposals(engine, 20, 0):
            kinds |= {name: type(cells[j]) for name, j in places.items() if j in cells}
            if places["monthly_income"] in cells:
                income = cells[places["monthly_income"]]
                assert income == round(income, 1)
        assert kinds["age"] is int and kinds["LoanPurpose"] is str and kinds["joined"] is pd.Timestamp


def grid() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.integers(0, 10, 60), "b": rng.integers(0, 100, 60), "c": rng.integers(0, 9, 60)})


def both(frame: pd.DataFrame) -> Any:
    """Yes where a is at least 5 and b is at least 50; c does not matter."""
    return np.where((frame["a"] >= 5) & (frame["b"] >= 50), "yes", "no")


def case(**cells: Any) -> Scope:
    return Scope(case=tuple(Assignment(feature=name, value=value) for name, value in cells.items()))


@HERE
def test_proposals_that_fail_are_dropped_and_counted() -> None:
    """Of a rule that needs only b, every proposal that also moves a or c changes more than is needed."""
    subject = of_rule(grid(), both, both(grid()))
    scope = case(a=8, b=10, c=0)
    found = run(subject, "counterfactual", scope, cls="yes", method="dice", k=2)
    view = make_view(subject, scope, Evaluator(subject.predictor), 0)
    goal = wished_class(view, "yes").goal
    space = Space.of(subject.schema, subject.data)
    engine = Search(subject, view.rows, domains(view, (), ()), goal, view.evaluate, space)
    made = dice.proposals(engine, 20, 0)
    spare = sum(set(cells) != {1} for cells in made)
    assert spare
    assert found.one("dice_made").value == len(made)
    assert [(one.group, one.value) for one in found.all("dice_failed")] == [("changing more than is needed", spare)]
    assert {one.feature for one in found.all("cf_change")} == {"b"}
    assert found.one("cf_change").value >= 50  # type: ignore[operator]


@HERE
def test_a_proposal_that_misses_the_goal_or_breaks_a_rule_is_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    from askwhy.tools.table import counterfactual

    planted = [{1: 40}, {1: 500}, {1: 60}, {1: 70, 2: 3}]
    monkeypatch.setattr(counterfactual, "proposals", lambda *_: planted)
    subject = of_rule(grid(), both, both(grid()))
    found = run(subject, "counterfactual", case(a=8, b=10, c=0), cls="yes", method="dice")
    counts = {str(one.group): one.value for one in found.all("dice_failed")}
    assert counts == {"missing the goal": 1, "breaking a constraint": 1, "changing more than is needed": 1}
    assert [(one.feature, one.value) for one in found.all("cf_change")] == [("b", 60)]


@HERE
def test_what_cannot_be_reached_is_explained_as_ever() -> None:
    frame = grid()
    subject = with_features(of_rule(frame, both, both(frame)), a={"mutable": False})
    found = run(subject, "counterfactual", case(a=2, b=10, c=0), cls="yes", method="dice")
    assert found.one("dice_nothing").value == 0
    assert not found.all("cf_change")
    own = run(subject, "counterfactual", case(a=2, b=10, c=0), cls="yes")
    assert [one.feature for one in found.all("would_allow_together")] == [
        one.feature for one in own.all("would_allow_together")
    ]
    assert found.one("none_found").value == own.one("none_found").value


def test_without_dice_the_command_that_installs_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dice, "dice_installed", lambda: False)
    with pytest.raises(MissingExtra, match=r"pip install 'askwhy\[dice\]'"):
        run(toy_subjects.binary(), "counterfactual", Scope(row="3"), method="dice")
