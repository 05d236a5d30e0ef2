"""Which features matter significantly, against planted truth and direct computation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_subjects import hand_subject, numbers, view_of
from scipy.stats import false_discovery_control

from askwhy.tools.engines.conditional import NEIGHBOURS
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Change, Condition
from askwhy.tools.subject import Subject


def regression(rows: int = 200, *, use: tuple[float, ...] = (3, -1, 0, 0.3), **options: Any) -> Subject:
    """The truth depends on x0 and x1; the model also reads x3, which tells nothing of the truth."""
    frame = numbers(rows, 4)
    target = 3 * frame["x0"] - frame["x1"] + np.random.default_rng(9).normal(size=rows)
    options = {"target": target, "held_out": np.arange(rows) >= rows // 4, **options}
    return hand_subject(lambda data: data.to_numpy() @ np.array(use), frame, **options)


def classifier(classes: int = 2, *, hard: bool = False) -> Subject:
    frame = numbers(240, 3)
    weights = np.array([[3.0, -3.0, 0.0], [0.0, 1.5, -1.5], [0.0, 0.0, 0.0]])[:, :classes]

    def call(data: pd.DataFrame) -> Any:
        scores = np.exp(data.to_numpy() @ weights)
        chances = scores / scores.sum(axis=1, keepdims=True)
        return np.eye(classes)[chances.argmax(axis=1)] if hard else chances

    names = ["low", "middle", "high"][:classes]
    chances = np.exp(frame.to_numpy() @ weights)
    chances /= chances.sum(axis=1, keepdims=True)
    drawn = (np.random.default_rng(3).random((240, 1)) > chances.cumsum(axis=1)).sum(axis=1)
    return hand_subject(call, frame, names, target=np.array(names)[drawn], held_out=np.ones(240, dtype=bool))


def significance(subject: Subject, row: int | None = None, *where: Condition, **arguments: Any) -> Evidence:
    changes = arguments.pop("changes", ())
    return find_tool("significance")(view_of(subject, row, *where, changes=changes), **arguments)


def named(evidence: Evidence, relation: str) -> dict[str, float]:
    return {str(fact.feature): fact.number() for fact in evidence.all(relation)}


def test_only_what_tells_of_the_truth_passes() -> None:
    found = significance(regression())
    assert set(named(found, "significant")) == {"x0", "x1"}
    assert set(named(found, "unproven")) == {"x2", "x3"}
    assert found.one("passing").number() == 2 and found.one("tested_held_out").number() == 150
    assert named(found, "p_value")["x2"] == 1  # the model does not read it
    assert all(one.passed for one in found.quality)


def test_adjusted_p_values_are_benjamini_hochberg_of_the_p_values() -> None:
    found = significance(regression())
    p = named(found, "p_value")
    corrected = dict(zip(p, false_discovery_control(list(p.values())), strict=True))
    told = {**named(found, "significant"), **named(found, "unproven")}
    assert told == pytest.approx(corrected)


def test_the_effect_is_the_mean_increase_of_the_loss() -> None:
    subject = regression(60, held_out=np.ones(60, dtype=bool))
    found = significance(subject, sampler="marginal")
    view = view_of(subject)
    places = np.argsort(_keys(view.rng, 60), axis=1)[:, :NEIGHBOURS]
    frame, target = subject.data, np.asarray(subject.target)
    own = frame.to_numpy() @ [3, -1, 0, 0.3]
    moved = own[:, None] + 3 * (frame["x0"].to_numpy()[places] - frame["x0"].to_numpy()[:, None])
    increase = ((moved - target[:, None]) ** 2 - (own - target)[:, None] ** 2).mean(axis=1)
    fact = next(one for one in found.all("effect") if one.feature == "x0")
    assert fact.number() == pytest.approx(increase.mean())
    assert fact.error == pytest.approx(increase.std(ddof=1) / np.sqrt(60))


def _keys(rng: np.random.Generator, rows: int) -> Any:
    keys = rng.random((rows, rows))
    np.fill_diagonal(keys, np.inf)
    return keys


def _with_a_copy(seed: int) -> Subject:
    """The truth depends on x0 alone; the model reads its noisy copy a little."""
    rng = np.random.default_rng(seed)
    x0 = rng.normal(size=300)
    frame = pd.DataFrame({"x0": x0, "copy": x0 + 0.3 * rng.normal(size=300), "x2": rng.normal(size=300)})
    target = 2 * x0 + rng.normal(size=300)
    held_out = np.ones(300, dtype=bool)
    return hand_subject(lambda data: 1.8 * data["x0"] + 0.2 * data["copy"], frame, target=target, held_out=held_out)


def test_a_feature_that_only_stands_for_another_passes_only_if_it_is_redrawn_alone() -> None:
    subjects = [_with_a_copy(seed) for seed in range(8)]
    given_the_rest = [named(significance(one), "p_value") for one in subjects]
    alone = [named(significance(one, sampler="marginal"), "p_value") for one in subjects]
    assert np.median([p["copy"] for p in alone]) < 0.01
    assert np.median([p["copy"] for p in given_the_rest]) > 0.1
    assert max(p["x0"] for p in given_the_rest) < 0.01


@pytest.mark.parametrize("subject", [classifier(2), classifier(3), classifier(2, hard=True)])
def test_classifiers_are_tested_by_the_loss_of_the_true_class(subject: Subject) -> None:
    found = significance(subject)
    assert "x0" in named(found, "significant") and "x2" in named(found, "unproven")
    assert "loss" in found.estimand or "error" in found.estimand


def test_a_class_can_be_asked_about() -> None:
    found = significance(classifier(3), cls="high")
    assert "x1" in named(found, "significant") and "x0" not in found.estimand
    with pytest.raises(ToolError):
        significance(classifier(3), cls="none of these")


def test_training_rows_do_not_keep_the_rate_and_that_is_said() -> None:
    found = significance(regression(held_out=np.zeros(200, dtype=bool)))
    assert "rate_not_kept" in {caveat.flag for caveat in found.caveats}
    assert not found.all("tested_held_out") and found.one("tested_rows").number() == 200


def test_without_a_truth_the_output_must_move_by_more_than_a_margin() -> None:
    found = significance(regression(target=None, use=(3, -1, 0, 0.001)))
    assert set(named(found, "significant")) == {"x0", "x1"}
    assert "no_truth" in {caveat.flag for caveat in found.caveats}
    spread = (regression().data.to_numpy() @ [3, -1, 0, 0.001]).std()
    assert found.one("margin").number() == pytest.approx(0.01 * spread)


def test_changed_rows_have_no_truth() -> None:
    found = significance(regression(), changes=(Change(feature="x0", action="increase", value=1),))
    assert found.one("changed_rows").number() == 200


def test_an_ordinary_row_has_no_significant_value_and_an_extreme_one_has() -> None:
    frame = numbers(400, 3)
    frame.loc[7, "x0"] = 9.0
    frame.loc[8] = 0.0
    subject = hand_subject(lambda data: 3 * data["x0"] - data["x1"], frame)
    extreme = significance(subject, 7)
    assert set(named(extreme, "significant")) == set() and set(named(extreme, "significant_here")) == set()
    assert named(extreme, "local_significant").keys() == {"x0"}
    assert extreme.one("typical_draws").number() == 199
    assert extreme.one("largest_output").feature == "x0" and extreme.one("largest_output").number() > 20
    ordinary = significance(subject, 8)
    assert not ordinary.all("local_significant") and ordinary.one("none_passing_here").number() == 3


def test_the_p_value_of_a_value_is_its_place_among_the_draws() -> None:
    frame = pd.DataFrame({"x0": np.arange(41.0)})
    subject = hand_subject(lambda data: data["x0"], frame)
    p = {row: named(significance(subject, row), "p_value")["x0"] for row in (0, 20, 40)}
    # Of 41 equally spaced values, both ends are as far from the middle as any; nothing is nearer than the middle one.
    assert p == {0: 2 / 41, 20: 1.0, 40: 2 / 41}


def test_too_few_rows_are_refused_or_said() -> None:
    with pytest.raises(ToolError, match="at least 10 rows"):
        significance(regression(), None, Condition(feature="x0", op="gt", value=1.6))
    few = significance(hand_subject(lambda data: data["x0"], numbers(15, 3)), 0)
    assert "too_few_draws" in {caveat.flag for caveat in few.caveats} and not few.quality[0].passed
    with pytest.raises(ToolError, match="nothing to redraw"):
        significance(hand_subject(lambda data: data["x0"], numbers(5, 3)), 0)


def test_the_order_of_the_columns_does_not_matter() -> None:
    first = regression()
    frame = first.data[["x3", "x1", "x0", "x2"]]
    second = hand_subject(
        lambda data: data[["x0", "x1", "x2", "x3"]].to_numpy() @ [3, -1, 0, 0.3],
        frame,
        target=first.target,
        held_out=first.held_out,
    )
    for relation in ("p_value", "effect"):
        assert named(significance(first), relation) == pytest.approx(named(significance(second), relation), abs=1e-9)
