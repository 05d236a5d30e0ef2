"""Letters: at most four reasons that hold when they are tried on the model, or none; next steps that it accepts."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pytest
from table_subjects import loan_subject, of_rule, with_features
from toy_subjects import SUBJECTS

from askwhy.agent.letter import CLOSING, letter_step
from askwhy.agent.manner import manners_of
from askwhy.agent.plan import Plan, Step
from askwhy.agent.run import Runner
from askwhy.agent.understood import understood
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.evidence import Evidence, Quality
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Argument, Condition, Scope, Where
from askwhy.tools.subject import Subject
from askwhy.tools.table import letter_reasons as home
from askwhy.tools.view import make_view

FEATURES = ("a", "b", "c", "d", "e", "f")


def reasons_of(subject: Subject, row: str, **given: object) -> Evidence:
    view = make_view(subject, Scope(row=row), Evaluator(subject.predictor), 0)
    return find_tool("letter_reasons")(view, **given)


def letter(subject: Subject, row: str) -> tuple[str, Evidence]:
    """The letter to a row, every sentence of it checked."""
    plan = Plan(steps=(Step(tool="explain", scope=Scope(row=row), form="letter"),))
    found = Runner().run(plan, subject).evidence
    draft = verbalize(found, subject.schema, forms=plan.forms, manners=manners_of(plan))
    assert verify(draft, found, plan, subject.schema) == ()
    assert all(draft.text[one.start : one.end].strip() for one in draft.claims) and draft.claims
    return draft.text, found[0]


def planted() -> Subject:
    """Six numbers; the output rises with five of them, and jumps where the sixth is below 1."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({name: rng.uniform(0, 10, 80).round(2) for name in FEATURES})

    def rule(rows: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        weights = {"a": 0.5, "b": 0.4, "c": 0.3, "d": 0.25, "e": 0.2}
        score = sum(weight * (rows[name] - 5) for name, weight in weights.items()) + 2.0 * (rows["f"] < 1)
        yes = 1 / (1 + np.exp(-score))
        return np.column_stack([1 - yes, yes])

    return of_rule(frame, rule, (frame["a"] > 5).astype(int).to_numpy())


def test_every_reason_moves_the_output_by_as_much_as_is_said() -> None:
    subject = planted()
    for row in ("0", "3", "7", "11"):
        found = reasons_of(subject, row)
        reasons, replaced = found.all("confirmed_effect"), found.all("letter_with")
        assert len(reasons) == len(replaced) <= home.MOST_REASONS
        now = subject.predictor(subject.row(row))[0]
        predicted = int(np.argmax(now))
        for reason, typical in zip(reasons, replaced, strict=True):
            ordered = np.sort(subject.data[reason.feature].to_numpy())
            assert typical.at == ordered[(len(ordered) - 1) // 2]
            changed = subject.row(row).assign(**{str(reason.feature): typical.at})
            then = subject.predictor(changed)[0][predicted]
            assert typical.number() == pytest.approx(then, abs=1e-9)
            assert reason.number() == pytest.approx(now[predicted] - then, abs=1e-9)
            assert reason.number() > home.LEAST_MOVE
        sizes = [one.number() for one in reasons]
        assert sizes == sorted(sizes, reverse=True) and [one.rank for one in reasons] == list(range(1, len(sizes) + 1))


def test_what_a_typical_value_does_not_move_is_no_reason() -> None:
    """Either of two values is enough for "yes": both are credited, but taking one back alone changes nothing."""
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({name: rng.uniform(0, 6, 60).round(2) for name in "abcd"})
    frame.iloc[0] = [9.0, 9.0, 3.0, 3.0]

    def rule(rows: pd.DataFrame) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        yes = 0.1 + 0.8 * ((rows["a"] > 5) | (rows["b"] > 5)).to_numpy()
        return np.column_stack([1 - yes, yes])

    found = reasons_of(of_rule(frame, rule), "0")
    assert found.all("confirmed_effect") == ()
    assert found.all("withheld") or found.one("none_confirmed").value == 2


def test_no_reasons_are_given_where_the_explanation_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = planted()
    honest = reasons_of(subject, "0")
    assert honest.all("withheld") == () and honest.all("confirmed_effect")
    chosen = home.choose

    def failing(view: home.View, label: object) -> object:
        choice = chosen(view, label)  # type: ignore[arg-type]
        bad = Quality(check="C2", value=0.5, passed=False)
        return dataclasses.replace(choice, chosen=dataclasses.replace(choice.chosen, quality=(bad,)))

    monkeypatch.setattr(home, "choose", failing)
    found = home.letter_reasons.function(make_view(subject, Scope(row="0"), Evaluator(subject.predictor), 0))
    assert found.all("confirmed_effect") == () and found.all("withheld")[0].value == 1
    assert found.all("goal") or found.all("unreached")  # the next steps are evaluated on their own
    named = tuple(fact.model_copy(update={"id": f"f{n}"}) for n, fact in enumerate(found.facts))
    found = found.model_copy(update={"facts": named, "tool": "letter_reasons", "scope": Scope(row="0")})
    plan = Plan(steps=(Step(tool="explain", scope=Scope(row="0"), form="letter"),))
    draft = verbalize((found,), subject.schema, forms=plan.forms, manners=manners_of(plan))
    assert "No reasons are named: the explanation fails 1 of" in draft.text
    assert verify(draft, (found,), plan, subject.schema) == ()


def test_the_next_steps_hold_on_the_model_and_change_nothing_that_is_fixed() -> None:
    subject = with_features(loan_subject(), favourable="approved", sex={"mutable": False}, age={"mutable": False})
    outputs = subject.predictor(subject.data)
    names = [label.name for label in subject.schema.classes]
    declined = [
        row for row, out in zip(subject.row_ids, outputs, strict=True) if names[int(out.argmax())] == "declined"
    ]
    reached = 0
    for row in declined[:4]:
        found = reasons_of(subject, row)
        changes = {str(one.feature): one.value for one in found.all("cf_change")}
        assert not {"sex", "age"} & changes.keys()
        if changes:
            after = subject.predictor(subject.row(row).assign(**changes))[0]
            assert names[int(after.argmax())] == "approved"
            assert found.one("cf_probability").number() == pytest.approx(float(after.max()))
            reached += 1
    assert reached
    approved = next(row for row in subject.row_ids if row not in declined)
    assert reasons_of(subject, approved).all("goal") == ()


def test_a_letter_greets_gives_reasons_then_steps_and_says_what_it_is_about() -> None:
    subject = loan_subject()
    outputs = subject.predictor(subject.data)
    row = subject.row_ids[int(outputs[:, subject.schema.class_index("declined")].argmax())]
    text, found = letter(subject, row)
    parts = text.split("\n\n")
    assert parts[0] == f"Dear {subject.schema.entity} {row},"
    assert parts[-1] == " ".join(CLOSING)
    assert "the model's output is declined" in parts[1]
    assert parts[2].startswith(("These reasons were confirmed", "This reason was confirmed"))
    assert parts[3].startswith(("The model would predict approved", "No change was found"))
    assert all(one.flag for one in found.caveats)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_letters_to_every_kind_of_model_pass_the_check(kind: str) -> None:
    subject = SUBJECTS[kind]()
    for row in ("3", "5", "8"):
        text, found = letter(subject, row)
        assert text.startswith(f"Dear row {row},") and found.tool == "letter_reasons"
        assert len(found.all("confirmed_effect") + found.all("confirmed_effect_output")) <= 4


def test_a_letter_needs_one_row_of_a_table() -> None:
    schema = SUBJECTS["binary"]().schema
    some = Scope(where=Where.of(Condition(feature="age", op="gt", value=30)))
    for step in (Step(tool="explain", scope=some), Step(tool="explain"), Step(tool="importance", scope=Scope(row="3"))):
        with pytest.raises(ToolError):
            letter_step(step, schema)
    with pytest.raises(ToolError):
        letter_step(Step(tool="explain_text", scope=Scope(row="3")), SUBJECTS["text"]().schema)
    wanted = Step(tool="explain", scope=Scope(row="3"), arguments=(Argument(name="k", value=9),))
    assert letter_step(wanted, schema).argument("k") == 4


def test_the_line_on_how_it_was_understood_says_that_it_is_a_letter() -> None:
    plan = Plan(steps=(Step(tool="explain", scope=Scope(row="3"), form="letter"),))
    assert understood(plan, SUBJECTS["binary"]().schema).startswith("a letter about this: ")
