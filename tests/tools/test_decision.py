"""Final decisions by rules around a model, against rules and Shapley values worked by hand."""

from __future__ import annotations

import dataclasses
import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_subjects import hand_subject, numbers, view_of
from rival_subjects import with_decision

from askwhy.tools.decision import Criterion, Decision, Rule
from askwhy.tools.engines.decide import Decider, feature_moves, fired, outcome_of, output_move
from askwhy.tools.errors import ToolError, UnknownName
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Change
from askwhy.tools.subject import Subject

UNSURE = Rule(
    then="look again",
    when=(
        Criterion(on="probability", name="yes", sign="ge", limit=0.4),
        Criterion(on="probability", name="yes", sign="lt", limit=0.6),
    ),
)
LARGE = Rule(then="look again", when=(Criterion(on="feature", name="x1", sign="gt", limit=1.5),))
LIKELY = Rule(then="go", when=(Criterion(on="predicted", sign="is", among=("yes",)),))
RULES = Decision(rules=(LARGE, UNSURE, LIKELY), otherwise="stop")


def chance(data: pd.DataFrame) -> Any:
    return 1 / (1 + np.exp(-(2 * data["x0"] + data["x1"] * data["x2"]).to_numpy()))


def subject() -> Subject:
    def call(data: pd.DataFrame) -> Any:
        return np.column_stack([1 - chance(data), chance(data)])

    return with_decision(hand_subject(call, numbers(120, 3, seed=4), ["no", "yes"]), RULES)


def by_hand(data: pd.DataFrame) -> Any:
    yes = chance(data)
    first = np.where(yes > 0.5, "go", "stop")
    return np.where((data["x1"] > 1.5) | ((yes >= 0.4) & (yes < 0.6)), "look again", first)


def row_with(outcome: str, large: bool = False) -> int:
    data = subject().data
    return next(
        one for one in range(len(data)) if by_hand(data)[one] == outcome and (data["x1"].iloc[one] > 1.5) == large
    )


def ask(made: Subject, row: int, changes: tuple[Change, ...] = (), **arguments: Any) -> Evidence:
    return find_tool("explain_decision")(view_of(made, row, changes=changes), **arguments)


def test_the_first_rule_that_holds_decides() -> None:
    made = subject()
    places = fired(RULES, made.schema, made.data, made.predictor(made.data))
    assert [outcome_of(RULES, int(one)) for one in places] == list(by_hand(made.data))
    assert {0, 1, 2, 3} == set(places.tolist())
    reached = Decider(view_of(made, 0), RULES).outputs(made.data)
    assert reached.shape == (120, 3) and (reached.sum(axis=1) == 1).all()
    assert [RULES.outcomes[one] for one in reached.argmax(axis=1)] == list(by_hand(made.data))


def test_tests_of_cells_and_missing_values() -> None:
    frame = pd.DataFrame({"kind": ["a", "b", None, "c"], "size": [1.0, np.nan, 3.0, 4.0]})
    made = hand_subject(lambda data: np.zeros(len(data)), frame)

    def places(*tests: Criterion) -> list[bool]:
        decision = Decision(rules=(Rule(then="in", when=tests),), otherwise="out")
        return [one == 0 for one in fired(decision, made.schema, made.data, made.predictor(made.data))]

    assert places(Criterion(on="feature", name="kind", sign="is", among=("a", "c"))) == [True, False, False, True]
    assert places(Criterion(on="feature", name="kind", sign="is_not", among=("a",))) == [False, True, True, True]
    assert places(Criterion(on="feature", name="size", sign="missing")) == [False, True, False, False]
    assert places(Criterion(on="feature", name="size", sign="present")) == [True, False, True, True]
    assert places(Criterion(on="feature", name="size", sign="le", limit=3)) == [True, False, True, False]
    both = (Criterion(on="feature", name="size", sign="ge", limit=3), Criterion(on="output", sign="ge", limit=0))
    assert places(*both) == [False, False, True, True]


