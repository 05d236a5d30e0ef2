"""Which tools a question could mean: nearest examples (`asks`) by word and character n-grams, then what fits.

An example is filled with words of the schema and read exactly as a question is, so both end as the same kind of
sketch. A tool that is added brings its own examples; nothing here knows a tool by name.
"""

from __future__ import annotations

import functools
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from askwhy.agent.embedded.changes import read_changes
from askwhy.agent.embedded.conditions import read_conditions, read_previous, read_rows
from askwhy.agent.embedded.english import pattern
from askwhy.agent.embedded.mentions import Reading, sketch
from askwhy.agent.embedded.words import SMALL, canonical
from askwhy.agent.listing import clean
from askwhy.tools.registry import Ask, Tool, names_kind, tools
from askwhy.tools.schema import Feature, Schema

_SLOT = re.compile(r"\{(\w+)\}")
_CODES = {
    "F": "slotfeature", "C": "slotsubset", "S": "slotsubset", "K": "slotclass", "N": "slotnumber", "X": "slotchange",
    "R": "slotrow", "E": "slotrows", "I": "slotone", "Q": "slottext", "T": "slottarget", "O": "more", "W": "slotword",
}  # fmt: skip
CUES = 0.5
"""Share of the score that topic words give; the rest is nearness to an example."""

_SHORT = 40
_CODE = re.compile(r"\b([FCSKNXREIQTOW])\d+\b")


@dataclass(frozen=True)
class Match:
    """A tool, the example that is nearest, how near it is (0..1), and the score with what fits the tool."""

    tool: Tool
    ask: Ask
    nearness: float
    score: float


def read(question: str, schema: Schema) -> Reading:
    """A question with its rows, changes and conditions read."""
    reading = sketch(question, schema)
    reading.text = pattern("polite").sub(" ", pattern("preface").sub(" ", f" {reading.text} ")).strip()
    _read_quotes(reading)
    read_rows(reading)
    read_changes(reading)
    read_conditions(reading)
    read_previous(reading)
    return reading


def _read_quotes(reading: Reading) -> None:
    """A quotation, or what follows a colon, is the text under discussion, where the model reads texts."""
    if reading.schema.modality != "text":
        return
    quotes = [code for code in reading.left("Q") if len(reading.slots[code].text.split()) > 2]
    if quotes:
        reading.quoted = reading.slots[quotes[0]].text
        reading.text = reading.text.replace(quotes[0], "R0", 1)
    elif ": " in reading.question and len(reading.question.split(": ", 1)[1].split()) > 2:
        before, reading.quoted = reading.question.split(": ", 1)
        reading.text = sketch(before, reading.schema).text + " R0"


def plain_words(text: str) -> list[str]:
    """The sketch as canonical words, with a word for each kind of code."""
    named = _CODE.sub(lambda match: _CODES[match[1]], text)
    words = [word if word.startswith("slot") else canonical(word) for word in re.findall(r"[^\W_]+(?:'\w+)?", named)]
    return [word for number, word in enumerate(words) if not (number and word == words[number - 1])]


@dataclass(frozen=True)
class Entry:
    """An example as the sketch it becomes; `topic` are its words that carry meaning of their own."""

    tool: Tool
    ask: Ask
    text: str
    words: frozenset[str]
    topic: frozenset[str]


def _entry(tool: Tool, example: Ask, schema: Schema) -> Entry:
    words = plain_words(read(filled(example.text, schema), schema).text)
    topic = frozenset(word for word in words if word not in SMALL and not word.startswith("slot"))
    return Entry(tool, example, " ".join(words), frozenset(words), topic)


