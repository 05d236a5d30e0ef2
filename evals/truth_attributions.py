"""Attributions against planted models: askwhy's own choice, plain SHAP and plain LIME side by side (C20, C19, C16)."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from askwhy.evals.planted_models import Planted, planted_models
from askwhy.evals.truth_line import Line
from askwhy.tools.engines.choice import choose
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.scope import Change, Scope
from askwhy.tools.view import make_view

Array = np.ndarray[Any, Any]

METHODS = ("askwhy", "shap", "lime")

COUNTED = 0.01
"""Features whose true value is below this share of the row's largest count neither for signs nor for precision@k."""

_STEP = 0.1
"""How far the model is asked to either side, in standard deviations, where a person asks "does it rise"."""


@dataclass(frozen=True)
class Explained:
    """One row of a planted model: the right attribution and those of every method, (features,) each.

    chosen: the method askwhy chose. base: mean of the outputs; see `Planted` for the rest.
    """

    planted: Planted
    row: int
    truth: Array
    found: dict[str, Array]
    chosen: str

    @property
    def counted(self) -> Array:
        """Mask of the features with a true value to speak of."""
        sizes = np.abs(self.truth)
        return np.asarray(sizes > COUNTED * sizes.max())

    def rank(self, method: str) -> float:
        """Spearman's correlation of the sizes with the true sizes; NaN where all true sizes are equal."""
        from scipy.stats import spearmanr

        sizes, true = _rounded(np.abs(self.found[method])), _rounded(np.abs(self.truth))
        if len(set(true)) < 2:
            return float("nan")
        return float(spearmanr(sizes, true).statistic) if len(set(sizes)) > 1 else 0.0

    def signs(self, method: str) -> float:
        """Share of the counted features whose sign is right."""
        return float((np.sign(self.found[method]) == np.sign(self.truth))[self.counted].mean())

    def precision(self, method: str) -> float:
        """Share of the k largest that are among the k counted features; NaN where that is all of them."""
        k = int(self.counted.sum())
        largest = np.argsort(-np.abs(self.found[method]), kind="stable")[:k]
        return float(self.counted[largest].mean()) if k < len(self.truth) else float("nan")

    def irrelevant(self, method: str) -> float:
        """Share of the whole attribution on features that the model does not read; NaN where it reads all."""
        sizes = np.abs(self.found[method])
        unread = [j for j in range(len(sizes)) if j not in self.planted.used]
        return float(sizes[unread].sum() / max(1e-12, sizes.sum())) if unread else float("nan")


def _rounded(sizes: Array) -> Array:
    """Sizes to six digits of the largest, so that equal ones are equal."""
    return np.asarray(np.round(sizes / max(1e-300, float(sizes.max())), 6))


@functools.cache
def explanations(models: int | None, rows: int, family: str = "") -> tuple[Explained, ...]:
    """Explanations of some rows of the first `models` of each family (None: all), or of one family only."""
    found = []
    for planted in (one for one in planted_models(models) if family in ("", one.family)):
        places = np.random.default_rng(len(planted.name)).choice(len(planted.subject.data), rows, replace=False)
        shap, lime = _plain_shap(planted, places), _plain_lime(planted, places)
        for i, row in enumerate(int(place) for place in places):
            values, chosen = _askwhy(planted, row)
            by_method = dict(zip(METHODS, (values, shap[i], lime[i]), strict=True))
            found.append(Explained(planted, row, planted.truth(row), by_method, chosen))
    return tuple(found)


def _askwhy(planted: Planted, row: int) -> tuple[Array, str]:
    subject = planted.subject
    view = make_view(subject, Scope(row=subject.row_ids[row]), Evaluator(subject.predictor), seed=0)
    found = choose(view, subject.schema.classes[1] if planted.binary else None).chosen
    return found.values, found.name


def _plain_shap(planted: Planted, places: Array) -> Array:
    """What the shap package gives for a function and the same background, all else left to it."""
    import shap

    subject = planted.subject
    masker = shap.maskers.Independent(subject.background, max_samples=len(subject.background))
    explainer = shap.Explainer(lambda cells: _outputs(planted, cells), masker, seed=0)
    return np.asarray(explainer(subject.data.iloc[places], silent=True).values)


def _plain_lime(planted: Planted, places: Array) -> Array:
    """What the lime package gives with its defaults and all features shown; 0/1 columns are declared categories."""
    from lime.lime_tabular import LimeTabularExplainer

    data = np.asarray(planted.subject.data, dtype=float)
    marks = [j for j in range(data.shape[1]) if set(np.unique(data[:, j])) <= {0.0, 1.0}]
    mode = "classification" if planted.binary else "regression"
    explainer = LimeTabularExplainer(data, mode=mode, categorical_features=marks, random_state=0)

    def predict(cells: Array) -> Array:
        outputs = _outputs(planted, cells)
        return np.column_stack([1 - outputs, outputs]) if planted.binary else outputs

    found = np.zeros((len(places), data.shape[1]))
    for i, place in enumerate(places):
        for j, weight in explainer.explain_instance(data[place], predict, num_features=data.shape[1]).as_map()[1]:
            found[i, int(j)] = float(weight)
    return found


