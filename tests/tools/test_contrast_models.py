"""Why two models say different things about one row, against Shapley values worked by hand."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_subjects import hand_subject, numbers, view_of
from rival_subjects import with_rival

from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Change
from askwhy.tools.subject import Subject


def ask(subject: Subject, row: int, changes: tuple[Change, ...] = (), **arguments: Any) -> Evidence:
    return find_tool("contrast_models")(view_of(subject, row, changes=changes), **arguments)


def parts(found: Evidence) -> dict[str, float]:
    facts = (*found.all("contribution"), *found.all("further_contribution"))
    return {str(fact.feature): fact.number() for fact in facts}


def old(data: pd.DataFrame) -> Any:
    return 2 * data["x0"] - data["x1"] * data["x2"]


def new(data: pd.DataFrame) -> Any:
    return np.maximum(data["x0"], data["x3"]) + 3 * data["x2"]


def two_numbers() -> Subject:
    return with_rival(hand_subject(old, numbers(40, 4)), new_one=new)


def by_enumeration(subject: Subject, row: int) -> dict[str, float]:
    """Shapley values of new - old over every coalition, against the background."""
    names, instance, background = subject.schema.names, subject.data.iloc[row], subject.background

    def worth(chosen: tuple[str, ...]) -> float:
        mixed = background.assign(**{name: instance[name] for name in chosen})
        return float((new(mixed) - old(mixed)).mean())

    found = dict.fromkeys(names, 0.0)
    for name in names:
        others = [one for one in names if one != name]
        for size in range(len(others) + 1):
            weight = math.factorial(size) * math.factorial(len(others) - size) / math.factorial(len(names))
            for chosen in itertools.combinations(others, size):
                found[name] += weight * (worth((*chosen, name)) - worth(chosen))
    return found


def test_the_difference_is_divided_as_by_enumeration() -> None:
    subject = two_numbers()
    found = ask(subject, 7)
    expected = by_enumeration(subject, 7)
    assert parts(found) == pytest.approx({name: value for name, value in expected.items() if abs(value) > 1e-8})
    row = subject.data.iloc[[7]]
    gap = float(np.asarray(new(row) - old(row))[0])
    assert found.one("gap").number() == pytest.approx(gap)
    assert found.one("own_estimate").number() == pytest.approx(float(np.asarray(old(row))[0]))
    assert found.one("rival_estimate").number() == pytest.approx(float(np.asarray(new(row))[0]))
    assert found.one("base_gap").number() + sum(expected.values()) == pytest.approx(gap)
    assert [one.check for one in found.quality] == ["C2", "C19"] and all(one.passed for one in found.quality)


def test_between_linear_models_it_is_the_difference_of_the_slopes() -> None:
    first, second = np.array([1.0, -2.0, 0.5]), np.array([1.0, 3.0, 0.0])
    subject = hand_subject(lambda data: data.to_numpy() @ first, numbers(50, 3))
    subject = with_rival(subject, other=lambda data: data.to_numpy() @ second)
    away = subject.data.iloc[31] - subject.background.mean()
    expected = dict(zip(subject.schema.names, (second - first) * away, strict=True))
    assert parts(ask(subject, 31)) == pytest.approx({name: expected[name] for name in ("x1", "x2")})


def classes() -> Subject:
    def call(slope: float) -> Any:
        def predict(data: pd.DataFrame) -> Any:
            yes = 1 / (1 + np.exp(-(slope * data["x0"] + data["x1"] * data["x2"]).to_numpy()))
            return np.column_stack([1 - yes, yes])

        return predict

    return with_rival(hand_subject(call(1.0), numbers(40, 3), ["no", "yes"]), steep=call(-3.0))


def test_it_is_the_difference_of_both_models_own_explanations() -> None:
    subject = classes()
    view = view_of(subject, 9)
    alone = [
        {
            str(fact.feature): fact.number()
            for fact in find_tool("explain")(one, cls="yes", method="shap").all("attribution")
        }
        for one in (view, view.seen_by(subject.rival()))
    ]
    expected = {name: alone[1][name] - alone[0][name] for name in alone[0]}
    assert parts(ask(subject, 9, cls="yes")) == pytest.approx(expected, abs=1e-9)


def test_what_both_predict_is_said_once() -> None:
    subject = classes()
    names = ("no", "yes")
    own, rival = (
        [names[one] for one in call(subject.data).argmax(axis=1)]
        for call in (subject.predictor, subject.rivals[0].predictor)
    )
    same = next(row for row in range(40) if own[row] == rival[row])
    other = next(row for row in range(40) if own[row] != rival[row])
    assert ask(subject, same).one("same_prediction").value == own[same]
    found = ask(subject, other)
    assert (found.one("own_prediction").value, found.one("rival_prediction").value) == (own[other], rival[other])
    assert found.one("own_probability").cls == own[other]


def test_changes_are_made_for_both() -> None:
    subject = two_numbers()
    found = ask(subject, 7, changes=(Change(feature="x3", action="set", value=9.0),))
    row = subject.data.iloc[[7]].assign(x3=9.0)
    assert found.one("rival_estimate").number() == pytest.approx(float(np.asarray(new(row))[0]))


def test_the_same_model_twice_makes_no_difference() -> None:
    found = ask(with_rival(hand_subject(old, numbers(40, 4)), twin=old), 3)
    assert found.one("no_effect").value == 4 and not found.all("contribution")


def test_of_many_features_the_values_are_sampled_and_still_add_up() -> None:
    slopes = np.linspace(1, 2, 20)

    def crossed(data: pd.DataFrame) -> Any:
        return data.to_numpy() @ slopes + (data["x0"] * data["x1"] * data["x2"]).to_numpy()

    subject = hand_subject(lambda data: data["x0"] * data["x5"], numbers(60, 20))
    found = ask(with_rival(subject, crossed=crossed), 30)
    assert found.quality[0].check == "C2" and found.quality[0].value < 1e-6
    assert all(fact.error is not None for fact in found.all("contribution"))


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(ToolError, match="new one"):
        ask(two_numbers(), 1, model="mew one")
