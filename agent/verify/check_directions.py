"""V2: what raises, lowers or leaves the output alone does so in the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from askwhy.agent.answer import Failure
from askwhy.agent.verify.check_numbers import matches
from askwhy.agent.verify.clauses import inside
from askwhy.agent.verify.ground import is_signed, trend_of
from askwhy.agent.verify.patterns import says_around
from askwhy.agent.verify.reading import Clause, Reading
from askwhy.tools.evidence import Fact

Sign = Literal[-1, 0, 1]

_OUTPUT = (
    r"(?:probabilit(?:y|ies)|predictions?|predicted \w+|chances?|likelihood|odds|outputs?|estimates?|scores?|risk)"
)
_UP = (
    r"rais(?:e|es|ed)|increas(?:e|es|ed)|lift(?:s|ed)?|boost(?:s|ed)?|adds?(?= (?:to|[\d+]|about|around|roughly))|"
    r"support(?:s|ed)?|favou?r(?:s|ed)?|(?:push|pull|mov|driv|shift|tilt|bring)(?:es|ed|e|s)? (?:\w+ ){0,5}?"
    r"(?:up|upwards?|higher|towards?)|"
    r"(?:speak|count|argue|work|weigh|vote|(?<!percentage )(?<!\d )point|tell|act)(?:s|"
    r"ed)? (?:\w+ )?(?:for|in favou?r of|towards?)|"
    r"in favou?r of|in (?:its|his|her|their|your) favou?r|"
    r"contribut(?:e|es|ed) positively|(?:makes?|made|making) (?:\w+ ){1,6}?more (?:likely|probable)|helps?|helped|"
    r"(?:effect|contribution|influence|impact) (?:of \w+ )?(?:is|was) positive|positive (?:effect|contribution|"
    r"influence|impact)"
)
_DOWN = (
    r"lowers|lowered|lower(?= (?:it|the|this|that|its|his|her|your|their|them|both|predict\w+|probabilit\w+|_))|"
    r"reduc(?:e|es|ed)|decreas(?:e|es|ed)|cuts?|diminish(?:es|ed)?|"
    r"lessen(?:s|ed)?|hurts?|oppos(?:e|es|ed)|(?:push|pull|mov|driv|shift|tilt|bring|drag)(?:es|ed|e|s)? (?:\w+ "
    r"){0,5}?"
    r"(?:down|downwards?|lower|away from|against)|"
    r"(?:speak|count|argue|work|weigh|vote|(?<!percentage )(?<!\d )point|tell|act)(?:s|ed)? (?:\w+ )?"
    r"against|against(?= (?:it|that|_|this))|contribut(?:e|es|ed) negatively|takes? away|"
    r"(?:makes?|made|making) (?:\w+ ){1,6}?less (?:likely|probable)|"
    r"(?:effect|contribution|influence|impact) (?:of \w+ )?(?:is|was) negative|negative (?:effect|contribution|"
    r"influence|impact)"
)
_ZERO = (
    r"(?:does|do|did|would|will) not (?:change|affect|influence|move|alter|matter)|"
    r"(?:has|have|had|makes?|would make|with|of) (?:no|zero) (?:effect|influence|impact|difference|change|"
    r"contribution)|"
    r"(?:stays?|remains?|is|are|was|be|leaves? (?:\w+ ){1,5}?)\s?(?:unchanged|unaffected|the same)"
)
_GOES_UP = (
    r"ris(?:e|es|en)|rose|climb(?:s|ed)?|gr(?:ow|ows|ew|own)|gains?|(?:go|goes|went|gone|be|is|was|are|comes?) up|"
    r"(?<!add )up (?:by|to|from)|increas(?:e|es|ed)"
)
_GOES_DOWN = (
    r"falls?|fell|fallen|drop(?:s|ped)?|shrinks?|shrank|sinks?|sank|los(?:e|es)|"
    r"(?:go|goes|went|gone|be|is|was|are|comes?) down|down (?:by|to|from)|decreas(?:e|es|ed)"
)
_COMPARED_UP = (
    r"(?:points?|pp|%|per ?cent|\d|would be|will be|is|becomes?|_+) (?:higher|larger|more likely)(?! than the)"
)
_COMPARED_DOWN = (
    r"(?:points?|pp|%|per ?cent|\d|would be|will be|is|becomes?|_+) (?:lower|smaller|less likely)(?! than the)"
)

_VERBS: tuple[tuple[Sign, bool, str], ...] = (
    (0, False, _ZERO), (1, False, _UP), (-1, False, _DOWN), (1, True, _GOES_UP), (-1, True, _GOES_DOWN),
    (1, True, _COMPARED_UP), (-1, True, _COMPARED_DOWN),
)  # fmt: skip
_PATTERNS = tuple(
    (sign, output, re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", re.I)) for sign, output, pattern in _VERBS
)
_SUPPOSED = re.compile(
    r"\b(?:if|when|were|had|suppose|assuming|after|once|by (?:rais|lower|increas|decreas)ing)\b", re.I
)
_SUBJECT = re.compile(rf"\b{_OUTPUT}\b", re.I)
_DENIED = re.compile(
    r"\b(?:not|never|no longer|neither|nor|cannot|hardly|\w+n['’]t|without|none|nothing|no)\b[\w\s]{0,25}$", re.I
)
_GENERIC = re.compile(
    r"\b(?:features?|factors?|reasons?|words?|things?|values?|none|nothing|neither|each|others?|which|what)\b", re.I
)
_OWN_MOVE = re.compile(r"\b(?:as|when|if|once|the more|the higher)\s+(?:the\s+)?_+\s*$", re.I)
_OWN_FALL = re.compile(
    r"\b(?:as|when|if|once)\s+(?:the\s+)?_+\s+(?:falls?|decreas\w+|drops?|goes down|gets? (?:lower|smaller|shorter))|"
    r"\b(?:falling|decreasing|lower|shorter|smaller)\s+_", re.I
)  # fmt: skip
_WHAT = re.compile(r"\b(?:what|which)\b", re.I)
_PRONOUN = re.compile(r"\b(?:these|those|they|this|following)\b", re.I)
_FROM_TO = re.compile(r"\bfrom\b")


@dataclass(frozen=True)
class Direction:
    """A claim that something moves the output up (1), down (-1) or not at all (0). `denied`: with a "not" before it."""

    clause: Clause
    start: int
    end: int
    sign: Sign
    output: bool
    denied: bool
    features: tuple[str, ...]


def directions(reading: Reading) -> tuple[Direction, ...]:
    """Every claim about a direction; clauses of a list share the one of their neighbour."""
    found: list[Direction] = []
    for number in range(len(reading.sentences)):
        found += _of_sentence(reading, reading.of_sentence(number))
    return tuple(found)


def _of_sentence(reading: Reading, sentence: tuple[Clause, ...]) -> list[Direction]:
    own = [_own(reading, clause) for clause in sentence]
    found: list[Direction] = []
    for position, clause in enumerate(sentence):
        if own[position]:
            found += own[position]
            found += _headed(reading, sentence, own[position], position)
        elif clause.features and not _is_supposition(clause) and (clause.listing or _has_amount(clause)):
            donor = _donor(reading, sentence, own, position)
            found += [
                Direction(clause, one.start, one.end, one.sign, one.output, one.denied, clause.features)
                for one in donor
            ]
    return found


def _headed(reading: Reading, sentence: tuple[Clause, ...], own: list[Direction], position: int) -> list[Direction]:
    """In "What lowers it most: age ..." the verb also holds of what comes first after the colon."""
    after = sentence[position + 1 : position + 2]
    if not after or ":" not in reading.text[sentence[position].end : after[0].start] or not after[0].features:
        return []
    asking = [one for one in own if not one.features and not one.output and not one.denied]
    return [
        Direction(after[0], one.start, one.end, one.sign, one.output, one.denied, after[0].features[:1])
        for one in asking
        if _WHAT.search(sentence[position].text)
    ]


def _donor(
    reading: Reading, sentence: tuple[Clause, ...], own: list[list[Direction]], position: int
) -> list[Direction]:
    """Whose direction a clause of a list takes: that of the verb it is a subject of, else the one before it."""
    after = position + 1
    while sentence[position].listing and after < len(sentence) and sentence[after].listing:
        after += 1
    if sentence[position].listing and after < len(sentence) and own[after]:
        verb = own[after][0]
        names = [one for one in sentence[after].mentions if one.names("feature")]
        if any(one.end <= verb.start for one in names):
            return own[after]
    for earlier in range(position - 1, -1, -1):
        if ";" in reading.text[sentence[earlier].end : sentence[earlier + 1].start]:
            return []
        if own[earlier]:
            return own[earlier]
    return []


def _has_amount(clause: Clause) -> bool:
    return any(number.kind == "points" for number in clause.numbers) or bool(re.search(r"\bby\s*[\d.]", clause.text))


def _own(reading: Reading, clause: Clause) -> list[Direction]:
    if _is_supposition(clause):
        return []
    found: list[Direction] = []
    for sign, output, pattern in _PATTERNS:
        for match in pattern.finditer(clause.text):
            start, end = clause.start + match.start(), clause.start + match.end()
            if any(one.start < end and one.end > start for one in found):
                continue
            about_output = output or _is_intransitive(clause, match)
            if _OWN_MOVE.search(clause.text, 0, match.start()) or (about_output and not _names_output(clause)):
                continue
            denied = sign != 0 and bool(_DENIED.search(clause.text, 0, match.start()))
            features = clause.features or clause.subjects
            found.append(Direction(clause, start, end, sign, about_output, denied, features))
    return found


def _names_output(clause: Clause) -> bool:
    named = _SUBJECT.search(clause.text) or re.search(r"\b(?:it|this|that|they)\b", clause.text, re.I)
    return bool(named or clause.classes) or _has_amount(clause)


def _is_intransitive(clause: Clause, match: re.Match[str]) -> bool:
    """ "the probability increases" is about the output; "age increases the probability" about age."""
    subject = _SUBJECT.search(clause.text, 0, match.start())
    named = any(one.names("feature") and one.end <= clause.start + match.start() for one in clause.mentions)
    return bool(subject) and not named and match.group().lower().startswith(("increas", "decreas"))


def _is_supposition(clause: Clause) -> bool:
    return bool(_SUPPOSED.match(clause.text.lstrip())) and not _SUBJECT.search(clause.text)


def check_directions(reading: Reading, claims: tuple[Direction, ...]) -> Iterator[Failure]:
    """Failures of directions."""
    for claim in claims:
        problem = _problem(reading, claim)
        if problem is not None:
            yield claim.clause.failure("V2", problem, (claim.start, claim.end))


def _problem(reading: Reading, claim: Direction) -> str | None:
    ground, schema = reading.ground, reading.ground.schema
    named = _class_of(claim, reading)
    cited = _cited(reading, claim)
    if cited and not any(map(is_signed, cited)) and _is_wording(reading, claim):
        return None  # "the Brier score falls by 2%": of no output
    shares = [turn for fact in cited if not is_signed(fact) and (turn := trend_of(fact)) is not None]
    if shares:
        return None if any(_holds(claim, turn) for turn in shares) else "The number is that of another direction."
    if claim.denied and not claim.features and not cited and _GENERIC.search(claim.clause.text):
        return _against_none(reading, claim, named)
    facts = _facts(reading, claim, named)
    if not facts:
        return _by_trend(reading, claim, named)
    for feature in dict.fromkeys(fact.feature for fact in facts):
        own = [fact for fact in facts if fact.feature == feature]
        flip = {
            fact.id: -1 if schema.task == "binary" and named and fact.cls and fact.cls != named else 1 for fact in own
        }
        if not any(_holds(claim, fact.number() * flip[fact.id]) for fact in own):
            label = found.label if (found := ground.feature(feature)) else feature or "the change"
            true = own[0].number() * flip[own[0].id]
            word = "raises" if true > 0 else "lowers" if true < 0 else "does not change"
            output = named or own[0].cls or schema.target.label
            return f"{label} {word} the output for {output} in the evidence ({true:+.4g})."
    return None


def _is_wording(reading: Reading, claim: Direction) -> bool:
    """Whether the verb is the tool's own, with no choice of its opposite, and nothing else is said to move."""
    told = says_around(reading.ground.evidence, reading.text, (claim.start, claim.end))
    return (
        told and claim.output and not claim.features and all(trend_of(fact) is None for fact in _cited(reading, claim))
    )


