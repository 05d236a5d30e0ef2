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
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from askwhy.agent.embedded.changes import read_changes
from askwhy.agent.embedded.conditions import read_conditions, read_groups, read_previous, read_rows
from askwhy.agent.embedded.english import listed, pattern
from askwhy.agent.embedded.mentions import Reading, sketch
from askwhy.agent.embedded.values import rival_named
from askwhy.agent.embedded.words import SMALL, canonical
from askwhy.agent.listing import clean
from askwhy.tools.glossary import is_term
from askwhy.tools.registry import Ask, Tool, names_kind, tools
from askwhy.tools.schema import Feature, Schema

_SLOT = re.compile(r"\{(\w+)\}")
_CODES = {
    "F": "slotfeature", "C": "slotsubset", "S": "slotsubset", "K": "slotclass", "N": "slotnumber", "X": "slotchange",
    "R": "slotrow", "E": "slotrows", "I": "slotone", "Q": "slottext", "T": "slottarget", "O": "more", "W": "slotword",
}  # fmt: skip
CUES = 0.5
"""Share of the score that comes from what was learnt of all examples; the rest is nearness to one of them."""
EXACT = 0.97
"""Nearness from which a question is one of the examples."""
KERNEL = (0.3, 0.3, 0.4)
"""Shares of all words, of parts of words, and of words with a topic, in what is learnt."""
RIDGE = 0.15
LACKING = 0.2
"""How much better a tool is whose examples have all topic words of the question than one whose examples have none."""
WHY = 0.1
"""What a tool loses that gives no reasons where reasons are asked for."""
Floats = np.ndarray[Any, np.dtype[np.float64]]

_SHORT = 40
_CODE = re.compile(r"\b([FCSKNXREIQTOW])\d+\b")


@dataclass(frozen=True)
class Match:
    """A tool, the example that is nearest, how near it is (0..1), and the score with what fits the tool."""

    tool: Tool
    ask: Ask
    nearness: float
    score: float
    rowless: bool = False
    """Whether the tool has an example about no row in particular that is about as near."""


def read(question: str, schema: Schema) -> Reading:
    """A question with its rows, changes and conditions read."""
    reading = sketch(question, schema)
    reading.text = pattern("polite").sub(" ", pattern("preface").sub(" ", f" {reading.text} ")).strip()
    _read_quotes(reading)
    read_rows(reading)
    read_changes(reading)
    read_conditions(reading)
    read_groups(reading)
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


def negated(reading: Reading, text: str) -> str:
    """The sketch with the "not" of a class that is named by what it is not: "not approved" for declined."""
    names = (code for code in re.findall(r"\bK\d+", text) if reading.slots[code].text.lower().startswith("not "))
    return functools.reduce(lambda said, code: re.sub(rf"\b{code}\b", f"not {code}", said), names, text)


def own_words(text: str) -> str:
    """The sketch in its own words: "reliable" and "correct" mean the same to some tools and not to others."""
    return " ".join(re.findall(r"[^\W_]+", _CODE.sub(lambda match: _CODES[match[1]], text)))


@dataclass(frozen=True)
class Entry:
    """An example as the sketch it becomes; `topic` are its words that carry meaning of their own."""

    tool: Tool
    ask: Ask
    text: str
    own: str
    words: frozenset[str]
    topic: frozenset[str]


def _entry(tool: Tool, example: Ask, schema: Schema) -> Entry:
    reading = read(filled(example.text, schema), schema)
    sketched = negated(reading, reading.text)
    words = plain_words(sketched)
    topic = frozenset(word for word in words if word not in SMALL and not word.startswith("slot"))
    return Entry(tool, example, " ".join(words), own_words(sketched), frozenset(words), topic)


