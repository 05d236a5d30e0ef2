"""Counterfactuals on the credit subject: found wherever there is one, never invalid, and explained where there is none.

A query is a row, the other class, and constraints. It is feasible if a row of the other class meets them: its cells,
put into the features that may change, make the model predict that class. It is infeasible by construction if the model
was asked about every allowed combination of the few features that may change, and none does it.
"""

from __future__ import annotations

import functools
import itertools
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.evals.truth_line import Line
from askwhy.tools.engines.distance import Space
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Scope
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Subject
from askwhy.tools.subjects.builtin import builtin
from askwhy.tools.view import make_view

Array = np.ndarray[Any, Any]

SECONDS = 10.0
"""How soon an infeasible query must be explained."""

_MOST_COMBINED = 3000
_MOST_KEPT = 3


@dataclass(frozen=True)
class Query:
    """What a row is asked to become, and what may not change. `witness`: the nearest row of the data that shows it can
    be done, as changed cells by column name; None: every allowed combination was tried and none does it."""

    row: int
    cls: str
    keep: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    witness: dict[str, Any] | None = None
    literal: bool = False


@dataclass(frozen=True)
class Tried:
    """What came of a query. cells: the changes found, by column name, None if none were. valid: on the original model.
    kept: every constraint. blamed: what the tool says stands in the way; true: a blamed one was seen to make the
    difference when it is freed as well. processor: seconds of its time.
    """

    query: Query
    seconds: float
    cells: dict[str, Any] | None
    valid: bool = False
    kept: bool = False
    blamed: tuple[str, ...] = ()
    true: bool = False
    processor: float = 0.0


def counterfactual_lines(feasible: int, infeasible: int) -> list[Line]:
    """C14 on the credit subject, with the nearest unlike row under the same constraints beside it."""
    subject = known_credit()
    tried = [_ask(subject, query) for query in (*feasible_queries(feasible), *infeasible_queries(infeasible))]
    possible = [one for one in tried if one.query.witness is not None]
    impossible = [one for one in tried if one.query.witness is None]
    found = [one for one in tried if one.cells is not None]
    return [*_found_lines(possible, found), *_none_lines(impossible), *_size_lines(subject, possible), *_dice(possible)]


def _dice(possible: Sequence[Tried]) -> list[Line]:
    from askwhy.evals.truth_dice import dice_lines
    from askwhy.tools.engines.dice import dice_installed

    if dice_installed():
        return dice_lines([one.query for one in possible])
    return [Line("counterfactuals: DiCE", "not installed, not run here", None, "dice", "")]


@functools.cache
def known_credit() -> Subject:
    """The credit subject with the model's outputs for every row already known."""
    subject = builtin("credit")
    return subject.with_known(subject.predictor(subject.data))


def _found_lines(possible: Sequence[Tried], found: Sequence[Tried]) -> list[Line]:
    part, on = "counterfactuals", f"{len(found)} found"
    literal = sum(one.query.literal for one in possible)
    told = f"{literal} by a row that differs in nothing else"
    share = _share([one.cells is not None for one in possible])
    return [
        Line(part, "found where there is one", share, "cf_found", f"{len(possible)} feasible", None, None, told, 0.98),
        Line(part, "valid on the original model", _share([one.valid for one in found]), "cf_valid", on, least=1.0),
        Line(part, "constraints kept", _share([one.kept for one in found]), "cf_kept", on, least=1.0),
        Line(part, "median seconds", float(np.median([one.seconds for one in possible])), "cf_seconds", on),
    ]


def _none_lines(impossible: Sequence[Tried]) -> list[Line]:
    part, on = "counterfactuals: infeasible", f"{len(impossible)} infeasible"
    silent = _share([one.cells is None for one in impossible])
    named = _share([one.cells is None and bool(one.blamed) for one in impossible])
    true = _share([one.true for one in impossible if one.blamed])
    slowest = max(one.seconds for one in impossible)
    spent = f"at most {max(one.processor for one in impossible):.3g} of processor time"
    return [
        Line(part, "nothing claimed", silent, "cf_none", on, least=1.0),
        Line(part, "the binding constraint named", named, "cf_blamed", on, least=1.0),
        Line(part, "a named one, freed, makes the difference", true, "cf_blamed_true", on, least=1.0),
        Line(part, "slowest, seconds", slowest, "cf_slowest", on, baseline=spent, most=SECONDS),
    ]


