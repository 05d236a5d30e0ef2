"""Two versions of a prompt on the same cases: `askwhy eval prompts`, with any language model that --llm takes.

    askwhy eval prompts --prompt understand --versions 1 2 --cases FILE --llm NAME [--subject NAME | DOMAIN.toml]

A version is a number (of the packaged prompts, or of those in the folder that ASKWHY_PROMPTS names) or a file. FILE
holds one JSON object per line, as `askwhy eval parsing --format jsonl` takes them. "subject" in a line, or --subject
for all lines, names a built-in subject, or the schema of a domain of the question bank (a .toml file, beside FILE or a
path).

understand, understand_again, understand_more: whether the plan is right, and whether the model's calls could be used at
all; where they could not, the case counts as wrong, whatever the embedded parser makes of it. rephrase, rephrase_again,
rephrase_reader: whether the gate lets the model's words for the answer pass; what is no plan in prose is left out.

The last rows compare case by case; p is of McNemar's exact test, two-sided. There is no gate: the evaluation passes
where both versions got a reply.
"""

from __future__ import annotations

import argparse
import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from askwhy.agent.accounting import Meter
from askwhy.agent.bill import Bill
from askwhy.agent.plan import Plan
from askwhy.agent.prices import load_prices
from askwhy.evals.bank import schema_of
from askwhy.evals.parsing_golds import PlanGold
from askwhy.evals.parsing_score import share
from askwhy.evals.registry import Cell, Parser, Report, UsageError, evaluation
from askwhy.evals.suites import Item, json_lines, schema_subject
from askwhy.prompts import Prompt, PromptError, load, pinned, read
from askwhy.tools.engines.metrics import wilson
from askwhy.tools.errors import MissingExtra, ToolError
from askwhy.tools.schema import Schema
from askwhy.tools.subject import Subject

_COLUMNS = (
    "prompt", "cases", "good", "share", "95 % interval", "usable", "retries", "calls", "failed", "tokens in",
    "tokens out", "cost",
)  # fmt: skip
_GOOD = {"understand": "the plan is right", "rephrase": "the gate lets the words pass"}


@dataclass(frozen=True)
class Tried:
    """What came of one case. usable: whether the model's calls could be run, or it said anything; retries: beyond the
    first call."""

    good: bool
    usable: bool
    retries: int


Try = Callable[[Meter], Tried]
"""One case, asked with the prompt that is pinned."""


@dataclass(frozen=True)
class Version:
    """A version of the prompt with what came of every case, in order, and what it cost."""

    prompt: Prompt
    label: str
    tried: tuple[Tried, ...]
    bill: Bill

    @property
    def good(self) -> int:
        """Cases that went well."""
        return sum(one.good for one in self.tried)

    def row(self) -> tuple[Cell, ...]:
        """A row of the table."""
        count, bill = len(self.tried), self.bill
        low, high = wilson(self.good, count)
        usable, retries = sum(one.usable for one in self.tried), sum(one.retries for one in self.tried)
        return (
            self.label, count, self.good, self.good / count, f"{low:.3f} to {high:.3f}", usable, retries,
            bill.model_calls, bill.failed, bill.tokens_in, bill.tokens_out, bill.cost,
        )  # fmt: skip

    def figures(self) -> dict[str, object]:
        """What the last line keeps of it. tokens are a lower bound where `unmetered` calls did not say theirs."""
        count = len(self.tried)
        return {
            "prompt": self.label, "hash": self.prompt.hash, "good": self.good, "share": share([self.good / count]),
            "interval": [round(bound, 4) for bound in wilson(self.good, count)],
            "usable": sum(one.usable for one in self.tried), "retries": sum(one.retries for one in self.tried),
            "calls": self.bill.model_calls, "failed": self.bill.failed, "unmetered": self.bill.unmetered,
            "tokens_in": self.bill.tokens_in, "tokens_out": self.bill.tokens_out, "cost": self.bill.cost,
        }  # fmt: skip


@evaluation("prompts")
def prompts(arguments: list[str]) -> Report:
    """Two versions of a prompt on the same cases, with any language model."""
    given = _read(arguments)
    hop = given.prompt.partition("_")[0]
    chosen = [_version(given.prompt, one) for one in given.versions]
    if chosen[0].hash == chosen[1].hash:
        raise UsageError("the two versions are the same text")
    suite = json_lines(given.cases, _subjects(given.cases, given.subject, hop == "understand"))
    cases = (_readings if hop == "understand" else _wordings)(suite.items, _chat(given.llm))
    if not cases:
        raise UsageError(f"{suite.name} holds no plan to put into words")
    first, second = (_measured(prompt, cases) for prompt in chosen)
    paired = compared(first.tried, second.tried)
    rows = [first.row(), second.row(), *_paired_rows(paired, first.label, second.label)]
    rows += [_padded(("malformed", problem)) for problem in suite.malformed[:20]]
    figures = {
        "prompt": given.prompt, "llm": given.llm, "cases": len(cases), "malformed": len(suite.malformed),
        "versions": [first.figures(), second.figures()], "paired": paired,
    }  # fmt: skip
    passed = all(one.bill.model_calls > one.bill.failed for one in (first, second))
    return Report(f"{given.prompt} with {given.llm}: {_GOOD[hop]}", _COLUMNS, tuple(rows), figures, passed)


