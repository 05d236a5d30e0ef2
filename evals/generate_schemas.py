"""Schemas without end: the training domains, and random variations of them.

Only the domains directly below `questions` are read; those kept for the test lie in a folder of their own.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable
from typing import Any

from askwhy.evals.bank import QUESTIONS, schema_of
from askwhy.tools.schema import Category, ClassLabel, Feature, Schema

_FEWEST, _MOST = 3, 14


class Varied(Schema):
    """A variation of a domain. `spoken`: words that people use for a column (by its name), a value ("column value") or
    a class ("class name") and that the schema does not hold any more."""

    spoken: tuple[tuple[str, tuple[str, ...]], ...] = ()


@functools.cache
def domains() -> tuple[Schema, ...]:
    """The schemas of the training domains, in order of their names."""
    return tuple(schema_of(path) for path in sorted(QUESTIONS.glob("*.toml")))


def varied(schema: Schema, rng: random.Random) -> Schema:
    """A random schema made of a domain: some of its columns in another order, at times some of another domain's;
    aliases left out, columns renamed, labels dropped. What is left out stays known as `spoken`."""
    features = list(schema.features)
    if schema.modality == "table":
        rng.shuffle(features)
        fewest = min(_FEWEST, len(features))
        features = features[: rng.randint(fewest, min(len(features), _MOST))]
        if rng.random() < 0.35:
            features = _mixed(features, schema, rng)
        rng.shuffle(features)
    bare = rng.random() < 0.2
    spoken: dict[str, tuple[str, ...]] = {}
    style = rng.choice(("same", "same", "same", "snake", "camel", "title", "short", "upper"))
    names: set[str] = set()
    changed = []
    for feature in features:
        made = _varied_feature(feature, rng, bare, style if schema.modality == "table" else "same", spoken)
        made = made if made.name not in names else feature
        if made.name in names:
            continue
        names.add(made.name)
        changed.append(made)
    classes = []
    for label in schema.classes:
        kept = _some(label.aliases, rng, bare)
        spoken[f"class {label.name}"] = _lost(label.aliases, kept, rng)
        classes.append(ClassLabel.model_construct(**{**label.__dict__, "aliases": kept}))
    fields = {**schema.__dict__, "features": tuple(changed), "classes": tuple(classes), "spoken": tuple(spoken.items())}
    if rng.random() < 0.15:
        fields |= {"entity": "row", "entities": "rows"}
    return Varied.model_construct(**fields)


def _mixed(features: list[Feature], schema: Schema, rng: random.Random) -> list[Feature]:
    """With up to four columns of another domain that share no word with those there are."""
    other = rng.choice(domains())
    if other.name == schema.name or other.modality != "table":
        return features
    taken = _words(features) | {word.lower() for label in schema.classes for word in label.words()}
    taken |= {word.lower() for word in schema.target.words()}
    added = rng.sample(other.features, min(rng.randint(1, 4), len(other.features)))
    for feature in added:
        words = _words([feature])
        if not words & taken:
            features = [*features, feature]
            taken |= words
    return features


def _words(features: Iterable[Feature]) -> set[str]:
    found = {word.lower() for feature in features for word in feature.words()}
    for feature in features:
        if feature.kind != "boolean":
            found |= {word.lower() for category in feature.categories for word in category.words()}
    return found | {part for word in tuple(found) for part in word.split() if len(part) > 4}


def _varied_feature(
    feature: Feature, rng: random.Random, bare: bool, style: str, spoken: dict[str, tuple[str, ...]]
) -> Feature:
    kept = _some(feature.aliases, rng, bare)
    update: dict[str, Any] = {"aliases": kept}
    name = _renamed(feature, style, rng) if style != "same" else feature.name
    if style == "short":
        update["label"] = feature.label  # nobody could tell what an abbreviation means
    elif name != feature.name or feature.label == feature.name:
        update["label"] = name if rng.random() < 0.5 else feature.label
    if update.get("label") == feature.name:
        update["label"] = name
    update["name"] = name
    if bare and rng.random() < 0.6:
        update |= {"more": (), "less": ()}
    if bare and rng.random() < 0.3:
        update["unit"] = ""
    said = (*_lost(feature.aliases, kept, rng), *((feature.label,) if feature.label != update.get("label") else ()))
    spoken[name] = said
    categories = []
    for category in feature.categories:
        left = _some(category.aliases, rng, bare)
        spoken[f"{name} {category.name}"] = _lost(category.aliases, left, rng)
        categories.append(category if left == category.aliases else _bare(category, left))
    update["categories"] = tuple(categories)
    return Feature.model_construct(**{**feature.__dict__, **update})


def _bare(category: Category, left: tuple[str, ...]) -> Category:
    return Category.model_construct(**{**category.__dict__, "aliases": left})


def _some(aliases: tuple[str, ...], rng: random.Random, bare: bool) -> tuple[str, ...]:
    if bare or not aliases:
        return ()
    return aliases if rng.random() < 0.4 else tuple(word for word in aliases if rng.random() < 0.6)


def _lost(aliases: tuple[str, ...], kept: tuple[str, ...], rng: random.Random) -> tuple[str, ...]:
    """Some of the words that were left out, to be linked by their meaning alone."""
    return tuple(word for word in aliases if word not in kept and rng.random() < 0.5)


def _renamed(feature: Feature, style: str, rng: random.Random) -> str:
    words = [
        "".join(mark for mark in word if mark.isalnum())
        for word in feature.label.split(" (")[0].replace("_", " ").split()
    ]
    words = [word for word in words if word] or [feature.name]
    if style == "snake":
        return "_".join(word.lower() for word in words)
    if style == "camel":
        return words[0].lower() + "".join(word[:1].upper() + word[1:] for word in words[1:])
    if style == "title":
        return " ".join(word[:1].upper() + word[1:] for word in words)
    if style == "upper":
        return "_".join(word.upper() for word in words)
    content = [word for word in words if word.lower() not in ("of", "the", "in", "per", "to", "a")] or words
    return "_".join(word[: rng.choice((3, 4, 4, 5))].lower() for word in content[:3])