def _size_lines(subject: Subject, possible: Sequence[Tried]) -> list[Line]:
    """Number of changes and Gower distance of the results and of the witnesses of the same queries."""
    both = [(one.cells, one.query) for one in possible if one.cells is not None]
    own = [len(cells) for cells, _ in both]
    nearest = [len(query.witness or {}) for _, query in both]
    far = [(moved(subject, query.row, cells), moved(subject, query.row, query.witness or {})) for cells, query in both]
    part, on = "counterfactuals", f"{len(both)} queries"
    counted = f"nearest unlike row {np.mean(nearest):.3g}"
    apart = f"nearest unlike row {np.mean([other for _, other in far]):.3g}"
    fewer = float(np.mean([a <= b for a, b in zip(own, nearest, strict=True)]))
    return [
        Line(part, "features changed, mean", float(np.mean(own)), "cf_changes", on, baseline=counted),
        Line(part, "Gower distance, mean", float(np.mean([a for a, _ in far])), "cf_distance", on, baseline=apart),
        Line(part, "no more changes than the nearest unlike row", fewer, "cf_sparser", on),
    ]


def _share(found: Sequence[bool]) -> float | None:
    return float(np.mean(found)) if found else None


def moved(subject: Subject, row: int, cells: dict[str, Any]) -> float:
    """Gower distance between a row and the row with these cells put in."""
    space = Space.of(subject.schema, subject.data)
    before, after = (space.encode(one) for one in (subject.data.iloc[[row]], _changed(subject, row, cells)))
    return float(space.differences(before[0], after).mean())


def _changed(subject: Subject, row: int, cells: dict[str, Any]) -> pd.DataFrame:
    return subject.data.iloc[[row]].assign(**cells)


def feasible_queries(count: int) -> Iterator[Query]:
    """Rows in random order with no, `keep` or `only` constraints in turn, as far as a row of the data shows a way."""
    subject, rng = known_credit(), np.random.default_rng(0)
    made = 0
    while made < count:
        query = _drawn(subject, _row(subject, made, rng), ("none", "keep", "only")[made % 3], rng)
        shown = _witness(subject, query)
        if shown is not None:
            made += 1
            yield shown


def _row(subject: Subject, number: int, rng: np.random.Generator) -> int:
    """A row predicted the first class for even numbers, the second for odd ones."""
    assert subject.known is not None
    return int(rng.choice(np.flatnonzero(predicted_index(subject.known) == number % 2)))


def _drawn(subject: Subject, row: int, kind: str, rng: np.random.Generator) -> Query:
    cls = subject.schema.classes[1 - int(predicted_index(subject.predictor(subject.data.iloc[[row]]))[0])].name
    free = [one.name for one in subject.schema.features if one.mutable]
    if kind == "keep":
        return Query(row, cls, keep=_some(free, int(rng.integers(1, _MOST_KEPT + 1)), rng))
    if kind == "only":
        return Query(row, cls, only=_some(free, int(rng.integers(2, len(free))), rng))
    return Query(row, cls)


def _some(names: Sequence[str], count: int, rng: np.random.Generator) -> tuple[str, ...]:
    return tuple(str(one) for one in rng.choice(names, count, replace=False))


def may_change(subject: Subject, query: Query) -> list[str]:
    """Names of the features that a query leaves free."""
    features = (one for one in subject.schema.features if one.mutable and one.name not in query.keep)
    return [one.name for one in features if not query.only or one.name in query.only]


def _witness(subject: Subject, query: Query) -> Query | None:
    """The query with the nearest row of the other class whose cells show it feasible; None if no row does."""
    assert subject.known is not None
    free = may_change(subject, query)
    target = [one.name for one in subject.schema.classes].index(query.cls)
    lenders = subject.data[predicted_index(subject.known) == target]
    here = subject.data.iloc[[query.row]]
    candidates = pd.concat([here] * len(lenders)).assign(**{name: lenders[name].array for name in free})
    works = predicted_index(subject.predictor(candidates)) == target
    if not works.any():
        return None
    space = Space.of(subject.schema, subject.data)
    far = space.differences(space.encode(here)[0], space.encode(candidates)).mean(axis=1)
    nearest = candidates.iloc[int(np.where(works, far, np.inf).argmin())]
    cells = {name: nearest[name] for name in free if nearest[name] != here[name].iloc[0]}
    fixed = [name for name in subject.schema.names if name not in free]
    literal = bool((lenders[fixed] == here[fixed].iloc[0]).all(axis=1).any())
    return Query(query.row, query.cls, query.keep, query.only, cells, literal)


