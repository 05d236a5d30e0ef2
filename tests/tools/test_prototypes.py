"""Representative cases and groups of reasons on data whose right answer is known."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import of_rule, run, values, where

from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.tools.table.prototypes import greedy
from askwhy.tools.table.strategies import stability, typical

CENTRES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0], [10.0, 10.0]])


def blobs(rows: int = 50) -> Subject:
    """Four tight heaps of rows; the model tells left from right."""
    rng = np.random.default_rng(0)
    cells = np.concatenate([centre + rng.normal(0, 0.3, (rows, 2)) for centre in CENTRES])
    frame = pd.DataFrame(cells, columns=["x", "y"])
    return of_rule(
        frame, lambda one: (one["x"] > 5).astype(float) * 0.8 + 0.1, np.where(cells[:, 0] > 5, "right", "left")
    )


def heap(subject: Subject, row: str) -> int:
    cells = subject.row(row).to_numpy(dtype=float)
    return int(((CENTRES - cells) ** 2).sum(axis=1).argmin())


def test_each_heap_gets_one_representative_that_stands_for_it() -> None:
    subject = blobs()
    found = run(subject, "prototypes", k=4)
    named = found.all("prototype")
    assert {heap(subject, fact.row) for fact in named} == {0, 1, 2, 3}
    assert [fact.value for fact in named] == [50, 50, 50, 50]
    assert {fact.cls for fact in named if heap(subject, fact.row) % 2} == {"right"}
    assert found.one("agreement").number() == 1.0
    assert found.one("coverage_distance").number() < found.one("coverage_at_random").number()
    assert all(one.passed for one in found.quality)


def test_one_class_or_a_selection_is_represented_on_its_own() -> None:
    subject = blobs()
    right = run(subject, "prototypes", k=2, cls="right")
    assert {heap(subject, fact.row) for fact in right.all("class_prototype")} == {1, 3}
    assert right.one("class_total").value == 100 and not right.all("agreement")
    top = run(subject, "prototypes", where("y", "gt", 5), k=2)
    assert {heap(subject, fact.row) for fact in top.all("prototype")} == {2, 3}
    assert len(run(subject, "prototypes", k=1).all("prototype")) == 1
    with pytest.raises(ToolError, match="1 match"):
        run(subject, "prototypes", Scope(row="3"))


def test_what_no_representative_stands_for_is_told() -> None:
    subject = blobs()
    frame = pd.concat([subject.data, pd.DataFrame({"x": [0.2], "y": [30.0]}, index=["lonely"])])
    more = of_rule(frame, subject.predictor.call, None)
    assert "lonely" not in {fact.row for fact in run(more, "prototypes", k=4).all("prototype")}
    assert {fact.row for fact in run(more, "prototypes", k=4).all("criticism")}


def test_the_greedy_choice_reduces_the_discrepancy_most_at_every_step() -> None:
    rng = np.random.default_rng(1)
    cells = rng.normal(size=(12, 2))
    kernel = np.exp(-np.abs(cells[:, None] - cells[None]).sum(axis=2))

    def discrepancy(chosen: list[int]) -> float:
        return float(kernel.mean() - 2 * kernel[:, chosen].mean() + kernel[np.ix_(chosen, chosen)].mean())

    chosen = greedy(kernel, 4)
    for size in range(1, 5):
        rest = [i for i in range(12) if i not in chosen[: size - 1]]
        best = min(rest, key=lambda i: discrepancy([*chosen[: size - 1], i]))
        assert chosen[size - 1] == best
    pairs = [discrepancy(list(pair)) for pair in itertools.combinations(range(12), 2)]
    assert discrepancy(chosen[:2]) <= np.quantile(pairs, 0.1)


def test_numbers_are_represented_by_thirds_of_the_predictions() -> None:
    subject = toy_subjects.regression()
    found = run(subject, "prototypes", k=3)
    outputs = pd.Series(subject.predictor(subject.data)[:, 0], index=subject.data.index)
    order = outputs.rank()
    for fact in found.all("prototype_number"):
        third = ["low predictions", "middling predictions", "high predictions"].index(fact.group)
        assert third == int((order[fact.row] - 1) // 40)
    assert sum(values(found, "prototype_number")) == 120


def two_ways(rows: int = 60, seed: int = 0) -> Subject:
    """A model with two strategies: in group a only x counts, in group b only y."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "group": pd.array(np.where(np.arange(rows) % 3 == 0, "a", "b"), dtype="str"),
            "x": rng.choice([0.0, 10.0], rows),
            "y": rng.choice([0.0, 10.0], rows),
        }
    )
    return of_rule(frame, lambda one: np.where(one["group"] == "a", one["x"], 3 * one["y"]), rng.normal(size=rows))


