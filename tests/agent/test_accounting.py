"""Calls of a language model: counted, priced, held to a budget, never made twice for the same."""

from __future__ import annotations

import contextlib
import threading
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from scripted_models import QUESTION, Planner
from toy_subjects import binary

from askwhy.agent.accounting import Meter, OutOfBudget, Tab, money
from askwhy.agent.answer import Answer
from askwhy.agent.bill import Bill, Budget, added
from askwhy.agent.bounds import NoCallsLeft
from askwhy.agent.line import Resting, Tally, reply
from askwhy.agent.prices import PRICES, Price, Prices
from askwhy.agent.session import Session
from askwhy.prompts import load
from askwhy.tools.errors import ToolError

PRICED = Prices(currency="EUR", model=(Price(name="planner", input=2.0, output=10.0),))
ONE = 0.0021  # 1,000 tokens in and 10 out, at these prices
PROMPT = load("rephrase")


def say(tab: Tab, model: Planner, text: str = "hello", **more: Any) -> AIMessage:
    messages: list[BaseMessage] = [HumanMessage(text)]
    return tab.ask(model, messages, lambda tally: reply(model, messages, tally=tally), prompts=(PROMPT,), **more)


def test_bills_add_up_and_what_is_unknown_stays_unknown() -> None:
    first, second = Bill(model_calls=1, tokens_in=5, cost=0.5), Bill(model_calls=2, unmetered=1, tokens_out=3)
    assert added(first, second) == Bill(model_calls=3, unmetered=1, tokens_in=5, tokens_out=3, cost=0.5)
    assert added(second, second).cost is None
    assert added().cost is None


def test_a_call_is_counted_and_priced() -> None:
    meter = Meter(prices=PRICED)
    say(meter.tab(), Planner())
    total = meter.total
    assert (total.model_calls, total.tokens_in, total.tokens_out, total.unmetered) == (1, 1000, 10, 0)
    assert total.cost == pytest.approx(ONE)


def test_a_model_without_a_price_has_no_cost() -> None:
    for prices in (None, Prices(currency="EUR"), Prices(currency="EUR", model=(Price(name="x*", input=1, output=1),))):
        meter = Meter(prices=prices)
        say(meter.tab(), Planner())
        assert meter.total.cost is None and meter.total.tokens == 1010


def test_a_server_that_does_not_count_makes_a_lower_bound() -> None:
    meter = Meter(prices=PRICED)
    say(meter.tab(), Planner(tokens=None))
    assert (meter.total.unmetered, meter.total.tokens, meter.total.cost) == (1, 0, None)
    say(meter.tab(), Planner())
    assert (meter.total.unmetered, meter.total.tokens) == (1, 1010)


def test_the_same_is_asked_once_and_costs_nothing_again() -> None:
    meter, model = Meter(prices=PRICED), Planner()
    first, again = say(meter.tab(), model), say(meter.tab(), model)
    assert model.calls == 1 and first.text == again.text
    assert (meter.total.model_calls, meter.total.cached) == (1, 1)
    assert meter.total.cost == pytest.approx(ONE)


@pytest.mark.parametrize(
    ("text", "more", "temperature"),
    [
        ("other words", {}, 0.0),
        ("hello", {"tools": [{"name": "count"}]}, 0.0),
        ("hello", {"sample": 1}, 0.0),
        ("hello", {}, 0.7),
    ],
    ids=["words", "tools", "sample", "temperature"],
)
def test_what_differs_is_asked_anew(text: str, more: dict[str, Any], temperature: float) -> None:
    meter, model = Meter(), Planner()
    say(meter.tab(), model)
    model.temperature = temperature
    say(meter.tab(), model, text, **more)
    assert model.calls == 2 and meter.total.cached == 0


def test_another_model_of_the_same_name_is_asked_itself() -> None:
    meter, first, second = Meter(), Planner(), Planner()
    say(meter.tab(), first)
    say(meter.tab(), second)
    assert (first.calls, second.calls) == (1, 1)


def test_failures_are_counted_and_not_kept() -> None:
    meter, model = Meter(prices=PRICED), Planner(fails=(1,))
    with pytest.raises(ConnectionError):
        say(meter.tab(), model)
    assert (meter.total.model_calls, meter.total.failed, meter.total.unmetered) == (1, 1, 1)
    say(meter.tab(), model)
    assert (model.calls, meter.total.cached, meter.total.failed) == (2, 0, 1)


def test_a_call_that_was_not_made_is_not_counted() -> None:
    meter, model = Meter(), Planner()
    tab = meter.tab()

    def work(tally: Tally) -> AIMessage:
        raise NoCallsLeft("no calls are left for this turn")

    with pytest.raises(NoCallsLeft):
        tab.ask(model, [HumanMessage("hello")], work, prompts=(PROMPT,))
    assert meter.total == tab.bill == Bill() and tab.prompts == ()


