"""Which rows a question is about: "women under 30", "predicted declined but actually good", "row 12", "those"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Literal

from askwhy.agent.embedded.english import pattern, phrases
from askwhy.agent.embedded.lexicon import Named, ages
from askwhy.agent.embedded.mentions import Reading, Slot
from askwhy.tools.schema import Feature
from askwhy.tools.scope import AnyOf, Comparison, Condition, Where

_OPS: tuple[Comparison, ...] = ("eq", "ne", "lt", "le", "gt", "ge")
_OP: dict[str, Comparison] = {phrase: op for op in _OPS for phrase in phrases(op)}
_FLIPPED: dict[Comparison, Comparison] = {"gt": "le", "ge": "lt", "lt": "ge", "le": "gt", "eq": "ne", "ne": "eq"}


def read_rows(reading: Reading) -> None:
    """Take row ids out of the sketch: "applicant 12", "the thirty-second data point", "#7"."""
    reading.take("ordinal", lambda match: _rows(reading, match["ids"]) if _is_ordinal(reading, match["ids"]) else None)
    reading.take("row", lambda match: _row(reading, match))
    if not reading.rows:
        reading.take("bare_id", lambda match: _bare(reading, match["ids"]))


def _is_ordinal(reading: Reading, code: str) -> bool:
    return reading.number(code).ordinal


def _row(reading: Reading, match: re.Match[str]) -> str | None:
    codes = re.findall(r"[NWQ]\d+", match["ids"])
    slots = [reading.slots[code] for code in codes]
    if any(slot.unit or (slot.number and (slot.number.percent or slot.number.ordinal)) for slot in slots):
        return None
    if match["ids"].startswith("Q") and reading.schema.modality == "text":
        return None
    return _rows(reading, match["ids"])


def _bare(reading: Reading, code: str) -> str | None:
    """An id that no word announces: letters and then digits, such as E0012."""
    return (
        _rows(reading, code) if re.fullmatch(r"[A-Z]{1,4}\d{2,}|[a-z]{1,4}\d{3,}", reading.slots[code].text) else None
    )


def _rows(reading: Reading, ids: str) -> str:
    first = len(reading.rows)
    for code in re.findall(r"[NWQ]\d+", ids):
        slot = reading.slots[code]
        reading.rows.append(str(slot.number.value) if slot.number else slot.text)
    return f" {' '.join(f'R{number}' for number in range(first, len(reading.rows)))} "


def read_conditions(reading: Reading) -> None:
    """Take every condition out of the sketch; each leaves an S code."""
    if reading.schema.modality == "text":
        reading.take("contains", lambda match: _contains(reading, match))
    if not reading.schema.classes:
        reading.take("output", lambda match: _output(reading, match))
        reading.take("aim", lambda match: _output(reading, match))
    reading.take("between", lambda match: _range(reading, match, reading.feature(match["f"])))
    reading.take("comparative", lambda match: _comparative(reading, match))
    reading.take("compared", lambda match: _compared(reading, match))
    reading.take("bare_between", lambda match: _range(reading, match, _meant(reading, match)))
    reading.take("implicit", lambda match: _implicit(reading, match))
    reading.take("missing", lambda match: _missing(reading, match))
    reading.take("not_category", lambda match: _category(reading, match, "ne"))
    reading.take("category", lambda match: _category(reading, match, "eq"))
    reading.take("boolean", lambda match: _boolean(reading, match))
    _read_outcomes(reading)


def _contains(reading: Reading, match: re.Match[str]) -> str:
    negated = bool(match["neg"])
    words = reading.slots[match["q"]].text
    return reading.select(Condition(feature=reading.schema.names[0], op="contains", value=words, negated=negated))


def _output(reading: Reading, match: re.Match[str]) -> str:
    on: Literal["predicted", "actual"] = (
        "predicted" if (match.groupdict().get("how") or "pred").startswith("pred") else "actual"
    )
    return reading.select(Condition(on=on, op=_comparison(reading, match), value=reading.number(match["n"]).value))


def _read_outcomes(reading: Reading) -> None:
    reading.take("actual", lambda match: _outcome(reading, match, "actual"))
    if reading.rows or reading.quoted or reading.text.startswith("why"):
        return  # "why was row 12 predicted declined?" names the class to explain, not a selection
    if pattern("rates").search(reading.text):
        return  # "are men predicted approved more often" asks how often, of all men
    reading.take("predicted", lambda match: _outcome(reading, match, "predicted"))
    reading.take("outcome", lambda match: _outcome(reading, match, said_of(reading.text)))


def read_groups(reading: Reading) -> None:
    """Where groups are compared ("are women treated worse than men?"), their categories name the feature."""
    if reading.left("F") or not pattern("treated").search(reading.text):
        return
    said = {code: reading.selections[code] for code in reading.left("S")}
    groups = {code: found[0] for code, found in said.items() if len(found) == 1 and _is_group(reading, found[0])}
    bounds = [found[0] for found in said.values() if len(found) == 1 and found[0].on == "feature"]
    named = {one.feature for one in groups.values()} or {one.feature for one in bounds}
    if len(named) != 1:
        return
    feature = next(one for one in reading.schema.features if one.name in named)
    name = f"F{sum(code[0] == 'F' for code in reading.slots)}"
    reading.slots[name] = Slot(feature.label, Named("F", feature))
    if not groups:  # "people under 25": the bound stays a selection, to be compared with the rest
        reading.text = f"{reading.text} by {name}"
    for code in groups:
        reading.text = re.sub(rf"\b{code}\b", name, reading.text)
    reading.text = re.sub(rf"\b({name}\b.*?) (?:from|than|and|or|as|to) {name}\b", r"\1", reading.text)


def _is_group(reading: Reading, condition: Condition) -> bool:
    """Whether a condition is membership in a category."""
    if condition.on != "feature" or condition.op != "eq":
        return False
    return any(one.name == condition.feature and one.categories for one in reading.schema.features)


def read_previous(reading: Reading) -> None:
    """Whether the question is about the rows of the turn before: "these applicants", "they"."""

    def use(match: re.Match[str]) -> str:
        reading.previous = True
        return reading.select()

    reading.take("deictic", use)
    reading.previous = reading.previous or bool(pattern("of_them").search(reading.text))
    if not re.search(r"\bE\d+|\bS\d+|\bR\d+", reading.text) and pattern("they").search(reading.text):
        reading.previous = True


def where_of(reading: Reading, text: str) -> Where:
    """The conditions whose codes stand in `text`: all of them, or any of those that "or" joins."""
    codes = re.findall(r"\bS\d+", text)
    groups: list[list[str]] = []
    position = 0
    for code in codes:
        at = text.index(code, position)
        between = text[position:at].split()
        if groups and "or" in between and len(between) <= 7 and "and" not in between:
            groups[-1].append(code)
        else:
            groups.append([code])
        position = at + len(code)
    found: list[AnyOf] = []
    for group in groups:
        for chosen in itertools.product(*(reading.selections[code] for code in group)):
            found.append(AnyOf(any=tuple(dict.fromkeys(chosen))))
    return Where(all=tuple(dict.fromkeys(found)))


def _comparison(reading: Reading, match: re.Match[str]) -> Comparison:
    found = match.groupdict()
    op = _OP.get(found.get("cmp") or "", "eq")
    post = found.get("post")
    if post:
        less = _OP.get(post, "gt") == "lt" or post == "fewer" or (post.startswith("O") and reading.sign(post) < 0)
        op = "le" if less else "ge"
    return _FLIPPED[op] if found.get("neg") else op


def _on(feature: Feature, op: Comparison, value: float | int | str | bool) -> Condition:
    return Condition(feature=feature.name, op=op, value=value)


def _compared(reading: Reading, match: re.Match[str]) -> str | None:
    feature, number = reading.feature(match["f"]), reading.number(match["n"])
    if feature.categories and not feature.numeric:
        return None
    if re.search(r"^F\d+ of E\d+ ", match[0]) and (age := _age_instead(reading, feature, number.value)):
        return f"{match['f']} {reading.select(_on(age, _comparison(reading, match), number.value))}"
    lead = match.groupdict().get("lead")
    keep = f" {lead}" if lead in ("and", "or", ",", "for") else ""
    return keep + reading.select(_on(feature, _comparison(reading, match), number.value))


def _age_instead(reading: Reading, feature: Feature, value: float) -> Feature | None:
    """The age that "the BMI of people over 60" is about, if people can be that old and no BMI is known to be."""
    others = [one for one in ages(reading.schema) if one != feature]
    within = feature.low is not None and feature.high is not None and feature.low <= value <= feature.high
    return others[0] if len(others) == 1 and _plausible(others[0], value) and not within else None


def _range(reading: Reading, match: re.Match[str], feature: Feature | None) -> str | None:
    if feature is None or not feature.numeric:
        return None
    low, high = sorted((reading.number(match["n"]).value, reading.number(match["m"]).value))
    open_ended = "between" in match[0]
    if not open_ended and " and " in match[0]:
        return None
    return reading.select(
        _on(feature, "gt" if open_ended else "ge", low), _on(feature, "lt" if open_ended else "le", high)
    )


def _comparative(reading: Reading, match: re.Match[str]) -> str | None:
    direction = reading.direction(match["o"])
    if direction is None:
        return None
    feature, sign = direction
    op: Comparison = ("gt" if sign > 0 else "lt") if not match["neg"] else ("le" if sign > 0 else "ge")
    return reading.select(_on(feature, op, reading.number(match["n"]).value))


def _meant(reading: Reading, match: re.Match[str]) -> Feature | None:
    """The feature that a bare number is about: named beside it, by its unit, by "older", or the age of people."""
    found = match.groupdict()
    if found.get("f"):
        return reading.feature(found["f"])
    post = found.get("post") or ""
    if post.startswith("O") and (direction := reading.direction(post)):
        return direction[0]
    people = ages(reading.schema)
    unit = reading.slots[found["n"]].unit
    with_unit = reading.with_unit(unit) if unit else []
    if len(with_unit) == 1:
        return with_unit[0]
    told = len(people) == 1 and (not with_unit or people[0] in with_unit)
    return people[0] if told and _plausible(people[0], reading.number(found["n"]).value) else None


def _plausible(feature: Feature, value: float) -> bool:
    """Whether a value is near those that the data hold, so far as that is known."""
    return (feature.low is None or value >= feature.low / 2) and (feature.high is None or value <= feature.high * 1.5)


def _implicit(reading: Reading, match: re.Match[str]) -> str | None:
    feature = _meant(reading, match)
    return (
        reading.select(_on(feature, _comparison(reading, match), reading.number(match["n"]).value)) if feature else None
    )


def _category(reading: Reading, match: re.Match[str], op: Literal["eq", "ne"]) -> str:
    feature, category = reading.category(match["c"])
    named = match.groupdict().get("f") or match.groupdict().get("g")
    # "sex is female": the feature belongs to the condition; "age of women": it does not.
    apart = f" {named} " if named and reading.feature(named) != feature else " "
    return apart + reading.select(_on(feature, op, category.value))


def _missing(reading: Reading, match: re.Match[str]) -> str:
    found = match.groupdict()
    feature = reading.feature(found["f"])
    return reading.select(Condition(feature=feature.name, op="missing", negated=bool(found.get("neg"))))


def _boolean(reading: Reading, match: re.Match[str]) -> str | None:
    feature = reading.feature(match["f"])
    values = [category.value for category in feature.categories]
    if feature.kind != "boolean" and set(map(str, values)) not in ({"yes", "no"}, {"True", "False"}, {"0", "1"}):
        return None
    wanted = not re.match(r"without|no|not|don't|doesn't|lacking", match["how"])
    value = next(
        (one for one in values if str(one).lower() in (("yes", "true", "1") if wanted else ("no", "false", "0"))),
        wanted,
    )
    return reading.select(_on(feature, "eq", value))


def _outcome(reading: Reading, match: re.Match[str], on: Literal["predicted", "actual"]) -> str:
    op: Comparison = "ne" if match.groupdict().get("neg") else "eq"
    rows = match.groupdict().get("e") or ""
    return f" {rows} " + reading.select(Condition(on=on, op=op, value=reading.label(match["k"])))


def said_of(text: str) -> Literal["predicted", "actual"]:
    """Whether a class that is simply said of rows is a prediction: only where the question speaks of predicting."""
    return "predicted" if pattern("predicts").search(text) else "actual"


def plain_values(where: Where) -> Sequence[Condition] | None:
    """The conditions of a selection if all say that a feature equals a value, as a described case does."""
    conditions = where.conditions()
    single = all(len(group.any) == 1 for group in where.all)
    return conditions if single and all(one.on == "feature" and one.op == "eq" for one in conditions) else None
