"""Edits that flip a text: the fewest there are, each checked on the model."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from text_subjects import bag_of_words, text_subject, view_of

from askwhy.agent.verbalize import verbalize
from askwhy.tools.engines.text_edits import Edit, edited, put_before, swapped
from askwhy.tools.engines.text_units import split_text
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject

WEIGHTS = {"great": 0.2, "warm": 0.1, "dull": -0.25, "mess": -0.15, "flat": -0.1}
TEXTS = [
    "a great warm film",
    "a dull flat film",
    "the plot is a mess",
    "the cast is great",
    "it is warm",
    "a film",
    "flat",
]


@pytest.fixture
def planted() -> Subject:
    return text_subject(bag_of_words(WEIGHTS), TEXTS)


def found(subject: Subject, text: str, **arguments: Any) -> Evidence:
    return find_tool("counterfactual_text")(view_of(subject, Scope(text=text)), **arguments)


def fewest_by_hand(call: Callable[[Sequence[str]], Any], text: str) -> int:
    """The fewest words to leave out, replace by a word of the model's or add, so that the text is fresh: all tried."""
    words = text.split()
    for size in range(1, len(words) + 2):
        for places in itertools.combinations(range(len(words) + 1), size):
            for new in itertools.product(["", *WEIGHTS], repeat=size):
                changed = dict(zip(places, new, strict=True))
                kept = [changed.get(i, word) for i, word in enumerate([*words, ""])]
                if call([" ".join(filter(None, kept))])[0] > 0.5:
                    return size
    raise AssertionError("nothing flips it")


@pytest.mark.parametrize("text", ["a dull film", "a dull flat mess", "dull flat mess", "a film", "flat"])
def test_no_flip_takes_fewer_edits(planted: Subject, text: str) -> None:
    call = bag_of_words(WEIGHTS)
    evidence = found(planted, text, cls="fresh")
    assert evidence.one("edits_count").value == fewest_by_hand(call, text)
    shown = next(fact for fact in evidence.facts if fact.relation in ("cf_text", "cf_long_text"))
    assert call([str(shown.value)])[0] > 0.5
    assert evidence.one("cf_probability").value == pytest.approx(call([str(shown.value)])[0])


def test_undoing_any_edit_loses_the_flip(planted: Subject) -> None:
    text = "a dull flat mess of a film"
    evidence = found(planted, text, cls="fresh", k=3)
    minimal = [check for check in evidence.quality if check.check == "C14 minimality"]
    assert minimal and all(check.value == 1.0 and check.passed for check in minimal)
    assert evidence.table is not None
    for option, rows in itertools.groupby(evidence.table.rows[1:], key=lambda row: row[0]):
        listed = list(rows)
        assert option and planted.predictor.call([str(listed[0][4])])[0] > 0.5
        assert listed[0][5] == pytest.approx(planted.predictor.call([str(listed[0][4])])[0])


def test_only_the_wanted_kind_of_edits_and_kept_words(planted: Subject) -> None:
    removed = found(planted, "a great dull film", cls="fresh", edits="remove")
    assert [fact.at for fact in removed.all("edit_remove")] == ["dull"]
    assert removed.one("cf_text").value == "a great film"
    added = found(planted, "a dull film", cls="fresh", edits="insert")
    assert added.all("edit_insert") and not added.all("edit_remove") and not added.all("edit_replace")
    assert str(added.one("cf_text").value).startswith("a dull film ")
    kept = found(planted, "a great dull film", cls="fresh", keep=("dull",))
    assert "dull" in str(kept.one("cf_text").value).split()
    with pytest.raises(UnknownName):
        found(planted, "a dull film", keep=("plot",))


def test_where_nothing_flips_the_nearest_is_said(planted: Subject) -> None:
    evidence = found(planted, "a film", cls="fresh", edits="remove")
    assert evidence.one("unreached").value == "fresh"
    assert evidence.one("none_found").value == evidence.one("none_found").number() > 0
    assert "None of the" in verbalize((evidence,), planted.schema).text


def test_a_goal_that_is_met_needs_no_edit(planted: Subject) -> None:
    evidence = found(planted, "great", cls="fresh")
    assert evidence.one("already").value == "fresh" and not evidence.all("cf_edit")


@pytest.mark.parametrize("text", ["", "  ", "😀", "dull", "dull " * 3000])
def test_odd_texts_do_no_harm(planted: Subject, text: str) -> None:
    evidence = found(planted, text, cls="fresh")
    quoted = [fact.value for fact in evidence.facts if fact.relation in ("cf_text", "cf_long_text", "cf_no_text")]
    for one in quoted:
        assert planted.predictor.call([str(one)])[0] > 0.5


def test_a_number_is_reached() -> None:
    call = bag_of_words({"great": 5.0, "dull": -3.0}, start=10.0)
    subject = text_subject(call, TEXTS, regression=True)
    evidence = found(subject, "a dull film", number=14.0)
    text = str(evidence.one("cf_text").value)
    assert call([text])[0] >= 14.0 and evidence.one("cf_estimate").value == pytest.approx(call([text])[0])
    with pytest.raises(ToolError, match="number"):
        found(subject, "a dull film", cls="fresh")


def test_edits_keep_the_rest_of_the_text() -> None:
    split = split_text("A dull, flat film.")
    assert edited(split, [Edit(1, "replace", "dull", "warm")]) == "A warm, flat film."
    assert edited(split, [Edit(1, "remove", "dull")]) == "A flat film."
    assert edited(split, [Edit(2, "insert", "flat", "not")]) == "A dull, not flat film."
    assert edited(split, [Edit(4, "insert", "", "please")]) == "A dull, flat film. please"
    assert edited(split, []) == split.text
    ends = [Edit(4, "insert", "", "so"), Edit(5, "insert", "", "there")]
    assert edited(split, ends) == "A dull, flat film. so there"
    everything = [Edit(0, "insert", "A", "not"), Edit(1, "remove", "dull"), Edit(3, "replace", "film", "plot")]
    assert edited(split, everything) == "not A flat plot."


def test_phrases_are_swapped_wherever_they_stand() -> None:
    text = "A refund, please. No REFUND?"
    assert swapped(split_text(text), "refund", "help") == "A help, please. No help?"
    assert swapped(split_text("too long and too long."), "too long", "short") == "short and short."
    assert put_before(split_text(text), "refund", "full") == "A full refund, please. No full REFUND?"
    with pytest.raises(UnknownName):
        swapped(split_text(text), "help", "x")


def test_the_same_seed_gives_the_same_edits(planted: Subject) -> None:
    first, second = (found(planted, "a dull flat mess", cls="fresh", k=4) for _ in range(2))
    assert first.canonical() == second.canonical()
    assert len({str(row[4]) for row in (first.table.rows if first.table else ())}) >= 4
    assert np.isfinite([check.value for check in first.quality]).all()
