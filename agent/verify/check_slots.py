"""V5 to V7: what an answer must say: the prediction, the features asked about, the rows, the share, the caveats."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from askwhy.agent.answer import Failure
from askwhy.agent.caveat_words import plain_caveat
from askwhy.agent.details import details
from askwhy.agent.manner import LOW_SHARE, REQUIRED
from askwhy.agent.scope_words import where_words
from askwhy.agent.verify.check_numbers import matches
from askwhy.agent.verify.clauses import Span, inside, quoted
from askwhy.agent.verify.ground import Ground
from askwhy.agent.verify.patterns import says_some
from askwhy.agent.verify.reading import Reading
from askwhy.tools.evidence import Evidence, Fact

_TOP = re.compile(r"reason|importan|^top|_top|^clear_|^for_|^against_|mean_for|mean_against")
_CHOSEN = re.compile(r"^(?:top|clear)_")
_LONG_TEXT = 6
_BEGUN = 5
_GOES_ON = r"(?!,? (?:and|or) |[.,]\d)"
"""After a short description: it is not told further."""


def check_slots(reading: Reading) -> Iterator[Failure]:
    """Failures of what is missing; they stand at the end of the text."""
    for problem in (*_predictions(reading), *_names(reading), *_rows(reading), *_conditions(reading)):
        yield _missing(reading, "V5", problem)
    # One sentence on the features asked about names no others.
    asked = any(
        step.length == "sentence" and (step.argument("features") or step.argument("words"))
        for step in reading.ground.plan.steps
    )
    for fact in () if asked else reading.ground.facts:
        if fact.relation == REQUIRED and fact.number() < LOW_SHARE and not _is_stated(reading, fact):
            yield _missing(
                reading, "V6", f"Say that the named features account for {fact.number():.0%} of the attribution."
            )


def find_caveats(text: str, evidence: tuple[Evidence, ...]) -> tuple[tuple[Span, ...], tuple[Failure, ...]]:
    """Where the caveats' sentences stand in the text, and a failure for each that does not."""
    spans, failures = [], []
    for caveat in dict.fromkeys(caveat for one in evidence for caveat in one.caveats):
        pattern = r"\s+".join(_word_patterns(caveat.text))
        said = [pattern, r"\s+".join(_word_patterns(plain_caveat(caveat) or ""))]
        found = [match for one in said if one for match in re.finditer(one, text, re.I)]
        spans += [match.span() for match in found]
        if pattern and not found:
            message = f"The caveat is missing; add this sentence as it is: {caveat.text}"
            failures.append(Failure(check="V7", message=message, start=len(text), end=len(text)))
    return tuple(spans), tuple(failures)


def find_details(text: str, evidence: tuple[Evidence, ...]) -> tuple[tuple[Span, ...], tuple[Failure, ...]]:
    """Where sentences on the method and the checks stand as they are computed, and failures where they were altered."""
    lines = [line for one in evidence for line in details(one)]
    spans = [match.span() for line in lines for match in re.finditer(re.escape(line), text)]
    failures = []
    for head in dict.fromkeys(line.partition(":")[0] + ": " for line in lines):
        for match in re.finditer(rf"(?:^|(?<=[.\n] )|(?<=\n)){re.escape(head)}", text):
            if not any(start == match.start() for start, _ in spans):
                message = "This differs from the evidence: leave it out or say it as it is."
                failures.append(Failure(check="V1", message=message, start=match.start(), end=match.end()))
    return tuple(spans), tuple(failures)


def find_texts(text: str, evidence: tuple[Evidence, ...]) -> tuple[tuple[Span, ...], tuple[Failure, ...]]:
    """Where long texts of the evidence (descriptions) stand word for word, and failures where they were altered."""
    spans, failures = [], []
    for value in dict.fromkeys(fact.value for one in evidence for fact in one.facts if isinstance(fact.value, str)):
        run = _word_patterns(str(value))
        if len(run) < _LONG_TEXT:
            continue
        if whole := re.search(r"\s+".join(run), text, re.I):
            spans.append(whole.span())
        elif (begun := re.search(r"\s+".join(run[:4]), text, re.I)) and not inside(begun.start(), quoted(text)):
            message = "This differs from the text in the evidence: leave it out or quote it as it is."
            failures.append(Failure(check="V4", message=message, start=begun.start(), end=begun.end()))
    return tuple(spans), (*failures, *_altered_groups(text, evidence))


