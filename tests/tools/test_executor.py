"""Tool calls run in a worker that can be killed; what goes wrong there is named and harms nothing else."""

from __future__ import annotations

import os
import sys
import threading
import time
import types
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from askwhy.tools.call import Call, Limits, perform
from askwhy.tools.errors import ModelFault, ToolError
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.executor import Cancelled, Executor
from askwhy.tools.predictor import Predictor
from askwhy.tools.registry import find_tool, tool, unregister
from askwhy.tools.schema import Feature, Schema, Target
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.tools.view import View


def subject_of(call: Callable[[pd.DataFrame], object], name: str = "s") -> Subject:
    features = tuple(Feature(name=column, label=column, kind="number", low=0, high=9) for column in "ab")
    schema = Schema(features=features, target=Target(name="y", label="y"), task="regression")
    data = pd.DataFrame({"a": np.arange(10.0), "b": np.arange(10.0) ** 2}, index=[str(i) for i in range(10)])
    nothing = np.zeros(10, dtype=bool)
    return Subject(Predictor(call, schema, ("a", "b")), schema, data, None, nothing, data, id=name)


def total(frame: pd.DataFrame) -> np.ndarray:
    return frame.sum(axis=1).to_numpy()


@pytest.fixture(scope="module")
def executor() -> Iterator[Executor]:
    made = Executor()
    yield made
    made.close()


def predict(row: str = "3", seconds: float = 60.0, memory: int = 8 * 1024**3) -> Call:
    return Call(find_tool("predict"), scope=Scope(row=row), limits=Limits(seconds=seconds, memory=memory))


def test_the_worker_finds_what_this_process_would(executor: Executor) -> None:
    subject = subject_of(total)
    away, here = executor.run(subject, predict()), perform(subject, predict())
    assert away.evidence == here.evidence
    assert away.evidence.one("estimate").value == 12.0
    assert away.killable
    assert (away.rows, away.calls) == (1, 1)


def test_known_outputs_are_not_asked_for_again(executor: Executor) -> None:
    subject = subject_of(total)
    everyone = Call(find_tool("predict"))
    first = executor.run(subject, everyone)
    second = executor.run(subject.with_known(first.known), everyone)
    assert np.array_equal(first.known, subject.data.sum(axis=1).to_numpy()[:, None])
    assert (first.rows, second.rows) == (10, 0)
    assert second.evidence == first.evidence


def test_an_unknown_row_is_refused_with_its_nearest(executor: Executor) -> None:
    with pytest.raises(ToolError, match="There is no row “33”"):
        executor.run(subject_of(total), predict("33"))


def test_a_model_that_raises_is_named(executor: Executor) -> None:
    def broken(frame: pd.DataFrame) -> np.ndarray:
        raise ValueError("no such luck")

    with pytest.raises(ModelFault, match="ValueError: no such luck"):
        executor.run(subject_of(broken, "broken"), predict())


def test_a_model_that_hangs_is_killed_and_the_next_call_works(executor: Executor) -> None:
    def hangs(frame: pd.DataFrame) -> np.ndarray:
        time.sleep(3600)
        return total(frame)

    with pytest.raises(ModelFault, match="within 0.5 seconds"):
        executor.run(subject_of(hangs, "hangs"), predict(seconds=0.5))
    assert executor.run(subject_of(total), predict()).evidence.one("estimate").value == 12.0


def test_a_killed_call_leaves_no_process(executor: Executor, tmp_path: object) -> None:
    path = f"{tmp_path}/pid"

    def hangs(frame: pd.DataFrame) -> np.ndarray:
        with open(path, "w") as file:
            file.write(str(os.getpid()))
        time.sleep(3600)
        return total(frame)

    with pytest.raises(ModelFault):
        executor.run(subject_of(hangs, "pid"), predict(seconds=1))
    pid = int(Path(path).read_text())
    for _ in range(100):
        if not os.path.exists(f"/proc/{pid}"):
            break
        time.sleep(0.05)
    assert not os.path.exists(f"/proc/{pid}")


def test_a_model_that_eats_memory_is_refused(executor: Executor) -> None:
    def greedy(frame: pd.DataFrame) -> np.ndarray:
        return np.ones((2**31, 4)).sum(axis=1)

    with pytest.raises(ToolError, match="memory"):
        executor.run(subject_of(greedy, "greedy"), predict(memory=512 * 1024**2))


def test_a_model_that_crashes_its_process_is_named(executor: Executor) -> None:
    def crashes(frame: pd.DataFrame) -> np.ndarray:
        os.abort()

    with pytest.raises(ModelFault, match="crashed"):
        executor.run(subject_of(crashes, "crashes"), predict())


@pytest.mark.parametrize(
    ("outputs", "reason"),
    [
        (lambda frame: np.full(len(frame), np.nan), "NaN"),
        (lambda frame: np.ones((len(frame), 3)), "shape"),
        (lambda frame: ["a"] * len(frame), "not an array of numbers"),
    ],
)
def test_unusable_outputs_are_named(executor: Executor, outputs: Callable[[pd.DataFrame], object], reason: str) -> None:
    with pytest.raises(ModelFault, match=reason):
        executor.run(subject_of(outputs, reason), predict())


def test_a_cancelled_call_stops(executor: Executor) -> None:
    def hangs(frame: pd.DataFrame) -> np.ndarray:
        time.sleep(3600)
        return total(frame)

    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with pytest.raises(Cancelled):
        executor.run(subject_of(hangs, "cancelled"), predict(), cancelled=stop.is_set)


def test_a_model_that_cannot_be_shipped_runs_here_and_says_so(executor: Executor) -> None:
    lock = threading.Lock()

    def locked(frame: pd.DataFrame) -> np.ndarray:
        with lock:
            return total(frame)

    result = executor.run(subject_of(locked, "locked"), predict())
    assert not result.killable
    assert result.evidence.one("estimate").value == 12.0


def test_a_model_that_prints_does_not_disturb_the_answer(executor: Executor) -> None:
    def talks(frame: pd.DataFrame) -> np.ndarray:
        print("training log")
        return total(frame)

    assert executor.run(subject_of(talks, "talks"), predict()).evidence.one("estimate").value == 12.0


def test_the_worker_starts_again_after_it_was_killed() -> None:
    executor = Executor()
    executor.run(subject_of(total), predict())
    assert executor._process is not None
    executor._process.kill()
    executor._process.wait()
    assert executor.run(subject_of(total), predict()).evidence.one("estimate").value == 12.0
    executor.close()


def test_a_tool_of_another_module_travels_with_its_call(executor: Executor) -> None:
    module = types.ModuleType("somebodys_tools")
    sys.modules["somebodys_tools"] = module

    def doubled(view: View) -> Evidence:
        """Twice the prediction."""
        return Evidence(facts=(Fact(relation="doubled", value=2 * float(view.outputs[0, 0]), unit="output"),))

    doubled.__module__ = "somebodys_tools"
    made = tool(asks=("double {row}",), says=("Twice: {doubled}.",), needs="instance")(doubled)
    try:
        result = executor.run(subject_of(total), Call(made, scope=Scope(row="3")))
        assert result.evidence.one("doubled").value == 24.0
    finally:
        unregister("doubled")
        del sys.modules["somebodys_tools"]
