"""The built-in data and its schema files, on the real data."""

from __future__ import annotations

import functools
import tomllib
from collections.abc import Callable, Iterable
from importlib import resources
from typing import Any

import pandas as pd
import pytest

from askwhy.tools.subjects import tables, texts
from askwhy.tools.subjects.tables import RawData

SOURCES: dict[str, Callable[[], RawData]] = {
    "credit": tables.credit,
    "breast_cancer": tables.breast_cancer,
    "diabetes": tables.diabetes,
    "penguins": tables.penguins,
    "reviews": texts.reviews,
}
FEATURE_KEYS = {
    *("label", "aliases", "description", "unit", "kind", "mutable", "direction", "range", "more", "less", "group"),
    "categories",
}


@functools.cache
def raw(name: str) -> RawData:
    return SOURCES[name]()


@functools.cache
def schema(name: str) -> dict[str, Any]:
    """The schema file as plain data."""
    file = raw(name).schema_file
    assert file is not None
    return tomllib.loads((resources.files("askwhy.tools.subjects") / file).read_text(encoding="utf-8"))


def values(column: pd.Series) -> set[str]:
    """The values that occur, as a schema file writes them."""
    return {str(value) for value in column.dropna().unique()}


def words(name: str, entry: dict[str, Any]) -> set[str]:
    """Every way to say a thing, folded."""
    said = (name, entry["label"], *entry.get("aliases", ()))
    return {" ".join(word.replace("_", " ").replace("-", " ").lower().split()) for word in said}


def shared(entries: Iterable[tuple[str, dict[str, Any]]]) -> set[str]:
    """Words that more than one of these things claim."""
    seen: set[str] = set()
    twice: set[str] = set()
    for name, entry in entries:
        twice |= seen & words(name, entry)
        seen |= words(name, entry)
    return twice


every_subject = pytest.mark.parametrize("name", SOURCES)


@pytest.mark.parametrize(
    ("name", "rows", "features"),
    [
        ("credit", 1000, 9),
        ("breast_cancer", 569, 30),
        ("diabetes", 442, 10),
        ("penguins", 344, 6),
        ("reviews", 12808, 1),
    ],
)
def test_shapes(name: str, rows: int, features: int) -> None:
    assert raw(name).frame.shape == (rows, features + 1)


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("credit", {1: 700, 0: 300}),
        ("breast_cancer", {"benign": 357, "malignant": 212}),
        ("penguins", {"Adelie": 152, "Gentoo": 124, "Chinstrap": 68}),
        ("reviews", {"fresh": 7403, "rotten": 5405}),
    ],
)
def test_class_counts(name: str, counts: dict[Any, int]) -> None:
    data = raw(name)
    assert data.frame[data.target].value_counts().to_dict() == counts


@pytest.mark.parametrize("name", ["credit", "breast_cancer", "diabetes", "reviews"])
def test_nothing_is_missing(name: str) -> None:
    assert not raw(name).frame.isna().to_numpy().any()


def test_penguins_keep_their_missing_values() -> None:
    missing = raw("penguins").frame.isna().sum()
    measured = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g"]
    assert missing[missing > 0].to_dict() == {**dict.fromkeys(measured, 2), "sex": 11}


def test_the_first_applicants_are_in_the_published_order() -> None:
    frame = raw("credit").frame
    assert frame.index[:3].tolist() == [0, 1, 2]
    assert frame.loc[1].to_dict() == {
        **{"risk": 0, "sex": "female", "job": 2, "housing": "own", "saving_accounts": "little"},
        **{"checking_account": "moderate", "credit_amount": 5951, "duration": 48, "purpose": "radio/TV", "age": 22},
    }


def test_diabetes_is_in_its_own_units() -> None:
    frame = raw("diabetes").frame
    assert (frame["age"].min(), frame["age"].max()) == (19, 79)
    assert values(frame["sex"]) == {"1", "2"}
    assert frame["progression"].mean() == pytest.approx(152.133, abs=1e-3)


def test_reviews_are_texts_without_plot_summaries() -> None:
    frame = raw("reviews").frame
    assert frame.index.tolist() == list(range(len(frame)))
    assert frame["text"].str.strip().ne("").all()
    assert frame["text"].str.len().max() == 255


@every_subject
def test_source_and_licence_are_given(name: str) -> None:
    assert raw(name).citation and raw(name).licence


@every_subject
def test_the_schema_describes_exactly_the_features(name: str) -> None:
    data, file = raw(name), schema(name)
    assert file["target"]["column"] == data.target
    assert list(file["features"]) == [column for column in data.frame if column != data.target]
    assert {"name", "description", "entity", "entities"} == set(file["subject"])


@every_subject
def test_features_use_known_keys(name: str) -> None:
    for column, feature in schema(name)["features"].items():
        assert set(feature) <= FEATURE_KEYS, column
        assert {"label", "aliases", "description", "kind"} <= set(feature), column
        assert feature["kind"] in {"number", "integer", "category", "boolean", "date", "text"}, column


@every_subject
def test_kinds_ranges_and_comparatives_fit_the_data(name: str) -> None:
    for column, feature in schema(name)["features"].items():
        series = raw(name).frame[column]
        numeric = feature["kind"] in {"number", "integer"}
        assert numeric == ("more" in feature) == ("less" in feature), column
        if feature["kind"] == "integer":
            assert (series.dropna() % 1 == 0).all(), column
        if "range" in feature:
            low, high = feature["range"]
            assert low <= series.min() and series.max() <= high, column


@every_subject
def test_every_category_and_class_is_labelled_and_no_other(name: str) -> None:
    data, file = raw(name), schema(name)
    for column, feature in file["features"].items():
        assert ("categories" in feature) == (feature["kind"] == "category"), column
        labelled = feature.get("categories", {})
        assert set(labelled) == (values(data.frame[column]) if labelled else set()), column
        assert all(category["label"] and category["aliases"] for category in labelled.values()), column
    if "classes" in file:
        assert set(file["classes"]) == values(data.frame[data.target])


@every_subject
def test_no_word_means_two_things_of_a_sort(name: str) -> None:
    file = schema(name)
    target = (file["target"]["column"], file["target"])
    assert shared([*file["features"].items(), target]) == set()
    assert shared(file.get("classes", {}).items()) == set()
    for feature in file["features"].values():
        assert shared(feature.get("categories", {}).items()) == set()


def test_nobody_is_told_to_change_sex_or_age() -> None:
    features = schema("credit")["features"]
    assert {name for name, feature in features.items() if feature.get("mutable") is False} == {"sex", "age"}
    assert features["age"]["direction"] == 1
