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

_LOOK_BACK = 4
"""Turns after which a list is forgotten."""
_ENDS = r"(?=(?: (?:too|as well|then|please|now|instead|again|also))?(?:[?.!,;]|$))"
_BOTH = re.compile(
    r"\b(?:they|them|both(?: of them)?|(?:the|these|those) two(?: of them)?)\b(?! (?:features|columns|groups|classes))",
    re.IGNORECASE,
)
_COMPARED = re.compile(r"\b(?:compar\w+|contrast\w*|differ\w*|versus|vs)\b", re.IGNORECASE)


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
    """The question with the names of what it points at: "explain the second one" of what was listed, "the other one" of
    two rows, "why are they different?" after two rows.
    """
    turns = [turn for turn in reversed(history) if isinstance(turn.outcome, Plan)][:_LOOK_BACK]
    if not turns:
        return question
    rows, features = _lists(turns)
    entity = re.escape(schema.entity)
    nouns = (rf"one|row|instance|case|{entity}", r"one|feature|factor|reason|driver|cause")
    named = [f"{schema.entity} {row}" for row in rows]
    labels = [schema.feature(name).label for name in features if name in schema.names]
    for names, noun in zip((named, labels), nouns, strict=True):
        if names:
            question = _replaced(question, names, noun)
    pair = _pair(turns, rows)
    if len(pair) != 2:
        return question
    last, before = (f"{schema.entity} {row}" for row in pair)
    if last in named:
        question = re.sub(rf"\bthe other (?:{nouns[0]})\b", before, question, flags=re.IGNORECASE)
    return _BOTH.sub(f"{before} and {last}", question, count=1) if _COMPARED.search(question) else question


def _lists(turns: Sequence[Turn]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Rows and features to count through: of the last turn, or of an earlier one whose rows are gone through."""
    for place, turn in enumerate(turns):
        if turn.rows:
            return turn.rows, turn.features if not place else ()
        if not any(turn.scope and turn.scope.row in one.rows for one in turns[place + 1 :]):
            break
    return (), turns[0].features


def _pair(turns: Sequence[Turn], rows: Sequence[str]) -> tuple[str, ...]:
    """Two rows under discussion, the last one first: the two that were listed, or those of the last two turns."""
    said = list(dict.fromkeys(turn.scope.row for turn in turns[:2] if turn.scope and turn.scope.row))
    if len(rows) == 2:
        first = said[0] if said and said[0] in rows else rows[1]
        return (first, *(row for row in rows if row != first))
    return tuple(said) if not rows else ()


def _replaced(question: str, names: Sequence[str], nouns: str) -> str:
    def name(match: re.Match[str]) -> str:
        place = _place(match["place"], len(names))
        return names[place] if 0 <= place < len(names) else match[0]

    among = r"(?:of|on|in) (?:them|these|those|the list|your list)\b"
    counted = rf"\b(?:the )?{_ORDINAL} (?:(?:{nouns})\b(?: {among})?|{among})"
    question = re.sub(counted, name, question, flags=re.IGNORECASE)
    return re.sub(rf"\bthe {_ORDINAL}{_ENDS}", name, question, flags=re.IGNORECASE)
