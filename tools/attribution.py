"""How the model's output at a row, or the mean over rows, divides among the features: one number per raw feature."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pandas as pd

from askwhy.tools.engines.coalitions import Coalitions, ends, one_by_one, shapley_row
from askwhy.tools.engines.trees import tree_shapley
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Caveat, Quality, Unit
from askwhy.tools.lime_fit import FITTED, HELD_OUT, fit_lime
from askwhy.tools.predictor import Outputs
from askwhy.tools.quality import GOOD_FIT, USABLE_FIT, additivity, local_fit
from askwhy.tools.schema import ClassLabel
from askwhy.tools.shapley import EXACT_PLAYERS, Link, Shapley, log_odds, shapley_rows
from askwhy.tools.view import View

Scale = Literal["probability", "log-odds"]

SAMPLED_ROWS = 50
"""Rows that stand for a larger selection when attributions are averaged."""

ROWS_BUDGET = 400_000
"""Composite rows for the attributions of many rows: far below the evaluator's limit, and seconds on most models."""


@dataclass(frozen=True)
class Attribution:
    """What the features add to the output of one class (or to the predicted number), and how that was found.

    values, error: (features,) in schema order; error is None where they are exact. output = base + sum of the values,
    as far as `quality` says. rows: how many rows they are the mean of. name: SHAP, LIME or occlusion. game: the
    coalitions of the row, for measuring how good the values are. spent: the rows the model was asked about for it;
    where they were not evaluated, as many as that would have taken at least.
    """

    values: Outputs
    error: Outputs | None
    base: float
    output: float
    unit: Unit
    method: str
    estimand: str
    quality: tuple[Quality, ...] = ()
    caveats: tuple[Caveat, ...] = ()
    surrogate: bool = False
    rows: int = 1
    name: str = "SHAP"
    game: Coalitions | None = field(default=None, repr=False, compare=False)
    spent: int = 0

    def ranked(self) -> list[int]:
        """Positions of the features, largest size first."""
        return [int(position) for position in np.argsort(-np.abs(self.values), kind="stable")]

    def error_of(self, position: int) -> float | None:
        """The standard error of one value, None where it is exact."""
        return None if self.error is None else float(self.error[position])


def attribute(view: View, label: ClassLabel | None, scale: Scale = "probability") -> Attribution:
    """Shapley values of the instance, brought along with the subject where they hold, else computed."""
    brought, caveats = _brought(view, label, view.rows, scale)
    if brought is not None:
        return brought
    return replace(_computed(view, label, view.instance, scale), caveats=caveats)


def mean_attribution(view: View, label: ClassLabel | None, scale: Scale = "probability") -> Attribution:
    """Mean Shapley values over the view's rows, or over a seeded sample of them."""
    rows = sample(view.rows, SAMPLED_ROWS, view.rng)
    brought, caveats = _brought(view, label, rows, scale)
    if brought is not None:
        return brought
    return replace(_computed(view, label, rows, scale, len(view.rows)), caveats=caveats)


def attribute_by_lime(
    view: View, label: ClassLabel | None, scale: Scale = "probability", perturbed: int = FITTED + HELD_OUT
) -> Attribution:
    """LIME contributions of the instance; Shapley values instead where LIME's linear model does not fit."""
    found = lime_attribution(view, label, scale, perturbed)
    r2 = found.quality[0].value
    return found if r2 >= USABLE_FIT else _instead_of_lime(view, label, scale, r2)


def lime_attribution(view: View, label: ClassLabel | None, scale: Scale, perturbed: int) -> Attribution:
    """LIME contributions of the instance from this many perturbed rows, however well they fit."""
    link, column = link_of(view, scale), column_of(view, label)
    before = view.evaluate.rows
    fit = fit_lime(
        view.evaluate,
        view.instance,
        view.subject.background,
        lambda found: _linked(found, link)[:, column],
        view.rng,
        perturbed,
    )
    spent = view.evaluate.rows - before
    return Attribution(
        values=fit.contributions,
        error=fit.error,
        base=fit.intercept,
        output=float(_linked(view.outputs, link)[0, column]),
        unit=unit_of(view, scale),
        method=f"LIME: linear model fitted to {perturbed * FITTED // (FITTED + HELD_OUT):,} perturbations of the row",
        estimand=f"contributions to a local linear model of {quantity(view, label, scale)}",
        quality=(local_fit(fit.fidelity, None if label is None or link else fit.same_side),),
        caveats=() if fit.fidelity >= GOOD_FIT else (loose_fit(fit.fidelity),),
        surrogate=True,
        name="LIME",
        game=_game(view, view.instance, column, link),
        spent=spent,
    )


