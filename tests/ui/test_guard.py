"""Rules as a regression test: exit codes, the table, the line of JSON, and files that cannot be used."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from askwhy.tools.subject import Subject
from askwhy.ui.cli import app
from askwhy.ui.guard import UNUSABLE, rules_of, run_guard

KEPT = '[[rule]]\nname = "age helps"\nfeature = "age"\ndirection = "never_falls"\n'
BROKEN = '[[rule]]\nname = "age hurts"\nfeature = "age"\ndirection = "never_rises"\nclass = "yes"\n'
FORBIDDEN = '[[rule]]\nname = "old and refused"\nwhere = [{feature = "age", op = "ge", value = 60}]\nnever = "no"\n'


@functools.cache
def subject() -> Subject:
    """A logistic regression whose score rises with both features."""
    from sklearn.linear_model import LogisticRegression

    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.integers(20, 70, 60), "income": rng.normal(30, 5, 60).round(1)})
    target = np.where(frame["age"] + frame["income"] > 75, "yes", "no")
    return Subject.of(LogisticRegression(max_iter=1000).fit(frame, target), frame, pd.Series(target, name="y"))


@dataclass(frozen=True)
class Run:
    """What a run came to."""

    code: int
    out: str
    err: str

    @property
    def figures(self) -> Any:
        """The line of JSON."""
        return json.loads(self.out.strip().splitlines()[-1])


@pytest.fixture
def guard(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[[str], Run]:
    def run(text: str) -> Run:
        path = tmp_path / "rules.toml"
        path.write_text(text)
        rules = rules_of(path)
        code = UNUSABLE if rules is None else run_guard(subject(), rules, 0)
        return Run(code, *capsys.readouterr())

    return run


def test_rules_that_are_kept_pass(guard: Callable[[str], Run]) -> None:
    result = guard(KEPT)
    assert result.code == 0
    told = result.figures
    assert told["passed"] is True
    rule = told["rules"][0]
    assert (rule["name"], rule["checked"], rule["broken"], rule["found"], rule["worst"]) == (
        "age helps",
        60,
        0,
        0,
        None,
    )
    assert rule["searched"] > 100 and "age helps" in result.out


def test_a_broken_rule_fails_with_its_worst_counterexample(guard: Callable[[str], Run]) -> None:
    result = guard(KEPT + BROKEN)
    assert result.code == 1
    told = result.figures
    assert told["passed"] is False and [rule["kept"] for rule in told["rules"]] == [True, False]
    worst = told["rules"][1]["worst"]
    assert worst["output"] > worst["output_before"] and worst["to"] > worst["from"]


def test_a_forbidden_outcome(guard: Callable[[str], Run]) -> None:
    told = guard(FORBIDDEN).figures["rules"][0]
    rows = subject().data[subject().data["age"] >= 60]
    refused = int((subject().predictor(rows)[:, 0] > 0.5).sum())
    assert (told["checked"], told["broken"]) == (len(rows), refused)
    assert told["kept"] == (refused == 0 and told["found"] == 0)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("rule = 1", "[[rule]]"),
        ("[[rule]", "TOML"),
        ('[[rule]]\nname = "x"\nfeature = "age"\n', "rule 1"),
        ('[[rule]]\nname = "x"\nfeature = "wages"\ndirection = "never_falls"\n', "wages"),
        ('[[rule]]\nname = "x"\nnever = "maybe"\n', "maybe"),
        ('[[rule]]\nname = "x"\nfeature = "age"\ndirection = "sometimes"\n', "direction"),
        (KEPT + KEPT, "name of its own"),
    ],
)
def test_files_that_cannot_be_used(guard: Callable[[str], Run], text: str, said: str) -> None:
    result = guard(text)
    assert result.code == 2 and said in result.err and not result.out.strip()


def test_the_command(tmp_path: Path) -> None:
    import skops.io

    frame = subject().data
    target = [subject().schema.classes[one].name for one in subject().predictor(frame).argmax(axis=1)]
    from sklearn.linear_model import LogisticRegression

    skops.io.dump(LogisticRegression(max_iter=1000).fit(frame, target), tmp_path / "model.skops")
    frame.assign(y=target).to_csv(tmp_path / "data.csv", index=False)
    (tmp_path / "rules.toml").write_text(BROKEN)
    own = ["--model", str(tmp_path / "model.skops"), "--data", str(tmp_path / "data.csv"), "--target", "y"]
    result = CliRunner().invoke(app, ["guard", str(tmp_path / "rules.toml"), *own])
    assert result.exit_code == 1 and json.loads(result.stdout.strip().splitlines()[-1])["passed"] is False
    missing = CliRunner().invoke(app, ["guard", str(tmp_path / "none.toml"), *own])
    assert missing.exit_code == 2 and "none.toml" in missing.stderr
