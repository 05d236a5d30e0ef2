"""`askwhy eval speed [--quick]`: what answers cost beyond asking the model, measured in pairs on this machine.

Processor time is compared, not time on the clock, and the runs of a pair alternate: other work on the machine then
weighs on both alike. The ratios are medians over the pairs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from askwhy.evals.registry import Parser, Report, evaluation
from askwhy.evals.truth_line import Line, figures_of, missed
from askwhy.tools.engines.text_attribution import attribute_text
from askwhy.tools.engines.text_game import SLOW_COALITIONS
from askwhy.tools.engines.text_network import TextNetwork
from askwhy.tools.engines.text_telling import text_game
from askwhy.tools.engines.text_vectors import texts_of
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.tools.subjects.builtin import builtin
from askwhy.tools.view import View, make_view

MOST_RATIO = 1.3
"""Time of an attribution against one optimal batch run of the same texts."""

WORDS = 20
BATCHES = (16, 32, 64)
"""Texts in one forward pass that the optimal run is tuned over."""

_COLUMNS = ("part", "measure", "value", "spread over the pairs", "required", "met", "from")


@dataclass(eq=False)
class Recorded:
    """A function that is called in a model's place, and all that it was asked, call by call."""

    call: Callable[[Any], Any]
    asked: list[Any] = field(default_factory=list)

    def __call__(self, given: Any) -> Any:
        self.asked.append(given)
        return self.call(given)

    @property
    def rows(self) -> int:
        """Rows or texts asked about."""
        return sum(len(one) for one in self.asked)


@evaluation("speed")
def speed(arguments: list[str]) -> Report:
    """Time of answers against that of the model alone: words of a text on a transformer, features of a row."""
    parser = Parser("askwhy eval speed")
    parser.add_argument("--quick", action="store_true")
    given = parser.parse_args(arguments)
    texts, pairs = (1, 2) if given.quick else (2, 4)
    lines = [*text_lines(builtin("reviews-transformer"), texts, pairs), *table_lines(builtin("credit"), texts, pairs)]
    failures = missed(lines)
    figures = {**figures_of(lines), "missed": failures}
    return Report("Speed", _COLUMNS, tuple(_cells(line) for line in lines), figures, passed=not failures)


def _cells(line: Line) -> tuple[Any, ...]:
    part, measure, value, _, _, spread, required, met, based_on = line.cells
    return part, measure, value, spread, required, met, based_on


def text_lines(subject: Subject, texts: int, pairs: int) -> list[Line]:
    """SHAP over the words of texts of 20 words: forward passes against the budget, time against one optimal run."""
    network = subject.predictor.network
    if network is None:
        raise ValueError(f"{subject.id} is no network")
    some = [text for text in texts_of(subject.data) if len(text.split()) == WORDS][:texts]
    spent, whole, ratios = [], [], []
    for text in some:
        recorded = _recorded(subject)
        passes, work = _prepared(recorded, text)
        asked = [one for call in passes for one in call]
        spent.append(len(asked))
        whole.append(_whole(recorded, text))
        _tuned(network, asked)  # warms up both sides
        ratios += [_cost(work) / _tuned(network, asked) for _ in range(pairs)]
    part, on = f"SHAP of {WORDS} words", f"{len(some)} reviews, {len(ratios)} pairs"
    best = "time against one optimal batch run of the same texts"
    both = "texts that the whole answer asked about, with the choice among methods"
    return [
        Line(part, best, float(np.median(ratios)), "text_ratio", on, baseline=_spread(ratios), most=MOST_RATIO),
        Line(part, "most texts asked about", float(max(spent)), "text_passes", on, most=float(SLOW_COALITIONS)),
        Line(part, both, float(max(whole)), "text_whole", on, most=float(2 * SLOW_COALITIONS)),
    ]


def _recorded(subject: Subject) -> tuple[Subject, Recorded]:
    recorded = Recorded(subject.predictor.call)
    return replace(subject, predictor=replace(subject.predictor, call=recorded)), recorded


def _view(subject: Subject, scope: Scope) -> View:
    return make_view(subject, scope, Evaluator(subject.predictor), seed=0)


def _prepared(about: tuple[Subject, Recorded], text: str) -> tuple[list[Any], Callable[[], None]]:
    """The calls of the model that one attribution makes, and the attribution as work that can be repeated."""
    subject, recorded = about
    view = _view(subject, Scope(text=text))
    label = view.explained_class()

    def work() -> None:
        game, _, _ = text_game(view, label, "word")
        attribute_text(game, label, "word")

    recorded.asked.clear()
    work()
    return list(recorded.asked), work


def _whole(about: tuple[Subject, Recorded], text: str) -> int:
    """Texts that a person's question costs, the text itself not counted."""
    subject, recorded = about
    recorded.asked.clear()
    find_tool("explain_text")(_view(subject, Scope(text=text)))
    return recorded.rows - 1


def _tuned(network: TextNetwork, texts: Sequence[str]) -> float:
    """Seconds of the fastest of some sizes of batch, over texts sorted by length and tokenized beforehand."""
    import torch

    encoded = [network.tokenizer(text, truncation=True, max_length=network.max_tokens)["input_ids"] for text in texts]
    order = sorted(encoded, key=len)
    found = []
    for size in BATCHES:
        batches = [_padded(order[start : start + size], network.pad_id) for start in range(0, len(order), size)]
        with network.evaluating(), torch.no_grad():
            start = time.process_time()
            for ids, mask in batches:
                network.module(input_ids=ids, attention_mask=mask)
            found.append(time.process_time() - start)
    return min(found)


def _padded(rows: Sequence[list[int]], pad: int) -> tuple[Any, Any]:
    import torch

    longest = len(rows[-1])
    ids = torch.tensor([[*row, *([pad] * (longest - len(row)))] for row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in rows])
    return ids, mask


def _cost(work: Callable[[], None]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _spread(ratios: Sequence[float]) -> str:
    return f"{min(ratios):.2f} to {max(ratios):.2f}"


def table_lines(subject: Subject, rows: int, pairs: int) -> list[Line]:
    """Explaining one row against the model's own prediction of as many distinct rows, in one call. Printed only."""
    ratios, asked = [], []
    for row in subject.row_ids[:rows]:
        known, recorded = _recorded(subject)

        def work(known: Subject = known, row: str = row) -> None:
            find_tool("explain")(_view(known, Scope(row=row)))

        work()
        every = pd.concat(recorded.asked, ignore_index=True)
        asked.append(len(every))

        def alone(every: pd.DataFrame = every) -> None:
            subject.predictor.call(every)

        alone()
        ratios += [_cost(work) / max(1e-9, _cost(alone)) for _ in range(pairs)]
    part, on = "one row of credit", f"{rows} rows, {len(ratios)} pairs"
    what = "time of an explanation against the model alone on as many rows"
    return [
        Line(part, what, float(np.median(ratios)), "table_ratio", on, baseline=_spread(ratios)),
        Line(part, "most rows asked about", float(max(asked)), "table_rows", on),
    ]
