"""Rephrasing as lessons for a small language model: the template with placeholders, other words that pass the gate."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from askwhy.agent.local.short import short_rephrase
from askwhy.agent.verify.constrained import check_constrained
from askwhy.evals.lora_packs import Lesson
from askwhy.evals.words_answers import TrueAnswer
from askwhy.evals.words_liar import Case, cases_of
from askwhy.evals.words_lies import honest, narrated

LEARNT = ("credit", "diabetes")
"""Subjects whose answers are learnt from."""

DEVELOPMENT = ("debates",)
"""Subjects whose answers show how the training goes."""

HELD = ("penguins", "reviews")
"""Subjects whose answers the adapter is measured on: none of their words was seen before."""

_WAYS = 6
_TRIES = 24
_LONGEST = 700
"""Longest template in characters, placeholders included."""


def short_cases(answers: Sequence[TrueAnswer]) -> list[Case]:
    """Answers that may be worded anew and are not too long; each template once."""
    found: dict[str, Case] = {}
    for case in cases_of(answers):
        if len(case.bones.text) <= _LONGEST:
            found.setdefault(case.bones.text, case)
    return list(found.values())


def rephrase_lessons(name: str, cases: Sequence[Case], rng: random.Random) -> Iterator[Lesson]:
    """For every answer of a subject up to six other wordings that the gate accepts."""
    for number, case in enumerate(cases):
        said = tuple((one["role"], one["content"]) for one in short_rephrase(case.bones))
        for text in wordings(case, rng):
            yield Lesson(f"{name} {number}", said, text)


def wordings(case: Case, rng: random.Random) -> list[str]:
    """Other words for an answer that pass the gate."""
    found: dict[str, None] = {}
    for number in range(_TRIES):
        text = (narrated(case.bones, rng) if number % 3 == 0 else None) or honest(case.bones, rng)
        if text != case.bones.text and text not in found and not check_constrained(text, case.bones):
            found[text] = None
        if len(found) == _WAYS:
            break
    return list(found)
