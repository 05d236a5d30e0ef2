"""The command line: ask, audit, chat, check, demo, eval, guard. Heavy imports are inside the commands."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from askwhy.ui.options import (
    BUILT_IN,
    STOPPED,
    Candidates,
    Data,
    Demo,
    IdColumn,
    Llm,
    MetricsPage,
    Model,
    MostCalls,
    MostCost,
    MostTokens,
    Rivals,
    SchemaFile,
    Seed,
    Source,
    Target,
    TestColumn,
    TestFile,
    Trust,
    at_work,
    budget_of,
    load,
    new_session,
    stoppable,
)

if TYPE_CHECKING:
    from askwhy.agent.bill import Budget
    from askwhy.tools.subject import Subject

app = typer.Typer(
    name="askwhy",
    help="Ask a model why: questions in plain language, answers checked against the model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


@app.callback()
def _settings() -> None:
    """Telemetry stays off and nothing is fetched from a hub unless the user says otherwise. Logs go to stderr."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="askwhy: %(message)s")
    os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
    os.environ.setdefault("HF_HUB_OFFLINE", "1")
    os.environ.setdefault("ANONYMIZED_TELEMETRY", "False")


@app.command()
def ask(
    question: Annotated[list[str], typer.Argument(help="one or more questions; later ones may refer to earlier ones")],
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
    candidates: Candidates = 1,
    trust: Trust = False,
    rival: Rivals = None,
    seed: Seed = 0,
    most_calls: MostCalls = None,
    most_tokens: MostTokens = None,
    most_cost: MostCost = None,
    as_json: Annotated[bool, typer.Option("--json", help="print the whole answer as one JSON object")] = False,
) -> None:
    """Ask questions and print the answers."""
    source = Source(
        demo=demo, model=model, data=data, target=target, test=test, test_column=test_column, id_column=id_column,
        schema=schema, trust=trust, rivals=tuple(rival or ()),
    )  # fmt: skip
    with at_work("Loading the model …"):
        session = new_session(load(source), llm, seed, budget_of(most_calls, most_tokens, most_cost), candidates)
    answers = []
    with at_work("Asking the model …"), stoppable() as stopped:
        for one in question:
            answers.append(session.ask(one, cancelled=stopped))
            if stopped():
                break
    if as_json:
        print(answers[-1].canonical_with_usage())
    else:
        from askwhy.ui.terminal import show_answer, show_total

        for answer in answers:
            show_answer(answer, many=len(answers) > 1)
        if len(answers) > 1:
            show_total(answers[-1])
    if stopped():
        raise typer.Exit(STOPPED)
    if answers[-1].verdict in ("asked", "declined"):
        raise typer.Exit(3)


@app.command()
def chat(
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
    candidates: Candidates = 1,
    trust: Trust = False,
    rival: Rivals = None,
    seed: Seed = 0,
    most_calls: MostCalls = None,
    most_tokens: MostTokens = None,
    most_cost: MostCost = None,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 7860,
    metrics: MetricsPage = False,
) -> None:
    """Open the chat in the browser."""
    source = Source(
        demo=demo, model=model, data=data, target=target, test=test, test_column=test_column, id_column=id_column,
        schema=schema, trust=trust, rivals=tuple(rival or ()),
    )  # fmt: skip
    _serve(
        load(source),
        llm,
        seed,
        host,
        port,
        budget=budget_of(most_calls, most_tokens, most_cost),
        metrics=metrics,
        candidates=candidates,
    )


@app.command(name="demo")
def demo_chat(
    name: Annotated[str, typer.Argument(help=f"which one; {BUILT_IN}")] = "credit",
    llm: Llm = None,
    most_calls: MostCalls = None,
    most_tokens: MostTokens = None,
    most_cost: MostCost = None,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 7860,
    metrics: MetricsPage = False,
) -> None:
    """Open the chat on a built-in subject."""
    budget = budget_of(most_calls, most_tokens, most_cost)
    _serve(load(Source(demo=name)), llm, 0, host, port, budget=budget, metrics=metrics)


@app.command(name="eval", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def evaluate(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help="name of the evaluation; leave it out for a list")] = "",
) -> None:
    """Run a measurement: a table, then one line of JSON with the figures and `passed`."""
    from askwhy.evals.registry import run_evaluation

    raise typer.Exit(run_evaluation(name, list(context.args)))


