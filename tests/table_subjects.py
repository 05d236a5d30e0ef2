"""Subjects whose right answers are known, and one way to run a tool on them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Change, Condition, Scope, Where
from askwhy.tools.subject import Subject
from askwhy.tools.view import make_view


def run(subject: Subject, tool: str, scope: Scope | None = None, seed: int = 0, **arguments: Any) -> Evidence:
    """The evidence of one tool call."""
    view = make_view(subject, scope or Scope(), Evaluator(subject.predictor), seed)
    return find_tool(tool)(view, **arguments)


def where(feature: str, op: Any, value: Any) -> Scope:
    """Rows by one condition on a feature."""
    return Scope(where=Where.of(Condition(feature=feature, op=op, value=value)))


def changed(row: str, *changes: Change) -> Scope:
    """One row with changes."""
    return Scope(row=row, changes=changes)


def values(evidence: Evidence, relation: str) -> list[Any]:
    """The values of a relation, in order."""
    return [fact.value for fact in evidence.all(relation)]


def loans(rows: int = 160, seed: int = 3) -> pd.DataFrame:
    """A mixed table: numbers with decimals, whole numbers, text categories, number-coded ones, booleans, gaps."""
    rng = np.random.default_rng(seed)
    savings = rng.gamma(2.0, 2.0, rows).round(2)
    savings[rng.random(rows) < 0.06] = np.nan
    return pd.DataFrame(
        {
            "sex": pd.array(rng.choice(["female", "male"], rows), dtype="str"),
            "age": rng.integers(19, 70, rows),
            "duration": rng.integers(6, 61, rows),
            "savings": savings,
            "purpose": pd.array(rng.choice(["car", "house", "repairs"], rows), dtype="str"),
            "employed": rng.random(rows) < 0.7,
        }
    )


def _approved(frame: pd.DataFrame) -> np.ndarray[Any, Any]:
    score = 0.03 * (frame["age"] - 40) - 0.06 * (frame["duration"] - 30) + 0.25 * (frame["savings"].fillna(3.0) - 4)
    score = score + 0.7 * frame["employed"] - 0.5 * (frame["purpose"] == "car")
    noise = np.random.default_rng(9).normal(0, 0.6, len(frame))
    return np.where(score + noise > 0.3, "approved", "declined")


@functools.cache
def loan_pipeline() -> Any:
    """A fitted Pipeline that takes the raw columns of `loans`."""
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    frame = loans()
    columns = ColumnTransformer(
        [
            ("numbers", SimpleImputer(), ["age", "duration", "savings"]),
            ("words", OneHotEncoder(handle_unknown="ignore"), ["sex", "purpose", "employed"]),
        ]
    )
    model = make_pipeline(columns, RandomForestClassifier(30, max_depth=6, random_state=0))
    return model.fit(frame[:120], _approved(frame)[:120])


@functools.cache
def loan_subject() -> Subject:
    """The loan pipeline; sex is fixed, age can only rise, duration stays within 6 to 48, approved is favourable."""
    frame = loans()
    made = Subject.of(
        loan_pipeline(),
        frame,
        pd.Series(_approved(frame), name="decision"),
        test=np.arange(len(frame)) >= 120,
        name="loans",
    )
    return with_features(
        made,
        favourable="approved",
        sex={"mutable": False},
        age={"direction": 1},
        duration={"allowed": (6.0, 48.0)},
    )


def with_features(subject: Subject, favourable: str | None = None, **notes: dict[str, Any]) -> Subject:
    """The subject with some features' notes replaced, as a schema file would."""
    features = tuple(one.model_copy(update=notes.get(one.name, {})) for one in subject.schema.features)
    classes = tuple(one.model_copy(update={"favourable": one.name == favourable}) for one in subject.schema.classes)
    schema = subject.schema.model_copy(update={"features": features, "classes": classes})
    predictor = dataclasses.replace(subject.predictor, schema=schema)
    return dataclasses.replace(subject, schema=schema, predictor=predictor, id=f"{subject.id}+")


def of_rule(
    frame: pd.DataFrame, rule: Callable[[pd.DataFrame], Any], target: Any = None, held_out: Any = None
) -> Subject:
    """A subject whose model is a function worked by hand."""
    truth = None if target is None else pd.Series(target, name="target")
    return Subject.of(rule, frame, truth, test=held_out, name="planted", version="1")
