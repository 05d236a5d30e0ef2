"""Cases picked for their explanations, against brute force and a model with two ways of deciding."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import of_rule, run, where

from askwhy.tools.engines.pick import NAMED, pick
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.scope import Scope
from askwhy.tools.shapley import shapley_rows
from askwhy.tools.subject import Subject


def covered(values: Any, cases: tuple[int, ...]) -> float:
    """The share of the weight, worked out feature by feature."""
    named = np.zeros_like(values, dtype=bool)
    for i, row in enumerate(np.abs(values)):
        named[i, sorted(range(len(row)), key=lambda j: (-row[j], j))[:NAMED]] = True
    weights = [np.sqrt(sum(abs(values[i, j]) for i in range(len(values)) if named[i, j])) for j in range(len(values.T))]
    return float(sum(weight for j, weight in enumerate(weights) if any(named[i, j] for i in cases)) / sum(weights))


@pytest.mark.parametrize("seed", range(5))
def test_every_step_adds_the_most_and_comes_close_to_the_best(seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(12, 9))
    found = pick(values, 3)
    chosen: tuple[int, ...] = ()
    for place, share in zip(found.cases, found.covered, strict=True):
        best = max(covered(values, (*chosen, other)) for other in range(12))
        chosen = (*chosen, place)
        assert share == pytest.approx(covered(values, chosen)) == pytest.approx(best)
    best = max(covered(values, some) for some in itertools.combinations(range(12), len(chosen)))
    assert found.covered[-1] >= (1 - 1 / np.e) * best


def test_it_stops_where_more_would_add_nothing_and_ties_go_to_the_strongest() -> None:
    values = np.array([[1.0, 0, 0], [3.0, 0, 0], [0, 2.0, 0], [2.0, 0, 0]])
    found = pick(values, 4)
    assert found.cases == [1, 2]
    assert found.covered == pytest.approx([np.sqrt(6) / (np.sqrt(6) + np.sqrt(2)), 1.0])
    assert pick(np.zeros((3, 2)), 2).cases == []


def two_ways(rows: int = 60) -> Subject:
    """In group a only x counts, in group b only y, which counts for more; z never."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "group": pd.array(np.where(np.arange(rows) % 3 == 0, "a", "b"), dtype="str"),
            "x": rng.choice([0.0, 10.0], rows),
            "y": rng.choice([0.0, 10.0], rows),
            "z": rng.normal(size=rows),
        }
    )
    return of_rule(frame, lambda one: np.where(one["group"] == "a", one["x"], 3 * one["y"]))


def test_both_ways_of_deciding_are_shown_with_the_attributions_of_the_rows() -> None:
    subject = two_ways(24)
    found = run(subject, "prototypes", method="explanations", k=3)
    named = {str(one.feature) for one in found.facts if one.relation.endswith("_attribution")}
    assert named == {"group", "x", "y"}
    assert found.one("pick_coverage").value == pytest.approx(1.0)
    assert found.one("explained").value == 24 and found.one("named_features").value == NAMED
    rows = subject.data.loc[[found.one("p1_case").row]]
    assert len(subject.background) <= 30  # so that all of it is used
    truth = shapley_rows(Evaluator(subject.predictor), rows, subject.background, seed=0).values[0, :, 0]
    for fact in found.all("p1_attribution"):
        assert fact.value == pytest.approx(truth[subject.schema.names.index(str(fact.feature))])
        assert fact.at == rows[fact.feature].iloc[0]


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_every_picked_case_is_one_of_the_rows_with_its_largest_attributions(kind: str) -> None:
    subject = toy_subjects.SUBJECTS[kind]()
    found = run(subject, "prototypes", where("age", "gt", 40), method="explanations", k=2)
    for number in (1, 2):
        row = found.one(f"p{number}_case").row
        assert subject.data.loc[row, "age"] > 40  # type: ignore[index]
        facts = found.all(f"p{number}_attribution")
        assert len(facts) == NAMED and {one.row for one in facts} == {row}
        assert [abs(one.number()) for one in facts] == sorted((abs(one.number()) for one in facts), reverse=True)
    assert found.quality[0].check == "coverage" and 0 < found.quality[0].value <= 1
    assert found == run(subject, "prototypes", where("age", "gt", 40), method="explanations", k=2)


def test_a_class_narrows_the_rows_and_is_explained() -> None:
    subject = toy_subjects.binary()
    found = run(subject, "prototypes", method="explanations", cls="no", k=2)
    predicted = subject.predictor(subject.data).argmax(axis=1)
    assert found.one("explained").value == int((predicted == subject.schema.class_index("no")).sum())
    assert found.one("about_class").value == "no"
    for number in (1, 2):
        assert predicted[subject.position(str(found.one(f"p{number}_case").row))] == subject.schema.class_index("no")


def test_one_row_and_a_constant_model_are_refused() -> None:
    subject = toy_subjects.binary()
    with pytest.raises(ToolError, match="at least 5"):
        run(subject, "prototypes", Scope(row="3"), method="explanations")
    flat = of_rule(two_ways().data, lambda one: np.full(len(one), 2.0))
    with pytest.raises(ToolError, match="No feature"):
        run(flat, "prototypes", method="explanations")
