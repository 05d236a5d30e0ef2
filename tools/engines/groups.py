"""Groups of rows by one feature, and what counts as a good outcome for them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from askwhy.tools.engines.rules import MOST_CATEGORIES, Predicate, cuts
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evidence import Fact
from askwhy.tools.schema import ClassLabel, Feature
from askwhy.tools.scope import AnyOf, Scope, Where
from askwhy.tools.subject import Mask, plain
from askwhy.tools.view import View, make_view

_YES, _NO = ("yes", "true", "1"), ("no", "false", "0")

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


@dataclass(frozen=True)
class Side:
    """One of two groups that a person has named: "age below 25 years", "the others"."""

    text: str
    bounds: tuple[Fact, ...] = ()

    def words(self) -> str:
        """The group in words."""
        return self.text

    def facts(self, rule: str) -> Iterator[Fact]:
        """Its bounds as facts, `group` being the group that they belong to."""
        return (one.model_copy(update={"group": rule}) for one in self.bounds)


OTHERS = Side("the others")


def one_against_rest(
    view: View, name: str, value: str | None, below: float | None, above: float | None
) -> list[tuple[Predicate | Side, Mask]]:
    """The rows with one category, or with a number above and below these bounds, and all others in which the feature is
    known. ToolError for a category that does not exist, and where a side has no rows."""
    feature, cells = view.schema.feature(name), view.rows[name]
    first: Predicate | Side
    if value is not None:
        if below is not None or above is not None:
            raise ToolError("Name either one value or bounds, not both.")
        first, inside = _with_value(feature, value, cells)
    else:
        first, inside = _within(feature, cells, below, above)
    return _both_sides(view, feature, cells, first, inside)


def _with_value(feature: Feature, value: str, cells: pd.Series) -> tuple[Predicate, Mask]:
    if feature.numeric and not feature.categories:
        raise ToolError(f"{feature.label} is a number; say above or below which value.")
    if feature.kind == "boolean" and not feature.categories:
        said = value.strip().lower()
        if said not in (*_YES, *_NO):
            raise UnknownName(f"value of {feature.label}", value, ("yes", "no"))
        wanted = Predicate(feature, value=said in _YES)
    else:
        wanted = Predicate(feature, value=feature.category(value).value)
    return wanted, wanted.holds(cells)


def _within(feature: Feature, cells: pd.Series, below: float | None, above: float | None) -> tuple[Side, Mask]:
    if not feature.numeric or feature.categories:
        raise ToolError(f"{feature.label} is not a number; name one of its values instead.")
    inside, parts, bounds = np.array(cells.notna(), dtype=bool), [], []
    unit = f" {feature.unit}" if feature.unit else ""
    if above is not None:
        inside &= np.asarray((cells > above).fillna(False), dtype=bool)
        parts.append(f"above {above:,.10g}{unit}")
        bounds.append(Fact(relation="rule_above", value=above, unit="feature", feature=feature.name))
    if below is not None:
        inside &= np.asarray((cells < below).fillna(False), dtype=bool)
        parts.append(f"below {below:,.10g}{unit}")
        bounds.append(Fact(relation="rule_below", value=below, unit="feature", feature=feature.name))
    return Side(f"{feature.label} {' and '.join(parts)}", tuple(bounds)), inside


def selected_against_rest(view: View, name: str) -> tuple[View, list[tuple[Predicate | Side, Mask]]] | None:
    """Where the selection is itself by this feature ("are women treated differently?"): the view without those
    conditions, and its rows inside and outside of the selection; None where it is not."""
    scope = view.scope
    own = tuple(group for group in scope.where.all if _only_on(view, group, name))
    if scope.has_instance or scope.changes or not own:
        return None
    kept = Where(all=tuple(group for group in scope.where.all if group not in own))
    whole = replace(make_view(view.subject, Scope(where=kept), view.evaluate, view.seed), caveats=view.caveats)
    inside = np.asarray(whole.rows.index.isin(view.rows.index), dtype=bool)
    first = Side(f"these {view.schema.entities}")
    return whole, _both_sides(whole, view.schema.feature(name), whole.rows[name], first, inside)


def _only_on(view: View, group: AnyOf, name: str) -> bool:
    return all(
        one.on == "feature" and one.feature is not None and view.schema.feature(one.feature).name == name
        for one in group.any
    )


def _both_sides(
    view: View, feature: Feature, cells: pd.Series, first: Predicate | Side, inside: Mask
) -> list[tuple[Predicate | Side, Mask]]:
    outside = ~inside & np.asarray(cells.notna(), dtype=bool)
    for mask, which in ((inside, first.words()), (outside, f"another {feature.label}")):
        if not mask.any():
            raise ToolError(f"There are no {view.schema.entities} with {which}, so there is nothing to compare.")
    return [(first, inside), (OTHERS, outside)]


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
