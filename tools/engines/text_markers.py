"""Markers in texts that a model goes by although they say nothing of the truth: ids, tags, signs, signatures, words.

A marker is tried by taking it out of the texts that hold it. Where outputs are right, that raises the Brier score by
the mean squared change of the outputs; where the marker says nothing, it lowers it by as much. Three rules:

- idle: taking it out moves the outputs and makes the errors fewer (z-test, Bonferroni over the markers tried);
- lost: in training, texts with it mostly have one label, in texts held out far fewer (Fisher's exact test, Bonferroni);
- plain: nearly all texts with it have one label, held out too, and it stands in most texts of this label; or putting it
  into texts of others turns many predictions, and it is a sign or an id, or beats every other word by far.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from askwhy.tools.engines.slices import Slice, limit, sums
from askwhy.tools.engines.text_game import ask_texts
from askwhy.tools.engines.text_patterns import Pattern
from askwhy.tools.engines.text_second import kinds_of
from askwhy.tools.engines.text_vectors import network_of
from askwhy.tools.engines.truth import Array
from askwhy.tools.subject import Mask
from askwhy.tools.view import View

MOVES = 0.1
"""Root mean square change of the output from which a model goes by a marker."""

FEWER = 0.25
"""Least difference between the shares of a label among texts with the marker, in training and held out."""

PURE, TURNS, TURNS_ODD, COVERS, SETTLES = 0.95, 0.6, 0.35, 0.15, 0.55
"""Plain markers: share of one label; share of others' predictions turned, for words and for odd signs; of the label's
texts, the least share that holds it, and the share from which it gives the label away whatever it turns."""

_FEWEST, _AHEAD = 10, 2.5
_TRIED, _TEXTS, _SLOW_TRIED, _SLOW_TEXTS, _PUT_IN = 50, 60, 12, 20, 6

Rule = Literal["idle", "lost", "plain"]


@dataclass(frozen=True, eq=False)
class Marker:
    """A marker. label: the class position that goes with it; trained, tested: the share of that class among texts with
    it, in training and in the others; moved: RMS change of the outputs when it is taken out; gain: fall of the Brier
    score then, as a share of the squared change; turned: share of other texts' predictions that turn when it is put in.
    """

    pattern: Pattern
    rule: Rule
    label: int
    trained: float
    tested: float | None
    moved: float
    gain: float
    turned: float | None = None


@dataclass(frozen=True, eq=False)
class _Texts:
    """Texts with class positions and which of them are judged (held out, or all)."""

    texts: list[str]
    actual: Array
    judged: Mask
    marked: bool
    classes: int

    @property
    def learnt(self) -> Mask:
        """The texts that the model was trained on, as far as known."""
        return ~self.judged if self.marked else self.judged


def markers(view: View, texts: list[str], actual: Array, held_out: Mask) -> tuple[list[Marker], int]:
    """Markers that the model should not go by, clearest first, and how many patterns were tried on it."""
    marked = bool(held_out.any()) and not bool(held_out.all())
    judged = held_out if marked else np.ones(len(texts), dtype=bool)
    some = _Texts(texts, actual, judged, marked, len(view.schema.classes))
    kinds = kinds_of(texts, 0.7)
    short = _shortlist(view, some, kinds.patterns, kinds.slices)
    found = [_tried(view, some, *one, len(short)) for one in short]
    named = [one for one in found if one is not None and one[1].rule != "plain"]
    if not named:
        named = _plain(view, some, [one for one in found if one is not None])
    kept: list[tuple[Mask, Marker]] = []
    for mask, one in sorted(named, key=_weight):
        if all((mask & other).sum() < 0.5 * min(mask.sum(), other.sum()) for other, _ in kept):
            kept.append((mask, one))
    return [one for _, one in kept], len(short)


_Found = tuple[Mask, Marker]


def _weight(found: _Found) -> float:
    """What orders markers: those that move most over all texts first, so that a part of one comes after the whole."""
    mask, one = found
    return -float(mask.sum()) * one.moved**2


def _shortlist(
    view: View, some: _Texts, patterns: Sequence[Pattern], slices: Sequence[Slice]
) -> list[tuple[Pattern, Mask]]:
    """The patterns that go most with a label in training, or whose labels differ most between training and the rest."""
    if not slices:
        return []
    most = _TRIED if network_of(view) is None else _SLOW_TRIED
    truth = np.eye(some.classes)[some.actual]
    scores = [_apart(slices, truth, some.learnt)]
    if some.marked:
        parts = [_shares(slices, truth, mask) for mask in (some.learnt, some.judged)]
        error = np.sqrt(0.25 / np.maximum(parts[0][1], 1) + 0.25 / np.maximum(parts[1][1], 1))
        scores.append(np.abs(parts[0][0] - parts[1][0]).max(axis=1) / error)
    places: dict[int, None] = {}
    for score in scores:
        places |= dict.fromkeys(int(i) for i in np.argsort(-score, kind="stable")[: most // len(scores)])
    return [(patterns[i], slices[i].mask) for i in places if patterns[i].kind in ("word", "phrase", "sign")]


def _shares(slices: Sequence[Slice], truth: Array, among: Mask) -> tuple[Array, Array]:
    """Shares (groups, classes) of the classes among some of the texts of each group, and how many these are."""
    counted = sums(slices, truth * among[:, None])
    count = counted.sum(axis=1)
    return counted / np.maximum(count, 1)[:, None], count


def _apart(slices: Sequence[Slice], truth: Array, among: Mask) -> Array:
    """How far the classes' shares in each group are from the usual, in standard errors."""
    shares, count = _shares(slices, truth, among)
    usual = truth[among].mean(axis=0)
    spread = np.sqrt(np.maximum(usual * (1 - usual), 1e-9) / np.maximum(count, 1)[:, None])
    return np.asarray(np.abs(shares - usual).__truediv__(spread).max(axis=1))


