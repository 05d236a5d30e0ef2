"""The planted-truth suite itself, and a fast slice of it."""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest

from askwhy.evals import truth_attributions
from askwhy.evals.planted_models import Model, Planted, Term, planted_models, total
from askwhy.evals.registry import run_evaluation
from askwhy.evals.truth import Size, measured
from askwhy.evals.truth_attributions import Explained, attribution_lines, guard_lines, suppressor_lines
from askwhy.evals.truth_counterfactuals import Query, feasible_queries, infeasible_queries, judged, known_credit
from askwhy.evals.truth_hidden import (
    Hidden,
    boxes,
    by_curves,
    by_rules,
    described,
    edges_met,
    score,
    subject_of,
    within,
)
from askwhy.evals.truth_line import Line, figures_of, interval, missed
from askwhy.evals.truth_rules import anchor_lines
from askwhy.evals.truth_samplers import _known
from askwhy.evals.truth_suppressors import simulated_lines
from askwhy.evals.truth_tests import concept_lines, significance_lines
from askwhy.tools.engines.choice import choose
from askwhy.tools.evidence import Evidence, Fact, Figure, Series
from askwhy.tools.select import predicted_index
from askwhy.tools.subject import Subject

SLICE = Size(1, 2, 2, 2, 30, 6, 4, 2, 2, 8, 2, 0)


def _by_definition(planted: Planted, row: int) -> np.ndarray[Any, Any]:
    """Shapley values from all coalitions of all features of the whole model."""
    data, others = (np.asarray(one, dtype=float) for one in (planted.subject.data, planted.subject.background))
    width = data.shape[1]

    def worth(members: tuple[int, ...]) -> float:
        cells = others.copy()
        cells[:, list(members)] = data[row, list(members)]
        return float(total(planted.terms, cells).mean())

    found = np.zeros(width)
    for j in range(width):
        rest = [one for one in range(width) if one != j]
        for size in range(width):
            weight = math.factorial(size) * math.factorial(width - size - 1) / math.factorial(width)
            for members in itertools.combinations(rest, size):
                found[j] += weight * (worth((*members, j)) - worth(members))
    return found


@pytest.mark.parametrize("family", ["linear", "additive", "xor", "suppressor", "twisted", "interaction"])
def test_the_truth_is_what_the_definition_says(family: str) -> None:
    narrow = (one for one in planted_models() if len(one.subject.schema.features) <= 8)
    planted = next(one for one in narrow if one.family == family)
    assert planted.truth(5) == pytest.approx(_by_definition(planted, 5))


def test_a_truth_worked_out_by_hand() -> None:
    frame = pd.DataFrame({"a": [0.0, 1.0, 0.0, 1.0], "b": [0.0, 0.0, 1.0, 1.0], "c": [0.0, 1.0, 1.0, 0.0]})
    terms = (Term((0, 1), lambda a, b: 1.0 * (a != b)), Term((2,), lambda c: 3 * c))
    subject = Subject.of(Model(terms), frame, pd.Series([0.0, 4.0, 4.0, 0.0]), background=frame, version="by hand")
    planted = Planted("xor", "by hand", subject, terms)
    # At (1, 0, 1): alone neither mark moves the mean of 1/2, both together make it 1; c is 1 where its mean is 1/2.
    assert planted.truth(1) == pytest.approx([0.25, 0.25, 1.5])
    assert planted.used == {0, 1, 2}
    assert [planted.slope(1, j) for j in range(3)] == [0, 0, 1]


def test_there_are_enough_models_of_every_family() -> None:
    every = planted_models()
    assert len(every) >= 50
    assert {one.family for one in every} >= {"linear", "additive", "xor", "suppressor", "irrelevant", "twisted"}
    assert len({one.subject.id for one in every}) == len(every)
    for one in every:
        cells = np.asarray(one.subject.data.iloc[:20], dtype=float)
        moved = cells.copy()
        unread = [j for j in range(cells.shape[1]) if j not in one.used]
        moved[:, unread] += 1.0
        frame = pd.DataFrame(moved, columns=one.subject.data.columns)
        assert one.subject.predictor(frame) == pytest.approx(one.subject.predictor(one.subject.data.iloc[:20]))


def _explained(truth: list[float], found: list[float]) -> Explained:
    planted = dataclasses.replace(
        planted_models(1)[0], terms=tuple(Term((j,), np.asarray) for j, one in enumerate(truth) if one)
    )
    return Explained(planted, 0, np.array(truth), {"askwhy": np.array(found)}, "SHAP")


