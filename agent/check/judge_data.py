"""Claims about many rows: counts, shares, averages, groups compared."""

from __future__ import annotations

from askwhy.agent.check.amounts import Amount
from askwhy.agent.check.grammar import Claim
from askwhy.agent.check.judge_push import opposite, swapped
from askwhy.agent.check.judging import (
    Edit,
    Finding,
    NotTestable,
    agreed,
    amount,
    category_of,
    compared,
    decided,
    direction_of,
    exactly,
    false,
    need_number,
    number_edit,
    number_of,
    of_held,
    share_of,
    together,
    true,
    unsure,
)
from askwhy.agent.check.probe import Probe
from askwhy.agent.check.selecting import bare, predicate, quantity, selections, subject_only, whole_predicate
from askwhy.agent.embedded.lexicon import ages
from askwhy.agent.scope_words import where_words
from askwhy.agent.wording import cell
from askwhy.tools.schema import Feature
from askwhy.tools.scope import Condition, Scope, Where

_BOTH = "It does not say whether this is by the model's predictions or by the outcomes in the data."
_MEASURES = {
    "average": "mean", "mean": "mean", "median": "median", "highest": "max", "largest": "max", "maximum": "max",
    "greatest": "max", "biggest": "max", "longest": "max", "oldest": "max", "lowest": "min", "smallest": "min",
    "minimum": "min", "shortest": "min", "youngest": "min", "total": "sum", "averages": "mean",
}  # fmt: skip
_FAR = 0.005


def written(claim: Claim, name: str) -> str:
    """A part of the clause as the sentence has it."""
    return claim.marked.written(*claim.match.span(name))


def _ways(claim: Claim, probe: Probe, *phrases: str) -> list[tuple[Where, ...]]:
    """What the phrases select, in each way that all of them can be meant together."""
    every = [selections(phrase, probe.schema) for phrase in phrases]
    most = max(map(len, every))
    return [tuple(one[min(way, len(one) - 1)] for one in every) for way in range(most)]


def judge_count(claim: Claim, probe: Probe) -> Finding:
    """ "42 applicants are older than 60", "most women are approved"."""
    if claim.has("K"):
        return _rate(claim, probe)
    subject, said = _subject_and_predicate(claim)
    if not said:
        return agreed([_counted(claim, probe, Where(), one) for one in selections(subject, probe.schema)], _BOTH)
    ways = _ways(claim, probe, subject, said)
    if any(not part for _, part in ways):
        raise NotTestable("What is said of them could not be read.")
    return agreed([_counted(claim, probe, *way) for way in ways], _BOTH)


def _subject_and_predicate(claim: Claim) -> tuple[str, str]:
    """The words for the rows and what is said of them, which may be nothing."""
    (start, middle), text = claim.match.span("s"), claim.marked.text
    if not claim.has("p"):
        return _without_number(claim, middle), ""
    first, end = claim.match.span("p")
    if not text[middle:first].strip():
        split = predicate(claim.marked, start, end)
        return _without_number(claim, split), claim.marked.written(split, end)
    if not subject_only(text[start:middle]) or not whole_predicate(text[first:end]):
        raise NotTestable("Which rows are meant could not be told.")
    return _without_number(claim, middle), claim.marked.written(first, end)


def _without_number(claim: Claim, end: int) -> str:
    """The words for the rows, without the number of "42 of the 1,000 applicants"."""
    start = claim.match.span("s")[0]
    if claim.has("m"):
        start = claim.match.span("m")[1] + 1
    return claim.marked.written(start, end)


def _counted(claim: Claim, probe: Probe, among: Where, part: Where) -> Finding:
    """How many of the rows `among` are `part`, against the number or quantifier."""
    total, hits = probe.count(among), probe.count(among & part)
    facts = (_count_words(probe, among, part, hits, total),)
    if not total:
        raise NotTestable("There are no such rows.")
    if claim.has("quant"):
        return _quantified(claim, hits, total, facts)
    said = amount(claim, "amt")
    found = []
    if claim.has("m"):
        whole = claim.marked.piece(claim.said("m"))
        if whole.number is None or whole.number.kind != "plain":
            raise NotTestable("The number could not be read.")
        edit = Edit(whole.start, whole.end, f"{total:,}")
        span = (whole.start, whole.end)
        found.append(decided(whole.number.value == total, facts, span, edit))
    if said.share:
        found.append(compared(claim, said, hits / total, facts))
    elif said.unit or said.points or said.decimals > 0:
        raise NotTestable("The number counts something else.")
    else:
        found.append(exactly(claim, said, hits, facts))
    return together(found)