def _altered_groups(text: str, evidence: tuple[Evidence, ...]) -> Iterator[Failure]:
    """Descriptions of a selection ("BMI at most 29.2 and ...") that begin as in the evidence and go on otherwise."""
    groups = dict.fromkeys(fact.group for one in evidence for fact in one.facts if fact.group)
    told = sorted((_word_patterns(group) for group in groups), key=len, reverse=True)
    runs = [run for run in told if len(run) > _BEGUN]
    whole = [span for run in told for span in _told_whole(run, text)]
    for run in runs:
        if len(run) <= _BEGUN:
            continue
        start = r"\s+".join(run[:_BEGUN])
        for begun in re.finditer(rf"(?<!\w){start}(?!\w)", text, re.I):
            if not any(first <= begun.start() and begun.end() <= last for first, last in whole):
                message = "This differs from the selection in the evidence: say it as it is."
                yield Failure(check="V4", message=message, start=begun.start(), end=begun.end())


def _told_whole(run: list[str], text: str) -> list[Span]:
    """Where a description stands in full; one that is short must not go on."""
    goes_on = _GOES_ON if len(run) <= _BEGUN else ""
    pattern = r"\s+".join(run)
    return [match.span() for match in re.finditer(rf"(?<!\w){pattern}(?!\w){goes_on}", text, re.I)]


def _word_patterns(text: str) -> list[str]:
    """A pattern for every word; invisible format characters (what joins emoji, say) may be there or not."""
    invisible = {char for char in text if unicodedata.category(char) == "Cf"}
    words = "".join(char if char.isprintable() or char in invisible else " " for char in text).split()
    escaped = [
        [re.escape(char) + "?" * (char in invisible) for char in word] for word in " ".join(words).rstrip(".").split()
    ]
    return ["".join(word) for word in escaped]


def _missing(reading: Reading, check: str, message: str) -> Failure:
    end = len(reading.text)
    return Failure(check=check, message=message, start=end, end=end)


def _predictions(reading: Reading) -> Iterator[str]:
    for one in reading.ground.evidence:
        if one.tool != "predict":
            continue
        for fact in one.facts:
            if fact.relation == "prediction" and str(fact.value) not in _classes(reading):
                yield f"Say the predicted class, {reading.ground.schema.class_label(str(fact.value)).label}."
            elif fact.relation == "probability" and not _is_stated(reading, fact):
                yield f"Say the probability, {fact.number():.1%}."
            elif fact.relation == "estimate" and not _is_stated(reading, fact):
                yield f"Say the predicted number, {fact.number():.6g}."
    named = any(clause.numbers or clause.mentions for clause in reading.clauses)
    named = named or bool(reading.quotes or reading.hidden or reading.selections)
    if not named and reading.ground.facts and not says_some(reading.text, reading.ground.evidence):
        yield "Say what was found."


def _classes(reading: Reading) -> set[str]:
    return {name for one in reading.mentions for name in one.names("class")}


def _features(reading: Reading) -> set[str]:
    return {name for one in reading.mentions for name in one.names("feature")}


def _is_stated(reading: Reading, fact: Fact) -> bool:
    return any(
        known.fact is not None and known.fact.relation == fact.relation and known.fact.value == fact.value
        for clause in reading.clauses
        for number in clause.numbers
        for known in matches(reading, clause, number)
    )


