"""Measure an adapter: `python -m askwhy.evals.measure_lora plan|rephrase [FOLDER/STEPS] [--sample N] [--texts FILE]`.

Without a folder SmolLM2-135M-Instruct as it is, in the same seat: the same short prompt, the same grammar.

plan: questions drawn at random (seeded) from the sealed schemas of the bank, scored as `askwhy eval parsing` does, and
the embedded parser on the same questions. rephrase: answers about subjects that no lesson was about; a text counts as
accepted where the gate and the check of free prose take it, and is set apart where `suspicions`, which shares nothing
with the gate, finds another order of placeholders or other words of direction; `--texts` keeps all of them to be read.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from askwhy.agent.calls import tool_schemas
from askwhy.agent.local.engine import Engine, Manner
from askwhy.agent.local.grammar import calls_grammar
from askwhy.agent.local.rules import Rules
from askwhy.agent.local.short import short_rephrase
from askwhy.agent.local.weights import load_weights
from askwhy.agent.plan import Outcome, Plan
from askwhy.agent.skeleton import Skeleton, filled, names_in
from askwhy.agent.verify import verify
from askwhy.agent.verify.constrained import check_constrained
from askwhy.evals.bank import Asked
from askwhy.evals.lora_plan import plan_said, read_reply
from askwhy.evals.lora_rephrase import HELD, short_cases
from askwhy.evals.parsing_golds import PlanGold
from askwhy.evals.parsing_score import Scored, ask_all, figures, share
from askwhy.evals.suites import Item, bank
from askwhy.evals.train_lora import TASKS, check_peft
from askwhy.evals.words_answers import answers_of
from askwhy.evals.words_liar import Case

_CALL_TOKENS, _SECONDS = 160, 600.0
_SIGNS = {
    "not": r"not|never|no|none|neither|nor|without|cannot|\w+n’t|\w+n't",
    "up": r"rais\w+|increas\w+|up|rise\w*|higher|highest|lift\w*|climb\w*|above|over|more|most|larg\w+|great\w+|main",
    "down": r"lower\w*|reduc\w+|decreas\w+|down|fall\w*|drop\w*|below|under|less|least|lowest|small\w*|fewer",
    "right": r"right|correct\w*|true|truth|actual\w*",
    "wrong": r"wrong\w*|incorrect\w*|false|mistake\w*|misse[sd]",
}
_SIGN = re.compile("|".join(rf"(?P<{name}>\b(?:{words})\b)" for name, words in _SIGNS.items()), re.I)


@dataclass(frozen=True)
class Written:
    """What became of an answer's words. refused: why the gate did not take the text, empty where it did."""

    template: str
    text: str
    refused: str
    suspicions: tuple[str, ...]
    seconds: float

    @property
    def other(self) -> bool:
        """Whether it was accepted and says more than the template's own sentences."""
        sentences = re.split(r"(?<=\.)\s", self.text)
        return not self.refused and not all(one.strip() in self.template for one in sentences)


def tuned(folder: Path | None) -> Engine:
    """The small model with an adapter, merged into its weights; as it is without one."""
    model, tokenizer = load_weights("smollm2")
    if folder is not None:
        check_peft()
        from peft import PeftModel

        model = PeftModel.from_pretrained(model, folder).merge_and_unload().eval()
    return Engine(model, tokenizer)


def reply(engine: Engine, said: Sequence[dict[str, str]], grammar: str, most: int) -> str:
    """The likeliest reply under a grammar."""
    growing = list(engine.write(engine.prompt(said), grammar, Manner(most, time.monotonic() + _SECONDS)))
    return engine.text(growing[-1].tokens) if growing else ""


def meant(engine: Engine, item: Item) -> Outcome:
    """What a question of a suite is taken to mean; ValueError where the reply is of no use."""
    schema = item.subject.schema
    turn = item.history[-1] if item.history else None
    before = Asked(turn.question, (turn.outcome,), 0) if turn else None
    said = [{"role": role, "content": content} for role, content in plan_said(item.question, schema, before)]
    grammar = calls_grammar(tool_schemas(schema), schema, previous=before is not None)
    found = read_reply(reply(engine, said, grammar, _CALL_TOKENS), schema)
    if found is None:
        raise ValueError("the reply is no list of calls that can be used")
    return found


