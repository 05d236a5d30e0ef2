"""What a report is made of: blocks that HTML and Markdown each write in their own way, so that both say the same.

Everything in them is untrusted text; the writers escape it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from askwhy.tools.evidence import Figure, MarkedText, Table

MOST_CELL, MOST_WORDS = 600, 20_000
"""Characters of one value and of one paragraph that are shown; all of them stand in the evidence file."""


@dataclass(frozen=True)
class Code:
    """Something to be copied or compared letter by letter: an id, a hash, a command."""

    text: str


@dataclass(frozen=True)
class Link:
    """A pointer to a heading or a card of the same report."""

    text: str
    to: str


@dataclass(frozen=True)
class Strong:
    """Words that stand out."""

    text: str


Inline = str | Code | Link | Strong
Line = tuple[Inline, ...]


@dataclass(frozen=True)
class Heading:
    """A heading; the title has level 1."""

    text: str
    level: int
    anchor: str = ""


@dataclass(frozen=True)
class Words:
    """A paragraph. verified: sentences that the check passed; note: small print; alarm, calm: the outcome."""

    line: Line
    kind: Literal["plain", "verified", "note", "warning", "alarm", "calm"] = "plain"


@dataclass(frozen=True)
class Items:
    """A list."""

    lines: tuple[Line, ...]
    ordered: bool = False
    verified: bool = False


@dataclass(frozen=True)
class Pairs:
    """What belongs to a name: the sheet of particulars."""

    caption: str
    rows: tuple[tuple[str, Line], ...]


@dataclass(frozen=True)
class Grid:
    """A table of text. `small` is for the appendix: every value as it was computed."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Line, ...], ...]
    small: bool = False


@dataclass(frozen=True)
class Numbers:
    """A tool's table; of a long one the first rows, which the caption says."""

    table: Table
    caption: str


@dataclass(frozen=True)
class Picture:
    """A tool's figure; `name` is that of its file where it becomes one."""

    figure: Figure
    name: str
    caption: str


@dataclass(frozen=True)
class Shaded:
    """A text whose parts are marked by what they do to the output."""

    marked: MarkedText


@dataclass(frozen=True)
class Box:
    """Blocks that belong together: a step of the audit, or (folded) its evidence."""

    blocks: tuple[Block, ...]
    anchor: str = ""
    folded: str = ""


Block = Heading | Words | Items | Pairs | Grid | Numbers | Picture | Shaded | Box
