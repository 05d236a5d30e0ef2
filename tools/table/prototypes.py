"""Representative cases: a few real rows that stand for the many, and those they represent worst."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from askwhy.tools.engines.attributed import Attributed, attributed, label_of_rows
from askwhy.tools.engines.distance import Space
from askwhy.tools.engines.listing import shown
from askwhy.tools.engines.neighbours import distances
from askwhy.tools.engines.pick import NAMED, Picked, pick
from askwhy.tools.engines.truth import Array
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence, Fact, Quality, Table
from askwhy.tools.registry import ClassName, Says, ask, tool
from askwhy.tools.schema import ClassLabel
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import plain
from askwhy.tools.view import View

_MOST = 1000
_RANDOM = 100
_CRITICISMS = 2
_LEAST = 5

Method = Literal["cases", "explanations"]

_TOLD = 5
"""Of more picked cases only the table shows the explanations."""

_THIRDS = ("low predictions", "middling predictions", "high predictions")


def _pick_says(what: str) -> Says:
    return (
        "The explanations of {picked:entities} name the features that carry {pick_coverage} of the weight in "
        f"{what} for {{explained:entities}}{{scope}}; those of as many chosen at random carry {{pick_at_random}} on "
        "average.",
    )


def _case_says(number: int) -> str:
    item = "{feature} ({at}) {value:word raises/lowers} it by {value:size}"
    return f"For {{p{number}_case.row}}, [p{number}_attribution*: {item}]."


@tool(
    fits=lambda schema: schema.modality == "table",
    asks=(
        "show representative cases",
        "show {k} representative {entities}",
        "which {entities} are typical of the data?",
        "show typical examples of {class}",
        "what does a typical {entity} predicted {class} look like?",
        "show prototypes of {entities} with {subset}",
        "which few cases stand for all of them?",
        "show me one typical case per class",
        "which {entities} are badly represented by the typical cases?",
        ask("which few explanations show what the model goes by?", method="explanations"),
        ask("show {k} {entities} whose explanations cover the features that matter", method="explanations"),
        ask("pick representative explanations", method="explanations"),
    ),
    says=(
        "These represent the {total:entities}{scope} best: [prototype*: {row} (predicted {cls}, standing for {value} "
        "of them)].",
        "These represent the {total:entities}{scope} best: [prototype_number*: {row} ({group}, standing for {value} "
        "of them)].",
        "These represent the {class_total:entities}{scope} that are predicted {only_class.cls} best: "
        "[class_prototype*: {row} (standing for {value} of them)].",
        "They were chosen among {sampled:entities} drawn at random.",
        "Predicting for every other {entity} what the model predicts for its nearest representative agrees with the "
        "model in {agreement} of them; for as many {entities} chosen at random it would be {agreement_at_random}.",
        "The distance from a {entity} to its nearest representative is {coverage_distance} of the features' range on "
        "average; for as many {entities} chosen at random it would be {coverage_at_random}.",
        "Worst represented: [criticism*: {row}].",
        *_pick_says("the probability of {about_class.cls}"),
        *_pick_says("the predicted {about_target}"),
        *(_case_says(number) for number in range(1, _TOLD + 1)),
        "The explanations of [further_case*: {row}] are in the table.",
        "More cases would add nothing, though {wanted} were asked for.",
        "They leave out [left_out*: {feature}].",
        "An explanation names up to {named_features} features, and a feature's weight is the square root of "
        "its total attribution.",
        "The {explained} were drawn at random from {drawn_from:entities}.",
    ),
)
def prototypes(
    view: View,
    cls: ClassName | None = None,
    k: Annotated[int, Field(ge=1, le=20)] = 4,
    method: Method = "cases",
) -> Evidence:
    """Representative cases: real rows that stand for the rest, chosen within each predicted class (or third of the
    predicted numbers), and the worst represented ones. `cls`: only rows predicted so; `k`: how many in all.

    `method`: `explanations` picks cases whose explanations together cover the features that matter."""
    if method == "explanations":
        return _by_explanations(view, cls, k)
    pool = _pool(view, cls)
    chosen = _choose(pool, k)
    quality, facts = _judged(view, pool, chosen)
    return Evidence(
        facts=(*_listed(view, pool, chosen, cls), *facts, *_criticised(pool, chosen)),
        method="MMD-critic (Kim, Khanna & Koyejo 2016) per predicted class, kernel exp(-Gower distance / median)",
        estimand="rows whose distribution is nearest to that of the data, in maximum mean discrepancy",
        quality=quality,
        table=_table(view, pool, chosen),
    )


def _by_explanations(view: View, cls: str | None, k: int) -> Evidence:
    """Cases whose explanations together name as much as possible of what counts."""
    label = label_of_rows(view, cls)
    rows = view.rows if cls is None else view.rows[_groups(view) == view.schema.class_index(cls)]
    found = attributed(view, label, rows, _LEAST)
    picked = pick(found.values, k)
    if not picked.cases:
        raise ToolError(f"No feature moves the output for these {view.schema.entities}, so no explanation covers any.")
    rng = view.rng
    drawn = [picked.coverage(rng.choice(len(found.rows), len(picked.cases), replace=False)) for _ in range(_RANDOM)]
    note = f"share of the features' weight; {np.mean(drawn):.3f} for random rows"
    quality = Quality(
        check="coverage", value=picked.covered[-1], passed=picked.covered[-1] >= float(np.mean(drawn)), note=note
    )
    return Evidence(
        facts=(
            *_pick_facts(view, label, found, picked, drawn, k),
            *_drawn_facts(found, len(rows)),
        ),
        method=f"submodular pick (Ribeiro, Singh & Guestrin 2016) over the {NAMED} largest of {found.method}",
        estimand="rows whose explanations name the most weight; a feature's is the root of its total attribution",
        quality=(quality,),
        table=_picked_table(view, found, picked),
    )


def _pick_facts(
    view: View, label: ClassLabel | None, found: Attributed, picked: Picked, drawn: list[float], k: int
) -> Iterator[Fact]:
    if label is None:
        yield Fact(relation="about_target", value=view.schema.target.label)
    else:
        yield Fact(relation="about_class", value=label.name, unit="class", cls=label.name)
    yield Fact(relation="picked", value=len(picked.cases), unit="count")
    yield Fact(relation="pick_coverage", value=picked.covered[-1], unit="share")
    yield Fact(relation="pick_at_random", value=float(np.mean(drawn)), unit="share", error=_error(drawn))
    for rank, place in enumerate(picked.cases, 1):
        yield from _explained(view, label, found, picked, place, rank)
    if len(picked.cases) < k:
        yield Fact(relation="wanted", value=k, unit="count")
    left = (picked.weights > 0) & ~picked.named[picked.cases].any(axis=0)
    for j in (int(one) for one in np.argsort(-picked.weights, kind="stable") if left[one]):
        yield Fact(relation="left_out", value=float(picked.weights[j]), unit="share", feature=view.schema.names[j])


def _explained(
    view: View, label: ClassLabel | None, found: Attributed, picked: Picked, place: int, rank: int
) -> Iterator[Fact]:
    """One picked case: the share of the weight covered up to it, and the attributions that its explanation names."""
    row, unit = str(found.rows.index[place]), "output" if label is None else "points"
    prefix = f"p{rank}" if rank <= _TOLD else "further"
    yield Fact(relation=f"{prefix}_case", value=picked.covered[rank - 1], unit="share", row=row, rank=rank)
    for j in _named(found, picked, place) if rank <= _TOLD else ():
        yield Fact.model_validate(
            {
                "relation": f"{prefix}_attribution",
                "value": float(found.values[place, j]),
                "unit": unit,
                "feature": view.schema.names[j],
                "at": plain(found.rows.iloc[place, j]),
                "cls": None if label is None else label.name,
                "row": row,
            }
        )


def _drawn_facts(found: Attributed, whole: int) -> Iterator[Fact]:
    yield Fact(relation="explained", value=len(found.rows), unit="count")
    yield Fact(relation="named_features", value=NAMED, unit="count")
    if len(found.rows) < whole:
        yield Fact(relation="drawn_from", value=whole, unit="count")


def _named(found: Attributed, picked: Picked, place: int) -> list[int]:
    """The features that a row's explanation names, the largest first."""
    order = np.argsort(-np.abs(found.values[place]), kind="stable")
    return [int(j) for j in order if picked.named[place, j]]


