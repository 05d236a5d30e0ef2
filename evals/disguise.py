"""A schema in other words than its questions: the way a table comes that nobody has described.

Places of features, values and classes stay, so that what points at them stays right.
"""

from __future__ import annotations

import random
from collections.abc import Collection
from typing import Any

from askwhy.agent.parser.items import parted
from askwhy.tools.schema import Feature, Schema

_UNNAMED, _SQUASHED, _HERRING, _UNNAMED_HERRING = 0.35, 0.15, 0.12, 0.45
_SIDES: tuple[tuple[tuple[str, ...], ...], ...] = (
    (("0", "no", "negative"), ("1", "yes", "positive")),
    (("no", "0"), ("yes", "1")),
    (("false",), ("true",)),
)
_TARGETS = ("y", "target", "label", "class", "outcome", "result")
_NOUNS = ("history", "score", "index", "function", "type", "amount", "rate", "code", "status of the family", "level")


def disguised(schema: Schema, kept: Collection[str], rng: random.Random) -> Schema:
    """The schema with, now and then, two classes that are only 0 and 1, names run together, or a feature named like
    what is predicted. kept: features that keep what they mean.
    """
    update: dict[str, Any] = {}
    features = list(schema.features)
    if len(schema.classes) == 2 and schema.modality == "table":
        unnamed = rng.random() < _UNNAMED
        update |= _unnamed(schema, rng) if unnamed else {}
        free = [i for i, one in enumerate(features) if one.name not in kept]
        if free and rng.random() < (_UNNAMED_HERRING if unnamed else _HERRING):
            at = rng.choice(free)
            features[at] = _herring(features[at], schema, rng)
    if rng.random() < _SQUASHED:
        features = [_squashed(one, rng) for one in features]
    return schema.model_copy(update={**update, "features": tuple(features)})


def _unnamed(schema: Schema, rng: random.Random) -> dict[str, Any]:
    sides = rng.choice(_SIDES)
    if rng.random() < 0.5:
        sides = tuple(side[:1] for side in sides)
    # The bank's domains have first what may happen: the one that a table would have as 1.
    classes = tuple(
        one.model_copy(update={"name": side[0], "label": side[0], "aliases": side[1:]})
        for one, side in zip(schema.classes, sides[::-1], strict=True)
    )
    if rng.random() < 0.4:
        return {"classes": classes}
    name = rng.choice(_TARGETS)
    return {"classes": classes, "target": schema.target.model_copy(update={"name": name, "label": name, "aliases": ()})}


def _herring(feature: Feature, schema: Schema, rng: random.Random) -> Feature:
    said = [word for one in (*schema.classes, schema.target) for name in one.words() for word in parted(name).split()]
    name = f"{rng.choice(said)} {rng.choice(_NOUNS)}"
    return _squashed(feature, rng, name) if rng.random() < 0.5 else _named(feature, name)


def _named(feature: Feature, name: str) -> Feature:
    return feature.model_copy(update={"name": name, "label": name, "aliases": (), "more": (), "less": ()})


def _squashed(feature: Feature, rng: random.Random, name: str = "") -> Feature:
    words = parted(name or rng.choice((feature.name, feature.label))).split()
    joined = "".join(words).lower()
    return _named(feature, joined) if rng.random() < 0.7 else feature.model_copy(update={"name": joined})
