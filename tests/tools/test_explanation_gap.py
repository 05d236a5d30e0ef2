"""Explanation quality by group: a planted gap, none, and the score against areas computed one row at a time."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import loan_subject, of_rule, run, where

from askwhy.tools.engines.group_fidelity import beaten
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.tools.table.explanation_gap import _interval
from askwhy.tools.view import make_view


def planted(rough: str) -> Subject:
    """Additive for everyone but the group `rough`, for which the output is as good as noise in the features."""
    rng = np.random.default_rng(0)
    data = pd.DataFrame({name: rng.normal(size=200) for name in ("a", "b", "c", "d")})
    data["kind"] = pd.array(rng.choice(["plain", "odd"], 200), dtype="str")

    def rule(some: pd.DataFrame) -> Any:
        total = some["a"] + 2 * some["b"] + 3 * some["c"] + 4 * some["d"]
        return np.where(some["kind"] == rough, 5 * np.sin(40 * total), total)

    return of_rule(data, rule, np.zeros(200))


def test_a_planted_gap_is_flagged() -> None:
    found = run(planted("odd"), "explanation_gap", feature="kind")
    assert found.one("gap_clear").group == "kind plain and kind odd"
    scores = {one.group: one.number() for one in found.all("quality_of")}
    assert scores["kind plain"] > 0.9 and scores["kind odd"] < scores["kind plain"] - 0.05
    assert found.one("gap_clear").value == pytest.approx(scores["kind plain"] - scores["kind odd"])
    assert found.one("gap_low").number() > 0 and found.one("explained").value == 80
    assert found.quality[0].check == "C17" and not found.quality[0].passed


def test_groups_that_are_explained_alike_have_no_gap() -> None:
    found = run(planted("nobody"), "explanation_gap", feature="kind")
    assert not found.all("gap_clear") and found.quality[0].passed
    assert all(one.number() > 0.95 for one in found.all("quality_of"))


def test_an_additive_model_is_scored_as_by_hand() -> None:
    """With f = a + 2 b the better order of two features is the one of their effects against the measuring rows."""
    rng = np.random.default_rng(1)
    data = pd.DataFrame({"a": rng.normal(size=60), "b": rng.normal(size=60)})
    subject = of_rule(data, lambda some: some["a"] + 2 * some["b"], np.zeros(60))
    view = make_view(subject, Scope(), Evaluator(subject.predictor), 0)
    scores = beaten(view, data, np.zeros(60, dtype=np.int64))
    order = np.random.default_rng(0).permutation(len(subject.background))[:20]
    explained = subject.background.iloc[np.sort(order[:10])]
    tested = subject.background.iloc[np.sort(order[10:])]
    effects = [np.array(weight * (data[name] - part[name].mean())) for part in (explained, tested) for name, weight in (("a", 1), ("b", 2))]
    way = np.sign(effects[0] + effects[1])
    says_b, is_b = way * (effects[1] - effects[0]) > 0, way * (effects[3] - effects[2]) > 0
    assert (scores[says_b == is_b] > 0.5).all() and (scores[says_b != is_b] < 0.5).all()
    # Of two features there are two rankings: one as good as the best, the other as bad as the worst.
    assert np.unique(scores.round(9)).size <= 2 and scores.sum() == pytest.approx(
        np.where(says_b == is_b, scores.max(), scores.min()).sum()
    )


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