def test_measures_of_a_wrong_explanation() -> None:
    one = _explained([3.0, -2.0, 1.0, 0.0, 0.0], [3.0, 2.0, 0.0, 1.0, 4.0])
    assert one.signs("askwhy") == pytest.approx(1 / 3)
    assert one.precision("askwhy") == pytest.approx(2 / 3)
    assert one.irrelevant("askwhy") == pytest.approx(0.5)
    # Ranks of the sizes 4, 3, 1, 2, 5 against 5, 4, 3, 1.5, 1.5.
    assert one.rank("askwhy") == pytest.approx(np.corrcoef([4, 3, 1, 2, 5], [5, 4, 3, 1.5, 1.5])[0, 1])


def test_measures_of_a_right_explanation() -> None:
    one = _explained([3.0, -2.0, 1.0, 0.0], [3.0, -2.0, 1.0, 1e-12])
    assert [one.rank("askwhy"), one.signs("askwhy"), one.precision("askwhy")] == pytest.approx([1, 1, 1])
    assert one.irrelevant("askwhy") < 1e-9


def test_requirements() -> None:
    lines = [
        Line("part", "low", 0.9, "low", "", least=0.95),
        Line("part", "high", 0.06, "high", "", shap=0.1, most=0.05),
        Line("part", "nothing measured", None, "none", "", least=0.5),
        Line("part", "right", 1 - 1e-12, "right", "", least=1.0),
        Line("part", "reported", 0.3, "reported", ""),
    ]
    assert missed(lines) == ["low", "high", "none"]
    assert lines[-1].met is None
    assert figures_of(lines) == {"low": 0.9, "high": 0.06, "high_shap": 0.1, "right": 1.0, "reported": 0.3}


def test_the_interval_of_a_share() -> None:
    assert interval(0, 10) == pytest.approx((0.0, 1 - 0.025**0.1))
    assert interval(10, 10) == pytest.approx((0.025**0.1, 1.0))


def test_attributions_of_one_model_of_each_family() -> None:
    lines = attribution_lines(1, 2)
    assert missed(lines) == []
    assert {line.key for line in lines} >= {"linear_rank", "linear_signs", "xor_precision", "twisted_irrelevant"}
    figures = figures_of(lines)
    assert figures["twisted_irrelevant_lime"] != figures["twisted_irrelevant"]


def test_a_wrong_sign_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def turned(*given: Any) -> Any:
        found = choose(*given)
        return dataclasses.replace(found, chosen=dataclasses.replace(found.chosen, values=-found.chosen.values))

    monkeypatch.setattr(truth_attributions, "choose", turned)
    truth_attributions.explanations.cache_clear()
    assert "linear_signs" in missed(attribution_lines(1, 1))
    truth_attributions.explanations.cache_clear()


def test_suppressors_are_flagged_and_behaviour_is_asked_of_the_model() -> None:
    figures = figures_of([*suppressor_lines(1, 2), *guard_lines(1, 2)])
    assert figures["suppressor_flagged"] == 1.0
    assert figures["suppressor_false"] == 0.0
    assert isinstance(figures["rises"], float)
    assert figures["rises"] >= 0.95


def test_suppressors_of_simulated_worlds() -> None:
    figures = figures_of(simulated_lines(4))
    assert float(str(figures["suppressor_simulated"])) >= 0.7  # one of four is used too little to be told
    assert figures["suppressor_simulated_false"] == 0.0


