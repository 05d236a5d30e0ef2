"""V4 for the selection and the changes: which side of a bound, which value, with or without "not"."""

from __future__ import annotations

import re
from collections.abc import Iterator

from askwhy.agent.answer import Failure
from askwhy.agent.verify.check_numbers import matches
from askwhy.agent.verify.clauses import inside
from askwhy.agent.verify.ground import Ground
from askwhy.agent.verify.mentions import Mention
from askwhy.agent.verify.numbers import Number
from askwhy.agent.verify.reading import Clause, Reading
from askwhy.agent.verify.selections import denied
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Change, Comparison, Condition, opposite

_MORE = "older longer larger higher greater bigger more over above exceeding beyond after later taller deeper heavier"
_LESS = "younger shorter smaller lower less fewer under below before earlier shallower lighter"
_NOT = r"(?:not|no|isn['’]t|aren['’]t)\s+(?:\w+\s+)?"
_DENIED = re.compile(
    r"\b(?:not|no|non|other than|except(?: for)?|excluding|without|never|neither|nor|\w+n['’]t)[\s-]+(?:(?:a|an|"
    r"the|in|as|to|be|predicted|actually)\s+){0,3}$",
    re.I,
)
_WRONG = re.compile(
    r"\b(?:wrong(?:ly)?|incorrect(?:ly)?|misclassifi\w+|mistak\w+|errors?|misjudg\w+|misses|missed)\b", re.I
)
_RIGHT = re.compile(r"\b(?:right(?:ly)?|correct(?:ly)?|hits?)\b", re.I)


def check_conditions(reading: Reading) -> Iterator[Failure]:
    """Failures of conditions and changes."""
    for clause in reading.clauses:
        for number in clause.numbers:
            if _counts_rows(reading, clause, number):
                continue
            if problem := _bound_problem(reading, clause, number) or _shift_problem(reading, clause, number):
                yield clause.failure("V4", problem, (number.start, number.end))
        for mention in clause.mentions:
            if mention.names("category") and (problem := _category_problem(reading, clause, mention)):
                yield clause.failure("V4", problem, mention.span)
    for start, end in denied(reading.text, reading.ground, reading.selections):
        message = "The question selects these, not all others."
        yield Failure(check="V4", message=message, start=start, end=end)
    yield from _correctness(reading)
    yield from _contained(reading)


def _counts_rows(reading: Reading, clause: Clause, number: Number) -> bool:
    """ "over 41 rows with age below 41": a count of the evidence, before a selection in askwhy's own words."""
    schema = reading.ground.schema
    after = next((start for start, _ in reading.selections if number.end <= start <= clause.end), None)
    noun = "" if after is None else reading.text[number.end : after].strip().lower()
    counted = noun in (schema.entities.lower(), schema.entity.lower())
    return counted and any(known.unit == "count" for known in matches(reading, clause, number))


def _bound_problem(reading: Reading, clause: Clause, number: Number) -> str | None:
    ground = reading.ground
    features = _features(clause)
    same = [
        one
        for one in ground.conditions
        if one.on in ("feature", "actual", "predicted")
        and _equals(one, number)
        and (one.on != "feature" or _names(ground, one) in features)
    ]
    if not same:
        return None
    feature = ground.feature(_names(ground, same[0]))
    if number.kind in ("percent", "points") and (feature is None or "%" not in feature.unit):
        return None  # a share that happens to equal the bound
    said = _comparison(reading.text, clause, number, feature)
    if any(_effective(one) == said for one in same):
        return None
    if said == "eq" and any(_is_fact(ground, features, number) for _ in same):
        return None
    words = {
        "gt": "more than",
        "lt": "less than",
        "ge": "at least",
        "le": "at most",
        "eq": "exactly",
        "ne": "other than",
    }
    wanted = " or ".join(words[op] for one in same if (op := _effective(one)) in words)
    return f"The question selects {wanted} {number.text} here, not {words[said]} it."


def _features(clause: Clause) -> set[str]:
    named = {name for one in clause.mentions for name in (*one.names("more"), *one.names("less"))}
    return named | set(clause.features or clause.subjects)


def _names(ground: Ground, condition: Condition) -> str:
    return ground.named(condition.feature)


def _effective(condition: Condition) -> Comparison | None:
    return opposite(condition.op) if condition.negated else condition.op


def _equals(condition: Condition, number: Number) -> bool:
    if isinstance(condition.value, bool) or not isinstance(condition.value, (int, float)):
        return False
    return abs(float(condition.value) - number.value) <= 1e-9 * max(1.0, abs(number.value))


def _is_fact(ground: Ground, features: set[str], number: Number) -> bool:
    return any(
        known.fact is not None
        and known.feature in (features | {None})
        and abs(known.value - number.value) <= number.tolerance
        for known in ground.numbers
    )


def _comparison(text: str, clause: Clause, number: Number, feature: Feature | None) -> Comparison:
    """How the number is compared in the text: by what stands right before it or after it."""
    more, less = _MORE.split(), _LESS.split()
    if feature is not None:
        more, less = (
            [*more, *(word.lower() for word in feature.more)],
            [*less, *(word.lower() for word in feature.less)],
        )
    before = text[clause.start : number.start].lower()
    after = text[number.end : clause.end + 20].lower()
    ups, downs = "|".join(map(re.escape, more)), "|".join(map(re.escape, less))
    tail = r"(?:\s+(?:than|the age of|of|a value of))*\s*$"
    unit = r"^\s*(?:\w+\s+)?(?:or|and)\s+"
    if re.search(rf"(?:at least|on or after|≥|>=|minimum of|from){tail}", before) or re.search(
        rf"{unit}(?:{ups})\b", after
    ):
        return "ge"
    if re.search(rf"(?:at most|on or before|≤|<=|maximum of|up to){tail}", before) or re.search(
        rf"{unit}(?:{downs})\b", after
    ):
        return "le"
    if found := re.search(rf"(?P<not>{_NOT})?(?:\b(?:{ups})|>){tail}", before):
        return "le" if found["not"] else "gt"
    if found := re.search(rf"(?P<not>{_NOT})?(?:\b(?:{downs})|<){tail}", before):
        return "ge" if found["not"] else "lt"
    if re.search(r"\b(?:other than|not(?: equal to| aged)?|except|excluding|≠|!=)\s*$", before):
        return "ne"
    return "eq"


