"""Figures: what is drawn is what the tool gave, and no name is read as markup."""

from __future__ import annotations

import pytest

from askwhy.tools.evidence import Figure, Series
from askwhy.ui.figure import NEGATIVE, POSITIVE, draw, figure_table

ATTRIBUTION = Figure(
    kind="bars",
    title="What moves the probability",
    y_label="change",
    series=(Series(name="all", x=("age", "income", "job"), y=(0.1, -0.3, 0.02), error=(0.01, 0.02, 0.0)),),
)


def test_signed_bars_are_sorted_by_size_and_carry_their_sign_in_words_and_colour() -> None:
    bar = draw(ATTRIBUTION).data[0]
    assert list(bar.x) == [-0.3, 0.1, 0.02]
    assert list(bar.text) == ["−0.300", "+0.100", "+0.020"]
    assert list(bar.marker.color) == [NEGATIVE, POSITIVE, POSITIVE]
    assert list(bar.error_x.array) == [0.02, 0.01, 0.0]


def test_the_axis_names_stand_in_the_order_of_the_bars() -> None:
    assert list(draw(ATTRIBUTION).layout.yaxis.ticktext) == ["income", "age", "job"]


def test_bars_without_signs_keep_the_order_of_the_tool() -> None:
    figure = Figure(kind="bars", title="t", series=(Series(name="", x=("low", "mid", "high"), y=(1.0, 5.0, 3.0)),))
    assert list(draw(figure).data[0].x) == [1.0, 5.0, 3.0]
    assert list(draw(figure).data[0].text) == ["1", "5", "3"]


def test_bars_of_two_series_share_their_labels() -> None:
    series = (Series(name="a", x=("p", "q"), y=(1.0, 2.0)), Series(name="b", x=("q", "r"), y=(3.0, 4.0)))
    picture = draw(Figure(kind="bars", title="t", series=series))
    assert list(picture.layout.yaxis.ticktext) == ["p", "q", "r"]
    assert [list(bar.y) for bar in picture.data] == [[0, 1], [1, 2]]


def test_a_line_has_a_band_of_two_standard_errors() -> None:
    series = Series(name="average", x=(1, 2, 3), y=(0.1, 0.2, 0.3), error=(0.01, 0.02, 0.03))
    band, line = draw(Figure(kind="line", title="t", x_label="age", series=(series,))).data
    assert list(line.x) == [1, 2, 3] and list(line.y) == [0.1, 0.2, 0.3]
    assert list(band.y) == pytest.approx([0.12, 0.24, 0.36, 0.24, 0.16, 0.08])


def test_a_line_over_categories_has_a_category_axis() -> None:
    series = Series(name="average", x=("1", "2"), y=(0.1, 0.2))
    assert draw(Figure(kind="line", title="t", series=(series,))).layout.xaxis.type == "category"


@pytest.mark.parametrize("kind", ["heat", "matrix"])
def test_a_grid_keeps_rows_and_columns(kind: str) -> None:
    series = (Series(name="actual a", x=("a", "b"), y=(5.0, 1.0)), Series(name="actual b", x=("b",), y=(7.0,)))
    grid = draw(Figure(kind=kind, title="t", series=series)).data[0]
    assert [list(row) for row in grid.z] == [[5.0, 1.0], [None, 7.0]]
    assert [list(row) for row in grid.text] == [["5", "1"], ["", "7"]]


@pytest.mark.parametrize("kind", ["bars", "line", "heat", "matrix"])
def test_names_are_never_markup(kind: str) -> None:
    evil = "<a href='javascript:alert(1)'>x</a>"
    series = Series(name=evil, x=(evil, "b"), y=(0.5, -0.5), error=(0.1, 0.1))
    figure = Figure(kind=kind, title=evil, x_label=evil, y_label=evil, series=(series, series))
    drawn = draw(figure).to_json()
    assert "<a" not in drawn and "\\u003ca" not in drawn
    assert "&lt;a" in drawn or "\\u0026lt;a" in drawn


def test_the_table_says_what_the_picture_shows() -> None:
    table = figure_table(ATTRIBUTION)
    assert table.columns == ("at", "all", "standard error")
    assert table.rows == (("age", 0.1, 0.01), ("income", -0.3, 0.02), ("job", 0.02, 0.0))


def test_the_table_of_two_series_leaves_gaps_where_one_has_no_point() -> None:
    series = (Series(name="a", x=(1, 2), y=(1.0, 2.0)), Series(name="b", x=(2, 3), y=(3.0, 4.0)))
    table = figure_table(Figure(kind="line", title="t", x_label="age", series=series))
    assert table.rows == ((1, 1.0, None), (2, 2.0, 3.0), (3, None, 4.0))


def test_of_many_lines_the_table_has_the_first() -> None:
    series = tuple(Series(name=f"row {i}", x=(1,), y=(float(i),)) for i in range(9))
    assert figure_table(Figure(kind="line", title="t", series=series)).columns == ("at", "row 0")


def test_a_figure_without_points_can_be_drawn() -> None:
    for kind in ("bars", "line", "heat"):
        assert draw(Figure(kind=kind, title="nothing", series=(Series(name="a", x=(), y=()),))).data is not None


def test_numbers_stand_beyond_the_errors_of_their_bars() -> None:
    bar, words = draw(ATTRIBUTION).data
    assert bar.textposition == "none"
    assert [text.strip() for text in words.text] == list(bar.text) and list(words.y) == list(bar.y)
    assert list(words.x) == pytest.approx([-0.32, 0.11, 0.02])
    assert list(words.textposition) == ["middle left", "middle right", "middle right"]
