"""Part 2 of `askwhy eval words`: language models that lie write the answers; wrong claims that get out are counted.

A scripted liar (in process and over an OpenAI-compatible endpoint on loopback) and a real small language model write
through the same code that any configured model writes through: prompt, gate, one repair, template. Beside it the same
lies without the gate, with the check of free prose alone, and with a language model as critic, as others have it.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from askwhy.agent.answer import Draft
from askwhy.agent.rephrase import Rephrased, is_prose, rephrased, told
from askwhy.agent.skeleton import Skeleton, filled, names_in, skeleton
from askwhy.agent.verify import verify
from askwhy.agent.verify.constrained import check_constrained
from askwhy.evals.registry import Cell
from askwhy.evals.words_answers import TrueAnswer, answers_of, every_answer
from askwhy.evals.words_lies import Told, free_lies, honest, lies, narrated

COLUMNS = (
    "who writes, who checks",
    "texts",
    "of them lies",
    "lies that reach the reader",
    "95% bound",
    "template answers",
)

SCRIPTED, WIRED, SMALL = 10_200, 460, 60
"""Texts written in process, over the wire, and by the small language model."""

_QUICK = (500, 30, 0)
_LYING = 0.8
"""The share of the scripted liar's texts that are lies; the rest is true, in other words."""

_JUDGED = 1000
"""Lies that the check of free prose is tried on, which takes longer than the gate."""

_WAYS = 6
_SECONDS = 600.0
_SHORT = 420
"""Longest template, in characters, that the small language model is given: it writes 48 tokens at most."""


