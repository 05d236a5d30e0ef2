"""Which of two models is better, against scikit-learn, counts by hand and a simulation of the interval."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_subjects import hand_subject, numbers, view_of
from rival_subjects import with_rival

from askwhy.tools.engines.two_models import accuracy_lead, lead_on, paired_lead
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.permutation import permutation_importance
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Change, Condition
from askwhy.tools.subject import Subject

ROWS = 400
HELD_OUT = np.arange(ROWS) % 2 == 0


def sure(yes: Any) -> Any:
    chance = np.where(np.asarray(yes), 0.9, 0.2)
    return np.column_stack([1 - chance, chance])


def truth(frame: pd.DataFrame) -> Any:
    return np.where(frame["x0"] + 0.5 * frame["x1"] > 0, "yes", "no")


def two_classes() -> Subject:
    """A model that looks at x0 alone, and one that looks at x1 alone."""
    frame = numbers(ROWS, 3, seed=5)
    subject = hand_subject(
        lambda data: sure(data["x0"] > 0), frame, ["no", "yes"], target=truth(frame), held_out=HELD_OUT
    )
    return with_rival(subject, blind_one=lambda data: sure(data["x1"] > 0))


def numbers_two(shift: float) -> Subject:
    frame = numbers(ROWS, 3, seed=6)
    target = 2 * frame["x0"] + frame["x1"]
    subject = hand_subject(lambda data: 2 * data["x0"] + data["x1"] + 0.1, frame, target=target, held_out=HELD_OUT)
    return with_rival(subject, shifted=lambda data: 2 * data["x0"] + data["x1"] * (1 - shift))


def ask(subject: Subject, *where: Condition, seed: int = 0, **arguments: Any) -> Evidence:
    return find_tool("compare_models")(view_of(subject, None, *where, seed=seed), **arguments)


def test_scores_and_disagreements_are_those_of_the_held_out_rows() -> None:
    from sklearn.metrics import accuracy_score, log_loss, roc_auc_score

    subject = two_classes()
    rows = subject.data[HELD_OUT]
    actual = truth(rows)
    own, rival = (np.where(rows[name] > 0, "yes", "no") for name in ("x0", "x1"))
    found = ask(subject)
    assert found.one("held_out").value == 200
    assert found.one("own_score").number() == pytest.approx(accuracy_score(actual, own))
    assert found.one("rival_score").number() == pytest.approx(accuracy_score(actual, rival))
    assert found.one("agreement").number() == pytest.approx((own == rival).mean())
    apart = own != rival
    assert found.one("disagreements").value == apart.sum()
    assert found.one("own_right").value == (own == actual)[apart].sum()
    assert found.one("rival_right").value == (rival == actual)[apart].sum()
    also = {str(fact.group): fact.number() for fact in found.all("also")}
    chances = {"this model": np.where(rows["x0"] > 0, 0.9, 0.2), "blind one": np.where(rows["x1"] > 0, 0.9, 0.2)}
    for name, chance in chances.items():
        assert also[f"area under the ROC curve of {name}"] == pytest.approx(roc_auc_score(actual == "yes", chance))
        assert also[f"log loss of {name}"] == pytest.approx(log_loss(actual == "yes", chance))
    assert found.one("better").group == "this model" and not found.all("ahead")
    assert found.one("lead_low").number() > 0
    assert {"rival_training", "no_verdict"} <= {one.flag for one in found.caveats}


def test_the_better_one_may_be_the_rival() -> None:
    subject = two_classes()
    swapped = with_rival(
        dataclasses.replace(subject, predictor=subject.rivals[0].predictor), good=lambda data: sure(data["x0"] > 0)
    )
    first, second = ask(subject), ask(swapped)
    assert second.one("better").group == "good"
    for relation in ("better", "lead_low", "lead_high"):
        assert second.one(relation).number() == pytest.approx(first.one(relation).number())


def test_where_the_interval_holds_zero_nothing_is_decided() -> None:
    frame = numbers(ROWS, 2, seed=1)
    target = np.where(frame["x0"] > 0, "yes", "no")
    subject = hand_subject(lambda data: sure(data["x0"] > 0.02), frame, ["no", "yes"], target=target)
    subject = with_rival(subject, near=lambda data: sure(data["x0"] > -0.03))
    found = ask(subject)
    assert not found.all("better")
    assert found.one("lead_low").number() <= 0 <= found.one("lead_high").number()
    same = ask(with_rival(subject, twin=lambda data: sure(data["x0"] > 0.02)))
    assert same.one("no_lead").value == "twin" and same.one("agreement").number() == 1 and not same.all("own_right")


def test_the_interval_of_two_accuracies_covers() -> None:
    rng = np.random.default_rng(0)
    chances, rows, runs = np.array([0.62, 0.13, 0.07, 0.18]), 120, 1500
    gap = chances[1] - chances[2]
    covered = decided = 0
    for _ in range(runs):
        kind = rng.choice(4, rows, p=chances)  # both right, only the first, only the second, neither
        lead = accuracy_lead(kind <= 1, (kind == 0) | (kind == 2))
        assert lead.value == pytest.approx(((kind == 1).sum() - (kind == 2).sum()) / rows)
        covered += lead.low <= gap <= lead.high
        even = rng.permuted(kind)
        flipped = np.where((even == 1) | (even == 2), 1 + (rng.random(rows) < 0.5), even)
        decided += accuracy_lead(flipped <= 1, (flipped == 0) | (flipped == 2)).clear
    assert covered / runs > 0.94
    assert decided / runs < 0.06  # of equal models, at most so many are told apart


def test_the_paired_bootstrap_agrees_with_theory() -> None:
    rng = np.random.default_rng(1)
    actual = rng.normal(size=400)
    first, second = actual + rng.normal(0, 1, 400), actual + rng.normal(0, 1.3, 400)
    lead = lead_on("mae", actual, first[:, None], second[:, None], np.random.default_rng(2))
    each = np.abs(second - actual) - np.abs(first - actual)
    half = 1.96 * each.std(ddof=1) / np.sqrt(400)
    assert lead.value == pytest.approx(each.mean())
    assert lead.low == pytest.approx(each.mean() - half, abs=0.2 * half)
    assert lead.high == pytest.approx(each.mean() + half, abs=0.2 * half)
    undefined = paired_lead(
        lambda truth, found: float("nan"), actual, first[:, None], second[:, None], rng, lower_is_better=True
    )
    assert np.isnan(undefined.low)


def test_of_numbers_the_one_with_the_smaller_error_is_better() -> None:
    subject = numbers_two(0.5)
    rows = subject.data[HELD_OUT]
    found = ask(subject)
    off = 0.5 * rows["x1"].abs()
    assert found.one("own_score").number() == pytest.approx(0.1)
    assert found.one("rival_score").number() == pytest.approx(off.mean())
    assert found.one("better").group == "this model"
    assert found.one("better").number() == pytest.approx(off.mean() - 0.1)
    assert found.one("own_nearer").number() == pytest.approx((off > 0.1).mean())
    assert found.one("apart").number() == pytest.approx((0.5 * rows["x1"] + 0.1).abs().mean())


def test_what_each_relies_on_is_its_own_permutation_importance() -> None:
    subject = two_classes()
    view = view_of(subject)
    found = ask(subject)
    for relation, one in (("own_relies", view), ("rival_relies", view.seen_by(subject.rival()))):
        expected = permutation_importance(one, None)
        for fact in found.all(relation):
            assert fact.number() == pytest.approx(expected.values[subject.schema.names.index(str(fact.feature))])
    assert [fact.feature for fact in found.all("own_relies")] == ["x0"]
    assert [fact.feature for fact in found.all("rival_relies")] == ["x1"]
    assert found.one("shared").value == 0
    assert found.table is not None and found.table.columns == ("feature", "this model", "blind one")


def test_a_selection_is_compared_on_its_rows() -> None:
    subject = two_classes()
    found = ask(subject, Condition(feature="x2", op="gt", value=0.5))
    chosen = subject.data[HELD_OUT & (subject.data["x2"] > 0.5).to_numpy()]
    assert found.one("held_out").value == len(chosen)
    assert found.one("own_score").number() == pytest.approx(
        (np.where(chosen["x0"] > 0, "yes", "no") == truth(chosen)).mean()
    )


def test_several_classes() -> None:
    frame = numbers(ROWS, 2, seed=2)

    def call(name: str) -> Any:
        return lambda data: np.eye(3)[np.digitize(data[name], [-0.5, 0.5])] * 0.7 + 0.1

    target = np.array(["low", "mid", "high"])[np.digitize(frame["x0"], [-0.5, 0.5])]
    subject = with_rival(hand_subject(call("x0"), frame, ["low", "mid", "high"], target=target), other=call("x1"))
    found = ask(subject)
    assert found.one("own_score").number() == 1 and found.one("better").group == "this model"
    assert found.one("rival_relies_none").value == "other" or found.all("rival_relies")


def test_what_cannot_be_compared_is_refused() -> None:
    subject = two_classes()
    with pytest.raises(ToolError, match="true values are not known"):
        ask(dataclasses.replace(subject, target=None))
    with pytest.raises(ToolError, match="predict classes"):
        ask(subject, measure="rmse")
    with pytest.raises(ToolError, match="predict a number"):
        ask(numbers_two(0.1), measure="accuracy")
    with pytest.raises(ToolError, match="blind one"):
        ask(subject, model="other")
    changed = view_of(subject, changes=(Change(feature="x0", action="increase", value=1.0),))
    with pytest.raises(ToolError, match="changed rows"):
        find_tool("compare_models")(changed)
    one_class = Condition(on="actual", value="yes")
    with pytest.raises(ToolError, match="undefined"):
        ask(subject, one_class, measure="roc_auc")


def test_few_rows_are_scored_but_not_shuffled() -> None:
    found = ask(two_classes(), Condition(feature="x2", op="gt", value=1.8))
    assert found.one("held_out").number() < 20 and not found.all("own_relies")
    assert {"small_n"} <= {one.flag for one in found.caveats}
