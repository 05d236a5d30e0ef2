"""What is true of a subject, worked out with pandas and numpy from its data and its model, past every tool of ours.

The golds of `askwhy eval agent` are small programs over a `World`; `agent_keys` turns what they find into checks.
"""

from __future__ import annotations

import functools
import re
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.subject import Subject

Array = np.ndarray[Any, np.dtype[Any]]
_ORDERS = 4
_REPEATS = 10


class World:
    """A subject's rows with what the model says of each. Masks and arrays are per row, in the data's order.

    said, truth: class names (as in the schema); sure: the largest probability; off: prediction minus truth of numbers.
    held: held out from training; wrong: held out and said otherwise than true.
    """

    def __init__(self, subject: Subject) -> None:
        assert subject.target is not None
        self.subject = subject
        self.frame = subject.data
        self.ids = np.array([str(one) for one in subject.data.index], dtype=object)
        self.held = np.asarray(subject.held_out)
        self.out = np.asarray(subject.predictor(subject.data))
        names = np.array([one.name for one in subject.schema.classes], dtype=object)
        if subject.regression:
            self.off = self.out[:, 0] - subject.target.to_numpy(dtype=float)
            self.said = self.truth = np.full(len(self.ids), "", dtype=object)
        else:
            by_value = {str(one.value): one.name for one in subject.schema.classes}
            self.off = np.zeros(len(self.ids))
            self.said = names[self.out.argmax(axis=1)]
            self.truth = np.array([by_value[str(one)] for one in subject.target], dtype=object)
        self.sure = self.out.max(axis=1)
        self.wrong = self.held & (self.said != self.truth)

    def __getitem__(self, feature: str) -> pd.Series:
        """A column."""
        return self.frame[feature]

    def having(self, word: str) -> Array:
        """Texts in which these letters stand in a row, in capitals or not."""
        return np.asarray([word.lower() in str(text).lower() for text in self.frame.iloc[:, 0]])

    def chance(self, cls: str) -> Array:
        """The probability of a class, per row."""
        return self.out[:, self.subject.schema.class_index(cls)]

    def top(self, values: Any, among: Any = None) -> str:
        """The id of the row with the largest value among those of a mask; the first of equals."""
        numbers = np.asarray(values, dtype=float)
        inside = np.ones(len(self.ids), dtype=bool) if among is None else np.asarray(among, dtype=bool)
        return str(self.ids[int(np.where(inside, np.nan_to_num(numbers, nan=-np.inf), -np.inf).argmax())])

    def ranked(self, values: Any, among: Any, most: int) -> list[str]:
        """The ids with the largest values among those of a mask, in order."""
        inside = np.flatnonzero(np.asarray(among, dtype=bool))
        numbers = np.asarray(values, dtype=float)[inside]
        return [str(self.ids[inside[i]]) for i in np.argsort(-numbers, kind="stable")[:most]]

    def worst_category(self, feature: str, least: int = 1) -> str:
        """The category with the highest share of wrong held-out rows (of numbers: mean error), among those with
        `least` of them."""
        errors = np.abs(self.off) if self.subject.regression else self.wrong.astype(float)
        by = pd.DataFrame({"at": self.frame[feature], "error": errors})[self.held].groupby("at")["error"]
        return str(by.mean()[by.size() >= least].idxmax())

    def best_category(self, feature: str, least: int = 1) -> str:
        """The category with the lowest share of wrong held-out rows, among those with `least` of them."""
        by = pd.DataFrame({"at": self.frame[feature], "error": self.wrong.astype(float)})[self.held]
        grouped = by.groupby("at")["error"]
        return str(grouped.mean()[grouped.size() >= least].idxmin())

    def is_at(self, feature: str, value: object) -> Array:
        """Rows with a category."""
        return np.asarray(self.frame[feature].astype(str) == str(value))

    def place(self, row: str) -> int:
        """The position of a row id."""
        return self.subject.position(row)

    def label_of(self, row: str) -> str:
        """What the model says of a row."""
        return str(self.said[self.place(row)])

    def cell(self, row: str, feature: str) -> Any:
        """A cell."""
        return self.frame[feature].iloc[self.place(row)]

    def changed(self, row: str, **cells: Any) -> Array:
        """The model's outputs for a row with some cells set, (classes,)."""
        return np.asarray(self.subject.predictor(_with(self.subject.row(row), cells))[0])

    def reworded(self, text: str) -> Array:
        """The model's outputs for a text."""
        name = self.subject.schema.names[0]
        return np.asarray(
            self.subject.predictor(pd.DataFrame({name: pd.Series([text], dtype="str", index=["new"])}))[0]
        )

    def text(self, row: str) -> str:
        """The text of a row."""
        return str(self.frame.iloc[self.place(row), 0])

    @functools.cached_property
    def moved(self) -> dict[str, float]:
        """Mean change of the outputs when a feature is shuffled among the held-out rows."""
        rng, frame = np.random.default_rng(0), self.frame[self.held]
        before, found = self.out[self.held], {}
        for name in self.subject.schema.names:
            changes = []
            for _ in range(_REPEATS):
                cells = frame[name].iloc[rng.permutation(len(frame))]
                shuffled = frame.assign(**{name: cells.set_axis(frame.index)})
                changes.append(float(np.abs(self.subject.predictor(shuffled) - before).mean()))
            found[name] = float(np.mean(changes))
        return found

    def matter(self, most: int = 2) -> list[str]:
        """The features whose shuffling moves the outputs most, in order."""
        return sorted(self.moved, key=lambda name: -self.moved[name])[:most]

    def shapley(self, row: str, column: int) -> dict[str, float]:
        """Shapley values of a row against the background, from random orders (Castro et al. 2009)."""
        rng, names = np.random.default_rng(0), list(self.subject.schema.names)
        background = pd.concat([self.subject.background] * _ORDERS).reset_index(drop=True)
        order = rng.random((len(background), len(names))).argsort(axis=1)
        instance, frames, rows = self.subject.row(row), [background], background
        for step in range(len(names)):
            mask = order[:, step]
            rows = rows.assign(
                **{name: rows[name].mask(mask == j, instance[name].iloc[0]) for j, name in enumerate(names)}
            )
            frames.append(rows)
        every = self.subject.predictor(pd.concat(frames, ignore_index=True))[:, column].reshape(len(frames), -1)
        gains = np.diff(every, axis=0)
        return {name: float(gains[j == order.T].mean()) for j, name in enumerate(names)}

    def deletions(self, row: str, column: int) -> dict[str, float]:
        """What each word of a text adds: the output of the text against that without the word."""
        text = self.text(row)
        words = list(dict.fromkeys(one.lower() for one in re.findall(r"[\w']+", text)))
        shorter = [re.sub(rf"(?<!\w){re.escape(one)}(?!\w)", " ", text, flags=re.IGNORECASE) for one in words]
        name = self.subject.schema.names[0]
        outputs = self.subject.predictor(pd.DataFrame({name: pd.Series([text, *shorter], dtype="str")}))[:, column]
        return {word: float(outputs[0] - one) for word, one in zip(words, outputs[1:], strict=True)}


def _with(frame: pd.DataFrame, cells: dict[str, Any]) -> pd.DataFrame:
    return frame.assign(**{name: pd.Series([value] * len(frame), index=frame.index) for name, value in cells.items()})
