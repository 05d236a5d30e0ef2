"""Hidden flaws and questions of several steps: `askwhy eval agent`, see the options in `agent`.

Forty models with one hidden flaw each and ten clean ones, made anew from a seed, and over a hundred dependent questions
with golds that pandas computes. `flaw_scores` and `agent_keys` say what counts as right, `agent_recheck` what is wrong.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

from askwhy.evals.agent_engines import Engine
from askwhy.evals.agent_keys import Gold, Seen
from askwhy.evals.agent_questions import Asked, held_back, questions, world
from askwhy.evals.agent_recheck import withheld, wrong_claims
from askwhy.evals.flaw_scores import Cost, FlawScore, scored
from askwhy.evals.flawed_models import SEEDS, SPECS, Spec, flawed_model
from askwhy.evals.flawed_tables import KINDS
from askwhy.evals.registry import Cell, Parser, Report, UsageError, evaluation

T = TypeVar("T")

FOUND = 0.8
"""The share of hidden flaws that the recipes have to find."""

FALSE = 1
"""How many accusations of clean models are allowed."""

_COLUMNS = (
    "part", "by", "what", "n", "right", "half", "else", "wrong", "withheld", "calls", "tools", "tokens", "s each",
)  # fmt: skip
_QUICK_QUESTIONS = ("credit 2", "credit 17", "diabetes 1", "penguins 4", "reviews 4", "debates 6")
_ROWS = ("recipes", "planner", "tools")
_NOT_RUN = ("local:smollm2", "a provider's model")


@dataclass(frozen=True)
class QuestionScore:
    """What an answer holds of what it has to say."""

    asked: Asked
    missing: tuple[str, ...]
    keys: int
    wrong: tuple[str, ...]
    withheld: int
    cost: Cost
    stopped: str = "done"

    @property
    def exact(self) -> bool:
        """Whether nothing is missing."""
        return not self.missing


@evaluation("agent")
def agent(arguments: list[str]) -> Report:
    """Models with a hidden flaw and questions of several steps: what is found, claimed wrongly, and spent.

    --quick: a slice. --sample N: that many of the models and of the questions, drawn at random. --part flaws|questions.
    --seed N: other models. --by ROW: only recipes, planner or tools. --llm NAME: a language model as a further row.
    --half held_back|developed: every second question. --each: also a line for every model and question.
    """
    parser = Parser("agent")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--part", choices=("flaws", "questions"))
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--llm", action="append", default=[])
    parser.add_argument("--by", choices=_ROWS, action="append")
    parser.add_argument("--half", choices=("held_back", "developed"))
    parser.add_argument("--each", action="store_true")
    given = parser.parse_args(arguments)
    if any(not name.strip() for name in given.llm):
        raise UsageError("--llm needs the name of a language model")
    if given.sample < 0:
        raise UsageError("--sample takes a number of models and questions")
    named = tuple(Engine(name, name) for name in given.llm)
    by = tuple(Engine(name) for name in given.by or _ROWS)
    lines: list[tuple[Cell, ...]] = []
    figures: dict[str, object] = {"seeds": list(given.seed or SEEDS)}
    passed = True
    if given.part != "questions":
        specs = _sampled(quick_specs() if given.quick else SPECS, given.sample)
        found = {
            engine.name: [look(engine, spec, seed) for seed in given.seed or SEEDS for spec in specs]
            for engine in (*_auditors(by, given.by), *named)
        }
        if given.each:
            print(*(line for name, scores in found.items() for line in flaws_told(name, scores)), sep="\n")
        lines += [line for name, scores in found.items() for line in flaw_lines(name, scores)]
        first = next(iter(found.values()))
        figures |= flaw_figures(first)
        passed &= flaws_pass(first)
    if given.part != "flaws":
        wanted = [one for one in questions() if given.half in (None, "held_back" if held_back(one) else "developed")]
        chosen = _sampled([one for one in wanted if not given.quick or one.id in _QUICK_QUESTIONS], given.sample)
        answered = {engine.name: [ask(engine, one) for one in chosen] for engine in (*by, *named)}
        if given.each:
            print(*(line for name, told in answered.items() for line in questions_told(name, told)), sep="\n")
        lines += [line for name, told in answered.items() for line in question_lines(name, told)]
        figures |= question_figures(answered)
        passed &= not any(one.wrong for told in answered.values() for one in told)
    lines += [("", name, "not run here", *[None] * 10) for name in _NOT_RUN if name not in given.llm]
    return Report("Hidden flaws and questions of several steps", _COLUMNS, tuple(lines), figures, passed=bool(passed))


def _sampled(whole: Sequence[T], most: int) -> list[T]:
    """So many of them in their order, the same at every run; all where `most` is 0."""
    drawn = random.Random(0).sample(range(len(whole)), min(most or len(whole), len(whole)))
    return [whole[place] for place in sorted(drawn)]


def _auditors(by: Sequence[Engine], asked: Sequence[str] | None) -> list[Engine]:
    """The rows that look into models: the recipes, and the bare tools where they are asked for; nobody plans that."""
    return [one for one in by if one.name == "recipes" or (one.name == "tools" and asked)]


def quick_specs() -> tuple[Spec, ...]:
    """The first of each kind and a clean one."""
    return tuple(next(one for one in SPECS if one.kind == kind) for kind in (*KINDS, None))


def look(engine: Engine, spec: Spec, seed: int) -> FlawScore:
    """Let an engine look into the model of a spec."""
    made = flawed_model(spec, seed)
    report, cost = engine.audit(made.subject)
    return scored(report, made, cost)


def ask(engine: Engine, asked: Asked) -> QuestionScore:
    """Let an engine answer a question."""
    truth = world(asked.subject)
    gold: Gold = asked.gold(truth)
    report, cost = engine.answer(asked, gold, truth.subject)
    seen = Seen.of(report.answer.evidence, report.answer.claims)
    missing = tuple(key.name for key in gold.keys if not key.holds(seen))
    wrong = wrong_claims(report, truth.subject, truth)
    return QuestionScore(asked, missing, len(gold.keys), wrong, withheld(report), cost, report.stopped)


def flaws_pass(scores: Sequence[FlawScore]) -> bool:
    """Whether enough flaws were found, clean models left in peace, and nothing wrong claimed."""
    flawed = [one for one in scores if one.kind != "clean"]
    enough = sum(one.found for one in flawed) >= FOUND * len(flawed)
    return enough and _accused(scores) <= FALSE and not any(one.wrong for one in scores)


def _accused(scores: Sequence[FlawScore]) -> int:
    """False accusations: the flaws that clean models are said to have."""
    return sum(one.elsewhere for one in scores if one.kind == "clean")


def flaw_figures(scores: Sequence[FlawScore]) -> dict[str, object]:
    """The figures of one engine."""
    flawed = [one for one in scores if one.kind != "clean"]
    return {
        "flaws": len(flawed),
        "flaws_found": sum(one.found for one in flawed),
        "found_other_kind": sum(one.other_kind for one in flawed),
        "accused_elsewhere": sum(one.elsewhere for one in flawed),
        "clean": len(scores) - len(flawed),
        "false_accusations": _accused(scores),
        "wrong_claims": sum(len(one.wrong) for one in scores),
        "withheld": sum(one.withheld for one in scores),
        "calls": sum(one.cost.calls for one in scores),
        "tool_calls": sum(one.cost.tool_calls for one in scores),
        "tokens": sum(one.cost.tokens for one in scores),
        "seconds": round(sum(one.cost.seconds for one in scores), 1),
        "missed": [one.name for one in flawed if not one.found],
    }


def flaws_told(name: str, scores: Sequence[FlawScore]) -> Iterator[str]:
    """A line for each model: what it was said to have, and what is wrong in the words."""
    for one in scores:
        verdict = "clean" if one.kind == "clean" else "found" if one.found else "missed"
        said = "; ".join((*one.accused, *(f"WRONG {wrong}" for wrong in one.wrong))) or "no flaw"
        yield f"{name} | {verdict} | {one.name} | {said}"[:400]


def flaw_lines(name: str, scores: Sequence[FlawScore]) -> Iterator[tuple[Cell, ...]]:
    """A line of the table for each kind of flaw; of the clean models, "right" are those left in peace."""
    for kind in (*KINDS, "clean"):
        own = [one for one in scores if one.kind == kind]
        if not own:
            continue
        right = sum(not one.elsewhere for one in own) if kind == "clean" else sum(one.found for one in own)
        yield (
            "flaws", name, kind, len(own), right, sum(one.other_kind for one in own),
            sum(one.elsewhere for one in own), sum(len(one.wrong) for one in own),
            sum(one.withheld for one in own), *_costs([one.cost for one in own]),
        )  # fmt: skip


def question_figures(answered: dict[str, list[QuestionScore]]) -> dict[str, object]:
    """The figures of the first row, and under "..._by" those of each."""
    told = next(iter(answered.values()))
    return {
        "questions": len(told),
        "exact": sum(one.exact for one in told),
        "exact_by": {name: sum(one.exact for one in scores) for name, scores in answered.items()},
        "held_back": sum(held_back(one.asked) for one in told),
        "exact_held_back_by": {
            name: sum(one.exact for one in scores if held_back(one.asked)) for name, scores in answered.items()
        },
        "question_wrong_claims_by": {name: sum(len(one.wrong) for one in scores) for name, scores in answered.items()},
        "question_calls_by": {name: sum(one.cost.calls for one in scores) for name, scores in answered.items()},
        "question_tokens_by": {name: sum(one.cost.tokens for one in scores) for name, scores in answered.items()},
        "question_seconds_by": {
            name: round(sum(one.cost.seconds for one in scores), 1) for name, scores in answered.items()
        },
    }


def questions_told(name: str, told: Sequence[QuestionScore]) -> Iterator[str]:
    """A line for each question: what its answer lacks, and what is wrong in it."""
    for one in told:
        said = "; ".join((*one.missing, *(f"WRONG {wrong}" for wrong in one.wrong))) or "all there"
        yield f"{name} | {one.asked.id} | {one.asked.chain} | {one.asked.question} | {said}"[:400]


def question_lines(name: str, told: Sequence[QuestionScore]) -> Iterator[tuple[Cell, ...]]:
    """A line of the table for each subject; "part" are answers that hold some of what they have to say."""
    for subject in dict.fromkeys(one.asked.subject for one in told):
        own = [one for one in told if one.asked.subject == subject]
        part = sum(0 < len(one.missing) < one.keys for one in own)
        yield (
            "questions", name, subject, len(own), sum(one.exact for one in own), part, None,
            sum(len(one.wrong) for one in own), sum(one.withheld for one in own), *_costs([one.cost for one in own]),
        )  # fmt: skip


def _costs(costs: Sequence[Cost]) -> tuple[Cell, ...]:
    return (
        sum(one.calls for one in costs),
        sum(one.tool_calls for one in costs),
        sum(one.tokens for one in costs),
        round(statistics.mean(one.seconds for one in costs), 2),
    )
