"""Where a clause mentions names of the schema, and which classes it says were predicted and which are true."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from askwhy.agent.embedded.lexicon import Named, lexicon
from askwhy.agent.embedded.mentions import mention_at
from askwhy.agent.embedded.words import tokens
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import Condition

_SAID = re.compile(
    r"\b(?:took|taken|takes?|mistook|mistaken|mistakes?|passed(?: off)?)\b.*\b(?:for|as)\b[^,;]*$|"
    r"\b(?:wrongly|falsely|mistakenly|erroneously|incorrectly|predicted|predicts?|classified|judged|called|calls?|"
    r"labelled|labeled|seen|rated|believed|thought|considered|deemed|convinced|sure|certain|said|put down|false|wrong|mistaken|incorrect)\b(?: \w+){0,2} ?$|\bit (?:has |"
    r"had )?(?:wrongly )?$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Mention:
    """A name of the schema (or a number, a quotation, words for rows) in a text, by the letter of its kind."""

    kind: str
    start: int
    end: int
    named: Named | None = None

    @property
    def feature(self) -> Feature | None:
        """The feature that is named, if it is one."""
        return self.named.feature if self.named is not None else None


def mentions(text: str, schema: Schema) -> tuple[Mention, ...]:
    """Every mention in a text, in order, by the letters of the embedded engine (F, C, K, T, O, N, E, I, Q)."""
    words, found, position = lexicon(schema), tokens(text), 0
    made: list[Mention] = []
    while position < len(found):
        kind, slot, end = mention_at(found, position, words)
        if kind is not None:
            made.append(Mention(kind, found[position].start, found[end - 1].end, slot.named))
        position = end
    return tuple(made)


def class_conditions(text: str, schema: Schema) -> tuple[Condition, ...] | None:
    """The classes that a description of a mistake names: what was predicted, and what is true.

    “the rotten reviews that it took for fresh” are rotten and predicted fresh. None where one class has both parts.
    """
    parts: dict[str, str] = {}
    for one in mentions(text, schema):
        if one.kind != "K" or one.named is None or one.named.label is None:
            continue
        on = "predicted" if _SAID.search(text[: one.start]) else "actual"
        if parts.setdefault(on, one.named.label) != one.named.label:
            return None
    if len(set(parts.values())) < len(parts):
        return None
    return tuple(Condition(on="predicted" if on == "predicted" else "actual", value=name) for on, name in parts.items())


def narrows(found: Sequence[Mention]) -> bool:
    """Whether any of these says something of rows, other than their class."""
    return any(one.kind in ("F", "C", "N", "O", "Q") for one in found)
