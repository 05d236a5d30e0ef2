"""What the commands share: their options, the subject that these name, and a session about it."""

from __future__ import annotations

import contextlib
import math
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from askwhy.agent.bill import Budget
    from askwhy.agent.session import Session
    from askwhy.tools.subject import Subject

BUILT_IN = "built-in: credit, breast-cancer, diabetes, penguins, reviews, reviews-transformer, debates"
Demo = Annotated[str | None, typer.Option(help=BUILT_IN)]
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


STOPPED = 130
"""Exit code after Ctrl-C, as shells have it."""


@dataclass(frozen=True, kw_only=True)
class Source:
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


def load(source: Source) -> Subject:
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


def _own(source: Source) -> Subject:
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


def budget_of(calls: int | None, tokens: int | None, cost: float | None) -> Budget:
    from askwhy.agent.bill import Budget

    if cost is not None and not math.isfinite(cost):
        raise typer.BadParameter("--most-cost takes a finite amount")
    return Budget(model_calls=calls, tokens=tokens, cost=cost)


def new_session(
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
def stoppable() -> Iterator[Callable[[], bool]]:
    """Gives what says whether Ctrl-C was pressed: the first time what is under way ends with what it has found, the
    second time the program does."""
    pressed = threading.Event()

    def heard(number: int, frame: FrameType | None) -> None:
        if pressed.is_set():
            raise KeyboardInterrupt
        pressed.set()

    if threading.current_thread() is not threading.main_thread():  # only there signals are heard
        yield pressed.is_set
        return
    before = signal.signal(signal.SIGINT, heard)
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def at_work(words: str) -> Iterator[None]:
    """Show on stderr that something is under way, and send there whatever a model prints: stdout is for answers."""
    from rich.console import Console

    with contextlib.redirect_stdout(sys.stderr), Console(stderr=True).status(words):
        yield
