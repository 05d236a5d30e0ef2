"""Values in words: names, cells, lists, ordinals, articles. Nothing here decides how far a number is rounded.

Names and cells come from the user's data, so every one is cleaned: no control characters, no line breaks, no doubled
blanks.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Sequence
from decimal import Decimal

from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import Scalar
from askwhy.tools.view import OWN_CASE

MISSING = "missing"
CLIP = 80
"""Longest quotation, in characters."""

_BY_KIND = {"Cc": " ", "Cf": "", "Cs": ""}
_JOINT = re.compile("(?<=[\U0001f000-\U0001faff\u2600-\u27bf\ufe0f])\u200d(?=[\U0001f000-\U0001faff\u2600-\u27bf])")
_INNER_QUOTES = str.maketrans("“”", "\u2018\u2019")
ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")
_SPOKEN_WITH_VOWEL = frozenset("AEFHILMNORSX")
_CONSONANT_SOUND = re.compile(r"(?:one|once|uni(?!n)|use|usu|usa|eu|ut[ie])", re.IGNORECASE)


def clean(text: object) -> str:
    """One line: control characters and white space become single blanks, invisible format characters vanish.

    What joins emoji into one stays: without it a family would become three people.
    """
    text = str(text)
    joints = {found.start() for found in _JOINT.finditer(text)}
    kept = (
        char if place in joints else _BY_KIND.get(unicodedata.category(char), char) for place, char in enumerate(text)
    )
    return " ".join("".join(kept).split())


def clipped(text: object, limit: int = CLIP) -> str:
    """`text` cleaned and cut at a word with an ellipsis where it is longer than `limit` characters."""
    whole = clean(text)
    if len(whole) <= limit:
        return whole
    cut = whole[:limit]
    stem = cut.rsplit(" ", 1)[0] if " " in cut[limit // 2 :] else cut
    return stem.rstrip(" ,;:.") + "…"


def quoted(text: object, limit: int = CLIP) -> str:
    """`text` clipped, in curly quotes; its own curly double quotes become single ones, so that the quotation ends."""
    return f"“{clipped(text, limit).translate(_INNER_QUOTES)}”"


def joined(items: Sequence[str], last: str = "and") -> str:
    """A list that reads naturally: "a", "a and b", "a, b and c"; semicolons where an item has a comma itself."""
    if len(items) <= 1:
        return "".join(items)
    comma = separator(items)
    return f"{comma.join(items[:-1])}{final_separator(items, last)}{items[-1]}"


def separator(items: Sequence[str]) -> str:
    """What stands between the items of a list, except the last two."""
    return "; " if any(", " in item for item in items) else ", "


def final_separator(items: Sequence[str], last: str = "and") -> str:
    """What stands between the last two items of a list."""
    return f"; {last} " if len(items) > 2 and separator(items) == "; " else f" {last} "


def ordinal(number: int) -> str:
    """first ... tenth, then 11th, 12th, 21st ..."""
    if 1 <= number <= len(ORDINALS):
        return ORDINALS[number - 1]
    tail = "th" if 10 <= abs(number) % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(abs(number) % 10, "th")
    return f"{number:,}{tail}"


def ordinal_value(word: str) -> int | None:
    """The number of an ordinal (third: 3, 21st: 21); None for another word."""
    word = word.lower()
    if word in ORDINALS:
        return ORDINALS.index(word) + 1
    digits = re.match(r"\d+", word)
    return int(digits.group()) if digits else None


def article(text: str) -> str:
    """The indefinite article that `text` is spoken with: a or an."""
    word = re.match(r"\W*(\w+)", text)
    if word is None:
        return "a"
    first = word.group(1)
    if first[0].isdigit():
        digits = (re.match(r"[\d,]+", text[word.start(1) :]) or word).group(0)
        leading = digits.split(",")[0]  # 11,000 is said "eleven thousand", 1,100 "one thousand"
        return "an" if leading[0] == "8" or (leading in ("11", "18") and len(leading) == 2) else "a"
    if first.isupper() and (len(first) == 1 or len(first) <= 4):
        return "an" if first[0] in _SPOKEN_WITH_VOWEL else "a"
    if _CONSONANT_SOUND.match(first):
        return "a"
    return "an" if first[0].lower() in "aeiou" else "a"


def digits(value: float, decimals: int, *, grouped: bool = True) -> str:
    """A number with thousands separators and this many decimals; never minus zero."""
    shown = f"{value:,.{decimals}f}" if grouped else f"{value:.{decimals}f}"
    return shown.lstrip("-") if not re.search("[1-9]", shown) else shown


def exact(value: float, most: int = 10) -> str:
    """A constant as it was given, to at most `most` significant digits and without exponent."""
    if isinstance(value, int):
        return f"{value:,}"
    short = Decimal(f"{value:.{most}g}") if abs(value) < 10**most else Decimal(round(value))
    shown = f"{short:,f}"
    if "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    return "0" if shown in ("-0", "") else shown


def with_unit(number: str, unit: str) -> str:
    """A printed number with its unit; "1 month", but "0.5 months"."""
    unit = clean(unit)
    if not unit:
        return number
    if unit[0] in "%°":
        return f"{number}{unit}"
    one = number.lstrip("+-") == "1" and re.fullmatch(r"[a-z]{3,}s", unit) and not unit.endswith(("ss", "us", "is"))
    return f"{number} {unit[:-1] if one else unit}"


def yes_no(value: bool) -> str:
    """A boolean for people."""
    return "yes" if value else "no"


def is_number(value: object) -> bool:
    """Whether a value is a finite number (a boolean is none)."""
    return not isinstance(value, bool) and isinstance(value, (int, float)) and math.isfinite(value)


def cell(value: Scalar | None, feature: Feature | None, *, constant: bool = False, unit: bool = True) -> str:
    """A cell of the data in words: category label, yes or no, ISO date, number with unit, or "missing".

    A `constant` of the question is printed in full; a number of the data that needs more than six digits gets four.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return MISSING
    if feature is not None and feature.categories:
        return _category(value, feature)
    if isinstance(value, bool):
        return yes_no(value)
    if isinstance(value, (int, float)):
        shown = _cell_number(value, feature, constant=constant)
        return with_unit(shown, feature.unit) if feature is not None and unit else shown
    if feature is not None and feature.kind == "text":
        return quoted(value)
    return clean(value).removesuffix("T00:00:00") if feature is not None and feature.kind == "date" else clean(value)


