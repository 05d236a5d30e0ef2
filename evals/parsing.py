"""How well questions are understood: `askwhy eval parsing`. Only the first hop runs, every question is asked once.

    askwhy eval parsing                                   the project's own held-out questions
    askwhy eval parsing --bank NAME... | FOLDER           other domains of the bank, see `askwhy.evals.bank`
    askwhy eval parsing --new-tools                       questions for tools that no training has seen
    askwhy eval parsing --fuzz N                          N odd questions made from them: no crash, no invalid plan
    askwhy eval parsing --shortlist                       the tools that they need among those a provider is shown
    askwhy eval parsing --suite FILE --format jsonl (--subject NAME | --data CSV --target COLUMN | --schema DOMAIN.toml)
    askwhy eval parsing --suite FILE --format talktomodel --data CSV --target COLUMN [--schema FILE]
    askwhy eval parsing --suite FILE --format coxql

`--engine` is embedded (the default), a chat model by its name, or a baseline: nearest, tfidf-rules; `--baselines`
measures the baselines, too. `--sample N` asks N questions drawn at random; `--misses FILE` keeps every miss.

jsonl: one JSON object per line, `gold` an outcome of `askwhy.agent.plan` or a list of those that are equally right,
`earlier` the turns before, if any:

    {"question": "and for women?", "gold": {"kind": "plan", "steps": [{"tool": "count", "scope": {"where": {"all":
     [{"any": [{"feature": "sex", "value": "female"}]}]}}}]}, "earlier": [{"question": "...", "gold": {...}}]}

talktomodel: a question line, a parse line, a blank line (`askwhy.evals.notation`); the table's first column is the row
id. coxql: a JSON list of {"idx", "text", "sql"} (`askwhy.evals.coxql`); no data, ids are not checked. Where a suite
points back (`previousfilter`), all its questions follow a turn about a selection that no question names.

The figures, shares of `n` questions where nothing else is said: `exact_typed` the typed plan is right, whatever the
order of its parts; `exact_literal` so is the plan as written in the suite's notation, or as JSON; `operations` and
`slots`; `exact_single`, `exact_multi` of plans of at most two and of more parts (filters, changes, operations);
`interval` (Wilson) and `interval_clustered` (bootstrap over distinct golds) at 95 %; `abstained` how many got a
question back or a decline where a plan is right; `misread` a wrong plan and no word of doubt; `ece` and `coverage` of
the confidence; `median_ms`, `p95_ms` on a schema already known.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import json
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from askwhy.evals import shortlists
from askwhy.evals.baselines import BASELINES, baseline
from askwhy.evals.new_tools import FOLDER, new_tools
from askwhy.evals.parsing_fuzz import survey
from askwhy.evals.parsing_score import Scored, Understand, ask_all, figures, miss, table
from askwhy.evals.registry import Cell, Parser, Report, UsageError, evaluation
from askwhy.evals.suites import Item, Suite, bank, coxql, json_lines, schema_subject, table_subject, talktomodel
from askwhy.tools.errors import MissingExtra, ToolError

if TYPE_CHECKING:
    from askwhy.agent.plan import Outcome
    from askwhy.tools.subject import Subject

_COLUMNS = ("by", "name", "questions", "right", "share", "a miss")
_FORMATS = {".jsonl": "jsonl", ".json": "coxql"}
_SHOWN = 10
_COMPARED = (
    "exact_typed",
    "exact_literal",
    "operations",
    "slots",
    "exact_single",
    "exact_multi",
    "misread",
    "median_ms",
)


@evaluation("parsing")
def parsing(arguments: list[str]) -> Report:
    """How well questions are understood: typed exact match on held-out questions, or on a suite of yours."""
    given = _read(arguments)
    with new_tools() if given.new_tools else contextlib.nullcontext():
        return _report(given)


def _report(given: argparse.Namespace) -> Report:
    suite = _suite(given)
    if given.fuzz:
        return _fuzzed(given, suite)
    if given.sample:
        drawn = random.Random(0).sample(suite.items, min(given.sample, len(suite.items)))
        suite = replace(suite, items=tuple(sorted(drawn, key=suite.items.index)))
    if given.shortlist:
        return shortlists.survey(suite, _COLUMNS)
    scored = ask_all(engine_of(given.engine), suite.items)
    found = {"engine": given.engine, "suite": suite.name, **figures(scored)}
    found |= {"malformed": len(suite.malformed), "duplicates": suite.duplicates}
    rows: list[tuple[Cell, ...]] = [_row(given.engine, scored)]
    if given.baselines:
        others = {name: ask_all(engine_of(name), suite.items) for name in BASELINES if name != given.engine}
        rows += [_row(name, one) for name, one in others.items()]
        found["baselines"] = {
            name: {key: value for key, value in figures(one).items() if key in _COMPARED}
            for name, one in others.items()
        }
    if given.misses:
        _keep(given.misses, scored)
    # Nothing to pass but that something was measured: what is good enough depends on the suite.
    return Report(
        f"Understanding of {suite.name}", _COLUMNS, (*rows, *_rows(scored, suite)), found, passed=bool(scored)
    )


def _fuzzed(given: argparse.Namespace, suite: Suite) -> Report:
    found = {"engine": given.engine, "suite": suite.name, **survey(engine_of(given.engine), suite.items, given.fuzz)}
    rows = [("fuzz", kind, count, None, None, "") for kind, count in sorted(found["kinds"].items())]
    passed = not found["invalid"] and not found["crashed"]
    return Report(f"Odd questions made from {suite.name}", _COLUMNS, tuple(rows), found, passed=passed)


def _read(arguments: list[str]) -> argparse.Namespace:
    parser = Parser("askwhy eval parsing")
    parser.add_argument("--bank", nargs="+", default=[])
    for name in ("--suite", "--data", "--schema", "--misses"):
        parser.add_argument(name, type=Path)
    for name in ("--target", "--subject"):
        parser.add_argument(name)
    parser.add_argument("--format", choices=("jsonl", "talktomodel", "coxql"))
    parser.add_argument("--engine", default="embedded")
    parser.add_argument("--baselines", action="store_true")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--fuzz", type=int, default=0)
    parser.add_argument("--new-tools", action="store_true")
    parser.add_argument("--shortlist", action="store_true")
    given = parser.parse_args(arguments)
    if given.suite is None:
        if stray := [name for name in ("data", "schema", "target", "subject", "format") if getattr(given, name)]:
            raise UsageError(f"--{stray[0]} goes with --suite FILE")
    elif given.bank or given.new_tools:
        raise UsageError("give --bank, --suite or --new-tools, not several")
    else:
        given.format = given.format or _FORMATS.get(given.suite.suffix, "talktomodel")
    if (given.data is None) != (given.target is None):
        raise UsageError("--data CSV and --target COLUMN go together")
    if given.sample < 0 or given.fuzz < 0:
        raise UsageError("--sample and --fuzz take a number of questions")
    return given


def _suite(given: argparse.Namespace) -> Suite:
    if given.new_tools:
        return bank([str(FOLDER)])
    if given.suite is None:
        return bank(given.bank)
    if given.format == "coxql":
        return coxql(given.suite, _subject(given).schema if given.schema or given.subject else None)
    return (json_lines if given.format == "jsonl" else talktomodel)(given.suite, _subject(given))


def _subject(given: argparse.Namespace) -> Subject:
    """What the questions are about: a built-in subject, a table, or a schema on its own."""
    from askwhy.evals.bank import schema_of
    from askwhy.tools.subjects.builtin import builtin

    if given.data is not None:
        return table_subject(given.data, given.target, given.schema)
    if given.subject is not None:
        try:
            return builtin(given.subject)
        except ToolError as error:
            raise UsageError(str(error)) from None
    if given.schema is None or given.format == "talktomodel":
        raise UsageError(f"--format {given.format} needs --data CSV and --target COLUMN, or --subject NAME")
    try:
        return schema_subject(schema_of(given.schema))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise UsageError(f"{given.schema} is no domain's schema: {error}") from None


def engine_of(name: str) -> Understand:
    """What understands: a baseline, or `understand` with a chat model, as every surface calls it."""
    from askwhy.agent.llm import chat_model
    from askwhy.agent.understand import understand

    if name in BASELINES:
        return baseline(name)
    model = functools.cache(functools.partial(chat_model, None if name == "embedded" else name))

    def ask(item: Item) -> Outcome:
        return understand(item.question, item.history, item.subject, model(item.subject.schema)).outcome

    if name != "embedded":
        _check(name)
    return ask


def _check(name: str) -> None:
    from askwhy.agent.llm import named_model

    try:
        named_model(name)
    except (ToolError, MissingExtra) as error:
        known = ", ".join(("embedded", *BASELINES))
        raise UsageError(f"there is no engine {name!r} (there are {known} and chat models): {error}") from None


def _row(engine: str, scored: Sequence[Scored]) -> tuple[Cell, ...]:
    return next(iter(table("engine", scored, lambda one: engine)))


def _rows(scored: Sequence[Scored], suite: Suite) -> list[tuple[Cell, ...]]:
    """By operation, by domain where there are several, and the golds that cannot be read."""
    rows: list[tuple[Cell, ...]] = list(table("operation", scored, lambda one: one.item.gold.operations))
    if len({one.item.domain for one in scored}) > 1:
        rows += table("domain", scored, lambda one: one.item.domain)
    rows += [("malformed", problem, None, None, None, "") for problem in suite.malformed[:_SHOWN]]
    if len(suite.malformed) > _SHOWN:
        rows.append(("malformed", f"and {len(suite.malformed) - _SHOWN} more", None, None, None, ""))
    return rows


def _keep(path: Path, scored: Sequence[Scored]) -> None:
    lines = [
        {"domain": one.item.domain, "miss": miss(one), "confidence": one.confidence} for one in scored if not one.right
    ]
    try:
        path.write_text("".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error}") from None
