"""Evaluations: found by name, reported as a table and one line of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from askwhy.evals import registry
from askwhy.evals.registry import Report, UsageError, evaluation, evaluations, run_evaluation


@pytest.fixture
def toy() -> Iterator[None]:
    @evaluation("toy")
    def toy(arguments: list[str]) -> Report:
        """A toy: passes when it is told to."""
        if "bad" in arguments:
            raise UsageError("say pass or fail")
        rows = (("one", 0.123456, True), ("[two]", None, False))
        return Report("Toy", ("name", "share", "good"), rows, {"share": 0.5, "n": 2}, passed="pass" in arguments)

    yield
    registry._EVALUATIONS.pop("toy")


def test_the_last_line_is_one_json_object(toy: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_evaluation("toy", ["pass"]) == 0
    lines = capsys.readouterr().out.rstrip("\n").split("\n")
    assert json.loads(lines[-1]) == {"evaluation": "toy", "share": 0.5, "n": 2, "passed": True}
    assert any("0.123" in line for line in lines[:-1]) and any("[two]" in line for line in lines[:-1])


def test_a_failed_evaluation_says_so(toy: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_evaluation("toy", []) == 1
    assert json.loads(capsys.readouterr().out.rstrip("\n").split("\n")[-1])["passed"] is False


def test_wrong_arguments(toy: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_evaluation("toy", ["bad"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "" and "say pass or fail" in printed.err


def test_an_unknown_name_lists_the_known_ones(toy: None, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_evaluation("tyo", []) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "no evaluation 'tyo'" in printed.err and "toy" in printed.err and "passes when it is told to" in printed.err


def test_the_shipped_evaluations_are_found() -> None:
    assert {"parsing", "spine"} <= set(evaluations())


def test_two_evaluations_of_one_name_are_a_mistake(toy: None) -> None:
    def other(arguments: list[str]) -> Report:
        return Report("Other", (), ())

    other.__module__ = "elsewhere"
    with pytest.raises(ValueError, match="two evaluations"):
        evaluation("toy")(other)
