"""V1, V2 and V4 by place: where a text has the words that a tool says a fact with, it must be that fact.

"at most 400 bets" is checked against the number of bets, though some other number of the evidence is 200.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from askwhy.agent.answer import Failure
from askwhy.agent.verify.clauses import Span, inside, words
from askwhy.agent.verify.mentions import Mention, named_with
from askwhy.agent.verify.numbers import Number
from askwhy.agent.verify.places import (
    CLOSE,
    ENTITY,
    OPEN,
    REACH,
    TARGET,
    Gap,
    Lead,
    Place,
    Places,
    Token,
    around,
    leads,
)
from askwhy.agent.verify.reading import Clause, Reading
from askwhy.agent.wording import ORDINALS
from askwhy.tools.evidence import Fact

_FEWEST = 3
"""Words that must be the same around a place."""

_BOUND = re.compile(
    r"\b(?:(?P<most>at most|(?:no|not) (?:more|greater|larger|higher) than|less than|under|below|up to|fewer than)|"
    r"at least|(?:no|not) (?:less|fewer|lower|smaller) than|more than|over|above)\s+$", re.I
)  # fmt: skip
_BOUND_AFTER = re.compile(r" at (?:(?P<most>most)|least)\b(?!\s*\d)", re.I)
_SIDES = {"at most": -1, "at least": 1, "less than": -1, "more than": 1}
_AS_GOOD_AS_ZERO = 5e-4

_Found = Number | Mention | None


def check_places(reading: Reading) -> Iterator[Failure]:
    """Failures of numbers, names and chosen words that stand where another fact belongs."""
    known = Places.of(reading.ground.evidence)
    lists = leads(reading.ground.evidence)
    clauses = {number: clause for clause in reading.clauses for number in clause.numbers}
    for number in range(len(reading.sentences)):
        run = _run(reading, number)
        tokens = tuple(token for token, _ in run)
        yield from _listed(reading, run, lists)
        for position, (token, found) in enumerate(run):
            if isinstance(found, Number):
                clause = clauses.get(found)
                said = _meant(known, tokens, position)
                problem = _number_problem(reading, found, said) if said else None
                problem = problem or _bound_problem(reading, known.all, found, clause)
                if clause is not None and problem:
                    yield clause.failure("V1", problem, (found.start, found.end))
            elif isinstance(found, Mention):
                if problem := _name_problem(reading, found, _meant(known, tokens, position)):
                    yield Failure(check="V4", message=problem, start=found.start, end=found.end)
            elif token.word in ORDINALS and (problem := _rank_problem(reading, token, _meant(known, tokens, position))):
                yield Failure(check="V3", message=problem, start=token.span[0], end=token.span[1])
            elif token.word and (problem := _choice_problem(reading, token, _meant(known, tokens, position))):
                yield Failure(check="V2", message=problem, start=token.span[0], end=token.span[1])


def _run(reading: Reading, sentence: int) -> list[tuple[Token, _Found]]:
    """A sentence as tokens: names, numbers and quotations are gaps, units belong to their numbers."""
    start, end = reading.sentences[sentence]
    apart = tuple(span for span in reading.selections if start <= span[0] < end)
    named = [
        one for one in reading.mentions
        if start <= one.start < end and not _is_comparative(one) and not inside(one.start, apart)
    ]  # fmt: skip
    counted = [one for one in reading.numbers if start <= one.start < end]
    filled: list[tuple[Span, Token, _Found]] = []
    for mention in named:
        kinds = {target.kind for target in mention.targets}
        if split := named_with(mention, reading.ground.schema):
            filled.append(((mention.start, split[1]), Token(gap=Gap()), None))
            filled.append(((split[1], mention.end), Token(gap=Gap()), mention))
            continue
        token = Token(TARGET) if kinds == {"target"} else Token(gap=Gap())
        filled.append((mention.span, token, None if token.word else mention))
    filled += [(_with_unit(reading, one), Token(gap=Gap()), one) for one in counted]
    filled += [(span, Token(gap=Gap()), None) for span in reading.quotes if start <= span[0] < end]
    filled += [(span, Token(), None) for span in (*reading.hidden, *apart) if start <= span[0] < end]
    spans = tuple(span for span, _, _ in filled)
    schema = reading.ground.schema
    entity = {schema.entity.lower(), schema.entities.lower()}
    for word in words(reading.text[start:end]):
        span = (start + word.start, start + word.end)
        if not inside(span[0], spans):
            filled.append((span, Token(ENTITY if word.text.lower() in entity else word.text.lower(), span=span), None))
    ordered = sorted(filled, key=lambda one: one[0])
    return [(Token(OPEN), None), *((token, found) for _, token, found in ordered), (Token(CLOSE), None)]


def _is_comparative(mention: Mention) -> bool:
    return bool({"more", "less"} & {target.kind for target in mention.targets})


def _with_unit(reading: Reading, number: Number) -> Span:
    """The number with the unit that follows it, as long as the schema knows it."""
    schema = reading.ground.schema
    units = {feature.unit for feature in schema.features} | {schema.target.unit, "log-odds"} - {""}
    after = reading.text[number.end :]
    longest = max(
        (unit for unit in units if unit and re.match(rf"\s?{re.escape(unit)}(?!\w)", after)), key=len, default=""
    )
    return number.start, number.end + (len(longest) + after.startswith(" ") if longest else 0)


def _meant(known: Places, tokens: tuple[Token, ...], position: int) -> list[Place]:
    """The places whose words stand around this one; those with most words the same."""
    token = tokens[position]
    if token.word and token.word not in known.chosen:
        return []
    before, after = around(tokens, position)
    best = 0
    found: list[Place] = []
    for place in known.between(before, after[:1]):
        if (place.gap.option is None) == bool(token.word) and token.word not in ORDINALS:
            continue
        left, right = place.words_shared(before, after)
        right = max(right, 0) if left == REACH else right  # enough words before it, whatever follows
        if left < 0 or right < 0 or left + right < max(_FEWEST, best):
            continue
        found = [place] if left + right > best else [*found, place]
        best = left + right
    return found


def _facts(reading: Reading, place: Place) -> list[Fact]:
    """The facts that may fill the place."""
    most = 1 if place.gap.first else None
    return [
        fact for one in reading.ground.evidence if one.tool == place.tool for fact in one.all(place.gap.relation)[:most]
    ]


def _number_problem(reading: Reading, number: Number, said: list[Place]) -> str | None:
    stated = [place.gap.stated for place in said if place.gap.stated is not None]
    told = [place for place in said if place.gap.stated is None]
    if any(abs(one - number.value) < 1e-9 for one in stated) or not all(_numeric(reading, place) for place in told):
        return None
    if any(_is(number, fact, place.gap.part) for place in told for fact in _facts(reading, place)):
        return None
    if any(_in_group(number, _facts(reading, place)) for place in told):  # "age 18 (56%)": the group has a number, too
        return None
    names = {place.gap.relation.replace("_", " ") for place in told if place.gap.relation} | {
        f"{one:g}" for one in stated
    }
    return f"{number.text} stands where the evidence has the {' or '.join(sorted(names))}."


def _listed(reading: Reading, run: list[tuple[Token, _Found]], known: tuple[Lead, ...]) -> Iterator[Failure]:
    """Numbers of a list after words that say what it lists: of that relation, and of the feature they follow."""
    tokens = [token for token, _ in run]
    for position in range(1, len(run)):
        facts: list[Fact] = []
        for lead in known:
            near = tokens[max(0, position - len(lead.before)) : position]
            if len(near) == len(lead.before) and all(map(Token.meets, reversed(lead.before), near)):
                found = (one.all(lead.relation) for one in reading.ground.evidence if one.tool == lead.tool)
                facts += [fact for each in found for fact in each]
        if facts:
            yield from _of_list(run[position:], facts)


def _of_list(run: list[tuple[Token, _Found]], facts: list[Fact]) -> Iterator[Failure]:
    feature: tuple[str, ...] = ()
    for token, found in run:
        if isinstance(found, Mention):
            feature = found.names("feature") or feature
        elif isinstance(found, Number):
            own = [fact for fact in facts if fact.feature is None or not feature or fact.feature in feature]
            parts = ("value", "at", "error", "rank", "row")
            if own and not any(_is(found, fact, part) for fact in own for part in parts) and not _in_group(found, own):
                relation = own[0].relation.replace("_", " ")
                message = f"{found.text} is not the {relation} in the evidence."
                yield Failure(check="V1", message=message, start=found.start, end=found.end)
        elif token.word not in ("and", ENTITY):
            return  # the list is over


def _in_group(number: Number, facts: list[Fact]) -> bool:
    return any(number.text in (fact.group or "") for fact in facts)


def _rank_problem(reading: Reading, token: Token, said: list[Place]) -> str | None:
    """ "the third rule" where the fact is of the second."""
    ranks: set[object] = set()
    for place in said:
        facts = _facts(reading, place)
        if place.gap.part != "rank" and any(fact.unit != "rank" for fact in facts):
            return None
        ranks |= {fact.rank if place.gap.part == "rank" else fact.value for fact in facts}
    number = ORDINALS.index(token.word) + 1
    if not said or not ranks or number in ranks:
        return None
    return f"“{token.word}” is not the rank in the evidence ({', '.join(sorted(map(str, ranks)))})."


def _bound_problem(reading: Reading, known: tuple[Place, ...], number: Number, clause: Clause | None) -> str | None:
    """ "more than 10%" where the tool says "at most 10%"."""
    start = clause.start if clause is not None else number.start
    found = _BOUND.search(reading.text, start, number.start)
    later = _BOUND_AFTER.match(reading.text, number.end)
    if found is None and later is None:
        return None
    own = [
        place
        for place in known
        if (place.gap.stated is not None and abs(place.gap.stated - number.value) < 1e-9)
        or any(_is(number, fact, place.gap.part) for fact in _facts(reading, place) if _prints_so(number, fact))
    ]
    beside = (
        [reversed(place.before[:2]) for place in own] if found is not None else [iter(place.after[:2]) for place in own]
    )
    sides = {_SIDES.get(" ".join(token.word for token in near)) for near in beside}
    said = -1 if (found or later)["most"] else 1  # type: ignore[index]
    if not sides or None in sides or said in sides:
        return None
    return f"The evidence has “{'at least' if said < 0 else 'at most'}” with {number.text}."


def _is(number: Number, fact: Fact, part: str) -> bool:
    """Whether the number can be this part of the fact, whatever its sign."""
    value = _part(fact, part)
    if number.kind == "date":
        return str(value).startswith(number.text[:10])
    if isinstance(value, str) and fact.unit in ("category", "feature", "share", "probability"):
        return value == number.text  # a category that is called 1
    if isinstance(value, (str, bool)) or not isinstance(value, (int, float)):
        return False
    if number.sign and fact.unit == "log-odds" and part == "value" and number.sign * value < 0:
        return False
    return any(
        abs(abs(number.value) - abs(value) * scale) <= number.tolerance + 1e-9 * abs(value) * scale
        for scale in _scales(number, fact)
    )


def _prints_so(number: Number, fact: Fact) -> bool:
    """Whether the fact is said with or without a percent sign as the number is: "above 30" is no 30%."""
    if fact.unit == "score" and number.kind == "plain" and isinstance(fact.value, (int, float)):
        return abs(abs(number.value) - abs(fact.value)) <= number.tolerance
    return (number.kind in ("percent", "points")) == (fact.unit in ("probability", "share", "points"))


def _scales(number: Number, fact: Fact) -> tuple[float, ...]:
    """What the fact's value may be multiplied by to be said as this kind of number."""
    own_unit = number.end - number.start > len(number.text)  # in "0.93 to 99%" the unit is the second one's
    if number.kind == "percent" and own_unit:
        return (1.0,) if fact.unit in ("output", "feature", "") else (100.0,) if fact.unit != "points" else ()
    if number.kind == "points" and own_unit:
        return (100.0,) if fact.unit == "points" else (1.0,) if fact.unit == "output" else ()
    return (1.0, 100.0) if fact.unit in ("probability", "share", "points", "score") else (1.0,)


