"""The quality panel of a local explanation: how faithful and how stable it is, and what must be said if it is not.

The light panel asks the model about at most as many rows as the attribution did.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from askwhy.tools.attribution import Attribution
from askwhy.tools.engines.coalitions import Coalitions, ends
from askwhy.tools.engines.fidelity import (
    Correlation,
    Removal,
    affordable,
    correlation,
    prefixes,
    ranking,
    rankings,
    removal,
    sizes,
    subsets,
)
from askwhy.tools.engines.stability import (
    Repeats,
    Sensitivity,
    clear_top,
    neighbours,
    redrawn,
    repeats,
    sensitivity,
    top,
)
from askwhy.tools.engines.suppressors import conditional_values, suppressors
from askwhy.tools.evidence import Caveat, Quality
from askwhy.tools.schema import ClassLabel
from askwhy.tools.view import View

MOST_SIZES = 5
"""C3: at how many sizes the curves are read in the light panel."""

CONDITIONAL_OVERLAP = 0.5
"""C16: the least share of the top features that conditional attributions must name too."""

MOST_ROWS = 60_000
"""More rows than this add nothing to what the light panel says, however many the attribution asked about."""

_REMOVAL_SHARE, _GUIDE_SHARE = 0.7, 0.5
_NEIGHBOURS = (10, 5)
_REFS_PER_NEIGHBOUR = 3
_CONDITIONAL_REFS = 30
_FEWEST_PLAYERS = 5


@dataclass(frozen=True)
class Panel:
    """What was measured of one attribution; None where it could not be, or does not apply.

    conditional: the share of the top features that conditional attributions name too. flags: caveats about features.
    noun: what the players are called.
    """

    removal: Removal | None = None
    correlation: Correlation | None = None
    sensitivity: Sensitivity | None = None
    repeats: Repeats | None = None
    conditional: float | None = None
    flags: tuple[Caveat, ...] = ()
    noun: str = "features"

    def quality(self) -> Iterator[Quality]:
        """The measurements, named as in the documentation."""
        if self.removal is not None:
            yield _removal_quality(self.removal)
        if self.correlation is not None:
            one = self.correlation
            note = f"correlation over {one.subsets} subsets, lower 95% bound {one.low:.2f}"
            yield Quality(check="C5", value=one.r, passed=one.low > 0, note=note)
        if self.sensitivity is not None:
            near = self.sensitivity
            note = f"share of {near.neighbours} neighbours explained otherwise; largest change {near.largest:.2f}"
            yield Quality(check="C7", value=near.mistaken, passed=near.passed, note=note)
        if self.repeats is not None:
            runs = self.repeats
            note = f"overlap of the top {self.noun} over {runs.runs} seeds; signs agree {runs.signs:.2f}"
            yield Quality(check="C8", value=runs.overlap, passed=runs.passed, note=note)
        if self.conditional is not None:
            note = "share of the top features that conditional attributions name too"
            passed = self.conditional >= CONDITIONAL_OVERLAP
            yield Quality(check="C16", value=self.conditional, passed=passed, note=note)

    def caveats(self) -> Iterator[Caveat]:
        """A sentence for everything that failed."""
        if self.removal is not None and not self.removal.passed:
            yield Caveat(flag="not_faithful", text=_removal_words(self.removal, self.noun))
        if self.correlation is not None and self.correlation.low <= 0:
            text = (
                f"Added up over several {self.noun}, the attributions do not follow what removing these together "
                "does to the prediction."
            )
            yield Caveat(flag="not_additive_in_groups", text=text)
        if self.sensitivity is not None and not self.sensitivity.passed:
            text = (
                "Cases that are almost the same get other reasons, so this explanation is sensitive to small changes."
            )
            yield Caveat(flag="sensitive", text=text)
        if self.repeats is not None and not self.repeats.passed:
            text = (
                f"The attributions are sampled, and with another seed other {self.noun} could be named or signs differ."
            )
            yield Caveat(flag="unstable", text=text)
        if self.conditional is not None and self.conditional < CONDITIONAL_OVERLAP:
            text = "Taking into account which values go together in the data would name other features."
            yield Caveat(flag="conditional", text=text)
        yield from self.flags


def light_panel(view: View, found: Attribution, label: ClassLabel | None, named: Sequence[int]) -> Panel:
    """What `found.spent` rows can measure of the attribution of one row; `named` are the features the words name.

    Nothing for the mean attribution of many rows.
    """
    game, named = found.game, tuple(dict.fromkeys(named))
    if game is None or not named:
        return Panel()
    start, budget = view.evaluate.rows, min(found.spent, MOST_ROWS)
    flags = suppressors(view, found, label, named)
    if game.count < 2:
        return Panel(flags=flags)
    k = min(len(named), (game.count + 1) // 2)
    removed, correlated = _faithful(view, found, game, _REMOVAL_SHARE * budget)
    left = budget - (view.evaluate.rows - start)
    return Panel(
        removal=removed,
        correlation=correlated,
        sensitivity=light_sensitivity(view, found, game, k, left),
        repeats=light_repeats(view, found, k),
        conditional=conditional_overlap(view, found, k),
        flags=flags,
    )


def output_range(found: Attribution, game: Coalitions) -> float:
    """What counts as the whole range of the output: 1 for probabilities, else that of the row and its background."""
    return 1.0 if found.unit == "points" else float(np.ptp(game.outcomes(ends(game.count))))


def _faithful(
    view: View, found: Attribution, game: Coalitions, budget: float
) -> tuple[Removal | None, Correlation | None]:
    """C3 and C5 with as many background rows as the budget pays for."""
    drawn, taken = rankings(game.count, view.rng), sizes(game.count, MOST_SIZES)
    removed, values = subsets(game.count, view.rng), found.values[game.players]
    own, single = ranking(values), ~np.eye(game.count, dtype=bool)
    orders = np.concatenate([drawn, own, own[:, ::-1]])
    masks = prefixes(orders, taken).reshape(-1, game.count)
    start = view.evaluate.rows
    if game.unknown(single) * game.refs <= _GUIDE_SHARE * budget:
        game.outcomes(single)  # what is known of the coalitions guides the choice of few background rows
    probe = affordable(game, [masks, ~removed], budget - (view.evaluate.rows - start))
    if probe is None or probe.count < game.count:
        return None, None
    return removal(probe, values, drawn, taken, output_range(found, probe)), correlation(probe, values, removed)


def light_sensitivity(view: View, found: Attribution, game: Coalitions, k: int, budget: float) -> Sensitivity | None:
    """C7 over as many neighbours and background rows as the budget pays for; None where it pays for too few.

    None for fewer than five features.
    """
    if game.count < _FEWEST_PLAYERS:  # the top features of so few say little; forests would fail one time in five
        return None
    for count in _NEIGHBOURS:
        each = 2 * len(view.schema.names) + 2
        refs = min(game.refs, int((budget - 2 * count - 1) // ((count + 1) * each)))
        if refs >= min(_REFS_PER_NEIGHBOUR, game.refs):
            near = neighbours(view, game.row, count, game.column, output_range(found, game))
            return sensitivity(game.thinned(refs), near, k)
    return None


def light_repeats(view: View, found: Attribution, k: int) -> Repeats | None:
    """C8 as the standard errors foretell it; None where nothing was sampled."""
    if found.error is None:
        return None
    return repeats(redrawn(found.values, found.error, view.rng), clear_top(found.values, found.error, k))


def conditional_overlap(view: View, found: Attribution, k: int) -> float | None:
    """C16: the share of the top features that conditional attributions name too; None where it cannot be said."""
    game = found.game
    if game is None or found.name != "SHAP" or game.refs < _CONDITIONAL_REFS or game.count < _FEWEST_PLAYERS:
        return None
    other = conditional_values(view, game)
    if other is None:
        return None
    own = top(found.values[game.players], k)
    return len(own & top(other, k)) / len(own) if own else None


def _removal_quality(one: Removal) -> Quality:
    among = f"all {one.rankings} rankings" if one.enumerated else f"{one.rankings} random rankings"
    note = f"deletion {one.deletion:.3g} and insertion {one.insertion:.3g} beyond {among}, p = {one.p:.3f}"
    return Quality(check="C3", value=min(one.deletion, one.insertion), passed=one.passed, note=note)


def _removal_words(one: Removal, noun: str) -> str:
    how = "no more than" if min(one.deletion, one.insertion) <= 0 else "not clearly more than"
    if how == "no more than":
        return (
            f"Removing these {noun} changes the prediction no more than removing random ones, "
            "so treat this explanation with care."
        )
    return (
        f"Removing these {noun} does not change the prediction clearly more than removing random ones, "
        "so treat this explanation with care."
    )
