"""What-if changes: "if duration were 12 months shorter", "increase age by 5", "without the word X"."""

from __future__ import annotations

import functools
import re

from askwhy.agent.embedded.english import pattern
from askwhy.agent.embedded.lexicon import ages
from askwhy.agent.embedded.mentions import Reading
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Change, Scalar

_FACTORS = {"doubl": 2, "twice": 2, "tripl": 3, "halv": 0.5, "half": 0.5}


def read_changes(reading: Reading) -> None:
    """Take the changes out of the sketch, and what must not change or alone may."""
    reading.take("keep", lambda match: _listed(reading, match, reading.keep))
    reading.take("only", lambda match: _listed(reading, match, reading.only))
    reading.take("swept", lambda match: _span(reading, match))
    reading.take("sweep", lambda match: _span(reading, match))
    if reading.schema.modality == "text":
        for action in ("replace", "remove", "insert"):
            reading.take(action, functools.partial(_edit, reading, action))
        return
    reading.take("shift", lambda match: _shift(reading, match))
    reading.take("scale", lambda match: _scale(reading, match))
    if _if(reading):
        reading.take("set", lambda match: _set(reading, match))


def _listed(reading: Reading, match: re.Match[str], into: list[Feature]) -> str:
    into += [reading.feature(code) for code in re.findall(r"F\d+", match["list"])]
    return " "


def _span(reading: Reading, match: re.Match[str]) -> str:
    reading.span = (float(reading.number(match["n"]).value), float(reading.number(match["m"]).value))
    return f"{match['f']} {match['verb']}"


def _shift(reading: Reading, match: re.Match[str]) -> str | None:
    found = match.groupdict()
    moved = _moved(reading, found)
    if moved is None:
        return None
    feature, up = moved
    number = reading.number(found["n"])
    if not feature.numeric:
        return None
    if number.percent:
        factor = round(1 + (number.value if up else -number.value) / 100, 10)
        return reading.change(Change(feature=feature.name, action="scale", value=factor)) + (found.get("between") or "")
    change = Change(feature=feature.name, action="increase" if up else "decrease", value=number.value)
    return reading.change(change) + (found.get("between") or "")


def _moved(reading: Reading, found: dict[str, str | None]) -> tuple[Feature, bool] | None:
    """The feature and whether it goes up."""
    feature, o = found.get("f"), found.get("o")
    if feature and found.get("again"):
        return reading.feature(feature), reading.changes[-1].action != "decrease"
    if feature:
        up = reading.sign(o) > 0 if o else bool(found.get("up") or found.get("more"))
        return reading.feature(feature), up
    if found.get("more") or found.get("less"):
        measured = reading.with_unit(reading.slots[str(found["n"])].unit)
        return (measured[0], bool(found.get("more"))) if len(measured) == 1 and _if(reading) else None
    if o:
        direction = reading.direction(o)
        return (direction[0], direction[1] > 0) if direction else None
    return next(((one, True) for one in ages(reading.schema)), None)


def _if(reading: Reading) -> bool:
    return bool(pattern("if").search(reading.text))


def _scale(reading: Reading, match: re.Match[str]) -> str | None:
    feature = reading.feature(match["f"])
    factor = next(value for word, value in _FACTORS.items() if match["how"].startswith(word))
    return reading.change(Change(feature=feature.name, action="scale", value=factor)) if feature.numeric else None


def _set(reading: Reading, match: re.Match[str]) -> str | None:
    found = match.groupdict()
    value: Scalar
    if found.get("c"):
        feature, category = reading.category(str(found["c"]))
        value = category.value
        if found.get("f"):
            feature = reading.feature(str(found["f"]))
    else:
        feature = reading.feature(str(found["f"]))
        value = reading.number(found["n"]).value if found.get("n") else reading.slots[str(found["q"])].text
    if "is" in match[0].split() and "what if" not in reading.text:
        return None  # "if age is 40" selects; "if age were 40" changes
    if found.get("n") and not feature.numeric:
        return None
    return reading.change(Change(feature=feature.name, action="set", value=value))


def _edit(reading: Reading, action: str, match: re.Match[str]) -> str | None:
    found = match.groupdict()
    words = _text_of(reading, found.get("words") or found.get("q"))
    value = _text_of(reading, found.get("value"))
    if action == "insert":
        return reading.change(Change(action="insert", value=value)) if value else None
    if not words:
        return None
    if action == "replace":
        return reading.change(Change(action="replace", words=words, value=value)) if value is not None else None
    return reading.change(Change(action="remove", words=words))


def _text_of(reading: Reading, code: str | None) -> str | None:
    """The words that a code, or a bare word of the sketch, stands for."""
    return reading.slots[code].text if code in reading.slots else code
