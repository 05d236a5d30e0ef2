"""The chat in a real browser: a question gets its answer, nothing is fetched from elsewhere, no markup comes alive."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import pytest
from browser import Page, find_chromium, opened
from talkers import EVIL, Talker, hostile
from toy_subjects import binary

from askwhy.ui.chat import ChatPage, warmed
from askwhy.ui.server import launch

pytestmark = pytest.mark.slow

FIELD = "#aw-question textarea"
DONE = "document.querySelectorAll('.aw-answer:not(.aw-waiting)').length"


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """A chat about a subject whose every name is markup."""
    subject = warmed(hostile(binary()))
    blocks = ChatPage(subject, lambda: Talker(subject)).build()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    yield launch(blocks, host="127.0.0.1", port=port, block=False)
    blocks.close()


@pytest.fixture
def page(address: str) -> Iterator[Page]:
    chromium = find_chromium()
    if chromium is None:
        pytest.skip("there is no Chromium here (apt install chromium)")
    with opened(chromium) as page:
        page.go(address)
        page.until(f"document.querySelector({FIELD!r})")
        yield page


def ask(page: Page, question: str, answers: int = 1) -> None:
    page.type(FIELD, question)
    page.until(f"{DONE} === {answers} && !document.querySelector('.aw-waiting')")


def test_a_question_is_answered_with_text_picture_and_table(page: Page) -> None:
    ask(page, "why 3")
    page.until("document.querySelector('.aw-plot .bars, .aw-plot .barlayer')")
    shown = page.js("document.querySelector('.aw-answer').innerText")
    assert "Answer to why 3" in shown and "Checked against the model" in shown
    assert page.js("document.querySelectorAll('#aw-behind .aw-table tbody tr').length") >= 5
    assert page.errors == []


def test_nothing_is_asked_of_another_machine(page: Page, address: str) -> None:
    ask(page, "why 3")
    page.until("document.querySelector('.aw-plot .barlayer')")
    elsewhere = [url for url in page.requests if not url.startswith((address, "data:", "blob:", "about:"))]
    assert page.requests and elsewhere == []


def test_names_cells_and_questions_stay_text(page: Page) -> None:
    ask(page, f"count {EVIL}")
    ask(page, "why 3", answers=2)
    page.until("document.querySelector('.aw-plot .barlayer')")
    assert page.js("document.title") != "666"
    assert page.js("document.querySelectorAll('img[src=\"x\"], [onerror]').length") == 0
    assert EVIL in page.js("document.querySelector('.aw-question').innerText")
    assert "onerror" in page.js("document.querySelector('.aw-plot').textContent")


def test_an_option_is_a_button_that_asks(page: Page) -> None:
    ask(page, "clarify")
    page.until("document.querySelector('#aw-chat .option')")
    page.js("document.querySelector('#aw-chat .option').click()")
    page.until(f"{DONE} === 2")
    assert "Answer to why 3" in page.js("[...document.querySelectorAll('.aw-answer')].pop().innerText")


def test_stop_is_heard(page: Page) -> None:
    page.type(FIELD, "wait")
    page.until("document.querySelector('.aw-waiting') && document.querySelector('#aw-stop')")
    page.js("document.querySelector('#aw-stop').click()")
    page.until(f"{DONE} === 1 && !document.querySelector('.aw-waiting')", seconds=30)
    assert "Stopped" in page.js("document.querySelector('.aw-answer').innerText")


def test_two_pages_do_not_mix(page: Page, address: str) -> None:
    chromium = find_chromium()
    assert chromium is not None
    ask(page, "count mine")
    with opened(chromium) as other:
        other.go(address)
        other.until(f"document.querySelector({FIELD!r})")
        ask(other, "count theirs")
        assert "mine" not in other.js("document.body.innerText")
    assert "theirs" not in page.js("document.body.innerText")


def test_a_phone_needs_no_sideways_scrolling(page: Page, address: str) -> None:
    page.go(address, width=390, height=844)
    page.until(f"document.querySelector({FIELD!r})")
    ask(page, "why 3")
    page.until("document.querySelector('.aw-plot .barlayer')")
    assert page.js("document.documentElement.scrollWidth") <= 390


def test_every_response_keeps_the_browser_here(address: str) -> None:
    import urllib.request

    with urllib.request.urlopen(address) as response:
        policy = response.headers["content-security-policy"]
        config = response.read().decode()
    assert "default-src 'self'" in policy and "connect-src 'self'" in policy
    assert json.loads(config.split("window.gradio_config = ")[1].split(";</script>")[0])["run_history"] is False