def attribute_by_occlusion(
    view: View, label: ClassLabel | None, scale: Scale = "probability", game: Coalitions | None = None
) -> Attribution:
    """What the output loses when one feature at a time takes the background's values instead of the row's.

    `game`: coalitions of the row that are known already. The values need not add up to the prediction.
    """
    game = game or _game(view, view.instance, column_of(view, label), link_of(view, scale))
    before = view.evaluate.rows
    values = np.zeros(len(view.schema.features))
    values[game.players] = one_by_one(game)
    empty, whole = game.worth(ends(game.count))
    return Attribution(
        values=values,
        error=None,
        base=float(empty),
        output=float(whole),
        unit=unit_of(view, scale),
        method=f"occlusion: one feature at a time replaced by its values in {game.refs} background rows",
        estimand=f"mean change of {quantity(view, label, scale)} when one feature is replaced",
        name="occlusion",
        game=game,
        spent=view.evaluate.rows - before,
    )


def nominal_rows(game: Coalitions) -> int:
    """How many rows evaluated Shapley values of the game's row ask about at least."""
    return int(game.refs * min(2**game.count, 2 * max(32, 2 * game.count) + 2))


def _game(view: View, row: pd.DataFrame, column: int, link: Link | None) -> Coalitions:
    return Coalitions(view.evaluate, row, view.subject.background, column, link)


def sample(rows: pd.DataFrame, most: int, rng: np.random.Generator) -> pd.DataFrame:
    """At most this many of the rows, in their order."""
    if len(rows) <= most:
        return rows
    return rows.iloc[np.sort(rng.choice(len(rows), most, replace=False))]


def class_explained(view: View, cls: str | None) -> ClassLabel | None:
    """The class that is explained; among several, where nothing decides, the one predicted most often."""
    label = view.explained_class(cls)
    if label is not None or view.subject.regression:
        return label
    return view.schema.classes[int(np.bincount(view.outputs.argmax(axis=1)).argmax())]


def column_of(view: View, label: ClassLabel | None) -> int:
    """The column of the model's output that is explained."""
    return 0 if label is None else view.schema.classes.index(label)


def unit_of(view: View, scale: Scale) -> Unit:
    """The unit of attributions."""
    if view.subject.regression:
        return "output"
    return "log-odds" if scale == "log-odds" else "points"


def quantity(view: View, label: ClassLabel | None, scale: Scale = "probability") -> str:
    """What is divided among the features, in words."""
    if label is None:
        return f"the predicted {view.schema.target.label}"
    return f"the {'log odds' if scale == 'log-odds' else 'probability'} of {label.label}"


def link_of(view: View, scale: Scale) -> Link | None:
    """The rescaling that a scale means; ToolError where it means nothing."""
    if scale == "probability":
        return None
    if view.subject.regression or view.subject.predictor.hard:
        raise ToolError("Log odds need a model that gives probabilities; ask on the scale of the output.")
    return log_odds


def _linked(outputs: Outputs, link: Link | None) -> Outputs:
    return outputs if link is None else link(outputs)


def _computed(view: View, label: ClassLabel | None, rows: pd.DataFrame, scale: Scale, of: int = 1) -> Attribution:
    link, column = link_of(view, scale), column_of(view, label)
    background, before = view.subject.background, view.evaluate.rows
    game = _game(view, rows, column, link) if view.scope.has_instance else None
    if game is None:
        found = shapley_rows(view.evaluate, rows, background, link=link, seed=view.seed, budget=ROWS_BUDGET)
        how = "exact" if found.error is None else "sampled"
    else:
        found, how = _shapley_local(view, game)
    spent = view.evaluate.rows - before
    if game is not None and how == "tree":
        spent = max(spent, nominal_rows(game))
    direct = _linked(view.evaluate.outputs(pd.concat([background, rows])), link)[:, column]
    base, output = float(direct[: len(background)].mean()), float(direct[len(background) :].mean())
    values = found.values[:, :, column].mean(axis=0)
    spread = 1.0 if unit_of(view, scale) == "points" else float(np.ptp(direct))
    return Attribution(
        values=values,
        error=error_of_mean(found.values[:, :, column], None if found.error is None else found.error[:, :, column], of),
        base=base,
        output=output,
        unit=unit_of(view, scale),
        method=shap_method(found, len(background), how),
        estimand=f"interventional Shapley values of {quantity(view, label, scale)}",
        quality=(additivity(output, base, values, spread, exact=found.error is None),),
        rows=len(rows),
        game=game,
        spent=spent,
    )


