"""Many tests at once: which of them may be called discoveries, at a rate of false ones that is kept."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]


def adjusted(p_values: Array) -> Array:
    """Adjusted p-values by Benjamini & Hochberg (1995): those up to q are discoveries at a false discovery rate q."""
    from scipy.stats import false_discovery_control

    return np.asarray(false_discovery_control(p_values)) if len(p_values) else np.empty(0)


def discovered(e_values: Array, q: float) -> Array:
    """Mask of the discoveries among e-values at a false discovery rate q, whatever their dependence (e-BH).

    The k largest are discoveries for the largest k whose k-th largest is at least m / (q k). Wang & Ramdas 2022.
    """
    count = len(e_values)
    order = np.argsort(-e_values, kind="stable")
    enough = np.flatnonzero(e_values[order] * np.arange(1, count + 1) >= count / q)
    found = np.zeros(count, dtype=bool)
    if len(enough):
        found[order[: enough[-1] + 1]] = True
    return found
