"""A question as the network sees it: its words with their places, and the numbers that are found by rule."""

from __future__ import annotations

import re
from dataclasses import dataclass

from askwhy.agent.embedded.numbers import number_at
from askwhy.agent.embedded.words import Token

MOST_WORDS = 96
"""Words of a question that are read; what follows is left out."""

_WORD = re.compile(
    r"(?P<number>(?<![^\W_])(?:\d{1,3}(?:,\d{3})+(?!\d)|\d+)(?:\.\d+)?|(?<![\w.])\.\d+)"
    r"|(?P<word>[^\W_]+(?:['\u2019](?!s\b)[^\W\d_]+)?)|(?P<mark>>=|<=|!=|[^\w\s]|_)"
)
_MOST_DIGITS = 200
_NAMED = {
    "half": 0.5, "halved": 0.5, "halve": 0.5, "double": 2.0, "doubled": 2.0, "doubles": 2.0, "twice": 2.0,
    "triple": 3.0, "tripled": 3.0, "thrice": 3.0, "once": 1.0, "single": 1.0, "quarter": 0.25, "couple": 2.0,
    "pair": 2.0, "both": 2.0, "noon": 12.0, "midnight": 0.0,
    "january": 1.0, "february": 2.0, "march": 3.0, "april": 4.0, "june": 6.0, "july": 7.0, "august": 8.0,
    "september": 9.0, "october": 10.0, "november": 11.0, "december": 12.0,
}  # fmt: skip
_SCALES = {
    "hundred": 100.0,
    "thousand": 1000.0,
    "million": 1e6,
    "dozen": 12.0,
    "k": 1000.0,
    "week": 7.0,
    "minute": 60.0,
}
_JOINS = ("and", "or", "to", "-", "\u2013")
_TEENS, _AGE, _DECADE = ("teens", "teenagers"), (13, 20), 10
_ENDS = ("said", "decade end")
_DECADE_WAYS = ((0, "said"), (_DECADE, "decade end"), (1900, "century"), (1910, "century end"))
_DECADES = {"twenties": 20, "thirties": 30, "forties": 40, "fifties": 50, "sixties": 60, "seventies": 70,
            "eighties": 80, "nineties": 90}  # fmt: skip


@dataclass(frozen=True)
class Word:
    """A word of the question, as written and for comparing, and where it stands."""

    text: str
    low: str
    start: int
    end: int
    kind: str


SPOKEN = ("said", "unscaled", "scaled", "share", "afternoon", "decade end", "negative", "century", "century end")
"""How a number can be meant that a word stands for; see `Mention.way`."""


@dataclass(frozen=True)
class Mention:
    """A number that a word (or several) stands for; `raw`: as written, which is what an id may be.

    way: how it is meant, as one word may be read as several numbers ("10 %" as 10 or 0.1, "forties" as 40 or 50).
    """

    value: float
    raw: str
    word: int
    way: str = "said"


@dataclass(frozen=True)
class Question:
    """The words and the numbers of a question."""

    text: str
    words: tuple[Word, ...]
    numbers: tuple[Mention, ...]

    def span(self, first: int, last: int) -> str:
        """The text from one word to another, both included."""
        return self.text[self.words[first].start : self.words[last].end]


def read_question(text: str) -> Question:
    """The words and numbers of a question, as many as are read."""
    words = tuple(_words(text))[:MOST_WORDS]
    return Question(text, words, tuple(_mentions(words)))


def _words(text: str) -> list[Word]:
    found = []
    for match in _WORD.finditer(text):
        is_number = match["number"] and len(match[0]) <= _MOST_DIGITS  # more are no finite number
        kind = "number" if is_number else "mark" if match["mark"] else "word"
        found.append(Word(match[0], match[0].lower().replace("\u2019", "'"), *match.span(), kind))
    return found


def _mentions(words: tuple[Word, ...]) -> list[Mention]:
    # "twenty-three" is a number; its hyphen is not seen by the rule.
    seen = [place for place in range(len(words)) if not _is_hyphen(words, place)]
    tokens = [Token(words[place].text, words[place].low, words[place].kind) for place in seen]
    found: list[Mention] = []
    at = {place: number for number, place in enumerate(seen)}
    place = 0
    while place < len(words):
        low = words[place].low
        number = number_at(tokens, at[place]) if place in at else None
        if number:
            end = seen[number[1] - 1] + 1
            half = 0.5 if [word.low for word in words[end : end + 3]] == ["and", "a", "half"] else 0.0
            end += 3 if half else 0
            found += _readings(words, place, end, float(number[0].value) + half, number[0].percent)
            place = max(end, place + 1)
            continue
        if low in _NAMED:
            found.append(Mention(_NAMED[low], low, place))
        elif low in _DECADES:
            found += [Mention(float(_DECADES[low] + more), low, place, way) for more, way in _DECADE_WAYS]
        elif low in _TEENS:
            found += [Mention(float(value), low, place, way) for value, way in zip(_AGE, _ENDS, strict=True)]
        elif low in _SCALES and place and words[place - 1].low in ("a", "an", "few", "per"):
            found.append(Mention(_SCALES[low], low, place))
        place += 1
    return found


def _readings(words: tuple[Word, ...], place: int, end: int, value: float, percent: bool) -> list[Mention]:
    """A number and what else it can mean: without its scale, as a share, after noon, a decade."""
    raw = words[place].text
    after = words[end].low if end < len(words) else ""
    values = {_signed(words, place, value): "said"}
    if words[place].kind == "number":
        values.setdefault(_signed(words, place, float(raw.replace(",", ""))), "unscaled")
    if scale := _scale(words, end):
        values.setdefault(value * scale, "scaled")
    if percent or after in ("%", "percent", "per", "point", "points", "percentage", "in", "of"):
        values.setdefault(round(value / 100, 9), "share")
    if after == "pm" or (after == "p" and end + 2 < len(words) and words[end + 2].low == "m"):
        values.setdefault(value + 12, "afternoon")
    if after == "s" and value % _DECADE == 0:
        values.setdefault(value + _DECADE, "decade end")
    if place and words[place - 1].low == "minus":
        values.setdefault(-value, "negative")
    return [Mention(one, raw, place, way) for one, way in values.items()]


def _scale(words: tuple[Word, ...], end: int) -> float | None:
    """The scale that a number before `end` may have: its own word, or that of the number it goes with ("8 to 10 k")."""
    if [word.kind for word in words[end + 1 : end + 2]] == ["number"] and words[end].low in _JOINS:
        end += 2
    return _SCALES.get(words[end].low) if end < len(words) else None


def _is_hyphen(words: tuple[Word, ...], place: int) -> bool:
    return (
        words[place].text == "-"
        and 0 < place < len(words) - 1
        and words[place - 1].kind == words[place + 1].kind == "word"
    )


def _signed(words: tuple[Word, ...], place: int, value: float) -> float:
    """The number with the minus that stands right before it and after a blank or an operator."""
    if not place or words[place].kind != "number" or words[place - 1].text not in "-\u2212":
        return value
    before = words[place - 1]
    joined = place > 1 and words[place - 2].end == before.start and words[place - 2].kind != "mark"
    return value if joined or before.end != words[place].start else -value
