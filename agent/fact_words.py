"""One fact in words, as a placeholder asks for it."""

from __future__ import annotations

from askwhy.agent.pattern import Slot
from askwhy.agent.rounding import base_decimals, is_zero, shown
from askwhy.agent.wording import (
    MISSING,
    cell,
    class_name,
    clean,
    digits,
    feature_name,
    is_number,
    known_feature,
    ordinal,
    quoted,
    row_name,
    with_unit,
    yes_no,
)
from askwhy.tools.evidence import Fact
from askwhy.tools.schema import Schema

_CELLS = ("feature", "category")


def can_say(fact: Fact, slot: Slot, schema: Schema) -> bool:
    """Whether the fact has what the placeholder wants."""
    if slot.part == "value":
        return _has_value(fact, slot, schema)
    if slot.part == "at":
        cells = fact.at is not None or known_feature(fact.feature, schema) is not None
        return cells and (slot.form == "" or is_number(fact.at))
    if slot.part in ("row", "id"):
        return fact.row is not None
    found = {"feature": fact.feature, "cls": fact.cls, "group": fact.group, "rank": fact.rank, "error": fact.error}
    wanted = found[slot.part]
    return wanted is not None and (slot.part != "error" or is_number(wanted))


def _has_value(fact: Fact, slot: Slot, schema: Schema) -> bool:
    value = fact.value
    if slot.form == "":
        missing = value is None and fact.unit in _CELLS and fact.feature is not None
        return missing or isinstance(value, (bool, str)) or is_number(value)
    if slot.form == "word" and isinstance(value, bool):
        return True
    if isinstance(value, (bool, str)):
        raise ValueError(f"the format {slot.form!r} needs a number; {fact.relation!r} has {value!r}")
    if not is_number(value):
        return False
    return slot.form != "word" or len(slot.options) == 3 or not is_zero(fact)


def fact_words(fact: Fact, slot: Slot, schema: Schema, decimals: int | None) -> str:
    """What the placeholder says of the fact; `can_say` holds. `decimals` None: those of the value on its own."""
    if slot.part == "value":
        return _value(fact, slot, schema, decimals)
    if slot.part == "at":
        return cell(fact.at, known_feature(fact.feature, schema), unit=slot.form != "bare")
    if slot.part == "error":
        return _number(fact, abs(fact.error or 0.0), Slot("", form=slot.form), schema, None)
    if slot.part == "rank":
        return ordinal(fact.rank or 0) if slot.form == "" else f"{fact.rank:,}"
    if slot.part == "feature":
        return feature_name(fact.feature or "", schema)
    if slot.part == "cls":
        return class_name(fact.cls or "", schema)
    if slot.part == "row":
        return row_name(fact.row or "", schema)
    return clean(fact.row if slot.part == "id" else fact.group)


def _value(fact: Fact, slot: Slot, schema: Schema, decimals: int | None) -> str:
    value = fact.value
    if slot.form == "word":
        return _word(fact, slot.options)
    if slot.form == "one":
        return slot.options[0 if fact.number() == 1 else 1]
    if slot.form == "entities":
        count = _number(fact, fact.number(), Slot(""), schema, decimals)
        return f"{count} {clean(schema.entity if fact.number() == 1 else schema.entities)}"
    feature = known_feature(fact.feature, schema)
    if value is None:
        return MISSING
    if fact.unit == "category" or (fact.unit == "feature" and feature is not None and feature.categories):
        return cell(value, feature)
    if fact.unit == "class":
        return class_name(value, schema)
    if fact.unit == "text":
        return quoted(value)
    if fact.unit == "id":
        return clean(value)
    if isinstance(value, bool):
        return yes_no(value)
    if isinstance(value, str):
        return cell(value, feature) if fact.unit == "feature" else clean(value)
    return _number(fact, value, slot, schema, decimals)


def _word(fact: Fact, options: tuple[str, ...]) -> str:
    if isinstance(fact.value, bool):
        return options[0 if fact.value else 1]
    if len(options) == 3 and is_zero(fact):
        return options[2]
    return options[0 if fact.number() > 0 else 1]


def _number(fact: Fact, value: float, slot: Slot, schema: Schema, decimals: int | None) -> str:
    """A number with its sign and unit."""
    feature = known_feature(fact.feature, schema) if fact.unit == "feature" else None
    places = base_decimals(fact, value, schema) if decimals is None else decimals
    amount = abs(shown(fact, value)) if slot.form == "size" else shown(fact, value)
    if fact.unit == "rank" and slot.form == "":
        return ordinal(int(value))
    printed = digits(amount, places, grouped=feature is None or not feature.is_year(value))
    signed = slot.form == "signed" or (fact.unit == "log-odds" and slot.form == "")
    if signed and not printed.startswith("-") and any(char in "123456789" for char in printed):
        printed = f"+{printed}"
    return _suffixed(printed, fact, slot, schema, feature.unit if feature is not None else "")


def _suffixed(printed: str, fact: Fact, slot: Slot, schema: Schema, unit: str) -> str:
    if fact.unit in ("probability", "share"):
        return f"{printed}%"
    if fact.unit == "points":
        return f"{printed} percentage {'point' if printed.lstrip('+-') == '1' else 'points'}"
    if slot.form == "bare":
        return printed
    if fact.unit == "log-odds":
        return f"{printed} log-odds"
    return with_unit(printed, schema.target.unit if fact.unit == "output" else unit)