def test_a_request_that_is_sent_again_counts_again_and_against_the_budget() -> None:
    meter, model = Meter(Budget(model_calls=2)), Planner()
    tab = meter.tab()

    def work(tally: Tally) -> AIMessage:
        tally.take()
        tally.fail()
        tally.take()
        message = model.invoke([HumanMessage("hello")])
        tally.note(message)
        return message

    tab.ask(model, [HumanMessage("hello")], work, prompts=(PROMPT,))
    assert (tab.bill.model_calls, tab.bill.failed, tab.bill.unmetered, tab.bill.tokens_in) == (2, 1, 1, 1000)
    assert meter.total == tab.bill
    with pytest.raises(OutOfBudget, match="2 of 2 calls"):
        say(tab, model, "and now?")


def test_a_repeated_request_that_the_budget_forbids_leaves_the_first_one_counted() -> None:
    meter = Meter(Budget(model_calls=1))
    tab = meter.tab()

    def work(tally: Tally) -> AIMessage:
        tally.take()
        tally.take()
        raise AssertionError("not reached")

    with pytest.raises(OutOfBudget):
        tab.ask(Planner(), [HumanMessage("hello")], work, prompts=(PROMPT,))
    assert (tab.bill.model_calls, tab.bill.failed, tab.prompts) == (1, 1, (PROMPT.hash,))


def test_a_refused_reply_is_not_kept() -> None:
    meter, model = Meter(), Planner()
    tab = meter.tab()
    say(tab, model)
    tab.refuse()
    say(meter.tab(), model)
    assert model.calls == 2


def test_what_is_kept_cannot_be_changed_by_who_got_it() -> None:
    meter, model = Meter(), Planner()
    say(meter.tab(), model).content = "changed"
    assert say(meter.tab(), model).content == say(Meter().tab(), Planner()).content


def test_the_least_recently_used_reply_is_forgotten() -> None:
    meter, model = Meter(remembered=2), Planner()
    for text in ("a", "b", "a", "c", "a", "b"):
        say(meter.tab(), model, text)
    assert (model.calls, meter.total.cached) == (4, 2)  # "b" had to go for "c"


@pytest.mark.parametrize(
    ("budget", "made", "what"),
    [
        (Budget(model_calls=0), 0, "0 of 0 calls"),
        (Budget(model_calls=2), 2, "2 of 2 calls"),
        (Budget(tokens=1010), 1, "1,010 of 1,010 tokens"),
        (Budget(tokens=1011), 2, "2,020 of 1,011 tokens"),
        (Budget(cost=0.002), 1, "0.0021 of 0.0020 EUR"),
        (Budget(cost=0.0), 0, "0.00 of 0.00 EUR"),
        (Budget(seconds=0.0), 0, "all of 0 seconds"),
        (Budget(), 5, ""),
    ],
)
def test_a_budget_stops_calls_and_says_which_limit_it_was(budget: Budget, made: int, what: str) -> None:
    meter, model = Meter(budget, PRICED), Planner()
    for number in range(5):
        try:
            say(meter.tab(), model, f"question {number}")
        except OutOfBudget as error:
            assert error.what == what
    assert model.calls == meter.total.model_calls == made
    assert (meter.refused(), meter.refused()) == (what, "")


def test_a_kept_reply_is_given_though_the_budget_is_used_up() -> None:
    meter, model = Meter(Budget(model_calls=1)), Planner()
    say(meter.tab(), model)
    assert say(meter.tab(), model) is not None
    assert model.calls == 1


@pytest.mark.parametrize("model", [Planner(tokens=None), Planner(fails=tuple(range(1, 9)))])
@pytest.mark.parametrize("budget", [Budget(tokens=250), Budget(cost=0.0005)])
def test_a_server_that_does_not_count_is_held_to_the_budget_by_a_guess(model: Planner, budget: Budget) -> None:
    meter, made = Meter(budget, PRICED), model.model_copy(update={"calls": 0})
    for number in range(8):
        with contextlib.suppress(OutOfBudget, ConnectionError, Resting):
            say(meter.tab(), made, f"{number}" * 300)  # 100 tokens, by a guess
    assert 1 <= made.calls <= 3
    assert meter.total.tokens == 0 and meter.total.cost is None


def test_many_threads_keep_to_the_number_of_calls() -> None:
    meter, model = Meter(Budget(model_calls=5)), Planner()

    def work(number: int) -> None:
        for part in range(3):
            with contextlib.suppress(OutOfBudget):
                say(meter.tab(), model, f"{number} {part}")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert model.calls == meter.total.model_calls == 5


