"""Every number of a text: its value, what it is a number of, and how precisely it is printed."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from askwhy.agent.verify.clauses import Span, inside

Kind = Literal["plain", "percent", "points", "date"]

_NUMERAL = re.compile(
    r"(?<![\w.])(?P<sign>(?<![\d%)])[+\-−–](?=[\d.]))?"
    r"(?P<digits>\d{1,3}(?:[,\u202f\u00a0]\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|\.\d+)(?:[eE](?P<exponent>[+-]?\d{1,3}))?"
)
_DATE = re.compile(r"(?<![\w-])\d{4}-\d{2}-\d{2}(?:T[\d:]+)?(?![\w-])")
_ORDINAL = re.compile(r"(?:st|nd|rd|th)\b")
_POINTS = re.compile(r"[\s-]?(?:percentage[ -]points?|per[ -]cent(?:age)?[ -]points?|%[ -]?points?|pp\b|p\.p\.)", re.I)
_BARE_POINTS = re.compile(r"[\s-]?points?\b", re.I)
_PERCENT = re.compile(r"[\s-]?(?:%|percent\b|per cent\b)", re.I)
_JOINED = re.compile(r"\s*(?:%\s*)?(?:to|and|or|[–—-]|,|vs\.?|versus|respectively)\s*(?:and\s+)?$", re.I)
_UNIT = re.compile(r"[ \t-]*([^\W\d_]+(?:/[^\W\d_]+)*|[€$£°])")

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
_WORDS = {word: value for value, word in enumerate(_SMALL)} | {
    "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60, "seventy": 70, "eighty": 80, "ninety": 90,
    "hundred": 100, "thousand": 1000, "million": 1_000_000,
}  # fmt: skip
_NUMBER_WORD = re.compile(rf"\b(?:{'|'.join(_WORDS)})(?:[ -](?:{'|'.join(_WORDS)}))*\b", re.I)
_UNIT_WORDS = (
    "g kg mg lb lbs oz mm cm m km ft inch inches s sec seconds minutes hours h days weeks months years day week month "
    "year dm eur euro euros usd dollar dollars pounds marks € $ £ litres liters ml kb mb"
)
UNITS = frozenset(_UNIT_WORDS.split())
"""Units that a number may be said with, in lower case."""

_ONE_BEFORE = re.compile(r"\b(?:no|this|that|the|each|which|any|every|other|another|an?|some|in)\s+$", re.I)


@dataclass(frozen=True)
class Number:
    """A number of the text.

    decimals: printed digits after the point (negative for a number in powers of ten).
    sign: -1 or 1 where a sign is printed, else 0. unit: the word that follows, in lower case. spelled: in words.
    end: where the number with its % or "percentage points" ends.
    """

    value: float
    start: int
    end: int
    decimals: int
    kind: Kind = "plain"
    sign: Literal[-1, 0, 1] = 0
    unit: str = ""
    spelled: bool = False
    text: str = ""

    @property
    def tolerance(self) -> float:
        """Half a unit of the last printed digit."""
        return 0.5 * 10.0**-self.decimals * (1 + 1e-9)


def numbers(text: str, masked: tuple[Span, ...] = ()) -> tuple[Number, ...]:
    """Every number outside the masked spans, in order; ordinals ("2nd", "third") are not numbers here."""
    dates = [_date(found) for found in _DATE.finditer(text) if not inside(found.start(), masked)]
    taken = (*masked, *((date.start, date.end) for date in dates))
    found = [*dates, *_numerals(text, taken), *_spelled(text, taken)]
    return _share_kinds(text, sorted(found, key=lambda number: number.start))


def _date(found: re.Match[str]) -> Number:
    return Number(0.0, found.start(), found.end(), 0, kind="date", text=found.group())


def _numerals(text: str, masked: tuple[Span, ...]) -> list[Number]:
    found = []
    for match in _NUMERAL.finditer(text):
        if inside(match.start("digits"), masked) or _ORDINAL.match(text, match.end()):
            continue
        digits = re.sub(r"[,\u202f\u00a0]", "", match["digits"])
        exponent = int(match["exponent"] or 0)
        decimals = len(digits.partition(".")[2]) - exponent
        sign: Literal[-1, 0, 1] = 0 if not match["sign"] else 1 if match["sign"] == "+" else -1
        value = float(digits) * 10.0**exponent * (sign or 1)
        found.append(
            _with_kind(text, Number(value, match.start(), match.end(), decimals, sign=sign, text=match.group()))
        )
    return found


def _spelled(text: str, masked: tuple[Span, ...]) -> list[Number]:
    found = []
    for match in _NUMBER_WORD.finditer(text):
        if inside(match.start(), masked) or _is_pronoun(text, match):
            continue
        value = _value_of(match.group())
        if value is not None:
            number = Number(value, match.start(), match.end(), 0, spelled=True, text=match.group())
            found.append(_with_kind(text, number))
    return found


def _is_pronoun(text: str, match: re.Match[str]) -> bool:
    """'one' counts something only before a noun or a unit: not in 'one of', 'this one', 'one can'."""
    if match.group().lower() != "one":
        return False
    if _ONE_BEFORE.search(text, 0, match.start()):
        return True
    after = re.match(r"\s+([a-z%]+)", text[match.end() :], re.I)
    return after is None or after.group(1).lower() in {"of", "is", "can", "may", "has", "or", "and", "by", "with", "to"}


def _value_of(phrase: str) -> float | None:
    total, current = 0, 0
    for word in re.split(r"[ -]", phrase.lower()):
        value = _WORDS[word]
        if value >= 1000:
            total, current = total + max(current, 1) * value, 0
        elif value == 100:
            current = max(current, 1) * 100
        elif current and current % 100 and not (current % 100 >= 20 and value < 10):
            return None
        else:
            current += value
    return float(total + current)


def _with_kind(text: str, number: Number) -> Number:
    if found := _POINTS.match(text, number.end):
        return replace(number, kind="points", end=found.end())
    if found := _PERCENT.match(text, number.end):
        return replace(number, kind="percent", end=found.end())
    if found := _BARE_POINTS.match(text, number.end):
        return replace(number, kind="points", end=found.end(), unit="points")
    if re.match(r"s\b", text[number.end :]):  # the 1970s
        return number
    unit = _UNIT.match(text, number.end)
    return replace(number, unit=unit.group(1).lower()) if unit else number


def _share_kinds(text: str, found: list[Number]) -> tuple[Number, ...]:
    """In "62 to 71 %" and "3, 2 and 1 percentage points" the first numbers share the last one's unit."""
    for position in range(len(found) - 2, -1, -1):
        here, after = found[position], found[position + 1]
        if (
            here.kind == "plain"
            and after.kind in ("percent", "points")
            and _JOINED.fullmatch(text[here.end : after.start])
        ):
            found[position] = replace(here, kind=after.kind)
    return tuple(found)
