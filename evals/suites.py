"""Suites of questions with what is right for them: the project's own bank, JSON lines, TalkToModel's and CoXQL's.

A gold that cannot be read is listed and left out; a question that comes twice is counted once, with its first gold.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from langchain_core.messages import ToolCall
from pydantic import TypeAdapter, ValidationError

from askwhy.agent.answer import Turn
from askwhy.agent.calls import BadCalls, outcome_of
from askwhy.agent.plan import Outcome, Plan, Step
from askwhy.evals.bank import QUESTIONS, Asked, BadBank, legible_domain
from askwhy.evals.coxql import text_schema
from askwhy.evals.parsing_golds import Gold, PlanGold, coxql_golds, talktomodel_golds
from askwhy.evals.registry import UsageError
from askwhy.tools.errors import ToolError
from askwhy.tools.predictor import Predictor
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Condition, Scope, Where
from askwhy.tools.subject import Subject

_NOWHERE = -987654321
_OUTCOME: TypeAdapter[Any] = TypeAdapter(Outcome)


@dataclass(frozen=True, eq=False)
class Item:
    """A question, what went before it, what is right. `follows`: whether it is a later turn of a conversation."""

    question: str
    gold: Gold
    subject: Subject
    domain: str
    history: tuple[Turn, ...] = ()
    follows: bool = False


@dataclass(frozen=True, eq=False)
class Suite:
    """Questions to ask. `malformed`: golds that cannot be read; `duplicates`: questions that had come before."""

    name: str
    items: tuple[Item, ...]
    malformed: tuple[str, ...] = ()
    duplicates: int = 0


@dataclass
class _Gathered:
    """A suite in the making."""

    name: str
    items: dict[tuple[str, ...], Item] = field(default_factory=dict)
    malformed: list[str] = field(default_factory=list)
    duplicates: int = 0

    def add(self, item: Item) -> None:
        said = (*(turn.question for turn in item.history), item.question)
        key = (item.domain, *(" ".join(one.casefold().split()) for one in said))
        self.duplicates += key in self.items
        self.items.setdefault(key, item)

    def suite(self) -> Suite:
        if not self.items:
            wrong = f"; the first thing wrong: {self.malformed[0]}" if self.malformed else ""
            raise UsageError(f"{self.name} holds no question with a gold that can be read{wrong}")
        return Suite(self.name, tuple(self.items.values()), tuple(self.malformed), self.duplicates)


def bank(names: Sequence[str]) -> Suite:
    """Domains of the project's own bank: names, .toml files, folders of them; the held-out ones if none is given."""
    paths = [path for name in names or [str(QUESTIONS / "held")] for path in _domain_files(name)]
    found = _Gathered("the question bank")
    for path in dict.fromkeys(paths):
        try:
            domain, problems = legible_domain(path)
        except (OSError, BadBank, ValueError, KeyError, TypeError, AttributeError) as error:
            raise UsageError(f"{path} cannot be read: {error}") from None
        found.malformed += problems
        subject = schema_subject(domain.schema)
        for conversation in domain.conversations:
            _converse(found, conversation, subject, domain.name)
    return found.suite()


def _domain_files(name: str) -> list[Path]:
    path = Path(name)
    if path.is_dir():
        if files := sorted(path.glob("*.toml")):
            return files
        raise UsageError(f"{path} holds no domain (NAME.toml with NAME.txt)")
    for file in (path, QUESTIONS / "held" / f"{name}.toml", QUESTIONS / f"{name}.toml"):
        if file.suffix == ".toml" and file.is_file():
            return [file]
    known = ", ".join(sorted(file.stem for file in QUESTIONS.glob("**/*.toml")))
    raise UsageError(f"there is no domain {name!r}; there are: {known}")


def _converse(found: _Gathered, conversation: Iterable[Asked], subject: Subject, domain: str) -> None:
    history: tuple[Turn, ...] = ()
    for asked in conversation:
        found.add(Item(asked.question, PlanGold(asked.golds), subject, domain, history, bool(history)))
        history = (*history, Turn(question=asked.question, outcome=asked.gold))


