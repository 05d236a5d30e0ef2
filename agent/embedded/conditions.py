"""Which rows a question is about: "women under 30", "predicted declined but actually good", "row 12", "those"."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Literal

from askwhy.agent.embedded.lexicon import is_age
from askwhy.agent.embedded.mentions import ROWS, Reading
from askwhy.tools.schema import Feature
from askwhy.tools.scope import AnyOf, Comparison, Condition, Where

_PHRASES: dict[Comparison, str] = {
    "ge": "greater than or equal to|greater or equal to|greater or equal than|greater equal than|greater than or equal|"
    "more than or equal to|higher than or equal to|at least|no less than|not less than|no fewer than|not under|not below|a minimum of|"
    "minimum of|> =|>=|≥|at or above|at or over|at or higher than|equal to or greater than|equal to or higher than|starting at",
    "le": "less than or equal to|less or equal to|lower than or equal to|smaller than or equal to|at most|no more than|not more than|"
    "not over|not above|up to|a maximum of|maximum of|< =|<=|≤|at or below|at or under|at or lower than|equal to or less than",
    "gt": "more than|greater than|higher than|larger than|bigger than|over|above|exceeding|exceeds|exceed|beyond|"
    "in excess of|upwards of|past|>|greater|higher|O-more than",
    "lt": "less than|fewer than|lower than|smaller than|below|under|beneath|short of|<|less|lower",
    "ne": "not equal to|different from|other than|!=|not",
    "eq": "equivalent to|equal to|equals|equal|exactly|is|are|was|were|of|=|at|being|that of|as|value|values",
}
_OP: dict[str, Comparison] = {phrase: op for op, phrases in _PHRASES.items() for phrase in phrases.split("|")}
_CMP = "|".join(re.escape(phrase) for phrase in sorted(_OP, key=len, reverse=True))
_ORDERED = "|".join(
    re.escape(phrase) for phrase in sorted(_OP, key=len, reverse=True) if _OP[phrase] not in ("eq", "ne")
)
_AFTER = r"(?: (?:(?:or|and|,) )?(?P<post>more|higher|above|greater|over|up|upwards|less|lower|fewer|below|under|\+|plus|O\d+)(?![\w]))?"
_POST_LESS = frozenset(["less", "lower", "fewer", "below", "under"])
_FILL = (
    r"(?:(?:level|levels|value|values|score|scores|reading|of|is|are|was|were|be|that|which|has|have|had|in|the|a|an|at|"
    r"being|their|his|her|equal|to|aged|age|with|points?|,|\(|[EIR]\d+) )*?"
)
_NEG = r"(?:(?P<neg>not|never|isn't|aren't|wasn't|weren't|don't have|doesn't have|no) )?"
_F, _N, _C, _K = r"(?P<f>F\d+)", r"(?P<n>N\d+)", r"(?P<c>C\d+)", r"(?P<k>K\d+)"
_WHOSE = r"(?:a |an |the |value |values |levels? |age |ages |of )*"

_BETWEEN = re.compile(rf"{_F} {_FILL}(?:(?:between|from|in the range) )?{_N} (?:and|to) (?P<m>N\d+)")
_BARE_BETWEEN = re.compile(
    rf"\b(?:between|aged from|aged) (?:the ages of |ages )?{_N} (?:and|to) (?P<m>N\d+)(?: {_F})?"
)
_COMPARED = re.compile(rf"{_F} {_FILL}{_NEG}(?P<cmp>{_CMP}) {_WHOSE}{_N}{_AFTER}(?!\w)")
_COUNTED = re.compile(
    rf"\b{_NEG}(?P<cmp>{_ORDERED}|exactly) {_WHOSE}{_N}{_AFTER} (?:,? ?(?:for|in|of) )?(?:the |their |his |her |a )*{_F}"
)
_OWNED = re.compile(rf"\b(?P<lead>with|have|had|has|having|,|a|an|and|or|of|for|are|is|aged) {_N}{_AFTER}(?: ,)? {_F}")
_INVERTED = re.compile(rf"\b{_NEG}(?P<cmp>{_ORDERED}) {_WHOSE}{_F} (?:of |value |= )*{_N}{_AFTER}(?!\w)")
_PLAIN = re.compile(rf"{_F} (?:= ?)?{_N}{_AFTER}(?!\w)")
_COMPARATIVE = re.compile(rf"\b{_NEG}(?P<o>O\d+) than (?:the age of )?{_N}")
_IMPLICIT = re.compile(
    rf"\b{_NEG}(?P<cmp>{_ORDERED}|aged|of age|age) (?:the )?(?:age of |ages of |aged |age )?{_N}{_AFTER}"
)
_TRAILING = re.compile(rf"{_N} (?:(?:or|and) )?(?P<post>above|over|\+|plus|O\d+|under|below)(?![\w]| N)")

_NOT_C = re.compile(
    rf"(?:{_F} {_FILL})?\b(?:not|non|no|isn't|aren't|don't|doesn't|except|excluding|without|other than|apart from|never) "
    rf"(?:for |in |a |an |the |have |who |are |as |of )*{_C}"
)
_IS_C = re.compile(
    rf"(?:{_F} (?:is|are|was|were|of|=|being|equals|equal to|level|status|in|the|for|type|'|,|as|with|category|value|category of| )* ?)?{_C}(?: {_F.replace('<f>', '<g>')})?"
)
_MISSING = re.compile(
    rf"\b(?:(?:missing|unknown|unrecorded|without a value for|no value for|no recorded) {_F}|{_F.replace('<f>', '<g>')} (?:is|are|was) {_NEG}(?:missing|unknown|unrecorded|empty|null))"
)
_HAS = re.compile(
    rf"\b(?P<how>with|has|have|having|had|who|that are|who are|are|is|without|no|not|don't have|doesn't have|lacking) (?:a |an |any |the )*{_F}"
)

_CONTAINS = re.compile(
    r"\b(?:that |which |who )?(?P<neg>without|not |don't |doesn't )?(?:contain\w*|mention\w*|with|using|include\w*|say\w*|) ?"
    r"(?:the )?(?:word |words |phrase |term )?(?P<q>Q\d+)"
)
_OUTPUT = re.compile(
    rf"\b(?P<how>predicted|predictions?|actual\w*|true|truly|really)(?: T\d+)? {_FILL}{_NEG}(?P<cmp>{_ORDERED}) {_N}{_AFTER}(?!\w)"
)
_PREDICTED = re.compile(
    rf"(?<!wrongly )(?<!falsely )(?<!correctly )\b(?P<how>predicted|classified|diagnosed|flagged|scored|rated|judged|forecast|deemed|considered) "
    rf"(?:by the model |as |to be |to have |to get |class |label |{ROWS} )*(?P<neg>not )?{_K}"
)
_ACTUAL = re.compile(
    rf"\b(?:actually|truly|really|in truth|in fact|in reality|true label|actual label|true class|actual class|true outcome|"
    rf"actual outcome|real label|labelled|labeled|truth|ground truth|true|actual|turned out|known to be)(?: T\d+)? "
    rf"(?:is |are |was |were |of |as |to be |being |= |have |had |been |labelled |labeled )*(?P<neg>not )?{_K}"
)
_SOME_ARE = re.compile(rf"(?P<e>E\d+) (?:who |that |which )?(?:are|were|was|get|got|being|is) (?P<neg>not )?{_K}")
_KIND = re.compile(rf"{_K} (?P<e>E\d+)")
_ROW = re.compile(
    r"(?:\b(?P<head>I\d+|E\d+|id|ids|#)|(?<!\S)number)(?:(?: (?:with|has|having|whose|under))?(?: (?:the|an|a))?"
    r"(?: (?:id|ids|number|numbers|no|nr|#|index|\.))+)?(?: (?:of|is|=|:))? (?P<ids>[NWQ]\d+(?:(?: ,| and| , and| or| &)+ (?:[EI]\d+ )?[NW]\d+(?! [FOE]))*)"
)
_ORDINAL = re.compile(r"(?:the )?(?P<ids>N\d+) (?:I\d+|E\d+)")
_DEICTIC = re.compile(
    r"\b(?:(?:these|those|the same|the previous|previous|such|the above|all these|all those) (?:of )?(?:data |same )?"
    r"(?:subset|group|selection|set of data|E\d+)|(?:this|that|the) (?:data |same )?(?:subset|group|selection))(?: (?:of|in) (?:the )?data)?"
)
_OF_THEM = re.compile(r"\bof (?:them|those|these)\b(?! [ESI]\d)")
_PRONOUN = re.compile(r"\b(?:they|them|their|theirs|those|these)\b")


def read_rows(reading: Reading) -> None:
    """Take row ids out of the sketch: "applicant 12", "the thirty-second data point", "#7"."""
    reading.take(_ORDINAL, lambda match: _rows(reading, match["ids"]) if _is_ordinal(reading, match["ids"]) else None)
    reading.take(_ROW, lambda match: _row(reading, match))


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


def _rows(reading: Reading, ids: str) -> str:
    first = len(reading.rows)
    for code in re.findall(r"[NWQ]\d+", ids):
        slot = reading.slots[code]
        reading.rows.append(str(slot.number.value) if slot.number else slot.text)
    return f" {' '.join(f'R{number}' for number in range(first, len(reading.rows)))} "


def read_conditions(reading: Reading) -> None:
    """Take every condition out of the sketch; each leaves an S code."""
    if reading.schema.modality == "text":
        reading.take(_CONTAINS, lambda match: _contains(reading, match))
    if not reading.schema.classes:
        reading.take(_OUTPUT, lambda match: _output(reading, match))
    reading.take(_BETWEEN, lambda match: _range(reading, match, reading.feature(match["f"])))
    reading.take(_COMPARATIVE, lambda match: _comparative(reading, match))
    for pattern in (_INVERTED, _COMPARED, _COUNTED, _OWNED, _PLAIN):
        reading.take(pattern, lambda match: _compared(reading, match))
    reading.take(_BARE_BETWEEN, lambda match: _range(reading, match, _meant(reading, match)))
    for pattern in (_IMPLICIT, _TRAILING):
        reading.take(pattern, lambda match: _implicit(reading, match))
    reading.take(_MISSING, lambda match: _missing(reading, match))
    reading.take(_NOT_C, lambda match: _category(reading, match, "ne"))
    reading.take(_IS_C, lambda match: _category(reading, match, "eq"))
    reading.take(_HAS, lambda match: _boolean(reading, match))
    _read_outcomes(reading)


def _contains(reading: Reading, match: re.Match[str]) -> str:
    negated = bool(match["neg"])
    words = reading.slots[match["q"]].text
    return reading.select(Condition(feature=reading.schema.names[0], op="contains", value=words, negated=negated))


def _output(reading: Reading, match: re.Match[str]) -> str:
    on: Literal["predicted", "actual"] = "predicted" if match["how"].startswith("pred") else "actual"
    return reading.select(Condition(on=on, op=_comparison(reading, match), value=reading.number(match["n"]).value))


def _read_outcomes(reading: Reading) -> None:
    reading.take(_ACTUAL, lambda match: _outcome(reading, match, "actual"))
    if reading.rows or reading.quoted or reading.text.startswith("why"):
        return  # "why was row 12 predicted declined?" names the class to explain, not a selection
    reading.take(_PREDICTED, lambda match: _outcome(reading, match, "predicted"))
    for pattern in (_SOME_ARE, _KIND):
        reading.take(pattern, lambda match: _outcome(reading, match, said_of(reading.text)))


def read_previous(reading: Reading) -> None:
    """Whether the question is about the rows of the turn before: "these applicants", "they"."""

    def use(match: re.Match[str]) -> str:
        reading.previous = True
        return reading.select()

    reading.take(_DEICTIC, use)
    reading.previous = reading.previous or bool(_OF_THEM.search(reading.text))
    if not re.search(r"\bE\d+|\bS\d+|\bR\d+", reading.text) and _PRONOUN.search(reading.text):
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
        less = post in _POST_LESS or (post.startswith("O") and reading.sign(post) < 0)
        op = "le" if less else "ge"
    flipped: dict[Comparison, Comparison] = {"gt": "le", "ge": "lt", "lt": "ge", "le": "gt", "eq": "ne", "ne": "eq"}
    return flipped[op] if found.get("neg") else op


def _on(feature: Feature, op: Comparison, value: float | int | str | bool) -> Condition:
    return Condition(feature=feature.name, op=op, value=value)


def _compared(reading: Reading, match: re.Match[str]) -> str | None:
    feature, number = reading.feature(match["f"]), reading.number(match["n"])
    if feature.categories and not feature.numeric:
        return None
    lead = match.groupdict().get("lead")
    keep = f" {lead}" if lead in ("and", "or", ",", "for") else ""
    return keep + reading.select(_on(feature, _comparison(reading, match), number.value))


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
    ages = [feature for feature in reading.schema.features if is_age(feature)]
    unit = reading.slots[found["n"]].unit
    with_unit = reading.with_unit(unit) if unit else []
    if len(with_unit) == 1:
        return with_unit[0]
    return ages[0] if len(ages) == 1 and (not with_unit or ages[0] in with_unit) else None


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
    feature = reading.feature(match["f"] or match["g"])
    return reading.select(Condition(feature=feature.name, op="missing", negated=bool(match["neg"])))


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
    return "predicted" if re.search(r"\b(?:predict\w*|model|would|will|you)\b", text) else "actual"


def plain_values(where: Where) -> Sequence[Condition] | None:
    """The conditions of a selection if all say that a feature equals a value, as a described case does."""
    conditions = where.conditions()
    single = all(len(group.any) == 1 for group in where.all)
    return conditions if single and all(one.on == "feature" and one.op == "eq" for one in conditions) else None
