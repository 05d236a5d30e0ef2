"""Investigations in the chat and on the command line."""

from __future__ import annotations

import html
import json
import re
import threading

import pytest
from scripted_planner import Planner, calling
from toy_subjects import binary
from typer.testing import CliRunner

from askwhy.agent.investigate.investigate import investigate
from askwhy.agent.investigate.report import Report, Told
from askwhy.agent.plan import Step
from askwhy.agent.session import Session
from askwhy.tools.evidence import Evidence, Fact
from askwhy.ui import cli, options
from askwhy.ui.live import answered, steps_html, to_investigate
from askwhy.ui.page import answer_html, step_items, waiting_html
from askwhy.ui.rooms import Exchange, Room


@pytest.mark.parametrize(
    ("message", "question"),
    [
        ("/investigate where does it fail?", "where does it fail?"),
        ("Investigate its worst mistake", "Investigate its worst mistake"),
        ("please audit this model", "please audit this model"),
        ("look into row 3", "look into row 3"),
        ("/investigate", None),
        ("why was row 3 investigated?", None),
        ("how many rows are there?", None),
    ],
)
def test_which_messages_ask_for_an_investigation(message: str, question: str | None) -> None:
    assert to_investigate(message) == question


def test_the_room_hears_of_steps_while_they_are_found() -> None:
    replies = [calling(("count", {})), calling(("mistakes", {"what": "count"})), calling(("finish", {"steps": [1, 2]}))]
    room = Room(Session(binary(), Planner(replies=replies), rephrase=False))
    answer = answered(room, "/investigate what is going on?")
    assert [one.step.tool for one in room.told] == ["count", "mistakes"]
    assert answer.text == "\n\n".join(one.text for one in room.told)
    room.stopped.set()
    assert "stopped" in answered(room, "/investigate what is going on?").text
    assert room.told == []


def test_steps_are_escaped() -> None:
    told = Told(title="<b>", step=Step(tool="count"), evidence=Evidence(facts=()), text="<script>alert(1)</script>")
    assert "<script>" not in steps_html([told])
    assert "<b><b>" not in steps_html([told])
    assert "alert" in steps_html([told])
    assert steps_html([]) == ""


def test_the_command_prints_steps_notes_and_what_was_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "_built_in", lambda name: binary())
    run = CliRunner().invoke(cli.app, ["investigate", "credit", "count the rows", "--most-tool-calls", "3"])
    assert run.exit_code == 0
    assert "1. How many rows are there?" in run.stdout
    assert "1 of 3 tool calls" in run.stdout
    run = CliRunner().invoke(cli.app, ["investigate", "--demo", "credit", "count the rows", "--json"])
    report = Report.model_validate(json.loads(run.stdout))
    assert [one.step.tool for one in report.told] == ["count"]
    run = CliRunner().invoke(cli.app, ["investigate", "credit", "anything", "--recipe", "make coffee"])
    assert run.exit_code == 2
    assert "There is no recipe" in run.stderr


def test_investigations_of_two_sessions_do_not_mix() -> None:
    found: dict[str, Report] = {}

    def run(name: str) -> None:
        replies = [calling(("count", {})), calling(("finish", {}))]
        found[name] = investigate(Session(binary(), Planner(replies=replies), rephrase=False), name)

    threads = [threading.Thread(target=run, args=one) for one in "ab"]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert found["a"].answer.question == "a"
    assert found["a"].told == found["b"].told


def test_an_ended_investigation_keeps_its_titles_and_says_how_it_ended() -> None:
    replies = [calling(("count", {})), calling(("mistakes", {"what": "count"})), calling(("finish", {"steps": [2, 1]}))]
    room = Room(Session(binary(), Planner(replies=replies), rephrase=False))
    answer = answered(room, "/investigate what is going on?")
    assert [one.step.tool for one in room.told] == ["mistakes", "count"]  # as it is told, not as it was run
    noted = answer.model_copy(update={"text": f"{answer.text}\n\nThe investigation was stopped."})
    shown = html.unescape(answer_html(Exchange("q", noted, told=tuple(room.told))))
    assert shown.index(room.told[0].text) < shown.index("<b>How many rows are there?</b>") < shown.index("was stopped")
    assert shown.count(room.told[0].text) == 1 and "Understood as" not in shown


def test_an_audit_in_the_chat_begins_with_what_it_came_to() -> None:
    room = Room(Session(binary()))
    answer = answered(room, "audit this model")
    assert "checks in all." in room.lead or "found in" in room.lead
    shown = html.unescape(answer_html(Exchange("q", answer, told=tuple(room.told), lead=room.lead)))
    assert shown.index(room.lead) < shown.index(room.told[0].text)
    answered(room, "how many rows are there?")
    assert room.lead == "" and room.told == []


def test_waiting_says_which_step_is_looked_into() -> None:
    assert "Asking the model" in waiting_html(3, False)
    assert "Looking into step 3" in waiting_html(3, False, 2)
    assert "Stopping" in waiting_html(3, True, 2)


def test_of_an_audit_the_steps_that_found_a_flaw_are_open() -> None:
    plain = Told(title="is it", step=Step(tool="count"), evidence=Evidence(facts=()), text="No.")
    flaw = Fact(relation="flaw", value="leak", unit="text")
    flawed = plain.model_copy(update={"evidence": Evidence(facts=(flaw,)), "text": "Yes."})
    shown = step_items([plain, flawed], folded=True)
    assert re.findall(r"<details( open)?>", shown) == ["", " open"]
    assert "details" not in step_items([plain, flawed])
