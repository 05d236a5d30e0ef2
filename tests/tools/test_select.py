"""Selections mean what pandas would select; changes make the cells they say."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from askwhy.tools.alter import alter, new_case, typical_row
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.predictor import Predictor
from askwhy.tools.schema import Category, ClassLabel, Feature, Schema, Target
from askwhy.tools.scope import AnyOf, Assignment, Change, Condition, Where
from askwhy.tools.select import select
from askwhy.tools.subject import Subject

FRAME = pd.DataFrame(
    {
        "age": [25, 41, 67, 33, 19],
        "income": [1.5, np.nan, 3.0, 2.5, 0.5],
        "city": pd.array(["Bonn", "Ulm", None, "Bonn", "Ulm"], dtype="str"),
        "member": [True, False, True, True, False],
        "since": pd.to_datetime(["2020-01-05", "2021-03-01", "2019-12-31", None, "2022-02-02"]),
    },
    index=["0", "1", "2", "3", "4"],
)
SCHEMA = Schema(
    features=(
        Feature(name="age", label="age", kind="integer", low=19, high=67, aliases=("years old",)),
        Feature(name="income", label="monthly income", kind="number", low=0.5, high=3.0),
        Feature(
            name="city",
            label="city",
            kind="category",
            categories=(
                Category(name="Bonn", label="Bonn", value="Bonn"),
                Category(name="Ulm", label="Ulm", value="Ulm"),
            ),
        ),
        Feature(
            name="member",
            label="member",
            kind="boolean",
            categories=(
                Category(name="False", label="no", value=False),
                Category(name="True", label="yes", value=True, aliases=("a member",)),
            ),
        ),
        Feature(name="since", label="since", kind="date"),
    ),
    target=Target(name="ok", label="ok"),
    task="binary",
    classes=(
        ClassLabel(name="0", label="declined", value=0, aliases=("refused",)),
        ClassLabel(name="1", label="approved", value=1),
    ),
    entity="person",
    entities="people",
)
TRUTH = ["0", "1", "1", "0", "0"]


def older(frame: pd.DataFrame) -> np.ndarray:
    """Approves with certainty above 40."""
    return (frame["age"] > 40).to_numpy(dtype=float)


@pytest.fixture
def subject() -> Subject:
    target = pd.Series(TRUTH, index=FRAME.index)
    nothing = np.zeros(len(FRAME), dtype=bool)
    return Subject(Predictor(older, SCHEMA, SCHEMA.names), SCHEMA, FRAME, target, nothing, FRAME, id="people")


def chosen(subject: Subject, *conditions: Condition) -> list[str]:
    mask = select(subject, Where.of(*conditions), Evaluator(subject.predictor))
    return list(subject.data.index[mask])


@pytest.mark.parametrize(
    ("condition", "mask"),
    [
        (Condition(feature="age", op="gt", value=33), lambda f: f["age"] > 33),
        (Condition(feature="years old", op="le", value=33), lambda f: f["age"] <= 33),
        (Condition(feature="age", op="gt", value=33, negated=True), lambda f: f["age"] <= 33),
        (Condition(feature="age", op="ne", value=33), lambda f: f["age"] != 33),
        (Condition(feature="Monthly income", op="lt", value=2), lambda f: f["income"] < 2),
        (Condition(feature="income", op="lt", value=2, negated=True), lambda f: f["income"] >= 2),
        (Condition(feature="income", op="missing"), lambda f: f["income"].isna()),
        (Condition(feature="city", op="missing", negated=True), lambda f: f["city"].notna()),
        (Condition(feature="city", value="bonn"), lambda f: f["city"] == "Bonn"),
        (Condition(feature="city", op="ne", value="Bonn"), lambda f: ~(f["city"] == "Bonn")),
        (Condition(feature="city", op="contains", value="l"), lambda f: f["city"].isin(["Ulm"])),
        (Condition(feature="member", value=True), lambda f: f["member"]),
        (Condition(feature="member", value="a member"), lambda f: f["member"]),
        (Condition(feature="member", value="no"), lambda f: ~f["member"]),
        (Condition(feature="since", op="ge", value="2021-01-01"), lambda f: f["since"] >= "2021-01-01"),
        (Condition(on="id", value="3"), lambda f: f.index == "3"),
        (Condition(on="id", value="3", op="ne"), lambda f: f.index != "3"),
        (Condition(on="predicted", value="approved"), lambda f: f["age"] > 40),
        (Condition(on="predicted", value="approved", negated=True), lambda f: f["age"] <= 40),
        (Condition(on="predicted", op="ne", value="refused"), lambda f: f["age"] > 40),
        (Condition(on="actual", value=1), lambda f: np.array(TRUTH) == "1"),
        (Condition(on="correct", value=True), lambda f: (f["age"] > 40) == (np.array(TRUTH) == "1")),
        (Condition(on="correct", value=False), lambda f: (f["age"] > 40) != (np.array(TRUTH) == "1")),
    ],
)
def test_a_condition_selects_what_pandas_would(
    subject: Subject, condition: Condition, mask: Callable[[pd.DataFrame], object]
) -> None:
    assert chosen(subject, condition) == list(FRAME.index[np.asarray(mask(FRAME), dtype=bool)])


def test_groups_are_anded_and_alternatives_ored(subject: Subject) -> None:
    young, old = Condition(feature="age", op="lt", value=20), Condition(feature="age", op="gt", value=60)
    where = Where(all=(AnyOf(any=(young, old)), AnyOf(any=(Condition(feature="member", value=True),))))
    mask = select(subject, where, Evaluator(subject.predictor))
    assert list(FRAME.index[mask]) == ["2"]


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        (Condition(feature="agee", value=3), "nearest: age"),
        (Condition(feature="city", value="Bon"), "nearest: Bonn"),
        (Condition(on="id", value="77"), "no person “77”"),
        (Condition(on="predicted", value="aproved"), "nearest: approved"),
        (Condition(feature="age", op="gt", value="many"), "is a number"),
        (Condition(feature="city", op="gt", value="Bonn"), "no larger or smaller"),
        (Condition(feature="since", op="gt", value="soon"), "is a date"),
        (Condition(on="previous"), "no earlier selection"),
    ],
)
def test_what_makes_no_sense_is_refused_with_advice(subject: Subject, condition: Condition, message: str) -> None:
    with pytest.raises(ToolError, match=message):
        chosen(subject, condition)


def cells(subject: Subject, feature: str, change: Change) -> list[object]:
    return list(alter(subject, subject.data, (change,))[0][feature])


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change(feature="age", action="increase", value=5), [30, 46, 72, 38, 24]),
        (Change(feature="age", action="decrease", value=5), [20, 36, 62, 28, 14]),
        (Change(feature="age", action="set", value=50), [50] * 5),
        (Change(feature="age", action="scale", value=2), [50, 82, 134, 66, 38]),
        (Change(feature="age", action="increase", value=0.5), [25.5, 41.5, 67.5, 33.5, 19.5]),
    ],
)
def test_numbers_change_as_said(subject: Subject, change: Change, expected: list[float]) -> None:
    assert cells(subject, "age", change) == expected


def test_dtypes_survive_a_change(subject: Subject) -> None:
    changes = (
        Change(feature="age", action="increase", value=5),
        Change(feature="city", value="ulm"),
        Change(feature="member", value="yes"),
        Change(feature="since", value="2024-05-06"),
    )
    changed, _ = alter(subject, subject.data, changes)
    assert changed.dtypes.to_dict() == subject.data.dtypes.to_dict()
    assert set(changed["city"]) == {"Ulm"}
    assert changed["member"].all()


def test_a_value_never_seen_is_said_to_be_extrapolated(subject: Subject) -> None:
    _, inside = alter(subject, subject.row("0"), (Change(feature="age", value=60),))
    _, outside = alter(subject, subject.row("0"), (Change(feature="age", value=90),))
    assert inside == ()
    assert [caveat.flag for caveat in outside] == ["extrapolation"]
    assert "90" in outside[0].text and "19 to 67" in outside[0].text


@pytest.mark.parametrize(
    "change",
    [
        Change(feature="city", action="increase", value=1),
        Change(feature="city", value="Berlin"),
        Change(feature="age", value="old"),
        Change(feature="age", action="remove", words="x"),
        Change(feature="wealth", value=1),
    ],
)
def test_an_impossible_change_is_refused(subject: Subject, change: Change) -> None:
    with pytest.raises(ToolError):
        alter(subject, subject.data, (change,))


def test_a_case_takes_what_is_given_and_says_what_was_assumed(subject: Subject) -> None:
    row, caveats = new_case(subject, (Assignment(feature="age", value=50), Assignment(feature="city", value="ulm")))
    assert row.loc["new", "age"] == 50
    assert row.loc["new", "city"] == "Ulm"
    assert row.loc["new", "income"] == 1.5  # the lower median of 0.5, 1.5, 2.5, 3.0
    assert "monthly income, member, since" in caveats[-1].text


def test_the_typical_row_keeps_dtypes(subject: Subject) -> None:
    assert typical_row(subject).dtypes.to_dict() == subject.data.dtypes.to_dict()


def test_an_unknown_row_names_what_the_rows_are(subject: Subject) -> None:
    with pytest.raises(UnknownName, match="person"):
        subject.row("77")
