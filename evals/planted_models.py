"""Models whose right explanation is known, because they are sums of terms that we wrote.

The right attribution is the interventional Shapley value against the subject's background. It is linear in the terms,
so it is worked out term by term, over the one to three features of each: nothing here uses the code that is judged.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.planted import correlated
from askwhy.tools.subject import Subject

Array = np.ndarray[Any, Any]
Shape = Callable[..., Array]

ROWS = 300
_STEP = 1e-5


@dataclass(frozen=True)
class Term:
    """What some features (by position) contribute: `shape` takes one array per feature."""

    features: tuple[int, ...]
    shape: Shape

    def of(self, cells: Array) -> Array:
        """The contribution (n,) to rows (n, features)."""
        return np.asarray(self.shape(*(cells[:, j] for j in self.features)), dtype=float)


@dataclass(frozen=True, eq=False)
class Planted:
    """A subject whose model is the sum of `terms`. used: the features that appear in them, by position.

    binary: the sum is the probability of the second class. blind: a suppressor, used but unrelated to the outcome.
    """

    family: str
    name: str
    subject: Subject
    terms: tuple[Term, ...]
    binary: bool = False
    blind: int | None = None

    @property
    def used(self) -> frozenset[int]:
        """Positions of the features that the model reads."""
        return frozenset(j for term in self.terms for j in term.features)

    def truth(self, row: int) -> Array:
        """The right attribution (features,) at a row by position."""
        here = np.asarray(self.subject.data.iloc[row], dtype=float)
        others = np.asarray(self.subject.background, dtype=float)
        found = np.zeros(len(here))
        for term in self.terms:
            orders = list(itertools.permutations(term.features))
            for order in orders:
                cells = others.copy()
                before = float(term.of(cells).mean())
                for j in order:
                    cells[:, j] = here[j]
                    after = float(term.of(cells).mean())
                    found[j] += (after - before) / len(orders)
                    before = after
        return found

    def slope(self, row: int, feature: int) -> int:
        """Whether the sum locally rises (1) or falls (-1) in a feature at a row; 0 where it is flat or turns."""
        here = np.asarray(self.subject.data.iloc[[row]], dtype=float)
        step = _STEP * float(np.asarray(self.subject.data.iloc[:, feature], dtype=float).std())
        signs = []
        for sign in (-1.0, 1.0):
            moved = here.copy()
            moved[0, feature] += sign * step
            signs.append(np.sign((total(self.terms, moved) - total(self.terms, here))[0] * sign))
        return int(signs[0]) if signs[0] == signs[1] else 0


def total(terms: tuple[Term, ...], cells: Array) -> Array:
    """The sum of the terms (n,) at rows (n, features)."""
    return np.asarray(sum((term.of(cells) for term in terms), np.zeros(len(cells))))


@dataclass(frozen=True)
class Model:
    """The planted sum as a function of a frame, held to 0..1 where it is a probability."""

    terms: tuple[Term, ...]
    binary: bool = False

    def __call__(self, frame: pd.DataFrame) -> Array:
        found = total(self.terms, np.asarray(frame, dtype=float))
        return np.asarray(np.clip(found, 0.0, 1.0)) if self.binary else found


@functools.cache
def planted_models(most: int | None = None) -> tuple[Planted, ...]:
    """Every planted model, or the first `most` of each family."""
    makers = (_linear, _additive, _xor, _suppressor, _irrelevant, _twisted, _interaction)
    return tuple(one for maker in makers for one in itertools.islice(maker(), most))


def _linear() -> Iterator[Planted]:
    for number, width in enumerate((5, 6, 8, 10, 12, 14, 6, 8, 5, 7)):
        rng = _rng("linear", number)
        cells = correlated(rng, ROWS, width, 0.6 * (number % 2)) * rng.uniform(0.5, 2.0, width)
        # Even ratios keep the order of the weights from being a matter of rounding.
        weights = rng.permutation(1.5 ** -np.arange(width)) * rng.choice([-1.0, 1.0], width)
        terms = tuple(Term((j,), _times(float(weights[j]))) for j in range(width))
        yield _made("linear", number, cells, terms, binary=number >= 8)
    for number in (10, 11):
        yield _fitted_line(number)


def _fitted_line(number: int) -> Planted:
    """A least-squares fit of scikit-learn's, explained by its coefficients."""
    from sklearn.linear_model import LinearRegression

    rng = _rng("linear", number)
    cells = correlated(rng, ROWS, 7, 0.5)
    target = cells @ rng.normal(size=7) + rng.normal(size=ROWS)
    frame = _frame(cells)
    fitted = LinearRegression().fit(frame, target)
    terms = tuple(Term((j,), _times(float(weight))) for j, weight in enumerate(fitted.coef_))
    subject = Subject.of(fitted, frame, pd.Series(target, name="outcome"), version=f"fitted {number}")
    return Planted("linear", f"linear {number}, fitted", subject, terms)


