"""Sentences about diabetes (patient 3), penguins (penguin 0) and reviews (review 0)."""

from __future__ import annotations

import numpy as np
from checked_credit import near
from checked_gold import Case

DIABETES = (
    Case("The model predicts a disease progression of 162 for patient 3.", lambda g: near(g.f(), 162, 0.5)),
    Case("The model predicts 175 for this patient.", lambda g: near(g.f(), 175, 0.5)),
    Case("His predicted disease progression is about 160.", lambda g: near(g.f(), 160, 8)),
    Case("The patient's disease progression is 206.", None),  # predicted or recorded?
    Case("The recorded disease progression is 206.", lambda g: g.y[3] == 206),
    Case("The predicted progression is between 150 and 170.", lambda g: 150 <= g.f() <= 170),
    Case("Patient 3 has a BMI of 25.3.", lambda g: near(g.me["bmi"], 25.3, 0.05)),
    Case("Patient 3 has a BMI of 27.0.", lambda g: near(g.me["bmi"], 27.0, 0.05)),
    Case("The patient is older than 50.", lambda g: g.me["age"] > 50),
    Case("Patient 0 is 59 years old and has a BMI of 32.1.", lambda g: g.df.age[0] == 59 and g.df.bmi[0] == 32.1),
    Case("His blood sugar is high.", lambda g: g.me["s6"] >= g.df.s6.quantile(0.75)),
    Case("The BMI raised the prediction.", lambda g: g.swing("bmi") > 0),
    Case("His blood pressure lowered the predicted value.", None),
    Case("A higher BMI raises the predicted progression.", lambda g: bool((np.diff(g.sweep("bmi")) >= -1e-9).all())),
    Case(
        "The higher the HDL cholesterol, the lower the predicted progression.",
        lambda g: bool((np.diff(g.sweep("s3")) <= 1e-9).all()),
    ),
    Case("The prediction rises with blood pressure.", lambda g: bool((np.diff(g.sweep("bp")) >= -1e-9).all())),
    Case("As blood pressure rises, the prediction falls.", lambda g: bool((np.diff(g.sweep("bp")) <= 1e-9).all())),
    Case("The prediction never falls as the BMI increases.", lambda g: bool((np.diff(g.sweep("bmi")) >= -1e-9).all())),
    Case("The model is monotone in BMI.", lambda g: bool((np.diff(g.sweep("bmi")) >= -1e-9).all())),
    Case("If the BMI were 30, the prediction would rise.", lambda g: g.f(bmi=30.0) > g.f()),
    Case("If the BMI were 30, the prediction would fall.", lambda g: g.f(bmi=30.0) < g.f()),
    Case("If the BMI were 5 higher, the prediction would be 188.", lambda g: near(g.f(bmi=30.3), 188, 0.5)),
    Case("Increasing the BMI by 5 would raise the prediction by 40.", lambda g: near(g.f(bmi=30.3) - g.f(), 40, 0.5)),
    Case(
        "Lowering the blood pressure by 10 would lower the prediction by about 11.",
        lambda g: near(g.f() - g.f(bp=g.me["bp"] - 10), 11, 0.55),
    ),
    Case("The average age is 48.5 years.", lambda g: near(g.df.age.mean(), 48.5, 0.05)),
    Case("The average predicted disease progression is 152.", lambda g: near(float(g.out.mean()), 152, 0.5)),
    Case("The highest BMI is 42.2.", lambda g: g.df.bmi.max() == 42.2),
    Case("There are 442 patients in the data, and the model has ten features.", lambda g: g.df.shape == (442, 10)),
    Case("There are 442 patients in the data, and the model has eight features.", lambda g: g.df.shape == (442, 8)),
    Case("The model was trained on 400 patients.", lambda g: (~g.held).sum() == 400),
    Case(
        "The mean absolute error is 43.", lambda g: near(float(np.abs(np.ravel(g.out) - g.y)[g.held].mean()), 43, 0.5)
    ),
    Case(
        "The mean absolute error is 35.", lambda g: near(float(np.abs(np.ravel(g.out) - g.y)[g.held].mean()), 35, 0.5)
    ),
    Case(
        "In general, the BMI is more important than age.",
        lambda g: g.shuffled().index("bmi") < g.shuffled().index("age"),
    ),
    Case("Age is the most important feature overall.", lambda g: g.shuffled()[0] == "age"),
    Case("127 patients are older than 60.", lambda g: (g.df.age > 60).sum() == 127),
    Case("Obesity causes diabetes.", None),
    Case("He should eat less sugar.", None),
)

