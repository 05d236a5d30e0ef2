"""Bad data and odd names: every plan ends in an answer or in a refusal that says what to do, never in a traceback.

Each odd subject is asked a quarter of the types, another quarter than the one before it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest

from askwhy.agent.run import Runner
from askwhy.evals.coverage import answered
from askwhy.evals.coverage_slots import Slots, slots_of, with_decision
from askwhy.evals.coverage_types import kind_of, question_types
from askwhy.tools.call import Call, Result, perform
from askwhy.tools.errors import ToolError
from askwhy.tools.executor import Executor
from askwhy.tools.subject import Subject

ROWS = 60


class Here(Executor):
    """Runs calls in this process: a test sees where a tool broke."""

    def run(self, subject: Subject, call: Call, *, cancelled: Callable[[], bool] = lambda: False) -> Result:
        return perform(subject, call)


def frame(rows: int = ROWS) -> pd.DataFrame:
    """Two numbers and two features with categories."""
    rng = np.random.default_rng(5)
    return pd.DataFrame(
        {
            "age": rng.integers(20, 70, rows),
            "income": rng.normal(30, 8, rows).round(1),
            "purpose": pd.array(rng.choice(["car", "house"], rows), dtype="str"),
            "member": rng.random(rows) < 0.5,
        }
    )


def score(cells: pd.DataFrame) -> np.ndarray[Any, Any]:
    """A number from the columns by their place, whatever they are called; each missing cell counts as 30."""
    numeric = [one for one in range(cells.shape[1]) if pd.api.types.is_numeric_dtype(cells.iloc[:, one].dtype)]
    total = np.zeros(len(cells))
    for place in range(cells.shape[1]):
        column = cells.iloc[:, place]
        values = column.astype("float64").fillna(30) / 20 if place in numeric else column.astype("str") == "car"
        total += np.asarray(values, dtype=float)
    return total


def chance(cells: pd.DataFrame) -> np.ndarray[Any, Any]:
    """Probabilities of two classes."""
    yes = 1 / (1 + np.exp(4 - score(cells)))
    return np.column_stack([1 - yes, yes])


def sometimes_nothing(cells: pd.DataFrame) -> np.ndarray[Any, Any]:
    """NaN for a combination that no row of the data has."""
    found = chance(cells)
    found[is_unheard_of(cells)] = np.nan
    return found


def is_unheard_of(cells: pd.DataFrame) -> np.ndarray[Any, Any]:
    """The rows older than 50 with a car."""
    return np.asarray((cells["age"] > 50) & (cells["purpose"] == "car"), dtype=bool)


def made(
    model: Callable[[pd.DataFrame], Any], cells: pd.DataFrame, classes: tuple[str, ...] = ("no", "yes")
) -> Subject:
    """A subject with a quarter of its rows held out; without classes, a regression."""
    truth = score(cells) + np.random.default_rng(1).normal(0, 0.5, len(cells))
    target = pd.Series(np.asarray(classes)[(truth > np.median(truth)).astype(int)] if classes else truth, name="target")
    return Subject.of(model, cells, target, test=np.arange(len(cells)) % 4 == 0, version="1", name="odd")


def one_row() -> Subject:
    return made(score, frame().iloc[:1], classes=())


def two_rows() -> Subject:
    return made(chance, frame().iloc[:2], classes=("high", "low"))


def constant() -> Subject:
    return made(chance, frame().assign(age=40, purpose=pd.array(["car"] * ROWS, dtype="str")))


def all_constant() -> Subject:
    return made(score, frame().assign(age=40, income=30.0, purpose="car", member=True), classes=())


def all_missing() -> Subject:
    return made(chance, frame().assign(income=np.nan))


def some_missing() -> Subject:
    cells = frame()
    cells.loc[::2, "income"] = np.nan
    cells.loc[::3, "purpose"] = None
    return made(score, cells, classes=())


def odd_names() -> Subject:
    return made(chance, frame().set_axis(["a b", "Δ%", "class", "<i>html</i>"], axis=1))


def numbered() -> Subject:
    return made(score, frame().set_axis(["0", "1", "2", "3"], axis=1), classes=())


def confusing_names() -> Subject:
    """Features called like a class, a category, a placeholder and a list of ours."""
    return made(chance, frame().set_axis(["<b>yes</b>", "{row}", "car", "[x 3: {value}]"], axis=1))


def names_of_words() -> Subject:
    """Features called like words that sentences cannot do without."""
    return made(score, frame().set_axis(["of", "12%", "not", "and"], axis=1), classes=())


def broken_model() -> Subject:
    cells = frame(2 * ROWS)
    return made(sometimes_nothing, cells[~is_unheard_of(cells)].reset_index(drop=True))


def one_feature() -> Subject:
    return made(score, frame()[["age"]], classes=())


def no_numbers() -> Subject:
    return made(chance, frame()[["purpose", "member"]])


ODD = {
    made_by.__name__: made_by
    for made_by in (
        one_row, two_rows, constant, all_constant, all_missing, some_missing, odd_names, numbered, confusing_names,
        names_of_words, broken_model, one_feature, no_numbers,
    )
}  # fmt: skip
CONFUSING = {"confusing_names", "names_of_words"}
"""No reader could follow a text about these; parts of an answer may be withheld."""
SHARE = 4
CASES = [
    pytest.param(name, one.number, id=f"{name}-{one.number}")
    for place, name in enumerate(ODD)
    for one in question_types()
    if (one.number + place) % SHARE == 0 and any(kind != "text" for plan in one.plan for kind in plan.on)
]


@functools.cache
def prepared(name: str) -> tuple[Subject, Slots]:
    """An odd subject with what fills its slots."""
    subject = with_decision(ODD[name]())
    return subject, slots_of(subject)


@pytest.mark.parametrize(("name", "number"), CASES)
def test_plans_end_in_an_answer_or_in_a_refusal(name: str, number: int) -> None:
    subject, slots = prepared(name)
    (one,) = (one for one in question_types() if one.number == number)
    for template in one.on(kind_of(subject)):
        state, words = answered(template, slots, subject, Runner(Here()))
        assert state in {"verified", "refused", *({"unverified"} if name in CONFUSING else ())}, words
        assert len(words.split()) >= 3 or state == "refused", words
        assert "Traceback" not in words and "None" not in words


@pytest.mark.parametrize("cells", [frame().iloc[:0], frame()[[]]], ids=["no rows", "no columns"])
def test_data_without_rows_or_columns_is_refused(cells: pd.DataFrame) -> None:
    with pytest.raises(ToolError):
        made(chance, cells)


def test_a_model_that_gives_no_number_for_some_rows_of_the_data_is_refused_with_their_count() -> None:
    with pytest.raises(ToolError, match=r"NaN.*\d+ of \d+ rows"):
        made(sometimes_nothing, frame())
