"""A sentence of somebody's text as words and codes, each with its place, so that a part of it can be put right.

"The long duration of 48 months" becomes "the long F0 of N0". The codes are those of `embedded.mentions`, and R for one
row by its id. Nothing is guessed: a misspelt name is no name here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

from askwhy.agent.embedded.english import listed
from askwhy.agent.embedded.lexicon import Named, lexicon
from askwhy.agent.embedded.mentions import mention_at
from askwhy.agent.embedded.words import Token, tokens
from askwhy.agent.verify.clauses import Span, quoted
from askwhy.agent.verify.numbers import Number, numbers
from askwhy.tools.schema import Category, Feature, Schema

_ROW = re.compile(r"(?<!\S)(?:(?:I\d+|row|case|instance)(?: (?:number|no|no \.|id|#))?|#|number) (?P<id>[NW]\d+)(?!\S)")
_WANTING = ("predict", "predicts", "predicted", "says", "said", "of", "as", "class", "forecasts", "gives")
_MEASURES = ("r2", "f1")
_WHO = ("he", "she", "you", "applicant", "customer", "client", "person", "patient")
_OWNING = ("own", "owns", "owned")


@dataclass(frozen=True)
class Piece:
    """A word in lower case or a code, and where it stands. `text`: a quotation without its marks, a row's id."""

    word: str
    start: int
    end: int
    text: str = ""
    named: Named | None = None
    number: Number | None = None
    unit: str = ""


@dataclass(frozen=True)
class Marked:
    """A sentence as pieces. `text` joins them with blanks; matches in it are led back to the sentence."""

    sentence: str
    schema: Schema
    pieces: tuple[Piece, ...]

    @cached_property
    def text(self) -> str:
        """The pieces in a row."""
        return " ".join(piece.word for piece in self.pieces)

    @cached_property
    def _places(self) -> tuple[int, ...]:
        places, at = [], 0
        for piece in self.pieces:
            places.append(at)
            at += len(piece.word) + 1
        return tuple(places)

    @cached_property
    def _codes(self) -> dict[str, Piece]:
        return {piece.word: piece for piece in self.pieces if re.fullmatch(r"[A-Z]\d+", piece.word)}

    def piece(self, code: str) -> Piece:
        """What a code stands for."""
        return self._codes[code]

    def between(self, start: int, end: int) -> tuple[Piece, ...]:
        """The pieces in a stretch of `text`."""
        return tuple(one for one, at in zip(self.pieces, self._places, strict=True) if start <= at < end)

    def span(self, start: int, end: int) -> Span:
        """Where a stretch of `text` stands in the sentence."""
        inside = self.between(start, end)
        return (inside[0].start, inside[-1].end) if inside else (0, 0)

    def written(self, start: int, end: int) -> str:
        """A stretch of `text` as the sentence has it."""
        first, last = self.span(start, end)
        return self.sentence[first:last]

    def part(self, start: int, end: int) -> Marked:
        """A stretch on its own; places still are those of the whole sentence."""
        return Marked(self.sentence, self.schema, self.between(start, end))

    def without(self, pattern: re.Pattern[str]) -> Marked:
        """The sentence without the stretches that a pattern finds."""
        gone = [match.span() for match in pattern.finditer(self.text)]
        if not gone:
            return self
        kept = tuple(
            piece
            for piece, at in zip(self.pieces, self._places, strict=True)
            if not any(start <= at < end for start, end in gone)
        )
        return Marked(self.sentence, self.schema, kept)

    def feature(self, code: str) -> Feature:
        """The feature of an F code."""
        named = self.piece(code).named
        assert named is not None and named.feature is not None
        return named.feature

    def label(self, code: str) -> str:
        """The class of a K code."""
        named = self.piece(code).named
        assert named is not None and named.label is not None
        return named.label

    def category(self, code: str, feature: Feature | None = None) -> tuple[Feature, Category] | None:
        """The feature and value of a C code; None where the word fits several features and none is given."""
        choices = self._choices(code, feature)
        found = [(one, value) for one, value in choices if isinstance(value, Category)]
        return found[0] if len(found) == 1 else None

    def direction(self, code: str, feature: Feature | None = None) -> tuple[Feature, int] | None:
        """The feature and sign of an O code ("older"); None where it fits several features and none is given."""
        found = [(one, sign) for one, sign in self._choices(code, feature) if isinstance(sign, int)]
        return found[0] if len(found) == 1 else None

    def _choices(self, code: str, feature: Feature | None) -> list[tuple[Feature, Category | int]]:
        named = self.piece(code).named
        choices = list(named.choices) if named is not None else []
        return [one for one in choices if feature is None or one[0].name == feature.name]


