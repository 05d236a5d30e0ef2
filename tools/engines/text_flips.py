"""Which edits of a text lead the model to another output, fewest first: a beam search that asks the model of each.

The first step asks about every single edit; longer ones are built from the edits and texts that came closest.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from askwhy.tools.engines.counterfactual_search import Goal
from askwhy.tools.engines.text_edits import Edit, edited, edits_between
from askwhy.tools.engines.text_game import CHARACTERS, PASSAGE, ask_texts
from askwhy.tools.engines.text_source import NATURAL, Source
from askwhy.tools.engines.text_units import Split, Unit
from askwhy.tools.engines.truth import Array
from askwhy.tools.view import View

Edits = tuple[Edit, ...]

MOST_EDITS = 8
"""Edits of one text that are tried together."""

_TELLING = 12
_BEAM, _EXTENSIONS = 8, 60
_WHOLE = 60
_SCATTERED = 30
_FEWEST_ASKED = 100
_POOL = 200
_MOST_DRAFTED = 40


@dataclass(frozen=True, eq=False)
class Flip:
    """Edits after which the goal is met: the very text that was asked about, and the model's output (width,) for it."""

    edits: Edits
    text: str
    output: Array

    @property
    def fit(self) -> float:
        """How well the edits fit where they stand, on average."""
        return float(np.mean([edit.fit for edit in self.edits]))

    @property
    def places(self) -> frozenset[int]:
        """Where the text is edited."""
        return frozenset(edit.place for edit in self.edits)


