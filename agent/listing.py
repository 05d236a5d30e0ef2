"""What a chat model is told about a subject: ids, and the data's own strings as clipped and cleaned JSON.

Names, labels and categories come from somebody's file. They are data and never instructions, so they are stripped of
control characters, clipped, JSON-quoted, and referred to by ids: f0, f1, ... for features and c0, c1, ... for classes.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from askwhy.tools.errors import UnknownName
from askwhy.tools.schema import ClassLabel, Feature, Schema
from askwhy.tools.scope import Scalar

MAX_FEATURES = 200
_CLIP = 60
_CATEGORIES, _ALIASES = 12, 6
_ID = re.compile(r"([fc])(\d{1,4})")


def clean(text: object, length: int = _CLIP) -> str:
    """One line without control, bidirectional or invisible characters, clipped to `length` characters."""
    shown = (" " if c.isspace() else "" if unicodedata.category(c)[0] == "C" else c for c in str(text)[: 4 * length])
    line = " ".join("".join(shown).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def feature_id(schema: Schema, name: str) -> str:
    """The id of a feature given by its name."""
    return f"f{schema.names.index(name)}"


def class_id(schema: Schema, name: Scalar) -> str:
    """The id of a class given by its name, value or alias."""
    return f"c{schema.class_index(name)}"


def find_feature(schema: Schema, name: str) -> Feature:
    """The feature of this id, name, label or alias (clipped as listed, too); UnknownName if there is none."""
    index = _index(name, "f", len(schema.features))
    if index is not None:
        return schema.features[index]
    try:
        return schema.feature(name)
    except UnknownName:
        clipped = [feature for feature in schema.features if name in (clean(feature.label), clean(feature.name))]
        if len(clipped) == 1:
            return clipped[0]
        raise


def find_class(schema: Schema, name: Scalar) -> ClassLabel:
    """The class of this id, name, value, label or alias (clipped as listed, too); UnknownName if there is none."""
    index = _index(name, "c", len(schema.classes))
    if index is not None:
        return schema.classes[index]
    try:
        return schema.class_label(name)
    except UnknownName:
        clipped = [label for label in schema.classes if name == clean(label.label)]
        if len(clipped) == 1:
            return clipped[0]
        raise


def find_value(feature: Feature, value: Scalar) -> Scalar:
    """The cell value that a category's value, label or alias (clipped as listed, too) stands for."""
    try:
        return feature.category(value).value
    except UnknownName:
        clipped = [category for category in feature.categories if value == clean(category.label)]
        if len(clipped) == 1:
            return clipped[0].value
        raise


def _index(name: Scalar, kind: str, count: int) -> int | None:
    found = _ID.fullmatch(str(name).strip())
    return int(found[2]) if found and found[1] == kind and int(found[2]) < count else None


def variables(schema: Schema) -> dict[str, str]:
    """What the prompt `understand` is filled with."""
    return {
        "task": schema.task if schema.modality == "table" else f"{schema.task}, on texts",
        "entity": json.dumps(clean(schema.entity), ensure_ascii=False),
        "entities": json.dumps(clean(schema.entities), ensure_ascii=False),
        "target": _line({"label": clean(schema.target.label), "unit": clean(schema.target.unit)}),
        "features": _feature_lines(schema),
        "classes": "\n".join(_class_line(schema, label) for label in schema.classes) or "none: it predicts a number",
    }


def _feature_lines(schema: Schema) -> str:
    lines = [_feature_line(f"f{number}", feature) for number, feature in enumerate(schema.features[:MAX_FEATURES])]
    more = len(schema.features) - len(lines)
    return "\n".join([*lines, *([f"... and {more} more, by name"] if more > 0 else [])])


def _feature_line(name: str, feature: Feature) -> str:
    named = [category.value if _plain(category.value) else clean(category.label) for category in feature.categories]
    entry: dict[str, Any] = {
        "id": name,
        "label": clean(feature.label),
        "also": _also(feature.aliases, feature.label),
        "kind": feature.kind,
        "unit": clean(feature.unit),
        "range": None if feature.low is None else [feature.low, feature.high],
        "values": named[:_CATEGORIES],
    }
    return _line(entry)


def _class_line(schema: Schema, label: ClassLabel) -> str:
    also = _also(label.aliases, label.label)
    return _line({"id": class_id(schema, label.name), "label": clean(label.label), "also": also})


def _plain(value: Scalar) -> bool:
    return isinstance(value, bool)


def _also(aliases: tuple[str, ...], label: str) -> list[str]:
    return [clean(alias) for alias in aliases if alias != label][:_ALIASES]


def _line(entry: dict[str, Any]) -> str:
    return json.dumps({key: value for key, value in entry.items() if value not in ("", None, [])}, ensure_ascii=False)
