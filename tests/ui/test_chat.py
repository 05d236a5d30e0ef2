"""The chat page without a browser: its events, its HTML, and that rooms stay apart."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from talkers import EVIL, Talker, hostile
from toy_subjects import binary, regression, text

from askwhy.agent.answer import Answer
from askwhy.agent.session import Session
from askwhy.tools.subject import Subject
from askwhy.ui import page
from askwhy.ui.chat import ChatPage, warmed
from askwhy.ui.rooms import Exchange, Rooms

gr = pytest.importorskip("gradio")

ALLOWED = {
    "a", "b", "br", "caption", "code", "details", "div", "h1", "header", "i", "li", "p", "span", "strong", "summary",
    "table", "tbody", "td", "th", "thead", "tr", "ul",
}  # fmt: skip


def built(subject: Subject | None = None) -> ChatPage:
    subject = subject or binary()
    chat = ChatPage(subject, lambda: Talker(subject))
    chat.build()
    return chat


def asked(chat: ChatPage, question: str, key: str | None = None) -> tuple[str, dict[Any, Any]]:
    """The room's key, and everything that the page shows once the question is answered."""
    shown: dict[Any, Any] = {}
    for updates in chat.ask(question, key):
        shown |= updates
    return shown[chat.key], shown


def said(shown: dict[Any, Any], chat: ChatPage) -> list[str]:
    return [message["content"] for message in shown[chat.talk]]


class Tags(HTMLParser):
    """Every tag and attribute of a piece of HTML, and its text."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def pieces(value: Any) -> Iterator[str]:
    """Every HTML string among the updates of a page."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from pieces(one.get("content") if isinstance(one, dict) else one)


def test_an_answer_shows_both_marks_and_what_is_behind_it() -> None:
    chat = built()
    _, shown = asked(chat, "why 3")
    question, answer = said(shown, chat)
    assert Tags(question).text == "why 3"
    assert "Understood as:" in answer and "Checked against the model" in answer and "0.2 s" in answer
    assert Tags(answer).text.startswith(f"Understood as: U {EVIL}")
    assert shown[chat.plots[0]]["visible"] and shown[chat.plots[0]]["value"].data
    assert not shown[chat.plots[1]]["visible"]
    assert "age" in Tags(shown[chat.tables]).text
    assert f"Mind {EVIL}" in Tags(shown[chat.summary]).text
    assert "attribution" in Tags(shown[chat.facts]).text and '"facts"' in Tags(shown[chat.facts]).text
    assert shown[chat.row_box] == "3" and "Row 3" in Tags(shown[chat.row]).text
    assert shown[chat.send]["visible"] and not shown[chat.stop_button]["visible"]


def test_the_evidence_is_shown_unrounded() -> None:
    chat = built()
    key, shown = asked(chat, "why 3")
    answer = chat.rooms.enter(key)[1].exchanges[0].answer
    assert answer is not None
    text_shown = Tags(shown[chat.facts]).text
    assert all(str(fact.value) in text_shown for fact in answer.evidence[0].facts)


def test_the_page_says_that_it_computes_and_offers_stop() -> None:
    chat = built()
    first = next(iter(chat.ask("count", None)))
    assert "Asking the model" in said(first, chat)[-1]
    assert first[chat.stop_button]["visible"] and not first[chat.send]["visible"] and first[chat.box] == ""


def test_stop_ends_the_question() -> None:
    chat = built()
    key, _ = chat.rooms.enter(None)
    updates = chat.ask("wait", key)
    next(updates)
    chat.stop(key)
    shown: dict[Any, Any] = {}
    for one in updates:
        shown |= one
    assert "Stopped." in said(shown, chat)[-1] or "Stopped&#46;" in said(shown, chat)[-1]
    assert asked(chat, "count", key)[1][chat.talk][-1]["content"].count("Checked against the model") == 1


def test_a_closed_page_stops_what_it_asked_for() -> None:
    chat = built()
    key, room = chat.rooms.enter(None)
    updates = chat.ask("wait", key)
    next(updates)
    next(updates)
    updates.close()
    assert room.stopped.is_set() and not room.busy.locked()


