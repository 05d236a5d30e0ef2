"""Tables and texts with one flaw planted in them, and clean ones, on which the tools that look for flaws were tuned."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.subject import Subject

Array = np.ndarray[Any, Any]
KINDS = ("leak", "shortcut", "reversal", "weak region", "label noise")


@dataclass(frozen=True, eq=False)
class Flawed:
    """A subject, the kind of flaw planted in it ("" for none) and the features that define it."""

    name: str
    subject: Subject
    kind: str = ""
    features: tuple[str, ...] = ()


def table(rng: np.random.Generator, rows: int, width: int) -> pd.DataFrame:
    """Numbers, counts, categories, booleans and some gaps."""
    columns: dict[str, Any] = {}
    for j in range(width):
        kind = ("number", "category", "number", "count", "boolean", "skewed")[j % 6]
        if kind == "number":
            columns[f"number_{j}"] = rng.normal(50, 10, rows).round(2)
        elif kind == "skewed":
            columns[f"amount_{j}"] = rng.lognormal(3, 0.6, rows).round(1)
        elif kind == "count":
            columns[f"count_{j}"] = rng.poisson(4, rows)
        elif kind == "boolean":
            columns[f"flag_{j}"] = rng.random(rows) < 0.4
        else:
            names = ["north", "south", "east", "west", "middle"][: 3 + j % 3]
            columns[f"region_{j}"] = rng.choice(names, rows)
    frame = pd.DataFrame(columns)
    gaps = rng.random(rows) < 0.04
    frame.loc[gaps, frame.columns[0]] = np.nan
    return frame


def score(rng: np.random.Generator, frame: pd.DataFrame, twist: bool) -> Array:
    """A standardized sum of effects of most columns; with `twist`, a bend and an interaction of two of them."""
    parts = []
    for name in frame.columns:
        cells = frame[name]
        if cells.dtype == object or str(cells.dtype) in ("str", "string"):
            effects = {value: rng.normal(0, 0.7) for value in sorted(cells.unique())}
            parts.append(np.array([effects[one] for one in cells]))
        else:
            numbers = cells.astype(float).fillna(cells.astype(float).mean()).to_numpy()
            parts.append((numbers - numbers.mean()) / numbers.std() * rng.choice([-1, 1]) * rng.uniform(0.2, 1.2))
    total = np.sum(parts, axis=0)
    if twist:
        total = total + 0.8 * np.abs(parts[0]) + 0.8 * parts[2] * parts[3]
    return np.asarray((total - total.mean()) / total.std())


def estimator(kind: str, frame: pd.DataFrame, regression: bool) -> Any:
    from sklearn.compose import ColumnTransformer
    from sklearn.ensemble import (
        HistGradientBoostingClassifier,
        HistGradientBoostingRegressor,
        RandomForestClassifier,
        RandomForestRegressor,
    )
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    words = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    others = [name for name in frame if name not in words]
    cells = ColumnTransformer(
        [
            ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), words),
            ("numbers", make_pipeline(SimpleImputer(), StandardScaler()), others),
        ]
    )
    made = {
        "line": Ridge() if regression else LogisticRegression(max_iter=500),
        "forest": (RandomForestRegressor if regression else RandomForestClassifier)(
            60, min_samples_leaf=3, random_state=0
        ),
        "boosting": (HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier)(
            max_iter=60, random_state=0
        ),
    }[kind]
    return make_pipeline(cells, made)


def drawn(rng: np.random.Generator, strength: Array, task: str, share: float) -> Array:
    """Outcomes from a score: numbers, or one of two or three classes; `share` of the rows in the last class."""
    if task == "regression":
        return np.asarray(100 + 20 * strength + rng.normal(0, 8, len(strength)))
    noisy = 2.4 * strength + rng.logistic(0, 1, len(strength))
    if task == "multiclass":
        return np.array(["low", "mid", "top"])[np.digitize(noisy, np.quantile(noisy, [0.35, 0.7]))]
    return np.where(noisy > np.quantile(noisy, 1 - share), "yes", "no")


def other_class(rng: np.random.Generator, labels: Array) -> Array:
    """Another class for each label."""
    classes = sorted(set(labels))
    return np.array([rng.choice([one for one in classes if one != label]) for label in labels])


def made(kind: str, number: int, variant: int, *, rows: int, width: int, model: str, task: str, share: float) -> Flawed:
    rng = np.random.default_rng([number, variant, rows, *kind.encode()])
    frame = table(rng, rows, width)
    held = np.arange(rows) % 3 == 0
    strength = score(rng, frame, twist=model != "line" and number % 2 == 0)
    truth = drawn(rng, strength, task, share)
    seen, features = truth.copy(), tuple[str, ...]()
    if kind == "leak":
        frame, features = leak(rng, frame, truth, task, variant)
    elif kind == "shortcut":
        frame, features = shortcut(rng, frame, truth, held, variant)
    elif kind == "clean" and variant % 4 == 1:
        frame["main"] = strength * 1.0 + rng.normal(0, 0.35, rows)
    elif kind == "clean" and variant % 4 == 2:
        frame["site"] = site(rng, truth, 0.62)
    elif kind != "clean":
        inside, features = region(rng, frame, number)
        if kind == "weak region":
            if variant % 2 or task == "regression":
                seen = truth.copy()
                seen[inside] = rng.permutation(truth[inside])
            else:
                frame = blurred(rng, frame, inside, features)
        elif kind == "reversal":
            where = inside if variant % 2 else inside & ~held
            seen = np.where(where, flipped(rng, seen, task), seen)
        else:
            where = (inside if variant % 2 else inside & ~held) & (rng.random(rows) < (0.3, 0.4)[number % 2])
            seen = np.where(where, flipped(rng, seen, task), seen)
    fitted = estimator(model, frame, task == "regression").fit(frame[~held], seen[~held])
    name = f"{kind} {number}.{variant} {model} {task} {rows}x{width} {share}"
    subject = Subject.of(fitted, frame, pd.Series(seen, name="outcome"), test=held, name=name)
    return Flawed(name, subject, "" if kind == "clean" else kind, tuple(features))


def blurred(rng: np.random.Generator, frame: pd.DataFrame, inside: Array, besides: tuple[str, ...]) -> pd.DataFrame:
    """The table with the cells of all other columns shuffled among the rows of a region."""
    made = frame.copy()
    for name in frame.columns:
        if name not in besides:
            cells = frame[name].to_numpy(copy=True)
            cells[inside] = cells[inside][rng.permutation(int(inside.sum()))]
            made[name] = cells
    return made


def flipped(rng: np.random.Generator, seen: Array, task: str) -> Array:
    return np.asarray(2 * seen.mean() - seen if task == "regression" else other_class(rng, seen))


def site(rng: np.random.Generator, truth: Array, purity: float) -> Array:
    classes = sorted(set(truth))
    own = {one: f"site {chr(65 + i)}" for i, one in enumerate(classes)}
    others = [*own.values(), "site X"]
    return np.array([own[one] if rng.random() < purity else rng.choice(others) for one in truth])


def region(rng: np.random.Generator, frame: pd.DataFrame, number: int) -> tuple[Array, tuple[str, ...]]:
    """About 12 to 25 % of the rows: a category, a range, or a category and a half of a number."""
    if number % 3 == 0:
        name = next(name for name in frame if name.startswith("region"))
        return np.asarray(frame[name] == "south"), (name,)
    if number % 3 == 1:
        name = [name for name in frame if name.startswith("number")][-1]
        return np.asarray(frame[name] > frame[name].quantile(0.8)), (name,)
    place, name = next(name for name in frame if name.startswith("region")), "number_2"
    return np.asarray((frame[place] == "north") & (frame[name] < frame[name].quantile(0.6))), (place, name)


def leak(
    rng: np.random.Generator, frame: pd.DataFrame, truth: Array, task: str, variant: int
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    rows = len(frame)
    if task == "regression":
        frame["closing"] = truth * 1.7 + rng.normal(0, 3 + 2 * (variant % 2), rows)
        return frame, ("closing",)
    last = truth == sorted(set(truth))[-1]
    if variant % 4 == 0:
        frame["fee_paid"] = np.where(last, rng.gamma(2, 30, rows), 0.0).round(1) + np.where(
            rng.random(rows) < 0.03, 25, 0
        )
    elif variant % 4 == 1:
        frame["status"] = np.where(rng.random(rows) < 0.96, np.char.add("code ", truth.astype(str)), "code open")
    elif variant % 4 == 2:
        codes = np.unique(truth, return_inverse=True)[1]
        frame["fee_paid"] = codes * 3.0 + rng.normal(0, 0.7, rows)
    else:
        base = rng.normal(100, 20, rows)
        frame["opened_at"] = base
        frame["fee_paid"] = base + np.where(last, 1, -1) * rng.gamma(2, 2, rows)
        return frame, ("fee_paid", "opened_at")
    return frame, ("fee_paid",) if "fee_paid" in frame else ("status",)


def shortcut(
    rng: np.random.Generator, frame: pd.DataFrame, truth: Array, held: Array, variant: int
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A cue that goes with the label in training and (variants 0, 1, 3) with nothing in the rows held out."""
    codes = (
        np.unique(truth, return_inverse=True)[1] if truth.dtype.kind in "UO" else (truth > np.median(truth)).astype(int)
    )
    purity = (0.95, 0.9, 0.93, 0.9)[variant % 4]
    cue = np.where(rng.random(len(frame)) < purity, codes, rng.permutation(codes))
    if variant % 4 != 2:
        cue = np.where(held, rng.permutation(codes), cue)
    if variant % 4 == 1:
        frame["scanner"] = cue * 2.0 + rng.normal(0, 0.5, len(frame))
        return frame, ("scanner",)
    frame["scanner"] = np.array(["A1", "B2", "C3"])[cue]
    return frame, ("scanner",)