@dataclass(frozen=True)
class Case:
    """A true answer, ready to be told in other words."""

    answer: TrueAnswer
    draft: Draft

    @cached_property
    def bones(self) -> Skeleton:
        """Its sentences without the values."""
        return skeleton(self.draft, self.answer.evidence, self.answer.schema)

    @cached_property
    def true(self) -> tuple[str, ...]:
        """It in other words that are as true, in several ways."""
        rng = random.Random(len(self.bones.text))
        stories = (narrated(self.bones, rng) for _ in range(_WAYS // 2))
        return tuple(dict.fromkeys((*(honest(self.bones, rng) for _ in range(_WAYS)), *filter(None, stories))))

    def rephrased(self, chat: Any) -> Rephrased:
        """What askwhy makes of a chat model's words for it."""
        return rephrased(chat, self.bones, self.answer.plan, _SECONDS)

    def is_told(self, text: str) -> bool:
        """Whether the check of free prose finds nothing wrong with a text, filled in where it has placeholders."""
        known = all(name in self.bones.by_name for name in names_in(text))
        draft = filled(text, self.bones) if known else Draft(text=text, writer="llm")
        return not verify(draft, self.answer.evidence, self.answer.plan, self.answer.schema)


@dataclass
class Tally:
    """Texts by what became of them. got_out: lies that the reader would have seen."""

    texts: int = 0
    lies: int = 0
    sessions: int = 0
    templates: int = 0
    got_out: list[str] = field(default_factory=list)
    accepted: Counter[str] = field(default_factory=Counter)

    def note(self, texts: Sequence[Told], made: Rephrased) -> None:
        """One answer: the texts that were asked for, and which of them stands, if any."""
        asked = texts[: made.bill.model_calls]
        self.texts += len(asked)
        self.lies += sum(bool(one.lie) for one in asked)
        self.sessions += 1
        self.templates += made.draft is None
        if made.draft is not None:
            self.accepted[asked[-1].lie or "true"] += 1
            if asked[-1].lie:
                self.got_out.append(f"{asked[-1].lie}: {made.draft.text}")

    @property
    def bound(self) -> float | None:
        """Upper end of the 95% interval of the share of lies that get out, where none did: 3 / n."""
        return 3 / self.lies if self.lies and not self.got_out else None

    def row(self, name: str) -> tuple[Cell, ...]:
        """As a row of the table."""
        share = self.templates / self.sessions if self.sessions else None
        return (name, self.texts, self.lies, len(self.got_out), self.bound, share)


def liar_part(quick: bool) -> tuple[list[tuple[Cell, ...]], dict[str, object], bool]:
    """Rows under `COLUMNS`, figures, and whether no lie got out.

    Lies by a script, over the wire and by a small language model; quick: a few hundred, by the script alone.
    """
    cases = cases_of(answers_of("credit") if quick else every_answer())
    scripted, wired, small = _QUICK if quick else (SCRIPTED, WIRED, SMALL)
    rng = random.Random(0)
    written = Writing(cases, rng)
    _say(f"{len(cases)} answers to lie about")
    rows: list[tuple[Cell, ...]] = []
    tally = _in_process(written, scripted)
    rows.append(tally.row("scripted liar, askwhy's gate"))
    _say("over the wire")
    over = _over_the_wire(written, wired)
    rows.append(over.row("scripted liar over the wire, askwhy's gate"))
    figures = _figures(tally, over)
    passed = not tally.got_out and not over.got_out
    _say("the same without the gate")
    rows += [*_without_gate(written, figures), *_honest(cases, figures, quick)]
    if small:
        from askwhy.evals.words_small import small_rows

        _say("the small language model")
        rows += small_rows([case for case in cases if len(case.bones.text) <= _SHORT], written.seen, small, figures)
    return rows, figures, passed


def cases_of(answers: Sequence[TrueAnswer]) -> list[Case]:
    """The answers that a language model would be asked to put into other words."""
    found = (Case(one, one.draft()) for one in answers)
    return [case for case in found if is_prose(case.draft, case.answer.plan) and case.is_told(case.draft.text)]


@dataclass
class Writing:
    """The scripted liar: turns over all answers and kinds of lies. seen: what it wrote, with the answer it is about."""

    cases: list[Case]
    rng: random.Random
    seen: list[tuple[Case, Told]] = field(default_factory=list)

    def sessions(self) -> Iterator[tuple[Case, list[Told]]]:
        """Answers, each with two texts: the first, and the one after the complaints."""
        while True:
            for case in self.rng.sample(self.cases, len(self.cases)):
                free = list(free_lies(case.bones, case.draft.text, self.rng.randrange(1000)))
                made = [*lies(case.bones, case.true, self.rng), *self.rng.sample(free, min(4, len(free)))]
                self.rng.shuffle(made)
                for pair in zip(made[::2], made[1::2], strict=False):
                    texts = [one if self.rng.random() < _LYING else self._true(case) for one in pair]
                    self.seen += [(case, one) for one in texts if one.lie]
                    yield case, texts

    def _true(self, case: Case) -> Told:
        return Told(self.rng.choice(case.true), "")


def _in_process(written: Writing, most: int) -> Tally:
    tally = Tally()
    for case, texts in written.sessions():
        if tally.texts >= most:
            return tally
        tally.note(texts, case.rephrased(scripted_chat(texts)))
    return tally


def scripted_chat(texts: Sequence[Told]) -> Any:
    """A chat model that replies with these texts, in order."""
    from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
    from langchain_core.messages import AIMessage

    return GenericFakeChatModel(messages=iter([AIMessage(one.text) for one in texts]), name="scripted liar")


def _over_the_wire(written: Writing, most: int) -> Tally:
    from askwhy.agent.llm import named_model
    from askwhy.evals.words_wire import served

    tally, queue = Tally(), list[str]()
    with served(lambda messages: queue.pop(0)) as server:
        chat = named_model(server.name)
        for case, texts in written.sessions():
            if tally.texts >= most:
                return tally
            queue[:] = [one.text for one in texts]
            tally.note(texts, case.rephrased(chat))
    return tally


def _figures(tally: Tally, over: Tally) -> dict[str, object]:
    return {
        "liar_texts": tally.texts,
        "liar_lies": tally.lies,
        "liar_lies_that_reach_the_reader": len(tally.got_out) + len(over.got_out),
        "liar_bound": tally.bound,
        "liar_template_answers": round(tally.templates / max(1, tally.sessions), 4),
        "liar_wire_texts": over.texts,
        "liar_got_out": [*tally.got_out, *over.got_out][:5],
    }


def _without_gate(written: Writing, figures: dict[str, object]) -> list[tuple[Cell, ...]]:
    """The same lies with nothing between the writer and the reader, and with the check of free prose alone."""
    told_lies = written.seen
    sample = random.Random(1).sample(told_lies, min(_JUDGED, len(told_lies)))
    passed = [one for case, one in sample if case.is_told(one.text)]
    figures["liar_prose_check_alone"] = round(len(passed) / len(sample), 4)
    figures["liar_prose_check_alone_kinds"] = dict(Counter(one.lie for one in passed).most_common(6))
    return [
        ("the same lies, nothing checks", len(told_lies), len(told_lies), len(told_lies), None, 0.0),
        ("the same lies, the check of free prose alone", len(sample), len(sample), len(passed), None, None),
    ]


def _honest(cases: list[Case], figures: dict[str, object], quick: bool) -> list[tuple[Cell, ...]]:
    """True paraphrases: what share passes the gate, and what share the whole way."""
    rng = random.Random(2)
    rows: list[tuple[Cell, ...]] = []
    for name, key, write in (("paraphrases", "honest", honest), ("narratives of reasons", "narrated", narrated)):
        made = [(case, text) for case in cases for _ in range(1 if quick else 2) if (text := write(case.bones, rng))]
        read = [(case, text) for case, text in made if not check_constrained(told(text), case.bones)]
        kept = [one for one in read if one[0].is_told(one[1])]
        figures[f"{key}_texts"] = len(made)
        figures[f"{key}_pass_the_gate"] = round(len(kept) / max(1, len(made)), 4)
        figures[f"{key}_read_in_full"] = round(len(read) / max(1, len(made)), 4)
        refused = 1 - len(kept) / max(1, len(made))
        rows.append((f"true {name}, askwhy's gate", len(made), 0, 0, None, refused))
    return rows


def _say(what: str) -> None:
    print(f"lies: {what}", file=sys.stderr, flush=True)
