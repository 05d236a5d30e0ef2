"""Statistics against pandas."""

from __future__ import annotations

from typing import Any

import pytest
import toy_subjects
from table_subjects import loan_subject, run, values, where

from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Change, Scope


@pytest.mark.parametrize("measure", ["mean", "median", "min", "max", "std", "sum"])
@pytest.mark.parametrize("feature", ["age", "savings"])
def test_numbers_equal_pandas_and_missing_cells_are_counted(feature: str, measure: Any) -> None:
    subject = loan_subject()
    cells = subject.data.loc[(subject.data["purpose"] == "car"), feature]
    found = run(subject, "statistic", where("purpose", "eq", "car"), feature=feature, measure=measure)
    relation = "extreme" if measure in ("min", "max") else "statistic"
    assert found.one(relation).value == pytest.approx(getattr(cells, measure)())
    assert found.one("used").value == cells.notna().sum()
    assert values(found, "left_out") == ([] if cells.notna().all() else [cells.isna().sum()])
    if relation == "extreme":
        assert cells[found.one("extreme").row] == found.one("extreme").value


def test_a_summary_has_quartiles_and_a_histogram_of_every_row() -> None:
    subject = loan_subject()
    found = run(subject, "statistic", feature="duration")
    quartiles = subject.data["duration"].quantile([0, 0.25, 0.5, 0.75, 1]).tolist()
    assert values(found, "quantile") == pytest.approx(quartiles)
    assert found.figure is not None and sum(found.figure.series[0].y) == len(subject.data)


@pytest.mark.parametrize("measure", [None, "mean", "distribution"])
def test_categories_and_booleans_give_shares(measure: Any) -> None:
    subject = loan_subject()
    for feature in ("purpose", "employed"):
        expected = subject.data[feature].value_counts(normalize=True)
        found = run(subject, "statistic", feature=feature, measure=measure)
        assert {one.at: one.value for one in found.all("category_share")} == pytest.approx(expected.to_dict())
    common = run(subject, "statistic", feature="purpose", measure="most_common")
    assert common.one("common").value == subject.data["purpose"].mode()[0]


def test_dates_have_a_first_and_a_last_but_no_total() -> None:
    subject = toy_subjects.binary()
    joined = subject.data["joined"]
    assert (
        run(subject, "statistic", feature="joined", measure="max").one("extreme").value
        == joined.max().date().isoformat()
    )
    median = run(subject, "statistic", feature="joined", measure="median").one("statistic").value
    assert median == joined.median().floor("D").date().isoformat()
    with pytest.raises(ToolError, match="is a date"):
        run(subject, "statistic", feature="joined", measure="sum")


def test_the_target_is_meant_where_no_feature_is_named() -> None:
    binary, regression = toy_subjects.binary(), toy_subjects.regression()
    shares = {one.cls: one.value for one in run(binary, "statistic").all("class_share")}
    assert shares == pytest.approx(binary.target.value_counts(normalize=True).to_dict())
    older = where("age", "ge", 50)
    mean = run(regression, "statistic", older, measure="mean").one("target_statistic")
    assert mean.value == pytest.approx(regression.target[regression.data["age"] >= 50].mean())
    assert mean.unit == "output"


def test_a_text_counts_by_its_words() -> None:
    subject = toy_subjects.text()
    found = run(subject, "statistic", measure="mean").one("length_statistic")
    assert found.value == pytest.approx(subject.data["review"].str.split().str.len().mean())


def test_changed_rows_are_described_as_changed_and_it_says_so() -> None:
    subject = loan_subject()
    found = run(
        subject,
        "statistic",
        Scope(changes=(Change(feature="age", action="increase", value=5),)),
        feature="age",
        measure="mean",
    )
    assert found.one("statistic").value == pytest.approx(subject.data["age"].mean() + 5)
    assert "changed_rows" in [caveat.flag for caveat in found.caveats]


def test_what_has_no_such_statistic_is_refused() -> None:
    subject = loan_subject()
    with pytest.raises(ToolError, match="not a number"):
        run(subject, "statistic", feature="purpose", measure="std")
    with pytest.raises(ToolError, match="undefined"):
        run(subject, "statistic", Scope(row="3"), feature="age", measure="std")
    with pytest.raises(ToolError, match="No rows match"):
        run(subject, "statistic", where("age", "gt", 500), feature="age")
    empty = subject.data.index[subject.data["savings"].isna()][0]
    with pytest.raises(ToolError, match="missing for all"):
        run(subject, "statistic", Scope(row=str(empty)), feature="savings", measure="mean")