def infeasible_queries(count: int) -> Iterator[Query]:
    """Rows for which no combination of one to three changeable features works: all are tried on the model."""
    subject, rng = known_credit(), np.random.default_rng(1)
    small = [one for one in subject.schema.features if one.mutable and len(_possible(subject, one)) <= 100]
    made = 0
    while made < count:
        row = _row(subject, made, rng)
        size = int(rng.integers(1, 4))
        chosen = [small[i] for i in rng.choice(len(small), size, replace=False)]
        if np.prod([len(_possible(subject, one)) for one in chosen]) > _MOST_COMBINED:
            continue
        plain = _drawn(subject, row, "none", rng)
        query = Query(row, plain.cls, only=tuple(one.name for one in chosen))
        if not _any_works(subject, query, chosen):
            made += 1
            yield query


def _possible(subject: Subject, feature: Feature) -> list[Any]:
    """Every allowed value: the categories, or the whole numbers of the allowed range."""
    if feature.categories:
        return [one.value for one in feature.categories]
    column = subject.data[feature.name]
    low, high = feature.allowed or (float(column.min()), float(column.max()))
    return list(range(int(np.ceil(low)), int(np.floor(high)) + 1))


def _any_works(subject: Subject, query: Query, free: Sequence[Feature]) -> bool:
    grid = list(itertools.product(*(_possible(subject, one) for one in free)))
    columns = {one.name: [cells[i] for cells in grid] for i, one in enumerate(free)}
    like = subject.data.dtypes
    rows = pd.concat([subject.data.iloc[[query.row]]] * len(grid))
    rows = rows.assign(**{name: pd.array(values, dtype=like[name]) for name, values in columns.items()})
    names = [one.name for one in subject.schema.classes]
    return bool((predicted_index(subject.predictor(rows)) == names.index(query.cls)).any())


def _ask(subject: Subject, query: Query) -> Tried:
    """Call the tool and check its result on the original model, by nothing but the facts that it states."""
    view = make_view(subject, Scope(row=subject.row_ids[query.row]), Evaluator(subject.predictor), seed=0)
    start, spent = time.perf_counter(), time.process_time()
    evidence = find_tool("counterfactual")(view, cls=query.cls, keep=query.keep, only=query.only)
    seconds, processor = time.perf_counter() - start, time.process_time() - spent
    cells = {str(fact.feature): fact.value for fact in evidence.all("cf_change")}
    if not cells:
        blamed, true = _blame(subject, query, evidence)
        return Tried(query, seconds, None, blamed=blamed, true=true, processor=processor)
    return Tried(query, seconds, cells, *judged(subject, query, cells), processor=processor)


def judged(subject: Subject, query: Query, cells: dict[str, Any]) -> tuple[bool, bool]:
    """Whether these cells make the original model predict the wanted class, and whether they keep every constraint."""
    names = [one.name for one in subject.schema.classes]
    predicted = int(predicted_index(subject.predictor(_changed(subject, query.row, cells)))[0])
    allowed = set(may_change(subject, query))
    kept = all(
        name in allowed and cell in _possible(subject, subject.schema.feature(name)) for name, cell in cells.items()
    )
    return predicted == names.index(query.cls), kept


def _blame(subject: Subject, query: Query, evidence: Evidence) -> tuple[tuple[str, ...], bool]:
    """The features said to stand in the way, and whether the first (or all, if only together) makes the difference."""
    alone = [str(fact.feature) for fact in evidence.all("would_allow")]
    together = [str(fact.feature) for fact in evidence.all("would_allow_together")]
    if not alone and not together:
        return (), False
    freed = [*query.only, *(alone[:1] or together)]
    return (*alone, *together), _lendable(subject, query, freed) or _searched(subject, query, freed)


def _lendable(subject: Subject, query: Query, free: Sequence[str]) -> bool:
    """Whether cells of some row of the data, put into these features, make the difference."""
    names = [one.name for one in subject.schema.classes]
    rows = pd.concat([subject.data.iloc[[query.row]]] * len(subject.data))
    rows = rows.assign(**{name: subject.data[name].array for name in free})
    return bool((predicted_index(subject.predictor(rows)) == names.index(query.cls)).any())


def _searched(subject: Subject, query: Query, free: Sequence[str]) -> bool:
    """The same over drawn combinations of the values that each of these features has in the data."""
    rng = np.random.default_rng(query.row)
    rows = pd.concat([subject.data.iloc[[query.row]]] * 20_000)
    drawn = {}
    for name in free:
        values = subject.data[name].drop_duplicates()
        drawn[name] = values.iloc[rng.integers(0, len(values), len(rows))].array
    names = [one.name for one in subject.schema.classes]
    found = predicted_index(subject.predictor(rows.assign(**drawn)))
    return bool((found == names.index(query.cls)).any())
