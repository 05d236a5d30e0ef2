"""Values as text, and text that no page can mistake for markup."""

from __future__ import annotations

import html

import pytest

from askwhy.tools.evidence import Quality, Table
from askwhy.ui.cells import (
    asked_title,
    cell_text,
    common_decimals,
    escaped,
    measured_words,
    number_text,
    plot_text,
    printable,
    readable,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "missing"),
        (float("nan"), "missing"),
        (True, "yes"),
        (False, "no"),
        (12, "12"),
        (1199, "1199"),
        (1_234_567, "1,234,567"),
        (0.0, "0"),
        (0.123456, "0.1235"),
        (-0.0266, "−0.02660"),
        (1234.56, "1235"),
        (1e-30, "0"),
        ("red", "red"),
        ("a\x1b[2Jb", "a [2Jb"),
    ],
)
def test_cells(value: object, text: str) -> None:
    assert cell_text(value) == text


def test_a_signed_number_says_so() -> None:
    assert [number_text(value, signed=True, decimals=2) for value in (0.5, -0.5, 0.0)] == ["+0.50", "−0.50", "0"]


def test_a_small_number_in_a_column_does_not_read_as_zero() -> None:
    assert number_text(0.0004, decimals=2) == "0.0004"


@pytest.mark.parametrize(
    ("values", "decimals"),
    [([0.196, -0.012], 3), ([1.0, 2.0], 0), ([12.5, 100.25], 1), ([0.5, 1234.5], 0), ([float("nan"), 0.5], 3), ([], 0)],
)
def test_a_column_shares_its_decimals(values: list[float], decimals: int) -> None:
    assert common_decimals(values) == decimals


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "![x](http://example.org/leak.png)",
    "[click](javascript:alert(1))",
    "${alert(1)} {{constructor}} $$x$$",
    "a & b `code` **bold** <!-- tools:end -->",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_escaped_text_holds_nothing_to_interpret(text: str) -> None:
    safe = escaped(text)
    assert not set("<>\"'`*_[](){}$!|\\~:/") & set(safe)
    assert html.unescape(safe) == text


def test_escaping_hides_direction_overrides_and_line_breaks() -> None:
    assert html.unescape(escaped("one\ntwo\u202ethree")) == "one two three"


def test_plot_text_is_escaped_and_broken_between_words() -> None:
    assert plot_text("<b>a & b</b>") == "&lt;b&gt;a &amp; b&lt;/b&gt;"
    assert plot_text("number of prior crimes", 12) == "number of<br>prior crimes"


def test_printable_keeps_line_breaks_only() -> None:
    assert printable("a\nb\x00\x1b") == "a\nb  "


@pytest.mark.parametrize(
    ("words", "title"),
    [
        ("is there a leak", "Is there a leak?"),
        ("for what kind of texts does it fail", "For what kind of texts does it fail?"),
        ("show me cases it gets wrong", "Show me cases it gets wrong"),
        ("isolated rows", "Isolated rows"),
        ("why is that?", "Why is that?"),
        ("", ""),
    ],
)
def test_a_question_has_a_question_mark(words: str, title: str) -> None:
    assert asked_title(words) == title


def test_a_share_of_one_does_not_make_the_others_coarse() -> None:
    """Eleven of 25 are 0.44 at two digits: not 0.4, as the sentence beside the table says 44%."""
    assert common_decimals([0.44, 1.0]) == 2 and number_text(0.44, decimals=common_decimals([0.44, 1.0])) == "0.44"


def test_a_p_value_never_reads_as_zero() -> None:
    table = Table(columns=("group", "adjusted p", "gap"), rows=(("a", 2.4e-9, 0.5), ("b", 0.0, 0.25), ("c", 0.03, 0.0)))
    assert [row[1] for row in readable(table).rows] == ["< 0.0001", "< 0.0001", "0.030"]
    assert [row[2] for row in readable(table).rows] == [0.5, 0.25, 0.0]


def test_a_measurement_is_named_by_words() -> None:
    assert measured_words(Quality(check="C10", value=2.4e-9, passed=True, note="adjusted p")) == (
        "adjusted p: below 0.0001, met"
    )
    assert measured_words(Quality(check="C14 validity", value=1.0, passed=False, note="option 1")) == (
        "validity: 1, not met (option 1)"
    )
    assert measured_words(Quality(check="C2", value=0.5, passed=True)) == "C2: 0.5000, met"
