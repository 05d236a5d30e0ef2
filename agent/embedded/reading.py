"""A question read by rules: the rows, changes and conditions that it names, taken out of its sketch one by one."""

from __future__ import annotations

from askwhy.agent.embedded.changes import read_changes
from askwhy.agent.embedded.conditions import read_conditions, read_groups, read_previous, read_rows
from askwhy.agent.embedded.english import pattern
from askwhy.agent.embedded.mentions import Reading, sketch
from askwhy.tools.schema import Schema


def read(question: str, schema: Schema) -> Reading:
    """A question with its rows, changes and conditions read."""
    reading = sketch(question, schema)
    reading.text = pattern("polite").sub(" ", pattern("preface").sub(" ", f" {reading.text} ")).strip()
    _read_quotes(reading)
    read_rows(reading)
    read_changes(reading)
    read_conditions(reading)
    read_groups(reading)
    read_previous(reading)
    return reading


def _read_quotes(reading: Reading) -> None:
    """A quotation, or what follows a colon, is the text under discussion, where the model reads texts."""
    if reading.schema.modality != "text":
        return
    quotes = [code for code in reading.left("Q") if len(reading.slots[code].text.split()) > 2]
    if quotes:
        reading.quoted = reading.slots[quotes[0]].text
        reading.text = reading.text.replace(quotes[0], "R0", 1)
    elif ": " in reading.question and len(reading.question.split(": ", 1)[1].split()) > 2:
        before, reading.quoted = reading.question.split(": ", 1)
        reading.text = sketch(before, reading.schema).text + " R0"
