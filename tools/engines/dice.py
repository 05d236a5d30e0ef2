"""Counterfactuals that DiCE proposes (Mothilal, Sharma & Tan 2020); whoever asks for them has to check them.

DiCE sees only the features that may change, and a model of two classes: the goal is met, or it is not. Numbers reach it
as whole steps, dates as days and categories as codes, so that what it draws can be undone into cells of the right kind.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
import math
import random
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from askwhy.tools.engines.candidates import Cells, Domain
from askwhy.tools.engines.counterfactual_search import Search, composed
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import MissingExtra

Algorithm = Literal["random", "genetic"]

_OUTCOME = "goal"
_MOST_DATA = 1000
_GENERATIONS = 60
_MOST_CALLS = 300
"""DiCE's genetic search draws its first rows until enough of them are valid, be it for ever."""


def dice_installed() -> bool:
    """Whether DiCE can be imported."""
    return importlib.util.find_spec("dice_ml") is not None


def proposals(search: Search, count: int, seed: int, algorithm: Algorithm = "random") -> list[Cells]:
    """Up to `count` different sets of changes that DiCE proposes; none if it finds none or gives up.

    Features that are missing in the row are left as they are. Raises MissingExtra where DiCE is not installed.
    """
    if not dice_installed():
        raise MissingExtra("dice-ml", "dice")
    columns = [one for j, domain in search.domains.items() if (one := _column(j, domain)) is not None]
    if not columns:
        return []
    reader = _Reader(search, columns)
    row = reader.coded(search.row)
    failure = importlib.import_module("raiutils.exceptions").UserConfigValidationException
    with _quiet(seed):
        try:
            result = _engine(reader, algorithm).generate_counterfactuals(
                row, desired_class=1, **_options(reader, count, seed, algorithm)
            )
        except (failure, _Enough, ValueError, IndexError):  # none found; the rest are its slips on small populations
            return []
    one = result.cf_examples_list[0]
    found = one.final_cfs_df if one.final_cfs_df_sparse is None else one.final_cfs_df_sparse
    if found is None:
        return []
    unique = {tuple(sorted((j, repr(cell)) for j, cell in cells.items())): cells for cells in reader.cells(found)}
    return [cells for cells in unique.values() if cells]


@dataclass(frozen=True)
class _Column:
    """One feature as DiCE sees it. values: its categories, the row's own first; empty for a number or a date."""

    name: str
    place: int
    domain: Domain
    values: tuple[Any, ...] = ()
    low: int = 0
    high: int = 0

    def coded(self, cells: pd.Series) -> Any:
        """Cells of the feature as codes; a missing or unknown one as the row's own."""
        if self.values:
            known = {value: f"v{i}" for i, value in enumerate(self.values)}
            return np.array([known.get(cell, "v0") if not pd.isna(cell) else "v0" for cell in cells], dtype=object)
        filled = cells.fillna(self.domain.now)
        if self.domain.feature.kind == "date":
            return np.asarray((filled - self.domain.now) / pd.Timedelta(days=1), dtype=float)
        return np.asarray(filled, dtype=float) / self.domain.step

    def cell(self, code: Any) -> Any:
        """A code as a cell."""
        if self.values:
            return self.values[int(str(code)[1:])]
        if self.domain.feature.kind == "date":
            return self.domain.now + pd.Timedelta(days=round(float(code)))
        return self.domain.cell_at(round(float(code)))


def _column(place: int, domain: Domain) -> _Column | None:
    """How DiCE is shown a feature; None where it cannot be: missing in the row, or without a whole step to go."""
    if not domain.known:
        return None
    name = f"c{place}"
    if not domain.ordered:
        return _Column(name, place, domain, (domain.now, *domain.values))
    if domain.feature.kind == "date":
        bounds = [(bound - domain.now) / pd.Timedelta(days=1) for bound in (domain.low, domain.high)]
    else:
        bounds = [bound / domain.step for bound in (domain.low, domain.high)]
    low, high = math.ceil(bounds[0] - 1e-9), math.floor(bounds[1] + 1e-9)
    return _Column(name, place, domain, (), low, high) if low <= high else None


