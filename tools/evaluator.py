"""The one place that calls the model for a tool.

Rows are asked for as a pool of cells and an index matrix, so that coalitions, permutations, grids and candidates
cost one small integer matrix each; equal rows are asked once, in as few predict calls as memory allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.errors import ToolError
from askwhy.tools.predictor import Outputs, Predictor
from askwhy.tools.subject import Subject

Index = np.ndarray[Any, np.dtype[np.int64]]

BLOCK_CELLS = 4_000_000
"""Cells sent to the model in one call: 32 MB of float64, small beside any model's own copy."""

BUDGET_ROWS = 2_000_000
"""Distinct rows one tool call may ask for; more is refused rather than left running."""


@dataclass
class _Spent:
    """What a tool call has asked so far, of all its models together."""

    budget: int
    asked: int = 0
    rows: int = 0
    calls: int = 0


class Evaluator:
    """Asks one model, counts what it asked, and never asks the same row twice in one request.

    `rows` and `calls` are what was spent so far, which depends on what was known before; `asked` counts the rows that
    answers rest on, which does not. `known` holds the outputs of the subject's own rows.
    """

    def __init__(self, predictor: Predictor, *, budget: int = BUDGET_ROWS, block_cells: int = BLOCK_CELLS) -> None:
        self._predict = predictor
        self._spent = _Spent(budget)
        self._block_cells = block_cells
        self._known: tuple[str, Outputs] | None = None

    @property
    def asked(self) -> int:
        """Rows that answers rest on."""
        return self._spent.asked

    @property
    def rows(self) -> int:
        """Distinct rows the models were asked for."""
        return self._spent.rows

    @property
    def calls(self) -> int:
        """How often a model was called."""
        return self._spent.calls

    def sharing(self, predictor: Predictor) -> Evaluator:
        """An evaluator of another model that spends from the same budget and adds to the same counts."""
        other = Evaluator(predictor, block_cells=self._block_cells)
        other._spent = self._spent
        return other

    def outputs(self, frame: pd.DataFrame) -> Outputs:
        """Outputs (n, classes) or (n, 1) of every row of `frame`."""
        rows = np.arange(len(frame), dtype=np.int64)
        return self.mixed(frame, np.repeat(rows[:, None], frame.shape[1], axis=1))

    def mixed(self, pool: pd.DataFrame, source: Index) -> Outputs:
        """Outputs of composite rows: cell (i, j) is taken from row `source[i, j]` of `pool`, column j.

        `source` has shape (n, features). Equal composites are evaluated once.
        """
        if not len(source):
            return self._predict(pool.iloc[:0])
        self._spent.asked += len(source)
        first, inverse = _distinct(_codes(pool), source)
        self._charge(len(first))
        unique = source[first]
        block = max(1, self._block_cells // max(1, pool.shape[1]))
        parts = [self._ask(pool, unique[start : start + block]) for start in range(0, len(unique), block)]
        return np.concatenate(parts)[inverse]

    def all_outputs(self, subject: Subject) -> Outputs:
        """Outputs of every row of the subject's data, computed once."""
        if self._known is None or self._known[0] != subject.id:
            if subject.known is None:
                outputs = self.outputs(subject.data)
            else:
                outputs = subject.known
                self._spent.asked += len(outputs)
            self._known = (subject.id, outputs)
        return self._known[1]

    @property
    def known(self) -> Outputs | None:
        """What `all_outputs` gave, for the caller to keep."""
        return None if self._known is None else self._known[1]

    def _charge(self, rows: int) -> None:
        spent = self._spent
        if spent.rows + rows > spent.budget:
            raise ToolError(
                f"This would ask the model for {spent.rows + rows:,} rows, more than the limit of {spent.budget:,}. "
                "Ask about fewer rows or fewer features."
            )
        spent.rows += rows

    def _ask(self, pool: pd.DataFrame, source: Index) -> Outputs:
        self._spent.calls += 1
        return self._predict(compose(pool, source))


def compose(pool: pd.DataFrame, source: Index) -> pd.DataFrame:
    """The frame whose cell (i, j) is row `source[i, j]` of column j of `pool`; dtypes are kept."""
    columns = {name: pool.iloc[:, j].array.take(source[:, j]) for j, name in enumerate(pool.columns)}
    return pd.DataFrame(columns, index=pd.RangeIndex(len(source)))


def _codes(pool: pd.DataFrame) -> Index:
    """Equal cells of a column get equal integers; a missing cell is a value like any other."""
    columns = [pd.factorize(pool.iloc[:, j], use_na_sentinel=False)[0] for j in range(pool.shape[1])]
    return np.column_stack(columns).astype(np.int64) if columns else np.empty((len(pool), 0), dtype=np.int64)


def _distinct(codes: Index, source: Index) -> tuple[Index, Index]:
    """First occurrence of every distinct composite row, and for every row the position of its twin there."""
    cells = codes[source, np.arange(source.shape[1])]
    multipliers = np.random.default_rng(0x5EED).integers(1, 2**63, size=cells.shape[1], dtype=np.uint64) | np.uint64(1)
    hashes = (cells.astype(np.uint64) * multipliers).sum(axis=1, dtype=np.uint64)
    _, first, inverse = np.unique(hashes, return_index=True, return_inverse=True)
    inverse = inverse.reshape(-1)
    if not np.array_equal(cells, cells[first[inverse]]):  # two different rows share a hash: compare them in full
        _, first, inverse = np.unique(cells, axis=0, return_index=True, return_inverse=True)
        inverse = inverse.reshape(-1)
    return first.astype(np.int64), inverse.astype(np.int64)
