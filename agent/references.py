"""What a question means by pointing: "the second one" of what the last answer listed, or of the readings it offered."""

from __future__ import annotations

import re
from collections.abc import Sequence

from askwhy.agent.answer import Turn
from askwhy.agent.plan import Clarify, Plan
from askwhy.agent.understood import question_of
from askwhy.agent.wording import ORDINALS, ordinal_value
from askwhy.tools.evidence import Evidence
from askwhy.tools.schema import Schema

MOST_LISTED = 50
"""Rows and features of an answer that later questions can count through."""

_ORDINAL = rf"(?P<place>{'|'.join(ORDINALS)}|last|\d{{1,2}}(?:st|nd|rd|th))"
_PICK = re.compile(
    rf"(?:(?:i (?:mean|meant)|yes,?|take|use|pick|choose|go with|option|number|no\.?|reading) )*"
    rf"(?:(?:the )?{_ORDINAL}(?: (?:one|option|reading|question))?|(?P<number>\d{{1,2}}))(?:,? please)?",
    re.IGNORECASE,
)
_YES = re.compile(r"(?:yes|yep|yeah|right|exactly|correct|that one|that's it|i do)(?:,? please)?", re.IGNORECASE)

_NOT_THAT = re.compile(
    r"(?:no,? )?(?:(?:i )?did(?: not|n't) (?:mean|ask) that|not (?:that|this)(?: one)?|the other (?:one|reading)|"
    r"that(?: i|')s not what i (?:meant|asked)(?: for)?|(?:i meant )?something else)"
)


def picked(question: str, history: Sequence[Turn], schema: Schema) -> Plan | str | None:
    """The reading that a question chooses among those just offered: its plan, or its words where it has none."""
    last = history[-1].outcome if history else None
    said = _plain(question)
    if isinstance(last, Plan) and last.others:
        place = 0 if _NOT_THAT.fullmatch(said) else _named(said, others_of(last, schema))
        return None if place is None else last.others[place]
    if not isinstance(last, Clarify) or not last.options:
        return None
    place = _choice(said, last.options)
    if place is None or not 0 <= place < len(last.options):
        return None
    return last.readings[place] if place < len(last.readings) else last.options[place]


def others_of(plan: Plan, schema: Schema) -> tuple[str, ...]:
    """The other readings of a question as questions."""
    return tuple(question_of(one, schema) for one in plan.others)


def _named(said: str, options: Sequence[str]) -> int | None:
    return next((place for place, option in enumerate(options) if said == _plain(option)), None)


def _choice(said: str, options: Sequence[str]) -> int | None:
    if (place := _named(said, options)) is not None:
        return place
    if len(options) == 1 and _YES.fullmatch(said):
        return 0
    match = _PICK.fullmatch(said)
    if match is None:
        return None
    return int(match["number"]) - 1 if match["number"] else _place(match["place"], len(options))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .?!")


def _place(said: str, count: int) -> int:
    value = ordinal_value(said)
    return count - 1 if value is None else value - 1  # "the last"


def listed(evidence: Sequence[Evidence]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Rows and features that an answer lists, each in order; nothing where it is about one of them."""
    facts = [fact for one in evidence for fact in one.facts]
    rows = tuple(dict.fromkeys(fact.row for fact in facts if fact.row is not None))[:MOST_LISTED]
    ranked = sorted((fact for fact in facts if fact.feature is not None and fact.rank), key=lambda fact: fact.rank or 0)
    features = tuple(dict.fromkeys(fact.feature for fact in ranked if fact.feature))[:MOST_LISTED]
    return rows if len(rows) > 1 else (), features if len(features) > 1 else ()


def pointed(question: str, history: Sequence[Turn], schema: Schema) -> str:
    """The question with the name of what it counts to in the last answer: "explain the second one"."""
    last = next((turn for turn in reversed(history) if isinstance(turn.outcome, Plan)), None)
    if last is None or not (last.rows or last.features):
        return question
    entity = re.escape(schema.entity)
    rows, features = rf"one|row|instance|case|{entity}", r"one|feature|factor|reason|driver|cause"
    named = [f"{schema.entity} {row}" for row in last.rows]
    labels = [schema.feature(name).label for name in last.features if name in schema.names]
    for names, nouns in ((named, rows), (labels, features)):
        if names:
            question = _replaced(question, names, nouns)
    return question


def _replaced(question: str, names: Sequence[str], nouns: str) -> str:
    def name(match: re.Match[str]) -> str:
        place = _place(match["place"], len(names))
        return names[place] if 0 <= place < len(names) else match[0]

    among = r"(?:of|on|in) (?:them|these|those|the list|your list)\b"
    pattern = rf"\b(?:the )?{_ORDINAL} (?:(?:{nouns})\b(?: {among})?|{among})"
    return re.sub(pattern, name, question, flags=re.IGNORECASE)
