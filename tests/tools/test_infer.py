"""Kinds, categories, ranges and one-hot groups from the data alone."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from askwhy.tools.errors import ToolError
from askwhy.tools.loading.infer import (
    distinct_values,
    infer_classes,
    infer_feature,
    infer_features,
    infer_kind,
    one_hot_groups,
    value_name,
)
from askwhy.tools.loading.schema_file import FeatureNotes

SENTENCES = [f"this is sentence number {i} of the test" for i in range(30)]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (pd.Series([1, 2, 3]), "integer"),
        (pd.Series([1.5, 2.0]), "number"),
        (pd.Series([1.0, 2.0]), "number"),
        (pd.Series([181.0, np.nan, 190.0]), "integer"),
        (pd.Series([float(i) for i in range(25)]), "integer"),
        (pd.Series([0, 1, 1]), "boolean"),
        (pd.Series([0.0, 1.0, np.nan]), "boolean"),
        (pd.Series([0, 0]), "integer"),
        (pd.Series([True, False]), "boolean"),
        (pd.Series([True, None], dtype="boolean"), "boolean"),
        (pd.Series([True, None, False], dtype=object), "boolean"),
        (pd.Series(["a", "b", None]), "category"),
        (pd.Series(["a", "b"], dtype=object), "category"),
        (pd.Series(["a", "b"], dtype="category"), "category"),
        (pd.Series([1, 2], dtype="category"), "category"),
        (pd.Series([True, False], dtype="category"), "boolean"),
        (pd.Series([1, None], dtype="Int64"), "integer"),
        (pd.to_datetime(pd.Series(["2020-01-01", "2020-01-02"])), "date"),
        (pd.Series(SENTENCES), "text"),
        (pd.Series([f"id{i}" for i in range(300)]), "text"),
        (pd.Series(["the same four words"] * 10 + ["another four words here"] * 10), "category"),
        (pd.Series([np.nan, np.nan]), "number"),
    ],
)
def test_kinds(cells: pd.Series, kind: str) -> None:
    assert infer_kind(cells) == kind


def test_categories_equal_the_cells() -> None:
    for cells in (pd.Series([0, 1]), pd.Series([True, False]), pd.Series(["x", "y"]), pd.Series([0.0, 1.0, np.nan])):
        feature = infer_feature("f", cells)
        found = {type(one.value) for one in feature.categories}
        assert {one.value for one in feature.categories} == set(cells.dropna().unique())
        assert found == {type(cells.dropna().tolist()[0])}


def test_flags_are_yes_and_no() -> None:
    feature = infer_feature("smoker", pd.Series([0, 1, 0]))
    assert [(one.name, one.label, one.value) for one in feature.categories] == [("0", "no", 0), ("1", "yes", 1)]
    assert feature.category("yes").value == 1
    assert feature.category("false").value == 0


def test_ranges_and_gaps() -> None:
    feature = infer_feature("mass_kg", pd.Series([3.5, np.nan, 7.25]))
    assert (feature.low, feature.high, feature.has_missing, feature.unit) == (3.5, 7.25, True, "kg")
    empty = infer_feature("x", pd.Series([np.nan]))
    assert (empty.low, empty.high) == (None, None)


def test_categories_of_a_dtype_include_those_not_seen() -> None:
    cells = pd.Series(pd.Categorical(["b", "a"], categories=["c", "b", "a"]))
    assert [one.value for one in infer_feature("x", cells).categories] == ["c", "b", "a"]


def test_distinct_values_are_plain_and_ordered() -> None:
    assert distinct_values(pd.Series([10, 9, 9])) == [9, 10]
    assert distinct_values(pd.Series(["b", 2, 1, "a", None], dtype=object)) == [1, 2, "a", "b"]
    assert all(type(value) is float for value in distinct_values(pd.Series([1.0, 2.5])))


def test_class_names_and_words() -> None:
    assert [label.name for label in infer_classes([0, 1])] == ["0", "1"]
    assert infer_classes([0.0, 1.0])[1].name == "1"
    assert "yes" in infer_classes([0, 1])[1].aliases
    assert infer_classes([0, 1, 2])[1].aliases == ()
    assert [label.label for label in infer_classes([False, True])] == ["no", "yes"]


@pytest.mark.parametrize(("value", "name"), [(1.0, "1"), (1.5, "1.5"), (True, "True"), ("1.0", "1.0"), (-2.0, "-2")])
def test_value_names(value: object, name: str) -> None:
    assert value_name(value) == name  # type: ignore[arg-type]


def one_hot(n: int = 12) -> pd.DataFrame:
    colour = pd.Series(["red", "blue", "dark_green"] * (n // 3))
    return pd.concat([pd.get_dummies(colour, prefix="colour"), pd.DataFrame({"age": range(n)})], axis=1)


def test_one_hot_columns_are_one_feature() -> None:
    groups = one_hot_groups(one_hot(), {})
    assert groups == {"colour": [("colour_blue", "blue"), ("colour_dark_green", "dark_green"), ("colour_red", "red")]}


def test_two_groups_with_a_common_start_stay_two() -> None:
    first = pd.get_dummies(pd.Series(["a", "b"] * 8), prefix="loan_type", dtype=int)
    second = pd.get_dummies(pd.Series(["x", "x", "y", "z"] * 4), prefix="loan_purpose", dtype=float)
    groups = one_hot_groups(pd.concat([first, second], axis=1), {})
    assert sorted(groups) == ["loan_purpose", "loan_type"]


def test_no_group_without_exactly_one_in_every_row() -> None:
    frame = one_hot()
    assert one_hot_groups(frame.drop(columns="colour_red"), {}) == {}
    several = frame.copy()
    several.loc[0, ["colour_red", "colour_blue"]] = True
    assert one_hot_groups(several, {}) == {}
    assert one_hot_groups(frame.iloc[:4], {}) == {}  # too few rows to tell from chance
    assert one_hot_groups(frame.assign(colour="x"), {}) == {}  # the name is taken


def test_the_schema_file_forces_and_forbids_groups() -> None:
    frame = one_hot().rename(columns={"colour_red": "r", "colour_blue": "b", "colour_dark_green": "g"})
    assert one_hot_groups(frame, {}) == {}
    forced = one_hot_groups(frame, {"shade": FeatureNotes(columns=("r", "b", "g"))})
    assert forced == {"shade": [("r", "r"), ("b", "b"), ("g", "g")]}
    assert one_hot_groups(one_hot(), {"colour": FeatureNotes(columns=())}) == {}
    with pytest.raises(ToolError, match="not one-hot"):
        one_hot_groups(frame, {"shade": FeatureNotes(columns=("r", "b"))})
    with pytest.raises(ToolError, match="not a column"):
        one_hot_groups(frame, {"shade": FeatureNotes(columns=("r", "b", "purple"))})


def test_no_two_features_share_a_label() -> None:
    frame = pd.DataFrame(
        {"loan_duration": [1.5], "LoanDuration": [2.5], "loan duration": [3.5], "Loan-Duration": [4.5]}
    )
    labels = [feature.label.lower() for feature in infer_features(frame, {})]
    assert len(set(labels)) == 4


@given(st.lists(st.text(max_size=12), min_size=1, max_size=8, unique=True))
def test_any_names_give_features_told_apart(names: list[str]) -> None:
    frame = pd.DataFrame([[1.5] * len(names)], columns=names)
    features = infer_features(frame, {})
    assert [feature.name for feature in features] == names
    labels = [feature.label.lower() for feature in features]
    assert all(labels) and len(set(labels)) == len(labels)