def compared(first: Sequence[Tried], second: Sequence[Tried]) -> dict[str, Any]:
    """Case by case: how many went well with both, one and neither, and McNemar's exact p (1 where none differ)."""
    from scipy.stats import binomtest

    pairs = [(one.good, other.good) for one, other in zip(first, second, strict=True)]
    only, other = pairs.count((True, False)), pairs.count((False, True))
    p = float(binomtest(min(only, other), only + other, 0.5).pvalue) if only + other else 1.0
    return {
        "both": pairs.count((True, True)), "only_first": only, "only_second": other,
        "neither": pairs.count((False, False)), "p": round(p, 6),
    }  # fmt: skip


def _paired_rows(paired: dict[str, Any], first: str, second: str) -> list[tuple[Cell, ...]]:
    named = {"both": "both", "only_first": f"only {first}", "only_second": f"only {second}", "neither": "neither"}
    rows: list[tuple[Cell, ...]] = [_padded((words, None, paired[key])) for key, words in named.items()]
    return [*rows, _padded(("McNemar's exact p", None, None, paired["p"]))]


def _padded(row: tuple[Cell, ...]) -> tuple[Cell, ...]:
    return (*row, *(None for _ in range(len(_COLUMNS) - len(row))))


def _read(arguments: list[str]) -> argparse.Namespace:
    names = ("understand", "understand_again", "understand_more", "rephrase", "rephrase_again", "rephrase_reader")
    parser = Parser("askwhy eval prompts")
    parser.add_argument("--prompt", choices=names, required=True)
    parser.add_argument("--versions", nargs=2, required=True)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--llm", required=True)
    parser.add_argument("--subject")
    given = parser.parse_args(arguments)
    if given.llm == "embedded":
        raise UsageError("the embedded parser reads no prompt; name a language model")
    return given


def _version(name: str, version: str) -> Prompt:
    """A version of a prompt by its number or its file; it must take what the hop fills in."""
    try:
        prompt = load(name, int(version)) if version.isdigit() else read(Path(version))
        packaged = load(name)
    except PromptError as error:
        raise UsageError(str(error)) from None
    if prompt.id != name:
        raise UsageError(f"{version} is a version of {prompt.id}, not of {name}")
    if set(prompt.variables) != set(packaged.variables):
        raise UsageError(f"{version} must have these variables: {', '.join(packaged.variables) or 'none'}")
    return prompt


def _subjects(cases: Path, default: str | None, schema_will_do: bool) -> Callable[[Any], Subject]:
    """What a line is about."""

    @functools.cache
    def named(name: str) -> Subject:
        from askwhy.tools.subjects.builtin import builtin

        try:
            if not name.endswith(".toml"):
                return builtin(name)
            beside = cases.parent / name
            domain = schema_subject(schema_of(beside if beside.is_file() else Path(name)))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, ToolError) as error:
            raise UsageError(f"{name}: {error}") from None
        if schema_will_do:
            return domain
        raise UsageError(f"{name} is a schema without a model; words need a built-in subject")

    def subject(said: Any) -> Subject:
        name = said.get("subject", default) if isinstance(said, dict) else default
        if not isinstance(name, str):
            raise UsageError('say what the cases are about: "subject" in every line, or --subject')
        return named(name)

    return subject


def _measured(prompt: Prompt, cases: Sequence[Try]) -> Version:
    meter = Meter(prices=load_prices(), remembered=0)
    with pinned(prompt):
        tried = tuple(case(meter) for case in cases)
    return Version(prompt, f"{prompt.id} v{prompt.version} ({prompt.hash[:8]})", tried, meter.total)


def _chat(name: str) -> Callable[[Schema], Any]:
    from askwhy.agent.llm import chat_model

    @functools.cache
    def made(schema: Schema) -> Any:
        try:
            return chat_model(name, schema)
        except (ToolError, MissingExtra) as error:
            raise UsageError(str(error)) from None

    return made


def _readings(items: Sequence[Item], chat: Callable[[Schema], Any]) -> list[Try]:
    """Every question, to be understood."""
    from askwhy.agent.understand import understand

    def read_again(item: Item, meter: Meter) -> Tried:
        found = understand(item.question, item.history, item.subject, chat(item.subject.schema), meter=meter)
        usable = not found.engine.endswith("-> embedded")
        return Tried(usable and item.gold.marks(found.outcome).typed, usable, max(0, found.model_calls - 1))

    return [functools.partial(read_again, item) for item in items]


def _wordings(items: Sequence[Item], chat: Callable[[Schema], Any]) -> list[Try]:
    """Every answer in prose, to be worded anew. The plans are the golds: nothing rests on how they are understood."""
    from askwhy.agent.manner import manners_of
    from askwhy.agent.rephrase import is_prose, rephrased
    from askwhy.agent.run import Runner
    from askwhy.agent.skeleton import Skeleton, skeleton
    from askwhy.agent.verbalize import verbalize

    runner = Runner()

    def word(bones: Skeleton, plan: Plan, meter: Meter) -> Tried:
        made = rephrased(chat(bones.schema), bones, plan, meter=meter)
        replied = made.bill.model_calls > made.bill.failed
        return Tried(made.draft is not None, replied, max(0, made.bill.model_calls - 1))

    found: list[Try] = []
    for item in items:
        plan, schema = item.gold.golds[0] if isinstance(item.gold, PlanGold) else None, item.subject.schema
        if not isinstance(plan, Plan):
            continue
        try:
            evidence = runner.run(plan, item.subject).evidence
        except ToolError as error:
            raise UsageError(f"{item.question}: {error}") from None
        draft = verbalize(evidence, schema, forms=plan.forms, manners=manners_of(plan))
        if is_prose(draft, plan):
            found.append(functools.partial(word, skeleton(draft, evidence, schema), plan))
    return found
