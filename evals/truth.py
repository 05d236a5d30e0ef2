"""The planted-truth suite: `askwhy eval truth [--quick] [--subject table|text] [--part NAME ...]`; both by default.

Models whose right explanation is known, tests of known nulls, counterfactuals of known feasibility: how often is askwhy
right, and how often are the plain packages?
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass

from askwhy.evals import truth_text
from askwhy.evals.registry import Parser, Report, UsageError, evaluation
from askwhy.evals.truth_line import COLUMNS, Line, figures_of, missed


@dataclass(frozen=True)
class Size:
    """How much is measured. models: of each family, None for all; rows: of each model.

    worlds: in which suppressors are planted; noisy: fitted models that get columns of noise.
    sampled: data sets of each width on which conditional samplers are compared.
    """

    models: int | None
    rows: int
    rule_pairs: int
    fitted_pairs: int
    replicates: int
    runs: int
    feasible: int
    infeasible: int
    anchored: int
    worlds: int
    noisy: int
    sampled: int


FULL = Size(None, 5, 40, 20, 1000, 200, 160, 40, 25, 250, 20, 20)
QUICK = Size(2, 2, 8, 4, 100, 20, 16, 4, 4, 40, 4, 0)


def _attributions(size: Size) -> list[Line]:
    from askwhy.evals.truth_attributions import attribution_lines

    return attribution_lines(size.models, size.rows)


def _suppressors(size: Size) -> list[Line]:
    from askwhy.evals.truth_attributions import suppressor_lines
    from askwhy.evals.truth_suppressors import simulated_lines

    return [*suppressor_lines(size.models, size.rows), *simulated_lines(size.worlds)]


def _hidden(size: Size) -> list[Line]:
    from askwhy.evals.truth_hidden import hidden_lines

    return hidden_lines(size.models)


def _importance(size: Size) -> list[Line]:
    from askwhy.evals.truth_importance import importance_lines, noise_lines

    return [*importance_lines(size.models, size.rule_pairs, size.fitted_pairs), *noise_lines(size.noisy)]


def _significance(size: Size) -> list[Line]:
    from askwhy.evals.truth_tests import significance_lines

    return significance_lines(size.replicates)


def _samplers(size: Size) -> list[Line]:
    from askwhy.evals.truth_samplers import sampler_lines

    return sampler_lines(size.sampled)


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
    "suppressors": _suppressors,
    "hidden": _hidden,
    "importance": _importance,
    "significance": _significance,
    "samplers": _samplers,
    "concepts": _concepts,
    "counterfactuals": _counterfactuals,
    "anchors": _anchors,
    "direct": _direct,
}


@evaluation("truth")
def truth(arguments: list[str]) -> Report:
    """Explanations of planted models against the known truth, with plain SHAP and plain LIME beside."""
    parser = Parser("askwhy eval truth")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--subject", choices=("table", "text"))
    parser.add_argument("--part", choices=(*PARTS, *truth_text.PARTS), action="append")
    given = parser.parse_args(arguments)
    every = {"table": (*PARTS,), "text": (*truth_text.PARTS,)}
    known = every.get(given.subject, (*PARTS, *truth_text.PARTS))
    foreign = [part for part in given.part or () if part not in known]
    if foreign:
        raise UsageError(f"{', '.join(foreign)}: not of {given.subject} models, whose parts are {', '.join(known)}")
    sizes = (QUICK, truth_text.QUICK) if given.quick else (FULL, truth_text.FULL)
    return measured(sizes[0], tuple(given.part or known), sizes[1])


def measured(size: Size, parts: tuple[str, ...], text_size: truth_text.TextSize = truth_text.FULL) -> Report:
    """The report of some parts, those of tables and those of texts at their sizes. It passes if every requirement is
    met."""
    lines: list[Line] = []
    seconds: dict[str, float] = {}
    for part in parts:
        start = time.perf_counter()
        with warnings.catch_warnings():  # the plain packages and constant ranks warn about what is measured here anyway
            warnings.simplefilter("ignore")
            lines += PARTS[part](size) if part in PARTS else truth_text.PARTS[part](text_size)
        seconds[part] = round(time.perf_counter() - start, 1)
        print(f"{part}: {seconds[part]} s", file=sys.stderr, flush=True)
    failures = missed(lines)
    figures = {**figures_of(lines), "missed": failures, "seconds": seconds}
    return Report("Planted truth", COLUMNS, tuple(line.cells for line in lines), figures, passed=not failures)
