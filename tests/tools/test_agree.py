"""Whether methods and baselines agree, and how good an explanation is, in full."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_subjects import hand_subject, numbers, view_of
from planted_models import planted

from askwhy.tools.attribution import attribute
from askwhy.tools.engines.agreement import rank_overlap, same_signs
from askwhy.tools.engines.fidelity import rankings, removal, sizes
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.subject import Subject


def ask(subject: Subject, tool: str, row: int, seed: int = 0, **arguments: Any) -> Evidence:
    return find_tool(tool)(view_of(subject, row, seed=seed), **arguments)


def linear() -> Subject:
    return hand_subject(lambda data: data.to_numpy() @ np.array([4.0, -3, 2, 1, 0.5, 0]), numbers(60, 6))


def flags(evidence: Evidence) -> set[str]:
    return {caveat.flag for caveat in evidence.caveats}


def shared(evidence: Evidence) -> dict[str | None, float]:
    return {fact.group: fact.number() for fact in evidence.all("shared")}


def test_on_a_linear_model_all_methods_agree() -> None:
    found = ask(linear(), "agree", 30)
    assert set(shared(found).values()) == {3} and len(shared(found)) == 3
    assert all(fact.number() == 1 for fact in found.all("signs"))
    top = ask(linear(), "explain", 30, method="shap").all("reason_output")
    assert {fact.value for fact in found.all("shap_top")} == {fact.feature for fact in top}
    assert {fact.group for fact in found.all("tied_best")} == {"SHAP", "LIME", "occlusion"}
    assert "disagree" not in flags(found)


def test_redundant_features_set_occlusion_apart_and_deletion_decides() -> None:
    """Either of x0 and x1 is enough, so taking one away changes nothing; x2 and x3 count a little."""

    def call(data: pd.DataFrame) -> Any:
        either = (data["x0"] > 0) | (data["x1"] > 0)
        return 10.0 * either + data["x2"] + 0.5 * data["x3"]

    frame = numbers(60, 5)
    frame.loc[30] = [1.0, 1.0, 2.0, 2.0, 0.0]
    frame.loc[:19, ["x0", "x1"]] = -frame.loc[:19, ["x0", "x1"]].abs()
    subject = hand_subject(call, frame)
    found = ask(subject, "agree", 30, k=2)
    assert {fact.value for fact in found.all("shap_top")} == {"x0", "x1"}
    assert {fact.value for fact in found.all("occlusion_top")} == {"x2", "x3"}
    assert shared(found)["SHAP and occlusion"] == 0 and "disagree" in flags(found)
    leads = {fact.group: fact.number() for fact in found.all("method_lead")}
    assert leads["SHAP"] > leads["occlusion"]
    best = [fact.group for fact in (*found.all("best"), *found.all("tied_best"))]
    assert "SHAP" in best and "occlusion" not in best


def test_overlap_of_rankings() -> None:
    values = np.array([5.0, -4.0, 3.0, 2.0])
    assert rank_overlap(values, 2 * values) == pytest.approx(1)
    assert rank_overlap(values, values[::-1].copy()) < rank_overlap(values, np.array([4.0, 5.0, 3.0, 2.0])) < 1
    # depths 1 to 4 share 0, 1, 1 and 1 of the features
    weights = 0.9 ** np.arange(1, 5)
    expected = weights[3] + 0.1 / 0.9 * (weights[1] + weights[2] + weights[3])
    assert rank_overlap(values, np.array([4.0, 5.0, 3.0, 2.0])) == pytest.approx(expected)
    assert same_signs(values, np.array([5.0, 4.0, 3.0, 2.0]), 2) == pytest.approx(0.5)


def test_a_single_feature_leaves_nothing_to_agree_about() -> None:
    frame = numbers(40, 3).assign(x1=1.0, x2=2.0)
    with pytest.raises(ToolError, match="two features"):
        ask(hand_subject(lambda data: data["x0"], frame), "agree", 30)


def test_a_linear_model_keeps_its_top_feature_only_if_it_is_far_from_every_baseline() -> None:
    frame = numbers(120, 4)
    frame.loc[100] = [30.0, 0.5, 0.1, 0.1]
    subject = hand_subject(lambda data: data.to_numpy() @ np.array([1.0, 1, 1, 1]), frame)
    found = ask(subject, "baseline_sensitivity", 100, k=1)
    assert found.one("stable").number() == 1 and [fact.value for fact in found.all("stable_top")] == ["x0"]
    assert "baseline" not in flags(found)


def test_other_baselines_give_other_reasons_and_that_is_told() -> None:
    """Only the predicted class differs in x0, so against its own class x0 explains nothing."""
    rng = np.random.default_rng(0)
    side = np.where(rng.random(120) < 0.5, 1.0, -1.0)
    frame = pd.DataFrame({"x0": side, "x1": rng.normal(size=120), "x2": rng.normal(size=120)})

    def call(data: pd.DataFrame) -> Any:
        yes = 1 / (1 + np.exp(-(6 * data["x0"] + data["x1"] + 0.5 * data["x2"]).to_numpy()))
        return np.column_stack([1 - yes, yes])

    subject = hand_subject(call, frame, ["no", "yes"], background=60)
    row = int(np.flatnonzero(side > 0)[3])
    found = ask(subject, "baseline_sensitivity", row, k=1)
    assert [fact.value for fact in found.all("usual_top")] == ["x0"]
    assert [fact.value for fact in found.all("other_top")] == ["x0"]
    assert found.one("same_top").value in ("x1", "x2")
    assert "baseline" in flags(found)
    kept = {str(fact.group): fact.number() for fact in found.all("kept")}
    assert kept["rows with the same prediction"] == 0 and kept["rows with another prediction"] == 1
    against = [fact for fact in found.all("attribution_against") if fact.group == "rows with another prediction"]
    rest = subject.data[subject.predictor(subject.data).argmax(axis=1) == 0]
    whole = subject.predictor(subject.data.iloc[[row]])[0, 1] - subject.predictor(rest)[:, 1].mean()
    assert sum(fact.number() for fact in against) == pytest.approx(whole, abs=1e-9)


def test_a_sound_explanation_holds_up() -> None:
    found = ask(linear(), "explanation_quality", 30, method="shap")
    assert found.one("sound").number() == found.one("checks").number() >= 4
    assert found.one("agreement").number() == pytest.approx(1)
    assert {one.check for one in found.quality} >= {"C2", "C3", "C4", "C5", "C7"}
    assert found.one("residual").number() == pytest.approx(0, abs=1e-9)
    assert found.one("better").number() == 0 and found.one("rankings").number() == 100


def test_its_deletion_test_is_the_one_of_the_engine() -> None:
    subject = planted("interacting", 5, seed=3)
    found = ask(subject, "explanation_quality", 60, method="shap", cls="yes")
    attribution = attribute(view_of(subject, 60), subject.schema.classes[1])
    assert attribution.game is not None
    game, rng = attribution.game, np.random.default_rng(0)
    own = removal(game, attribution.values[game.players], rankings(5, rng), sizes(5, 10), 1.0)
    assert found.one("deletion_lead").number() == pytest.approx(own.deletion)
    assert found.one("p_value").number() == pytest.approx(own.p)


def test_an_explanation_of_the_wrong_features_is_called_weak() -> None:
    weights = np.array([5.0, 4.0, 0.0, 0.0, 0.0, 0.0])
    frame = numbers(60, 6)
    wrong = (frame.to_numpy() - frame.iloc[:20].mean().to_numpy()) * weights
    subject = hand_subject(lambda data: data.to_numpy() @ weights, frame, shap_values=wrong[:, ::-1, None])
    found = ask(subject, "explanation_quality", 30, method="shap")
    assert found.one("weak").number() >= 2 and not found.all("sound")
    assert {"not_faithful", "not_robust"} <= flags(found)
    assert found.all("not_ahead") and not found.all("ahead")


def test_sampled_methods_are_run_again_with_other_seeds() -> None:
    subject = planted("interacting", 12, seed=5)
    found = ask(subject, "explanation_quality", 60, method="lime")
    assert found.one("runs").number() == 10 and 0 <= found.one("overlap").number() <= 1
    assert found.one("fidelity").number() <= 1 and not found.all("residual")
