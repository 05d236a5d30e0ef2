"""Column names to words: `loan_duration`, `LoanDuration` and `numberofpriorcrimes` as people say them."""

from __future__ import annotations

import functools
import re
import unicodedata
from dataclasses import dataclass

MAX_LABEL = 80
MAX_NAME = 200

_ACRONYMS = {
    word.lower(): word
    for word in (
        "BMI", "HDL", "LDL", "HbA1c", "ECG", "EKG", "EEG", "MRI", "ICU", "TSH", "CRP", "PSA", "DNA", "RNA", "HIV",
        "GPA", "ID", "URL", "IP", "ZIP", "GPS", "CPU", "GPU", "RAM", "GDP", "VAT", "APR", "ATM", "USD", "EUR", "GBP",
        "FICO", "SSN", "IQ", "TV", "SMS", "PIN", "CEO", "HR", "IT", "AI", "EU", "UK", "US", "USA",
    )
}  # fmt: skip
_AMBIGUOUS = frozenset({"it", "us", "hr", "ai", "pin", "zip", "ram"})
"""Acronyms that are also words: they stay upper case only where the name writes them so."""

_SHORT = {
    "num": "number", "amt": "amount", "avg": "average", "pct": "percentage", "perc": "percentage", "qty": "quantity",
    "yrs": "years", "yr": "year", "mths": "months", "mth": "month", "hrs": "hours", "acct": "account",
    "addr": "address", "cust": "customer", "dob": "date of birth", "desc": "description", "dept": "department",
    "freq": "frequency", "temp": "temperature", "loc": "location", "prev": "previous", "curr": "current",
    "len": "length", "lang": "language", "bal": "balance", "txn": "transaction", "cnt": "count",
}  # fmt: skip
_UNITS = {
    "mm": "mm", "cm": "cm", "km": "km", "kg": "kg", "mg": "mg", "ml": "ml", "kw": "kW", "kwh": "kWh", "mph": "mph",
    "kmh": "km/h", "usd": "USD", "eur": "EUR", "gbp": "GBP", "pct": "%", "percent": "%", "years": "years",
    "yrs": "years", "months": "months", "weeks": "weeks", "days": "days", "hours": "hours", "hrs": "hours",
    "minutes": "minutes", "mins": "minutes", "seconds": "seconds", "secs": "seconds", "sqft": "sq ft",
    "celsius": "°C", "inches": "inches", "feet": "feet", "miles": "miles", "lbs": "lb",
}  # fmt: skip
_SPANS = frozenset({"years", "months", "weeks", "days", "hours", "minutes", "seconds"})
_LASTING = frozenset(
    {
        "duration",
        "tenure",
        "age",
        "experience",
        "term",
        "length",
        "period",
        "time",
        "stay",
        "seniority",
        "delay",
        "wait",
    }
)
_MEASURES = frozenset({"mass", "weight", "g", "length", "height", "width", "depth"})
_SMALL_WORDS = frozenset(
    {"of", "in", "to", "at", "is", "by", "on", "or", "up", "no", "id", "bp", "per", "has", "was", "the", "and", "for"}
)
_SHORTEST_RUN, _LONGEST_RUN = 6, 40
_SEPARATORS = re.compile(r"[_\-.\s/:|=+<>{}\[\]\\`]+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NUMBERED = re.compile(r"(?<=[A-Za-z]{3})(?=\d+$)")
_FORMULA = re.compile(r"^(?=.{2,6}$)[A-Za-z]*[A-Z][A-Za-z]*\d+[a-z]+$|^[a-z][A-Z]$")
_BRACKETED = re.compile(r"^(?P<name>.*\S)\s*[(\[](?P<unit>[^()\[\]]{1,12})[)\]]$")


@dataclass(frozen=True)
class Spoken:
    """A name in words: the label, other ways to say it, and the unit that the name tells (else empty)."""

    label: str
    aliases: tuple[str, ...] = ()
    unit: str = ""


def speak(name: str) -> Spoken:
    """The words for a column name; `bill_length_mm` is “bill length”, in mm."""
    cleaned = clean(name)
    bare, unit = _bracketed_unit(cleaned)
    tokens = _tokens(bare)
    whole = _phrase(tokens)
    if not unit:
        tokens, unit = _suffixed_unit(tokens)
    label = _phrase(_spelled_out(tokens))
    spoken = [whole, _phrase(tokens), " ".join(_SEPARATORS.split(cleaned.lower())).strip(), *_without_prefix(tokens)]
    aliases = dict.fromkeys(shorten(one, MAX_LABEL) for one in spoken if one)
    if label.isdecimal():  # columns of an array are numbered, and a bare number is no name in a sentence
        spoken, label = [label, *spoken], f"column {label}"
    label = shorten(label, MAX_LABEL) or shorten(cleaned, MAX_LABEL) or "unnamed"
    return Spoken(label, tuple(one for one in aliases if one != label), unit)


def humanize(name: str) -> str:
    """The label for a column name."""
    return speak(name).label


def value_words(value: str) -> str:
    """A category as people read it: underscores are blanks, the spelling is the user's own."""
    text = " ".join(clean(value).replace("_", " ").split())
    return shorten(text, MAX_LABEL) or "(empty)"


def clean(name: str) -> str:
    """The name without control, zero-width and direction characters, blanks collapsed.

    What cannot be seen must not make two names differ, or turn the text around it.
    """
    kept = []
    for char in unicodedata.normalize("NFC", name):
        category = unicodedata.category(char)
        if category in ("Zs", "Zl", "Zp") or char in "\t\n\r\v\f":
            kept.append(" ")
        elif category not in ("Cc", "Cf", "Cs", "Cn"):
            kept.append(char)
    return " ".join("".join(kept).split())


def shorten(text: str, length: int = MAX_NAME) -> str:
    """The text, cut to `length` characters with an ellipsis where it is longer."""
    return text if len(text) <= length else text[: length - 1].rstrip() + "…"


def split_words(run: str) -> list[str]:
    """Words written together (`numberofpriorcrimes`), taken apart by word frequency; one word stays one.

    Unigram and bigram counts of the Google Web corpus as in Norvig (2009), “Natural Language Corpus Data”.
    """
    if not (_SHORTEST_RUN <= len(run) <= _LONGEST_RUN and run.isascii() and run.isalpha()):
        return [run]
    parts = _segment(run.lower())
    # A stray letter or two is a sign that the name was an abbreviation, which is better left whole.
    whole = all(len(part) > 2 or part in _SMALL_WORDS for part in parts)
    return parts if whole and "".join(parts) == run.lower() else [run]


@functools.lru_cache(maxsize=4096)
def _segment(run: str) -> list[str]:
    import wordsegment

    if not wordsegment.UNIGRAMS:
        wordsegment.load()
    return list(wordsegment.segment(run))


def _tokens(name: str) -> list[str]:
    shouted = name.isupper()
    found: list[str] = []
    for part in _SEPARATORS.split(shorten(name)):
        if part:
            found.extend(_split(part, shouted))
    return found


def _split(part: str, shouted: bool) -> list[str]:
    """One stretch between separators: camel case, a trailing number, words run together."""
    if _FORMULA.match(part):
        return [_ACRONYMS.get(part.lower(), part)]
    pieces = [part] if shouted else _CAMEL.split(part)
    return [token for piece in pieces for one in _NUMBERED.split(piece) if one for token in _cased(one, shouted)]


def _cased(piece: str, shouted: bool) -> list[str]:
    lower = piece.lower()
    known = _ACRONYMS.get(lower)
    if known is not None and (lower not in _AMBIGUOUS or (piece.isupper() and not shouted)):
        return [known]
    written_so = piece.isupper() and len(piece) > 1 and piece.isalpha()
    if written_so and len(piece) <= 5 and (not shouted or not set(lower) & set("aeiouy")):
        return [piece]
    return split_words(lower)


def _spelled_out(tokens: list[str]) -> list[str]:
    """Abbreviations in full; a leading “num” is “number of”."""
    full = [_SHORT.get(token, token) for token in tokens]
    counts = len(full) > 1 and tokens[0] == "num" and full[1] != "of"
    return ["number of", *full[1:]] if counts else full


def _phrase(tokens: list[str]) -> str:
    return " ".join(tokens).strip()


def _bracketed_unit(name: str) -> tuple[str, str]:
    match = _BRACKETED.match(shorten(name))
    if match is None:
        return name, ""
    unit = match["unit"].strip()
    known = unit.lower() in _UNITS or not unit.isalpha() or len(unit) <= 3
    return (match["name"], _UNITS.get(unit.lower(), unit)) if known else (name, "")


def _suffixed_unit(tokens: list[str]) -> tuple[list[str], str]:
    last = tokens[-1].lower() if tokens else ""
    if len(tokens) > 2 and last == "g" and tokens[-2].lower() in _MEASURES:
        return tokens[:-1], "g"
    before = tokens[:-2] if len(tokens) > 2 and tokens[-2].lower() == "in" else tokens[:-1]
    if last not in _UNITS or not before or before[-1].lower() in ("of", "per", "in", "number", "num", "total"):
        return tokens, ""
    # “vacation days” are counted, “tenure months” are how long the tenure is.
    counted = _UNITS[last] in _SPANS and before[-1].lower() not in _LASTING
    return (tokens, "") if counted else (before, _UNITS[last])


def _without_prefix(tokens: list[str]) -> list[str]:
    return [_phrase(tokens[1:])] if len(tokens) > 1 and tokens[0].lower() in ("is", "has", "was") else []
