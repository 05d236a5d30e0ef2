"""The right answers, computed from the data and the model with pandas and scikit-learn, past every tool of ours.

Each function gives a check of an answer: true where its facts agree with the direct computation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from askwhy.agent.answer import Answer
from askwhy.tools.evidence import Evidence
from askwhy.tools.subject import Subject

Check = Callable[[Answer, Subject], bool]
Rows = Callable[[pd.DataFrame], Any]
_EXACT = 1e-9
_SUMS_UP = 1e-6


def counted(rows: Rows) -> Check:
    """The number of rows where a condition holds."""
    return lambda answer, subject: _of(answer, "count").one("count").value == int(rows(subject.data).sum())


def predicted(row: str) -> Check:
    """The model's output for a row: class and probability, or the number."""
    return lambda answer, subject: _says(_of(answer, "predict"), subject, subject.row(row))


def predicted_text(text: str) -> Check:
    """The model's output for a text of the reader's own."""
    return lambda answer, subject: _says(_of(answer, "predict"), subject, _text(subject, text))


def added_up(tool: str = "explain", relation: str = "attribution") -> Check:
    """Attributions and base sum to the model's output for the instance."""

    def check(answer: Answer, subject: Subject) -> bool:
        found = _of(answer, tool)
        facts = found.all(relation)
        instance = subject.row(found.scope.row) if found.scope.row else _text(subject, found.scope.text or "")
        total = found.one("base").number() + sum(fact.number() for fact in facts)
        return bool(facts) and abs(total - _output(subject, instance, facts[0].cls)) < _SUMS_UP

    return check


def reached(row: str, kept: tuple[str, ...], *, cls: str | None = None, below: float | None = None) -> Check:
    """The changes do what they promise when the model is asked, and leave alone what they should."""

    def check(answer: Answer, subject: Subject) -> bool:
        changes = {str(fact.feature): fact.value for fact in _of(answer, "counterfactual").all("cf_change")}
        outputs = subject.predictor(_with(subject.row(row), changes))
        if not changes or set(changes) & set(kept):
            return False
        if below is not None:
            return bool(outputs[0, 0] < below)
        return subject.schema.classes[int(outputs[0].argmax())] == subject.schema.class_label(cls or "")

    return check


def changed(row: str, feature: str, amount: float) -> Check:
    """What the model says of a row with one number moved."""

    def check(answer: Answer, subject: Subject) -> bool:
        found = _of(answer, "what_if")
        instance = subject.row(row)
        moved = _with(instance, {feature: instance[feature].iloc[0] + amount})
        fact = found.one("after_estimate" if subject.regression else "after_probability")
        return abs(fact.number() - _output(subject, moved, fact.cls)) < _EXACT

    return check


def without_word(text: str, word: str) -> Check:
    """What the model says of a text without a word."""

    def check(answer: Answer, subject: Subject) -> bool:
        fact = _of(answer, "what_if").one("after_probability")
        shorter = " ".join(one for one in text.split() if one != word)
        return abs(fact.number() - _output(subject, _text(subject, shorter), fact.cls)) < _EXACT

    return check


def matters_most(top: int = 3) -> Check:
    """Of the features named, the first is among the two whose shuffling moves the model's held-out outputs most."""

    def check(answer: Answer, subject: Subject) -> bool:
        named = [fact.feature for fact in _of(answer, "importance").all("top")]
        frame = subject.data[subject.held_out]
        moved = {name: _moved_by_shuffling(subject, frame, name) for name in subject.schema.names}
        best = sorted(moved, key=lambda name: -moved[name])
        return len(named) == top and named[0] in best[:2]

    return check


def scored(rows: Rows) -> Check:
    """Accuracy, or mean absolute error, over the held-out rows where a condition holds."""

    def check(answer: Answer, subject: Subject) -> bool:
        chosen = np.asarray(rows(subject.data), dtype=bool) & subject.held_out
        assert subject.target is not None
        outputs, truth = subject.predictor(subject.data[chosen]), subject.target[chosen]
        if subject.regression:
            gold = float(np.abs(outputs[:, 0] - truth.to_numpy(dtype=float)).mean())
        else:
            gold = float((_classes(outputs, subject) == truth.astype(str).to_numpy()).mean())
        return abs(_of(answer, "score").one("score").number() - gold) < _EXACT

    return check


