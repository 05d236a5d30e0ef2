"""Sentences of tools that were worded anew: true ones pass the check, the same with another number or name do not."""

from __future__ import annotations

import pytest
from table_subjects import run
from toy_subjects import binary

from askwhy.agent.answer import Draft
from askwhy.agent.plan import Plan, Step
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.scope import Scope


def refused(draft: Draft, step: Step) -> bool:
    subject = binary()
    return bool(verify(draft, (run(subject, step.tool, step.scope),), Plan(steps=(step,)), subject.schema))


@pytest.mark.parametrize(
    ("step", "said", "other"),
    [
        (Step(tool="likelihood", scope=Scope(row="3")), " have a smaller lead.", "1"),
        (Step(tool="importance"), " cannot be told from zero.", ""),
    ],
)
def test_true_words_pass_and_others_do_not(step: Step, said: str, other: str) -> None:
    subject = binary()
    draft = verbalize((run(subject, step.tool, step.scope),), subject.schema)
    assert said in draft.text and not refused(draft, step)
    at = draft.text.index(said)
    if other:  # another share
        start = draft.text.rindex(" ", 0, at) + 1
        wrong = draft.text[:start] + other + draft.text[start:]
    else:  # what must be told is not
        start = draft.text.rindex("The importance of", 0, at)
        wrong = draft.text[:start] + draft.text[at + len(said) :].lstrip()
    assert refused(draft.model_copy(update={"text": wrong, "claims": ()}), step)
