"""What the columns mean: features, categories, classes and the words people use for them."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from typing import Any, Literal

from askwhy.tools.decision import Decision
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.scope import Scalar
from askwhy.tools.value import Value

Kind = Literal["number", "integer", "category", "boolean", "date", "text"]
Task = Literal["binary", "multiclass", "regression"]


class Named(Value):
    """A thing with a name in the data, a label for people, and other words for it."""

    name: str
    label: str
    aliases: tuple[str, ...] = ()

    def words(self) -> tuple[str, ...]:
        """Every way to say it: label, name, aliases; no repeats."""
        return tuple(dict.fromkeys((self.label, self.name, *self.aliases)))


class Category(Named):
    """One value of a categorical feature; `value` is the cell itself (a string, number or boolean)."""

    value: Scalar


class Feature(Named):
    """One raw input of the model.

    `low`, `high`: the observed range; `allowed`: the range a changed value may take (default: the observed one).
    `direction`: -1 can only fall, 1 can only rise (age), 0 either way. `monotone`: the response required by policy.
    `more`, `less`: comparatives such as "older", "younger".
    `columns`: the one-hot columns of the user's table that this feature stands for, empty if it is a column itself.
    """

    kind: Kind
    description: str = ""
    unit: str = ""
    categories: tuple[Category, ...] = ()
    low: float | None = None
    high: float | None = None
    allowed: tuple[float, float] | None = None
    mutable: bool = True
    direction: Literal[-1, 0, 1] = 0
    monotone: Literal[-1, 0, 1] = 0
    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()
    group: str | None = None
    has_missing: bool = False
    columns: tuple[str, ...] = ()

    @property
    def numeric(self) -> bool:
        """Whether values are ordered numbers."""
        return self.kind in ("number", "integer")

    def is_year(self, value: float) -> bool:
        """Whether a number is a calendar year, which is written without separators."""
        named = re.search(r"\byear\b", f"{self.label} {self.name}".replace("_", " "), re.IGNORECASE)
        return bool(named) and not self.unit and float(value).is_integer() and 1000 <= value < 3000

    def category(self, value: Scalar) -> Category:
        """The category with this value, label or alias; UnknownName with the nearest if there is none."""
        wanted = _fold(str(value))
        for category in self.categories:
            if category.value == value and isinstance(category.value, bool) == isinstance(value, bool):
                return category
        for category in self.categories:
            if wanted in {_fold(word) for word in category.words()}:
                return category
        raise UnknownName(f"value of {self.label}", str(value), [category.label for category in self.categories])


class ClassLabel(Named):
    """One class of the target. `value` is what the target column holds; `favourable` marks what people hope for."""

    value: Scalar
    favourable: bool = False


class Target(Named):
    """What the model predicts."""

    description: str = ""
    unit: str = ""


class Schema(Value):
    """Everything that is known about the columns; the model's output columns follow the order of `classes`.

    decision: rules that turn the output into a final decision. rivals: names of other models to compare with.
    """

    features: tuple[Feature, ...]
    target: Target
    task: Task
    classes: tuple[ClassLabel, ...] = ()
    modality: Literal["table", "text"] = "table"
    name: str = ""
    description: str = ""
    entity: str = "row"
    entities: str = "rows"
    decision: Decision | None = None
    rivals: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """Feature names in the model's order."""
        return tuple(feature.name for feature in self.features)

    def feature(self, name: str) -> Feature:
        """The feature of this name, label or alias; UnknownName with the nearest if there is none."""
        found = _index(self).get(name) or _folded(self).get(_fold(name))
        if found is None:
            words = [word for feature in self.features for word in (feature.label, feature.name)]
            raise UnknownName("feature", name, dict.fromkeys(words))
        return found

    def class_label(self, name: Scalar) -> ClassLabel:
        """The class of this name, value, label or alias; UnknownName with the nearest if there is none."""
        if not self.classes:
            raise ToolError(f"This model predicts a number ({self.target.label}), so there are no classes.")
        wanted = _fold(str(name))
        for label in self.classes:
            if wanted in {_fold(str(label.value)), *(_fold(word) for word in label.words())}:
                return label
        raise UnknownName("class", str(name), [label.label for label in self.classes])

    def class_index(self, name: Scalar) -> int:
        """The column of this class in the model's output."""
        return self.classes.index(self.class_label(name))

    @property
    def explained(self) -> ClassLabel | None:
        """The class explained by default of a binary model: the favourable one, else the second; None otherwise."""
        if self.task != "binary":
            return None
        return next((label for label in self.classes if label.favourable), self.classes[-1])


def _fold(text: str) -> str:
    return " ".join(text.replace("_", " ").replace("-", " ").lower().split())


@functools.lru_cache(maxsize=64)
def _index(schema: Schema) -> dict[str, Feature]:
    return {feature.name: feature for feature in schema.features}


@functools.lru_cache(maxsize=64)
def _folded(schema: Schema) -> dict[str, Feature]:
    pairs = ((_fold(word), feature) for feature in schema.features for word in feature.words())
    return _first(pairs)


def _first(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        found.setdefault(key, value)
    return found
