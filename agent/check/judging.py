"""What a judge says of a claim, and how a false part is put right."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from askwhy.agent.check.amounts import Amount, Held
from askwhy.agent.check.grammar import Claim
from askwhy.agent.check.marks import Marked
from askwhy.agent.check.probe import Probe
from askwhy.agent.check.result import Truth
from askwhy.agent.verify.clauses import Span
from askwhy.agent.wording import digits, row_name
from askwhy.tools.evidence import Evidence
from askwhy.tools.schema import Category, Feature, Schema

VAGUE = "The number is only roughly right: “about” and the like leave open whether that is meant."


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


def category_of(marked: Marked, code: str, feature: Feature | None = None) -> tuple[Feature, Category]:
    """The feature and value of a C code; NotTestable where it fits several features and none is given."""
    found = marked.category(code, feature)
    if found is None:
        raise NotTestable("It is not clear which feature this is about.")
    return found


def direction_of(marked: Marked, code: str, feature: Feature | None = None) -> tuple[Feature, int]:
    """The feature and sign of an O code; NotTestable where it fits several features and none is given."""
    found = marked.direction(code, feature)
    if found is None:
        raise NotTestable("It does not say which feature is meant.")
    return found


def need_number(feature: Feature) -> None:
    """NotTestable where the feature's values are no numbers."""
    if not feature.numeric or feature.categories:
        raise NotTestable(f"{feature.label} is no number.")


def need_classes(probe: Probe) -> None:
    """NotTestable where the model predicts a number."""
    if not probe.schema.classes:
        raise NotTestable("This model predicts a number, so there are no classes.")


def number_of(found: Evidence, *relations: str) -> float:
    """The first number that the evidence has of these relations."""
    return next(fact for relation in relations for fact in found.all(relation)).number()


def share_of(found: Amount) -> Amount:
    """The amount as a share of a whole, "0.72" and "72" being no other way to write 72 %."""
    if found.share and not found.points:
        return found
    if not found.share and found.sense != "between" and 0 <= found.value <= 1 and found.decimals:
        return replace(found, share=True)
    raise NotTestable("It is not clear whether the number is a share.")


def compared(claim: Claim, said: Amount, value: float, facts: tuple[str, ...]) -> Finding:
    """Whether an amount is the true value, with the true value as correction."""
    return of_held(said.holds(value), facts, said, number_edit(claim, said, value))


def exactly(claim: Claim, said: Amount, count: int, facts: tuple[str, ...]) -> Finding:
    """Whether an amount is the true count: to the unit where it is not said vaguely."""
    if said.sense == "near" and not said.rough:
        return decided(said.value == count, facts, said.span, number_edit(claim, said, count))
    return compared(claim, said, count, facts)


def of_held(held: Held, facts: tuple[str, ...], said: Amount, *edits: Edit | None) -> Finding:
    """The finding of a comparison."""
    if held == "yes":
        return true(*facts)
    return false(facts, said.whole or said.span, *edits) if held == "no" else unsure(VAGUE, *facts)


def number_edit(claim: Claim, said: Amount, value: float) -> Edit:
    """The true number as the sentence prints its own; the comparison with it, where it is no plain number."""
    plain = said.sense == "near" and not said.parts and not said.spelled
    sentence = claim.marked.sentence
    start, end = said.span if plain else (said.whole or said.span)
    own = sentence[said.span[0] : said.span[1]]
    if said.parts or (said.spelled and said.share):
        of = " of" if said.parts > 0 and re.match(r"\s+\w", sentence[end:]) else ""
        return Edit(start, end, f"{digits(100 * value, 1)}%{of}")
    suffix = re.sub(r"^[+\-−–]?[\d.,\u202f\u00a0]+", "", own) if not said.spelled else ""
    shown = 100 * value if said.percent else value
    decimals = max(0, said.decimals)
    grouped = "," in own or (abs(shown) >= 10000 and decimals == 0)
    return Edit(start, end, digits(shown, decimals, grouped=grouped) + suffix)


def class_edit(claim: Claim, name: str, schema: Schema) -> Edit | None:
    """Another class in place of the one named, in the form nearest to the one used."""
    span = claim.span("K")
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
