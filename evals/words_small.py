"""Lies of a real small language model, and the same model as the critic of other words: for `evals/words_liar.py`."""

from __future__ import annotations

import random
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from askwhy.agent.rephrase import Rephrased
from askwhy.agent.skeleton import filled, names_in
from askwhy.evals.registry import Cell
from askwhy.evals.words_liar import Case
from askwhy.evals.words_lies import Told, honest
from askwhy.evals.words_wire import MOST_AT_ONCE, SmallModel, served
from askwhy.prompts import load

_CRITIC = 40
"""Texts that the critic judges: half of them lies, half true."""


def small_rows(
    cases: list[Case], seen: list[tuple[Case, Told]], most: int, figures: dict[str, object]
) -> list[tuple[Cell, ...]]:
    """Rows for the small model as writer behind the gate, and as critic without it; figures are added to."""
    rng = random.Random(3)
    with served(SmallModel()) as server:
        chat = _patient(server.name)
        row = _writes(rng.sample(cases, min(most, len(cases))), chat, most, figures)
        return [row, _judges(cases, seen, chat, rng, figures)]


def _patient(name: str) -> Any:
    """The served model, with more time than a person would give it."""
    from langchain.chat_models import init_chat_model

    url, _, model = name.removeprefix("openai-compatible@").partition("#")
    return init_chat_model(model, model_provider="openai", base_url=url, api_key="none", timeout=600, max_retries=0)


def _writes(cases: list[Case], chat: Any, most: int, figures: dict[str, object]) -> tuple[Cell, ...]:
    """The small model writes; what passes in other words than the template's is listed to be read."""
    made: list[tuple[Case, Rephrased]] = []
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        while cases and sum(one.bill.model_calls for _, one in made) < most:
            now, cases = cases[:MOST_AT_ONCE], cases[MOST_AT_ONCE:]
            made += zip(now, pool.map(lambda case: case.rephrased(chat), now), strict=True)
    texts = sum(one.bill.model_calls for _, one in made)
    taken = [(case, one.draft.text) for case, one in made if one.draft is not None]
    other = [text for case, text in taken if not _is_of(text, case.draft.text)]
    templates = sum(one.draft is None for _, one in made)
    figures["small_texts"] = texts
    figures["small_accepted"] = len(taken)
    figures["small_accepted_in_other_words"] = other[:10]
    figures["small_template_answers"] = round(templates / max(1, len(made)), 4)
    share = templates / len(made) if made else None
    return ("SmolLM2-135M over the wire, askwhy's gate", texts, None, 0 if not other else None, None, share)


def _is_of(text: str, template: str) -> bool:
    """Whether a text is nothing but sentences of the template, word for word."""
    return all(part.strip() in template for part in re.split(r"(?<=\.)\s", text))


def _judges(
    cases: list[Case], seen: list[tuple[Case, Told]], chat: Any, rng: random.Random, figures: dict[str, object]
) -> tuple[Cell, ...]:
    """A critic reads the facts and the words of a narrator, and says whether they are true."""
    short = {id(case) for case in cases}
    lies = [(case, one.text) for case, one in seen if id(case) in short and _known(case, one.text)]
    false = rng.sample(lies, min(_CRITIC // 2, len(lies)))
    true = [(case, honest(case.bones, rng)) for case in rng.sample(cases, min(_CRITIC // 2, len(cases)))]
    with ThreadPoolExecutor(MOST_AT_ONCE) as pool:
        said = list(pool.map(lambda one: _approves(one[0], one[1], chat), [*false, *true]))
    missed, refused = sum(said[: len(false)]), sum(not one for one in said[len(false) :])
    figures["critic_lies"] = len(false)
    figures["critic_lies_that_reach_the_reader"] = missed
    figures["critic_truths_refused"] = round(refused / max(1, len(true)), 4)
    return ("the same lies, SmolLM2-135M as critic", len(false) + len(true), len(false), missed, None, None)


def _known(case: Case, text: str) -> bool:
    return all(name in case.bones.by_name for name in names_in(text)) and "|" not in text


def _approves(case: Case, text: str, chat: Any) -> bool:
    from langchain_core.messages import HumanMessage

    facts = "\n".join(
        f"- {fact.relation}{f' of {fact.feature}' if fact.feature else ''}: {fact.value}"
        for one in case.answer.evidence
        for fact in one.facts[:12]
    )
    asked = load("judge_words").render(facts=facts, text=filled(text, case.bones).text)
    reply = str(chat.invoke([HumanMessage(asked)]).text).strip().lower()
    return not re.match(r"\W*no\b", reply)