def _against_none(reading: Reading, claim: Direction, named: str | None) -> str | None:
    """ "No feature lowers it": none does, of the class that the evidence is about."""
    facts = [fact for fact in reading.ground.signed if fact.feature and fact.rank is not None]
    about = {fact.cls for fact in facts if fact.cls is not None}
    if named and about and named not in about and reading.ground.schema.task != "binary":
        return f"The evidence is not about {named}."
    for fact in facts:
        turned = -1 if named and fact.cls is not None and fact.cls != named else 1
        if fact.number() * turned * claim.sign > 5e-7:
            return f"{fact.feature} does in the evidence ({fact.number() * turned:+.4g})."
    return None


def _cited(reading: Reading, claim: Direction) -> list[Fact]:
    found = (known for number in claim.clause.numbers for known in matches(reading, claim.clause, number))
    return [known.fact for known in found if known.fact is not None]


def _by_trend(reading: Reading, claim: Direction, named: str | None) -> str | None:
    """ "rises with age": by the curve over the feature's values."""
    ground = reading.ground
    turns = [(name, turn) for name in claim.features for turn in ground.trends.get(name, ())]
    own = {fact.cls for fact in ground.facts if fact.relation == "effect_start"}
    if not turns or (named is not None and own and named not in own and ground.schema.task != "binary"):
        return _without_facts(reading, claim)
    flip = -1 if _OWN_FALL.search(claim.clause.text) else 1
    flip *= -1 if ground.schema.task == "binary" and named and own and named not in own else 1
    if any(_holds(claim, turn * flip) for _, turn in turns):
        return _from_to(reading, claim)
    found = ground.feature(turns[0][0])
    word = "rises" if turns[0][1] > 0 else "falls" if turns[0][1] < 0 else "does not change"
    return f"The output {word} with {found.label if found else turns[0][0]} in the evidence."


