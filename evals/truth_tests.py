"""The error rates of askwhy's statistical tests where the truth is planted: false discoveries and false alarms."""

from __future__ import annotations

from typing import Any

import numpy as np

from askwhy.evals.truth_line import Line, interval
from askwhy.tools.engines.betting import Outcome
from askwhy.tools.engines.planted import Kind, concept_runs, false_discoveries, marginal_runs

Array = np.ndarray[Any, Any]

Q = 0.1
ALPHA = 0.05

_RESAMPLES = 2000


def significance_lines(replicates: int) -> list[Line]:
    """C10: the rate of false discoveries at q = 0.1, its interval, and the power beside the largest mean |SHAP|."""
    runs = false_discoveries(replicates, q=Q)
    low, high = _bootstrap(runs.false_share)
    on, top = f"{replicates} replicates", float(runs.top_power.mean())
    part = "significance"
    spread = f"95 % interval {low:.3f} to {high:.3f}; SHAP: the k largest, told the true k"
    rate = Line(part, "false discovery rate at q = 0.1", runs.rate, "fdr", on, 1 - top, None, spread, most=Q + 0.03)
    bound = Line(part, "lower bound of that rate", low, "fdr_low", on, most=Q)
    power = Line(part, "share of the true features found", float(runs.power.mean()), "power", on, top)
    return [rate, bound, power]


def _bootstrap(values: Array) -> tuple[float, float]:
    """The percentile 95 % interval of a mean."""
    drawn = np.random.default_rng(0).integers(0, len(values), (_RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    return float(low), float(high)


_NULLS: tuple[tuple[Kind, str], ...] = (
    ("absent", "a random mark"),
    ("correlated", "only a correlated feature is read"),
    ("confounded", "the mark follows another feature that is read"),
)
_USES: tuple[tuple[Kind, str], ...] = (
    ("used", "used throughout"),
    ("subgroup", "used in half of the rows"),
    ("crossed", "used with opposite signs in the halves"),
)


def concept_lines(runs: int) -> list[Line]:
    """C11: false alarms at level 0.05 for concepts that are not used, and how often those in use are found."""
    nulls = {kind: concept_runs(runs, kind, alpha=ALPHA) for kind, _ in _NULLS}
    lines = [_alarms("conditional", words, kind, nulls[kind]) for kind, words in _NULLS]
    lines.append(_alarms("association", "a random mark", "marginal", marginal_runs(runs, alpha=ALPHA)))
    for kind, words in _USES:
        found = concept_runs(runs, kind, alpha=ALPHA)
        hits = sum(one.rejected for one in found)
        on, spread = f"{runs} runs", _spread(hits, runs)
        lines.append(Line("concept test", f"found: {words}", hits / runs, f"concept_power_{kind}", on, baseline=spread))
        if kind == "used":
            first = float(np.mean([_first(one, others) for one, *others in zip(found, *nulls.values(), strict=True)]))
            soonest = "the used concept rejected before three unused ones"
            lines.append(Line("concept test", soonest, first, "concept_first", on, least=0.9))
    return lines


def _alarms(test: str, words: str, kind: str, found: list[Outcome]) -> Line:
    """What is required is that the exact interval of the rate reaches down to the level."""
    alarms, runs = sum(one.rejected for one in found), len(found)
    low, _ = interval(alarms, runs)
    words = f"false alarms ({test}): {words}; lower bound"
    baseline = f"rate {alarms / runs:.3f}, {_spread(alarms, runs)}"
    return Line("concept test", words, low, f"concept_alarms_{kind}", f"{runs} runs", baseline=baseline, most=ALPHA)


def _spread(hits: int, runs: int) -> str:
    low, high = interval(hits, runs)
    return f"95 % interval {low:.3f} to {high:.3f}"


def _first(planted: Outcome, others: list[Outcome]) -> bool:
    """Whether the planted concept is rejected, and sooner than any of the others."""
    rejected = [one.at for one in others if one.at is not None]
    return planted.at is not None and all(planted.at < at for at in rejected)
