"""The schema file: what people know about the columns and a program cannot see.

    [subject]                 name, description, entity, entities
    [target]                  column, label, aliases, unit, description
    [classes.V]               label, aliases, favourable
    [features.X]              label, aliases, description, unit, kind, mutable, direction, range, monotone, more, less,
                              group, columns
    [features.X.categories.V] label, aliases
    [decision]                label, otherwise, rules; see `askwhy.tools.loading.decision_notes`

TOML, or JSON of the same shape; everything is optional. X is a column of the data and V a value of it, as text.
`columns` lists one-hot columns that the feature X stands for; an empty list keeps columns named X_... apart.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from askwhy.tools.errors import ToolError, UnknownName, nearest
from askwhy.tools.loading.decision_notes import DecisionNotes, notes_at
from askwhy.tools.schema import ClassLabel, Feature, Kind, Named, Schema, Target
from askwhy.tools.value import Value

MAX_BYTES = 5_000_000


class _Notes(Value):
    # Numbers are refused where words are meant: `label = 1` is a slip, and so is `mutable = "no"`.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class NamedNotes(_Notes):
    """Words for a thing."""

    label: str | None = Field(None, min_length=1)
    aliases: tuple[str, ...] = Field((), strict=False)


class ClassNotes(NamedNotes):
    """`[classes.V]`."""

    favourable: bool = False


class FeatureNotes(NamedNotes):
    """`[features.X]`; None where the file says nothing."""

    description: str = ""
    unit: str | None = None
    kind: Kind | None = None
    mutable: bool = True
    direction: Literal[-1, 0, 1] = 0
    monotone: Literal[-1, 0, 1] = 0
    range: tuple[float, float] | None = Field(None, strict=False)
    more: tuple[str, ...] = Field((), strict=False)
    less: tuple[str, ...] = Field((), strict=False)
    group: str | None = None
    columns: tuple[str, ...] | None = Field(None, strict=False)
    categories: dict[str, NamedNotes] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _ordered(self) -> FeatureNotes:
        if self.range is not None and not self.range[0] <= self.range[1]:
            raise ValueError("the range must be [lowest, highest]")
        return self


class TargetNotes(NamedNotes):
    """`[target]`."""

    column: str | None = None
    unit: str = ""
    description: str = ""


class SubjectNotes(_Notes):
    """`[subject]`."""

    name: str = ""
    description: str = ""
    entity: str | None = Field(None, min_length=1)
    entities: str | None = Field(None, min_length=1)


class SchemaFile(_Notes):
    """A schema file, read and checked for its own form; names are checked against the data later."""

    subject: SubjectNotes = SubjectNotes()
    target: TargetNotes = TargetNotes()
    classes: dict[str, ClassNotes] = Field(default_factory=dict)
    features: dict[str, FeatureNotes] = Field(default_factory=dict)
    decision: DecisionNotes | None = None


def read_schema_file(path: Path | str) -> SchemaFile:
    """A TOML or JSON schema file. Raises ToolError for what cannot be read or is not known, naming the nearest key."""
    path = Path(path)
    content = _parsed(path)
    if not isinstance(content, dict):
        raise ToolError(f"The schema file {path.name} should hold tables such as [target] and [features.X].")
    try:
        return SchemaFile.model_validate(content)
    except ValidationError as error:
        raise ToolError(f"The schema file {path.name}: {_problem(error)}") from None


def _parsed(path: Path) -> Any:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ToolError(f"The schema file {path.name} is larger than {MAX_BYTES:,} bytes.")
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text) if path.suffix.lower() == ".json" else tomllib.loads(text)
    except OSError as error:
        raise ToolError(f"The schema file {path} cannot be read: {error.strerror or error}.") from error
    except (UnicodeDecodeError, RecursionError) as error:
        raise ToolError(f"The schema file {path.name} cannot be read: {type(error).__name__}.") from error
    except ValueError as error:  # TOML's and JSON's own errors: they say the line
        raise ToolError(f"The schema file {path.name} is not valid: {error}.") from error


def _problem(error: ValidationError) -> str:
    found = next((one for one in error.errors() if one["type"] == "extra_forbidden"), error.errors()[0])
    where = [str(part) for part in found["loc"]]
    if found["type"] != "extra_forbidden":
        return f"{'.'.join(where)}: {found['msg']}."
    known = tuple(field.alias or name for name, field in _model_at(where[:-1]).model_fields.items())
    guess = ", ".join(nearest(where[-1], known)) or ", ".join(known)
    place = f"[{'.'.join(where[:-1])}]" if len(where) > 1 else "the file"
    return f"there is no key “{where[-1]}” in {place}. The nearest: {guess}."


def _model_at(where: list[str]) -> type[BaseModel]:
    if not where:
        return SchemaFile
    if where[0] == "features":
        return NamedNotes if len(where) > 3 else FeatureNotes
    if where[0] == "subject":
        return SubjectNotes
    if where[0] == "decision":
        return notes_at(where[1:])
    return TargetNotes if where[0] == "target" else ClassNotes


_N = TypeVar("_N", bound=Named)


def named(thing: _N, notes: NamedNotes | None, **update: Any) -> _N:
    """The thing with the file's label and aliases; an earlier label stays as an alias."""
    if notes is None:
        return thing.model_copy(update=update) if update else thing
    label = notes.label or thing.label
    words = dict.fromkeys((*notes.aliases, *(() if label == thing.label else (thing.label,)), *thing.aliases))
    words.pop(label, None)
    return thing.model_copy(update={"label": label, "aliases": tuple(words), **update})