def first_right(one: Scored) -> bool:
    """Whether the first tool, or what is done instead, is that of one of the golds."""
    assert isinstance(one.item.gold, PlanGold)
    return one.outcome is not None and _first(one.outcome) in map(_first, one.item.gold.golds)


def _first(outcome: Outcome) -> str:
    return outcome.steps[0].tool if isinstance(outcome, Plan) else f"({outcome.kind})"


def measure_plans(engine: Engine | None, sample: int) -> dict[str, object]:
    """The figures on questions from the sealed schemas; of the embedded parser where no engine is given."""
    suite = bank([])
    items = random.Random(0).sample(suite.items, min(sample, len(suite.items)))
    if engine is None:
        from askwhy.evals.parsing import engine_of

        scored = ask_all(engine_of("embedded"), items)
    else:
        scored = ask_all(lambda item: meant(engine, item), items)
    found = figures(scored)
    kept = ("n", "exact_typed", "interval", "operations", "slots", "exact_single", "n_single", "median_ms")
    shown = {name: found[name] for name in kept}
    valid = share([one.outcome is not None for one in scored])
    return {**shown, "first_tool": share([first_right(one) for one in scored]), "valid": valid}


def measure_words(engine: Engine, sample: int) -> list[Written]:
    """What is made of answers about subjects that were held out."""
    cases = [case for name in HELD for case in short_cases(answers_of(name))]
    return [_written(engine, case) for case in random.Random(0).sample(cases, min(sample, len(cases)))]


def _written(engine: Engine, case: Case) -> Written:
    started = time.perf_counter()
    size = len(engine.prompt(short_rephrase(case.bones)))
    text = reply(engine, short_rephrase(case.bones), placeholders_grammar(case.bones), size + 40).strip()
    seconds = time.perf_counter() - started
    found = check_constrained(text, case.bones)
    found = found or verify(filled(text, case.bones), case.answer.evidence, case.answer.plan, case.answer.schema)
    refused = found[0].message if found else ""
    return Written(case.bones.text, text, refused, suspicions(case.bones.text, text), seconds)


def placeholders_grammar(bones: Skeleton) -> str:
    """The grammar of words without digits, and of the placeholders that there are."""
    rules = Rules()
    words = rules.terminal(r"[A-Za-z ,;:.()'’–—\n-]+")
    names = " | ".join(json.dumps(f"{{{one.name}}}", ensure_ascii=False) for one in bones.placeholders)
    return rules.grammar(f"({words} | {names})+" if names else f"{words}")


def suspicions(template: str, text: str) -> tuple[str, ...]:
    """What a reader should look at: other placeholders, another order, other words of direction, denial or truth."""
    found = []
    one, other = names_in(template), names_in(text)
    if set(other) - set(one):
        found.append("other placeholders")
    if [name for name in one if name in other] != [name for name in other if name in one]:
        found.append("another order")
    if set(one) - set(other):
        found.append("left out")
    if _signs(template) != _signs(text):
        found.append("other directions")
    return tuple(found)


def _signs(text: str) -> list[str]:
    return [str(match.lastgroup) for match in _SIGN.finditer(re.sub(r"\{[^{}]*\}", " ", text))]


def words_figures(made: Sequence[Written]) -> dict[str, object]:
    """Shares of the texts, and how many of those that reach the reader in other words are to be looked at."""
    other = [one for one in made if one.other]
    return {
        "n": len(made),
        "accepted": share([not one.refused for one in made]),
        "in_other_words": share([one.other for one in made]),
        "copied": share([one.text == one.template for one in made]),
        "to_look_at": sum(bool(one.suspicions) for one in other),
        "seconds": round(sorted(one.seconds for one in made)[len(made) // 2], 2) if made else None,
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("task", choices=(*TASKS, "embedded"))
    parser.add_argument("adapter", type=Path, nargs="?")
    parser.add_argument("--sample", type=int, default=100)
    parser.add_argument("--texts", type=Path)
    given = parser.parse_args()
    if given.task == "rephrase":
        made = measure_words(tuned(given.adapter), given.sample)
        found = words_figures(made)
        if given.texts:
            lines = (json.dumps(vars(one) | {"other": one.other}, ensure_ascii=False) for one in made)
            given.texts.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    else:
        found = measure_plans(None if given.task == "embedded" else tuned(given.adapter), given.sample)
    print(json.dumps({"adapter": str(given.adapter or "none"), "task": given.task, **found}))


if __name__ == "__main__":
    main()
