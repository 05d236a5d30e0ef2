"""Part 1 of `askwhy eval words`: faults put into true answers, and how many the verifier catches."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from askwhy.agent.answer import Draft
from askwhy.agent.verify import verify
from askwhy.evals.faults import KINDS, corruptions
from askwhy.evals.paraphrase import paraphrased
from askwhy.evals.registry import Cell
from askwhy.evals.words_answers import TrueAnswer
from askwhy.tools.engines.metrics import wilson

RECALL, ALARMS = 0.995, 0.01
PERFECT = ("changed digit", "rounded wrong", "invented number", "flipped sign", "swapped features", "invented feature")
"""Kinds of which none may pass: numbers, signs and the names of features."""

MODES = ("template", "paraphrase")


@dataclass
class Tally:
    """What became of the texts of one mode: untouched ones, and faults by their kind."""

    texts: int = 0
    alarms: int = 0
    seconds: float = 0.0
    put: Counter[str] = field(default_factory=Counter)
    caught: Counter[str] = field(default_factory=Counter)
    missed: list[tuple[str, str, str]] = field(default_factory=list)
    """Faults that passed: kind, tool, the text with the fault."""


def fault_part(answers: Sequence[TrueAnswer]) -> tuple[list[tuple[Cell, ...]], dict[str, object], bool]:
    """Rows, figures, and whether the gates hold."""
    tallies = {mode: measured(answers, mode) for mode in MODES}
    rows = [_row(kind, tallies) for kind in KINDS]
    total = _row("all kinds", tallies, RECALL)
    alarms, met = _alarms(tallies)
    put = sum(sum(one.put.values()) for one in tallies.values())
    recall = sum(sum(one.caught.values()) for one in tallies.values()) / max(put, 1)
    perfect = all(one.caught[kind] == one.put[kind] for one in tallies.values() for kind in PERFECT)
    figures: dict[str, object] = {
        "answers": len(answers), "tools": len({one.tool for one in answers}), "faults": put,
        "recall": round(recall, 5), "numbers_signs_names_all_caught": perfect,
        "recall_by_kind": {
            mode: {kind: round(one.caught[kind] / one.put[kind], 5) for kind in KINDS if one.put[kind]}
            for mode, one in tallies.items()
        },
        "false_alarms": {mode: round(one.alarms / max(one.texts, 1), 5) for mode, one in tallies.items()},
        "ms_per_answer": {mode: round(1000 * one.seconds / max(one.texts, 1), 1) for mode, one in tallies.items()},
        "missed": {mode: dict(Counter(kind for kind, _, _ in one.missed)) for mode, one in tallies.items()},
    }  # fmt: skip
    return [*rows, total, alarms], figures, recall >= RECALL and perfect and met


def measured(answers: Sequence[TrueAnswer], mode: str) -> Tally:
    """Untouched texts and texts with one fault, in one mode. A fault counts where the untouched text passes."""
    tally = Tally()
    for seed, one in enumerate(answers):
        draft = one.draft()
        if mode == "paraphrase":
            draft = paraphrased(draft, one.evidence, one.schema, seed)
        started = time.process_time()
        wrong = verify(draft, one.evidence, one.plan, one.schema)
        tally.seconds += time.process_time() - started
        tally.texts += 1
        tally.alarms += bool(wrong)
        if wrong or _failures(one, draft.text):
            continue
        for kind, text in corruptions(draft.text, one.evidence, one.schema, seed):
            tally.put[kind] += 1
            if _failures(one, text):
                tally.caught[kind] += 1
            else:
                tally.missed.append((kind, one.tool, text))
    return tally


def _failures(one: TrueAnswer, text: str) -> bool:
    """Whether the verifier rejects the bare text, with nothing known of who wrote it."""
    return bool(verify(Draft(text=text, writer="llm"), one.evidence, one.plan, one.schema))


def _row(kind: str, tallies: dict[str, Tally], least: float | None = None) -> tuple[Cell, ...]:
    cells: list[Cell] = [kind]
    caught = put = 0
    for one in tallies.values():
        right = one.caught[kind] if least is None else sum(one.caught.values())
        count = one.put[kind] if least is None else sum(one.put.values())
        cells += [right / count if count else None, count]
        caught, put = caught + right, put + count
    wanted = least or (1.0 if kind in PERFECT else None)
    low, high = wilson(caught, put) if put else (0.0, 1.0)
    met = None if wanted is None else put > 0 and caught / put >= wanted
    return (*cells, f"{low:.2%} to {high:.2%}", f">= {wanted:.1%}" if wanted else "", met)


def _alarms(tallies: dict[str, Tally]) -> tuple[tuple[Cell, ...], bool]:
    cells: list[Cell] = ["false alarms on untouched texts"]
    for one in tallies.values():
        cells += [one.alarms / max(one.texts, 1), one.texts]
    own = tallies["template"]
    low, high = wilson(own.alarms, own.texts) if own.texts else (0.0, 1.0)
    met = own.texts > 0 and own.alarms / own.texts <= ALARMS
    return (*cells, f"{low:.2%} to {high:.2%} (template)", f"<= {ALARMS:.0%} (template)", met), met
