"""Claims about a text that the model reads: which words it has, and what they do."""

from __future__ import annotations

import re

from askwhy.agent.check.grammar import Claim
from askwhy.agent.check.judge_push import CLEAR, swapped
from askwhy.agent.check.judging import Edit, Finding, NotTestable, decided, row_of, true, unsure, without_not
from askwhy.agent.check.probe import Probe
from askwhy.agent.wording import capitalised, row_name
from askwhy.tools.scope import Change, Scope


def _text(claim: Claim, probe: Probe) -> tuple[str, str]:
    if probe.schema.modality != "text":
        raise NotTestable("The model reads a table, not a text.")
    row = row_of(claim, probe)
    return row, str(probe.value_of(row, probe.schema.names[0]))


def _has(text: str, words: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.IGNORECASE) is not None


def judge_words(claim: Claim, probe: Probe) -> Finding:
    """ "The word “dull” appears in the review"."""
    row, text = _text(claim, probe)
    words = claim.marked.piece(claim.said("Q")).text.strip()
    if not words:
        raise NotTestable("It quotes nothing.")
    has = _has(text, words)
    name = capitalised(row_name(row, probe.schema))
    fact = f"{name} {'contains' if has else 'does not contain'} “{words}”."
    return decided(has != claim.has("not"), [fact], claim.span("Q"), without_not(claim) if claim.has("not") else None)


def judge_word_push(claim: Claim, probe: Probe) -> Finding:
    """ "“Dull” speaks against fresh": by its attribution and by leaving it out."""
    row, text = _text(claim, probe)
    piece = claim.marked.piece(claim.said("Q"))
    words = piece.text.strip()
    if not _has(text, words):
        name = capitalised(row_name(row, probe.schema))
        return decided(False, [f"{name} does not contain “{words}”."], (piece.start, piece.end))
    if claim.has("top"):
        return _most(claim, probe, row, words)
    code = claim.said("K", "K2")
    cls = claim.marked.label(code) if code else probe.predicted(row)
    found = probe.of_row("explain_text", row, cls=cls, words=(words,))
    asked = [fact for fact in found.facts if fact.relation.startswith("asked_") and fact.relation != "asked_unsure"]
    without = probe.run("what_if", Scope(row=row, changes=(Change(action="remove", words=words),)), cls=cls)
    change = -without.one("change").number()
    facts = (*probe.said(found, words), *probe.said(without, most=2))
    own = asked[0].number() if asked and asked[0].relation != "asked_zero" else 0.0
    if own * change <= 0 or min(abs(own), abs(change)) < CLEAR:
        return unsure("The effect is too small to tell, or ways to measure it do not agree.", *facts)
    span = claim.span("up", "down")
    return decided((change > 0) == claim.has("up"), facts, span, swapped(claim, span))


def _most(claim: Claim, probe: Probe, row: str, words: str) -> Finding:
    found = [probe.of_row("explain_text", row), probe.of_row("explain_text", row, method="occlusion")]
    tops, facts = set(), probe.said(found[0], "most")
    for evidence in found:
        every = sorted(evidence.all("word_attribution"), key=lambda fact: -abs(fact.number()))
        if not every or (len(every) > 1 and abs(every[0].number()) - abs(every[1].number()) < CLEAR):
            return unsure("Some words are too close in weight to be put in order.", *facts)
        tops.add(str(every[0].at).lower())
    if len(tops) > 1:
        return unsure("Ways to measure the weight of words do not agree on this.", *facts)
    top = tops.pop()
    if top == words.lower():
        return true(*facts)
    piece = claim.marked.piece(claim.said("Q"))
    quoted = claim.marked.sentence[piece.start : piece.end]
    return decided(
        False, facts, (piece.start, piece.end), Edit(piece.start, piece.end, quoted.replace(piece.text, top))
    )
