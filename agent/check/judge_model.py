"""Claims about the model as a whole: what it is, how good it is, and how its output moves with a feature."""

from __future__ import annotations

import re

from askwhy.agent.check.amounts import Amount
from askwhy.agent.check.grammar import Claim
from askwhy.agent.check.judge_push import swapped
from askwhy.agent.check.judging import (
    Finding,
    NotTestable,
    amount,
    compared,
    decided,
    direction_of,
    exactly,
    false,
    need_classes,
    number_of,
    share_of,
    true,
    unsure,
)
from askwhy.agent.check.probe import Probe
from askwhy.tools.evidence import Evidence
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Scope

_KINDS = (
    "logistic regression", "linear regression", "ridge", "lasso", "random forest", "decision tree", "gradient boosting",
    "neural network", "support vector machine", "naive bayes", "nearest neighbours", "xgboost", "lightgbm",
)  # fmt: skip
_METRICS = {
    "accuracy": "accuracy", "hit rate": "accuracy", "balanced accuracy": "balanced_accuracy", "precision": "precision",
    "recall": "recall", "sensitivity": "sensitivity", "specificity": "specificity", "f1": "f1", "f1 score": "f1",
    "auc": "roc_auc", "roc auc": "roc_auc", "area under the roc curve": "roc_auc", "rmse": "rmse",
    "root mean squared error": "rmse", "mae": "mae", "mean absolute error": "mae", "average error": "mae", "r2": "r2",
    "r squared": "r2", "r²": "r2",
}  # fmt: skip
_SHARES = ("accuracy", "balanced_accuracy", "precision", "recall", "sensitivity", "specificity")
_STEADY = 0.9
"""Share of rows in which an output must go one way, for "the longer the loan, the lower the chance" to be true."""


def judge_model(claim: Claim, probe: Probe) -> Finding:
    """ "The model was trained on 750 applicants"; "it is a random forest"."""
    found = probe.run("describe_model")
    if claim.has("kind"):
        return _kind(claim, found, probe)
    name = next(one for one in ("trained", "held", "features", "classes") if claim.has(one))
    said = amount(claim, name)
    relation = {"trained": "trained", "held": "held_out", "features": "inputs", "classes": "classes"}[name]
    facts = found.all(relation)
    if not facts:
        raise NotTestable("That is not known of this model.")
    value = int(facts[0].number())
    words = {
        "trained": f"The model was trained on {value:,} {probe.schema.entities}.",
        "held": f"{value:,} {probe.schema.entities} were held out from training.",
        "features": f"The model has {value:,} features.",
        "classes": f"The model has {value:,} classes.",
    }[name]
    if said.share or said.unit or said.points:
        raise NotTestable("The number counts something else.")
    return exactly(claim, said, value, (words,))


def _kind(claim: Claim, found: Evidence, probe: Probe) -> Finding:
    wanted = next((kind for kind in _KINDS if claim.said("kind").removesuffix(" model") in _forms(kind)), None)
    names = found.all("model_name")
    if wanted is None or not names:
        raise NotTestable("It says nothing that can be tested.")
    own = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", str(names[0].value)).lower()
    facts = (f"The model is {names[0].value}.",)
    if wanted in own:
        return true(*facts)
    other = next((kind for kind in _KINDS if kind in own), None)
    return unsure("What kind of model that is could not be told.", *facts) if other is None else false(
        facts, claim.span("kind")
    )  # fmt: skip


def _forms(kind: str) -> tuple[str, ...]:
    return kind, f"{kind} classifier", f"{kind} regression", f"{kind} regressor"


def judge_score(claim: Claim, probe: Probe) -> Finding:
    """ "The model is right in 9 of 10 cases"; on held-out rows where there are any."""
    said = amount(claim, "amt")
    words = claim.said("m")
    if words in ("", "accurate", "correct", "error rate", "error"):
        return _right(claim, probe, said, wrong=_is_wrong(claim, words))
    metric = _METRICS[words]
    given = {"cls": claim.marked.label(claim.said("K"))} if claim.has("K") else {}
    if metric in ("precision", "recall", "sensitivity", "specificity", "f1") and not given:
        raise NotTestable(f"It does not say for which class the {words} is.")
    found = probe.run("score", Scope(), metric=metric, **given)
    value = number_of(found, "score", "bare_score")
    if metric in _SHARES:
        said = share_of(said)
    elif said.share or (said.unit and probe.schema.classes):
        raise NotTestable("The number has another unit than the measure.")
    return compared(claim, said, value, probe.said(found))


def _is_wrong(claim: Claim, words: str) -> bool:
    wrong = claim.has("wrong") or words in ("error rate", "error")
    ok = claim.said("ok")
    if ok in ("wrong", "incorrectly"):
        return True
    if claim.kind == "score" and "gets" in claim.marked.text.split() and not ok and not words:
        raise NotTestable("It does not say whether right or wrong.")
    return wrong