def test_the_words_hold_the_rule_and_what_it_saw() -> None:
    made, row = subject(), row_with("look again")
    found = ask(made, row)
    yes = float(chance(made.data.iloc[[row]])[0])
    assert found.one("outcome").value == "look again" and found.one("fired").value == 2
    assert found.one("met_probability").number() == pytest.approx(yes)
    assert found.one("met_probability").group == "at least 40% and below 60%"
    failed = found.one("unmet_number")
    assert (failed.feature, failed.group, failed.rank) == ("x1", "above 1.5", 1)
    assert {fact.value for fact in found.all("limit")} == {0.4, 0.6, 1.5}
    stopped = ask(made, row_with("stop"))
    assert stopped.one("no_rule").value == 3 and not stopped.all("fired")
    assert stopped.one("unmet_predicted").value == "no"
    assert ask(made, row_with("look again", large=True)).one("met_number").feature == "x1"
    assert found.table is not None and [cells[-1] for cells in found.table.rows][:3] == ["no", "yes", "yes"]


def test_effects_are_the_shapley_values_of_reaching_the_outcome() -> None:
    made, row = subject(), row_with("look again")
    names, instance, background = made.schema.names, made.data.iloc[row], made.background

    def worth(chosen: tuple[str, ...]) -> float:
        mixed = background.assign(**{name: instance[name] for name in chosen})
        return float((by_hand(mixed) == "look again").mean())

    expected = dict.fromkeys(names, 0.0)
    for name in names:
        others = [one for one in names if one != name]
        for size in range(3):
            weight = math.factorial(size) * math.factorial(2 - size) / math.factorial(3)
            for chosen in itertools.combinations(others, size):
                expected[name] += weight * (worth((*chosen, name)) - worth(chosen))
    found = ask(made, row)
    got = {str(fact.feature): fact.number() for fact in found.all("contribution")}
    assert got == pytest.approx({name: value for name, value in expected.items() if abs(value) > 1e-6})
    assert found.one("base").number() == pytest.approx(worth(()))
    assert found.one("base").number() + sum(expected.values()) == pytest.approx(1)
    assert all(one.passed for one in found.quality)


@pytest.mark.parametrize("row", range(0, 40, 3))
def test_the_smallest_move_of_the_output_is_that_of_a_fine_grid(row: int) -> None:
    made = subject()
    frame = made.data.iloc[[row]]
    outputs = made.predictor(frame)
    move = output_move(RULES, made.schema, frame, outputs)
    now, start = by_hand(frame)[0], float(outputs[0, 1])
    grid = np.linspace(0, 1, 20_001)
    places = fired(RULES, made.schema, frame.iloc[np.zeros(len(grid), dtype=int)], np.column_stack([1 - grid, grid]))
    other = [one for one, place in zip(grid, places, strict=True) if outcome_of(RULES, int(place)) != now]
    if not other:
        assert move is None
        return
    assert move is not None
    limit = move.limit if move.name == "yes" else 1 - move.limit
    assert abs(limit - start) == pytest.approx(min(abs(one - start) for one in other), abs=1e-4)
    # Just beyond the limit the outcome is the one that was said; just before it, it is not.
    direction = np.sign(limit - start)
    for step, changed in ((1e-6, True), (-1e-6, False)):
        there = limit + direction * step
        moved = outcome_of(RULES, int(fired(RULES, made.schema, frame, np.array([[1 - there, there]]))[0]))
        assert (moved == move.outcome) == changed


def test_a_move_of_one_of_several_classes_keeps_the_others_in_proportion() -> None:
    frame = numbers(10, 1)
    made = hand_subject(lambda data: np.tile([0.5, 0.3, 0.2], (len(data), 1)), frame, ["a", "b", "c"])
    decision = Decision(rules=(Rule(then="b it is", when=(Criterion(on="predicted", sign="is", among=("b",)),)),),
                        otherwise="else")  # fmt: skip
    move = output_move(decision, made.schema, made.data.iloc[[0]], made.predictor(made.data.iloc[[0]]))
    # b overtakes a at p where p = 0.5 (1 - p) / 0.7; a falls below b at p = 0.3 (1 - p) / 0.5, which is nearer.
    assert move is not None and move.name == "b" and move.limit == pytest.approx(0.5 / 1.2)
    assert abs(0.5 / 1.2 - 0.3) < abs(0.3 / 0.8 - 0.5)


