"""Hand-made evidence about houses, penguins and reviews."""

from __future__ import annotations

from verify_case import Case, evidence_by
from verify_schemas import HOUSES, REVIEWS, SPECIES

from askwhy.tools.evidence import Fact
from askwhy.tools.scope import Argument, Scope

PRICE = Case(
    HOUSES,
    (
        evidence_by(
            "explain",
            Fact(relation="estimate", value=312_456.7, unit="output", row="H-7"),
            Fact(relation="base", value=250_000.0, unit="output"),
            *(
                Fact(relation="attribution", value=value, unit="output", feature=name, at=at, row="H-7", rank=rank)
                for rank, (name, value, at) in enumerate(
                    (("area", 80_123.4, 142.5), ("built", -20_456.0, 1931), ("rooms", 2_789.3, 5)), 1
                )
            ),
            scope=Scope(row="H-7"),
        ),
    ),
    true=(
        "The model predicts 312,457 EUR for house H-7. What moves the predicted price most: living area (142.5 "
        "m²) raises "
        "it by 80,123 EUR, year built (1931) lowers it by 20,456 EUR and rooms (5) raises it by 2,789 EUR.",
        "House H-7: the living area of 142.5 m² adds 80,123.4 EUR to the price, and the year built takes away "
        "20,456 EUR.",
    ),
    false=(
        ("The model predicts 312,475 EUR for house H-7.", "V1"),
        ("The model predicts 312,457 EUR for house H-8.", "V4"),
        ("For house H-7, living area (142.5 m²) lowers the predicted price by 80,123 EUR.", "V2"),
        ("For house H-7, living area (142.5 EUR) raises the predicted price by 80,123 EUR.", "V1"),
        ("For house H-7, rooms (5) raises the predicted price by 80,123 EUR.", "V1"),
        ("For house H-7, year built (1913) lowers the predicted price by 20,456 EUR.", "V1"),
        ("For house H-7, the garden raises the predicted price by 80,123 EUR.", "V4"),
        ("For house H-7, living area raises the predicted price by 80,123%.", "V1"),
    ),
)  # fmt: skip

_SPECIES_COUNTS = (("Adelie", 151), ("Chinstrap", 68), ("Gentoo", 125))
CLASSES = Case(
    SPECIES,
    (
        evidence_by(
            "predict",
            Fact(relation="total", value=344, unit="count"),
            *(Fact(relation="predicted_count", value=n, unit="count", cls=name) for name, n in _SPECIES_COUNTS),
        ),
    ),
    true=(
        "Of 344 penguins, the model predicts 151 as Adelie, 68 as Chinstrap and 125 as Gentoo.",
        "The model predicts Adelie for 151 of the 344 penguins, Gentoo for 125 and Chinstrap for 68.",
    ),
    false=(
        ("Of 344 penguins, the model predicts 151 as Gentoo, 68 as Chinstrap and 125 as Adelie.", "V1"),
        ("Of 344 penguins, the model predicts 151 as Adelie, 86 as Chinstrap and 125 as Gentoo.", "V1"),
        ("Of 344 penguins, the model predicts 151 as Adelie, 68 as Emperor and 125 as Gentoo.", "V4"),
    ),
)

_EFFECT = (("effect_start", 0.99, 32.1), ("effect_end", 0.02, 59.6))
EFFECT = Case(
    SPECIES,
    (
        evidence_by(
            "effect",
            Fact(relation="averaged", value=344, unit="count"),
            *(
                Fact(relation=name, value=value, unit="probability", feature="bill", at=at, cls="Adelie")
                for name, value, at in _EFFECT
            ),
            Fact(relation="always_falls", value=344, unit="count", feature="bill", cls="Adelie"),
            arguments=(Argument(name="feature", value="bill"),),
        ),
    ),
    true=(
        "Averaged over 344 penguins, the probability of Adelie goes from 99% at bill length 32.1 mm to 2.0% at "
        "59.6 mm. "
        "Checked row by row, it never rises as bill length rises, for all of 344 penguins.",
        "The probability of Adelie falls from 99% at a bill length of 32.1 mm to 2% at 59.6 mm.",
        "The probability of Adelie decreases with bill length.",
    ),
    false=(
        ("The probability of Adelie rises with bill length.", "V2"),
        ("The probability of Adelie never falls as bill length rises.", "V2"),
        ("The probability of Adelie falls from 99% at a bill length of 59.6 mm to 2% at 32.1 mm.", "V1"),
        ("The probability of Gentoo falls from 99% at a bill length of 32.1 mm to 2% at 59.6 mm.", "V1"),
        ("The probability of Adelie falls from 99% at a bill length of 32.1 cm to 2% at 59.6 mm.", "V1"),
        ("The probability of Adelie decreases with island.", "V4"),
    ),
)

WORDS = Case(
    REVIEWS,
    (
        evidence_by(
            "explain_text",
            Fact(relation="word_attribution", value=0.2, unit="points", at="fine", cls="fresh", rank=1),
            Fact(relation="word_attribution", value=-0.1, unit="points", at="dull", cls="fresh", rank=2),
            scope=Scope(text="a fine but dull film"),
        ),
    ),
    true=(),
    false=(),
)