def test_one_question_at_a_time_in_a_room() -> None:
    chat = built()
    key, room = chat.rooms.enter(None)
    assert room.busy.acquire(blocking=False)
    assert list(chat.ask("count", key)) == [{chat.key: key}]
    assert room.session.asked == []  # type: ignore[attr-defined]  # a Talker


def test_a_question_that_comes_while_the_page_loads_keeps_its_room() -> None:
    chat = built()
    updates = list(chat.ask("count", None))
    assert updates[0][chat.key] == updates[-1][chat.key] is not None


def test_options_and_the_nearest_question_can_be_picked() -> None:
    chat = built()
    key, shown = asked(chat, "clarify please")
    assert [one["value"] for one in shown[chat.talk][-1]["options"]] == ["why 3", f"why {EVIL}"]
    assert "Question back to you" in said(shown, chat)[-1]
    key, shown = asked(chat, "decline", key)
    assert [one["value"] for one in shown[chat.talk][-1]["options"]] == ["why 3"]
    assert "Not answered" in said(shown, chat)[-1]
    assert "options" not in shown[chat.talk][1]


def test_a_bug_is_reported_without_its_details_and_the_page_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    chat = built()
    key, shown = asked(chat, "break")
    assert "inside askwhy" in Tags(said(shown, chat)[-1]).text and "a bug" not in said(shown, chat)[-1]
    assert "a bug" in caplog.text
    assert "Checked against the model" in said(asked(chat, "count", key)[1], chat)[-1]


def test_an_earlier_answer_can_be_looked_at_again() -> None:
    chat = built()
    key, first = asked(chat, "why 3")
    _, second = asked(chat, "count", key)
    assert second[chat.chosen]["choices"] == [("1 · why 3", 0), ("2 · count", 1)] and second[chat.chosen]["value"] == 1
    again = chat.choose(0, key)
    assert again[chat.tables] == first[chat.tables] and again[chat.plots[0]]["visible"]
    assert chat.choose(99, key)[chat.tables] == ""


def test_a_row_can_be_picked() -> None:
    chat = built()
    shown = Tags(chat.show_row(" 5 ", None)[chat.row]).text
    assert shown.startswith("Row 5") and "predicted" not in shown
    assert "There is no row" in Tags(chat.show_row("999999", None)[chat.row]).text
    assert chat.predict_question(" 5 ") == "What do you predict for row 5?"


def test_a_known_prediction_and_the_truth_stand_beside_the_row() -> None:
    subject = warmed(binary())
    assert subject.known is not None
    chance = subject.known[subject.position("5")].max()
    chat = built(subject)
    shown = Tags(chat.show_row("5", None)[chat.row]).text
    assert f"({chance:.1%})" in shown and f"actual: {subject.target.loc['5']}" in shown  # type: ignore[union-attr]


def test_starting_again_forgets_everything() -> None:
    chat = built()
    key, _ = asked(chat, "why 3")
    shown = chat.restart(key)
    assert shown[chat.key] != key and shown[chat.talk] == [] and shown[chat.chosen]["choices"] == []
    assert "Give the id" in shown[chat.row] and shown[chat.row_box] == ""


