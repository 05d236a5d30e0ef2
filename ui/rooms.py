"""One room per open page: its session, what was said in it, and a way to stop. Nothing is shared between rooms."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from askwhy.agent.answer import Answer
from askwhy.agent.investigate.report import Told
from askwhy.tools.subject import Subject

MOST_ROOMS = 200
MOST_EXCHANGES = 60


class Asked(Protocol):
    """What a room needs of a session."""

    subject: Subject

    def ask(self, question: str, *, cancelled: Callable[[], bool]) -> Answer:
        """Answer one question; give up soon after `cancelled` turns true."""


@dataclass(frozen=True)
class Exchange:
    """A question and its answer; without an answer, `problem` says what went wrong or is empty while computing.

    told: the steps of an investigation, lead: what an audit came to.
    """

    question: str
    answer: Answer | None = None
    problem: str = ""
    told: tuple[Told, ...] = ()
    lead: str = ""


@dataclass
class Room:
    """The state of one open page. `busy` is held while a question is being answered; `told` are the steps of an
    investigation, while it is under way and then as it ended, `lead` what an audit came to."""

    session: Asked
    exchanges: list[Exchange] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)
    busy: threading.Lock = field(default_factory=threading.Lock)
    told: list[Told] = field(default_factory=list)
    lead: str = ""

    def add(self, exchange: Exchange) -> None:
        """Remember an exchange; the oldest are forgotten."""
        self.exchanges.append(exchange)
        del self.exchanges[:-MOST_EXCHANGES]

    @property
    def latest(self) -> int | None:
        """The position of the latest answer, None before the first."""
        return next((i for i in reversed(range(len(self.exchanges))) if self.exchanges[i].answer is not None), None)


class Rooms:
    """Rooms by a key that only its page's server-side state holds; the least recently used are closed."""

    def __init__(self, open_session: Callable[[], Asked], capacity: int = MOST_ROOMS) -> None:
        self._open = open_session
        self._capacity = capacity
        self._rooms: OrderedDict[str, Room] = OrderedDict()
        self._lock = threading.Lock()

    def enter(self, key: str | None) -> tuple[str, Room]:
        """The room of a key, or a new room with a new key if there is none (any more)."""
        with self._lock:
            if key is not None and key in self._rooms:
                self._rooms.move_to_end(key)
                return key, self._rooms[key]
        room = Room(self._open())
        fresh = secrets.token_urlsafe(18)
        with self._lock:
            self._rooms[fresh] = room
            while len(self._rooms) > self._capacity:
                _, oldest = self._rooms.popitem(last=False)
                oldest.stopped.set()
        return fresh, room

    def leave(self, key: str | None) -> None:
        """Close a room: what it computes is stopped, what was said is forgotten."""
        with self._lock:
            room = self._rooms.pop(key, None) if key is not None else None
        if room is not None:
            room.stopped.set()

    def __len__(self) -> int:
        return len(self._rooms)
