"""Interactions against planted products, values worked by hand and brute force."""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
import pandas as pd
import pytest
import toy_subjects
from hand_subjects import hand_subject
from table_subjects import run

from askwhy.tools.engines.coalitions import Coalitions
from askwhy.tools.engines.pairs import interactions_at
from askwhy.tools.errors import ToolError
from askwhy.tools.evaluator import Evaluator
from askwhy.tools.scope import Scope
from askwhy.tools.subject import Subject


def numbers(rows: int = 60, columns: int = 4, seed: int = 0) -> pd.DataFrame:
    cells = np.random.default_rng(seed).normal(size=(rows, columns))
    return pd.DataFrame(cells, columns=[f"x{one}" for one in range(columns)])


def product(frame: pd.DataFrame) -> Any:
    return frame["x0"] * frame["x1"] + 3 * frame["x2"] + 0.3 * frame["x2"] * frame["x3"]


def chance(score: Any) -> Any:
    one = 1 / (1 + np.exp(-np.asarray(score, dtype=float)))
    return np.column_stack([1 - one, one])


def test_a_planted_product_comes_first_with_its_size_by_brute_force() -> None:
    frame = numbers(30)
    found = run(hand_subject(product, frame), "interactions", k=6)
    names = [fact.group for fact in found.all("ranked_output")]
    assert names == ["x0 and x1", "x2 and x3"]  # the four other pairs add up exactly and are not named
    changes = [
        (frame.x0[a] - frame.x0[b]) * (frame.x1[a] - frame.x1[b]) for a in range(30) for b in range(30) if a != b
    ]
    first = found.all("ranked_output")[0]
    assert first.value == pytest.approx(math.sqrt(np.mean(np.square(changes))))
    assert first.error is None and found.one("draws").value == 30 * 29


def test_sampled_sizes_agree_with_brute_force_within_their_errors() -> None:
    frame = numbers(300)
    first = run(hand_subject(product, frame), "interactions", features=("x0", "x1")).one("pair_output")
    apart = frame.x0.to_numpy()[:, None] - frame.x0.to_numpy(), frame.x1.to_numpy()[:, None] - frame.x1.to_numpy()
    exact = math.sqrt((apart[0] ** 2 * apart[1] ** 2).sum() / (300 * 299))
    assert first.error is not None and first.error < 0.2 * exact
    assert abs(first.number() - exact) < 4 * first.error


def test_an_additive_model_has_none() -> None:
    subject = hand_subject(lambda frame: frame["x0"] ** 2 + np.sin(frame["x1"]) - frame["x2"], numbers())
    assert run(subject, "interactions").one("no_pairs").value == 6
    assert run(subject, "interactions", features=("x0", "x1")).one("no_interaction").group == "x0 and x1"
    assert run(subject, "interactions", Scope(row="3")).one("nothing_here").value == 6


def test_a_logistic_model_interacts_in_probability_but_not_in_log_odds() -> None:
    subject = hand_subject(lambda frame: chance(frame["x0"] + frame["x1"]), numbers(), ("no", "yes"))
    found = run(subject, "interactions", features=("x0", "x1"), cls="yes")
    assert found.one("exactly_added").value == pytest.approx(found.one("pair").value, abs=1e-9)
    planted = hand_subject(lambda frame: chance(2 * frame["x0"] * frame["x1"]), numbers(), ("no", "yes"))
    more = run(planted, "interactions", features=("x0", "x1"), cls="yes")
    assert more.one("expected").number() < more.one("pair").number()
    assert more.one("share").number() > 0.8  # neither feature does anything on its own


def test_the_contrast_is_the_average_of_direct_answers() -> None:
    frame = numbers()
    found = run(hand_subject(product, frame), "interactions", features=("x0", "x1"))
    move = float(found.one("end").at) - float(found.one("start").at)  # type: ignore[arg-type]
    for end in ("low", "high"):
        assert found.one(f"{end}_effect_output").value == pytest.approx(move * float(found.one(end).at))  # type: ignore[arg-type]


def brute_force(subject: Subject, row: int, pair: tuple[str, str]) -> float:
    """The pairwise Shapley interaction by its definition, one coalition at a time."""
    names, background = list(subject.schema.names), subject.background

    def worth(coalition: tuple[str, ...]) -> float:
        mixed = background.copy()
        for name in coalition:
            mixed[name] = subject.data[name].iloc[row]
        return float(subject.predictor(mixed)[:, 0].mean())

    others, total = [name for name in names if name not in pair], 0.0
    for size in range(len(others) + 1):
        for rest in itertools.combinations(others, size):
            second = worth((*rest, *pair)) - worth((*rest, pair[0])) - worth((*rest, pair[1])) + worth(rest)
            total += second / ((len(others) + 1) * math.comb(len(others), size))
    return total


def three(frame: pd.DataFrame) -> Any:
    return frame["x0"] * frame["x1"] * (1 + frame["x2"]) + frame["x3"]


def test_a_row_agrees_with_brute_force() -> None:
    subject = hand_subject(three, numbers())
    for pair in (("x0", "x1"), ("x0", "x2")):
        here = run(subject, "interactions", Scope(row="7"), features=pair).one("here_output")
        assert here.value == pytest.approx(brute_force(subject, 7, pair)) and here.error is None
    assert run(subject, "interactions", Scope(row="7"), features=("x0", "x3")).one("none_here").group == "x0 and x3"


def test_the_leaders_of_a_row_are_the_largest_by_brute_force() -> None:
    subject = hand_subject(three, numbers())
    ranked = run(subject, "interactions", Scope(row="7"), k=2).all("ranked_here_output")
    pairs = itertools.combinations(subject.schema.names, 2)
    sizes = sorted((abs(brute_force(subject, 7, pair)) for pair in pairs), reverse=True)
    assert [abs(fact.number()) for fact in ranked] == pytest.approx(sizes[:2])


def test_many_features_are_sampled_within_their_errors() -> None:
    subject = hand_subject(three, numbers(columns=14))
    game = Coalitions(Evaluator(subject.predictor), subject.row("7"), subject.background)
    found = interactions_at(game, [(0, 1)], np.random.default_rng(0), budget=40_000)[0]
    few = hand_subject(three, numbers(columns=14)[["x0", "x1", "x2", "x3"]])
    names = [subject.schema.names[one] for one in game.players[:2]]
    assert names == ["x0", "x1"] and found.error is not None and found.error > 0
    # Features that the model does not read change no pairwise Shapley interaction.
    assert abs(found.value - brute_force(few, 7, ("x0", "x1"))) < 4 * found.error


def test_only_the_leading_features_are_compared_where_there_are_many() -> None:
    subject = hand_subject(lambda frame: frame["x3"] * frame["x24"], numbers(columns=25))
    found = run(subject, "interactions", k=1)
    assert found.one("ranked_output").group == "x3 and x24"
    assert (found.one("screened").value, found.one("feature_count").value) == (20, 25)


def test_every_kind_of_column_can_interact() -> None:
    found = run(toy_subjects.multiclass(), "interactions", features=("LoanPurpose", "joined"), cls="high")
    assert found.one("pair").cls == "high" and found.one("low_effect").feature == "LoanPurpose"


def test_too_few_rows_are_refused() -> None:
    with pytest.raises(ToolError, match="at least"):
        run(hand_subject(product, numbers(3)), "interactions")