PENGUINS = (
    Case("Penguin 0 is an Adelie.", lambda g: g.mine == "Adelie"),
    Case("It was classified as a Gentoo.", lambda g: g.mine == "Gentoo"),
    Case("The model predicts Chinstrap for penguin 200.", lambda g: g.pred[200] == "Chinstrap"),
    Case("Penguin 200 was not classified as Adelie.", lambda g: g.pred[200] != "Adelie"),
    Case("The model gives Adelie a probability of 99.6 %.", lambda g: near(g.p("Adelie"), 0.996, 0.0005)),
    Case("The probability of Gentoo is less than 1 %.", lambda g: g.p("Gentoo") < 0.01),
    Case("The probability of Chinstrap is 12 %.", lambda g: near(g.p("Chinstrap"), 0.12, 0.005)),
    Case("It lives on Torgersen.", lambda g: g.me["island"] == "Torgersen"),
    Case("The penguin lives on Dream.", lambda g: g.me["island"] == "Dream"),
    Case(
        "Its bill length is 39.1 mm and its flipper length is 181 mm.",
        lambda g: g.me["bill_length_mm"] == 39.1 and g.me["flipper_length_mm"] == 181,
    ),
    Case("Its bill length is 39.1 mm and its flipper length is 190 mm.", lambda g: g.me["flipper_length_mm"] == 190),
    Case("The penguin is male.", lambda g: g.me["sex"] == "male"),
    Case(
        "The bill length of 39.1 mm raised the probability of Adelie.",
        lambda g: g.swing("bill_length_mm", "Adelie") > 0,
    ),
    Case("The flipper length lowered the probability of Adelie.", lambda g: g.swing("flipper_length_mm", "Adelie") < 0),
    Case(
        "If the bill length were 50 mm, the model would predict Chinstrap.",
        lambda g: g.p("Chinstrap", bill_length_mm=50.0) > 0.5,
    ),
    Case(
        "If the bill length were 50 mm, the prediction would not change.",
        lambda g: g.p("Adelie", bill_length_mm=50.0) > 0.5,
    ),
    Case("There are 344 penguins in the data.", lambda g: len(g.df) == 344),
    Case("152 penguins are actually Adelies.", lambda g: (g.y == "Adelie").sum() == 152),
    Case("Most Gentoo penguins live on Biscoe.", lambda g: (g.df.island == "Biscoe")[g.y == "Gentoo"].mean() > 0.5),
    Case("All Adelie penguins live on Torgersen.", lambda g: bool((g.df.island == "Torgersen")[g.y == "Adelie"].all())),
    Case(
        "Male penguins are heavier than female penguins on average.",
        lambda g: g.df.body_mass_g[g.df.sex == "male"].mean() > g.df.body_mass_g[g.df.sex == "female"].mean(),
    ),
    Case("The average body mass is 4,202 g.", lambda g: near(g.df.body_mass_g.mean(), 4202, 0.5)),
    Case("The average flipper length is 210 mm.", lambda g: near(g.df.flipper_length_mm.mean(), 210, 0.5)),
    Case("The model distinguishes three species.", lambda g: len(g.classes) == 3),
    Case("The model is right in 9 out of 10 cases.", lambda g: near(g.accuracy(), 0.9, 0.03)),
    Case("The model is correct in 98.8 % of cases.", lambda g: near(g.accuracy(), 0.988, 0.0005)),
    Case(
        "The model ignores the island.",
        lambda g: bool((np.abs(g.ask(g.df.assign(island="Dream")) - g.out) < 1e-12).all()),
    ),
    Case(
        "Penguins on Dream are more likely to be Chinstrap than penguins on Biscoe.",
        lambda g: g.rate("Chinstrap", g.df.island == "Dream") > g.rate("Chinstrap", g.df.island == "Biscoe"),
    ),
    Case("The bill length was the most important reason.", lambda g: g.swings("Adelie")[0] == "bill_length_mm"),
    Case("Penguins are lovely animals.", None),
    Case("Penguin 9999 is a Gentoo.", None),
)

REVIEWS = (
    Case("The review is classified as fresh.", lambda g: g.mine == "fresh"),
    Case("The model predicts rotten for review 0.", lambda g: g.mine == "rotten"),
    Case("The probability of fresh is 58 %.", lambda g: near(g.p("fresh"), 0.58, 0.005)),
    Case("The probability of fresh is 70 %.", lambda g: near(g.p("fresh"), 0.7, 0.005)),
    Case('The word "master" appears in the review.', lambda g: "master" in g.me["text"].lower().split()),
    Case('The review contains the word "dull".', lambda g: "dull" in g.me["text"].lower()),
    Case('"cinema" speaks for fresh.', lambda g: _drop(g, "cinema") > 0),
    Case('The word "cinema" lowers the probability of fresh.', lambda g: _drop(g, "cinema") < 0),
    Case('"master" speaks for fresh.', lambda g: _drop(g, "master") > 0),
    Case(
        'If the word "cinema" were removed, the model would predict rotten.',
        lambda g: g.p("fresh", text=_without(g, "cinema")) < 0.5,
    ),
    Case(
        'If the word "master" were removed, the model would predict rotten.',
        lambda g: g.p("fresh", text=_without(g, "master")) < 0.5,
    ),
    Case("There are 12,808 reviews in the data.", lambda g: len(g.df) == 12808),
    Case("Most reviews are fresh.", lambda g: g.rate("fresh") > 0.5),
    Case("The film is a masterpiece.", None),
)


def _without(g: object, word: str) -> str:
    return str(g.me["text"]).replace(f" {word}", "")  # type: ignore[attr-defined]


def _drop(g: object, word: str) -> float:
    return g.p("fresh") - g.p("fresh", text=_without(g, word))  # type: ignore[attr-defined,no-any-return]
