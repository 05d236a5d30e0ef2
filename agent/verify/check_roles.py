"""V1 for numbers in the wrong place: before for after, low for high, the value at one point for that at another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from askwhy.agent.answer import Failure
from askwhy.agent.verify.check_numbers import matches
from askwhy.agent.verify.clauses import words
from askwhy.agent.verify.numbers import Number
from askwhy.agent.verify.patterns import contrasts, words_around
from askwhy.agent.verify.reading import Clause, Reading
from askwhy.tools.evidence import Fact

_EARLY = re.compile(r"(?:^|_)(?:low|lower|lowest|before|start|from|old|original|current|min)(?:_|$)")
_LATE = re.compile(r"(?:^|_)(?:high|upper|highest|after|end|to|new|max|changed)(?:_|$)")
_BOUND = re.compile(r"\bat (?:most|least)\b", re.I)
_OF_CLASS = re.compile(r"(?: of (?:them|these|those))? (?:is|are|was|were)(?: (?:really|truly|actually))? ", re.I)
_INTERVAL = re.compile(r"\b(?:interval|rang(?:e|es|ing)|runs?|between)\b[\w\s]{0,12}$", re.I)
_FROM = re.compile(r"\b(?:from|between)\s*[^\d]{0,3}$", re.I)
_TO = re.compile(r"\b(?:to|and)\s*[^\d]{0,3}$", re.I)
_INSTEAD = re.compile(
    r"\s*(?:\w+\s+){0,4}?(?:instead of|rather than|up from|down from|compared (?:with|to)|"
    r"against)\s+(?:\w+\s+){0,4}?[+\-−]?$",
    re.I,
)
_AT = re.compile(r"\s*(?:at|for|with|when|where)\s+(?:the\s+|a\s+|an\s+)?(?:_+\s+)?(?:(?:is|of|at)\s+)?[+\-−]?$", re.I)
_POLES: tuple[tuple[frozenset[str], frozenset[str]], ...] = tuple(
    (frozenset(one.split()), frozenset(other.split()))
    for one, other in (
        (
            "right rightly correct correctly",
            "wrong wrongly incorrect incorrectly mistaken misclassified mistake mistakes",
        ),
        ("lowest smallest minimum least earliest", "highest largest maximum most latest biggest greatest"),
        ("lower", "higher upper"),
        ("mean average averages", "median"),
        ("always", "never"),
        ("positive positives", "negative negatives"),
        ("true truly", "false"),
        ("inside within", "outside"),
        ("falls fall falling", "rises rise rising"),
    )
)


def check_roles(reading: Reading) -> Iterator[Failure]:
    """Failures of numbers that are true of something else than is said."""
    for clause in reading.clauses:
        facts = {number: _facts(reading, clause, number) for number in clause.numbers}
        for first, second in pairwise(clause.numbers):
            if problem := _pair(reading, clause, first, second, facts[first], facts[second]):
                yield clause.failure("V1", problem, (first.start, second.end))
        yield from _from_to(reading, clause, facts)
        yield from _at_category(reading, clause, facts)
        for number in clause.numbers:
            problem = _pole(reading, clause, number, facts[number]) or _class_problem(reading, clause, number)
            if problem := problem or _group_problem(reading, number, facts[number]):
                yield clause.failure("V1", problem, (number.start, number.end))


def _facts(reading: Reading, clause: Clause, number: Number) -> list[tuple[Fact, bool]]:
    """The facts a number may be of, each with whether it is their value (and not where they were taken)."""
    found = []
    for known in matches(reading, clause, number):
        if known.fact is not None:
            found.append((known.fact, known.unit == (known.fact.unit or "feature") and known.value == known.fact.value))
    return found


def _pair(
    reading: Reading,
    clause: Clause,
    first: Number,
    second: Number,
    one: list[tuple[Fact, bool]],
    other: list[tuple[Fact, bool]],
) -> str | None:
    between = reading.blanked[first.end : second.start]
    alone = len(one) == len(other) == 1 and one == other
    if first.kind == "date" or second.kind == "date":
        return None
    if _INSTEAD.fullmatch(between) and (alone or (not one and not other and first.value == second.value)):
        return f"{first.text} stands on both sides."
    turned = _turned(reading, one, other) and not _turned(reading, other, one)
    if _INSTEAD.fullmatch(between) and (_misplaced(other, one) or turned or _is_cell_swap(one, other)):
        return f"{first.text} and {second.text} are the other way round in the evidence."
    values = [fact for fact, is_value in one if is_value and fact.at is not None]
    places = [fact for fact, is_value in other if not is_value]
    if _AT.fullmatch(between) and values and places and not any(fact in places for fact in values):
        return f"{first.text} is not the value at {second.text} in the evidence."
    if re.fullmatch(r"\s*\w*\s*\(", between):
        points, at_them = (
            [fact for fact, is_value in one if not is_value],
            [fact for fact, is_value in other if is_value and fact.at is not None],
        )
        if points and at_them and not any(fact in points for fact in at_them):
            return f"{second.text} is not the value at {first.text} in the evidence."
    return None


def _turned(reading: Reading, first: list[tuple[Fact, bool]], second: list[tuple[Fact, bool]]) -> bool:
    """Whether the tools say facts of these relations, but the other way round."""
    order = contrasts(reading.ground.evidence)
    pairs = [(one.relation, other.relation) for one, _ in first for other, _ in second]
    return any((b, a) in order for a, b in pairs) and not any((a, b) in order for a, b in pairs)


def _is_cell_swap(first: list[tuple[Fact, bool]], second: list[tuple[Fact, bool]]) -> bool:
    """ "6 months instead of 43" for a change of 6 to 43."""
    old = [fact for fact, is_value in first if not is_value]
    new = [fact for fact, is_value in second if is_value]
    right = [fact for fact, is_value in first if is_value and (fact, False) in second]
    return any(fact in new for fact in old) and not right


def _misplaced(first: list[tuple[Fact, bool]], second: list[tuple[Fact, bool]]) -> bool:
    """Whether what is said to come first can only come later, or what is said to come later only first."""
    one, other = [fact.relation for fact, _ in first], [fact.relation for fact, _ in second]
    late = bool(one) and all(_LATE.search(name) for name in one)
    return late or (bool(other) and all(_EARLY.search(name) for name in other))


def _from_to(reading: Reading, clause: Clause, facts: dict[Number, list[tuple[Fact, bool]]]) -> Iterator[Failure]:
    starts = [number for number in clause.numbers if _FROM.search(reading.text[clause.start : number.start])]
    for start in starts:
        later = [number for number in clause.numbers if number.start > start.start]
        end = next((one for one in later if _TO.search(reading.text[start.end : one.start])), None)
        if end is None:
            continue
        falling = start.value > end.value and start.kind == end.kind
        between = bool(_INTERVAL.search(reading.text[clause.start : start.start]))
        if (between and falling) or _misplaced(facts[start], facts[end]):
            message = f"{start.text} and {end.text} are the other way round in the evidence."
            yield clause.failure("V1", message, (start.start, end.end))


def _at_category(reading: Reading, clause: Clause, facts: dict[Number, list[tuple[Fact, bool]]]) -> Iterator[Failure]:
    """ "80% for rent", "rent (80%)"."""
    for mention in clause.mentions:
        names = {target.name for target in mention.targets if target.kind == "category"}
        if not names:
            continue
        for number, found in facts.items():
            after = re.fullmatch(r"\s*(?:at|for|with|when)\s+(?:\w+\s+)?", reading.blanked[number.end : mention.start])
            before = re.fullmatch(r"\s*(?:\(|:|=)\s*[+\-−]?", reading.blanked[mention.end : number.start])
            values = [fact for fact, is_value in found if is_value and fact.at is not None]
            if (after or before) and values and not any(str(fact.at) in names for fact in values):
                message = f"{number.text} is not the value for {mention.text} in the evidence."
                yield clause.failure("V1", message, (number.start, number.end))


def _pole(reading: Reading, clause: Clause, number: Number, facts: list[tuple[Fact, bool]]) -> str | None:
    """A word that is the opposite of the one the tool itself says this number with."""
    own = [fact for fact, is_value in facts if is_value]
    if not own or len(own) < len(facts):
        return None
    chars = list(reading.text)
    for start, end in reading.selections:
        chars[start:end] = " " * (end - start)
    said = {word.lower for word in words(_BOUND.sub("", "".join(chars[clause.start : clause.end])))}
    if all(fact.unit == "count" for fact in own):  # "the smallest age over 1 applicant": the word is of another fact
        said -= {one.lower() for one in reading.ground.groups if " " not in one}
    named = (*_groups_beside(reading, number), *_groups_around(reading, number))
    if all(_is_sibling(reading, fact, said) and fact.group not in named for fact in own):
        return f"The evidence has this number for “{own[0].group}”."
    problems = []
    for fact in own:
        around = words_around(reading.ground.evidence, fact.relation)
        around |= {word.lower for word in words(f"{fact.group or ''} {fact.relation.replace('_', ' ')}")}
        if fact.group is None:  # "over 40 rows" stands beside "the smallest", which is said of another number
            around |= {word for one in reading.ground.facts for word in _group_words(one)}
        around -= {"most", "least"} if "at" in around else set()  # of "at most"
        problems.append(_opposite(said, around))
    return None if any(problem is None for problem in problems) else problems[0]


def _is_sibling(reading: Reading, fact: Fact, said: set[str]) -> bool:
    """Whether the clause says the group of another fact of the same relation, and not this one's."""
    if not fact.group or _group_words(fact) <= said:
        return False
    siblings = (
        one for one in reading.ground.facts if one.relation == fact.relation and one.group not in (None, fact.group)
    )
    return any(_group_words(one) <= said for one in siblings)


