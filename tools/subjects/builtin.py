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
from askwhy.tools.subjects.texts import debates, reviews

HELD_OUT = 0.25


@dataclass(frozen=True)
class _Recipe:
    """A data set, the model on it, and another model to compare with, by name."""

    data: Callable[[], RawData]
    model: Callable[[], Any]
    rivals: tuple[tuple[str, Callable[[], Any]], ...] = ()


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


def _logistic_on_credit() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    words = ["sex", "job", "housing", "saving_accounts", "checking_account", "purpose"]
    encoded = ColumnTransformer(
        [("words", OneHotEncoder(handle_unknown="ignore"), words)], remainder=StandardScaler(), sparse_threshold=0
    )
    return make_pipeline(encoded, LogisticRegression(max_iter=1000))


def _logistic_on_penguins() -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    words = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore"))
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    encoded = ColumnTransformer([("words", words, ["island", "sex"])], remainder=numbers, sparse_threshold=0)
    return make_pipeline(encoded, LogisticRegression(max_iter=1000))


def _tree_on_tumours() -> Any:
    from sklearn.tree import DecisionTreeClassifier

    return DecisionTreeClassifier(max_depth=4, min_samples_leaf=5, random_state=0)


def _tree_on_diabetes() -> Any:
    from sklearn.tree import DecisionTreeRegressor

    return DecisionTreeRegressor(max_depth=4, min_samples_leaf=10, random_state=0)


def _words_on_reviews() -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    return make_pipeline(TfidfVectorizer(min_df=2, sublinear_tf=True), LogisticRegression(C=3.0, max_iter=1000))


def _words_on_debates() -> Any:
    from sklearn.calibration import CalibratedClassifierCV
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.pipeline import make_pipeline
    from sklearn.svm import LinearSVC

    words = TfidfVectorizer(min_df=2, ngram_range=(1, 2), sublinear_tf=True)
    # Without ensemble there is one linear model, and its scores are turned into probabilities.
    return make_pipeline(words, CalibratedClassifierCV(LinearSVC(random_state=0), ensemble=False))


_RECIPES = {
    "credit": _Recipe(credit, _forest_on_credit, (("logistic regression", _logistic_on_credit),)),
    "breast-cancer": _Recipe(breast_cancer, _logistic_on_tumours, (("shallow tree", _tree_on_tumours),)),
    "diabetes": _Recipe(diabetes, _ridge_on_diabetes, (("shallow tree", _tree_on_diabetes),)),
    "penguins": _Recipe(penguins, _forest_on_penguins, (("logistic regression", _logistic_on_penguins),)),
    "reviews": _Recipe(reviews, _words_on_reviews),
    "debates": _Recipe(debates, _words_on_debates),
}

_TRANSFORMER = "reviews-transformer"

BUILTIN: tuple[str, ...] = (*_RECIPES, _TRANSFORMER)
"""Names of the built-in subjects."""

SLOW: tuple[str, ...] = (_TRANSFORMER,)
"""Those whose model takes minutes to train, once; it is kept in the cache."""


@functools.cache
def builtin(name: str) -> Subject:
    """A built-in subject by name. The data is fetched once and kept on disk; the model is trained on first use.

    The fitted models are cached for the process only: each is trained in less time than reading it from a safe format
    takes (skops imports all of scikit-learn and torch first).

    Raises UnknownName for any other name, and ToolError where the data cannot be fetched.
    """
    if name not in BUILTIN:
        raise UnknownName("built-in subject", name, BUILTIN)
    if name == _TRANSFORMER:
        return _transformer_on_reviews()
    recipe = _RECIPES[name]
    raw = recipe.data()
    held_out = held_out_rows(raw)
    model = _fitted(recipe.model, raw, held_out)
    rivals = {name: _fitted(made, raw, held_out) for name, made in recipe.rivals}
    schema = Path(__file__).parent / raw.schema_file if raw.schema_file else None
    return build_subject(
        model, raw.frame, raw.target, schema=schema, test=held_out, version=_version(name), rivals=rivals
    )


def _transformer_on_reviews() -> Subject:
    from askwhy.tools.subjects.minilm import trained_network

    raw = reviews()
    held_out = held_out_rows(raw)
    training = raw.frame[~held_out]
    network, outputs = trained_network(
        training["text"].tolist(), training[raw.target].tolist(), ("fresh", "rotten"), asked=raw.frame["text"].tolist()
    )
    schema = Path(__file__).parent / str(raw.schema_file)
    subject = build_subject(
        network, raw.frame, raw.target, schema=schema, test=held_out, version=_version(_TRANSFORMER)
    )
    # Asking it about all reviews takes minutes, and it was done when the model was trained.
    return subject.with_known(outputs)


def held_out_rows(raw: RawData) -> Mask:
    """The mask of the fixed held-out quarter, with the classes (or the quarters of a number) in their proportions."""
    from sklearn.model_selection import train_test_split

    target = raw.frame[raw.target]
    numeric = pd.api.types.is_numeric_dtype(target.dtype) and target.nunique() > 2
    strata = pd.qcut(target, 4, labels=False) if numeric else target
    positions = np.arange(len(target))
    _, test = train_test_split(positions, test_size=HELD_OUT, random_state=0, stratify=strata)
    return np.isin(positions, test)


def _fitted(made: Callable[[], Any], raw: RawData, held_out: Mask) -> Any:
    training = raw.frame[~held_out]
    features = training.drop(columns=raw.target)
    if list(features.columns) == ["text"]:
        return made().fit(features["text"], training[raw.target])
    return made().fit(features, training[raw.target])


def _version(name: str) -> str:
    """Names what the fitted model depends on beside the data: this file and scikit-learn."""
    import sklearn

    parts = [name, Path(__file__).read_text(encoding="utf-8"), sklearn.__version__]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
