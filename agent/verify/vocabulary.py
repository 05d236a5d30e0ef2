"""The closed vocabulary: a word that neither the data nor plain English explains may be an invented name."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from askwhy.agent.answer import Failure
from askwhy.agent.verify.clauses import Word, inside, words
from askwhy.agent.verify.patterns import pattern_words
from askwhy.agent.verify.plain import plain_words, stems
from askwhy.agent.verify.reading import Reading
from askwhy.tools.schema import Schema

_VAGUE = frozenset(
    [
        "slightly",
        "strongly",
        "considerably",
        "substantially",
        "significantly",
        "hugely",
        "vastly",
        "greatly",
        "heavily",
        "marginally",
        "barely",
        "hardly",
        "nearly",
        "almost",
        "rarely",
        "twice",
        "half",
        "double",
        "triple",
        "dozen",
        "majority",
        "minority",
        "quarter",
        "tiny",
        "huge",
        "enormous",
        "massive",
        "dramatic",
        "dramatically",
        "modest",
        "modestly",
        "moderately",
        "quite",
        "somewhat",
        "little",
        "bit",
        "largely",
        "extremely",
    ]
)
_HEADS = frozenset(
    [
        "score",
        "scores",
        "limit",
        "limits",
        "number",
        "numbers",
        "value",
        "values",
        "rate",
        "rates",
        "level",
        "levels",
        "amount",
        "amounts",
        "status",
        "type",
        "types",
        "balance",
        "ratio",
        "size",
        "count",
        "index",
        "history",
        "record",
        "records",
        "table",
        "class",
        "group",
        "rank",
        "factor",
        "factors",
    ]
)


def check_vocabulary(reading: Reading) -> Iterator[Failure]:
    """Failures of words that could name something the evidence does not know."""
    known = _of_evidence(reading)
    masked = (*reading.hidden, *reading.quotes, *reading.selections, *(one.span for one in reading.mentions))
    masked = (*masked, *((one.start, one.end) for one in reading.numbers))
    tokens = words(reading.text)
    for position, word in enumerate(tokens):
        if inside(word.start, masked) or not word.lower[0].isalpha() or _ends_ordinal(reading.text, word):
            continue
        forms = set(stems(word.lower))
        vague = word.lower in _VAGUE and word.lower not in known
        if (
            (not vague and forms & plain_words())
            or word.lower in known
            or (not vague and forms & known)
            or len(word.lower) == 1
        ):
            continue
        if forms & _schema_words(reading.ground.schema) and not _heads(reading, tokens, position):
            continue
        yield Failure(check=_check(word.lower), message=_message(word), start=word.start, end=word.end)


def _ends_ordinal(text: str, word: Word) -> bool:
    """The letters of "22nd"; the rank itself is checked by V3."""
    return word.lower in ("st", "nd", "rd", "th") and text[word.start - 1 : word.start].isdigit()


def _of_evidence(reading: Reading) -> frozenset[str]:
    ground = reading.ground
    schema = ground.schema
    told = f"{ground.spoken}\n{schema.entity} {schema.entities} {schema.target.unit}"
    units = " ".join(feature.unit for feature in schema.features)
    compared = " ".join(word for feature in schema.features for word in (*feature.more, *feature.less))
    found = frozenset(word.lower for word in words(f"{told}\n{units} {compared}"))
    return found | frozenset(form for word in found for form in stems(word)) | pattern_words(ground.evidence)


def _heads(reading: Reading, tokens: tuple[Word, ...], position: int) -> bool:
    """A word of the schema before a noun such as "score" makes a name that the schema does not have: "credit score"."""
    if position + 1 >= len(tokens):
        return False
    here, after = tokens[position], tokens[position + 1]
    return reading.text[here.end : after.start].strip(" _-") == "" and after.lower in _HEADS


@functools.lru_cache(maxsize=64)
def _schema_words(schema: Schema) -> frozenset[str]:
    categories = [word for feature in schema.features for one in feature.categories for word in one.words()]
    names = [word for thing in (*schema.features, *schema.classes, schema.target) for word in thing.words()]
    # A value of several words is said whole: "not known" does not allow "known".
    texts = " ".join((*names, *(word for word in categories if len(words(word)) == 1)))
    return frozenset(form for word in words(texts.replace("_", " ")) for form in stems(word.lower))


def _check(word: str) -> str:
    return "V13" if word in _VAGUE else "V4"


def _message(word: Word) -> str:
    if word.lower in _VAGUE:
        return f"“{word.text}” is vague: give the number instead."
    return f"“{word.text}” is neither in the evidence nor a plain word: leave it out or use a name of the evidence."
