"""What an adapter's figures rest on: wordings that the gate takes, and a look at them that shares nothing with it."""

from __future__ import annotations

import random
from typing import Any

import pytest
from verify_cases import CASES

from askwhy.agent.plan import Clarify, Plan, Step
from askwhy.agent.skeleton import skeleton
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify.constrained import check_constrained
from askwhy.evals.bank import QUESTIONS, read_domain
from askwhy.evals.lora_rephrase import rephrase_lessons, short_cases
from askwhy.evals.measure_lora import Written, first_right, placeholders_grammar, suspicions, words_figures
from askwhy.evals.parsing_golds import Marks, PlanGold
from askwhy.evals.parsing_score import Scored
from askwhy.evals.suites import Item, schema_subject
from askwhy.evals.words_answers import TrueAnswer

TEMPLATE = "{1.f1.feature} raises the probability of {1.f2.cls} by {1.f1}. It is not lower than {1.f3}."


def test_wordings_are_other_words_that_the_gate_takes() -> None:
    cases = short_cases([TrueAnswer(name, one.plan, one.evidence, one.schema) for name, one in sorted(CASES.items())])
    lessons = list(rephrase_lessons("toy", cases, random.Random(0)))

    assert len({one.group for one in lessons}) > 3
    for one in lessons:
        case = cases[int(one.group.removeprefix("toy "))]
        assert one.said[-1] == ("user", case.bones.text) != ("user", one.target)
        assert not check_constrained(one.target, case.bones)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("{1.f1.feature} increases the likelihood of {1.f2.cls} by {1.f1}; it is not below {1.f3}.", ()),
        (TEMPLATE.replace("raises", "reduces"), ("other directions",)),
        (TEMPLATE.replace(" not", ""), ("other directions",)),
        (TEMPLATE.replace("{1.f3}", "{1.f9}"), ("other placeholders", "left out")),
        (TEMPLATE.replace("{1.f1}", "{x}").replace("{1.f3}", "{1.f1}").replace("{x}", "{1.f3}"), ("another order",)),
        (TEMPLATE.split(" It", maxsplit=1)[0], ("left out", "other directions")),
    ],
)
def test_what_a_reader_should_look_at(text: str, found: tuple[str, ...]) -> None:
    assert suspicions(TEMPLATE, text) == found


def test_the_shares_of_texts() -> None:
    other = "{1.f1.feature} pushes it up. It is not lower than {1.f3}."
    texts = ((TEMPLATE, ""), (TEMPLATE.split(" It", maxsplit=1)[0], ""), (other, ""), ("nonsense", "refused"))
    made = [Written(TEMPLATE, text, refused, suspicions(TEMPLATE, text), 1.0) for text, refused in texts]

    assert words_figures(made) == {
        "n": 4, "accepted": 0.75, "in_other_words": 0.25, "copied": 0.25, "to_look_at": 1, "seconds": 1.0,
    }  # fmt: skip


def test_the_first_tool_is_right_whatever_follows() -> None:
    subject = schema_subject(read_domain(QUESTIONS / "coffee_score.toml").schema)
    plan = Plan(steps=(Step(tool="count"), Step(tool="show")))
    item = Item("?", PlanGold((plan,)), subject, "coffee_score")

    def scored(outcome: Any) -> Scored:
        return Scored(item, outcome, Marks(), 0.0)

    assert first_right(scored(Plan(steps=(Step(tool="count"),))))
    assert not first_right(scored(Plan(steps=(Step(tool="show"), Step(tool="count")))))
    assert not first_right(scored(Clarify(question="What?")))
    assert not first_right(scored(None))


def test_the_grammar_of_words_has_the_placeholders_there_are_and_no_digit() -> None:
    llguidance = pytest.importorskip("llguidance")
    case = CASES["explain"]
    bones = skeleton(verbalize(case.evidence, case.schema), case.evidence, case.schema)
    words = llguidance.LLTokenizer("byte")

    def takes(text: str) -> bool:
        matcher = llguidance.LLMatcher(words, placeholders_grammar(bones))
        tokens = list(text.encode())
        return bool(matcher.try_consume_tokens(tokens) == len(tokens) and matcher.is_accepting())

    assert takes(bones.text)
    assert takes(f"It is so, {{{bones.placeholders[0].name}}}.")
    assert not takes("It is {9.f9}.")
    assert not takes("It is 9.")
