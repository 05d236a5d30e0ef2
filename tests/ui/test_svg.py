"""Figures without a browser: well-formed, at the right places, and nothing in a name is markup."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest

from askwhy.tools.evidence import Figure, Series
from askwhy.ui.svg import WIDTH, svg

SPACE = "{http://www.w3.org/2000/svg}"
SCRIPT = '<script>alert("1")</script>'


def drawn(figure: Figure) -> ElementTree.Element:
    return ElementTree.fromstring(svg(figure, alone=True))


def words(root: ElementTree.Element) -> list[str]:
    """The texts of a picture without its titles."""
    return [
        "".join(part.text or "" for part in text.iter() if part.tag != f"{SPACE}title")
        for text in root.iter(f"{SPACE}text")
    ]


def bars(*values: float, names: tuple[str, ...] = (), error: tuple[float, ...] | None = None) -> Figure:
    x = names or tuple(f"f{i}" for i in range(len(values)))
    return Figure(kind="bars", title="Bars", y_label="points", series=(Series(name="s", x=x, y=values, error=error),))


def rectangles(root: ElementTree.Element) -> list[tuple[float, float, str]]:
    """Start, width and classes of every bar or cell."""
    found = (one for one in root.iter(f"{SPACE}rect") if "fill" in one.get("class", "").split())
    return [(float(one.get("x", "")), float(one.get("width", "")), one.get("class", "")) for one in found]


def test_bars_are_as_long_as_their_values() -> None:
    found = rectangles(drawn(bars(1.0, 4.0, 2.0)))
    widths = [width for _, width, _ in found]
    assert widths[1] == pytest.approx(4 * widths[0], abs=0.5) and widths[2] == pytest.approx(2 * widths[0], abs=0.5)
    assert len({start for start, _, _ in found}) == 1


def test_bars_go_both_ways_from_zero_the_largest_first() -> None:
    root = drawn(bars(0.1, -0.4))
    (down, down_width, down_class), (up, _, up_class) = rectangles(root)
    assert "down" in down_class and "up" in up_class
    assert down + down_width == pytest.approx(up, abs=0.2)
    assert [word for word in words(root) if word[0] in "+\N{MINUS SIGN}"] == ["\N{MINUS SIGN}0.400", "+0.100"]


def test_a_standard_error_reaches_as_far_as_it_says() -> None:
    root = drawn(bars(2.0, 4.0, error=(1.0, 0.0)))
    whiskers = [one.get("d", "") for one in root.iter(f"{SPACE}path") if one.get("class") == "error"]
    assert len(whiskers) == 1
    found = re.search(r"^M([\d.]+) .*H([\d.]+)M", whiskers[0])
    assert found is not None
    start, width, _ = rectangles(root)[1]
    unit = width / 4
    assert [float(end) - start for end in found.groups()] == pytest.approx([unit, 3 * unit], abs=0.5)


def test_a_line_falls_on_paper_where_its_values_rise() -> None:
    figure = Figure(kind="line", title="t", x_label="age", series=(Series(name="a", x=(0, 10, 20), y=(0.0, 0.5, 1.0)),))
    root = drawn(figure)
    line = next(one.get("d", "") for one in root.iter(f"{SPACE}path") if "line" in one.get("class", ""))
    points = [tuple(map(float, point.split())) for point in line[1:].split("L")]
    assert [x for x, _ in points] == sorted(x for x, _ in points)
    assert (
        points[0][1] - points[1][1] == pytest.approx(points[1][1] - points[2][1], abs=0.2)
        and points[0][1] > points[2][1]
    )
    assert {"0", "10", "20", "0.2", "1.0"} <= set(words(root))


def test_points_without_a_place_are_left_out() -> None:
    series = Series(name="a", x=("a", "b", math.inf), y=(math.nan, 2.0, 3.0), error=(1.0, math.inf, 1.0))
    shown = svg(Figure(kind="bars", title="t", series=(series,)))
    assert "nan" not in shown and "inf" not in shown and len(rectangles(drawn(bars(2.0)))) == 1
    assert shown.count('class="fill up"') + shown.count('class="fill c0"') == 1


@pytest.mark.parametrize("kind", ["bars", "line", "heat", "matrix"])
def test_nothing_to_draw_is_a_picture_too(kind: str) -> None:
    for series in ((), (Series(name="a", x=(), y=()),), (Series(name="a", x=(1,), y=(0.0,)),)):
        figure = Figure.model_validate({"kind": kind, "title": "none", "series": [one.model_dump() for one in series]})
        assert float(drawn(figure).get("height", "0")) > 0


@pytest.mark.parametrize("kind", ["bars", "line", "heat", "matrix"])
def test_names_are_escaped_clipped_and_stay_within(kind: str) -> None:
    names = (SCRIPT, "long " * 100, "字" * 80, "\u202eback")
    series = tuple(Series(name=name, x=names, y=(0.5, -0.25, 1.0, 0.0)) for name in names)
    figure = Figure.model_validate(
        {"kind": kind, "title": SCRIPT, "x_label": SCRIPT, "y_label": "long " * 99, "series": series}
    )
    root = drawn(figure)
    tags = {one.tag.removeprefix(SPACE) for one in root.iter()}
    assert tags <= {"svg", "title", "style", "rect", "path", "circle", "text", "tspan"}
    assert "\u202e" not in svg(figure) and not re.search(r"\son\w+=|href|url\(|@import", svg(figure, alone=True))
    assert all(len(text) <= 120 for text in words(root))
    for x, width, _ in rectangles(root):
        assert x >= 0 and x + width <= WIDTH + 0.5


def test_cells_say_their_numbers_and_are_the_darker_the_larger() -> None:
    rows = (Series(name="no", x=("no", "yes"), y=(8.0, 2.0)), Series(name="yes", x=("no", "yes"), y=(4.0, 6.0)))
    root = drawn(Figure(kind="matrix", title="counts", series=rows))
    depth = [float(one.get("fill-opacity", "0")) for one in root.iter(f"{SPACE}rect") if one.get("fill-opacity")]
    assert sorted(depth) == [depth[1], depth[2], depth[3], depth[0]]
    assert [word for word in words(root) if word.isdigit()] == ["8", "2", "4", "6"]


def test_of_many_lines_the_first_is_bold_and_named() -> None:
    every = tuple(Series(name=f"line {i}", x=(0, 1), y=(0.0, float(i))) for i in range(9))
    root = drawn(Figure(kind="line", title="t", series=every))
    kinds = [one.get("class", "").split()[0] for one in root.iter(f"{SPACE}path")]
    assert kinds.count("faint") == 8
    assert [word for word in words(root) if word.startswith("line")] == ["line 0"]
