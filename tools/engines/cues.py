"""Columns that a model leans on although they do not tell the outcome where it was not trained: shortcuts.

Honest features mislead too, in single rows; so it is not enough that the model errs where a column points the other
way. Three rules, each with a guard of its own:

- lost: the column tells the outcome in training and far less in rows held out (bootstrap z), and the model leans on it;
- idle: the model leans on it, yet shuffling it costs hardly anything. Where probabilities are right, shuffling a column
  raises the Brier score by the mean squared change of the outputs; a column that says nothing of the outcome raises it
  by nothing (z-test of the difference);
- plain: where no rows are held out, the column holds names, tells the outcome nearly alone and so would the others
  together, it is what the model leans on most, and most rows that contradict it are missed.

Geirhos et al. 2020 (shortcut learning).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from askwhy.tools.engines.leaks import NAMED, TELLING, alone, read_of, rest_of, told_by_tree
from askwhy.tools.engines.second_opinion import folds_of, strength
from askwhy.tools.engines.truth import Array
from askwhy.tools.permutation import shuffled_outputs
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

LEANS = 0.12
"""Root mean square change of the output (of the truth's spread, for numbers) from which a model leans on a column."""

IDLE = 0.35
"""Of what shuffling should cost, the most that an idle column costs."""

LOST = 0.25
"""Least strength that a lost column has in training and not in rows held out."""

SURE = 3.2
"""Standard errors that a finding must be from none: about 0.01 over fifteen columns."""

_PLAIN, _MISSED, _TIMES = 0.8, 0.5, 5.0
_REPEATS, _MOST_EVALUATED, _RESAMPLES = 3, 800, 100

Rule = Literal["lost", "idle", "plain"]


@dataclass(frozen=True)
class Lean:
    """How far the model leans on a column: `size` of the change when it is shuffled; `cost` as a share of what that
    should cost, NaN where nothing changes; idle_z: how surely the cost is less than `IDLE`."""

    size: float
    cost: float
    idle_z: float


@dataclass(frozen=True)
class Cue:
    """A shortcut. trained, tested: strengths of the column alone in training rows and in the others (None: no others).
    missed, others: shares of wrong predictions where the column contradicts the truth, and where it does not."""

    feature: str
    rule: Rule
    lean: Lean
    trained: float
    tested: float | None
    against: int = 0
    missed: float | None = None
    others: float | None = None


def leans(view: View, rows: Array, actual: Array) -> list[Lean]:
    """For every feature, how the outputs of these rows (positions) and their errors change when it is shuffled."""
    if len(rows) > _MOST_EVALUATED:
        keep = np.sort(view.rng.choice(len(rows), _MOST_EVALUATED, replace=False))
        rows, actual = rows[keep], actual[keep]
    frame = view.subject.data.iloc[rows]
    outputs = view.evaluate.outputs(frame)
    shuffled = shuffled_outputs(view.evaluate, frame, _REPEATS, view.rng)
    truth, scale = _truth(view, actual)
    found = []
    for one in shuffled:
        moved = ((one - outputs) ** 2).sum(axis=-1).mean(axis=0) / scale
        cost = (((one - truth) ** 2).sum(axis=-1).mean(axis=0) - ((outputs - truth) ** 2).sum(axis=-1)) / scale
        found.append(_lean(moved, cost))
    return found


def _truth(view: View, actual: Array) -> tuple[Array, float]:
    """The truth as outputs, and what squares are divided by: with two classes both outputs move alike."""
    classes = len(view.schema.classes)
    if classes:
        return np.eye(classes)[actual], 2.0
    return actual[:, None], float(np.var(actual)) or 1.0


def _lean(moved: Array, cost: Array) -> Lean:
    size = float(moved.mean())
    if size <= 1e-12:
        return Lean(0.0, float("nan"), 0.0)
    gap = IDLE * moved - cost
    error = float(gap.std(ddof=1) / np.sqrt(len(gap))) if len(gap) > 1 else 0.0
    return Lean(float(np.sqrt(size)), float(cost.mean()) / size, float(gap.mean()) / error if error else 0.0)


def cues(view: View, trained: Array, tested: Array, actual: Array) -> tuple[list[Cue], list[Lean]]:
    """The shortcuts, clearest first, and how far the model leans on every feature.

    trained, tested: positions of rows with a known truth; `tested` is empty where none is held out. actual: the truth
    of every row of the data.
    """
    judged = tested if len(tested) else trained
    every = leans(view, judged, actual[judged])
    most = max((one.size for one in every), default=0.0)
    found = []
    for name, lean in zip(view.schema.names, every, strict=True):
        if lean.size >= LEANS and lean.size >= most / 3 and view.schema.feature(name).kind != "text":
            one = _cue(view, name, lean, trained, tested, actual, lean.size >= most)
            found += [one] if one is not None else []
    return sorted(found, key=lambda one: -one.lean.size), every


def _cue(view: View, name: str, lean: Lean, trained: Array, tested: Array, actual: Array, first: bool) -> Cue | None:
    classes, data = len(view.schema.classes), view.subject.data
    fold = folds_of(actual[trained], classes, view.rng)
    own, _ = alone(view.schema, data.iloc[trained], (name,), actual[trained], fold)
    outputs = _told(view, name, trained, tested, actual) if len(tested) else None
    there = None if outputs is None else max(0.0, strength(actual[tested], outputs, classes))
    rule = _rule(view, name, lean, own, there, trained, tested, actual, first, outputs)
    if rule is None:
        return None
    against, missed, others = _missed(view, name, trained, tested, actual)
    if rule == "plain" and not (missed and others is not None and missed >= _MISSED and missed >= _TIMES * others):
        return None
    return Cue(name, rule, lean, own, there, against, missed, others)


def _rule(
    view: View, name: str, lean: Lean, own: float, there: float | None, trained: Array, tested: Array, actual: Array,
    first: bool, outputs: Array | None,
) -> Rule | None:  # fmt: skip
    if (
        there is not None
        and outputs is not None
        and own - there >= LOST
        and _lost(view, own, actual[tested], outputs, len(trained))
    ):
        return "lost"
    if lean.cost <= IDLE and lean.idle_z >= SURE:
        return "idle"
    feature = view.schema.feature(name)
    names = bool(feature.categories) or not (feature.numeric or feature.kind == "date")
    if there is not None or not (names and first and view.schema.classes and _PLAIN <= own < NAMED):
        return None
    rows = view.subject.data.iloc[trained]
    return "plain" if rest_of(view.schema, rows, (name,), actual[trained], view.rng) >= TELLING else None


def _told(view: View, name: str, trained: Array, asked: Array, actual: Array) -> Array:
    """What the column alone says of rows, learnt from training rows."""
    data = view.subject.data
    every = np.concatenate([trained, asked])
    read = read_of(view.schema, data.iloc[every], (name,))
    return told_by_tree(read[: len(trained)], actual[trained], read[len(trained) :], len(view.schema.classes))


def _lost(view: View, own: float, actual: Array, outputs: Array, before: int) -> bool:
    """Whether the strength in held-out rows is surely below that in training: bootstrap, as wide for both."""
    classes, rng = len(view.schema.classes), view.rng
    drawn = (rng.integers(0, len(actual), len(actual)) for _ in range(_RESAMPLES))
    values = [strength(actual[one], outputs[one], classes) for one in drawn]
    error = float(np.std(values, ddof=1)) * float(np.sqrt(1 + len(actual) / max(1, before)))
    return own - max(0.0, strength(actual, outputs, classes)) >= SURE * max(error, 1e-6)


def _missed(
    view: View, name: str, trained: Array, tested: Array, actual: Array
) -> tuple[int, float | None, float | None]:
    """How many rows contradict what the column says of them, and how often the model errs there and elsewhere."""
    if not view.schema.classes:
        return 0, None, None
    judged = tested if len(tested) else trained
    said = _told(view, name, trained, judged, actual).argmax(axis=1)
    wrong = view.evaluate.all_outputs(view.subject)[judged].argmax(axis=1) != actual[judged]
    against: Mask = said != actual[judged]
    if not against.any() or against.all():
        return int(against.sum()), None, None
    return int(against.sum()), float(wrong[against].mean()), float(wrong[~against].mean())


def strongest(every: Sequence[Lean]) -> int:
    """The position of the feature that the model leans on most."""
    return int(np.argmax([one.size for one in every]))
