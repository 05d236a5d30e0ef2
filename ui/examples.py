"""Example questions that fit a subject: the tools' own asks, filled with its features, rows and classes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from askwhy.tools.alter import typical_row
from askwhy.tools.registry import Tool, tools
from askwhy.tools.schema import ClassLabel, Feature, Schema
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Subject, plain
from askwhy.ui.cells import number_text, printable

# The questions people bring first; a tool that is not named here comes after these.
_FIRST = (
    "explain", "explain_text", "counterfactual", "importance", "importance_text", "what_if", "effect", "mistakes",
    "predict", "count", "score", "likelihood",
)  # fmt: skip
_WISHES = frozenset({"counterfactual"})  # their class is the one to reach, not the one predicted
_SLOT = re.compile(r"\{(\w+)\}")
_LONGEST_TEXT = 90
_LONGEST = 150

_OF_A_TABLE = {
    "row": "applicant 12", "feature": "age", "feature2": "income", "number": "40", "category": "single",
    "class": "approved", "entity": "applicant", "entities": "applicants", "subset": "age over 40", "k": "three",
    "text": "“some text”", "word": "“word”",
}  # fmt: skip
_OF_A_TEXT = {
    **_OF_A_TABLE, "row": "review 12", "class": "positive", "entity": "review", "entities": "reviews",
    "subset": "“dull” in the text", "text": "“a dull story”", "word": "“dull”",
}  # fmt: skip


@dataclass(frozen=True)
class Example:
    """A question that can be asked as it stands, and the tool that it is an example of."""

    tool: str
    question: str


def examples(subject: Subject, count: int = 8) -> tuple[Example, ...]:
    """Up to `count` questions, one per tool, that the subject can answer; the same subject gives the same ones."""
    fitting = tools(subject.schema)
    names = [name for name in _FIRST if name in fitting] + [name for name in fitting if name not in _FIRST]
    slots = _Slots.of(subject)
    found: list[Example] = []
    for name in names:
        question = _question(fitting[name], slots, turn=len(found))
        if question is not None:
            found.append(Example(name, question))
        if len(found) == count:
            break
    return tuple(found)


def in_words(made: Tool) -> str:
    """A tool's first ask with its slots filled by words, for a page that knows no subject; empty if it has none."""
    if not made.asks:
        return ""
    text_only = made.function.__module__.startswith("askwhy.tools.text.")
    words = _OF_A_TEXT if text_only else _OF_A_TABLE
    return sentence(_SLOT.sub(lambda slot: words.get(slot.group(1), slot.group(1)), made.asks[0].text))


def sentence(text: str) -> str:
    """A question with a capital and a mark at its end."""
    text = " ".join(text.split())
    ended = text if text[-1:] in (".", "?", "!", "”") else f"{text}?" if _asks(text) else f"{text}."
    return ended[:1].upper() + ended[1:]


def _asks(text: str) -> bool:
    return (
        re.match(r"(?i)(what|why|how|which|who|where|is|are|was|were|do|does|did|would|could|can|if|should)\b", text)
        is not None
    )


def _question(made: Tool, slots: _Slots, turn: int) -> str | None:
    filled = [(one.text, slots.fill(one.text, made.name, turn)) for one in made.asks]
    usable = [(ask, text) for ask, text in filled if text is not None and len(text) <= _LONGEST]
    if not usable:
        return None
    return sentence(min(usable, key=lambda pair: _rank(pair[0], made))[1])


def _rank(ask: str, made: Tool) -> int:
    """Lower is better: questions that name a row and its class, then plain ones, then those about a part of the rows.

    Last come those that only make sense after another question. `min` keeps the first of equals, and a tool's first
    asks are its plainest.
    """
    names = set(_SLOT.findall(ask))
    if {"row", "class"} <= names:
        return 0
    if made.needs in ("instance", "changes") and not names & {"row", "text"}:
        return 3
    return 2 if "subset" in names else 1


