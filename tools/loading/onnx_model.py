"""An ONNX graph with the face of a scikit-learn model."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.errors import MissingExtra, ToolError

_TYPES = {
    "tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64, "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_, "tensor(string)": np.object_,
}  # fmt: skip
# The field `key` of an entry that tells in which other file a tensor's values are.
_EXTERNAL = b"\n\x08location"


@dataclass(eq=False)
class OnnxModel:
    """A graph that takes one matrix, or one column per input.

    names: the inputs, where there are several. width: number of columns. take: which output to read.
    """

    content: bytes
    names: tuple[str, ...] | None
    width: int
    take: int
    classes: tuple[Any, ...] = ()
    _session: Any = field(default=None, repr=False)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_session": None}  # a session cannot be sent to another process

    @property
    def n_features_in_(self) -> int:
        """Number of columns."""
        return self.width

    @property
    def feature_names_in_(self) -> np.ndarray[Any, Any]:
        """Names of the inputs; AttributeError where there is one matrix."""
        if self.names is None:
            raise AttributeError("feature_names_in_")
        return np.array(self.names, dtype=object)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The graph itself."""
        return {"content": self.content, "deep": deep}

    def _run(self, rows: Any) -> np.ndarray[Any, Any]:
        if self._session is None:
            self._session = open_session(self.content)
        found = self._session.run(None, _feed(self._session, rows))[self.take]
        return dense(found, self.classes)


class OnnxClassifier(OnnxModel):
    """A graph that gives probabilities."""

    @property
    def classes_(self) -> np.ndarray[Any, Any]:
        """The classes that the graph names, else 0, 1, ..."""
        return np.array(self.classes)

    def predict_proba(self, rows: Any) -> np.ndarray[Any, Any]:
        """Probabilities, (n, classes)."""
        return self._run(rows)


class OnnxRegressor(OnnxModel):
    """A graph that gives one number."""

    def predict(self, rows: Any) -> np.ndarray[Any, Any]:
        """Predictions, (n,)."""
        return self._run(rows).reshape(-1)


def dense(found: Any, classes: tuple[Any, ...]) -> np.ndarray[Any, Any]:
    """An output as an array: a list of {class: probability} becomes (n, classes)."""
    if isinstance(found, list) and found and isinstance(found[0], dict):
        return np.array([[row[label] for label in classes] for row in found], dtype=np.float64)
    return np.asarray(found, dtype=np.float64)


def read_onnx(path: Path) -> OnnxModel:
    """An ONNX file. Raises ToolError for what is no graph of one table, or keeps its weights in other files."""
    content = path.read_bytes()
    if _EXTERNAL in content:
        raise ToolError(f"{path.name} keeps weights in other files, which is not allowed; save it as a single file.")
    try:
        session = open_session(content)
    except ToolError:
        raise
    except Exception as error:  # onnxruntime's own errors share no base
        raise ToolError(f"{path.name} is not a readable ONNX model: {str(error)[:200]}") from error
    inputs = session.get_inputs()
    single = len(inputs) == 1
    width = inputs[0].shape[-1] if single else len(inputs)
    if not isinstance(width, int) or (single and len(inputs[0].shape) != 2):
        raise ToolError(f"{path.name} should take a matrix with a fixed number of columns, not {inputs[0].shape}.")
    try:
        outputs = session.run(None, _blank(session, width))
    except Exception as error:  # as above
        raise ToolError(f"{path.name} could not be run on a row of zeros: {str(error)[:200]}") from error
    names = None if single else tuple(one.name for one in inputs)
    return _face(path, content, names, width, outputs)


def _face(path: Path, content: bytes, names: tuple[str, ...] | None, width: int, outputs: list[Any]) -> OnnxModel:
    for take, found in enumerate(outputs):
        if isinstance(found, list) and found and isinstance(found[0], dict):
            return OnnxClassifier(content, names, width, take, tuple(sorted(found[0])))
        if np.ndim(found) == 2 and np.shape(found)[1] >= 2 and np.asarray(found).dtype.kind == "f":
            return OnnxClassifier(content, names, width, take, tuple(range(np.shape(found)[1])))
    first = np.asarray(outputs[0])
    if len(outputs) == 1 and first.dtype.kind == "f" and first.size == 1:
        return OnnxRegressor(content, names, width, 0)
    raise ToolError(f"{path.name} gives neither probabilities nor one number for a row.")


def open_session(content: bytes) -> Any:
    """A session of onnxruntime; MissingExtra if it is not installed."""
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtra("onnxruntime", "onnx") from error
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # the order of additions, and so the last digit, depends on it
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _blank(session: Any, width: int) -> dict[str, Any]:
    inputs = session.get_inputs()
    columns = width if len(inputs) == 1 else 1
    return {one.name: np.full((1, columns), "" if "string" in one.type else 0, dtype=_dtype(one)) for one in inputs}


def _feed(session: Any, rows: Any) -> dict[str, Any]:
    inputs = session.get_inputs()
    if len(inputs) == 1:
        matrix = rows.to_numpy() if isinstance(rows, pd.DataFrame) else np.asarray(rows)
        return {inputs[0].name: _cells(matrix, inputs[0])}
    return {one.name: _cells(rows[one.name].to_numpy().reshape(-1, 1), one) for one in inputs}


def _cells(matrix: np.ndarray[Any, Any], one: Any) -> np.ndarray[Any, Any]:
    return matrix.astype(str).astype(object) if "string" in one.type else matrix.astype(_dtype(one))


def _dtype(one: Any) -> Any:
    if one.type not in _TYPES:
        raise ToolError(f"The input {one.name} of the ONNX model has the type {one.type}, which no table has.")
    return _TYPES[one.type]
