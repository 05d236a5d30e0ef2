"""Which rows a phrase means ("women under 30", "applicants who were declined"): all of it is read, or nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence

from askwhy.agent.check.grammar import part
from askwhy.agent.check.judging import NotTestable
from askwhy.agent.check.marks import Marked, mark
from askwhy.agent.embedded.conditions import where_of
from askwhy.agent.embedded.reading import read
from askwhy.tools.schema import Schema
from askwhy.tools.scope import Change, Where

_FREE = re.compile(
    r"(?:E\d+|I\d+|S\d+|X\d+|the|a|an|of|who|that|which|whose|are|is|were|was|with|have|has|had|having|in|on|for|to|and|"
    r"their|his|her|its|all|these|our|those|be|been|people|get|gets|got|come|comes|came|if|by|also|it|he|she|you|your|"
    r"this|from|live|lives|lived|living|,)"
)
_DIFFERENT = re.compile(r"(S\d+ )(?:(?:their|his|her|its)(?: own)? (?:house|home|flat|homes))")
_PREDICTED = re.compile(r"\bpredict\w*|\bclassif\w*|\bby the (?:model|system|algorithm)\b|\bmodel\b", re.I)
_ACTUAL = re.compile(r"\b(?:actual\w*|truly|really|in truth|in reality|recorded|in the data)\b", re.I)


def selections(phrase: str, schema: Schema) -> tuple[Where, ...]:
    """What a phrase selects, in every way it can be meant: a class may be the predicted one or the one in the data."""
    reading = read(re.sub(r"(?<=[^\W\d])/(?=[^\W\d])", " ", phrase), schema)
    if reading.unsure or reading.changes or reading.rows or reading.previous or reading.quoted:
        raise NotTestable("Which rows are meant could not be told.")
    text = _DIFFERENT.sub(r"\1", reading.text)
    text, negated, classes = _classes(text)
    text = re.sub(r"^(?:the )?loans?(?= S\d)", "", text).strip()
    about = {one.feature for conditions in reading.selections.values() for one in conditions}
    left = [
        word
        for word in text.split()
        if not _FREE.fullmatch(word) and not (re.fullmatch(r"F\d+", word) and reading.feature(word).name in about)
    ]
    if left or " or " in f" {reading.text} ":
        raise NotTestable(f"Which rows are meant could not be told: “{' '.join(left) or 'or'}” was not understood.")
    base = where_of(reading, reading.text)
    own = [condition for condition in base.conditions() if condition.on in ("predicted", "actual")]
    if not own and not classes:
        return (base,)
    ways = ("predicted",) if _PREDICTED.search(phrase) else ("actual",) if _ACTUAL.search(phrase) else _BOTH
    return tuple(_meant(base, [reading.label(code) for code in classes], negated, way) for way in ways)


_BOTH = ("predicted", "actual")


def _classes(text: str) -> tuple[str, bool, list[str]]:
    """The sketch without a class that is simply said of rows, whether it was denied, and the class."""
    match = re.search(
        r"(?P<not>\bnot )?(?:(?:predicted|classified|rated|to be|as|actually|truly|really|an?) )*(?P<K>\bK\d+)"
        r"(?: (?:by the model|by the system))?", text,
    )  # fmt: skip
    if match is None:
        return re.sub(r"\b(?:by the model|by the system)\b", "", text), False, []
    rest = f"{text[: match.start()]}{text[match.end() :]}"
    if re.search(r"\bK\d", rest):
        raise NotTestable("It names several classes.")
    return rest, bool(match["not"]), [match["K"]]


def _meant(base: Where, classes: Sequence[str], negated: bool, on: str) -> Where:
    groups = []
    for group in base.all:
        conditions = tuple(
            one.model_copy(update={"on": on}) if one.on in ("predicted", "actual") and one.op in ("eq", "ne") else one
            for one in group.any
        )
        groups.append(group.model_copy(update={"any": conditions}))
    from askwhy.tools.scope import Condition

    extra = Where.of(
        *(Condition.model_validate({"on": on, "op": "ne" if negated else "eq", "value": name}) for name in classes)
    )
    return Where(all=tuple(groups)) & extra


_VERB = re.compile(rf"(?<!\S){part('pred').pattern}(?!\S)|(?<!\S)C\d+(?!\S)")
_RELATIVE = re.compile(r"\b(?:who|that|which|and|or|of|with|not)$")


def whole_predicate(text: str) -> bool:
    """Whether a stretch of the sketch says one thing: no second verb stands in it but after "who" and the like."""
    later = [one for one in _VERB.finditer(text) if one.start() and one[0][0] != "C" and one[0] != "been"]
    return all(_RELATIVE.search(text[: one.start()].rstrip()) for one in later)


def subject_only(text: str) -> bool:
    """Whether a stretch of the sketch can be a subject: it does not break off after "who"."""
    return not _RELATIVE.search(text.rstrip()) and re.search(r"\b[EISCK]\d", text) is not None


def predicate(marked: Marked, start: int, end: int) -> int:
    """Where in a stretch of the marked sentence the rows end and what is said of them begins.

    In "most applicants who are approved are women" that is the second "are". NotTestable where it cannot be told.
    """
    text = marked.text[start:end]
    found = []
    for match in _VERB.finditer(text):
        subject, rest = text[: match.start()].rstrip(), text[match.start() :]
        if subject and subject_only(subject) and whole_predicate(rest):
            found.append(start + match.start())
    verbs = [place for place in found if marked.text[place] != "C"]
    if len(verbs or found) != 1:
        raise NotTestable("Which rows are meant could not be told.")
    return (verbs or found)[0]


def bare(phrase: str, schema: Schema) -> bool:
    """Whether a phrase means all rows: "the applicants", "people"."""
    return re.fullmatch(r"(?:(?:the|all|our|these|of) )*[EI]\d+", mark(phrase, schema).text) is not None


def changes_of(phrase: str, schema: Schema) -> tuple[Change, ...]:
    """The what-if changes of a phrase, all of it read."""
    said = phrase if re.match(r"(?:if|had|with|by)\b", phrase, re.I) else f"if {phrase}"
    said = re.sub(r"^(?:had|were|should)\s+(.+?)\s+(?:been|be)\b", r"if \1 were", said, flags=re.I)
    said = re.sub(r"^with\s+", "if ", said, flags=re.I)
    reading = read(said, schema)
    if not reading.changes:
        reading = read(re.sub(r"\b(?:of|at)\b(?=\s+\d)", "were", said), schema)
    left = [word for word in reading.text.split() if not _FREE.fullmatch(word) and not re.fullmatch(r"R\d+", word)]
    if not reading.changes or left or reading.selections or reading.unsure:
        raise NotTestable("What should be different could not be read in full.")
    if any(change.action in ("increase", "decrease") for change in reading.changes) and _relative_only(said):
        raise NotTestable("What should be different could not be read in full.")
    return tuple(reading.changes)


def _relative_only(said: str) -> bool:
    return (
        re.search(r"\b(?:about|around|roughly|at least|at most|more than|less than|over|under)\s+[\d]", said)
        is not None
    )


def quantity(text: str) -> str | None:
    """The quantifier of a phrase as a bound on a share, "most" being more than half."""
    found = re.match(
        r"(?P<most>most|the .*?majority|more than half)|(?P<half>half)|(?P<notall>not all|not every)|"
        r"(?P<less>less than half|fewer than half|(?:only )?a minority|the minority)|"
        r"(?P<all>all|every|each|everybody)|(?P<none>none|no|nobody)",
        text,
    )
    return None if found is None else found.lastgroup
