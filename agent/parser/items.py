"""What a question can point at in a schema, as texts to be read, and how its words match them letter by letter."""

from __future__ import annotations

import functools
import re
from collections import Counter
from dataclasses import dataclass

import numpy as np

from askwhy.agent.embedded.words import similar, stem
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.question import Question
from askwhy.tools.registry import Tool
from askwhy.tools.schema import Feature, Named, Schema
from askwhy.tools.scope import AnyOf

Array = np.ndarray[tuple[int, ...], np.dtype[np.float32]]

FEATURES = 6
"""Numbers that say how a word matches an item: whole phrase, word, misspelt word, share of letters, in range, out."""

WHOLE, IN_RANGE, OUT_OF_RANGE = 0, 4, 5
"""Places of some of them; those before IN_RANGE are about names."""

LIKE = 0.5
"""From here on a word is like a name."""

MOST_ITEMS = 240
"""Items of a schema that are read for one question."""

_MOST_ALIASES = 8
_WORD = re.compile(r"[^\W\d_]+|\d+")
_GRAMS = 3
_SHORTEST = 4


_COMPARATIVES: tuple[tuple[frozenset[str], tuple[str, ...]], ...] = tuple(
    (frozenset(heads.split()), tuple(compared.split(", ")))
    for heads, compared in (
        ("age aged ages", "older, younger, aged"),
        ("price prices cost costs fee fees rent fare premium charge charges", "more expensive, dearer, cheaper"),
        ("weight mass", "heavier, lighter"),
        ("height", "taller, shorter"),
        ("income salary wage wages earnings pay", "richer, better paid, poorer"),
        ("speed", "faster, slower"),
        ("temperature temp", "warmer, hotter, colder"),
        ("distance", "farther, closer, nearer"),
        ("depth", "deeper, shallower"),
        ("width", "wider, narrower"),
        ("experience", "more experienced, less experienced"),
        ("length duration tenure term time", "longer, shorter"),
        ("size area amount", "bigger, larger, smaller"),
    )
)


@dataclass(frozen=True)
class Item:
    """A feature, value, class or earlier condition: its group, place, names, and what else helps to know it by.

    owner: the feature's place, for values. text: what is read of it.
    """

    group: str
    place: int
    names: tuple[str, ...]
    text: str
    owner: int = -1
    low: float | None = None
    high: float | None = None


def items_of(page: Page) -> tuple[Item, ...]:
    """Features, values, classes, then the conditions of the turn before."""
    return (*schema_items(page.schema), *(_condition(i, group, page.schema) for i, group in enumerate(page.groups)))


@functools.lru_cache(maxsize=256)
def schema_items(schema: Schema) -> tuple[Item, ...]:
    """Features, values and classes of a schema."""
    features = [_feature(i, one) for i, one in enumerate(schema.features)]
    entity = frozenset(stem(word) for name in (schema.entity, schema.entities) for word in _WORD.findall(name.lower()))
    values = [(i, feature, one) for i, feature in enumerate(schema.features) for one in feature.categories]
    categories = [
        Item("C", place, _value_names(feature, one), f"{parted(feature.label)}: {_listed(_names(one))}", owner)
        for place, (owner, feature, one) in enumerate(values)
    ]
    classes = [
        Item("K", place, names, f"predicted {parted(schema.target.label)}: {_listed(names)}")
        for place, names in enumerate(_apart_from(entity, _names(one)) for one in schema.classes)
    ]
    return (*features, *categories, *classes)


def _feature(place: int, one: Feature) -> Item:
    kind = "number" if one.numeric else one.kind
    usual = () if one.more or one.less else _usual(one)
    extra = [one.unit, *one.more[:2], *one.less[:2], *usual]
    text = f"{_listed(_names(one))} ({', '.join(part for part in (kind, *extra) if part)})"
    names = (*_names(one), *one.more, *one.less, *usual, *((one.unit,) if one.unit else ()))
    return Item("F", place, names, text, low=one.low, high=one.high)


def _usual(one: Feature) -> tuple[str, ...]:
    """Comparatives that go with the name of a number, where the schema has none of its own."""
    if not one.numeric:
        return ()
    words = {word.lower() for name in (one.label, one.name) for word in parted(name).split()}
    return next((compared for heads, compared in _COMPARATIVES if words & heads), ())


def _value_names(feature: Feature, one: Named) -> tuple[str, ...]:
    """The names of a value; yes and no are known by their feature."""
    if feature.kind == "boolean" and str(one.name).lower() in ("true", "yes"):
        return (*_names(one), *_names(feature))
    return _names(one)


