"""Claims about what spoke for and against a decision, and what mattered more than what."""

from __future__ import annotations

import re
from dataclasses import dataclass

from askwhy.agent.check.grammar import Claim, opposites, part
from askwhy.agent.check.judge_row import adjective, category_of_row, number_of_row
from askwhy.agent.check.judging import (
    Edit,
    Finding,
    NotTestable,
    amount,
    category_of,
    class_edit,
    decided,
    false,
    need_classes,
    prediction_words,
    row_of,
    together,
    true,
    unsure,
)
from askwhy.agent.check.marks import Marked
from askwhy.agent.check.probe import Probe
from askwhy.agent.fact_words import fact_words
from askwhy.agent.pattern import Slot
from askwhy.agent.verify.clauses import Span
from askwhy.agent.wording import cell, class_name, row_name
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Change, Scope

CLEAR = 0.005
"""Points (or this share of the output's spread) that an effect must have to be called one."""

ADJECTIVE = re.compile(r"\b(long|short|high|low|large|small|big|old|young|great)\b")
"""What may be said of a number in passing."""


def opposite(words: str) -> str | None:
    """The same verb the other way round."""
    return opposites().get(" ".join(words.lower().split()))


def swapped(claim: Claim, span: Span | None) -> Edit | None:
    """An edit that turns the words of a span round."""
    if span is None or (new := opposite(claim.marked.sentence[slice(*span)])) is None:
        return None
    return Edit(*span, new)


@dataclass(frozen=True)
class Reason:
    """One thing that is named as a reason: a feature, with what is said of its value."""

    feature: Feature
    part: Marked
    span: Span


def reasons_of(claim: Claim, *names: str) -> list[Reason]:
    """The reasons that a part of the clause lists."""
    name = next(one for one in names if claim.has(one))
    listed = claim.part(name)
    found = []
    for match in part("reason").finditer(listed.text):
        piece = listed.part(*match.span())
        codes = re.findall(r"\b[FC]\d+", match[0])
        if not codes:
            continue
        named = listed.feature(codes[0]) if codes[0][0] == "F" else None
        if named is None:
            second = listed.feature(codes[1]) if len(codes) > 1 and codes[1][0] == "F" else None
            named, _ = category_of(listed, codes[0], second)
        found.append(Reason(named, piece, listed.span(*match.span())))
    if not found:
        raise NotTestable("It names no feature.")
    return found


def own_values(claim: Claim, probe: Probe, row: str, reason: Reason) -> list[Finding]:
    """What is said of the reason's value in passing: "the long duration of 48 months"."""
    found, text = [], reason.part.text
    if (number := re.search(r"(?P<amt>\bN\d+)", text)) is not None:
        said = Claim("value", reason.part, number)
        found.append(number_of_row(said, probe, row, reason.feature, amount(said, "amt")))
    if (match := re.search(r"(?P<C>\bC\d+)", text)) is not None:
        chosen = category_of(reason.part, match[0], reason.feature)
        found.append(category_of_row(Claim("value", reason.part, match), probe, row, *chosen))
    if (match := ADJECTIVE.search(text)) is not None and reason.feature.numeric:
        found.append(adjective(claim, probe, row, reason.feature, match[0]))
    return found


def pushed(probe: Probe, row: str, feature: Feature, cls: str | None) -> tuple[int | None, tuple[str, ...]]:
    """Whether a row's value of a feature raises (1), lowers (-1) or leaves alone (0) the output; None where ways to
    measure it differ.

    An attribution says so and, by direct evaluation, replacing the value by those of other rows and by the typical one.
    """
    given = {} if cls is None else {"cls": cls}
    explained = probe.of_row("explain", row, method="shap", **given)
    replaced = probe.of_row("explain", row, method="occlusion", **given)
    own, direct = (_attributed(one, feature) for one in (explained, replaced))
    facts: tuple[str, ...] = (_attribution_words(probe, own, feature),)
    signs = {_sign(one, probe) for one in (own, direct)}
    typical = _against_typical(probe, row, feature, cls)
    if typical is not None:
        signs.add(typical[0])
        facts = (*facts, typical[1])
    if signs == {0}:
        flat = probe.of_row("effect", row, feature=feature.name)
        return (0 if flat.all("no_effect") else None), facts
    return (signs.pop() if len(signs) == 1 else None), facts


def _attributed(evidence: Evidence, feature: Feature) -> Fact:
    return next(one for one in evidence.all("attribution") if one.feature == feature.name)


