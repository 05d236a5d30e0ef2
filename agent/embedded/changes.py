"""What-if changes: "if duration were 12 months shorter", "increase age by 5", "without the word X"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from askwhy.agent.embedded.mentions import Reading
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Change, Scalar

_UP = r"(?:increas\w*|rais\w*|add\w*|gain\w*|gr[eo]w\w*|r[io]se\w*|boost\w*|up)"
_DOWN = r"(?:decreas\w*|reduc\w*|lower(?:ed|ing|s)?|cut\w*|drop\w*|fell|fall\w*|subtract\w*|eliminat\w*|lose|losing|lost|shrink\w*|shrunk|shorten\w*|down)"
_MOVE = rf"(?:(?P<up>{_UP})|(?P<down>{_DOWN}))"
_MORE = r"(?:(?P<more>higher|more|greater|larger|bigger|extra)|(?P<less>lower|less|smaller|fewer)|(?P<o>O\d+))"
_WERE = r"(?:were|was|had been|have been|has been|is|are|be|been|being|to be|get|gets|went|goes|go)"
_OF = r"(?:(?:the|their|his|her|its|your|my|of|in|for|a|an|level|levels|value|values|data|set|all|[EIR]\d+) )*"
_TO = r"(?:to be |to |into |as |= |equal to |at )"
_F, _N, _C = r"(?P<f>F\d+)", r"(?P<n>N\d+)", r"(?P<c>C\d+)"

_HYPOTHETICAL = re.compile(
    r"\b(if|suppose|supposing|imagine|assume|assuming|pretend|would|wouldn't|what happens|let|had|were to|set|change|make|"
    r"after|by|simulate)\b"
)
_SHIFTS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b{_MOVE} {_OF}{_F} (?P<between>(?:(?!by )\S+ )*?)by (?:about |around |a )?{_N}",
        rf"{_F} {_OF}(?:{_WERE} )*{_MOVE}(?: by| to be)? {_N}",
        rf"\b{_MOVE} in {_OF}{_F} by {_N}",
        rf"\b{_MOVE} {_N} (?:from|to|off|of|in|on) {_OF}{_F}",
        rf"{_F} {_OF}(?:(?:{_WERE}|by) )*{_N} {_MORE}",
        rf"{_N} {_MORE} {_OF}{_F}(?= |$)",
        rf"(?:{_WERE}|if|had|made|turned|become|became) {_N} (?P<o>O\d+)",
        rf"(?:{_WERE}|if|had|made|turned|become|became) {_N} years more \S+",
        rf"{_N} {_MORE}(?= |$)",
        rf"{_F} (?P<up>\+|plus) {_N}",
        rf"{_F} (?P<down>-|−|minus) {_N}",
    )
)  # fmt: skip
_SETS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?:set|setting|change|changed|changing|make|making|turn|turning|switch|switching|put) {_OF}{_F} {_TO}(?:{_N}|{_C}|(?P<q>Q\d+))",
        rf"{_F} {_OF}(?:{_WERE}|became|becomes|set|changed|switched|turned)(?: {_WERE}| set| changed| switched| only| instead)* (?:{_TO})?(?:a |an |the )?(?:{_N}|{_C}|(?P<q>Q\d+))(?! (?:or|and) (?:more|less|above|below|older|younger|over|under)\b)",
        rf"(?:{_WERE}|had|owned|wanted|became|turned) (?:instead )?(?:a |an |the |for |in |not )*{_C}",
        rf"\b(?:set|change|changed|make|turn|switch) (?:it |him |her |them |the |their |[EI]\d+ )*(?:{_TO})?{_C}",
        rf"\bif {_F} {_TO}?{_N}",
    )
)  # fmt: skip
_SCALES = tuple(
    re.compile(pattern)
    for pattern in (
        rf"\b(?P<how>doubl\w*|tripl\w*|halv\w*|twice|half) {_OF}(?:as much |the )?{_F}",
        rf"{_F} {_OF}(?:{_WERE} )*(?P<how>doubl\w*|tripl\w*|halv\w*|twice as \w+|half as \w+)",
    )
)  # fmt: skip
_FACTORS = {"doubl": 2, "twice": 2, "tripl": 3, "halv": 0.5, "half": 0.5}

_SAID = r"(?:the )?(?:word |words |phrase |term |sentence )?"
_TEXT = (
    ("replace", re.compile(rf"\breplac\w+ {_SAID}(?P<words>\S+) (?:by|with) {_SAID}(?P<value>\S+)")),
    ("replace", re.compile(rf"\b(?:chang\w+|swap\w*|turn\w*) {_SAID}(?P<words>\S+) (?:to|into|for) {_SAID}(?P<value>\S+)")),
    ("replace", re.compile(rf"{_SAID}(?P<words>\S+) (?:were|was|is|had been) (?:replaced by|replaced with|changed to) {_SAID}(?P<value>\S+)")),
    ("remove", re.compile(r"\b(?:without|remov\w+|delet\w+|drop\w*|omit\w*|take out|took out|leave out|left out|cut) "
                          r"(?:(?:the )?(?:word|words|phrase|term|sentence) (?P<words>\S+)|(?P<quoted>Q\d+))")),
    ("remove", re.compile(r"(?:the )?(?:word|phrase|term) (?P<words>\S+) (?:were|was|is|had been) (?:removed|deleted|missing|gone|not there|left out)")),
    ("insert", re.compile(rf"\b(?:add\w*|insert\w*|append\w*) {_SAID}(?P<value>Q\d+|(?<=word )\S+|(?<=words )\S+)")),
)  # fmt: skip


_FIXED = r"(?:touch\w*|chang\w*|alter\w*|modify\w*|adjust\w*|vary\w*)"
_LIST = r"(?P<list>F\d+(?:(?: ,| and| or| nor)+ (?:the |their |his |her )?F\d+)*)"
_KEEP = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:,|and|but)? ?\b(?:without|not|don't|never|avoid|avoiding|no|can't|cannot) {_FIXED} (?:to |in )?{_OF}{_LIST}",
        rf"(?:,|and|but)? ?\b(?:keep\w*|leav\w*|hold\w*|fix\w*) {_OF}{_LIST}(?: fixed| constant| unchanged| the same| alone| untouched| as (?:it|they) (?:is|are|was|were))?",
        rf"{_LIST} (?:must|should|has to|have to|can) (?:stay|remain|not be changed|not change)(?: fixed| constant| unchanged| the same)?",
    )
)  # fmt: skip
_ONLY = tuple(
    re.compile(pattern)
    for pattern in (
        rf"(?:,|and|but)? ?\bonly (?:by )?(?:{_FIXED} )?{_OF}{_LIST}(?: may change| can change| changes)?",
        rf"\b{_FIXED} only {_OF}{_LIST}",
        rf"\b{_FIXED} (?:nothing|no feature) (?:but|except) {_OF}{_LIST}",
    )
)  # fmt: skip
_SWEEP = re.compile(rf"{_F} (?P<verb>(?!with|of|is|are)[a-z]+ (?:[a-z]+ )?)from {_N} to (?P<m>N\d+)")


def read_changes(reading: Reading) -> None:
    """Take the changes out of the sketch, and what must not change or alone may."""
    for patterns, into in ((_KEEP, reading.keep), (_ONLY, reading.only)):
        for pattern in patterns:
            reading.take(pattern, lambda match, into=into: _listed(reading, match, into))  # type: ignore[misc]
    reading.take(_SWEEP, lambda match: _span(reading, match))
    if reading.schema.modality == "text":
        _read_text_changes(reading)
        return
    for pattern in _SHIFTS:
        reading.take(pattern, lambda match: _shift(reading, match))
    for pattern in _SCALES:
        reading.take(pattern, lambda match: _scale(reading, match))
    if _if(reading):
        for pattern in _SETS:
            reading.take(pattern, lambda match: _set(reading, match))


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
    if feature:
        up = reading.sign(o) > 0 if o else bool(found.get("up") or found.get("more"))
        return reading.feature(feature), up
    if found.get("more") or found.get("less"):
        measured = reading.with_unit(reading.slots[str(found["n"])].unit)
        return (measured[0], bool(found.get("more"))) if len(measured) == 1 and _if(reading) else None
    if o:
        direction = reading.direction(o)
        return (direction[0], direction[1] > 0) if direction else None
    return next(((one, True) for one in _ages(reading)), None)


def _if(reading: Reading) -> bool:
    return bool(_HYPOTHETICAL.search(reading.text))


def _ages(reading: Reading) -> Iterator[Feature]:
    from askwhy.agent.embedded.lexicon import is_age

    return (feature for feature in reading.schema.features if is_age(feature))


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


def _read_text_changes(reading: Reading) -> None:
    for action, pattern in _TEXT:
        reading.take(pattern, lambda match, action=action: _edit(reading, action, match))  # type: ignore[misc]


def _edit(reading: Reading, action: str, match: re.Match[str]) -> str | None:
    found = match.groupdict()
    words = _text_of(reading, found.get("words") or found.get("quoted"))
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
