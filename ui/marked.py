"""A text with what each part of it does to the output, as a heat map that needs no sense of colour."""

from __future__ import annotations

from askwhy.tools.evidence import MarkedText, Piece
from askwhy.ui.cells import escaped, number_text

_MOST_CHARACTERS = 6000
_FAINTEST, _STRONGEST = 0.06, 0.5
_UNSEEN = 0.02  # parts below this share of the largest are left plain


def marked_html(marked: MarkedText) -> str:
    """The text with shaded parts: blue and underlined raises, orange and dotted lowers, the stronger the darker.

    Every part is escaped; its number stands in its title. Long texts are cut, and that is said.
    """
    largest = max((abs(piece.value) for piece in marked.pieces if piece.value is not None), default=0.0)
    parts, length = [], 0
    for piece in marked.pieces:
        if length + len(piece.text) > _MOST_CHARACTERS:
            parts.append(" […]")
            break
        length += len(piece.text)
        parts.append(_part(piece, largest, marked.unit))
    what = escaped(marked.what)
    legend = (
        f'<span class="aw-part aw-up" style="--aw-weight:{_STRONGEST}">raises</span> or '
        f'<span class="aw-part aw-down" style="--aw-weight:{_STRONGEST}">lowers</span> {what}; '
        "the darker, the more. Point at a part for its number; all numbers stand in the table."
    )
    return f'<figure class="aw-marked"><p dir="auto">{"".join(parts)}</p><figcaption>{legend}</figcaption></figure>'


def _part(piece: Piece, largest: float, unit: str) -> str:
    if piece.value is None or not largest or abs(piece.value) < _UNSEEN * largest:
        return _lines(piece.text)
    weight = _FAINTEST + (_STRONGEST - _FAINTEST) * abs(piece.value) / largest
    way = "up" if piece.value > 0 else "down"
    number = f"{number_text(100 * piece.value, signed=True, decimals=1)} percentage points"
    title = number if unit == "points" else number_text(piece.value, signed=True)
    return (
        f'<span class="aw-part aw-{way}" style="--aw-weight:{weight:.2f}" title="{escaped(title)}">'
        f"{_lines(piece.text)}</span>"
    )


def _lines(text: str) -> str:
    """Escaped, with its line breaks."""
    return "<br>".join(escaped(line) for line in text.split("\n"))
