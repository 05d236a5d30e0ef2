"""Groups of rows by one feature, and what counts as a good outcome for them."""

from __future__ import annotations

import itertools

from askwhy.tools.engines.rules import MOST_CATEGORIES, Predicate, cuts
from askwhy.tools.errors import ToolError
from askwhy.tools.schema import ClassLabel, Feature
from askwhy.tools.subject import Mask, plain
from askwhy.tools.view import View

BANDS = 3
"""Into how many groups of about equal size a number is cut."""


def groups_of(view: View, name: str) -> list[tuple[Predicate, Mask]]:
    """The groups that a feature makes of the view's rows: categories in the schema's order, or bands of a number, whose
    cut points come from all the data; and missing cells. Only groups that have rows; ToolError for fewer than two."""
    feature, cells = view.schema.feature(name), view.rows[name]
    if feature.kind == "text":
        raise ToolError(f"{feature.label} is free text, so it makes no groups.")
    if not feature.categories and (feature.numeric or feature.kind == "date"):
        edges = [None, *cuts(feature, view.subject.data[name], BANDS - 1), None]
        tests = [Predicate(feature, low=low, high=high) for low, high in itertools.pairwise(edges)]
        tests = [one for one in tests if one.bounded]
    else:
        tests = [Predicate(feature, value=value) for value in _values(view, feature)]
    found = [(one, one.holds(cells)) for one in (*tests, Predicate(feature, missing=True))]
    found = [(one, mask) for one, mask in found if mask.any()]
    if len(found) < 2:
        raise ToolError(
            f"All of these {view.schema.entities} have the same {feature.label}, so there is nothing to compare."
        )
    return found


def _values(view: View, feature: Feature) -> list[bool | int | float | str]:
    present = view.subject.data[feature.name].dropna().value_counts()
    if feature.categories:
        seen = set(map(plain, present.index))
        values = [one.value for one in feature.categories if one.value in seen]
    else:
        values = [value for one in present.index if (value := plain(one)) is not None]
    if len(values) > MOST_CATEGORIES:
        raise ToolError(f"{feature.label} has {len(values)} values, too many to compare; narrow the question down.")
    return values


def good_class(view: View, cls: str | None) -> ClassLabel | None:
    """The class whose share is compared: the one named, the favourable one, the one explained by default; None for
    numbers and for several classes of which none is favourable."""
    if view.subject.regression:
        if cls is not None:
            view.schema.class_label(cls)
        return None
    if cls is not None:
        return view.schema.class_label(cls)
    return next((one for one in view.schema.classes if one.favourable), view.schema.explained)
