"""Whether different explanation methods say the same of one row, and which of them to go by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.attribution import attribute, attribute_by_occlusion, lime_attribution
from askwhy.tools.engines.agreement import Tried, agreement_caveats, agreement_quality, decision, pair_facts
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
from askwhy.tools.engines.stability import top
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence, Fact, Figure, Series, Table
from askwhy.tools.lime_fit import FITTED, HELD_OUT
from askwhy.tools.registry import ClassName, ask, tool
from askwhy.tools.view import View

_SIZES = 5


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
    occlusion = attribute_by_occlusion(view, label, game=shap.game)
    tried = Tried((shap, replace(lime, game=shap.game), occlusion))
    removals = _removals(view, shap.game, tried)
    name = None if label is None else label.name
    return Evidence(
        facts=tuple(_facts(view, tried, removals, k, name)),
        method=f"top features of SHAP, LIME and occlusion; deletion and insertion ({shap.method})",
        estimand="overlap of the top features and of their directions",
        quality=tuple(agreement_quality(tried, removals, k)),
        caveats=(*shap.caveats, *agreement_caveats(tried, k)),
        figure=_figure(view, tried),
        table=_table(view, tried),
    )


def _removals(view: View, game: Coalitions, tried: Tried) -> tuple[Removal, ...]:
    drawn, taken = rankings(game.count, view.rng), sizes(game.count, _SIZES)
    own = [ranking(one.values[game.players]) for one in tried.found]
    masks = prefixes(np.concatenate([drawn, *own, *(one[:, ::-1] for one in own)]), taken)
    probe = affordable(game, [masks.reshape(-1, game.count)], BUDGET)
    if probe is None or probe.count < game.count:
        return ()
    spread = output_range(tried.found[0], probe)
    return tuple(removal(probe, one.values[game.players], drawn, taken, spread) for one in tried.found)


def _facts(view: View, tried: Tried, removals: tuple[Removal, ...], k: int, cls: str | None) -> Iterator[Fact]:
    row, names = view.row_id, view.schema.names
    yield from pair_facts(tried, k, row)
    for found in tried.found:
        chosen = top(found.values, k)
        for rank, position in enumerate((one for one in found.ranked() if one in chosen), 1):
            relation = f"{found.name.lower()}_top"
            yield Fact(relation=relation, value=names[position], feature=names[position], row=row, rank=rank)
    yield from decision(tried, removals, cls)


def _figure(view: View, tried: Tried) -> Figure:
    order = tried.found[0].ranked()[:10]
    labels = tuple(view.schema.features[one].label for one in order)
    made = (
        Series(name=found.name, x=labels, y=tuple(float(found.values[one]) for one in order)) for found in tried.found
    )
    return Figure(
        kind="bars", title="What each method says", x_label="feature", y_label="attribution", series=tuple(made)
    )


def _table(view: View, tried: Tried) -> Table:
    rows = (
        (view.schema.features[one].label, *(float(found.values[one]) for found in tried.found))
        for one in tried.found[0].ranked()
    )
    return Table(columns=("feature", *(found.name for found in tried.found)), rows=tuple(rows))
