"""The words of a schema: which phrases name its features, categories, classes, target, rows and comparatives."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from askwhy.agent.embedded.english import listed
from askwhy.agent.embedded.words import SMALL, VOCABULARY, Token, folded, similar, stem, tokens
from askwhy.tools.registry import tools
from askwhy.tools.schema import Category, Feature, Schema

Kind = Literal["F", "C", "K", "T", "O"]
"""Feature, category, class, target, comparative ("older")."""

Phrase = tuple[str, ...]

_ARTICLES = ("a", "an", "the")
"""Inside a name they are left out, in the schema as in the question: "without a checking account", "get the loan"."""

LONGEST = 8
"""Words of a name that is looked for; longer ones are texts, not names."""


@dataclass(frozen=True)
class Named:
    """What a phrase names. `choices`: features with the category, or with the direction of a comparative."""

    kind: Kind
    feature: Feature | None = None
    label: str | None = None
    choices: tuple[tuple[Feature, Category | int], ...] = ()


@dataclass(frozen=True)
class Lexicon:
    """Phrases (as stems) and what they name; `known` are words that are no misspelling of a name."""

    phrases: dict[Phrase, Named]
    longest: int
    known: frozenset[str]
    units: dict[str, tuple[Feature, ...]]
    many: frozenset[str]
    one: frozenset[str]
    text: bool
    by_initial: dict[str, list[tuple[Phrase, Named]]]

    def at(self, tokens: Sequence[Token], start: int) -> tuple[Named, int] | None:
        """What the longest phrase that begins at a token names, and the token after it."""
        places = [at for at in range(start, len(tokens)) if at == start or tokens[at].low not in _ARTICLES]
        places = places[: self.longest]
        words = [stem(tokens[at].low) if tokens[at].kind in ("word", "number") else "" for at in places]
        for length in range(len(words), 0, -1):
            found = self.phrases.get(tuple(words[:length]))
            end = places[length - 1] + 1
            if found is not None and _allowed(found, tokens, start, end - start):
                return found, end
        return None

    def nearly(self, tokens: Sequence[Token], start: int) -> tuple[Named, int] | None:
        """The same for a phrase with a misspelt word."""
        words = [token.low if token.kind == "word" else "" for token in tokens[start : start + self.longest]]
        if not words or len(words[0]) < 5 or words[0] in self.known or stem(words[0]) in self.known:
            return None
        for length in range(min(3, len(words)), 0, -1):
            for phrase, named in self.by_initial.get(words[0][0], ()):
                same = (similar(stem(a), b) for a, b in zip(words, phrase, strict=False))
                if len(phrase) == length and named.kind != "O" and all(same):
                    return named, start + length
        return None


def _allowed(found: Named, tokens: Sequence[Token], start: int, length: int) -> bool:
    """Whether a phrase means what it names here: "how good", "other features", "training data" do not."""
    before = tokens[start - 1].low if start else ""
    after = tokens[start + length].low if start + length < len(tokens) else ""
    if found.kind == "K" and length == 1:
        return before not in ("how", "very", "as") and after not in (
            "reason",
            "idea",
            "explanation",
            "model",
            "job",
            "at",
        )
    if found.kind == "C" and length == 1 and stem(tokens[start].low) in listed("weak"):
        names = {word for feature, _ in found.choices for name in feature.words() for word in folded(name)} - SMALL
        named = any(stem(token.low) in names for token in tokens)
        return (
            after not in ("data", "set") and before not in ("a", "in", "its") and (named or before in listed("leading"))
        )
    return True


@functools.lru_cache(maxsize=16)
def lexicon(schema: Schema) -> Lexicon:
    """The phrases of a schema. Where one could name several things, features come before categories before classes."""
    phrases: dict[Phrase, Named] = {}
    for phrase, named in _named(schema):
        if _speaks(phrase, named):
            phrases.setdefault(phrase, named)
    asked = {token for made in tools(schema).values() for one in made.asks for token in one.text.lower().split()}
    taken = {word for phrase in phrases for word in phrase} | VOCABULARY | SMALL
    heads = dict(_heads(schema))
    for phrase, feature in _parts_of_labels(schema):
        head = heads.get(phrase[0]) == feature.name and phrase[0] not in asked | VOCABULARY | SMALL
        if len(phrase) > 1 or phrase[0] not in taken or head:
            phrases.setdefault(phrase, Named("F", feature))
    units: dict[str, tuple[Feature, ...]] = {}
    for feature in schema.features:
        for unit in folded(feature.unit)[:1]:
            units[unit] = (*units.get(unit, ()), feature)
    by_initial: dict[str, list[tuple[Phrase, Named]]] = {}
    for phrase, named in phrases.items():
        by_initial.setdefault(phrase[0][0], []).append((phrase, named))
    return Lexicon(
        phrases=phrases,
        longest=max(map(len, phrases), default=1),
        known=frozenset(asked | VOCABULARY | SMALL | listed("many") | listed("one")),
        units=units,
        many=listed("many") | {schema.entities.lower()},
        one=listed("one") | {schema.entity.lower()},
        text=schema.modality == "text",
        by_initial=by_initial,
    )


def _speaks(phrase: Phrase, named: Named) -> bool:
    """Whether a phrase can be told from ordinary words and numbers."""
    if (
        not 0 < len(phrase) <= LONGEST
        or all(word.isdigit() for word in phrase)
        or (phrase[0] in listed("silent") and len(phrase) == 1)
    ):
        return False
    return not (
        len(phrase) == 1
        and ((phrase[0] in SMALL and phrase[0] not in listed("weak")) or (len(phrase[0]) == 1 and named.kind != "F"))
    )


def _named(schema: Schema) -> Iterator[tuple[Phrase, Named]]:
    if schema.modality == "table":
        yield from _affirmed(schema)
        for feature in schema.features:
            for word in feature.words():
                yield from ((phrase, Named("F", feature)) for phrase in _spellings(word))
        yield from _categories(schema)
        yield from _comparatives(schema)
    for label in schema.classes:
        for word in label.words():
            yield from ((phrase, Named("K", label=label.name)) for phrase in _spellings(word))
    for word in schema.target.words():
        yield from ((phrase, Named("T")) for phrase in _spellings(word))


def _spellings(words: str) -> Iterator[Phrase]:
    said = folded(words)
    phrase = (*said[:1], *(word for word in said[1:] if word not in _ARTICLES))
    yield phrase
    if len(phrase) > 1:
        yield ("".join(phrase),)


def _categories(schema: Schema) -> Iterator[tuple[Phrase, Named]]:
    choices: dict[Phrase, dict[str, tuple[Feature, Category]]] = {}
    for feature in schema.features:
        for category in feature.categories:
            for word in category.words():
                for phrase in _spellings(word):
                    choices.setdefault(phrase, {}).setdefault(feature.name, (feature, category))
    for phrase, found in choices.items():
        yield phrase, Named("C", choices=tuple(found.values()))


def _affirmed(schema: Schema) -> Iterator[tuple[Phrase, Named]]:
    """What rows are called where a yes-or-no feature holds: "members" for `is_member`."""
    for feature in schema.features:
        label = folded(feature.label)
        holds = [one for one in feature.categories if str(one.value).lower() in ("true", "yes", "1")]
        if feature.kind == "boolean" and holds and len(label) > 1 and label[0] in listed("affirming"):
            yield label[1:], Named("C", choices=((feature, holds[0]),))


def _heads(schema: Schema) -> Iterator[tuple[str, str]]:
    """The last word of a label of several words, with the feature: "income" of "monthly income"."""
    labels = [(folded(feature.label), feature.name) for feature in schema.features]
    yield from ((label[-1], name) for label, name in labels if len(label) > 1)


def _comparatives(schema: Schema) -> Iterator[tuple[Phrase, Named]]:
    choices: dict[Phrase, dict[str, tuple[Feature, int]]] = {}
    for feature in schema.features:
        ages = (("older",), ("younger",)) if is_age(feature) else ((), ())
        for sign, words in ((1, (*feature.more, *ages[0])), (-1, (*feature.less, *ages[1]))):
            for word in words:
                if word not in listed("more") | listed("less"):
                    choices.setdefault(folded(word), {}).setdefault(feature.name, (feature, sign))
    for phrase, found in choices.items():
        yield phrase, Named("O", choices=tuple(found.values()))


def is_age(feature: Feature) -> bool:
    """Whether a feature is somebody's age: what "people over 40" is about."""
    said = {word for name in feature.words() for word in folded(name)}
    return feature.numeric and ("age" in said or "older" in feature.more)


