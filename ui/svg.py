"""A tool's figure as SVG: without scripts, fonts or a browser, for reports that are filed and printed.

Names are untrusted: every text is escaped and clipped. Colours are classes of figure.css, which follow light and dark.
"""

from __future__ import annotations

import html
import math
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from askwhy.tools.evidence import Figure, Series
from askwhy.tools.scope import Scalar
from askwhy.ui.cells import cell_text, common_decimals, is_number, number_text, one_line
from askwhy.ui.figure import MANY_LINES, MOST_BARS, bar_points, points_of

STYLE = (Path(__file__).parent / "figure.css").read_text(encoding="utf-8")
WIDTH = 520

_CHARACTER = 6.9  # mean width of a letter at 13 px
_LEFT, _RIGHT, _TOP = 156, 12, 8
_MOST_CELLS = 12
_COLOURS, _DASHES = 6, 4


def svg(figure: Figure, *, alone: bool = False) -> str:
    """The picture as one `<svg>` element; `alone` makes it a file of its own, with its style and a background."""
    body, height = {"bars": _bars, "line": _lines, "heat": _heat, "matrix": _heat}[figure.kind](_finite(figure))
    title = _text(figure.title, 200)
    space = ' xmlns="http://www.w3.org/2000/svg"' if alone else ""
    dressed = f'<style>{STYLE}</style><rect class="paper" width="{WIDTH}" height="{height}"/>' if alone else ""
    return (
        f'<svg{space} class="fig" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img" '
        f'aria-label="{title}"><title>{title}</title>{dressed}{"".join(body)}</svg>'
    )


def _finite(figure: Figure) -> Figure:
    """The figure without points that have no place on paper."""
    kept = []
    for series in figure.series:
        at = [i for i, value in enumerate(series.y) if math.isfinite(value) and _placed(series.x[i])]
        error = None if series.error is None else tuple(_size(series.error[i]) for i in at)
        points = {"x": tuple(series.x[i] for i in at), "y": tuple(series.y[i] for i in at), "error": error}
        kept.append(series.model_copy(update=points))
    return figure.model_copy(update={"series": tuple(kept)})


def _placed(point: Scalar) -> bool:
    return not isinstance(point, float) or math.isfinite(point)


def _size(error: float) -> float:
    return abs(error) if math.isfinite(error) else 0.0


def _bars(figure: Figure) -> tuple[list[str], int]:
    points = bar_points(figure)
    left_out = len(points_of(figure.series)) - len(points)
    signed = any(value < 0 for series in figure.series for value in series.y)
    decimals = common_decimals(value for series in figure.series for value in series.y) if points else 0
    low, high = _ends(figure.series)
    scale = _Scale(low, high, _LEFT + (52 if low < 0 else 4), WIDTH - _RIGHT - (58 if high > 0 else 4))
    many = len(figure.series)
    thick, row = (18, 34) if many == 1 else (12, 12 * many + 16)
    top = _TOP + _legend_height(figure)
    out = _legend(figure)
    for number, point in enumerate(points):
        middle = top + number * row + row / 2
        out += _label(cell_text(point), _LEFT - 8, middle, 22)
        for which, series in enumerate(figure.series):
            if point in series.x:
                y = middle - thick * many / 2 + which * thick
                colour = f"c{which % _COLOURS}" if many > 1 or not signed else ""
                out += _bar(series, series.x.index(point), scale, (y, thick), colour, signed, decimals)
    end = top + row * len(points)
    out.append(_rule(scale(0), top, scale(0), end, "zero"))
    said = "; ".join(filter(None, (figure.y_label, f"{left_out} more are not drawn" if left_out > 0 else "")))
    return [*out, *_axis_title(said, end + 20)], end + (30 if said else 6)


def _bar(
    series: Series, at: int, scale: _Scale, place: tuple[float, int], colour: str, signed: bool, decimals: int
) -> list[str]:
    """One bar with its standard error and, beyond both, its number."""
    value, (y, thick) = series.y[at], place
    error = series.error[at] if series.error is not None else 0.0
    start, end = sorted((scale(0), scale(value)))
    middle = y + thick / 2
    out = [
        f'<rect class="fill {colour or ("down" if value < 0 else "up")}" x="{start:.1f}" y="{y + 1:.1f}" '
        f'width="{max(end - start, 0.8):.1f}" height="{thick - 2}"/>'
    ]
    if error:
        left, right = scale(value - error), scale(value + error)
        out.append(
            f'<path class="error" d="M{left:.1f} {middle - 4:.1f}v8M{left:.1f} {middle:.1f}H{right:.1f}'
            f'M{right:.1f} {middle - 4:.1f}v8"/>'
        )
    outer = scale(value - error if value < 0 else value + error)
    anchor, x = ("end", outer - 6) if value < 0 else ("start", outer + 6)
    shown = number_text(value, signed=signed, decimals=decimals)
    out.append(f'<text class="num" x="{x:.1f}" y="{middle + 4.5:.1f}" text-anchor="{anchor}">{shown}</text>')
    return out


