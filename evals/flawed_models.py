"""Models with one hidden flaw each, eight of each of five kinds, and ten clean ones: for `askwhy eval agent`.

Everything follows from a seed: which columns, how many rows, how strong the flaw. A subject is built as a user builds
one, from a fitted model, a frame and marks of the held-out rows, so a tool sees what a user would give it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from askwhy.evals.flawed_domains import Array, Draws, Table, domains, draw_table
from askwhy.evals.flawed_tables import Flaw, Kind, label_noise, leak, reversal, shortcut, weak_region
from askwhy.evals.flawed_texts import (
    Corpus,
    draw_corpus,
    grammars,
    text_label_noise,
    text_leak,
    text_shortcut,
    text_weak_region,
)
from askwhy.tools.subject import Subject

Learner = Literal["logistic", "forest", "boosting", "histogram", "words"]

SEEDS = (70_411,)
"""What the command uses by default. Nobody tuned a tool or a generator on them."""

DEV_SEEDS = (1, 2, 3)
"""What the tests and their authors use."""


_ATTEMPTS = 12


@dataclass(frozen=True)
class Spec:
    """What is to be made: the kind of flaw (None: clean), the business, the learner, and how the flaw is made."""

    name: str
    kind: Kind | None
    domain: str
    learner: Learner
    how: str = ""
    number: bool = False
    rate: float = 0.35
    noise: float = 0.6


@dataclass(frozen=True, eq=False)
class Flawed:
    """A subject, what is wrong with it (None: nothing), and the outcome before anything was put into it."""

    name: str
    subject: Subject
    flaw: Flaw | None
    truth: Array
    score: Array


def _specs(kind: Kind, *rows: tuple[str, Learner, str, bool]) -> tuple[Spec, ...]:
    rates = (0.35, 0.2, 0.45, 0.3)
    return tuple(
        Spec(f"{kind} {i} ({domain})", kind, domain, learner, how, number, rates[i % 4])
        for i, (domain, learner, how, number) in enumerate(rows, 1)
    )


SPECS: tuple[Spec, ...] = (
    *_specs(
        "leak", ("lending", "logistic", "count", False), ("churn", "forest", "code", False),
        ("readmission", "histogram", "missing", False), ("machines", "boosting", "count", False),
        ("insurance", "forest", "amount", True), ("energy", "histogram", "amount", True),
        ("training", "logistic", "code", False), ("goods", "words", "refunded", False),
    ),
    *_specs(
        "shortcut", ("readmission", "logistic", "gone", False), ("machines", "forest", "reversed", False),
        ("insurance", "boosting", "gone", False), ("lending", "histogram", "reversed", False),
        ("energy", "logistic", "gone", False), ("training", "forest", "gone", False),
        ("goods", "words", "gone", False), ("tickets", "words", "reversed", False),
    ),
    *_specs(
        "reversal", ("lending", "forest", "", False), ("churn", "histogram", "", False),
        ("readmission", "boosting", "", False), ("machines", "histogram", "", False),
        ("insurance", "boosting", "", False), ("energy", "histogram", "", True),
        ("training", "forest", "", False), ("churn", "boosting", "", False),
    ),
    *_specs(
        "weak region", ("lending", "histogram", "inputs", False), ("churn", "logistic", "both", False),
        ("machines", "forest", "labels", False), ("insurance", "histogram", "inputs", False),
        ("energy", "boosting", "inputs", True), ("readmission", "forest", "both", False),
        ("training", "boosting", "inputs", False), ("tickets", "words", "inputs", False),
    ),
    *_specs(
        "label noise", ("lending", "forest", "category", False), ("churn", "logistic", "range", False),
        ("readmission", "histogram", "category", False), ("machines", "logistic", "category", False),
        ("insurance", "boosting", "range", False), ("energy", "forest", "category", False),
        ("training", "histogram", "range", False), ("goods", "words", "", False),
    ),
    Spec("clean 1 (a strong honest predictor)", None, "lending", "logistic", "strong"),
    Spec("clean 2 (few of one class)", None, "churn", "histogram", rate=0.07),
    Spec("clean 3 (a rare category)", None, "readmission", "forest", "rare"),
    Spec("clean 4 (proxies of each other)", None, "machines", "boosting", "proxies"),
    Spec("clean 5 (a group somewhat harder)", None, "insurance", "logistic", "harder"),
    Spec("clean 6 (a number)", None, "energy", "histogram", number=True),
    Spec("clean 7 (much noise)", None, "training", "forest", noise=1.4),
    Spec("clean 8 (texts)", None, "goods", "words"),
    Spec("clean 9 (texts, few of one class)", None, "tickets", "words", rate=0.2),
    Spec("clean 10 (a strong predictor, a forest)", None, "churn", "forest", "strong"),
)  # fmt: skip


def flawed_model(spec: Spec, seed: int) -> Flawed:
    """The model of a spec under a seed; a draw whose flaw leaves no trace in the model is thrown away."""
    for attempt in range(_ATTEMPTS):
        rng = np.random.default_rng([seed, attempt, *spec.name.encode()])
        made = _of_texts(spec, rng) if spec.domain in grammars() else _of_table(spec, rng)
        if leaves_trace(made):
            return made
    raise RuntimeError(f"{spec.name}: no draw of seed {seed} left a trace in the model")


def leaves_trace(made: Flawed) -> bool:
    """Whether the held-out errors show the flaw, where that is how it shows: in its rows they are more by 12 points
    (of numbers: by 40 %) and by three standard errors. Leaks and shortcuts are there by their making."""
    if made.flaw is None or made.flaw.kind in ("leak", "shortcut"):
        return True
    inside, outside = errors_in_and_out(made)
    gap = float(inside.mean() - outside.mean())
    enough = 0.4 * float(outside.mean()) if made.subject.regression else 0.12
    return len(inside) >= 40 and gap > max(enough, 3 * float(inside.std()) / np.sqrt(len(inside)))


def errors_in_and_out(made: Flawed) -> tuple[Array, Array]:
    """The errors (0 or 1, or absolute) of the held-out rows where the flaw is, and of the others."""
    subject = made.subject
    assert made.flaw is not None and subject.target is not None
    outputs = subject.predictor(subject.data)
    if subject.regression:
        errors = np.abs(outputs[:, 0] - subject.target.to_numpy(dtype=float))
    else:
        names = np.array([str(one.value) for one in subject.schema.classes], dtype=object)
        errors = (names[outputs.argmax(axis=1)] != subject.target.to_numpy(dtype=object)).astype(float)
    held_out = np.asarray(subject.held_out)
    return errors[held_out & made.flaw.rows], errors[held_out & ~made.flaw.rows]


def _of_table(spec: Spec, rng: Draws) -> Flawed:
    table, flaw = _table(spec, rng)
    frame, known = table.frame, table.training
    seed = int(rng.integers(1_000_000))
    model = _pipeline(spec.learner, frame, seed, number=spec.number).fit(frame[known], table.outcome[known])
    told = table.domain["number"] if spec.number else table.domain
    cells: Any = table.outcome if spec.number else pd.array(table.outcome, dtype="str")
    target = pd.Series(cells, name=told["name"] if spec.number else told["target"])
    subject = Subject.of(model, frame, target, test=table.held_out, name=table.domain["target"])
    return Flawed(spec.name, subject, flaw, table.truth, table.score)


def _table(spec: Spec, rng: Draws) -> tuple[Table, Flaw | None]:
    """The table and what was done to it; a shortcut pays where the honest columns say little, a reversal where much."""
    rows = int(rng.integers(900, 2600))
    options: dict[str, Any] = {"rate": spec.rate, "noise": spec.noise, "number": spec.number}
    if spec.kind == "leak":
        table = draw_table(spec.domain, rng, rows, **options)
        return table, leak(table, spec.how)
    if spec.kind == "shortcut":
        table = draw_table(spec.domain, rng, rows, **{**options, "noise": 1.2})
        return table, shortcut(table, spec.how)
    if spec.kind == "reversal":
        column, value = _category(spec.domain, rng)
        share = (column, value, float(rng.uniform(0.12, 0.20)))
        table = draw_table(spec.domain, rng, max(rows, 1600), **{**options, "noise": 0.35}, share=share)
        return table, reversal(table, column, value)
    if spec.kind is None:
        return _clean(spec, rng, rows), None
    table = draw_table(spec.domain, rng, max(rows, 1400), **{**options, "noise": 0.4})
    return table, (weak_region if spec.kind == "weak region" else label_noise)(table, spec.how)


def _category(domain: str, rng: Draws) -> tuple[str, str]:
    one = rng.choice([place for place in domains()[domain]["columns"] if place["kind"] == "category"])
    return str(one["name"]), str(rng.choice(one["values"]))


def _clean(spec: Spec, rng: Draws, rows: int) -> Table:
    """A table without a flaw, but with what is often taken for one."""
    options: dict[str, Any] = {"rate": spec.rate, "noise": spec.noise, "number": spec.number}
    if spec.how == "strong":
        strongest = max(
            (one for one in domains()[spec.domain]["columns"] if one["kind"] in ("number", "integer")),
            key=lambda one: abs(float(one["effect"])),
        )
        return draw_table(spec.domain, rng, rows, **{**options, "noise": 0.25}, stronger=(strongest["name"], 3.0))
    if spec.how == "rare":
        return draw_table(spec.domain, rng, rows, **options, share=(*_category(spec.domain, rng), 0.02))
    table = draw_table(spec.domain, rng, rows, **options)
    if spec.how == "proxies":
        first, second = table.columns("numeric")[:2]
        for name in (first, second):
            cells = table.frame[name].to_numpy(dtype=float)
            table.frame[f"{name}_estimate"] = np.round(cells * rng.normal(1.0, 0.04, rows), 2)
    if spec.how == "harder":
        column = table.columns("category")[0]
        inside = np.asarray(table.frame[column] == str(table.frame[column].value_counts().index[0]))
        touched = inside & (rng.random(rows) < 0.04)
        first_class, second_class = table.domain["classes"]
        table.outcome[touched] = np.where(table.outcome[touched] == first_class, second_class, first_class)
    return table


_IN_TEXTS: dict[Kind | None, Callable[[Corpus, str], Flaw | None]] = {
    "leak": text_leak,
    "shortcut": text_shortcut,
    "weak region": text_weak_region,
    "label noise": lambda corpus, how: text_label_noise(corpus),
    None: lambda corpus, how: None,
}


def _of_texts(spec: Spec, rng: Draws) -> Flawed:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    # Where something other than the words of the statements is to be learnt, these say less.
    noise = 0.3 if spec.kind in ("leak", "shortcut") else 0.12
    corpus = draw_corpus(spec.domain, rng, int(rng.integers(1100, 1900)), rate=max(spec.rate, 0.2), noise=noise)
    flaw = _IN_TEXTS[spec.kind](corpus, spec.how)
    known = ~corpus.held_out
    model = make_pipeline(TfidfVectorizer(min_df=2, sublinear_tf=True), LogisticRegression(C=3.0, max_iter=1000))
    model.fit([text for text, one in zip(corpus.texts, known, strict=True) if one], corpus.outcome[known])
    frame = pd.DataFrame({corpus.domain["column"]: pd.array(corpus.texts, dtype="str")})
    target = pd.Series(corpus.outcome, name=corpus.domain["target"], dtype="str")
    subject = Subject.of(model, frame, target, test=corpus.held_out, name=corpus.domain["target"])
    score = (corpus.truth == corpus.domain["classes"][1]).astype(float)
    return Flawed(spec.name, subject, flaw, corpus.truth, score)


def _pipeline(learner: Learner, frame: pd.DataFrame, seed: int, *, number: bool) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    names = [str(name) for name in frame.columns]
    numbers = [one for one in names if frame[one].dtype.kind in "if"]
    words = [one for one in names if one not in numbers]
    # A missing number says something itself, where it was left out for a reason.
    filled = SimpleImputer(strategy="median", add_indicator=True)
    steps = make_pipeline(filled, StandardScaler()) if learner == "logistic" else filled
    columns = ColumnTransformer(
        [("numbers", "passthrough" if learner == "histogram" else steps, numbers),
         ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), words)]
    )  # fmt: skip
    return make_pipeline(columns, _estimator(learner, seed, number=number))


def _estimator(learner: Learner, seed: int, *, number: bool) -> Any:
    from sklearn import ensemble
    from sklearn.linear_model import LogisticRegression, Ridge

    if learner == "logistic":
        return Ridge() if number else LogisticRegression(max_iter=1000)
    if learner == "forest":
        kind = ensemble.RandomForestRegressor if number else ensemble.RandomForestClassifier
        return kind(80, min_samples_leaf=3, max_features=0.5, random_state=seed)
    if learner == "boosting":
        kind = ensemble.GradientBoostingRegressor if number else ensemble.GradientBoostingClassifier
        return kind(n_estimators=120, max_depth=4, subsample=0.8, random_state=seed)
    kind = ensemble.HistGradientBoostingRegressor if number else ensemble.HistGradientBoostingClassifier
    return kind(max_iter=120, max_leaf_nodes=15, random_state=seed)
