"""Whether different explanation methods say the same of one row, and which of them to go by."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.attribution import Attribution, attribute, attribute_by_occlusion, lime_attribution
from askwhy.tools.engines.coalitions import Coalitions
from askwhy.tools.engines.fidelity import (
    Removal,
    affordable,
    prefixes,
    ranking,
    rankings,
    removal,
    sizes,
)
from askwhy.tools.engines.full_panel import BUDGET
from askwhy.tools.engines.panel import output_range
from askwhy.tools.engines.stability import jaccard, top
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Quality, Series, Table, Unit
from askwhy.tools.lime_fit import FITTED, HELD_OUT
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import USABLE_FIT
from askwhy.tools.registry import ClassName, ask, tool
from askwhy.tools.view import View

DISAGREE = 0.5
"""C18: an overlap of the top features below this is a disagreement."""

_PERSISTENCE = 0.9
_SIZES = 5
_TIE = 0.05


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "table" and len(schema.features) > 1,
    asks=(
        "do SHAP and LIME agree?",
        "do SHAP and LIME agree for {row}?",
        "do other methods say the same?",
        "do other methods say the same about {row}?",
        "would another explanation method give the same reasons for {row}?",
        "compare the explanations of {row} by different methods",
        "which explanation method is right about {row}?",
        ask("do the methods agree on the {k} most important features for {row}?"),
    ),
    says=(
        "Of their top {top_count} {top_count:one feature/features}, [shared*: {group} share {value}].",
        "The directions of the features that either names agree in [signs*: {value} for {group}].",
        "SHAP names [shap_top*: {feature}].",
        "LIME names [lime_top*: {feature}].",
        "Occlusion names [occlusion_top*: {feature}].",
        "That methods agree does not make them right; what decides is the model: deleting and inserting features in "
        "their orders beats random orders by [method_lead*: {value} for {group}].",
        "By that, {best.group} is the one to go by.",
        "By that, [tied_best*: {group}] are equally good.",
        "By that, {none_better:one one/none} of them beats random orders, so treat every one with care.",
    ),
)
def agree(view: View, k: Annotated[int, Field(ge=1)] = 3, cls: ClassName | None = None) -> Evidence:
    """Whether SHAP, LIME and occlusion say the same about one row: how many of the top `k` features they share, whether
    the directions agree, and which of them follows the model best."""
    label = view.explained_class(cls)
    shap = attribute(view, label)
    if shap.game is None or shap.game.count < 2:
        raise ToolError("Fewer than two features could matter here, so there is nothing to agree about.")
    lime = lime_attribution(view, label, "probability", FITTED + HELD_OUT)
    tried = _Tried(
        shap.game, (shap, replace(lime, game=shap.game), attribute_by_occlusion(view, label, game=shap.game))
    )
    removals = _removals(view, tried)
    name = None if label is None else label.name
    return Evidence(
        facts=tuple(_facts(view, tried, removals, k, name)),
        method=f"top features of SHAP, LIME and occlusion; deletion and insertion ({shap.method})",
        estimand="overlap of the top features and of their directions",
        quality=tuple(_quality(tried, removals, k)),
        caveats=(*shap.caveats, *_caveats(tried, k)),
        figure=_figure(view, tried),
        table=_table(view, tried),
    )


@dataclass(frozen=True)
class _Tried:
    """The methods' attributions of one row, and the game they are measured in."""

    game: Coalitions
    found: tuple[Attribution, ...]

    @property
    def unit(self) -> Unit:
        """The unit of all of them."""
        return self.found[0].unit

    def pairs(self) -> Iterator[tuple[str, Outputs, Outputs]]:
        """Every two methods, by name, with their values."""
        for one, two in itertools.combinations(self.found, 2):
            yield f"{one.name} and {two.name}", one.values, two.values


def _removals(view: View, tried: _Tried) -> tuple[Removal, ...]:
    game = tried.game
    drawn, taken = rankings(game.count, view.rng), sizes(game.count, _SIZES)
    own = [ranking(one.values[game.players]) for one in tried.found]
    masks = prefixes(np.concatenate([drawn, *own, *(one[:, ::-1] for one in own)]), taken)
    probe = affordable(game, [masks.reshape(-1, game.count)], BUDGET)
    if probe is None or probe.count < game.count:
        return ()
    spread = output_range(tried.found[0], probe)
    return tuple(removal(probe, one.values[game.players], drawn, taken, spread) for one in tried.found)


def _facts(view: View, tried: _Tried, removals: tuple[Removal, ...], k: int, cls: str | None) -> Iterator[Fact]:
    row, names = view.row_id, view.schema.names
    yield Fact(relation="top_count", value=min(k, len(names)), unit="count", row=row)
    for pair, one, two in tried.pairs():
        yield Fact(relation="shared", value=len(top(one, k) & top(two, k)), unit="count", group=pair, row=row)
    for pair, one, two in tried.pairs():
        yield Fact(relation="signs", value=same_signs(one, two, k), unit="share", group=pair, row=row)
        yield Fact(relation="overlap", value=jaccard(top(one, k), top(two, k)), unit="share", group=pair, row=row)
        yield Fact(relation="rank_overlap", value=rank_overlap(one, two), unit="score", group=pair, row=row)
    for found in tried.found:
        chosen = top(found.values, k)
        for rank, position in enumerate((one for one in found.ranked() if one in chosen), 1):
            relation = f"{found.name.lower()}_top"
            yield Fact(relation=relation, value=names[position], feature=names[position], row=row, rank=rank)
    yield from _decision(tried, removals, cls)


def _decision(tried: _Tried, removals: tuple[Removal, ...], cls: str | None) -> Iterator[Fact]:
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


def _quality(tried: _Tried, removals: tuple[Removal, ...], k: int) -> Iterator[Quality]:
    yield from (check for found in tried.found for check in found.quality)
    for pair, one, two in tried.pairs():
        overlap = jaccard(top(one, k), top(two, k))
        note = f"overlap of the top features of {pair}; agreement is not validity"
        yield Quality(check="C18", value=overlap, passed=overlap >= DISAGREE, note=note)
    for found, tested in zip(tried.found, removals, strict=False):
        yield Quality(check="C3", value=min(tested.deletion, tested.insertion), passed=tested.passed, note=found.name)


def _caveats(tried: _Tried, k: int) -> Iterator[Caveat]:
    lows = [pair for pair, one, two in tried.pairs() if jaccard(top(one, k), top(two, k)) < DISAGREE]
    if lows:
        text = (
            "The methods disagree about the top features, so go by the one that follows the model best, and with care."
        )
        yield Caveat(flag="disagree", text=text)
    lime = next(one for one in tried.found if one.surrogate)
    r2 = lime.quality[0].value
    if r2 < USABLE_FIT:
        text = f"LIME's linear model does not follow the model here (R² {r2:.2f}), so its features mean little."
        yield Caveat(flag="low_fidelity", text=text)


def _figure(view: View, tried: _Tried) -> Figure:
    order = tried.found[0].ranked()[:10]
    labels = tuple(view.schema.features[one].label for one in order)
    made = (
        Series(name=found.name, x=labels, y=tuple(float(found.values[one]) for one in order)) for found in tried.found
    )
    return Figure(
        kind="bars", title="What each method says", x_label="feature", y_label="attribution", series=tuple(made)
    )


def _table(view: View, tried: _Tried) -> Table:
    rows = (
        (view.schema.features[one].label, *(float(found.values[one]) for found in tried.found))
        for one in tried.found[0].ranked()
    )
    return Table(columns=("feature", *(found.name for found in tried.found)), rows=tuple(rows))
