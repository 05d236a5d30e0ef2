"""What a feature, the target or a class means."""

from __future__ import annotations

from askwhy.tools.engines.listing import target_facts
from askwhy.tools.evidence import Evidence, Fact, Table
from askwhy.tools.registry import ClassName, FeatureName, tool
from askwhy.tools.schema import Feature, Schema
from askwhy.tools.scope import Scalar
from askwhy.tools.view import View

_NAMED = 12


@tool(
    needs="nothing",
    asks=(
        "what does {feature} mean?",
        "what is {feature}?",
        "define {feature}",
        "explain the feature {feature}",
        "which values can {feature} have?",
        "what are the categories of {feature}?",
        "what unit is {feature} in?",
        "what is the range of {feature}?",
        "what does the column {feature} stand for?",
        "can {feature} be changed?",
        "what does {class} mean?",
        "what does the class {class} stand for?",
        "what exactly is being predicted?",
    ),
    says=(
        "{meaning.feature}: {meaning}",
        "The data comes without a description of {undescribed.feature}.",
        "It is a {kind} feature measured in {measure}.",
        "It is a {kind_plain} feature.",
        "In the data it runs from {low} to {high}.",
        "Its {categories:one only value is/values are} [category*: {value}].",
        "It has {many_categories} different values; some are [some_category*: {value}].",
        "It counts as something that cannot be changed about {fixed:one one/the} {entity}.",
        "It can only {one_way}.",
        "The model predicts {target_name}: {target_text}",
        "The model predicts {target_plain}.",
        "The classes are [class*: {cls}].",
        "The {target} is measured in {target_unit}.",
        "{class_meant} is one of the {class_total} classes of {target}.",
        "In the data it is written {class_written}.",
        "It counts as the favourable outcome of the {favourable} classes.",
    ),
)
def define(view: View, feature: FeatureName | None = None, cls: ClassName | None = None) -> Evidence:
    """What a feature (or class, or the target if neither is named) means: description, unit, range and values."""
    schema = view.schema
    if feature is not None:
        one = schema.feature(feature)
        return Evidence(facts=_feature(one), method="schema", table=_categories(one))
    return Evidence(facts=_target(schema) if cls is None else _class(schema, cls), method="schema")


def _feature(one: Feature) -> tuple[Fact, ...]:
    def fact(relation: str, value: Scalar, unit: str = "") -> Fact:
        return Fact.model_validate({"relation": relation, "value": value, "unit": unit, "feature": one.name})

    facts = [fact("meaning", one.description) if one.description else fact("undescribed", one.label)]
    kind = {"integer": "whole-number", "number": "numeric", "category": "categorical", "boolean": "true-or-false"}.get(
        one.kind, one.kind
    )
    facts += [fact("kind", kind), fact("measure", one.unit)] if one.unit else [fact("kind_plain", kind)]
    if one.low is not None and one.high is not None and not one.categories:
        facts += [fact("low", _cell(one, one.low), "feature"), fact("high", _cell(one, one.high), "feature")]
    few = len(one.categories) <= _NAMED
    if one.categories:
        facts.append(fact("categories" if few else "many_categories", len(one.categories), "count"))
    name = "category" if few else "some_category"
    facts += [fact(name, category.value, "category") for category in one.categories[:_NAMED]]
    if not one.mutable:
        facts.append(fact("fixed", 0, "count"))
    elif one.direction:
        facts.append(fact("one_way", "rise" if one.direction > 0 else "fall"))
    return tuple(facts)


def _cell(one: Feature, value: float) -> Scalar:
    return int(value) if one.kind == "integer" and float(value).is_integer() else value


def _target(schema: Schema) -> tuple[Fact, ...]:
    target = schema.target
    facts = target_facts(target)
    facts += [Fact(relation="class", value=label.name, unit="class", cls=label.name) for label in schema.classes]
    if target.unit:
        facts.append(Fact(relation="target_unit", value=target.unit, unit=""))
    return tuple(facts)


def _class(schema: Schema, cls: str) -> tuple[Fact, ...]:
    label = schema.class_label(cls)
    facts = [
        Fact(relation="class_meant", value=label.name, unit="class", cls=label.name),
        Fact(relation="class_total", value=len(schema.classes), unit="count"),
        *target_facts(schema.target),
    ]
    if str(label.value) != label.label:
        facts.append(Fact(relation="class_written", value=str(label.value), unit="text", cls=label.name))
    if label.favourable:
        facts.append(Fact(relation="favourable", value=len(schema.classes), unit="count", cls=label.name))
    return tuple(facts)


def _categories(one: Feature) -> Table | None:
    if not one.categories:
        return None
    rows = tuple((category.label, category.value, ", ".join(category.aliases)) for category in one.categories)
    return Table(columns=("value", "in the data", "also called"), rows=rows)