@pytest.mark.parametrize(("sign", "outcome", "words"), [("gt", "in", "above"), ("ge", "out", "below")])
def test_an_output_right_at_the_limit_moves_the_way_that_is_said(sign: Any, outcome: str, words: str) -> None:
    made, outputs = subject(), np.array([[0.5, 0.5]])
    rule = Rule(then="in", when=(Criterion(on="probability", name="yes", sign=sign, limit=0.5),))
    decision = Decision(rules=(rule,), otherwise="out")
    move = output_move(decision, made.schema, made.data.iloc[[0]], outputs)
    assert move is not None and (move.outcome, move.words, move.limit) == (outcome, words, 0.5)


def test_the_nearest_change_of_a_number_changes_the_outcome_and_a_nearer_one_does_not() -> None:
    made, row = subject(), row_with("stop")
    view = view_of(made, row)
    moves, tried = feature_moves(view, Decider(view, RULES), RULES)
    assert tried == 3 and moves
    frame = made.data.iloc[[row]]
    for move in moves:
        name = made.schema.names[move.position]
        start = float(frame[name].iloc[0])
        assert by_hand(frame.assign(**{name: move.value}))[0] == move.outcome != "stop"
        assert move.size == pytest.approx(abs(move.value - start) / made.data[name].std(ddof=0))
        nearer = start + (move.value - start) * np.linspace(0, 0.97, 60)
        assert all(by_hand(frame.assign(**{name: value}))[0] == "stop" for value in nearer)
    assert [move.size for move in moves] == sorted(move.size for move in moves)


def test_what_may_not_change_is_left_alone() -> None:
    made, row = subject(), row_with("stop")
    fixed = tuple(one.model_copy(update={"mutable": one.name == "x2"}) for one in made.schema.features)
    schema = made.schema.model_copy(update={"features": fixed})
    view = view_of(dataclasses.replace(made, schema=schema), row)
    _, tried = feature_moves(view, Decider(view, RULES), RULES)
    assert tried == 1


def test_changes_are_decided_anew() -> None:
    made, row = subject(), row_with("stop")
    found = ask(made, row, changes=(Change(feature="x1", action="set", value=2.0),))
    assert found.one("outcome").value == "look again" and found.one("fired").value == 1


def test_a_decision_travels_as_a_value() -> None:
    assert Decision.from_json(RULES.canonical()) == RULES
    assert RULES.outcomes == ("look again", "go", "stop")
    with pytest.raises(ValueError, match="limit"):
        Criterion(on="feature", name="x", sign="ge")
    with pytest.raises(ValueError, match="limit"):
        Criterion(on="feature", name="x", sign="missing", limit=1)


FRAME = pd.DataFrame({"age": [20, 40, 30, 60] * 5, "job": ["cook", "clerk", "cook", "smith"] * 5})
TARGET = pd.Series([0, 1, 0, 1] * 5, name="paid")
HEAD = """
[classes.1]
label = "repaid"
[features.age]
label = "years of age"
[decision]
otherwise = "accept"
"""


def load(tmp_path: Path, rules: str, model: Any = None) -> Subject:
    path = tmp_path / "schema.toml"
    path.write_text(HEAD + rules)
    return Subject.of(model or (lambda data: (data["age"] / 100).to_numpy()), FRAME, TARGET, schema=path)


def test_a_schema_file_brings_the_rules(tmp_path: Path) -> None:
    made = load(
        tmp_path,
        """
[[decision.rules]]
then = "refuse"
when = [{ probability = "repaid", below = 0.25 }, { feature = "years of age", at_least = 18, at_most = 21 }]
[[decision.rules]]
then = "ask the boss"
when = [{ feature = "job", is = ["cook", "smith"] }, { predicted = 0 }]
""",
    )
    assert made.decision == Decision(
        rules=(
            Rule(
                then="refuse",
                when=(
                    Criterion(on="probability", name="1", sign="lt", limit=0.25),
                    Criterion(on="feature", name="age", sign="ge", limit=18),
                    Criterion(on="feature", name="age", sign="le", limit=21),
                ),
            ),
            Rule(
                then="ask the boss",
                when=(
                    Criterion(on="feature", name="job", sign="is", among=("cook", "smith")),
                    Criterion(on="predicted", sign="is", among=("0",)),
                ),
            ),
        ),
        otherwise="accept",
    )
    places = fired(made.decision, made.schema, made.data, made.predictor(made.data))
    assert places.tolist() == [0, 2, 1, 2] * 5
    assert made.id != load(tmp_path, '[[decision.rules]]\nthen = "x"\nwhen = [{ predicted = 0 }]').id


