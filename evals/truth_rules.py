"""Anchors: the precision that a shown rule claims, measured again by a sampler of our own (C13)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from askwhy.evals.truth_line import Line
from askwhy.tools.engines.alike_draws import AlikeDraws
from askwhy.tools.engines.anchors import PRECISION, Draws, find_anchor, predicates
from askwhy.tools.engines.distance import Space
from askwhy.tools.engines.planted import correlated
from askwhy.tools.engines.rules import Rule, holds
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.predictor import Outputs
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Mask, Subject
from askwhy.tools.subjects.builtin import builtin

Array = np.ndarray[Any, Any]

_FRESH = 5000
_ROWS, _WIDTH = 400, 8
_MOST = 4


_BUILTIN = ("credit", "penguins", "breast-cancer")
_SLOW = {"breast-cancer": 2}
"""Subjects on which the search seldom ends early: only one row in so many."""

_LENT = 0.3


def anchor_lines(rows: int, builtins: tuple[str, ...] = _BUILTIN) -> list[Line]:
    """Rules of `rows` rows of every subject: share whose precision holds up, and whether planted rules are found."""
    subjects: dict[str, tuple[Subject, frozenset[str] | None]] = {name: (builtin(name), None) for name in builtins}
    lines, held = [], []
    for name, (subject, read) in {**subjects, **_planted()}.items():
        count = max(1, rows // _SLOW.get(name, 1))
        places = [int(row) for row in np.random.default_rng(0).choice(len(subject.data), count, replace=False)]
        found = {row: one for row in places if (one := _anchor(subject, row)) is not None}
        rules = {row: rule for row, (rule, _) in found.items()}
        precise = [(_alike if alike else _precision)(subject, row, rule) for row, (rule, alike) in found.items()]
        held += precise
        for_alike = sum(alike for _, alike in found.values())
        part, key, on = f"anchors: {name}", name.replace(" ", "_").replace("-", "_"), f"{len(rules)} rules"
        shown = len(rules) / len(places)
        lines.append(
            Line(
                part,
                "share of rows with a rule to show",
                shown,
                f"anchor_shown_{key}",
                f"{count} rows, {for_alike} for like cases",
            )
        )
        if read is not None and rules:
            only = float(np.mean([all(one.feature.name in read for one in rule) for rule in rules.values()]))
            lines.append(Line(part, "names only features that the model reads", only, f"anchor_only_{key}", on))
        if precise:
            lines.append(Line(part, "lowest precision of a shown rule", min(precise), f"anchor_lowest_{key}", on))
    if "breast-cancer" in builtins:
        lines.append(_unseen(builtin("breast-cancer"), rows))
    share = float(np.mean([one >= PRECISION for one in held])) if held else None
    words = "rules whose precision is >= 0.95 when measured again"
    return [*lines, Line("anchors", words, share, "anchor_held", f"{len(held)} rules", least=0.95)]


def _planted() -> dict[str, tuple[Subject, frozenset[str] | None]]:
    """Rules that an anchor can state: all of two conditions, and either of two."""
    cells = correlated(np.random.default_rng(3), _ROWS, _WIDTH, 0.3)
    frame = pd.DataFrame(cells, columns=[f"x{j}" for j in range(_WIDTH)])
    found: dict[str, tuple[Subject, frozenset[str] | None]] = {}
    for name, rule in (("planted and", _both), ("planted or", _either)):
        target = pd.Series(np.where(rule(frame) > 0.5, "yes", "no"), name="outcome")
        subject = Subject.of(rule, frame, target, version=name)
        found[name] = (subject, frozenset({"x2", "x5"}))
    return found


def _both(frame: pd.DataFrame) -> Array:
    return np.where((frame["x2"] > 0) & (frame["x5"] > 0), 0.9, 0.1)


def _either(frame: pd.DataFrame) -> Array:
    return np.where((frame["x2"] > 0.5) | (frame["x5"] < -0.5), 0.8, 0.2)


def _anchor(subject: Subject, row: int, data: pd.DataFrame | None = None) -> tuple[Rule, bool] | None:
    """The rule that askwhy shows for a row, and whether it is for cases like those of the data; None: it shows none."""
    instance, data = subject.data.iloc[[row]], subject.data if data is None else data
    evaluate, rng = Evaluator(subject.predictor), np.random.default_rng(row)
    own = int(predicted_index(evaluate.outputs(instance))[0])

    def same(outputs: Outputs) -> Mask:
        return np.asarray(predicted_index(outputs) == own, dtype=bool)

    candidates = predicates(subject.schema, instance, data)
    for draws in (
        Draws(evaluate, instance, data, same, rng),
        AlikeDraws(evaluate, instance, data, same, rng, schema=subject.schema),
    ):
        found = find_anchor(draws, candidates, _MOST)
        if found.passed:
            return found.rule, isinstance(draws, AlikeDraws)
    return None


def _alike(subject: Subject, row: int, rule: Rule) -> float:
    """Rows of the data that meet the rule, each with some cells from its nearest that does: share predicted alike."""
    rng, space = np.random.default_rng((7, row)), Space.of(subject.schema, subject.data)
    met = subject.data[holds(rule, subject.data)].reset_index(drop=True)
    cells = space.encode(met)
    apart = np.array([space.differences(one, cells).sum(axis=1) for one in cells])
    np.fill_diagonal(apart, np.inf)
    first = rng.integers(0, len(met), _FRESH)
    lent = rng.random((_FRESH, met.shape[1])) < _LENT
    source = np.where(lent, apart.argmin(axis=1)[first][:, None], first[:, None])
    frame = pd.DataFrame({name: met[name].array[source[:, j]] for j, name in enumerate(met.columns)})
    own = predicted_index(subject.predictor(subject.data.iloc[[row]]))[0]
    return float((predicted_index(subject.predictor(frame)) == own).mean())


def _unseen(subject: Subject, rows: int) -> Line:
    """Rules found in one half of the data, on the rows of the other half that meet them."""
    order = np.random.default_rng(1).permutation(len(subject.data))
    half, rest = subject.data.iloc[order[: len(order) // 2]], subject.data.iloc[order[len(order) // 2 :]]
    found = {int(row): _anchor(subject, int(row), half) for row in order[: max(1, rows // 2)]}
    shares = []
    for row, one in found.items():
        if one is not None and (met := holds(one[0], rest)).any():
            own = predicted_index(subject.predictor(subject.data.iloc[[row]]))[0]
            shares.append(float((predicted_index(subject.predictor(rest[met])) == own).mean()))
    mean = float(np.mean(shares)) if shares else None
    lowest = f"lowest {min(shares):.3g}" if shares else ""
    words, on = "mean precision on rows that the search had not seen", f"{len(shares)} rules of {len(found)} rows"
    return Line("anchors: breast-cancer", words, mean, "anchor_unseen", on, baseline=lowest, least=PRECISION)


def _precision(subject: Subject, row: int, rule: Rule) -> float:
    """Rows of the data with every cell that breaks the rule redrawn from cells that meet it: share predicted alike.

    A column with two conditions is redrawn until both hold.
    """
    rng = np.random.default_rng((7, row))
    frame = subject.data.iloc[rng.integers(0, len(subject.data), _FRESH)].reset_index(drop=True)
    for name in {one.feature.name for one in rule}:
        conditions = [one for one in rule if one.feature.name == name]
        column = pd.concat([subject.data[name], subject.data[name].iloc[[row]]], ignore_index=True)
        lenders = column[np.logical_and.reduce([one.holds(column) for one in conditions])]
        breaks = ~np.logical_and.reduce([one.holds(frame[name]) for one in conditions])
        drawn = lenders.iloc[rng.integers(0, len(lenders), int(breaks.sum()))]
        cells = frame[name].copy()
        cells[breaks] = drawn.to_numpy()
        frame[name] = cells
    own = predicted_index(subject.predictor(subject.data.iloc[[row]]))[0]
    return float((predicted_index(subject.predictor(frame)) == own).mean())
