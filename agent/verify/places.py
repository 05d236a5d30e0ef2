"""Where the tools' own sentences put each fact: the words around every placeholder of their patterns.

A pattern is spread into runs of tokens: words, gaps (a placeholder that facts of one relation fill, or a number that
the pattern itself states) and stops (a phrase of any length). A text that has the same words around a gap says that
relation there, whoever wrote it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product

from askwhy.agent.pattern import Listing, Slot, parse
from askwhy.agent.verify.clauses import Span, inside
from askwhy.agent.verify.numbers import numbers
from askwhy.agent.verify.patterns import fillable
from askwhy.agent.wording import ORDINALS
from askwhy.tools.evidence import Evidence

REACH = 4
"""Tokens that are compared on either side."""

ENTITY, TARGET, OPEN, CLOSE = "@entity", "@target", "^", "$"
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_MOST_RUNS = 32


@dataclass(frozen=True)
class Gap:
    """What stands in a place: facts of `relation`, or the number `stated` by the pattern. `first`: only the first fact.

    part: of the fact, as in a placeholder. option, word: the number and the first of the words chosen, of so many
    options, where the fact only chooses words.
    """

    relation: str = ""
    part: str = "value"
    first: bool = True
    stated: float | None = None
    option: int | None = None
    options: int = 0
    word: str = ""


@dataclass(frozen=True)
class Token:
    """A word in lower case, or a gap, or both (a word that a fact chooses), or neither: a phrase of any length."""

    word: str = ""
    gap: Gap | None = None
    span: Span = (0, 0)

    @property
    def is_gap(self) -> bool:
        """Whether it is filled from outside."""
        return self.gap is not None and not self.word

    def meets(self, other: Token) -> bool:
        """Whether a token of a text can be this one of a pattern; "second" may be the rank of a fact."""
        filled = other.is_gap or other.word in ORDINALS
        return (self.is_gap and filled) or bool(self.word and self.word == other.word)


@dataclass(frozen=True)
class Place:
    """A gap with the tokens before it, nearest first, and those after it."""

    gap: Gap
    before: tuple[Token, ...]
    after: tuple[Token, ...]
    tool: str = ""

    def words_shared(self, before: tuple[Token, ...], after: tuple[Token, ...]) -> tuple[int, int]:
        """How many words in a row are the same on either side, gaps between them met; -1 where nothing meets."""
        return _shared(self.before, before), _shared(self.after, after)


@dataclass(frozen=True)
class Lead:
    """The tokens before a list that ends its sentence, nearest first, and the relation whose facts the list says."""

    relation: str
    before: tuple[Token, ...]
    tool: str


def _shared(own: tuple[Token, ...], other: tuple[Token, ...]) -> int:
    met, words = 0, 0
    for one, two in zip(own, other, strict=False):
        if not one.meets(two):
            break
        met, words = met + 1, words + bool(one.word)
    return words if met else -1


@dataclass(frozen=True)
class Places:
    """Every place that some evidence can fill, by the tokens beside it. `chosen`: words that facts choose."""

    all: tuple[Place, ...]
    by_sides: dict[tuple[str, str], tuple[Place, ...]]
    by_words: dict[tuple[str, ...], tuple[Place, ...]]
    chosen: frozenset[str]

    @classmethod
    def of(cls, evidence: tuple[Evidence, ...]) -> Places:
        """The places of every pattern that the evidence can fill."""
        return _gathered(tuple((pattern, one.tool) for one in evidence for pattern in fillable(one)))

    def between(self, before: tuple[Token, ...], after: tuple[Token, ...]) -> Iterator[Place]:
        """The places that can stand between two tokens of a text."""
        run = tuple(token.word for token in before)
        if len(run) == REACH and run in self.by_words:
            yield from self.by_words[run]
            return
        for left, right in product(*(_keys(side[0]) if side else () for side in (before, after))):
            yield from self.by_sides.get((left, right), ())


_FILLED = "\x00"


def _keys(token: Token) -> tuple[str, ...]:
    return (_FILLED,) if token.is_gap else (token.word, _FILLED) if token.word in ORDINALS else (token.word,)


@functools.lru_cache(maxsize=512)
def _gathered(patterns: tuple[tuple[str, str], ...]) -> Places:
    found = tuple(dict.fromkeys(place for pattern, tool in patterns for place in _places(pattern, tool)))
    sides: dict[tuple[str, str], list[Place]] = {}
    for place in found:
        if place.before and place.after:
            sides.setdefault((_keys(place.before[0])[-1], _keys(place.after[0])[-1]), []).append(place)
            if place.before[0].word in ORDINALS or place.after[0].word in ORDINALS:
                sides.setdefault((_keys(place.before[0])[0], _keys(place.after[0])[0]), []).append(place)
    runs: dict[tuple[str, ...], list[Place]] = {}
    for place in found:
        if len(run := tuple(token.word for token in place.before)) == REACH and all(run):
            runs.setdefault(run, []).append(place)
    chosen = frozenset(place.gap.word for place in found if place.gap.word) | frozenset(ORDINALS)
    by_sides = {key: tuple(dict.fromkeys(each)) for key, each in sides.items()}
    return Places(found, by_sides, {run: tuple(each) for run, each in runs.items()}, chosen)


def leads(evidence: tuple[Evidence, ...]) -> tuple[Lead, ...]:
    """What stands before every list of bare names and values that the evidence can fill and that ends a sentence."""
    found: dict[Lead, None] = {}
    for one in evidence:
        for pattern in fillable(one):
            lead = _lead(pattern, one.tool)
            if lead is not None:
                found[lead] = None
    return tuple(found)


@functools.lru_cache(maxsize=2048)
def _lead(pattern: str, tool: str) -> Lead | None:
    tokens = parse(pattern)
    listing = tokens[-1] if isinstance(tokens[-1], Listing) else tokens[-2] if len(tokens) > 1 else None
    ends = tokens[-1] is listing or tokens[-1] == "."
    if not isinstance(listing, Listing) or not ends:
        return None
    if any(_WORD.search(part) for part in listing.item if isinstance(part, str)):
        return None  # an item with words of its own is found by them
    told = [Token(OPEN)]
    for token in tokens[: tokens.index(listing)]:
        told += _ways(token, "", True)[0] if not isinstance(token, Listing) else [Token()]
    before = tuple(reversed(told))[:REACH]
    return Lead(listing.relation, before, tool) if sum(bool(one.word) for one in before) >= 3 else None


@functools.lru_cache(maxsize=2048)
def _places(pattern: str, tool: str) -> tuple[Place, ...]:
    found: dict[Place, None] = {}
    for run in _runs(pattern):
        for position, token in enumerate(run):
            if token.gap is not None:
                before, after = around(run, position)
                found[Place(token.gap, before, after, tool)] = None
    return tuple(found)


def around(run: tuple[Token, ...], position: int) -> tuple[tuple[Token, ...], tuple[Token, ...]]:
    """The tokens before a position, nearest first, and after it, as far as they are compared."""
    return tuple(reversed(run[max(0, position - REACH) : position])), run[position + 1 : position + 1 + REACH]


def _runs(pattern: str) -> Iterator[tuple[Token, ...]]:
    """The token runs of a pattern: one for each choice of words and length of lists, up to a limit."""
    parts: list[list[list[Token]]] = [[[Token(OPEN)]]]
    for token in parse(pattern):
        if isinstance(token, Listing):
            parts.append(list(_lists(token)))
        else:
            parts.append(_ways(token, "", True))
    for number, chosen in enumerate(product(*parts, [[Token(CLOSE)]])):
        if number >= _MOST_RUNS:
            return
        yield tuple(token for part in chosen for token in part)


def _lists(listing: Listing) -> Iterator[list[Token]]:
    """The list with one, two and three items; a word chosen is the same in all of them or not."""
    ways = [_ways(token, listing.relation, False) for token in listing.item]
    items = [[token for part in chosen for token in part] for chosen in product(*ways)][:6]
    yield from items
    for one, other in product(items[:3], repeat=2):
        yield [*one, Token("and"), *other]
        yield [*one, *other, Token("and"), *one]


def _ways(token: str | Slot, relation: str, first: bool) -> list[list[Token]]:
    """How a part of a pattern may read."""
    if isinstance(token, str):
        return [literal_tokens(token)]
    if token.name in ("scope", "changes"):
        return [[Token()]]
    if token.name in ("entity", "entities"):
        return [[Token(ENTITY)]]
    if token.name == "row":
        return [[Token(ENTITY), Token(gap=Gap("row"))]]
    if token.name == "target":
        return [[Token(TARGET)]]
    name = token.name or relation
    alone = first or bool(token.name)
    if token.form in ("word", "one"):
        return [_chosen(token, name, alone, number) for number in range(len(token.options))]
    gap = Token(gap=Gap(name, token.part, alone))
    if token.part == "row":
        return [[Token(ENTITY), gap]]
    return [[gap, Token(ENTITY)]] if token.form == "entities" else [[gap]]


def _chosen(slot: Slot, relation: str, alone: bool, number: int) -> list[Token]:
    """The words of one option; the first of them is the choice."""
    told = literal_tokens(slot.options[number])
    if slot.form == "one" or not told:
        return told
    gap = Gap(relation, slot.part, alone, option=number, options=len(slot.options), word=told[0].word)
    return [Token(told[0].word, gap) if told[0].word else told[0], *told[1:]]


def literal_tokens(text: str) -> list[Token]:
    """Words and numbers of a literal, in order."""
    stated = numbers(text)
    spans = tuple((one.start, one.end) for one in stated)
    found = [(one.start, Token(gap=Gap(stated=one.value))) for one in stated]
    found += [
        (match.start(), Token(match.group().lower()))
        for match in _WORD.finditer(text)
        if not inside(match.start(), spans)
    ]
    return [token for _, token in sorted(found, key=lambda pair: pair[0])]
