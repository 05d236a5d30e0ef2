"""Evaluations by name: each prints a table, and as its last line one JSON object with the figures and `passed`.

    @evaluation("spine")
    def spine(arguments: list[str]) -> Report:
        '''Answers the questions of the first release on every built-in subject.'''

A module in this folder that uses the decorator is found by itself.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import inspect
import json
import pkgutil
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Report:
    """What an evaluation found: a table to read, figures to keep, and whether they are good enough."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    figures: Mapping[str, object] = field(default_factory=dict)
    passed: bool = False


class UsageError(Exception):
    """The arguments of an evaluation are wrong; the message says what it needs."""


class Parser(argparse.ArgumentParser):
    """Reads the arguments of `askwhy eval NAME`; raises UsageError for wrong ones."""

    def __init__(self, name: str) -> None:
        super().__init__(prog=name, add_help=False)

    def error(self, message: str) -> None:  # type: ignore[override]
        """Raise UsageError."""
        raise UsageError(message)


Evaluate = Callable[[list[str]], Report]
_EVALUATIONS: dict[str, Evaluate] = {}


def evaluation(name: str) -> Callable[[Evaluate], Evaluate]:
    """Register a function from command-line arguments to a report."""

    def register(function: Evaluate) -> Evaluate:
        known = _EVALUATIONS.get(name)
        if known is not None and known.__module__ != function.__module__:
            raise ValueError(f"two evaluations are named {name!r}: in {known.__module__} and {function.__module__}")
        _EVALUATIONS[name] = function
        return function

    return register


def evaluations() -> dict[str, Evaluate]:
    """Every evaluation by name."""
    _load()
    return {name: _EVALUATIONS[name] for name in sorted(_EVALUATIONS)}


def run_evaluation(name: str, arguments: list[str]) -> int:
    """Run an evaluation and print its report. Exit code 0 passed, 1 failed, 2 unknown name or wrong arguments."""
    known = evaluations()
    if name not in known:
        if name:
            print(f"askwhy: there is no evaluation {name!r}", file=sys.stderr)
        _print_known(known)
        return 2
    try:
        report = known[name](arguments)
    except UsageError as error:
        print(f"askwhy eval {name}: {error}", file=sys.stderr)
        return 2
    _print_report(report)
    print(json.dumps({"evaluation": name, **report.figures, "passed": report.passed}, allow_nan=False))
    return 0 if report.passed else 1


@functools.cache
def _load() -> None:
    package = importlib.import_module("askwhy.evals")
    for found in pkgutil.iter_modules(package.__path__):
        if not found.ispkg and found.name != "registry":
            importlib.import_module(f"askwhy.evals.{found.name}")


def _print_known(known: Mapping[str, Evaluate]) -> None:
    print("Evaluations, to run as `askwhy eval NAME`:", file=sys.stderr)
    for name, function in known.items():
        first = (inspect.getdoc(function) or "").partition("\n")[0]
        print(f"  {name:<12} {first}", file=sys.stderr)


def _print_report(report: Report) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=Text(report.title))
    for column in report.columns:
        drawn.add_column(Text(column), overflow="fold")
    for row in report.rows:
        drawn.add_row(*(Text(_shown(cell)) for cell in row))
    Console(highlight=False, width=160 if not sys.stdout.isatty() else None).print(drawn)


def _shown(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return f"{cell:.3g}" if isinstance(cell, float) else str(cell)
