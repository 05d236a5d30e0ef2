"""Words that can be trusted: `askwhy eval words [--quick] [--part NAME] [FILE]`.

faults: faults put into true answers on purpose, in askwhy's own words and in others; how many the verifier catches, and
how often it calls a true text false. liar: language models that lie, behind the gate. readability: how easy the texts
are to read. consistency: the same claims in every variation (V10), and for everybody (V14). narratives: FILE holds
labelled narratives of others (evals/words_narratives.py describes the format); all other parts run by default.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from askwhy.evals.registry import Cell, Parser, Report, UsageError, evaluation

_COLUMNS = ("part", "measure", "template", "of", "in other words", "of", "95 % interval", "required", "met")
_EVERY = 12
"""With --quick, one answer of so many is looked at."""


@dataclass
class Part:
    """What one part measured: rows of the table, figures, and whether its gates hold."""

    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)
    passed: bool = True


@evaluation("words")
def words(arguments: list[str]) -> Report:
    """Whether the words can be trusted: faults that are caught, false alarms, lies, readability."""
    parser = Parser("askwhy eval words")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--part", choices=(*PARTS, "narratives"), action="append")
    parser.add_argument("file", nargs="?")
    given = parser.parse_args(arguments)
    parts = given.part or [*PARTS, *(["narratives"] if given.file else [])]
    if ("narratives" in parts) != bool(given.file):
        raise UsageError("a FILE of labelled narratives goes with --part narratives, and that part needs one")
    rows: list[tuple[Cell, ...]] = []
    figures: dict[str, object] = {}
    passed, seconds = True, {}
    for name in parts:
        started = time.perf_counter()
        part = _narratives(Path(given.file)) if name == "narratives" else PARTS[name](given.quick)
        seconds[name] = round(time.perf_counter() - started, 1)
        print(f"{name}: {seconds[name]} s", file=sys.stderr, flush=True)
        rows += [_padded((name, *row)) for row in part.rows]
        figures[name] = part.figures
        passed = passed and part.passed
    return Report("Words", _COLUMNS, tuple(rows), {**figures, "seconds": seconds}, passed)


def _padded(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    """As many cells as the table has."""
    return (*row, *(None for _ in range(len(_COLUMNS) - len(row))))


def _faults(quick: bool) -> Part:
    from askwhy.evals.words_answers import every_answer
    from askwhy.evals.words_faults import fault_part

    return Part(*fault_part(every_answer()[:: _EVERY if quick else 1]))


def _liar(quick: bool) -> Part:
    from askwhy.evals.words_liar import liar_part

    return Part(*liar_part(quick))


def _readability(quick: bool) -> Part:
    from askwhy.evals.words_answers import every_answer
    from askwhy.evals.words_texts import readability_part

    return Part(*readability_part(every_answer()[:: _EVERY if quick else 1]))


def _consistency(quick: bool) -> Part:
    from askwhy.evals.words_answers import every_answer
    from askwhy.evals.words_texts import consistency_part

    return Part(*consistency_part(every_answer()[:: _EVERY if quick else 1]))


def _narratives(path: Path) -> Part:
    from askwhy.evals.words_narratives import read_narratives, scores_of

    read = read_narratives(path)
    scores = scores_of(read)
    figures: dict[str, object] = {
        "narratives": len(read), "recall": scores.recall, "precision": scores.precision,
        "false_alarms": scores.false_alarms, "caught": scores.caught, "missed": scores.missed,
        "alarms": scores.alarms, "passed": scores.passed,
    }  # fmt: skip
    false, true = scores.caught + scores.missed, scores.alarms + scores.passed
    called = scores.caught + scores.alarms
    rows: list[tuple[Cell, ...]] = [
        ("recall of false statements", None, None, scores.recall, false),
        ("precision", None, None, scores.precision, called),
        ("false alarms", None, None, scores.false_alarms, true),
    ]
    return Part(rows, figures)


PARTS: dict[str, Callable[[bool], Part]] = {
    "faults": _faults,
    "liar": _liar,
    "readability": _readability,
    "consistency": _consistency,
}