def _picked_table(view: View, found: Attributed, picked: Picked) -> Table:
    """Every picked case with what its explanation names, and the share of the weight covered up to it."""
    rows = []
    for place, covered in zip(picked.cases, picked.covered, strict=True):
        named = ", ".join(view.schema.features[j].label for j in _named(found, picked, place))
        rows.append((str(found.rows.index[place]), float(found.output[place]), named, covered))
    return Table(columns=(view.schema.entity, "output", "explained by", "covered so far"), rows=tuple(rows))


@dataclass(frozen=True)
class _Pool:
    """The rows to choose from: positions among the view's rows, their groups, pairwise distances and kernel."""

    ids: tuple[str, ...]
    positions: Array
    outputs: Array
    groups: Array
    far: Array
    kernel: Array
    whole: int


def _pool(view: View, cls: str | None) -> _Pool:
    groups = _groups(view)
    wanted = np.arange(len(groups))
    if cls is not None:
        if view.subject.regression:
            raise ToolError("This model predicts a number, so there are no classes.")
        wanted = wanted[groups == view.schema.class_index(cls)]
    whole = len(wanted)
    if whole < 2:
        raise ToolError(f"Representatives are chosen among several {view.schema.entities}; {whole} match.")
    if whole > _MOST:
        wanted = np.sort(view.rng.choice(wanted, _MOST, replace=False))
    space = Space.of(view.schema, view.subject.data)
    cells = space.encode(view.rows.iloc[wanted])
    far = distances(space, cells, cells)
    scale = float(np.median(far[np.triu_indices(len(far), 1)])) or 1.0
    ids = tuple(str(name) for name in view.rows.index[wanted])
    return _Pool(ids, wanted, view.outputs[wanted], groups[wanted], far, np.exp(-far / scale), whole)