@pytest.mark.parametrize(
    ("condition", "said"),
    [
        ('{ feature = "ages", below = 3 }', "age"),
        ('{ feature = "job", is = "cock" }', "cook"),
        ('{ feature = "job", below = 3 }', "categories"),
        ('{ feature = "age", is = "old" }', "number"),
        ('{ feature = "age", at_lest = 3 }', "at_least"),
        ('{ feature = "age", below = "3" }', "number"),
        ('{ feature = "age" }', "needs a test"),
        ('{ feature = "age", at_least = 5, below = 5 }', "no number between"),
        ('{ probability = "repaid" }', "needs limits"),
        ('{ probability = "repaid", below = 40 }', "between 0 and 1"),
        ('{ probability = "repayed", below = 0.4 }', "repaid"),
        ('{ predicted = "repaid", below = 0.4 }', "takes no limits"),
        ("{ output = true, below = 0.4 }", "probability"),
        ('{ feature = "age", predicted = "repaid" }', "exactly one"),
        ("{ below = 0.4 }", "exactly one"),
    ],
)
def test_a_slip_in_the_rules_is_named(tmp_path: Path, condition: str, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        load(tmp_path, f'[[decision.rules]]\nthen = "refuse"\nwhen = [{condition}]\n')


@pytest.mark.parametrize(
    ("rules", "said"),
    [
        ("", "rules"),
        ('[[decision.rules]]\nwhen = [{ predicted = "repaid" }]', "then"),
        ('[[decision.rules]]\nthen = "refuse"', "when"),
        ('[[decision.rules]]\nthen = "refuse"\nwhen = []', "when"),
        ('[[decision.rules]]\nthen = "refuse"\nif = []', "when"),
    ],
)
def test_a_rule_must_be_whole(tmp_path: Path, rules: str, said: str) -> None:
    with pytest.raises(ToolError, match=said):
        load(tmp_path, rules)


def test_rules_about_a_predicted_number(tmp_path: Path) -> None:
    path = tmp_path / "schema.toml"
    path.write_text(
        '[decision]\notherwise = "low"\n[[decision.rules]]\nthen = "high"\nwhen = [{ output = true, above = 35 }]'
    )
    made = Subject.of(lambda data: data["age"] * 1.0, FRAME, TARGET * 1.5 + 0.25, schema=path)
    found = find_tool("explain_decision")(view_of(made, 1))
    assert found.one("met_output").number() == 40 and found.one("move_number").number() == 35
    assert found.one("move_number").group == "at most" and found.one("move_outcome").value == "low"
    path.write_text(
        '[decision]\notherwise = "low"\n[[decision.rules]]\nthen = "high"\nwhen = [{ probability = 1, above = 0.5 }]'
    )
    with pytest.raises(ToolError, match="predicts a number"):
        Subject.of(lambda data: data["age"] * 1.0, FRAME, TARGET * 1.5 + 0.25, schema=path)


def test_without_rules_the_tool_is_not_offered() -> None:
    tool = find_tool("explain_decision")
    assert tool.fits(subject().schema)
    assert not tool.fits(hand_subject(chance, numbers(10, 3), ["no", "yes"]).schema)


def test_an_unknown_name_has_its_nearest(tmp_path: Path) -> None:
    with pytest.raises(UnknownName) as caught:
        load(tmp_path, '[[decision.rules]]\nthen = "refuse"\nwhen = [{ feature = "jub", is = "cook" }]')
    assert caught.value.options == ("job",)
