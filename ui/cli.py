"""The command line: ask, audit, chat, check, demo, eval, guard. Heavy imports are inside the commands."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from askwhy.agent.bill import Budget
    from askwhy.agent.session import Session
    from askwhy.tools.subject import Subject

app = typer.Typer(
    name="askwhy",
    help="Ask a model why: questions in plain language, answers checked against the model.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

_BUILT_IN = "built-in: credit, breast-cancer, diabetes, penguins, reviews, reviews-transformer, debates"
Demo = Annotated[str | None, typer.Option(help=_BUILT_IN)]
Model = Annotated[
    str | None,
    typer.Option(
        help="model file (.skops, .onnx, .ubj, .txt; .joblib with --trust), folder of a transformers text classifier "
        "or its OWNER/NAME on the hub, or module:object"
    ),
]
Rivals = Annotated[
    list[str] | None,
    typer.Option("--rival", help="another model to compare with, as NAME=FILE; may be given more than once"),
]
Data = Annotated[Path | None, typer.Option(help="data file: .csv, .parquet or .xlsx")]
Target = Annotated[str | None, typer.Option(help="name of the column the model predicts")]
TestFile = Annotated[Path | None, typer.Option("--test", help="file of rows the model was not trained on")]
TestColumn = Annotated[str | None, typer.Option(help="column that marks the rows the model was not trained on")]
IdColumn = Annotated[str | None, typer.Option("--id", help="column that names the rows")]
SchemaFile = Annotated[Path | None, typer.Option("--schema", help="schema file (.toml, .json): names, units, rules")]
Llm = Annotated[
    str | None,
    typer.Option(help="openai:NAME, anthropic:NAME, ollama:NAME or a base URL; default: embedded"),
]
Candidates = Annotated[
    int, typer.Option(help="samples of the language model's plan to choose from; each is a call", min=1, max=8)
]
Trust = Annotated[bool, typer.Option("--trust", help="load pickle, joblib or module:object: these run code")]
MostCalls = Annotated[int | None, typer.Option(min=0, help="calls of the language model in one conversation")]
MostTokens = Annotated[int | None, typer.Option(min=0, help="tokens, in and out, in one conversation")]
MostCost = Annotated[float | None, typer.Option(min=0, help="cost of one conversation, at the prices of ASKWHY_PRICES")]
MetricsPage = Annotated[bool, typer.Option("--metrics", help="serve the counters of this process at /metrics")]
Seed = Annotated[int, typer.Option(help="seed of everything that is sampled")]


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
    source = _Source(
        demo=demo, model=model, data=data, target=target, test=test, test_column=test_column, id_column=id_column,
        schema=schema, trust=trust, rivals=tuple(rival or ()),
    )  # fmt: skip
    with _at_work("Loading the model …"):
        session = _session(_load(source), llm, seed, _budget(most_calls, most_tokens, most_cost), candidates)
    with _at_work("Asking the model …"):
        answers = [session.ask(one) for one in question]
    if as_json:
        print(answers[-1].canonical_with_usage())
    else:
        from askwhy.ui.terminal import show_answer, show_total

        for answer in answers:
            show_answer(answer, many=len(answers) > 1)
        if len(answers) > 1:
            show_total(answers[-1])
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
    source = _Source(
        demo=demo, model=model, data=data, target=target, test=test, test_column=test_column, id_column=id_column,
        schema=schema, trust=trust, rivals=tuple(rival or ()),
    )  # fmt: skip
    _serve(
        _load(source),
        llm,
        seed,
        host,
        port,
        budget=_budget(most_calls, most_tokens, most_cost),
        metrics=metrics,
        candidates=candidates,
    )


@app.command(name="demo")
def demo_chat(
    name: Annotated[str, typer.Argument(help=f"which one; {_BUILT_IN}")] = "credit",
    llm: Llm = None,
    most_calls: MostCalls = None,
    most_tokens: MostTokens = None,
    most_cost: MostCost = None,
    host: Annotated[str, typer.Option(help="address to listen on")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="port to listen on")] = 7860,
    metrics: MetricsPage = False,
) -> None:
    """Open the chat on a built-in subject."""
    budget = _budget(most_calls, most_tokens, most_cost)
    _serve(_load(_Source(demo=name)), llm, 0, host, port, budget=budget, metrics=metrics)


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
    source = _Source(
        demo=demo, model=model, data=data, target=target, test=test, test_column=test_column, id_column=id_column,
        schema=schema, trust=trust,
    )  # fmt: skip
    with _at_work("Loading the model …"):
        subject = _load(source)
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
    source = _Source(
        demo=demo, model=model, data=data, target=target, test=test, test_column=test_column, id_column=id_column,
        schema=schema, trust=trust, rivals=tuple(rival or ()),
    )  # fmt: skip
    with _at_work("Loading the model …"):
        session = _session(_load(source), llm, seed)
    limits = Limits(steps, seconds)
    command = again(vars(source), llm, seed, limits)
    raise typer.Exit(run_audit(session, out, command, seed, limits, as_json=as_json))


@app.command()
def check(
    file: Annotated[str, typer.Argument(help="text file with the words to check; - for standard input")],
    *,
    row: Annotated[str | None, typer.Option(help="id of the row that the text is about")] = None,
    demo: Annotated[str | None, typer.Option("--demo", "--subject", help=_BUILT_IN)] = None,
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
    source = _Source(
        demo=demo, model=model, data=data, target=target, test=test, test_column=test_column, id_column=id_column,
        schema=schema, trust=trust,
    )  # fmt: skip
    with _at_work("Loading the model …"):
        session = _session(_load(source), None, seed)
    from askwhy.tools.errors import ToolError
    from askwhy.ui.terminal import show_checked

    try:
        with _at_work("Checking …"):
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


@dataclass(frozen=True, kw_only=True)
class _Source:
    """Where the subject comes from."""

    demo: str | None = None
    model: str | None = None
    data: Path | None = None
    target: str | None = None
    test: Path | None = None
    test_column: str | None = None
    id_column: str | None = None
    schema: Path | None = None
    trust: bool = False
    rivals: tuple[str, ...] = ()


def _load(source: _Source) -> Subject:
    """The subject, or a message and exit code 2 for what the user can put right."""
    if source.demo is None and (source.model is None or source.data is None):
        raise typer.BadParameter("give --demo NAME, or --model FILE with --data FILE")
    if source.demo is not None and source.model is not None:
        raise typer.BadParameter("--demo and --model exclude each other")
    if source.demo is not None and source.rivals:
        raise typer.BadParameter("--rival goes with --model; the built-in tables have a rival model of their own")
    from askwhy.tools.errors import ToolError

    try:
        return _built_in(source.demo) if source.demo is not None else _own(source)
    except ToolError as error:
        print(f"askwhy: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


def _built_in(name: str) -> Subject:
    from askwhy.tools.subjects.builtin import builtin

    return builtin(name)


def _own(source: _Source) -> Subject:
    from askwhy.tools.loading.open import open_subject

    assert source.model is not None and source.data is not None
    return open_subject(
        source.model,
        source.data,
        source.target,
        test=source.test,
        test_column=source.test_column,
        id_column=source.id_column,
        schema=source.schema,
        trust=source.trust,
        rivals=_named_rivals(source.rivals),
    )


def _named_rivals(given: tuple[str, ...]) -> dict[str, str]:
    """NAME=FILE pairs as a mapping."""
    named: dict[str, str] = {}
    for one in given:
        name, equals, file = one.partition("=")
        if not equals or not name.strip() or not file.strip():
            raise typer.BadParameter(f"--rival takes NAME=FILE, not {one!r}")
        if name.strip() in named:
            raise typer.BadParameter(f"--rival names {name.strip()!r} twice")
        named[name.strip()] = file.strip()
    return named


def _budget(calls: int | None, tokens: int | None, cost: float | None) -> Budget:
    from askwhy.agent.bill import Budget

    if cost is not None and not math.isfinite(cost):
        raise typer.BadParameter("--most-cost takes a finite amount")
    return Budget(model_calls=calls, tokens=tokens, cost=cost)


def _session(
    subject: Subject, llm: str | None, seed: int, budget: Budget | None = None, candidates: int = 1
) -> Session:
    from askwhy.agent.session import Session
    from askwhy.tools.errors import ToolError

    try:
        return Session(subject, llm, seed=seed, budget=budget, candidates=candidates)
    except ToolError as error:
        print(f"askwhy: {error}", file=sys.stderr)
        raise typer.Exit(2) from None


@contextlib.contextmanager
def _at_work(words: str) -> Iterator[None]:
    """Show on stderr that something is under way, and send there whatever a model prints: stdout is for answers."""
    from rich.console import Console

    with contextlib.redirect_stdout(sys.stderr), Console(stderr=True).status(words):
        yield


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
