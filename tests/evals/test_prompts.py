"""Two versions of a prompt, measured on the same cases with scripted models and over the wire."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from gym_schema import GYM
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from scipy.stats import binomtest
from toy_subjects import binary

from askwhy.evals.prompts import Tried, compared, prompts
from askwhy.evals.registry import UsageError, run_evaluation
from askwhy.evals.words_wire import served
from askwhy.prompts import OVERRIDES, load

COUNT = {"kind": "plan", "steps": [{"tool": "count"}]}
SCORE = {"kind": "plan", "steps": [{"tool": "score"}]}
CASES = [
    {"question": "how many members are there?", "gold": COUNT, "subject": "gym.toml"},
    {"question": "count the members", "gold": COUNT, "subject": "gym.toml"},
    {"question": "how good is the model?", "gold": SCORE, "subject": "gym.toml"},
    {"question": "a case that names no tool", "gold": {"kind": "plan"}, "subject": "gym.toml"},
]
V2 = "NEW. {{task}} {{entity}} {{entities}} {{features}} {{classes}} {{target}}"


class Obedient(BaseChatModel):
    """Always calls `count`; only with the new prompt does it find its way to `score`, and only on the second try."""

    @property
    def _llm_type(self) -> str:
        return "obedient"

    def bind_tools(self, tools: Sequence[Any], **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *rest: Any, **more: Any) -> ChatResult:
        new, said = messages[0].text.startswith("NEW."), " ".join(one.text for one in messages[1:])
        tool = "count"
        if new and "how good" in said:
            tool = "score" if "could not be used" in said else "no_such_tool"
        call = {"name": tool, "args": {}, "id": "c1"}
        usage: Any = {"input_tokens": 10 if new else 100, "output_tokens": 1, "total_tokens": 0}
        message = AIMessage("", tool_calls=[call], usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Cases, their schema, and the user's second version of the prompt."""
    (tmp_path / "gym.toml").write_text(GYM, encoding="utf-8")
    (tmp_path / "cases.jsonl").write_text("\n".join(json.dumps(one) for one in CASES), encoding="utf-8")
    own = tmp_path / "own"
    own.mkdir()
    variables = ", ".join(load("understand").variables)
    head = f"---\nid: understand\nversion: 2\nvariables: {variables}\n---\n"
    (own / "understand.v2.md").write_text(head + V2, encoding="utf-8")
    monkeypatch.setenv(OVERRIDES, str(own))
    return tmp_path


def arguments(folder: Path, *versions: str, prompt: str = "understand", llm: str = "obedient") -> list[str]:
    return ["--prompt", prompt, "--versions", *versions, "--cases", str(folder / "cases.jsonl"), "--llm", llm]


