"""The chat: a page to ask questions, with the picture, the table and the evidence behind every answer."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from askwhy.agent.answer import Answer
from askwhy.agent.bill import Budget
from askwhy.tools.errors import ToolError
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject
from askwhy.ui import live, page
from askwhy.ui.cells import escaped
from askwhy.ui.examples import Example, examples
from askwhy.ui.figure import draw
from askwhy.ui.rooms import Asked, Exchange, Room, Rooms

if TYPE_CHECKING:
    import gradio as gr
    from langchain_core.language_models import BaseChatModel

_log = logging.getLogger(__name__)
_TICK = 0.4
_AT_ONCE = 4
_BUG = (
    "Something went wrong inside askwhy, so there is no answer. The details are in the log; other questions still work."
)
_BUSY = "One question at a time: the one before is still being answered. You can stop it."

Updates = dict[Any, Any]


def chat(
    subject: Subject,
    llm: BaseChatModel | str | None = None,
    *,
    seed: int = 0,
    host: str = "127.0.0.1",
    port: int = 7860,
    budget: Budget | None = None,
    metrics: bool = False,
    candidates: int = 1,
) -> None:
    """Open the chat about a subject and serve it until interrupted. Raises ToolError where there is no such `llm`.

    budget: what each conversation may spend on it. metrics: whether /metrics holds the counters of this process.
    """
    from askwhy.agent.accounting import meter_for
    from askwhy.agent.llm import chat_model
    from askwhy.agent.session import Session
    from askwhy.ui.server import launch

    ready = warmed(subject)
    model = chat_model(llm, ready.schema) if llm is None or isinstance(llm, str) else llm
    meter_for(model, budget)  # a limit that cannot be held is refused now, not at the first question
    built = ChatPage(ready, lambda: Session(ready, model, seed=seed, budget=budget, candidates=candidates)).build()
    launch(built, host=host, port=port, metrics=metrics)


def warmed(subject: Subject) -> Subject:
    """The subject with the model's outputs known, and the worker started; unchanged where the model fails."""
    from askwhy.agent.run import shared_executor
    from askwhy.tools.call import Call
    from askwhy.tools.registry import find_tool

    try:
        return subject.with_known(shared_executor().run(subject, Call(find_tool("predict"))).known)
    except ToolError as error:
        _log.warning("the model could not be asked for its predictions: %s", error)
        return subject


