"""Runs tool calls in a killable worker process."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import cloudpickle

from askwhy.tools.call import Call, Limits, Result, perform
from askwhy.tools.errors import ModelFault, ToolError
from askwhy.tools.subject import Subject
from askwhy.tools.worker import CALL, TEXT_CALL

_POLL_SECONDS = 0.05
_MAX_SPOOLED = 8


class Cancelled(ToolError):
    """The user stopped the call."""

    def __init__(self) -> None:
        super().__init__("Stopped. Ask again when you like.")


class Executor:
    """A worker process and the subjects shipped to it. Safe to use from several threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._spool: dict[str, Path | None] = {}
        self._folder = tempfile.TemporaryDirectory(prefix="askwhy-")
        self._finalizer = weakref.finalize(self, _clean, self._folder)

    def run(self, subject: Subject, call: Call, *, cancelled: Callable[[], bool] = lambda: False) -> Result:
        """Run a call. Raises ToolError (refused, out of time or memory, model crashed) or Cancelled."""
        spool = self._ship(subject)
        if spool is None:
            return replace(perform(subject, call), killable=False)
        limits = call.limits
        head = (list(sys.path), limits.seconds, limits.memory, str(spool), subject.known, call)
        with self._connect(TEXT_CALL if subject.predictor.network else CALL) as connection, _by_value(call):
            pid = _receive_pid(connection)
            connection.send_bytes(cloudpickle.dumps(head))
            return _outcome(connection, pid, limits, cancelled)

    def warm(self) -> None:
        """Start the worker if it is not running, without waiting for it: its imports take seconds."""
        with self._lock:
            if self._process is None:
                self._start()

    def close(self) -> None:
        """End the worker and remove what was shipped."""
        with self._lock:
            self._stop()
            self._spool.clear()
        self._finalizer()

    def _ship(self, subject: Subject) -> Path | None:
        """The file that holds the subject for the workers; None if it cannot be pickled."""
        with self._lock:
            if subject.id not in self._spool:
                while len(self._spool) >= _MAX_SPOOLED:
                    oldest = self._spool.pop(next(iter(self._spool)))
                    if oldest is not None:
                        oldest.unlink(missing_ok=True)
                self._spool[subject.id] = self._write(subject)
            return self._spool[subject.id]

    def _write(self, subject: Subject) -> Path | None:
        try:
            content = cloudpickle.dumps(replace(subject, known=None))
        except Exception:  # whatever a model's own pickling raises, it cannot be shipped
            return None
        path = Path(self._folder.name) / f"{len(self._spool)}-{subject.id[:16]}.pickle"
        path.write_bytes(content)
        return path

    @contextlib.contextmanager
    def _connect(self, kind: bytes) -> Iterator[Connection]:
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            self._send(kind, theirs.fileno())
        connection = Connection(ours.detach())
        try:
            yield connection
        finally:
            connection.close()

    def _send(self, kind: bytes, descriptor: int) -> None:
        for attempt in (1, 2):
            if self._control is None or self._process is None or self._process.poll() is not None:
                self._start()
            assert self._control is not None
            try:
                socket.send_fds(self._control, [kind], [descriptor])
                return
            except OSError:
                self._stop()
                if attempt == 2:
                    raise

    def _start(self) -> None:
        self._stop()
        ours, theirs = socket.socketpair()
        with theirs:
            theirs.set_inheritable(True)
            command = [sys.executable, "-m", "askwhy.tools.worker", str(theirs.fileno())]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
            self._process = subprocess.Popen(
                command, pass_fds=(theirs.fileno(),), stdin=subprocess.DEVNULL, stdout=2, env=environment
            )
        self._control = ours

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _clean(folder: tempfile.TemporaryDirectory[str]) -> None:
    with contextlib.suppress(OSError):
        folder.cleanup()


def _receive_pid(connection: Connection) -> int:
    """The worker's process id. The first call waits for its imports, so the clock starts after this."""
    try:
        return int(connection.recv())
    except (EOFError, OSError):
        raise ToolError("The worker process could not be started.") from None


def _outcome(connection: Connection, pid: int, limits: Limits, cancelled: Callable[[], bool]) -> Result:
    deadline = time.monotonic() + limits.seconds
    try:
        while not connection.poll(_POLL_SECONDS):
            if cancelled():
                raise Cancelled
            if time.monotonic() > deadline:
                raise ModelFault(f"The model did not answer within {limits.seconds:g} seconds, so it was stopped.")
        kind, content = connection.recv()
    except (EOFError, ConnectionResetError):
        raise ModelFault("The model crashed the process it ran in, or ran out of memory or time.") from None
    except BaseException:
        _kill(pid)
        raise
    return _unpacked(kind, content)


def _unpacked(kind: str, content: Any) -> Result:
    if kind == "result" and isinstance(content, Result):
        return content
    if kind == "refused" and isinstance(content, ToolError):
        raise content
    raise RuntimeError(f"bug in a tool:\n{content}")


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


@contextlib.contextmanager
def _by_value(call: Call) -> Iterator[None]:
    """A tool registered outside the package is unknown to the worker: its module travels with the call."""
    name = call.tool.function.__module__
    module = sys.modules.get(name)
    if name.startswith("askwhy.") or name == "__main__" or module is None:
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)