def _attribution_words(probe: Probe, fact: Fact, feature: Feature) -> str:
    value = f"{feature.label} ({cell(fact.at, feature)})"
    output = f"the probability of {class_name(fact.cls, probe.schema)}" if fact.cls else "the prediction"
    where = f"for {row_name(str(fact.row), probe.schema)}"
    amount_said = fact_words(fact, Slot("", form="size"), probe.schema, None)
    verb = "raises" if fact.number() > 0 else "lowers"
    return f"By its Shapley value, {value} {verb} {output} {where} by {amount_said}."


def _sign(fact: Fact, probe: Probe) -> int:
    value = fact.number()
    if abs(value) <= max(_floor(probe), 2 * (fact.error or 0.0)):
        return 0
    return 1 if value > 0 else -1


def _floor(probe: Probe) -> float:
    if probe.schema.classes:
        return CLEAR
    found = probe.run("predict")
    return CLEAR * (found.one("high").number() - found.one("low").number())


def _against_typical(probe: Probe, row: str, feature: Feature, cls: str | None) -> tuple[int, str] | None:
    """The sign of the change from the typical value to the row's own, and a sentence; None where it has that value."""
    value = probe.typical[feature.name]
    if value is None or value == probe.value_of(row, feature.name):
        return None
    scope = Scope(row=row, changes=(Change(feature=feature.name, value=value),))
    found = probe.run("what_if", scope, **({} if cls is None else {"cls": cls}))
    change = -found.one("change").number()
    said = probe.said(found, most=2)
    return (0 if abs(change) <= _floor(probe) else 1 if change > 0 else -1), " ".join(said)


def judge_push(claim: Claim, probe: Probe) -> Finding:
    """ "The long duration lowered the chance of approval"."""
    row = row_of(claim, probe)
    cls = _toward(claim, probe, row)
    if claim.has("size"):
        raise NotTestable("By how much one value moves the output depends on the method; only the direction is tested.")
    wanted = 0 if claim.has("zero") else -1 if claim.has("down") or claim.has("less") else 1
    found: list[Finding] = []
    for reason in reasons_of(claim, "list"):
        found += own_values(claim, probe, row, reason)
        sign, facts = pushed(probe, row, reason.feature, cls)
        if sign is None or (sign == 0 and wanted):
            found.append(unsure(_unclear(reason), *facts))
        elif wanted == 0:
            found.append(decided(sign == 0, facts, claim.span("zero")))
        else:
            found.append(decided(sign == wanted, facts, _verb(claim), swapped(claim, _verb(claim))))
    return together(found)


def _verb(claim: Claim) -> Span | None:
    return claim.span("more", "less", "up", "down")


def _unclear(reason: Reason) -> str:
    return f"Ways to measure the effect of {reason.feature.label} here do not agree, or it is too small to tell."


def _toward(claim: Claim, probe: Probe, row: str) -> str | None:
    """The class whose probability is meant; None for a number."""
    if claim.has("K") or claim.has("good"):
        need_classes(probe)
    elif not probe.schema.classes:
        return None
    if claim.has("K"):
        return claim.marked.label(claim.said("K"))
    if claim.has("good"):
        best = [label for label in probe.schema.classes if label.favourable]
        if len(best) != 1:
            raise NotTestable("It does not say which class is meant.")
        return best[0].name
    return probe.predicted(row)


def judge_because(claim: Claim, probe: Probe) -> Finding:
    """ "You were declined because of the long duration": the class, and that each reason pushes towards it."""
    row = row_of(claim, probe)
    need_classes(probe)
    own = probe.predicted(row)
    cls = claim.marked.label(claim.said("K")) if claim.has("K") else own
    fact = prediction_words(probe, row)
    if cls != own:
        return false([fact], claim.span("K"), class_edit(claim, own, probe.schema))
    found = [true(fact)]
    reasons = reasons_of(claim, "list")
    for reason in reasons:
        found += own_values(claim, probe, row, reason)
        sign, facts = pushed(probe, row, reason.feature, cls)
        if not sign:
            found.append(unsure(_unclear(reason), *facts))
        else:
            found.append(decided(sign > 0, facts, reason.span))
    if claim.said("main") in ("mainly", "primarily", "chiefly", "mostly", "above all", "largely", "the only"):
        found.append(unsure("Whether a reason outweighs all others depends on the method."))
    return together(found)


def judge_uses(claim: Claim, probe: Probe) -> Finding:
    """ "The model does not use sex": by trying every value for many rows."""
    feature = claim.marked.feature(claim.said("F"))
    found = probe.run("effect", feature=feature.name)
    none = bool(found.all("no_effect"))
    denied = claim.has("not") or claim.has("not2")
    facts = probe.said(found)
    if none and found.all("sampled"):
        return unsure(f"Only some of the {probe.schema.entities} were tried.", *facts)
    if none and not denied:
        return unsure(f"Trying other values of {feature.label} changes no output, whatever the model reads.", *facts)
    return decided(none == denied, facts, claim.span("not", "not2"))
