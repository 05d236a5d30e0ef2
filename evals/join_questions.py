"""Two questions that somebody wrote, asked in one breath: none must be lost, nor what each is about."""

from __future__ import annotations

import random
import re

from askwhy.agent.plan import Plan, Step
from askwhy.evals.bank import Asked

_APART = ("? ", ". ", "? Also, ", ". Then: ", "? And ", " - ", "; ", "? Then ", ". Next, ", " ... ")
_TOGETHER = (" and ", ", and ", " and then ", ", then ", " and also ", " plus ")
_MOST_STEPS = 4
_MOST_LETTERS = 260
_ENDS = re.compile(r"[\s.?!;,]+$")


def joined(first: Asked, second: Asked, rng: random.Random) -> Asked | None:
    """Both questions as one, the plan that means both; None where they cannot stand beside each other.

    A joint that makes one sentence of them is taken only where both say what they are about, or neither does: of "how
    many women are there and how accurate is it" people mean the women in both halves.
    """
    one, two = first.gold, second.gold
    if not isinstance(one, Plan) or not isinstance(two, Plan) or first is second:
        return None
    steps = (*one.steps, *(_later(step, len(one.steps)) for step in two.steps))
    text, other = _ENDS.sub("", first.question), second.question
    if len(steps) > _MOST_STEPS or len(set(steps)) < len(steps) or len(text) + len(other) > _MOST_LETTERS:
        return None
    if any(step.audience or step.length or step.form != "words" for step in steps) or "\n" in text + other:
        return None
    alike = _says(one.steps[-1]) == _says(two.steps[0])
    joint = rng.choice((*_APART, *_TOGETHER) if alike else _APART)
    if re.match(r"[A-Z][a-z]*\b(?! [A-Z])", other) and not joint.endswith((". ", "? ")):
        other = other[0].lower() + other[1:]
    return Asked(f"{text}{joint}{other}", (Plan(steps=steps),), first.line)


def _says(step: Step) -> bool:
    return bool(step.scope.where.all) or step.scope.has_instance


def _later(step: Step, before: int) -> Step:
    refs = tuple(ref.model_copy(update={"step": ref.step + before}) for ref in step.refs)
    return step.model_copy(update={"refs": refs})
