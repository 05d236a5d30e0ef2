"""The pieces of the chat page as HTML. Whatever comes from data, a model or a reader goes through `escaped`."""

from __future__ import annotations

import base64
import math
from collections.abc import Sequence

from askwhy.agent.answer import Answer, Verdict
from askwhy.agent.investigate.report import Told
from askwhy.agent.wording import cell, class_name, row_name
from askwhy.tools.alter import new_case
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence, Fact, Table
from askwhy.tools.scope import Scalar, Scope
from askwhy.tools.subject import Subject, plain
from askwhy.ui.cells import (
    aligned_text,
    asked_title,
    cell_text,
    column_decimals,
    escaped,
    is_number,
    measured_words,
    number_text,
    printable,
    readable,
)
from askwhy.ui.figure import figure_table
from askwhy.ui.marked import marked_html
from askwhy.ui.rooms import Exchange
from askwhy.ui.spending import spent_words, total_words

# Each mark differs in words, in its sign and in its border, so that no one needs the colour.
MARKS: dict[Verdict, tuple[str, str]] = {
    "verified": ("✓", "Checked against the model"),
    "repaired": ("✓", "Checked against the model, after one correction"),
    "fallback": ("!", "In part withheld: not everything could be verified"),
    "asked": ("?", "Question back to you"),
    "declined": ("\N{MULTIPLICATION SIGN}", "Not answered"),
}
_MOST_ROWS = 60
MOST_FIGURES = 3
_TASKS = {"binary": "one of two classes", "multiclass": "one of several classes", "regression": "a number"}


def header(subject: Subject) -> str:
    """Name of the page and what the model is about."""
    schema = subject.schema
    predicts = schema.target.label if schema.task == "regression" else " or ".join(c.label for c in schema.classes[:4])
    about = f"{len(subject.data):,} {schema.entities} · predicts {schema.target.label}"
    if predicts != schema.target.label:
        about = f"{about}: {predicts}{' …' if len(schema.classes) > 4 else ''}"
    name = schema.name or subject.model_name or "your model"
    return (
        '<header class="aw-header"><h1>ask<span>why</span></h1><div class="aw-subject">'
        f"<strong>{escaped(name)}</strong><span>{escaped(about)}</span>"
        f"<span>{escaped(subject.model_name)}</span></div></header>"
    )


def question_html(exchange: Exchange) -> str:
    """What the reader asked."""
    return f'<div class="aw-question">{escaped(exchange.question)}</div>'


def answer_html(exchange: Exchange) -> str:
    """The answer: how the question was understood, the words, and the mark that says how far they were checked."""
    answer = exchange.answer
    if answer is None:
        return f'<div class="aw-answer"><p class="aw-text aw-problem">{escaped(exchange.problem)}</p></div>'
    verdict = "verified" if answer.in_own_words else answer.verdict
    sign, words = MARKS[verdict]
    parts = ['<div class="aw-answer">']
    if answer.understood and not exchange.told:  # the titles of the steps say it
        doubt = " <i>Not sure: is this what you asked?</i>" if answer.unsure else ""
        parts.append(f'<p class="aw-understood"><b>Understood as:</b> {escaped(answer.understood)}{doubt}</p>')
    parts.append(_told_html(exchange) if exchange.told else _lines_html(answer.text))
    if answer.note:
        parts.append(f'<p class="aw-note">{escaped(answer.note)}</p>')
    cost = spent_words(answer.usage)
    took = f"{answer.usage.seconds:.1f} s{f' · {escaped(cost)}' if cost else ''}"
    spent = f'<span class="aw-spent">{took}</span>' if answer.usage.hops else ""
    mark = f'<span class="aw-mark aw-{verdict}"><i aria-hidden="true">{sign}</i> {words}</span>'
    return "".join((*parts, f'<p class="aw-marks">{mark}{spent}</p></div>'))


def _lines_html(text: str) -> str:
    lines = "<br>".join(escaped(line) for line in text.split("\n"))
    return f'<p class="aw-text">{lines}</p>'


def _told_html(exchange: Exchange) -> str:
    """An investigation: what it came to, its steps under their titles, and how it ended."""
    said = "\n\n".join(one.text for one in exchange.told)
    rest = exchange.answer.text.removeprefix(said).strip() if exchange.answer is not None else ""
    lead = f'<p class="aw-text aw-lead">{escaped(exchange.lead)}</p>' if exchange.lead else ""
    steps = step_items(exchange.told, folded=bool(exchange.lead))
    return lead + steps + (_lines_html(rest) if rest else "")


def step_items(told: Sequence[Told], *, folded: bool = False) -> str:
    """The steps of an investigation as a numbered list. `folded`: all but those that found a flaw are opened by a
    click, so that what a dozen of them came to stays in view."""
    return f'<ol class="aw-steps">{"".join(_item(one, folded) for one in tuple(told))}</ol>'


