"""Questions of several steps about the built-in models of diabetes (a number), penguins and breast cancer."""

from __future__ import annotations

from typing import Any

import numpy as np

from askwhy.evals.agent_keys import (
    Gold,
    Key,
    at,
    averaged,
    change,
    changed_to,
    flips,
    named,
    number,
    pushed,
    reaches,
    rows,
    said,
    true,
)
from askwhy.evals.agent_keys import step as s
from askwhy.evals.agent_questions import numbered
from askwhy.evals.agent_world import World

_DIABETES = numbered(
    "diabetes",
    ("mistake, why", "Which patient is it furthest off for, and what drove that forecast?",
     lambda w: Gold((s("mistakes", k=1), s("explain", row=(r := w.top(np.abs(w.off), w.held)))),
                    (rows(r), pushed(w, r)))),
    ("mistake, what-if", "Take the patient with the largest error. How would the forecast move with a BMI of 25?",
     lambda w: Gold((s("mistakes", k=1),
                     s("what_if", row=(r := w.top(np.abs(w.off), w.held)), changes=change("bmi", 25.0))),
                    (rows(r), changed_to(w, r, bmi=25.0)))),
    ("extreme, why", "Look up whoever has the highest BMI and say what the forecast rests on.",
     lambda w: Gold((s("statistic", feature="bmi", measure="max"), s("explain", row=(r := w.top(w["bmi"])))),
                    (rows(r), pushed(w, r)))),
    ("extreme, reach", "For the patient with the highest blood pressure: what has to change to get to 100 or below, "
     "leaving age and sex as they are?",
     lambda w: Gold((s("statistic", feature="bp", measure="max"),
                     s("counterfactual", row=(r := w.top(w["bp"])), number=100.0, direction="lower",
                       keep=("age", "sex"))),
                    (rows(r), reaches(w, r, 100.0, above=False, kept=("age", "sex"))))),
    ("importance, effect", "What matters most to the forecasts, and what is the average forecast at its largest value?",
     lambda w: Gold((s("importance", k=1), s("effect", feature=(f := w.matter(1)[0]))),
                    (named(*w.matter()), averaged(w, f, w[f].max())))),
    ("importance, what-if", "Raise the most influential measurement of patient 12 by a tenth. What comes out?",
     lambda w: Gold((s("importance", k=1), s("what_if", row="12", changes=change((f := w.matter(1)[0]), 1.1, "scale"))),
                    (named(*w.matter()), changed_to(w, "12", **{f: w.cell("12", f) * 1.1})))),
    ("score by group", "For which sex are the forecasts further off, and how far off on average?",
     lambda w: Gold((s("group_compare", feature="sex"),
                     s("score", where=at("sex", (g := w.worst_category("sex"))), metric="mae")),
                    (number(float(np.abs(w.off)[w.held & w.is_at("sex", g)].mean()), what="error"),))),
    ("group, mistake, why", "Within the sex where it errs more: whose forecast is worst, and why is it what it is?",
     lambda w: Gold((s("group_compare", feature="sex"),
                     s("mistakes", where=at("sex", (g := w.worst_category("sex"))), k=1),
                     s("explain", row=(r := w.top(np.abs(w.off), w.held & w.is_at("sex", g))))),
                    (rows(r), pushed(w, r)))),
    ("statistic, score", "How well does it do, in mean absolute error, on patients older than the average age?",
     lambda w: Gold((s("statistic", feature="age", measure="mean"),
                     s("score", where=at("age", (m := float(w["age"].mean())), "gt"), metric="mae")),
                    (number(m, what="mean"),
                     number(float(np.abs(w.off)[w.held & (w["age"] > m)].mean()), what="error")))),
    ("count, mistakes", "How many patients have a BMI above 35? Among them, how far off is it on average?",
     lambda w: Gold((s("count", where=at("bmi", 35.0, "gt")), s("mistakes", where=at("bmi", 35.0, "gt"))),
                    (number(int((w["bmi"] > 35).sum()), what="count"),
                     number(float(np.abs(w.off)[w.held & (w["bmi"] > 35)].mean()), what="error")))),
    ("predict, why, reach", "What is the forecast for patient 7, what is behind it, and how could it get under 120?",
     lambda w: Gold((s("predict", row="7"), s("explain", row="7"),
                     s("counterfactual", row="7", **_aim(w, "7", 120.0))),
                    (number(float(w.out[7, 0]), row="7"), pushed(w, "7"), _aimed(w, "7", 120.0)))),
    ("two rows", "Compare what raises the forecasts of patients 3 and 30.",
     lambda w: Gold((s("explain", row="3"), s("explain", row="30")), (pushed(w, "3"), pushed(w, "30")))),
    ("extreme in group, why", "Among patients over 60, take the one with the lowest BMI. What pulls the forecast?",
     lambda w: Gold((s("statistic", feature="bmi", measure="min", where=at("age", 60, "gt")),
                     s("explain", row=(r := w.top(-w["bmi"], w["age"] > 60)))), (rows(r), pushed(w, r)))),
    ("extreme, what-if", "The patient with the most blood sugar: what would the forecast be at 90?",
     lambda w: Gold((s("statistic", feature="s6", measure="max"),
                     s("what_if", row=(r := w.top(w["s6"])), changes=change("s6", 90.0))),
                    (rows(r), changed_to(w, r, s6=90.0)))),
    ("why, what-if", "Which value does most to patient 50's forecast, and where would it land if blood pressure "
     "were 80?",
     lambda w: Gold((s("explain", row="50"), s("what_if", row="50", changes=change("bp", 80.0))),
                    (pushed(w, "50"), changed_to(w, "50", bp=80.0)))),
    ("mistake, similar", "Find its largest error. Which patients it learned from resemble that one most?",
     lambda w: Gold((s("mistakes", k=1), s("similar", row=(r := w.top(np.abs(w.off), w.held)))),
                    (rows(r), _near(w, r)))),
    ("mistakes ranked, why second", "Not the largest miss but the second largest: explain that forecast.",
     lambda w: Gold((s("mistakes", k=2), s("explain", row=(r := w.ranked(np.abs(w.off), w.held, 2)[1]))),
                    (rows(r), pushed(w, r)))),
    ("what-if on many, statistic", "Give everybody a BMI of 24. What is the average forecast then, and what is the "
     "average progression in truth?",
     lambda w: Gold((s("what_if", changes=change("bmi", 24.0)), s("statistic", measure="mean")),
                    (number(float(w.subject.predictor(w.frame.assign(bmi=24.0)).mean()), within=1e-6, what="forecast"),
                     number(_true_mean(w), within=1e-6, what="mean")))),
    ("count, statistic, score", "How many are under 30, what is their mean BMI, and how far off are the "
     "forecasts there?",
     lambda w: Gold((s("count", where=at("age", 30, "lt")), s("statistic", feature="bmi", where=at("age", 30, "lt"),
                                                             measure="mean"),
                     s("score", where=at("age", 30, "lt"), metric="mae")),
                    (number(int((w["age"] < 30).sum()), what="count"), number(float(w["bmi"][w["age"] < 30].mean())),
                     number(float(np.abs(w.off)[w.held & (w["age"] < 30)].mean()), what="error")))),
)  # fmt: skip

