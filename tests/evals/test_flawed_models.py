"""Each hidden flaw is really there, by a computation that uses no tool, and the clean models have none."""

from __future__ import annotations

import functools

import numpy as np
import pandas as pd
import pytest

from askwhy.evals.flawed_domains import Array, domains
from askwhy.evals.flawed_models import DEV_SEEDS, SEEDS, SPECS, Flawed, errors_in_and_out, flawed_model, leaves_trace
from askwhy.evals.flawed_tables import KINDS, Flaw
from askwhy.evals.flawed_texts import grammars


@functools.cache
def made(name: str) -> Flawed:
    """The model of a spec under the first seed of the tests."""
    return flawed_model(next(one for one in SPECS if one.name == name), DEV_SEEDS[0])


def names(kind: str | None) -> list[str]:
    """The specs of a kind."""
    return [one.name for one in SPECS if one.kind == kind]


def flaw_of(one: Flawed) -> Flaw:
    assert one.flaw is not None
    return one.flaw


def event(one: Flawed) -> Array:
    """The second class, or above the median, in truth."""
    if one.subject.regression:
        return np.asarray(one.truth > np.median(one.truth))
    return np.asarray(one.truth == str(one.subject.schema.classes[1].value))


def auc(values: Array, positive: Array) -> float:
    """The chance that a positive has the larger value, ties counting half; from ranks."""
    ranks = pd.Series(values).rank().to_numpy()
    n = int(positive.sum())
    area = (ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(values) - n))
    return max(float(area), 1 - float(area))


def told_by(one: Flawed) -> Array:
    """The flaw's column (or whether its word is there) as numbers that go with the event."""
    flaw = flaw_of(one)
    if not flaw.features:
        return np.array([flaw.words[0] in text for text in one.subject.data.iloc[:, 0]], dtype=float)
    cells = one.subject.data[flaw.features[0]]
    if pd.api.types.is_numeric_dtype(cells):
        return np.asarray(cells.isna().to_numpy() if flaw.how == "missing" else cells, dtype=float)
    return by_training(one, cells)


def by_training(one: Flawed, cells: pd.Series) -> Array:
    """Each category as the share of the event among its training rows."""
    known = ~one.subject.held_out
    shares = pd.Series(event(one)[known]).groupby(cells[known].to_numpy()).mean()
    return np.asarray(cells.map(shares).fillna(0.5), dtype=float)


def test_there_are_eight_of_each_kind_and_ten_clean_ones() -> None:
    assert [len(names(kind)) for kind in KINDS] == [8, 8, 8, 8, 8]
    assert len(names(None)) == 10
    assert len({one.name for one in SPECS}) == 50
    assert not set(SEEDS) & set(DEV_SEEDS)


@pytest.mark.parametrize("name", ["shortcut 4 (lending)", "weak region 8 (tickets)"])
def test_a_seed_gives_the_same_model_every_time(name: str) -> None:
    spec = next(one for one in SPECS if one.name == name)
    again, other = flawed_model(spec, DEV_SEEDS[0]), flawed_model(spec, DEV_SEEDS[1])
    assert again.subject.id == made(name).subject.id != other.subject.id
    assert again.flaw is not None
    assert again.flaw.words == flaw_of(made(name)).words


@pytest.mark.parametrize("name", names("leak"))
def test_a_leak_alone_gives_the_outcome_away_in_training_and_held_out(name: str) -> None:
    one = made(name)
    held, values = one.subject.held_out, told_by(one)
    assert 0.95 <= flaw_of(one).rate <= 1
    assert auc(values[held], event(one)[held]) > 0.93
    assert auc(values[~held], event(one)[~held]) > 0.93


@pytest.mark.parametrize("name", names("shortcut"))
def test_a_shortcut_goes_with_the_outcome_in_training_only_and_the_model_takes_it(name: str) -> None:
    one = made(name)
    held = one.subject.held_out
    side = told_by(one) > 0.5
    agreed = side == event(one)
    assert agreed[~held].mean() > 0.87
    assert agreed[held].mean() < 0.6
    said = one.subject.predictor(one.subject.data)[:, 1] > 0.5
    assert (said == side)[held].mean() > 0.65
    assert (said == event(one))[~held].mean() > (said == event(one))[held].mean() + 0.2


