"""What a clause describes without naming it: a row ("the mistake it is surest of", "the oldest"), a group ("the
housing group with the highest error rate"), a feature ("what matters most"), a word. A step finds it; the clause goes
on with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from askwhy.agent.embedded.lexicon import comparative, lexicon
from askwhy.agent.embedded.words import tokens
from askwhy.agent.investigate.clauses import fronted
from askwhy.agent.investigate.mentions import class_conditions, mentions
from askwhy.agent.wording import ORDINALS, ordinal_value
from askwhy.tools.schema import Feature, Schema

Kind = Literal["row", "group", "feature", "word"]
By = Literal["place", "smallest", "largest"]

HERE = "{it}"
"""Stands in the rest of a clause for what was picked."""


@dataclass(frozen=True)
class Pick:
    """What has to be found first, and how.

    tools: the first that fits is run with `args`. relations, by, place: which of its facts is meant. wrong: whether it
    is a mistake, so that the classes named in `said` are those predicted and true. rows: the words that narrow down the
    rows among which it is looked for. rest: the clause with `HERE`, empty where it asks for nothing else. implied:
    whether it is looked for in the group found before without a word that says so ("its worst mistake").
    """

    kind: Kind
    tools: tuple[str, ...]
    relations: tuple[str, ...]
    args: Mapping[str, Any] = field(default_factory=dict)
    by: By = "place"
    place: int = 1
    wrong: bool = False
    said: str = ""
    rows: str = ""
    rest: str = ""
    implied: bool = False


_ORDINAL = rf"(?:(?P<ordinal>{'|'.join(ORDINALS[1:])}|[2-9](?:nd|rd|th))(?:[- ]))?"
_NOT_FIRST = re.compile(r",? (?:and )?not (?:the|its) first(?: one)?\b", re.IGNORECASE)
_BUT = re.compile(r"\bnot (?:the|its) [^,;]*?(?P<noun>[\w-]+),? but (?P<meant>(?:the|its) [^,;:]+)", re.IGNORECASE)
_SUREST = (
    r"(?:surest|clearest|worst|gravest|(?:most|least) (?:confident(?:ly)?|certain(?:ly)?|sure|firmly|badly|"
    r"strongly|clearly|"
    r"blatant(?:ly)?|convinced|severely|glaring(?:ly)?)|(?:with|at) (?:the )?(?:most|greatest|highest) "
    r"(?:confidence|certainty|conviction)|f[ua]rthest (?:off|out|from (?:the )?(?:truth|mark|target|"
    r"real \w+|actual \w+|true \w+))|most (?:off|wrong(?:ly)?)|(?<=misjudge )most|"
    r"(?<=misread )most|wrong by the most|by the widest margin)"
)
_SIZE = r"(?:single )?(?:largest|biggest|greatest|costliest)"
_MISTAKE = (
    r"(?:mistake|error|miss|blunder|slip|misjudge?ment|failure|miscall|(?:wrong|false|mistaken|incorrect) \w+|"
    r"(?<=worst )(?:prediction|forecast|estimate|decision|classification|verdict|guess|call))"
)
_NAMED = re.compile(
    rf"\b(?:its|their|the|that group's|the group's|the model's) {_ORDINAL}(?:{_SUREST}|{_SIZE}) {_MISTAKE}\b"
    rf"(?! (?:rates?|bars?)\b)(?: (?:it|the model) (?:makes|made))?(?: of (?:all|the model))?",
    re.IGNORECASE,
)
_ERRED = re.compile(
    rf"\b(?:{_MISTAKE}s?|misses|wrong(?:ly)?|missed|mis(?:judge|classif|place|read|took|taken|label)\w*|fool(?:s|ed)|"
    r"falsely|false|(?:took|taken|takes) .*\bfor|(?:furthest|farthest|most) (?:off|out|from))\b",
    re.IGNORECASE,
)
_HOW_SURE = re.compile(rf"\b{_ORDINAL}(?:{_SUREST}|{_SIZE}(?= {_MISTAKE}\b)|{_SIZE}(?= by\b))\b", re.IGNORECASE)
_SHOW = (
    r"(?:(?:and|then|please|now|first) )*(?:find|(?:show|give|tell)(?: me)?|name|take|pick|list|see|look at|"
    r"look up|get|"
    r"what(?: is|'s|s| was)|(?:which|what)(?: \w+)? (?:is|was|has|had)|who(?: is|'s| was))"
)
_ASKS_ROW = re.compile(
    rf"(?:{_SHOW}|and|where|which|what (?={_MISTAKE})|who|whom|the|its|their|on whom|about whom|for (?:which|whom))\b",
    re.IGNORECASE,
)
_SHOWN = re.compile(rf"(?:^|,\s*){_SHOW}?\s*$", re.IGNORECASE)
_MANY = re.compile(r"\bhow (?:many|often)\b|\b(?:errors?|mistakes?) rates?\b|\baccura\w+\b", re.IGNORECASE)
_HIGH = {
    **dict.fromkeys(("highest", "largest", "biggest", "greatest", "longest", "most", "maximum", "top", "tallest"), 1),
    **dict.fromkeys(("lowest", "smallest", "shortest", "least", "fewest", "minimum"), -1),
}
_WITH = re.compile(
    rf"\b(?P<holder>(?:the|that|an?) (?:[\w-]+ ){{1,3}}?(?:with|having|of|that has|who has)|"
    rf"(?:whoever|anyone|the one) (?:has|with|having)|"
    rf"(?:who|which \w+)(?: (?:among|of|in) (?:[\w-]+ ){{1,4}}?)?(?: ?\bhas)) (?:the )?(?P<most>{'|'.join(_HIGH)}) ",
    re.IGNORECASE,
)
_EST = re.compile(r"\bthe (?P<most>\w{2,}est)\b", re.IGNORECASE)
_AFTER = re.compile(
    r"\s+(?:to|be|is|are|was|were|would|will|could|can|should|taken|seen|judged|called|classified|predicted|and|"
    r"get|gets|"
    r"got|has|have|had|in terms|according)\b|[,;:.?!]|$",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"\b(?:accura\w+|error rates?|error|wrong|err(?:s|ing)?|mistakes?|fails?|(?:further|furthest|farther|"
    r"farthest|far) off|"
    r"misjudge\w*|misclassif\w*|struggles?|trouble|hard(?:er|est) for|does|do|"
    r"performs?|worst for|best for|reliable|right)\b",
    re.IGNORECASE,
)
_MOST = re.compile(
    r"\b(?:highest|worst|worse|lowest|most|furthest|further|farther|farthest|best|least|poorest|largest|"
    r"smallest|greatest|fewest|hardest|more|fewer|struggles?|trouble)\b",
    re.IGNORECASE,
)
_GROUP = re.compile(
    r"(?:(?:and|then|please|now|first) )*(?:find|show|name|take|pick|look (?:up|at|into)|which|what|who|"
    r"for (?:which|what)|in (?:which|what)|among "
    r"(?:which|what)|on (?:which|what)|by|with (?:which|what)|at (?:which|what)|where)\b",
    re.IGNORECASE,
)
_THE = re.compile(r"(?:for|in|on|among|within|at|of) the ", re.IGNORECASE)
_GOOD = re.compile(r"\b(?:accura\w+|right|reliable|best for)\b", re.IGNORECASE)
_UP = re.compile(r"\b(?:highest|most|best|largest|greatest)\b", re.IGNORECASE)
_DOWN = re.compile(r"\b(?:lowest|least|smallest|fewest)\b", re.IGNORECASE)
_FEATURE = re.compile(
    rf"\b(?:(?:whatever|the (?:one )?(?:feature|factor|input|variable|column|measurement|trait|"
    rf"thing)(?: (?:that|which))?) "
    rf"(?:it (?:relies|leans|depends|goes) (?:on|by) |(?:it |the model )?(?:weighs|counts|matters) ?)"
    rf"(?:the )?{_ORDINAL}(?:most|best)(?: to (?:it|the model))?|"
    rf"(?:the|its|the model's) {_ORDINAL.replace('ordinal', 'nth')}(?:single )?(?:most (?:important|"
    rf"influential)|strongest|"
    r"top) (?:feature|factor|input|variable|column|measurement|trait))\b(?: (?:overall|of all|to (?:it|the model)))*",
    re.IGNORECASE,
)
_WORD = re.compile(
    r"\b(?:the|its|their|that \w+'s) (?:single )?(?:heaviest|strongest|weightiest|top|loudest|most (?:telling|"
    r"important|influential|"
    r"decisive|weighty)) word\b",
    re.IGNORECASE,
)


def pick_in(clause: str, schema: Schema) -> Pick | None:
    """The first thing that a clause describes and does not name, None where there is none that we can find."""
    said = _NOT_FIRST.sub("", _BUT.sub(_meant, clause))
    for read in (_word, _feature, _group, _extreme, _mistake):
        found = read(said, schema)
        if found is not None:
            return found
    return None


def _meant(match: re.Match[str]) -> str:
    """“the second largest miss” of “not the largest miss but the second largest”."""
    meant = match["meant"]
    return meant if re.search(rf"\b{re.escape(match['noun'])}\b", meant, re.IGNORECASE) else f"{meant} {match['noun']}"


def states_mistake(said: str, schema: Schema) -> bool:
    """Whether a clause asks for nothing and says what was taken for what: “a Republican was taken for a Democrat”."""
    told = class_conditions(said, schema)
    asks = any(one.match(said) for one in (_GROUP, _ASKS_ROW, _MANY))
    return told is not None and len(told) == 2 and not asks


def _place(match: re.Match[str]) -> int:
    found = match.groupdict()
    said = found.get("ordinal") or found.get("nth")
    return (ordinal_value(said) if said else None) or 1


def _rest(text: str, start: int, end: int) -> tuple[str, str]:
    """What a clause asks besides showing what was picked, empty where that is all, and the words about the rows."""
    before, after = text[:start], text[end:]
    lead, before = _lead(before)
    if (_SHOWN.search(before) and before.strip().casefold() not in ("and",)) or not before.strip():
        its = re.match(r"(?P<rows>.*?)\s*(?:,| and| ,and) (?P<its>(?:its|their|his|her)\b.+)", after)
        if its:
            return f"what is {HERE}'s {its['its'].split(' ', 1)[1]}", f"{lead} {its['rows']}".strip()
        if not re.match(r"\s+(?:is|are|was|were|be|would|taken|seen|judged|called|classified|predicted)\b", after):
            return "", f"{lead} {after}".strip()
    return f"{before}{HERE}{after}".strip(" ,"), lead


def _lead(text: str) -> tuple[str, str]:
    """A phrase in front that says among which rows, and what follows it."""
    found = re.match(r"((?:among|amongst|of|in|for|within|where|with|by|from|on|at|out of)\b[^,]*),\s*", text, re.I)
    return (found[1], text[found.end() :]) if found else ("", text)


def _word(text: str, schema: Schema) -> Pick | None:
    found = _WORD.search(text) if schema.modality == "text" else None
    if found is None:
        return None
    rest = "" if _SHOWN.search(text[: found.start()]) else f"{text[: found.start()]}{HERE}{text[found.end() :]}"
    return Pick("word", ("explain_text",), (), {}, rest=rest)


def _feature(text: str, schema: Schema) -> Pick | None:
    found = _FEATURE.search(text) if schema.modality == "table" else None
    if found is None:
        return None
    rest, _ = _rest(text, *found.span())
    return Pick("feature", ("importance",), ("importance",), {}, place=_place(found), rest=rest)


def _group(text: str, schema: Schema) -> Pick | None:
    """“In which job class is the error rate worst”, “by savings, where is accuracy lowest”."""
    front, after = fronted(text)
    if front and after and _rated(front, after, schema):
        picked = _group(_THE.sub("which ", front), schema)
        return None if picked is None else replace(picked, rest=after)
    if schema.modality != "table" or not (_GROUP.match(text) and _RATE.search(text) and _MOST.search(text)):
        return None
    found = mentions(text, schema)
    features = [one.feature for one in found if one.feature is not None]
    if len(features) != 1 or any(one.kind in ("C", "N", "K") for one in found):
        return None
    rates = bool(schema.classes)
    good = bool(_GOOD.search(text)) and not re.search(r"\bwrong|\berrors?\b|\bmistake", text, re.IGNORECASE)
    worst = bool(_DOWN.search(text)) if good else not _DOWN.search(text)
    if "best for" in text.casefold():
        worst = False
    return rated_group({"feature": features[0].name}, rates, worst=worst)


def rated_group(args: Mapping[str, Any], rates: bool, *, worst: bool = True) -> Pick:
    """The group for which the model is worst (or best). rates: whether by its accuracy, else by how far it is off."""
    return Pick(
        "group", ("group_compare",), ("accuracy_of", "accuracy_each") if rates else ("off_of", "off_each"), args,
        by="smallest" if rates == worst else "largest",
    )  # fmt: skip


def _rated(front: str, after: str, schema: Schema) -> bool:
    """Whether what stands in front describes a group by itself: “for the sex it is least accurate for, ...”."""
    return bool(_RATE.search(front) and _MOST.search(front)) and _THE.match(front) is not None


def _extreme(text: str, schema: Schema) -> Pick | None:
    """“the oldest home owner”, “whoever has the highest BMI”."""
    if schema.modality != "table":
        return None
    if found := _WITH.search(text):
        named = lexicon(schema).at([one for one in tokens(text) if one.start >= found.end()], 0)
        feature = named[0].feature if named is not None and named[0].kind == "F" else None
        if feature is not None and feature.numeric and named is not None:
            after = [one for one in tokens(text) if one.start >= found.end()]
            sign = _HIGH[found["most"].casefold()]
            rest, rows = _rest(text, found.start(), after[named[1] - 1].end)
            kept = _narrow(found["holder"], schema)
            return _of_feature(feature, sign, f"{kept} {rows}", rest)
    for found in _EST.finditer(text):
        told = next(filter(None, (comparative(one, schema) for one in _more(found["most"]))), None)
        if told is None:
            continue
        end = _AFTER.search(text, found.end())
        rest, rows = _rest(text, found.start(), end.start() if end else len(text))
        kept = _narrow(text[found.end() : end.start() if end else None], schema)
        return _of_feature(told[0], told[1], f"{kept} {rows}", rest)
    return None


def _of_feature(feature: Feature, sign: int, rows: str, rest: str) -> Pick:
    return Pick(
        "row", ("statistic",), ("extreme",), {"feature": feature.name, "measure": "max" if sign > 0 else "min"},
        rows=" ".join(rows.split()), rest=rest,
    )  # fmt: skip


def _more(superlative: str) -> tuple[str, ...]:
    """The comparatives of which a word may be the superlative: “oldest” of “older”."""
    return (superlative[:-2] + "r",)


def _narrow(text: str, schema: Schema) -> str:
    """The words of a description if any says more than that it is a row."""
    return text.strip() if any(one.kind in ("F", "C", "K", "Q", "O") for one in mentions(text, schema)) else ""


def _mistake(text: str, schema: Schema) -> Pick | None:
    """“its worst mistake”, “the good customer it rejected most firmly”."""
    if (found := _NAMED.search(text)) and not _asks_else(_lead(text)[1], schema):
        rest, rows = _rest(text, *found.span())
        said = text if not rest else f"{rows} {found[0]}"
        return _wrong(_place(found), said, rows, rest, implied=not found[0].casefold().startswith("the model"))
    lead, body = _lead(text)
    sure = _HOW_SURE.search(body)
    if sure is None or _MANY.search(text) or not _ASKS_ROW.match(body) or _asks_else(body, schema):
        return None
    wrong = _ERRED.search(text) is not None
    classes = {one.named.label for one in mentions(text, schema) if one.kind == "K" and one.named is not None}
    if not wrong and len(classes) < 2:
        return None
    return _wrong(_place(sure), text, lead or f"{body[: sure.start()]}{body[sure.end() :]}".strip(), "")


def _asks_else(body: str, schema: Schema) -> bool:
    """Whether “which ...” asks for something other than a row: “which group has the largest error”."""
    asked = re.match(r"(?:and )?(?:for |on |about )?(?:which|what) (?P<noun>[\w-]+)", body, re.IGNORECASE)
    if asked is None or asked["noun"].casefold() in ("one", "of", "is", "was", "did", "does", "has"):
        return False
    if re.fullmatch(_MISTAKE, asked["noun"], re.IGNORECASE):
        return False
    return not any(one.kind in ("I", "E", "K") and one.start == asked.start("noun") for one in mentions(body, schema))


def _wrong(place: int, said: str, rows: str, rest: str, *, implied: bool = False) -> Pick:
    return Pick(
        "row", ("mistakes",), ("mistake", "largest_error"), {"what": "sample"} | ({"k": place} if place > 5 else {}),
        place=place, wrong=True, said=said, rows=rows, rest=rest, implied=implied,
    )  # fmt: skip
