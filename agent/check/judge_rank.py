"""Claims about what mattered most: for one row, or to the model in general, by two methods that must agree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from askwhy.agent.check.grammar import Claim
from askwhy.agent.check.judge_push import ADJECTIVE, Reason, own_values, reasons_of
from askwhy.agent.check.judging import (
    Edit,
    Finding,
    NotTestable,
    agreed,
    amount,
    decided,
    false,
    row_of,
    together,
    true,
    unsure,
)
from askwhy.agent.check.probe import Probe
from askwhy.agent.wording import row_name
from askwhy.tools.schema import Feature


def judge_rank(claim: Claim, probe: Probe) -> Finding:
    """ "The most important reason was the duration": for the row, in general, or both where it does not say."""
    said = " ".join(claim.said(name) for name in ("scope", "scope2"))
    text = claim.marked.text
    whole = f"{said} {text} {claim.marked.sentence.lower()}"
    general = re.search(
        r"\b(?:overall|in general|globally|generally|model|system|predictions|of all|on average)\b", whole
    )
    local = bool(re.search(r"\b(?:here|case|decision|application)\b|\bR\d|\bT\d", said)) or _personal(text)
    ways = []
    if not local or general:
        ways.append(_ranking(probe, None))
    if not general or local:
        try:
            ways.append(_ranking(probe, row_of(claim, probe)))
        except NotTestable:
            if not ways:
                raise
    found = [_ranked(claim, probe, *way) for way in ways]
    both = "It does not say whether this is meant of one row or in general, and that makes a difference."
    return agreed(found, both)


def _personal(text: str) -> bool:
    return (
        re.search(r"\b(?:your|his|her|you|he|she)\b|\bR\d|\b(?:the|this) I\d|\b(?:reasons?|grounds?)\b", text)
        is not None
    )


@dataclass(frozen=True)
class Ranking:
    """Features by importance, largest first, with standard errors; `row` where it is about one."""

    order: tuple[str, ...]
    sizes: tuple[float, ...]
    errors: tuple[float, ...]
    facts: tuple[str, ...]
    row: str | None

    def apart(self, first: int, second: int) -> bool:
        """Whether two places (from 0) differ by more than chance and rounding."""
        gap = abs(self.sizes[first] - self.sizes[second])
        margin = 2 * (self.errors[first] ** 2 + self.errors[second] ** 2) ** 0.5
        return bool(gap > max(margin, 0.02 * max(self.sizes)))


def _ranking(probe: Probe, row: str | None) -> tuple[Ranking, ...]:
    """How features rank, by two methods; a claim holds only where both agree."""
    if row is None:
        found = [probe.run("importance"), probe.run("importance", method="shap")]
        every = [one.all("importance") for one in found]
    else:
        found = [probe.of_row("explain", row, method=method) for method in ("shap", "occlusion")]
        every = [one.all("attribution") for one in found]
    rankings = []
    for evidence, facts in zip(found, every, strict=True):
        ordered = sorted(facts, key=lambda fact: fact.rank or 0)
        words = probe.said(evidence, "most important" if row is None else "most:")
        rankings.append(
            Ranking(
                tuple(str(fact.feature) for fact in ordered), tuple(abs(fact.number()) for fact in ordered),
                tuple(fact.error or 0.0 for fact in ordered), words, row,
            )
        )  # fmt: skip
    return tuple(rankings)


def _ranked(claim: Claim, probe: Probe, *rankings: Ranking) -> Finding:
    names = [one for one in ("list", "set", "f", "g") if claim.has(one)]
    row = rankings[0].row
    values = [
        one for name in names for reason in reasons_of(claim, name) for one in _passing(claim, probe, row, reason)
    ]
    found = [_by(claim, ranking, probe) for ranking in rankings]
    where = "in general" if row is None else f"for {row_name(row, probe.schema)}"
    together_said = agreed(found, f"Ways to measure importance {where} do not agree on this.")
    return together([*values, together_said])


def _passing(claim: Claim, probe: Probe, row: str | None, reason: Reason) -> list[Finding]:
    if row is not None:
        return own_values(claim, probe, row, reason)
    if re.search(r"\b[NC]\d", reason.part.text) or ADJECTIVE.search(reason.part.text):
        raise NotTestable("It speaks of a value where no row is meant.")
    return []


def _by(claim: Claim, ranking: Ranking, probe: Probe) -> Finding:
    if claim.has("f"):
        (first,), (second,) = reasons_of(claim, "f"), reasons_of(claim, "g")
        return _more(claim, ranking, first, second)
    if claim.has("set") or claim.has("among"):
        k = int(amount(claim, "k", "k2").value) if claim.has("k") or claim.has("k2") else None
        return _top(claim, ranking, reasons_of(claim, "set", "list"), k)
    wanted = {"second": 2, "third": 3, "fourth": 4, "fifth": 5, "sixth": 6}.get(claim.said("n", "n2"), 1)
    reasons = reasons_of(claim, "list")
    if len(reasons) > 1:
        return _top(claim, ranking, reasons, len(reasons))
    place = ranking.order.index(reasons[0].feature.name) + 1
    close = {min(place, wanted) - 1, max(place, wanted) - 1}
    if place == wanted:
        neighbours = [one for one in (place - 2, place) if 0 <= one < len(ranking.order)]
        sure = all(ranking.apart(place - 1, one) for one in neighbours)
    else:
        sure = wanted <= len(ranking.order) and ranking.apart(*sorted(close))
    if not sure:
        return unsure("Some features are too close in importance to be put in order.", *ranking.facts)
    truth = probe.schema.feature(ranking.order[wanted - 1])
    return decided(place == wanted, ranking.facts, reasons[0].span, _renamed(reasons[0], truth))


def _renamed(reason: Reason, feature: Feature) -> Edit | None:
    code = re.fullmatch(r"(?:\S+ )*?(F\d+)", reason.part.text)
    if code is None:
        return None
    piece = reason.part.piece(code[1])
    return Edit(piece.start, piece.end, feature.label)


def _more(claim: Claim, ranking: Ranking, first: Reason, second: Reason) -> Finding:
    if first.feature == second.feature:
        raise NotTestable("It compares a feature with itself.")
    a, b = (ranking.order.index(one.feature.name) for one in (first, second))
    if not ranking.apart(min(a, b), max(a, b)):
        return unsure("The two are too close in importance to be put in order.", *ranking.facts)
    span = claim.span("f")
    holds = (a < b) != claim.has("less")
    swap = None
    if re.fullmatch(r"(?:\S+ )?F\d+", first.part.text) and re.fullmatch(r"(?:\S+ )?F\d+", second.part.text):
        one, other = (claim.marked.sentence[slice(*part.span)] for part in (first, second))
        swap = (Edit(*first.span, other), Edit(*second.span, one.lower() if first.span[0] == 0 else one))
    return Finding(
        "true" if holds else "false", ranking.facts, "", None if holds else span, (swap,) if swap and not holds else ()
    )


def _top(claim: Claim, ranking: Ranking, reasons: Sequence[Reason], k: int | None) -> Finding:
    names = {reason.feature.name for reason in reasons}
    k = len(names) if k is None else k
    if not claim.has("among") and k != len(names):
        return false([f"{len(names)} are named, not {k}."], None)
    if k >= len(ranking.order):
        return true(*ranking.facts)
    if k < 1 or not ranking.apart(k - 1, k):
        return unsure("Some features are too close in importance to be put in order.", *ranking.facts)
    outside = next((reason for reason in reasons if reason.feature.name not in ranking.order[:k]), None)
    return decided(outside is None, ranking.facts, outside.span if outside else None)
