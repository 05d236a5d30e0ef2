"""Accumulated local effects against curves known from the formula, and beside partial dependence."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import of_rule, run, where

from askwhy.tools.engines.ale import accumulated, similarity_order
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject


def numbers(rows: int = 400, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"x": rng.normal(size=rows), "y": rng.normal(size=rows)})


def curve(subject: Subject, feature: str = "x", **arguments: Any) -> tuple[Any, Any]:
    found = run(subject, "effect", feature=feature, method="ale", **arguments)
    assert found.figure is not None
    return np.array(found.figure.series[0].x), np.array(found.figure.series[0].y)


def test_of_an_additive_model_it_is_the_centred_function() -> None:
    frame = numbers().assign(x=np.random.default_rng(1).uniform(-2, 2, 400))
    subject = of_rule(frame, lambda rows: rows["x"] ** 2 + 3 * rows["y"])
    x, effect = curve(subject)
    assert np.diff(effect) == pytest.approx(np.diff(x**2))
    # centred over the rows, each taken to be half-way along its step
    assert effect == pytest.approx(x**2 - (frame["x"] ** 2).mean(), abs=0.05)
    found = run(subject, "effect", feature="x", method="ale")
    assert not found.all("ale_always_rises") and not found.all("ale_always_falls")
    assert found.one("ale_range_exact").value == pytest.approx(np.ptp(x**2))
    straight, slope = curve(subject, "y")
    assert np.diff(slope) == pytest.approx(3 * np.diff(straight))
    assert run(subject, "effect", feature="y", method="ale").all("ale_always_rises")


def test_the_mean_over_the_rows_is_taken_off() -> None:
    """By hand: four bins of rows, the mean of both edges of each weighted by its rows."""
    frame = pd.DataFrame({"x": np.arange(1.0, 41.0), "y": np.zeros(40)})
    subject = of_rule(frame, lambda rows: 2 * rows["x"])
    x, effect = curve(subject)
    counts = [((frame["x"] > low) & (frame["x"] <= high)).sum() for low, high in itertools.pairwise(x)]
    counts[0] += 1  # the lowest row belongs to the first interval
    middles = (effect[:-1] + effect[1:]) / 2
    assert np.average(middles, weights=counts) == pytest.approx(0.0, abs=1e-12)
    assert sum(counts) == 40


def beside(rows: pd.DataFrame) -> Any:
    """x alone, except where x is high and y is low, which never occurs where the two go together."""
    return rows["x"] + 10.0 * ((rows["x"] > 0.5) & (rows["y"] < -0.5))


def together(rows: int = 400) -> pd.DataFrame:
    frame = numbers(rows)
    return frame.assign(y=frame["x"] + 0.05 * frame["y"])


def test_it_keeps_to_the_data_where_partial_dependence_leaves_it_and_the_answer_says_so() -> None:
    subject = of_rule(together(), beside)
    x, effect = curve(subject)
    assert np.diff(effect) == pytest.approx(np.diff(x))
    found = run(subject, "effect", feature="x")
    assert found.one("effect_range").number() > 1.3 * np.ptp(x)
    assert found.one("ale_range_differs").value == pytest.approx(np.ptp(x))
    assert found.one("partner").feature == "y"
    assert found.one("partner").value == pytest.approx(together().corr().loc["x", "y"])
    assert not found.all("ale_range_agrees")


def test_where_both_agree_that_is_said_and_without_correlation_nothing_is() -> None:
    def both(rows: pd.DataFrame) -> Any:
        return rows["x"] + rows["y"]

    found = run(of_rule(together(), both), "effect", feature="x")
    assert found.one("ale_range_agrees").value == pytest.approx(np.ptp(together()["x"]))
    assert not found.all("ale_range_differs")
    apart = run(of_rule(numbers(), beside), "effect", feature="x")
    assert not apart.all("partner") and not apart.all("ale_range_agrees") and not apart.all("ale_range_differs")


def test_the_standard_error_covers_what_another_sample_would_give() -> None:
    """x times y, independent: a step from a to b is worth (b - a) E[y], whatever the bins."""
    scores = []
    for seed in range(150):
        frame = numbers(160, seed)
        subject = of_rule(frame, lambda rows: rows["x"] * (1 + rows["y"]))
        found = accumulated(Evaluator(subject.predictor), frame, subject.schema, subject.schema.features[0])
        first, last = 2, len(found.values) - 3
        true = found.values[last] - found.values[first]
        off = float(found.effect[last, 0] - found.effect[first, 0]) - true
        scores.append(off / found.range_error(0, first, last))
    assert np.std(scores) == pytest.approx(1.0, abs=0.2)
    assert abs(np.mean(scores)) < 0.25


def test_the_error_of_a_centred_value_is_that_of_its_sum_of_steps() -> None:
    subject = of_rule(numbers(120), lambda rows: rows["x"] * rows["y"])
    found = accumulated(Evaluator(subject.predictor), subject.data, subject.schema, subject.schema.features[0])
    draws = np.random.default_rng(0).normal(size=(20_000, len(found.steps))) * np.sqrt(found.variances[:, 0])
    sums = np.column_stack([np.zeros(len(draws)), draws.cumsum(axis=1)])
    centred = sums - (draws @ found.weights)[:, None]
    assert found.error(0) == pytest.approx(centred.std(axis=0), rel=0.05)


def grouped(rows: int = 90) -> pd.DataFrame:
    """Three kinds: b lies between a and c in what else is known of them, though the alphabet says otherwise."""
    rng = np.random.default_rng(0)
    kind = rng.choice(["a", "z", "m"], rows)
    centre = {"a": 0.0, "z": 2.0, "m": 4.0}
    return pd.DataFrame(
        {
            "kind": pd.array(kind, dtype="str"),
            "x": rng.normal([centre[one] for one in kind]),
            "y": rng.normal(size=rows),
        }
    )


def test_categories_stand_next_to_those_most_like_them() -> None:
    subject = of_rule(grouped(), lambda rows: rows["x"])
    order = similarity_order(subject.data, subject.schema, "kind", ["a", "m", "z"])
    assert order in (["a", "z", "m"], ["m", "z", "a"])


def test_the_effect_of_categories_by_hand() -> None:
    """Of neighbours in that order, the mean change over the rows of both."""

    def model(rows: pd.DataFrame) -> Any:
        worth = rows["kind"].astype(str).map({"a": 1.0, "z": 2.0, "m": 5.0}).astype(float)
        return worth * (1 + rows["y"])

    frame = grouped()
    subject = of_rule(frame, model)
    found = {
        str(one.at): one.number() for one in run(subject, "effect", feature="kind", method="ale").facts if one.rank
    }
    for first, second in (("a", "z"), ("z", "m")):
        rows = frame[frame["kind"].isin([first, second])]
        step = (model(rows.assign(kind=second)) - model(rows.assign(kind=first))).mean()
        assert found[second] - found[first] == pytest.approx(step)
    shares = frame["kind"].value_counts(normalize=True)
    assert sum(shares[kind] * value for kind, value in found.items()) == pytest.approx(0.0, abs=1e-12)


def test_rows_without_the_value_are_left_out_and_a_range_is_kept_to() -> None:
    subject = toy_subjects.binary()
    found = run(subject, "effect", feature="monthly_income", method="ale")
    assert found.one("ale_rows").value == int(subject.data["monthly_income"].notna().sum())
    x, _ = curve(subject, "age", start=30, stop=50)
    assert x.min() >= 30 and x.max() <= 50
    kept = run(subject, "effect", where("age", "gt", 40), feature="age", method="ale")
    assert kept.one("ale_rows").value == int((subject.data["age"] > 40).sum())


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_every_kind_of_column_has_one(kind: str) -> None:
    subject = toy_subjects.SUBJECTS[kind]()
    for name in subject.schema.names:
        found = run(subject, "effect", feature=name, method="ale")
        assert found.all("ale_range") or found.all("ale_range_exact") or found.all("ale_no_effect")


def test_the_class_that_moves_most_is_followed_unless_one_is_named() -> None:
    subject = toy_subjects.multiclass()
    ranges = {
        one.name: run(subject, "effect", feature="age", method="ale", cls=one.name).one("ale_range").number()
        for one in subject.schema.classes
    }
    assert run(subject, "effect", feature="age", method="ale").one("ale_range").cls == max(
        ranges, key=ranges.__getitem__
    )


def test_what_makes_no_difference_one_row_and_one_value() -> None:
    subject = of_rule(numbers().assign(z=1.0, w=list("ab") * 200), lambda rows: rows["x"])
    assert run(subject, "effect", feature="y", method="ale").one("ale_no_effect").value == 0
    with pytest.raises(ToolError, match="the same"):
        run(subject, "effect", feature="z", method="ale")
    own = run(subject, "effect", Scope(row="3"), feature="x", method="ale")
    assert own.all("effect_start") and [one.flag for one in own.caveats] == ["other_method"]
