"""A "not" that no other check accounts for, or one that the tool's own words have and the text has lost."""

from __future__ import annotations

import re
from collections.abc import Iterator

from askwhy.agent.answer import Failure
from askwhy.agent.verify.check_directions import Direction
from askwhy.agent.verify.clauses import Span
from askwhy.agent.verify.patterns import denials, says, turns
from askwhy.agent.verify.reading import Clause, Reading

_ACCOUNTED = re.compile(
    r"\s*(?:[^\W\d]+\s+){0,2}?(?:_+|other than|more|less|larger|smaller|stronger|weaker|higher|lower|older|"
    r"younger|over|under|"
    r"above|below|flip\w*|chang\w*|predict\w* (?:as |to be )?_|rais\w*|lower\w*|affect\w*|mov\w*|contain\w*)|"
    r"\s+(?:a |an |the |about |mean |say |tell |claim |proof |cause|imply |necessarily |only\b|just\b|statement|"
    r"know)", re.I
)  # fmt: skip

_FEW_WORDS = re.compile(r"\s*(?:[^\W\d]+\s+){0,2}")


def check_negations(reading: Reading, claims: tuple[Direction, ...]) -> Iterator[Failure]:
    """Failures of lost and of unfounded negations."""
    plain = " ".join(re.findall(r"[\w'’-]+", reading.text.lower()))
    known = denials(reading.ground.evidence)
    for with_it, without in known:
        if (
            len(without.split()) >= 3
            and _contains(plain, without)
            and (not _contains(plain, with_it) or not says(reading.ground.evidence, without))
        ):
            yield Failure(check="V2", message=f"Say “{with_it}”, not “{without}”.", start=0, end=0)
    for phrase, turned in turns(reading.ground.evidence):
        if _contains(plain, turned) and not _contains(plain, phrase):
            yield Failure(check="V2", message=f"Say “{phrase}”, not “{turned}”.", start=0, end=0)
    for clause in reading.clauses:
        for span in clause.negations:
            if not _is_accounted(reading, clause, span, claims, known):
                text = reading.text[span[0] : span[1]]
                yield clause.failure("V2", f"What “{text}” denies here is not in the evidence.", span)


def _is_accounted(
    reading: Reading, clause: Clause, span: Span, claims: tuple[Direction, ...], known: tuple[tuple[str, str], ...]
) -> bool:
    if re.match(r"\s*predict", clause.text[span[1] - clause.start :], re.I) and not clause.classes:
        return any(_contains(_near(reading, span), phrase) for phrase, _ in known)
    if not (clause.features or clause.classes or clause.rows or clause.numbers):
        return True
    if any(claim.clause is clause and (claim.denied or claim.sign == 0) for claim in claims):
        return True
    if any(start <= span[0] < end for start, end in _quoted_groups(reading)):
        return True
    if _ACCOUNTED.match(clause.text, span[1] - clause.start) or _is_of_class(reading, clause, span):
        return True
    return any(_contains(_near(reading, span), phrase) for phrase, _ in known)


def _quoted_groups(reading: Reading) -> Iterator[Span]:
    """Where a description of the evidence stands word for word: "words that say nothing"."""
    for group in reading.ground.groups:
        if " " in group:
            yield from (found.span() for found in re.finditer(rf"(?<!\w){re.escape(group)}(?!\w)", reading.text, re.I))


def _is_of_class(reading: Reading, clause: Clause, span: Span) -> bool:
    """ "not actually yes": a class whose name is an ordinary word is not blanked out."""
    after = (one.start for one in clause.mentions if one.names("class") and one.start > span[1])
    return any(_FEW_WORDS.fullmatch(reading.text, span[1], start) for start in after)


def _near(reading: Reading, span: Span) -> str:
    return " ".join(re.findall(r"[\w'’-]+", reading.text[max(0, span[0] - 30) : span[1] + 30].lower()))


def _contains(text: str, phrase: str) -> bool:
    return f" {phrase} " in f" {text} "
