"""One question with everything its plan may point at."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from askwhy.agent.parser.actions import CONSTANTS, Action, Offer
from askwhy.agent.parser.question import Mention, Question, read_question
from askwhy.agent.plan import Step
from askwhy.tools.registry import Tool, tools
from askwhy.tools.schema import Category, Schema
from askwhy.tools.scope import AnyOf, Scope


@dataclass(frozen=True, eq=False)
class Page:
    """One question with everything its plan may point at: the schema, the words and numbers, the turn before."""

    schema: Schema
    question: Question
    earlier: tuple[Step, ...] = ()

    @functools.cached_property
    def values(self) -> tuple[tuple[int, Category], ...]:
        """Every value of every feature, in order, with its feature's position."""
        return tuple((i, one) for i, feature in enumerate(self.schema.features) for one in feature.categories)

    @functools.cached_property
    def numbers(self) -> tuple[Mention, ...]:
        """The numbers of the question, those that can be meant without being said, and those of the turn before."""
        return (*self.question.numbers, *_constants(), *_said(self.earlier))

    @classmethod
    def of(cls, text: str, schema: Schema, earlier: tuple[Step, ...] = ()) -> Page:
        """For a question as it was typed."""
        return cls(schema, read_question(text), earlier)

    @property
    def before(self) -> Scope | None:
        """What the turn before was about."""
        return self.earlier[-1].scope if self.earlier else None

    @property
    def groups(self) -> tuple[AnyOf, ...]:
        """The conditions of the turn before."""
        return self.before.where.all if self.before else ()

    def offer(self, names: frozenset[str] | None = None, shown: frozenset[Action] | None = None) -> Offer:
        """What can be pointed at. names: the tools on offer, default: all that fit. shown: the features and values
        that are, default: all.
        """
        fitting: dict[str, Tool] = tools(self.schema)
        if names is not None:
            fitting = {name: one for name, one in fitting.items() if name in names}
        values = [one.value for one in self.numbers]
        written = frozenset(i for i, one in enumerate(self.numbers) if one.raw)
        words = len(self.question.words)
        return Offer.of(self.schema, fitting, values, written, words, len(self.groups), self.before, shown)


UNSPOKEN = (*(f"constant {value:g}" for value in CONSTANTS), "condition", "change", "cell", "argument", "row")
"""How a number can be meant that no word stands for: always at hand, or from a part of the turn before."""


def _constants() -> tuple[Mention, ...]:
    return tuple(Mention(value, "", -1, way) for value, way in zip(CONSTANTS, UNSPOKEN, strict=False))


def _said(earlier: Sequence[Step]) -> tuple[Mention, ...]:
    """Numbers of the turn before, so that a follow-up can keep them."""
    found: dict[float, str] = {}
    for step in earlier:
        scope = step.scope
        parts: tuple[tuple[str, tuple[Any, ...]], ...] = (
            ("condition", scope.where.conditions()), ("change", scope.changes), ("cell", scope.case),
            ("argument", step.arguments),
        )  # fmt: skip
        cells = [(way, one.value) for way, part in parts for one in part]
        for way, value in (*cells, ("row", scope.row)):
            try:
                number = math.nan if isinstance(value, bool) or value is None else float(value)
            except (TypeError, ValueError):
                continue
            if math.isfinite(number):
                found.setdefault(number, way)
    return tuple(Mention(value, f"{value:g}", -2, way) for value, way in found.items())
