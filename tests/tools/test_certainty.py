"""Observed rates, conformal sets and calibration against direct computation and models whose truth is known."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from table_subjects import changed, loan_subject, of_rule, run, values

from askwhy.tools.engines import conformal, reliability
from askwhy.tools.engines.metrics import wilson
from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Change, Condition, Scope, Where
from askwhy.tools.subject import Subject


def held_out(subject: Subject, but: str | None = None) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Outputs and truth (class positions, or numbers) of the held-out rows, without one of them."""
    keep = subject.held_out & (subject.data.index != but)
    truth = subject.target[keep]
    if not subject.regression:
        names = [str(label.value) for label in subject.schema.classes]
        truth = truth.map(names.index)
    return subject.predictor(subject.data)[keep], truth.to_numpy()


def chances(rows: int, seed: int, bend: float = 1.0) -> Subject:
    """A model that says p where the truth is p bent away from one half: bend 1 is perfectly calibrated."""
    rng = np.random.default_rng(seed)
    said = rng.uniform(0.02, 0.98, rows)
    odds = bend * np.log(said / (1 - said))
    truth = np.where(rng.random(rows) < 1 / (1 + np.exp(-odds)), "y", "n")
    return of_rule(pd.DataFrame({"p": said}), lambda frame: frame["p"], truth, held_out=np.arange(rows) >= 0)


