"""Flaws planted by hand are named, and what is honest is not accused."""

from __future__ import annotations

import numpy as np
import pytest
from planted_flaws_dev import made, text
from table_subjects import run, values

from askwhy.tools.engines.doubtful import confident
from askwhy.tools.engines.reversals import _ranked, _truth, _within
from askwhy.tools.engines.slices import Slice, limit
from askwhy.tools.engines.weak_regions import worst_of

TABLE_TOOLS = ("leak_check", "shortcut_check", "reversal", "failure_slices", "label_check")


@pytest.mark.parametrize(
    ("kind", "number", "variant", "tool"),
    [
        ("leak", 0, 0, "leak_check"),
        ("shortcut", 0, 0, "shortcut_check"),
        ("reversal", 3, 1, "reversal"),
        ("label noise", 2, 1, "label_check"),
        ("weak region", 3, 1, "failure_slices"),
    ],
)
def test_a_planted_flaw_is_named_with_its_feature(kind: str, number: int, variant: int, tool: str) -> None:
    one = made(kind, number, variant, rows=2000, width=6, model="line", task="binary", share=0.5)
    flaws = run(one.subject, tool).all("flaw")
    assert [fact.value for fact in flaws[:1]] == [kind]
    label = one.subject.schema.feature(one.features[0]).label
    assert flaws[0].feature in one.features and label in str(flaws[0].group)


@pytest.mark.parametrize("variant", [0, 1, 2])
def test_a_clean_model_is_not_accused(variant: int) -> None:
    """Variant 1 has one strong honest number, variant 2 a strong honest site."""
    one = made("clean", 40 + variant, variant, rows=600, width=6, model="forest", task="binary", share=0.3)
    assert [tool for tool in TABLE_TOOLS if run(one.subject, tool).all("flaw")] == []


@pytest.mark.parametrize(
    ("kind", "tool"),
    [
        ("leak", "cue_check"),
        ("shortcut", "cue_check"),
        ("label noise", "label_check_text"),
        ("reversal", "label_check_text"),
        ("weak region", "failure_texts"),
    ],
)
def test_a_flaw_of_texts_is_named_with_its_word(kind: str, tool: str) -> None:
    one = text(kind, 0, 500)
    flaws = run(one.subject, tool).all("flaw")
    assert [fact.value for fact in flaws] == [kind]
    assert one.features[0] in str(flaws[0].group)


def test_clean_texts_are_not_accused() -> None:
    one = text("", 0, 500)
    for tool in ("cue_check", "label_check_text", "failure_texts"):
        assert run(one.subject, tool).all("flaw") == ()


def test_a_leak_that_the_model_does_not_use_is_no_flaw() -> None:
    one = made("leak", 0, 0, rows=600, width=6, model="line", task="binary", share=0.5)
    blind = one.subject.predictor
    call = blind.call

    def without(frame: object) -> object:
        return call(frame.assign(fee_paid=0.0))  # type: ignore[attr-defined]

    import dataclasses

    subject = dataclasses.replace(one.subject, predictor=dataclasses.replace(blind, call=without), id="blind")
    found = run(subject, "leak_check")
    assert found.all("flaw") == () and [fact.feature for fact in found.all("unused")] == ["fee_paid"]


def test_confident_learning_by_hand() -> None:
    # Mean confidence: class 0 (rows 0 and 1) 0.8 and 0.3 -> 0.55; class 1 (rows 2 and 3) 0.9 and 0.7 -> 0.8.
    outputs = np.array([[0.8, 0.2], [0.3, 0.7], [0.1, 0.9], [0.3, 0.7]])
    doubtful, suggested = confident(outputs, np.array([0, 0, 1, 1]))
    assert doubtful.tolist() == [False, False, False, False]
    sure = np.array([[0.8, 0.2], [0.05, 0.95], [0.1, 0.9], [0.3, 0.7]])
    doubtful, suggested = confident(sure, np.array([0, 0, 1, 1]))
    assert doubtful.tolist() == [False, True, False, False] and suggested[1] == 1


def test_a_correlation_within_a_group_by_hand() -> None:
    actual = np.array([0.0, 1.0, 2.0, 3.0, 3.0, 2.0, 1.0, 0.0])
    said = np.arange(8.0)[:, None]
    groups = [Slice((), np.arange(8) < 4), Slice((), np.arange(8) >= 4)]
    inside, z = _within(groups, _ranked(said), _truth(actual, 1))
    assert inside == pytest.approx([1.0, -1.0]) and z == pytest.approx([np.sqrt(3), -np.sqrt(3)])


def test_errors_that_are_expected_make_no_region() -> None:
    rng = np.random.default_rng(0)
    inside = np.arange(400) < 100
    hard = np.where(inside, 0.45, 0.1)
    errors = (rng.random(400) < hard).astype(float)
    groups = [Slice((), inside)]
    assert worst_of(groups, errors, hard, 2) is None
    found = worst_of(groups, errors, np.full(400, 0.1), 2)
    assert found is not None and found.rows == 100 and found.inside == errors[:100].mean()


def test_more_groups_need_clearer_findings() -> None:
    assert limit(1) == pytest.approx(1.6449, abs=1e-3) and limit(1000) > limit(10) > limit(1)


def test_doubtful_rows_are_named_by_id() -> None:
    one = made("label noise", 2, 1, rows=600, width=6, model="line", task="binary", share=0.5)
    found = run(one.subject, "label_check")
    assert set(values(found, "doubt")) <= set(one.subject.row_ids)


def test_the_column_of_all_others_is_there_only_where_it_was_measured() -> None:
    columns = []
    for one in (
        made("leak", 0, 0, rows=600, width=6, model="line", task="binary", share=0.5),
        made("clean", 40, 0, rows=600, width=6, model="forest", task="binary", share=0.3),
    ):
        table = run(one.subject, "leak_check").table
        assert table is not None and {len(row) for row in table.rows} == {len(table.columns)}
        columns.append("all others together" in table.columns)
    assert columns == [True, False]
