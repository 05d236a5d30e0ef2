"""Which edits of a text are worth trying: words left out, put in, or replaced by words that stand in such places."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from askwhy.tools.engines.text_edits import Edit, EditKind, cased
from askwhy.tools.engines.text_units import Split, fold
from askwhy.tools.engines.text_words import NEGATIONS, Vocabulary, opposites

NEIGHBOURS = 15
"""Words that stand where a word stands, tried in its place."""

NATURAL = 0.6
"""From this fit on, an edit follows how the subject's own texts are worded."""


@dataclass(frozen=True)
class Source:
    """Where edits come from.

    words: the subject's. kinds: those allowed. keep: folded words that must stay. telling: words that push the output
    the wanted way wherever they stand. neighbours: how many words are tried that stand where a word stands.
    """

    words: Vocabulary
    kinds: frozenset[EditKind]
    keep: frozenset[str] = frozenset()
    telling: tuple[str, ...] = ()
    neighbours: int = NEIGHBOURS

    def allows(self, edit: Edit) -> bool:
        """Whether an edit from elsewhere is of an allowed kind and leaves alone what must stay."""
        return edit.kind in self.kinds and (edit.kind == "insert" or fold(edit.before) not in self.keep)

    def edits(self, split: Split, places: Collection[int]) -> Iterator[Edit]:
        """Every edit worth trying at these places, and at the end of the text."""
        for place in sorted(places):
            unit = split.units[place]
            if fold(unit.text) not in self.keep:
                yield from self._of_word(split, place)
            if "insert" in self.kinds:
                for word in NEGATIONS:
                    if not _doubles(split, place, word):
                        yield Edit(place, "insert", unit.text, word, 0.4)
        if "insert" in self.kinds:
            for number, word in enumerate(self.telling):
                yield Edit(len(split.units) + number, "insert", "", word, 0.1)

    def _of_word(self, split: Split, place: int) -> Iterator[Edit]:
        word = split.units[place].text
        if "remove" in self.kinds:
            yield Edit(place, "remove", word, "", NATURAL)
        if "replace" not in self.kinds:
            return
        key = fold(word)
        offered: dict[str, float] = dict.fromkeys(opposites().get(key, ()), 1.0)
        for other in self.words.neighbours(key, self.neighbours):
            offered.setdefault(other, 0.8)
        for other in self.telling:
            offered.setdefault(other, 0.2 + 0.3 * max(0.0, self.words.likeness(key, other)))
        for other, fit in offered.items():
            if other != key:
                yield Edit(place, "replace", word, cased(split, place, other), round(fit, 6))


def _doubles(split: Split, place: int, word: str) -> bool:
    """Whether a word put in would stand beside itself."""
    beside = [split.units[i].text for i in (place - 1, place) if i >= 0]
    return word in map(fold, beside)