def test_the_rate_is_that_of_the_held_out_rows_with_the_nearest_scores() -> None:
    subject = chances(400, 1)
    outputs, truth = held_out(subject, "17")
    score = subject.data.loc["17", "p"]
    label = subject.schema.classes[int(score > 0.5)]
    one = subject.schema.classes.index(label)
    near = np.argsort(np.abs(outputs[:, one] - outputs_of(subject, "17")[one]))[: 399 // 5]
    found = run(subject, "certainty", Scope(row="17"))
    true = int((truth[near] == one).sum())
    assert found.one("rate_rows").value == 79 and found.one("rate").cls == label.name
    assert found.one("rate").number() == pytest.approx(true / 79)
    assert (found.one("rate_low").number(), found.one("rate_high").number()) == pytest.approx(wilson(true, 79))
    assert found.one("score_low").number() == pytest.approx(outputs[near, one].min())


def outputs_of(subject: Subject, row: str) -> np.ndarray[Any, Any]:
    return subject.predictor(subject.row(row))[0]


@pytest.mark.parametrize("sets", ["lac", "aps"])
def test_the_set_is_what_split_conformal_prediction_says(sets: str) -> None:
    subject = toy_subjects.multiclass()
    outputs, truth = held_out(subject, "3")

    def badness(row: Any, position: int) -> float:
        likelier = sum(float(chance) for chance in row if chance >= row[position])
        return 1 - float(row[position]) if sets == "lac" else likelier

    own = sorted(badness(row, position) for row, position in zip(outputs, truth, strict=True))
    limit = own[math.ceil((len(own) + 1) * 0.8) - 1]
    here = outputs_of(subject, "3")
    expected = {label.name for i, label in enumerate(subject.schema.classes) if badness(here, i) <= limit + 1e-12}
    found = run(subject, "certainty", Scope(row="3"), level=0.8, sets=sets)
    assert set(values(found, "in_set")) == expected
    assert bool(found.all("best_of_none")) == (not expected)


def test_the_interval_is_the_prediction_and_a_quantile_of_the_residuals() -> None:
    subject = toy_subjects.regression()
    outputs, truth = held_out(subject)
    off = np.sort(np.abs(outputs[:, 0] - truth))
    limit = off[math.ceil(31 * 0.9) - 1]
    found = run(subject, "certainty", Scope(row="3"))  # row 3 is a training row, so all thirty count
    assert found.one("interval_from").number() == pytest.approx(outputs_of(subject, "3")[0] - limit)
    assert found.one("interval_to").number() == pytest.approx(outputs_of(subject, "3")[0] + limit)


def test_too_few_rows_promise_nothing() -> None:
    subject = toy_subjects.regression()
    found = run(subject, "certainty", Scope(row="3"), level=0.99)
    assert not found.all("interval_from") and "small_n" in {caveat.flag for caveat in found.caveats}


def test_measured_coverage_reaches_the_level_and_fails_only_by_chance() -> None:
    rng = np.random.default_rng(0)
    means = []
    for _ in range(40):
        scores = rng.exponential(size=120)
        means.append(conformal.coverage(scores, 0.9, rng).mean())
    assert np.mean(means) == pytest.approx(55 / 61, abs=0.01)  # half of 120: the 55th of 60 is the threshold
    assert conformal.threshold(np.arange(1, 10.0), 0.9) == 9.0
    assert conformal.threshold(np.arange(1, 9.0), 0.9) == math.inf


def test_coverage_that_does_not_hold_for_a_class_is_told() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": np.r_[np.full(900, 0.95), np.full(100, 0.05)]})
    truth = np.where(rng.random(1000) < np.where(frame["x"] > 0.5, 0.99, 0.5), "y", "n")
    subject = of_rule(frame, lambda rows: rows["x"], truth, held_out=np.ones(1000, dtype=bool))
    found = run(subject, "certainty", Scope(row="950"))
    marks = {one.check: one for one in found.quality}
    assert marks["coverage"].passed and not marks["conditional coverage"].passed
    assert "uneven_coverage" in {caveat.flag for caveat in found.caveats}
    assert marks["conditional coverage"].value == pytest.approx(
        (truth[900:] == "n")[np.arange(100) != 50].mean(), abs=0.02
    )


def test_what_is_unlike_the_training_data_is_said_so() -> None:
    odd = changed("5", Change(feature="age", value=95), Change(feature="savings", value=90.0))
    flags = [{caveat.flag for caveat in run(loan_subject(), "certainty", one).caveats} for one in (odd, Scope(row="5"))]
    assert "unlike" in flags[0] and "unlike" not in flags[1]


def test_a_text_can_be_asked_about_too() -> None:
    found = run(toy_subjects.text(), "certainty", Scope(text="a great warm film"))
    assert found.one("rate").cls == "fresh" and not found.all("further_share")


@pytest.mark.parametrize("seed", range(4))
def test_a_calibrated_model_passes_and_an_overconfident_one_does_not(seed: int) -> None:
    good, bad = (run(chances(800, seed, bend), "calibration") for bend in (1.0, 0.4))
    assert good.all("expected_calibrated") and good.one("p_calibrated").number() > 0.05
    assert bad.one("p_miscalibrated").number() == pytest.approx(1 / 1001)
    assert bad.one("ece").number() > 2 * bad.one("expected_miscalibrated").number()


def test_a_calibrated_model_is_blamed_in_about_one_case_in_twenty() -> None:
    rng = np.random.default_rng(8)
    blamed = 0
    for _ in range(200):
        said = rng.uniform(0, 1, 150)
        true = (rng.random(150) < said).astype(float)
        blamed += reliability.by_chance(said, true, True, rng)[1] <= 0.05
    assert blamed <= 20  # 10 expected; 20 or fewer in more than 99.9 % of runs


def test_the_calibration_error_is_the_weighted_gap_of_equal_bins() -> None:
    subject = chances(400, 5)
    outputs, truth = held_out(subject)
    said, true = outputs[:, 1], truth.astype(float)
    order = np.argsort(said)
    gaps = [abs(said[part].mean() - true[part].mean()) * len(part) for part in np.array_split(order, 10)]
    found = run(subject, "calibration", cls=subject.schema.classes[1].name)
    assert found.one("ece").number() == pytest.approx(sum(gaps) / 400)
    assert found.one("bins").value == 10 and len(found.table.rows) == 10
    assert found.one("ece_low").number() <= found.one("ece").number() <= found.one("ece_high").number()
    assert found.one("brier").number() == pytest.approx(((said - true) ** 2).mean())
    worst = max(np.array_split(order, 10), key=lambda part: abs(said[part].mean() - true[part].mean()))
    assert found.one("worst_said").number() == pytest.approx(said[worst].mean())
    assert found.figure.series[0].x == pytest.approx(tuple(said[part].mean() for part in np.array_split(order, 10)))


def test_of_several_classes_the_predicted_one_is_judged_unless_one_is_named() -> None:
    subject = toy_subjects.multiclass()
    outputs, truth = held_out(subject)
    found = run(subject, "calibration")
    assert found.one("mean_said").number() == pytest.approx(outputs.max(axis=1).mean())
    assert found.one("mean_true").number() == pytest.approx((outputs.argmax(axis=1) == truth).mean())
    label = subject.schema.classes[1]
    named = run(subject, "calibration", cls=label.name)
    assert named.one("mean_said").number() == pytest.approx(outputs[:, 1].mean())
    assert named.one("mean_true").number() == pytest.approx((truth == 1).mean())


def test_numbers_that_are_too_high_throughout_are_miscalibrated() -> None:
    rng = np.random.default_rng(6)
    frame = pd.DataFrame({"x": rng.uniform(0, 10, 300)})
    truth = frame["x"] + rng.normal(0, 1, 300)
    right = run(of_rule(frame, lambda rows: rows["x"], truth, held_out=np.ones(300, dtype=bool)), "calibration")
    high = run(of_rule(frame, lambda rows: rows["x"] + 2, truth, held_out=np.ones(300, dtype=bool)), "calibration")
    assert right.all("p_calibrated") and high.all("p_miscalibrated")
    assert high.one("ece").number() == pytest.approx(2, abs=0.2)
    assert high.one("mean_predicted").number() - high.one("mean_truth").number() == pytest.approx(2, abs=0.2)


def test_calibration_is_asked_of_a_selection_and_refused_where_it_means_nothing() -> None:
    subject = chances(400, 5)
    low = Scope(where=Where.of(Condition(feature="p", op="lt", value=0.5)))
    assert run(subject, "calibration", low).one("held_out").value == int((subject.data["p"] < 0.5).sum())
    with pytest.raises(ToolError, match="at least 20"):
        run(subject, "calibration", Scope(row="5"))
    with pytest.raises(ToolError, match="changed cases"):
        run(subject, "calibration", Scope(changes=(Change(feature="p", action="scale", value=0.5),)))
    hard = dataclasses.replace(subject, predictor=dataclasses.replace(subject.predictor, hard=True))
    with pytest.raises(ToolError):
        run(hard, "calibration")
