"""What a provider's model may put before the reader without evidence: nothing of its own.

A plan may hold only names of the schema and words that the user typed. The options of a question back, and the question
that is offered instead of a refused one, are read by the embedded parser and said anew by code. The question itself
passes where its words are question words, names of the schema, or the user's own; else a fixed one stands for it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from askwhy.agent.calls import BadCalls, tool_schemas
from askwhy.agent.embedded.words import stem
from askwhy.agent.plan import Check, Clarify, Outcome, Plan, Step
from askwhy.agent.understood import question_of
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Assignment, Change, Condition
from askwhy.tools.subject import Subject

Reader = Callable[[str], Outcome]

ASKED_BACK = "What would you like to know?"
_OPENS = re.compile(
    r"(?:which|what|whose|who|whom|where|when|how (?:many|much|long|should|would|do)|do you (?:mean|want)|"
    r"did you mean|would you like|should|could you|can you|please|for which|of which|in which|about which|by how much|"
    r"to what|from what)\b",
    re.IGNORECASE,
)
_ASKING = """
a about all an and another any are as ask be by can case change changed changes class classes compare compared
could data decision did different do each every exact exactly explain explained explanation feature features
for from give given group groups have how id in into is it like look long many me mean meant model more much
name named new number numbers of on one ones only or other outcome particular person please predict predicted
prediction predictions question questions row rows say see set should show single specific specify tell text
that the their them these this those to two type understand us use used value values want what when where
which who whole whom whose with word words would you your
"""
_WORDS = frozenset(_ASKING.split())
_WORD = re.compile(r"\d+(?:[.,]\d+)*|[^\W\d_]+")
_MARKUP = re.compile(r"[^\w\s,.?'’“”\"():;/-]")
_MOST_SAID = 12


def own(outcome: Outcome, said: Sequence[str], subject: Subject, read: Reader) -> Outcome:
    """An outcome of a provider's model with nothing in it that is the model's own.

    said: what the user typed, in this turn and before. read: from a question to what the embedded model takes it to
    mean. Raises BadCalls for a plan with words that nobody said.
    """
    if isinstance(outcome, Plan):
        for step in outcome.steps:
            _check(step, said, subject)
        return outcome
    if isinstance(outcome, Check):
        _stands(outcome.row, said, subject)
        return outcome
    if isinstance(outcome, Clarify):
        plans = filter(None, (_offered(option, said, subject, read) for option in outcome.options))
        options = {question_of(plan, subject.schema): plan for plan in plans}
        question = outcome.question if is_plain(outcome.question, said, subject.schema) else ASKED_BACK
        return Clarify(question=question, options=tuple(options), readings=tuple(map(_bare, options.values())))
    plan = _offered(outcome.nearest or "", said, subject, read)
    nearest = question_of(plan, subject.schema) if plan else None
    return outcome.model_copy(update={"nearest": nearest})


def _offered(question: str, said: Sequence[str], subject: Subject, read: Reader) -> Plan | None:
    """The plan of a question that is offered to the user; None where there is none, or it names what does not exist."""
    plan = read(question) if question else None
    if not isinstance(plan, Plan):
        return None
    try:
        for step in plan.steps:
            _check(step, said, subject)
    except BadCalls:
        return None
    return plan


def is_plain(question: str, said: Sequence[str], schema: Schema) -> bool:
    """Whether a question asks and does not tell: it opens as a question for something does, and each of its words is a
    question word, in a name of the schema, or the user's own; each number is the user's own; there is no markup."""
    return bool(_OPENS.match(question)) and _is_made_of_known_words(question, said, schema)


def _is_made_of_known_words(text: str, said: Sequence[str], schema: Schema) -> bool:
    known = _WORDS | _names(schema) | _stems(" ".join(said[-_MOST_SAID:]))
    return not _MARKUP.search(text) and all(word in known or stem(word) in known for word in _words(text))


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _stems(text: str) -> frozenset[str]:
    words = _words(text)
    return frozenset((*words, *map(stem, words)))


@functools.lru_cache(maxsize=16)
def _names(schema: Schema) -> frozenset[str]:
    """Words of the schema's names, without numbers: these could be read as a result."""
    return frozenset(word for word in _stems(" ".join(_strings(schema))) if not word[0].isdigit())


def _strings(schema: Schema) -> Iterator[str]:
    yield from (schema.entity, schema.entities, schema.target.name, schema.target.label, schema.target.unit)
    for one in (*schema.features, *schema.classes):
        yield from (one.name, one.label, *one.aliases)
    for feature in schema.features:
        yield feature.unit
        for category in feature.categories:
            yield from (category.name, category.label, str(category.value), *category.aliases)
    yield from schema.rivals


def _check(step: Step, said: Sequence[str], subject: Subject) -> None:
    scope = step.scope
    cells: tuple[Condition | Change | Assignment, ...] = (*scope.where.conditions(), *scope.changes, *scope.case)
    arguments = (value for one in step.arguments for value in _several(one.value))
    values = (*(one.value for one in cells), *(getattr(one, "words", None) for one in cells), *arguments)
    for value in values:
        if not (isinstance(value, str) and _is_made_of_known_words(value, said, subject.schema)):
            _stands(value, said, subject)
    _stands(scope.row, said, subject)
    _stands(scope.text, said, subject)


def _stands(value: object, said: Sequence[str], subject: Subject) -> None:
    """Raises BadCalls for a string that is no name, no choice of a tool, no row, and nothing that the user typed."""
    if not isinstance(value, str) or _known(value, subject):
        return
    if not any(_plain(value) in _plain(one) for one in said):
        raise BadCalls("a text, a row or a value is not in the user's words; copy it from there")


def _known(value: str, subject: Subject) -> bool:
    return value in frozenset(_strings(subject.schema)) | _choices(subject.schema) or value in subject.row_ids


@functools.lru_cache(maxsize=16)
def _choices(schema: Schema) -> frozenset[str]:
    """The strings that the tools' arguments offer to choose from."""
    return frozenset(_enumerated(tool_schemas(schema)))


def _enumerated(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (one for one in node.get("enum", ()) if isinstance(one, str))
        for value in node.values():
            yield from _enumerated(value)
    elif isinstance(node, list):
        for value in node:
            yield from _enumerated(value)


def _several(value: object) -> tuple[object, ...]:
    return value if isinstance(value, tuple) else (value,)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _bare(plan: Plan) -> Plan:
    return plan.model_copy(update={"confidence": None, "others": ()})
