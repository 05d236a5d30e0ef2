"""Anchors against planted rules, and their parts against numbers worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from table_subjects import of_rule, run

from askwhy.tools.engines.alike_draws import AlikeDraws
from askwhy.tools.engines.anchors import Arm, Pace, divergence, kl_bound, kl_lucb
from askwhy.tools.engines.rules import Predicate, cuts, holds, joined, rule_words
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject

NUMBER = Feature(name="months", label="duration", kind="number", unit="months")
COLOUR = Feature(name="colour", label="colour", kind="category")


def frame(rows: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "colour": pd.array(rng.choice(["red", "green", "blue"], rows), dtype="str"),
            "size": rng.integers(0, 100, rows),
            "noise": rng.normal(size=rows),
        }
    )


def planted(rule: Any) -> Subject:
    data = frame()
    return of_rule(data, rule, rule(data))


def red_and_large(data: pd.DataFrame) -> Any:
    return np.where((data["colour"] == "red") & (data["size"] > 40), "yes", "no")


def row_where(subject: Subject, mask: Any) -> Scope:
    return Scope(row=str(subject.data.index[np.flatnonzero(mask)[0]]))


def test_the_planted_rule_is_found_with_its_coverage() -> None:
    subject = planted(red_and_large)
    data = subject.data
    scope = row_where(subject, (data["colour"] == "red") & (data["size"] > 80))
    found = run(subject, "anchor", scope)
    rule = found.one("anchor")
    assert rule.cls == "yes" and rule.group is not None and "noise" not in rule.group
    assert found.one("rule_value").value == "red" and found.one("rule_value").feature == "colour"
    bound = found.one("rule_above")
    assert bound.feature == "size"
    meets = (data["colour"] == "red") & (data["size"] > bound.number())
    assert found.one("covered").value == meets.sum()
    assert found.one("coverage").value == pytest.approx(meets.mean())
    truth = (data["size"][data["size"] > bound.number()] > 40).mean()
    assert abs(rule.number() - truth) < 0.02
    assert 0.95 <= found.one("precision_low").number() <= rule.number()
    assert found.quality[0].check == "C13" and found.quality[0].passed


def test_one_failing_condition_is_enough_for_the_other_class() -> None:
    subject = planted(red_and_large)
    found = run(subject, "anchor", row_where(subject, subject.data["colour"] == "green"))
    assert [one.relation for one in found.facts if one.relation.startswith("rule_")] == ["rule_value"]
    assert found.one("rule_value").value == "green" and found.one("anchor").value == 1.0


def test_what_no_rule_holds_is_not_called_a_rule() -> None:
    subject = planted(lambda data: np.where(np.floor(data["noise"] * 50) % 2 == 0, "yes", "no"))
    found = run(subject, "anchor", Scope(row="0"), conditions=2)
    assert not found.all("anchor") and not found.all("precision_low")
    assert found.one("no_rule").number() < 0.95
    assert not found.quality[0].passed and found.one("most").value == 2


def test_a_prediction_that_never_changes_needs_no_condition() -> None:
    subject = planted(lambda data: np.where(data["size"] > 98, "yes", "no"))
    found = run(subject, "anchor", Scope(row=str(int(subject.data["size"].idxmin()))))
    assert found.one("unconditional").cls == "no" and not found.all("rule_value")


def test_a_number_is_held_within_a_band() -> None:
    data = frame()
    subject = of_rule(data, lambda rows: 10.0 * (rows["colour"] == "red") + 0.01 * rows["noise"], np.zeros(len(data)))
    scope = row_where(subject, data["colour"] == "red")
    found = run(subject, "anchor", scope, within=1.0)
    assert found.one("anchor_number").group == "colour red" and found.one("anchor_number").value == 1.0
    assert found.one("band").value == 1.0 and found.one("estimate").number() == pytest.approx(10, abs=0.1)
    tight = run(subject, "anchor", scope, within=1e-6)
    assert tight.one("no_rule").number() < 0.5


def together() -> Subject:
    """Twelve measurements of one size, all of which the model adds up: alone none of them decides."""
    rng = np.random.default_rng(4)
    size = rng.normal(size=300)
    data = pd.DataFrame({f"m{j}": size + 0.15 * rng.normal(size=300) for j in range(12)})
    return of_rule(data, lambda rows: np.where(rows.sum(axis=1) > 0, "large", "small"), ["large", "small"] * 150)


def test_a_rule_for_features_that_go_together_is_one_for_such_cases_only() -> None:
    subject = together()
    scope = Scope(row=str(int(subject.data.sum(axis=1).idxmax())))
    found = run(subject, "anchor", scope, conditions=2)
    rule = found.one("anchor_alike")
    assert not found.all("anchor") and not found.all("no_rule") and found.quality[0].passed
    assert rule.cls == "large" and found.one("independent").number() < 0.9
    assert {caveat.flag for caveat in found.caveats} == {"alike_draws"}
    bounds = {str(fact.feature): fact.number() for fact in found.all("rule_above")}
    meets = np.logical_and.reduce([subject.data[name] > bound for name, bound in bounds.items()])
    assert found.one("covered").value == meets.sum() and len(bounds) <= 2
    assert (subject.data[meets].sum(axis=1) > 0).mean() > 0.95


def test_draws_alike_mix_two_rows_that_meet_the_rule() -> None:
    subject = together()
    rule = (Predicate(subject.schema.features[0], low=0.5), Predicate(subject.schema.features[3], high=1.5))

    def large(outputs: Any) -> Any:
        return outputs.argmax(axis=1) == 0

    row, rng = subject.data.iloc[[0]], np.random.default_rng(0)
    draws = AlikeDraws(Evaluator(subject.predictor), row, subject.data, large, rng, schema=subject.schema)
    source = draws._rows(rule, 50)
    met = np.flatnonzero(holds(rule, subject.data))
    assert set(source.ravel()) <= set(met) and all(len(set(one)) <= 2 for one in source)
    assert len(set(source.ravel())) > 10 and max(len(set(one)) for one in source) == 2
    kept = large(subject.predictor(subject.data.iloc[met]))
    assert draws.real(rule) == (pytest.approx(kept.mean()), len(met))
    assert draws.admits(rule) == (len(met) >= 59 and kl_bound(kept.mean(), np.log(20) / len(met), upper=False) >= 0.95)
    rare = (Predicate(subject.schema.features[0], low=float(subject.data["m0"].quantile(0.9))),)
    assert draws.real(rare)[1] < 59 and not draws.admits(rare)


def test_too_few_rows_are_refused() -> None:
    small = of_rule(frame(10), red_and_large, red_and_large(frame(10)))
    with pytest.raises(ToolError, match="at least 20"):
        run(small, "anchor", Scope(row="0"))


def test_bounds_invert_the_divergence() -> None:
    assert divergence(0.5, 0.25) == pytest.approx(0.5 * np.log(2) + 0.5 * np.log(2 / 3))
    for share, level in ((0.5, 0.1), (0.9, 0.01), (1.0, 0.02)):
        low = kl_bound(share, level, upper=False)
        assert low < share and divergence(share, low) == pytest.approx(level, rel=1e-6)
    assert kl_bound(1.0, 0.1, upper=True) == 1.0 and kl_bound(0.0, 0.1, upper=False) == 0.0
    assert kl_bound(1.0, 0.02, upper=False) == pytest.approx(np.exp(-0.02))


def test_the_lower_bound_holds_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    shares = rng.binomial(2000, 0.95, 2000) / 2000
    above = np.mean([kl_bound(one, np.log(1 / 0.05) / 2000, upper=False) > 0.95 for one in shares])
    assert above <= 0.05


class Coins:
    """Arms whose precision is known."""

    pace = Pace()

    def __init__(self, truth: list[float]) -> None:
        self.truth, self.rng, self.arms = truth, np.random.default_rng(2), [Arm((), share) for share in truth]

    def extend(self, arms: Any, count: int) -> None:
        for arm in arms:
            arm.draws, arm.kept = arm.draws + count, arm.kept + int(self.rng.binomial(count, arm.coverage))


def test_the_best_arms_are_told_apart() -> None:
    coins = Coins([0.2, 0.95, 0.4, 0.85, 0.3, 0.6])
    best = kl_lucb(coins, coins.arms, 2)  # type: ignore[arg-type]
    assert {arm.coverage for arm in best} == {0.95, 0.85}
    assert min(arm.draws for arm in coins.arms) < max(arm.draws for arm in coins.arms)


def test_rules_read_as_words_and_select_what_they_say() -> None:
    rows = pd.DataFrame({"months": [6.0, 24.0, 36.0, np.nan], "colour": ["red", "red", "blue", "red"]})
    between = joined((Predicate(NUMBER, low=12),), Predicate(NUMBER, high=24))
    assert between is not None and rule_words(between) == "duration above 12 and at most 24 months"
    assert holds(between, rows).tolist() == [False, True, False, False]
    both = joined(between, Predicate(COLOUR, value="red"))
    assert both is not None and rule_words(both) == "colour red, and duration above 12 and at most 24 months"
    assert joined(both, Predicate(COLOUR, value="blue")) is None
    assert joined(between, Predicate(NUMBER, high=30)) is None and joined(between, Predicate(NUMBER, high=12)) is None
    assert rule_words((Predicate(NUMBER, missing=True),)) == "duration missing"
    assert holds((Predicate(NUMBER, missing=True),), rows).tolist() == [False, False, False, True]


def test_cut_points_part_the_data_and_are_short_numbers() -> None:
    cells = pd.Series(np.random.default_rng(0).normal(1000, 300, 500))
    found = cuts(NUMBER, cells, 3)
    assert [(cells <= one).mean() for one in found] == pytest.approx([0.25, 0.5, 0.75], abs=0.02)
    assert all(one == float(f"{one:.3g}") for one in found)
    dates = pd.Series(pd.date_range("2020-01-01", periods=100))
    assert cuts(Feature(name="d", label="d", kind="date"), dates, 1) == ["2020-02-19"]
