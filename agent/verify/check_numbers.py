"""V1: every number is a value of the evidence, the plan or the schema, about what its clause is about."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from askwhy.agent.answer import Failure
from askwhy.agent.verify.ground import Ground, Known
from askwhy.agent.verify.numbers import UNITS, Number
from askwhy.agent.verify.patterns import says_around
from askwhy.agent.verify.plain import stems
from askwhy.agent.verify.reading import Clause, Reading

_PERCENT_UNITS = ("probability", "share", "score")
_MAGNITUDES = ("points", "log-odds")
_FRACTION = re.compile(r"\s*(?:out of|of|in)\s+(?:the\s+|every\s+)?$", re.I)
_LESS = re.compile(r"\b(?:less than|under|below|smaller than|fewer than|<)\s*$", re.I)
_MORE = re.compile(r"\b(?:more than|over|above|greater than|>)\s*$", re.I)
_COUNTED = re.compile(
    r"[\s-]+(?:(?:most|main|strongest|largest|important|biggest|leading|other|different|selected|single|such|named|"
    r"influential|smallest|least|weakest|top|key|main|first|last|remaining|possible)\s+)*"
    r"(?:features?|factors?|reasons?|words?|class(?:es)?|changes?|ways?|options?|steps?|things?|values?|columns?|"
    r"inputs?|conditions?|groups?|contributions?|effects?|of (?:them|these|those)\b)", re.I
)  # fmt: skip
_TOP = re.compile(r"\b(?:top|first|these|those|the|other|all|only|just|last|following)[\s-]+$", re.I)
_PREDICTED_AS = re.compile(r"\bpredicted (?:as |to be )?_", re.I)
_ERROR = re.compile(r"±|\+/-|\b(?:error|uncertain\w*|plus or minus|give or take|deviation)\b", re.I)
_LEVEL = re.compile(r"\b(?:from|to)\s*$", re.I)
_RANGE = re.compile(r"\b(?:range\w*|between|from|lowest|highest|smallest|largest|minimum|maximum|limits?|data)\b", re.I)
_LEAD = re.compile(r"margin|lead|difference|change")
_RANKED = re.compile(r"(?:\brank(?:s|ed)?|\bnumber|\bno\.?|\bplace|\bposition|#)\s*(?:is\s+|in\s+|of\s+)?#?$", re.I)


def check_numbers(reading: Reading) -> Iterator[Failure]:
    """Failures of single numbers."""
    for clause in reading.clauses:
        for number in clause.numbers:
            problem = _problem(reading, clause, number)
            if problem is not None:
                yield clause.failure("V1", problem, (number.start, number.end))


def matches(reading: Reading, clause: Clause, number: Number) -> tuple[Known, ...]:
    """What the evidence knows that this number may be, in its clause."""
    if number not in reading.matched:  # a number stands in one clause only
        reading.matched[number] = _matches(reading, clause, number)
    return reading.matched[number]


def _matches(reading: Reading, clause: Clause, number: Number) -> tuple[Known, ...]:
    ground, features = reading.ground, bound_features(reading, clause, number)
    said = [*ground.numbers, *(one for feature in features for one in ground.ranges(feature))]
    found = [one for one in _equal(reading, clause, number, said) if _in_place(reading, clause, number, one)]
    adjacent = _adjacent(reading, clause, number)
    return tuple(
        one
        for one in found
        if _about(ground, clause, features, one)
        and _unit_fits(ground, number, one)
        and not (adjacent and one.feature is None and one.unit in ("count", "said", "argument", "score"))
    )


def _in_place(reading: Reading, clause: Clause, number: Number, known: Known) -> bool:
    """Ranks and arguments are small numbers that would pass for others: they are taken only where one is meant."""
    before = reading.text[clause.start : number.start]
    if known.lead and not " ".join(before.lower().split()).endswith(known.lead):
        return False
    if known.unit == "rank":
        return bool(_RANKED.search(before))
    if known.unit == "range":
        start, end = reading.sentences[clause.sentence]
        return bool(_RANGE.search(reading.text, start, end))
    if known.error:
        start, end = reading.sentences[clause.sentence]
        return bool(_ERROR.search(reading.text, start, end))
    if number.kind == "points" and _LEVEL.search(before) and "probabilit" in clause.text and not known.signed:
        return False
    if known.unit == "argument":
        counted = _COUNTED.match(reading.text, number.end) or _TOP.search(before)
        return bool(counted) or not (clause.features or clause.subjects)
    return True


def bound_features(reading: Reading, clause: Clause, number: Number) -> tuple[str, ...]:
    """The features that the number can be about: one that stands right before it, else those of the clause."""
    return _adjacent(reading, clause, number) or _with_selection(reading, clause)


def _adjacent(reading: Reading, clause: Clause, number: Number) -> tuple[str, ...]:
    """The feature right before the number: "age 53", "age (53)", "age is 53", "older than 53"."""
    text = reading.text
    for mention in reversed(clause.mentions):
        compared = mention.names("more") or mention.names("less")
        if (
            compared
            and mention.end <= number.start
            and re.fullmatch(r"\s+than\s*", text[mention.end : number.start], re.I)
        ):
            return tuple(name for name in compared if name in clause.features) or compared
        names = mention.names("feature")
        if not names or mention.end > number.start:
            continue
        between = text[mention.end : number.start].lower()
        opened = between.rfind("(")
        if re.fullmatch(r"\s*(?:=|:|of|is|was|were|at|value|\s)*\s*[-+−~≈]?\s*", between):
            return names
        if opened >= 0 and ")" not in between[opened:] and not between[:opened].strip():
            return names
        break
    return ()


def _with_selection(reading: Reading, clause: Clause) -> tuple[str, ...]:
    """What only names features of the selection ("... with sex female is 24.8") may be about an earlier one."""
    ground, own = reading.ground, clause.features or clause.subjects
    selected = {ground.named(one.feature) for one in ground.conditions}
    selected |= {ground.named(one.feature) for scope in ground.scopes for one in scope.changes if scope.where}
    if not own or not selected.issuperset(own):
        return clause.subjects
    earlier = (one for one in reading.of_sentence(clause.sentence) if one.start < clause.start)
    return tuple(dict.fromkeys((*own, *(name for one in earlier for name in one.features))))


def _problem(reading: Reading, clause: Clause, number: Number) -> str | None:
    ground = reading.ground
    if number.kind == "date":
        return None if number.text[:10] in ground.said else f"The date {number.text} is not in the evidence."
    head = rf"\b{re.escape(ground.schema.entity)}\s+(?:number\s+|#)?$"
    if re.search(head, reading.text[clause.start : number.start], re.I):
        return f"{number.text} is not the id of a {ground.schema.entity} in the evidence."
    if matches(reading, clause, number) or _is_count_of_names(reading, clause, number):
        return None
    if number.kind == "plain" and says_around(ground.evidence, reading.text, (number.start, number.end)):
        return None  # "groups of one or two conditions": the tool's own words
    if _is_bound(reading, clause, number) or _is_fraction(reading, clause, number):
        return None
    said = reading.text[number.start : number.end]
    if not _equal(reading, clause, number, ground.numbers):
        return f"{said} is not a value of the evidence{_nearest(ground, clause, number)}."
    return f"{said} is not a value of {_topic(ground, clause, number, reading)}."


def _equal(reading: Reading, clause: Clause, number: Number, known: Iterable[Known]) -> list[Known]:
    kinds = {number.kind}
    if reading.text[number.end - 1].isdigit():
        kinds.add("plain")  # in "rather than 0.54, 6.9 points lower" the unit is not shared
    if number.kind == "plain":
        kinds |= {later.kind for later in reading.numbers if _shares_unit(reading, clause, number, later)}
    return [one for one in known if any(_equal_as(number, one, kind, clause, reading.ground) for kind in kinds)]


def _shares_unit(reading: Reading, clause: Clause, number: Number, later: Number) -> bool:
    """In "age adds 3.2, sex 1.1 and job 0.4 percentage points" the unit is said once, at the end."""
    _, end = reading.sentences[clause.sentence]
    if not (number.start < later.start < end and later.kind in ("points", "percent")):
        return False
    before = reading.text[clause.start : number.start]
    return number.decimals > 0 and (bool(re.search(r"\bby\s*[+\-−]?$", before)) or clause.end == number.end)


def _equal_as(number: Number, known: Known, kind: str, clause: Clause, ground: Ground) -> bool:
    scale = _scale(known, kind, ground)
    if scale is None:
        return False
    target, said = known.value * scale, number.value
    if (
        known.exact
        and number.decimals > 0
        and (abs(number.value - target) > _printed(known, target) or (known.unit != "constant" and target.is_integer()))
    ):
        return False
    if known.unit == "probability" and scale == 1 and number.decimals <= 0 and said != target:
        return False
    tolerance = 1e-9 if known.exact and known.unit != "constant" else number.tolerance
    if known.unit == "constant":
        tolerance = 1e-9 * max(1.0, abs(target))
    if known.signed and number.sign == 0:
        target, said = abs(target), abs(said)
    elif known.signed and _other_class(clause, known, ground):
        target = -target
    return abs(said - target) <= tolerance + 1e-9 * max(1.0, abs(target)) * (scale == 100)


def _printed(known: Known, target: float) -> float:
    """How far a constant may be off, as it is printed with ten digits at most."""
    return 1e-9 * max(1.0, abs(target)) if known.unit == "constant" else 0.0


def _scale(known: Known, kind: str, ground: Ground) -> float | None:
    """What the known value is multiplied by to be said in this way; None where it cannot be."""
    unit = _unit_of(known, ground)
    if known.unit == "percent":
        return 100.0 if kind == "percent" else None
    if kind == "percent":
        if known.unit in _PERCENT_UNITS:
            return 100.0
        return 1.0 if unit in ("%", "percent", "per cent") else None
    if kind == "points":
        return 100.0 if known.unit == "points" else 1.0 if "point" in unit else None
    return 1.0


def _unit_of(known: Known, ground: Ground) -> str:
    if known.unit == "output":
        return ground.schema.target.unit.lower()
    if known.unit in ("feature", "constant", "range", "category"):
        feature = ground.feature(known.feature)
        return feature.unit.lower() if feature is not None else ""
    return ""


def _other_class(clause: Clause, known: Known, ground: Ground) -> bool:
    """Of two classes, what raises one lowers the other by as much."""
    named = clause.classes or clause.context
    return ground.schema.task == "binary" and known.cls is not None and bool(named) and known.cls not in named


def _about(ground: Ground, clause: Clause, features: tuple[str, ...], known: Known) -> bool:
    if known.unit == "id":
        return False
    if known.feature is not None and features and known.feature not in features:
        return False
    rows = clause.rows or clause.about
    if known.row is not None and rows and known.row not in rows:
        return False
    named = clause.classes or clause.context
    if known.cls is None or not named:
        return True
    predicted = _PREDICTED_AS.search(clause.text)
    if predicted and known.fact is not None and known.fact.group and known.unit == "count":
        at = clause.start + predicted.end() - 1
        return any(known.cls in one.names("class") for one in clause.mentions if one.start == at)
    if known.cls in named or (not clause.classes and known.fact is not None and _LEAD.search(known.fact.relation)):
        return True
    return ground.schema.task == "binary" and known.unit in _MAGNITUDES


def _unit_fits(ground: Ground, number: Number, known: Known) -> bool:
    """A unit said after the number must be the unit of what is known."""
    if number.kind != "plain" or not number.unit:
        return True
    said = {number.unit, *stems(number.unit)}
    own = _unit_of(known, ground)
    owns = {own, *stems(own), *own.split()[:1]}
    if number.unit.split("/")[0] in UNITS:
        return bool(said & owns)
    schema = ground.schema
    units = {feature.unit.lower() for feature in schema.features if feature.unit} | {schema.target.unit.lower()} - {""}
    if not any(said & {unit, *stems(unit)} for unit in units):
        return True
    return bool(said & owns) if own else known.unit == "said"


def _is_count_of_names(reading: Reading, clause: Clause, number: Number) -> bool:
    """ "The three most important features" before three names, "2 changes" of a plan that has two."""
    text, ground = reading.text, reading.ground
    if number.kind != "plain" or number.decimals or number.sign:
        return False
    if not _COUNTED.match(text, number.end) and not _TOP.search(text, clause.start, number.start):
        return False
    count = int(number.value)
    named = {name for one in reading.of_sentence(clause.sentence) for name in one.features}
    if clause.sentence + 1 < len(reading.sentences) and not named:
        named = {name for one in reading.of_sentence(clause.sentence + 1) for name in one.features}
    noun = re.match(
        r"[\s-]*[\w\s-]{0,40}?(features?|factors?|reasons?|words?|inputs?|columns?|class(?:es)?)\b",
        text[number.end :],
        re.I,
    )
    if noun and noun.group(1).lower().startswith("class"):
        return count == len(ground.schema.classes)
    if noun:
        return count == len(named) if named else count == len(ground.schema.features)
    sizes = (
        {len(named), len(ground.conditions)} | {len(scope.changes) for scope in ground.scopes} | {len(ground.evidence)}
    )
    sizes |= {len(one.all(relation)) for one in ground.evidence for relation in {fact.relation for fact in one.facts}}
    return count in sizes


def _is_bound(reading: Reading, clause: Clause, number: Number) -> bool:
    """ "Less than 0.1 points", "more than 99%": bounds where printing the value would read as zero or certain."""
    before = reading.text[clause.start : number.start]
    less, more = _LESS.search(before), _MORE.search(before)
    if not (less or more):
        return False
    floor = less and number.value > 0 and re.fullmatch(r"0?\.0*1|1|0\.5", number.text) is not None
    ceiling = more and number.kind == "percent" and number.value >= 99
    if not (floor or ceiling):
        return False
    features = bound_features(reading, clause, number)
    for known in reading.ground.numbers:
        scale = _scale(known, number.kind, reading.ground)
        if scale is None or known.unit == "constant" or not _about(reading.ground, clause, features, known):
            continue
        size = abs(known.value) * scale
        if (floor and size < number.value) or (ceiling and number.value < size <= 100):
            return True
    return False


def _is_fraction(reading: Reading, clause: Clause, number: Number) -> bool:
    """ "3 in 10" of a share of 0.31."""
    both = [one for one in clause.numbers if one.kind == "plain"]
    for few, many in pairwise(both):
        if number not in (few, many) or many.value not in (5, 10, 20, 100, 1000):
            continue
        if _FRACTION.fullmatch(reading.text, few.end, many.start):
            shares = [one.value for one in reading.ground.numbers if one.unit in ("share", "probability")]
            return any(abs(few.value / many.value - share) <= 0.5 / many.value for share in shares)
    return False


def _nearest(ground: Ground, clause: Clause, number: Number) -> str:
    features = clause.features or clause.subjects
    options = [one for one in ground.numbers if one.fact is not None and _about(ground, clause, features, one)]
    scaled = [(scale, one) for one in options if (scale := _scale(one, number.kind, ground)) is not None]
    if not scaled:
        return ""
    scale, best = min(scaled, key=lambda pair: abs(abs(pair[1].value) * pair[0] - abs(number.value)))
    fact = best.fact
    assert fact is not None
    return f"; the nearest that fits is {best.value * scale:.6g} ({fact.relation}, fact {fact.id})"


def _topic(ground: Ground, clause: Clause, number: Number, reading: Reading) -> str:
    features = bound_features(reading, clause, number)
    labels = [found.label if (found := ground.feature(name)) else name for name in features]
    parts = [*labels, *(clause.classes or clause.context), *(clause.rows or clause.about)]
    return " / ".join(parts) if parts else "that kind (check per cent, percentage points and units)"