def described(feature: Feature, notes: FeatureNotes | None) -> Feature:
    """The feature with what the file says about it; its kind and categories were settled when it was inferred."""
    if notes is None:
        return feature
    update: dict[str, Any] = {
        "description": " ".join(notes.description.split()),
        "mutable": notes.mutable,
        "direction": notes.direction,
        "monotone": notes.monotone,
        "more": notes.more,
        "less": notes.less,
        "group": notes.group,
        "categories": tuple(named(one, notes.categories.get(one.name)) for one in feature.categories),
    }
    if notes.unit is not None:
        update["unit"] = notes.unit
    if notes.range is not None:
        if not feature.numeric:
            raise ToolError(f"The schema file gives a range for {feature.name}, which is not a number.")
        update["allowed"] = notes.range
    return named(feature, notes, **update)


def absent_categories(feature: Feature, notes: FeatureNotes | None) -> tuple[str, ...]:
    """A sentence for every value that the file describes and the data never shows."""
    if notes is None or not notes.categories:
        return ()
    known = [one.name for one in feature.categories]
    absent = [name for name in notes.categories if name not in known]
    said = "The schema file describes “{}” of {}, a value that the data does not have{}."
    return tuple(said.format(name, feature.name, _hint(name, known)) for name in absent)


def _hint(name: str, known: list[str]) -> str:
    guesses = nearest(name, known)
    return f" (the nearest: {', '.join(guesses)})" if guesses else ""


def described_target(target: Target, notes: TargetNotes) -> Target:
    """The target with what the file says about it."""
    return named(target, notes, description=" ".join(notes.description.split()), unit=notes.unit)


def described_classes(classes: tuple[ClassLabel, ...], notes: Mapping[str, ClassNotes]) -> tuple[ClassLabel, ...]:
    """The classes with what the file says about them. UnknownName for a class that the model does not have."""
    check_names("class in the model", notes, [label.name for label in classes])
    if sum(one.favourable for one in notes.values()) > 1 and len(classes) == 2:
        raise ToolError("The schema file calls both classes favourable; at most one of two can be.")
    return tuple(
        named(label, notes[label.name], favourable=notes[label.name].favourable) if label.name in notes else label
        for label in classes
    )


def check_names(what: str, given: Iterable[str], known: Iterable[str]) -> None:
    """UnknownName for the first given name that is not known."""
    names = list(known)
    for name in given:
        if name not in names:
            raise UnknownName(what, name, names)


def described_subject(schema: Schema, notes: SubjectNotes) -> Schema:
    """The schema with the words for its rows."""
    entity = notes.entity or schema.entity
    entities = notes.entities or (plural(entity) if notes.entity else schema.entities)
    update = {
        "name": notes.name or schema.name,
        "description": " ".join(notes.description.split()) or schema.description,
        "entity": entity,
        "entities": entities,
    }
    return schema.model_copy(update=update)


def plural(noun: str) -> str:
    """The plural of a regular English noun."""
    if noun.endswith("y") and noun[-2:-1] not in tuple("aeiou"):
        return f"{noun[:-1]}ies"
    return f"{noun}es" if noun.endswith(("s", "x", "z", "ch", "sh")) else f"{noun}s"