def test_two_versions_of_understanding_are_compared(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("askwhy.agent.llm.chat_model", lambda name, schema: Obedient())
    assert run_evaluation("prompts", arguments(folder, "1", "2")) == 0
    printed = capsys.readouterr().out
    found = json.loads(printed.rstrip("\n").split("\n")[-1])
    old, new = found["versions"]
    assert (found["cases"], found["malformed"]) == (3, 1)
    assert (old["good"], old["usable"], old["retries"], old["calls"], old["tokens_in"]) == (2, 3, 0, 3, 300)
    assert (new["good"], new["usable"], new["retries"], new["calls"], new["tokens_in"]) == (3, 3, 1, 4, 40)
    assert old["hash"] != new["hash"] == load("understand", 2).hash
    assert found["paired"] == {"both": 2, "only_first": 0, "only_second": 1, "neither": 0, "p": 1.0}
    assert "understand v2" in printed and "McNemar" in printed


def test_a_version_may_be_a_file(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("askwhy.agent.llm.chat_model", lambda name, schema: Obedient())
    file = folder / "own" / "understand.v2.md"
    monkeypatch.delenv(OVERRIDES)
    report = prompts(arguments(folder, "1", str(file)))
    assert [row[2] for row in report.rows[:2]] == [2, 3]


def test_what_only_the_embedded_parser_understands_is_not_the_models_merit(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Prose(Obedient):
        def _generate(self, messages: list[BaseMessage], *rest: Any, **more: Any) -> ChatResult:
            return ChatResult(generations=[ChatGeneration(message=AIMessage("There are many."))])

    monkeypatch.setattr("askwhy.agent.llm.chat_model", lambda name, schema: Prose())
    report = prompts(arguments(folder, "1", "2"))
    assert [row[2] for row in report.rows[:2]] == [0, 0] and report.passed
    assert report.figures["paired"] == {"both": 0, "only_first": 0, "only_second": 0, "neither": 3, "p": 1.0}


def test_two_versions_of_wording_are_compared_over_the_wire(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = {"tool": "predict", "scope": {"row": "3"}}
    lines = [
        {"question": "what do you predict for row 3?", "gold": {"kind": "plan", "steps": [step]}},
        {"question": "as a number, please", "gold": {"kind": "plan", "steps": [{**step, "form": "number"}]}},
        {"question": "how is the weather?", "gold": {"kind": "decline", "reason": "no"}},
    ]
    (tmp_path / "cases.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    packaged = load("rephrase")
    head = f"---\nid: rephrase\nversion: 2\nvariables: {', '.join(packaged.variables)}\n---\n"
    (tmp_path / "rephrase.v2.md").write_text(f"{head}INVENT\n{packaged.text}", encoding="utf-8")
    monkeypatch.setattr("askwhy.tools.subjects.builtin.builtin", lambda name: binary())

    def reply(messages: list[dict[str, Any]]) -> str:
        asked = str(messages[0]["content"])
        template = asked.rpartition("Template:\n")[2]
        return "It is 99 % sure of it." if asked.startswith("INVENT") else template

    with served(reply) as server:
        given = arguments(tmp_path, "1", str(tmp_path / "rephrase.v2.md"), prompt="rephrase", llm=server.name)
        report = prompts([*given, "--subject", "toy"])
        assert server.requests == 3  # the second version gets a second try
    assert [(row[1], row[2], row[6]) for row in report.rows[:2]] == [(1, 1, 0), (1, 0, 1)]
    assert report.figures["paired"] == {"both": 0, "only_first": 1, "only_second": 0, "neither": 0, "p": 1.0}


def test_a_server_that_is_not_there_is_no_measurement(folder: Path) -> None:
    nobody = "openai-compatible@http://127.0.0.1:9/v1#nobody"
    assert run_evaluation("prompts", arguments(folder, "1", "2", llm=nobody)) == 1


def test_the_paired_test_is_mcnemars_exact_one() -> None:
    def tried(*good: int) -> list[Tried]:
        return [Tried(bool(one), True, 0) for one in good]

    found = compared(tried(*[1] * 9, *[0] * 5), tried(*[0] * 8, 1, *[1] * 1, *[0] * 4))
    assert (found["both"], found["only_first"], found["only_second"], found["neither"]) == (1, 8, 1, 4)
    assert found["p"] == pytest.approx(2 * (1 + 9) / 2**9, abs=1e-6)  # at most one of nine, both tails
    assert found["p"] == pytest.approx(binomtest(8, 9).pvalue, abs=1e-6)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"--llm": "embedded"}, "reads no prompt"),
        ({"--llm": "nobody"}, "names no language model"),
        ({"--prompt": "classify"}, "invalid choice"),
        ({"--versions": "1 1"}, "same text"),
        ({"--versions": "1 7"}, "version 7"),
        ({"--versions": "1 absent.v2.md"}, "cannot be read"),
        ({"--prompt": "rephrase", "--versions": "1 2"}, "version 2"),
        ({"--cases": "absent.jsonl"}, "cannot be read"),
    ],
)
def test_wrong_arguments_say_what_is_needed(change: dict[str, str], problem: str, folder: Path) -> None:
    given = {
        "--prompt": "understand", "--versions": "1 2", "--cases": str(folder / "cases.jsonl"), "--llm": "obedient:x",
    }  # fmt: skip
    words = [word for name, value in (given | change).items() for word in (name, *value.split(" "))]
    with pytest.raises(UsageError, match=problem):
        prompts(words)


def test_other_variables_and_other_prompts_are_refused(folder: Path) -> None:
    other = folder / "understand.v3.md"
    other.write_text("---\nid: understand\nversion: 3\nvariables: task\n---\n{{task}}", encoding="utf-8")
    with pytest.raises(UsageError, match="must have these variables"):
        prompts(arguments(folder, "1", str(other)))
    with pytest.raises(UsageError, match="is a version of understand, not of rephrase"):
        prompts(arguments(folder, "1", str(other), prompt="rephrase"))


def test_cases_say_what_they_are_about(folder: Path) -> None:
    (folder / "cases.jsonl").write_text(json.dumps({"question": "how many?", "gold": COUNT}), encoding="utf-8")
    with pytest.raises(UsageError, match="say what the cases are about"):
        prompts(arguments(folder, "1", "2"))
