"""Whether a model uses a concept: decisions on planted models, effects against direct computation, and the words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hand_subjects import hand_subject, numbers, view_of

from askwhy.agent.plan import Plan, Step
from askwhy.agent.verbalize import verbalize
from askwhy.agent.verify import verify
from askwhy.tools.engines.concept_bets import Population, members, rests_of
from askwhy.tools.engines.concept_rule import read_concept
from askwhy.tools.errors import ToolError
from askwhy.tools.evidence import Evidence
from askwhy.tools.registry import find_tool
from askwhy.tools.scope import Change, Condition
from askwhy.tools.subject import Subject


def frame_of(rows: int = 300) -> pd.DataFrame:
    """x0 and x1 go together; x2 does not."""
    frame = numbers(rows, 3)
    frame["x1"] = 0.9 * frame["x0"] + np.sqrt(1 - 0.81) * frame["x1"]
    return frame


def linear(*weights: float) -> Subject:
    return hand_subject(lambda data: data.to_numpy() @ np.array(weights), frame_of())


def classifier(classes: int) -> Subject:
    weights = np.array([[2.0, -2.0, 0.0], [0.0, 0.0, 0.0], [0.0, 1.0, -1.0]])[:, :classes]

    def call(data: pd.DataFrame) -> Any:
        scores = np.exp(data.to_numpy() @ weights)
        return scores / scores.sum(axis=1, keepdims=True)

    return hand_subject(call, frame_of(), ["low", "middle", "high"][:classes])


def concept(subject: Subject, rule: str = "", row: int | None = None, *where: Condition, **arguments: Any) -> Evidence:
    changes = arguments.pop("changes", ())
    view = view_of(subject, row, *where, changes=changes)
    return find_tool("concept_test")(view, **({"concept": rule} if rule else {}), **arguments)


def roles(evidence: Evidence) -> set[str]:
    return {fact.relation for fact in evidence.facts}


def test_a_concept_that_the_model_reads_is_associated_and_used_and_moves_the_output() -> None:
    found = concept(linear(1, 0, 2), "x2 > 0.5")
    assert {"associated", "used", "verdict_used"} <= roles(found)
    assert found.one("into_output").number() > 0 > found.one("out_output").number()
    assert found.one("into_low").number() > 0


def test_a_concept_that_is_only_correlated_with_what_the_model_reads_is_associated_but_not_used() -> None:
    found = concept(linear(1, 0, 1), "high x1")
    assert {"associated", "ignored", "verdict_unused"} <= roles(found) and not found.all("used")
    assert found.one("ignored").number() == 300
    assert found.one("into_output").number() == 0 and found.one("into_high").number() == 0
    assert "association" in {caveat.flag for caveat in found.caveats}


def test_a_faint_use_beside_strong_correlation_is_not_association_alone() -> None:
    found = concept(linear(1, 0.05, 0), "high x1")
    assert "used" in roles(found)


def test_use_whose_effects_cancel_is_said() -> None:
    subject = hand_subject(lambda data: data["x2"] * np.sign(data["x0"]), numbers(400, 3))
    found = concept(subject, "x2 > 0")
    assert not {"verdict_used", "verdict_unused"} & roles(found)
    low, high = found.one("into_low").number(), found.one("into_high").number()
    assert low < 0 < high


def test_the_effect_is_the_mean_change_of_rows_whose_defining_features_are_redrawn() -> None:
    subject = hand_subject(lambda data: 2 * data["flag"] + data["x0"], numbers(100, 1).assign(flag=_flags(100)))
    found = concept(subject, "flag")
    # Both values of the flag are all there is to redraw, so each move changes the output by exactly two.
    assert found.one("into_output").number() == pytest.approx(2) and found.one("out_output").number() == pytest.approx(
        -2
    )
    assert found.one("into_output").error == pytest.approx(0, abs=1e-9)


def _flags(rows: int) -> Any:
    return np.arange(rows) % 3 == 0


@pytest.mark.parametrize("classes", [2, 3])
def test_flips_are_the_share_of_predictions_that_change(classes: int) -> None:
    found = concept(classifier(classes), "x0 > 1")
    assert "verdict_used" in roles(found)
    assert 0.2 < found.one("into_flips").number() <= 1
    assert found.one("into").cls is not None and found.one("into").unit == "points"


def test_a_class_can_be_asked_about() -> None:
    found = concept(classifier(3), "x0 > 1", cls="high")
    assert found.one("into").cls == "high"


def test_the_selected_rows_are_the_concept_where_no_rule_is_given() -> None:
    condition = Condition(feature="x2", op="gt", value=0.5)
    by_scope, by_rule = concept(linear(1, 0, 2), "", None, condition), concept(linear(1, 0, 2), "x2 > 0.5")
    assert by_scope.one("selected").number() == by_rule.one("inside").number() == (frame_of()["x2"] > 0.5).sum()
    assert by_scope.one("into_output") == by_rule.one("into_output").model_copy(
        update={"id": by_scope.one("into_output").id}
    )


def test_a_rule_is_tested_on_the_selected_rows() -> None:
    found = concept(linear(1, 0, 2), "x2 > 0.5", None, Condition(feature="x0", op="gt", value=0))
    assert found.one("inside").number() == ((frame_of()["x2"] > 0.5) & (frame_of()["x0"] > 0)).sum()


def test_one_row_with_the_concept_and_one_without() -> None:
    frame = frame_of()
    inside, outside = int(frame["x2"].argmax()), int(frame["x2"].argmin())
    having, lacking = concept(linear(1, 0, 2), "x2>0", inside), concept(linear(1, 0, 2), "x2>0", outside)
    assert {"present", "local"} <= roles(having) and {"absent", "local"} <= roles(lacking)
    assert having.one("local_output").number() < 0 < lacking.one("local_output").number()
    near_half = having.one("local_of").number()
    assert near_half == 100


def test_one_row_whose_output_ignores_the_concept() -> None:
    found = concept(linear(1, 0, 0), "x2 > 0", 5)
    assert "local_same" in roles(found) and not found.all("local")
    gated = hand_subject(lambda data: np.where(data["x0"] > 0, data["x2"], 0.0), frame_of())
    closed, open_ = int(frame_of()["x0"].argmin()), int(frame_of()["x0"].argmax())
    assert "local_same" in roles(concept(gated, "x2 > 0", closed)) and "local" in roles(concept(gated, "x2 > 0", open_))


def test_random_concepts_are_tested_beside_it() -> None:
    found = concept(linear(1, 0, 2), "x2 > 0.5")
    checks = [one for one in found.quality if one.check == "C12"]
    assert len(checks) == 2 and all(one.value <= 0.2 for one in checks)


def test_what_the_other_features_leave_open_is_the_output_less_its_redrawn_mean() -> None:
    subject = linear(1, 0, 2)
    view = view_of(subject)
    people = Population.of(view, view.chosen, None)
    (rest,) = rests_of(people, [("x2",)])
    frame = subject.data.to_numpy()
    expected = 2 * (frame[:, 2] - frame[rest.places, 2].mean(axis=1))
    np.testing.assert_allclose(rest.values[:, 0], expected, atol=1e-9)
    inside = members(view, read_concept(view.schema, subject.data, "x2 > 0"))
    surprise = rest.surprise(inside, inside)
    np.testing.assert_allclose(surprise, inside - inside[rest.places].mean(axis=1))
    assert np.isfinite(rest.context).all() and (rest.context.diagonal() == 1).all()


def test_a_concept_that_the_rest_settles_is_flagged() -> None:
    frame = numbers(300, 2).assign(copy=lambda data: data["x0"])
    subject = hand_subject(lambda data: data["x0"] + data["copy"] + data["x1"], frame)
    assert "determined" in {caveat.flag for caveat in concept(subject, "x0 > 0").caveats}


@pytest.mark.parametrize(
    ("rule", "row", "where", "says"),
    [
        ("", None, (), "Say which concept"),
        ("", 3, (), "Say which concept"),
        ("x0 > 9", None, (), "at least 20 rows on either side"),
        ("x0 > 9", 3, (), "at least 20 rows on either side"),
        ("wealth > 9", None, (), "no feature “wealth”"),
        ("", None, (Condition(on="id", value="3"),), "defined by features"),
    ],
)
def test_what_cannot_be_tested_is_refused(rule: str, row: int | None, where: tuple[Condition, ...], says: str) -> None:
    with pytest.raises(ToolError, match=says):
        concept(linear(1, 0, 2), rule, row, *where)


def test_changed_rows_are_refused_and_a_changed_row_is_not() -> None:
    change = Change(feature="x2", action="set", value=3)
    with pytest.raises(ToolError, match="as they are"):
        concept(linear(1, 0, 2), "x2 > 0", changes=(change,))
    assert "present" in roles(concept(linear(1, 0, 2), "x2 > 0", 3, changes=(change,)))


@pytest.mark.parametrize("row", [None, 4])
@pytest.mark.parametrize("rule", ["x2 > 0.5", "high x1", "not (x0 > 0 or x2 > 0)"])
@pytest.mark.parametrize("subject", [linear(1, 0, 2), linear(0, 1, 0), classifier(2), classifier(3)])
def test_the_words_pass_the_check(subject: Subject, rule: str, row: int | None) -> None:
    found = concept(subject, rule, row)
    step = Step(tool="concept_test", arguments=found.arguments, scope=found.scope)
    draft = verbalize((found,), subject.schema)
    assert verify(draft, (found,), Plan(steps=(step,)), subject.schema) == (), draft.text
    assert "bets" in draft.text or "exactly the same" in draft.text


def test_the_same_question_has_the_same_answer() -> None:
    assert concept(classifier(3), "x0 > 1").canonical() == concept(classifier(3), "x0 > 1").canonical()
