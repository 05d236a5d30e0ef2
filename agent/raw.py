"""The numbers behind an answer as they were computed: a line for every fact, unrounded and in the data's own names."""

from __future__ import annotations

import json

from askwhy.agent.wording import clean
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.scope import Scalar

MOST = 60
"""Facts that are listed; more are in the JSON."""

_FIELDS = {"feature": "feature", "at": "at", "cls": "class", "row": "row", "group": "group", "rank": "rank"}
_ALL = "The whole evidence as JSON: `askwhy ask --json` prints it, and the page has it to download."


def listed(evidence: Evidence) -> tuple[str, ...]:
    """The lines of a step: how it was computed, its facts, how good it is, and where the rest is.

    The check of the words computes them again from the evidence, and takes nothing else.
    """
    facts = [fact_line(fact) for fact in evidence.facts[:MOST]]
    left = len(evidence.facts) - len(facts)
    more = [f"{left} more facts are not listed here."] if left else []
    checks = [
        f"{one.check}: {_raw(one.value)} ({'met' if one.passed else 'not met'}{_after(one.note)})"
        for one in evidence.quality
    ]
    return (_head(evidence), *facts, *more, *checks, _ALL)


def fact_line(fact: Fact) -> str:
    """A fact as `relation: value (what it is about)`."""
    about = [f"{said}: {_raw(value)}" for name, said in _FIELDS.items() if (value := getattr(fact, name)) is not None]
    about += [f"unit: {fact.unit}"] if fact.unit else []
    about += [f"standard error: {_raw(fact.error)}"] if fact.error is not None else []
    told = f" ({'; '.join(about)})" if about else ""
    return f"{clean(fact.relation)}: {_raw(fact.value)}{told}"


def _head(evidence: Evidence) -> str:
    given = ", ".join(
        f"{clean(one.name)}={_many(one.value)}" for one in evidence.arguments if one.value not in (None, ())
    )
    scope = json.dumps(evidence.scope.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False)
    about = f", scope {clean(scope)}" if scope != "{}" else ""
    return f"{clean(evidence.tool)}({given}){about}, {clean(evidence.method)}, seed {evidence.seed}:"


def _after(note: str) -> str:
    return f"; {clean(note)}" if note else ""


def _many(value: Scalar | tuple[Scalar, ...] | None) -> str:
    return f"[{', '.join(map(_raw, value))}]" if isinstance(value, tuple) else _raw(value)


def _raw(value: Scalar | None) -> str:
    """A value as JSON has it; text without quotes."""
    return clean(value) if isinstance(value, str) else json.dumps(value)
