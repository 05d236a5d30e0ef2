"""What-if claims: "if the duration were 12 months, he would have been approved"."""

from __future__ import annotations

import re
from dataclasses import replace

from askwhy.agent.check.grammar import Claim, read
from askwhy.agent.check.judge_push import swapped
from askwhy.agent.check.judging import (
    Finding,
    NotTestable,
    amount,
    class_edit,
    compared,
    decided,
    need_classes,
    row_of,
    share_of,
    together,
    unsure,
    without_not,
)
from askwhy.agent.check.probe import Probe
from askwhy.agent.check.selecting import changes_of
from askwhy.tools.evidence import Evidence
from askwhy.tools.scope import Scope


def judge_whatif(claim: Claim, probe: Probe) -> Finding:
    """The model is asked about the changed row; what is said to come of it is compared."""
    outcomes = read(claim.part("out"), ("outcome",))
    if not outcomes:
        raise NotTestable("")
    phrase = claim.marked.written(*claim.match.span("if"))
    changes = changes_of(phrase, probe.schema)
    row = row_of(claim, probe)
    scope = Scope(row=row, changes=changes)
    found = probe.run("what_if", scope)
    same = found.all("before_prediction") and _unmoved(probe, scope, row)
    if same:
        return unsure("The values are already so, so nothing would be different.", *probe.said(found, most=2))
    return _outcome(outcomes[0], probe, scope, found)


def _unmoved(probe: Probe, scope: Scope, row: str) -> bool:
    return all(
        change.action == "set" and change.feature and probe.value_of(row, change.feature) == change.value
        for change in scope.changes
    )


def _outcome(claim: Claim, probe: Probe, scope: Scope, found: Evidence) -> Finding:
    facts = probe.said(found, most=2)
    if claim.has("K") and not (claim.has("up") or claim.has("down") or claim.has("level")):
        return _class(claim, probe, found, facts)
    if claim.has("move"):
        if not probe.schema.classes:
            raise NotTestable("A predicted number always changes a little; say by how much.")
        same = re.search(r"\b(?:not|nothing|same|unchanged)\b", claim.said("move")) is not None
        return decided(same == bool(found.all("not_flipped")), facts, claim.span("move"))
    return _moved(claim, probe, scope)


def _class(claim: Claim, probe: Probe, found: Evidence, facts: tuple[str, ...]) -> Finding:
    need_classes(probe)
    after = str(found.one("after_prediction").value)
    said, denied = claim.marked.label(claim.said("K")), claim.has("neg")
    kept = found.one("before_prediction").value == after
    still = "still" in f"{claim.said('how')} {claim.said('how2')}"
    if "probably" in claim.said("how"):
        raise NotTestable("“Probably” leaves open what would come of it.")
    edit = without_not(claim) if denied else class_edit(claim, after, probe.schema)
    result = decided((after == said) != denied, facts, claim.span("K"), edit)
    if still and result.truth == "true" and not kept:
        return decided(False, facts, claim.span("how", "how2"))
    return result


def _moved(claim: Claim, probe: Probe, scope: Scope) -> Finding:
    """The probability or the number rises or falls, to or by so much."""
    classes = probe.schema.classes
    if bool(classes) == claim.has("out"):
        raise NotTestable("It is not clear which output of the model is meant.")
    if classes and not claim.has("K"):
        raise NotTestable("It does not say which class the probability is of.")
    given = {"cls": claim.marked.label(claim.said("K"))} if classes else {}
    found = probe.run("what_if", scope, **given)
    facts = probe.said(found, most=2)
    change = found.one("change").number()
    after = found.one("after_probability" if classes else "after_estimate").number()
    checked: list[Finding] = []
    if claim.has("up") or claim.has("down"):
        wanted = 1 if claim.has("up") else -1
        if abs(change) < 5e-4:
            checked.append(decided(False, facts, claim.span("up", "down")))
        else:
            span = claim.span("up", "down")
            checked.append(decided((change > 0) == (wanted > 0), facts, span, swapped(claim, span)))
    if claim.has("amt"):
        said = amount(claim, "amt")
        if said.points and classes and not claim.has("to") and not claim.has("level"):
            said = replace(said, points=False)
        elif classes and not claim.has("to") and not claim.has("level"):
            raise NotTestable("“By so many per cent” may mean points or a ratio; say percentage points.")
        said = share_of(said) if classes else said
        target = after if claim.has("to") or claim.has("level") else abs(change)
        checked.append(compared(claim, said, target, facts))
    return together(checked)