@pytest.mark.parametrize("name", names("reversal"))
def test_a_reversal_is_learnt_and_the_held_out_rows_show_it(name: str) -> None:
    one = made(name)
    flaw, subject = flaw_of(one), one.subject
    assert 0.08 <= flaw.rows.mean() <= 0.25
    assert (subject.data[flaw.features[0]].astype(str) == flaw.words[0]).to_numpy().tolist() == flaw.rows.tolist()
    assert subject.target is not None
    same = subject.target.to_numpy(dtype=object) == one.truth.astype(object)
    held = subject.held_out
    assert same[held].all()
    assert same[~held & ~flaw.rows].all()
    assert not same[~held & flaw.rows].any()
    inside, outside = errors_in_and_out(one)
    assert inside.mean() > (2 * outside.mean() if subject.regression else 0.5)


@pytest.mark.parametrize("name", names("weak region"))
def test_a_weak_region_is_weaker_with_true_labels_held_out(name: str) -> None:
    one = made(name)
    inside, outside = errors_in_and_out(one)
    assert leaves_trace(one)
    assert len(inside) >= 40
    assert inside.mean() > 1.4 * outside.mean()
    assert one.subject.target is not None
    same = one.subject.target.to_numpy(dtype=object) == one.truth.astype(object)
    assert same[one.subject.held_out].all()


@pytest.mark.parametrize("name", names("label noise"))
def test_label_noise_turns_its_share_of_a_slice_and_nothing_else(name: str) -> None:
    one = made(name)
    flaw, target = flaw_of(one), one.subject.target
    assert target is not None
    turned = target.to_numpy(dtype=object) != one.truth.astype(object)
    assert not turned[~flaw.rows].any()
    for rows in (flaw.rows & one.subject.held_out, flaw.rows & ~one.subject.held_out):
        spread = 4 * np.sqrt(0.25 / rows.sum())
        assert 0.25 - spread < turned[rows].mean() < 0.45 + spread
    assert turned[flaw.rows].mean() == pytest.approx(flaw.rate, abs=4 * np.sqrt(0.25 / flaw.rows.sum()))


@pytest.mark.parametrize("name", names(None))
def test_a_clean_model_has_true_labels_and_no_column_gives_the_outcome_away(name: str) -> None:
    one = made(name)
    subject = one.subject
    assert one.flaw is None
    assert subject.target is not None
    turned = subject.target.to_numpy(dtype=object) != one.truth.astype(object)
    assert turned.mean() < 0.02
    assert ("harder" in name) == bool(turned.any())
    if subject.schema.modality == "table":
        for feature in subject.data.select_dtypes("number"):
            cells = subject.data[feature].fillna(subject.data[feature].median())
            assert auc(cells.to_numpy(dtype=float), event(one)) < 0.965
    else:
        assert not any(word in text for text in subject.data.iloc[:, 0] for word in grammars()["goods"]["markers"])


def test_the_clean_models_hold_what_is_often_taken_for_a_flaw() -> None:
    strong = made("clean 1 (a strong honest predictor)")
    cells = strong.subject.data["monthly_income"]
    assert auc(cells.fillna(cells.median()).to_numpy(), event(strong)) > 0.85
    few = made("clean 2 (few of one class)")
    assert min(event(few).mean(), 1 - event(few).mean()) == pytest.approx(0.07, abs=0.01)
    rare = made("clean 3 (a rare category)").subject.data
    assert min(rare[one].value_counts(normalize=True).min() for one in ("ward", "admission_route")) < 0.035


def test_tables_are_mixed_correlated_and_have_gaps() -> None:
    frame = made("leak 1 (lending)").subject.data
    kinds = {column["kind"] for column in domains()["lending"]["columns"]}
    assert kinds == {"number", "integer", "category", "boolean"}
    assert 0.02 < frame["monthly_income"].isna().mean() < 0.09
    assert frame[["monthly_income", "loan_amount"]].corr(method="spearman").iloc[0, 1] > 0.25
    assert 800 <= len(frame) <= 3000