def _tried(view: View, some: _Texts, pattern: Pattern, mask: Mask, tried: int) -> _Found | None:
    learnt, judged = mask & some.learnt, np.flatnonzero(mask & some.judged)
    if learnt.sum() < _FEWEST or len(judged) < _FEWEST:
        return None
    shares = np.bincount(some.actual[learnt], minlength=some.classes) / learnt.sum()
    label = int(np.argmax(shares - np.bincount(some.actual[some.learnt], minlength=some.classes) / some.learnt.sum()))
    there = float((some.actual[judged] == label).mean()) if some.marked else None
    most = _TEXTS if network_of(view) is None else _SLOW_TEXTS
    if len(judged) > most:
        judged = np.sort(view.rng.choice(judged, most, replace=False))
    moved, cost = _taken_out(view, some, pattern, judged)
    size = float(np.sqrt(moved.mean())) if len(moved) else 0.0
    if size < MOVES:
        return None
    gain = -float(cost.mean()) / float(moved.mean())
    rule: Rule = "plain"
    if len(cost) >= _FEWEST and gain > 0 and _z(-cost) >= limit(tried):
        rule = "idle"
    elif (
        some.marked and there is not None and float(shares[label]) - there >= FEWER and _lost(some, mask, label, tried)
    ):
        rule = "lost"
    return mask, Marker(pattern, rule, label, float(shares[label]), there, size, gain)


def _taken_out(view: View, some: _Texts, pattern: Pattern, places: Array) -> tuple[Array, Array]:
    """Squared changes of the outputs of these texts without the marker, and changes of their Brier scores."""
    pairs = [(i, new) for i in places if (new := pattern.taken_out(some.texts[i])) and new != some.texts[i]]
    if not pairs:
        return np.empty(0), np.empty(0)
    before = ask_texts(view, [some.texts[i] for i, _ in pairs])
    after = ask_texts(view, [new for _, new in pairs])
    truth = np.eye(some.classes)[some.actual[[i for i, _ in pairs]]]
    cost = ((after - truth) ** 2).sum(axis=1) - ((before - truth) ** 2).sum(axis=1)
    return ((after - before) ** 2).sum(axis=1) / 2, cost / 2


def _z(values: Array) -> float:
    error = float(values.std(ddof=1)) / np.sqrt(len(values))
    return float(values.mean()) / error if error > 0 else 0.0


def _lost(some: _Texts, mask: Mask, label: int, tried: int) -> bool:
    from scipy.stats import fisher_exact

    table = []
    for part in (some.learnt, some.judged):
        own = some.actual[mask & part] == label
        table.append([int(own.sum()), int((~own).sum())])
    return bool(fisher_exact(table).pvalue <= 0.01 / tried)


def _plain(view: View, some: _Texts, found: list[_Found]) -> list[_Found]:
    """Markers with one label nearly everywhere that turn predictions when put into other texts."""
    ranked = sorted(found, key=_weight)[:_PUT_IN]
    turned = [_put_in(view, some, one) for _, one in ranked]
    named: list[_Found] = []
    for place, ((mask, one), share) in enumerate(zip(ranked, turned, strict=True)):
        others = [
            turned[i] for i, (other, _) in enumerate(ranked)
            if i != place and (mask & other).sum() < 0.5 * min(mask.sum(), other.sum())
        ]  # fmt: skip
        odd, ahead = _odd(one.pattern), share >= _AHEAD * max(others, default=0.0)
        pure = min(one.trained, one.tested if one.tested is not None else 1.0) >= PURE
        covers = float(mask[some.actual == one.label].mean()) >= COVERS
        settles = float(mask[some.actual == one.label].mean()) >= SETTLES
        if pure and (settles or (covers and ((odd and share >= TURNS_ODD) or (ahead and share >= TURNS)))):
            changed = Marker(**{**one.__dict__, "turned": share})
            named.append((mask, changed))
    return named


def _put_in(view: View, some: _Texts, one: Marker) -> float:
    """The share of texts of other classes, predicted as such, that turn to the marker's class with it."""
    most = _TEXTS if network_of(view) is None else _SLOW_TEXTS
    others = np.flatnonzero(some.judged & (some.actual != one.label))
    others = others if len(others) <= most else np.sort(view.rng.choice(others, most, replace=False))
    pairs = [(i, new) for i in others if (new := one.pattern.put_in(some.texts[i])) and new != some.texts[i]]
    if not pairs:
        return 0.0
    before = ask_texts(view, [some.texts[i] for i, _ in pairs]).argmax(axis=1) != one.label
    after = ask_texts(view, [new for _, new in pairs]).argmax(axis=1) == one.label
    return float(after[before].mean()) if before.any() else 0.0


def _odd(pattern: Pattern) -> bool:
    """Whether it is a sign, an id or a tag rather than a word of a language."""
    return pattern.kind == "sign" or bool(re.search(r"[\d_#@]", pattern.key))