def _condition(place: int, group: AnyOf, schema: Schema) -> Item:
    parts = []
    for one in group.any:
        label = schema.feature(one.feature).label if one.feature in schema.names else one.feature or one.on
        parts.append(f"{parted(label)} {one.op} {one.value}")
    return Item("P", place, (), "before: " + " or ".join(parts))


def _names(one: Named) -> tuple[str, ...]:
    return tuple(dict.fromkeys(parted(word) for word in one.words()))


def _apart_from(entity: frozenset[str], names: tuple[str, ...]) -> tuple[str, ...]:
    """The names without those that say again what the rows are ("Gentoo penguins"), where others are left.

    Every question that speaks of penguins would seem to speak of a species otherwise.
    """
    own = tuple(one for one in names if not entity & {stem(word) for word in _WORD.findall(one.lower())})
    return own or names


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_MOST_ALIASES])


def parted(name: str) -> str:
    """A name as words: DebtRatio, debt_ratio and debt-ratio are all "debt ratio"."""
    spaced = re.sub(r"(?<=[a-z\d])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return " ".join(re.split(r"[\s_\-./]+", spaced)).strip() or name


def matches(question: Question, items: tuple[Item, ...]) -> Array:
    """How each word matches each item, (words, items, FEATURES)."""
    words = [stem(word.low) for word in question.words]
    found = np.zeros((len(words), len(items), FEATURES), dtype=np.float32)
    known = [_stems(item.names) for item in items]
    counts = Counter(word for one in known for word in {word for phrase in one for word in phrase})
    values = {mention.word: mention.value for mention in reversed(question.numbers)}
    for place, phrases in enumerate(known):
        for phrase in phrases:
            _phrase(words, phrase, found[:, place])
        singles = {word for phrase in phrases for word in phrase}
        for at, word in enumerate(words):
            found[at, place, 1] = max(found[at, place, 1], 1.0 / counts[word] if word in singles else 0.0)
            found[at, place, 2:4] = _near(word, tuple(sorted(singles)))
        item = items[place]
        if item.low is not None and item.high is not None:
            for at, value in values.items():
                found[at, place, IN_RANGE if item.low <= value <= item.high else OUT_OF_RANGE] = 1.0
    return found


def nearest(items: tuple[Item, ...], matched: Array) -> list[int]:
    """Where there are too many to read, the items whose names match best, in order, with the features of values."""
    if len(items) <= MOST_ITEMS:
        return list(range(len(items)))
    # A name that stands there whole goes before the many that share a word with it.
    scores = matched[:, :, :IN_RANGE].max(axis=0, initial=0.0).sum(axis=1)
    kept = {int(place) for place in np.argsort(-scores, kind="stable")[:MOST_ITEMS]}
    kept |= {place for place, item in enumerate(items) if item.group in "KP"}
    owners = {items[place].owner for place in kept}
    return sorted(kept | {place for place, item in enumerate(items) if item.group == "F" and item.place in owners})


def _phrase(words: list[str], phrase: tuple[str, ...], found: Array) -> None:
    """Mark where a whole name stands."""
    size = len(phrase)
    for start in range(len(words) - size + 1):
        if size and tuple(words[start : start + size]) == phrase:
            found[start : start + size, WHOLE] = 1.0


@functools.lru_cache(maxsize=16384)
def _stems(names: tuple[str, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple(dict.fromkeys(tuple(stem(word) for word in _WORD.findall(name.lower())) for name in names))


@functools.lru_cache(maxsize=262144)
def _near(word: str, others: tuple[str, ...]) -> tuple[float, float]:
    """Whether a word is a misspelling of one of the others, and the largest share of letters it has in common."""
    if len(word) < _SHORTEST - 1 or not others:
        return 0.0, 0.0
    return float(any(similar(word, one) for one in others)), max(_shared(word, one) for one in others)


@functools.lru_cache(maxsize=262144)
def _shared(a: str, b: str) -> float:
    """Jaccard similarity of the letter triples; a word that begins the other counts by its length."""
    if min(len(a), len(b)) >= _SHORTEST and (a.startswith(b) or b.startswith(a)):
        return min(len(a), len(b)) / max(len(a), len(b))
    one, other = _grams(a), _grams(b)
    return len(one & other) / len(one | other)


@functools.lru_cache(maxsize=65536)
def _grams(word: str) -> frozenset[str]:
    padded = f"^{word}$"
    return frozenset(padded[i : i + _GRAMS] for i in range(len(padded) - _GRAMS + 1))


def tool_texts(made: Tool) -> tuple[str, ...]:
    """What is read of a tool: its description, then the questions it answers."""
    description = " ".join(made.description.split())
    return (f"{parted(made.name)}: {description}"[:300], *(re.sub(r"[{}]", "", one.text) for one in made.asks))
