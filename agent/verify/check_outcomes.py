"""V4 and V5 for outcomes: the class that is said to be predicted, or true, is the one in the evidence."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

from askwhy.agent.answer import Failure
from askwhy.agent.verify.check_numbers import matches
from askwhy.agent.verify.clauses import NEGATION
from askwhy.agent.verify.ground import Ground
from askwhy.agent.verify.mentions import Mention
from askwhy.agent.verify.reading import Clause, Reading
from askwhy.tools.evidence import Fact

_PREDICTED = re.compile(
    r"\b(?:predict(?:s|ed|ing|ions?)?|classif\w+|decid\w+|decision|says?|said|outcome|verdict|would be|would become|"
    r"becomes?|became|flip(?:s|ped)? (?:to|into)|(?:chang|switch|turn|mov)\w* (?:\w+ )?(?:to|into|from)|stays?|"
    r"remains?|"
    r"is still|comes out|assigns?|labels?|labelled|labeled|is|are|was|were|gets?|gives?)\b", re.I
)  # fmt: skip
_ACTUAL = re.compile(r"\b(?:actual(?:ly)?|really|truly|truth|true|in fact|known to be)\b", re.I)
_NOT_AN_OUTCOME = re.compile(
    r"\b(?:probabilit\w+|chances?|likelihood|odds|log-odds|towards?|against|favou?r|for|of|than|average|between|"
    r"share)\b[\w\s%.]*$",
    re.I,
)
_DENIED = re.compile(r"\b(?:not|never|no longer|cannot|other than|anything but|\w+n['’]t)\b", re.I)
_NAMED = re.compile(r"\bprediction (?:is|was|would be) $", re.I)
_NOT_PREDICTED = re.compile(r"\b(?:does not|doesn['’]t|do not) predict (?:an? )?$", re.I)
_GIVES = re.compile(r"\bgives?\s+$", re.I)
_SHARE_OF = re.compile(r"\s+(?:a|an|the|one|some|only|just|about|\d)", re.I)
_RIVAL = re.compile(r"foil|rival|runner_up|second_class")
_CONTRAST = re.compile(r"\b(?:instead of|rather than|and not|but not)\b|^\s*to\s*$", re.I)
_AFTER = re.compile(
    r"\b(?:would|will|then|after|instead|becomes?|flip\w*|(?:chang|switch|turn)\w* (?:\w+ )?(?:to|into))\b", re.I
)
_TRUTH = re.compile(r"actual|tru(?:e|th)|label", re.I)
_FLIPS = re.compile(
    r"\b(?:flip(?:s|ped)?|overturn(?:s|ed)?|revers(?:es|ed)?|(?:chang|switch|alter)(?:es|ed|e|s)? the "
    r"(?:predict\w+|decision|class|outcome|verdict|predicted class|_+))\b",
    re.I,
)
_FOR_NONE = re.compile(r"\s+(?:for|in|of)\s+none\b", re.I)
_STAYS = re.compile(
    r"\b(?:stays?|remains?|same (?:class|prediction|outcome|decision)|(?:prediction|class|decision|outcome) "
    r"(?:is|would be) unchanged|still predicts?)\b",
    re.I,
)


def check_outcomes(reading: Reading) -> Iterator[Failure]:
    """Failures of predicted and true classes, and of what flips a prediction."""
    for clause in reading.clauses:
        for mention in clause.mentions:
            if mention.names("class") and (problem := _problem(reading, clause, mention)):
                yield clause.failure("V5", problem, mention.span)
        for one, other in pairwise(mention for mention in clause.mentions if mention.names("class")):
            between = reading.blanked[one.end : other.start]
            if _CONTRAST.search(between) and one.names("class") == other.names("class"):
                yield clause.failure("V5", f"{other.text} is named on both sides.", other.span)
        yield from _named_twice(reading, clause)
        if problem := _flip_problem(reading, clause):
            yield clause.failure("V2", problem)


def _named_twice(reading: Reading, clause: Clause) -> Iterator[Failure]:
    """ "The classes are rotten and rotten", "fresh, rotten and fresh"."""
    mentions = [one for one in reading.mentions if one.names("class") and one.start >= clause.start]
    if not mentions or mentions[0].start >= clause.end:
        return
    listed = mentions[:1]
    for one, other in pairwise(mentions):
        if not re.fullmatch(r"\s*(?:,|and|or|, and)\s*", reading.text[one.end : other.start]):
            break
        if any(other.targets == earlier.targets for earlier in listed):
            yield clause.failure("V5", f"{other.text} is named twice.", other.span)
        listed.append(other)


def _problem(reading: Reading, clause: Clause, mention: Mention) -> str | None:
    before = reading.blanked[clause.start : mention.start]
    near = re.split(r"_+", before)[-1] if "_" in before else before
    cued = re.search(r"\b(?:predict\w*|actually|really|truly|in truth) (?:as |to be |an? )*$", before, re.I)
    if _NOT_AN_OUTCOME.search(before[-40:]) and not cued:
        return None
    if _GIVES.search(before) and _SHARE_OF.match(reading.text, mention.end):
        return None  # "it gives approved a probability of 82%"
    actual = bool(_ACTUAL.search(near))
    if not actual and not _PREDICTED.search(before):
        return None
    true = _classes(reading, clause, before, actual)
    said = set(mention.names("class"))
    where = "actual" if actual else "predicted"
    selected = _selected(ground=reading.ground, on=where, said=said)
    if not true:
        if selected or not _NOT_PREDICTED.search(before):
            return None
        return f"The evidence does not say that {mention.text} is not predicted."
    denied = bool(_DENIED.search(re.split(r"\b(?:but|and)\b", near)[-1]))
    if denied and "no" in selected:
        return None
    if denied != bool(said & true) and (denied or selected != {"no"} or _counts(reading, clause, said)):
        return None
    if not denied and not actual and _of_row(reading, clause, said):
        return None
    names = ", ".join(sorted(reading.ground.schema.class_label(name).label for name in true))
    what = "true class" if actual else "predicted class"
    return f"The {what} in the evidence is {names}, not {'other than ' if denied else ''}{mention.text}."


def _selected(ground: Ground, on: str, said: set[str]) -> set[str]:
    """Whether the question selects rows of this class ("yes"), of any other ("no"), or neither."""
    found = set()
    for one in ground.conditions:
        if one.on == on and one.value is not None and ground.schema.class_label(one.value).name in said:
            found.add("no" if (one.op == "ne") != one.negated else "yes")
    return found


def _counts(reading: Reading, clause: Clause, said: set[str]) -> bool:
    """Whether the clause counts rows of the class."""
    found = (known for number in clause.numbers for known in matches(reading, clause, number))
    return any(known.cls in said for known in found)


def _of_row(reading: Reading, clause: Clause, said: set[str]) -> bool:
    """Whether the clause says the class of a row with its probability: "row 12 (predicted approved with 72%)"."""
    known = (one for number in clause.numbers for one in matches(reading, clause, number))
    return any(
        one.fact is not None and one.row is not None and one.row in clause.rows and one.cls in said
        and one.unit == "probability" for one in known
    )  # fmt: skip


def _classes(reading: Reading, clause: Clause, before: str, actual: bool) -> set[str]:
    """The classes that may stand there."""
    ground = reading.ground
    rows = clause.rows or clause.about
    facts = [fact for fact in _outcome_facts(ground) if not rows or fact.row is None or fact.row in rows]
    truths = [fact for fact in facts if _TRUTH.search(fact.relation)]
    if actual:
        return {_class_of(fact) for fact in truths} | _conditioned(ground, "actual")
    predicted = [fact for fact in facts if fact not in truths]
    verb = _PREDICTED.findall(before)[-1].lower()
    if verb in ("is", "are", "was", "were", "gets", "get") and not _NAMED.search(before):
        predicted = facts
    later = [fact for fact in predicted if ground.is_after(fact)]
    earlier = [fact for fact in predicted if fact not in later]
    if later and earlier and not re.search(r"\bfrom\s*$", before):
        predicted = later if _AFTER.search(before) else predicted
    elif later and earlier:
        predicted = earlier
    return {_class_of(fact) for fact in predicted} | _conditioned(ground, "predicted")


def _outcome_facts(ground: Ground) -> list[Fact]:
    found = (fact for fact in ground.facts if fact.cls is not None and fact.unit in ("class", "count"))
    return [fact for fact in found if not _RIVAL.fullmatch(fact.relation)]


def _class_of(fact: Fact) -> str:
    return str(fact.value) if fact.unit == "class" else str(fact.cls)


def _conditioned(ground: Ground, on: str) -> set[str]:
    """Classes that a condition names: "predicted as approved", and "not predicted as approved" means the others."""
    found: set[str] = set()
    for one in ground.conditions:
        if one.on == on and ground.schema.classes and one.value is not None:
            label = ground.schema.class_label(one.value).name
            if (one.op == "ne") != one.negated:
                found |= {other.name for other in ground.schema.classes} - {label}
            else:
                found.add(label)
    return found


def flipped(ground: Ground) -> bool | None:
    """Whether the evidence is of a prediction that changed; None where it says nothing of it."""
    relations = {fact.relation for fact in ground.facts}
    if any(re.search(r"not_flip|unflip|unchanged|same_|_stays|no_flip", name) for name in relations):
        return None if any(re.fullmatch(r"flip\w*|flips", name) for name in relations) else False
    if any(re.fullmatch(r"flip\w*|changed_\w+", name) for name in relations):
        return True
    classes = [fact for fact in ground.facts if fact.unit == "class"]
    before = {str(fact.value) for fact in classes if ground.is_before(fact)}
    after = {str(fact.value) for fact in classes if ground.is_after(fact)}
    return before != after if len(before) == 1 and len(after) == 1 else None


def _flip_problem(reading: Reading, clause: Clause) -> str | None:
    truth = flipped(reading.ground)
    if truth is None:
        return None
    flip, stay = _FLIPS.search(clause.text), _STAYS.search(clause.text)
    if (flip is None) == (stay is None):
        return None
    match = flip or stay
    assert match is not None
    denied = bool(NEGATION.search(clause.text[: match.start()]) or _FOR_NONE.match(clause.text, match.end()))
    if ((flip is not None) != denied) == truth:
        return None
    return f"In the evidence the prediction {'changes' if truth else 'does not change'}."
