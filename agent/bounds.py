"""What one call of a language model may take, and how many of them one turn may make."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")

MAX_CALLS = 3
"""Calls of a provider's model for one turn of `Session.ask`: trials and repeated requests count as well."""

_LOOKS = 0.05
"""Seconds between two looks whether a reply is still waited for."""


@dataclass(frozen=True)
class Bounds:
    """Limits of one reply. seconds: wall clock, with retries and the waits before them; what takes longer is late.

    retries: how often a request is sent again that a server refused for being busy or broken. pause: seconds before
    that, where the server names none. most_tokens: asked of the model. most_characters: of text and arguments.
    rest: seconds for which a model that keeps failing is not asked. most_tools: whose schemas are sent with a question,
    beside the few that every question may need.
    """

    seconds: float = 30.0
    retries: int = 1
    most_tokens: int = 1500
    most_characters: int = 20_000
    pause: float = 0.5
    rest: float = 60.0
    most_tools: int = 12

    @property
    def most_bytes(self) -> int:
        """Bytes on the wire. A streamed reply has some 150 of them around each piece of a few characters."""
        return 32 * self.most_characters


class NoCallsLeft(RuntimeError):
    """The turn has made as many calls as it may, or its language model has failed already."""


class Allowance:
    """The calls that a turn may still make; its hops share it, and so may threads."""

    def __init__(self, calls: int) -> None:
        self._left = calls
        self._lock = threading.Lock()

    @property
    def left(self) -> int:
        """How many calls may still be made."""
        return self._left

    def take(self) -> None:
        """One call. Raises NoCallsLeft."""
        with self._lock:
            if self._left <= 0:
                raise NoCallsLeft("no calls are left for this turn")
            self._left -= 1

    def end(self) -> None:
        """Leave no calls: what failed a moment ago is not asked again in the same turn."""
        with self._lock:
            self._left = 0


_allowance: ContextVar[Allowance | None] = ContextVar("allowance", default=None)


@contextmanager
def allowed(calls: int = MAX_CALLS) -> Iterator[Allowance]:
    """While the block runs, this thread may make so many calls."""
    token = _allowance.set(Allowance(calls))
    try:
        yield _allowance.get() or Allowance(0)
    finally:
        _allowance.reset(token)


def allowance() -> Allowance | None:
    """What the turn that is being answered may still spend; None outside of a turn."""
    return _allowance.get()


def may_call() -> bool:
    """Whether another call may be made now."""
    left = _allowance.get()
    return left is None or left.left > 0


class Abandoned(RuntimeError):
    """The person who asked does not wait any longer."""


_stopped: ContextVar[Callable[[], bool]] = ContextVar("stopped", default=lambda: False)


@contextmanager
def heeding(stopped: Callable[[], bool]) -> Iterator[None]:
    """While the block runs, calls that this thread waits for are given up as soon as `stopped` says so."""
    token = _stopped.set(stopped)
    try:
        yield
    finally:
        _stopped.reset(token)


def given_up() -> bool:
    """Whether nobody waits any longer, see `heeding`."""
    return _stopped.get()()


def pause(seconds: float) -> None:
    """Wait; raises Abandoned as soon as nobody waits any longer, see `heeding`."""
    ends, stopped = time.monotonic() + seconds, _stopped.get()
    while (left := ends - time.monotonic()) > 0 and not stopped():
        time.sleep(min(left, _LOOKS))
    if stopped():
        raise Abandoned("stopped by the person who asked")


def within(seconds: float, work: Callable[[], T], late: Callable[[threading.Thread], None] = lambda thread: None) -> T:
    """The result of `work`, or TimeoutError, or Abandoned, see `heeding`.

    Work that hangs, or is not waited for any longer, stays in a daemon thread, which `late` is told.
    """
    done: list[T] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ends, stopped = time.monotonic() + seconds, _stopped.get()
    while thread.is_alive() and (left := ends - time.monotonic()) > 0 and not stopped():
        thread.join(min(left, _LOOKS))
    if failed:
        raise failed[0]
    if not done:
        late(thread)
        if stopped():
            raise Abandoned("stopped by the person who asked")
        raise TimeoutError(f"no reply within {seconds:g} seconds")
    return done[0]