class Index:
    """The examples of every tool that fits a schema, as vectors."""

    def __init__(self, schema: Schema, known: tuple[Tool, ...]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.entries = [_entry(one, example, schema) for one in known for example in one.asks]
        texts = [entry.text for entry in self.entries]
        self._words = TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), sublinear_tf=True)
        self._characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
        self._by_word = self._words.fit_transform(texts)
        self._by_character = self._characters.fit_transform(texts)
        self._cues = _cues(self.entries)
        described = {word for one in known for word in re.findall(r"\w+", one.description.lower())}
        self.vocabulary = {word for text in texts for word in text.split()} | {canonical(word) for word in described}

    def near(self, text: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        """Nearness (0..1) of a sketch to every example."""
        words = [" ".join(plain_words(text))]
        by_word = self._by_word @ self._words.transform(words).T
        by_character = self._by_character @ self._characters.transform(words).T
        return np.asarray(0.6 * by_word.toarray()[:, 0] + 0.4 * by_character.toarray()[:, 0], dtype=float)

    def cued(self, text: str) -> dict[str, float]:
        """How much the topic words of a sketch speak for each tool (0..1), by the tools whose examples use them."""
        found = [self._cues[word] for word in set(plain_words(text)) if word in self._cues]
        total = sum(weight for weight, _ in found)
        votes: dict[str, float] = {}
        for weight, shares in found:
            for name, share in shares.items():
                votes[name] = votes.get(name, 0.0) + weight * share / total
        return votes

    def familiar(self, text: str) -> float:
        """The share of a sketch's own words, small ones apart, that some example uses; 1 where it has none."""
        words = [word for word in plain_words(text) if word not in SMALL and not word.startswith("slot")]
        return sum(word in self.vocabulary for word in words) / len(words) if words else 1.0


def _cues(entries: list[Entry]) -> dict[str, tuple[float, dict[str, float]]]:
    """For each topic word its weight (1: used by one tool only, 0: by all alike) and its share for each tool."""
    sizes = Counter(entry.tool.name for entry in entries)
    used: dict[str, Counter[str]] = {}
    for entry in entries:
        for word in entry.topic:
            used.setdefault(word, Counter())[entry.tool.name] += 1
    cues: dict[str, tuple[float, dict[str, float]]] = {}
    for word, counts in used.items():
        rates = {name: count**0.7 / sizes[name] ** 0.5 for name, count in counts.items()}
        total = sum(rates.values())
        shares = {name: rate / total for name, rate in rates.items()}
        entropy = -sum(share * math.log(share) for share in shares.values())
        cues[word] = (1 - entropy / math.log(max(2, len(sizes))) + 1e-6, shares)
    return cues


def index(schema: Schema) -> Index:
    """The index of the tools that fit a schema; made once for each set of tools."""
    return _index(schema, tuple((name, one.code) for name, one in tools(schema).items()))


@functools.lru_cache(maxsize=16)
def _index(schema: Schema, key: tuple[tuple[str, str], ...]) -> Index:
    return Index(schema, tuple(tools(schema)[name] for name, _ in key))


def ranked(reading: Reading, text: str, names: frozenset[str], row: bool) -> list[Match]:
    """Tools by score, best first. `names` are those on offer; `row`: an instance is known, here or from before."""
    found = index(reading.schema)
    words = set(plain_words(text))
    cued = found.cued(text)
    best: dict[str, Match] = {}
    for entry, near in zip(found.entries, found.near(text), strict=True):
        if entry.tool.name in names:
            said = (1 - CUES) * float(near) + CUES * cued.get(entry.tool.name, 0.0)
            score = said + _fit(entry.tool, reading, text, row) + _same_parts(entry, words, row)
            if entry.tool.name not in best or score > best[entry.tool.name].score:
                best[entry.tool.name] = Match(entry.tool, entry.ask, float(near), score)
    return sorted(best.values(), key=lambda match: (-match.score, match.tool.name))


def _same_parts(entry: Entry, words: set[str], known_row: bool) -> float:
    """What the example has and the question lacks: topic words, a feature, a row; what it fixes weighs more."""
    missing = len(entry.topic - words)
    feature = ("slotfeature" in entry.words) != ("slotfeature" in words)
    row = ("slotrow" in entry.words) != ("slotrow" in words or known_row)
    subset = "slotsubset" in entry.words and "slotsubset" not in words
    label = "slotclass" in entry.words and "slotclass" not in words
    fixed = 0.1 if missing and entry.ask.arguments else 0.0
    return -0.04 * missing - fixed - 0.08 * feature - 0.03 * row - 0.06 * subset - 0.05 * label


def _fit(tool: Tool, reading: Reading, text: str, row: bool) -> float:
    """How well what the question holds suits what the tool takes."""
    kinds = argument_kinds(tool)
    features = len(set(re.findall(r"\bF\d+", text)))
    required = sum(kind == "feature" for kind, needed in kinds.values() if needed)
    score = -0.15 * max(0, required - features)
    if features and not any(kind in ("feature", "features") for kind, _ in kinds.values()):
        score -= 0.12
    if features > 1 and required == features:
        score += 0.08
    if reading.rows and not any("{row}" in example.text for example in tool.asks):
        score -= 0.15
    if tool.needs == "instance":
        # Where one text is under discussion, a question about words is about its words.
        score += (0.12 if reading.schema.modality == "text" else 0.05) if row else -0.1
    if tool.needs == "changes":
        score += 0.15 if reading.changes else -0.4
    elif reading.changes and tool.needs in ("nothing", "any"):
        score -= 0.3
    if (reading.keep and "keep" in kinds) or (reading.only and "only" in kinds):
        score += 0.25
    return score


@functools.cache
def argument_kinds(tool: Tool) -> dict[str, tuple[str, bool]]:
    """For each argument: feature, features, class, number or other; and whether it must be given."""
    from typing import get_type_hints

    hints = get_type_hints(tool.function, include_extras=True)
    kinds: dict[str, tuple[str, bool]] = {}
    for name, info in tool.arguments.model_fields.items():
        said = str(hints[name])
        kind = names_kind(hints[name]) or ("number" if re.search(r"\b(int|float)\b", said) else "other")
        kinds[name] = ("features" if kind == "feature" and "tuple[" in said else kind, info.is_required())
    return kinds


def filled(example: str, schema: Schema, reading: Reading | None = None) -> str:
    """An example with its slots filled from a question, or else from the schema; for a question `{row}` may stay."""
    values = dict(_values(example, schema, reading))
    said = _SLOT.sub(lambda match: clean(values[match[1]]) if match[1] in values else match[0], example)
    return re.sub(r"\b([Aa]) (?=[aeiouAEIOU])", r"\1n ", said)


def _values(example: str, schema: Schema, reading: Reading | None) -> Iterator[tuple[str, str]]:
    named = reading.features() if reading else []
    features = sorted(schema.features, key=lambda feature: len(feature.label) > _SHORT)
    numeric = [feature for feature in features if feature.numeric] or features
    with_categories = [feature for feature in features if feature.categories]
    first = (named or (with_categories if "{category}" in example and with_categories else numeric))[0]
    second = next((feature for feature in (*named[1:], *features) if feature != first), first)
    feature, number = _example_number(first if first.numeric else numeric[0])
    yield from (("feature", first.label), ("feature2", second.label), ("number", number), ("k", "three"))
    yield from (("entity", schema.entity), ("entities", schema.entities), ("subset", f"{feature} above {number}"))
    if first.categories or with_categories:
        yield "category", (first.categories or with_categories[0].categories)[0].label
    if schema.classes:
        yield "class", (schema.explained or schema.classes[0]).label
    yield from (("text", '"this is a text"'), ("word", '"word"'))
    if reading is None:
        yield "row", f"{schema.entity} 7"
    elif reading.rows:
        yield "row", f"{schema.entity} {reading.rows[0]}"


def _example_number(feature: Feature) -> tuple[str, str]:
    if feature.low is None or feature.high is None:
        return feature.label, "10"
    middle = (feature.low + feature.high) / 2
    return feature.label, f"{middle:.0f}" if middle >= 10 else f"{middle:.1f}"
