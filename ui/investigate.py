"""The command `askwhy investigate`: steps as they are found on stderr, the report on stdout."""

from __future__ import annotations

import contextlib
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from askwhy.ui.cli import app
from askwhy.ui.options import (
    STOPPED,
    Data,
    Demo,
    IdColumn,
    Llm,
    Model,
    Rivals,
    SchemaFile,
    Seed,
    Source,
    Target,
    TestColumn,
    TestFile,
    Trust,
    load,
    new_session,
    stoppable,
)

if TYPE_CHECKING:
    from askwhy.agent.investigate.report import Report, Told
    from askwhy.agent.session import Session

_RECIPES = "debug a mistake, audit a model, prepare a decline, compare two versions"


@app.command()
def investigate(
    words: Annotated[list[str], typer.Argument(metavar="[SUBJECT] QUESTION", help="a built-in subject and a question")],
    *,
    demo: Demo = None,
    model: Model = None,
    data: Data = None,
    target: Target = None,
    test: TestFile = None,
    test_column: TestColumn = None,
    id_column: IdColumn = None,
    schema: SchemaFile = None,
    llm: Llm = None,
    trust: Trust = False,
    rival: Rivals = None,
    seed: Seed = 0,
    recipe: Annotated[str | None, typer.Option(help=f"fixed steps: {_RECIPES}")] = None,
    most_model_calls: Annotated[int, typer.Option(min=1, help="replies of the language model, at most")] = 8,
    most_tool_calls: Annotated[int, typer.Option(min=1, help="tools called, at most")] = 12,
    most_tokens: Annotated[int, typer.Option(min=1, help="tokens sent and received, at most")] = 100_000,
    most_seconds: Annotated[float, typer.Option(min=1, help="seconds, at most")] = 300.0,
    as_json: Annotated[bool, typer.Option("--json", help="print the whole report as one JSON object")] = False,
) -> None:
    """Look into a question in several steps: one leads to the next, each is checked against the model."""
    if len(words) > 2 or (len(words) == 2 and (demo is not None or model is not None)):
        raise typer.BadParameter("give one question in quotation marks, with a built-in subject before it at most")
    source = Source(
        demo=words[0] if len(words) == 2 else demo, model=model, data=data, target=target, test=test,
        test_column=test_column, id_column=id_column, schema=schema, trust=trust, rivals=tuple(rival or ()),
    )  # fmt: skip
    allowed = {
        "model_calls": most_model_calls, "tool_calls": most_tool_calls, "tokens": most_tokens, "seconds": most_seconds
    }  # fmt: skip
    report = _report(new_session(load(source), llm, seed), words[-1], recipe, allowed)
    if as_json:
        print(report.canonical())
    else:
        show_report(report)
    if report.stopped == "cancelled":
        raise typer.Exit(STOPPED)
    if not report.told:
        raise typer.Exit(3)


def _report(session: Session, question: str, recipe: str | None, allowed: dict[str, Any]) -> Report:
    """The investigation, with its steps on stderr as they are found; exit code 2 for what the user can put right."""
    from rich.console import Console
    from rich.text import Text

    from askwhy.agent.investigate.allowance import Allowance
    from askwhy.tools.errors import ToolError
    from askwhy.ui.cells import asked_title, printable

    console = Console(stderr=True, highlight=False)

    def heard(told: Told) -> None:
        console.print(Text(f"* {printable(asked_title(told.title))}", style="dim"))

    try:
        with contextlib.redirect_stdout(sys.stderr), console.status("Investigating …"), stoppable() as stopped:
            return session.investigate(
                question, recipe=recipe, allowance=Allowance(**allowed), on_step=heard, cancelled=stopped
            )
    except ToolError as error:
        print(f"askwhy: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def show_report(report: Report) -> None:
    """Print a report: its steps with their words, what was left out, and what it used of its allowance."""
    from rich.console import Console
    from rich.text import Text

    from askwhy.ui.cells import asked_title, printable

    console = Console(highlight=False)
    for number, one in enumerate(report.told, 1):
        console.print(Text(f"{number}. {printable(asked_title(one.title))}", style="bold"))
        console.print(Text(f"{printable(one.text)}\n"))
    if not report.told:
        console.print(Text(printable(report.answer.text)))
    for note in report.notes if report.told else ():
        console.print(Text(printable(note)))
    console.print(Text(printable(spent_words(report)), style="dim"))


def spent_words(report: Report) -> str:
    """Who chose the steps, and what was used of what was allowed."""
    used, allowed = report.used, report.allowance
    seconds = sum(hop.seconds for hop in report.answer.usage.hops)
    chosen = f"[recipe: {report.recipe}]" if report.recipe else f"[steps by: {report.answer.engine}]"
    return (
        f"{chosen}  [{used.model_calls} of {allowed.model_calls} model calls, {used.tool_calls} of "
        f"{allowed.tool_calls} tool calls, {used.tokens} of {allowed.tokens} tokens, {seconds:.0f} of "
        f"{allowed.seconds:.0f} s]"
    )