def _item(one: Told, folded: bool) -> str:
    title, text = f"<b>{escaped(asked_title(one.title))}</b>", escaped(one.text)
    if not folded:
        return f"<li>{title}<br>{text}</li>"
    unfolded = " open" if one.evidence.all("flaw") else ""
    return f"<li><details{unfolded}><summary>{title}</summary>{text}</details></li>"


def total_html(answer: Answer | None) -> str:
    """What the conversation has cost so far; nothing where no language model had a part in it."""
    words = total_words(answer.usage) if answer is not None else ""
    return f'<p class="aw-spent">{escaped(words)}</p>' if words else ""


def waiting_html(seconds: float, stopping: bool, steps: int | None = None) -> str:
    """What stands in the answer's place while it is computed; `steps` are those that an investigation has found."""
    words = "Stopping …" if stopping else "Asking the model …" if steps is None else f"Looking into step {steps + 1} …"
    clock = f" {seconds:.0f} s" if seconds >= 1 else ""
    return f'<div class="aw-answer aw-waiting" role="status"><p class="aw-text"><i></i>{words}{clock}</p></div>'


def summary_html(answer: Answer | None) -> str:
    """What was run for an answer, and what the reader has to keep in mind."""
    if answer is None:
        return '<p class="aw-empty">The picture, the table and the evidence of an answer appear here.</p>'
    if not answer.evidence:
        checked = "What each sentence was checked against stands below it in the answer."
        words = "Nothing was computed for this answer." if answer.checked is None else checked
        return f'<p class="aw-empty">{words}</p>'
    lines = "".join(f"<li>{_how(evidence)}</li>" for evidence in answer.evidence)
    texts = "".join(marked_html(evidence.marked) for evidence in answer.evidence if evidence.marked is not None)
    caveats = dict.fromkeys(caveat.text for evidence in answer.evidence for caveat in evidence.caveats)
    warned = "".join(f"<li>{escaped(text)}</li>" for text in caveats)
    box = f'<div class="aw-caveats"><b>Keep in mind</b><ul>{warned}</ul></div>' if warned else ""
    return f'<ul class="aw-how">{lines}</ul>{texts}{box}'


def tables_html(answer: Answer | None) -> str:
    """The tables of an answer; where a tool gave only a figure, the figure's numbers."""
    if answer is None:
        return ""
    parts = [_not_drawn(answer)]
    for number, evidence in enumerate(answer.evidence, 1):
        drawn = figure_table(evidence.figure) if evidence.figure is not None else None
        table = evidence.table if evidence.table is not None else drawn
        if table is None or not table.rows:
            continue
        if len(answer.evidence) > 1:
            table = table.model_copy(update={"note": f"Step {number}{f': {table.note}' if table.note else ''}"})
        parts.append(table_html(table))
    return "".join(parts)


def _not_drawn(answer: Answer) -> str:
    count = sum(evidence.figure is not None for evidence in answer.evidence)
    if count <= MOST_FIGURES:
        return ""
    return f'<p class="aw-empty">The first {MOST_FIGURES} of {count} pictures are drawn; their numbers are below.</p>'


def facts_html(answer: Answer | None) -> str:
    """Every fact as computed, unrounded, then the evidence as JSON; and a link that saves the whole answer."""
    if answer is None or not answer.evidence:
        return '<p class="aw-empty">No evidence yet.</p>'
    return _save(answer) + "".join(_facts(number, evidence) for number, evidence in enumerate(answer.evidence, 1))


def _save(answer: Answer) -> str:
    """A link that holds the answer itself: nothing is written to the server's disk and no address serves files."""
    held = base64.b64encode(answer.canonical_with_usage().encode()).decode()
    return (
        f'<p><a class="aw-save" download="askwhy-answer.json" href="data:application/json;base64,{held}">'
        "Download this answer as JSON</a></p>"
    )


def row_html(subject: Subject, scope: Scope) -> str:
    """The instance of a scope: its values, what the model predicts for it, and the truth where it is known."""
    schema = subject.schema
    if scope.text is not None:
        return f'<p class="aw-row-text">{escaped(scope.text)}</p>'
    try:
        frame = new_case(subject, scope.case)[0] if scope.case else subject.row(scope.row or "")
    except ToolError as error:
        return f'<p class="aw-problem">{escaped(error)}</p>'
    values = [(one, plain(frame[one.name].iloc[0])) for one in schema.features]
    title = row_name(scope.row or "new", schema)
    head = f'<p class="aw-row-title"><b>{escaped(title[:1].upper() + title[1:])}</b> {_outcome(subject, scope.row)}</p>'
    if schema.modality == "text":
        return f'{head}<p class="aw-row-text">{escaped(values[0][1])}</p>'
    rows = tuple((one.label, cell(value, one)) for one, value in values)
    return head + table_html(Table(columns=("feature", "value"), rows=rows))


