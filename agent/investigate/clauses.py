"""A question of several parts, cut into its clauses, and what a clause points at among the things found before."""

from __future__ import annotations

import re
from dataclasses import dataclass

from askwhy.tools.schema import Schema

_STARTS = (
    r"(?:(?:also|finally|next|now|please|lastly)\s+)*(?:find|explain|show|tell|what|which|why|how|who|whom|where|when|is|are|"
    r"was|were|does|do|did|would|could|can|should|compare|list|check|say|give|describe|name|look|see|count|measure|"
    r"predict|test|take|pick)\b"
)
_JOINT = re.compile(
    rf"[.?!;]+\s+(?:(?:and|then)\s+)*|(?:\s*,\s*|\s+)(?:and\s+then|then|and)\s+(?={_STARTS})|\s*,\s*(?={_STARTS})",
    re.IGNORECASE,
)
_THERE = re.compile(
    r"\s*\b(?:there|(?:in|within|inside|for|of|among) (?:it|them|those|these|(?:that|this|the) (?:group|slice|segment|"
    r"subgroup|part|weak spot)))\b(?!\s+(?:is|are|was|were|any)\b)",
    re.IGNORECASE,
)
_WORST = re.compile(
    r"\b(?:its|their|the|that group's|the group's|the model's) (?:single )?(?:worst|largest|biggest|clearest|gravest) "
    r"(?:mistake|error|miss)\b(?: (?:it|the model) (?:makes|made))?",
    re.IGNORECASE,
)
_SHOWN = re.compile(
    r"(?:find|show(?: me)?|give(?: me)?|name|take|pick|list|see|look at|what(?: is|'s|s)|which is)\s*$", re.I
)
_MODEL = re.compile(
    r"\bit (?:treats?|fails?|makes?|made|relies|rely|uses?|gets?|does|is (?:most |more |least )?(?:often )?wrong|"
    r"performs?|predicts?|decides?|works?)\b|"
    r"\b(?:does|did|is|can) it (?:fail|make|rely|use|get|do|treat|perform|decide|work|wrong)\b",
    re.IGNORECASE,
)
_FIX = re.compile(
    r"\b(?:what|how|which changes?)\b.*"
    r"\b(?:fix|mend|correct|put (?:it|that|this) right|change (?:it|that|this)|flip)\b|"
    r"\bwhat (?:would|must|has to|should) (?:have to )?(?:change|be different)\b|"
    r"\bwhat would make (?:it|that|this) (?:right|correct)\b",
    re.IGNORECASE,
)
_FIXED = "what would have to be different about {row} to get another prediction?"


def clauses_of(question: str) -> tuple[str, ...]:
    """The parts of a question that ask for something each, in order."""
    parts = (part.strip(" \t\n,;.?!") for part in _JOINT.split(question.strip()))
    return tuple(part for part in parts if part)


@dataclass(frozen=True)
class Clause:
    """A clause without what it points at.

    text: “{row}” stands for the row pointed at, empty where nothing is left to ask. worst: whether the row is that of
    the worst mistake, which has to be found first. there: whether it is about the group found before. bare: the words
    as they were.
    """

    text: str
    worst: bool
    there: bool
    bare: str


def points_there(said: str) -> bool:
    """Whether a clause is about a group found before."""
    return _THERE.search(said) is not None


def clause_of(said: str, schema: Schema, group: bool, row: bool) -> Clause:
    """A clause as it is to be understood; `group` and `row`: whether there is one that it can point at."""
    found = _THERE.search(said)
    text = said[: found.start()] + said[found.end() :] if found else said
    if mention := _WORST.search(text):
        before = text[: mention.start()]
        rest = (
            ""
            if _SHOWN.search(before) and not text[mention.end() :].strip()
            else f"{before}{{row}}{text[mention.end() :]}"
        )
        return Clause(rest, True, group and (found is not None or not mention[0].lower().startswith("the model")), said)
    if row and _FIX.search(text):
        return Clause(_FIXED, False, False, said)
    return Clause(_with_row(text, schema) if row and found is None else text, False, group and found is not None, said)


def with_feature(text: str, label: str) -> str:
    """The clause with a feature's label in the place of a pronoun, unless that is the model's."""
    if _MODEL.search(text):
        return text
    return re.sub(
        r"\b(?:(?:that|this) (?:one|feature|factor|column)|it)\b",
        lambda found: label,
        text,
        count=1,
        flags=re.IGNORECASE,
    )


def _with_row(text: str, schema: Schema) -> str:
    """The clause with “{row}” in the place of a pronoun, unless that is the model's."""
    entity = re.escape(schema.entity)
    named = (
        rf"\b(?:(?:that|this) (?:one|case|row|mistake|error|prediction|{entity})|the (?:mistake|case)|it|they|them)\b"
    )
    if _MODEL.search(text):
        return text
    return re.sub(named, "{row}", re.sub(r"\bits\b", "{row}'s", text, flags=re.I), flags=re.IGNORECASE)
