"""Columns of pure noise beside the features: a model trained again with them must not find them important (C9).

After the noise variables of Stoppiglia et al. (2003) and Kursa & Rudnicki (2010, "Boruta").
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from askwhy.tools.engines.conditional import Array
from askwhy.tools.engines.refit import Trained, fitted_again, predicting
from askwhy.tools.engines.twins import Questions, Replies, thinned
from askwhy.tools.view import View

COLUMNS = 2


def replies_with_noise(view: View, model: Trained, questions: Questions) -> Replies | None:
    """What the model replies when it is trained again with two columns of noise; its last "features" are these.

    In a pipeline, the noise joins what the last step reads, as earlier ones choose columns by name. None where the
    model cannot be trained so.
    """
    rows, actual, _ = thinned(view, model)
    steps = getattr(model.estimator, "steps", None)
    front, last = (model.estimator[:-1], steps[-1][1]) if steps and len(steps) > 1 else (None, model.estimator)

    def prepared(frame: pd.DataFrame) -> Any:
        cells = model.native(frame)
        return cells if front is None else front.transform(cells)

    known, count = prepared(rows), questions.shape[0]
    noise = _scale(known) * view.rng.normal(size=(len(rows), COLUMNS))
    again = fitted_again(last, _beside(known, noise), actual)
    if again is None:
        return None
    asked, own = prepared(questions.frame), noise[view.rng.integers(0, len(noise), count)]
    answer = predicting(again)
    every = np.concatenate([own, np.repeat(own, len(questions.frame) // count - 1, axis=0)])
    outputs = _numbers(answer(_beside(asked, every)), len(every))
    first, changed = asked[:count], outputs[count:].reshape(*questions.shape, -1)
    redrawn = []
    for column in range(COLUMNS):
        moved = own.copy()
        moved[:, column] = view.rng.permutation(own[:, column])
        redrawn.append(_numbers(answer(_beside(first, moved)), count))
    # One draw of the noise stands for as many as the features have.
    others = np.repeat(np.stack(redrawn, axis=1)[:, :, None], questions.shape[2], axis=2)
    return Replies(outputs[:count], np.concatenate([changed, others], axis=1))


def _numbers(outputs: Any, rows: int) -> Array:
    return np.asarray(outputs, dtype=float).reshape(rows, -1)


def _scale(cells: Any) -> float:
    """The usual spread of a column, so that the noise is seen by models that measure distances."""
    if isinstance(cells, pd.DataFrame):
        cells = cells.select_dtypes("number").to_numpy(dtype=float, na_value=np.nan)
    spread = np.nanstd(cells.toarray() if hasattr(cells, "toarray") else np.asarray(cells, dtype=float), axis=0)
    spread = spread[spread > 0]
    return float(np.median(spread)) if len(spread) else 1.0


def _beside(cells: Any, noise: Array) -> Any:
    """Cells with columns of noise on their right."""
    if isinstance(cells, pd.DataFrame):
        return cells.assign(**{f"noise {one + 1}": column for one, column in enumerate(noise.T)})
    if hasattr(cells, "tocsr"):
        from scipy.sparse import csr_matrix, hstack

        return hstack([cells, csr_matrix(noise)], format="csr")
    return np.column_stack([np.asarray(cells), noise])
