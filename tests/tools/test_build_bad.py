"""Data and models that cannot be used, or only with a word about it."""

from __future__ import annotations

import datetime
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.multioutput import MultiOutputClassifier

from askwhy.tools.errors import ModelFault, ToolError, UnknownName
from askwhy.tools.loading.build import build_subject
from askwhy.tools.scope import Condition
from askwhy.tools.subject import plain


def half(rows: Any) -> np.ndarray:
    """A model that is never sure."""
    return np.full((len(rows), 2), 0.5)


def frame(**columns: Any) -> pd.DataFrame:
    return pd.DataFrame({"a": [1.5, 2.5, 3.5], "b": ["x", "y", "x"], **columns})


TARGET = ["no", "yes", "no"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (pd.DataFrame(), "no columns"),
        (pd.DataFrame({"a": []}), "no rows"),
        ([], "empty list"),
        ("data.csv", "DataFrame"),
        (pd.DataFrame([[1, 2]], columns=["a", "a"]), "“a” appears more than once"),
        (pd.DataFrame(np.zeros((2, 3000))), "3,000 columns"),
        (pd.DataFrame([[1, 2]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])), "several levels"),
        (frame(c=[np.inf, 1, 2]), "c is infinite in 1 rows"),
        (frame(c=[[1], [2], [3]]), "c holds list"),
        (frame(c=[1j, 2j, 3j]), "complex"),
        (frame(c=pd.to_timedelta([1, 2, 3], unit="D")), "timedelta"),
        (frame(c=pd.period_range("2020-01", periods=3, freq="M")), "period"),
    ],
)
def test_data_that_cannot_be_used(data: Any, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        build_subject(half, data)


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("c", "no column for the target"),
        (["no", None, "yes"], "missing in 1 rows .the first: 1."),
        ([None, None, None], "empty in every row"),
        (["no", "yes"], "one value for each of 3 rows"),
        (["no", "no", "no"], "know 1 classes"),
        (np.zeros((3, 2)), "shape"),
    ],
)
def test_targets_that_cannot_be_used(target: Any, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        build_subject(half, frame(), target)


def test_a_target_the_model_never_predicts() -> None:
    model = LogisticRegression().fit(frame()[["a"]], TARGET)
    with pytest.raises(ToolError, match="“maybe”, which the model never predicts"):
        build_subject(model, frame()[["a"]], ["no", "yes", "maybe"])


def test_a_constant_target_of_a_fitted_model_is_noted() -> None:
    model = LogisticRegression().fit(frame()[["a"]], TARGET)
    subject = build_subject(model, frame()[["a"]], ["no", "no", "no"])
    assert any("same true class" in note for note in subject.notes)
    number = LinearRegression().fit(frame()[["a"]], [1.0, 2.0, 3.0])
    assert any("same in every row" in note for note in build_subject(number, frame()[["a"]], [2.0, 2.0, 2.0]).notes)


def test_one_row_is_enough() -> None:
    subject = build_subject(half, frame().iloc[:1])
    assert len(subject.data) == len(subject.background) == 1


def test_empty_and_mixed_columns_are_noted() -> None:
    cells = frame(empty=[np.nan] * 3, none=[None] * 3, odd=[1, "x", None], big=[10**30, 1, 2])
    subject = build_subject(half, cells, TARGET)
    notes = " ".join(subject.notes)
    assert "empty is empty in every row" in notes and "none is empty in every row" in notes
    assert "odd mixes number and text" in notes
    assert subject.schema.feature("big").kind == "number" and subject.data["big"].tolist() == [1e30, 1.0, 2.0]
    assert [one.value for one in subject.schema.feature("odd").categories] == [1, "x"]


def test_dates_are_dates_and_the_model_gets_what_it_knows() -> None:
    seen: dict[str, Any] = {}

    def model(rows: pd.DataFrame) -> np.ndarray:
        seen.update(rows.iloc[0].to_dict())
        return half(rows)

    zoned = pd.to_datetime(["2020-01-01 23:30", "2020-05-01 00:00", "2021-01-01 00:00"], utc=True).tz_convert(
        "Europe/Berlin"
    )
    data = frame(
        stamp=pd.to_datetime(["2020-01-01", "2020-05-01", "2021-01-01"]),
        text=["2020-01-01", None, "2021-01-01"],
        day=[datetime.date(2020, 1, 1)] * 3,
        zoned=zoned,
    )
    subject = build_subject(model, data, TARGET)
    assert [subject.schema.feature(name).kind for name in ("stamp", "text", "day", "zoned")] == ["date"] * 4
    assert plain(subject.data["text"].iloc[0]) == "2020-01-01" and plain(subject.data["text"].iloc[1]) is None
    assert seen["text"] == "2020-01-01"
    assert seen["day"] == datetime.date(2020, 1, 1)
    assert seen["zoned"] == zoned[0] and str(seen["zoned"].tz) == "Europe/Berlin"


def test_decimals_and_nullable_numbers() -> None:
    data = frame(money=[decimal.Decimal("1.5"), None, decimal.Decimal(3)], whole=pd.array([1, None, 3], dtype="Int64"))
    subject = build_subject(half, data, TARGET)
    assert subject.data["money"].tolist()[0] == 1.5
    assert subject.schema.feature("whole").high == 3.0
    assert (
        build_subject(half, frame(flag=pd.array([True, None, False], dtype="boolean")))
        .schema.feature("flag")
        .has_missing
    )


ODD_NAMES = [
    "", " ", "a\u200b", "\u202eevil", "x" * 5000, "\N{PILE OF POO}", "שם", '{"json": 1}', "x'; DROP TABLE y;--",
    "<img src=x onerror=alert(1)>", "predict", "features", "None", "nan", "new\nline", "tab\tname", "__class__", "0",
]  # fmt: skip


def test_odd_names_are_held_and_restored_for_the_model() -> None:
    seen: list[Any] = []

    def model(rows: pd.DataFrame) -> np.ndarray:
        seen[:] = list(rows.columns)
        return half(rows)

    data = pd.DataFrame(np.arange(3 * len(ODD_NAMES)).reshape(3, -1) + 0.5, columns=ODD_NAMES)
    subject = build_subject(model, data)
    assert seen == ODD_NAMES
    names = subject.schema.names
    assert len(set(names)) == len(ODD_NAMES) and all(name == name.strip() and 0 < len(name) <= 200 for name in names)
    for name in names:
        Condition(feature=name, value=1)
        assert subject.schema.feature(name).name == name


def test_names_that_differ_by_blanks_only_are_told_apart() -> None:
    subject = build_subject(half, pd.DataFrame([[1.5, 2.5, 3.5]], columns=["age", "age ", " age"]))
    assert subject.schema.names == ("age", "age (2)", "age (3)")
    assert len(subject.notes) >= 2


def test_numbers_as_names_are_given_back_to_the_model() -> None:
    subject = build_subject(lambda rows: rows[0] * 2.0, pd.DataFrame([[1.5, 2.0], [3.5, 4.0]]))
    assert subject.schema.names == ("0", "1")
    assert subject.predictor(subject.data)[:, 0].tolist() == [3.0, 7.0]


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(max_size=30), min_size=1, max_size=6, unique=True))
def test_any_names_make_a_subject(names: list[str]) -> None:
    subject = build_subject(half, pd.DataFrame([[0.5] * len(names)] * 2, columns=names))
    assert len(set(subject.schema.names)) == len(names)
    assert all(feature.label for feature in subject.schema.features)