def wrong_cases() -> Check:
    """Every row shown is held out and wrong; of numbers, the ones with the largest errors."""

    def check(answer: Answer, subject: Subject) -> bool:
        found = _of(answer, "mistakes")
        assert subject.target is not None
        shown = [str(fact.row) for fact in (*found.all("mistake"), *found.all("largest_error"))]
        frame, truth = subject.data[subject.held_out], subject.target[subject.held_out]
        outputs = subject.predictor(frame)
        if subject.regression:
            errors = pd.Series(np.abs(outputs[:, 0] - truth.to_numpy(dtype=float)), index=frame.index)
            return shown == [str(row) for row in errors.nlargest(len(shown)).index] != []
        wrong = frame.index[_classes(outputs, subject) != truth.astype(str).to_numpy()]
        return bool(shown) and set(shown) <= {str(row) for row in wrong}

    return check


def averaged(feature: str) -> Check:
    """Where the curve starts and ends, against the mean output over all rows with the feature set to that value."""

    def check(answer: Answer, subject: Subject) -> bool:
        found = _of(answer, "effect")
        ends = [found.one("effect_start"), found.one("effect_end")]
        for fact in ends:
            outputs = subject.predictor(_with(subject.data, {feature: fact.at}))
            column = outputs[:, _column(subject, fact.cls)]
            # The tool may average over a sample of the rows.
            error = 4 * float(column.std()) / np.sqrt(min(len(column), 500))
            if fact.feature != feature or abs(fact.number() - float(column.mean())) > error:
                return False
        return True

    return check


def larger(first: str, second: str) -> Check:
    """The feature said to be more important has the larger Shapley value, estimated here from random orders."""

    def check(answer: Answer, subject: Subject) -> bool:
        fact = _of(answer, "compare_features").one("more_important")
        sizes = {name: abs(_shapley_value(subject, fact.row or "", name, fact.cls)) for name in (first, second)}
        return fact.value == max(sizes, key=lambda name: sizes[name])

    return check


def _of(answer: Answer, tool: str) -> Evidence:
    """The evidence of a tool; KeyError where the answer did not use it."""
    for evidence in answer.evidence:
        if evidence.tool == tool:
            return evidence
    raise KeyError(tool)


def _says(found: Evidence, subject: Subject, instance: pd.DataFrame) -> bool:
    outputs = subject.predictor(instance)[0]
    if subject.regression:
        return abs(found.one("estimate").number() - float(outputs[0])) < _EXACT
    right = found.one("prediction").value == subject.schema.classes[int(outputs.argmax())].name
    return right and abs(found.one("probability").number() - float(outputs.max())) < _EXACT


def _output(subject: Subject, instance: pd.DataFrame, cls: str | None) -> float:
    return float(subject.predictor(instance)[0, _column(subject, cls)])


def _column(subject: Subject, cls: str | None) -> int:
    return 0 if cls is None else subject.schema.class_index(cls)


def _classes(outputs: Any, subject: Subject) -> Any:
    return np.array([str(label.value) for label in subject.schema.classes], dtype=object)[outputs.argmax(axis=1)]


def _text(subject: Subject, text: str) -> pd.DataFrame:
    return pd.DataFrame({subject.schema.names[0]: pd.Series([text], dtype="str", index=["new"])})


def _with(frame: pd.DataFrame, cells: Mapping[str, Any]) -> pd.DataFrame:
    return frame.assign(**{name: pd.Series([value] * len(frame), index=frame.index) for name, value in cells.items()})


def _moved_by_shuffling(subject: Subject, frame: pd.DataFrame, feature: str, repeats: int = 10) -> float:
    """Mean absolute change of the outputs when a feature is shuffled among the rows."""
    rng = np.random.default_rng(0)
    before = subject.predictor(frame)
    moved = []
    for _ in range(repeats):
        cells = frame[feature].iloc[rng.permutation(len(frame))].to_numpy()
        shuffled = frame.assign(**{feature: pd.Series(cells, index=frame.index, dtype=frame[feature].dtype)})
        moved.append(float(np.abs(subject.predictor(shuffled) - before).mean()))
    return float(np.mean(moved))


def _shapley_value(subject: Subject, row: str, feature: str, cls: str | None, draws: int = 400) -> float:
    """Mean change of the output as the feature takes the row's value after random others (Castro et al. 2009)."""
    rng = np.random.default_rng(0)
    instance, names = subject.row(row), subject.schema.names
    start = subject.background.iloc[rng.integers(len(subject.background), size=draws)].reset_index(drop=True)
    places = rng.random((draws, len(names)))
    earlier = places < places[:, [names.index(feature)]]
    without = start.copy()
    for position, name in enumerate(names):
        without[name] = start[name].mask(earlier[:, position], instance[name].iloc[0])
    within = without.assign(**{feature: pd.Series([instance[feature].iloc[0]] * draws, dtype=start[feature].dtype)})
    column = _column(subject, cls)
    return float((subject.predictor(within)[:, column] - subject.predictor(without)[:, column]).mean())
