"""Amounts as people put them, "about 70 %", "three in four", "more than 60", "most", and whether a value is meant."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal

from askwhy.agent.check.marks import Marked
from askwhy.agent.verify.clauses import Span

Held = Literal["yes", "no", "unsure"]
Sense = Literal["near", "above", "below", "least", "most", "under", "over", "between"]

_ABOUT = "about|around|roughly|approximately|circa|some|close to|in the region of|approx(?: \\.)?"
_UNDER = "almost|nearly|just under|just below|slightly less than|a little less than|not quite|a little under"
_OVER = "just over|just above|slightly more than|a little more than|a little over|slightly over"
_ABOVE = "more than|greater than|higher than|larger than|over|above|in excess of|upwards of|well over"
_BELOW = "less than|fewer than|lower than|smaller than|under|below|well under"
_LEAST = "at least|no less than|no fewer than|not less than"
_MOST = "at most|no more than|not more than|up to"
_EXACT = "exactly|precisely|just|only|a|an|fully|a full"
_SENSES: tuple[tuple[Sense, str], ...] = (
    ("under", _UNDER), ("over", _OVER), ("least", _LEAST), ("most", _MOST), ("above", _ABOVE), ("below", _BELOW),
)  # fmt: skip
_PARTS = {"half": 2, "halve": 2, "third": 3, "quarter": 4, "fifth": 5, "tenth": 10}
_FRACTION = rf"(?:(?:(?:a|one|N\d+) )?(?:{'|'.join(_PARTS)})s?)"
_PLAIN = rf"(?:N\d+ (?:(?:out )?of(?: every)?|in(?: every)?|/) N\d+|{_FRACTION}|N\d+)"
_HEDGE = "|".join((_ABOUT, _UNDER, _OVER, _LEAST, _MOST, _ABOVE, _BELOW, _EXACT))
AMOUNT = (
    rf"(?:between N\d+ and N\d+|(?:(?:{_HEDGE}) )*{_PLAIN}(?! (?:or|and) (?:more|less|older|younger|above|below)\b))"
)
"""A pattern of an amount, without groups."""

_ROUGH = 0.05
_ROUGH_SHARE = 0.025
_ROUNDED_PART = 0.03


@dataclass(frozen=True)
class Amount:
    """An amount. `value` and `upper` are as meant (0.7 for 70 %); `half`: half a unit of the last printed digit.

    share: it is a part of a whole. rough: said with "about". span: its number in the sentence, for a correction;
    decimals: those printed (of the per cent where `percent`). parts: 10 in "nine in ten", else 0.
    """

    value: float
    half: float
    span: Span
    decimals: int = 0
    sense: Sense = "near"
    upper: float | None = None
    share: bool = False
    rough: bool = False
    percent: bool = False
    points: bool = False
    parts: int = 0
    unit: str = ""
    spelled: bool = False
    whole: Span | None = None

    def holds(self, true: float) -> Held:
        """Whether the true value is meant: as printed; with room to either side where it is said roughly."""
        if self.sense == "between":
            assert self.upper is not None
            return _yes(self.value - 1e-9 <= true <= self.upper + 1e-9)
        if self.sense in ("above", "below", "least", "most"):
            return self._bound(true)
        room = self._room()
        if self.sense == "near":
            return _within(abs(true - self.value), self.half, room if self.rough or self.parts else self.half)
        below = self.value - true if self.sense == "under" else true - self.value
        if below < -self.half:
            return "no"
        return "unsure" if below <= 0 else _within(below, room, 2 * room)

    def _bound(self, true: float) -> Held:
        eps = 1e-9 * max(1.0, abs(true))
        if abs(true - self.value) <= eps:
            return _yes(self.sense in ("least", "most"))
        return _yes(true > self.value if self.sense in ("above", "least") else true < self.value)

    def _room(self) -> float:
        return max(2 * self.half, _ROUGH_SHARE if self.share else _ROUGH * abs(self.value))


def _within(off: float, near: float, far: float) -> Held:
    return "yes" if off <= near * (1 + 1e-9) else "no" if off > far else "unsure"


def _yes(holds: bool) -> Held:
    return "yes" if holds else "no"


def amount_of(marked: Marked, start: int, end: int) -> Amount | None:
    """The amount in a stretch of the marked sentence; None if it cannot be said what it is."""
    text = marked.text[start:end]
    codes = re.findall(r"\bN\d+", text)
    numbers = [marked.piece(code) for code in codes]
    if text.startswith("between ") and len(numbers) == 2:
        low, high = (_plain(marked, code) for code in codes)
        return None if low is None or high is None else _between(low, high)
    if "per cent" in text or any(piece.number is None for piece in numbers):
        return None
    sense: Sense = next((sense for sense, words in _SENSES if re.search(rf"(?:^| )(?:{words}) ", f"{text} ")), "near")
    rough = re.search(rf"(?:^| )(?:{_ABOUT}) ", text) is not None
    found = _ratio(marked, text, start, codes) or (_plain(marked, codes[0]) if len(codes) == 1 else None)
    if found is None or (rough and sense != "near"):
        return None
    whole = marked.span(start, end)
    room = _ROUGH_SHARE if found.share else _ROUGH * abs(found.value)
    half = max(found.half, room) if rough else found.half
    return replace(found, sense=sense, rough=rough, half=half, whole=whole)


def _between(low: Amount, high: Amount) -> Amount:
    percent = low.percent or high.percent
    if percent and not low.percent:
        low = Amount(low.value / 100, low.half / 100, low.span, share=True)
    return Amount(low.value, 0.0, low.span, sense="between", upper=high.value, share=percent, unit=high.unit)


def _plain(marked: Marked, code: str) -> Amount | None:
    piece = marked.piece(code)
    number = piece.number
    if number is None:
        return None
    percent = number.kind in ("percent", "points")
    scale = 0.01 if percent else 1.0
    return Amount(
        number.value * scale, number.tolerance * scale, (piece.start, piece.end), number.decimals, share=percent,
        percent=percent, points=number.kind == "points", unit=piece.unit, spelled=number.spelled,
    )  # fmt: skip


def _ratio(marked: Marked, text: str, start: int, codes: list[str]) -> Amount | None:
    """ "nine in ten", "two thirds", "half"."""
    if len(codes) == 2:
        top, bottom = (_plain(marked, code) for code in codes)
        if top is None or bottom is None or bottom.value <= 0 or top.value > bottom.value or top.share or bottom.share:
            return None
        parts = int(bottom.value)
        return Amount(
            top.value / bottom.value, min(0.5 / parts, _ROUNDED_PART), top.span, share=True, parts=parts,
            spelled=top.spelled,
        )  # fmt: skip
    named = re.search(rf"(?:\b(?:a|one|N\d+) )?({'|'.join(_PARTS)})s?$", text)
    if named is None:
        return None
    times = _plain(marked, codes[0]) if codes else None
    parts = _PARTS[named[1]]
    if codes and (times is None or times.value >= parts):
        return None
    span = marked.span(start + named.start(), start + len(text))
    return Amount((times.value if times else 1) / parts, _ROUNDED_PART, span, share=True, parts=-parts)
