"""Attributions to the words of texts, against planted models: askwhy, plain SHAP and plain LIME side by side (C20)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from askwhy.evals.planted_texts import PlantedText, attributed_models, words_of
from askwhy.evals.truth_line import Line
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Scope
from askwhy.tools.view import make_view

METHODS = ("askwhy", "shap", "lime")

COUNTED = 0.01
"""Words whose true value is below this share of the text's largest count neither for signs nor for precision@k."""

_DIGITS = 6


def asked_of(planted: PlantedText, tool: str, text: str | None = None, **arguments: Any) -> Evidence:
    """What one tool says about one text of a planted model, or about its corpus."""
    subject = planted.subject
    scope = Scope() if text is None else Scope(text=text)
    return find_tool(tool)(make_view(subject, scope, Evaluator(subject.predictor), seed=0), **arguments)


@dataclass(frozen=True)
class ExplainedText:
    """The words of a text with the right values (words,) and those of every method. read: which the model reads."""

    family: str
    read: tuple[bool, ...]
    truth: tuple[float, ...]
    found: dict[str, tuple[float, ...]]
    chosen: str

    @property
    def counted(self) -> list[bool]:
        """Which words have a true value to speak of."""
        largest = max(map(abs, self.truth))
        return [abs(one) > COUNTED * largest for one in self.truth]

    def rank(self, method: str) -> float:
        """Spearman's correlation of the sizes with the true ones; NaN where all true ones are equal."""
        from scipy.stats import spearmanr

        sizes, true = _sizes(self.found[method]), _sizes(self.truth)
        if len(set(true)) < 2:
            return float("nan")
        return float(spearmanr(sizes, true).statistic) if len(set(sizes)) > 1 else 0.0

    def signs(self, method: str) -> float:
        """Share of the counted words whose sign is right."""
        pairs = zip(self.found[method], self.truth, self.counted, strict=True)
        return float(np.mean([np.sign(one) == np.sign(true) for one, true, counts in pairs if counts]))

    def precision(self, method: str) -> float:
        """Share of the k largest that are among the k counted words."""
        k = sum(self.counted)
        order = np.argsort(-np.abs(self.found[method]), kind="stable")[:k]
        return float(np.mean([self.counted[int(i)] for i in order]))

    def irrelevant(self, method: str) -> float:
        """Share of the whole attribution on words that the model never reads."""
        sizes = np.abs(self.found[method])
        return float(sizes[~np.array(self.read)].sum() / max(1e-12, sizes.sum()))


def _sizes(values: Sequence[float]) -> list[float]:
    """Sizes to six digits of the largest, so that equal ones are equal."""
    sizes = np.abs(values)
    return [float(one) for one in np.round(sizes / max(1e-300, float(sizes.max())), _DIGITS)]


def text_explanations(models: int, texts: int) -> list[ExplainedText]:
    """Explanations of fresh for some texts of some models of each family."""
    return [_explained(planted, text) for planted in attributed_models(models, texts) for text in planted.asked]


def _explained(planted: PlantedText, text: str) -> ExplainedText:
    truth = planted.truth(text)
    evidence = asked_of(planted, "explain_text", text, cls="fresh")
    own = {str(fact.at): fact.number() for fact in evidence.all("word_attribution")}
    by_method = {"askwhy": own, "shap": _plain_shap(planted, text), "lime": _plain_lime(planted, text)}
    return ExplainedText(
        family=planted.family,
        read=tuple(word in planted.read for word in truth),
        truth=tuple(truth.values()),
        found={name: tuple(found.get(word, 0.0) for word in truth) for name, found in by_method.items()},
        chosen=evidence.method,
    )


def _plain_shap(planted: PlantedText, text: str) -> dict[str, float]:
    """What the shap package gives for a function of texts that are split into words, all else left to it."""
    import shap

    explainer = shap.Explainer(lambda texts: planted.model([str(one) for one in texts]), shap.maskers.Text(r"\W+"))
    explained = explainer([text], silent=True)
    found: dict[str, float] = {}
    for token, value in zip(explained.data[0], np.asarray(explained.values[0]).reshape(-1), strict=True):
        for word in words_of(str(token)):
            found[word] = found.get(word, 0.0) + float(value)
    return found


def _plain_lime(planted: PlantedText, text: str) -> dict[str, float]:
    """What the lime package gives with its defaults and all words shown."""
    from lime.lime_text import LimeTextExplainer

    def predict(texts: list[str]) -> Any:
        outputs = planted.model(list(texts))
        return np.column_stack([1 - outputs, outputs])

    explained = LimeTextExplainer(random_state=0).explain_instance(text, predict, num_features=len(words_of(text)))
    return {str(word).lower(): float(weight) for word, weight in explained.as_list()}


def word_lines(models: int, texts: int) -> list[Line]:
    """C20 family by family: rank correlation, signs, precision@k and mass on words that the model never reads."""
    every = text_explanations(models, texts)
    lines = []
    for family in dict.fromkeys(one.family for one in every):
        lines += _family(family, [one for one in every if one.family == family], models)
    own = sum("auto: SHAP" not in one.chosen for one in every) / len(every)
    return [*lines, Line("words", "share where another method than SHAP was chosen", own, "text_not_shap", "")]


def _family(family: str, explained: Sequence[ExplainedText], models: int) -> list[Line]:
    """Rank correlation is required of additive models: elsewhere the many true zeros tie, and sampled ones do not."""
    additive = family == "additive"
    measures: tuple[tuple[str, str, Callable[[ExplainedText, str], float], float | None, float | None], ...] = (
        ("rank correlation with truth", "rank", ExplainedText.rank, 0.95 if additive else None, None),
        ("signs right", "signs", ExplainedText.signs, 1.0 if additive else None, None),
        ("precision@k", "precision", ExplainedText.precision, 0.9, None),
        ("mass on words not read", "irrelevant", ExplainedText.irrelevant, None, 0.05),
    )
    on = f"{models} models, {len(explained)} texts"
    lines = []
    for words, key, measure, least, most in measures:
        means = [float(np.nanmean([measure(one, method) for one in explained])) for method in METHODS]
        name = f"text_{family.replace(' ', '_')}_{key}"
        lines.append(Line(f"words: {family}", words, means[0], name, on, means[1], means[2], "", least, most))
    return lines
