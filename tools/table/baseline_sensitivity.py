"""How much an explanation depends on what the row is compared with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import pandas as pd
from pydantic import Field

from askwhy.tools.alter import typical_row
from askwhy.tools.attribution import column_of, quantity, sample, unit_of
from askwhy.tools.engines.coalitions import Coalitions, shapley_row
from askwhy.tools.engines.stability import jaccard, top
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Evidence, Fact, Figure, Quality, Series, Table
from askwhy.tools.predictor import Outputs
from askwhy.tools.registry import ClassName, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

DEPENDS = 0.5
"""An overlap of the top features below this means that the comparison decides what is named."""

_MOST_ROWS = 100
_FEWEST_ROWS = 5
_BUDGET = 100_000


@tool(
    needs="instance",
    fits=lambda schema: schema.modality == "table" and len(schema.features) > 1,
    asks=(
        "does the explanation depend on the baseline?",
        "does the explanation of {row} depend on the background data?",
        "how much do the reasons for {row} change with another baseline?",
        "what if {row} were compared with other {entities}?",
        "would the explanation be the same against a typical {entity}?",
        "what is the explanation of {row} relative to {class} cases?",
        ask("how sensitive is the explanation of {row} to the reference {entities}?"),
    ),
    says=(
        "Whatever {stable.row} is compared with, {top_count:one this is its top feature/these are its top features}: "
        "[stable_top*: {feature}].",
        "What {varying.row} is compared with makes a difference to its top {top_count:one feature/features}: of the "
        "usual ones, this many stay: [kept*: {value} ({group})].",
        "Against the reference {entities} as usual, the explanation names [usual_top*: {feature}].",
        "Against {entities} with the same prediction, the explanation names [same_top*: {feature}].",
        "Against {entities} with another prediction, the explanation names [other_top*: {feature}].",
        "Against {entities} with small predictions, the explanation names [small_top*: {feature}].",
        "Against {entities} with large predictions, the explanation names [large_top*: {feature}].",
        "Against the typical {entity}, the explanation names [typical_top*: {feature}].",
        "{agreed_signs} of the features named keep their direction throughout.",
    ),
)
def baseline_sensitivity(view: View, k: Annotated[int, Field(ge=1)] = 3, cls: ClassName | None = None) -> Evidence:
    """How the top `k` features of one row's explanation change with what it is compared with: all reference rows, rows
    with the same or another prediction (for a number: below or above the median one), or the typical row."""
    label = view.explained_class(cls)
    against = [_explained(view, label, one) for one in _backgrounds(view)]
    if len(against) < 2:
        raise ToolError("There are too few other rows to compare with.")
    overlaps = [jaccard(top(against[0].values, k), top(one.values, k)) for one in against[1:]]
    least = min(overlaps)
    note = f"least overlap of the top features over {len(against)} backgrounds"
    text = "The reasons depend on what the case is compared with, so read them only together with that comparison."
    return Evidence(
        facts=tuple(_facts(view, against, k, least)),
        method=f"SHAP against {len(against)} backgrounds of at most {_MOST_ROWS} rows",
        estimand=f"interventional Shapley values of {quantity(view, label)} against each background",
        quality=(Quality(check="baseline", value=least, passed=least >= DEPENDS, note=note),),
        caveats=(Caveat(flag="baseline", text=text),) if least < DEPENDS else (),
        figure=_figure(view, against),
        table=_table(view, against),
    )


@dataclass(frozen=True)
class _Background:
    """Rows to compare with; `name` is its role in the facts, `words` how it is said."""

    name: str
    words: str
    rows: pd.DataFrame


@dataclass(frozen=True)
class _Against:
    """Shapley values (features,) against one background, and the mean output there."""

    background: _Background
    values: Outputs
    base: float


def _backgrounds(view: View) -> Iterator[_Background]:
    entities, entity = view.schema.entities, view.schema.entity
    yield _Background("usual", f"the reference {entities}", view.subject.background)
    every = view.evaluate.all_outputs(view.subject)
    for name, words, mask in _groups(view, every):
        others = mask & ~view.chosen
        if others.sum() >= _FEWEST_ROWS:
            rows = sample(view.subject.data[others], _MOST_ROWS, view.rng)
            yield _Background(name, f"{entities} {words}", rows)
    if len(view.subject.data) >= _FEWEST_ROWS:
        yield _Background("typical", f"the typical {entity}", typical_row(view.subject))


def _groups(view: View, every: Outputs) -> Iterator[tuple[str, str, Mask]]:
    if view.subject.regression:
        middle = float(np.median(every[:, 0]))
        yield "small", "with small predictions", every[:, 0] < middle
        yield "large", "with large predictions", every[:, 0] > middle
        return
    same = predicted_index(every) == predicted_index(view.outputs)[0]
    yield "same", "with the same prediction", same
    yield "other", "with another prediction", ~same


def _explained(view: View, label: ClassLabel | None, background: _Background) -> _Against:
    game = Coalitions(view.evaluate, view.instance, background.rows, column_of(view, label))
    found, _ = shapley_row(game, seed=view.seed, budget=_BUDGET)
    return _Against(background, found.values[0, :, game.column], float(found.base[game.column]))


def _facts(view: View, against: list[_Against], k: int, least: float) -> Iterator[Fact]:
    row, names, usual = view.row_id, view.schema.names, top(against[0].values, k)
    yield Fact(relation="top_count", value=min(k, len(names)), unit="count", row=row)
    verdict = "stable" if least == 1 else "varying"
    yield Fact(relation=verdict, value=least, unit="share", row=row)
    for one in against:
        chosen = top(one.values, k)
        order = [int(place) for place in np.argsort(-np.abs(one.values), kind="stable") if int(place) in chosen]
        relation = f"{one.background.name}_top" if verdict == "varying" else "stable_top"
        for rank, place in enumerate(order, 1):
            yield Fact(relation=relation, value=names[place], feature=names[place], row=row, rank=rank)
        if verdict == "stable":
            break
    for one in against[1:]:
        kept = len(top(one.values, k) & usual)
        yield Fact(relation="kept", value=kept, unit="count", row=row, group=one.background.words)
    for one in against:
        unit = "output" if view.subject.regression else "probability"
        yield Fact(relation="level", value=one.base, unit=unit, group=one.background.words)
        yield from _values(view, one)
    places = sorted(set().union(*(top(one.values, k) for one in against)))
    signs = np.sign(np.array([one.values[places] for one in against]))
    steady = float(((signs == signs[0]).all(axis=0)).mean()) if places else 1.0
    yield Fact(relation="agreed_signs", value=steady, unit="share", row=row)


def _values(view: View, one: _Against) -> Iterator[Fact]:
    for place, name in enumerate(view.schema.names):
        yield Fact(
            relation="attribution_against",
            value=float(one.values[place]),
            unit=unit_of(view, "probability"),
            feature=name,
            row=view.row_id,
            group=one.background.words,
        )


def _figure(view: View, against: list[_Against]) -> Figure:
    order = np.argsort(-np.abs(against[0].values), kind="stable")[:10]
    labels = tuple(view.schema.features[int(one)].label for one in order)
    made = (
        Series(name=one.background.words, x=labels, y=tuple(float(one.values[int(place)]) for place in order))
        for one in against
    )
    return Figure(
        kind="bars", title="Attributions by what is compared with", x_label="feature", y_label="attribution",
        series=tuple(made),
    )  # fmt: skip


def _table(view: View, against: list[_Against]) -> Table:
    order = np.argsort(-np.abs(against[0].values), kind="stable")
    rows = (
        (view.schema.features[int(place)].label, *(float(one.values[int(place)]) for one in against)) for place in order
    )
    return Table(columns=("feature", *(one.background.words for one in against)), rows=tuple(rows))
