"""Whether several attributions of the same prediction say the same, and which of them follows the model best."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from askwhy.tools.attribution import Attribution
from askwhy.tools.engines.fidelity import Removal
from askwhy.tools.engines.stability import jaccard, top
from askwhy.tools.evidence import Caveat, Fact, Quality, Unit
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import USABLE_FIT

DISAGREE = 0.5
"""C18: an overlap of the top features below this is a disagreement."""

_PERSISTENCE = 0.9
_TIE = 0.05


@dataclass(frozen=True)
class Tried:
    """Attributions of one prediction by several methods, the one to compare the others with first.

    `noun` is what they attribute to.
    """

    found: tuple[Attribution, ...]
    noun: str = "features"

    @property
    def unit(self) -> Unit:
        """The unit of all of them."""
        return self.found[0].unit

    def pairs(self) -> Iterator[tuple[str, Outputs, Outputs]]:
        """Every two methods, by name, with their values."""
        for one, two in itertools.combinations(self.found, 2):
            yield f"{one.name} and {two.name}", one.values, two.values


def pair_facts(tried: Tried, k: int, row: str) -> Iterator[Fact]:
    """For every two methods: how many of their top `k` they share, whether directions agree, and overlaps.

    Of more than three methods only the pairs with the first are told; those of others have `_others` in their role.
    """
    yield Fact(relation="top_count", value=min(k, len(tried.found[0].values)), unit="count", row=row)
    told = len(tried.found) - 1 if len(tried.found) > 3 else len(list(tried.pairs()))
    suffixes = ["" if place < told else "_others" for place, _ in enumerate(tried.pairs())]
    for suffix, (pair, one, two) in zip(suffixes, tried.pairs(), strict=True):
        shared = len(top(one, k) & top(two, k))
        yield Fact(relation=f"shared{suffix}", value=shared, unit="count", group=pair, row=row)
    for suffix, (pair, one, two) in zip(suffixes, tried.pairs(), strict=True):
        yield Fact(relation=f"signs{suffix}", value=same_signs(one, two, k), unit="share", group=pair, row=row)
        yield Fact(relation="overlap", value=jaccard(top(one, k), top(two, k)), unit="share", group=pair, row=row)
        yield Fact(relation="rank_overlap", value=rank_overlap(one, two), unit="score", group=pair, row=row)


def decision(tried: Tried, removals: Sequence[Removal], cls: str | None) -> Iterator[Fact]:
    """How far each beats random orders, and which of them does so by most."""
    leads = [(one.deletion + one.insertion) / 2 for one in removals]
    for found, lead in zip(tried.found, leads, strict=False):
        yield Fact(relation="method_lead", value=lead, unit=tried.unit, cls=cls, group=found.name)
    if not leads:
        return
    if max(leads) <= 0:
        yield Fact(relation="none_better", value=0, unit="count")
        return
    best = [found for found, lead in zip(tried.found, leads, strict=True) if lead >= max(leads) * (1 - _TIE)]
    for found in best:
        yield Fact(
            relation="best" if len(best) == 1 else "tied_best", value=max(leads), unit=tried.unit, group=found.name
        )


def same_signs(one: Outputs, two: Outputs, k: int) -> float:
    """The share of the features in either top `k` whose values have the same sign; 1 where there are none."""
    places = sorted(top(one, k) | top(two, k))
    return float((np.sign(one[places]) == np.sign(two[places])).mean()) if places else 1.0


def rank_overlap(one: Outputs, two: Outputs) -> float:
    """Rank-biased overlap of two rankings by size (Webber, Moffat & Zobel 2010), extrapolated, with p = 0.9."""
    first, second = (np.argsort(-np.abs(values), kind="stable") for values in (one, two))
    depths = np.arange(1, len(one) + 1)
    shared = np.array([len(set(first[:depth]) & set(second[:depth])) for depth in depths]) / depths
    weights = _PERSISTENCE**depths
    return float(shared[-1] * weights[-1] + (1 - _PERSISTENCE) / _PERSISTENCE * (shared * weights).sum())


def agreement_quality(tried: Tried, removals: Sequence[Removal], k: int) -> Iterator[Quality]:
    """The methods' own checks, C18 for every two of them, C3 for each."""
    yield from (check for found in tried.found for check in found.quality)
    for pair, one, two in tried.pairs():
        overlap = jaccard(top(one, k), top(two, k))
        note = f"overlap of the top {tried.noun} of {pair}; agreement is not validity"
        yield Quality(check="C18", value=overlap, passed=overlap >= DISAGREE, note=note)
    for found, tested in zip(tried.found, removals, strict=False):
        yield Quality(check="C3", value=min(tested.deletion, tested.insertion), passed=tested.passed, note=found.name)


def agreement_caveats(tried: Tried, k: int) -> Iterator[Caveat]:
    """What must be said where methods disagree, or one of them does not fit."""
    lows = [pair for pair, one, two in tried.pairs() if jaccard(top(one, k), top(two, k)) < DISAGREE]
    if lows:
        text = (
            f"The methods disagree about the top {tried.noun}, so go by the one that follows the model best, "
            "and with care."
        )
        yield Caveat(flag="disagree", text=text)
    r2 = next((one.quality[0].value for one in tried.found if one.surrogate), 1.0)
    if r2 < USABLE_FIT:
        text = f"LIME's linear model does not follow the model here (R² {r2:.2f}), so its {tried.noun} mean little."
        yield Caveat(flag="low_fidelity", text=text)
