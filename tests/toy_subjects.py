"""Small real models on synthetic tables, fitted in milliseconds: one per task, with every kind of column."""

from __future__ import annotations

import dataclasses
import functools
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.decision import Criterion, Decision, Rule
from askwhy.tools.subject import Subject

ROWS = 120


def mixed_frame(rows: int = ROWS, seed: int = 0) -> pd.DataFrame:
    """Numbers, integers, strings, booleans, dates and missing values."""
    rng = np.random.default_rng(seed)
    income = rng.normal(30, 8, rows).round(1)
    income[rng.random(rows) < 0.08] = np.nan
    return pd.DataFrame(
        {
            "age": rng.integers(18, 75, rows),
            "monthly_income": income,
            "LoanPurpose": pd.array(rng.choice(["car", "house", "studies"], rows), dtype="str"),
            "is_member": rng.random(rows) < 0.5,
            "joined": pd.Timestamp("2015-01-01") + pd.to_timedelta(rng.integers(0, 3000, rows), unit="D"),
        }
    )


def _score(frame: pd.DataFrame, seed: int = 1) -> np.ndarray[Any, Any]:
    noise = np.random.default_rng(seed).normal(0, 0.5, len(frame))
    income = frame["monthly_income"].fillna(30)
    return np.asarray(
        0.04 * (frame["age"] - 45) + 0.08 * (income - 30) + 0.8 * (frame["LoanPurpose"] == "car") + noise, dtype=float
    )


def _pipeline(estimator: Any) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

    columns = ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), ["age", "monthly_income"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["LoanPurpose", "is_member"]),
            ("dates", FunctionTransformer(_years), ["joined"]),
        ]
    )
    return make_pipeline(columns, estimator)


def _years(frame: pd.DataFrame) -> Any:
    return (frame - pd.Timestamp("2015-01-01")).apply(lambda column: column.dt.days / 3650)


def _subject(estimator: Any, target: Any, name: str, rules: tuple[Rule, ...], rival: Any) -> Subject:
    """The subject with a rival "young tree", and a decision by rules."""
    frame = mixed_frame()
    held_out = np.arange(ROWS) % 4 == 0
    model, tree = (_pipeline(one).fit(frame[~held_out], np.asarray(target)[~held_out]) for one in (estimator, rival))
    truth = pd.Series(target, name=name)
    made = Subject.of(model, frame, truth, test=held_out, name=name, rivals={"young tree": tree})
    decision = Decision(rules=rules, otherwise="waved through")
    return dataclasses.replace(made, schema=made.schema.model_copy(update={"decision": decision}), id=f"{made.id}+")


def _old(then: str) -> Rule:
    return Rule(then=then, when=(Criterion(on="feature", name="age", sign="gt", limit=70),))


@functools.cache
def binary() -> Subject:
    """A logistic regression on a mixed table; classes "no" and "yes"."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.tree import DecisionTreeClassifier

    unsure = tuple(
        Criterion(on="probability", name="yes", sign=sign, limit=at) for sign, at in (("ge", 0.3), ("lt", 0.7))
    )
    rules = (_old("a visit"), Rule(then="a closer look", when=unsure))
    target = np.where(_score(mixed_frame()) > 0.3, "yes", "no")
    return _subject(
        LogisticRegression(), target, "approved", rules, DecisionTreeClassifier(max_depth=3, random_state=0)
    )


@functools.cache
def multiclass() -> Subject:
    """A random forest with three classes on a mixed table."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.tree import DecisionTreeClassifier

    classes = np.array(["low", "middle", "high"])[np.digitize(_score(mixed_frame()), [-0.2, 0.8])]
    car = Criterion(on="feature", name="LoanPurpose", sign="is", among=("car", "house"))
    rules = (
        Rule(then="a closer look", when=(Criterion(on="predicted", sign="is", among=("low",)), car)),
        _old("a visit"),
    )
    forest = RandomForestClassifier(20, max_depth=4, random_state=0)
    return _subject(forest, classes, "band", rules, DecisionTreeClassifier(max_depth=3, random_state=0))


@functools.cache
def regression() -> Subject:
    """A ridge regression on a mixed table."""
    from sklearn.linear_model import Ridge
    from sklearn.tree import DecisionTreeRegressor

    rules = (_old("a visit"), Rule(then="a closer look", when=(Criterion(on="output", sign="ge", limit=100),)))
    target = 100 + 10 * _score(mixed_frame())
    return _subject(Ridge(), target, "limit", rules, DecisionTreeRegressor(max_depth=3, random_state=0))


@functools.cache
def text() -> Subject:
    """TF-IDF and logistic regression on made-up reviews."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    rng = np.random.default_rng(0)
    good, bad, neutral = (
        ["great", "warm", "moving", "funny"],
        ["dull", "flat", "boring", "mess"],
        ["film", "plot", "cast", "the", "a"],
    )
    texts, labels = [], []
    for i in range(80):
        words = [*rng.choice(good if i % 2 else bad, 2), *rng.choice(neutral, 4)]
        texts.append(" ".join(rng.permutation(words)))
        labels.append("fresh" if i % 2 else "rotten")
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts[:60], labels[:60])
    frame = pd.DataFrame({"review": pd.array(texts, dtype="str")})
    return Subject.of(model, frame, pd.Series(labels, name="verdict"), test=np.arange(80) >= 60, name="reviews")


SUBJECTS = {"binary": binary, "multiclass": multiclass, "regression": regression, "text": text}