def table_html(table: Table) -> str:
    """A table, at most 60 rows of it; numbers stand to the right. Exact values need no column of standard errors."""
    table = readable(table)
    shown = table.rows[:_MOST_ROWS]
    head = "".join(_head(column, [row[i] for row in shown]) for i, column in enumerate(table.columns))
    decimals = [column_decimals([row[i] for row in shown]) for i in range(len(table.columns))]
    body = "".join(f"<tr>{''.join(map(_cell, row, decimals))}</tr>" for row in shown)
    more = len(table.rows) - _MOST_ROWS
    note = [escaped(table.note)] if table.note else []
    if more > 0:
        note.append(f"the first {_MOST_ROWS} of {len(table.rows):,} rows")
    caption = f"<caption>{' · '.join(note)}</caption>" if note else ""
    return (
        f'<div class="aw-scroll" tabindex="0"><table class="aw-table">{caption}'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _head(name: str, column: Sequence[Scalar | None]) -> str:
    """A column's name, above its numbers where it holds nothing else."""
    numbers = any(is_number(value) for value in column) and all(is_number(value) or value is None for value in column)
    return f'<th scope="col" class="{"aw-number" if numbers else "aw-words"}">{escaped(name)}</th>'


def _cell(value: Scalar | None, decimals: int | None) -> str:
    shown = escaped(aligned_text(value, decimals))
    if not is_number(value) or (isinstance(value, float) and not math.isfinite(value)):
        return f"<td>{shown}</td>"
    return f'<td class="aw-number">{shown}</td>'


def _how(evidence: Evidence) -> str:
    parts = [f"<code>{escaped(evidence.tool)}</code>"]
    parts += [escaped(text) for text in (evidence.method, evidence.estimand) if text]
    parts.append(f"seed {evidence.seed}")
    checks = [measured_words(one) for one in evidence.quality]
    quality = f"<br>Checks: {escaped('; '.join(checks))}" if checks else ""
    return " · ".join(parts) + quality


def _facts(number: int, evidence: Evidence) -> str:
    names = [
        name for name in Fact.model_fields if any(getattr(fact, name) not in (None, "") for fact in evidence.facts)
    ]
    rows = tuple(tuple(_raw(getattr(fact, name)) for name in names) for fact in evidence.facts)
    arguments = ", ".join(f"{one.name}={one.value!r}" for one in evidence.arguments)
    title = f"<p><b>{number}. {escaped(evidence.tool)}</b> {escaped(arguments)}</p>"
    json = "<br>".join(escaped(line) for line in evidence.model_dump_json(indent=1).split("\n"))
    return (
        f"{title}{table_html(Table(columns=tuple(names), rows=rows))}"
        f'<details><summary>As JSON</summary><div class="aw-json" tabindex="0"><code>{json}</code></div></details>'
    )


def _raw(value: object) -> Scalar | None:
    """A fact's field without rounding: what is shown raw is shown in full."""
    return None if value is None else str(value)


def _outcome(subject: Subject, row: str | None) -> str:
    """Prediction and truth of a row of the data, in words; empty where they are not known."""
    if row is None:
        return ""
    position, schema = subject.position(row), subject.schema
    parts: list[str] = []
    if subject.known is not None:
        parts.append(f"predicted: {_predicted(subject.known[position].tolist(), subject)}")
    if subject.target is not None:
        truth = plain(subject.target.iloc[position])
        parts.append(f"actual: {cell_text(truth) if subject.regression else class_name(truth or '', schema)}")
    if subject.held_out.any():
        parts.append("not used in training" if subject.held_out[position] else "used in training")
    return f"<span>{escaped(' · '.join(parts))}</span>"


def _predicted(outputs: Sequence[float], subject: Subject) -> str:
    schema = subject.schema
    if subject.regression:
        return f"{number_text(outputs[0])} {schema.target.unit}".strip()
    best = max(range(len(outputs)), key=lambda i: outputs[i])
    # A share that is not certain must not read as 100 %.
    return f"{schema.classes[best].label} ({min(outputs[best], 0.999) if outputs[best] < 1 else 1:.1%})"


def instance_of(answer: Answer | None) -> Scope | None:
    """The scope of the last step that is about one instance, None if no step is."""
    if answer is None:
        return None
    return next((one.scope for one in reversed(answer.evidence) if one.scope.has_instance), None)


def options_of(answer: Answer | None) -> tuple[str, ...]:
    """Questions that the reader can pick to go on: the options of a question back, the nearest valid question, and how
    else a question may have been meant."""
    if answer is None:
        return ()
    if answer.outcome.kind == "clarify":
        return tuple(printable(option) for option in answer.outcome.options)
    if answer.outcome.kind == "decline" and answer.outcome.nearest:
        return (printable(answer.outcome.nearest),)
    return tuple(printable(other) for other in answer.others)


def plain_name(text: str, limit: int = 60) -> str:
    """A name for a place that shows plain text: one line, not too long."""
    whole = " ".join(printable(text).split())
    return whole if len(whole) <= limit else f"{whole[: limit - 1]}…"
