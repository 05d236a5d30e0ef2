"""V3: what is called most, second, top or more than something else is so in the evidence."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from askwhy.agent.answer import Failure
from askwhy.agent.verify.check_directions import Direction
from askwhy.agent.verify.reading import Clause, Reading
from askwhy.agent.wording import ORDINALS, ordinal_value
from askwhy.tools.evidence import Fact

Pool = dict[str, Fact]

_WEIGHT = r"(?:important|influential|relevant|decisive|weighty|significant)"
_NOUN = r"(?:effect|influence|impact|contribution|importance|weight|attribution|role|driver|factor|feature|reason)"
_MOST = re.compile(
    rf"\b(?:most {_WEIGHT}|strongest|weightiest|largest|biggest|greatest|"
    rf"(?:main|top|chief|leading|primary|foremost|key|major) (?:\w+ )?{_NOUN}s?|top (?!end\b)\w+|"
    rf"(?:matter|count|weigh|contribut|mov|rais|lower|chang|push|affect|influenc|support|oppos|speak|increas|decreas|"
    rf"reduc|lift|bring|pull|drag)(?:s|es|e|ed)? (?:\S+ ){{0,6}}?(?:the )?most|most(?= of all|:)|decisive)\b", re.I
)  # fmt: skip
_LEAST = re.compile(
    rf"\b(?:least {_WEIGHT}|weakest|smallest|(?:matter|count|weigh|contribut|mov|rais|lower|chang|push|affect|"
    rf"influenc|"
    rf"support|oppos|speak|increas|decreas|reduc|lift|bring|pull|drag)(?:s|es|e|ed)? (?:\S+ ){{0,6}}?(?:the )?least)\b",
    re.I,
)
_ORDINAL = re.compile(
    rf"\b(?P<word>{'|'.join(ORDINALS)}|\d+(?:st|nd|rd|th))\b(?:[ -](?:most {_WEIGHT}|strongest|largest|biggest|"
    rf"greatest|place|rank|position|of (?:the|all)))|\b(?:rank(?:s|ed)?|comes?|came|place[sd]?) (?:in |is |as |the )*"
    rf"(?P<after>{'|'.join(ORDINALS)}|\d+(?:st|nd|rd|th))\b|\brank(?:s|ed)? (?:is |of )?(?:number |"
    rf"#)?(?P<digit>\d+)\b", re.I
)  # fmt: skip
_MORE_THAN = re.compile(
    rf"\b(?:(?P<more>more|stronger|larger|bigger|greater|higher)|(?P<less>less|weaker|smaller|lower))\b"
    rf"(?: {_WEIGHT}| strongly| {_NOUN}| overall| (?:on|in|for|to) [\w ]{{1,30}}?)*? than (?:(?:that|the|one|its|"
    rf"those|does) (?:of )?)*_", re.I
)  # fmt: skip
_OUTWEIGHS = re.compile(r"\b(?:outweigh(?:s|ed)?|exceed(?:s|ed)?) (?:(?:that|the) (?:of )?)?_", re.I)
_EQUAL = re.compile(
    r"\b(?:about (?:as|equal)|equally|as (?:important|strong|large|influential) as|about the same)\b", re.I
)
_DENIED = re.compile(r"\b(?:not|no|never|neither|nor|\w+n['’]t)\b[\w\s]{0,20}$", re.I)
_IS_SUBJECT = re.compile(
    r"\s*(?:\([^()]*\)\s*|,?\s(?:of|at)\s[^\s,;]+(?:\s\w+)?)?,?\s*(?:by far\s+)?(?:is|are|was|were|"
    r"has|have|had|matter|count|weigh|contribut|rais|lower|mov|chang|"
    r"push|pull|affect|influenc|rank|come|came|speak|support|oppos|increas|decreas|reduc|plays?)", re.I
)  # fmt: skip

_LOSSES = ("importance", "asked_importance")


def check_ranks(reading: Reading, claims: tuple[Direction, ...]) -> Iterator[Failure]:
    """Failures of ranks and comparisons."""
    for clause in reading.clauses:
        yield from _comparisons(reading, clause)
        yield from _superlatives(reading, clause, claims)
        yield from _ordinals(reading, clause, claims)


def pools(reading: Reading, clause: Clause, sign: int = 0) -> list[Pool]:
    """Ranked facts by feature, a pool for each relation, class and row; only those that know most features."""
    found: dict[tuple[object, ...], Pool] = {}
    rows = clause.rows or clause.about
    for step, evidence in enumerate(reading.ground.evidence):
        for fact in evidence.facts:
            ranked = fact.rank is not None or fact in reading.ground.signed or "importance" in fact.relation
            if not (fact.feature and ranked) or isinstance(fact.value, (str, bool)) or fact.value is None:
                continue
            if not rows or fact.row is None or fact.row in rows:
                key = (step, fact.relation, fact.cls, fact.row, fact.group)
                found.setdefault(key, {}).setdefault(fact.feature, fact)
    widest = max(map(len, found.values()), default=0)
    wide = [pool for pool in found.values() if len(pool) == widest]
    flip = -1 if reading.ground.schema.task == "binary" else 0
    return [_of_sign(pool, sign, clause, flip) for pool in wide] if sign else wide


def _of_sign(pool: Pool, sign: int, clause: Clause, flip: int) -> Pool:
    named = clause.classes or clause.context
    kept = {}
    for name, fact in pool.items():
        turned = flip if flip and named and fact.cls is not None and fact.cls not in named else 1
        if fact.number() * turned * sign > 0:
            kept[name] = fact
    return kept


def size(fact: Fact) -> float:
    """How much it matters, whichever way; what is lost without a feature has no two ways: below zero is the least."""
    return fact.number() if fact.relation in _LOSSES else abs(fact.number())


def margin(one: Fact, other: Fact) -> float:
    """Differences up to two standard errors are ties."""
    return 2 * math.hypot(one.error or 0.0, other.error or 0.0)


def _comparisons(reading: Reading, clause: Clause) -> Iterator[Failure]:
    for pattern in (_MORE_THAN, _OUTWEIGHS):
        for match in pattern.finditer(clause.text):
            start, end = clause.start + match.start(), clause.start + match.end()
            before = [name for one in clause.mentions if one.end <= start for name in one.names("feature")]
            after = [name for one in clause.mentions if one.start >= end - 1 for name in one.names("feature")]
            left = before[-1] if before else clause.subjects[-1] if clause.subjects else None
            if left is None or not after or left == after[0]:
                continue
            less = pattern is _MORE_THAN and match["less"] is not None
            denied = bool(_DENIED.search(clause.text, 0, match.start()))
            if problem := _compare(reading, clause, left, after[0], less, denied):
                yield clause.failure("V3", problem, (start, end))
    if _EQUAL.search(clause.text):
        names = [name for one in _between_semicolons(reading, clause) for name in one.features]
        if len(names) == 2 and (problem := _equal(reading, clause, names[0], names[1])):
            yield clause.failure("V3", problem)


def _between_semicolons(reading: Reading, clause: Clause) -> list[Clause]:
    """The clauses around one, up to a semicolon on either side."""
    found: list[Clause] = []
    for one in reading.of_sentence(clause.sentence):
        if found and ";" in reading.text[found[-1].end : one.start]:
            if clause in found:
                return found
            found = []
        found.append(one)
    return found


def _compare(reading: Reading, clause: Clause, left: str, right: str, less: bool, denied: bool) -> str | None:
    found = [(pool[left], pool[right]) for pool in pools(reading, clause) if left in pool and right in pool]
    if not found:
        return f"The evidence does not compare {_label(reading, left)} with {_label(reading, right)}."
    for one, other in found:
        high, low = (other, one) if less else (one, other)
        larger = size(high) - size(low) > margin(high, low) and size(high) > size(low)
        if larger != denied:
            return None
    one, other = found[0]
    if abs(size(one) - size(other)) <= margin(one, other):
        return f"{_label(reading, left)} and {_label(reading, right)} are about equal within the sampling error."
    first = left if size(one) > size(other) else right
    return f"In the evidence {_label(reading, first)} is the larger of the two."


def _equal(reading: Reading, clause: Clause, left: str, right: str) -> str | None:
    found = [(pool[left], pool[right]) for pool in pools(reading, clause) if left in pool and right in pool]
    if not found or any(abs(size(a) - size(b)) <= max(margin(a, b), 5e-4) for a, b in found):
        return None
    return f"{_label(reading, left)} and {_label(reading, right)} differ by more than the sampling error."


def _superlatives(reading: Reading, clause: Clause, claims: tuple[Direction, ...]) -> Iterator[Failure]:
    for pattern, least in ((_MOST, False), (_LEAST, True)):
        match = pattern.search(clause.text)
        if match is None or re.match(r"(?:largest|biggest|greatest|smallest)\s+_", clause.text[match.start() :], re.I):
            continue
        if _ORDINAL.search(clause.text, max(0, match.start() - 12), match.end()):
            continue
        listed, single = _listed(reading, clause, match)
        if not listed:
            continue
        sign = next((one.sign for one in claims if one.clause is clause), 0)
        allowed = [pool for pool in pools(reading, clause, sign) if all(name in pool for name in listed)]
        problems = [_order(reading, pool, listed, least, single) for pool in allowed]
        if not problems:
            names = ", ".join(_label(reading, name) for name in listed)
            yield clause.failure("V3", f"The evidence does not rank {names} in that way.", _span(clause, match))
        elif all(problems):
            yield clause.failure("V3", str(problems[0]), _span(clause, match))


def _listed(reading: Reading, clause: Clause, match: re.Match[str]) -> tuple[list[str], bool]:
    """The features called most, in order; and whether it is one feature that is singled out."""
    start = clause.start + match.start()
    for one in reversed(clause.mentions):
        names = one.names("feature")
        if names and one.end <= start + 1 and _IS_SUBJECT.match(reading.text, one.end):
            return [names[0]], True
    if not any(one.names("feature") for one in clause.mentions if one.start < start) and not _before_cue(clause, match):
        subject = clause.subjects if not clause.features else ()
        if subject and re.match(r"\s*(?:which |that |and )?(?:is|has|matters|lowers|raises)\b", clause.text, re.I):
            return [subject[-1]], True
    after = [name for one in clause.mentions if one.start >= start for name in one.names("feature")]
    for later in reading.of_sentence(clause.sentence):
        if later.start > clause.start:
            if _MOST.search(later.text) or _LEAST.search(later.text) or _ORDINAL.search(later.text):
                break
            after += later.features[:1] if not later.listing else later.features
    return list(dict.fromkeys(after)), len(set(after)) == 1


def _before_cue(clause: Clause, match: re.Match[str]) -> bool:
    return bool(re.search(r"\b(?:what|which|these|those|features?)\b", clause.text[: match.start()], re.I))


def _order(reading: Reading, pool: Pool, listed: list[str], least: bool, single: bool) -> str | None:
    asked = {
        str(value)
        for one in reading.ground.arguments
        if isinstance(one.value, (str, tuple))
        for value in _each(one.value)
    }
    way = -1 if least else 1
    rest = dict(pool)
    for position, name in enumerate(listed):
        one = rest.pop(name)
        others = (
            [pool[later] for later in listed[position + 1 :]] if name in asked and position else list(rest.values())
        )
        ahead = [fact for fact in others if way * (size(fact) - size(one)) > margin(fact, one) + 1e-12]
        if ahead:
            best = max(ahead, key=lambda fact: way * size(fact))
            word = "smaller" if least else "larger"
            return f"{_label(reading, best.feature or '')} is {word} than {_label(reading, name)} in the evidence."
        ties = [fact for fact in others if margin(fact, one) > 0 and abs(size(fact) - size(one)) <= margin(fact, one)]
        if single and ties:
            other = _label(reading, ties[0].feature or "")
            return f"{_label(reading, name)} and {other} are about equal within the sampling error."
    return None


def _each(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _ordinals(reading: Reading, clause: Clause, claims: tuple[Direction, ...]) -> Iterator[Failure]:
    for match in _ORDINAL.finditer(clause.text):
        nth = ordinal_value(match["word"] or match["after"] or match["digit"])
        name = _ranked(reading, clause, match)
        if name is None or nth is None:
            continue
        sign = next((one.sign for one in claims if one.clause is clause), 0)
        if not _has_rank(reading, clause, name, nth, sign):
            yield clause.failure(
                "V3", f"{_label(reading, name)} is not number {nth} in the evidence.", _span(clause, match)
            )


def _ranked(reading: Reading, clause: Clause, match: re.Match[str]) -> str | None:
    """The feature an ordinal is about: the one after "the second most important feature is", else the one before."""
    start, end = clause.start + match.start(), clause.start + match.end()
    after = [name for one in clause.mentions if one.start >= end for name in one.names("feature")]
    before = [name for one in clause.mentions if one.end <= start for name in one.names("feature")]
    copula = re.match(rf"(?:\s+{_NOUN}s?)?\s+(?:is|was|are|:|comes?|being)\b", clause.text[match.end() :], re.I)
    if after and (copula or not before):
        return after[0]
    return before[-1] if before else clause.subjects[-1] if clause.subjects else None


def _has_rank(reading: Reading, clause: Clause, name: str, nth: int, sign: int) -> bool:
    for one_sign in {0, sign}:
        for pool in pools(reading, clause, one_sign):
            if name not in pool:
                continue
            own = pool[name]
            above = sum(size(fact) > size(own) + 1e-12 for fact in pool.values())
            level = sum(abs(size(fact) - size(own)) <= 1e-12 for fact in pool.values())
            if above < nth <= above + level:
                return True
    rows = clause.rows or clause.about
    known = [fact for fact in reading.ground.facts if fact.feature == name and fact.rank == nth]
    lone = all(len(pool) < 2 for pool in pools(reading, clause))
    return lone and any(not rows or fact.row is None or fact.row in rows for fact in known)


def _span(clause: Clause, match: re.Match[str]) -> tuple[int, int]:
    return clause.start + match.start(), clause.start + match.end()


def _label(reading: Reading, name: str) -> str:
    found = reading.ground.feature(name)
    return found.label if found is not None else name
