"""How a report about a model with a hidden flaw is scored.

A flaw is found where a fact of relation "flaw" has the right kind and the right place. The place is right where the
fact is about one of the flaw's features, or where its group, its value or its feature names one of them (by name or
label) or, for a text, one of the flaw's words. Where the flaw is in one category, a fact that names another category of
that column is in the wrong place, and one that names the column alone is in the right one; a category alone is not
enough. Of a range, the column is enough. The right place with another kind counts apart ("found, other kind"). Every
other flaw fact is an accusation elsewhere; on a clean model every flaw fact is a false accusation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from askwhy.agent.investigate.report import Report
from askwhy.evals.agent_recheck import withheld, wrong_claims
from askwhy.evals.flawed_models import Flawed
from askwhy.evals.flawed_tables import Flaw
from askwhy.tools.evidence import Fact
from askwhy.tools.schema import Schema


@dataclass(frozen=True)
class Cost:
    """What an investigation took."""

    calls: int = 0
    tool_calls: int = 0
    tokens: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class FlawScore:
    """What a report made of a model. kind: of the flaw, or "clean"; accused: each flaw fact, as "kind: place"."""

    name: str
    kind: str
    found: bool
    other_kind: bool
    elsewhere: int
    wrong: tuple[str, ...]
    withheld: int
    accused: tuple[str, ...]
    cost: Cost
    stopped: str = "done"


def scored(report: Report, made: Flawed, cost: Cost) -> FlawScore:
    """The score of a report about a model whose flaw is known."""
    schema, flaw = made.subject.schema, made.flaw
    facts = flaw_facts(report)
    here = [fact for fact in facts if flaw is not None and in_place(fact, flaw, schema)]
    found = flaw is not None and any(fact.value == flaw.kind for fact in here)
    return FlawScore(
        name=made.name,
        kind="clean" if flaw is None else flaw.kind,
        found=found,
        other_kind=bool(here) and not found,
        elsewhere=len(facts) - len(here),
        wrong=wrong_claims(report, made.subject),
        withheld=withheld(report),
        accused=tuple(f"{fact.value}: {_where(fact)}" for fact in facts),
        cost=cost,
        stopped=report.stopped,
    )


def flaw_facts(report: Report) -> tuple[Fact, ...]:
    """Every flaw that a report names, once."""
    evidence = (*(told.evidence for told in report.told), *report.answer.evidence)
    facts = (fact for one in evidence for fact in one.all("flaw"))
    distinct = {(fact.value, fact.feature, fact.group, fact.at): fact for fact in facts}
    return tuple(distinct.values())


def in_place(fact: Fact, flaw: Flaw, schema: Schema) -> bool:
    """Whether a flaw fact is about the place where the flaw is."""
    if flaw.features:
        said = " ".join(str(one) for one in (fact.group, fact.at) if one is not None)
        right = fact.feature in flaw.features or _names(said, _labels(flaw, schema))
        return right and not _of_another_category(said, flaw, schema)
    words = [word for phrase in flaw.words for word in (phrase, *phrase.split())]
    texts = schema.names
    spoken = [str(one) for one in (fact.group, fact.at, fact.feature if fact.feature not in texts else None) if one]
    return _names(" ".join(spoken), words)


def _of_another_category(said: str, flaw: Flaw, schema: Schema) -> bool:
    """Whether the words name a category of the flaw's column, but not the one where it is."""
    if flaw.kind in ("leak", "shortcut") or not flaw.words or _names(said, list(flaw.words)):
        return False
    categories = schema.feature(flaw.features[0]).categories
    return _names(said, [word for one in categories for word in (str(one.value), one.label)])


def _labels(flaw: Flaw, schema: Schema) -> list[str]:
    return [word for name in flaw.features for word in (name, schema.feature(name).label)]


def _names(text: str, words: list[str]) -> bool:
    folded = _fold(text)
    return any(re.search(rf"(?<!\w){re.escape(_fold(word))}(?!\w)", folded) for word in words)


def _fold(text: str) -> str:
    return " ".join(text.lower().replace("_", " ").split())


def _where(fact: Fact) -> str:
    return ", ".join(str(one)[:60] for one in (fact.feature, fact.group, fact.at) if one is not None)
