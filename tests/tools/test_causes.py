"""What is said of causes: a denial that the check lets pass, and numbers of the model's own reaction."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from hand_subjects import hand_subject
from table_subjects import run, where

from askwhy.agent.verbalize import verbalize
from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Scope


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"a": rng.normal(size=50), "b": rng.normal(size=50), "same": 1.0})


@pytest.mark.parametrize(("kind", "cls"), [("binary", "yes"), ("multiclass", "high"), ("regression", None)])
def test_the_reaction_is_the_average_of_direct_answers(kind: str, cls: Any) -> None:
    subject = toy_subjects.SUBJECTS[kind]()
    found = run(subject, "causes", where("age", "gt", 40), feature="monthly_income", cls=cls)
    rows, column = subject.data[subject.data["age"] > 40], 0 if cls is None else subject.schema.class_index(cls)
    low, high = (
        subject.predictor(rows.assign(monthly_income=found.one(end).at))[:, column] for end in ("start", "end")
    )
    effect = found.one("effect" if cls else "effect_output")
    assert effect.value == pytest.approx((high - low).mean())
    assert effect.error is None or effect.error == pytest.approx((high - low).std(ddof=1) / np.sqrt(len(rows)))
    income = subject.data["monthly_income"].dropna()
    assert float(found.one("start").at) == pytest.approx(income.quantile(0.25), abs=0.3)  # type: ignore[arg-type]


def test_it_denies_that_a_model_shows_causes() -> None:
    subject = toy_subjects.binary()
    for scope in (Scope(), Scope(row="3")):
        text = verbalize((run(subject, "causes", scope, feature="age"),), subject.schema).text
        assert text.startswith("A model cannot show what is a cause of")
        assert "the model reacts" in text


def test_a_feature_that_is_not_read_and_one_without_two_values() -> None:
    subject = hand_subject(lambda frame: frame["a"], table())
    found = run(subject, "causes", feature="b")
    assert found.one("no_reaction").value == 50 and not found.all("effect_output")
    with pytest.raises(ToolError, match="no two values"):
        run(subject, "causes", feature="same")


def test_one_row() -> None:
    subject = hand_subject(lambda frame: 2 * frame["a"] * frame["b"], table())
    found = run(subject, "causes", Scope(row="4"), feature="a")
    width = float(found.one("end").at) - float(found.one("start").at)  # type: ignore[arg-type]
    assert found.one("effect_here_output").value == pytest.approx(2 * width * subject.data["b"].iloc[4])