def test_two_rooms_do_not_mix() -> None:
    chat = built()
    keys = [chat.rooms.enter(None)[0] for _ in range(2)]
    threads = [
        threading.Thread(target=lambda key=key, row=row: [asked(chat, f"why {row}", key) for _ in range(3)])
        for key, row in zip(keys, ("3", "4"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rooms = [chat.rooms.enter(key)[1] for key in keys]
    assert [{one.question for one in room.exchanges} for room in rooms] == [{"why 3"}, {"why 4"}]
    assert rooms[0].session is not rooms[1].session
    assert all(len(room.exchanges) == 3 for room in rooms)


def test_the_oldest_room_is_closed_and_its_key_opens_a_new_one() -> None:
    rooms = Rooms(lambda: Talker(binary()), capacity=2)
    first, room = rooms.enter(None)
    rooms.enter(None)
    rooms.enter(first)
    rooms.enter(None)
    assert len(rooms) == 2 and rooms.enter(first)[1] is room
    for _ in range(2):
        rooms.enter(None)
    assert rooms.enter(first)[0] != first and room.stopped.is_set()
    assert rooms.enter("guessed")[0] != "guessed"


def test_keys_cannot_be_guessed() -> None:
    rooms = Rooms(lambda: Talker(binary()))
    keys = {rooms.enter(None)[0] for _ in range(50)}
    assert len(keys) == 50 and all(len(key) >= 20 for key in keys)


@pytest.mark.parametrize("make", [binary, regression, text])
def test_markup_in_names_and_cells_stays_text(make: Any) -> None:
    subject = warmed(hostile(make()))
    chat = built(subject)
    question = "count" if make is text else "why 3"
    key, shown = asked(chat, f"{question}")
    shown |= {"row": chat.show_row("3", key)[chat.row], "head": page.header(subject), "welcome": chat._welcome()}
    html = [piece for value in shown.values() for piece in pieces(value) if "<" in piece]
    assert len(html) >= 7
    for piece in html:
        parsed = Tags(piece)
        assert parsed.tags <= ALLOWED
        assert parsed.attributes <= {"class", "scope", "tabindex", "role", "aria-hidden", "download", "href"}
        assert set(re.findall(r'href="([^"]{0,29})', piece)) <= {"data:application/json;base64,"}
    assert any(EVIL in Tags(piece).text for piece in html)
    for plot in chat.plots:
        drawn = shown[plot]["value"]
        assert drawn is None or "<img" not in json.loads(json.dumps(drawn.to_json()))


def test_the_whole_answer_can_be_saved() -> None:
    chat = built()
    key, shown = asked(chat, "why 3")
    (held,) = re.findall(r'<a class="aw-save" download="askwhy-answer.json" href="[^,"]+,([^"]+)">', shown[chat.facts])
    answer = chat.rooms.enter(key)[1].exchanges[0].answer
    assert answer is not None and Answer.from_json(base64.b64decode(held).decode()) == answer


def test_the_question_itself_is_escaped() -> None:
    chat = built()
    _, shown = asked(chat, f"what {EVIL} ![x](http://example.org/x.png)")
    assert Tags(said(shown, chat)[0]).tags == {"div"}
    assert "![" not in said(shown, chat)[0]


def test_every_mark_differs_in_words() -> None:
    words = [f"{sign} {mark}" for sign, mark in page.MARKS.values()]
    assert len(set(words)) == len(words) == 5


def test_the_page_has_no_way_in_for_files_and_no_public_api() -> None:
    chat = ChatPage(binary(), lambda: Talker(binary()))
    config = chat.build().get_config_file()
    kinds = {component["type"] for component in config["components"]}
    assert not kinds & {"file", "uploadbutton", "downloadbutton", "image", "audio", "video", "multimodaltextbox"}
    assert {dependency["api_visibility"] for dependency in config["dependencies"]} == {"private"}
    assert config["analytics_enabled"] is False
    talk = next(one for one in config["components"] if one["type"] == "chatbot")["props"]
    assert talk["sanitize_html"] is True and talk["allow_tags"] is False


def test_a_question_of_many_kinds_goes_through_a_real_session() -> None:
    subject = warmed(binary())
    chat = ChatPage(subject, lambda: Session(subject))
    chat.build()
    key, shown = asked(chat, "how many rows are older than 40?")
    expected = int((subject.data["age"] > 40).sum())
    assert re.search(rf"\b{expected}\b", Tags(said(shown, chat)[-1]).text)
    assert isinstance(chat.rooms.enter(key)[1].exchanges[0].answer, Answer)


def test_an_unanswered_exchange_shows_its_problem() -> None:
    assert "no luck" in page.answer_html(Exchange("q", problem="no luck"))


def test_waiting_counts_seconds() -> None:
    assert "3 s" in page.waiting_html(3.2, stopping=False) and "Stopping" in page.waiting_html(3.2, stopping=True)