_PENGUINS = numbered(
    "penguins",
    ("mistake, why", "Does it get any penguin wrong? Say which one and what misled it.",
     lambda w: Gold((s("mistakes", k=1), s("explain", row=(r := w.top(w.sure, w.wrong)))), (rows(r), pushed(w, r)))),
    ("extreme, why", "What species is the heaviest one taken for, and because of which trait?",
     lambda w: Gold((s("statistic", feature="body_mass_g", measure="max"),
                     s("explain", row=(r := w.top(w["body_mass_g"])))), (named(w.label_of(r)), pushed(w, r)))),
    ("extreme, flip", "The bird with the shortest bill: what would make it another species in the model's eyes?",
     lambda w: Gold((s("statistic", feature="bill_length_mm", measure="min"),
                     s("counterfactual", row=(r := w.top(-w["bill_length_mm"])),
                       cls=(c := next(one.name for one in w.subject.schema.classes if one.name != w.label_of(r))))),
                    (rows(r), flips(w, r, c)))),
    ("count, extreme, predict", "How many live on Dream? Name the one with the longest flippers there and its species.",
     lambda w: Gold((s("count", where=at("island", "Dream")),
                     s("statistic", feature="flipper_length_mm", measure="max", where=at("island", "Dream")),
                     s("predict", row=(r := w.top(w["flipper_length_mm"], w.is_at("island", "Dream"))))),
                    (number(int(w.is_at("island", "Dream").sum()), what="count"), rows(r), named(w.label_of(r))))),
    ("importance, effect", "Which trait matters most, and how does the chance of Gentoo run along it?",
     lambda w: Gold((s("importance", k=1), s("effect", feature=(f := w.matter(1)[0]), cls="Gentoo")),
                    (named(*w.matter()), averaged(w, f, w[f].max(), "Gentoo")))),
    ("statistic, count", "What is the mean body mass, and how many penguins are heavier?",
     lambda w: Gold((s("statistic", feature="body_mass_g", measure="mean"),
                     s("count", where=at("body_mass_g", (m := float(w["body_mass_g"].mean())), "gt"))),
                    (number(m, within=1e-6, what="mean"), number(int((w["body_mass_g"] > m).sum()), what="count")))),
    ("predict, why, flip", "Penguin 200: which species, what gives it away, and what would make it an Adelie?",
     lambda w: Gold((s("predict", row="200"), s("explain", row="200"), s("counterfactual", row="200", cls="Adelie")),
                    (named(w.label_of("200")), pushed(w, "200"), flips(w, "200", "Adelie")))),
    ("two rows", "What separates penguin 10 from penguin 300, going by what decided each?",
     lambda w: Gold((s("explain", row="10"), s("explain", row="300")), (pushed(w, "10"), pushed(w, "300")))),
    ("extreme, what-if", "Put the longest-billed penguin on Biscoe: what does it become, and how sure is that?",
     lambda w: Gold((s("statistic", feature="bill_length_mm", measure="max"),
                     s("what_if", row=(r := w.top(w["bill_length_mm"])), changes=change("island", "Biscoe"))),
                    (rows(r), changed_to(w, r, island="Biscoe")))),
    ("predicted rows, statistic", "How many does it call Chinstrap, and how long are the bills of those on average?",
     lambda w: Gold((s("count", where=said("Chinstrap")),
                     s("statistic", feature="bill_length_mm", measure="mean", where=said("Chinstrap"))),
                    (number(int((w.said == "Chinstrap").sum()), what="count"),
                     number(float(w["bill_length_mm"][w.said == "Chinstrap"].mean()), what="mean")))),
)  # fmt: skip