@app.command()
def guard(
    rules: Annotated[Path, typer.Argument(help="TOML file of rules, each under [[rule]]")],
    *,
    demo: Demo = None,
    model: Model = None,
    data: Data = None,
    target: Target = None,
    test: TestFile = None,
    test_column: TestColumn = None,
    id_column: IdColumn = None,
    schema: SchemaFile = None,
    trust: Trust = False,
    seed: Seed = 0,
) -> None:
    """Check rules that a model must keep; exits with 1 where one is broken."""
    from askwhy.ui.guard import UNUSABLE, rules_of, run_guard

    wanted = rules_of(rules)
    if wanted is None:
        raise typer.Exit(UNUSABLE)
    source = Source(
        demo=demo, model=model, data=data, target=target, test=test, test_column=test_column, id_column=id_column,
        schema=schema, trust=trust,
    )  # fmt: skip
    with at_work("Loading the model …"):
        subject = load(source)
    raise typer.Exit(run_guard(subject, wanted, seed))


@app.command()
def audit(
    subject: Annotated[
        list[str] | None,
        typer.Argument(help="a built-in subject, or a model file and its data file", metavar="SUBJECT"),
    ] = None,
    *,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="folder to write; default: audit-NAME")] = None,
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
    steps: Annotated[int, typer.Option(min=1, help="tool calls at most")] = 40,
    seconds: Annotated[float, typer.Option(min=1, help="seconds at most")] = 1800,
    as_json: Annotated[bool, typer.Option("--json", help="print the outcome as one JSON object")] = False,
) -> None:
    """Audit a model and write a report to file: HTML, Markdown, figures, all evidence; exits with 1 where a flaw is
    found, with 2 where the audit could not be run to its end."""
    from askwhy.ui.audit import Limits, again, run_audit, subject_of

    model, data, demo = subject_of(subject or [], model, data, demo)
    source = Source(
        demo=demo, model=model, data=data, target=target, test=test, test_column=test_column, id_column=id_column,
        schema=schema, trust=trust, rivals=tuple(rival or ()),
    )  # fmt: skip
    with at_work("Loading the model …"):
        session = new_session(load(source), llm, seed)
    limits = Limits(steps, seconds)
    command = again(vars(source), llm, seed, limits)
    raise typer.Exit(run_audit(session, out, command, seed, limits, as_json=as_json))


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="text file with the words to check; - for standard input")],
    *,
    row: Annotated[str | None, typer.Option(help="id of the row that the text is about")] = None,
    demo: Annotated[str | None, typer.Option("--demo", "--subject", help=BUILT_IN)] = None,
    model: Model = None,
    data: Data = None,
    target: Target = None,
    test: TestFile = None,
    test_column: TestColumn = None,
    id_column: IdColumn = None,
    schema: SchemaFile = None,
    trust: Trust = False,
    seed: Seed = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print the whole result as one JSON object")] = False,
) -> None:
    """Check a letter, a report or any other text against the model, sentence by sentence; exits with 1 where a sentence
    is false."""
    text = _text_of(file)
    source = Source(
        demo=demo, model=model, data=data, target=target, test=test, test_column=test_column, id_column=id_column,
        schema=schema, trust=trust,
    )  # fmt: skip
    with at_work("Loading the model …"):
        session = new_session(load(source), None, seed)
    from askwhy.tools.errors import ToolError
    from askwhy.ui.terminal import show_checked

    try:
        with at_work("Checking …"):
            found = session.check(text, row)
    except ToolError as error:
        print(f"askwhy: {error}", file=sys.stderr)
        raise typer.Exit(2) from None
    if as_json:
        print(found.canonical())
    else:
        show_checked(found)
    if found.count("false"):
        raise typer.Exit(1)


def _text_of(file: str) -> str:
    """The text of a file or of standard input, or a message and exit code 2."""
    try:
        return sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        print(f"askwhy: {file} could not be read as text: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def _serve(
    subject: Subject,
    llm: str | None,
    seed: int,
    host: str,
    port: int,
    *,
    budget: Budget,
    metrics: bool,
    candidates: int = 1,
) -> None:
    from askwhy.tools.errors import ToolError
    from askwhy.ui.chat import chat as open_chat

    try:
        open_chat(subject, llm, seed=seed, host=host, port=port, budget=budget, metrics=metrics, candidates=candidates)
    except (ToolError, OSError) as error:  # OSError: the port is taken
        print(f"askwhy: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def main() -> None:
    """The console script."""
    app()


# Commands in files of their own stand on what is above.
import askwhy.ui.investigate  # noqa: E402, F401
