"""Questions asked in one breath mean what both mean."""

from __future__ import annotations

import random

from askwhy.agent.plan import Decline, Plan, Ref, Step
from askwhy.evals.bank import Asked
from askwhy.evals.join_questions import joined
from askwhy.tools.scope import AnyOf, Condition, Scope, Where

WOMEN = Scope(where=Where(all=(AnyOf(any=(Condition(feature="sex", value="f"),)),)))
COUNT = Asked("How many women are there?", (Plan(steps=(Step(tool="count", scope=WOMEN),)),), 1)
SCORE = Asked("How accurate is it?", (Plan(steps=(Step(tool="score"),)),), 2)
WORST = Asked(
    "Worst mistake, and why?",
    (
        Plan(
            steps=(Step(tool="mistakes"), Step(tool="explain", refs=(Ref(into="row", step=1, relation="any"),))),
        ),
    ),
    3,
)


def test_both_plans_are_kept_and_references_move() -> None:
    both = joined(COUNT, WORST, random.Random(0))
    assert both is not None and isinstance(both.gold, Plan)
    assert [step.tool for step in both.gold.steps] == ["count", "mistakes", "explain"]
    assert both.gold.steps[0].scope == WOMEN and both.gold.steps[2].refs[0].step == 2
    assert both.question.lower().startswith("how many women are there")


def test_what_one_half_is_about_is_not_said_of_the_other() -> None:
    for seed in range(40):
        both = joined(COUNT, SCORE, random.Random(seed))
        assert both is not None and " and how accurate" not in both.question.replace("? And", "?")


def test_what_cannot_stand_together_is_left() -> None:
    rng = random.Random(0)
    assert joined(COUNT, COUNT, rng) is None
    assert joined(COUNT, Asked("Tell a joke", (Decline(reason="out_of_scope"),), 4), rng) is None
    brief = Asked("briefly, how good?", (Plan(steps=(Step(tool="score", length="short"),)),), 5)
    assert joined(COUNT, brief, rng) is None