def _ends(every: Sequence[Series]) -> tuple[float, float]:
    """The range of a bar chart: zero, all values and their errors."""
    errors = ((series, series.error or (0.0,) * len(series.y)) for series in every)
    ends = [value + side * e for series, error in errors for value, e in zip(series.y, error, strict=True)
            for side in (-1, 1)]  # fmt: skip
    return min([0.0, *ends]), max([0.0, *ends])


def _lines(figure: Figure) -> tuple[list[str], int]:
    points = points_of(figure.series)
    numeric = bool(points) and all(is_number(point) for point in points)
    places = {point: float(point) if numeric else float(i) for i, point in enumerate(points)}
    band = len(figure.series) <= MANY_LINES
    values = [end for series in figure.series for end in _reach(series, band)] or [0.0, 1.0]
    top, height = _TOP + _legend_height(figure), 230
    down = _Scale(*_padded(min(values), max(values)), top + height, top)
    across = _Scale(*_wide(places.values()), 58, WIDTH - 20)
    out = _legend(figure)
    for tick, words in _ticks(down.low, down.high):
        out.append(_rule(58, down(tick), WIDTH - 20, down(tick), "grid"))
        out.append(f'<text class="soft num" x="50" y="{down(tick) + 4:.1f}" text-anchor="end">{words}</text>')
    marks = _ticks(across.low, across.high) if numeric else _some(points)
    for tick, words in marks:
        out.append(
            f'<text class="soft num" x="{across(tick):.1f}" y="{top + height + 18}" text-anchor="middle">{words}</text>'
        )
    if down.low < 0 < down.high:
        out.append(_rule(58, down(0), WIDTH - 20, down(0), "zero"))
    for number, series in reversed(list(enumerate(figure.series))):
        x = [across(places[point]) for point in series.x]
        out += _line(series, x, down, number, faint=not band and number > 0)
    said = " against ".join(filter(None, (figure.y_label, figure.x_label)))
    return [*out, *_axis_title(said, top + height + 40)], top + height + 50


def _line(series: Series, x: list[float], down: _Scale, number: int, *, faint: bool) -> list[str]:
    """One line, with a band of two standard errors to either side."""
    if not x:
        return []
    path = "M" + "L".join(f"{at:.1f} {down(value):.1f}" for at, value in zip(x, series.y, strict=True))
    if faint:
        return [f'<path class="faint" d="{path}"/>']
    out = []
    if series.error is not None and any(series.error):
        upper = [(at, down(value + 2 * e)) for at, value, e in zip(x, series.y, series.error, strict=True)]
        lower = [(at, down(value - 2 * e)) for at, value, e in zip(x, series.y, series.error, strict=True)]
        edge = "L".join(f"{at:.1f} {y:.1f}" for at, y in (*upper, *reversed(lower)))
        out.append(f'<path class="fill c{number % _COLOURS}" fill-opacity="0.16" d="M{edge}Z"/>')
    out.append(f'<path class="line c{number % _COLOURS} d{number % _DASHES}" d="{path}"/>')
    if len(x) <= 24:
        out += [
            f'<circle class="fill c{number % _COLOURS}" cx="{at:.1f}" cy="{down(value):.1f}" r="3"/>'
            for at, value in zip(x, series.y, strict=True)
        ]
    return out


def _heat(figure: Figure) -> tuple[list[str], int]:
    points = points_of(figure.series)[:_MOST_CELLS]
    rows = figure.series[:MOST_BARS]
    values = [value for series in rows for value in series.y]
    largest = max(map(abs, values), default=0.0) or 1.0
    signed, decimals = any(value < 0 for value in values), common_decimals(values) if values else 0
    wide, high, top = (WIDTH - _LEFT - _RIGHT) / max(1, len(points)), 34, _TOP + 34
    out = []
    for column, point in enumerate(points):
        out += _label(
            cell_text(point), _LEFT + (column + 0.5) * wide, top - 18, max(4, int(wide / _CHARACTER)), "middle"
        )
    for row, series in enumerate(rows):
        out += _label(series.name, _LEFT - 8, top + (row + 0.5) * high, 22)
        for point, value in zip(series.x, series.y, strict=True):
            if point in points:
                colour = "c0" if not signed else "down" if value < 0 else "up"
                place = _LEFT + points.index(point) * wide, top + row * high, wide, high
                shown = number_text(value, signed=signed, decimals=decimals)
                out.append(_cell(shown, place, colour, 0.05 + 0.5 * abs(value) / largest))
    end = top + high * len(rows)
    said = " against ".join(filter(None, (figure.y_label, figure.x_label)))
    return [*out, *_axis_title(said, end + 20)], end + 30


