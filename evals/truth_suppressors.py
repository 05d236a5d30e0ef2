"""C16 by simulation: are suppressors flagged, and only they, in data sets that differ in everything else?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from askwhy.evals.truth_line import Line, interval
from askwhy.tools.attribution import attribute
from askwhy.tools.engines.planted import correlated
from askwhy.tools.engines.suppressors import suppressors
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.tools.view import make_view

Array = np.ndarray[Any, Any]
Kind = Literal["suppressor", "related", "cancelled"]
"""suppressor: x0 = gain * outcome + leak * x1, x1 unrelated to the outcome. related: independent features of weights
down to those that a test can just see. cancelled: two strongly correlated features with opposite weights, so that each
hides most of the other's association."""

_WIDTH = 6
_NAMED = 3
_RELATED = 0.1
"""From this correlation with the outcome on, a feature counts as related to it."""

_MANY = 20_000


@dataclass(frozen=True)
class Named:
    """A feature that an explanation named. correlation: its true one with the outcome."""

    suppressor: bool
    correlation: float
    flagged: bool


def simulated_lines(runs: int) -> list[Line]:
    """Share of the suppressors named that are flagged, and of the related features that are flagged wrongly."""
    found = {kind: [one for run in range(runs) for one in _named(kind, run)] for kind in ("suppressor", "related")}
    hidden = [one for run in range(runs) for one in _named("cancelled", run)]
    true = [one.flagged for one in found["suppressor"] if one.suppressor]
    false = [
        one.flagged for every in found.values() for one in every if not one.suppressor and one.correlation >= _RELATED
    ]
    part = "suppressors: simulated"
    lines = [
        _line(part, "suppressor flagged where named", "suppressor_simulated", true, least=0.95),
        _line(part, "related feature flagged", "suppressor_simulated_false", false, most=0.05),
    ]
    for low, high in ((0.0, 0.1), (0.1, 0.2), (0.2, 1.0)):
        some = [one.flagged for one in hidden if low <= one.correlation < high]
        words = f"flagged: hidden by a correlated one, true correlation {low:g} to {high:g}"
        if some:
            lines.append(_line(part, words, f"suppressor_hidden_{low:g}", some))
    return lines


def _line(
    part: str, words: str, key: str, flagged: list[bool], *, least: float | None = None, most: float | None = None
) -> Line:
    hits = sum(flagged)
    low, high = interval(hits, len(flagged))
    spread = f"95 % interval {low:.3f} to {high:.3f}"
    return Line(part, words, hits / len(flagged), key, f"{len(flagged)} named", None, None, spread, least, most)


def _named(kind: Kind, run: int) -> Iterator[Named]:
    """The features that the explanation of one row of a fitted linear model names."""
    rng = np.random.default_rng((len(kind), run))
    rows, binary = int(rng.choice([150, 300, 1000])), bool(run % 2)
    draw = _Drawn(kind, binary, rng)
    cells, outcome = draw.sample(rng, rows)
    true = draw.correlations()
    subject = _subject(cells, outcome, binary, f"{kind} {run}")
    view = make_view(subject, Scope(row=subject.row_ids[int(rng.integers(rows))]), Evaluator(subject.predictor), seed=0)
    label = subject.schema.classes[1] if binary else None
    found = attribute(view, label)
    largest = found.ranked()[:_NAMED]
    words = " ".join(one.text for one in suppressors(view, found, label, largest))
    for one in largest:
        yield Named(kind == "suppressor" and one == 1, abs(float(true[one])), f"own, x{one} shows" in words)


class _Drawn:
    """One world: its weights are drawn once, its rows as often as wanted."""

    def __init__(self, kind: Kind, binary: bool, rng: np.random.Generator) -> None:
        self.kind, self.binary = kind, binary
        self.gain, self.leak = rng.uniform(0.6, 1.5, 2)
        self.weights = rng.uniform(0.1, 0.8, _WIDTH) * rng.choice([-1.0, 1.0], _WIDTH)
        self.likeness = float(rng.uniform(0.6, 0.9))

    def sample(self, rng: np.random.Generator, rows: int) -> tuple[Array, Array]:
        """Cells (rows, features) and the outcome: numbers, or -1 and 1."""
        cells = rng.normal(size=(rows, _WIDTH))
        weights = self.weights.copy()
        if self.kind == "suppressor":
            cells[:, 2:] = correlated(rng, rows, _WIDTH - 2, 0.6)
            weights[:2] = 0.0
        elif self.kind == "cancelled":
            cells[:, 1] = self.likeness * cells[:, 0] + np.sqrt(1 - self.likeness**2) * cells[:, 1]
            weights[1] = -weights[0]
        outcome = cells @ weights + rng.normal(size=rows)
        if self.binary:
            outcome = np.where(outcome > 0, 1.0, -1.0)
        if self.kind == "suppressor":
            cells[:, 0] = self.gain * outcome + self.leak * cells[:, 1]
        return cells, outcome

    def correlations(self) -> Array:
        """True correlations (features,) with the outcome, from many rows."""
        cells, outcome = self.sample(np.random.default_rng(0), _MANY)
        return np.asarray(np.corrcoef(np.column_stack([cells, outcome]), rowvar=False)[-1, :-1])


def _subject(cells: Array, outcome: Array, binary: bool, version: str) -> Subject:
    """A model fitted to the rows: by least squares, or a logistic one."""
    from sklearn.linear_model import LinearRegression, LogisticRegression

    frame = pd.DataFrame(cells, columns=[f"x{j}" for j in range(cells.shape[1])])
    truth: Any = np.where(outcome > 0, "yes", "no") if binary else outcome
    model = (LogisticRegression() if binary else LinearRegression()).fit(frame, truth)
    return Subject.of(model, frame, pd.Series(truth, name="outcome"), version=version)