_TUMOURS = numbered(
    "breast-cancer",
    ("mistake, why", "Which malignant tumour did it most confidently call benign, and what fooled it?",
     lambda w: Gold((s("mistakes", kind="false_positives", cls="benign", k=1),
                     s("explain", row=(r := w.top(w.sure, w.wrong & (w.said == "benign"))))), (rows(r), pushed(w, r)))),
    ("mistake, likelihood", "Find the malignant tumour that it missed most badly: how likely did it think benign was?",
     lambda w: Gold((s("mistakes", kind="false_positives", cls="benign", k=1),
                     s("likelihood", row=(r := w.top(w.sure, w.wrong & (w.said == "benign"))), cls="benign")),
                    (rows(r), number(float(w.sure[w.place(r)]), row=r)))),
    ("mistake, what-if", "For the overlooked cancer it was surest about: would a worst texture of 40 have rung "
     "the bell?",
     lambda w: Gold((s("mistakes", kind="false_positives", cls="benign", k=1),
                     s("what_if", row=(r := w.top(w.sure, w.wrong & (w.said == "benign"))),
                       changes=change("worst texture", 40.0))),
                    (rows(r), changed_to(w, r, **{"worst texture": 40.0})))),
    ("extreme, why", "The tumour with the largest mean radius: what weighs most in its diagnosis?",
     lambda w: Gold((s("statistic", feature="mean radius", measure="max"),
                     s("explain", row=(r := w.top(w["mean radius"])))), (rows(r), pushed(w, r)))),
    ("extreme in group, likelihood", "Among those really malignant, how sure was it about the one with the "
     "smallest area?",
     lambda w: Gold((s("statistic", feature="mean area", measure="min", where=true("malignant")),
                     s("likelihood", row=(r := w.top(-w["mean area"], w.truth == "malignant")))),
                    (rows(r), number(float(w.sure[w.place(r)]), row=r)))),
    ("actual rows, count, mistakes", "How many are malignant in truth, and how many cancers does it miss?",
     lambda w: Gold((s("count", where=true("malignant")),
                     s("mistakes", what="count", kind="false_negatives", cls="malignant")),
                    (number(int((w.truth == "malignant").sum()), what="count"),
                     number(int((w.wrong & (w.truth == "malignant")).sum()), what="missed")))),
    ("statistic, count", "Tell me the median worst area and how many tumours judged benign are larger than that.",
     lambda w: Gold((s("statistic", feature="worst area", measure="median"),
                     s("count",
                       where=(at("worst area", (m := float(w["worst area"].median())), "gt"), said("benign")))),
                    (number(m, what="median"),
                     number(int(((w["worst area"] > m) & (w.said == "benign")).sum()), what="count")))),
    ("predict, why", "Is tumour 40 dangerous according to the model, and on which measurement does that hang most?",
     lambda w: Gold((s("predict", row="40"), s("explain", row="40")), (named(w.label_of("40")), pushed(w, "40")))),
)  # fmt: skip

QUESTIONS = (*_DIABETES, *_PENGUINS, *_TUMOURS)


def _true_mean(w: World) -> float:
    assert w.subject.target is not None
    return float(w.subject.target.astype(float).mean())


def _aim(w: World, row: str, goal: float) -> dict[str, Any]:
    """The goal on the other side of where the forecast is."""
    return {"number": goal, "direction": "lower" if w.out[w.place(row), 0] > goal else "higher"}


def _aimed(w: World, row: str, goal: float) -> Key:
    """Below the goal: shown by what changes, or, where the forecast is there already, by the forecast."""
    now = float(w.out[w.place(row), 0])
    return reaches(w, row, goal, above=False) if now > goal else number(now, row=row)


def _near(w: World, row: str) -> Key:
    """One of the ten nearest training rows, by the mean difference as a share of each range."""
    known = ~w.held
    scaled = w.frame.apply(lambda cells: cells.astype(float) / max(float(np.ptp(cells.astype(float))), 1e-9))
    scaled["sex"] = w["sex"].astype(float)
    far = (scaled - scaled.iloc[w.place(row)]).abs().mean(axis=1).to_numpy()
    near = w.ranked(-far, known & (w.ids != row), 10)
    return Key("a similar patient", lambda seen: any(str(fact.row) in near for _, fact in seen.told))
