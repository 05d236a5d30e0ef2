"""Hand-made schemas and evidence for the tests of words."""

from __future__ import annotations

from typing import Any

from askwhy.tools.evidence import Evidence, Fact
from askwhy.tools.schema import Category, ClassLabel, Feature, Schema, Target


def categories(**labels: str) -> tuple[Category, ...]:
    return tuple(Category(name=name, label=label, value=name) for name, label in labels.items())


CREDIT = Schema(
    features=(
        Feature(
            name="age", label="age", kind="integer", unit="years", more=("older", "higher"), less=("younger", "lower")
        ),
        Feature(name="sex", label="sex", kind="category", categories=categories(female="female", male="male")),
        Feature(
            name="duration",
            label="credit duration",
            aliases=("term",),
            kind="integer",
            unit="months",
            more=("longer", "higher"),
            less=("shorter", "lower"),
        ),
        Feature(name="amount", label="credit amount", kind="number", unit="DM", more=("larger",), less=("smaller",)),
        Feature(name="weight", label="weight", kind="number", unit="kg", more=("heavier",), less=("lighter",)),
        Feature(
            name="purpose",
            label="purpose",
            kind="category",
            categories=categories(car="car", tv="radio or TV", business="business"),
        ),
        Feature(
            name="guarantor",
            label="guarantor",
            kind="boolean",
            categories=(Category(name="0", label="no", value=0), Category(name="1", label="yes", value=1)),
        ),
        Feature(name="joined", label="joining date", kind="date"),
        Feature(name="year_built", label="year built", kind="integer"),
    ),
    target=Target(name="risk", label="credit risk"),
    task="binary",
    classes=(
        ClassLabel(name="0", label="declined", value=0),
        ClassLabel(name="1", label="approved", value=1, favourable=True),
    ),
    entity="applicant",
    entities="applicants",
)

HOUSES = Schema(
    features=(Feature(name="area", label="area", kind="number", unit="m²"),),
    target=Target(name="price", label="sale price", unit="€"),
    task="regression",
    entity="house",
    entities="houses",
)

REVIEWS = Schema(
    features=(Feature(name="text", label="text", kind="text"),),
    target=Target(name="category", label="verdict"),
    task="binary",
    classes=tuple(ClassLabel(name=name, label=name, value=name) for name in ("fresh", "rotten")),
    modality="text",
    entity="review",
    entities="reviews",
)


def evidence_of(tool: str, *facts: Fact, **more: Any) -> Evidence:
    """Evidence with its facts numbered f1, f2 ... as the registry does."""
    numbered = (fact.model_copy(update={"id": f"f{number}"}) for number, fact in enumerate(facts, 1))
    return Evidence(facts=tuple(numbered), tool=tool, **more)