def _groups(view: View) -> Array:
    """The predicted class of every row; for numbers, the third of the predictions it is in."""
    if not view.subject.regression:
        return np.asarray(predicted_index(view.outputs))
    edges = np.quantile(view.outputs[:, 0], [1 / 3, 2 / 3])
    return np.asarray(np.searchsorted(edges, view.outputs[:, 0], side="left"))


def _choose(pool: _Pool, k: int) -> list[int]:
    """Places in the pool of the prototypes, group by group, the largest group first."""
    groups, counts = np.unique(pool.groups, return_counts=True)
    order = np.argsort(-counts, kind="stable")
    shares = _allotted(counts[order], k)
    chosen: list[int] = []
    for group, share in zip(groups[order], shares, strict=True):
        members = np.flatnonzero(pool.groups == group)
        chosen += [int(members[i]) for i in greedy(pool.kernel[np.ix_(members, members)], share)]
    return chosen


def _allotted(counts: Array, k: int) -> list[int]:
    """`k` places divided in proportion to the counts (largest first), one at least for each as far as they go."""
    places = np.where(np.arange(len(counts)) < k, 1, 0)
    while places.sum() < min(k, counts.sum()):
        open_ = places < counts
        places[int(np.argmax(np.where(open_, counts / (places + 1), -1.0)))] += 1
    return [int(one) for one in places]


def greedy(kernel: Array, count: int) -> list[int]:
    """The rows of a kernel (n, n) that together reduce the maximum mean discrepancy most, one after the other."""
    mean = kernel.mean(axis=0)
    chosen: list[int] = []
    for _ in range(min(count, len(kernel))):
        size = len(chosen) + 1
        inside = kernel[np.ix_(chosen, chosen)].sum()
        gain = 2 * (mean[chosen].sum() + mean) / size
        cost = (inside + 2 * kernel[chosen].sum(axis=0) + np.diag(kernel)) / size**2
        value = gain - cost
        value[chosen] = -np.inf
        chosen.append(int(value.round(12).argmax()))
    return chosen


def _stands_for(pool: _Pool, chosen: list[int]) -> Array:
    """How many rows of its own group each prototype is nearest to."""
    found = np.zeros(len(chosen), dtype=int)
    places = np.array(chosen, dtype=int)
    for group in np.unique(pool.groups[places]):
        own = np.flatnonzero(pool.groups[places] == group)
        members = np.flatnonzero(pool.groups == group)
        nearest = pool.far[np.ix_(members, places[own])].argmin(axis=1)
        found[own] = np.bincount(nearest, minlength=len(own))
    return found


def _listed(view: View, pool: _Pool, chosen: list[int], cls: str | None) -> Iterator[Fact]:
    regression = view.subject.regression
    role = "prototype_number" if regression else "prototype" if cls is None else "class_prototype"
    for rank, (place, count) in enumerate(zip(chosen, _stands_for(pool, chosen), strict=True), 1):
        name = None if regression else view.schema.classes[int(pool.groups[place])].name
        group = _THIRDS[int(pool.groups[place])] if regression else None
        row = pool.ids[place]
        yield Fact(relation=role, value=int(count), unit="count", row=row, cls=name, group=group, rank=rank)
    if cls is not None:
        yield Fact(relation="only_class", value=cls, unit="class", cls=cls)
    yield Fact(relation="total" if cls is None else "class_total", value=pool.whole, unit="count")
    if pool.whole > len(pool.ids):
        yield Fact(relation="sampled", value=len(pool.ids), unit="count")