def _shift_problem(reading: Reading, clause: Clause, number: Number) -> str | None:
    """ "12 months shorter" for a change that makes it longer, "set to 92" for one that sets it to 93."""
    ground = reading.ground
    if re.search(r"\bset to $", reading.text[clause.start : number.start]):
        sets = [
            one for scope in ground.scopes for one in scope.changes
            if one.action == "set" and ground.named(one.feature) in _features(clause)
            and isinstance(one.value, (int, float))
        ]  # fmt: skip
        if sets and not any(_is_amount(one, number) for one in sets):
            return f"The change sets it to {sets[0].value}, not to {number.text}."
    for change in (one for scope in ground.scopes for one in scope.changes):
        if change.action not in ("increase", "decrease") or not _is_amount(change, number):
            continue
        feature = ground.feature(ground.named(change.feature))
        if feature is None or feature.name not in _features(clause):
            continue
        said = _polarity(reading.text[clause.start : clause.end].lower(), feature)
        amount = float(change.value) if isinstance(change.value, (int, float)) else 0.0
        true = 1 if (change.action == "increase") == (amount >= 0) else -1
        if said and said != true:
            return f"The change makes {feature.label} {'higher' if true > 0 else 'lower'}, not the other way."
    return None


def _is_amount(change: Change, number: Number) -> bool:
    return isinstance(change.value, (int, float)) and abs(abs(change.value) - abs(number.value)) < 1e-9


def _polarity(text: str, feature: Feature) -> int:
    ups = [
        *_MORE.split(),
        *feature.more,
        "increase",
        "increased",
        "increasing",
        "raised",
        "raising",
        "added",
        "extended",
        "up",
    ]
    downs = [
        *_LESS.split(),
        *feature.less,
        "decrease",
        "decreased",
        "decreasing",
        "reduced",
        "reducing",
        "lowered",
        "cut",
        "shortened",
        "down",
    ]
    high = any(re.search(rf"\b{re.escape(word.lower())}\b", text) for word in ups)
    low = any(re.search(rf"\b{re.escape(word.lower())}\b", text) for word in downs)
    return int(high) - int(low)


def _category_problem(reading: Reading, clause: Clause, mention: Mention) -> str | None:
    """A value of a condition with a "not" too many or too few."""
    ground = reading.ground
    found = _DENIED.search(reading.text, clause.start, mention.start)
    named = tuple(one.span for one in clause.mentions)
    denied = found is not None and not inside(found.start(), named)  # in "from no to yes", "no" is a value
    for target in mention.targets:
        if target.kind != "category":
            continue
        own = [
            one
            for one in ground.conditions
            if one.on == "feature" and _names(ground, one) == target.feature and _is(ground, one, target.name)
        ]
        stated = _stated(ground, target.feature, target.name)
        if not own:
            if denied and stated:
                return f"“not {mention.text}” is the opposite of what the evidence says."
            continue
        if any(((one.op == "ne") != one.negated) == denied for one in own) or (stated and not denied):
            return None
        return f"The question selects {'other values than' if not denied else 'just'} {mention.text} here."
    return None


def _is(ground: Ground, condition: Condition, value: str) -> bool:
    return value == str(condition.value) or value == ground.category(_names(ground, condition), str(condition.value))


def _stated(ground: Ground, feature: str, value: str) -> bool:
    facts = (fact for fact in ground.facts if fact.feature == feature)
    cells = (one for one in ground.cells if ground.named(one.feature) == feature)
    return any(value in (str(fact.at), str(fact.value)) for fact in facts) or any(
        value == ground.category(feature, str(one.value)) for one in cells
    )


def _contained(reading: Reading) -> Iterator[Failure]:
    """“containing “funny”” and “not containing “funny””."""
    wanted = {str(one.value).lower(): one.negated for one in reading.ground.conditions if one.op == "contains"}
    for start, end in reading.quotes:
        negated = wanted.get(reading.text[start + 1 : end - 1].lower())
        before = reading.text[max(0, start - 40) : start]
        if negated is None or not re.search(r"\b(?:contain\w*|with|without|includ\w*|mention\w*)\s+$", before, re.I):
            continue
        denied = bool(re.search(r"\b(?:not|without|n['’]t|no|never)\b(?:\s+\w+)?\s+$", before, re.I))
        if denied != negated:
            said = "do not contain" if negated else "contain"
            yield Failure(check="V4", message=f"The question selects texts that {said} this.", start=start, end=end)


def _correctness(reading: Reading) -> Iterator[Failure]:
    """ "that the model gets wrong" is not "that the model gets right"."""
    wanted = {
        (one.value is None or bool(one.value)) != one.negated
        for one in reading.ground.conditions
        if one.on == "correct"
    }
    if len(wanted) != 1 or not reading.clauses:
        return
    right = wanted.pop()
    text = reading.text
    said = [reading.blanked, *(text[start:end] for start, end in reading.selections)]
    if not any((_RIGHT if right else _WRONG).search(one) for one in said):
        word = "right" if right else "wrong"
        yield Failure(
            check="V5", message=f"Say that it is about cases the model gets {word}.", start=len(text), end=len(text)
        )
