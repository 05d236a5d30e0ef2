"""An answer on the terminal: its words, its tables as wide as the window allows, how it was understood."""

from __future__ import annotations

from askwhy.agent.answer import Answer
from askwhy.agent.check.result import Checked, sentence_words
from askwhy.tools.evidence import Table
from askwhy.ui.cells import cell_text, printable, readable
from askwhy.ui.spending import spent_words, total_words

_MARKS = {
    "verified": "[checked against the model]",
    "repaired": "[checked against the model, after one correction]",
    "fallback": "[what could not be verified was withheld]",
    "asked": "[question back]",
    "declined": "[not answered]",
}
_BORDER = 3  # characters between two columns


def show_answer(answer: Answer, many: bool) -> None:
    """Print an answer; `many` says that there are others, so that its question is needed."""
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    if many:
        console.print(Text(f"> {printable(answer.question)}", style="bold"))
    console.print(Text(printable(answer.text)))
    if answer.outcome.kind == "clarify":
        for option in answer.outcome.options:
            console.print(Text(f"  - {printable(option)}"))
    for evidence in answer.evidence:
        if evidence.table is not None:
            console.print(_drawn(fitted(evidence.table, console.width)))
    own = "[checked against the model, in askwhy's own words]"
    mark = own if answer.in_own_words else _MARKS[answer.verdict]
    doubt = " (not sure: is this what you asked?)" if answer.unsure else ""
    marks = [f"understood as: {answer.understood}{doubt}" if answer.understood else "", mark]
    console.print(Text(printable("  ".join(mark for mark in marks if mark)), style="dim"))
    for line in filter(None, (answer.note, spent_words(answer.usage))):
        console.print(Text(printable(line), style="dim"))
    for other in answer.others:
        console.print(Text(f"  - or: {printable(other)}"))


def show_total(answer: Answer) -> None:
    """Print what the conversation has cost up to an answer; nothing where no language model had a part in it."""
    from rich.console import Console
    from rich.text import Text

    if words := total_words(answer.usage):
        Console(highlight=False).print(Text(printable(words), style="dim"))


def show_checked(checked: Checked) -> None:
    """Print a check, sentence by sentence."""
    from rich.console import Console
    from rich.text import Text

    styles = {"true": "green", "false": "red", "not testable": "dim"}
    console = Console(highlight=False)
    console.print(Text(printable(checked.summary), style="bold"))
    for one in checked.sentences:
        head, *below = sentence_words(one).split("\n")
        console.print(Text(f"\n{printable(head)}", style=styles[one.truth]))
        for line in below:
            console.print(Text(printable(line)))
    if checked.note:
        console.print(Text(f"\n{printable(checked.note)}"))


def fitted(table: Table, width: int) -> Table:
    """The table as it reads best in `width` characters: turned where it has more columns than fit, so that each row of
    the data becomes a column, of which as many are kept as fit. The note says what was left out."""
    table = readable(table)
    texts = [[printable(name) for name in table.columns], *([cell_text(cell) for cell in row] for row in table.rows)]
    if len(texts) < 2 or _width(list(zip(*texts, strict=True))) <= width:
        return table
    kept = len(texts)
    while kept > 2 and _width(texts[:kept]) > width:
        kept -= 1
    left_out = len(texts) - kept
    notes = [table.note.rstrip("."), f"{kept - 1} of {len(texts) - 1} shown" if left_out else ""]
    turned = tuple(zip(*texts[:kept], strict=True))
    return Table(columns=turned[0], rows=turned[1:], note=", ".join(filter(None, notes)))


def _width(columns: list[list[str]] | list[tuple[str, ...]]) -> int:
    return sum(max(map(len, column)) + _BORDER for column in columns) + 1


def _drawn(table: Table) -> object:
    from rich import table as rich_table
    from rich.text import Text

    drawn = rich_table.Table(title=Text(printable(table.note)) if table.note else None)
    for column in table.columns:
        drawn.add_column(Text(printable(column)))
    for row in table.rows:
        drawn.add_row(*(Text(printable(cell_text(cell))) for cell in row))
    return drawn
