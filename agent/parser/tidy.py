"""A question before it is read: list marks away, and "the thirty-second patient" as it is mostly written."""

from __future__ import annotations

import re
from itertools import pairwise

from askwhy.agent.embedded.numbers import number_at
from askwhy.agent.embedded.words import tokens
from askwhy.tools.schema import Schema

_MARK = re.compile(r"(?<![\w(])\(?(?P<mark>[1-9]|[a-i]|i{2,3})\)(?=\s)", re.IGNORECASE)
_STARTS = (("1", "2"), ("a", "b"), ("i", "ii"))
_ROW = ("row", "case", "instance", "sample", "example", "entry", "record", "item", "observation", "point", "data")
_POINTS = re.compile(r"(?<![\w.,-])([1-9]\d{0,2})((?:\.\d{3})+)(?![\w.,]*\d)")
_LEAST = 11
"""Below it, "the second row" is rather one of those that were listed."""


def tidied(text: str, schema: Schema) -> str:
    """The question with the same meaning in plainer letters."""
    return _with_digits(_without_points(_without_marks(text), schema), schema)


def _without_marks(text: str) -> str:
    """ "either (1) older than 40 or (2) with two children" without the marks, where there are at least two in a row."""
    found = list(_MARK.finditer(text))
    if not any((one["mark"].lower(), other["mark"].lower()) in _STARTS for one, other in pairwise(found)):
        return text
    for one in reversed(found):
        text = f"{text[: one.start()]}{text[one.end() :].lstrip()}"
    return text


def _without_points(text: str, schema: Schema) -> str:
    """ "50000 km" for "50.000 km", as half of Europe writes it, where a feature has such values."""
    most = max((one.high for one in schema.features if one.high is not None), default=0.0)

    def whole(match: re.Match[str]) -> str:
        plain = match[0].replace(".", "")
        sure = match[2] == ".000" or match[2].count(".") > 1
        return plain if sure and float(plain) <= most else match[0]

    return _POINTS.sub(whole, text)


def _with_digits(text: str, schema: Schema) -> str:
    """ "the 32nd data point" for "the thirty-second data point"."""
    found, nouns = tokens(text), {*_ROW, schema.entity.lower().split(" ")[-1]}
    for start in range(len(found) - 1, -1, -1):
        read = number_at(found, start)
        if read is None or not read[0].ordinal or read[0].value < _LEAST or found[start].kind == "number":
            continue
        number, end = read
        if end < len(found) and found[end].low in nouns:
            written = f"{number.value:.0f}{_ending(int(number.value))}"
            text = f"{text[: found[start].start]}{written}{text[found[end - 1].end :]}"
    return text


def _ending(number: int) -> str:
    if number % 100 in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