@pytest.mark.parametrize(
    ("amount", "words"),
    [(0.0, "0.00"), (3.456, "3.46"), (0.0021, "0.0021"), (0.00001234, "0.000012"), (1234.5, "1,234.50")],
)
def test_small_amounts_keep_two_digits(amount: float, words: str) -> None:
    assert money(amount) == words


@pytest.fixture
def priced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('currency = "EUR"\n[[model]]\nname = "planner"\ninput = 2.0\noutput = 10.0\n', encoding="utf-8")
    monkeypatch.setenv(PRICES, str(path))


def hop(answer: Answer, name: str) -> Bill:
    return added(*(one for one in answer.usage.hops if one.hop == name))


def test_an_answer_says_what_each_hop_cost_and_the_session_adds_up(priced: None) -> None:
    session = Session(binary(), Planner())
    answer = session.ask(QUESTION)
    assert answer.verdict == "verified" and answer.writer == "llm" and answer.note == ""
    for name in ("understand", "verbalize"):
        spent = hop(answer, name)
        assert (spent.model_calls, spent.tokens_in, spent.tokens_out) == (1, 1000, 10)
        assert spent.cost == pytest.approx(ONE)
    assert hop(answer, "verify").cost is None
    assert answer.usage.cost == pytest.approx(2 * ONE) and answer.usage.currency == "EUR"
    second = session.ask("and why?")
    total = session.usage
    assert second.usage.conversation == total and total.turns == 2
    assert total.model_calls == answer.usage.model_calls + second.usage.model_calls
    assert total.cost == pytest.approx(ONE * total.model_calls)
    assert total.seconds == pytest.approx(answer.usage.seconds + second.usage.seconds)
    assert Answer.from_json(second.canonical_with_usage()) == second


def test_the_embedded_model_makes_no_calls_and_has_no_cost(priced: None) -> None:
    answer = Session(binary(), budget=Budget(cost=1.0)).ask(QUESTION)
    assert answer.usage.model_calls == 0 and answer.usage.cost is None


def test_the_same_conversation_gives_the_same_answer_without_its_times(priced: None) -> None:
    first, second = (Session(binary(), Planner()).ask(QUESTION) for _ in range(2))
    assert first.canonical() == second.canonical()


@pytest.mark.parametrize("calls", [0, 1, 2])
def test_a_used_up_budget_costs_no_answer_and_is_said(calls: int) -> None:
    model = Planner()
    session = Session(binary(), model, budget=Budget(model_calls=calls))
    answers = [session.ask(QUESTION) for _ in range(3)]
    alone = Session(binary()).ask(QUESTION)
    assert model.calls == calls
    assert all(answer.verdict in ("verified", "fallback") and answer.claims for answer in answers)
    assert [bool(answer.note) for answer in answers] == [calls < 2, True, True]
    assert f"{calls} of {calls} calls" in answers[-1].note
    assert answers[0].evidence == alone.evidence
    if calls == 0:
        assert (answers[0].text, answers[0].claims, answers[0].writer) == (alone.text, alone.claims, "template")
    assert answers[-1].engine == "planner -> embedded" and answers[-1].prompts == ()
    assert all(answer.note not in answer.text for answer in answers if answer.note)


def test_prompts_are_named_for_every_hop_that_sent_one() -> None:
    both = tuple(load(name).hash for name in ("understand", "rephrase", "rephrase_reader"))
    assert Session(binary(), Planner()).ask(QUESTION).prompts == both
    answer = Session(binary(), Planner(garbage=True), rephrase=False).ask(QUESTION)
    assert answer.prompts == tuple(load(name).hash for name in ("understand", "understand_again"))
    assert answer.engine == "planner -> embedded" and answer.usage.model_calls == 2


def test_a_limit_of_cost_needs_a_price(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(PRICES, raising=False)
    with pytest.raises(ToolError, match="needs a price: there is none for planner"):
        Session(binary(), Planner(), budget=Budget(cost=1.0))


def test_two_conversations_share_neither_replies_nor_budget() -> None:
    model = Planner()
    first, second = (Session(binary(), model, budget=Budget(model_calls=2)) for _ in range(2))
    first.ask(QUESTION)
    second.ask(QUESTION)
    assert model.calls == 4 and second.usage.cached == 0


def test_words_that_were_had_before_come_from_the_cache() -> None:
    session = Session(binary(), Planner())
    said = [session.ask(QUESTION) for _ in range(8)]
    # The question is read in the light of the turns before, its words take turns: the same words come back in the end.
    assert hop(said[-1], "verbalize").cached == 1
    assert hop(said[-1], "verbalize").model_calls == 0
