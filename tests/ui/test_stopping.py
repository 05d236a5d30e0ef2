"""Ctrl-C and Stop while a server keeps a reply back: the server is let go only after the command has ended."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from fault_server import Handler, Running, serving
from toy_subjects import binary
from typer.testing import CliRunner

from askwhy.agent.bounds import Abandoned, heeding, pause
from askwhy.agent.session import Session
from askwhy.ui import cli, options
from askwhy.ui.live import answered
from askwhy.ui.options import STOPPED, stoppable
from askwhy.ui.rooms import Room


@contextmanager
def keeping(pressed: Callable[[], None], busy: bool = False) -> Iterator[Running]:
    """A server that hears a question, has Stop pressed, and replies only when the test is over; `busy` first asks to be
    asked again much later."""

    def answer(handler: Handler, asked: dict[str, Any], running: Running) -> None:
        if busy:
            handler.send_response(429)
            handler.send_header("Retry-After", "25")
            handler.send_header("Content-Length", "0")
            handler.end_headers()
            pressed()
            return
        pressed()
        running.stop.wait(120)

    with serving(answer) as running:
        try:
            yield running
        finally:
            running.stop.set()


def interrupt() -> None:
    """What a terminal does on Ctrl-C."""
    os.kill(os.getpid(), signal.SIGINT)


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "_built_in", lambda name: binary())


@pytest.mark.parametrize("more", [(), ("--candidates", "3")])
def test_ctrl_c_ends_the_waiting_of_ask(toy: None, more: tuple[str, ...]) -> None:
    with keeping(interrupt) as server:
        run = CliRunner().invoke(cli.app, ["ask", "--demo", "credit", "--llm", server.name, *more, "how many rows?"])
        assert not server.stop.is_set() and server.requests
    assert run.exit_code == STOPPED, run.output
    assert "topped" in run.stdout and "embedded" not in run.output


def test_ctrl_c_ends_an_investigation(toy: None) -> None:
    with keeping(interrupt) as server:
        run = CliRunner().invoke(cli.app, ["investigate", "--demo", "credit", "--llm", server.name, "what is wrong?"])
        assert not server.stop.is_set() and server.requests
    assert run.exit_code == STOPPED, run.output
    assert "The investigation was stopped." in run.stdout


def test_ctrl_c_ends_an_audit_with_what_it_found(toy: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the second step; the report says that it is incomplete, and the exit code that it is no pass."""
    shown: list[str] = []

    def shower(console: object, update: object) -> Callable[[Any], None]:
        def show(told: Any) -> None:
            shown.append(told.title)
            if len(shown) == 2:
                interrupt()

        return show

    monkeypatch.setattr("askwhy.ui.audit._shower", shower)
    run = CliRunner().invoke(cli.app, ["audit", "credit", "-o", str(tmp_path / "out")])
    assert run.exit_code == 2 and len(shown) == 2
    assert "incomplete: it was cancelled" in " ".join(run.stdout.split())
    assert (tmp_path / "out" / "audit.md").exists()


@pytest.mark.parametrize("question", ["how many rows are there?", "/investigate what is wrong?"])
def test_stop_in_the_chat_ends_the_waiting(question: str) -> None:
    stopped = threading.Event()
    with keeping(stopped.set) as server:
        answer = answered(Room(Session(binary(), server.name), stopped=stopped), question)
        assert not server.stop.is_set() and server.requests
    assert "topped" in answer.text and not answer.evidence
    assert "embedded" not in answer.engine and "recipe" not in answer.engine


def test_stop_is_heard_while_a_busy_server_is_waited_for() -> None:
    stopped = threading.Event()
    with keeping(stopped.set, busy=True) as server:
        answer = answered(Room(Session(binary(), server.name), stopped=stopped), "how many rows are there?")
        assert len(server.requests) == 1  # it was not asked again
    assert "topped" in answer.text


def test_a_pause_ends_when_nobody_waits() -> None:
    looks: list[float] = []

    def stopped() -> bool:
        looks.append(time.monotonic())
        return len(looks) > 2

    with heeding(stopped), pytest.raises(Abandoned):
        pause(1e6)
    pause(0.0)


def test_the_second_ctrl_c_ends_the_program_and_the_old_handler_returns() -> None:
    before = signal.getsignal(signal.SIGINT)
    with stoppable() as stopped:
        assert not stopped()
        signal.raise_signal(signal.SIGINT)
        assert stopped()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before
