"""What a judge says of a claim, and how a false part is put right."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from askwhy.agent.check.amounts import Amount
from askwhy.agent.check.grammar import Claim
from askwhy.agent.check.probe import Probe
from askwhy.agent.check.result import Truth
from askwhy.agent.verify.clauses import Span
from askwhy.agent.wording import class_name, digits, row_name
from askwhy.tools.schema import Schema


@dataclass(frozen=True)
class Edit:
    """Other words for a stretch of the sentence."""

    start: int
    end: int
    new: str


@dataclass(frozen=True)
class Finding:
    """What was found about one claim.

    facts: in words. reason: why it is not testable. wrong: the false stretch of the sentence. edits: corrections to
    try, best first.
    """

    truth: Truth
    facts: tuple[str, ...] = ()
    reason: str = ""
    wrong: Span | None = None
    edits: tuple[tuple[Edit, ...], ...] = ()


Judge = Callable[[Claim, Probe], Finding]


class NotTestable(Exception):
    """The claim cannot be tested; the message says why."""


def true(*facts: str) -> Finding:
    """What the facts say."""
    return Finding("true", facts)


def unsure(reason: str, *facts: str) -> Finding:
    """A claim that the facts neither bear out nor contradict."""
    return Finding("not testable", facts, reason)


def false(facts: Sequence[str], wrong: Span | None, *edits: Edit | None) -> Finding:
    """What the facts contradict; each edit is a correction to try."""
    return Finding("false", tuple(facts), "", wrong, tuple((edit,) for edit in edits if edit is not None))


def decided(holds: bool, facts: Sequence[str], wrong: Span | None, *edits: Edit | None) -> Finding:
    """True or false."""
    return true(*facts) if holds else false(facts, wrong, *edits)


def together(found: Sequence[Finding]) -> Finding:
    """Several claims as one: false if one is, else not testable if one is, else true."""
    facts = tuple(dict.fromkeys(fact for one in found for fact in one.facts))
    for truth in ("false", "not testable"):
        if (hit := next((one for one in found if one.truth == truth), None)) is not None:
            if truth == "false":
                edits = [one.edits[0] for one in found if one.truth == "false" and one.edits]
                joint = tuple(edit for part in edits for edit in part)
                ways = ((joint,) if len(edits) > 1 else ()) + hit.edits
                return Finding("false", facts, "", hit.wrong, ways)
            return Finding("not testable", facts, hit.reason)
    return Finding("true", facts)


def agreed(found: Sequence[Finding], ambiguous: str) -> Finding:
    """One claim that can be meant in several ways: the finding, where all agree."""
    if len({one.truth for one in found}) == 1:
        facts = tuple(dict.fromkeys(fact for one in found for fact in one.facts))
        return Finding(found[0].truth, facts, found[0].reason, found[0].wrong, found[0].edits)
    return unsure(ambiguous, *dict.fromkeys(fact for one in found for fact in one.facts))


def row_of(claim: Claim, probe: Probe) -> str:
    """The row that a claim is about."""
    if len(claim.rows) > 1:
        raise NotTestable("It speaks of several rows at once.")
    row = claim.rows[0] if claim.rows else probe.row
    if row is None:
        raise NotTestable(f"The text does not say which {probe.schema.entity} this is about; say it with --row.")
    if probe.usable(row) is None:
        raise NotTestable(f"The data has no {row_name(row, probe.schema)}.")
    return row


def amount(claim: Claim, *names: str) -> Amount:
    """The amount of a part; NotTestable where it cannot be told."""
    found = claim.amount(*names)
    if found is None:
        raise NotTestable("The number could not be read.")
    return found


def share_of(found: Amount) -> Amount:
    """The amount as a share of a whole, "0.72" and "72" being no other way to write 72 %."""
    if found.share and not found.points:
        return found
    if not found.share and found.sense != "between" and 0 <= found.value <= 1 and found.decimals:
        return Amount(**{**found.__dict__, "share": True})
    raise NotTestable("It is not clear whether the number is a share.")


def number_edit(claim: Claim, said: Amount, value: float, *, whole: bool | None = None) -> Edit:
    """The true number as the sentence prints its own; the comparison with it, where it is no plain number."""
    plain = said.sense == "near" and not said.parts and not said.spelled
    sentence = claim.marked.sentence
    start, end = said.span if plain and not whole else (said.whole or said.span)
    own = sentence[said.span[0] : said.span[1]]
    if said.parts or (said.spelled and said.share):
        of = " of" if said.parts > 0 and re.match(r"\s+\w", sentence[end:]) else ""
        return Edit(start, end, f"{digits(100 * value, 1)}%{of}")
    suffix = re.sub(r"^[+\-−–]?[\d.,\u202f\u00a0]+", "", own) if not said.spelled else ""
    shown = 100 * value if said.percent else value
    decimals = max(0, said.decimals)
    grouped = "," in own or (abs(shown) >= 10000 and decimals == 0)
    return Edit(start, end, digits(shown, decimals, grouped=grouped) + suffix)


def class_edit(claim: Claim, name: str, schema: Schema, group: str = "K") -> Edit | None:
    """Another class in place of the one named, in the form nearest to the one used."""
    span = claim.span(group)
    if span is None:
        return None
    label = schema.class_label(name)
    own = claim.marked.sentence[slice(*span)]
    same = [word for word in label.words() if _ending(word) == _ending(own) and len(word.split()) == len(own.split())]
    new = label.label if _ending(label.label) == _ending(own) or not same else same[0]
    return Edit(*span, new)


def _ending(word: str) -> str:
    return next((end for end in ("ed", "al", "sion", "ance", "en") if word.lower().endswith(end)), "")


def without_not(claim: Claim) -> Edit | None:
    """The sentence without its "not"."""
    start, end = claim.marked.span(*claim.match.span())
    found = re.search(r"\bnot\s+|n['’]t\b", claim.marked.sentence[start:end])
    if found is None:
        return None
    return Edit(start + found.start(), start + found.end(), "")


def prediction_words(probe: Probe, row: str) -> str:
    """What the model predicts for a row, in a sentence."""
    return probe.said(probe.of_row("predict", row))[0]


def class_words(name: str, schema: Schema) -> str:
    """A class's label."""
    return class_name(name, schema)
