"""Whether a case is typical of the data or unlike what the model was trained on, and what makes it so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

import numpy as np
from pydantic import Field

from askwhy.tools.engines.distance import NEIGHBOURS
from askwhy.tools.engines.neighbours import UNUSUAL, Usual, own_position, training, training_caveats, usual
from askwhy.tools.engines.truth import Array
from askwhy.tools.evidence import Evidence, Fact, Quality, Table
from askwhy.tools.registry import tool
from askwhy.tools.subject import plain
from askwhy.tools.view import View

_RARE = 1 - UNUSUAL
_CHECKED = 1000
_NAMED = 3


@tool(
    fits=lambda schema: schema.modality == "table",
    asks=(
        "is {row} a typical case?",
        "is {row} typical or unusual?",
        "how unusual is {row}?",
        "is {row} an outlier?",
        "is {row} like the data the model was trained on?",
        "is {row} out of distribution?",
        "what makes {row} unusual?",
        "is a {entity} with {feature} {number} unusual?",
        "which {entities} are unusual?",
        "which {entities} with {subset} are least typical?",
        "show {k} outliers",
        "how many {entities} are unlike the training data?",
    ),
    says=(
        "{row} is unusual: it is further from its {neighbours} nearest training {entities} than {unusual} of "
        "{reference:entities} are from theirs, and from {limit} on that counts as unusual.",
        "{row} is not unusual: it is further from its {neighbours} nearest training {entities} than {not_unusual} of "
        "{reference:entities} are from theirs, and only from {limit} on that counts as unusual.",
        "What sets it apart most: [apart 3: {feature} ({at})].",
        "Rare in it: [rare_category 3: {feature} {at} (only {value} of the training {entities} share that)].",
        "At the top end: [top_end 3: {feature} {at} (only {value} of the training {entities} have as much)].",
        "At the bottom end: [bottom_end 3: {feature} {at} (only {value} of the training {entities} have as little)].",
        "Of {total:entities}{scope}, {unusual_count} {unusual_count:one is/are} unusual, which is {unusual_share}: "
        "further from their {neighbours} nearest training {entities} than {limit} of the training {entities} are "
        "from theirs.",
        "The least typical: [outlier*: {row} (further than {value})].",
    ),
)
def typicality(view: View, k: Annotated[int, Field(ge=1, le=50)] = 3) -> Evidence:
    """Whether one row is typical or unlike the training data, and which features make it so; or which rows of many
    are the most unusual. `k`: how many to name."""
    known = usual(view)
    facts, table = _one(view, known) if view.scope.has_instance else _many(view, known, k)
    return Evidence(
        facts=tuple(facts),
        method=f"mean Gower distance to the {NEIGHBOURS} nearest of {len(known.own)} training rows, against their own",
        estimand="distance to the training data, whatever the model makes of it",
        quality=_power(view, known),
        caveats=training_caveats(view),
        table=table,
    )


def _one(view: View, known: Usual) -> tuple[list[Fact], Table]:
    own = own_position(view)
    inside = known.company.without(own)
    cells = known.company.space.encode(view.rows)
    place, _ = inside.nearest(cells[0], known.count)
    differ = inside.space.differences(cells[0], inside.cells[place]).mean(axis=0)
    far = float(known.far(cells, np.array([-1 if own is None else own]))[0])
    share = float(known.shares(np.array([far]))[0])
    error = float(np.sqrt(share * (1 - share) / len(known.own)))
    relation = "unusual" if share >= UNUSUAL else "not_unusual"
    facts = [
        Fact(relation=relation, value=share, unit="share", row=view.row_id, error=error),
        Fact(relation="distance", value=far, unit="share", row=view.row_id),
        *_frame(known),
        *_apart(view, known, differ),
        *_rarities(view),
    ]
    names = [feature.label for feature in view.schema.features]
    here = [plain(cell) for cell in view.rows.iloc[0]]
    rows = tuple(zip(names, here, map(float, differ), map(float, _usual_differences(known)), strict=True))
    columns = ("feature", "value", "difference from its neighbours", "usual difference")
    return facts, Table(columns=columns, rows=rows, note="differences as shares of the feature's range")


def _frame(known: Usual) -> list[Fact]:
    return [
        Fact(relation="neighbours", value=known.count, unit="count"),
        Fact(relation="reference", value=len(known.own), unit="count"),
        Fact(relation="limit", value=UNUSUAL, unit="share"),
    ]


def _usual_differences(known: Usual) -> Array:
    """How much training rows differ from their neighbours, feature by feature."""
    inside = known.company
    some = np.linspace(0, len(inside) - 1, min(200, len(inside))).astype(int)
    parts = []
    for i in some:
        others = inside.without(int(inside.positions[i]))
        place, _ = others.nearest(inside.cells[i], known.count)
        parts.append(inside.space.differences(inside.cells[i], others.cells[place]).mean(axis=0))
    return np.asarray(np.mean(parts, axis=0))


def _apart(view: View, known: Usual, differ: Array) -> Iterator[Fact]:
    """Features that add more to the distance than they usually do, most first."""
    excess = differ - _usual_differences(known)
    rank = 0
    for j in np.argsort(-excess, kind="stable"):
        if excess[j] > 1e-9 and rank < _NAMED:
            rank += 1
            name = view.schema.names[int(j)]
            at = plain(view.rows[name].iloc[0])
            yield Fact(relation="apart", value=float(excess[j]), unit="share", feature=name, at=at, rank=rank)


def _rarities(view: View) -> list[Fact]:
    """Values that at most one training row in twenty shares or exceeds, the rarest first."""
    rows = view.subject.data[training(view.subject)]
    found = []
    for feature in view.schema.features:
        cell, column = view.rows[feature.name].iloc[0], rows[feature.name]
        at = plain(cell)
        if at is None or not len(column):
            continue
        ordered = feature.numeric and not feature.categories
        tails = (
            {"top_end": column >= cell, "bottom_end": column <= cell} if ordered else {"rare_category": column == cell}
        )
        for relation, mask in tails.items():
            share = float(np.asarray(mask.fillna(False), dtype=bool).mean())
            if share <= _RARE and feature.kind not in ("date", "text"):
                found.append(Fact(relation=relation, value=share, unit="share", feature=feature.name, at=at))
    return sorted(found, key=lambda fact: fact.number())


def _many(view: View, known: Usual, k: int) -> tuple[list[Fact], Table]:
    shares = known.shares(known.far(known.company.space.encode(view.rows), np.flatnonzero(view.chosen)))
    over = shares >= UNUSUAL
    ids = [str(name) for name in view.rows.index]
    order = [int(i) for i in np.argsort(-shares, kind="stable")[:k]]
    facts = [
        Fact(relation="total", value=len(shares), unit="count"),
        Fact(relation="unusual_count", value=int(over.sum()), unit="count"),
        Fact(relation="unusual_share", value=float(over.mean()), unit="share"),
        *_frame(known),
    ]
    for rank, i in enumerate(order, 1):
        facts.append(Fact(relation="outlier", value=float(shares[i]), unit="share", row=ids[i], rank=rank))
    rows = tuple((ids[i], float(shares[i])) for i in order)
    return facts, Table(columns=(view.schema.entity, "further than this share of the training rows"), rows=rows)


def _power(view: View, known: Usual) -> tuple[Quality, Quality]:
    """How often rows the model was not trained on, and rows with shuffled columns, count as unusual."""
    held = view.subject.held_out
    fresh = view.subject.data[held if held.any() else np.ones(len(held), dtype=bool)]
    rng = view.rng
    some = np.sort(rng.choice(len(fresh), min(_CHECKED, len(fresh)), replace=False))
    positions = np.flatnonzero(held if held.any() else np.ones(len(held), dtype=bool))[some]
    cells = known.company.space.encode(fresh.iloc[some])
    shuffled = np.column_stack([rng.permutation(column) for column in cells.T])
    real = known.shares(known.far(cells, positions)) >= UNUSUAL
    fake = known.shares(known.far(shuffled, np.full(len(some), -1))) >= UNUSUAL
    error = np.sqrt(_RARE * UNUSUAL / len(real))
    word = "held-out" if held.any() else "the data's own"
    return (
        Quality(
            check="C4 false alarms",
            value=float(real.mean()),
            passed=bool(real.mean() <= _RARE + 3 * error),
            note=f"share of {word} rows called unusual; {_RARE:.2f} expected",
        ),
        Quality(
            check="C4 power",
            value=float(fake.mean()),
            passed=True,
            note="share of rows with shuffled columns called unusual; little where the features are independent",
        ),
    )