def mark(sentence: str, schema: Schema) -> Marked:
    """The sentence with its mentions found."""
    found, words = _tokens(sentence), lexicon(schema)
    counted = numbers(sentence, quoted(sentence))
    pieces: list[Piece] = []
    position = 0
    while position < len(found):
        kind, slot, end = mention_at(_read_at(found, position), position, words, misspelt=False)
        kind = None if kind == "W" and found[position].low in _MEASURES else kind
        number = _number_at(counted, found[position]) if kind in (None, "N", "W") else None
        if number is not None:
            kind, end = "N", _after(found, number.end)
            unit = slot.unit if slot.unit and end < len(found) else ""
            end = _past(found, end, unit)
            piece = Piece("", found[position].start, number.end, number.text, number=number, unit=unit)
        elif kind == "N":
            kind, end = None, position + 1
            piece = Piece("", found[position].start, found[position].end)
        else:
            named = slot.named or _silent_class(found, position, schema) if kind is None else slot.named
            kind = "K" if kind is None and named is not None else kind
            piece = Piece("", found[position].start, found[end - 1].end, slot.text, named=named)
        word = found[position].low if kind is None else f"{kind}{sum(one.word[0] == kind for one in pieces)}"
        pieces += [replace(piece, word=word)] if word else []
        position = end
    return _with_rows(Marked(sentence, schema, tuple(pieces)))


def _tokens(sentence: str) -> list[Token]:
    """The tokens, without the strokes inside names ("radio/TV")."""
    found = tokens(sentence)
    return [
        token
        for place, token in enumerate(found)
        if token.low != "/"
        or (0 < place < len(found) - 1 and found[place - 1].kind == found[place + 1].kind == "number")
    ]


def _read_at(found: list[Token], position: int) -> list[Token]:
    """The tokens as far as they bear on a name: "good at" and "as good as" name no class, "rejection at" and
    "classified as good" do."""
    after = found[position + 1].low if position + 1 < len(found) else ""
    before = found[position - 1].low if position else ""
    if (before == "as" and after != "as") or (before in _WHO and found[position].low in _OWNING):
        said = replace(found[position - 1], low="to" if before == "as" else "who")
        found = [*found[: position - 1], said, *found[position:]]
    named = after == "at" and found[position].low not in ("good", "bad", "best", "worst")
    return found[: position + 1] if named else found


def _silent_class(found: list[Token], position: int, schema: Schema) -> Named | None:
    """A class that is called by a word too common to be looked for, "yes", right after a word that wants one."""
    before = found[position - 1].low if position else ""
    if before not in _WANTING or found[position].low not in listed("silent"):
        return None
    hits = [one for one in schema.classes if found[position].low in {word.lower() for word in one.words()}]
    return Named("K", label=hits[0].name) if len(hits) == 1 else None


def _number_at(counted: tuple[Number, ...], token: Token) -> Number | None:
    return next((one for one in counted if one.start == token.start and one.kind != "date"), None)


def _after(found: list[Token], end: int) -> int:
    return next((place for place, token in enumerate(found) if token.start >= end), len(found))


def _past(found: list[Token], place: int, unit: str) -> int:
    """The token after the unit, where there is one."""
    return place + 1 if unit and place < len(found) and found[place].low.rstrip("s") == unit.rstrip("s") else place


def _with_rows(marked: Marked) -> Marked:
    """ "applicant 12" as one code R."""
    while match := next(filter(_is_row(marked), _ROW.finditer(marked.text)), None):
        inside = marked.between(*match.span())
        count = sum(piece.word[0] == "R" and piece.word[1:].isdigit() for piece in marked.pieces)
        row = Piece(f"R{count}", inside[0].start, inside[-1].end, marked.piece(match["id"]).text)
        before = marked.pieces.index(inside[0])
        pieces = (*marked.pieces[:before], row, *marked.pieces[before + len(inside) :])
        marked = Marked(marked.sentence, marked.schema, pieces)
    return marked


def _is_row(marked: Marked) -> Callable[[re.Match[str]], bool]:
    def holds(match: re.Match[str]) -> bool:
        piece = marked.piece(match["id"])
        whole = piece.number is None or (
            piece.number.kind == "plain" and not piece.number.spelled and piece.number.decimals == 0 and not piece.unit
        )
        return whole and not re.search(r"\b(?:a|an|any|each|every)$", marked.text[: match.start()].rstrip())

    return holds