@dataclass
class FlipSearch:
    """One text, where its edits come from, and what is wanted. `tried` counts the edited texts that were asked about.

    most_places, most_words: places and words of the subject that are looked at; fewer for a slow model.
    nearest: the edits that came closest to the goal so far, with their output.
    """

    view: View
    split: Split
    source: Source
    goal: Goal
    most_places: int = 40
    most_words: int = 800
    tried: int = 0
    nearest: tuple[Edits, Array] | None = None
    _seen: dict[Edits, tuple[float, Array]] = field(default_factory=dict, repr=False)

    def run(self, count: int, drafts: Sequence[str] = ()) -> list[Flip]:
        """Up to `count` flips, those of fewest edits first; undoing any one edit of a flip loses it.

        `drafts` are whole texts from elsewhere: the edits that lead to them are tried too, as far as they are allowed.
        """
        written = self._of_drafts(drafts)
        singles = self._affordable(self._singles())
        self._ask([(edit,) for edit in singles])
        found = self._flips(1)
        level: list[Edits] = [(edit,) for edit in singles]
        useful = self._useful(singles)
        for size in range(2, MOST_EDITS + 1):
            # One more step than the first flip takes, where other ways are wanted.
            if len(chosen(found, count)) >= count or any(len(flip.edits) < size - 1 for flip in found):
                break
            level = self._extended(level, useful)
            if not level:
                break
            self._ask(level)
            found += self._flips(size)
        return chosen(sorted([*self._minimal(found), *written], key=self._order), count)

    def _of_drafts(self, drafts: Sequence[str]) -> list[Flip]:
        """The drafts that flip, without the edits that they can do without."""
        found: dict[Edits, Flip] = {}
        for draft in drafts:
            edits = tuple(one for one in edits_between(self.split, draft) if self.source.allows(one))
            if not edits or len(edits) > _MOST_DRAFTED:
                continue
            self._ask([edits])
            if self.goal.met(self._seen[edits][1][None])[0]:
                kept = self._without_idle(edits)
                found[kept] = Flip(kept, edited(self.split, kept), self._seen[kept][1])
        return list(found.values())

    def _without_idle(self, edits: Edits) -> Edits:
        """The edits that are needed: the one whose undoing costs least is undone, as long as the goal is met."""
        while len(edits) > 1:
            fewer = [without(edits, position) for position in range(len(edits))]
            self._ask(fewer)
            still = [one for one in fewer if self.goal.met(self._seen[one][1][None])[0]]
            if not still:
                break
            edits = min(still, key=self._far)
        return edits

    def _singles(self) -> list[Edit]:
        places = self._telling_places()
        source = self.source
        if source.kinds & {"replace", "insert"}:
            words = self._telling_words(places)
            source = replace(source, telling=words)
        return list(dict.fromkeys(source.edits(self.split, places)))

    def _telling_places(self) -> list[int]:
        """The places of the words whose deletion moves the output most; all of a short text."""
        count = len(self.split.units)
        if count <= self.most_places:
            return list(range(count))
        edits = [Edit(place, "remove", unit.text) for place, unit in enumerate(self.split.units)]
        gains = self._passage_gains(edits)
        return sorted(int(i) for i in np.argsort(-np.abs(gains), kind="stable")[: self.most_places])

    def _telling_words(self, places: Sequence[int]) -> tuple[str, ...]:
        """The subject's words that lead closest to the goal: tried in place of the text's most telling word."""
        words = self.source.words.words[: self.most_words]
        if not words:
            return ()
        if not places:
            gains = self._passage_gains([Edit(0, "insert", "", word) for word in words])
        else:
            deleted = self._passage_gains([Edit(i, "remove", self.split.units[i].text) for i in places])
            place = places[int(deleted.argmax())]
            before = self.split.units[place].text
            gains = self._passage_gains([Edit(place, "replace", before, word) for word in words])
            if not (gains > 0).any():
                gains = self._scattered_gains(words)
        order = np.argsort(-gains.round(9), kind="stable")[:_TELLING]
        return tuple(words[int(i)] for i in order if gains[i] > 0)

    def _passage_gains(self, edits: Sequence[Edit]) -> Array:
        """How much closer to the goal each edit brings the passage around it."""
        length = PASSAGE["word"] if len(self.split.units) > _WHOLE else max(1, len(self.split.units))
        texts: list[str] = []
        for edit in edits:
            first = min(edit.place, max(0, len(self.split.units) - 1)) // length * length
            part = passage(self.split, first, length)
            texts += [part.text, edited(part, [Edit(edit.place - first, edit.kind, edit.before, edit.after)])]
        closeness = self.goal.closeness(ask_texts(self.view, texts))
        return np.asarray(closeness[1::2] - closeness[::2])

    def _scattered_gains(self, words: Sequence[str]) -> Array:
        """How much closer each word brings a passage when it is put before every word and at the end of it.

        A word that only counts beside certain others shows up here, whichever they are.
        """
        part = passage(self.split, 0, min(_SCATTERED, len(self.split.units)))
        places = range(len(part.units) + 1)
        texts = [edited(part, [Edit(place, "insert", "", word) for place in places]) for word in words]
        closeness = self.goal.closeness(ask_texts(self.view, [part.text, *texts]))
        return np.asarray(closeness[1:] - closeness[0])

    @property
    def _most_asked(self) -> int:
        return max(_FEWEST_ASKED, CHARACTERS // max(1, len(self.split.text)))

    def _affordable(self, edits: list[Edit]) -> list[Edit]:
        """The edits of a long text that change their own passage most; all of a short one."""
        if len(edits) <= self._most_asked:
            return edits
        order = np.argsort(-self._passage_gains(edits).round(9), kind="stable")[: self._most_asked]
        return [edits[int(i)] for i in np.sort(order)]

    def _ask(self, candidates: Iterable[Edits]) -> None:
        fresh = [one for one in dict.fromkeys(candidates) if one not in self._seen]
        outputs = ask_texts(self.view, [edited(self.split, one) for one in fresh])
        self.tried += len(fresh)
        closeness = self.goal.closeness(outputs) if fresh else np.empty(0)
        for one, close, output in zip(fresh, closeness, outputs, strict=True):
            self._seen[one] = (float(close), output)
        if fresh:
            best = int(closeness.argmax())
            if self.nearest is None or closeness[best] > float(self.goal.closeness(self.nearest[1][None])[0]):
                self.nearest = fresh[best], outputs[best]

    def _flips(self, size: int) -> list[Flip]:
        found = [
            Flip(one, edited(self.split, one), output)
            for one, (_, output) in self._seen.items()
            if len(one) == size and self.goal.met(output[None])[0]
        ]
        return sorted(found, key=self._order)[:_POOL]

    def _order(self, flip: Flip) -> tuple[int, float, float, Edits]:
        """Fewer edits first, then such as fit, then the clearer output."""
        return len(flip.edits), -round(flip.fit, 1), -round(self._seen[flip.edits][0], 9), flip.edits

    def _useful(self, singles: Sequence[Edit]) -> list[Edit]:
        """The single edits that came closest: at each place the first, and the first that reads naturally."""
        order = sorted(((edit,) for edit in singles), key=self._far)
        kept: dict[tuple[int, bool], Edit] = {}
        for (edit,) in order:
            kept.setdefault((edit.place, False), edit)
            if edit.fit >= NATURAL:
                kept.setdefault((edit.place, True), edit)
        return list(dict.fromkeys(kept.values()))[:_EXTENSIONS]

    def _far(self, edits: Edits) -> tuple[float, Edits]:
        """To sort by: the closest to the goal first."""
        return -round(self._seen[edits][0], 9), edits

    def _extended(self, level: Sequence[Edits], useful: Sequence[Edit]) -> list[Edits]:
        """The closest texts that do not meet the goal yet (some of them of natural edits), with one more edit each."""
        open_ = sorted((one for one in level if not self.goal.met(self._seen[one][1][None])[0]), key=self._far)
        natural = [one for one in open_ if all(edit.fit >= NATURAL for edit in one)]
        beam = dict.fromkeys([*open_[:_BEAM], *natural[:_BEAM]])
        longer = (
            tuple(sorted((*one, edit)))
            for one in beam
            for edit in useful
            if all(edit.place != other.place for other in one)
        )
        return list(dict.fromkeys(longer))[: self._most_asked]

    def _minimal(self, found: Sequence[Flip]) -> list[Flip]:
        """Without the edits that can be undone one by one, each checked on the model."""
        waiting, kept = list(found[: 2 * _BEAM]), list(found[2 * _BEAM :])
        kept = [flip for flip in kept if len(flip.edits) == 1]
        while waiting:
            undone = {flip: [without(flip.edits, i) for i in range(len(flip.edits))] for flip in waiting}
            self._ask(one for many in undone.values() for one in many if one)
            after: list[Flip] = []
            for flip, many in undone.items():
                still = [one for one in many if one and self.goal.met(self._seen[one][1][None])[0]]
                if still:
                    after += [Flip(one, edited(self.split, one), self._seen[one][1]) for one in still]
                else:
                    kept.append(flip)
            waiting = list({flip.edits: flip for flip in after}.values())
        return sorted({flip.edits: flip for flip in kept}.values(), key=self._order)


def without(edits: Edits, position: int) -> Edits:
    """The edits but one."""
    return edits[:position] + edits[position + 1 :]


def chosen(found: Sequence[Flip], count: int) -> list[Flip]:
    """Up to `count` of the flips in their order: at other places first, then by other kinds of edits, then any."""
    taken: list[Flip] = []
    for differs in (_elsewhere, _otherwise, lambda one, other: one.edits != other.edits):
        for flip in found:
            if len(taken) < count and all(differs(flip, other) for other in taken):
                taken.append(flip)
    return sorted(taken, key=lambda flip: (len(flip.edits), found.index(flip)))


def _elsewhere(one: Flip, other: Flip) -> bool:
    return not one.places & other.places


def _otherwise(one: Flip, other: Flip) -> bool:
    return sorted((edit.place, edit.kind) for edit in one.edits) != sorted(
        (edit.place, edit.kind) for edit in other.edits
    )


def passage(split: Split, first: int, length: int) -> Split:
    """`length` units of a text from place `first`, as a text of its own."""
    units = split.units[first : first + length]
    if not units:
        return Split(split.text, ())
    begin = units[0].left
    moved = tuple(
        Unit(one.text, one.start - begin, one.end - begin, one.left - begin, one.right - begin) for one in units
    )
    return Split(split.text[begin : units[-1].right], moved)
