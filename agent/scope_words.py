"""What a question is about, in words: selected rows, the instance, and what is supposed to be different.

A selection is a string of modifiers that follows a noun: "applicants" + "older than 40 and with sex female".
Nothing is invented: rows whose sex is female are "with sex female", not "women". Comparatives come from the schema.
"""

from __future__ import annotations

import contextlib
from typing import Literal

from askwhy.agent.wording import cell, class_name, clean, joined, known_feature, quoted, row_name
from askwhy.tools.errors import UnknownName
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import AnyOf, Change, Comparison, Condition, Scalar, Scope, Where, opposite
from askwhy.tools.view import OWN_CASE

Mood = Literal["with", "if"]

# Comparatives that can be said of any quantity; "heavier" can be said of a penguin, not of its body mass.
_RISING = ("higher", "larger", "longer", "greater", "bigger", "deeper", "taller", "later")
_FALLING = ("lower", "smaller", "shorter", "shallower", "earlier")
_PLAIN = frozenset((*_RISING, *_FALLING))
_AGED = frozenset({"older", "younger"})


def scope_words(scope: Scope, schema: Schema, *, changes: bool = True) -> str:
    """The selected rows as words that follow a noun, with a leading blank; empty for all rows or one instance."""
    if scope.has_instance:
        return ""
    selected = where_words(scope.where, schema)
    changed = f"with {changes_words(scope.changes, schema)}" if changes and scope.changes else ""
    # Two strings of modifiers in a row would read as one selection.
    words = f"{selected} (each {changed})" if selected and changed else selected or changed
    return f" {words}" if words else ""


def instance_words(scope: Scope, schema: Schema, *, changes: bool = True) -> str | None:
    """The instance in words ("applicant 12", "your text"), None if the scope names none."""
    if not scope.has_instance:
        return None
    words = row_name(scope.row if scope.row is not None else OWN_CASE, schema)
    return f"{words} with {changes_words(scope.changes, schema)}" if changes and scope.changes else words


def where_words(where: Where, schema: Schema) -> str:
    """A selection as modifiers joined by "and"; empty for every row."""
    attributes: list[str] = []
    others: list[str] = []
    for group in where.all:
        words = _group(group, schema)
        if len(group.any) == 1 and words.startswith("with "):
            attributes.append(words.removeprefix("with "))
        else:
            others.append(words)
    parts = [*others, f"with {joined(attributes)}"] if attributes else others
    return " and ".join(sorted(dict.fromkeys(parts), key=_place))


def changes_words(changes: tuple[Change, ...], schema: Schema, mood: Mood = "with") -> str:
    """Changes as what follows "with" ("duration 12 months shorter") or "if" ("duration were 12 months shorter")."""
    return joined([_change(change, schema, mood) for change in changes])


def case_words(scope: Scope, schema: Schema) -> str:
    """The values of a case that the user typed: "age 40 years and purpose car"."""
    return joined([_named_value(one.feature, one.value, schema) for one in scope.case])


def _place(words: str) -> int:
    """Where a modifier reads best: "older than 40 and with sex female and predicted as good"."""
    if words.startswith(("older ", "younger ", "aged ", "not aged ")):
        return 0
    return 1 if words.startswith("with ") else 3 if words.startswith("either ") else 2


def _group(group: AnyOf, schema: Schema) -> str:
    merged = _same_test(group, schema)
    if merged is not None:
        return merged
    words = list(dict.fromkeys(_condition(condition, schema) for condition in group.any))
    return words[0] if len(words) == 1 else f"either {joined(words, 'or')}"


def _same_test(group: AnyOf, schema: Schema) -> str | None:
    """Equality with one of several values is said once: "with purpose car, business or repairs"."""
    first = group.any[0]
    same = {(one.on, one.feature if one.on == "feature" else None, _operator(one)) for one in group.any}
    if len(group.any) < 2 or len(same) > 1 or _operator(first) != "eq" or first.on in ("correct", "previous"):
        return None
    stem, values = _condition(first, schema), [_value(one, schema) for one in group.any]
    return stem.removesuffix(values[0]) + joined(list(dict.fromkeys(values)), "or")


def _operator(condition: Condition) -> Comparison | None:
    """The comparison with its negation worked in; None for a negation that has no comparison of its own."""
    return opposite(condition.op) if condition.negated else condition.op


def _condition(condition: Condition, schema: Schema) -> str:
    if condition.on == "correct":
        right = (condition.value is None or bool(condition.value)) != condition.negated
        return f"that the model gets {'right' if right else 'wrong'}"
    if condition.on == "previous":
        return "not selected before" if condition.negated else "selected before"
    if condition.on == "id":
        return f"with id {'other than ' if _operator(condition) == 'ne' else ''}{_value(condition, schema)}"
    if condition.on == "feature":
        return _feature_condition(condition, schema)
    if not schema.classes:
        return f"with {condition.on} {_compared(clean(schema.target.label), condition, None, schema)}"
    how = "predicted as" if condition.on == "predicted" else "actually"
    return f"{'not ' if _operator(condition) == 'ne' else ''}{how} {_value(condition, schema)}"


