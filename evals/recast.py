"""A question that somebody wrote, about other columns and with other numbers: what it asks must be read, not known.

Only what the question says in the schema's own words is exchanged, in the question and in the schema alike; places of
features, values and numbers stay, so that what points at them stays right.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Collection

from askwhy.agent.parser.items import parted
from askwhy.agent.parser.question import Question, read_question
from askwhy.evals.generate_schemas import domains
from askwhy.tools.schema import Feature, Named, Schema

_NAMED, _OTHERS, _VALUES, _NUMBERS = 0.35, 0.3, 0.3, 0.5
_DIGITS = re.compile(r"(?<![\w.,#-])\d{1,6}(?:\.\d+)?(?![\w,]|\.\d)")
_SHORTEST = 3


def recast(question: str, schema: Schema, kept: Collection[str], rng: random.Random) -> tuple[str, Schema]:
    """The question and the schema in other words. kept: the features that the question is about."""
    read = read_question(question)
    text, features = question, list(schema.features)
    if schema.modality == "table":
        taken = _words(features) | {word for one in (schema.target, *schema.classes) for word in _parts(one)}
        for place, feature in enumerate(features):
            if rng.random() < (_NAMED if feature.name in kept else _OTHERS):
                text, features[place] = _exchanged(text, feature, feature.name in kept, taken, rng)
            if feature.kind == "category" and feature.name in kept and rng.random() < _VALUES:
                text, features[place] = _revalued(text, features[place], taken, rng)
    if rng.random() < _NUMBERS:
        text = _renumbered(text, rng)
    if not _alike(read, read_question(text)):
        return question, schema
    return text, schema.model_copy(update={"features": tuple(features)})


def _exchanged(text: str, feature: Feature, named: bool, taken: set[str], rng: random.Random) -> tuple[str, Feature]:
    """A feature as another one; where the question is about it, only if it says its name and nothing else of it."""
    other = rng.choice(_features()[feature.numeric])
    words, said = _parts(other), set(re.findall(r"[^\W\d_]+", text.lower()))
    if words & (taken | said):
        return text, feature
    changed = feature.model_copy(
        update={"name": other.name, "label": other.label, "aliases": other.aliases, "more": (), "less": ()}
    )
    if not named:
        taken |= words
        more = {"more": other.more, "less": other.less, "unit": other.unit, "low": other.low, "high": other.high}
        return text, changed.model_copy(update=more if feature.numeric else {})
    found = _said(text, feature)
    if found is None or said & {part for word in (*feature.more, *feature.less) for part in word.lower().split()}:
        return text, feature
    taken |= words
    spoken = parted(rng.choice((other.label, other.label, *other.aliases)))
    return f"{text[: found.start()]}{spoken}{text[found.end() :]}", changed


def _revalued(text: str, feature: Feature, taken: set[str], rng: random.Random) -> tuple[str, Feature]:
    """One value that the question names as a value of another column."""
    for place, value in enumerate(feature.categories):
        found = _said(text, value)
        other = rng.choice(_values())
        if found is None or _parts(other) & taken:
            continue
        taken |= _parts(other)
        update = {"name": other.name, "label": other.label, "aliases": other.aliases}
        values = [*feature.categories]
        values[place] = value.model_copy(update=update)
        changed = f"{text[: found.start()]}{parted(rng.choice((other.label, *other.aliases)))}{text[found.end() :]}"
        return changed, feature.model_copy(update={"categories": tuple(values)})
    return text, feature


def _renumbered(text: str, rng: random.Random) -> str:
    """Other numbers, in the same order of size; years and small counts stay."""
    factor = rng.uniform(0.6, 1.5)

    def other(match: re.Match[str]) -> str:
        value, (_, _, rest) = float(match[0]), match[0].partition(".")
        if value < 10 or (1900 <= value < 2100 and not rest):
            return match[0]
        return f"{value * factor:.{len(rest)}f}"

    return _DIGITS.sub(other, text)


def _said(text: str, named: Named) -> re.Match[str] | None:
    """Where a name stands in the text, if there is exactly one such place; the longest name first."""
    for word in sorted(named.words(), key=len, reverse=True):
        spoken = parted(str(word))
        if len(spoken) < _SHORTEST or spoken.lower() in ("yes", "true", "false"):
            continue
        found = list(re.finditer(rf"(?<!\w){re.escape(spoken)}(?!\w)", text, re.IGNORECASE))
        if found:
            return found[0] if len(found) == 1 else None
    return None


def _alike(one: Question, other: Question) -> bool:
    """Whether the numbers of two questions are meant in the same ways and equal where they were."""
    if len(one.numbers) != len(other.numbers):
        return False
    pairs = list(zip(one.numbers, other.numbers, strict=True))
    return all(a.way == b.way for a, b in pairs) and len({a.value for a, _ in pairs}) == len(
        {b.value for _, b in pairs}
    )


def _words(features: Collection[Feature]) -> set[str]:
    return {word for one in features for word in _parts(one)}


def _parts(named: Named) -> set[str]:
    """Every word of a feature's, a value's or a class's names, and of a feature's values."""
    names = [*named.words(), *(word for one in getattr(named, "categories", ()) for word in one.words())]
    return {part for name in names for part in parted(str(name)).lower().split() if len(part) >= _SHORTEST} - _COMMON


_COMMON = frozenset(("yes", "true", "false", "the", "per", "and", "number", "last", "with", "since"))


@functools.cache
def _features() -> tuple[tuple[Feature, ...], tuple[Feature, ...]]:
    """The features of the training domains that are no numbers, and those that are."""
    every = [one for schema in domains() if schema.modality == "table" for one in schema.features]
    every = [one for one in every if not any(mark.isdigit() for mark in one.label)]
    return tuple(one for one in every if not one.numeric), tuple(one for one in every if one.numeric)


@functools.cache
def _values() -> tuple[Named, ...]:
    found = [value for one in _features()[0] if one.kind != "boolean" for value in one.categories]
    return tuple(one for one in found if not any(mark.isdigit() for word in one.words() for mark in str(word)))