def _names(reading: Reading) -> Iterator[str]:
    """Features that were asked about, and as many as were asked for."""
    ground, named = reading.ground, _features(reading)
    brief = any(step.length in ("sentence", "short") or step.audience == "customer" for step in ground.plan.steps)
    for one in ground.evidence:
        about = {fact.feature for fact in one.facts}
        about -= set(ground.schema.names) if ground.schema.modality == "text" else set()  # "the text" names no feature
        for feature in _asked(one, ground):
            if feature in about and feature not in named:
                found = ground.feature(feature)
                yield f"Say what was found about {found.label if found else feature}."
        asked = next((argument.value for argument in one.arguments if argument.name == "k" and not brief), None)
        top = [fact.relation for fact in one.facts if _TOP.search(fact.relation) and fact.feature]
        # Where a tool chooses which to name, those that may be chance are not owed.
        top = [relation for relation in top if _CHOSEN.match(relation)] or top
        most = max((top.count(relation) for relation in set(top)), default=0)
        if isinstance(asked, int) and not isinstance(asked, bool) and len(named) < min(asked, most):
            yield f"Name the {min(asked, most)} features that were asked for."


def _asked(one: Evidence, ground: Ground) -> list[str]:
    names = {feature.name for feature in ground.schema.features}
    found = []
    for argument in one.arguments:
        values = argument.value if isinstance(argument.value, tuple) else (argument.value,)
        if argument.name in ("feature", "features", "first", "second", "other"):
            found += [str(value) for value in values if value in names]
    return found


def _rows(reading: Reading) -> Iterator[str]:
    schema = reading.ground.schema
    said = {one.text for one in reading.mentions if one.names("row")}
    about = {fact.row for fact in reading.ground.facts}
    rows = dict.fromkeys(scope.row for scope in reading.ground.scopes if scope.row is not None)
    for row in (one for one in rows if one in about):
        if row not in said and row not in reading.text.split():
            yield f"Say which {schema.entity} it is about: {schema.entity} {row}."
    for number in range(len(reading.sentences)):
        listed = [one.text for clause in reading.of_sentence(number) for one in clause.mentions if one.names("row")]
        if len(listed) > 2 and len(set(listed)) < len(listed):
            yield f"Name each {schema.entity} of the list once."


def _conditions(reading: Reading) -> Iterator[str]:
    """Every condition and change is named."""
    ground, text = reading.ground, reading.text.lower()
    named = {
        name for one in reading.mentions for name in (*one.names("feature"), *one.names("more"), *one.names("less"))
    }
    named |= {target.feature for one in reading.mentions for target in one.targets if target.kind == "category"}
    told = {reading.text[start:end].lower() for start, end in reading.selections}
    whole = [scope for scope in ground.scopes if where_words(scope.where, ground.schema).lower() in told]
    for one in ground.conditions:
        if any(one in scope.where.conditions() for scope in whole):
            continue
        if one.on == "feature" and ground.schema.modality == "table" and ground.named(one.feature) not in named:
            yield f"Say which rows it is about: the condition on {one.feature} is missing."
        elif (
            one.on == "feature"
            and one.value is not None
            and not _value_said(reading, one.value, ground.named(one.feature))
        ):
            yield f"Say which rows it is about: {one.feature} and {one.value}."
        elif one.on in ("predicted", "actual") and ground.schema.classes and not _classes(reading):
            yield f"Say that the rows are those {one.on} {one.value}."
    for scope in ground.scopes:
        for change in scope.changes:
            words = str(change.words or change.value or "").lower()
            if change.feature and ground.named(change.feature) not in named and ground.schema.modality == "table":
                yield f"Say what was changed: {change.feature}."
            elif not change.feature and words and words not in text:
                yield f"Say what was changed in the text: {words}."


def _value_said(reading: Reading, value: object, feature: str) -> bool:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        numbers = [number.value for number in reading.numbers]
        if any(abs(number - value) <= 1e-9 * max(1.0, abs(value)) for number in numbers):
            return True
    wanted = reading.ground.category(feature, str(value))
    targets = (target for one in reading.mentions for target in one.targets)
    if any(target.kind == "category" and target.feature == feature and target.name == wanted for target in targets):
        return True
    found = reading.ground.feature(feature)
    labels = [word for one in (found.categories if found else ()) if str(one.value) == wanted for word in one.words()]
    return any(word.lower() in reading.text.lower() for word in (str(value), *labels)) or isinstance(value, bool)
