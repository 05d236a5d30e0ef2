"""The text half of the planted-truth suite, at a small size, and that it sees what is wrong."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from askwhy.evals import truth_text, truth_text_words
from askwhy.evals.planted_texts import (
    PlantedText,
    any_of,
    attributed_models,
    chance,
    corpus_of,
    longer_than,
    summed,
    words_of,
)
from askwhy.evals.registry import run_evaluation
from askwhy.evals.truth import QUICK as TABLES
from askwhy.evals.truth import measured
from askwhy.evals.truth_line import figures_of, missed
from askwhy.evals.truth_text import TextSize
from askwhy.evals.truth_text_edits import Planting, fewest_edits, measured_again, plantings, smallest_deletions
from askwhy.evals.truth_text_words import ExplainedText, word_lines
from askwhy.tools.engines.text_network import FEWEST_TEXTS, TextNetwork

SLICE = TextSize(1, 2, 2, 2, 3, 6)


def planted(model: Any, *read: str) -> PlantedText:
    return PlantedText("by hand", "by hand", model, read, ("a b",))


def test_the_truth_of_a_sum_is_its_weights() -> None:
    one = planted(summed({"good": 0.2, "dull": -0.1}, 0.5), "good", "dull")
    assert one.truth("a good and dull film") == pytest.approx({"a": 0, "good": 0.2, "and": 0, "dull": -0.1, "film": 0})


def test_the_truth_of_a_phrase_is_shared_by_its_words() -> None:
    one = planted(summed({"good": 0.3, "not good": -0.5}, 0.5), "good", "not")
    assert one.truth("not good film") == pytest.approx({"not": -0.25, "good": 0.05, "film": 0})
    # Side by side once the word between them is gone: three players, worked out from all six orders.
    apart = planted(summed({"blue lamp": 0.6}, 0.1), "blue", "old", "lamp")
    assert apart.truth("blue old lamp") == pytest.approx({"blue": 0.1, "old": -0.2, "lamp": 0.1})


def test_models_do_what_they_are_named_for() -> None:
    assert any_of(["x"])(["a x b", "a b"]).tolist() == [0.9, 0.1]
    assert longer_than(2)(["a b", "a b c"]).tolist() == [0.1, 0.9]
    assert summed({"a": 1.0}, 0.0, odds=True)(["a", ""]) == pytest.approx([1 / (1 + np.exp(-1)), 0.5])
    assert chance("s", "one") == chance("s", "one") != chance("s", "two")
    drawn = [chance("s", str(i)) for i in range(2000)]
    assert np.mean(drawn) == pytest.approx(0.5, abs=0.03)
    for one in attributed_models(1, 3):
        for text in one.asked:
            tokens = words_of(text)
            assert len(set(tokens)) == len(tokens) in (8, 12, 20)
            assert set(one.read) & set(tokens)


def test_brute_force_on_texts_that_can_be_seen_through() -> None:
    trigger = planted(any_of(["blue", "lamp"]), "blue", "lamp")
    assert smallest_deletions(trigger, "a blue lamp") == [frozenset({"blue", "lamp"})]
    assert fewest_edits(trigger, "a blue lamp") == 2
    assert fewest_edits(trigger, "a b") == 1
    phrase = planted(summed({"blue lamp": 0.8}, 0.1), "blue", "lamp")
    assert set(smallest_deletions(phrase, "a blue lamp")) == {frozenset({"blue"}), frozenset({"lamp"})}
    assert smallest_deletions(phrase, "a b") == []
    assert fewest_edits(phrase, "a b") == 2
    assert fewest_edits(planted(any_of(["x", "y", "z"]), "x", "y", "z"), "x y z") == 3


def test_a_rule_that_does_not_hold_is_measured_as_such() -> None:
    rng = np.random.default_rng(0)
    one = PlantedText("", "", summed({"blue lamp": 0.8}, 0.1), ("blue", "lamp"), corpus_of(rng, ["vivid"], 20))
    case = Planting(one, "window blue lamp river", ("blue", "lamp"), every=True)
    assert measured_again(case, {"blue", "lamp"}, 0.5) == 1.0
    assert measured_again(case, {"blue"}, 0.5) == pytest.approx(0.5, abs=0.04)


def test_measures_of_a_wrong_explanation() -> None:
    one = ExplainedText("", (True, True, True, False), (3.0, -2.0, 1.0, 0.0), {"askwhy": (3.0, 2.0, 0.0, 5.0)}, "")
    assert one.signs("askwhy") == pytest.approx(1 / 3)
    assert one.precision("askwhy") == pytest.approx(2 / 3)
    assert one.irrelevant("askwhy") == pytest.approx(0.5)
    assert one.rank("askwhy") == pytest.approx(np.corrcoef([3, 2, 1, 4], [4, 3, 2, 1])[0, 1])


def test_kinds_of_plantings() -> None:
    names = {one.planted.name.split()[0] for one in plantings(1)}
    assert names == {"any", "phrase", "half", "absent", "none", "sum", "negated"}


@pytest.mark.parametrize("part", list(truth_text.PARTS))
def test_a_slice_of_every_part_meets_what_is_required(part: str) -> None:
    report = measured(TABLES, (part,), SLICE)
    assert report.figures["missed"] == []
    assert len(report.rows) >= 6


def test_turned_signs_are_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = truth_text_words.asked_of

    def turned(*given: Any, **more: Any) -> Any:
        found = asked(*given, **more)
        facts = tuple(
            one.model_copy(update={"value": -one.number()}) if one.relation == "word_attribution" else one
            for one in found.facts
        )
        return found.model_copy(update={"facts": facts})

    monkeypatch.setattr(truth_text_words, "asked_of", turned)
    monkeypatch.setattr(truth_text_words, "_plain_shap", lambda *_: {})
    monkeypatch.setattr(truth_text_words, "_plain_lime", lambda *_: {})
    lines = word_lines(1, 1)
    assert "text_additive_signs" in missed(lines)
    assert figures_of(lines)["text_additive_signs"] == 0.0


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("askwhy.evals.truth_text.QUICK", SLICE)
    assert run_evaluation("truth", ["--quick", "--subject", "text", "--part", "text-concepts"]) == 0
    last = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert last["passed"] is True
    assert last["text_concept_power"] == 1.0
    assert run_evaluation("truth", ["--subject", "table", "--part", "words"]) == 2
    assert "not of table models" in capsys.readouterr().err


def _grouped(sizes: list[int]) -> list[list[int]]:
    def forward(input_ids: Any, attention_mask: Any) -> None: ...

    network = TextNetwork(type("Module", (), {"forward": staticmethod(forward)})(), None)
    return [[sizes[i] for i in group] for group in network._grouped(range(len(sizes)), sizes)]


def test_batches_close_before_padding_gets_dear() -> None:
    sizes = sorted([4] * 20 + [5] * 20 + [40] * 20)
    groups = _grouped(sizes)
    assert sorted(size for group in groups for size in group) == sizes
    padded = sum(len(group) * max(group) for group in groups)
    assert padded <= 1.1 * sum(sizes)
    assert _grouped([1, 100]) == [[1, 100]]  # too few to be worth a pass of their own
    assert all(len(group) >= FEWEST_TEXTS for group in groups[:-1])