@dataclass(frozen=True)
class _Slots:
    """What each slot is filled with; a slot without a filling rules an ask out."""

    schema: Schema
    fillings: Mapping[str, str]
    numeric: tuple[Feature, ...]
    categorical: tuple[Feature, ...]
    numbers: Mapping[str, str]
    comparative: str | None

    @classmethod
    def of(cls, subject: Subject) -> _Slots:
        schema = subject.schema
        numeric = tuple(one for one in schema.features if one.numeric)
        categorical = tuple(one for one in schema.features if one.kind == "category" and one.categories)
        row, label = _telling_row(subject)
        numbers = _middles(subject, numeric)
        fillings = {"entity": schema.entity, "entities": schema.entities, "k": "three"}
        fillings["row"] = f"{schema.entity} {row}"
        if label is not None:
            fillings["class"] = _as_adjective(label)
            fillings["wished"] = _as_adjective(_wished(schema, label))
        if schema.modality == "text":
            fillings |= _text_slots(subject, row)
        return cls(schema, fillings, numeric, categorical, numbers, _comparative(numeric, numbers))

    def fill(self, text: str, tool: str, turn: int = 0) -> str | None:
        """The ask as a question, None if a slot cannot be filled. Another `turn`, another feature."""
        names = _SLOT.findall(text)
        values = dict(self.fillings) | self._features(names, turn)
        if tool in _WISHES and "wished" in values:
            values["class"] = values["wished"]
        subset = self._subset(text)
        if subset is not None:
            values["subset"] = subset
        if any(name not in values for name in names):
            return None
        return _SLOT.sub(lambda slot: printable(values[slot.group(1)]), text)

    def _features(self, names: list[str], turn: int) -> dict[str, str]:
        """The features that a question names, of a kind that goes with its value."""
        if "category" in names:
            if not self.categorical:
                return {}
            chosen = self.categorical[turn % len(self.categorical)]
            rest = [one for one in self.schema.features if one is not chosen]
            pair = {"category": chosen.categories[-1].label}
        elif self.schema.modality == "text":
            return {}
        else:
            wanted = self.numeric if "number" in names else self.numeric or self.schema.features
            if not wanted:
                return {}
            chosen = wanted[turn % len(wanted)]
            rest = [one for one in self.schema.features if one is not chosen]
            pair = {"number": self.numbers[chosen.name]} if chosen.name in self.numbers else {}
        second = {"feature2": rest[0].label} if rest else {}
        return {"feature": chosen.label, **pair, **second}

    def _subset(self, text: str) -> str | None:
        """Rows in words that go on from what stands before the slot: "older than 40", "age over 40", "with ..."."""
        if not self.numeric:
            return None
        before = text.partition("{subset}")[0].rstrip().rsplit(" ", 1)[-1].lower()
        feature = self.numeric[0]
        over = f"{feature.label} over {self.numbers[feature.name]}"
        if before in ("with", "whose"):
            return over
        if before in ("are", "is"):
            return self.comparative
        return f"with {over}"


def _telling_row(subject: Subject) -> tuple[str, ClassLabel | None]:
    """A row worth asking about (the model is least in doubt of an unfavourable outcome) and its predicted class."""
    if subject.known is None or subject.regression:
        return subject.row_ids[min(12, len(subject.row_ids) - 1)], None
    outputs = subject.known
    predicted = predicted_index(outputs)
    explained = subject.schema.explained
    wanted = np.ones(len(predicted), dtype=bool)
    if explained is not None:
        wanted = predicted != subject.schema.classes.index(explained)
    if subject.schema.modality == "text":
        wanted = wanted & np.asarray(subject.data.iloc[:, 0].astype("str").str.len() <= _LONGEST_TEXT)
    candidates = np.flatnonzero(wanted) if wanted.any() else np.arange(len(predicted))
    # Early ids are short ones, and a row within reach of the boundary has a counterfactual worth reading.
    position = int(candidates[candidates >= min(12, candidates[-1])][0])
    return subject.row_ids[position], subject.schema.classes[int(predicted[position])]


def _as_adjective(label: ClassLabel) -> str:
    """The name of a class where a word for what somebody is would stand; one without letters is no such word."""
    return label.label if any(map(str.isalpha, label.label)) else f"predicted {label.label}"


def _wished(schema: Schema, predicted: ClassLabel) -> ClassLabel:
    """The outcome one would ask how to reach."""
    others = [one for one in schema.classes if one != predicted]
    return next((one for one in others if one.favourable), others[0] if others else predicted)


def _middles(subject: Subject, numeric: tuple[Feature, ...]) -> dict[str, str]:
    """A round value in the middle of every number's range, as text."""
    row: Any = typical_row(subject).iloc[0] if numeric else {}
    found: dict[str, str] = {}
    for feature in numeric:
        value: Any = plain(row[feature.name])
        if value is not None:
            found[feature.name] = number_text(_rounded(float(value)))
    return found


def _rounded(value: float) -> float:
    """Two significant digits."""
    return float(f"{value:.2g}")


def _comparative(numeric: tuple[Feature, ...], numbers: Mapping[str, str]) -> str | None:
    for feature in numeric:
        if feature.more and feature.more[0] == "older" and feature.name in numbers:
            return f"older than {numbers[feature.name]}"
    return None


def _text_slots(subject: Subject, row: str) -> dict[str, str]:
    text = " ".join(str(subject.row(row).iloc[0, 0]).split())
    words = sorted(re.findall(r"[^\W\d_]{4,}", text), key=lambda word: (-len(word), text.index(word)))
    found = {"text": f"“{text}”"} if text and len(text) <= _LONGEST_TEXT else {}
    return {**found, "word": f"“{words[0]}”"} if words else found
