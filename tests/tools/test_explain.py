"""Why one row is predicted what it is, or a group on average; and which of two features counts for more."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_subjects import hand_subject, numbers, view_of

from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence
from askwhy.tools.quality import association
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Change, Condition
from askwhy.tools.shapley import shapley_rows
from askwhy.tools.subject import Subject

WEIGHTS = np.array([3.0, -2.0, 0.0, 0.5, -1.0])


def linear(**options: Any) -> Subject:
    """A regression: 4 + 3 x0 - 2 x1 + x3 / 2 - x4."""
    return hand_subject(lambda data: data.to_numpy() @ WEIGHTS + 4, numbers(60, 5), **options)


def logistic(frame: pd.DataFrame | None = None) -> Subject:
    """Two classes, "no" and "yes"; x0 raises yes, x1 lowers it, x2 does nothing."""

    def call(data: pd.DataFrame) -> Any:
        yes = 1 / (1 + np.exp(-(data["x0"] - 0.5 * data["x1"]).to_numpy()))
        return np.column_stack([1 - yes, yes])

    return hand_subject(call, numbers(60, 3) if frame is None else frame, ["no", "yes"])


def three_classes() -> Subject:
    def call(data: pd.DataFrame) -> Any:
        scores = np.exp(data.to_numpy() @ np.array([[1.0, -1.0, 0.0], [0.0, 2.0, -1.0], [0.3, 0.0, 1.0]]))
        return scores / scores.sum(axis=1, keepdims=True)

    return hand_subject(call, numbers(60, 3, seed=2), ["low", "mid", "high"])


def explain(subject: Subject, row: int | None, *where: Condition, seed: int = 0, **arguments: Any) -> Evidence:
    changes = arguments.pop("changes", ())
    return find_tool("explain")(view_of(subject, row, *where, changes=changes, seed=seed), **arguments)


def values(evidence: Evidence, relation: str = "attribution") -> dict[str, float]:
    return {str(fact.feature): fact.number() for fact in evidence.all(relation)}


def linear_truth(subject: Subject, row: int) -> dict[str, float]:
    away = subject.data.iloc[row] - subject.background.mean()
    return {name: weight * away[name] for name, weight in zip(subject.schema.names, WEIGHTS, strict=True)}


def flags(evidence: Evidence) -> list[str]:
    return [caveat.flag for caveat in evidence.caveats]


def test_a_linear_model_is_explained_by_its_weights() -> None:
    subject = linear()
    found = explain(subject, 30)
    truth = linear_truth(subject, 30)
    assert values(found) == pytest.approx(truth, abs=1e-9)
    assert found.one("estimate").number() == pytest.approx(subject.data.iloc[30].to_numpy() @ WEIGHTS + 4)
    assert found.one("base").number() + sum(truth.values()) == pytest.approx(found.one("estimate").number())
    assert {fact.unit for fact in found.all("attribution")} == {"output"}


def test_facts_are_ranked_by_size_and_hold_the_values_of_the_row() -> None:
    subject = linear()
    facts = explain(subject, 7).all("attribution")
    assert [fact.rank for fact in facts] == [1, 2, 3, 4, 5]
    sizes = [abs(fact.number()) for fact in facts]
    assert sizes == sorted(sizes, reverse=True)
    for fact in facts:
        assert fact.at == subject.data.loc["7", str(fact.feature)] and fact.row == "7" and fact.error is None


def test_the_top_k_are_named_and_their_share_is_said() -> None:
    subject = linear()
    truth = linear_truth(subject, 11)
    order = sorted(truth, key=lambda name: -abs(truth[name]))
    found = explain(subject, 11, k=2)
    assert list(values(found, "reason_output")) == order[:2]
    share = sum(abs(truth[name]) for name in order[:2]) / sum(map(abs, truth.values()))
    assert found.one("named_share").number() == pytest.approx(share)
    assert list(values(explain(subject, 11, k=50), "reason_output")) == order[:4]  # x2 has no weight


def test_a_feature_asked_about_is_named_with_its_rank() -> None:
    subject = linear()
    found = explain(subject, 11, features=("x3", "x2"), k=1)
    asked = found.one("asked_attribution_output")
    everything = {fact.feature: fact.rank for fact in found.all("attribution")}
    assert (asked.feature, asked.rank) == ("x3", everything["x3"])
    assert found.one("asked_zero").feature == "x2"


def test_only_one_direction_can_be_asked_for() -> None:
    subject = linear()
    truth = linear_truth(subject, 11)
    lowered = values(explain(subject, 11, sign="against", k=5), "against_attribution_output")
    raised = values(explain(subject, 11, sign="for", k=5), "for_attribution_output")
    assert set(lowered) == {name for name, value in truth.items() if value < -1e-9}
    assert set(raised) == {name for name, value in truth.items() if value > 1e-9}


def test_where_nothing_speaks_against_that_is_said() -> None:
    frame = numbers(60, 3).assign(x1=0.0)
    frame.loc[50, "x0"] = 5.0
    found = explain(logistic(frame), 50, sign="against", cls="yes")
    assert found.one("nothing_against").number() == 0
    assert found.one("nothing_against").cls == "yes"
    assert not found.all("against_attribution")


def test_the_predicted_class_is_explained_unless_another_is_named() -> None:
    subject = logistic()
    outputs = subject.predictor(subject.data)
    row = int(np.argmax(outputs[:, 0]))
    found, other = explain(subject, row), explain(subject, row, cls="yes")
    assert found.one("prediction").value == "no" and {fact.cls for fact in found.all("attribution")} == {"no"}
    assert found.one("probability").number() == pytest.approx(outputs[row, 0])
    assert other.one("explained_probability").number() == pytest.approx(outputs[row, 1])
    assert values(other) == pytest.approx({name: -value for name, value in values(found).items()}, abs=1e-9)
    with pytest.raises(UnknownName, match="maybe"):
        explain(subject, row, cls="maybe")


def test_log_odds_of_a_logistic_model_are_its_weights() -> None:
    subject = logistic()
    away = subject.data.iloc[21] - subject.background.mean()
    found = explain(subject, 21, cls="yes", scale="log-odds")
    assert values(found) == pytest.approx({"x0": away["x0"], "x1": -0.5 * away["x1"], "x2": 0.0}, abs=1e-9)
    assert found.one("base").unit == "log-odds"
    with pytest.raises(ToolError, match="Log odds"):
        explain(linear(), 1, scale="log-odds")


def test_the_attributions_of_all_classes_cancel() -> None:
    subject = three_classes()
    per_class = [values(explain(subject, 33, cls=name)) for name in ("low", "mid", "high")]
    for feature in subject.schema.names:
        assert sum(found[feature] for found in per_class) == pytest.approx(0, abs=1e-9)


def test_changes_are_made_before_explaining() -> None:
    subject = linear()
    changed = explain(subject, 30, changes=(Change(feature="x0", action="set", value=9.5),))
    truth = linear_truth(subject, 30) | {"x0": 3 * (9.5 - subject.background["x0"].mean())}
    assert values(changed) == pytest.approx(truth, abs=1e-9)
    assert changed.all("attribution")[0].at == 9.5


def test_cells_of_every_kind_and_missing_ones_are_explained() -> None:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "when": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, 40), unit="D"),
            "colour": pd.Series(rng.choice(["red", "blue"], 40), dtype="str"),
            "flag": rng.random(40) < 0.5,
            "size": np.where(rng.random(40) < 0.3, np.nan, rng.normal(size=40)),
        }
    )

    def call(data: pd.DataFrame) -> Any:
        size = data["size"].fillna(-2.0)
        return (data["colour"] == "red") * 2.0 + data["flag"] + size + (data["when"].dt.year == 2021) * 3.0

    subject = hand_subject(call, frame)
    row = int(np.flatnonzero(frame["size"].isna())[-1])
    found = explain(subject, row)
    refs = frame.iloc[:20]
    expected = {
        "when": 3.0 * ((frame["when"].dt.year[row] == 2021) - (refs["when"].dt.year == 2021).mean()),
        "colour": 2.0 * ((frame["colour"][row] == "red") - (refs["colour"] == "red").mean()),
        "flag": float(frame["flag"][row]) - refs["flag"].mean(),
        "size": -2.0 - refs["size"].fillna(-2.0).mean(),
    }
    assert values(found) == pytest.approx(expected, abs=1e-9)
    at = {fact.feature: fact.at for fact in found.all("attribution")}
    assert at["size"] is None and at["flag"] is bool(frame["flag"][row])
    lime = explain(subject, row, method="lime")
    assert all(math.isfinite(value) for value in values(lime).values())


@pytest.mark.parametrize("arguments", [{}, {"method": "lime"}, {"features": ("x1",), "sign": "for"}])
@pytest.mark.parametrize("features", [5, 13])
def test_the_same_seed_gives_the_same_bytes(arguments: dict[str, Any], features: int) -> None:
    frame = numbers(60, features)
    subject = hand_subject(lambda data: np.tanh(data.sum(axis=1)) + data["x0"] * data["x1"], frame)
    one, two = (explain(subject, 30, seed=3, **arguments) for _ in range(2))
    assert one.canonical() == two.canonical()
    if features == 13:
        assert values(one) != values(explain(subject, 30, seed=4, **arguments))


def test_additivity_is_measured() -> None:
    check = explain(linear(), 30).quality[0]
    assert check.check == "C2" and check.passed and check.value < 1e-9


def test_evidence_becomes_a_shap_explanation() -> None:
    subject = logistic()
    found = explain(subject, 21, cls="yes")
    made = found.to_shap()
    assert made.feature_names == ["x0", "x1", "x2"]
    assert made.values[0] == pytest.approx([values(found)[name] for name in made.feature_names])
    assert made.base_values[0] + made.values.sum() == pytest.approx(subject.predictor(subject.data.iloc[[21]])[0, 1])
    assert list(made.data[0]) == list(subject.data.iloc[21])
    assert list(found.to_frame().index) == [fact.id for fact in found.facts]


def test_figure_and_table_hold_the_same_numbers() -> None:
    found = explain(linear(), 30)
    ordered = [fact.number() for fact in found.all("attribution")]
    assert found.figure is not None and list(found.figure.series[0].y) == ordered
    assert found.table is not None and [row[2] for row in found.table.rows] == ordered


def test_sampled_attributions_carry_errors_and_unclear_ranks_are_told() -> None:
    frame = numbers(60, 14)
    subject = hand_subject(lambda data: np.tanh(data.sum(axis=1)) ** 2, frame)
    found = explain(subject, 30, k=14)
    facts = found.all("attribution")
    assert all(fact.error is not None and fact.error < 0.01 for fact in facts)
    gaps = [
        abs(abs(one.number()) - abs(two.number())) / math.hypot(one.error or 0, two.error or 0)
        for one, two in itertools.pairwise(facts)
    ]
    assert min(gaps) < 2
    assert "ties" in flags(found)
    assert "sampled" in found.method


def test_features_that_move_together_are_told() -> None:
    frame = numbers(60, 4)
    frame["x3"] = frame["x0"] + 0.3 * frame["x3"]
    subject = hand_subject(lambda data: 5 * data["x0"] + data["x1"], frame)
    found = explain(subject, 30, k=1)
    text = next(caveat.text for caveat in found.caveats if caveat.flag == "correlated")
    assert f"{frame['x0'].corr(frame['x3']):.2f}" in text and "x0 and x3" in text
    assert "correlated" not in flags(explain(linear(), 30))


def test_association_of_categories_is_corrected_for_chance() -> None:
    rng = np.random.default_rng(0)
    many, other = rng.integers(0, 40, 100).astype(float), rng.integers(0, 30, 100).astype(float)
    assert association(many, False, other, False) < 0.5
    assert association(many, False, many, False) == pytest.approx(1, abs=0.1)
    assert association(many, False, rng.normal(size=100), True) < 0.5
    assert association(np.array([0.0, 0, 1, 1]), False, np.array([1.0, 1.1, 5, 5.1]), True) > 0.9
    assert association(np.ones(9), True, np.arange(9.0), True) == 0
    holes = np.array([np.nan, 1, 2, 3, 4])
    assert association(holes, True, np.array([9.0, 2, 4, 6, 8]), True) == pytest.approx(1)


def test_lime_agrees_with_a_linear_model_and_with_itself() -> None:
    subject = linear()
    truth = linear_truth(subject, 30)
    found, again = (explain(subject, 30, method="lime") for _ in range(2))
    assert found.canonical() == again.canonical()
    given = values(found)
    order = [name for name in sorted(truth, key=lambda name: -abs(truth[name])) if truth[name]]
    assert list(given)[: len(order)] == order
    assert all(given[name] * truth[name] > 0 for name in order)
    assert given == pytest.approx(truth, abs=0.05)
    assert found.quality[0].check == "C1" and found.quality[0].value > 0.99
    assert found.one("intercept").unit == "output" and not found.all("base")


def test_lime_that_does_not_fit_gives_way_to_shap() -> None:
    subject = hand_subject(lambda data: np.sign(data["x0"] * data["x1"] * data["x2"]), numbers(60, 3))
    found = explain(subject, 30, method="lime")
    assert found.method.startswith("SHAP") and "low_fidelity" in flags(found)
    assert values(found) == pytest.approx(values(explain(subject, 30, method="shap")), abs=1e-12)


def test_lime_that_fits_roughly_says_so() -> None:
    subject = hand_subject(lambda data: data["x0"] + 1.3 * np.sin(6 * data["x1"]), numbers(60, 3))
    found = explain(subject, 30, method="lime")
    assert 0.5 <= found.quality[0].value < 0.8
    assert found.method.startswith("LIME") and "low_fidelity" in flags(found)


def test_shap_values_brought_along_are_used_where_they_add_up() -> None:
    subject = linear()
    mine = (subject.data.to_numpy() - 0.25) * WEIGHTS
    with_values = linear(shap_values=mine[:, :, None])
    found = explain(with_values, 30)
    assert values(found) == pytest.approx(dict(zip(subject.schema.names, mine[30], strict=True)))
    assert "brought along" in found.method
    assert found.one("base").number() == pytest.approx(4 + 0.25 * WEIGHTS.sum())


@pytest.mark.parametrize("spoil", ["value", "shape"])
def test_shap_values_that_do_not_add_up_are_recomputed(spoil: str) -> None:
    mine = (linear().data.to_numpy() - 0.25) * WEIGHTS
    mine[30, 0] += 1.0
    subject = linear(shap_values=mine[:, :, None] if spoil == "value" else mine)
    found = explain(subject, 30)
    assert values(found) == pytest.approx(linear_truth(subject, 30), abs=1e-9)
    assert flags(found)[0] == "recomputed"


def test_changed_rows_do_not_use_values_brought_along() -> None:
    subject = linear(shap_values=np.zeros((60, 5, 1)))
    found = explain(subject, 30, changes=(Change(feature="x0", action="set", value=1.0),))
    assert found.method.startswith("SHAP: exact") and "recomputed" not in flags(found)


def test_a_group_is_explained_by_the_mean_over_its_rows() -> None:
    subject = logistic()
    older = Condition(feature="x0", op="gt", value=0.2)
    found = explain(subject, None, older, cls="no")
    rows = subject.data[subject.data["x0"] > 0.2]
    expected = shapley_rows(Evaluator(subject.predictor), rows, subject.background).values[:, :, 0].mean(axis=0)
    assert values(found, "mean_attribution") == pytest.approx(dict(zip(subject.schema.names, expected, strict=True)))
    assert found.one("mean_probability").number() == pytest.approx(subject.predictor(rows)[:, 0].mean())
    assert found.one("total").number() == len(rows)
    assert found.all("mean_attribution")[0].error is None and not found.all("sampled_rows")


def test_a_large_group_is_sampled_and_the_error_covers_it() -> None:
    frame = numbers(400, 5)
    subject = hand_subject(lambda data: data.to_numpy() @ WEIGHTS + 4, frame)
    found = explain(subject, None, Condition(feature="x2", op="gt", value=-1.0))
    rows = subject.data[subject.data["x2"] > -1]
    truth = WEIGHTS * (rows.mean() - subject.background.mean()).to_numpy()
    assert found.one("sampled_rows").number() == 50
    for fact in found.all("mean_attribution"):
        assert fact.error is not None
        assert abs(fact.number() - truth[subject.schema.names.index(str(fact.feature))]) <= 4 * fact.error + 1e-9


def test_a_group_of_several_classes_is_explained_towards_its_commonest_prediction() -> None:
    subject = three_classes()
    found = explain(subject, None)
    predicted = subject.predictor(subject.data).argmax(axis=1)
    commonest = subject.schema.classes[np.bincount(predicted).argmax()].name
    assert {fact.cls for fact in found.all("mean_attribution")} == {commonest}


def test_one_number_is_not_enough_to_name() -> None:
    with pytest.raises(ToolError, match="k"):
        explain(linear(), 30, k=0)
    with pytest.raises(UnknownName):
        explain(linear(), 30, features=("x77",))


def compare(subject: Subject, row: int | None, first: str, second: str, *where: Condition) -> Evidence:
    return find_tool("compare_features")(view_of(subject, row, *where), first=first, second=second)


def test_two_features_of_a_row_are_compared_by_size() -> None:
    subject = linear()
    truth = linear_truth(subject, 30)
    strong, weak = sorted(("x1", "x3"), key=lambda name: -abs(truth[name]))
    for pair in (("x1", "x3"), ("x3", "x1")):
        found = compare(subject, 30, *pair)
        assert (found.one("more_important").value, found.one("less_important").value) == (strong, weak)
        assert found.one("stronger_output").number() == pytest.approx(truth[strong])
        gap = found.one("difference")
        assert gap.number() == pytest.approx(abs(truth[strong]) - abs(truth[weak]))
        sizes = {fact.id: fact.number() for fact in found.all("size")}
        assert gap.number() == pytest.approx(sizes["f1"] - sizes["f2"])


def test_features_that_count_alike_are_called_equal() -> None:
    frame = numbers(60, 3).assign(x1=lambda data: data["x0"])
    subject = hand_subject(lambda data: data["x0"] + data["x1"] + data["x2"], frame)
    found = compare(subject, 30, "x0", "x1")
    assert not found.all("more_important")
    assert found.one("equal").number() == pytest.approx(0, abs=1e-12)
    with pytest.raises(ToolError, match="different"):
        compare(subject, 30, "x0", "x0")


def test_features_are_compared_over_all_rows_by_their_importance() -> None:
    frame = numbers(120, 3)
    target = frame["x0"] * 3 + frame["x1"]
    subject = hand_subject(lambda data: data["x0"] * 3 + data["x1"], frame, target=target + 0.1 * frame["x2"])
    found = compare(subject, None, "x1", "x0")
    assert found.one("more_important").value == "x0"
    importances = {fact.feature: fact for fact in found.all("importance")}
    assert found.one("stronger_overall").number() == importances["x0"].number()
    assert importances["x0"].rank == 1 and importances["x1"].rank == 2
    noise = hand_subject(lambda data: data["x0"] * 3 + 0 * data["x1"], frame, target=target)
    assert compare(noise, None, "x1", "x2").all("equal")
