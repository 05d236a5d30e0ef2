"""Explanation quality by group: a planted gap, none, and the score against areas computed one row at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import loan_subject, of_rule, run, where

from askwhy.tools.engines.group_fidelity import faithfulness
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.tools.table.explanation_gap import _interval
from askwhy.tools.view import make_view


def planted(rough: str) -> Subject:
    """Additive for everyone but the group `rough`, for which the output is the parity of the features' signs."""
    rng = np.random.default_rng(0)
    data = pd.DataFrame({name: rng.normal(size=200) for name in ("a", "b", "c", "d")})
    data["kind"] = pd.array(rng.choice(["plain", "odd"], 200), dtype="str")

    def rule(some: pd.DataFrame) -> Any:
        numbers = some[["a", "b", "c", "d"]].to_numpy()
        return np.where(some["kind"] == rough, 3 * np.sign(numbers).prod(axis=1), numbers @ [1, 2, 3, 4])

    return of_rule(data, rule, np.zeros(200))


def test_a_planted_gap_is_flagged() -> None:
    found = run(planted("odd"), "explanation_gap", feature="kind")
    assert found.one("gap_clear").group == "kind plain and kind odd"
    scores = {one.group: one.number() for one in found.all("quality_of")}
    assert scores["kind odd"] < scores["kind plain"] - 0.05
    assert found.one("gap_clear").value == pytest.approx(scores["kind plain"] - scores["kind odd"])
    assert found.one("gap_low").number() > 0 and found.one("explained").value == 80
    assert found.quality[0].check == "C17" and not found.quality[0].passed


def test_groups_that_are_explained_alike_have_no_gap() -> None:
    found = run(planted("nobody"), "explanation_gap", feature="kind")
    assert not found.all("gap_clear") and found.quality[0].passed
    assert all(one.number() == pytest.approx(1.0) for one in found.all("quality_of"))


def test_the_score_is_the_correlation_worked_out_one_row_at_a_time() -> None:
    """f = a b + c: the attributions of the product are the averages over both orders."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({name: rng.normal(size=60) for name in "abc"})
    subject = of_rule(data, lambda some: some["a"] * some["b"] + some["c"], np.zeros(60))
    view = make_view(subject, Scope(), Evaluator(subject.predictor), 0)
    scores = faithfulness(view, data, np.zeros(60, dtype=np.int64))
    background = subject.background
    refs = background.iloc[np.sort(np.random.default_rng(0).choice(len(background), 10, replace=False))]
    for place in (0, 7, 31):
        a, b, c = data.iloc[place]
        whole, no_a, no_b, no_c = (
            (first * second).mean() + np.mean(third)
            for first, second, third in (
                (np.full(10, a), np.full(10, b), c),
                (refs["a"], b, c),
                (a, refs["b"], c),
                (np.full(10, a), np.full(10, b), refs["c"]),
            )
        )
        none = (refs["a"] * refs["b"]).mean() + refs["c"].mean()
        pair = a * b - (refs["a"] * refs["b"]).mean()
        alone_a, alone_b = ((refs["b"] * a).mean() - (refs["a"] * refs["b"]).mean()), 0.0
        alone_b = (refs["a"] * b).mean() - (refs["a"] * refs["b"]).mean()
        said = [(alone_a + pair - alone_b) / 2, (alone_b + pair - alone_a) / 2, c - refs["c"].mean()]
        assert sum(said) == pytest.approx(whole - none)
        lost = [whole - no_a, whole - no_b, whole - no_c]
        assert scores[place] == pytest.approx(np.corrcoef(lost, said)[0, 1])


def test_small_groups_are_left_out_and_named() -> None:
    subject = toy_subjects.binary()
    found = run(subject, "explanation_gap", where("age", "gt", 30), feature="age")
    assert len(found.all("quality_of")) == 2
    assert [one.flag for one in found.caveats] == ["small_n"] and "age at most 40" in found.caveats[0].text
    with pytest.raises(ToolError, match="at least 30"):
        run(loan_subject(), "explanation_gap", where("age", "gt", 60), feature="sex")


def test_the_interval_of_the_gap_keeps_its_level() -> None:
    rng = np.random.default_rng(2)
    clear = 0
    for _ in range(200):
        low, _ = _interval(rng.beta(8, 2, 40), rng.beta(8, 2, 40), 1, rng)
        clear += low > 0
    assert clear <= 0.05 * 200
