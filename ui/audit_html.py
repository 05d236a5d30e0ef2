"""A report as one HTML file: no scripts, nothing loaded from elsewhere, fit for a screen, a phone and paper."""

from __future__ import annotations

import functools
import html
from collections.abc import Iterable, Iterator
from pathlib import Path

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
from askwhy.ui.cells import one_line
from askwhy.ui.marked import marked_html
from askwhy.ui.page import table_html
from askwhy.ui.svg import STYLE, svg

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
_SIGNS = {"alarm": "!", "calm": "○", "warning": "!"}


def page(blocks: tuple[Block, ...]) -> str:
    """The file."""
    title = next(block.text for block in blocks if isinstance(block, Heading))
    body = "\n".join(_flow(blocks))
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n'
        f"<title>{_text(title)}</title>\n<style>\n{_css()}{STYLE}</style>\n</head>\n<body>\n"
        f"<main>\n{body}\n</main>\n</body>\n</html>\n"
    )


@functools.cache
def _css() -> str:
    return (Path(__file__).parent / "audit.css").read_text(encoding="utf-8")


def _flow(blocks: tuple[Block, ...]) -> Iterator[str]:
    """The blocks, with a list of contents after the first table of particulars."""
    waiting = True
    for block in blocks:
        yield _block(block)
        if waiting and isinstance(block, Pairs):
            waiting = False
            yield _contents(blocks)


def _contents(blocks: Iterable[Block]) -> str:
    links = "".join(
        f"<li>{_inline(Link(one.text, one.anchor))}</li>"
        for one in blocks
        if isinstance(one, Heading) and one.level == 2
    )
    return f'<nav aria-label="Contents"><ul>{links}</ul></nav>'


def _block(block: Block) -> str:
    match block:
        case Heading(text, level, anchor):
            place = f' id="{_text(anchor)}"' if anchor else ""
            return f"<h{level}{place}>{_text(text)}</h{level}>"
        case Words(line, kind):
            sign = f'<i aria-hidden="true">{_SIGNS[kind]}</i>' if kind in _SIGNS else ""
            return f'<p class="{kind}">{sign}<span>{_line(line)}</span></p>' if sign else _paragraph(line, kind)
        case Items(lines, ordered, verified):
            tag, style = ("ol" if ordered else "ul"), ("verified" if verified else "plain")
            return f'<{tag} class="{style}">{"".join(f"<li>{_line(one)}</li>" for one in lines)}</{tag}>'
        case Pairs(caption, rows):
            body = "".join(f'<tr><th scope="row">{_text(name)}</th><td>{_line(line)}</td></tr>' for name, line in rows)
            return f'<table class="pairs"><caption>{_text(caption)}</caption><tbody>{body}</tbody></table>'
        case Grid():
            return _grid(block)
        case Numbers(table, caption):
            return table_html(table.model_copy(update={"note": caption}))
        case Picture(figure, _, caption):
            drawn = f'<div class="scroll" tabindex="0">{svg(figure)}</div>'
            return f"<figure>{drawn}<figcaption>{_text(caption)}</figcaption></figure>"
        case Shaded(marked):
            return marked_html(marked)
        case Box(blocks, anchor, folded):
            inner = "\n".join(map(_block, blocks))
            if folded:
                return f'<details id="{_text(anchor)}"><summary>{_text(folded)}</summary>\n{inner}\n</details>'
            return f'<section class="step" id="{_text(anchor)}">\n{inner}\n</section>'


def _paragraph(line: Line, kind: str) -> str:
    return f'<p class="{kind}">{_line(line)}</p>'


def _grid(grid: Grid) -> str:
    head = "".join(f'<th scope="col">{_text(name) or "<span class=hidden>number</span>"}</th>' for name in grid.columns)
    body = "".join(f"<tr>{''.join(map(_data, grid.columns, row))}</tr>" for row in grid.rows)
    return (
        f'<div class="scroll" tabindex="0"><table class="grid{" small" if grid.small else ""}">'
        f"<caption>{_text(grid.caption)}</caption><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _data(column: str, cell: Line) -> str:
    """A cell; the name of its column stands before it where the window is too narrow for columns."""
    return f'<td data-of="{_text(column)}">{_line(cell, MOST_CELL)}</td>'


def _line(line: Line, most: int = MOST_WORDS) -> str:
    return "".join(_inline(part, most) for part in line)


def _inline(part: Inline, most: int = MOST_WORDS) -> str:
    match part:
        case Code(text):
            return f"<code>{_text(text)}</code>"
        case Link(text, to):
            return f'<a href="#{_text(to)}">{_text(text)}</a>'
        case Strong(text):
            return f"<strong>{_text(text)}</strong>"
        case _:
            return _text(part, most)


def _text(text: str, most: int = MOST_WORDS) -> str:
    return html.escape(one_line(text, most))
