"""What makes two subjects the same: a hash of the data, the schema and the model's behaviour."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.predictor import Outputs
from askwhy.tools.schema import Schema
from askwhy.tools.subject import Mask

PROBE_ROWS = 32
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def probe_rows(rows: int) -> np.ndarray[Any, np.dtype[np.int64]]:
    """At most `PROBE_ROWS` positions, evenly spaced from the first row to the last."""
    return np.unique(np.linspace(0, rows - 1, min(rows, PROBE_ROWS)).round().astype(np.int64))


def subject_id(
    model: Any,
    version: str,
    outputs: Outputs,
    schema: Schema,
    data: pd.DataFrame,
    target: pd.Series | None,
    held_out: Mask,
) -> str:
    """SHA-256, 64 hex digits, of everything that an answer can depend on.

    Pickled bytes of one model differ from process to process, so a model counts by its class, its parameters, its
    outputs on fixed probe rows (to 9 digits: threads may add in another order) and the user's version string.
    Two models that agree in all of these have one id; give them versions.
    """
    digest = hashlib.sha256()
    for part in (schema.canonical(), _cells(data), "" if target is None else _cells(target.to_frame())):
        digest.update(part.encode())
    digest.update(np.packbits(held_out).tobytes())
    digest.update(_settings(model).encode())
    digest.update((np.round(outputs, 9) + 0.0).tobytes())  # + 0.0: there is no negative zero
    digest.update(version.encode())
    return digest.hexdigest()


def _cells(frame: pd.DataFrame) -> str:
    hashes = pd.util.hash_pandas_object(frame, index=True).to_numpy()
    return hashlib.sha256(hashes.tobytes() + str(frame.dtypes.astype(str).tolist()).encode()).hexdigest()


def _settings(model: Any) -> str:
    kind = f"{type(model).__module__}.{type(model).__qualname__}"
    try:
        parameters = model.get_params(deep=True)
        shown = sorted(f"{name}={value!r}" for name, value in parameters.items())
    except Exception:  # a foreign get_params may do anything; the outputs still tell models apart
        shown = []
    return kind + _ADDRESS.sub("", ";".join(shown))
