"""The one place where a language model is called: calls are counted, priced, held to a budget, and not made twice."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from askwhy.agent.bill import Bill, Budget, added
from askwhy.agent.line import Tally
from askwhy.agent.prices import PRICES, Price, Prices, load_prices
from askwhy.prompts import Prompt
from askwhy.tools.errors import ToolError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage

T = TypeVar("T")

REMEMBERED = 256
"""Replies that a meter keeps."""

_CHARACTERS = 3
"""Characters of a token, where nobody counted; few, so that a budget is rather kept than broken."""


class OutOfBudget(Exception):
    """A call that was not made. `what` says which limit was reached: "3 of 3 calls"."""

    def __init__(self, what: str) -> None:
        super().__init__(f"the budget is used up: {what}")
        self.what = what


class Meter:
    """Makes the calls of one conversation, or of one classifier. Safe to share between threads.

    total: all that was spent. Replies are kept for as long
    as the meter is, by model, parameters, messages and tools; they are never shared with another conversation.
    """

    def __init__(
        self, budget: Budget | None = None, prices: Prices | None = None, remembered: int = REMEMBERED
    ) -> None:
        self.budget = budget or Budget()
        self.prices = prices
        self.total = Bill()
        self._refused = ""
        self._untold = Bill()
        self._guessed = Bill()
        self._remembered = remembered
        self._replies: OrderedDict[str, tuple[BaseChatModel, AIMessage]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def currency(self) -> str:
        """What costs are in, empty where there are no prices."""
        return self.prices.currency if self.prices else ""

    def taken(self) -> Bill:
        """What was spent since this was last asked for."""
        with self._lock:
            bill, self._untold = self._untold, Bill()
        return bill

    def refused(self) -> str:
        """The limit that stopped a call since this was last asked for ("3 of 3 calls"); empty where none did."""
        with self._lock:
            what, self._refused = self._refused, ""
        return what

    def tab(self) -> Tab:
        """A tab for one task of the conversation."""
        return Tab(self)

    def admit(self) -> None:
        """Count a call that is about to be made. Raises OutOfBudget where it may not be."""
        with self._lock:
            if stopped := self._stopped():
                self._refused = stopped
                raise OutOfBudget(stopped)
            self._add(Bill(model_calls=1))

    def note(self, bill: Bill, guessed: Bill | None = None) -> None:
        """Add what was spent. guessed: tokens and cost that nobody counted; they only hold against the budget."""
        with self._lock:
            self._add(bill)
            self._guessed = added(self._guessed, guessed or Bill())

    def recall(self, key: str) -> AIMessage | None:
        """The earlier reply to the same messages, if there is one."""
        with self._lock:
            if key not in self._replies:
                return None
            self._replies.move_to_end(key)
            return self._replies[key][1].model_copy(deep=True)

    def keep(self, key: str, model: BaseChatModel, reply: AIMessage) -> None:
        """Remember a reply; the least recently used are forgotten. The model is kept, so that its id stays its own."""
        with self._lock:
            self._replies[key] = (model, reply.model_copy(deep=True))
            while len(self._replies) > self._remembered:
                self._replies.popitem(last=False)

    def forget(self, key: str) -> None:
        """Forget a reply that turned out to be of no use."""
        with self._lock:
            self._replies.pop(key, None)

    def _add(self, bill: Bill) -> None:
        self.total, self._untold = added(self.total, bill), added(self._untold, bill)

    def _stopped(self) -> str:
        """The limit that has been reached, in words; empty while there is none."""
        spent, most = added(self.total, self._guessed), self.budget
        if most.model_calls is not None and spent.model_calls >= most.model_calls:
            return f"{spent.model_calls:,} of {most.model_calls:,} calls"
        if most.tokens is not None and spent.tokens >= most.tokens:
            return f"{spent.tokens:,} of {most.tokens:,} tokens"
        if most.cost is not None and (spent.cost or 0.0) >= most.cost:
            return f"{money(spent.cost or 0.0)} of {money(most.cost)} {self.currency}"
        if most.seconds is not None and spent.model_seconds >= most.seconds:
            return f"all of {most.seconds:g} seconds"
        return ""


class Tab:
    """What one task asks of a language model, on a meter. bill: what it came to; prompts: hashes of what was sent."""

    def __init__(self, meter: Meter) -> None:
        self.meter = meter
        self.bill = Bill()
        self.prompts: tuple[str, ...] = ()
        self._last = ""
        self._lock = threading.Lock()

    def ask(
        self,
        model: BaseChatModel,
        messages: Sequence[BaseMessage],
        work: Callable[[Tally], AIMessage],
        *,
        prompts: tuple[Prompt, ...],
        tools: Sequence[dict[str, Any]] = (),
        sample: int = 0,
    ) -> AIMessage:
        """The model's reply to messages: an earlier one, or that of `work`, which makes the call (`line.reply`) and has
        every request counted on the tally that it is given.

        prompts: what the newest of the messages was made from. sample: which of several replies to the same
        messages. Raises OutOfBudget, and what `work` raises.
        """
        key = _key(model, messages, tools, sample)
        price = self._price(model)
        with self._lock:
            self._last = key
        if (known := self.meter.recall(key)) is not None:
            self.note(Bill(cached=1, cost=None if price is None else 0.0))
            self._sent(prompts, known)
            return known
        tally = _Counted(self, price, (messages, tools))
        started = time.perf_counter()
        try:
            reply = work(tally)
        except BaseException:
            if tally.calls:
                self._sent(prompts)
                seconds = time.perf_counter() - started
                self.note(Bill(failed=1, unmetered=1, model_seconds=seconds), _guessed(price, messages, tools, None))
            raise
        self.note(Bill(model_seconds=time.perf_counter() - started))
        self.meter.keep(key, model, reply)
        self._sent(prompts, reply)
        return reply

    def spend(self, model: BaseChatModel, work: Callable[[Tally], T]) -> T:
        """The result of work that asks the model for something of its own. Raises as `ask` does."""
        tally = _Counted(self, self._price(model), ((), ()))
        started = time.perf_counter()
        try:
            return work(tally)
        finally:
            if tally.calls:
                self.note(Bill(model_seconds=time.perf_counter() - started))
                self._sent(tuple(tally.prompts))

    def refuse(self) -> None:
        """The last reply was of no use: it is not to be given again."""
        self.meter.forget(self._last)

    def _sent(self, prompts: tuple[Prompt, ...], reply: AIMessage | None = None) -> None:
        """Note the prompts; a model with a prompt of its own says in its reply which took the place of ours."""
        own = reply.response_metadata.get("prompts") if reply else None
        with self._lock:
            self.prompts = tuple(dict.fromkeys((*self.prompts, *(own or (one.hash for one in prompts)))))

    def _price(self, model: BaseChatModel) -> Price | None:
        from askwhy.agent.llm import engine_name

        return self.meter.prices.of(engine_name(model)) if self.meter.prices else None

    def note(self, bill: Bill, guessed: Bill | None = None) -> None:
        """Add to the tab and to the meter, see `Meter.note`."""
        self.charge(bill)
        self.meter.note(bill, guessed)

    def charge(self, bill: Bill) -> None:
        """Add to the tab what the meter has already."""
        with self._lock:
            self.bill = added(self.bill, bill)


class _Counted(Tally):
    """Takes every request to the meter, and every reply with its tokens."""

    def __init__(
        self, tab: Tab, price: Price | None, sent: tuple[Sequence[BaseMessage], Sequence[dict[str, Any]]]
    ) -> None:
        super().__init__()
        self.tab, self.price, self.sent = tab, price, sent

    def take(self) -> None:
        """Count a request. Raises OutOfBudget."""
        self.tab.meter.admit()
        self.tab.charge(Bill(model_calls=1))
        super().take()

    def fail(self) -> None:
        """Count the last request as failed."""
        self.tab.note(Bill(failed=1, unmetered=1))

    def note(self, message: AIMessage) -> None:
        """Add what a reply took, by what its server says, or else by its characters."""
        super().note(message)
        bill = _billed(message, self.price)
        self.tab.note(bill, _guessed(self.price, *self.sent, message) if bill.unmetered else None)


def meter_for(model: BaseChatModel, budget: Budget | None = None) -> Meter:
    """The meter of a conversation with a model, at the user's prices.

    Raises ToolError where the prices cannot be read, or where cost is limited and the model has no price.
    """
    from askwhy.agent.embedded.chat import EmbeddedChat
    from askwhy.agent.llm import engine_name

    prices = load_prices()
    limited = budget is not None and budget.cost is not None and not isinstance(model, EmbeddedChat)
    if limited and (prices is None or prices.of(engine_name(model)) is None):
        raise ToolError(
            f"A limit of cost needs a price: there is none for {engine_name(model)}. Name a file of prices in {PRICES}."
        )
    return Meter(budget, prices)


def money(amount: float) -> str:
    """An amount with two decimals, or as many as its first two digits need."""
    decimals = 2
    while 0 < amount < 10 ** (1 - decimals) and decimals < 8:
        decimals += 1
    return f"{amount:,.{decimals}f}"


def _billed(reply: AIMessage, price: Price | None) -> Bill:
    """What a reply took, by what its server says."""
    used = getattr(reply, "usage_metadata", None) or {}
    read, written = (max(0, int(used.get(name) or 0)) for name in ("input_tokens", "output_tokens"))
    if not read and not written:
        return Bill(unmetered=1)
    cost = None if price is None else price.cost(read, written)
    return Bill(tokens_in=read, tokens_out=written, cost=cost)


def _guessed(
    price: Price | None, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]], reply: AIMessage | None
) -> Bill:
    """Tokens by the number of characters, where a server does not count them."""
    sent = sum(len(_text(one)) for one in messages) + len(json.dumps(list(tools), default=str))
    read, written = -(-sent // _CHARACTERS), 0 if reply is None else -(-len(_text(reply)) // _CHARACTERS)
    return Bill(tokens_in=read, tokens_out=written, cost=None if price is None else price.cost(read, written))


def _text(message: BaseMessage) -> str:
    calls = getattr(message, "tool_calls", None)
    return f"{message.content}{calls or ''}"


def _key(model: BaseChatModel, messages: Sequence[BaseMessage], tools: Sequence[dict[str, Any]], sample: int) -> str:
    """The same for the same model object with the same parameters, messages and tools."""
    from askwhy.agent.llm import engine_name

    said = [one.model_dump(mode="json", exclude={"id", "response_metadata", "usage_metadata"}) for one in messages]
    parts = [id(model), engine_name(model), dict(model._identifying_params), said, list(tools), sample]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
