"""The guard: a file of rules as a regression test of a model."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from askwhy.ui.cells import printable

if TYPE_CHECKING:
    from askwhy.tools.engines.rulebook import Outcome, Rule
    from askwhy.tools.subject import Subject

KEPT, BROKEN, UNUSABLE = 0, 1, 2
"""Exit codes."""


def rules_of(path: Path) -> tuple[Rule, ...] | None:
    """The rules of a file; None where it cannot be used, and stderr says why."""
    from askwhy.tools.engines.rulebook import read_rules
    from askwhy.tools.errors import ToolError

    try:
        return read_rules(path)
    except ToolError as error:
        print(f"askwhy: {printable(str(error))}", file=sys.stderr)
        return None


def run_guard(subject: Subject, rules: tuple[Rule, ...], seed: int) -> int:
    """Check every rule; print a table, then one line of JSON. Returns the exit code."""
    from askwhy.tools.engines.rulebook import check_rule
    from askwhy.tools.errors import ToolError
    from askwhy.tools.evaluator import Evaluator

    try:
        found = []
        for rule in rules:
            evaluate = Evaluator(subject.predictor)
            try:
                found.append(check_rule(subject, rule, evaluate, seed))
            except ToolError as error:
                raise ToolError(f"rule “{rule.name}”: {error}") from None
            subject = subject.with_known(evaluate.known)
    except ToolError as error:
        print(f"askwhy: {printable(str(error))}", file=sys.stderr)
        return UNUSABLE
    _print_table(found)
    print(json.dumps({"rules": [_figures(one) for one in found], "passed": all(one.kept for one in found)}))
    return KEPT if all(one.kept for one in found) else BROKEN


def _figures(found: Outcome) -> dict[str, object]:
    """What a machine reads about a rule."""
    return {
        "name": found.rule.name,
        "kept": found.kept,
        "checked": found.count("checked"),
        "broken": found.count("breaking"),
        "searched": _searched(found),
        "found": found.count("found_broken"),
        "worst": _worst(found),
    }


def _searched(found: Outcome) -> int:
    return sum(found.count(one) for one in ("tried", "tried_alone", "tried_too", "tried_broken"))


def _worst(found: Outcome) -> dict[str, object] | None:
    """The worst counterexample: the row (or the row a made-up one is like, with its changes) and the outputs."""
    told: dict[str, object] = {}
    for role, relation in (("worst", "worst"), ("made", "made")):
        after = found.evidence.all(relation) or found.evidence.all(f"{relation}_output")
        before = found.evidence.all(f"{relation}_before") or found.evidence.all(f"{relation}_before_output")
        if after and not told:
            told = {"row": after[0].row, "made_up": role == "made", "output": after[0].value}
            told |= {"to": after[0].at, "from": before[0].at, "output_before": before[0].value} if before else {}
    changes = {fact.feature: fact.value for fact in found.evidence.all("made_cell")}
    return (told | ({"changes": changes} if changes else {})) or None


def _print_table(found: list[Outcome]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table()
    for column in ("rule", "result", "rows", "broken", "searched", "found", "worst"):
        drawn.add_column(column)
    for one in found:
        figures = _figures(one)
        counts = (str(figures[name]) for name in ("checked", "broken", "searched", "found"))
        result = Text("kept" if one.kept else "broken", style="green" if one.kept else "red")
        drawn.add_row(Text(printable(one.rule.name)), result, *counts, Text(printable(_in_words(_worst(one)))))
    Console(highlight=False).print(drawn)


def _in_words(worst: dict[str, object] | None) -> str:
    if worst is None:
        return ""
    row = f"like row {worst['row']}" if worst["made_up"] else f"row {worst['row']}"
    changes = worst.get("changes")
    if isinstance(changes, dict):
        row += " with " + ", ".join(f"{name} {value}" for name, value in changes.items())
    if "from" not in worst:
        return f"{row}: {_short(worst['output'])}"
    outputs = f"{_short(worst['output_before'])} to {_short(worst['output'])}"
    return f"{row}, {worst['from']} to {worst['to']}: {outputs}"


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
