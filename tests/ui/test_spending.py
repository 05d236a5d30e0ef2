"""What a language model cost, on the page, on the terminal, at /metrics and from the command line."""

from __future__ import annotations

import asyncio
from html import unescape
from typing import Any

import pytest
from talkers import EVIL, Talker
from toy_subjects import binary
from typer.testing import CliRunner

from askwhy.agent.answer import Answer, Spent, Usage
from askwhy.agent.bill import Total
from askwhy.agent.plan import Decline
from askwhy.ui import page
from askwhy.ui.chat import ChatPage
from askwhy.ui.cli import app
from askwhy.ui.rooms import Exchange
from askwhy.ui.server import Metrics
from askwhy.ui.spending import spent_words, total_words
from askwhy.ui.terminal import show_answer, show_total

ASKED = Spent(hop="understand", seconds=0.25, model_calls=2, tokens_in=1234, tokens_out=5, cost=0.0021)
TOTAL = Total(turns=3, model_calls=4, cached=1, tokens_in=5000, tokens_out=50, cost=0.5, currency="EUR", seconds=9.0)


def answer(*hops: Spent, currency: str = "EUR", total: Total | None = TOTAL, note: str = "") -> Answer:
    usage = Usage(hops=hops, currency=currency, conversation=total)
    outcome = Decline(reason="No.")
    return Answer(text="No.", question="?", outcome=outcome, verdict="declined", usage=usage, note=note)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({}, "2 model calls, 1,234 tokens in and 5 out, 0.0021 EUR"),
        ({"cost": None}, "2 model calls, 1,234 tokens in and 5 out"),
        ({"unmetered": 1}, "2 model calls, at least 1,234 tokens in and 5 out, at least 0.0021 EUR"),
        ({"model_calls": 1, "failed": 1, "tokens_in": 0, "tokens_out": 0, "unmetered": 1, "cost": None},
         "1 model call, which failed"),
        ({"failed": 1}, "2 model calls, 1 of them failed, 1,234 tokens in and 5 out, 0.0021 EUR"),
        ({"failed": 2}, "2 model calls, all of which failed, 1,234 tokens in and 5 out, 0.0021 EUR"),
        ({"model_calls": 0, "cached": 1, "tokens_in": 0, "tokens_out": 0, "cost": 0.0},
         "0 model calls, 1 from the cache, 0.00 EUR"),
        ({"model_calls": 0, "cost": None}, ""),
    ],
)  # fmt: skip
def test_words_for_what_was_spent(more: dict[str, Any], words: str) -> None:
    assert spent_words(answer(ASKED.model_copy(update=more)).usage) == words


def test_words_for_a_conversation() -> None:
    said = "This conversation: 3 questions, 4 model calls, 1 from the cache, 5,000 tokens in and 50 out, 0.50 EUR"
    assert total_words(answer(ASKED).usage) == said
    assert total_words(answer(ASKED, total=None).usage) == ""
    assert total_words(answer(ASKED, total=Total(turns=2)).usage) == ""


def test_the_page_shows_cost_and_note_and_escapes_them_once() -> None:
    html = page.answer_html(Exchange("?", answer(ASKED, currency=EVIL, note=f"Used up {EVIL} & gone")))
    assert "<img" not in html
    read = unescape(html)  # once, as a browser does
    assert "0.2 s · 2 model calls, 1,234 tokens in and 5 out, 0.0021 <img" in read
    assert f"Used up {EVIL} & gone" in read
    total = page.total_html(answer(ASKED, total=TOTAL.model_copy(update={"currency": EVIL})))
    assert f"4 model calls, 1 from the cache, 5,000 tokens in and 50 out, 0.50 {EVIL}" in unescape(total)
    assert "<img" not in total


def test_the_page_keeps_the_sum_of_a_conversation_and_a_new_one_begins_at_nothing() -> None:
    pytest.importorskip("gradio")
    subject = binary()

    class Costly(Talker):
        def ask(self, question: str, **more: Any) -> Answer:
            total = TOTAL.model_copy(update={"model_calls": len(self.asked) + 5})
            self.asked.append(question)
            return answer(ASKED, total=total)

    chat = ChatPage(subject, lambda: Costly(subject))
    chat.build()
    shown: dict[Any, Any] = {}
    for question, key in (("one", None), ("two", "")):
        for updates in chat.ask(question, shown[chat.key] if key == "" else None):
            shown |= updates
    assert "6 model calls" in unescape(shown[chat.total])
    assert chat.restart(shown[chat.key])[chat.total] == ""


def test_nothing_is_shown_where_no_language_model_had_a_part() -> None:
    plain = answer(Spent(hop="run", seconds=0.25), total=Total(turns=1, seconds=0.25))
    assert '<span class="aw-spent">0.2 s</span>' in page.answer_html(Exchange("?", plain))
    assert page.total_html(plain) == page.total_html(None) == ""
    assert "aw-note" not in page.answer_html(Exchange("?", plain))


def test_the_terminal_has_a_line_for_cost_and_one_for_the_note(capsys: pytest.CaptureFixture[str]) -> None:
    show_answer(answer(ASKED, note="Used up\x1b[31m."), many=False)
    printed = capsys.readouterr().out
    assert "2 model calls, 1,234 tokens in and 5 out, 0.0021 EUR\n" in printed
    assert "Used up [31m." in printed and "\x1b[31m" not in printed
    show_total(answer(ASKED))
    assert "This conversation: 3 questions" in capsys.readouterr().out
    show_total(answer(total=None))
    assert capsys.readouterr().out == ""


def got(path: str, method: str = "GET") -> tuple[list[dict[str, Any]], list[str]]:
    """What the middleware sends for a request, and which requests it passes on."""
    sent: list[dict[str, Any]] = []
    passed: list[str] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        passed.append(scope["path"])

    async def send(message: Any) -> None:
        sent.append(dict(message))

    async def receive() -> Any:
        return {}

    asyncio.run(Metrics(inner)({"type": "http", "path": path, "method": method}, receive, send))
    return sent, passed


def test_the_counters_are_served_at_one_address_only() -> None:
    sent, passed = got("/metrics")
    assert (
        sent[0]["status"] == 200
        and (b"content-type", b"text/plain; version=0.0.4; charset=utf-8") in sent[0]["headers"]
    )
    assert b"askwhy_turn_seconds_count" in sent[1]["body"] and passed == []
    assert got("/") == ([], ["/"])
    assert got("/metrics", "POST") == ([], ["/metrics"])


@pytest.mark.parametrize("option", [("--most-calls", "-1"), ("--most-cost", "nan"), ("--most-tokens", "many")])
def test_limits_that_make_no_sense_are_refused(option: tuple[str, str]) -> None:
    assert CliRunner().invoke(app, ["ask", "--demo", "nothing", *option, "why?"]).exit_code == 2
