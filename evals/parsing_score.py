"""What comes out of asking a suite: shares that are right with their intervals, times, confidence."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from askwhy.agent.plan import Outcome, Plan
from askwhy.evals.parsing_golds import Marks
from askwhy.evals.suites import Item
from askwhy.tools.engines.metrics import wilson

Understand = Callable[[Item], Outcome]

COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
SINGLE = 2
"""The most parts of a question that is not compositional."""

_RESAMPLES = 2000
_BINS = 10


@dataclass(frozen=True, eq=False)
class Scored:
    """What was made of a question. `outcome` is None where the engine failed, which counts as wrong."""

    item: Item
    outcome: Outcome | None
    marks: Marks
    seconds: float
    error: Exception | None = None

    @property
    def right(self) -> bool:
        """Whether the typed outcome is one of the golds."""
        return self.marks.typed

    @property
    def abstained(self) -> bool:
        """Whether there was a question back or a decline where a plan is right."""
        backed_out = self.outcome is not None and self.outcome.kind in ("clarify", "decline")
        return self.item.gold.kind == "plan" and backed_out

    @property
    def misread(self) -> bool:
        """Whether another question is answered than was asked, without a word of doubt."""
        doubtful = isinstance(self.outcome, Plan) and self.outcome.unsure
        return self.outcome is not None and self.outcome.kind in ("plan", "check") and not self.right and not doubtful

    @property
    def confidence(self) -> float | None:
        """How sure the engine is of a plan, where it says."""
        return self.outcome.confidence if isinstance(self.outcome, Plan) else None


def ask_all(understand: Understand, items: Sequence[Item]) -> list[Scored]:
    """Every question asked; the first of each subject once before, so that what is cached per schema is not timed.

    One question that the engine cannot bear is a miss, not the end of the evaluation; raises where all are.
    """
    scored, warm = [], set()
    for item in items:
        if id(item.subject) not in warm:
            warm.add(id(item.subject))
            _asked(understand, item)
        scored.append(_asked(understand, item))
    if scored and all(one.error is not None for one in scored):
        assert scored[0].error is not None
        raise scored[0].error
    return scored


def _asked(understand: Understand, item: Item) -> Scored:
    started = time.perf_counter()
    try:
        outcome = understand(item)
    except Exception as error:
        return Scored(item, None, Marks(), time.perf_counter() - started, error)
    seconds = time.perf_counter() - started
    return Scored(item, outcome, item.gold.marks(outcome), seconds)


def figures(scored: Sequence[Scored]) -> dict[str, object]:
    """All figures of an engine on a suite; shares are 0..1, None where there is nothing to take a share of."""
    right = [one.right for one in scored]
    plans = [one for one in scored if one.item.gold.kind == "plan"]
    single = [one for one in plans if one.item.gold.parts <= SINGLE]
    multi = [one for one in plans if one.item.gold.parts > SINGLE]
    times = np.array([one.seconds for one in scored]) * 1000
    return {
        "n": len(scored),
        "exact_typed": share(right),
        "exact_literal": share([one.marks.literal for one in scored]),
        "operations": share([one.marks.operations for one in scored]),
        "slots": share([one.marks.slots for one in scored]),
        "exact_single": share([one.right for one in single]),
        "n_single": len(single),
        "exact_multi": share([one.right for one in multi]),
        "n_multi": len(multi),
        "interval": [round(bound, 4) for bound in wilson(sum(right), len(right))],
        "interval_clustered": clustered(scored),
        "cluster_average": cluster_average(scored),
        "median_ms": round(float(np.median(times)), 2),
        "p95_ms": round(float(np.quantile(times, 0.95)), 2),
        "abstained": sum(one.abstained for one in scored),
        "misread": share([one.misread for one in scored]),
        "failed": sum(one.outcome is None for one in scored),
        **_kinds(scored),
        **confidence(scored),
    }


def _kinds(scored: Sequence[Scored]) -> dict[str, object]:
    """The shares that say how references, what is out of scope and what is ambiguous are dealt with."""
    follow = [one.right for one in scored if one.item.follows]
    declined = [one for one in scored if one.item.gold.kind == "decline"]
    asked = [one for one in scored if one.item.gold.kind == "clarify"]
    return {
        "exact_follow_up": share(follow),
        "n_follow_up": len(follow),
        "accepted_out_of_scope": share([one.outcome is not None and one.outcome.kind == "plan" for one in declined]),
        "n_out_of_scope": len(declined),
        "asked_of_ambiguous": share([one.outcome is not None and one.outcome.kind == "clarify" for one in asked]),
        "n_ambiguous": len(asked),
    }


def confidence(scored: Sequence[Scored]) -> dict[str, object]:
    """Expected calibration error (10 bins of equal width), and the share right of the surest plans.

    Coverage is of the plans that come with a confidence; None where the engine gives none.
    """
    sure = sorted(
        ((one.confidence, one.right) for one in scored if one.confidence is not None), key=lambda pair: -pair[0]
    )
    if not sure:
        return {"ece": None, "coverage": None}
    said, right = np.array([one for one, _ in sure]), np.array([one for _, one in sure], dtype=float)
    bins = np.minimum((said * _BINS).astype(int), _BINS - 1)
    gaps = [np.mean(bins == one) * abs(said[bins == one].mean() - right[bins == one].mean()) for one in np.unique(bins)]
    first = {f"{part:g}": max(1, round(part * len(sure))) for part in COVERAGES}
    return {
        "ece": round(float(sum(gaps)), 4),
        "coverage": {part: round(float(right[:count].mean()), 4) for part, count in first.items()},
    }


def share(marks: Sequence[float | bool]) -> float | None:
    """The mean, None of nothing."""
    return round(sum(marks) / len(marks), 4) if marks else None


def cluster_average(scored: Sequence[Scored]) -> float | None:
    """Accuracy averaged over distinct golds, so that one with many paraphrases weighs no more than another."""
    return share([sum(marks) / len(marks) for marks in _clusters(scored).values()])


def clustered(scored: Sequence[Scored]) -> list[float]:
    """95 % bootstrap interval of the share right, where distinct golds are drawn, each with all its questions."""
    marks = list(_clusters(scored).values())
    right, size = np.array([sum(one) for one in marks]), np.array([len(one) for one in marks])
    drawn = np.random.default_rng(0).integers(0, len(marks), (_RESAMPLES, len(marks)))
    shares = right[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    return [round(float(bound), 4) for bound in np.quantile(shares, [0.025, 0.975])]


def _clusters(scored: Sequence[Scored]) -> Mapping[Hashable, list[bool]]:
    found: dict[Hashable, list[bool]] = defaultdict(list)
    for one in scored:
        found[one.item.domain, one.item.gold.written].append(one.right)
    return found


def table(by: str, scored: Sequence[Scored], name: Callable[[Scored], str]) -> list[tuple[str | int | float, ...]]:
    """A row per group, the largest first: how many questions, how many right, and one that was missed."""
    groups: dict[str, list[Scored]] = defaultdict(list)
    for one in scored:
        groups[name(one)].append(one)
    rows: list[tuple[str | int | float, ...]] = []
    for title, group in sorted(groups.items(), key=lambda pair: (-len(pair[1]), pair[0])):
        right = sum(one.right for one in group)
        missed = next((one for one in group if not one.right), None)
        rows.append((by, title, len(group), right, right / len(group), "" if missed is None else miss(missed)))
    return rows


def miss(one: Scored) -> str:
    """A question that was missed, with what was wanted and what came."""
    gold = one.item.gold
    got = f"{type(one.error).__name__}: {one.error}" if one.outcome is None else gold.shown(one.outcome)
    return f"{one.item.question} · wanted {gold.wanted} · got {got}"