def _group_words(fact: Fact) -> set[str]:
    return {word.lower for word in words(fact.group or "")}


def _class_problem(reading: Reading, clause: Clause, number: Number) -> str | None:
    """ "2 of them are declined" where 2 are approved."""
    counts = [fact for fact in reading.ground.facts if fact.unit == "count" and fact.cls and fact.value == number.value]
    named = next((one for one in clause.mentions if one.start >= number.end and one.names("class")), None)
    if not counts or named is None or not _OF_CLASS.fullmatch(reading.text, number.end, named.start):
        return None
    if any(fact.cls in named.names("class") for fact in counts):
        return None
    known = {fact.relation for fact in reading.ground.facts if fact.cls in named.names("class")}
    if not known & {fact.relation for fact in counts} or named.text.lower().startswith("not "):
        return None
    return f"{number.text} is not the number of {named.text} in the evidence."


def _group_problem(reading: Reading, number: Number, facts: list[tuple[Fact, bool]]) -> str | None:
    """ "SHAP and LIME share 2" where another pair shares 2; "165 truly declined and predicted approved"."""
    near = _groups_beside(reading, number)
    shared = reading.text[: number.start].lower().endswith(" share ")
    if not near or not (facts or shared) or any(fact.group in near for fact, _ in facts):
        return None
    return f"{number.text} is not the number for {near[0]} in the evidence."