def test_groups_of_reasons_add_up_and_describe_their_rows() -> None:
    subject = two_ways()
    found = run(subject, "strategies", k=3)
    count = found.one("groups").value
    assert sum(found.one(f"g{one}_rows").value for one in range(1, count + 1)) == 60 == found.one("rows").value
    sizes = [found.one(f"g{one}_rows").value for one in range(1, count + 1)]
    assert sizes == sorted(sizes, reverse=True)
    table = {line[0]: line[1:] for line in found.table.rows}
    for one in range(1, count + 1):
        for fact in found.all(f"g{one}_attribution"):
            label = subject.schema.feature(fact.feature).label
            assert fact.number() == pytest.approx(table[label][one - 1])


def test_additive_attributions_average_to_the_group_s_output() -> None:
    subject = two_ways(24)
    assert len(subject.background) <= 30  # so that the whole background is used
    found = run(subject, "strategies", k=2)
    base = subject.predictor(subject.background).mean()
    sums = np.sum([line[1:] for line in found.table.rows], axis=0)
    means = [found.one(f"g{one}_mean").number() for one in (1, 2)]
    assert sums + base == pytest.approx(means, abs=1e-6)
    sizes = [found.one(f"g{one}_rows").value for one in (1, 2)]
    assert np.dot(sizes, means) / 24 == pytest.approx(subject.predictor(subject.data)[:, 0].mean())


def test_clear_groups_are_stable_and_formless_ones_are_not() -> None:
    rng = np.random.default_rng(2)
    clear = np.concatenate([rng.normal(centre, 0.1, (40, 2)) for centre in ((0, 0), (5, 5))])
    cloud = rng.normal(size=(80, 6))
    groups = np.repeat([0, 1], 40)
    assert stability(clear, groups, 0).min() == pytest.approx(1.0)
    assert stability(cloud, np.arange(80) % 5, 0).min() < 0.75


def test_a_number_of_groups_is_kept_and_few_rows_are_refused() -> None:
    subject = toy_subjects.binary()
    assert run(subject, "strategies", k=4).one("groups").value == 4
    assert run(subject, "strategies").one("about_class").value == subject.schema.explained.name
    with pytest.raises(ToolError, match="at least 12"):
        run(subject, "strategies", Scope(row="3"))
    same = of_rule(pd.DataFrame({"x": np.arange(20.0)}), lambda one: np.full(len(one), 2.0), np.arange(20.0))
    with pytest.raises(ToolError, match="exactly the same reasons"):
        run(same, "strategies")


def test_typical_values_are_medians_and_modes() -> None:
    subject = toy_subjects.binary()
    rows = subject.data
    age, purpose = subject.schema.feature("age"), subject.schema.feature("LoanPurpose")
    assert typical(age, rows["age"]) == sorted(rows["age"])[(len(rows) - 1) // 2]
    assert typical(purpose, rows["LoanPurpose"]) == rows["LoanPurpose"].mode()[0]
    assert typical(age, rows["age"].astype(float) * np.nan) is None
