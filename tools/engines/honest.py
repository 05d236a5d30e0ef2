"""How often the model is wrong near a row: errors on held-out rows like it, and whether those foretell its own."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from askwhy.tools.engines import metrics
from askwhy.tools.engines.neighbours import Company, company, distances, own_position
from askwhy.tools.engines.truth import SMALL_N, Array, Scored, scored
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Quality
from askwhy.tools.scope import Scope
from askwhy.tools.view import View, make_view

_MOST = 2000
_LEAST = 8


def other_rows(view: View) -> Scored:
    """Every held-out row with a known truth but the instance; all rows, with a caveat, if none is held out.

    Raises ToolError where the truth is not known.
    """
    every = scored(make_view(view.subject, Scope(), view.evaluate, view.seed))
    own = own_position(view)
    if own is None:
        return every
    keep = np.array([name != view.subject.row_ids[own] for name in every.ids], dtype=bool)
    rows = dataclasses.replace(every, rows=every.rows[keep], outputs=every.outputs[keep], actual=every.actual[keep])
    if not len(rows.rows):
        raise ToolError(f"There is no other {view.schema.entity} with a known truth to learn from.")
    return rows


def errors_of(found: Scored) -> Array:
    """What went wrong, row by row: 1 for a wrong class, 0 for a right one; the absolute error of a number."""
    if found.outputs.shape[1] == 1:
        return np.asarray(np.abs(found.outputs[:, 0] - found.actual), dtype=float)
    return found.wrong.astype(float)


@dataclass(frozen=True)
class Near:
    """Errors of the held-out rows most like the instance, beside those of all.

    places: which of `found` they are, nearest first. errors: (n,) of all of `found`. quality: whether errors of
    neighbours foretell a row's own error.
    """

    found: Scored
    inside: Company
    places: Array
    errors: Array
    quality: Quality
    caveats: tuple[Caveat, ...]

    @property
    def near(self) -> Array:
        """The errors of the neighbours."""
        return self.errors[self.places]

    @property
    def rate(self) -> metrics.Score:
        """The neighbours' error rate (or mean absolute error) with its 95 % interval."""
        return mean_with_interval(self.near)


def mean_with_interval(errors: Array) -> metrics.Score:
    """A mean with its 95 % interval: Wilson's for errors that are all 0 or 1, else from their standard error."""
    mean, count = float(errors.mean()), len(errors)
    if np.isin(errors, (0.0, 1.0)).all():
        return metrics.Score(mean, *metrics.wilson(int(errors.sum()), count), count, "Wilson")
    from scipy.stats import t

    half = float(t.ppf(0.975, count - 1) * errors.std(ddof=1) / np.sqrt(count)) if count > 1 else float("nan")
    return metrics.Score(mean, max(0.0, mean - half), mean + half, count, "Student")


def near_errors(view: View) -> Near:
    """The instance's nearest held-out rows and their errors: 30 of them, at most a quarter of all.

    Raises ToolError where there are fewer than eight held-out rows with a known truth.
    """
    found = other_rows(view)
    if len(found.rows) < _LEAST:
        raise ToolError(f"Only {len(found.rows)} {view.schema.entities} have a known truth: too few to compare with.")
    mask = np.zeros(len(view.subject.data), dtype=bool)
    mask[[view.subject.position(name) for name in found.ids]] = True
    inside = company(view, mask)
    count = min(SMALL_N, len(inside) // 4)
    places, _ = inside.nearest(inside.space.encode(view.rows)[0], count)
    errors = errors_of(found)
    quality = _foretelling(view, inside, errors, count)
    return Near(found, inside, places, errors, quality, (*found.caveats, *_caveats(view, count, quality)))


def _foretelling(view: View, inside: Company, errors: Array, count: int) -> Quality:
    """Whether a row's own error can be told from its neighbours': over the held-out rows, each left out in turn."""
    if len(inside) > _MOST:
        some = np.sort(view.rng.choice(len(inside), _MOST, replace=False))
        inside, errors = Company(inside.space, inside.positions[some], inside.cells[some]), errors[some]
    far = distances(inside.space, inside.cells, inside.cells)
    np.fill_diagonal(far, np.inf)
    nearest = np.argsort(far, axis=1, kind="stable")[:, :count]
    return foretelling(errors[nearest].mean(axis=1), errors, view.rng, "neighbours' errors")


def foretelling(score: Array, errors: Array, rng: np.random.Generator, what: str) -> Quality:
    """How well a score ranks rows by their errors: area under the ROC curve (mistakes), Spearman's rho (numbers).

    Passed where the 95 % bootstrap interval lies above chance; it is not where nothing varies.
    """
    from scipy.stats import spearmanr

    mistakes = bool(np.isin(errors, (0.0, 1.0)).all())
    name = "area under the ROC curve for mistakes" if mistakes else "rank correlation with the absolute error"
    chance = 0.5 if mistakes else 0.0
    if np.ptp(errors) == 0 or np.ptp(score) == 0:
        return Quality(check="foretells errors", value=chance, passed=False, note=f"{what}: nothing varies")

    def value(truth: Array, found: Array) -> float:
        if mistakes:
            return metrics.roc_auc(truth, found)
        return float(spearmanr(truth, found[:, 1]).statistic) if np.ptp(truth) and np.ptp(found) else float("nan")

    truth, columns = (errors.astype(int) if mistakes else errors), np.column_stack([-score, score])
    low, high = metrics.bootstrap(value, truth, columns, rng)
    note = f"{what}: {name}, 95 % interval {low:.2f} to {high:.2f}, chance {chance:g}"
    return Quality(check="foretells errors", value=value(truth, columns), passed=bool(low > chance), note=note)


def _caveats(view: View, count: int, quality: Quality) -> tuple[Caveat, ...]:
    found = []
    if count < SMALL_N:
        text = f"Only {count} {view.schema.entities} could be compared with it, so this is very uncertain."
        found.append(Caveat(flag="small_n", text=text))
    if not quality.passed:
        text = "On this data, the errors of similar cases could not be shown to foretell the error of a case."
        found.append(Caveat(flag="weak_measure", text=text))
    return tuple(found)
