"""The built-in subjects: real data, a real model trained on first use, a fixed held-out quarter."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.errors import UnknownName
from askwhy.tools.loading.build import build_subject
from askwhy.tools.subject import Mask, Subject
from askwhy.tools.subjects.tables import RawData, breast_cancer, credit, diabetes, penguins
from askwhy.tools.subjects.texts import reviews

HELD_OUT = 0.25


@dataclass(frozen=True)
class _Recipe:
    data: Callable[[], RawData]
    model: Callable[[], Any]


def _forest_on_credit() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    words = ["sex", "job", "housing", "saving_accounts", "checking_account", "purpose"]
    encoded = ColumnTransformer([("words", OneHotEncoder(handle_unknown="ignore"), words)], remainder="passthrough")
    # Leaves of three keep the forest from learning single applicants by heart.
    return make_pipeline(encoded, RandomForestClassifier(100, min_samples_leaf=3, random_state=0))


def _logistic_on_tumours() -> Any:
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))


def _ridge_on_diabetes() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    encoded = ColumnTransformer([("sex", OneHotEncoder(), ["sex"])], remainder=StandardScaler())
    return make_pipeline(encoded, Ridge(alpha=1.0))


def _forest_on_penguins() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder

    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    encoded = ColumnTransformer(
        [("words", words, ["island", "sex"])], remainder=SimpleImputer(strategy="median"), sparse_threshold=0
    )
    return make_pipeline(encoded, RandomForestClassifier(100, min_samples_leaf=3, random_state=0))


def _words_on_reviews() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfVectorizer(min_df=2, sublinear_tf=True), LogisticRegression(C=3.0, max_iter=1000))


_RECIPES = {
    "credit": _Recipe(credit, _forest_on_credit),
    "breast-cancer": _Recipe(breast_cancer, _logistic_on_tumours),
    "diabetes": _Recipe(diabetes, _ridge_on_diabetes),
    "penguins": _Recipe(penguins, _forest_on_penguins),
    "reviews": _Recipe(reviews, _words_on_reviews),
}

BUILTIN: tuple[str, ...] = tuple(_RECIPES)
"""Names of the built-in subjects."""


@functools.cache
def builtin(name: str) -> Subject:
    """A built-in subject by name. The data is fetched once and kept on disk; the model is trained on first use.

    The fitted models are cached for the process only: each is trained in less time than reading it from a safe format
    takes (skops imports all of scikit-learn and torch first).

    Raises UnknownName for any other name, and ToolError where the data cannot be fetched.
    """
    if name not in _RECIPES:
        raise UnknownName("built-in subject", name, BUILTIN)
    recipe = _RECIPES[name]
    raw = recipe.data()
    held_out = held_out_rows(raw)
    model = _fitted(recipe, raw, held_out)
    schema = Path(__file__).parent / raw.schema_file if raw.schema_file else None
    return build_subject(model, raw.frame, raw.target, schema=schema, test=held_out, version=_version(name))


def held_out_rows(raw: RawData) -> Mask:
    """The mask of the fixed held-out quarter, with the classes (or the quarters of a number) in their proportions."""
    from sklearn.model_selection import train_test_split

    target = raw.frame[raw.target]
    numeric = pd.api.types.is_numeric_dtype(target.dtype) and target.nunique() > 2
    strata = pd.qcut(target, 4, labels=False) if numeric else target
    positions = np.arange(len(target))
    _, test = train_test_split(positions, test_size=HELD_OUT, random_state=0, stratify=strata)
    return np.isin(positions, test)


def _fitted(recipe: _Recipe, raw: RawData, held_out: Mask) -> Any:
    training = raw.frame[~held_out]
    features = training.drop(columns=raw.target)
    if list(features.columns) == ["text"]:
        return recipe.model().fit(features["text"], training[raw.target])
    return recipe.model().fit(features, training[raw.target])


def _version(name: str) -> str:
    """Names what the fitted model depends on beside the data: this file and scikit-learn."""
    import sklearn

    parts = [name, Path(__file__).read_text(encoding="utf-8"), sklearn.__version__]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
