"""Which feature values go with an event (a mistake) more often than chance allows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.listing import shown
from askwhy.tools.engines.truth import Array
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import Scalar
from askwhy.tools.subject import Mask, plain

FALSE_DISCOVERIES = 0.1
"""Share of chance findings that is accepted among what is named (Benjamini and Hochberg 1995)."""

_MOST_CATEGORIES = 20

Split = tuple[str, Scalar | None, Mask]
"""A group in words, the category it stands for, and its rows."""


@dataclass(frozen=True)
class Group:
    """Rows with one feature value, or one side of a feature's median, against all the others.

    value: the category, None for a side. inside, outside: mean of the event (or of the error) in the group and in the
    rest. error: standard error of their difference. p: one-sided p-value of inside > outside.
    """

    feature: str
    words: str
    value: Scalar | None
    rows: int
    rest: int
    inside: float
    outside: float
    error: float
    p: float

    @property
    def gap(self) -> float:
        """How much more of the event the group has."""
        return self.inside - self.outside


def enriched(schema: Schema, rows: pd.DataFrame, event: Array) -> tuple[list[Group], int]:
    """Groups with more of the event than chance allows, largest difference first, and how many were tested.

    `event`: 0/1 per row (Fisher's exact test) or a size (Welch's t-test). Found by Benjamini-Hochberg at 10 %.
    """
    tested = []
    for feature in schema.features:
        for words, value, inside in _splits(feature, rows[feature.name]):
            if 2 <= inside.sum() <= len(rows) - 2:
                tested.append(_test((feature.name, words, value), inside, event))
    tested.sort(key=lambda group: group.p)
    keep = 0
    for place, group in enumerate(tested, 1):
        if group.p <= FALSE_DISCOVERIES * place / len(tested):
            keep = place
    found = sorted(tested[:keep], key=lambda group: (-group.gap, group.feature, group.words))
    return found, len(tested)


def _splits(feature: Feature, cells: pd.Series) -> list[Split]:
    """The groups that a feature makes: its categories, or the two sides of its median; and the missing cells."""
    missing = np.asarray(cells.isna(), dtype=bool)
    found: list[Split] = [(f"{feature.label} missing", None, missing)] if missing.any() else []
    present = cells[~missing]
    if feature.kind == "text" or not len(present):
        return found
    if not feature.categories and (feature.numeric or feature.kind == "date"):
        middle = present.quantile(0.5, interpolation="lower")
        high = np.asarray(cells > middle, dtype=bool)
        text, low = _short(plain(middle)), ~high & ~missing
        sides = [(f"{feature.label} over {text}", None, high), (f"{feature.label} up to {text}", None, low)]
        return [*found, *sides]
    for value in present.value_counts().index[:_MOST_CATEGORIES]:
        same = np.asarray((cells.astype(object) == value).fillna(False), dtype=bool)
        found.append((f"{feature.label} {shown(feature, value)}", plain(value), same))
    return found


def _short(value: Any) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _test(named: tuple[str, str, Scalar | None], inside: Mask, event: Array) -> Group:
    from scipy.stats import fisher_exact, ttest_ind

    ours, others = event[inside].astype(float), event[~inside].astype(float)
    error = float(np.sqrt(ours.var(ddof=1) / len(ours) + others.var(ddof=1) / len(others)))
    if set(np.unique(event)) <= {0, 1}:
        counts = [[ours.sum(), len(ours) - ours.sum()], [others.sum(), len(others) - others.sum()]]
        p = float(fisher_exact(counts, alternative="greater").pvalue)
    elif error:
        p = float(ttest_ind(ours, others, equal_var=False, alternative="greater").pvalue)
    else:
        p = 1.0
    return Group(*named, len(ours), len(others), float(ours.mean()), float(others.mean()), error, p)
