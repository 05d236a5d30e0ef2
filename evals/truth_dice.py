"""DiCE on the feasible counterfactual queries, where it is installed (Mothilal, Sharma & Tan 2020)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from askwhy.evals.truth_counterfactuals import Query, judged, known_credit, moved
from askwhy.evals.truth_line import Line
from askwhy.tools.engines.counterfactual_search import Goal, Search
from askwhy.tools.engines.dice import proposals
from askwhy.tools.engines.distance import Space
from askwhy.tools.engines.recourse import domains
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.tools.view import make_view


def dice_lines(queries: Sequence[Query]) -> list[Line]:
    """DiCE's random search, one result for each query within the same constraints; re-checked as askwhy's are."""
    subject = known_credit()
    found = [(query, _cells(subject, query)) for query in queries]
    made = [(query, cells) for query, cells in found if cells]
    checked = [judged(subject, query, cells) for query, cells in made]
    part, on = "counterfactuals: DiCE", f"{len(made)} found"

    def line(words: str, key: str, value: float, based_on: str = on) -> Line:
        return Line(part, words, None, key, based_on, baseline=f"DiCE {value:.3g}", other=round(value, 4))

    share = line("found where there is one", "dice_found", len(made) / len(queries), f"{len(queries)} feasible")
    if not made:
        return [share]
    return [
        share,
        line("valid on the original model", "dice_valid", float(np.mean([valid for valid, _ in checked]))),
        line("constraints kept", "dice_kept", float(np.mean([kept for _, kept in checked]))),
        line("features changed, mean", "dice_changes", float(np.mean([len(cells) for _, cells in made]))),
        line("Gower distance, mean", "dice_distance", float(np.mean([moved(subject, q.row, c) for q, c in made]))),
    ]


def _cells(subject: Subject, query: Query) -> dict[str, Any]:
    """The changed cells of DiCE's result as it is, empty if it finds none."""
    view = make_view(subject, Scope(row=subject.row_ids[query.row]), Evaluator(subject.predictor), seed=0)
    goal = Goal(column=subject.schema.class_index(query.cls))
    free = domains(view, query.keep, query.only)
    search = Search(subject, view.rows, free, goal, view.evaluate, Space.of(subject.schema, subject.data))
    found = proposals(search, 1, view.seed)
    return {subject.schema.names[j]: cell for j, cell in found[0].items()} if found else {}
