"""DiCE on the feasible counterfactual queries, where it is installed (Mothilal, Sharma & Tan 2020)."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import io
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from askwhy.evals.truth_counterfactuals import Query, judged, known_credit, may_change, moved
from askwhy.evals.truth_line import Line
from askwhy.tools.predictor import Outputs
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Subject

_OUTCOME = "outcome of the model"


def dice_installed() -> bool:
    """Whether DiCE can be imported."""
    return importlib.util.find_spec("dice_ml") is not None


class _Reads:
    """The subject's model as DiCE calls one: categories come as words and go to the model in the data's own types."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    def predict_proba(self, frame: pd.DataFrame) -> Outputs:
        columns = list(self.subject.schema.names)
        return self.subject.predictor(frame[columns].astype(self.subject.data.dtypes.to_dict()))

    def predict(self, frame: pd.DataFrame) -> Any:
        return predicted_index(self.predict_proba(frame))


def dice_lines(queries: Sequence[Query]) -> list[Line]:
    """DiCE's random search, one result for each query, with the same features free; re-checked as askwhy's are."""
    subject = known_credit()
    frame, engine = _engine(subject)
    found = [(query, _cells(subject, engine, frame.iloc[[query.row]], query)) for query in queries]
    made = [(query, cells) for query, cells in found if cells]
    checked = [judged(subject, query, cells) for query, cells in made]
    part, on = "counterfactuals: DiCE", f"{len(made)} found"

    def line(words: str, key: str, value: float, based_on: str = on) -> Line:
        return Line(part, words, None, key, based_on, baseline=f"DiCE {value:.3g}", other=round(value, 4))

    share = line("found where there is one", "dice_found", len(made) / len(queries), f"{len(queries)} feasible")
    if not made:
        return [share]
    return [
        share,
        line("valid on the original model", "dice_valid", float(np.mean([valid for valid, _ in checked]))),
        line("constraints kept", "dice_kept", float(np.mean([kept for _, kept in checked]))),
        line("features changed, mean", "dice_changes", float(np.mean([len(cells) for _, cells in made]))),
        line("Gower distance, mean", "dice_distance", float(np.mean([moved(subject, q.row, c) for q, c in made]))),
    ]


def _engine(subject: Subject) -> tuple[pd.DataFrame, Any]:
    dice: Any = importlib.import_module("dice_ml")
    assert subject.known is not None
    words = [one.name for one in subject.schema.features if one.categories]
    frame = subject.data.astype(dict.fromkeys(words, str)).reset_index(drop=True)
    numbers = [name for name in subject.schema.names if name not in words]
    labelled = frame.assign(**{_OUTCOME: predicted_index(subject.known)})
    data = dice.Data(dataframe=labelled, continuous_features=numbers, outcome_name=_OUTCOME)
    model = dice.Model(model=_Reads(subject), backend="sklearn")
    return frame, dice.Dice(data, model, method="random")


def _cells(subject: Subject, engine: Any, row: pd.DataFrame, query: Query) -> dict[str, Any]:
    """The changed cells of DiCE's result, empty if it finds none."""
    failure = importlib.import_module("raiutils.exceptions").UserConfigValidationException
    with contextlib.redirect_stderr(io.StringIO()):  # a progress bar for every row
        try:
            result = engine.generate_counterfactuals(
                row,
                total_CFs=1,
                desired_class="opposite",
                features_to_vary=may_change(subject, query),
                random_seed=0,
            )
        except failure:
            return {}
    found = result.cf_examples_list[0].final_cfs_df
    if found is None or not len(found):
        return {}
    changed = found[list(subject.schema.names)].astype(subject.data.dtypes.to_dict())
    own = subject.data.iloc[query.row]
    cells = {name: changed[name].iloc[0] for name in subject.schema.names}
    return {
        name: cell.item() if isinstance(cell, np.generic) else cell for name, cell in cells.items() if cell != own[name]
    }