def _shapley_local(view: View, game: Coalitions) -> tuple[Shapley, str]:
    """Shapley values of one row by the best engine that computes them, and its name."""
    found = tree_shapley(view.subject.predictor, game) if game.count > EXACT_PLAYERS else None
    return shapley_row(game, seed=view.seed) if found is None else (found, "tree")


def error_of_mean(values: Outputs, error: Outputs | None, of: int) -> Outputs | None:
    """Standard errors (features,) of the mean of values (rows, features) over rows drawn from `of` rows.

    `error` are those of the values themselves. None where nothing was sampled.
    """
    count = len(values)
    if error is None and count >= of:
        return None
    # The rows share their coalitions, so their own errors are taken to be fully dependent.
    own = np.zeros(values.shape[1]) if error is None else error.mean(axis=0)
    if count < 2:
        return np.asarray(own)
    between = values.std(axis=0, ddof=1) * np.sqrt(max(0.0, 1 / count - 1 / of))
    return np.asarray(np.hypot(own, between))


def shap_method(found: Shapley, background: int, how: str = "") -> str:
    """How Shapley values were found, in a line. `how`: exact, additive, tree or sampled."""
    if how == "additive":
        return f"SHAP: exact, as the model adds up feature by feature, against {background} background rows"
    if how == "tree":
        return f"SHAP: by TreeExplainer against {background} background rows"
    if found.error is None:
        return f"SHAP: exact, {found.coalitions:,} coalitions against {background} background rows"
    return f"SHAP: {found.coalitions:,} sampled coalitions against {background} background rows"


def brought_values(
    view: View, column: int, rows: pd.DataFrame
) -> tuple[Outputs | None, float, tuple[Quality, ...], tuple[Caveat, ...]]:
    """The subject's own SHAP values (rows, features) with their base and their worst residual, where they add up.

    None where there are none; None and a caveat that says by how much they miss, where they do not add up.
    """
    if view.subject.shap_values is None or view.scope.changes or not view.chosen.any():
        return None, 0.0, (), ()
    outputs = view.evaluate.all_outputs(view.subject)
    given = np.asarray(view.subject.shap_values, dtype=np.float64)
    wanted = (len(view.subject.data), len(view.schema.features), outputs.shape[1])
    if given.shape != wanted:
        text = f"The SHAP values brought along have shape {given.shape} instead of {wanted}, so they were recomputed."
        return None, 0.0, (), (Caveat(flag="recomputed", text=text),)
    base = float((outputs[:, column] - given[:, :, column].sum(axis=1)).mean())
    places = [view.subject.position(str(name)) for name in rows.index]
    spread = float(np.ptp(outputs[:, column])) if view.subject.regression else 1.0
    checks = [additivity(outputs[place, column], base, given[place, :, column], spread) for place in places]
    worst = max(checks, key=lambda check: check.value)
    if not worst.passed:
        text = f"The SHAP values brought along miss the prediction by {worst.value:.1%} of the output range, "
        return None, 0.0, (), (Caveat(flag="recomputed", text=text + "so they were recomputed."),)
    return given[places, :, column], base, (worst,), ()


def _brought(
    view: View, label: ClassLabel | None, rows: pd.DataFrame, scale: Scale
) -> tuple[Attribution | None, tuple[Caveat, ...]]:
    if scale != "probability":
        return None, ()
    values, base, quality, caveats = brought_values(view, column_of(view, label), rows)
    if values is None:
        return None, caveats
    drawn = len(rows) < len(view.rows)
    game = _game(view, rows, column_of(view, label), None) if view.scope.has_instance else None
    found = Attribution(
        values=values.mean(axis=0),
        error=error_of_mean(values, None, len(view.rows)) if drawn else None,
        base=base,
        output=base + float(values.sum(axis=1).mean()),
        unit=unit_of(view, scale),
        method="SHAP values brought along with the subject",
        estimand=f"Shapley values of {quantity(view, label)}, as brought along",
        quality=quality,
        rows=len(rows),
        game=game,
        spent=0 if game is None else nominal_rows(game),
    )
    return found, ()


def loose_fit(r2: float) -> Caveat:
    """What is said of a linear model that fits, but not well."""
    text = f"LIME's linear model follows the model only roughly here (R² {r2:.2f}), so read it with care."
    return Caveat(flag="low_fidelity", text=text)


def _instead_of_lime(view: View, label: ClassLabel | None, scale: Scale, r2: float) -> Attribution:
    found = attribute(view, label, scale)
    text = f"LIME's linear model does not follow the model here (R² {r2:.2f}), so SHAP was used instead."
    return replace(found, caveats=(*found.caveats, Caveat(flag="low_fidelity", text=text)))