def _outputs(planted: Planted, cells: Any) -> Array:
    """The model's number, or the probability of its second class, for an array of rows."""
    import pandas as pd

    frame = pd.DataFrame(np.asarray(cells, dtype=float), columns=planted.subject.data.columns)
    return planted.subject.predictor(frame)[:, -1]


def attribution_lines(models: int | None, rows: int) -> list[Line]:
    """C20 family by family: rank correlation, signs, precision@k and irrelevant mass."""
    every = explanations(models, rows)
    lines = []
    for family in dict.fromkeys(one.planted.family for one in every):
        lines += _family(family, [one for one in every if one.planted.family == family])
    own = sum(one.chosen != "SHAP" for one in every)
    share = Line("attributions", "share where another method than SHAP was chosen", own / len(every), "not_shap", "")
    return [*lines, share]


def _family(family: str, explained: Sequence[Explained]) -> list[Line]:
    """Rank correlation is required of linear models only: elsewhere most true sizes are zero, and so tied."""
    count = len({one.planted.name for one in explained})
    on = f"{count} models, {len(explained)} rows"
    linear = family == "linear"
    measures = (
        ("rank correlation with truth", "rank", Explained.rank, 0.95 if linear else None, None),
        ("signs right", "signs", Explained.signs, 1.0 if linear else None, None),
        ("precision@k", "precision", Explained.precision, 0.9, None),
        ("mass on irrelevant features", "irrelevant", Explained.irrelevant, None, 0.05),
    )
    lines = []
    for words, key, measure, least, most in measures:
        means = [_mean([measure(one, method) for one in explained]) for method in METHODS]
        if means[0] is None:
            continue
        lines.append(
            Line(f"attributions: {family}", words, means[0], f"{family}_{key}", on, means[1], means[2], "", least, most)
        )
    return lines


def _mean(values: Sequence[float]) -> float | None:
    known = [one for one in values if not np.isnan(one)]
    return float(np.mean(known)) if known else None


def suppressor_lines(models: int | None, rows: int) -> list[Line]:
    """C16: is the suppressor flagged wherever an explanation names it, and nothing else?"""
    from askwhy.tools.engines.suppressors import suppressors

    right = wrong = named = others = 0
    for one in explanations(models, rows, "suppressor"):
        planted = one.planted
        subject = planted.subject
        view = make_view(subject, Scope(row=subject.row_ids[one.row]), Evaluator(subject.predictor), seed=0)
        chosen = choose(view, None).chosen
        largest = chosen.ranked()[:3]
        texts = " ".join(caveat.text for caveat in suppressors(view, chosen, None, largest))
        flagged = {j for j in largest if f"own, {subject.schema.features[j].label} shows" in texts}
        read = [j for j in largest if j in planted.used]
        named += planted.blind in read
        right += planted.blind in flagged
        others += sum(j != planted.blind for j in read)
        wrong += sum(j != planted.blind for j in flagged if j in planted.used)
    on = f"named in {named} explanations"
    flagged_share, false_share, part = right / max(1, named), wrong / max(1, others), "suppressors"
    return [
        Line(part, "suppressor flagged where named", flagged_share, "suppressor_flagged", on, least=0.95),
        Line(part, "related feature flagged", false_share, "suppressor_false", f"{others} named", most=0.05),
    ]


def guard_lines(models: int | None, rows: int) -> list[Line]:
    """C19: "does it locally rise in this feature?" by asking the model, and by reading the sign of an attribution."""
    hits: dict[str, list[bool]] = {name: [] for name in (*METHODS, "asked", "coin")}
    rng = np.random.default_rng(0)
    for one in explanations(models, rows):
        for j in sorted(one.planted.used):
            slope = one.planted.slope(one.row, j)
            if slope == 0:
                continue
            hits["asked"].append(_asked(one.planted, one.row, j) == slope)
            hits["coin"].append(rng.choice([-1, 1]) == slope)
            for method in METHODS:
                hits[method].append(np.sign(one.found[method][j]) == slope)
    share = {name: float(np.mean(found)) if found else 0.0 for name, found in hits.items()}
    baseline = f"sign of askwhy's own attribution {share['askwhy']:.3g}, a coin {share['coin']:.3g}"
    on, what = f"{len(hits['asked'])} features of rows", "'does f locally rise in x?' right"
    found = Line("direct evaluation", what, share["asked"], "rises", on, share["shap"], share["lime"], baseline, 0.95)
    return [found]


def _asked(planted: Planted, row: int, feature: int) -> int:
    """The answer of the what-if tool's evaluation: the sign of the change when the feature is a little higher."""
    from askwhy.tools.registry import find_tool

    subject = planted.subject
    column = subject.data.iloc[:, feature]
    name = subject.schema.names[feature]
    change = Change(feature=name, action="increase", value=_STEP * float(column.std()))
    scope = Scope(row=subject.row_ids[row], changes=(change,))
    evidence = find_tool("what_if")(make_view(subject, scope, Evaluator(subject.predictor), seed=0))
    return int(np.sign(evidence.all("change")[0].number()) * (1 if _second(planted, evidence) else -1))


def _second(planted: Planted, evidence: Any) -> bool:
    """Whether the change is told of the second class (or of a number), as the planted sum is."""
    if not planted.binary:
        return True
    return bool(evidence.all("change")[0].cls == planted.subject.schema.classes[1].name)