def step(cells: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.where(cells[:, 0] > 0.5, 2.0, -1.0)


def _stepped(classes: bool) -> Hidden:
    return Hidden("by hand", 3, step, lambda cells: -step(cells), {2: (1.0, 2.0)}, classes)


def test_a_hidden_function_is_described() -> None:
    for classes in (False, True):
        found = described(_stepped(classes))
        assert found.overall > 0.9 and found.inside > 0.85
        assert found.sliced and found.ruled and not found.chance
        assert found.stump < 0.9 and found.stump_inside < 0.5


def test_stated_rules_and_curves_become_predictions() -> None:
    subject = subject_of(_stepped(False), np.random.default_rng(0).uniform(-2, 2, (200, 3)))
    named = {"group": "x0 above 0 and at most 1 and x2 above 1", "unit": "feature"}
    facts = [
        Fact(relation="constant_number", value=0.5, unit="output"),
        Fact(relation="rule_number", value=7.0, unit="output", group=named["group"]),
        Fact(relation="rule_above", value=0.0, feature="x0", **named),
        Fact(relation="rule_at_most", value=1.0, feature="x0", **named),
        Fact(relation="rule_above", value=1.0, feature="x2", **named),
    ]
    evidence = Evidence(facts=tuple(facts), method="by hand", estimand="by hand")
    assert boxes(subject, evidence) == {named["group"]: {0: (0.0, 1.0), 2: (1.0, np.inf)}}
    cells = np.array([[0.5, 0, 1.5], [0.0, 0, 1.5], [1.0, 0, 1.1], [0.5, 0, 1.0]])
    assert by_rules(subject, evidence, cells) == pytest.approx([7.0, 0.5, 7.0, 0.5])
    assert within({0: (0.0, 1.0)}, cells).tolist() == [True, False, True, True]
    assert edges_met(_stepped(False), boxes(subject, evidence))
    assert not edges_met(_stepped(False), {"other": {2: (0.5, 2.0)}})
    line = Series(name="average", x=(-2.0, 2.0), y=(-1.0, 3.0))
    curve = evidence.model_copy(update={"figure": Figure(kind="line", title="", x_label="", series=(line,))})
    assert by_curves([curve], np.array([[0.0], [1.0]])) == pytest.approx([1.0, 2.0])
    assert score(np.array([0.0, 2.0]), np.array([0.0, 1.0]), False) == pytest.approx(0.5)
    assert score(np.array([0, 1, 1]), np.array([0, 0, 1]), True) == pytest.approx(2 / 3)


def test_the_known_conditional_distribution() -> None:
    rng = np.random.default_rng(0)
    cells = rng.normal(size=(4000, 3))
    for one in (1, 2):
        cells[:, one] = 0.8 * cells[:, one - 1] + 0.6 * cells[:, one]
    drawn = _known(0.8, 3)(cells, np.arange(4000), rng)
    # The middle one of three depends on both neighbours: 0.8 / 1.64 times their sum, with a variance of 0.36 / 1.64.
    expected = (cells[:, 0] + cells[:, 2]) * 0.8 / 1.64
    assert (drawn[1] - expected[:, None]).mean() == pytest.approx(0, abs=0.02)
    assert (drawn[1] - expected[:, None]).var() == pytest.approx(0.36 / 1.64, rel=0.05)


def test_error_rates_of_the_tests() -> None:
    found = figures_of(significance_lines(30))
    assert missed(significance_lines(30)) == []
    assert found["power"] == pytest.approx(1.0, abs=0.1)
    lines = concept_lines(6)
    assert missed(lines) == []
    assert figures_of(lines)["concept_power_used"] == 1.0


def test_anchors_hold_when_measured_again() -> None:
    lines = anchor_lines(2, ())
    assert missed(lines) == []
    assert figures_of(lines)["anchor_only_planted_and"] == 1.0


def test_feasible_queries_have_a_witness() -> None:
    subject = known_credit()
    for query in feasible_queries(6):
        assert query.witness
        assert judged(subject, query, query.witness) == (True, True)
        assert not {"sex", "age"} & set(query.witness)
    kinds = {(bool(query.keep), bool(query.only)) for query in feasible_queries(3)}
    assert kinds == {(False, False), (True, False), (False, True)}


def test_infeasible_queries_have_none() -> None:
    subject = known_credit()
    query = next(infeasible_queries(1))
    assert query.witness is None
    names = [one.name for one in subject.schema.classes]
    rng = np.random.default_rng(0)
    rows = pd.concat([subject.data.iloc[[query.row]]] * 200)
    rows = rows.assign(**{name: subject.data[name].iloc[rng.integers(0, 1000, 200)].array for name in query.only})
    assert not (predicted_index(subject.predictor(rows)) == names.index(query.cls)).any()


def test_a_broken_constraint_is_seen() -> None:
    subject = known_credit()
    query = Query(0, "1", keep=("duration",))
    own = subject.data.iloc[0]
    assert judged(subject, query, {"sex": "female" if own["sex"] == "male" else "male"})[1] is False
    assert judged(subject, query, {"duration": 6})[1] is False
    assert judged(subject, query, {"credit_amount": 100})[1] is False
    assert judged(subject, query, {"credit_amount": 1000.5})[1] is False
    assert judged(subject, query, {"credit_amount": 1000})[1] is True


def test_counterfactuals_of_a_few_queries() -> None:
    report = measured(SLICE, ("counterfactuals",))
    times = {"cf_slowest"}  # seconds are measured, not tested
    assert set(report.figures["missed"]) <= times  # type: ignore[call-overload]
    assert report.figures["cf_valid"] == report.figures["cf_kept"] == report.figures["cf_found"] == 1.0


def test_importance_of_a_few_pairs() -> None:
    assert measured(SLICE, ("importance",)).figures["missed"] == []


def test_the_command(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("askwhy.evals.truth.QUICK", SLICE)
    assert run_evaluation("truth", ["--quick", "--part", "significance", "--subject", "table"]) == 0
    last = json.loads(capsys.readouterr().out.strip().splitlines()[-1])
    assert last["evaluation"] == "truth"
    assert last["passed"] is True
    assert 0 <= last["fdr"] <= 0.13
    assert run_evaluation("truth", ["--subject", "text", "--part", "significance"]) == 2