def _feature_condition(condition: Condition, schema: Schema) -> str:
    feature = _feature(condition.feature, schema)
    label = clean(feature.label if feature is not None else condition.feature)
    if condition.op == "missing":
        return f"with {label} {'not ' if condition.negated else ''}missing"
    if condition.op == "contains":
        whole = schema.modality == "text"
        verb = "not containing" if condition.negated else "containing"
        return f"{verb} {quoted(condition.value)}" if whole else f"with {label} {verb} {quoted(condition.value)}"
    if feature is not None and _tells_age(feature):
        return _aged(condition, feature, schema)
    return f"with {_compared(label, condition, feature, schema)}"


def _compared(label: str, condition: Condition, feature: Feature | None, schema: Schema) -> str:
    value, op = _value(condition, schema), _operator(condition)
    if feature is not None and feature.kind == "date":
        words = {"lt": " before", "le": " on or before", "gt": " after", "ge": " on or after", "ne": " other than"}
    else:
        words = {"lt": _less(feature), "gt": _more(feature), "le": " of at most", "ge": " of at least"}
        words["ne"] = " other than"
    return f"{label}{words.get(op or '', '')} {value}"


def _more(feature: Feature | None) -> str:
    word = _plain(feature.more) if feature is not None else None
    return f" {word} than" if word else " above"


def _less(feature: Feature | None) -> str:
    word = _plain(feature.less) if feature is not None else None
    return f" {word} than" if word else " below"


def _plain(comparatives: tuple[str, ...]) -> str | None:
    return next((word for word in comparatives if word in _PLAIN), None)


def _tells_age(feature: Feature) -> bool:
    return feature.numeric and _AGED.issubset(feature.more + feature.less) and feature.unit in ("", "years", "year")


def _aged(condition: Condition, feature: Feature, schema: Schema) -> str:
    """Age is said of the whole row: "older than 40", "aged 40 or younger"."""
    value = cell(condition.value, feature, constant=True, unit=False)
    said = {
        "gt": f"older than {value}",
        "lt": f"younger than {value}",
        "ge": f"aged {value} or older",
        "le": f"aged {value} or younger",
        "eq": f"aged {value}",
        "ne": f"not aged {value}",
    }
    return said[_operator(condition) or "eq"]


def _value(condition: Condition, schema: Schema) -> str:
    """The constant of a condition, in words."""
    value = condition.value
    if condition.on in ("predicted", "actual"):
        if schema.classes:
            return _class(value, schema)
        target = Feature(name="", label="", kind="number", unit=schema.target.unit)
        return cell(value, target, constant=True)
    if condition.on == "id":
        return clean(value)
    feature = _feature(condition.feature, schema)
    return _known_cell(value, feature, unit=feature is None or not _tells_age(feature))


def _class(value: Scalar | None, schema: Schema) -> str:
    try:
        return clean(schema.class_label(value if value is not None else "").label)
    except UnknownName:
        return class_name(value if value is not None else "", schema)


def _known_cell(value: Scalar | None, feature: Feature | None, *, unit: bool = True) -> str:
    """A constant of the question; a category may be given by its label or an alias."""
    if feature is not None and feature.categories and value is not None:
        with contextlib.suppress(UnknownName):
            value = feature.category(value).value
    return cell(value, feature, constant=True, unit=unit)


def _feature(name: str | None, schema: Schema) -> Feature | None:
    """By name, label or alias, as a plan may hold any of them."""
    try:
        return known_feature(name, schema) or schema.feature(name or "")
    except UnknownName:
        return None


def _named_value(name: str, value: Scalar | None, schema: Schema) -> str:
    feature = _feature(name, schema)
    return f"{clean(feature.label if feature is not None else name)} {_known_cell(value, feature)}"


def _change(change: Change, schema: Schema, mood: Mood) -> str:
    be = "were " if mood == "if" else ""
    if change.action == "remove":
        return f"{quoted(change.words)} {be}removed"
    if change.action == "replace":
        return f"{quoted(change.words)} {be}replaced by {quoted(change.value)}"
    if change.action == "insert":
        if change.words:
            return f"{quoted(change.value)} {be}put in before {quoted(change.words)}"
        return f"{quoted(change.value)} {be}added"
    feature = _feature(change.feature, schema) if change.feature else None
    label = clean(feature.label if feature is not None else change.feature or "text")
    value = _known_cell(change.value, feature) if feature is not None else quoted(change.value)
    if change.action == "set":
        return f"{label} {be or 'set to '}{value}"
    if change.action == "scale":
        return f"{label} {be}multiplied by {cell(change.value, None, constant=True)}"
    return f"{label} {be}{_shifted(change, feature)}"


def _shifted(change: Change, feature: Feature | None) -> str:
    """An increase or decrease: "12 months shorter"; a negative amount goes the other way."""
    amount = change.value if isinstance(change.value, (int, float)) else 0
    longer = (change.action == "increase") == (amount >= 0)
    words = (feature.more if longer else feature.less) if feature is not None else ()
    return f"{cell(abs(amount), feature, constant=True)} {_plain(words) or ('higher' if longer else 'lower')}"