class ChatPage:
    """The page: its components and what happens in them. `open_session` makes the session of one room."""

    def __init__(self, subject: Subject, open_session: Callable[[], Asked], *, rooms: Rooms | None = None) -> None:
        self.subject = subject
        self.rooms = rooms or Rooms(open_session)
        self.chips: tuple[Example, ...] = examples(subject)

    def build(self) -> gr.Blocks:
        """The Blocks app, not yet served."""
        os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")
        import gradio as gr

        title = f"askwhy: {self.subject.schema.name or 'ask a model why'}"
        with gr.Blocks(title=title, analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)) as blocks:
            self.key = gr.State(None, time_to_live=6 * 3600, delete_callback=self.rooms.leave)
            gr.HTML(page.header(self.subject), elem_id="aw-top")
            with gr.Row(elem_id="aw-main"):
                with gr.Column(scale=6, min_width=340, elem_id="aw-talk"):
                    self._talk(gr)
                with gr.Column(scale=5, min_width=340, elem_id="aw-behind"):
                    self._behind(gr)
            self._wire(gr, blocks)
        made: gr.Blocks = blocks
        return made

    def ask(self, question: str, key: str | None) -> Iterator[Updates]:
        """Answer a question; while the model is at work the page shows that, and can stop it."""
        import gradio as gr

        key, room = self.rooms.enter(key)
        question = (question or "").strip()
        if not question or not room.busy.acquire(blocking=False):
            if question:
                gr.Info(_BUSY)
            yield {self.key: key}
            return
        try:
            room.stopped.clear()
            yield {self.key: key, self.box: "", **self._working(True), **self._talked(room, question)}
            yield from self._answered(room, question)
        finally:
            room.stopped.set()  # a closed page stops what it had asked for
            room.busy.release()
        # The key again: a page that was still loading when the question came may have got another room since.
        yield {self.key: key, **self._working(False), **self._talked(room), **self._chosen(room, room.latest)}

    def stop(self, key: str | None) -> None:
        """Stop the answer being computed; the worker is killed."""
        self.rooms.enter(key)[1].stopped.set()

    def choose(self, position: int | None, key: str | None) -> Updates:
        """Show what is behind an earlier answer."""
        key, room = self.rooms.enter(key)
        return {self.key: key, **self._shown(room, position)}

    def show_row(self, row: str, key: str | None) -> Updates:
        """Show the values of a row."""
        key, room = self.rooms.enter(key)
        wanted = (row or "").strip()
        scope = Scope(row=wanted) if wanted else Scope()
        html = page.row_html(room.session.subject, scope) if wanted else self._no_row()
        return {self.key: key, self.row: html}

    def restart(self, key: str | None) -> Updates:
        """Forget the conversation and begin another."""
        self.rooms.leave(key)
        key, room = self.rooms.enter(None)
        return {self.key: key, self.box: "", **self._talked(room), **self._chosen(room, None)}

    def predict_question(self, row: str) -> str:
        """The question that brings a row into the conversation."""
        return (
            f"What do you predict for {self.subject.schema.entity} {(row or '').strip()}?"
            if (row or "").strip()
            else ""
        )

    # What the page is made of.

    def _talk(self, gr: Any) -> None:
        self.talk = gr.Chatbot(
            show_label=False, label="Conversation", elem_id="aw-chat", height="min(56vh, 44rem)", layout="panel",
            sanitize_html=True, allow_tags=False, render_markdown=True, latex_delimiters=[], feedback_options=None,
            buttons=[], group_consecutive_messages=False, placeholder=self._welcome(), reasoning_tags=[],
            allow_file_downloads=False, autoscroll=True,
        )  # fmt: skip
        with gr.Row(elem_id="aw-ask"):
            self.box = gr.Textbox(
                placeholder="Ask a question …", label="Your question", show_label=False,
                lines=1, max_lines=4, max_length=4000, scale=8, autofocus=True, container=False, elem_id="aw-question",
            )  # fmt: skip
            self.send = gr.Button("Ask", variant="primary", scale=1, min_width=84)
            self.stop_button = gr.Button(
                "Stop", variant="stop", visible=False, scale=1, min_width=84, elem_id="aw-stop"
            )
        with gr.Row(elem_id="aw-chips"):
            self.chip_buttons = [gr.Button(one.question, size="sm", min_width=60) for one in self.chips]
        self.again = gr.Button("Start again", size="sm", elem_id="aw-again", min_width=60)
        self.total = gr.HTML("", elem_id="aw-total")

    def _behind(self, gr: Any) -> None:
        self.chosen = gr.Dropdown(
            label="Behind the answer to", choices=[], value=None, interactive=True, filterable=False
        )
        self.summary = gr.HTML(page.summary_html(None))
        self.plots = [
            gr.Plot(show_label=False, visible=False, elem_classes="aw-plot") for _ in range(page.MOST_FIGURES)
        ]
        self.tables = gr.HTML("")
        with gr.Accordion("Evidence: every fact as computed", open=False):
            self.facts = gr.HTML(page.facts_html(None))
        entity = self.subject.schema.entity
        with gr.Accordion(f"The {page.plain_name(entity)} under discussion", open=True):
            with gr.Row(elem_id="aw-pick"):
                self.row_box = gr.Textbox(
                    placeholder=f"id, such as {page.plain_name(self.subject.row_ids[0])}", show_label=False,
                    label="Row id", container=False, scale=4, max_length=200, min_width=90,
                )  # fmt: skip
                self.row_button = gr.Button("Show", size="sm", scale=1, min_width=70)
                self.row_ask = gr.Button("Ask for its prediction", size="sm", scale=2, min_width=150)
            self.row = gr.HTML(self._no_row())

    def _wire(self, gr: Any, blocks: gr.Blocks) -> None:
        panel = [self.chosen, self.summary, *self.plots, self.tables, self.facts, self.row, self.row_box]
        everything = [self.key, self.talk, self.total, self.box, self.send, self.stop_button, *panel]
        # Private events have no address of their own; the page's queue is the only way in.
        quiet: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        asking = {**quiet, "outputs": everything, "concurrency_limit": _AT_ONCE, "concurrency_id": "ask"}
        direct = {**quiet, "queue": False}
        for trigger in (self.box.submit, self.send.click):
            trigger(self.ask, [self.box, self.key], trigger_mode="once", **asking)
        for button in self.chip_buttons:
            button.click(self.ask, [button, self.key], **asking)
        # A `SelectData` annotation is how gradio hands over what was clicked.

        def picked(key: str | None, event: gr.SelectData) -> Iterator[Updates]:
            yield from self.ask(str(event.value), key)

        picked.__annotations__["event"] = gr.SelectData
        self.talk.option_select(picked, [self.key], **asking)
        self.row_ask.click(self._ask_row, [self.row_box, self.key], **asking)
        self.stop_button.click(self.stop, [self.key], None, concurrency_limit=None, **direct)
        self.chosen.input(self.choose, [self.chosen, self.key], [self.key, *panel], **direct)
        for trigger in (self.row_box.submit, self.row_button.click):
            trigger(self.show_row, [self.row_box, self.key], [self.key, self.row], **direct)
        self.again.click(self.restart, [self.key], everything, **direct)
        blocks.load(lambda key: self.rooms.enter(key)[0], [self.key], [self.key], **direct)

    # What changes.

    def _ask_row(self, row: str, key: str | None) -> Iterator[Updates]:
        yield from self.ask(self.predict_question(row), key)

    def _answered(self, room: Room, question: str) -> Iterator[Updates]:
        """Ask in a thread of its own, so that the page can say how long it takes and the Stop button is heard."""
        found: list[Answer | BaseException] = []
        thread = threading.Thread(target=_ask_into, args=(room, question, found), daemon=True, name="askwhy-ask")
        started = time.monotonic()
        thread.start()
        try:
            thread.join(_TICK)
            while thread.is_alive():
                yield self._talked(room, question, time.monotonic() - started)
                thread.join(_TICK)
        except GeneratorExit:
            room.stopped.set()
            thread.join()
            raise
        outcome = found[0]
        if isinstance(outcome, Answer):
            room.add(Exchange(question, outcome, told=tuple(room.told), lead=room.lead))
        else:
            _log.error("a question could not be answered", exc_info=outcome)
            room.add(Exchange(question, problem=_BUG))

    def _working(self, yes: bool) -> Updates:
        """Stop takes the place of Ask while an answer is computed."""
        import gradio as gr

        return {self.send: gr.update(visible=not yes), self.stop_button: gr.update(visible=yes)}

    def _talked(self, room: Room, pending: str | None = None, seconds: float = 0.0) -> Updates:
        messages: list[dict[str, Any]] = []
        for exchange in room.exchanges:
            messages.append({"role": "user", "content": page.question_html(exchange)})
            messages.append({"role": "assistant", "content": page.answer_html(exchange)})
        if pending is not None:
            messages.append({"role": "user", "content": page.question_html(Exchange(pending))})
            steps = None if live.to_investigate(pending) is None else len(room.told)
            waiting = page.waiting_html(seconds, room.stopped.is_set(), steps)
            messages.append({"role": "assistant", "content": live.steps_html(room.told) + waiting})
        elif room.exchanges and (options := page.options_of(room.exchanges[-1].answer)):
            messages[-1]["options"] = [{"value": option, "label": option} for option in options]
        latest = room.exchanges[room.latest].answer if room.latest is not None else None
        return {self.talk: messages, self.total: page.total_html(latest)}

    def _chosen(self, room: Room, position: int | None) -> Updates:
        """The list of answers with one chosen, and what is behind it."""
        import gradio as gr

        choices = [
            (f"{i + 1} · {page.plain_name(exchange.question, 52)}", i)
            for i, exchange in enumerate(room.exchanges)
            if exchange.answer is not None
        ]
        return {self.chosen: gr.update(choices=choices, value=position), **self._shown(room, position)}

    def _shown(self, room: Room, position: int | None) -> Updates:
        import gradio as gr

        known = position is not None and 0 <= position < len(room.exchanges)
        answer = room.exchanges[position].answer if known and position is not None else None
        figures = [one.figure for one in answer.evidence if one.figure is not None] if answer is not None else []
        updates: Updates = {
            self.summary: page.summary_html(answer),
            self.tables: page.tables_html(answer),
            self.facts: page.facts_html(answer),
        }
        for number, plot in enumerate(self.plots):
            shown = number < len(figures)
            updates[plot] = gr.update(value=draw(figures[number]) if shown else None, visible=shown)
        scope = page.instance_of(answer)
        if scope is not None:
            updates[self.row] = page.row_html(room.session.subject, scope)
            updates[self.row_box] = scope.row or ""
        elif not room.exchanges:
            updates |= {self.row: self._no_row(), self.row_box: ""}
        return updates

    def _no_row(self) -> str:
        entity = escaped(self.subject.schema.entity)
        return f'<p class="aw-empty">Give the id of one {entity} to see its values.</p>'

    def _welcome(self) -> str:
        schema = self.subject.schema
        about = schema.description or "Ask the model about its predictions."
        return (
            f'<div class="aw-welcome"><p>{escaped(about)}</p>'
            "<p>Every number, direction and name in an answer is checked against what the model really does.</p>"
            "<p>What takes several steps: write “audit this model”, or “/investigate” and what you want to know.</p>"
            "</div>"
        )


def _ask_into(room: Room, question: str, found: list[Answer | BaseException]) -> None:
    try:
        found.append(live.answered(room, question))
    except BaseException as error:  # reported by the thread that waits
        found.append(error)
