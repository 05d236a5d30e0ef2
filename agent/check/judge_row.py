"""Claims about one row: the class it gets, how sure the model is, the number predicted, the row's values."""

from __future__ import annotations

import re

from askwhy.agent.check.amounts import Amount
from askwhy.agent.check.grammar import Claim
from askwhy.agent.check.judging import (
    VAGUE,
    Edit,
    Finding,
    NotTestable,
    agreed,
    amount,
    category_of,
    class_edit,
    compared,
    decided,
    direction_of,
    false,
    need_classes,
    need_number,
    number_edit,
    of_held,
    prediction_words,
    row_of,
    share_of,
    together,
    true,
    unsure,
    without_not,
)
from askwhy.agent.check.probe import Probe
from askwhy.agent.embedded.lexicon import ages
from askwhy.agent.verify.clauses import Span
from askwhy.agent.wording import cell, class_name, row_name
from askwhy.tools.schema import Category, Feature


def judge_class(claim: Claim, probe: Probe) -> Finding:
    """ "Applicant 12 was declined", with a probability or without."""
    need_classes(probe)
    row, said = row_of(claim, probe), claim.marked.label(claim.said("K"))
    denied = claim.has("neg") != claim.has("not")
    if claim.has("neg") and claim.has("not"):
        raise NotTestable("It denies twice.")
    own = _truly(claim, probe, row) if claim.has("truly") and not claim.has("how") else probe.predicted(row)
    fact = (
        f"In the data, {row_name(row, probe.schema)} is {class_name(own, probe.schema)}."
        if claim.has("truly") and not claim.has("how")
        else prediction_words(probe, row)
    )
    holds = (own == said) != denied
    edit = without_not(claim) if denied else class_edit(claim, own, probe.schema)
    found = [decided(holds, [fact], claim.span("K"), edit)]
    if claim.has("chance") or claim.has("chance2") or claim.has("chance3"):
        if denied:
            raise NotTestable("It is not clear which class the probability is of.")
        tested = judge_chance_of(claim, probe, row, said, amount(claim, "chance", "chance2", "chance3"))
        found = [*found, tested] if holds else found  # of the wrong class, no probability need be right
    return together(found)


def _truly(claim: Claim, probe: Probe, row: str) -> str:
    found = probe.actual(row)
    if found is None:
        raise NotTestable("The true class is not known here.")
    return found


def judge_chance_of(claim: Claim, probe: Probe, row: str, cls: str, said: Amount) -> Finding:
    """Whether a row's probability of a class is what is said."""
    evidence = probe.of_row("likelihood", row, cls=cls)
    fact = next(one for one in evidence.facts if one.cls == cls and one.unit == "probability")
    return compared(claim, share_of(said), fact.number(), probe.said(evidence))


def judge_chance(claim: Claim, probe: Probe) -> Finding:
    """ "The model gives him a 72 % chance of approval"."""
    if not probe.schema.classes:
        raise NotTestable("This model predicts a number and gives no probabilities.")
    row, said = row_of(claim, probe), amount(claim, "amt", "amt2")
    if claim.has("K"):
        label = claim.marked.label(claim.said("K"))
        if claim.has("neg"):
            raise NotTestable("It is not clear which class the probability is of.")
        return judge_chance_of(claim, probe, row, label, said)
    return judge_chance_of(claim, probe, row, probe.predicted(row), said)


def judge_estimate(claim: Claim, probe: Probe) -> Finding:
    """ "The model predicts 168 for patient 3"."""
    if probe.schema.classes:
        raise NotTestable("This model predicts classes, not a number.")
    row, said = row_of(claim, probe), amount(claim, "amt")
    if said.share:
        raise NotTestable("The prediction is no share.")
    _unit(said, probe.schema.target.unit)
    predicted = probe.of_row("predict", row)
    own = compared(claim, said, predicted.one("estimate").number(), probe.said(predicted))
    actual = probe.of_row("show", row).all("true_value")
    if claim.marked.text.find("T") < 0 or claim.has("said") or _predicts(claim):
        return own
    if not actual:
        raise NotTestable("The true value is not known here.")
    name = row_name(row, probe.schema)
    fact = f"In the data, {probe.schema.target.label} of {name} is {actual[0].number():.10g}."
    recorded = compared(claim, said, actual[0].number(), (fact,))
    if claim.has("true"):
        return recorded
    return agreed([own, recorded], "It does not say whether this is the predicted or the recorded value.")


def _predicts(claim: Claim) -> bool:
    words = set(claim.marked.text.split())
    return bool(words & {"model", "predicted", "predicts", "prediction", "estimated", "expected", "estimate", "system"})


def _unit(said: Amount, unit: str) -> None:
    if said.unit and unit and said.unit.rstrip("s") != unit.lower().split()[0].rstrip("s"):
        raise NotTestable(f"The unit is not that of the data, which is {unit}.")
    if said.unit and not unit:
        raise NotTestable("The data has no unit for this.")