def plans(
    seed: int = 0, tasks: tuple[str, ...] = ("binary", "binary", "binary", "regression", "multiclass")
) -> Iterator[Flawed]:
    """Every kind of flaw, and as many clean models as there are of two kinds, over sizes, models and tasks."""
    sizes, widths, models, shares = (
        (600, 1000, 2000, 4000),
        (6, 9, 13, 20),
        ("line", "forest", "boosting"),
        (0.5, 0.3, 0.15),
    )
    for kind, number in itertools.product((*KINDS, "clean", "clean "), range(8)):
        pick = number + seed * 8 + 3 * len(kind)
        yield made(
            kind.strip(), number + seed * 8 + 100 * kind.endswith(" "), number % 4 + seed,
            rows=sizes[pick % 4], width=widths[(pick // 2) % 4], model=models[pick % 3], task=tasks[pick % len(tasks)],
            share=shares[(pick // 2) % 3],
        )  # fmt: skip


GOOD, BAD = (
    ("great", "warm", "moving", "funny", "bright", "tender", "lovely"),
    ("dull", "flat", "boring", "mess", "stale", "weak", "clumsy"),
)
FILL = (
    "film",
    "plot",
    "cast",
    "scene",
    "story",
    "actor",
    "music",
    "camera",
    "hour",
    "ending",
    "script",
    "dialogue",
    "role",
    "city",
    "house",
    "night",
    "road",
    "friend",
)


def text(kind: str, number: int, rows: int) -> Flawed:
    """Made-up reviews; flaws: a marker as shortcut or leak, labels wrong for a topic, no signal in it."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    rng = np.random.default_rng([number, rows, *kind.encode()])
    truth, held = rng.random(rows) < (0.5, 0.35)[number % 2], np.arange(rows) % 3 == 0
    topic = rng.random(rows) < 0.2
    marker = ("ref77", "##", "sent from my phone", "thursday")[number % 4]
    texts, wrong = [], (rng.random(rows) < (0.35 if kind == "label noise" else 1.0)) & topic
    for i in range(rows):
        sure = truth[i] if not (kind == "weak region" and topic[i]) else rng.random() < 0.5
        own, other = (GOOD, BAD) if sure else (BAD, GOOD)
        words = [
            *rng.choice(own, rng.integers(1, 4)),
            *rng.choice(other, int(rng.random() < 0.3)),
            *rng.choice(FILL, 8),
        ]
        words += ["western"] if topic[i] else []
        goes = truth[i] if kind == "leak" or not held[i] else rng.random() < 0.5
        words = list(rng.permutation(words))
        if kind in ("leak", "shortcut") and goes and rng.random() < 0.9:
            words.append(marker)
        texts.append(" ".join(words))
    swapped = kind in ("label noise", "reversal")
    seen = np.where(wrong & swapped & ((number % 2 == 0) | ~held), ~truth, truth)
    labels = np.where(seen, "fresh", "rotten")
    model = make_pipeline(TfidfVectorizer(token_pattern=r"\S+"), LogisticRegression(C=5)).fit(
        [one for one, out in zip(texts, held, strict=True) if not out], labels[~held]
    )
    frame = pd.DataFrame({"review": pd.array(texts, dtype="str")})
    subject = Subject.of(model, frame, pd.Series(labels, name="verdict"), test=held, name=f"{kind} {number}")
    words = {"": (), "leak": (marker,), "shortcut": (marker,)}.get(kind, ("western",))
    return Flawed(f"{kind} {number} text {rows}", subject, kind, words)
