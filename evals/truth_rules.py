"""Anchors: the precision that a shown rule claims, measured again by a sampler of our own (C13)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from askwhy.evals.truth_line import Line
from askwhy.tools.engines.anchors import PRECISION, Draws, find_anchor, predicates
from askwhy.tools.engines.planted import correlated
from askwhy.tools.engines.rules import Rule
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
_SLOW = {"breast-cancer": 5}
"""Subjects on which the search seldom ends early: only one row in so many."""


def anchor_lines(rows: int, builtins: tuple[str, ...] = _BUILTIN) -> list[Line]:
    """Rules of `rows` rows of every subject: share whose precision holds up, and whether planted rules are found."""
    subjects: dict[str, tuple[Subject, frozenset[str] | None]] = {name: (builtin(name), None) for name in builtins}
    lines, held = [], []
    for name, (subject, read) in {**subjects, **_planted()}.items():
        count = max(1, rows // _SLOW.get(name, 1))
        places = [int(row) for row in np.random.default_rng(0).choice(len(subject.data), count, replace=False)]
        rules = {row: rule for row in places if (rule := _anchor(subject, row)) is not None}
        precise = [_precision(subject, row, rule) for row, rule in rules.items()]
        held += precise
        part, key, on = f"anchors: {name}", name.replace(" ", "_").replace("-", "_"), f"{len(rules)} rules"
        shown = len(rules) / len(places)
        lines.append(Line(part, "share of rows with a rule to show", shown, f"anchor_shown_{key}", f"{count} rows"))
        if read is not None and rules:
            only = float(np.mean([all(one.feature.name in read for one in rule) for rule in rules.values()]))
            lines.append(Line(part, "names only features that the model reads", only, f"anchor_only_{key}", on))
        if precise:
            lines.append(Line(part, "lowest precision of a shown rule", min(precise), f"anchor_lowest_{key}", on))
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


def _anchor(subject: Subject, row: int) -> Rule | None:
    """The rule that askwhy shows for a row; None where it shows none."""
    instance = subject.data.iloc[[row]]
    evaluate, rng = Evaluator(subject.predictor), np.random.default_rng(row)
    own = int(predicted_index(evaluate.outputs(instance))[0])

    def same(outputs: Outputs) -> Mask:
        return np.asarray(predicted_index(outputs) == own, dtype=bool)

    draws = Draws(evaluate, instance, subject.data, same, rng)
    found = find_anchor(draws, predicates(subject.schema, instance, subject.data), _MOST)
    return found.rule if found.passed else None


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
