"""How well questions are understood: `askwhy eval parsing FOLDER [SCHEMA]` on a suite in TalkToModel's format.

FOLDER holds suite.txt (question, parse, blank line) and one table as CSV: row ids in its first column, target `y`.
Only the first hop runs. Where a question points back, it follows a turn about a selection that no question names.
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from askwhy.agent.answer import Turn
from askwhy.agent.plan import Plan, Step
from askwhy.evals.notation import Typed, operations, read_parse, typed_plan
from askwhy.evals.registry import Report, UsageError, evaluation
from askwhy.tools.scope import Condition, Scope, Where

if TYPE_CHECKING:
    from askwhy.tools.subject import Subject

_NOWHERE = -987654321
_TARGET = "y"


@dataclass(frozen=True)
class Pair:
    """A question and its gold parse, as written and in typed form."""

    question: str
    parse: str
    gold: Typed


@dataclass(frozen=True)
class Scored:
    """What was made of a pair: the typed parse, None where askwhy asked back or declined."""

    pair: Pair
    found: Typed | None
    outcome: str

    @property
    def right(self) -> bool:
        """Whether filters, changes, operations and arguments are all as in the gold."""
        return self.found == self.pair.gold


@evaluation("parsing")
def parsing(arguments: list[str]) -> Report:
    """Typed exact match of the understanding on a TalkToModel-format suite: FOLDER [SCHEMA]."""
    if not 1 <= len(arguments) <= 2:
        raise UsageError("give the suite's folder (suite.txt and one .csv), and a schema file if there is one")
    folder = Path(arguments[0])
    pairs = read_suite(folder / "suite.txt")
    subject = read_subject(folder, Path(arguments[1]) if len(arguments) == 2 else None)
    started = time.perf_counter()
    scored = understand_all(pairs, subject)
    seconds = time.perf_counter() - started
    figures = {
        "questions": len(scored),
        "typed_exact": share([one.right for one in scored]),
        "cluster_average": cluster_average(scored),
        "operations_right": share([_same_operations(one) for one in scored]),
        "not_planned": sum(one.found is None for one in scored),
        "seconds_per_question": seconds / max(1, len(scored)),
    }
    columns = ("operation", "questions", "right", "share", "a miss")
    # A development figure: there is no bar to pass but that something was measured.
    return Report(f"Understanding of {folder.name}", columns, rows(scored), figures, passed=bool(scored))


def read_suite(path: Path) -> tuple[Pair, ...]:
    """The distinct pairs of a suite file. Raises UsageError where it cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None
    pairs: dict[tuple[str, str], Pair] = {}
    blocks = "\n".join(line.strip() for line in lines).split("\n\n")
    for block in blocks:
        parts = [line for line in block.split("\n") if line]
        if not parts:
            continue
        if len(parts) != 2:
            raise UsageError(f"{path}: expected a question and its parse, found: {parts[0][:60]!r}")
        try:
            pairs.setdefault((parts[0], parts[1]), Pair(parts[0], parts[1], read_parse(parts[1])))
        except (IndexError, ValueError) as error:
            raise UsageError(f"{path}: {parts[1]!r} is not in the notation ({error})") from None
    return tuple(pairs.values())


def read_subject(folder: Path, schema: Path | None) -> Subject:
    """The folder's table with a plain model, which is never asked: understanding needs names, not predictions."""
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    from askwhy.tools.subject import Subject

    tables = sorted(folder.glob("*.csv"))
    if len(tables) != 1:
        raise UsageError(f"{folder} should hold one .csv file, it holds {len(tables)}")
    frame = pd.read_csv(tables[0], index_col=0)
    if _TARGET not in frame:
        raise UsageError(f"{tables[0].name} has no column {_TARGET!r}")
    features = frame.drop(columns=_TARGET)
    numbers = features.select_dtypes(["number", "bool"])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(
        features[numbers.columns], frame[_TARGET]
    )
    return Subject.of(
        model, frame[[*numbers.columns, _TARGET]], _TARGET, schema=schema, ids=[str(i) for i in frame.index]
    )


def understand_all(pairs: Sequence[Pair], subject: Subject) -> list[Scored]:
    """Every question understood by the embedded model, each after the same earlier turn."""
    from askwhy.agent.llm import chat_model
    from askwhy.agent.understand import understand

    model = chat_model(None, subject.schema)
    earlier = earlier_turn(subject)
    assert earlier.scope is not None
    scored = []
    for pair in pairs:
        outcome = understand(pair.question, (earlier,), subject, model).outcome
        found = typed_plan(outcome, earlier.scope.where) if isinstance(outcome, Plan) else None
        gold = frozenset(("countdata",) if item == ("previousoperation",) else item for item in pair.gold)
        scored.append(Scored(Pair(pair.question, pair.parse, gold), found, outcome.kind))
    return scored


def earlier_turn(subject: Subject) -> Turn:
    """A turn that counted rows by a condition no question contains, so that it can be told what was taken from it."""
    feature = next((one.name for one in subject.schema.features if one.numeric), subject.schema.names[0])
    where = Where.of(Condition(feature=feature, op="gt", value=_NOWHERE))
    return Turn(question="how many are there?", outcome=Plan(steps=(Step(tool="count", scope=Scope(where=where)),)))


def cluster_average(scored: Sequence[Scored]) -> float:
    """Accuracy averaged over the distinct parses, so that a parse with many paraphrases weighs no more than another."""
    clusters: dict[str, list[bool]] = defaultdict(list)
    for one in scored:
        clusters[one.pair.parse].append(one.right)
    return share([share(marks) for marks in clusters.values()])


def share(marks: Sequence[float | bool]) -> float:
    """The mean, 0 of nothing."""
    return sum(marks) / len(marks) if marks else 0.0


def rows(scored: Sequence[Scored]) -> tuple[tuple[str | int | float, ...], ...]:
    """A row per gold operation: how many questions, how many right, and one that was missed."""
    by_operation: dict[str, list[Scored]] = defaultdict(list)
    for one in scored:
        by_operation[" + ".join(operations(one.pair.gold)) or "(no operation)"].append(one)
    table = []
    for name, group in sorted(by_operation.items(), key=lambda pair: -len(pair[1])):
        right = sum(one.right for one in group)
        missed = next((one for one in group if not one.right), None)
        table.append((name, len(group), right, right / len(group), _miss(missed)))
    return tuple(table)


def _same_operations(one: Scored) -> bool:
    return one.found is not None and operations(one.found) == operations(one.pair.gold)


def _miss(one: Scored | None) -> str:
    if one is None:
        return ""
    found = one.outcome if one.found is None else _written(one.found - one.pair.gold)
    return f"{one.pair.question} · wanted {_written(one.pair.gold - (one.found or frozenset()))} · got {found}"


def _written(typed: Typed) -> str:
    return ", ".join(" ".join(item) for item in sorted(typed)) or "nothing more"
