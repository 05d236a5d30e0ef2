"""The line to a chat model: every call goes through `reply`, and what is known of the model is kept.

A call is bounded in time, retries and length. A model that keeps failing rests for a while (a circuit breaker, Nygard
2007), so that a dead server costs its time-out a few times and not at every question; and calls that hang are counted,
so that threads which wait for them cannot pile up.
"""

from __future__ import annotations

import json
import os
import re
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, TypeVar

from askwhy.agent.bounds import Abandoned, Allowance, Bounds, NoCallsLeft, allowance, pause, within
from askwhy.prompts import Prompt

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage

T = TypeVar("T")

FAILURES = 3
"""Failures in a row after which a model rests."""

MOST_HUNG = 4
"""Calls that may hang at the same time; while there are as many, nothing more is asked."""

_BUSY = frozenset((408, 409, 425, 429, 500, 502, 503, 504, 529))
_OF_SERVER = {"APIConnectionError", "APIError", "TransportError", "StreamError"}
_SECRET = re.compile(r"(?:KEY|TOKEN|SECRET|PASSWORD)$")
_SHORTEST_SECRET = 8


class Unusable(RuntimeError):
    """A reply that is not read: too long, or with a key in it."""


class Resting(RuntimeError):
    """The model has failed too often of late, and is not asked."""


@dataclass(frozen=True)
class Capabilities:
    """What a model can do; None where it is not known.

    tools: it calls tools. structured: it keeps to a JSON schema. streams: it sends a reply piece by piece. writes:
    calls that it writes as JSON text can be used.
    """

    tools: bool | None = None
    structured: bool | None = None
    streams: bool | None = None
    writes: bool | None = None


