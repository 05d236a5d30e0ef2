"""Why one class and not another, and why one row and not another."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_subjects import hand_subject, numbers, view_of

from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Change
from askwhy.tools.subject import Subject

SCORES = np.array([[1.0, -1.0, 0.0], [0.0, 2.0, -1.0], [0.3, 0.0, 1.0]])


def three_classes() -> Subject:
    def call(data: pd.DataFrame) -> Any:
        scores = np.exp(data.to_numpy() @ SCORES)
        return scores / scores.sum(axis=1, keepdims=True)

    return hand_subject(call, numbers(60, 3, seed=2), ["low", "mid", "high"])


def two_classes() -> Subject:
    def call(data: pd.DataFrame) -> Any:
        yes = 1 / (1 + np.exp(-(data["x0"] - 0.5 * data["x1"] + data["x0"] * data["x2"]).to_numpy()))
        return np.column_stack([1 - yes, yes])

    return hand_subject(call, numbers(60, 4), ["no", "yes"])


def crooked() -> Subject:
    return hand_subject(lambda data: data["x0"] * data["x1"] + 2 * data["x2"] + np.abs(data["x3"]), numbers(60, 4))


def ask(subject: Subject, tool: str, row: int, changes: tuple[Change, ...] = (), **arguments: Any) -> Evidence:
    return find_tool(tool)(view_of(subject, row, changes=changes), **arguments)


def values(evidence: Evidence, relation: str) -> dict[str, float]:
    return {str(fact.feature): fact.number() for fact in evidence.all(relation)}


def attributions(subject: Subject, row: int, cls: str) -> dict[str, float]:
    return values(ask(subject, "explain", row, cls=cls, method="shap"), "attribution")


def test_the_lead_is_divided_as_the_difference_of_both_explanations() -> None:
    subject = three_classes()
    found = ask(subject, "contrast", 33, cls="high", instead="mid")
    one, other = attributions(subject, 33, "high"), attributions(subject, 33, "mid")
    expected = {name: one[name] - other[name] for name in one}
    assert values(found, "contrast_attribution") == pytest.approx(expected, abs=1e-9)
    outputs = subject.predictor(subject.data.iloc[[33]])[0]
    assert found.one("lead").number() == pytest.approx(outputs[2] - outputs[1])
    total = found.one("base_lead").number() + sum(expected.values())
    assert total == pytest.approx(outputs[2] - outputs[1]) and found.quality[0].check == "C2"
    assert found.one("fact_probability").number() == pytest.approx(outputs[2])
    assert found.one("foil").value == "mid"


def test_on_the_scale_of_log_odds_a_softmax_is_linear() -> None:
    subject = three_classes()
    found = ask(subject, "contrast", 33, cls="high", instead="mid", scale="log-odds")
    away = subject.data.iloc[33] - subject.background.mean()
    expected = dict(zip(subject.schema.names, (SCORES[:, 2] - SCORES[:, 1]) * away, strict=True))
    assert values(found, "contrast_attribution") == pytest.approx(expected, abs=1e-9)


def test_which_classes_are_meant() -> None:
    subject = three_classes()
    outputs = subject.predictor(subject.data.iloc[[33]])[0]
    names = [("low", "mid", "high")[place] for place in np.argsort(-outputs)]
    left_out, named = ask(subject, "contrast", 33), ask(subject, "contrast", 33, cls=names[0])
    for found in (left_out, named):
        assert (found.one("lead").cls, found.one("foil").value) == (names[0], names[1])
    expected = ask(subject, "contrast", 33, cls=names[2])
    assert (expected.one("lead").cls, expected.one("foil").value) == (names[0], names[2])
    with pytest.raises(ToolError, match="does predict"):
        ask(subject, "contrast", 33, instead=names[0])
    with pytest.raises(ToolError, match="two different"):
        ask(subject, "contrast", 33, cls="mid", instead="mid")


def test_of_two_classes_the_lead_moves_twice_as_far() -> None:
    subject = two_classes()
    found = ask(subject, "contrast", 30, cls="yes", instead="no")
    expected = {name: 2 * value for name, value in attributions(subject, 30, "yes").items()}
    assert values(found, "contrast_attribution") == pytest.approx(expected, abs=1e-9)
    reasons = found.all("reason")
    assert [abs(fact.number()) for fact in reasons] == sorted((abs(one.number()) for one in reasons), reverse=True)
    share = sum(abs(one.number()) for one in reasons) / sum(map(abs, expected.values()))
    assert found.one("named_share").number() == pytest.approx(share)


def path_values(subject: Subject, start: pd.Series, end: pd.Series) -> dict[str, float]:
    """The mean over every order of what each feature adds on the way from one row to the other."""
    names = [name for name in start.index if start[name] != end[name]]
    found = dict.fromkeys(names, 0.0)
    for order in itertools.permutations(names):
        now = start.copy()
        for name in order:
            before = subject.predictor(now.to_frame().T)[0, 0]
            now[name] = end[name]
            found[name] += (subject.predictor(now.to_frame().T)[0, 0] - before) / math.factorial(len(names))
    return found


def test_two_rows_are_told_apart_by_walking_every_way_between_them() -> None:
    subject = crooked()
    found = ask(subject, "contrast_rows", 12, other="40")
    truth = path_values(subject, subject.data.iloc[40], subject.data.iloc[12])
    assert values(found, "contribution_output") == pytest.approx(truth, abs=1e-9)
    outputs = subject.predictor(subject.data.iloc[[12, 40]])[:, 0]
    assert found.one("gap").number() == pytest.approx(outputs[0] - outputs[1]) == pytest.approx(sum(truth.values()))
    assert found.one("own_estimate").row == "12" and found.one("other_estimate").row == "40"
    cells = {fact.feature: (fact.value, fact.at) for fact in found.all("main_cell")}
    assert cells["x0"] == (subject.data["x0"].iloc[12], subject.data["x0"].iloc[40])


def test_what_the_rows_share_plays_no_part() -> None:
    subject = crooked()
    frame = subject.data.copy()
    frame.iloc[40, :2] = frame.iloc[12, :2]
    subject = hand_subject(lambda data: data["x0"] * data["x1"] + 2 * data["x2"] + np.abs(data["x3"]), frame)
    found = ask(subject, "contrast_rows", 12, other="40")
    assert found.one("differing").number() == 2 and set(values(found, "contribution_output")) == {"x2", "x3"}
    same = ask(subject, "contrast_rows", 12, other="12")
    assert same.one("identical").row == "12" and same.one("gap").number() == 0


def test_two_versions_of_a_row_are_told_apart_by_their_changes() -> None:
    subject = crooked()
    changes = (Change(feature="x0", action="increase", value=1), Change(feature="x3", action="set", value=2.5))
    found = ask(subject, "contrast_rows", 12, changes)
    old = subject.data.iloc[12]
    new = old.copy()
    new["x0"], new["x3"] = old["x0"] + 1, 2.5
    truth = path_values(subject, old, new)
    assert values(found, "contribution_output") == pytest.approx(truth, abs=1e-9)
    assert found.one("change").number() == pytest.approx(sum(truth.values()))
    idle = ask(subject, "contrast_rows", 12, (Change(feature="x2", value=float(old["x2"])), changes[0]))
    assert set(values(idle, "contribution_output")) == {"x0"}


def test_many_differences_are_sampled_and_still_add_up() -> None:
    frame = numbers(60, 14)
    subject = hand_subject(lambda data: np.tanh(data.sum(axis=1)) * data["x0"], frame)
    found = ask(subject, "contrast_rows", 12, other="40", k=14)
    facts = [*found.all("contribution_output"), *found.all("further_contribution")]
    assert sum(fact.number() for fact in facts) == pytest.approx(found.one("gap").number(), abs=1e-9)
    assert all(fact.error is not None for fact in facts)


def test_the_probability_of_the_predicted_class_is_compared() -> None:
    subject = two_classes()
    found = ask(subject, "contrast_rows", 30, other="31")
    predicted = subject.predictor(subject.data.iloc[[30]])[0].argmax()
    assert found.one("own_probability").cls == ("no", "yes")[predicted]
    named = ask(subject, "contrast_rows", 30, other="31", cls="yes")
    outputs = subject.predictor(subject.data.iloc[[30, 31]])[:, 1]
    assert named.one("gap").number() == pytest.approx(outputs[0] - outputs[1])


def test_the_other_row_must_be_known() -> None:
    with pytest.raises(ToolError, match="which other"):
        ask(crooked(), "contrast_rows", 12)
    with pytest.raises(UnknownName):
        ask(crooked(), "contrast_rows", 12, other="no such row")
