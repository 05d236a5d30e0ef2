"""Plain values as text for any surface. Names and cells are untrusted: what goes into a page is escaped here."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # pydantic stands behind these: too slow for `askwhy --help`
    from askwhy.tools.evidence import Quality, Table
    from askwhy.tools.scope import Scalar

MISSING = "missing"

_QUESTION = re.compile(
    r"(?:who|whose|what|when|where|why|which|how|is|are|was|were|does|do|did|has|have|can|could|should|would|will|"
    r"(?:for|in|of|on) (?:what|which))\b",
    re.IGNORECASE,
)
_NUMBERED = re.compile(r"^C\d+\s*")


def printable(text: str) -> str:
    """Text without control characters, which could drive a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)


def one_line(text: str, most: int) -> str:
    """Printable text with single blanks for every run of white space, cut with an ellipsis at `most` characters."""
    whole = re.sub(" +", " ", printable(text[: 4 * most]).replace("\n", " "))
    return whole if len(whole) <= most else f"{whole[: most - 1]}…"


def safe_name(words: str) -> str:
    """A name for an element, a file or a folder: letters, digits and single dashes of ASCII, never empty."""
    kept = "".join(char if char.isascii() and char.isalnum() else " " for char in words.lower())
    return "-".join(kept.split())[:48].rstrip("-") or "unnamed"


def cell_text(value: Scalar | None) -> str:
    """A cell as people write it: missing, yes or no, whole numbers in full, others to four significant digits."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return number_text(value)
    return printable(value)


def is_number(value: Scalar | None) -> bool:
    """Whether a cell is a number rather than a name or yes and no."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def column_decimals(column: Sequence[Scalar | None]) -> int | None:
    """Decimals that a column of fractions shares; None where its numbers are mixed with words, or are whole."""
    if not all(isinstance(value, float) or value is None for value in column):
        return None
    return common_decimals(value for value in column if isinstance(value, float)) or None


def aligned_text(value: Scalar | None, decimals: int | None) -> str:
    """A cell of a column with these common decimals (None: its own)."""
    if decimals is None or isinstance(value, (bool, str)) or value is None or not math.isfinite(value):
        return cell_text(value)
    return number_text(value, decimals=decimals)


def asked_title(words: str) -> str:
    """What a step is about as a title: a capital letter, and a question mark where it is a question."""
    title = words[:1].upper() + words[1:]
    return f"{title}?" if _QUESTION.match(words) and title[-1] not in "?!." else title


def measured_words(one: Quality) -> str:
    """One measurement of a result: what it is rather than its number in the documentation, its value, whether it is
    met."""
    name, found = _NUMBERED.sub("", one.check), f"{small_text(one.value)}, {'met' if one.passed else 'not met'}"
    if not name:
        return f"{one.note or one.check}: {found}"
    return f"{name}: {found}{f' ({one.note})' if one.note else ''}"


def small_text(value: float) -> str:
    """A number; a share or p-value too small to be printed is said to be below 0.0001, not to be zero."""
    return "below 0.0001" if 0 < value < 1e-4 else number_text(value)


def readable(table: Table) -> Table:
    """The table as people read it: without empty columns of errors, with p-values that never read as zero."""
    table = without_empty_errors(table)
    at = [i for i, name in enumerate(table.columns) if name == "p" or name.endswith(" p")]
    rows = tuple(tuple(_p(cell) if i in at else cell for i, cell in enumerate(row)) for row in table.rows)
    return table.model_copy(update={"rows": rows}) if at else table


def _p(cell: Scalar | None) -> Scalar | None:
    if not isinstance(cell, float) or not math.isfinite(cell):
        return cell
    return "< 0.0001" if 0 <= cell < 1e-4 else f"{cell:.4f}" if cell < 0.01 else f"{cell:.3f}"


def without_empty_errors(table: Table) -> Table:
    """The table without a column of standard errors where every value is exact."""
    kept = [
        i
        for i, name in enumerate(table.columns)
        if name != "standard error" or any(row[i] is not None for row in table.rows)
    ]
    rows = tuple(tuple(row[i] for i in kept) for row in table.rows)
    return table.model_copy(update={"columns": tuple(table.columns[i] for i in kept), "rows": rows})


def number_text(value: float, *, signed: bool = False, decimals: int | None = None) -> str:
    """A number to four significant digits or this many decimals, whole ones in full; `signed` marks positive ones."""
    size = abs(value)
    if decimals is None:
        decimals = _decimals(size, 4)
    elif size and not size.is_integer():
        decimals = max(decimals, _decimals(size, 1))  # never prints as zero
    shown = f"{size:.{decimals}f}" if size < 10_000 else f"{size:,.{decimals}f}"
    if not any(digit in "123456789" for digit in shown):
        return "0"
    if value < 0:
        return f"\N{MINUS SIGN}{shown}"
    return f"+{shown}" if signed else shown


def common_decimals(values: Iterable[float], digits: int = 3) -> int:
    """Decimals for numbers in a column: `digits` significant ones of the largest; 0 if all are whole."""
    sizes = [abs(value) for value in values if math.isfinite(value)]
    if all(float(size).is_integer() for size in sizes):
        return 0
    largest = max(sizes)  # may be whole where others are not: a share of 1 does not make the others coarse
    decimals = min(10, max(0, digits - 1 - math.floor(math.log10(largest))))
    return decimals or (1 if largest < 1000 else 0)


def _decimals(size: float, digits: int) -> int:
    if size == 0 or float(size).is_integer() or size >= 10**digits:
        return 0
    return min(10, max(0, digits - 1 - math.floor(math.log10(size))))


def escaped(text: object) -> str:
    """Text for a page, with every punctuation mark as a character reference.

    So neither HTML nor Markdown nor a template language finds anything to interpret, whatever a cell holds.
    """
    kept = printable(str(text)).replace("\n", " ")
    return "".join(char if char.isalnum() or char == " " else f"&#{ord(char)};" for char in kept)


def plot_text(text: object, width: int = 0) -> str:
    """Text for plotly, which reads some HTML: escaped, and broken into lines of about `width` characters (0: never)."""
    whole = " ".join(printable(str(text)).split())
    lines, line = [], ""
    for word in whole.split(" "):
        if width and line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    lines.append(line)
    return "<br>".join(html.escape(one, quote=False) for one in lines)