@dataclass
class Tally:
    """What was spent: requests, and tokens where the provider counts them; the prompts of trials."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    prompts: list[Prompt] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def take(self) -> None:
        """Count a request that is about to be sent; what this raises keeps it from being sent."""
        with self._lock:
            self.calls += 1

    def fail(self) -> None:
        """Hear that the last request failed and is sent again."""

    def note(self, message: AIMessage) -> None:
        """Add the tokens of a reply."""
        used = getattr(message, "usage_metadata", None) or {}
        with self._lock:
            self.tokens_in += int(used.get("input_tokens", 0))
            self.tokens_out += int(used.get("output_tokens", 0))


@dataclass
class Line:
    """What this process knows of one chat model. trial: whether its capabilities are to be tried before they are used.

    poor: how many turns its written calls were of no use.
    """

    bounds: Bounds = field(default_factory=Bounds)
    trial: bool = False
    able: Capabilities = field(default_factory=Capabilities)
    poor: int = 0
    _hung: list[threading.Thread] = field(default_factory=list)
    _failures: int = 0
    _rests_until: float = 0.0

    def check(self) -> None:
        """Raises Resting."""
        self._hung = [thread for thread in self._hung if thread.is_alive()]
        if len(self._hung) >= MOST_HUNG:
            raise Resting(f"{len(self._hung)} calls of it still hang")
        if time.monotonic() < self._rests_until:
            raise Resting("it failed too often of late")

    def failed(self) -> None:
        """Note a failure."""
        self._failures += 1
        if self._failures >= FAILURES:
            self._rests_until = time.monotonic() + self.bounds.rest

    def worked(self) -> None:
        """Note a reply."""
        self._failures = 0

    def within(self, seconds: float, work: Callable[[], T]) -> T:
        """The result of `work`, or TimeoutError."""
        return within(seconds, work, self._hung.append)


_lines: dict[int, Line] = {}
_named: dict[tuple[str, Bounds], Line] = {}


def line_of(model: BaseChatModel) -> Line:
    """The line to a model: the same for every model of a name, else one for each object."""
    return _lines[id(model)] if id(model) in _lines else _keep(model, Line())


def name_line(model: BaseChatModel, name: str, bounds: Bounds, *, trial: bool = True) -> None:
    """Give a model that was made by name the line of that name. trial: whether it is to be tried before its use."""
    _keep(model, _named.setdefault((name, bounds), Line(bounds, trial=trial)))


def _keep(model: BaseChatModel, line: Line) -> Line:
    _lines[id(model)] = line
    weakref.finalize(model, _lines.pop, id(model), None)
    return line


def reply(
    model: BaseChatModel,
    messages: Sequence[BaseMessage],
    *,
    tools: Sequence[dict[str, Any]] = (),
    seconds: float | None = None,
    retries: int | None = None,
    tally: Tally | None = None,
    **options: Any,
) -> AIMessage:
    """One reply of a model. options: sent with the request. tally: what it cost is added to it.

    Raises what the provider's package raises, TimeoutError, Unusable, Resting, NoCallsLeft. After a failure the turn
    has no calls left.
    """
    bound = model.bind_tools(tools, **options) if tools else model.bind(**options) if options else model
    asked = list(messages)
    message = asking(model, lambda: bound.invoke(asked), seconds=seconds, retries=retries, tally=tally)
    (tally or Tally()).note(message)
    _readable(message, line_of(model).bounds)
    return message


def asking(
    model: BaseChatModel,
    work: Callable[[], T],
    *,
    seconds: float | None = None,
    retries: int | None = None,
    tally: Tally | None = None,
) -> T:
    """The result of work that asks a model once, repeated where its server is busy; raises as `reply` does."""
    line, turn = line_of(model), allowance()
    try:
        line.check()
    except Resting:
        if turn is not None:
            turn.end()
        raise
    ends = time.monotonic() + min(line.bounds.seconds, seconds if seconds is not None else line.bounds.seconds)
    again = line.bounds.retries if retries is None else retries
    while True:
        if turn is not None and turn.left <= 0:
            raise NoCallsLeft("no calls are left for this turn")
        if tally is not None:
            tally.take()
        if turn is not None:
            turn.take()
        try:
            done = line.within(max(0.0, ends - time.monotonic()), work)
        except Abandoned:  # it says nothing of the server
            _end(turn)
            raise
        except Exception as error:
            wait = _pause(error, line.bounds.pause) if again and (turn is None or turn.left) else None
            if wait is None or time.monotonic() + wait >= ends:
                _give_up(error, line)
                raise
            again -= 1
            if tally is not None:
                tally.fail()
            _wait(wait, turn)
        else:
            line.worked()
            return done


def _wait(seconds: float, turn: Allowance | None) -> None:
    try:
        pause(seconds)
    except Abandoned:
        _end(turn)
        raise


def _end(turn: Allowance | None) -> None:
    if turn is not None:
        turn.end()


def _give_up(error: Exception, line: Line) -> None:
    """Note a failure; a request that the server calls wrong says nothing of whether the server is well."""
    if refused(error) or isinstance(error, NotImplementedError):
        return
    line.failed()
    if turn := allowance():
        turn.end()


def refused(error: Exception) -> bool:
    """Whether a server says that it cannot do what was asked."""
    return getattr(error, "status_code", None) in (400, 404, 405, 422, 501)


def of_server(error: Exception) -> bool:
    """Whether an error is of the server or the way to it, by the names that providers' packages have for these; else
    it is about what was said."""
    names = {one.__name__ for one in type(error).__mro__}
    return isinstance(error, OSError) or hasattr(error, "status_code") or bool(names & _OF_SERVER)


def _pause(error: Exception, pause: float) -> float | None:
    """Seconds until the same request may work; None where it will not."""
    response = getattr(error, "response", None)
    if getattr(error, "status_code", None) not in _BUSY:
        return None
    said = str(getattr(response, "headers", {}).get("retry-after", ""))
    try:
        return max(0.0, float(said))
    except ValueError:
        pass
    try:
        return max(0.0, (parsedate_to_datetime(said) - datetime.now(UTC)).total_seconds())
    except (TypeError, ValueError):
        return pause


def _readable(message: AIMessage, bounds: Bounds) -> None:
    """Raises Unusable for a reply that is too long, or repeats a key."""
    calls = [*message.tool_calls, *message.invalid_tool_calls]
    said = str(message.text) + (json.dumps(calls, ensure_ascii=False, default=str) if calls else "")
    if len(said) > bounds.most_characters:
        raise Unusable(f"the reply is longer than {bounds.most_characters} characters")
    if without_keys(said) != said:
        raise Unusable("the reply has a key in it")


def without_keys(text: str) -> str:
    """A text without the secrets of the environment: a server may repeat the key that it was sent."""
    for name, value in os.environ.items():
        if _SECRET.search(name.upper()) and len(value) >= _SHORTEST_SECRET:
            text = text.replace(value, "…")
    return text


__all__ = ["Capabilities", "Line", "NoCallsLeft", "Resting", "Tally", "Unusable", "line_of", "name_line", "reply"]
