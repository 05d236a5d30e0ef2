"""Tables on the terminal: what does not fit is turned, never squeezed until nobody can read it."""

from __future__ import annotations

import pytest

from askwhy.tools.evidence import Table
from askwhy.ui.cells import without_empty_errors
from askwhy.ui.terminal import fitted

WIDE = Table(
    columns=("applicant", *(f"feature number {i}" for i in range(12))),
    rows=tuple((str(row), *(f"value {row}" for _ in range(12))) for row in range(40, 45)),
    note="the clearest",
)


def test_a_table_that_fits_is_left_as_it_is() -> None:
    table = Table(columns=("a", "b"), rows=((1, 2.5), (3, None)))
    assert fitted(table, 80) == table


def test_a_wide_table_is_turned_and_keeps_every_feature() -> None:
    turned = fitted(WIDE, 80)
    assert turned.columns == ("applicant", "40", "41", "42", "43", "44")
    assert [row[0] for row in turned.rows] == list(WIDE.columns[1:])
    assert turned.rows[0][1:] == tuple(f"value {row}" for row in range(40, 45))
    assert turned.note == "the clearest"


@pytest.mark.parametrize("width", [60, 40, 30])
def test_what_still_does_not_fit_is_left_out_and_said(width: int) -> None:
    turned = fitted(WIDE, width)
    shown = len(turned.columns) - 1
    assert 1 <= shown < 5
    assert turned.note == f"the clearest, {shown} of 5 shown"


def test_errors_that_are_all_missing_have_no_column() -> None:
    table = Table(columns=("word", "standard error"), rows=(("film", None), ("warm", None)))
    assert without_empty_errors(table).columns == ("word",)
    some = Table(columns=("word", "standard error"), rows=(("film", None), ("warm", 0.1)))
    assert without_empty_errors(some) == some
