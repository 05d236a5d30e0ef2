"""The command line: fast help, one JSON object on stdout, and clear refusals."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner, Result

from askwhy.ui.cli import app

HEAVY = (
    "gradio",
    "langchain",
    "langchain_core",
    "numpy",
    "pandas",
    "plotly",
    "pydantic",
    "shap",
    "sklearn",
    "torch",
    "transformers",
)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A logistic regression as skops and as pickle, and the table it was fitted on."""
    import joblib
    import skops.io
    from sklearn.linear_model import LogisticRegression

    folder = tmp_path_factory.mktemp("files")
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"age": rng.integers(20, 70, 60), "income": rng.normal(30, 5, 60).round(1)})
    target = np.where(frame["age"] + frame["income"] > 75, "yes", "no")
    model = LogisticRegression(max_iter=1000).fit(frame, target)
    frame.assign(y=target).to_csv(folder / "data.csv", index=False)
    skops.io.dump(model, folder / "model.skops")
    joblib.dump(model, folder / "model.joblib")
    return folder


def own(files: Path, model: str = "model.skops", data: str = "data.csv") -> list[str]:
    return ["--model", str(files / model), "--data", str(files / data), "--target", "y"]


def test_help_imports_nothing_heavy() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from askwhy.ui.cli import app; "
        "out = CliRunner().invoke(app, ['--help']); assert out.exit_code == 0 and 'ask' in out.output; "
        f"print(sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_json_is_exactly_one_object_with_the_text(files: Path) -> None:
    result = run("ask", *own(files), "--json", "how many rows are older than 40?")
    assert result.exit_code == 0, result.stderr
    answer = json.loads(result.stdout)
    frame = pd.read_csv(files / "data.csv")
    assert str(int((frame["age"] > 40).sum())) in answer["text"]
    assert answer["verdict"] == "verified"
    assert result.stdout.count("\n") == 1


def test_what_a_model_prints_does_not_reach_stdout(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "loud_model.py").write_text(
        "import numpy as np\nprint('loading')\n"
        "def chance(frame):\n    print('asked')\n    p = (frame['age'].to_numpy() > 45) * 0.8 + 0.1\n"
        "    return np.column_stack([1 - p, p])\n",
        encoding="utf-8",
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    data = ["--data", str(files / "data.csv"), "--target", "y"]
    result = run("ask", "--model", "loud_model:chance", "--trust", *data, "--json", "what do you predict for row 3?")
    assert result.exit_code == 0, result.stderr
    assert json.loads(result.stdout)["question"] == "what do you predict for row 3?"


def test_an_answer_is_printed_with_both_marks(files: Path) -> None:
    result = run("ask", *own(files), "what do you predict for row 3?")
    assert result.exit_code == 0, result.stderr
    printed = " ".join(result.stdout.split())
    assert "understood as:" in printed and "[checked against the model]" in printed


def test_a_question_that_is_not_answered_has_an_exit_code_of_its_own(files: Path) -> None:
    result = run("ask", *own(files), "what do you predict for row 99999?")
    assert result.exit_code == 3
    assert "99999" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "--demo NAME"),
        (["--demo", "nowhere"], "nowhere"),
        (["--demo", "credit", "--model", "m.skops", "--data", "d.csv"], "exclude each other"),
    ],
)
def test_a_wrong_source_is_refused(arguments: list[str], message: str) -> None:
    result = run("ask", *arguments, "why?")
    assert result.exit_code == 2 and result.stdout == ""
    assert message in " ".join(result.stderr.replace("│", " ").split())


@pytest.mark.parametrize(
    ("model", "data", "message"),
    [
        ("absent.skops", "data.csv", "absent.skops"),
        ("model.skops", "absent.csv", "absent.csv"),
        ("model.joblib", "data.csv", "--trust"),
    ],
)
def test_files_that_cannot_be_used(files: Path, model: str, data: str, message: str) -> None:
    result = run("ask", *own(files, model, data), "why?")
    assert result.exit_code == 2 and result.stdout == ""
    assert message in result.stderr and "Traceback" not in result.stderr


def test_a_pickle_with_trust_is_used(files: Path) -> None:
    result = run("ask", *own(files, "model.joblib"), "--trust", "--json", "what do you predict for row 3?")
    assert result.exit_code == 0, result.stderr


def test_an_unknown_language_model_is_refused(files: Path) -> None:
    result = run("ask", *own(files), "--llm", "no model", "why?")
    assert result.exit_code == 2 and "no model" in result.stderr


def test_eval_without_a_name_lists_the_evaluations() -> None:
    result = run("eval")
    assert result.exit_code == 2 and "spine" in result.stderr


def test_what_could_drive_a_terminal_is_not_printed(files: Path) -> None:
    result = run("ask", *own(files), "predict row \x1b[2J3")
    assert "\x1b[2J" not in result.stdout
