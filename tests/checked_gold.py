"""What is true of a built-in subject, worked out from its table and its fitted model alone."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.subjects.builtin import builtin


@dataclass(frozen=True)
class Case:
    """A sentence and what it is: a function of the gold, or None where nobody could test it."""

    text: str
    gold: Callable[[Gold], bool] | None


class Gold:
    """One subject and one row of it."""

    def __init__(self, name: str, row: int) -> None:
        self.subject = builtin(name)
        self.name, self.row = name, row
        self.df: pd.DataFrame = self.subject.data.copy()
        self.df.index = range(len(self.df))
        assert self.subject.target is not None
        self.y = np.asarray(self.subject.target)
        self.held = np.asarray(self.subject.held_out)
        self.classes = [str(one.value) for one in self.subject.schema.classes]
        self.me: dict[str, Any] = self.df.iloc[row].to_dict()

    def ask(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
        """The fitted model's own outputs."""
        given = frame["text"].astype(str).tolist() if self.name == "reviews" else frame
        return np.asarray(self.subject.predictor.call(given), dtype=float)

    @functools.cached_property
    def out(self) -> np.ndarray[Any, Any]:
        """Outputs of every row: probabilities by class, or numbers."""
        return self.ask(self.df)

    @functools.cached_property
    def pred(self) -> np.ndarray[Any, Any]:
        """Predicted classes."""
        return np.asarray(self.classes)[self.out.argmax(axis=1)]

    @property
    def mine(self) -> str:
        """The class predicted for the row."""
        return str(self.pred[self.row])

    def p(self, cls: str, **changes: Any) -> float:
        """The row's probability of a class with some values changed."""
        frame = self.df.iloc[[self.row]].assign(**changes)
        return float(self.ask(frame)[0, self.classes.index(cls)])

    def f(self, **changes: Any) -> float:
        """The row's predicted number with some values changed."""
        return float(np.ravel(self.ask(self.df.iloc[[self.row]].assign(**changes)))[0])

    def rate(self, cls: str, where: Any = None, actual: bool = False) -> float:
        """The share of rows that get, or have, a class."""
        hits = (self.y if actual else self.pred) == cls
        return float(hits.mean() if where is None else hits[np.asarray(where)].mean())

    def accuracy(self) -> float:
        """On held-out rows."""
        return float((self.pred == self.y)[self.held].mean())

    def swing(self, feature: str, cls: str | None = None) -> float:
        """The row's output less its mean with the feature's values of all rows put in."""
        frame = pd.concat([self.df.iloc[[self.row]]] * len(self.df), ignore_index=True)
        frame[feature] = self.df[feature].to_numpy()
        column = 0 if cls is None else self.classes.index(cls)
        own = self.ask(self.df.iloc[[self.row]]).reshape(1, -1)[0, column]
        return float(own - self.ask(frame).reshape(len(frame), -1)[:, column].mean())

    def swings(self, cls: str | None = None) -> list[str]:
        """Features by the size of that, largest first."""
        return sorted(self.df.columns, key=lambda name: -abs(self.swing(name, cls)))

    def shuffled(self, column: int = 0) -> list[str]:
        """Features by how far the outputs move when their values are shuffled, largest first."""
        rng = np.random.default_rng(1)
        own = self.out.reshape(len(self.df), -1)[:, column]

        def moved(name: str) -> float:
            frame = self.df.assign(**{name: rng.permutation(self.df[name].to_numpy())})
            return float(np.abs(self.ask(frame).reshape(len(frame), -1)[:, column] - own).mean())

        return sorted(self.df.columns, key=lambda name: -moved(name))

    def sweep(self, feature: str, column: int = 0) -> np.ndarray[Any, Any]:
        """Outputs (rows, values) with the feature set to 15 values over its range, for every fifth row."""
        rows = self.df.iloc[::5]
        values = np.linspace(self.df[feature].min(), self.df[feature].max(), 15)
        parts = [self.ask(rows.assign(**{feature: value})).reshape(len(rows), -1)[:, column] for value in values]
        return np.column_stack(parts)