def _holds(claim: Direction, value: float) -> bool:
    if claim.sign == 0:
        return abs(value) < 5e-4
    good = value > 0 if claim.sign > 0 else value < 0
    return not good if claim.denied else good


def _class_of(claim: Direction, reading: Reading) -> str | None:
    """The class whose output moves: the first named after the verb, else before it, else earlier in the sentence."""
    after = [name for one in claim.clause.mentions if one.start >= claim.end for name in one.names("class")]
    before = [name for one in claim.clause.mentions if one.start < claim.end for name in one.names("class")]
    if after or before:
        return after[0] if after else before[-1]
    earlier = [
        name
        for clause in reading.of_sentence(claim.clause.sentence)
        if clause.end <= claim.clause.start and _SUBJECT.search(clause.text)
        for name in clause.classes
    ]
    known = {fact.cls for fact in reading.ground.signed}
    return earlier[-1] if earlier and (earlier[-1] in known or reading.ground.schema.task == "binary") else None


def _facts(reading: Reading, claim: Direction, named: str | None) -> list[Fact]:
    """The facts the claim rests on: those its number is, else those of its features, else those about all changes."""
    signed = [fact for fact in reading.ground.signed if _fits(reading, claim, fact, named)]
    cited = [
        known.fact
        for number in claim.clause.numbers
        for known in matches(reading, claim.clause, number)
        if known.signed and known.fact is not None and known.fact in signed
    ]
    own = [fact for fact in signed if fact.feature in claim.features]
    if cited and (claim.output or not own):
        return cited
    if both := [fact for fact in cited if fact in own]:
        return both  # of several effects of one feature, the one whose size is said
    if own:
        return own
    changed = {reading.ground.named(one.feature) for scope in reading.ground.scopes for one in scope.changes}
    whole = claim.output or not claim.features or changed.issuperset(claim.features)
    return [fact for fact in signed if fact.feature is None] if whole else []


