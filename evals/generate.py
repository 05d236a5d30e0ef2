"""Questions without end, with the plans that they mean: training data for the embedded understanding.

    rng = random.Random(7)
    schema = varied(rng.choice(domains()), rng)
    asked = generated(schema, rng)

Templates (`generate_grammar`) are filled from a schema (`generate_slots`, `generate_filters`, `generate_changes`),
joined to compounds (`generate_compound`), and typed as people type (`generate_noise`). The golds keep the conventions
of the question bank; each is what its own tool calls would be read as. The same seed gives the same questions.
"""

from __future__ import annotations

import random
import re
from typing import NamedTuple

from askwhy.agent.plan import Clarify, Decline, Outcome, Plan
from askwhy.evals.bank import Asked
from askwhy.evals.generate_compound import compound, follow_up
from askwhy.evals.generate_grammar import registered, rendered
from askwhy.evals.generate_noise import Mention, typed, unmarked
from askwhy.evals.generate_schemas import Varied, domains, varied
from askwhy.evals.generate_slots import Filling, twins, vague
from askwhy.evals.generate_steps import Menu, menu_of, single, speech_of
from askwhy.evals.generate_words import Speech
from askwhy.tools.schema import Schema

__all__ = ["Generated", "Mention", "Varied", "domains", "followed", "generated", "generated_with_mentions", "varied"]

_COMPOUND, _ASK, _ASK_PRONOUN, _DECLINE = 0.13, 0.045, 0.02, 0.035
_QUESTION_WORDS = frozenset(
    (
        "what",
        "what's",
        "which",
        "who",
        "whose",
        "where",
        "when",
        "why",
        "how",
        "is",
        "are",
        "was",
        "were",
        "am",
        "do",
        "does",
        "did",
        "don't",
        "doesn't",
        "didn't",
        "can",
        "could",
        "would",
        "will",
        "should",
        "may",
        "might",
        "must",
        "has",
        "have",
        "had",
        "isn't",
        "aren't",
        "wasn't",
        "whats",
        "any",
    )
)


_VERB = 0.4
_HOW_MANY = re.compile(
    r"^(how many (?!are |misses|mistakes|errors|false )[^\x01,]*?)(?<! not) (?:that have|having|with|w/)(?= )"
)
_ENDINGS = ("there", "have", "exist", "data", "them")


class Generated(NamedTuple):
    """A question with its plan, and where in the question columns, values, classes and numbers are spoken of."""

    asked: Asked
    mentions: tuple[Mention, ...]


def generated(schema: Schema, rng: random.Random) -> Asked:
    """A question about the schema and what it means, drawn at random."""
    return generated_with_mentions(schema, rng).asked


def generated_with_mentions(schema: Schema, rng: random.Random) -> Generated:
    """A question, its plan, and where the question speaks of what."""
    speech = speech_of(schema)
    menu = menu_of(speech)
    draw = rng.random()
    outcome: Outcome
    if draw < _COMPOUND:
        said = compound(speech, menu, rng)
        text, outcome = said.text, Plan(steps=said.steps)
    elif draw < _COMPOUND + _ASK + _ASK_PRONOUN:
        text, outcome = _asked_back(speech, menu, rng, pronoun=draw > _COMPOUND + _ASK)
    elif draw < _COMPOUND + _ASK + _ASK_PRONOUN + _DECLINE:
        name = rng.choice(menu.declines)
        text = rendered(rng.choice(menu.forms[name]).nodes, rng, Filling(speech, rng))
        outcome = Decline(reason=name.removeprefix("no "))
    else:
        said = single(speech, menu, rng)
        text, outcome = _said_of_them(said.text, rng), Plan(steps=said.steps)
    question, mentions = unmarked(typed(text, _is_question(text), rng))
    return Generated(Asked(question, (outcome,), 0), mentions)


def _said_of_them(text: str, rng: random.Random) -> str:
    """Now and then "how many women with a fee above 50" as "how many women have a fee above 50"."""
    if rng.random() < _VERB or text.endswith(_ENDINGS):
        return text
    return _HOW_MANY.sub(r"\1 have", text, count=1)


def followed(schema: Schema, rng: random.Random) -> tuple[Asked, Asked] | None:
    """A question and one that follows it, in which a pronoun stands for the rows; None where none was found."""
    speech = speech_of(schema)
    found = follow_up(speech, menu_of(speech), rng)
    if found is None:
        return None
    said = (unmarked(typed(one.text, _is_question(one.text), rng))[0] for one in found)
    first, second = (Asked(text, (Plan(steps=one.steps),), 0) for text, one in zip(said, found, strict=True))
    return first, second


def _asked_back(speech: Speech, menu: Menu, rng: random.Random, pronoun: bool) -> tuple[str, Clarify]:
    if pronoun:
        usable = [name for name in menu.tools if registered()[name].needs == "instance"]
        usable = [name for name in usable if any("row" in one.slots for one in menu.forms[name])]
        spoken = rng.choice([one for one in menu.forms[rng.choice(usable)] if "row" in one.slots])
        return " ".join(rendered(spoken.nodes, rng, _Unnamed(speech, rng)).split()), Clarify(question="row")
    name = rng.choice(menu.asks)
    lacking = {slot for slot, there in (("twin", twins(speech)), ("vague", vague(speech))) if not there}
    fitting = [one for one in menu.forms[name] if not one.slots & lacking]
    form = rng.choice(fitting or menu.forms["ask row"])
    name = form.tool
    filling = Filling(speech, rng)
    text = " ".join(rendered(form.nodes, rng, filling).split())
    options = next((filling.values[value] for key, value in form.fixed if key == "options"), ())
    return text, Clarify(question=name.removeprefix("ask "), options=options)


class _Unnamed(Filling):
    """Rows are only pointed at."""

    def __call__(self, slot: str) -> str:
        """A pronoun in place of a row, else as always."""
        if slot in ("row", "id", "who", "on"):
            people = ("him", "her", "them", "this person", "my client", "this one")
            return self.rng.choice(
                people if self.speech.people else ("it", "this one", "that one", f"this {self.speech.schema.entity}")
            )
        return super().__call__(slot)


def _is_question(text: str) -> bool:
    plain = unmarked(text[:60])[0] if "\x02" in text[:60] else text
    first = plain.split(maxsplit=1)[0].lower().strip(",:") if plain.split() else ""
    return first in _QUESTION_WORDS or (
        ", " in text and any(f", {word} " in text for word in ("what", "how", "which", "why", "is", "does"))
    )