def _groups_around(reading: Reading, number: Number) -> tuple[str, ...]:
    """The groups in whose words the number stands: the 12 of "radius above 12 and at most 14"."""
    return tuple(
        group for group in reading.ground.groups
        if any(
            found.start() <= number.start < found.end()
            for found in re.finditer(rf"(?<!\w){re.escape(group)}(?!\w)", reading.text, re.I)
        )
    )  # fmt: skip


def _groups_beside(reading: Reading, number: Number) -> tuple[str, ...]:
    """The groups that stand right beside a number, the longest: "SHAP and LIME", not "LIME"."""
    before, after = reading.text[: number.start].lower(), reading.text[number.end :].lower()
    near = [
        group for group in reading.ground.groups
        if before.endswith((f"{group} (".lower(), f"{group} (by ".lower(), f"{group} share ".lower()))
        or after.startswith((f" ({group})".lower(), f" {group} and".lower()))
    ]  # fmt: skip
    longest = max(map(len, near), default=0)
    return tuple(group for group in near if len(group) == longest)


def _opposite(said: set[str], around: frozenset[str] | set[str]) -> str | None:
    for one, other in _POLES:
        for mine, theirs in ((one, other), (other, one)):
            if said & mine and not said & theirs and around & theirs and not around & mine:
                return f"The evidence has this number for “{min(around & theirs)}”, not for “{min(said & mine)}”."
    return None