def _quantified(claim: Claim, hits: int, total: int, facts: tuple[str, ...]) -> Finding:
    kind = quantity(claim.said("quant"))
    span = claim.span("quant")
    if kind == "half":
        return _half(claim, hits / total, facts)
    holds = {
        "most": 2 * hits > total, "less": 2 * hits < total, "all": hits == total, "none": hits == 0,
        "notall": hits < total,
    }[kind or "all"]  # fmt: skip
    if claim.said("quant").startswith(("the large", "the vast", "the great", "the clear")):
        holds = hits / total >= 0.75
        if not holds and 2 * hits > total:
            return unsure("How large a majority must be for that is a matter of opinion.", *facts)
    new = "most" if 2 * hits > total else "a minority of"
    edit = None
    if span is not None and 0 < hits < total and 2 * hits != total:
        start, end = span
        of = claim.marked.sentence[start:end].lower().split()
        extra = " the" if kind in ("less",) and "of" in of else ""
        edit = Edit(start, end, f"{new}{extra}".capitalize() if start == 0 else f"{new}{extra}")
    return decided(holds, facts, span, edit)


def _half(claim: Claim, share: float, facts: tuple[str, ...]) -> Finding:
    span, off = claim.span("quant"), abs(share - 0.5)
    if off <= 0.02:
        return true(*facts)
    if off <= 0.05 or span is None:
        return unsure("“Half” may be meant roughly.", *facts)
    return false(facts, span, Edit(*span, f"{100 * share:.1f}% of{'' if 'of' in claim.said('quant') else ' the'}"))


def _count_words(probe: Probe, among: Where, part: Where, hits: int, total: int) -> str:
    schema = probe.schema
    group = f"{schema.entities} {where_words(among, schema)}".strip()
    every = where_words(part, schema)
    if not part:
        return f"There are {total:,} {group} in the data."
    said = f"have {every.removeprefix('with ')}" if every.startswith("with ") else f"are {every}"
    return f"Of the {total:,} {group}, {hits:,} ({100 * hits / max(1, total):.1f}%) {said}."


def _rate(claim: Claim, probe: Probe) -> Finding:
    """ "The approval rate of women is 68 %"."""
    cls, said = claim.marked.label(claim.said("K")), share_of(amount(claim, "amt"))
    groups = selections(written(claim, "s"), probe.schema) if claim.has("s") else (Where(),)
    if len(groups) > 1:
        raise NotTestable("Which rows are meant could not be told.")
    found = []
    for on in ("predicted",) if claim.marked.text.startswith(("the model", "it ")) else ("predicted", "actual"):
        part = Where.of(Condition.model_validate({"on": on, "value": cls}))
        total, hits = probe.count(groups[0]), probe.count(groups[0] & part)
        found.append(compared(claim, said, hits / max(1, total), (_count_words(probe, groups[0], part, hits, total),)))
    return agreed(found, _BOTH)


def judge_group(claim: Claim, probe: Probe) -> Finding:
    """ "Women are approved less often than men"."""
    if claim.has("F") or (claim.has("dir") and claim.said("dir").startswith("O")):
        return _means_compared(claim, probe)
    first, second = (written(claim, name).rstrip(" ,.") for name in ("s", "s2"))
    if claim.has("K"):
        phrase = written(claim, "K")
    elif claim.match.start("p") < claim.match.start("s"):
        phrase = written(claim, "p")
    else:
        first, phrase = (part.rstrip(" ,.") for part in _subject_and_predicate(claim))
    if bare(first, probe.schema) or not second:
        raise NotTestable("Which rows are meant could not be told.")
    ways = _ways(claim, probe, first, second, phrase)
    if any(not part or one == other for one, other, part in ways):
        raise NotTestable("What is compared could not be read.")
    return agreed([_rates(claim, probe, *way) for way in ways], _BOTH)


def _rates(claim: Claim, probe: Probe, first: Where, second: Where, part: Where) -> Finding:
    counts = [(probe.count(one & part), probe.count(one)) for one in (first, second)]
    if not all(total for _, total in counts):
        raise NotTestable("There are no such rows.")
    facts = tuple(
        _count_words(probe, one, part, hits, total) for one, (hits, total) in zip((first, second), counts, strict=True)
    )
    gap = counts[0][0] / counts[0][1] - counts[1][0] / counts[1][1]
    return _compared_groups(claim, gap, _FAR, facts)


def _compared_groups(claim: Claim, gap: float, near: float, facts: tuple[str, ...]) -> Finding:
    said, span = claim.said("dir"), claim.span("dir")
    if said.startswith(("as ", "equally", "just as")):
        return true(*facts) if abs(gap) <= near else unsure("How equal is equal is a matter of opinion.", *facts) if (
            abs(gap) <= 6 * near
        ) else false(facts, span)  # fmt: skip
    words = claim.marked.sentence[slice(*span)] if span else ""
    more = said.startswith(("more", "higher", "greater", "larger", "longer"))
    if not more and not said.startswith(("less", "lower", "smaller", "shorter")):
        raise NotTestable("The comparison could not be read.")
    turned = {"more": "less", "less": "more"}.get(words.split()[0].lower()) if words else None
    new = f"{turned} {words.split(' ', 1)[1]}" if turned and " " in words else opposite(words)
    return decided(gap > 0 if more else gap < 0, facts, span, Edit(*span, new) if span and new else None)


