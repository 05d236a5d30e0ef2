"""The planted-truth suite: `askwhy eval truth [--quick] [--subject table] [--part NAME ...]`.

Models whose right explanation is known, tests of known nulls, counterfactuals of known feasibility: how often is askwhy
right, and how often are the plain packages?
"""

from __future__ import annotations

import argparse
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from askwhy.evals.registry import Report, UsageError, evaluation
from askwhy.evals.truth_line import COLUMNS, Line, figures_of, missed


@dataclass(frozen=True)
class Size:
    """How much is measured. models: of each family, None for all; rows: of each model."""

    models: int | None
    rows: int
    rule_pairs: int
    fitted_pairs: int
    replicates: int
    runs: int
    feasible: int
    infeasible: int
    anchored: int


FULL = Size(None, 5, 40, 20, 1000, 200, 160, 40, 25)
QUICK = Size(2, 2, 8, 4, 100, 20, 16, 4, 4)


def _attributions(size: Size) -> list[Line]:
    from askwhy.evals.truth_attributions import attribution_lines, suppressor_lines

    return [*attribution_lines(size.models, size.rows), *suppressor_lines(size.models, size.rows)]


def _importance(size: Size) -> list[Line]:
    from askwhy.evals.truth_importance import importance_lines

    return importance_lines(size.models, size.rule_pairs, size.fitted_pairs)


def _significance(size: Size) -> list[Line]:
    from askwhy.evals.truth_tests import significance_lines

    return significance_lines(size.replicates)


def _concepts(size: Size) -> list[Line]:
    from askwhy.evals.truth_tests import concept_lines

    return concept_lines(size.runs)


def _counterfactuals(size: Size) -> list[Line]:
    from askwhy.evals.truth_counterfactuals import counterfactual_lines

    return counterfactual_lines(size.feasible, size.infeasible)


def _anchors(size: Size) -> list[Line]:
    from askwhy.evals.truth_rules import anchor_lines

    return anchor_lines(size.anchored)


def _direct(size: Size) -> list[Line]:
    from askwhy.evals.truth_attributions import guard_lines

    return guard_lines(size.models, size.rows)


PARTS: dict[str, Callable[[Size], list[Line]]] = {
    "attributions": _attributions,
    "importance": _importance,
    "significance": _significance,
    "concepts": _concepts,
    "counterfactuals": _counterfactuals,
    "anchors": _anchors,
    "direct": _direct,
}


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        raise UsageError(message)


@evaluation("truth")
def truth(arguments: list[str]) -> Report:
    """Explanations of planted models against the known truth, with plain SHAP and plain LIME beside."""
    parser = _Parser(prog="askwhy eval truth", add_help=False)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--subject", choices=("table",), default="table")
    parser.add_argument("--part", choices=tuple(PARTS), action="append")
    given = parser.parse_args(arguments)
    return measured(QUICK if given.quick else FULL, tuple(given.part or PARTS))


def measured(size: Size, parts: tuple[str, ...]) -> Report:
    """The report of some parts at some size. It passes if every requirement is met."""
    lines: list[Line] = []
    seconds: dict[str, float] = {}
    for part in parts:
        start = time.perf_counter()
        with warnings.catch_warnings():  # the plain packages and constant ranks warn about what is measured here anyway
            warnings.simplefilter("ignore")
            lines += PARTS[part](size)
        seconds[part] = round(time.perf_counter() - start, 1)
        print(f"{part}: {seconds[part]} s", file=sys.stderr, flush=True)
    failures = missed(lines)
    figures = {**figures_of(lines), "missed": failures, "seconds": seconds}
    return Report("Planted truth: tables", COLUMNS, tuple(line.cells for line in lines), figures, passed=not failures)