def json_lines(path: Path, subject: Subject | Callable[[Any], Subject]) -> Suite:
    """A file with one JSON object per line; `askwhy.evals.parsing` describes it. subject: of all lines, or by line."""
    found = _Gathered(path.name)
    for number, line in enumerate(_text(path).splitlines(), 1):
        if not line.strip():
            continue
        try:
            said = json.loads(line)
            about = subject if isinstance(subject, Subject) else subject(said)
            found.add(_json_item(said, about, path.stem if about is subject else f"{path.stem}: {about.id}"))
        except (ValueError, TypeError, KeyError, ToolError, BadCalls, RecursionError) as error:
            found.malformed.append(f"{path.name}:{number}: {_brief(error)}")
    return found.suite()


def _json_item(said: Any, subject: Subject, domain: str) -> Item:
    history: tuple[Turn, ...] = ()
    for turn in (*said.get("earlier", ()), said) if isinstance(said, dict) else ({},):
        question, given = turn["question"], turn["gold"]
        if not isinstance(question, str) or not question.strip():
            raise ValueError("the question is no text")
        previous = next((one.scope for one in reversed(history) if one.scope is not None), None)
        golds = tuple(
            _outcome(one, subject.schema, previous) for one in (given if isinstance(given, list) else [given])
        )
        if not golds:
            raise ValueError("there is no gold")
        earlier, history = history, (*history, Turn(question=question, outcome=golds[0]))
    return Item(question, PlanGold(golds), subject, domain, earlier, bool(earlier))


def _outcome(given: Any, schema: Schema, previous: Scope | None) -> Outcome:
    """A gold with the schema's own names in it. Raises ValueError, ToolError or BadCalls where it cannot be run."""
    if isinstance(given, dict) and "steps" in given:
        given = {"kind": "plan", **given}
    outcome: Outcome = _OUTCOME.validate_json(json.dumps(given))
    if not isinstance(outcome, Plan):
        return outcome
    return Plan(steps=tuple(_settled(step, schema, previous) for step in outcome.steps))


def _settled(step: Step, schema: Schema, previous: Scope | None) -> Step:
    if step.refs:
        return step
    own = {one.name: list(one.value) if isinstance(one.value, tuple) else one.value for one in step.arguments}
    manner = step.model_dump(include={"form", "audience", "length"}, exclude_defaults=True)
    args = own | step.scope.model_dump(mode="json", exclude_defaults=True) | manner
    found = outcome_of([ToolCall(name=step.tool, args=args, id="gold", type="tool_call")], schema, previous)
    assert isinstance(found, Plan)
    return found.steps[0]


def talktomodel(path: Path, subject: Subject) -> Suite:
    """Pairs of a question line and a parse line that ends with [E]; blank lines between them."""
    pairs, malformed = _pairs(_text(path))
    golds = [parse for _, parse in pairs]
    return _parsed(path, pairs, malformed, subject, talktomodel_golds, _looks_back(golds))


def coxql(path: Path, schema: Schema | None) -> Suite:
    """A JSON list of {"idx", "text", "sql"}; without a schema nothing is known of the model but the classes named."""
    try:
        entries = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is no JSON: {error}") from None
    if not isinstance(entries, list):
        raise UsageError(f"{path} should hold a list of objects with text and sql")
    pairs, malformed = [], []
    for number, entry in enumerate(entries):
        said = (entry.get("text"), entry.get("sql")) if isinstance(entry, dict) else (None, None)
        if isinstance(said[0], str) and isinstance(said[1], str) and said[0].strip():
            pairs.append((said[0].strip(), said[1]))
        else:
            malformed.append(f"entry {number}: there is no text or no sql")
    golds = [parse for _, parse in pairs]
    subject = schema_subject(schema or text_schema(golds))
    return _parsed(path, pairs, malformed, subject, coxql_golds, _looks_back(golds))


