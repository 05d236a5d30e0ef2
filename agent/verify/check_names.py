"""V4: every feature, class, value, row, method and quotation is one of the evidence, in its right place."""

from __future__ import annotations

import re
from collections.abc import Iterator

from askwhy.agent.answer import Failure
from askwhy.agent.verify.clauses import inside, words
from askwhy.agent.verify.mentions import Mention
from askwhy.agent.verify.reading import Clause, Reading
from askwhy.tools.schema import Schema

_METHODS = re.compile(
    r"\b(?:kernel ?shap|tree ?shap|shap(?:ley)?|lime|anchors?|integrated gradients|grad-?cam|permutation importance|"
    r"partial dependence|pdp|ice|ale|counterfactuals?|dice|surrogate)\b", re.I
)  # fmt: skip
_ALWAYS = frozenset({"counterfactual", "counterfactuals"})
_VALUE_OF = re.compile(r"\s*(?:\(|=|:|\bof\b|\bis\b|\bwas\b)\s*$|\s+$", re.I)
_NEXT_WORD = re.compile(r"\s*(?:\(|=|:|\bis\b|\bwas\b|\bof\b)?\s*(?P<word>[^\W\d_]+)", re.I)
_JOINING = frozenset({"or", "and", "of", "the", "to", "in", "for", "at", "is", "with", "by"})
_LISTED = re.compile(r"\s*(?:\([^()]*\))?(?:,| and|, and)\s+(?:_+\s+)?", re.I)
_OLD_VALUE_OF = re.compile(r"\s*(?:\(|is|=)?\s*_+ (?:instead of|rather than) ", re.I)
_ANSWER = re.compile(r"\s*(?:\(|=|:|\bis\b|\bwas\b)\s*(?P<word>yes|no|true|false)\b", re.I)


def check_names(reading: Reading) -> Iterator[Failure]:
    """Failures of names."""
    for clause in reading.clauses:
        for mention in clause.mentions:
            if problem := _problem(reading, clause, mention):
                yield clause.failure("V4", problem, mention.span)
        yield from _named_twice(reading, clause)
    yield from _methods(reading)
    yield from _quotations(reading)


def _named_twice(reading: Reading, clause: Clause) -> Iterator[Failure]:
    """ "age, duration and age", "sex male (1) and sex male (2)": a list names everything once."""
    apart = (one for one in reading.mentions if not inside(one.start, reading.selections))
    named = [one for one in apart if one.names("feature") or one.names("category")]
    for position, one in enumerate(named):
        if not clause.start <= one.start < clause.end:
            continue
        before = one
        for other in named[position + 1 : position + 6]:
            if not _LISTED.fullmatch(reading.blanked, before.end, other.start):
                break
            same = other.targets == one.targets and other.text.lower() == one.text.lower()
            paired = reading.blanked.startswith(" and ", other.end)  # "a and b (1), b and c (2)" lists pairs
            if same and (one.names("category") or (before is one and not paired)):
                yield clause.failure("V4", f"{other.text} is named twice.", other.span)
            before = other


def _problem(reading: Reading, clause: Clause, mention: Mention) -> str | None:
    ground = reading.ground
    if mention.names("row"):
        if mention.text in ground.rows:
            return None
        known = ", ".join(sorted(ground.rows)[:5])
        return f"{ground.schema.entity} {mention.text} is not what the evidence is about" + (
            f" ({known})." if known else "."
        )
    if mention.names("class"):
        return None
    features = mention.names("feature")
    if features:
        if not ground.features.isdisjoint(features):
            cut = _cut_value(reading, clause, mention, features[0])
            return cut or _answer_problem(reading, clause, mention, features[0])
        if mention.names("category") or mention.names("target") or _is_said_anyway(reading, mention):
            return None
        return f"The evidence says nothing about {mention.text}."
    if mention.names("category"):
        return _category_problem(reading, clause, mention)
    return None


def _is_said_anyway(reading: Reading, mention: Mention) -> bool:
    """Whether the words are ordinary ones of the tool's own sentences, such as "class", and only by chance a name.

    A template fills in the names that it means; what stands beside them in its sentence is its own.
    """
    own = mention.weak or (reading.filled and not reading.is_filled(mention))
    return bool(own) and {word.lower for word in words(mention.text)} <= set(reading_patterns(reading))


