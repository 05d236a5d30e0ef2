"""Text models whose explanations can be worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.evaluator import Evaluator
from askwhy.tools.predictor import Predictor
from askwhy.tools.schema import ClassLabel, Feature, Schema, Target
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.tools.view import View, make_view

CLASSES = (
    ClassLabel(name="rotten", label="rotten", value="rotten"),
    ClassLabel(name="fresh", label="fresh", value="fresh"),
)


def schema(regression: bool = False) -> Schema:
    """A review and its verdict."""
    return Schema(
        features=(Feature(name="review", label="review", kind="text"),),
        target=Target(name="verdict", label="verdict"),
        task="regression" if regression else "binary",
        classes=() if regression else CLASSES,
        modality="text",
        entity="review",
        entities="reviews",
    )


def text_subject(
    call: Callable[[list[str]], Any], texts: Sequence[str], regression: bool = False, behind: Any = None
) -> Subject:
    """A subject on these texts; `call` gives the probability of fresh, or a number; `behind`: the model itself."""
    about = schema(regression)
    data = pd.DataFrame({"review": pd.array(list(texts), dtype="str")}, index=[str(i) for i in range(len(texts))])
    nothing = np.zeros(len(texts), dtype=bool)
    return Subject(Predictor(call, about, about.names, behind=behind), about, data, None, nothing, data, id="planted")


def words_of(text: str) -> set[str]:
    """The words of a plain text."""
    return set(text.lower().translate(str.maketrans(",.!“”", "     ")).split())


def bag_of_words(weights: Mapping[str, float], start: float = 0.5) -> Callable[[list[str]], Any]:
    """The output is `start` plus the weights of the words that the text holds, however often."""
    return lambda texts: np.array([start + sum(weights.get(word, 0.0) for word in words_of(text)) for text in texts])


def pipeline(texts: Sequence[str], labels: Sequence[str]) -> Callable[[list[str]], Any]:
    """TF-IDF and logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    fitted = make_pipeline(TfidfVectorizer(), LogisticRegression(C=10)).fit(list(texts), list(labels))
    column = list(fitted.classes_).index("fresh")
    return lambda asked: fitted.predict_proba(asked)[:, column]


def view_of(subject: Subject, scope: Scope, seed: int = 0) -> View:
    """The subject as a step sees it."""
    return make_view(subject, scope, Evaluator(subject.predictor), seed)