def _pairs(text: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Questions with their parses, and the blocks that are neither."""
    pairs, odd = [], []
    block: list[str] = []
    for line in (*map(str.strip, text.splitlines()), ""):
        if line:
            block.append(line)
        if (line.lower().endswith("[e]") and len(block) > 1) or (not line and len(block) == 2):
            pairs.append((" ".join(block[:-1]), block[-1]))
            block = []
        elif not line and block:
            odd.append(f"no question with a parse: {' / '.join(block)[:100]!r}")
            block = []
    return pairs, odd


def _parsed(
    path: Path,
    pairs: Iterable[tuple[str, str]],
    malformed: Iterable[str],
    subject: Subject,
    golds: Callable[[Schema, Where], Callable[[str], Gold]],
    back: bool,
) -> Suite:
    found = _Gathered(path.name, malformed=list(malformed))
    turn = earlier_turn(subject.schema)
    assert turn.scope is not None
    read = golds(subject.schema, turn.scope.where)
    for question, parse in pairs:
        try:
            found.add(Item(question, read(parse), subject, path.stem, (turn,) if back else ()))
        except (ValueError, IndexError) as error:
            found.malformed.append(f"{question[:60]!r}: {parse[:100]!r}: {error}")
    return found.suite()


def _looks_back(parses: Iterable[str]) -> bool:
    return any("previousfilter" in one.lower() or "previousoperation" in one.lower() for one in parses)


def earlier_turn(schema: Schema) -> Turn:
    """A turn that counted rows by a condition no question contains, so that it can be told what was taken from it."""
    feature = next((one for one in schema.features if one.numeric), schema.features[0])
    if feature.numeric:
        condition = Condition(feature=feature.name, op="gt", value=_NOWHERE)
    else:
        condition = Condition(feature=feature.name, op="contains", value=str(_NOWHERE))
    scope = Scope(where=Where.of(condition))
    return Turn(question="how many are there?", outcome=Plan(steps=(Step(tool="count", scope=scope),)))


def schema_subject(schema: Schema) -> Subject:
    """A subject of which there is only a schema: no rows, and a model that cannot be asked."""
    import numpy as np
    import pandas as pd

    def unasked(rows: Any) -> Any:
        raise ToolError("There is no model here, only a schema.")

    frame = pd.DataFrame(columns=list(schema.names))
    nothing = np.zeros(0, dtype=bool)
    predictor = Predictor(unasked, schema, schema.names)
    return Subject(predictor, schema, frame, None, nothing, frame, id=schema.content_hash())


def table_subject(data: Path, target: str, schema: Path | None) -> Subject:
    """A table of which the first column is the row id, with a model that is never asked what matters.

    Where the first column cannot be an id (values come twice, or are fractions), rows are numbered from 0.
    """
    import pandas as pd
    from sklearn.dummy import DummyClassifier, DummyRegressor

    try:
        frame = pd.read_csv(data)
    except (OSError, ValueError) as error:
        raise UsageError(f"{data} cannot be read: {error}") from None
    column = next((name for name in frame.columns if name == target), None) or next(
        (name for name in frame.columns if str(name).casefold() == target.casefold()), None
    )
    if column is None:
        raise UsageError(f"{data.name} has no column {target!r}; it has: {', '.join(map(str, frame.columns))}")
    first = frame.columns[0]
    if first != column and frame[first].is_unique and not pd.api.types.is_float_dtype(frame[first]):
        frame = frame.set_index(first)
    numbers = pd.api.types.is_float_dtype(frame[column]) and frame[column].nunique() > 20
    model = DummyRegressor() if numbers else DummyClassifier()
    known = frame[frame[column].notna()]
    try:
        model.fit(known.drop(columns=column), known[column])
        return Subject.of(model, known, column, schema=schema, ids=[str(one) for one in known.index])
    except (ToolError, ValueError) as error:
        raise UsageError(f"{data.name}: {error}") from None


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error}") from None


def _brief(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    if isinstance(error, KeyError):
        return f"there is no {error}"
    return str(error).split("\n")[0][:200]
