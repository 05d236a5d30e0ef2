"""A tool's figure as a plotly picture, and as a table for those who cannot see it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from askwhy.tools.evidence import Figure, Series, Table
from askwhy.tools.scope import Scalar
from askwhy.ui.cells import cell_text, common_decimals, is_number, number_text, plot_text

if TYPE_CHECKING:
    import plotly.graph_objects as go

# Blue and vermilion are told apart by every common kind of colour vision (Okabe & Ito 2008), on light and on dark.
POSITIVE, NEGATIVE, PLAIN = "#2b7bba", "#d5652a", "#3f8f8b"
_LINES = (PLAIN, NEGATIVE, POSITIVE, "#b0792e", "#9467a8", "#7a8790")
_GRID = "rgba(128, 140, 145, 0.28)"
_DIVERGING = ((0.0, NEGATIVE), (0.5, "#eef1f1"), (1.0, POSITIVE))
_RISING = ((0.0, "#eef3f3"), (1.0, "#17635f"))
_LABEL_WIDTH = 20
MANY_LINES = 6
MOST_BARS = 20


def draw(figure: Figure) -> go.Figure:
    """The picture: transparent, system font, every name escaped, narrow enough for a phone."""
    import plotly.graph_objects as go

    drawers = {"bars": _bars, "line": _lines, "heat": _heat, "matrix": _matrix}
    picture = go.Figure()
    drawers[figure.kind](picture, figure)
    picture.update_layout(
        template="none",
        title={"text": plot_text(figure.title, 46), "x": 0, "xanchor": "left", "font": {"size": 15}},
        font={"family": "system-ui, sans-serif", "size": 13, "color": "#6b777b"},
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        margin={"l": 8, "r": 16, "t": 30 + 20 * (1 + len(figure.title) // 46), "b": 8},
        legend={"orientation": "h", "y": -0.3, "x": 0},
        dragmode=False,
        bargap=0.32,
    )
    picture.update_xaxes(gridcolor=_GRID, zerolinecolor=_GRID, automargin=True, fixedrange=True, title_font_size=13)
    picture.update_yaxes(gridcolor=_GRID, zerolinecolor=_GRID, automargin=True, fixedrange=True, title_font_size=13)
    return picture


def figure_table(figure: Figure) -> Table:
    """The figure's numbers: a row per point of the x axis, a column per series, standard errors beside.

    Of many lines only the first, which is the one drawn boldly.
    """
    every = figure.series[:1] if len(figure.series) > MANY_LINES and figure.kind == "line" else figure.series
    points = points_of(every)
    columns = [figure.x_label or "at"]
    for series in every:
        columns.append(series.name or figure.y_label or "value")
        if series.error is not None:
            columns.append("standard error")
    rows = []
    for point in points:
        row: list[Scalar | None] = [point]
        for series in every:
            position = series.x.index(point) if point in series.x else None
            row.append(None if position is None else series.y[position])
            if series.error is not None:
                row.append(None if position is None else series.error[position])
        rows.append(tuple(row))
    return Table(columns=tuple(columns), rows=tuple(rows), note=figure.title)


def in_order(series: Series) -> list[int]:
    """Positions of the bars from top to bottom: largest size first where signs differ, else as the tool gave them."""
    positions = list(range(len(series.y)))
    if any(value < 0 for value in series.y):
        positions.sort(key=lambda position: -abs(series.y[position]))
    return positions


def points_of(every: tuple[Series, ...]) -> list[Scalar]:
    """Every point of the x axis once, in order."""
    return list(dict.fromkeys(point for series in every for point in series.x))


def _bars(picture: go.Figure, figure: Figure) -> None:
    import plotly.graph_objects as go

    alone = len(figure.series) == 1
    signed = any(value < 0 for series in figure.series for value in series.y)
    decimals = common_decimals(value for series in figure.series for value in series.y)
    points = bar_points(figure)
    for number, series in enumerate(figure.series):
        shown = [point for point in points if point in series.x]
        at = [series.x.index(point) for point in shown]
        values = [series.y[position] for position in at]
        colours: Any = _LINES[number % len(_LINES)]
        if alone and signed:
            colours = [NEGATIVE if value < 0 else POSITIVE for value in values]
        texts = [number_text(value, signed=signed, decimals=decimals) for value in values]
        picture.add_trace(
            go.Bar(
                x=values,
                y=[points.index(point) for point in shown],
                orientation="h",
                name=plot_text(series.name),
                marker={"color": colours},
                text=texts,
                textposition="none" if alone and series.error is not None else "outside",
                cliponaxis=False,
                hoverinfo="text",
                hovertext=[f"{plot_text(cell_text(p))}: {t}" for p, t in zip(shown, texts, strict=True)],
                error_x=_error_bars(series, at),
                showlegend=not alone,
            )
        )
        if alone and series.error is not None:
            _beyond_errors(picture, series, at, texts)
    labels = [plot_text(cell_text(point), _LABEL_WIDTH) for point in points]
    picture.update_yaxes(
        tickvals=list(range(len(points))),
        ticktext=labels,
        autorange="reversed",
        ticks="",
        showgrid=False,
        zeroline=False,
    )
    picture.update_xaxes(title_text=plot_text(figure.y_label, 46), range=_room(figure.series))
    picture.update_layout(height=130 + 30 * max(2, len(points) * len(figure.series)))


def _beyond_errors(picture: go.Figure, series: Series, at: list[int], texts: list[str]) -> None:
    """The numbers of bars that have errors, beyond these rather than on them."""
    import plotly.graph_objects as go

    errors = series.error or (0.0,) * len(series.y)
    picture.add_trace(
        go.Scatter(
            x=[series.y[i] + (-abs(errors[i]) if series.y[i] < 0 else abs(errors[i])) for i in at],
            y=list(range(len(at))),
            mode="text",
            text=[f"\u2002{text}\u2002" for text in texts],
            textposition=["middle left" if series.y[i] < 0 else "middle right" for i in at],
            cliponaxis=False,
            hoverinfo="skip",
            showlegend=False,
        )
    )


def bar_points(figure: Figure) -> list[Scalar]:
    """What the bars stand for, from top to bottom; at most MOST_BARS."""
    if len(figure.series) != 1:
        return points_of(figure.series)[:MOST_BARS]
    series = figure.series[0]
    return list(dict.fromkeys(series.x[position] for position in in_order(series)))[:MOST_BARS]


def _room(every: tuple[Series, ...]) -> list[float]:
    """The axis range, with room for the number at the end of each bar."""
    ends = [
        value + side * (series.error[i] if series.error is not None else 0.0)
        for series in every
        for i, value in enumerate(series.y)
        for side in (-1.0, 1.0)
    ]
    low, high = min([0.0, *ends]), max([0.0, *ends])
    spread = (high - low) or 1.0
    return [low - (0.42 * spread if low < 0 else 0.0), high + (0.3 * spread if high > 0 else 0.0)]


def _error_bars(series: Series, at: list[int]) -> dict[str, Any] | None:
    if series.error is None:
        return None
    return {"type": "data", "array": [series.error[i] for i in at], "thickness": 1.2, "width": 3, "color": "#7a8790"}


def _lines(picture: go.Figure, figure: Figure) -> None:
    import plotly.graph_objects as go

    numeric = all(is_number(point) for point in points_of(figure.series))
    many = len(figure.series) > MANY_LINES
    for number, series in enumerate(figure.series):
        faint = many and number > 0
        x = list(series.x) if numeric else [plot_text(cell_text(point), 12) for point in series.x]
        colour = "rgba(128, 140, 145, 0.35)" if faint else _LINES[number % len(_LINES)]
        if series.error is not None and not faint:
            _band(picture, x, series, colour)
        picture.add_trace(
            go.Scatter(
                x=x,
                y=list(series.y),
                mode="lines" if numeric else "lines+markers",
                name=plot_text(series.name),
                line={"color": colour, "width": 1 if faint else 2.5},
                hoverinfo="skip" if faint else "text",
                hovertext=[
                    f"{plot_text(cell_text(point))}: {number_text(value)}"
                    for point, value in zip(series.x, series.y, strict=True)
                ],
                showlegend=len(figure.series) > 1 and not faint,
            )
        )
    picture.update_xaxes(title_text=plot_text(figure.x_label, 46), type="linear" if numeric else "category")
    picture.update_yaxes(title_text=plot_text(figure.y_label, 40))
    picture.update_layout(height=340)


def _band(picture: go.Figure, x: list[Any], series: Series, colour: str) -> None:
    """Two standard errors to either side."""
    import plotly.graph_objects as go

    errors = series.error or ()
    upper = [value + 2 * error for value, error in zip(series.y, errors, strict=True)]
    lower = [value - 2 * error for value, error in zip(series.y, errors, strict=True)]
    picture.add_trace(
        go.Scatter(
            x=[*x, *reversed(x)],
            y=[*upper, *reversed(lower)],
            fill="toself",
            fillcolor=_faded(colour),
            line={"width": 0},
            name="± 2 standard errors",
            hoverinfo="skip",
        )
    )


def _faded(colour: str) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, 0.18)"


def _heat(picture: go.Figure, figure: Figure, *, numbers: bool | None = None) -> None:
    import plotly.graph_objects as go

    points = points_of(figure.series)
    grid = [[dict(zip(series.x, series.y, strict=True)).get(point) for point in points] for series in figure.series]
    signed = any(value is not None and value < 0 for row in grid for value in row)
    written = len(points) <= 8 if numbers is None else numbers
    decimals = common_decimals(value for row in grid for value in row if value is not None)
    texts = [["" if v is None else number_text(v, signed=signed, decimals=decimals) for v in row] for row in grid]
    picture.add_trace(
        go.Heatmap(
            z=grid,
            x=list(range(len(points))),
            y=list(range(len(figure.series))),
            colorscale=_DIVERGING if signed else _RISING,
            zmid=0 if signed else None,
            text=texts,
            texttemplate="%{text}" if written else None,
            hoverinfo="text",
            xgap=2,
            ygap=2,
            showscale=not written,
        )
    )
    picture.update_xaxes(
        title_text=plot_text(figure.x_label, 46),
        tickvals=list(range(len(points))),
        ticktext=[plot_text(cell_text(point), 12) for point in points],
        showgrid=False,
    )
    picture.update_yaxes(
        title_text=plot_text(figure.y_label, 40),
        tickvals=list(range(len(figure.series))),
        ticktext=[plot_text(series.name, _LABEL_WIDTH) for series in figure.series],
        autorange="reversed",
        showgrid=False,
    )
    picture.update_layout(height=150 + 44 * max(2, len(figure.series)))


def _matrix(picture: go.Figure, figure: Figure) -> None:
    _heat(picture, figure, numbers=True)
