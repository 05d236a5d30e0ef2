"""Mistakes against direct comparison, and planted reasons for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import of_rule, run, values, where

from askwhy.tools.engines.enriched import enriched
from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject


def wrong_rows(subject: Subject) -> tuple[Any, Any, Any]:
    """Truth, prediction and row ids of the held-out rows that are wrong."""
    names = np.array([str(label.value) for label in subject.schema.classes])
    predicted = names[subject.predictor(subject.data).argmax(axis=1)]
    truth = subject.target.to_numpy(dtype=object)
    wrong = subject.held_out & (predicted != truth)
    return truth[wrong], predicted[wrong], [str(one) for one in subject.data.index[wrong]]


@pytest.mark.parametrize("kind", ["binary", "multiclass"])
def test_counts_and_examples_are_the_held_out_errors(kind: str) -> None:
    subject = toy_subjects.SUBJECTS[kind]()
    _, predicted, ids = wrong_rows(subject)
    found = run(subject, "mistakes", what="count")
    assert found.one("wrong").value == len(ids)
    assert found.one("share").value == pytest.approx(len(ids) / subject.held_out.sum())
    shown = run(subject, "mistakes", k=100)
    assert {one.row for one in shown.all("mistake")} == set(ids)
    assert {one.row: one.cls for one in shown.all("mistake")} == dict(zip(ids, predicted, strict=True))
    chances = values(shown, "mistake")
    assert chances == sorted(chances, reverse=True)
    assert shown.table is not None and [row[0] for row in shown.table.rows] == [one.row for one in shown.all("mistake")]
    assert all(row[1] != row[3] for row in shown.table.rows)
    assert len(run(subject, "mistakes", k=2).all("mistake")) == min(2, len(ids))


@pytest.mark.parametrize("kind", ["false_positives", "false_negatives"])
def test_false_positives_and_negatives_of_a_class(kind: Any) -> None:
    subject = toy_subjects.multiclass()
    truth, predicted, ids = wrong_rows(subject)
    side = predicted if kind == "false_positives" else truth
    found = run(subject, "mistakes", what="sample", kind=kind, cls="middle", k=100)
    assert {one.row for one in found.all("mistake")} == {
        one for one, name in zip(ids, side, strict=True) if name == "middle"
    }
    assert found.one(kind).value == (side == "middle").sum()
    with pytest.raises(ToolError, match="which class"):
        run(subject, "mistakes", kind=kind)


def test_mistakes_about_one_of_several_classes_are_not_called_all() -> None:
    subject = toy_subjects.multiclass()
    truth, predicted, _ = wrong_rows(subject)
    found = run(subject, "mistakes", what="count", cls="middle")
    assert found.one("involving").value == ((truth == "middle") | (predicted == "middle")).sum()
    assert not found.all("wrong")


def test_mistakes_in_a_scope_and_none_at_all() -> None:
    subject = toy_subjects.binary()
    _, _, ids = wrong_rows(subject)
    ages = subject.data["age"]
    found = run(subject, "mistakes", where("age", "gt", 40), what="count")
    expected = sum(ages[one] > 40 for one in ids)
    assert values(found, "wrong") == ([expected] if expected else [])
    perfect = of_rule(
        pd.DataFrame({"x": [0, 1, 0, 1]}), lambda frame: np.where(frame["x"] == 1, "b", "a"), ["a", "b", "a", "b"]
    )
    assert run(perfect, "mistakes").one("no_mistake").value == 4
    none = run(perfect, "mistakes", kind="false_positives", cls="a").one("none_of")
    assert (none.value, none.cls, none.group) == (4, "a", "false positives")


def planted(rows: int = 200) -> Subject:
    """Right everywhere but for half of the region "south"; `other` has nothing to do with it."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {"region": pd.array(rng.choice(["north", "south"], rows), dtype="str"), "other": rng.normal(size=rows)}
    )
    truth = np.where(rng.random(rows) < 0.5, "a", "b")
    right = dict(zip(map(float, frame["other"]), truth, strict=True))

    def rule(data: pd.DataFrame) -> Any:
        known = np.array([right.get(float(value), "a") for value in data["other"]])
        flip = (data["region"] == "south").to_numpy() & (data["other"].to_numpy() > 0)
        return np.where(flip, np.where(known == "a", "b", "a"), known)

    return of_rule(frame, rule, truth, held_out=np.ones(rows, dtype=bool))


def test_typical_mistakes_are_the_planted_ones_with_their_counts() -> None:
    subject = planted()
    found = run(subject, "mistakes", what="typical")
    named = {one.group: one for one in found.all("typical")}
    south, positive = subject.data["region"] == "south", subject.data["other"] > 0
    wrong = (south & positive).to_numpy()
    assert "region south" in named and "region north" not in named
    assert named["region south"].value == pytest.approx(wrong[south].mean() - wrong[~south].mean())
    first = found.one("typical")
    assert found.one("first_wrong").group == first.group
    assert found.one("first_rows").value == (south.sum() if first.group == "region south" else 100)


def test_chance_alone_is_rarely_called_typical() -> None:
    """Mistakes drawn at random: something is named in at most a tenth of the draws, up to sampling error."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame(
        {name: rng.normal(size=120) for name in "abcdef"}
        | {"g": pd.array(rng.choice(["u", "v", "w"], 120), dtype="str")}
    )
    subject = of_rule(frame, lambda data: np.where(data["a"] > 0, "x", "y"), np.where(frame["a"] > 0, "x", "y"))
    draws = [enriched(subject.schema, frame, (rng.random(120) < 0.2).astype(int)) for _ in range(100)]
    assert sum(bool(groups) for groups, _ in draws) <= 18
    assert all(tested == 15 for _, tested in draws)


def test_regression_errors_are_ranked_by_size() -> None:
    subject = toy_subjects.regression()
    off = pd.Series(subject.predictor(subject.data)[:, 0] - subject.target, index=subject.data.index)[subject.held_out]
    largest = off.reindex(off.abs().sort_values(ascending=False).index)[:3]
    found = run(subject, "mistakes", k=3)
    assert [one.row for one in found.all("largest_error")] == [str(one) for one in largest.index]
    assert values(found, "largest_error") == pytest.approx(largest.tolist())
    assert found.one("mean_error").value == pytest.approx(off.abs().mean())
    with pytest.raises(ToolError, match="predicts a number"):
        run(subject, "mistakes", kind="false_positives")


def test_texts_have_mistakes_too() -> None:
    subject = toy_subjects.text()
    wrong = run(subject, "mistakes", what="sample")
    assert wrong.one("held_out").value == 20
    assert run(subject, "mistakes", Scope(row="61"), what="count").one("held_out").value == 1
