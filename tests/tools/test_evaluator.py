"""The evaluator: composites are what they say, equal rows are asked once, budgets hold."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator, compose
from askwhy.tools.predictor import Predictor
from askwhy.tools.schema import Feature, Schema, Target
from askwhy.tools.subject import Subject

SCHEMA = Schema(
    features=(
        Feature(name="n", label="n", kind="number"),
        Feature(name="s", label="s", kind="category"),
        Feature(name="d", label="d", kind="date"),
    ),
    target=Target(name="y", label="y"),
    task="regression",
)
POOL = pd.DataFrame(
    {
        "n": [1.0, np.nan, 3.0],
        "s": pd.array(["x", "yy", None], dtype="str"),
        "d": pd.to_datetime(["2020-01-01", "2021-06-01", None]),
    }
)


class Recorder:
    """A model whose output can be worked out by hand, and which remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[pd.DataFrame] = []

    def __call__(self, frame: pd.DataFrame) -> np.ndarray:
        self.asked.append(frame)
        years = frame["d"].dt.year.fillna(0)
        return (frame["n"].fillna(0) + 10 * frame["s"].astype("str").str.len().fillna(0) + years).to_numpy(dtype=float)


def evaluator(**options: int) -> tuple[Evaluator, Recorder]:
    recorder = Recorder()
    return Evaluator(Predictor(recorder, SCHEMA, ("n", "s", "d")), **options), recorder


def test_a_composite_takes_every_cell_from_the_row_named_for_it() -> None:
    evaluate, _ = evaluator()
    outputs = evaluate.mixed(POOL, np.array([[0, 1, 1], [2, 0, 2]]))
    assert outputs[:, 0].tolist() == [1 + 20 + 2021, 3 + 10 + 0]


def test_dtypes_survive_composition() -> None:
    composed = compose(POOL, np.array([[0, 0, 0], [1, 2, 2]]))
    assert composed.dtypes.to_dict() == POOL.dtypes.to_dict()


def test_equal_rows_are_asked_once_and_missing_equals_missing() -> None:
    evaluate, recorder = evaluator()
    source = np.array([[1, 2, 2], [0, 0, 0], [1, 2, 2], [0, 0, 0]])
    outputs = evaluate.mixed(POOL, source)
    assert len(recorder.asked) == 1
    assert len(recorder.asked[0]) == 2
    assert evaluate.rows == 2
    assert outputs[0] == outputs[2]


def test_cells_of_equal_value_in_different_rows_count_as_equal() -> None:
    pool = pd.concat([POOL, POOL], ignore_index=True)
    evaluate, recorder = evaluator()
    evaluate.mixed(pool, np.array([[0, 0, 0], [3, 3, 3]]))
    assert len(recorder.asked[0]) == 1


def test_blocks_split_the_calls_and_not_the_answer() -> None:
    whole, _ = evaluator()
    parts, recorder = evaluator(block_cells=6)
    source = np.array([[i, j, k] for i in range(3) for j in range(3) for k in range(3)])
    assert np.array_equal(whole.mixed(POOL, source), parts.mixed(POOL, source))
    assert max(len(frame) for frame in recorder.asked) == 2
    assert parts.calls == 14


def test_a_budget_is_kept_before_the_model_is_asked() -> None:
    evaluate, recorder = evaluator(budget=2)
    with pytest.raises(ToolError, match="limit of 2"):
        evaluate.outputs(POOL)
    assert recorder.asked == []


def test_no_rows_need_no_call() -> None:
    evaluate, recorder = evaluator()
    assert evaluate.outputs(POOL.iloc[:0]).shape == (0, 1)
    assert recorder.asked == []


@given(st.lists(st.tuples(*[st.integers(0, 2)] * 3), min_size=1, max_size=40))
def test_the_result_is_that_of_asking_row_by_row(rows: list[tuple[int, int, int]]) -> None:
    evaluate, _ = evaluator()
    alone, _ = evaluator()
    source = np.array(rows)
    together = evaluate.mixed(POOL, source)
    one_by_one = [alone.mixed(POOL, source[i : i + 1])[0, 0] for i in range(len(source))]
    assert together[:, 0].tolist() == one_by_one
    assert evaluate.rows == len(set(map(tuple, pd.DataFrame(source).to_numpy().tolist())))


def test_what_an_answer_rests_on_does_not_depend_on_what_was_known() -> None:
    data = POOL.set_axis(["0", "1", "2"])
    predictor = Predictor(Recorder(), SCHEMA, ("n", "s", "d"))
    unknown = Subject(predictor, SCHEMA, data, None, np.zeros(3, dtype=bool), data, id="pool")
    known = unknown.with_known(Evaluator(predictor).all_outputs(unknown))
    first, second = Evaluator(predictor), Evaluator(predictor)
    for evaluate, subject in ((first, unknown), (second, known)):
        evaluate.all_outputs(subject)
        evaluate.all_outputs(subject)
        evaluate.mixed(POOL, np.array([[0, 0, 0], [0, 0, 0]]))
    assert first.asked == second.asked == 5
    assert (first.rows, second.rows) == (4, 1)
