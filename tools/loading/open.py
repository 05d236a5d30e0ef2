"""A subject from files: what the command line and the services are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from askwhy.tools.errors import ToolError
from askwhy.tools.loading.build import build_subject
from askwhy.tools.loading.files import read_table, read_with_test
from askwhy.tools.loading.load_model import load_model
from askwhy.tools.subject import Subject


def open_subject(
    model: str | Path,
    data: str | Path,
    target: str | None = None,
    *,
    test: str | Path | None = None,
    test_column: str | None = None,
    id_column: str | None = None,
    schema: str | Path | None = None,
    trust: bool = False,
    rivals: Mapping[str, str | Path] | None = None,
) -> Subject:
    """A subject from a model file (or module:object with `trust`) and a data file. Raises ToolError.

    rivals: other models to compare with, by name, loaded under the same rules.
    test: a second file, whose rows were held out; test_column: the column that marks them. At most one of the two.
    """
    if test is not None and test_column is not None:
        raise ToolError("Give the held-out rows as a file or as a column, not both.")
    held_out: Any = test_column
    if test is None:
        table = read_table(data, id_column=id_column)
    else:
        table, held_out = read_with_test(data, test, id_column=id_column)
    loaded = load_model(model, trust=trust)
    others = {name: load_model(source, trust=trust) for name, source in (rivals or {}).items()}
    ids = None if table.ids is None else np.asarray(table.ids)
    name = Path(data).stem
    subject = build_subject(
        loaded, table.frame, target, schema=schema, test=held_out, ids=ids, name=name, rivals=others
    )
    return replace(subject, notes=tuple(dict.fromkeys((*table.notes, *subject.notes))))