_CURVES: tuple[Shape, ...] = (
    np.sin,
    np.square,
    np.abs,
    np.tanh,
    lambda x: 1.0 * (x > 0.3),
    lambda x: np.maximum(x, 0.0),
    lambda x: -np.exp(-(x**2)) * 2,
)


def _additive() -> Iterator[Planted]:
    for number in range(8):
        rng = _rng("additive", number)
        width, count = 6 + number % 5, 3 + number % 2
        cells = correlated(rng, ROWS, width, 0.4 * (number % 2))
        places = rng.choice(width, count, replace=False)
        curves = rng.choice(len(_CURVES), count, replace=False)
        terms = tuple(
            Term((int(j),), _scaled(_CURVES[int(c)], float(rng.uniform(0.7, 2.0)) * (-1) ** i))
            for i, (j, c) in enumerate(zip(places, curves, strict=True))
        )
        yield _made("additive", number, cells, terms)


def _xor() -> Iterator[Planted]:
    for number in range(6):
        rng = _rng("xor", number)
        width = 5 + number % 4
        cells = rng.integers(0, 2, (ROWS, width)).astype(float)
        i, j = (int(one) for one in rng.choice(width, 2, replace=False))
        binary = number % 2 == 1
        low, high = (0.1, 0.9) if binary else (-1.0, 2.0)
        term = Term((i, j), _Unlike(low, high))
        yield _made("xor", number, cells, (term,), binary=binary)


def _suppressor() -> Iterator[Planted]:
    """x1 = a y + d e, x2 = e: the best model of y subtracts what x2 tells of the disturbance e (Haufe et al. 2014)."""
    for number in range(6):
        rng = _rng("suppressor", number)
        outcome, noise = rng.normal(size=ROWS), rng.normal(size=ROWS)
        noise -= outcome * float(noise @ outcome) / float(outcome @ outcome)  # unrelated in the sample as well
        gain, leak = float(rng.uniform(0.8, 1.5)), float(rng.uniform(0.8, 1.5))
        cells = rng.normal(size=(ROWS, 5))
        i, j = (int(one) for one in rng.choice(5, 2, replace=False))
        cells[:, i], cells[:, j] = gain * outcome + leak * noise, noise
        terms = (Term((i,), _times(1 / gain)), Term((j,), _times(-leak / gain)))
        yield _made("suppressor", number, cells, terms, target=outcome, blind=j)


def _irrelevant() -> Iterator[Planted]:
    """Two features of many are read; all others are strongly correlated with them."""
    for number in range(6):
        rng = _rng("irrelevant", number)
        width = 8 + 2 * (number % 3)
        cells = correlated(rng, ROWS, width, 0.8)
        i, j = (int(one) for one in rng.choice(width, 2, replace=False))
        terms = (Term((i,), _times(2.0)), Term((j,), _scaled(np.tanh, -2.0)))
        yield _made("irrelevant", number, cells, terms)


def _interaction() -> Iterator[Planted]:
    shapes: tuple[Shape, ...] = (
        np.multiply,
        np.minimum,
        lambda a, b: 2.0 * ((a > 0) & (b > 0)),
        lambda a, b: np.where(a > 0, b, -b),
    )
    for number in range(8):
        rng = _rng("interaction", number)
        width = 6 + number % 4
        cells = correlated(rng, ROWS, width, 0.3 * (number % 2))
        i, j, k = (int(one) for one in rng.choice(width, 3, replace=False))
        terms = [Term((i, j), _scaled(shapes[number % 4], 1.5)), Term((k,), _times(-0.7))]
        if number >= 6:
            terms.append(Term((i, j, k), lambda a, b, c: a * b * c / 2))
        yield _made("interaction", number, cells, tuple(terms))


