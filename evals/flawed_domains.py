"""Tables of made-up businesses: correlated columns of every kind, missing values, and an outcome with noise.

`flawed_domains.toml` describes them; everything that is drawn follows from the generator that is given.
"""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

Array = np.ndarray[Any, np.dtype[Any]]
Draws = np.random.Generator

_FACTORS = 2
HELD_OUT = 0.3


@dataclass(eq=False)
class Table:
    """Rows before there is a model. score: the true log-odds (or number) without noise, standard scale, per row.

    outcome: class names, or numbers; what a flaw does to the rows, it does here. truth: the outcome as it really was.
    """

    domain: dict[str, Any]
    frame: pd.DataFrame
    score: Array
    outcome: Array
    truth: Array
    held_out: Array
    rng: Draws
    number: bool = False

    @property
    def training(self) -> Array:
        """The rows that the model may learn from."""
        return ~self.held_out

    def columns(self, kind: str) -> list[str]:
        """The names of the domain's own columns of a kind ("numeric": numbers and integers)."""
        wanted = ("number", "integer") if kind == "numeric" else (kind,)
        return [one["name"] for one in self.domain["columns"] if one["kind"] in wanted]

    def event(self) -> Array:
        """True where the second class came true; of numbers, where the number is above the median."""
        if self.number:
            return np.asarray(self.truth > np.median(self.truth))
        return np.asarray(self.truth == self.domain["classes"][-1])


@functools.cache
def domains() -> dict[str, dict[str, Any]]:
    """The described businesses by name."""
    return tomllib.loads(Path(__file__).with_name("flawed_domains.toml").read_text(encoding="utf-8"))


def draw_table(
    name: str, rng: Draws, rows: int, *, rate: float = 0.35, noise: float = 0.6, number: bool = False,
    share: tuple[str, str, float] | None = None, stronger: tuple[str, float] | None = None,
) -> Table:  # fmt: skip
    """Rows of a business. rate: share of the second class; noise: its standard deviation against that of the score.

    share: a column, one of its categories and how common that is to be. stronger: a column whose effect is multiplied.
    """
    domain = domains()[name]
    factors = rng.normal(size=(rows, _FACTORS))
    cells: dict[str, Any] = {}
    score = np.zeros(rows)
    for column in domain["columns"]:
        drawn, effect = _column(column, rng, factors, share)
        cells[column["name"]] = drawn
        factor = stronger[1] if stronger is not None and stronger[0] == column["name"] else 1.0
        score += factor * float(rng.uniform(0.8, 1.2)) * effect
    score = (score - score.mean()) / score.std()
    noisy = score + noise * rng.normal(size=rows)
    outcome = _number(domain, noisy) if number else _classes(domain["classes"], noisy, rate)
    frame = pd.DataFrame(cells)
    held_out = rng.random(rows) < HELD_OUT
    return Table(domain, frame, score, outcome, outcome.copy(), held_out, rng, number)


def _column(
    column: dict[str, Any], rng: Draws, factors: Array, share: tuple[str, str, float] | None
) -> tuple[Any, Array]:
    """The cells of a column, and what it adds to the score before the missing cells are taken out."""
    rows = len(factors)
    if column["kind"] == "boolean":
        yes = rng.random(rows) < column["share"]
        return yes, column["effect"] * (yes - yes.mean())
    if column["kind"] == "category":
        values, effects = np.array(column["values"], dtype=object), np.array(column["effects"], dtype=float)
        chances = rng.dirichlet(np.full(len(values), 8.0))
        if share is not None and share[0] == column["name"]:
            place = column["values"].index(share[1])
            chances[place] = 0.0
            chances *= (1 - share[2]) / chances.sum()
            chances[place] = share[2]
        drawn = rng.choice(len(values), rows, p=chances)
        return pd.array(values[drawn], dtype="str"), effects[drawn]
    return _numeric(column, rng, factors)


def _numeric(column: dict[str, Any], rng: Draws, factors: Array) -> tuple[Array, Array]:
    loads = np.array(column["loads"])
    rest = np.sqrt(max(1 - float((loads**2).sum()), 0.05))
    hidden = factors @ loads + rest * rng.normal(size=len(factors))
    place = (hidden.argsort().argsort() + 0.5) / len(hidden)
    cells = column["low"] + (column["high"] - column["low"]) * place ** column.get("skew", 1.0)
    if column["kind"] == "integer":
        return np.round(cells).astype(int), column["effect"] * hidden
    cells = np.round(cells, 1 if column["high"] > 30 else 2)
    if gone := column.get("missing"):
        cells = np.where(rng.random(len(cells)) < gone, np.nan, cells)
    return cells, column["effect"] * hidden


def _classes(classes: list[str], noisy: Array, rate: float) -> Array:
    return np.where(noisy > np.quantile(noisy, 1 - rate), classes[1], classes[0]).astype(object)


def _number(domain: dict[str, Any], noisy: Array) -> Array:
    told = domain["number"]
    return np.asarray(np.round(told["middle"] + told["spread"] * noisy / noisy.std(), 1), dtype=float)
