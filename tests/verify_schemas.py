"""Small schemas for the verifier's tests."""

from __future__ import annotations

from askwhy.tools.schema import Category, ClassLabel, Feature, Schema, Target


def _category(value: str, label: str | None = None, *aliases: str) -> Category:
    return Category(name=value, label=label or value, value=value, aliases=aliases)


LOANS = Schema(
    name="Loans",
    features=(
        Feature(
            name="age", label="age", kind="integer", unit="years", low=19, high=75, more=("older",), less=("younger",)
        ),
        Feature(
            name="duration", label="duration", kind="integer", unit="months", low=4, high=72, more=("longer",),
            less=("shorter",), aliases=("loan duration", "term"),
        ),
        Feature(name="amount", label="credit amount", kind="integer", unit="DM", low=250, high=18424),
        Feature(
            name="housing", label="housing", kind="category",
            categories=(_category("own"), _category("rent"), _category("free", "free", "rent-free")),
        ),
        Feature(
            name="sex", label="sex", kind="category", mutable=False,
            categories=(_category("male", None, "men"), _category("female", None, "women")),
        ),
        Feature(
            name="savings", label="savings", kind="category",
            categories=(_category("little"), _category("not_known", "not known"), _category("rich")),
        ),
    ),
    target=Target(name="risk", label="credit decision"),
    task="binary",
    classes=(
        ClassLabel(name="1", label="approved", value=1, favourable=True, aliases=("good",)),
        ClassLabel(name="0", label="declined", value=0, aliases=("bad", "not approved")),
    ),
    entity="applicant",
    entities="applicants",
)  # fmt: skip

HOUSES = Schema(
    name="Houses",
    features=(
        Feature(name="rooms", label="rooms", kind="integer", low=1, high=9),
        Feature(name="area", label="living area", kind="number", unit="m²", low=20, high=400),
        Feature(
            name="built", label="year built", kind="integer", low=1890, high=2020, more=("newer",), less=("older",)
        ),
    ),
    target=Target(name="price", label="price", unit="EUR"),
    task="regression",
    entity="house",
    entities="houses",
)

SPECIES = Schema(
    name="Penguins",
    features=(
        Feature(name="bill", label="bill length", kind="number", unit="mm", low=32.1, high=59.6),
        Feature(
            name="island", label="island", kind="category", categories=(_category("Biscoe"), _category("Dream"))
        ),
    ),
    target=Target(name="species", label="species"),
    task="multiclass",
    classes=tuple(ClassLabel(name=name, label=name, value=name) for name in ("Adelie", "Chinstrap", "Gentoo")),
    entity="penguin",
    entities="penguins",
)  # fmt: skip

REVIEWS = Schema(
    name="Reviews",
    features=(Feature(name="text", label="text", kind="text"),),
    target=Target(name="verdict", label="verdict"),
    task="binary",
    classes=(
        ClassLabel(name="fresh", label="fresh", value="fresh"),
        ClassLabel(name="rotten", label="rotten", value="rotten"),
    ),
    modality="text",
    entity="review",
    entities="reviews",
)