def _twisted() -> Iterator[Planted]:
    """Real tables under rules that turn knowledge of the world round, or that nobody would guess."""
    from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine

    rules: tuple[tuple[Any, tuple[tuple[tuple[str, ...], Shape], ...]], ...] = (
        (load_diabetes, ((("bmi",), _times(-25.0)), (("bp",), _times(-15.0)))),
        (load_diabetes, ((("s2",), _times(20.0)), (("bmi", "age"), lambda a, b: 15.0 * (a < b)))),
        (load_diabetes, ((("sex",), _times(30.0)), (("s4",), _scaled(np.abs, 20.0)))),
        (load_iris, ((("sepal width (cm)",), _times(3.0)), (("petal length (cm)",), _times(-1.0)))),
        (load_iris, ((("petal width (cm)", "sepal length (cm)"), lambda a, b: np.where(a > 0, b, -b)),)),
        (load_wine, ((("alcohol",), _times(-2.0)), (("hue",), _scaled(np.square, 1.0)))),
        (load_wine, ((("ash",), _scaled(np.sin, 2.0)), (("magnesium", "proline"), np.multiply))),
        (load_breast_cancer, ((("mean radius",), _times(-2.0)), (("symmetry error",), _times(1.0)))),
        (load_breast_cancer, ((("worst area",), lambda x: -1.0 * (x > 0)), (("mean texture",), _times(-0.5)))),
        (load_breast_cancer, ((("mean smoothness", "worst concavity"), np.multiply), (("area error",), _times(0.8)))),
    )
    for number, (load, rule) in enumerate(rules):
        frame = load(as_frame=True).data
        frame = frame.sample(min(ROWS, len(frame)), random_state=number)
        names = list(frame.columns)
        terms = []
        for used, shape in rule:
            middle, spread = frame[list(used)].mean().to_numpy(), frame[list(used)].std().to_numpy()
            terms.append(Term(tuple(names.index(one) for one in used), _standardized(shape, middle, spread)))
        yield _made("twisted", number, frame.reset_index(drop=True), tuple(terms))


def _made(
    family: str,
    number: int,
    cells: Array | pd.DataFrame,
    terms: tuple[Term, ...],
    *,
    binary: bool = False,
    target: Array | None = None,
    blind: int | None = None,
) -> Planted:
    """The subject of a planted sum; as a probability, a sum of non-constant terms is brought into 0.05 to 0.95."""
    frame = cells if isinstance(cells, pd.DataFrame) else _frame(cells)
    rng = _rng(family, number + 1000)
    if binary and family != "xor":
        terms = _as_probability(terms, np.asarray(frame, dtype=float))
    model = Model(terms, binary)
    outputs = model(frame)
    truth: Any = outputs + 0.1 * outputs.std() * rng.normal(size=len(frame)) if target is None else target
    if binary:
        truth = np.where(rng.random(len(frame)) < outputs, "yes", "no")
    subject = Subject.of(
        model, frame, pd.Series(truth, name="outcome"), version=f"planted {family} {number}", name=f"{family} {number}"
    )
    return Planted(family, f"{family} {number}", subject, terms, binary, blind)


def _as_probability(terms: tuple[Term, ...], cells: Array) -> tuple[Term, ...]:
    """The terms scaled so that the sum of any of their values lies within 0.05..0.95; shifts go to each evenly."""
    values = [term.of(cells) for term in terms]
    low, width = sum(float(one.min()) for one in values), sum(float(np.ptp(one)) for one in values)
    factor, shift = 0.9 / width, (0.05 - 0.9 * low / width) / len(terms)
    return tuple(Term(term.features, _affine(term.shape, factor, shift)) for term in terms)


@dataclass(frozen=True)
class _Scaled:
    """factor * shape((x - middle) / spread) + shift."""

    shape: Shape
    factor: float = 1.0
    shift: float = 0.0
    middle: tuple[float, ...] = field(default=())
    spread: tuple[float, ...] = field(default=())

    def __call__(self, *cells: Array) -> Array:
        if self.middle:
            parts = zip(cells, self.middle, self.spread, strict=True)
            cells = tuple((one - middle) / spread for one, middle, spread in parts)
        return np.asarray(self.factor * self.shape(*cells) + self.shift, dtype=float)


@dataclass(frozen=True)
class _Unlike:
    """One value where two marks differ, another where they are alike."""

    low: float
    high: float

    def __call__(self, one: Array, other: Array) -> Array:
        return np.where(one != other, self.high, self.low)


def _scaled(shape: Shape, factor: float) -> Shape:
    return _Scaled(shape, factor)


def _affine(shape: Shape, factor: float, shift: float) -> Shape:
    return _Scaled(shape, factor, shift)


def _standardized(shape: Shape, middle: Array, spread: Array) -> Shape:
    return _Scaled(shape, middle=tuple(map(float, middle)), spread=tuple(map(float, spread)))


def _times(factor: float) -> Shape:
    return _Scaled(np.asarray, factor)


def _frame(cells: Array) -> pd.DataFrame:
    return pd.DataFrame(cells, columns=[f"x{j}" for j in range(cells.shape[1])])


def _rng(family: str, number: int) -> np.random.Generator:
    return np.random.default_rng([*family.encode(), number])
