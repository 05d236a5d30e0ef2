"""Many tests at once, and the samplers and p-values behind them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from hand_subjects import hand_subject, numbers, view_of

from askwhy.tools.engines.conditional import Lenders, positions_of
from askwhy.tools.engines.discoveries import adjusted, discovered
from askwhy.tools.engines.planted import correlated, donors_of, false_discoveries
from askwhy.tools.engines.randomization import draws_for, larger_p_values, loss_p_values, typical_p_value


def test_adjusted_p_values_are_those_worked_by_hand() -> None:
    np.testing.assert_allclose(adjusted(np.array([0.04, 0.01, 0.02, 0.5])), [0.16 / 3, 0.04, 0.04, 0.5])
    assert len(adjusted(np.empty(0))) == 0


def test_e_values_are_discoveries_where_the_kth_largest_reaches_m_over_qk() -> None:
    # m / q = 40: 40 passes at k = 1, 20 at k = 2; 13 misses 40 / 3 at k = 3.
    assert discovered(np.array([13.0, 40.0, 1.0, 20.0]), 0.1).tolist() == [False, True, False, True]
    assert discovered(np.array([19.0, 21.0, 1.0, 1.0]), 0.1).tolist() == [False, False, False, False]


def test_a_typical_p_value_counts_the_values_at_least_as_far_from_the_mean_of_all() -> None:
    draws = np.array([0.0, 0.0, 0.0, 1.0])
    assert typical_p_value(10.0, draws) == 1 / 5
    assert typical_p_value(0.0, np.zeros(9)) == 1
    assert typical_p_value(1.0, draws) == 2 / 5


def test_draws_are_enough_for_a_single_discovery() -> None:
    assert draws_for(5, 0.1) == 199
    assert draws_for(30, 0.1) == 299


def test_a_loss_that_never_changes_has_p_one_and_one_that_always_rises_the_smallest() -> None:
    increase = np.zeros((20, 2, 5))
    increase[:, 1] = 1.0
    p = loss_p_values(increase, 199, np.random.default_rng(0))
    assert p.tolist() == [1.0, 1 / 200]


def test_sizes_are_compared_with_the_margin_by_a_t_test() -> None:
    from scipy.stats import ttest_1samp

    sizes = np.random.default_rng(0).random((30, 2)) + np.array([0.0, 3.0])
    expected = ttest_1samp(sizes[:, 0], 0.45, alternative="greater").pvalue
    found = larger_p_values(sizes, 0.45)
    np.testing.assert_allclose(found[0], expected)
    assert found[1] == 1 / 2000


def test_the_nearest_donors_are_those_nearest_in_what_stays_and_never_the_row_itself() -> None:
    cells = np.array([[0.0, 0.0], [0.1, 9.0], [0.2, 1.0], [5.0, 0.0], [5.1, 0.0]])
    donors = donors_of(cells)
    places = donors.nearest(donors.cells, np.arange(5), [[1], [0]], 2)
    assert places[0, 0].tolist() == [1, 2]  # redrawing the second, the first decides
    assert places[0, 3].tolist() == [4, 2]
    assert set(places[1, 0].tolist()) == {3, 4}
    among = donors.nearest(donors.cells[:1], np.array([0]), [[1]], 2, np.array([False, False, False, True, True]))
    assert among[0, 0].tolist() == [3]  # as many as there are, less one


def test_features_that_tell_nothing_of_the_redrawn_one_hardly_count() -> None:
    rng = np.random.default_rng(0)
    cells = rng.normal(size=(300, 4))
    cells[:, 1] = cells[:, 0] + 0.1 * rng.normal(size=300)
    weights = donors_of(cells).weights([1])
    assert weights[1] == 0 and weights[0] > 10 * max(weights[2], weights[3])


def test_anyone_lends_but_oneself_and_every_donor_once() -> None:
    donors = donors_of(np.arange(10.0)[:, None] @ np.ones((1, 2)))
    places = donors.anyone(np.array([3, -1]), 9, np.random.default_rng(0))
    assert 3 not in places[0] and all(len(set(row)) == 9 for row in places.tolist())


def test_redrawn_outputs_are_those_of_rows_put_together_by_hand() -> None:
    frame = numbers(30, 3)
    subject = hand_subject(lambda data: data["x0"] * 100 + data["x1"] * 10 + data["x2"], frame)
    view = view_of(subject)
    rows, lenders = subject.data.iloc[4:6], Lenders.of(view)
    assert positions_of(view, rows).tolist() == [4, 5]
    places = np.array([[7, 8], [9, 4]])
    found = lenders.outputs(view.evaluate, rows, places, [0, 2])[..., 0]
    for i, row in enumerate((4, 5)):
        for k in range(2):
            donor = frame.iloc[places[i, k]]
            expected = donor["x0"] * 100 + frame.iloc[row]["x1"] * 10 + donor["x2"]
            np.testing.assert_allclose(found[i, k], expected)


def test_mixed_rows_with_missing_cells_have_neighbours() -> None:
    frame = pd.DataFrame(
        {
            "colour": pd.array(["red", "blue"] * 20, dtype="str"),
            "size": [np.nan, 1.0, 2.0, 3.0] * 10,
            "flag": [True, False, False, True] * 10,
        }
    )
    view = view_of(hand_subject(lambda data: data["flag"].astype(float), frame))
    donors = Lenders.of(view).donors
    places = donors.nearest(donors.cells, np.arange(40), [[1]], 3)
    assert places.shape == (1, 40, 3) and np.isfinite(donors.weights([1])).all()


def test_false_discoveries_stay_below_the_rate_where_features_are_correlated() -> None:
    found = false_discoveries(240, rows=100, features=6, draws=299)
    assert found.rate <= 0.1 + 0.03 and found.rate - 1.96 * found.error <= 0.1
    assert found.power.mean() >= 0.9


def test_redrawing_regardless_of_the_others_does_not_keep_the_rate() -> None:
    found = false_discoveries(60, rows=100, features=6, correlation=0.8, draws=199, sampler="marginal")
    assert found.rate > 0.13


def test_planted_columns_have_the_correlation_they_are_given() -> None:
    cells = correlated(np.random.default_rng(0), 20_000, 3, 0.5)
    np.testing.assert_allclose(np.corrcoef(cells.T), [[1, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 1]], atol=0.03)