class Index:
    """The examples of every tool that fits a schema, as vectors; and how each word and phrase speaks for each tool."""

    def __init__(self, schema: Schema, known: tuple[Tool, ...]) -> None:
        from sklearn.feature_extraction.text import TfidfVectorizer

        self.entries = [_entry(one, example, schema) for one in known for example in one.asks]
        self.tools = [one.name for one in known]
        texts = [entry.text for entry in self.entries]
        self._vectors = (
            TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), sublinear_tf=True),
            TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True),
            TfidfVectorizer(token_pattern=r"\S+", ngram_range=(1, 2), stop_words=sorted(SMALL), sublinear_tf=True),
        )
        own = [entry.own for entry in self.entries]
        self._examples = [
            vectors.fit_transform(said) for vectors, said in zip(self._vectors, (texts, own, texts), strict=True)
        ]
        self._weights = self._learnt()
        self.topics = {name: _topic(entry for entry in self.entries if entry.tool.name == name) for name in self.tools}
        used = Counter(word for topic in self.topics.values() for word in topic)
        self._weight = {word: math.log(1 + len(self.tools) / count) for word, count in used.items()}
        described = {word for one in known for word in re.findall(r"\w+", one.description.lower())}
        self.vocabulary = {word for text in texts for word in text.split()} | {canonical(word) for word in described}

    def near(self, text: str) -> tuple[Floats, Floats]:
        """Nearness (0..1) of a sketch to every example, and how much it speaks for each tool."""
        words = " ".join(plain_words(text))
        by = [
            (examples @ vectors.transform([said]).T).toarray()[:, 0]
            for examples, vectors, said in zip(
                self._examples, self._vectors, (words, own_words(text), words), strict=True
            )
        ]
        kernel = np.asarray(sum(share * one for share, one in zip(KERNEL, by, strict=True)), dtype=float)
        return np.asarray(0.6 * by[0] + 0.4 * by[1], dtype=float), np.asarray(kernel @ self._weights, dtype=float)

    def _learnt(self) -> Floats:
        """Kernel ridge regression from the examples to their tools: what only one tool says weighs most."""
        by = (examples @ examples.T for examples in self._examples)
        kernel = sum(share * one.toarray() for share, one in zip(KERNEL, by, strict=True))
        sizes = Counter(entry.tool.name for entry in self.entries)
        unsure = np.diag([RIDGE * sizes[entry.tool.name] ** 0.5 for entry in self.entries])
        wanted = np.array([[entry.tool.name == name for name in self.tools] for entry in self.entries], dtype=float)
        return np.asarray(np.linalg.solve(kernel + unsure, wanted), dtype=float)

    def lacking(self, text: str) -> dict[str, float]:
        """For each tool the share (0..1, by weight) of a sketch's topic words that none of its examples uses."""
        weights = {word: self._weight[word] for word in set(plain_words(text)) if word in self._weight}
        total = sum(weights.values())
        if not total:
            return dict.fromkeys(self.topics, 0.5)
        return {
            name: sum(weight for word, weight in weights.items() if word not in topic) / total
            for name, topic in self.topics.items()
        }

    def familiar(self, text: str) -> float:
        """The share of a sketch's own words, small ones apart, that some example uses; 1 where it has none."""
        words = [word for word in plain_words(text) if word not in SMALL and not word.startswith("slot")]
        return sum(word in self.vocabulary for word in words) / len(words) if words else 1.0


def _topic(entries: Iterator[Entry]) -> frozenset[str]:
    return frozenset(word for entry in entries for word in entry.topic)


def index(schema: Schema) -> Index:
    """The index of the tools that fit a schema; made once for each set of tools."""
    return _index(schema, tuple((name, one.code) for name, one in tools(schema).items()))


@functools.lru_cache(maxsize=16)
def _index(schema: Schema, key: tuple[tuple[str, str], ...]) -> Index:
    return Index(schema, tuple(tools(schema)[name] for name, _ in key))