def _numeric(reading: Reading, place: Place) -> bool:
    """Whether facts put a number there."""
    parts = [_part(fact, place.gap.part) for fact in _facts(reading, place)]
    return bool(parts) and all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in parts)


def _part(fact: Fact, part: str) -> object:
    return {"id": fact.row, "value": fact.value}.get(part, getattr(fact, part, None))


def _name_problem(reading: Reading, mention: Mention, said: list[Place]) -> str | None:
    """A class or a feature in the place of another."""
    allowed: set[str] = set()
    for place in said:
        if place.gap.stated is not None or place.gap.relation == "row":
            return None
        kind = "class" if place.gap.part == "cls" else "feature" if place.gap.part == "feature" else ""
        facts = _facts(reading, place)
        if place.gap.part == "value":
            units = {fact.unit for fact in facts}
            kind = "class" if units == {"class"} else ""
        if not kind or not mention.names("class" if kind == "class" else "feature"):
            return None
        allowed |= {str(_part(fact, place.gap.part)) for fact in facts}
    names = {*mention.names("class"), *mention.names("feature")}
    if mention.text.lower().startswith("not "):  # a class that is named by what it is not
        return None
    if not said or not allowed or names & allowed:
        return None
    relation = said[0].gap.relation.replace("_", " ")
    return f"{mention.text} is not the {relation} in the evidence ({', '.join(sorted(allowed)[:4])})."


def _choice_problem(reading: Reading, token: Token, said: list[Place]) -> str | None:
    """A word that the tool chooses by a fact, against that fact."""
    own = [place for place in said if place.gap.option is not None]
    wanted: set[str] = set()
    for place in own:
        for fact in _facts(reading, place):
            wanted |= {str(one) for one in _options(fact, place.gap.options)}
    chosen = {str(place.gap.option) for place in own if place.gap.word == token.word}
    if not own or not wanted or not chosen or wanted & chosen:
        return None
    return f"“{token.word}” is not what the evidence says of the {own[0].gap.relation.replace('_', ' ')}."


def _options(fact: Fact, count: int) -> tuple[int, ...]:
    """Which of the words the fact's value calls for; all of them where it is as good as zero."""
    if isinstance(fact.value, bool):
        return (0,) if fact.value else (1,)
    if isinstance(fact.value, str) or fact.value is None:
        return tuple(range(count))
    if abs(fact.number()) < _AS_GOOD_AS_ZERO:
        return tuple(range(count))
    return (0,) if fact.number() > 0 else (1,)
