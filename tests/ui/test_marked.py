"""The heat map of a text: nothing of it is markup, every part says its direction and number."""

from __future__ import annotations

import html
import re

from askwhy.tools.evidence import MarkedText, Piece
from askwhy.ui.marked import marked_html

SCRIPT = "<script>alert(1)</script>"
MARKED = MarkedText(
    what="the probability of fresh",
    unit="points",
    pieces=(
        Piece(text="A "),
        Piece(text="warm", value=0.25),
        Piece(text=" and "),
        Piece(text=SCRIPT, value=-0.125),
        Piece(text="\n"),
        Piece(text="film", value=0.001),
    ),
)


def test_a_text_reads_as_it_is() -> None:
    shown = re.search(r"<p[^>]*>(.*?)</p>", marked_html(MARKED), re.DOTALL)
    assert shown is not None
    words = re.sub(r"<[^>]+>", "", shown.group(1).replace("<br>", "\n"))
    assert html.unescape(words) == "".join(piece.text for piece in MARKED.pieces)
    assert "<script" not in shown.group(0)


def test_parts_say_direction_strength_and_number() -> None:
    spans = re.findall(r'aw-part aw-(up|down)" style="--aw-weight:([\d.]+)" title="([^"]+)"', marked_html(MARKED))
    ways = [(way, html.unescape(title)) for way, _, title in spans]
    assert ways == [("up", "+25.0 percentage points"), ("down", "\N{MINUS SIGN}12.5 percentage points")]
    assert float(spans[0][1]) > float(spans[1][1])


def test_a_long_text_is_cut_and_says_so() -> None:
    long = MarkedText(
        what="the output", unit="output", pieces=tuple(Piece(text="word ", value=1.0) for _ in range(5000))
    )
    shown = marked_html(long)
    assert "[…]" in shown and shown.count("aw-part") < 1500


def test_no_value_no_mark() -> None:
    plain = MarkedText(what="the output", unit="output", pieces=(Piece(text="calm", value=0.0),))
    assert "title=" not in marked_html(plain)
