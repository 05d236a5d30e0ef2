"""A report as Markdown (CommonMark with tables): it reads on GitHub and as plain text; figures are files beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from askwhy.tools.evidence import MarkedText, Table
from askwhy.ui.audit_blocks import (
    MOST_CELL,
    MOST_WORDS,
    Block,
    Box,
    Code,
    Grid,
    Heading,
    Inline,
    Items,
    Line,
    Link,
    Numbers,
    Pairs,
    Picture,
    Shaded,
    Strong,
    Words,
)
from askwhy.ui.cells import (
    aligned_text,
    column_decimals,
    escaped,
    is_number,
    number_text,
    one_line,
    readable,
)

_MARKUP = re.compile(r"[\\`*_{}\[\]<>|#~!$&]")
_ADDRESS = re.compile(r"(?i)(?<=www)\.|(?<=:)//|@")
_START = re.compile(r"^(\d{1,9})([.)])(?=\s|$)|^([-+=])")
_MOST_PARTS = 12


def markdown(blocks: tuple[Block, ...]) -> str:
    """The file."""
    return "\n\n".join(_block(block) for block in blocks) + "\n"


def _block(block: Block) -> str:
    match block:
        case Heading(text, level, _):
            return f"{'#' * level} {_text(text)}"
        case Words(line, kind):
            words = _paragraph(line)
            return f"**{words}**" if kind in ("alarm", "calm") else f"> {words}" if kind == "warning" else words
        case Items(lines, ordered, _):
            return "\n".join(f"{f'{n}.' if ordered else '-'} {_paragraph(one)}" for n, one in enumerate(lines, 1))
        case Pairs(caption, rows):
            return _table(caption, ("", ""), [[_text(name), _line(line)] for name, line in rows])
        case Grid(caption, columns, rows, _):
            return _table(caption, columns, [[_line(cell, MOST_CELL) for cell in row] for row in rows])
        case Numbers(table, caption):
            return _numbers(table, caption)
        case Picture(figure, name, caption):
            return f"![{_text(figure.title)}]({name})\n\n*{_text(caption)}*"
        case Shaded(marked):
            return _parts(marked)
        case Box(blocks, _, folded):
            inner = "\n\n".join(map(_block, blocks))
            if not folded:
                return inner
            return f"<details>\n<summary>{escaped(folded)}</summary>\n\n{inner}\n\n</details>"


def _numbers(table: Table, caption: str) -> str:
    table = readable(table)
    shown = table.rows
    columns = [[row[i] for row in shown] for i in range(len(table.columns))]
    decimals = [column_decimals(column) for column in columns]
    right = [any(map(is_number, column)) and not any(isinstance(one, str) for one in column) for column in columns]
    rows = [[_text(aligned_text(cell, d), MOST_CELL) for cell, d in zip(row, decimals, strict=True)] for row in shown]
    return _table(caption, table.columns, rows, right)


def _table(caption: str, columns: Sequence[str], rows: list[list[str]], right: Sequence[bool] = ()) -> str:
    """A pipe table below its caption; cells are Markdown already."""
    rules = ["---:" if i < len(right) and right[i] else "---" for i in range(len(columns))]
    lines = [[_text(name) for name in columns], rules, *rows]
    return "\n".join([f"*{_text(caption)}*\n", *(f"| {' | '.join(line)} |" for line in lines)])


def _parts(marked: MarkedText) -> str:
    """The parts of a text that move the output most, since Markdown cannot shade them."""
    known = [piece for piece in marked.pieces if piece.value is not None and piece.text.strip()]
    known.sort(key=lambda piece: -abs(piece.value or 0.0))
    rows = [[_text(piece.text), _text(number_text(piece.value or 0.0, signed=True))] for piece in known[:_MOST_PARTS]]
    text = _text("".join(piece.text for piece in marked.pieces))
    caption = f"The parts of the text that move {marked.what} most"
    return f"> {text}\n\n{_table(caption, ('part', f'effect ({marked.unit})' if marked.unit else 'effect'), rows)}"


def _paragraph(line: Line) -> str:
    """A line that does not begin like a list, a rule or a heading."""
    return _START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", _line(line).strip())


def _line(line: Line, most: int = MOST_WORDS) -> str:
    return "".join(_inline(part, most) for part in line)


def _inline(part: Inline, most: int) -> str:
    match part:
        case Code(text):
            return _code(text)
        case Link(text, _):
            return _text(text)
        case Strong(text):
            return f"**{_text(text).strip()}**"
        case _:
            return _text(part, most)


def _text(text: str, most: int = MOST_WORDS) -> str:
    """Text in which Markdown, HTML and what finds links in plain text see nothing to interpret."""
    marked = _MARKUP.sub(lambda found: f"\\{found[0]}", one_line(text, most))
    plain = marked.replace("\\&", "&amp;").replace("\\<", "&lt;").replace("\\>", "&gt;")
    return _ADDRESS.sub(lambda found: f"\\{found[0]}", plain)


def _code(text: str) -> str:
    """A code span; its fence is longer than every run of backticks within, and pipes do not end a cell."""
    whole = one_line(text, MOST_WORDS).strip().replace("|", "\\|")
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", whole)), default=0))
    return f"{fence} {whole} {fence}" if "`" in whole else f"`{whole}`" if whole else ""