def _fits(reading: Reading, claim: Direction, fact: Fact, named: str | None) -> bool:
    rows = claim.clause.rows or claim.clause.about
    if rows and fact.row is not None and fact.row not in rows:
        return False
    return reading.ground.schema.task == "binary" or named is None or fact.cls is None or fact.cls == named


def _without_facts(reading: Reading, claim: Direction) -> str | None:
    text = reading.text[claim.start : claim.end]
    if claim.output or (not claim.features and not claim.clause.features):
        listed = any(one.features for one in reading.of_sentence(claim.clause.sentence))
        pronoun = _GENERIC.search(claim.clause.text) or (listed and _PRONOUN.search(claim.clause.text))
        if _FROM_TO.search(claim.clause.text) or pronoun or not reading.ground.signed:
            return _from_to(reading, claim)
        return f"The evidence does not say what “{text}” claims; name the feature or the change it holds for."
    labels = [found.label if (found := reading.ground.feature(name)) else name for name in claim.features]
    return f"The evidence has no effect of {', '.join(labels)}, so “{text}” cannot be said of it."


def _from_to(reading: Reading, claim: Direction) -> str | None:
    """ "rises from 20 to 30" must rise."""
    found = [number for number in claim.clause.numbers if number.start > claim.start]
    cue = _FROM_TO.search(claim.clause.text)
    if cue is None or len(found) < 2:
        return None
    low, high = found[0], found[1]
    if not inside(low.start, ((claim.clause.start + cue.start(), claim.clause.end),)):
        return None
    moved = high.value - low.value
    if moved == 0 or _holds(claim, moved):
        return None
    return f"From {low.text} to {high.text} is not what “{reading.text[claim.start : claim.end]}” says."