def _category_problem(reading: Reading, clause: Clause, mention: Mention) -> str | None:
    ground = reading.ground
    owners = [one for one in clause.mentions if one.end <= mention.start and one.names("feature")]
    bound = (
        owners[-1].names("feature")
        if owners
        and (
            _VALUE_OF.fullmatch(reading.text, owners[-1].end, mention.start)
            or _OLD_VALUE_OF.fullmatch(reading.blanked, owners[-1].end, mention.start)
        )
        else ()
    )
    rows = clause.rows or clause.about
    row = rows[0] if len(rows) == 1 else None
    for target in mention.targets:
        if target.kind != "category":
            return None
        if bound and target.feature not in bound:
            continue
        if target.name in ground.values_of(target.feature, row):
            return None
        if not bound and re.search(rf"(?<!\w){re.escape(mention.text)}(?!\w)", ground.said, re.I):
            return None
    if bound and not any(target.feature in bound for target in mention.targets):
        return f"{mention.text} is not a value of {owners[-1].text}."
    return f"{mention.text} is not a value in the evidence" + (f" for {owners[-1].text}." if owners else ".")


def _cut_value(reading: Reading, clause: Clause, mention: Mention, feature: str) -> str | None:
    """ "savings known" where the value is "not known"."""
    found = reading.ground.feature(feature)
    match = _NEXT_WORD.match(reading.text, mention.end, clause.end)
    if found is None or match is None or any(one.start == match.start("word") for one in clause.mentions):
        return None
    word = match["word"].lower()
    values = reading.ground.values_of(feature)
    for category in found.categories:
        spoken = [one.lower for one in words(category.label)]
        if str(category.value) in values and len(spoken) > 1 and word in spoken and word not in _JOINING:
            return f"{mention.text} is “{category.label}” in the evidence."
    return None


def _answer_problem(reading: Reading, clause: Clause, mention: Mention, feature: str) -> str | None:
    """ "(yes)" after a yes-or-no feature."""
    match = _ANSWER.match(reading.text, mention.end, clause.end)
    rows = clause.rows or clause.about
    cells = {
        cell
        for fact in reading.ground.facts
        if fact.feature == feature and (not rows or fact.row is None or fact.row in rows)
        for cell in (fact.at, fact.value)
    }
    truths = {cell for cell in cells if isinstance(cell, bool)}
    if match is None or not truths:
        return None
    said = match["word"].lower() in ("yes", "true")
    return None if said in truths else f"{mention.text} is {'no' if said else 'yes'} in the evidence."


def _methods(reading: Reading) -> Iterator[Failure]:
    said = reading.ground.said.lower()
    for sentence, (start, end) in enumerate(reading.sentences):
        for match in _METHODS.finditer(reading.blanked, start, end):
            name = match.group().lower()
            if name in _ALWAYS or name in said or (name == "shapley" and "shap" in said) or sentence < 0:
                continue
            if name in " ".join(reading_patterns(reading)):
                continue
            message = f"The evidence was not made with {match.group()}."
            yield Failure(check="V4", message=message, start=match.start(), end=match.end())


def reading_patterns(reading: Reading) -> tuple[str, ...]:
    """Words of the patterns of the tools that made the evidence, except the names of methods."""
    from askwhy.agent.verify.patterns import pattern_words

    return tuple(word for word in pattern_words(reading.ground.evidence) if word not in ("lime", "shap", "shapley"))


def _quotations(reading: Reading) -> Iterator[Failure]:
    known = _folded(f"{reading.ground.said}\n{_schema_text(reading.ground.schema)}")
    for start, end in reading.quotes:
        inner = _folded(reading.text[start + 1 : end - 1]).rstrip("….").strip()
        if inner and inner not in known:
            yield Failure(check="V4", message="The quotation is not in the evidence.", start=start, end=end)


def _folded(text: str) -> str:
    for curly, straight in (("“", "‘"), ("”", "’"), ('"', "‘")):
        text = text.replace(curly, straight)
    return " ".join(re.sub(r"[‘’']", "'", text).split()).lower()


def _schema_text(schema: Schema) -> str:
    things = (
        *schema.features,
        *schema.classes,
        schema.target,
        *(one for feature in schema.features for one in feature.categories),
    )
    return "\n".join((schema.name, schema.description, *(word for thing in things for word in thing.words())))
