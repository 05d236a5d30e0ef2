"""A limit on how long a model may take while its subject is built."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from askwhy.tools.errors import ModelFault

PROBE_SECONDS = 60.0
"""Longer than any model needs for the few rows it is probed with."""


@contextlib.contextmanager
def patience(seconds: float = PROBE_SECONDS) -> Iterator[None]:
    """Raise ModelFault if the body takes longer.

    It works by a timer signal: in the main thread only, and only once native code returns to Python. Elsewhere the body
    runs without a limit; questions are asked in a worker, where the limit is absolute.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getitimer(signal.ITIMER_REAL)[0]:
        yield
        return

    def expired(number: int, frame: FrameType | None) -> None:
        raise ModelFault(f"The model did not answer within {seconds:g} seconds for a few rows, so it was stopped.")

    previous = signal.signal(signal.SIGALRM, expired)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