class _Enough(Exception):
    """DiCE has asked the model often enough."""


class _Reader:
    """The model as DiCE calls one: the probability that the goal is met is 0.5 where it just is."""

    def __init__(self, search: Search, columns: Sequence[_Column]) -> None:
        self.search, self.columns, self.calls = search, columns, 0
        closeness = search.goal.closeness(search.evaluate.all_outputs(search.subject))
        self._scale = float(np.ptp(closeness)) or 1.0

    def coded(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Rows as DiCE sees them."""
        return pd.DataFrame({one.name: one.coded(frame.iloc[:, one.place]) for one in self.columns})

    def cells(self, codes: pd.DataFrame) -> Iterator[Cells]:
        """What each coded row changes."""
        own = self.coded(self.search.row).iloc[0].to_dict()
        taken = [codes[one.name].tolist() for one in self.columns]
        for row in zip(*taken, strict=True):
            pairs = [(one, code) for one, code in zip(self.columns, row, strict=True) if code != own[one.name]]
            cells = {one.place: one.cell(code) for one, code in pairs}
            yield {j: cell for j, cell in cells.items() if cell != self.search.domains[j].now}

    def predict_proba(self, codes: pd.DataFrame) -> Array:
        """Whether coded rows meet the goal, (n, 2)."""
        self.calls += 1
        if self.calls > _MOST_CALLS:
            raise _Enough
        outputs = self.search.evaluate.outputs(composed(self.search.row, list(self.cells(codes))))
        closeness = self.search.goal.closeness(outputs)
        # A lead over the other classes is between -1 and 1 already, the way to a number has no bounds.
        met = closeness if self.search.goal.column is not None else np.tanh(closeness / self._scale)
        return np.column_stack([(1 - met) / 2, (1 + met) / 2])

    def predict(self, codes: pd.DataFrame) -> Array:
        """1 where the goal is met."""
        return np.asarray(self.predict_proba(codes)[:, 1] >= 0.5, dtype=int)


def _engine(reader: _Reader, algorithm: Algorithm) -> Any:
    dice: Any = importlib.import_module("dice_ml")
    data = reader.search.subject.data
    if len(data) > _MOST_DATA:
        data = data.iloc[np.linspace(0, len(data) - 1, _MOST_DATA).round().astype(int)]
    codes = pd.concat([reader.coded(reader.search.row), reader.coded(data)], ignore_index=True)
    numbers = [one.name for one in reader.columns if not one.values]
    table = dice.Data(
        dataframe=codes.assign(**{_OUTCOME: reader.predict(codes)}),
        continuous_features=numbers,
        outcome_name=_OUTCOME,
        continuous_features_precision=dict.fromkeys(numbers, 0),
    )
    return dice.Dice(table, dice.Model(model=reader, backend="sklearn"), method=algorithm)


def _options(reader: _Reader, count: int, seed: int, algorithm: Algorithm) -> dict[str, Any]:
    ranges: dict[str, Any] = {one.name: [one.low, one.high] for one in reader.columns if not one.values}
    seen = reader.coded(reader.search.subject.data)
    ranges |= {one.name: sorted({"v0", *seen[one.name]}) for one in reader.columns if one.values}
    # Its search for smaller steps asks the model row by row, and leaves changes that are not needed all the same.
    shared = {"total_CFs": count, "permitted_range": ranges, "posthoc_sparsity_param": None}
    if algorithm == "random":
        return {**shared, "random_seed": seed % 2**32}
    shared["maxiterations"] = _GENERATIONS
    has_numbers = any(not one.values for one in reader.columns)
    return shared if has_numbers else {**shared, "proximity_weight": 0.0}  # it divides by the number of numbers


@contextlib.contextmanager
def _quiet(seed: int) -> Iterator[None]:
    """Seeds the two global generators that DiCE draws from, puts them back after, and keeps its prints to itself."""
    before, before_numpy = random.getstate(), np.random.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)
    try:
        with (
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            warnings.catch_warnings(),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(before)
        np.random.set_state(before_numpy)