def ages(schema: Schema) -> list[Feature]:
    """Every feature that is somebody's age."""
    return [feature for feature in schema.features if is_age(feature)]


def _parts_of_labels(schema: Schema) -> Iterator[tuple[Phrase, Feature]]:
    """Parts of a longer label that belong to one feature only: "pedigree function" of "diabetes pedigree function"."""
    seen: dict[Phrase, list[Feature]] = {}
    avoid: set[Any] = {word for text in (schema.name, schema.target.label) for word in folded(text)}
    avoid |= {word for label in schema.classes for said in label.words() for word in folded(said)}
    for feature in schema.features if schema.modality == "table" else ():
        label = folded(feature.label)[:LONGEST]
        parts = {label[i:j] for i in range(len(label)) for j in range(i + 1, len(label) + 1)} - {label}
        for part in parts:
            if not avoid.intersection(part) and not SMALL.intersection(part) and len("".join(part)) > 3:
                seen.setdefault(part, []).append(feature)
    yield from ((part, features[0]) for part, features in sorted(seen.items()) if len(features) == 1)


def comparative(word: str, schema: Schema) -> tuple[Feature, int] | None:
    """The feature and the sign of “older”, where it is said of one feature only."""
    found = tokens(word)
    named = lexicon(schema).at(found, 0) if found else None
    if named is None or named[0].kind != "O" or len(named[0].choices) != 1:
        return None
    feature, sign = named[0].choices[0]
    return (feature, sign) if isinstance(sign, int) else None