def ranked(reading: Reading, text: str, names: frozenset[str], row: bool) -> list[Match]:
    """Tools by score, best first. `names` are those on offer; `row`: an instance is known, here or from before."""
    found = index(reading.schema)
    text = negated(reading, text)
    words = set(plain_words(text))
    nearness, votes = found.near(text)
    lacking = found.lacking(text)
    learnt = dict(zip(found.tools, map(float, votes), strict=True))
    best: dict[str, Match] = {}
    general: dict[str, list[float]] = {}
    for entry, near in zip(found.entries, nearness, strict=True):
        if entry.tool.name in names:
            said = (1 - CUES) * float(near) + CUES * learnt[entry.tool.name] + (0.5 if near > EXACT else 0.0)
            said += LACKING * (0.5 - lacking[entry.tool.name])
            said -= WHY if "why" in words and "why" not in found.topics[entry.tool.name] else 0.0
            score = said + _fit(entry.tool, reading, text, row) + _same_parts(entry, words, row)
            if entry.tool.name not in best or score > best[entry.tool.name].score:
                best[entry.tool.name] = Match(entry.tool, entry.ask, float(near), score)
            if not _SLOT.search(entry.ask.text):
                general.setdefault(entry.tool.name, []).append(float(near))
    marked = (replace(one, rowless=_rowless(one, general.get(name, []))) for name, one in best.items())
    return sorted(marked, key=lambda match: (-match.score, match.tool.name))


def _rowless(match: Match, general: list[float]) -> bool:
    # One such example, as "why?", is short for one about a row.
    return len(general) > 1 and max(general) > 0.75 * match.nearness


def _same_parts(entry: Entry, words: set[str], known_row: bool) -> float:
    """What the example has and the question lacks: topic words, a feature, a row; what it fixes weighs more."""
    missing = len(entry.topic - words)
    feature = ("slotfeature" in entry.words) != ("slotfeature" in words)
    row = ("slotrow" in entry.words) != ("slotrow" in words or known_row)
    subset = "slotsubset" in entry.words and "slotsubset" not in words
    label = "slotclass" in entry.words and "slotclass" not in words
    turned = listed("turning")
    apart = len((entry.words ^ words) & turned) if entry.words & turned else 0
    fixed = 0.1 if missing and entry.ask.arguments else 0.0
    # An example about a plot is no reading of a question about negation.
    own = {canonical(value) for _, value in entry.ask.arguments if isinstance(value, str)} & entry.words
    fixed += 0.3 if own - words else 0.0
    return -0.06 * apart - 0.04 * missing - fixed - 0.08 * feature - 0.03 * row - 0.06 * subset - 0.05 * label


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
        # A tool without a scope would drop the row that was named, and answer another question.
        score -= 0.5 if tool.needs == "nothing" else 0.15
    if "other" in kinds and kinds["other"][0] == "other":
        score += 0.1 if len(reading.rows) > 1 else -0.05
        score += 0.6 if pattern("contrasted").search(text) else 0.0
    if "model" in kinds and rival_named(reading.schema, reading.question) is not None:
        score += 0.35
    if tool.needs == "instance":
        # Where one text is under discussion, a question about words is about its words.
        score += (0.25 if reading.schema.modality == "text" else 0.05) if row else -0.1
    if tool.needs == "changes":
        score += 0.15 if reading.changes else -0.4
    elif reading.changes and tool.needs in ("nothing", "any"):
        score -= 0.3
    if (reading.keep and "keep" in kinds) or (reading.only and "only" in kinds):
        score += 0.25
    return score


@functools.cache
def argument_kinds(tool: Tool) -> dict[str, tuple[str, bool]]:
    """For each argument: feature, features, class, term, number or other; and whether it must be given."""
    from typing import get_type_hints

    hints = get_type_hints(tool.function, include_extras=True)
    kinds: dict[str, tuple[str, bool]] = {}
    for name, info in tool.arguments.model_fields.items():
        said = str(hints[name])
        other = "number" if re.search(r"\b(int|float)\b", said) else "other"
        kind: str = names_kind(hints[name]) or ("term" if is_term(hints[name]) else other)
        kinds[name] = ("features" if kind == "feature" and "tuple[" in said else kind, info.is_required())
    return kinds


def takes_term(tool: Tool) -> bool:
    """Whether the tool says what a method or measure is."""
    return any(kind == "term" for kind, _ in argument_kinds(tool).values())


def takes_number(tool: Tool) -> bool:
    """Whether a number in the question may be an argument of the tool's own."""
    return any(kind == "number" and name != "k" for name, (kind, _) in argument_kinds(tool).items())


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
