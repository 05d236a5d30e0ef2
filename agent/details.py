"""What an expert is told beside the answer: method, what was measured, errors, base value, and every check.

The check of the words computes these sentences again from the evidence, and takes nothing else.
"""

from __future__ import annotations

from askwhy.agent.wording import clean
from askwhy.tools.evidence import Evidence, Fact, Quality

_MOST_ERRORS = 6


def details(evidence: Evidence) -> tuple[str, ...]:
    """The sentences, in order."""
    told = [f"Method: {clean(evidence.method).rstrip('.')}."] if evidence.method else []
    if evidence.estimand:
        told.append(f"Measured: {clean(evidence.estimand).rstrip('.')}.")
    base = next((fact for fact in evidence.facts if fact.relation == "base"), None)
    if base is not None:
        told.append(f"Base value: {base.number():.6g}.")
    errors = dict.fromkeys(said for fact in evidence.facts if (said := _error(fact)) is not None)
    if errors:
        more = f", and {len(errors) - _MOST_ERRORS} more" if len(errors) > _MOST_ERRORS else ""
        told.append(f"Standard errors: {'; '.join(list(errors)[:_MOST_ERRORS])}{more}.")
    if evidence.quality:
        told.append(f"Checks: {'; '.join(map(_check, evidence.quality))}.")
    told.append(f"Seed: {evidence.seed}.")
    return tuple(told)


def _error(fact: Fact) -> str | None:
    if not fact.error:
        return None
    about = clean(fact.feature or fact.group or fact.at or fact.relation.replace("_", " "))
    return f"{about} {fact.error:.3g}"


def _check(one: Quality) -> str:
    note = f", {clean(one.note).replace('; ', ', ')}" if one.note else ""
    return f"{clean(one.check)} {one.value:.4g} ({'met' if one.passed else 'not met'}{note})"