def judge_value(claim: Claim, probe: Probe) -> Finding:
    """ "His duration is 48 months", "she rents", "he is older than 40"."""
    row = row_of(claim, probe)
    if claim.has("C"):
        return _category(claim, probe, row)
    if claim.has("O") and not claim.has("F"):
        return _than(claim, probe, row, *direction_of(claim.marked, claim.said("O")))
    feature = _feature(claim, probe)
    need_number(feature)
    said = amount(claim, "amt", "age")
    return number_of_row(claim, probe, row, feature, said, denied=claim.has("neg") != claim.has("not"))


def _feature(claim: Claim, probe: Probe) -> Feature:
    if claim.has("F"):
        return claim.marked.feature(claim.said("F"))
    found = ages(probe.schema)
    if len(found) != 1:
        raise NotTestable("It does not say which feature is meant.")
    said = amount(claim, "age")
    if said.unit and said.unit != "year":
        raise NotTestable("It does not say which feature is meant.")
    return found[0]


def number_of_row(
    claim: Claim, probe: Probe, row: str, feature: Feature, said: Amount, *, denied: bool = False
) -> Finding:
    """Whether a row's number is what is said."""
    value = probe.value_of(row, feature.name)
    fact = value_words(probe, row, feature)
    if value is None:
        return unsure("The value is missing in the data.", fact)
    if said.share:
        raise NotTestable("The value is no share.")
    _unit(said, feature.unit)
    held = said.holds(float(value))
    if denied:
        return decided(held == "no", [fact], said.span, without_not(claim)) if held != "unsure" else unsure(VAGUE, fact)
    return of_held(held, (fact,), said, number_edit(claim, said, float(value)))


def value_words(probe: Probe, row: str, feature: Feature) -> str:
    """A row's value in a sentence."""
    shown = cell(probe.value_of(row, feature.name), feature)
    return f"In the data, {feature.label} of {row_name(row, probe.schema)} is {shown}."


def _than(claim: Claim, probe: Probe, row: str, feature: Feature, sign: int) -> Finding:
    said = amount(claim, "amt")
    value = probe.value_of(row, feature.name)
    fact = value_words(probe, row, feature)
    if value is None or said.share or said.sense != "near":
        return unsure("It could not be compared.", fact)
    _unit(said, feature.unit)
    holds = (float(value) > said.value if sign > 0 else float(value) < said.value) != claim.has("not")
    words = feature.less if sign > 0 else feature.more
    edit = None
    if claim.has("not"):
        edit = without_not(claim)
    elif (span := claim.span("O")) is not None and words and float(value) != said.value:
        edit = Edit(*span, words[0])
    return decided(holds, [fact], claim.span("O"), edit)


def _category(claim: Claim, probe: Probe, row: str) -> Finding:
    named = claim.marked.feature(claim.said("F")) if claim.has("F") else None
    found = category_of(claim.marked, claim.said("C"), named)
    return category_of_row(claim, probe, row, *found, denied=claim.has("neg") != claim.has("not"))


def category_of_row(
    claim: Claim, probe: Probe, row: str, feature: Feature, category: Category, *, denied: bool = False
) -> Finding:
    """Whether a row has a value of a category."""
    value = probe.value_of(row, feature.name)
    fact = value_words(probe, row, feature)
    if value is None:
        return unsure("The value is missing in the data.", fact)
    holds = (value == category.value) != denied
    span = claim.span("C")
    edit = without_not(claim) if denied else other_value(claim, span, cell(value, feature))
    return decided(holds, [fact], span, edit)


def other_value(claim: Claim, span: Span | None, new: str) -> Edit | None:
    """Another category in place of the one named, and of the article before it."""
    if span is None:
        return None
    article = re.search(r"\b(?:a|an)\s+$", claim.marked.sentence[: span[0]], re.IGNORECASE)
    return Edit(article.start() if article else span[0], span[1], new)


def judge_vague(claim: Claim, probe: Probe) -> Finding:
    """ "His duration is long": beyond the upper quartile it is, below the median it is not."""
    row, feature = row_of(claim, probe), claim.marked.feature(claim.said("F"))
    need_number(feature)
    return adjective(claim, probe, row, feature, claim.said("adj"))


def adjective(claim: Claim, probe: Probe, row: str, feature: Feature, word: str) -> Finding:
    """Whether a row's number is high or low, as a word says, among all rows."""
    value = probe.value_of(row, feature.name)
    quartiles = probe.run("statistic", feature=feature.name, measure="distribution")
    at = {fact.group: fact.number() for fact in quartiles.all("quantile")}
    facts = (value_words(probe, row, feature), *probe.said(quartiles))
    if value is None or "median" not in at:
        return unsure("It could not be compared.", *facts)
    high = word in ("long", "high", "large", "big", "old", "great")
    beyond, median = at["upper quartile" if high else "lower quartile"], at["median"]
    if float(value) >= beyond if high else float(value) <= beyond:
        return true(*facts)
    if float(value) < median if high else float(value) > median:
        return false(facts, None)
    return unsure(f"“{word}” is a matter of opinion here.", *facts)
