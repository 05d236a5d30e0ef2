"""Numbers by rule: digits, thousands, 10k, 5 %, "twenty five", "thirty-second", "a dozen". No value is ever guessed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from askwhy.agent.embedded.english import listed, ordered_words
from askwhy.agent.embedded.words import Token

_UNITS = {word: value for value, word in enumerate(ordered_words("units"))}
_TENS = {word: 10 * value for value, word in enumerate(ordered_words("tens"), 2)}
_ORDINALS = {word: value for value, word in enumerate(ordered_words("ordinals"), 1)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 1_000_000, "k": 1000, "grand": 1000}
_NOT_A_COUNT = listed("uncounted")


@dataclass(frozen=True)
class Number:
    """A number in the question and how it was said; `ordinal` for "thirty-second", `text` as written."""

    value: int | float
    text: str
    ordinal: bool = False
    percent: bool = False


def number_at(tokens: Sequence[Token], start: int) -> tuple[Number, int] | None:
    """The number that begins at a token, and the token after it; None if there is none."""
    token = tokens[start]
    if token.kind == "number":
        return _digits(tokens, start)
    found = _spelt(tokens, start)
    return None if found is None else (Number(found[0], found[2], ordinal=found[3]), found[1])


def _digits(tokens: Sequence[Token], start: int) -> tuple[Number, int]:
    text = tokens[start].text
    value = float(text.replace(",", ""))
    low, end = _low(tokens, start + 1), start + 1
    if low in _SCALES:
        value, end = value * _SCALES[low], end + 1
    if low in ("st", "nd", "rd", "th"):
        return Number(int(value), text, ordinal=True), end + 1
    percent = _low(tokens, end) in ("%", "percent", "per")
    if percent:
        end += 2 if _low(tokens, end) == "per" and _low(tokens, end + 1) == "cent" else 1
        percent = _low(tokens, end - 1) != "per"
    whole = value.is_integer() and "." not in text
    return Number(int(value) if whole else value, text, percent=percent), end


def _spelt(tokens: Sequence[Token], start: int) -> tuple[int, int, str, bool] | None:
    """Value, end, text and whether ordinal of a number in words."""
    low = _low(tokens, start)
    before = _low(tokens, start - 1) if start else ""
    if low == "dozen":
        return 12, start + 1, low, False
    if low == "one" and (before in _NOT_A_COUNT or _low(tokens, start + 1) == "of"):
        return None
    total, current, end = 0, 0, start
    while (low := _low(tokens, end)) in _UNITS or low in _TENS or (end > start and low in ("hundred", "thousand")):
        if low in ("hundred", "thousand"):
            current *= _SCALES[low]
            total, current = (total + current, 0) if low == "thousand" else (total, current)
        elif low in _UNITS and end > start and _low(tokens, end - 1) in _UNITS:
            break
        else:
            current += _UNITS.get(low, 0) + _TENS.get(low, 0)
        end += 1
    if low in _ORDINALS and (end == start or _low(tokens, end - 1) in (*_TENS, "hundred")):
        return total + current + _ORDINALS[low], end + 1, low, True
    return (total + current, end, " ".join(token.low for token in tokens[start:end]), False) if end > start else None


def _low(tokens: Sequence[Token], position: int) -> str:
    return tokens[position].low if 0 <= position < len(tokens) else ""