def _right(claim: Claim, probe: Probe, said: Amount, *, wrong: bool) -> Finding:
    if not probe.schema.classes:
        raise NotTestable("A predicted number is never exactly right; its error can be tested.")
    found = probe.run("score", metric="accuracy")
    value = number_of(found, "score", "bare_score")
    facts = probe.said(found)
    if not said.share and said.decimals == 0 and not said.unit and said.value > 1:
        total = number_of(found, "held_out", "scored")
        right = found.one("right").number()
        return exactly(claim, said, int(total - right if wrong else right), facts)
    return compared(claim, share_of(said), 1 - value if wrong else value, facts)


def judge_effect(claim: Claim, probe: Probe) -> Finding:
    """ "The longer the loan, the lower the chance of approval": by setting the feature for many rows."""
    feature, sign = _varied(claim)
    if not feature.numeric or feature.categories:
        raise NotTestable(f"{feature.label} is no number, so it has no more and less.")
    cls = _followed(claim, probe)
    found = probe.run("effect", Scope(), feature=feature.name, **({} if cls is None else {"cls": cls}))
    facts = probe.said(found, most=3)
    if claim.has("flat"):
        none = bool(found.all("no_effect"))
        return unsure("Only some rows were tried.", *facts) if none and found.all("sampled") else decided(
            none, facts, None
        )  # fmt: skip
    rises, falls = _shapes(found)
    if claim.has("mono"):
        steady = max(rises, falls) >= 1
        return decided(steady != claim.has("not"), facts, claim.span("mono"))
    wanted = sign * _outward(claim)
    if "always" in claim.said("always"):
        return decided((rises if wanted > 0 else falls) >= 1, facts, claim.span("always"))
    if "never" in claim.said("always"):
        return decided((falls if wanted > 0 else rises) >= 1, facts, claim.span("always"))
    along, against = (rises, falls) if wanted > 0 else (falls, rises)
    if along >= _STEADY and _net(found) * wanted > 0:
        return true(*facts)
    if _against(found, wanted) and against > along:
        span = claim.span("word", "raises", "lowers")
        return false(facts, span, swapped(claim, span))
    if _net(found) * wanted > 0:
        return unsure(f"On average it goes that way, but not step by step for all {probe.schema.entities}.", *facts)
    return unsure(f"It holds for some {probe.schema.entities} and not for others.", *facts)


def _varied(claim: Claim) -> tuple[Feature, int]:
    """The feature that is said to go up (1) or down (-1)."""
    named = claim.marked.feature(claim.said("F")) if claim.has("F") else None
    down = claim.has("less") or claim.has("fallen")
    if claim.has("less") and claim.has("fallen"):
        raise NotTestable("It turns the direction twice.")
    if claim.has("O"):
        return direction_of(claim.marked, claim.said("O"), named)
    if named is None:
        raise NotTestable("It does not say which feature is meant.")
    return named, -1 if down else 1


def _followed(claim: Claim, probe: Probe) -> str | None:
    """The class whose probability is meant; None for a number."""
    code = claim.said("K", "K2")
    if code:
        need_classes(probe)
        return claim.marked.label(code)
    if probe.schema.classes:
        if (claim.has("mono") or claim.has("flat")) and len(probe.schema.classes) == 2:
            return None
        raise NotTestable("It does not say which class is meant.")
    if not claim.has("out") and not claim.has("mono") and not claim.has("flat"):
        raise NotTestable("It is not clear which output of the model is meant.")
    return None


def _outward(claim: Claim) -> int:
    if claim.has("word"):
        return 1 if claim.said("word") in ("higher", "greater", "larger", "more") else -1
    return 1 if claim.has("raises") else -1


def _shapes(found: Evidence) -> tuple[float, float]:
    """Shares of rows in which the output never falls, and never rises, as the feature rises."""
    if found.all("no_effect"):
        return 1.0, 1.0
    if found.all("always_rises"):
        return 1.0, 0.0
    if found.all("always_falls"):
        return 0.0, 1.0
    shares = {fact.group: fact.number() for fact in found.all("shape")}
    flat = shares.get("stays the same", 0.0)
    return shares.get("only rises", 0.0) + flat, shares.get("only falls", 0.0) + flat


def _net(found: Evidence) -> float:
    start, end = found.all("effect_start"), found.all("effect_end")
    return end[0].number() - start[0].number() if start and end else 0.0


def _against(found: Evidence, wanted: int) -> bool:
    """Whether the average goes the other way by most of its range."""
    spread = found.all("effect_range")
    return bool(spread) and -_net(found) * wanted > 0.5 * spread[0].number()
