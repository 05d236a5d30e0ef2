"""Plain values as text for any surface. Names and cells are untrusted: what goes into a page is escaped here."""

from __future__ import annotations

import html
import math

from askwhy.tools.scope import Scalar

MISSING = "missing"


def printable(text: str) -> str:
    """Text without control characters, which could drive a terminal."""
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)


def cell_text(value: Scalar | None) -> str:
    """A cell as people write it: missing, yes or no, whole numbers in full, others to four significant digits."""
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return MISSING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return number_text(value)
    return printable(value)


def number_text(value: float, *, signed: bool = False) -> str:
    """A number to four significant digits, or in full where it is whole; `signed` also marks positive ones."""
    size = abs(value)
    whole = float(size).is_integer()
    decimals = 0 if whole or size >= 1000 else min(8, max(0, 3 - math.floor(math.log10(size))))
    shown = f"{size:.{decimals}f}" if size < 10_000 else f"{size:,.{decimals}f}"
    if not whole and "." in shown:
        shown = shown.rstrip("0").rstrip(".")
    if value < 0 and shown != "0":
        return f"−{shown}"
    return f"+{shown}" if signed and value > 0 else shown


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
