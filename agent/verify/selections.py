"""Where a text says the selection of its evidence in askwhy's own words: "older than 40 and with sex female".

Such a run of words is true as it stands, so it is read apart: its features, classes, numbers and its "not" are those of
the selection and of nothing else in the clause. Where a word before or after it changes what it says, it is read like
any other text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from askwhy.agent.scope_words import where_words
from askwhy.agent.verify.clauses import Span, inside
from askwhy.agent.verify.ground import Ground
from askwhy.agent.verify.numbers import UNITS

_TURNED = (
    r"\b(?:not|never|non|other than|except(?: for)?|excluding|without|neither|nor|but|unlike|at (?:most|least)|"
    r"\w+n['’]t)[\s-]+(?:(?:a|an|any|the|in|as|to|be|those|these|all|ones|being|rows|cases|ENTITY)\s+){0,3}$"
)
_UNIT = re.compile(r"\s?(?P<unit>[^\W\d_]+|[€$£°])")
_GOES_ON = re.compile(
    r"[.,]?\d|\s?%|,?\s+or\b|\s+(?:more|less|older|younger|longer|shorter|higher|lower|larger|smaller|later|earlier)\b",
    re.I,
)


def selections(text: str, ground: Ground, names: Iterable[Span]) -> tuple[Span, ...]:
    """The spans, in order of the text. `names`: where something is named; none of them may reach beyond a span."""
    schema, named = ground.schema, tuple(names)
    entity = "|".join(map(re.escape, (schema.entities, schema.entity)))
    turned = re.compile(_TURNED.replace("ENTITY", entity), re.I)
    found: list[Span] = []
    for words in dict.fromkeys(where_words(scope.where, schema) for scope in ground.scopes if scope.where):
        for match in re.finditer(rf"(?<!\w){re.escape(words)}(?!\w)", text, re.I) if words else ():
            start, end = match.span()
            cut = any(one < start < other or one < end < other for one, other in named)
            if not cut and not turned.search(text, max(0, start - 80), start) and not _goes_on(text, end):
                found.append((start, end))
    return tuple(sorted(found))


def denied(text: str, ground: Ground, apart: tuple[Span, ...]) -> Iterator[Span]:
    """Where a selection is said with a "not" that it does not have: "rows not with sex female"."""
    for words in dict.fromkeys(where_words(scope.where, ground.schema) for scope in ground.scopes if scope.where):
        for match in re.finditer(rf"\b(?:not|except(?: for)?|excluding)\s+({re.escape(words)})(?!\w)", text, re.I):
            if words and not inside(match.start(1), apart):
                yield match.span()


def _goes_on(text: str, end: int) -> bool:
    """Whether what follows belongs to the last value: another digit, a unit, "or older"."""
    unit = _UNIT.match(text, end) if text[end - 1].isdigit() else None
    return bool(_GOES_ON.match(text, end)) or (unit is not None and unit["unit"].lower() in UNITS)
