"""Speed: what is counted and compared; no time is asserted."""

from __future__ import annotations

import numpy as np
import pytest
from text_subjects import text_subject
from tiny_networks import WORDS, tiny_module, tiny_tokenizer
from toy_subjects import binary

from askwhy.evals.registry import evaluations, run_evaluation
from askwhy.evals.speed import WORDS as LENGTH
from askwhy.evals.speed import Recorded, table_lines, text_lines
from askwhy.evals.truth_line import figures_of
from askwhy.tools.engines.text_game import SLOW_COALITIONS
from askwhy.tools.engines.text_network import TextNetwork


def number(figures: dict[str, object], key: str) -> float:
    return float(str(figures[key]))


def test_what_a_model_is_asked_is_recorded() -> None:
    recorded = Recorded(lambda texts: np.zeros(len(texts)))
    recorded(["a", "b"])
    recorded(["c"])
    assert recorded.asked == [["a", "b"], ["c"]]
    assert recorded.rows == 3


def test_the_words_of_a_text_on_a_small_network() -> None:
    network = TextNetwork(tiny_module(), tiny_tokenizer(), ("rotten", "fresh"))
    some = [word for word in WORDS if word.isalpha()]
    text = " ".join([*some, *(f"w{i}" for i in range(LENGTH))][:LENGTH])
    subject = text_subject(network.outputs, [text, "too short"], behind=network)
    lines = text_lines(subject, 2, 2)
    figures = figures_of(lines)
    assert 2 * LENGTH < number(figures, "text_passes") <= SLOW_COALITIONS
    assert number(figures, "text_passes") < number(figures, "text_whole") <= 2 * SLOW_COALITIONS
    assert number(figures, "text_ratio") > 0
    assert lines[0].based_on == "1 reviews, 2 pairs"


def test_a_model_without_a_network_is_refused() -> None:
    with pytest.raises(ValueError, match="no network"):
        text_lines(text_subject(len, ["a"]), 1, 1)


def test_one_row_of_a_table() -> None:
    figures = figures_of(table_lines(binary(), 1, 1))
    assert number(figures, "table_rows") > 1
    assert number(figures, "table_ratio") > 0


def test_it_is_listed() -> None:
    assert "speed" in evaluations()
    assert run_evaluation("speed", ["--slow"]) == 2
