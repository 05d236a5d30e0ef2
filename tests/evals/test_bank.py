"""The question bank: every gold is one that can be run, and the network's grammar can say nearly all of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from gym_schema import GYM

from askwhy.agent.calls import BadCalls
from askwhy.agent.parser.grammar import Grammar
from askwhy.agent.parser.meaning import read
from askwhy.agent.parser.page import Page
from askwhy.agent.parser.writing import Unwritable, write
from askwhy.agent.plan import Clarify, Decline, Plan, Step
from askwhy.evals.bank import BadBank, Domain, later_domains, read_domain, read_golds
from askwhy.evals.typed import same, typed
from askwhy.tools.errors import ToolError
from askwhy.tools.scope import AnyOf, Change, Condition, Scope, Where

QUESTIONS = Path(__file__).parents[2] / "evals" / "questions"
TRAINING = sorted(QUESTIONS.glob("*.toml"))
HELD_OUT = sorted((QUESTIONS / "held").glob("*.toml"))


@pytest.fixture(scope="module")
def gym(tmp_path_factory: pytest.TempPathFactory) -> Domain:
    folder = tmp_path_factory.mktemp("bank")
    (folder / "gym.toml").write_text(GYM)
    (folder / "gym.txt").write_text(
        """
# a comment
? women over 40, or anyone with a trainer: how many leave?
= count ; where sex = f | trainer = true & age > 40 & @predicted = yes
? and if 12 paid 10 % less?
= what_if ; row 12 ; change fee *0.9

? worst mistake, and why
= mistakes ; k 1
= explain ; row from 1
~ contrast ; row from 1

? explain it
= ask row
? tell a joke
= no out_of_scope
"""
    )
    return read_domain(folder / "gym.toml")


def test_the_notation_is_read(gym: Domain) -> None:
    first, second, third, fourth, fifth = gym.questions
    where = Where(
        all=(
            AnyOf(any=(Condition(feature="sex", value="f"), Condition(feature="trainer", value=True))),
            AnyOf(any=(Condition(feature="age", op="gt", value=40),)),
            AnyOf(any=(Condition(on="predicted", value="yes"),)),
        )
    )
    assert first.gold == Plan(steps=(Step(tool="count", scope=Scope(where=where)),))
    change = Change(feature="fee", action="scale", value=0.9)
    assert second.gold == Plan(steps=(Step(tool="what_if", scope=Scope(row="12", changes=(change,))),))
    assert [len(gym.conversations[i]) for i in range(3)] == [2, 1, 2]
    assert len(third.golds) == 2 and isinstance(third.gold, Plan) and third.gold.steps[1].refs[0].step == 1
    assert fourth.gold == Clarify(question="row") and fifth.gold == Decline(reason="out_of_scope")


@pytest.mark.parametrize(
    "line", ["counts", "count ; where agee > 3", "what_if ; row 12", "ask nothing", "explain ; k a"]
)
def test_what_cannot_be_run_is_refused(gym: Domain, line: str) -> None:
    with pytest.raises((BadBank, BadCalls, ToolError)):
        read_golds([[line]], gym.schema)


def test_readings_are_the_same_whatever_their_order_and_defaults(gym: Domain) -> None:
    def gold(*steps: str) -> object:
        return typed(read_golds([[step] for step in steps], gym.schema)[0])

    assert gold("count ; where age > 4 & sex = f") == gold("count ; where sex = f & not age <= 4")
    assert gold("count", "score") == gold("score ; metric accuracy", "count")
    assert gold("importance ; k 5") == gold("importance") != gold("importance ; k 3")
    assert gold("explain ; row 3") != gold("explain ; row 4") != gold("explain ; row 4 ; audience expert")
    assert same(Clarify(question="row"), [Clarify(question="feature")])


def test_there_are_enough_questions_over_enough_schemas() -> None:
    assert len(TRAINING) + len(HELD_OUT) >= 60 and len(HELD_OUT) >= 15
    assert not {path.stem for path in TRAINING} & {path.stem for path in HELD_OUT}
    asked = sum(path.with_suffix(".txt").read_text().count("\n?") for path in (*TRAINING, *HELD_OUT))
    assert asked >= 6000


@pytest.mark.parametrize("paths", [TRAINING[::6], HELD_OUT[::4]], ids=["training", "held-out"])
def test_the_grammar_says_what_the_questions_mean(paths: list[Path]) -> None:
    said, unsaid = 0, 0
    for path in paths:
        domain = read_domain(path)
        for conversation in domain.conversations:
            earlier: tuple[Step, ...] = ()
            for asked in conversation:
                page = Page.of(asked.question, domain.schema, earlier)
                try:
                    actions = [choices[0] for choices in write(asked.gold, page)]
                except Unwritable:
                    unsaid += 1
                else:
                    grammar = Grammar(page.offer())
                    for action in actions:
                        grammar.push(action)
                    assert grammar.done
                    assert typed(read(actions, page)) == typed(asked.gold), asked.question
                    said += 1
                earlier = asked.gold.steps if isinstance(asked.gold, Plan) else earlier
    assert unsaid <= 0.04 * (said + unsaid)


@pytest.mark.parametrize("path", TRAINING, ids=lambda path: path.stem)
def test_crime_is_kept_for_the_exam(path: Path) -> None:
    sealed = re.compile(r"\b\w*(?:arrest|crime|criminal|prison|recidiv|offender|parole|court_)\w*")
    names = [one.name.lower() for one in read_domain(path).schema.features]
    assert not [name for name in names if sealed.search(name)]


def test_later_questions_are_about_schemas_of_the_bank() -> None:
    found = list(later_domains())
    assert {one.name for one in found} <= {path.stem for path in TRAINING}
    assert all(one.questions for one in found)