def _agreement(pool: _Pool, chosen: Array, regression: bool) -> float:
    """How well the model's output at the nearest prototype stands for its output at the other rows."""
    others = np.setdiff1d(np.arange(len(pool.ids)), chosen)
    if not len(others):
        return 1.0
    nearest = chosen[pool.far[np.ix_(others, chosen)].argmin(axis=1)]
    if not regression:
        return float((pool.groups[others] == pool.groups[nearest]).mean())
    off, spread = pool.outputs[others, 0] - pool.outputs[nearest, 0], pool.outputs[others, 0].var()
    return 1 - float((off**2).mean() / spread) if spread else 1.0


def _judged(view: View, pool: _Pool, chosen: list[int]) -> tuple[tuple[Quality, ...], list[Fact]]:
    """How well the prototypes stand for the rest, beside as many rows of each group drawn at random."""
    regression, rng = view.subject.regression, view.rng
    drawn = [_at_random(pool, chosen, rng) for _ in range(_RANDOM)]
    mine = np.array(chosen)
    agreement = _agreement(pool, mine, regression)
    near = float(pool.far[:, mine].min(axis=1).mean())
    agreements = [_agreement(pool, one, regression) for one in drawn]
    nears = [float(pool.far[:, one].min(axis=1).mean()) for one in drawn]
    what = "R²" if regression else "share"
    several = regression or len(np.unique(pool.groups)) > 1
    quality = [
        Quality(
            check="coverage",
            value=near,
            passed=near <= float(np.mean(nears)),
            note=f"mean distance to the nearest representative; {np.mean(nears):.4f} for random rows",
        )
    ]
    facts = [
        Fact(relation="coverage_distance", value=near, unit="share"),
        Fact(relation="coverage_at_random", value=float(np.mean(nears)), unit="share", error=_error(nears)),
    ]
    if several:
        note = f"{what} of outputs told by the nearest representative; {np.mean(agreements):.2f} for random rows"
        passed = agreement >= float(np.mean(agreements))
        quality.append(Quality(check="fidelity", value=agreement, passed=passed, note=note))
    if several and not regression:
        facts += [
            Fact(relation="agreement", value=agreement, unit="share"),
            Fact(
                relation="agreement_at_random", value=float(np.mean(agreements)), unit="share", error=_error(agreements)
            ),
        ]
    return tuple(quality), facts


def _error(values: list[float]) -> float:
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def _at_random(pool: _Pool, chosen: list[int], rng: np.random.Generator) -> Array:
    groups, counts = np.unique(pool.groups[chosen], return_counts=True)
    parts = [
        rng.choice(np.flatnonzero(pool.groups == group), count, replace=False)
        for group, count in zip(groups, counts, strict=True)
    ]
    return np.concatenate(parts)


def _criticised(pool: _Pool, chosen: list[int]) -> Iterator[Fact]:
    """The rows where the density of the prototypes is furthest from that of the data (the witness function)."""
    witness = np.abs(pool.kernel.mean(axis=1) - pool.kernel[:, chosen].mean(axis=1))
    witness[chosen] = -1.0
    order = np.argsort(-witness.round(12), kind="stable")[:_CRITICISMS]
    for rank, place in enumerate((int(one) for one in order if witness[one] > 0), 1):
        yield Fact(relation="criticism", value=float(witness[place]), unit="score", row=pool.ids[place], rank=rank)


def _table(view: View, pool: _Pool, chosen: list[int]) -> Table:
    features, regression = view.schema.features, view.subject.regression
    rows = []
    for place, count in zip(chosen, _stands_for(pool, chosen), strict=True):
        cells = view.rows.iloc[int(pool.positions[place])]
        output = pool.outputs[place]
        predicted = float(output[0]) if regression else view.schema.classes[int(output.argmax())].label
        rows.append((pool.ids[place], predicted, int(count), *(shown(one, cells[one.name]) for one in features)))
    columns = (view.schema.entity, "prediction", "stands for", *(one.label for one in features))
    return Table(columns=columns, rows=tuple(rows))
