"""Where sentences and clauses of a text begin and end, with offsets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

Span = tuple[int, int]

NEGATION = re.compile(
    r"\b(?:not|no|never|without|neither|nor|none|nothing|cannot|nobody|hardly|barely|\w+n['’]t)\b", re.I
)

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?|\d+(?:[.,]\d+)*")
_QUOTED = re.compile(r"“[^”]*”|\"[^\"\n]*\"|`[^`\n]*`|«[^»]*»")
_PAREN = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_STOP = re.compile(r"[.!?]+[”\"')\]]*(?=\s|$)|\n+")
_ABBREVIATION = re.compile(r"(?:\b(?:e\.g|i\.e|vs|approx|cf|resp|no|etc|St|Dr)|\b[A-Z])$")
_OR = r"or(?! (?:\w+er|more|less|over|under|above|below)\b)"
_CUT = re.compile(
    rf"[;:]\s|\s[–—]\s|—|,\s+(?:and|but|{_OR}|while|whereas|although|though|yet|so)\s|,\s+|"
    rf"\s(?:and(?! (?:predicted|actually|truly|really))|but|{_OR}|while|whereas|although|though|then|versus|"
    r"vs\.?)\s",
    re.IGNORECASE,
)
_RANGE = re.compile(r"\b(?:between|both)\s+[^,;]{1,40}?\s+and\s+", re.IGNORECASE)


@dataclass(frozen=True)
class Word:
    """A run of letters or a number, as it stands in the text."""

    text: str
    start: int
    end: int

    @cached_property
    def lower(self) -> str:
        """In lower case, without a possessive ending."""
        return re.sub(r"['’]s$", "", self.text.lower())


def words(text: str) -> tuple[Word, ...]:
    """Every word and number of the text, in order."""
    return tuple(Word(found.group(), found.start(), found.end()) for found in _WORD.finditer(text))


def quoted(text: str) -> tuple[Span, ...]:
    """Spans in quotation marks, marks included."""
    return tuple(found.span() for found in _QUOTED.finditer(text))


def parentheses(text: str) -> tuple[Span, ...]:
    """Innermost spans in brackets, brackets included."""
    return tuple(found.span() for found in _PAREN.finditer(text))


def inside(position: int, spans: tuple[Span, ...]) -> bool:
    """Whether a position lies in one of the spans."""
    return any(start <= position < end for start, end in spans)


def sentences(text: str, protected: tuple[Span, ...] = ()) -> tuple[Span, ...]:
    """Spans of the sentences. Quotations, brackets and `protected` spans are never cut."""
    kept = (*quoted(text), *parentheses(text), *protected)
    found, start = [], 0
    for stop in _STOP.finditer(text):
        dot = stop.start()
        if inside(dot, kept) or (text[dot] == "." and _ABBREVIATION.search(text, 0, dot)):
            continue
        found.append((start, stop.end()))
        start = stop.end()
    found.append((start, len(text)))
    return tuple(trimmed for span in found if (trimmed := _trim(text, span))[0] < trimmed[1])


def clauses(text: str, sentence: Span, protected: tuple[Span, ...] = ()) -> tuple[Span, ...]:
    """Spans of the clauses of one sentence: cut at commas, semicolons and conjunctions, not within a protected span."""
    kept = (*quoted(text), *parentheses(text), *protected, *(found.span() for found in _RANGE.finditer(text)))
    found, start = [], sentence[0]
    for cut in _CUT.finditer(text, *sentence):
        if inside(cut.start(), kept) or inside(cut.end() - 1, kept) or _in_number(text, cut):
            continue
        found.append((start, cut.start()))
        start = cut.end()
    found.append((start, sentence[1]))
    return tuple(trimmed for span in found if (trimmed := _trim(text, span))[0] < trimmed[1])


def _in_number(text: str, cut: re.Match[str]) -> bool:
    return cut.group() == "," and text[cut.start() - 1 : cut.start()].isdigit()


def _trim(text: str, span: Span) -> Span:
    start, end = span
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end
