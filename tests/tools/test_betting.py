"""Tests by betting: fair under the null, and quick where something is there."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binom

from askwhy.tools.engines.betting import (
    STAKES,
    Similarities,
    conditional_payoffs,
    outcome,
    two_sample_payoffs,
    wealth,
)
from askwhy.tools.engines.planted import Kind, concept_runs, marginal_runs

RUNS, ALPHA = 200, 0.05


def test_wealth_is_the_mean_over_stakes_of_what_is_won() -> None:
    payoffs = np.array([[0.5, -1.0, 0.25]])
    by_hand = np.mean([np.cumprod([1 + stake * won for won in (0.5, -1.0, 0.25)]) for stake in STAKES], axis=0)
    np.testing.assert_allclose(wealth(payoffs), by_hand)


def test_it_stops_at_the_first_round_that_reaches_the_level() -> None:
    payoffs = np.ones((1, 10))
    found = outcome(payoffs, ALPHA)
    path = wealth(payoffs)
    assert found.at is not None and path[found.at - 1] >= 20 > path[found.at - 2]
    assert found.wealth == path[found.at - 1]
    assert outcome(np.zeros((1, 10)), ALPHA).at is None
    assert outcome(np.zeros((1, 10)), ALPHA).wealth == 1


def test_a_bet_knows_only_the_past() -> None:
    rng = np.random.default_rng(0)
    one, other = rng.normal(size=(2, 40, 1))
    before = two_sample_payoffs(one, other)
    later = one.copy()
    later[30] = one[31]
    later[31] = one[30]  # the pooled values, which set the kernels' width, stay the same
    np.testing.assert_allclose(two_sample_payoffs(later, other)[:, :30], before[:, :30])


def test_swapping_the_two_samples_mirrors_no_bet_and_swapping_one_pair_turns_its_payoff() -> None:
    rng = np.random.default_rng(1)
    one, other = rng.normal(size=(2, 30, 1))
    payoffs = two_sample_payoffs(one, other)
    one[[29]], other[[29]] = other[[29]], one[[29]]
    np.testing.assert_allclose(two_sample_payoffs(one, other)[:, 29], -payoffs[:, 29])


def test_equal_outputs_win_nothing() -> None:
    same = np.full((50, 1), 0.3)
    assert not two_sample_payoffs(same, same).any()
    alike = Similarities.of(np.zeros((50, 1)), np.ones((50, 50)))
    marks = np.random.default_rng(0).random(50) - 0.5
    assert not conditional_payoffs(alike, marks, np.arange(50)).any()


def test_samples_that_differ_in_place_or_in_spread_are_told_apart() -> None:
    rng = np.random.default_rng(2)
    for shift, scale in ((2.0, 1.0), (0.0, 4.0)):
        found = outcome(two_sample_payoffs(shift + scale * rng.normal(size=(150, 1)), rng.normal(size=(150, 1))), ALPHA)
        assert found.at is not None and found.at < 100


def fair(rejections: int) -> bool:
    """Whether so many false alarms in RUNS are no rare accident at the level."""
    return bool(binom.sf(rejections - 1, RUNS, ALPHA) > 0.01)


def test_random_marks_are_rarely_called_associated() -> None:
    assert fair(sum(one.rejected for one in marginal_runs(RUNS, alpha=ALPHA, rows=200)))


@pytest.mark.parametrize("kind", ["absent", "confounded"])
def test_a_concept_without_use_is_rarely_called_used(kind: Kind) -> None:
    assert fair(sum(one.rejected for one in concept_runs(RUNS, kind, alpha=ALPHA, rows=150)))


def test_a_concept_that_is_only_correlated_with_what_is_used_is_never_called_used() -> None:
    assert not any(one.rejected for one in concept_runs(30, "correlated", rows=150))


@pytest.mark.parametrize(("kind", "least"), [("used", 0.95), ("subgroup", 0.9), ("crossed", 0.4)])
def test_a_planted_concept_is_found(kind: Kind, least: float) -> None:
    found = concept_runs(30, kind, rows=250)
    assert np.mean([one.rejected for one in found]) >= least
