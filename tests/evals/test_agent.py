"""`askwhy eval agent`: the rules of scoring on reports made by hand, the golds, and the command on tiny slices."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
import toy_subjects

from askwhy.agent.answer import Answer, Claim
from askwhy.agent.investigate.report import Report, Told
from askwhy.agent.plan import Plan, Step
from askwhy.agent.run import Runner
from askwhy.agent.verbalize import verbalize
from askwhy.evals import agent as command
from askwhy.evals.agent_engines import Engine, audited_by_tools, scripted
from askwhy.evals.agent_keys import Gold, Key, Seen, at, group, named, number, pushed, rows, step
from askwhy.evals.agent_questions import Asked, questions, world
from askwhy.evals.agent_recheck import misstated, selected, withheld, wrong_claims
from askwhy.evals.agent_world import World
from askwhy.evals.flaw_scores import Cost, FlawScore, in_place, scored
from askwhy.evals.flawed_models import Flawed
from askwhy.evals.flawed_tables import Flaw
from askwhy.evals.registry import Report as Table
from askwhy.evals.registry import UsageError, evaluations
from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.scope import Condition, Scope, Where
from askwhy.tools.subject import Subject

_NONE = np.zeros(toy_subjects.ROWS, dtype=bool)
_REVERSAL = Flaw("reversal", ("LoanPurpose",), ("car",), _NONE)


def fact(value: str, **about: Any) -> Fact:
    """A flaw as a tool tells it."""
    return Fact(id="f1", relation="flaw", value=value, unit="category", **about)


def report(*found: Evidence, text: str = "", claims: tuple[Claim, ...] = ()) -> Report:
    """A report of steps that found this."""
    told = tuple(Told(title="", step=Step(tool=one.tool or "count"), evidence=one, text="") for one in found)
    outcome = Plan(steps=(Step(tool="count"),))
    answer = Answer(text=text, question="?", outcome=outcome, evidence=found, claims=claims, verdict="verified")
    return Report(answer=answer, told=told)


def flawed(flaw: Flaw | None) -> Flawed:
    """The toy subject, said to have a flaw."""
    subject = toy_subjects.binary()
    assert subject.target is not None
    return Flawed("toy", subject, flaw, subject.target.to_numpy(dtype=object), np.zeros(toy_subjects.ROWS))


@pytest.mark.parametrize(
    ("told", "found", "other_kind", "elsewhere"),
    [
        ((fact("reversal", feature="LoanPurpose"),), True, False, 0),
        ((fact("reversal", group="loan purpose car"),), True, False, 0),
        ((fact("reversal", feature="LoanPurpose", group="loan purpose car"),), True, False, 0),
        ((fact("reversal", feature="LoanPurpose", group="loan purpose studies"),), False, False, 1),
        ((fact("reversal", feature="age"),), False, False, 1),
        ((fact("reversal", group="age above 40"),), False, False, 1),
        ((fact("label noise", feature="LoanPurpose", group="loan purpose car"),), False, True, 0),
        ((fact("leak", feature="age"), fact("reversal", feature="LoanPurpose")), True, False, 1),
        ((fact("reversal", group="car"),), False, False, 1),
        ((), False, False, 0),
    ],
)
def test_a_flaw_is_found_by_kind_and_place(
    told: tuple[Fact, ...], found: bool, other_kind: bool, elsewhere: int
) -> None:
    score = scored(report(Evidence(facts=told, tool="finder")), flawed(_REVERSAL), Cost())
    assert (score.found, score.other_kind, score.elsewhere) == (found, other_kind, elsewhere)


def test_every_flaw_of_a_clean_model_is_a_false_accusation() -> None:
    twice = Evidence(facts=(fact("leak", feature="age"), fact("leak", feature="age")), tool="finder")
    score = scored(report(twice, twice), flawed(None), Cost())
    assert (score.kind, score.found, score.elsewhere) == ("clean", False, 1)


def test_the_word_of_a_text_is_the_place() -> None:
    schema = toy_subjects.text().schema
    marker = Flaw("shortcut", (), ("refcode77",), _NONE)
    topic = Flaw("label noise", (), ("video call",), _NONE)
    assert in_place(fact("shortcut", at="refcode77"), marker, schema)
    assert in_place(fact("shortcut", group="texts with “refcode77”", feature="review"), marker, schema)
    assert in_place(fact("label noise", group="containing “call”"), topic, schema)
    assert not in_place(fact("shortcut", at="refcode"), marker, schema)
    assert not in_place(fact("shortcut", feature="review"), marker, schema)


def test_a_combination_is_found_by_either_feature() -> None:
    schema = toy_subjects.binary().schema
    both = Flaw("weak region", ("LoanPurpose", "age"), ("car",), _NONE)
    assert in_place(fact("weak region", group="age at most 40"), both, schema)
    assert in_place(fact("weak region", group="loan purpose car and age at most 40"), both, schema)
    assert not in_place(fact("weak region", group="monthly income above 30"), both, schema)


def test_the_gate_counts_found_false_and_wrong() -> None:
    def one(found: bool, kind: str = "leak", elsewhere: int = 0, wrong: tuple[str, ...] = ()) -> FlawScore:
        return FlawScore("m", kind, found, False, elsewhere, wrong, 0, (), Cost())

    good = [one(True)] * 8 + [one(False)] * 2
    assert command.flaws_pass([*good, one(False, "clean", 1)])
    assert not command.flaws_pass([*good, one(False)])
    assert not command.flaws_pass([*good, one(False, "clean", 2)])
    assert not command.flaws_pass([*good[1:], one(True, wrong=("not so",))])
    assert command.flaw_figures([*good, one(False, "clean", 1)])["false_accusations"] == 1


def test_only_what_a_sentence_rests_on_is_told() -> None:
    found = Evidence(
        tool="importance",
        facts=(
            Fact(id="f1", relation="top", value=0.3, feature="age", rank=1),
            Fact(id="f2", relation="top", value=0.2, feature="LoanPurpose", rank=2),
            Fact(id="f3", relation="probability", value=0.75, unit="probability", row="7", cls="yes"),
            Fact(id="f4", relation="worst", value=0.5, group="age above 40 and loan purpose car"),
        ),
    )
    seen = Seen.of((found,), [Claim(start=0, end=1, facts=("1.f1", "1.f3", "1.f4"))])
    assert named("age").holds(seen)
    assert not named("LoanPurpose").holds(seen)
    assert number(0.75).holds(seen)
    assert number(0.75, row="7").holds(seen)
    assert not number(0.75, row="8").holds(seen)
    assert not number(0.2).holds(seen)
    assert rows("7").holds(seen)
    assert not rows("7", "8").holds(seen)
    assert group("AGE", "car").holds(seen)
    assert not group("age", "house").holds(seen)
    assert not number(0.75).holds(Seen.of((found, found), [Claim(start=0, end=1, facts=("3.f3",))]))


def test_what_pushed_a_row_is_worked_out_without_a_tool() -> None:
    subject = toy_subjects.regression()  # a ridge on a line: what each feature adds is its coefficient times its lead
    truth = World(subject)
    values = truth.shapley("0", 0)
    total = float(truth.out[0, 0]) - float(subject.predictor(subject.background).mean())
    assert sum(values.values()) == pytest.approx(total, abs=1e-6)
    first = max(values, key=lambda name: abs(values[name]))
    last = min(values, key=lambda name: abs(values[name]))
    assert pushed(truth, "0").holds(_explained({first: values[first], last: values[last]}))
    assert not pushed(truth, "0").holds(_explained({last: values[last]}))


def _explained(values: dict[str, float]) -> Seen:
    facts = tuple(
        Fact(id=f"f{i}", relation="reason", value=value, unit="output", feature=name, row="0")
        for i, (name, value) in enumerate(values.items(), 1)
    )
    found = Evidence(facts=facts, tool="explain", scope=Scope(row="0"))
    return Seen.of((found,), [Claim(start=0, end=1, facts=tuple(f"1.{one.id}" for one in facts))])


def test_facts_are_worked_out_again() -> None:
    subject = toy_subjects.binary()
    truth = World(subject)
    where = Where.of(Condition(feature="LoanPurpose", value="car"), Condition(feature="age", op="lt", value=40))
    mask = (subject.data["LoanPurpose"] == "car") & (subject.data["age"] < 40)
    assert selected(where, truth) is not None
    assert np.array_equal(selected(where, truth), mask)  # type: ignore[arg-type]  # not None, as just asserted
    counted = Evidence(facts=(Fact(relation="count", value=int(mask.sum())),), tool="count", scope=Scope(where=where))
    assert list(misstated(counted, truth)) == []
    wrong = counted.model_copy(update={"facts": (Fact(relation="count", value=1000),)})
    assert len(list(misstated(wrong, truth))) == 1
    chance = Fact(relation="probability", value=0.123, cls="yes", row="3")
    assert len(list(misstated(Evidence(facts=(chance,), tool="predict", scope=Scope(row="3")), truth))) == 1
    assert list(misstated(Evidence(facts=(fact("leak", feature="shoe size"),), tool="finder"), truth)) != []


def test_the_shown_words_are_read_again() -> None:
    subject = toy_subjects.binary()
    plan = Plan(steps=(step("mistakes", what="count"), step("importance")))
    ran = Runner().run(plan, subject)
    told = []
    for one, found in zip(plan.steps, ran.evidence, strict=True):
        draft = verbalize((found,), subject.schema, variation=0, forms=("words",))
        told.append(Told(title="", step=one, evidence=found, text=draft.text, claims=draft.claims))
    right = report(*ran.evidence).model_copy(update={"told": tuple(told)})
    assert wrong_claims(right, subject) == ()
    assert withheld(right) == 0
    wrongs = next(str(one.value) for one in ran.evidence[0].facts if one.relation == "wrong")
    lie = told[0].model_copy(update={"text": told[0].text.replace(f"about {wrongs} of", "about 99 of"), "claims": ()})
    assert lie.text != told[0].text
    assert wrong_claims(right.model_copy(update={"told": (lie, told[1])}), subject) != ()


def test_there_are_over_a_hundred_questions_on_tables_and_texts() -> None:
    every = questions()
    assert len(every) >= 100
    assert len({one.id for one in every}) == len({one.question for one in every}) == len(every)
    assert {one.subject for one in every} == {"credit", "diabetes", "penguins", "breast-cancer", "reviews", "debates"}
    assert max(Counter(one.chain for one in every).values()) <= len(every) / 3


@pytest.mark.parametrize("subject", ["credit", "diabetes", "penguins", "breast-cancer"])
def test_every_gold_of_a_table_runs_and_asks_for_something(subject: str) -> None:
    for one in questions():
        if one.subject == subject:
            gold = one.gold(world(subject))
            assert 2 <= len(gold.steps) <= 6
            assert gold.keys
            empty = Seen.of((), ())
            assert not any(key.holds(empty) for key in gold.keys), one.id


@pytest.mark.parametrize("name", ["penguins 4", "penguins 7", "diabetes 4", "breast-cancer 6"])
def test_the_gold_steps_lead_to_what_the_gold_asks_for(name: str) -> None:
    one = next(each for each in questions() if each.id == name)
    truth = world(one.subject)
    gold = one.gold(truth)
    plan = Plan(steps=gold.steps)
    ran = Runner().run(plan, truth.subject)
    draft = verbalize(ran.evidence, truth.subject.schema, variation=0, forms=plan.forms)
    seen = Seen.of(ran.evidence, draft.claims)
    assert [key.name for key in gold.keys if not key.holds(seen)] == []


def test_the_scripted_planner_plays_its_steps_and_stops() -> None:
    subject = toy_subjects.binary()
    gold = Gold((step("count", where=at("age", 40, "gt")), step("explain", row="3")), ())
    model = scripted(gold, subject)
    replies = [model.invoke("go") for _ in range(3)]
    assert [[call["name"] for call in one.tool_calls] for one in replies] == [["count"], ["explain"], []]  # type: ignore[attr-defined]


def _tiny(monkeypatch: pytest.MonkeyPatch) -> Subject:
    subject = toy_subjects.binary()
    asked = Asked("toy", "toy 1", "count", "how many rows are there?", lambda w: Gold((step("count"),), (_all(w),)))
    monkeypatch.setattr(command, "questions", lambda: (asked,))
    monkeypatch.setattr(command, "_QUICK_QUESTIONS", ("toy 1",))
    monkeypatch.setattr(command, "world", lambda name: World(subject))
    monkeypatch.setattr(command, "flawed_model", lambda spec, seed: flawed(_REVERSAL if spec.kind else None))
    monkeypatch.setattr(command, "quick_specs", lambda: (command.SPECS[0], command.SPECS[-1]))
    return subject


def _all(w: World) -> Key:
    return number(len(w.ids))


def test_the_quick_command_on_two_tiny_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    _tiny(monkeypatch)
    made: Table = evaluations()["agent"](["--quick", "--by", "tools"])
    assert made.figures["flaws"] == made.figures["clean"] == made.figures["questions"] == 1
    assert made.figures["exact"] == 1
    assert made.figures["wrong_claims"] == 0
    assert {"flaws_found", "false_accusations", "calls", "tokens", "seconds"} <= set(made.figures)
    assert [row[2] for row in made.rows if row[2] == "not run here"] == ["not run here"] * 2


def test_the_command_wants_a_name_and_a_known_part() -> None:
    for wrong in (["--part", "both"], ["--llm", " "], ["--seed", "x"]):
        with pytest.raises(UsageError):
            evaluations()["agent"](wrong)


def test_tools_alone_make_a_report_that_verifies() -> None:
    made = audited_by_tools(toy_subjects.binary())
    assert wrong_claims(made, toy_subjects.binary()) == ()
    assert Engine("tools").audit(toy_subjects.binary())[1].calls == 0