def _category(value: Scalar, feature: Feature) -> str:
    alike = [one for one in feature.categories if one.value == value or str(value) in (one.name, one.label)]
    # True equals 1 in Python, so the same type goes first.
    alike.sort(key=lambda one: (one.value != value, isinstance(one.value, bool) != isinstance(value, bool)))
    return clean(alike[0].label if alike else value)


def _cell_number(value: float, feature: Feature | None, *, constant: bool) -> str:
    if not math.isfinite(value):
        return "infinite"
    if feature is not None and feature.is_year(value):
        return f"{int(value)}"
    full = exact(value)
    if constant or len(re.sub(r"[^0-9]", "", full).lstrip("0")) <= 6:
        return full
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return exact(value, max(4, whole))


def known_feature(name: str | None, schema: Schema) -> Feature | None:
    """The feature of exactly this name, if there is one."""
    return next((feature for feature in schema.features if feature.name == name), None)


def feature_name(name: str, schema: Schema) -> str:
    """A feature's label; in a text subject, a word of the text in quotes."""
    feature = known_feature(name, schema)
    if feature is not None:
        return clean(feature.label)
    return quoted(name) if schema.modality == "text" else clean(name)


def class_name(name: Scalar, schema: Schema) -> str:
    """A class's label, from its name."""
    for wanted in (str(name), str(name).removesuffix(".0")):
        for label in schema.classes:
            if wanted in (label.name, str(label.value)):
                return clean(label.label)
    return clean(name)


def row_name(row: str, schema: Schema) -> str:
    """An instance: "applicant 12", or "your case" or "your text" for what the user typed."""
    if row == OWN_CASE:
        return "your text" if schema.modality == "text" else "your case"
    return f"{clean(schema.entity)} {clean(row)}"


def capitalised(text: str) -> str:
    """`text` with its first letter in upper case, of the same length."""
    upper = text[:1].upper()
    return upper + text[1:] if len(upper) == 1 else text
