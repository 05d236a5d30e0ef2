"""Questions that take two to six steps, where each step needs what the one before it found, with executable golds.

They were written one by one; `chain` says what follows on what, and no chain has more than a third of them. A gold is a
small program over a `World`: it works the answer out with pandas and the model alone, fills in the steps that a planner
who is never wrong would take, and gives what the answer has to say. The questions stand in `agent_asked_*.py`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

from askwhy.evals.agent_keys import Gold
from askwhy.evals.agent_world import World


@dataclass(frozen=True)
class Asked:
    """A question about a built-in subject. id: its place in the list of its subject, from 1."""

    subject: str
    id: str
    chain: str
    question: str
    gold: Callable[[World], Gold]


Row = tuple[str, str, Callable[[World], Gold]]
"""The chain, the question and its gold."""


def numbered(subject: str, *rows: Row) -> tuple[Asked, ...]:
    """The questions on one subject."""
    return tuple(Asked(subject, f"{subject} {number}", *row) for number, row in enumerate(rows, 1))


@functools.cache
def questions() -> tuple[Asked, ...]:
    """Every question, by subject."""
    from askwhy.evals import agent_asked_credit, agent_asked_tables, agent_asked_texts

    return (*agent_asked_credit.QUESTIONS, *agent_asked_tables.QUESTIONS, *agent_asked_texts.QUESTIONS)


def held_back(asked: Asked) -> bool:
    """Whether a question is one of those (every second) that nobody read who worked on what answers them offline."""
    every = questions()
    return asked in every and every.index(asked) % 2 == 1


@functools.cache
def world(subject: str) -> World:
    """What is true of a built-in subject."""
    from askwhy.tools.subjects.builtin import builtin

    return World(builtin(subject))