def _means_compared(claim: Claim, probe: Probe) -> Finding:
    """ "Men have a higher credit amount than women"."""
    said = claim.said("dir")
    first, second = (written(claim, name).rstrip(" ,.") for name in ("s", "s2"))
    feature = claim.marked.feature(claim.said("F")) if claim.has("F") else None
    sign = 1 if said in ("higher", "greater", "larger", "longer") else -1
    if said.startswith("O"):
        feature, sign = direction_of(claim.marked, said, feature)
    assert feature is not None
    need_number(feature)
    wheres = [selections(phrase, probe.schema) for phrase in (first, second)]
    if any(len(one) != 1 for one in wheres) or wheres[0] == wheres[1]:
        raise NotTestable("Which rows are meant could not be told.")
    means = [probe.run("statistic", Scope(where=one[0]), feature=feature.name, measure="mean") for one in wheres]
    gap = means[0].one("statistic").number() - means[1].one("statistic").number()
    facts = (*probe.said(means[0]), *probe.said(means[1]))
    if "average" not in claim.marked.text and "mean" not in claim.marked.text:
        medians = [
            probe.run("statistic", Scope(where=one[0]), feature=feature.name, measure="median") for one in wheres
        ]
        other = medians[0].one("statistic").number() - medians[1].one("statistic").number()
        if gap * other <= 0:
            return unsure("Averages and medians do not agree on this.", *facts)
    span = claim.span("dir")
    return decided(gap * sign > 0, facts, span, swapped(claim, span))


def judge_stat(claim: Claim, probe: Probe) -> Finding:
    """ "The average duration is 20.9 months"."""
    where = _stat_rows(claim, probe)
    if claim.has("C"):
        return _common(claim, probe, where)
    feature = _stat_feature(claim, probe)
    if claim.has("range"):
        return _range(claim, probe, where, feature)
    said = amount(claim, "amt")
    if said.share or said.points:
        raise NotTestable("The value is no share.")
    if claim.said("m") == "typical":
        raise NotTestable("“Typical” may mean the average or the median.")
    measure = _MEASURES.get(claim.said("m") or "average", "mean")
    if feature is None:
        return _of_target(claim, probe, where, said, measure)
    need_number(feature)
    if said.unit and said.unit.rstrip("s") != (feature.unit.lower().split() or [""])[0].rstrip("s"):
        raise NotTestable("The unit is not that of the data.")
    found = probe.run("statistic", Scope(where=where), feature=feature.name, measure=measure)
    return compared(claim, said, number_of(found, "statistic", "extreme"), probe.said(found))


def _stat_rows(claim: Claim, probe: Probe) -> Where:
    if not claim.has("s"):
        return Where()
    found = selections(written(claim, "s"), probe.schema)
    if len(found) != 1:
        raise NotTestable(_BOTH)
    return found[0]


def _stat_feature(claim: Claim, probe: Probe) -> Feature | None:
    code = claim.said("F", "F2")
    if code.startswith("F"):
        return claim.marked.feature(code)
    if code:
        return None
    found = ages(probe.schema)
    if (claim.has("old") or claim.said("m") in ("oldest", "youngest")) and len(found) == 1:
        return found[0]
    raise NotTestable("It does not say which feature is meant.")


def _of_target(claim: Claim, probe: Probe, where: Where, said: Amount, measure: str) -> Finding:
    """The number that the model predicts, or the one in the data, where it does not say which."""
    if probe.schema.classes:
        raise NotTestable("The model predicts classes, so there is no such number.")
    predicted = "predicted" in claim.said("true") or claim.said("F") == "prediction"
    found = []
    relation = {"mean": "mean", "max": "high", "min": "low"}.get(measure)
    if relation is not None and "actual" not in claim.said("true") and "true" not in claim.said("true"):
        evidence = probe.run("predict", Scope(where=where))
        found.append(compared(claim, said, evidence.one(relation).number(), probe.said(evidence)))
    if not predicted:
        actual = probe.run("statistic", Scope(where=where), measure=measure)
        value = number_of(actual, "target_statistic", "target_extreme")
        found.append(compared(claim, said, value, probe.said(actual)))
    if not found:
        raise NotTestable("That is not computed for predictions.")
    return agreed(found, "It does not say whether this is predicted or recorded.")


def _common(claim: Claim, probe: Probe, where: Where) -> Finding:
    feature = claim.marked.feature(claim.said("F"))
    _, category = category_of(claim.marked, claim.said("C"), feature)
    found = probe.run("statistic", Scope(where=where), feature=feature.name, measure="most_common")
    value, span = found.one("common").value, claim.span("C")
    edit = Edit(*span, cell(value, feature)) if span else None
    return decided(value == category.value, probe.said(found), span, edit)


def _range(claim: Claim, probe: Probe, where: Where, feature: Feature | None) -> Finding:
    if feature is None or not feature.numeric or feature.categories:
        raise NotTestable("It does not say which feature is meant.")
    found = []
    for name, measure in (("low", "min"), ("high", "max")):
        evidence = probe.run("statistic", Scope(where=where), feature=feature.name, measure=measure)
        said = amount(claim, name)
        if said.share:
            raise NotTestable("The value is no share.")
        value = evidence.one("extreme").number()
        found.append(of_held(said.holds(value), probe.said(evidence), said, number_edit(claim, said, value)))
    return together(found)
