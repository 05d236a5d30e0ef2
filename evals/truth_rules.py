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


def anchor_lines(rows: int) -> list[Line]:
    """Rules of `rows` rows of every subject: share whose precision holds up, and whether planted rules are found."""
    lines = []
    subjects = {"breast cancer": (builtin("breast-cancer"), None), **_planted()}
    for name, (subject, read) in subjects.items():
        held, shown, only = 0, 0, 0
        for row in np.random.default_rng(0).choice(len(subject.data), rows, replace=False):
            rule = _anchor(subject, int(row))
            if rule is None:
                continue
            shown += 1
            held += _precision(subject, int(row), rule) >= PRECISION
            only += read is not None and all(one.feature.name in read for one in rule)
        on, part, key = f"{shown} rules for {rows} rows", f"anchors: {name}", name.replace(" ", "_")
        share = held / shown if shown else None
        lines.append(Line(part, "precision >= 0.95 when measured again", share, f"anchor_{key}", on, least=0.95))
        lines.append(Line(part, "share of rows with a rule to show", shown / rows, f"anchor_shown_{key}", on))
        if read is not None and shown:
            lines.append(Line(part, "names only features that the model reads", only / shown, f"anchor_only_{key}", on))
    return lines


def _planted() -> dict[str, tuple[Subject, frozenset[str] | None]]:
    """Rules that an anchor can state: all of two conditions, and either of two."""
    cells = correlated(np.random.default_rng(3), _ROWS, _WIDTH, 0.3)
    frame = pd.DataFrame(cells, columns=[f"x{j}" for j in range(_WIDTH)])
    found = {}
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