def _cell(shown: str, place: tuple[float, float, float, float], colour: str, depth: float) -> str:
    """A tinted cell with its number, which is left out (but in the title) where it does not fit."""
    x, y, wide, high = place
    tint = (
        f'<rect class="fill {colour}" fill-opacity="{depth:.2f}" x="{x + 1:.1f}" y="{y + 1}" '
        f'width="{wide - 2:.1f}" height="{high - 2}"><title>{shown}</title></rect>'
    )
    if len(shown) * _CHARACTER >= wide:
        return tint
    middle = f'x="{x + wide / 2:.1f}" y="{y + high / 2 + 4.5:.1f}" text-anchor="middle"'
    return f'{tint}<text class="num" {middle}>{shown}</text>'


class _Scale:
    """A straight map from low..high onto paper."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self._start, self._end = low, high, start, end

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low) if self.high > self.low else 0.0
        return self._start + share * (self._end - self._start)


def _reach(series: Series, band: bool) -> list[float]:
    errors = series.error if band and series.error is not None else (0.0,) * len(series.y)
    return [value + side * e for value, e in zip(series.y, errors, strict=True) for side in (-2, 2)]


def _padded(low: float, high: float) -> tuple[float, float]:
    """A range with a little air; a flat one becomes a range around its value."""
    air = 0.05 * (high - low) or abs(high) * 0.1 or 1.0
    return low - (0.0 if low == 0 else air), high + air


def _wide(places: Iterable[float]) -> tuple[float, float]:
    known = list(places) or [0.0]
    return (min(known), max(known)) if max(known) > min(known) else (known[0] - 1, known[0] + 1)


def _ticks(low: float, high: float) -> list[tuple[float, str]]:
    """About five round numbers within a range, with the decimals that their step needs."""
    power = 10.0 ** math.floor(math.log10((high - low) / 4))
    step = next(power * factor for factor in (1, 2, 5, 10) if (high - low) / (power * factor) <= 6)
    decimals = min(10, max(0, -math.floor(math.log10(step) + 1e-9)))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [(i * step, number_text(round(i * step, decimals), decimals=decimals)) for i in range(first, last + 1)]


def _some(points: list[Scalar]) -> list[tuple[float, str]]:
    """Names for at most six places of an axis without numbers."""
    every = max(1, math.ceil(len(points) / 6))
    return [(float(i), _text(_clipped(cell_text(points[i]), 11))) for i in range(0, len(points), every)]


def _legend(figure: Figure) -> list[str]:
    """A swatch and a name for each series, one to a line, where there are several."""
    out = []
    for number, series in enumerate(_named(figure)):
        y, colour = _TOP + 20 * number + 8, f"c{number % _COLOURS}"
        if figure.kind == "line":
            out.append(f'<path class="line {colour} d{number % _DASHES}" d="M58 {y}h30"/>')
        else:
            out.append(f'<rect class="fill {colour}" x="58" y="{y - 6}" width="30" height="12"/>')
        out.append(f'<text x="96" y="{y + 4.5}">{_text(_clipped(series.name, 56))}</text>')
    return out


def _named(figure: Figure) -> tuple[Series, ...]:
    """The series that need a legend: of many lines the first, which is the one drawn boldly."""
    if len(figure.series) < 2:
        return ()
    return figure.series[:1] if figure.kind == "line" and len(figure.series) > MANY_LINES else figure.series


def _legend_height(figure: Figure) -> int:
    return 20 * len(_named(figure)) + (8 if _named(figure) else 0)


def _label(name: str, x: float, middle: float, width: int, anchor: str = "end") -> list[str]:
    """A name in at most two lines around a height; the whole of it in its title."""
    lines = _wrapped(name, width)
    start = middle + 4.5 - 7 * (len(lines) - 1)
    spans = "".join(
        f'<tspan x="{x:.1f}" y="{start + 14 * i:.1f}">{_text(line)}</tspan>' for i, line in enumerate(lines)
    )
    return [f'<text text-anchor="{anchor}"><title>{_text(name, 300)}</title>{spans}</text>']


def _wrapped(name: str, width: int) -> list[str]:
    """One or two lines of at most `width` columns, cut with an ellipsis."""
    words, first = one_line(name, 300).split(), ""
    while words and _columns(f"{first} {words[0]}".strip()) <= width:
        first = f"{first} {words.pop(0)}".strip()
    if not first:
        return [_clipped(" ".join(words), width)]
    return [first, _clipped(" ".join(words), width)] if words else [first]


def _clipped(name: str, width: int) -> str:
    if _columns(name) <= width:
        return name
    while name and _columns(name) > width - 1:
        name = name[:-1]
    return f"{name.rstrip()}…"


def _columns(text: str) -> int:
    """How wide a text is in letters; those of East Asia count twice."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _axis_title(words: str, y: float) -> list[str]:
    if not words:
        return []
    return [f'<text class="soft" x="{WIDTH - _RIGHT}" y="{y}" text-anchor="end">{_text(_clipped(words, 78))}</text>']


def _rule(x1: float, y1: float, x2: float, y2: float, kind: str) -> str:
    return f'<path class="{kind}" d="M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"/>'


def _text(text: str, most: int = 1000) -> str:
    return html.escape(one_line(text, most))