# Models


class Broken:
    """Predicts whatever it is given."""

    def __init__(self, outputs: Any) -> None:
        self.outputs = outputs

    def __call__(self, rows: Any) -> Any:
        if isinstance(self.outputs, Exception):
            raise self.outputs
        return self.outputs(len(rows))


@pytest.mark.parametrize(
    ("outputs", "said"),
    [
        (RuntimeError("boom"), "raised RuntimeError: boom"),
        (KeyError("a"), "raised KeyError"),
        (lambda n: np.full((n, 2), np.nan), "NaN"),
        (lambda n: np.full((n, 2), 0.9), "not probabilities"),
        (lambda n: np.tile([-0.5, 1.5], (n, 1)), "not probabilities"),
        (lambda n: np.zeros((n + 1, 2)), "shape"),
        (lambda n: np.zeros((n, 2, 2)), "shape"),
        (lambda n: None, "shape"),
        (lambda n: 0.5, "shape"),
        (lambda n: np.zeros((n, 3)), "3 probabilities"),
        (lambda n: [np.zeros((n, 2)), np.zeros((n, 2))], "several outputs"),
        (lambda n: ["maybe"] * n, "not one of its classes"),
    ],
)
def test_a_model_that_fails_is_found_when_the_subject_is_built(outputs: Any, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        build_subject(Broken(outputs), frame(), TARGET)


def test_a_model_that_cannot_take_gaps_says_so() -> None:
    data = pd.DataFrame({"a": [1.0, 2.0, 3.0, np.nan], "b": [1.0, 1.5, 2.5, 3.0]})
    model = LogisticRegression().fit(data.iloc[:3], TARGET)
    with pytest.raises(ModelFault, match="missing cells in a"):
        build_subject(model, data, [*TARGET, "yes"])


def test_what_is_no_usable_model() -> None:
    numbers = frame()[["a"]]
    for model, said in (
        (object(), "not a model"),
        (RandomForestClassifier, "fitted instance"),
        (LogisticRegression(), "not fitted"),
        (MultiOutputClassifier(LogisticRegression()).fit(numbers, [[0, 1], [1, 0], [0, 0]]), "several outputs"),
        (RandomForestClassifier(2).fit(numbers, ["x", "x", "x"]), "single class"),
        (LinearRegression().fit(numbers, [[1, 2], [2, 3], [3, 4]]), "2 numbers for each row"),
    ):
        with pytest.raises(ToolError, match=said):
            build_subject(model, numbers)


def test_a_model_that_is_not_repeatable_is_noted() -> None:
    rng = np.random.default_rng(0)
    subject = build_subject(lambda rows: rng.random(len(rows)), frame(), [1.5, 2.5, 3.5])
    assert any("not repeatable" in note for note in subject.notes)


def test_a_model_is_tried_on_few_rows_only() -> None:
    asked: list[int] = []

    def model(rows: Any) -> np.ndarray:
        asked.append(len(rows))
        return half(rows)

    build_subject(model, pd.DataFrame({"a": np.arange(5000) + 0.5}))
    assert sum(asked) <= 50


def test_a_schema_file_for_other_data_names_the_nearest_column(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text("[features.hight]\nlabel = 'x'\n", encoding="utf-8")
    with pytest.raises(UnknownName, match="height"):
        build_subject(half, frame(height=[1.5, 2.5, 3.5]), TARGET, schema=path)
    path.write_text("[classes.1]\nlabel = 'x'\n", encoding="utf-8")
    with pytest.raises(ToolError, match="cannot name classes"):
        build_subject(LinearRegression().fit(frame()[["a"]], [1.0, 2.0, 3.0]), frame()[["a"]], schema=path)


def test_a_schema_file_names_target_and_classes(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(
        "[target]\ncolumn = 'y'\n[classes.0]\nlabel = 'declined'\n[classes.1]\nlabel = 'approved'\n", encoding="utf-8"
    )
    subject = build_subject(half, frame(y=[0, 1, 1]), schema=path)
    assert subject.schema.target.name == "y" and subject.schema.names == ("a", "b")
    assert [(label.value, label.label) for label in subject.schema.classes] == [(0, "declined"), (1, "approved")]


@pytest.mark.parametrize(
    "mask", [[True, False, True], [1, 0, 1], [1.0, 0.0, 1.0], ["test", "train", "test"], ["yes", "no", "yes"]]
)
def test_ways_to_mark_held_out_rows(mask: list[Any]) -> None:
    assert build_subject(half, frame(), test=mask).held_out.tolist() == [True, False, True]


def test_a_mark_that_is_none_is_refused() -> None:
    with pytest.raises(ToolError, match="not with “perhaps”"):
        build_subject(half, frame(), test=["perhaps", "test", "train"])
    with pytest.raises(ToolError, match="2 entries for 3 rows"):
        build_subject(half, frame(), test=[True, False])


def test_a_background_of_ones_own() -> None:
    given = frame()[["b", "a"]].iloc[:2]
    subject = build_subject(half, frame(), TARGET, background=given)
    assert list(subject.background.columns) == ["a", "b"] and len(subject.background) == 2
    with pytest.raises(UnknownName, match="column of the background"):
        build_subject(half, frame(), TARGET, background=given[["a"]])
